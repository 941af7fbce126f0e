"""Loading masks of organs that another program made, for the open CT."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.model import work
from app.model.case import Case
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.widgets.dialogs import Dialogs
from spinect_core.image.organs import Organ, Organs

if TYPE_CHECKING:
    from pyvista import PolyData

MASK_FILES = "Masks (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.dcm);;All files (*)"
LOADING = "Loading organ masks"


class OrgansController(QObject):
    """Gives the open case organs, which needles are then kept from.

    Args:
        model: takes the organs.
        jobs: where masks are read and compared with the CT.
        recent: where the user looks for files.
        dialogs: asks for them.

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

    @property
    def possible(self) -> bool:
        """Whether there is a CT that masks could belong to."""
        case = self._model.case
        return case is not None and case.volume is not None

    def ask_file(self) -> None:
        """Let the user choose a file of masks."""
        path = self._dialogs.file_to_open("Load organ masks", self._recent.folder, MASK_FILES)
        if path is not None:
            self.load(path)

    def ask_folder(self) -> None:
        """Let the user choose a folder of masks."""
        path = self._dialogs.folder_to_open("Load a folder of organ masks", self._recent.folder)
        if path is not None:
            self.load(path)

    def load(self, path: Path) -> None:
        """Read masks, and give them to the case if they are of its CT; else it stays as it is, with the reason."""
        case = self._model.case
        if case is None or case.volume is None:
            return
        self._jobs.start(
            LOADING,
            lambda progress, cancel: work.load_organs(case, path, progress, cancel),
            lambda loaded: self._on_loaded(case, *loaded),
        )

    def remove(self) -> None:
        """Take the organs away again."""
        self._model.set_organs(None)
        self.said.emit("The organ masks are gone. Find the trajectories again: the present ones knew them.")

    def _on_loaded(self, case: Case, organs: Organs, meshes: Mapping[Organ, PolyData]) -> None:
        from spinect_core.plan.way_wording import organ_list

        if self._model.case is not case:
            return
        self._model.set_organs(organs, meshes)
        again = " Find the trajectories again: the present ones do not know them."
        found = organ_list(organs.found) or "none"
        lines = [f"Organ masks loaded: {found}.{again if self._model.planning.searches else ''}"]
        lines += [each.line for each in organs.warnings]
        self.said.emit("\n".join(lines))
