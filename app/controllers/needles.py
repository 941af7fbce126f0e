"""The user's needles: copied, named, coloured, locked and deleted; and what is still to be measured of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.model import work
from app.model.case_model import CaseModel
from app.model.dragging import MEASURING, Dragging
from app.model.jobs import JobRunner
from app.model.trajectories import Trajectories
from spinect_core.base.errors import SpinectError
from spinect_core.base.words import NeedleColour
from spinect_core.plan.own_needles import kept, named, own_needles, with_copy, with_other, without_needle

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

    # -------------------------------------------------------------------------------- what the user does

    def duplicate(self) -> None:
        """A needle of the user's more, a copy of the one that is looked at."""
        current = self._trajectories.current
        if current is None or current.needle is None:
            return
        known = self._trajectories.curve_known(current.needle.needle)
        self._model.set_planning(
            with_copy(self._model.planning, current.needle), f"duplicate {current.title}"
        )
        made = self._model.planning.needles[-1]
        if known is not None:
            self._trajectories.take_curve(made.needle, known)
        self._mark(made)
        self.said.emit(f"{made.needle.name} is a copy of {current.called}")

    def rename(self, key: str, name: str) -> None:
        """Call a needle otherwise; a name that another one has is refused with a sentence."""
        record = self._own(key)
        if record is None or name.strip() == record.needle.name:
            return
        try:
            after = named(self._model.planning, record, name)
        except SpinectError as error:
            self.said.emit(f"{error.fault}. {error.remedy}.")
            return
        self._put(record, after, f"rename {record.needle.title}")

    def colour(self, colour: NeedleColour) -> None:
        """Draw the needle that is looked at in another colour."""
        record = self._own(self._trajectories.chosen)
        if record is not None and record.colour != colour:
            self._put(record, record.replaced(colour=colour), f"colour {record.needle.title} {colour}")

    def lock(self, locked: bool) -> None:
        """Lock the needle that is looked at, or unlock it: a locked one is neither dragged nor deleted."""
        record = self._own(self._trajectories.chosen)
        if record is not None and record.locked != locked:
            what = "lock" if locked else "unlock"
            self._put(record, record.replaced(locked=locked), f"{what} {record.needle.title}")

    def delete(self) -> None:
        """Delete the user's needle that is looked at."""
        current, record = self._trajectories.current, self._own(self._trajectories.chosen)
        if current is None or record is None:
            return
        try:
            after = without_needle(self._model.planning, record)
        except SpinectError as error:
            self.said.emit(f"{error.fault}. {error.remedy}.")
            return
        self._model.set_planning(after, f"delete {current.title}")
        self._trajectories.choose(current.zone_key)

    def _own(self, key: str) -> NeedleRecord | None:
        """The user's needle of a row, as the plan has it."""
        row = next((each for each in self._trajectories.rows if each.key == key and each.own), None)
        if row is None or row.needle is None or self._dragging.end is not None:
            return None
        mine = own_needles(self._model.planning)
        return next((each for each in mine if each is row.needle), None)

    def _put(self, before: NeedleRecord, after: NeedleRecord, text: str) -> None:
        """Take over another record of a needle, which stays the one that is looked at if it was."""
        looked = self._trajectories.current
        chosen = looked is not None and looked.needle is before
        self._model.set_planning(with_other(self._model.planning, before, after), text)
        if chosen:
            self._mark(after)

    def _mark(self, record: NeedleRecord) -> None:
        row = next((each for each in self._trajectories.rows if each.needle is record), None)
        if row is not None:
            self._trajectories.mark(row.key)

    # -------------------------------------------------------------------------------- what is unmeasured

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
                self._model.amend(record, kept(found[0], record))

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
