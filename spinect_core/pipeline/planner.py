"""Plans a case for a program with a window: beside it, in a process of its own, where the case is a large one.

The search trees that planning needs over bone hold the interpreter for longer than a window may be silent. The process
is started before it is needed, keeps the case for the needles and landmarks that follow, and is ended by a cancelled
job, with the case, and with the program. All passes through its pipes, so nothing of the patient gets onto a disk.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from pyvista import PolyData

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import Cancelled, WorkerError
from spinect_core.base.notes import Note
from spinect_core.base.piped import PipedProcess
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.words import Guidance
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.image.organs import Organs
from spinect_core.image.scan import Scan
from spinect_core.image.volume import Labels, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.pipeline.messages import Message, kept_objects, packed, unpacked
from spinect_core.pipeline.moving import Held, Move, Moved, work_on
from spinect_core.pipeline.replanning import (
    Planned,
    own_needle,
    plan_again,
    plan_with_landmark,
    with_suppositions,
)
from spinect_core.pipeline.seen import Seen, see
from spinect_core.plan.records import Planning
from spinect_core.planning.intervals import Uncertainty
from spinect_core.planning.level import Approaches
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.skin import Skin
from spinect_core.planning.needle.soft_tissue import SoftTissue
from spinect_core.planning.needle.surroundings import Surroundings
from spinect_core.planning.plausibility.picture import PictureSeen, look_at
from spinect_core.planning.results import CasePlan, NeedlePlan
from spinect_core.planning.room import Outside, Room, obstacles_of, outside_of
from spinect_core.planning.rules import Rules
from spinect_core.planning.search.angle_map import STEP_DEGREES
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight
from spinect_core.surfaces import Surfaces
from spinect_core.surfaces.mesh_arrays import MeshArrays

FEW_TRIANGLES = 50_000
"""Search trees over at most these are made sooner than anybody notices."""
PAUSE_S = 0.03
"""Between two such trees, in which a window answers what has gathered."""
MUCH_LARGER = 2.0
"""The box of a CT that is larger than that of its labels by this factor may hold many triangles more."""
STOPPED_ASIDE = ("own_needle", "measured")
"""Orders that a process gives up when it is told to; for others it is ended, with all that it had made ready."""
STOPPED_WITHIN_S = 1.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RoomParts:
    """What a `Room` is made of, as it passes to another process.

    Attributes:
        labels: the 1 mm labels of the segmentation.
        bone: the full surface.
        nerve: the same.
        skin: of the patient; None where the CT shows none.
        scan: its slices; None without a CT.
        warnings: what reading noticed about the CT.
        step: degrees between the views of the angle map.
        withheld: why nothing of this case is to be recommended.
        uncertainty: how sure the labels are; None where that is not known.
        rules: that what is recommended keeps.
        guidance: what needles are placed under.
        seen: what the CT says of the labels; None without a CT.
        surroundings: what the CT shows round the labels.
        soft: the soft tissue with the organs that are known; None without a CT.
    """

    labels: Labels
    bone: MeshArrays
    nerve: MeshArrays
    skin: MeshArrays | None
    scan: Scan | None
    warnings: tuple[ReadingWarning, ...]
    step: float
    withheld: tuple[Note, ...] = ()
    uncertainty: Uncertainty | None = None
    rules: Rules = field(default_factory=Rules)
    guidance: Guidance = Guidance.CT
    seen: PictureSeen | None = None
    surroundings: Surroundings = field(default_factory=Surroundings)
    soft: SoftTissue | None = None

    def room(self) -> Room:
        """The case, ready for planning."""
        bone, nerve = self.bone.mesh(), self.nerve.mesh()
        skin = None if self.skin is None else Skin(self.skin.mesh())
        # Nothing is drawn here: the levels of detail are not needed.
        surfaces = Surfaces(bone, nerve, bone, nerve)
        return Room(
            self.labels,
            surfaces,
            skin=skin,
            surroundings=self.surroundings,
            scan=self.scan,
            warnings=self.warnings,
            withheld=self.withheld,
            uncertainty=self.uncertainty,
            rules=self.rules,
            guidance=self.guidance,
            seen=self.seen,
            soft=self.soft,
        )


@dataclass(frozen=True, eq=False)
class Order:
    """What a process is to do.

    Attributes:
        name: of the method of `PlannerHere`; "stop" for what is carried out just now.
        arguments: of it, but for the plan; a zone in place of its sight.
        plan: so far, if it is asked for; what of it comes back is the same objects as before.
    """

    name: Literal["plan_again", "plan_with_landmark", "own_needle", "hold", "moved", "measured", "stop"]
    arguments: tuple[Any, ...]
    plan: CasePlan | None = None


class Planner(Protocol):
    """A case, ready to be planned again and again.

    Attributes:
        labels: that it was made of.
    """

    labels: Labels

    @property
    def rules(self) -> Rules:
        """That what is recommended keeps."""

    @property
    def guidance(self) -> Guidance:
        """What needles are placed under."""

    @property
    def organs(self) -> Organs | None:
        """That it was made of; None without any."""

    @property
    def obstacles(self) -> Obstacles:
        """Bone and nerve, those round the labels once it was made ready, ready for rays."""

    @property
    def skin_shown(self) -> PolyData | None:
        """The skin, to be drawn; None before it was made ready, and where the CT shows none."""

    def make_ready(self, progress: Progress = silent, cancel: Cancel | None = None) -> None:
        """Do what is needed once, before the first planning."""

    def plan_again(
        self, before: Planning, level: str, shift: int | None, *, progress: Progress, cancel: Cancel | None
    ) -> Seen:
        """As :func:`spinect_core.pipeline.replanning.plan_again`."""

    def plan_with_landmark(
        self,
        plan: CasePlan,
        before: Planning,
        name: str,
        point: FloatArray,
        *,
        progress: Progress,
        cancel: Cancel | None,
    ) -> Seen:
        """As :func:`spinect_core.pipeline.replanning.plan_with_landmark`."""

    def own_needle(
        self,
        landmarks: Landmarks,
        sight: Sight,
        view: View,
        planning: Planning,
        target: FloatArray | None = None,
        *,
        cancel: Cancel | None = None,
    ) -> NeedlePlan:
        """As :func:`spinect_core.pipeline.replanning.own_needle`, without the planning."""

    def hold(self, landmarks: Landmarks, zone: Zone | None) -> None:
        """Make a level ready for needles that are moved, so that the first of them need not wait.

        Args:
            landmarks: of the level.
            zone: that the needles go to; None where that is not known.
        """

    def moved(self, landmarks: Landmarks, zone: Zone | None, move: Move) -> Moved:
        """As :meth:`spinect_core.pipeline.moving.Held.moved`, within a tenth of a second once the level is held."""

    def measured(
        self, landmarks: Landmarks, zone: Zone | None, needle: Needle, *, cancel: Cancel | None = None
    ) -> NeedlePlan:
        """A needle with all that is measured along it; stopped within a third of a second."""

    def close(self) -> None:
        """End what runs for it; it plans no more."""


def planner_for(
    labels: Labels,
    surfaces: Surfaces,
    volume: Volume | None = None,
    *,
    step: float = STEP_DEGREES,
    withheld: tuple[Note, ...] = (),
    uncertainty: Uncertainty | None = None,
    rules: Rules | None = None,
    guidance: Guidance = Guidance.CT,
    organs: Organs | None = None,
) -> Planner:
    """What plans a case: a process of its own, unless bone and nerve have few triangles.

    Args:
        labels: 0 background, 1 bone, 2 nerve; the 1 mm labels of the segmentation.
        surfaces: of these labels.
        volume: the CT, for the skin; without it depths are not known.
        uncertainty: how sure the labels are; None where that is not known.
        step: degrees between the views of the angle map.
        withheld: why nothing of this case is to be recommended.
        rules: that what is recommended keeps.
        guidance: what needles are placed under.
        organs: of the CT; None where nobody named any.
    """
    few = surfaces.bone.n_cells + surfaces.nerve.n_cells <= FEW_TRIANGLES
    if few and not (volume is not None and _reaches_beyond(volume, labels)):
        room = Room(
            labels,
            surfaces,
            volume,
            withheld=withheld,
            uncertainty=uncertainty,
            rules=rules,
            guidance=guidance,
            organs=organs,
        )
        return PlannerHere(room, step)
    return PlannerApart(
        labels,
        surfaces,
        volume,
        step,
        withheld,
        uncertainty,
        rules=rules,
        guidance=guidance,
        organs=organs,
    )


def _reaches_beyond(volume: Volume, labels: Labels) -> bool:
    """Whether a CT is so much larger than its labels that what lies round them may have many triangles."""
    index = labels.geometry.to_index(volume.geometry.corners())
    size = np.ptp(index, axis=0) / np.array(labels.geometry.shape)
    return bool(np.prod(size) > MUCH_LARGER)


class PlannerHere:
    """Plans in this process."""

    def __init__(self, room: Room, step: float = STEP_DEGREES) -> None:
        self._room, self._step = room, step
        self._held: Held | None = None
        self._turn = threading.RLock()
        self.skin_shown: PolyData | None = None
        self.labels = room.labels

    @property
    def rules(self) -> Rules:
        """That what is recommended keeps."""
        return self._room.rules

    @property
    def guidance(self) -> Guidance:
        """What needles are placed under."""
        return self._room.guidance

    @property
    def organs(self) -> Organs | None:
        """That it was made of; None without any."""
        return self._room.named

    @property
    def obstacles(self) -> Obstacles:
        """Bone and nerve, ready for rays."""
        return self._room.obstacles

    def make_ready(self, progress: Progress = silent, cancel: Cancel | None = None) -> None:
        """Find the skin, and what lies round the labels."""
        check(cancel)
        progress(0.5, "finding the skin")
        skin = self._room.skin
        self.skin_shown = None if skin is None else skin.shown()
        _ = self._room.obstacles
        check(cancel)
        progress(0.8, "comparing the labels with the CT")
        _ = self._room.seen

    def plan_again(
        self, before: Planning, level: str, shift: int | None, *, progress: Progress, cancel: Cancel | None
    ) -> Seen:
        """As :func:`spinect_core.pipeline.replanning.plan_again`."""
        with self._turn:
            planned = plan_again(
                self._room, before, level, shift, step=self._step, progress=progress, cancel=cancel
            )
            return self._seen(planned, before)

    def plan_with_landmark(
        self,
        plan: CasePlan,
        before: Planning,
        name: str,
        point: FloatArray,
        *,
        progress: Progress,
        cancel: Cancel | None,
    ) -> Seen:
        """As :func:`spinect_core.pipeline.replanning.plan_with_landmark`."""
        with self._turn:
            planned = plan_with_landmark(
                self._room, plan, before, name, point, step=self._step, progress=progress, cancel=cancel
            )
            return self._seen(planned, before)

    def own_needle(
        self,
        landmarks: Landmarks,
        sight: Sight,
        view: View,
        planning: Planning,
        target: FloatArray | None = None,
        *,
        cancel: Cancel | None = None,
    ) -> NeedlePlan:
        """As :func:`spinect_core.pipeline.replanning.own_needle`, without the planning."""
        with self._turn:
            work = self._holding(landmarks, sight.zone).work
            return own_needle(self._room, landmarks, sight, view, planning, target, work=work, cancel=cancel)[
                0
            ]

    def hold(self, landmarks: Landmarks, zone: Zone | None) -> None:
        """As :meth:`Planner.hold`."""
        with self._turn:
            self._holding(landmarks, zone).work.make_live()

    def moved(self, landmarks: Landmarks, zone: Zone | None, move: Move) -> Moved:
        """As :meth:`Planner.moved`."""
        with self._turn:
            return self._holding(landmarks, zone).moved(move)

    def measured(
        self, landmarks: Landmarks, zone: Zone | None, needle: Needle, *, cancel: Cancel | None = None
    ) -> NeedlePlan:
        """As :meth:`Planner.measured`."""
        with self._turn:
            return self._holding(landmarks, zone).work.measured(needle, zone=zone, cancel=cancel)

    def close(self) -> None:
        """Nothing runs."""

    def _holding(self, landmarks: Landmarks, zone: Zone | None) -> Held:
        """The level with these landmarks, made ready as far as it was before."""
        work = work_on(None if self._held is None else self._held.work, self._room, landmarks)
        if self._held is None or self._held.work is not work or self._held.zone is not zone:
            self._held = Held(work, zone)
        return self._held

    def _seen(self, planned: Planned, before: Planning) -> Seen:
        """What was planned, and what is seen of it; its level is held for needles that are moved."""
        self._held = Held(Approaches(self._room, planned.plan.landmarks), None)
        return see(self._room, planned, before.needles)


class PlannerApart:
    """Plans in a process of its own, with the results of `PlannerHere`.

    Attributes:
        labels: that it was made of.
        obstacles: bone and nerve, for rays alone; search trees over parts of them, made one by one.
    """

    def __init__(
        self,
        labels: Labels,
        surfaces: Surfaces,
        volume: Volume | None = None,
        step: float = STEP_DEGREES,
        withheld: tuple[Note, ...] = (),
        uncertainty: Uncertainty | None = None,
        *,
        rules: Rules | None = None,
        guidance: Guidance = Guidance.CT,
        organs: Organs | None = None,
    ) -> None:
        self._withheld, self.organs = withheld, organs
        self.rules, self.guidance = rules or Rules(), guidance
        self._surfaces, self._volume, self._step = surfaces, volume, step
        self._uncertainty = uncertainty
        self._parts: RoomParts | None = None
        self._closed = False
        self._turn = threading.RLock()
        self._held: tuple[_Child, Landmarks, Zone | None] | None = None
        self._child: _Child | None = _Child()  # its libraries load meanwhile
        self.labels = labels
        self.skin_shown: PolyData | None = None
        self.obstacles = Obstacles.of(surfaces, FEW_TRIANGLES, PAUSE_S)

    def make_ready(self, progress: Progress = silent, cancel: Cancel | None = None) -> None:
        """Find the skin and what lies round the labels, and make the search trees of this process."""
        check(cancel)
        progress(0.2, "finding the skin")
        skin, around, soft = Outside(None, Surroundings(), None)
        if self._volume is not None:
            skin, around, soft = outside_of(
                self._volume, self.labels, self._surfaces, cancel, organs=self.organs
            )
        self.skin_shown = None if skin is None else skin.shown()
        warnings = () if self._volume is None else self._volume.warnings
        check(cancel)
        progress(0.5, "comparing the labels with the CT")
        seen = None if self._volume is None else look_at(self._volume, self.labels, cancel)
        check(cancel)
        self._parts = RoomParts(
            self.labels,
            MeshArrays.of(self._surfaces.bone),
            MeshArrays.of(self._surfaces.nerve),
            None if skin is None else MeshArrays.of(skin.mesh),
            None if self._volume is None else Scan.of(self._volume),
            warnings,
            self._step,
            self._withheld,
            self._uncertainty,
            self.rules,
            self.guidance,
            seen,
            around,
            soft,
        )
        if self._child is not None:
            self._child.order(self._parts)
        progress(0.8, "preparing bone and nerve")
        if len(around.kinds) or around.stray:
            self.obstacles = obstacles_of(self._surfaces, around, FEW_TRIANGLES, PAUSE_S)
        self.obstacles.make_ready()

    def plan_again(
        self, before: Planning, level: str, shift: int | None, *, progress: Progress, cancel: Cancel | None
    ) -> Seen:
        """As :func:`spinect_core.pipeline.replanning.plan_again`."""
        found: Seen = self._ask(Order("plan_again", (before, level, shift)), progress, cancel)
        return self._supposing(found, cancel)

    def plan_with_landmark(
        self,
        plan: CasePlan,
        before: Planning,
        name: str,
        point: FloatArray,
        *,
        progress: Progress,
        cancel: Cancel | None,
    ) -> Seen:
        """As :func:`spinect_core.pipeline.replanning.plan_with_landmark`."""
        order = Order("plan_with_landmark", (before, name, point), plan)
        found: Seen = self._ask(order, progress, cancel)
        return self._supposing(found, cancel)

    def own_needle(
        self,
        landmarks: Landmarks,
        sight: Sight,
        view: View,
        planning: Planning,
        target: FloatArray | None = None,
        *,
        cancel: Cancel | None = None,
    ) -> NeedlePlan:
        """As :func:`spinect_core.pipeline.replanning.own_needle`, without the planning."""
        order = Order("own_needle", (landmarks, sight.zone, view, planning, target))
        with self._turn:
            self._held = None  # the process holds the level of this order then
            found: NeedlePlan = self._ask(order, silent, cancel)
        return found

    def hold(self, landmarks: Landmarks, zone: Zone | None) -> None:
        """As :meth:`Planner.hold`."""
        with self._turn:
            known = self._held
            if known is not None and known[0].alive and known[1] is landmarks and known[2] is zone:
                return
            self._ask(Order("hold", (landmarks, zone)), silent, None)
            if self._child is not None:
                self._held = self._child, landmarks, zone

    def moved(self, landmarks: Landmarks, zone: Zone | None, move: Move) -> Moved:
        """As :meth:`Planner.moved`."""
        with self._turn:
            self.hold(landmarks, zone)
            found: Moved = self._ask(Order("moved", (move,)), silent, None)
        return found

    def measured(
        self, landmarks: Landmarks, zone: Zone | None, needle: Needle, *, cancel: Cancel | None = None
    ) -> NeedlePlan:
        """As :meth:`Planner.measured`."""
        with self._turn:
            self.hold(landmarks, zone)
            found: NeedlePlan = self._ask(Order("measured", (needle,)), silent, cancel)
        return found

    def close(self) -> None:
        """End the process; what is asked of it at this moment fails."""
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            child.end_aside()

    def _supposing(self, found: Seen, cancel: Cancel | None) -> Seen:
        """With what the CT lets one suppose, which stays in this process."""
        if self._volume is None:
            return found
        return replace(found, planned=with_suppositions(found.planned, self.labels, self._volume, cancel))

    def _ask(self, order: Order, progress: Progress, cancel: Cancel | None) -> Any:
        """Have an order carried out, after those before it.

        Args:
            order: what to do.
            progress: called with the fraction done (0 to 1) and the stage.
            cancel: looked at every 50 ms; the process is ended when it is set.

        Raises:
            Cancelled: the user stopped it.
            WorkerError: the process ended before it was done.
            SpinectError: what the planning itself raises.
        """
        with self._turn:
            if self._parts is None:
                self.make_ready(part_of(progress, 0.0, 0.05), cancel)
                progress = part_of(progress, 0.05, 1.0)
            check(cancel)
            child = self._ready_child()
            try:
                child.order(order)
                message = child.answer(order.plan, progress, cancel)
            except Cancelled:
                if order.name not in STOPPED_ASIDE or not child.stopped(order.plan):
                    self._end(child)
                raise
            except BaseException:  # its answer would be taken for that to the next order
                self._end(child)
                raise
        if message.places:
            log.error("Unexpected fault in the process that plans\n%s", "\n".join(message.places))
        if message.fault is not None:
            raise message.fault
        return message.result

    def _end(self, child: _Child) -> None:
        child.end()
        if self._child is child:
            self._child = None

    def _ready_child(self) -> _Child:
        """The process that has the case; another one where the last one has ended."""
        if self._closed or self._parts is None:
            raise WorkerError("The case that was to be planned is closed", "Open it again")
        if self._child is None or not self._child.alive:
            if self._child is not None:
                self._child.end()
            self._child = _Child()
            self._child.order(self._parts)
        return self._child


class _Child(PipedProcess):
    """The process that plans."""

    def __init__(self) -> None:
        super().__init__("planning", "plans")

    def order(self, message: RoomParts | Order) -> None:
        """Send the case, or what is to be done with it."""
        self.send(packed(message))

    def answer(self, plan: CasePlan | None, progress: Progress, cancel: Cancel | None) -> Message:
        """What the process answers to the last order: a result or a fault.

        Raises:
            Cancelled: the user stopped it.
            WorkerError: the process ended before it was done.
        """
        while True:
            message: Message = unpacked(self.receive(cancel), kept_objects(plan))
            if message.text is None:
                return message
            progress(message.part, message.text)

    def stopped(self, plan: CasePlan | None) -> bool:
        """Whether the process has given up its order within a second, and waits for the next one."""
        self.send(packed(Order("stop", ())))
        late = _Late(STOPPED_WITHIN_S)
        try:
            self.answer(plan, silent, late)
        except Cancelled:
            return False
        return True


class _Late:
    """Says "stop" after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def is_set(self) -> bool:
        """Whether they are over."""
        return time.monotonic() > self._end
