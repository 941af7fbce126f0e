"""Organs of the open CT: masks that another program made, or what the organ network finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.model import work
from app.model.case import Case, organs_missing
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.model.segment_options import SegmentOptions
from app.widgets.dialogs import Dialogs
from spinect_core.image.organs import Organ, OrganOrigin, Organs
from spinect_core.image.warning import organ_warning_lines

if TYPE_CHECKING:
    from pyvista import PolyData

MASK_FILES = "Masks (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.dcm);;All files (*)"
LOADING, FINDING = "Loading organ masks", "Finding organs"


class OrgansController(QObject):
    """Gives the open case organs, which needles are then kept from.

    Args:
        model: takes the organs.
        options: how networks run.
        jobs: where masks are read and compared with the CT, and where the network is waited for.
        recent: where the user looks for files.
        dialogs: asks for them.

    Signals:
        said: a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        model: CaseModel,
        options: SegmentOptions,
        jobs: JobRunner,
        recent: RecentFiles,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._options, self._jobs = model, options, jobs
        self._recent, self._dialogs = recent, dialogs

    @property
    def possible(self) -> bool:
        """Whether there is a CT that masks could belong to."""
        case = self._model.case
        return case is not None and case.volume is not None

    @property
    def to_remove(self) -> bool:
        """Whether there are organs to go without: those of the case, or those that the opened plan knew."""
        case = self._model.case
        return case is not None and (case.organs is not None or organs_missing(case, self._model.planning))

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

    def find(self, afterwards: Callable[[], None] | None = None) -> None:
        """Have the organ network find organs; they take the place of those that are there.

        Args:
            afterwards: called once they are found.
        """
        case = self._model.case
        if case is None or case.volume is None:
            return
        options = self._options.now
        self._jobs.start(
            FINDING,
            lambda progress, cancel: work.organs_of(case, options, progress, cancel),
            lambda named: self._on_found(case, named, afterwards),
        )

    def remove(self) -> None:
        """Take the organs away again."""
        self._model.set_organs(None)
        self.said.emit("No organs are known now. Find the trajectories again: the present ones knew them.")

    def _on_found(self, case: Case, named: work.NamedOrgans, afterwards: Callable[[], None] | None) -> None:
        if named.organs is None:
            self.said.emit(named.fault)
            return
        self._on_loaded(case, named.organs, named.meshes)
        if afterwards is not None and self._model.case is case:
            afterwards()

    def _on_loaded(self, case: Case, organs: Organs, meshes: Mapping[Organ, PolyData]) -> None:
        from spinect_core.plan.way_wording import organ_list

        if self._model.case is not case:
            return
        self._model.set_organs(organs, meshes)
        again = " Find the trajectories again: the present ones do not know them."
        found = organ_list(organs.found) or "none"
        how = "Organ masks loaded" if organs.origin == OrganOrigin.MASKS else "Organs found by the network"
        lines = [f"{how}: {found}.{again if self._model.planning.searches else ''}"]
        lines += organ_warning_lines(organs.warnings)
        self.said.emit("\n".join(lines))
