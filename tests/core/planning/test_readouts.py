"""What is set in the room leads back to the same needle, however the patient lies, and left is never right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.view import View
from spinect_core.image.position import PatientPosition, position_of
from spinect_core.image.scan import Numbering, Scan, slice_numbers
from spinect_core.image.volume import Geometry, Volume
from spinect_core.plan.build import readouts_record
from spinect_core.plan.readout_wording import readout_facts
from spinect_core.plan.records import NeedleRecord, ReadoutsRecord
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.palpable import Palpable
from spinect_core.planning.needle.readouts import (
    Lasers,
    beam_of,
    entry_of,
    gantry_of,
    lasers_of,
    read_out,
    view_of_beam,
    view_of_c_arm,
    view_of_gantry,
    view_of_lasers,
)

P = PatientPosition
POSITIONS = st.sampled_from(list(P))
VIEWS = st.builds(View, st.floats(-180, 180), st.floats(-90, 90))
NEAR_DEG, NEAR_MM = 0.01, 0.1
MARKS = {"S1 upper end plate centre": (4.0, 0.0, 10.0), "L5 body centre": (7.0, -12.0, 42.0)}
MIRROR = {P.HEAD_FIRST_RIGHT_DOWN: P.HEAD_FIRST_LEFT_DOWN, P.HEAD_FIRST_LEFT_DOWN: P.HEAD_FIRST_RIGHT_DOWN,
          P.FEET_FIRST_RIGHT_DOWN: P.FEET_FIRST_LEFT_DOWN, P.FEET_FIRST_LEFT_DOWN: P.FEET_FIRST_RIGHT_DOWN}  # fmt: skip


def planned(view: View, target: tuple[float, float, float] = (20.0, 10.0, -5.0)) -> Needle:
    entry = tuple(np.add(target, 80.0 * view.vector))
    return Needle("", "kambin", "left", "L5/S1", "bony", entry, target, created="2026-01-01")


# ------------------------------------------------------------------------------------------------------- the position


@pytest.mark.parametrize(
    ("code", "left", "back", "head"),
    [  # the room's x to the right of who faces the gantry, y into it, z up
        ("HFS", (1, 0, 0), (0, 0, -1), (0, 1, 0)),
        ("HFP", (-1, 0, 0), (0, 0, 1), (0, 1, 0)),
        ("FFS", (-1, 0, 0), (0, 0, -1), (0, -1, 0)),
        ("FFP", (1, 0, 0), (0, 0, 1), (0, -1, 0)),
        ("HFDR", (0, 0, 1), (1, 0, 0), (0, 1, 0)),
        ("HFDL", (0, 0, -1), (-1, 0, 0), (0, 1, 0)),
        ("FFDR", (0, 0, 1), (-1, 0, 0), (0, -1, 0)),
        ("FFDL", (0, 0, -1), (1, 0, 0), (0, -1, 0)),
    ],
)
def test_the_patient_lies_as_dicom_says(code, left, back, head) -> None:
    axes = position_of(code).axes
    assert np.allclose(axes, np.column_stack([left, back, head]))
    assert np.linalg.det(axes) == pytest.approx(1.0)  # a mirror image would swap left and right


@pytest.mark.parametrize("code", ["", None, "HLP", "prone"])
def test_a_position_that_no_table_has_is_unknown(code) -> None:
    assert position_of(code) is None


# ----------------------------------------------------------------------------------------------------- there and back


@given(VIEWS, POSITIONS)
def test_every_angle_leads_back_to_the_line(view: View, position: PatientPosition) -> None:
    back = [
        view_of_gantry(gantry_of(view, position), position),
        view_of_lasers(lasers_of(view, position), position),
        *(
            view_of_beam(beam_of(view, position, detector_at_hub=side), position, detector_at_hub=side)
            for side in (True, False)
        ),
        *(
            view_of_c_arm(view.c_arm_pair(detector_at_viewer=side), detector_at_hub=side)
            for side in (True, False)
        ),
    ]
    assert max(each.angle_to(view) for each in back) <= NEAR_DEG


@given(VIEWS, POSITIONS)
def test_the_mirrored_needle_has_the_mirrored_angles(view: View, position: PatientPosition) -> None:
    """Left never stands for right: in the mirrored patient only what runs across the table changes its sign."""
    other, mirrored = MIRROR.get(position, position), View(-view.azimuth, view.elevation)
    one, two = lasers_of(view, position), lasers_of(mirrored, other)
    assert two.axial == pytest.approx(one.axial, abs=1e-5)
    beam, reflected = beam_of(view, position), beam_of(mirrored, other)
    assert reflected.pitch == pytest.approx(beam.pitch, abs=1e-5)
    assert abs(mirrored.c_arm.primary) == pytest.approx(abs(view.c_arm.primary), abs=1e-6)
    assert two.sagittal == pytest.approx(-one.sagittal, abs=1e-5)


@given(st.floats(1, 89), st.floats(-80, 80), POSITIONS)
def test_beams_of_both_detector_sides_are_one_line(oblique: float, tilt: float, position) -> None:
    view = View(oblique, tilt)
    one, two = beam_of(view, position), beam_of(view, position, detector_at_hub=False)
    assert two.pitch == pytest.approx(-one.pitch)
    assert (two.gantry - one.gantry) % 360 == pytest.approx(180.0)


@given(
    VIEWS,
    st.tuples(*[st.floats(-150, 150)] * 3),
    st.tuples(*[st.floats(0.3, 5)] * 3),
    st.tuples(*[st.floats(-180, 180)] * 3),
    st.booleans(),
    st.integers(-50, 900),
)
def test_a_place_on_a_slice_leads_back_to_the_point(view, target, spacing, turns, numbered, first) -> None:
    turned = Rotation.from_euler("xyz", turns, degrees=True).as_matrix()
    grid = Geometry((40, 30, 20), spacing, (-30.0, 20.0, 500.0), turned)
    numbers = tuple(range(first + 40, first, -1)) if numbered else ()
    scan = Scan(grid, numbers, Numbering.INSTANCE if numbered else Numbering.INDEX)
    point = planned(view, target).entry
    assert np.linalg.norm(scan.point(scan.place(point)) - point) <= NEAR_MM
    assert scan.place(point).z_mm == point[2]


@given(VIEWS, st.floats(-20, 20))
def test_the_entry_from_the_midline_leads_back_to_the_point(view: View, lean: float) -> None:
    marks = {**MARKS, "L5 body centre": (4.0 + lean, -12.0, 42.0)}
    needle = planned(view)
    place = needle.entry_place(marks)
    assert np.linalg.norm(np.subtract(entry_of(place, needle.entry[1], marks), needle.entry)) <= NEAR_MM


def test_two_angles_that_no_needle_has_are_refused() -> None:
    with pytest.raises(MeasurementError, match="No needle"):
        view_of_lasers(Lasers(60.0, 60.0, True), P.HEAD_FIRST_PRONE)


# ---------------------------------------------------------------------------------------------------- worked by hand


def test_a_left_oblique_caudal_needle_in_a_prone_patient() -> None:
    view = View.parse("left oblique 27°, caudal 12°")
    prone = P.HEAD_FIRST_PRONE
    # Straight above the hub is 0°, and a prone patient's left is at the left of who faces the gantry.
    assert beam_of(view, prone, detector_at_hub=False) == pytest.approx((333.0, 12.0))
    assert beam_of(view, prone) == pytest.approx((153.0, -12.0))
    found = gantry_of(view, prone)
    # tan of the tilt is tan 12° / cos 27°; the hub lies caudal, so the top leans to the feet, where the table enters
    assert found.tilt == pytest.approx(np.degrees(np.arctan(np.tan(np.radians(12)) / np.cos(np.radians(27)))))
    assert found.in_plane == pytest.approx(-26.364, abs=1e-3)
    assert lasers_of(view, prone) == pytest.approx((-12.0, -26.364, True), abs=1e-3)
    assert gantry_of(view, P.FEET_FIRST_PRONE).tilt == pytest.approx(-found.tilt)


def test_beams_from_the_four_sides_of_a_supine_patient() -> None:
    supine = P.HEAD_FIRST_SUPINE
    sides = {"from the front": 0.0, "left lateral": 90.0, "from behind": 180.0, "right lateral": 270.0}
    for words, gantry in sides.items():
        assert beam_of(View.parse(words), supine, detector_at_hub=False) == pytest.approx((gantry, 0.0))
    assert beam_of(View.parse("from the feet"), supine, detector_at_hub=False).pitch == pytest.approx(90.0)


def test_slices_are_named_as_their_files_number_them() -> None:
    assert slice_numbers(["7", "6", "5"], [-1] * 3) == ((7, 6, 5), Numbering.INSTANCE)
    assert slice_numbers(["1", "1", "1"], [0, 1, 2]) == ((1, 2, 3), Numbering.FRAME)
    assert slice_numbers(["1", "", "3"], [-1] * 3) == ((), Numbering.INDEX)
    assert slice_numbers(["1", "1", "3"], [-1] * 3) == ((), Numbering.INDEX)
    grid = Geometry((3, 4, 4), (1.0, 1.0, 3.0), (0.0, 0.0, 100.0))
    told = {"slice_numbers": (7, 6, 5), "slice_numbering": "instance number", "patient_position": "FFS"}
    ct = Volume(np.zeros((3, 4, 4), np.int16), grid, details=told)
    scan = Scan.of(ct)
    place = scan.place((1.0, 1.0, 104.0))
    assert (place.number, place.offset_mm, scan.position) == (6, pytest.approx(1.0), P.FEET_FIRST_SUPINE)
    cropped = Scan.of(
        Volume(ct.array[:2], Geometry((2, 4, 4), grid.spacing, grid.origin), details=ct.details)
    )
    assert (cropped.place((1.0, 1.0, 103.0)).number, cropped.numbering) == (2, Numbering.INDEX)


def test_slices_of_a_file_with_other_axes_run_along_the_patient() -> None:
    turned = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # the file's first axis runs to the head
    scan = Scan(Geometry((9, 9, 9), (2.0, 1.0, 1.0), (0.0, 0.0, 50.0), turned))
    assert scan.place((3.0, 3.0, 56.0)).number == 4


# ---------------------------------------------------------------------------------------------------------- the words


def written(view: View, position: PatientPosition = P.HEAD_FIRST_PRONE, **given_: object) -> dict[str, str]:
    needle = planned(view)
    record = readouts_record(read_out(needle, MARKS, position=position, **given_))
    again = ReadoutsRecord.from_dict(record.to_dict())
    assert again == record
    return dict(readout_facts(NeedleRecord(needle=needle, readouts=again)))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("position", [P.HEAD_FIRST_PRONE, P.FEET_FIRST_PRONE, P.HEAD_FIRST_SUPINE])
def test_words_name_the_side_on_which_the_hub_lies(side: str, position: PatientPosition) -> None:
    told = written(View.oblique(side, 27.0, -12.0), position)
    other = "right" if side == "left" else "left"
    assert f"26.4° to the sagittal, hub towards the patient's {side}" in told["Lasers"]
    assert "12.0° to the axial, hub towards the patient's feet" in told["Lasers"]
    assert f"hub towards the patient's {side}" in told["Gantry"]
    assert other not in told["Lasers"] + told["Gantry"]


def test_words_of_the_gantry() -> None:
    assert "13.4°, its top towards the feet" in written(View(27.0, -12.0))["Gantry"]
    assert "13.4°, its top towards the head" in written(View(27.0, 12.0))["Gantry"]
    # Seen from a supine patient's back the hub is below, and the top of the slice is at the belly.
    supine = written(View(27.0, -12.0), P.HEAD_FIRST_SUPINE)["Gantry"]
    assert "13.4°, its top towards the head" in supine
    assert "153.6° from the vertical" in supine
    assert "below its tip" in supine
    steep = written(View(40.0, -36.0))["Gantry"]
    assert steep.startswith("no gantry reaches the plane of this needle: 43.5°, the scanner tilts 30°")
    # just beyond the limit does not read like the limit; and along the patient there is no direction in slices
    just = written(View(27.0, -30.0), gantry_limit_deg=32.93)["Gantry"]
    assert just.startswith("no gantry reaches the plane of this needle: 33.0°, the scanner tilts 32.93°")
    assert "only a point of it is seen, as it leaves them by 85.0°" in written(View(0.0, -85.0))["Gantry"]
    assert written(View(40.0, -36.0), gantry_limit_deg=45.0)["Gantry"].startswith("tilted 43.5°")
    assert written(View(27.0))["Gantry"].startswith("without tilt; in that slice the needle runs 27.0°")


def test_words_of_c_arm_beam_and_slices() -> None:
    grid = Geometry((60, 9, 9), (1.0, 1.0, 2.0), (-20.0, 0.0, -60.0))
    scan = Scan(grid, tuple(range(160, 100, -1)), Numbering.INSTANCE, P.HEAD_FIRST_SUPINE)
    told = written(View(27.0, -12.0), scan=scan)
    assert told["C-arm"].startswith("detector at the hub 153.0° / −12.0°, or opposite −27.0° / 12.0°")
    assert told["IEC 61217"] == (
        "prone, head first: source opposite the hub gantry 153.0°, pitch −12.0°; at the hub gantry 333.0°, pitch 12.0°"
    )
    # half-way between the slices at -6 and -4; and 0.4 mm beside that at -22
    assert "target on slice 132 (instance number), 1.0 mm from its middle, z −5.0 mm" in told["Slices"]
    assert "entry on slice 141 (instance number), 0.4 mm from its middle, z −21.6 mm" in told["Slices"]
    assert "Slices" not in written(View(27.0))


def test_the_entry_from_what_is_felt() -> None:
    from spinect_core.plan.readout_wording import entry_words

    needle = planned(View(30.0))
    felt = (
        Palpable("iliac crest line", 30.0, "of the left crest alone"),
        Palpable("L5 spinous process", -5.2),
    )
    words = entry_words(readouts_record(read_out(needle, MARKS, palpable=felt)))
    assert words.endswith(
        "35 mm below the iliac crest line (of the left crest alone); at the height of the L5 spinous process"
    )
    assert "left of the midline" in words
    bare = readouts_record(read_out(needle, {}))
    assert entry_words(bare) == ""
    assert bare.midline_mm is None
