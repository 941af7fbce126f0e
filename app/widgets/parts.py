"""Small building blocks of the panels."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QValidator
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.widgets import icons, plain

_NUMBER = re.compile(r"[-+−]?\d+(?:[.,]\d*)?")


def give_margin(box: QAbstractSpinBox) -> None:
    """Room before the number.

    The line is made here: one that Qt makes is looked up in PySide by its address, where once an object of another kind
    that had just been deleted was still found.
    """
    line = QLineEdit(box)
    line.setTextMargins(4, 0, 0, 0)
    box.setLineEdit(line)


class ProgressBar(QProgressBar):
    """A bar that is painted with the rest of the window.

    Qt's own paints at once whenever its value is set, and has the whole window composed anew each time.
    """

    STEPS = 1000

    def show_part(self, part: float | None) -> None:
        """Show a part from 0 to 1; with None that something goes on."""
        self.setUpdatesEnabled(False)
        if part is None:
            self.setRange(0, 0)
        else:
            self.setRange(0, self.STEPS)
            self.setValue(round(part * self.STEPS))
        self.setUpdatesEnabled(True)


class Section(QFrame):
    """A titled part of the side panel.

    Args:
        title: shown in small capitals.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "section")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(14, 10, 14, 13)
        self.body.setSpacing(8)
        self.heading = QHBoxLayout()
        self.title = label(title.upper(), "heading")
        self.heading.addWidget(self.title)
        self.heading.addStretch(1)
        self.body.addLayout(self.heading)


