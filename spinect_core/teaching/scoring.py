"""What an attempt is worth: parts from 0 to 1 that are all shown, and points from 0 to 100.

points = 100 x gates x quality x (1 - :data:`ECONOMY` + :data:`ECONOMY` x economy), where gates is the product of the
parts of that role, and quality and economy are weighted means of theirs. So what must be right comes first, and being
quick on a bad needle is worth nothing. Every value is rounded to three digits before it counts, so that the same
attempt scores the same on every computer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import permutations
from typing import TypeVar

import numpy as np
import shapely

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import PlanError
from spinect_core.base.words import Rule, Side, Tissue
from spinect_core.geometry.zone import Zone
from spinect_core.planning.judging import Measured, ipsilateral
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import neighbours
from spinect_core.planning.needle.soft_tissue import BARRED
from spinect_core.planning.rules import Finding
from spinect_core.planning.zones.window import FreeWindow
from spinect_core.teaching.ground import Best, Ground
from spinect_core.teaching.records import (
    AdviceRecord,
    AttemptRecord,
    BestRecord,
    BrokenRecord,
    LimitsRecord,
    PartRecord,
    ScoreRecord,
    TaskRecord,
    TouchedRecord,
)
from spinect_core.teaching.words import PartName, PartRole, Task

ECONOMY = 0.15
"""Share of the points that time and pictures decide about."""
DIGITS = 3
FORAMINA_APART_MM = 35.0
"""Between L4/5 and L5/S1: L5 is 26 to 30 mm high (CT morphometry, n = 196), its disc 9 mm."""
FOUND_MM, LOST_MM = 4.0, 15.0
"""Distance to the middle of the zone with full marks, and with none, where a level is to be found."""
AT_ZONE_MM, OFF_ZONE_MM = 2.0, 8.0
"""The same of a needle's tip to the triangle."""
AT_CORNER_MM, OFF_CORNER_MM = 2.0, 10.0
"""The same of the corners of a triangle, on average."""
COVERED = 0.7
"""Of what a triangle and the right one cover together, the part that both cover, with full marks: corners 1 mm off."""
DEEPEST_MM = 2.0
"""A needle that goes so deep into bone or nerve has no marks left."""
BROKEN = 0.5
"""What each rule leaves that bars a trajectory, and that no organ, sac or vessel is harmed by."""
WIDE_BONE_MM, WIDE_NERVE_MM = 3.0, 4.0
"""Gaps that the search counts in full as well."""
BESIDE_MM = 4.0
"""The needle's axis so far beside the open window in its own view: nothing of it counts."""
FARTHEST_MM = 999.0
"""Told of what lies farther, or nowhere."""
TOLD_POINTS = 3.0
"""What costs less is not told."""
MOST_ADVICE = 3
GRAVE = (*BARRED, Rule.SAC_MET, Rule.TIP_PAST_FRONT, Rule.ENTRY_FAR)
"""Rules beyond which nothing counts."""
TOUCH_RULES = (Rule.BONE_MET, Rule.NERVE_MET)
TIP_RULES = (
    Rule.TIP_NERVE,
    Rule.TIP_SAC,
    Rule.DISC_BEHIND,
    Rule.DISC_NEAR,
    Rule.TIP_VENTRAL,
    Rule.TIP_LATERAL,
    Rule.TIP_HIGH,
)
_G, _Q, _E = PartRole
Value = TypeVar("Value")


def score(ground: Ground, task: TaskRecord, attempt: AttemptRecord) -> ScoreRecord:
    """Score an attempt at a task.

    Args:
        ground: of the case.
        task: of it.
        attempt: what was handed in.

    Raises:
        PlanError: the attempt lacks what the task asks for.
        AnatomyError: the labels do not show the zone of the task.
    """
    best = ground.best_of(task)
    scored = _SCORERS[task.task](ground, task, best, attempt)
    parts = [*scored.parts, *economy(task.limits, attempt)]
    return ScoreRecord(
        points=points_of(parts),
        parts=tuple(parts),
        touched=tuple(scored.touched),
        broken=tuple(scored.broken),
        advice=advice_of(parts, scored.told, scored.about),
        best=best_record(task, best),
        checksum=ground.checksum,
    )


