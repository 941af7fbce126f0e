"""How much of each root is labelled: in the side column, so that it is read before a trajectory is chosen."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QTableView, QWidget

from app.model.case_model import CaseModel
from app.model.root_table import GAPS, TIP, RootTable
from app.widgets import palette
from app.widgets.parts import Section, label

ROW = 22
LEGEND = "Gap: expected course, no label"
SUPPOSED = "Supposed from the CT, not labelled"


class RootsPanel(Section):
    """One row for each root; choosing one with gaps puts the cross-hair into the first of them."""

    def __init__(self, model: CaseModel, parent: QWidget | None = None) -> None:
        super().__init__("Roots", parent)
        self._model = model
        self.rows = RootTable(self)
        self.table = self._make_table()
        self.body.addWidget(self.table)
        self.legend = _legend(Line(palette.GAP, Qt.PenStyle.DashLine), LEGEND)
        self.supposed = _legend(Line(palette.SUPPOSED, Qt.PenStyle.DotLine), SUPPOSED)
        self.body.addWidget(self.legend)
        self.body.addWidget(self.supposed)
        model.planning_changed.connect(self._fill)
        self._fill()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.rows)
        table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        table.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setAccessibleName("Roots")
        table.setToolTip(TIP)
        table.setProperty("role", "dense")
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(GAPS, QHeaderView.ResizeMode.Stretch)
        table.clicked.connect(self._on_root)
        table.activated.connect(self._on_root)
        return table

    def _on_root(self, index: QModelIndex) -> None:
        """Put the cross-hair in the middle of a root's first gap."""
        root = self.rows.rows[index.row()]
        if root.gaps:
            points = root.gaps[0].points
            self._model.set_cursor(points[len(points) // 2])

    def _fill(self) -> None:
        roots = self._model.planning.roots
        self.rows.show(roots)
        self.setVisible(bool(roots))
        self.legend.setVisible(any(root.gaps for root in roots))
        self.supposed.setVisible(any(gap.supposed is not None for root in roots for gap in root.gaps))
        height = self.table.horizontalHeader().sizeHint().height() + ROW * len(roots)
        self.table.setFixedHeight(height + 2 * self.table.frameWidth())


def _legend(line: QWidget, text: str) -> QWidget:
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    row.addWidget(line)
    row.addWidget(label(text, "muted"), 1)
    return whole


class Line(QWidget):
    """A line as it is drawn in the slices."""

    def __init__(self, colour: str, style: Qt.PenStyle, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour, self._style = colour, style
        self.setFixedSize(26, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(palette.BLACK))
        painter.setPen(QPen(QColor(self._colour), 2.6, self._style, Qt.PenCapStyle.FlatCap))
        painter.drawLine(0, self.height() // 2, self.width(), self.height() // 2)
        painter.end()
