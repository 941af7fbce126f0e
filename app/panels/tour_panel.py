"""The guided tour at the top of the left column: what to do in this step, and whether it was done."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.model.tour import STOPS, Tour
from app.widgets import palette
from app.widgets.parts import Label, label


class TourPanel(QFrame):
    """Shows a tour while somebody takes it.

    Args:
        tour: that is shown.
    """

    def __init__(self, tour: Tour, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tour = tour
        self.setProperty("role", "section")
        self.count, self.mark = label("", "heading"), label("")
        self.title, self.text = label("", "title", wrap=True), Label("", wrap=True)
        self.back, self.next, self.leave = QPushButton("Back"), QPushButton("Skip"), QPushButton("Leave")
        self.back.clicked.connect(tour.back)
        self.next.clicked.connect(tour.next)
        self.leave.clicked.connect(tour.leave)
        self.leave.setToolTip("Leave the tour; Teach, Guided tour goes on at this step")
        head, buttons = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.count)
        head.addStretch(1)
        head.addWidget(self.mark)
        for button in (self.leave, self.back, self.next):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 13)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addLayout(buttons)
        tour.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the step as it is now."""
        tour, stop = self._tour, self._tour.stop
        self.setVisible(stop is not None)
        if stop is None or tour.number is None:
            return
        last = tour.number + 1 == len(STOPS)
        self.count.setText(f"TOUR, {tour.number + 1} OF {len(STOPS)}")
        self.title.setText(stop.title)
        self.text.setText(stop.text)
        self.mark.setText("✓ done" if tour.done else "")
        self.mark.setStyleSheet(f"color: {palette.room().good};")
        self.back.setEnabled(tour.number > 0)
        self.next.setText(("Finish" if last else "Next") if tour.done else "Skip")
        self.next.setProperty("role", "primary" if tour.done else "")
        self.next.style().unpolish(self.next)
        self.next.style().polish(self.next)