class Scored:
    """What a task gave.

    Attributes:
        parts: gates and qualities.
        touched: structures on the needle's way.
        broken: rules that were passed.
        told: numbers for the sentences, by part.
        about: the structure that a sentence names, by part.
    """

    def __init__(self) -> None:
        self.parts: list[PartRecord] = []
        self.touched: list[TouchedRecord] = []
        self.broken: list[BrokenRecord] = []
        self.told: dict[PartName, Mapping[str, float]] = {}
        self.about: dict[PartName, str] = {}

    def add(
        self,
        name: PartName,
        role: PartRole,
        value: float,
        weight: float = 1.0,
        *,
        measured: float | None = None,
        full: float | None = None,
        best: float | None = None,
    ) -> None:
        """Add a part."""
        self.parts.append(
            PartRecord(
                name=name,
                role=role,
                value=_rounded(min(max(value, 0.0), 1.0)),
                weight=weight,
                measured=_number(measured),
                full=_number(full),
                best=_number(best),
            )
        )


def _rounded(value: float) -> float:
    return round(float(value), DIGITS) + 0.0


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else _rounded(value)


def falling(value: float, full: float, none: float) -> float:
    """1 up to ``full``, 0 from ``none`` on, straight between."""
    return float(np.clip((none - value) / (none - full), 0.0, 1.0))


def part_of_best(value: float, full: float) -> float:
    """A value as a part of what is worth 1, at most 1; 1 where there is nothing to reach."""
    if not math.isfinite(value) or full <= 0:
        return 1.0 if value > 0 or full <= 0 else 0.0
    return float(np.clip(value / full, 0.0, 1.0))


def points_of(parts: Iterable[PartRecord]) -> int:
    """Points of a hundred."""
    return math.floor(100 * _total(parts) + 0.5)


def _total(parts: Iterable[PartRecord]) -> float:
    every = tuple(parts)
    gates = math.prod(each.value for each in every if each.role == _G)
    quality, thrift = (_mean([each for each in every if each.role == role]) for role in (_Q, _E))
    return round(gates * quality * (1 - ECONOMY + ECONOMY * thrift), 6)


def _mean(parts: Sequence[PartRecord]) -> float:
    weight = sum(each.weight for each in parts)
    return sum(each.value * each.weight for each in parts) / weight if weight > 0 else 1.0


def economy(limits: LimitsRecord, attempt: AttemptRecord) -> list[PartRecord]:
    """Time and simulated pictures: full marks up to half of the limit, none from the limit on."""
    made = Scored()
    for name, value, limit in (
        (PartName.TIME, attempt.seconds, limits.seconds),
        (PartName.SHOTS, float(attempt.shots), float(limits.shots)),
    ):
        if limit > 0:
            worth = falling(value, limit / 2, limit)
            made.add(name, _E, worth, 0.5, measured=value, full=limit / 2)
    return made.parts


def advice_of(
    parts: Sequence[PartRecord], told: Mapping[PartName, Mapping[str, float]], about: Mapping[PartName, str]
) -> tuple[AdviceRecord, ...]:
    """What costs most: the points that a part alone costs, were all others right, and the numbers to tell it with."""
    perfect = [each.replaced(value=1.0) for each in parts]
    found = [
        (each, 100 * (1 - _total([*perfect[:number], each, *perfect[number + 1 :]])))
        for number, each in enumerate(parts)
    ]
    order = sorted(found, key=lambda pair: -pair[1])[:MOST_ADVICE]
    return tuple(
        AdviceRecord(
            part=each.name,
            lost=_rounded(max(lost, 0.0)),
            values={key: _rounded(value) for key, value in told.get(each.name, {}).items()},
            what=about.get(each.name, "")[:200],
        )
        for each, lost in order
        if lost >= TOLD_POINTS
    )


