"""The table in which needles are compared: every number of a row is that of one needle, along its own line."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor

from app.model.rows import MISSING, Column, Index, RowsModel
from app.model.trajectory_table import light_colour
from app.widgets import icons, palette
from spinect_core.base.words import Light
from spinect_core.plan.live_wording import nearest_organ_text, rules_text
from spinect_core.plan.wording import Trajectory, light_text

NAME, LIGHT, RULES = 0, 1, 2
"""Places of the columns that are treated on their own."""


def _gap(row: Trajectory, tissue: str) -> float | None:
    safety = None if row.needle is None else row.needle.safety
    if safety is None:
        return None
    if tissue == "nerve":
        return row.nerve_mm
    return None if safety.bone is None else safety.bone.gap_mm


def _number(value: float | None) -> float:
    return MISSING if value is None else value


def _mm(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _depth(row: Trajectory) -> float | None:
    return None if row.needle is None else row.needle.needle.depth_mm


def _name(row: Trajectory) -> str:
    locked = row.needle is not None and row.needle.locked
    return f"{row.called} (locked)" if locked else row.called


COLUMNS: tuple[Column[Trajectory], ...] = (
    Column(
        "Needle",
        _name,
        tip="Yours by its name, which a double click edits, or the triangle it is recommended for",
    ),
    Column(
        "Light",
        lambda row: "" if row.light is None else str(row.light.light),
        lambda row: MISSING if row.light is None else float(list(Light).index(row.light.light)),
        "How much care it needs; never better than the light of the case",
    ),
    Column("Rules", rules_text, tip="Which rules refuse it, and how many warn of it"),
    Column(
        "Tolerance",
        lambda row: row.tolerance_text,
        lambda row: _number(None if row.tolerance is None else row.tolerance.amount),
        "Largest angular error at the skin before it touches bone or nerve",
    ),
    Column(
        "Bone, mm",
        lambda row: _mm(_gap(row, "bone")),
        lambda row: _number(_gap(row, "bone")),
        "Smallest distance to bone along the needle; below 0 within it",
    ),
    Column(
        "Nerve, mm",
        lambda row: _mm(_gap(row, "nerve")),
        lambda row: _number(_gap(row, "nerve")),
        "Smallest distance to nerve along the needle, its tip included",
    ),
    Column(
        "Depth, needle",
        lambda row: row.needle_text,
        lambda row: _number(_depth(row)),
        "From the skin to the target",
    ),
    Column(
        "View", lambda row: "" if row.needle is None else row.needle.needle.view.words, tip="Along the needle"
    ),
    Column(
        "Nearest organ",
        nearest_organ_text,
        tip="Bowel, kidney, vessel or another organ, where organs are known",
    ),
)


class NeedleTable(RowsModel[Trajectory]):
    """One row for each needle; the names of the user's can be edited.

    Signals:
        renamed: the key of a needle, and the name that was typed.
    """

    renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.key, parent)

    def more(self, row: Trajectory, column: int, role: int) -> object:
        """The colours of needle and light, and what is known of both."""
        if role == Qt.ItemDataRole.EditRole and column == NAME:
            return row.title
        if role == Qt.ItemDataRole.DecorationRole and column == NAME and row.needle is not None:
            return icons.swatch(palette.NEEDLE_COLOURS[row.needle.colour])
        if role == Qt.ItemDataRole.ForegroundRole:
            if column == LIGHT and row.light is not None:
                return light_colour(row.light.light)
            if column == RULES and row.needle is not None and any(each.bars for each in row.needle.findings):
                return QColor(palette.room().error)
        if role == Qt.ItemDataRole.ToolTipRole:
            if column == LIGHT and row.light is not None:
                return light_text(row.light)
            return self.columns[column].tip
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The names of the user's needles can be edited."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        own = index.column() == NAME and self.rows[index.row()].own
        return flags | Qt.ItemFlag.ItemIsEditable if own else flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Rename."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or index.column() != NAME:
            return False
        self.renamed.emit(self.rows[index.row()].key, str(value))
        return True
