"""The levels and what their vertebrae and roots are called, by the count of lumbar vertebrae.

Where a level lies is known from the sacrum upwards; what it is called follows from how many lumbar vertebrae there are,
which no picture of the lumbosacral region shows. Whoever counted them says so; until then there are taken to be five.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from spinect_core.base.errors import UsageError
from spinect_core.base.words import Side

LUMBOSACRAL = "L5/S1"
"""The level above the sacrum as it is asked for, whatever it is called by the count."""

LUMBAR_COUNTS = (4, 5, 6)
USUAL_COUNT = 5

_SACRAL, _THORACIC = 5, 12
_NAME = re.compile(r"\b([TLS])(\d{1,2})(?:/[TLS]?\d{1,2})?\b")
"""A vertebra, or a level by the vertebra above it."""


def vertebra_name(place: int, lumbar: int | None = None) -> str:
    """What a vertebra is called.

    Args:
        place: 0 of the lowest lumbar one, 1 of the next above, -1 of S1.
        lumbar: how many lumbar vertebrae there are; None where nobody has counted them.
    """
    count = lumbar or USUAL_COUNT
    if place < 0:
        return f"S{-place}"
    return f"L{count - place}" if place < count else f"T{_THORACIC + count - place}"


def level_name(above: int, lumbar: int | None = None) -> str:
    """What a level is called, such as "L5/S1", "L4/5", "S1/2" or "T12/L1".

    Args:
        above: how many levels above the sacrum it lies; negative below.
        lumbar: how many lumbar vertebrae there are; None where nobody has counted them.
    """
    if above <= -_SACRAL or above >= (lumbar or USUAL_COUNT) + _THORACIC - 1:
        return f"{abs(above)} levels {'above' if above > 0 else 'below'} {level_name(0, lumbar)}"
    upper, lower = vertebra_name(above, lumbar), vertebra_name(above - 1, lumbar)
    return f"{upper}/{lower[1:] if lower[0] == upper[0] else lower}"


def level_names(lumbar: int | None = None) -> tuple[str, ...]:
    """The levels that can be planned, from below upwards."""
    return tuple(level_name(above, lumbar) for above in range(3))


LEVELS = level_names()
"""The same where nobody has counted, or has counted five."""


@dataclass(frozen=True)
class Level:
    """A level by the names of its parts.

    Attributes:
        above_the_sacrum: how many levels; 0 for L5/S1, 1 for L4/5, 2 for L3/4 of a spine with five lumbar vertebrae.
        lumbar: how many lumbar vertebrae there are; None where nobody has counted them.
    """

    above_the_sacrum: int
    lumbar: int | None = None

    @property
    def name(self) -> str:
        """Such as "L5/S1"."""
        return level_name(self.above_the_sacrum, self.lumbar)

    @property
    def upper(self) -> str:
        """The vertebra above, whose root leaves here ("L5")."""
        return vertebra_name(self.above_the_sacrum, self.lumbar)

    @property
    def lower(self) -> str:
        """The vertebra below ("S1")."""
        return vertebra_name(self.above_the_sacrum - 1, self.lumbar)

    @property
    def exiting(self) -> str:
        """The root that leaves through the foramen of this level."""
        return self.upper

    @property
    def traversing(self) -> str:
        """The root that runs past on its way to the next foramen."""
        return self.lower

    @property
    def passing(self) -> str:
        """The root that has left through the foramen above and runs past the level outside."""
        return vertebra_name(self.above_the_sacrum + 1, self.lumbar)

    @property
    def focus(self) -> str:
        """The landmark in its middle."""
        return f"{self.lower} upper end plate centre"

    def articular_process(self, side: str) -> tuple[str, str]:
        """The landmarks of the superior articular process of a side: its tip and its base."""
        tip, base = (f"{self.lower} superior articular {end} {side}" for end in ("tip", "base"))
        return tip, base

    def landmark_names(self) -> tuple[str, ...]:
        """All landmarks of the level, those of the left before those of the right."""
        middle = (f"{self.upper} body centre", f"{self.upper} upper end plate centre", self.focus)
        paired = (
            f"{self.upper} pedicle lower margin",
            f"{self.upper} body lateral border",
            f"{self.lower} posterolateral corner",
            f"{self.lower} superior articular tip",
            f"{self.lower} superior articular base",
            f"foramen {self.name} centre",
        )
        return (*middle, *(f"{name} {side}" for side in ("left", "right") for name in paired))


def level_of(name: str, lumbar: int | None = None) -> Level:
    """The level of a name such as "L5/S1".

    Args:
        name: by the count; "L5/S1" is the lumbosacral level by every count, L6/S1 of six lumbar vertebrae and L4/S1 of
            four.
        lumbar: how many lumbar vertebrae the user has counted; None where nobody has.

    Raises:
        UsageError: there is none of that name, or no such count.
    """
    if lumbar is not None and lumbar not in LUMBAR_COUNTS:
        raise UsageError(f"{lumbar} lumbar vertebrae are not planned for", "Count again: 4, 5 or 6")
    names = level_names(lumbar)
    if name == LUMBOSACRAL:
        return Level(0, lumbar)
    if name not in names:
        counted = "" if lumbar is None else f" with {lumbar} lumbar vertebrae"
        raise UsageError(f"There is no level {name!r}{counted}", f"Choose one of {', '.join(names)}")
    return Level(names.index(name), lumbar)


def check_count(lumbar: int | None, shift: int | None) -> None:
    """Refuse a count of the lumbar vertebrae that the shift of the numbering contradicts.

    Both name the vertebrae about the lowest free disc: a shift says that the one below it is a lumbar vertebra which
    has grown to the sacrum, or that the one above it is S1; a count of four or six says that neither is so.

    Args:
        lumbar: how many lumbar vertebrae the user has counted; None where nobody has.
        shift: of the numbering by the user, see :func:`spinect_core.anatomy.landmarks.find_landmarks`.

    Raises:
        UsageError: the two do not go together.
    """
    remedy = "Say one of the two: the count of the lumbar vertebrae, or the shift of the numbering"
    if lumbar == 6 and (shift or 0) < 0:
        raise UsageError(
            "The shift says that the vertebra above the lowest free disc is S1, and a count of 6 that it is lumbar",
            remedy,
        )
    if lumbar == 4 and (shift or 0) > 0:
        raise UsageError(
            "The shift says that the vertebra below the lowest free disc is a lumbar one, and a count of 4 that it is "
            "S1",
            remedy,
        )


def side_of(name: str) -> Side | None:
    """The side of a landmark, root or part; None of one in the middle."""
    return next((side for side in Side if name.endswith(f" {side}")), None)


def renamed(text: str, source: Level, target: Level) -> str:
    """What is said in a name or text of the vertebrae and levels round ``source``, said of those round ``target``.

    "L5 pedicle lower margin left" at L5/S1 is "L4 pedicle lower margin left" at L4/5, and "L6 pedicle lower margin
    left" at L6/S1; what lies above and below moves with it.
    """
    shift = target.above_the_sacrum - source.above_the_sacrum
    before, after = source.lumbar or USUAL_COUNT, target.lumbar or USUAL_COUNT
    if not shift and before == after:
        return text

    def say(found: re.Match[str]) -> str:
        place = _place(found[1], int(found[2]), before) + shift
        return level_name(place, after) if "/" in found[0] else vertebra_name(place, after)

    return _NAME.sub(say, text)


def recounted(text: str, before: int | None, after: int | None) -> str:
    """A name or text made by one count of the lumbar vertebrae, by another; see :func:`renamed`."""
    return renamed(text, Level(0, before), Level(0, after))


def _place(letter: str, number: int, lumbar: int) -> int:
    return {"S": -number, "L": lumbar - number, "T": lumbar + _THORACIC - number}[letter]
