"""What the segments of a file of labels are: asked in a table, one line for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets import plain
from app.widgets.parts import label
from spinect_core.base.errors import ReadingError
from spinect_core.base.words import Numbering, Tissue
from spinect_core.image.warning import warning_lines
from spinect_core.io.reading.label_layers import LabelSet
from spinect_core.io.reading.label_names import MEANINGS, Left, Meaning, known_meaning
from spinect_core.io.reading.label_sets import is_nameless, numbered_by

INTRODUCTION = (
    "Say what each segment is. Names that are known to the letter are filled in; nothing is guessed of the "
    "others."
)
COLUMNS = ("Number", "Name in the file", "Volume", "Taken for")
OPEN = "Choose…"
NUMBERINGS = {
    None: "not said: each number is asked for",
    Numbering.OWN: "SPINECT: 1 bone, 2 nerve",
    Numbering.TOTALSEGMENTATOR_2: "TotalSegmentator, version 2",
    Numbering.TOTALSEGMENTATOR_1: "TotalSegmentator, version 1",
    Numbering.TOTALSPINESEG: "TotalSpineSeg",
    Numbering.SPINEPS_SPINE: "SPINEPS, seg-spine",
    Numbering.SPINEPS_VERTEBRAE: "SPINEPS, seg-vert",
}
LOAD, REST = "Load labels", "Leave out what is open"


class LabelsBox(QDialog):
    """Asks.

    Args:
        found: what the file holds.
        path: of the file.
        parent: the box lies over it.
    """

    def __init__(self, found: LabelSet, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Labels made elsewhere")
        self.resize(720, 520)
        self._file, self._shown, self._path = found, found, path
        self._counts = found.counts()
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        column.addWidget(label(INTRODUCTION, wrap=True))
        noticed = "\n".join(warning_lines(found.warnings))
        self.noticed = label(noticed, "warning", wrap=True)
        self.noticed.setVisible(bool(noticed))
        column.addWidget(self.noticed)
        self.numbering = QComboBox()
        for key, words in NUMBERINGS.items():
            self.numbering.addItem(words, key)
        row = QHBoxLayout()
        row.addWidget(label("Whose numbers:"))
        row.addWidget(self.numbering, 1)
        whose = QWidget()
        whose.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        whose.setVisible(is_nameless(found))
        column.addWidget(whose)
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        column.addWidget(self.table, 1)
        self.state = label("", "muted", wrap=True)
        column.addWidget(self.state)
        buttons = QDialogButtonBox()
        self.rest = QPushButton(REST)
        self.rest.clicked.connect(self._leave_rest)
        buttons.addButton(self.rest, QDialogButtonBox.ButtonRole.ActionRole)
        self.load = buttons.addButton(LOAD, QDialogButtonBox.ButtonRole.AcceptRole)
        self.load.setProperty("role", "primary")
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.choices: list[QComboBox] = []
        self.rows: dict[int, int] = {}
        self.numbering.currentIndexChanged.connect(lambda _place: self._renumber())
        self._fill()

    @property
    def answer(self) -> tuple[LabelSet, tuple[Meaning, ...]] | None:
        """The segments under the names that they were shown by, and what each is; None while one is open."""
        chosen: list[Meaning] = []
        for box in self.choices:
            meaning = box.currentData()
            if meaning is None:
                return None
            chosen.append(next(each for each in MEANINGS if each == meaning))
        return self._shown, tuple(chosen)

    def _renumber(self) -> None:
        numbering = self.numbering.currentData()
        try:
            self._shown = (
                self._file if numbering is None else numbered_by(self._file, Numbering(numbering), self._path)
            )
        except ReadingError as error:
            self._shown = self._file
            self._fill()
            self.state.setText(f"{error.fault}.")
            return
        self._fill()

    def _fill(self) -> None:
        """Write the table anew, what is open first."""
        segments = self._shown.segments
        self.table.setRowCount(len(segments))
        self.choices = []
        millilitre = self._shown.geometry.voxel_volume / 1000
        proposals = [Left.OUT if each.fault else known_meaning(each.name, each.coded) for each in segments]
        order = sorted(range(len(segments)), key=lambda place: proposals[place] is not None)
        self.rows = {place: row for row, place in enumerate(order)}
        for number, (each, count) in enumerate(zip(segments, self._counts, strict=True)):
            row = self.rows[number]
            volume = each.fault or (f"{count * millilitre:.1f} ml" if count else "empty")
            for place, text in enumerate((str(each.number), each.name, volume)):
                item = QTableWidgetItem(plain.line(text))
                item.setToolTip(plain.tip(text))
                item.setFlags(Qt.ItemFlag.ItemIsEnabled)
                if place != 1:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, place, item)
            self.choices.append(self._choice(proposals[number], usable=not each.fault))
            self.table.setCellWidget(row, len(COLUMNS) - 1, self.choices[-1])
        self.table.resizeRowsToContents()
        self._refresh()

    def _choice(self, proposed: Meaning | None, usable: bool) -> QComboBox:
        box = QComboBox()
        box.addItem(OPEN, None)
        for each in MEANINGS:
            box.addItem(each[:1].upper() + each[1:], str(each))
        box.setCurrentIndex(0 if proposed is None else 1 + MEANINGS.index(proposed))
        box.setEnabled(usable)
        box.setMaxVisibleItems(20)
        box.currentIndexChanged.connect(partial(self._on_choice))
        return box

    def _on_choice(self, _place: int) -> None:
        self._refresh()

    def _leave_rest(self) -> None:
        for box in self.choices:
            if box.currentData() is None:
                box.setCurrentIndex(1 + MEANINGS.index(Left.OUT))

    def _refresh(self) -> None:
        open_ones = sum(box.currentData() is None for box in self.choices)
        meanings = [box.currentData() for box in self.choices]
        self.rest.setEnabled(open_ones > 0)
        self.load.setEnabled(not open_ones and Tissue.BONE in meanings)
        self.state.setText(_state(open_ones, meanings))


def _state(open_ones: int, meanings: Sequence[str | None]) -> str:
    """What is still missing, or what cannot be had."""
    if open_ones:
        return f"{open_ones} of {len(meanings)} segments are open." if len(meanings) > 1 else "It is open."
    if Tissue.BONE not in meanings:
        return "No segment is bone, and without bone nothing can be planned."
    if Tissue.NERVE not in meanings:
        return "No segment is nerve: neither neural triangles nor the distance to nerve can be had."
    return ""
