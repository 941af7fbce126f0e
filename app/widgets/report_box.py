"""What is to be on the report: which needle, which paper, and whether the patient is named."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.widgets import plain
from app.widgets.parts import field_row, label
from spinect_core.report.paper import Paper

PAPERS = {Paper.A4: "A4", Paper.LETTER: "Letter"}
NAMED = "Name the patient, as the CT's files do"
NOT_NAMED = "The patient can be named while the CT is open from DICOM files."
INTRODUCTION = (
    "One page for each side, to print. It tells one needle; where none is recommended it says why. Nothing of the "
    "patient is on it unless you ask for it here."
)


def usual_paper() -> Paper:
    """That of the country the computer is set to."""
    american = QLocale.system().measurementSystem() == QLocale.MeasurementSystem.ImperialUSSystem
    return Paper.LETTER if american else Paper.A4


class ReportBox(QDialog):
    """Asks.

    Args:
        choices: what may be told, by the words that name it; the first is taken unless the user takes another.
        may_name: whether the patient could be named.
        parent: the box lies over it.
    """

    def __init__(self, choices: Mapping[str, str], may_name: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Report")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        self.setMinimumWidth(460)
        column.addWidget(label(INTRODUCTION, wrap=True))
        self.what = QComboBox()
        self.what.setAccessibleName("Needle")
        for words, key in choices.items():
            self.what.addItem(plain.caption(words), key)
        column.addLayout(field_row("Needle", self.what))
        self.paper = QComboBox()
        self.paper.setAccessibleName("Paper")
        for paper, words in PAPERS.items():
            self.paper.addItem(words, paper.value)
        self.paper.setCurrentIndex(self.paper.findData(usual_paper().value))
        column.addLayout(field_row("Paper", self.paper))
        self.named = QCheckBox(NAMED)
        self.named.setEnabled(may_name)
        column.addWidget(self.named)
        if not may_name:
            column.addWidget(label(NOT_NAMED, "quiet", wrap=True))
        buttons = QDialogButtonBox()
        self.save = buttons.addButton("Save as PDF…", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    @property
    def answer(self) -> tuple[str, Paper, bool]:
        """The chosen key, the paper, and whether the patient is named."""
        return str(self.what.currentData()), Paper(self.paper.currentData()), self.named.isChecked()
