"""The table of the measurements."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor

from app.model.case import Measurement
from app.model.rows import Column, Index, RowsModel
from app.widgets import icons, palette
from spinect_core.base.words import KINDS, Author
from spinect_core.geometry.triangle import KIND_NAMES
from spinect_core.plan.records import Planning
from spinect_core.plan.wording import trajectories

NAME = 0
"""Place of the column that can be edited."""
SHORT_NAMES = {kind: KIND_NAMES[kind].split()[0].capitalize() for kind in KINDS}


def _area(row: Measurement) -> float:
    return row.triangle.area_mm2


COLUMNS: tuple[Column[Measurement], ...] = (
    Column("Name", lambda row: row.name),
    Column("Kind", lambda row: SHORT_NAMES[row.triangle.kind]),
    Column("Side", lambda row: row.triangle.side.capitalize()),
    Column("Line of sight", lambda row: row.triangle.view.format(1)),
    Column(
        "Triangle",
        lambda row: f"{_area(row):.1f} mm²",
        _area,
        "Area of the triangle alone; the free window of a trajectory, which need not be a triangle, is larger",
    ),
    Column("Edges", lambda row: " · ".join(f"{edge:.1f}" for edge in row.triangle.edges_mm) + " mm"),
)


class MeasurementTable(RowsModel[Measurement]):
    """One row for each triangle; its name can be edited.

    Signals:
        renamed: the key of a measurement, and the name the user typed.
    """

    renamed = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.key, parent)
        self._held: dict[tuple[str, str], str] = {}

    def hold(self, planning: Planning) -> None:
        """Take over at which of the program's own triangles no needle is recommended, and why."""
        held: dict[tuple[str, str], str] = {}
        for each in trajectories(planning):
            if each.withheld_text and not each.own:
                held.setdefault((each.kind, each.side), each.withheld_text)
        self._held = held

    def more(self, row: Measurement, column: int, role: int) -> object:
        """The colour of its kind, who placed it, and in amber where no needle is recommended through it."""
        triangle = row.triangle
        held = self._held.get((triangle.kind, triangle.side)) if triangle.author == Author.AUTOMATIC else None
        if held and role == Qt.ItemDataRole.ForegroundRole:
            return QColor(palette.room().warning)
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return icons.swatch(palette.KIND_COLOURS[triangle.kind])
        if role == Qt.ItemDataRole.ToolTipRole:
            angles = " · ".join(f"{angle:.0f}°" for angle in triangle.angles_deg)
            told = f"{triangle.definition}\nAngles {angles}\nPlaced by: {triangle.author}, {triangle.created}"
            return told if held is None else f"{held[0].upper()}{held[1:]}\n{told}"
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The name can be edited."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == NAME else flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Rename."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or index.column() != NAME:
            return False
        self.renamed.emit(self.rows[index.row()].key, str(value))
        return True
