"""The job that is going on, as the window shows it: what, which stage, how far, and how long it will still take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.model.jobs import JobRunner

SEGMENTING, FINDING = "Segmenting", "Finding trajectories"
"""Titles of jobs that others know by them."""
LOOKED_BACK_S = 30.0
"""How much of the past says how fast it goes: stages differ."""
SURE_AFTER_S, SURE_PART = 3.0, 0.08
"""Before so much time and progress, an estimate would only jump about."""
TICK_MS = 1000


class TimeLeft:
    """Guesses how long a job will still take from how far it has come.

    Args:
        now: seconds of a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._reports: deque[tuple[float, float]] = deque([(now(), 0.0)])

    def report(self, part: float) -> None:
        """Take note of a part done, 0 to 1."""
        now = self._now()
        self._reports.append((now, part))
        while len(self._reports) > 2 and self._reports[1][0] < now - LOOKED_BACK_S:
            self._reports.popleft()

    @property
    def seconds(self) -> float | None:
        """What is left; None as long as nothing sensible can be said."""
        (began, first), (_, last) = self._reports[0], self._reports[-1]
        took = self._now() - began
        if took < SURE_AFTER_S or last - first < SURE_PART:
            return None
        return (1 - last) * took / (last - first)

    @property
    def words(self) -> str:
        """Such as ``about 40 s left``; empty as long as nothing sensible can be said."""
        seconds = self.seconds
        if seconds is None:
            return ""
        if seconds < 8:
            return "a few seconds left"
        if seconds < 55:
            return f"about {5 * round(seconds / 5)} s left"
        return f"about {max(round(seconds / 60), 1)} min left"


class Ongoing(QObject):
    """The running job.

    Args:
        jobs: where it runs.

    Attributes:
        title: of the job; empty while none runs.
        stage: what it is doing, in its own words.
        part: how much is done, 0 to 1; None before its first report.
        cancelling: whether it was asked to stop.
    """

    changed = Signal()

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.title, self.stage, self.cancelling = "", "", False
        self.part: float | None = None
        self._left = TimeLeft()
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.changed)
        jobs.started.connect(self._on_start)
        jobs.progressed.connect(self._on_progress)
        jobs.ended.connect(self._on_end)

    @property
    def opens(self) -> bool:
        """Whether another case is being opened."""
        return bool(self.title) and not self._jobs.works_on_case

    @property
    def how_far(self) -> str:
        """Such as ``34 % · about 2 min left``."""
        if self.cancelling:
            return "cancelling …"
        percent = "" if self.part is None else f"{self.part:.0%}".replace("%", " %")
        return " · ".join(each for each in (percent, self._left.words) if each)

    @property
    def words(self) -> str:
        """Such as ``34 % · about 2 min left · patch 12 of 84``."""
        return " · ".join(each for each in (self.how_far, "" if self.cancelling else self.stage) if each)

    def cancel(self) -> None:
        """Ask the job to stop; the window is free again within a second."""
        self._jobs.cancel()

    def _on_start(self, title: str) -> None:
        self.title, self.stage, self.cancelling, self.part = title, "", False, None
        self._left = TimeLeft()
        self._timer.start()
        self.changed.emit()

    def _on_progress(self, part: float, stage: str) -> None:
        before = (self.words, self.part is None)
        if part < 0:
            self.cancelling = True
        else:
            self.part, self.stage = part, stage
            self._left.report(part)
        if (self.words, False) != before:  # jobs report far oftener than there is something new to read
            self.changed.emit()

    def _on_end(self, _title: str, _outcome: str) -> None:
        self.title, self.stage, self.cancelling, self.part = "", "", False, None
        self._timer.stop()
        self.changed.emit()
