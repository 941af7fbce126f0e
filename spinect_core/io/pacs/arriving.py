"""What an archive delivers: only pictures of the wanted series of CT are kept, under names that tell nothing."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom

from spinect_core.base.errors import Cancelled, OutputError, ReadingError, SpinectError
from spinect_core.io.pacs.line import Line
from spinect_core.io.reading.dicom_kinds import CLASSIC_CT, ENHANCED_CT

CTS = (CLASSIC_CT, *ENHANCED_CT)
SYNTAXES = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
)
"""Explicit and implicit little endian first, then what a CT may be packed in."""
_HEAD = ["SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"]
SUCCESS, FULL, NO_CT, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
"""Statuses of C-STORE (DICOM PS3.4 B.2.3)."""


@dataclass(frozen=True)
class Bounds:
    """What a series may have at most.

    Attributes:
        pictures: files.
        megabytes: of all of them.
        free_megabytes: that stay free on the disk.
    """

    pictures: int = 5000
    megabytes: int = 6000
    free_megabytes: int = 500


def _text(element: Any) -> str:
    value = element.value
    return value.decode("ascii").strip(" \0") if isinstance(value, bytes) else str(value)


class Arriving:
    """Keeps the pictures of a series, whichever thread brings them.

    Args:
        folder: private, and empty.
        series: SeriesInstanceUID of what is wanted.
        expected: SOPInstanceUIDs of what the archive has.
        bounds: what it may have at most.
        line: who waits.
    """

    def __init__(
        self, folder: Path, series: str, expected: Collection[str], bounds: Bounds, line: Line
    ) -> None:
        self._folder, self._series, self._expected = folder, series, frozenset(expected)
        self._bounds, self._line = bounds, line
        self._lock = threading.Lock()
        self._fault: SpinectError | None = None
        self._bytes = 0
        self.files: dict[str, Path] = {}
        """What is kept, by SOPInstanceUID."""
        self.left_out: set[str] = set()
        """SOPInstanceUIDs of what is no CT."""

    @property
    def missing(self) -> frozenset[str]:
        """What the archive has and did not deliver."""
        return self._expected - self.files.keys() - self.left_out

    @property
    def unlisted(self) -> frozenset[str]:
        """Pictures that the archive delivered and had not named."""
        return frozenset(self.files.keys() - self._expected)

    def raise_fault(self) -> None:
        """Raise what made it take no more."""
        if self._fault is not None:
            raise self._fault

    def handle(self, event: Any) -> int:
        """Take what pynetdicom received; gives the status of the answer."""
        try:
            return self.take(event.encoded_dataset())
        except Cancelled:
            return FULL

    def take(self, content: bytes) -> int:
        """Keep an object if it is wanted.

        Args:
            content: of a DICOM file.

        Returns:
            A status of C-STORE.

        Raises:
            Cancelled: nobody waits any more.
        """
        try:
            # Bytes as they stand, so that nothing is checked and nothing warned of: this runs in any thread.
            head = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=list(_HEAD))
            kind, uid, series = (_text(head.get_item(key)) for key in _HEAD)
        except Exception:  # pydicom raises of many kinds on what is none
            return NOT_UNDERSTOOD
        with self._lock:
            if series != self._series:
                return NO_CT
            if kind not in CTS:
                self.left_out.add(uid)
                return NO_CT
            return self._keep(uid, content)

    def _keep(self, uid: str, content: bytes) -> int:
        if self._fault is not None:
            return FULL
        if uid not in self.files:
            self._fault = self._too_much(len(content))
            if self._fault is not None:
                return FULL
            path = self._folder / f"{len(self.files) + 1:06}.dcm"
            try:
                path.write_bytes(content)
            except OSError as error:
                self._fault = OutputError(
                    f"A picture cannot be kept ({error.strerror or error})",
                    "Free some space in the folder for temporary files",
                    self._folder,
                )
                return FULL
            self.files[uid] = path
            self._bytes += len(content)
        count, whole = len(self.files), max(len(self._expected), 1)
        told = f"picture {count} of {whole}, {self._bytes / 1e6:.0f} MB"
        self._line.tell(min(count / whole, 1.0), told)
        return SUCCESS

    def _too_much(self, size: int) -> SpinectError | None:
        most = self._bounds
        if len(self.files) >= most.pictures or self._bytes + size > most.megabytes * 1e6:
            return ReadingError(
                f"The series has more than {most.pictures} pictures or {most.megabytes} MB",
                "Choose another series",
            )
        if shutil.disk_usage(self._folder).free - size < most.free_megabytes * 1e6:
            return OutputError(
                f"Less than {most.free_megabytes} MB would stay free on the disk",
                "Free some space in the folder for temporary files",
                self._folder,
            )
        return None
