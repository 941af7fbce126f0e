"""The CTs and plans opened last, and where the CT of a plan was. Paths, checksums and small pictures are kept."""

from __future__ import annotations

import contextlib
import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Signal

from spinect_core.base import own_folders
from spinect_core.base.files import write_whole

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST = 8
PICTURE = (160, 100)
"""Pixels of a picture, twice as many as the first page shows of it."""
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
        self._keep([path, *(other for other in self.paths if other != path)][:MOST])

    def remove(self, path: Path) -> None:
        """Take a path off the list, and its picture."""
        self._keep([other for other in self.paths if other != path])

    def picture(self, path: Path) -> Path | None:
        """The picture of a path; None without one."""
        picture = _picture_of(path)
        return picture if picture.is_file() else None

    def keep_picture(self, path: Path, image: npt.NDArray[np.uint8]) -> None:
        """Keep a picture of a path, small and the middle of it; in any thread.

        Args:
            path: of the list; of any other it goes with the next change of the list.
            image: uint8 [row, column, RGB], without any words on it.

        Raises:
            OutputError: it cannot be written.
            OSError: the private folder cannot be made.
        """
        from PIL import Image, ImageOps

        stream = io.BytesIO()
        ImageOps.fit(Image.fromarray(image), PICTURE, Image.Resampling.LANCZOS).save(stream, "PNG")
        picture = _picture_of(path)
        own_folders.make_private(picture.parent)
        write_whole(picture, stream.getvalue())

    def _keep(self, paths: list[Path]) -> None:
        self._settings.setValue("recent", [str(each) for each in paths])
        kept = {_picture_of(each).name for each in paths}
        with contextlib.suppress(OSError):
            for each in own_folders.recent_folder().glob("*.png"):
                if each.name not in kept:
                    each.unlink()
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
        self._settings.remove(CTS)
        self._settings.remove("folder")
        self._keep([])


def _picture_of(path: Path) -> Path:
    """Where the picture of a path is kept, under a name that tells nothing of it."""
    name = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return own_folders.recent_folder() / f"{name}.png"
