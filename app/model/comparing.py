"""Another set of labels that the present ones are compared with, and how that is shown. No widget here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal

from app.model.case import Case
from app.model.case_model import CaseModel
from app.model.slice_state import SliceState

if TYPE_CHECKING:
    from spinect_core.image.volume import Labels
    from spinect_core.pipeline.comparing import Compared
    from spinect_core.surfaces import Surfaces

FULL_MM = 3.0
"""From this distance on a surface has the last colour."""
RAMP = ((0.93, 0.91, 0.86), (0.99, 0.85, 0.35), (0.96, 0.47, 0.25), (0.72, 0.09, 0.46))
"""RGB at 0, 1, 2 and 3 mm: lighter is nearer, for eyes that tell red from green and for those that do not."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Another set of labels against those of the case.

    Attributes:
        labels: the other set, on the CT's grid.
        surfaces: of it.
        found: how well the two agree.
        moment: of the case's labels, see :attr:`~app.model.case_model.CaseModel.labels_moment`.
    """

    labels: Labels
    surfaces: Surfaces
    found: Compared
    moment: int


class Comparing(QObject):
    """The comparison of the open case.

    Args:
        model: the case.
        slices: show the other set.

    Attributes:
        comparison: None where there is nothing to compare with.
        colours: whether the surfaces show how far they lie from the others.

    Signals:
        changed: there is another comparison, or it is shown otherwise.
    """

    changed = Signal()

    def __init__(self, model: CaseModel, slices: SliceState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._slices = model, slices
        self.comparison: Comparison | None = None
        self.colours = True
        self._case: Case | None = None
        model.case_opened.connect(self._on_case)
        model.labels_changed.connect(self.changed)
        model.surfaces_changed.connect(self.changed)

    @property
    def possible(self) -> bool:
        """Whether there are labels on their CT, with their surfaces."""
        case = self._model.case
        ready = case is not None and case.volume is not None and case.labels is not None
        return ready and case is not None and case.surfaces is not None and self._model.surfaces_current

    @property
    def current(self) -> bool:
        """Whether it is of the present labels, and not of those before they were changed."""
        return self.comparison is not None and self.comparison.moment == self._model.labels_moment

    @property
    def coloured(self) -> bool:
        """Whether the surfaces show distances just now."""
        return self.colours and self.current and self._model.surfaces_current

    def take(self, comparison: Comparison | None) -> None:
        """Show a comparison, or none."""
        self.comparison = comparison
        self._slices.set_others(None if comparison is None else comparison.labels.array)
        self.changed.emit()

    def set_colours(self, on: bool) -> None:
        """Show distances as colours on the surfaces, or the usual colours."""
        self.colours = on
        self.changed.emit()

    def go_to_worst(self, tissue: int) -> None:
        """Put the cross-hair where the two sets of bone (1) or nerve (2) lie farthest apart."""
        found = None if self.comparison is None else self.comparison.found.tissues.get(tissue)
        if found is not None and found.worst is not None:
            self._model.set_cursor(found.worst)

    def _on_case(self) -> None:
        if self._case is not self._model.case:  # else it was given its CT
            self._case = self._model.case
            self.take(None)


def colour_table(steps: int) -> npt.NDArray[np.float64]:
    """RGB 0 to 1 (steps, 3) of distances from 0 to :data:`FULL_MM`."""
    at = np.linspace(0, len(RAMP) - 1, steps)
    return np.stack([np.interp(at, np.arange(len(RAMP)), channel) for channel in np.transpose(RAMP)], axis=-1)
