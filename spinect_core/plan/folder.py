"""The folder of a plan: which files in it are ours, how a new plan takes an old one's place, and what is read of it.

A folder may come from anybody, and may hold what its owner put there. So

- only files whose names this program gives are read, moved or replaced, whatever a plan calls its pictures; no link is
  followed, and a picture has to be one;
- a manifest lists what was written, with checksums. A file that is not in it or has changed since is its owner's: it is
  never removed, and where a new file needs its name it gets the ending ``.kept``.

A new plan is made in a folder of its own. Where there was no folder, that one is renamed. Otherwise it becomes
``.spinect-ready`` in the old folder: from that rename on the new plan is the folder's. Its files are then moved to
their places, by a journal in it that whoever opens the folder next completes if the process dies meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import secrets
import shutil
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from spinect_core.base.errors import OutputError
from spinect_core.base.files import (
    NotPlain,
    facts_beside,
    is_own_folder,
    is_plain_beside,
    make_folder,
    read_beside,
    read_bounded,
    sync_folder,
    write_whole,
)
from spinect_core.base.plain import parse_json
from spinect_core.base.scratch import lives, mark, part_name, sweep

LABELS_FILE = "labels.nii.gz"
BONE_FILE = "bone.ply"
NERVE_FILE = "nerve.ply"
PLAN_FILE = "plan.json"
DOCUMENT_FILE = "plan.spinect"
PICTURE_FOLDER = "views"
MANIFEST_FILE = ".spinect-manifest.json"
READY_FOLDER = ".spinect-ready"
KEPT = ".kept"
"""The ending of a file that was in the way and is not ours to replace."""

MOST_BYTES = 1 << 32
MOST_PICTURE = 1 << 25
MOST_SIDE = 20_000
MOST_PIXELS = 80_000_000
MOST_LIST = 1 << 22
MOST_NAMES = 1000
MOST_TOGETHER = 1 << 28
PATIENCE_S = 10.0
"""How long to wait for a process that is just putting its plan in place: it takes a fraction of a second."""
FOREIGN_S = 3600.0
HELD_S = 2.0
"""How long another program may hold a file on Windows: a virus scanner does for a moment."""

_PLAIN = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_PICTURE = re.compile(rf"(?:{PICTURE_FOLDER}/{_PLAIN}|needle-{_PLAIN}|angle-map-{_PLAIN})\.png")
_MAP = re.compile(rf"angle-map-{_PLAIN}\.csv")
_WHOLE = (LABELS_FILE, BONE_FILE, NERVE_FILE, PLAN_FILE, DOCUMENT_FILE, MANIFEST_FILE)
_JOURNAL = re.compile(r"journal-(?P<mark>[0-9a-f]+-[0-9]+-[0-9]+)-(?P<run>[0-9a-f]{16})\.json")
_SHA = re.compile(r"[0-9a-f]{64}")
_MAP_HEAD = b"oblique,tilt,area_mm2"
_running: set[str] = set()
"""Journals that this very process is at work on."""


def is_ours(name: str) -> bool:
    """Whether this program gives a file in a plan's folder this name (relative to it, with forward slashes)."""
    return name in _WHOLE or _is_attachment(name)


def _is_attachment(name: str) -> bool:
    return bool(_PICTURE.fullmatch(name) or _MAP.fullmatch(name))


# ------------------------------------------------------------------------------------------------------------- reading


def read_current(path: Path, most: int) -> bytes:
    """The bytes of a file of a plan's folder, after completing what a process that died had begun there.

    Args:
        path: the file; a link that the user chose is followed.
        most: bytes.

    Raises:
        NotPlain: no plain file, or too large a one.
        OSError: it cannot be read.
    """
    folder = path.parent
    ready = _still_ready(folder)
    if ready and is_plain_beside(ready, path.name):
        return read_beside(ready, path.name, most)
    return read_bounded(path, most)


