"""The tools that correct labels, in the slices: the mouse, the brush about it, and what it does in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from app.model.correcting import WITH_SIZE, Correcting, Tool
from app.views.slices import SliceTool, SliceView, shadowed
from app.widgets import palette
from spinect_core.image.planes import Plane

WORDS = {
    Tool.BRUSH: "Brush: {name}, {size:g} mm",
    Tool.ERASER: "Eraser: {name}, {size:g} mm",
    Tool.SMOOTH: "Smooth: {name}, {size:g} mm",
    Tool.FILL: "Fill: {name}",
    Tool.KEEP: "Keep one piece: {name}",
    Tool.REMOVE: "Remove a piece: {name}",
    Tool.TRACE: "Trace: click its beginning",
}
SECOND = "Trace: click its end"
POINT = 5.0
"""Logical pixels, half of the mark of a root's first point."""


class CorrectionTool:
    """The tools in one slice.

    Args:
        view: the slice.
        correcting: the tools.
    """

    def __init__(self, view: SliceView, correcting: Correcting) -> None:
        self._view, self._correcting = view, correcting
        self._mouse = QPointF()

    def press(self, position: QPointF) -> bool:
        """Left button down; True if a tool takes the gesture."""
        point = self._view.to_patient(position)
        return point is not None and self._correcting.press(self._view.plane, point)

    def move(self, position: QPointF, pressed: bool) -> bool:
        """Mouse moved; True while there is a tool."""
        self._mouse = position
        if self._correcting.tool is None:
            return False
        if pressed:
            point = self._view.to_patient(position)
            if point is not None:
                self._correcting.move(point)
        self._view.update()
        return True

    def release(self) -> bool:
        """Left button up; True if it ends a gesture."""
        at_work = self._correcting.at_work
        self._correcting.release()
        return at_work

    def key(self, key: int) -> bool:
        """A key was pressed; Esc gives up a gesture or the tool, and True says that there was one."""
        return key == Qt.Key.Key_Escape and self._correcting.stop()

    def draw(self, painter: QPainter) -> None:
        """The brush about the mouse, the first point of a root, and what the left button does."""
        correcting, view = self._correcting, self._view
        if correcting.tool is None:
            return
        colour = view.label_colour(correcting.tissue)
        if correcting.begun is not None:
            self._draw_begun(painter, view.plane)
        if correcting.tool in WITH_SIZE and view.underMouse():
            self._draw_brush(painter, colour)
        words = SECOND if correcting.begun is not None else WORDS[correcting.tool]
        font = QFont(view.font())
        font.setPixelSize(12)
        font.setBold(True)
        painter.setFont(font)
        place = QRectF(8, 6, view.width() / 2 - 20, view.height())
        text = words.format(name=correcting.name, size=correcting.size_mm)
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        shadowed(painter, place, align, text, colour)

    def _draw_brush(self, painter: QPainter, colour: QColor) -> None:
        """A circle as large as the brush; of an eraser it is dashed."""
        placed = self._view.placement()
        if placed is None:
            return
        grid, box = placed
        radius = self._correcting.size_mm / 2 / (grid.pixel[0] * grid.shape[1]) * box.width()
        dashed = self._correcting.tool == Tool.ERASER
        for shade, width in ((QColor(0, 0, 0, 160), 3.0), (colour, 1.4)):
            line = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
            painter.setPen(QPen(shade, width, line))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(self._mouse, radius, radius)

    def _draw_begun(self, painter: QPainter, plane: Plane) -> None:
        """A cross at the first point; fainter where it lies in another slice."""
        point, view = self._correcting.begun, self._view
        assert point is not None  # asked before
        away = abs(float(point[plane.normal]) - view.position)
        x, y = view.to_screen(np.asarray(point))
        colour = QColor(palette.SUPPOSED)
        colour.setAlpha(255 if away <= view.half_slice_mm else 110)
        for shade, width in ((QColor(0, 0, 0, 160), 4.0), (colour, 2.0)):
            painter.setPen(QPen(shade, width))
            painter.drawLine(QPointF(x - POINT, y), QPointF(x + POINT, y))
            painter.drawLine(QPointF(x, y - POINT), QPointF(x, y + POINT))


class FirstOf:
    """Several tools in one slice: the first one that takes a gesture has it."""

    def __init__(self, *tools: SliceTool) -> None:
        self._tools = tools

    def press(self, position: QPointF) -> bool:
        """Left button down."""
        return any(each.press(position) for each in self._tools)

    def move(self, position: QPointF, pressed: bool) -> bool:
        """Mouse moved."""
        return any(each.move(position, pressed) for each in self._tools)

    def release(self) -> bool:
        """Left button up."""
        return any(each.release() for each in self._tools)

    def key(self, key: int) -> bool:
        """A key was pressed."""
        return any(each.key(key) for each in self._tools)

    def draw(self, painter: QPainter) -> None:
        """Draw over the cut, the first tool last."""
        for each in reversed(self._tools):
            each.draw(painter)


class CorrectionOnSlices(QObject):
    """Draws labels anew in the slices while they are painted on.

    Only the slice that is drawn in follows the mouse; the others come with the end of the gesture.

    Args:
        correcting: the tools.
        views: the slices.
    """

    def __init__(self, correcting: Correcting, views: Mapping[str, SliceView], parent: QObject) -> None:
        super().__init__(parent)
        self._views = views
        self._correcting = correcting
        self.tools = {view.plane: CorrectionTool(view, correcting) for view in views.values()}
        correcting.painted.connect(self._on_painted)
        correcting.changed.connect(self._on_changed)

    def _on_painted(self, plane: Plane | None) -> None:
        for view in self._views.values():
            if plane is None or view.plane is plane:
                view.forget_labels()

    def _on_changed(self) -> None:
        for view in self._views.values():
            if self._correcting.tool is None:
                view.unsetCursor()
            else:
                view.setCursor(Qt.CursorShape.CrossCursor)
            view.update()
