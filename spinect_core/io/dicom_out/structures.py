"""Labels and needles as a structure set of radiotherapy (RTSTRUCT), for programs that read outlines.

A tissue is closed outlines in the planes of the CT's own pictures, half a pixel about the middles of its voxels: to ask
which middles lie within gives the labels back. A needle is an open contour of two points, from the skin to the tip,
which lies across the pictures and belongs to none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, check
from spinect_core.base.versions import NOTICE
from spinect_core.geometry.outlines import outlines
from spinect_core.image.volume import BONE, CLASS_NAMES, NERVE, Labels
from spinect_core.io.dicom_out.segmentation import TYPES, Origin
from spinect_core.io.dicom_out.study import PRODUCT, Picture, Study, coded, comment, plain
from spinect_core.io.writing import COLOURS

SERIES = 9106
STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management: retired, and still what structure sets call the class of a study."""
LABEL = "SPINECT"
LONGEST = 64
DECIMALS = 3
"""Of mm: far finer than a pixel, and few enough that no number is longer than DICOM's 16 letters."""
NEEDLE_COLOUR = (80, 200, 255)
CONTOUR_DATA = Tag("ContourData")


@dataclass(frozen=True, eq=False)
class Line:
    """A needle.

    Attributes:
        name: by which the plan knows it.
        points: LPS mm (n, 3), from the skin to the tip.
        own: whether the user placed it.
    """

    name: str
    points: FloatArray
    own: bool = False


def structures(
    labels: Labels,
    needles: Sequence[Line],
    study: Study,
    origin: Origin,
    *,
    made_from: str,
    cancel: Cancel | None = None,
) -> bytes:
    """Bone, nerve and needles as a structure set (DICOM PS3.3 A.19), as the bytes of a file.

    A tissue that is marked nowhere is no structure.

    Args:
        labels: on the CT's grid, one slice for each of the study's pictures.
        needles: each becomes a structure of its own.
        study: that it goes into.
        origin: what labelled.
        made_from: such as the checksum of the plan.
        cancel: looked at between the pictures.

    Raises:
        ReadingError: the CT has no frame of reference that outlines could lie in.
        OutputError: the patient's data cannot be written.
        Cancelled: the user stopped it.
    """
    frame = str(study.files[0].get("FrameOfReferenceUID") or "")
    if not frame:
        raise ReadingError(
            "This CT has no frame of reference, so no outline lies in it", "Write without the structure set"
        )
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = RTStructureSetStorage
    # Not the explicit one: it has no room for an outline of more than 64 kB.
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = RTStructureSetStorage
    dataset.Modality = "RTSTRUCT"
    dataset.SeriesInstanceUID = study.uid_for("structures", made_from)
    dataset.SeriesNumber, dataset.InstanceNumber = SERIES, 1
    dataset.SeriesDescription = f"{PRODUCT}: structures"
    dataset.OperatorsName = None
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frame, None
    dataset.StructureSetLabel = LABEL
    dataset.StructureSetDescription = comment("Bone, nerve and needles", made_from)
    dataset.StructureSetDate = study.created.strftime("%Y%m%d")
    dataset.StructureSetTime = study.created.strftime("%H%M%S")
    dataset.ReferencedFrameOfReferenceSequence = [_referenced(study, frame)]
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.StructureSetROISequence = []
    dataset.ROIContourSequence, dataset.RTROIObservationsSequence = [], []
    algorithm = "AUTOMATIC" if origin.known else "SEMIAUTOMATIC"
    for tissue in (BONE, NERVE):
        contours = list(_closed(labels.array == tissue, study, cancel))
        if contours:
            name = CLASS_NAMES[tissue].capitalize()
            seen = _add(dataset, name, algorithm, COLOURS[tissue], contours)
            seen.RTROIInterpretedType = "ORGAN"
            seen.RTROIIdentificationCodeSequence = [coded(TYPES[tissue])]
    for needle in needles:
        contour = _contour("OPEN_NONPLANAR", needle.points)
        algorithm = "MANUAL" if needle.own else "AUTOMATIC"
        _add(dataset, plain(f"Needle: {needle.name}", LONGEST), algorithm, NEEDLE_COLOUR, [contour])
    for roi in dataset.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = frame
    return study.written(dataset)


def _add(
    dataset: Dataset, name: str, algorithm: str, colour: tuple[int, int, int], contours: list[Dataset]
) -> Dataset:
    """Add a structure; its observation."""
    number = len(dataset.StructureSetROISequence) + 1
    roi, drawn, seen = Dataset(), Dataset(), Dataset()
    roi.ROINumber, roi.ROIName, roi.ROIDescription = number, name, NOTICE
    roi.ROIGenerationAlgorithm = algorithm
    drawn.ReferencedROINumber, drawn.ROIDisplayColor = number, list(colour)
    drawn.ContourSequence = contours
    seen.ObservationNumber, seen.ReferencedROINumber = number, number
    seen.RTROIInterpretedType, seen.ROIInterpreter = None, None
    dataset.StructureSetROISequence.append(roi)
    dataset.ROIContourSequence.append(drawn)
    dataset.RTROIObservationsSequence.append(seen)
    return seen


def _closed(mask: np.ndarray, study: Study, cancel: Cancel | None) -> Iterator[Dataset]:
    """The outlines of a mask [z, y, x], each on the picture of its slice, where that lies in the patient."""
    for marked, picture in zip(mask, study.pictures, strict=True):
        check(cancel)
        place = picture.place
        across = np.multiply(place.across, place.spacing[0])
        down = np.multiply(place.down, place.spacing[1])
        for outline in outlines(marked):
            points = place.position + outline[:, 1:] * across + outline[:, :1] * down
            contour = _contour("CLOSED_PLANAR", points)
            contour.ContourImageSequence = [_image(study, picture)]
            yield contour


def _contour(kind: str, points: FloatArray) -> Dataset:
    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
    text = "\\".join(f"{number:.{DECIMALS}f}" for number in np.ravel(points) + 0.0)
    # As one text: an outline has thousands of numbers, and pydicom would make an object of each.
    contour[CONTOUR_DATA] = DataElement(CONTOUR_DATA, "DS", text, already_converted=True)
    return contour


def _image(study: Study, picture: Picture) -> Dataset:
    file, found = study.files[picture.file], Dataset()
    found.ReferencedSOPClassUID, found.ReferencedSOPInstanceUID = file.SOPClassUID, file.SOPInstanceUID
    if picture.frame:
        found.ReferencedFrameNumber = picture.frame
    return found


def _referenced(study: Study, frame: str) -> Dataset:
    """The frame of reference with the study and the files that outlines lie on."""
    series: dict[str, Dataset] = {}
    for file in study.files:
        item, image = series.setdefault(str(file.SeriesInstanceUID), Dataset()), Dataset()
        item.SeriesInstanceUID = file.SeriesInstanceUID
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = file.SOPClassUID, file.SOPInstanceUID
        item.setdefault("ContourImageSequence", []).value.append(image)
    referred, found = Dataset(), Dataset()
    referred.ReferencedSOPClassUID, referred.ReferencedSOPInstanceUID = STUDY_CLASS, study.uid
    referred.RTReferencedSeriesSequence = list(series.values())
    found.FrameOfReferenceUID = frame
    found.RTReferencedStudySequence = [referred]
    return found
