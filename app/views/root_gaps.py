"""Where the course of a root is not labelled: dashed lines over the slices and the 3D picture, and what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

from app.model.case_model import CaseModel
from app.views.slices import SliceView
from app.widgets import palette
from spinect_core.plan.records import GapRecord, RootRecord
from spinect_core.plan.wording import gap_tag

if TYPE_CHECKING:
    from app.views.scene import Viewport

NEAR_MM = 4.0
"""On a slice the parts of a course this near to it are drawn: a root is as thick."""
LETTERS = 11


class RootGaps:
    """Draws with the painters of the slices and of the 3D picture."""

    def __init__(self, model: CaseModel) -> None:
        self._model = model

    def on_slice(self, painter: QPainter, view: SliceView) -> None:
        """The gaps near a slice, the parts of them that lie near it."""
        axis, position = view.plane.normal, float(self._model.cursor[view.plane.normal])
        for root, gap in self._every():
            points = np.asarray(gap.points)
            near = np.flatnonzero(np.abs(points[:, axis] - position) <= NEAR_MM)
            if len(near):
                part = points[max(int(near[0]) - 1, 0) : int(near[-1]) + 2]
                self._draw(painter, view.to_screen(part), gap_tag(root, gap))

    def on_picture(self, painter: QPainter, viewport: Viewport) -> None:
        """All gaps; what they are stands beside each."""
        for root, gap in self._every():
            self._draw(painter, viewport.drawn.to_screen(np.asarray(gap.points)), gap_tag(root, gap))

    def _every(self) -> list[tuple[RootRecord, GapRecord]]:
        return [(root, gap) for root in self._model.planning.roots for gap in root.gaps]

    def _draw(self, painter: QPainter, places: npt.NDArray[np.float64], text: str) -> None:
        line = QPolygonF([QPointF(*xy) for xy in places])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width, style in (
            (QColor(0, 0, 0, 170), 4.2, Qt.PenStyle.SolidLine),
            (QColor(palette.GAP), 2.2, Qt.PenStyle.DashLine),
        ):
            painter.setPen(QPen(colour, width, style, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin))
            painter.drawPolyline(line)
        font = QFont(painter.font())
        font.setPixelSize(LETTERS)
        painter.setFont(font)
        middle = line.at(len(places) // 2)
        width = painter.fontMetrics().horizontalAdvance(text) + 4.0
        box = QRectF(middle.x() + 8, middle.y() - 8, width, 16)
        painter.setPen(QColor(11, 13, 16, 220))
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawText(box.translated(dx, dy), Qt.AlignmentFlag.AlignVCenter, text)
        painter.setPen(QColor(palette.GAP))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)
