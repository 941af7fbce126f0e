from __future__ import annotations

import numpy as np
import pytest

from spinect_core.research.phantom.reformats import as_read, slabs, spread
from spinect_core.research.phantom.variety import AS_SCANNED, FUSED, THICK

MM = (1.0, 1.0, 1.0)


@pytest.fixture
def balls() -> np.ndarray:
    """Fat with balls of 2 to 6 mm in it, softly edged as a scanner shows them."""
    rng = np.random.default_rng(3)
    z, y, x = np.meshgrid(*[np.arange(48.0)] * 3, indexing="ij")
    picture = np.full(z.shape, -100.0)
    for _ in range(30):
        centre, radius = rng.uniform(5.0, 43.0, 3), rng.uniform(1.0, 3.0)
        away = np.sqrt((z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2)
        picture += np.clip(0.5 - (away - radius) / 1.5, 0.0, 1.0) * (35.0 - picture)
    return np.rint(picture).astype(np.int16)


def error(read: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((read.astype(float) - truth) ** 2)))


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slabs_hold_the_means_of_their_voxels(size: int, start: int, axis: int) -> None:
    picture = np.random.default_rng(0).normal(size=(11, 12, 13)).astype(np.float32)
    again = spread(slabs(picture, axis, size, start), axis, size, start, picture.shape[axis])
    assert again.shape == picture.shape
    moved = np.moveaxis(picture, axis, 0)
    first = slice(start, start + size)
    assert np.moveaxis(again, axis, 0)[start] == pytest.approx(moved[first].mean(axis=0), abs=1e-5)
    assert again.mean() == pytest.approx(picture.mean(), abs=1e-5)


def test_as_scanned_is_left_alone(balls: np.ndarray) -> None:
    assert np.array_equal(as_read(balls, MM, AS_SCANNED, np.random.default_rng(0)), balls)


@pytest.mark.parametrize("reading", [THICK, FUSED])
def test_what_is_the_same_throughout_stays_as_it_is(reading: str) -> None:
    even = np.full((30, 31, 32), 40, np.int16)
    assert np.array_equal(as_read(even, MM, reading, np.random.default_rng(1)), even)


def test_thick_slices_blur_along_the_body_alone() -> None:
    rng = np.random.default_rng(2)
    column = np.broadcast_to(rng.integers(-100, 60, (1, 24, 24)), (30, 24, 24)).astype(np.int16)
    assert np.array_equal(as_read(column, MM, THICK, rng), column)
    plates = np.zeros((30, 24, 24), np.int16)
    plates[15] = 300
    read = as_read(plates, MM, THICK, np.random.default_rng(2))
    assert 60 < read.max() < 160
    assert np.array_equal(read, np.broadcast_to(read[:, :1, :1], read.shape))


def test_fused_reformats_show_what_slabs_of_3_mm_hide(balls: np.ndarray) -> None:
    """Better than thick slices, worse than the CT they come from, and in agreement with the reformats themselves."""
    rng = np.random.default_rng(4)
    fused = as_read(balls, MM, FUSED, rng)
    thick = as_read(balls, MM, THICK, np.random.default_rng(4))
    assert 1.0 < error(fused, balls) < 0.8 * error(thick, balls)
    start = int(np.random.default_rng(4).random(3)[1] * 3)
    seen, measured = (slabs(array.astype(np.float32), 1, 3, start) for array in (fused, balls))
    assert error(seen, measured) < 8.0
