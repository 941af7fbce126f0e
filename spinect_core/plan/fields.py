"""How the records of a plan are stored: each field's name in the file and what it may hold.

A record is a frozen dataclass whose fields are annotated with :class:`Stored`. The same check runs when the program
makes a record and when it reads one, so nothing can be written that would not be read again.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, ClassVar, Self, get_type_hints

import numpy as np

from spinect_core.base.errors import PlanError, SpinectError
from spinect_core.geometry.view import View

Point = tuple[float, float, float]
"""LPS mm."""
Take = Callable[[Any], Any]
"""Checks a value of the program or of a file and gives it in the record's own form; ValueError says what is wrong."""
FARTHEST_MM = 1e5
LONGEST_TEXT = 20_000
AS_WRITTEN = "Take the plan as it was written"
_NUMBERS = re.compile(r"\[\n([-+0-9.eE,\s]+?)\n\s*\]")
_FIELDS: dict[type, dict[str, Stored]] = {}


@dataclass(frozen=True)
class Stored:
    """How a field stands in the file.

    Attributes:
        key: its name there.
        take: checks and converts its value.
    """

    key: str
    take: Take


class RecordError(PlanError):
    """A record cannot hold what it was given.

    Attributes:
        detail: the field and what is wrong with it.
    """

    detail = ""

    @classmethod
    def of(cls, title: str, detail: str, remedy: str) -> Self:
        """The error of a kind of record."""
        error = cls(f"The {title} is not right: {detail}", remedy)
        error.detail = detail
        return error


@dataclass(frozen=True)
class Record:
    """A part of a plan.

    Attributes:
        extras: what a file of a later program had here and this program does not know; it is written again.

    Raises:
        PlanError: a value that the record cannot hold.
    """

    title: ClassVar[str] = "record"
    extras: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        try:
            for name, stored in stored_fields(type(self)).items():
                object.__setattr__(self, name, _taken(stored, getattr(self, name)))
            object.__setattr__(self, "extras", plain(self.extras))
            self.examine()
        except ValueError as error:
            raise RecordError.of(self.title, str(error), "Measure or place it again") from error

    def examine(self) -> None:
        """Check what several fields say together; ValueError says what is wrong."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as the file holds it."""
        known = {
            stored.key: _given(getattr(self, name)) for name, stored in stored_fields(type(self)).items()
        }
        return {**known, **{key: value for key, value in self.extras.items() if key not in known}}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The record of plain data.

        Raises:
            PlanError: a part is missing or not what it should be.
        """
        if not isinstance(data, Mapping):
            raise RecordError.of(cls.title, "it is no JSON object", AS_WRITTEN)
        given = {}
        optional = {each.name for each in dataclasses.fields(cls) if _has_default(each)}
        fields = stored_fields(cls)
        for name, stored in fields.items():
            if stored.key in data:
                given[name] = data[stored.key]
            elif name not in optional:
                raise RecordError.of(cls.title, f"it has no {stored.key}", AS_WRITTEN)
        known = {stored.key for stored in fields.values()}
        try:
            return cls(**given, extras={key: value for key, value in data.items() if key not in known})
        except RecordError as error:
            raise RecordError.of(cls.title, error.detail, AS_WRITTEN) from error


def stored_fields(kind: type[Record]) -> dict[str, Stored]:
    """The stored fields of a kind of record, by attribute, in the order of the file."""
    known = _FIELDS.get(kind)
    if known is None:
        known = _FIELDS[kind] = _find_fields(kind)
    return known


def _find_fields(kind: type[Record]) -> dict[str, Stored]:
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for each in dataclasses.fields(kind):
        marks = [mark for mark in getattr(hints[each.name], "__metadata__", ()) if isinstance(mark, Stored)]
        if marks:
            found[each.name] = marks[0]
    return found


# ---------------------------------------------------------------------------------------------- what fields may hold


def text(value: Any) -> str:
    """Any text."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(f"{_short(value)} is no text")
    return value


def name(value: Any) -> str:
    """A text that is not empty."""
    if not text(value).strip():
        raise ValueError("it is empty")
    return str(value)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{_short(value)} is neither true nor false")
    return bool(value)


