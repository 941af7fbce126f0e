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


class RootsPanel(Section):
    """One row for each root; choosing one with gaps puts the cross-hair into the first of them."""

    def __init__(self, model: CaseModel, parent: QWidget | None = None) -> None:
        super().__init__("Roots", parent)
        self._model = model
        self.rows = RootTable(self)
        self.table = self._make_table()
        self.body.addWidget(self.table)
        self.legend = QWidget()
        row = QHBoxLayout(self.legend)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(DashedLine())
        row.addWidget(label(LEGEND, "muted"), 1)
        self.body.addWidget(self.legend)
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
        height = self.table.horizontalHeader().sizeHint().height() + ROW * len(roots)
        self.table.setFixedHeight(height + 2 * self.table.frameWidth())


class DashedLine(QWidget):
    """The line by which a gap is drawn in the slices and in 3D."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(26, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.setPen(QPen(QColor(palette.GAP), 2.6, Qt.PenStyle.DashLine, Qt.PenCapStyle.FlatCap))
        painter.drawLine(0, self.height() // 2, self.width(), self.height() // 2)
        painter.end()
