"""The pictures of a printed page: left stays left, the needle lies where it lies, and grey tells bone from nerve."""

import numpy as np
import pytest
import pyvista as pv

from spinect_core.geometry.view import View
from spinect_core.image.organs import NUMBERS, Organ, Organs
from spinect_core.image.volume import NERVE, Geometry, Labels, Volume
from spinect_core.pictures.fluoroscopy import Attenuation
from spinect_core.pictures.on_paper import (
    LIGHT_BONE,
    PAPER,
    PIXELS,
    beam_picture,
    hub_picture,
    plane_picture,
)
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.search.axial import needle_plane, upright_plane
from spinect_core.planning.zones.obstacles import Obstacles

GRID = Geometry((90, 110, 120), (2.0, 2.0, 2.0), (-119.0, -119.0, -89.0))
NEEDLE = Needle(
    "way", "kambin", "left", "L5/S1", "bony", (60.0, 70.0, 30.0), (20.0, 0.0, -10.0), length_mm=127
)


def grey(picture) -> np.ndarray:
    return picture.astype(float) @ np.array([0.299, 0.587, 0.114])


def places() -> np.ndarray:
    return GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1))


def ct(bright) -> Volume:
    array = np.full(GRID.shape, -120, np.int16)
    array[bright(places())] = 900
    return Volume(array, GRID)


def labels(nerve=None) -> Labels:
    array = np.zeros(GRID.shape, np.uint8)
    if nerve is not None:
        array[nerve(places())] = NERVE
    return Labels(array, GRID)


def bright_side(picture) -> tuple[float, float]:
    """How far the bright part lies to the right of the middle, and below it, in pixels; letters do not count."""
    body = grey(picture)[40:-60, 60:-60] > 200
    rows, columns = np.nonzero(body)
    return columns.mean() - body.shape[1] / 2, rows.mean() - body.shape[0] / 2


def test_in_the_tilted_plane_the_patients_left_is_right_and_the_back_is_below() -> None:
    plane = needle_plane(NEEDLE)
    left, _ = bright_side(plane_picture(ct(lambda at: at[..., 0] > 75), labels(), NEEDLE, plane))
    right, _ = bright_side(plane_picture(ct(lambda at: at[..., 0] < 5), labels(), NEEDLE, plane))
    _, back = bright_side(plane_picture(ct(lambda at: at[..., 1] > 60), labels(), NEEDLE, plane))
    assert left > 60
    assert right < -60
    assert back > 60


def test_in_the_upright_plane_the_head_is_above_and_the_hub_to_the_right() -> None:
    plane = upright_plane(NEEDLE)
    _, head = bright_side(plane_picture(ct(lambda at: at[..., 2] > 45), labels(), NEEDLE, plane))
    back, _ = bright_side(plane_picture(ct(lambda at: at[..., 1] > 55), labels(), NEEDLE, plane))
    assert head < -40
    assert back > 60
    assert plane.entry[0] > 0 > plane.target[0]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_both_planes_hold_the_needle_and_stand_upright_on_each_other(side: float) -> None:
    needle = Needle("", "safe", "left", "L5/S1", "", (60.0 * side, 70.0, 30.0), (20.0 * side, 0.0, -10.0))
    first, second = needle_plane(needle), upright_plane(needle)
    for plane in (first, second):
        ends = np.array([needle.entry, needle.target])
        np.testing.assert_allclose(plane.to_patient(plane.to_plane(ends)), ends, atol=1e-9)
        np.testing.assert_allclose([plane.entry, plane.target], plane.to_plane(ends), atol=1e-9)
    normals = [np.cross(plane.across, plane.down) for plane in (first, second)]
    assert normals[0] @ normals[1] == pytest.approx(0.0, abs=1e-12)
    # the needle lies level in the second, and up is towards the head
    assert second.entry[1] == pytest.approx(second.target[1], abs=1e-9)
    assert second.down[2] < 0


