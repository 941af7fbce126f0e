"""The window: puts the views and panels together, and nothing more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QSurfaceFormat
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import (
    QFrame,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app import gl_probe
from app.controllers.assembly import Controllers
from app.model.flow import Step
from app.model.ongoing import FINDING, SEGMENTING
from app.model.state import State
from app.panels.case_panel import CasePanel, RegionPanel
from app.panels.check_panel import CheckPanel
from app.panels.compare_panel import ComparePanel
from app.panels.correct_panel import CorrectPanel
from app.panels.display_panel import DisplayPanel
from app.panels.frames import ViewFrame
from app.panels.level_menu import LevelMenu
from app.panels.measurements_panel import MeasurementsPanel
from app.panels.needle_planes import NeedlePlanes
from app.panels.needles_panel import NeedlesPanel
from app.panels.plan_panel import PlanPanel
from app.panels.repeats_box import RepeatsBox
from app.panels.report_panel import ReportPanel
from app.panels.roots_panel import RootsPanel
from app.panels.segment_panel import SegmentPanel, run_summary
from app.panels.status import StatusBar
from app.panels.step_bar import StepBar
from app.panels.trajectories_panel import TrajectoriesPanel
from app.panels.view_panel import ViewPanel
from app.panels.welcome import NoThreeD, Welcome
from app.views.correction_tool import CorrectionOnSlices, FirstOf
from app.views.fluoroscopy import FluoroscopyView
from app.views.measuring_tools import SliceMeasuring, SliceTools
from app.views.needle_on_slices import NeedleOnSlices
from app.views.needle_plane_view import Cut, NeedlePlaneView
from app.views.slices import SliceView
from app.views.stage import Stage
from app.widgets import palette, plain
from app.widgets.boxes import Boxes
from app.widgets.dialogs import Dialogs
from app.widgets.parts import Fold, Section
from app.widgets.wheel import WheelGuard
from app.window.actions import Actions
from app.window.parts import PlannerParts
from app.window.teach_menu import TeachMenu
from spinect_core.image.planes import PLANES
from spinect_core.image.warning import any_grave
from spinect_core.plan.live_wording import live_text

if TYPE_CHECKING:
    from spinect_core.image.volume import Volume

TITLE = "SPINECT Planner"
RESERVED_MARK = "\N{WARNING SIGN}"
"""Before the name of a CT that was read with reservations."""
LAYOUTS = {
    "standard": ("All views", "F5", "3D view, table and the three slices"),
    "3d": ("3D large", "F6", "The 3D view and the table, without slices"),
    "slices": ("Slices large", "F7", "The slices twice as large, without the table"),
    "needle": (
        "Needle",
        "F8",
        "3D view, table of the needles, and the planes along and across the one that is chosen",
    ),
}
"""Arrangements of the views: name in the menu, key, tool tip."""
BESIDE = ("sagittal", "coronal")
"""Slices that lie side by side where slices are large."""
SLICES_PART = {False: 0.33, True: 0.64}
"""How much of the views' width slices take, one below the other and side by side."""
LAYOUT_KEY = "window/layout"
SIDE_WIDTH = 300
DOCK_HEIGHT, NEEDLE_DOCK = 300, 210
HANDLE = 4
"""Pixels between two views, to be grabbed."""
WARM_UP_MS = 500
FLUOROSCOPY = "fluoroscopy"
NARROW_SLICES = 0.23
"""How much of the views' width slices take beside fluoroscopy."""


