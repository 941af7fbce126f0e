"""Asks for the password of an archive."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from app.widgets.parts import label

KEEP = "Keep it in the keyring of the system"
NO_KEYRING = "This system has no keyring: the password is kept until the program ends."


class PasswordBox(QDialog):
    """Asks.

    Args:
        archive: its name.
        user: whose password.
        keyring: whether it can be kept.
        parent: the box lies over it.
    """

    def __init__(self, archive: str, user: str, keyring: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Password")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        column.addWidget(label(f"Password of {user} for {archive}", wrap=True))
        self.password = QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.setAccessibleName("Password")
        column.addWidget(self.password)
        self.keep = QCheckBox(KEEP)
        self.keep.setChecked(keyring)
        self.keep.setVisible(keyring)
        column.addWidget(self.keep)
        if not keyring:
            column.addWidget(label(NO_KEYRING, "muted", wrap=True))
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.setMinimumWidth(380)

    @property
    def answer(self) -> tuple[str, bool]:
        """The password, and whether it is kept."""
        return self.password.text(), self.keep.isChecked() and not self.keep.isHidden()
