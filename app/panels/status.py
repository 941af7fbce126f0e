"""The status bar: what is going on, how far it is, on which device, what went wrong, and the notice."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QPushButton, QStatusBar, QWidget

from app.model.jobs import JobRunner
from app.model.ongoing import Ongoing
from app.widgets import theme
from app.widgets.parts import ElidedLabel, ProgressBar, label
from spinect_core.base.errors import SpinectError
from spinect_core.base.versions import NOTICE
from spinect_core.image.warning import RESERVED, ReadingWarning, any_grave, warning_lines


class StatusBar(QStatusBar):
    """Listens to the jobs."""

    def __init__(self, jobs: JobRunner, ongoing: Ongoing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._jobs, self._ongoing = jobs, ongoing
        self.text = ElidedLabel("Ready")
        self.text.setContentsMargins(10, 0, 0, 0)
        self.bar = ProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setFixedWidth(240)
        self.bar.setTextVisible(False)
        self.cancel = QPushButton("Cancel")
        self.cancel.setStyleSheet("padding: 1px 10px;")
        self.cancel.clicked.connect(jobs.cancel)
        self.device = label("", "muted")
        self.reserved = label(RESERVED, "warning")
        self.reserved.hide()
        self.notice = label(NOTICE, "notice")
        self.addWidget(self.text, 1)
        for widget in (self.bar, self.cancel, self.device, self.reserved, self.notice):
            self.addPermanentWidget(widget)
        jobs.started.connect(self._on_start)
        ongoing.changed.connect(self._on_progress)
        jobs.ended.connect(self._on_end)
        self._idle()

    def say(self, text: str, more: str = "", *, failed: bool = False) -> None:
        """Show a message until the next one; ``more`` is for the tool tip."""
        theme.mark(self.text, "error" if failed else "")
        self.text.setText(text)
        self.text.setToolTip(more or text)

    def say_error(self, error: SpinectError) -> None:
        """Show what went wrong."""
        self.say(" ".join(str(error).split()), failed=True)

    def show_warnings(self, warnings: Iterable[ReadingWarning]) -> None:
        """Mark the plan by what reading noticed about its CT; without anything grave there is no mark."""
        every = tuple(warnings)
        self.reserved.setVisible(any_grave(every))
        self.reserved.setToolTip("\n".join(warning_lines(every)))

    def _idle(self) -> None:
        self.bar.hide()
        self.cancel.hide()

    def _on_start(self, title: str) -> None:
        self.say(f"{title} …")
        self.bar.show_part(None)
        self.bar.show()
        self.cancel.setEnabled(True)
        self.cancel.show()

    def _on_progress(self) -> None:
        ongoing = self._ongoing
        if not ongoing.title or (ongoing.part is None and not ongoing.cancelling):
            return
        self.cancel.setEnabled(not ongoing.cancelling)
        if ongoing.part is not None:
            self.bar.show_part(ongoing.part)
        self.say(f"{ongoing.title}: {ongoing.words}")

    def _on_end(self, title: str, outcome: str) -> None:
        self._idle()
        self.say(
            {"done": f"{title}: done", "cancelled": f"{title}: cancelled", "failed": f"{title}: failed"}[
                outcome
            ]
        )
