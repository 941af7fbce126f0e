"""The axial, sagittal and coronal pictures with their linked cross-hair."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.model.slice_state import SliceState, Window
from app.widgets import palette
from app.widgets.menus import add_entry
from spinect_core.geometry.triangle import Triangle
from spinect_core.image.planes import PLANES, Plane, PlaneGrid
from spinect_core.image.volume import BONE, NERVE

if TYPE_CHECKING:
    from spinect_core.pictures.organ_outlines import Outlines

HU_PER_PIXEL = 2.0
TISSUES = ((BONE, "bone"), (NERVE, "nerve"))


class SliceTool(Protocol):
    """Something that may take the left button before the cross-hair does."""

    def press(self, position: QPointF) -> bool:
        """Left button down; True if the tool takes the gesture."""

    def move(self, position: QPointF, pressed: bool) -> bool:
        """Mouse moved; True if the tool uses it."""

    def release(self) -> bool:
        """Left button up."""

    def key(self, key: int) -> bool:
        """A key was pressed; True if the tool uses it."""

    def draw(self, painter: QPainter) -> None:
        """Draw over the cut."""


class SliceView(QWidget):
    """One plane.

    Attributes:
        also_draw: draws over the cut.
        tool: may take the left button before the cross-hair does.
        blind: whether no measurement is to be seen.

    Signals:
        file_wanted: the user looks for the CT of the open plan, as a file.
        folder_wanted: the same, as a folder.
    """

    file_wanted = Signal()
    folder_wanted = Signal()

    def __init__(
        self,
        plane: Plane,
        model: CaseModel,
        state: SliceState,
        appearance: Appearance,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setMinimumSize(140, 120)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plane = plane
        self._model, self._state, self._appearance = model, state, appearance
        self._zoom, self._pan = 1.0, QPointF(0, 0)
        self._drag: tuple[str, QPointF] | None = None
        self._wheel = 0.0
        self._grey: tuple[int, Window, QImage] | None = None
        self._mask: tuple[int, QImage] | None = None
        self._lines: tuple[int, dict[str, list[QLineF]]] | None = None
        self._others: tuple[int, dict[str, list[QLineF]]] | None = None
        self._organs: tuple[int, QImage, Outlines] | None = None
        self.also_draw: Callable[[QPainter, SliceView], None] | None = None
        self.tool: SliceTool | None = None
        self.blind = False
        self.locate = QPushButton("Open its CT", self)
        menu = QMenu(self.locate)
        add_entry(menu, "DICOM folder…", self.folder_wanted.emit)
        add_entry(menu, "File…", self.file_wanted.emit)
        self.locate.setMenu(menu)
        self.locate.hide()
        model.case_opened.connect(self.reset)
        model.cursor_moved.connect(self.update)
        model.labels_changed.connect(self._forget)
        model.organs_changed.connect(self._forget)
        model.measurements_changed.connect(self.update)
        model.selection_changed.connect(self.update)
        model.region_changed.connect(self.update)
        appearance.changed.connect(self._forget)
        state.changed.connect(self.update)
        state.others_changed.connect(self._forget)

    # ------------------------------------------------------------------------------------------------- geometry

    def reset(self) -> None:
        """Whole picture, new case."""
        self._zoom, self._pan = 1.0, QPointF(0, 0)
        self.locate.setVisible(self._without_ct)
        self._place_button()
        self._forget()

    @property
    def _without_ct(self) -> bool:
        return self._model.case is not None and self._model.case.volume is None

    def _place_button(self) -> None:
        self.locate.adjustSize()
        self.locate.move((self.width() - self.locate.width()) // 2, self.height() - self.locate.height() - 26)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the button in its place."""
        super().resizeEvent(event)
        self._place_button()

    def _forget(self) -> None:
        self._grey = self._mask = self._lines = self._others = self._organs = None
        self.update()

    def forget_labels(self) -> None:
        """Draw the labels anew: they are painted on."""
        self._mask = self._lines = None
        self.update()

    @property
    def position(self) -> float:
        """LPS mm of the cut along the plane's normal."""
        return float(self._model.cursor[self.plane.normal])

    @property
    def half_slice_mm(self) -> float:
        """Half the distance of two cuts: what lies nearer to one lies in it."""
        reformatter = self._state.reformatter
        return 0.5 if reformatter is None else reformatter.positions(self.plane)[1] / 2

    @property
    def cut_position(self) -> float:
        """LPS mm along the normal of the cut that is shown: the one nearest to the cross-hair."""
        position, reformatter = float(self._model.cursor[self.plane.normal]), self._state.reformatter
        if reformatter is None:
            return position
        first, step, _count = reformatter.positions(self.plane)
        return first + step * reformatter.nearest(self.plane, position)

    def placement(self) -> tuple[PlaneGrid, QRectF] | None:
        """The grid of the cut and the rectangle of the widget it fills (half a pixel beyond the outer centres)."""
        reformatter = self._state.reformatter
        if reformatter is None:
            return None
        grid = reformatter.grid(self.plane)
        width, height = grid.shape[1] * grid.pixel[0], grid.shape[0] * grid.pixel[1]
        scale = min((self.width() - 8) / width, (self.height() - 8) / height) * self._zoom
        box = QRectF(0, 0, width * scale, height * scale)
        box.moveCenter(QPointF(self.width() / 2, self.height() / 2) + self._pan)
        return grid, box

    def to_screen(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Logical pixels (..., 2) of LPS mm points (..., 3)."""
        placed = self.placement()
        if placed is None:
            raise RuntimeError("no case is open")
        grid, box = placed
        picture = (grid.to_picture(points) + 0.5) / (grid.shape[1], grid.shape[0])
        return np.asarray(picture * (box.width(), box.height()) + (box.left(), box.top()))

    def to_patient(self, position: QPointF) -> npt.NDArray[np.float64] | None:
        """LPS mm (3,) under a position, in the plane of the cross-hair."""
        placed = self.placement()
        if placed is None:
            return None
        grid, box = placed
        column = (position.x() - box.left()) / box.width() * grid.shape[1] - 0.5
        row = (position.y() - box.top()) / box.height() * grid.shape[0] - 0.5
        return grid.to_patient(column, row, float(self._model.cursor[self.plane.normal]))

    # ------------------------------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cut, the labels and the lines."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(palette.BLACK))
        placed = self.placement()
        if placed is not None:
            grid, box = placed
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            if not self._without_ct:
                painter.drawImage(box, self._grey_image())
            if self._appearance.outlines:
                self._draw_outlines(painter, grid, box)
            elif (mask := self._mask_image()) is not None:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
                painter.setOpacity(self._appearance.part("labels").opacity)
                painter.drawImage(box, mask)
                painter.setOpacity(1.0)
            self._draw_others(painter, grid, box)
            self._draw_organs(painter, box)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_region(painter)
            self._draw_triangles(painter)
            if self.tool is not None:
                self.tool.draw(painter)
            if self.also_draw is not None:
                self.also_draw(painter, self)
            self._draw_cross(painter)
            self._draw_text(painter, grid, box)
        if self._without_ct:
            place = QRectF(0, self.locate.y() - 24, self.width(), 20)
            text = "The CT of this plan is not open"
            shadowed(painter, place, Qt.AlignmentFlag.AlignCenter, text, QColor(palette.WARNING))
        painter.end()

    def _grey_image(self) -> QImage:
        case, reformatter = self._model.case, self._state.reformatter
        if case is None or case.volume is None or reformatter is None:
            return QImage()
        position = float(self._model.cursor[self.plane.normal])
        number, window = reformatter.nearest(self.plane, position), self._state.window
        if self._grey is None or self._grey[:2] != (number, window):
            picture = reformatter.cut(case.volume.array, self.plane, position)
            low = window.level - window.width / 2
            grey = np.clip((picture.astype(np.float32) - low) * (255 / window.width), 0, 255).astype(np.uint8)
            self._grey = (number, window, _image(grey, QImage.Format.Format_Grayscale8))
        return self._grey[2]

    def _mask_image(self) -> QImage | None:
        found = self._cut_labels()
        if found is None:
            return None
        number, labels = found
        if self._mask is None or self._mask[0] != number:
            colours = np.zeros((256, 4), np.uint8)
            for value, name in TISSUES:
                if self._appearance.part(name).visible:
                    colour = self.label_colour(value)
                    colours[value] = (colour.red(), colour.green(), colour.blue(), 255)
            self._mask = (number, _image(colours[labels()], QImage.Format.Format_RGBA8888))
        return self._mask[1]

    def label_colour(self, value: int) -> QColor:
        """The colour of a label in slices: bone in its own could not be distinguished from bone in the CT."""
        return QColor(palette.BONE_LABEL if value == BONE else self._appearance.part("nerve").colour)

    def _cut_labels(self) -> tuple[int, Callable[[], npt.NDArray[np.uint8]]] | None:
        """The number of the cut, and what gives the labels [row, column] in it; None where none are to be shown."""
        labels, reformatter = self._state.labels, self._state.reformatter
        if labels is None or reformatter is None or not self._appearance.part("labels").visible:
            return None
        position = float(self._model.cursor[self.plane.normal])
        cut = partial(reformatter.cut, labels, self.plane, position, smooth=False, outside=0)
        return reformatter.nearest(self.plane, position), cut

    def _draw_others(self, painter: QPainter, grid: PlaneGrid, box: QRectF) -> None:
        """The borders of the labels that those of the case are compared with."""
        labels, reformatter = self._state.others, self._state.reformatter
        if labels is None or reformatter is None or not self._appearance.part("labels").visible:
            return
        number = reformatter.nearest(self.plane, self.position)
        if self._others is None or self._others[0] != number:
            cut = reformatter.cut(labels, self.plane, self.position, smooth=False, outside=0)
            self._others = (number, {name: edges(cut == value) for value, name in TISSUES})
        for _, name in TISSUES:
            if self._appearance.part(name).visible:
                for colour, width in ((QColor(0, 0, 0, 140), 2.6), (QColor(palette.OTHER_SET), 1.3)):
                    draw_edges(painter, self._others[1][name], grid, box, QPen(colour, width))

    def _draw_outlines(self, painter: QPainter, grid: PlaneGrid, box: QRectF) -> None:
        """The borders between labels, along the edges of the voxels."""
        found = self._cut_labels()
        if found is None:
            return
        number, labels = found
        if self._lines is None or self._lines[0] != number:
            cut = labels()
            self._lines = (number, {name: edges(cut == value) for value, name in TISSUES})
        for value, name in TISSUES:
            if self._appearance.part(name).visible:
                draw_edges(painter, self._lines[1][name], grid, box, QPen(self.label_colour(value), 1.6))

    def _draw_organs(self, painter: QPainter, box: QRectF) -> None:
        """Outlines of the organs that are known, with their names where there is room."""
        case, reformatter = self._model.case, self._state.reformatter
        hidden = not self._appearance.part("organs").visible
        if case is None or case.organs is None or reformatter is None or hidden:
            return
        from spinect_core.pictures.organ_outlines import apart, colour_of, outlines_at

        position = float(self._model.cursor[self.plane.normal])
        number, grid = reformatter.nearest(self.plane, position), reformatter.grid(self.plane)
        if self._organs is None or self._organs[0] != number:
            outlines = outlines_at(case.organs, grid.pixels(position))
            picture = _image(outlines.colours(), QImage.Format.Format_RGBA8888)
            self._organs = (number, picture, outlines)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.setOpacity(self._appearance.part("organs").opacity)
        painter.drawImage(box, self._organs[1])
        painter.setOpacity(1.0)
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        metrics, places = painter.fontMetrics(), []
        for organ, (column, row) in self._organs[2].names:
            x = box.left() + (column + 0.5) / grid.shape[1] * box.width()
            y = box.top() + (row + 0.5) / grid.shape[0] * box.height()
            wide = metrics.horizontalAdvance(str(organ)) + 4
            places.append(QRectF(x - wide / 2, y - 7, wide, 14))
        written = apart([(each.left(), each.top(), each.right(), each.bottom()) for each in places])
        for (organ, _), place, free in zip(self._organs[2].names, places, written, strict=True):
            if free:
                shadowed(painter, place, Qt.AlignmentFlag.AlignCenter, str(organ), QColor(*colour_of(organ)))

    def _draw_cross(self, painter: QPainter) -> None:
        x, y = self.to_screen(self._model.cursor)
        gap = 9.0
        lines = {
            self.plane.across: ((x, 0.0, x, y - gap), (x, y + gap, x, float(self.height()))),
            self.plane.down: ((0.0, y, x - gap, y), (x + gap, y, float(self.width()), y)),
        }
        for axis, segments in lines.items():
            colour = QColor(palette.PLANE_COLOURS[next(p.name for p in PLANES.values() if p.normal == axis)])
            colour.setAlpha(190)
            painter.setPen(QPen(colour, 1))
            for x1, y1, x2, y2 in segments:
                painter.drawLine(QPointF(x1, y1), QPointF(x2, y2))

    def _draw_region(self, painter: QPainter) -> None:
        region = self._model.case.region if self._model.case else None
        if region is None or not self._state.show_region:
            return
        a, b = self.to_screen(np.array([region.minimum, region.maximum]))
        painter.setPen(QPen(QColor(palette.REGION), 1.5, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(QPointF(*a), QPointF(*b)).normalized())

    def _draw_triangles(self, painter: QPainter) -> None:
        """Where each triangle crosses this cut."""
        position, axis = float(self._model.cursor[self.plane.normal]), self.plane.normal
        for measurement in () if self.blind else self._model.measurements:
            if not isinstance(measurement.drawn, Triangle):
                continue
            vertices = measurement.drawn.vertices
            crossing = []
            for start, stop in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
                a, b = start[axis] - position, stop[axis] - position
                if a * b < 0:
                    crossing.append(start + (stop - start) * (a / (a - b)))
            if len(crossing) >= 2:
                chosen = measurement.key == self._model.selected
                colour = QColor(palette.KIND_COLOURS[measurement.drawn.kind])
                painter.setPen(
                    QPen(colour, 3.5 if chosen else 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
                )
                first, last = self.to_screen(np.array(crossing[:2]))
                painter.drawLine(QPointF(*first), QPointF(*last))

    def _draw_text(self, painter: QPainter, grid: PlaneGrid, box: QRectF) -> None:
        font = QFont(self.font())
        font.setPixelSize(13)
        font.setBold(True)
        painter.setFont(font)
        left, right, top, bottom = self.plane.letters
        width, height = self.width(), self.height()
        middle = Qt.AlignmentFlag.AlignCenter
        for rect, letter in (
            (QRectF(3, height / 2 - 12, 20, 24), left),
            (QRectF(width - 23, height / 2 - 12, 20, 24), right),
            (QRectF(width / 2 - 12, 3, 24, 20), top),
            (QRectF(width / 2 - 12, height - 23, 24, 20), bottom),
        ):
            shadowed(painter, rect, middle, letter, QColor(palette.TEXT))
        font.setPixelSize(11)
        font.setBold(False)
        painter.setFont(font)
        window = self._state.window
        corner = QRectF(6, 4, width - 12, height - 8)
        muted = QColor(palette.MUTED)
        bottom_left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
        bottom_right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom
        shadowed(painter, corner, bottom_left, f"W {window.width:.0f}  L {window.level:.0f}", muted)
        pixel_mm = grid.pixel[0] * grid.shape[1] / box.width()
        mm = _scale_mm(pixel_mm, width)
        x, y = width - 8 - mm / pixel_mm, height - 8.0
        painter.setPen(QPen(muted, 1.5))
        painter.drawLine(QPointF(x, y), QPointF(width - 8.0, y))
        shadowed(painter, corner.adjusted(0, 0, 0, -8), bottom_right, f"{mm:g} mm", muted)

    # -------------------------------------------------------------------------------------------- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Left: cross-hair, with Ctrl past any tool. Right: grey values. Middle or Shift: move."""
        position = event.position()
        button, shift = event.button(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        past = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and shift):
            self._drag = ("pan", position)
        elif button == Qt.MouseButton.RightButton:
            self._drag = ("window", position)
        elif button == Qt.MouseButton.LeftButton:
            if (
                self.tool is not None
                and not past
                and self.placement() is not None
                and self.tool.press(position)
            ):
                return
            self._drag = ("cross", position)
            self._put_cross(position)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the gesture."""
        if self._drag is None:
            if self.tool is not None and self.placement() is not None:
                self.tool.move(event.position(), bool(event.buttons() & Qt.MouseButton.LeftButton))
            return
        gesture, last = self._drag
        position = event.position()
        delta = position - last
        self._drag = (gesture, position)
        if gesture == "cross":
            self._put_cross(position)
        elif gesture == "pan":
            self._pan += delta
            self.update()
        else:
            window = self._state.window
            self._state.set_window(
                Window(window.level + delta.y() * HU_PER_PIXEL, window.width + delta.x() * 2 * HU_PER_PIXEL)
            )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture."""
        if self._drag is None and event.button() == Qt.MouseButton.LeftButton and self.tool is not None:
            self.tool.release()
        self._drag = None

    def leaveEvent(self, event: QEvent) -> None:
        """What is drawn about the mouse goes with it."""
        super().leaveEvent(event)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Middle: whole picture again. Left: the second press, for the tool."""
        if event.button() == Qt.MouseButton.MiddleButton:
            self._zoom, self._pan = 1.0, QPointF(0, 0)
            self.update()
        elif (
            self.tool is not None
            and event.button() == Qt.MouseButton.LeftButton
            and self.placement() is not None
        ):
            self.tool.press(event.position())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll through the cuts; with Ctrl, zoom about the mouse."""
        steps = event.angleDelta().y() / 120
        event.accept()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            before = self.to_patient(event.position())
            self._zoom = float(np.clip(self._zoom * 1.15**steps, 0.5, 20))
            if before is not None:
                after = self.to_screen(before)
                self._pan += event.position() - QPointF(*after)
            self.update()
            return
        self._wheel += steps
        whole = int(self._wheel)
        if whole:
            self._wheel -= whole
            self.scroll_by(whole)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The tool has its own keys; page keys and up and down scroll."""
        if self.tool is not None and self.tool.key(event.key()):
            return
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 5, Qt.Key.Key_PageDown: -5}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            event.ignore()
        else:
            self.scroll_by(step)

    def scroll_by(self, cuts: int) -> None:
        """Move the cross-hair by whole cuts along the normal: up is towards the head, the back or the left."""
        reformatter = self._state.reformatter
        if reformatter is None:
            return
        first, step, count = reformatter.positions(self.plane)
        number = reformatter.nearest(self.plane, float(self._model.cursor[self.plane.normal]))
        point = self._model.cursor.copy()
        point[self.plane.normal] = first + step * int(np.clip(number + cuts, 0, count - 1))
        self._model.set_cursor(point)

    def _put_cross(self, position: QPointF) -> None:
        point = self.to_patient(position)
        if point is not None:
            self._model.set_cursor(point)


def edges(mask: npt.NDArray[np.bool_]) -> list[QLineF]:
    """The border of a mask [row, column] along the edges of its pixels, in pixels from the corner of the first."""
    framed = np.pad(mask, 1).astype(np.int8)
    lines = []
    for axis in (0, 1):
        border = np.diff(framed, axis=axis) != 0  # between two rows, or two columns
        border = border[:, 1:-1] if axis == 0 else border[1:-1].T
        turns = np.diff(np.pad(border, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        at, first = np.nonzero(turns == 1)
        _, last = np.nonzero(turns == -1)
        for place, start, stop in zip(at.tolist(), first.tolist(), last.tolist(), strict=True):
            lines.append(
                QLineF(start, place, stop, place) if axis == 0 else QLineF(place, start, place, stop)
            )
    return lines


def draw_edges(painter: QPainter, lines: list[QLineF], grid: PlaneGrid, box: QRectF, pen: QPen) -> None:
    """Draw what :func:`edges` found over the picture of a cut, which fills a box of the widget."""
    pen.setCosmetic(True)
    painter.save()
    painter.translate(box.topLeft())
    painter.scale(box.width() / grid.shape[1], box.height() / grid.shape[0])
    painter.setPen(pen)
    painter.drawLines(lines)
    painter.restore()


def _image(pixels: npt.NDArray[np.uint8], format_: QImage.Format) -> QImage:
    pixels = np.ascontiguousarray(pixels)
    # the copy lets the array go
    return QImage(pixels.data, pixels.shape[1], pixels.shape[0], pixels.strides[0], format_).copy()


def shadowed(
    painter: QPainter, rect: QRectF, align: int | Qt.AlignmentFlag, text: str, colour: QColor
) -> None:
    """Write over a picture."""
    painter.setPen(QColor(0, 0, 0, 220))
    painter.drawText(rect.translated(1, 1), align, text)
    painter.setPen(colour)
    painter.drawText(rect, align, text)


def _scale_mm(pixel_mm: float, width: float) -> float:
    return next((mm for mm in (100, 50, 20, 10, 5, 2) if mm / pixel_mm <= width / 3), 1.0)
