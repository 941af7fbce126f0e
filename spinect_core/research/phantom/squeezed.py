"""Nerves for which disc and bone leave no room: pushed out of the bone, or rerouted through free space."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates
from skimage.graph import MCP_Geometric

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.nerves import STEP_MM, Course, clear_of
from spinect_core.research.phantom.sdf import dense

SQUEEZED, FLAT = 0.25, 0.55
"""Shares of its radius: a nerve whose middle comes nearer to bone than the first is pushed off to the second."""
DENT_MM = 2.5
"""A pushed nerve dents discs and ligaments by this much at most."""
SUNK_MM = 1.0
"""A nerve whose middle lies deeper in a disc than this is rerouted."""
BESIDE = 30
"""Points on either side of a squeezed place that move with it."""
AROUND_MM = 10.0
"""How far from its course another path is searched."""


def out_of_bone(course: Course, bone: FloatArray, obstacle: FloatArray, geometry: Geometry) -> Course:
    """A course that is squeezed between disc and bone, pushed into the disc; or led round both where that is better.

    Args:
        course: the course, as near to free as :func:`clear_of` could make it.
        bone: signed distance [z, y, x] of bone in mm.
        obstacle: that of all that nerves keep clear of.
        geometry: their grid.
    """
    shown = _shown(course.points, geometry)
    squeezed = np.flatnonzero(shown & (_at(bone, course.points, geometry) < SQUEEZED * course.radii))
    if not squeezed.size:
        return course
    part = slice(max(int(squeezed[0]) - BESIDE, 0), int(squeezed[-1]) + BESIDE)
    before, seen = course.points[part], shown[part]
    along = np.arange(len(before))
    share = np.clip(2.5 * np.minimum(along, along[::-1]) / BESIDE, 0.0, 1.0)[:, None]

    def joined(middle: FloatArray, around: FloatArray) -> FloatArray:
        flat = Course(course.name, middle, FLAT * course.radii[part])
        return np.asarray(before + share * (clear_of(flat, around, geometry, 0.0).points - before))

    def room(points: FloatArray) -> float:
        least = np.minimum(_at(bone, points, geometry), _at(obstacle, points, geometry) + SUNK_MM)
        return float(least[seen].min())

    after = joined(before, np.minimum(bone, obstacle + DENT_MM))
    if room(after) < 0.0:
        other = joined(_another_way(before, course.radii[part], bone, obstacle, geometry), bone)
        after = max(after, other, key=room)
    points = course.points.copy()
    points[part] = after
    return Course(course.name, points, course.radii, course.ganglion)


def _another_way(
    points: FloatArray, radii: FloatArray, bone: FloatArray, obstacle: FloatArray, geometry: Geometry
) -> FloatArray:
    """The cheapest path (n, 3) between the ends of ``points`` (n, 3): round discs rather than through, never bone."""
    spacing = np.asarray(geometry.spacing[::-1])
    index = geometry.to_index(points)
    last = np.array(geometry.shape) - 1
    low = np.clip(np.floor(index.min(axis=0) - AROUND_MM / spacing), 0, last).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + AROUND_MM / spacing), 0, last).astype(int) + 1
    block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    radius = float(np.median(radii))
    free = obstacle[block]
    cost = 1.0 + 8.0 * np.clip(1.0 - free / radius, 0.0, 4.0) ** 2 + 400.0 * (bone[block] < 0.0)
    ends = [np.clip(np.rint(index[k]).astype(int), low, high - 1) - low for k in (0, -1)]
    search = MCP_Geometric(cost, fully_connected=True, sampling=tuple(spacing))
    search.find_costs([tuple(ends[0])], [tuple(ends[1])])
    line = geometry.to_patient(np.array(search.traceback(tuple(ends[1])), dtype=np.float64) + low)
    line = gaussian_filter1d(dense(line, STEP_MM), 3.0, axis=0, mode="nearest")
    way = dense(np.vstack([points[:1], line, points[-1:]]), STEP_MM)
    at = np.linspace(0.0, len(way) - 1.0, len(points))
    return np.stack([np.interp(at, np.arange(len(way)), way[:, axis]) for axis in range(3)], axis=1)


def _at(field: FloatArray, points: FloatArray, geometry: Geometry) -> FloatArray:
    index = geometry.to_index(points).T
    return np.asarray(map_coordinates(field, index, order=1, mode="nearest"), dtype=np.float64)


def _shown(points: FloatArray, geometry: Geometry) -> np.ndarray:
    index = geometry.to_index(points)
    return np.asarray(((index >= 0) & (index <= np.array(geometry.shape) - 1)).all(axis=1))