class Fold(QFrame):
    """A section that folds away under its title.

    Args:
        title: shown in small capitals.
        section: what folds; its own title goes.
        folded: whether it does at first.
        keep: told of every change.
    """

    def __init__(
        self,
        title: str,
        section: Section,
        folded: bool,
        keep: Callable[[bool], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "section")
        self._title, self._section, self._keep = title, section, keep
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.button = QPushButton()
        self.button.setProperty("role", "fold")
        self.button.setCheckable(True)
        self.button.setChecked(not folded)
        self.button.toggled.connect(self._on_button)
        column.addWidget(self.button)
        section.title.hide()
        column.addWidget(section)
        self._show()

    @property
    def folded(self) -> bool:
        """Whether only the title is seen."""
        return not self.button.isChecked()

    def _on_button(self) -> None:
        self._show()
        self._keep(self.folded)

    def _show(self) -> None:
        self.button.setText(f"{'▸' if self.folded else '▾'}  {self._title.upper()}")
        self.button.setAccessibleName(f"{self._title}: {'folded' if self.folded else 'open'}")
        self._section.setVisible(not self.folded)


class SidedSpinBox(QDoubleSpinBox):
    """An angle typed as ``27 left`` or ``12 caudal``, or signed.

    Args:
        positive: the word for angles above zero.
        negative: the word for angles below zero.
        limit: largest angle to either side.
    """

    def __init__(self, positive: str, negative: str, limit: float, parent: QWidget | None = None) -> None:
        self._words = (positive, negative)
        super().__init__(parent)
        self.setRange(-limit, limit)
        self.setDecimals(1)
        self.setSingleStep(1.0)
        self.setKeyboardTracking(False)
        self.setAccelerated(True)
        give_margin(self)

    def textFromValue(self, value: float) -> str:
        """For example ``27.0° left``."""
        rounded = round(value, 1)
        word = f" {self._words[0] if rounded > 0 else self._words[1]}" if rounded else ""
        return f"{abs(rounded):.1f}°{word}"

    def valueFromText(self, text: str) -> float:
        """The angle of a text; the word may be cut short."""
        match = _NUMBER.search(text)
        if match is None:
            return self.value()
        number = float(match.group().replace(",", ".").replace("−", "-"))
        meant = self._meant(text)
        if len(meant) == 1:
            return abs(number) if meant[0] == self._words[0] else -abs(number)
        return number

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Any text with a number within the limits, and no other words, is fine."""
        meant = self._meant(text)
        if not meant:
            return (QValidator.State.Invalid, text, position)
        match = _NUMBER.search(text)
        if match is None or (len(meant) > 1 and any(character.isalpha() for character in text)):
            return (QValidator.State.Intermediate, text, position)
        within = abs(self.valueFromText(text)) <= self.maximum()
        return (QValidator.State.Acceptable if within else QValidator.State.Intermediate, text, position)

    def _meant(self, text: str) -> list[str]:
        """The words a text may be the beginning of."""
        letters = "".join(character for character in text.lower() if character.isalpha())
        return [word for word in self._words if word.startswith(letters)]


class ColourButton(QToolButton):
    """A spot of colour that opens a colour dialog.

    Args:
        choose: called with the chosen "#rrggbb".
    """

    def __init__(self, choose: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choose, self._colour = choose, "#ffffff"
        self.setToolTip("Choose the colour")
        self.clicked.connect(self._ask)

    def set_colour(self, colour: str) -> None:
        """Show a colour."""
        self._colour = colour
        self.setIcon(icons.swatch(colour))

    def _ask(self) -> None:
        from PySide6.QtWidgets import QColorDialog

        chosen = QColorDialog.getColor(QColor(self._colour), self, "Colour")
        if chosen.isValid():
            self._choose(chosen.name())


class Label(QLabel):
    """A label whose text is never markup, see :mod:`app.widgets.plain`."""

    def __init__(self, text: str = "", wrap: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show a text as it is written."""
        super().setText(plain.wrapped(text, plain.NARROW) if self.wordWrap() else plain.shown(text))

    def setToolTip(self, text: str) -> None:
        """The same for the tool tip."""
        super().setToolTip(plain.tip(text))


class ElidedLabel(Label):
    """One line that never asks for more room than it gets; the whole text is in the tool tip."""

    def __init__(self, text: str = "", align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft) -> None:
        super().__init__(text)
        self.setAlignment(align | Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(60)

    def setText(self, text: str) -> None:
        """Show a text on one line."""
        super().setText(plain.line(text, plain.LONGEST))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much of the text as fits."""
        painter = QPainter(self)
        room = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, self.alignment(), text)
        painter.end()


def label(text: str, role: str = "", wrap: bool = False) -> Label:
    """A label in one of the style sheet's roles."""
    result = Label(text, wrap)
    if role:
        result.setProperty("role", role)
    return result


def percent_slider(changed: Callable[[int], None]) -> QSlider:
    """A slider from 0 to 100."""
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 100)
    slider.setPageStep(10)
    slider.valueChanged.connect(changed)
    return slider


def field_row(name: str, *widgets: QWidget) -> QHBoxLayout:
    """A name of fixed width and its widgets."""
    row = QHBoxLayout()
    row.setSpacing(6)
    title = label(name, "muted")
    title.setFixedWidth(64)
    row.addWidget(title)
    for widget in widgets:
        row.addWidget(widget, 1)
    return row


class OwnColours(QStyledItemDelegate):
    """Cells of a table that keep their colour where their row is selected: a warning stays amber."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Take the colour of the text along."""
        super().initStyleOption(option, index)
        colour = index.data(Qt.ItemDataRole.ForegroundRole)
        if isinstance(colour, QColor):
            shown: Any = option  # its type information lacks the palette in some versions
            shown.palette.setColor(QPalette.ColorRole.HighlightedText, colour)


def dense_table(name: str, rows: QAbstractItemModel) -> QTableView:
    """A table of low rows, of which one is chosen, sorted by a click on a column's head.

    Args:
        name: said of it to those who cannot see it.
        rows: that it shows; they may have colours of their own.
    """
    table = QTableView()
    table.setModel(rows)
    table.setItemDelegate(OwnColours(table))
    in_own_order(table)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setAccessibleName(name)
    table.setProperty("role", "dense")
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(25)
    table.horizontalHeader().setHighlightSections(False)
    table.horizontalHeader().setStretchLastSection(True)
    return table


def in_own_order(table: QTableView | QTreeView) -> None:
    """Let a click on a title sort the rows by it; they are in their own order before, and after a third click."""
    header = table.horizontalHeader() if isinstance(table, QTableView) else table.header()
    header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    header.setSortIndicatorClearable(True)
    table.setSortingEnabled(True)
