"""Bone and nerve coloured by how far they lie from another set of labels, in place of their usual looks."""

from __future__ import annotations

import pyvista as pv
from PySide6.QtCore import QObject
from vtkmodules.vtkCommonCore import vtkLookupTable
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.model.comparing import FULL_MM, Comparing, colour_table
from app.views.scene import Viewport
from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import BONE, NERVE

STEPS = 96
"""Colours of the table."""
MM = "mm"


class DistanceActors(QObject):
    """Keeps the coloured surfaces in the picture while they are wanted.

    Args:
        viewport: the picture.
        model: the case.
        comparing: its comparison.
        appearance: whether bone and nerve are shown at all, and how clear.
    """

    def __init__(
        self, viewport: Viewport, model: CaseModel, comparing: Comparing, appearance: Appearance
    ) -> None:
        super().__init__(viewport)  # its connections end with the viewport
        self._viewport, self._model = viewport, model
        self._comparing, self._appearance = comparing, appearance
        self._shown: dict[str, vtkActor] = {}
        self._of: tuple[object, object] = (None, None)
        comparing.changed.connect(self._show)
        appearance.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        comparison, case = self._comparing.comparison, self._model.case
        wanted = (
            comparison
            if self._comparing.coloured and case is not None and case.surfaces is not None
            else None
        )
        of = (None, None) if wanted is None or case is None else (wanted, case.surfaces)
        # The distances are of the points of these surfaces, and lie nowhere on others.
        if any(one is not other for one, other in zip(of, self._of, strict=True)):
            self._of = of
            for actor in self._shown.values():
                self._viewport.renderer.RemoveActor(actor)
            self._shown = {}
            if wanted is not None and case is not None and case.surfaces is not None:
                coarse = {BONE: ("bone", case.surfaces.bone_lod), NERVE: ("nerve", case.surfaces.nerve_lod)}
                for tissue, away in wanted.found.distances.items():
                    name, mesh = coarse[tissue]
                    self._shown[name] = _coloured(mesh, away)
            for actor in self._shown.values():
                self._viewport.renderer.AddActor(actor)
            self._viewport.cover(frozenset(self._shown))
        for name, actor in self._shown.items():
            part = self._appearance.part(name)
            actor.SetVisibility(part.visible)
            actor.GetProperty().SetOpacity(part.opacity)
        self._viewport.update()


def _coloured(mesh: pv.PolyData, away: FloatArray) -> vtkActor:
    """A surface whose points have the colours of their distances in mm."""
    shown = pv.PolyData()
    shown.ShallowCopy(mesh)
    shown.point_data[MM] = away
    shown.GetPointData().SetActiveScalars(MM)
    table = vtkLookupTable()
    table.SetNumberOfTableValues(STEPS)
    table.SetRange(0.0, FULL_MM)
    for place, colour in enumerate(colour_table(STEPS)):
        table.SetTableValue(place, *colour.tolist(), 1.0)
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(shown)
    mapper.SetLookupTable(table)
    mapper.SetScalarRange(0.0, FULL_MM)
    mapper.InterpolateScalarsBeforeMappingOn()
    mapper.ScalarVisibilityOn()
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetAmbient(0.12)
    actor.GetProperty().SetSpecular(0.1)
    return actor
