"""The archives that have been entered, for the window; passwords are never part of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal

from spinect_core.base.errors import SpinectError
from spinect_core.io.pacs.archive import Archive
from spinect_core.io.pacs.settings import load_archives, save_archives

LAST = "archive/last"


class Archives(QObject):
    """The list, and which was used last.

    Args:
        settings: remember the one that was used last.
        path: of the list; the user's own if None.

    Signals:
        changed: another list, or something waits to be sent or does no more.
    """

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QObject | None = None, path: Path | None = None) -> None:
        super().__init__(parent)
        self._settings, self._path = settings, path
        self._all: tuple[Archive, ...] | None = None
        self.fault: SpinectError | None = None
        """Why the list cannot be read; it is not written over then."""

    @property
    def all(self) -> tuple[Archive, ...]:
        """In the order in which they were entered."""
        if self._all is None:
            try:
                self._all, self.fault = load_archives(self._path), None
            except SpinectError as error:
                self._all, self.fault = (), error
        return self._all

    def named(self, name: str) -> Archive | None:
        """The one of a name."""
        return next((each for each in self.all if each.name == name), None)

    @property
    def preferred(self) -> Archive | None:
        """The one used last, or the only one; None where there is none, or nobody has chosen yet."""
        last = self.named(str(self._settings.value(LAST, "")))
        return last or (self.all[0] if len(self.all) == 1 else None)

    def prefer(self, archive: Archive) -> None:
        """Take note that one is used."""
        if archive != self.preferred:
            self._settings.setValue(LAST, archive.name)
            self.changed.emit()

    def replace(self, archives: Sequence[Archive]) -> None:
        """Keep another list.

        Raises:
            OutputError: it cannot be written.
        """
        save_archives(archives, self._path)
        self._all, self.fault = tuple(archives), None
        self.changed.emit()

    def look_again(self) -> None:
        """Something may have been entered elsewhere, or sent."""
        self._all = None
        self.changed.emit()
