"""Icons and spots of colour."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.widgets.palette import FAINT, LINE, TEXT
from spinect_core.base.assets import asset


def icon(name: str, colour: str = TEXT, checked: str = "") -> QIcon:
    """An icon of assets/icons drawn in a colour (greyed when disabled)."""
    result = QIcon()
    source = asset(f"icons/{name}.svg").read_text(encoding="utf-8")
    for mode, shade in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, FAINT)):
        for size in (20, 40, 144):
            result.addPixmap(_drawn(source, shade, size), mode, QIcon.State.Off)
            result.addPixmap(_drawn(source, checked or shade, size), mode, QIcon.State.On)
    return result


def swatch(colour: str, size: int = 14) -> QIcon:
    """A round spot of colour."""
    pixmap = QPixmap(size * 2, size * 2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(LINE))
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QRectF(2, 2, size * 2 - 4, size * 2 - 4))
    painter.end()
    result = QIcon(pixmap)
    result.addPixmap(pixmap, QIcon.Mode.Selected)  # else Qt tints it with the selection's blue
    return result


def _drawn(source: str, colour: str, size: int) -> QPixmap:
    renderer = QSvgRenderer(QByteArray(source.replace("currentColor", colour).encode()))
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter)
    painter.end()
    return pixmap