class MainWindow(PlannerParts):
    """The planner.

    Args:
        settings: where choices are kept.
        three_d: whether OpenGL works here; without it everything but the 3D view does.

    Attributes:
        state: what the window knows.
        controllers: what the user can do.
        stage: where the 3D view is.
    """

    def __init__(self, settings: QSettings, three_d: bool = True) -> None:
        super().__init__()
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.resize(1560, 960)
        self._closed = self._with_fluoroscopy = False
        self.state = state = State(settings, self)
        self.model, self.jobs = state.model, state.jobs
        self.boxes, self.dialogs = Boxes(self), Dialogs(self)
        self.middle = QStackedWidget()
        self.stage = Stage(
            state.model,
            state.appearance,
            state.trajectories,
            state.present,
            state.ongoing,
            three_d,
            self.middle,
            dragging=state.dragging,
            comparing=state.comparing,
            section=state.section,
            measuring=state.measuring,
        )
        self.controllers = Controllers(state, self.stage, self.dialogs, self.boxes, self)
        # Before the views listen: a tool that is put away takes its pointer along, and then comes that of the other.
        state.measuring.changed.connect(self._on_measuring)
        state.correcting.changed.connect(self._on_correcting)
        self._build_panels()
        self._build_views()
        WheelGuard(self)
        self.actions_ = Actions(
            self, state, self.controllers, self.stage, self.boxes, self.level_menu, self.steps
        )
        self.teach = TeachMenu(self, settings, three_d)
        self.report_panel.set_actions(self.actions_.to_take_along)
        self.actions_.add_layouts(LAYOUTS, self.layout_name, self.set_layout, self.side.setVisible)
        self.status = StatusBar(state.jobs, state.ongoing, self)
        self.setStatusBar(self.status)
        self._connect_state()
        self._connect_panels()
        geometry = settings.value("window/geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)

    # -------------------------------------------------------------------------------------------------- assembly

    def _build_panels(self) -> None:
        state = self.state
        self.segment_panel = SegmentPanel(state.model, state.options, state.ongoing)
        self.roots_panel = RootsPanel(state.model)
        self.display_panel = DisplayPanel(state.appearance, state.slices)
        self.view_panel = ViewPanel(state.model)
        self.compare_panel = ComparePanel(state.comparing)
        self.correct_panel = CorrectPanel(state.model, state.correcting, state.appearance)
        self.region_panel = RegionPanel(state.model, state.slices)
        self.measurements_panel = MeasurementsPanel(state.model, state.measuring, state.repeating)
        self.trajectories_panel = TrajectoriesPanel(
            state.model, state.trajectories, state.dragging, state.ongoing
        )
        self.needles_panel = NeedlesPanel(state.trajectories)
        self.case_panel = CasePanel(state.model, state.ongoing)
        self.check_panel = CheckPanel(state.model, state.flow)
        self.level_menu = LevelMenu(state.model, state.trajectories, self)
        self.plan_panel = PlanPanel(state.model, state.trajectories, state.planning, self.level_menu)
        self.report_panel = ReportPanel(state.flow)
        self.steps = StepBar(state.flow)
        column = QWidget()
        self.column = layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.pages = {
            Step.CT: _page(self.case_panel, self.region_panel),
            Step.SEGMENT: _page(self.segment_panel),
            Step.CHECK: _page(self.check_panel, self.roots_panel),
            Step.PLAN: _page(self.plan_panel),
            Step.REPORT: _page(self.report_panel),
        }
        for page in self.pages.values():
            layout.addWidget(page)
        # The tools are put away at every start: a click in a slice moves the cross-hair.
        self.correct_fold = Fold(
            "Correct labels", self.correct_panel, True, lambda folded: state.correcting.open(not folded)
        )
        layout.addWidget(self.correct_fold)
        self.compare_fold = self._fold("compare", "Compare labels", self.compare_panel)
        layout.addWidget(self.compare_fold)
        self.folds = {
            name: self._fold(name, title, panel)
            for name, title, panel in (
                ("view", "Line of sight", self.view_panel),
                ("display", "Display", self.display_panel),
            )
        }
        for fold in self.folds.values():
            layout.addWidget(fold)
        layout.addStretch(1)
        self.side = QScrollArea()
        self.side.setWidget(column)
        self.side.setWidgetResizable(True)
        self.side.setFixedWidth(SIDE_WIDTH)
        self.side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.side.setFrameShape(QFrame.Shape.NoFrame)

    def _fold(self, name: str, title: str, panel: Section) -> Fold:
        """A section below the steps that folds; how it was left is kept for the next start."""
        settings, key = self.state.settings, f"window/folded/{name}"

        def keep(folded: bool) -> None:
            settings.setValue(key, "yes" if folded else "no")

        return Fold(title, panel, settings.value(key, "yes") == "yes", keep)

    def _build_views(self) -> None:
        state = self.state
        self.welcome = Welcome(state.recent, state.ongoing, state.leftovers)
        self.middle.addWidget(self.welcome)
        self.middle.addWidget(NoThreeD())
        if self.stage.wanted:
            # A window that holds an OpenGL widget from the start need not be made anew when the 3D view comes.
            QSurfaceFormat.setDefaultFormat(gl_probe.surface_format())
            self._first_gl = QOpenGLWidget(self)
            self._first_gl.setGeometry(0, 0, 1, 1)
            self._first_gl.hide()
        self.slices = {
            name: SliceView(plane, state.model, state.slices, state.appearance)
            for name, plane in PLANES.items()
        }
        needle = NeedleOnSlices(state.model, state.trajectories, state.dragging)
        correction = CorrectionOnSlices(state.correcting, self.slices, self)
        for view in self.slices.values():
            measuring = SliceTools(needle.handles(view), SliceMeasuring(view, state.model, state.measuring))
            view.tool = FirstOf(correction.tools[view.plane], measuring)
            view.also_draw = needle.draw
            state.trajectories.chosen_changed.connect(view.update)
            state.trajectories.live_changed.connect(view.update)
        self.frames = {"3d": ViewFrame("3D", palette.ACCENT, self.middle)}
        for name, view in self.slices.items():
            self.frames[name] = ViewFrame(name.capitalize(), palette.PLANE_COLOURS[name], view)
        for name, frame in self.frames.items():
            frame.enlarge_wanted.connect(lambda name=name: self.enlarge(name))
        self.fluoroscopy = FluoroscopyView(state.fluoroscopy)
        self.fluoroscopy_frame = ViewFrame("Fluoroscopy", palette.MUTED, self.fluoroscopy)
        self.fluoroscopy_frame.enlarge_wanted.connect(lambda: self.enlarge(FLUOROSCOPY))
        self.fluoroscopy_frame.hide()
        self.abreast = QSplitter(Qt.Orientation.Horizontal)
        self.abreast.addWidget(self.frames["3d"])
        self.abreast.addWidget(self.fluoroscopy_frame)
        self.centre = QSplitter(Qt.Orientation.Vertical)
        self.centre.addWidget(self.abreast)
        self.dock = QTabWidget()
        self.dock.setDocumentMode(True)
        self.dock.addTab(self.measurements_panel, "Measurements")
        self.dock.addTab(self.trajectories_panel, "Trajectories")
        self.dock.addTab(self.needles_panel, "Needles")
        self.dock.currentChanged.connect(self._on_tab)
        self._on_tab()
        self.centre.addWidget(self.dock)
        self.centre.setStretchFactor(0, 1)
        self.centre.setSizes([660, DOCK_HEIGHT])
        self.right, self.pair = QSplitter(Qt.Orientation.Vertical), QSplitter(Qt.Orientation.Horizontal)
        for name in self.slices:
            self.right.addWidget(self.frames[name])
        self.right.addWidget(self.pair)
        self.views = QSplitter(Qt.Orientation.Horizontal)
        self.views.addWidget(self.centre)
        self.views.addWidget(self.right)
        self.needle_planes = self._needle_planes()
        self.views.addWidget(self.needle_planes)
        self.views.setStretchFactor(2, 3)
        self.views.setStretchFactor(0, 5)
        self.views.setStretchFactor(1, 3)
        self.views.setSizes([860, 420, 420])
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(self.side)
        whole.addWidget(self.views)
        columns = (self.abreast, self.centre, self.right, self.pair, self.views, whole)
        for splitter in (*columns, self.needle_planes.splitter):
            splitter.setHandleWidth(HANDLE)
            splitter.setChildrenCollapsible(False)
        self.setCentralWidget(whole)
        self.layout_name = ""
        self.set_layout(str(state.settings.value(LAYOUT_KEY, "")))

    def _needle_planes(self) -> NeedlePlanes:
        """The needle's own views."""
        state = self.state
        views = {
            cut: NeedlePlaneView(
                cut,
                state.model,
                state.slices,
                state.appearance,
                state.trajectories,
                state.section,
                state.dragging,
            )
            for cut in Cut
        }
        return NeedlePlanes(views, state.trajectories)

    def _connect_state(self) -> None:
        model, jobs, controllers = self.state.model, self.state.jobs, self.controllers
        jobs.started.connect(self._on_job)
        jobs.ended.connect(lambda _title, _outcome: self.segment_panel.set_job(False, False))
        jobs.refused.connect(self._say)
        self.boxes.failed.connect(self.status.say_error)
        self.state.autosave.said.connect(self._say)
        self.state.leftovers.changed.connect(self._on_leftovers)
        for controller in controllers.saying:
            controller.said.connect(self._say)
        controllers.plan.found.connect(self._on_found)
        controllers.open.plan_opened.connect(self._on_plan)
        self.state.present.changed.connect(self._show_info)
        self.state.trajectories.live_changed.connect(self._show_info)
        self.state.dragging.said.connect(self._say)
        model.case_opened.connect(self._on_case)
        model.warnings_changed.connect(self._show_warnings)
        model.labels_changed.connect(self._on_labels)
        model.cursor_moved.connect(self._on_cursor)
        model.unsaved_changed.connect(self._show_title)
        self.state.flow.changed.connect(self._show_step)
        self._show_step()
        self.state.fluoroscopy.changed.connect(self._on_fluoroscopy)
        self.state.fluoroscopy.taken.connect(self._on_taken)
        self.stage.started.connect(self._on_stage)
        self.stage.failed.connect(lambda text: self.status.say(text, failed=True))

    def _connect_panels(self) -> None:
        opening, plan = self.controllers.open, self.controllers.plan
        self.welcome.file_wanted.connect(opening.ask_file)
        self.welcome.folder_wanted.connect(opening.ask_folder)
        self.welcome.archive_wanted.connect(self.controllers.archive.ask)
        self.welcome.demo_wanted.connect(opening.open_demo)
        self.welcome.path_wanted.connect(opening.open_path)
        self.welcome.recover_wanted.connect(opening.recover)
        for view in self.slices.values():
            view.file_wanted.connect(opening.ask_file)
            view.folder_wanted.connect(opening.ask_folder)
        self.segment_panel.start_wanted.connect(self.controllers.segment.segment)
        self.segment_panel.load_wanted.connect(self.controllers.labels.ask_file)
        self.segment_panel.cancel_wanted.connect(self.state.jobs.cancel)
        self.case_panel.plan_wanted.connect(self.controllers.segment.plan_this_ct)
        self.check_panel.lumbar_wanted.connect(plan.count_lumbar)
        self.check_panel.find_wanted.connect(plan.find)
        self.compare_panel.load_wanted.connect(self.controllers.compare.ask)
        self.compare_panel.again_wanted.connect(self.controllers.compare.again)
        self.correct_panel.find_wanted.connect(plan.find)
        self.check_panel.on_wanted.connect(lambda: self.state.flow.go(Step.PLAN))
        self.plan_panel.find_wanted.connect(plan.find)
        self.plan_panel.rules_wanted.connect(self.actions_.named["rules"].trigger)
        self.plan_panel.on_wanted.connect(lambda: self.state.flow.go(Step.REPORT))
        self.trajectories_panel.down_wanted.connect(self.stage.look_down_needle)
        self.trajectories_panel.slice_wanted.connect(self.controllers.needle_slice.show)
        self.trajectories_panel.needle_wanted.connect(plan.place_needle)
        self.trajectories_panel.lumbar_wanted.connect(plan.count_lumbar)
        needles, panel = self.controllers.needles, self.needles_panel
        self.trajectories_panel.delete_wanted.connect(needles.delete)
        panel.place_wanted.connect(plan.place_needle)
        panel.duplicate_wanted.connect(needles.duplicate)
        panel.rename_wanted.connect(needles.rename)
        panel.colour_wanted.connect(needles.colour)
        panel.lock_wanted.connect(needles.lock)
        panel.delete_wanted.connect(needles.delete)
        self.trajectories_panel.move_wanted.connect(plan.move_landmark)
        self.measurements_panel.draw_wanted.connect(self._on_draw)
        self.measurements_panel.said.connect(self._say)
        self.measurements_panel.csv_wanted.connect(self.controllers.export.ask_measurements)
        self.measurements_panel.repeats_wanted.connect(self._show_repeats)
        self.state.repeating.said.connect(self._say)
        self.state.repeating.look_reset.connect(self._reset_look)
        self.state.repeating.ended.connect(self._show_repeats)
        self.state.measuring.said.connect(self._say)
        self.state.measuring.refused.connect(self.boxes.show_error)

    # ----------------------------------------------------------------------------------------------------- slots

    def _on_stage(self) -> None:
        """The 3D view was built: give it its place."""
        viewport = self.stage.viewport
        if viewport is None:
            return
        self.middle.insertWidget(1, viewport)
        # Bringing the first OpenGL picture to the screen takes long: one pixel now, before there is anything to see.
        self._first_gl.lower()
        self._first_gl.show()
        QTimer.singleShot(WARM_UP_MS, self._first_gl, self._first_gl.hide)
        self.display_panel.cut_changed.connect(viewport.set_cut)
        if self.state.trajectories.current is not None:
            self.stage.show_trajectory()  # of a plan that was open before

    def _on_tab(self) -> None:
        """What is not seen of the dock must not keep it wide."""
        for number in range(self.dock.count()):
            seen = number == self.dock.currentIndex()
            policy = QSizePolicy.Policy.Preferred if seen else QSizePolicy.Policy.Ignored
            page = self.dock.widget(number)
            if page is not None:
                page.setSizePolicy(policy, policy)
        self.dock.updateGeometry()

    def _on_case(self) -> None:
        self.stage.start()
        self.middle.setCurrentIndex(1)
        for number in range(self.middle.count()):
            # What is not seen must not keep the 3D view from becoming narrow.
            seen = number == self.middle.currentIndex()
            policy = QSizePolicy.Policy.Preferred if seen else QSizePolicy.Policy.Ignored
            page = self.middle.widget(number)
            if page is not None:
                page.setSizePolicy(policy, policy)
        self.middle.updateGeometry()  # the pages that are hidden tell it nothing
        self._on_fluoroscopy()
        self._show_warnings()
        self.status.device.setText("")

    def _show_step(self) -> None:
        """The page of the step that is shown."""
        for step, page in self.pages.items():
            page.setVisible(step == self.state.flow.step)
        to_correct = self.state.flow.step in (Step.SEGMENT, Step.CHECK)
        if not to_correct:
            self.correct_fold.button.setChecked(False)
        self.correct_fold.setVisible(to_correct)
        self.compare_fold.setVisible(to_correct)

    def _show_warnings(self) -> None:
        case = self.model.case
        self.status.show_warnings(() if case is None else case.warnings)
        self._show_title()

    def _show_title(self) -> None:
        case = self.model.case
        if case is not None:
            star = " •" if self.model.unsaved else ""
            mark = f"{RESERVED_MARK} " if any_grave(case.warnings) else ""
            self.setWindowTitle(plain.window_title(f"{mark}{case.title}{star} – {TITLE}"))

    def _on_job(self, title: str) -> None:
        self.segment_panel.set_job(True, title == SEGMENTING)
        if title == FINDING:
            self.dock.setCurrentWidget(self.trajectories_panel)  # where its progress is

    def _on_found(self) -> None:
        """Show what was found, and where it is."""
        self.dock.setCurrentWidget(self.trajectories_panel)
        self.stage.show_trajectory()

    def _on_plan(self) -> None:
        """Show a plan that was opened; one without trajectories as a whole."""
        if self.state.trajectories.current is not None:
            self._on_found()

    def _show_info(self) -> None:
        """Over the 3D view: what is open in the view, or the numbers of a needle that is dragged."""
        trajectories, text = self.state.trajectories, self.state.present.text
        if trajectories.live is not None and trajectories.current is not None:
            text = live_text(trajectories.current, trajectories.live.touches)
        self.frames["3d"].info.setText(text)

    def _on_labels(self) -> None:
        case = self.model.case
        run = None if case is None or case.segmentation is None else case.segmentation.run
        self.status.device.setText("" if run is None else run_summary(run).split("\n")[0])

    def _on_cursor(self) -> None:
        case = self.model.case
        if case is None:
            return
        x, y, z = self.model.cursor
        value = "" if case.volume is None else f"   {self._hounsfield(case.volume):z.0f} HU"
        for name, number in (("axial", z), ("sagittal", x), ("coronal", y)):
            self.frames[name].info.setText(f"{number:z.1f} mm{value}")

    def _hounsfield(self, volume: Volume) -> float:
        """The CT's value under the cross-hair."""
        index = np.round(volume.geometry.to_index(self.model.cursor)).astype(int)
        index = np.clip(index, 0, np.array(volume.geometry.shape) - 1)
        return float(volume.array[tuple(index)])

    @property
    def _fluoroscopy_wanted(self) -> bool:
        """Whether its picture is shown; without a case there is none, and the welcome needs the room."""
        return self.state.fluoroscopy.shown and self.model.case is not None

    def _on_fluoroscopy(self) -> None:
        """Give the picture its place beside the 3D view; the slices make room for it."""
        shown = self._fluoroscopy_wanted
        if shown == self._with_fluoroscopy:
            return  # another C-arm or other marks
        self._with_fluoroscopy = shown
        self.set_layout(self.layout_name)
        if self.layout_name == "standard":
            part = NARROW_SLICES if shown else SLICES_PART[False]
            width = sum(self.views.sizes())
            self.views.setSizes([round(width * (1 - part)), round(width * part)])
        half = self.abreast.width() // 2
        self.abreast.setSizes([half, half])

    def _on_taken(self) -> None:
        taken = self.state.fluoroscopy.picture
        self.fluoroscopy_frame.info.setText("" if taken is None else taken.exposure.view.words)

    def _on_leftovers(self) -> None:
        """Tell of unsaved work where the welcome page does not."""
        if self.state.leftovers.found and (self.model.case is not None or self.jobs.busy):
            self._say("Unsaved work of a window that ended unexpectedly is kept: File, Recover unsaved work.")

    def _say(self, text: str) -> None:
        self.status.say(text.split("\n")[0], more=text)

    def _on_draw(self, kind: str) -> None:
        if kind:
            self.state.measuring.start(kind)
        else:
            self.state.measuring.stop()

    def _on_measuring(self) -> None:
        """One tool at a time: what measures takes the mouse from what corrects."""
        if self.state.measuring.drawing and self.state.correcting.tool is not None:
            self.state.correcting.choose(None)

    def _on_correcting(self) -> None:
        """And the other way round."""
        if self.state.correcting.tool is not None and self.state.measuring.drawing:
            self.state.measuring.stop()

    def _reset_look(self) -> None:
        """Whole pictures, whatever was enlarged or moved."""
        self.stage.fit()
        for view in self.slices.values():
            view.reset()

    def _show_repeats(self) -> None:
        box = RepeatsBox([each.measured for each in self.model.measurements], self)
        box.csv_wanted.connect(self.controllers.export.ask_measurements)
        self.boxes.show_help(box)

    def set_layout(self, name: str) -> None:
        """Arrange the views.

        Args:
            name: a key of :data:`LAYOUTS`; another one is taken for the first.
        """
        name = name if name in LAYOUTS else next(iter(LAYOUTS))
        for frame in self.frames.values():
            frame.enlarge.setChecked(False)
            frame.show()
        self.fluoroscopy_frame.enlarge.setChecked(False)
        self.fluoroscopy_frame.setVisible(self._fluoroscopy_wanted)
        self.centre.show()
        self.dock.setVisible(name != "slices")
        needle = name == "needle"
        self.right.setVisible(name != "3d" and not needle)
        self.needle_planes.setVisible(needle)
        self.state.section.show(needle)
        beside = name == "slices"
        for place, each in enumerate(BESIDE):
            if beside:
                self.pair.addWidget(self.frames[each])
            else:
                self.right.insertWidget(1 + place, self.frames[each])
        self.pair.setVisible(beside)
        width = sum(self.views.sizes())
        if name != self.layout_name and needle:
            self.dock.setCurrentWidget(self.needles_panel)
            self.views.setSizes([width // 2, 0, width - width // 2])
            self.centre.setSizes([self.centre.height() - NEEDLE_DOCK, NEEDLE_DOCK])
        elif name != self.layout_name and width:
            part = SLICES_PART[beside]
            self.views.setSizes([round(width * (1 - part)), round(width * part), 0])
            height = self.right.height()
            self.right.setSizes([height // 2, 0, 0, height // 2] if beside else [height // 3] * 3 + [0])
        self.layout_name = name
        self.state.settings.setValue(LAYOUT_KEY, name)

    def enlarge(self, name: str) -> None:
        """Show one view alone, or all again."""
        frames = {**self.frames, FLUOROSCOPY: self.fluoroscopy_frame}
        alone, in_centre = frames[name].enlarge.isChecked(), name in ("3d", FLUOROSCOPY)
        if not alone:
            self.set_layout(self.layout_name)
            return
        for other, frame in frames.items():
            frame.setVisible(other == name)
            if other != name:
                frame.enlarge.setChecked(False)
        self.dock.setVisible(in_centre)
        self.centre.setVisible(in_centre)
        self.right.setVisible(not in_centre)
        self.needle_planes.hide()
        self.pair.setVisible(self.layout_name == "slices" and name in BESIDE)

    # ---------------------------------------------------------------------------------------------------- events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders of this computer are welcome."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped, a CT or a plan."""
        path = next((Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()), None)
        if path is None:
            return
        event.acceptProposedAction()
        self.controllers.open.open_path(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop the work, keep the window's place, give the graphics back."""
        if self._closed:
            super().closeEvent(event)
            return
        if not self.controllers.save.may_leave(lambda: QTimer.singleShot(0, self.close)):
            event.ignore()
            return
        self._closed = True
        self.teach.close()
        self.model.unsaved_changed.disconnect(self._show_title)
        self.state.settings.setValue("window/geometry", self.saveGeometry())
        self.boxes.end()
        self.controllers.needle_slice.close()
        self.controllers.open.close_chooser()
        self.controllers.export.finish()
        self.controllers.thumbnails.finish()
        self.controllers.correct.finish()
        self.state.autosave.finish()
        self.state.leftovers.finish()
        self.state.dragging.finish()
        self.state.present.finish()
        self.state.fluoroscopy.finish()
        self.jobs.shut_down()
        self.state.trajectories.close()
        self.stage.close()
        super().closeEvent(event)


def _page(*panels: QWidget) -> QWidget:
    """Panels that are shown together."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for panel in panels:
        column.addWidget(panel)
    return page
