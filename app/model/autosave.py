"""Unsaved work is kept in a private folder while it is done, and found there after a crash. No widgets here.

Every window that has unsaved work has one file there, a document as saving writes it, named after its process
(:mod:`spinect_core.base.scratch`) and nothing of the case. It goes when the work is saved, given up or closed in order.
What a dead process left is offered by the next window; that of a running one is its own.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, QTimer, Signal

from app.model import libraries, plan_files
from app.model.case_model import CaseModel
from app.model.jobs import Job
from app.model.recent import RecentFiles
from app.model.trajectories import Trajectories
from spinect_core.base import own_folders, scratch
from spinect_core.base.errors import SpinectError
from spinect_core.base.progress import Cancel, Progress

if TYPE_CHECKING:
    from spinect_core.plan.document import Document

APART_MS = 12_000
"""From the first change that is not kept to its writing: with that, what is kept is well under 30 s old."""
ON = "autosave"
_NAME = re.compile(r"(?P<mark>[0-9a-f]{8}-\d{1,10}-\d{1,12})-[0-9a-f]{8}\.spinect")


@dataclass(frozen=True)
class Leftover:
    """Unsaved work of a window that ended unexpectedly.

    Attributes:
        path: where it is kept.
        when: it was written.
        told: what it holds; "" where it cannot be read.
        fault: why not; "" where it can.
    """

    path: Path
    when: datetime
    told: str
    fault: str = ""


class Autosave(QObject):
    """Keeps the unsaved work of one window.

    Args:
        model: the case.
        trajectories: the angle maps that go with it.
        recent: remembers where the CT is, so that what is recovered can bring it back.
        settings: whether to.

    Attributes:
        path: where this window's work is kept.

    Signals:
        said: a sentence for the status bar, where keeping does not work.
    """

    said = Signal(str)

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        recent: RecentFiles,
        settings: QSettings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._trajectories, self._recent = model, trajectories, recent
        self._settings = settings
        self.path = own_folders.recovery_folder() / f"{scratch.mark()}-{secrets.token_hex(4)}.spinect"
        self._job: Job | None = None
        self._changed = self._failed = self._over = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(APART_MS)
        self._timer.timeout.connect(self.write)
        for signal in (
            model.unsaved_changed,
            model.planning_changed,
            model.measurements_changed,
            model.labels_changed,
            model.region_changed,
            model.warnings_changed,
        ):
            signal.connect(self._on_change)

    @property
    def on(self) -> bool:
        """Whether work is kept."""
        return str(self._settings.value(ON, "yes")) == "yes"

    def set_on(self, on: bool) -> None:
        """Keep work from here on, or keep none and delete what is kept of this window."""
        self._settings.setValue(ON, "yes" if on else "no")
        self._on_change()

    def write(self) -> None:
        """Keep the present state, in a thread of its own."""
        self._timer.stop()
        case, measurements, planning = self._model.case, self._model.measurements, self._model.planning
        if case is None or self._job is not None or not self._wanted:
            return
        found, path, shot = self._trajectories.plan, self.path, plan_files.snapshot(case)
        self._changed = False

        def work(_progress: Progress, _cancel: Cancel) -> None:
            keep(plan_files.make_document(shot, measurements, planning, found), path)
            case.facts = case.facts or shot.facts

        self._job = job = Job(work, self)
        job.succeeded.connect(self._on_written)
        job.failed.connect(self._on_failed)
        job.finished.connect(self._on_end)
        job.start()

    def adopt(self, leftover: Path) -> None:
        """Take over the file of a dead process whose work is open in this window: another one is not offered it."""
        self._wait()
        with contextlib.suppress(OSError):  # it is written again soon
            leftover.replace(self.path)

    def finish(self, forget: bool = True) -> None:
        """Keep nothing more: the window closes.

        Args:
            forget: delete what is kept. Where nobody could be asked, the present state is kept for the next start.
        """
        self._wait()
        if forget:
            self._over = True
            self._remove()
        elif self._changed:
            self.write()
            self._wait()
        self._over = True
        self._timer.stop()

    # ------------------------------------------------------------------------------------------------------ slots

    @property
    def _wanted(self) -> bool:
        return self.on and bool(self._model.unsaved)

    def _on_change(self) -> None:
        if self._over:
            return
        if not self._wanted:
            self._timer.stop()
            self._changed = False
            if self._job is None:  # else when it has been written
                self._remove()
            return
        self._changed = True
        if self._job is None and not self._timer.isActive():
            self._timer.start()

    def _on_written(self) -> None:
        self._failed = False
        case = self._model.case
        if case is not None and case.facts is not None and case.volume is not None:
            self._recent.remember_ct(case.facts.sha256, case.source)

    def _on_failed(self, error: SpinectError) -> None:
        if not self._failed:  # once, and not every few seconds
            self.said.emit(f"Unsaved work is not kept for a crash: {error.fault}. Save the plan yourself.")
        self._failed = True

    def _on_end(self) -> None:
        if self._job is None or self._job.isRunning():
            return
        self._job.deleteLater()
        self._job = None
        if not self._wanted:
            self._remove()
        elif self._changed:
            self._timer.start()

    def _wait(self) -> None:
        if self._job is not None:
            self._job.wait()
            self._on_end()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


class Leftovers(QObject):
    """What windows that ended unexpectedly have left.

    Attributes:
        found: the latest first; nothing before :meth:`look` has come to its end.

    Signals:
        changed: others.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.found: tuple[Leftover, ...] = ()
        self._job: Job | None = None
        self._seen: list[Leftover] = []

    def look(self) -> None:
        """Look for them, in a thread."""
        if self._job is None:
            self._job = Job(lambda _progress, _cancel: self._seen.extend(leftovers()), self)
            self._job.finished.connect(self._on_looked)
            self._job.start()

    def delete(self, path: Path) -> None:
        """Delete one for good."""
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        self.forget(path)

    def delete_all(self) -> None:
        """Delete all of them for good."""
        for each in self.found:
            self.delete(each.path)

    def forget(self, path: Path) -> None:
        """Offer one no more."""
        self._take(tuple(each for each in self.found if each.path != path))

    def finish(self) -> None:
        """Wait for the look; called when the window closes."""
        if self._job is not None:
            self._job.wait()

    def _on_looked(self) -> None:
        if self._job is not None:
            self._job.deleteLater()
            self._job = None
        seen, self._seen = tuple(self._seen), []
        self._take(seen)

    def _take(self, found: tuple[Leftover, ...]) -> None:
        if found != self.found:
            self.found = found
            self.changed.emit()


