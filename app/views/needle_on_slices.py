"""The needles, and the gaps of the roots, over the slices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.model.case_model import CaseModel
from app.model.dragging import Dragging
from app.model.trajectories import Trajectories
from app.views.needle_handles import NeedleHandles, draw_handle
from app.views.needle_plane_view import within
from app.views.root_gaps import RootGaps
from app.views.slices import SliceView
from app.widgets import palette
from spinect_core.base.arrays import FloatArray
from spinect_core.plan.records import NeedleRecord


class NeedleOnSlices:
    """Draws with the painters of the slices, and lets the ends of the needle be dragged there."""

    def __init__(self, model: CaseModel, trajectories: Trajectories, dragging: Dragging) -> None:
        self._model, self._trajectories, self._dragging = model, trajectories, dragging
        self._gaps = RootGaps(model)

    def handles(self, view: SliceView) -> NeedleHandles:
        """What catches the ends in a slice; an end that is dragged keeps its distance from the slice."""

        def to_patient(position: QPointF, place: FloatArray) -> FloatArray | None:
            point = view.to_patient(position)
            if point is not None:
                point[view.plane.normal] = place[view.plane.normal]
            return point

        return NeedleHandles(view, self._trajectories, self._dragging, view.to_screen, to_patient)

    def draw(self, painter: QPainter, view: SliceView) -> None:
        """The gaps of the roots; each needle as a line, solid where it lies near the slice, with the ends of one."""
        self._gaps.on_slice(painter, view)
        for record in self._trajectories.beside:
            self._draw(painter, view, record, chosen=False)
        current = self._trajectories.current
        if current is not None and current.needle is not None:
            self._draw(painter, view, current.needle, chosen=True)

    def _draw(self, painter: QPainter, view: SliceView, record: NeedleRecord, *, chosen: bool) -> None:
        needle = record.needle
        entry, target = np.asarray(needle.entry), np.asarray(needle.target)
        axis, position = view.plane.normal, float(self._model.cursor[view.plane.normal])
        colour = QColor(palette.NEEDLE_COLOURS[record.colour])
        faint = QColor(colour)
        faint.setAlpha(170 if chosen else 90)
        ends = [QPointF(*xy) for xy in view.to_screen(np.stack([entry, target]))]
        painter.setPen(QPen(faint, 1.4 if chosen else 1.0, Qt.PenStyle.DashLine))
        painter.drawLine(ends[0], ends[1])
        half = view.half_slice_mm
        inside = near_plane(entry, target, axis, position, half)
        if inside is not None:
            part = [QPointF(*xy) for xy in view.to_screen(np.stack(inside))]
            wide = 2.0 if chosen else 1.4
            painter.setPen(_round_pen(QColor(0, 0, 0, 160), 2 * wide))
            painter.drawLine(part[0], part[1])
            painter.setPen(_round_pen(colour, wide))
            painter.drawLine(part[0], part[1])
        for end, place in zip(ends, (entry, target), strict=True) if chosen else ():
            draw_handle(painter, end, colour, near=abs(float(place[axis]) - position) <= half)


def near_plane(
    entry: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    axis: int,
    position: float,
    half_mm: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """The part of a needle within half a slice of a plane across a patient axis; None where no part is."""
    part = within(np.array([entry[axis] - position, target[axis] - position]), half_mm)
    return None if part is None else (entry + part[0] * (target - entry), entry + part[1] * (target - entry))


def _round_pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
