"""How near bone and nerve come along a needle, as a curve from the skin to the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.widgets import palette

if TYPE_CHECKING:
    from spinect_core.planning.needle.safety import Clearance

UP_TO_MM = 20.0
LEFT, TOP, RIGHT, BOTTOM = 44, 20, 12, 20


class ClearanceCurve(QWidget):
    """Distance of the needle's axis to bone and nerve over the depth below the skin."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.clearance: Clearance | None = None
        self.empty = ""
        self.setToolTip("Distance of the needle's axis to bone and to nerve, from the skin to the target")

    def show_clearance(self, clearance: Clearance | None) -> None:
        """Show another needle's; None for none."""
        self.clearance = clearance
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Two curves and their axes."""
        clearance = self.clearance
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(palette.room().panel))
        if clearance is None:
            painter.setPen(QColor(palette.room().muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.empty)
            painter.end()
            return
        box = QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for mm in (0, 10, 20):
            y = box.bottom() - mm / UP_TO_MM * box.height()
            painter.setPen(QPen(QColor(palette.room().line), 1))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(QColor(palette.room().muted))
            painter.drawText(QRectF(0, y - 7, LEFT - 4, 14), right, f"{mm} mm")
        depth = clearance.depth_mm
        painter.drawText(
            QRectF(box.left(), box.bottom() + 3, box.width(), 14), Qt.AlignmentFlag.AlignLeft, "skin"
        )
        painter.drawText(
            QRectF(box.left(), box.bottom() + 3, box.width(), 14), right, f"target, {depth[-1]:.0f} mm"
        )
        across = box.left() + depth / max(float(depth[-1]), 1e-6) * box.width()
        for values, colour in (
            (clearance.bone_mm, palette.room().bone),
            (clearance.nerve_mm, palette.room().nerve),
        ):
            down = box.bottom() - np.clip(values, 0, UP_TO_MM) / UP_TO_MM * box.height()
            painter.setPen(QPen(QColor(colour), 1.8))
            painter.drawPolyline(QPolygonF([QPointF(*xy) for xy in zip(across, down, strict=True)]))
        for x, name, colour in (
            (box.left(), "to bone", palette.room().bone),
            (box.left() + 60, "to nerve", palette.room().nerve),
        ):
            painter.setPen(QColor(colour))
            painter.drawText(QRectF(x, 2, 60, 14), Qt.AlignmentFlag.AlignLeft, name)
        painter.end()
