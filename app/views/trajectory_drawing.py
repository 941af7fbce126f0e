"""Over the 3D picture: the names of the roots' gaps, and of the chosen trajectory its zone and free window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.model.case_model import CaseModel
from app.model.present_window import PresentWindow
from app.model.trajectories import Trajectories
from app.views.root_gaps import RootGaps
from app.views.scene import Viewport
from app.widgets import palette
from spinect_core.plan.wording import Trajectory

SAME_VIEW_DEGREES = 0.5


class TrajectoryDrawing:
    """Draws with the painter of the picture."""

    def __init__(self, model: CaseModel, trajectories: Trajectories, present: PresentWindow) -> None:
        self._model, self._trajectories, self._present = model, trajectories, present
        self._gaps = RootGaps(model)

    def on_picture(self, painter: QPainter, viewport: Viewport, names: bool = True) -> None:
        """Of the chosen trajectory borders, free window and largest circle; the names of the gaps of the roots.

        Args:
            painter: of the picture.
            viewport: that shows it.
            names: whether the gaps are named; their tubes are in the picture in any case.
        """
        if names:
            self._gaps.on_picture(painter, viewport)
        trajectory = self._trajectories.current
        if trajectory is None:
            return
        to_screen = viewport.drawn.to_screen
        self._fill_window(painter, trajectory, viewport)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for border in () if trajectory.zone is None else trajectory.zone.borders:
            line = QPolygonF([QPointF(*xy) for xy in to_screen(np.asarray(border.points))])
            for colour, width in (
                (QColor(0, 0, 0, 150), 3.6),
                (QColor(palette.BORDER_COLOURS[border.role]), 1.8),
            ):
                painter.setPen(_round_pen(colour, width))
                painter.drawPolyline(line)

    def _fill_window(self, painter: QPainter, trajectory: Trajectory, viewport: Viewport) -> None:
        outline: npt.ArrayLike
        live = self._present.window
        if live is not None:
            outline, centre, radius = live.outline_lps, live.centre, live.radius_mm
        elif (
            trajectory.window is not None
            and trajectory.window.view.angle_to(self._model.view) < SAME_VIEW_DEGREES
        ):
            outline, radius = np.asarray(trajectory.window.outline), trajectory.window.radius_mm
            centre = None if trajectory.window.centre is None else np.asarray(trajectory.window.centre)
        else:
            return
        if len(outline) < 3 or centre is None:
            return
        to_screen = viewport.drawn.to_screen
        colour = QColor(palette.KIND_COLOURS[trajectory.kind])
        fill = QColor(colour)
        fill.setAlpha(85)
        painter.setBrush(fill)
        painter.setPen(QPen(colour, 1.0))
        painter.drawPolygon(QPolygonF([QPointF(*xy) for xy in to_screen(np.asarray(outline))]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pixels = radius / viewport.drawn.mm_per_pixel
        middle = QPointF(*to_screen(np.asarray(centre)))
        painter.setPen(QPen(QColor(palette.TEXT), 1.2, Qt.PenStyle.DashLine))
        painter.drawEllipse(middle, pixels, pixels)


def _round_pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
