"""The rules with their limits and sources; those that are judgements can be changed."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.model.planning_options import PlanningOptions
from app.widgets import plain
from app.widgets.parts import field_row, label
from app.widgets.wheel import WheelGuard
from spinect_core.base.words import Guidance, Rule, RuleKind
from spinect_core.plan.rule_wording import KINDS, RULES
from spinect_core.planning.rules import TABLE, Limit, Rules, Unit

GUIDANCES = {
    Guidance.CT: "CT: the axial plane first",
    Guidance.FLUOROSCOPY: "Fluoroscopy: usual C-arm views first",
}
HEADS = ("Rule", "Not kept if", "Limit", "Kind", "Source")
NAME, DIRECTION, LIMIT, KIND, SOURCE = range(len(HEADS))
WIDTHS = {NAME: 200, KIND: 120}
PADDING = 24
INTRODUCTION = (
    "What a trajectory has to keep before it is recommended. A changed limit holds from the next search on, and stands "
    "in the plan. None of the limits was checked in a trial.\nHard: a trajectory that does not keep it is never "
    "recommended. Warning: it is told, and the traffic light is amber. Note: it is told.\n"
    "Sources: G guideline, S study, T teaching text, I inferred from what is named."
)


class _Wrapped(QStyledItemDelegate):
    """Cells as high as their text is beside the padding, which the style leaves out of its reckoning."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Of a cell with all its lines."""
        narrow = QStyleOptionViewItem(option)
        narrow.rect = option.rect.adjusted(0, 0, -PADDING, 0)
        return super().sizeHint(narrow, index)


class RulesBox(QDialog):
    """The table of rules, and what needles are placed under.

    Args:
        options: shown, and changed when the box is accepted.
        parent: the box lies over it.
    """

    def __init__(self, options: PlanningOptions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._options = options
        self.setWindowTitle("Rules")
        self.resize(1040, 620)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(label(INTRODUCTION, wrap=True))
        self.guidance = QComboBox()
        for word, text in GUIDANCES.items():
            self.guidance.addItem(text, word.value)
        self.guidance.setCurrentIndex(self.guidance.findData(options.guidance.value))
        column.addLayout(field_row("Guidance", self.guidance))
        self.limits: dict[Rule, QDoubleSpinBox] = {}
        self.table = QTableWidget(len(TABLE), len(HEADS))
        self.table.setHorizontalHeaderLabels(HEADS)
        self.table.setAccessibleName("Rules")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(SOURCE, QHeaderView.ResizeMode.Stretch)
        for row, limit in enumerate(options.rules):
            self._show(row, limit)
        self.table.setWordWrap(True)
        header = self.table.horizontalHeader()
        for place, width in WIDTHS.items():
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Fixed)
            self.table.setColumnWidth(place, width)
        self.table.setItemDelegate(_Wrapped(self.table))
        column.addWidget(self.table, 1)
        roles = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(roles.Ok | roles.Cancel | roles.RestoreDefaults)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.buttons.button(roles.RestoreDefaults).clicked.connect(self.restore)
        column.addWidget(self.buttons)
        WheelGuard(self)

    def restore(self) -> None:
        """Show the limits of the table; nothing is kept before the box is accepted."""
        for limit in Rules():
            if limit.rule in self.limits:
                self.limits[limit.rule].setValue(limit.value)

    def accept(self) -> None:
        """Take what is shown."""
        limits = {rule: box.value() for rule, box in self.limits.items()}
        self._options.choose(Guidance(self.guidance.currentData()), limits)
        super().accept()

    def _show(self, row: int, limit: Limit) -> None:
        words = RULES[limit.rule]
        fact = limit.unit == Unit.FACT
        barred = ", not recommended" if limit.bars and limit.kind != RuleKind.HARD else ""
        texts = {
            NAME: words.title[:1].upper() + words.title[1:],
            DIRECTION: "it is so" if fact else ("less than" if limit.below else "more than"),
            LIMIT: "" if fact else f"{limit.value:g} {limit.unit}".strip(),
            KIND: f"{KINDS[limit.kind]}{barred}",
            SOURCE: f"{limit.source} ({limit.strength})",
        }
        for column, text in texts.items():
            item = QTableWidgetItem(text)
            item.setToolTip(plain.tip(text))
            self.table.setItem(row, column, item)
        if limit.least is None or limit.most is None:
            return
        box = QDoubleSpinBox()
        box.setRange(limit.least, limit.most)
        box.setDecimals(2 if limit.unit == Unit.PART else 1)
        box.setSingleStep(0.05 if limit.unit == Unit.PART else 0.5)
        box.setSuffix({Unit.DEGREES: "°", Unit.MM: " mm"}.get(limit.unit, ""))
        box.setValue(limit.value)
        box.setAccessibleName(words.title)
        self.limits[limit.rule] = box
        cell = QWidget()
        middle = QVBoxLayout(cell)
        middle.setContentsMargins(4, 2, 4, 2)
        middle.addWidget(box, 0, Qt.AlignmentFlag.AlignVCenter)
        self.table.setCellWidget(row, LIMIT, cell)
