"""What a plan says of the anatomy and of the planning, all together.

The records themselves are in :mod:`spinect_core.plan.anatomy_records`, :mod:`spinect_core.plan.search_records` and
:mod:`spinect_core.plan.needle_records`; all can be imported from here. The format is described in docs/plan-format.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, ClassVar

from spinect_core.plan.anatomy_records import (
    BorderRecord,
    CourseRecord,
    LandmarkRecord,
    LevelRecord,
    ZoneRecord,
    zone_key,
)
from spinect_core.plan.fields import Record, Stored, many, maybe, record
from spinect_core.plan.needle_records import (
    ClearanceRecord,
    MarginRecord,
    NeedleRecord,
    RiskRecord,
    SafetyRecord,
    StructureRecord,
    ToleranceRecord,
)
from spinect_core.plan.search_records import (
    AxialRecord,
    ChoiceRecord,
    CloserRecord,
    SearchRecord,
    TermRecord,
    WindowRecord,
)

__all__ = [
    "AxialRecord",
    "BorderRecord",
    "ChoiceRecord",
    "ClearanceRecord",
    "CloserRecord",
    "CourseRecord",
    "LandmarkRecord",
    "LevelRecord",
    "MarginRecord",
    "NeedleRecord",
    "Planning",
    "RiskRecord",
    "SafetyRecord",
    "SearchRecord",
    "StructureRecord",
    "TermRecord",
    "ToleranceRecord",
    "WindowRecord",
    "ZoneRecord",
    "zone_key",
]


@dataclass(frozen=True)
class Planning(Record):
    """All that the planning found or the user set, beside the triangles. Empty parts were not looked for.

    Attributes:
        level: what is planned; None if it was not looked for.
        landmarks: places of the anatomy.
        courses: roots and sac.
        zones: the triangles' borders in space.
        windows: what is open of them in a view.
        searches: the best views.
        needles: ways in.
    """

    title: ClassVar[str] = "planning"
    level: Annotated[LevelRecord | None, Stored("level", maybe(record(LevelRecord)))] = None
    landmarks: Annotated[tuple[LandmarkRecord, ...], Stored("landmarks", many(record(LandmarkRecord)))] = ()
    courses: Annotated[tuple[CourseRecord, ...], Stored("courses", many(record(CourseRecord)))] = ()
    zones: Annotated[tuple[ZoneRecord, ...], Stored("zones", many(record(ZoneRecord)))] = ()
    windows: Annotated[tuple[WindowRecord, ...], Stored("windows", many(record(WindowRecord)))] = ()
    searches: Annotated[tuple[SearchRecord, ...], Stored("searches", many(record(SearchRecord)))] = ()
    needles: Annotated[tuple[NeedleRecord, ...], Stored("needles", many(record(NeedleRecord)))] = ()

    def zone(self, key: str) -> ZoneRecord | None:
        """The zone of this key."""
        return next((zone for zone in self.zones if zone.key == key), None)

    @property
    def by_hand(self) -> bool:
        """Whether the user has put work into it that another run would not bring back."""
        return (
            (self.level is not None and self.level.shift != 0)
            or any(landmark.moved for landmark in self.landmarks)
            or any(window.author == "user" for window in self.windows)
            or any(needle.needle.author == "user" for needle in self.needles)
        )

    def examine(self) -> None:
        """Names are unique, and windows and searches are those of zones that are there."""
        for what, names in (
            ("landmark", [each.name for each in self.landmarks]),
            ("course", [each.name for each in self.courses]),
            ("zone", [each.key for each in self.zones]),
        ):
            twice = [each for each, count in Counter(names).items() if count > 1]
            if twice:
                raise ValueError(f"there are two of the {what} {twice[0]!r}")
        keys = {zone.key for zone in self.zones}
        referring = [("window", each.zone) for each in self.windows]
        referring += [("search", each.zone) for each in self.searches]
        for what, key in referring:
            if key not in keys:
                raise ValueError(f"a {what} belongs to the zone {key!r}, which is not there")
