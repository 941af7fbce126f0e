"""What was measured repeatedly: each repeat, mean, SD and agreement."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.model.rows import MISSING, Column, RowsModel
from app.widgets.parts import label
from spinect_core.geometry.figure import value_text
from spinect_core.plan.repeats import Measured, agreement_of, icc_words

INTRODUCTION = (
    "Each repeat was drawn without seeing the others. Mean and standard deviation (SD, n − 1) are those of the repeats "
    "alone; the first measurement stands beside them."
)
ICC = (
    "ICC(2,1): two-way random effects, absolute agreement, single measures, of all of one kind that have repeats, each "
    "with as many as the one that has the fewest."
)
TOO_FEW = "It takes two or more measurements of one kind with repeats."


def columns_of(measured: Sequence[Measured]) -> tuple[Column[Measured], ...]:
    """Name, first, each repeat, mean and SD."""
    most = max((len(each.again) for each in measured), default=0)
    return (
        Column("Name", lambda row: row.name),
        Column("First", lambda row: value_text(row.value, row.unit), lambda row: row.value),
        *(_repeat(number) for number in range(most)),
        Column("Mean", lambda row: _told(row.mean, row.unit), lambda row: _known(row.mean)),
        Column("SD", lambda row: _told(row.sd, row.unit, 2), lambda row: _known(row.sd)),
    )


def _repeat(number: int) -> Column[Measured]:
    def value(row: Measured) -> float | None:
        return row.again[number] if number < len(row.again) else None

    return Column(f"{number + 1}", lambda row: _told(value(row), row.unit), lambda row: _known(value(row)))


def _told(value: float | None, unit: str, decimals: int = 1) -> str:
    if value is None:
        return ""
    return (
        value_text(value, unit)
        if decimals == 1
        else f"{value:.{decimals}f}{'' if unit == '°' else ' '}{unit}"
    )


def _known(value: float | None) -> float:
    return MISSING if value is None else value


class RepeatsBox(QDialog):
    """The table, and the agreement of each kind below it.

    Args:
        measured: all measurements of the case; those without repeats are left out.
        parent: the box lies over it.

    Signals:
        csv_wanted: the user wants it as a file.
    """

    csv_wanted = Signal()

    def __init__(self, measured: Sequence[Measured], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Repeated measurements")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 380)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(label(INTRODUCTION, wrap=True))
        repeated = [each for each in measured if each.repeats]
        self.rows: RowsModel[Measured] = RowsModel(columns_of(repeated), lambda row: row.name, self)
        self.rows.show(repeated)
        self.table = QTableView()
        self.table.setAccessibleName("Repeated measurements")
        self.table.setModel(self.rows)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        column.addWidget(self.table, 1)
        found = agreement_of(repeated)
        lines = [
            f"{each.kind_name[:1].upper()}{each.kind_name[1:]}: ICC {icc_words(each.icc)}" for each in found
        ]
        self.agreement = label("\n".join(lines) or f"ICC: {TOO_FEW[:1].lower()}{TOO_FEW[1:]}", wrap=True)
        column.addWidget(self.agreement)
        column.addWidget(label(ICC, "muted", wrap=True))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.csv_button = buttons.addButton("Save as CSV…", QDialogButtonBox.ButtonRole.ActionRole)
        self.csv_button.clicked.connect(self.csv_wanted)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
