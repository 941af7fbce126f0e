"""The members of a document's zip: packed alike every time, unpacked with distrust."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinect_core.base.errors import PlanError
from spinect_core.plan.fields import inner_path, json_text

HEAD = "document.json"
LARGEST_HEAD = 50_000_000
LARGEST_DOCUMENT = 1 << 29
"""Bytes of all members unpacked: several times the labels of the largest CT."""
MOST_MEMBERS = 2000
COMPRESSION = 6
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Every member's time, the first a zip can hold: the same document is the same file whenever it is written."""
COPY_AGAIN = "Copy it again from where it was written, or plan the case again"
OTHER_FILE = "Choose a .spinect file of SPINECT Planner"


@dataclass(frozen=True)
class Member:
    """What the table of a document says of a member.

    Attributes:
        size: bytes.
        sha256: of them, hex.
    """

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Member:
        """The facts of a member."""
        return cls(len(content), hashlib.sha256(content).hexdigest())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the table."""
        return {"bytes": self.size, "sha256": self.sha256}


@dataclass(frozen=True)
class Members:
    """What a zip held beside ``document.json``.

    Attributes:
        contents: bytes by name.
        source: the file, for messages.
    """

    contents: dict[str, bytes]
    source: Path

    def checked(self, table: Any) -> dict[str, bytes]:
        """The contents, if they are what the table says.

        Raises:
            PlanError: a member is missing, not in the table, or changed.
        """
        if not isinstance(table, Mapping):
            raise PlanError("The document has no table of its members", COPY_AGAIN, self.source)
        for name in table:
            if name not in self.contents:
                raise PlanError(f"The document has lost {name!r}", COPY_AGAIN, self.source)
        for name, content in self.contents.items():
            if name not in table:
                raise PlanError(
                    f"The document holds {name!r}, which is not in its table", COPY_AGAIN, self.source
                )
            if table[name] != Member.of(content).to_dict():
                raise PlanError(f"{name!r} in the document was changed", COPY_AGAIN, self.source)
        return dict(self.contents)


def is_member_name(name: str) -> bool:
    """Whether a member may be called so: a path of a file that stays inside, the same on every system."""
    try:
        return bool(inner_path(name)) and not name.endswith("/")
    except ValueError:
        return False


def pack(head: Mapping[str, Any], members: Mapping[str, bytes], path: Path | str) -> bytes:
    """The bytes of a document: ``document.json`` first, then the members in their order.

    Raises:
        PlanError: a number is not finite, or it is more than a document holds.
    """
    try:
        text = json_text(head).encode("utf-8")
    except (ValueError, TypeError) as error:
        raise PlanError(f"The plan cannot be stored ({error})", "Measure again and save", path) from error
    size = len(text) + sum(map(len, members.values()))
    if size > LARGEST_DOCUMENT or len(text) > LARGEST_HEAD or len(members) >= MOST_MEMBERS:
        raise PlanError(
            f"{size / 1e6:.0f} MB in {len(members)} members are more than a document holds",
            "Segment a smaller region, or save fewer pictures",
            path,
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in {HEAD: text, **members}.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # else it would tell the system it was written on
            info.external_attr = 0o644 << 16
            archive.writestr(info, content, compresslevel=COMPRESSION)
    return stream.getvalue()


def unpack(path: Path) -> tuple[dict[str, Any], Members]:
    """``document.json`` and the other members of a document, none of them trusted yet.

    Raises:
        PlanError: no such file, no zip, a damaged or hostile one, or one without ``document.json``.
    """
    try:
        if path.stat().st_size > LARGEST_DOCUMENT:
            raise PlanError("The file is too large for a document", OTHER_FILE, path)
        packed = path.read_bytes()
    except OSError as error:
        raise PlanError(
            f"The document cannot be read ({error.strerror or error})",
            "Choose an existing .spinect file",
            path,
        ) from error
    if not packed.startswith(b"PK\x03\x04"):
        raise PlanError("This is not a SPINECT document", OTHER_FILE, path)
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            infos = archive.infolist()
            _refuse_hostile(infos, path)
            contents = {info.filename: archive.read(info) for info in infos}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        LookupError,
        ArithmeticError,
        OSError,
    ) as error:
        raise PlanError(
            f"The document is damaged or only partly copied ({str(error)[:120] or type(error).__name__})",
            COPY_AGAIN,
            path,
        ) from error
    if HEAD not in contents:
        raise PlanError(f"This is not a SPINECT document: it has no {HEAD}", OTHER_FILE, path)
    return _head(contents.pop(HEAD), path), Members(contents, path)


def _refuse_hostile(infos: list[zipfile.ZipInfo], path: Path) -> None:
    """Refuse before anything is unpacked what would hurt or cannot have been written by this program."""
    if len(infos) > MOST_MEMBERS:
        raise PlanError(f"The document holds {len(infos)} members", OTHER_FILE, path)
    names = [info.filename for info in infos]
    if len(set(names)) != len(names):
        raise PlanError("The document holds a member twice", COPY_AGAIN, path)
    for info in infos:
        if not is_member_name(info.filename):
            raise PlanError(
                f"The document holds a member that leads out of it ({info.filename[:80]!r})",
                "Do not open it; ask its sender",
                path,
            )
        if info.flag_bits & 1:
            raise PlanError("The document is protected by a password", OTHER_FILE, path)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise PlanError("The document is packed in a way this program does not use", COPY_AGAIN, path)
    # Python's zipfile unpacks no more of a member than it declares.
    size = sum(info.file_size for info in infos)
    head = sum(info.file_size for info in infos if info.filename == HEAD)
    if size > LARGEST_DOCUMENT or head > LARGEST_HEAD:
        raise PlanError(
            f"The document claims to hold {size / 1e6:.0f} MB, more than any document does",
            "Do not open it; ask its sender",
            path,
        )


def _head(content: bytes, path: Path) -> dict[str, Any]:
    try:
        head = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{HEAD} in the document is damaged ({error})", COPY_AGAIN, path) from error
    if not isinstance(head, dict):
        raise PlanError("This is not a SPINECT document", OTHER_FILE, path)
    return head


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of a plan")
