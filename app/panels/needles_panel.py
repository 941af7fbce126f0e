"""The tab "Needles": all needles side by side, and what can be done with the user's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.model.needle_table import NAME, NeedleTable
from app.model.rows import KEY_ROLE, Sorted
from app.model.trajectories import Trajectories
from app.widgets import icons, palette
from app.widgets.menus import add_entry
from app.widgets.parts import ElidedLabel, dense_table
from spinect_core.base.words import NeedleColour

NONE_YET = "No needle yet: find trajectories, or place one of your own"
NOT_YOURS = "This needle is recommended and stays where it is; duplicate it, or drag it, for one of your own"


class NeedlesPanel(QFrame):
    """Choose a needle, compare it with the others, and name, colour, lock, duplicate or delete it.

    Signals:
        place_wanted: place a needle along the present view; True for the cross-hair as its target.
        duplicate_wanted: copy the one that is looked at.
        rename_wanted: the key of a needle, and its new name.
        colour_wanted: the colour for the one that is looked at.
        lock_wanted: whether the one that is looked at is to be locked.
        delete_wanted: delete the one that is looked at.
    """

    place_wanted = Signal(bool)
    duplicate_wanted = Signal()
    rename_wanted = Signal(str, str)
    colour_wanted = Signal(object)
    lock_wanted = Signal(bool)
    delete_wanted = Signal()

    def __init__(self, trajectories: Trajectories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        self._trajectories = trajectories
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._make_bar())
        self.rows = NeedleTable(self)
        self.sorted = Sorted(self.rows, self)
        self.table = self._make_table()
        column.addWidget(self.table, 1)
        trajectories.changed.connect(self._show_rows)
        trajectories.chosen_changed.connect(self._show)
        trajectories.live_changed.connect(self._show_live)
        self._show_rows()

    def _make_bar(self) -> QWidget:
        bar = QFrame()
        bar.setProperty("role", "bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(4, 3, 8, 3)
        row.setSpacing(0)
        place = QMenu(self)
        add_entry(place, "To the middle of what is open in this view", partial(self.place_wanted.emit, False))
        add_entry(place, "To the cross-hair", partial(self.place_wanted.emit, True))
        self.place = _button("New ▾", "Place a needle of your own along the present view", menu=place)
        self.duplicate = _button(
            "Duplicate", "A needle of your own in the same place", self.duplicate_wanted.emit
        )
        self.rename = _button("", "Rename your needle", self.rename_chosen, icon="rename")
        colours = QMenu(self)
        for colour in NeedleColour:
            action = add_entry(colours, colour.capitalize(), partial(self.colour_wanted.emit, colour))
            action.setIcon(icons.swatch(palette.NEEDLE_COLOURS[colour]))
        self.colour = _button("Colour ▾", "In which colour your needle is drawn", menu=colours)
        self.lock = _button("Lock", "A locked needle is neither dragged nor deleted", self._on_lock)
        self.lock.setCheckable(True)
        self.delete = _button("", "Delete your needle", self.delete_wanted.emit, icon="delete")
        for each in (self.place, self.duplicate, self.rename, self.colour, self.lock, self.delete):
            row.addWidget(each)
        self.note = ElidedLabel("", Qt.AlignmentFlag.AlignRight)
        self.note.setProperty("role", "muted")
        row.addWidget(self.note, 1)
        return bar

    def _make_table(self) -> QTableView:
        self.rows.renamed.connect(self._rename)
        table = dense_table("Needles", self.sorted)
        table.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.clicked.connect(lambda index: self._choose(index))
        table.selectionModel().currentRowChanged.connect(self._choose)
        table.doubleClicked.connect(lambda index: table.edit(index) if index.column() == NAME else None)
        return table

    # ----------------------------------------------------------------------------------------------------- choosing

    def _choose(self, index: QModelIndex) -> None:
        key = index.data(KEY_ROLE) if index.isValid() else None
        if key is not None and key != self._trajectories.chosen:
            self._trajectories.choose(str(key))

    def rename_chosen(self) -> None:
        """Edit the name of the needle that is looked at."""
        index = self.sorted.at(self.rows.row_of(self._trajectories.chosen), NAME)
        if index.isValid():
            self.table.setFocus()
            self.table.edit(index)

    def _rename(self, key: str, name: str) -> None:
        # after the editor has closed: renaming resets the rows under it
        QTimer.singleShot(0, self, lambda: self.rename_wanted.emit(key, name))

    def _on_lock(self) -> None:
        self.lock_wanted.emit(self.lock.isChecked())
        self._enable()

    # ------------------------------------------------------------------------------------------------------ showing

    def _show_rows(self) -> None:
        self.rows.show([each for each in self._trajectories.rows if each.needle is not None])
        self._show()

    def _show_live(self) -> None:
        if self._trajectories.current is not None:
            self.rows.put(self._trajectories.current)

    def _show(self) -> None:
        index = self.sorted.at(self.rows.row_of(self._trajectories.chosen))
        if index.isValid():
            self.table.selectRow(index.row())
        else:
            self.table.clearSelection()
        self._enable()

    def _enable(self) -> None:
        current = self._trajectories.current
        record = None if current is None else current.needle
        own = current is not None and current.own and record is not None
        locked = own and record is not None and record.locked
        ready = self._trajectories.can_adjust and current is not None and bool(current.zone_key)
        self.place.setEnabled(ready)
        self.duplicate.setEnabled(record is not None)
        for each in (self.rename, self.colour, self.lock):
            each.setEnabled(own)
        self.delete.setEnabled(own and not locked)
        self.lock.setChecked(locked)
        self.lock.setText("Locked" if locked else "Lock")
        self.note.setText(NONE_YET if not self.rows.rows else "" if own or record is None else NOT_YOURS)
        self.note.setToolTip(self.note.text())


def _button(
    text: str,
    tip: str,
    slot: Callable[[], object] | None = None,
    *,
    menu: QMenu | None = None,
    icon: str = "",
) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(text.removesuffix(" ▾") or tip)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if icon:
        icons.dress(button, icon)
    if menu is not None:
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    elif slot is not None:
        button.clicked.connect(lambda _=False: slot())
    return button
