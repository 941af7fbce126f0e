"""The combined algorithm against a plain, slow version of the paper's description."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from spinect_core.segmentation.engine import EngineOutOfMemory
from spinect_core.segmentation.tiling import FULL, Tiling, combine, tile_corners, tile_starts

PAPER = Tiling("paper", (32, 64, 64), (20, 40, 40))
SMALL = Tiling("small", (4, 8, 8), (3, 5, 5))


class Guess:
    """Probabilities that depend on every voxel of a tile and on the voxel's place in it, like a network's."""

    name, device = "guess", "cpu"
    versions: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, largest_batch: int = 1000) -> None:
        self.largest_batch = largest_batch
        self.batches: list[int] = []

    def predict(self, batch: np.ndarray) -> np.ndarray:
        if len(batch) > self.largest_batch:
            raise EngineOutOfMemory
        self.batches.append(len(batch))
        place = np.random.default_rng(5).normal(size=(*batch.shape[1:4], 3)).astype(np.float32)
        score = place + batch * (0.5, -0.3, 0.9) + batch.mean(axis=(1, 2, 3), keepdims=True)
        power = np.exp(score)
        return (power / power.sum(axis=-1, keepdims=True)).astype(np.float32)


def plainly(engine: Guess, array: np.ndarray, occupied: np.ndarray) -> np.ndarray:
    """The paper's table, read aloud: patches of 32x64x64, steps of 20x40x40, sums, the largest."""
    depth, height, width = array.shape
    sums = np.zeros((depth, height, width, 3), np.float32)
    tops, lefts, rights = [], [], []
    for starts, length, patch, step in (
        (tops, depth, 32, 20),
        (lefts, height, 64, 40),
        (rights, width, 64, 40),
    ):
        start = 0
        while start + patch < length:
            starts.append(start)
            start += step
        starts.append(length - patch)
    for z in tops:
        for y in lefts:
            for x in rights:
                tile = array[z : z + 32, y : y + 64, x : x + 64]
                if occupied[z : z + 32, y : y + 64, x : x + 64].any():
                    probabilities = engine.predict(tile[None, ..., None])[0]
                else:
                    probabilities = np.zeros((32, 64, 64, 3), np.float32)
                    probabilities[..., 0] = 1
                for k in range(32):
                    for j in range(64):
                        sums[z + k, y + j, x : x + 64] += probabilities[k, j]
    labels = np.zeros(array.shape, np.uint8)
    for index in np.ndindex(array.shape):
        labels[index] = max(range(3), key=lambda c: sums[(*index, c)])
    return labels


def noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def test_equals_the_plain_version_of_the_paper() -> None:
    array = noise((45, 88, 109))
    occupied = np.ones(array.shape, bool)
    occupied[:, 20:, 44:] = False
    expected = plainly(Guess(), array, occupied)

    for batch in (1, 5):
        combined = combine(Guess(), array, occupied, PAPER, batch=batch)

        assert np.array_equal(combined.labels, expected)
        assert set(np.unique(combined.labels)) == {0, 1, 2}
        assert combined.patches + combined.patches_skipped == 2 * 2 * 3
        assert combined.patches_skipped == 2


def test_tiles_step_as_the_paper_says_and_end_at_the_border() -> None:
    assert tile_starts(152, 32, 20) == [0, 20, 40, 60, 80, 100, 120]
    assert tile_starts(184, 64, 40) == [0, 40, 80, 120]
    assert tile_starts(150, 64, 40) == [0, 40, 80, 86]
    assert tile_starts(64, 64, 40) == [0]
    assert tile_starts(10, 64, 40) == [0]
    assert len(tile_corners((152, 144, 184), PAPER)) == 7 * 3 * 4


def test_evenly_spread_tiles_leave_no_gap_and_end_at_the_border() -> None:
    assert tile_starts(144, 64, 60, even=True) == [0, 40, 80]
    assert tile_starts(64, 64, 60, even=True) == [0]
    for length in range(33, 200, 7):
        starts = tile_starts(length, 32, 30, even=True)
        assert starts[0] == 0
        assert starts[-1] == length - 32
        assert all(0 < after - before <= 30 for before, after in pairwise(starts))


@pytest.mark.parametrize("shape", [(4, 8, 8), (5, 9, 23), (3, 20, 8), (1, 1, 1)])
def test_every_voxel_gets_a_label_whatever_the_size(shape: tuple[int, int, int]) -> None:
    class Bone(Guess):
        def predict(self, batch: np.ndarray) -> np.ndarray:
            assert batch.shape[1:] == (4, 8, 8, 1)
            return np.broadcast_to(np.float32([0.2, 0.5, 0.3]), (*batch.shape[:4], 3))

    combined = combine(Bone(), noise(shape), np.ones(shape, bool), SMALL)
    assert combined.labels.shape == shape
    assert combined.labels.dtype == np.uint8
    assert np.all(combined.labels == 1)


