"""The CT in planes of the needle: two that hold it, upright on each other, and one across it that slides along."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.model.dragging import Dragging
from app.model.needle_section import NeedleSection
from app.model.slice_state import SliceState, Window
from app.model.touched import touched
from app.model.trajectories import Trajectories
from app.views.needle_handles import NeedleHandles, draw_handle
from app.widgets import palette
from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.view import direction_letters
from spinect_core.image.volume import BONE, NERVE
from spinect_core.plan.records import NeedleRecord
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.search.axial import (
    NeedlePlane,
    PlaneImage,
    TiltedPlane,
    across_plane,
    needle_plane,
    reformat,
    upright_plane,
)

MARGIN_MM, STEP_OF_SIZE_MM = 18.0, 20.0
"""Shown beyond the needle's ends; the scale changes with the depth in steps of the second only, and not with a drag."""
ACROSS_MM = 60.0
"""Of the plane across the needle, the shorter side of its picture."""
COARSE = 1.5
"""Logical pixels of a picture's pixel while a needle is dragged."""
HU_PER_PIXEL = 2.0
WIDEST_DEGREES = 15.0
EMPTY = "Choose a trajectory that has a needle"


class Cut(StrEnum):
    """Which plane of the needle."""

    TILTED = "tilted"
    UPRIGHT = "upright"
    ACROSS = "across"


TITLES = {Cut.TILTED: "Along, tilted axial", Cut.UPRIGHT: "Along, upright", Cut.ACROSS: "Across"}
COLOURS = {Cut.TILTED: "#ff8f6a", Cut.UPRIGHT: "#ffd54a", Cut.ACROSS: palette.ACCENT}
"""Of the line of each plane in the other two."""


def plane_of(cut: Cut, needle: Needle, depth_mm: float) -> NeedlePlane:
    """A plane of a needle; the one across it at a depth."""
    if cut == Cut.ACROSS:
        return across_plane(needle, depth_mm)
    return needle_plane(needle) if cut == Cut.TILTED else upright_plane(needle)


