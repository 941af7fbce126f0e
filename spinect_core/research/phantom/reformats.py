"""CTs that reach the reader as thick slices, or as reformats in three directions fused to one volume.

Both lie on the grid of thin slices again, as reading has brought them there, so that labels of thin slices hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from spinect_core.research.phantom.scanner import HIGHEST_HU, LOWEST_HU
from spinect_core.research.phantom.variety import FUSED, THICK

Picture = npt.NDArray[np.float32]
SLAB_MM = 3.0
PASSES = 8
"""Of the iterative fusion; the real fused CT agrees with its reformats to 8 HU, and so do these."""


def as_read(
    array: npt.NDArray[np.int16], spacing: tuple[float, float, float], reading: str, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """A CT of thin slices [z, y, x] as its reader has it.

    Args:
        array: whole HU.
        spacing: (x, y, z) mm.
        reading: one of :data:`~spinect_core.research.phantom.variety.READINGS`.
        rng: where the slabs begin.
    """
    phases = rng.random(3)
    if reading == THICK:
        picture = thick(array.astype(np.float32), spacing[2], float(phases[0]))
    elif reading == FUSED:
        picture = fused(array.astype(np.float32), spacing, phases)
    else:
        return array
    return np.asarray(np.clip(np.rint(picture), LOWEST_HU, HIGHEST_HU).astype(np.int16))


def slab_of(step: float, count: int, phase: float) -> tuple[int, int]:
    """Voxels in a slab and before the first whole slab, along an axis of ``count`` voxels of ``step`` mm."""
    size = max(round(SLAB_MM / step), 1)
    return size, int(phase * size) if count > 2 * size else 0


def slabs(picture: Picture, axis: int, size: int, start: int) -> Picture:
    """Means of slabs of ``size`` voxels along an axis; the first and the last may hold fewer."""
    cuts = np.arange(start, picture.shape[axis], size)
    cuts = cuts if start == 0 else np.concatenate([[0], cuts])
    sums = np.add.reduceat(picture, cuts, axis=axis, dtype=np.float64)
    held = np.diff(np.append(cuts, picture.shape[axis])).reshape([-1 if a == axis else 1 for a in range(3)])
    return np.asarray(sums / held, dtype=np.float32)


def spread(slab: Picture, axis: int, size: int, start: int, count: int) -> Picture:
    """Every voxel takes the value of its slab."""
    number = (np.arange(count) + (size - start if start else 0)) // size
    return np.take(slab, number, axis=axis)


def thick(picture: Picture, step: float, phase: float) -> Picture:
    """Slices of 3 mm along z, brought back to thin ones by a cubic spline through their middles."""
    count = picture.shape[0]
    size, start = slab_of(step, count, phase)
    if size == 1:
        return picture
    means = slabs(picture, 0, size, start)
    cuts = (
        np.arange(start, count, size) if start == 0 else np.concatenate([[0], np.arange(start, count, size)])
    )
    middles = (cuts + np.append(cuts[1:], count) - 1) / 2.0
    if len(middles) < 4:
        return picture
    where = np.clip(np.arange(count), middles[0], middles[-1])
    out: npt.NDArray[Any] = CubicSpline(middles, means, axis=0)(where)
    return out.astype(np.float32)


def fused(picture: Picture, spacing: tuple[float, float, float], phases: npt.NDArray[np.float64]) -> Picture:
    """Reformats of 3 mm along x, y and z, fused by iterative inversion of their slabs."""
    steps = spacing[::-1]
    plans = [slab_of(steps[axis], picture.shape[axis], float(phases[axis])) for axis in range(3)]
    measured = [slabs(picture, axis, *plans[axis]) for axis in range(3)]
    out = np.zeros_like(picture)
    for axis in range(3):
        out += spread(measured[axis], axis, *plans[axis], picture.shape[axis]) / np.float32(3)
    for _ in range(PASSES):
        for axis in range(3):
            lacking = measured[axis] - slabs(out, axis, *plans[axis])
            out += np.float32(0.8) * spread(lacking, axis, *plans[axis], picture.shape[axis])
    return out
