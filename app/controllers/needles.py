"""The user's needles: what of them is still to be measured after they were moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.model import work
from app.model.case_model import CaseModel
from app.model.dragging import MEASURING, Dragging
from app.model.jobs import JobRunner
from app.model.trajectories import Trajectories
from spinect_core.plan.wording import own_needles

if TYPE_CHECKING:
    from spinect_core.plan.records import NeedleRecord
    from spinect_core.planning.needle.safety import Clearance


class NeedlesController(QObject):
    """Measures the rest of a needle that was moved, as soon as nothing else is done.

    Args:
        model: the case and its history.
        trajectories: the needle that is looked at.
        dragging: nothing is measured while a needle is dragged.
        jobs: where it is measured.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        dragging: Dragging,
        jobs: JobRunner,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._trajectories, self._dragging, self._jobs = model, trajectories, dragging, jobs
        self._failed: list[NeedleRecord] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.measure_rest)
        trajectories.chosen_changed.connect(lambda: self._soon.start(0))
        jobs.ended.connect(self._on_ended)
        trajectories.changed.connect(self._make_ready)

    def _make_ready(self) -> None:
        """So that the first needle that is dragged follows at once."""
        if self._trajectories.can_adjust and self._trajectories.live is None:
            QTimer.singleShot(0, self, self._dragging.make_ready)

    def _on_ended(self, title: str, outcome: str) -> None:
        if (title, outcome) == (MEASURING, "cancelled") and self._dragging.end is not None and self._failed:
            self._failed.pop()  # for a drag, and not because anybody wanted it unmeasured
        self._soon.start(0)

    def measure_rest(self) -> None:
        """Measure what is missing of the needle that is looked at, if anything is."""
        record, case = self._missing(), self._model.case
        plan, planner = self._trajectories.plan, self._trajectories.planner
        if record is None or case is None or plan is None or planner is None:
            return
        approach = self._trajectories.approach(self._trajectories.current)
        zone, needle, landmarks = None if approach is None else approach.zone, record.needle, plan.landmarks

        def measured(found: tuple[NeedleRecord, Clearance]) -> None:
            self._failed.remove(record)
            if self._model.case is case:
                self._trajectories.take_curve(needle, found[1])
                self._model.amend(record, found[0])

        self._failed.append(record)  # one that fails is not tried again and again
        self._jobs.start(
            MEASURING,
            lambda progress, cancel: work.measure_needle(planner, landmarks, zone, needle, progress, cancel),
            measured,
        )

    def _missing(self) -> NeedleRecord | None:
        """The needle that is looked at, where only that is known which is measured while it is moved."""
        current = self._trajectories.current
        ready = self._trajectories.can_adjust and self._dragging.end is None and not self._jobs.busy
        if not ready or current is None or not current.own or current.needle is None or current.elsewhere:
            return None
        record = current.needle
        if record.safety is None or not record.safety.live or any(each is record for each in self._failed):
            return None
        return record if any(each is record for each in own_needles(self._model.planning)) else None
