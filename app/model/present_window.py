"""What is open of the chosen zone in the present view, kept up to date while one turns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.model.case_model import CaseModel
from app.model.jobs import Job
from app.model.trajectories import Trajectories

if TYPE_CHECKING:
    from spinect_core.geometry.view import View
    from spinect_core.planning.zones.window import FreeWindow, Sight

APART_MS = 100
REST_MS = 250
SLOW_SECONDS = 0.02
"""Windows that take longer are measured when the view comes to rest, and in a thread: turning has to stay smooth."""


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
        self._sight: Sight | None = None
        self._job: Job | None = None
        self._asked: tuple[Sight, View, list[FreeWindow]] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.measure)
        model.view_changed.connect(self._on_view)
        trajectories.chosen_changed.connect(self.measure)
        trajectories.changed.connect(self.measure)

    @property
    def text(self) -> str:
        """Such as ``Left Kambin, bony, L5/S1, from here: 41.0 mm² open, circle 5.2 mm``."""
        trajectory = self._trajectories.current
        if self.window is None or trajectory is None:
            return ""
        title = trajectory.called if trajectory.own else f"{trajectory.called}, from here"
        if not self.window.open:
            return f"{title}: no free window"
        return f"{title}: {self.window.area_mm2:.1f} mm² open, circle {2 * self.window.radius_mm:.1f} mm"

    def measure(self) -> None:
        """Look along the present view: at once, or in a thread where that takes long."""
        self._timer.stop()
        trajectories, view = self._trajectories, self._model.view
        sight = trajectories.sight(trajectories.current)
        if sight is None:
            self._sight, self._slow = None, False
            self._take(None)
            return
        known, seconds = trajectories.known(sight, view), trajectories.seconds(sight)
        if sight is not self._sight:
            self._sight, self._slow = sight, seconds > SLOW_SECONDS
        if known is not None:
            self._take(known)
        elif not self._slow:
            began = time.perf_counter()
            window = sight.window(view)
            self._slow = time.perf_counter() - began > SLOW_SECONDS
            self._take(window)
        elif self._job is None:
            if self.window is not None and self.window.zone is not sight.zone:
                self._take(None)  # not another zone's meanwhile
            self._start(sight, view)

    def finish(self) -> None:
        """Wait for what is being measured; called once, when the window closes."""
        self._timer.stop()
        if self._job is not None:
            self._job.wait()

    def _start(self, sight: Sight, view: View) -> None:
        found: list[FreeWindow] = []
        self._job = Job(lambda _progress, _cancel: found.append(sight.window(view)), self)
        self._asked = sight, view, found
        self._job.finished.connect(self._on_measured)
        self._job.start()

    def _on_measured(self) -> None:
        if self._job is None or self._asked is None:
            return
        self._job.deleteLater()
        self._job = None
        sight, view, found = self._asked
        if sight is self._sight and found:
            self._take(found[0])
        if sight is not self._sight or view != self._model.view:
            self._timer.start(REST_MS)

    def _take(self, window: FreeWindow | None) -> None:
        if window is not self.window:
            self.window = window
            self.changed.emit()

    def _on_view(self) -> None:
        if self._trajectories.current is None:
            return
        if self._slow:
            self._timer.start(REST_MS)
        elif not self._timer.isActive():
            self._timer.start(APART_MS)
