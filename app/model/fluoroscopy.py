"""What a C-arm would show of the open CT in the present view, computed beside the window's thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QTimer, Signal

from app.model.case import triangles_of
from app.model.case_model import CaseModel
from app.model.jobs import Job
from app.model.trajectories import Trajectories
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import SpinectError
from spinect_core.base.progress import Cancel, Progress
from spinect_core.base.words import DetectorSide, Side
from spinect_core.geometry.exposure import Exposure, Fluoroscope
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View

if TYPE_CHECKING:
    from spinect_core.anatomy.landmarks import Landmarks
    from spinect_core.image.volume import Volume
    from spinect_core.pictures.fluoroscopy import Attenuation, Marks, ScottyDog
    from spinect_core.planning.needle.needle import Needle

FIELDS_MM = (298.0, 200.0, 150.0)
"""Of the detector, as the usual C-arms let one choose them; the middle one shows L4 to S2."""
APART_MS = 30
"""Between one picture and the next, so that the window has its turn."""


class Stand(StrEnum):
    """Where the C-arm stands."""

    VIEW = "view"
    BEHIND = "behind"
    SIDE = "side"


@dataclass(frozen=True, eq=False)
class Taken:
    """A picture that was taken.

    Attributes:
        exposure: how.
        grey: uint8 [row, column], hatched where the CT ends.
        cut: whether it is hatched anywhere.
        outline: lines (n, 2) round the Scotty dog, in pixels.
        names: what its parts are called, and where, in pixels.
        told: what of the dog is not outlined, and why; empty where all is, and where there is no dog to see.
    """

    exposure: Exposure
    grey: npt.NDArray[np.uint8]
    cut: bool
    outline: tuple[FloatArray, ...] = ()
    names: tuple[tuple[str, tuple[float, float]], ...] = ()
    told: str = ""


@dataclass(frozen=True, eq=False)
class _Asked:
    """All that a picture depends on.

    Attributes:
        volume: the CT.
        exposure: how it is taken.
        bright_bone: as on a film.
        landmarks: with the names of the parts of bone; None where there are none at hand.
        bone: LPS mm (n, 3) of its surface.
        side: of the dog; empty without one.
    """

    volume: Volume
    exposure: Exposure
    bright_bone: bool
    landmarks: Landmarks | None
    bone: FloatArray | None
    side: str

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for what gives the same picture."""
        one = self.exposure
        place = tuple(one.target.tolist())
        dog = (id(self.landmarks), self.side)
        return id(self.volume), one.view, place, one.fluoroscope, self.bright_bone, dog


