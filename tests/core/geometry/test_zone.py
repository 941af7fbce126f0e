"""Zones and the membranes stretched over their borders, the worst outlines among them."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from window_scenes import regular, zone_through

from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.membrane import stretch
from spinect_core.geometry.zone import Border, Zone

STAR = np.array(
    [(9.0, 4.0)[i % 2] * np.array([np.cos(i * np.pi / 5), np.sin(i * np.pi / 5)]) for i in range(10)]
)
NOTCH = np.array([(0, 0), (12, 0), (12, 8), (6.1, 8), (6.0, 1), (5.9, 8), (0, 8)], dtype=float)
OUTLINES = {
    "three points": np.array([(0.0, 0.0), (9.0, 0.0), (0.0, 5.0)]),
    "smaller than the membrane's grid": np.array([(0.0, 0.0), (0.6, 0.0), (0.0, 0.5)]),
    "star": STAR,
    "narrow notch": NOTCH,
    "needle": np.array([(0.0, 0.0), (20.0, 0.0), (20.0, 0.2)]),
}
SHIFT = np.array([12.0, -340.0, 55.0])
TURN = Rotation.from_euler("zyx", (40, -25, 70), degrees=True)


def in_space(flat: np.ndarray) -> np.ndarray:
    heights = np.zeros(len(flat)) if flat.shape[1] == 2 else flat[:, 2]
    return TURN.apply(np.column_stack([flat[:, :2], heights])) + SHIFT


def area(points: np.ndarray, corners: np.ndarray) -> float:
    a, b, c = (points[corners[:, i]] for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize("name", OUTLINES)
def test_a_flat_outline_is_filled_exactly(name: str) -> None:
    flat = OUTLINES[name]
    membrane = stretch(in_space(flat))
    assert membrane is not None
    assert area(membrane.points, membrane.corners) == pytest.approx(shapely.Polygon(flat).area, rel=1e-9)
    back = TURN.inv().apply(membrane.points - SHIFT)
    assert np.abs(back[:, 2]).max() < 1e-9
    # No triangle reaches across a notch.
    middles = back[membrane.corners][:, :, :2].mean(axis=1)
    assert shapely.contains_xy(shapely.Polygon(flat), middles).all()


def test_a_warped_outline_carries_a_film_without_bulges() -> None:
    """x² - y² is harmonic: given on the rim, it is what a film of small slope takes inside."""
    flat = regular(60, 8.0)
    outline = np.column_stack([flat, 0.02 * (flat[:, 0] ** 2 - flat[:, 1] ** 2)])
    membrane = stretch(outline)
    assert membrane is not None
    x, y, z = membrane.points.T
    assert np.abs(z - 0.02 * (x**2 - y**2)).max() < 0.02


def test_borders_that_overshoot_where_they_meet_lose_only_the_overshoot() -> None:
    """The base runs on beyond the corner and the next border starts beside it: the loop between them is cut off."""
    overshooting = np.array([(0.0, 0.0), (11.0, 0.0), (11.0, -1.0), (0.0, 10.0)])
    assert not shapely.Polygon(overshooting).is_valid
    membrane = stretch(in_space(overshooting))
    assert membrane is not None
    assert area(membrane.points, membrane.corners) == pytest.approx(50, rel=1e-3)


def test_a_curl_within_the_zone_stays_part_of_it() -> None:
    """An outline that runs round a small loop inside of itself encloses the same."""
    curl = np.array([(0, 0), (6, 0), (6, 2), (4, 2), (4, -1), (10, 0), (10, 8), (0, 8)], dtype=float)
    membrane = stretch(in_space(curl))
    assert membrane is not None
    # What the way down from the loop and the way on to the corner cut off below the base belongs to it too.
    assert not shapely.Polygon(curl).is_valid
    assert area(membrane.points, membrane.corners) == pytest.approx(80 + 3, rel=0.001)


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.floats(-8, 8)] * 3), min_size=3, max_size=8))
def test_any_outline_gives_a_sound_surface_or_none(points: list) -> None:
    outline = np.array(points)
    assume(np.linalg.norm(outline - np.roll(outline, 1, axis=0), axis=1).min() > 0.05)
    membrane = stretch(outline)
    if membrane is None:
        return
    assert np.isfinite(membrane.points).all()
    assert membrane.corners.min() >= 0
    assert membrane.corners.max() < len(membrane.points)
    # Harmonic: nowhere beyond the borders.
    assert (membrane.points.min(axis=0) >= outline.min(axis=0) - 1.0).all()
    assert (membrane.points.max(axis=0) <= outline.max(axis=0) + 1.0).all()


def test_moving_the_outline_moves_the_membrane() -> None:
    outline = np.array([(0.0, 0.0, 0.0), (12.0, 0.0, 3.0), (9.0, 7.0, -2.0), (1.0, 8.0, 4.0)])
    here, there = stretch(outline), stretch(in_space(outline))
    assert here is not None
    assert there is not None
    assert in_space(here.points) == pytest.approx(there.points, abs=1e-9)


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0, 0), (5, 0, 0), (9, 0, 0)],
        [(0, 0, 0), (5, 0, 0), (0, 5, 0), (5, 5, 0)],
        [(1, 1, 1), (1, 1, 1), (1, 1, 1)],
    ],
    ids=["on one line", "bow tie", "one point"],
)
def test_outlines_that_enclose_nothing_are_refused(points: list) -> None:
    with pytest.raises(MeasurementError, match="enclose nothing"):
        _ = zone_through(np.array(points, dtype=float)).membrane


def test_faulty_borders_are_refused() -> None:
    with pytest.raises(MeasurementError, match="not finite"):
        Border("S1", "base", np.array([(0, 0, 0), (1, np.nan, 0)]))
    with pytest.raises(MeasurementError, match="is no border"):
        Border("S1", "base", np.zeros((1, 3)))
    with pytest.raises(MeasurementError, match="no border of a triangle called"):
        Border("S1", "roof", np.zeros((2, 3)))
    with pytest.raises(MeasurementError, match="no triangle called"):
        Zone("ellipse", "", "left", "L5/S1", ())
    with pytest.raises(MeasurementError, match="enclose nothing"):
        Zone("safe", "", "left", "L5/S1", ())


def test_borders_by_role_and_the_middle() -> None:
    zone = zone_through(np.array([(0, 0, 0), (9, 0, 0), (0, 0, 6), (-1, 0, 0)], dtype=float))
    assert zone.name == "left Kambin triangle (bony)"
    assert [len(piece) for piece in zone.border("hypotenuse")] == [3]
    assert zone_through(np.array([(0, 0, 0), (9, 0, 0), (0, 0, 6)], dtype=float)).centre == pytest.approx(
        (3, 0, 2), abs=1e-3
    )
