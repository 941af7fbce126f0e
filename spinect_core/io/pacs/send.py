"""Objects of DICOM into an archive: what it has is not sent again, and what was sent is looked for there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pydicom

from spinect_core.base.errors import ArchiveError, ReadingError
from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.io.pacs import dimse, web
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.level import Way
from spinect_core.io.pacs.line import Line, apart
from spinect_core.io.pacs.query import find_pictures
from spinect_core.io.pacs.ways import NO_DIMSE, NO_WEB, Done, first_that_works
from spinect_core.io.reading.quiet import quiet_dicom

LOOKS, BETWEEN_S = 4, 1.0
"""How often what was sent is looked for before it counts as not arrived: archives take a moment to list it."""
NOT_FOUND = "It was sent, but the archive does not list it"


@dataclass(frozen=True)
class Item:
    """An object that is to be sent.

    Attributes:
        file: its file.
        kind: SOPClassUID.
        uid: SOPInstanceUID.
        study: StudyInstanceUID.
        series: SeriesInstanceUID.
        syntax: transfer syntax.
    """

    file: Path
    kind: str
    uid: str
    study: str
    series: str
    syntax: str

    @classmethod
    def of(cls, file: Path) -> Item:
        """Read what sending needs of a file.

        Raises:
            ReadingError: it is no DICOM file.
        """
        tags = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
        try:
            with quiet_dicom():
                head = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(tags))
                kind, uid, study, series = (str(head[tag].value) for tag in tags)
                return cls(file, kind, uid, study, series, str(head.file_meta.TransferSyntaxUID))
        except Exception as error:  # pydicom raises of many kinds; what they say may name the patient
            raise ReadingError("It is no DICOM file that can be sent", "Write it again", file.name) from error


@dataclass(frozen=True)
class Sent:
    """What became of the objects.

    Attributes:
        confirmed: the archive lists these.
        refused: it did not take these, or does not list them, and why.
        before: how many of the confirmed it had already.
    """

    confirmed: tuple[Item, ...]
    refused: Mapping[Item, str] = field(default_factory=dict)
    before: int = 0


def send_objects(
    access: Access, files: Sequence[Path], *, progress: Progress = silent, cancel: Cancel | None = None
) -> Done[Sent]:
    """Send objects by STOW, else by C-STORE, and look for them in the archive.

    Those that it has already are not sent: sending twice is the same as sending once.

    Args:
        access: the archive.
        files: of DICOM.
        progress: called with the fraction done (0 to 1) and a count.
        cancel: stops it within a second; what was sent before, was.

    Raises:
        ReadingError: a file is no DICOM.
        ArchiveError: the archive cannot be reached, refuses all, is full, or does not answer.
        Cancelled: the user stopped it.
    """
    items = [Item.of(file) for file in files]
    return apart(lambda line: _Sending(access, items, line).run(), progress, cancel)


class _Sending:
    def __init__(self, access: Access, items: Sequence[Item], line: Line) -> None:
        self._access, self._items, self._line = access, items, line
        self._faults: dict[Item, str] = {}
        self._taken: set[str] = set()

    def run(self) -> Done[Sent]:
        self._line.tell(0.0, "asking what the archive has")
        before = self._listed()
        todo = [item for item in self._items if item.uid not in before]
        archive = self._access.archive
        done = first_that_works(
            archive,
            [
                (Way.STOW, "" if archive.web else NO_WEB, lambda: self._send(todo, self._by_web)),
                (Way.STORE, "" if archive.has_dimse else NO_DIMSE, lambda: self._send(todo, self._by_dimse)),
            ],
        )
        self._confirm({item.uid for item in todo} - {item.uid for item in self._faults})
        there = self._there
        confirmed = tuple(item for item in self._items if item.uid in there)
        refused = {item: self._faults.get(item, NOT_FOUND) for item in self._items if item.uid not in there}
        return Done(Sent(confirmed, refused, len(before)), done.way, done.tried)

    def _listed(self) -> set[str]:
        """Which of the objects the archive has."""
        found: set[str] = set()
        for study, series in sorted({(item.study, item.series) for item in self._items}):
            found |= {each.uid for each in find_pictures(self._access, study, series, self._line)}
        self._there = found & {item.uid for item in self._items}
        return self._there

    def _confirm(self, sent: set[str]) -> None:
        for look in range(LOOKS):
            self._line.tell(1.0, "looking for them in the archive")
            if sent <= self._listed():
                return
            if look < LOOKS - 1:
                time.sleep(BETWEEN_S)

    def _send(self, todo: Sequence[Item], by: Callable[[Sequence[Item], dimse.Told], None]) -> None:
        """Send what is left to send; an error if none of it was taken, so that another way is tried."""
        self._faults.clear()
        left = [item for item in todo if item.uid not in self._taken]
        errors: list[ArchiveError] = []

        def told(number: int, fault: ArchiveError | None) -> None:
            if fault is None:
                self._taken.add(left[number].uid)
            else:
                errors.append(fault)
                self._faults[left[number]] = fault.fault
            self._line.tell((number + 1) / len(left), f"object {number + 1} of {len(left)}")

        if left:
            by(left, told)
        if left and len(errors) == len(left):
            raise errors[0]

    def _by_web(self, todo: Sequence[Item], told: dimse.Told) -> None:
        web.store(self._access, [item.file for item in todo], told, self._line)

    def _by_dimse(self, todo: Sequence[Item], told: dimse.Told) -> None:
        files = [(item.file, item.kind, item.syntax) for item in todo]
        dimse.store(self._access.archive, files, told, self._line)
