"""The table of the trajectories."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from app.model.rows import MISSING, Column, RowsModel, alignment
from app.widgets import icons, palette
from spinect_core.base.words import Light
from spinect_core.plan.records import LightRecord
from spinect_core.plan.wording import Trajectory, light_text

NAME, LIGHT, NEEDLE, AREA, CIRCLE, VIEW = 0, 1, 4, 5, 6, 7
"""Places of the columns that the table treats on their own: first what decides, which a small screen has to show."""
SURE = (AREA, CIRCLE)
"""Places of those whose numbers have intervals."""


def _known(number: float | None) -> float:
    return MISSING if number is None else number


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:.1f}"


COLUMNS: tuple[Column[Trajectory], ...] = (
    Column("Trajectory", lambda row: row.called, tip="The triangle or a needle of your own, and its level"),
    Column(
        "Light",
        lambda row: "" if row.light is None else str(row.light.light),
        lambda row: MISSING if row.light is None else float(list(Light).index(row.light.light)),
        "How much care the trajectory needs, from tolerance, clearance, borders and slices",
    ),
    Column(
        "Angular\ntolerance",
        lambda row: row.tolerance_text,
        lambda row: _known(None if row.tolerance is None else row.tolerance.amount),
        "Largest angular error at the skin, in any direction, before the needle touches bone or nerve",
    ),
    Column(
        "Nerve\nmm",
        lambda row: _text(row.nerve_mm),
        lambda row: _known(row.nerve_mm),
        "Smallest distance to nerve along the whole needle, its tip included",
    ),
    Column(
        "Needle",
        lambda row: row.needle_text,
        tip="From the skin to the target, and the needle that fits; where none is recommended, why",
    ),
    Column(
        "Window\nmm²",
        lambda row: _text(row.area_mm2),
        lambda row: _known(row.area_mm2),
        "Area of the free window in the view of this row",
    ),
    Column(
        "Circle\nmm",
        lambda row: _text(row.circle_mm),
        lambda row: _known(row.circle_mm),
        "Diameter of the largest circle in that window",
    ),
    Column(
        "View\noblique, tilt",
        lambda row: row.view_text,
        tip="The recommended view, along the needle; else that of the largest window, or what blocks the triangle",
    ),
)


def light_colour(light: Light) -> QColor:
    """The colour of a traffic light."""
    room = palette.room()
    return QColor({Light.GREEN: room.good, Light.AMBER: room.warning, Light.RED: room.error}[light])


_OF_LIGHT: dict[int, Callable[[LightRecord], object]] = {
    Qt.ItemDataRole.ForegroundRole: lambda light: light_colour(light.light),
    Qt.ItemDataRole.ToolTipRole: light_text,
}
"""What the cell of a light shows beside its word, which those read who do not tell the colours apart."""


class TrajectoryTable(RowsModel[Trajectory]):
    """One row for each zone, then the user's needles.

    What blocks a zone takes the whole row, and why no needle is recommended the place of the light and of the needle's
    numbers.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.key, parent)

    def more(self, row: Trajectory, column: int, role: int) -> object:
        """What blocks a zone, why none of its needles is recommended, the colour of its kind, and the tool tips."""
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            mine = palette.NEEDLE_COLOURS[row.needle.colour] if row.own and row.needle is not None else ""
            return icons.swatch(mine or palette.KIND_COLOURS[row.kind])
        if row.light is not None and column == LIGHT and role in _OF_LIGHT:
            return _OF_LIGHT[role](row.light)
        if role == Qt.ItemDataRole.ToolTipRole:
            own_text = column in (NAME, VIEW)
            if column in SURE and row.sure_text:
                return f"{self.columns[column].tip}\nLargest window: {row.sure_text}"
            told = row.blocked_text or row.withheld_text
            return told or (self.columns[column].text(row) if own_text else self.columns[column].tip)
        if row.open:
            return self._of_open(row, column, role)
        if role == Qt.ItemDataRole.DisplayRole and column != NAME:
            return row.blocked_text if column == LIGHT else ""
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(palette.room().muted)
        return alignment(False) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _of_open(self, row: Trajectory, column: int, role: int) -> object:
        """What is not recommended says so in amber, as its window may be too large."""
        if not row.withheld_text:
            return None
        doubted = (NAME,) if row.own else (AREA, CIRCLE, *((LIGHT,) if row.needle is None else ()))
        if role == Qt.ItemDataRole.ForegroundRole and column in doubted:
            return QColor(palette.room().warning)
        if role == Qt.ItemDataRole.DisplayRole and column == LIGHT and row.needle is None:
            return row.withheld_text
        return None
