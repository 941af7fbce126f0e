"""A needle in a clinician's words, against needles worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinect_core.base.errors import MeasurementError
from spinect_core.planning.needle.needle import EntryPlace, Needle

TARGET = (20.0, 10.0, -5.0)
LANDMARKS = {"S1 upper end plate centre": (0.0, 0.0, 0.0), "L5 body centre": (0.0, -12.0, 20.0)}
COORDINATES = st.tuples(*[st.floats(-300, 300, allow_nan=False, width=32)] * 3)


def needle(side: str, oblique: float, tilt: float, depth: float = 80.0) -> Needle:
    """From a target 20 mm beside the midline, by oblique and cranial tilt worked out here anew."""
    sign = 1.0 if side == "left" else -1.0
    o, t = np.radians([oblique, tilt])
    target = (sign * TARGET[0], TARGET[1], TARGET[2])
    offset = depth * np.array([sign * np.sin(o) * np.cos(t), np.cos(o) * np.cos(t), np.sin(t)])
    entry = tuple(np.add(target, offset))
    return Needle("", "kambin", side, "L5/S1", "bony", entry, target, created="2026-01-01")


@pytest.mark.parametrize("side", ["left", "right"])
def test_angles_words_and_c_arm(side: str) -> None:
    planned = needle(side, 27.0, -12.0)
    sign = 1.0 if side == "left" else -1.0
    assert planned.depth_mm == pytest.approx(80.0)
    assert planned.words == f"{side} oblique 27°, caudal 12°"
    assert planned.axial_deg == pytest.approx(-12.0)
    # asin(sin 27° cos 12°)
    assert planned.sagittal_deg == pytest.approx(sign * 26.364, abs=1e-3)
    # The detector above a prone patient: 180° less the obliquity.
    assert planned.c_arm.primary == pytest.approx(sign * 153.0)
    assert planned.c_arm.secondary == pytest.approx(-12.0)
    assert planned.title == f"{side} Kambin triangle L5/S1 (bony)"


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_entry_from_the_midline_and_s1(side: str) -> None:
    planned = needle(side, 30.0, 0.0)
    place = planned.entry_place(LANDMARKS)
    assert abs(place.midline_mm) == pytest.approx(20.0 + 40.0)
    assert place.side == side
    assert place.level_mm == pytest.approx(-5.0)
    assert place.words == f"60 mm {side} of the midline, 5 mm below the S1 end plate"


def test_a_leaning_spine_takes_its_midline_along() -> None:
    lean = np.radians(10.0)
    marks = {
        "S1 upper end plate centre": (3.0, 0.0, 0.0),
        "L5 body centre": (3.0 + 30 * np.sin(lean), 0, 30 * np.cos(lean)),
    }
    # 3 mm beside the first landmark, 40 mm higher and 50 mm to the left across the leaning plane.
    across = np.array([np.cos(lean), 0, -np.sin(lean)])
    along = np.array([np.sin(lean), 0, np.cos(lean)])
    entry = np.array([3.0, 0, 0]) + 50 * across + 40 * along + np.array([0, 70.0, 0])
    place = Needle("", "safe", "left", "L5/S1", "", tuple(entry), (20.0, 0.0, 0.0)).entry_place(marks)
    assert place.midline_mm == pytest.approx(50.0)
    assert place.level_mm == pytest.approx(40 * np.cos(lean) - 50 * np.sin(lean))


def test_words_at_the_midline_itself() -> None:
    assert EntryPlace(0.2, -0.3).words == "in the midline, at the height of the S1 end plate"
    assert EntryPlace(-12.0, 7.0).words == "12 mm right of the midline, 7 mm above the S1 end plate"


def test_no_midline_without_its_landmarks() -> None:
    planned = needle("left", 30.0, 0.0)
    with pytest.raises(MeasurementError, match="L5 body centre"):
        planned.entry_place({"S1 upper end plate centre": (0, 0, 0)})
    with pytest.raises(MeasurementError, match="above"):
        planned.entry_place(LANDMARKS | {"L5 body centre": (0.0, -12.0, 0.5)})
    with pytest.raises(MeasurementError, match="above"):
        planned.entry_place(LANDMARKS | {"L5 body centre": (0.0, 0.0, -20.0)})


@given(entry=COORDINATES, target=COORDINATES, left=st.booleans(), gauge=st.sampled_from([22, 25]))
def test_mirroring_swaps_left_and_right_and_nothing_else(
    entry: tuple[float, float, float], target: tuple[float, float, float], left: bool, gauge: int
) -> None:
    if np.linalg.norm(np.subtract(entry, target)) < 2.0:
        return
    one = Needle("", "safe", "left" if left else "right", "L5/S1", "", entry, target, gauge=gauge)
    other = replace(
        one,
        side="right" if left else "left",
        entry=(-entry[0], *entry[1:]),
        target=(-target[0], *target[1:]),
    )
    assert other.depth_mm == pytest.approx(one.depth_mm)
    assert other.axial_deg == pytest.approx(one.axial_deg)
    assert other.sagittal_deg == pytest.approx(-one.sagittal_deg)
    swapped = one.words.replace("left", "LEFT").replace("right", "left").replace("LEFT", "right")
    assert other.words == swapped
    here, there = one.entry_place(LANDMARKS), other.entry_place(LANDMARKS)
    assert there.midline_mm == pytest.approx(-here.midline_mm)
    assert there.level_mm == pytest.approx(here.level_mm)


@given(entry=COORDINATES, target=COORDINATES)
def test_a_needle_survives_a_file(
    entry: tuple[float, float, float], target: tuple[float, float, float]
) -> None:
    if np.linalg.norm(np.subtract(entry, target)) < 2.0:
        return
    planned = Needle(
        "Frau Ö, 2nd",
        "kambin",
        "right",
        "L4/5",
        "neural",
        entry,
        target,
        25,
        127.0,
        "automatic",
        "2026-01-01",
    )
    read = Needle.from_dict(json.loads(json.dumps(planned.to_dict())))
    assert read == planned
    assert hash(read) == hash(planned)


def test_needles_are_equal_by_value() -> None:
    planned = needle("left", 20.0, 0.0)
    assert planned == replace(planned)
    assert planned != replace(planned, gauge=25)
    assert Needle("", "safe", "left", "L5/S1", "", np.array([0, 80, 0]), np.zeros(3), created="x") == Needle(
        "", "safe", "left", "L5/S1", "", (0.0, 80.0, 0.0), (0.0, 0.0, 0.0), created="x"
    )


def test_places_along_the_needle_and_what_is_left_outside() -> None:
    planned = needle("left", 0.0, 0.0, depth=70.0)
    assert planned.at([0.0, 70.0, 80.0]).tolist() == [[20, 80, -5], [20, 10, -5], [20, 0, -5]]
    assert planned.spare_mm == pytest.approx(19.0)
    assert replace(planned, entry=(20.0, 110.0, -5.0)).spare_mm == pytest.approx(-11.0)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kind": "other"}, "no triangle called 'other'"),
        ({"side": "up"}, "up"),
        ({"version": "soft"}, "soft"),
        ({"kind": "safe"}, "no bony version"),
        ({"gauge": 18}, "18 G"),
        ({"length_mm": 0.0}, "0.0 mm"),
        ({"length_mm": float("nan")}, "nan mm"),
        ({"entry": (0.0, float("nan"), 0.0)}, "entry"),
        ({"target": (0.0, 1.0)}, "target"),
        ({"entry": TARGET}, "no direction"),
    ],
)
def test_what_is_no_needle_is_refused(change: dict[str, object], fault: str) -> None:
    with pytest.raises(MeasurementError, match=fault):
        replace(needle("left", 20.0, 0.0), **change)


def test_a_stored_needle_that_was_changed_by_hand_is_refused() -> None:
    stored = needle("left", 20.0, 5.0).to_dict()
    with pytest.raises(MeasurementError, match="stored depth"):
        Needle.from_dict(stored | {"entry_lps_mm": [0.0, 0.0, 0.0]})
    with pytest.raises(MeasurementError, match="stored depth"):
        Needle.from_dict(stored | {"depth_mm": float("nan")})
    for missing in ("side", "gauge", "target_lps_mm", "depth_mm"):
        with pytest.raises(MeasurementError, match="not complete"):
            Needle.from_dict({key: value for key, value in stored.items() if key != missing})
    with pytest.raises(MeasurementError, match="not complete"):
        Needle.from_dict(stored | {"gauge": "thin"})
    for time in ("=1+1", "2026-01-01T00:00:00." + "0" * 1000, 5):
        with pytest.raises(MeasurementError, match="a time that is none"):
            Needle.from_dict(stored | {"created": time})
