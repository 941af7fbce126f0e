"""The menu of teaching in the planner's window, and the trainer's windows that it opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings
from PySide6.QtGui import QAction, QKeySequence

from app.model import teach_files
from app.model.teach_files import Practice
from app.model.tour import Tour
from app.panels.tour_panel import TourPanel
from app.window.lecture import Lecture

if TYPE_CHECKING:
    from app.window.parts import PlannerParts
    from app.window.trainer import TrainerWindow


class TeachMenu(QObject):
    """Opens packs to practise on, leads on the tour, and presents.

    Args:
        window: gets the menu, before the last one.
        settings: where choices are kept.
        three_d: whether OpenGL works here.

    Attributes:
        trainer: the open window to practise in; None without one.
        tour: where somebody is on it.
        lecture: present mode.
    """

    def __init__(self, window: PlannerParts, settings: QSettings, three_d: bool) -> None:
        super().__init__(window)
        self._settings, self._three_d = settings, three_d
        self._jobs, self._recent, self._dialogs = window.jobs, window.state.recent, window.dialogs
        self.trainer: TrainerWindow | None = None
        self.tour, self.lecture = Tour(window.state, settings, self), Lecture(window)
        self.panel = TourPanel(self.tour)
        window.column.insertWidget(0, self.panel)
        bar = window.menuBar()
        menu = bar.addMenu("&Teach")
        actions = bar.actions()
        bar.removeAction(menu.menuAction())
        bar.insertAction(actions[-2], menu.menuAction())
        self.library = QAction("Practise on the library", window)
        self.library.triggered.connect(lambda: self.open(teach_files.library()))
        self.pack = QAction("Open a pack or session…", window)
        self.pack.triggered.connect(lambda: self.ask())
        self.tour_action = QAction("Guided tour", window)
        self.tour_action.triggered.connect(lambda: self.tour.start())
        self.present_action = QAction("Present", window)
        self.present_action.setShortcut(QKeySequence("F11"))
        self.present_action.setToolTip("The 3D view alone in large type; page keys step through the views")
        self.present_action.triggered.connect(lambda: self.lecture.toggle())
        window.addAction(self.present_action)  # its key counts while the menu is hidden too
        menu.addActions([self.tour_action, self.library, self.pack])
        menu.addSeparator()
        menu.addAction(self.present_action)

    def ask(self) -> None:
        """Let the user choose a pack, or the session of a class."""
        path = self._dialogs.file_to_open(
            "Open a pack or a session", self._recent.folder, teach_files.ENDINGS
        )
        if path is not None:
            self.open_path(path)

    def open_path(self, path: Path) -> None:
        """Open a pack, or the session of a class."""
        self._jobs.start(
            f"Opening {path.name}", lambda _progress, _cancel: teach_files.open_practice(path), self.open
        )

    def open(self, practice: Practice) -> None:
        """Practise in a window of its own, in place of one that is open."""
        from app.window.trainer import TrainerWindow

        self.close()
        self.trainer = TrainerWindow(
            self._settings,
            practice.pack,
            practice.session,
            self._three_d,
            practice.results,
            practice.before,
        )
        self.trainer.closed.connect(self._forget)
        self.trainer.show()

    def close(self) -> None:
        """Close the trainer's window, and end present mode."""
        self.lecture.leave()
        if self.trainer is not None:
            self.trainer.close()

    def _forget(self) -> None:
        if self.trainer is not None:
            self.trainer.deleteLater()
        self.trainer = None
