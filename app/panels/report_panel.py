"""What to take along from a plan; what is still to be checked before stands above it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton, QWidget

from app.model.flow import Flow
from app.widgets.parts import Section, label
from spinect_core.base.versions import NOTICE

FIRST = "Not confirmed yet: {what}. Confirm it under Check: a report is made of what somebody has looked at."
READY = "Level, labels and warnings are confirmed."


class ReportPanel(Section):
    """Buttons for what can be written.

    Args:
        flow: whether all is checked.
    """

    def __init__(self, flow: Flow, parent: QWidget | None = None) -> None:
        super().__init__("Report", parent)
        self._flow = flow
        self.state = label("", "muted", wrap=True)
        self.body.addWidget(self.state)
        self.buttons: dict[str, QToolButton] = {}
        self.notice = label(NOTICE, "notice", wrap=True)
        flow.changed.connect(self._show)
        self._show()

    def set_actions(self, actions: Sequence[tuple[str, QAction]]) -> None:
        """The buttons, in order; the first is what most want."""
        for name, action in actions:
            button = QToolButton()
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(self.sizePolicy().Policy.Expanding, self.sizePolicy().Policy.Fixed)
            button.setProperty("role", "row")
            button.setDefaultAction(action)
            self.body.addWidget(button)
            self.buttons[name] = button
        self.body.addWidget(self.notice)

    def _show(self) -> None:
        left = self._flow.open_checks
        self.state.setText(FIRST.format(what=", ".join(left).lower()) if left else READY)
        self.state.setVisible(bool(left) or self._flow.checked)
