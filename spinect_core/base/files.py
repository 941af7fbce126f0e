"""Files that are either whole or not there at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from spinect_core.base.errors import OutputError


def write_whole(path: Path | str, data: bytes) -> None:
    """Write a file in one move: a crash or a full disk leaves the old file, or none, but never half of one.

    Args:
        path: where the file goes; its folder is made if need be.
        data: the file's bytes.

    Raises:
        OutputError: the file cannot be written there.
    """
    path = Path(path)
    # A short name of its own: the target's name may be as long as the file system allows.
    temporary = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"The file cannot be written ({error.strerror or error})",
            "Choose a folder you may write to, with space left",
            path,
        ) from error
    finally:
        # On some systems even asking for a file below something that is no folder is an error.
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)


def plain_name(name: str) -> str:
    """A name for a file, of plain letters."""
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split())
