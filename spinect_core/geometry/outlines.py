"""The outlines of marked points of a lattice: what :func:`~spinect_core.geometry.filling.filled` fills again."""

from __future__ import annotations

import numpy as np
import shapely
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, FloatArray

BESIDE = 0.25
"""Keyholes run along rows of whole numbers and this: no lattice point lies there, and no corner of an outline."""


def outlines(mask: BoolArray) -> list[FloatArray]:
    """Closed outlines half a step about the marked points of a lattice, one for each connected part.

    A hole is joined to the outline about it by a keyhole: two edges there and back along one line between the points.
    So a part is one outline, and is read alike by what counts crossings and by what fills each outline by itself.
    Marked points that meet at a corner only are parts of their own.

    Args:
        mask: which points are marked [row, column].

    Returns:
        Each (n, 2), (row, column) of its corners, at least three; the last is joined to the first. No corner lies on a
        lattice point, and no edge passes one nearer than a quarter of a step.
    """
    from skimage.measure import find_contours

    boxes = ndimage.find_objects(mask.astype(np.uint8))
    if not boxes:
        return []
    box = boxes[0]
    first = np.array([part.start for part in box]) - 1
    padded = np.pad(mask[box], 1).astype(np.float64)
    rings = [_corners(each[:-1]) + first for each in find_contours(padded, 0.5, fully_connected="low")]
    # An outer outline and a hole run in opposite ways, and the largest of all is an outer one.
    areas = np.array([_signed_area(ring) for ring in rings])
    outer = areas * areas[np.abs(areas).argmax()] > 0
    parts = [ring for ring, is_outer in zip(rings, outer, strict=True) if is_outer]
    holes: list[list[FloatArray]] = [[] for _ in parts]
    shapes = np.array([shapely.Polygon(ring) for ring in parts])
    for hole in (ring for ring, is_outer in zip(rings, outer, strict=True) if not is_outer):
        about = np.flatnonzero(shapely.contains_xy(shapes, *hole[0]))
        holes[about[shapely.area(shapes[about]).argmin()]].append(hole)
    return [_with_keyholes(ring, within) for ring, within in zip(parts, holes, strict=True)]


def _corners(ring: FloatArray) -> FloatArray:
    """A ring without the points at which it runs straight on."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]  # halves of whole numbers: exact
    return np.asarray(ring[turns])


def _signed_area(ring: FloatArray) -> float:
    after = np.roll(ring, -1, axis=0)
    return float((ring[:, 0] * after[:, 1] - ring[:, 1] * after[:, 0]).sum() / 2)


def _with_keyholes(ring: FloatArray, holes: list[FloatArray]) -> FloatArray:
    """An outer outline with each hole joined to what lies next to its right.

    The rightmost hole comes first: to the right of any other there is then nothing that is not joined already.
    """
    for hole in sorted(holes, key=lambda each: -each[:, 1].max()):
        row = hole[hole[:, 1].argmax(), 0] + BESIDE
        edges, columns = _crossings(hole, row)
        right = int(columns.argmax())
        from_edge, start = int(edges[right]), columns[right]
        edges, columns = _crossings(ring, row)
        edges, columns = edges[columns > start], columns[columns > start]
        nearest = int(columns.argmin())
        to_edge, stop = int(edges[nearest]), columns[nearest]
        there, back = np.array([[row, stop]]), np.array([[row, start]])
        around = np.roll(hole, -from_edge - 1, axis=0)
        ring = np.concatenate([ring[: to_edge + 1], there, back, around, back, there, ring[to_edge + 1 :]])
    return ring


def _crossings(ring: FloatArray, row: float) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], FloatArray]:
    """Edges of a ring that cross a row, by the number of their first corner, and the columns where."""
    start, stop = ring, np.roll(ring, -1, axis=0)
    low, high = np.minimum(start[:, 0], stop[:, 0]), np.maximum(start[:, 0], stop[:, 0])
    edges = np.flatnonzero((low <= row) & (row < high))
    start, stop = start[edges], stop[edges]
    part = (row - start[:, 0]) / (stop[:, 0] - start[:, 0])
    return edges, np.asarray(start[:, 1] + part * (stop[:, 1] - start[:, 1]))
