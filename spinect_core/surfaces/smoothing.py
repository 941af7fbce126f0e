"""The median smoothing that precedes the surfaces, and the removal of small islands.

The paper smooths the labels in 3D Slicer with a median filter of 1.5 mm. Slicer rounds a kernel to the nearest odd
number of voxels, ``round((mm / spacing + 1) / 2) * 2 - 1`` (SegmentEditorSmoothingEffect.py). On the 1 mm grid of the
labels that is one voxel: a filter that does nothing. Three whole voxels would be 3 mm, twice the kernel, and would eat
nerve roots two voxels thick. Here every voxel is therefore divided so finely that the kernel is three parts: on a 1 mm
grid the median runs over three half voxels, which is 1.5 mm exactly. Averaging the parts of each voxel again gives a
field on the labels' own grid whose level 1/2 is the smoothed border, placed within the voxel.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import BoolArray
from spinect_core.image.pieces import connected_pieces

PARTS_IN_KERNEL = 3
MOST_PARTS = 6


def kernel_parts(kernel_mm: float, spacing: float) -> tuple[int, int]:
    """How finely a voxel is divided along one axis, and how many of these parts the median spans there.

    Args:
        kernel_mm: width of the median in mm; 0 or less for none.
        spacing: mm from voxel to voxel.

    Returns:
        Parts of a voxel (1 to 6) and odd number of parts of the kernel: (2, 3) for 1.5 mm on a 1 mm grid.
    """
    if kernel_mm <= 0:
        return 1, 1
    divide = min(max(1, round(spacing * PARTS_IN_KERNEL / kernel_mm)), MOST_PARTS)
    span = int((kernel_mm * divide / spacing + 1) / 2 + 0.5) * 2 - 1
    return divide, max(1, span)


def smooth_field(
    mask: BoolArray, spacing: tuple[float, float, float], kernel_mm: float
) -> npt.NDArray[np.float32]:
    """Median-smoothed mask as a field of partial volumes.

    Args:
        mask: bool [z, y, x]; beyond its borders there is nothing.
        spacing: mm along (x, y, z).
        kernel_mm: width of the median in mm.

    Returns:
        float32 [z, y, x], 0 outside to 1 inside; its level 1/2 is the border.
    """
    axes = [kernel_parts(kernel_mm, step) for step in reversed(spacing)]
    # Half of the kernel in whole voxels, so that it never looks beyond the padding.
    margin = [-(-(span // 2) // divide) for divide, span in axes]
    padded = np.pad(mask, [(m, m) for m in margin]).view(np.uint8)
    parts = int(np.prod([span for _, span in axes]))
    total = np.zeros(mask.shape, dtype=np.float32)
    # One sub-voxel of every voxel at a time: the same result as dividing the whole grid, without its memory.
    offsets = [range(divide) for divide, _ in axes]
    for offset in product(*offsets):
        counts = padded.astype(np.uint16)
        for axis, ((divide, span), part) in enumerate(zip(axes, offset, strict=True)):
            counts = _window(counts, axis, divide, span, part, margin[axis], mask.shape[axis])
        total += counts > parts // 2
    return total / np.float32(np.prod([divide for divide, _ in axes]))


def _window(
    counts: npt.NDArray[np.uint16], axis: int, divide: int, span: int, part: int, margin: int, length: int
) -> npt.NDArray[np.uint16]:
    """Sum over ``span`` sub-voxels around sub-voxel ``part`` of every voxel, along one padded axis."""
    weights = np.zeros(2 * margin + 1, dtype=np.uint16)
    for step in range(-(span // 2), span // 2 + 1):
        weights[margin + (part + step) // divide] += 1
    summed: npt.NDArray[np.uint16] | None = None
    for shift, weight in enumerate(weights):
        if weight:
            index = [slice(None)] * 3
            index[axis] = slice(shift, shift + length)
            term = counts[tuple(index)] * weight
            summed = term if summed is None else summed + term
    if summed is None:
        raise AssertionError("a kernel of no parts")
    return summed


def without_small_islands(mask: BoolArray, voxel_volume: float, smallest_mm3: float) -> BoolArray:
    """The mask without connected pieces (by faces, edges or corners) below a volume; the largest always stays.

    Args:
        mask: bool [z, y, x].
        voxel_volume: mm³ of one voxel.
        smallest_mm3: pieces below this volume go.
    """
    pieces, sizes = connected_pieces(mask, corners=True)
    if len(sizes) <= 2:
        return mask
    keep = sizes * voxel_volume >= smallest_mm3
    keep[sizes.argmax()] = True
    kept: BoolArray = keep[pieces]
    return kept
