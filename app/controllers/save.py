"""Saving the plan of the open case."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.model import plan_files
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.model.trajectories import Trajectories
from app.widgets.dialogs import Dialogs

SAVE_FILES = "Plan with labels and pictures (*.spinect);;Measurements alone (*.json)"


class SaveController(QObject):
    """Writes documents and plans.

    Args:
        model: what is saved.
        trajectories: the angle maps that go with it.
        jobs: where files are written.
        recent: remembers what was saved.
        dialogs: asks where to.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

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

    def ask_save(self) -> None:
        """Let the user name the plan and write it."""
        case = self._model.case
        if case is None:
            return
        suggested = case.document or self._recent.folder / "plan.spinect"
        path = self._dialogs.file_to_save("Save plan", suggested, SAVE_FILES)
        if path is not None:
            self.save_plan(path)

    def save_plan(self, path: Path) -> None:
        """Write the plan: as a document, or as plan.json where the path ends so."""
        case, measurements, planning = self._model.case, self._model.measurements, self._model.planning
        if case is None:
            return
        path, found = plan_files.with_suffix(path), self._trajectories.plan
        index = self._model.history.index()

        def saved(_: None) -> None:
            if self._model.case is case:
                case.document = path
                if self._model.history.index() == index:
                    self._model.history.setClean()
            self._recent.add(path)
            self.said.emit(f"Plan saved: {path.name}")

        self._jobs.start(
            "Saving the plan",
            lambda _progress, _cancel: plan_files.save(case, measurements, planning, path, found),
            saved,
        )
