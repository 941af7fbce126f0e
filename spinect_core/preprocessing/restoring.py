"""From probabilities on the 1 mm grid to labels on the CT's own voxels, along its axes in canonical order.

A voxel of the CT is asked which class fills most of it. Labels alone, each taken from the cube that contains the
voxel's centre, would show the steps of the 1 mm grid on a finer CT, and on a coarser one would throw away what
the cubes beside the centre say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import LabelArray
from spinect_core.image.volume import Geometry
from spinect_core.preprocessing.grid import ROUNDING_MM, containing_cubes

Shares = npt.NDArray[np.float32]


def cube_shares(
    count: int, spacing: float, step: float, start: float, cubes: int, own: slice | None = None
) -> tuple[slice, Shares]:
    """Along one axis: how much each cube counts for each CT voxel.

    A cube counts as much as it overlaps an interval as long as the voxel, but no shorter than a cube, around the
    voxel's centre. For voxels smaller than a cube this is linear interpolation between the centres of the cubes; a
    voxel that is a cube takes that cube alone.

    Args:
        count: CT voxels.
        spacing: of the CT, mm.
        step: edge of a cube, mm.
        start: where the first cube there is begins, in cubes from the CT's outer corner.
        cubes: how many there are.
        own: the CT voxels asked for; those with their centre in these cubes if not given.

    Returns:
        Which CT voxels, and for each of them the share of each cube: float32 (voxels, cubes), each row summing to 1,
        or all 0 for a voxel that no cube overlaps.
    """
    if own is None:
        containing = containing_cubes(count, spacing, step, start)
        first, last = np.searchsorted(containing, (0, cubes))
        own = slice(int(first), int(last))
    centres = (np.arange(own.start, own.stop) + 0.5) * spacing
    reach = max(spacing, step) / 2
    low = (start + np.arange(cubes)) * step
    overlap = np.minimum(centres[:, None] + reach, low + step) - np.maximum(centres[:, None] - reach, low)
    # A cube that only touches the interval within rounding must not count, or equal grids would not stay equal.
    overlap = np.where(overlap > ROUNDING_MM, overlap, 0.0)
    whole = overlap.sum(axis=1, keepdims=True)
    return own, (overlap / np.where(whole > 0, whole, 1.0)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Cubes:
    """What the network says of cubes.

    Attributes:
        probabilities: float32 [z, y, x, class].
        start: where the first cube begins (z, y, x), in cubes from the CT's outer corner, in canonical axis order.
    """

    probabilities: Shares
    start: tuple[float, float, float]


def likeliest_in_voxels(
    readings: Sequence[Cubes], canonical: Geometry, step: float
) -> tuple[tuple[slice, slice, slice], LabelArray]:
    """The likeliest class in each CT voxel, by the sum of the probabilities of all readings.

    Args:
        readings: of one region; they may lie up to a cube beside one another.
        canonical: the CT's grid in canonical axis order.
        step: edge of a cube, mm.

    Returns:
        Which voxels of the canonical grid have their centre in the cubes of the first reading (z, y, x), and their
        labels, uint8.
    """
    own: list[slice | None] = [None, None, None]
    slices = []
    for reading in readings:
        shares = []
        for axis in range(3):
            count, spacing = canonical.shape[axis], canonical.spacing[2 - axis]
            cubes = reading.probabilities.shape[axis]
            own[axis], share = cube_shares(count, spacing, step, reading.start[axis], cubes, own[axis])
            shares.append(share)
        slices.append(_slices(reading.probabilities, shares, max(canonical.spacing[2] / step, 1.0)))
    z, y, x = (part for part in own if part is not None)
    labels = np.zeros((z.stop - z.start, y.stop - y.start, x.stop - x.start), dtype=np.uint8)
    for out, parts in zip(labels, zip(*slices, strict=True), strict=True):
        out[:] = sum(parts).argmax(axis=0)
    return (z, y, x), labels


def _slices(probabilities: Shares, shares: Sequence[Shares], height: float) -> Iterator[Shares]:
    """The probabilities [class, y, x] in each slice of CT voxels, ``height`` cubes high."""
    in_z, in_y, in_x = shares

    # The slices of the CT go up the cubes: what a slice needs, the one before it has mostly made.
    @lru_cache(maxsize=int(height) + 3)
    def plane(k: int) -> Shares:
        """The cubes at one height as [class, y, x] of the CT."""
        return np.asarray(in_y @ np.moveaxis(probabilities[k], -1, 0) @ in_x.T, dtype=np.float32)

    for row in in_z:
        # A slice that no cube overlaps asks the last one in vain: nothing of it counts.
        used = np.flatnonzero(row) if row.any() else [len(row) - 1]
        yield np.asarray(sum(row[k] * plane(int(k)) for k in used), dtype=np.float32)
