"""Numbers of classes on another grid: each voxel takes that of the voxel whose middle is nearest to its own.

Numbers are never interpolated: between 1 and 3 there is no 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.progress import Cancel, check
from spinect_core.image.volume import Geometry

SAME_MM = 0.01
"""Grids whose corners agree to this put every voxel in the same place."""
_TIE = 1e-6
"""Of a voxel: what lies so near to the middle between two takes the first, whatever the last digits of its place."""
_STRAIGHT = 1e-3
"""Of a voxel: axes that lead no farther aside over the whole grid run along each other."""


def on_grid(
    array: npt.NDArray[Any], source: Geometry, target: Geometry, cancel: Cancel | None = None
) -> npt.NDArray[Any]:
    """The numbers of an array on another grid; 0 where that reaches beyond the array's.

    Args:
        array: [z, y, x] on the grid ``source``.
        source: grid of the array.
        target: the other one, with any spacing and direction.
        cancel: asked for every slice.

    Returns:
        [z, y, x] on the grid ``target``, of the array's type.
    """
    if source.same_grid(target, SAME_MM):
        return array.copy()
    # Between indices (z, y, x): source = step @ target + start.
    step = (np.linalg.inv(source.index_to_patient[:3, :3]) @ target.index_to_patient[:3, :3])[::-1, ::-1]
    start = source.to_index(np.asarray(target.origin))
    aside = np.abs(step) * (np.asarray(target.shape) - 1)
    if (np.sort(aside, axis=0)[:2] < _STRAIGHT).all():
        return _straight(array, step, start, target)
    made = np.zeros(target.shape, array.dtype)
    rows = step[:, 1, None, None] * np.arange(target.shape[1])[None, :, None]
    columns = step[:, 2, None, None] * np.arange(target.shape[2])[None, None, :]
    for z in range(target.shape[0]):
        check(cancel)
        index = _nearest((start + step[:, 0] * z)[:, None, None] + rows + columns)
        within = ((index >= 0) & (index < np.asarray(array.shape)[:, None, None])).all(axis=0)
        made[z][within] = array[tuple(index[:, within])]
    return made


def _straight(
    array: npt.NDArray[Any], step: FloatArray, start: FloatArray, target: Geometry
) -> npt.NDArray[Any]:
    """The same where the axes of both grids run along each other, in whatever order and sense."""
    order = [int(np.abs(step[:, axis]).argmax()) for axis in range(3)]
    seen = array.transpose(order)
    made = np.zeros(target.shape, array.dtype)
    inside, picks = [], []
    for axis, along in enumerate(order):
        index = _nearest(start[along] + step[along, axis] * np.arange(target.shape[axis]))
        held = np.flatnonzero((index >= 0) & (index < array.shape[along]))
        inside.append(held)
        picks.append(index[held])
    if all(len(each) for each in inside):
        made[np.ix_(*inside)] = seen[np.ix_(*picks)]
    return made


def _nearest(index: FloatArray) -> npt.NDArray[np.intp]:
    return np.asarray(np.ceil(index - 0.5 - _TIE), dtype=np.intp)
