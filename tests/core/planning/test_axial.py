"""Axial and oblique planes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spinect_core.base.errors import Cancelled, MeasurementError
from spinect_core.geometry.view import View
from spinect_core.image.planes import AIR
from spinect_core.image.volume import Geometry, Volume
from spinect_core.plan.build import axial_record
from spinect_core.plan.wording import in_plane_sentence
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.search.axial import across_plane, in_plane_trajectory, needle_plane, reformat


def needle(side: str, oblique: float, tilt: float, depth: float = 80.0) -> Needle:
    target = np.array([20.0 if side == "left" else -20.0, 5.0, -8.0])
    entry = target + depth * View.oblique(side, oblique, tilt).vector
    return Needle("", "safe", side, "L5/S1", "", tuple(entry), tuple(target))


def hill(oblique: float, tilt: float) -> float:
    """A free area that is largest, 30 mm², at oblique 27 and caudal 18, and 0 from 12° on."""
    return max(0.0, 30.0 * (1 - View(oblique, tilt).angle_to(View(27.0, -18.0)) / 12.0))


def test_no_axial_slice_reaches_what_lies_18_degrees_caudal() -> None:
    way = in_plane_trajectory(hill)
    assert (way.tilt, way.area_mm2, way.possible) == (0.0, 0.0, False)
    assert in_plane_sentence(way) == "No needle reaches it within an axial slice, whatever the obliquity."


def test_a_gantry_tilt_makes_it_possible() -> None:
    # tan g = tan(-18°) / cos 27°: the tilt of the slices that hold the best line of sight.
    gantry = float(np.degrees(np.arctan(np.tan(np.radians(-18.0)) / np.cos(np.radians(27.0)))))
    way = in_plane_trajectory(hill, gantry, step_deg=0.5)
    assert way.possible
    assert way.area_mm2 == pytest.approx(30.0, abs=0.5)
    assert (way.oblique, way.tilt) == (pytest.approx(27.0, abs=0.5), pytest.approx(-18.0, abs=0.3))
    assert (
        in_plane_sentence(way)
        == "A needle within slices tilted 20° with the back edge towards the feet reaches it at oblique 27°; "
        + (f"{way.area_mm2:.1f} mm² are free there.")
    )
    # That tilt is the one of the needle's own plane.
    assert needle_plane(needle("left", 27.0, -18.0)).gantry_deg == pytest.approx(gantry)
    assert needle_plane(needle("right", 27.0, -18.0)).gantry_deg == pytest.approx(gantry)


def test_a_view_that_the_rules_leave_goes_before_a_larger_one() -> None:
    area = lambda o, t: 50.0 - abs(o - 10.0)  # noqa: E731
    way = in_plane_trajectory(area, kept=lambda o, t: o >= 20.0)
    assert (way.oblique, way.area_mm2, way.kept) == (pytest.approx(20.0), pytest.approx(40.0), True)
    # where the rules leave only what is closed, the largest is told, and that they refuse it
    way = in_plane_trajectory(lambda o, t: max(0.0, area(o, t) - 30.0), kept=lambda o, t: o >= 40.0)
    assert (way.oblique, way.kept, way.possible) == (pytest.approx(10.0), False, True)
    assert in_plane_sentence(way) == (
        "A needle within an axial slice reaches it at oblique 10°; 20.0 mm² are free there, but the rules refuse every "
        "such view."
    )
    record = axial_record(way)
    assert record.refused
    assert not axial_record(in_plane_trajectory(area)).refused


def test_what_the_rules_refuse_is_looked_along_only_where_they_leave_nothing_open() -> None:
    looked: list[float] = []

    def area(oblique: float, _tilt: float) -> float:
        looked.append(oblique)
        return 50.0 - abs(oblique - 10.0)

    in_plane_trajectory(area, step_deg=10.0, kept=lambda o, t: o >= 20.0)
    np.testing.assert_allclose(looked, [20, 30, 40, 50, 60], atol=1e-9)
    looked.clear()
    in_plane_trajectory(area, step_deg=10.0, kept=lambda o, t: False)
    np.testing.assert_allclose(looked, [0, 10, 20, 30, 40, 50, 60], atol=1e-9)


def test_in_an_axial_slice_the_best_obliquity_is_taken() -> None:
    way = in_plane_trajectory(lambda o, t: 50.0 - abs(o - 33.0) if t == 0 else 99.0)
    assert (way.oblique, way.tilt, way.area_mm2) == (pytest.approx(33.0), 0.0, pytest.approx(50.0))
    assert (
        in_plane_sentence(way)
        == "A needle within an axial slice reaches it at oblique 33°; 50.0 mm² are free there."
    )


@pytest.mark.parametrize("gantry", [-30.0, 0.0, 15.0])
def test_every_line_of_sight_tried_lies_in_the_slices(gantry: float) -> None:
    tried: list[tuple[float, float]] = []

    def area(oblique: float, tilt: float) -> float:
        tried.append((oblique, tilt))
        return 1.0

    in_plane_trajectory(area, gantry, step_deg=5.0)
    normal = np.array([0.0, -np.sin(np.radians(gantry)), np.cos(np.radians(gantry))])
    off = [abs(View.oblique(side, *pair).vector @ normal) for pair in tried for side in ("left", "right")]
    assert max(off) < 1e-12
    assert len(tried) == 13


def test_what_cannot_be_tried_is_refused_and_the_user_can_stop() -> None:
    for gantry, step in ((80.0, 1.0), (float("nan"), 1.0), (0.0, 0.0)):
        with pytest.raises(MeasurementError, match="no sense"):
            in_plane_trajectory(hill, gantry, step_deg=step)

    class Stop:
        def is_set(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        in_plane_trajectory(hill, cancel=Stop())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("oblique", "tilt"), [(27.0, -18.0), (0.0, 25.0), (60.0, 0.0), (45.0, 40.0)])
def test_the_plane_holds_the_needle_and_the_left_to_right_axis(
    side: str, oblique: float, tilt: float
) -> None:
    planned = needle(side, oblique, tilt)
    plane = needle_plane(planned)
    np.testing.assert_allclose(plane.to_patient([plane.entry, plane.target]), [planned.entry, planned.target])
    np.testing.assert_allclose(plane.to_plane(planned.entry), plane.entry)
    assert plane.across.tolist() == [1.0, 0.0, 0.0]
    assert plane.down @ plane.across == 0.0
    assert plane.down[1] > 0
    # The needle comes from behind, below in the picture, and from its own side: the patient's left is on the right.
    assert plane.entry[1] > plane.target[1]
    if oblique:
        assert (plane.entry[0] > plane.target[0]) == (side == "left")
    assert (plane.words == "axial plane") == (tilt == 0)
    if tilt == 25.0:
        assert plane.words == "axial plane tilted 25° with the back edge towards the head"


def test_a_needle_from_the_side_lies_in_the_axial_plane() -> None:
    plane = needle_plane(needle("left", 90.0, 0.0))
    assert plane.gantry_deg == pytest.approx(0.0, abs=1e-6)


def ramp(rotation: np.ndarray) -> Volume:
    """HU that rise evenly in the patient: 2 x - 3 y + 5 z, on a grid in any pose."""
    shape, spacing = (40, 60, 50), (2.0, 1.5, 3.0)
    middle = rotation @ (np.array([50, 60, 40]) * spacing / 2)
    grid = Geometry(shape, spacing, tuple(-middle + np.array([10.0, 40.0, 0.0])), rotation)
    index = np.stack(np.indices(shape), axis=-1)
    return Volume((grid.to_patient(index) @ [2.0, -3.0, 5.0]).astype(np.float32), grid)


@pytest.mark.parametrize("angles", [(0, 0, 0), (90, 0, 180), (12, -7, 25)])
def test_the_ct_in_the_plane_of_the_needle(angles: tuple[float, float, float]) -> None:
    volume = ramp(Rotation.from_euler("xyz", angles, degrees=True).as_matrix())
    planned = needle("left", 27.0, -18.0, 60.0)
    image = reformat(volume, needle_plane(planned), (60.0, 60.0), 0.5)
    assert image.pixels.shape == (120, 120)
    assert image.pixels.dtype == np.float32
    for point in (planned.entry, planned.target, planned.at(22.0)):
        column, row = np.rint(image.to_pixel(point)).astype(int)
        assert image.inside[row, column]
        # Half a pixel of rounding, at 6.2 HU a mm.
        assert image.pixels[row, column] == pytest.approx(np.dot(point, [2.0, -3.0, 5.0]), abs=2.3)
    rows, columns = np.indices(image.pixels.shape)
    offsets = np.stack([columns - 59.5, rows - 59.5], axis=-1) * 0.5
    points = image.plane.to_patient(offsets)
    index = volume.geometry.to_index(points)
    # Between the outermost centres; half a voxel farther the CT's last number is shown.
    within = np.all((index >= 0) & (index <= np.asarray(volume.array.shape) - 1), axis=-1)
    assert within.mean() > 0.8
    np.testing.assert_allclose(image.pixels[within], (points @ [2.0, -3.0, 5.0])[within], atol=0.01)
    assert np.all(image.pixels[~image.inside] == AIR)


def test_outside_the_ct_is_air() -> None:
    volume = Volume(
        np.full((5, 5, 5), 70, dtype=np.int16), Geometry((5, 5, 5), (4.0, 4.0, 4.0), (12.0, -3.0, -16.0))
    )
    image = reformat(volume, needle_plane(needle("left", 0.0, 0.0, 10.0)), (60.0, 60.0), 1.0)
    assert set(np.unique(image.pixels)) == {AIR, 70.0}
    # 20 mm of CT each way, half a voxel beyond the outermost centres.
    assert image.inside.sum() == 20 * 20
    assert np.all((image.pixels == 70.0) == image.inside)


def test_a_picture_without_pixels_is_refused() -> None:
    volume = Volume(np.zeros((2, 2, 2), dtype=np.int16), Geometry((2, 2, 2), (1.0, 1.0, 1.0)))
    plane = needle_plane(needle("left", 10.0, 10.0))
    for size, pixel in (
        ((50.0, 0.0), 1.0),
        ((50.0, 50.0), 0.0),
        ((50.0, float("nan")), 1.0),
        ((9e4, 50.0), 1.0),
    ):
        with pytest.raises(MeasurementError, match="not possible"):
            reformat(volume, plane, size, pixel)


def test_the_plane_across_a_needle_is_seen_from_its_hub():
    one = needle("left", 30.0, 10.0)
    plane = across_plane(one, 30.0)
    np.testing.assert_allclose(plane.origin, one.at(30.0))
    for way in (plane.across, plane.down):
        assert way @ one.towards_entry == pytest.approx(0.0, abs=1e-12)
    # from behind the patient his right is on the right, and his head is up
    assert plane.across[0] < -0.5
    assert plane.down[2] < -0.5
    np.testing.assert_allclose(plane.to_plane(np.asarray(one.target)), 0.0, atol=1e-9)
