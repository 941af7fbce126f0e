"""Saving the plan of the open case, and asking before it goes unsaved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.model import plan_files
from app.model.case_model import SEGMENTATION, CaseModel
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.model.trajectories import Trajectories
from app.widgets.dialogs import Answer, Dialogs

if TYPE_CHECKING:
    from spinect_core.report.content import Stored

SAVE_FILES = "Plan with labels and pictures (*.spinect);;Measurements alone (*.json)"
SAVING = "Saving the plan"
"""Title of the job."""


def nothing() -> None:
    """What follows on saving where nothing does."""


class SaveController(QObject):
    """Writes documents and plans.

    Args:
        model: what is saved.
        trajectories: the angle maps that go with it.
        jobs: where files are written.
        recent: remembers what was saved.
        dialogs: asks where to, and whether to.

    Signals:
        said: a sentence for the status bar.
        saved: the case is in a file.
    """

    said = Signal(str)
    saved = Signal()

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        jobs: JobRunner,
        recent: RecentFiles,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._trajectories, self._jobs = model, trajectories, jobs
        self._recent, self._dialogs = recent, dialogs
        self._saving = False
        self._afterwards: Callable[[], object] = nothing
        jobs.ended.connect(self._on_ended)

    def may_leave(self, afterwards: Callable[[], object]) -> bool:
        """Whether the open case may go now: nothing in it is unsaved, or the user says so.

        Args:
            afterwards: called once the case is saved, if the user chooses that; it asks again.
        """
        if self._saving:
            self._afterwards = afterwards
            return False
        unsaved, running = self._model.unsaved, self._jobs.title if self._jobs.works_on_case else ""
        if not unsaved and not running:
            return True
        answer = self._dialogs.ask_unsaved(unsaved, running)
        if answer == Answer.SAVE:
            self._save_first(afterwards)
        return answer == Answer.DISCARD

    def ask_save(self) -> None:
        """Let the user name the plan and write it."""
        path = self._ask()
        if path is not None:
            self.save_plan(path)

    def save_plan(self, path: Path, afterwards: Callable[[], object] | None = None) -> None:
        """Write the plan: as a document, or as plan.json where the path ends so.

        Args:
            path: where to.
            afterwards: called once it is written; work on the case that is still going on is stopped for it.
        """
        case, measurements, planning = self._model.case, self._model.measurements, self._model.planning
        if case is None:
            return
        path, found = plan_files.with_suffix(path), self._trajectories.plan
        moment, shot = self._model.moment, plan_files.snapshot(case)
        without = (SEGMENTATION,) if path.suffix.lower() == plan_files.PLAN_SUFFIX else ()

        def saved(stored: Stored | None) -> None:
            case.facts = case.facts or shot.facts
            if self._model.case is case:
                case.document, case.stored = path, stored
                self._model.mark_saved(moment, without)
                if case.facts is not None and case.volume is not None:
                    self._recent.remember_ct(case.facts.sha256, case.source)
            self._recent.add(path)
            self.said.emit(f"Plan saved: {path.name}")
            self.saved.emit()
            follows, self._afterwards = self._afterwards, nothing
            follows()

        begin = self._jobs.start if afterwards is None else self._jobs.start_instead
        begin(
            SAVING,
            lambda _progress, _cancel: plan_files.save(shot, measurements, planning, path, found),
            saved,
        )
        if afterwards is not None or not self._saving:
            self._afterwards = afterwards or nothing
        self._saving = self._jobs.title == SAVING

    def _save_first(self, afterwards: Callable[[], object]) -> None:
        case = self._model.case
        known = None if case is None else case.document
        if known is None or known.suffix.lower() != plan_files.DOCUMENT_SUFFIX:
            known = self._ask()
        if known is not None:
            self.save_plan(known, afterwards)

    def _ask(self) -> Path | None:
        case = self._model.case
        if case is None:
            return None
        suggested = case.document or self._recent.folder / "plan.spinect"
        return self._dialogs.file_to_save("Save plan", suggested, SAVE_FILES)

    def _on_ended(self, title: str, outcome: str) -> None:
        if title == SAVING:
            self._saving = False
            if outcome != "done":
                self._afterwards = nothing
