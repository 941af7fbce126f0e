"""Plane polygons: area, edges, angles, and whether the outline crosses itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray

_PAIRS = 50_000
"""Of edges that are compared at once."""


def signed_area(points: npt.ArrayLike) -> float:
    """Area of a polygon (n, 2) in its unit squared, positive when it runs anticlockwise.

    The coordinates are taken from the first point, so a polygon far from the origin loses no digits. The order of the
    sum stays as it is: areas of stored plans are compared to the last digit, and another order rounds otherwise.
    """
    xy = np.asarray(points, dtype=np.float64)
    x, y = (xy - xy[0]).T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def edge_lengths(points: npt.ArrayLike) -> tuple[float, ...]:
    """Length of the edges of a polygon (n, 2 or 3): the first from point 0 to point 1, the last back to point 0."""
    corners = np.asarray(points, dtype=np.float64)
    return tuple(float(length) for length in np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1))


def interior_angles(points: npt.ArrayLike) -> tuple[float, ...]:
    """Interior angles in degrees at each point of a simple polygon (n, 2); they add up to (n - 2) * 180."""
    xy = np.asarray(points, dtype=np.float64)
    ahead = np.roll(xy, -1, axis=0) - xy
    behind = np.roll(xy, 1, axis=0) - xy
    cross = ahead[:, 0] * behind[:, 1] - ahead[:, 1] * behind[:, 0]
    angles = np.degrees(np.arctan2(cross, (ahead * behind).sum(axis=1)))
    if signed_area(xy) < 0:
        angles = -angles
    return tuple(float(angle) for angle in np.mod(angles, 360.0))


def crosses_itself(points: npt.ArrayLike, tolerance: float = 1e-9) -> bool:
    """Whether two edges of a polygon (n, 2) that are no neighbours cross.

    Edges that touch, or lie on one line because a polygon is seen from its edge, do not count as crossing.

    Args:
        points: the polygon.
        tolerance: how far, as a part of the polygon's extent, ends may lie beyond the other edge's line.
    """
    xy = np.asarray(points, dtype=np.float64)
    count = len(xy)
    start, stop = xy, np.roll(xy, -1, axis=0)
    margin = tolerance * float(np.ptp(xy, axis=0).max()) if count else 0.0
    others = np.arange(count)[None]
    step = max(1, _PAIRS // max(count, 1))
    for first in range(0, count, step):
        these = np.arange(first, min(first + step, count))[:, None]
        apart = (others - these >= 2) & (others - these <= count - 2)
        over = _side(start[these], stop[these], start[others], margin) * _side(
            start[these], stop[these], stop[others], margin
        )
        under = _side(start[others], stop[others], start[these], margin) * _side(
            start[others], stop[others], stop[these], margin
        )
        if (apart & (over < 0) & (under < 0)).any():
            return True
    return False


def _side(start: FloatArray, stop: FloatArray, points: FloatArray, margin: float) -> npt.NDArray[np.int64]:
    """-1, 0 or 1 for points (..., 2) right of, within ``margin`` of, or left of lines from start to stop (..., 2)."""
    along, offset = stop - start, points - start
    length = np.hypot(along[..., 0], along[..., 1])
    distance = along[..., 0] * offset[..., 1] - along[..., 1] * offset[..., 0]
    distance = distance / np.where(length > margin, length, 1.0)
    on_line = (np.abs(distance) <= margin) | (length <= margin)
    return np.where(on_line, 0, np.sign(distance)).astype(np.int64)


def nearest_on_ring(places: npt.ArrayLike, ring: npt.ArrayLike) -> FloatArray:
    """The points of a closed ring that lie nearest to places in the plane.

    Args:
        places: (n, 2).
        ring: (m, k), k at least 2, not closed; the first two columns are plane coordinates, the others ride along.

    Returns:
        (n, k), straight between the ring's points.
    """
    given, start = np.asarray(places, dtype=np.float64), np.asarray(ring, dtype=np.float64)
    along = np.roll(start, -1, axis=0) - start
    squared = (along[:, :2] ** 2).sum(axis=1)
    offset = given[:, None] - start[None, :, :2]
    part = (offset * along[:, :2]).sum(axis=2) / np.where(squared > 0, squared, 1.0)
    part = np.clip(part, 0.0, 1.0)
    gap = ((offset - part[..., None] * along[:, :2]) ** 2).sum(axis=2)
    best = gap.argmin(axis=1)
    return np.asarray(start[best] + part[np.arange(len(given)), best][:, None] * along[best])
