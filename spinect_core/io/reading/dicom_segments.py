"""DICOM segmentations: which voxels belong to which named segment.

Each frame of such a file is a slice of one segment, or of all in a label map, with a place of its own in the patient
(DICOM PS3.3 C.8.20). Frames may come in any order, and those of empty slices may be missing. All segments are put on
one grid; their names are what their codes of SNOMED CT mean, or their labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpatialError, SpinectError
from spinect_core.base.progress import Cancel, Progress, check
from spinect_core.base.words import LabelFormat
from spinect_core.image.volume import Geometry, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading.dicom_elements import BadSliceError, Elements, flat, items_of, level_of
from spinect_core.io.reading.label_layers import LabelSet, Layers, Segment, check_origin, shown_name
from spinect_core.io.reading.label_names import SNOMED
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
BESIDE = 0.25
"""Of a voxel: frames of the CT's size that lie no farther beside its pictures are on them."""
_DAMAGED = "Copy the file again from its source, or export it again"
_CHOOSE = "Choose a DICOM segmentation, a multi-label NIfTI or a folder of masks"


@dataclass(frozen=True)
class _Frame:
    """A slice of a segment: its place in the list of segments (0 in a label map), LPS mm of its first pixel."""

    place: int
    position: tuple[float, float, float]


def read_segments(
    files: Sequence[Path], source: Path, *, progress: Progress, cancel: Cancel | None
) -> tuple[npt.NDArray[Any], Geometry, dict[int, str]]:
    """Segments by number [z, y, x], their grid and names; where they overlap the first stays.

    Args:
        files: DICOM files, one of them a segmentation.
        source: what messages call them.
        progress: called with the part done.
        cancel: asked between the steps.

    Raises:
        ReadingError: not one segmentation, damaged, or compressed.
        SpatialError: its frames do not lie on one grid.
    """
    found = read_dicom_segments(files, source, progress=progress, cancel=cancel)
    table = np.array([0, *(each.number for each in found.segments)], dtype=np.uint16)
    array = table[found.layers[0]] if found.layers else np.zeros(found.geometry.shape, np.uint16)
    return array, found.geometry, {each.number: _named(each) for each in found.segments}


