"""Pictures as secondary captures, which every viewer shows, and the report as an encapsulated PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from spinect_core.io.dicom_out.study import PRODUCT, Study, comment, references

CAPTURES, DOCUMENT = 9101, 9102
"""Numbers of the series, higher than those of a scanner."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture to be shown.

    Attributes:
        pixels: uint8 RGB (height, width, 3).
        told: what it shows.
        names_patient: whether the patient's name or identifier stands in the pixels.
    """

    pixels: npt.NDArray[np.uint8]
    told: str
    names_patient: bool = False


def captures(shots: Sequence[Shot], study: Study, *, made_from: str) -> list[bytes]:
    """Secondary captures (DICOM PS3.3 A.8.1), one a picture, in one series, as the bytes of files.

    Args:
        shots: the pictures, in order.
        study: that they go into.
        made_from: such as the checksum of the plan.

    Raises:
        OutputError: the patient's data cannot be written.
    """
    made = []
    for number, shot in enumerate(shots, start=1):
        dataset: Any = hd.sc.SCImage(
            pixel_array=np.ascontiguousarray(shot.pixels, dtype=np.uint8),
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            patient_orientation=("L", "F"),
            study_instance_uid=study.uid,
            series_instance_uid=study.uid_for("captures", made_from),
            series_number=CAPTURES,
            sop_instance_uid="2.25.0",
            instance_number=number,
            manufacturer=PRODUCT,
            series_description=f"{PRODUCT}: plan",
        )
        # A page has no direction in the patient, and what a picture shows is not told by its edges.
        dataset.PatientOrientation = None
        dataset.Laterality = None
        dataset.DateOfSecondaryCapture = study.created.strftime("%Y%m%d")
        dataset.TimeOfSecondaryCapture = study.created.strftime("%H%M%S")
        dataset.SecondaryCaptureDeviceManufacturer = PRODUCT
        dataset.BurnedInAnnotation = "YES" if shot.names_patient else "NO"
        dataset.RecognizableVisualFeatures = "NO"
        dataset.LossyImageCompression = "00"
        dataset.ImageComments = comment(shot.told, made_from)
        made.append(study.written(dataset))
    return made


def document(pdf: bytes, study: Study, *, title: str, made_from: str, names_patient: bool) -> bytes:
    """An encapsulated PDF (DICOM PS3.3 A.45.1) as the bytes of a file.

    Args:
        pdf: the document.
        study: that it goes into.
        title: what it is.
        made_from: such as the checksum of the plan.
        names_patient: whether the patient's name or identifier stands in it.

    Raises:
        OutputError: the patient's data cannot be written.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = EncapsulatedPDFStorage
    dataset.Modality = "DOC"
    dataset.ConversionType = "WSD"
    dataset.SeriesInstanceUID = study.uid_for("document", made_from)
    dataset.SeriesNumber, dataset.InstanceNumber = DOCUMENT, 1
    dataset.SeriesDescription = f"{PRODUCT}: report"
    dataset.AcquisitionDateTime = None
    dataset.BurnedInAnnotation = "YES" if names_patient else "NO"
    dataset.RecognizableVisualFeatures = "NO"
    dataset.DocumentTitle = comment(title, made_from)
    dataset.ConceptNameCodeSequence = []
    dataset.VerificationFlag = "UNVERIFIED"
    dataset.SourceInstanceSequence = references(study)
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(pdf)
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return study.written(dataset)
