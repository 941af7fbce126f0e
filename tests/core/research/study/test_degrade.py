"""Noise and thick slices: as much as was asked for, in the right place of the patient."""

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.research.study.degrade import add_noise, onto, slice_distance, thicken

FLIPPED = np.diag([-1.0, 1.0, -1.0])


def ramp(geometry: Geometry) -> Volume:
    """HU that are ten times the height in mm."""
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    return Volume(np.rint(geometry.to_patient(index)[..., 2] * 10).astype(np.int16), geometry)


def test_noise_has_the_sd_asked_for_and_is_the_same_again() -> None:
    volume = Volume(np.full((30, 40, 50), 40, np.int16), Geometry((30, 40, 50), (1, 1, 1)))
    noisy = add_noise(volume, 30, seed=4)
    assert noisy.array.std() == pytest.approx(30, rel=0.01)
    assert noisy.array.mean() == pytest.approx(40, abs=0.5)
    assert (noisy.array == add_noise(volume, 30, seed=4).array).all()
    assert (noisy.array != add_noise(volume, 30, seed=5).array).any()
    assert (add_noise(volume, 0, seed=4).array == 40).all()


@pytest.mark.parametrize("direction", [np.eye(3), FLIPPED, np.eye(3)[:, [0, 2, 1]] * [1, 1, 1]])
@pytest.mark.parametrize("mm", [2.0, 2.5, 3.0])
def test_thick_slices_keep_every_height_in_its_place(direction: np.ndarray, mm: float) -> None:
    geometry = Geometry((24, 22, 26), (1, 1, 1), (3, -5, 11), direction)
    thick = thicken(ramp(geometry), mm)
    assert slice_distance(thick.geometry) == pytest.approx(mm)
    expected = ramp(thick.geometry).array
    assert np.abs(thick.array - expected).max() <= 1
    low, high = geometry.corners()[:, 2].min(), geometry.corners()[:, 2].max()
    new = thick.geometry.corners()[:, 2]
    assert new.min() == pytest.approx(low, abs=1e-6)
    assert high - mm < new.max() <= high + 1e-6


def test_thick_slices_average_noise_away() -> None:
    quiet = Volume(np.zeros((60, 30, 30), np.int16), Geometry((60, 30, 30), (1, 1, 1)))
    thick = thicken(add_noise(quiet, 60, seed=1), 3.0)
    assert thick.array.std() == pytest.approx(60 / 3**0.5, rel=0.05)


def test_slices_cannot_become_thinner() -> None:
    volume = ramp(Geometry((8, 8, 8), (1, 1, 2)))
    with pytest.raises(UsageError, match="2 mm apart"):
        thicken(volume, 1.0)
    with pytest.raises(UsageError, match="lower than one slice"):
        thicken(volume, 20.0)


def test_labels_come_back_to_the_ct_where_they_were() -> None:
    grid = Geometry((30, 20, 24), (0.8, 0.8, 1.0), (2, 3, 4), FLIPPED)
    coarse = thicken(ramp(grid), 3.0).geometry
    labels = np.zeros(coarse.shape, np.uint8)
    labels[3, 5:9, 6:10] = 2
    back = onto(Labels(labels, coarse), grid)
    assert back.geometry is grid
    assert np.count_nonzero(back.array) == 3 * 4 * 4
    was = coarse.to_patient(np.argwhere(labels)).mean(axis=0)
    now = grid.to_patient(np.argwhere(back.array)).mean(axis=0)
    assert np.abs(was - now).max() < 1e-6


def test_turned_labels_are_refused() -> None:
    angle = np.deg2rad(10)
    turned = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    labels = Labels(np.zeros((4, 4, 4), np.uint8), Geometry((4, 4, 4), (1, 1, 1), (0, 0, 0), turned))
    with pytest.raises(UsageError, match="turned"):
        onto(labels, Geometry((4, 4, 4), (1, 1, 1)))
