"""What is to be sent, on the disk until the archive has it: nothing is lost by a fault, a power cut or an end.

Every parcel is a folder that appears in one move, with the objects, their checksums and the name of the archive. A
parcel of the same objects for the same archive is the same parcel. It is removed when the archive lists all of it;
before it is sent, what the archive lists already is left out, so an end at any moment sends nothing twice.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spinect_core.base.errors import ArchiveError, OutputError, ReadingError, SpinectError
from spinect_core.base.files import facts_beside, read_beside, sync_folder, write_whole
from spinect_core.base.own_folders import make_private, outbox_folder
from spinect_core.base.plain import json_text
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.scratch import part_name, sweep
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.send import Sent, send_objects
from spinect_core.io.pacs.ways import Done

LIST, OBJECTS, LOCK = "parcel.json", "objects", ".lock"
LARGEST_LIST, LARGEST_OBJECT, MOST_OBJECTS = 4_000_000, 4_000_000_000, 20_000


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[0-9]{6}\.dcm$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _List(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    archive: Annotated[str, Field(min_length=1, max_length=60)]
    objects: Annotated[tuple[_Entry, ...], Field(min_length=1, max_length=MOST_OBJECTS)]


@dataclass(frozen=True)
class Parcel:
    """Objects that wait to be sent.

    Attributes:
        folder: where it lies.
        archive: name of where it is to go.
        files: the objects.
    """

    folder: Path
    archive: str
    files: tuple[Path, ...]

    @property
    def key(self) -> str:
        """By which it is known."""
        return self.folder.name


@dataclass(frozen=True)
class Delivered:
    """What became of a parcel.

    Attributes:
        parcel: the parcel.
        done: what the archive took; None if it was not reached.
        fault: why it waits on, None if all of it arrived.
    """

    parcel: Parcel
    done: Done[Sent] | None
    fault: SpinectError | None


class Outbox:
    """Parcels that wait in a folder.

    Args:
        folder: where; the user's own if None. Made when it is needed, readable for the user alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = outbox_folder() if folder is None else folder

    def put(self, files: Sequence[Path], archive: str) -> Parcel:
        """Put objects in, whole or not at all; the same ones for the same archive are in it once.

        Args:
            files: of DICOM; they are copied.
            archive: name of where they are to go.

        Raises:
            OutputError: the disk refused.
        """
        sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        key = hashlib.sha256("\n".join([archive, *sorted(sums)]).encode()).hexdigest()[:24]
        place = self.folder / key
        try:
            self._make()
            if not place.exists():
                entries = tuple(
                    _Entry(name=f"{number:06}.dcm", sha256=each) for number, each in enumerate(sums, 1)
                )
                self._fill(place, files, _List(archive=archive, objects=entries))
        except OSError as error:
            raise OutputError(
                f"What is to be sent cannot be kept ({error.strerror or error})",
                "Free some space",
                self.folder,
            ) from error
        return self._read(place)

    def _make(self) -> None:
        make_private(self.folder)
        sweep(self.folder)

    def _fill(self, place: Path, files: Sequence[Path], listing: _List) -> None:
        unfinished = self.folder / part_name()
        unfinished.mkdir(mode=0o700)
        try:
            for entry, file in zip(listing.objects, files, strict=True):
                write_whole(unfinished / OBJECTS / entry.name, file.read_bytes())
            write_whole(unfinished / LIST, json_text(listing.model_dump(mode="json")).encode())
            unfinished.rename(place)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not place.exists():  # somebody else may have put the same in meanwhile
                raise
        sync_folder(self.folder)

    def _read(self, place: Path) -> Parcel:
        """A parcel with what its list says of it.

        Raises:
            ReadingError: it is damaged.
        """
        try:
            listing = _List.model_validate_json(read_beside(place, LIST, LARGEST_LIST))
            for entry in listing.objects:
                if facts_beside(place, f"{OBJECTS}/{entry.name}", LARGEST_OBJECT)[1] != entry.sha256:
                    raise OSError("changed")
        except (OSError, ValidationError) as error:
            raise ReadingError(
                "What waits to be sent is damaged", "Remove this folder, and send the plan again", place
            ) from error
        files = tuple(place / OBJECTS / entry.name for entry in listing.objects)
        return Parcel(place, listing.archive, files)

    @property
    def keys(self) -> tuple[str, ...]:
        """What waits, the oldest first."""
        try:
            places = [
                each for each in self.folder.iterdir() if not each.name.startswith(".") and each.is_dir()
            ]
            return tuple(
                each.name for each in sorted(places, key=lambda each: (each.stat().st_mtime, each.name))
            )
        except OSError:
            return ()

    def parcel(self, key: str) -> Parcel:
        """A parcel that waits.

        Raises:
            ReadingError: it is damaged.
        """
        return self._read(self.folder / key)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two programs that send at once could both find that the archive lacks an object."""
        lock = FileLock(self.folder / LOCK)
        try:
            with lock.acquire(timeout=0):
                yield
        except Timeout:
            raise ArchiveError(
                "Another window or command is sending at the moment", "Wait until it is done"
            ) from None

    def deliver(
        self,
        parcel: Parcel,
        access: Access,
        *,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> Delivered:
        """Send a parcel; it is removed when the archive lists all of it, and waits on otherwise.

        Raises:
            ArchiveError: somebody else is sending.
            Cancelled: the user stopped it; it waits on.
        """
        with self._alone():
            if not parcel.folder.exists():
                raise ArchiveError("It has been sent meanwhile", "There is nothing left to do")
            try:
                done = send_objects(access, parcel.files, progress=progress, cancel=cancel)
            except ArchiveError as error:
                return Delivered(parcel, None, error)
            if done.result.refused:
                count, why = len(done.result.refused), next(iter(done.result.refused.values()))
                fault = ArchiveError(
                    f"{count} of {len(parcel.files)} objects were not taken ({why})",
                    "Ask the administrator of the archive, and send them again",
                    access.archive.name,
                )
                return Delivered(parcel, done, fault)
            self.remove(parcel)
            return Delivered(parcel, done, None)

    def remove(self, parcel: Parcel) -> None:
        """Take a parcel out."""
        # In one move: half a parcel would count as damaged.
        gone = self.folder / part_name()
        try:
            parcel.folder.rename(gone)
        except OSError as error:
            raise OutputError(
                f"A parcel cannot be removed ({error.strerror or error})", "Remove it yourself", parcel.folder
            ) from error
        sync_folder(self.folder)
        shutil.rmtree(gone, ignore_errors=True)

    def deliver_all(
        self,
        access: Callable[[str], Access],
        *,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> list[Delivered]:
        """Send all that waits.

        Args:
            access: the archive of a name, with its password.
            progress: called with the fraction done (0 to 1) and a count.
            cancel: stops it.

        Raises:
            SpinectError: an archive is not known any more, a parcel is damaged, or somebody else is sending.
            Cancelled: the user stopped it; what was not sent waits on.
        """
        keys, found = self.keys, []
        for number, key in enumerate(keys):
            check(cancel)
            parcel = self.parcel(key)
            share = part_of(progress, number / len(keys), (number + 1) / len(keys))
            found.append(self.deliver(parcel, access(parcel.archive), progress=share, cancel=cancel))
        return found
