"""How a patient lies on the table, and the directions of the room that follow.

The room's frame is that of IEC 61217 (its *fixed* system): for somebody who stands at the foot of the table and faces
the gantry, x points to the right, y into the gantry and z up.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from spinect_core.base.arrays import FloatArray


class PatientPosition(StrEnum):
    """As DICOM names it (Patient Position, 0018,5100): which end enters the gantry first, and which side is up."""

    HEAD_FIRST_PRONE = "HFP"
    HEAD_FIRST_SUPINE = "HFS"
    HEAD_FIRST_RIGHT_DOWN = "HFDR"
    HEAD_FIRST_LEFT_DOWN = "HFDL"
    FEET_FIRST_PRONE = "FFP"
    FEET_FIRST_SUPINE = "FFS"
    FEET_FIRST_RIGHT_DOWN = "FFDR"
    FEET_FIRST_LEFT_DOWN = "FFDL"

    @property
    def head_first(self) -> bool:
        """Whether the head enters the gantry first."""
        return self.startswith("HF")

    @property
    def words(self) -> str:
        """For example ``prone, head first``."""
        return f"{_LYING[self[2:]]}, {'head' if self.head_first else 'feet'} first"

    @property
    def axes(self) -> FloatArray:
        """Matrix (3, 3) that turns LPS vectors into vectors of the room; a rotation."""
        head = np.array([0.0, 1.0 if self.head_first else -1.0, 0.0])
        up = np.array([0.0, 0.0, 1.0])
        if self.endswith(("S", "P")):
            back = up if self.endswith("P") else -up
            left = np.cross(back, head)
        else:
            left = up if self.endswith("DR") else -up
            back = np.cross(head, left)
        return np.column_stack([left, back, head])


_LYING = {
    "P": "prone",
    "S": "supine",
    "DR": "lying on the right side",
    "DL": "lying on the left side",
}


def position_of(code: object) -> PatientPosition | None:
    """The position that a header names; None for none, or one that no CT table allows."""
    try:
        return PatientPosition(str(code).strip().upper())
    except ValueError:
        return None
