"""What the header of a DICOM file says, slice by slice, without its pixels.

A classic file is one slice; an enhanced multi-frame file holds many, each with its own position in the per-frame
functional groups (DICOM PS3.3 C.7.6.16). Both become the same :class:`Slice`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

from spinect_core.io.reading.quiet import quiet_dicom

ENHANCED_CT = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
CLASSIC_CT = "1.2.840.10008.5.1.4.1.1.2"
BARE_STARTS = (b"\x00", b"\x01", b"\x05", b"\x08", b"\x10", b"\x12", b"\x16")
"""Low bytes of the element numbers that a file without preamble begins with (groups 0002 and 0008)."""
DIRECTORY = "1.2.840.10008.1.3.10"

HEADER_TAGS = [
    "SpecificCharacterSet",
    "ImageType",
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "SeriesDescription",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "AcquisitionNumber",
    "InstanceNumber",
    "ConvolutionKernel",
    "KVP",
    "SliceThickness",
    "GantryDetectorTilt",
    "PatientPosition",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "LossyImageCompression",
    "RescaleSlope",
    "RescaleIntercept",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]


class BadSliceError(Exception):
    """One slice cannot be used; the text says why."""


@dataclass(frozen=True)
class Slice:
    """One picture and its place in the patient.

    Attributes:
        file: the file.
        frame: which of the file's pictures, from 0.
        rows: and ``columns``, pixels down and across.
        position: LPS mm of the centre of the first pixel.
        across: unit LPS vector along a row, towards growing column numbers.
        down: unit LPS vector along a column, towards growing row numbers.
        spacing: mm between pixels (across, down).
        slope: and ``intercept``, from stored values to HU.
        acquisition: what distinguishes two pictures of one place, see dicom_series.
        image_type: words such as ORIGINAL, PRIMARY, AXIAL.
        kernel: convolution kernel.
        uid: the picture's own identifier.
    """

    file: Path
    frame: int
    rows: int
    columns: int
    position: tuple[float, float, float]
    across: tuple[float, float, float]
    down: tuple[float, float, float]
    spacing: tuple[float, float]
    slope: float
    intercept: float
    acquisition: str
    image_type: tuple[str, ...]
    kernel: str
    uid: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.file.name if self.frame < 0 else f"{self.file.name} frame {self.frame + 1}"


@dataclass(frozen=True)
class Header:
    """What one file says about itself and its slices.

    Attributes:
        file: the file.
        series: SeriesInstanceUID, only used to distinguish series.
        modality: such as "CT".
        description: the scanner's name for the series.
        frame_of_reference: distinguishes patient positions.
        patient_position: such as "HFS".
        slice_thickness: mm, for show only; None if not given.
        rescaled: whether RescaleSlope and RescaleIntercept were given.
        lossy: whether the pictures were compressed with loss.
        pictures: how many pictures the file says it holds.
        slices: those that can be used.
        faults: why the others cannot.
    """

    file: Path
    series: str
    modality: str
    description: str
    frame_of_reference: str
    patient_position: str
    slice_thickness: float | None
    rescaled: bool
    lossy: bool
    pictures: int
    slices: tuple[Slice, ...]
    faults: tuple[str, ...]


def looks_like_dicom(path: Path) -> bool:
    """Whether the file begins as DICOM does, with the preamble or, as some old programs write, without."""
    with path.open("rb") as stream:
        head = stream.read(132)
    if head[128:132] == b"DICM":
        return True
    return head[:2] in (b"\x02\x00", b"\x08\x00") and head[3:4] == b"\x00" and head[2:3] in BARE_STARTS


def read_header(path: Path) -> Header | None:
    """The header of a DICOM image; None if the file is something else.

    Raises:
        BadSliceError: it is DICOM but damaged.
        OSError: it cannot be opened.
    """
    if not looks_like_dicom(path):
        return None
    try:
        with quiet_dicom():
            dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=HEADER_TAGS, force=True)
            sop_class = _text(dataset, "SOPClassUID")
            file_class = str(getattr(dataset, "file_meta", {}).get("MediaStorageSOPClassUID", ""))
            if DIRECTORY in (sop_class, file_class):
                return None
            return _header(path, dataset, sop_class)
    except BadSliceError:
        raise
    except InvalidDicomError:
        return None
    except OSError:
        raise
    except Exception as error:  # pydicom raises whatever its converters meet in a damaged file
        raise BadSliceError(f"damaged header ({type(error).__name__})") from error


def _header(path: Path, dataset: Dataset, sop_class: str) -> Header:
    modality = _text(dataset, "Modality") or ("CT" if sop_class in (CLASSIC_CT, *ENHANCED_CT) else "")
    if not (sop_class or modality):
        raise BadSliceError("neither an SOP class nor a modality")
    slices: list[Slice] = []
    faults: list[str] = []
    pictures = 1
    rescaled = "RescaleSlope" in dataset and "RescaleIntercept" in dataset
    if modality == "CT":
        groups = _frames(dataset)
        pictures = len(groups)
        for number, group in enumerate(groups):
            frame = number if "PerFrameFunctionalGroupsSequence" in dataset else -1
            try:
                slices.append(_slice(path, frame, dataset, group))
                rescaled = rescaled or ("RescaleSlope" in group and "RescaleIntercept" in group)
            except BadSliceError as error:
                faults.append(str(error))
            except Exception as error:  # as above: one bad value must not lose the other frames
                faults.append(f"damaged header ({type(error).__name__})")
    return Header(
        file=path,
        series=_text(dataset, "SeriesInstanceUID") or f"folder {path.parent}",
        modality=modality,
        description=_text(dataset, "SeriesDescription"),
        frame_of_reference=_text(dataset, "FrameOfReferenceUID"),
        patient_position=_text(dataset, "PatientPosition"),
        slice_thickness=_thickness(dataset),
        rescaled=rescaled,
        lossy=_text(dataset, "LossyImageCompression") == "01",
        pictures=pictures,
        slices=tuple(slices),
        faults=tuple(faults),
    )


def _frames(dataset: Dataset) -> list[Dataset]:
    """For every picture of the file the values that hold for it alone, all on one level."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame is None:
        return [Dataset()]
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    common = _flat(shared[0]) if len(shared) else Dataset()
    if int(dataset.get("NumberOfFrames") or 0) != len(per_frame):
        raise BadSliceError(f"{dataset.get('NumberOfFrames')} pictures but {len(per_frame)} positions")
    frames = []
    for item in per_frame:
        flat = Dataset()
        flat.update(common)
        flat.update(_flat(item))
        frames.append(flat)
    return frames


