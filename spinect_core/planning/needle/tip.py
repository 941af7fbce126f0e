"""Where a needle's tip lies, seen from the front and from the side, what lies behind it, and how deep it may go.

All of it comes from landmarks and labels. What these do not show is named as missing, never guessed. Vessels are known
where masks show them, and a disc is taken as the room between the bodies: one that bulges or is torn reaches farther.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spinect_core.anatomy.borders import Ground
from spinect_core.anatomy.parts import Parts
from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.words import Side, TipFact
from spinect_core.image.volume import BONE, NERVE
from spinect_core.planning.needle.needle import Needle

FOLLOWED_MM = 60.0
"""How far the line is followed behind the tip."""
STEP_MM = 0.25
DISC_MM, DISC_LEAN_DEG = 16.0, 20.0
"""Bone above and bone below a place in a disc lie at most this far apart, looking so far inwards."""
PEDICLE_MM = 25.0
"""No pedicle is higher."""
INSIDE_MM = 2.0
"""So far above its lower margin one is within a pedicle."""
WALL_MM = 18.0
"""The walls of a foramen are looked for at most so far from its middle."""
SPARE_MM = 2.0
"""The needle is to stop so far before what it must not reach."""
DEEPEST_MM = 10.0
"""Beyond the planned tip, whatever is free behind it."""
FRONT_PART = 99.0
"""Percentile of a body's surface that counts as its front, so that a spur or a stray voxel does not."""
SAC = "thecal sac"
NEAR_DISC_MM, BALL_STEP_MM = 4.0, 0.5
"""How far round the tip the disc is looked for, and how finely."""
BALL_AT_ONCE = 300
"""Places in that ball that are looked at together; the rest only where nothing was found among the nearer ones."""


def _ball() -> FloatArray:
    """Offsets (n, 3) in a ball about the tip, the nearest first."""
    along = np.arange(-NEAR_DISC_MM, NEAR_DISC_MM + BALL_STEP_MM / 2, BALL_STEP_MM)
    every = np.stack(np.meshgrid(along, along, along), axis=-1).reshape(-1, 3)
    away = np.linalg.norm(every, axis=1)
    order = np.argsort(away, kind="stable")
    return np.asarray(every[order[away[order] <= NEAR_DISC_MM]])


_BALL = _ball()


@dataclass(frozen=True)
class FrontPlace:
    """The tip seen from behind or in front, beside the pedicle.

    Attributes:
        clock: hours on the pedicle's face, more than 0 to 12, as seen from behind.
        lateral_mm: outwards from the pedicle's middle (its 6 o'clock), negative medial of it.
        below_mm: the pedicle's lower margin; negative above it.
        confidence: 0 to 1, that the landmark lies within 3 mm of its true place.
    """

    clock: float
    lateral_mm: float
    below_mm: float
    confidence: float


@dataclass(frozen=True)
class SidePlace:
    """The tip seen from the side, in the foramen.

    Attributes:
        height: 0 at the foramen's floor, 1 at its roof; beyond outside of it.
        depth: 0 at its front wall, 1 at its back wall; the same.
        height_mm: from floor to roof.
        depth_mm: from front to back wall.
        confidence: 0 to 1, the lowest of the landmarks it rests on.
    """

    height: float
    depth: float
    height_mm: float
    depth_mm: float
    confidence: float


@dataclass(frozen=True)
class Stop:
    """How deep the needle may go at most.

    Attributes:
        depth_mm: from the skin.
        before: what lies behind that depth; None where the line was found free so far.
        at_mm: from the skin to that; infinite where nothing was found.
        planned: whether the planned tip lies nearer to it than the spare length.
    """

    depth_mm: float
    before: TipFact | None
    at_mm: float
    planned: bool


