"""The dialog that searches an archive: whose study, which series."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.model.archive_tables import ArchiveSeriesTable, StudiesTable
from app.model.rows import KEY_ROLE, Sorted
from app.widgets.parts import in_own_order, label
from spinect_core.io.pacs.archive import Archive
from spinect_core.io.pacs.wanted import Query

if TYPE_CHECKING:
    from spinect_core.io.pacs.query import SeriesFound, StudyFound

PERIODS: tuple[tuple[str, int | None], ...] = (
    ("Any day", None),
    ("Today", 0),
    ("Last 3 days", 3),
    ("Last 7 days", 7),
    ("Last 30 days", 30),
    ("Last year", 365),
)
FIRST = "Enter an identifier, a name or a day, and search."
MEANT = (
    "A link asks for study {study} in {archive}. Nothing was fetched: press Search to look for it there, or search for "
    "something else."
)
NAMES = "Beginning of the family name, or of FAMILY, GIVEN"


class ArchiveBox(QDialog):
    """Asks whose CT is wanted.

    Args:
        archives: to choose from.
        preferred: the one that is chosen at first.
        parent: the box lies over it.

    Signals:
        search_wanted: studies are asked for: archive and query.
        series_wanted: the series of a study are asked for: archive and identifier.
        open_wanted: a series is wanted: archive, series, and whether the finished plan is.
        cancel_wanted: what is going on is not wanted any more.
    """

    search_wanted = Signal(object, object)
    series_wanted = Signal(object, str)
    open_wanted = Signal(object, object, bool)
    cancel_wanted = Signal()

    def __init__(
        self, archives: Sequence[Archive], preferred: Archive | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("From the archive")
        self.setModal(True)
        self.resize(980, 620)
        self._archives = {each.name: each for each in archives}
        self._busy = False
        self._meant = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addLayout(self._criteria(preferred))
        self.state = label(FIRST, "muted", wrap=True)
        column.addWidget(self.state)
        self.study_rows, self.series_rows = StudiesTable(self), ArchiveSeriesTable(self)
        self.studies, self.study_order = _table(self.study_rows, self)
        self.series, self.series_order = _table(self.series_rows, self)
        self.studies.setAccessibleName("Studies")
        self.series.setAccessibleName("Series of the study")
        column.addWidget(self.studies, 3)
        column.addWidget(self.series, 2)
        column.addLayout(self._buttons())
        self.studies.selectionModel().selectionChanged.connect(self._on_study)
        self.series.selectionModel().selectionChanged.connect(self._refresh)
        self._refresh()

    def _criteria(self, preferred: Archive | None) -> QHBoxLayout:
        row = QHBoxLayout()
        self.archive = QComboBox()
        self.archive.addItems(list(self._archives))
        self.archive.setAccessibleName("Archive")
        self.archive.setVisible(len(self._archives) > 1)
        if preferred is not None:
            self.archive.setCurrentText(preferred.name)
        self.archive.currentIndexChanged.connect(self._on_other)
        self.name, self.identifier, self.period = QLineEdit(), QLineEdit(), QComboBox()
        self.name.setPlaceholderText("Name of the patient")
        self.name.setToolTip(NAMES)
        self.identifier.setPlaceholderText("Identifier")
        self.identifier.setToolTip("The patient's identifier, as a whole")
        self.period.addItems([words for words, _ in PERIODS])
        self.period.setToolTip("When the study was made")
        self.search = QPushButton("Search")
        self.search.setDefault(True)
        self.search.setProperty("role", "primary")
        self.search.clicked.connect(self._on_search)
        for field, name in ((self.name, "Name"), (self.identifier, "Identifier"), (self.period, "Day")):
            field.setAccessibleName(name)
        self.name.textEdited.connect(self._on_other)
        self.identifier.textEdited.connect(self._on_other)
        self.period.currentIndexChanged.connect(self._on_other)
        row.addWidget(self.archive)
        row.addWidget(self.name, 3)
        row.addWidget(self.identifier, 2)
        row.addWidget(self.period)
        row.addWidget(self.search)
        return row

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.plan_button, self.open_button, self.close_button = (
            QPushButton("Plan this CT"),
            QPushButton("Open"),
            QPushButton("Close"),
        )
        self.plan_button.setToolTip("Fetch it, open it, and go on to the finished plan")
        self.open_button.setToolTip("Fetch it and open it")
        self.plan_button.setProperty("role", "primary")
        for button in (self.plan_button, self.open_button, self.close_button):
            button.setAutoDefault(False)
        self.plan_button.clicked.connect(lambda: self._on_open(True))
        self.open_button.clicked.connect(lambda: self._on_open(False))
        self.close_button.clicked.connect(self._on_close)
        row.addStretch(1)
        for button in (self.plan_button, self.open_button, self.close_button):
            row.addWidget(button)
        return row

    # -------------------------------------------------------------------------------------------------- what is chosen

    @property
    def chosen_archive(self) -> Archive:
        """The archive."""
        return self._archives[self.archive.currentText()]

    @property
    def chosen_series(self) -> SeriesFound | None:
        """The series that is selected."""
        selected = self.series.selectionModel().selectedRows()
        row = self.series_rows.row_of(selected[0].data(KEY_ROLE)) if selected else None
        return None if row is None else self.series_rows.rows[row]

    def query(self, today: datetime.date | None = None) -> Query:
        """What is asked for; the study of a link until something else is."""
        if self._meant:
            return Query(modality="", study=self._meant)
        today = today or datetime.date.today()
        days = PERIODS[self.period.currentIndex()][1]
        since = None if days is None else today - datetime.timedelta(days=days)
        until = None if days is None else today
        return Query(self.identifier.text().strip(), self.name.text().strip(), since, until)

    def mean(self, study: str) -> None:
        """Ask for the study of a link, once the user searches.

        Args:
            study: its identifier.
        """
        self._meant = study
        self.state.setText(MEANT.format(archive=self.chosen_archive.name, study=study))

    # --------------------------------------------------------------------------------------------------- what is shown

    def set_busy(self, words: str) -> None:
        """Say what is going on; empty for nothing."""
        self._busy = bool(words)
        if words:
            self.state.setText(words)
        self.close_button.setText("Cancel" if self._busy else "Close")
        self._refresh()

    def say(self, words: str) -> None:
        """Say something about what is shown."""
        self.state.setText(words)

    def show_studies(self, studies: Sequence[StudyFound], words: str) -> None:
        """List studies; an only one is chosen."""
        self.series_rows.show(())
        self.study_rows.show(studies)
        self.state.setText(words)
        if len(studies) == 1:
            self.studies.setCurrentIndex(self.study_order.at(0))
        self._refresh()

    def show_series(self, study: str, series: Sequence[SeriesFound], words: str) -> None:
        """List the series of a study, if it is still the chosen one; the CT with most pictures is chosen."""
        if self._chosen_study() != study:
            return
        self.series_rows.show(series)
        self.state.setText(words)
        if series and series[0].is_ct:
            self.series.setCurrentIndex(self.series_order.at(0))
        self._refresh()

    def _chosen_study(self) -> str:
        selected = self.studies.selectionModel().selectedRows()
        return str(selected[0].data(KEY_ROLE)) if selected else ""

    def _refresh(self) -> None:
        ready = self.chosen_series is not None and not self._busy
        self.plan_button.setEnabled(ready)
        self.open_button.setEnabled(ready)
        self.search.setEnabled(not self._busy)
        for table in (self.studies, self.series):
            table.setEnabled(not self._busy)

    # ----------------------------------------------------------------------------------------------------------- slots

    def _on_search(self) -> None:
        self.search_wanted.emit(self.chosen_archive, self.query())

    def _on_other(self) -> None:
        """Something else is asked for than before."""
        if self._meant or self.sender() is self.archive:
            self._meant = ""
            self.show_studies((), FIRST)

    def _on_study(self) -> None:
        self.series_rows.show(())
        self._refresh()
        if study := self._chosen_study():
            self.series_wanted.emit(self.chosen_archive, study)

    def _on_open(self, finish: bool) -> None:
        if (series := self.chosen_series) is not None:
            self.open_wanted.emit(self.chosen_archive, series, finish)

    def _on_close(self) -> None:
        if self._busy:
            self.cancel_wanted.emit()
        else:
            self.reject()

    def reject(self) -> None:
        """Close it; what is going on is stopped."""
        if self._busy:
            self.cancel_wanted.emit()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close it; what is going on is stopped."""
        if self._busy:
            self.cancel_wanted.emit()
        super().closeEvent(event)


def _table(rows: QAbstractTableModel, parent: QWidget) -> tuple[QTreeView, Sorted]:
    order, table = Sorted(rows, parent), QTreeView()
    table.setModel(order)
    table.setRootIsDecorated(False)
    table.setAlternatingRowColors(True)
    table.setUniformRowHeights(True)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTextElideMode(Qt.TextElideMode.ElideRight)
    in_own_order(table)
    header = table.header()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setMaximumSectionSize(300)
    header.setStretchLastSection(True)
    return table, order
