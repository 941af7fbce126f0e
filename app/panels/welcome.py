"""What fills the middle before a CT is open, and where 3D cannot be drawn."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.model.autosave import Leftover, Leftovers, when_words
from app.model.ongoing import Ongoing
from app.model.recent import RecentFiles
from app.panels.progress import ProgressCard
from app.panels.recent_card import HEIGHT, RecentCard
from app.widgets import icons
from app.widgets.parts import ElidedLabel, label
from spinect_core.base.versions import NOTICE

DELETE, REALLY = "Delete", "Delete for good?"
GAP = 6
MOST_LEFTOVERS, MOST_RECENT = 2, 6
CARDS_WIDTH = 780
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
        mark.setPixmap(icons.icon("app").pixmap(60, 60))
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
        self._heading = label("RECENT", "heading")
        self._heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self._heading)
        self._cards = _Cards()
        self._list = self._cards.grid
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._cards, 1000)
        row.addStretch(1)
        column.addLayout(row, 1000)
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
        paths = self._recent.paths[:MOST_RECENT]
        self._heading.setVisible(bool(paths))
        for number, path in enumerate(paths):
            card = RecentCard(path, self._recent.picture(path))
            card.wanted.connect(self.path_wanted)
            card.removed.connect(self._recent.remove)
            self._list.addWidget(card, number // 2, number % 2)
        self._cards.set_rows((len(paths) + 1) // 2)

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


class _Cards(QScrollArea):
    """Cards in two columns; they scroll where there is no room for all."""

    def __init__(self) -> None:
        super().__init__()
        inner = QWidget()
        inner.setObjectName("cards")
        self.grid = QGridLayout(inner)
        self.grid.setContentsMargins(12, 0, 12, 0)
        self.grid.setSpacing(GAP)
        for place in (0, 1):
            self.grid.setColumnStretch(place, 1)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMaximumWidth(CARDS_WIDTH)

    def set_rows(self, count: int) -> None:
        """As high as so many rows, and no lower than one."""
        self.setMinimumHeight(min(count, 1) * HEIGHT)
        self.setMaximumHeight(count * (HEIGHT + GAP))


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
