"""The CTs and plans opened last, and where the CT of a plan was. Only paths and checksums are kept."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal

MOST = 8
MOST_CTS = 40
CTS = "cts"


class RecentFiles(QObject):
    """Paths, the latest first."""

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._passing: list[Path] = []

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

    def leave_out(self, folder: Path) -> None:
        """Take no note of what is in a folder that does not stay."""
        self._passing.append(folder)

    def _stays(self, path: Path) -> bool:
        return not any(path.is_relative_to(each) for each in self._passing)

    def opened(self, path: Path) -> None:
        """Put a path first, and begin the next search in its folder."""
        if not self._stays(path):
            return
        self._settings.setValue("folder", str(path.parent))
        self.add(path)

    def add(self, path: Path) -> None:
        """Put a path first."""
        if not self._stays(path):
            return
        path = path.resolve()
        paths = [path, *(other for other in self.paths if other != path)][:MOST]
        self._settings.setValue("recent", [str(each) for each in paths])
        self.changed.emit()

    def ct_of(self, checksum: str) -> Path | None:
        """Where the CT of this checksum was last; None where that is not known, or nothing is there any more."""
        found = next((path for each, path in self._cts() if each == checksum), None)
        return None if found is None or not Path(found).exists() else Path(found)

    def remember_ct(self, checksum: str, path: Path) -> None:
        """Take note of where a CT is, so that its plan can bring it back."""
        if not self._stays(path):
            return
        first = (checksum, str(path.resolve()))
        kept = [first, *(each for each in self._cts() if each[0] != checksum)][:MOST_CTS]
        self._settings.setValue(CTS, [f"{each} {where}" for each, where in kept])

    def _cts(self) -> list[tuple[str, str]]:
        stored = self._settings.value(CTS, [])
        texts = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        pairs = (str(each).partition(" ") for each in texts)
        return [(checksum, path) for checksum, _, path in pairs if path]

    def clear(self) -> None:
        """Forget all, and the folder to begin in."""
        self._settings.setValue("recent", [])
        self._settings.remove(CTS)
        self._settings.remove("folder")
        self.changed.emit()
