"""The DICOM header of the open CT, read and written in the window's worker thread. No Qt here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spinect_core.base.files import write_whole
from spinect_core.base.progress import Cancel, Progress

if TYPE_CHECKING:
    from spinect_core.image.volume import Volume
    from spinect_core.io.reading.header_listing import Listing


def read(source: Path, volume: Volume, progress: Progress, cancel: Cancel) -> Listing:
    """The header of the first file of a CT.

    Args:
        source: that the CT was read from.
        volume: what was read.
        progress: receives the part done.
        cancel: looked at throughout.

    Raises:
        SpinectError: it is no DICOM, or not there any more.
    """
    from spinect_core.io.reading.header_listing import list_header

    return list_header(source, volume, progress=progress, cancel=cancel)


def write_table(listing: Listing, shown: bool, path: Path) -> None:
    """Write the header as CSV.

    Args:
        listing: the header.
        shown: whether values are told that may tell who the patient is.
        path: of the file.

    Raises:
        OutputError: it cannot be written.
    """
    from spinect_core.io.reading.header_listing import as_csv

    write_whole(path, as_csv(listing.elements, shown=shown))
