"""What is open of the chosen zone in the present view, kept up to date while one turns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.model.case_model import CaseModel
from app.model.trajectories import Trajectories

if TYPE_CHECKING:
    from spinect_core.planning.zones.window import FreeWindow

APART_MS = 100
REST_MS = 250
SLOW_SECONDS = 0.02
"""Windows that take longer are measured only when the view comes to rest: turning has to stay smooth."""


class PresentWindow(QObject):
    """Measures at most ten times a second.

    Attributes:
        window: in the view it was measured in; None without a chosen zone at hand.
    """

    changed = Signal()

    def __init__(self, model: CaseModel, trajectories: Trajectories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._trajectories = model, trajectories
        self.window: FreeWindow | None = None
        self._slow = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.measure)
        model.view_changed.connect(self._on_view)
        trajectories.chosen_changed.connect(self.measure)
        trajectories.changed.connect(self.measure)

    @property
    def text(self) -> str:
        """Such as ``Left Kambin, bony, from here: 41.0 mm² open, circle 5.2 mm``."""
        trajectory = self._trajectories.current
        if self.window is None or trajectory is None:
            return ""
        title = trajectory.title if trajectory.own else f"{trajectory.title}, from here"
        if not self.window.open:
            return f"{title}: no free window"
        return f"{title}: {self.window.area_mm2:.1f} mm² open, circle {2 * self.window.radius_mm:.1f} mm"

    def measure(self) -> None:
        """Look along the present view now."""
        self._timer.stop()
        sight = self._trajectories.sight(self._trajectories.current)
        before = self.window
        if sight is None:
            self.window = None
            self._slow = False
        else:
            began = time.perf_counter()
            self.window = sight.window(self._model.view)
            self._slow = time.perf_counter() - began > SLOW_SECONDS
        if self.window is not before:
            self.changed.emit()

    def _on_view(self) -> None:
        if self._trajectories.current is None:
            return
        if self._slow:
            self._timer.start(REST_MS)
        elif not self._timer.isActive():
            self._timer.start(APART_MS)
