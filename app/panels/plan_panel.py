"""What is planned under which rules, and the button that finds the trajectories again."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QMenu, QPushButton, QToolButton, QWidget

from app.model.case_model import CaseModel
from app.model.planning_options import PlanningOptions
from app.model.trajectories import Trajectories
from app.panels.rules_box import GUIDANCES
from app.widgets.parts import Section, field_row, label
from spinect_core.base.words import Guidance
from spinect_core.plan.wording import light_text

NONE_YET = "No trajectories yet."
AGAIN = "Found by other rules: find the trajectories again."


class PlanPanel(Section):
    """Guidance, level and rules, and in short what stands in the chosen row of the table.

    Args:
        model: the case.
        trajectories: of it.
        options: what needles are placed under, and which limits hold.
        level_menu: to choose level, shift and count.

    Signals:
        find_wanted: find the trajectories.
        rules_wanted: show the rules.
        on_wanted: go on to the report.
    """

    find_wanted = Signal()
    rules_wanted = Signal()
    on_wanted = Signal()

    def __init__(
        self,
        model: CaseModel,
        trajectories: Trajectories,
        options: PlanningOptions,
        level_menu: QMenu,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Plan", parent)
        self._model, self._trajectories, self._options = model, trajectories, options
        self.guidance = QComboBox()
        for word, text in GUIDANCES.items():
            self.guidance.addItem(text, word.value)
        self.guidance.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.guidance.setMinimumContentsLength(8)
        self.guidance.setToolTip("What the needle is placed under: it decides which views count as ordinary")
        self.guidance.activated.connect(self._on_guidance)
        self.body.addLayout(field_row("Guidance", self.guidance))
        self.level = QToolButton()
        self.level.setMenu(level_menu)
        self.level.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.rules = QPushButton("Rules…")
        self.rules.clicked.connect(self.rules_wanted)
        self.body.addLayout(field_row("Level", self.level, self.rules))
        self.chosen = label("", "title", wrap=True)
        self.told = label("", "muted", wrap=True)
        self.body.addWidget(self.chosen)
        self.body.addWidget(self.told)
        self.find_button = QPushButton("Find trajectories")
        self.find_button.clicked.connect(self.find_wanted)
        self.body.addWidget(self.find_button)
        self.on = QPushButton("On to the report")
        self.on.setProperty("role", "primary")
        self.on.clicked.connect(self.on_wanted)
        self.body.addWidget(self.on)
        for signal in (
            trajectories.changed,
            trajectories.chosen_changed,
            options.changed,
            model.planning_changed,
        ):
            signal.connect(self._show)
        self._show()

    def _on_guidance(self) -> None:
        limits = {each.rule: each.value for each in self._options.rules if each.editable}
        self._options.choose(Guidance(self.guidance.currentData()), limits)

    def _show(self) -> None:
        planning, current = self._model.planning, self._trajectories.current
        self.guidance.setCurrentIndex(self.guidance.findData(self._options.guidance.value))
        self.level.setText(f"{'L5/S1' if planning.level is None else planning.level.name} ▾")
        case = self._model.case
        self.find_button.setEnabled(case is not None and case.surfaces is not None)
        self.find_button.setText("Find again" if planning.searches else "Find trajectories")
        other = not self._options.made(planning)
        self.chosen.setText("" if current is None else current.called)
        lines = []
        if current is not None:
            lines += [
                current.blocked_text or ("" if current.view is None else current.view.words),
                current.needle_text,
            ]
            lines += [] if current.light is None else [f"Light {light_text(current.light)}"]
            lines += [current.withheld_text]
        elif not planning.searches:
            lines += [NONE_YET]
        lines += [AGAIN] if other else []
        self.told.setText("\n".join(each for each in lines if each))
        self.on.setEnabled(bool(planning.searches))
