"""Which tiles are read a second time: those about L5/S1 where the first reading is unsure.

The second reading takes as long as the first. Away from the planned level, and where the first has no doubt, it changes
nothing that matters; so its tiles are laid one after the other where most doubt is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import signal

from spinect_core.segmentation.engine import Shape
from spinect_core.segmentation.tiling import FULL, Tiling

Focus = tuple[float, float, float]
"""Voxel (z, y, x) of the first reading where L5/S1 lies, as far as is known."""

NEAR_MM = 40.0
"""Doubt counts up to here from L5/S1: planned needles end, and their neighbours lie, within."""
FADING_MM = 20.0
"""From there on it counts less and less, because L5/S1 itself is known to 10 to 20 mm only."""
MOST_TILES = 8
"""At most so many are read again: with the usual 45 of the first reading, 59 % of what reading all twice takes."""
LEAST_DOUBT = 60.0
"""Voxels that the classes share alike, as many as these, make a tile worth reading; each counts as it doubts."""
_CELL = 4
"""Voxels along the edge of a cell of the coarse copy that the tiles are laid on."""


def mirrored(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Left and right exchanged, of an array [z, y, x, ...]."""
    return np.ascontiguousarray(np.flip(array, 2))


def doubt(probabilities: npt.NDArray[np.float32], focus: Focus) -> npt.NDArray[np.float32]:
    """How much each voxel would gain by a second reading: from 0, sure or far away, to 1.

    Args:
        probabilities: float32 [z, y, x, class] of the first reading, of sum 1.
        focus: where L5/S1 lies.

    Returns:
        float32 [z, y, x].
    """
    likeliest = probabilities.max(axis=-1)
    # Two classes that share a voxel alike have 0.5 each; a third hardly ever takes part.
    unsure = np.clip(2 - 2 * likeliest, 0, 1)
    z, y, x = (np.arange(count) - at for count, at in zip(likeliest.shape, focus, strict=True))
    distance = np.sqrt(z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2)
    return np.asarray(unsure * np.clip(1 - (distance - NEAR_MM) / FADING_MM, 0, 1), dtype=np.float32)


def tiles_again(doubts: npt.NDArray[np.float32], tiling: Tiling) -> list[Shape]:
    """First voxels (z, y, x) of the tiles that are worth reading again, at most :data:`MOST_TILES`.

    Each is laid where it meets most of the doubt that those before it have left.

    Args:
        doubts: float32 [z, y, x] of the second reading's voxels, see :func:`doubt`.
        tiling: the mode.
    """
    shape = tuple(max(length, patch) for length, patch in zip(doubts.shape, tiling.patch, strict=True))
    cells = tuple(-(-length // _CELL) for length in shape)
    left = np.zeros([count * _CELL for count in cells], dtype=np.float32)
    left[tuple(slice(length) for length in doubts.shape)] = doubts
    left = left.reshape(cells[0], _CELL, cells[1], _CELL, cells[2], _CELL).sum(axis=(1, 3, 5))
    counts = _counts(tiling)
    # The last cell may reach beyond the region; a tile must not.
    fitting = tuple(
        slice((length - patch) // _CELL + 1) for length, patch in zip(shape, tiling.patch, strict=True)
    )
    chosen: list[Shape] = []
    while len(chosen) < MOST_TILES:
        gains = signal.correlate(left, counts, mode="valid", method="fft")[fitting]
        z, y, x = (int(at) for at in np.unravel_index(int(gains.argmax()), gains.shape))
        if gains[z, y, x] < LEAST_DOUBT:
            break
        chosen.append((z * _CELL, y * _CELL, x * _CELL))
        window = tuple(slice(at, at + n) for at, n in zip((z, y, x), counts.shape, strict=True))
        left[window] *= 1 - counts
    return chosen


def _counts(tiling: Tiling) -> npt.NDArray[np.float32]:
    """How much of a second answer a tile gives to each cell of it, 0 to 1."""
    weight = tiling.weight()[..., 0]
    full = np.broadcast_to(np.minimum(weight / FULL, 1), tiling.patch)
    z, y, x = (length // _CELL for length in tiling.patch)
    means = full.reshape(z, _CELL, y, _CELL, x, _CELL).mean(axis=(1, 3, 5))
    return np.asarray(means, dtype=np.float32)
