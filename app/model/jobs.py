"""Long work outside the window's thread: one job at a time, with progress, cancellation and error reports."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from spinect_core.base.errors import Cancelled, SpinectError
from spinect_core.base.log import described
from spinect_core.base.progress import Cancel, Progress

T = TypeVar("T")
Work = Callable[[Progress, Cancel], T]
"""What runs in the job's thread. It reports how far it is and looks at the cancel flag."""
REPORTS_APART_MS = 40
"""Between one report of a job and the next, from when the window has shown the one; more would only make it busy."""
PATIENCE_MS = 800
"""How long a cancelled job may take to stop before the window goes on without it."""
log = logging.getLogger(__name__)


class Job(QThread):
    """One piece of work in a thread of its own.

    The window takes reports when it has time for them, and only the latest: signals that wait for it would be dealt
    with one after the other, before all else. So whoever wants reports connects `reported` with `tell`.
    """

    progressed = Signal(float, str)
    reported = Signal()
    succeeded = Signal()
    failed = Signal(object)

    def __init__(self, work: Work[None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self.cancel = threading.Event()
        self._lock = threading.Lock()
        self._latest: tuple[float, str] | None = None
        self._underway = False
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(REPORTS_APART_MS)
        self._again.timeout.connect(self.tell)

    def run(self) -> None:
        """Do the work; called by the thread."""
        try:
            self._work(self._report, self.cancel)
            if self.cancel.is_set():
                raise Cancelled
        except SpinectError as error:
            self.failed.emit(error)
        except MemoryError:
            self.failed.emit(
                SpinectError(
                    "The memory of this computer is used up",
                    "Close other programs, or choose a smaller region",
                )
            )
        except Exception as error:  # the window must outlive any fault, and say what it was
            log.error("Unexpected fault in a job\n%s", "\n".join(described(error)))
            self.failed.emit(
                SpinectError(
                    f"Something unexpected went wrong ({type(error).__name__}: {error})",
                    "Try again; if it happens again, please report it with the files that caused it",
                )
            )
        else:
            self.succeeded.emit()

    def tell(self) -> None:
        """Pass the latest report on, if there is one; called in the window's thread."""
        with self._lock:
            latest, self._latest = self._latest, None
            self._underway = latest is not None
        if latest is not None:
            self.progressed.emit(*latest)
            self._again.start()

    def _report(self, fraction: float, message: str) -> None:
        with self._lock:
            self._latest = float(fraction), message
            underway, self._underway = self._underway, True
        if not underway:
            self.reported.emit()


@dataclass(frozen=True)
class _Order:
    """A job that has not started: its title, its work, and what to do in the window's thread when it is done."""

    title: str
    work: Work[None]
    deliver: Callable[[], None]
    opens: bool


def _order(title: str, work: Work[T], then: Callable[[T], None], opens: bool) -> _Order:
    results: list[T] = []

    def do(progress: Progress, cancel: Cancel) -> None:
        results.append(work(progress, cancel))

    return _Order(title, do, lambda: then(results[0]), opens)


class JobRunner(QObject):
    """Runs jobs for the window, one at a time.

    Signals:
        started: the title of the job.
        progressed: the part done (0 to 1) and a text; a part below 0 says that the job is being cancelled.
        ended: the title, and "done", "failed" or "cancelled".
        failed: the SpinectError.
        refused: a sentence for the user: a job was not started because another one is running.
    """

    started = Signal(str)
    progressed = Signal(float, str)
    ended = Signal(str, str)
    failed = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.title = ""
        self._opens = False
        self._job: Job | None = None
        self._deliver: Callable[[], None] | None = None
        self._next: _Order | None = None
        self._leftover: set[Job] = set()
        self._over = False
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._go_on_without)

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._job is not None

    @property
    def works_on_case(self) -> bool:
        """Whether a job is running whose result would be lost with the open case."""
        return self._job is not None and not self._opens

    def start(self, title: str, work: Work[T], then: Callable[[T], None]) -> bool:
        """Start a job; ``then`` gets its result in the window's thread.

        Returns:
            False if another one is running, or if the window has shut all down.
        """
        if self._over:
            return False
        if self._job is not None:
            self.refused.emit(f"{self.title} is still going on. Wait for it or cancel it first.")
            return False
        self._begin(_order(title, work, then, opens=False))
        return True

    def start_instead(self, title: str, work: Work[T], then: Callable[[T], None]) -> None:
        """Start a job; one that is running is cancelled first. None is started once the window has shut all down."""
        if self._over:
            return
        order = _order(title, work, then, opens=True)
        if self._job is None:
            self._begin(order)
        else:
            self._next = order
            self.cancel()

    def _begin(self, order: _Order) -> None:
        job = Job(order.work, self)
        self._job, self._deliver, self.title = job, order.deliver, order.title
        self._opens = order.opens
        job.reported.connect(job.tell)
        job.progressed.connect(self._on_progress)
        job.succeeded.connect(self._on_success)
        job.failed.connect(self._on_failure)
        job.finished.connect(self._on_finished)
        self.started.emit(order.title)
        job.start()

    def cancel(self) -> None:
        """Ask the running job to stop; within a second the window is free again in any case."""
        if self._job is not None and not self._job.cancel.is_set():
            self._job.cancel.set()
            self.progressed.emit(-1.0, "cancelling")
            self._patience.start()

    def shut_down(self, seconds: float = 20.0) -> None:
        """Stop everything and wait for the threads; called when the window closes. Nothing starts after that.

        A thread that runs on while the interpreter ends takes the process down.
        """
        self._over = True
        self._deliver = self._next = None
        jobs = [*self._leftover, *([self._job] if self._job else [])]
        for job in jobs:
            job.cancel.set()
        for job in jobs:
            job.wait(int(seconds * 1000))

    def _on_progress(self, fraction: float, message: str) -> None:
        if self.sender() is self._job and self._job is not None and not self._job.cancel.is_set():
            self.progressed.emit(fraction, message)

    def _on_success(self) -> None:
        if self.sender() is not self._job or self._job is None:
            return
        deliver = self._deliver
        if self._job.cancel.is_set():
            self._settle("cancelled")
            return
        self._job.tell()
        self._settle("done")
        if deliver is not None:
            deliver()

    def _on_failure(self, error: SpinectError) -> None:
        if self.sender() is not self._job or self._job is None:
            return
        cancelled = isinstance(error, Cancelled) or self._job.cancel.is_set()
        self._settle("cancelled" if cancelled else "failed")
        if not cancelled:
            self.failed.emit(error)

    def _go_on_without(self) -> None:
        if self._job is not None and self._job.cancel.is_set():
            self._settle("cancelled")

    def _settle(self, outcome: str) -> None:
        job, title = self._job, self.title
        self._job, self._deliver, self.title = None, None, ""
        self._patience.stop()
        if job is not None and job.isRunning():
            self._leftover.add(job)
        elif job is not None:
            job.deleteLater()
        self.ended.emit(title, outcome)
        if self._next is not None:
            following, self._next = self._next, None
            self._begin(following)

    def _on_finished(self) -> None:
        job = self.sender()
        if isinstance(job, Job) and job is not self._job:
            self._leftover.discard(job)
            job.deleteLater()
