"""Labels as a DICOM segmentation on the pictures of their CT.

Every frame is a picture of the CT in which one kind of tissue is marked. It says which picture that is, and lies where
that one does. All pictures have a frame, also where nothing is marked: viewers that lay a segmentation over a series by
counting then lay it right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from spinect_core.base.errors import ReadingError
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import BONE, CLASS_NAMES, NERVE, Labels
from spinect_core.io.dicom_out.study import PRODUCT, Picture, Study, blank, comment, plain
from spinect_core.io.reading.dicom_kinds import CLASSIC_CT, ENHANCED_CT
from spinect_core.io.reading.quiet import quiet_dicom
from spinect_core.io.writing import COLOURS

SERIES = 9103
NUMBER = "1"
"""DeviceSerialNumber: the standard wants one; a program has none."""
TYPES: Mapping[int, Any] = {BONE: codes.SCT.Bone, NERVE: codes.SCT.Nerve}
_WITHOUT = "Write without the segmentation"


@dataclass(frozen=True)
class Origin:
    """What labelled.

    Attributes:
        known: whether the plan says so, and nobody has corrected it since.
        version: of the program.
        weights: SHA-256 of the network's; empty if not stored.
        engine: that ran it.
        mode: in which it ran.
    """

    known: bool
    version: str = ""
    weights: str = ""
    engine: str = ""
    mode: str = ""


def segmentation(labels: Labels, study: Study, origin: Origin, *, made_from: str) -> bytes:
    """Bone and nerve as a binary segmentation (DICOM PS3.3 A.51), as the bytes of a file.

    Args:
        labels: on the CT's grid, one slice for each of the study's pictures.
        study: that it goes into.
        origin: what labelled.
        made_from: such as the checksum of the plan.

    Raises:
        ReadingError: a segmentation cannot refer to such a CT; the fault says why.
        OutputError: the patient's data cannot be written.
    """
    with quiet_dicom():
        made: Any = hd.seg.Segmentation(
            source_images=_sources(study, labels.geometry.spacing[2]),
            pixel_array=labels.array,
            segmentation_type="BINARY",
            segment_descriptions=[_description(number, study, origin) for number in (BONE, NERVE)],
            series_instance_uid=study.uid_for("segmentation", made_from),
            series_number=SERIES,
            sop_instance_uid="2.25.0",
            instance_number=1,
            manufacturer=PRODUCT,
            manufacturer_model_name=PRODUCT,
            software_versions=origin.version or "not stored",
            device_serial_number=NUMBER,
            content_label="SEGMENTATION",
            content_description="Bone and nerve; not for clinical use",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            pixel_measures=_measures(labels),
            omit_empty_frames=False,
            series_description=f"{PRODUCT}: bone and nerve",
        )
    made.ImageComments = comment("Bone and nerve", made_from)
    _count_as_the_file_does(made, study.pictures)
    return study.written(made)


def _description(number: int, study: Study, origin: Origin) -> Any:
    named = CLASS_NAMES[number]
    parameters = {
        "weights SHA-256": origin.weights or "not stored",
        "engine": origin.engine or "not stored",
        "mode": origin.mode or "not stored",
    }
    made = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=named.capitalize(),
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=TYPES[number],
        algorithm_type="AUTOMATIC" if origin.known else "SEMIAUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="SPINECT" if origin.engine else "not stored in the plan",
            family=codes.DCM.ArtificialIntelligence,
            version=origin.version or "not stored",
            source=PRODUCT if origin.engine else None,
            parameters={key: plain(text, 64) for key, text in parameters.items()},
        ),
        tracking_uid=study.uid_for("segment", named),
        tracking_id=named,
        display_color=hd.color.CIELabColor.from_rgb(*COLOURS[number]),
    )
    made.SegmentDescription = NOTICE
    return made


def _measures(labels: Labels) -> Any:
    x, y, z = labels.geometry.spacing
    return hd.PixelMeasuresSequence(pixel_spacing=(y, x), slice_thickness=z, spacing_between_slices=z)


def _sources(study: Study, apart: float) -> list[Dataset]:
    """What a segmentation has to know of the pictures: no more than their identifiers and places.

    Args:
        study: of the pictures.
        apart: mm from one to the next, which stands for the thickness of slices: a CT need not say how thick they are.

    Raises:
        ReadingError: they are such as no segmentation can refer to.
    """
    files = [study.files[number] for number in dict.fromkeys(each.file for each in study.pictures)]
    if not all(str(each.get("FrameOfReferenceUID") or "") for each in files):
        raise ReadingError("This CT has no frame of reference, so nothing can be laid over it", _WITHOUT)
    if len({str(each.SeriesInstanceUID) for each in files}) > 1:
        raise ReadingError("This CT is of several series, and a segmentation belongs to one", _WITHOUT)
    many = [each.frame > 0 for each in study.pictures]
    if not any(many):
        if {str(each.SOPClassUID) for each in files} != {CLASSIC_CT}:
            raise ReadingError("The files of this CT are not of the kind CT Image Storage", _WITHOUT)
        return [_single(study, each, apart) for each in study.pictures]
    if not all(many) or len(files) > 1:
        raise ReadingError(
            "This CT is of several multi-frame files, and a segmentation refers to one", _WITHOUT
        )
    if str(files[0].SOPClassUID) not in ENHANCED_CT:
        raise ReadingError("The multi-frame file of this CT is not of the kind Enhanced CT", _WITHOUT)
    return [_many(study, apart)]


def _blank(study: Study, picture: Picture) -> Dataset:
    found = blank(study, picture.file)
    found.Rows, found.Columns = picture.place.rows, picture.place.columns
    return found


def _single(study: Study, picture: Picture, apart: float) -> Dataset:
    found, place = _blank(study, picture), picture.place
    found.ImagePositionPatient = _decimals(*place.position)
    found.ImageOrientationPatient = _decimals(*place.across, *place.down)
    found.PixelSpacing, found.SliceThickness = (
        _decimals(place.spacing[1], place.spacing[0]),
        _decimals(apart)[0],
    )
    return found


def _decimals(*numbers: float) -> list[DSfloat]:
    """Numbers as DICOM writes them, in at most 16 letters."""
    return [DSfloat(number + 0.0, auto_format=True) for number in numbers]


def _many(study: Study, apart: float) -> Dataset:
    """The pictures of the volume as one file that holds no others; see :func:`_count_as_the_file_does`."""
    first = study.pictures[0]
    found = _blank(study, first)
    found.NumberOfFrames = len(study.pictures)
    orientation, measures, shared = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = _decimals(*first.place.across, *first.place.down)
    measures.PixelSpacing = _decimals(first.place.spacing[1], first.place.spacing[0])
    (measures.SliceThickness,) = _decimals(apart)
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    found.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for each in study.pictures:
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = _decimals(*each.place.position)
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    found.PerFrameFunctionalGroupsSequence = frames
    return found


def _count_as_the_file_does(made: Dataset, pictures: Sequence[Picture]) -> None:
    """Put the numbers that frames have in the CT's file in place of those that they have in the volume."""
    if not pictures[0].frame:
        return
    every = [
        source
        for frame in made.PerFrameFunctionalGroupsSequence
        for derivation in frame.DerivationImageSequence
        for source in derivation.SourceImageSequence
    ]
    # Frames of one picture may share what they say of it.
    for source in {id(each): each for each in every}.values():
        source.ReferencedFrameNumber = pictures[int(source.ReferencedFrameNumber) - 1].frame
