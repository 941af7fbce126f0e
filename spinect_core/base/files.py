"""Files that are either whole or not there at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from spinect_core.base.errors import OutputError

FAULT = "The file cannot be written"
REMEDY = "Choose a folder you may write to, with space left"

# A new file only, never one that somebody put there before, and never through a link.
_NEW_FILE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


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
    temporary = path.parent / f".{secrets.token_hex(16)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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


def plain_name(name: str) -> str:
    """A name for a file, of plain letters."""
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split())
