"""The archives that the user has entered, in one small file. It holds no password."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from spinect_core.base.errors import ReadingError, UsageError
from spinect_core.base.files import read_bounded, write_whole
from spinect_core.base.plain import json_text, parse_json
from spinect_core.base.reasons import reason
from spinect_core.io.pacs.archive import Archive, fault_of

FILE_NAME = "archives.json"
LARGEST = 1_000_000
MOST = 50
_REMEDY = "Correct it, or remove the file and enter the archives again"


def archives_file() -> Path:
    """Where the archives are kept: beside the window's other settings."""
    # Not at the top: `spinect --help` needs none.
    import platformdirs

    if sys.platform in ("win32", "darwin"):
        return platformdirs.user_config_path("SPINECT Planner", appauthor=False) / FILE_NAME
    return platformdirs.user_config_path("SPINECT") / FILE_NAME


def load_archives(path: Path | None = None) -> tuple[Archive, ...]:
    """The archives of a file, none if it is not there.

    Args:
        path: the file; the user's own if None.

    Raises:
        ReadingError: it is no such file.
    """
    path = archives_file() if path is None else path
    try:
        data = parse_json(read_bounded(path, LARGEST).decode("utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, RecursionError) as error:
        raise ReadingError(f"The list of archives cannot be read ({_where(error)})", _REMEDY, path) from None
    entries = data.get("archives") if isinstance(data, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST:
        raise ReadingError('It holds no list "archives"', _REMEDY, path)
    try:
        found = tuple(Archive.model_validate(each) for each in entries)
    except ValidationError as error:
        raise ReadingError(f"An archive in it is not right: {fault_of(error)}", _REMEDY, path) from None
    if len({each.name for each in found}) != len(found):
        raise ReadingError("Two archives in it have the same name", _REMEDY, path)
    return found


def _where(error: Exception) -> str:
    """Why a file is no JSON, without a word of it."""
    return f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else reason(error)


def save_archives(archives: Sequence[Archive], path: Path | None = None) -> None:
    """Replace the list of archives.

    Raises:
        OutputError: the file cannot be written.
    """
    entries = [each.model_dump(mode="json", exclude_defaults=True) for each in archives]
    write_whole(archives_file() if path is None else path, json_text({"archives": entries}).encode("utf-8"))


def chosen_archive(archives: Sequence[Archive], name: str | None) -> Archive:
    """The archive of a name, or the only one.

    Raises:
        UsageError: there is none, or no name is given and there are several.
    """
    if not archives:
        raise UsageError("No archive has been entered", "Enter one first", parameter="archive")
    known = ", ".join(each.name for each in archives)
    if name is None:
        if len(archives) > 1:
            raise UsageError("There are several archives", f"Name one of {known}", parameter="archive")
        return archives[0]
    found = next((each for each in archives if each.name == name), None)
    if found is None:
        raise UsageError(f"No archive is called {name!r:.70}", f"Use one of {known}", parameter="archive")
    return found
