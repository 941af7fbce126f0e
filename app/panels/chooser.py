"""The dialog that asks which of several series to open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets import theme
from app.widgets.parts import label

if TYPE_CHECKING:
    from spinect_core.io.reading.series import Series

COLUMNS = ("Series", "Pictures", "Orientation", "Spacing (mm)", "Kernel", "Remarks")
REMARK_LINE = 60
"""Letters of a remark that fit on one line; longer ones get two, and the rest is in the tool tip."""


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
        self.resize(980, 420)
        self._series = series
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(
            label(f"{where} holds {len(series)} series. Which one is the CT to plan on?", "title")
        )
        self.list = QTreeWidget()
        self.list.setHeaderLabels(COLUMNS)
        self.list.setRootIsDecorated(False)
        self.list.setAlternatingRowColors(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setUniformRowHeights(False)
        self.list.setWordWrap(True)
        for each in sorted(series, key=lambda each: (not each.loadable, -each.pictures)):
            self.list.addTopLevelItem(_row(each))
        header = self.list.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        column.addWidget(self.list, 1)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column.addWidget(self.buttons)
        self.list.itemSelectionChanged.connect(self._on_selection)
        self.list.itemDoubleClicked.connect(lambda item, _column: self.accept() if _loadable(item) else None)
        for row in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(row)
            if item is not None and _loadable(item) and item.data(0, Qt.ItemDataRole.UserRole) == best:
                self.list.setCurrentItem(item)
        self._on_selection()

    @property
    def chosen(self) -> Series | None:
        """The selected series."""
        items = [item for item in self.list.selectedItems() if _loadable(item)]
        if not items:
            return None
        key = items[0].data(0, Qt.ItemDataRole.UserRole)
        return next(each for each in self._series if each.key == key)

    def _on_selection(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Open).setEnabled(self.chosen is not None)


def _row(series: Series) -> QTreeWidgetItem:
    spacing = " × ".join(f"{value:.3g}" for value in series.spacing) if series.spacing else "–"
    fault = series.fault
    remarks = [f"{fault.fault}. {fault.remedy}."] if fault is not None else list(series.warnings)
    if series.modality and series.modality != "CT":
        remarks.insert(0, f"Modality {series.modality}")
    text = "\n".join(dict.fromkeys(remarks))
    item = QTreeWidgetItem(
        [
            series.description or "no description",
            str(series.pictures),
            series.orientation,
            spacing,
            series.kernel,
            text,
        ]
    )
    item.setData(0, Qt.ItemDataRole.UserRole, series.key)
    item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setToolTip(len(COLUMNS) - 1, text)
    item.setSizeHint(len(COLUMNS) - 1, QSize(0, 52 if len(text) > REMARK_LINE else 32))
    if not series.loadable:
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        for column in range(len(COLUMNS)):
            item.setForeground(column, QColor(theme.FAINT if column < len(COLUMNS) - 1 else theme.MUTED))
    elif text:
        item.setForeground(len(COLUMNS) - 1, QColor(theme.WARNING))
    return item


def _loadable(item: QTreeWidgetItem) -> bool:
    return bool(item.flags() & Qt.ItemFlag.ItemIsSelectable)