@dataclass(frozen=True)
class Tip:
    """What is known of a needle's tip.

    Attributes:
        front: beside the pedicle; None where that is not known.
        side: in the foramen; None where that is not known.
        behind: mm from the tip along the needle to each that it would meet within 60 mm, 0 where the tip lies in it.
        sac_mm: from the tip to the thecal sac in any direction; None where that is not labelled.
        missing: what could not be determined.
        stop: how deep it may go.
        disc_mm: from the tip to the disc in any direction, 0 within it, infinite beyond 4 mm; None where not known.
    """

    front: FrontPlace | None
    side: SidePlace | None
    behind: dict[TipFact, float]
    sac_mm: float | None
    missing: tuple[TipFact, ...]
    stop: Stop
    disc_mm: float | None = None


HAZARDS = (TipFact.DISC, TipFact.SAC, TipFact.ROOT, TipFact.FRONT)
"""What a needle must not reach behind its target."""


@dataclass(frozen=True, eq=False)
class TipGround:
    """What tips of a level are looked at on.

    Attributes:
        ground: landmarks and signed distances.
        sac: LPS mm (n, 3) of the sac's surface; empty where it is not labelled.
        bodies: LPS mm (n, 3) of the surfaces of both bodies; empty without named parts.
    """

    ground: Ground
    sac: FloatArray
    bodies: FloatArray

    @classmethod
    def of(cls, ground: Ground, bone: FloatArray, nerve: FloatArray) -> TipGround:
        """Made from the surfaces of bone and nerve, LPS mm (n, 3) each."""
        names, parts = ground.landmarks.names, ground.landmarks.parts
        bodies = (f"{names.upper} body", f"{names.lower} body")
        return cls(ground, _named(parts, nerve, NERVE, (SAC,)), _named(parts, bone, BONE, bodies))

    def tip_of(self, needle: Needle, vessels_mm: float | None = None) -> Tip:
        """Where the tip lies and what is behind it.

        Args:
            needle: the plan.
            vessels_mm: from the tip along the needle to the first great vessel, infinite where there is none; None
                where that is not known: no label of bone and nerve tells it.
        """
        front, side = self._front(needle), self._side(needle)
        known: dict[TipFact, float | None] = dict.fromkeys((*HAZARDS, TipFact.BONE))
        if self._shown(needle):
            known = {
                TipFact.DISC: self._disc(needle),
                **self._nerve(needle),
                TipFact.FRONT: self._front_of_body(needle),
                TipFact.BONE: _first(self.ground.bone.at(_behind(needle)) < 0.0),
            }
        missing = [fact for fact, found in known.items() if found is None]
        missing += [TipFact.PEDICLE] if front is None else []
        missing += [TipFact.FORAMEN] if side is None else []
        known[TipFact.VESSELS] = vessels_mm
        missing += [TipFact.VESSELS] if vessels_mm is None else []
        behind = {fact: found for fact, found in known.items() if found is not None and np.isfinite(found)}
        target = np.asarray(needle.target)
        near = float(np.linalg.norm(self.sac - target, axis=1).min()) if len(self.sac) else None
        disc = self._near_disc(needle) if known[TipFact.DISC] is not None else None
        return Tip(front, side, behind, near, tuple(missing), _stop(needle.depth_mm, behind), disc)

    def _shown(self, needle: Needle) -> bool:
        """Whether the labels hold the tip and what lies so near behind it that a needle may come there."""
        grid = self.ground.bone.geometry
        return bool(grid.holds(needle.at(needle.depth_mm + np.array([0.0, DEEPEST_MM]))).all())

    # ---------------------------------------------------------------------------------------------- front and side

    def _front(self, needle: Needle) -> FrontPlace | None:
        marks = self.ground.landmarks
        name = f"{marks.names.upper} pedicle lower margin"
        axes = self._axes(needle)
        if axes is None:
            return None
        out, up, _ = axes
        margin = self.ground.point(name, needle.side)
        height = self._pedicle_height(needle.side)
        if not np.isfinite(height):
            return None
        across, over = (float((np.asarray(needle.target) - margin) @ axis) for axis in (out, up))
        rightwards = across * (1.0 if needle.side == "right" else -1.0)
        hours = float(np.degrees(np.arctan2(rightwards, over - height / 2))) / 30.0 % 12.0
        return FrontPlace(hours or 12.0, across, -over, marks.confidence(f"{name} {needle.side}"))

    def _pedicle_height(self, side: Side) -> float:
        """Of the upper pedicle, from its lower margin; not a number where that is not known. Asked once a side."""
        if side not in self._heights:
            margin = self.ground.point(f"{self.ground.landmarks.names.upper} pedicle lower margin", side)
            up = self.ground.upper_axes(side)[1]
            start = margin + INSIDE_MM * up
            reach = self.ground.bone.crossing(start[None], up, PEDICLE_MM)
            self._heights[side] = float(reach[0]) + INSIDE_MM
        return self._heights[side]

    def _walls(self, side: Side) -> tuple[float, float, float]:
        """Mm from a foramen's middle to its floor, front and back wall; not a number where there is none."""
        if side not in self._foramina:
            centre = self.ground.landmarks.points[f"foramen {self.ground.landmarks.names.name} centre {side}"]
            _, up, back = self.ground.upper_axes(side)
            floor, front, rear = (
                float(self.ground.bone.crossing(centre[None], way, WALL_MM, leaving=False)[0])
                for way in (-up, -back, back)
            )
            self._foramina[side] = floor, front, rear
        return self._foramina[side]

    @cached_property
    def _heights(self) -> dict[Side, float]:
        return {}

    @cached_property
    def _foramina(self) -> dict[Side, tuple[float, float, float]]:
        return {}

    def _side(self, needle: Needle) -> SidePlace | None:
        marks, names = self.ground.landmarks, self.ground.landmarks.names
        wanted = [f"foramen {names.name} centre", f"{names.upper} pedicle lower margin"]
        wanted = [f"{name} {needle.side}" for name in wanted]
        axes = self._axes(needle)
        if axes is None or not all(name in marks.points for name in wanted):
            return None
        _, up, back = axes
        centre = marks.points[wanted[0]]
        roof = float((marks.points[wanted[1]] - centre) @ up)
        floor, front, rear = self._walls(needle.side)
        if not np.isfinite([floor, front, rear]).all() or min(roof + floor, front + rear) < STEP_MM:
            return None
        away = np.asarray(needle.target) - centre
        return SidePlace(
            (float(away @ up) + floor) / (roof + floor),
            (float(away @ back) + front) / (front + rear),
            roof + floor,
            front + rear,
            min(marks.confidence(name) for name in wanted),
        )

    def _axes(self, needle: Needle) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        try:
            return self.ground.upper_axes(needle.side)
        except KeyError:
            return None

    # ------------------------------------------------------------------------------------------------------- behind

    def _disc(self, needle: Needle) -> float | None:
        """The first place of the disc behind the tip."""
        found = self.in_disc(_behind(needle), needle.side)
        return None if found is None else _first(found)

    def _near_disc(self, needle: Needle) -> float | None:
        """How far the tip lies from the disc, in any direction; infinite where farther than is looked."""
        for first in range(0, len(_BALL), BALL_AT_ONCE):
            offsets = _BALL[first : first + BALL_AT_ONCE]
            found = self.in_disc(np.asarray(needle.target) + offsets, needle.side)
            if found is None:
                return None
            if found.any():
                return float(np.linalg.norm(offsets[found.argmax()]))
        return float("inf")

    def in_disc(self, points: FloatArray, side: Side) -> BoolArray | None:
        """Whether places LPS mm (n, 3) lie between the upper body and the lower one, and not in bone (n,).

        One looks up and down from each, leaning towards the middle of the disc: a disc reaches beyond the rims of the
        bodies, which are round. None where the labels do not tell.
        """
        names, parts = self.ground.landmarks.names, self.ground.landmarks.parts
        try:
            up = self.ground.axes(side)[1]
        except KeyError:
            return None
        if parts is None or not len(self.bodies):
            return None
        bone = self.ground.bone
        inwards = self.ground.landmarks.points[names.focus] - points
        inwards -= (inwards @ up)[:, None] * up
        inwards /= np.maximum(np.linalg.norm(inwards, axis=1, keepdims=True), STEP_MM)
        lean = np.radians(DISC_LEAN_DEG)
        # What is quickest to ask leaves out most of the points before what takes longest.
        left = np.flatnonzero(bone.at(points) >= 0.0)
        height, met = np.zeros(len(points)), {}
        for way, name in ((up, names.upper), (-up, names.lower)):
            leaning = np.cos(lean) * way + np.sin(lean) * inwards[left]
            reach = bone.crossing(points[left], leaning, DISC_MM, leaving=False)
            here = np.isfinite(reach)
            left, reach, leaning = left[here], reach[here], leaning[here]
            height[left] += reach
            met[name] = np.full((len(points), 3), np.nan)
            met[name][left] = points[left] + reach[:, None] * leaning
        left = left[height[left] <= DISC_MM]
        for name, places in met.items():
            called = np.array(parts.names)[parts.nearest(places[left], BONE)]
            left = left[called == f"{name} body"]
        inside = np.zeros(len(points), dtype=bool)
        inside[left] = True
        return inside

    def _nerve(self, needle: Needle) -> dict[TipFact, float | None]:
        """Where the line comes into labelled sac, and where into a root."""
        parts, line = self.ground.landmarks.parts, _behind(needle)
        if parts is None or not len(self.sac):
            return {TipFact.SAC: None, TipFact.ROOT: None}
        sac = np.array(parts.names)[parts.nearest(line, NERVE)] == SAC
        within = self.ground.nerve.at(line) < 0.0
        return {TipFact.SAC: _first(within & sac), TipFact.ROOT: _first(within & ~sac)}

    def _front_of_body(self, needle: Needle) -> float | None:
        """Where the line passes the front of the two bodies; infinite where it does not."""
        axes = self._axes(needle)
        if axes is None or not len(self.bodies):
            return None
        forwards = -axes[2]
        front = float(np.percentile(self.bodies @ forwards, FRONT_PART))
        return _first(_behind(needle) @ forwards > front)


