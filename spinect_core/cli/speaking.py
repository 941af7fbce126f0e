"""What the commands print: on any console, whatever letters it has, and with what reading noticed about the CT."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterable
from typing import Any

from spinect_core.image.warning import ReadingWarning, warning_lines

SPELLED = {
    "²": "2",
    "³": "3",
    "°": " deg",
    "×": "x",
    "±": "+/-",
    "⌀": "diameter",
    "µ": "u",
    "\N{GREEK SMALL LETTER MU}": "u",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{LEFTWARDS ARROW}": "<-",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{MIDDLE DOT}": "-",
    "\N{BULLET}": "*",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{NO-BREAK SPACE}": " ",
}
"""How a console without these signs shows them."""
HANDLER = "spinect-spelled"
LINE = "spinect: warning: "


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    """The part of a text that the console has no letters for, in letters that every console has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end]
    return "".join(SPELLED.get(each, "?") for each in part), error.end


def speak_anywhere() -> None:
    """Let what is printed from now on never fail on a letter: it is spelled in others where the console lacks it."""
    codecs.register_error(HANDLER, _spelled)
    for stream in (sys.stdout, sys.stderr):
        change = getattr(stream, "reconfigure", None)
        if (
            change is not None
        ):  # there is none in a window without a console, and other streams have no letters to lack
            change(errors=HANDLER)


def print_json(data: Any) -> None:
    """Print data as JSON; letters that the console lacks as escapes, so that it is the same data everywhere."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        text = json.dumps(data, indent=2, ensure_ascii=True)
    print(text)


def say_warnings(warnings: Iterable[ReadingWarning]) -> None:
    """Say on standard error what reading noticed, a line each, the grave ones first."""
    for line in warning_lines(warnings):
        print(f"{LINE}{line}", file=sys.stderr, flush=True)
