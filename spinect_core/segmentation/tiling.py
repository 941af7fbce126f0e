"""The paper's combined algorithm: overlapping tiles, summed probabilities, the likeliest class of each voxel.

A tile with nothing in it, that is, with no voxel above -200 HU, is background for certain; it is counted as such
and not run. Bone and nerve are not that dark, and the standardisation makes such a tile one constant value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.segmentation.engine import Engine, EngineOutOfMemory, Shape
from spinect_core.segmentation.network import CLASSES

LabelArray = npt.NDArray[np.uint8]
BACKGROUND = 0
CERTAINLY_BACKGROUND = np.eye(CLASSES, dtype=np.float32)[BACKGROUND]
"""Probabilities of a voxel where there is nothing."""

FULL = 0.125
"""Tapered weight from which on a chosen tile's answer counts in full: half-way from its middle to its border along all
three axes, or nearer along some. Below, it counts in proportion, so that no step shows where chosen tiles end."""

Report = Callable[[int, int], None]
"""Called with the tiles done and the tiles to do."""


@dataclass(frozen=True)
class Tiling:
    """How tiles are laid.

    Attributes:
        name: of the mode.
        patch: voxels of a tile along (z, y, x).
        stride: voxels from one tile to the next.
        tapered: whether a tile's probabilities count less towards its borders, where the network sees less around a
            voxel. The paper's do not.
        even: whether tiles are spread evenly, at most ``stride`` apart. The paper's last one is shifted back instead.
    """

    name: str
    patch: Shape
    stride: Shape
    tapered: bool = False
    even: bool = False

    def weight(self) -> npt.NDArray[np.float32]:
        """What the probabilities of a tile count, (z, y, x, 1): 1, or a tent that falls to its outermost voxels."""
        if not self.tapered:
            return np.ones((1, 1, 1, 1), dtype=np.float32)
        z, y, x = (1 - np.abs(np.arange(count) - (count - 1) / 2) / ((count + 1) / 2) for count in self.patch)
        tent = z[:, None, None, None] * y[None, :, None, None] * x[None, None, :, None]
        return np.asarray(tent, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Combined:
    """What comes out.

    Attributes:
        probabilities: float32 [z, y, x, class], summed over the tiles that show a voxel, of sum 1. Where tiles
            were chosen, the sum is how much their answer counts: 0 where none of them shows a voxel.
        patches: tiles that were run.
        patches_skipped: tiles with nothing in them.
        batch: tiles run at once at the end.
        fallbacks: what had to be changed on the way.
    """

    probabilities: npt.NDArray[np.float32]
    patches: int
    patches_skipped: int
    batch: int
    fallbacks: tuple[str, ...]

    @property
    def labels(self) -> LabelArray:
        """uint8 [z, y, x], see :func:`likeliest`."""
        return likeliest(self.probabilities)


def likeliest(probabilities: npt.NDArray[np.float32]) -> LabelArray:
    """The likeliest class of each voxel, uint8 [z, y, x], of probabilities [z, y, x, class]."""
    labels: LabelArray = np.argmax(probabilities, axis=-1).astype(np.uint8)
    return labels


def tile_starts(length: int, patch: int, stride: int, even: bool = False) -> list[int]:
    """First voxels of the tiles along one axis; the last tile is shifted back, or all are, to end at the border."""
    last = max(length - patch, 0)
    starts = [*range(0, last, stride), last]
    if even and last:
        steps = len(starts) - 1
        return [round(last * step / steps) for step in range(steps + 1)]
    return starts


def tile_corners(shape: Shape, tiling: Tiling) -> list[Shape]:
    """First voxels (z, y, x) of all tiles of an array, x running fastest."""
    z, y, x = (
        tile_starts(length, patch, stride, tiling.even)
        for length, patch, stride in zip(shape, tiling.patch, tiling.stride, strict=True)
    )
    return list(product(z, y, x))


def tiles_to_run(
    occupied: npt.NDArray[np.bool_], tiling: Tiling, corners: Sequence[Shape] | None = None
) -> int:
    """How many tiles of a region show more than air: all tiles, or those with these first voxels."""
    return sum(run for _, run in _windows(occupied, tiling, corners))


def _windows(
    occupied: npt.NDArray[np.bool_], tiling: Tiling, corners: Sequence[Shape] | None
) -> list[tuple[tuple[slice, ...], bool]]:
    """Each tile and whether it shows more than air, x running fastest; an array counts as no smaller than a tile."""
    z, y, x = (max(length, patch) for length, patch in zip(occupied.shape, tiling.patch, strict=True))
    windows = [
        tuple(slice(first, first + size) for first, size in zip(corner, tiling.patch, strict=True))
        for corner in (tile_corners((z, y, x), tiling) if corners is None else corners)
    ]
    return [(window, bool(occupied[window].any())) for window in windows]


def combine(
    engine: Engine,
    array: npt.NDArray[np.float32],
    occupied: npt.NDArray[np.bool_],
    tiling: Tiling,
    *,
    corners: Sequence[Shape] | None = None,
    batch: int = 1,
    report: Report | None = None,
    classes: int = CLASSES,
) -> Combined:
    """Run the network over a region of any size.

    An array smaller than a tile is continued with the values of its border.

    Args:
        engine: made for tiles of ``tiling.patch``.
        array: standardised, [z, y, x].
        occupied: [z, y, x], where there is more than air.
        tiling: the mode.
        corners: first voxels (z, y, x) of the only tiles to run; all of the region if not given.
        batch: tiles to run at once; halved when the engine's memory does not suffice.
        report: called after each batch.
        classes: how many the network tells apart; the first is background.

    Raises:
        EngineOutOfMemory: if not even one tile at a time fits.
    """
    missing = [(0, max(patch - length, 0)) for length, patch in zip(array.shape, tiling.patch, strict=True)]
    padded = np.pad(array, missing, mode="edge")
    z, y, x = padded.shape
    laid = _windows(occupied, tiling, corners)
    windows, to_run = [window for window, _ in laid], [run for _, run in laid]
    total, done, position = sum(to_run), 0, 0
    weight = tiling.weight()
    summed = np.zeros((z, y, x, classes), dtype=np.float32)
    empty = np.eye(classes, dtype=np.float32)[BACKGROUND]
    fallbacks: list[str] = []
    while position < len(windows):
        # Tiles are summed strictly in order, so that the batch does not decide how the sums are rounded.
        stop = _end_of_batch(to_run, position, batch)
        running = [
            window for window, run in zip(windows[position:stop], to_run[position:stop], strict=True) if run
        ]
        try:
            probabilities = iter(_predict(engine, padded, running))
        except EngineOutOfMemory:
            if batch == 1:
                raise
            batch = max(1, len(running) // 2)
            fallbacks.append(
                f"{engine.device} memory exhausted: {batch} tiles at once instead of {len(running)}"
            )
            continue
        for window, run in zip(windows[position:stop], to_run[position:stop], strict=True):
            summed[window] += weight * (next(probabilities) if run else empty)
        position, done = stop, done + len(running)
        if report is not None:
            report(done, total)
    own = tuple(slice(length) for length in array.shape)
    summed = summed[own]
    if corners is not None:
        summed /= np.maximum(summed.sum(axis=-1, keepdims=True), np.float32(FULL))
        return Combined(summed, total, len(windows) - total, batch, tuple(fallbacks))
    # Tiles further apart than they are long leave voxels that none of them shows.
    summed[~summed.any(axis=-1)] = empty
    summed /= summed.sum(axis=-1, keepdims=True)
    return Combined(summed, total, len(windows) - total, batch, tuple(fallbacks))


def _end_of_batch(to_run: Sequence[bool], position: int, batch: int) -> int:
    """Where the batch that begins at ``position`` ends: after ``batch`` tiles to run and the empty ones between."""
    count = 0
    for stop in range(position, len(to_run)):
        count += to_run[stop]
        if count == batch:
            return stop + 1
    return len(to_run)


def _predict(
    engine: Engine, padded: npt.NDArray[np.float32], windows: list[tuple[slice, ...]]
) -> npt.NDArray[Any]:
    """Probabilities of the windows; nothing for none."""
    if not windows:
        return np.empty((0,), dtype=np.float32)
    return engine.predict(np.stack([padded[window] for window in windows])[..., None])
