"""The angle map of a zone: how wide its window is along every line of sight; click or drag in it to turn there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.model.case_model import CaseModel
from app.model.dragging import Dragging, End
from app.model.hints import no_trajectory
from app.model.ongoing import Ongoing
from app.model.trajectories import Trajectories
from app.widgets import palette, plain
from spinect_core.base.words import Rule, Side
from spinect_core.geometry.view import View
from spinect_core.image.warning import any_grave
from spinect_core.plan.records import NeedleRecord, SearchRecord
from spinect_core.plan.rule_wording import TITLES as RULE_TITLES
from spinect_core.plan.wording import REASONS, key_of_needle
from spinect_core.planning.rules import RULE_COLOURS, VIEW_RULES
from spinect_core.planning.search.angle_map import OBLIQUE_DEGREES, TILT_DEGREES, AngleMap
from spinect_core.planning.search.map_csv import AREA_DIGITS
from spinect_core.planning.search.weights import Reason

SHADES = ("#1c2f5e", "#23588c", "#23868b", "#3cb371", "#a8d24a", "#ffe45c")
"""From nothing open to the largest window of the map; lighter is larger, for every kind of colour vision."""
SHUT = {Reason.BONE: "#4a4740", Reason.NERVE: "#54461c", Reason.BONE_AND_NERVE: "#4d4630"}
SHUT_ELSE = "#353c45"
LEFT, TOP, RIGHT, BOTTOM = 50, 8, 44, 32
NEEDLE_REACH = 8.0
"""Logical pixels within which the mark of the needle is caught."""
LEGEND_TEXT, LEGEND_LINE, LOWEST_MAP = 10, 14, 190
"""Logical pixels: letters and lines of the legend, and the height of the panel from which on there is room for it."""


class AngleMapPanel(QWidget):
    """Oblique angles across, as the patient is seen from behind; tilts upwards."""

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        dragging: Dragging,
        ongoing: Ongoing,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._trajectories, self._ongoing = model, trajectories, ongoing
        self._dragging, self._turning = dragging, False
        self._hint = ""
        self._cells: tuple[AngleMap, QSize, QPixmap] | None = None
        self._painted_in: QRectF | None = None
        self.setMinimumSize(190, 130)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Angle map")
        trajectories.chosen_changed.connect(self.update)
        trajectories.changed.connect(self.update)
        trajectories.live_changed.connect(self.update)
        for signal in (
            model.view_changed,
            model.case_opened,
            model.surfaces_changed,
            model.warnings_changed,
        ):
            signal.connect(self.update)
        ongoing.changed.connect(self._on_job)

    @property
    def chart(self) -> AngleMap | None:
        """What is shown; None where it was neither computed in this session nor kept in the opened document."""
        return self._trajectories.chart(self._trajectories.current)

    @property
    def box(self) -> QRectF:
        """Where the map lies in the widget."""
        if self._painted_in is not None:
            return self._painted_in
        under = BOTTOM + self._legend_height()
        return QRectF(LEFT, TOP, max(self.width() - LEFT - RIGHT, 10), max(self.height() - TOP - under, 10))

    def _legend_height(self) -> float:
        """Of the lines that name the rules; none where the panel is too low for them."""
        chart = self.chart
        count = 0 if chart is None else len(refusing(chart))
        lines = min(-(-count // 2), max((self.height() - LOWEST_MAP) // LEGEND_LINE, 0))
        return float(LEGEND_LINE * lines)

    def place(self, oblique: float, tilt: float) -> QPointF:
        """Where a line of sight lies, in logical pixels."""
        box = self.box
        part = oblique / OBLIQUE_DEGREES[1]
        across = 1 - part if self._side == Side.LEFT else part
        down = (TILT_DEGREES[1] - tilt) / (TILT_DEGREES[1] - TILT_DEGREES[0])
        return QPointF(box.left() + across * box.width(), box.top() + down * box.height())

    def angles(self, position: QPointF) -> tuple[float, float]:
        """Oblique and tilt under a position, whole degrees, kept within the map."""
        box = self.box
        across = (position.x() - box.left()) / box.width()
        part = 1 - across if self._side == Side.LEFT else across
        tilt = TILT_DEGREES[1] - (position.y() - box.top()) / box.height() * (
            TILT_DEGREES[1] - TILT_DEGREES[0]
        )
        return (
            float(np.clip(round(part * OBLIQUE_DEGREES[1]), *OBLIQUE_DEGREES)),
            float(np.clip(round(tilt), *TILT_DEGREES)),
        )

    def words_at(self, oblique: float, tilt: float) -> str:
        """View, area and circle of the map's view nearest to a place, or why it is not allowed."""
        chart = self.chart
        if chart is None:
            return ""
        a = int(np.abs(chart.obliques - oblique).argmin())
        b = int(np.abs(chart.tilts - tilt).argmin())
        index = a * len(chart.tilts) + b
        reason = Reason(int(chart.looks.reason[index]))
        view = chart.view(index).words
        if reason != Reason.ALLOWED:
            return f"{view}\n{REASONS[reason]}"
        area, radius = chart.looks.area_mm2[index], chart.looks.radius_mm[index]
        rule = chart.rule(index)
        organ = chart.organ(index)
        refused = "" if rule is None else f"\nNot recommended: {RULE_TITLES[rule]}"
        refused += f" ({organ})" if organ else ""
        return f"{view}\n{area:.1f} mm² open, circle {2 * radius:.1f} mm{refused}"

    @property
    def _side(self) -> str:
        trajectory = self._trajectories.current
        return "left" if trajectory is None else trajectory.side

    def _oblique(self, view: View) -> float:
        return view.azimuth if self._side == Side.LEFT else -view.azimuth

    def _place_of(self, view: View) -> QPointF:
        return self.place(self._oblique(view), view.elevation)

    # ------------------------------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The map, its marks and its axes."""
        self._hint = self.hint
        self._painted_in = self.box  # else it is worked out for every mark
        try:
            self._paint()
        finally:
            self._painted_in = None

    def _paint(self) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(palette.room().panel))
        chart, found = self.chart, self._trajectories.search(self._trajectories.current)
        if chart is None or found is None:
            self._draw_nothing(painter)
        else:
            size = self.box.size().toSize()
            if self._cells is None or self._cells[0] is not chart or self._cells[1] != size:
                self._cells = (chart, size, cells(chart, size))
            painter.drawPixmap(self.box.topLeft(), self._cells[2])
            self._draw_axes(painter)
            self._draw_scale(painter, chart)
            self._draw_legend(painter, chart)
            self._draw_marks(painter, found)
            self._draw_needle(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(palette.room().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.box)
        painter.end()

    def _on_job(self) -> None:
        if self.hint != self._hint:
            self.update()

    @property
    def hint(self) -> str:
        """What is written in place of the map."""
        chosen = self._trajectories.current is not None
        return no_trajectory(self._model.case, len(self._trajectories.rows), chosen, self._ongoing)

    def _draw_nothing(self, painter: QPainter) -> None:
        painter.setPen(QColor(palette.room().muted))
        wraps = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect(), wraps, self._hint)

    def _draw_axes(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        box, centre = self.box, Qt.AlignmentFlag.AlignCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(palette.room().muted))
        for oblique in (0, 15, 30, 45, 60):
            x = self.place(oblique, 0).x()
            painter.drawText(QRectF(x - 20, box.bottom() + 2, 40, 13), centre, f"{oblique}°")
        for tilt in (-40, -20, 0, 20, 40):
            y = self.place(0, tilt).y()
            top = min(max(y - 7, box.top() - 3), box.bottom() - 11)
            painter.drawText(QRectF(0, top, LEFT - 4, 14), right, f"{abs(tilt)}°")
            word = {20: "cranial", -20: "caudal"}.get(tilt)
            if word is not None:
                painter.drawText(QRectF(0, top + 12, LEFT - 4, 14), right, word)
        words = f"oblique to the {self._side}"
        painter.drawText(QRectF(box.left() - 20, box.bottom() + 15, box.width() + 40, 14), centre, words)

    def _draw_scale(self, painter: QPainter, chart: AngleMap) -> None:
        box = self.box
        if not chart.looks.allowed.any():
            return
        top = float(chart.looks.area_mm2[chart.looks.allowed].max())
        x, height = box.right() + 6, box.height()
        for row, colour in enumerate(_shades(1 - np.arange(int(height)) / height).tolist()):
            painter.fillRect(QRectF(x, box.top() + row, 7, 1.2), QColor(*colour))
        painter.setPen(QColor(palette.room().muted))
        left = Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRectF(x + 9, box.top() - 2, 40, 14), left, f"{top:.0f}")
        painter.drawText(QRectF(x + 9, box.top() + 9, 40, 14), left, "mm²")
        painter.drawText(QRectF(x + 9, box.bottom() - 11, 40, 14), left, "0")

    def _draw_legend(self, painter: QPainter, chart: AngleMap) -> None:
        """The rules that refuse views, each in its colour, below the map; as many as there is room for."""
        font = QFont(self.font())
        font.setPixelSize(LEGEND_TEXT)
        painter.setFont(font)
        metrics, left = QFontMetrics(font), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        for rule, place in self.legend(chart, metrics):
            painter.fillRect(QRectF(place.left(), place.top() + 3, 8, 8), QColor(*RULE_COLOURS[rule]))
            painter.setPen(QColor(palette.room().muted))
            painter.drawText(place.adjusted(11, 0, 0, 0), left, _told(chart, rule))

    def legend(self, chart: AngleMap, metrics: QFontMetrics) -> list[tuple[Rule, QRectF]]:
        """The rules that refuse views of a map and where they stand below it, those of the most views first."""
        places: list[tuple[Rule, QRectF]] = []
        x, y = 4.0, self.box.bottom() + BOTTOM
        for rule in refusing(chart):
            width = 11.0 + metrics.horizontalAdvance(_told(chart, rule)) + 8.0
            if x > 4.0 and x + width > self.width():
                x, y = 4.0, y + LEGEND_LINE
            if y + LEGEND_LINE > self.height():
                break
            places.append((rule, QRectF(x, y, width, LEGEND_LINE)))
            x += width
        return places

    def _draw_marks(self, painter: QPainter, found: SearchRecord) -> None:
        dark = QPen(QColor(0, 0, 0, 200), 1.2)
        if found.chosen is not None:
            painter.setPen(QPen(QColor(0, 0, 0, 160), 0.8))
            painter.setBrush(QColor(palette.NEEDLE))
            for trade in found.chosen.trades:
                painter.drawEllipse(self._place_of(trade.view), 2.0, 2.0)
        for choice in found.alternatives:
            painter.setPen(QPen(QColor(palette.NEEDLE), 1.6))
            painter.setBrush(QColor(0, 0, 0, 90))
            painter.drawEllipse(self._place_of(choice.view), 3.6, 3.6)
        painter.setPen(dark)
        if found.best is not None:
            at = self._place_of(found.best.view)
            painter.setBrush(QColor(palette.BEST))
            painter.drawPolygon(
                QPolygonF([at + QPointF(x, y) for x, y in ((0, -6), (6, 0), (0, 6), (-6, 0))])
            )
        if found.recommended is not None:
            self._draw_recommended(painter, self._place_of(found.recommended.view))
        view = self._model.view
        if (
            OBLIQUE_DEGREES[0] <= self._oblique(view) <= OBLIQUE_DEGREES[1]
            and abs(view.elevation) <= TILT_DEGREES[1]
        ):
            at = self._place_of(view)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((QColor(0, 0, 0, 190), 3.0), (QColor(palette.NEEDLE), 1.3)):
                painter.setPen(QPen(colour, width))
                painter.drawEllipse(at, 7, 7)
                for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                    painter.drawLine(at + QPointF(7 * dx, 7 * dy), at + QPointF(11 * dx, 11 * dy))

    def _draw_needle(self, painter: QPainter) -> None:
        """The directions of the needles to this triangle, in their colours; the large one can be dragged."""
        current, place = self._trajectories.current, self.needle_place
        if current is None:
            return
        mine = [each for each in self._trajectories.beside if key_of_needle(each) == current.zone_key]
        marks = [(self._place_in(each), each.colour, 3.0) for each in mine]
        if current.needle is not None:
            marks.append((place, current.needle.colour, 5.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for at, name, half in marks:
            for colour, more in ((QColor(0, 0, 0, 200), 1.6), (QColor(palette.NEEDLE_COLOURS[name]), 0.0)):
                if at is not None:
                    painter.setPen(QPen(colour, 1.8 + more))
                    painter.drawRect(QRectF(at - QPointF(half, half), at + QPointF(half, half)))

    def _draw_recommended(self, painter: QPainter, at: QPointF) -> None:
        """A full dot; an empty ring where the CT was read with reservations, and so nothing is recommended without."""
        case = self._model.case
        if case is None or not any_grave(case.warnings):
            painter.setBrush(QColor(palette.RECOMMENDED))
            painter.drawEllipse(at, 4, 4)
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 200), 3.0), (QColor(palette.RECOMMENDED), 1.4)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(at, 4, 4)

    # -------------------------------------------------------------------------------------------- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Turn there; on the mark of the needle, or with Ctrl, the needle is turned instead."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if self.needle_place is not None and (ctrl or self._on_needle(event.position())):
            self._turning = self._dragging.begin(End.DIRECTION)
            if ctrl:
                self._turn_needle(event.position())
        else:
            self._turn_to(event.position())

    @property
    def needle_place(self) -> QPointF | None:
        """Where the direction of the needle that is looked at lies; None without one, or beyond the map."""
        current = self._trajectories.current
        if self.chart is None or current is None or current.needle is None:
            return None
        return self._place_in(current.needle)

    def _place_in(self, record: NeedleRecord) -> QPointF | None:
        """Where the direction of a needle lies; None beyond the map."""
        view = record.needle.view
        within = OBLIQUE_DEGREES[0] <= self._oblique(view) <= OBLIQUE_DEGREES[1]
        return self._place_of(view) if within and abs(view.elevation) <= TILT_DEGREES[1] else None

    def _on_needle(self, position: QPointF) -> bool:
        place = self.needle_place
        return place is not None and (position - place).manhattanLength() <= NEEDLE_REACH

    def _turn_needle(self, position: QPointF) -> None:
        if self._turning:
            self._dragging.turn(View.oblique(self._side, *self.angles(position)).vector)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the needle go."""
        if self._turning and event.button() == Qt.MouseButton.LeftButton:
            self._turning = False
            self._dragging.end_drag()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show what is there; turn while the button is down."""
        if self._turning:
            self._turn_needle(event.position())
        elif event.buttons() & Qt.MouseButton.LeftButton:
            self._turn_to(event.position())
        elif self.box.contains(event.position()):
            words = self.words_at(*self.angles(event.position()))
            QToolTip.showText(event.globalPosition().toPoint(), plain.tip(words), self)

    def _turn_to(self, position: QPointF) -> None:
        if self.chart is not None:
            self._model.set_view(View.oblique(self._side, *self.angles(position)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys turn by one degree, with Shift by ten, as they point on the map."""
        step = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        turns = {
            Qt.Key.Key_Left: (step, 0.0),
            Qt.Key.Key_Right: (-step, 0.0),
            Qt.Key.Key_Up: (0.0, step),
            Qt.Key.Key_Down: (0.0, -step),
        }
        turn = turns.get(Qt.Key(event.key()))
        if turn is None or self.chart is None:
            event.ignore()
            return
        self._model.set_view(self._model.view.turned(*turn))

    def focusInEvent(self, event: QEvent) -> None:
        """Show the frame."""
        self.update()

    def focusOutEvent(self, event: QEvent) -> None:
        """Take the frame away."""
        self.update()


def _shades(parts: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """The colours (..., 3) of parts (...), 0 to 1, of the largest window."""
    stops = np.array([_rgb(each) for each in SHADES], dtype=np.float64)
    at = np.linspace(0, 1, len(stops))
    channels = [np.interp(parts, at, stops[:, k]) for k in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def cells(chart: AngleMap, size: QSize) -> QPixmap:
    """The map's views as coloured cells; those that are not allowed grey and hatched."""
    colours, allowed = _colours(chart)
    image = QImage(
        colours.data, colours.shape[1], colours.shape[0], colours.strides[0], QImage.Format.Format_RGB888
    )
    pixmap = QPixmap(size)
    painter = QPainter(pixmap)
    whole = QRectF(0, 0, size.width(), size.height())
    painter.drawImage(whole, image)
    hatch = QBrush(QColor(255, 255, 255, 34), Qt.BrushStyle.BDiagPattern)
    high, wide = size.height() / allowed.shape[0], size.width() / allowed.shape[1]
    for row, first, stop in _runs(~allowed):
        painter.fillRect(QRectF(first * wide, row * high, (stop - first) * wide, high), hatch)
    painter.end()
    return pixmap


def _colours(chart: AngleMap) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """RGB [row, column, 3] of every view as it lies on the map, and whether it is allowed."""
    reason = np.asarray(chart.grid(chart.looks.reason)).T[::-1]
    # As a document keeps them, so that a map that was kept has the same colours.
    area = np.round(chart.area_mm2, AREA_DIGITS).T[::-1]
    if chart.side == Side.LEFT:
        reason, area = reason[:, ::-1], area[:, ::-1]
    allowed = reason == Reason.ALLOWED
    top = float(area[allowed].max()) if allowed.any() else 1.0
    colours = np.empty((*reason.shape, 3), np.uint8)
    colours[:] = _rgb(SHUT_ELSE)
    for shut, colour in SHUT.items():
        colours[reason == shut] = _rgb(colour)
    colours[allowed] = _shades(np.asarray(area[allowed] / top, dtype=np.float64))
    if chart.refused is not None:
        refused = np.asarray(chart.grid(chart.refused)).T[::-1]
        refused = refused[:, ::-1] if chart.side == Side.LEFT else refused
        for number, rule in enumerate(VIEW_RULES, start=1):
            mine = allowed & (refused == number)
            # How wide the window is still shows through.
            colours[mine] = np.rint(0.35 * colours[mine] + 0.65 * np.array(RULE_COLOURS[rule]))
    return np.ascontiguousarray(colours), allowed


def _told(chart: AngleMap, rule: Rule) -> str:
    """A rule that refuses views, with the organs for which it does."""
    organs = ", ".join(chart.organs_of(rule))
    return f"{RULE_TITLES[rule]} ({organs})" if organs else RULE_TITLES[rule]


def refusing(chart: AngleMap) -> list[Rule]:
    """The rules for which views of a map are not recommended, those of the most views first."""
    if chart.refused is None:
        return []
    counts = np.bincount(chart.refused, minlength=len(VIEW_RULES) + 1)[1:]
    return [VIEW_RULES[number] for number in np.argsort(-counts, kind="stable") if counts[number]]


def _runs(marked: npt.NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Row, first column and the column behind the last of every run of marked cells."""
    edges = np.diff(np.pad(marked, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, first = np.nonzero(edges == 1)
    _, stop = np.nonzero(edges == -1)
    return list(zip(rows.tolist(), first.tolist(), stop.tolist(), strict=True))


def _rgb(colour: str) -> tuple[int, int, int]:
    found = QColor(colour)
    return found.red(), found.green(), found.blue()
