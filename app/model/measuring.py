"""What is being measured: the points placed so far and where they lie, and a point that is dragged.

A triangle, a distance, an angle or a polygon is begun in one place, the 3D view or a slice, and all its points belong
there. No widgets here: the views say where the mouse is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.case import Drawn, Measurement
from app.model.case_model import CaseModel
from spinect_core.anatomy.levels import Level, level_names, level_of, renamed
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import KINDS, CutPlane, FigureKind, Kind, Side
from spinect_core.geometry.figure import FEWEST_POINTS, MOST_POINTS, NORMALS, PLANE_VIEWS, Figure, value_text
from spinect_core.geometry.triangle import DEFINITIONS, KIND_NAMES, Triangle
from spinect_core.geometry.view import View
from spinect_core.plan.plan import MOST_FIGURES

FEWEST: dict[str, int] = {**dict.fromkeys(KINDS, 3), **{each: FEWEST_POINTS[each] for each in FigureKind}}
MOST: dict[str, int] = {**FEWEST, FigureKind.POLYGON: MOST_POINTS}
"""Points of what is drawn."""
LATERAL_DEGREES = 10.0
"""Views turned less than this do not say which side is meant; the place of the triangle does."""
SURFACE, CROSS_HAIR = "surface", "cross-hair"
ORDER = ("first", "second", "third")
NAMES: dict[str, str] = {**KIND_NAMES, **{each: str(each) for each in FigureKind}}
"""What can be drawn, in words."""
MOVES = {FigureKind.DISTANCE: "move end", FigureKind.ANGLE: "move point", FigureKind.POLYGON: "move corner"}


@dataclass(frozen=True)
class Place:
    """Where points are placed.

    Attributes:
        view: the line of sight.
        plane: of the slice; None for the 3D view.
        position: LPS mm of the slice along its normal.
    """

    view: View
    plane: CutPlane | None = None
    position: float = 0.0

    @classmethod
    def slice_at(cls, plane: CutPlane, position: float) -> Place:
        """A slice."""
        return cls(PLANE_VIEWS[plane], plane, position)

    def points(self, flat: FloatArray, depth: float | FloatArray) -> FloatArray:
        """LPS mm (n, 3) of picture coordinates (n, 2) in mm; the depth is that of the slice where there is one."""
        points = self.view.unproject(flat, 0.0 if self.plane is not None else depth)
        if self.plane is not None:
            points[:, NORMALS[self.plane]] = self.position
        return points


class Measuring(QObject):
    """What is being drawn or dragged.

    Args:
        model: what is measured becomes part of it.
        in_slices: whether it can be drawn in slices too.

    Attributes:
        kind: what is drawn next or now, a word of :class:`Kind` or :class:`FigureKind`.
        drawing: whether the mouse places points.
        side: "auto", "left" or "right" for the next triangle.
        depth_from: whether what is drawn in the 3D view lies at the depth of the clicked surface or of the cross-hair.
            What is measured in the view does not depend on it; where it lies in the patient does.
        take: called with what was drawn; gives the measurement it has become, None where that is not to be told.
        blind: whether no measurement and no number is to be seen.

    Signals:
        changed: something is to be drawn anew.
        said: what to do next, or what was measured.
        refused: an error that says why the points measure nothing.
    """

    changed = Signal()
    said = Signal(str)
    refused = Signal(object)

    def __init__(self, model: CaseModel, parent: QObject | None = None, *, in_slices: bool = True) -> None:
        super().__init__(parent)
        self._model, self._in_slices = model, in_slices
        self.kind, self.side, self.depth_from = str(Kind.KAMBIN), "auto", SURFACE
        self.drawing = False
        self.take: Callable[[Drawn], Measurement | None] = model.add
        self.blind = False
        self.place: Place | None = None
        self._clicks: list[FloatArray] = []
        self._hits: list[FloatArray | None] = []
        self._mouse: FloatArray | None = None
        self._dragged: tuple[int, Drawn, bool] | None = None
        model.case_opened.connect(self.stop)
        model.view_changed.connect(self._on_view)
        model.measurements_changed.connect(self.give_up)

    # ---------------------------------------------------------------------------------------------------- drawing

    def start(self, kind: str) -> None:
        """Begin to draw."""
        self.kind, self.drawing = str(kind), True
        self._forget()
        self._go_on()

    def stop(self) -> None:
        """Give the mouse back; points placed so far are forgotten."""
        drew, self.drawing, self._dragged = self.drawing, False, None
        self._forget()
        self.changed.emit()
        if drew:
            self.said.emit("The tool was put back.")

    @property
    def placed(self) -> int:
        """Points placed so far."""
        return len(self._clicks)

    @property
    def is_polygon(self) -> bool:
        """Whether what is drawn has as many points as one likes."""
        return self.kind == FigureKind.POLYGON

    @property
    def can_close(self) -> bool:
        """Whether the polygon that is drawn has corners enough."""
        return self.drawing and self.is_polygon and self.placed >= FEWEST_POINTS[FigureKind.POLYGON]

    @property
    def hint(self) -> str:
        """What to do next."""
        name, number = NAMES[self.kind], self.placed
        if self.is_polygon and number >= FEWEST_POINTS[FigureKind.POLYGON]:
            step = "Click the next corner, or the first one again to close"
        elif self.kind == FigureKind.DISTANCE:
            step = f"Click the {ORDER[min(number, 1)]} end of the distance"
        elif self.kind == FigureKind.ANGLE:
            step = ("Click on the first leg", "Click the apex of the angle", "Click on the second leg")[
                min(number, 2)
            ]
        else:
            step = f"Click the {ORDER[min(number, 2)]} corner of the {name}"
        where = ", here or in a slice" if number == 0 and self._in_slices else ""
        return f"{step}{where}   ·   Backspace: one back   ·   Esc: stop"

    def click(self, place: Place, flat: FloatArray, hit: FloatArray | None = None) -> None:
        """Place a point; the last one makes the measurement.

        Args:
            place: where.
            flat: picture coordinates (2,) in mm there, as :meth:`View.project` gives them.
            hit: LPS mm (3,) of the surface under the mouse; None beside it and in slices.
        """
        if self._clicks and place != self.place:
            self._forget()  # points of another view or slice mean something else
        self.place = place
        self._clicks.append(np.asarray(flat, dtype=np.float64))
        self._hits.append(hit)
        if len(self._clicks) >= MOST[self.kind]:
            self.finish()
        else:
            self._go_on()

    def follow(self, place: Place, flat: FloatArray) -> None:
        """The mouse has moved to picture coordinates (2,) in mm."""
        self._mouse = np.asarray(flat, dtype=np.float64) if place == self.place else None
        if self._clicks:
            self.changed.emit()

    def back(self) -> None:
        """Take the last point back."""
        self._clicks, self._hits = self._clicks[:-1], self._hits[:-1]
        self._go_on()

    def finish(self) -> None:
        """Make the measurement of the points placed; the tool stays in hand where they measure nothing."""
        if self.place is None or not self._clicks:
            return
        try:
            drawn = self._made(self.place, np.array(self._clicks))
        except MeasurementError as error:
            self._forget()
            self.changed.emit()
            self.refused.emit(error)
            return
        self.stop()
        made = self.take(drawn)
        if made is not None:
            where = drawn.where if isinstance(drawn, Figure) else drawn.view.format(1)
            text = drawn.text if isinstance(drawn, Figure) else value_text(drawn.area_mm2, "mm²")
            self.said.emit(f"{made.name}: {text}, {where}.")

    def pending(self) -> FloatArray:
        """LPS mm (n, 3) of the points placed so far and of the mouse, at any depth along the line of sight."""
        points = list(self._clicks)
        if points and self._mouse is not None:
            points.append(self._mouse)
        if self.place is None or not points:
            return np.empty((0, 3))
        return self.place.points(np.array(points), 0.0)

    @property
    def pending_text(self) -> str:
        """What is measured between the points placed so far and the mouse; empty while that is nothing."""
        points = self.pending()
        if self.blind or self.place is None or len(points) < FEWEST[self.kind]:
            return ""
        kind = FigureKind.POLYGON if self.kind in KINDS else FigureKind(self.kind)
        try:
            seen = Figure(kind, points, self.place.view)
        except MeasurementError:
            return ""
        return value_text(seen.value, seen.unit)

    def hide(self, blind: bool, take: Callable[[Drawn], Measurement | None] | None = None) -> None:
        """Show no measurement and no number, or all of them again.

        Args:
            blind: whether to hide them.
            take: called with what is drawn meanwhile; None for what makes a measurement of it.
        """
        self.blind, self.take, self.side = blind, take or self._model.add, "auto"
        self.stop()

    # --------------------------------------------------------------------------------------------------- dragging

    @property
    def dragging(self) -> bool:
        """Whether a point is dragged."""
        return self._dragged is not None

    def catch(self, measurement: Measurement) -> None:
        """Take hold of a point of a measurement."""
        self._model.select(measurement.key)
        self._dragged = (measurement.key, measurement.drawn, False)
        self.changed.emit()

    def drag(self, index: int, point: FloatArray, on_surface: bool = False) -> None:
        """Bring the point of this number to LPS mm (3,); where that measures nothing, it waits for the mouse."""
        if self._dragged is None:
            return
        key, drawn, _ = self._dragged
        try:
            if isinstance(drawn, Figure):
                moved: Drawn = drawn.moved(index, point, on_surface=drawn.on_surface and on_surface)
            else:
                moved = drawn.moved(index, point)
        except MeasurementError:
            return
        self._dragged = (key, moved, True)
        self.changed.emit()

    def let_go(self) -> bool:
        """One step of the history; False where nothing was dragged."""
        if self._dragged is None:
            return False
        key, drawn, moved = self._dragged
        self._dragged = None
        if moved:
            text = MOVES[drawn.kind] if isinstance(drawn, Figure) else "move corner"
            self._model.change(key, drawn, text)
        self.changed.emit()
        return True

    def give_up(self) -> None:
        """Put a point that is dragged back."""
        if self._dragged is not None:
            self._dragged = None
            self.changed.emit()

    def preview(self, measurement: Measurement) -> Drawn:
        """A measurement as it looks while a point of it is dragged."""
        if self._dragged is not None and measurement.key == self._dragged[0]:
            return self._dragged[1]
        return measurement.drawn

    # --------------------------------------------------------------------------------------------------- geometry

    def _made(self, place: Place, flat: FloatArray) -> Drawn:
        if self.kind not in KINDS:
            if sum(isinstance(each.drawn, Figure) for each in self._model.measurements) >= MOST_FIGURES:
                raise MeasurementError(
                    f"A plan holds {MOST_FIGURES} distances, angles and areas at most",
                    "Delete one that is no longer needed",
                )
            return self._figure(place, flat)
        points = place.points(flat, self._depth(place))
        return Triangle(
            Kind(self.kind),
            Side(self.side if self.side != "auto" else self._guess_side(place, points.mean(axis=0))),
            points,
            place.view,
            self._level.name,
            renamed(DEFINITIONS[Kind(self.kind)], Level(0), self._level),
        )

    def _figure(self, place: Place, flat: FloatArray) -> Figure:
        kind = FigureKind(self.kind)
        hits = [hit for hit in self._hits if hit is not None]
        each_own = place.plane is None and self.depth_from == SURFACE and len(hits) == len(flat)
        on_surface = each_own and kind != FigureKind.POLYGON
        depth = place.view.depth(np.array(hits)) if on_surface else self._depth(place)
        return Figure(kind, place.points(flat, depth), place.view, place.plane, on_surface)

    def _depth(self, place: Place) -> float:
        hits = [hit for hit in self._hits if hit is not None]
        if self.depth_from == SURFACE and hits:
            return float(np.median(place.view.depth(np.array(hits))))
        return float(place.view.depth(self._model.cursor))

    @property
    def _level(self) -> Level:
        """That is planned; the lumbosacral one where none is."""
        record = self._model.planning.level
        lumbar = None if record is None else record.lumbar
        known = record is not None and record.name in level_names(lumbar)
        return level_of(record.name, lumbar) if record is not None and known else Level(0, lumbar)

    def _guess_side(self, place: Place, point: FloatArray) -> str:
        """The side the view comes from; from behind, in front or in a slice, the side of the midline it lies on."""
        across = float(place.view.vector[0])
        if place.plane is None and abs(across) > np.sin(np.radians(LATERAL_DEGREES)):
            return "left" if across > 0 else "right"
        case = self._model.case
        middle = 0.0
        if case is not None:
            middle = float((case.region.centre if case.region is not None else case.geometry.centre)[0])
        return "left" if point[0] > middle else "right"

    def _on_view(self) -> None:
        """Points of the 3D view belong to one line of sight; from another one they would mean something else."""
        if self.place is not None and self.place.plane is None and self.place.view != self._model.view:
            self._forget()
            self.changed.emit()

    def _go_on(self) -> None:
        self.changed.emit()
        self.said.emit(f"{self.hint}.")

    def _forget(self) -> None:
        self._clicks, self._hits, self._mouse, self.place = [], [], None, None
