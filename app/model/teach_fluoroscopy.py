"""Fluoroscopy for a student: a picture is taken on a press and only then, and each is counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.case_model import CaseModel
from app.model.fluoroscopy import Fluoroscopy
from app.model.trajectories import Trajectories
from spinect_core.base.arrays import FloatArray
from spinect_core.planning.needle.needle import Needle


class ShotFluoroscopy(Fluoroscopy):
    """Takes a picture when it is told to.

    Args:
        model: the case and the view.
        trajectories: none of them is shown.
        needle_of: gives the student's needle.

    Signals:
        shot: a picture was asked for.
    """

    shot = Signal()

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        needle_of: Callable[[], Needle | None],
        parent: QObject | None = None,
    ) -> None:
        self._armed = False
        self._needle_of = needle_of
        self._seen: Needle | None = None
        super().__init__(model, trajectories, parent)

    def shoot(self) -> None:
        """Take a picture of the present view."""
        self._armed = True
        self._seen = self._needle_of()
        self._done = None  # the same picture twice is two pictures
        self.shot.emit()
        super()._want()

    def clear(self) -> None:
        """Take the picture away."""
        self.picture = self._seen = None
        self.taken.emit()

    def _want(self) -> None:
        if self._armed:
            super()._want()

    def _take(self) -> None:
        self._armed = False
        super()._take()

    @property
    def needle(self) -> Needle | None:
        """The student's, where it was when the picture was taken."""
        return self._seen

    @property
    def target(self) -> FloatArray:
        """LPS mm (3,) of the middle of the picture: the cross-hair, so that a needle does not move the C-arm."""
        return np.asarray(self._model.cursor)
