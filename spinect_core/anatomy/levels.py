"""The levels and what their vertebrae and roots are called."""

from __future__ import annotations

from dataclasses import dataclass

from spinect_core.base.errors import UsageError
from spinect_core.base.words import Side

LEVELS = ("L5/S1", "L4/5", "L3/4")
"""From below upwards."""

_COLUMN = ("S2", "S1", "L5", "L4", "L3", "L2")


@dataclass(frozen=True)
class Level:
    """A level by the names of its parts.

    Attributes:
        name: "L5/S1", "L4/5" or "L3/4".
        upper: vertebra above, whose root leaves here ("L5").
        lower: vertebra below ("S1").
    """

    name: str
    upper: str
    lower: str

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
        return _COLUMN[_COLUMN.index(self.upper) + 1]

    @property
    def focus(self) -> str:
        """The landmark in its middle."""
        return f"{self.lower} upper end plate centre"

    @property
    def above_the_sacrum(self) -> int:
        """0 for L5/S1, 1 for L4/5, 2 for L3/4."""
        return LEVELS.index(self.name)

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


def level_of(name: str) -> Level:
    """The level of a name such as "L5/S1".

    Raises:
        UsageError: there is none of that name.
    """
    if name not in LEVELS:
        raise UsageError(f"There is no level {name!r}", f"Choose one of {', '.join(LEVELS)}")
    return {
        "L5/S1": Level("L5/S1", "L5", "S1"),
        "L4/5": Level("L4/5", "L4", "L5"),
        "L3/4": Level("L3/4", "L3", "L4"),
    }[name]


def side_of(name: str) -> Side | None:
    """The side of a landmark, root or part; None of one in the middle."""
    return next((side for side in Side if name.endswith(f" {side}")), None)


def renamed(name: str, source: Level, target: Level) -> str:
    """The name of a landmark, root or part at ``target`` whose name at ``source`` is given.

    "L5 pedicle lower margin left" at L5/S1 is "L4 pedicle lower margin left" at L4/5; what lies above and below moves
    with it.
    """
    if source == target:
        return name
    shift = target.above_the_sacrum - source.above_the_sacrum
    if source.name in name:
        return name.replace(source.name, target.name)
    for place, vertebra in enumerate(_COLUMN):
        if vertebra in name.split():
            other = _COLUMN[min(max(place + shift, 0), len(_COLUMN) - 1)]
            return " ".join(other if word == vertebra else word for word in name.split())
    return name
