"""Tables of plain data for Qt's views: a row is any object, a column says what it shows of it and what it sorts by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

from app.widgets import plain

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
SORT_ROLE = Role.UserRole
"""What a cell sorts by: a number in a column of numbers, else its text."""
KEY_ROLE = Role.UserRole + 1
"""What identifies a row among the others, in each of its cells."""
PLAIN: dict[int, Callable[[str], str]] = {Role.DisplayRole: plain.shown, Role.ToolTipRole: plain.tip}
"""How texts are shown; what an editor begins with stays as it is."""
MISSING = float("-inf")
"""What a cell without its number sorts by: below all that have one."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column.

    Attributes:
        title: above it.
        text: what a cell shows.
        number: what a cell sorts by, in a column of numbers, which stand on the right; None in one of texts.
        tip: what the title means.
    """

    title: str
    text: Callable[[Row], str]
    number: Callable[[Row], float] | None = None
    tip: str = ""


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows of one kind. What is more than texts is said by :meth:`more`.

    Args:
        columns: from left to right.
        key: what identifies the row among the others.
    """

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.columns, self._key = tuple(columns), key
        self.rows: tuple[Row, ...] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Take over other rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def put(self, row: Row) -> None:
        """Take over another state of the row with the same key."""
        number = self.row_of(self._key(row))
        if number is not None:
            self.rows = (*self.rows[:number], row, *self.rows[number + 1 :])
            self.dataChanged.emit(self.index(number, 0), self.index(number, self.columnCount() - 1))

    def row_of(self, key: object) -> int | None:
        """Where the row with a key is."""
        return next((number for number, each in enumerate(self.rows) if self._key(each) == key), None)

    def more(self, row: Row, column: int, role: int) -> object:
        """Colours, tool tips and the like of a cell; None for what Qt does by itself."""
        return None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> object:
        """Titles and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Role.DisplayRole:
            return column.title
        if role == Role.ToolTipRole:
            return column.tip or None
        return alignment(column.number is not None) if role == Role.TextAlignmentRole else None

    def data(self, index: Index, role: int = Role.DisplayRole) -> object:
        """The text of a cell, what it sorts by, and the rest."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row, column = self.rows[index.row()], self.columns[index.column()]
        if role == KEY_ROLE:
            return self._key(row)
        if role == SORT_ROLE:
            return column.text(row) if column.number is None else column.number(row)
        found = self.more(row, index.column(), role)
        if found is None and role in (Role.DisplayRole, Role.EditRole):
            found = column.text(row)
        if isinstance(found, str) and role in PLAIN:
            return PLAIN[role](found)
        if found is None and role == Role.TextAlignmentRole:
            return alignment(column.number is not None)
        return found


class Sorted(QSortFilterProxyModel):
    """A table that its view may sort, numbers by their size; in its own order until then."""

    def __init__(self, source: QAbstractTableModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSourceModel(source)
        self.setSortRole(SORT_ROLE)
        self.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

    def at(self, row: int | None, column: int = 0) -> QModelIndex:
        """The index of a cell of the source, an invalid one for None."""
        source = self.sourceModel()
        return QModelIndex() if row is None else self.mapFromSource(source.index(row, column))


def alignment(right: bool) -> int:
    """On the right or on the left of the cell."""
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