def best_record(task: TaskRecord, best: Best) -> BestRecord:
    """What would have been best."""
    plan, zone = best.approach.needle, best.approach.zone
    view = best.view if task.view is None or task.task != Task.CORNERS else task.view
    return BestRecord(
        indicated=best.indicated,
        view=view if best.indicated or task.task == Task.CORNERS else None,
        entry=None if plan is None else plan.needle.entry,
        target=None if plan is None else plan.needle.target,
        area_mm2=_number(best.window.area_mm2),
        tolerance_deg=None if plan is None else _number(plan.tolerance.angle.amount),
        corners=tuple(_three(point) for point in corners_of(zone)),
        point=_three(zone.centre),
    )


def _three(point: FloatArray) -> tuple[float, float, float]:
    x, y, z = (_rounded(value) for value in point)
    return x, y, z


# ------------------------------------------------------------------------------------------------------------ gates


def _indicated(made: Scored, best: Best, attempt: AttemptRecord) -> bool:
    """Whether there is more to score: a needle was handed in where one should be placed."""
    right = best.indicated != attempt.declined
    made.add(PartName.INDICATED, _G, float(right))
    return right and not attempt.declined


def _side_of(made: Scored, ground: Ground, task: TaskRecord, point: FloatArray, said: Side | None) -> None:
    """Whether a place lies on the side of the task, and was said to."""
    midline = ground.work.judge.midline
    left = float(point[0] if midline is None else midline.places(point)[0])
    right = (left >= 0) == (task.side == Side.LEFT) and said in (None, task.side)
    made.add(PartName.SIDE, _G, float(right), measured=abs(left))


def _level_of(made: Scored, zone: Zone, point: FloatArray) -> None:
    """Whether a place lies at the level: nearer to its foramen than to that above or below."""
    off = float(point[2] - zone.centre[2])
    made.add(PartName.LEVEL, _G, float(abs(off) <= FORAMINA_APART_MM / 2), measured=off)
    made.told[PartName.LEVEL] = {"mm": off}


# ------------------------------------------------------------------------------------------------------------ tasks


def _level(ground: Ground, task: TaskRecord, best: Best, attempt: AttemptRecord) -> Scored:
    made, zone = Scored(), best.approach.zone
    point = np.asarray(_given(attempt.point, "a place in the foramen"))
    _side_of(made, ground, task, point, attempt.side)
    _level_of(made, zone, point)
    off = float(np.linalg.norm(point - zone.centre))
    made.add(PartName.DISTANCE, _Q, falling(off, FOUND_MM, LOST_MM), measured=off, full=FOUND_MM)
    made.told[PartName.DISTANCE] = {"mm": off}
    return made


def corners_of(zone: Zone) -> FloatArray:
    """LPS mm (3, 3) of the corners of a zone: where one of its three borders meets the next."""
    found = [
        border.points[0]
        for border, before in zip(zone.borders, (zone.borders[-1], *zone.borders[:-1]), strict=True)
        if border.role != before.role
    ]
    return np.array(found)


