"""The study that objects are written into: that of the CT, or one of its own that names nobody.

What is taken from the headers of a CT is listed here, element by element. Nothing else of them gets into an object: no
private element, no address, no name of an institution or a device.
"""

from __future__ import annotations

import copy
import datetime
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from spinect_core.base.errors import OutputError, ReadingError
from spinect_core.base.progress import Cancel, check
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.image.volume import Volume
from spinect_core.io.reading.dicom_elements import BadSliceError
from spinect_core.io.reading.dicom_geometry import ROUNDING_MM
from spinect_core.io.reading.dicom_headers import Slice, read_header
from spinect_core.io.reading.quiet import quiet_dicom
from spinect_core.io.reading.series import Series
from spinect_core.io.writing import write_dicom_series

PRODUCT = "SPINECT Planner"
EMPTY_IF_MISSING = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Type 2 of the modules Patient and General Study (DICOM PS3.3 C.7.1.1, C.7.2.1): there even where the CT has none."""
IF_THERE = (
    "IssuerOfPatientID",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDescription",
    # whoever removed the patient's identity from the CT has removed it from what is made of it
    "PatientIdentityRemoved",
    "DeidentificationMethod",
)
WHOSE = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
"""All files of a CT have to agree on these."""
_TAGS = [
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "NumberOfFrames",
    *EMPTY_IF_MISSING,
    *IF_THERE,
]
METHOD = (
    "SPINECT Planner: all identifiers new",
    "no element of the source's header kept but geometry",
    "dates set to 2000-01-01",
)
"""DeidentificationMethod (0012,0063): each value of at most 64 letters."""
NO_DATE = datetime.datetime(2000, 1, 1)
_UID = re.compile(r"(?=.{1,64}$)\d+(\.\d+)+")
"""As scanners write them: some with zeros that the standard does not allow."""
SAME_PLACE, ROUNDED_MM, NEAREST = 0.1, 2 * ROUNDING_MM, 0.45
"""How far a picture may lie beside the voxels made of it, along the stack: this part of the distance between slices, or
where these are thin as much as rounded positions may be off, but never so far that another slice is nearly as near."""
_AGAIN = "Export the CT again from its source"


@dataclass(frozen=True, eq=False)
class Picture:
    """The picture of a CT that became one slice of the volume.

    Attributes:
        file: which of the study's files, from 0.
        frame: which of that file's pictures, from 1; 0 for a file of one.
        place: the picture's own place in the patient.
    """

    file: int
    frame: int
    place: Slice


@dataclass(frozen=True, eq=False)
class Study:
    """Where objects go and what they are made of.

    Attributes:
        elements: of patient and study, as the CT's headers write them.
        files: identifiers of each file of the CT, and no more of it.
        pictures: one for each slice of the volume [z], in order.
        created: time that objects bear.
        named: whether the study is the patient's own.
    """

    elements: Dataset
    files: tuple[Dataset, ...]
    pictures: tuple[Picture, ...]
    created: datetime.datetime
    named: bool

    @classmethod
    def of(cls, series: Series, volume: Volume, created: str, *, cancel: Cancel | None = None) -> Study:
        """The study of a CT.

        Args:
            series: from :func:`~spinect_core.io.reading.list_series`.
            volume: read from it.
            created: ISO 8601 time of the plan.
            cancel: asked between files.

        Raises:
            ReadingError: it is no DICOM, its files do not agree, or its voxels do not lie where its pictures do.
            Cancelled: the user stopped it.
        """
        if volume.details.get("format") != "DICOM":
            raise ReadingError(
                "This CT is not DICOM, so there is no study to write into",
                "Give the DICOM files that it was made from, or write without patient data",
            )
        heads, places = [], []
        for number, file in enumerate(series.files):
            check(cancel)
            heads.append(_head(file))
            places += [(number, each) for each in _slices(file)]
        _check_one(heads)
        return cls(
            _elements(heads[0]),
            tuple(map(_identifiers, heads)),
            _in_order(places, volume),
            _moment(created),
            named=True,
        )

    @property
    def uid(self) -> str:
        """Its StudyInstanceUID."""
        return str(self.elements.StudyInstanceUID)

    @property
    def names_somebody(self) -> bool:
        """Whether the CT's headers say who the patient is."""
        return self.named and any(str(self.elements.get(key) or "") for key in WHOSE[:2])

    def uid_for(self, *parts: str) -> UID:
        """An identifier that follows from the study and these words: the same words give the same one."""
        return generate_uid(entropy_srcs=[self.uid, __version__, *parts])

    def describe(self, dataset: Dataset) -> None:
        """Say in an object whose it is, when it was made and by what."""
        for element in self.elements:
            dataset[element.tag] = copy.deepcopy(element)
        if "SpecificCharacterSet" not in self.elements and "SpecificCharacterSet" in dataset:
            del dataset.SpecificCharacterSet
        date, time = self.created.strftime("%Y%m%d"), self.created.strftime("%H%M%S")
        dataset.InstanceCreationDate = dataset.ContentDate = date
        dataset.InstanceCreationTime = dataset.ContentTime = time
        dataset.Manufacturer = dataset.ManufacturerModelName = PRODUCT
        dataset.SoftwareVersions = __version__

    def written(self, dataset: Dataset) -> bytes:
        """An object as the bytes of a file, its identifier made of its content.

        Raises:
            OutputError: it holds what no DICOM file can.
        """
        self.describe(dataset)
        self._settle(dataset)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID("2.25.0")
        content = hashlib.sha256(_bytes(dataset)).hexdigest()
        uid = self.uid_for("object", content)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
        return _bytes(dataset)

    def _settle(self, dataset: Dataset) -> None:
        """Settle what highdicom draws anew at each call: an archive gets the same plan as the same objects."""
        for each in dataset.get("ContributingEquipmentSequence") or []:
            if "ContributionDateTime" in each:
                each.ContributionDateTime = self.created.strftime("%Y%m%d%H%M%S")
        if "DimensionOrganizationSequence" in dataset:
            uid = self.uid_for("dimensions", str(dataset.SeriesInstanceUID))
            for each in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
                each.DimensionOrganizationUID = uid


