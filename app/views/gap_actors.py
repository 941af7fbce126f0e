"""The gaps of the roots in the 3D picture: dashed tubes among bone and nerve, which hide them where they lie before."""

from __future__ import annotations

from PySide6.QtCore import QObject
from vtkmodules.vtkRenderingCore import vtkActor

from app.model.case_model import CaseModel
from app.views.needle_actors import actor_of
from app.views.scene import Viewport
from app.widgets import palette
from spinect_core.pictures.root_gaps import gap_mesh, supposed_mesh
from spinect_core.plan.gap_lines import gap_lines
from spinect_core.plan.records import RootRecord


class GapActors(QObject):
    """Keeps the gaps of the planning in the picture."""

    def __init__(self, viewport: Viewport, model: CaseModel) -> None:
        # an object of Qt: its connections end with it, and with the viewport
        super().__init__(viewport)
        self._viewport, self._model = viewport, model
        self._shown: list[vtkActor] = []
        self._roots: tuple[RootRecord, ...] = ()
        model.planning_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        roots = self._model.planning.roots
        if roots == self._roots:
            return
        self._roots = roots
        for actor in self._shown:
            self._viewport.renderer.RemoveActor(actor)
        lines = gap_lines(roots)
        drawn = ((gap_mesh(lines), palette.GAP), (supposed_mesh(lines), palette.SUPPOSED))
        self._shown = [actor_of(mesh, colour, 1.0) for mesh, colour in drawn if mesh.n_cells]
        for actor in self._shown:
            self._viewport.renderer.AddActor(actor)
        self._viewport.update()
