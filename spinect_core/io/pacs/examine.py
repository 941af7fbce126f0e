"""What works between this program and an archive, and what its administrator has to be told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spinect_core.base.errors import ArchiveError
from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.io.pacs import dimse, web
from spinect_core.io.pacs.archive import Access, Archive
from spinect_core.io.pacs.arriving import SYNTAXES
from spinect_core.io.pacs.level import Level, Way
from spinect_core.io.pacs.line import Line, apart

NOBODY = {"PatientID": "SPINECT-TEST-NOBODY"}
"""What is asked for in a test, so that no patient's data are transferred."""
REPORT = "1.2.840.10008.5.1.4.1.1.104.1"
"""Encapsulated PDF: what sending is asked for."""

_ONLY_OFFERED = {
    Way.GET: "offered; delivery not tried",
    Way.MOVE: "offered; delivery not tried",
    Way.STORE: "offered; sending not tried",
}
"""What the test asks for and does not use, as that would transfer somebody's data."""


@dataclass(frozen=True)
class Check:
    """Whether one way works, as far as it can be tried.

    Attributes:
        way: the way.
        fault: why it does not, None if it does.
    """

    way: Way
    fault: ArchiveError | None

    @property
    def words(self) -> str:
        """In a line."""
        if self.fault is not None:
            return f"{self.way}: {self.fault.fault}"
        return f"{self.way}: {_ONLY_OFFERED.get(self.way, 'works')}"


@dataclass(frozen=True)
class Examined:
    """What a test of an archive found.

    Attributes:
        archive: the archive.
        checks: way by way.
        address: of this computer, as the archive sees it; empty if it is not reached.
    """

    archive: Archive
    checks: tuple[Check, ...]
    address: str

    @property
    def works(self) -> bool:
        """Whether anything can be searched for."""
        return any(each.fault is None for each in self.checks if each.way in (Way.QIDO, Way.FIND))

    @property
    def for_administrator(self) -> str:
        """What has to be entered in the archive."""
        archive = self.archive
        return (
            f"Title {archive.own_title}, host {self.address or 'the address of this computer'}, port "
            f"{archive.own_port}; allow C-ECHO, C-FIND, C-GET or C-MOVE, and C-STORE"
        )


def examine(access: Access, *, progress: Progress = silent, cancel: Cancel | None = None) -> Examined:
    """Try what can be tried without transferring anybody's data: no object is fetched or sent.

    Args:
        access: the archive.
        progress: called with the fraction done (0 to 1) and the way.
        cancel: stops it within a second.

    Raises:
        Cancelled: the user stopped it.
    """
    return apart(lambda line: _examine(access, line), progress, cancel)


def _attempts(access: Access, line: Line) -> Iterator[tuple[Way, Callable[[], object]]]:
    archive = access.archive
    nobody = (Level.STUDY, NOBODY, ["StudyInstanceUID"], 1, line)
    if archive.web:
        yield Way.QIDO, lambda: web.find(access, *nobody)
    if archive.has_dimse:
        yield Way.ECHO, lambda: dimse.echo(archive, line)
        yield Way.FIND, lambda: dimse.find(archive, *nobody)
        yield Way.GET, lambda: _offers(archive, Way.GET, dimse.GET, line)
        yield Way.MOVE, lambda: _offers(archive, Way.MOVE, dimse.MOVE, line)
        yield Way.STORE, lambda: _offers(archive, Way.STORE, REPORT, line)


def _examine(access: Access, line: Line) -> Examined:
    archive = access.archive
    todo = list(_attempts(access, line))
    checks = []
    for number, (way, attempt) in enumerate(todo):
        line.tell(number / len(todo), str(way))
        try:
            attempt()
        except ArchiveError as error:
            checks.append(Check(way, error))
        else:
            checks.append(Check(way, None))
    address = archive.own_address
    if archive.has_dimse and any(check.fault is None for check in checks):
        with contextlib.suppress(ArchiveError):
            address = dimse.reach(archive, line)
    return Examined(archive, tuple(checks), address)


def _offers(archive: Archive, way: Way, service: str, line: Line) -> None:
    with dimse.association(archive, [(service, SYNTAXES[:2])], line, what=str(way)):
        pass
