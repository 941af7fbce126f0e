"""What lies round the labels, in trunks drawn by hand whose bones are known."""

from __future__ import annotations

import numpy as np
import pytest
import pyvista as pv
from scipy import ndimage

from spinect_core.base.arrays import FloatArray
from spinect_core.base.notes import NoteCode
from spinect_core.base.words import Kind as Triangle
from spinect_core.base.words import Side, Tissue
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume
from spinect_core.plan.wording import sentence
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import clearance, crossings
from spinect_core.planning.needle.surroundings import (
    END_PLATE,
    Kind,
    Surroundings,
    beside_roots_mm,
    labelled_box,
    unknown_mm,
)
from spinect_core.planning.room import Room, obstacles_of, outside_of
from spinect_core.surfaces import build_surfaces

pytestmark = pytest.mark.heavy

HALF = (150.0, 110.0, 70.0)
"""Of the CT, LPS mm from its middle."""
REGION = 60.0
"""Of the labels, in each direction."""
PLATE = {END_PLATE: np.zeros(3)}


def grid_of(spacing: float, half: tuple[float, ...] = HALF) -> Geometry:
    count = [int(2 * each / spacing) for each in half]
    first = tuple(-(n - 1) / 2 * spacing for n in count)
    return Geometry((count[2], count[1], count[0]), (spacing,) * 3, first)


def places(grid: Geometry) -> list[FloatArray]:
    """x, y, z of the voxels, to be broadcast."""
    return [
        np.reshape(
            grid.origin[axis] + grid.spacing[axis] * np.arange(n),
            [-1 if k == 2 - axis else 1 for k in range(3)],
        )
        for axis, n in enumerate(grid.shape[::-1])
    ]


def trunk(spacing: float = 1.5, noise: float = 0.0, **more: bool) -> Volume:
    """An oval trunk: skin, fat, muscle, a block of spine, and a curved crest on the right that goes far out of it."""
    grid = grid_of(spacing)
    x, y, z = places(grid)
    across = np.hypot(x / 130.0, y / 95.0)
    hu = np.select([across > 1.0, across > 0.98, across > 0.85], [-1000.0, 40.0, -100.0], 55.0)
    hu = np.broadcast_to(hu, grid.shape).copy()
    hu[spine(grid)] = 250.0
    hu[spine(grid) & ~ndimage.binary_erosion(spine(grid), iterations=max(round(3 / spacing), 1))] = 700.0
    wing = crest(grid)
    hu[wing] = 180.0
    hu[wing & ~ndimage.binary_erosion(wing, iterations=max(round(1.5 / spacing), 1))] = 650.0
    if more.get("table"):
        hu[np.broadcast_to((y > 96.0) & (y < 100.0) & (abs(x) < 120.0), grid.shape)] = 400.0
    if more.get("bowel"):  # full of contrast, in front, far from bone
        hu[np.broadcast_to(np.hypot(x - 70.0, y + 45.0) < 14.0, grid.shape)] = 380.0
    if more.get("metal"):
        rod = np.broadcast_to(np.hypot(x - 80.0, y - 40.0) < 4.0, grid.shape) & (z > -20.0)
        hu[rod] = 3000.0
        streaks = np.broadcast_to((abs(y - 40.0) < 3.0) & (abs(x - 80.0) < 40.0), grid.shape) & (z > -20.0)
        hu[streaks & ~rod] += 200.0
    if noise:
        hu = hu + np.random.default_rng(3).normal(0.0, noise, hu.shape)
    return Volume(np.clip(hu, -1024, 3071).astype(np.int16), grid)


def spine(grid: Geometry) -> np.ndarray:
    x, y, z = places(grid)
    return np.broadcast_to((abs(x) < 22.0) & (abs(y - 10.0) < 18.0), grid.shape) & (abs(z) < 200.0)


def crest(grid: Geometry) -> np.ndarray:
    """A wing of 8 mm on the right, from the spine to the side; it leaves the labels at x = -60."""
    x, y, z = places(grid)
    middle = 30.0 + 0.2 * (x + 20.0)
    return np.broadcast_to((x < -20.0) & (x > -105.0) & (abs(y - middle) < 4.0), grid.shape) & (z < 20.0)


