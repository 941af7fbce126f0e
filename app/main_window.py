"""The window: puts the views and panels together, and nothing more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QSurfaceFormat
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import (
    QFrame,
    QMainWindow,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app import gl_probe
from app.actions import Actions
from app.controllers.session import SEGMENTING, Session
from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.present_window import PresentWindow
from app.model.slice_state import SliceState
from app.panels.case_panel import CasePanel, RegionPanel
from app.panels.display_panel import DisplayPanel
from app.panels.frames import ViewFrame
from app.panels.measurements_panel import MeasurementsPanel
from app.panels.segment_panel import SegmentPanel, run_summary
from app.panels.status import StatusBar
from app.panels.trajectories_panel import TrajectoriesPanel
from app.panels.view_panel import ViewPanel
from app.panels.welcome import NoThreeD, Welcome
from app.views.needle_on_slices import NeedleOnSlices
from app.views.slices import SliceView
from app.widgets import theme
from spinect_core.image.planes import PLANES

if TYPE_CHECKING:
    from app.views.scene import Viewport
    from app.views.triangle_tool import TriangleTool
    from spinect_core.image.volume import Volume

TITLE = "SPINECT Planner"
SIDE_WIDTH = 300
DOCK_HEIGHT = 270
WITH_ITS_SURROUNDINGS_MM = 140.0
"""Across the 3D picture, when it shows where a trajectory was found."""


class MainWindow(QMainWindow):
    """The planner.

    Args:
        settings: where choices are kept.
        three_d: whether OpenGL works here; without it everything but the 3D view does.
    """

    def __init__(self, settings: QSettings, three_d: bool = True) -> None:
        super().__init__()
        self.settings = settings
        self.model = CaseModel(self)
        self.jobs = JobRunner(self)
        self.appearance = Appearance(settings, self)
        self.slice_state = SliceState(self.model, self)
        self.session = Session(self.model, self.jobs, settings, self)
        self.present = PresentWindow(self.model, self.session.planner, self)
        self.viewport: Viewport | None = None
        self.tool: TriangleTool | None = None
        self._closed = False
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.resize(1560, 960)
        self._build_panels()
        self._build_views(three_d)
        self.actions_ = Actions(self, self.model, self.session)
        self.status = StatusBar(self.jobs, self)
        self.setStatusBar(self.status)
        self._connect()
        geometry = settings.value("window/geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)

    # -------------------------------------------------------------------------------------------------- assembly

    def _build_panels(self) -> None:
        self.segment_panel = SegmentPanel(self.model, self.settings)
        self.display_panel = DisplayPanel(self.appearance, self.slice_state)
        self.view_panel = ViewPanel(self.model)
        self.region_panel = RegionPanel(self.model, self.slice_state)
        self.measurements_panel = MeasurementsPanel(self.model)
        self.trajectories_panel = TrajectoriesPanel(self.model, self.session.planner)
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for panel in (
            CasePanel(self.model),
            self.segment_panel,
            self.view_panel,
            self.display_panel,
            self.region_panel,
        ):
            layout.addWidget(panel)
        layout.addStretch(1)
        self.side = QScrollArea()
        self.side.setWidget(column)
        self.side.setWidgetResizable(True)
        self.side.setFixedWidth(SIDE_WIDTH)
        self.side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.side.setFrameShape(QFrame.Shape.NoFrame)
        self.session.options = lambda: self.segment_panel.options

    def _build_views(self, three_d: bool) -> None:
        self.middle = QStackedWidget()
        self.welcome = Welcome(self.session.recent)
        self.middle.addWidget(self.welcome)
        self.middle.addWidget(NoThreeD())
        self._wants_3d = three_d
        if three_d:
            # A window that holds an OpenGL widget from the start need not be made anew when the 3D view comes.
            QSurfaceFormat.setDefaultFormat(gl_probe.surface_format())
            QOpenGLWidget(self).hide()
        self.slices = {
            name: SliceView(plane, self.model, self.slice_state, self.appearance)
            for name, plane in PLANES.items()
        }
        needle = NeedleOnSlices(self.model, self.session.planner)
        for view in self.slices.values():
            view.also_draw = needle.draw
            self.session.planner.chosen_changed.connect(view.update)
        self.frames = {"3d": ViewFrame("3D", theme.ACCENT, self.middle)}
        for name, view in self.slices.items():
            self.frames[name] = ViewFrame(name.capitalize(), theme.PLANE_COLOURS[name], view)
        for name, frame in self.frames.items():
            frame.enlarge_wanted.connect(lambda name=name: self.enlarge(name))
        self.centre = QSplitter(Qt.Orientation.Vertical)
        self.centre.addWidget(self.frames["3d"])
        self.dock = QTabWidget()
        self.dock.setDocumentMode(True)
        self.dock.addTab(self.measurements_panel, "Triangles")
        self.dock.addTab(self.trajectories_panel, "Trajectories")
        self.centre.addWidget(self.dock)
        self.centre.setStretchFactor(0, 1)
        self.centre.setSizes([700, DOCK_HEIGHT])
        self.right = QSplitter(Qt.Orientation.Vertical)
        for name in self.slices:
            self.right.addWidget(self.frames[name])
        self.views = QSplitter(Qt.Orientation.Horizontal)
        self.views.addWidget(self.centre)
        self.views.addWidget(self.right)
        self.views.setStretchFactor(0, 5)
        self.views.setStretchFactor(1, 3)
        self.views.setSizes([860, 420])
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(self.side)
        whole.addWidget(self.views)
        for splitter in (self.centre, self.right, self.views, whole):
            splitter.setHandleWidth(2)
            splitter.setChildrenCollapsible(False)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        session, jobs, model = self.session, self.jobs, self.model
        self.welcome.file_wanted.connect(session.ask_file)
        self.welcome.folder_wanted.connect(session.ask_folder)
        self.welcome.demo_wanted.connect(session.open_demo)
        self.welcome.path_wanted.connect(session.open_path)
        for view in self.slices.values():
            view.file_wanted.connect(session.ask_file)
            view.folder_wanted.connect(session.ask_folder)
        self.segment_panel.start_wanted.connect(session.segment)
        self.segment_panel.cancel_wanted.connect(jobs.cancel)
        jobs.started.connect(lambda title: self._on_job(True, title == SEGMENTING))
        jobs.ended.connect(lambda _title, _outcome: self._on_job(False, False))
        session.boxes.failed.connect(self.status.say_error)
        session.said.connect(self._on_said)
        session.surfaces_changed.connect(self._on_surfaces)
        session.planner.found.connect(self._on_trajectories)
        self.trajectories_panel.down_wanted.connect(lambda: self.actions_.named["down"].trigger())
        self.trajectories_panel.slice_wanted.connect(session.needle_slice.show)
        self.present.changed.connect(lambda: self.frames["3d"].info.setText(self.present.text))
        model.case_opened.connect(self._on_case)
        model.labels_changed.connect(self._on_labels)
        model.cursor_moved.connect(self._on_cursor)
        model.history.cleanChanged.connect(self._show_title)
        self.measurements_panel.draw_wanted.connect(self._on_draw)
        self.measurements_panel.depth_from.currentIndexChanged.connect(self._on_depth)
        for button in self.measurements_panel.tools.values():
            button.setVisible(self._wants_3d)

    def start_3d(self) -> None:
        """Build the 3D view, once; without its libraries the window goes on without it."""
        if not self._wants_3d or self._closed:
            return
        self._wants_3d = False
        try:
            from app.views.needle_actors import NeedleActors
            from app.views.overlay import Overlay
            from app.views.scene import Viewport
            from app.views.trajectory_drawing import TrajectoryDrawing
            from app.views.triangle_tool import TriangleTool
        except ImportError as error:
            self.status.say(f"3D is left out: {error}", theme.ERROR)
            return
        self.viewport = Viewport(self.model, self.appearance, self.middle)
        self.tool = TriangleTool(self.viewport, self.model)
        self.viewport.tool = self.tool
        planner = self.session.planner
        drawing = self.session.drawing = TrajectoryDrawing(self.model, planner, self.present)
        self.overlay = Overlay(self.viewport, self.model, self.tool, drawing, planner)
        self.present.changed.connect(self.overlay.update)
        self.needle_actors = NeedleActors(self.viewport, planner)
        self.session.viewport = self.viewport
        self.middle.insertWidget(1, self.viewport)
        self.tool.changed.connect(self._on_tool)
        self.tool.refused.connect(self.session.boxes.show_error)
        self.display_panel.cut_changed.connect(self.viewport.set_cut)
        self.actions_.refresh()

    # ----------------------------------------------------------------------------------------------------- slots

    def _on_job(self, busy: bool, segmenting: bool) -> None:
        self.segment_panel.set_job(busy, segmenting)
        self.actions_.named["segment"].setEnabled(
            not busy and self.model.case is not None and self.model.case.volume is not None
        )

    def _on_case(self) -> None:
        self.start_3d()
        self.middle.setCurrentIndex(1)
        self._show_title()
        self.status.device.setText("")

    def _show_title(self, _clean: bool = True) -> None:
        case = self.model.case
        if case is not None:
            star = "" if self.model.history.isClean() else " •"
            self.setWindowTitle(f"{case.name}{star} – {TITLE}")

    def _on_surfaces(self) -> None:
        case = self.model.case
        if self.viewport is not None:
            self.viewport.set_surfaces(case.surfaces if case else None, self.session.picker)

    def _on_trajectories(self) -> None:
        """Show what was found, and where it is."""
        self.dock.setCurrentWidget(self.trajectories_panel)
        trajectory = self.session.planner.current
        if self.viewport is not None and trajectory is not None and trajectory.target is not None:
            self.viewport.come_near(np.asarray(trajectory.target), WITH_ITS_SURROUNDINGS_MM)

    def _on_labels(self) -> None:
        run = getattr(self.model.case.segmentation, "run", None) if self.model.case else None
        self.status.device.setText(run_summary(run).split("\n")[0] if run is not None else "")

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

    def _on_said(self, text: str) -> None:
        self.status.say(text.split("\n")[0], more=text)

    def _on_draw(self, kind: str) -> None:
        if self.tool is None:
            return
        if kind:
            self.tool.start(kind)
        else:
            self.tool.stop()

    def _on_depth(self) -> None:
        if self.tool is not None:
            self.tool.depth_from = str(self.measurements_panel.depth_from.currentData())

    def _on_tool(self) -> None:
        if self.tool is not None:
            self.measurements_panel.set_drawing(self.tool.kind if self.tool.drawing else "")

    def enlarge(self, name: str) -> None:
        """Show one view alone, or all again."""
        alone = self.frames[name].enlarge.isChecked()
        for other, frame in self.frames.items():
            frame.setVisible(not alone or other == name)
            if other != name:
                frame.enlarge.setChecked(False)
        self.dock.setVisible(not alone or name == "3d")
        self.centre.setVisible(not alone or name == "3d")
        self.right.setVisible(not alone or name != "3d")

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
        self.session.open_path(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop the work, keep the window's place, give the graphics back."""
        if self._closed:
            super().closeEvent(event)
            return
        if not self.session.may_close():
            event.ignore()
            return
        self._closed = True
        self.model.history.cleanChanged.disconnect(self._show_title)
        self.settings.setValue("window/geometry", self.saveGeometry())
        self.session.close_boxes()
        self.jobs.shut_down()
        if self.viewport is not None:
            viewport, self.viewport, self.session.viewport = self.viewport, None, None
            viewport.close()
        super().closeEvent(event)
