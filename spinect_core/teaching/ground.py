"""What attempts at a case are scored against: the truth of its labels, and the best that the program's rules leave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import AnatomyError, PlanError
from spinect_core.base.progress import Cancel, Progress, part_of, silent
from spinect_core.base.words import Kind, Side, Version
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.planning.choosing import KEPT_PART
from spinect_core.planning.level import Approaches, plan_level
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.needles import fitting
from spinect_core.planning.results import Approach, CasePlan
from spinect_core.planning.room import Room
from spinect_core.planning.search.angle_map import STEP_DEGREES
from spinect_core.planning.zones.window import FreeWindow, Sight
from spinect_core.surfaces import build_surfaces
from spinect_core.teaching.drawing import Pictures
from spinect_core.teaching.records import TaskRecord
from spinect_core.teaching.words import Story

LONGEST_MM = 178.0


@dataclass(frozen=True, eq=False)
class Best:
    """The best that the rules leave in one zone.

    Attributes:
        approach: the planning of the zone.
        area_mm2: of the largest window among the views that the rules leave; 0 where they leave none.
        radius_mm: of the largest circle among those.
        tolerance_deg: the largest that was measured within the rules; 0 without any.
        window: in the recommended view; in that of the largest window where no needle is recommended.
    """

    approach: Approach
    area_mm2: float
    radius_mm: float
    tolerance_deg: float
    window: FreeWindow

    @classmethod
    def of(cls, approach: Approach) -> Best:
        """Of a planning that has searched every view of the map."""
        looks, refused = approach.search.map.looks, approach.search.map.refused
        left = looks.allowed if refused is None else looks.allowed & (refused == 0)
        chosen, recommended = approach.chosen, approach.search.recommended
        window = approach.window if recommended is None else recommended.window
        area = float(looks.area_mm2[left].max(initial=0.0))
        radius = float(looks.radius_mm[left].max(initial=0.0))
        if recommended is not None:  # finer than the map
            area, radius = max(area, window.area_mm2), max(radius, window.radius_mm)
        return cls(approach, area, radius, 0.0 if chosen is None else chosen.best_deg, window)

    @property
    def indicated(self) -> bool:
        """Whether a needle should be placed here."""
        return self.approach.needle is not None

    @property
    def view(self) -> View:
        """Of the best trajectory."""
        return self.window.view

    @property
    def full_area_mm2(self) -> float:
        """Full marks from here: an ordinary view nearly as good as the widest is no worse."""
        return min(self.window.area_mm2, KEPT_PART * self.area_mm2)

    @property
    def full_radius_mm(self) -> float:
        """The same of the largest circle."""
        return min(self.window.radius_mm, KEPT_PART * self.radius_mm)

    @property
    def full_tolerance_deg(self) -> float:
        """The same of the angular tolerance; 0 without a needle."""
        needle = self.approach.needle
        return 0.0 if needle is None else min(needle.tolerance.angle.amount, KEPT_PART * self.tolerance_deg)


class Ground:
    """A case ready for scoring. What is not asked is not computed.

    Args:
        pictures: of the case.
        step: degrees between the views that are searched.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        AnatomyError: too little bone to find the level in.
        Cancelled: the user stopped it.
    """

    def __init__(
        self,
        pictures: Pictures,
        *,
        step: float = STEP_DEGREES,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> None:
        self.pictures, self._step = pictures, step
        surfaces = build_surfaces(pictures.labels, progress=part_of(progress, 0.0, 0.4), cancel=cancel)
        self.room = Room(pictures.labels, surfaces, pictures.volume, organs=pictures.organs)
        self.landmarks: Landmarks = find_landmarks(
            pictures.labels, progress=part_of(progress, 0.4, 1.0), cancel=cancel
        )
        self._plans: dict[Side, CasePlan] = {}

    @cached_property
    def work(self) -> Approaches:
        """What measures needles."""
        return Approaches(self.room, self.room.with_suppositions(self.landmarks))

    @cached_property
    def checksum(self) -> str:
        """Of the labels."""
        return self.pictures.checksum

    def plan(self, side: Side, *, progress: Progress = silent, cancel: Cancel | None = None) -> CasePlan:
        """The planning of a side, by the program's own search of every view under its own rules."""
        if side not in self._plans:
            self._plans[side] = plan_level(
                self.room,
                sides=(side,),
                landmarks=self.landmarks,
                step=self._step,
                progress=progress,
                cancel=cancel,
            )
        return self._plans[side]

    def best(
        self,
        side: Side,
        kind: Kind,
        version: Version,
        *,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Best:
        """The best in a zone.

        Raises:
            AnatomyError: the labels do not show its borders.
        """
        wanted = (kind, version if kind == Kind.KAMBIN else Version.NONE)
        for approach in self.plan(side, progress=progress, cancel=cancel).approaches:
            if (approach.zone.kind, approach.zone.version) == wanted:
                return Best.of(approach)
        raise AnatomyError(
            f"The labels do not show the borders of the {side} {kind} triangle", "Give the case other tasks"
        )

    def best_of(self, task: TaskRecord) -> Best:
        """The best in the zone of a task."""
        return self.best(task.side, task.kind, task.version)

    def needle(
        self, zone: Zone, entry: tuple[float, float, float], target: tuple[float, float, float]
    ) -> Needle:
        """The needle through two points, from the skin on, wherever between skin and target it was said to begin.

        Raises:
            PlanError: the two points are one.
        """
        way = np.subtract(entry, target)
        if float(np.linalg.norm(way)) < 1.0:
            raise PlanError("Entry and target are one place", "Place the needle again")
        skin = self.room.skin
        found: FloatArray | None = None if skin is None else skin.entry(target, way)
        x, y, z = (float(value) for value in (entry if found is None else found))
        fit = fitting(float(np.linalg.norm(np.subtract((x, y, z), target))), 22)
        return Needle(
            name="",
            kind=zone.kind,
            side=zone.side,
            level=zone.level,
            version=zone.version,
            entry=(x, y, z),
            target=target,
            length_mm=LONGEST_MM if fit.needle is None else fit.needle.length_mm,
            created="",
        )

    def sight(self, zone: Zone) -> Sight:
        """A zone among bone and nerve."""
        return Sight(zone, self.room.obstacles)


def stories_of(plan: CasePlan, kind: Kind, version: Version) -> set[Story]:
    """What the planning of one side shows of the stories that a case may be there for, in one of its zones."""
    if plan.withheld or any(each.withheld for each in plan.approaches):
        return {Story.DOUBT}
    if not plan.approaches:
        return set()
    if all(each.needle is None for each in plan.approaches):
        return {Story.NOTHING}
    for each in plan.approaches:
        if (each.zone.kind, each.zone.version) == (kind, version) and each.needle is not None:
            axial = each.axial.possible and each.axial.kept
            return {Story.TRAJECTORY, Story.AXIAL if axial else Story.OBLIQUE_ONLY}
    return set()
