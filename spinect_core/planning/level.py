"""The planning of a case: from labels to zones, their best views, and needles along them with what they pass.

Joins anatomy and planning; both know nothing of each other.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spinect_core.anatomy.borders import Ground, zones
from spinect_core.anatomy.completeness import Gap, RootFound, gaps_beside, sac_section
from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
from spinect_core.anatomy.levels import LUMBOSACRAL
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.side_by_side import beside, side_by_side
from spinect_core.base.words import (
    SIDES,
    Author,
    CaseCause,
    Light,
    LightCause,
    Role,
    Rule,
    RuleKind,
    Side,
    Version,
)
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.image.volume import BONE, NERVE
from spinect_core.planning.choosing import (
    APART_DEGREES,
    KEPT_PART,
    TRIES,
    Chosen,
    Refusal,
    Trade,
    counts_of,
    entries_of,
    fewest,
    front_of,
    order_of,
    unusual,
)
from spinect_core.planning.judging import Asked, Judge, Measured
from spinect_core.planning.needle.light import light_of
from spinect_core.planning.needle.live import Distances, Touch
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.needles import fitting
from spinect_core.planning.needle.palpable import Palpable, palpable_places
from spinect_core.planning.needle.readouts import Readouts, read_out
from spinect_core.planning.needle.risk import HAND_ERRORS, risk
from spinect_core.planning.needle.safety import clearance, crossings, neighbours
from spinect_core.planning.needle.soft_tissue import Back, Way
from spinect_core.planning.needle.surroundings import beside_roots_mm, unknown_mm
from spinect_core.planning.needle.tip import Tip, TipGround
from spinect_core.planning.plausibility.light import CaseLight, light_of_case
from spinect_core.planning.results import Approach, CasePlan, LiveNeedle, NeedlePlan, OrgansSeen
from spinect_core.planning.room import Room
from spinect_core.planning.rules import VIEW_RULES, Finding, barring
from spinect_core.planning.search.angle_map import STEP_DEGREES, AngleMap, Survey
from spinect_core.planning.search.axial import in_plane_trajectory
from spinect_core.planning.search.many_views import Frames
from spinect_core.planning.search.search import Choice, SearchResult, choice_at
from spinect_core.planning.search.search_all import search_all
from spinect_core.planning.search.weights import Reason
from spinect_core.planning.traffic_light import LightFound
from spinect_core.planning.zones.closers import what_closes
from spinect_core.planning.zones.fitted import fit_triangle
from spinect_core.planning.zones.obstacles import TISSUES
from spinect_core.planning.zones.window import Sight

AXIAL_GRID_MM = 0.5
AXIAL_STEP_DEGREES = 2.0
LEAST_SAC_MM2 = 45.0
"""The labelled section of the sac in the middle of its course: 75 mm² and more on two patients and twenty specimens,
27 where only roots were left of it."""
NEAR_ROOT_MM = 15.0
"""Outside of the labels a needle is not green so near to where a root may run; inferred."""
PEDICLE_DEPTH_MM = 8.0
"""Half the depth of a pedicle, in whose middle its landmark lies: so far in front of that begins the back."""
ROOT_REACH_MM = 40.0
"""So far beyond its last known place a root is thought to go on as it ends."""

ORGAN_WARNINGS = (Rule.BOWEL_NEAR, Rule.KIDNEY_NEAR, Rule.ORGANS_UNKNOWN)
"""Of these the light has reasons of its own."""
FIRST_PASSES = 5_000
"""Of each technique: standard errors of at most 0.7 %, less than a tenth of the bands that are reported."""


class Searched(NamedTuple):
    """A zone after the search: its result, the seconds it took, and what there is to know."""

    sight: Sight
    result: SearchResult
    seconds: float
    notes: tuple[Note, ...]


class Tried(NamedTuple):
    """A view with a needle along it, as the rules see it."""

    number: int
    choice: Choice
    needle: Needle
    measured: Measured
    findings: tuple[Finding, ...]


def _tolerance(one: Tried) -> float:
    """The least angular tolerance of its needle."""
    return one.measured.tolerance.angle.amount


def _keeps_most(one: Tried, free: list[Tried]) -> bool:
    """Whether a view keeps most of the largest tolerance of several."""
    return _tolerance(one) >= KEPT_PART * max(map(_tolerance, free))


def _as_measured(chart: AngleMap, barred: Sequence[Tried]) -> AngleMap:
    """A map with the rule, and the organ, that refuses each view along which a needle was measured."""
    refused = np.zeros(len(chart.looks.oblique), np.uint8) if chart.refused is None else chart.refused.copy()
    organs = list(chart.organs or ("",) * len(refused))
    for one in barred:
        by_rule = {each.rule: each for each in reversed(barring(one.findings))}
        for place, rule in enumerate(VIEW_RULES, 1):
            if rule in by_rule:
                refused[one.number], organs[one.number] = place, by_rule[rule].what
                break
    return replace(chart, refused=refused, organs=tuple(organs))


def _with_map(result: SearchResult, chart: AngleMap) -> SearchResult:
    """A search with what the rules say of each view; none that they refuse is an alternative."""
    refused = chart.refused
    others = tuple(
        each for each in result.alternatives if refused is None or not refused[chart.nearest(each.view)]
    )
    return replace(result, map=chart, alternatives=others)


class Picked(NamedTuple):
    """A search with the view that is recommended of it, its needle and why; or why none is."""

    result: SearchResult
    needle: NeedlePlan | None = None
    chosen: Chosen | None = None
    refusal: Refusal | None = None


class Approaches:
    """All approaches of a level, found one after the other.

    Args:
        room: the case.
        landmarks: of the level.
    """

    def __init__(self, room: Room, landmarks: Landmarks) -> None:
        self.room = room
        self.landmarks = landmarks

    def make_ready(self, cancel: Cancel | None = None) -> None:
        """Make all that the approaches share: after that several threads may plan them.

        Args:
            cancel: asked between the steps.

        Raises:
            AnatomyError: the labels do not reach the level.
            Cancelled: the user stopped it.
        """
        self.room.make_ready(cancel)
        _ = self.judge.midline, self.back, self.light
        check(cancel)

    @property
    def withheld(self) -> tuple[Note, ...]:
        """Why nothing of this case is recommended: what was known before, and what stands against level or case."""
        return (*self._doubts, *self.implausible)

    @property
    def _doubts(self) -> tuple[Note, ...]:
        return (*self.room.withheld, *self.landmarks.level_doubts, *self.sac_missing)

    @cached_property
    def light(self) -> CaseLight:
        """Whether the case can be right, and anything of it recommended."""
        values = {**self.room.measured(self.landmarks), CaseCause.WITHHELD: float(len(self._doubts))}
        if self.sac_missing:
            values.pop(CaseCause.SAC_FOUND, None)  # said already
        return light_of_case(values)

    @property
    def implausible(self) -> tuple[Note, ...]:
        """What of the case cannot be right, or is too poor to plan on."""
        return tuple(
            Note.of(NoteCode.IMPLAUSIBLE, cause=each.cause, value=each.value, limit=each.limit)
            for each in self.light.of(Light.RED)
            if each.cause != CaseCause.WITHHELD
        )

    @cached_property
    def sac_missing(self) -> tuple[Note, ...]:
        """That the thecal sac is not labelled, where it is not: what lies beside the midline would count as free."""
        sac = self.landmarks.sac
        # Landmarks that were made without looking at the labels have none.
        section = LEAST_SAC_MM2 if sac is None else sac_section(sac, self.room.labels)
        if section >= LEAST_SAC_MM2:
            return ()
        return (Note.of(NoteCode.SAC_MISSING, level=self.landmarks.level, mm2=section, least=LEAST_SAC_MM2),)

    @cached_property
    def palpable(self) -> tuple[Palpable, ...]:
        """What can be felt through the skin."""
        return palpable_places(self._surface(BONE), self.room.labels.geometry, self.landmarks)

    @cached_property
    def tips(self) -> TipGround:
        """What the tips of needles are looked at on."""
        return TipGround.of(self._ground, self._surface(BONE), self._surface(NERVE))

    @cached_property
    def _ground(self) -> Ground:
        return Ground.of(self.landmarks, self.room.labels)

    @cached_property
    def back(self) -> Back | None:
        """Where nothing but the muscles of the back lies; None without the landmarks."""
        marks, midline = self.landmarks.points, self.judge.midline
        name = f"{self.landmarks.names.upper} pedicle lower margin"
        pedicles = [marks[f"{name} {side}"] for side in SIDES if f"{name} {side}" in marks]
        if midline is None or not pedicles:
            return None
        return Back(midline, float(np.mean([point[1] for point in pedicles])) - PEDICLE_DEPTH_MM)

    @cached_property
    def judge(self) -> Judge:
        """The rules among the landmarks."""
        return Judge(self.room.rules, self.room.guidance, self.landmarks, self.tips, self.room.soft)

    def _surface(self, tissue: int) -> FloatArray:
        """LPS mm (n, 3) of the vertices of a labelled tissue's surface."""
        surfaces = self.room.surfaces
        mesh = self.room.surroundings.kept(tissue, surfaces.bone if tissue == BONE else surfaces.nerve)
        return np.asarray(mesh.points, dtype=np.float64).reshape(-1, 3)

    def zones(self, sides: tuple[Side, ...] = SIDES) -> tuple[tuple[Zone, ...], tuple[Note, ...]]:
        """The zones of the sides, and why some are missing."""
        found: list[Zone] = []
        notes = []
        for side in sides:
            try:
                of_side = zones(self.landmarks, self.room.labels, side, ground=self._ground)
            except MeasurementError as error:
                notes.append(Note.of(NoteCode.NO_TRIANGLE, Side(side), fault=error.fault))
                continue
            for zone in of_side:
                try:
                    _ = zone.membrane
                    found.append(zone)
                except MeasurementError as error:
                    notes.append(Note.of(NoteCode.NO_ZONE, Side(side), zone=zone.name, fault=error.fault))
        return tuple(found), tuple(notes)

    def parts_of(self, points: FloatArray, tissue: int | npt.NDArray[np.uint8]) -> list[str]:
        """Names of the places (n, 3) on the surface of one tissue, or of the tissue of each (n,)."""
        parts = self.landmarks.parts
        each = np.broadcast_to(np.asarray(tissue), len(points))
        names: list[str] = [TISSUES[int(one)] for one in each]
        if parts is not None:
            for one in TISSUES:
                mine = np.flatnonzero(each == one)
                if len(mine):
                    for at, name in zip(mine, parts.of(points[mine], one), strict=True):
                        names[at] = name
        bony = np.flatnonzero(each == BONE)
        beyond = self.room.surroundings.names(np.asarray(points)[bony], self.landmarks.points)
        for at, told in zip(bony, beyond, strict=True):
            names[at] = names[at] if told is None else told
        return names

    def search(
        self,
        wanted: Sequence[Zone],
        *,
        step: float = STEP_DEGREES,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> list[Searched]:
        """Search all lines of sight of zones.

        Where the CT shows no skin behind any trajectory to a zone, it is searched without regard to the skin, and a
        note says so: a field of view narrower than the patient hides the needle's depth, not the window.
        """
        began = time.perf_counter()
        room = self.room
        sights = [Sight(zone, room.obstacles) for zone in wanted]
        grid = room.labels.geometry
        shown = room.surroundings.shown
        found = search_all(
            sights,
            room.skin,
            step=step,
            segmented=grid,
            clearance=room.field,
            shown=shown,
            progress=part_of(progress, 0.0, 0.7),
            cancel=cancel,
        )
        cut_off = [
            number
            for number, result in enumerate(found)
            if result.best is None and bool((result.map.looks.reason == Reason.NO_SKIN).any())
        ]
        again = search_all(
            [sights[number] for number in cut_off],
            None,
            step=step,
            segmented=grid,
            clearance=room.field,
            shown=shown,
            progress=part_of(progress, 0.7, 1.0),
            cancel=cancel,
        )
        seconds = (time.perf_counter() - began) / max(len(sights), 1)
        without_skin = dict(zip(cut_off, again, strict=True))
        return [
            Searched(
                sight, without_skin[number], seconds, (Note(NoteCode.NO_SKIN), *without_skin[number].notes)
            )
            if number in without_skin
            else Searched(sight, result, seconds, result.notes)
            for number, (sight, result) in enumerate(zip(sights, found, strict=True))
        ]

    def approach(
        self,
        searched: Searched,
        *,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Approach:
        """What follows from a search: the triangle in the best window, a needle along the view to recommend.

        Raises:
            MeasurementError: the zone encloses nothing.
            Cancelled: the user stopped it.
        """
        sight, result = searched.sight, searched.result
        zone, best = sight.zone, result.best
        window = best.window if best is not None else sight.window(result.candidate)
        triangle = fit_triangle(sight, window) if window.open else None
        check(cancel)
        progress(0.3, f"{zone.name}: choosing a trajectory")
        closing = None
        if best is None:
            closing = what_closes(sight, result.candidate, self.parts_of, cancel=cancel)
        # Without the skin no needle has an entry: that is the reason, and not what rules say of its place.
        skinless = (note for note in searched.notes if note.code == NoteCode.NO_SKIN)
        withheld = (*gaps_of(zone, self.landmarks), *skinless)
        # The windows are shown as they are; but nobody is led along a view that may rest on a fault.
        picked = self._picked(searched, held=bool(self.withheld or withheld), cancel=cancel)
        progress(0.8, f"{zone.name}: looking along the axial plane")
        chart = picked.result.map
        axial = in_plane_trajectory(
            lambda oblique, tilt: sight.open_area(View.oblique(zone.side, oblique, tilt), AXIAL_GRID_MM),
            step_deg=AXIAL_STEP_DEGREES,
            kept=lambda oblique, tilt: (
                chart.rule(chart.nearest(View.oblique(zone.side, oblique, tilt))) is None
            ),
            cancel=cancel,
        )
        progress(1.0, f"{zone.name}: planned")
        check(cancel)
        shell = self.room.shell
        interval = None if shell is None else shell.window(window)
        return Approach(
            zone,
            picked.result,
            window,
            triangle,
            closing,
            picked.needle,
            axial,
            searched.seconds,
            searched.notes,
            withheld,
            interval,
            picked.chosen,
            picked.refusal,
        )

    def _picked(self, searched: Searched, *, held: bool, cancel: Cancel | None) -> Picked:
        """The view to recommend, and a needle along it; or why there is none."""
        zone, result = searched.sight.zone, searched.result
        aimed = self._aimed(zone, result.map)
        entries, targets = entries_of(aimed), aimed.looks.target
        open_to = aimed.looks.allowed
        tolerance = np.full(len(open_to), np.nan)
        radius = aimed.limits.needle_radius_mm
        tolerance[open_to] = self.room.about_entry.degrees(entries[open_to], targets[open_to], radius, cancel)
        refusals = self.judge.views(zone, aimed, tolerance)
        result = _with_map(result, replace(result.map, refused=refusals.first, organs=refusals.organs))
        if held or result.best is None:
            return Picked(result)
        away = unusual(
            self.room.guidance,
            oblique=result.map.looks.oblique,
            tilt=result.map.looks.tilt,
            lateral_mm=self.judge.lateral_mm(entries),
            depth_mm=aimed.looks.depth_mm,
        )
        left = np.flatnonzero(open_to & (refusals.first == 0))
        survey = self._survey(searched.sight)
        order = order_of(tolerance, away, left.tolist())
        one, widest, tried = self._first_kept(survey, result, order, tolerance, cancel)
        result = _with_map(result, _as_measured(result.map, tried))
        if one is not None and widest is not None:
            trades = tuple(
                Trade(result.map.view(each), float(tolerance[each]), float(away[each]))
                for each in front_of(tolerance, away, left.tolist())
            )
            return self._taken(result, one, widest, trades, cancel)
        nearest = min(tried, key=lambda each: (len(barring(each.findings)), -_tolerance(each)), default=None)
        if nearest is None:
            closest = fewest(refusals, tolerance, np.flatnonzero(open_to).tolist())
            nearest = None if closest is None else self._tried(survey, result, closest, cancel)
        refusal = Refusal(
            int(open_to.sum()),
            counts_of(refusals, [each.findings for each in tried]),
            len(tried),
            None if nearest is None else nearest.choice.view,
            () if nearest is None else barring(nearest.findings),
        )
        return Picked(result, refusal=refusal)

    def _first_kept(
        self,
        survey: Survey,
        result: SearchResult,
        order: list[int],
        tolerance_deg: FloatArray,
        cancel: Cancel | None,
    ) -> tuple[Tried | None, Tried | None, list[Tried]]:
        """The first view that keeps the rules and most of the tolerance, as both are measured along its needle.

        Args:
            survey: of the zone.
            result: of its search.
            order: of the views to try.
            tolerance_deg: about that of each view of the map (n,).
            cancel: asked often.

        Returns:
            That view, the one of the largest tolerance that was measured within the rules, and those that rules bar.
        """
        barred: list[Tried] = []
        free: list[Tried] = []
        passed_over: list[View] = []
        # The widest is measured first: what is kept is a part of that.
        top = max(order, key=lambda number: tolerance_deg[number], default=-1)
        for step, number in enumerate((top, *order) if order else ()):
            view = result.map.view(number)
            if step and number == top:
                if free and free[0].choice.view == view:
                    return free[0], max(free, key=_tolerance), barred
                continue
            if any(view.angle_to(each) < APART_DEGREES for each in passed_over):
                continue
            one = self._tried(survey, result, number, cancel)
            if one is None:
                continue
            (barred if barring(one.findings) else free).append(one)
            if step and one in free and _keeps_most(one, free):
                return one, max(free, key=_tolerance), barred
            # Views beside the widest are wide as well, and may be more ordinary.
            passed_over += [view] if step or one in barred else []
            if len(barred) + len(free) == TRIES:
                break
        widest = max(free, key=_tolerance, default=None)
        return widest, widest, barred

    def _aimed(self, zone: Zone, chart: AngleMap) -> AngleMap:
        """The map with the places that needles are aimed at, and what was measured along the ways to those."""
        looks, skin = chart.looks, self.room.skin
        vectors = Frames.of(chart.side, looks.oblique, looks.tilt).vector
        aims = self.judge.aims(zone, looks.target, looks.radius_mm, vectors, chart.limits.needle_radius_mm)
        moved = np.flatnonzero(looks.allowed & (aims != looks.target).any(axis=1))
        if not len(moved):
            return chart
        depth, bone, nerve = looks.depth_mm.copy(), looks.bone_mm.copy(), looks.nerve_mm.copy()
        if skin is not None and np.isfinite(depth[moved]).any():
            depth[moved] = skin.depth(aims[moved], vectors[moved])
        near = self.room.field.along(aims[moved], vectors[moved])
        bone[moved], nerve[moved] = near[BONE], near[NERVE]
        return replace(chart, looks=replace(looks, target=aims, depth_mm=depth, bone_mm=bone, nerve_mm=nerve))

    def _survey(self, sight: Sight) -> Survey:
        """For single views of a zone."""
        room = self.room
        return Survey(
            sight,
            room.skin,
            segmented=room.labels.geometry,
            shown=room.surroundings.shown,
            clearance=room.field,
            threads=1,
        )

    def _tried(
        self, survey: Survey, result: SearchResult, number: int, cancel: Cancel | None
    ) -> Tried | None:
        """A view of the map with a needle along it, as the rules see it; None where no needle can be placed."""
        looks, best = result.map.looks, result.best
        if best is None:
            return None
        at = float(looks.oblique[number]), float(looks.tilt[number])
        largest = best.window.area_mm2
        choice = choice_at(survey, result.weights, at, None, largest, best)
        if choice.window.centre is None:
            return None
        aim = self.judge.aims(
            result.zone,
            choice.window.centre[None],
            np.array([choice.window.radius_mm]),
            choice.view.vector[None],
            result.map.limits.needle_radius_mm,
        )
        needle = self._needle(result.zone, choice.view, aim[0])
        if needle is None:
            return None
        measured = self.measure(needle, cancel)
        return Tried(number, choice, needle, measured, self.judge.needle(needle, measured, searched=True))

    def _taken(
        self, result: SearchResult, one: Tried, best: Tried, trades: tuple[Trade, ...], cancel: Cancel | None
    ) -> Picked:
        """The recommended view with its needle, and why it is that."""
        needle = self.measured(one.needle, zone=result.zone, known=one.measured, searched=True, cancel=cancel)
        widest = result.best or one.choice
        chosen = Chosen(
            self.room.guidance,
            one.choice.view,
            _tolerance(one),
            _tolerance(best),
            best.choice.view,
            one.choice.window.area_mm2,
            widest.view,
            widest.window.area_mm2,
            trades,
        )
        return Picked(replace(result, recommended=one.choice), needle, chosen)

    def needle_along(
        self,
        zone: Zone,
        view: View,
        target: npt.ArrayLike,
        *,
        name: str = "",
        author: Author = Author.AUTOMATIC,
        gauge: int = 22,
        cancel: Cancel | None = None,
    ) -> NeedlePlan | None:
        """The needle that comes along a view to a target LPS mm (3,); None where the CT shows no skin there."""
        needle = self._needle(zone, view, target, name=name, author=author, gauge=gauge)
        return None if needle is None else self.measured(needle, zone=zone, cancel=cancel)

    def _needle(
        self,
        zone: Zone,
        view: View,
        target: npt.ArrayLike,
        *,
        name: str = "",
        author: Author = Author.AUTOMATIC,
        gauge: int = 22,
    ) -> Needle | None:
        skin = self.room.skin
        point = np.asarray(target, dtype=np.float64)
        entry = None if skin is None else skin.entry(point, view.vector)
        if entry is None:
            return None
        fit = fitting(float(np.linalg.norm(entry - point)), gauge)
        longest = fit.needle.length_mm if fit.needle is not None else 178.0
        return Needle(
            name=name or zone.name[0].upper() + zone.name[1:],
            kind=zone.kind,
            side=zone.side,
            level=zone.level,
            version=zone.version,
            entry=_three(entry),
            target=_three(point),
            gauge=gauge,
            length_mm=longest,
            author=author,
        )

    def measure(self, needle: Needle, cancel: Cancel | None = None) -> Measured:
        """What the rules ask of a needle, without its risks and neighbours."""
        room = self.room
        check(cancel)
        along = clearance(needle, room.obstacles)
        check(cancel)
        tolerance = room.aim.tolerance(needle, cancel=cancel)
        check(cancel)
        crossed = crossings(needle, room.obstacles, self.parts_of)
        way, tip, readouts = self._beside(needle)
        return Measured(along, tolerance, crossed, tip, readouts, way)

    def _beside(self, needle: Needle) -> tuple[Way | None, Tip, Readouts]:
        """Of a needle its soft tissue, its tip, and what is set in the room."""
        room = self.room
        way = None if room.soft is None else room.soft.way(needle, self.back)
        tip = self.tips.tip_of(needle, None if way is None else way.vessel_behind_mm)
        readouts = read_out(
            needle,
            self.landmarks.points,
            scan=room.scan,
            palpable=self.palpable,
            gantry_limit_deg=room.rules[Rule.GANTRY].value,
        )
        return way, tip, readouts

    # ------------------------------------------------------------------------------------------- a needle that is moved

    def moved(
        self, needle: Needle, *, target: FloatArray | None = None, towards: FloatArray | None = None
    ) -> Needle | None:
        """A needle with another target, or in another direction; None where the CT shows no skin there.

        Args:
            needle: so far.
            target: LPS mm (3,), where the needle is to end; its entry stays.
            towards: vector (3,), any length but zero, from the target to where the needle is to come from.

        Raises:
            MeasurementError: entry and target would lie in one place.
        """
        tip = np.asarray(needle.target if target is None else target, dtype=np.float64)
        entry: FloatArray | None = np.asarray(needle.entry)
        if towards is not None:
            entry = None if self.room.skin is None else self.room.skin.entry(tip, towards)
        if entry is None:
            return None
        fit = fitting(float(np.linalg.norm(entry - tip)), needle.gauge)
        length = (fit.needle or fit.longest).length_mm
        return replace(needle, entry=_three(entry), target=_three(tip), length_mm=length)

    def live(self, needle: Needle, zone: Zone | None = None) -> LiveNeedle:
        """A needle that is moved, with all that the rules ask of it; quick enough for every move.

        Args:
            needle: the plan.
            zone: that it goes to; None where that is not known.
        """
        room = self.room
        crossed = crossings(needle, room.obstacles, self.parts_of)
        along, tolerance = room.live.distances(needle, crossed), room.live.angles(needle, crossed)
        way, tip, readouts = self._beside(needle)
        asked = Asked(along, tolerance, crossed, tip, readouts, way)
        findings = self.judge.needle(needle, asked)
        light = self._light(needle, asked, findings, zone)
        return LiveNeedle(
            needle,
            along,
            tolerance,
            crossed,
            self._touches(along),
            readouts,
            tip,
            light,
            findings,
            way,
        )

    def _touches(self, along: Distances) -> tuple[Touch, ...]:
        """What a needle comes nearest to."""
        found = []
        for tissue, each in (
            (BONE, along.bone),
            (NERVE, min(along.nerve, along.nerve_at_target, key=lambda one: one.gap_mm)),
        ):
            if np.isfinite(each.gap_mm):
                [name] = self.parts_of(np.asarray([each.place]), tissue)
                found.append(Touch(name, TISSUES[tissue], each.gap_mm, each.depth_mm, each.place))
        return tuple(found)

    def make_live(self) -> None:
        """Make now what the first needle that is moved would have to wait for."""
        _ = self.light, self.palpable, self.back, self.tips
        for tissue, mesh in self.room.obstacles.meshes.items():
            place = np.asarray(mesh.points[:1], dtype=np.float64)
            self.room.obstacles.distance(place, tissue)
            self.parts_of(place, tissue)
        _ = self.room.live

    def measured(
        self,
        needle: Needle,
        *,
        zone: Zone | None = None,
        known: Measured | None = None,
        searched: bool = False,
        cancel: Cancel | None = None,
    ) -> NeedlePlan:
        """A needle with all that is measured along it.

        Args:
            needle: the plan.
            zone: that it goes to; None where that is not known.
            known: what was measured of it already.
            searched: whether its view was chosen from those that were searched.
            cancel: asked often.
        """
        room = self.room
        part = known or self.measure(needle, cancel)
        risks = tuple(risk(needle, room.aim, error, needles=FIRST_PASSES) for error in HAND_ERRORS)
        check(cancel)
        shell, along = room.shell, part.along
        sure = None if shell is None else shell.needle(needle, along.bone.gap_mm, along.nerve.gap_mm)
        check(cancel)
        findings = self.judge.needle(needle, part, searched=searched)
        return NeedlePlan(
            needle,
            fitting(needle.depth_mm, needle.gauge).words,
            along,
            part.tolerance,
            risks,
            part.crossed,
            neighbours(needle, room.obstacles, self.parts_of, along=part.along),
            tip=part.tip,
            light=self._light(needle, part, findings, zone),
            readouts=part.readouts,
            interval=sure,
            findings=findings,
            way=part.way,
        )

    def _light(
        self, needle: Needle, part: Asked, findings: tuple[Finding, ...], zone: Zone | None
    ) -> LightFound[LightCause]:
        """How much care a trajectory needs."""
        scan, reasons = self.room.scan, list(self.withheld)
        along, barred = part.along, len(barring(findings))
        # what is not known passes no limit; where it bars, it counts among the reasons below
        warned = sum(
            each.kind == RuleKind.WARN and each.value is not None and each.rule not in ORGAN_WARNINGS
            for each in findings
        )
        organs = [
            None if part.way is None else part.way.gap_mm(rule) for rule in (Rule.BOWEL_MET, Rule.KIDNEY_MET)
        ]
        roots = {name: root.points for name, root in self.landmarks.roots.items()}
        border = gap = None
        if zone is not None:
            border = min(each.confidence for each in zone.borders)
            of_zone = gaps_of(zone, self.landmarks)
            gap = sum((note.values["mm"] for note in of_zone if note.code == NoteCode.ROOT_GAP), start=0.0)
            reasons += [note for note in of_zone if note.code != NoteCode.ROOT_GAP]
        return light_of(
            {
                LightCause.TOLERANCE: part.tolerance.angle.amount,
                LightCause.BONE_GAP: along.bone.gap_mm,
                LightCause.NERVE_GAP: along.nerve.gap_mm,
                LightCause.BORDER: border,
                LightCause.GAP: gap,
                LightCause.SLICES: None if scan is None else scan.slice_mm,
                LightCause.WAY: unknown_mm(needle, self.room.labels, self.room.surroundings),
                LightCause.NERVE_WAY: beside_roots_mm(
                    needle, self.room.labelled, roots, NEAR_ROOT_MM, ROOT_REACH_MM
                ),
                LightCause.ORGAN_GAP: min((each for each in organs if each is not None), default=None),
                LightCause.ORGANS_WAY: None if part.way is None else part.way.unvouched_mm,
                LightCause.WARNED: float(warned),
                LightCause.CASE: float(len(self.light.of(Light.AMBER))),
                LightCause.WITHHELD: float(len(reasons) + barred),
            }
        )


def plan_level(
    room: Room,
    *,
    sides: tuple[Side, ...] = SIDES,
    level: str = LUMBOSACRAL,
    shift: int | None = None,
    lumbar: int | None = None,
    landmarks: Landmarks | None = None,
    step: float = STEP_DEGREES,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> CasePlan:
    """Find a level, its zones and the best trajectory to each.

    Args:
        room: the case.
        sides: where triangles are wanted.
        level: which.
        shift: of the numbering by the user, see :func:`spinect_core.anatomy.landmarks.find_landmarks`.
        lumbar: how many lumbar vertebrae the user has counted, see there.
        landmarks: of the level, where they are known or were moved by the user.
        step: degrees between the views of the angle map.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        AnatomyError: too little bone to find a level in.
    """
    if landmarks is None:
        # What needs no landmarks is made beside; it knows nothing of what is looked for meanwhile.
        with beside(room.make_ready, cancel) as ready:
            landmarks = find_landmarks(
                room.labels,
                level=level,
                shift=shift,
                lumbar=lumbar,
                progress=part_of(progress, 0.0, 0.2),
                cancel=cancel,
            )
            ready.result()
    landmarks = room.with_suppositions(landmarks, cancel)
    work = Approaches(room, landmarks)
    wanted, missing = work.zones(sides)
    notes = [*landmarks.notes, *missing]
    searched = work.search(wanted, step=step, progress=part_of(progress, 0.2, 0.6), cancel=cancel)
    found, failed = _approaches(work, searched, part_of(progress, 0.6, 1.0), cancel)
    notes += (*failed, *room.surroundings.notes)
    return CasePlan(
        landmarks,
        with_other_routes(found),
        tuple(notes),
        room.warnings,
        work.withheld,
        room.rules,
        room.guidance,
        work.light,
        None if room.organs is None else OrgansSeen.of(room.organs),
    )


def _approaches(
    work: Approaches, searched: Sequence[Searched], progress: Progress, cancel: Cancel | None
) -> tuple[list[Approach], list[Note]]:
    """What follows from each search, and why there is nothing of some."""

    def one(number: int, note: Progress) -> Approach | Note:
        zone = searched[number].sight.zone
        try:
            return work.approach(searched[number], progress=note, cancel=cancel)
        except MeasurementError as error:
            return Note.of(NoteCode.NOT_PLANNED, zone.side, zone=zone.name, fault=error.fault)

    if not searched:
        return [], []
    # Search trees among it, which only one thread may make.
    work.make_ready(cancel)
    every = side_by_side(one, len(searched), "trajectories chosen", progress=progress, cancel=cancel)
    made = [each for each in every if isinstance(each, Approach)]
    return made, [each for each in every if isinstance(each, Note)]


def with_other_routes(approaches: Sequence[Approach]) -> tuple[Approach, ...]:
    """The approaches, those that the rules refuse with the names of the triangles of their side that they do not."""
    free = [each.zone for each in approaches if each.needle is not None]

    def told(each: Approach) -> Approach:
        if each.refusal is None:
            return each
        others = tuple(zone.name for zone in free if zone.side == each.zone.side)
        return replace(each, refusal=replace(each.refusal, others=others))

    return tuple(map(told, approaches))


def gaps_of(zone: Zone, landmarks: Landmarks) -> tuple[Note, ...]:
    """The gaps of the roots on which the borders of a zone were drawn: there the true border may lie elsewhere."""
    names = landmarks.names
    made_from = {Role.HYPOTENUSE: names.exiting}
    if zone.version == Version.NEURAL:
        made_from[Role.HEIGHT] = names.traversing
    found = []
    for border in zone.borders:
        name = made_from.get(border.role)
        if name is None:
            continue
        root = landmarks.roots.get(f"{name} {zone.side}")
        unseen = root is None and bool(landmarks.roots)
        if unseen or (root is not None and border.role == Role.HYPOTENUSE and root.ends_early):
            found.append(Note.of(NoteCode.ROOT_CUT, zone.side, root=name))
        if root is not None:
            found += [gap_note(root, gap) for gap in gaps_beside(root, border.points)]
    return tuple(found)


def gap_note(root: RootFound, gap: Gap) -> Note:
    """That a root is not labelled along a stretch of its course."""
    return Note.of(NoteCode.ROOT_GAP, root.side, root=root.root, mm=gap.length_mm, place=gap.place)


def _three(point: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z
