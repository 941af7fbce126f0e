"""The landmarks of the level: how sure each is, where it lies, and moving it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from app.model.case_model import CaseModel
from app.model.planner import AGAIN, Planner
from app.widgets import theme
from spinect_core.plan.wording import is_doubtful, landmark_text


class LandmarksPanel(QWidget):
    """A list; choosing one puts the cross-hair there."""

    def __init__(self, model: CaseModel, planner: Planner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._planner = model, planner
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 6)
        column.setSpacing(4)
        self.list = QListWidget()
        self.list.setAccessibleName("Landmarks")
        self.list.setToolTip(
            "The chance, as calibrated on computed phantoms, that a landmark lies within 3 mm"
        )
        self.move_button = QPushButton("Move to cross-hair")
        self.move_button.clicked.connect(self.move_chosen)
        column.addWidget(self.list, 1)
        column.addWidget(self.move_button)
        self.list.currentItemChanged.connect(self._on_item)
        model.planning_changed.connect(self._fill)
        planner.changed.connect(self._enable)
        self._fill()

    @property
    def chosen(self) -> str:
        """Name of the landmark."""
        item = self.list.currentItem()
        return "" if item is None else str(item.data(Qt.ItemDataRole.UserRole))

    def choose(self, name: str) -> None:
        """Put the cross-hair at a landmark."""
        for row in range(self.list.count()):
            if self.list.item(row).data(Qt.ItemDataRole.UserRole) == name:
                self.list.setCurrentRow(row)

    def move_chosen(self) -> None:
        """Move the landmark to the cross-hair; its side is planned again."""
        if self.chosen:
            self._planner.move_landmark(self.chosen)

    def _on_item(self) -> None:
        name = self.chosen
        point = next((each.point for each in self._model.planning.landmarks if each.name == name), None)
        if point is not None:
            self._model.set_cursor(point)
        self._enable()

    def _fill(self) -> None:
        name = self.chosen
        self.list.blockSignals(True)
        self.list.clear()
        for landmark in self._model.planning.landmarks:
            item = QListWidgetItem(landmark_text(landmark))
            item.setToolTip(f"{landmark_text(landmark)}: {self.list.toolTip()}")
            item.setData(Qt.ItemDataRole.UserRole, landmark.name)
            if is_doubtful(landmark):
                item.setForeground(QColor(theme.WARNING))
            self.list.addItem(item)
            if landmark.name == name:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self._enable()

    def _enable(self) -> None:
        ready = self._planner.can_adjust
        self.move_button.setEnabled(ready and bool(self.chosen))
        tip = "The borders made from it, and the trajectories of its side, follow" if ready else AGAIN
        self.move_button.setToolTip(tip)
