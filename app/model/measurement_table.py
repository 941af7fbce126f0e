"""The table of the measurements."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal

from app.model.case import Measurement
from app.model.rows import Column, Index, RowsModel
from app.widgets import icons, palette
from spinect_core.base.words import KINDS
from spinect_core.geometry.triangle import KIND_NAMES

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
    Column("Area", lambda row: f"{_area(row):.1f} mm²", _area),
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

    def more(self, row: Measurement, column: int, role: int) -> object:
        """The colour of its kind, and who placed it."""
        triangle = row.triangle
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return icons.swatch(palette.KIND_COLOURS[triangle.kind])
        if role == Qt.ItemDataRole.ToolTipRole:
            angles = " · ".join(f"{angle:.0f}°" for angle in triangle.angles_deg)
            return f"{triangle.definition}\nAngles {angles}\nPlaced by: {triangle.author}, {triangle.created}"
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
