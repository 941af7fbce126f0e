"""The table of the measurements and the tools that make them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.model.case_model import CaseModel
from app.model.measurement_table import NAME, SHORT_NAMES, MeasurementTable
from app.model.rows import KEY_ROLE, Sorted
from app.widgets import icons, palette
from app.widgets.parts import OwnColours, in_own_order
from spinect_core.base.words import KINDS, Kind, Side
from spinect_core.geometry.triangle import KIND_NAMES


class MeasurementsPanel(QFrame):
    """Tools and table."""

    draw_wanted = Signal(str)

    def __init__(self, model: CaseModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        self._model = model
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 6, 8, 6)
        bar.setSpacing(6)
        self.draw_buttons = QButtonGroup(self)
        self.draw_buttons.setExclusive(False)
        self.tools: dict[str, QToolButton] = {}
        for kind in KINDS:
            button = QToolButton()
            button.setCheckable(True)
            button.setText(f" {SHORT_NAMES[kind]}")
            icons.dress(button, "triangle", palette.KIND_COLOURS[kind])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setToolTip(
                f"Draw a {KIND_NAMES[kind]}: three clicks in the 3D view; drag the corners afterwards"
            )
            button.clicked.connect(lambda checked, kind=kind: self.draw_wanted.emit(kind if checked else ""))
            self.tools[kind] = button
            bar.addWidget(button)
        bar.addSpacing(8)
        self.kind, self.side, self.depth_from = QComboBox(), QComboBox(), QComboBox()
        for kind in KINDS:
            self.kind.addItem(SHORT_NAMES[kind], kind)
        for value, text in (("left", "Left"), ("right", "Right")):
            self.side.addItem(text, value)
        for value, text in (("surface", "At the surface"), ("cross-hair", "At the cross-hair")):
            self.depth_from.addItem(text, value)
        self.depth_from.setToolTip(
            "Where a new triangle lies along the line of sight. Its area does not depend on it."
        )
        self.kind.setToolTip("Kind of the selected triangle")
        self.side.setToolTip("Side of the selected triangle")
        self.kind.activated.connect(self._retype)
        self.side.activated.connect(self._retype)
        bar.addStretch(1)
        for box in (self.depth_from, self.kind, self.side):
            bar.addWidget(box)
        self.rename_button = _tool("rename", "Rename the selected measurement")
        self.delete_button = _tool("delete", "Delete the selected measurement")
        self.rename_button.clicked.connect(self.rename_selected)
        self.delete_button.clicked.connect(self.delete_selected)
        bar.addWidget(self.rename_button)
        bar.addWidget(self.delete_button)
        column.addLayout(bar)
        self.table = QTableView()
        self.rows = MeasurementTable(self)
        self.rows.renamed.connect(self._rename)
        self.sorted = Sorted(self.rows, self)
        self.table.setModel(self.sorted)
        self.table.setItemDelegate(OwnColours(self.table))
        in_own_order(self.table)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(27)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)  # the edges may be cut before a name may
        self.table.clicked.connect(self._on_click)
        self.table.doubleClicked.connect(
            lambda index: self.table.edit(index) if index.column() == NAME else None
        )
        column.addWidget(self.table, 1)
        model.selection_changed.connect(self._show)
        model.measurements_changed.connect(self._show_rows)
        model.planning_changed.connect(self._show_rows)
        self._show()

    def set_drawing(self, kind: str) -> None:
        """Show which tool is in hand ("" for none)."""
        for name, button in self.tools.items():
            button.setChecked(name == kind)

    def rename_selected(self) -> None:
        """Edit the name of the selected row."""
        index = self._selected
        if index.isValid():
            self.table.setFocus()
            self.table.edit(index)

    def delete_selected(self) -> None:
        """Remove the selected row."""
        if self._model.selected is not None:
            self._model.remove(self._model.selected)

    def _on_click(self, index: QModelIndex) -> None:
        measurement = self._model.find(index.data(KEY_ROLE))
        if measurement is None:
            return
        self._model.select(measurement.key)
        self._model.set_cursor(measurement.triangle.centroid)
        self._model.set_view(measurement.triangle.view)

    def _retype(self) -> None:
        selected = self._model.find(self._model.selected)
        if selected is None:
            return
        kind, side = Kind(self.kind.currentData()), Side(self.side.currentData())
        triangle = selected.triangle
        if (kind, side) != (triangle.kind, triangle.side):
            definition = triangle.definition if kind == triangle.kind else ""
            self._model.change(
                selected.key,
                replace(triangle, kind=kind, side=side, definition=definition),
                "change kind or side",
            )

    def _rename(self, key: int, name: str) -> None:
        # after the editor has closed: renaming resets the rows under it
        QTimer.singleShot(0, self, lambda: self._model.rename(key, name))

    @property
    def _selected(self) -> QModelIndex:
        """The name of the selected measurement in the view, an invalid index without one."""
        return self.sorted.at(self.rows.row_of(self._model.selected), NAME)

    def _show_rows(self) -> None:
        self.rows.hold(self._model.planning)
        self.rows.show(self._model.measurements)
        self._show()

    def _show(self) -> None:
        selected, index = self._model.find(self._model.selected), self._selected
        if index.isValid():
            self.table.selectRow(index.row())
        else:
            self.table.clearSelection()
        for widget in (self.kind, self.side, self.rename_button, self.delete_button):
            widget.setEnabled(selected is not None)
        if selected is not None:
            self.kind.setCurrentIndex(self.kind.findData(selected.triangle.kind))
            self.side.setCurrentIndex(self.side.findData(selected.triangle.side))
        ready = self._model.case is not None
        for button in self.tools.values():
            button.setEnabled(ready)


def _tool(icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    icons.dress(button, icon)
    button.setToolTip(tip)
    return button
