"""The line of sight: typed angles, the usual views."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from app.model.case_model import CaseModel
from app.widgets.parts import Section, SidedSpinBox, field_row
from spinect_core.geometry.view import PRESETS, View

SHORT = {
    "from behind": ("From behind", 0, 0, 2),
    "left lateral": ("Left lateral", 1, 0, 1),
    "right lateral": ("Right lateral", 1, 1, 1),
    "left oblique 30°": ("Left 30°", 2, 0, 1),
    "right oblique 30°": ("Right 30°", 2, 1, 1),
    "from the feet": ("From the feet", 3, 0, 2),
}


class ViewPanel(Section):
    """Where one looks from."""

    def __init__(self, model: CaseModel, parent: QWidget | None = None) -> None:
        super().__init__("Line of sight", parent)
        self._model = model
        self.oblique = SidedSpinBox("left", "right", 180.0)
        self.oblique.setToolTip("Rotation about the patient's long axis, for example “27 left”")
        self.tilt = SidedSpinBox("cranial", "caudal", 90.0)
        self.tilt.setToolTip("Tilt towards the head or the feet, for example “12 caudal”")
        self.body.addLayout(field_row("Oblique", self.oblique))
        self.body.addLayout(field_row("Tilt", self.tilt))
        self.oblique.valueChanged.connect(self._typed)
        self.tilt.valueChanged.connect(self._typed)
        grid = QGridLayout()
        grid.setSpacing(6)
        self.presets: dict[str, QPushButton] = {}
        for name, (text, row, column, span) in SHORT.items():
            button = QPushButton(text)
            button.clicked.connect(lambda _=False, name=name: model.set_view(PRESETS[name]))
            grid.addWidget(button, row, column, 1, span)
            self.presets[name] = button
        self.body.addLayout(grid)
        model.view_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        for box, value in ((self.oblique, self._model.view.azimuth), (self.tilt, self._model.view.elevation)):
            if not box.hasFocus() or round(box.value(), 1) != round(value, 1):
                box.blockSignals(True)
                box.setValue(value)
                box.blockSignals(False)

    def _typed(self) -> None:
        self._model.set_view(View(self.oblique.value(), self.tilt.value()))