def _named(parts: Parts | None, points: FloatArray, tissue: int, names: tuple[str, ...]) -> FloatArray:
    if parts is None or not len(points):
        return np.zeros((0, 3))
    called = np.array(parts.names)[parts.nearest(points, tissue)]
    return np.asarray(points[np.isin(called, names)])


def _behind(needle: Needle) -> FloatArray:
    """LPS mm (n, 3) on the line from the tip on."""
    return needle.at(needle.depth_mm + np.arange(0.0, FOLLOWED_MM + STEP_MM, STEP_MM))


def _first(met: BoolArray) -> float:
    """How far behind the tip the first place is that is met; infinite where none is."""
    return float(met.argmax()) * STEP_MM if met.any() else float("inf")


def _stop(depth: float, behind: dict[TipFact, float]) -> Stop:
    """Before the first of what must not be reached; at bone, which stops a needle by itself."""
    ends = {fact: way - SPARE_MM for fact, way in behind.items() if fact in (*HAZARDS, TipFact.VESSELS)}
    if TipFact.BONE in behind:
        ends[TipFact.BONE] = behind[TipFact.BONE]
    first = min(ends, key=ends.__getitem__, default=None)
    if first is None or ends[first] > DEEPEST_MM:
        return Stop(depth + DEEPEST_MM, None, float("inf"), False)
    return Stop(depth + max(ends[first], 0.0), first, depth + behind[first], ends[first] < 0.0)