def attachments(folder: Path, names: Iterable[str]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The pictures and maps beside a plan that may have come from anybody.

    Args:
        folder: of the plan.
        names: what it calls its pictures and maps.

    Returns:
        The contents by name, and the names of those that are there and are none; one that is missing is in neither.
    """
    ready = _still_ready(folder)
    found: dict[str, bytes] = {}
    refused = []
    size = 0
    for name in sorted(set(names)):
        try:
            place = ready if ready and os.path.lexists(ready / name) else folder
            content = _attachment(place, name) if len(found) < MOST_NAMES and size < MOST_TOGETHER else None
        except FileNotFoundError:
            continue
        except OSError:
            content = None
        if content is None:
            refused.append(name)
        else:
            found[name] = content
            size += len(content)
    return found, tuple(refused)


def are_beside(folder: Path, names: Iterable[str]) -> set[str]:
    """Those of a plan's files that lie beside it as plain files, under names that this program gives."""
    ready = _still_ready(folder)
    return {
        name
        for name in set(names)
        if is_ours(name) and any(is_plain_beside(place, name) for place in (ready, folder) if place)
    }


def _attachment(folder: Path, name: str) -> bytes | None:
    """None for what is no picture and no map."""
    if not _is_attachment(name):
        if not os.path.lexists(folder / name):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return None
    content = read_beside(folder, name, MOST_PICTURE)
    if _MAP.fullmatch(name):
        return content if _is_map(content) else None
    return content if is_picture(content) else None


def _is_map(content: bytes) -> bool:
    """Whether these are the bytes of an angle map's table; above its head may stand what reading noticed."""
    lines = (line for line in content.splitlines() if not line.startswith(b"#"))
    return next(lines, b"").startswith(_MAP_HEAD)


def is_picture(content: bytes) -> bool:
    """Whether these are the bytes of a whole PNG of a size that a screen could show; its pixels are not unpacked."""
    # Not at the top: a plan without pictures needs none of it.
    from PIL import Image

    if content[:16] != b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" or len(content) < 33:
        return False
    width, height = struct.unpack(">II", content[16:24])
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE and width * height <= MOST_PIXELS):
        return False
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            picture.verify()
    except Exception:  # what Pillow raises on damage is not documented
        return False
    return content.endswith(b"IEND\xaeB`\x82")  # nothing rides behind it


# ------------------------------------------------------------------------------------------------------------ manifest


@dataclass(frozen=True)
class Manifest:
    """What was written into a plan's folder.

    Attributes:
        files: SHA-256 (hex) of each file by its name, the manifest's own apart.
    """

    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Manifest | None:
        """Of what lies in a folder; None without one, or with one that is no manifest."""
        try:
            data = parse_json(read_beside(folder, MANIFEST_FILE, MOST_LIST).decode("utf-8"))
            if data["format"] != "spinect-manifest" or data["schema"] != 1:
                return None
            return cls(_sums(data["files"]))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def write(self, folder: Path) -> None:
        """Write it into a folder.

        Raises:
            OutputError: the disk refused.
        """
        data = {"format": "spinect-manifest", "schema": 1, "files": dict(sorted(self.files.items()))}
        write_whole(folder / MANIFEST_FILE, json.dumps(data, indent=1).encode())

    def changed(self, folder: Path) -> list[str]:
        """The names of files that are missing or no longer as they were written."""
        return [name for name, sha in self.files.items() if _sha(folder, name) != sha]


def _sums(data: Any) -> dict[str, str]:
    """Checksums by name, of our own names alone."""
    sums = {str(name): str(sha) for name, sha in data.items()}
    if len(sums) > MOST_NAMES or not all(is_ours(name) and _SHA.fullmatch(sha) for name, sha in sums.items()):
        raise ValueError("names or checksums that this program does not give")
    return sums


def _sha(folder: Path, name: str) -> str | None:
    """SHA-256 of a file; None if there is none, or something else under its name."""
    try:
        return facts_beside(folder, name, MOST_BYTES)[1]
    except OSError:
        return None


# ------------------------------------------------------------------------------------------------------------- writing


