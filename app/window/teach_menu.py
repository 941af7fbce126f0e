"""The menu of teaching in the planner's window, and the trainer's windows that it opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from app.model import teach_files
from app.model.jobs import JobRunner
from app.model.recent import RecentFiles
from app.model.teach_files import Practice
from app.widgets.dialogs import Dialogs

if TYPE_CHECKING:
    from app.window.trainer import TrainerWindow


class TeachMenu(QObject):
    """Opens packs to practise on.

    Args:
        window: gets the menu, before the last one.
        settings: where choices are kept.
        jobs: where packs are read.
        recent: where one looked for files last.
        dialogs: asks for files.
        three_d: whether OpenGL works here.

    Attributes:
        trainer: the open window to practise in; None without one.
    """

    def __init__(
        self,
        window: QMainWindow,
        settings: QSettings,
        jobs: JobRunner,
        recent: RecentFiles,
        dialogs: Dialogs,
        three_d: bool,
    ) -> None:
        super().__init__(window)
        self._settings, self._jobs, self._recent = settings, jobs, recent
        self._dialogs, self._three_d = dialogs, three_d
        self.trainer: TrainerWindow | None = None
        bar = window.menuBar()
        menu = bar.addMenu("&Teach")
        actions = bar.actions()
        bar.removeAction(menu.menuAction())
        bar.insertAction(actions[-2], menu.menuAction())
        self.library = QAction("Practise on the library", window)
        self.library.triggered.connect(lambda: self.open(teach_files.library()))
        self.pack = QAction("Open a pack or session…", window)
        self.pack.triggered.connect(lambda: self.ask())
        menu.addActions([self.library, self.pack])

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
            self._settings, practice.pack, practice.session, self._three_d, practice.results
        )
        self.trainer.closed.connect(self._forget)
        self.trainer.show()

    def close(self) -> None:
        """Close the trainer's window."""
        if self.trainer is not None:
            self.trainer.close()

    def _forget(self) -> None:
        if self.trainer is not None:
            self.trainer.deleteLater()
        self.trainer = None
