"""The steps from a CT to a report, with their states: a click shows what belongs to one."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from app.model.flow import Flow, Step, StepState
from app.widgets import theme
from app.widgets.parts import label

MARKS = {
    StepState.WAITING: "○",
    StepState.NEXT: "○",
    StepState.RUNNING: "…",
    StepState.DONE: "✓",
    StepState.ATTENTION: "!",
}
LOOKS = {
    StepState.WAITING: "waiting",
    StepState.NEXT: "next",
    StepState.RUNNING: "running",
    StepState.DONE: "done",
    StepState.ATTENTION: "attention",
}
"""Their states in the style sheet."""
TIPS = {
    Step.CT: "Open a CT; what is known of it, and the region to segment",
    Step.SEGMENT: "Label bone and nerve in the region",
    Step.CHECK: "Confirm level, labels and warnings",
    Step.PLAN: "Choose a trajectory among those that were found",
    Step.REPORT: "What to take along: report, plan and pictures",
}


class StepBar(QFrame):
    """One button for each step.

    Args:
        flow: where the case stands.
    """

    def __init__(self, flow: Flow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = flow
        self.setAccessibleName("Steps")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.buttons: dict[Step, QToolButton] = {}
        for step in Step:
            if self.buttons:
                row.addWidget(label("\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", "muted"))
            button = QToolButton()
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(partial(self._on_button, step))
            row.addWidget(button)
            self.buttons[step] = button
        flow.changed.connect(self._show)
        self._show()

    def _on_button(self, step: Step) -> None:
        self._flow.go(step)
        self._show()  # the button of the step that is shown stays pressed

    def _show(self) -> None:
        for step, button in self.buttons.items():
            state = self._flow.state(step)
            button.setText(f"{MARKS[state]} {step.value}")
            button.setChecked(step == self._flow.step)
            theme.mark(button, LOOKS[state])
            button.setToolTip(f"{TIPS[step]}: {state.value}")
            button.setAccessibleName(f"{step.value}: {state.value}")
