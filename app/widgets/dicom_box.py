"""What is to be written as DICOM, and whether it names the patient."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QRadioButton, QVBoxLayout, QWidget

from app.widgets.parts import label

KINDS: Mapping[str, str] = {
    "sc": "Pages and pictures, as secondary captures",
    "pdf": "Report, as an encapsulated PDF",
    "seg": "Bone and nerve, as a segmentation",
    "rtstruct": "Bone, nerve and needles, as outlines (RTSTRUCT)",
    "sr": "Measurements, as a structured report",
    "stl": "Surfaces, as encapsulated STL",
}
"""What can be written, by the key that the core has for it."""
USUAL = ("sc", "pdf", "seg")
CT = "ct"
NAMED = "In the patient's study: names the patient, as the CT's files do"
NAMELESS = "De-identified: a study of its own that names nobody"
COPY = "With a de-identified copy of the CT"
INTRODUCTION = (
    "Files for an archive and for other viewers, in a new folder. The CT's own files are not changed, and nothing is "
    "sent."
)


class DicomBox(QDialog):
    """Asks.

    Args:
        has_study: whether the CT has DICOM files, whose study the objects could go into.
        parent: the box lies over it.
    """

    def __init__(self, has_study: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export DICOM")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        self.setMinimumWidth(480)
        column.addWidget(label(INTRODUCTION, wrap=True))
        self.kinds = {key: QCheckBox(words) for key, words in KINDS.items()}
        for key, box in self.kinds.items():
            box.setChecked(key in USUAL)
            box.toggled.connect(self._refresh)
            column.addWidget(box)
        column.addSpacing(6)
        self.named, self.nameless = QRadioButton(NAMED), QRadioButton(NAMELESS)
        self.copy = QCheckBox(COPY)
        self.named.setEnabled(has_study)
        (self.named if has_study else self.nameless).setChecked(True)
        for button in (self.named, self.nameless, self.copy):
            button.toggled.connect(self._refresh)
            column.addWidget(button)
        buttons = QDialogButtonBox()
        self.save = buttons.addButton("Choose folder…", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self._refresh()

    @property
    def answer(self) -> tuple[tuple[str, ...], bool]:
        """The keys of what is wanted, and whether it names nobody."""
        nameless = self.nameless.isChecked()
        wanted = [key for key, box in self.kinds.items() if box.isChecked()]
        return (*wanted, *([CT] if nameless and self.copy.isChecked() else [])), nameless

    def _refresh(self) -> None:
        self.copy.setEnabled(self.nameless.isChecked())
        self.save.setEnabled(bool(self.answer[0]))
