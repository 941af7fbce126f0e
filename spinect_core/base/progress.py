"""How long work reports its progress, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from spinect_core.base.errors import Cancelled

Progress = Callable[[float, str], None]
"""Called with the part done (0 to 1) and a short text such as ``patch 12 of 84``."""


class Cancel(Protocol):
    """Anything that can say "stop"; ``threading.Event`` and ``multiprocessing.Event`` do."""

    def is_set(self) -> bool:
        """Whether the work should stop."""


def silent(_fraction: float, _message: str) -> None:
    """Report to nobody."""


def check(cancel: Cancel | None) -> None:
    """Raise :class:`Cancelled` if the user has asked to stop."""
    if cancel is not None and cancel.is_set():
        raise Cancelled


def part_of(progress: Progress, start: float, stop: float) -> Progress:
    """Map a stage's own 0 to 1 onto the part ``start`` to ``stop`` of the whole."""

    def report(fraction: float, message: str) -> None:
        progress(start + (stop - start) * min(max(fraction, 0.0), 1.0), message)

    return report
