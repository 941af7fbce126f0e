"""Unfinished files and temporary folders, named after the process they belong to, and swept once that has died.

A process that is killed cannot clean up, and what it leaves holds voxels of a patient. So the name of every unfinished
file or folder says whose it is: ``.spinect-COMPUTER-PROCESS-START-RANDOM.part``, without the dot and the ending in the
folder for temporary files. Whoever starts or writes next removes those of dead processes, and never anything else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

OLD_S = 7 * 24 * 3600.0
"""Of another computer's processes nobody here knows whether they live; after so long untouched they do not."""
CLOCK_S = 2
"""Seconds by which the system's word on when a process began may change when its clock is set."""
_MARK = r"[0-9a-f]{8}-[0-9]{1,10}-[0-9]{1,12}"
_NAME = re.compile(rf"\.?spinect-(?P<mark>{_MARK})-[0-9a-f]{{8,32}}(?:\.part)?")

_swept: set[Path] = set()


def mark() -> str:
    """What a name says of this process: computer, number, second in which it began."""
    return _mark(os.getpid())


@lru_cache(maxsize=4)
def _mark(process: int) -> str:
    # Not at the top: `spinect --help` passes here.
    import psutil

    return f"{_computer()}-{process}-{int(psutil.Process(process).create_time())}"


@lru_cache(maxsize=1)
def _computer() -> str:
    """This computer, as far as process numbers mean the same, without its name."""
    space = ""
    if sys.platform == "linux":  # containers of one name count their processes apart
        with contextlib.suppress(OSError):
            space = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def lives(of: str) -> bool | None:
    """Whether the process of a mark is running; None where that cannot be known from here.

    Args:
        of: what :func:`mark` gave in that process.
    """
    import psutil

    computer, process, began = of.split("-")
    if computer != _computer():
        return None
    try:
        return bool(abs(int(psutil.Process(int(process)).create_time()) - int(began)) <= CLOCK_S)
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OverflowError):  # it runs, and belongs to somebody else
        return True


def part_name() -> str:
    """A name nobody can guess for an unfinished file or folder of this process."""
    return f".spinect-{mark()}-{secrets.token_hex(16)}.part"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for temporary files that nobody else may read, removed at the end."""
    folder = new_scratch_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_scratch_folder() -> Path:
    """A folder for temporary files that nobody else may read; the caller removes it.

    Raises:
        OSError: it cannot be made.
    """
    sweep_temporary()
    folder = Path(tempfile.gettempdir()) / f"spinect-{mark()}-{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    return folder


class ScratchFolder:
    """A folder for temporary files that lives as long as this object.

    Attributes:
        path: the folder.
    """

    def __init__(self) -> None:
        self.path = new_scratch_folder()
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def remove(self) -> None:
        """Remove it now."""
        self._finalizer()


def sweep(folder: Path) -> list[Path]:
    """Remove what dead processes of this program left unfinished in a folder, not in those below it.

    Args:
        folder: any; one that cannot be read is left alone.

    Returns:
        What was removed.
    """
    gone: list[Path] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found is not None and _is_abandoned(entry, found["mark"]):
                path = Path(entry.path)
                _remove(path)
                gone += [] if os.path.lexists(path) else [path]
    return gone


def sweep_once(folder: Path) -> None:
    """Sweep a folder the first time that this process writes there."""
    if folder not in _swept:
        _swept.add(folder)
        sweep(folder)


def sweep_temporary() -> None:
    """Sweep the folder for temporary files; a program does so when it starts."""
    with contextlib.suppress(OSError):
        sweep_once(Path(tempfile.gettempdir()))


def _is_abandoned(entry: os.DirEntry[str], of: str) -> bool:
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        return False  # we make no links
    if hasattr(os, "getuid") and facts.st_uid != os.getuid():
        return False
    alive = lives(of)
    return time.time() - facts.st_mtime > OLD_S if alive is None else not alive


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
