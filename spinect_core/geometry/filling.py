"""Which points of a lattice lie within closed outlines."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spinect_core.base.arrays import BoolArray, FloatArray


def filled(outlines: Iterable[FloatArray], shape: tuple[int, int]) -> BoolArray:
    """The lattice points within an odd number of outlines.

    So an outline within another is a hole, and one within the hole is filled again; an outline that runs inwards and
    back along one line (a keyhole) leaves its hole open. A point on the outline itself belongs to the one side or to
    the other so that two areas that share an edge neither overlap nor leave a gap.

    Args:
        outlines: each (n, 2), (row, column) of its corners; the last is joined to the first.
        shape: rows and columns of the lattice; points have whole coordinates from 0 on.

    Returns:
        Whether each point is within [row, column].
    """
    rows, columns = shape
    crossings = np.zeros((rows, columns + 1), dtype=np.uint8)
    for outline in outlines:
        start, stop = outline, np.roll(outline, -1, axis=0)
        low, high = np.minimum(start[:, 0], stop[:, 0]), np.maximum(start[:, 0], stop[:, 0])
        # A row is crossed by an edge that begins on it or before and ends after it: corners count once.
        first = np.clip(np.ceil(low), 0, rows).astype(np.intp)
        last = np.clip(np.ceil(high), 0, rows).astype(np.intp)
        edge = np.repeat(np.arange(len(outline)), last - first)
        if not len(edge):
            continue
        before = np.concatenate([[0], np.cumsum(last - first)[:-1]])
        row = first[edge] + np.arange(len(edge)) - before[edge]
        part = (row - start[edge, 0]) / (stop[edge, 0] - start[edge, 0])
        across = start[edge, 1] + part * (stop[edge, 1] - start[edge, 1])
        column = np.clip(np.ceil(across), 0, columns).astype(np.intp)
        np.bitwise_xor.at(crossings, (row, column), 1)
    return np.asarray(np.bitwise_xor.accumulate(crossings[:, :-1], axis=1).astype(bool))
