"""What the three slices share: grey values, the region's frame, and how the case's grid is cut."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.model.case_model import CaseModel
from spinect_core.base.arrays import LabelArray
from spinect_core.image.planes import Reformatter


@dataclass(frozen=True)
class Window:
    """Grey values: ``width`` HU about ``level`` HU from black to white."""

    level: float
    width: float


WINDOWS = {
    "Bone": Window(400, 1800),
    "Soft tissue": Window(50, 400),
    "Nerve": Window(40, 350),
    "Disc": Window(70, 200),
    "Wide": Window(100, 1200),
}


class SliceState(QObject):
    """What the three pictures share: grey values, and how the case's grid is cut.

    Attributes:
        painted: the labels [z, y, x] while they are painted on; None while nobody does.
        others: those [z, y, x] that they are compared with; None without any.

    Signals:
        changed: grey values, or whether the region is shown.
        others_changed: they are compared with others.
    """

    changed = Signal()
    others_changed = Signal()

    def __init__(self, model: CaseModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.window = WINDOWS["Soft tissue"]
        self.show_region = False
        self.reformatter: Reformatter | None = None
        self.painted: LabelArray | None = None
        self.others: LabelArray | None = None
        self._model = model
        model.case_opened.connect(self._on_case)

    def set_window(self, window: Window) -> None:
        """Choose other grey values."""
        self.window = Window(window.level, max(window.width, 1.0))
        self.changed.emit()

    def set_show_region(self, show: bool) -> None:
        """Show or hide the region to segment."""
        self.show_region = show
        self.changed.emit()

    @property
    def labels(self) -> LabelArray | None:
        """The labels [z, y, x] to be shown; None without any."""
        labels = None if self._model.case is None else self._model.case.labels
        return None if labels is None else labels.array if self.painted is None else self.painted

    def set_others(self, others: LabelArray | None) -> None:
        """Show other labels beside those of the case, or none."""
        if others is not self.others:
            self.others = others
            self.others_changed.emit()

    def _on_case(self) -> None:
        self.painted = None
        case = self._model.case
        # A plan without its CT is cut on the grid of its labels, if it has any.
        shown = case is not None and (case.volume is not None or case.labels is not None)
        self.reformatter = Reformatter(case.geometry) if case is not None and shown else None
