"""Where the course of a root is not labelled: dashed over the slices, named in 3D beside the dashed tubes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

from app.model.case_model import CaseModel
from app.views.slices import SliceView
from app.widgets import palette
from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.gap_line import GapLine
from spinect_core.plan.gap_lines import gap_lines

if TYPE_CHECKING:
    from app.views.scene import Viewport

NEAR_MM = 4.0
"""On a slice the parts of a course this near to it are drawn: a root is as thick."""
LETTERS = 11


class RootGaps:
    """Draws with the painters of the slices and of the 3D picture."""

    def __init__(self, model: CaseModel) -> None:
        self._model = model

    @property
    def lines(self) -> tuple[GapLine, ...]:
        """The gaps of the planning."""
        return gap_lines(self._model.planning.roots)

    def on_slice(self, painter: QPainter, view: SliceView) -> None:
        """The gaps near a slice, the parts of them that lie near it."""
        position = float(self._model.cursor[view.plane.normal])
        for gap in self.lines:
            drawn = _draw(painter, view, position, gap.points, palette.GAP, Qt.PenStyle.DashLine)
            if gap.supposed is not None:
                drawn = (
                    _draw(painter, view, position, gap.supposed, palette.SUPPOSED, Qt.PenStyle.DotLine)
                    or drawn
                )
            if drawn is not None:
                _tag(painter, drawn, gap.root)

    def on_picture(self, painter: QPainter, viewport: Viewport) -> None:
        """What the gaps on the viewer's side of the patient are, beside each."""
        for gap in self.lines:
            if gap.faces(viewport.drawn.view):
                _tag(painter, QPointF(*viewport.drawn.to_screen(gap.middle)), gap.words)


def _draw(
    painter: QPainter, view: SliceView, position: float, points: FloatArray, colour: str, style: Qt.PenStyle
) -> QPointF | None:
    """The part of a line that lies near a slice; where its middle is drawn, None where no part is near."""
    near = np.flatnonzero(np.abs(points[:, view.plane.normal] - position) <= NEAR_MM)
    if not len(near):
        return None
    part = points[max(int(near[0]) - 1, 0) : int(near[-1]) + 2]
    line = QPolygonF([QPointF(*xy) for xy in view.to_screen(part)])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for shade, width, pen in (
        (QColor(0, 0, 0, 170), 4.2, Qt.PenStyle.SolidLine),
        (QColor(colour), 2.2, style),
    ):
        painter.setPen(QPen(shade, width, pen, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(line)
    return line.at(len(part) // 2)


def _tag(painter: QPainter, at: QPointF, text: str) -> None:
    font = QFont(painter.font())
    font.setPixelSize(LETTERS)
    painter.setFont(font)
    width = painter.fontMetrics().horizontalAdvance(text) + 4.0
    box = QRectF(at.x() + 8, at.y() - 8, width, 16)
    painter.setPen(QColor(11, 13, 16, 220))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        painter.drawText(box.translated(dx, dy), Qt.AlignmentFlag.AlignVCenter, text)
    painter.setPen(QColor(palette.GAP))
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)
