"""The open case as DICOM files in a folder."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.controllers.report import ReportController
from app.model import dicom_work
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.widgets.dialogs import Dialogs

if TYPE_CHECKING:
    from spinect_core.pipeline.dicom_export import Exported

FOLDER = "spinect-dicom"
"""What the new folder is called: a name that tells nothing."""
WRITING = "Writing DICOM"
"""Title of the job."""


class DicomController(QObject):
    """Writes DICOM.

    Args:
        model: what is written.
        report: says what of it is told.
        jobs: where objects are made.
        recent: the folder to begin in.
        dialogs: asks what is wanted, and where it goes.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        model: CaseModel,
        report: ReportController,
        jobs: JobRunner,
        recent: RecentFiles,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._report, self._jobs = model, report, jobs
        self._recent, self._dialogs = recent, dialogs

    @property
    def possible(self) -> bool:
        """Whether the open case has a CT, and a report."""
        case = self._model.case
        return case is not None and case.volume is not None and self._report.possible

    def ask(self) -> None:
        """Let the user say what is wanted and where it goes, and write it."""
        case = self._model.case
        if case is None or case.volume is None or not self.possible:
            return
        answer = self._dialogs.ask_dicom(case.volume.details.get("format") == "DICOM")
        if answer is None:
            return
        kinds, nameless = answer
        folder = self._dialogs.folder_to_open("Folder for the new folder of DICOM files", self._recent.folder)
        if folder is not None:
            self.write(_new_folder(folder), kinds, deidentified=nameless)

    def write(self, folder: Path, kinds: tuple[str, ...], *, deidentified: bool) -> None:
        """Write the open case.

        Args:
            folder: that is not there yet.
            kinds: what is wanted.
            deidentified: whether it names nobody.
        """
        opened = self._report.opened
        if opened is None:
            return

        def written(exported: Exported) -> None:
            objects = sum(exported.counts.values())
            self.said.emit(f"DICOM saved: {objects} object{'s' if objects != 1 else ''} in {folder.name}")

        self._jobs.start(
            WRITING,
            lambda progress, cancel: dicom_work.export(opened, kinds, deidentified, folder, progress, cancel),
            written,
        )


def _new_folder(beside: Path) -> Path:
    """The first name of ours that is free in a folder."""
    names = (beside / (FOLDER if number == 1 else f"{FOLDER}-{number}") for number in count(1))
    return next(path for path in names if not path.exists())
