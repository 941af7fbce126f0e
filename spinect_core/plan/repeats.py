"""The same measured again and again without seeing the numbers before: mean, SD and agreement.

As in Table 5 of Fan et al., AJNR 2019: each thing measured repeatedly by one observer, and the intraclass correlation
of all of one kind. It is ICC(2,1): two-way random effects, absolute agreement, single measures, with what was measured
in the rows and the repeats in the columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spinect_core.base.agreement import Icc, icc_2_1
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.triangle import KIND_NAMES, Triangle

FEWEST_REPEATS, MOST_REPEATS = 2, 10


@dataclass(frozen=True, eq=False)
class Measured:
    """A measurement, its name, and the same measured again.

    Attributes:
        name: what the user calls it.
        drawn: the measured points.
        repeats: the same measured again, blind to it and to each other.
    """

    name: str
    drawn: Triangle | Figure
    repeats: tuple[Triangle | Figure, ...] = ()

    @property
    def kind(self) -> str:
        """The word of a :class:`Kind` or :class:`FigureKind`."""
        return self.drawn.kind

    @property
    def kind_name(self) -> str:
        """The same as a heading."""
        return KIND_NAMES[self.kind] if isinstance(self.drawn, Triangle) else self.kind

    @property
    def unit(self) -> str:
        """Of its numbers."""
        return "mm²" if isinstance(self.drawn, Triangle) else self.drawn.unit

    @property
    def value(self) -> float:
        """What was measured, in its unit."""
        return value_of(self.drawn)

    @property
    def again(self) -> tuple[float, ...]:
        """What was measured again, in the same."""
        return tuple(map(value_of, self.repeats))

    @property
    def mean(self) -> float | None:
        """Of the repeats alone; None without any."""
        return float(np.mean(self.again)) if self.repeats else None

    @property
    def sd(self) -> float | None:
        """Standard deviation (n - 1) of the repeats alone; None for fewer than two."""
        return float(np.std(self.again, ddof=1)) if len(self.repeats) > 1 else None


@dataclass(frozen=True)
class Agreement:
    """How well the repeats of one kind agree.

    Attributes:
        kind: word of it.
        kind_name: the same as a heading.
        icc: of all that have repeats; each with as many as the one that has the fewest, the first ones.
    """

    kind: str
    kind_name: str
    icc: Icc


def value_of(drawn: Triangle | Figure) -> float:
    """What is measured, in its unit."""
    return drawn.area_mm2 if isinstance(drawn, Triangle) else drawn.value


def same_thing(one: Triangle | Figure, other: Triangle | Figure) -> bool:
    """Whether two can be compared: triangles of one kind, side and level, or figures of one kind and plane."""
    if isinstance(one, Triangle) or isinstance(other, Triangle):
        return (
            isinstance(one, Triangle)
            and isinstance(other, Triangle)
            and (one.kind, one.side, one.level) == (other.kind, other.side, other.level)
        )
    return (one.kind, one.plane) == (other.kind, other.plane)


def agreement_of(measured: Iterable[Measured]) -> list[Agreement]:
    """ICC(2,1) of each kind of which two or more were measured repeatedly, in the order of their first ones."""
    groups: dict[str, list[Measured]] = {}
    for each in measured:
        if len(each.repeats) >= FEWEST_REPEATS:
            groups.setdefault(each.kind, []).append(each)
    return [_agreement(group) for group in groups.values() if len(group) > 1]


def _agreement(group: Sequence[Measured]) -> Agreement:
    count = min(len(each.repeats) for each in group)
    table = np.array([each.again[:count] for each in group], dtype=np.float64)
    return Agreement(group[0].kind, group[0].kind_name, icc_2_1(table))


def icc_words(icc: Icc) -> str:
    """For example ``0.93 (95 % interval 0.41 to 0.99), 3 measured 5 times each``."""
    counts = f"{icc.subjects} measured {icc.raters} times each"
    if icc.value is None:
        return f"{icc.reason}, {counts}"
    interval = (
        icc.reason
        if icc.low is None or icc.high is None
        else f"95 % interval {icc.low:.2f} to {icc.high:.2f}"
    )
    return f"{icc.value:.2f} ({interval}), {counts}"
