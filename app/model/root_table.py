"""The list of the roots: how much of each is labelled, and where it is not."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from app.model.rows import MISSING, Column, RowsModel
from app.widgets import palette
from spinect_core.plan.records import RootRecord
from spinect_core.plan.wording import gaps_text, root_text, share_text

TIP = "How much of a root's course from the sac to 25 mm beyond its foramen is labelled nerve"
COLUMNS: tuple[Column[RootRecord], ...] = (
    Column("Root", lambda row: row.name, tip=TIP),
    Column("Labelled", share_text, lambda row: MISSING if row.whole is None else row.whole, TIP),
    Column("Gaps, mm", gaps_text, tip="How long and where, from the sac outwards; click to go to the first"),
)
GAPS = 2


class RootTable(RowsModel[RootRecord]):
    """One row for each root."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.name, parent)

    def more(self, row: RootRecord, column: int, role: int) -> object:
        """All of it, and the colour of those with gaps."""
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{root_text(row)}\n{TIP}"
        if role == Qt.ItemDataRole.ForegroundRole:
            if row.gaps:
                return QColor(palette.room().warning)
            return QColor(palette.room().muted) if column == GAPS else None
        return None
