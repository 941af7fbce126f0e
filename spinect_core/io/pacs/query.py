"""Whose studies an archive has, and of which series they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from spinect_core.base.errors import ArchiveError
from spinect_core.base.progress import Cancel
from spinect_core.io.pacs import dimse, web
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.level import Level, Way
from spinect_core.io.pacs.line import Line, apart
from spinect_core.io.pacs.wanted import Query, check_uid, is_uid
from spinect_core.io.pacs.ways import NO_DIMSE, NO_WEB, Done, first_that_works
from spinect_core.io.reading.quiet import quiet_dicom

MOST_STUDIES, MOST_SERIES, MOST_PICTURES = 300, 500, 20_000
LONGEST = 120
_STUDY = (
    *("StudyInstanceUID", "PatientName", "PatientID", "PatientBirthDate", "StudyDate", "StudyTime"),
    *("StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
)
_SERIES = (
    *("SeriesInstanceUID", "SeriesNumber", "Modality", "SeriesDescription", "BodyPartExamined"),
    "NumberOfSeriesRelatedInstances",
)


@dataclass(frozen=True)
class StudyFound:
    """A study in an archive, as it describes it. Texts are plain and short; they name the patient.

    Attributes:
        uid: StudyInstanceUID.
        name: of the patient.
        patient_id: of the patient.
        born: day, as the archive writes it with hyphens.
        date: of the study.
        time: of the study, hours and minutes.
        description: of the study.
        modalities: that it has.
        series: how many, None if the archive does not say.
        pictures: how many, None if the archive does not say.
    """

    uid: str
    name: str
    patient_id: str
    born: str
    date: str
    time: str
    description: str
    modalities: tuple[str, ...]
    series: int | None
    pictures: int | None


@dataclass(frozen=True)
class SeriesFound:
    """A series in an archive, as it describes it.

    Attributes:
        study: StudyInstanceUID.
        uid: SeriesInstanceUID.
        number: as the archive writes it.
        modality: of the series.
        description: of the series.
        part: of the body.
        pictures: how many, None if the archive does not say.
    """

    study: str
    uid: str
    number: str
    modality: str
    description: str
    part: str
    pictures: int | None

    @property
    def is_ct(self) -> bool:
        """Whether it can be planned on."""
        return self.modality == "CT"


@dataclass(frozen=True)
class Picture:
    """An object in an archive.

    Attributes:
        uid: SOPInstanceUID.
        kind: SOPClassUID, empty if the archive does not say.
    """

    uid: str
    kind: str


@dataclass(frozen=True)
class Found:
    """Studies.

    Attributes:
        studies: the latest first.
        cut: whether the archive has more of them.
    """

    studies: tuple[StudyFound, ...]
    cut: bool


def find_studies(access: Access, query: Query, *, cancel: Cancel | None = None) -> Done[Found]:
    """Studies in an archive.

    Raises:
        UsageError: nothing says whose, so that it would be all of the archive.
        ArchiveError: it cannot be reached, refuses, or does not answer.
        Cancelled: the user stopped it.
    """
    filters = query.filters()

    def work(line: Line) -> Done[Found]:
        done = search(access, Level.STUDY, filters, _STUDY, MOST_STUDIES, line)
        name = filters.get("PatientName", "")
        # Whether small and capital letters are the same is up to the archive.
        for spelled in dict.fromkeys(each for each in (name.upper(), name.title()) if each != name):
            if not done.result[0]:
                again = {**filters, "PatientName": spelled}
                done = search(access, Level.STUDY, again, _STUDY, MOST_STUDIES, line)
        answers, cut = done.result
        studies = [each for each in map(_study, answers) if each is not None]
        wanted = filters.get("ModalitiesInStudy")
        # Archives that do not know this filter leave it out.
        kept = [each for each in studies if not wanted or not each.modalities or wanted in each.modalities]
        kept.sort(key=lambda each: (each.date, each.time), reverse=True)
        return Done(Found(tuple(kept), cut), done.way, done.tried)

    return apart(work, cancel=cancel)


def find_series(access: Access, study: str, *, cancel: Cancel | None = None) -> Done[tuple[SeriesFound, ...]]:
    """Series of a study, CTs with most pictures first.

    Args:
        access: the archive.
        study: StudyInstanceUID.
        cancel: stops it.

    Raises:
        UsageError: it is no identifier.
        ArchiveError: the archive cannot be reached, refuses, or does not answer.
        Cancelled: the user stopped it.
    """
    check_uid(study)

    def work(line: Line) -> Done[tuple[SeriesFound, ...]]:
        found = search(access, Level.SERIES, {"StudyInstanceUID": study}, _SERIES, MOST_SERIES, line)
        series = [each for each in (_series(study, answer) for answer in found.result[0]) if each is not None]
        series.sort(key=lambda each: (not each.is_ct, -(each.pictures or 0)))
        return Done(tuple(series), found.way, found.tried)

    return apart(work, cancel=cancel)


def find_pictures(access: Access, study: str, series: str, line: Line) -> list[Picture]:
    """Objects of a series.

    Raises:
        ArchiveError: the archive cannot be reached, refuses, or does not answer; or has too many.
        Cancelled: nobody waits any more.
    """
    where = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
    fields = ("SOPInstanceUID", "SOPClassUID")
    answers, cut = search(access, Level.IMAGE, where, fields, MOST_PICTURES, line).result
    if cut:
        raise ArchiveError(
            f"The series has more than {MOST_PICTURES} pictures", "Choose another series", access.archive.name
        )
    with quiet_dicom():
        found = [Picture(_field(each, "SOPInstanceUID"), _field(each, "SOPClassUID")) for each in answers]
    return [each for each in found if each.uid]


Answers = tuple[list[Dataset], bool]


def search(
    access: Access, level: Level, filters: dict[str, str], fields: Sequence[str], most: int, line: Line
) -> Done[Answers]:
    """Ask an archive, by QIDO or by C-FIND.

    Raises:
        ArchiveError: it cannot be reached, refuses, or does not answer.
        Cancelled: nobody waits any more.
    """
    archive = access.archive
    return first_that_works(
        archive,
        [
            (
                Way.QIDO,
                "" if archive.web else NO_WEB,
                lambda: web.find(access, level, filters, fields, most, line),
            ),
            (
                Way.FIND,
                "" if archive.has_dimse else NO_DIMSE,
                lambda: dimse.find(archive, level, filters, fields, most, line),
            ),
        ],
    )


def _study(answer: Dataset) -> StudyFound | None:
    with quiet_dicom():
        uid = _field(answer, "StudyInstanceUID")
        if not is_uid(uid):
            return None
        return StudyFound(
            uid,
            _field(answer, "PatientName").replace("^", ", ", 1).replace("^", " ").strip(" ,"),
            _field(answer, "PatientID"),
            _day(answer, "PatientBirthDate"),
            _day(answer, "StudyDate"),
            _time(_field(answer, "StudyTime")),
            _field(answer, "StudyDescription"),
            _several(answer, "ModalitiesInStudy"),
            _number(answer, "NumberOfStudyRelatedSeries"),
            _number(answer, "NumberOfStudyRelatedInstances"),
        )


def _series(study: str, answer: Dataset) -> SeriesFound | None:
    with quiet_dicom():
        uid = _field(answer, "SeriesInstanceUID")
        if not is_uid(uid):
            return None
        return SeriesFound(
            study,
            uid,
            _field(answer, "SeriesNumber"),
            _field(answer, "Modality").upper(),
            _field(answer, "SeriesDescription"),
            _field(answer, "BodyPartExamined"),
            _number(answer, "NumberOfSeriesRelatedInstances"),
        )


def _value(answer: Dataset, keyword: str) -> Any:
    try:
        return answer.get(keyword)
    except Exception:  # pydicom raises of many kinds on damaged elements
        return None


def _field(answer: Dataset, keyword: str) -> str:
    value = _value(answer, keyword)
    text = "" if value is None else str(value)
    kept = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in text)
    return " ".join(kept.split())[:LONGEST]


def _several(answer: Dataset, keyword: str) -> tuple[str, ...]:
    value = _value(answer, keyword)
    each = [value] if isinstance(value, str) else list(value or ())
    return tuple(sorted({str(one).strip().upper()[:16] for one in each} - {""}))


def _is_number(text: str) -> bool:
    """Whether it is digits only; ² and digits of other scripts are none in DICOM."""
    return text.isascii() and text.isdecimal()


def _day(answer: Dataset, keyword: str) -> str:
    text = _field(answer, keyword)
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and _is_number(text) else text


def _time(text: str) -> str:
    return f"{text[:2]}:{text[2:4]}" if len(text) >= 4 and _is_number(text[:4]) else text


def _number(answer: Dataset, keyword: str) -> int | None:
    text = _field(answer, keyword)
    return int(text) if _is_number(text) else None
