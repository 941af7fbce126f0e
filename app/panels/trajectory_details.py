"""All that is known of the chosen trajectory, to read."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, QUrl
from PySide6.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from app.model.case_model import CaseModel
from app.model.trajectories import AGAIN, Trajectories
from app.panels.clearance_curve import ClearanceCurve
from app.widgets import palette, plain
from spinect_core.image.warning import NOTICED, RESERVED
from spinect_core.plan.records import NeedleRecord
from spinect_core.plan.wording import facts

FOLLOWS = "The curve follows once the needle is let go"


class Reading(QTextBrowser):
    """A text of this program's own tags; it opens nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.setOpenLinks(False)

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """No file, whatever is in the text."""
        return None


class TrajectoryDetails(QWidget):
    """Headings and texts."""

    def __init__(self, model: CaseModel, trajectories: Trajectories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._trajectories = model, trajectories
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.text = Reading()
        self.text.setAccessibleName("Details of the trajectory")
        column.addWidget(self.text, 1)
        trajectories.chosen_changed.connect(self.refresh)
        trajectories.changed.connect(self.refresh)
        trajectories.live_changed.connect(self.refresh)
        model.warnings_changed.connect(self.refresh)
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Its colours are in the text."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()

    def refresh(self) -> None:
        """Write it anew; only while it can be seen."""
        trajectory = self._trajectories.current
        if not self.isVisible() and trajectory is not None:
            return
        if trajectory is None:
            hint = (
                "Choose a trajectory to read about it" if self._trajectories.rows else "No trajectories yet"
            )
            self.text.setHtml(f"<p style='color:{palette.room().muted}'>{hint}</p>")
            return
        # One below the other: side by side neither has room enough in a narrow column.
        rows = "".join(
            (f"<p style='margin:6px 0 0 0; color:{palette.room().muted}'>{_text(head)}</p>" if head else "")
            + f"<p style='margin:0'>{_text(text)}</p>"
            for head, text in (*self._noticed(), *facts(trajectory, self._model.planning.landmarks))
        )
        self.text.setHtml(f"<b>{_text(trajectory.called)}</b>{rows}")

    def _noticed(self) -> tuple[tuple[str, str], ...]:
        """What reading noticed about the CT, before all that was found in it."""
        case = self._model.case
        every = () if case is None else sorted(case.warnings, key=lambda each: not each.grave)
        return tuple((RESERVED if each.grave else NOTICED, f"{each.text}.") for each in every)

    def showEvent(self, event: object) -> None:
        """Catch up."""
        self.refresh()


class TrajectoryCurve(ClearanceCurve):
    """The distances along the chosen needle, where bone and nerve are at hand."""

    def __init__(self, trajectories: Trajectories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trajectories = trajectories
        trajectories.chosen_changed.connect(self.refresh)
        trajectories.changed.connect(self.refresh)
        trajectories.live_changed.connect(self.refresh)
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Its colours are in the text."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()

    def refresh(self) -> None:
        """Measure anew; only while it can be seen."""
        trajectory = self._trajectories.current
        needle = None if trajectory is None or trajectory.needle is None else trajectory.needle.needle
        moved = trajectory is not None and trajectory.needle is not None and _moved(trajectory.needle)
        hidden = needle is None or moved or not self.isVisible()
        curve = None if needle is None or hidden else self._trajectories.curve(needle)
        if curve is None:
            again = needle is not None and self._trajectories.planner is None
            self.empty = FOLLOWS if moved else AGAIN if again else "Choose a trajectory that has a needle"
        self.show_clearance(curve)

    def showEvent(self, event: object) -> None:
        """Catch up."""
        self.refresh()


def _moved(record: NeedleRecord) -> bool:
    """Whether only that is known which is measured while a needle is moved."""
    return record.safety is not None and record.safety.live


def _text(text: str) -> str:
    """A text that is no tag, whatever is in it."""
    return escape(plain.wrapped(text, plain.NARROW)).replace("\n", "<br>")
