"""Structure sets of radiotherapy (RTSTRUCT): closed outlines in the planes of the CT's slices (DICOM PS3.3 C.8.8.6).

An outline says which voxels of its slice belong to a structure: those whose middle lies within. Several outlines of
one slice are taken together, one within another as a hole. Between slices nothing is made up: a structure that is drawn
on every second slice alone cannot be used, and a single slice that is missing is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import shapely
from pydicom.dataset import Dataset

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpatialError, SpinectError
from spinect_core.base.progress import Cancel, Progress, check
from spinect_core.base.words import LabelFormat
from spinect_core.geometry.filling import filled
from spinect_core.image.volume import Geometry, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading.dicom_elements import BadSliceError, Elements, items_of, level_of
from spinect_core.io.reading.dicom_geometry import ROUNDING_MM
from spinect_core.io.reading.label_layers import LabelSet, Layers, Segment, check_origin, shown_name
from spinect_core.io.reading.quiet import quiet_dicom

STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
"""SOP class."""
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
MOST_POINTS = 20_000_000
MOST_OUTLINES = 500_000
OFF_PLANE = 0.1
"""Of a slice, or :data:`OFF_PLANE_MM` where that is more: what leaves its slice by more is of another grid."""
OFF_PLANE_MM, NEAREST = 2 * ROUNDING_MM, 0.45
"""A slice may lie so far from where it is in a regular CT, as outlines do that were drawn on it; but never so far that
another slice is nearly as near."""
SAME_PLACE = 0.001
"""Of a pixel: corners so near are one."""
CROSSING = 1.0
"""Pixels that two outlines have in common without one lying within the other: less is rounding along a common edge."""
_DAMAGED = "Copy the file again from its source, or export it again"


@dataclass(frozen=True, eq=False)
class _Outline:
    """A closed outline: the kind that its file gives it, and LPS mm (n, 3) of its corners."""

    kind: str
    points: FloatArray


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What became of the outlines of a structure.

    Attributes:
        axis: of the array that the slices follow.
        slices: (row, column) outlines by slice.
        fault: why the structure cannot be used.
        beyond: outlines on slices beyond the CT.
        missing: slices without an outline between two that have one.
    """

    axis: int
    slices: dict[int, list[FloatArray]]
    fault: str = ""
    beyond: int = 0
    missing: int = 0


def is_structure_set(file: Path) -> bool:
    """Whether a DICOM file is a structure set, as far as its beginning can be read."""
    try:
        with quiet_dicom():
            head = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPClassUID"], force=True)
            return str(head.get("SOPClassUID", "")) == STRUCTURES
    except Exception:  # pydicom raises whatever it meets; who reads the file says what is wrong with it
        return False


def read_structure_set(file: Path, volume: Volume, *, progress: Progress, cancel: Cancel | None) -> LabelSet:
    """The structures of an RTSTRUCT on the grid of their CT.

    Structures that are no closed outlines, or do not lie in the CT's slices, are there with their fault and without a
    voxel.

    Args:
        file: an RTSTRUCT.
        volume: the CT that it has to be of.
        progress: called with the part done.
        cancel: asked for every structure and slice.

    Raises:
        ReadingError: damaged, without structures, or of another CT.
        SpatialError: of another frame of reference.
    """
    try:
        with quiet_dicom():
            dataset = pydicom.dcmread(file, force=True)
            return _structures(dataset, file, volume, progress, cancel)
    except (SpinectError, MemoryError):
        raise
    except BadSliceError as error:
        raise ReadingError(f"The structure set cannot be used: {error}", _DAMAGED, file) from error
    except Exception as error:  # pydicom raises whatever it meets in a damaged file
        raise ReadingError("The structure set is damaged or breaks off", _DAMAGED, file) from error


