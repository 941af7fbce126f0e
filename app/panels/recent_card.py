"""A recent CT or plan on the first page: its picture, its name, where it lies."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.widgets import icons, plain
from app.widgets.parts import ElidedLabel, label

HEIGHT, PICTURE = 62, (80, 50)


class RecentCard(QPushButton):
    """Opens what it shows.

    Args:
        path: of the CT or plan.
        picture: where its picture is; None without one.

    Signals:
        wanted: to be opened.
        removed: to be taken off the list.
    """

    wanted = Signal(object)
    removed = Signal(object)

    def __init__(self, path: Path, picture: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.setProperty("role", "card")
        self.setFixedHeight(HEIGHT)
        self.setToolTip(plain.tip(str(path)))
        self.setAccessibleName(f"Open {plain.line(path.name)}")
        self.clicked.connect(lambda _checked=False: self.wanted.emit(path))
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 5, 4, 5)
        row.setSpacing(10)
        self.picture = label("")
        self.picture.setFixedSize(*PICTURE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._show(picture)
        words = QVBoxLayout()
        words.setSpacing(1)
        name, folder = ElidedLabel(plain.line(path.name, 60)), ElidedLabel(plain.line(str(path.parent), 90))
        name.setProperty("role", "title")
        folder.setProperty("role", "muted")
        words.addStretch(1)
        words.addWidget(name)
        words.addWidget(folder)
        words.addStretch(1)
        for each in (self.picture, name, folder):
            each.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.remove = QToolButton()
        icons.dress(self.remove, "close", "muted")
        self.remove.setToolTip("Take it off this list; the file stays")
        self.remove.setAccessibleName(f"Take {plain.line(path.name)} off the list")
        self.remove.clicked.connect(lambda _checked=False: self.removed.emit(path))
        row.addWidget(self.picture)
        row.addLayout(words, 1)
        row.addWidget(self.remove, 0, Qt.AlignmentFlag.AlignTop)

    def _show(self, picture: Path | None) -> None:
        drawn = QPixmap() if picture is None else QPixmap(str(picture))
        if drawn.isNull():
            drawn = icons.icon("segment" if self.path.suffix == ".spinect" else "open", "muted").pixmap(
                24, 24
            )
        else:
            drawn.setDevicePixelRatio(drawn.width() / PICTURE[0])
        self.picture.setPixmap(drawn)
