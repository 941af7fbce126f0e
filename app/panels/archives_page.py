"""Settings: the archives, and a test that says what works and what to tell the administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.model.archives import Archives
from app.widgets import plain
from app.widgets.parts import label
from spinect_core.base.errors import SpinectError
from spinect_core.io.pacs.archive import OWN_PORT, OWN_TITLE, Archive, archive_of

if TYPE_CHECKING:
    from spinect_core.io.pacs.examine import Examined

NEW = "New archive…"
INTRODUCTION = (
    "An archive has an address of DICOMweb, or host, port and title (AE title), or both. Nothing connects before you "
    "test, search or send."
)
KEPT = "Kept in the keyring of the system"
NOT_KEPT = "No keyring here: kept until the program ends"
UNENCRYPTED = "{what} is not encrypted: whoever reads the network reads patients' data."
PORT_WIDTH, RESULT_HEIGHT = 84, 210
_FIELDS = (
    ("name", "Name", "your word for it"),
    ("web", "DICOMweb", "https://pacs.example/dicom-web"),
    ("user", "User", "for DICOMweb, if it asks for one"),
    ("password", "Password", ""),
    ("host", "Host and port", "pacs.example"),
    ("port", "Port", "104"),
    ("title", "Title", "AE title of the archive"),
    ("certificates", "Certificates", "file (PEM); empty: those of the system"),
    ("own_title", "Own title, port", OWN_TITLE),
    ("own_port", "Own port", str(OWN_PORT)),
)
_TIPS = {
    "own_title": "AE title of this program: its administrator has to enter it in the archive",
    "own_port": "On this port the program listens while the archive delivers by C-MOVE",
    "certificates": "Whoever vouches for the archive, where its connection is encrypted",
}


class ArchivesPage(QWidget):
    """Fields of one archive, and a test.

    Args:
        archives: the list.
        keyring: whether passwords outlast the program.

    Signals:
        test_wanted: an archive is to be tried: the archive, and the password that was typed (empty for the known one).
        password_given: a password was typed for an archive that is kept: the archive, the password.
        removed: an archive was taken out.
    """

    test_wanted = Signal(object, str)
    password_given = Signal(object, str)
    removed = Signal(object)

    def __init__(self, archives: Archives, keyring: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._archives, self._busy = archives, False
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(label(INTRODUCTION, "muted", wrap=True))
        row = QHBoxLayout()
        self.choice = QComboBox()
        self.choice.setAccessibleName("Archive")
        self.remove = QPushButton("Remove")
        row.addWidget(self.choice, 1)
        row.addWidget(self.remove)
        column.addLayout(row)
        column.addLayout(self._form(keyring))
        row = QHBoxLayout()
        self.save, self.test = QPushButton("Save"), QPushButton("Test")
        self.save.setProperty("role", "primary")
        for button in (self.save, self.test, self.remove):
            button.setAutoDefault(False)
        row.addStretch(1)
        row.addWidget(self.test)
        row.addWidget(self.save)
        column.addLayout(row)
        self.result = QPlainTextEdit()
        self.result.setReadOnly(True)
        self.result.setAccessibleName("Result of the test")
        self.result.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
        self.result.setMinimumHeight(RESULT_HEIGHT)
        column.addWidget(self.result, 1)
        self.choice.currentIndexChanged.connect(self._show)
        self.save.clicked.connect(self._on_save)
        self.test.clicked.connect(self._on_test)
        self.remove.clicked.connect(self._on_remove)
        preferred = archives.preferred
        self._fill(preferred.name if preferred is not None else "")
        if archives.fault is not None:
            self.say(str(archives.fault))
            self.save.setEnabled(False)

    def _form(self, keyring: bool) -> QFormLayout:
        form = QFormLayout()
        form.setSpacing(5)
        self.fields: dict[str, QLineEdit] = {}
        for key, words, example in _FIELDS:
            field = QLineEdit()
            field.setPlaceholderText(example)
            field.setToolTip(_TIPS.get(key, ""))
            field.setAccessibleName(words)
            self.fields[key] = field
        self.tls = QCheckBox("with encryption (TLS)")
        beside: dict[str, QWidget] = {
            "host": self.fields["port"],
            "title": self.tls,
            "own_title": self.fields["own_port"],
        }
        for key in ("port", "own_port"):
            self.fields[key].setFixedWidth(PORT_WIDTH)
        for key, words, _ in _FIELDS:
            if key in ("port", "own_port"):
                continue
            name = label(words, "muted")
            name.setMinimumHeight(self.fields[key].sizeHint().height())
            if key not in beside:
                form.addRow(name, self.fields[key])
                continue
            row = QHBoxLayout()
            row.addWidget(self.fields[key], 1)
            row.addWidget(beside[key])
            form.addRow(name, row)
        self.fields["password"].setEchoMode(QLineEdit.EchoMode.Password)
        self.fields["password"].setPlaceholderText(KEPT if keyring else NOT_KEPT)
        return form

    def _fill(self, chosen: str) -> None:
        self.choice.blockSignals(True)
        self.choice.clear()
        for each in self._archives.all:
            self.choice.addItem(plain.caption(each.name), each.name)
        self.choice.addItem(NEW, None)
        place = self.choice.findData(chosen) if chosen else -1
        self.choice.setCurrentIndex(place if place >= 0 else 0)
        self.choice.blockSignals(False)
        self._show()

    @property
    def _shown(self) -> Archive | None:
        name = self.choice.currentData()
        return None if name is None else self._archives.named(str(name))

    def _show(self) -> None:
        archive = self._shown
        self.remove.setEnabled(archive is not None)
        for key, field in self.fields.items():
            value = getattr(archive, key, "") if archive is not None else ""
            field.setText(str(value) if value else "")
        self.tls.setChecked(archive is not None and archive.tls)
        self.result.clear()

    def entered(self) -> Archive:
        """The archive of the fields.

        Raises:
            UsageError: a field is not right.
        """
        values: dict[str, object] = {
            key: field.text().strip()
            for key, field in self.fields.items()
            if key != "password" and field.text().strip()
        }
        kept = (
            {"own_address": self._shown.own_address, "patience_s": self._shown.patience_s}
            if self._shown
            else {}
        )
        return archive_of(**kept, **values, tls=self.tls.isChecked())

    # ----------------------------------------------------------------------------------------------------------- slots

    def _on_save(self) -> None:
        archive = self._keep()
        if archive is not None:
            told = [UNENCRYPTED.format(what=what) for what in archive.unencrypted]
            self.say("\n".join(["Saved.", *told]))

    def _keep(self) -> Archive | None:
        try:
            archive = self.entered()
            shown = self._shown
            others = [
                each for each in self._archives.all if each not in (shown, self._archives.named(archive.name))
            ]
            place = self._archives.all.index(shown) if shown in self._archives.all else len(others)
            others.insert(min(place, len(others)), archive)
            self._archives.replace(others)
        except SpinectError as error:
            self.say(str(error))
            return None
        if password := self.fields["password"].text():
            self.password_given.emit(archive, password)
        self._fill(archive.name)
        return archive

    def _on_test(self) -> None:
        password = self.fields["password"].text()
        try:
            archive = self.entered()
        except SpinectError as error:
            self.say(str(error))
            return
        self.test_wanted.emit(archive, password)

    def _on_remove(self) -> None:
        archive = self._shown
        if archive is None:
            return
        try:
            self._archives.replace([each for each in self._archives.all if each != archive])
        except SpinectError as error:
            self.say(str(error))
            return
        self.removed.emit(archive)
        self._fill("")

    # --------------------------------------------------------------------------------------------------- what is shown

    def say(self, words: str) -> None:
        """Show what came of it."""
        self.result.setPlainText(plain.shown(words))

    def on_ended(self, _title: str, outcome: str) -> None:
        """A job is over."""
        if self._busy:
            self.set_busy(False)
            if outcome == "cancelled":
                self.say("Stopped.")

    def set_busy(self, busy: bool) -> None:
        """While it is tried, nothing else is."""
        self._busy = busy
        self.test.setEnabled(not busy)
        if busy:
            self.say("Trying what works…")

    def show_result(self, examined: Examined) -> None:
        """What works, and what to tell the administrator."""
        lines = [check.words for check in examined.checks]
        remedies = dict.fromkeys(check.fault.remedy for check in examined.checks if check.fault is not None)
        lines += ["", *(f"{remedy}." for remedy in remedies)] if remedies else []
        lines += ["", "To be entered in the archive by its administrator:", examined.for_administrator]
        self.say("\n".join(lines))
