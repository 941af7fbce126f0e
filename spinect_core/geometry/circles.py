"""Largest circles inside borders, in many pictures at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import BoolArray, FloatArray

IntArray = npt.NDArray[np.int64]
_OFFSETS = np.array([(x, y) for x in (0.0, -1.0, -0.5, 0.5, 1.0) for y in (0.0, -1.0, -0.5, 0.5, 1.0)])
"""Places of a small grid, its middle first, so that the first of equals stays."""
FINEST_MM = 0.02


def largest_circles(
    views: IntArray,
    nodes: tuple[IntArray, FloatArray],
    chords: tuple[IntArray, FloatArray, FloatArray],
    step: float,
) -> tuple[FloatArray, FloatArray]:
    """Middle (n, 2) and radius (n,) of the largest circle that keeps off the chords, in each of the views (n,).

    The open node farthest from the border is the first guess; then finer and finer grids about the best place.
    """
    place, has = _table(views, nodes[0], nodes[1])
    start, real = _table(views, chords[0], chords[1])
    stop = _table(views, chords[0], chords[2])[0]
    between = (start + stop) / 2
    far = np.where(has, 0.0, -np.inf)
    near = (
        (place**2).sum(axis=2)[:, :, None]
        + (between**2).sum(axis=2)[:, None]
        - 2 * np.matmul(place, between.transpose(0, 2, 1))
    )
    near[np.broadcast_to(~real[:, None], near.shape)] = np.inf
    far += near.min(axis=2)
    best = place[np.arange(len(views)), far.argmax(axis=1)]
    along = stop - start
    length = np.where(real, (along**2).sum(axis=2), 1.0)
    length[length == 0] = 1.0
    radius = _to_chords(best[:, None], start, along, length, real)[:, 0]
    width = step
    while width > FINEST_MM:
        # Within the circle that is known to be empty every place is open.
        reach = np.minimum(width, 0.7 * radius)[:, None, None]
        tried = best[:, None] + reach * _OFFSETS
        distance = _to_chords(tried, start, along, length, real)
        chosen = distance.argmax(axis=1)
        best = tried[np.arange(len(views)), chosen]
        radius = distance[np.arange(len(views)), chosen]
        width /= 2
    return best, radius


def _to_chords(
    places: FloatArray, start: FloatArray, along: FloatArray, length: FloatArray, real: BoolArray
) -> FloatArray:
    """Distances (n, k) from places (n, k, 2) to the nearest of the chords (n, s)."""
    x = places[:, :, None, 0] - start[:, None, :, 0]
    y = places[:, :, None, 1] - start[:, None, :, 1]
    part = (x * along[:, None, :, 0] + y * along[:, None, :, 1]) / length[:, None]
    np.clip(part, 0.0, 1.0, out=part)
    x -= part * along[:, None, :, 0]
    y -= part * along[:, None, :, 1]
    squared = x * x + y * y
    squared[np.broadcast_to(~real[:, None], squared.shape)] = np.inf
    return np.asarray(np.sqrt(squared.min(axis=2)))


def _table(views: IntArray, of: IntArray, rows: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Rows (k, 2) that belong to views (k,), side by side: (n, most, 2), and which places are filled (n, most)."""
    order = np.argsort(of, kind="stable")
    index = np.searchsorted(views, of[order])
    count = np.bincount(index, minlength=len(views))
    column = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    table = np.zeros((len(views), int(count.max()), 2))
    filled = np.zeros(table.shape[:2], dtype=bool)
    table[index, column] = rows[order]
    filled[index, column] = True
    return table, filled
