"""The DICOM header of the open CT: its elements with a search, and as a table on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.model.header_table import HeaderTable, Searched
from app.widgets.parts import dense_table, label

if TYPE_CHECKING:
    from spinect_core.io.reading.header_listing import Listing

SHOW = "Show what may identify the patient"
SHOW_TIP = (
    "Hidden until asked for: names, dates, texts, identifiers, all of the patient's group, private elements"
)
SEARCH = "Search tag, name or value"
WIDEST = 320
"""Pixels of a column that is as wide as its texts."""


class HeaderBox(QDialog):
    """Shows a header.

    Args:
        listing: the header.
        parent: the box lies over it.

    Signals:
        save_wanted: the table is wanted on disk; whether with what may identify the patient.
    """

    save_wanted = Signal(bool)

    def __init__(self, listing: Listing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("DICOM header")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(False)
        self.resize(920, 600)
        self._listing = listing
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        self.search = QLineEdit()
        self.search.setPlaceholderText(SEARCH)
        self.search.setAccessibleName(SEARCH)
        self.search.setClearButtonEnabled(True)
        self.show_personal = QCheckBox(SHOW)
        self.show_personal.setToolTip(SHOW_TIP)
        first = QHBoxLayout()
        first.addWidget(self.search, 1)
        first.addWidget(self.show_personal)
        column.addLayout(first)
        self.rows = HeaderTable(self)
        self.rows.show(listing.elements)
        self.found = Searched(self.rows, self)
        self.table = dense_table("Elements of the header", self.found)
        header = self.table.horizontalHeader()
        header.setMaximumSectionSize(WIDEST)
        self.table.resizeColumnsToContents()
        header.setMaximumSectionSize(-1)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        column.addWidget(self.table, 1)
        self.state = label("", "muted", wrap=True)
        self.save = QPushButton("Save as CSV…")
        self.save.setToolTip("The whole table; what is hidden here is hidden there too")
        self.close_button = QPushButton("Close")
        last = QHBoxLayout()
        last.addWidget(self.state, 1)
        last.addWidget(self.save)
        last.addWidget(self.close_button)
        column.addLayout(last)
        for button in (self.save, self.close_button):
            button.setAutoDefault(False)
        self.search.textChanged.connect(self._on_search)
        self.show_personal.toggled.connect(self._on_show)
        self.save.clicked.connect(lambda: self.save_wanted.emit(self.rows.shown))
        self.close_button.clicked.connect(self.reject)
        self._refresh()

    def _on_search(self, words: str) -> None:
        self.found.setFilterFixedString(words.strip())
        self._refresh()

    def _on_show(self, shown: bool) -> None:
        self.rows.show_values(shown)
        self._refresh()

    def _refresh(self) -> None:
        listing = self._listing
        every, here = len(listing.elements), self.found.rowCount()
        told = f"{every} elements" if here == every else f"{here} of {every} elements"
        hidden = sum(each.told(self.rows.shown) != each.value for each in listing.elements)
        of = f"the first of {listing.files} files" if listing.files > 1 else "the file"
        parts = [f"{told} of {of}", f"{hidden} values hidden" if hidden else "nothing hidden"]
        self.state.setText(", ".join(parts) + (", and more that are not listed." if listing.cut else "."))
