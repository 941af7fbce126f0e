"""What CT is open, and the region of it to segment."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QPushButton, QSizePolicy, QWidget

from app.model.case import organs_missing
from app.model.case_model import CaseModel
from app.model.ongoing import Ongoing
from app.model.slice_state import SliceState
from app.panels.progress import ProgressCard
from app.widgets import plain
from app.widgets.parts import Section, give_margin, label
from spinect_core.image.warning import organ_warning_lines, warning_lines
from spinect_core.plan.way_wording import organ_list

AXES = (("Right – left", 0), ("Front – back", 1), ("Feet – head", 2))
SMALLEST_MM = 32.0
ABSENT = "The CT of this plan is not open. Open it; it is known by its content."
PLANNED_WITH = (
    "Planned with organs that are not known now. The network finds its own again before trajectories are looked for "
    "anew; masks have to be loaded again, or removed to plan without"
)


class CasePanel(Section):
    """Facts of the CT, and the button that does everything up to the check.

    Signals:
        plan_wanted: segment it and find its trajectories.
    """

    plan_wanted = Signal()

    def __init__(self, model: CaseModel, ongoing: Ongoing, parent: QWidget | None = None) -> None:
        super().__init__("CT", parent)
        self._model = model
        self._name = label("No CT open", "title", wrap=True)
        self._facts = label("", "muted", wrap=True)
        self.warnings = label("", "notice", wrap=True)
        for widget in (self._name, self._facts, self.warnings):
            self.body.addWidget(widget)
        self.warnings.hide()
        self.plan = QPushButton("Plan this CT")
        self.plan.setProperty("role", "primary")
        self.plan.setToolTip(
            "Segment it and find its trajectories; then level, labels and warnings are yours to check"
        )
        self.plan.clicked.connect(self.plan_wanted)
        self.body.addWidget(self.plan)
        self.plan.hide()
        self.progress = ProgressCard(ongoing, lambda job: job.opens and model.case is not None)
        self.body.addWidget(self.progress)
        self._ongoing = ongoing
        ongoing.changed.connect(self._show_button)
        model.region_changed.connect(self._show_button)
        model.case_opened.connect(self._show)
        model.warnings_changed.connect(self._show)
        model.organs_changed.connect(self._show)
        model.planning_changed.connect(self._show)

    def _show_button(self) -> None:
        case = self._model.case
        self.plan.setVisible(case is not None and case.volume is not None)
        self.plan.setEnabled(case is not None and case.region is not None and not self._ongoing.title)

    def _show(self) -> None:
        self._show_button()
        case = self._model.case
        if case is None:
            return
        geometry = case.ct_geometry
        absent = f"{ABSENT}\n{case.missed}".strip()
        details = {} if case.volume is None else case.volume.details
        self._name.setText(plain.line(case.name))
        self._name.setToolTip(str(case.source))
        shape = " × ".join(str(n) for n in geometry.shape[::-1])
        spacing = " × ".join(f"{s:.3g}" for s in geometry.spacing)
        facts = [f"{shape} voxels of {spacing} mm"]
        kernel = details.get("kernel")
        if kernel:
            facts.append(f"Kernel {kernel}")
        organs = case.organs
        if organs is not None:
            facts.append(f"Organs by {organs.source}: {organ_list(organs.found) or 'none found'}")
        elif organs_missing(case, self._model.planning):
            facts.append(PLANNED_WITH)
        self._facts.setText("\n".join(facts))
        lines = [absent] if case.volume is None else []
        lines += warning_lines(case.warnings)
        lines += () if organs is None else organ_warning_lines(organs.warnings)
        self.warnings.setText("\n".join(lines))
        self.warnings.setVisible(bool(lines))


class RegionPanel(Section):
    """Six borders of the region to segment, in patient millimetres."""

    def __init__(self, model: CaseModel, state: SliceState, parent: QWidget | None = None) -> None:
        super().__init__("Region to segment", parent)
        self._model = model
        self._shown = QCheckBox("Show in the slices")
        self._shown.toggled.connect(state.set_show_region)
        self.body.addWidget(self._shown)
        self._note = label("", "muted", wrap=True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(5)
        self.boxes: dict[tuple[int, int], QDoubleSpinBox] = {}
        for row, (name, axis) in enumerate(AXES):
            grid.addWidget(label(name, "muted"), row, 0)
            for end in (0, 1):
                box = QDoubleSpinBox()
                box.setRange(-9999, 9999)
                box.setDecimals(0)
                box.setSuffix(" mm")
                box.setKeyboardTracking(False)
                box.setSingleStep(5)
                box.setMinimumWidth(60)
                box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
                give_margin(box)
                box.valueChanged.connect(self._edited)
                box.setToolTip("LPS millimetres: left, back and head are positive")
                grid.addWidget(box, row, 1 + end)
                self.boxes[axis, end] = box
        self.body.addLayout(grid)
        self.here = QPushButton("Region about the cross-hair")
        self.here.setToolTip(
            "With the cross-hair on the L5/S1 disc: the usual region, with the disc in its middle"
        )
        self.here.clicked.connect(self._put_here)
        self.body.addWidget(self.here)
        self.body.addWidget(self._note)
        self.setEnabled(False)
        model.case_opened.connect(self._show)
        model.region_changed.connect(self._show)

    def _show(self) -> None:
        case = self._model.case
        region = case.region if case is not None else None
        self.setEnabled(region is not None and case is not None and case.volume is not None)
        if region is None:
            self._note.setText("No lumbosacral region was recognised in this CT.")
            return
        for (axis, end), box in self.boxes.items():
            box.blockSignals(True)
            box.setValue((region.minimum, region.maximum)[end][axis])
            box.blockSignals(False)
        size = " × ".join(f"{s:.0f}" for s in region.size)
        self._note.setText(f"{size} mm" + (f" – {region.note}" if region.note else ""))

    def _put_here(self) -> None:
        from spinect_core.preprocessing.find_region import region_about

        self._model.set_region(region_about(self._model.cursor, "set by hand"))

    def _edited(self) -> None:
        from spinect_core.preprocessing import Region

        region = self._model.case.region if self._model.case else None
        if region is None:
            return
        low, high = (np.array([self.boxes[axis, end].value() for axis in range(3)]) for end in (0, 1))
        high = np.maximum(high, low + SMALLEST_MM)
        self._model.set_region(Region(tuple(low), tuple(high), note="set by hand"))
