"""Simulated fluoroscopy beside the 3D view: the picture with needle, triangle and Scotty dog, and its C-arm."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.model.fluoroscopy import FIELDS_MM, Fluoroscopy, Stand, Taken
from app.widgets import palette, plain
from app.widgets.parts import give_margin
from spinect_core.base.words import DetectorSide
from spinect_core.geometry.exposure import Exposure

DETECTORS = {DetectorSide.AT_VIEWER: "At viewer", DetectorSide.OPPOSITE: "Opposite"}
STANDS = {
    Stand.VIEW: ("In view", "The C-arm follows the 3D view"),
    Stand.BEHIND: (
        "From behind",
        "The C-arm stays behind the patient (posteroanterior): the tip beside the pedicle",
    ),
    Stand.SIDE: ("From the side", "The C-arm stays at the needle's side (lateral): the tip in the foramen"),
}
SOURCE_MM = (450.0, 900.0)
NAMED_FROM = 300.0
"""Logical pixels of the picture's edge below which the parts of the dog are not named."""
SIMULATED = "Simulated from the CT"


class FluoroscopyView(QWidget):
    """The picture, as large as the view lets it, below a row with what can be set.

    Args:
        fluoroscopy: takes the pictures.
    """

    def __init__(self, fluoroscopy: Fluoroscopy, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fluoroscopy = fluoroscopy
        self.picture = FluoroscopyPicture(fluoroscopy)
        self.detector = QComboBox()
        self.detector.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.detector.setMinimumContentsLength(5)
        for detector, words in DETECTORS.items():
            self.detector.addItem(words, detector.value)
        self.detector.setAccessibleName("Place of the detector")
        self.detector.setToolTip(
            "Where the detector is; the X-ray source is across from it, and what lies nearer to the source is larger. "
            "Left stays left"
        )
        self.detector.activated.connect(self._on_detector)
        self.source = QDoubleSpinBox()
        self.source.setRange(*SOURCE_MM)
        self.source.setDecimals(0)
        self.source.setSingleStep(10)
        self.source.setSuffix(" mm")
        self.source.setKeyboardTracking(False)
        self.source.setAccessibleName("Distance from X-ray source to target")
        give_margin(self.source)
        self.source.valueChanged.connect(fluoroscopy.set_source)
        self.field = QComboBox()
        for mm in FIELDS_MM:
            self.field.addItem(f"{mm / 10:.0f} cm", mm)
        self.field.setAccessibleName("Field of the detector")
        self.field.setToolTip("Edge of the detector's field")
        self.field.activated.connect(self._on_field)
        self.bright = QCheckBox("Film")
        self.bright.setToolTip("Bone bright as on a film, instead of dark as on a fluoroscope")
        self.bright.toggled.connect(fluoroscopy.set_bright_bone)
        for widget, width in ((self.detector, 98), (self.source, 82), (self.field, 78)):
            # What they ask for themselves would make the window wider than a small screen.
            widget.setMinimumWidth(width)
        self.stands = {stand: QToolButton() for stand in STANDS}
        self._stand_group = QButtonGroup(self)
        places = QHBoxLayout()
        places.setContentsMargins(6, 0, 6, 4)
        places.setSpacing(4)
        for stand, button in self.stands.items():
            words, tip = STANDS[stand]
            button.setText(words)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.clicked.connect(lambda _on=True, stand=stand: fluoroscopy.set_stand(stand))
            self._stand_group.addButton(button)
            places.addWidget(button)
        places.addStretch(1)
        row = QHBoxLayout()
        row.setContentsMargins(6, 0, 6, 4)
        row.setSpacing(4)
        row.addWidget(self.detector, 3)
        row.addWidget(self.source, 2)
        row.addWidget(self.field)
        row.addWidget(self.bright)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(places)
        column.addLayout(row)
        column.addWidget(self.picture, 1)
        fluoroscopy.changed.connect(self._show)
        self._show()

    def _on_detector(self) -> None:
        self._fluoroscopy.set_detector(DetectorSide(self.detector.currentData()))

    def _on_field(self) -> None:
        self._fluoroscopy.set_field(float(self.field.currentData()))

    def _show(self) -> None:
        device = self._fluoroscopy.device
        for widget in (self.detector, self.source, self.field, self.bright):
            widget.blockSignals(True)
        self.detector.setCurrentIndex(self.detector.findData(device.detector.value))
        self.source.setValue(device.source_to_target_mm)
        self.field.setCurrentIndex(FIELDS_MM.index(device.detector_mm))
        self.bright.setChecked(self._fluoroscopy.bright_bone)
        self.stands[self._fluoroscopy.stand].setChecked(True)
        for widget in (self.detector, self.source, self.field, self.bright):
            widget.blockSignals(False)
        self.source.setToolTip(
            f"From X-ray source to target; {device.source_to_detector_mm:.0f} mm to the detector magnify the target "
            f"{device.magnification:.2f} times"
        )


class FluoroscopyPicture(QWidget):
    """The picture with what is drawn on it, in the scale of the exposure that was taken.

    Args:
        fluoroscopy: takes it.
    """

    def __init__(self, fluoroscopy: Fluoroscopy, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fluoroscopy = fluoroscopy
        self._image: tuple[Taken, QImage] | None = None
        self.setMinimumSize(200, 180)
        self.setAccessibleName("Simulated fluoroscopy")
        fluoroscopy.taken.connect(self.update)
        fluoroscopy.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As large as the picture that is taken."""
        return QSize(512, 512)

    @property
    def message(self) -> str:
        """Why there is no picture; empty if there is one."""
        state = self._fluoroscopy
        if state.without_ct:
            return "The CT of this plan is not open"
        if state.fault:
            return state.fault
        return "" if state.picture is not None else "Computing the first picture…"

    def box(self) -> QRectF:
        """Where the picture lies in the widget."""
        edge = float(min(self.width(), self.height()))
        return QRectF((self.width() - edge) / 2, (self.height() - edge) / 2, edge, edge)

    def to_screen(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Logical pixels (..., 2) of LPS mm points (..., 3) on the picture that is shown."""
        taken = self._fluoroscopy.picture
        if taken is None:
            raise RuntimeError("no picture was taken")
        return self._placed(taken.exposure, taken.exposure.to_pixels(points))

    def _placed(self, exposure: Exposure, pixels: npt.ArrayLike) -> npt.NDArray[np.float64]:
        box = self.box()
        scale = box.width() / exposure.fluoroscope.pixels
        return np.asarray(np.asarray(pixels) * scale + (box.left(), box.top()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture, then what is known of the patient, then how it was taken."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(palette.BLACK))
        taken = self._fluoroscopy.picture
        if self.message or taken is None:
            painter.setPen(QColor(palette.WARNING if self._fluoroscopy.fault else palette.MUTED))
            wrapped = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 16, -16, -16), wrapped, plain.shown(self.message))
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawImage(self.box(), self._picture(taken))
        painter.setClipRect(self.box())
        self._draw_dog(painter, taken)
        self._draw_triangle(painter)
        self._draw_needle(painter)
        self._draw_text(painter, taken)
        painter.end()

    def _picture(self, taken: Taken) -> QImage:
        if self._image is None or self._image[0] is not taken:
            rows, columns = taken.grey.shape
            grey = np.ascontiguousarray(taken.grey)
            image = QImage(grey.data, columns, rows, grey.strides[0], QImage.Format.Format_Grayscale8)
            # the copy lets the array go
            self._image = (taken, image.copy())
        return self._image[1]

    def _draw_dog(self, painter: QPainter, taken: Taken) -> None:
        for line in taken.outline:
            _stroke(painter, self._placed(taken.exposure, line), palette.DOG, 1.6)
        if self.box().width() < NAMED_FROM:
            return
        painter.setFont(self._font(11))
        for words, at in taken.names:
            x, y = self._placed(taken.exposure, at)
            box = QRectF(x - 50, y - 8, 100, 16)
            _write(painter, box, words, palette.DOG, Qt.AlignmentFlag.AlignCenter)

    def _draw_triangle(self, painter: QPainter) -> None:
        triangle = self._fluoroscopy.triangle
        if triangle is None:
            return
        corners = self.to_screen(triangle.vertices)
        colour = QColor(palette.KIND_COLOURS[triangle.kind])
        fill = QColor(colour)
        fill.setAlpha(45)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        _stroke(painter, np.vstack([corners, corners[:1]]), colour, 1.6)

    def _draw_needle(self, painter: QPainter) -> None:
        """The shaft, a ring at the skin, a dot at the tip; down the needle all are one point."""
        needle = self._fluoroscopy.needle
        if needle is None:
            return
        ends = self.to_screen(np.array([needle.entry, needle.target]))
        colour = QColor(palette.KIND_COLOURS[needle.kind])
        _stroke(painter, ends, colour, 2.2)
        (x0, y0), (x1, y1) = ends.tolist()
        for radius, ink, width in ((6.5, QColor(0, 0, 0, 170), 3.4), (6.5, colour, 1.6)):
            painter.setPen(QPen(ink, width))
            painter.drawEllipse(QPointF(x0, y0), radius, radius)
        painter.setPen(QPen(QColor(0, 0, 0, 170), 1))
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(x1, y1), 3.4, 3.4)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_text(self, painter: QPainter, taken: Taken) -> None:
        box, exposure = self.box(), taken.exposure
        left, right, top, bottom = exposure.letters
        painter.setFont(self._font(15, bold=True))
        centre = Qt.AlignmentFlag.AlignCenter
        for place, letters in (
            (QRectF(box.left() + 2, box.center().y() - 12, 28, 24), left),
            (QRectF(box.right() - 30, box.center().y() - 12, 28, 24), right),
            (QRectF(box.center().x() - 16, box.top() + 2, 32, 22), top),
            (QRectF(box.center().x() - 16, box.bottom() - 40, 32, 22), bottom),
        ):
            _write(painter, place, letters, palette.TEXT, centre)
        painter.setFont(self._font(11))
        inner = box.adjusted(7, 5, -7, -5)
        above = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        tip = self._fluoroscopy.tip_words if exposure.view == self._fluoroscopy.view else ""
        head = f"C-arm {exposure.c_arm}" + (f"\n{tip}" if tip else "")
        _write(painter, inner, head, palette.TEXT, above | Qt.TextFlag.TextWordWrap)
        below = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
        told = SIMULATED + (" · hatched: beyond it" if taken.cut else "")
        if taken.told:
            told = f"{taken.told[0].upper()}{taken.told[1:]}\n{told}"
        _write(painter, inner, told, palette.TEXT, below | Qt.TextFlag.TextWordWrap)
        self._draw_scale(painter, exposure, box)

    def _draw_scale(self, painter: QPainter, exposure: Exposure, box: QRectF) -> None:
        """A bar that is as long as it says at the depth of the target."""
        pixels = box.width() / exposure.fluoroscope.field_mm
        mm = next(each for each in (50, 20, 10, 5, 2, 1) if each * pixels <= box.width() / 4 or each == 1)
        right, y = box.right() - 9, box.bottom() - 9
        bar = np.array([[right - mm * pixels, y], [right, y]])
        _stroke(painter, bar, palette.TEXT, 1.6)
        place = QRectF(right - 90, y - 20, 90, 16)
        _write(
            painter,
            place,
            f"{mm} mm",
            palette.TEXT,
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom,
        )

    def _font(self, pixels: int, bold: bool = False) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(pixels)
        font.setBold(bold)
        return font


def _stroke(painter: QPainter, points: npt.NDArray[np.float64], colour: str | QColor, width: float) -> None:
    """A line with a dark rim, legible on dark and on bright bone."""
    line = QPolygonF([QPointF(x, y) for x, y in points])
    for ink, wide in ((QColor(0, 0, 0, 170), width + 1.8), (QColor(colour), width)):
        painter.setPen(
            QPen(ink, wide, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        )
        painter.drawPolyline(line)


def _write(painter: QPainter, box: QRectF, text: str, colour: str, align: Qt.AlignmentFlag) -> None:
    """Text with a dark rim."""
    painter.setPen(QColor(11, 13, 16, 220))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
        painter.drawText(box.translated(dx, dy), align, text)
    painter.setPen(QColor(colour))
    painter.drawText(box, align, text)
