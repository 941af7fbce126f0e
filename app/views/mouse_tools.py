"""The tools of the 3D view: the needle that is looked at, and behind it what was measured."""

from __future__ import annotations

import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt

from app.model.dragging import Dragging
from app.model.trajectories import Trajectories
from app.views.measuring_tools import ViewportMeasuring
from app.views.needle_handles import NeedleHandles
from app.views.scene import Viewport
from spinect_core.base.arrays import FloatArray


class MouseTools:
    """Takes the mouse of the viewport: measuring while something is drawn, else the ends of the needle, then points.

    Attributes:
        measuring: as given.
        needle: catches the ends of the needle; one that is dragged stays in the plane that faces the viewer.
    """

    def __init__(
        self, viewport: Viewport, measuring: ViewportMeasuring, trajectories: Trajectories, dragging: Dragging
    ) -> None:
        self.measuring = measuring

        def to_screen(points: npt.ArrayLike) -> FloatArray:
            return viewport.turntable.to_screen(points)

        def to_patient(position: QPointF, place: FloatArray) -> FloatArray | None:
            turntable = viewport.turntable
            return turntable.at_depth((position.x(), position.y()), float(turntable.view.depth(place)))

        self.needle = NeedleHandles(viewport, trajectories, dragging, to_screen, to_patient)

    def press(self, position: QPointF) -> bool:
        """Left button down."""
        return (not self._drawing and self.needle.press(position)) or self.measuring.press(position)

    def move(self, position: QPointF, pressed: bool) -> bool:
        """Mouse moved."""
        return (not self._drawing and self.needle.move(position, pressed)) or self.measuring.move(
            position, pressed
        )

    def release(self, position: QPointF) -> bool:
        """Left button up."""
        return self.needle.release() or self.measuring.release(position)

    def key(self, key: int) -> bool:
        """Esc gives up a drag; other keys are those of measuring."""
        return (key == Qt.Key.Key_Escape and self.needle.stop()) or self.measuring.key(key)

    @property
    def _drawing(self) -> bool:
        return self.measuring.measuring.drawing
