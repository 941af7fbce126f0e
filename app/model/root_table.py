"""The list of the roots: how much of each is labelled."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from app.model.rows import Column, RowsModel
from app.widgets import palette
from spinect_core.plan.records import RootRecord
from spinect_core.plan.wording import root_text

TIP = "How much of a root's course is labelled nerve: to its foramen, in it, and up to 25 mm beyond"


class RootTable(RowsModel[RootRecord]):
    """One row for each root, in one column."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((Column("Root", root_text, tip=TIP),), lambda row: row.name, parent)

    def more(self, row: RootRecord, column: int, role: int) -> object:
        """All of it, and the colour of those with gaps."""
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{root_text(row)}\n{TIP}"
        if role == Qt.ItemDataRole.ForegroundRole and row.gaps:
            return QColor(palette.WARNING)
        return None
