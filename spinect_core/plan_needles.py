"""What a plan says of its needles: the needle itself and the summary of its safety.

The needle is :class:`spinect_core.planning.needle.Needle`. Points are LPS mm, depths are counted from the skin entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from spinect_core.plan_fields import (
    Point,
    Record,
    Stored,
    choice,
    many,
    maybe,
    name,
    number,
    point,
    record,
    text,
    whole,
)
from spinect_core.planning.needle import Needle

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
class ToleranceRecord(Record):
    """How far hand or breathing may err before the needle touches a tissue.

    Attributes:
        degrees: the largest angle about the entry that is safe in every direction.
        towards: in words, the direction in which it is least; empty if it is the same all round.
        shift_mm: the largest parallel shift that is safe in every direction; None if it was not measured.
    """

    title: ClassVar[str] = "tolerance"
    degrees: Annotated[float, Stored("angle_deg", number(0, 180))]
    towards: Annotated[str, Stored("least_towards", text)] = ""
    shift_mm: Annotated[float | None, Stored("shift_mm", maybe(NOT_NEGATIVE))] = None


@dataclass(frozen=True)
class RiskRecord(Record):
    """What needles meet whose angle errs by chance.

    Attributes:
        method: how the needle is guided, such as "free hand".
        mean_deg: of the error before it is cut off at 0.
        spread_deg: its standard deviation.
        samples: needles drawn.
        nerve: part of them that meets nerve, 0 to 1.
        bone: part that meets bone.
        either: part that meets one of them.
        standard_error: of ``either``.
        miss_mean_mm: mean distance of the tip from the target.
        miss_95_mm: 95 of 100 tips lie nearer.
    """

    title: ClassVar[str] = "risk"
    method: Annotated[str, Stored("method", name)]
    mean_deg: Annotated[float, Stored("error_mean_deg", number(0, 90))]
    spread_deg: Annotated[float, Stored("error_sd_deg", number(0, 90))]
    samples: Annotated[int, Stored("samples", whole(1, 1_000_000_000))]
    nerve: Annotated[float, Stored("nerve", PART)]
    bone: Annotated[float, Stored("bone", PART)]
    either: Annotated[float, Stored("either", PART)]
    standard_error: Annotated[float, Stored("standard_error", PART)] = 0.0
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
        depth_mm: where the needle meets it or comes nearest.
        distance_mm: from the needle's surface; 0 where it is crossed.
    """

    title: ClassVar[str] = "structure on the way"
    name: Annotated[str, Stored("name", name)]
    tissue: Annotated[str, Stored("tissue", choice(*TISSUES))]
    relation: Annotated[str, Stored("relation", choice("crossed", "near", "beyond"))]
    depth_mm: Annotated[float, Stored("depth_mm", DISTANCE)]
    distance_mm: Annotated[float, Stored("distance_mm", NOT_NEGATIVE)] = 0.0


@dataclass(frozen=True)
class SafetyRecord(Record):
    """How safe a needle is; a part is None where it was not measured, or where there is no such tissue.

    Attributes:
        nerve: the smallest distance to nerve along the way.
        bone: the same to bone.
        tip_to_nerve_mm: from the tip to the nerve it shall reach.
        tolerance: of bone and nerve together.
        nerve_tolerance: of nerve alone.
        bone_tolerance: of bone alone.
        risks: for one or more ways of guiding the needle.
        structures: what the needle passes, in order from the skin.
    """

    title: ClassVar[str] = "safety"
    nerve: Annotated[ClearanceRecord | None, Stored("clearance_nerve", maybe(record(ClearanceRecord)))] = None
    bone: Annotated[ClearanceRecord | None, Stored("clearance_bone", maybe(record(ClearanceRecord)))] = None
    tip_to_nerve_mm: Annotated[float | None, Stored("tip_to_nerve_mm", maybe(DISTANCE))] = None
    tolerance: Annotated[ToleranceRecord | None, Stored("tolerance", maybe(record(ToleranceRecord)))] = None
    nerve_tolerance: Annotated[
        ToleranceRecord | None, Stored("tolerance_nerve", maybe(record(ToleranceRecord)))
    ] = None
    bone_tolerance: Annotated[
        ToleranceRecord | None, Stored("tolerance_bone", maybe(record(ToleranceRecord)))
    ] = None
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
