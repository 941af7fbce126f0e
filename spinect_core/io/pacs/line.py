"""Work on the network in a thread of its own, so that whoever waits for it can be told to stop and does at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from spinect_core.base.errors import Cancelled
from spinect_core.base.progress import Cancel, Progress, silent

LOOK_S = 0.1
T = TypeVar("T")


class Line:
    """What work on the network knows of the one who waits for it.

    Attributes:
        reached: computers that were reached, and the address of this one by which they were.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._closers: list[Callable[[], None]] = []
        self.reached: dict[str, str] = {}
        self._told: tuple[float, str] | None = None

    def check(self) -> None:
        """Raise :class:`Cancelled` if nobody waits any more."""
        if self._stopped.is_set():
            raise Cancelled

    def tell(self, fraction: float, message: str) -> None:
        """Say how far it is; raises :class:`Cancelled` if nobody waits any more."""
        self.check()
        self._told = (fraction, message)

    def closed_by(self, close: Callable[[], None]) -> None:
        """What ends a wait for the network when it is stopped; called at once if that was before."""
        with self._lock:
            self._closers.append(close)
            stopped = self._stopped.is_set()
        if stopped:
            self._close(close)

    def stop(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._stopped.set()
            closers = list(self._closers)
        for close in closers:
            self._close(close)

    def report(self, progress: Progress) -> None:
        """Hand on what was told last."""
        told, self._told = self._told, None
        if told is not None:
            progress(*told)

    @staticmethod
    def _close(close: Callable[[], None]) -> None:
        with contextlib.suppress(
            Exception
        ):  # the connection is in any state, and all that is left of it is its end
            close()


def apart(work: Callable[[Line], T], progress: Progress = silent, cancel: Cancel | None = None) -> T:
    """The result of work on the network, or its error.

    Args:
        work: runs in a thread of its own, which may outlive this call by the time that its libraries take to give up.
        progress: called in this thread.
        cancel: stops it within a second, whatever the network does.

    Raises:
        Cancelled: the user stopped it.
    """
    line, done = Line(), threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(line))
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True, name="archive").start()
    try:
        while not done.wait(LOOK_S):
            line.report(progress)
            if cancel is not None and cancel.is_set():
                raise Cancelled
    except BaseException:
        line.stop()
        raise
    line.report(progress)
    if errors:
        raise errors[0]
    return results[0]
