"""The table of the measurements and the tools that make them."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
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

from app.model.case_model import CaseModel, Measurement
from app.widgets import theme
from spinect_core.geometry.triangle import KIND_NAMES, KINDS

COLUMNS = ("Name", "Kind", "Side", "Line of sight", "Area", "Edges")
SHORT_NAMES = {kind: KIND_NAMES[kind].split()[0].capitalize() for kind in KINDS}
Index = QModelIndex | QPersistentModelIndex


class MeasurementTable(QAbstractTableModel):
    """The model's measurements as rows."""

    def __init__(self, model: CaseModel) -> None:
        super().__init__(model)
        self._model = model
        model.measurements_changed.connect(self._on_change)

    def _on_change(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Measurements."""
        return 0 if parent.isValid() else len(self._model.measurements)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Facts of each."""
        return len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Titles."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and COLUMNS[section] not in ("Area",):
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Texts, colours, tips."""
        if not index.isValid() or index.row() >= len(self._model.measurements):
            return None
        measurement = self._model.measurements[index.row()]
        triangle = measurement.triangle
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return (
                measurement.name,
                SHORT_NAMES[triangle.kind],
                triangle.side.capitalize(),
                triangle.view.format(1),
                f"{triangle.area_mm2:.1f} mm²",
                " · ".join(f"{edge:.1f}" for edge in triangle.edges_mm) + " mm",
            )[index.column()]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return theme.swatch(theme.KIND_COLOURS[triangle.kind])
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 4:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            angles = " · ".join(f"{angle:.0f}°" for angle in triangle.angles_deg)
            return f"{triangle.definition}\nAngles {angles}\nPlaced by: {triangle.author}, {triangle.created}"
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The name can be edited."""
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == 0 else flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Rename."""
        if role != Qt.ItemDataRole.EditRole or index.column() != 0:
            return False
        key = self._model.measurements[index.row()].key
        # after the editor has closed: renaming resets the rows under it
        QTimer.singleShot(0, lambda: self._model.rename(key, str(value)))
        return True


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
            button.setIcon(theme.icon("triangle", theme.KIND_COLOURS[kind]))
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
        self.rows = MeasurementTable(model)
        self.table.setModel(self.rows)
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
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.clicked.connect(self._on_click)
        self.table.doubleClicked.connect(
            lambda index: self.table.edit(index) if index.column() == 0 else None
        )
        column.addWidget(self.table, 1)
        model.selection_changed.connect(self._show)
        model.measurements_changed.connect(self._show)
        self._show()

    def set_drawing(self, kind: str) -> None:
        """Show which tool is in hand ("" for none)."""
        for name, button in self.tools.items():
            button.setChecked(name == kind)

    def rename_selected(self) -> None:
        """Edit the name of the selected row."""
        row = self._row(self._model.find(self._model.selected))
        if row is not None:
            self.table.setFocus()
            self.table.edit(self.rows.index(row, 0))

    def delete_selected(self) -> None:
        """Remove the selected row."""
        if self._model.selected is not None:
            self._model.remove(self._model.selected)

    def _on_click(self, index: QModelIndex) -> None:
        measurement = self._model.measurements[index.row()]
        self._model.select(measurement.key)
        self._model.set_cursor(measurement.triangle.centroid)
        self._model.set_view(measurement.triangle.view)

    def _retype(self) -> None:
        from dataclasses import replace

        selected = self._model.find(self._model.selected)
        if selected is None:
            return
        kind, side = str(self.kind.currentData()), str(self.side.currentData())
        triangle = selected.triangle
        if (kind, side) != (triangle.kind, triangle.side):
            definition = triangle.definition if kind == triangle.kind else ""
            self._model.change(
                selected.key,
                replace(triangle, kind=kind, side=side, definition=definition),
                "change kind or side",
            )

    def _row(self, measurement: Measurement | None) -> int | None:
        if measurement is None:
            return None
        return next(
            (row for row, each in enumerate(self._model.measurements) if each.key == measurement.key), None
        )

    def _show(self) -> None:
        selected = self._model.find(self._model.selected)
        row = self._row(selected)
        if row is None:
            self.table.clearSelection()
        else:
            self.table.selectRow(row)
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
    button.setIcon(theme.icon(icon))
    button.setToolTip(tip)
    return button
