"""From what the planning computed to the records of a plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from spinect_core.anatomy.completeness import RootFound
from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import SpinectError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.words import Author, LightCause, Relation, RootPart
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.image.scan import SlicePlace
from spinect_core.plan.records import (
    AxialRecord,
    BeamRecord,
    BehindRecord,
    CaseLightRecord,
    CaseReasonRecord,
    ChoiceRecord,
    ChosenRecord,
    ClearanceRecord,
    CloserRecord,
    CountRecord,
    CourseRecord,
    FeltRecord,
    FindingRecord,
    FrontPlaceRecord,
    GantryRecord,
    GapRecord,
    IntervalRecord,
    LandmarkRecord,
    LasersRecord,
    LayerRecord,
    LevelRecord,
    LightReasonRecord,
    LightRecord,
    LimitRecord,
    NeedleRecord,
    OrganNearRecord,
    OrgansRecord,
    PairRecord,
    Planning,
    Point,
    ReadoutsRecord,
    RecordError,
    RefusalRecord,
    RiskRecord,
    RootRecord,
    SafetyRecord,
    SearchRecord,
    SidePlaceRecord,
    SlicePlaceRecord,
    StopRecord,
    StructureRecord,
    TermRecord,
    TipRecord,
    ToleranceRecord,
    TradeRecord,
    WarningRecord,
    WayRecord,
    WindowRecord,
    ZoneRecord,
    zone_key,
)
from spinect_core.plan.wording import sentences
from spinect_core.planning.choosing import Chosen, Refusal, Trade
from spinect_core.planning.intervals import Interval, WindowInterval
from spinect_core.planning.needle.readouts import Readouts
from spinect_core.planning.needle.risk import Risk
from spinect_core.planning.needle.safety import Clearance, Closest, Crossing, Neighbour
from spinect_core.planning.needle.soft_tissue import Way
from spinect_core.planning.needle.tip import Tip
from spinect_core.planning.needle.tolerance import Tolerance
from spinect_core.planning.plausibility.light import CaseLight
from spinect_core.planning.results import Approach, CasePlan, LiveNeedle, NeedlePlan, OrgansSeen
from spinect_core.planning.rules import Finding
from spinect_core.planning.search.axial import InPlaneTrajectory
from spinect_core.planning.search.search import Choice, SearchResult
from spinect_core.planning.search.weights import Weights
from spinect_core.planning.traffic_light import LightFound
from spinect_core.planning.zones.closers import Closing
from spinect_core.planning.zones.window import FreeWindow

_Made = TypeVar("_Made")


def planning_record(
    plan: CasePlan, maps: Mapping[str, str] | None = None
) -> tuple[Planning, tuple[Note, ...]]:
    """All of a planning as a plan stores it, and what of it no plan can hold.

    A part that is not right is left out and named: the work that is right is never lost for it.

    Args:
        plan: what was found.
        maps: file of the angle map by the zone's key, relative to the plan.
    """
    maps, landmarks, kept = maps or {}, plan.landmarks, _Kept()
    courses = landmarks.courses | ({} if landmarks.sac is None else {"thecal sac": landmarks.sac})
    level = kept.one("level", landmarks.level, partial(_level, landmarks))
    points = {
        name: kept.one("landmark", name, partial(_landmark, landmarks, name, point))
        for name, point in landmarks.points.items()
    }
    lines = {
        name: kept.one("course", name, partial(CourseRecord.taken_from, course, name=name))
        for name, course in courses.items()
    }
    zones: dict[str, ZoneRecord] = {}
    windows, searches, needles = [], [], []
    for each in plan.approaches:
        name, key = each.zone.name, key_of(each.zone)
        zone = kept.one("zone", name, partial(ZoneRecord.taken_from, each.zone))
        if zone is not None and key not in zones:
            zones[key] = zone
            seen = partial(window_record, each.window, each.closing, interval=each.interval)
            windows.append(kept.one("window", name, seen))
            searches.append(kept.one("search", name, partial(_search, each, maps.get(key, ""))))
        if each.needle is not None:
            needles.append(kept.needle(each.needle))
    planning = Planning(
        withheld=sentences(plan.withheld),
        light=None
        if plan.light is None
        else kept.one("light", "of the case", partial(case_light, plan.light)),
        level=level,
        landmarks=_there(points.values()),
        courses=_there(lines.values()),
        roots=_there(
            kept.one("root", name, partial(root_record, root)) for name, root in landmarks.roots.items()
        ),
        zones=tuple(zones.values()),
        windows=_there(windows),
        searches=_there(searches),
        needles=_there(needles),
        rules=tuple(
            LimitRecord.taken_from(each, override=plan.rules.reason(each.rule)) for each in plan.rules
        ),
        guidance=plan.guidance,
        organs=None
        if plan.organs is None
        else kept.one("organs", "of the case", partial(organs_record, plan.organs)),
    )
    return planning, tuple(kept.notes)


def needle_records(plans: Iterable[NeedlePlan]) -> tuple[tuple[NeedleRecord, ...], tuple[Note, ...]]:
    """The records of needles, and what of them no plan can hold."""
    kept = _Kept()
    found = _there([kept.needle(each) for each in plans])
    return found, tuple(kept.notes)


class _Kept:
    """Makes records, and notes those that cannot be made."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def one(self, what: str, name: str, make: Callable[[], _Made]) -> _Made | None:
        """A record, or None and a note that it is left out."""
        try:
            return make()
        except (SpinectError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            fault = error.fault if isinstance(error, SpinectError) else str(error)
            fault = (error.reason if isinstance(error, RecordError) else "") or fault
            self.notes.append(Note.of(NoteCode.LEFT_OUT, what=what, name=name, fault=fault.rstrip(".")))
            return None

    def needle(self, plan: NeedlePlan) -> NeedleRecord | None:
        """A needle with its safety, or at least the needle."""
        name = plan.needle.title
        whole = self.one("safety of the needle", name, partial(needle_record, plan))
        return whole or self.one("needle", name, partial(NeedleRecord, needle=plan.needle))


def _there(found: Iterable[_Made | None]) -> tuple[_Made, ...]:
    return tuple(each for each in found if each is not None)


def _landmark(landmarks: Landmarks, name: str, point: FloatArray) -> LandmarkRecord:
    sure, moved = landmarks.confidence(name), name in landmarks.placed
    return LandmarkRecord(name=name, point=_three(point), confidence=sure, moved=moved)


def root_record(root: RootFound) -> RootRecord:
    """What is labelled of a root.

    Raises:
        RecordError: a value that the record cannot hold.
    """
    gaps = tuple(
        GapRecord.taken_from(
            each,
            points=each.points.tolist(),
            supposed=None if each.supposed is None else each.supposed.tolist(),
        )
        for each in root.gaps
    )
    recess, foramen, beyond = map(root.part_labelled, RootPart)
    return RootRecord(
        name=root.name,
        whole=root.share,
        recess=recess,
        foramen=foramen,
        beyond=beyond,
        cut=root.cut,
        gaps=gaps,
    )


def _search(approach: Approach, map_path: str) -> SearchRecord:
    return search_record(
        approach.search,
        seconds=approach.seconds,
        axial=axial_record(approach.axial),
        map_path=map_path,
        notes=approach.notes,
        withheld=approach.withheld,
        chosen=approach.chosen,
        refusal=approach.refusal,
    )


def _interval(interval: Interval | None) -> IntervalRecord | None:
    return None if interval is None else IntervalRecord.taken_from(interval)


def _level(landmarks: Landmarks) -> LevelRecord:
    return LevelRecord(
        name=landmarks.level,
        shift=landmarks.shift or 0,
        confirmed=landmarks.confirmed,
        confidence=_part(landmarks.bone_overlap),
        warnings=sentences(landmarks.notes),
        lumbar=landmarks.lumbar,
    )


def key_of(zone: Zone) -> str:
    """What a plan calls a zone."""
    return zone_key(zone.kind, zone.version, zone.side, zone.level)


def needle_record(plan: NeedlePlan) -> NeedleRecord:
    """A needle and its safety."""
    safety = safety_record(plan.clearance, plan.tolerance, plan.risks, plan.crossings, plan.neighbours)
    if plan.interval is not None:
        safety = safety.replaced(
            nerve_90=_interval(plan.interval.nerve_mm), bone_90=_interval(plan.interval.bone_mm)
        )
    readouts = None if plan.readouts is None else readouts_record(plan.readouts)
    tip = None if plan.tip is None else tip_record(plan.tip)
    light = None if plan.light is None else light_record(plan.light)
    return NeedleRecord(
        needle=plan.needle,
        safety=safety,
        readouts=readouts,
        tip=tip,
        light=light,
        findings=finding_records(plan.findings),
        way=None if plan.way is None else way_record(plan.way),
    )


def live_record(live: LiveNeedle) -> NeedleRecord:
    """A needle that is moved, and what is measured of it meanwhile."""
    along, tolerance = live.along, live.tolerance
    missing = dict.fromkeys(("shift", "shift_to_bone", "shift_to_nerve"))
    return NeedleRecord(
        needle=live.needle,
        safety=SafetyRecord(
            nerve=_nearest(along.nerve),
            bone=_nearest(along.bone),
            nerve_at_target=_nearest(along.nerve_at_target),
            tip_to_nerve_mm=_finite(along.nerve_at_tip.gap_mm),
            tolerance=ToleranceRecord.taken_from(tolerance, **missing),
            structures=_met(live.crossings),
            live=True,
        ),
        readouts=readouts_record(live.readouts),
        tip=tip_record(live.tip),
        light=light_record(live.light),
        findings=finding_records(live.findings),
        way=None if live.way is None else way_record(live.way),
    )


def way_record(made: Way) -> WayRecord:
    """The record of the soft tissue along a needle."""
    behind = made.vessel_behind_mm
    return WayRecord.taken_from(
        made,
        layers=tuple(map(LayerRecord.taken_from, made.layers)),
        near=tuple(map(OrganNearRecord.taken_from, made.near)),
        vessel_behind_mm=None if behind is None else _finite(behind),
    )


def organs_record(made: OrgansSeen) -> OrgansRecord:
    """The record of which organs were known."""
    warnings = tuple(map(WarningRecord.taken_from, made.warnings))
    return OrgansRecord.taken_from(made, warnings=warnings)


def readouts_record(made: Readouts) -> ReadoutsRecord:
    """The record of what is set in the room."""
    pairs, beams = PairRecord.taken_from, BeamRecord.taken_from
    return ReadoutsRecord.taken_from(
        made,
        detector_at_hub=pairs(made.detector_at_hub),
        source_at_hub=pairs(made.source_at_hub),
        beam_detector_at_hub=beams(made.beam_detector_at_hub),
        beam_source_at_hub=beams(made.beam_source_at_hub),
        gantry=GantryRecord.taken_from(made.gantry, limit=made.gantry_limit_deg),
        lasers=LasersRecord.taken_from(made.lasers),
        entry_slice=_slice(made.entry_slice),
        target_slice=_slice(made.target_slice),
        midline_mm=None if made.midline is None else made.midline.midline_mm,
        s1_mm=None if made.midline is None else made.midline.level_mm,
        felt=tuple(map(FeltRecord.taken_from, made.levels)),
    )


def light_record(made: LightFound[LightCause]) -> LightRecord:
    """The record of a trajectory's light."""
    return LightRecord(light=made.light, reasons=tuple(map(LightReasonRecord.taken_from, made.reasons)))


def case_light(made: CaseLight) -> CaseLightRecord:
    """The record of a case's light."""
    return CaseLightRecord(light=made.light, reasons=tuple(map(CaseReasonRecord.taken_from, made.reasons)))


def tip_record(made: Tip) -> TipRecord:
    """The record of a tip."""
    behind = sorted(made.behind.items(), key=lambda each: each[1])
    return TipRecord.taken_from(
        made,
        front=None if made.front is None else FrontPlaceRecord.taken_from(made.front),
        side=None if made.side is None else SidePlaceRecord.taken_from(made.side),
        behind=tuple(BehindRecord(what=what, mm=mm) for what, mm in behind),
        stop=StopRecord.taken_from(made.stop, at_mm=_finite(made.stop.at_mm)),
        disc_mm=None if made.disc_mm is None else _finite(made.disc_mm),
    )


def _slice(place: SlicePlace | None) -> SlicePlaceRecord | None:
    return None if place is None else SlicePlaceRecord.taken_from(place)


def search_record(
    result: SearchResult,
    *,
    seconds: float,
    axial: AxialRecord | None = None,
    map_path: str = "",
    notes: Sequence[Note] = (),
    withheld: Sequence[Note] = (),
    chosen: Chosen | None = None,
    refusal: Refusal | None = None,
) -> SearchRecord:
    """The record of a search.

    Args:
        result: a ``SearchResult`` of :mod:`spinect_core.planning.search.search`.
        seconds: how long it took.
        axial: whether an axial plane would do; see :func:`axial_record`.
        map_path: of the angle map beside the plan or within the document.
        notes: on the approach, which may say more than the search knew; each is kept once.
        withheld: why nothing of this zone is recommended.
        chosen: why the recommended view is that.
        refusal: why the rules leave none.
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
        withheld=sentences(withheld),
        map=map_path,
        chosen=None
        if chosen is None
        else ChosenRecord.taken_from(chosen, trades=tuple(map(_trade, chosen.trades))),
        refusal=None
        if refusal is None
        else RefusalRecord.taken_from(
            refusal,
            findings=finding_records(refusal.findings),
            refused=tuple(CountRecord(rule=rule, views=views) for rule, views in refusal.counts.items()),
        ),
    )


def finding_records(findings: Iterable[Finding]) -> tuple[FindingRecord, ...]:
    """The records of what the rules say."""
    return tuple(map(FindingRecord.taken_from, findings))


def _trade(trade: Trade) -> TradeRecord:
    view = trade.view
    return TradeRecord.taken_from(trade, azimuth_deg=view.azimuth, elevation_deg=view.elevation)


def axial_record(found: InPlaneTrajectory) -> AxialRecord:
    """The record of an ``InPlaneTrajectory``, found for slices without gantry tilt."""
    if not found.possible:
        return AxialRecord(reachable=False)
    return AxialRecord(reachable=True, area_mm2=found.area_mm2, oblique=found.oblique, refused=not found.kept)


def window_record(
    window: FreeWindow,
    closing: Closing | None = None,
    *,
    interval: WindowInterval | None = None,
    author: Author = Author.AUTOMATIC,
) -> WindowRecord:
    """The record of a free window.

    Args:
        window: a ``FreeWindow`` with its outline.
        closing: what blocks it in the same view; None where nothing was asked.
        interval: that holds 90 of 100 true values; None where it is not known.
        author: who chose the view.
    """
    return WindowRecord.taken_from(
        window,
        zone=key_of(window.zone),
        outline=window.outline_lps,
        author=author,
        closers=tuple(
            CloserRecord.taken_from(each, covered=_part(each.covered), alone=_part(each.alone))
            for each in (() if closing is None else closing.closers)
        ),
        pair=(closing and closing.pair) or (),
        pair_required_mm=None if closing is None else closing.pair_required_mm,
        area_90=_interval(None if interval is None else interval.area_mm2),
        radius_90=_interval(None if interval is None else interval.radius_mm),
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
        clearance: along the needle.
        tolerance: None if it was not measured.
        risks: one for each method of guiding the needle.
        crossings: structures on the needle's line.
        neighbours: structures near it.
    """
    near = (StructureRecord.taken_from(each, relation=Relation.NEAR, until_mm=None) for each in neighbours)
    met = (*_met(crossings), *near)
    return SafetyRecord(
        nerve=_nearest(clearance.nerve),
        bone=_nearest(clearance.bone),
        nerve_at_target=_nearest(clearance.nerve_at_target),
        tip_to_nerve_mm=_finite(clearance.nerve_at_tip.gap_mm),
        tolerance=None if tolerance is None else ToleranceRecord.taken_from(tolerance),
        risks=tuple(map(_risk, risks)),
        structures=tuple(sorted(met, key=lambda each: each.depth_mm)),
    )


def _choice(choice: Choice, weights: Weights) -> ChoiceRecord:
    return ChoiceRecord.taken_from(
        choice,
        area_mm2=choice.window.area_mm2,
        radius_mm=choice.window.radius_mm,
        bone_mm=_finite(choice.bone_mm),
        nerve_mm=_finite(choice.nerve_mm),
        terms=tuple(
            TermRecord(name=name, value=value, weight=getattr(weights, name))
            for name, value in choice.terms.items()
        ),
    )


def _met(crossings: Iterable[Crossing]) -> tuple[StructureRecord, ...]:
    """The structures on a needle's line, in order."""
    return tuple(
        StructureRecord.taken_from(
            each,
            relation=Relation.BEYOND if each.behind_tip else Relation.CROSSED,
            depth_mm=each.from_mm,
            until_mm=each.to_mm,
            gap_mm=0.0,
        )
        for each in crossings
    )


def _nearest(closest: Closest) -> ClearanceRecord | None:
    """None where there is no such tissue."""
    return ClearanceRecord.taken_from(closest) if math.isfinite(closest.gap_mm) else None


def _risk(risk: Risk) -> RiskRecord:
    return RiskRecord.taken_from(
        risk,
        method=risk.error.name,
        mean_deg=risk.error.mean_deg,
        spread_deg=risk.error.sd_deg,
        nerve=risk.nerve.value,
        bone=risk.bone.value,
        either=risk.either.value,
        standard_error=risk.either.standard_error,
        nerve_on_the_way=risk.nerve_on_the_way.value,
        entry_mean_mm=risk.error.entry_mean_mm,
        entry_sd_mm=risk.error.entry_sd_mm,
        source=risk.error.source,
        bending="" if risk.bending is None else risk.bending.name,
    )


def _part(value: float) -> float:
    """Areas of polygons that are the same but for rounding give a part a little above 1."""
    return min(max(float(value), 0.0), 1.0)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _three(point: FloatArray) -> Point:
    x, y, z = point.tolist()
    return x, y, z