def write_nameless_ct(volume: Volume, folder: Path) -> list[Path]:
    """Write a CT as a DICOM series that says nothing of the patient, under identifiers that follow from its content.

    Args:
        volume: the CT; its name and what is known of the scanner are not written.
        folder: made if it is not there.

    Returns:
        The files.

    Raises:
        OutputError: the disk refused.
    """
    content = hashlib.sha256(np.ascontiguousarray(volume.array).tobytes()).hexdigest()
    plain = replace(volume, name="CT", details={})
    return write_dicom_series(
        plain,
        folder,
        further={
            "PatientName": f"SPINECT^{content[:12]}",
            "PatientID": f"SPINECT-{content[:12]}",
            "PatientIdentityRemoved": "YES",
            "DeidentificationMethod": list(METHOD),
        },
    )


def nameless(study: Study) -> Study:
    """The study of a CT that :func:`write_nameless_ct` wrote."""
    return replace(study, created=NO_DATE, named=False)


def blank(study: Study, file: int) -> Dataset:
    """What highdicom has to know of a file of the CT: its identifiers, and that the rest is nobody's business.

    Every object gets patient and study from :meth:`Study.describe`.
    """
    found = Dataset()
    for element in study.files[file]:
        found[element.tag] = element
    for keyword in EMPTY_IF_MISSING:
        setattr(found, keyword, None)
    found.StudyInstanceUID = study.uid
    found.Modality = "CT"
    found.PositionReferenceIndicator = found.get("PositionReferenceIndicator")
    return found


def evidence(study: Study) -> list[Dataset]:
    """The files of the CT, for what refers to all of it."""
    return [blank(study, number) for number in range(len(study.files))]


def references(study: Study) -> list[Dataset]:
    """The files of the CT, as items of a sequence."""
    made = []
    for file in study.files:
        found = Dataset()
        found.ReferencedSOPClassUID = file.SOPClassUID
        found.ReferencedSOPInstanceUID = file.SOPInstanceUID
        made.append(found)
    return made


def references_by_series(study: Study) -> list[Dataset]:
    """The files of the CT, series by series, as items of a sequence (DICOM PS3.3 C.12.2)."""
    made: dict[str, Dataset] = {}
    for file, reference in zip(study.files, references(study), strict=True):
        series = made.setdefault(str(file.SeriesInstanceUID), Dataset())
        series.SeriesInstanceUID = file.SeriesInstanceUID
        series.setdefault("ReferencedInstanceSequence", []).value.append(reference)
    return list(made.values())


def coded(code: Any) -> Dataset:
    """A code as an item of a sequence.

    Args:
        code: of pydicom's dictionary.
    """
    found = Dataset()
    found.CodeValue, found.CodingSchemeDesignator = code.value, code.scheme_designator
    found.CodeMeaning = code.meaning
    return found


def comment(*told: str) -> str:
    """ImageComments and titles: the notice first, then what an object shows, in letters of ASCII."""
    return plain(". ".join((NOTICE.rstrip("."), *(each.rstrip(".") for each in told if each))) + ".")


