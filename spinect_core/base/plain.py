"""Values as JSON holds them, and JSON for people to read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

DEEPEST = 100
_NUMBERS = re.compile(r"\[\n([-+0-9.eE,\s]+?)\n\s*\]")
_NAMED = re.compile(r'\{\n((?:\s*"\w+": [-+0-9.eE]+,?\n)+)\s*\}')
"""Numbers by name, and nothing else."""


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


def json_text(data: Any) -> str:
    """JSON for people to read: indented, but plain numbers on one line, in a list or by their names.

    Raises:
        ValueError: a number is not finite.
        TypeError: something that JSON cannot hold.
    """
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    # within a text no line ends, so this finds lists and objects alone
    text = _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text)
    return _NAMED.sub(lambda found: f"{{{' '.join(found[1].split())}}}", text) + "\n"


def parse_json(text: str) -> Any:
    """The data of a JSON text.

    Raises:
        ValueError: it is no JSON, holds NaN, Infinity or half of a character, or is nested too deeply to be written
            again.
        RecursionError: it is nested too deeply to be read.
    """
    data = json.loads(text, parse_constant=_refuse_constant)
    level = [data]
    for _ in range(DEEPEST):
        level = [each for value in level for each in _parts(value)]
        if not level:
            return data
    raise ValueError(f"it is nested more than {DEEPEST} deep")


def _parts(value: Any) -> list[Any]:
    """What lies directly in a value of JSON; ValueError for text that UTF-8 cannot hold."""
    if isinstance(value, str):
        value.encode("utf-8")
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of a plan")
