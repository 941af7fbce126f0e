"""The patient of a CT, from the headers of its files, for who asks for a name."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pydicom

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, check
from spinect_core.image.patient import Patient
from spinect_core.io.reading.quiet import quiet_dicom
from spinect_core.io.reading.series import Series

TAGS = [
    "SpecificCharacterSet",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
]
LONGEST = 120
"""Letters of a field: DICOM allows 64 in each component of a name."""
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
NOBODY = "Report without patient data, or choose the CT as DICOM"


def read_patient(series: Series, *, cancel: Cancel | None = None) -> Patient:
    """The patient whom all files of a series name.

    Args:
        series: from :func:`~spinect_core.io.reading.list_series`.
        cancel: looked at between files.

    Raises:
        ReadingError: the files are no DICOM, name nobody, cannot be read, or do not agree.
        Cancelled: the user stopped it.
    """
    found: set[Patient] = set()
    for file in series.files:
        check(cancel)
        found.add(_patient_of(file))
        if len(found) > 1:
            raise ReadingError(
                "The files of this CT do not agree on the patient", "Report without patient data"
            )
    patient = next(iter(found), Patient())
    if not (patient.name or patient.identifier):
        raise ReadingError("This CT names no patient", NOBODY)
    return patient


def _patient_of(file: Path) -> Patient:
    try:
        with quiet_dicom():
            header: Any = pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=TAGS)
            return Patient(
                _name(header.get("PatientName")),
                _field(header.get("PatientID")),
                _date(header.get("PatientBirthDate")),
                _field(header.get("PatientSex")),
                _date(header.get("StudyDate")),
            )
    except OSError as error:
        raise ReadingError(
            f"A header of this CT cannot be read ({error.strerror or error})", "Check the files and try again"
        ) from error
    # pydicom raises of many kinds on damaged elements; what they say may hold the patient's name.
    except Exception as error:
        raise ReadingError(
            "The patient data in a header of this CT are damaged",
            "Report without patient data",
        ) from error


def _name(value: Any) -> str:
    """Family name, given name; in letters of the Latin alphabet where the file has both kinds."""
    if value is None or not str(value):
        return ""
    group = value.alphabetic or value.ideographic or str(value)
    parts = [_field(part) for part in str(group).split("^")]
    return ", ".join(part for part in (parts[0], " ".join(filter(None, parts[1:3]))) if part)


def _field(value: Any) -> str:
    text = "" if value is None else str(value)
    kept = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in text)
    return " ".join(kept.split())[:LONGEST]


def _date(value: Any) -> str:
    text = _field(value)
    match = _DATE.fullmatch(text)
    return "-".join(match.groups()) if match else text
