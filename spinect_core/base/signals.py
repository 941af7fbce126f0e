"""The signals by which this program is asked to stop: Ctrl-C, a closed terminal, a polite request."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""SIGHUP is a closed terminal; on Windows that is SIGBREAK."""


def handle_stops(handler: Callable[[int, FrameType | None], None]) -> Mapping[int, Any]:
    """Have every request to stop answered; called in the main thread.

    A request that this process was told to ignore when it was started (as by ``nohup``) stays ignored.

    Args:
        handler: called with the signal's number.

    Returns:
        What answered before, by number, for :func:`give_back`.
    """
    wanted = [
        each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN or each == signal.SIGINT
    ]
    return {number: signal.signal(number, handler) for number in wanted}


def give_back(before: Mapping[int, Any]) -> None:
    """Let what answered before answer again."""
    for number, handler in before.items():
        signal.signal(number, handler)