def test_what_no_tile_shows_is_background() -> None:
    combined = combine(
        Guess(), noise((4, 8, 30)), np.ones((4, 8, 30), bool), Tiling("far", (4, 8, 8), (4, 8, 11))
    )
    between = slice(8, 11)
    assert np.all(combined.labels[..., between] == 0)
    assert np.all(combined.probabilities[..., between, :] == (1, 0, 0))
    assert np.allclose(combined.probabilities.sum(axis=-1), 1, atol=1e-5)


def test_nothing_is_run_where_nothing_is() -> None:
    engine = Guess()
    combined = combine(engine, noise((12, 24, 24)), np.zeros((12, 24, 24), bool), SMALL)
    assert engine.batches == []
    assert combined.patches == 0
    assert not combined.labels.any()


@pytest.mark.parametrize("tapered", [False, True])
def test_the_batch_changes_nothing(tapered: bool) -> None:
    tiling = Tiling("small", (4, 8, 8), (3, 5, 5), tapered)
    array, occupied = noise((13, 21, 26)), noise((13, 21, 26)) > 2.2
    alone, together = (combine(Guess(), array, occupied, tiling, batch=batch) for batch in (1, 7))
    assert np.array_equal(alone.labels, together.labels)
    assert alone.patches == together.patches


def test_exhausted_memory_makes_the_batch_smaller_and_is_recorded() -> None:
    engine = Guess(largest_batch=3)
    array, occupied = noise((13, 21, 26)), np.ones((13, 21, 26), bool)
    combined = combine(engine, array, occupied, SMALL, batch=16)
    assert np.array_equal(combined.labels, combine(Guess(), array, occupied, SMALL).labels)
    assert max(engine.batches) == combined.batch == 2
    assert len(combined.fallbacks) == 3
    assert "memory exhausted" in combined.fallbacks[0]


def test_memory_that_does_not_hold_one_tile_is_an_error() -> None:
    with pytest.raises(EngineOutOfMemory):
        combine(Guess(largest_batch=0), noise((8, 8, 8)), np.ones((8, 8, 8), bool), SMALL, batch=8)


def test_progress_counts_the_tiles_that_are_run() -> None:
    seen: list[tuple[int, int]] = []
    occupied = np.zeros((12, 24, 24), bool)
    occupied[:, :8] = True
    combine(
        Guess(),
        noise((12, 24, 24)),
        occupied,
        SMALL,
        batch=2,
        report=lambda done, total: seen.append((done, total)),
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] == {total for _, total in seen}.pop()


def test_a_tapered_tile_counts_least_at_its_borders() -> None:
    weight = Tiling("tapered", (4, 8, 8), (3, 5, 5), tapered=True).weight()[..., 0]
    assert weight.shape == (4, 8, 8)
    assert weight.min() > 0
    assert weight[2, 4, 4] == weight.max()
    assert weight[0, 0, 0] == weight.min()


def test_chosen_tiles_count_in_full_inside_and_less_and_less_towards_their_borders() -> None:
    tiling = Tiling("small", (4, 8, 8), (3, 5, 5), tapered=True)
    array, occupied = noise((13, 21, 26)), np.ones((13, 21, 26), bool)
    corner = (4, 8, 12)
    window = tuple(slice(at, at + size) for at, size in zip(corner, tiling.patch, strict=True))
    combined = combine(Guess(), array, occupied, tiling, corners=[corner])
    counts = combined.probabilities.sum(axis=-1)
    assert combined.patches == 1
    assert counts[window] == pytest.approx(np.minimum(tiling.weight()[..., 0] / FULL, 1))
    assert counts[window][1:3, 3:5, 3:5] == pytest.approx(1)
    beside = np.ones(array.shape, bool)
    beside[window] = False
    assert not counts[beside].any(), "no answer, so it counts for nothing"
    answer = Guess().predict(array[window][None, ..., None])[0]
    assert combined.probabilities[window] == pytest.approx(answer * counts[window][..., None], abs=1e-6)


def test_no_chosen_tiles_are_no_answer() -> None:
    combined = combine(Guess(), noise((5, 9, 9)), np.ones((5, 9, 9), bool), SMALL, corners=[])
    assert combined.patches == combined.patches_skipped == 0
    assert not combined.probabilities.any()
