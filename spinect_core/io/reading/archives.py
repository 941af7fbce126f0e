"""Zip archives, unpacked to a folder that goes when nobody needs it any more."""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, Progress, check
from spinect_core.base.reasons import reason
from spinect_core.base.scratch import ScratchFolder

MOST_ENTRIES = 100_000
BOMB_BYTES = 1 << 29
BOMB_RATIO = 200
"""No CT packs better than about 100 to 1; small archives may."""
CHUNK = 1 << 20


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip archive does, whatever it is called."""
    with path.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def unpack(path: Path, *, progress: Progress, cancel: Cancel | None) -> ScratchFolder:
    """Unpack an archive.

    Folders within it are numbered, so that neither long nor foreign nor hostile names reach the disk; the files keep
    their names, as the messages name them.

    Raises:
        ReadingError: damaged, protected by a password, hostile, or too large.
    """
    folder = ScratchFolder()
    try:
        with zipfile.ZipFile(path) as archive:
            # Not is_dir(): it fails on an empty name.
            members = [m for m in archive.infolist() if not m.filename.endswith("/")]
            _check_members(members, path, folder.path)
            total = sum(m.file_size for m in members) or 1
            done = 0
            numbers: dict[str, int] = {}
            for member in members:
                place = PurePosixPath(member.filename.replace("\\", "/"))
                if "__MACOSX" in place.parts:
                    continue
                target = folder.path / f"{numbers.setdefault(str(place.parent), len(numbers)):05d}"
                target.mkdir(exist_ok=True)
                with archive.open(member) as packed, _free_name(target, place.name).open("wb") as unpacked:
                    while block := packed.read(CHUNK):
                        check(cancel)
                        unpacked.write(block)
                        done += len(block)
                check(cancel)
                progress(min(1.0, done / total), "Unpacking the archive")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        folder.remove()
        raise ReadingError(
            f"The archive is damaged or only partly copied ({reason(error)})",
            "Copy it again, or unpack it yourself and choose the folder",
            path,
        ) from error
    except OSError as error:
        folder.remove()
        raise ReadingError(
            f"The archive cannot be unpacked ({reason(error)})",
            "Check the archive and the free disk space",
            path,
        ) from error
    except BaseException:
        folder.remove()
        raise
    return folder


def _check_members(members: list[zipfile.ZipInfo], path: Path, target: Path) -> None:
    """Refuse what would hurt before anything is written."""
    if not members:
        raise ReadingError(
            "The archive holds no file", "Choose the archive or the folder that holds the CT", path
        )
    if len(members) > MOST_ENTRIES:
        raise ReadingError(
            f"The archive holds {len(members)} files, and at most {MOST_ENTRIES} are unpacked",
            "Choose an archive of one study, or unpack it yourself and choose the folder of one",
            path,
        )
    for member in members:
        name = member.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or re.match(r"^[A-Za-z]:", name):
            raise ReadingError(
                f"The archive wants to write outside of its folder ({member.filename[:80]})",
                "Do not open it; ask its sender",
                path,
            )
        if member.flag_bits & 1:
            raise ReadingError(
                "The archive is protected by a password", "Unpack it yourself and choose the folder", path
            )
    unpacked = sum(m.file_size for m in members)
    packed = max(1, min(sum(m.compress_size for m in members), path.stat().st_size))
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * packed:
        raise ReadingError(
            f"The archive of {packed / 2**20:.1f} MB claims to hold {unpacked / 2**20:.0f} MB, more than any CT does",
            "Do not open it; ask its sender",
            path,
        )
    free = shutil.disk_usage(target).free
    if unpacked > 0.9 * free:
        raise ReadingError(
            f"Unpacking needs {unpacked / 2**30:.1f} GB, {free / 2**30:.1f} GB of disk are free",
            "Free some space, or unpack it yourself on another disk and choose the folder",
            path,
        )


def _free_name(folder: Path, name: str) -> Path:
    """The member's own name, made harmless, and numbered if it is taken."""
    plain = re.sub(r'[<>:"|?*\x00-\x1f]', "_", name).rstrip(". ") or "file"
    if re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", plain):
        plain = f"_{plain}"
    plain = plain if len(plain.encode("utf-8", "replace")) <= 150 else plain[-40:]
    target = folder / plain
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{number}_{plain}"
    return target
