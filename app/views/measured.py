"""How measurements look over pictures: lines, points that can be dragged, and a tag with the number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

from app.model.case import Drawn
from app.model.measuring import Measuring
from app.widgets import palette
from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import FigureKind
from spinect_core.geometry.figure import value_text
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View

HANDLE = 5.0
ARC, GAP = 16.0, 12.0
"""Logical pixels of the arc in an angle, and between points and their tag."""
SAME_VIEW_DEGREES = 0.05
OPEN = (FigureKind.DISTANCE, FigureKind.ANGLE)
"""What has a last point that is not joined to the first."""


def colour_of(drawn: Drawn) -> QColor:
    """Of its lines."""
    return QColor(palette.MEASURED_COLOURS[drawn.kind])


def text_of(drawn: Drawn) -> str:
    """Its number with the unit."""
    return value_text(drawn.area_mm2, "mm²") if isinstance(drawn, Triangle) else drawn.text


def lines_in_3d(drawn: Drawn, view: View, *, chosen: bool) -> list[str]:
    """Its number, and what else is to be known of it in the 3D view."""
    lines = [text_of(drawn)]
    elsewhere = drawn.view.angle_to(view) > SAME_VIEW_DEGREES
    if isinstance(drawn, Triangle):
        if elsewhere:
            try:
                lines.append(f"from here {value_text(drawn.area_in(view), 'mm²')}")
            except MeasurementError:
                lines.append("seen from its edge")
        return lines
    if chosen:
        lines.append(f"seen {drawn.view.format(1)}")
    elif elsewhere:
        lines.append("in another view")
    if chosen and drawn.in_space is not None:
        lines.append(f"in space {value_text(drawn.in_space, drawn.unit)}")
    return lines


def draw(
    painter: QPainter,
    places: Sequence[QPointF],
    kind: str,
    colour: QColor,
    *,
    chosen: bool,
    hot: int | None = None,
) -> None:
    """Lines, and the points where it is chosen; ``hot`` is the number of the point under the mouse."""
    outline = QPolygonF(list(places))
    fill = QColor(colour)
    fill.setAlpha(80 if chosen else 45)
    closed = kind not in OPEN
    for pen in (_pen(QColor(0, 0, 0, 140), 4.0), _pen(colour, 2.2 if chosen else 1.5)):
        painter.setPen(pen)
        if closed:
            painter.setBrush(fill)
            painter.drawPolygon(outline)
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(outline)
            if kind == FigureKind.ANGLE:
                _arc(painter, places)
        fill = QColor(Qt.GlobalColor.transparent)
    if chosen or not closed:
        for index, place in enumerate(places):
            painter.setBrush(colour if index == hot else QColor(palette.BLACK))
            painter.drawEllipse(place, *((HANDLE, HANDLE) if chosen else (2.5, 2.5)))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_pending(
    painter: QPainter, font: QFont, places: Sequence[QPointF], measuring: Measuring, room: QRect
) -> None:
    """What is being drawn: the points placed so far, the mouse, and the number where there is one."""
    if not places:
        return
    colour = QColor(palette.MEASURED_COLOURS[measuring.kind])
    painter.setPen(QPen(colour, 2, Qt.PenStyle.DashLine))
    if measuring.kind in OPEN:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(list(places)))
    else:
        fill = QColor(colour)
        fill.setAlpha(40)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(list(places)))
    painter.setPen(QPen(colour, 2))
    painter.setBrush(colour)
    for place in places[: measuring.placed]:
        painter.drawEllipse(place, 4, 4)
    if measuring.pending_text:
        beside = place_of(measuring.kind, places)
        draw_tag(painter, font, beside, [measuring.pending_text], colour, room, chosen=True)


def place_of(kind: str, places: Sequence[QPointF]) -> QRectF:
    """What a tag stands beside: all points, or the apex of an angle."""
    if kind == FigureKind.ANGLE and len(places) == 3:
        return QRectF(places[1].x() - ARC, places[1].y() - ARC, 2 * ARC, 2 * ARC)
    return QPolygonF(list(places)).boundingRect()


def draw_tag(
    painter: QPainter,
    font: QFont,
    beside: QRectF,
    lines: Sequence[str],
    colour: QColor,
    room: QRect,
    *,
    chosen: bool,
) -> None:
    """Lines of text in a box beside a place, the first one large, within the picture."""
    large, small = QFont(font), QFont(font)
    large.setPixelSize(14 if chosen else 12)
    large.setBold(True)
    small.setPixelSize(11)
    fonts = [large, *[small] * (len(lines) - 1)]
    widths, heights = [], []
    for each, line in zip(fonts, lines, strict=True):
        painter.setFont(each)
        widths.append(painter.fontMetrics().horizontalAdvance(line))
        heights.append(painter.fontMetrics().height())
    box = _beside(beside, max(widths) + 14, sum(heights) + 8, room)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(QColor(11, 13, 16, 215))
    painter.drawRoundedRect(box, 4, 4)
    top = box.top() + 4
    for number, (each, line, height) in enumerate(zip(fonts, lines, heights, strict=True)):
        painter.setFont(each)
        painter.setPen(QColor(palette.TEXT) if number else colour)
        painter.drawText(QPointF(box.left() + 7, top + painter.fontMetrics().ascent()), line)
        top += height
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _beside(place: QRectF, wide: float, high: float, room: QRect) -> QRectF:
    """A box right of a place, else left of it, above or below, where the picture has room; else within the picture."""
    x, y = place.center().x() - wide / 2, place.center().y() - high / 2
    free = QRectF(room).adjusted(2, 2, -2, -2)
    boxes = [
        QRectF(left, top, wide, high)
        for left, top in (
            (place.right() + GAP, y),
            (place.left() - GAP - wide, y),
            (x, place.top() - GAP - high),
            (x, place.bottom() + GAP),
        )
    ]
    found = next((each for each in boxes if free.contains(each)), boxes[0])
    found.moveLeft(max(free.left(), min(found.left(), free.right() - wide)))
    found.moveTop(max(free.top(), min(found.top(), free.bottom() - high)))
    return found


def _arc(painter: QPainter, places: Sequence[QPointF]) -> None:
    """From the first leg of an angle to the second, about its apex."""
    first, apex, second = places
    legs = [each - apex for each in (first, second)]
    reach = min(ARC, *(0.7 * float(np.hypot(leg.x(), leg.y())) for leg in legs))
    start, stop = (float(np.degrees(np.arctan2(-leg.y(), leg.x()))) for leg in legs)
    span = (stop - start + 180.0) % 360.0 - 180.0
    box = QRectF(apex.x() - reach, apex.y() - reach, 2 * reach, 2 * reach)
    painter.drawArc(box, round(16 * start), round(16 * span))


def _pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
