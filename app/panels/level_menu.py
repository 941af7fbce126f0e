"""Which level is planned, which disc it is, and how many lumbar vertebrae there are."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.model.case_model import CaseModel
from app.model.trajectories import Trajectories
from app.widgets.menus import add_entry
from spinect_core.anatomy.levels import LEVELS, LUMBAR_COUNTS, level_names, recounted
from spinect_core.plan.wording import NOT_KNOWN

COUNTS = (
    (0, "As the program counts"),
    (1, "What it calls L5/S1 is L4/5"),
    (-1, "What it calls L4/5 is L5/S1"),
)
"""Shifts of the numbering: how many names every level moves down."""


class LevelMenu(QMenu):
    """Choosing a level or a shift plans at once; choosing how many lumbar vertebrae there are changes names alone.

    Signals:
        level_wanted: plan the level of this name.
        shift_wanted: count the vertebrae with this shift.
        lumbar_wanted: name all by this many lumbar vertebrae; None where they are not known.
    """

    level_wanted = Signal(str)
    shift_wanted = Signal(int)
    lumbar_wanted = Signal(object)

    def __init__(self, model: CaseModel, trajectories: Trajectories, parent: QWidget) -> None:
        super().__init__("Level", parent)
        self._model = model
        self.levels: dict[str, QAction] = {}
        self.counts: dict[int, QAction] = {}
        self.lumbar: dict[int | None, QAction] = {}
        levels, counts, lumbar = QActionGroup(self), QActionGroup(self), QActionGroup(self)
        for name in LEVELS:
            action = self._entry(levels, name)
            action.triggered.connect(lambda _=False, action=action: self.level_wanted.emit(action.text()))
            self.levels[name] = action
        self.addSeparator()
        for shift, text in COUNTS:
            action = self._entry(counts, text)
            action.triggered.connect(lambda _=False, shift=shift: self.shift_wanted.emit(shift))
            self.counts[shift] = action
        self.addSeparator()
        for count in (*LUMBAR_COUNTS, None):
            action = self._entry(lumbar, NOT_KNOWN if count is None else f"{count} lumbar vertebrae")
            action.triggered.connect(lambda _=False, count=count: self.lumbar_wanted.emit(count))
            self.lumbar[count] = action
        self.aboutToShow.connect(self.refresh)
        trajectories.changed.connect(self.refresh)
        model.labels_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Mark what is planned now."""
        level, case = self._model.planning.level, self._model.case
        lumbar = None if level is None else level.lumbar
        names = level_names(lumbar)
        for name, action in zip(names, self.levels.values(), strict=True):
            action.setText(name)
            action.setChecked(name == (names[0] if level is None else level.name))
        shift = 0 if level is None else level.shift
        if shift in self.counts:
            self.counts[shift].setChecked(True)
        for shift, text in COUNTS:
            self.counts[shift].setText(recounted(text, None, lumbar))
        self.lumbar[lumbar].setChecked(True)
        self.setEnabled(case is not None and case.surfaces is not None)

    def _entry(self, group: QActionGroup, text: str) -> QAction:
        action = add_entry(self, text)
        action.setCheckable(True)
        group.addAction(action)
        return action
