"""The ends of the needle that is looked at, to be caught and dragged with the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.model.dragging import Dragging, End
from app.model.trajectories import Trajectories
from spinect_core.base.arrays import FloatArray

REACH = 10.0
"""Logical pixels within which an end is caught."""
STILL = 3.0
"""A mouse that has moved by less has only clicked."""
RADIUS = 5.0


class Pictured(Protocol):
    """A view that shows a needle."""

    def setCursor(self, cursor: Qt.CursorShape) -> None:
        """Another mouse pointer."""

    def unsetCursor(self) -> None:
        """The usual one."""


class NeedleHandles:
    """Catches the ends of the needle in one view.

    Args:
        view: that shows them.
        trajectories: the needle that is looked at.
        dragging: what a drag does.
        to_screen: logical pixels (n, 2) of LPS mm (n, 3) in the view.
        to_patient: LPS mm (3,) under a position, at the depth of a place LPS mm (3,); None where there is nothing.
    """

    def __init__(
        self,
        view: Pictured,
        trajectories: Trajectories,
        dragging: Dragging,
        to_screen: Callable[[npt.ArrayLike], FloatArray],
        to_patient: Callable[[QPointF, FloatArray], FloatArray | None],
    ) -> None:
        self._view, self._trajectories, self._dragging = view, trajectories, dragging
        self._to_screen, self._to_patient = to_screen, to_patient
        self._caught: tuple[End, QPointF, FloatArray] | None = None
        self.hot: End | None = None

    def ends(self) -> dict[End, FloatArray]:
        """LPS mm (3,) of both ends of the needle that is looked at; empty without one."""
        current = self._trajectories.current
        if current is None or current.needle is None:
            return {}
        needle = current.needle.needle
        return {End.ENTRY: np.asarray(needle.entry), End.TARGET: np.asarray(needle.target)}

    def at(self, position: QPointF) -> End | None:
        """The end under a position; where both are, the entry, which lies nearer to the viewer."""
        ends = self.ends()
        if not ends:
            return None
        places = self._to_screen(np.stack(list(ends.values())))
        away = np.linalg.norm(places - (position.x(), position.y()), axis=1)
        found = int(away.argmin())
        return list(ends)[found] if away[found] <= REACH else None

    # ------------------------------------------------------------------------------------------------------- the mouse

    def press(self, position: QPointF) -> bool:
        """Left button down; True where an end was caught."""
        end = self.at(position)
        if end is None or not self._dragging.begin(end):
            return False
        self._caught = end, position, self.ends()[end]
        return True

    def move(self, position: QPointF, pressed: bool) -> bool:
        """The mouse moved; True where an end follows it, or is under it."""
        if self._caught is not None and pressed:
            _, start, place = self._caught
            if (position - start).manhattanLength() >= STILL or self._trajectories.live is not None:
                point = self._to_patient(position, place)
                if point is not None:
                    self._dragging.bring(point)
            return True
        hot = self.at(position)
        if hot != self.hot:
            self.hot = hot
            if hot is None:
                self._view.unsetCursor()
            else:
                self._view.setCursor(Qt.CursorShape.OpenHandCursor)
        return hot is not None

    def release(self) -> bool:
        """Left button up; True where an end was let go."""
        if self._caught is None:
            return False
        self._caught = None
        self._dragging.end_drag()
        return True

    def stop(self) -> bool:
        """Give up the drag; True where there was one."""
        if self._caught is None:
            return False
        self._caught = None
        self._dragging.give_up()
        return True


def draw_handle(painter: QPainter, at: QPointF, colour: QColor, *, near: bool) -> None:
    """An end that can be dragged: a full disc where it lies in the plane that is shown, a ring where it does not."""
    painter.setPen(QPen(QColor(0, 0, 0, 190), 3.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(at, RADIUS, RADIUS)
    painter.setPen(QPen(colour, 1.6))
    painter.setBrush(colour if near else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(at, RADIUS, RADIUS)
    painter.setBrush(Qt.BrushStyle.NoBrush)
