"""How far the running job is, shown where one waits for it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.model.ongoing import Ongoing
from app.widgets.parts import ElidedLabel, ProgressBar


class ProgressCard(QFrame):
    """Title, bar, stage, percent and time left of the running job, and a button that stops it; else hidden.

    Args:
        ongoing: the running job.
        wanted: whether the job is waited for here.
        can_cancel: whether there is a button; False where another one beside it stops the job.
        low: whether all is on one line, where the panel is wide and has no height to spare.
    """

    def __init__(
        self,
        ongoing: Ongoing,
        wanted: Callable[[Ongoing], bool],
        *,
        can_cancel: bool = True,
        low: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._ongoing, self._wanted = ongoing, wanted
        self.setProperty("role", "progress")
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 2 if low else 8, 10, 2 if low else 8)
        column.setSpacing(5)
        self.title, self.how_far, self.stage = ElidedLabel(), ElidedLabel(), ElidedLabel()
        self.title.setProperty("role", "title")
        self.stage.setProperty("role", "muted")
        self.bar = ProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(10)
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(ongoing.cancel)
        self.cancel.setVisible(can_cancel)
        row = QHBoxLayout()
        row.addWidget(self.title, 1)
        if low:
            row.setSpacing(12)
            row.addWidget(self.bar, 1)
            row.addWidget(self.how_far, 1)
            row.addWidget(self.stage, 1)
        row.addWidget(self.cancel)
        column.addLayout(row)
        if not low:
            column.addWidget(self.bar)
            column.addWidget(self.how_far)
            column.addWidget(self.stage)
        ongoing.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the job as it is now."""
        ongoing = self._ongoing
        shown = bool(ongoing.title) and self._wanted(ongoing)
        self.setVisible(shown)
        if not shown:
            return
        self.title.setText(ongoing.title)
        self.how_far.setText(ongoing.how_far or "starting …")
        self.stage.setText(ongoing.stage)
        self.stage.setToolTip(ongoing.stage)
        self.cancel.setEnabled(not ongoing.cancelling)
        self.bar.show_part(None if ongoing.cancelling else ongoing.part)
