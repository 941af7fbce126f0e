"""The same planning by another count of the lumbar vertebrae: names change, places and measures do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.anatomy.levels import LUMBOSACRAL, Level, check_count, level_of, recounted, renamed
from spinect_core.base.words import Author, Checked
from spinect_core.geometry.triangle import Triangle
from spinect_core.plan.records import (
    FindingRecord,
    LevelRecord,
    LimitRecord,
    Planning,
    Record,
    RiskRecord,
)
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.risk import HandError
from spinect_core.planning.results import CasePlan
from spinect_core.planning.rules import Finding, Rules

NEVER = (Enum, HandError, RiskRecord, Rules, LimitRecord, Finding, FindingRecord)
"""Words of the program, texts that name where a number was published, and reasons that the user gave."""


def recounted_plan(plan: CasePlan, lumbar: int | None) -> CasePlan:
    """What was planned, by another count of the lumbar vertebrae.

    Args:
        plan: by any count.
        lumbar: how many there are, as the user has counted them; None where nobody has.

    Raises:
        UsageError: no such count, or one that the user's shift of the numbering contradicts.
    """
    level_of(LUMBOSACRAL, lumbar)
    check_count(lumbar, plan.landmarks.shift)
    named: CasePlan = _Names(plan.landmarks.lumbar, lumbar).of(plan)
    return replace(named, landmarks=replace(named.landmarks, lumbar=lumbar))


def recounted_records(planning: Planning, lumbar: int | None) -> Planning:
    """The records of a planning by another count; a needle keeps the name that its user gave it.

    Args:
        planning: by any count; of nothing yet, where the level was not looked for.
        lumbar: as of :func:`recounted_plan`.

    Raises:
        UsageError: the same.
    """
    level_of(LUMBOSACRAL, lumbar)
    level = planning.level or LevelRecord(name=LUMBOSACRAL)
    check_count(lumbar, level.shift)
    names = _Names(level.lumbar, lumbar)
    # The name and the count are changed together, as each has to agree with the other.
    counted = level.replaced(
        name=names.say(level.name), lumbar=lumbar, warnings=tuple(map(names.say, level.warnings))
    )
    named: Planning = names.of(planning.replaced(level=None))
    # What was confirmed of the level was confirmed of its name by the count before.
    checked = tuple(each for each in named.checked if each != Checked.LEVEL)
    return named.replaced(level=counted, checked=checked)


def recounted_triangle(triangle: Triangle, before: int | None, after: int | None) -> Triangle:
    """A measured triangle with level and borders by another count."""
    named: Triangle = _Names(before, after).of(triangle)
    return named


def needle_elsewhere(needle: Needle, before: LevelRecord | None, now: Landmarks) -> Needle:
    """A needle of the user's, which stays where it is, with its level as it is called now.

    Args:
        needle: as it was called before.
        before: what was planned then.
        now: what is planned.
    """
    moved = shift_since(before, now)
    if not moved:
        return needle
    return replace(needle, level=renamed(needle.level, Level(0, now.lumbar), Level(moved, now.lumbar)))


def shift_since(before: LevelRecord | None, now: Landmarks) -> int:
    """By how many levels the user has moved the names upwards since."""
    return (now.shift or 0) - (0 if before is None else before.shift)


class _Names:
    """Says all names by another count, in anything that a planning is made of."""

    def __init__(self, before: int | None, after: int | None) -> None:
        self._before, self._after = before, after
        self._done: dict[int, tuple[Any, Any]] = {}

    def say(self, text: str) -> str:
        """A name or text."""
        return recounted(text, self._before, self._after)

    def of(self, thing: Any) -> Any:
        """A thing with all names in it; the same object where none changes, and shared parts stay shared."""
        if isinstance(thing, str) and not isinstance(thing, Enum):
            return self.say(thing)
        if isinstance(thing, NEVER) or not _holds_names(thing):
            return thing
        if id(thing) not in self._done:
            # The thing is kept, so that its identity is not given to another.
            self._done[id(thing)] = (thing, self._changed(thing))
        return self._done[id(thing)][1]

    def _changed(self, thing: Any) -> Any:
        if isinstance(thing, Level):
            return replace(thing, lumbar=self._after)
        if isinstance(thing, Mapping):
            pairs = {self.of(key): self.of(value) for key, value in thing.items()}
            return thing if _same(pairs.items(), thing.items()) else pairs
        if isinstance(thing, (tuple, frozenset)):
            parts = [self.of(each) for each in thing]
            if all(part is each for part, each in zip(parts, thing, strict=True)):
                return thing
            return type(thing)(*parts) if hasattr(thing, "_fields") else type(thing)(parts)
        names = _field_names(thing)
        values = {name: self.of(getattr(thing, name)) for name in names}
        # What a user has called his needle is no name of this program's.
        if isinstance(thing, Needle) and thing.author == Author.USER:
            values["name"] = thing.name
        new = {name: value for name, value in values.items() if value is not getattr(thing, name)}
        if not new:
            return thing
        return thing.replaced(**new) if isinstance(thing, Record) else replace(thing, **new)


def _holds_names(thing: Any) -> bool:
    return isinstance(thing, (Mapping, tuple, frozenset, Record)) or (
        is_dataclass(thing) and not isinstance(thing, type)
    )


def _field_names(thing: Any) -> list[str]:
    if isinstance(thing, Record):
        return list(type(thing).model_fields)
    return [each.name for each in fields(thing) if each.init]


def _same(new: Any, old: Any) -> bool:
    return all(a is c and b is d for (a, b), (c, d) in zip(new, old, strict=True))
