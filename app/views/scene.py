"""The 3D view: bone and nerve in parallel projection, seen by a camera that is always a :class:`View`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyvista as pv
from PySide6.QtCore import QEvent, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget
from pyvistaqt import QtInteractor
from vtkmodules.vtkRenderingCore import vtkActor, vtkLight

from app.model.appearance import Appearance
from app.model.case import Case
from app.model.case_model import CaseModel
from app.model.picking import SurfacePicker, cut
from app.views.detail import Levels, Step
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
LOWEST = 50
"""Logical pixels of a view that shows anything: what was fitted into less is fitted again."""
GL_FRAMEBUFFER, GL_COLOR_BUFFER_BIT = 0x8D40, 0x4000
DETAIL_AFTER_MS = 180
"""How long the camera rests before the full surfaces come back."""


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
        self._seen_case: Case | None = None
        self._covered: frozenset[str] = frozenset()
        self._parts = Levels(self.renderer)
        self._pictured: object = None
        self._full: object = None
        self._steps: list[Step] = []
        self._waiting: list[Callable[[], None]] = []
        self._hold = False
        self._home: FloatArray | None = None
        self._fit_due = False
        self._cut: float | None = None
        self._drag: tuple[str, QPointF] | None = None
        self._detail = QTimer(self)
        self._detail.setSingleShot(True)
        self._detail.setInterval(DETAIL_AFTER_MS)
        self._detail.timeout.connect(self._begin_detail)
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._draw_next)
        self._frame = QTimer(self)
        self._frame.setSingleShot(True)
        self._frame.timeout.connect(self._draw_due)
        self._in_event = self._comes = self._ended = False
        self._size: tuple[int, int] | None = None
        # A picture stays until the next one is complete, and while only what is drawn over it changes.
        self.setUpdateBehavior(QOpenGLWidget.UpdateBehavior.PartialUpdate)
        self.set_background(palette.BLACK, top=palette.BACKDROP)
        self.enable_parallel_projection()
        self._set_lights()
        model.view_changed.connect(self._follow_view)
        model.cursor_moved.connect(self._follow_cursor)
        model.surfaces_changed.connect(self._show_surfaces)
        appearance.changed.connect(self._apply_appearance)
        self._place_camera()

    def close(self) -> None:
        """Give the graphics back; what was still to be drawn is drawn no more."""
        self._ended = True
        for timer in (self._detail, self._next, self._frame):
            timer.stop()
        super().close()

    # ------------------------------------------------------------------------------------------------- contents

    def _show_surfaces(self) -> None:
        """Show the surfaces of the case, if there are any, and step back to see them whole.

        Where they only take the place of others of the same case, the camera stays, and they are seen at once.
        """
        case = self._model.case
        again = case is not None and case is self._seen_case and self._home is not None
        self._seen_case = case
        surfaces = None if case is None else case.surfaces
        self._picker = None if case is None else case.picker
        meshes = {}
        if surfaces is not None:
            for name, full, coarse in (
                ("bone", surfaces.bone, surfaces.bone_lod),
                ("nerve", surfaces.nerve, surfaces.nerve_lod),
            ):
                if full.n_cells:
                    pieces = cut(full) if self._picker is None else self._picker.pieces[name]
                    meshes[name] = (pieces, coarse)
        self._parts.replace(meshes)
        if again:
            self._parts.fresh = False
        if self._parts.fresh:
            self._detail.start(0)
        self._apply_appearance()
        if meshes:
            bounds = np.array([piece.bounds for pieces, _ in meshes.values() for piece in pieces])
            low, high = bounds[:, ::2].min(axis=0), bounds[:, 1::2].max(axis=0)
            self._home = np.array(
                [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
            )
        else:
            self._home = None
        if again and meshes:
            self.update()
        else:
            self.fit()

    def fit(self) -> None:
        """Show everything, in the same line of sight."""
        if self._home is not None:
            self._fit_due = self.height() < LOWEST
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
        self._parts.open_up(mm is not None)
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
        self._finish_detail()
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
            self._move(replace(self.turntable, view=self._model.view))

    def initializeGL(self) -> None:
        """Take a context, in which nothing has been drawn yet."""
        self._pictured = None
        super().initializeGL()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Put the picture on the screen; a new one is drawn next, apart from what other widgets paint."""
        self._in_event = True
        super().paintEvent(event)
        self._in_event = False

    def paintGL(self) -> None:
        """Draw a frame in the scale and size of this moment: what is drawn over it has no other.

        Where nothing has changed since the last one, that one stays.
        """
        if self._ended:
            return
        self._prepare()
        if self._state() == self._pictured:
            return
        if not self._in_event or self._pictured is None:
            self._draw_frame()
        elif self._size == self.render_window.GetSize():
            self._frame.start(0)
        elif self._comes:
            # All other views come with it and are painted now; the first picture in this size is next.
            self._clear()
            self._frame.start(0)
        else:
            self._draw_frame()
        self._comes = False

    def showEvent(self, event: QShowEvent) -> None:
        """Come into sight, perhaps in another size than before."""
        self._comes = True
        super().showEvent(event)

    def _clear(self) -> None:
        """Show nothing but the background's darker colour."""
        functions = self.context().functions()
        colour = QColor(palette.BLACK)
        functions.glClearColor(colour.redF(), colour.greenF(), colour.blueF(), 1.0)
        functions.glClear(GL_COLOR_BUFFER_BIT)

    def _draw_due(self) -> None:
        """Draw what has changed since the last frame."""
        self._prepare()
        if self.isVisible() and self._pictured is not None and self._state() != self._pictured:
            self.makeCurrent()
            self._draw_frame()
            self.update()

    def _draw_frame(self) -> None:
        self._steps, self._full = [], None
        self._draw(self._parts.quick())
        self._size = self.render_window.GetSize()
        if self._parts.many and self._drag is None:
            self._detail.start(0 if self._parts.fresh else DETAIL_AFTER_MS)
        if self.drawn is not self.turntable:
            self.drawn = self.turntable
            self.rendered.emit()

    def _prepare(self) -> None:
        self._take_size()
        pixels = tuple(max(1, round(each * self.devicePixelRatioF())) for each in self.turntable.size)
        if tuple(self.render_window.GetSize()) != pixels:  # on another screen Qt resizes only its own buffers
            self.resizeGL(*self.turntable.size)
        self._place_camera()

    def _state(self) -> object:
        """What the picture depends on."""
        size = tuple(self.render_window.GetSize())
        return size, self.renderer.GetActiveCamera().GetMTime(), self._parts.state()

    def _draw(self, step: Step) -> None:
        self._hold = not step.show
        if self._hold:
            # VTK clears whatever is bound when it starts on a new size, and that must not be the picture on the screen.
            self.context().functions().glBindFramebuffer(GL_FRAMEBUFFER, 0)
        self._parts.draw(step, super().paintGL)
        self._hold = False
        self._pictured = self._state()

    def _blit(self, target_id: int, rect: QRect) -> None:
        """Bring what was drawn to the screen, once it is a whole picture."""
        if not self._hold:
            super()._blit(target_id, rect)

    def warm_up(self, examples: Sequence[vtkActor] = ()) -> None:
        """Draw a little while nothing is shown: the graphics driver takes longest for what it has not drawn yet.

        Args:
            examples: of what will be drawn beside bone and nerve.
        """
        if self._ended or self._pictured is not None:
            return
        ball = pv.Sphere(theta_resolution=8, phi_resolution=8)

        def parts() -> None:
            self._parts.replace({name: ((ball,), ball) for name in ("bone", "nerve")})

        def translucent() -> None:
            self._parts.look("nerve", (1.0, 1.0, 1.0), 0.5, True)

        def others() -> None:
            for actor in examples:
                self.renderer.AddActor(actor)

        self._warm_up_next([lambda: None, parts, translucent, others], examples)

    def _warm_up_next(self, steps: list[Callable[[], None]], examples: Sequence[vtkActor]) -> None:
        """One thing after the other, unless a case has come meanwhile."""
        if self._ended:
            return
        if steps and self._model.case is None:
            steps[0]()
            self.grabFramebuffer()
            QTimer.singleShot(0, self, lambda: self._warm_up_next(steps[1:], examples))
            return
        for actor in examples:
            self.renderer.RemoveActor(actor)
        if self._model.case is None:
            self._parts.replace({})

    # --------------------------------------------------------------------------------------------------- detail

    def when_detailed(self, then: Callable[[], None]) -> None:
        """Do something once the picture is there in full detail; at once where it is, or where nobody sees it."""
        self._waiting.append(then)
        if not self._parts.many or not self.isVisible() or self._detailed:
            self._tell_detailed()
        elif not self._steps:
            self._detail.start(0)

    @property
    def _detailed(self) -> bool:
        self._prepare()
        return self._full is not None and self._full == self._state()

    def _tell_detailed(self) -> None:
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()

    def _begin_detail(self) -> None:
        """Draw the full picture, piece by piece."""
        self._prepare()
        if not self._parts.many or not self.isVisible() or self._detailed:
            self._tell_detailed()
        elif self._state() != self._pictured:
            self.update()  # which comes back here
        else:
            self._steps = self._parts.pieces()
            self._next.start(0)

    def _draw_next(self) -> None:
        """Draw a piece, unless something has changed since the last one: then a whole new picture is due."""
        self._prepare()
        if not self._steps:
            return
        if self._state() != self._pictured:
            self.update()
            return
        self._draw_piece()
        if self._steps:
            self._next.start(0)
        else:
            self._tell_detailed()

    def _draw_piece(self) -> None:
        step = self._steps.pop(0)
        self.makeCurrent()
        self._draw(step)
        if step.show:
            self.update()
        if not self._steps:
            self._parts.fresh = False
            self._full = self._pictured

    def _finish_detail(self) -> None:
        """Draw in one go what is missing of the full picture."""
        self._detail.stop()
        if not self._parts.many:
            return
        self._prepare()
        if self._pictured is None or self._state() != self._pictured:
            self.grabFramebuffer()
        if not self._detailed:
            self._steps = self._steps or self._parts.pieces()
        while self._steps:
            self._draw_piece()

    def _take_size(self) -> None:
        size = (max(self.width(), 1), max(self.height(), 1))
        if size != self.turntable.size:
            self.turntable = replace(self.turntable, size=size)

    def _catch_up(self) -> None:
        """Draw what has changed since the last frame: a gesture of measuring is meant in the picture on the screen."""
        if self.drawn is not self.turntable:
            self._draw_due()

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

    def cover(self, names: frozenset[str]) -> None:
        """Leave out bone or nerve where something else is drawn in its place."""
        self._covered = names
        self._apply_appearance()

    def _apply_appearance(self) -> None:
        for name in self._parts:
            part = self._appearance.part(name)
            shown = part.visible and name not in self._covered
            colour = QColor(part.colour)
            rgb = (colour.redF(), colour.greenF(), colour.blueF())
            self._parts.look(name, rgb, part.opacity, shown)
        self.update()

    # -------------------------------------------------------------------------------------------- mouse and keys

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the scale: a larger window shows more."""
        self._take_size()
        super().resizeEvent(event)  # draws a frame
        self.camera_changed.emit()
        if self._fit_due and self.height() >= LOWEST:
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
            self._detail.start(DETAIL_AFTER_MS)
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
        self._move(replace(self.turntable, view=self.turntable.view.turned(*turn)))

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Keys are not for VTK."""
        event.ignore()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Nothing for VTK."""

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing for VTK."""
