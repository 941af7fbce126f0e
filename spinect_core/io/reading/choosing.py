"""Which of several series is the CT that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spinect_core.base.errors import ReadingError
from spinect_core.io.reading.series import Series

COVERED = 0.9
FINER = 0.8


def choose(entries: Sequence[Series], key: str | None, source: str | Path) -> Series:
    """The entry with a key, or the only or plainly best CT.

    A series is plainly best if it is the only loadable one, the only one with original axial slices, or if it covers at
    least 90 % of what each other one covers with slices at most 0.8 times as far apart.

    Args:
        entries: from ``list_series``.
        key: the key, or None to choose.
        source: what the user gave, for messages.

    Raises:
        ReadingError: no such key, nothing loadable, or several equally good ones; it lists the keys.
    """
    if key is not None:
        found = [e for e in entries if e.key == key] or [e for e in entries if e.key.startswith(key)]
        if len({e.key for e in found}) != 1 or len(found) != 1:
            raise ReadingError(
                f"{len(found)} series have keys that begin with '{key}'"
                if found
                else f"No series has the key '{key}'",
                f"Choose one of: {_listed(found or entries)}",
                source,
                "series",
            )
        return found[0]
    loadable = [e for e in entries if e.loadable]
    if not loadable:
        return max(entries, key=lambda e: (e.modality == "CT", e.orientation != "localizer", e.pictures))
    if len({e.person for e in loadable if e.person}) < 2:  # which patient is meant is never guessed
        loadable = [e for e in loadable if e.original] or loadable
        loadable = [e for e in loadable if e.orientation == "axial"] or loadable
    for entry in loadable:
        if all(_plainly_better(entry, other) for other in loadable if other is not entry):
            _check_whole([entry], entries)
            return entry
    _check_whole(loadable, entries)
    raise ReadingError(
        f"There are {len(loadable)} CT series that could be meant",
        f"Choose one of: {_listed(loadable)}",
        source,
        "series",
    )


def _check_whole(chosen: Sequence[Series], entries: Sequence[Series]) -> None:
    """Raise if what is chosen is a part of a scan that goes on in another series: the user has to be asked."""
    files = {file for entry in chosen for file in entry.files}
    for other in entries:
        fault = other.fault
        if fault is not None and other.offered and files <= set(other.files):
            raise type(fault)(fault.fault, fault.remedy, fault.source, fault.parameter)


def _plainly_better(entry: Series, other: Series) -> bool:
    if entry.spacing is None or other.spacing is None or entry.frame != other.frame or not entry.frame:
        return False
    if entry.person != other.person:
        return False
    return entry.spacing[2] <= FINER * other.spacing[2] and entry.extent >= COVERED * other.extent


def _listed(entries: Sequence[Series]) -> str:
    return "; ".join(e.line() for e in entries)