def number(low: float = -math.inf, high: float = math.inf) -> Take:
    """A finite number from ``low`` to ``high``."""

    def take(value: Any) -> float:
        if isinstance(value, bool | np.bool_) or not isinstance(
            value, int | float | np.integer | np.floating
        ):
            raise ValueError(f"{_short(value)} is no number")
        try:
            result = float(value)
        except OverflowError:
            raise ValueError("it is too large a number") from None
        if not math.isfinite(result) or not low <= result <= high:
            raise ValueError(f"{result:g} is not {_between(low, high)}")
        return result

    return take


def whole(low: int, high: int) -> Take:
    """A whole number from ``low`` to ``high``."""

    def take(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ValueError(f"{_short(value)} is no whole number")
        if not low <= int(value) <= high:
            raise ValueError(f"{_short(int(value))} is not {_between(low, high)}")
        return int(value)

    return take


def choice(*allowed: str) -> Take:
    """One of some words."""

    def take(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"{_short(value)} is none of {', '.join(repr(word) for word in allowed)}")
        return value

    return take


def maybe(take: Take) -> Take:
    """Something, or nothing."""
    return lambda value: None if value is None else take(value)


def many(take: Take, least: int = 0) -> Take:
    """A list."""

    def take_all(values: Any) -> tuple[Any, ...]:
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Sequence | np.ndarray):
            raise ValueError(f"{_short(values)} is no list")
        if len(values) < least:
            raise ValueError(f"it holds {len(values)} entries, at least {least} are needed")
        taken = []
        for place, value in enumerate(values, 1):
            try:
                taken.append(take(value))
            except ValueError as error:
                raise ValueError(f"entry {place}: {error}") from error
        return tuple(taken)

    return take_all


def point(value: Any) -> Point:
    """A place in the patient, LPS mm."""
    numbers = many(number(-FARTHEST_MM, FARTHEST_MM))(value)
    if len(numbers) != 3:
        raise ValueError(f"a point has three numbers, not {len(numbers)}")
    return (numbers[0], numbers[1], numbers[2])


def points(least: int = 0) -> Take:
    """Places in the patient, LPS mm."""
    return many(point, least)


def view(value: Any) -> View:
    """A line of sight."""
    if isinstance(value, View):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"{_short(value)} is no view")
    angle = number(-360, 360)
    try:
        return View(angle(value["azimuth_deg"]), angle(value["elevation_deg"]))
    except KeyError as error:
        raise ValueError(f"the view has no {error}") from error


def record(kind: type[Record]) -> Take:
    """A record within a record."""

    def take(value: Any) -> Record:
        if isinstance(value, kind):
            return value
        try:
            return kind.from_dict(value)
        except RecordError as error:
            raise ValueError(error.detail) from error

    return take


def inner_path(value: Any) -> str:
    """A path beside the plan, or within the document; one that leads out of its folder is refused."""
    path = text(value)
    parts = PurePosixPath(path)
    if any(mark in path for mark in "\\:\0") or parts.is_absolute() or ".." in parts.parts:
        raise ValueError(f"the path {_short(path)} leads out of the plan's folder")
    return path


def json_text(data: Any) -> str:
    """JSON for people to read: indented, but a list of plain numbers on one line.

    Raises:
        ValueError: a number is not finite.
        TypeError: something that JSON cannot hold.
    """
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    # within a text no line ends, so this finds lists alone
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def plain(value: Any) -> Any:
    """A value as JSON holds it: tuples become lists, NumPy's numbers Python's, anything unknown its text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def _taken(stored: Stored, value: Any) -> Any:
    try:
        return stored.take(value)
    except SpinectError as error:
        raise ValueError(f"{stored.key}: {error.fault}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{stored.key}: {error}") from error


def _given(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_given(each) for each in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def _has_default(each: dataclasses.Field[Any]) -> bool:
    return each.default is not dataclasses.MISSING or each.default_factory is not dataclasses.MISSING


def _between(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "finite"
    if math.isinf(high):
        return f"{low:g} or more"
    return f"between {low:g} and {high:g}"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
