"""The table of the trajectories."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from app.model.rows import MISSING, Column, RowsModel, alignment
from app.widgets import icons, palette
from spinect_core.plan.wording import Trajectory

NAME, AREA, VIEW = 0, 1, 3
"""Places of the columns that the table treats on their own."""


def _area(trajectory: Trajectory) -> float:
    """mm² of the largest free window."""
    best = None if trajectory.own or trajectory.search is None else trajectory.search.best
    return MISSING if best is None else best.area_mm2


def _circle(trajectory: Trajectory) -> float:
    """Mm across the largest circle in that window."""
    best = None if trajectory.own or trajectory.search is None else trajectory.search.best
    return MISSING if best is None or best.radius_mm is None else 2 * best.radius_mm


def _depth(trajectory: Trajectory) -> float:
    """Mm from the skin to the target."""
    return MISSING if trajectory.needle is None else trajectory.needle.needle.depth_mm


def _tolerance(trajectory: Trajectory) -> float:
    """Degrees at the skin."""
    safety = None if trajectory.needle is None else trajectory.needle.safety
    margin = None if safety is None or safety.tolerance is None else safety.tolerance.angle
    return MISSING if margin is None else margin.amount


def _nerve(trajectory: Trajectory) -> float:
    """Mm to nerve."""
    safety = None if trajectory.needle is None else trajectory.needle.safety
    return MISSING if safety is None or safety.nerve is None else safety.nerve.mm


def _text(number: float) -> str:
    return "" if number == MISSING else f"{number:.1f}"


COLUMNS: tuple[Column[Trajectory], ...] = (
    Column("Trajectory", lambda row: row.title, tip="The triangle, or a needle of your own"),
    Column(
        "Window\nmm²",
        lambda row: _text(_area(row)),
        _area,
        "Area of the largest free window, in its best view",
    ),
    Column(
        "Circle\nmm",
        lambda row: _text(_circle(row)),
        _circle,
        "Diameter of the largest circle in that window",
    ),
    Column(
        "Best view\noblique, tilt",
        lambda row: row.view_text,
        tip="The view of the largest window; without a trajectory, what blocks it",
    ),
    Column(
        "Needle",
        lambda row: row.needle_text,
        tip="From the skin to the target, and the needle that fits",
    ),
    Column(
        "Angular\ntolerance",
        lambda row: row.tolerance_text,
        _tolerance,
        "Largest angular error at the skin, in any direction, before the needle meets bone or nerve",
    ),
    Column(
        "Nerve\nmm",
        lambda row: _text(_nerve(row)),
        _nerve,
        "Smallest distance to nerve along the needle, up to 3 mm before the target",
    ),
)


class TrajectoryTable(RowsModel[Trajectory]):
    """One row for each zone, then the user's needles. What blocks a zone takes the whole row."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.key, parent)

    def more(self, row: Trajectory, column: int, role: int) -> object:
        """What blocks a zone, the colour of its kind, and the tool tips."""
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return icons.swatch(palette.KIND_COLOURS[row.kind])
        if role == Qt.ItemDataRole.ToolTipRole:
            own_text = column in (NAME, VIEW)
            return row.blocked_text or (
                self.columns[column].text(row) if own_text else self.columns[column].tip
            )
        if row.open:
            return None
        if role == Qt.ItemDataRole.DisplayRole and column != NAME:
            return row.blocked_text if column == AREA else ""
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(palette.MUTED)
        return alignment(False) if role == Qt.ItemDataRole.TextAlignmentRole else None