def keep(document: Document, path: Path) -> None:
    """Write a document into the private folder.

    Raises:
        SpinectError: it cannot be written.
    """
    from spinect_core.plan.document import write_document

    try:
        own_folders.make_private(path.parent)
    except OSError as error:
        raise SpinectError(
            f"The private folder cannot be made ({error.strerror or error})", "Make room for it", path.parent
        ) from error
    write_document(document, path)


def leftovers() -> list[Leftover]:
    """What dead processes have left in the private folder, the latest first; their unfinished files are removed."""
    folder = own_folders.recovery_folder()
    scratch.sweep(folder)
    found = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            name = _NAME.fullmatch(path.name)
            if name is not None and scratch.abandoned(path, name["mark"]):
                found.append(_described(path))
    return sorted(found, key=lambda each: each.when, reverse=True)


def _described(path: Path) -> Leftover:
    libraries.load()
    from spinect_core.plan.document import read_document

    when = datetime.fromtimestamp(path.stat().st_mtime)
    try:
        document = read_document(path)
    except SpinectError as error:
        return Leftover(path, when, "", error.fault)
    plan = document.plan
    shape = " × ".join(str(count) for count in plan.case.shape[::-1])
    parts = ["bone and nerve"] if document.labels is not None else []
    for count, one, many in (
        (len(plan.triangles), "triangle", "triangles"),
        (len(plan.figures), "other measurement", "other measurements"),
        (len(plan.planning.needles), "needle", "needles"),
    ):
        parts += [f"{count} {one if count == 1 else many}"] if count else []
    return Leftover(path, when, f"CT of {shape}: {', '.join(parts) or 'its region'}")


def when_words(leftover: Leftover) -> str:
    """When it was kept, such as ``today, 14:32``."""
    days = (datetime.now().date() - leftover.when.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{leftover.when:%Y-%m-%d}")
    return f"{day}, {leftover.when:%H:%M}"
