"""The needle's own views: its numbers, the two planes that hold it, and the plane across it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QSplitter, QVBoxLayout, QWidget

from app.model.trajectories import Trajectories
from app.panels.frames import ViewFrame
from app.views.needle_plane_view import COLOURS, TITLES, Cut, NeedlePlaneView
from app.widgets import theme
from app.widgets.parts import ElidedLabel
from spinect_core.plan.live_wording import FOLLOWS_SHORT, nearest_organ_text, readout, rules_text
from spinect_core.plan.wording import Trajectory

COLUMNS = 4
"""Numbers side by side."""


class NeedleReadout(QFrame):
    """The numbers of the needle that is looked at; while it is dragged, those of where it is."""

    def __init__(self, trajectories: Trajectories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        self._trajectories = trajectories
        self.setAccessibleName("Numbers of the needle")
        grid = QGridLayout(self)
        grid.setContentsMargins(10, 4, 8, 4)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(1)
        self.title = ElidedLabel()
        self.title.setProperty("role", "title")
        grid.addWidget(self.title, 0, 0, 1, COLUMNS)
        self.values: dict[str, ElidedLabel] = {}
        for number, name in enumerate(readout(None)):
            row, column = 1 + 2 * (number // COLUMNS), number % COLUMNS
            heading = ElidedLabel(name)
            heading.setProperty("role", "muted")
            grid.addWidget(heading, row, column)
            self.values[name] = ElidedLabel()
            grid.addWidget(self.values[name], row + 1, column)
            grid.setColumnStretch(column, 1)
        last = 1 + 2 * (-(-len(self.values) // COLUMNS))
        self.rules = ElidedLabel()
        grid.addWidget(self.rules, last, 0, 1, COLUMNS)
        for signal in (trajectories.changed, trajectories.chosen_changed, trajectories.live_changed):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the present numbers, and say which of them follow."""
        current = self._trajectories.current
        held = current if current is not None and current.needle is not None else None
        safety = None if held is None or held.needle is None else held.needle.safety
        follows = FOLLOWS_SHORT if safety is not None and safety.live else ""
        self.title.setText("No needle" if held is None else f"{held.called}{follows}")
        for name, text in readout(held).items():
            self.values[name].setText(text)
            self.values[name].setToolTip(text)
        self._show_light(held)

    def _show_light(self, held: Trajectory | None) -> None:
        light = None if held is None else held.light
        theme.mark(self.values["Light"], "" if light is None else light.light)
        text = "" if held is None else rules_text(held)
        organ = "" if held is None else nearest_organ_text(held)
        bars = (
            held is not None and held.needle is not None and any(each.bars for each in held.needle.findings)
        )
        self.rules.setText(
            "" if held is None else f"Rules: {text}" + (f" · Organs: {organ}" if organ else "")
        )
        self.rules.setToolTip(self.rules.text())
        theme.mark(self.rules, "error" if bars else "")


class NeedlePlanes(QWidget):
    """Numbers above, and below them the three planes.

    Args:
        views: by plane.
        trajectories: the needle that is looked at.
    """

    def __init__(
        self,
        views: Mapping[Cut, NeedlePlaneView],
        trajectories: Trajectories,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.readout = NeedleReadout(trajectories)
        column.addWidget(self.readout)
        self.views = dict(views)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.frames: dict[Cut, ViewFrame] = {}
        for cut, view in views.items():
            frame = ViewFrame(TITLES[cut], COLOURS[cut], view)
            view.told.connect(frame.info.setText)
            frame.enlarge_wanted.connect(lambda cut=cut: self.enlarge(cut))
            self.frames[cut] = frame
            self.splitter.addWidget(frame)
        column.addWidget(self.splitter, 1)

    def enlarge(self, cut: Cut) -> None:
        """Show one plane alone, or all again."""
        alone = self.frames[cut].enlarge.isChecked()
        for other, frame in self.frames.items():
            frame.setVisible(other == cut or not alone)
            if other != cut:
                frame.enlarge.setChecked(False)
