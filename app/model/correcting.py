"""Correcting the labels by hand: what is painted with, and the gesture that is under way. No widget here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.case_model import CaseModel
from app.model.slice_state import SliceState
from spinect_core.base.arrays import BoolArray, FloatArray, LabelArray
from spinect_core.base.errors import SpinectError
from spinect_core.image.planes import Plane
from spinect_core.image.volume import BONE, CLASS_NAMES, NERVE

if TYPE_CHECKING:
    from spinect_core.image.editing import Box, Cut, Stroke
    from spinect_core.image.volume import Labels
    from spinect_core.pipeline.rechecking import Rechecked

SIZES_MM = (1.0, 30.0)
"""Least and greatest diameter of the brush."""
USUAL_MM = 4.0
STEP_MM = 0.5
"""The brush grows by so much, or by a tenth where that is more."""


class Tool(StrEnum):
    """What the left button does in the slices."""

    BRUSH = "brush"
    ERASER = "eraser"
    FILL = "fill"
    KEEP = "keep"
    REMOVE = "remove"
    SMOOTH = "smooth"
    TRACE = "trace"


WITH_SIZE = frozenset({Tool.BRUSH, Tool.ERASER, Tool.SMOOTH, Tool.TRACE})
"""Tools that are as wide as the brush."""
DONE = {
    Tool.BRUSH: "paint {}",
    Tool.ERASER: "erase {}",
    Tool.FILL: "fill a hole with {}",
    Tool.KEEP: "keep one piece of {}",
    Tool.REMOVE: "remove a piece of {}",
    Tool.SMOOTH: "smooth {}",
    Tool.TRACE: "trace a root",
}
"""What the history calls them."""
BETWEEN = "interpolate {}"
TWO_SLICES = (
    "Paint the same structure in two slices of one plane first, with at least one slice between them."
)
OUTSIDE = "Nothing changed: labels are corrected within the segmented region alone."


@dataclass(frozen=True, eq=False)
class Wanted:
    """Something that takes longer than a window may be silent.

    Attributes:
        text: what the history calls it.
        strokes: finds what changes.
    """

    text: str
    strokes: Callable[[], list[Stroke]]


@dataclass(frozen=True, eq=False)
class _Drawn:
    """An outline that was painted in a slice: the plane and the number of the cut, what with, and where."""

    plane: Plane
    number: int
    tissue: int
    box: Box
    mask: BoolArray
    moment: int


class _Gesture:
    """A brush on its way through a slice."""

    def __init__(self, tool: Tool, plane: Plane, number: int, cut: Cut | None, labels: Labels) -> None:
        self.tool, self.plane, self.number, self.cut, self.labels = tool, plane, number, cut, labels
        self.last: FloatArray | None = None
        self._parts: list[tuple[Box, BoolArray]] = []

    def add(self, box: Box, mask: BoolArray) -> None:
        """A part of the way."""
        self._parts.append((box, mask))

    def whole(self) -> tuple[Box, BoolArray] | None:
        """All of it; None outside of the grid."""
        return _joined(self._parts)


class Correcting(QObject):
    """The tools that correct labels in the slices.

    Args:
        model: the case.
        slices: what the slices share.

    Attributes:
        on: whether they are at hand.
        tool: the one that has the left button; None for the cross-hair.
        tissue: the label that it paints.
        size_mm: diameter of the brush.
        ball: whether the brush is a ball, and not a disc in the slice.
        spare: whether the brush leaves the other label as it is.
        rechecked: the needles of the plan that was put aside, on the present labels; none until they were measured.
        begun: LPS mm (3,) of the first of the two points between which a root is traced.

    Signals:
        changed: the tool, or what it does.
        painted: the labels in the slices, while a gesture is under way; the plane, or None for all.
        wanted: a :class:`Wanted` is to be done.
        said: a sentence for the status bar.
    """

    changed = Signal()
    painted = Signal(object)
    wanted = Signal(object)
    said = Signal(str)

    def __init__(self, model: CaseModel, slices: SliceState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._slices = model, slices
        self.on = False
        self.tool: Tool | None = None
        self.tissue = NERVE
        self.size_mm = USUAL_MM
        self.ball = False
        self.spare = True
        self.begun: FloatArray | None = None
        self.rechecked: tuple[Rechecked, ...] = ()
        self._gesture: _Gesture | None = None
        self._drawn: list[_Drawn] = []
        model.case_opened.connect(self._on_case)
        model.labels_changed.connect(self._on_labels)

    # ------------------------------------------------------------------------------------------------- what with

    @property
    def possible(self) -> bool:
        """Whether there are labels and their CT."""
        case = self._model.case
        return case is not None and case.volume is not None and case.labels is not None

    def open(self, on: bool) -> None:
        """Bring the tools, or put them away."""
        self.on = on
        self.choose(None)

    def choose(self, tool: Tool | None) -> None:
        """Take a tool; None gives the mouse back to the cross-hair."""
        self.give_up()
        self.tool = tool if self.on and self.possible else None
        self.changed.emit()

    def paint(self, tissue: int) -> None:
        """Paint bone (1) or nerve (2)."""
        self.give_up()
        self.tissue = tissue
        self.changed.emit()

    def swap(self) -> None:
        """Paint the other label."""
        self.paint(NERVE if self.tissue == BONE else BONE)

    def set_size(self, mm: float) -> None:
        """Make the brush so wide."""
        self.size_mm = float(np.clip(mm, *SIZES_MM))
        self.changed.emit()

    def grow(self, sign: int) -> None:
        """Make the brush a little wider (1) or narrower (-1)."""
        step = max(STEP_MM, round(self.size_mm / 10 / STEP_MM) * STEP_MM)
        self.set_size(self.size_mm + sign * step)

    def set_ball(self, on: bool) -> None:
        """Paint a ball, or a disc in the slice."""
        self.ball = on
        self.changed.emit()

    def set_spare(self, on: bool) -> None:
        """Leave the other label as it is, or paint over it; a stroke that is under way would be half of each."""
        self.give_up()
        self.spare = on
        self.changed.emit()

    @property
    def name(self) -> str:
        """What the painted label is called."""
        return CLASS_NAMES[self.tissue]

    # -------------------------------------------------------------------------------------------------- gestures

    @property
    def at_work(self) -> bool:
        """Whether a gesture is under way."""
        return self._gesture is not None

    def press(self, plane: Plane, point: FloatArray) -> bool:
        """Left button down at LPS mm (3,) in a plane; True if a tool takes it."""
        case, labels = self._model.case, None if self._model.case is None else self._model.case.labels
        reformatter, tool = self._slices.reformatter, self.tool
        if tool is None or case is None or labels is None or reformatter is None:
            return False
        if tool in (Tool.BRUSH, Tool.ERASER, Tool.SMOOTH):
            self._gesture = _Gesture(tool, plane, *self._cut(plane, point), labels)
            if tool != Tool.SMOOTH:
                self._slices.painted = labels.array.copy()
            self._go_to(point)
        elif tool == Tool.TRACE:
            self._trace(point)
        else:
            self._click(tool, plane, point, labels)
        return True

    def move(self, point: FloatArray) -> None:
        """The mouse moved to LPS mm (3,) with the button down."""
        if self._gesture is not None:
            self._go_to(point)

    def release(self) -> None:
        """The button went up: what was painted becomes a step of the history."""
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return
        whole = gesture.whole()
        strokes = [] if whole is None else self._strokes(gesture, *whole)
        tissue, painted = self.tissue, self._slices.painted
        self._slices.painted = None
        done = self._take(DONE[gesture.tool].format(self.name), strokes, painted)
        self.painted.emit(None)
        if done and whole is not None and gesture.tool == Tool.BRUSH and gesture.cut is not None:
            moment = self._model.labels_moment
            self._drawn.append(_Drawn(gesture.plane, gesture.number, tissue, *whole, moment))
            self.changed.emit()

    def give_up(self) -> bool:
        """Forget the gesture, or the first point of a root; True if there was one."""
        begun, gesture = self.begun, self._gesture
        self.begun = self._gesture = None
        if gesture is None and begun is None:
            return False
        self._slices.painted = None
        self.painted.emit(None)
        return True

    def stop(self) -> bool:
        """Esc: give up the gesture, or put the tool away; True if there was either."""
        if self.give_up():
            return True
        had = self.tool is not None
        if had:
            self.choose(None)
        return had

    def _cut(self, plane: Plane, point: FloatArray) -> tuple[int, Cut | None]:
        from spinect_core.image.editing import cut_at

        reformatter = self._slices.reformatter
        assert reformatter is not None  # as in press
        first, step, _ = reformatter.positions(plane)
        number = reformatter.nearest(plane, float(point[plane.normal]))
        turned = not reformatter.aligned
        cut = cut_at(reformatter.geometry, plane.normal, first + step * number, step, turned)
        return number, None if self.ball else cut

    def _go_to(self, point: FloatArray) -> None:
        from spinect_core.image.editing import brushed

        gesture = self._gesture
        assert gesture is not None  # of a gesture alone
        grid = gesture.labels.geometry
        start = point if gesture.last is None else gesture.last
        gesture.last = point
        passed = brushed(grid, start, point, self.size_mm / 2, gesture.cut)
        if passed is None:
            return
        gesture.add(*passed)
        if self._slices.painted is not None:
            self._show(gesture, *passed)
        self.painted.emit(gesture.plane)

    def _show(self, gesture: _Gesture, box: Box, mask: BoolArray) -> None:
        """What is painted so far, in the slices."""
        painted, limits = self._slices.painted, self._model.labels_1mm
        assert painted is not None  # as in _go_to
        if limits is None:
            return
        for each in self._strokes(gesture, box, mask):
            kept = each.within(gesture.labels.geometry, limits.geometry)
            painted[box] = kept.on(painted)

    def _strokes(self, gesture: _Gesture, box: Box, mask: BoolArray) -> list[Stroke]:
        from spinect_core.image.editing import Stroke, over_labels, smoothed

        if gesture.tool == Tool.SMOOTH:
            return list(smoothed(gesture.labels, box, mask, self.tissue))
        if gesture.tool == Tool.ERASER:
            return [Stroke(box, mask, 0, frozenset({self.tissue}))]
        return [Stroke(box, mask, self.tissue, over_labels(self.tissue, self._spared))]

    @property
    def _spared(self) -> tuple[int, ...]:
        return (NERVE if self.tissue == BONE else BONE,) if self.spare else ()

    def _take(self, text: str, strokes: list[Stroke], ready: LabelArray | None = None) -> bool:
        """Make a step of the history; False where nothing changes.

        Args:
            text: what the history calls it.
            strokes: what changes.
            ready: the labels with them, where somebody has them already.
        """
        from spinect_core.image.editing import correction

        case = self._model.case
        labels, labels_1mm = None if case is None else case.labels, self._model.labels_1mm
        if labels is None or labels_1mm is None:
            return False
        step = correction(labels, labels_1mm, strokes)
        if step is None:
            self.said.emit(OUTSIDE if strokes and self._outside(strokes) else "Nothing changed.")
            return False
        self._model.correct(step, text, ready)
        return True

    def _outside(self, strokes: list[Stroke]) -> bool:
        case, limits = self._model.case, self._model.labels_1mm
        if case is None or case.labels is None or limits is None:
            return False
        grid = case.labels.geometry
        return not any(each.within(grid, limits.geometry).mask.any() for each in strokes)

    # ------------------------------------------------------------------------------------------ what takes longer

    def _click(self, tool: Tool, plane: Plane, point: FloatArray, labels: Labels) -> None:
        tissue = self.tissue

        def find() -> list[Stroke]:
            from spinect_core.image.editing import filled_hole, kept_piece, removed_piece

            if tool == Tool.FILL:
                return [filled_hole(labels, point, plane.normal, tissue)]
            return [(kept_piece if tool == Tool.KEEP else removed_piece)(labels, point, tissue)]

        self.wanted.emit(Wanted(DONE[tool].format(self.name), find))

    def _trace(self, point: FloatArray) -> None:
        """Begin a root, or trace it to this point."""
        if self.begun is None:
            self.begun = point
            self.painted.emit(None)
            return
        case, labels_1mm = self._model.case, self._model.labels_1mm
        start, self.begun, radius = self.begun, None, self.size_mm / 2
        self.painted.emit(None)
        if case is None or case.volume is None or case.labels is None or labels_1mm is None:
            return
        volume, labels = case.volume, case.labels

        def find() -> list[Stroke]:
            from spinect_core.anatomy.tracing import traced_root

            return [traced_root(start, point, radius, labels, labels_1mm, volume)]

        self.wanted.emit(Wanted(DONE[Tool.TRACE], find))

    @property
    def can_interpolate(self) -> bool:
        """Whether two slices are there between which something lies."""
        return self._pair() is not None

    def interpolate(self) -> None:
        """Paint between the two slices of one plane that were painted in last."""
        from spinect_core.image.editing import Stroke, interpolated

        found, case = self._pair(), self._model.case
        if found is None or case is None or case.labels is None:
            self.said.emit(TWO_SLICES)
            return
        first, second = found
        grid, tissue = case.labels.geometry, self.tissue
        try:
            box, mask = interpolated(
                grid, first.plane.normal, (first.box, first.mask), (second.box, second.mask)
            )
        except SpinectError as error:
            self.said.emit(f"{error.fault}. {error.remedy}.")
            return
        self._take(BETWEEN.format(self.name), [Stroke(box, mask, tissue, frozenset({0}))])

    def _pair(self) -> tuple[_Drawn, _Drawn] | None:
        """All that was painted of the label in the last slice, and in the one of its plane before that."""
        standing = [
            each for each in self._drawn if self._model.stands(each.moment) and each.tissue == self.tissue
        ]
        if not standing:
            return None
        last = standing[-1]
        others = [
            each for each in standing if each.plane is last.plane and abs(each.number - last.number) >= 2
        ]
        if not others:
            return None
        return _together(standing, last), _together(standing, others[-1])

    # ----------------------------------------------------------------------------------------------------- slots

    def take(self, wanted: Wanted, strokes: list[Stroke]) -> None:
        """Make a step of the history of what was found for something that was wanted."""
        self._take(wanted.text, strokes)

    def take_rechecked(self, found: tuple[Rechecked, ...], moment: int) -> None:
        """Show the needles of the plan that was put aside, on the labels of a moment."""
        if moment == self._model.labels_moment:
            self.rechecked = found
            self.changed.emit()

    def _on_case(self) -> None:
        self._drawn = []
        self.choose(None)

    def _on_labels(self) -> None:
        if self._gesture is not None:
            self.give_up()  # it was begun on other labels
        self.rechecked = ()
        if not self._model.correcting:
            self._drawn = []
            if self.tool is not None:
                self.choose(None)
        self.changed.emit()


def _together(standing: list[_Drawn], one: _Drawn) -> _Drawn:
    """All that was painted in the slice of one gesture."""
    same = [each for each in standing if each.plane is one.plane and each.number == one.number]
    joined = _joined([(each.box, each.mask) for each in same])
    assert joined is not None  # the one is among them
    return _Drawn(one.plane, one.number, one.tissue, *joined, one.moment)


def _joined(parts: list[tuple[Box, BoolArray]]) -> tuple[Box, BoolArray] | None:
    """Masks in boxes as one mask in a box; None without any."""
    if not parts:
        return None
    low = [min(box[axis].start for box, _ in parts) for axis in range(3)]
    high = [max(box[axis].stop for box, _ in parts) for axis in range(3)]
    mask = np.zeros(np.subtract(high, low), dtype=np.bool_)
    for box, part in parts:
        mask[tuple(slice(each.start - a, each.stop - a) for each, a in zip(box, low, strict=True))] |= part
    z, y, x = (slice(a, b) for a, b in zip(low, high, strict=True))
    return (z, y, x), mask