def labels_of(half: float = REGION, stray: bool = False, tall: float | None = None) -> Labels:
    """Bone within a box; a thread of nerve."""
    grid = grid_of(1.0, (half, half, half if tall is None else tall))
    bone = spine(grid) | crest(grid)
    array = np.where(bone, BONE, 0).astype(np.uint8)
    array[2:8, 10:20, 45:55] = NERVE
    if stray:
        array[2:12, -8:, -8:] = BONE
    return Labels(array, grid)


@pytest.fixture(scope="module")
def plain() -> tuple[Labels, Surroundings, Room]:
    labels = labels_of()
    room = Room(labels, build_surfaces(labels), trunk())
    return labels, room.surroundings, room


def needle(entry: FloatArray, target: FloatArray) -> Needle:
    return Needle(
        name="needle",
        kind=Triangle.SAFE,
        side=Side.RIGHT,
        level="L5/S1",
        version="",
        entry=tuple(map(float, entry)),
        target=tuple(map(float, target)),
        gauge=22,
        length_mm=178.0,
    )


def test_bone_goes_on_where_the_labels_end(plain) -> None:
    _labels, around, room = plain
    grid = room._volume.geometry
    inside = np.argwhere(crest(grid))
    points = grid.to_patient(inside)
    beyond = points[points[:, 0] < -REGION - 3.0]
    assert len(beyond) > 1000
    found = room.obstacles.distance(beyond, BONE)
    assert (found < 0.8).all(), "no more than half a voxel of the bone is missed"
    assert (found < 0).mean() > 0.9
    # and no more than about a voxel of the copy too much
    solid = np.asarray(around.mesh.points, dtype=np.float64)
    away = np.minimum(_to_crest(solid), _to_spine(solid))
    assert away.max() < 2.5
    assert around.mesh.mesh().n_open_edges == 0


def _to_crest(points: FloatArray) -> FloatArray:
    x, y, z = points.T
    middle = 30.0 + 0.2 * (np.clip(x, -105.0, -20.0) + 20.0)
    gaps = [abs(y - middle) - 4.0, -105.0 - x, x + 20.0, z - 20.0]
    return np.linalg.norm(np.maximum(gaps, 0.0), axis=0)


def _to_spine(points: FloatArray) -> FloatArray:
    x, y, _z = points.T
    return np.linalg.norm(np.maximum([abs(x) - 22.0, abs(y - 10.0) - 18.0], 0.0), axis=0)


def test_a_needle_through_bone_outside_of_the_labels_meets_it_by_name(plain) -> None:
    _labels, around, room = plain
    free = obstacles_of(room.surfaces, Surroundings())
    through = needle(np.array([-85.0, 60.0, 0.0]), np.array([-85.0, -20.0, 0.0]))
    assert clearance(through, free).bone.gap_mm > 5.0, "the labels alone know nothing of it"
    assert clearance(through, room.obstacles).bone.gap_mm < -2.0

    def parts_of(points: FloatArray, _tissue: int) -> list[str]:
        return [name or "labelled" for name in around.names(points, PLATE)]

    (met,) = crossings(through, room.obstacles, parts_of)
    assert (met.name, met.tissue) == ("iliac crest right, outside of the labels", Tissue.BONE)
    # The wing is 8 mm thick, its middle at y = 17 there.
    assert met.from_mm == pytest.approx(60.0 - 21.0, abs=1.5)
    assert met.to_mm - met.from_mm == pytest.approx(8.0, abs=3.0)
    above = needle(np.array([-85.0, 60.0, 40.0]), np.array([-85.0, -20.0, 40.0]))
    assert clearance(above, room.obstacles).bone.gap_mm > 10.0
    assert crossings(above, room.obstacles, parts_of) == ()
    left = needle(np.array([85.0, 60.0, 0.0]), np.array([85.0, -20.0, 0.0]))
    assert clearance(left, room.obstacles).bone.gap_mm > 10.0, "there is no crest on the left"


