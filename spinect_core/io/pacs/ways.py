"""One way after another until one works, and why the others did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from spinect_core.base.errors import ArchiveError
from spinect_core.io.pacs.archive import Archive
from spinect_core.io.pacs.level import Way

T = TypeVar("T")
NO_WEB = "no address of DICOMweb is entered"
NO_DIMSE = "no host, port and title are entered"


@dataclass(frozen=True)
class Tried:
    """A way that did not work.

    Attributes:
        way: the way.
        why: as a sentence without its full stop; names no patient.
    """

    way: Way
    why: str

    def __str__(self) -> str:
        return f"{self.way}: {self.why}"


@dataclass(frozen=True)
class Done(Generic[T]):
    """What came of it.

    Attributes:
        result: the result.
        way: by which it came.
        tried: what did not work before.
    """

    result: T
    way: Way
    tried: tuple[Tried, ...]

    @property
    def words(self) -> str:
        """Which way it went, and why not another."""
        return f"by {self.way}" + (f" ({'; '.join(map(str, self.tried))})" if self.tried else "")


def first_that_works(archive: Archive, attempts: Sequence[tuple[Way, str, Callable[[], T]]]) -> Done[T]:
    """The result of the first way that works.

    Args:
        archive: that is spoken to.
        attempts: each with its way, why it is out of the question (or nothing), and the attempt.

    Raises:
        ArchiveError: none does; the error of the only one that was tried, or one that tells of all.
    """
    tried: list[Tried] = []
    errors: list[ArchiveError] = []
    for way, obstacle, attempt in attempts:
        if obstacle:
            tried.append(Tried(way, obstacle))
            continue
        try:
            return Done(attempt(), way, tuple(tried))
        except ArchiveError as error:
            tried.append(Tried(way, error.fault))
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    remedies = list(dict.fromkeys(error.remedy for error in errors))
    # A refused name or password is the one fault that can be mended here and now, whatever the other ways met.
    parameter = next((error.parameter for error in errors if error.parameter is not None), None)
    raise ArchiveError(
        "; ".join(map(str, tried)),
        ". ".join(remedies) or "Enter one in its settings",
        archive.name,
        parameter,
    )
