"""What the window does with archives in its worker thread. No Qt here; heavy imports only when needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.model import dicom_work
from app.model.report_work import Open
from spinect_core.base.errors import ArchiveError
from spinect_core.base.own_folders import outbox_folder
from spinect_core.base.progress import Cancel, Progress, part_of
from spinect_core.base.scratch import ScratchFolder, scratch_folder
from spinect_core.io.pacs.archive import Access

if TYPE_CHECKING:
    from spinect_core.io.pacs.examine import Examined
    from spinect_core.io.pacs.outbox import Delivered
    from spinect_core.io.pacs.query import Found, SeriesFound
    from spinect_core.io.pacs.wanted import Query
    from spinect_core.io.pacs.ways import Done

FOLDER = "CT from the archive"
"""What the fetched CT is called: a name that tells nothing of the patient."""
OBJECTS = ("sc", "pdf", "seg")
"""What is sent, by its key."""


def examine(access: Access, progress: Progress, cancel: Cancel) -> Examined:
    """Try what works with an archive."""
    from spinect_core.io.pacs.examine import examine as look

    return look(access, progress=progress, cancel=cancel)


def find_studies(access: Access, query: Query, cancel: Cancel) -> Done[Found]:
    """Studies in an archive."""
    from spinect_core.io.pacs.query import find_studies as find

    return find(access, query, cancel=cancel)


def find_series(access: Access, study: str, cancel: Cancel) -> Done[tuple[SeriesFound, ...]]:
    """Series of a study."""
    from spinect_core.io.pacs.query import find_series as find

    return find(access, study, cancel=cancel)


class Fetched:
    """A CT that came from an archive, in a private folder that is removed with it.

    Args:
        archive: name of where it came from.

    Attributes:
        archive: name of where it came from.
        path: the folder of its files.
        words: how it came.
    """

    def __init__(self, archive: str) -> None:
        self.archive, self.words = archive, ""
        self._folder = ScratchFolder()
        self.path = self._folder.path / FOLDER
        self.path.mkdir(mode=0o700)

    def holds(self, path: Path) -> bool:
        """Whether a CT is this one."""
        return path.is_relative_to(self.path)

    def remove(self) -> None:
        """Remove its files."""
        self._folder.remove()


def fetch(access: Access, series: SeriesFound, progress: Progress, cancel: Cancel) -> Fetched:
    """Fetch a series.

    Raises:
        SpinectError: it did not come, or not all of it.
    """
    from spinect_core.io.pacs.retrieve import retrieve_series

    fetched = Fetched(access.archive.name)
    try:
        done = retrieve_series(
            access, series.study, series.uid, fetched.path, progress=progress, cancel=cancel
        )
    except BaseException:
        fetched.remove()
        raise
    fetched.words = f"{len(done.result.files)} pictures {done.words}"
    return fetched


def send(opened: Open, access: Access, progress: Progress, cancel: Cancel) -> Delivered:
    """Make the objects of the open case, keep them in the outbox, and send them.

    Raises:
        SpinectError: they cannot be made or kept; what the archive does not take waits, and the result says so.
    """
    from spinect_core.io.pacs.outbox import Outbox

    with scratch_folder() as folder:
        made = folder / "objects"
        dicom_work.export(opened, OBJECTS, False, made, part_of(progress, 0.0, 0.6), cancel)
        outbox = Outbox()
        parcel = outbox.put(sorted(made.rglob("*.dcm")), access.archive)
    return outbox.deliver(parcel, access, progress=part_of(progress, 0.6, 1.0), cancel=cancel)


def waiting() -> int:
    """How many parcels wait to be sent."""
    try:
        return sum(not each.name.startswith(".") for each in outbox_folder().iterdir())
    except OSError:  # there was none yet
        return 0


def waiting_for() -> dict[str, set[str]]:
    """Names of the archives that something waits for, with the addresses that it was meant for."""
    from spinect_core.io.pacs.outbox import Outbox

    found: dict[str, set[str]] = {}
    for head in Outbox().heads:
        if head.archive:
            found.setdefault(head.archive, set()).add(head.address)
    return found


def send_waiting(
    accesses: Mapping[str, Access],
    left_out: Collection[str],
    moved: Collection[str],
    progress: Progress,
    cancel: Cancel,
) -> list[Delivered]:
    """Send what waits; what cannot be sent has its fault in the result.

    Args:
        accesses: the archives by name.
        left_out: names of those that get nothing.
        moved: names of those that get what was meant for another address.
        progress: called with the fraction done (0 to 1) and a count.
        cancel: stops it.

    Raises:
        ArchiveError: somebody else is sending.
    """
    from spinect_core.io.pacs.outbox import Outbox

    def access(name: str) -> Access:
        found = accesses.get(name)
        if found is None:
            raise ArchiveError(
                "Something waits for an archive that is not entered any more",
                "Enter it again in the settings",
                name,
            )
        return found

    return Outbox().deliver_all(
        access,
        wanted=lambda name: name not in left_out,
        moved=lambda name: name in moved,
        progress=progress,
        cancel=cancel,
    )
