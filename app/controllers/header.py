"""The DICOM header of the open CT: read when it is asked for, shown, and written as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.model import header_work
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.panels.header_box import HeaderBox
from app.widgets.boxes import Boxes
from app.widgets.dialogs import Dialogs

if TYPE_CHECKING:
    from spinect_core.io.reading.header_listing import Listing

READING, WRITING = "Reading the DICOM header", "Writing the DICOM header"
"""Titles of the jobs."""
FILES = "CSV (*.csv)"
SUFFIX, SUGGESTED = ".csv", "dicom-header.csv"


class HeaderController(QObject):
    """Shows headers.

    Args:
        model: the open case.
        jobs: where files are read and written.
        recent: the folder to begin in.
        dialogs: asks where the table goes.
        boxes: shows the header.
        window: the box lies over it.

    Attributes:
        box: the one that was opened last; None before and when it has been closed.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        model: CaseModel,
        jobs: JobRunner,
        recent: RecentFiles,
        dialogs: Dialogs,
        boxes: Boxes,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._model, self._jobs, self._recent = model, jobs, recent
        self._dialogs, self._boxes, self._window = dialogs, boxes, window
        self.box: HeaderBox | None = None
        model.case_opened.connect(self._close)

    @property
    def possible(self) -> bool:
        """Whether the open CT is DICOM."""
        case = self._model.case
        return case is not None and case.volume is not None and case.volume.details.get("format") == "DICOM"

    def show(self) -> None:
        """Read the header of the open CT, and show it."""
        case = self._model.case
        if case is None or case.volume is None or not self.possible:
            return
        source, volume = case.source, case.volume

        def read(listing: Listing) -> None:
            if self._model.case is not case:
                return
            box = HeaderBox(listing, self._window)
            self.box = box
            box.save_wanted.connect(lambda shown: self._save(listing, shown))
            box.finished.connect(self._forget)
            self._boxes.show_help(box)

        self._jobs.start(
            READING, lambda progress, cancel: header_work.read(source, volume, progress, cancel), read
        )

    def _close(self) -> None:
        """It is the header of another case."""
        if self.box is not None:
            self.box.close()

    def _forget(self) -> None:
        self.box = None

    def _save(self, listing: Listing, shown: bool) -> None:
        path = self._dialogs.file_to_save("Save header", self._recent.folder / SUGGESTED, FILES)
        if path is None:
            return
        path = path if path.suffix.lower() == SUFFIX else path.with_name(f"{path.name}{SUFFIX}")
        self._jobs.start(
            WRITING,
            lambda _progress, _cancel: header_work.write_table(listing, shown, path),
            lambda _nothing: self.said.emit(f"Header saved: {path.name}"),
        )
