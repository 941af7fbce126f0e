"""Colour, opacity, on and off of bone, nerve and labels; grey values of the slices."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from app.model.appearance import Appearance
from app.model.slice_state import WINDOWS, SliceState
from app.widgets.parts import ColourButton, Section, field_row, give_margin, percent_slider

ROWS = (
    ("bone", "Bone"),
    ("nerve", "Nerve"),
    ("labels", "In slices"),
    ("organs", "Organs"),
    ("organs_3d", "… in 3D"),
    ("skin", "Skin"),
)
OWN_COLOURS = ("labels", "organs", "organs_3d")


class DisplayPanel(Section):
    """How things look."""

    cut_changed = Signal(object)

    def __init__(self, appearance: Appearance, state: SliceState, parent: QWidget | None = None) -> None:
        super().__init__("Display", parent)
        self._appearance, self._state = appearance, state
        self.checks: dict[str, QCheckBox] = {}
        self.sliders: dict[str, QSlider] = {}
        self.colours: dict[str, ColourButton] = {}
        for name, title in ROWS:
            row = QHBoxLayout()
            row.setSpacing(6)
            check = QCheckBox(title)
            check.setFixedWidth(82)
            check.toggled.connect(partial(self._set_visible, name))
            slider = percent_slider(partial(self._set_percent, name))
            slider.setToolTip("Opacity")
            row.addWidget(check)
            row.addWidget(slider, 1)
            self.checks[name], self.sliders[name] = check, slider
            if name not in OWN_COLOURS:
                colour = ColourButton(partial(self._set_colour, name))
                self.colours[name] = colour
                row.addWidget(colour)
            else:
                row.addSpacing(28)
            self.body.addLayout(row)
        self.checks["organs"].setToolTip(
            "Outlines of organs in the slices: found with the labels, or by masks from the File menu"
        )
        self.checks["organs_3d"].setToolTip(
            "Organs in the 3D view; muscles are left out, they would hide all else"
        )
        self.checks["skin"].setToolTip("The skin in the 3D view, once trajectories were looked for")
        self.outlines = QCheckBox("Labels as outlines")
        self.outlines.setToolTip(
            "Draw bone and nerve in the slices as outlines, so that the CT is seen within them"
        )
        self.outlines.toggled.connect(appearance.set_outlines)
        self.body.addWidget(self.outlines)
        self.grey_values = QComboBox()
        self.grey_values.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.grey_values.setMinimumContentsLength(8)
        for title, window in WINDOWS.items():
            self.grey_values.addItem(f"{title}  W {window.width:.0f} L {window.level:.0f}", title)
        self.grey_values.addItem("By hand", "")
        self.grey_values.activated.connect(self._on_window)
        self.grey_values.setToolTip(
            "Grey values of the slices; drag in a slice with the right mouse button to change them"
        )
        self.body.addLayout(field_row("Window", self.grey_values))
        self.cut = QCheckBox("Cut away")
        self.cut.setFixedWidth(82)
        self.cut.setToolTip(
            "Hide what lies farther in front of the cross-hair, such as the ilium in oblique views"
        )
        self.cut_mm = QDoubleSpinBox()
        self.cut_mm.setRange(0, 200)
        self.cut_mm.setDecimals(0)
        self.cut_mm.setValue(20)
        self.cut_mm.setSingleStep(5)
        self.cut_mm.setSuffix(" mm in front")
        self.cut_mm.setMinimumWidth(60)
        give_margin(self.cut_mm)
        self.cut_mm.setEnabled(False)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.cut)
        row.addWidget(self.cut_mm, 1)
        self.body.addLayout(row)
        self.cut.toggled.connect(self._on_cut)
        self.cut_mm.valueChanged.connect(self._on_cut)
        appearance.changed.connect(self._show)
        state.changed.connect(self._show)
        self._show()

    def _set_visible(self, name: str, on: bool) -> None:
        self._appearance.set(name, replace(self._appearance.part(name), visible=on))

    def _set_percent(self, name: str, percent: int) -> None:
        self._appearance.set(name, replace(self._appearance.part(name), opacity=percent / 100))

    def _set_colour(self, name: str, colour: str) -> None:
        self._appearance.set(name, replace(self._appearance.part(name), colour=colour))

    def _on_cut(self) -> None:
        self.cut_mm.setEnabled(self.cut.isChecked())
        self.cut_changed.emit(self.cut_mm.value() if self.cut.isChecked() else None)

    def _on_window(self) -> None:
        title = self.grey_values.currentData()
        if title in WINDOWS:
            self._state.set_window(WINDOWS[title])

    def _show(self) -> None:
        for name, _ in ROWS:
            part = self._appearance.part(name)
            for widget in (self.checks[name], self.sliders[name]):
                widget.blockSignals(True)
            self.checks[name].setChecked(part.visible)
            self.sliders[name].setValue(round(part.opacity * 100))
            self.sliders[name].setEnabled(part.visible)
            for widget in (self.checks[name], self.sliders[name]):
                widget.blockSignals(False)
            if name in self.colours:
                self.colours[name].set_colour(part.colour)
        self.outlines.setChecked(self._appearance.outlines)
        title = next((title for title, window in WINDOWS.items() if window == self._state.window), "")
        self.grey_values.setCurrentIndex(self.grey_values.findData(title))
