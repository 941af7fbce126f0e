"""The tools that correct labels by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QHBoxLayout, QPushButton, QWidget

from app.model.appearance import Appearance
from app.model.case_model import CaseModel
from app.model.correcting import SIZES_MM, STEP_MM, TWO_SLICES, WITH_SIZE, Correcting, Tool
from app.widgets import icons, palette
from app.widgets.parts import ElidedLabel, Label, Section, field_row, give_margin, label
from spinect_core.image.volume import BONE, NERVE

if TYPE_CHECKING:
    from spinect_core.pipeline.rechecking import Rechecked

LEFT, RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
TISSUES = {NERVE: "Nerve", BONE: "Bone"}
TOOLS = {
    Tool.BRUSH: ("Brush", "Paint in any slice (B)"),
    Tool.ERASER: ("Eraser", "Take the chosen label away; the other one stays (E)"),
    Tool.SMOOTH: ("Smooth", "Smooth the border of the label where the brush passes; its volume stays"),
    Tool.FILL: ("Fill", "Click into a hole that the label encloses in this slice"),
    Tool.KEEP: ("Keep piece", "Click a connected piece of the label: all others go"),
    Tool.REMOVE: ("Remove piece", "Click a connected piece of the label: it goes"),
    Tool.TRACE: (
        "Trace a root",
        "Click where a missed root begins and where it ends, in any slices: "
        "the way between follows what is like nerve in the CT",
    ),
}
BETWEEN_TIP = "Fill the slices between the two of one plane that were painted in last"
NO_CT = "Labels can be corrected where they are shown on their CT."
PUT_ASIDE = "Trajectories of the labels before are put aside: find them again, or undo."
ON_THESE = "Their needles on the corrected labels"
DISTANCES = "From the needle's surface to nerve or bone, in mm; in brackets before the labels were corrected"
SURFACES = "The surfaces follow…"


class CorrectPanel(Section):
    """What is painted, and with what.

    Args:
        model: the case.
        correcting: the tools.
        appearance: the colour of nerve.

    Signals:
        find_wanted: find the trajectories again.
    """

    find_wanted = Signal()

    def __init__(
        self, model: CaseModel, correcting: Correcting, appearance: Appearance, parent: QWidget | None = None
    ) -> None:
        super().__init__("Correct labels", parent)
        self._model, self._correcting, self._appearance = model, correcting, appearance
        self.tissues: dict[int, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(6)
        for tissue, name in TISSUES.items():
            button = QPushButton(name)
            button.setCheckable(True)
            button.setAccessibleName(f"Paint {name.lower()}")
            button.setToolTip(f"Paint, erase and trace {name.lower()} (X changes between the two)")
            button.clicked.connect(lambda _on, tissue=tissue: correcting.paint(tissue))
            self.tissues[tissue] = button
            row.addWidget(button, 1)
        self.body.addLayout(row)
        self.tools: dict[Tool, QPushButton] = {}
        grid = QGridLayout()
        grid.setSpacing(6)
        for place, (tool, (name, tip)) in enumerate(TOOLS.items()):
            button = QPushButton(name)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.clicked.connect(lambda on, tool=tool: correcting.choose(tool if on else None))
            self.tools[tool] = button
            grid.addWidget(button, place // 2, place % 2)
        self.between = QPushButton("Between slices")
        self.between.clicked.connect(lambda _on: correcting.interpolate())
        grid.addWidget(self.between, 3, 1)
        self.body.addLayout(grid)
        self.size_mm = QDoubleSpinBox()
        self.size_mm.setRange(*SIZES_MM)
        self.size_mm.setSingleStep(STEP_MM)
        self.size_mm.setDecimals(1)
        self.size_mm.setSuffix(" mm")
        self.size_mm.setAccessibleName("Diameter of the brush")
        self.size_mm.setToolTip("Diameter of the brush ([ and ])")
        give_margin(self.size_mm)
        self.size_mm.valueChanged.connect(correcting.set_size)
        self.ball = QCheckBox("Ball")
        self.ball.setToolTip("Paint into the slices beside as well, and not in the one alone")
        self.ball.toggled.connect(correcting.set_ball)
        self.body.addLayout(field_row("Size", self.size_mm, self.ball))
        self.spare = QCheckBox()
        self.spare.toggled.connect(correcting.set_spare)
        self.body.addWidget(self.spare)
        self.told = label("", "muted", wrap=True)
        self.body.addWidget(self.told)
        self.needles = NeedleRows()
        self.body.addWidget(self.needles)
        self.find_button = QPushButton("Find trajectories again")
        self.find_button.clicked.connect(self.find_wanted)
        self.body.addWidget(self.find_button)
        for signal in (
            correcting.changed,
            model.labels_changed,
            model.surfaces_changed,
            model.planning_changed,
            appearance.changed,
        ):
            signal.connect(self._show)
        self._show()

    def _show(self) -> None:
        correcting, possible = self._correcting, self._correcting.possible
        for tissue, button in self.tissues.items():
            colour = palette.BONE_LABEL if tissue == BONE else self._appearance.part("nerve").colour
            button.setIcon(icons.swatch(QColor(colour).name()))
            button.setChecked(tissue == correcting.tissue)
            button.setEnabled(possible)
        for tool, button in self.tools.items():
            button.setChecked(tool == correcting.tool)
            button.setEnabled(possible and (tool != Tool.TRACE or correcting.tissue == NERVE))
        self.between.setEnabled(possible and correcting.can_interpolate)
        self.between.setToolTip(BETWEEN_TIP if self.between.isEnabled() else TWO_SLICES)
        self.size_mm.blockSignals(True)
        self.size_mm.setValue(correcting.size_mm)
        self.size_mm.blockSignals(False)
        self.size_mm.setEnabled(possible and correcting.tool in (None, *WITH_SIZE))
        self.ball.setChecked(correcting.ball)
        self.ball.setEnabled(possible)
        other = TISSUES[NERVE if correcting.tissue == BONE else BONE].lower()
        self.spare.setText(f"Leave {other} as it is")
        self.spare.setToolTip(f"The brush does not paint over {other}")
        self.spare.setChecked(correcting.spare)
        self.spare.setEnabled(possible)
        told = self._told()
        self.told.setText("\n".join(told))
        self.told.setVisible(bool(told))
        self.find_button.setVisible(PUT_ASIDE in told)
        self.needles.show_needles(correcting.rechecked if PUT_ASIDE in told else ())

    def _told(self) -> list[str]:
        """How far the labels are corrected, and what depends on it."""
        case, words = self._model.case, self._model.corrected
        if not self._correcting.possible:
            return [NO_CT] if case is not None and case.segmentation is not None else []
        if not words:
            return []
        found = [f"{words[:1].upper()}{words[1:]}."]
        if not self._model.surfaces_current:
            found.append(SURFACES)
        if not self._model.planning.searches and self._model.put_aside is not None:
            found.append(PUT_ASIDE)
        return found


class NeedleRows(QWidget):
    """How near needles come to nerve and bone now, and how near they came before; what touches nerve stands out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        self.setToolTip(DISTANCES)
        heads = (label(ON_THESE, "muted", wrap=True), label("Nerve", "muted"), label("Bone", "muted"))
        for column, head in enumerate(heads):
            self._grid.addWidget(head, 0, column, RIGHT if column else LEFT)
        self.rows: list[tuple[ElidedLabel, Label, Label]] = []
        self.hide()

    def show_needles(self, needles: tuple[Rechecked, ...]) -> None:
        """Show these, or nothing."""
        while len(self.rows) < len(needles):
            row = ElidedLabel(), label(""), label("")
            self.rows.append(row)
            for column, each in enumerate(row):
                self._grid.addWidget(each, len(self.rows), column)
                each.setAlignment((RIGHT if column else LEFT) | Qt.AlignmentFlag.AlignVCenter)
        for place, row in enumerate(self.rows):
            for each in row:
                each.setVisible(place < len(needles))
            if place < len(needles):
                self._show(row, needles[place])
        self.setVisible(bool(needles))

    def _show(self, row: tuple[ElidedLabel, Label, Label], needle: Rechecked) -> None:
        name, nerve, bone = row
        name.setText(needle.name)
        name.setToolTip(needle.name)
        for place, now, before in (
            (nerve, needle.nerve_mm, needle.nerve_before_mm),
            (bone, needle.bone_mm, needle.bone_before_mm),
        ):
            place.setText(f"{_mm(now)} ({_mm(before)})")
            role = "notice" if now is not None and now <= 0 else "muted"
            if place.property("role") != role:
                place.setProperty("role", role)
                place.style().polish(place)


def _mm(value: float | None) -> str:
    return "–" if value is None else f"{value:z.1f}".replace("-", "−")
