"""Where the plane across the needle lies: a depth between skin and target, shared by all views."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.trajectories import Trajectories
from spinect_core.planning.needle.needle import Needle

STEP_MM = 1.0
"""One step of the wheel."""


class NeedleSection(QObject):
    """The place of the plane across the needle that is looked at.

    Attributes:
        shown: whether the views of the needle can be seen.

    Signals:
        changed: the needle is another one or elsewhere, or its plane is.
    """

    changed = Signal()

    def __init__(self, trajectories: Trajectories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._trajectories = trajectories
        self.shown = False
        self._key = ""
        self._above_mm = 0.0
        trajectories.changed.connect(self._follow)
        trajectories.chosen_changed.connect(self._follow)
        trajectories.live_changed.connect(self.changed)

    @property
    def needle(self) -> Needle | None:
        """The needle that is looked at, where it is just now."""
        current = self._trajectories.current
        return None if current is None or current.needle is None else current.needle.needle

    @property
    def depth_mm(self) -> float:
        """From the skin to the plane, at most as deep as the target."""
        needle = self.needle
        return (
            0.0 if needle is None else float(np.clip(needle.depth_mm - self._above_mm, 0.0, needle.depth_mm))
        )

    @property
    def words(self) -> str:
        """Such as ``63 mm from the skin, 25 mm before the target``."""
        needle = self.needle
        if needle is None:
            return ""
        left = needle.depth_mm - self.depth_mm
        return f"{self.depth_mm:.0f} mm from the skin, " + (
            f"{left:.0f} mm before the target" if round(left) else "at the target"
        )

    def slide(self, steps: float) -> None:
        """Bring the plane nearer to the target by steps of the wheel, or farther away."""
        self.put(self.depth_mm + steps * STEP_MM)

    def put(self, depth_mm: float) -> None:
        """Bring the plane to a depth from the skin; the place is kept from the target."""
        needle = self.needle
        if needle is None:
            return
        above = float(np.clip(needle.depth_mm - depth_mm, 0.0, needle.depth_mm))
        if above != self._above_mm:
            self._above_mm = above
            self.changed.emit()

    def show(self, shown: bool) -> None:
        """Say whether the views of the needle can be seen."""
        if shown != self.shown:
            self.shown = shown
            self.changed.emit()

    def _follow(self) -> None:
        if self._trajectories.chosen != self._key:
            self._key, self._above_mm = self._trajectories.chosen, 0.0
        self.changed.emit()