class Fluoroscopy(QObject):
    """Takes a picture whenever the view changes, one at a time; the last one asked for is always taken.

    Args:
        model: the case and the view.
        trajectories: the one that is looked at is in the middle.

    Attributes:
        shown: whether anybody looks; nothing is computed otherwise.
        device: the C-arm.
        stand: in the present view, or where the tip is looked at.
        bright_bone: bone bright as on a film.
        picture: the last one taken; None before the first, and without a CT.
        fault: why none can be taken; empty if it can.

    Signals:
        changed: shown, device, brightness, or what is marked.
        taken: another picture, or none.
    """

    changed = Signal()
    taken = Signal()

    def __init__(self, model: CaseModel, trajectories: Trajectories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._trajectories = model, trajectories
        self.shown, self.bright_bone = False, False
        self.device = Fluoroscope(detector_mm=FIELDS_MM[1])
        self.stand = Stand.VIEW
        self.picture: Taken | None = None
        self.fault = ""
        self._job: Job | None = None
        self._asked: _Asked | None = None
        self._done: tuple[object, ...] | None = None
        self._found: list[tuple[Attenuation, ScottyDog | None, Taken]] = []
        self._ready: tuple[Volume, Attenuation] | None = None
        self._dog: tuple[tuple[object, ...], ScottyDog] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(APART_MS)
        self._timer.timeout.connect(self._take)
        model.case_opened.connect(self._on_case)
        for signal in (
            model.selection_changed,
            model.measurements_changed,
            trajectories.chosen_changed,
            trajectories.changed,
        ):
            signal.connect(self.changed)  # other marks on the same picture
            signal.connect(self._want)
        for signal in (model.view_changed, model.cursor_moved, model.surfaces_changed):
            signal.connect(self._want)

    # ------------------------------------------------------------------------------------------------- the C-arm

    def show(self, on: bool) -> None:
        """Look, or look no more."""
        if on != self.shown:
            self.shown = on
            self.changed.emit()
            self._want()

    def set_detector(self, detector: DetectorSide) -> None:
        """Put the detector to the viewer, or opposite."""
        self._set(replace(self.device, detector=detector))

    def set_source(self, mm: float) -> None:
        """Choose the distance from source to target, which magnifies more the shorter it is."""
        self._set(replace(self.device, source_to_target_mm=mm))

    def set_field(self, mm: float) -> None:
        """Choose the field of the detector."""
        self._set(replace(self.device, detector_mm=mm))

    def set_stand(self, stand: Stand) -> None:
        """Follow the present view, or stay behind the patient or at the side of the needle."""
        if stand != self.stand:
            self.stand = stand
            self.changed.emit()
            self._want()

    def set_bright_bone(self, on: bool) -> None:
        """Show bone bright, or dark."""
        if on != self.bright_bone:
            self.bright_bone = on
            self.changed.emit()
            self._want()

    def _set(self, device: Fluoroscope) -> None:
        if device != self.device:
            self.device = device
            self.changed.emit()
            self._want()

    # ----------------------------------------------------------------------------------------------- what is seen

    @property
    def needle(self) -> Needle | None:
        """Of the trajectory that is looked at."""
        current = self._trajectories.current
        return None if current is None or current.needle is None else current.needle.needle

    @property
    def triangle(self) -> Triangle | None:
        """The one that is selected; else that of the trajectory that is looked at."""
        selected = self._model.find(self._model.selected)
        if selected is not None and isinstance(selected.drawn, Triangle):
            return selected.drawn
        current = self._trajectories.current
        if current is None:
            return None
        mine = (current.kind, current.side, current.level)
        found = triangles_of(self._model.measurements)
        return next((each for each in found if (each.kind, each.side, each.level) == mine), None)

    @property
    def target(self) -> FloatArray:
        """LPS mm (3,) of the middle of the picture: needle's tip, middle of the triangle, or the cross-hair."""
        needle, triangle = self.needle, self.triangle
        current = self._trajectories.current
        if needle is not None:
            return np.asarray(needle.target, dtype=np.float64)
        if current is not None and current.target is not None:
            return np.asarray(current.target, dtype=np.float64)
        if triangle is not None:
            return np.asarray(triangle.vertices.mean(axis=0))
        return self._model.cursor

    @property
    def side(self) -> Side:
        """Of what is looked at: the trajectory's, the triangle's, else that on which the cross-hair lies."""
        current, triangle = self._trajectories.current, self.triangle
        if current is not None:
            return current.side
        if triangle is not None:
            return triangle.side
        return Side.LEFT if self._model.cursor[0] >= 0 else Side.RIGHT

    @property
    def view(self) -> View:
        """In which the C-arm looks."""
        if self.stand == Stand.VIEW:
            return self._model.view
        return View(0.0) if self.stand == Stand.BEHIND else View.oblique(self.side, 90.0)

    @property
    def exposure(self) -> Exposure:
        """The one that is wanted now."""
        return Exposure(self.view, self.target, self.device)

    @property
    def along(self) -> Exposure:
        """The one in the present view, wherever the C-arm stands."""
        return Exposure(self._model.view, self.target, self.device)

    @property
    def tip_words(self) -> str:
        """Where the needle's tip lies, as far as that is judged from where the C-arm stands; else empty."""
        from spinect_core.plan.tip_wording import front_words, side_words

        current = self._trajectories.current
        tip = None if current is None or current.needle is None else current.needle.tip
        if tip is None or self.stand == Stand.VIEW:
            return ""
        if self.stand == Stand.BEHIND:
            return "" if tip.front is None else f"Tip: {front_words(tip.front)}"
        return "" if tip.side is None else f"Tip: {side_words(tip.side)}"

    @property
    def without_ct(self) -> bool:
        """Whether a case is open, but not its CT."""
        return self._model.case is not None and self._model.case.volume is None

    def marks(self) -> Marks:
        """What is drawn on a finished picture."""
        from spinect_core.pictures.fluoroscopy import Marks

        triangle = self.triangle
        dog = None if self._dog is None else self._dog[1]
        return Marks(self.needle, () if triangle is None else (triangle,), dog)

    def attenuation(self) -> Attenuation | None:
        """The open CT made ready; None before the first picture of it."""
        case = self._model.case
        mine = self._ready is not None and case is not None and self._ready[0] is case.volume
        return self._ready[1] if mine and self._ready is not None else None

    # --------------------------------------------------------------------------------------------------- taking

    def finish(self) -> None:
        """Wait for what is being computed; called once, when the window closes."""
        self.shown = False
        self._timer.stop()
        if self._job is not None:
            self._job.cancel.set()
            self._job.wait()

    def _on_case(self) -> None:
        self._ready = self._dog = self._done = None
        self.picture, self.fault = None, ""
        self.taken.emit()
        self._want()

    def _want(self) -> None:
        if self.shown and self._job is None and not self._timer.isActive():
            self._timer.start()

    def _now(self) -> _Asked | None:
        case, plan = self._model.case, self._trajectories.plan
        if case is None or case.volume is None:
            return None
        current, triangle = self._trajectories.current, self.triangle
        side = current.side if current is not None else "" if triangle is None else triangle.side
        ready = plan is not None and case.surfaces is not None and side
        landmarks = plan.landmarks if plan is not None and ready else None
        bone = np.asarray(case.surfaces.bone.points) if case.surfaces is not None and ready else None
        return _Asked(case.volume, self.exposure, self.bright_bone, landmarks, bone, side if ready else "")

    def _take(self) -> None:
        """Take the picture that is wanted now, unless it is the one that was taken last."""
        asked = self._now() if self.shown and self._job is None else None
        if asked is None or asked.key == self._done:
            return
        attenuation = self.attenuation()
        dog_key = (id(asked.landmarks), asked.side)
        dog = self._dog[1] if self._dog is not None and self._dog[0] == dog_key else None
        found = self._found = []

        def work(_progress: Progress, cancel: Cancel) -> None:
            found.append(_taken(asked, attenuation, dog, cancel))

        self._asked = asked
        self._job = Job(work, self)
        self._job.failed.connect(self._on_failed)
        self._job.finished.connect(self._on_finished)
        self._job.start()

    def _on_failed(self, error: SpinectError) -> None:
        self.fault = f"{error.fault}. {error.remedy}."

    def _on_finished(self) -> None:
        if self._job is None or self._asked is None:
            return
        self._job.deleteLater()
        self._job = None
        asked, case = self._asked, self._model.case
        if case is not None and case.volume is asked.volume:
            self._done = asked.key
            if self._found:
                attenuation, dog, self.picture = self._found[0]
                self.fault = ""
                self._ready = (asked.volume, attenuation)
                self._dog = None if dog is None else ((id(asked.landmarks), asked.side), dog)
            else:
                self.picture = None
            self.taken.emit()
        self._found = []
        self._want()


def _taken(
    asked: _Asked, attenuation: Attenuation | None, dog: ScottyDog | None, cancel: Cancel
) -> tuple[Attenuation, ScottyDog | None, Taken]:
    """Take a picture; in any thread."""
    from spinect_core.pictures.fluoroscopy import Attenuation, ScottyDog, cut_off, displayed, line_integrals
    from spinect_core.pictures.fluoroscopy.picture import hatched

    ready = attenuation or Attenuation.of(asked.volume, cancel=cancel)
    if dog is None and asked.landmarks is not None and asked.bone is not None:
        dog = ScottyDog.of(asked.landmarks, asked.bone, asked.side)
    exposure = asked.exposure
    cut = cut_off(ready, exposure)
    grey = displayed(line_integrals(ready, exposure), cut, bright_bone=asked.bright_bone)
    lines: tuple[FloatArray, ...] = ()
    names: tuple[tuple[str, tuple[float, float]], ...] = ()
    told = ""
    if dog is not None and dog.is_seen_in(exposure.view):
        lines = tuple(dog.outline(exposure))
        told = dog.told
        if lines:
            names = tuple((part.words, (float(x), float(y))) for part, (x, y) in dog.names(exposure).items())
    return ready, dog, Taken(exposure, hatched(grey, cut), bool(cut.any()), lines, names, told)
