"""Whose CT it is: the only place of the program where a patient has a name, and only where somebody asked for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patient:
    """What the header of a CT says of the patient; empty where it does not.

    Attributes:
        name: family name first.
        identifier: of the patient in the hospital.
        birth: date of birth, YYYY-MM-DD.
        sex: as written.
        study: date of the study, YYYY-MM-DD.
    """

    name: str = ""
    identifier: str = ""
    birth: str = ""
    sex: str = ""
    study: str = ""

    @property
    def line(self) -> str:
        """All that is known, on one line."""
        told = (
            ("", self.name),
            ("ID ", self.identifier),
            ("born ", self.birth),
            ("sex ", self.sex),
            ("CT of ", self.study),
        )
        return " · ".join(f"{before}{text}" for before, text in told if text)
