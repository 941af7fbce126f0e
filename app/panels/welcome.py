"""What fills the middle before a CT is open, and where 3D cannot be drawn."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.model.autosave import Leftover, Leftovers, when_words
from app.model.ongoing import Ongoing
from app.model.recent import RecentFiles
from app.panels.progress import ProgressCard
from app.widgets import icons, plain
from app.widgets.parts import ElidedLabel, label
from spinect_core.base.versions import NOTICE

DELETE, REALLY = "Delete", "Delete for good?"
MOST_LEFTOVERS = 2
CARD_WIDTH = 620
LEAST_WIDTH = 220
"""Pixels that the word about a missing 3D view is content with: no more than the view itself."""


class Welcome(QWidget):
    """Offers to open a CT, and to recover unsaved work."""

    file_wanted = Signal()
    folder_wanted = Signal()
    archive_wanted = Signal()
    demo_wanted = Signal()
    path_wanted = Signal(object)
    recover_wanted = Signal(object)

    def __init__(
        self, recent: RecentFiles, ongoing: Ongoing, leftovers: Leftovers, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._recent, self._leftovers = recent, leftovers
        column = QVBoxLayout(self)
        column.addStretch(2)
        mark = label("")
        mark.setPixmap(icons.icon("app").pixmap(72, 72))
        mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(mark)
        title = label("SPINECT Planner")
        title.setStyleSheet("font-size: 24px; font-weight: 600;")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(title)
        text = label(
            "Drop a CT here (a DICOM folder, a zip of one, NIfTI, NRRD or MetaImage), or a plan", "muted"
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(text)
        column.addSpacing(14)
        row = QHBoxLayout()
        row.addStretch(1)
        for name, signal, primary in (
            ("Open DICOM folder…", self.folder_wanted, True),
            ("Open file…", self.file_wanted, False),
            ("From the archive…", self.archive_wanted, False),
            ("Demo case", self.demo_wanted, False),
        ):
            button = QPushButton(name)
            if primary:
                button.setProperty("role", "primary")
            button.clicked.connect(signal)
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        column.addSpacing(18)
        self.progress = ProgressCard(ongoing, lambda _job: True)
        self.progress.setFixedWidth(420)
        column.addWidget(self.progress, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        self._rescue = QVBoxLayout()
        self._rescue.setSpacing(6)
        column.addLayout(self._rescue)
        column.addSpacing(8)
        self._list = QVBoxLayout()
        self._list.setSpacing(2)
        column.addLayout(self._list)
        column.addStretch(3)
        notice = label(NOTICE, "notice")
        notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(notice)
        column.addSpacing(12)
        recent.changed.connect(self._show_recent)
        self._show_recent()
        leftovers.changed.connect(self._show_leftovers)
        self._show_leftovers()

    def _show_recent(self) -> None:
        while (item := self._list.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        paths = self._recent.paths[:5]
        if paths:
            heading = label("RECENT", "heading")
            heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._list.addWidget(heading)
        for path in paths:
            self._list.addWidget(self._link(path), 0, Qt.AlignmentFlag.AlignCenter)

    def _show_leftovers(self) -> None:
        while (item := self._rescue.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for each in self._leftovers.found[:MOST_LEFTOVERS]:
            card = RecoverCard(each)
            card.recover_wanted.connect(self.recover_wanted)
            card.delete_wanted.connect(self._leftovers.delete)
            self._rescue.addWidget(card, 0, Qt.AlignmentFlag.AlignHCenter)

    def _link(self, path: Path) -> QPushButton:
        name, folder = plain.line(path.name, 60), plain.line(str(path.parent), 70)
        button = QPushButton(plain.caption(f"{name}   ·   {folder}", 140))
        button.setToolTip(plain.tip(str(path)))
        button.setProperty("role", "link")
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(lambda: self.path_wanted.emit(path))
        return button


class RecoverCard(QFrame):
    """Offers unsaved work of a window that ended unexpectedly."""

    recover_wanted = Signal(object)
    delete_wanted = Signal(object)

    def __init__(self, leftover: Leftover, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "progress")
        self.setFixedWidth(CARD_WIDTH)
        self._leftover = leftover
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 10, 8)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(f"Unsaved work of {when_words(leftover)}", "title"))
        told = leftover.told or f"It cannot be recovered. {leftover.fault}."
        line = ElidedLabel(told)
        line.setProperty("role", "muted")
        line.setToolTip(told)
        words.addWidget(line)
        row.addLayout(words, 1)
        self.recover = QPushButton("Recover")
        self.recover.setProperty("role", "primary")
        self.recover.setAccessibleName(f"Recover unsaved work of {when_words(leftover)}")
        self.recover.clicked.connect(lambda: self.recover_wanted.emit(leftover.path))
        self.recover.setVisible(not leftover.fault)
        self.delete = QPushButton(DELETE)
        self.delete.setAccessibleName(f"Delete unsaved work of {when_words(leftover)}")
        self.delete.setToolTip("Delete it for good; click twice")
        self.delete.clicked.connect(self._on_delete)
        row.addWidget(self.recover)
        row.addWidget(self.delete)

    def _on_delete(self) -> None:
        if self.delete.text() == DELETE:  # there is no way back, so one click does not do it
            self.delete.setText(REALLY)
        else:
            self.delete_wanted.emit(self._leftover.path)


class NoThreeD(QWidget):
    """Says why there is no 3D view; the slices work without."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.addStretch(1)
        title = label("3D cannot be drawn on this computer", wrap=True)
        title.setStyleSheet("font-size: 18px; font-weight: 600;")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text = label(
            "OpenGL 3.2 is missing or did not start. Slices, segmentation and saved plans work as usual.\n"
            "Remedy: install the graphics driver, or on a remote desktop start the program with "
            "LIBGL_ALWAYS_SOFTWARE=1.",
            "muted",
            wrap=True,
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for each in (title, text):
            each.setMinimumWidth(LEAST_WIDTH)
        column.addWidget(title)
        column.addWidget(text)
        column.addStretch(1)
