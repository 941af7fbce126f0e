"""The trajectories as rows."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app.model.planner import Planner
from app.widgets import theme
from spinect_core.plan.wording import Way as Trajectory

COLUMNS = (
    "Trajectory",
    "Window\nmm²",
    "Circle\nmm",
    "Best view\noblique, tilt",
    "Needle",
    "Angular\ntolerance",
    "Nerve\nmm",
)
NUMBERS = (1, 2, 5, 6)
TIPS = (
    "The zone, or a needle of your own",
    "Area of the largest free window, in its best view",
    "Diameter of the largest circle in that window",
    "The view of the largest window; without a trajectory, what blocks it",
    "From the skin to the target, and the needle that fits",
    "Largest angular error at the skin, in any direction, before the needle meets bone or nerve",
    "Smallest distance to nerve along the needle, up to 3 mm before the target",
)
Index = QModelIndex | QPersistentModelIndex


class TrajectoryTable(QAbstractTableModel):
    """One row for each zone, then the user's needles."""

    def __init__(self, planner: Planner) -> None:
        super().__init__(planner)
        self._planner = planner
        planner.changed.connect(self._on_change)

    def _on_change(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Trajectories."""
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
        trajectory, column = self._planner.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(trajectory)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return trajectory.closed_text or (
                _texts(trajectory)[column] if column in (0, 3) else TIPS[column]
            )
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return theme.swatch(theme.KIND_COLOURS[trajectory.kind])
        if role == Qt.ItemDataRole.ForegroundRole and not trajectory.open:
            return QColor(theme.MUTED)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _align(column if trajectory.open else 0)
        return None


def _texts(trajectory: Trajectory) -> tuple[str, ...]:
    """The cells of a row; their units stand above. What blocks a zone takes the whole row."""
    if not trajectory.open:
        return (trajectory.title, trajectory.closed_text, "", "", "", "", "")
    return (
        trajectory.title,
        trajectory.area_text.removesuffix(" mm²"),
        trajectory.circle_text.removesuffix(" mm"),
        trajectory.view_text,
        trajectory.needle_text,
        trajectory.tolerance_text,
        trajectory.nerve_text.removesuffix(" mm"),
    )


def _align(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
