"""Ctrl-C: the first asks the work to stop and to clean up, the second does not wait for it."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any


class Stopping:
    """While open, Ctrl-C (and a polite request to end) sets :attr:`event`, which all long work looks at."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        # Only the main thread may set handlers; a window that calls a command has its own way to stop.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self.event.is_set():
            raise KeyboardInterrupt
        self.event.set()
        if sys.stderr.isatty():
            print("\nStopping; press Ctrl-C again to stop at once.", file=sys.stderr, flush=True)
