"""Planning: finds trajectories, places needles, moves landmarks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.controllers.organs import OrgansController
from app.model import work
from app.model.case import Case, organs_missing
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.ongoing import FINDING
from app.model.plan_files import snapshot
from app.model.planning_options import PlanningOptions
from app.model.trajectories import Trajectories
from app.model.work import FoundTrajectories
from spinect_core.anatomy.levels import recounted
from spinect_core.base.errors import SpinectError
from spinect_core.geometry.triangle import DEFAULT_LEVEL
from spinect_core.image.organs import OrganOrigin
from spinect_core.image.warning import RESERVED, any_grave
from spinect_core.plan.wording import Trajectory, level_words, result_sentences, sentences
from spinect_core.plan.wording import warnings as warnings_of

if TYPE_CHECKING:
    from spinect_core.planning.results import CasePlan, NeedlePlan


class PlanController(QObject):
    """Changes the plan of the open case.

    Args:
        model: the case and its history.
        trajectories: what was found for it.
        options: what needles are placed under, and which limits hold.
        organs: finds those again that an opened plan names.
        jobs: where the search runs.

    Signals:
        said: a sentence for the status bar.
        found: trajectories were looked for, with or without success.
    """

    said = Signal(str)
    found = Signal()

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        options: PlanningOptions,
        organs: OrgansController,
        jobs: JobRunner,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._trajectories, self._jobs = model, trajectories, jobs
        self._organs = organs
        self._options = options
        options.changed.connect(self._on_options)
        self._waiting: tuple[Case, str, int | None] | None = None
        model.surfaces_changed.connect(self._on_surfaces)
        model.labels_changed.connect(self._on_labels)

    def find(self, level: str = "", shift: int | None = None) -> None:
        """Look for the trajectories of a level.

        Those of an opened plan that the organ network had found organs for are looked for with organs again.

        Args:
            level: which; the present one when absent.
            shift: of the numbering, as the user says it; what was said before when absent.
        """
        case = self._model.case
        if case is None or case.segmentation is None or case.surfaces is None:
            return
        if not self._model.surfaces_current:
            self._waiting = case, level, shift
            self.said.emit("The surfaces of the corrected labels are made first.")
            return
        before = self._model.planning
        by_network = before.organs is not None and before.organs.origin == OrganOrigin.NETWORK
        if by_network and case.volume is not None and organs_missing(case, before):
            self._organs.find(partial(self.find, level, shift))
            return
        name = level or (before.level.name if before.level is not None else DEFAULT_LEVEL)
        moved = (before.level.said if before.level is not None else None) if shift is None else shift
        planner = self._trajectories.planner
        rules, guidance = self._options.rules, self._options.guidance
        now = snapshot(case)

        def found(result: FoundTrajectories) -> None:
            self._show_found(case, result)

        self._jobs.start(
            FINDING,
            lambda progress, cancel: work.find_trajectories(
                now, planner, before, (name, moved), progress, cancel, rules=rules, guidance=guidance
            ),
            found,
        )

    def _on_labels(self) -> None:
        """What was to be looked for once the surfaces were there is not wanted on yet other labels."""
        self._waiting = None

    def _on_surfaces(self) -> None:
        """Look for what was to be looked for once the surfaces are those of the labels."""
        waiting = self._waiting
        if waiting is not None and self._model.surfaces_current:
            self._waiting = None
            if waiting[0] is self._model.case:
                self.find(*waiting[1:])

    def _on_options(self) -> None:
        if self._trajectories.rows:
            self.said.emit("Find the trajectories again: the present ones keep the rules they were found by.")

    def count_lumbar(self, lumbar: int | None) -> None:
        """Name all by another count of the lumbar vertebrae: nothing is searched again.

        Args:
            lumbar: how many there are; None where they are not known.
        """
        from spinect_core.pipeline.recounting import recounted_records

        before, case = self._model.planning, self._model.case
        counted = None if before.level is None else before.level.lumbar
        if case is None or counted == lumbar:
            return
        try:
            records = recounted_records(before, lumbar)
        except SpinectError as error:
            self.said.emit(f"{error.fault}. {error.remedy}.")
            self._trajectories.changed.emit()  # what shows the count goes back to what it was
            return
        case.notes = tuple(recounted(each, counted, lumbar) for each in case.notes)
        self._trajectories.recount(records, lumbar)
        self.said.emit(f"{level_words(records.level)}." if records.level is not None else "")

    def _show_found(self, case: Case, found: FoundTrajectories) -> None:
        planned, trajectories = found.planned, self._trajectories
        plan = planned.plan
        if not trajectories.take(case, found, "find trajectories"):
            return
        case.notes = (*result_sentences(plan), *sentences(planned.notes))
        trajectories.choose_first()
        self.said.emit(
            "\n".join((_summary(plan, warnings_of(planned.records), any_grave(case.warnings)), *case.notes))
        )
        self.found.emit()

    def place_needle(self, to_cursor: bool = False) -> None:
        """A needle of the user's along the present view, to the middle of what is open, or to the cross-hair."""
        trajectories = self._trajectories
        from spinect_core.pipeline.replanning import with_needle

        case, plan, planner = self._model.case, trajectories.plan, trajectories.planner
        sight = trajectories.sight(trajectories.current)
        if case is None or plan is None or planner is None or sight is None:
            return
        before, view, landmarks = self._model.planning, self._model.view, plan.landmarks
        target = np.array(self._model.cursor) if to_cursor else None

        def placed(needle: NeedlePlan) -> None:
            if self._model.case is case and self._model.planning is before:
                trajectories.take_curve(needle.needle, needle.clearance)
                self._model.set_planning(with_needle(before, needle), "place a needle")
                # Needles of other levels are listed after it.
                own = next(each for each in reversed(trajectories.rows) if _is(each, needle))
                trajectories.choose(own.key)
                held = f"; {own.withheld_text}" if own.withheld_text else ""
                self.said.emit(f"{own.called}: {own.needle_text}, {view.words}{held}")

        self._jobs.start(
            "Measuring the needle",
            lambda progress, cancel: work.place_needle(
                planner, landmarks, sight, view, before, target, progress, cancel
            ),
            placed,
        )

    def move_landmark(self, name: str) -> None:
        """Move a landmark to the cross-hair and plan its side again."""
        trajectories = self._trajectories
        case, plan, planner = self._model.case, trajectories.plan, trajectories.planner
        if case is None or plan is None or planner is None:
            return
        before, point = self._model.planning, np.array(self._model.cursor)

        def moved(result: FoundTrajectories) -> None:
            planned = result.planned
            chosen, view = trajectories.chosen, self._model.view
            if self._model.planning is before and trajectories.take(case, result, f"move {name}"):
                self._model.set_view(view)
                trajectories.mark(chosen)
                left_out = sentences(planned.notes)
                case.notes = (*case.notes, *(each for each in left_out if each not in case.notes))
                self.said.emit("\n".join((f"{name} moved; its side was planned again.", *left_out)))

        self._jobs.start(
            f"Moving {name}",
            lambda progress, cancel: work.move_landmark(planner, plan, before, name, point, progress, cancel),
            moved,
        )


def _is(row: Trajectory, needle: NeedlePlan) -> bool:
    return row.own and row.needle is not None and row.needle.needle == needle.needle


def _summary(plan: CasePlan, uncertain: tuple[str, ...], reserved: bool) -> str:
    free = [each for each in plan.approaches if each.search.best is not None]
    opened, level, every = len(free), plan.landmarks.level, len(plan.approaches)
    held = sum(bool(plan.withheld or each.withheld or each.refusal) for each in free)
    if not every:
        text = "No triangle was found; draw one with three clicks."
    elif not opened:
        text = f"{level}: no trajectory through any of {every} triangles; see what blocks each."
    elif held == opened:
        text = f"{level}: {opened} of {every} triangles are open, but no needle is recommended; see why in each row."
    else:
        text = f"{level}: a trajectory through {opened - held} of {every} triangles; check each against the slices."
        text += f" In {held} more no needle is recommended." if held else ""
    text = f"Uncertain level. {text}" if uncertain else text
    return f"{RESERVED}. {text}" if reserved else text
