"""Several pieces of work at the same time in threads, with one progress and one cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

from spinect_core.base.progress import Cancel, Progress, check

Made = TypeVar("Made")
REPORT_S = 0.1


def side_by_side(
    work: Callable[[int, Progress], Made],
    count: int,
    words: str,
    *,
    threads: int = 2,
    progress: Progress,
    cancel: Cancel | None,
) -> list[Made]:
    """Do pieces of work that ask for ``cancel`` themselves.

    Args:
        work: does the piece of a number, from 0, and reports how far it is.
        count: how many pieces there are.
        words: what is done with them, such as "zones searched".
        threads: pieces at work at the same time; the results do not depend on it.
        progress: called with the fraction done (0 to 1) and the stage, in the calling thread.
        cancel: asked often.

    Returns:
        The results in the order of the pieces.

    Raises:
        Cancelled: the user stopped it; and whatever the work raises, once nothing is at work any more.
    """
    parts = [0.0] * count

    def one(number: int) -> Made:
        def note(part: float, _words: str) -> None:
            parts[number] = part

        return work(number, note)

    with ThreadPoolExecutor(threads) as pool:
        every: list[Future[Made]] = [pool.submit(one, number) for number in range(count)]
        try:
            left = set(every)
            while left:
                done, left = wait(left, timeout=REPORT_S, return_when="FIRST_COMPLETED")
                for future in done:
                    future.result()
                check(cancel)
                progress(sum(parts) / count, f"{count - len(left)} of {count} {words}")
        finally:
            for future in every:
                future.cancel()
    return [future.result() for future in every]


class _Stop:
    """Says "stop" where either the user or the program does."""

    def __init__(self, cancel: Cancel | None) -> None:
        self._cancel, self._own = cancel, Event()

    def is_set(self) -> bool:
        return self._own.is_set() or (self._cancel is not None and self._cancel.is_set())

    def set(self) -> None:
        self._own.set()


@contextmanager
def beside(work: Callable[[Cancel], Made], cancel: Cancel | None) -> Iterator[Future[Made]]:
    """Do one piece of work in a thread, while the calling thread does another within the ``with``.

    Args:
        work: asks what it is given whether to stop: the user may want that, or what is done meanwhile may have failed.
        cancel: of the user.

    Yields:
        What becomes of the work; its fault is raised when its result is asked for. It has ended when the ``with`` has.
    """
    stop = _Stop(cancel)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work, stop)
        try:
            yield future
        except BaseException:
            stop.set()
            raise
