"""Small pictures of the 3D view beside the recent plans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.model.case_model import CaseModel
from app.model.jobs import Job
from app.model.recent import RecentFiles
from app.views.stage import Stage
from spinect_core.base.progress import Cancel, Progress

if TYPE_CHECKING:
    from app.model.case import Case
    from app.views.scene import Viewport


class ThumbnailController(QObject):
    """Takes a picture when a plan was saved or opened: of the 3D view alone, without the words over it.

    Args:
        model: the case.
        stage: where the 3D view is.
        recent: keeps the pictures.
    """

    def __init__(
        self, model: CaseModel, stage: Stage, recent: RecentFiles, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._stage, self._recent = model, stage, recent
        self._jobs: set[Job] = set()

    def take(self) -> None:
        """Take one of the open plan, once the 3D view is there in full detail."""
        case, viewport = self._model.case, self._stage.viewport
        if case is None or viewport is None or case.document is None or case.surfaces is None:
            return
        path = case.document
        viewport.when_detailed(lambda: self._write(case, path, viewport))

    def finish(self) -> None:
        """Wait for what is being written; called once, when the window closes."""
        for job in list(self._jobs):
            job.wait()

    def _write(self, case: Case, path: Path, viewport: Viewport) -> None:
        if self._model.case is not case or path.resolve() not in self._recent.paths:
            return
        image = viewport.picture()

        def work(_progress: Progress, _cancel: Cancel) -> None:
            self._recent.keep_picture(path, image)

        job = Job(work, self)  # one that fails leaves an entry without a picture, which is nobody's trouble
        self._jobs.add(job)
        job.succeeded.connect(self._recent.changed)
        job.finished.connect(self._on_finished)
        job.start()

    def _on_finished(self) -> None:
        job = self.sender()
        if isinstance(job, Job):
            self._jobs.discard(job)
            job.deleteLater()
