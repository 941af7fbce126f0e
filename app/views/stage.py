"""Where the 3D view stands: built when it is first needed, and left out where it cannot be drawn.

Its libraries take longer to load than everything else, so nothing of them is imported before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.model.comparing import Comparing
from app.model.dragging import Dragging
from app.model.measuring import Measuring
from app.model.needle_section import NeedleSection
from app.model.ongoing import Ongoing
from app.model.present_window import PresentWindow
from app.model.trajectories import Trajectories

if TYPE_CHECKING:
    from app.views.distance_actors import DistanceActors
    from app.views.gap_actors import GapActors
    from app.views.measuring_tools import ViewportMeasuring
    from app.views.needle_actors import NeedleActors
    from app.views.organ_actors import OrganActors
    from app.views.overlay import Overlay
    from app.views.scene import Viewport
    from app.views.skin_actor import SkinActor
    from app.views.trajectory_drawing import TrajectoryDrawing

NEAR_MM = 70.0
"""Across the shorter side of the picture, when one looks down a needle."""
WITH_ITS_SURROUNDINGS_MM = 140.0
"""The same, when the picture shows where a trajectory was found."""


class Stage(QObject):
    """The 3D view with its tool and its drawings.

    Args:
        model: what is shown.
        appearance: how.
        trajectories: the one that is looked at.
        present: its window in the present view.
        ongoing: the running job.
        wanted: whether there is to be a 3D view at all.
        parent: the widget that holds it.
        dragging: what a drag of the needle does; None where it cannot be dragged.
        comparing: the labels with another set; None where they cannot be compared.
        section: where the plane across the needle lies; None where that is not shown.
        measuring: what is drawn, here and elsewhere; None where it is drawn here alone.

    Attributes:
        viewport: the picture; None until it was built.
        measuring: what is drawn in it.
        tool: places and drags points of that in it.
        drawing: draws the chosen trajectory over it.
        overlay: the sheet that is written on.
        needle: the needles in it.
        skin: of the case in it.
        gaps: of the roots in it.
        organs: of the case in it.
        distances: of bone and nerve from another set of labels, in it.

    Signals:
        started: the 3D view was built.
        failed: why it could not be.
    """

    started = Signal()
    failed = Signal(str)

    def __init__(
        self,
        model: CaseModel,
        appearance: Appearance,
        trajectories: Trajectories,
        present: PresentWindow,
        ongoing: Ongoing,
        wanted: bool,
        parent: QWidget,
        *,
        dragging: Dragging | None = None,
        comparing: Comparing | None = None,
        section: NeedleSection | None = None,
        measuring: Measuring | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._appearance = model, appearance
        self._trajectories, self._present, self._parent = trajectories, present, parent
        self._ongoing, self._wanted, self._dragging = ongoing, wanted, dragging
        self._comparing = comparing
        self._section = section or NeedleSection(trajectories, self)
        self.measuring = measuring or Measuring(model, self, in_slices=False)
        self.viewport: Viewport | None = None
        self.tool: ViewportMeasuring | None = None
        self.drawing: TrajectoryDrawing | None = None
        self.overlay: Overlay | None = None
        self.needle: NeedleActors | None = None
        self.skin: SkinActor | None = None
        self.gaps: GapActors | None = None
        self.organs: OrganActors | None = None
        self.distances: DistanceActors | None = None

    @property
    def wanted(self) -> bool:
        """Whether the 3D view is still to be built."""
        return self._wanted

    def start(self) -> None:
        """Build the 3D view, once; without its libraries the window goes on without it."""
        if not self._wanted:
            return
        self._wanted = False
        try:
            from app.views.distance_actors import DistanceActors
            from app.views.gap_actors import GapActors
            from app.views.measuring_tools import ViewportMeasuring
            from app.views.mouse_tools import MouseTools
            from app.views.needle_actors import NeedleActors, examples
            from app.views.organ_actors import OrganActors
            from app.views.overlay import Overlay
            from app.views.scene import Viewport
            from app.views.skin_actor import SkinActor
            from app.views.trajectory_drawing import TrajectoryDrawing
        except ImportError as error:
            self.failed.emit(f"3D is left out: {error}")
            return
        viewport = Viewport(self._model, self._appearance, self._parent)
        self.tool = ViewportMeasuring(viewport, self._model, self.measuring)
        viewport.tool = self.tool
        if self._dragging is not None:
            viewport.tool = MouseTools(viewport, self.tool, self._trajectories, self._dragging)
        self.drawing = TrajectoryDrawing(self._model, self._trajectories, self._present)
        self.overlay = Overlay(
            viewport, self._model, self.tool, self.drawing, self._trajectories, self._ongoing
        )
        self._present.changed.connect(self.overlay.update)
        self.needle = NeedleActors(viewport, self._model, self._trajectories, self._section)
        self.skin = SkinActor(viewport, self._trajectories, self._appearance)
        self.gaps = GapActors(viewport, self._model)
        self.organs = OrganActors(viewport, self._model, self._appearance)
        if self._comparing is not None:
            self.distances = DistanceActors(viewport, self._model, self._comparing, self._appearance)
        self.viewport = viewport
        self.started.emit()
        QTimer.singleShot(0, viewport, lambda: viewport.warm_up(examples()))

    def close(self) -> None:
        """Give the graphics back."""
        self._wanted = False
        if self.viewport is not None:
            viewport, self.viewport = self.viewport, None
            viewport.close()

    # --------------------------------------------------------------------------------------------------- camera

    def fit(self) -> None:
        """Show everything, in the same line of sight."""
        if self.viewport is not None:
            self.viewport.fit()

    def turn_about_cursor(self) -> None:
        """Bring the cross-hair to the middle of the picture; the camera then turns about it."""
        if self.viewport is not None:
            self.viewport.centre_on(self._model.cursor)

    def look_down_needle(self) -> None:
        """Look along the chosen needle from near."""
        current = self._trajectories.current
        if current is not None and current.needle is not None:
            needle = current.needle.needle
            self._model.set_view(needle.view)
            self._come_near(needle.target, NEAR_MM)

    def show_trajectory(self) -> None:
        """Show where the chosen trajectory lies, with its surroundings."""
        current = self._trajectories.current
        if current is not None and current.target is not None:
            self._come_near(current.target, WITH_ITS_SURROUNDINGS_MM)

    def _come_near(self, point: npt.ArrayLike, across_mm: float) -> None:
        if self.viewport is not None:
            self.viewport.come_near(np.asarray(point, dtype=np.float64), across_mm)
