"""Numbers land on the voxel of the other grid that lies where they lie in the patient."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_maker import AXES_48
from label_maker import SPACING, drawn, truth, turned
from scipy.spatial.transform import Rotation

from spinect_core.image.nearest import on_grid
from spinect_core.image.volume import Geometry, Volume

OBLIQUE = Rotation.from_euler("xyz", [12, -7, 33], degrees=True).as_matrix()


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE], ids=["straight", "oblique"])
def test_all_48_orders_of_the_axes_are_one_grid(direction: np.ndarray) -> None:
    volume = drawn(direction)
    labels = Volume(truth(), volume.geometry)
    for axes in AXES_48:
        order = [axis for axis, _ in axes]
        other = turned(labels, order, [sign < 0 for _, sign in axes])
        assert np.array_equal(on_grid(other.array, other.geometry, volume.geometry), truth())


def test_a_crop_fills_its_part_and_nothing_else() -> None:
    grid, labels = drawn(OBLIQUE).geometry, truth()
    box = (slice(3, 9), slice(10, 40), slice(5, 50))
    part = Geometry((6, 30, 45), SPACING, tuple(grid.to_patient((3, 10, 5))), grid.direction)
    made = on_grid(labels[box], part, grid)
    wanted = np.zeros_like(labels)
    wanted[box] = labels[box]
    assert np.array_equal(made, wanted)


@pytest.mark.parametrize("times", [2, 3])
def test_a_finer_grid_of_the_same_voxels_comes_back(times: int) -> None:
    grid, labels = drawn(OBLIQUE).geometry, truth()
    fine = labels.repeat(times, 0).repeat(times, 1).repeat(times, 2)
    corner = grid.to_patient(np.full(3, -0.5 + 0.5 / times))
    there = Geometry(fine.shape, tuple(s / times for s in SPACING), tuple(corner), grid.direction)
    assert np.array_equal(on_grid(fine, there, grid), labels)
    # and the other way round: each fine voxel takes that of the coarse one that it lies in
    assert np.array_equal(on_grid(labels, grid, there), fine)


def test_turned_grids_agree_with_the_places_of_their_voxels() -> None:
    straight, labels = drawn().geometry, truth()
    centre = straight.centre - OBLIQUE @ (np.array(SPACING) * (np.array((30, 28, 20)) - 1) / 2)
    other = Geometry((20, 28, 30), SPACING, tuple(centre), OBLIQUE)
    made = on_grid(labels, straight, other)
    index = np.argwhere(np.ones(other.shape))
    back = straight.to_index(other.to_patient(index))
    nearest = np.rint(back).astype(int)
    within = ((nearest >= 0) & (nearest < straight.shape)).all(axis=1)
    sure = (np.abs(back - nearest) < 0.499).all(axis=1)
    wanted = np.where(within, labels[tuple(np.clip(nearest, 0, np.array(straight.shape) - 1).T)], 0)
    assert np.array_equal(made.ravel()[sure], wanted[sure])
    assert made.any()


def test_grids_that_do_not_meet_hold_nothing() -> None:
    grid = drawn().geometry
    away = Geometry(grid.shape, grid.spacing, (900.0, 0.0, 0.0))
    assert not on_grid(truth(), away, grid).any()
