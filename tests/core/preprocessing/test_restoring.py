"""What a voxel of the CT becomes: the class that fills most of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinect_core.image.volume import Geometry, Volume
from spinect_core.preprocessing import Region, prepare
from spinect_core.preprocessing.grid import containing_cubes
from spinect_core.preprocessing.restoring import cube_shares


def one_hot(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.eye(3, dtype=np.float32)[labels]


@given(
    spacing=st.floats(0.25, 6.0), count=st.integers(4, 60), start=st.integers(0, 10), cubes=st.integers(4, 40)
)
def test_the_shares_of_a_voxel_are_one_whole_around_its_centre(
    spacing: float, count: int, start: int, cubes: int
) -> None:
    own, shares = cube_shares(count, spacing, 1.0, start, cubes)
    centres = (np.arange(count) + 0.5) * spacing
    expected = (np.floor(centres + 1e-6) >= start) & (np.floor(centres + 1e-6) < start + cubes)
    assert np.array_equal(np.arange(count)[own], np.flatnonzero(expected))
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert np.all(shares >= 0)
    # Away from the ends of the cubes the middle of the shares is the centre of the voxel.
    reach = max(spacing, 1.0) / 2
    whole = (centres[own] - reach >= start) & (centres[own] + reach <= start + cubes)
    middle = shares @ (start + np.arange(cubes) + 0.5)
    assert (
        np.abs(middle - centres[own])[whole].max(initial=0) < 0.13
    )  # an end cut inside a cube counts at its middle


def test_voxels_smaller_than_a_cube_are_interpolated_linearly() -> None:
    _, shares = cube_shares(8, 0.5, 1.0, 0, 4)
    assert np.allclose(shares[1], [0.75, 0.25, 0, 0])
    assert np.allclose(shares[2], [0.25, 0.75, 0, 0])
    assert np.allclose(shares[0], [1, 0, 0, 0])  # nothing lies before the first


def test_a_voxel_of_three_cubes_asks_all_three() -> None:
    _, shares = cube_shares(2, 3.0, 1.0, 0, 6)
    assert np.allclose(shares, np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]) / 3)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 2.0), (3.0, 1.0, 2.0)])
def test_labels_that_voxels_hold_as_a_whole_come_back(spacing: tuple[float, float, float]) -> None:
    truth = np.random.default_rng(4).integers(0, 3, (12, 15, 18)).astype(np.uint8)
    geometry = Geometry(truth.shape, spacing, (-40.2, 3.3, 9.9), np.diag([-1.0, 1.0, -1.0]))
    prepared = prepare(Volume(truth.astype(np.int16), geometry), Region.around(geometry.centre, (90, 60, 60)))
    probabilities = one_hot(prepared.sample(truth))
    assert np.array_equal(prepared.restore(probabilities).array, truth)


def test_a_ball_is_round_on_a_finer_ct() -> None:
    geometry = Geometry((40, 80, 80), (0.5, 0.5, 1.0))
    at = np.moveaxis(np.indices(geometry.shape), 0, -1)
    truth = (np.linalg.norm(geometry.to_patient(at) - geometry.centre, axis=-1) < 7.2).astype(np.uint8) * 2
    prepared = prepare(Volume(truth.astype(np.int16), geometry), Region.around(geometry.centre, (60, 60, 60)))
    cubes = np.moveaxis(np.indices(prepared.geometry.shape), 0, -1)
    # The share of nerve in each cube, a border of one cube wide, as a network gives it.
    off = np.linalg.norm(prepared.geometry.to_patient(cubes) - geometry.centre, axis=-1) - 7.2
    nerve = np.clip(0.5 - off, 0, 1).astype(np.float32)
    probabilities = np.stack([1 - nerve, np.zeros_like(nerve), nerve], axis=-1)

    def wrong(labels: npt.NDArray[np.uint8]) -> int:
        return int((labels != truth).sum())

    picks = (
        containing_cubes(count, step, 1.0) for count, step in zip(truth.shape, (1.0, 0.5, 0.5), strict=True)
    )
    containing = wrong(probabilities.argmax(axis=-1).astype(np.uint8)[np.ix_(*picks)])
    likeliest = wrong(prepared.restore(probabilities).array)
    assert likeliest < 0.2 * containing
    assert likeliest < 0.01 * (truth == 2).sum()


def test_a_voxel_takes_the_class_that_fills_most_of_it_and_none_outside_the_region() -> None:
    volume = Volume(np.zeros((7, 9, 30), np.int16), Geometry((7, 9, 30), (0.37, 1.9, 3.0), (4.0, 5.0, 6.0)))
    prepared = prepare(volume, Region.around(volume.geometry.centre + np.array([1.5, 0, 0]), (6, 9, 8)))
    labels = np.random.default_rng(3).integers(1, 3, prepared.array.shape).astype(np.uint8)

    restored = prepared.restore(one_hot(labels)).array

    half = np.maximum(volume.geometry.spacing, 1.0) / 2
    at = np.moveaxis(np.indices(labels.shape), 0, -1)
    cubes = prepared.geometry.to_patient(at.reshape(-1, 3)).reshape(at.shape)
    for index in np.ndindex(restored.shape):
        point = volume.geometry.to_patient(index)
        cube = np.floor(prepared.geometry.to_index(point) + 0.5 + 1e-7).astype(int)
        if np.any(cube < 0) or np.any(cube >= labels.shape):
            assert restored[index] == 0
            continue
        gap = np.abs(cubes - point)
        overlap = np.clip(np.minimum(gap + 0.5, half) - np.maximum(gap - 0.5, -half), 0, None).prod(axis=-1)
        share = overlap[labels == 2].sum() / overlap.sum()
        if abs(share - 0.5) > 1e-4:  # in a tie either will do
            assert restored[index] == (2 if share > 0.5 else 1)
