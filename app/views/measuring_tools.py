"""Measuring with the mouse: points clicked in the 3D view and in slices, and dragged afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.model.case import Drawn
from app.model.case_model import CaseModel
from app.model.measuring import Measuring, Place
from app.views import measured
from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import CutPlane
from spinect_core.geometry.figure import Figure

if TYPE_CHECKING:
    from app.views.needle_handles import NeedleHandles
    from app.views.scene import Viewport
    from app.views.slices import SliceView

REACH = 9.0
"""Logical pixels within which a point is caught."""
CLOSING = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def _near(position: QPointF, places: FloatArray) -> int | None:
    """The nearest of places (n, 2) in logical pixels that the mouse catches."""
    if not len(places):
        return None
    away = np.linalg.norm(places - (position.x(), position.y()), axis=1)
    found = int(away.argmin())
    return found if away[found] <= REACH else None


def _closes(measuring: Measuring, position: QPointF, pending: FloatArray) -> bool:
    """Whether a click ends the polygon that is drawn: on its first corner, or a second one on its last."""
    ends = pending[[0, measuring.placed - 1]] if measuring.can_close else np.empty((0, 2))
    return _near(position, ends) is not None


class _MeasuringTool(QObject):
    """Takes the mouse of a picture while something is drawn in it or a point dragged.

    Args:
        widget: the picture.
        model: the case.
        measuring: what is drawn or dragged.

    Attributes:
        measuring: the same.
        hot: key of the measurement and number of the point under the mouse.
    """

    def __init__(self, widget: QWidget, model: CaseModel, measuring: Measuring) -> None:
        super().__init__(widget)
        self._widget, self._model, self.measuring = widget, model, measuring
        self.hot: tuple[int, int] | None = None
        self._drawing = False
        measuring.changed.connect(self._on_change)

    def _on_change(self) -> None:
        if self.measuring.drawing != self._drawing:
            self._drawing = self.measuring.drawing
            self.hot = None
            if self._drawing:
                self._widget.setCursor(Qt.CursorShape.CrossCursor)
            else:
                self._widget.unsetCursor()

    def press(self, position: QPointF) -> bool:
        """Place a point, or catch one."""
        if self.measuring.drawing:
            if self._pending_here and _closes(self.measuring, position, self._pending_places()):
                self.measuring.finish()
            else:
                self.measuring.click(self._place, self._flat(position), self._hit(position))
            return True
        self.hot = self._at(position)
        measurement = None if self.hot is None else self._model.find(self.hot[0])
        if measurement is None:
            return False
        self.measuring.catch(measurement)
        return True

    def move(self, position: QPointF, pressed: bool) -> bool:
        """Follow the mouse."""
        if self.measuring.drawing:
            self.measuring.follow(self._place, self._flat(position))
            return True
        if self.measuring.dragging and pressed and self.hot is not None:
            self._drag_to(position)
            return True
        hot = self._at(position)
        if hot != self.hot:
            self.hot = hot
            if hot is None:
                self._widget.unsetCursor()
            else:
                self._widget.setCursor(Qt.CursorShape.PointingHandCursor)
            self._redraw()
        return hot is not None

    def key(self, key: int) -> bool:
        """Esc stops, Backspace takes the last point back, Enter closes a polygon; True where the key was used."""
        measuring = self.measuring
        if key == Qt.Key.Key_Escape and measuring.dragging:
            measuring.give_up()
        elif key == Qt.Key.Key_Escape and measuring.drawing:
            measuring.stop()
        elif key == Qt.Key.Key_Backspace and measuring.drawing:
            measuring.back()
        elif key in CLOSING and measuring.can_close:
            measuring.finish()
        else:
            return False
        return True

    def _at(self, position: QPointF) -> tuple[int, int] | None:
        seen = () if self.measuring.blind else self._model.measurements
        for each in sorted(seen, key=lambda each: each.key != self._model.selected):
            if self._shows(each.drawn):
                found = _near(position, self._places(each.drawn.vertices))
                if found is not None:
                    return each.key, found
        return None

    @property
    def _place(self) -> Place:
        """What is drawn here lies there."""
        raise NotImplementedError

    @property
    def _pending_here(self) -> bool:
        """Whether the points placed so far are of this picture."""
        raise NotImplementedError

    def _pending_places(self) -> FloatArray:
        """Logical pixels (n, 2) of the points placed so far and of the mouse."""
        return self._places(self.measuring.pending())

    def _places(self, points: FloatArray) -> FloatArray:
        """Logical pixels (n, 2) of LPS mm points (n, 3)."""
        raise NotImplementedError

    def _flat(self, position: QPointF) -> FloatArray:
        """Picture coordinates (2,) in mm under a position."""
        raise NotImplementedError

    def _hit(self, position: QPointF) -> FloatArray | None:
        """LPS mm (3,) of the surface under a position; None where there is none."""
        return None

    def _shows(self, drawn: Drawn) -> bool:
        """Whether a measurement can be seen here."""
        raise NotImplementedError

    def _drag_to(self, position: QPointF) -> None:
        """Bring the point that was caught to a position."""
        raise NotImplementedError

    def _redraw(self) -> None:
        """Show another point under the mouse."""
        self._widget.update()


class ViewportMeasuring(_MeasuringTool):
    """Takes the mouse of the 3D view while something is drawn or a point dragged."""

    def __init__(self, viewport: Viewport, model: CaseModel, measuring: Measuring) -> None:
        super().__init__(viewport, model, measuring)
        self._viewport = viewport

    def _on_change(self) -> None:
        begins = self.measuring.drawing and not self._drawing
        super()._on_change()
        if begins:
            self._viewport.setFocus()

    def release(self, position: QPointF) -> bool:
        """Let a point go: one step of the history."""
        return self.measuring.let_go()

    def pending_on_screen(self) -> list[QPointF]:
        """The points placed so far in this view, and the mouse."""
        if not self.measuring.drawing or not self._pending_here:
            return []
        return [QPointF(*place) for place in self._pending_places()]

    @property
    def _place(self) -> Place:
        return Place(self._viewport.turntable.view)

    @property
    def _pending_here(self) -> bool:
        place = self.measuring.place
        return place is not None and place.plane is None

    def _pending_places(self) -> FloatArray:
        return self._viewport.drawn.to_screen(self.measuring.pending())

    def _places(self, points: FloatArray) -> FloatArray:
        return self._viewport.turntable.to_screen(points)

    def _flat(self, position: QPointF) -> FloatArray:
        return self._viewport.turntable.to_plane((position.x(), position.y()))

    def _hit(self, position: QPointF) -> FloatArray | None:
        return self._viewport.surface_point(position)

    def _shows(self, drawn: Drawn) -> bool:
        return shown_in_3d(drawn)

    def _redraw(self) -> None:
        self.measuring.changed.emit()

    def _drag_to(self, position: QPointF) -> None:
        measurement = None if self.hot is None else self._model.find(self.hot[0])
        if measurement is None or self.hot is None:
            return
        drawn, index = self.measuring.preview(measurement), self.hot[1]
        hit = None
        if isinstance(drawn, Figure) and drawn.on_surface:
            hit = self._viewport.surface_point(position)
        # Else the point stays in the plane that faces the measurement's own line of sight, in any view.
        point = hit
        if point is None:
            point = self._viewport.turntable.on_plane(
                (position.x(), position.y()), drawn.vertices[index], drawn.view.vector
            )
        if point is not None:
            self.measuring.drag(index, point, on_surface=hit is not None)


class SliceMeasuring(_MeasuringTool):
    """Takes the mouse of a slice while something is drawn there or a point dragged, and draws what lies in it."""

    def __init__(self, view: SliceView, model: CaseModel, measuring: Measuring) -> None:
        super().__init__(view, model, measuring)
        self._view = view
        self._plane = CutPlane(view.plane.name)

    def _on_change(self) -> None:
        super()._on_change()
        self._view.blind = self.measuring.blind
        self._view.update()

    def release(self) -> bool:
        """Let a point go: one step of the history."""
        return self.measuring.let_go()

    def draw(self, painter: QPainter) -> None:
        """What was measured in this slice, and what is being drawn in it."""
        room = self._view.rect()
        seen = () if self.measuring.blind else self._model.measurements
        for each in sorted(seen, key=lambda one: one.key == self._model.selected):
            drawn = self.measuring.preview(each)
            if self._shows(drawn):
                chosen = each.key == self._model.selected
                hot = self.hot[1] if self.hot is not None and self.hot[0] == each.key else None
                places = self._on_screen(drawn.vertices)
                colour = measured.colour_of(drawn)
                measured.draw(painter, places, drawn.kind, colour, chosen=chosen, hot=hot)
                lines, beside = [measured.text_of(drawn)], measured.place_of(drawn.kind, places)
                measured.draw_tag(painter, self._view.font(), beside, lines, colour, room, chosen=chosen)
        if self.measuring.drawing and self._pending_here:
            places = self._on_screen(self.measuring.pending())
            measured.draw_pending(painter, self._view.font(), places, self.measuring, room)

    def _shows(self, drawn: Drawn) -> bool:
        """Whether all of it lies in the cut that is shown; what was drawn in the 3D view does not, wherever it is."""
        if isinstance(drawn, Figure) and drawn.plane != self._plane:
            return False
        away = drawn.vertices[:, self._view.plane.normal] - self._view.cut_position
        return bool((np.abs(away) <= self._view.half_slice_mm).all())

    @property
    def _place(self) -> Place:
        return Place.slice_at(self._plane, self._view.cut_position)

    @property
    def _pending_here(self) -> bool:
        return self.measuring.place == self._place

    def _places(self, points: FloatArray) -> FloatArray:
        return self._view.to_screen(points)

    def _flat(self, position: QPointF) -> FloatArray:
        point = self._view.to_patient(position)
        assert point is not None  # the view has a placement, or it would not ask
        return self._place.view.project(point)

    def _on_screen(self, points: FloatArray) -> list[QPointF]:
        return [QPointF(*place) for place in self._places(points)]

    def _drag_to(self, position: QPointF) -> None:
        measurement = None if self.hot is None else self._model.find(self.hot[0])
        point = self._view.to_patient(position)
        if measurement is None or self.hot is None or point is None:
            return
        index, axis = self.hot[1], self._view.plane.normal
        point[axis] = measurement.drawn.vertices[index][axis]  # it stays in its slice to the last digit
        self.measuring.drag(index, point)


class SliceTools:
    """Takes the mouse of a slice: measuring while something is drawn, else the ends of the needle, then points."""

    def __init__(self, needle: NeedleHandles, measuring: SliceMeasuring) -> None:
        self.needle, self.measuring = needle, measuring

    def press(self, position: QPointF) -> bool:
        """Left button down."""
        return (not self._drawing and self.needle.press(position)) or self.measuring.press(position)

    def move(self, position: QPointF, pressed: bool) -> bool:
        """Mouse moved."""
        return (not self._drawing and self.needle.move(position, pressed)) or self.measuring.move(
            position, pressed
        )

    def release(self) -> bool:
        """Left button up."""
        return self.needle.release() or self.measuring.release()

    def key(self, key: int) -> bool:
        """Esc gives up a drag; other keys are those of measuring."""
        return (key == Qt.Key.Key_Escape and self.needle.stop()) or self.measuring.key(key)

    def draw(self, painter: QPainter) -> None:
        """What was measured in this slice."""
        self.measuring.draw(painter)

    @property
    def _drawing(self) -> bool:
        return self.measuring.measuring.drawing


def shown_in_3d(drawn: Drawn) -> bool:
    """Whether it is drawn in the 3D view: what lies in a slice is shown there."""
    return not isinstance(drawn, Figure) or drawn.plane is None
