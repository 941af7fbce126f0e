"""What reading noticed about a CT, as it travels with the volume into everything that is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadingWarning:
    """Something to know of a CT before anything made of it is relied on.

    Attributes:
        text: a sentence without its full stop, without names of files and without patient data.
        grave: whether numbers or places may be wrong, and not just less fine or less complete.
        code: by which the program knows it; empty where nothing but a reader has to. No code reads the text.
    """

    text: str
    grave: bool = False
    code: str = ""


def joined(
    first: Iterable[ReadingWarning], more: Iterable[ReadingWarning] = ()
) -> tuple[ReadingWarning, ...]:
    """Warnings of one CT from two readings, each of them once; what is grave in one of them is grave.

    Args:
        first: the newer ones. They keep their order, and of warnings with a code they replace the older.
        more: the older ones, such as those that a stored plan holds.
    """
    newer = list(first)
    codes = {each.code for each in newer if each.code}
    found: dict[str, ReadingWarning] = {}
    for each in (*newer, *(old for old in more if old.code not in codes)):
        known = found.get(each.text)
        if known is None or (each.grave and not known.grave):
            found[each.text] = each
    return tuple(found.values())


def any_grave(warnings: Iterable[ReadingWarning]) -> bool:
    """Whether numbers or places of what was made of the CT may be wrong."""
    return any(each.grave for each in warnings)
