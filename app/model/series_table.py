"""The table of the series of a study, to choose one from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from app.model.rows import Column, Index, RowsModel
from app.widgets import palette

if TYPE_CHECKING:
    from spinect_core.io.reading.series import Series


def can_be_chosen(series: Series) -> bool:
    """Whether a series can be opened.

    Several that make one volume can, as that is asked for by choosing them, and so can what is said to hold no
    Hounsfield units, after a question.
    """
    return series.loadable or series.offered or series.doubtful


def _spacing(series: Series) -> str:
    return " × ".join(f"{value:.3g}" for value in series.spacing) if series.spacing else "–"


def _remarks(series: Series) -> str:
    """What speaks against a series, line by line."""
    fault = series.fault
    remarks = [f"{fault.fault}. {fault.remedy}."] if fault is not None else list(series.warnings)
    if series.modality and series.modality != "CT":
        remarks.insert(0, f"Modality {series.modality}")
    return "\n".join(dict.fromkeys(remarks))


COLUMNS: tuple[Column[Series], ...] = (
    Column("Series", lambda row: row.title or "no description"),
    Column("Pictures", lambda row: str(row.pictures), lambda row: float(row.pictures)),
    Column("Orientation", lambda row: row.orientation),
    Column("Spacing (mm)", _spacing),
    Column("Kernel", lambda row: row.kernel),
    Column("Remarks", _remarks),
)
REMARKS = len(COLUMNS) - 1


class SeriesTable(RowsModel["Series"]):
    """One row for each series, the largest first; those that cannot be opened come last, grey, and say why."""

    def __init__(self, series: Sequence[Series], parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.key, parent)
        self.show(sorted(series, key=lambda each: (not each.loadable, -each.pictures)))

    def more(self, row: Series, column: int, role: int) -> object:
        """Colours, and the whole text as a tool tip."""
        remarks = _remarks(row) if column == REMARKS else ""
        if role == Qt.ItemDataRole.ForegroundRole and not can_be_chosen(row):
            return QColor(palette.room().muted if column == REMARKS else palette.room().faint)
        if role == Qt.ItemDataRole.ForegroundRole and remarks:
            return QColor(palette.room().warning)
        if role == Qt.ItemDataRole.ToolTipRole:
            return remarks if column == REMARKS else self.columns[column].text(row)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only what can be opened can be chosen."""
        if not index.isValid() or not can_be_chosen(self.rows[index.row()]):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
