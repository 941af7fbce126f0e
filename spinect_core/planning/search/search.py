"""The trajectories to a zone: the view of its largest window, and those that differ.

What to recommend is chosen of the views by :mod:`spinect_core.planning.choosing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.words import Side
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.image.volume import Geometry
from spinect_core.planning.needle.clearance import Clearance
from spinect_core.planning.search.angle_map import (
    OBLIQUE_DEGREES,
    STEP_DEGREES,
    TILT_DEGREES,
    AngleMap,
    Looks,
    Skin,
    Survey,
    angle_map,
)
from spinect_core.planning.search.many_views import Frames
from spinect_core.planning.search.ridge import Ridge, find_ridge
from spinect_core.planning.search.weights import Limits, Reason, Weights
from spinect_core.planning.zones.window import FreeWindow, Sight

FINEST_DEGREES = 0.25
"""The best views are found to this."""
APART_DEGREES = 8.0
"""The smallest angle between two alternatives."""
WORTH_A_LOOK = 0.25
"""The smallest area of an alternative, as a part of the best area."""
STARTS = 6
"""How many of the map's peaks are climbed for the best view."""
PEAK = 0.85
"""Part of the map's largest area from which a peak is climbed: between two views of the map it may rise to the best."""
TOLD_MM = 0.5
"""Less of a way than this is not told to be unknown."""
_ROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
Angles = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Choice:
    """One view that is worth taking.

    Attributes:
        view: the line of sight, to 0.25°.
        window: what is open along it.
        depth_mm: from the skin to the window's centre; None without skin.
        bone_mm: smallest distance of the trajectory through the window's centre to bone; infinite without bone.
        nerve_mm: the same to nerve.
        ends_before_skin: the labels end before the skin: from there on bone is known by its density, nerve is not.
        score: 0 to 1, to compare views by; it recommends nothing.
        terms: of the score, 0 to 1 each; None where what it rests on is not known.
        words: how it differs from the best view; empty for the best view itself.
        segmented_mm: of the way, from the target, that lies where bone and nerve were looked for; None where that is
            not known.
        known_mm: of the way, from the target, on which bone is known, by labels or density; None with it.
        unknown_mm: of the way up to the skin, what is beyond that; None where the skin is not known.
    """

    view: View
    window: FreeWindow
    depth_mm: float | None
    bone_mm: float
    nerve_mm: float
    ends_before_skin: bool
    score: float
    terms: Mapping[str, float | None]
    words: str = ""
    segmented_mm: float | None = None
    known_mm: float | None = None
    unknown_mm: float | None = None

    @property
    def oblique(self) -> float:
        """Ipsilateral degrees."""
        return self.view.azimuth if self.window.zone.side == Side.LEFT else -self.view.azimuth


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What the search over all views of one zone has found.

    Attributes:
        zone: the triangle.
        map: every view of the grid.
        score: of the views (n,) of the map, 0 to 1; not a number for those that are not allowed.
        best: the allowed view of the largest window; None where no view is allowed.
        recommended: the view that the rules leave and a careful operator would take; None as the search makes it.
        ridge: the good views round the best one.
        alternatives: peaks of the area at least 8° apart with at least a quarter of the best area, largest first.
        candidate: the view of the map that comes nearest to being open, where none is allowed; else the best view.
        notes: what a reader of the result has to know.
        weights: of the score.
    """

    zone: Zone
    map: AngleMap
    score: FloatArray
    best: Choice | None
    recommended: Choice | None
    ridge: Ridge | None
    alternatives: tuple[Choice, ...]
    candidate: View
    notes: tuple[Note, ...]
    weights: Weights

    @property
    def allowed_count(self) -> int:
        """Views of the map that keep every hard limit."""
        return int(self.map.looks.allowed.sum())


def search(
    sight: Sight,
    skin: Skin | None,
    *,
    step: float = STEP_DEGREES,
    limits: Limits | None = None,
    weights: Weights | None = None,
    segmented: Geometry | None = None,
    shown: Geometry | None = None,
    clearance: Clearance | None = None,
    threads: int = 2,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> SearchResult:
    """Find the best trajectories over oblique 0 to 60° and tilt -40 to +40° on the zone's own side.

    The same input gives the same result, whatever the number of threads.

    Args:
        sight: the zone among bone and nerve.
        skin: the patient's; without it depths are unknown and nothing is refused for them.
        step: degrees between the views of the map.
        limits: what every view has to keep.
        weights: of the score.
        segmented: the grid in which bone and nerve were looked for, so that trajectories that leave it are recognised.
        shown: the grid in which bone is known by its density.
        clearance: of the same obstacles, to share between zones.
        threads: at work at the same time.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        MeasurementError: the zone encloses nothing, or the step makes no map.
        Cancelled: the user stopped it.
    """
    survey = Survey(
        sight, skin, limits=limits, segmented=segmented, shown=shown, clearance=clearance, threads=threads
    )
    weights = weights or Weights()
    chart = angle_map(survey, step=step, progress=part_of(progress, 0.0, 0.75), cancel=cancel)
    looks = chart.looks
    score = np.full(len(looks.area_mm2), np.nan)
    if not looks.allowed.any():
        nearest = int(np.lexsort((looks.seen_mm2, looks.area_mm2, looks.radius_mm))[-1])
        notes = _notes(chart, survey, None)
        return SearchResult(
            sight.zone, chart, score, None, None, None, (), chart.view(nearest), notes, weights
        )
    climb = _Climb(survey, step, cancel)
    progress(0.76, "refining the best views")
    peaks = _peaks(chart)
    summits = climb.to_the_top([_angles(looks, k) for k in peaks])
    measured = {at: sight.window(View.oblique(chart.side, *at)) for at in summits[:2]}
    top = max(measured, key=lambda at: measured[at].area_mm2)
    largest = measured[top].area_mm2
    progress(0.86, "weighing the views")
    terms = _terms(looks, weights, largest, survey.limits)
    score[looks.allowed] = weights.score(terms)[looks.allowed]

    def choose(at: Angles, than: Choice | None) -> Choice:
        check(cancel)
        return choice_at(survey, weights, at, measured.get(at), largest, than)

    best = choose(top, None)
    progress(0.93, "comparing alternatives")
    others = climb.to_the_top([_angles(looks, k) for k in _far_peaks(chart, cancel)])
    alternatives = tuple(choose(at, best) for at in _apart(chart.side, [top, *others])[1:])
    ridge = find_ridge(chart, top, largest)
    progress(1.0, "search finished")
    return SearchResult(
        sight.zone,
        chart,
        score,
        best,
        None,
        ridge,
        tuple(one for one in alternatives if one.window.area_mm2 >= WORTH_A_LOOK * largest),
        best.view,
        _notes(chart, survey, best),
        weights,
    )


class _Climb:
    """From views of the map to the highest view nearby, by smaller and smaller steps of both angles."""

    def __init__(self, survey: Survey, step: float, cancel: Cancel | None) -> None:
        self._survey, self._step, self._cancel = survey, step, cancel
        self._known: dict[Angles, float] = {}

    def to_the_top(self, starts: list[Angles]) -> list[Angles]:
        """The tops that are reached, highest first, each once."""
        places = list(dict.fromkeys(starts))
        size = self._step / 2
        while places:
            size = max(size, FINEST_DEGREES)
            moved = True
            while moved:
                rounds = {place: self._near(place, size) for place in places}
                self._learn([at for near in rounds.values() for at in near])
                # The first of equals stays: nothing wanders on a plateau.
                after = [max(rounds[place], key=self._known.__getitem__) for place in places]
                moved = after != places
                places = list(dict.fromkeys(after))
            if size == FINEST_DEGREES:
                break
            size /= 2
        return sorted(places, key=lambda at: (-self._known[at], at))

    def _near(self, place: Angles, size: float) -> list[Angles]:
        around = [(place[0] + i * size, place[1] + j * size) for i, j in _ROUND]
        return [
            place,
            *(
                (round(turn, 6), round(lean, 6))
                for turn, lean in around
                if OBLIQUE_DEGREES[0] <= turn <= OBLIQUE_DEGREES[1]
                and TILT_DEGREES[0] <= lean <= TILT_DEGREES[1]
            ),
        ]

    def _learn(self, places: list[Angles]) -> None:
        new = [at for at in dict.fromkeys(places) if at not in self._known]
        if not new:
            return
        turn, lean = np.array(new).T
        looks = self._survey.look(turn, lean, clearances=False, cancel=self._cancel)
        values = np.where(looks.allowed, looks.area_mm2, -1.0)
        self._known.update(zip(new, values.tolist(), strict=True))


def _angles(looks: Looks, index: int) -> Angles:
    return float(looks.oblique[index]), float(looks.tilt[index])


def _open_area(chart: AngleMap) -> FloatArray:
    return np.where(chart.looks.allowed, chart.looks.area_mm2, 0.0)


def _local_maxima(chart: AngleMap) -> BoolArray:
    """Whether no neighbour on the map is larger (n,)."""
    area = np.asarray(chart.grid(_open_area(chart)), dtype=np.float64)
    around = np.pad(area, 1)
    highest = np.max(
        [around[1 + i : 1 + i + area.shape[0], 1 + j : 1 + j + area.shape[1]] for i, j in _ROUND], axis=0
    )
    return np.asarray((area >= highest).ravel())


def _peaks(chart: AngleMap) -> list[int]:
    """The highest local maxima of the area among allowed views."""
    area = _open_area(chart)
    found = np.flatnonzero(_local_maxima(chart) & (area >= PEAK * area.max()))
    return [int(k) for k in found[np.argsort(-area[found], kind="stable")][:STARTS]]


def _far_peaks(chart: AngleMap, cancel: Cancel | None) -> list[int]:
    """Allowed views without a better one within 8°, the largest first."""
    area = _open_area(chart)
    vectors = Frames.of(chart.side, chart.looks.oblique, chart.looks.tilt).vector
    open_to = np.flatnonzero(area > 0)
    worth = np.flatnonzero(_local_maxima(chart) & (area >= WORTH_A_LOOK * PEAK * area.max()))
    found: list[int] = []
    for k in worth[np.argsort(-area[worth], kind="stable")]:
        check(cancel)
        near = vectors[open_to] @ vectors[k] > np.cos(np.radians(APART_DEGREES))
        if area[k] >= area[open_to][near].max():
            found.append(int(k))
    return found


def _apart(side: str, places: list[Angles]) -> list[Angles]:
    """Those that lie far enough from all before them."""
    kept: list[Angles] = []
    for at in places:
        view = View.oblique(side, *at)
        if all(view.angle_to(View.oblique(side, *other)) >= APART_DEGREES for other in kept):
            kept.append(at)
    return kept


def _terms(looks: Looks, weights: Weights, largest: float, limits: Limits) -> dict[str, FloatArray]:
    return weights.terms(
        oblique=looks.oblique,
        area_mm2=looks.area_mm2,
        radius_mm=looks.radius_mm,
        nerve_mm=looks.nerve_mm,
        bone_mm=looks.bone_mm,
        depth_mm=looks.depth_mm,
        largest_mm2=largest,
        limits=limits,
    )


def choice_at(
    survey: Survey,
    weights: Weights,
    at: Angles,
    window: FreeWindow | None,
    largest: float,
    best: Choice | None,
) -> Choice:
    """What a view is worth.

    Args:
        survey: of the zone.
        weights: of the score.
        at: ipsilateral oblique and cranial tilt in degrees.
        window: what is open along it; measured if not given.
        largest: mm² of the zone's largest window.
        best: the view of that, to tell how this one differs; None for that view itself.
    """
    view = View.oblique(survey.side, *at)
    window = window or survey.sight.window(view)
    target = np.full(3, np.nan) if window.centre is None else window.centre
    looks = survey.at(view, window.area_mm2, window.radius_mm, target)
    terms = _terms(looks, weights, largest, survey.limits)
    depth = float(looks.depth_mm[0])
    choice = Choice(
        view,
        window,
        _number(depth),
        float(looks.bone_mm[0]),
        float(looks.nerve_mm[0]),
        bool(looks.ends_before_skin[0]),
        float(weights.score(terms)[0]),
        {name: None if np.isnan(value[0]) else float(value[0]) for name, value in terms.items()},
        segmented_mm=_number(looks.segmented_mm[0]),
        known_mm=_number(looks.known_mm[0]),
        unknown_mm=_number(looks.unknown_mm[0]),
    )
    return choice if best is None else Choice(**{**vars(choice), "words": difference(best, choice)})


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def difference(best: Choice, other: Choice) -> str:
    """How a view differs from the best one, in words: angles, area, depth, clearance to nerve."""
    parts = []
    turn, lean = other.oblique - best.oblique, other.view.elevation - best.view.elevation
    if abs(turn) >= 1:
        parts.append(f"{abs(turn):.0f}° {'more' if turn > 0 else 'less'} oblique")
    if abs(lean) >= 1:
        parts.append(f"{abs(lean):.0f}° more {'cranial' if lean > 0 else 'caudal'}")
    area = other.window.area_mm2 - best.window.area_mm2
    if abs(area) >= 0.1:
        parts.append(f"{abs(area):.1f} mm² {'larger' if area > 0 else 'smaller'}")
    if other.depth_mm is not None and best.depth_mm is not None:
        deeper = other.depth_mm - best.depth_mm
        if abs(deeper) >= 1:
            parts.append(f"{abs(deeper):.0f} mm {'deeper' if deeper > 0 else 'shallower'}")
    if np.isfinite([other.nerve_mm, best.nerve_mm]).all():
        farther = other.nerve_mm - best.nerve_mm
        if abs(farther) >= 0.1:
            parts.append(f"{abs(farther):.1f} mm {'farther from' if farther > 0 else 'closer to'} nerve")
    return ", ".join(parts) or "the same view"


def _way_notes(best: Choice) -> list[Note]:
    """What is not known of the way along the best view."""
    labelled, known = best.segmented_mm, best.known_mm
    if labelled is None or known is None:
        return []
    if best.depth_mm is None:
        return [Note.of(NoteCode.WAY_KNOWN, mm=known)]
    notes = []
    by_density = min(known, best.depth_mm) - labelled
    if by_density >= TOLD_MM:
        notes.append(Note.of(NoteCode.ENDS_BEFORE_SKIN, mm=by_density))
    if best.unknown_mm is not None and best.unknown_mm >= TOLD_MM:
        notes.append(Note.of(NoteCode.WAY_UNKNOWN, mm=best.unknown_mm, depth=best.depth_mm))
    return notes


def _notes(chart: AngleMap, survey: Survey, best: Choice | None) -> tuple[Note, ...]:
    notes = []
    if survey.skin is None:
        notes.append(Note(NoteCode.SKIN_UNKNOWN))
    if best is None:
        reasons: npt.NDArray[np.integer] = np.bincount(chart.looks.reason)
        notes.append(Note.of(NoteCode.NO_VIEW, reason=Reason(int(reasons.argmax()))))
    else:
        notes += _way_notes(best)
        if best.oblique >= OBLIQUE_DEGREES[1] or abs(best.view.elevation) >= TILT_DEGREES[1]:
            notes.append(Note(NoteCode.AT_THE_EDGE))
    return tuple(notes)
