"""Where a root may run through a gap in its labels: the way through voxels of the CT that are like the root's own.

It is a supposition. It becomes no label and no obstacle, and lifts no doubt.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, gaussian_filter1d, map_coordinates
from scipy.spatial import cKDTree
from skimage.graph import MCP_Geometric

from spinect_core.anatomy.completeness import Gap, RootFound
from spinect_core.anatomy.register import cropped
from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.progress import Cancel, check
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume

LONGEST_MM = 20.0
"""Through longer gaps nothing is supposed."""
END_MM = 3.0
"""So much of the root has to be known beyond either end."""
DETOUR = 1.5
"""A way longer than this many times the straight one is none."""
ROOM_MM = 10.0
"""The way is looked for this far about the expected course."""
CORE_MM = 2.0
"""Voxels of nerve this near to the middle of a root show its HU: farther out they hold fat or bone as well."""
FEWEST = 30
"""So many of them have to be there."""
BLUR = 0.7
"""In voxels, against noise: a root is five across."""
LEAST_SPREAD_HU = 20.0
"""HU differ by this much within a root at least: noise of a quiet scan."""
UNLIKE = 2.5
"""Voxels whose HU lie farther than this many spreads from the root's are unlike it."""
MOST_UNLIKE = 0.25
"""A way of which a greater part is unlike the root is none."""
COURSE_MM = 4.0
"""So far from the expected course a voxel costs twice as much as on it: muscle and disc have the HU of nerve too."""
MOST_COST = 30.0


def with_suppositions(
    roots: dict[str, RootFound], labels: Labels, volume: Volume, cancel: Cancel | None = None
) -> dict[str, RootFound]:
    """The roots, each gap with the course that is supposed in it, where there is one.

    Args:
        roots: of a level, by name.
        labels: 0 background, 1 bone, 2 nerve; they were found on.
        volume: the CT of these labels.
        cancel: asked between gaps.
    """
    found = {}
    for name, root in roots.items():
        gaps = []
        for gap in root.gaps:
            check(cancel)
            gaps.append(replace(gap, supposed=supposed_course(root, gap, labels, volume)))
        found[name] = replace(root, gaps=tuple(gaps)) if gaps else root
    return found


def supposed_course(root: RootFound, gap: Gap, labels: Labels, volume: Volume) -> FloatArray | None:
    """LPS mm (n, 3) from one end of a gap to the other, through voxels like the root; None where there is no such way.

    Args:
        root: of which.
        gap: of its gaps.
        labels: 0 background, 1 bone, 2 nerve.
        volume: the CT.
    """
    ends = _ends(root, gap)
    if ends is None or gap.length_mm > LONGEST_MM:
        return None
    near = cropped(labels, gap.points.min(axis=0) - ROOM_MM, gap.points.max(axis=0) + ROOM_MM)
    if near is None:
        return None
    like = _likeness(root, gap, near, volume)
    if like is None:
        return None
    way = _cheapest(like, gap, near, ends)
    if way is None:
        return None
    points = near.geometry.to_patient(way)
    if along(points)[-1] > DETOUR * float(np.linalg.norm(ends[1] - ends[0])):
        return None
    if float((np.abs(like[tuple(way.T)]) > UNLIKE).mean()) > MOST_UNLIKE:
        return None
    smooth = gaussian_filter1d(points, 1.5, axis=0, mode="nearest")
    return np.concatenate([ends[:1], smooth[1:-1], ends[1:]])


def _ends(root: RootFound, gap: Gap) -> FloatArray | None:
    """LPS mm (2, 3), the last labelled points before and after a gap; None where it is open at one end."""
    arc = along(root.points)
    before = np.flatnonzero(arc < gap.start_mm)
    after = np.flatnonzero(arc > gap.stop_mm)
    if not len(before) or not len(after):
        return None
    if arc[before[-1]] - arc[0] < END_MM or arc[-1] - arc[after[0]] < END_MM:
        return None
    return root.points[[before[-1], after[0]]]


def _likeness(root: RootFound, gap: Gap, near: Labels, volume: Volume) -> FloatArray | None:
    """How many spreads the HU [z, y, x] about a gap lie from those of the root; None where too few of it are known."""
    grid = near.geometry
    hu = blurred_hu(grid, volume)
    if hu is None:
        return None
    solid = root.points[root.labelled]
    away, _ = cKDTree(solid).query(every_point(grid), distance_upper_bound=CORE_MM)
    own = np.isfinite(away).reshape(grid.shape) & (near.array == NERVE)
    return unlikeness(hu, own)


def every_point(grid: Geometry) -> FloatArray:
    """LPS mm (n, 3) of all voxels of a grid, in the order of its array."""
    return grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3))


def blurred_hu(grid: Geometry, volume: Volume) -> FloatArray | None:
    """HU [z, y, x] of a CT on another grid, with less noise; None where the grid reaches beyond the CT."""
    index = volume.geometry.to_index(every_point(grid))
    last = np.asarray(volume.array.shape) - 1
    if np.any((index < -0.5) | (index > last + 0.5)):
        return None
    places = np.clip(index, 0, last).T
    hu = map_coordinates(volume.array, places, output=np.float64, order=1).reshape(grid.shape)
    return np.asarray(gaussian_filter(hu, BLUR))


def unlikeness(hu: FloatArray, own: BoolArray) -> FloatArray | None:
    """How many spreads HU [z, y, x] lie from those of a root, more or less; None where too few of it are known.

    Args:
        hu: of :func:`blurred_hu`.
        own: bool [z, y, x], which of them are the root's.
    """
    if own.sum() < FEWEST:
        return None
    middle = float(np.median(hu[own]))
    spread = max(1.4826 * float(np.median(np.abs(hu[own] - middle))), LEAST_SPREAD_HU)
    return np.asarray((hu - middle) / spread)


def _cheapest(like: FloatArray, gap: Gap, near: Labels, ends: FloatArray) -> npt.NDArray[np.intp] | None:
    """Indices [z, y, x] (n, 3) of the cheapest way from end to end; None where bone lies between."""
    away, _ = cKDTree(np.concatenate([ends[:1], gap.points, ends[1:]])).query(every_point(near.geometry))
    return cheapest_way(like, away.reshape(like.shape) / COURSE_MM, near, ends)


def cheapest_way(
    like: FloatArray, beside: FloatArray, near: Labels, ends: FloatArray
) -> npt.NDArray[np.intp] | None:
    """Indices [z, y, x] (n, 3) of the cheapest way between two points; None where bone lies between.

    Args:
        like: [z, y, x], of :func:`unlikeness`.
        beside: [z, y, x], how far a voxel lies from where the way is expected; as much as one spread where it is 1.
        near: labels on the same grid; no way leads through bone.
        ends: LPS mm (2, 3).
    """
    grid = near.geometry
    cost = 1.0 + np.minimum(like**2 + beside**2, MOST_COST)
    cost[near.array == BONE] = -1.0
    places = np.clip(np.round(grid.to_index(ends)), 0, np.array(grid.shape) - 1)
    start, stop = (tuple(int(n) for n in place) for place in places)
    cost[start] = cost[stop] = 1.0
    search = MCP_Geometric(cost, sampling=grid.spacing[::-1])
    search.find_costs([start], [stop])
    try:
        way = search.traceback(stop)
    except ValueError:
        return None
    return np.asarray(way, dtype=np.intp)
