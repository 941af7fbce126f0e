"""The needles in the 3D picture: thin tubes, the chosen one with the cone of its angular tolerance."""

from __future__ import annotations

import operator

import numpy as np
import pyvista as pv
from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.model.trajectories import Trajectories
from app.views.scene import Viewport
from app.widgets import palette
from spinect_core.plan.records import NeedleRecord
from spinect_core.planning.needle.needle import Needle

SHOWN_RADIUS_MM = 0.6
"""Thicker than 22 G is (0.36), or it could not be seen from afar; its line is the needle's axis."""
OTHERS_RADIUS_MM = 0.35
"""Of needles that are not looked at."""
HUB_MM = 12.0
WIDEST_DEGREES = 15.0
SIDES = 48


class NeedleActors(QObject):
    """Keeps the needle of the chosen trajectory and the user's needles in the picture."""

    def __init__(self, viewport: Viewport, trajectories: Trajectories) -> None:
        # an object of Qt: its connections end with it, and with the viewport
        super().__init__(viewport)
        self._viewport, self._trajectories = viewport, trajectories
        self._shown: list[vtkActor] = []
        self._records: tuple[NeedleRecord | None, ...] = (None,)
        trajectories.chosen_changed.connect(self._show)
        trajectories.changed.connect(self._show)
        trajectories.live_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        """The needle that is looked at with its cone, and the user's others, thinner."""
        current = self._trajectories.current
        records = self._trajectories.beside
        chosen = None if current is None else current.needle
        wanted = (chosen, *records)
        if len(wanted) == len(self._records) and all(map(operator.is_, wanted, self._records)):
            return
        self._records = wanted
        for actor in self._shown:
            self._viewport.renderer.RemoveActor(actor)
        self._shown = [
            actor_of(tube(each.needle, OTHERS_RADIUS_MM), palette.NEEDLE_COLOURS[each.colour], 1.0)
            for each in records
        ]
        if chosen is not None:
            self._shown.append(actor_of(tube(chosen.needle), palette.NEEDLE_COLOURS[chosen.colour], 1.0))
            margin = (
                None
                if chosen.safety is None or chosen.safety.tolerance is None
                else (chosen.safety.tolerance.angle)
            )
            if margin is not None and margin.amount > 0:
                self._shown.append(actor_of(cone(chosen.needle, margin.amount), palette.ACCENT, 0.22))
        for actor in self._shown:
            self._viewport.renderer.AddActor(actor)
        self._viewport.update()


def tube(needle: Needle, radius_mm: float = SHOWN_RADIUS_MM) -> pv.PolyData:
    """The needle from its hub, a little outside the skin, to the target."""
    hub = np.asarray(needle.entry) + HUB_MM * needle.towards_entry
    line: pv.PolyData = pv.Line(hub, needle.target)
    tube: pv.PolyData = line.tube(radius=radius_mm, n_sides=16, capping=True)
    return tube


def cone(needle: Needle, degrees: float) -> pv.PolyData:
    """The cone about the needle with its tip at the skin entry."""
    radius = needle.depth_mm * float(np.tan(np.radians(min(degrees, WIDEST_DEGREES))))
    middle = (np.asarray(needle.entry) + np.asarray(needle.target)) / 2
    return pv.Cone(
        center=middle,
        direction=needle.towards_entry,
        height=needle.depth_mm,
        radius=radius,
        resolution=SIDES,
        capping=False,
    )


def examples() -> list[vtkActor]:
    """A tube and a cone as a needle has them, of no size: for these the graphics driver gets ready in time."""
    line: pv.PolyData = pv.Line((0, 0, 0), (0, 1e-3, 0))
    return [
        actor_of(line.tube(radius=1e-3, n_sides=3, capping=True), palette.NEEDLE, 1.0),
        actor_of(pv.Cone(height=1e-3, radius=1e-3, resolution=3, capping=False), palette.ACCENT, 0.22),
    ]


def actor_of(mesh: pv.PolyData, colour: str, opacity: float) -> vtkActor:
    """A mesh in one colour, as needles and gaps are drawn.

    Args:
        mesh: LPS mm.
        colour: "#rrggbb".
        opacity: 0 to 1.
    """
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    shade, prop = QColor(colour), actor.GetProperty()
    prop.SetColor(shade.redF(), shade.greenF(), shade.blueF())
    prop.SetOpacity(opacity)
    prop.SetAmbient(0.35)
    prop.SetSpecular(0.2 if opacity == 1 else 0.0)
    return actor
