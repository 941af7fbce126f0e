"""One series of CT out of an archive into a private folder, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spinect_core.base.errors import ArchiveError, UsageError
from spinect_core.base.progress import Cancel, Progress, silent
from spinect_core.io.pacs import dimse, web
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.arriving import CTS, Arriving, Bounds
from spinect_core.io.pacs.level import Way
from spinect_core.io.pacs.line import Line, apart
from spinect_core.io.pacs.query import find_pictures
from spinect_core.io.pacs.wanted import check_uid
from spinect_core.io.pacs.ways import NO_DIMSE, NO_WEB, Done, first_that_works


@dataclass(frozen=True)
class Retrieved:
    """What was fetched.

    Attributes:
        files: the pictures, under names that tell nothing.
        left_out: how many objects of the series are no pictures of a CT.
    """

    files: tuple[Path, ...]
    left_out: int


def retrieve_series(
    access: Access,
    study: str,
    series: str,
    folder: Path,
    *,
    bounds: Bounds | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Done[Retrieved]:
    """Fetch a series of CT: by WADO, else by C-GET, else by C-MOVE.

    Args:
        access: the archive.
        study: StudyInstanceUID.
        series: SeriesInstanceUID.
        folder: empty, and nobody else's: what is fetched names the patient.
        bounds: what it may have at most.
        progress: called with the fraction done (0 to 1), pictures and megabytes.
        cancel: stops it within a second.

    Returns:
        The pictures, which way they came, and why the others did not work.

    Raises:
        UsageError: it is no identifier, or the folder is not empty.
        ArchiveError: the archive has no such CT, cannot be reached, refuses, or does not deliver all of it.
        ReadingError: the series is too large.
        OutputError: the disk refused.
        Cancelled: the user stopped it.
    """
    check_uid(study)
    check_uid(series)
    if any(folder.iterdir()):
        raise UsageError("The folder is not empty", "Choose another one", folder)

    def work(line: Line) -> Done[Retrieved]:
        return _fetch(access, study, series, folder, bounds or Bounds(), line)

    return apart(work, progress, cancel)


def _fetch(
    access: Access, study: str, series: str, folder: Path, bounds: Bounds, line: Line
) -> Done[Retrieved]:
    archive = access.archive
    line.tell(0.0, "asking for the series")
    pictures = find_pictures(access, study, series, line)
    wanted = {each.uid for each in pictures if not each.kind or each.kind in CTS}
    if not wanted:
        told = "It has no pictures of a CT" if pictures else "There is no such series in the archive"
        raise ArchiveError(told, "Search again and choose another series", archive.name)
    arriving = Arriving(folder, series, wanted, bounds, line)

    def attempt(fetch: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            fetch()
            line.check()
            arriving.raise_fault()
            if missing := len(arriving.missing):
                raise ArchiveError(
                    f"{missing} of {len(wanted)} pictures did not arrive",
                    "Try again, or ask the administrator of the archive",
                    archive.name,
                )

        return run

    web_off, dimse_off = "" if archive.web else NO_WEB, "" if archive.has_dimse else NO_DIMSE
    ways = [
        (Way.WADO, web_off, attempt(lambda: web.get(access, study, series, arriving, line))),
        (Way.GET, dimse_off, attempt(lambda: dimse.get(archive, study, series, arriving, line))),
        (Way.MOVE, dimse_off, attempt(lambda: dimse.move(archive, study, series, arriving, line))),
    ]
    done = first_that_works(archive, ways)
    if unlisted := len(arriving.unlisted):
        raise ArchiveError(
            f"{unlisted} pictures arrived that it had not named: the series still grows, or they are not of it",
            "Fetch it again once all of it has arrived there",
            archive.name,
        )
    if not arriving.files:
        raise ArchiveError("It has no pictures of a CT", "Choose another series", archive.name)
    files = tuple(arriving.files[uid] for uid in sorted(arriving.files))
    left_out = arriving.left_out | {each.uid for each in pictures if each.uid not in wanted}
    return Done(Retrieved(files, len(left_out)), done.way, done.tried)
