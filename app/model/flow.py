"""The way from a CT to a report: its steps with their states, and what the user checks on it. No widget here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Signal

from app.model.case import Case
from app.model.case_model import CaseModel
from app.model.ongoing import FINDING, SEGMENTING, Ongoing
from app.model.planning_options import PlanningOptions
from spinect_core.base.words import Checked, Light
from spinect_core.image.warning import warning_lines
from spinect_core.plan.records import Planning
from spinect_core.plan.wording import (
    CHECKS,
    HOW_MANY,
    case_warnings,
    place_words,
    share_text,
    unconfirmed,
)

TITLES = {what: f"{told[:1].upper()}{told[1:]}" for what, told in CHECKS.items()}
WHOLE = 0.95
"""Part of a root's course from which on it counts as labelled along all of it."""


class Step(StrEnum):
    """A step on the way, by its name in the window."""

    CT = "CT"
    SEGMENT = "Segment"
    CHECK = "Check"
    PLAN = "Plan"
    REPORT = "Report"


class StepState(StrEnum):
    """How a step stands."""

    WAITING = "not yet"
    NEXT = "to do"
    RUNNING = "running"
    DONE = "done"
    ATTENTION = "look here"


@dataclass(frozen=True)
class Item:
    """Something to check.

    Attributes:
        what: of the checks.
        title: what to look at.
        told: what the program says of it.
        grave: whether that speaks against the plan.
        done: whether the user has confirmed it.
    """

    what: Checked
    title: str
    told: str
    grave: bool
    done: bool


