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
"""Seconds by which the system's word on when a process began may differ from one look to the next."""
_MARK = r"[0-9a-f]{8}-[0-9]{1,10}-[0-9]{1,12}"
_NAME = re.compile(rf"\.?spinect-(?P<mark>{_MARK})-[0-9a-f]{{8,32}}(?:\.part)?")

_swept: set[Path] = set()


def mark() -> str:
    """What a name says of this process: computer, number, second in which it began."""
    return mark_of(os.getpid())


@lru_cache(maxsize=4)
def mark_of(process: int) -> str:
    """What :func:`mark` gives in a process of this computer that is running."""
    return f"{_computer()}-{process}-{_began(process)}"


def _began(process: int) -> int:
    """Second in which a process began, by a clock that nobody sets.

    Raises:
        psutil.Error: there is none, or it does not say.
    """
    # Not at the top: `spinect --help` passes here.
    import psutil

    # Linux counts from its start, and takes that for another moment whenever the clock is set.
    start = psutil.boot_time() if sys.platform == "linux" else 0.0
    return int(psutil.Process(process).create_time() - start)


@lru_cache(maxsize=1)
def _computer() -> str:
    """This computer, as far as process numbers mean the same, without its name."""
    facts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # computers that share a folder may all be called localhost
        facts.append(_installation())
    if sys.platform == "linux":  # containers of one name count their processes apart
        with contextlib.suppress(OSError):
            facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256(" ".join(facts).encode()).hexdigest()[:8]


def _installation() -> str:
    """What the system calls this installation of itself; "" where it has no word for it.

    Raises:
        OSError: it does not say.
    """
    if sys.platform == "win32":
        import winreg

        place = winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE,
            r"SOFTWARE\Microsoft\Cryptography",
            0,
            winreg.KEY_READ | winreg.KEY_WOW64_64KEY,
        )
        with place:
            return str(winreg.QueryValueEx(place, "MachineGuid")[0])
    if sys.platform == "linux":
        return Path("/etc/machine-id").read_text("ascii", "replace").strip()
    return ""


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
        same = abs(_began(int(process)) - int(began)) <= CLOCK_S
        # Killed, but nobody has asked how it ended: in a container that may stay so for ever.
        return same and psutil.Process(int(process)).status() != psutil.STATUS_ZOMBIE
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
            path = Path(entry.path)
            if found is not None and abandoned(path, found["mark"]):
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


def abandoned(path: Path, of: str) -> bool:
    """Whether a file or folder is the user's, no link, and of a process that has died.

    Args:
        path: of it.
        of: what :func:`mark` gave in that process.
    """
    try:
        facts = path.lstat()
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
