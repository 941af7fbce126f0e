"""The landmarks of the level: how sure each is, where it lies, and moving it."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QListView, QPushButton, QVBoxLayout, QWidget

from app.model.case_model import CaseModel
from app.model.landmark_table import TIP, LandmarkTable
from app.model.root_table import TIP as ROOT_TIP
from app.model.root_table import RootTable
from app.model.rows import KEY_ROLE
from app.model.trajectories import AGAIN, Trajectories


class LandmarksPanel(QWidget):
    """A list; choosing one puts the cross-hair there. Below it, how much of each root is labelled.

    Signals:
        move_wanted: move the landmark of this name to the cross-hair.
    """

    move_wanted = Signal(str)

    def __init__(self, model: CaseModel, trajectories: Trajectories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._trajectories = model, trajectories
        self._filling = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 6)
        column.setSpacing(4)
        self.rows = LandmarkTable(self)
        self.list = QListView()
        self.list.setModel(self.rows)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setAccessibleName("Landmarks")
        self.list.setToolTip(TIP)
        self.root_rows = RootTable(self)
        self.roots = QListView()
        self.roots.setModel(self.root_rows)
        self.roots.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.roots.setAccessibleName("Roots")
        self.roots.setToolTip(ROOT_TIP)
        self.roots.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.roots.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.move_button = QPushButton("Move to cross-hair")
        self.move_button.clicked.connect(self.move_chosen)
        column.addWidget(self.list, 1)
        column.addWidget(self.roots)
        column.addWidget(self.move_button)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.roots.clicked.connect(self._on_root)
        self.roots.activated.connect(self._on_root)
        model.planning_changed.connect(self._fill)
        trajectories.changed.connect(self._enable)
        self._fill()

    @property
    def chosen(self) -> str:
        """Name of the landmark."""
        index = self.list.currentIndex()
        return str(index.data(KEY_ROLE)) if index.isValid() else ""

    def choose(self, name: str) -> None:
        """Put the cross-hair at a landmark."""
        row = self.rows.row_of(name)
        if row is not None:
            self.list.setCurrentIndex(self.rows.index(row, 0))

    def move_chosen(self) -> None:
        """Ask to move the landmark to the cross-hair; its side is planned again."""
        if self.chosen:
            self.move_wanted.emit(self.chosen)

    def _on_current(self) -> None:
        name = self.chosen
        if self._filling:  # the same landmark stays chosen, wherever the cross-hair is
            return
        point = next((each.point for each in self.rows.rows if each.name == name), None)
        if point is not None:
            self._model.set_cursor(point)
        self._enable()

    def _on_root(self, index: QModelIndex) -> None:
        """Put the cross-hair in the middle of a root's first gap."""
        root = self.root_rows.rows[index.row()]
        if root.gaps:
            points = root.gaps[0].points
            self._model.set_cursor(points[len(points) // 2])

    def _fill(self) -> None:
        roots = self._model.planning.roots
        self.root_rows.show(roots)
        self.roots.setVisible(bool(roots))
        row = self.roots.sizeHintForRow(0) if roots else 0
        self.roots.setFixedHeight(row * len(roots) + 2 * self.roots.frameWidth())
        name = self.chosen
        self._filling = True
        self.rows.show(self._model.planning.landmarks)
        self.choose(name)
        self._filling = False
        self._enable()

    def _enable(self) -> None:
        ready = self._trajectories.can_adjust
        self.move_button.setEnabled(ready and bool(self.chosen))
        tip = "The borders made from it, and the trajectories of its side, follow" if ready else AGAIN
        self.move_button.setToolTip(tip)
