"""What a study has finished already: one JSON file a part, valid for as long as its key is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spinect_core.base.errors import ReadingError
from spinect_core.base.files import write_whole
from spinect_core.base.plain import plain
from spinect_core.base.progress import Cancel, check
from spinect_core.base.reasons import reason
from spinect_core.base.versions import NOTICE
from spinect_core.research.study.cases import read_json

PIECE = 1 << 20
DETACHED = (".mhd", ".nhdr", ".hdr")


def content_hash(path: Path, cancel: Cancel | None = None) -> str:
    """SHA-256 (hex) of a file, or of the names and contents of all files in a folder.

    Raises:
        ReadingError: a file cannot be read.
    """
    digest = hashlib.sha256()
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    if path.suffix.lower() in DETACHED:  # the voxels lie beside the header
        files = sorted(file for file in path.parent.glob(f"{path.stem}.*") if file.is_file())
    for file in files:
        check(cancel)
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode("utf-8") + b"\0")
        try:
            with file.open("rb") as stream:
                while piece := stream.read(PIECE):
                    digest.update(piece)
        except OSError as error:
            raise ReadingError(
                f"The file cannot be read ({reason(error)})",
                "Check that it is there and that you may read it",
                file,
            ) from error
    return digest.hexdigest()


def key_of(facts: Mapping[str, Any]) -> str:
    """One key (hex) for everything a result depends on."""
    return hashlib.sha256(json.dumps(plain(facts), sort_keys=True).encode("utf-8")).hexdigest()


class Store:
    """The folder of one case's finished parts.

    Args:
        folder: made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def kept(self, name: str, key: str) -> dict[str, Any] | None:
        """The part that was finished under this key, or None."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            return None
        try:
            data = read_json(path)
        except ReadingError:
            return None  # damaged: it is computed again
        if not isinstance(data, Mapping) or data.get("key") != key:
            return None
        result = data.get("result")
        return result if isinstance(result, dict) else None

    def keep(self, name: str, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
        """Write a finished part; as it would be read back."""
        plain_result: dict[str, Any] = plain(result)
        text = json.dumps(
            {"notice": NOTICE, "key": key, "result": plain_result}, indent=1, ensure_ascii=False
        )
        write_whole(self.folder / f"{name}.json", (text + "\n").encode("utf-8"))
        return plain_result

    def part(self, name: str, key: str, work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """The part finished under this key, or else the work's result, kept."""
        kept = self.kept(name, key)
        return self.keep(name, key, work()) if kept is None else kept
