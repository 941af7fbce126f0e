"""A student's way through a pack: the task that is shown, what was tried, and what it was worth. No widgets here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Version
from spinect_core.geometry.view import View
from spinect_core.planning.needle.needle import Needle
from spinect_core.teaching.records import (
    MOST_EVENTS,
    AttemptRecord,
    BestRecord,
    CaseRecord,
    EventRecord,
    ScoreRecord,
    TaskRecord,
)
from spinect_core.teaching.session import DoneRecord, ResultRecord, SessionRecord, StepRecord
from spinect_core.teaching.words import EventKind, Task

if TYPE_CHECKING:
    from spinect_core.teaching.pack import Pack

SHAFT_MM = 120.0
"""How much of a needle is shown whose place on the skin is not known yet."""
LEAST_MM = 5.0
"""Nearer than this entry and tip give no direction."""


@dataclass(frozen=True)
class Answer:
    """What a student has placed so far.

    Attributes:
        tip: LPS mm of the needle's tip, or of the place in the foramen.
        way: unit vector from the tip towards the hub; None while there is none.
    """

    tip: tuple[float, float, float] | None = None
    way: tuple[float, float, float] | None = None

    @property
    def entry(self) -> tuple[float, float, float] | None:
        """LPS mm of a point on the needle outside of the body; None while tip or way are missing."""
        if self.tip is None or self.way is None:
            return None
        return _three(np.add(self.tip, SHAFT_MM * np.asarray(self.way)))


class Trainer(QObject):
    """One student at one pack.

    Args:
        pack: of cases.
        session: what to do, with the key to sign with; all tasks of the pack in their order without one.
        before: what was handed in when the session was open before; one goes on behind it.
        now: seconds of a clock that never goes back.
        clock: seconds since 1970, by which the time of a session counts.

    Attributes:
        steps: what there is to do, in order.
        number: of the one that is shown, from 0.
        answer: what was placed so far.
        opened_s: when the session was first opened, seconds since 1970.
        score: of the attempt that was handed in; None while one tries.
        done: attempts with their scores, in the order in which they were handed in.

    Signals:
        step_changed: another task is shown.
        answer_changed: something was placed or moved.
        scored: an attempt has its score.
    """

    step_changed = Signal()
    answer_changed = Signal()
    scored = Signal()

    def __init__(
        self,
        pack: Pack,
        session: SessionRecord | None = None,
        parent: QObject | None = None,
        *,
        before: ResultRecord | None = None,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(parent)
        self.pack, self.session, self._now = pack, session, now
        every = tuple(
            StepRecord(case=case.name, task=k) for case in pack.cases for k in range(len(case.tasks))
        )
        self.steps: tuple[StepRecord, ...] = every if session is None else session.steps
        self.answer = Answer()
        self.score: ScoreRecord | None = None
        self.done: list[DoneRecord] = [] if before is None else list(before.done)
        self.number = self._first_open()
        self._clock = clock
        self.opened_s = (0.0 if before is None else before.opened_s) or clock()
        self._events: list[EventRecord] = []
        self._began = now()

    # ------------------------------------------------------------------------------------------------ where one is

    @property
    def step(self) -> StepRecord:
        """The one that is shown."""
        return self.steps[self.number]

    @property
    def case(self) -> CaseRecord:
        """Of the step that is shown."""
        return self.pack.case(self.step.case)

    @property
    def task(self) -> TaskRecord:
        """Of the step that is shown."""
        return self.case.tasks[self.step.task]

    @property
    def last(self) -> bool:
        """Whether no step follows."""
        return self.number + 1 >= len(self.steps)

    @property
    def handed_in(self) -> bool:
        """Whether the attempt at this step has its score."""
        return self.score is not None

    def _first_open(self) -> int:
        """The first step at which nothing was handed in; the last one where all are done."""
        made = {(each.attempt.case, each.attempt.task) for each in self.done}
        left = (k for k, step in enumerate(self.steps) if (step.case, step.task) not in made)
        return next(left, len(self.steps) - 1)

    def go(self, number: int) -> None:
        """Show another step, from its beginning."""
        self.number = min(max(number, 0), len(self.steps) - 1)
        self.begin()

    def begin(self) -> None:
        """Begin the step that is shown anew; the clock runs from here."""
        self.answer, self.score = Answer(), None
        self._events = []
        self._began = self._now()
        self.step_changed.emit()
        self.answer_changed.emit()

    # ------------------------------------------------------------------------------------------------ trying

    @property
    def seconds(self) -> float:
        """Since the step was begun."""
        return max(self._now() - self._began, 0.0)

    @property
    def seconds_left(self) -> float | None:
        """Of the time of the session, from its first opening on; None without a limit."""
        if self.session is None or self.session.seconds == 0:
            return None
        return max(self.session.seconds - max(self._clock() - self.opened_s, 0.0), 0.0)

    @property
    def shots(self) -> int:
        """Simulated pictures taken at this step."""
        return sum(each.kind == EventKind.SHOT for each in self._events)

    def note(self, kind: EventKind, view: View | None = None, points: tuple[FloatArray, ...] = ()) -> None:
        """Take note of something that was done, while one tries.

        Of a turn only where it ended is kept. A picture is always kept, since each counts: where the record is full
        it takes the place of the oldest event that is none.
        """
        if self.handed_in:
            return
        events = self._events
        if kind == EventKind.VIEW and events and events[-1].kind == EventKind.VIEW:
            events.pop()
        if len(events) >= MOST_EVENTS:
            spare = (k for k, each in enumerate(events) if each.kind != EventKind.SHOT)
            place = next(spare, None) if kind == EventKind.SHOT else None
            if place is None:  # as many pictures are far beyond the limit of any task
                return
            events.pop(place)
        events.append(
            EventRecord(
                at_s=round(self.seconds, 3),
                kind=kind,
                view=view,
                points=tuple(_three(point) for point in points),
            )
        )

    def set_tip(self, point: FloatArray) -> None:
        """Put the tip, or the place in the foramen, to LPS mm (3,)."""
        self._place(Answer(_three(point), self.answer.way))

    def set_view(self, view: View) -> None:
        """Let the needle come along a line of sight."""
        self._place(Answer(self.answer.tip, _three(view.vector)))

    def set_entry(self, point: FloatArray) -> bool:
        """Let the needle come through LPS mm (3,); False where there is no tip yet, or it lies too near."""
        if self.answer.tip is None:
            return False
        way = np.subtract(point, self.answer.tip)
        length = float(np.linalg.norm(way))
        if length < LEAST_MM:
            return False
        self._place(Answer(self.answer.tip, _three(way / length)))
        return True

    def _place(self, answer: Answer) -> None:
        if self.handed_in:
            return
        self.answer = answer
        points = tuple(np.asarray(each) for each in (answer.entry, answer.tip) if each is not None)
        self.note(EventKind.NEEDLE, points=points)
        self.answer_changed.emit()

    def needle(self) -> Needle | None:
        """The student's, as it is shown; None while tip or way are missing."""
        entry, tip = self.answer.entry, self.answer.tip
        return None if entry is None or tip is None else self._needle(entry, tip)

    def best_needle(self) -> Needle | None:
        """The best there was to be placed; None until an attempt was handed in."""
        best = self.best
        if best is None or best.entry is None or best.target is None:
            return None
        return self._needle(best.entry, best.target)

    @property
    def best(self) -> BestRecord | None:
        """What would have been best; None until an attempt was handed in."""
        return None if self.score is None else self.score.best

    def _needle(self, entry: tuple[float, float, float], target: tuple[float, float, float]) -> Needle:
        task = self.task
        version = task.version if task.kind == "kambin" else Version.NONE
        return Needle("", task.kind, task.side, "L5/S1", version, entry, target)

    # ------------------------------------------------------------------------------------------------ handing in

    def missing(self, corners: int) -> str:
        """What the task still asks for before something can be handed in; empty for nothing.

        Args:
            corners: of the triangle that was placed.
        """
        task, answer = self.task.task, self.answer
        if task == Task.CORNERS:
            return "" if corners >= 3 else "Place three corners first."
        if task == Task.VIEW:
            return ""
        if answer.tip is None:
            return (
                "Put the cross-hair into the foramen first." if task == Task.LEVEL else "Set the tip first."
            )
        return "" if task == Task.LEVEL or answer.way is not None else "Set the direction or the entry first."

    def attempt(
        self, *, view: View, corners: tuple[FloatArray, ...] = (), declined: bool = False
    ) -> AttemptRecord:
        """What is handed in now.

        Args:
            view: that is shown.
            corners: of the triangle that was placed, LPS mm (3,) each.
            declined: whether the student says that no needle should be placed.
        """
        task, answer = self.task.task, self.answer
        made = AttemptRecord(
            case=self.step.case,
            task=self.step.task,
            declined=declined,
            seconds=round(self.seconds, 3),
            events=tuple(self._events),
        )
        if declined:
            return made
        if task == Task.LEVEL:
            return made.replaced(point=answer.tip)
        if task == Task.CORNERS:
            return made.replaced(corners=tuple(_three(each) for each in corners), view=self.task.view or view)
        if task == Task.VIEW:
            return made.replaced(view=view)
        return made.replaced(entry=answer.entry, target=answer.tip)

    def take_score(self, attempt: AttemptRecord, score: ScoreRecord) -> None:
        """Take over what an attempt is worth."""
        self.score = score
        self.done.append(DoneRecord(attempt=attempt, score=score))
        self.scored.emit()

    def result(self) -> ResultRecord:
        """All that was handed in, signed where there is a session."""
        code = "practice" if self.session is None else self.session.code
        made = ResultRecord(pack=self.pack.checksum, code=code, opened_s=self.opened_s, done=tuple(self.done))
        return made if self.session is None else made.signed(self.session.key)


def _three(point: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z
