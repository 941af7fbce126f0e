"""What reading noticed about a CT, as it travels with the volume into everything that is made of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_TEXT = 1000
MOST_WARNINGS = 100
RESERVED = "Read with reservations"
NOTICED = "Noticed on reading"
OF_ORGANS = "Organs"


@dataclass(frozen=True)
class ReadingWarning:
    """Something to know of a CT before anything made of it is relied on.

    Attributes:
        text: a sentence without its full stop, without names of files and without patient data. It becomes one line
            that any file can hold, whatever characters a header had.
        grave: whether numbers or places may be wrong, and not just less fine or less complete.
        code: by which the program knows it; empty where nothing but a reader has to. No code reads the text.
    """

    text: str
    grave: bool = False
    code: str = ""

    def __post_init__(self) -> None:
        kept = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in self.text)
        object.__setattr__(self, "text", " ".join(kept.split()).rstrip(".")[:LONGEST_TEXT])

    @property
    def line(self) -> str:
        """As a line of its own: how grave it is, and what was noticed."""
        return f"{RESERVED if self.grave else NOTICED}: {self.text}."


def joined(
    first: Iterable[ReadingWarning], more: Iterable[ReadingWarning] = ()
) -> tuple[ReadingWarning, ...]:
    """Warnings of one CT from two readings, each of them once; what is grave in one of them is grave.

    Args:
        first: the newer ones. They keep their order, and replace older ones of their code that are no graver.
        more: the older ones, such as those that a stored plan holds.
    """
    newer = [each for each in first if each.text]
    said = {(each.code, grave) for each in newer if each.code for grave in (False, each.grave)}
    found: dict[str, ReadingWarning] = {}
    for each in (*newer, *(old for old in more if old.text and (old.code, old.grave) not in said)):
        known = found.get(each.text)
        if known is None or (each.grave and not known.grave):
            found[each.text] = each
    every = tuple(found.values())
    if len(every) <= MOST_WARNINGS:
        return every
    every = tuple(sorted(every, key=lambda each: not each.grave))  # what is grave is not among those left out
    kept, rest = every[: MOST_WARNINGS - 1], every[MOST_WARNINGS - 1 :]
    return (*kept, ReadingWarning(f"{len(rest)} more things were noticed", any_grave(rest)))


def any_grave(warnings: Iterable[ReadingWarning]) -> bool:
    """Whether numbers or places of what was made of the CT may be wrong."""
    return any(each.grave for each in warnings)


def warning_lines(warnings: Iterable[ReadingWarning]) -> tuple[str, ...]:
    """A line for each warning, the grave ones first."""
    return tuple(each.line for each in sorted(warnings, key=lambda each: not each.grave))


def organ_warning_lines(warnings: Iterable[ReadingWarning]) -> tuple[str, ...]:
    """The same of organs, which may come from a network and not from reading."""
    return tuple(
        each.line
        if each.grave
        else (f"{each.text}." if each.text.startswith(OF_ORGANS) else f"{OF_ORGANS}: {each.text}.")
        for each in sorted(warnings, key=lambda each: not each.grave)
    )


def warning_headline(warnings: Iterable[ReadingWarning]) -> str:
    """All warnings on one line, the grave ones first; empty without any."""
    every = sorted(warnings, key=lambda each: not each.grave)
    if not every:
        return ""
    count = "1 warning" if len(every) == 1 else f"{len(every)} warnings"
    begin = f"{RESERVED}, {count}" if every[0].grave else f"{count} on reading"
    return f"{begin}: {'; '.join(each.text for each in every)}"
