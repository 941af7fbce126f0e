"""The skin in the 3D picture, translucent before bone and nerve, where the user wants it."""

from __future__ import annotations

from PySide6.QtCore import QObject
from vtkmodules.vtkRenderingCore import vtkActor

from app.model.appearance import Appearance
from app.model.trajectories import Trajectories
from app.views.needle_actors import actor_of
from app.views.scene import Viewport


class SkinActor(QObject):
    """Keeps the skin of the case in the picture, as the appearance has it."""

    def __init__(self, viewport: Viewport, trajectories: Trajectories, appearance: Appearance) -> None:
        # an object of Qt: its connections end with it, and with the viewport
        super().__init__(viewport)
        self._viewport, self._trajectories, self._appearance = viewport, trajectories, appearance
        self._shown: vtkActor | None = None
        self._state: object = None
        trajectories.changed.connect(self._show)
        appearance.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        part, skin = self._appearance.part("skin"), self._trajectories.skin
        wanted = skin if part.visible and part.opacity > 0 and skin is not None and skin.n_cells else None
        state = (id(wanted), part) if wanted is not None else None
        if state == self._state:
            return
        self._state = state
        if self._shown is not None:
            self._viewport.renderer.RemoveActor(self._shown)
            self._shown = None
        if wanted is not None:
            self._shown = actor_of(wanted, part.colour, min(part.opacity, 0.99))
            # One looks through the near side; the far one would only cloud what lies between.
            self._shown.GetProperty().BackfaceCullingOn()
            self._viewport.renderer.AddActor(self._shown)
        self._viewport.update()
