"""The questions that wait for an answer: which file, and whether to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMessageBox, QWidget

from app.widgets import messages
from app.widgets.dicom_box import DicomBox
from app.widgets.password_box import PasswordBox
from app.widgets.report_box import ReportBox
from spinect_core.base.errors import ReadingError
from spinect_core.report.paper import Paper

if TYPE_CHECKING:
    from spinect_core.io.reading.label_layers import LabelSet
    from spinect_core.io.reading.label_names import Meaning


class Answer(Enum):
    """What is to be done with a case that is not saved."""

    SAVE = "save"
    DISCARD = "discard"
    CANCEL = "cancel"


ANSWERS = {
    QMessageBox.StandardButton.Save: Answer.SAVE,
    QMessageBox.StandardButton.Discard: Answer.DISCARD,
}


class Dialogs:
    """Asks the user.

    Args:
        window: the questions lie over it.
    """

    def __init__(self, window: QWidget) -> None:
        self._window = window

    def file_to_open(self, title: str, folder: Path, kinds: str) -> Path | None:
        """An existing file; None if the user has changed his mind."""
        name, _ = QFileDialog.getOpenFileName(self._window, title, str(folder), kinds)
        return Path(name) if name else None

    def folder_to_open(self, title: str, folder: Path) -> Path | None:
        """An existing folder; None if the user has changed his mind."""
        name = QFileDialog.getExistingDirectory(self._window, title, str(folder))
        return Path(name) if name else None

    def file_to_save(self, title: str, suggested: Path, kinds: str) -> Path | None:
        """Where to write; None if the user has changed his mind."""
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(suggested), kinds)
        return Path(name) if name else None

    def ask_report(self, choices: Mapping[str, str], may_name: bool) -> tuple[str, Paper, bool] | None:
        """What is to be on the report; None if the user has changed his mind.

        Args:
            choices: key of what may be told, by the words that name it.
            may_name: whether the patient could be named.

        Returns:
            The chosen key, the paper, and whether the patient is named.
        """
        box = ReportBox(choices, may_name, self._window)
        try:
            return box.answer if box.exec() == QDialog.DialogCode.Accepted else None
        finally:
            box.deleteLater()

    def ask_dicom(self, has_study: bool) -> tuple[tuple[str, ...], bool] | None:
        """What is to be written as DICOM; None if the user has changed his mind.

        Args:
            has_study: whether the objects could go into the study of the CT.

        Returns:
            The keys of what is wanted, and whether it names nobody.
        """
        box = DicomBox(has_study, self._window)
        try:
            return box.answer if box.exec() == QDialog.DialogCode.Accepted else None
        finally:
            box.deleteLater()

    def ask_labels(self, found: LabelSet, path: Path) -> tuple[LabelSet, tuple[Meaning, ...]] | None:
        """What the segments of a file of labels are; None if the user has changed his mind.

        Args:
            found: what the file holds.
            path: of the file.

        Returns:
            The segments, by the names that were chosen for them, and what each is.
        """
        from app.widgets.labels_box import LabelsBox

        box = LabelsBox(found, path, self._window)
        try:
            return box.answer if box.exec() == QDialog.DialogCode.Accepted else None
        finally:
            box.deleteLater()

    def ask_password(self, archive: str, user: str, keyring: bool) -> tuple[str, bool] | None:
        """The password for an archive; None if the user has changed his mind.

        Args:
            archive: its name.
            user: whose password.
            keyring: whether it can be kept.

        Returns:
            The password, and whether it is kept.
        """
        box = PasswordBox(archive, user, keyring, self._window)
        try:
            return box.answer if box.exec() == QDialog.DialogCode.Accepted else None
        finally:
            box.deleteLater()

    def choose_archive(self, names: Sequence[str]) -> str | None:
        """Which archive; None if the user has changed his mind."""
        name, chosen = QInputDialog.getItem(self._window, "Archive", "Send to", list(names), 0, False)
        return name if chosen else None

    def confirm_moved(self, archive: str, before: Sequence[str], address: str) -> bool:
        """Whether what was meant for an archive at other addresses goes to where it is."""
        title, text, go_on = messages.MOVED
        then = " and ".join(each or "an address that was not kept" for each in before)
        return self._asked(title, text.format(archive=archive, then=then, now=address), go_on)

    def ask_unsaved(self, unsaved: Sequence[str], running: str) -> Answer:
        """What to do with a case that is not saved.

        Args:
            unsaved: what is in no file.
            running: the job that would be stopped; empty for none.
        """
        box = messages.unsaved_box(unsaved, running, self._window)
        chosen = QMessageBox.StandardButton(box.exec())
        return ANSWERS.get(chosen, Answer.CANCEL)

    def confirm_without_ct(self, path: Path) -> bool:
        """Whether to open a plan that was made on another CT than the open one."""
        title, text, go_on = messages.WITHOUT_CT
        return self._asked(title, f"{path.name} {text}", go_on)

    def confirm_other_ct(self) -> bool:
        """Whether to open a CT that is not the one of the open plan."""
        return self._asked(*messages.OTHER_CT)

    def confirm_losing_corrections(self, words: str) -> bool:
        """Whether other labels may take the place of those that were corrected.

        Args:
            words: how much was corrected.
        """
        title, text, go_on = messages.CORRECTED
        return self._asked(title, text, go_on, f"{words[:1].upper()}{words[1:]}.")

    def confirm_assumed_hu(self, fault: ReadingError) -> bool:
        """Whether to open a CT whose numbers do not look like Hounsfield units."""
        title, text, more, go_on = messages.NOT_HU
        return self._asked(title, text, go_on, more.format(fault=fault.fault))

    def _asked(self, title: str, text: str, go_on: QMessageBox.StandardButton, more: str = "") -> bool:
        cancel = QMessageBox.StandardButton.Cancel
        box = messages.plain_box(QMessageBox.Icon.Question, title, text, more, go_on | cancel, self._window)
        box.setDefaultButton(cancel)
        return box.exec() == go_on
