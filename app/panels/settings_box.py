"""The settings, on one page for each part of the program; what is changed holds at once."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.model.autosave import Autosave
from app.widgets import theme
from app.widgets.parts import field_row, label

WIDTH = 520
MARGINS = 56
"""Pixels beside a page's texts."""
PICTURES = (
    "3D, slices and fluoroscopy lie on a dark ground in any theme: grey values are judged in a dark room."
)
KEPT = (
    "Labels, trajectories, needles, triangles and checks that are not saved are written into a private folder every "
    "few seconds. After a crash the next start offers them. They are deleted when the case is saved or closed."
)


class SettingsBox(QDialog):
    """The settings.

    Args:
        pages: what is shown, by the title of its tab.
        parent: the box lies over it.
    """

    def __init__(self, pages: Mapping[str, QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setFixedWidth(WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        self.tabs = QTabWidget()
        for title, page in pages.items():
            self.tabs.addTab(page, title)
        column.addWidget(self.tabs)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)


class GeneralPage(QWidget):
    """What belongs to no part of the work.

    Args:
        autosave: whether unsaved work is kept.
        settings: where the theme is kept.
    """

    def __init__(self, autosave: Autosave, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 14, 12, 14)
        column.setSpacing(8)
        self.theme = QComboBox()
        self.theme.setAccessibleName("Theme")
        for each in theme.Theme:
            self.theme.addItem(each.capitalize(), each.value)
        self.theme.setCurrentIndex(self.theme.findData(theme.chosen(settings).value))
        self.theme.currentIndexChanged.connect(
            lambda _index: theme.choose(settings, theme.Theme(self.theme.currentData()))
        )
        column.addLayout(field_row("Theme", self.theme))
        column.addWidget(explanation(PICTURES))
        column.addSpacing(6)
        self.keep = QCheckBox("Keep unsaved work for a crash")
        self.keep.setChecked(autosave.on)
        self.keep.toggled.connect(autosave.set_on)
        column.addWidget(self.keep)
        for text in (KEPT, f"Folder: {autosave.path.parent}"):
            column.addWidget(explanation(text))
        column.addStretch(1)


def explanation(text: str) -> QWidget:
    """A muted text on as many lines as it needs on a page; the tabs ask no widget for that."""
    result = label(text, "muted", wrap=True)
    result.ensurePolished()
    result.setMinimumHeight(result.heightForWidth(WIDTH - MARGINS))
    return result
