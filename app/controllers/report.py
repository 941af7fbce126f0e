"""The report of the open case: as PDF, and as text on the clipboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app.model import report_work
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.plan_files import snapshot
from app.model.recent import RecentFiles
from app.model.report_work import Open, ReportWish
from app.model.trajectories import Trajectories
from app.widgets.dialogs import Dialogs
from spinect_core.base.words import SIDES, Side
from spinect_core.plan.wording import Trajectory

if TYPE_CHECKING:
    from spinect_core.pipeline.report import Report

FILES = "PDF (*.pdf)"
SUFFIX = ".pdf"
SUGGESTED = "report.pdf"
WRITING, COPYING = "Writing the report", "Copying the report"
"""Titles of the jobs."""
BOTH = "both"


class ReportController(QObject):
    """Writes reports.

    Args:
        model: what is reported.
        trajectories: the one that is looked at.
        jobs: where reports are made.
        recent: the folder to begin in.
        dialogs: asks what is to be on it, and where it goes.

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

    @property
    def possible(self) -> bool:
        """Whether trajectories were looked for in the open case."""
        return self._model.case is not None and bool(self._trajectories.rows)

    def ask(self) -> None:
        """Let the user say what is to be on the report and where it goes, and write it."""
        case = self._model.case
        if case is None or not self.possible:
            return
        answer = self._dialogs.ask_report(self._choices(), case.volume is not None)
        if answer is None:
            return
        key, paper, named = answer
        path = self._dialogs.file_to_save("Save report", self._recent.folder / SUGGESTED, FILES)
        if path is None:
            return
        path = path if path.suffix.lower() == SUFFIX else path.with_name(f"{path.name}{SUFFIX}")
        side = Side(key) if key in SIDES else None
        zone = "" if key == BOTH or side is not None else key
        self.write(path, ReportWish(side, zone, paper, named))

    def write(self, path: Path, wish: ReportWish) -> None:
        """Write a report; pictures that were drawn for it are kept with the case, and saved with its plan.

        Args:
            path: ends in .pdf.
            wish: what is to be on it.
        """
        opened = self.opened
        if opened is None:
            return
        case = opened.case

        def written(report: Report) -> None:
            for name, (file, content) in report.drawn.items():
                case.report_files[name] = file
                case.files[file] = content
            count = len(report.pages)
            self.said.emit(f"Report saved: {path.name}, {count} page{'s' if count != 1 else ''}")

        self._jobs.start(
            WRITING,
            lambda progress, cancel: report_work.write_report(opened, wish, path, progress, cancel),
            written,
        )

    def copy(self) -> None:
        """Put the report of the trajectory that is looked at on the clipboard; of every side where none is."""
        opened, current = self.opened, self._trajectories.current
        if opened is None or not self.possible:
            return
        zone = "" if current is None else current.key

        def copied(text: str) -> None:
            QGuiApplication.clipboard().setText(text)
            lines = len(text.splitlines())
            self.said.emit(f"Report copied as text: {lines} lines")

        self._jobs.start(
            COPYING,
            lambda progress, cancel: report_work.report_text(opened, zone, progress, cancel),
            copied,
        )

    @property
    def opened(self) -> Open | None:
        """The open case as it is now; None for none."""
        case = self._model.case
        if case is None:
            return None
        # not as the file is now: another program may have written or removed it
        stored = None if self._model.unsaved else case.stored
        now = snapshot(case)
        if not self._model.surfaces_current:
            now.surfaces = None  # those that are there are of other labels; whoever needs surfaces makes them
        return Open(now, self._model.measurements, self._model.planning, stored)

    def _choices(self) -> dict[str, str]:
        """What may be on a report, by the words that name it."""
        rows, current = self._trajectories.rows, self._trajectories.current
        sides = [side for side in SIDES if any(each.side == side for each in rows)]
        found = {"The recommended needle of each side": BOTH} if len(sides) > 1 else {}
        found |= {f"The recommended needle of the {side}": str(side) for side in sides}
        if current is not None:
            found[_named(current)] = current.key
        return found


def _named(current: Trajectory) -> str:
    return f"The selected trajectory: {current.called}"