class Flow(QObject):
    """Where the open case stands on its way.

    Args:
        model: the case.
        ongoing: the running job.
        options: the present choices for planning.

    Attributes:
        step: the one that is shown.

    Signals:
        changed: states, items or the step that is shown.
    """

    changed = Signal()

    def __init__(
        self, model: CaseModel, ongoing: Ongoing, options: PlanningOptions, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._ongoing, self._options = model, ongoing, options
        self.step = Step.CT
        self._running, self._was_found = "", False
        self._case: Case | None = None
        self._items: tuple[tuple[object, ...], tuple[Item, ...]] = ((), ())
        for signal in (
            model.labels_changed,
            model.surfaces_changed,
            model.warnings_changed,
            model.planning_changed,
        ):
            signal.connect(self._on_case)
        model.case_opened.connect(self._on_opened)
        ongoing.changed.connect(self._on_job)
        options.changed.connect(self.changed)

    # ------------------------------------------------------------------------------------------------- where it is

    def go(self, step: Step) -> None:
        """Show a step."""
        if step != self.step:
            self.step = step
            self.changed.emit()

    def state(self, step: Step) -> StepState:
        """How a step stands."""
        if self._running_step == step:
            return StepState.RUNNING
        if not self._possible(step):
            return StepState.WAITING
        if not self._done(step):
            return StepState.ATTENTION if step == Step.CHECK and self._grave else StepState.NEXT
        return StepState.ATTENTION if self._doubtful(step) else StepState.DONE

    def _possible(self, step: Step) -> bool:
        case = self._model.case
        if step == Step.CT:
            return True
        if step == Step.SEGMENT:
            return case is not None and (case.volume is not None or case.segmentation is not None)
        if step == Step.CHECK:
            return self._found
        return self._found and self.checked

    def _done(self, step: Step) -> bool:
        case = self._model.case
        if step == Step.CT:
            return case is not None
        if step == Step.SEGMENT:
            return case is not None and case.segmentation is not None
        if step == Step.CHECK:
            return self.checked
        return step == Step.PLAN and bool(self._model.planning.searches)

    def _doubtful(self, step: Step) -> bool:
        """Whether a step is done, but what it gave is not plain."""
        case, planning = self._model.case, self._model.planning
        if step == Step.CT:
            return case is not None and bool(case.warnings)
        other = not self._options.made(planning)
        return step == Step.PLAN and (bool(planning.withheld) or not planning.needles or other)

    @property
    def _found(self) -> bool:
        """Whether trajectories were looked for, and with them level and roots."""
        return self._model.planning.level is not None and bool(self._model.planning.zones)

    @property
    def _running_step(self) -> Step | None:
        steps = {SEGMENTING: Step.SEGMENT, FINDING: Step.PLAN}
        return Step.CT if self._ongoing.opens else steps.get(self._ongoing.title)

    # --------------------------------------------------------------------------------------------------- checking

    @property
    def items(self) -> tuple[Item, ...]:
        """What to check, in the order of looking; empty until there is something."""
        planning, case = self._model.planning, self._model.case
        of = (planning, case, case and case.facts, case and case.volume)
        # Every change asks for them dozens of times.
        if len(self._items[0]) != len(of) or any(a is not b for a, b in zip(of, self._items[0], strict=True)):
            self._items = of, self._items_of(planning, case)
        return self._items[1]

    @staticmethod
    def _items_of(planning: Planning, case: Case | None) -> tuple[Item, ...]:
        level = planning.level
        if level is None or case is None:
            return ()
        counted = level.lumbar is not None
        asked = "" if counted else f" {HOW_MANY.format(name=level.name)}."
        noticed = case_warnings(planning, warning_lines(case.warnings))
        left = unconfirmed(planning, bool(noticed))
        found = [
            Item(
                Checked.LEVEL,
                TITLES[Checked.LEVEL],
                f"{place_words(level.name, level.lumbar)}.{asked}",
                not counted,
                Checked.LEVEL not in left,
            ),
            Item(
                Checked.LABELS,
                TITLES[Checked.LABELS],
                _roots_told(planning),
                any(root.gaps for root in planning.roots),
                Checked.LABELS not in left,
            ),
        ]
        if noticed:
            found.append(
                Item(
                    Checked.WARNINGS,
                    TITLES[Checked.WARNINGS],
                    "\n".join(noticed),
                    True,
                    Checked.WARNINGS not in left,
                )
            )
        return tuple(found)

    @property
    def checked(self) -> bool:
        """Whether the user has confirmed everything that there is to check."""
        return self._found and all(each.done for each in self.items)

    @property
    def open_checks(self) -> tuple[str, ...]:
        """What is still to be checked."""
        return tuple(each.title for each in self.items if not each.done)

    def tick(self, what: Checked, on: bool) -> None:
        """Take note that the user has checked something, or has not."""
        planning = self._model.planning
        if self._model.case is None:
            return
        now = tuple(each for each in Checked if (on if each == what else each in planning.checked))
        if now != planning.checked:
            title = next((each.title for each in self.items if each.what == what), str(what))
            said = f"{'check' if on else 'uncheck'} {title[:1].lower()}{title[1:]}"
            self._model.set_planning(planning.replaced(checked=now), said)

    @property
    def _grave(self) -> bool:
        light = self._model.planning.light
        return (light is not None and light.light == Light.RED) or bool(self._model.planning.withheld)

    # ------------------------------------------------------------------------------------------------------ slots

    def _on_opened(self) -> None:
        if self._case is not self._model.case:  # else it was given its CT, and the user stays where he is
            self._case = self._model.case
            self.step = Step.CT
            self._settle()
        self.changed.emit()

    def _on_case(self) -> None:
        """Go on when trajectories were found, and back when they are gone with the labels they were found on."""
        if self._model.correcting:
            self._was_found = self._found  # who corrects labels stays where he does
        elif self._found != self._was_found:
            self._settle()
        self.changed.emit()

    def _on_job(self) -> None:
        """Show the step that works."""
        running = self._ongoing.title
        if running != self._running:
            self._running = running
            if running == SEGMENTING:
                self.step = Step.SEGMENT
            self.changed.emit()

    def _settle(self) -> None:
        """To the first step that asks for something."""
        case = self._model.case
        self._was_found = self._found
        if self._found:
            self.step = Step.PLAN if self.checked else Step.CHECK
        elif case is not None and case.segmentation is not None:
            self.step = Step.SEGMENT


def _roots_told(planning: Planning) -> str:
    """How far the roots are labelled; those that are not, by name."""
    if not planning.roots:
        return "No root was found."
    short = [root for root in planning.roots if root.gaps or root.cut or (root.whole or 0.0) < WHOLE]
    if not short:
        return "Every root is labelled along its whole course, as far as the program knows it."
    named = ", ".join(f"{root.name} {share_text(root)}".strip() for root in short)
    return f"Not labelled along the whole course: {named}."
