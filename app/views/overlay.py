"""What is written over the 3D picture: letters, angles, scale bar, and what was measured."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.model.case import Measurement
from app.model.case_model import CaseModel
from app.model.hints import no_surfaces
from app.model.ongoing import Ongoing
from app.model.trajectories import Trajectories
from app.views import measured
from app.views.measuring_tools import ViewportMeasuring, shown_in_3d
from app.views.scene import Viewport
from app.views.trajectory_drawing import TrajectoryDrawing
from app.widgets import palette, plain
from spinect_core.geometry.view import direction_letters

SHADE = (11, 13, 16, 200)
TAGGED_WITHIN_DEGREES = 60.0
BESIDE_HEADING = 680
"""In a view that is narrower, the letter at the top stands below the heading and not beside it."""


class Overlay(QWidget):
    """A clear sheet over the viewport, drawn in the scale of the frame below it."""

    def __init__(
        self,
        viewport: Viewport,
        model: CaseModel,
        tool: ViewportMeasuring,
        drawing: TrajectoryDrawing,
        trajectories: Trajectories,
        ongoing: Ongoing,
    ) -> None:
        super().__init__(viewport)
        self._drawing, self._trajectories, self._ongoing = drawing, trajectories, ongoing
        ongoing.changed.connect(self._on_job)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._viewport, self._model, self._tool = viewport, model, tool
        self._painted, self._hint = viewport.drawn, ("", "")
        self.with_numbers = True
        viewport.camera_changed.connect(self._on_camera)
        # Queued, because Qt may paint this sheet in the same pass, after the frame.
        viewport.rendered.connect(self._on_rendered, Qt.ConnectionType.QueuedConnection)
        for signal in (
            model.measurements_changed,
            model.selection_changed,
            model.cursor_moved,
            model.view_changed,
            model.labels_changed,
            tool.measuring.changed,
            trajectories.chosen_changed,
            trajectories.changed,
        ):
            signal.connect(self.update)
        self._on_camera()

    def _on_camera(self) -> None:
        self.setGeometry(self._viewport.rect())
        self.update()

    def _on_job(self) -> None:
        if self.hint != self._hint:
            self.update()

    def _on_rendered(self) -> None:
        if self._painted is not self._viewport.drawn:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw everything anew from the model."""
        self._painted, self._hint = self._viewport.drawn, self.hint
        if self._model.case is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._model.case.surfaces is not None:
            self._draw_cross(painter)
        self._drawing.on_picture(painter, self._viewport)
        seen = () if self._tool.measuring.blind else self._model.measurements
        for measurement in seen:
            if measurement.key != self._model.selected and not self._behind_trajectory(measurement):
                self._draw_measurement(painter, measurement)
        selected = self._model.find(self._model.selected)
        if selected is not None and selected in seen:
            self._draw_measurement(painter, selected)
        self._draw_pending(painter)
        if self._model.case.surfaces is None:
            self._draw_empty(painter)
        self._draw_letters(painter)
        self._draw_readout(painter)
        self._draw_scale(painter)
        painter.end()

    # --------------------------------------------------------------------------------------------- measurements

    def _behind_trajectory(self, measurement: Measurement) -> bool:
        """Whether a triangle would only hide it: one of the program's own, while one looks at a trajectory."""
        return self._trajectories.current is not None and measurement.automatic

    def _draw_measurement(self, painter: QPainter, measurement: Measurement) -> None:
        drawn = self._tool.measuring.preview(measurement)
        if not shown_in_3d(drawn):
            return
        corners = [QPointF(*xy) for xy in self._viewport.drawn.to_screen(drawn.vertices)]
        chosen = measurement.key == self._model.selected
        colour, hot = measured.colour_of(drawn), self._tool.hot
        number = hot[1] if hot is not None and hot[0] == measurement.key else None
        measured.draw(painter, corners, drawn.kind, colour, chosen=chosen, hot=number)
        if not self.with_numbers or (not chosen and self._trajectories.current is not None):
            return  # a trajectory is looked at: other numbers would only distract
        if not chosen and drawn.view.angle_to(self._model.view) > TAGGED_WITHIN_DEGREES:
            return  # meant to be seen from elsewhere: its numbers would only distract
        lines = measured.lines_in_3d(drawn, self._model.view, chosen=chosen)
        beside = measured.place_of(drawn.kind, corners)
        measured.draw_tag(painter, self.font(), beside, lines, colour, self.rect(), chosen=chosen)

    def _draw_pending(self, painter: QPainter) -> None:
        measuring = self._tool.measuring
        if measuring.drawing:
            self._draw_hint(painter, measuring.hint)
            places = self._tool.pending_on_screen()
            measured.draw_pending(painter, self.font(), places, measuring, self.rect())

    @property
    def hint(self) -> tuple[str, str]:
        """Title and text where there are no surfaces; empty where there are."""
        case = self._model.case
        return ("", "") if case is None or case.surfaces is not None else no_surfaces(case, self._ongoing)

    def _draw_empty(self, painter: QPainter) -> None:
        title, text = self._hint
        box = QRectF(16, self.height() / 2 - 60, self.width() - 32, 30)
        font = QFont(self.font())
        font.setPixelSize(17)
        painter.setFont(font)
        painter.setPen(QColor(palette.MUTED))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, plain.line(title))
        font.setPixelSize(13)
        painter.setFont(font)
        top = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(box.translated(0, 34).adjusted(0, 0, 0, 90), top, plain.line(text))

    def _draw_hint(self, painter: QPainter, text: str) -> None:
        font = QFont(self.font())
        font.setPixelSize(13)
        painter.setFont(font)
        centred = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        room = QRectF(0, 0, max(self.width() - 44, 60), self.height())
        words = painter.boundingRect(room, centred, text)
        width, height = words.width() + 28, words.height() + 14
        box = QRectF((self.width() - width) / 2, self.height() - 34 - height, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(11, 13, 16, 220))
        painter.drawRoundedRect(box, 15, 15)
        painter.setPen(QColor(palette.MEASURED_COLOURS[self._tool.measuring.kind]))
        painter.drawText(box.adjusted(14, 0, -14, 0), centred, text)

    # ------------------------------------------------------------------------------------------------- furniture

    def _draw_cross(self, painter: QPainter) -> None:
        x, y = self._viewport.drawn.to_screen(self._model.cursor)
        for colour, width in ((QColor(0, 0, 0, 160), 3.0), (QColor(palette.ACCENT), 1.2)):
            painter.setPen(QPen(colour, width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, y), 6, 6)
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                painter.drawLine(QPointF(x + 6 * dx, y + 6 * dy), QPointF(x + 12 * dx, y + 12 * dy))

    def _draw_letters(self, painter: QPainter) -> None:
        view = self._viewport.drawn.view
        width, height = self.width(), self.height()
        top = 6 if width > BESIDE_HEADING else 56
        painter.setFont(self._font(17, bold=True))
        centre = Qt.AlignmentFlag.AlignCenter
        for box, direction in (
            (QRectF(width - 44, height / 2 - 15, 40, 30), view.right),
            (QRectF(4, height / 2 - 15, 40, 30), -view.right),
            (QRectF(width / 2 - 20, top, 40, 30), view.up),
            (QRectF(width / 2 - 20, height - 32, 40, 30), -view.up),
        ):
            _write(painter, box, direction_letters(direction), palette.TEXT, centre)

    def _draw_readout(self, painter: QPainter) -> None:
        view = self._viewport.drawn.view
        words = view.format(1)
        lines = (
            (self._font(16, bold=True), words[:1].upper() + words[1:], QRectF(16, 10, self.width() - 28, 24)),
            (
                self._font(12),
                f"C-arm, detector at the viewer: {view.c_arm}",
                QRectF(16, 34, self.width() - 28, 18),
            ),
        )
        shown = []
        for font, text, box in lines:
            metrics = QFontMetricsF(font)
            shown.append(metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width()))
            box.setWidth(min(metrics.horizontalAdvance(shown[-1]) + 2, box.width()))
        _lay_plate(painter, lines[0][2].united(lines[1][2]).adjusted(-8, -2, 8, 4))
        for (font, _, box), text in zip(lines, shown, strict=True):
            painter.setFont(font)
            _write(painter, box, text, palette.TEXT)

    def _draw_scale(self, painter: QPainter) -> None:
        mm = scale_length(self._viewport.drawn.mm_per_pixel, self.width())
        length = mm / self._viewport.drawn.mm_per_pixel
        x, y = 18.0, self.height() - 20.0
        _lay_plate(painter, QRectF(x - 8, y - 28, max(length, 60) + 16, 38))
        for colour, width in ((QColor(*SHADE), 5), (QColor(palette.TEXT), 2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x, y), QPointF(x + length, y))
            for end in (x, x + length):
                painter.drawLine(QPointF(end, y - 5), QPointF(end, y + 5))
        painter.setFont(self._font(12))
        _write(painter, QRectF(x, y - 26, max(length, 80), 18), f"{mm:g} mm", palette.TEXT)

    def _font(self, pixels: int, bold: bool = False) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(pixels)
        font.setBold(bold)
        return font


def _lay_plate(painter: QPainter, box: QRectF) -> None:
    """Darken what lies behind words, so that they read on any bone."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(11, 13, 16, 130))
    painter.drawRoundedRect(box, 6, 6)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _write(
    painter: QPainter,
    box: QRectF,
    text: str,
    colour: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
) -> None:
    """Text with a dark rim, so that it reads on bone too."""
    painter.setPen(QColor(*SHADE))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
        painter.drawText(box.translated(dx, dy), align, text)
    painter.setPen(QColor(colour))
    painter.drawText(box, align, text)


def scale_length(mm_per_pixel: float, width: float) -> float:
    """The round number of mm (1, 2 or 5 times a power of ten) nearest below a sixth of the picture's width."""
    room = max(width / 6, 40) * mm_per_pixel
    power = 10.0 ** np.floor(np.log10(room))
    return float(next(step for step in (5 * power, 2 * power, power) if step <= room))
