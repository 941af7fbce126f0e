"""What is to be sent, on the disk until the archive has it: nothing is lost by a fault, a power cut or an end.

Every parcel is a folder that appears in one move, with the objects, their checksums, and name and address of the
archive. A parcel of the same objects for the same archive is the same parcel. It is removed when the archive lists all
of it; before it is sent, what the archive lists already is left out, so an end at any moment sends nothing twice.
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

from spinect_core.base.errors import ArchiveError, Cancelled, OutputError, ReadingError, SpinectError
from spinect_core.base.files import facts_beside, read_beside, sync_folder, write_whole
from spinect_core.base.own_folders import make_private, outbox_folder
from spinect_core.base.plain import json_text
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.scratch import part_name, sweep
from spinect_core.io.pacs.archive import Access, Archive
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
    address: Annotated[str, Field(max_length=1000)] = ""
    objects: Annotated[tuple[_Entry, ...], Field(min_length=1, max_length=MOST_OBJECTS)]


@dataclass(frozen=True)
class Parcel:
    """Objects that wait to be sent.

    Attributes:
        folder: where it lies.
        archive: name of where it is to go; empty where the parcel is too damaged to say.
        address: that the archive had when this was put in; empty where it is not known.
        files: the objects; none of a head, or of a damaged one.
    """

    folder: Path
    archive: str
    address: str
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

    def put(self, files: Sequence[Path], archive: Archive) -> Parcel:
        """Put objects in, whole or not at all; the same ones for the same archive are in it once.

        Args:
            files: of DICOM; they are copied.
            archive: where they are to go.

        Raises:
            OutputError: the disk refused.
        """
        sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        key = hashlib.sha256("\n".join([archive.name, *sorted(sums)]).encode()).hexdigest()[:24]
        place = self.folder / key
        try:
            self._make()
            if not place.exists():
                entries = tuple(
                    _Entry(name=f"{number:06}.dcm", sha256=each) for number, each in enumerate(sums, 1)
                )
                listing = _List(archive=archive.name, address=archive.address, objects=entries)
                self._fill(place, files, listing)
            elif self._read(place).address != archive.address:
                # It is meant for where the archive is when somebody last asked for it.
                listing = self._list_of(place).model_copy(update={"address": archive.address})
                write_whole(place / LIST, json_text(listing.model_dump(mode="json")).encode())
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
            listing = self._list_of(place)
            for entry in listing.objects:
                if facts_beside(place, f"{OBJECTS}/{entry.name}", LARGEST_OBJECT)[1] != entry.sha256:
                    raise OSError("changed")
        except (OSError, ValidationError) as error:
            raise ReadingError(
                "What waits to be sent is damaged", "Remove this folder, and send the plan again", place
            ) from error
        files = tuple(place / OBJECTS / entry.name for entry in listing.objects)
        return Parcel(place, listing.archive, listing.address, files)

    @staticmethod
    def _list_of(place: Path) -> _List:
        return _List.model_validate_json(read_beside(place, LIST, LARGEST_LIST))

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

    def _head(self, key: str) -> Parcel:
        place = self.folder / key
        try:
            listing = self._list_of(place)
        except (OSError, ValidationError):  # what it is worth is said when it is to be sent
            return Parcel(place, "", "", ())
        return Parcel(place, listing.archive, listing.address, ())

    @property
    def heads(self) -> tuple[Parcel, ...]:
        """What waits and for whom, the oldest first; the objects are not looked at."""
        return tuple(self._head(key) for key in self.keys)

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
            return self._deliver(parcel, access, progress, cancel)

    def _deliver(
        self, parcel: Parcel, access: Access, progress: Progress, cancel: Cancel | None
    ) -> Delivered:
        try:
            done = send_objects(access, parcel.files, progress=progress, cancel=cancel)
        except Cancelled:
            raise
        except SpinectError as error:
            return Delivered(parcel, None, error)
        if done.result.refused:
            count, why = len(done.result.refused), next(iter(done.result.refused.values()))
            fault = ArchiveError(
                f"{count} of {len(parcel.files)} objects were not taken ({why})",
                "Ask the administrator of the archive, and send them again",
                access.archive.name,
            )
            return Delivered(parcel, done, fault)
        try:
            self.remove(parcel)
        except OutputError as error:
            return Delivered(parcel, done, error)
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
        wanted: Callable[[str], bool] = lambda _name: True,
        moved: Callable[[str], bool] = lambda _name: False,
        progress: Progress = silent,
        cancel: Cancel | None = None,
    ) -> list[Delivered]:
        """Send all that waits; what cannot be sent is told of and keeps nothing else from being sent.

        Args:
            access: the archive of a name, with its password; its SpinectError is the fault of the parcel.
            wanted: whether what waits for an archive of this name is sent; a parcel too damaged to name one is told of.
            moved: whether an archive of this name gets what was meant for another address than it has.
            progress: called with the fraction done (0 to 1) and a count.
            cancel: stops it.

        Raises:
            ArchiveError: somebody else is sending.
            Cancelled: the user stopped it; what was not sent waits on.
        """
        if not self.keys:
            return []
        found = []
        with self._alone():
            heads = [each for each in self.heads if not each.archive or wanted(each.archive)]
            for number, head in enumerate(heads):
                check(cancel)
                share = part_of(progress, number / len(heads), (number + 1) / len(heads))
                try:
                    parcel = self.parcel(head.key)
                    to = access(parcel.archive)
                    if parcel.address != to.archive.address and not moved(parcel.archive):
                        raise _moved(parcel, to.archive)
                except Cancelled:
                    raise
                except SpinectError as error:
                    found.append(Delivered(head, None, error))
                else:
                    found.append(self._deliver(parcel, to, share, cancel))
        return found


def _moved(parcel: Parcel, archive: Archive) -> ArchiveError:
    before = parcel.address or "an address that was not kept"
    return ArchiveError(
        f"What waits was meant for {before}, and the archive is entered as {archive.address}",
        "Send the plan again, or confirm that it is to go to the other address",
        archive.name,
    )