def _flat(groups: Dataset) -> Dataset:
    """The values of all functional groups side by side."""
    flat = Dataset()
    for element in groups:
        if element.VR == "SQ" and len(element.value):
            flat.update({inner.tag: inner for inner in element.value[0] if inner.VR != "SQ"})
    return flat


def _slice(path: Path, frame: int, dataset: Dataset, group: Dataset) -> Slice:
    """The slice, or a BadSliceError that says what is wrong with it."""

    def value(keyword: str) -> Any:
        return group.get(keyword) if keyword in group else dataset.get(keyword)

    if frame < 0 and int(dataset.get("NumberOfFrames") or 1) != 1:
        raise BadSliceError("several pictures in one file without a position for each")
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise BadSliceError("a colour picture, not HU")
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if rows < 1 or columns < 1:
        raise BadSliceError(f"no size (Rows {rows}, Columns {columns})")
    _check_bits(dataset)
    position = _numbers(value("ImagePositionPatient"), 3, "position (ImagePositionPatient)")
    cosines = _numbers(value("ImageOrientationPatient"), 6, "orientation (ImageOrientationPatient)")
    down_mm, across_mm = _numbers(value("PixelSpacing"), 2, "pixel spacing (PixelSpacing)")
    if min(down_mm, across_mm) <= 0:
        raise BadSliceError(f"the pixel spacing {down_mm:g} x {across_mm:g} mm is not positive")
    across, down = _axes(cosines)
    slope, intercept = (
        1.0 if value("RescaleSlope") is None else _numbers([value("RescaleSlope")], 1, "RescaleSlope")[0],
        0.0
        if value("RescaleIntercept") is None
        else _numbers([value("RescaleIntercept")], 1, "RescaleIntercept")[0],
    )
    if slope == 0:
        raise BadSliceError("RescaleSlope is 0")
    kind = value("FrameType") or value("ImageType")
    kernel = value("ConvolutionKernel")
    return Slice(
        file=path,
        frame=frame,
        rows=rows,
        columns=columns,
        position=(position[0], position[1], position[2]),
        across=across,
        down=down,
        spacing=(across_mm, down_mm),
        slope=slope,
        intercept=intercept,
        acquisition="|".join(
            str(value(k) or "") for k in ("AcquisitionNumber", "TemporalPositionIndex", "StackID", "KVP")
        ),
        image_type=tuple(_words(kind)),
        kernel=", ".join(_words(kernel)),
        uid=str(dataset.get("SOPInstanceUID") or path),
    )


def _check_bits(dataset: Dataset) -> None:
    """Toshiba CTs and others leave out BitsStored: it is then BitsAllocated; contradictions are refused."""
    allocated = int(dataset.get("BitsAllocated") or 0)
    stored = int(dataset.get("BitsStored") or allocated)
    high = dataset.get("HighBit")
    if allocated not in (8, 16, 32):
        raise BadSliceError(f"BitsAllocated is {allocated}")
    if not 1 <= stored <= allocated:
        raise BadSliceError(f"BitsStored {stored} does not fit into BitsAllocated {allocated}")
    if high is not None and int(high) != stored - 1:
        raise BadSliceError(f"HighBit {int(high)} does not fit BitsStored {stored}")
    if dataset.get("PixelRepresentation") not in (0, 1):
        raise BadSliceError("PixelRepresentation does not say whether values have a sign")


def _axes(cosines: tuple[float, ...]) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Two exact unit vectors at right angles from rounded ones."""
    across, down = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = np.linalg.norm(across), np.linalg.norm(down)
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1)) > 0.01:
        raise BadSliceError(f"the orientation {cosines} is not made of unit vectors")
    across, down = across / lengths[0], down / lengths[1]
    if abs(float(across @ down)) > 0.002:
        raise BadSliceError(f"rows and columns are not at right angles (orientation {cosines})")
    down = down - across * (across @ down)
    down /= np.linalg.norm(down)
    return tuple(across.tolist()), tuple(down.tolist())


def _numbers(value: Any, count: int, what: str) -> tuple[float, ...]:
    if value is None or (isinstance(value, str | MultiValue) and len(value) == 0):
        raise BadSliceError(f"no {what}")
    values: Iterable[Any] = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    numbers = tuple(float(v) for v in values)
    if len(numbers) != count or not all(math.isfinite(n) for n in numbers):
        raise BadSliceError(f"{what} is {numbers}, {count} numbers are needed")
    return numbers


def _words(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(v) for v in value]


def _text(dataset: Dataset, keyword: str) -> str:
    """A value as text; nothing if it is missing or damaged."""
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip("\0 ").replace("\n", " ")[:80]


def _thickness(dataset: Dataset) -> float | None:
    try:
        value = float(dataset.get("SliceThickness"))
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
