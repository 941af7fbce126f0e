"""What a plan says of the anatomy: the level, landmarks, courses of nerves, and the borders of the triangles.

Plain values that are stored and shown; the classes that compute them live in :mod:`spinect_core.anatomy` and
:mod:`spinect_core.planning`. Points are LPS mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from spinect_core.geometry.triangle import KINDS, SIDES
from spinect_core.plan.fields import (
    Point,
    Record,
    Stored,
    choice,
    flag,
    many,
    name,
    number,
    point,
    points,
    record,
    text,
    whole,
)
from spinect_core.planning.needle.needle import VERSIONS

if TYPE_CHECKING:
    from spinect_core.geometry.zone import Zone

BORDER_ROLES = ("base", "height", "hypotenuse")
PART = number(0, 1)
NOT_NEGATIVE = number(0)
MOST_LEVELS = 5


def zone_key(kind: str, version: str, side: str, level: str) -> str:
    """The name by which windows and searches refer to a zone, such as "L5/S1 left kambin bony"."""
    return " ".join(word for word in (level, side, kind, version) if word)


@dataclass(frozen=True)
class LevelRecord(Record):
    """The level that is planned.

    Attributes:
        name: such as "L5/S1", after the user's shift.
        shift: by how many levels the user has moved the program's count towards the head (positive) or the feet.
        confidence: 0 to 1.
        doubts: sentences on why it may be another level.
    """

    title: ClassVar[str] = "level"
    name: Annotated[str, Stored("name", name)]
    shift: Annotated[int, Stored("shift_by_user", whole(-MOST_LEVELS, MOST_LEVELS))] = 0
    confidence: Annotated[float, Stored("confidence", PART)] = 1.0
    doubts: Annotated[tuple[str, ...], Stored("doubts", many(text))] = ()


@dataclass(frozen=True)
class LandmarkRecord(Record):
    """A place of the anatomy.

    Attributes:
        name: such as "L5 pedicle lower margin left"; unique in a plan.
        point: LPS mm.
        confidence: 0 to 1.
        moved: whether the user put it there.
    """

    title: ClassVar[str] = "landmark"
    name: Annotated[str, Stored("name", name)]
    point: Annotated[Point, Stored("point_lps_mm", point)]
    confidence: Annotated[float, Stored("confidence", PART)] = 1.0
    moved: Annotated[bool, Stored("moved_by_user", flag)] = False


@dataclass(frozen=True)
class CourseRecord(Record):
    """The centreline of a root or of the sac.

    Attributes:
        name: such as "L5 left"; unique in a plan.
        points: LPS mm (n, 3), from the sac outwards.
        radii: mm (n).
        found: (n) whether labelled nerve lies there.
    """

    title: ClassVar[str] = "course"
    name: Annotated[str, Stored("name", name)]
    points: Annotated[tuple[Point, ...], Stored("points_lps_mm", points(2))]
    radii: Annotated[tuple[float, ...], Stored("radii_mm", many(NOT_NEGATIVE))]
    found: Annotated[tuple[bool, ...], Stored("found", many(flag))]

    def examine(self) -> None:
        """As many radii and findings as points."""
        if not len(self.points) == len(self.radii) == len(self.found):
            raise ValueError(
                f"{len(self.points)} points, {len(self.radii)} radii and {len(self.found)} findings do not belong "
                "together"
            )


@dataclass(frozen=True)
class BorderRecord(Record):
    """One anatomical side of a zone; see :class:`spinect_core.geometry.zone.Border`.

    Attributes:
        name: of the anatomical line.
        role: "base", "height" or "hypotenuse".
        points: LPS mm (n, 3) along it.
        confidence: 0 to 1.
    """

    title: ClassVar[str] = "border"
    name: Annotated[str, Stored("name", name)]
    role: Annotated[str, Stored("role", choice(*BORDER_ROLES))]
    points: Annotated[tuple[Point, ...], Stored("points_lps_mm", points(2))]
    confidence: Annotated[float, Stored("confidence", PART)] = 1.0


@dataclass(frozen=True)
class ZoneRecord(Record):
    """The borders of one triangle in space; see :class:`spinect_core.geometry.zone.Zone`.

    Attributes:
        kind: "kambin" or "safe".
        version: "bony" or "neural", "" for the safe triangle.
        side: the patient's "left" or "right".
        level: such as "L5/S1".
        borders: in order round the outline.
        confidence: 0 to 1.
    """

    title: ClassVar[str] = "zone"
    kind: Annotated[str, Stored("kind", choice(*KINDS))]
    version: Annotated[str, Stored("version", choice(*VERSIONS))]
    side: Annotated[str, Stored("side", choice(*SIDES))]
    level: Annotated[str, Stored("level", name)]
    borders: Annotated[tuple[BorderRecord, ...], Stored("borders", many(record(BorderRecord), 1))]
    confidence: Annotated[float, Stored("confidence", PART)] = 1.0

    @classmethod
    def of(cls, zone: Zone) -> ZoneRecord:
        """The record of a zone."""
        borders = tuple(
            BorderRecord(each.name, each.role, each.points, each.confidence)  # type: ignore[arg-type]
            for each in zone.borders
        )
        return cls(zone.kind, zone.version, zone.side, zone.level, borders, zone.confidence)

    @property
    def key(self) -> str:
        """The name windows and searches refer to."""
        return zone_key(self.kind, self.version, self.side, self.level)

    def zone(self) -> Zone:
        """The zone itself, to compute with.

        Raises:
            MeasurementError: the borders enclose nothing.
        """
        import numpy as np

        from spinect_core.geometry.zone import Border, Zone

        borders = tuple(
            Border(each.name, each.role, np.array(each.points), each.confidence) for each in self.borders
        )
        return Zone(self.kind, self.version, self.side, self.level, borders, self.confidence)