def test_no_line_slips_through_the_seam(plain) -> None:
    _labels, _around, room = plain
    # Lines through the wing where the labels end, at many angles to it.
    rng = np.random.default_rng(0)
    count = 20_000
    x = -REGION + rng.uniform(-6.0, 6.0, count)
    middle = np.column_stack([x, 30.0 + 0.2 * (x + 20.0), rng.uniform(-50.0, 10.0, count)])
    turn, lean = rng.uniform(-70.0, 70.0, count), rng.uniform(-60.0, 60.0, count)
    way = np.column_stack(
        [
            np.sin(np.radians(turn)) * np.cos(np.radians(lean)),
            np.cos(np.radians(turn)) * np.cos(np.radians(lean)),
            np.sin(np.radians(lean)),
        ]
    )
    far = middle - 100.0 * way
    tissue, distance, _face = room.obstacles.first(far, way)
    met = tissue != NERVE  # a few meet the nerve before
    assert met.mean() > 0.99
    assert (tissue[met] == BONE).all()
    assert (distance[met] <= 100.5).all()


def test_names_follow_the_place(plain) -> None:
    _labels, around, _room = plain
    places = np.array([(-85.0, 21.0, -10.0), (0.0, 10.0, 69.0), (0.0, 10.0, -69.0), (-85.0, 90.0, 0.0)])
    names = around.names(places, PLATE)
    assert names[0] == "iliac crest right, outside of the labels"
    turned = around.names(places[:1], {END_PLATE: np.array([-200.0, 0.0, 0.0])})
    assert turned == ["iliac crest left, outside of the labels"], (
        "the side is that of the middle of the patient"
    )
    assert names[3] is None, "nothing dense is near"
    assert around.names(places[:1], {}) == ["bone outside of the labels"]


@pytest.mark.parametrize(("spacing", "noise"), [(1.5, 90.0), (3.0, 60.0), (3.0, 0.0)])
def test_noise_and_thick_voxels_neither_add_nor_lose_bone(spacing: float, noise: float) -> None:
    labels = labels_of()
    room = Room(labels, build_surfaces(labels), trunk(spacing, noise))
    around = room.surroundings
    points = np.asarray(around.mesh.points, dtype=np.float64)
    away = np.minimum(_to_crest(points), _to_spine(points))
    assert np.percentile(away, 99) < spacing + 1.0
    assert away.max() < spacing + 3.0
    rng = np.random.default_rng(0)
    x, z = rng.uniform(-100.0, -65.0, 2000), rng.uniform(-60.0, 15.0, 2000)
    starts = np.column_stack([x, np.full(2000, 80.0), z])
    assert room.obstacles.blocked(starts, np.array([0.0, -1.0, 0.0])).mean() > 0.998


def test_a_table_is_no_bone_and_contrast_is_an_obstacle_of_its_own_name() -> None:
    labels = labels_of()
    surfaces = build_surfaces(labels)
    room = Room(labels, surfaces, trunk(table=True, bowel=True))
    points = np.asarray(room.surroundings.mesh.points)
    assert points[:, 1].max() < 92.0, "the table lies behind"
    bowel = np.array([[70.0, -45.0, 0.0], [70.0, -45.0, -40.0]])
    assert (room.obstacles.distance(bowel, BONE) < -5.0).all()
    assert room.surroundings.names(bowel + np.array([14.0, 0.0, 0.0]), PLATE) == [Kind.DENSE] * 2
    behind = np.array([[70.0, 60.0, 0.0]])
    assert not room.obstacles.blocked(behind, np.array([0.3, 1.0, 0.0])).any()


def test_metal_is_named_and_its_streaks_are_not() -> None:
    labels = labels_of()
    room = Room(labels, build_surfaces(labels), trunk(metal=True))
    around = room.surroundings
    assert around.names(np.array([[84.0, 40.0, 20.0]]), PLATE) == [Kind.METAL]
    metal = np.asarray(around.mesh.points)[around.kinds == list(Kind).index(Kind.METAL)]
    assert len(metal) > 100
    assert np.hypot(metal[:, 0] - 80.0, metal[:, 1] - 40.0).max() < 9.0
    streak = np.array([[105.0, 40.0, 20.0], [66.0, 40.0, 20.0], [95.0, 40.0, 0.0]])
    assert (room.obstacles.distance(streak, BONE) > 5.0).all()
    # The crest that is not near it is found all the same.
    assert room.obstacles.blocked(np.array([[-85.0, 80.0, 0.0]]), np.array([0.0, -1.0, 0.0])).all()


