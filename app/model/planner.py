"""The planning in the window: finds the trajectories, keeps what was computed at hand, and adjusts it with the user."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model import work
from app.model.case_model import Case, CaseModel
from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.triangle import DEFAULT_LEVEL
from spinect_core.plan.records import NeedleRecord, Planning
from spinect_core.plan.wording import Way as Trajectory
from spinect_core.plan.wording import doubts as warnings_of
from spinect_core.plan.wording import ways as trajectories_of

if TYPE_CHECKING:
    from spinect_core.pipeline.replanning import Planned
    from spinect_core.plan.records import SearchRecord
    from spinect_core.planning.level import Room
    from spinect_core.planning.results import Approach, CasePlan
    from spinect_core.planning.search.angle_map import AngleMap
    from spinect_core.planning.zones.window import Sight

FINDING = "Finding trajectories"
AGAIN = "Find trajectories again to adjust"
"""Shown where only the records of a planning are there."""
KEPT_PLANS = 12
"""So many steps back the angle maps are still at hand."""
Start = Callable[[str, Any, Callable[[Any], None]], None]


class Planner(QObject):
    """The trajectories, and the one that is looked at.

    Attributes:
        rows: the trajectories, from the records.
        chosen: key of the one that is looked at, "" for none.
        plan: all that was computed for the present records; None if they were opened from disk.

    Signals:
        changed: other rows, or what can be done with them.
        chosen_changed: another trajectory is looked at.
        said: a sentence for the status bar.
        found: trajectories were looked for, with or without success.
    """

    changed = Signal()
    chosen_changed = Signal()
    said = Signal(str)
    found = Signal()

    def __init__(self, model: CaseModel, start: Start, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._start = model, start
        self.rows: tuple[Trajectory, ...] = ()
        self.chosen = ""
        self.plan: CasePlan | None = None
        self._kept: list[tuple[Planning, CasePlan]] = []
        self._room: tuple[object, object, Room] | None = None
        self._sights: dict[int, Sight] = {}
        model.planning_changed.connect(self._on_planning)
        model.case_opened.connect(self._on_case)
        model.labels_changed.connect(self._on_labels)
        model.selection_changed.connect(self._on_selection)

    # -------------------------------------------------------------------------------------------- what is there

    @property
    def current(self) -> Trajectory | None:
        """The one that is looked at."""
        return next((each for each in self.rows if each.key == self.chosen), None)

    @property
    def room(self) -> Room | None:
        """The case ready for planning; None until trajectories were looked for."""
        case = self._model.case
        if self._room is None or case is None:
            return None
        segmentation, volume, room = self._room
        return room if segmentation is case.segmentation and volume is case.volume else None

    @property
    def can_adjust(self) -> bool:
        """Whether what was computed is at hand."""
        return self.plan is not None and self.room is not None

    def approach(self, trajectory: Trajectory | None) -> Approach | None:
        """What was computed for the zone of a trajectory."""
        from spinect_core.plan.build import key_of

        plan = self.plan
        if plan is None or trajectory is None or not trajectory.zone_key:
            return None
        return next((each for each in plan.approaches if key_of(each.zone) == trajectory.zone_key), None)

    def search(self, trajectory: Trajectory | None) -> SearchRecord | None:
        """The record of the search for the zone of a trajectory, a user's needle included."""
        if trajectory is None or trajectory.search is not None:
            return None if trajectory is None else trajectory.search
        return next((each.search for each in self.rows if each.key == trajectory.zone_key), None)

    def chart(self, trajectory: Trajectory | None) -> AngleMap | None:
        """The angle map of the zone of a trajectory: as it was computed, or as the opened document keeps it."""
        approach, record, case = self.approach(trajectory), self.search(trajectory), self._model.case
        if approach is not None:
            return approach.search.map
        if trajectory is None or record is None or case is None or record.map not in case.files:
            return None
        return _kept_map(case.files[record.map], trajectory.side)

    def sight(self, trajectory: Trajectory | None) -> Sight | None:
        """The zone of a trajectory, ready to be looked at along any line of sight."""
        from spinect_core.planning.zones.window import Sight

        approach, room = self.approach(trajectory), self.room
        if approach is None or room is None:
            return None
        key = id(approach)
        if key not in self._sights:
            self._sights[key] = Sight(approach.zone, room.obstacles)
        return self._sights[key]

    # ------------------------------------------------------------------------------------------------- choosing

    def choose(self, key: str) -> None:
        """Look at a trajectory: in its recommended view, with the cross-hair at its target. "" for none."""
        self.chosen = key if any(each.key == key for each in self.rows) else ""
        trajectory = self.current
        if trajectory is not None:
            self._model.select(None)
            if trajectory.target is not None:
                self._model.set_cursor(trajectory.target)
            if trajectory.view is not None:
                self._model.set_view(trajectory.view)
        self.chosen_changed.emit()

    # -------------------------------------------------------------------------------------------------- finding

    def find(self, level: str = "", shift: int | None = None) -> None:
        """Look for the trajectories of a level.

        Args:
            level: which; the present one when absent.
            shift: of the numbering by the user; the present one when absent.
        """
        case = self._model.case
        if case is None or case.segmentation is None or case.surfaces is None:
            return
        before = self._model.planning
        name = level or (before.level.name if before.level is not None else DEFAULT_LEVEL)
        moved = (before.level.shift if before.level is not None else 0) if shift is None else shift
        room = self.room

        def found(result: tuple[Room, Planned]) -> None:
            if self._keep(case, *result):
                self._show_found(case, result[1])

        self._start(
            FINDING,
            lambda progress, cancel: work.find_trajectories(
                case, room, before, (name, moved), progress, cancel
            ),
            found,
        )

    def _show_found(self, case: Case, planned: Planned) -> None:
        plan = planned.plan
        case.notes = (*(approach.words for approach in plan.approaches), *plan.notes)
        self._take_over(planned, "find trajectories")
        first = next((each for each in self.rows if each.needle is not None), None)
        first = first or next(iter(self.rows), None)
        self.choose("" if first is None else first.key)
        self.said.emit("\n".join((_summary(plan, warnings_of(planned.records)), *case.notes)))
        self.found.emit()

    # ------------------------------------------------------------------------------------------------ adjusting

    def place_needle(self, to_cursor: bool = False) -> None:
        """A needle of the user's along the present view, to the middle of what is open, or to the cross-hair."""
        case, plan, room, sight = self._model.case, self.plan, self.room, self.sight(self.current)
        if case is None or plan is None or room is None or sight is None:
            return
        before, view = self._model.planning, self._model.view
        target = np.array(self._model.cursor) if to_cursor else None
        landmarks = plan.landmarks

        def placed(planning: Planning) -> None:
            if self._model.case is case and self._model.planning is before:
                self._model.set_planning(planning, "place a needle")
                self.choose(self.rows[-1].key)
                self.said.emit(f"{self.rows[-1].title}: {self.rows[-1].needle_text}, {view.words}")

        self._start(
            "Measuring the needle",
            lambda progress, cancel: work.place_needle(
                room, landmarks, sight, view, before, target, progress, cancel
            ),
            placed,
        )

    def delete_needle(self) -> None:
        """Delete the user's needle that is looked at."""
        from spinect_core.pipeline.replanning import without_needle

        trajectory = self.current
        if trajectory is None or not trajectory.own or trajectory.needle is None:
            return
        zone = trajectory.zone_key
        record: NeedleRecord = trajectory.needle
        self._model.set_planning(without_needle(self._model.planning, record), f"delete {trajectory.title}")
        self.choose(zone)

    def move_landmark(self, name: str) -> None:
        """Move a landmark to the cross-hair and plan its side again."""
        case, plan, room = self._model.case, self.plan, self.room
        if case is None or plan is None or room is None:
            return
        before, point = self._model.planning, np.array(self._model.cursor)

        def moved(planned: Planned) -> None:
            if self._model.planning is before and self._keep(case, room, planned):
                chosen, view = self.chosen, self._model.view
                self._take_over(planned, f"move {name}")
                self.chosen = chosen if any(each.key == chosen for each in self.rows) else ""
                self._model.set_view(view)
                self.chosen_changed.emit()
                self.said.emit(f"{name} moved; its side was planned again.")

        self._start(
            f"Moving {name}",
            lambda progress, cancel: work.move_landmark(room, plan, before, name, point, progress, cancel),
            moved,
        )

    # ----------------------------------------------------------------------------------------------------- slots

    def _keep(self, case: Case, room: Room, planned: Planned) -> bool:
        if self._model.case is not case or case.segmentation is None:
            return False
        if room.labels is not case.segmentation.labels_1mm:
            return False
        self._room = (case.segmentation, case.volume, room)
        self._kept = [(planned.records, planned.plan), *self._kept][:KEPT_PLANS]
        alive = {id(each) for _, plan in self._kept for each in plan.approaches}
        self._sights = {key: sight for key, sight in self._sights.items() if key in alive}
        return True

    def _take_over(self, planned: Planned, text: str) -> None:
        self._model.replace_found(planned.plan.triangles, planned.records, text)
        if self.plan is not planned.plan:
            self._on_planning()  # the same records as before, as those of an opened plan may be, are no change

    def _on_planning(self) -> None:
        now = self._model.planning
        self.rows = trajectories_of(now)
        # the user's needles come and go; what was computed belongs to landmarks and zones
        self.plan = next(
            (
                plan
                for records, plan in self._kept
                if (records.landmarks, records.zones) == (now.landmarks, now.zones)
            ),
            None,
        )
        if self.chosen and self.current is None:
            self.chosen = ""
        self.changed.emit()
        self.chosen_changed.emit()

    def _on_case(self) -> None:
        self._forget()
        self.changed.emit()

    def _on_labels(self) -> None:
        if self.room is None:
            self._forget()
            self.changed.emit()

    def _forget(self) -> None:
        self.plan, self._kept, self._room, self._sights = None, [], None, {}

    def _on_selection(self) -> None:
        if self._model.selected is not None and self.chosen:
            self.chosen = ""
            self.chosen_changed.emit()


@lru_cache(maxsize=16)
def _kept_map(table: bytes, side: str) -> AngleMap | None:
    """The map of a document; None where another program wrote something else there."""
    from spinect_core.planning.search.map_csv import angle_map_of

    try:
        return angle_map_of(table.decode("utf-8"), side)
    except (MeasurementError, UnicodeDecodeError):
        return None


def _summary(plan: CasePlan, uncertain: tuple[str, ...]) -> str:
    opened = sum(each.search.best is not None for each in plan.approaches)
    level, every = plan.landmarks.level, len(plan.approaches)
    if not every:
        text = "No triangle was found; draw one with three clicks."
    elif not opened:
        text = f"{level}: no trajectory through any of {every} triangles; see what blocks each."
    else:
        text = f"{level}: a trajectory through {opened} of {every} triangles; check each against the slices."
    return f"Uncertain level. {text}" if uncertain else text