def test_the_needle_is_white_with_a_black_edge_and_dotted_beyond_its_tip() -> None:
    bare = plane_picture(ct(lambda at: at[..., 0] > 1e6), labels(), NEEDLE, upright_plane(NEEDLE))
    row = grey(bare)[PIXELS // 2 - 1]
    white = np.flatnonzero(row > 250)
    # the line from tip to hub is whole; dots with dark between them lie before it
    length = float(np.linalg.norm(np.subtract(NEEDLE.entry, NEEDLE.target)))
    field = length + 30.0 + 2 * 14.0
    whole = max(np.split(white, np.flatnonzero(np.diff(white) > 1) + 1), key=len)
    assert len(whole) == pytest.approx(length / field * PIXELS, abs=14)
    dots = white[(white < whole[0] - 8) & (white > 70)]
    assert np.count_nonzero(np.diff(dots) > 3) >= 4
    assert grey(bare)[PIXELS // 2 - 4, whole[20] : whole[-20]].max() < 60


def test_nerve_is_outlined_and_organs_that_must_not_be_met_are_named() -> None:
    plane = needle_plane(NEEDLE)
    empty = plane_picture(ct(lambda at: at[..., 0] > 1e6), labels(), NEEDLE, plane)
    ball = labels(lambda at: np.linalg.norm(at - [-10.0, 10.0, -5.0], axis=-1) < 12)
    with_nerve = plane_picture(ct(lambda at: at[..., 0] > 1e6), ball, NEEDLE, plane)
    changed = np.any(empty != with_nerve, axis=-1)
    rows, columns = np.nonzero(changed)
    row, column = round((rows.min() + rows.max()) / 2), round((columns.min() + columns.max()) / 2)
    middle = changed[row - 15 : row + 15, column - 15 : column + 15]
    assert 100 < changed.sum() < 3000
    assert not middle.any()  # an outline, and the CT within
    assert grey(with_nerve)[changed].min() > 200
    array = np.zeros(GRID.shape, np.uint8)
    array[np.linalg.norm(places() - [-10.0, 10.0, -5.0], axis=-1) < 12] = NUMBERS[Organ.BOWEL]
    bowel = Organs(array, GRID, (Organ.BOWEL,))
    muscle = Organs(
        np.where(array > 0, NUMBERS[Organ.BACK_LEFT], 0).astype(np.uint8), GRID, (Organ.BACK_LEFT,)
    )
    drawn = plane_picture(ct(lambda at: at[..., 0] > 1e6), labels(), NEEDLE, plane, bowel)
    assert np.any(empty != drawn, axis=-1).sum() > 300
    same = plane_picture(ct(lambda at: at[..., 0] > 1e6), labels(), NEEDLE, plane, muscle)
    np.testing.assert_array_equal(same, empty)


def test_where_the_ct_ends_it_is_hatched_and_not_black() -> None:
    small = Geometry((20, 20, 20), (2.0, 2.0, 2.0), (0.0, 20.0, -10.0))
    volume = Volume(np.full(small.shape, -1000, np.int16), small)
    picture = plane_picture(volume, labels(), NEEDLE, needle_plane(NEEDLE))
    assert (grey(picture) > 200).mean() > 0.6


def balls(view: View) -> Obstacles:
    """Bone to the right of the picture's middle, nerve above it, 20 mm off the needle."""
    target = np.asarray(NEEDLE.target)
    bone = pv.Sphere(radius=8.0, center=target + 20 * view.right, theta_resolution=60, phi_resolution=60)
    nerve = pv.Sphere(radius=8.0, center=target + 20 * view.up, theta_resolution=60, phi_resolution=60)
    return Obstacles(bone.triangulate(), nerve.triangulate())


def test_the_view_from_the_hub_is_along_the_needle_bone_light_and_nerve_dark() -> None:
    picture = hub_picture(balls(NEEDLE.view), NEEDLE, ())
    shift = round(20.0 / 75.0 * PIXELS)
    middle = PIXELS // 2
    bone, nerve = picture[middle, middle + shift], picture[middle - shift, middle]
    assert grey(bone[None])[0] > 0.8 * grey(np.array([LIGHT_BONE]))[0]
    assert grey(nerve[None])[0] < 130
    assert tuple(picture[middle + shift, middle]) == PAPER
    assert tuple(picture[middle, middle - shift]) == PAPER
    # the ring of the needle in the middle, black and white whatever is behind it
    ring = grey(picture)[middle - 25 : middle + 25, middle - 25 : middle + 25]
    assert ring.min() < 60
    assert ring.max() > 240


def test_borders_of_the_triangle_are_drawn_where_they_are() -> None:
    view = NEEDLE.view
    target = np.asarray(NEEDLE.target)
    line = [target - 15 * view.up, target - 15 * view.up + 10 * view.right]
    empty = hub_picture(balls(view), NEEDLE, ())
    drawn = hub_picture(balls(view), NEEDLE, (line,))
    rows, columns = np.nonzero(np.any(empty != drawn, axis=-1))
    per_mm = PIXELS / 75.0
    assert rows.mean() == pytest.approx(PIXELS / 2 + 15 * per_mm, abs=3)
    assert columns.min() == pytest.approx(PIXELS / 2, abs=5)
    assert columns.max() == pytest.approx(PIXELS / 2 + 10 * per_mm, abs=5)


def test_simulated_fluoroscopy_is_seen_from_the_hub_with_bone_dark() -> None:
    view, target = NEEDLE.view, np.asarray(NEEDLE.target)
    middle = target + 25 * view.right
    body = np.where(places()[..., 1] < 65, 0, -1000).astype(np.int16)
    array = np.where(np.linalg.norm(places() - middle, axis=-1) < 9, 1200, body).astype(np.int16)
    with_bone = grey(beam_picture(Attenuation.of(Volume(array, GRID)), NEEDLE))
    without = grey(beam_picture(Attenuation.of(Volume(body, GRID)), NEEDLE))
    rows, columns = np.nonzero((with_bone < without - 40)[40:-70, 40:-90])
    # the field is 114.7 mm wide at the tip
    assert columns.mean() + 40 == pytest.approx(PIXELS / 2 + 25 / 114.7 * PIXELS, abs=12)
    assert rows.mean() + 40 == pytest.approx(PIXELS / 2, abs=12)
    ring = with_bone[PIXELS // 2 - 20 : PIXELS // 2 + 20, PIXELS // 2 - 20 : PIXELS // 2 + 20]
    assert ring.min() < 40
    assert ring.max() > 240
