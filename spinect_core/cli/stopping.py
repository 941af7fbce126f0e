"""Ctrl-C, a closed terminal and a polite request to end: the work is asked to stop and to clean up."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""SIGHUP is a closed terminal; on Windows that is SIGBREAK."""


class Stopping:
    """While open, these signals set :attr:`event`, which all long work looks at.

    A second Ctrl-C does not wait for the work to stop; the others may come twice by themselves.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        # Only the main thread may set handlers; a window that calls a command has its own way to stop.
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                # What was started to outlive its terminal (nohup) does.
                if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self.event.is_set():
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        self.event.set()
        with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
            if number == signal.SIGINT and sys.stderr.isatty():
                print("\nStopping; press Ctrl-C again to stop at once.", file=sys.stderr, flush=True)
