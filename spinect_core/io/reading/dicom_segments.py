"""DICOM segmentations: which voxels belong to which named segment.

Each frame of such a file is a slice of one segment, with a place of its own in the patient (DICOM PS3.3 C.8.20). All
segments are put on one grid; their names are what their codes of SNOMED CT mean, or their labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check
from spinect_core.image.volume import Geometry
from spinect_core.io.reading.dicom_elements import BadSliceError, Elements, flat, items_of, level_of
from spinect_core.io.reading.memory import check_memory
from spinect_core.io.reading.organ_names import LATERALITY, SCT
from spinect_core.io.reading.quiet import quiet_dicom

SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
"""SOP classes."""
PLAIN_SYNTAXES = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.5",
)
"""Not compressed, or in a way that Python itself undoes."""
MOST_FRAMES = 200_000
MOST_GAPS = 2000
"""More slices between the first and the last frame no CT has."""
SLOPE = 1e-3
"""Frames whose places differ by no more than this part of a slice from even ones lie evenly."""
_DAMAGED = "Copy the file again from its source, or export it again"
_CHOOSE = "Choose a DICOM segmentation, a multi-label NIfTI or a folder of masks"


@dataclass(frozen=True)
class _Frame:
    """A slice of a segment: its number, LPS mm of its first pixel."""

    segment: int
    position: tuple[float, float, float]


def read_segments(
    files: Sequence[Path], source: Path, *, progress: Progress, cancel: Cancel | None
) -> tuple[npt.NDArray[np.uint8], Geometry, dict[int, str]]:
    """Segments by number [z, y, x], their grid and names.

    Args:
        files: DICOM files, one of them a segmentation.
        source: what messages call them.
        progress: called with the part done.
        cancel: asked between the steps.

    Raises:
        ReadingError: not one segmentation, damaged, or compressed.
        SpatialError: its frames do not lie on one grid.
    """
    found: list[tuple[Path, Dataset]] = []
    for number, file in enumerate(files):
        check(cancel)
        progress(number / len(files), f"Reading file {number + 1} of {len(files)}")
        dataset = _opened(file, source)
        if str(dataset.get("SOPClassUID", "")) in (SEGMENTATION, LABEL_MAP):
            found.append((file, dataset))
    if len(found) != 1:
        what = (
            "No DICOM file is a segmentation" if not found else f"There are {len(found)} DICOM segmentations"
        )
        raise ReadingError(what, _CHOOSE if not found else "Choose one of the files", source)
    file, dataset = found[0]
    try:
        with quiet_dicom():
            return _segments(dataset, file, cancel)
    except BadSliceError as error:
        raise ReadingError(f"The segmentation cannot be used: {error}", _DAMAGED, file) from error


def _opened(file: Path, source: Path) -> Dataset:
    try:
        with quiet_dicom():
            head = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPClassUID"], force=True)
            if str(head.get("SOPClassUID", "")) not in (SEGMENTATION, LABEL_MAP):
                return head
            return pydicom.dcmread(file, force=True)
    except Exception as error:  # pydicom raises whatever it meets in a damaged file
        raise ReadingError(
            "A DICOM file is damaged or breaks off", _DAMAGED, file if file else source
        ) from error


def _segments(
    dataset: Dataset, file: Path, cancel: Cancel | None
) -> tuple[npt.NDArray[np.uint8], Geometry, dict[int, str]]:
    whole = Elements((level_of(dataset),), dataset)
    names = _names(dataset)
    rows, columns = whole.integer("Rows") or 0, whole.integer("Columns") or 0
    items = items_of(dataset, "PerFrameFunctionalGroupsSequence")
    if rows < 1 or columns < 1 or not 1 <= len(items) <= MOST_FRAMES:
        raise BadSliceError(f"{len(items)} frames of {rows} x {columns} pixels")
    shared = items_of(dataset, "SharedFunctionalGroupsSequence")
    common = flat(shared[0]) if shared else {}
    every = [Elements((flat(item), common), dataset) for item in items]
    maps = str(dataset.get("SOPClassUID")) == LABEL_MAP
    frames = [_frame(each, maps) for each in every]
    cosines = np.array([each.numbers("ImageOrientationPatient", 6, "orientation") for each in every])
    spacing = np.array([each.numbers("PixelSpacing", 2, "pixel spacing") for each in every])
    if np.ptp(cosines, axis=0).max() > SLOPE or np.ptp(spacing, axis=0).max() > SLOPE:
        raise SpatialError("The frames of the segmentation do not lie on one grid", _DAMAGED, file)
    grid, index = _grid(frames, cosines[0], spacing[0], (rows, columns), file)
    check_memory(grid.shape, 4, file)
    check(cancel)
    pictures = _pictures(dataset, whole, (len(items), rows, columns), file)
    array = np.zeros(grid.shape, dtype=np.uint8)
    for number, (frame, z) in enumerate(zip(frames, index.tolist(), strict=True)):
        check(cancel)
        picture = pictures[number]
        if maps:
            array[z] = np.where(picture > 0, picture, array[z])
        else:
            array[z][(picture > 0) & (array[z] == 0)] = frame.segment
    return array, grid, names


def _frame(elements: Elements, maps: bool) -> _Frame:
    x, y, z = elements.numbers("ImagePositionPatient", 3, "position")
    segment = 0 if maps else elements.integer("ReferencedSegmentNumber")
    if segment is None or (not maps and not 1 <= segment <= 255):
        raise BadSliceError(f"a frame of the segment {segment}, numbers from 1 to 255 are known here")
    return _Frame(segment, (x, y, z))


def _names(dataset: Dataset) -> dict[int, str]:
    names = {}
    for item in items_of(dataset, "SegmentSequence"):
        elements = Elements((level_of(item),), item)
        number = elements.integer("SegmentNumber")
        if number is not None:
            names[number] = _coded(item) or elements.text("SegmentLabel") or f"segment {number}"
    if not names:
        raise BadSliceError("no segments are named (SegmentSequence)")
    return names


def _coded(item: Dataset) -> str:
    """The name of what the codes of a segment mean; empty where they mean nothing that is known."""
    for kind in items_of(item, "SegmentedPropertyTypeCodeSequence"):
        name = SCT.get(Elements((level_of(kind),), kind).text("CodeValue"), "")
        sides = items_of(kind, "SegmentedPropertyTypeModifierCodeSequence")
        codes = [Elements((level_of(side),), side).text("CodeValue") for side in sides]
        side = next((LATERALITY[code] for code in codes if code in LATERALITY), None)
        if name:
            return f"{name}_{side}" if side else name
    return ""


def _grid(
    frames: Sequence[_Frame],
    cosines: FloatArray,
    spacing: FloatArray,
    size: tuple[int, int],
    file: Path,
) -> tuple[Geometry, npt.NDArray[np.intp]]:
    """The grid that all frames lie on, and the slice (n,) of each."""
    across, down = cosines[:3], cosines[3:]
    normal = np.cross(across, down)
    places = np.array([frame.position for frame in frames])
    along = places @ normal
    aside = places - along[:, None] * normal
    if np.ptp(aside, axis=0).max() > 0.01:
        raise SpatialError("The frames of the segmentation are shifted against each other", _DAMAGED, file)
    levels = np.unique(np.round(along, 3))
    if len(levels) < 2:
        raise SpatialError("The segmentation holds one slice, not a volume", _CHOOSE, file)
    step = float(np.diff(levels).min())
    index = (along - levels[0]) / step
    if np.abs(index - np.rint(index)).max() > 0.02 or index.max() > MOST_GAPS:
        raise SpatialError("The slices of the segmentation do not lie evenly", _DAMAGED, file)
    lowest = places[along.argmin()]
    grid = Geometry(
        (int(np.rint(index.max())) + 1, *size),
        (float(spacing[1]), float(spacing[0]), step),
        tuple(lowest),
        np.column_stack([across, down, normal]),
    )
    return grid, np.rint(index).astype(np.intp)


def _pictures(dataset: Dataset, whole: Elements, shape: tuple[int, ...], file: Path) -> npt.NDArray[Any]:
    """Every frame (n, rows, columns): not 0 where it belongs to its segment."""
    syntax = str(getattr(dataset, "file_meta", {}).get("TransferSyntaxUID", PLAIN_SYNTAXES[0]))
    if syntax not in PLAIN_SYNTAXES:
        raise ReadingError("The segmentation is compressed", "Have it exported without compression", file)
    check_memory(shape, 1, file)
    try:
        pictures = pixel_array(dataset).reshape(shape)
    except Exception as error:  # as above
        raise ReadingError(
            "The frames of the segmentation are damaged or break off", _DAMAGED, file
        ) from error
    if whole.text("SegmentationType").upper().startswith("FRACTIONAL"):
        return np.asarray(pictures >= (whole.number("MaximumFractionalValue") or 255.0) / 2)
    return np.asarray(pictures)
