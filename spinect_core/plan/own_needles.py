"""The user's needles in a planning: placed, copied, named, coloured, locked and deleted. All of it is records."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

from spinect_core.base.errors import UsageError
from spinect_core.base.words import Author, NeedleColour
from spinect_core.plan.records import NeedleRecord, Planning

OWN_NEEDLE = "Own needle"
"""What the user's needles are called, with a number, until the user names them."""


def own_needles(planning: Planning) -> tuple[NeedleRecord, ...]:
    """The needles that the user placed, in their order."""
    return tuple(each for each in planning.needles if each.needle.author == Author.USER)


def free_needle_name(planning: Planning) -> str:
    """The first name ``Own needle N`` that is not taken."""
    taken = {each.needle.name for each in planning.needles}
    return next(name for name in (f"{OWN_NEEDLE} {n}" for n in count(1)) if name not in taken)


def free_colour(planning: Planning) -> NeedleColour:
    """The first of the colours that the fewest of the user's needles have; white is that of those recommended."""
    taken = Counter(each.colour for each in own_needles(planning))
    others = [each for each in NeedleColour if each != NeedleColour.WHITE]
    return min(others, key=lambda each: taken[each])


def with_own(planning: Planning, record: NeedleRecord) -> Planning:
    """The planning with one more needle of the user's, in a colour of its own."""
    coloured = record.replaced(colour=free_colour(planning), locked=False)
    return planning.replaced(needles=(*planning.needles, coloured))


def with_copy(planning: Planning, record: NeedleRecord) -> Planning:
    """The planning with a needle of the user's more, a copy of one; all that was measured holds for it too."""
    needle = replace(record.needle, name=free_needle_name(planning), author=Author.USER)
    return with_own(planning, record.replaced(needle=needle))


def with_other(planning: Planning, before: NeedleRecord, after: NeedleRecord) -> Planning:
    """The planning with another record in the place of one of its needles."""
    needles = tuple(after if each is before else each for each in planning.needles)
    return planning.replaced(needles=needles)


def without_needle(planning: Planning, record: NeedleRecord) -> Planning:
    """The planning less one needle.

    Raises:
        UsageError: the needle is locked.
    """
    if record.locked:
        raise UsageError(f"{record.needle.title} is locked", "Unlock it before you delete it")
    return planning.replaced(needles=tuple(each for each in planning.needles if each is not record))


def named(planning: Planning, record: NeedleRecord, name: str) -> NeedleRecord:
    """A needle under another name.

    Raises:
        UsageError: another needle has it, or it is empty.
    """
    wanted = name.strip()
    taken = {each.needle.name for each in planning.needles if each is not record}
    if not wanted or wanted in taken:
        fault = f"Another needle is called {wanted!r}" if wanted else "A needle needs a name"
        raise UsageError(fault, "Choose another name")
    return record.replaced(needle=replace(record.needle, name=wanted))


def kept(record: NeedleRecord, before: NeedleRecord) -> NeedleRecord:
    """A record that was measured anew, with all that the user chose for the needle before."""
    return record.replaced(colour=before.colour, locked=before.locked)
