"""Measuring the same again, blind: nothing that was measured is shown until all repeats are drawn."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.model.case import Drawn, Measurement
from app.model.case_model import CaseModel
from app.model.measuring import Measuring
from app.model.trajectories import Trajectories
from spinect_core.geometry.figure import Figure
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.plan.repeats import FEWEST_REPEATS, MOST_REPEATS, same_thing

USUAL_REPEATS = 3


class Repeating(QObject):
    """One measurement that is drawn several times more.

    Meanwhile no measurement, number or trajectory is shown, and each repeat begins from the same look: straight from
    behind, the whole case, the cross-hair in its middle.

    Args:
        model: the repeats become part of the measurement, as one step of the history.
        measuring: draws them.
        trajectories: none is looked at meanwhile, as its zone would show where the corners lay.

    Attributes:
        count: repeats to be drawn.
        done: those drawn so far.

    Signals:
        changed: it began, went on or ended.
        look_reset: the views are to show the whole case.
        said: a sentence for the user.
        ended: the repeats are there; the key of the measurement.
    """

    changed = Signal()
    look_reset = Signal()
    said = Signal(str)
    ended = Signal(int)

    def __init__(
        self,
        model: CaseModel,
        measuring: Measuring,
        trajectories: Trajectories,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._measuring, self._trajectories = model, measuring, trajectories
        self._of: Measurement | None = None
        self.count = USUAL_REPEATS
        self.done: list[Drawn] = []
        model.case_opened.connect(self.stop)
        model.measurements_changed.connect(self._on_change)

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self._of is not None

    @property
    def text(self) -> str:
        """What is drawn now."""
        if self._of is None:
            return ""
        return f"Blind: {self._of.name}, {len(self.done) + 1} of {self.count}"

    def start(self, key: int | None, count: int) -> None:
        """Begin to draw a measurement again.

        Args:
            key: of the measurement.
            count: how often, from 2 to 10.
        """
        of = self._model.find(key)
        if of is None or not FEWEST_REPEATS <= count <= MOST_REPEATS:
            return
        self._of, self.count, self.done = of, count, []
        self._measuring.hide(True, self._take)
        self._model.select(None)
        self._trajectories.choose("")
        self._next()

    def draw(self) -> None:
        """Take the tool in hand for the next repeat."""
        if self._of is None:
            return
        drawn = self._of.drawn
        self._measuring.side = str(drawn.side) if isinstance(drawn, Triangle) else "auto"
        self._measuring.start(drawn.kind)

    def stop(self) -> None:
        """End before all are drawn; those drawn so far are kept where they are two or more."""
        of, done = self._of, self.done
        if of is None:
            return
        self._leave()
        if len(done) >= FEWEST_REPEATS and self._model.find(of.key) is not None:
            self._keep(of, done)
        else:
            self.said.emit("Nothing was kept: fewer than two repeats were drawn.")

    def _take(self, drawn: Drawn) -> None:
        of = self._of
        if of is None:
            return
        if not same_thing(of.drawn, drawn):
            where = of.drawn.plane if isinstance(of.drawn, Figure) else None
            place = "3D view" if where is None else f"{where} slice"
            self.said.emit(f"This one does not count: draw it in the {place}, as the first time.")
            self.changed.emit()
            return
        self.done = [*self.done, drawn]
        if len(self.done) < self.count:
            self._next()
            return
        done = self.done
        self._leave()
        self._keep(of, done)

    def _keep(self, of: Measurement, done: list[Drawn]) -> None:
        self._model.repeat(of.key, tuple(done))
        self.said.emit(f"{of.name} was measured again {len(done)} times.")
        self.ended.emit(of.key)

    def _leave(self) -> None:
        self._of, self.done = None, []
        self._measuring.hide(False)
        self.changed.emit()

    def _next(self) -> None:
        """The same look for every repeat."""
        case = self._model.case
        self._model.set_view(View(0.0))
        if case is not None:
            self._model.set_cursor(case.geometry.centre if case.region is None else case.region.centre)
        self.look_reset.emit()
        self.changed.emit()
        self.said.emit(
            "What was measured is hidden. Turn or scroll to where you want to measure, then press Draw."
        )

    def _on_change(self) -> None:
        """A step back has taken the measurement away, or changed what is repeated."""
        if self._of is not None and self._model.find(self._of.key) is not self._of:
            self._leave()  # a step of the history is going on: nothing can become one
            self.said.emit("Measuring again has ended: the measurement was changed.")
