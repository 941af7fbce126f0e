"""The 3D view: bone and nerve in parallel projection, seen by a camera that is always a :class:`View`."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyvista as pv
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QEnterEvent, QImage, QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget
from pyvistaqt import QtInteractor
from vtkmodules.vtkRenderingCore import vtkActor, vtkLight, vtkPolyDataMapper

from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.model.picking import SurfacePicker
from app.views.turntable import Turntable
from app.widgets import palette
from spinect_core.base.arrays import FloatArray

CAMERA_DISTANCE = 2000.0
FAR_DEPTH = 3000.0
"""In front of any patient, wherever the origin of his CT is."""
LIGHTS = (
    ((-0.55, 0.75, 1.0), 0.78, (1.0, 0.985, 0.96)),
    ((0.9, 0.1, 0.55), 0.26, (0.86, 0.92, 1.0)),
    ((0.0, -0.2, 1.0), 0.2, (1.0, 1.0, 1.0)),
)
"""Fixed to the camera, as in spinect_core.pictures: the main light, a cool one from the right, a faint frontal one."""
DETAIL_AFTER_MS = 180
"""How long the camera rests before the full surfaces come back."""
MANY_TRIANGLES = 110_000


class MouseTool(Protocol):
    """Something that may take the mouse before the camera does."""

    def press(self, position: QPointF) -> bool:
        """Left button down; True if the tool takes the gesture."""

    def move(self, position: QPointF, pressed: bool) -> bool:
        """Mouse moved; True if the tool uses it."""

    def release(self, position: QPointF) -> bool:
        """Left button up."""

    def key(self, key: int) -> bool:
        """A key was pressed; True if the tool uses it."""


class Viewport(QtInteractor):
    """The picture. The mouse is handled here, not by VTK: in logical pixels, as :class:`Turntable` counts.

    Attributes:
        turntable: where the camera is to stand; VTK's camera is made from it before every frame.
        drawn: where it stood in the frame on the screen; whatever is drawn over the picture follows this one.

    Signals:
        camera_changed: the turntable has another size or stands elsewhere.
        rendered: a frame was drawn by another turntable than the one before.
    """

    camera_changed = Signal()
    rendered = Signal()

    def __init__(self, model: CaseModel, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, multi_samples=0, auto_update=False)
        self.setAcceptDrops(False)  # drops belong to the window
        self.setMinimumSize(240, 200)
        self._model, self._appearance = model, appearance
        self.turntable = self.drawn = Turntable()
        self.tool: MouseTool | None = None
        self._picker: SurfacePicker | None = None
        self._parts: dict[str, tuple[vtkActor, pv.PolyData, pv.PolyData]] = {}
        self._home: FloatArray | None = None
        self._cut: float | None = None
        self._drag: tuple[str, QPointF] | None = None
        self._detail = QTimer(self)
        self._detail.setSingleShot(True)
        self._detail.setInterval(DETAIL_AFTER_MS)
        self._detail.timeout.connect(self._show_detail)
        self.set_background(palette.BLACK, top="#171d25")
        self.enable_parallel_projection()
        self._set_lights()
        model.view_changed.connect(self._follow_view)
        model.cursor_moved.connect(self._follow_cursor)
        model.surfaces_changed.connect(self._show_surfaces)
        appearance.changed.connect(self._apply_appearance)
        self._place_camera()

    # ------------------------------------------------------------------------------------------------- contents

    def _show_surfaces(self) -> None:
        """Show the surfaces of the case, if there are any, and step back to see them whole."""
        case = self._model.case
        surfaces = None if case is None else case.surfaces
        for actor, _, _ in self._parts.values():
            self.renderer.RemoveActor(actor)
        self._parts = {}
        self._picker = None if case is None else case.picker
        if surfaces is not None:
            for name, full, coarse in (
                ("bone", surfaces.bone, surfaces.bone_lod),
                ("nerve", surfaces.nerve, surfaces.nerve_lod),
            ):
                if full.n_cells:
                    actor = _actor(full)
                    self.renderer.AddActor(actor)
                    self._parts[name] = (actor, full, coarse)
        self._apply_appearance()
        meshes = [full for _, full, _ in self._parts.values()]
        if meshes:
            bounds = np.array([mesh.bounds for mesh in meshes])
            low, high = bounds[:, ::2].min(axis=0), bounds[:, 1::2].max(axis=0)
            self._home = np.array(
                [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
            )
        else:
            self._home = None
        self.fit()

    def fit(self) -> None:
        """Show everything, in the same line of sight."""
        if self._home is not None:
            self._move(self.turntable.fitted(self._home))

    def centre_on(self, point: FloatArray) -> None:
        """Bring a point to the middle of the picture; the camera then turns about it."""
        self._move(replace(self.turntable, focus=np.array(point, dtype=np.float64)))

    def come_near(self, point: FloatArray, across_mm: float) -> None:
        """Bring a point to the middle, near enough to see a window of a few millimetres."""
        scale = across_mm / max(min(self.turntable.size), 1)
        self._move(replace(self.turntable, focus=np.array(point, dtype=np.float64), mm_per_pixel=scale))

    def set_cut(self, mm: float | None) -> None:
        """Cut away what lies more than ``mm`` in front of the cross-hair; None for nothing."""
        self._cut = mm
        self.update()

    def surface_point(self, position: QPointF) -> FloatArray | None:
        """LPS mm of the visible surface under a position, None beside it."""
        if self._picker is None:
            return None
        visible = {name for name in self._parts if self._appearance.part(name).visible}
        view = self.turntable.view
        front = FAR_DEPTH if self._cut is None else float(view.depth(self._model.cursor)) + self._cut
        return self._picker.pick(view, self.turntable.at_depth((position.x(), position.y()), front), visible)

    def picture(self) -> npt.NDArray[np.uint8]:
        """What is drawn, without the overlay, uint8 RGB (h, w, 3) in device pixels and in full detail."""
        self._detail.stop()
        self._show_detail()
        image = self.grabFramebuffer().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()

    # --------------------------------------------------------------------------------------------------- camera

    def _move(self, turntable: Turntable) -> None:
        self.turntable = turntable
        self._place_camera()
        self._model.set_view(turntable.view)
        self.camera_changed.emit()
        self.update()

    def _follow_view(self) -> None:
        if self._model.view != self.turntable.view:
            self._show_coarse()
            self._detail.start()
            self._move(replace(self.turntable, view=self._model.view))

    def paintGL(self) -> None:
        """Draw a frame in the scale and size of this moment: what is drawn over it has no other."""
        self._take_size()
        pixels = tuple(max(1, round(each * self.devicePixelRatioF())) for each in self.turntable.size)
        if tuple(self.render_window.GetSize()) != pixels:  # on another screen Qt resizes only its own buffers
            self.resizeGL(*self.turntable.size)
        self._place_camera()
        super().paintGL()
        if self.drawn is not self.turntable:
            self.drawn = self.turntable
            self.rendered.emit()

    def _take_size(self) -> None:
        size = (max(self.width(), 1), max(self.height(), 1))
        if size != self.turntable.size:
            self.turntable = replace(self.turntable, size=size)

    def _catch_up(self) -> None:
        """Draw what has changed since the last frame: a gesture of measuring is meant in the picture on the screen."""
        if self.drawn is not self.turntable:
            self.repaint()

    def _place_camera(self) -> None:
        view, focus = self.turntable.view, self.turntable.focus
        camera = self.renderer.GetActiveCamera()
        camera.SetParallelProjection(True)
        camera.SetFocalPoint(*focus)
        camera.SetPosition(*(focus + view.vector * CAMERA_DISTANCE))
        camera.SetViewUp(*view.up)
        camera.SetParallelScale(self.turntable.size[1] * self.turntable.mm_per_pixel / 2)
        near = 10.0
        if self._cut is not None:
            near = max(
                near, CAMERA_DISTANCE - float(view.depth(self._model.cursor) - view.depth(focus)) - self._cut
            )
        camera.SetClippingRange(near, 2 * CAMERA_DISTANCE)

    def _follow_cursor(self) -> None:
        if self._cut is not None:
            self.update()

    def _set_lights(self) -> None:
        self.renderer.RemoveAllLights()
        for position, intensity, tint in LIGHTS:
            light = vtkLight()
            light.SetLightTypeToCameraLight()
            light.SetPosition(*position)
            light.SetFocalPoint(0, 0, 0)
            light.SetIntensity(intensity)
            light.SetColor(*tint)
            self.renderer.AddLight(light)

    def _show_coarse(self) -> None:
        if sum(full.n_cells for _, full, _ in self._parts.values()) > MANY_TRIANGLES:
            for actor, _, coarse in self._parts.values():
                actor.GetMapper().SetInputData(coarse)

    def _show_detail(self) -> None:
        for actor, full, _ in self._parts.values():
            if actor.GetMapper().GetInput() is not full:
                actor.GetMapper().SetInputData(full)
                self.update()

    def _apply_appearance(self) -> None:
        for name, (actor, _, _) in self._parts.items():
            part = self._appearance.part(name)
            colour = QColor(part.colour)
            prop = actor.GetProperty()
            prop.SetColor(colour.redF(), colour.greenF(), colour.blueF())
            prop.SetOpacity(part.opacity)
            # Without their back faces, translucent surfaces need no sorting to look right.
            prop.SetBackfaceCulling(part.opacity < 1)
            actor.SetVisibility(part.visible and part.opacity > 0)
        self.update()

    # -------------------------------------------------------------------------------------------- mouse and keys

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the scale: a larger window shows more."""
        self._take_size()
        super().resizeEvent(event)  # draws a frame
        self.camera_changed.emit()
        if self._home is not None and event.oldSize().height() < 50:
            self.fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Give the gesture to the tool or to the camera."""
        self.setFocus()
        position = event.position()
        left = event.button() == Qt.MouseButton.LeftButton
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._catch_up()
        if left and not shift and self.tool is not None and self.tool.press(position):
            return
        if event.button() == Qt.MouseButton.MiddleButton or (left and shift):
            self._drag = ("pan", position)
        elif event.button() == Qt.MouseButton.RightButton:
            self._drag = ("zoom", position)
        elif left:
            self._drag = ("orbit", position)
        if self._drag is not None:
            self._detail.stop()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn, move or zoom; or let the tool follow."""
        position = event.position()
        if self._drag is None:
            if self.tool is not None:
                self.tool.move(position, bool(event.buttons() & Qt.MouseButton.LeftButton))
            return
        gesture, last = self._drag
        dx, dy = position.x() - last.x(), position.y() - last.y()
        self._drag = (gesture, position)
        self._show_coarse()
        if gesture == "orbit":
            self._move(self.turntable.orbit(dx, dy))
        elif gesture == "pan":
            self._move(self.turntable.pan(dx, dy))
        else:
            self._move(self.turntable.zoom(float(np.exp(-dy / 150))))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture; the full surfaces return."""
        if self._drag is not None:
            self._drag = None
            self._detail.start()
        elif event.button() == Qt.MouseButton.LeftButton and self.tool is not None:
            self.tool.release(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Put the cross-hair on the surface under the mouse."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._catch_up()
        if self.tool is not None and self.tool.press(event.position()):
            return
        point = self.surface_point(event.position())
        if point is not None:
            self._model.set_cursor(point)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse."""
        steps = event.angleDelta().y() / 120
        if steps:
            self._show_coarse()
            self._detail.start()
            position = event.position()
            self._move(self.turntable.zoom(1.15**steps, (position.x(), position.y())))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys turn by one degree (ten with Shift); the tool has its own keys."""
        if self.tool is not None and self.tool.key(event.key()):
            return
        step = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        turns = {
            Qt.Key.Key_Left: (step, 0.0),
            Qt.Key.Key_Right: (-step, 0.0),
            Qt.Key.Key_Up: (0.0, step),
            Qt.Key.Key_Down: (0.0, -step),
        }
        turn = turns.get(Qt.Key(event.key()))
        if turn is None:
            event.ignore()
            return
        self._show_coarse()
        self._detail.start()
        self._move(replace(self.turntable, view=self.turntable.view.turned(*turn)))

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Keys are not for VTK."""
        event.ignore()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Nothing for VTK."""

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing for VTK."""


def _actor(mesh: pv.PolyData) -> vtkActor:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    prop = actor.GetProperty()
    prop.SetInterpolationToPhong()
    prop.SetAmbient(0.08)
    prop.SetDiffuse(0.92)
    prop.SetSpecular(0.15)
    prop.SetSpecularPower(24)
    return actor
