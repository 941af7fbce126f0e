"""Labels that were made elsewhere, in place of the network's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.model import work
from app.model.case import Case
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.widgets.dialogs import Dialogs
from spinect_core.image.volume import BONE, NERVE
from spinect_core.image.warning import warning_lines

if TYPE_CHECKING:
    from spinect_core.io.reading.label_layers import LabelSet
    from spinect_core.io.reading.label_names import Meaning

LABEL_FILES = "Labels (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.dcm);;All files (*)"
Take = Callable[["Case", "LabelSet", "Sequence[Meaning]", Path], None]
"""Takes labels for a case: what its file holds, what its segments are, and where it is."""
READING, TAKING = "Reading labels", "Taking labels"


class LabelsController(QObject):
    """Gives the open case labels from a file; a case whose labels cannot be taken stays as it is.

    Args:
        model: takes the labels.
        jobs: where they are read and put on the CT.
        recent: where the user looks for files.
        dialogs: asks for them, and what their segments are.

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
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._jobs, self._recent, self._dialogs = model, jobs, recent, dialogs

    def ask_file(self) -> None:
        """Let the user choose a file of labels."""
        path = self._dialogs.file_to_open("Load labels made elsewhere", self._recent.folder, LABEL_FILES)
        if path is not None:
            self.load(path)

    def ask_folder(self) -> None:
        """Let the user choose a folder of masks, or one with a DICOM object."""
        path = self._dialogs.folder_to_open("Load a folder of labels", self._recent.folder)
        if path is not None:
            self.load(path)

    def load(self, path: Path, take: Take | None = None) -> None:
        """Read labels, ask what their segments are, and take them.

        Args:
            path: of the file or folder.
            take: what is to become of them; they replace those of the case when absent.
        """
        case = self._model.case
        if case is None or case.volume is None:
            return
        corrected = "" if take is not None else self._model.corrected
        if corrected and not self._dialogs.confirm_losing_corrections(corrected):
            return
        self._jobs.start(
            READING,
            lambda progress, cancel: work.read_elsewhere(case, path, progress, cancel),
            lambda found: self._ask(case, found, path, take or self._take),
        )

    def _ask(self, case: Case, found: LabelSet, path: Path, take: Take) -> None:
        if self._model.case is not case:
            return
        answer = self._dialogs.ask_labels(found, path)
        if answer is not None and self._model.case is case:
            take(case, *answer, path)

    def _take(self, case: Case, found: LabelSet, meanings: Sequence[Meaning], path: Path) -> None:
        self._jobs.start(
            TAKING,
            lambda progress, cancel: work.take_elsewhere(case, found, meanings, path, progress, cancel),
            self._on_taken,
        )

    def _on_taken(self, made: work.Segmented) -> None:
        if made.case is not self._model.case:
            return
        made.case.timings["surfaces"] = made.seconds
        self._model.set_segmentation(made.segmentation, made.surfaces, made.picker)
        if made.named is not None:
            self._model.set_organs(made.named.organs, made.named.meshes)
        self._model.warnings_changed.emit()
        self.said.emit("\n".join(_told(made)))


def _told(made: work.Segmented) -> list[str]:
    """What was taken, and what there is to know of it."""
    labels = made.segmentation.labels
    assert labels is not None  # they were put on the CT
    millilitre = labels.geometry.voxel_volume / 1000
    bone, nerve = ((labels.array == tissue).sum() * millilitre for tissue in (BONE, NERVE))
    first = f"Labels loaded: {bone:.0f} ml of bone, {nerve:.1f} ml of nerve."
    if not nerve:
        first += " Without nerve neither neural triangles nor the distance to nerve can be had."
    run = made.segmentation.run
    return [first, *(() if run is None else run.fallbacks), *warning_lines(labels.warnings)]
