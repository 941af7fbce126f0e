"""Surfaces as encapsulated STL (DICOM PS3.3 A.85.1), in the frame of reference of the CT."""

from __future__ import annotations

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import EncapsulatedSTLStorage, ExplicitVRLittleEndian

from spinect_core.base.errors import ReadingError
from spinect_core.io.dicom_out.study import PRODUCT, Study, coded, comment, references, references_by_series

SERIES = 9105
NUMBER = "1"
"""DeviceSerialNumber: the standard wants one; a program has none."""


def surface(stl: bytes, study: Study, *, name: str, number: int, made_from: str) -> bytes:
    """A surface as the bytes of a file.

    Args:
        stl: binary STL, LPS mm.
        study: that it goes into.
        name: of what is inside, such as "bone".
        number: of the object in its series, from 1.
        made_from: such as the checksum of the plan.

    Raises:
        ReadingError: the CT has no frame of reference that a surface could lie in.
        OutputError: the patient's data cannot be written.
    """
    frame = str(study.files[0].get("FrameOfReferenceUID") or "")
    if not frame:
        raise ReadingError(
            "This CT has no frame of reference, so no surface lies in it", "Write without surfaces"
        )
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = EncapsulatedSTLStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = EncapsulatedSTLStorage
    dataset.Modality = "M3D"
    dataset.SeriesInstanceUID = study.uid_for("surfaces", made_from)
    dataset.SeriesNumber, dataset.InstanceNumber = SERIES, number
    dataset.SeriesDescription = f"{PRODUCT}: surfaces"
    dataset.DeviceSerialNumber = NUMBER
    dataset.FrameOfReferenceUID = frame
    dataset.PositionReferenceIndicator = None
    dataset.AcquisitionDateTime = None
    dataset.BurnedInAnnotation = "NO"
    dataset.RecognizableVisualFeatures = "NO"
    dataset.SourceInstanceSequence = references(study)
    dataset.ReferencedSeriesSequence = references_by_series(study)
    dataset.DocumentTitle = comment(f"Surface of {name}", "mm, LPS", made_from)
    dataset.ConceptNameCodeSequence = [_model()]
    dataset.MIMETypeOfEncapsulatedDocument = "model/stl"
    dataset.EncapsulatedDocumentLength = len(stl)
    dataset.EncapsulatedDocument = stl + b"\0" * (len(stl) % 2)
    dataset.MeasurementUnitsCodeSequence = [coded(codes.UCUM.Millimeter)]
    dataset.ContentDescription = f"Surface of {name}; not for clinical use"
    # The median and the smoothing move the surface, and nothing of it is mirrored.
    dataset.ModelModification, dataset.ModelMirroring = "YES", "NO"
    dataset.ModelUsageCodeSequence = [coded(codes.DCM.PlanningIntent)]
    return study.written(dataset)


def _model() -> Dataset:
    found = Dataset()
    found.CodeValue, found.CodingSchemeDesignator, found.CodeMeaning = "85040-4", "LN", "3D model"
    return found
