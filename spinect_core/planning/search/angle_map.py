"""What each line of sight to a zone is worth: window, tolerance, depth and clearance over a grid of angles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.words import Rule, Side
from spinect_core.geometry.view import View
from spinect_core.image.volume import BONE, NERVE, Geometry
from spinect_core.planning.needle.clearance import Clearance
from spinect_core.planning.rules import VIEW_RULES
from spinect_core.planning.search.many_views import Frames, ManyViews, Openings
from spinect_core.planning.search.weights import Limits, Reason
from spinect_core.planning.zones.window import Sight

OBLIQUE_DEGREES = (0.0, 60.0)
TILT_DEGREES = (-40.0, 40.0)
"""What a C-arm reaches round a prone patient."""
STEP_DEGREES = 2.0
VIEWS_AT_ONCE = 32
MOSTLY = 0.9
"""A view counts as blocked by one tissue alone if that tissue is the first to cover at least this part of the zone."""
Part_co = TypeVar("Part_co", covariant=True)


class Skin(Protocol):
    """Anything that knows where the patient's skin is."""

    def depth(self, points: FloatArray, directions: FloatArray) -> FloatArray:
        """Mm (n,) from points (n, 3) along unit vectors (n, 3) to the skin; not a number where the CT ends before."""


@dataclass(frozen=True, eq=False)
class Looks:
    """What was found along n lines of sight of one side.

    Attributes:
        oblique: ipsilateral degrees (n,).
        tilt: degrees (n,), cranial positive.
        area_mm2: of the largest open piece of the zone (n,), 0 where nothing is open.
        radius_mm: of the largest circle in it (n,).
        target: LPS mm (n, 3), the circle's middle on the zone; not a number where nothing is open.
        depth_mm: from the skin to the target (n,); not a number without skin.
        bone_mm: smallest distance of the trajectory through the target to bone (n,); infinite without bone, not a
            number where the needle does not fit or it was not asked for.
        nerve_mm: the same to nerve.
        segmented_mm: how much of the trajectory, from the target, lies where bone and nerve were looked for (n,); not a
            number where that is not known.
        known_mm: how much of it lies where bone is known, by labels or by the density that the CT shows (n,); not a
            number where ``segmented_mm`` is none.
        seen_mm2: of the zone that is in sight where nothing is open (n,), with whatever covers it.
        reason: values of :class:`spinect_core.planning.search.weights.Reason` (n,).
    """

    oblique: FloatArray
    tilt: FloatArray
    area_mm2: FloatArray
    radius_mm: FloatArray
    target: FloatArray
    depth_mm: FloatArray
    bone_mm: FloatArray
    nerve_mm: FloatArray
    segmented_mm: FloatArray
    known_mm: FloatArray
    seen_mm2: FloatArray
    reason: npt.NDArray[np.uint8]

    @property
    def allowed(self) -> BoolArray:
        """Whether a view keeps every hard limit (n,)."""
        return np.asarray(self.reason == Reason.ALLOWED)

    @property
    def ends_before_skin(self) -> BoolArray:
        """Whether the labels end before the skin (n,): from there on nerve is not known, bone by its density alone."""
        return np.asarray(self.segmented_mm < self.depth_mm)

    @property
    def unknown_mm(self) -> FloatArray:
        """How much of the way up to the skin neither labels nor CT show (n,); not a number where it is not known."""
        return np.asarray(np.maximum(self.depth_mm - self.known_mm, 0.0))


