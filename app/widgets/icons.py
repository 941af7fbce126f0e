"""Icons and spots of colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.widgets import palette
from spinect_core.base.assets import asset

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractButton

_DRAWN = "drawn"
"""The property that says how an icon is drawn."""


def icon(name: str, colour: str = "text", checked: str = "") -> QIcon:
    """An icon of assets/icons drawn in a colour (greyed when disabled).

    Args:
        name: of the file.
        colour: "#rrggbb", or which one of :class:`app.widgets.palette.Room`.
        checked: of what is checked; the same when absent.
    """
    result = QIcon()
    source = asset(f"icons/{name}.svg").read_text(encoding="utf-8")
    for mode, shade in ((QIcon.Mode.Normal, _colour(colour)), (QIcon.Mode.Disabled, palette.room().faint)):
        for size in (20, 40, 144):
            result.addPixmap(_drawn(source, shade, size), mode, QIcon.State.Off)
            result.addPixmap(_drawn(source, _colour(checked) or shade, size), mode, QIcon.State.On)
    return result


def dress(target: QAction | QAbstractButton, name: str, colour: str = "text", checked: str = "") -> None:
    """Give an action or a button an icon that is drawn anew in another theme; the arguments as for :func:`icon`."""
    target.setIcon(icon(name, colour, checked))
    target.setProperty(_DRAWN, [name, colour, checked])


def redraw() -> None:
    """Draw the icons of all actions and buttons anew."""
    # Not at the top: the tables of the model take their spots of colour from here, and need no widgets.
    from PySide6.QtWidgets import QAbstractButton, QApplication

    for window in QApplication.topLevelWidgets():
        targets: list[QAction | QAbstractButton] = [
            *window.findChildren(QAction),
            *window.findChildren(QAbstractButton),
        ]
        for each in targets:
            drawn = each.property(_DRAWN)
            if drawn:
                each.setIcon(icon(*map(str, drawn)))


def _colour(colour: str) -> str:
    return colour if colour.startswith("#") or not colour else str(getattr(palette.room(), colour))


def swatch(colour: str, size: int = 14) -> QIcon:
    """A round spot of colour."""
    pixmap = QPixmap(size * 2, size * 2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(palette.room().muted))
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