def test_labels_outside_of_the_body_are_told_and_are_no_obstacle() -> None:
    half = 100.0  # the corner of the labels lies in the air
    clean, dirty = (labels_of(half, stray, tall=10.0) for stray in (False, True))
    volume = trunk()
    rooms = [Room(each, build_surfaces(each), volume) for each in (clean, dirty)]
    corner = np.array([[97.0, 97.0, -3.0]])
    bare = obstacles_of(rooms[1].surfaces, Surroundings())
    assert bare.distance(corner, BONE)[0] < 5.0, "the label is there"
    assert rooms[1].obstacles.distance(corner, BONE)[0] > 30.0
    assert not rooms[0].surroundings.notes
    (note,) = rooms[1].surroundings.notes
    assert (note.code, note.values["tissue"]) == (NoteCode.OUTSIDE_OF_BODY, Tissue.BONE)
    assert note.values["ml"] == pytest.approx(10 * 8 * 8 / 1000)
    assert "0.6 ml of labelled bone lie outside of the body" in sentence(note)
    # What is labelled within the body is all there still, and nothing else has changed.
    one, other = (room.obstacles.distance(np.array([[0.0, 0.0, 0.0]]), BONE)[0] for room in rooms)
    assert one == pytest.approx(other, abs=1e-3)


def test_where_the_region_reaches_the_skin_nothing_is_added() -> None:
    volume = trunk(1.5)
    array = np.where(spine(volume.geometry) | crest(volume.geometry), BONE, 0).astype(np.uint8)
    labels = Labels(array, volume.geometry)
    surfaces = build_surfaces(labels)
    room = Room(labels, surfaces, volume)
    assert room.surroundings.mesh.points.shape[0] == 0
    assert room.surroundings.stray == {}
    assert room.obstacles.meshes[BONE] is surfaces.bone


def test_labels_in_a_larger_grid_end_where_they_end() -> None:
    small = labels_of()
    large = grid_of(1.0, (100.0, 100.0, 65.0))
    array = np.zeros(large.shape, dtype=np.uint8)
    index = np.rint(large.to_index(small.geometry.to_patient(np.argwhere(small.array > 0)))).astype(int)
    array[tuple(index.T)] = small.array[small.array > 0]
    padded = Labels(array, large)
    assert labelled_box(padded).origin[0] == pytest.approx(-REGION + 0.5)
    room = Room(padded, build_surfaces(padded), trunk())
    assert room.obstacles.blocked(np.array([[-85.0, 80.0, 0.0]]), np.array([0.0, -1.0, 0.0])).all()
    assert room.surroundings.mesh.mesh().n_open_edges == 0


def test_what_neither_labels_nor_ct_show_is_unknown() -> None:
    labels = labels_of(30.0)
    way = needle(np.array([0.0, 90.0, 0.0]), np.array([0.0, 0.0, 0.0]))
    assert unknown_mm(way, labels, Surroundings()) == pytest.approx(60.0)
    narrow = Surroundings(shown=grid_of(1.0, (50.0, 70.0, 50.0)))
    assert unknown_mm(way, labels, narrow) == pytest.approx(20.0)
    whole = Surroundings(shown=grid_of(1.0))
    assert unknown_mm(way, labels, whole) == 0.0
    # The circle of the scanner ends where it holds nothing but its filling.
    mask = np.zeros(grid_of(2.0).shape, dtype=bool)
    mask[:, places(grid_of(2.0))[1].ravel() > 80.0] = True
    cut = Surroundings(shown=grid_of(1.0), hidden=(mask, grid_of(2.0)))
    assert unknown_mm(way, labels, cut) == pytest.approx(10.0, abs=1.0)


