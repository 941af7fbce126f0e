"""Comparing the labels of the case with another set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.controllers.labels import LABEL_FILES, LabelsController
from app.model import work
from app.model.case import Case
from app.model.case_model import CaseModel
from app.model.comparing import Comparing, Comparison
from app.model.jobs import JobRunner
from app.model.plan_files import snapshot
from app.model.recent import RecentFiles
from app.widgets.dialogs import Dialogs

if TYPE_CHECKING:
    from spinect_core.io.reading.label_layers import LabelSet
    from spinect_core.io.reading.label_names import Meaning

COMPARING = "Comparing labels"
FOLLOW = "The surfaces of the corrected labels are made first; compare again then."


class CompareController(QObject):
    """Reads another set of labels and compares the case's with it.

    Args:
        model: the case.
        comparing: takes the comparison.
        labels: reads files of labels.
        jobs: where the work runs.
        recent: where the user looks for files.
        dialogs: asks for them.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        model: CaseModel,
        comparing: Comparing,
        labels: LabelsController,
        jobs: JobRunner,
        recent: RecentFiles,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._comparing, self._labels = model, comparing, labels
        self._jobs, self._recent, self._dialogs = jobs, recent, dialogs

    def ask(self) -> None:
        """Let the user choose the file of the other set."""
        path = self._dialogs.file_to_open("Labels to compare with", self._recent.folder, LABEL_FILES)
        if path is not None:
            self.load(path)

    def load(self, path: Path) -> None:
        """Read the other set, ask what its segments are, and compare."""
        self._labels.load(path, self._take)

    def again(self) -> None:
        """Compare the present labels with the same other set."""
        comparison, case = self._comparing.comparison, self._model.case
        if comparison is None or case is None or not self._ready():
            return
        moment, now = self._model.labels_moment, snapshot(case)
        self._jobs.start(
            COMPARING,
            lambda progress, cancel: work.compare_again(now, comparison, moment, progress, cancel),
            lambda made: self._on_compared(case, made),
        )

    def _take(self, case: Case, found: LabelSet, meanings: Sequence[Meaning], path: Path) -> None:
        if not self._ready():
            return
        moment, now = self._model.labels_moment, snapshot(case)
        self._jobs.start(
            COMPARING,
            lambda progress, cancel: work.compare_with(now, found, meanings, path, moment, progress, cancel),
            lambda made: self._on_compared(case, made),
        )

    def _ready(self) -> bool:
        if not self._comparing.possible:
            self.said.emit(FOLLOW)
        return self._comparing.possible

    def _on_compared(self, case: Case, made: Comparison) -> None:
        if self._model.case is case:
            self._comparing.take(made)
