"""Surfaces lie where the labels lie: volume, place, side, closure."""

import threading
from itertools import permutations, product

import numpy as np
import pytest
import pyvista as pv

from spinect_core.base.errors import Cancelled, UsageError
from spinect_core.image.volume import Geometry, Labels
from spinect_core.surfaces import build_surfaces
from spinect_core.surfaces.build import DETAIL_TRIANGLES, signed_volume

CENTRE = np.array([30.0, -12.0, 200.0])


def ball(geometry: Geometry, centre: np.ndarray, radius: float, label: int) -> np.ndarray:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij"), axis=-1)
    distance = np.linalg.norm(geometry.to_patient(index) - centre, axis=-1)
    return np.where(distance <= radius, label, 0).astype(np.uint8)


def grid_around(
    centre: np.ndarray, half: float, spacing: tuple[float, float, float], axes: np.ndarray
) -> Geometry:
    shape = tuple(int(2 * half / step) + 1 for step in spacing)[::-1]
    unplaced = Geometry(shape, spacing, (0, 0, 0), axes)
    return Geometry(shape, spacing, tuple(centre - unplaced.centre), axes)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 1.25)])
@pytest.mark.parametrize("label", [1, 2])
def test_a_sphere_keeps_its_volume_and_place(spacing: tuple[float, float, float], label: int) -> None:
    # Off the lattice: a sphere on a voxel's centre loses 1 % of its volume to the voxels alone.
    geometry = grid_around(CENTRE + np.array([0.3, 0.2, -0.4]), 18, spacing, np.eye(3))
    radius = 12.0
    surfaces = build_surfaces(Labels(ball(geometry, CENTRE, radius, label), geometry))
    mesh = surfaces.bone if label == 1 else surfaces.nerve
    assert signed_volume(mesh) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.02)
    np.testing.assert_allclose(mesh.center_of_mass(), CENTRE, atol=0.1)
    distances = np.linalg.norm(mesh.points - CENTRE, axis=1)
    assert distances.min() > radius - 0.6
    assert distances.max() < radius + 0.6
    assert mesh.is_manifold
    outwards = np.einsum("ij,ij->i", mesh.point_data["Normals"], (mesh.points - CENTRE) / distances[:, None])
    assert outwards.min() > 0.8


def all_axes() -> list[np.ndarray]:
    return [
        np.eye(3)[:, list(order)] * np.array(signs)
        for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]


def test_left_stays_left_in_every_orientation() -> None:
    """A large bone at the patient's left and a small nerve at the right, stored in each of the 48 axis orientations."""
    left, right = np.array([14.0, 2, 5]), np.array([-14.0, -3, -6])
    volumes = set()
    for axes in all_axes():
        geometry = grid_around(np.zeros(3), 26, (2.0, 2.0, 2.0), axes)
        array = np.maximum(ball(geometry, left, 9, 1), ball(geometry, right, 6, 2))
        surfaces = build_surfaces(Labels(array, geometry))
        np.testing.assert_allclose(surfaces.bone.center_of_mass(), left, atol=0.2)
        np.testing.assert_allclose(surfaces.nerve.center_of_mass(), right, atol=0.2)
        assert signed_volume(surfaces.bone) > 0
        assert signed_volume(surfaces.nerve) > 0
        normals = surfaces.bone.point_data["Normals"]
        assert (np.einsum("ij,ij->i", normals, surfaces.bone.points - left) > 0).all()
        volumes.add(round(signed_volume(surfaces.bone)))
    assert max(volumes) - min(volumes) <= 2


def test_labels_that_touch_the_border_still_close() -> None:
    array = np.ones((12, 12, 12), dtype=np.uint8)
    mesh = build_surfaces(Labels(array, Geometry(array.shape, (1, 1, 1)))).bone
    assert mesh.is_manifold
    assert signed_volume(mesh) == pytest.approx(12**3, rel=0.05)
    assert mesh.bounds == pytest.approx((-0.5, 11.5) * 3, abs=0.15)


def test_nothing_to_show_gives_empty_surfaces() -> None:
    surfaces = build_surfaces(Labels(np.zeros((5, 5, 5), dtype=np.uint8), Geometry((5, 5, 5), (1, 1, 1))))
    assert all(
        mesh.n_cells == 0 for mesh in (surfaces.bone, surfaces.nerve, surfaces.bone_lod, surfaces.nerve_lod)
    )


def test_islands_are_not_drawn() -> None:
    array = np.zeros((40, 40, 40), dtype=np.uint8)
    array[5:25, 5:25, 5:25] = 1
    array[33:36, 33:36, 33:36] = 1
    mesh = build_surfaces(Labels(array, Geometry(array.shape, (1, 1, 1)))).bone
    assert mesh.bounds[1] < 26


def test_level_of_detail_keeps_the_budget_and_the_shape() -> None:
    index = np.indices((110, 110, 110)).astype(np.float32) / 4.0
    array = (np.sin(index[0]) * np.cos(index[1]) + np.sin(index[1]) * np.cos(index[2]) > 0.3).astype(np.uint8)
    array[:20] *= 2
    surfaces = build_surfaces(Labels(array, Geometry(array.shape, (1, 1, 1))))
    assert surfaces.bone.n_cells > DETAIL_TRIANGLES
    assert surfaces.bone_lod.n_cells + surfaces.nerve_lod.n_cells <= DETAIL_TRIANGLES
    assert surfaces.nerve_lod.n_cells > 0
    assert signed_volume(surfaces.bone_lod) == pytest.approx(signed_volume(surfaces.bone), rel=0.02)


def test_it_can_be_stopped_and_reports() -> None:
    geometry = grid_around(CENTRE, 18, (1.0, 1.0, 1.0), np.eye(3))
    labels = Labels(ball(geometry, CENTRE, 12, 1), geometry)
    seen: list[float] = []
    build_surfaces(labels, progress=lambda part, _: seen.append(part))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        build_surfaces(labels, cancel=stop)


def test_an_impossible_kernel_is_refused() -> None:
    labels = Labels(np.zeros((5, 5, 5), dtype=np.uint8), Geometry((5, 5, 5), (1, 1, 1)))
    with pytest.raises(UsageError):
        build_surfaces(labels, smoothing_mm=-1)
    assert isinstance(build_surfaces(labels, smoothing_mm=0).bone, pv.PolyData)


@pytest.mark.parametrize(
    ("spacing", "side", "stays"),
    [
        # A cube of this many voxels to a side beside the bone itself: its mm³ decide, not its voxels.
        (0.5, 9, False),  # 729 voxels, 91 mm³
        (0.5, 13, True),  # 2197 voxels, 275 mm³
        (2.0, 2, False),  # 8 voxels, 64 mm³
        (2.0, 3, True),  # 27 voxels, 216 mm³
    ],
)
def test_islands_of_bone_below_200_cubic_millimetres_go(spacing: float, side: int, stays: bool) -> None:
    geometry = Geometry((40, 40, 60), (spacing,) * 3)
    array = np.zeros(geometry.shape, np.uint8)
    array[5:35, 5:35, 5:30] = 1
    array[10 : 10 + side, 10 : 10 + side, 40 : 40 + side] = 1
    mesh = build_surfaces(Labels(array, geometry), smoothing_mm=0).bone
    beyond = mesh.points[:, 0] > 35 * spacing
    assert beyond.any() == stays
