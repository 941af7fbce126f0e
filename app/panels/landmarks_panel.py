"""The landmarks of the level: how sure each is, where it lies, and moving it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QListView, QPushButton, QVBoxLayout, QWidget

from app.model.case_model import CaseModel
from app.model.landmark_table import TIP, LandmarkTable
from app.model.rows import KEY_ROLE
from app.model.trajectories import AGAIN, Trajectories


class LandmarksPanel(QWidget):
    """A list; choosing one puts the cross-hair there.

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
        self.list.setWordWrap(True)  # the last words of a name are those that tell left from right
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setToolTip(TIP)
        self.move_button = QPushButton("Move to cross-hair")
        self.move_button.clicked.connect(self.move_chosen)
        column.addWidget(self.list, 1)
        column.addWidget(self.move_button)
        self.list.selectionModel().currentChanged.connect(self._on_current)
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

    def _fill(self) -> None:
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
