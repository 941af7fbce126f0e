"""The needles in the 3D picture: thin tubes, the chosen one with the cone of its angular tolerance."""

from __future__ import annotations

import operator

import numpy as np
import pyvista as pv
from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.model.case_model import CaseModel
from app.model.needle_section import NeedleSection
from app.model.touched import touched
from app.model.trajectories import Trajectories
from app.views.scene import Viewport
from app.widgets import palette
from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Tissue
from spinect_core.plan.records import NeedleRecord
from spinect_core.planning.needle.needle import Needle
from spinect_core.surfaces.mesh_arrays import MeshArrays

SHOWN_RADIUS_MM = 0.6
"""Thicker than 22 G is (0.36), or it could not be seen from afar; its line is the needle's axis."""
OTHERS_RADIUS_MM = 0.35
"""Of needles that are not looked at."""
HUB_MM = 12.0
ENTRY_RADIUS_MM, TOUCHED_RADIUS_MM = 1.8, 1.6
RING_MM = 14.0
"""Radius of the plane across the needle, as it is drawn."""
PATCH_MM, LIFT_MM = 6.0, 0.15
"""So much of a surface is lit where the needle touches it, so far before it."""
WIDEST_DEGREES = 15.0
SIDES = 48


class NeedleActors(QObject):
    """Keeps the needle of the chosen trajectory and the user's needles in the picture."""

    def __init__(
        self, viewport: Viewport, model: CaseModel, trajectories: Trajectories, section: NeedleSection
    ) -> None:
        # an object of Qt: its connections end with it, and with the viewport
        super().__init__(viewport)
        self._viewport, self._model = viewport, model
        self._trajectories, self._section = trajectories, section
        self._shown: list[vtkActor] = []
        self._ring: list[vtkActor] = []
        self._records: tuple[NeedleRecord | None, ...] = (None,)
        self._cut: tuple[object, ...] = ()
        trajectories.chosen_changed.connect(self._show)
        trajectories.changed.connect(self._show)
        trajectories.live_changed.connect(self._show)
        section.changed.connect(self._show_section)
        self._show()

    def _show(self) -> None:
        """The needle that is looked at with its entry, its cone and what it touches, and the user's others, thinner."""
        current = self._trajectories.current
        records = self._trajectories.beside
        chosen = None if current is None else current.needle
        wanted = (chosen, *records)
        if len(wanted) == len(self._records) and all(map(operator.is_, wanted, self._records)):
            return
        self._records = wanted
        actors = [
            actor_of(tube(each.needle, OTHERS_RADIUS_MM), palette.NEEDLE_COLOURS[each.colour], 1.0)
            for each in records
        ]
        if chosen is not None:
            actors += self._of_chosen(chosen)
        self._shown = self._instead(self._shown, actors)
        self._show_section()

    def _of_chosen(self, record: NeedleRecord) -> list[vtkActor]:
        colour, needle = palette.NEEDLE_COLOURS[record.colour], record.needle
        found = [actor_of(tube(needle), colour, 1.0)]
        mark = pv.Sphere(radius=ENTRY_RADIUS_MM, center=needle.entry, theta_resolution=16, phi_resolution=12)
        found.append(actor_of(mark, colour, 1.0))
        margin = (
            None
            if record.safety is None or record.safety.tolerance is None
            else record.safety.tolerance.angle
        )
        if margin is not None and margin.amount > 0:
            found.append(actor_of(cone(needle, margin.amount), palette.ACCENT, 0.22))
        case = self._model.case
        surfaces = None if case is None else case.surfaces
        for tissue, place in touched(record):
            ball = pv.Sphere(radius=TOUCHED_RADIUS_MM, center=place, theta_resolution=16, phi_resolution=12)
            found.append(actor_of(ball, palette.TOUCHED, 1.0))
            if surfaces is not None:
                lit = patch(surfaces.bone if tissue == Tissue.BONE else surfaces.nerve, place)
                if lit.n_cells:
                    found.append(actor_of(lit, palette.TOUCHED, 1.0))
        return found

    def _show_section(self) -> None:
        """The plane across the needle, while the needle's own views are shown."""
        needle = self._section.needle if self._section.shown else None
        state = () if needle is None else (needle.entry, needle.target, self._section.depth_mm)
        if state == self._cut:
            return
        self._cut = state
        actors = []
        if needle is not None:
            middle = needle.at(self._section.depth_mm)
            for inner, opacity in ((0.0, 0.18), (RING_MM - 0.5, 1.0)):
                disc = pv.Disc(
                    center=middle,
                    inner=inner,
                    outer=RING_MM,
                    normal=needle.towards_entry,
                    r_res=1,
                    c_res=48,
                )
                actors.append(actor_of(disc.triangulate(), palette.ACCENT, opacity))
        self._ring = self._instead(self._ring, actors)

    def _instead(self, before: list[vtkActor], after: list[vtkActor]) -> list[vtkActor]:
        """Draw some actors in place of others."""
        for actor in before:
            self._viewport.renderer.RemoveActor(actor)
        for actor in after:
            self._viewport.renderer.AddActor(actor)
        self._viewport.update()
        return after


def patch(mesh: pv.PolyData, place: FloatArray, radius_mm: float = PATCH_MM) -> pv.PolyData:
    """The part of a surface within some millimetres of a place LPS mm (3,), a little before the surface itself."""
    points = np.asarray(mesh.points)
    near = ((points - place.astype(points.dtype)) ** 2).sum(axis=1) < radius_mm**2
    faces = np.asarray(mesh.regular_faces)
    faces = faces[near[faces].all(axis=1)]
    if not len(faces):
        return pv.PolyData()
    used, corners = np.unique(faces, return_inverse=True)
    arrays = MeshArrays(points[used], corners.reshape(-1, 3), points[:0])
    lit: pv.PolyData = arrays.mesh().compute_normals(
        cell_normals=False, split_vertices=False, consistent_normals=False
    )
    lit.points = np.asarray(lit.points) + LIFT_MM * np.asarray(lit.point_data["Normals"])
    return lit


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
