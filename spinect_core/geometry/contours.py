"""Where a yes-or-no question about places of the plane is answered yes, as polygons.

The question is asked on a grid; wherever two neighbours differ, the border between them is found by halving the gap, so
that the polygons' corners lie on the true border and their areas do not come in steps of the grid.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import shapely

from spinect_core.base.arrays import BoolArray, FloatArray

HALVINGS = 5
"""The border is found to the 64th part of the grid's step."""
SHARP_DEGREES = 20.0
"""The outline has a corner where it turns by more than this within a cell of the grid."""
STRAIGHT = 0.06
"""How far, in steps, it may deviate from a straight line beside a corner."""
Question = Callable[[FloatArray], BoolArray]
"""Asked at places (n, 2), answers (n,)."""
_CASES = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 0), (1, 2)), 6: ((0, 2),), 7: ((3, 2),),
    8: ((2, 3),), 9: ((2, 0),), 10: ((0, 1), (2, 3)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip
"""Which edges of a cell (0 below, 1 right, 2 above, 3 left) the border joins, by its open corners."""


def grid(low: FloatArray, high: FloatArray, step: float) -> FloatArray:
    """Places (nx, ny, 2), ``step`` apart, about the middle of a box and at least half a step beyond it all round."""
    count = np.maximum(np.ceil((high - low) / step).astype(int) + 3, 2)
    first = (low + high) / 2 - (count - 1) * step / 2
    axes = [first[i] + step * np.arange(count[i]) for i in range(2)]
    return np.stack(np.meshgrid(axes[0], axes[1], indexing="ij"), axis=-1)


def pieces(free: Question, nodes: FloatArray, inside: BoolArray | None = None) -> list[shapely.Polygon]:
    """The polygons of where ``free`` holds, by marching squares with borders found by halving.

    What is narrower than the grid's step may be missed.

    Args:
        free: the question; it has to be answered no on the outermost places, or the polygons end there.
        nodes: places (nx, ny, 2) of a regular grid.
        inside: the answers (nx, ny) at the places, if they are known.

    Returns:
        Each connected piece with its holes, in no particular order.
    """
    if inside is None:
        inside = free(nodes.reshape(-1, 2)).reshape(nodes.shape[:2])
    if not inside.any():
        return []
    lines = _segments(free, inside, nodes, *_crossings(free, inside, nodes))
    faces = shapely.get_parts(shapely.polygonize(lines))
    if len(faces) == 0:
        return []
    middles = shapely.get_coordinates(shapely.point_on_surface(faces))
    return [face for face, is_free in zip(faces, free(middles), strict=True) if is_free]


def _crossings(free: Question, inside: BoolArray, nodes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where the border crosses the grid's edges along x and along y: (nx, ny, 2) each, not a number elsewhere."""
    across, up = inside[:-1] != inside[1:], inside[:, :-1] != inside[:, 1:]
    start = np.concatenate([nodes[:-1][across], nodes[:, :-1][up]])
    step = np.concatenate([nodes[1:][across], nodes[:, 1:][up]]) - start
    first = np.concatenate([inside[:-1][across], inside[:, :-1][up]])
    low, high = np.zeros(len(start)), np.ones(len(start))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        same = free(start + middle[:, None] * step) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    found = start + ((low + high) / 2)[:, None] * step
    along_x, along_y = np.full((2, *inside.shape, 2), np.nan)
    along_x[:-1][across] = found[: across.sum()]
    along_y[:, :-1][up] = found[across.sum() :]
    return along_x, along_y


def _segments(
    free: Question, inside: BoolArray, nodes: FloatArray, across: FloatArray, up: FloatArray
) -> npt.NDArray[np.object_]:
    """The pieces of border inside each cell of the grid."""
    corner = inside.astype(int)
    code = corner[:-1, :-1] + 2 * corner[1:, :-1] + 4 * corner[1:, 1:] + 8 * corner[:-1, 1:]
    edges = np.stack([across[:-1, :-1], up[1:, :-1], across[:-1, 1:], up[:-1, :-1]], axis=2)
    saddle = np.argwhere((code == 5) | (code == 10))
    if len(saddle):
        open_middle = free(
            (nodes[saddle[:, 0], saddle[:, 1]] + nodes[saddle[:, 0] + 1, saddle[:, 1] + 1]) / 2
        )
        # With the middle open, the two open corners are connected: the border cuts off the other two.
        swap = saddle[open_middle]
        code[swap[:, 0], swap[:, 1]] = 15 - code[swap[:, 0], swap[:, 1]]
    lines = []
    for value, pairs in _CASES.items():
        cells = edges[code == value]
        lines += [np.stack([cells[:, i], cells[:, j]], axis=1) for i, j in pairs]
    return np.asarray(shapely.linestrings(np.concatenate(lines)))


def sharpened(free: Question, polygon: shapely.Polygon, step: float) -> shapely.Polygon:
    """A polygon of :func:`pieces` with the corners that the grid has cut off put back.

    Where the outline runs straight towards a short edge from both sides and the two lines meet beyond it, the corner is
    where they meet, if the question says so just before and just behind it.

    Args:
        free: the question.
        polygon: one piece.
        step: of the grid it was found on.
    """
    rings = [np.asarray(ring.coords)[:-1] for ring in (polygon.exterior, *polygon.interiors)]
    edges, middles, corners = zip(*(_cut_corners(ring, step) for ring in rings), strict=True)
    beyond = np.concatenate(corners) - np.concatenate(middles)
    if len(beyond) == 0:
        return polygon
    before, behind = np.split(
        free(np.concatenate([np.concatenate(middles) + part * beyond for part in (0.9, 1.1)])), 2
    )
    inner = shapely.contains_xy(polygon, np.concatenate(middles) + 0.1 * beyond)
    true = (before != behind) & (before != inner)
    kept = np.split(true, np.cumsum([len(edge) for edge in edges])[:-1])
    made = [
        np.insert(ring, edge[keep] + 1, corner[keep], axis=0)
        for ring, edge, corner, keep in zip(rings, edges, corners, kept, strict=True)
    ]
    found = shapely.Polygon(made[0], made[1:])
    return found if found.is_valid else polygon


def _cut_corners(ring: FloatArray, step: float) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Edges (n,) of a ring that may cut off a corner, their middles (n, 2) and where the corners would be (n, 2)."""
    start, stop = ring, np.roll(ring, -1, axis=0)
    lengths = np.linalg.norm(stop - start, axis=1)
    far = np.concatenate([[0.0], lengths.cumsum()])
    around, closed = far[-1], np.concatenate([ring, ring[:1]])

    def at(place: FloatArray) -> FloatArray:
        return np.column_stack([np.interp(place % around, far, closed[:, i]) for i in range(2)])

    into, out = start - at(far[:-1] - 1.5 * step), stop - at(far[1:] + 1.5 * step)
    bend_in = np.abs(_cross(start - at(far[:-1] - 0.7 * step), into)) / np.linalg.norm(into, axis=1)
    bend_out = np.abs(_cross(stop - at(far[1:] + 0.7 * step), out)) / np.linalg.norm(out, axis=1)
    turn = _cross(into, out)
    sharp = np.degrees(np.arctan2(np.abs(turn), -(into * out).sum(axis=1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        t, u = _cross(stop - start, out) / turn, _cross(stop - start, into) / turn
        corner = start + t[:, None] * into
    middle = (start + stop) / 2
    likely = (sharp > SHARP_DEGREES) & (t > 0) & (u > 0)
    likely &= (np.maximum(bend_in, bend_out) < STRAIGHT * step) & (around > 6 * step)
    likely[likely] &= np.linalg.norm((corner - middle)[likely], axis=1) < 3 * step
    edges = np.flatnonzero(likely)
    return edges, middle[edges], corner[edges]


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
