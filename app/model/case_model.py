"""The document behind the window: the open case, where the user looks, what he has measured.

No widgets here. Views listen to the signals and read the state; every change goes through a method.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.model.case import Case, CaseLabels, Drawn, Measurement, triangles_of
from app.widgets import plain
from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.base.errors import UsageError
from spinect_core.base.words import Author
from spinect_core.geometry.triangle import KIND_NAMES, Triangle
from spinect_core.geometry.view import View
from spinect_core.image.volume import Volume
from spinect_core.plan.label_wording import correction_words
from spinect_core.plan.own_needles import with_other
from spinect_core.plan.records import LONGEST_NAME, NeedleRecord, Planning, name_key
from spinect_core.plan.repeats import same_thing
from spinect_core.plan.wording import users_part

if TYPE_CHECKING:
    from pyvista import PolyData

    from app.model.picking import SurfacePicker
    from spinect_core.image.editing import Correction
    from spinect_core.image.organs import Organ, Organs
    from spinect_core.image.region import Region
    from spinect_core.image.volume import Labels
    from spinect_core.plan.kept_corrections import NamedCorrection
    from spinect_core.plan.plan import Case as Facts
    from spinect_core.plan.plan import Plan, PlanView
    from spinect_core.surfaces import Surfaces


REGION, SEGMENTATION = "the region set by hand", "the segmentation"
"""What may be unsaved without being a step of the history."""


class _Replace(QUndoCommand):
    """One step of the measurements' history: the table before and after (a few small frozen objects)."""

    def __init__(
        self, model: CaseModel, after: tuple[Measurement, ...], select: int | None, text: str
    ) -> None:
        super().__init__(plain.caption(text))
        self._model, self._after, self._select = model, after, select
        self._before, self._selected_before = model.measurements, model.selected
        self._labels = model.labels_moment

    def redo(self) -> None:
        self._model._put(self._on_these_labels(self._after), self._select)

    def undo(self) -> None:
        self._model._put(self._on_these_labels(self._before), self._selected_before)

    def _on_these_labels(self, measurements: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
        """What the program measured on labels is of those alone."""
        if self._model.labels_moment == self._labels:
            return measurements
        return tuple(each for each in measurements if not each.automatic)


class _Plan(QUndoCommand):
    """One step of the user's in the planning records; on other labels only what he chose or placed comes back."""

    def __init__(self, model: CaseModel, after: Planning, text: str) -> None:
        super().__init__(plain.caption(text))
        self._model, self._before, self._after = model, model.planning, after
        self._labels = model.labels_moment

    def redo(self) -> None:
        self._model.set_planning(self._on_these_labels(self._after))

    def undo(self) -> None:
        self._model.set_planning(self._on_these_labels(self._before))

    def amend(self, before: NeedleRecord, after: NeedleRecord) -> None:
        """Hold what was measured of a needle later."""
        self._before = with_other(self._before, before, after)
        self._after = with_other(self._after, before, after)

    def _on_these_labels(self, planning: Planning) -> Planning:
        return planning if self._model.labels_moment == self._labels else users_part(planning)


class _Correct(QUndoCommand):
    """One step of a correction by hand; what was found on the labels before goes with it, and comes back with them.

    On labels that were made anew since it is nothing, and leaves the history.

    Args:
        model: the case.
        step: on both grids.
        moments: of the labels before and after.
        found: on the labels before.
        done: whether the labels are those after it already, as of a document that was opened.
        ready: the labels on the CT's grid after it, where somebody has them.
    """

    def __init__(
        self,
        model: CaseModel,
        step: NamedCorrection,
        moments: tuple[int, int],
        found: _Found,
        *,
        done: bool = False,
        ready: LabelArray | None = None,
    ) -> None:
        super().__init__(plain.caption(step.text))
        self._model, self._step, self._done, self._ready = model, step, done, ready
        self._before, self._after = moments
        self._found, self._later = found, found.users()

    def redo(self) -> None:
        done, self._done = self._done, False
        ready, self._ready = self._ready, None
        if done:
            return
        if self._model.labels_moment == self._before:
            self._model._put_labels(self._step, self._after, self._later, back=False, ready=ready)
        else:
            self.setObsolete(True)

    def undo(self) -> None:
        if self._model.labels_moment == self._after:
            self._later = _Found.of(self._model)
            self._model._put_labels(self._step, self._before, self._found, back=True)
        else:
            self.setObsolete(True)


@dataclass(frozen=True, eq=False)
class _Found:
    """What depends on the labels of a case."""

    planning: Planning
    measurements: tuple[Measurement, ...]
    selected: int | None
    plan: Plan | None
    other_views: tuple[PlanView, ...]
    files: Mapping[str, bytes]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, model: CaseModel) -> _Found:
        """At this moment."""
        case = model.case
        assert case is not None  # without a case there is nothing to correct
        kept = case.plan, case.other_views, case.files, case.notes
        return cls(model.planning, model.measurements, model.selected, *kept)

    def users(self) -> _Found:
        """What is left of it on other labels: all that the user chose, drew or placed."""
        left = users_part(self.planning)
        drawn = tuple(each for each in self.measurements if not each.automatic)
        return _Found(
            self.planning if left == self.planning else left, drawn, self.selected, None, (), {}, ()
        )