def plain(text: str, most: int = 1000) -> str:
    """Text that every character set of DICOM has, whatever the patient's name is written in."""
    told = text.replace("°", " deg").replace("·", "-").replace("−", "-").replace("–", "-").replace("\\", "/")
    told = told.replace("²", "2").replace("µ", "u")
    return " ".join(told.encode("ascii", "replace").decode("ascii").split())[:most]


def _bytes(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    try:
        with quiet_dicom():
            pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    # pydicom raises of many kinds on elements that no file can hold; what they say may name the patient.
    except Exception as error:
        raise OutputError(
            "The patient data of this CT's header cannot be written again",
            "Write without patient data",
        ) from error
    return stream.getvalue()


def _moment(created: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(created)
    except ValueError:
        return NO_DATE


def _head(file: Path) -> Dataset:
    try:
        with quiet_dicom():
            head = pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(_TAGS))
            for element in head:
                str(element.value)  # damage shows here and not where it is used
            return head
    except OSError as error:
        raise ReadingError(
            f"A header of this CT cannot be read ({error.strerror or error})", "Check the files and try again"
        ) from error
    # pydicom raises of many kinds on damaged elements; what they say may hold the patient's name.
    except Exception as error:
        raise ReadingError(
            "The patient data in a header of this CT are damaged",
            "Write without patient data",
        ) from error


def _slices(file: Path) -> Sequence[Slice]:
    try:
        header = read_header(file)
    except (BadSliceError, OSError) as error:
        raise ReadingError("A header of this CT cannot be read", _AGAIN) from error
    return () if header is None else header.slices


def _check_one(heads: Sequence[Dataset]) -> None:
    """Whether all files are of one patient, one study and one frame of reference, and can be referred to."""
    for keywords, what in (
        (WHOSE, "the patient"),
        (("StudyInstanceUID",), "the study"),
        (("FrameOfReferenceUID",), "the frame of reference"),
    ):
        if len({tuple(str(head.get(key) or "") for key in keywords) for head in heads}) != 1:
            raise ReadingError(f"The files of this CT do not agree on {what}", "Write without patient data")
    needed = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")
    missing = [key for key in needed if not all(_UID.fullmatch(str(head.get(key) or "")) for head in heads)]
    if missing:
        raise ReadingError(f"A file of this CT has no proper {missing[0]}", _AGAIN)
    if len({str(head.SOPInstanceUID) for head in heads}) != len(heads):
        raise ReadingError("Files of this CT share a SOPInstanceUID, so none can be referred to", _AGAIN)


def _elements(head: Dataset) -> Dataset:
    found = Dataset()
    for keyword in ("SpecificCharacterSet", "StudyInstanceUID", *EMPTY_IF_MISSING, *IF_THERE):
        if keyword in head:
            found[keyword] = head[keyword]
        elif keyword in EMPTY_IF_MISSING:
            setattr(found, keyword, None)
    return found


def _identifiers(head: Dataset) -> Dataset:
    found = Dataset()
    for keyword in (
        *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"),
        *("FrameOfReferenceUID", "PositionReferenceIndicator", "NumberOfFrames"),
    ):
        if keyword in head:
            found[keyword] = head[keyword]
    return found


def _in_order(places: Sequence[tuple[int, Slice]], volume: Volume) -> tuple[Picture, ...]:
    """The pictures that the slices of a volume were made of.

    Raises:
        ReadingError: there is none for a slice, or it lies or is turned otherwise than the voxels.
    """
    grid = volume.geometry
    found: list[Picture | None] = [None] * grid.shape[0]
    most = max(SAME_PLACE, min(ROUNDED_MM / grid.spacing[2], NEAREST))
    for file, piece in places:
        z, y, x = grid.to_index(piece.position)
        nearest = round(float(z))
        # A picture beside the middle of a series that slides is less than a pixel off; see dicom_geometry.
        if not (0 <= nearest < len(found) and abs(z - nearest) <= most and max(abs(y), abs(x)) < 1):
            continue
        if (piece.rows, piece.columns) != grid.shape[1:] or not _same_axes(piece, volume):
            continue
        if found[nearest] is None:
            found[nearest] = Picture(file, piece.frame + 1, piece)
    kept = tuple(each for each in found if each is not None)
    if len(kept) != len(found):
        raise ReadingError(
            f"{len(found) - len(kept)} slices of this CT have no picture of their own in its files", _AGAIN
        )
    return kept


def _same_axes(piece: Slice, volume: Volume) -> bool:
    direction, spacing = volume.geometry.direction, volume.geometry.spacing
    turned: Any = np.abs(np.column_stack([piece.across, piece.down]) - direction[:, :2]).max()
    return bool(turned < 5e-3 and np.allclose(piece.spacing, spacing[:2], rtol=1e-3))
