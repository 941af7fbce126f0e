"""All files under a folder, without being caught by links, pipes or locked folders."""

from __future__ import annotations

import os
from pathlib import Path

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, check
from spinect_core.base.reasons import reason

MOST_FILES = 100_000
_NO_DISK = ("/proc", "/sys", "/dev")
"""What the system shows of itself as folders: endless, of no size, and never with a CT in it."""


def files_under(
    folder: Path, *, recursive: bool, cancel: Cancel | None = None
) -> tuple[list[Path], list[Path]]:
    """The regular files under a folder, sorted, and the folders that may not be read.

    Raises:
        ReadingError: the folder itself may not be read, or there are so many files that it is surely the wrong one.
    """
    files: list[Path] = []
    locked: list[Path] = []
    seen: set[tuple[int, int] | str] = set()
    waiting = [folder]
    while waiting:
        check(cancel)
        current = waiting.pop()
        try:
            place = _place(current)
            if place in seen or (current != folder and str(current) in _NO_DISK):
                continue
            seen.add(place)
            with os.scandir(current) as entries:
                for entry in entries:
                    try:
                        if entry.is_file():
                            files.append(Path(entry.path))
                        elif recursive and entry.is_dir():
                            waiting.append(Path(entry.path))
                    except OSError:  # a link that points to itself
                        continue
        except OSError as error:
            if current == folder:
                raise ReadingError(
                    f"The folder cannot be read ({reason(error)})",
                    "Check that it exists and that you may open it",
                    folder,
                ) from error
            locked.append(current)
        if len(files) > MOST_FILES:
            raise ReadingError(
                f"There are more than {MOST_FILES} files under this folder",
                "Choose the folder of one study",
                folder,
            )
    return sorted(files), sorted(locked)


def _place(folder: Path) -> tuple[int, int] | str:
    """What a folder is known by, whichever way leads to it; its real path costs more the deeper it lies."""
    facts = folder.stat()
    return (facts.st_dev, facts.st_ino) if facts.st_ino else os.path.realpath(folder)
