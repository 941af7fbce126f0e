"""From stored numbers to Hounsfield units, and whether they can be Hounsfield units at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, check
from spinect_core.image.volume import Geometry
from spinect_core.io.reading.options import ASSUME_HU, NO_OPTIONS, ReadOptions
from spinect_core.io.reading.series import SMALLEST_SIDE, Finding

AIR = -1024
PADDING_BELOW = -1500
"""No tissue and no noise lies here: scanners store the outside of their field of view as -2000 or -3024."""
SOFT_TISSUE_FROM = -200
INT16 = np.iinfo(np.int16)


def assumed(fault: ReadingError) -> Finding:
    """What to say of numbers that the user had taken for Hounsfield units in spite of a fault."""
    text = f"The numbers were taken for Hounsfield units as asked for, although: {fault.fault}"
    return Finding(text, grave=True, code=ASSUME_HU)


def to_hounsfield(
    array: npt.NDArray[Any],
    geometry: Geometry,
    source: str | Path,
    cancel: Cancel | None = None,
    options: ReadOptions = NO_OPTIONS,
) -> tuple[npt.NDArray[Any], list[Finding]]:
    """Check HU [z, y, x] and store them compactly.

    Args:
        array: HU [z, y, x], any real type.
        geometry: its grid.
        source: the file or folder, for messages.
        cancel: asked for every slice whether to stop.
        options: what the user decided where reading would rather refuse.

    Returns:
        HU as int16 where they are whole numbers, else float32, padding raised to -1024; and what the user should know.

    Raises:
        ReadingError: too thin, not finite, constant, or labels rather than HU.
    """
    findings: list[Finding] = []
    if min(geometry.shape) < SMALLEST_SIDE:
        raise ReadingError(
            f"The volume has only {min(geometry.shape)} voxel(s) along one axis (shape {geometry.shape})",
            "Choose the whole CT, not a single slice",
            source,
        )
    bad, whole = _survey(array, cancel)
    if bad:
        raise ReadingError(
            f"{bad} of {array.size} voxels are not finite numbers (NaN or infinity)",
            "Export the CT again, with -1024 outside of the field of view",
            source,
        )
    low, high = float(array.min()), float(array.max())
    if low == high:
        raise ReadingError(
            f"All voxels have the same value ({low:g}): there is no picture in it",
            "Choose another file",
            source,
        )
    if whole and low >= 0 and high <= 255:
        raise ReadingError(
            f"The values {low:g} to {high:g} are labels or an 8-bit picture, not Hounsfield units",
            "Choose the CT itself; a label file cannot be opened as a CT",
            source,
        )
    if low > SOFT_TISSUE_FROM:
        findings.append(
            Finding(
                f"No value lies under {SOFT_TISSUE_FROM} (lowest {low:g}): these may not be Hounsfield units",
                grave=True,
            )
        )
    if low < PADDING_BELOW:
        padding = array < PADDING_BELOW
        findings.append(
            Finding(f"{int(padding.sum())} voxels under {PADDING_BELOW} HU were taken as air ({AIR} HU)")
        )
        array = np.where(padding, np.asarray(AIR, dtype=array.dtype), array)
    if whole:
        if high > INT16.max:
            findings.append(Finding(f"Values above {INT16.max} HU (up to {high:g}) were cut off"))
            array = np.minimum(array, INT16.max)
        return np.ascontiguousarray(array, dtype=np.int16), findings
    return np.ascontiguousarray(array, dtype=np.float32), findings


def _survey(array: npt.NDArray[Any], cancel: Cancel | None) -> tuple[int, bool]:
    """How many values are not finite, and whether all others are whole numbers; slice by slice, to be stopped."""
    if array.dtype.kind != "f":
        return 0, True
    bad, whole = 0, True
    for piece in array:
        check(cancel)
        finite = np.isfinite(piece)
        bad += int(piece.size - np.count_nonzero(finite))
        whole = whole and bool(np.all(np.rint(piece[finite]) == piece[finite]))
    return bad, whole
