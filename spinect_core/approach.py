"""The planning of a case: from labels to zones, their best views, and needles along them with what they pass.

Joins anatomy and planning; both know nothing of each other.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spinect_core.anatomy.borders import zones
from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
from spinect_core.errors import MeasurementError
from spinect_core.planning.axial import InPlaneWay, in_plane_way
from spinect_core.planning.clearance import Clearance as ClearanceField
from spinect_core.planning.closers import Closing, what_closes
from spinect_core.planning.fitted import FittedTriangle, fit_triangle
from spinect_core.planning.needle import Needle
from spinect_core.planning.needles import fitting
from spinect_core.planning.obstacles import TISSUES, Obstacles
from spinect_core.planning.risk import FREE_HAND, LASER, Risk, risk
from spinect_core.planning.safety import Clearance, Crossing, Neighbour, clearance, crossings, neighbours
from spinect_core.planning.search import SearchResult, search
from spinect_core.planning.skin import Skin
from spinect_core.planning.tolerance import Aim, Tolerance
from spinect_core.planning.triangle import SIDES, Triangle
from spinect_core.planning.view import View
from spinect_core.planning.weights import Reason
from spinect_core.planning.window import FreeWindow, Sight
from spinect_core.planning.zone import Zone
from spinect_core.progress import Cancel, Progress, check, part_of, silent
from spinect_core.surfaces import Surfaces
from spinect_core.volume import FloatArray, Labels, Volume

AXIAL_GRID_MM = 0.5
NO_SKIN_NOTE = (
    "The CT does not show the skin where the ways in would pass: "
    "depth, entry and length of the needle are not known"
)


@dataclass(frozen=True, eq=False)
class NeedlePlan:
    """A needle and what was measured along it.

    Attributes:
        needle: entry, target, type.
        fits: whether a standard needle is long enough, in words.
        clearance: to bone and nerve along the way.
        tolerance: how far hand or breathing may err.
        risks: free hand and laser-guided.
        crossings: structures on its line, in order.
        neighbours: structures within 2 mm.
    """

    needle: Needle
    fits: str
    clearance: Clearance
    tolerance: Tolerance
    risks: tuple[Risk, ...]
    crossings: tuple[Crossing, ...]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, eq=False)
class Approach:
    """What was found for one zone.

    Attributes:
        zone: the triangle's borders.
        search: over all lines of sight.
        window: in the view of the largest window; in the view nearest to being open where none opens.
        triangle: the largest that fits that window; None where nothing is open.
        closing: what closes the zone, where no view is open to a needle; else None.
        needle: along the recommended view; None without an open view or without skin.
        axial: whether an axial slice holds a way.
        seconds: it took.
        notes: what there is to know.
    """

    zone: Zone
    search: SearchResult
    window: FreeWindow
    triangle: FittedTriangle | None
    closing: Closing | None
    needle: NeedlePlan | None
    axial: InPlaneWay
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What was found, in a sentence."""
        name = self.zone.name[0].upper() + self.zone.name[1:]
        best = self.search.best
        if best is None:
            closed = "no view is open to a needle" if self.closing is None else self.closing.words
            return f"{name}: no way in; seen {self.window.view.words} it is {closed}."
        text = (
            f"{name}: {best.window.area_mm2:.1f} mm² open {best.view.words}, a circle of "
            f"{2 * best.window.radius_mm:.1f} mm fits"
        )
        if self.needle is not None:
            err = self.needle.tolerance.angle
            text += f"; the needle {self.needle.needle.words} forgives {err.amount:.1f}°"
        return f"{text}. {self.axial.words}"


class Room:
    """A case made ready for planning: obstacles, skin, names of places.

    Args:
        labels: 0 background, 1 bone, 2 nerve; the 1 mm labels of the segmentation.
        surfaces: of these labels.
        volume: the CT, for the skin; without it depths are not known.
    """

    def __init__(self, labels: Labels, surfaces: Surfaces, volume: Volume | None = None) -> None:
        self.labels = labels
        self.obstacles = Obstacles.of(surfaces)
        self._volume = volume

    @cached_property
    def skin(self) -> Skin | None:
        """The patient's skin; None without a CT or where it shows none."""
        if self._volume is None:
            return None
        try:
            return Skin.of(self._volume)
        except MeasurementError:
            return None

    @cached_property
    def aim(self) -> Aim:
        """For tolerances."""
        return Aim(self.obstacles)

    @cached_property
    def field(self) -> ClearanceField:
        """For distances along many ways."""
        return ClearanceField(self.obstacles)


