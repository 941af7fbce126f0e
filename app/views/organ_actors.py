"""Organs in the 3D picture, translucent among bone and nerve, where the user wants them there."""

from __future__ import annotations

from PySide6.QtCore import QObject
from vtkmodules.vtkRenderingCore import vtkActor

from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.views.needle_actors import actor_of
from app.views.scene import Viewport
from spinect_core.pictures.palette import ORGANS


class OrganActors(QObject):
    """Keeps the organs of the case in the picture, as the appearance has them."""

    def __init__(self, viewport: Viewport, model: CaseModel, appearance: Appearance) -> None:
        # an object of Qt: its connections end with it, and with the viewport
        super().__init__(viewport)
        self._viewport, self._model, self._appearance = viewport, model, appearance
        self._shown: list[vtkActor] = []
        self._state: object = None
        model.organs_changed.connect(self._show)
        appearance.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        case, part = self._model.case, self._appearance.part("organs_3d")
        meshes = {} if case is None or not part.visible else case.organ_meshes
        state = (id(case and case.organs), part) if meshes else None
        if state == self._state:
            return
        self._state = state
        for actor in self._shown:
            self._viewport.renderer.RemoveActor(actor)
        self._shown = [
            actor_of(mesh, "#{:02x}{:02x}{:02x}".format(*ORGANS[organ]), part.opacity)
            for organ, mesh in meshes.items()
        ]
        for actor in self._shown:
            self._viewport.renderer.AddActor(actor)
        self._viewport.update()
