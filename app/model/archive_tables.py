"""Tables of what an archive has: studies, and the series of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from app.model.rows import MISSING, Column, Index, RowsModel
from app.widgets import palette

if TYPE_CHECKING:
    from spinect_core.io.pacs.query import SeriesFound, StudyFound

NOT_SAID = "–"


def _count(number: int | None) -> str:
    return NOT_SAID if number is None else str(number)


def _size(number: int | None) -> float:
    return MISSING if number is None else float(number)


STUDIES: tuple[Column[StudyFound], ...] = (
    Column("Date", lambda row: f"{row.date} {row.time}".strip() or NOT_SAID),
    Column("Patient", lambda row: row.name or NOT_SAID),
    Column("ID", lambda row: row.patient_id or NOT_SAID),
    Column("Born", lambda row: row.born or NOT_SAID),
    Column("Study", lambda row: row.description or NOT_SAID),
    Column("Kinds", lambda row: " ".join(row.modalities) or NOT_SAID),
    Column("Pictures", lambda row: _count(row.pictures), lambda row: _size(row.pictures)),
)
SERIES: tuple[Column[SeriesFound], ...] = (
    Column("No.", lambda row: row.number or NOT_SAID),
    Column("Series", lambda row: row.description or NOT_SAID),
    Column("Kind", lambda row: row.modality or NOT_SAID),
    Column("Part", lambda row: row.part or NOT_SAID),
    Column("Pictures", lambda row: _count(row.pictures), lambda row: _size(row.pictures)),
)


class StudiesTable(RowsModel["StudyFound"]):
    """Studies, the latest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(STUDIES, lambda row: row.uid, parent)


class ArchiveSeriesTable(RowsModel["SeriesFound"]):
    """Series of a study; those that are no CT are grey and cannot be chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(SERIES, lambda row: row.uid, parent)

    def more(self, row: SeriesFound, column: int, role: int) -> object:
        """Grey for what cannot be planned on."""
        if role == Qt.ItemDataRole.ForegroundRole and not row.is_ct:
            return QColor(palette.room().faint)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only a CT can be chosen."""
        if not index.isValid() or not self.rows[index.row()].is_ct:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