@contextmanager
def workshop(out: Path) -> Iterator[Path]:
    """An empty folder to make a plan in, on the disk of ``out``; it goes at the end unless it was put in place.

    What processes that died left behind in ``out`` is completed or removed first.

    Raises:
        OutputError: nothing can be written there, or something there is in the way.
    """
    try:
        if os.path.lexists(out) and not out.is_dir():
            raise OutputError("This is a file, not a folder", "Choose another name for the results", out)
        _refuse_odd(out)
        beside = out if out.is_dir() else out.absolute().parent
        missing = [each for each in (beside, *beside.parents) if not each.exists()]
        folder = beside / part_name()
        make_folder(beside)
        sweep(beside)
        folder.mkdir()
    except OSError as error:
        raise OutputError(
            f"Nothing can be written here ({error.strerror or error})",
            "Choose a folder you may write to",
            out,
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for each in missing:
            with contextlib.suppress(OSError):  # somebody put something there: the plan, for one
                each.rmdir()


def _refuse_odd(out: Path) -> None:
    if not out.is_dir():
        return
    if not settle(out):
        raise OutputError(
            f"The folder holds an unfinished plan that cannot be completed ({READY_FOLDER})",
            "Close programs that have its files open, or choose another folder",
            out,
        )
    pictures = out / PICTURE_FOLDER
    if os.path.lexists(pictures) and not is_own_folder(pictures):
        raise OutputError(
            f"{PICTURE_FOLDER} in this folder is a link or a file",
            "Remove it, or choose another folder",
            out,
        )


@dataclass(frozen=True)
class Kept:
    """Files that stood in a folder and are not this program's, or were changed after it wrote them.

    Attributes:
        renamed: old names of those that a new file needed, with the new ones.
        stayed: names of those that an earlier plan had and the new one does not.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    stayed: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What to tell the user of them."""
        return (
            *(
                f"{old} was not as this program wrote it and is kept as {new}"
                for old, new in self.renamed.items()
            ),
            *(f"{name} was changed since this program wrote it and stays" for name in self.stayed),
        )


def put_in_place(made: Path, out: Path) -> Kept:
    """Make the finished files of a workshop those of a folder; whatever happens, it holds the old plan or the new one.

    Args:
        made: what :func:`workshop` gave, with all files in it on the disk.
        out: the folder.

    Returns:
        What was in the way and is kept.

    Raises:
        OutputError: the disk refused.
    """
    try:
        names = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
        if PLAN_FILE not in names:
            raise FileNotFoundError(errno.ENOENT, "the folder it was made in is gone")
        if strange := [name for name in names if not is_ours(name)]:
            raise ValueError(f"{strange[0]} is no name of a plan's file")
        sums = {name: facts_beside(made, name, MOST_BYTES)[1] for name in names}
        Manifest(sums).write(made)
        _sync(made)
        if not os.path.lexists(out) and _renamed(made, out):
            sync_folder(out.absolute().parent)
            return Kept()
        sums[MANIFEST_FILE] = facts_beside(made, MANIFEST_FILE, MOST_LIST)[1]
        return _replace(made, out, sums)
    except OSError as error:
        raise OutputError(
            f"The results cannot be moved into place ({error.strerror or error})",
            "Close programs that have the old results open, or choose another folder",
            out,
        ) from error


def _renamed(made: Path, out: Path) -> bool:
    try:
        made.rename(out)
    except OSError:
        if out.is_dir():  # somebody else has made it meanwhile
            return False
        raise
    return True


def _replace(made: Path, out: Path, sums: Mapping[str, str]) -> Kept:
    run = secrets.token_hex(8)
    name, ready = f"journal-{mark()}-{run}.json", out / READY_FOLDER
    _running.add(run)
    try:
        while True:
            _refuse_odd(out)
            journal, stayed = _compare(out, sums)
            write_whole(made / name, journal.text())
            try:
                made.rename(ready)
                break
            except OSError:
                if not os.path.lexists(ready):
                    raise
        sync_folder(out)
        return Kept(_complete(out, ready / name, journal), stayed)
    except OSError as error:
        if not os.path.lexists(ready / name):
            raise
        raise OutputError(
            f"The new plan is ready but cannot take its place yet ({error.strerror or error})",
            "Close programs that have files of this folder open; opening the plan or planning again completes it",
            out,
        ) from error
    finally:
        _running.discard(run)


def _compare(out: Path, sums: Mapping[str, str]) -> tuple[_Journal, tuple[str, ...]]:
    """What has to be done in a folder for files of these checksums to be its plan, and names of files that stay."""
    old = Manifest.of(out)
    known = {} if old is None else old.files
    gone = {name: sha for name, sha in known.items() if name not in sums and os.path.lexists(out / name)}
    remove = {name: sha for name, sha in gone.items() if _sha(out, name) == sha}
    replace = {name: sha for name, sha in known.items() if name in sums}
    return _Journal(dict(sums), replace, remove), tuple(sorted(gone.keys() - remove.keys()))


def _free_name(out: Path, name: str) -> str:
    free, number = f"{name}{KEPT}", 2
    while os.path.lexists(out / free):
        free, number = f"{name}{KEPT}-{number}", number + 1
    return free


def _sync(folder: Path) -> None:
    for each in (folder / PICTURE_FOLDER, folder):
        if is_own_folder(each) or each is folder:
            sync_folder(each)


# ------------------------------------------------------------------------------------------------------------- journal


@dataclass(frozen=True)
class _Journal:
    """What is left to do in a folder whose plan is ready.

    Attributes:
        files: SHA-256 of each of the new plan's files.
        replace: SHA-256 of those of the old plan that have the same names.
        remove: SHA-256 of files of the old plan that the new one does not have.
    """

    files: Mapping[str, str]
    replace: Mapping[str, str]
    remove: Mapping[str, str]

    def text(self) -> bytes:
        data = {"format": "spinect-journal", "schema": 1}
        sums = {"files": self.files, "replace": self.replace, "remove": self.remove}
        return json.dumps({**data, **sums}).encode()

    @classmethod
    def read(cls, ready: Path, name: str) -> _Journal:
        """Raises ValueError, LookupError, TypeError or OSError for what this program did not write."""
        data = parse_json(read_beside(ready, name, MOST_LIST).decode("utf-8"))
        if data["format"] != "spinect-journal" or data["schema"] != 1:
            raise ValueError("no journal")
        return cls(_sums(data["files"]), _sums(data["replace"]), _sums(data["remove"]))


def _complete(out: Path, path: Path, journal: _Journal) -> dict[str, str]:
    """Do what a journal says is left to do. Stopped anywhere, it can be done again from the beginning.

    Returns:
        Old names of the files in the way that are not this program's, with the new ones. Each is looked at now, not
        when the journal was written: its owner may have put it there since.

    Raises:
        OSError: the disk refused, another program holds a file, or what is ready is not what was made.
    """
    ready = path.parent
    for each in (ready, out):
        if os.path.lexists(each / PICTURE_FOLDER) and not is_own_folder(each / PICTURE_FOLDER):
            raise NotPlain(errno.ENOTDIR, f"{PICTURE_FOLDER} is a link or a file", str(each))
    left = [name for name, sha in journal.files.items() if _waits(ready, name, sha)]
    aside = _set_aside(out, left, journal)
    # An old plan beside new labels would be wrong for whoever reads no journals; none at all is only missing.
    if PLAN_FILE in left:
        _insist(partial((out / PLAN_FILE).unlink, missing_ok=True))
    _sync(out)
    for name in sorted(left, key=lambda each: each == PLAN_FILE):
        target = out / name
        target.parent.mkdir(exist_ok=True)
        _insist(partial((ready / name).replace, target))
    _sync(out)
    for name, sha in journal.remove.items():
        if _sha(out, name) == sha:
            _insist(partial((out / name).unlink, missing_ok=True))
    _sync(out)
    path.unlink(missing_ok=True)
    _clear(ready)
    sync_folder(out)
    return aside


def _waits(ready: Path, name: str, sha: str) -> bool:
    """Whether a file of the new plan still has to be moved.

    Raises:
        OSError: it cannot be read, or is another than was made.
    """
    if not os.path.lexists(ready / name):
        return False
    if facts_beside(ready, name, MOST_BYTES)[1] != sha:
        raise NotPlain(errno.EINVAL, "changed since it was made", str(ready / name))
    return True


def _set_aside(out: Path, names: Iterable[str], journal: _Journal) -> dict[str, str]:
    """Rename what is in the way of new files and is none of this program's; old names with the new ones."""
    current = Manifest.of(out)  # another run's, if that was quicker
    listed = (journal.files, journal.replace, {} if current is None else current.files)
    aside = {}
    for name in names:
        if not os.path.lexists(out / name) or (name == MANIFEST_FILE and current is not None):
            continue
        if _sha(out, name) not in {sums[name] for sums in listed if name in sums}:
            aside[name] = _free_name(out, name)
            _insist(partial((out / name).rename, out / aside[name]))
    return aside


def _clear(ready: Path) -> None:
    """Remove the folder of a finished journal, if nothing is in it."""
    for each in (ready / PICTURE_FOLDER, ready):
        with contextlib.suppress(OSError):
            each.rmdir()


def _insist(work: Callable[[], object]) -> None:
    """On Windows a file that another program reads cannot be moved; it often can a moment later."""
    until = time.monotonic() + HELD_S
    while True:
        try:
            work()
        except PermissionError:
            if os.name != "nt" or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def settle(out: Path) -> bool:
    """Complete in a folder what a process that died had begun, and wait for one that lives.

    Args:
        out: the folder.

    Returns:
        Whether all its files are those of one plan: nothing was begun, or it is complete now.
    """
    ready = out / READY_FOLDER
    until = time.monotonic() + PATIENCE_S
    while is_own_folder(ready):
        found = _found_journal(ready)
        if found is None:
            _clear(ready)
            if _found_journal(ready) is None:  # else another run has begun meanwhile
                break
        elif found[2] in _running or not _is_abandoned(ready, found[1]):
            time.sleep(0.05)
        elif not _take_over(out, ready, found[0]):
            return False
        if time.monotonic() > until:
            break
    return not os.path.lexists(ready)


def _is_abandoned(ready: Path, owner: str) -> bool:
    """Whether nobody is at work on a journal any more; that of another computer is left alone for an hour."""
    if owner == mark():
        return True
    alive = lives(owner)
    if alive is not None:
        return not alive
    try:
        return time.time() - ready.stat().st_mtime > FOREIGN_S
    except OSError:  # it is in its place by now
        return False


def _take_over(out: Path, ready: Path, name: str) -> bool:
    """Complete a dead process's journal; False where that is impossible, True also where somebody was quicker."""
    run = secrets.token_hex(8)
    own = ready / f"journal-{mark()}-{run}.json"
    _running.add(run)
    try:
        journal = _Journal.read(ready, name)
        if not _is_whole(out, ready, journal):
            raise ValueError("files are missing or changed")
        (ready / name).rename(own)  # one process can do that, whoever comes second finds nothing to rename
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        _running.discard(run)
        return not os.path.lexists(ready / name)
    try:
        _complete(out, own, journal)
    except OSError:
        return False
    finally:
        _running.discard(run)
    return True


def _is_whole(out: Path, ready: Path, journal: _Journal) -> bool:
    """Whether every file of the new plan is there, in its place or on the way: a copied folder may lack some."""
    return all(sha in (_sha(ready, name), _sha(out, name)) for name, sha in journal.files.items())


def _found_journal(ready: Path) -> tuple[str, str, str] | None:
    """Name, owner and run of the journal in a folder that is ready."""
    with contextlib.suppress(OSError):
        for name in sorted(path.name for path in ready.iterdir()):
            if found := _JOURNAL.fullmatch(name):
                return name, found["mark"], found["run"]
    return None


def _still_ready(folder: Path) -> Path | None:
    """The folder with files of the new plan that could not be put in their places, so that they are read there.

    That is so on a disk that cannot be written to, or while another process is at it.
    """
    ready = folder / READY_FOLDER
    if not os.path.lexists(ready) or settle(folder):
        return None
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        found = _found_journal(ready)
        if found is not None and _is_whole(folder, ready, _Journal.read(ready, found[0])):
            return ready
    return None