@dataclass(frozen=True, eq=False)
class AngleMap:
    """Looks over a grid of angles.

    Attributes:
        side: the patient's "left" or "right".
        obliques: ipsilateral degrees (a,), rising.
        tilts: degrees (b,), rising, cranial positive.
        looks: of all a * b views, tilts running fastest.
        limits: the hard ones that hold.
        refused: (a * b,) the place, from 1, in :data:`spinect_core.planning.rules.VIEW_RULES` of the rule for which a
            view is not recommended; 0 where none bars it. None where no rule was asked.
        organs: (a * b,) the organ that this rule is about; empty where it is about none, and where no rule was asked.
    """

    side: str
    obliques: FloatArray
    tilts: FloatArray
    looks: Looks
    limits: Limits
    refused: npt.NDArray[np.uint8] | None = None
    organs: tuple[str, ...] = ()

    def grid(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Values (a * b, ...) of the views as [oblique, tilt, ...]."""
        return values.reshape(len(self.obliques), len(self.tilts), *values.shape[1:])

    @property
    def area_mm2(self) -> FloatArray:
        """Areas [oblique, tilt]."""
        return np.asarray(self.grid(self.looks.area_mm2), dtype=np.float64)

    @property
    def allowed(self) -> BoolArray:
        """Allowed views [oblique, tilt]."""
        return np.asarray(self.grid(self.looks.allowed), dtype=bool)

    def rule(self, index: int) -> Rule | None:
        """The rule for which one of the views is not recommended."""
        number = 0 if self.refused is None else int(self.refused[index])
        return VIEW_RULES[number - 1] if number else None

    def organ(self, index: int) -> str:
        """The organ for which one of the views is not recommended; empty where it is none."""
        return self.organs[index] if self.organs else ""

    def nearest(self, view: View) -> int:
        """The number of the look nearest to a line of sight, among the allowed ones where there are any.

        What is asked of a view between those of the grid has to be that of a view that is open to a needle: rules are
        asked of no other.
        """
        vectors = Frames.of(self.side, self.looks.oblique, self.looks.tilt).vector
        near = vectors @ view.vector
        allowed = self.looks.allowed
        return int(np.where(allowed, near, -np.inf).argmax() if allowed.any() else near.argmax())

    def organs_of(self, rule: Rule) -> tuple[str, ...]:
        """The organs for which a rule refuses views, that of the most views first; none of a rule about none."""
        number = VIEW_RULES.index(rule) + 1
        named = (
            [] if self.refused is None or not self.organs else np.flatnonzero(self.refused == number).tolist()
        )
        counts = Counter(self.organs[index] for index in named if self.organs[index])
        return tuple(name for name, _ in counts.most_common())

    def view(self, index: int) -> View:
        """The line of sight of one of the looks."""
        return View.oblique(self.side, float(self.looks.oblique[index]), float(self.looks.tilt[index]))


class Survey:
    """A zone that is looked at along many lines of sight.

    Args:
        sight: the zone among its obstacles.
        skin: the patient's; without it depths are unknown and nothing is refused for them.
        limits: hard ones.
        segmented: the grid in which bone and nerve were looked for, if known.
        shown: the grid of the CT, in which bone is known by its density; None without one.
        clearance: of the same obstacles; pass it on when several zones share them, making it takes a second.
        grid_mm: of the windows; by the size of the zone when absent.
        threads: at work at the same time. The result does not depend on it.

    Raises:
        MeasurementError: the zone encloses nothing.
    """

    def __init__(
        self,
        sight: Sight,
        skin: Skin | None = None,
        *,
        limits: Limits | None = None,
        segmented: Geometry | None = None,
        shown: Geometry | None = None,
        clearance: Clearance | None = None,
        grid_mm: float | None = None,
        threads: int = 2,
    ) -> None:
        self.sight = sight
        self.skin = skin
        self.limits = limits or Limits()
        self.segmented, self.shown = segmented, shown
        self.side = sight.zone.side
        self._threads = threads
        self._many = ManyViews(sight.zone, sight.obstacles, grid_mm)
        self._clearance = clearance or Clearance(sight.obstacles)

    def look(
        self,
        oblique: npt.ArrayLike,
        tilt: npt.ArrayLike,
        *,
        clearances: bool = True,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Looks:
        """Look along lines of sight.

        Args:
            oblique: ipsilateral degrees (n,).
            tilt: degrees (n,), cranial positive.
            clearances: whether distances to bone and nerve are wanted.
            progress: called with the fraction done (0 to 1) and the stage.
            cancel: asked often.

        Raises:
            Cancelled: the user stopped it.
        """
        turn = np.atleast_1d(np.asarray(oblique, dtype=np.float64))
        lean = np.atleast_1d(np.asarray(tilt, dtype=np.float64))
        frames = Frames.of(self.side, turn, lean)

        # Few views are shared out too. By their number alone, so that the threads make no difference.
        size = int(np.clip(-(-len(turn) // 2), 8, VIEWS_AT_ONCE))

        def part(first: int) -> tuple[Openings, FloatArray, FloatArray]:
            check(cancel)
            some = frames.take(slice(first, first + size))
            openings = self._many.openings(some)
            near = np.full((2, len(openings.area_mm2)), np.nan)
            wide = np.flatnonzero(openings.radius_mm >= self.limits.needle_radius_mm)
            if clearances and len(wide):
                check(cancel)
                found = self._clearance.along(openings.target[wide], some.vector[wide])
                near[:, wide] = found[BONE], found[NERVE]
            return openings, near[0], near[1]

        done = self._in_threads(part, range(0, len(turn), size), progress, cancel)
        openings = Openings(
            *(np.concatenate([getattr(one[0], field.name) for one in done]) for field in fields(Openings))
        )
        bone, nerve = (np.concatenate([one[k] for one in done]) for k in (1, 2))
        return self._judged(turn, lean, frames, openings, bone, nerve)

    def at(self, view: View, area_mm2: float, radius_mm: float, target: FloatArray) -> Looks:
        """One look whose window is already known.

        Args:
            view: the line of sight, on the zone's own side.
            area_mm2: of the window.
            radius_mm: of its largest circle.
            target: LPS mm (3,), that circle's middle.
        """
        oblique = view.azimuth if self.side == Side.LEFT else -view.azimuth
        turn, lean = np.array([oblique]), np.array([view.elevation])
        frames = Frames.of(self.side, turn, lean)
        openings = Openings(
            np.array([area_mm2]),
            np.array([area_mm2]),
            np.array([radius_mm]),
            np.asarray(target, dtype=np.float64)[None],
            np.array([[1, 0, 0]]),
        )
        found = self._clearance.along(openings.target, frames.vector)
        return self._judged(turn, lean, frames, openings, found[BONE], found[NERVE])

    def _in_threads(
        self, part: _Work[Part_co], starts: Sequence[int], progress: Progress, cancel: Cancel | None
    ) -> list[Part_co]:
        done: list[Part_co] = []
        with ThreadPoolExecutor(self._threads) as pool:
            waiting: list[Future[Part_co]] = [pool.submit(part, first) for first in starts]
            try:
                for future in waiting:
                    done.append(future.result())
                    check(cancel)
                    progress(len(done) / len(waiting), f"{len(done)} of {len(waiting)} batches of views")
            finally:
                for future in waiting:
                    future.cancel()
        return done

    def _judged(
        self,
        turn: FloatArray,
        lean: FloatArray,
        frames: Frames,
        openings: Openings,
        bone: FloatArray,
        nerve: FloatArray,
    ) -> Looks:
        count = len(turn)
        opened = np.flatnonzero(openings.radius_mm > 0)
        targets, directions = openings.target[opened], frames.vector[opened]
        depth, segmented, known = (np.full(count, np.nan) for _ in range(3))
        if self.skin is not None and len(opened):
            depth[opened] = self.skin.depth(targets, directions)
        if self.segmented is not None and len(opened):
            segmented[opened] = _way_inside(self.segmented, targets, directions)
            known[opened] = segmented[opened]
            if self.shown is not None:
                known[opened] = np.maximum(segmented[opened], _way_inside(self.shown, targets, directions))
        met = openings.met_first
        reason = np.full(count, Reason.ALLOWED, dtype=np.uint8)
        if self.skin is not None:
            reason[depth > self.limits.deepest_mm] = Reason.TOO_DEEP
            reason[np.isnan(depth)] = Reason.NO_SKIN
        reason[openings.radius_mm < self.limits.needle_radius_mm] = Reason.NARROW
        shut = met[:, 0] == 0
        most = MOSTLY * met.sum(axis=1)
        reason[shut] = Reason.BONE_AND_NERVE
        reason[shut & (met[:, 1] >= most)] = Reason.BONE
        reason[shut & (met[:, 2] >= most)] = Reason.NERVE
        reason[met.sum(axis=1) == 0] = Reason.NOT_SEEN
        return Looks(
            turn,
            lean,
            openings.area_mm2,
            openings.radius_mm,
            openings.target,
            depth,
            bone,
            nerve,
            segmented,
            known,
            met.sum(axis=1) * self._many.grid_mm**2,
            reason,
        )


class _Work(Protocol[Part_co]):
    def __call__(self, first: int, /) -> Part_co: ...


def angle_map(
    survey: Survey,
    *,
    step: float = STEP_DEGREES,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> AngleMap:
    """Look at a zone over all oblique angles 0 to 60° and tilts -40 to +40°, every view computed.

    Args:
        survey: the zone.
        step: degrees between views; both ranges end in a view, whatever the step.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        MeasurementError: the step is not between 0.25° and 20°.
        Cancelled: the user stopped it.
    """
    if not 0.25 <= step <= 20.0:
        raise MeasurementError(f"A step of {step}° makes no map", "Choose 0.25° to 20°")
    obliques, tilts = _angles(OBLIQUE_DEGREES, step), _angles(TILT_DEGREES, step)
    turn, lean = np.meshgrid(obliques, tilts, indexing="ij")
    looks = survey.look(turn.ravel(), lean.ravel(), progress=progress, cancel=cancel)
    return AngleMap(survey.side, obliques, tilts, looks, survey.limits)


def join(looks: Iterable[Looks]) -> Looks:
    """Several looks one after the other."""
    every = list(looks)
    return Looks(*(np.concatenate([getattr(one, field.name) for one in every]) for field in fields(Looks)))


def take(looks: Looks, which: npt.NDArray[np.integer] | BoolArray) -> Looks:
    """Some of the looks."""
    return Looks(*(getattr(looks, field.name)[which] for field in fields(Looks)))


def _angles(ends: tuple[float, float], step: float) -> FloatArray:
    count = int(np.floor((ends[1] - ends[0]) / step + 1e-9))
    angles = ends[0] + step * np.arange(count + 1)
    return np.asarray(angles if ends[1] - angles[-1] < 1e-9 else np.append(angles, ends[1]))


def _way_inside(grid: Geometry, points: FloatArray, directions: FloatArray) -> FloatArray:
    """Mm (n,) from points along unit vectors to where they leave a grid; 0 from outside."""
    start = grid.to_index(points)
    per_mm = grid.to_index(points + directions) - start
    low, high = -0.5, np.asarray(grid.shape) - 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        leaves = np.where(per_mm > 0, (high - start) / per_mm, (low - start) / per_mm)
    leaves[per_mm == 0] = np.inf
    inside = ((start >= low) & (start <= high)).all(axis=1)
    return np.asarray(np.where(inside, leaves.min(axis=1), 0.0))
