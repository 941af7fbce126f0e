"""The dialog that asks which of several series to open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.model.rows import KEY_ROLE, Sorted
from app.model.series_table import REMARKS, SeriesTable, can_be_chosen
from app.widgets import plain
from app.widgets.parts import in_own_order, label

if TYPE_CHECKING:
    from spinect_core.io.reading.series import Series

WIDEST = 300
"""Pixels of a column; longer names take two lines or are cut short, and are whole in the tool tip."""
LOWEST_ROW, HIGHEST_ROW = 32, 140
AROUND_TEXT = QSize(16, 12)
"""Pixels between the text of a remark and the next one's."""


class _WholeRemark(QStyledItemDelegate):
    """Gives a row the height that its remark takes in the width of the column: it says what the choice is about."""

    def __init__(self, header: QHeaderView, parent: QWidget) -> None:
        super().__init__(parent)
        self._header = header

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Height in pixels; the column's width stays as it is."""
        width = max(self._header.sectionSize(index.column()) - AROUND_TEXT.width(), 1)
        text = str(index.data() or "")
        flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
        high = option.fontMetrics.boundingRect(QRect(0, 0, width, HIGHEST_ROW * 10), flags, text).height()
        return QSize(0, min(max(high + AROUND_TEXT.height(), LOWEST_ROW), HIGHEST_ROW))


class SeriesChooser(QDialog):
    """Lists series; those that cannot be opened are grey and say why.

    Args:
        series: all series found.
        where: name of the folder or file.
        best: key of the series to select.
    """

    def __init__(
        self, series: list[Series], where: str, best: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose a series")
        self.resize(1080, 440)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(
            label(
                f"{plain.line(where)} {_question(len(series))}",
                "title",
                wrap=True,
            )
        )
        self.rows = SeriesTable(series, self)
        self.sorted = Sorted(self.rows, self)
        self.list = QTreeView()
        self.list.setModel(self.sorted)
        self.list.setRootIsDecorated(False)
        self.list.setAlternatingRowColors(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setUniformRowHeights(False)
        self.list.setWordWrap(True)
        in_own_order(self.list)
        header = self.list.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMaximumSectionSize(WIDEST)
        header.setSectionResizeMode(REMARKS, QHeaderView.ResizeMode.Stretch)
        self.list.setItemDelegateForColumn(REMARKS, _WholeRemark(header, self.list))
        header.sectionResized.connect(self.list.scheduleDelayedItemsLayout)
        column.addWidget(self.list, 1)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column.addWidget(self.buttons)
        self.list.selectionModel().selectionChanged.connect(self._on_selection)
        self.list.doubleClicked.connect(self._on_double_click)
        self.select(best)
        self._on_selection()

    @property
    def chosen(self) -> Series | None:
        """The selected series."""
        selected = self.list.selectionModel().selectedRows()
        row = self.rows.row_of(selected[0].data(KEY_ROLE)) if selected else None
        return None if row is None else self.rows.rows[row]

    def select(self, key: str) -> None:
        """Select a series, if it can be opened."""
        row = self.rows.row_of(key)
        if row is not None and can_be_chosen(self.rows.rows[row]):
            self.list.setCurrentIndex(self.sorted.at(row))

    def _on_selection(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Open).setEnabled(self.chosen is not None)

    def _on_double_click(self, index: QModelIndex) -> None:
        if self.chosen is not None and index.data(KEY_ROLE) == self.chosen.key:
            self.accept()


def _question(many: int) -> str:
    if many == 1:
        return "holds one series. Read its remark before you open it."
    return f"holds {many} series. Which one is the CT to plan on?"
