"""What a plan says of its needles: the needle itself and the summary of its safety.

The needle is :class:`~spinect_core.planning.needle.needle.Needle`. Points are LPS mm, depths count from the skin entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from spinect_core.plan.fields import (
    Point,
    Record,
    Stored,
    choice,
    flag,
    many,
    maybe,
    name,
    number,
    point,
    record,
    text,
    whole,
)
from spinect_core.planning.needle.needle import Needle

AUTHORS = ("user", "automatic")
TISSUES = ("bone", "nerve")
PART = number(0, 1)
NOT_NEGATIVE = number(0)
DISTANCE = number(-1000, 1000)


def _needle(value: Any) -> Needle:
    if isinstance(value, Needle):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("it is no needle")
    for key in ("entry_lps_mm", "target_lps_mm"):
        if key in value:
            point(value[key])
    return Needle.from_dict(value)


@dataclass(frozen=True)
class ClearanceRecord(Record):
    """Where a needle comes nearest to a tissue.

    Attributes:
        mm: from the needle's surface to the tissue's; negative inside it.
        point: LPS mm on the needle's axis where that is.
        depth_mm: of that point below the skin.
    """

    title: ClassVar[str] = "clearance"
    mm: Annotated[float, Stored("mm", DISTANCE)]
    point: Annotated[Point, Stored("point_lps_mm", point)]
    depth_mm: Annotated[float, Stored("depth_mm", DISTANCE)]


@dataclass(frozen=True)
class MarginRecord(Record):
    """How far a needle may err in the direction in which it may err least.

    Attributes:
        amount: degrees or mm that are free.
        at_least: nothing was met as far as was looked, so that more may be free.
        tissue: "bone" or "nerve", what is met first.
        towards: that direction in words; empty where nothing was met.
    """

    title: ClassVar[str] = "margin"
    amount: Annotated[float, Stored("amount", number(0, 1000))]
    at_least: Annotated[bool, Stored("at_least", flag)] = False
    tissue: Annotated[str, Stored("tissue", choice("", *TISSUES))] = ""
    towards: Annotated[str, Stored("direction", text)] = ""


MARGIN = maybe(record(MarginRecord))


@dataclass(frozen=True)
class ToleranceRecord(Record):
    """How far hand or breathing may err before the needle touches bone or nerve; None where it was not measured.

    Attributes:
        angle: degrees about the entry, to whichever of the two comes first.
        angle_to_bone: degrees to bone.
        angle_to_nerve: degrees to nerve.
        shift: mm of a parallel shift, to whichever comes first.
        shift_to_bone: mm to bone.
        shift_to_nerve: mm to nerve.
    """

    title: ClassVar[str] = "tolerance"
    angle: Annotated[MarginRecord | None, Stored("angle_deg", MARGIN)] = None
    angle_to_bone: Annotated[MarginRecord | None, Stored("angle_to_bone_deg", MARGIN)] = None
    angle_to_nerve: Annotated[MarginRecord | None, Stored("angle_to_nerve_deg", MARGIN)] = None
    shift: Annotated[MarginRecord | None, Stored("shift_mm", MARGIN)] = None
    shift_to_bone: Annotated[MarginRecord | None, Stored("shift_to_bone_mm", MARGIN)] = None
    shift_to_nerve: Annotated[MarginRecord | None, Stored("shift_to_nerve_mm", MARGIN)] = None


@dataclass(frozen=True)
class RiskRecord(Record):
    """What needles meet whose angle errs by chance.

    Attributes:
        method: how the needle is guided, such as "free hand".
        mean_deg: of the error before it is cut off at 0.
        spread_deg: its standard deviation.
        needles: how many were drawn.
        nerve: part of them that meets nerve, 0 to 1.
        bone: part that meets bone.
        either: part that meets one of them.
        standard_error: of ``either``.
        nerve_on_the_way: part that meets nerve before the last 3 mm; None if it was not told apart.
        miss_mean_mm: mean distance of the tip from the target.
        miss_95_mm: 95 of 100 tips lie nearer.
    """

    title: ClassVar[str] = "risk"
    method: Annotated[str, Stored("method", name)]
    mean_deg: Annotated[float, Stored("error_mean_deg", number(0, 90))]
    spread_deg: Annotated[float, Stored("error_sd_deg", number(0, 90))]
    needles: Annotated[int, Stored("needles", whole(1, 1_000_000_000))]
    nerve: Annotated[float, Stored("nerve", PART)]
    bone: Annotated[float, Stored("bone", PART)]
    either: Annotated[float, Stored("either", PART)]
    standard_error: Annotated[float, Stored("standard_error", PART)] = 0.0
    nerve_on_the_way: Annotated[float | None, Stored("nerve_on_the_way", maybe(PART))] = None
    miss_mean_mm: Annotated[float, Stored("miss_mean_mm", NOT_NEGATIVE)] = 0.0
    miss_95_mm: Annotated[float, Stored("miss_95_mm", NOT_NEGATIVE)] = 0.0

    def examine(self) -> None:
        """Either is at least each and at most both together."""
        if not max(self.nerve, self.bone) - 1e-9 <= self.either <= self.nerve + self.bone + 1e-9:
            raise ValueError("the parts that meet nerve, bone and either do not go together")


@dataclass(frozen=True)
class StructureRecord(Record):
    """A structure on a needle's way.

    Attributes:
        name: such as "exiting L5 root".
        tissue: "bone" or "nerve".
        relation: "crossed" by the needle, "near" it, or "beyond" its tip.
        depth_mm: where the needle's axis meets it, or the needle comes nearest.
        until_mm: depth at which the axis leaves it; None for a structure that is only near.
        gap_mm: from the needle's surface, negative where it touches; 0 where the axis goes through.
    """

    title: ClassVar[str] = "structure on the way"
    name: Annotated[str, Stored("name", name)]
    tissue: Annotated[str, Stored("tissue", choice(*TISSUES))]
    relation: Annotated[str, Stored("relation", choice("crossed", "near", "beyond"))]
    depth_mm: Annotated[float, Stored("depth_mm", DISTANCE)]
    until_mm: Annotated[float | None, Stored("until_mm", maybe(DISTANCE))] = None
    gap_mm: Annotated[float, Stored("gap_mm", DISTANCE)] = 0.0


CLEARANCE = maybe(record(ClearanceRecord))


@dataclass(frozen=True)
class SafetyRecord(Record):
    """How safe a needle is; a part is None where it was not measured, or where there is no such tissue.

    Attributes:
        nerve: the smallest distance to nerve along the way, up to 3 mm before the target.
        bone: the smallest distance to bone along the whole way.
        nerve_at_target: the smallest distance to nerve of the last 3 mm, where it is the aim of the injection.
        tip_to_nerve_mm: from the tip's surface to nerve.
        tolerance: how far the needle may err.
        risks: for one or more ways of guiding the needle.
        structures: what the needle passes, in order from the skin.
    """

    title: ClassVar[str] = "safety"
    nerve: Annotated[ClearanceRecord | None, Stored("clearance_nerve", CLEARANCE)] = None
    bone: Annotated[ClearanceRecord | None, Stored("clearance_bone", CLEARANCE)] = None
    nerve_at_target: Annotated[ClearanceRecord | None, Stored("clearance_nerve_last_3_mm", CLEARANCE)] = None
    tip_to_nerve_mm: Annotated[float | None, Stored("tip_to_nerve_mm", maybe(DISTANCE))] = None
    tolerance: Annotated[ToleranceRecord | None, Stored("tolerance", maybe(record(ToleranceRecord)))] = None
    risks: Annotated[tuple[RiskRecord, ...], Stored("risks", many(record(RiskRecord)))] = ()
    structures: Annotated[
        tuple[StructureRecord, ...], Stored("structures", many(record(StructureRecord)))
    ] = ()

    def examine(self) -> None:
        """Structures come in the order in which the needle meets them."""
        depths = [each.depth_mm for each in self.structures]
        if depths != sorted(depths):
            raise ValueError("the structures are not in the order of the way")


@dataclass(frozen=True)
class NeedleRecord(Record):
    """A needle of a plan.

    Attributes:
        needle: entry, target and the needle chosen.
        safety: what was measured along it; None if nothing was.
    """

    title: ClassVar[str] = "needle"
    needle: Annotated[Needle, Stored("needle", _needle)]
    safety: Annotated[SafetyRecord | None, Stored("safety", maybe(record(SafetyRecord)))] = None