class NeedlePlaneView(QWidget):
    """One plane of the needle that is looked at.

    Args:
        cut: which.
        model: the case and its cross-hair.
        state: grey values.
        appearance: how labels look.
        trajectories: the needles.
        section: where the plane across lies.
        dragging: what a drag of an end does.

    Signals:
        told: what the plane is, in words.
    """

    told = Signal(str)

    def __init__(
        self,
        cut: Cut,
        model: CaseModel,
        state: SliceState,
        appearance: Appearance,
        trajectories: Trajectories,
        section: NeedleSection,
        dragging: Dragging,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setMinimumSize(140, 100)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"CT {TITLES[cut].lower()} of the needle")
        self.cut = cut
        self._model, self._state, self._appearance = model, state, appearance
        self._trajectories, self._section, self._dragging = trajectories, section, dragging
        self._zoom, self._wheel = 1.0, 0.0
        self._drag: tuple[str, QPointF] | None = None
        self._held: NeedlePlane | None = None
        self._known: tuple[Needle, float, NeedlePlane] | None = None
        self._image: tuple[object, QImage, QImage | None] | None = None
        self.handles = NeedleHandles(self, trajectories, dragging, self.to_screen, self._at_depth)
        section.changed.connect(self._refresh)
        for signal in (model.cursor_moved, model.labels_changed, appearance.changed, state.changed):
            signal.connect(self.update)
        dragging.let_go.connect(self._refresh)

    # ------------------------------------------------------------------------------------------------------- geometry

    @property
    def plane(self) -> NeedlePlane | None:
        """The plane that is shown; it stays where it is while an end of the needle is dragged in it."""
        needle = self._section.needle
        if needle is None:
            return None
        return self._held or self._plane_of(needle)

    def _plane_of(self, needle: Needle) -> NeedlePlane:
        """As :func:`plane_of`, but made once for a needle and a depth: every point that is drawn asks for it."""
        depth = self._section.depth_mm
        if self._known is None or self._known[0] is not needle or self._known[1] != depth:
            self._known = (needle, depth, plane_of(self.cut, needle, depth))
        return self._known[2]

    @property
    def mm_per_pixel(self) -> float:
        """Size of a logical pixel."""
        needle, size = self._section.needle, np.array([max(self.width(), 1), max(self.height(), 1)])
        if needle is None or self.cut == Cut.ACROSS:
            return ACROSS_MM / float(size.min()) / self._zoom
        plane = self._plane_of(needle)
        reach = np.abs(np.subtract(plane.entry, plane.target)) + 2 * MARGIN_MM
        reach = np.ceil(reach / STEP_OF_SIZE_MM) * STEP_OF_SIZE_MM
        return float((reach / size).max()) / self._zoom

    def to_screen(self, points: npt.ArrayLike) -> FloatArray:
        """Logical pixels (..., 2) of LPS mm points (..., 3)."""
        plane = self.plane
        if plane is None:
            return np.full((*np.shape(points)[:-1], 2), -1e6)
        middle = np.array([self.width(), self.height()]) / 2
        return np.asarray(plane.to_plane(points) / self.mm_per_pixel + middle)

    def to_patient(self, position: QPointF) -> FloatArray | None:
        """LPS mm (3,) under a position."""
        plane = self.plane
        if plane is None:
            return None
        offset = np.array([position.x() - self.width() / 2, position.y() - self.height() / 2])
        return plane.to_patient(offset * self.mm_per_pixel)

    def _at_depth(self, position: QPointF, place: FloatArray) -> FloatArray | None:
        """LPS mm (3,) under a position, as far from the plane as a place."""
        plane, point = self.plane, self.to_patient(position)
        if plane is None or point is None:
            return None
        normal = np.cross(plane.across, plane.down)
        return np.asarray(point + ((place - plane.origin) @ normal) * normal)

    @property
    def _half_slice_mm(self) -> float:
        """Half the thickness of the CT's slices: what lies so near to a plane lies in it."""
        case = self._model.case
        return 0.5 if case is None else max(case.geometry.spacing) / 2

    def _refresh(self) -> None:
        plane = self.plane
        if plane is not None:
            words = self._section.words if self.cut == Cut.ACROSS else ""
            self.told.emit(plane.words if isinstance(plane, TiltedPlane) else words)
        else:
            self.told.emit("")
        self.update()

    # ------------------------------------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The CT, its labels, the needles and the other planes."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(palette.BLACK))
        needle, plane = self._section.needle, self.plane
        if needle is None or plane is None:
            painter.setPen(QColor(palette.FAINT))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, EMPTY)
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._draw_cut(painter, plane)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_planes(painter, needle)
        for record in self._trajectories.beside:
            self._draw_needle(painter, plane, record, chosen=False)
        current = self._trajectories.current
        assert current is not None  # it has the needle
        assert current.needle is not None
        self._draw_tolerance(painter, plane, current.needle)
        self._draw_needle(painter, plane, current.needle, chosen=True)
        self._draw_touched(painter, plane, current.needle)
        self._draw_cross(painter, plane)
        self._draw_letters(painter, plane)
        painter.end()

    def _draw_cut(self, painter: QPainter, plane: NeedlePlane) -> None:
        case = self._model.case
        if case is None or case.volume is None:
            return
        coarse = COARSE if self._trajectories.live is not None else 1.0
        scale = max(self.mm_per_pixel * coarse, 0.1)
        size = self.width() * self.mm_per_pixel, self.height() * self.mm_per_pixel
        looks = self._appearance.part("labels")
        parts = tuple(self._appearance.part(name).visible for name in ("bone", "nerve"))
        labels = case.labels if looks.visible else None
        key = (
            *(tuple(np.round(each, 4)) for each in (plane.origin, plane.across, plane.down)),
            (size, scale, self._state.window, id(labels), id(case.volume), parts),
        )
        if self._image is None or self._image[0] != key:
            cut = reformat(case.volume, plane, size, scale)
            window = self._state.window
            low = window.level - window.width / 2
            grey = np.clip((cut.pixels - low) * (255 / window.width), 0, 255).astype(np.uint8)
            grey[~cut.inside] = 0
            mask = None if labels is None else self._mask(cut)
            self._image = (key, _image(grey, QImage.Format.Format_Grayscale8), mask)
        box = QRectF(0, 0, self.width(), self.height())
        painter.drawImage(box, self._image[1])
        if self._image[2] is not None:
            painter.setOpacity(looks.opacity)
            painter.drawImage(box, self._image[2])
            painter.setOpacity(1.0)

    def _mask(self, cut: PlaneImage) -> QImage | None:
        from spinect_core.pictures.needle_plane import labels_in

        case = self._model.case
        if case is None or case.labels is None:
            return None
        found = labels_in(cut, case.labels)
        colours = np.zeros((256, 4), np.uint8)
        for value, name in ((BONE, "bone"), (NERVE, "nerve")):
            if self._appearance.part(name).visible:
                part = self._appearance.part(name)
                colour = QColor(palette.BONE_LABEL if value == BONE else part.colour)
                colours[value] = (colour.red(), colour.green(), colour.blue(), 255)
        return _image(colours[found], QImage.Format.Format_RGBA8888)

    def _draw_planes(self, painter: QPainter, needle: Needle) -> None:
        """The lines in which the other two planes cut this one."""
        half = ACROSS_MM / 2
        middle = needle.at(self._section.depth_mm)
        for cut in Cut:
            if cut == self.cut:
                continue
            if self.cut == Cut.ACROSS:
                other = plane_of(cut, needle, 0.0)
                way = np.cross(needle.towards_entry, np.cross(other.across, other.down))
            elif cut == Cut.ACROSS:
                plane = plane_of(self.cut, needle, 0.0)
                way = np.cross(needle.towards_entry, np.cross(plane.across, plane.down))
            else:
                continue  # along the needle itself
            ends = self.to_screen(np.stack([middle - half * way, middle + half * way]))
            colour = QColor(COLOURS[cut])
            colour.setAlpha(190)
            painter.setPen(QPen(colour, 1.0))
            painter.drawLine(QPointF(*ends[0]), QPointF(*ends[1]))

    def _draw_needle(
        self, painter: QPainter, plane: NeedlePlane, record: NeedleRecord, *, chosen: bool
    ) -> None:
        """Solid where it lies in the plane, faint elsewhere; of the one that is looked at the ends too."""
        needle = record.needle
        points = np.stack([np.asarray(needle.entry), np.asarray(needle.target)])
        away = (points - plane.origin) @ np.cross(plane.across, plane.down)
        colour = QColor(palette.NEEDLE_COLOURS[record.colour])
        faint = QColor(colour)
        faint.setAlpha(110 if chosen else 70)
        screen = self.to_screen(points)
        painter.setPen(QPen(faint, 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(*screen[0]), QPointF(*screen[1]))
        part = within(away, self._half_slice_mm)
        if part is not None:
            ends = [QPointF(*(screen[0] + at * (screen[1] - screen[0]))) for at in part]
            wide = 2.2 if chosen else 1.5
            for shade, width in ((QColor(0, 0, 0, 170), wide + 2.0), (colour, wide)):
                painter.setPen(QPen(shade, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                if (ends[0] - ends[1]).manhattanLength() < 1.0:
                    painter.drawPoint(ends[0])
                else:
                    painter.drawLine(ends[0], ends[1])
        if chosen and self.cut != Cut.ACROSS:
            for place, distance in zip(screen, away, strict=True):
                near = abs(float(distance)) <= self._half_slice_mm
                draw_handle(painter, QPointF(*place), colour, near=near)
        elif chosen:
            pixels = max(needle.radius_mm / self.mm_per_pixel, 2.0)
            painter.setPen(QPen(QColor(0, 0, 0, 190), 1.0))
            painter.setBrush(colour)
            at = self.to_screen(needle.at(self._section.depth_mm))
            painter.drawEllipse(QPointF(*at), pixels, pixels)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_tolerance(self, painter: QPainter, plane: NeedlePlane, record: NeedleRecord) -> None:
        """Where the needle may come to with an error of its angular tolerance."""
        safety = record.safety
        margin = None if safety is None or safety.tolerance is None else safety.tolerance.angle
        if margin is None or margin.amount <= 0:
            return
        needle, slope = record.needle, float(np.tan(np.radians(min(margin.amount, WIDEST_DEGREES))))
        colour = QColor(palette.ACCENT)
        colour.setAlpha(200)
        painter.setPen(QPen(colour, 1.0, Qt.PenStyle.DotLine))
        if self.cut == Cut.ACROSS:
            pixels = self._section.depth_mm * slope / self.mm_per_pixel
            at = self.to_screen(needle.at(self._section.depth_mm))
            painter.drawEllipse(QPointF(*at), pixels, pixels)
            return
        side = np.cross(needle.towards_entry, np.cross(plane.across, plane.down))
        start = QPointF(*self.to_screen(np.asarray(needle.entry)))
        for sign in (-1.0, 1.0):
            end = np.asarray(needle.target) + sign * needle.depth_mm * slope * side
            painter.drawLine(start, QPointF(*self.to_screen(end)))

    def _draw_touched(self, painter: QPainter, plane: NeedlePlane, record: NeedleRecord) -> None:
        """The places where the needle touches bone or nerve, if they lie in the plane."""
        for _, place in touched(record):
            away = float((place - plane.origin) @ np.cross(plane.across, plane.down))
            if abs(away) > self._half_slice_mm:
                continue
            painter.setPen(QPen(QColor(palette.TOUCHED), 2.0))
            painter.drawEllipse(QPointF(*self.to_screen(place)), 8.0, 8.0)

    def _draw_cross(self, painter: QPainter, plane: NeedlePlane) -> None:
        """The cross-hair of all views; faint where it does not lie in the plane."""
        away = float((self._model.cursor - plane.origin) @ np.cross(plane.across, plane.down))
        colour = QColor(palette.TEXT)
        colour.setAlpha(210 if abs(away) <= self._half_slice_mm else 70)
        painter.setPen(QPen(colour, 1.0))
        at = QPointF(*self.to_screen(self._model.cursor))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(at + QPointF(7 * dx, 7 * dy), at + QPointF(15 * dx, 15 * dy))

    def _draw_letters(self, painter: QPainter, plane: NeedlePlane) -> None:
        font = QFont(self.font())
        font.setPixelSize(13)
        font.setBold(True)
        painter.setFont(font)
        width, height = self.width(), self.height()
        for box, direction in (
            (QRectF(2, height / 2 - 12, 34, 24), -plane.across),
            (QRectF(width - 36, height / 2 - 12, 34, 24), plane.across),
            (QRectF(width / 2 - 17, 2, 34, 20), -plane.down),
            (QRectF(width / 2 - 17, height - 22, 34, 20), plane.down),
        ):
            for shift, colour in ((1, QColor(0, 0, 0, 220)), (0, QColor(palette.TEXT))):
                painter.setPen(colour)
                painter.drawText(
                    box.translated(shift, shift), Qt.AlignmentFlag.AlignCenter, direction_letters(direction)
                )

    # ------------------------------------------------------------------------------------------------- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Left: an end of the needle, or the cross-hair. Right: grey values."""
        position = event.position()
        if event.button() == Qt.MouseButton.RightButton:
            self._drag = ("window", position)
        elif event.button() == Qt.MouseButton.LeftButton:
            plane = self.plane
            if self.cut != Cut.ACROSS and self.handles.press(position):
                self._held = plane
                return
            self._drag = ("cross", position)
            self._put_cross(position)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the gesture."""
        position = event.position()
        if self._drag is None:
            if self.cut != Cut.ACROSS:
                self.handles.move(position, bool(event.buttons() & Qt.MouseButton.LeftButton))
            return
        gesture, last = self._drag
        self._drag = (gesture, position)
        if gesture == "cross":
            self._put_cross(position)
            return
        delta, window = position - last, self._state.window
        self._state.set_window(
            Window(window.level + delta.y() * HU_PER_PIXEL, window.width + delta.x() * 2 * HU_PER_PIXEL)
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture."""
        if self._drag is None and event.button() == Qt.MouseButton.LeftButton:
            self.handles.release()
        self._drag, self._held = None, None
        self._refresh()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Slide the plane across the needle, towards the target away from the hand; with Ctrl, zoom."""
        steps = event.angleDelta().y() / 120
        event.accept()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom = float(np.clip(self._zoom * 1.15**steps, 0.4, 12.0))
            self.update()
            return
        self._wheel += steps
        whole = int(self._wheel)
        if whole:
            self._wheel -= whole
            self._section.slide(whole)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up, down and the page keys slide; Esc gives up what is dragged."""
        if event.key() == Qt.Key.Key_Escape and self.handles.stop():
            self._held = None
            return
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 5, Qt.Key.Key_PageDown: -5}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            event.ignore()
        else:
            self._section.slide(step)

    def _put_cross(self, position: QPointF) -> None:
        point = self.to_patient(position)
        if point is not None:
            self._model.set_cursor(point)


def within(away: FloatArray, half_mm: float) -> tuple[float, float] | None:
    """The part of a line, 0 to 1 from its first end, that lies within half a slice of a plane; None where none does.

    Args:
        away: mm (2,) of both ends from the plane, signed.
        half_mm: half the thickness of the slice.
    """
    start, along = float(away[0]), float(away[1] - away[0])
    if abs(along) < 1e-9:
        return (0.0, 1.0) if abs(start) <= half_mm else None
    first, last = sorted(((-half_mm - start) / along, (half_mm - start) / along))
    first, last = max(first, 0.0), min(last, 1.0)
    return None if first > last else (first, last)


def _image(pixels: npt.NDArray[np.uint8], format_: QImage.Format) -> QImage:
    pixels = np.ascontiguousarray(pixels)
    # the copy lets the array go
    return QImage(pixels.data, pixels.shape[1], pixels.shape[0], pixels.strides[0], format_).copy()
