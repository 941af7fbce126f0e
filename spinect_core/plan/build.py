"""From what the planning computed to the records of a plan."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from spinect_core.anatomy.courses import Course
from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.arrays import FloatArray
from spinect_core.base.notes import Note
from spinect_core.base.words import Author, Relation
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.plan.records import (
    AxialRecord,
    BorderRecord,
    ChoiceRecord,
    ClearanceRecord,
    CloserRecord,
    CourseRecord,
    LandmarkRecord,
    LevelRecord,
    MarginRecord,
    NeedleRecord,
    Planning,
    RiskRecord,
    SafetyRecord,
    SearchRecord,
    StructureRecord,
    TermRecord,
    ToleranceRecord,
    WindowRecord,
    ZoneRecord,
    zone_key,
)
from spinect_core.plan.wording import sentences
from spinect_core.planning.needle.risk import Risk
from spinect_core.planning.needle.safety import Clearance, Closest, Crossing, Neighbour
from spinect_core.planning.needle.tolerance import Margin, Tolerance
from spinect_core.planning.results import CasePlan, NeedlePlan
from spinect_core.planning.search.axial import InPlaneTrajectory
from spinect_core.planning.search.search import Choice, SearchResult
from spinect_core.planning.search.weights import Weights
from spinect_core.planning.zones.closers import Closing
from spinect_core.planning.zones.window import FreeWindow

Point = tuple[float, float, float]


def planning_record(plan: CasePlan, maps: Mapping[str, str] | None = None, shift: int = 0) -> Planning:
    """All of a planning as a plan stores it.

    Args:
        plan: what was found.
        maps: file of the angle map by the zone's key, relative to the plan.
        shift: of the level's numbering by the user.
    """
    maps = maps or {}
    needles = [each.needle for each in plan.approaches if each.needle is not None]
    return Planning(
        level=level_record(plan.landmarks, shift),
        landmarks=landmark_records(plan.landmarks),
        courses=course_records(plan.landmarks),
        zones=tuple(zone_record(each.zone) for each in plan.approaches),
        windows=tuple(window_record(each.window, each.closing) for each in plan.approaches),
        searches=tuple(
            search_record(
                each.search,
                seconds=each.seconds,
                axial=axial_record(each.axial),
                map_path=maps.get(key_of(each.zone), ""),
                notes=each.notes,
            )
            for each in plan.approaches
        ),
        needles=tuple(needle_record(each) for each in needles),
    )


def key_of(zone: Zone) -> str:
    """What a plan calls a zone."""
    return zone_key(zone.kind, zone.version, zone.side, zone.level)


def level_record(landmarks: Landmarks, shift: int = 0) -> LevelRecord:
    """The level, how well its bone agrees with the atlas, and why it may be another."""
    sure = min(max(float(landmarks.bone_overlap), 0.0), 1.0)
    return LevelRecord(
        name=landmarks.level, shift=shift, confidence=sure, warnings=sentences(landmarks.notes)
    )


def landmark_records(landmarks: Landmarks) -> tuple[LandmarkRecord, ...]:
    """Every landmark."""
    return tuple(
        LandmarkRecord(
            name=name,
            point=_three(point),
            confidence=landmarks.confidence(name),
            moved=name in landmarks.placed,
        )
        for name, point in landmarks.points.items()
    )


def course_records(landmarks: Landmarks) -> tuple[CourseRecord, ...]:
    """Every root, and the sac."""
    courses: dict[str, Course] = dict(landmarks.courses)
    if landmarks.sac is not None:
        courses["thecal sac"] = landmarks.sac
    return tuple(
        CourseRecord(
            name=name,
            points=_many(course.points),
            radii=tuple(float(radius) for radius in course.radii),
            found=tuple(bool(each) for each in course.found),
        )
        for name, course in courses.items()
    )


def zone_record(zone: Zone) -> ZoneRecord:
    """The borders of a zone."""
    borders = tuple(
        BorderRecord(
            name=each.name, role=each.role, points=_many(each.points), confidence=float(each.confidence)
        )
        for each in zone.borders
    )
    return ZoneRecord(
        kind=zone.kind,
        version=zone.version,
        side=zone.side,
        level=zone.level,
        borders=borders,
        confidence=float(zone.confidence),
    )


def needle_record(plan: NeedlePlan) -> NeedleRecord:
    """A needle and its safety."""
    safety = safety_record(plan.clearance, plan.tolerance, plan.risks, plan.crossings, plan.neighbours)
    return NeedleRecord(needle=plan.needle, safety=safety)


def search_record(
    result: SearchResult,
    *,
    seconds: float,
    axial: AxialRecord | None = None,
    map_path: str = "",
    notes: Sequence[Note] = (),
) -> SearchRecord:
    """The record of a search.

    Args:
        result: a ``SearchResult`` of :mod:`spinect_core.planning.search.search`.
        seconds: how long it took.
        axial: whether an axial plane would do; see :func:`axial_record`.
        map_path: of the angle map beside the plan or within the document.
        notes: on the approach, which may say more than the search knew; each is kept once.
    """
    zone, allowed = result.zone, result.allowed_count
    ridge = result.ridge
    crest = () if ridge is None else ((float(oblique), float(tilt)) for oblique, tilt in ridge.crest)
    return SearchRecord(
        zone=key_of(zone),
        best=None if result.best is None else _choice(result.best, result.weights),
        recommended=None if result.recommended is None else _choice(result.recommended, result.weights),
        ridge_part=0.0 if ridge is None or not allowed else min(float(ridge.mask.sum()) / allowed, 1.0),
        allowed=allowed,
        step=float(result.map.tilts[1] - result.map.tilts[0]),
        seconds=seconds,
        ridge=tuple(View.oblique(zone.side, oblique, tilt) for oblique, tilt in crest),
        alternatives=tuple(_choice(each, result.weights) for each in result.alternatives),
        axial=axial,
        candidate=result.candidate if result.best is None else None,
        notes=sentences((*notes, *result.notes)),
        map=map_path,
    )


def axial_record(way: InPlaneTrajectory) -> AxialRecord:
    """The record of an ``InPlaneTrajectory``, found for slices without gantry tilt."""
    if not way.possible:
        return AxialRecord(reachable=False)
    return AxialRecord(reachable=True, area_mm2=way.area_mm2, oblique=way.oblique)


def window_record(
    window: FreeWindow, closing: Closing | None = None, *, author: Author = Author.AUTOMATIC
) -> WindowRecord:
    """The record of a free window.

    Args:
        window: a ``FreeWindow`` with its outline.
        closing: a ``Closing`` for the same view; None where nothing was asked.
        author: who chose the view.
    """
    return WindowRecord(
        zone=key_of(window.zone),
        view=window.view,
        area_mm2=window.area_mm2,
        total_area_mm2=window.total_area_mm2,
        zone_area_mm2=window.zone_area_mm2,
        centre=None if window.centre is None else _three(window.centre),
        radius_mm=window.radius_mm,
        outline=_many(window.outline_lps),
        author=author,
        closers=()
        if closing is None
        else tuple(
            CloserRecord(
                name=each.name,
                covered=_part(each.covered),
                alone=_part(each.alone),
                required_mm=each.required_mm,
            )
            for each in closing.closers
        ),
        pair=() if closing is None or closing.pair is None else closing.pair,
        pair_required_mm=None if closing is None else closing.pair_required_mm,
    )


def safety_record(
    clearance: Clearance,
    tolerance: Tolerance | None = None,
    risks: Iterable[Risk] = (),
    crossings: Iterable[Crossing] = (),
    neighbours: Iterable[Neighbour] = (),
) -> SafetyRecord:
    """The record of a needle's safety.

    Args:
        clearance: a ``Clearance`` of :mod:`spinect_core.planning.needle.safety`.
        tolerance: a ``Tolerance`` of :mod:`spinect_core.planning.needle.tolerance`; None if it was not measured.
        risks: ``Risk`` of :mod:`spinect_core.planning.needle.risk`, one for each way of guiding the needle.
        crossings: ``Crossing`` of :mod:`spinect_core.planning.needle.safety`.
        neighbours: ``Neighbour`` of :mod:`spinect_core.planning.needle.safety`.
    """
    met = [
        StructureRecord(
            name=each.name,
            tissue=each.tissue,
            relation=Relation.BEYOND if each.behind_tip else Relation.CROSSED,
            depth_mm=each.from_mm,
            until_mm=each.to_mm,
        )
        for each in crossings
    ]
    met += [
        StructureRecord(
            name=each.name,
            tissue=each.tissue,
            relation=Relation.NEAR,
            depth_mm=each.depth_mm,
            gap_mm=each.gap_mm,
        )
        for each in neighbours
    ]
    tip = clearance.nerve_at_tip.gap_mm
    return SafetyRecord(
        nerve=_nearest(clearance.nerve),
        bone=_nearest(clearance.bone),
        nerve_at_target=_nearest(clearance.nerve_at_target),
        tip_to_nerve_mm=_finite(tip),
        tolerance=None
        if tolerance is None
        else ToleranceRecord(
            angle=_margin(tolerance.angle),
            angle_to_bone=_margin(tolerance.angle_to_bone),
            angle_to_nerve=_margin(tolerance.angle_to_nerve),
            shift=_margin(tolerance.shift),
            shift_to_bone=_margin(tolerance.shift_to_bone),
            shift_to_nerve=_margin(tolerance.shift_to_nerve),
        ),
        risks=tuple(_risk(each) for each in risks),
        structures=tuple(sorted(met, key=lambda each: each.depth_mm)),
    )


def _choice(choice: Choice, weights: Weights) -> ChoiceRecord:
    window = choice.window
    terms = tuple(
        TermRecord(name=name, value=value, weight=float(getattr(weights, name)))
        for name, value in choice.terms.items()
    )
    return ChoiceRecord(
        view=choice.view,
        area_mm2=window.area_mm2,
        radius_mm=window.radius_mm,
        depth_mm=choice.depth_mm,
        bone_mm=_finite(choice.bone_mm),
        nerve_mm=_finite(choice.nerve_mm),
        ends_before_skin=choice.ends_before_skin,
        score=choice.score,
        terms=terms,
        words=choice.words,
    )


def _nearest(closest: Closest) -> ClearanceRecord | None:
    """None where there is no such tissue."""
    gap = _finite(closest.gap_mm)
    return None if gap is None else ClearanceRecord(mm=gap, point=closest.place, depth_mm=closest.depth_mm)


def _margin(margin: Margin) -> MarginRecord:
    return MarginRecord(
        amount=margin.amount, at_least=margin.unlimited, tissue=margin.tissue, towards=margin.words
    )


def _risk(risk: Risk) -> RiskRecord:
    return RiskRecord(
        method=risk.error.name,
        mean_deg=risk.error.mean_deg,
        spread_deg=risk.error.sd_deg,
        needles=risk.needles,
        nerve=risk.nerve.value,
        bone=risk.bone.value,
        either=risk.either.value,
        standard_error=risk.either.standard_error,
        nerve_on_the_way=risk.nerve_on_the_way.value,
        miss_mean_mm=risk.miss_mean_mm,
        miss_95_mm=risk.miss_95_mm,
    )


def _part(value: float) -> float:
    """Areas of polygons that are the same but for rounding give a part a little above 1."""
    return min(max(float(value), 0.0), 1.0)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _three(point: FloatArray) -> Point:
    x, y, z = (float(value) for value in point)
    return x, y, z


def _many(points: FloatArray) -> tuple[Point, ...]:
    return tuple(_three(point) for point in points)
