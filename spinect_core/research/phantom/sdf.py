"""Signed distances of simple solids, in millimetres: negative inside, zero on the surface, positive outside.

Distances are exact for spheres and capsules and good near the surface for the rest, which is all that a
label, a cortex of a millimetre and an antialiased edge need. Everything is float64: a last-bit difference
between two processors then cannot move a rounded Hounsfield unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.polyline import along

Coordinates = tuple[FloatArray, FloatArray, FloatArray]
Block = tuple[slice, slice, slice]

REAR_CORNERS = 4.2
"""Power of the superellipse that is the rear half of an end plate; 2 is an ellipse."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A right-handed local frame of a bone: x to its left, y to its back, z to its head.

    Attributes:
        origin: (3,) mm in the frame of the specimen.
        axes: 3x3, rows are the unit vectors of x, y and z.
    """

    origin: FloatArray
    axes: FloatArray

    @classmethod
    def tilted(cls, origin: npt.ArrayLike, tilt: float, roll: float = 0.0, turn: float = 0.0) -> Frame:
        """Frame leaning ``tilt`` degrees forwards and ``roll`` to the left, turned by ``turn``."""
        t, r, w = np.radians([tilt, roll, turn])
        lean = np.array([[1, 0, 0], [0, np.cos(t), np.sin(t)], [0, -np.sin(t), np.cos(t)]])
        side = np.array([[np.cos(r), 0, -np.sin(r)], [0, 1, 0], [np.sin(r), 0, np.cos(r)]])
        spin = np.array([[np.cos(w), np.sin(w), 0], [-np.sin(w), np.cos(w), 0], [0, 0, 1]])
        return cls(np.asarray(origin, dtype=np.float64), np.asarray(spin @ side @ lean))

    def local(self, points: Coordinates) -> Coordinates:
        """Coordinates of ``points`` in this frame."""
        x, y, z = (points[axis] - self.origin[axis] for axis in range(3))
        a = self.axes
        return (
            a[0, 0] * x + a[0, 1] * y + a[0, 2] * z,
            a[1, 0] * x + a[1, 1] * y + a[1, 2] * z,
            a[2, 0] * x + a[2, 1] * y + a[2, 2] * z,
        )

    def outer(self, point: npt.ArrayLike) -> FloatArray:
        """The point(s) (..., 3) of this frame in the frame of the specimen."""
        return np.asarray(np.asarray(point, dtype=np.float64) @ self.axes + self.origin)


def ellipsoid(p: Coordinates, centre: npt.ArrayLike, radii: npt.ArrayLike) -> FloatArray:
    """Ellipsoid with semi-axes ``radii``."""
    c, r = np.asarray(centre, dtype=np.float64), np.asarray(radii, dtype=np.float64)
    q = [(p[axis] - c[axis]) / r[axis] for axis in range(3)]
    k0 = np.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2)
    k1 = np.sqrt((q[0] / r[0]) ** 2 + (q[1] / r[1]) ** 2 + (q[2] / r[2]) ** 2)
    return np.asarray(np.where(k1 > 1e-9, k0 * (k0 - 1) / np.maximum(k1, 1e-9), -r.min()))


def capsule(
    p: Coordinates,
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    radius: float | tuple[float, float],
    stretch: npt.ArrayLike = (1.0, 1.0, 1.0),
) -> FloatArray:
    """Rounded rod from ``start`` to ``stop`` whose radius runs from the first to the second value.

    ``stretch`` scales the axes of the cross-section: 2 makes the rod twice as thick along that axis.
    """
    r0, r1 = radius if isinstance(radius, tuple) else (radius, radius)
    s = np.asarray(stretch, dtype=np.float64)
    a, b = np.asarray(start, dtype=np.float64) / s, np.asarray(stop, dtype=np.float64) / s
    ab = b - a
    d = [p[axis] / s[axis] - a[axis] for axis in range(3)]
    t = np.clip((d[0] * ab[0] + d[1] * ab[1] + d[2] * ab[2]) / max(float(ab @ ab), 1e-12), 0.0, 1.0)
    distance = np.sqrt((d[0] - t * ab[0]) ** 2 + (d[1] - t * ab[1]) ** 2 + (d[2] - t * ab[2]) ** 2)
    return np.asarray((distance - (r0 + (r1 - r0) * t)) * s.min())


def box(p: Coordinates, centre: npt.ArrayLike, half: npt.ArrayLike, rounding: float = 0.0) -> FloatArray:
    """Box with half-lengths ``half`` and rounded edges."""
    c, h = np.asarray(centre, dtype=np.float64), np.asarray(half, dtype=np.float64)
    q = [np.abs(p[axis] - c[axis]) - (h[axis] - rounding) for axis in range(3)]
    outside = np.sqrt(sum(np.maximum(component, 0.0) ** 2 for component in q))
    inside = np.minimum(np.maximum(np.maximum(q[0], q[1]), q[2]), 0.0)
    return np.asarray(outside + inside - rounding)


def smooth_min(a: FloatArray, b: FloatArray, k: float) -> FloatArray:
    """Union of two solids with a fillet of about ``k`` mm."""
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0.0, 1.0)
    return np.asarray(b + (a - b) * h - k * h * (1.0 - h))


def smooth_max(a: FloatArray, b: FloatArray, k: float) -> FloatArray:
    """Intersection of two solids with an edge rounded over about ``k`` mm."""
    return -smooth_min(-a, -b, k)


def superellipse(u: FloatArray, v: FloatArray, a: FloatArray, b: FloatArray, power: float) -> FloatArray:
    """Radial coordinate of (u, v) in a superellipse of half-axes a, b: 1 on its outline."""
    return np.asarray((np.abs(u / a) ** power + np.abs(v / b) ** power) ** (1.0 / power))


def plate_outline(
    x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray, front: float
) -> tuple[FloatArray, FloatArray]:
    """Radial coordinate (1 on it) and signed distance of the outline of an end plate of half-axes a, b.

    In front it is a superellipse of power ``front``; behind, where the pedicles stand, its corners are squarer. The
    distance is exact to first order at the outline.
    """
    u, v = np.abs(x / a), np.abs(y / b)
    power = np.where(y > 0.0, REAR_CORNERS, front)
    r = np.maximum((u**power + v**power) ** (1.0 / power), 1e-6)
    slope = np.hypot((u / r) ** (power - 1.0) / a, (v / r) ** (power - 1.0) / b)
    # In the very middle the outline has no direction.
    return r, np.asarray((r - 1.0) / np.maximum(slope, 0.01))


def stretched(field: FloatArray, where: FloatArray, at: FloatArray, axis: int) -> FloatArray:
    """Linear interpolation along one axis of ``field`` from samples at ``at`` (ascending) to ``where``."""
    upper = np.clip(np.searchsorted(at, where, side="left"), min(1, len(at) - 1), len(at) - 1)
    lower = np.maximum(upper - 1, 0)
    gap = np.where(upper > lower, at[upper] - at[lower], 1.0)
    weight = np.clip((where - at[lower]) / gap, 0.0, 1.0).reshape([-1 if a == axis else 1 for a in range(3)])
    out = np.take(field, upper, axis=axis)
    low = np.take(field, lower, axis=axis)
    out -= low
    out *= weight
    out += low
    return out


@dataclass(frozen=True, eq=False)
class Lattice:
    """A coarse sampling of a grid on which smooth, large solids are evaluated, and the way back to the grid.

    A distance changes by at most a millimetre a millimetre; sampled every 2 mm and interpolated linearly, the
    surface of a solid whose radii of curvature are a centimetre or more moves by less than 0.1 mm, at an
    eighth of the work.

    Attributes:
        shape: of the whole grid (z, y, x).
        picks: along each axis, the indices that are sampled; the first and the last always are.
    """

    shape: tuple[int, ...]
    picks: tuple[npt.NDArray[np.intp], ...]

    @classmethod
    def every(cls, shape: tuple[int, ...], steps: tuple[int, int, int]) -> Lattice:
        """Every ``steps``-th voxel along (z, y, x)."""
        picks = tuple(
            np.unique(np.append(np.arange(0, n, s), n - 1)) for n, s in zip(shape, steps, strict=True)
        )
        return cls(shape, picks)

    def sample(self, p: Coordinates) -> Coordinates:
        """The coordinates at the sampled voxels."""
        mesh = np.ix_(*self.picks)
        return p[0][mesh], p[1][mesh], p[2][mesh]

    def refine(self, coarse: FloatArray) -> FloatArray:
        """Linear interpolation of a sampled field back to the whole grid."""
        field = coarse
        for axis in range(3):
            at = self.picks[axis].astype(np.float64)
            field = stretched(field, np.arange(self.shape[axis], dtype=np.float64), at, axis)
        return field


def block_around(p: Coordinates, centre: FloatArray, half: tuple[float, float, float]) -> Block:
    """The smallest block of the grid that holds every voxel within ``half`` of ``centre``."""
    rough = _rough_block(p, centre, half)
    x, y, z = part_of_grid(p, rough)
    inside = (
        (np.abs(x - centre[0]) < half[0])
        & (np.abs(y - centre[1]) < half[1])
        & (np.abs(z - centre[2]) < half[2])
    )
    slices = []
    for axis in range(3):
        hit = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
        first = rough[axis].start
        slices.append(slice(0, 0) if hit.size == 0 else slice(first + int(hit[0]), first + int(hit[-1]) + 1))
    return slices[0], slices[1], slices[2]


def _rough_block(p: Coordinates, centre: FloatArray, half: tuple[float, float, float]) -> Block:
    """A block that holds the one wanted and some more, found on every fourth voxel."""
    every = (slice(None, None, 4),) * 3
    near = np.ones(p[0][every].shape, dtype=bool)
    for axis in range(3):
        part = p[axis][every]
        # Between two samples a coordinate strays from them by less than they differ.
        margin = 1.5 * sum(
            float(np.abs(np.diff(part, axis=a)).max()) if part.shape[a] > 1 else 0.0 for a in range(3)
        )
        if min(part.shape) < 2:
            margin = np.inf
        near &= np.abs(part - centre[axis]) < half[axis] + margin
    slices = []
    for axis in range(3):
        hit = np.flatnonzero(near.any(axis=tuple(a for a in range(3) if a != axis)))
        if hit.size == 0:
            return slice(0, 0), slice(0, 0), slice(0, 0)
        slices.append(slice(max(4 * int(hit[0]) - 4, 0), min(4 * int(hit[-1]) + 5, p[0].shape[axis])))
    return slices[0], slices[1], slices[2]


def part_of_grid(p: Coordinates, block: Block) -> Coordinates:
    """The coordinates inside a block."""
    return p[0][block], p[1][block], p[2][block]


def dense(points: FloatArray, step: float = 1.0) -> FloatArray:
    """Points at most ``step`` mm apart along a line of points (n, 3)."""
    chord = along(points)
    s = np.linspace(0.0, chord[-1], max(int(chord[-1] / step) + 1, 2))
    return np.stack([np.interp(s, chord, points[:, axis]) for axis in range(3)], axis=1)


def line_distance(p: Coordinates, points: FloatArray, reach: float) -> FloatArray:
    """Distance in mm of the coordinates to a line of points (n, 3), ``reach`` where it is farther."""
    out = np.full(p[0].shape, reach)
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    near = np.ones(p[0].shape, dtype=bool)
    for axis in range(3):
        near &= (p[axis] > low[axis]) & (p[axis] < high[axis])
    query = np.stack([p[axis][near] for axis in range(3)], axis=1)
    distance, _index = cKDTree(dense(points)).query(query, distance_upper_bound=reach)
    out[near] = np.minimum(distance, reach)
    return out
