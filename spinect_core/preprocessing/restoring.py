"""From probabilities on the 1 mm grid to labels on the CT's own voxels, along its axes in canonical order.

A voxel of the CT is asked which class fills most of it. Labels alone, each taken from the cube that contains the
voxel's centre, would show the steps of the 1 mm grid on a finer CT, and on a coarser one would throw away what
the cubes beside the centre say.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from spinect_core.preprocessing.grid import ROUNDING_MM, containing_cubes
from spinect_core.volume import Geometry, LabelArray

Shares = npt.NDArray[np.float32]


def cube_shares(count: int, spacing: float, step: float, start: int, cubes: int) -> tuple[slice, Shares]:
    """Along one axis: how much each cube counts for each CT voxel.

    A cube counts as much as it overlaps an interval as long as the voxel, but no shorter than a cube, around the
    voxel's centre. For voxels smaller than a cube this is linear interpolation between the centres of the cubes; a
    voxel that is a cube takes that cube alone.

    Args:
        count: CT voxels.
        spacing: of the CT, mm.
        step: edge of a cube, mm.
        start: the first cube there is.
        cubes: how many there are.

    Returns:
        Which CT voxels have their centre in these cubes, and for each of them the share of each cube: float32
        (voxels, cubes), each row summing to 1.
    """
    containing = containing_cubes(count, spacing, step) - start
    first, last = np.searchsorted(containing, (0, cubes))
    centres = (np.arange(first, last) + 0.5) * spacing
    reach = max(spacing, step) / 2
    low = (start + np.arange(cubes)) * step
    overlap = np.minimum(centres[:, None] + reach, low + step) - np.maximum(centres[:, None] - reach, low)
    # A cube that only touches the interval within rounding must not count, or equal grids would not stay equal.
    overlap = np.where(overlap > ROUNDING_MM, overlap, 0.0)
    shares = overlap / overlap.sum(axis=1, keepdims=True)
    return slice(int(first), int(last)), shares.astype(np.float32)


def likeliest_in_voxels(
    probabilities: Shares, canonical: Geometry, step: float, start: tuple[int, int, int]
) -> tuple[tuple[slice, slice, slice], LabelArray]:
    """The likeliest class in each CT voxel.

    Args:
        probabilities: float32 [z, y, x, class] of cubes.
        canonical: the CT's grid in canonical axis order.
        step: edge of a cube, mm.
        start: the first cube (z, y, x) of ``probabilities`` in the grid that covers the CT.

    Returns:
        Which voxels of the canonical grid have their centre in these cubes (z, y, x), and their labels, uint8.
    """
    (own_z, in_z), (own_y, in_y), (own_x, in_x) = (
        cube_shares(
            canonical.shape[axis], canonical.spacing[2 - axis], step, start[axis], probabilities.shape[axis]
        )
        for axis in range(3)
    )

    # The slices of the CT go up the cubes: what a slice needs, the one before it has mostly made.
    @lru_cache(maxsize=int(max(canonical.spacing[2] / step, 1.0)) + 3)
    def plane(k: int) -> Shares:
        """The cubes at one height as [class, y, x] of the CT."""
        return np.asarray(in_y @ np.moveaxis(probabilities[k], -1, 0) @ in_x.T, dtype=np.float32)

    labels = np.zeros((len(in_z), len(in_y), len(in_x)), dtype=np.uint8)
    for row, out in zip(in_z, labels, strict=True):
        used = np.flatnonzero(row)
        out[:] = sum(row[k] * plane(int(k)) for k in used).argmax(axis=0)
    return (own_z, own_y, own_x), labels
