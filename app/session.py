"""What the user can do with a case: open, segment, propose, save, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app import work
from app.boxes import Boxes
from app.case_model import Case, CaseModel
from app.chooser import SeriesChooser
from app.jobs import JobRunner
from app.recent import RecentFiles
from app.work import Found, Options, Segmented
from spinect_core.assets import asset
from spinect_core.errors import SpinectError, UsageError

if TYPE_CHECKING:
    from app.scene import Viewport
    from spinect_core.planning.triangle import Triangle

CT_FILES = "CT (*.dcm *.zip *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd);;All files (*)"
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
        self.picker: Any = None
        self.boxes = Boxes(window)
        self._go_on = False
        self._chooser: SeriesChooser | None = None
        jobs.failed.connect(self._on_failure)

    def _on_failure(self, error: SpinectError) -> None:
        self._go_on = False
        self.boxes.show_error(error)

    # --------------------------------------------------------------------------------------------------- opening

    def ask_file(self) -> None:
        """Let the user choose a file."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a CT", self._last_folder(), CT_FILES)
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
        """Open a CT; what is open stays until the new one has been read.

        Args:
            path: file or folder.
            finish: go on to the finished plan.
        """
        if not self._may_discard():
            return
        self._go_on = finish
        self._jobs.start_instead(
            f"Opening {path.name}",
            lambda progress, cancel: work.open_path(path, progress, cancel),
            lambda result: self._on_read(path, result),
        )

    def _on_read(self, path: Path, result: Case | Found) -> None:
        if isinstance(result, Found):
            self._choose(result)
            return
        self._model.open(result)
        self._settings.setValue("folder", str(path.parent))
        self.recent.add(path)
        self.picker = None
        self.surfaces_changed.emit()
        if self._go_on:
            self.segment()

    def _choose(self, found: Found) -> None:
        chooser = SeriesChooser(found.series, found.path.name, found.best, self._window)
        self._chooser = chooser

        def accepted() -> None:
            series = chooser.chosen
            if series is not None:
                self._jobs.start_instead(
                    f"Opening {series.description or series.key}",
                    lambda progress, cancel: work.open_series(found.path, series, progress, cancel),
                    lambda case: self._on_read(found.path, case),
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
            self.propose()

    def propose(self) -> None:
        """Propose the triangles of both sides from the labels."""
        case = self._model.case
        if case is None or case.segmentation is None:
            return
        labels = case.segmentation.labels_1mm

        def proposed(result: tuple[tuple[Triangle, ...], tuple[str, ...]]) -> None:
            if self._model.case is not case:
                return
            triangles, case.notes = result
            self._model.add_all(triangles, "propose triangles")
            if triangles:
                self._model.set_cursor(triangles[0].centroid)
                self._model.set_view(triangles[0].view)
            count = f"{len(triangles)} triangles proposed" if triangles else "No triangle could be proposed"
            advice = "check each against the slices" if triangles else "draw them with three clicks"
            self.said.emit("\n".join((f"{count}; {advice}.", *case.notes)))
            self.plan_ready.emit()

        self._start(
            "Proposing triangles", lambda progress, cancel: work.propose(labels, progress, cancel), proposed
        )

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

    def export_picture(self, path: Path) -> bool:
        """Write what the 3D view shows; False if it could not be written."""
        from app import export

        viewport = self.viewport
        if viewport is None or self._model.case is None:
            return False
        return self._guarded(
            lambda: export.write_picture(viewport, self._model, path), f"Picture saved: {path.name}"
        )

    def ask_save(self) -> None:
        """Let the user name the plan and write it."""
        if self._model.case is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save plan", str(Path(self._last_folder()) / "plan.json"), "Plan (*.json)"
        )
        if name:
            self.save_plan(Path(name))

    def save_plan(self, path: Path) -> None:
        """Write the plan."""
        from app import export

        case, measurements = self._model.case, self._model.measurements
        if case is None:
            return
        if path.suffix.lower() != ".json":
            path = path.with_name(f"{path.name}.json")
        index = self._model.history.index()

        def saved(_result: object) -> None:
            if self._model.case is case and self._model.history.index() == index:
                self._model.history.setClean()
            self.said.emit(f"Plan saved: {path.name}")

        self._start(
            "Saving the plan", lambda _progress, _cancel: export.save_plan(case, measurements, path), saved
        )

    def ask_plan(self) -> None:
        """Let the user choose a saved plan."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a plan", self._last_folder(), "Plan (*.json)"
        )
        if name:
            self.open_plan(Path(name))

    def open_plan(self, path: Path) -> None:
        """Add the measurements of a saved plan to the case it was made on."""
        from app import export

        case = self._model.case
        if case is None:
            self.boxes.show_error(
                UsageError("A plan needs its CT", "Open the CT it was made on first", path.name)
            )
            return

        def read(result: Any) -> None:
            plan, names = result
            if self._model.case is not case:
                return
            if plan.region is not None:
                self._model.set_region(plan.region)
            self._model.add_all(plan.triangles, f"open {path.name}", names)
            if plan.triangles:
                self._model.set_view(plan.triangles[0].view)
            self.said.emit(f"Plan opened: {path.name}")

        self._start("Opening the plan", lambda _progress, _cancel: export.load_plan(case, path), read)

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
        if self._chooser is not None:
            self._chooser.close()

    def confirm_discard(self) -> bool:
        """Ask whether unsaved measurements may go."""
        answer = QMessageBox.question(
            self._window,
            "Measurements not saved",
            "The measurements of the open case have not been saved. Go on and lose them?",
            QMessageBox.StandardButton.Discard | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        return answer == QMessageBox.StandardButton.Discard

    def _may_discard(self) -> bool:
        unsaved = bool(self._model.measurements) and not self._model.history.isClean()
        made_by_hand = any(each.triangle.author == "user" for each in self._model.measurements)
        return not (unsaved and made_by_hand) or self.confirm_discard()

    def may_close(self) -> bool:
        """Whether the window may close."""
        return self._may_discard()

    def _last_folder(self) -> str:
        return str(self._settings.value("folder", str(Path.home())))
