"""What a reader of a result has to know, as data: :mod:`spinect_core.plan.wording` alone turns it into sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from spinect_core.base.words import Side


class NoteCode(StrEnum):
    """What a note says; its values are named in the sentence that wording makes of it."""

    # of the level
    BONE_UNUSUAL = "bone-unusual"
    LEVEL_UNSURE = "level-unsure"
    LEVEL_CUT = "level-cut"
    LEVEL_CUES = "level-cues"
    LEVEL_UNSEEN = "level-unseen"
    LANDMARKS_UNSURE = "landmarks-unsure"
    TRANSITIONAL = "transitional"
    NERVE_VOLUME = "nerve-volume"
    ROOT_SHORT = "root-short"
    ROOT_GAP = "root-gap"
    ROOT_CUT = "root-cut"
    SAC_MISSING = "sac-missing"
    IMPLAUSIBLE = "implausible"
    # of its labels
    OUTSIDE_OF_BODY = "outside-of-body"
    # of its triangles
    NO_TRIANGLE = "no-triangle"
    NO_ZONE = "no-zone"
    NOT_PLANNED = "not-planned"
    # of a search
    NO_SKIN = "no-skin"
    SKIN_UNKNOWN = "skin-unknown"
    NO_VIEW = "no-view"
    ENDS_BEFORE_SKIN = "ends-before-skin"
    WAY_UNKNOWN = "way-unknown"
    WAY_KNOWN = "way-known"
    AT_THE_EDGE = "at-the-edge"
    # of the job
    REGION_SUPPOSED = "region-supposed"
    NOT_LABELLED = "not-labelled"
    NOT_SEARCHED = "not-searched"
    ORGANS_NOT_FOUND = "organs-not-found"
    NO_PICTURES = "no-pictures"
    LEFT_OUT = "left-out"


@dataclass(frozen=True)
class Note:
    """One thing that there is to know.

    Attributes:
        code: what it is.
        side: of the patient that it is about; None for both or neither.
        values: numbers and names that belong to it.
    """

    code: NoteCode
    side: Side | None = None
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, code: NoteCode, side: Side | None = None, **values: Any) -> Note:
        """A note with its values by name."""
        return cls(code, side, values)
