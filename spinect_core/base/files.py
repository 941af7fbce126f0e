"""Files that are either whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from spinect_core.base.errors import OutputError
from spinect_core.base.scratch import part_name, sweep_once

FAULT = "The file cannot be written"
REMEDY = "Choose a folder you may write to, with space left"
LONGEST_FOLDER = 3000
"""Bytes of a path; Linux takes 4096, and pictures have names of their own below it."""

# A new file only, never one that somebody put there before, and never through a link.
_NEW_FILE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
# A pipe or a device under the name of a file must not make anybody wait.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_CHUNK = 1 << 20


@contextmanager
def whole_file(
    path: Path | str, *, fault: str = FAULT, remedy: str = REMEDY, parameter: str | None = None
) -> Iterator[BinaryIO]:
    """Write a file piece by piece that appears under its name in one move, when all of it is on the disk.

    A crash, a full disk or an error in the body leaves the old file as it was, or none, but never half of one. The
    bytes go to a new file of a name nobody can guess in the same folder. A link of the target's name is replaced, and
    what it points to stays untouched. A file that is replaced hands its permissions on.

    Args:
        path: where the file goes; its folder is made if need be.
        fault: what to say where the disk refuses.
        remedy: what to do about that.
        parameter: the setting that the remedy changes, if it is one.

    Yields:
        What the bytes are written to.

    Raises:
        OutputError: the file cannot be written there, or the body raised an OSError; whatever else it raises is
            passed on.
    """
    path = Path(path)
    # A short name of its own: the target's name may be as long as the file system allows.
    temporary = path.parent / part_name()
    try:
        make_folder(path.parent)
        sweep_once(path.parent)
        handle = os.open(temporary, _NEW_FILE, 0o666)
        try:
            with os.fdopen(handle, "wb") as stream:
                _keep_permissions(path, handle)
                yield stream
                stream.flush()
                os.fsync(handle)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"{fault} ({error.strerror or error})", remedy, path, parameter) from error
    sync_folder(path.parent)


def write_whole(path: Path | str, data: bytes) -> None:
    """Write a file in one move, as :func:`whole_file` does.

    Args:
        path: where the file goes; its folder is made if need be.
        data: the file's bytes.

    Raises:
        OutputError: the file cannot be written there.
    """
    with whole_file(path) as stream:
        stream.write(data)


def _keep_permissions(path: Path, handle: int) -> None:
    with contextlib.suppress(OSError):
        old = path.lstat().st_mode
        if stat.S_ISREG(old) and hasattr(os, "fchmod"):
            os.fchmod(handle, stat.S_IMODE(old) & 0o777)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder outlast a power cut where the system can; the files are in place already."""
    if hasattr(os, "O_DIRECTORY"):
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they outlast a power cut.

    Raises:
        OSError: one cannot be made, or the path leaves no room for the names of files; nothing is left of it then.
    """
    if len(os.fsencode(folder.absolute())) > LONGEST_FOLDER:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(folder))
    missing = []
    while not folder.exists() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for number, each in enumerate(reversed(missing)):
        try:
            each.mkdir(exist_ok=True)
        except OSError:
            for made in missing[len(missing) - number :]:
                with contextlib.suppress(OSError):  # somebody else may have put something there
                    made.rmdir()
            raise
        sync_folder(each.parent)


class NotPlain(OSError):
    """Something other than a file of reasonable size stands under a name."""


def read_bounded(path: Path | str, most: int) -> bytes:
    """The bytes of a file that somebody chose; links to it are followed.

    Args:
        path: the file.
        most: bytes.

    Raises:
        NotPlain: a folder, pipe or device, or more bytes than ``most``.
        OSError: it cannot be read.
    """
    # Looked at before it is opened as well: opening is enough to start some devices.
    _refuse_special(Path(path).stat(), most)
    handle = os.open(path, _READ)
    return _content(handle, most)


def read_beside(folder: Path, name: str, most: int) -> bytes:
    """The bytes of a file in a folder that somebody else may have filled; no link on the way is followed.

    Args:
        folder: may be a link itself.
        name: relative to it, with forward slashes.
        most: bytes.

    Raises:
        NotPlain: a link, a folder, pipe or device, one file under several names, or more bytes than ``most``.
        OSError: it cannot be read.
    """
    with _opened_beside(folder, name, most) as handle:
        return _content(os.dup(handle), most)


def facts_beside(folder: Path, name: str, most: int) -> tuple[int, str]:
    """Bytes and SHA-256 (hex) of a file; it may have several names, else as in :func:`read_beside`."""
    digest, size = hashlib.sha256(), 0
    with _opened_beside(folder, name, most, alone=False) as handle:
        while block := os.read(handle, _CHUNK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def is_plain_beside(folder: Path, name: str) -> bool:
    """Whether :func:`read_beside` would read a file, however large it is."""
    try:
        with _opened_beside(folder, name, sys.maxsize):
            return True
    except OSError:
        return False


@contextmanager
def _opened_beside(folder: Path, name: str, most: int, *, alone: bool = True) -> Iterator[int]:
    *folders, last = name.split("/")
    path = folder
    for part in folders:
        path = path / part
        if not _is_own_folder(path, path.lstat()):
            raise NotPlain(errno.ENOTDIR, "a link or no folder", str(path))
    path = path / last
    _refuse_special(path.lstat(), most)
    handle = _open_in(folder, folders, last)
    try:
        facts = os.fstat(handle)
        _refuse_special(facts, most)
        if alone and facts.st_nlink > 1:
            raise NotPlain(errno.EMLINK, "one file under several names", str(path))
        yield handle
    finally:
        os.close(handle)


def _open_in(folder: Path, folders: list[str], last: str) -> int:
    """Open a file so that no part of its path becomes a link meanwhile, where the system can."""
    if os.open not in os.supports_dir_fd:
        return os.open(folder.joinpath(*folders, last), _READ | _NO_LINK)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=place)
            os.close(place)
            place = inner
        return os.open(last, _READ | _NO_LINK, dir_fd=place)
    finally:
        os.close(place)


def is_own_folder(path: Path) -> bool:
    """Whether a folder of this name is there and is no link (on Windows: nor a junction)."""
    try:
        return _is_own_folder(path, path.lstat())
    except OSError:
        return False


def _is_own_folder(path: Path, facts: os.stat_result) -> bool:
    return stat.S_ISDIR(facts.st_mode) and not getattr(facts, "st_reparse_tag", 0)


def _refuse_special(facts: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(facts.st_mode):
        kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "no plain file"
        raise NotPlain(errno.EINVAL, kind)
    if facts.st_size > most:
        raise NotPlain(errno.EFBIG, f"larger than {most / 1e6:.0f} MB")


def _content(handle: int, most: int) -> bytes:
    """All bytes of an open file, which is closed."""
    with os.fdopen(handle, "rb") as stream:
        _refuse_special(os.fstat(handle), most)
        content = stream.read(most + 1)
    if len(content) > most:  # it has grown meanwhile
        raise NotPlain(errno.EFBIG, f"larger than {most / 1e6:.0f} MB")
    return content


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; a name that none can have is of none, and a pipe or device is neither."""
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):  # too long, or with a NUL in it
        return False


def plain_name(name: str) -> str:
    """A name for a file, of plain letters."""
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split())
