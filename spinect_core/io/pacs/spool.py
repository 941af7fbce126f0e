"""What arrives to be planned, on the disk, so that an end at any moment loses nothing and does nothing twice.

The folders are the journal; every step between them is one move:

    arrived/KEY     pictures of a series, as they come; each is on the disk before it is acknowledged
    jobs/KEY        all of them, once no more have come for a while: to be planned
    objects/KEY     what was made of them, whole: to be sent
    done/KEY.json   the archive lists all of it
    failed/KEY      pictures that no plan can be made of

KEY is a checksum of study and series. After an end in the middle of planning it is planned again, of which nothing was
sent; after an end in the middle of sending the same objects are sent, and those that the archive lists are left out.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spinect_core.base.errors import OutputError, UsageError
from spinect_core.base.files import make_folder, read_beside, sync_folder, write_whole
from spinect_core.base.own_folders import make_private
from spinect_core.base.plain import json_text
from spinect_core.base.scratch import part_name, sweep

ARRIVED, JOBS, OBJECTS, DONE, FAILED, LOCK = "arrived", "jobs", "objects", "done", "failed", ".lock"
FOLDERS = (ARRIVED, JOBS, OBJECTS, DONE, FAILED)
LARGEST_RECORD = 2_000_000
MOST_DONE = 5000
"""Records of what was done, the oldest are forgotten."""


class _Done(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    names: Annotated[tuple[str, ...], Field(max_length=20_000)]
    objects: int
    when: str


@dataclass(frozen=True)
class Limits:
    """What the spool takes.

    Attributes:
        series: that wait or are worked on at once.
        megabytes: of all of it.
        free_megabytes: that stay free on the disk.
    """

    series: int = 50
    megabytes: int = 20_000
    free_megabytes: int = 1000


class Full(Exception):
    """There is no room for another picture at the moment."""


class Spool:
    """The journal of a service; one process at a time has it.

    Args:
        folder: made if it is not there, readable for the user alone.
        limits: what it takes.
        clock: seconds; a test may give its own.

    Raises:
        UsageError: another process has it.
        OutputError: it cannot be made.
    """

    def __init__(
        self, folder: Path, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self._limits, self._clock = folder, limits or Limits(), clock
        self._lock = threading.Lock()
        try:
            make_private(folder)
            for name in FOLDERS:
                make_folder(folder / name)
                sweep(folder / name)
        except OSError as error:
            raise OutputError(
                f"The spool cannot be made ({error.strerror or error})", "Choose another folder", folder
            ) from error
        self._own = FileLock(folder / LOCK)
        try:
            self._own.acquire(timeout=0)
        except Timeout:
            raise UsageError("Another process serves from this folder", "End it first", folder) from None
        # What came before a restart counts as coming at this moment.
        self._last = dict.fromkeys(self._keys(ARRIVED), clock())
        self._ended: set[str] = set()
        self._settle()
        self._bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def close(self) -> None:
        """Let another process have it."""
        self._own.release()

    def _keys(self, kind: str) -> list[str]:
        found = [each for each in (self.folder / kind).iterdir() if not each.name.startswith(".")]
        return [each.stem for each in sorted(found, key=lambda each: (each.stat().st_mtime, each.name))]

    def _settle(self) -> None:
        """Take away what a record says is done: it was written before its pictures were removed."""
        for key in self._keys(OBJECTS):
            if not (self.folder / JOBS / key).exists():
                self._remove(OBJECTS, key)
        for key in self._keys(JOBS):
            if self._is_done(key, self.folder / JOBS / key):
                self._remove(OBJECTS, key)
                self._remove(JOBS, key)

    def _remove(self, kind: str, key: str) -> None:
        place = self.folder / kind / key
        if place.exists():
            gone = place.with_name(part_name())
            place.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _record(self, key: str) -> _Done | None:
        try:
            return _Done.model_validate_json(read_beside(self.folder / DONE, f"{key}.json", LARGEST_RECORD))
        except (OSError, ValidationError):
            return None

    def _is_done(self, key: str, pictures: Path) -> bool:
        record = self._record(key)
        return record is not None and {each.stem for each in pictures.iterdir()} <= set(record.names)

    # ------------------------------------------------------------------------------------------------------- arriving

    def take(self, study: str, series: str, uid: str, content: bytes) -> str:
        """Keep a picture; it is on the disk when this returns.

        Returns:
            The key of its series.

        Raises:
            Full: there is no room.
            OutputError: the disk refused.
        """
        key = hashlib.sha256(f"{study}/{series}".encode()).hexdigest()[:24]
        name = f"{hashlib.sha256(uid.encode()).hexdigest()[:32]}.dcm"
        with self._lock:
            place = self.folder / ARRIVED / key
            if not place.exists() and self.waiting >= self._limits.series:
                raise Full
            free = shutil.disk_usage(self.folder).free
            if (
                self._bytes + len(content) > self._limits.megabytes * 1e6
                or free - len(content) < self._limits.free_megabytes * 1e6
            ):
                raise Full
            write_whole(place / name, content)
            self._bytes += len(content)
            self._last[key] = self._clock()
            self._ended.discard(key)
        return key

    def ended(self, keys: Iterable[str]) -> None:
        """Who sent these said goodbye: nothing was broken off."""
        with self._lock:
            self._ended.update(keys)

    @property
    def waiting(self) -> int:
        """Series that arrive, wait or are worked on."""
        return len({*self._keys(ARRIVED), *self._keys(JOBS)})

    def claim(self, after_s: float, broken_s: float | None = None) -> None:
        """Make jobs of the series of which nothing has come for some seconds.

        Args:
            after_s: where the sender said goodbye.
            broken_s: where it was broken off, or this program was ended meanwhile: the sender may come again with the
                rest. ``after_s`` if None.
        """
        with self._lock:
            for key in self._keys(ARRIVED):
                place = self.folder / ARRIVED / key
                wait = after_s if key in self._ended or broken_s is None else broken_s
                if self._clock() - self._last.get(key, 0.0) < wait or (self.folder / JOBS / key).exists():
                    continue
                if self._is_done(key, place):
                    self._remove(ARRIVED, key)
                else:
                    place.rename(self.folder / JOBS / key)
                    sync_folder(self.folder / JOBS)
                self._last.pop(key, None)
                self._ended.discard(key)

    # -------------------------------------------------------------------------------------------------------- working

    @property
    def jobs(self) -> list[str]:
        """What is to be planned or sent, the oldest first."""
        return self._keys(JOBS)

    def pictures(self, key: str) -> Path:
        """Folder of the pictures of a job."""
        return self.folder / JOBS / key

    def objects(self, key: str) -> tuple[Path, ...] | None:
        """What was made of a job; None if that is still to be done."""
        place = self.folder / OBJECTS / key
        return tuple(sorted(place.rglob("*.dcm"))) if place.exists() else None

    def unfinished(self) -> Path:
        """A new folder in which objects are made; :meth:`made` takes it over, and a later start removes it."""
        folder = self.folder / OBJECTS / part_name()
        folder.mkdir(mode=0o700)
        return folder

    def made(self, key: str, folder: Path) -> None:
        """What was made of a job is whole."""
        for path in folder.rglob("*"):
            if path.is_file():
                with path.open("rb") as stream:
                    _sync(stream.fileno())
        folder.rename(self.folder / OBJECTS / key)
        sync_folder(self.folder / OBJECTS)

    def finish(self, key: str, objects: int) -> None:
        """The archive lists all of a job."""
        names = {each.stem for each in self.pictures(key).iterdir()}
        before = self._record(key)
        kept = names | set(before.names if before else ())
        record = _Done(
            names=tuple(sorted(kept)), objects=objects, when=datetime.now(UTC).isoformat(timespec="seconds")
        )
        write_whole(self.folder / DONE / f"{key}.json", json_text(record.model_dump(mode="json")).encode())
        self._remove(OBJECTS, key)
        self._remove(JOBS, key)
        for old in self._keys(DONE)[:-MOST_DONE]:
            (self.folder / DONE / f"{old}.json").unlink(missing_ok=True)
        self._count()

    def fail(self, key: str) -> None:
        """No plan can be made of a job: its pictures are put aside."""
        self._remove(FAILED, key)
        self._remove(OBJECTS, key)
        self.pictures(key).rename(self.folder / FAILED / key)
        self._count()

    def _count(self) -> None:
        with self._lock:
            self._bytes = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def _sync(handle: int) -> None:
    import os

    os.fsync(handle)
