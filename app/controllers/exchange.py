"""The open case as a file for another program: 3D Slicer, or a viewer of models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.controllers.report import ReportController
from app.model import exchange_work
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.widgets.dialogs import Dialogs

if TYPE_CHECKING:
    from spinect_core.pipeline.exchange import Exchanged

WRITING = "Writing for another program"
"""Title of the job."""
KINDS = {
    "scene": (".mrb", "Scene of 3D Slicer (*.mrb)"),
    "markups": (".mrk.json", "Markups of 3D Slicer (*.mrk.json)"),
    "model": (".glb", "Model in glTF (*.glb)"),
}
"""Ending and kind of file, by what it is."""
SUGGESTED = "plan"


class ExchangeController(QObject):
    """Writes files for other programs.

    Args:
        report: the open case, and whether of it anything may be told.
        jobs: where they are made.
        recent: the folder to begin in.
        dialogs: asks where to.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        report: ReportController,
        jobs: JobRunner,
        recent: RecentFiles,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._report, self._jobs = report, jobs
        self._recent, self._dialogs = recent, dialogs

    def ask(self, kind: str) -> None:
        """Let the user name a file and write it.

        Args:
            kind: a key of :data:`KINDS`.
        """
        if not self._report.possible:
            return
        suffix, files = KINDS[kind]
        path = self._dialogs.file_to_save(
            "Export for other programs", self._recent.folder / f"{SUGGESTED}{suffix}", files
        )
        if path is not None:
            self.write(path if path.name.lower().endswith(suffix) else path.with_name(path.name + suffix))

    def write(self, path: Path) -> None:
        """Write the open case; the name's ending says as what."""
        opened = self._report.opened
        if opened is None:
            return

        def written(made: Exchanged) -> None:
            self.said.emit(f"Saved: {path.name} with {made.words}")

        self._jobs.start(
            WRITING,
            lambda progress, cancel: exchange_work.export(opened, path, progress, cancel),
            written,
        )
