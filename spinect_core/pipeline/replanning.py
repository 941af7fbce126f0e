"""Planning a level again without losing what the user made: numbering, moved landmarks, own needles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
from spinect_core.anatomy.levels import side_of
from spinect_core.anatomy.supposed import with_suppositions as supposing
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import UsageError
from spinect_core.base.notes import Note
from spinect_core.base.progress import Cancel, Progress, check, part_of
from spinect_core.base.words import SIDES, Author
from spinect_core.geometry.view import View
from spinect_core.image.volume import Labels, Volume
from spinect_core.pipeline.recounting import needle_elsewhere, shift_since
from spinect_core.plan.build import key_of, needle_record, needle_records, planning_record, root_record
from spinect_core.plan.own_needles import free_needle_name, kept, with_own
from spinect_core.plan.records import NeedleRecord, Planning
from spinect_core.plan.wording import key_of_needle
from spinect_core.planning.level import Approaches, plan_level
from spinect_core.planning.results import CasePlan, NeedlePlan
from spinect_core.planning.room import Room
from spinect_core.planning.search.angle_map import STEP_DEGREES
from spinect_core.planning.zones.window import Sight


@dataclass(frozen=True, eq=False)
class Planned:
    """A planning with its records.

    Attributes:
        plan: what was found.
        records: of it, with all that the user made.
        notes: what of it no plan can hold.
    """

    plan: CasePlan
    records: Planning
    notes: tuple[Note, ...] = ()


def plan_again(
    room: Room,
    before: Planning,
    level: str,
    shift: int | None,
    *,
    step: float = STEP_DEGREES,
    progress: Progress,
    cancel: Cancel | None,
) -> Planned:
    """Find a level and its trajectories; landmarks that the user placed and his needles stay.

    Args:
        room: the case.
        before: the planning so far, with the count of the lumbar vertebrae, if the user has counted them.
        level: such as "L5/S1", by that count.
        shift: of the numbering by the user; None where the user has not said.
        step: degrees between the views of the angle map.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        AnatomyError: too little bone to find a level in.
        Cancelled: the user stopped it.
    """
    landmarks = find_landmarks(
        room.labels,
        level=level,
        shift=shift,
        lumbar=None if before.level is None else before.level.lumbar,
        progress=part_of(progress, 0.0, 0.2),
        cancel=cancel,
    )
    same = before.level is not None and (before.level.name, before.level.shift) == (level, shift or 0)
    for each in before.landmarks if same else ():
        if each.moved and each.name in landmarks.points:
            landmarks = landmarks.moved(each.name, np.asarray(each.point))
    plan = plan_level(
        room, landmarks=landmarks, step=step, progress=part_of(progress, 0.2, 0.95), cancel=cancel
    )
    return _recorded(room, plan, before, cancel)


def with_suppositions(planned: Planned, labels: Labels, volume: Volume, cancel: Cancel | None) -> Planned:
    """What was planned where no CT was at hand, with what the CT lets one suppose in the gaps of the roots.

    Args:
        planned: of these labels.
        labels: on the 1 mm grid of the segmentation.
        volume: the CT.
        cancel: asked between gaps.
    """
    landmarks = planned.plan.landmarks
    roots = supposing(landmarks.roots, labels, volume, cancel)
    records = tuple(
        root_record(roots[each.name]) if each.gaps and each.name in roots else each
        for each in planned.records.roots
    )
    plan = replace(planned.plan, landmarks=replace(landmarks, roots=roots))
    return replace(planned, plan=plan, records=planned.records.replaced(roots=records))


def plan_with_landmark(
    room: Room,
    plan: CasePlan,
    before: Planning,
    name: str,
    point: FloatArray,
    *,
    step: float = STEP_DEGREES,
    progress: Progress,
    cancel: Cancel | None,
) -> Planned:
    """Move a landmark and plan its side again.

    Both sides are planned where it belongs to neither, and where what stands against the whole case comes or goes with
    it: that decides about either side.

    Args:
        room: the case.
        plan: so far.
        before: its records.
        name: of the landmark.
        point: LPS mm (3,), its new place.
        step: degrees between the views of the angle map.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked often.

    Raises:
        UsageError: there is no such landmark.
        Cancelled: the user stopped it.
    """
    landmarks = plan.landmarks.moved(name, point)
    side = side_of(name)
    sides = SIDES if side is None else (side,)
    if bool(Approaches(room, landmarks).withheld) != bool(plan.withheld):
        sides = SIDES
    fresh = plan_level(
        room,
        landmarks=landmarks,
        sides=sides,
        step=step,
        progress=part_of(progress, 0.0, 0.95),
        cancel=cancel,
    )
    kept = tuple(each for each in plan.approaches if each.zone.side not in sides)
    joined = sorted((*fresh.approaches, *kept), key=lambda each: SIDES.index(each.zone.side))
    missing = [note for note in plan.notes if note not in plan.landmarks.notes and note.side not in sides]
    notes = tuple(dict.fromkeys((*fresh.notes, *missing)))
    whole = replace(fresh, landmarks=landmarks, approaches=tuple(joined), notes=notes, warnings=plan.warnings)
    return _recorded(room, whole, before, cancel)


def own_needle(
    room: Room,
    landmarks: Landmarks,
    sight: Sight,
    view: View,
    planning: Planning,
    target: FloatArray | None = None,
    *,
    work: Approaches | None = None,
    cancel: Cancel | None = None,
) -> tuple[NeedlePlan, Planning]:
    """A needle of the user's along a view, and the planning with it.

    Args:
        room: the case.
        landmarks: of the level.
        sight: the zone it goes to.
        view: the line of sight.
        planning: so far.
        target: LPS mm (3,); the middle of what is open in the view when absent.
        work: on the level, where there was some before.
        cancel: asked often.

    Raises:
        UsageError: nothing is open in this view and no target was given, or the CT shows no skin there.
    """
    zone = sight.zone
    point = sight.window(view).centre if target is None else target
    if point is None:
        raise UsageError(
            f"Seen {view.words} nothing of the {zone.name} is open",
            "Turn to a view with an open window, or place the needle at the cross-hair",
        )
    name = free_needle_name(planning)
    needle = (work or Approaches(room, landmarks)).needle_along(
        zone, view, point, name=name, author=Author.USER, cancel=cancel
    )
    if needle is None:
        raise UsageError(
            "The CT does not show the skin along this line of sight",
            "Choose another view: the needle's entry is not known here",
        )
    return needle, with_needle(planning, needle)


def with_needle(planning: Planning, needle: NeedlePlan) -> Planning:
    """The planning with one more needle of the user's."""
    return with_own(planning, needle_record(needle))


def _recorded(room: Room, plan: CasePlan, before: Planning, cancel: Cancel | None) -> Planned:
    made, notes = planning_record(plan)
    work = Approaches(room, plan.landmarks)
    zones = {key_of(each.zone): each.zone for each in plan.approaches}
    users: list[NeedleRecord] = []
    more: list[Note] = []
    for each in before.needles:
        if each.needle.author != Author.USER:
            continue
        check(cancel)
        named = each.replaced(needle=needle_elsewhere(each.needle, before.level, plan.landmarks))
        if named.needle.level != plan.landmarks.level:
            # What the rules ask for lies at its own level: what was measured when that was planned holds on.
            users.append(named)
            continue
        measured = work.measured(named.needle, zone=zones.get(key_of_needle(named)), cancel=cancel)
        found, left_out = needle_records([measured])
        users += [kept(record, each) for record in found]
        more += left_out
    # After another shift the same name is that of another place.
    keys = set() if shift_since(before.level, plan.landmarks) else {each.key for each in made.zones}
    windows = tuple(each for each in before.windows if each.author == Author.USER and each.zone in keys)
    records = made.replaced(windows=(*made.windows, *windows), needles=(*made.needles, *users))
    return Planned(plan, records, (*notes, *more))
