"""The table of a DICOM header: its elements, some of them hidden, and of these those that are searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from app.model.rows import Column, RowsModel, Sorted
from app.widgets import palette

if TYPE_CHECKING:
    from spinect_core.io.reading.header_listing import HeaderElement

INDENT = "\N{NO-BREAK SPACE}" * 4
VALUE = 3
"""The column of values."""


class HeaderTable(RowsModel["HeaderElement"]):
    """Elements of a header.

    Attributes:
        shown: whether values are told that may tell who the patient is.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        columns: tuple[Column[HeaderElement], ...] = (
            Column("Tag", lambda row: f"{INDENT * row.depth}{row.tag}", tip="Group and element"),
            Column("VR", lambda row: row.vr, tip="Value representation: the type of the value"),
            Column("Name", lambda row: row.name),
            Column("Value", lambda row: row.told(self.shown)),
        )
        self.shown = False
        super().__init__(columns, lambda row: (row.within, row.tag), parent)

    def show_values(self, shown: bool) -> None:
        """Tell values that may tell who the patient is, or hide them."""
        self.beginResetModel()
        self.shown = shown
        self.endResetModel()

    def more(self, row: HeaderElement, column: int, role: int) -> object:
        """Grey for what is hidden; a long value as a whole in its tool tip."""
        if column != VALUE:
            return row.within or None if role == Qt.ItemDataRole.ToolTipRole else None
        if role == Qt.ItemDataRole.ForegroundRole and row.told(self.shown) != row.value:
            return QColor(palette.room().muted)
        return row.told(self.shown) or None if role == Qt.ItemDataRole.ToolTipRole else None


class Searched(Sorted):
    """The rows that hold a word, in any of their columns as they are shown: what is hidden is not found."""

    def __init__(self, source: HeaderTable, parent: QObject | None = None) -> None:
        super().__init__(source, parent)
        self.setFilterKeyColumn(-1)
        self.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
