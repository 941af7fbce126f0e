"""The table of the measurements and the tools that make them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.model.case_model import CaseModel
from app.model.measurement_table import NAME, REPEATED, SHORT_NAMES, MeasurementTable
from app.model.measuring import CROSS_HAIR, SURFACE, Measuring
from app.model.repeating import Repeating
from app.model.rows import KEY_ROLE, Sorted
from app.widgets import icons, palette
from app.widgets.menus import add_entry
from app.widgets.parts import ElidedLabel, OwnColours, in_own_order
from spinect_core.base.errors import UsageError
from spinect_core.base.words import KINDS, FigureKind, Kind, Side
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.triangle import KIND_NAMES, Triangle
from spinect_core.plan.repeats import FEWEST_REPEATS, MOST_REPEATS

FIGURES = {
    FigureKind.DISTANCE: "Measure a distance: two clicks in the 3D view, as seen there, or in a slice",
    FigureKind.ANGLE: "Measure an angle: three clicks, the second on its apex, in the 3D view or in a slice",
    FigureKind.POLYGON: "Measure an area: click its corners in the 3D view or in a slice, then the first one again",
}


class MeasurementsPanel(QFrame):
    """Tools and table.

    Signals:
        draw_wanted: the user takes a tool; empty where he puts it back.
        csv_wanted: the user wants the table as a file.
        repeats_wanted: the user wants to see what was measured repeatedly.
        said: a sentence for the user.
    """

    draw_wanted = Signal(str)
    csv_wanted = Signal()
    repeats_wanted = Signal()
    said = Signal(str)

    def __init__(
        self, model: CaseModel, measuring: Measuring, repeating: Repeating, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        self._model, self._measuring, self._repeating = model, measuring, repeating
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.bar, self.blind_bar = self._make_bar(), self._make_blind_bar()
        column.addWidget(self.bar)
        column.addWidget(self.blind_bar)
        self.table = QTableView()
        self.table.setAccessibleName("Measurements")
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
        self.table.setColumnHidden(REPEATED, True)
        model.selection_changed.connect(self._show)
        model.measurements_changed.connect(self._show_rows)
        model.planning_changed.connect(self._show_rows)
        measuring.changed.connect(self._show_tool)
        repeating.changed.connect(self._show_blind)
        self._show()

    def _make_bar(self) -> QWidget:
        frame = QFrame()
        frame.setProperty("role", "header")
        bar = QHBoxLayout(frame)
        bar.setContentsMargins(12, 6, 8, 6)
        bar.setSpacing(4)
        self.tools: dict[str, QToolButton] = {}
        for kind in KINDS:
            tip = f"Draw a {KIND_NAMES[kind]}: three clicks in the 3D view or in a slice; drag the corners afterwards"
            button = self._tool(kind, "triangle", palette.KIND_COLOURS[kind], tip)
            button.setText(f" {SHORT_NAMES[kind]}")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            bar.addWidget(button)
        for figure, tip in FIGURES.items():
            bar.addWidget(self._tool(figure, figure, "figure", tip))
        bar.addSpacing(4)
        self.kind, self.side, self.depth_from = QComboBox(), QComboBox(), QComboBox()
        for kind in KINDS:
            self.kind.addItem(SHORT_NAMES[kind], kind)
        for value, text in (("left", "Left"), ("right", "Right")):
            self.side.addItem(text, value)
        for value, text in ((SURFACE, "At the surface"), (CROSS_HAIR, "At the cross-hair")):
            self.depth_from.addItem(text, value)
        # They may be narrower than their words: a row of tools does not widen a small window.
        for box, narrow in ((self.depth_from, 90), (self.kind, 64), (self.side, 60)):
            box.setMinimumWidth(narrow)
        for box, tip in (
            (
                self.depth_from,
                "Where what is drawn in the 3D view lies along the line of sight. What is seen there does not depend "
                "on it.",
            ),
            (self.kind, "Kind of the selected triangle"),
            (self.side, "Side of the selected triangle"),
        ):
            box.setToolTip(tip)
            box.setAccessibleName(tip.split(".")[0])
        self.depth_from.currentIndexChanged.connect(self._on_depth)
        self.kind.activated.connect(self._retype)
        self.side.activated.connect(self._retype)
        bar.addStretch(1)
        for box in (self.depth_from, self.kind, self.side):
            bar.addWidget(box)
        self.rename_button = _button("rename", "Rename the selected measurement")
        self.delete_button = _button("delete", "Delete the selected measurement")
        self.again_button = _button(
            "again", "Measure the selected one again, blind: without seeing it or its number"
        )
        self.again_menu = QMenu(self)
        self.again_menu.aboutToShow.connect(self._fill_again)
        self.again_button.setMenu(self.again_menu)
        self.again_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.again_button.setProperty("role", "menu")
        self.csv_button = _button("table", "Save all measurements as a table (CSV)")
        self.rename_button.clicked.connect(self.rename_selected)
        self.delete_button.clicked.connect(self.delete_selected)
        self.csv_button.clicked.connect(self.csv_wanted)
        for button in (self.rename_button, self.delete_button, self.again_button, self.csv_button):
            bar.addWidget(button)
        return frame

    def _make_blind_bar(self) -> QWidget:
        """In place of the tools while something is measured again."""
        frame = QFrame()
        frame.setProperty("role", "header")
        bar = QHBoxLayout(frame)
        bar.setContentsMargins(12, 6, 8, 6)
        bar.setSpacing(6)
        self.blind_text = ElidedLabel("")
        self.blind_draw, self.blind_stop = QPushButton("Draw"), QPushButton("Stop")
        self.blind_draw.setProperty("role", "primary")
        self.blind_draw.setCheckable(True)
        self.blind_draw.setToolTip(
            "Turn to where you want to measure, then take the tool and place the points"
        )
        self.blind_stop.setToolTip("End here: two or more repeats are kept, fewer are not")
        self.blind_draw.clicked.connect(self._draw_again)
        self.blind_stop.clicked.connect(self._repeating.stop)
        bar.addWidget(self.blind_text, 1)
        bar.addWidget(self.blind_draw)
        bar.addWidget(self.blind_stop)
        frame.hide()
        return frame

    def _tool(self, kind: str, icon: str, colour: str, tip: str) -> QToolButton:
        button = _button(icon, tip, colour)
        button.setCheckable(True)
        button.setAccessibleName(tip.split(":")[0])
        button.clicked.connect(lambda checked: self.draw_wanted.emit(kind if checked else ""))
        self.tools[kind] = button
        return button

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

    def _fill_again(self) -> None:
        self.again_menu.clear()
        selected = self._model.selected
        for count in range(FEWEST_REPEATS, MOST_REPEATS + 1) if selected is not None else ():
            again = partial(self._repeating.start, selected, count)
            add_entry(self.again_menu, f"Measure again, blind, {count} times", again)
        self.again_menu.addSeparator()
        shown = add_entry(self.again_menu, "Repeated measurements…", self.repeats_wanted.emit)
        shown.setEnabled(any(each.repeats for each in self._model.measurements))

    def _draw_again(self, checked: bool) -> None:
        if checked:
            self._repeating.draw()
        else:
            self._measuring.stop()

    def _on_click(self, index: QModelIndex) -> None:
        """Back to where it was measured."""
        measurement = self._model.find(index.data(KEY_ROLE))
        if measurement is None or self._repeating.active:
            return
        drawn = measurement.drawn
        self._model.select(measurement.key)
        self._model.set_cursor(drawn.centroid)
        if not isinstance(drawn, Figure) or drawn.plane is None:
            self._model.set_view(drawn.view)

    def _on_depth(self) -> None:
        self._measuring.depth_from = str(self.depth_from.currentData())

    def _retype(self) -> None:
        selected = self._model.find(self._model.selected)
        if selected is None or not isinstance(selected.drawn, Triangle):
            return
        kind, side = Kind(self.kind.currentData()), Side(self.side.currentData())
        triangle = selected.drawn
        if (kind, side) != (triangle.kind, triangle.side):
            definition = triangle.definition if kind == triangle.kind else ""
            self._model.change(
                selected.key,
                replace(triangle, kind=kind, side=side, definition=definition),
                "change kind or side",
            )

    def _rename(self, key: int, name: str) -> None:
        # after the editor has closed: renaming resets the rows under it
        QTimer.singleShot(0, self, lambda: self._rename_now(key, name))

    def _rename_now(self, key: int, name: str) -> None:
        try:
            self._model.rename(key, name)
        except UsageError as error:
            self.said.emit(f"{error.fault}. {error.remedy}.")

    @property
    def _selected(self) -> QModelIndex:
        """The name of the selected measurement in the view, an invalid index without one."""
        return self.sorted.at(self.rows.row_of(self._model.selected), NAME)

    def _show_rows(self) -> None:
        self.rows.hold(self._model.planning)
        self.rows.show(self._model.measurements)
        self.table.setColumnHidden(REPEATED, not any(each.repeats for each in self._model.measurements))
        self._show()

    def _show_tool(self) -> None:
        """Which tool is in hand."""
        for kind, button in self.tools.items():
            button.setChecked(self._measuring.drawing and kind == self._measuring.kind)
        self.blind_draw.setChecked(self._measuring.drawing)

    def _show_blind(self) -> None:
        """What is measured again stands in place of the tools, and no number in the table."""
        active = self._repeating.active
        self.bar.setVisible(not active)
        self.blind_bar.setVisible(active)
        self.blind_text.setText(self._repeating.text)
        self.rows.blind = active
        self._show_rows()

    def _show(self) -> None:
        selected, index = self._model.find(self._model.selected), self._selected
        if index.isValid():
            self.table.selectRow(index.row())
        else:
            self.table.clearSelection()
        for button in (self.rename_button, self.delete_button):
            button.setEnabled(selected is not None)
        triangle = None if selected is None or not isinstance(selected.drawn, Triangle) else selected.drawn
        for box in (self.kind, self.side):
            box.setEnabled(triangle is not None)
        if triangle is not None:
            self.kind.setCurrentIndex(self.kind.findData(triangle.kind))
            self.side.setCurrentIndex(self.side.findData(triangle.side))
        repeated = any(each.repeats for each in self._model.measurements)
        self.again_button.setEnabled(selected is not None or repeated)
        ready = self._model.case is not None
        for button in self.tools.values():
            button.setEnabled(ready)
        self.csv_button.setEnabled(bool(self._model.measurements))


def _button(icon: str, tip: str, colour: str = "text") -> QToolButton:
    button = QToolButton()
    icons.dress(button, icon, colour)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button
