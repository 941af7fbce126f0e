"""The CTs and plans opened last. Only their paths are kept."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal

MOST = 8


class RecentFiles(QObject):
    """Paths, the latest first."""

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings

    @property
    def paths(self) -> list[Path]:
        """Those that still exist."""
        stored = self._settings.value("recent", [])
        if isinstance(stored, str):  # what a list of one comes back as
            stored = [stored]
        texts = stored if isinstance(stored, list) else []
        return [path for path in map(Path, texts) if path.exists()]

    @property
    def folder(self) -> Path:
        """That of the file opened last, to begin the next search in."""
        return Path(str(self._settings.value("folder", str(Path.home()))))

    def opened(self, path: Path) -> None:
        """Put a path first, and begin the next search in its folder."""
        self._settings.setValue("folder", str(path.parent))
        self.add(path)

    def add(self, path: Path) -> None:
        """Put a path first."""
        path = path.resolve()
        paths = [path, *(other for other in self.paths if other != path)][:MOST]
        self._settings.setValue("recent", [str(each) for each in paths])
        self.changed.emit()

    def clear(self) -> None:
        """Forget all, and the folder to begin in."""
        self._settings.setValue("recent", [])
        self._settings.remove("folder")
        self.changed.emit()
