"""What an exception of a library and a row of numbers are called in a message: words, never Python's notation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsFloat

LONGEST = 160
_SILENT: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (EOFError, "it breaks off"),
    (MemoryError, "the memory does not suffice"),
    (RecursionError, "it is nested too deeply"),
    (UnicodeError, "it holds bytes that are no text"),
    (IndexError, "it holds fewer values than it says"),
    (ZeroDivisionError, "a number that must not be 0 is 0"),
    (OverflowError, "a number is too large"),
    ((AttributeError, TypeError), "a part of it is of another kind than it should be"),
    (NotImplementedError, "it is made in a way that is not supported"),
)
"""What is said of an exception that says nothing itself, or what only a programmer reads."""


def reason(error: BaseException) -> str:
    """Why something failed, in one line of words.

    The system's words for a refused file, the name of what is missing from a mapping, and otherwise the first line
    that the exception says; the name of its class is in the log and says nothing to a user.

    Examples:
        >>> reason(KeyError("plan")), reason(EOFError()), reason(OSError(28, "No space left on device"))
        ("'plan' is missing", 'it breaks off', 'No space left on device')
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError):
        return f"'{str(error.args[0])[:60]}' is missing" if error.args else "a part is missing"
    told = next((words for kind, words in _SILENT if isinstance(error, kind)), "")
    if told and not isinstance(error, NotImplementedError):
        return told
    lines = [line.strip(" .") for line in str(error).splitlines() if line.strip(" .")]
    said = next((line for line in lines if not line.endswith(":")), lines[0] if lines else "")
    said = said if len(said) <= LONGEST else f"{said[: LONGEST - 3]}..."
    return said or told or "no reason was given"


def times(numbers: Iterable[SupportsFloat]) -> str:
    """Sizes or steps along axes.

    Examples:
        >>> times((114, 245, 334)), times((0.9, 0.9, 1.5))
        ('114 x 245 x 334', '0.9 x 0.9 x 1.5')
    """
    return " x ".join(f"{float(number):.7g}" for number in numbers)


def listed(numbers: Iterable[SupportsFloat]) -> str:
    """Coordinates or angles.

    Examples:
        >>> listed((-10.0, 12.5, 3))
        '-10, 12.5, 3'
    """
    return ", ".join(f"{float(number):.6g}" for number in numbers)
