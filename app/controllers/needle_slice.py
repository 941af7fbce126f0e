"""The CT along the chosen needle, cut and shown in a window of its own."""

from __future__ import annotations

import re

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.model import work
from app.model.case import Case
from app.model.case_model import CaseModel
from app.model.jobs import JobRunner
from app.model.trajectories import Trajectories
from app.views.needle_slice import Picture, SliceWindow
from spinect_core.plan.wording import Trajectory
from spinect_core.planning.needle.needle import Needle


class NeedleSliceController(QObject):
    """Cuts the CT along the needle of a trajectory, and shows the picture until another is asked for.

    Args:
        model: the case.
        trajectories: the one that is looked at.
        jobs: where the CT is cut.
        window: the picture's window lies over it.

    Attributes:
        window: what is shown; None before the first time and after it was closed.

    Signals:
        save_wanted: the picture, and a name for its file.
    """

    save_wanted = Signal(object, str)

    def __init__(
        self, model: CaseModel, trajectories: Trajectories, jobs: JobRunner, window: QWidget
    ) -> None:
        super().__init__(window)
        self._model, self._trajectories, self._jobs, self._parent = model, trajectories, jobs, window
        self.window: SliceWindow | None = None
        model.case_opened.connect(self.close)

    @property
    def possible(self) -> bool:
        """Whether a needle is chosen and its CT open."""
        return self._chosen() is not None

    def show(self) -> None:
        """Cut and show."""
        chosen = self._chosen()
        if chosen is None:
            return
        case, trajectory, needle = chosen
        planning = self._model.planning
        roots, lumbar = planning.roots, None if planning.level is None else planning.level.lumbar

        def cut(picture: Picture) -> None:
            if self._model.case is case:
                self._open(picture, trajectory)

        self._jobs.start(
            "Cutting the CT along the needle",
            lambda progress, cancel: work.cut_along(case, needle, roots, lumbar, progress, cancel),
            cut,
        )

    def close(self) -> None:
        """Close what is shown."""
        if self.window is not None:
            self.window.close()

    def _chosen(self) -> tuple[Case, Trajectory, Needle] | None:
        case, current = self._model.case, self._trajectories.current
        if case is None or case.volume is None or case.labels is None:
            return None
        return None if current is None or current.needle is None else (case, current, current.needle.needle)

    def _open(self, picture: Picture, trajectory: Trajectory) -> None:
        self.close()
        window = SliceWindow(picture, trajectory.called, self._parent)
        name = "-".join(re.findall(r"\w+", trajectory.title.lower()))
        window.save_wanted.connect(lambda: self.save_wanted.emit(picture, f"slice-{name}.png"))
        window.finished.connect(self._forget)
        self.window = window
        window.show()

    def _forget(self) -> None:
        if self.sender() is self.window:
            self.window = None
