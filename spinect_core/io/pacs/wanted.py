"""What somebody asks an archive for."""

from __future__ import annotations

import datetime
import re
import unicodedata
from dataclasses import dataclass

from spinect_core.base.errors import UsageError

_UID = re.compile(r"(?=.{1,64}$)\d+(\.\d+)+", re.ASCII)


@dataclass(frozen=True)
class Query:
    """Whose studies are wanted. A field that is empty is not asked for.

    Attributes:
        patient_id: the patient's identifier, as a whole.
        name: the beginning of the family name, or of FAMILY, GIVEN; * stands for anything.
        since: first day of the study.
        until: last day of the study.
        modality: that the study has.
        study: StudyInstanceUID.
    """

    patient_id: str = ""
    name: str = ""
    since: datetime.date | None = None
    until: datetime.date | None = None
    modality: str = "CT"
    study: str = ""

    def filters(self) -> dict[str, str]:
        """What an archive is asked, by keyword.

        Raises:
            UsageError: nothing says whose, so that it would be all of the archive; or a value cannot be asked for.
        """
        if self.study:
            check_uid(self.study)
        if self.since and self.until and self.since > self.until:
            raise UsageError("The last day lies before the first", "Correct the days", parameter="until")
        for value in (self.patient_id, self.name, self.modality):
            if "\\" in value or any(unicodedata.category(each) == "Cc" for each in value) or len(value) > 64:
                raise UsageError(
                    "A backslash, a control character or more than 64 letters cannot be searched for",
                    "Correct what is searched for",
                )
        if set(self.patient_id) & set("*?"):
            raise UsageError(
                "In an identifier, * and ? stand for anything, so that others' studies would be found",
                "Enter the whole identifier, or search by name or day",
            )
        found = {
            "PatientID": self.patient_id.strip(),
            "PatientName": _pattern(self.name),
            "StudyDate": _days(self.since, self.until),
            "StudyInstanceUID": self.study,
        }
        found = {key: value for key, value in found.items() if value}
        if not found.keys() - {"PatientName"} and not set(found.get("PatientName", "")) - set("*? "):
            raise UsageError(
                "Nothing says whose study is wanted", "Enter an identifier, a name or a day of the study"
            )
        if self.modality:
            found["ModalitiesInStudy"] = self.modality.strip().upper()
        return found


def _pattern(name: str) -> str:
    """FAMILY, GIVEN as what begins like it; * in between too, as not every archive understands ^ in an address."""
    text = "*".join(part.strip() for part in name.replace("^", ",").split(","))
    return f"{text.strip('*')}*" if text.strip("*") and not text.startswith("*") else text


def _days(since: datetime.date | None, until: datetime.date | None) -> str:
    if since is None and until is None:
        return ""
    first, last = (f"{day:%Y%m%d}" if day else "" for day in (since, until))
    return first if first == last else f"{first}-{last}"


def is_uid(uid: str) -> bool:
    """Whether this can be an identifier of DICOM."""
    return _UID.fullmatch(uid) is not None


def check_uid(uid: str) -> None:
    """Refuse what no identifier of DICOM can be.

    Raises:
        UsageError: it is none.
    """
    if not is_uid(uid):
        raise UsageError(
            "This is no identifier (UID) of a study or series", "Use one that a search of the archive gave"
        )
