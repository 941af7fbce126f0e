"""What the user confirms before a report is made: level and count, labels and roots, warnings."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.model.case_model import CaseModel
from app.model.flow import Flow, Item
from app.widgets.parts import Section, label
from spinect_core.anatomy.levels import LUMBAR_COUNTS
from spinect_core.base.words import Checked

NOTHING = "Nothing to check yet: level, roots and warnings are found with the trajectories."
ALL = "All is confirmed."


class CheckPanel(Section):
    """The list to tick.

    Args:
        model: the case.
        flow: what there is to check.

    Signals:
        lumbar_wanted: name all by this many lumbar vertebrae; None where they are not known.
        find_wanted: find the trajectories, and with them what there is to check.
        on_wanted: all is confirmed, go on.
    """

    lumbar_wanted = Signal(object)
    find_wanted = Signal()
    on_wanted = Signal()

    def __init__(self, model: CaseModel, flow: Flow, parent: QWidget | None = None) -> None:
        super().__init__("Check", parent)
        self._model, self._flow = model, flow
        self.counts: dict[int | None, QPushButton] = {}
        self.ticks: dict[Checked, QCheckBox] = {}
        self.told = {what: label("", "muted", wrap=True) for what in Checked}
        self._rows: dict[Checked, QWidget] = {}
        for what in Checked:
            self.body.addWidget(self._make_row(what))
        self.nothing = label(NOTHING, "muted", wrap=True)
        self.body.addWidget(self.nothing)
        self.find_button = QPushButton("Find trajectories")
        self.find_button.clicked.connect(self.find_wanted)
        self.body.addWidget(self.find_button)
        self.on = QPushButton("On to the plan")
        self.on.setProperty("role", "primary")
        self.on.clicked.connect(self.on_wanted)
        self.body.addWidget(self.on)
        flow.changed.connect(self._show)
        self._show()

    def _make_row(self, what: Checked) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(4)
        tick = QCheckBox()
        tick.clicked.connect(lambda on, what=what: self._flow.tick(what, on))
        self.ticks[what] = tick
        column.addWidget(tick)
        self.told[what].setContentsMargins(22, 0, 0, 0)
        column.addWidget(self.told[what])
        if what == Checked.LEVEL:
            row = QHBoxLayout()
            row.setContentsMargins(22, 0, 0, 0)
            row.setSpacing(4)
            row.addWidget(label("Lumbar", "muted"))
            for count in LUMBAR_COUNTS:
                button = QPushButton(str(count))
                button.setCheckable(True)
                button.setMinimumWidth(30)
                button.setAccessibleName(f"{count} lumbar vertebrae")
                button.setToolTip(f"There are {count} lumbar vertebrae")
                button.clicked.connect(lambda on, count=count: self._on_count(count, on))
                row.addWidget(button, 1)
                self.counts[count] = button
            column.addLayout(row)
        self._rows[what] = whole
        return whole

    def _on_count(self, count: int, on: bool) -> None:
        self.lumbar_wanted.emit(count if on else None)
        self._show()

    def _show(self) -> None:
        items = {each.what: each for each in self._flow.items}
        level, case = self._model.planning.level, self._model.case
        counted = None if level is None else level.lumbar
        for what, row in self._rows.items():
            row.setVisible(what in items)
            if what in items:
                self._show_item(items[what])
        for count, button in self.counts.items():
            button.setChecked(count == counted)
        # a count is an answer by itself; without one the tick says that the names are relied on as they are
        self.ticks[Checked.LEVEL].setEnabled(counted is None)
        self.nothing.setVisible(not items or self._flow.checked)
        self.nothing.setText(ALL if items else NOTHING)
        self.find_button.setVisible(not items)
        self.find_button.setEnabled(case is not None and case.surfaces is not None)
        self.on.setVisible(bool(items))
        self.on.setEnabled(self._flow.checked)

    def _show_item(self, item: Item) -> None:
        tick, told = self.ticks[item.what], self.told[item.what]
        tick.setText(item.title)
        tick.setCheckState(Qt.CheckState.Checked if item.done else Qt.CheckState.Unchecked)
        told.setText(item.told)
        role = "notice" if item.grave and not item.done else "muted"
        if told.property("role") != role:
            told.setProperty("role", role)
            told.style().polish(told)
