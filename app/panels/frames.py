"""The frame of each view: its title, what it shows, and the button that enlarges it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.widgets import icons
from app.widgets.parts import ElidedLabel, label


class ViewFrame(QFrame):
    """A titled frame around a view.

    Args:
        title: the view's name.
        colour: of the mark before it, the colour of the view's line in the others.
        content: the view.
    """

    enlarge_wanted = Signal()

    def __init__(self, title: str, colour: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        header = QFrame()
        header.setProperty("role", "header")
        row = QHBoxLayout(header)
        row.setContentsMargins(10, 3, 4, 3)
        mark = label("●")
        mark.setStyleSheet(f"color: {colour}; font-size: 11px;")
        row.addWidget(mark)
        row.addWidget(label(title, "title"))
        self.info = ElidedLabel("", Qt.AlignmentFlag.AlignRight)
        self.info.setProperty("role", "muted")
        row.addWidget(self.info, 1)
        self.enlarge = QToolButton()
        icons.dress(self.enlarge, "maximise", "muted", "accent")
        self.enlarge.setCheckable(True)
        self.enlarge.setToolTip("Enlarge this view, or show all again")
        self.enlarge.clicked.connect(self.enlarge_wanted)
        row.addWidget(self.enlarge)
        column.addWidget(header)
        column.addWidget(content, 1)
