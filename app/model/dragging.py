"""A needle of the user's that is dragged: where it is brought, and its numbers there.

Needle and numbers are measured away from the window's thread and shown together, so that no number stands beside a
needle that it does not belong to. Of the places that the mouse has passed meanwhile only the last is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.case_model import CaseModel
from app.model.jobs import Job, JobRunner
from app.model.trajectories import AGAIN, Trajectories
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import SpinectError
from spinect_core.base.progress import Cancel, Progress
from spinect_core.plan.own_needles import with_copy, with_other
from spinect_core.plan.records import NeedleRecord

if TYPE_CHECKING:
    from spinect_core.anatomy.landmarks import Landmarks
    from spinect_core.geometry.zone import Zone
    from spinect_core.pipeline.moving import Move, Moved
    from spinect_core.pipeline.planner import Planner

MEASURING = "Measuring the needle"
"""The job that measures what is not known while a needle is moved."""


class End(StrEnum):
    """What of a needle is dragged."""

    ENTRY = "entry"
    TARGET = "target"
    DIRECTION = "direction"


class Dragging(QObject):
    """The drag that is going on.

    Args:
        model: the case.
        trajectories: the needle that is looked at is the one that is dragged.
        jobs: nothing is dragged while another job plans; one that measures a needle is stopped.

    Attributes:
        end: what is dragged; None while nothing is.

    Signals:
        said: a sentence for the user.
        let_go: a drag has ended, and the needle is where it was brought.
    """

    said = Signal(str)
    let_go = Signal()

    def __init__(
        self, model: CaseModel, trajectories: Trajectories, jobs: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._trajectories, self._jobs = model, trajectories, jobs
        self.end: End | None = None
        self._grabbed: NeedleRecord | None = None
        self._wanted: Move | None = None
        self._job: Job | None = None
        self._ending = False
        model.planning_changed.connect(self._forget)
        model.case_opened.connect(self._forget)

    # ------------------------------------------------------------------------------------------------ what may be done

    @property
    def refused(self) -> str:
        """Why the needle that is looked at cannot be dragged; empty where it can."""
        current = self._trajectories.current
        if current is None or current.needle is None:
            return "Choose a trajectory that has a needle"
        if current.needle.locked:
            return f"{current.title} is locked"
        if not self._trajectories.can_adjust:
            return AGAIN
        if current.elsewhere:
            return f"{current.called} is a needle of another level than the planned {current.planned}"
        if self._jobs.busy and self._jobs.title != MEASURING:
            return f"{self._jobs.title} is still going on"
        return ""

    @property
    def idle(self) -> bool:
        """Whether nothing is being measured or made ready for a needle that is dragged."""
        return self._job is None

    def make_ready(self) -> None:
        """Prepare the level for the needle that is looked at, so that the first move need not wait."""
        made = self._level()
        if self._job is not None or made is None or self.refused:
            return
        planner, landmarks, zone = made
        self._start(lambda: planner.hold(landmarks, zone))

    # --------------------------------------------------------------------------------------------------------- a drag

    def begin(self, end: End) -> bool:
        """Take hold of the needle that is looked at; False, and a sentence, where that is not possible."""
        if self.refused:
            self.said.emit(f"{self.refused}.")
            return False
        current = self._trajectories.current
        assert current is not None  # else it is refused
        self.end, self._grabbed, self._wanted, self._ending = end, current.needle, None, False
        return True

    def bring(self, point: FloatArray) -> None:
        """Bring the end that is dragged to LPS mm (3,); an entry to where the line through there leaves the skin."""
        if self._grabbed is None:
            return
        if self.end == End.TARGET:
            self._want(np.array(point, dtype=np.float64), None)
        else:
            self.turn(np.asarray(point) - np.asarray(self._grabbed.needle.target))

    def turn(self, vector: FloatArray) -> None:
        """Bring the needle to come from a direction (3,) to its target."""
        if self._grabbed is not None and float(np.linalg.norm(vector)) > 0:
            self._want(None, np.array(vector, dtype=np.float64))

    def end_drag(self) -> None:
        """Let the needle go: what was dragged is one step of the history, once its last place is measured."""
        self._ending = self.end is not None
        if self._ending and self._job is None:
            self._finish()

    def give_up(self) -> None:
        """Put the needle back to where it was taken."""
        if self.end is not None:
            self._forget()
            self._trajectories.show_live(None)

    def finish(self) -> None:
        """Wait for what is being measured; called once, when the window closes."""
        self._forget()
        if self._job is not None:
            self._job.wait()

    # ------------------------------------------------------------------------------------------------------- measuring

    def _want(self, target: FloatArray | None, towards: FloatArray | None) -> None:
        from spinect_core.pipeline.moving import Move

        if not self._own() or self._grabbed is None:
            return
        self._wanted = Move(self._grabbed.needle, target, towards)
        if self._jobs.busy:
            self._jobs.cancel()  # it measures where the needle was
        if self._job is None:
            self._measure()

    def _own(self) -> bool:
        """Make a needle of the user's of one that the program recommends; it is the former that is dragged then."""
        current, grabbed = self._trajectories.current, self._grabbed
        if current is None or grabbed is None:
            return False
        if current.own:
            return True
        end, title = self.end, current.called
        self._model.set_planning(with_copy(self._model.planning, grabbed), f"duplicate {title}")
        own = self._model.planning.needles[-1]
        row = next(each for each in self._trajectories.rows if each.needle is own)
        self._trajectories.mark(row.key)
        self.end, self._grabbed = end, own
        self.said.emit(f"{own.needle.name} is a copy of {title}, which is not yours and stays where it is.")
        return True

    def _level(self) -> tuple[Planner, Landmarks, Zone | None] | None:
        plan, planner = self._trajectories.plan, self._trajectories.planner
        if plan is None or planner is None:
            return None
        approach = self._trajectories.approach(self._trajectories.current)
        return planner, plan.landmarks, None if approach is None else approach.zone

    def _measure(self) -> None:
        made, move, self._wanted = self._level(), self._wanted, None
        if made is None or move is None:
            return
        planner, landmarks, zone = made
        grabbed = self._grabbed
        found: list[Moved] = []
        job = self._start(lambda: found.append(planner.moved(landmarks, zone, move)))
        job.succeeded.connect(lambda: self._show(grabbed, found))

    def _start(self, work: Callable[[], object]) -> Job:
        def do(_progress: Progress, _cancel: Cancel) -> None:
            work()

        job = self._job = Job(do, self)
        job.failed.connect(self._on_fault)
        job.finished.connect(self._on_finished)
        job.start()
        return job

    def _show(self, grabbed: NeedleRecord | None, found: list[Moved]) -> None:
        if found and grabbed is not None and grabbed is self._grabbed:
            self._trajectories.show_live(found[0])

    def _on_fault(self, error: SpinectError) -> None:
        """The needle stays at the last place that was possible."""
        if self.end is not None:
            self.said.emit(f"{error.fault}. {error.remedy}.")

    def _on_finished(self) -> None:
        if self._job is not None:
            self._job.deleteLater()
            self._job = None
        if self._wanted is not None:
            self._measure()
        elif self._ending:
            self._finish()

    def _finish(self) -> None:
        """Take the needle over as one step of the history."""
        from spinect_core.pipeline.moving import brought

        live, grabbed, end = self._trajectories.live, self._grabbed, self.end
        self._forget()
        current = self._trajectories.current
        if live is None or grabbed is None or current is None:
            return
        key = current.key
        record = brought(grabbed, live)
        what = f"drag the {end} of" if end != End.DIRECTION else "turn"
        self._model.set_planning(
            with_other(self._model.planning, grabbed, record), f"{what} {grabbed.needle.title}"
        )
        self._trajectories.mark(key)
        self.let_go.emit()

    def _forget(self) -> None:
        self.end, self._grabbed, self._wanted, self._ending = None, None, None, False