def _structures(
    dataset: Dataset, file: Path, volume: Volume, progress: Progress, cancel: Cancel | None
) -> LabelSet:
    listed = items_of(dataset, "StructureSetROISequence")
    described = [Elements((level_of(each),), each) for each in listed]
    numbers = [each.integer("ROINumber") for each in described]
    if not numbers or None in numbers or len(set(numbers)) < len(numbers):
        raise BadSliceError("its structures have no numbers of their own (StructureSetROISequence)")
    warnings = check_origin(_frame(dataset, described, file), list(_series(dataset)), volume, file)
    outlines = _outlines(dataset, cancel)
    layers = Layers(volume.geometry.shape, len(numbers), file)
    segments: list[Segment] = []
    notes: list[ReadingWarning] = []
    for place, (number, elements) in enumerate(zip(numbers, described, strict=True), start=1):
        check(cancel)
        progress((place - 1) / len(numbers), f"Filling structure {place} of {len(numbers)}")
        assert number is not None  # asked above
        drawn = _drawn(outlines.get(number, []), volume.geometry)
        name = shown_name(elements.text("ROIName"), number)
        segments.append(Segment(number, name, fault=drawn.fault))
        notes += _notes(drawn, place)
        _fill(layers, place, drawn, volume.geometry, cancel)
    return LabelSet(
        LabelFormat.RTSTRUCT,
        tuple(segments),
        layers.arrays,
        volume.geometry,
        (file,),
        (*warnings, *notes),
    )


def _frame(dataset: Dataset, described: Iterable[Elements], file: Path) -> str:
    """The one frame of reference of all structures."""
    frames = {each.text("ReferencedFrameOfReferenceUID") for each in described} - {""}
    if len(frames) > 1:
        raise SpatialError(
            "Its structures lie in several frames of reference",
            "Have those of this CT exported alone",
            file,
        )
    if frames:
        return frames.pop()
    whole = [Elements((level_of(dataset),), dataset).text("FrameOfReferenceUID")]
    for each in items_of(dataset, "ReferencedFrameOfReferenceSequence"):
        whole.append(Elements((level_of(each),), each).text("FrameOfReferenceUID"))
    return next((each for each in whole if each), "")


def _series(dataset: Dataset) -> Iterable[str]:
    """The series that it was drawn on."""
    for frame in items_of(dataset, "ReferencedFrameOfReferenceSequence"):
        for study in items_of(frame, "RTReferencedStudySequence"):
            for each in items_of(study, "RTReferencedSeriesSequence"):
                yield Elements((level_of(each),), each).text("SeriesInstanceUID")


def _outlines(dataset: Dataset, cancel: Cancel | None) -> dict[int, list[_Outline]]:
    """The outlines of each structure, by its number."""
    found: dict[int, list[_Outline]] = {}
    points = count = 0
    for item in items_of(dataset, "ROIContourSequence"):
        check(cancel)
        number = Elements((level_of(item),), item).integer("ReferencedROINumber")
        if number is None:
            raise BadSliceError("outlines that belong to no structure (ReferencedROINumber)")
        for each in items_of(item, "ContourSequence"):
            check(cancel)
            outline = _outline(each)
            points, count = points + len(outline.points), count + 1
            if points > MOST_POINTS or count > MOST_OUTLINES:
                raise BadSliceError(f"more than {MOST_POINTS} corners or {MOST_OUTLINES} outlines")
            found.setdefault(number, []).append(outline)
    return found


