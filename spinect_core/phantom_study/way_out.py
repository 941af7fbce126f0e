"""Whether the L5/S1 foramina are open: a ball rolled from the canal to the outside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import distance_transform_edt, label

from spinect_core.errors import MeasurementError
from spinect_core.phantom_study.bodies import end_plate
from spinect_core.phantom_study.solids import Frame, Mask, oriented
from spinect_core.phantom_study.tubes import ROUND
from spinect_core.volume import FloatArray, Geometry

BALL_MM = 2.0
BELOW_MM, ABOVE_MM = 14.0, 24.0
"""From the middle of the disc along its axis: reaches the S1 and the L5 pedicle but not the foramina beyond them."""
FRONT_MM, BACK_MM = 16.0, 13.0
"""From the rear edge of the disc: the facets close the way behind; the gap between the laminae lies farther back."""
OUTSIDE_MM = 34.0
"""Lateral of the foramen."""


def way_out(bone: Mask, mask: Callable[[str], Mask], geometry: Geometry, ball: float = BALL_MM) -> list[str]:
    """Sides (``left``, ``right``) on which a ball finds no way from the canal to the outside between L5 and S1.

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
    block, region = _region(frame, rear, geometry)
    solid = (bone | disc)[block]
    spacing = geometry.spacing[::-1]
    # Distances run from voxel to voxel; the bone's surface lies half a voxel nearer.
    clear = distance_transform_edt(~solid, sampling=spacing) >= ball + 0.5 * float(np.mean(spacing))
    pieces, _count = label(clear & region, ROUND)
    local = _local(frame, geometry, block)
    lateral = local[..., 0]
    central = (np.abs(lateral) < 10.0) & (local[..., 1] > rear)
    inside = set(np.unique(pieces[central & region])) - {0}
    closed = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        beyond = set(np.unique(pieces[region & (sign * lateral > OUTSIDE_MM)])) - {0}
        if not inside & beyond:
            closed.append(side)
    return closed


def _region(frame: Frame, rear: float, geometry: Geometry) -> tuple[tuple[slice, slice, slice], Mask]:
    reach = OUTSIDE_MM + 8.0
    spans = [(-reach, reach), (rear - FRONT_MM, rear + BACK_MM), (-BELOW_MM, ABOVE_MM)]
    corners = np.array([frame.point(a, b, c) for a in spans[0] for b in spans[1] for c in spans[2]])
    index = geometry.to_index(corners)
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 3, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 4, geometry.shape)
    if (high <= low).any():
        raise MeasurementError("The disc L5/S1 lies outside the picture", "Take a larger picture")
    block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    local = _local(frame, geometry, block)
    inside = np.ones(local.shape[:-1], dtype=bool)
    for axis, (first, last) in enumerate(spans):
        inside &= (local[..., axis] >= first) & (local[..., axis] <= last)
    return block, inside


def _local(frame: Frame, geometry: Geometry, block: tuple[slice, slice, slice]) -> FloatArray:
    index = np.stack(np.meshgrid(*[np.arange(s.start, s.stop) for s in block], indexing="ij"), axis=-1)
    return frame.local(geometry.to_patient(index))
