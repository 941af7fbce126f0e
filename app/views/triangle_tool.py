"""Drawing a triangle with three clicks in the 3D view, and dragging its corners afterwards."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QPointF, Qt, Signal

from app.model.case import Measurement
from app.model.case_model import CaseModel
from app.views.scene import Viewport
from spinect_core.anatomy.levels import Level, level_names, level_of, renamed
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import Kind, Side
from spinect_core.geometry.triangle import DEFINITIONS, KIND_NAMES, Triangle

CORNERS = 3
REACH = 9.0
"""Logical pixels within which a corner is caught."""
LATERAL_DEGREES = 10.0
"""Views turned less than this do not say which side is meant; the place of the triangle does."""
SURFACE = "surface"


class TriangleTool(QObject):
    """Takes the mouse of the viewport while a triangle is drawn or a corner dragged.

    Attributes:
        kind: what the next triangle is.
        side: "auto", "left" or "right" for the next triangle.
        depth_from: whether the triangle lies at the depth of the clicked surface or of the cross-hair. The area does
            not depend on it; where the triangle lies in the patient does.
    """

    changed = Signal()
    refused = Signal(object)

    def __init__(self, viewport: Viewport, model: CaseModel) -> None:
        super().__init__(viewport)
        self._viewport, self._model = viewport, model
        self.kind, self.side, self.depth_from = "kambin", "auto", SURFACE
        self.drawing = False
        self.hot_vertex: int | None = None
        self._clicks: list[FloatArray] = []
        self._hits: list[FloatArray | None] = []
        self._mouse: FloatArray | None = None
        self._dragged: tuple[int, Triangle, bool] | None = None
        model.case_opened.connect(self.stop)
        model.view_changed.connect(self._on_view)

    # ---------------------------------------------------------------------------------------------------- state

    def start(self, kind: str) -> None:
        """Begin a new triangle."""
        self.kind, self.drawing = kind, True
        self._forget()
        self._viewport.setCursor(Qt.CursorShape.CrossCursor)
        self._viewport.setFocus()
        self.changed.emit()

    def stop(self) -> None:
        """Give the mouse back to the camera; corners placed so far are forgotten."""
        self.drawing = False
        self._dragged, self.hot_vertex = None, None
        self._forget()
        self._viewport.unsetCursor()
        self.changed.emit()

    @property
    def placed(self) -> int:
        """Corners placed so far."""
        return len(self._clicks)

    @property
    def hint(self) -> str:
        """What to do next."""
        name = KIND_NAMES[self.kind]
        step = ("first", "second", "third")[min(self.placed, 2)]
        return f"Click the {step} corner of the {name}   ·   Backspace: one back   ·   Esc: stop"

    @property
    def pending_area(self) -> float | None:
        """mm² of the triangle being drawn, once it has three corners (the third under the mouse)."""
        points = self._pending()
        if len(points) < CORNERS:
            return None
        (a, b, c) = points
        return float(abs((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]) / 2)

    def pending_on_screen(self) -> list[QPointF]:
        """The corners placed so far and the mouse."""
        if not self.drawing:
            return []
        turntable = self._viewport.drawn
        return [
            QPointF(*turntable.to_screen(turntable.view.unproject(point, 0.0))) for point in self._pending()
        ]

    def preview(self, measurement: Measurement) -> Triangle:
        """The triangle as it looks while a corner of it is dragged."""
        if self._dragged is not None and measurement.key == self._dragged[0]:
            return self._dragged[1]
        return measurement.triangle

    def _pending(self) -> list[FloatArray]:
        points = list(self._clicks)
        if points and self._mouse is not None:
            points.append(self._mouse)
        return points

    def _forget(self) -> None:
        self._clicks, self._hits, self._mouse = [], [], None

    def _on_view(self) -> None:
        if self._clicks:
            # Corners belong to one line of sight; from another one they would mean something else.
            self._forget()
            self.changed.emit()

    # ---------------------------------------------------------------------------------------------------- mouse

    def press(self, position: QPointF) -> bool:
        """Place a corner, or catch one."""
        if self.drawing:
            self._place(position)
            return True
        caught = self._corner_at(position)
        if caught is None:
            return False
        measurement, self.hot_vertex = caught
        self._model.select(measurement.key)
        self._dragged = (measurement.key, measurement.triangle, False)
        self.changed.emit()
        return True

    def move(self, position: QPointF, pressed: bool) -> bool:
        """Follow the mouse."""
        if self.drawing:
            self._mouse = self._viewport.turntable.to_plane((position.x(), position.y()))
            if self._clicks:
                self.changed.emit()
            return True
        if self._dragged is not None and pressed and self.hot_vertex is not None:
            self._drag_to(position)
            return True
        caught = self._corner_at(position)
        index = caught[1] if caught else None
        if index != self.hot_vertex:
            self.hot_vertex = index
            if index is None:
                self._viewport.unsetCursor()
            else:
                self._viewport.setCursor(Qt.CursorShape.PointingHandCursor)
            self.changed.emit()
        return index is not None

    def release(self, position: QPointF) -> bool:
        """Let a corner go: one step of the history."""
        if self._dragged is None:
            return False
        key, triangle, moved = self._dragged
        self._dragged = None
        if moved:
            self._model.change(key, triangle, "move corner")
        self.changed.emit()
        return True

    def key(self, key: int) -> bool:
        """Esc stops, Backspace takes the last corner back."""
        if key == Qt.Key.Key_Escape and (self.drawing or self._dragged is not None):
            self.stop()
            return True
        if key == Qt.Key.Key_Backspace and self.drawing:
            self._clicks, self._hits = self._clicks[:-1], self._hits[:-1]
            self.changed.emit()
            return True
        return False

    # ------------------------------------------------------------------------------------------------- geometry

    def _place(self, position: QPointF) -> None:
        self._clicks.append(self._viewport.turntable.to_plane((position.x(), position.y())))
        self._hits.append(self._viewport.surface_point(position))
        if len(self._clicks) < CORNERS:
            self.changed.emit()
            return
        view = self._viewport.turntable.view
        points, depth = np.array(self._clicks), self._depth()
        side = (
            self.side if self.side != "auto" else self._guess_side(view.unproject(points.mean(axis=0), depth))
        )
        self._forget()
        try:
            triangle = Triangle.from_clicks(
                view,
                points,
                depth,
                kind=Kind(self.kind),
                side=Side(side),
                level=self._level.name,
                definition=renamed(DEFINITIONS[self.kind], Level(0), self._level),
            )
        except MeasurementError as error:
            self.changed.emit()
            self.refused.emit(error)
            return
        self.stop()
        self._model.add(triangle)

    @property
    def _level(self) -> Level:
        """That is planned; the lumbosacral one where none is."""
        record = self._model.planning.level
        lumbar = None if record is None else record.lumbar
        known = record is not None and record.name in level_names(lumbar)
        return level_of(record.name, lumbar) if record is not None and known else Level(0, lumbar)

    def _depth(self) -> float:
        view = self._viewport.turntable.view
        hits = [hit for hit in self._hits if hit is not None]
        if self.depth_from == SURFACE and hits:
            return float(np.median(view.depth(np.array(hits))))
        return float(view.depth(self._model.cursor))

    def _guess_side(self, point: FloatArray) -> str:
        """The side the view comes from; from behind or in front, the side of the midline the triangle lies on."""
        across = float(self._viewport.turntable.view.vector[0])
        if abs(across) > np.sin(np.radians(LATERAL_DEGREES)):
            return "left" if across > 0 else "right"
        case = self._model.case
        middle = 0.0
        if case is not None:
            middle = float((case.region.centre if case.region is not None else case.geometry.centre)[0])
        return "left" if point[0] > middle else "right"

    def _corner_at(self, position: QPointF) -> tuple[Measurement, int] | None:
        order = sorted(self._model.measurements, key=lambda each: each.key != self._model.selected)
        mouse = np.array([position.x(), position.y()])
        for measurement in order:
            distances = np.linalg.norm(
                self._viewport.turntable.to_screen(measurement.triangle.vertices) - mouse, axis=1
            )
            index = int(distances.argmin())
            if distances[index] <= REACH:
                return measurement, index
        return None

    def _drag_to(self, position: QPointF) -> None:
        if self._dragged is None or self.hot_vertex is None:
            return
        key, triangle, _ = self._dragged
        # In any view the corner stays in the plane that faces the triangle's own line of sight.
        point = self._viewport.turntable.on_plane(
            (position.x(), position.y()), triangle.vertices[self.hot_vertex], triangle.view.vector
        )
        if point is None:
            return
        try:
            self._dragged = (key, triangle.moved(self.hot_vertex, point), True)
        except MeasurementError:
            return  # on a line with the others: wait until the mouse moves on
        self.changed.emit()