def _outline(item: Dataset) -> _Outline:
    elements = Elements((level_of(item),), item)
    kind = elements.text("ContourGeometricType").upper()
    data = item.get_item("ContourData") if "ContourData" in item else None
    value = b"" if data is None or data.value is None else data.value
    if isinstance(value, bytes):
        words = value.decode("ascii", "replace").strip(" \0").split("\\")
    else:
        words = [str(each) for each in value] if hasattr(value, "__iter__") else [str(value)]
    try:
        numbers = np.array(words, dtype=np.float64)
    except ValueError as error:
        raise BadSliceError("an outline whose corners are no numbers (ContourData)") from error
    told = elements.integer("NumberOfContourPoints")
    if len(numbers) % 3 or not np.isfinite(numbers).all() or told not in (None, len(numbers) // 3):
        raise BadSliceError(f"an outline of {told} corners that holds {len(numbers)} numbers (ContourData)")
    if np.abs(numbers).max() > 1e6:
        raise BadSliceError("an outline that lies farther away than a scanner is large (ContourData)")
    return _Outline(kind, numbers.reshape(-1, 3))


def _drawn(outlines: list[_Outline], grid: Geometry) -> _Drawn:
    """The outlines of a structure by the slices of a CT."""
    closed = [each for each in outlines if each.kind in CLOSED and len(each.points) >= 3]
    if not closed:
        kinds = {each.kind for each in outlines}
        what = "it holds points alone" if kinds == {"POINT"} else "it has no closed outline"
        return _Drawn(0, {}, what)
    indices = [grid.to_index(each.points) for each in closed]
    leaves = np.array([np.ptp(each, axis=0) for each in indices]).max(axis=0)
    axis = int(leaves.argmin())
    allowed = max(OFF_PLANE, min(OFF_PLANE_MM / grid.spacing[2 - axis], NEAREST))
    if leaves[axis] > allowed:
        return _Drawn(axis, {}, "its outlines do not lie in the planes of the CT's slices")
    places = np.array([each[:, axis].mean() for each in indices])
    if np.abs(places - np.rint(places)).max() > allowed:
        return _Drawn(axis, {}, "its outlines lie between the slices of this CT")
    return _by_slice(axis, np.rint(places).astype(int).tolist(), indices, grid)


def _by_slice(axis: int, places: list[int], indices: list[FloatArray], grid: Geometry) -> _Drawn:
    levels = np.unique(places)
    gaps = np.diff(levels)
    if len(gaps) and gaps.min() > 1:
        return _Drawn(axis, {}, f"it is drawn on every {_ordinal(int(gaps.min()))} slice of the CT at most")
    slices: dict[int, list[FloatArray]] = {}
    beyond = 0
    for place, index in zip(places, indices, strict=True):
        if 0 <= place < grid.shape[axis]:
            slices.setdefault(place, []).append(np.delete(index, axis, axis=1))
        else:
            beyond += 1
    for place, drawn in slices.items():
        slices[place], crossing = _once(drawn)
        if crossing:
            return _Drawn(axis, {}, "outlines of it cross each other, so what is within is not known")
    return _Drawn(axis, slices, beyond=beyond, missing=int((gaps - 1).sum()))


def _once(outlines: list[FloatArray]) -> tuple[list[FloatArray], bool]:
    """Those of a slice without what is drawn twice, and whether any two cross; one within another is its hole."""
    if len(outlines) < 2:
        return outlines, False
    areas = [shapely.make_valid(shapely.Polygon(each)) for each in outlines]
    keys = [shapely.to_wkb(shapely.normalize(shapely.set_precision(each, SAME_PLACE))) for each in areas]
    kept = [number for number, key in enumerate(keys) if key not in keys[:number]]
    tree = shapely.STRtree([areas[number] for number in kept])
    pairs = tree.query(tree.geometries, predicate="overlaps")
    common = shapely.area(shapely.intersection(*(tree.geometries[each] for each in pairs)))
    return [outlines[number] for number in kept], bool((common > CROSSING).any())


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _notes(drawn: _Drawn, place: int) -> list[ReadingWarning]:
    """What there is to say of a structure, by its place in the file: its name may be anything."""
    found = []
    if drawn.beyond:
        found.append(
            ReadingWarning(f"{drawn.beyond} outlines of structure {place} lie on slices beyond the CT")
        )
    if drawn.missing:
        found.append(
            ReadingWarning(
                f"Structure {place} has no outline on {drawn.missing} slices between others; nothing was filled there"
            )
        )
    return found


def _fill(layers: Layers, place: int, drawn: _Drawn, grid: Geometry, cancel: Cancel | None) -> None:
    shape = tuple(np.delete(grid.shape, drawn.axis).tolist())
    for level, outlines in drawn.slices.items():
        check(cancel)
        where = (*[slice(None)] * drawn.axis, level)
        layers.add(place, filled(outlines, (shape[0], shape[1])), where)