def read_dicom_segments(
    files: Sequence[Path],
    source: Path,
    *,
    volume: Volume | None = None,
    fraction: float = 0.5,
    progress: Progress,
    cancel: Cancel | None,
) -> LabelSet:
    """All segments of the one segmentation among some files.

    Args:
        files: DICOM files, one of them a segmentation.
        source: what messages call them.
        volume: the CT that it has to be of; None where nobody says.
        fraction: of the greatest value of a fractional segmentation, from which on a voxel belongs to its segment.
        progress: called with the part done.
        cancel: asked between the steps.

    Raises:
        ReadingError: not one segmentation, damaged, compressed, or of another CT.
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
            return _Reading(dataset, file, volume, fraction, cancel).read()
    except (SpinectError, MemoryError):
        raise
    except BadSliceError as error:
        raise ReadingError(f"The segmentation cannot be used: {error}", _DAMAGED, file) from error
    except Exception as error:  # pydicom raises whatever it meets in a damaged file
        raise ReadingError("The segmentation is damaged or breaks off", _DAMAGED, file) from error


def _opened(file: Path, source: Path) -> Dataset:
    try:
        with quiet_dicom():
            head = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPClassUID"], force=True)
            if str(head.get("SOPClassUID", "")) not in (SEGMENTATION, LABEL_MAP):
                return head
            return pydicom.dcmread(file, force=True)
    except Exception as error:  # as above
        raise ReadingError(
            "A DICOM file is damaged or breaks off", _DAMAGED, file if file else source
        ) from error


class _Reading:
    """One segmentation as it is read."""

    def __init__(
        self, dataset: Dataset, file: Path, volume: Volume | None, fraction: float, cancel: Cancel | None
    ) -> None:
        self._dataset, self._file, self._volume = dataset, file, volume
        self._fraction, self._cancel = fraction, cancel
        self._whole = Elements((level_of(dataset),), dataset)
        self._maps = str(dataset.get("SOPClassUID")) == LABEL_MAP
        self._segments = _described(dataset)
        self._places = {each.number: place for place, each in enumerate(self._segments, start=1)}

    def read(self) -> LabelSet:
        """Its segments, refused where it is of another CT."""
        warnings = self._origin()
        whole, dataset, file = self._whole, self._dataset, self._file
        rows, columns = whole.integer("Rows") or 0, whole.integer("Columns") or 0
        items = items_of(dataset, "PerFrameFunctionalGroupsSequence")
        if rows < 1 or columns < 1 or not 1 <= len(items) <= MOST_FRAMES:
            raise BadSliceError(f"{len(items)} frames of {rows} x {columns} pixels")
        shared = items_of(dataset, "SharedFunctionalGroupsSequence")
        common = flat(shared[0]) if shared else {}
        every = [Elements((flat(item), common), dataset) for item in items]
        frames = [self._frame(each) for each in every]
        cosines = np.array([each.numbers("ImageOrientationPatient", 6, "orientation") for each in every])
        spacing = np.array([each.numbers("PixelSpacing", 2, "pixel spacing") for each in every])
        if np.ptp(cosines, axis=0).max() > SLOPE or np.ptp(spacing, axis=0).max() > SLOPE:
            raise SpatialError("The frames of the segmentation do not lie on one grid", _DAMAGED, file)
        placed = self._on_the_ct(frames, cosines[0], spacing[0], (rows, columns))
        steps = [each for each in (every[0].number("SpacingBetweenSlices"), self._step(cosines[0])) if each]
        grid, index = placed or _grid(frames, cosines[0], spacing[0], (rows, columns), steps, file)
        check_memory(grid.shape, 4, file)
        check(self._cancel)
        pictures = _pictures(dataset, whole, (len(items), rows, columns), file)
        layers = Layers(grid.shape, len(self._segments), file)
        for number, z in enumerate(index.tolist()):
            check(self._cancel)
            for place, mask in self._masks(frames[number], pictures[number]):
                layers.add(place, mask, (z,))
        return LabelSet(
            LabelFormat.DICOM_SEG, self._segments, layers.arrays, grid, (file,), (*warnings, *self._taken())
        )

    def _origin(self) -> tuple[ReadingWarning, ...]:
        if self._volume is None:
            return ()
        series = [
            Elements((level_of(each),), each).text("SeriesInstanceUID")
            for each in items_of(self._dataset, "ReferencedSeriesSequence")
        ]
        return check_origin(self._whole.text("FrameOfReferenceUID"), series, self._volume, self._file)

    def _on_the_ct(
        self, frames: Sequence[_Frame], cosines: FloatArray, spacing: FloatArray, size: tuple[int, int]
    ) -> tuple[Geometry, npt.NDArray[np.intp]] | None:
        """The CT's own grid and the slice of each frame, if all lie on its pictures; then they may lie as unevenly."""
        if self._volume is None:
            return None
        grid = self._volume.geometry
        index = grid.to_index([frame.position for frame in frames])
        level = np.rint(index[:, 0]).astype(np.intp)
        same = (
            size == grid.shape[1:]
            and np.abs(cosines.reshape(2, 3).T - grid.direction[:, :2]).max() <= SLOPE
            and np.abs(spacing[::-1] - grid.spacing[:2]).max() <= SLOPE
            and np.abs(index - np.rint(index)).max() <= BESIDE
            and (np.rint(index[:, 1:]) == 0).all()
            and level.min() >= 0
            and level.max() < grid.shape[0]
        )
        return (grid, level) if same else None

    def _step(self, cosines: FloatArray) -> float | None:
        """Mm between the slices of the CT, where the frames lie as these do."""
        if self._volume is None:
            return None
        normal = np.cross(cosines[:3], cosines[3:])
        along = np.abs(normal @ self._volume.geometry.direction)
        axis = int(along.argmax())
        return self._volume.geometry.spacing[axis] if along[axis] > 1 - SLOPE else None

    def _frame(self, elements: Elements) -> _Frame:
        x, y, z = elements.numbers("ImagePositionPatient", 3, "position")
        if self._maps:
            return _Frame(0, (x, y, z))
        number = elements.integer("ReferencedSegmentNumber")
        if number not in self._places:
            raise BadSliceError(f"a frame of the segment {number}, which is not described")
        return _Frame(self._places[number], (x, y, z))

    def _masks(self, frame: _Frame, picture: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
        """What a frame marks: places of segments and where they are [y, x]."""
        if not self._maps:
            threshold = self._threshold
            yield frame.place, np.asarray(picture > 0 if threshold is None else picture >= threshold)
            return
        background = self._whole.integer("PixelPaddingValue") or 0
        for number in np.unique(picture).tolist():
            if number in self._places:
                if number != background:
                    yield self._places[number], np.asarray(picture == number)
            elif number not in (0, background):
                raise BadSliceError(f"voxels of the segment {number}, which is not described")

    @property
    def _threshold(self) -> float | None:
        """From which stored value on a voxel belongs to its segment; None where each that is not 0 does."""
        if not self._whole.text("SegmentationType").upper().startswith("FRACTIONAL"):
            return None
        most = self._whole.number("MaximumFractionalValue") or 255.0
        return max(self._fraction * most, 1.0)

    def _taken(self) -> tuple[ReadingWarning, ...]:
        if self._threshold is None:
            return ()
        kind = self._whole.text("SegmentationFractionalType").lower()
        what = {"probability": "probability", "occupancy": "part filled"}.get(kind, "value")
        return (
            ReadingWarning(
                f"The segmentation is fractional: voxels of a {what} of {self._fraction:.0%} or more were taken"
            ),
        )


def _described(dataset: Dataset) -> tuple[Segment, ...]:
    """The segments in the order of the file; in a label map that of the background is none."""
    found: dict[int, Segment] = {}
    for item in items_of(dataset, "SegmentSequence"):
        elements = Elements((level_of(item),), item)
        number = elements.integer("SegmentNumber")
        if number is None or number == 0:
            continue
        if not 1 <= number <= 65535 or number in found:
            raise BadSliceError(
                f"a segment with the number {number}, of which there has to be one from 1 to 65535"
            )
        found[number] = Segment(number, shown_name(elements.text("SegmentLabel"), number), _coded(item))
    if not found:
        raise BadSliceError("no segments are named (SegmentSequence)")
    return tuple(found.values())


def _named(segment: Segment) -> str:
    """The organ that a segment's code means; of what is none its own name."""
    return segment.name if segment.coded in ("", *SNOMED.values()) else segment.coded


def _coded(item: Dataset) -> str:
    """The name of what the codes of a segment mean; empty where they mean nothing that is known."""
    for kind in items_of(item, "SegmentedPropertyTypeCodeSequence"):
        code = Elements((level_of(kind),), kind).text("CodeValue")
        name = SCT.get(code) or SNOMED.get(code, "")
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
    steps: Sequence[float],
    file: Path,
) -> tuple[Geometry, npt.NDArray[np.intp]]:
    """The grid that all frames lie on, and the slice (n,) of each.

    Args:
        frames: in any order.
        cosines: (6,) of rows and columns.
        spacing: mm (between rows, between columns).
        size: rows and columns.
        steps: mm between slices, as told; the first that the frames fit is taken, else the least between frames.
        file: for messages.
    """
    across, down = cosines[:3], cosines[3:]
    normal = np.cross(across, down)
    places = np.array([frame.position for frame in frames])
    along = places @ normal
    aside = places - along[:, None] * normal
    if np.ptp(aside, axis=0).max() > 0.01:
        raise SpatialError("The frames of the segmentation are shifted against each other", _DAMAGED, file)
    levels = np.unique(np.round(along, 3))
    apart = np.diff(levels)
    # Where frames of empty slices are missing, the least distance between two may be that of several slices.
    fitting = [step for step in steps if step > 0 and _even((levels - levels[0]) / step)]
    if not fitting and not len(apart):
        raise SpatialError("The segmentation holds one slice, not a volume", _CHOOSE, file)
    step = float(fitting[0] if fitting else apart.min())
    index = (along - levels[0]) / step
    if not _even(index):
        raise SpatialError("The slices of the segmentation do not lie evenly", _DAMAGED, file)
    lowest = places[along.argmin()]
    grid = Geometry(
        (int(np.rint(index.max())) + 1, *size),
        (float(spacing[1]), float(spacing[0]), step),
        tuple(lowest),
        np.column_stack([across, down, normal]),
    )
    return grid, np.rint(index).astype(np.intp)


def _even(index: FloatArray) -> bool:
    return bool(np.abs(index - np.rint(index)).max() <= 0.02 and index.max() <= MOST_GAPS)


def _pictures(dataset: Dataset, whole: Elements, shape: tuple[int, ...], file: Path) -> npt.NDArray[Any]:
    """The stored values of every frame (n, rows, columns)."""
    syntax = str(getattr(dataset, "file_meta", {}).get("TransferSyntaxUID", PLAIN_SYNTAXES[0]))
    if syntax not in PLAIN_SYNTAXES:
        raise ReadingError("The segmentation is compressed", "Have it exported without compression", file)
    check_memory(shape, max((whole.integer("BitsAllocated") or 8) // 8, 1), file)
    try:
        return np.asarray(pixel_array(dataset).reshape(shape))
    except Exception as error:  # as above
        raise ReadingError(
            "The frames of the segmentation are damaged or break off", _DAMAGED, file
        ) from error
