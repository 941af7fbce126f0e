"""The guided tour: what this program is about, step by step in its own window, each step done by whoever takes it.

A step is recognised by what the window knows afterwards, not by which button was pressed. No widgets here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QSettings, Signal

from app.model.case import triangles_of
from app.model.flow import Step
from app.model.state import State
from spinect_core.base.words import Author, Kind
from spinect_core.geometry.view import View

KEY = "tour/step"
SCROLLED_MM = 15.0
TURNED_DEGREES = 15.0
OBLIQUE = (20.0, 50.0)
FLAT_DEGREES, TILTED_DEGREES = 3.0, 8.0
ALONG_DEGREES = 1.0


@dataclass(frozen=True)
class Stop:
    """A step of the tour.

    Attributes:
        title: of it.
        text: what to do, and why.
        needs: whether the trajectories of a case have to be there.
    """

    title: str
    text: str
    needs: bool = True


STOPS: tuple[Stop, ...] = (
    Stop(
        "A CT of the lower back",
        "A needle is to reach the nerve root L5, where it leaves the spine between L5 and S1. Open the demo case: "
        "File, Open demo case. The program then works for some minutes; the next steps can be done meanwhile.",
        needs=False,
    ),
    Stop(
        "Slices",
        "An axial slice cuts across the body; the patient's left is on the right of the picture. Turn the wheel over "
        "the axial slice and go up and down through the disc between L5 and S1. On each side of it is a hole in the "
        "bone, the foramen, with the root L5 in it.",
        needs=False,
    ),
    Stop(
        "Segmentation",
        "A network tells for every voxel whether it is bone, nerve or neither. Wait until it is done: bone is blue on "
        "the slices, nerve yellow. It may err, so a person checks it before anything else.",
        needs=False,
    ),
    Stop(
        "Trajectories",
        "The program looks at two triangles on each side through which a needle reaches the root, from more than a "
        "thousand directions each. Wait for the table of trajectories below.",
        needs=False,
    ),
    Stop(
        "In three dimensions",
        "Drag over the 3D view with the left mouse button: you walk around the patient, who lies on the belly. Bone "
        "hides the foramen from most sides.",
    ),
    Stop(
        "Why the axial way is blocked",
        "Many needles are placed within one axial slice, without any tilt. Choose the left Kambin triangle in the "
        "table. Then unfold Line of sight in the left column and set Oblique to 30 left and Tilt to 0. Bone stands "
        "before the triangle.",
    ),
    Stop(
        "The oblique view",
        "Now tilt towards the head: set Tilt to 20 or more, or drag in the 3D view, until a coloured area opens. This "
        "is the window that a needle can go through; its area is shown above the picture.",
    ),
    Stop(
        "The second triangle",
        "The Kambin triangle lies below the root, the safe triangle above it, under the pedicle of L5. Choose the safe "
        "triangle of the same side in the table and compare.",
    ),
    Stop(
        "Measuring",
        "Measure what you see: in the tab Triangles choose a kind, and click three corners in the 3D view. The area "
        "counts along your line of sight, in mm².",
    ),
    Stop(
        "The needle",
        "Choose a trajectory with a needle in the table and press N: you look down the needle, as through a C-arm. "
        "Everything the needle would touch lies in the middle of the picture.",
    ),
    Stop(
        "The risk",
        "How far may a hand deviate before the needle touches bone or nerve? The light in the table says how much care "
        "a trajectory needs. Go to the step Check in the tool bar: what is written there, a person has to confirm.",
    ),
)


class Tour(QObject):
    """Where somebody is on the tour; it can be left and taken up again, also after a new start.

    Args:
        state: of the window.
        settings: where the place is kept.

    Attributes:
        number: of the step that is shown, from 0; None while nobody takes the tour.
        done: whether it was recognised.

    Signals:
        changed: another step, or the step was done.
    """

    changed = Signal()

    def __init__(self, state: State, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._settings = state, settings
        self.number: int | None = None
        self.done = False
        self._later = 0
        self._low = self._high = 0.0
        self._view = View(0.0)
        model = state.model
        for signal in (
            model.case_opened,
            model.labels_changed,
            model.cursor_moved,
            model.view_changed,
            model.measurements_changed,
            state.trajectories.changed,
            state.trajectories.chosen_changed,
            state.present.changed,
            state.flow.changed,
        ):
            signal.connect(self.look)

    @property
    def stop(self) -> Stop | None:
        """The step that is shown."""
        return None if self.number is None else STOPS[self.number]

    @property
    def kept(self) -> int:
        """The step at which the tour was left; 0 where it was not begun, or was finished."""
        stored = str(self._settings.value(KEY, "0"))
        number = int(stored) if stored.isdecimal() else 0
        return number if number < len(STOPS) else 0

    def start(self) -> None:
        """Begin, or go on where it was left; what that needs is done first."""
        self._later = self.kept
        ready = not STOPS[self._later].needs or bool(self._state.trajectories.rows)
        self._show(self._later if ready else 0)

    def leave(self) -> None:
        """Leave it; it begins at this step next time."""
        self.number = None
        self.changed.emit()

    def next(self) -> None:
        """On to the next step, whether this one was done or not; the last one ends the tour."""
        if self.number is None:
            return
        after = self.number + 1
        if self._later > after and (not STOPS[self._later].needs or self._state.trajectories.rows):
            after = self._later
        if after < len(STOPS):
            self._show(after)
            return
        self._settings.setValue(KEY, "0")
        self.leave()

    def back(self) -> None:
        """To the step before."""
        if self.number:
            self._later = 0
            self._show(self.number - 1)

    def look(self) -> None:
        """See whether the step that is shown was done."""
        if self.number is None:
            return
        z = float(self._state.model.cursor[2])
        self._low, self._high = min(self._low, z), max(self._high, z)
        if not self.done and self._recognised[self.number]():
            self.done = True
            self.changed.emit()

    def _show(self, number: int) -> None:
        self.number, self.done = number, False
        self._low = self._high = float(self._state.model.cursor[2])
        self._view = self._state.model.view
        self._settings.setValue(KEY, str(max(number, self._later)))
        self.changed.emit()
        self.look()

    # ------------------------------------------------------------------------------------------------ what is done

    @property
    def _recognised(self) -> tuple[Callable[[], bool], ...]:
        return (
            lambda: self._state.model.case is not None,
            lambda: self._high - self._low >= SCROLLED_MM,
            lambda: self._state.model.labels_1mm is not None,
            lambda: bool(self._state.trajectories.rows),
            lambda: self._state.model.view.angle_to(self._view) >= TURNED_DEGREES,
            self._axial,
            self._tilted,
            lambda: self._chosen == Kind.SAFE,
            self._measured,
            self._along,
            lambda: self._state.flow.step == Step.CHECK,
        )

    @property
    def _chosen(self) -> Kind | None:
        current = self._state.trajectories.current
        return None if current is None else current.kind

    @property
    def _oblique(self) -> bool:
        low, high = OBLIQUE
        return low <= abs(self._state.model.view.azimuth) <= high

    def _axial(self) -> bool:
        flat = abs(self._state.model.view.elevation) <= FLAT_DEGREES
        return self._chosen == Kind.KAMBIN and self._oblique and flat

    def _tilted(self) -> bool:
        window = self._state.present.window
        tilted = self._state.model.view.elevation >= TILTED_DEGREES
        return tilted and window is not None and window.open

    def _measured(self) -> bool:
        return any(each.author == Author.USER for each in triangles_of(self._state.model.measurements))

    def _along(self) -> bool:
        current = self._state.trajectories.current
        if current is None or current.needle is None:
            return False
        return bool(np.isfinite(current.needle.needle.depth_mm)) and (
            self._state.model.view.angle_to(current.needle.needle.view) < ALONG_DEGREES
        )