def test_a_way_outside_of_the_labels_near_a_root_is_told() -> None:
    labels = labels_of(30.0)
    root = np.column_stack([np.linspace(5, 25, 21), np.linspace(-5, -5, 21), np.linspace(10, -10, 21)])
    far = needle(np.array([-20.0, 90.0, 0.0]), np.array([-20.0, 0.0, 0.0]))
    near = needle(np.array([40.0, 60.0, -25.0]), np.array([40.0, -20.0, -25.0]))
    assert beside_roots_mm(far, labels.geometry, {"L5 left": root}, 15.0, 40.0) == 0.0
    # The root goes on to (40, -5, -25): all of the way within 15 mm of that is near it, both sides of y = -5.
    found = beside_roots_mm(near, labels.geometry, {"L5 left": root}, 15.0, 40.0)
    assert found == pytest.approx(30.0, abs=1.0)
    assert beside_roots_mm(near, labels.geometry, {}, 15.0, 40.0) is None
    within = needle(np.array([20.0, 25.0, 0.0]), np.array([20.0, 0.0, 0.0]))
    assert beside_roots_mm(within, labels.geometry, {}, 15.0, 40.0) == 0.0


def test_a_ct_without_a_body_shows_nothing() -> None:
    air = Volume(np.full((40, 40, 40), -1000, dtype=np.int16), Geometry((40, 40, 40), (2.0, 2.0, 2.0)))
    labels = labels_of(30.0)
    skin, around, soft = outside_of(air, labels, build_surfaces(labels))
    assert skin is None
    assert soft is None
    assert around.shown is None
    assert isinstance(around.mesh.mesh(), pv.PolyData)


def test_weak_bone_that_labelled_bone_goes_on_in_is_bone_and_faint_contrast_an_obstacle() -> None:
    volume = trunk()
    grid = volume.geometry
    hu = volume.array.astype(np.float32)
    hu[crest(grid)] = 175.0  # no cortex that any CT shows
    x, y, _z = places(grid)
    hu[np.broadcast_to(np.hypot(x - 70.0, y + 45.0) < 14.0, grid.shape)] = 210.0
    weak = Volume(hu.astype(np.int16), grid)
    labels = labels_of()
    room = Room(labels, build_surfaces(labels), weak)
    at = np.array([[-85.0, 80.0, 0.0]])
    assert room.obstacles.blocked(at, np.array([0.0, -1.0, 0.0])).all()
    assert room.surroundings.names(np.array([[-85.0, 21.0, 0.0]]), PLATE)[0].startswith("iliac crest right")
    assert (room.obstacles.distance(np.array([[70.0, -45.0, 0.0]]), BONE) < -5.0).all()
    # bone that is labelled whole has a blurred rim, which is none
    whole = trunk()
    ends = np.where(np.broadcast_to(x < -61.5, grid.shape) & crest(grid), 140, whole.array)
    ends = np.where(np.broadcast_to(x < -63.0, grid.shape) & crest(grid), 55, ends)
    rim = Room(labels, build_surfaces(labels), Volume(ends.astype(np.int16), grid))
    assert not rim.obstacles.blocked(np.array([[-70.0, 80.0, 0.0]]), np.array([0.0, -1.0, 0.0])).any()


def test_a_crumb_far_away_does_not_say_that_all_between_was_labelled() -> None:
    large = grid_of(1.0, (140.0, 100.0, 65.0))
    small = labels_of()
    array = np.zeros(large.shape, dtype=np.uint8)
    index = np.rint(large.to_index(small.geometry.to_patient(np.argwhere(small.array > 0)))).astype(int)
    array[tuple(index.T)] = small.array[small.array > 0]
    array[60:66, 100:106, 2:8] = NERVE  # to the right of the crest that is not labelled
    labels = Labels(array, large)
    assert labelled_box(labels).origin[0] == pytest.approx(-REGION + 0.5)
    room = Room(labels, build_surfaces(labels), trunk())
    assert room.obstacles.blocked(np.array([[-85.0, 80.0, 0.0]]), np.array([0.0, -1.0, 0.0])).all()


def test_near_metal_what_may_be_bone_is_unknown_and_not_free() -> None:
    labels = labels_of()
    room = Room(labels, build_surfaces(labels), trunk(metal=True))
    streak = needle(np.array([90.0, 80.0, 20.0]), np.array([90.0, 20.0, 20.0]))
    beside = needle(np.array([90.0, 80.0, -50.0]), np.array([90.0, 20.0, -50.0]))
    # a streak of 255 HU, 6 mm wide
    assert unknown_mm(streak, labels, room.surroundings) == pytest.approx(6.0, abs=2.0)
    assert unknown_mm(beside, labels, room.surroundings) == 0.0
