"""Whether the L5/S1 foramina are open: a ball rolled from the canal to the outside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import distance_transform_edt, label, map_coordinates

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom_study.bodies import end_plate
from spinect_core.research.phantom_study.solids import Frame, Mask, oriented
from spinect_core.research.phantom_study.tubes import ROUND

BALL_MM = 2.0
FINE_MM = 0.75
"""The passage is searched on voxels of this size, however coarse the picture is."""
BELOW_MM, ABOVE_MM = 14.0, 24.0
"""From the middle of the disc along its axis: reaches the S1 and the L5 pedicle but not the foramina beyond them."""
FRONT_MM, BACK_MM = 16.0, 13.0
"""From the rear edge of the disc: the facets block the passage behind; the interlaminar gap lies farther back."""
OUTSIDE_MM = 34.0
"""Lateral of the foramen."""


def way_out(bone: Mask, mask: Callable[[str], Mask], geometry: Geometry, ball: float = BALL_MM) -> list[str]:
    """Sides (``left``, ``right``) on which a ball finds no passage from the canal to the outside between L5 and S1.

    Neither bone nor the disc may be touched.

    Args:
        bone: bone [z, y, x].
        mask: gives the voxels of a structure by name.
        geometry: the grid.
        ball: radius in mm.

    Raises:
        MeasurementError: L5, the disc or the sacrum is not there.
    """
    disc = mask("disc L5/S1")
    lower = end_plate(mask("L5"), disc, geometry)
    upper = end_plate(mask("sacrum"), disc, geometry)
    points = geometry.to_patient(np.argwhere(disc))
    frame = oriented(points.mean(axis=0), lower[1] + upper[1], np.array([0.0, 1.0, 0.0]))
    local = frame.local(points)
    # The rear edge in the midline; its outermost voxels do not speak for it.
    rear = float(np.percentile(local[np.abs(local[:, 0]) < 6.0][:, 1], 98))
    block = _block(frame, rear, geometry)
    solid, fine = _refined((bone | disc)[block], block, geometry)
    # Distances run from voxel to voxel; the bone's surface lies half a voxel nearer.
    far = distance_transform_edt(~solid, sampling=fine.spacing[::-1])
    clear = far >= ball + 0.5 * float(np.mean(fine.spacing))
    local = _local(frame, fine)
    region = _within(local, rear)
    pieces, _count = label(clear & region, ROUND)
    lateral = local[..., 0]
    central = (np.abs(lateral) < 10.0) & (local[..., 1] > rear)
    inside = set(np.unique(pieces[central & region])) - {0}
    closed = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        beyond = set(np.unique(pieces[region & (sign * lateral > OUTSIDE_MM)])) - {0}
        if not inside & beyond:
            closed.append(side)
    return closed


Block = tuple[slice, slice, slice]


def _spans(rear: float) -> tuple[tuple[float, float], ...]:
    reach = OUTSIDE_MM + 8.0
    return (-reach, reach), (rear - FRONT_MM, rear + BACK_MM), (-BELOW_MM, ABOVE_MM)


def _block(frame: Frame, rear: float, geometry: Geometry) -> Block:
    """The part of the grid that holds the region between L5 and S1."""
    spans = _spans(rear)
    corners = np.array([frame.point(a, b, c) for a in spans[0] for b in spans[1] for c in spans[2]])
    index = geometry.to_index(corners)
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 3, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 4, geometry.shape)
    if (high <= low).any():
        raise MeasurementError("The disc L5/S1 lies outside the picture", "Take a larger picture")
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _refined(solid: Mask, block: Block, geometry: Geometry) -> tuple[Mask, Geometry]:
    """A block of the picture on voxels of at most :data:`FINE_MM`, its surface half way between voxels.

    On the voxels of a coarse CT a passage is a whole number of them wide, and a ball's middle lies in a voxel's.
    """
    parts = [max(int(np.ceil(step / FINE_MM)), 1) for step in geometry.spacing[::-1]]
    axes = [np.arange((n - 1) * k + 1) / k for n, k in zip(solid.shape, parts, strict=True)]
    index = np.stack(np.meshgrid(*axes, indexing="ij"))
    fine = map_coordinates(solid.astype(np.float32), index, order=1) >= 0.5
    first = geometry.to_patient(np.array([s.start for s in block]))
    x, y, z = (step / k for step, k in zip(geometry.spacing, parts[::-1], strict=True))
    origin = (float(first[0]), float(first[1]), float(first[2]))
    shape = (len(axes[0]), len(axes[1]), len(axes[2]))
    return np.asarray(fine), Geometry(shape, (x, y, z), origin, geometry.direction)


def _within(local: FloatArray, rear: float) -> Mask:
    inside = np.ones(local.shape[:-1], dtype=bool)
    for axis, (first, last) in enumerate(_spans(rear)):
        inside &= (local[..., axis] >= first) & (local[..., axis] <= last)
    return inside


def _local(frame: Frame, geometry: Geometry) -> FloatArray:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij"), axis=-1)
    return frame.local(geometry.to_patient(index))