def _corners(ground: Ground, task: TaskRecord, best: Best, attempt: AttemptRecord) -> Scored:
    made, zone = Scored(), best.approach.zone
    if len(attempt.corners) < 3:
        raise PlanError("The attempt has no triangle", "Place three corners before handing in", attempt.case)
    points = np.array(attempt.corners, dtype=np.float64)
    view = task.view or attempt.view or best.view
    _side_of(made, ground, task, points.mean(axis=0), attempt.side)
    _level_of(made, zone, points.mean(axis=0))
    wanted = corners_of(zone)
    placed, right = (shapely.MultiPoint(view.project(each)).convex_hull for each in (points, wanted))
    shared = _overlap(placed, right)
    made.add(PartName.OVERLAP, _Q, part_of_best(shared, COVERED), 0.6, measured=shared, full=COVERED)
    off = _apart(view.project(points), view.project(wanted))
    made.add(
        PartName.CORNERS, _Q, falling(off, AT_CORNER_MM, OFF_CORNER_MM), 0.4, measured=off, full=AT_CORNER_MM
    )
    made.told[PartName.OVERLAP] = {"part": shared, "area": float(placed.area), "best": float(right.area)}
    made.told[PartName.CORNERS] = {"mm": off}
    return made


def _overlap(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """The area that both cover, as a part of what either covers."""
    whole = float(one.union(other).area)
    return float(one.intersection(other).area) / whole if whole > 0 else 0.0


def _apart(placed: FloatArray, wanted: FloatArray) -> float:
    """Mean distance in mm of corners (n, 2) to those they fit best (3, 2)."""
    apart = np.linalg.norm(placed[:, None] - wanted[None], axis=2)
    orders = permutations(range(len(placed)), len(wanted))
    return min(float(np.mean([apart[one, k] for k, one in enumerate(each)])) for each in orders)


def _view(ground: Ground, task: TaskRecord, best: Best, attempt: AttemptRecord) -> Scored:
    made, zone = Scored(), best.approach.zone
    if not _indicated(made, best, attempt):
        return made
    view = _given(attempt.view, "a view")
    right = ipsilateral(view, task.side) > 0 and attempt.side in (None, task.side)
    made.add(PartName.SIDE, _G, float(right))
    asked = {Rule.OBLIQUE_WIDE: ipsilateral(view, task.side), Rule.TILT_STEEP: abs(view.elevation)}
    for rule, value in asked.items():
        limit = ground.room.rules[rule]
        if limit.passed(value):
            made.broken.append(BrokenRecord(rule=rule, value=_rounded(value), limit=limit.value, hard=False))
    made.add(PartName.RULES, _G, BROKEN ** len(made.broken), measured=float(len(made.broken)))
    _add_window(made, best, ground.sight(zone).window(view), beside_mm=0.0, weights=(0.7, 0.3))
    return made


def _add_window(
    made: Scored, best: Best, window: FreeWindow, *, beside_mm: float, weights: tuple[float, float]
) -> None:
    """What is open in a view, as far as it counts: of the window that the needle goes through."""
    view, side = window.view, best.approach.zone.side
    counts = falling(beside_mm, 0.0, BESIDE_MM)
    towards = {
        "oblique": ipsilateral(best.view, side) - ipsilateral(view, side),
        "tilt": best.view.elevation - view.elevation,
        "area": window.area_mm2,
        "best": best.area_mm2,
        "beside": min(beside_mm, FARTHEST_MM),
    }
    for name, value, full, top, weight in (
        (PartName.AREA, window.area_mm2, best.full_area_mm2, best.area_mm2, weights[0]),
        (PartName.CIRCLE, window.radius_mm, best.full_radius_mm, best.radius_mm, weights[1]),
    ):
        if weight > 0:
            made.add(
                name, _Q, counts * part_of_best(value, full), weight, measured=value, full=full, best=top
            )
            made.told[name] = towards


def _needle(ground: Ground, task: TaskRecord, best: Best, attempt: AttemptRecord) -> Scored:
    made, zone = Scored(), best.approach.zone
    if not _indicated(made, best, attempt):
        return made
    entry, target = _given(attempt.entry, "an entry"), _given(attempt.target, "a target")
    needle = ground.needle(zone, entry, target)
    tip = np.asarray(needle.target)
    _side_of(made, ground, task, tip, attempt.side)
    _level_of(made, zone, tip)
    off = _off_zone(zone, tip)
    made.add(PartName.AIM, _G, falling(off, AT_ZONE_MM, OFF_ZONE_MM), measured=off, full=AT_ZONE_MM)
    made.told[PartName.AIM] = {"mm": off} | _directions(tip, best)
    measured = ground.work.measure(needle)
    findings = ground.work.judge.needle(needle, measured)
    _add_touched(made, ground, needle, measured)
    _add_rules(made, best, findings)
    window = ground.sight(zone).window(needle.view)
    _add_window(made, best, window, beside_mm=_beside(window, tip), weights=(0.3, 0.0))
    _add_margins(made, best, measured)
    _add_tip(made, best, findings)
    return made


def _off_zone(zone: Zone, point: FloatArray) -> float:
    """Mm from a place to the membrane of a zone."""
    points, corners = zone.membrane
    return float(min(_to_triangle(point, points[each]) for each in corners))


def _to_triangle(point: FloatArray, corners: FloatArray) -> float:
    """Mm from a point to a triangle (3, 3)."""
    a, b, c = corners
    normal = np.cross(b - a, c - a)
    length = float(np.linalg.norm(normal))
    if length > 0:
        normal = normal / length
        height = float((point - a) @ normal)
        foot = point - height * normal
        inside = all(np.cross(q - p, foot - p) @ normal >= 0 for p, q in ((a, b), (b, c), (c, a)))
        if inside:
            return abs(height)
    return min(_to_segment(point, p, q) for p, q in ((a, b), (b, c), (c, a)))


def _to_segment(point: FloatArray, start: FloatArray, stop: FloatArray) -> float:
    way = stop - start
    length = float(way @ way)
    along = 0.0 if length == 0 else float(np.clip((point - start) @ way / length, 0.0, 1.0))
    return float(np.linalg.norm(start + along * way - point))


def _directions(tip: FloatArray, best: Best) -> dict[str, float]:
    """From a tip to the best one, in mm: outwards, to the back, and to the head."""
    plan, side = best.approach.needle, best.approach.zone.side
    if plan is None:
        return {}
    x, y, z = np.subtract(plan.needle.target, tip)
    return {"outwards": float(x if side == Side.LEFT else -x), "back": float(y), "head": float(z)}


def _beside(window: FreeWindow, tip: FloatArray) -> float:
    """Mm by which a needle along a view passes beside what is open in it; infinite where nothing is open."""
    if not window.open:
        return math.inf
    return float(window.polygon.distance(shapely.Point(window.view.project(tip[None])[0])))


def _add_touched(made: Scored, ground: Ground, needle: Needle, measured: Measured) -> None:
    """Structures on the way; how deep the needle is in bone or nerve at its worst place is what counts."""
    found = [
        TouchedRecord(
            name=each.name, tissue=each.tissue, from_mm=_rounded(each.from_mm), to_mm=_rounded(each.to_mm)
        )
        for each in measured.crossed
        if not each.behind_tip
    ]
    known = {each.name for each in found}
    found += [
        TouchedRecord(
            name=each.name, tissue=each.tissue, from_mm=_rounded(each.depth_mm), to_mm=_rounded(each.depth_mm)
        )
        for each in neighbours(needle, ground.room.obstacles, ground.work.parts_of, 0.0)
        if each.name not in known
    ]
    if measured.way is not None:
        found += [
            TouchedRecord(
                name=each.name, tissue=None, from_mm=_rounded(each.depth_mm), to_mm=_rounded(each.depth_mm)
            )
            for each in measured.way.near
            if each.gap_mm < 0
        ]
    made.touched = sorted(found, key=lambda each: (each.from_mm, each.name))
    gaps = {Tissue.BONE: measured.along.bone, Tissue.NERVE: measured.along.nerve}
    tissue = min(gaps, key=lambda each: gaps[each].gap_mm)
    worst = gaps[tissue]
    deep = max(-worst.gap_mm, 0.0)
    made.add(PartName.TOUCHED, _G, 1.0 - deep / DEEPEST_MM, measured=deep, full=0.0)
    made.told[PartName.TOUCHED] = {"mm": deep, "depth": worst.depth_mm}
    names = [each for each in made.touched if each.tissue == tissue]
    nearest = min(names, key=lambda each: abs(each.from_mm - worst.depth_mm), default=None)
    made.about[PartName.TOUCHED] = str(tissue) if nearest is None else nearest.name


def _add_rules(made: Scored, best: Best, findings: Sequence[Finding]) -> None:
    """Rules that bar: of what harms an organ, sac or vessel nothing counts, each other one halves."""
    known = [each for each in findings if each.value is not None]
    allowed = _of_best(best)
    made.broken = [
        BrokenRecord(rule=each.rule, value=_number(each.value), limit=each.limit, hard=each.bars)
        for each in known
        if each.rule not in allowed and (each.bars or each.rule in TIP_RULES)
    ]
    barred = [each for each in known if each.bars and each.rule not in TOUCH_RULES]
    grave = any(each.rule in GRAVE for each in barred)
    made.add(PartName.RULES, _G, 0.0 if grave else BROKEN ** len(barred), measured=float(len(barred)))
    if barred:
        made.told[PartName.RULES] = {"value": barred[0].value or 0.0, "limit": barred[0].limit}
        made.about[PartName.RULES] = str(barred[0].rule)


def _of_best(best: Best) -> set[Rule]:
    """Rules that the best trajectory passes as well: nobody loses by those."""
    plan = best.approach.needle
    return set() if plan is None else {each.rule for each in plan.findings if not each.bars}


def _add_margins(made: Scored, best: Best, measured: Measured) -> None:
    """Tolerance and gaps, as parts of those of the best trajectory or of what is wide enough anyway."""
    plan = best.approach.needle
    if plan is None:
        return
    along, ideal = measured.along, plan.clearance
    for name, value, full, top, weight in (
        (
            PartName.TOLERANCE,
            measured.tolerance.angle.amount,
            best.full_tolerance_deg,
            best.tolerance_deg,
            0.3,
        ),
        (PartName.BONE, along.bone.gap_mm, *_wide(ideal.bone.gap_mm, WIDE_BONE_MM), 0.1),
        (PartName.NERVE, along.nerve.gap_mm, *_wide(ideal.nerve.gap_mm, WIDE_NERVE_MM), 0.1),
    ):
        made.add(name, _Q, part_of_best(value, full), weight, measured=value, full=full, best=top)
        made.told[name] = {"value": value if math.isfinite(value) else 0.0, "best": top}


def _wide(gap_mm: float, wide_mm: float) -> tuple[float, float]:
    return (min(gap_mm, wide_mm),) * 2


def _add_tip(made: Scored, best: Best, findings: Sequence[Finding]) -> None:
    """Warnings and notes about the tip; three of them leave nothing."""
    allowed = _of_best(best)
    passed = [each for each in findings if each.rule in TIP_RULES and each.rule not in allowed]
    passed = [each for each in passed if each.value is not None]
    made.add(PartName.TIP, _Q, 1.0 - len(passed) / 3, 0.2, measured=float(len(passed)), full=0.0)
    if passed:
        made.told[PartName.TIP] = {"value": passed[0].value or 0.0, "limit": passed[0].limit}
        made.about[PartName.TIP] = str(passed[0].rule)


def _given(value: Value | None, what: str) -> Value:
    """What an attempt cannot do without."""
    if value is None:
        raise PlanError(f"The attempt lacks {what}", "Give it before handing in")
    return value


_SCORERS: dict[Task, Callable[[Ground, TaskRecord, Best, AttemptRecord], Scored]] = {
    Task.LEVEL: _level,
    Task.CORNERS: _corners,
    Task.VIEW: _view,
    Task.NEEDLE: _needle,
}
