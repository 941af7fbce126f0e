"""The trainer's window: one task at a time, with only those views that the task allows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QFrame,
    QMainWindow,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.controllers.teach import DRAWING, SCORING, TeachController
from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.ongoing import Ongoing
from app.model.present_window import PresentWindow
from app.model.recent import RecentFiles
from app.model.slice_state import SliceState
from app.model.teach import Trainer
from app.model.teach_fluoroscopy import ShotFluoroscopy
from app.model.trajectories import Trajectories
from app.panels.frames import ViewFrame
from app.panels.progress import ProgressCard
from app.panels.teach_panel import AnswerSection, ScoreSection, TaskSection
from app.panels.view_panel import ViewPanel
from app.views.slices import SliceView
from app.views.stage import Stage
from app.views.teach_needles import AimedPicture, TeachNeedleActors, TeachNeedlesOnSlices
from app.widgets import palette, plain
from app.widgets.boxes import Boxes
from app.widgets.dialogs import Dialogs
from spinect_core.base.errors import SpinectError
from spinect_core.image.planes import PLANES
from spinect_core.teaching.session import RESULT_SUFFIX, ResultRecord, SessionRecord
from spinect_core.teaching.words import Aids, EventKind

if TYPE_CHECKING:
    from spinect_core.base.arrays import FloatArray
    from spinect_core.teaching.pack import Pack

TITLE = "SPINECT Planner – practice"
SIDE_WIDTH = 320
BESIDE = ("sagittal", "coronal")
"""Slices that lie one above the other."""
NEAR_MM = 150.0
"""Across the 3D view at first."""
RESULTS = f"Results (*{RESULT_SUFFIX})"


class TrainerWindow(QMainWindow):
    """A student at a pack.

    Args:
        settings: where choices are kept.
        pack: of cases.
        session: what to do; all of the pack in its order without one.
        three_d: whether OpenGL works here.
        results: where every score is kept at once; nowhere if None.
        before: what was kept there when the session was open before.

    Attributes:
        trainer: where the student is.
        controller: what can be done.

    Signals:
        closed: the window has gone.
    """

    closed = Signal()

    def __init__(
        self,
        settings: QSettings,
        pack: Pack,
        session: SessionRecord | None = None,
        three_d: bool = True,
        results: Path | None = None,
        before: ResultRecord | None = None,
    ) -> None:
        super().__init__()
        self._results = results
        self.setWindowTitle(plain.window_title(f"{pack.title} – {TITLE}"))
        self.resize(1280, 800)
        # What the planner's window knows beyond this, such as unsaved work that is kept, has no place here.
        self.model, self.jobs = CaseModel(self), JobRunner(self)
        self.appearance, self.slice_state = Appearance(settings, self), SliceState(self.model, self)
        self.trajectories = Trajectories(self.model, self)
        self.present = PresentWindow(self.model, self.trajectories, self)
        self.ongoing, self.recent = Ongoing(self.jobs, self), RecentFiles(settings, self)
        self.trainer = Trainer(pack, session, self, before=before)
        self.boxes, self.dialogs = Boxes(self), Dialogs(self)
        self.controller = TeachController(self.trainer, self.model, self.jobs, self)
        self.fluoroscopy = ShotFluoroscopy(self.model, self.trajectories, self.trainer.needle, self)
        self.fluoroscopy.show(True)
        self._build_views(three_d)
        self._build_side()
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(self.side)
        whole.addWidget(self.views)
        whole.setStretchFactor(1, 1)
        whole.setChildrenCollapsible(False)
        self.setCentralWidget(whole)
        self._connect()
        self._add_menu()
        if self.trainer.seconds_left is not None and (before is None or not before.opened_s):
            self._keep()  # the time counts from here, also when the session is opened again
        self.controller.show_step()

    # -------------------------------------------------------------------------------------------------- assembly

    def _build_views(self, three_d: bool) -> None:
        self.middle = QStackedWidget()
        self.stage = Stage(
            self.model,
            self.appearance,
            self.trajectories,
            self.present,
            self.ongoing,
            three_d,
            self.middle,
        )
        self.stage.started.connect(self._on_stage)
        needles = TeachNeedlesOnSlices(self.trainer, self.model)
        self.slices = {
            name: SliceView(plane, self.model, self.slice_state, self.appearance)
            for name, plane in PLANES.items()
        }
        self.frames = {"3d": ViewFrame("3D", palette.ACCENT, self.middle)}
        for name, view in self.slices.items():
            view.also_draw = needles.draw
            self.trainer.answer_changed.connect(view.update)
            self.trainer.scored.connect(view.update)
            self.frames[name] = ViewFrame(name.capitalize(), palette.PLANE_COLOURS[name], view)
        self.picture = AimedPicture(self.fluoroscopy, self.trainer)
        self.frames["fluoroscopy"] = ViewFrame("Simulated fluoroscopy", palette.MUTED, self.picture)
        for frame in self.frames.values():
            frame.enlarge.hide()
        self.right = QSplitter(Qt.Orientation.Vertical)
        self.views = QSplitter(Qt.Orientation.Horizontal)
        for each in (self.frames["3d"], self.frames["fluoroscopy"], self.frames["axial"], self.right):
            self.views.addWidget(each)
        for name in BESIDE:
            self.right.addWidget(self.frames[name])
        for splitter in (self.right, self.views):
            splitter.setChildrenCollapsible(False)

    def _build_side(self) -> None:
        self.task_section = TaskSection(self.trainer)
        self.answer_section = AnswerSection(self.trainer, self.model)
        self.score_section = ScoreSection(self.trainer)
        self.view_panel = ViewPanel(self.model)
        self.progress = ProgressCard(self.ongoing, lambda ongoing: ongoing.title in (DRAWING, SCORING))
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for each in (
            self.task_section,
            self.progress,
            self.score_section,
            self.view_panel,
            self.answer_section,
        ):
            layout.addWidget(each)
        layout.addStretch(1)
        self.side = QScrollArea()
        self.side.setWidget(column)
        self.side.setWidgetResizable(True)
        self.side.setFixedWidth(SIDE_WIDTH)
        self.side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.side.setFrameShape(QFrame.Shape.NoFrame)

    def _connect(self) -> None:
        trainer, controller, answer = self.trainer, self.controller, self.answer_section
        model, jobs = self.model, self.jobs
        jobs.failed.connect(self.boxes.show_error)
        jobs.started.connect(self._show_busy)
        jobs.ended.connect(self._show_busy)
        controller.said.connect(self.say)
        controller.ready.connect(self._come_near)
        self.task_section.prepare_wanted.connect(controller.show_step)
        answer.refused.connect(self.say)
        answer.hand_in_wanted.connect(lambda: controller.hand_in())
        answer.decline_wanted.connect(lambda: controller.hand_in(declined=True))
        answer.corners_wanted.connect(self._draw_corners)
        answer.shot_wanted.connect(self.fluoroscopy.shoot)
        self.fluoroscopy.shot.connect(self._on_shot)
        self.picture.aimed.connect(self._on_aim)
        self.score_section.next_wanted.connect(lambda: self._go(trainer.number + 1))
        self.score_section.again_wanted.connect(lambda: self._go(trainer.number))
        self.score_section.look_wanted.connect(self._look)
        trainer.step_changed.connect(self._show_step)
        trainer.scored.connect(self._show_step)
        trainer.scored.connect(self._keep)
        model.view_changed.connect(lambda: trainer.note(EventKind.VIEW, view=model.view))
        self._show_step()

    def _add_menu(self) -> None:
        menu = self.menuBar().addMenu("&Practice")
        self.save_action = QAction("Save result…", self)
        self.save_action.setShortcut(QKeySequence(QKeySequence.StandardKey.Save))
        self.save_action.triggered.connect(lambda: self._ask_save())
        shoot = QAction("Take a picture", self)
        shoot.setShortcut(QKeySequence("Space"))
        shoot.triggered.connect(lambda: self._shoot_by_key())
        close = QAction("Close", self)
        close.setShortcut(QKeySequence(QKeySequence.StandardKey.Close))
        close.triggered.connect(lambda: self.close())
        menu.addActions([shoot, self.save_action, close])

    # ----------------------------------------------------------------------------------------------------- slots

    def say(self, text: str) -> None:
        """Show a sentence below the views."""
        self.statusBar().showMessage(plain.line(text, plain.LONGEST))

    def _on_stage(self) -> None:
        viewport = self.stage.viewport
        if viewport is None:
            return
        self.middle.addWidget(viewport)
        self.middle.setCurrentWidget(viewport)
        TeachNeedleActors(viewport, self.trainer)
        self.stage.measuring.refused.connect(self.boxes.show_error)
        if self.stage.overlay is not None:
            self.stage.overlay.with_numbers = False
        self._come_near()

    def _come_near(self) -> None:
        """Show the spine large enough to work on."""
        case, viewport = self.model.case, self.stage.viewport
        if case is not None and viewport is not None:
            viewport.come_near(case.geometry.centre, NEAR_MM)

    def _show_step(self) -> None:
        """Show the views that the task allows; all of them once the attempt has its score."""
        aids, over = self.trainer.task.aids, self.trainer.handed_in
        alone = aids == Aids.FLUOROSCOPY
        in_3d = aids == Aids.EVERYTHING or over
        if in_3d:
            self.stage.start()
        self.frames["3d"].setVisible(in_3d and self.stage.viewport is not None)
        self.frames["fluoroscopy"].setVisible(alone)
        # Without 3D the axial slice is the large one.
        if in_3d:
            self.right.insertWidget(0, self.frames["axial"])
            self.right.setSizes([1, 1, 1])
        else:
            self.views.insertWidget(2, self.frames["axial"])
        self.frames["axial"].setVisible(not alone or over)
        self.right.setVisible(not alone or over)
        if not alone or over:
            width = max(sum(self.views.sizes()), 3)
            self.views.setSizes([2 * width // 3] * 3 + [width // 3])
        self.view_panel.setVisible(alone or in_3d)
        if not over:
            self.fluoroscopy.clear()
        self._show_busy()

    def _show_busy(self) -> None:
        busy, shown = self.jobs.busy, self.controller.case_is_shown
        self.answer_section.setEnabled(not busy and shown)
        self.views.setEnabled(self.jobs.title != DRAWING and shown)
        self.task_section.prepare.setVisible(not busy and not shown)
        self.score_section.setEnabled(not busy)

    def _go(self, number: int) -> None:
        self.trainer.go(number)
        self.controller.show_step()

    def _draw_corners(self) -> None:
        for each in list(self.model.measurements):
            self.model.remove(each.key)
        if self.stage.tool is not None:
            self.stage.measuring.start(self.trainer.task.kind)

    def _shoot_by_key(self) -> None:
        if self.answer_section.shoot.isVisible() and self.answer_section.isEnabled():
            self.fluoroscopy.shoot()

    def _on_shot(self) -> None:
        self.trainer.note(EventKind.SHOT, view=self.model.view)
        self.task_section.refresh()

    def _on_aim(self, point: FloatArray) -> None:
        self.trainer.set_tip(point)

    def _look(self) -> None:
        best = self.trainer.best
        if best is None or best.view is None:
            return
        self.model.set_view(best.view)
        if best.target is not None:
            self.model.set_cursor(best.target)
            if self.stage.viewport is not None:
                self.stage.viewport.come_near(self.model.cursor, 90.0)

    def _ask_save(self) -> None:
        code = "practice" if self.trainer.session is None else self.trainer.session.code
        path = self.dialogs.file_to_save(
            "Save the result", self.recent.folder / f"{code}{RESULT_SUFFIX}", RESULTS
        )
        if path is not None:
            self.save_result(path)

    def _keep(self) -> None:
        if self._results is None:
            return
        try:
            self.controller.keep(self._results)
        except SpinectError as error:
            self.boxes.show_error(error)
            return
        self.say(f"Result saved: {self._results.name}")

    def save_result(self, path: Path) -> None:
        """Write what was handed in so far."""
        self.controller.save_result(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop the work and give the graphics back."""
        self.boxes.end()
        self.fluoroscopy.finish()
        self.present.finish()
        self.jobs.shut_down()
        self.controller.close()
        self.trajectories.close()
        self.stage.close()
        super().closeEvent(event)
        self.closed.emit()
