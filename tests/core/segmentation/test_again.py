"""The second reading is spent about L5/S1 where the first is unsure, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from spinect_core.segmentation.again import LEAST_DOUBT, MOST_TILES, NEAR_MM, doubt, mirrored, tiles_again
from spinect_core.segmentation.choice import MODES

TILING = MODES["thorough"].tiling
SHAPE = (152, 144, 186)
MIDDLE = (76.0, 72.0, 93.0)


def sure(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    probabilities = np.zeros((*shape, 3), np.float32)
    probabilities[..., 0] = 1
    return probabilities


def unsure_in(*boxes: tuple[slice, ...]) -> np.ndarray:
    """A reading that cannot tell nerve from background in these boxes."""
    probabilities = sure()
    for box in boxes:
        probabilities[box] = (0.5, 0, 0.5)
    return probabilities


def box(z: int, y: int, x: int, size: int = 12) -> tuple[slice, ...]:
    return tuple(slice(at, at + size) for at in (z, y, x))


def covers(corner: tuple[int, int, int], inner: tuple[slice, ...], margin: int = 6) -> bool:
    """Whether a tile shows a box well within its borders."""
    return all(
        at + margin <= part.start and part.stop <= at + length - margin
        for at, length, part in zip(corner, TILING.patch, inner, strict=True)
    )


def test_doubt_is_where_classes_share_a_voxel_near_the_level() -> None:
    probabilities = unsure_in(box(76, 72, 93, 2), box(2, 2, 2, 2))
    probabilities[100, 72, 93] = (0.1, 0.9, 0)
    found = doubt(probabilities, MIDDLE)
    assert found[76, 72, 93] == 1
    assert found[100, 72, 93] == pytest.approx(0.2)
    assert found[2, 2, 2] == 0, "too far from the level to matter"
    assert found[60, 60, 60] == 0, "sure"
    assert np.count_nonzero(found) == 8 + 1


def test_doubt_counts_in_full_up_to_40_mm_and_fades_to_nothing() -> None:
    probabilities = sure()
    probabilities[...] = (0.5, 0, 0.5)
    along = doubt(probabilities, MIDDLE)[76, 72, 93:]
    assert np.all(along[: int(NEAR_MM) + 1] == 1)
    assert np.all(np.diff(along[int(NEAR_MM) : 61]) < 0)
    assert not along[60:].any()


def test_a_tile_is_laid_round_each_place_of_doubt() -> None:
    places = [box(50, 60, 60), box(100, 80, 110)]
    chosen = tiles_again(doubt(unsure_in(*places), MIDDLE), TILING)
    assert len(chosen) == 2
    for place in places:
        assert any(covers(corner, place) for corner in chosen)


def test_the_place_of_most_doubt_comes_first() -> None:
    less, more = box(50, 60, 50, 8), box(100, 60, 110, 14)
    assert covers(tiles_again(doubt(unsure_in(less, more), MIDDLE), TILING)[0], more)


def test_nothing_is_read_again_where_nothing_is_in_doubt() -> None:
    assert tiles_again(doubt(sure(), MIDDLE), TILING) == []
    few = unsure_in(box(76, 72, 93, 3))
    assert LEAST_DOUBT > 27
    assert tiles_again(doubt(few, MIDDLE), TILING) == []


def test_doubt_everywhere_takes_the_tiles_there_is_time_for_and_no_more() -> None:
    chosen = tiles_again(np.ones(SHAPE, np.float32), TILING)
    assert len(chosen) == len(set(chosen)) == MOST_TILES


@pytest.mark.parametrize(
    "shape", [(152, 144, 184), (33, 65, 67), (10, 20, 30), (32, 64, 64), (151, 143, 181)]
)
def test_no_tile_reaches_beyond_a_region_of_any_size(shape: tuple[int, int, int]) -> None:
    doubts = np.ones(shape, np.float32)
    doubts[-1, -1, -1] = 1e5  # draws the tiles into the corner
    chosen = tiles_again(doubts, TILING)
    assert chosen
    for corner in chosen:
        for at, length, patch in zip(corner, shape, TILING.patch, strict=True):
            assert 0 <= at <= max(length - patch, 0)


def test_mirrored_twice_is_as_before() -> None:
    array = np.random.default_rng(0).normal(size=(3, 4, 5, 2))
    assert np.array_equal(mirrored(array)[:, :, 0], array[:, :, -1])
    assert np.array_equal(mirrored(mirrored(array)), array)
