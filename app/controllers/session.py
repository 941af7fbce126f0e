"""What the user can do with a case: open, segment, find trajectories, save, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.model import plan_files, work
from app.model.case_model import Case, CaseModel
from app.model.jobs import JobRunner
from app.model.plan_files import Opened
from app.model.planner import Planner
from app.model.recent import RecentFiles
from app.model.work import Found, Options, Segmented
from app.panels.chooser import SeriesChooser
from app.views.needle_slice import NeedleSlice
from app.widgets import messages
from app.widgets.boxes import Boxes
from spinect_core.base.assets import asset
from spinect_core.base.errors import SpinectError, UsageError
from spinect_core.plan.records import Planning

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from app.views.scene import Viewport
    from app.views.trajectory_drawing import TrajectoryDrawing

CT_ENDINGS = "*.dcm *.zip *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd"
OPEN_FILES = f"CT and plans ({CT_ENDINGS} *.spinect);;All files (*)"
PLAN_FILES = "Plans (*.spinect *.json)"
SAVE_FILES = "Plan with labels and pictures (*.spinect);;Measurements alone (*.json)"
DEMO = "demo/ct.nii.gz"
SEGMENTING = "Segmenting"


class Session(QObject):
    """Ties the model to the jobs.

    Signals:
        said: a sentence for the status bar.
        segmented: surfaces and picker are in ``surfaces`` and ``picker``.
        plan_ready: a demo or plan asked for at the start stands complete.
    """

    said = Signal(str)
    surfaces_changed = Signal()
    plan_ready = Signal()

    def __init__(self, model: CaseModel, jobs: JobRunner, settings: QSettings, window: QWidget) -> None:
        super().__init__(window)
        self._model, self._jobs, self._settings, self._window = model, jobs, settings, window
        self.recent = RecentFiles(settings, self)
        self.options: Callable[[], Options] = Options
        self.viewport: Viewport | None = None
        self.drawing: TrajectoryDrawing | None = None
        self.picker: Any = None
        self.boxes = Boxes(window)
        self._go_on = False
        self._chooser: SeriesChooser | None = None
        self.planner = Planner(model, self._start, self)
        self.planner.said.connect(self.said)
        self.planner.found.connect(self.plan_ready)
        self.needle_slice = NeedleSlice(model, self.planner, self._start, window)
        self.needle_slice.save_wanted.connect(self.ask_picture)
        jobs.failed.connect(self._on_failure)

    def _on_failure(self, error: SpinectError) -> None:
        self._go_on = False
        self.boxes.show_error(error)

    # --------------------------------------------------------------------------------------------------- opening

    def ask_file(self) -> None:
        """Let the user choose a file."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a CT or a plan", self._last_folder(), OPEN_FILES
        )
        if name:
            self.open_path(Path(name))

    def ask_folder(self) -> None:
        """Let the user choose a DICOM folder."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a DICOM folder", self._last_folder())
        if name:
            self.open_path(Path(name))

    def open_demo(self, finish: bool = True) -> None:
        """Open the case that comes with the program, and segment it."""
        try:
            path = asset(DEMO)
        except SpinectError as error:
            self.boxes.show_error(error)
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
        if plan is None and not self._may_discard():
            return
        self._go_on = finish
        self._jobs.start_instead(
            f"Opening {path.name}",
            lambda progress, cancel: work.open_path(path, progress, cancel, plan),
            lambda result: self._on_read(path, result, plan),
        )

    @property
    def _plan_without_ct(self) -> Case | None:
        case = self._model.case
        return case if case is not None and case.volume is None else None

    def _on_read(self, path: Path, result: Case | Found, plan: Case | None) -> None:
        if isinstance(result, Found):
            self._choose(result, plan)
            return
        if plan is not None and self._model.case is plan:
            if result.facts == plan.facts and result.volume is not None:
                self._model.add_ct(result.volume, path, result.segmentation)
                self._remember(path)
                self.said.emit(f"{path.name} is the CT of this plan.")
                return
            if not self.confirm_other_ct() or not self._may_discard():
                return
        self._model.open(result)
        self._remember(path)
        self.picker = None
        self.surfaces_changed.emit()
        if self._go_on:
            self.segment()

    def _remember(self, path: Path) -> None:
        self._settings.setValue("folder", str(path.parent))
        self.recent.add(path)

    def _choose(self, found: Found, plan: Case | None) -> None:
        chooser = SeriesChooser(found.series, found.path.name, found.best, self._window)
        self._chooser = chooser

        def accepted() -> None:
            series = chooser.chosen
            if series is not None:
                self._jobs.start_instead(
                    f"Opening {series.description or series.key}",
                    lambda progress, cancel: work.open_series(found.path, series, progress, cancel, plan),
                    lambda case: self._on_read(found.path, case, plan),
                )

        chooser.accepted.connect(accepted)
        chooser.finished.connect(chooser.deleteLater)
        chooser.finished.connect(self._forget_chooser)
        chooser.open()

    def _forget_chooser(self) -> None:
        self._chooser = None

    # ------------------------------------------------------------------------------------------------ segmenting

    def segment(self) -> None:
        """Segment the open case."""
        case = self._model.case
        if case is None:
            return
        if case.volume is None:
            self.boxes.show_error(UsageError("The CT of this plan is not open", "Open it first", case.name))
            return
        if case.region is None:
            self.boxes.show_error(
                SpinectError(
                    "No lumbosacral region was recognised in this CT",
                    "Open a CT that shows the pelvis and the lowest lumbar vertebrae",
                )
            )
            return
        options = self.options()
        self._start(
            SEGMENTING,
            lambda progress, cancel: work.segment_case(case, options, progress, cancel),
            self._on_segmented,
        )

    def _on_segmented(self, result: Segmented) -> None:
        if result.case is not self._model.case:
            return
        result.case.timings["surfaces"] = result.seconds
        self.picker = result.picker
        self._model.set_segmentation(result.segmentation, result.surfaces)
        self.surfaces_changed.emit()
        bone, nerve = result.surfaces.bone.n_cells, result.surfaces.nerve.n_cells
        if not bone or not nerve:
            missing = "bone and nerve" if not bone and not nerve else "bone" if not bone else "nerve"
            self.said.emit(f"Segmented, but no {missing} was found. Check the region and the slices.")
        if self._go_on:
            self._go_on = False
            self.planner.find()

    # ------------------------------------------------------------------------------------------- saving, errors

    def ask_export(self) -> None:
        """Let the user name a picture and write it."""
        case = self._model.case
        if case is None or self.viewport is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Export picture", str(Path(self._last_folder()) / "l5s1.png"), "PNG (*.png)"
        )
        if name:
            self.export_picture(Path(name))

    def ask_picture(self, picture: npt.NDArray[np.uint8], suggested: str) -> None:
        """Let the user name a finished picture and write it."""
        from spinect_core.pictures import save_picture

        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save picture", str(Path(self._last_folder()) / suggested), "PNG (*.png)"
        )
        if name:
            path = Path(name) if name.lower().endswith(".png") else Path(f"{name}.png")
            self._guarded(lambda: save_picture(picture, path), f"Picture saved: {path.name}")

    def export_picture(self, path: Path) -> bool:
        """Write what the 3D view shows; False if it could not be written."""
        from app.controllers import export

        viewport = self.viewport
        if viewport is None or self._model.case is None:
            return False
        return self._guarded(
            lambda: export.write_picture(viewport, self._model, self.planner, self.drawing, path),
            f"Picture saved: {path.name}",
        )

    def ask_save(self) -> None:
        """Let the user name the plan and write it."""
        case = self._model.case
        if case is None:
            return
        suggested = case.document or Path(self._last_folder()) / "plan.spinect"
        name, _ = QFileDialog.getSaveFileName(self._window, "Save plan", str(suggested), SAVE_FILES)
        if name:
            self.save_plan(Path(name))

    def save_plan(self, path: Path) -> None:
        """Write the plan: as a document, or as plan.json where the path ends so."""
        case, measurements, planning = self._model.case, self._model.measurements, self._model.planning
        if case is None:
            return
        path, found = plan_files.with_suffix(path), self.planner.plan
        index = self._model.history.index()

        def saved(_result: object) -> None:
            if self._model.case is case:
                case.document = path
                if self._model.history.index() == index:
                    self._model.history.setClean()
            self.recent.add(path)
            self.said.emit(f"Plan saved: {path.name}")

        self._start(
            "Saving the plan",
            lambda _progress, _cancel: plan_files.save(case, measurements, planning, path, found),
            saved,
        )

    def ask_plan(self) -> None:
        """Let the user choose a saved plan."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a plan", self._last_folder(), PLAN_FILES)
        if name:
            self.open_plan(Path(name))

    def open_plan(self, path: Path) -> None:
        """Open a saved plan, with its CT if that is open and without it otherwise.

        A plan.json only adds its measurements to an open CT, which has to be its own.
        """
        case = self._model.case
        adds = path.suffix.lower() == plan_files.PLAN_SUFFIX and case is not None and case.volume is not None
        if not adds and not self._may_discard():
            return
        self._go_on = False
        start = self._start if adds else self._jobs.start_instead
        start(
            f"Opening {path.name}",
            lambda progress, cancel: plan_files.open_plan(path, case, progress, cancel),
            lambda opened: self._on_plan(path, opened, case, adds),
        )

    def _on_plan(self, path: Path, opened: Opened, case: Case | None, adds: bool) -> None:
        if self._model.case is not case:
            return
        if adds and not opened.same_ct:
            self._on_failure(plan_files.another_ct(path))
            return
        if adds:
            self._add_plan(path, opened)
            return
        if opened.same_ct is False and not self.confirm_without_ct(path):
            return
        self._model.open(opened.case, opened.plan.triangles, opened.names, opened.plan.planning)
        self._remember(path)
        self.picker = opened.picker
        self.surfaces_changed.emit()
        if opened.plan.triangles:
            self._model.set_cursor(opened.plan.triangles[0].centroid)
        without = "" if opened.same_ct else " Its CT is not open; open it to see the slices."
        self.said.emit(f"Plan opened: {path.name}.{without}")
        self.plan_ready.emit()

    def _add_plan(self, path: Path, opened: Opened) -> None:
        plan = opened.plan
        if plan.region is not None:
            self._model.set_region(plan.region)
        if plan.planning != Planning():
            self._model.set_planning(plan.planning)
        self._model.add_all(plan.triangles, f"open {path.name}", opened.names)
        if plan.triangles:
            self._model.set_view(plan.triangles[0].view)
        self.recent.add(path)
        self.said.emit(f"Plan opened: {path.name}")

    def _start(self, title: str, job: Any, then: Callable[[Any], None]) -> None:
        if not self._jobs.start(title, job, then):
            self.said.emit(f"{self._jobs.title} is still going on. Wait for it or cancel it first.")

    def _guarded(self, action: Callable[[], None], done: str) -> bool:
        try:
            action()
        except SpinectError as error:
            self.boxes.show_error(error)
            return False
        self.said.emit(done)
        return True

    def close_boxes(self) -> None:
        """Close what is still open."""
        self.boxes.close_all()
        self.needle_slice.close()
        if self._chooser is not None:
            self._chooser.close()

    def confirm_discard(self) -> bool:
        """Ask whether unsaved measurements may go."""
        return messages.asked(self._window, *messages.DISCARD)

    def confirm_without_ct(self, path: Path) -> bool:
        """Ask whether to open a plan that was made on another CT than the open one."""
        title, text, go_on = messages.WITHOUT_CT
        return messages.asked(self._window, title, f"{path.name} {text}", go_on)

    def confirm_other_ct(self) -> bool:
        """Ask whether to open a CT that is not the one of the open plan."""
        return messages.asked(self._window, *messages.OTHER_CT)

    def _may_discard(self) -> bool:
        model = self._model
        some = bool(model.measurements) or model.planning.by_hand
        unsaved = some and not model.history.isClean()
        made_by_hand = model.planning.by_hand or any(
            each.triangle.author == "user" for each in model.measurements
        )
        return not (unsaved and made_by_hand) or self.confirm_discard()

    def may_close(self) -> bool:
        """Whether the window may close."""
        return self._may_discard()

    def _last_folder(self) -> str:
        return str(self._settings.value("folder", str(Path.home())))
