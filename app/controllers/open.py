"""Opening: a CT, one of several series, the demo case, a plan with its CT or without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.controllers.save import SaveController
from app.model import plan_files, work
from app.model.autosave import Autosave, Leftovers
from app.model.case import Case, is_automatic
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.plan_files import Opened
from app.model.recent import RecentFiles
from app.model.trajectories import Trajectories
from app.model.work import Doubtful, Found
from app.panels.chooser import SeriesChooser
from app.widgets.boxes import Boxes
from app.widgets.dialogs import Dialogs
from spinect_core.base.assets import asset
from spinect_core.base.errors import SpinectError
from spinect_core.base.progress import Cancel, Progress
from spinect_core.plan.label_wording import of_same_labels
from spinect_core.plan.records import Planning
from spinect_core.plan.wording import users_part

if TYPE_CHECKING:
    from spinect_core.io.reading.series import Series
    from spinect_core.plan.plan import Plan

CT_ENDINGS = "*.dcm *.zip *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd"
OPEN_FILES = f"CT and plans ({CT_ENDINGS} *.spinect);;All files (*)"
PLAN_FILES = "Plans (*.spinect *.json)"
DEMO = "demo/ct.nii.gz"

OTHER_LABELS = " Its trajectories and triangles were found on other labels than these, and were left out."
NOT_OPEN = "Its CT is not open; open it to see the slices."


class OpenController(QObject):
    """Replaces the open case, after asking where work could be lost.

    Args:
        model: takes the case.
        trajectories: of a plan; the first is looked at.
        jobs: where files are read.
        recent: remembers what was opened.
        save: asks before a case goes unsaved.
        autosave: keeps what is recovered.
        leftovers: what can be recovered.
        dialogs: asks for files, and whether to go on.
        boxes: shows errors.
        window: the chooser of a series lies over it.

    Attributes:
        chooser: the open question which series to read; None when there is none.

    Signals:
        said: a sentence for the status bar.
        ct_opened: another CT is open; True where the user asked for its finished plan.
        plan_opened: a plan is open, and what is looked at first is chosen.
    """

    said = Signal(str)
    ct_opened = Signal(bool)
    plan_opened = Signal()

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        jobs: JobRunner,
        recent: RecentFiles,
        save: SaveController,
        autosave: Autosave,
        leftovers: Leftovers,
        dialogs: Dialogs,
        boxes: Boxes,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._model, self._trajectories = model, trajectories
        self._jobs, self._recent, self._save = jobs, recent, save
        self._autosave, self._leftovers = autosave, leftovers
        self._dialogs, self._boxes, self._window = dialogs, boxes, window
        self.chooser: SeriesChooser | None = None

    # ---------------------------------------------------------------------------------------------------- asking

    def ask_file(self) -> None:
        """Let the user choose a file."""
        self._open_chosen(self._dialogs.file_to_open("Open a CT or a plan", self._recent.folder, OPEN_FILES))

    def ask_folder(self) -> None:
        """Let the user choose a DICOM folder."""
        self._open_chosen(self._dialogs.folder_to_open("Open a DICOM folder", self._recent.folder))

    def ask_plan(self) -> None:
        """Let the user choose a saved plan."""
        path = self._dialogs.file_to_open("Open a plan", self._recent.folder, PLAN_FILES)
        if path is not None:
            self.open_plan(path)

    def close_chooser(self) -> None:
        """Take the question back which series to read."""
        if self.chooser is not None:
            self.chooser.close()

    def _open_chosen(self, path: Path | None) -> None:
        if path is not None:
            self.open_path(path)

    # ------------------------------------------------------------------------------------------------------ a CT

    def open_demo(self, finish: bool = True) -> None:
        """Open the case that comes with the program, and go on to its finished plan."""
        try:
            path = asset(DEMO)
        except SpinectError as error:
            self._boxes.show_error(error)
            return
        self.open_path(path, finish)

    def open_path(self, path: Path, finish: bool = False) -> None:
        """Open a CT or a plan; what is open stays until the new one has been read.

        A CT joins the plan that is open without it, if it is the plan's.

        Args:
            path: file or folder.
            finish: go on to the finished plan.
        """
        if plan_files.is_plan(path):
            self.open_plan(path)
            return
        plan = self._plan_without_ct
        if plan is None and not self._save.may_leave(lambda: self.open_path(path, finish)):
            return
        self._read(path, plan, finish)

    def _read(
        self,
        path: Path,
        plan: Case | None,
        finish: bool,
        series: Series | None = None,
        assume_hu: bool = False,
    ) -> None:
        """Read a series, or the best one under a path."""

        def read(progress: Progress, cancel: Cancel) -> Case | Found | Doubtful:
            if series is None:
                return work.open_path(path, progress, cancel, plan, assume_hu)
            return work.open_series(path, series, progress, cancel, plan, assume_hu)

        self._jobs.start_instead(
            f"Opening {path.name if series is None else series.title or series.key}",
            read,
            lambda result: self._on_read(path, result, plan, finish),
        )

    @property
    def _plan_without_ct(self) -> Case | None:
        case = self._model.case
        return case if case is not None and case.volume is None else None

    def _on_read(self, path: Path, result: Case | Found | Doubtful, plan: Case | None, finish: bool) -> None:
        if isinstance(result, Found):
            self._choose(result, plan, finish)
            return
        if isinstance(result, Doubtful):
            self.said.emit("Is the CT to be opened all the same?")
            if self._dialogs.confirm_assumed_hu(result.fault):
                self._read(path, plan, finish, result.series, assume_hu=True)
            else:
                self.said.emit("Nothing was opened: the values are not taken for Hounsfield units.")
            return
        if plan is not None and self._model.case is plan:
            if result.volume is not None and _same_ct(result, plan):
                self._model.add_ct(result.volume, path, result.segmentation)
                self._recent.opened(path)
                self._remember(plan)
                self.said.emit(f"{path.name} is the CT of this plan.")
                return
            if not self._dialogs.confirm_other_ct():
                return
            if not self._save.may_leave(lambda: self._show(path, result, finish)):
                return
        self._show(path, result, finish)

    def _show(self, path: Path, case: Case, finish: bool) -> None:
        self._model.open(case)
        self._recent.opened(path)
        self.ct_opened.emit(finish)

    def _choose(self, found: Found, plan: Case | None, finish: bool) -> None:
        chooser = SeriesChooser(found.series, found.path.name, found.best, self._window)
        self.chooser = chooser

        def accepted() -> None:
            series = chooser.chosen
            if series is not None:
                self._read(found.path, plan, finish, series)

        chooser.accepted.connect(accepted)
        chooser.rejected.connect(lambda: self.said.emit("Nothing was opened: no series was chosen."))
        chooser.finished.connect(chooser.deleteLater)
        chooser.finished.connect(self._forget_chooser)
        chooser.open()
        self.said.emit("Which series is to be opened?")

    def _forget_chooser(self) -> None:
        self.chooser = None

    # ---------------------------------------------------------------------------------------------------- a plan

    def open_plan(self, path: Path) -> None:
        """Open a saved plan, with its CT if that is open and without it otherwise.

        A plan.json only adds its measurements to an open CT, which has to be its own.
        """
        case = self._model.case
        adds = path.suffix.lower() == plan_files.PLAN_SUFFIX and case is not None and case.volume is not None
        if not adds and not self._save.may_leave(lambda: self.open_plan(path)):
            return
        start = self._jobs.start if adds else self._jobs.start_instead
        start(
            f"Opening {path.name}",
            lambda progress, cancel: plan_files.open_plan(path, case, progress, cancel),
            lambda opened: self._on_plan(path, opened, case, adds),
        )

    def _on_plan(self, path: Path, opened: Opened, case: Case | None, adds: bool) -> None:
        if self._model.case is not case:
            return
        if adds and not opened.same_ct:
            self._boxes.show_error(plan_files.another_ct(path))
            return
        if adds:
            self._add_plan(path, opened)
            return
        known = None if opened.same_ct else self._recent.ct_of(opened.plan.case.sha256)
        if opened.same_ct is False and known is None and not self._dialogs.confirm_without_ct(path):
            return
        self._model.open(opened.case, opened.drawn, opened.names, opened.plan.planning, opened.repeats)
        self._recent.opened(path)
        self._look(opened.plan)
        without = "" if opened.same_ct or known is not None else f" {NOT_OPEN}"
        self.said.emit(f"Plan opened: {path.name}.{without}")
        if opened.same_ct:
            self._remember(opened.case)
        elif known is not None:
            self._bring(known, opened.case)

    def recover(self, path: Path) -> None:
        """Bring back unsaved work of a window that ended unexpectedly, as unsaved work of this one.

        Args:
            path: of a leftover.
        """
        case = self._model.case
        if not self._save.may_leave(lambda: self.recover(path)):
            return
        self._jobs.start_instead(
            "Recovering unsaved work",
            lambda progress, cancel: plan_files.open_plan(path, case, progress, cancel),
            lambda opened: self._on_recovered(path, opened, case),
        )

    def _on_recovered(self, path: Path, opened: Opened, case: Case | None) -> None:
        if self._model.case is not case:
            return
        opened.case.document = opened.case.stored = None
        self._model.open(opened.case, opened.drawn, opened.names, opened.plan.planning, opened.repeats)
        self._model.mark_unsaved()
        self._autosave.adopt(path)
        self._leftovers.forget(path)
        self._look(opened.plan)
        known = None if opened.same_ct else self._recent.ct_of(opened.plan.case.sha256)
        without = "" if opened.same_ct or known is not None else f" {NOT_OPEN}"
        self.said.emit(f"Unsaved work recovered. Save it to keep it.{without}")
        if known is not None:
            self._bring(known, opened.case)

    def _bring(self, path: Path, plan: Case) -> None:
        """Read the CT of an opened plan from where it was last; if it is another one now, the plan stays as it is."""

        def brought(result: Case | str) -> None:
            if self._model.case is not plan or plan.volume is not None:
                return
            if isinstance(result, Case) and result.volume is not None:
                self._model.add_ct(result.volume, path, result.segmentation)
                self.said.emit(f"{path.name} is the CT of this plan.")
            elif isinstance(result, str):
                # Nobody has asked for this CT: no box that wants an answer, a line beside the plan.
                self._model.miss_ct(f"{path.name}: {result}")
                self.said.emit(f"{path.name}: {result} {NOT_OPEN}")

        self._jobs.start(
            f"Opening {path.name}",
            lambda progress, cancel: work.ct_of_plan(path, plan, progress, cancel),
            brought,
        )

    def _remember(self, case: Case) -> None:
        if case.facts is not None and case.volume is not None:
            self._recent.remember_ct(case.facts.sha256, case.source)

    def _add_plan(self, path: Path, opened: Opened) -> None:
        plan, nothing_new = opened.plan, not self._model.unsaved
        self._model.add_warnings(plan.case)
        if plan.region is not None:
            self._model.set_region(plan.region)
        case = self._model.case
        ours = None if case is None else case.segmentation
        run = {} if ours is None or ours.run is None else ours.run.record
        fits = ours is None or of_same_labels(plan.run, run)
        if plan.planning != Planning():
            self._model.set_planning(plan.planning if fits else users_part(plan.planning))
        drawn, names, repeats = opened.drawn, opened.names, opened.repeats
        kept = [number for number, each in enumerate(drawn) if fits or not is_automatic(each)]
        self._model.add_all(
            [drawn[number] for number in kept],
            f"open {path.name}",
            [names[number] if number < len(names) else "" for number in kept],
            [repeats[number] for number in kept],
        )
        self._look(plan)
        if nothing_new:
            self._model.mark_saved()  # it is in the file that was opened
        if self._model.case is not None:
            self._model.case.stored = None  # no one file holds all of it
        self._recent.add(path)
        self.said.emit(f"Plan opened: {path.name}.{'' if fits else OTHER_LABELS}")

    def _look(self, plan: Plan) -> None:
        """Along the first needle that is recommended, or at the first triangle of a plan without trajectories."""
        if self._trajectories.rows:
            self._trajectories.choose_first()
        elif plan.triangles:
            self._model.set_cursor(plan.triangles[0].centroid)
            self._model.set_view(plan.triangles[0].view)
        self.plan_opened.emit()


def _same_ct(one: Case, other: Case) -> bool:
    """Whether two cases are of one CT, whatever was noticed on reading it."""
    return one.facts is not None and other.facts is not None and one.facts.same_ct(other.facts)
