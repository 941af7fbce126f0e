"""The list of the landmarks."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from app.model.rows import Column, RowsModel
from app.widgets import palette
from spinect_core.plan.records import LandmarkRecord
from spinect_core.plan.wording import is_doubtful, landmark_text

TIP = "The chance, as calibrated on computed phantoms, that a landmark lies within 3 mm"


class LandmarkTable(RowsModel[LandmarkRecord]):
    """One row for each landmark, in one column."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((Column("Landmark", landmark_text, tip=TIP),), lambda row: row.name, parent)

    def more(self, row: LandmarkRecord, column: int, role: int) -> object:
        """What the number means, and the colour of those worth a look."""
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{landmark_text(row)}: {TIP}"
        if role == Qt.ItemDataRole.ForegroundRole and is_doubtful(row):
            return QColor(palette.room().warning)
        return None
