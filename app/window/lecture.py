"""Present mode for a lecture: the 3D view alone in large type, and named views stepped through with keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QToolBar, QWidget

from app.widgets import palette, plain
from app.widgets.parts import Label
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS, View

if TYPE_CHECKING:
    from app.window.parts import PlannerParts

CAPTION_PIXELS = 30
EDGE = 24
NEXT, BEFORE = ("PgDown", "Right"), ("PgUp", "Left")


@dataclass(frozen=True)
class NamedView:
    """A view that is stepped to.

    Attributes:
        name: shown in large type.
        view: the line of sight.
        key: of the trajectory that is chosen with it; empty for none.
    """

    name: str
    view: View
    key: str = ""


class Lecture(QObject):
    """Shows the 3D view alone, and steps through views.

    Args:
        window: the planner's.

    Attributes:
        on: whether it is shown.
        caption: the name of the view, in large type.
    """

    def __init__(self, window: PlannerParts) -> None:
        super().__init__(window)
        self._window = window
        self.on = False
        self._number = -1
        self._hidden: list[QWidget] = []
        self._full = False
        self.caption = Label("")
        self.caption.setParent(window)
        self.caption.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.caption.setStyleSheet(
            f"font-size: {CAPTION_PIXELS}px; font-weight: 600; padding: 8px 16px; {palette.OVER_PICTURES}"
        )
        self.caption.hide()
        self._keys = [self._key(keys, step) for step, every in ((1, NEXT), (-1, BEFORE)) for keys in every]
        leave = QShortcut(QKeySequence("Esc"), window)
        leave.activated.connect(self.leave)
        self._keys.append(leave)
        for each in self._keys:
            each.setEnabled(False)
        window.installEventFilter(self)

    def _key(self, keys: str, step: int) -> QShortcut:
        made = QShortcut(QKeySequence(keys), self._window)
        made.activated.connect(lambda: self.step(step))
        return made

    @property
    def views(self) -> tuple[NamedView, ...]:
        """The usual views, then those of the trajectories and of the triangles that were measured."""
        state = self._window.state
        usual = [NamedView(f"{name[0].upper()}{name[1:]}", view) for name, view in PRESETS.items()]
        found = [
            NamedView(f"{each.called}: {each.view.words}", each.view, each.key)
            for each in state.trajectories.rows
            if each.view is not None
        ]
        drawn = [
            NamedView(f"{each.name}: {each.drawn.view.words}", each.drawn.view)
            for each in state.model.measurements
            if isinstance(each.drawn, Triangle) or each.drawn.plane is None
        ]
        return (*usual, *found, *drawn)

    def toggle(self) -> None:
        """Begin or end."""
        if self.on:
            self.leave()
        else:
            self.begin()

    def begin(self) -> None:
        """Show the 3D view alone; nothing where no case is open."""
        window = self._window
        if self.on or window.model.case is None:
            return
        self.on, self._number = True, -1
        self._full = window.isFullScreen()
        frames = {**window.frames, "fluoroscopy": window.fluoroscopy_frame}
        others = [frame for name, frame in frames.items() if name != "3d"]
        bars: list[QWidget] = [*window.findChildren(QToolBar)]
        around: list[QWidget] = [window.menuBar(), window.statusBar(), window.side, window.dock, window.right]
        self._hidden = [each for each in (*around, *bars, *others) if each.isVisibleTo(window)]
        for each in self._hidden:
            each.hide()
        for key in self._keys:
            key.setEnabled(True)
        window.showFullScreen()
        self._tell("Page down and up step through the views, Esc ends")

    def leave(self) -> None:
        """Show all again."""
        if not self.on:
            return
        self.on = False
        for each in self._hidden:
            each.show()
        self._hidden = []
        for key in self._keys:
            key.setEnabled(False)
        self.caption.hide()
        if not self._full:
            self._window.showNormal()

    def step(self, by: int) -> None:
        """On to the next view, or back; after the last comes the first."""
        views = self.views
        if not self.on or not views:
            return
        self._number = (self._number + by) % len(views) if self._number >= 0 or by > 0 else len(views) - 1
        shown = views[self._number]
        state = self._window.state
        if shown.key:
            state.trajectories.choose(shown.key)
        state.model.set_view(shown.view)
        self._tell(f"{self._number + 1} / {len(views)}   {shown.name}")

    def _tell(self, text: str) -> None:
        self.caption.setText(plain.line(text, plain.LONGEST))
        self._place()
        self.caption.show()
        self.caption.raise_()

    def _place(self) -> None:
        self.caption.adjustSize()
        # At the right: the scale bar is at the left, a letter in the middle.
        window = self._window
        self.caption.move(
            window.width() - self.caption.width() - EDGE, window.height() - self.caption.height() - EDGE
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the caption in its corner."""
        if self.on and event.type() == QEvent.Type.Resize:
            self._place()
        return False
