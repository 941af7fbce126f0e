"""What the header of a DICOM file says, slice by slice, without its pixels.

A classic file is one slice; an enhanced multi-frame file holds many, each with its own position in the per-frame
functional groups (DICOM PS3.3 C.7.6.16). Both become the same :class:`Slice`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from spinect_core.base.reasons import listed
from spinect_core.io.reading.dicom_elements import BadSliceError, Elements, flat, items_of, level_of
from spinect_core.io.reading.dicom_kinds import CLASSIC_CT, ENHANCED_CT
from spinect_core.io.reading.dicom_scale import SCALE_TAGS, Scale, scale_of
from spinect_core.io.reading.dicom_traits import TRAIT_KEYWORDS, traits_of
from spinect_core.io.reading.quiet import quiet_dicom

BARE_STARTS = (b"\x00", b"\x01", b"\x05", b"\x08", b"\x10", b"\x12", b"\x16")
"""Low bytes of the element numbers that a file without preamble begins with (groups 0002 and 0008)."""
COLOUR = "a colour picture, not HU"
DIRECTORY = "1.2.840.10008.1.3.10"
STEEPEST_SLOPE = 1e4
FARTHEST_INTERCEPT = 1e6
"""Far beyond what any scanner writes: larger numbers are damage, and would overflow."""

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
    "ConcatenationUID",
    *TRAIT_KEYWORDS,
    *SCALE_TAGS,
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]


_HEADER_TAGS = [Tag(keyword) for keyword in HEADER_TAGS]


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
        image_type: words such as ORIGINAL, PRIMARY, AXIAL.
        kernel: convolution kernel.
        uid: the picture's own identifier.
        sop_class: what kind of object the file says it is.
        volume_file: which file of many frames, or which concatenation of such files, it is of; empty for a file of its
            own.
        traits: by what it may be told apart from other pictures, one value for each of dicom_traits.TRAITS.
        scale: what the picture says of its numbers besides slope and intercept.
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
    image_type: tuple[str, ...]
    kernel: str
    uid: str
    sop_class: str
    volume_file: str
    traits: tuple[str, ...] = field(repr=False)
    scale: Scale

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
    patient_position: str
    slice_thickness: float | None
    rescaled: bool
    lossy: bool
    pictures: int
    slices: tuple[Slice, ...]
    faults: tuple[BadSliceError, ...]


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
            dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_HEADER_TAGS, force=True)
            file_class = str(getattr(dataset, "file_meta", {}).get("MediaStorageSOPClassUID", ""))
            whole = Elements((level_of(dataset),), dataset)
            sop_class = whole.text("SOPClassUID")
            if DIRECTORY in (sop_class, file_class):
                return None
            return _header(path, dataset, whole, sop_class)
    except BadSliceError:
        raise
    except InvalidDicomError:
        return None
    except OSError:
        raise
    except Exception as error:  # pydicom raises whatever it meets in a damaged file
        raise BadSliceError("its header is damaged or breaks off") from error


def _header(path: Path, dataset: Dataset, whole: Elements, sop_class: str) -> Header:
    modality = whole.text("Modality") or ("CT" if sop_class in (CLASSIC_CT, *ENHANCED_CT) else "")
    if not (sop_class or modality):
        raise BadSliceError("neither an SOP class nor a modality")
    slices: list[Slice] = []
    faults: list[BadSliceError] = []
    pictures = 1
    rescaled = whole.has("RescaleSlope") and whole.has("RescaleIntercept")
    if modality == "CT":
        several = whole.has("PerFrameFunctionalGroupsSequence")
        frames = _frames(dataset, whole) if several else [whole]
        pictures = len(frames)
        for number, elements in enumerate(frames):
            try:
                slices.append(_slice(path, number if several else -1, elements))
                rescaled = rescaled or (elements.has("RescaleSlope") and elements.has("RescaleIntercept"))
            except BadSliceError as error:
                faults.append(error)
    return Header(
        file=path,
        series=whole.text("SeriesInstanceUID") or f"folder {path.parent}",
        modality=modality,
        description=whole.text("SeriesDescription"),
        patient_position=whole.text("PatientPosition"),
        slice_thickness=_thickness(whole),
        rescaled=rescaled,
        lossy=whole.text("LossyImageCompression") == "01",
        pictures=pictures,
        slices=tuple(slices),
        faults=tuple(faults),
    )


def _frames(dataset: Dataset, whole: Elements) -> list[Elements]:
    """For every picture of the file the values that hold for it."""
    per_frame = items_of(dataset, "PerFrameFunctionalGroupsSequence")
    shared = items_of(dataset, "SharedFunctionalGroupsSequence")
    common = flat(shared[0]) if shared else {}
    told = whole.integer("NumberOfFrames")
    if told != len(per_frame):
        said = "no number of pictures (NumberOfFrames)" if told is None else f"{told} pictures"
        raise BadSliceError(f"{said} but {len(per_frame)} positions")
    level = level_of(dataset)
    known: dict[str, tuple[str, ...]] = {}
    return [Elements((flat(item), common, level), dataset, known) for item in per_frame]


def _slice(path: Path, frame: int, elements: Elements) -> Slice:
    """The slice, or a BadSliceError that says what is wrong with it."""
    if frame < 0 and (elements.integer("NumberOfFrames") or 1) != 1:
        raise BadSliceError("several pictures in one file without a position for each")
    if (elements.integer("SamplesPerPixel") or 1) != 1:
        raise BadSliceError(COLOUR)
    colours = elements.text("PhotometricInterpretation").upper()
    if colours and not colours.startswith("MONOCHROME"):
        raise BadSliceError(f"{COLOUR} (PhotometricInterpretation {colours})", COLOUR)
    rows, columns = elements.integer("Rows") or 0, elements.integer("Columns") or 0
    if rows < 1 or columns < 1:
        raise BadSliceError(f"no size (Rows {rows}, Columns {columns})")
    _check_bits(elements)
    position = elements.numbers("ImagePositionPatient", 3, "position")
    cosines = elements.numbers("ImageOrientationPatient", 6, "orientation")
    down_mm, across_mm = elements.numbers("PixelSpacing", 2, "pixel spacing")
    if min(down_mm, across_mm) <= 0:
        raise BadSliceError(
            f"the pixel spacing (PixelSpacing) {down_mm:g} x {across_mm:g} mm is not positive"
        )
    across, down = _axes(cosines)
    slope, intercept = _scale(elements)
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
        image_type=elements.words("FrameType") or elements.words("ImageType"),
        kernel=elements.text("ConvolutionKernel"),
        uid=elements.text("SOPInstanceUID") or str(path),
        sop_class=elements.text("SOPClassUID"),
        volume_file="" if frame < 0 else elements.text("ConcatenationUID") or str(path),
        traits=traits_of(elements),
        scale=scale_of(elements),
    )


def _scale(elements: Elements) -> tuple[float, float]:
    """Slope and intercept from stored values to HU, 1 and 0 if they are missing."""
    slope, intercept = elements.number("RescaleSlope"), elements.number("RescaleIntercept")
    if slope == 0:
        raise BadSliceError("RescaleSlope is 0")
    for keyword, value, most in (
        ("RescaleSlope", slope, STEEPEST_SLOPE),
        ("RescaleIntercept", intercept, FARTHEST_INTERCEPT),
    ):
        if value is not None and abs(value) > most:
            raise BadSliceError(
                f"{keyword} is {value:g}, and no scale to Hounsfield units is like that",
                f"{keyword} is out of all bounds",
            )
    return 1.0 if slope is None else slope, 0.0 if intercept is None else intercept


def _check_bits(elements: Elements) -> None:
    """Toshiba CTs and others leave out BitsStored: it is then BitsAllocated; contradictions are refused."""
    allocated = elements.integer("BitsAllocated") or 0
    stored = elements.integer("BitsStored") or allocated
    high = elements.integer("HighBit")
    if allocated not in (8, 16, 32):
        raise BadSliceError(f"BitsAllocated is {allocated}, not 8, 16 or 32")
    if not 1 <= stored <= allocated:
        raise BadSliceError(f"BitsStored {stored} does not fit into BitsAllocated {allocated}")
    if high is not None and high != stored - 1:
        raise BadSliceError(f"HighBit {high} does not fit BitsStored {stored}")
    sign = elements.integer("PixelRepresentation")
    if sign not in (0, 1):
        raise BadSliceError(
            f"PixelRepresentation is {'missing' if sign is None else sign}, neither 0 (no sign) nor 1 (signed)"
        )


def _axes(cosines: tuple[float, ...]) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Two exact unit vectors at right angles from rounded ones."""
    across, down = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = np.linalg.norm(across), np.linalg.norm(down)
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1)) > 0.01:
        raise BadSliceError(
            f"the orientation (ImageOrientationPatient) {listed(cosines)} is not made of unit vectors"
        )
    across, down = across / lengths[0], down / lengths[1]
    if abs(float(across @ down)) > 0.002:
        raise BadSliceError(
            f"rows and columns are not at right angles (ImageOrientationPatient {listed(cosines)})"
        )
    down = down - across * (across @ down)
    down /= np.linalg.norm(down)
    return tuple(across.tolist()), tuple(down.tolist())


def _thickness(elements: Elements) -> float | None:
    try:
        return elements.number("SliceThickness")
    except BadSliceError:
        return None
