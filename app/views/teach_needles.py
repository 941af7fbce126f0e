"""The student's needle, and after handing in the best one beside it: on slices, in 3D and on fluoroscopy."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from vtkmodules.vtkRenderingCore import vtkActor

from app.model.case_model import CaseModel
from app.model.teach import Trainer
from app.model.teach_fluoroscopy import ShotFluoroscopy
from app.views.fluoroscopy import FluoroscopyPicture
from app.views.needle_actors import actor_of, tube
from app.views.needle_on_slices import near_plane
from app.views.scene import Viewport
from app.views.slices import SliceView
from app.widgets import palette
from spinect_core.planning.needle.needle import Needle

OWN, BEST = palette.NEEDLE, palette.DOG
CROSS = 7.0


class TeachNeedlesOnSlices:
    """Draws with the painters of the slices."""

    def __init__(self, trainer: Trainer, model: CaseModel) -> None:
        self._trainer, self._model = trainer, model

    def draw(self, painter: QPainter, view: SliceView) -> None:
        """Each needle as a line, solid where it lies near the slice, with a dot at its tip."""
        for needle, colour in ((self._trainer.needle(), OWN), (self._trainer.best_needle(), BEST)):
            if needle is not None:
                position = float(self._model.cursor[view.plane.normal])
                _draw_needle(painter, view, needle, QColor(colour), position)
        tip = self._trainer.answer.tip
        if tip is not None and self._trainer.needle() is None:
            x, y = view.to_screen(np.asarray(tip))
            painter.setPen(QPen(QColor(OWN), 1.6))
            painter.drawEllipse(QPointF(x, y), 4.0, 4.0)


def _draw_needle(painter: QPainter, view: SliceView, needle: Needle, colour: QColor, position: float) -> None:
    entry, target = np.asarray(needle.entry), np.asarray(needle.target)
    ends = [QPointF(*xy) for xy in view.to_screen(np.stack([entry, target]))]
    faint = QColor(colour)
    faint.setAlpha(170)
    painter.setPen(QPen(faint, 1.4, Qt.PenStyle.DashLine))
    painter.drawLine(ends[0], ends[1])
    axis = view.plane.normal
    inside = near_plane(entry, target, axis, position, view.half_slice_mm)
    if inside is not None:
        part = [QPointF(*xy) for xy in view.to_screen(np.stack(inside))]
        painter.setPen(QPen(colour, 2.2))
        painter.drawLine(part[0], part[1])
    painter.setPen(QPen(QColor(0, 0, 0, 180), 1))
    painter.setBrush(colour)
    painter.drawEllipse(ends[1], 3.0, 3.0)
    painter.setBrush(Qt.BrushStyle.NoBrush)


class TeachNeedleActors(QObject):
    """Keeps both needles in the 3D picture."""

    def __init__(self, viewport: Viewport, trainer: Trainer) -> None:
        super().__init__(viewport)
        self._viewport, self._trainer = viewport, trainer
        self._shown: list[vtkActor] = []
        for signal in (trainer.answer_changed, trainer.step_changed, trainer.scored):
            signal.connect(self._show)

    def _show(self) -> None:
        for actor in self._shown:
            self._viewport.renderer.RemoveActor(actor)
        every = ((self._trainer.needle(), OWN), (self._trainer.best_needle(), BEST))
        self._shown = [actor_of(tube(needle), colour, 1.0) for needle, colour in every if needle is not None]
        for actor in self._shown:
            self._viewport.renderer.AddActor(actor)
        self._viewport.update()


class AimedPicture(FluoroscopyPicture):
    """A fluoroscopy picture that a student aims on.

    Signals:
        aimed: LPS mm (3,) under the mouse, as deep as the tip, or as the middle of the picture without one.
    """

    aimed = Signal(object)

    def __init__(self, fluoroscopy: ShotFluoroscopy, trainer: Trainer) -> None:
        super().__init__(fluoroscopy)
        self._trainer = trainer
        trainer.answer_changed.connect(self.update)
        trainer.scored.connect(self.update)

    @property
    def message(self) -> str:
        """Why there is no picture; empty if there is one."""
        told = super().message
        waiting = self._fluoroscopy.picture is None and not self._fluoroscopy.fault
        return "Choose a line of sight, then press Shoot." if waiting else told

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Aim."""
        taken = self._fluoroscopy.picture
        if taken is None or event.button() != Qt.MouseButton.LeftButton or self._trainer.handed_in:
            return
        box, exposure = self.box(), taken.exposure
        scale = exposure.fluoroscope.pixels / box.width()
        pixels = np.array([event.position().x() - box.left(), event.position().y() - box.top()]) * scale
        tip = self._trainer.answer.tip
        self.aimed.emit(exposure.at_depth_of(pixels, exposure.target if tip is None else np.asarray(tip)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture as it was taken, and where the student aims."""
        super().paintEvent(event)
        tip = self._trainer.answer.tip
        if self._fluoroscopy.picture is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if tip is not None:
            x, y = self.to_screen(np.asarray(tip))
            painter.setPen(QPen(QColor(palette.ACCENT), 1.6))
            painter.drawLine(QPointF(x - CROSS, y), QPointF(x + CROSS, y))
            painter.drawLine(QPointF(x, y - CROSS), QPointF(x, y + CROSS))
        best = self._trainer.best_needle()
        if best is not None:
            start, stop = self.to_screen(np.array([best.entry, best.target]))
            painter.setPen(QPen(QColor(BEST), 2.0))
            painter.drawLine(QPointF(*start), QPointF(*stop))
        painter.end()
