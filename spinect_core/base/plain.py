"""Values as JSON holds them, and JSON for people to read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_NUMBERS = re.compile(r"\[\n([-+0-9.eE,\s]+?)\n\s*\]")


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
    """JSON for people to read: indented, but a list of plain numbers on one line.

    Raises:
        ValueError: a number is not finite.
        TypeError: something that JSON cannot hold.
    """
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    # within a text no line ends, so this finds lists alone
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def parse_json(text: str) -> Any:
    """The data of a JSON text.

    Raises:
        ValueError: it is no JSON, or holds NaN or Infinity.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of a plan")