class CaseModel(QObject):
    """The state of the window.

    Attributes:
        case: the open case.
        view: the line of sight.
        cursor: LPS mm of the cross-hair.
        measurements: triangles, distances, angles and areas that were measured.
        selected: key of one of them.
        planning: level, landmarks, zones, windows, searches and needles, saved and opened with the plan.
        history: the steps that can be undone.
        labels_moment: tells the present labels from others; those that come back when a correction is undone have the
            number they had before.
        tissues_changed: bone (1) and nerve (2), where they were corrected since their surfaces were made.
        correcting: whether the labels change just now by a correction.
    """

    case_opened = Signal()
    region_changed = Signal()
    labels_changed = Signal()
    surfaces_changed = Signal()
    organs_changed = Signal()
    cursor_moved = Signal()
    view_changed = Signal()
    measurements_changed = Signal()
    selection_changed = Signal()
    planning_changed = Signal()
    warnings_changed = Signal()
    unsaved_changed = Signal()
    labels_corrected = Signal()
    """By hand, or a correction was undone: their surfaces are still those of the labels before."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.case: Case | None = None
        self.labels_moment = self._surfaces_moment = self._moments = 0
        self._standing: set[int] = set()
        self._aside: list[Planning | None] = []
        self.tissues_changed: frozenset[int] = frozenset()
        self.correcting = False
        self.view = View(0.0)
        self.cursor: FloatArray = np.zeros(3)
        self.measurements: tuple[Measurement, ...] = ()
        self.selected: int | None = None
        self.planning = Planning()
        self.history = QUndoStack(self)
        self._planned: weakref.WeakSet[_Plan] = weakref.WeakSet()
        self._keys = 0
        self._computed: frozenset[str] = frozenset()
        self._computed_times = 0
        self._steps = 0
        self.history.indexChanged.connect(self._on_step)
        self.history.cleanChanged.connect(self.unsaved_changed)

    # ------------------------------------------------------------------------------------------------- the case

    def open(
        self,
        case: Case,
        drawn: Sequence[Drawn] = (),
        names: Sequence[str] = (),
        planning: Planning | None = None,
        repeats: Sequence[tuple[Drawn, ...]] = (),
    ) -> None:
        """Replace the open case by another; what belonged to the old one goes with it.

        Args:
            case: the new one.
            drawn: the measurements it comes with.
            names: of them, "" for the usual ones; one that is taken gets a number.
            planning: the records it comes with.
            repeats: of each measurement.
        """
        self.case = case
        self.labels_moment = self._surfaces_moment = self.new_moment()
        self._standing, self._aside, self.tissues_changed = set(), [], frozenset()
        self._computed = frozenset()
        self.history.clear()
        self.measurements, self.selected = (), None
        self.measurements = tuple(self._named(drawn, names, repeats))
        self.planning = planning or Planning()
        region = case.region
        self._bring_back_steps()
        self.cursor = np.array(case.geometry.centre if region is None else region.centre, dtype=np.float64)
        triangles = triangles_of(self.measurements)
        self.view = triangles[0].view if triangles else View(0.0)
        self.case_opened.emit()
        self.labels_changed.emit()
        self.measurements_changed.emit()
        self.selection_changed.emit()
        self.planning_changed.emit()
        self.region_changed.emit()
        self.cursor_moved.emit()
        self.view_changed.emit()
        self.surfaces_changed.emit()
        self.organs_changed.emit()

    def add_ct(self, volume: Volume, source: Path, segmentation: CaseLabels | None) -> None:
        """Give a case that was opened without its CT the CT, and the labels on its grid."""
        if self.case is not None:
            self.case.volume, self.case.source, self.case.segmentation = volume, source, segmentation
            self._bring_back_steps()
            self.case_opened.emit()
            self.labels_changed.emit()
            self.region_changed.emit()
            self.set_cursor(self.cursor)
            self.cursor_moved.emit()

    def miss_ct(self, why: str) -> None:
        """Say why the CT of a plan that is open without it did not come with it."""
        if self.case is not None:
            self.case.missed = why
            self.warnings_changed.emit()

    def add_warnings(self, facts: Facts) -> None:
        """Take over what reading noticed when a plan of the open CT was made.

        Args:
            facts: what that plan says about the CT.
        """
        if self.case is not None:
            own = facts if self.case.facts is None else self.case.facts
            self.case.facts = own.with_warnings(facts.reading_warnings)
            self.warnings_changed.emit()

    def set_region(self, region: Region) -> None:
        """Choose another part to segment."""
        if self.case is not None:
            self.case.region = region
            self._note(REGION)
            self.region_changed.emit()

    def set_segmentation(
        self, segmentation: CaseLabels, surfaces: Surfaces | None, picker: SurfacePicker | None = None
    ) -> None:
        """Take over labels, surfaces and their search trees."""
        if self.case is not None:
            self.case.segmentation, self.case.surfaces, self.case.picker = segmentation, surfaces, picker
            self.labels_moment = self._surfaces_moment = self.new_moment()
            self._standing, self._aside, self.tissues_changed = set(), [], frozenset()
            # pictures, maps and run facts of an opened plan are of other labels
            self.case.plan, self.case.other_views, self.case.files = None, (), {}
            # and so is what the program found and measured on them
            self.case.notes = ()
            self.labels_changed.emit()
            self._put(tuple(each for each in self.measurements if not each.automatic), self.selected)
            self.set_planning(users_part(self.planning))
            self._note(SEGMENTATION)
            self.surfaces_changed.emit()

    def correct(self, step: Correction, text: str, ready: LabelArray | None = None) -> None:
        """Correct the labels by hand, as a step of the history.

        What the program found on the labels before goes: their trajectories, triangles, landmarks and ticks. All of it
        comes back when the step is undone.

        Args:
            step: on both grids.
            text: what the user did.
            ready: the labels on the CT's grid after it, where somebody has them and changes them no more.
        """
        from spinect_core.plan.kept_corrections import NamedCorrection

        if self.case is not None and self.case.segmentation is not None:
            moments = self.labels_moment, self.new_moment()
            self.history.push(
                _Correct(self, NamedCorrection(text, step), moments, _Found.of(self), ready=ready)
            )

    def set_corrected_surfaces(self, surfaces: Surfaces, picker: SurfacePicker, moment: int) -> None:
        """Take over the surfaces of corrected labels.

        Args:
            surfaces: of them.
            picker: their search trees.
            moment: :attr:`labels_moment` of the labels; those of others are left out.
        """
        if self.case is not None and moment == self.labels_moment:
            self.case.surfaces, self.case.picker = surfaces, picker
            self._surfaces_moment, self.tissues_changed = moment, frozenset()
            self.surfaces_changed.emit()

    @property
    def surfaces_current(self) -> bool:
        """Whether the surfaces are those of the present labels."""
        return self._surfaces_moment == self.labels_moment

    @property
    def corrected(self) -> str:
        """How much of the labels was corrected by hand, in words; empty for nothing."""
        case = self.case
        run = None if case is None or case.segmentation is None else case.segmentation.run
        return "" if run is None else correction_words(run.record)

    @property
    def put_aside(self) -> Planning | None:
        """The trajectories that were put aside when the labels were corrected last; None where there were none."""
        return self._aside[-1] if self._aside else None

    def stands(self, moment: int) -> bool:
        """Whether the correction that led to the labels of a moment is one of those that make up the present ones."""
        return moment in self._standing

    def new_moment(self) -> int:
        """A number that no labels have had."""
        self._moments += 1
        return self._moments

    def _bring_back_steps(self) -> None:
        """The corrections that led to the labels of an opened document, to be undone."""
        case = self.case
        steps = () if case is None or case.segmentation is None else case.segmentation.steps
        if not steps or self.history.count():
            return
        clean = self.history.isClean()
        moments = [*(self.new_moment() for _ in steps), self.labels_moment]
        found = _Found.of(self).users()
        for step, pair in zip(steps, itertools.pairwise(moments), strict=True):
            self.history.push(_Correct(self, step, pair, found, done=True))
        self._standing = set(moments[1:])
        if clean:
            self.history.setClean()

    def _put_labels(
        self,
        step: NamedCorrection,
        moment: int,
        found: _Found,
        *,
        back: bool,
        ready: LabelArray | None = None,
    ) -> None:
        """Take a step of a correction or take it back, with what is found on these labels."""
        case = self.case
        assert case is not None  # the history goes with the case
        assert case.segmentation is not None
        corrected = case.segmentation.corrected(step, back=back, ready=ready)  # the memory may not suffice
        self.correcting = True
        if back:
            del self._aside[-1:]
        else:
            self._aside.append(self.planning if self.planning.searches else self.put_aside)
        case.segmentation = corrected
        self._standing = self._standing - {self.labels_moment} if back else self._standing | {moment}
        if self.surfaces_current and not step.step.tissues:
            self._surfaces_moment = moment
        self.tissues_changed |= step.step.tissues
        self.labels_moment = moment
        case.plan, case.other_views, case.files = found.plan, found.other_views, dict(found.files)
        case.notes = found.notes
        self.labels_changed.emit()
        self._put(found.measurements, found.selected)
        self.set_planning(found.planning)
        self._note(SEGMENTATION)
        self.correcting = False
        self.labels_corrected.emit()

    def set_organs(self, organs: Organs | None, meshes: Mapping[Organ, PolyData] | None = None) -> None:
        """Take over organs with their surfaces, or go without any; trajectories that were found stay as they are."""
        if self.case is None:
            return
        before = self.case.organs, self.case.without_organs
        self.case.organs, self.case.organ_meshes = organs, meshes or {}
        self.case.without_organs = organs is None
        if before != (organs, organs is None):
            self.organs_changed.emit()

    def set_planning(self, planning: Planning, text: str = "") -> None:
        """Take over planning records.

        Args:
            planning: all of them.
            text: what the user did, for a step that can be undone; empty for what the program found by itself.
        """
        if text:
            step = _Plan(self, planning, text)
            self._planned.add(step)
            self.history.push(step)
        elif planning != self.planning:
            self.planning = planning
            self.planning_changed.emit()

    def amend(self, before: NeedleRecord, after: NeedleRecord) -> None:
        """Take over what was measured of a needle later: no step of the history, in which it stands everywhere."""
        for step in self._planned:
            step.amend(before, after)
        self.set_planning(with_other(self.planning, before, after))

    @property
    def labels_1mm(self) -> Labels | None:
        """The labels that trajectories are planned on; None without any."""
        segmentation = None if self.case is None else self.case.segmentation
        return None if segmentation is None else segmentation.labels_1mm

    @property
    def unsaved(self) -> tuple[str, ...]:
        """What was computed, drawn or corrected and is in no file, in words; empty for nothing."""
        found = [each for each in (REGION, SEGMENTATION) if each in self._computed]
        if not self.history.isClean():
            found.append("trajectories and measurements" if self.planning.searches else "measurements")
        return tuple(found)

    @property
    def moment(self) -> tuple[int, int]:
        """Tells one state of the case from another, for :meth:`mark_saved`."""
        return self._steps, self._computed_times

    def mark_saved(self, moment: tuple[int, int] | None = None, without: Sequence[str] = ()) -> None:
        """Take note that the case is in a file.

        Args:
            moment: the state that was written; what has come since is still unsaved. None for the present one.
            without: what the file does not hold.
        """
        steps, times = self.moment if moment is None else moment
        if times == self._computed_times:
            self._computed &= frozenset(without)
        if steps == self._steps:
            self.history.setClean()
        self.unsaved_changed.emit()

    def mark_unsaved(self) -> None:
        """Take note that the case is in no file of the user's, whatever of it was unsaved when it was kept."""
        if self.case is None:
            return
        if self.case.segmentation is not None:
            self._note(SEGMENTATION)
        elif self.case.region is not None:
            self._note(REGION)
        if self.measurements or self.planning != Planning():
            self.history.resetClean()

    def _on_step(self, _index: int) -> None:
        self._steps += 1
        self.unsaved_changed.emit()

    def _note(self, what: str) -> None:
        self._computed |= {what}
        self._computed_times += 1
        self.unsaved_changed.emit()

    # ------------------------------------------------------------------------------------------- where one looks

    def set_cursor(self, point: npt.ArrayLike) -> None:
        """Move the cross-hair to LPS mm (3,), kept within the CT."""
        place = np.array(point, dtype=np.float64)
        if self.case is not None:
            corners = self.case.geometry.corners()
            place = np.clip(place, corners.min(axis=0), corners.max(axis=0))
        if not np.array_equal(place, self.cursor):
            self.cursor = place
            self.cursor_moved.emit()

    def set_view(self, view: View) -> None:
        """Look along another line of sight."""
        if view != self.view:
            self.view = view
            self.view_changed.emit()

    # ---------------------------------------------------------------------------------------------- measurements

    def find(self, key: int | None) -> Measurement | None:
        """The measurement with this key."""
        return next((each for each in self.measurements if each.key == key), None)

    def select(self, key: int | None) -> None:
        """Select a measurement, or none."""
        if key != self.selected:
            self.selected = key
            self.selection_changed.emit()

    def add(self, drawn: Drawn, name: str = "") -> Measurement:
        """Add a measurement to the table and select it; a name that is taken gets a number."""
        (measurement,) = self._named([drawn], [name])
        self._push((*self.measurements, measurement), measurement.key, f"draw {measurement.name}")
        return measurement

    def add_all(
        self,
        drawn: Sequence[Drawn],
        text: str,
        names: Sequence[str] = (),
        repeats: Sequence[tuple[Drawn, ...]] = (),
    ) -> None:
        """Add several measurements as one step, under their names or the usual ones; taken ones get numbers."""
        added = self._named(drawn, names, repeats)
        if added:
            self._push((*self.measurements, *added), added[0].key, text)

    def replace_found(self, triangles: Sequence[Triangle], planning: Planning, text: str) -> None:
        """Take over what the program has found, in place of what it had found before, as one step.

        What the user drew, corrected or placed stays.

        Args:
            triangles: the new ones; each takes over the name of the one it replaces, and what was measured again.
            planning: the new records.
            text: what was done.
        """
        old = [each for each in self.measurements if each.automatic]
        before = {
            (each.drawn.kind, each.drawn.side, each.drawn.level): each
            for each in old
            if isinstance(each.drawn, Triangle)
        }
        kept = tuple(each for each in self.measurements if each not in old)
        self.history.beginMacro(plain.caption(text))
        self._push(kept, None, text)
        replaced = [before.get((each.kind, each.side, each.level)) for each in triangles]
        names = ["" if each is None else each.name for each in replaced]
        self.add_all(triangles, text, names, [() if each is None else each.repeats for each in replaced])
        self.set_planning(planning, text)
        self.history.endMacro()
        self.select(None)

    def recount(self, planning: Planning, text: str) -> None:
        """Take over the same planning by another count of the lumbar vertebrae, and rename the triangles alike.

        Args:
            planning: the renamed records.
            text: what was done.
        """
        from spinect_core.pipeline.recounting import recounted_triangle

        before, after = (
            None if each.level is None else each.level.lumbar for each in (self.planning, planning)
        )

        def recounted(drawn: Drawn) -> Drawn:
            return recounted_triangle(drawn, before, after) if isinstance(drawn, Triangle) else drawn

        renamed = tuple(
            replace(each, drawn=recounted(each.drawn), repeats=tuple(map(recounted, each.repeats)))
            for each in self.measurements
        )
        self.history.beginMacro(plain.caption(text))
        self._push(renamed, self.selected, text)
        self.set_planning(planning, text)
        self.history.endMacro()

    def change(self, key: int, drawn: Drawn, text: str) -> None:
        """Replace the points of a measurement, or what they are; a triangle is the user's then."""
        measurement = self.find(key)
        if measurement is None:
            return
        if isinstance(drawn, Triangle):
            drawn = replace(drawn, author=Author.USER)
        name, usual, wanted = measurement.name, _base_name(measurement.drawn), _base_name(drawn)
        if name.startswith(usual) and wanted != usual:
            name = self._free(wanted, self.measurements)
        same = same_thing(measurement.drawn, drawn)
        again = measurement.repeats if same else ()
        self._edit(key, lambda old: replace(old, drawn=drawn, name=name, repeats=again), text)

    def repeat(self, key: int, repeats: tuple[Drawn, ...]) -> None:
        """Take over what was measured again, in place of earlier repeats."""
        measurement = self.find(key)
        if measurement is not None:
            text = f"measure {measurement.name} again, {len(repeats)} times"
            after = tuple(
                replace(each, repeats=repeats) if each.key == key else each for each in self.measurements
            )
            self._push(after, key, text)

    def rename(self, key: int, name: str) -> None:
        """Give a measurement another name; an empty one changes nothing.

        Raises:
            UsageError: another measurement has this name, or it is too long.
        """
        measurement, wanted = self.find(key), name.strip()
        if measurement is None or not wanted or wanted == measurement.name:
            return
        others = {name_key(each.name) for each in self.measurements if each.key != key}
        if name_key(wanted) in others:
            raise UsageError(f"Another measurement is called {wanted!r:.80}", "Choose another name")
        if len(wanted) > LONGEST_NAME:
            raise UsageError(
                f"A name of {len(wanted)} letters is too long", f"Use up to {LONGEST_NAME} letters"
            )
        self._edit(key, lambda old: replace(old, name=wanted), f"rename {measurement.name}")

    def remove(self, key: int) -> None:
        """Delete a measurement."""
        measurement = self.find(key)
        if measurement is not None:
            rest = tuple(each for each in self.measurements if each.key != key)
            self._push(rest, None, f"delete {measurement.name}")

    def _edit(self, key: int, edit: Callable[[Measurement], Measurement], text: str) -> None:
        after = tuple(edit(each) if each.key == key else each for each in self.measurements)
        self._push(after, self.selected, text)

    def _push(self, after: tuple[Measurement, ...], select: int | None, text: str) -> None:
        self.history.push(_Replace(self, after, select, text))

    def _put(self, measurements: tuple[Measurement, ...], select: int | None) -> None:
        self.measurements = measurements
        self.measurements_changed.emit()
        self.selected = select if self.find(select) else None
        self.selection_changed.emit()

    def _named(
        self, drawn: Sequence[Drawn], names: Sequence[str], repeats: Sequence[tuple[Drawn, ...]] = ()
    ) -> list[Measurement]:
        added: list[Measurement] = []
        for number, each in enumerate(drawn):
            self._keys += 1
            name = names[number].strip() if number < len(names) else ""
            free = self._free(name or _base_name(each), [*self.measurements, *added])
            added.append(Measurement(self._keys, free, each, repeats[number] if repeats else ()))
        return added

    @staticmethod
    def _free(base: str, others: Sequence[Measurement]) -> str:
        """A name that no other measurement has: with a number where it is taken."""
        taken = {name_key(each.name) for each in others}
        base = base[: LONGEST_NAME - 6].rstrip()
        names = itertools.chain([base], (f"{base} {number}" for number in itertools.count(2)))
        return next(name for name in names if name_key(name) not in taken)


def _base_name(drawn: Drawn) -> str:
    if isinstance(drawn, Triangle):
        return f"{drawn.side.capitalize()} {KIND_NAMES[drawn.kind]}"
    return drawn.kind.capitalize()
