"""Ctrl-C, a closed terminal and a polite request to end: the work is asked to stop and to clean up."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any

from spinect_core.base.signals import give_back, handle_stops


class Stopping:
    """While open, these signals set :attr:`event`, which all long work looks at.

    A second Ctrl-C does not wait for the work to stop; the others may come twice by themselves.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._before: Mapping[int, Any] = {}

    def __enter__(self) -> Stopping:
        # Only the main thread may set handlers; a window that calls a command has its own way to stop.
        if threading.current_thread() is threading.main_thread():
            self._before = handle_stops(self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        give_back(self._before)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self.event.is_set():
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        self.event.set()
        with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
            if number == signal.SIGINT and sys.stderr.isatty():
                print("\nStopping; press Ctrl-C again to stop at once.", file=sys.stderr, flush=True)
