"""The ways in as rows."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app.model.planner import Planner
from app.widgets import theme
from spinect_core.plan.wording import Way

COLUMNS = ("Way", "Window\nmm²", "Circle\nmm", "Best view\noblique, tilt", "Needle", "May\nerr", "Nerve\nmm")
NUMBERS = (1, 2, 5, 6)
TIPS = (
    "The zone, or a needle of your own",
    "Area of the largest free window, in its best view",
    "Diameter of the largest circle in that window",
    "The view of the largest window; of a closed zone what closes it",
    "From the skin to the target, and the needle that fits",
    "Largest angle at the skin, in any direction, before bone or nerve is met",
    "Smallest distance to nerve on the way, up to 3 mm before the target",
)
Index = QModelIndex | QPersistentModelIndex


class WaysTable(QAbstractTableModel):
    """One row for each zone, then the user's needles."""

    def __init__(self, planner: Planner) -> None:
        super().__init__(planner)
        self._planner = planner
        planner.changed.connect(self._on_change)

    def _on_change(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Ways."""
        return 0 if parent.isValid() else len(self._planner.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Facts of each."""
        return len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Titles and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _align(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Texts and colours."""
        if not index.isValid() or index.row() >= len(self._planner.rows):
            return None
        way, column = self._planner.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(way)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return way.closed_text or (_texts(way)[column] if column in (0, 3) else TIPS[column])
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return theme.swatch(theme.KIND_COLOURS[way.kind])
        if role == Qt.ItemDataRole.ForegroundRole and not way.open:
            return QColor(theme.MUTED)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _align(column if way.open else 0)
        return None


def _texts(way: Way) -> tuple[str, ...]:
    """The cells of a row; their units stand above. What closes a zone takes the whole row."""
    if not way.open:
        return (way.title, way.closed_text, "", "", "", "", "")
    return (
        way.title,
        way.area_text.removesuffix(" mm²"),
        way.circle_text.removesuffix(" mm"),
        way.view_text,
        way.needle_text,
        way.tolerance_text,
        way.nerve_text.removesuffix(" mm"),
    )


def _align(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
