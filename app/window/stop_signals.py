"""A closed terminal, the end of the session or Ctrl-C ends the window, and no work of it stays behind."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier

from spinect_core.base.signals import give_back, handle_stops


class StopSignals(QObject):
    """Calls a function when this process is asked to stop.

    Python looks at signals only while it runs, and Qt's loop may not let it for long. So a signal writes to a socket,
    which wakes the loop.

    Args:
        stop: called in the window's thread.
        parent: of this object.
    """

    def __init__(self, stop: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stop = stop
        self._ours, theirs = socket.socketpair()
        self._theirs = theirs
        for end in (self._ours, theirs):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._wake)
        self._asked = False
        self._before = handle_stops(self._on_signal)
        self._fd_before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True

    def _wake(self) -> None:
        try:
            self._ours.recv(4096)
        except BlockingIOError:
            return
        if self._asked:
            self._asked = False
            self._stop()

    def close(self) -> None:
        """Answer no more."""
        signal.set_wakeup_fd(self._fd_before)
        give_back(self._before)
        self._notifier.setEnabled(False)
        self._ours.close()
        self._theirs.close()
