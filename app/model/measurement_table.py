"""The table of the measurements."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor

from app.model.case import Measurement
from app.model.rows import MISSING, Column, Index, RowsModel
from app.widgets import icons, palette
from spinect_core.base.words import KINDS, FigureKind
from spinect_core.geometry.figure import Figure, value_text
from spinect_core.geometry.triangle import KIND_NAMES, Triangle
from spinect_core.plan.records import Planning
from spinect_core.plan.wording import trajectories

NAME = 0
"""Place of the column that can be edited."""
SHORT_NAMES: dict[str, str] = {
    **{kind: KIND_NAMES[kind].split()[0].capitalize() for kind in KINDS},
    **{kind: kind.capitalize() for kind in FigureKind},
}
SEEN = "As seen along the line of sight, or in the plane of the slice"


def _value(row: Measurement) -> float:
    return row.drawn.area_mm2 if isinstance(row.drawn, Triangle) else row.drawn.value


def _text(row: Measurement) -> str:
    return value_text(_value(row), "mm²") if isinstance(row.drawn, Triangle) else row.drawn.text


def _details(row: Measurement) -> str:
    """Edges, and what there is between the points in space."""
    drawn = row.drawn
    edges = " · ".join(f"{edge:.1f}" for edge in drawn.edges_mm) + " mm"
    if isinstance(drawn, Triangle) or drawn.kind == FigureKind.POLYGON:
        return edges
    space = "" if drawn.in_space is None else f"{value_text(drawn.in_space, drawn.unit)} in space"
    return "   ".join(
        each for each in (space, "" if drawn.kind == FigureKind.DISTANCE else f"legs {edges}") if each
    )


def _again(row: Measurement) -> str:
    mean, sd, unit = row.measured.mean, row.measured.sd, row.measured.unit
    if mean is None:
        return ""
    spread = "" if sd is None else f" ± {sd:.1f}"
    return f"{mean:z.1f}{spread}{'' if unit == '°' else ' '}{unit} (n = {len(row.repeats)})"


def _mean(row: Measurement) -> float:
    mean = row.measured.mean
    return MISSING if mean is None else mean


COLUMNS: tuple[Column[Measurement], ...] = (
    Column("Name", lambda row: row.name),
    Column("Kind", lambda row: SHORT_NAMES[row.drawn.kind]),
    Column("Side", lambda row: row.drawn.side.capitalize() if isinstance(row.drawn, Triangle) else ""),
    Column(
        "Seen",
        lambda row: row.drawn.view.format(1) if isinstance(row.drawn, Triangle) else row.drawn.where,
        tip=SEEN,
    ),
    Column(
        "Measured",
        _text,
        _value,
        f"{SEEN}. Of a triangle its area alone; the free window of a trajectory, which need not be a triangle, is "
        "larger",
    ),
    Column(
        "Again, blind", _again, _mean, "Mean ± SD (n − 1) of the repeats that were drawn without seeing it"
    ),
    Column("Edges", _details, tip=SEEN),
)
REPEATED = 5
BLIND_FROM = 3
"""The first column that says where and what was measured."""


class MeasurementTable(RowsModel[Measurement]):
    """One row for each; its name can be edited.

    Attributes:
        blind: whether nothing that was measured is to be read.

    Signals:
        renamed: the key of a measurement, and the name the user typed.
    """

    renamed = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.key, parent)
        self._held: dict[tuple[str, str], str] = {}
        self.blind = False

    def hold(self, planning: Planning) -> None:
        """Take over at which of the program's own triangles no needle is recommended, and why."""
        held: dict[tuple[str, str], str] = {}
        for each in trajectories(planning):
            if each.withheld_text and not each.own:
                held.setdefault((each.kind, each.side), each.withheld_text)
        self._held = held

    def more(self, row: Measurement, column: int, role: int) -> object:
        """The colour of its kind, who placed it, and in amber where no needle is recommended through it."""
        if self.blind and column >= BLIND_FROM and role == Qt.ItemDataRole.DisplayRole:
            return "hidden"
        if self.blind and role == Qt.ItemDataRole.ToolTipRole:
            return "Nothing that was measured is shown while it is measured again"
        if role == Qt.ItemDataRole.ToolTipRole and column == REPEATED and row.repeats:
            measured = row.measured
            return "\n".join(
                f"{n}: {value_text(each, measured.unit)}" for n, each in enumerate(measured.again, 1)
            )
        triangle = row.drawn
        if not isinstance(triangle, Triangle):
            return self._of_figure(triangle, column, role)
        held = self._held.get((triangle.kind, triangle.side)) if row.automatic else None
        if held and role == Qt.ItemDataRole.ForegroundRole:
            return QColor(palette.room().warning)
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return icons.swatch(palette.KIND_COLOURS[triangle.kind])
        if role == Qt.ItemDataRole.ToolTipRole:
            angles = " · ".join(f"{angle:.0f}°" for angle in triangle.angles_deg)
            told = f"{triangle.definition}\nAngles {angles}\nPlaced by: {triangle.author}, {triangle.created}"
            return told if held is None else f"{held[0].upper()}{held[1:]}\n{told}"
        return None

    @staticmethod
    def _of_figure(figure: Figure, column: int, role: int) -> object:
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return icons.swatch(palette.MEASURED_COLOURS[figure.kind])
        if role == Qt.ItemDataRole.ToolTipRole:
            seen = "In the plane of the slice" if figure.plane else "As seen along this line of sight"
            return f"{seen}\n{figure.created}"
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
