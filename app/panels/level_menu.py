"""Which level is planned, and how its vertebrae are counted: two sub-menus."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.model.case_model import CaseModel
from app.model.trajectories import Trajectories
from app.widgets.menus import add_entry
from spinect_core.anatomy.levels import LEVELS
from spinect_core.geometry.triangle import DEFAULT_LEVEL

COUNTS = (
    (0, "As the program counts"),
    (1, "What it calls L5/S1 is L4/5"),
    (-1, "What it calls L4/5 is L5/S1"),
)
"""Shifts of the numbering: how many names every level moves down."""


class LevelMenu(QMenu):
    """Choosing an entry plans that level at once.

    Signals:
        level_wanted: plan the level of this name.
        shift_wanted: count the vertebrae with this shift.
    """

    level_wanted = Signal(str)
    shift_wanted = Signal(int)

    def __init__(self, model: CaseModel, trajectories: Trajectories, parent: QWidget) -> None:
        super().__init__("Level", parent)
        self._model = model
        self.levels: dict[str, QAction] = {}
        self.counts: dict[int, QAction] = {}
        levels, counts = QActionGroup(self), QActionGroup(self)
        for name in LEVELS:
            action = self._entry(levels, name)
            action.triggered.connect(lambda _=False, name=name: self.level_wanted.emit(name))
            self.levels[name] = action
        self.addSeparator()
        for shift, text in COUNTS:
            action = self._entry(counts, text)
            action.triggered.connect(lambda _=False, shift=shift: self.shift_wanted.emit(shift))
            self.counts[shift] = action
        self.aboutToShow.connect(self.refresh)
        trajectories.changed.connect(self.refresh)
        model.labels_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Mark what is planned now."""
        level, case = self._model.planning.level, self._model.case
        self.levels[DEFAULT_LEVEL if level is None else level.name].setChecked(True)
        shift = 0 if level is None else level.shift
        if shift in self.counts:
            self.counts[shift].setChecked(True)
        self.setEnabled(case is not None and case.surfaces is not None)

    def _entry(self, group: QActionGroup, text: str) -> QAction:
        action = add_entry(self, text)
        action.setCheckable(True)
        group.addAction(action)
        return action