class Approaches:
    """All approaches of a level, found one after the other.

    Args:
        room: the case.
        landmarks: of the level.
    """

    def __init__(self, room: Room, landmarks: Landmarks) -> None:
        self.room = room
        self.landmarks = landmarks

    def zones(self, sides: tuple[str, ...] = SIDES) -> tuple[tuple[Zone, ...], tuple[str, ...]]:
        """The zones of the sides, and why some are missing."""
        found: list[Zone] = []
        notes = []
        for side in sides:
            try:
                found += zones(self.landmarks, self.room.labels, side)
            except MeasurementError as error:
                notes.append(f"No triangle on the {side}: {error.fault}")
        return tuple(found), tuple(notes)

    def parts_of(self, points: FloatArray, tissue: int | npt.NDArray[np.uint8]) -> list[str]:
        """Names of the places (n, 3) on the surface of one tissue, or of the tissue of each (n,)."""
        parts = self.landmarks.parts
        each = np.broadcast_to(np.asarray(tissue), len(points))
        names = [TISSUES[int(one)] for one in each]
        if parts is not None:
            for one in TISSUES:
                mine = np.flatnonzero(each == one)
                if len(mine):
                    for at, name in zip(mine, parts.of(points[mine], one), strict=True):
                        names[at] = name
        return names

    def approach(
        self, zone: Zone, *, step: float = 2.0, progress: Progress = silent, cancel: Cancel | None = None
    ) -> Approach:
        """Search all lines of sight of a zone, and lay a needle along the one to recommend.

        Raises:
            MeasurementError: the zone encloses nothing.
            Cancelled: the user stopped it.
        """
        began = time.perf_counter()
        sight = Sight(zone, self.room.obstacles)
        result, notes = self._search(sight, step, part_of(progress, 0.0, 0.6), cancel)
        check(cancel)
        best = result.best
        window = best.window if best is not None else sight.window(result.candidate)
        triangle = fit_triangle(sight, window) if window.open else None
        check(cancel)
        progress(0.65, "looking along the axial plane")
        axial = in_plane_way(
            lambda oblique, tilt: (
                sight.window(View.oblique(zone.side, oblique, tilt), AXIAL_GRID_MM).area_mm2
            ),
            step_deg=2.0,
            cancel=cancel,
        )
        closing = needle = None
        if best is None:
            progress(0.7, "naming what closes the window")
            closing = what_closes(sight, result.candidate, self.parts_of, cancel=cancel)
        elif result.recommended is not None and result.recommended.window.centre is not None:
            progress(0.75, "measuring along the needle")
            view, centre = result.recommended.view, result.recommended.window.centre
            needle = self.needle_along(zone, view, centre, cancel=cancel)
        progress(1.0, f"{zone.name} planned")
        return Approach(
            zone, result, window, triangle, closing, needle, axial, time.perf_counter() - began, notes
        )

    def needle_along(
        self,
        zone: Zone,
        view: View,
        target: npt.ArrayLike,
        *,
        name: str = "",
        author: str = "automatic",
        gauge: int = 22,
        cancel: Cancel | None = None,
    ) -> NeedlePlan | None:
        """The needle that comes along a view to a target LPS mm (3,); None where the CT shows no skin there."""
        skin = self.room.skin
        point = np.asarray(target, dtype=np.float64)
        entry = None if skin is None else skin.entry(point, view.vector)
        if entry is None:
            return None
        fit = fitting(float(np.linalg.norm(entry - point)), gauge)
        longest = fit.needle.length_mm if fit.needle is not None else 178.0
        needle = Needle(
            name=name or zone.name.capitalize(),
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
        return self.measured(needle, fit.words, cancel=cancel)

    def measured(self, needle: Needle, fits: str = "", *, cancel: Cancel | None = None) -> NeedlePlan:
        """A needle with all that is measured along it."""
        room = self.room
        check(cancel)
        along = clearance(needle, room.obstacles)
        check(cancel)
        tolerance = room.aim.tolerance(needle)
        check(cancel)
        risks = tuple(risk(needle, room.aim, error) for error in (FREE_HAND, LASER))
        check(cancel)
        return NeedlePlan(
            needle,
            fits or fitting(needle.depth_mm, needle.gauge).words,
            along,
            tolerance,
            risks,
            crossings(needle, room.obstacles, self.parts_of),
            neighbours(needle, room.obstacles, self.parts_of),
        )

    def _search(
        self, sight: Sight, step: float, progress: Progress, cancel: Cancel | None
    ) -> tuple[SearchResult, tuple[str, ...]]:
        room = self.room
        result = search(
            sight,
            room.skin,
            step=step,
            segmented=room.labels.geometry,
            clearance=room.field,
            progress=part_of(progress, 0.0, 0.8),
            cancel=cancel,
        )
        cut_off = result.best is None and bool((result.map.looks.reason == Reason.NO_SKIN).any())
        if not cut_off:
            return result, result.notes
        # A field of view narrower than the patient: the window is there, only the needle's depth is unknown.
        result = search(
            sight,
            None,
            step=step,
            segmented=room.labels.geometry,
            clearance=room.field,
            progress=part_of(progress, 0.8, 1.0),
            cancel=cancel,
        )
        return result, (NO_SKIN_NOTE, *result.notes)


@dataclass(frozen=True, eq=False)
class CasePlan:
    """The planning of a level.

    Attributes:
        landmarks: of the level.
        approaches: one for each zone that was found.
        notes: what is doubtful or missing, in words.
    """

    landmarks: Landmarks
    approaches: tuple[Approach, ...]
    notes: tuple[str, ...]

    @property
    def triangles(self) -> tuple[Triangle, ...]:
        """The fitted triangle of each open window: one Kambin (the bony one, else the neural) and one safe a side."""
        kept: dict[tuple[str, str], Triangle] = {}
        for each in self.approaches:
            if each.triangle is not None:
                kept.setdefault((each.zone.side, each.zone.kind), each.triangle.triangle)
        return tuple(kept.values())


def plan_level(
    room: Room,
    *,
    sides: tuple[str, ...] = SIDES,
    level: str = "L5/S1",
    shift: int = 0,
    landmarks: Landmarks | None = None,
    step: float = 2.0,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> CasePlan:
    """Find a level, its zones and the best way in to each.

    Args:
        room: the case.
        sides: where triangles are wanted.
        level: which.
        shift: of the numbering by the user, see :func:`spinect_core.anatomy.landmarks.find_landmarks`.
        landmarks: of the level, where they are known or were moved by the user.
        step: degrees between the views of the angle map.
        progress: told how far it is.
        cancel: asked often.

    Raises:
        PlanError: too little bone to find a level in.
    """
    if landmarks is None:
        landmarks = find_landmarks(
            room.labels, level=level, shift=shift, progress=part_of(progress, 0.0, 0.2), cancel=cancel
        )
    work = Approaches(room, landmarks)
    wanted, missing = work.zones(sides)
    notes = [*landmarks.notes, *missing]
    found = []
    for number, zone in enumerate(wanted):
        part = part_of(progress, 0.2 + 0.8 * number / len(wanted), 0.2 + 0.8 * (number + 1) / len(wanted))
        try:
            found.append(work.approach(zone, step=step, progress=_named(part, zone), cancel=cancel))
        except MeasurementError as error:
            notes.append(f"The {zone.name} could not be planned: {error.fault}")
    return CasePlan(landmarks, tuple(found), tuple(notes))


def _named(progress: Progress, zone: Zone) -> Progress:
    def report(part: float, message: str) -> None:
        progress(part, f"{zone.name}: {message}")

    return report


def _three(point: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z
