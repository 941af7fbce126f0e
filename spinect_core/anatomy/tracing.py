"""A root between two points that the user has clicked: the way through voxels of the CT that are like nerve.

It finds the way as :mod:`spinect_core.anatomy.supposed` does, but the user has said where it begins and ends, and what
is made of it becomes a label.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.spatial import cKDTree

from spinect_core.anatomy.register import cropped
from spinect_core.anatomy.supposed import FEWEST, UNLIKE, blurred_hu, cheapest_way, every_point, unlikeness
from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.errors import UsageError
from spinect_core.geometry.polyline import along
from spinect_core.image.editing import Stroke, along_line
from spinect_core.image.volume import BACKGROUND, NERVE, Geometry, Labels, Volume

LONGEST_MM = 80.0
"""Points farther apart are not joined: what lies between them is not one root."""
SHORTEST_MM = 2.0
ROOM_MM = 12.0
"""The way is looked for this far about the straight one."""
REFERENCE_MM = 15.0
"""Labelled nerve this near to either end shows what HU a root has in this CT; without any, what lies about the clicks.
"""
STRAIGHT_MM = 8.0
"""So far from the straight way a voxel costs twice as much as on it."""
DETOUR = 2.0
"""A way longer than this many times the straight one is none."""
CORE_MM = 1.2
"""So near to its middle all voxels are the root's: noise must not make holes in it."""
MOST_UNLIKE = 25.0
"""Squared spreads from which on nothing is more unlike."""
MIDDLE_MM = 1.6
"""What is unlike a root this far round a voxel keeps the way from it: so it runs in the middle and cuts no bend."""


def traced_root(
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    radius_mm: float,
    labels: Labels,
    labels_1mm: Labels,
    volume: Volume,
) -> Stroke:
    """A root between two points, as a stroke on the CT's grid.

    Args:
        start: LPS mm (3,), where it begins.
        stop: LPS mm (3,), where it ends.
        radius_mm: of the root.
        labels: on the CT's own grid; bone in them stays.
        labels_1mm: of the same, on the 1 mm grid that is planned on; the way is looked for on it.
        volume: the CT.

    Returns:
        Nerve in place of background: what is like nerve within the radius of the way, and all of its core.

    Raises:
        UsageError: the points lie too near, too far apart or outside of what is labelled, or no way leads from one to
            the other.
    """
    line = traced_line(start, stop, labels_1mm, volume)
    near, like = _seen(line, labels_1mm, volume)
    tube = along_line(labels.geometry, line, radius_mm)
    core = along_line(labels.geometry, line, min(CORE_MM, radius_mm))
    assert tube is not None  # the line lies within the labels
    assert core is not None
    box, mask = tube
    places = np.argwhere(mask)
    index = np.rint(near.geometry.to_index(labels.geometry.to_patient(places + [part.start for part in box])))
    index = np.clip(index, 0, np.array(like.shape) - 1).astype(int)
    mask[tuple(places[np.abs(like[tuple(index.T)]) > UNLIKE].T)] = False
    inner = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(core[0], box, strict=True))
    mask[inner] |= core[1]
    return Stroke(box, mask, NERVE, frozenset({BACKGROUND}))


def traced_line(start: npt.ArrayLike, stop: npt.ArrayLike, labels: Labels, volume: Volume) -> FloatArray:
    """LPS mm (n, 3) of the cheapest way through voxels like nerve from one point to another, past bone.

    Args:
        start: LPS mm (3,).
        stop: LPS mm (3,).
        labels: on the 1 mm grid.
        volume: the CT.

    Raises:
        UsageError: as for :func:`traced_root`.
    """
    ends = np.array([start, stop], dtype=np.float64)
    straight = float(np.linalg.norm(ends[1] - ends[0]))
    if not labels.geometry.holds(ends).all():
        raise UsageError("A point lies outside of what was segmented", "Click within the segmented region")
    if not SHORTEST_MM <= straight <= LONGEST_MM:
        how = "near one another" if straight < SHORTEST_MM else "far apart"
        raise UsageError(
            f"The two points lie too {how} ({straight:.0f} mm)",
            f"Click two points of one root, {SHORTEST_MM:.0f} to {LONGEST_MM:.0f} mm apart",
        )
    near, like = _seen(ends, labels, volume)
    part = every_point(near.geometry) - ends[0]
    unit = (ends[1] - ends[0]) / straight
    run = np.clip(part @ unit, 0, straight)
    beside = np.linalg.norm(part - run[:, None] * unit, axis=1).reshape(like.shape) / STRAIGHT_MM
    about = gaussian_filter(
        np.minimum(like**2, MOST_UNLIKE), MIDDLE_MM / np.array(near.geometry.spacing[::-1])
    )
    way = cheapest_way(np.sqrt(about), beside, near, ends)
    if way is None:
        raise UsageError(
            "Bone lies between the two points", "Click points of the root that lie nearer to one another"
        )
    points = near.geometry.to_patient(way)
    if len(points) < 3 or along(points)[-1] > DETOUR * straight:
        raise UsageError(
            "No plain way through nerve leads from one point to the other",
            "Click points of the root that lie nearer to one another, or use the brush",
        )
    smooth = gaussian_filter1d(points, 1.5, axis=0, mode="nearest")
    return np.concatenate([ends[:1], smooth[1:-1], ends[1:]])


def _seen(points: FloatArray, labels: Labels, volume: Volume) -> tuple[Labels, FloatArray]:
    """The labels about points, and how unlike nerve the CT is there [z, y, x].

    Raises:
        UsageError: the CT does not reach so far.
    """
    near = cropped(labels, points.min(axis=0) - ROOM_MM, points.max(axis=0) + ROOM_MM)
    near = None if near is None else _inside(near, volume.geometry)
    hu = None if near is None else blurred_hu(near.geometry, volume)
    if near is None or hu is None:
        raise UsageError("The points lie at the border of the CT", "Use the brush there")
    away, _ = cKDTree(points[[0, -1]]).query(every_point(near.geometry))
    away = away.reshape(hu.shape)
    like = unlikeness(hu, (near.array == NERVE) & (away <= REFERENCE_MM))
    if like is None:
        like = unlikeness(hu, np.asarray(away <= np.partition(away, FEWEST, axis=None)[FEWEST]))
    assert like is not None  # these are enough
    return near, like


def _inside(near: Labels, ct: Geometry) -> Labels | None:
    """The part of labels that lies within the CT, which may end within the outermost voxel of the 1 mm grid."""
    index = ct.to_index(every_point(near.geometry)).reshape(*near.geometry.shape, 3)
    inside = (index >= -0.5) & (index <= np.array(ct.shape) - 0.5)
    fits: BoolArray = np.asarray(inside.all(axis=-1))
    used = [np.flatnonzero(fits.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    if not all(map(len, used)):
        return None
    first = [int(each[0]) for each in used]
    array = near.array[tuple(slice(each[0], each[-1] + 1) for each in used)]
    grid = near.geometry
    x, y, z = grid.to_patient(first).tolist()
    return Labels(array, Geometry(array.shape, grid.spacing, (x, y, z), grid.direction))
