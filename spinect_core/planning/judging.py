"""What the rules are asked of: a needle with all that was measured along it, or every view of an angle map at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.words import Guidance, Kind, Rule, Side, TipFact
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.image.position import PatientPosition
from spinect_core.planning.needle.needle import Midline, Needle
from spinect_core.planning.needle.readouts import Readouts
from spinect_core.planning.needle.safety import Clearance, Closest, Crossing
from spinect_core.planning.needle.soft_tissue import BARRED, SoftTissue, Way
from spinect_core.planning.needle.tip import SAC, Tip, TipGround
from spinect_core.planning.needle.tolerance import Margin, Tolerance
from spinect_core.planning.rules import VIEW_RULES, Finding, Rules, judge
from spinect_core.planning.search.angle_map import OBLIQUE_DEGREES, TILT_DEGREES, AngleMap
from spinect_core.planning.search.many_views import Frames

USUAL_OBLIQUE, USUAL_TILT = (25.0, 30.0), (11.0, 14.0)
"""Of fluoroscopy at L5/S1, ipsilateral and cranial degrees (n = 80, pubmed.ncbi.nlm.nih.gov/24690186)."""
PRONE = (PatientPosition.HEAD_FIRST_PRONE, PatientPosition.FEET_FIRST_PRONE)
PAST_MIDDLE_MM = 0.25
"""One aims so much past the limit of the rule on the pedicle, a quarter of a voxel."""
LEAST_GAIN = 0.1
"""Sine of the least angle between a view and the way outwards that is reckoned with; none that is searched has less."""
_TIP_RULES = (
    Rule.SAC_MET,
    Rule.TIP_IN_DISC,
    Rule.TIP_PAST_FRONT,
    Rule.TIP_SAC,
    Rule.DISC_BEHIND,
    Rule.DISC_NEAR,
)
_SAFE_RULES, _KAMBIN_RULES = (Rule.TIP_MEDIAL, Rule.TIP_VENTRAL), (Rule.TIP_HIGH,)


class Near(Protocol):
    """How near a needle comes to bone and nerve."""

    @property
    def bone(self) -> Closest:
        """On the whole trajectory."""

    @property
    def nerve(self) -> Closest:
        """Up to 3 mm before the target."""

    @property
    def nerve_at_tip(self) -> Closest:
        """At the tip itself."""


class Turning(Protocol):
    """How far a needle may turn about its entry."""

    @property
    def angle(self) -> Margin:
        """Degrees to bone or nerve, whichever comes first."""


@dataclass(frozen=True)
class Asked:
    """What was measured along a needle, as far as the rules ask for it.

    Attributes:
        along: distances to bone and nerve.
        tolerance: for errors of the hand.
        crossed: structures on its line.
        tip: where it lies.
        readouts: of the room.
        way: its soft tissue; None without a CT.
    """

    along: Near
    tolerance: Turning
    crossed: tuple[Crossing, ...]
    tip: Tip | None
    readouts: Readouts | None
    way: Way | None = None


@dataclass(frozen=True)
class Measured(Asked):
    """The same with the whole curves of the distances, and with the tolerance of shifts."""

    along: Clearance
    tolerance: Tolerance


@dataclass(frozen=True)
class Judge:
    """The rules among the landmarks of a case.

    Attributes:
        rules: that hold.
        guidance: what the needle is placed under.
        landmarks: of the level.
        tips: what tips are looked at on.
        soft: the soft tissue; None without a CT.
    """

    rules: Rules
    guidance: Guidance
    landmarks: Landmarks
    tips: TipGround
    soft: SoftTissue | None = None

    # ------------------------------------------------------------------------------------------------------- a needle

    def needle(self, needle: Needle, measured: Asked, *, searched: bool = False) -> tuple[Finding, ...]:
        """What the rules say of a needle.

        Args:
            needle: the plan.
            measured: along it.
            searched: whether its view was chosen from those that were searched.
        """
        facts = self.facts(needle, measured, searched=searched)
        return judge(self.rules, facts, {} if measured.way is None else organ_names(measured.way))

    def facts(self, needle: Needle, measured: Asked, *, searched: bool) -> dict[Rule, float | None]:
        """By rule what it asks for; None where that is not known; nothing where it does not concern this needle."""
        view, along, entry = needle.view, measured.along, np.asarray(needle.entry)
        oblique = ipsilateral(view, needle.side)
        beside = above = None
        if self.midline is not None:
            across, height = self.midline.places(entry)
            beside, above = abs(float(across)), abs(float(height))
        process = self._beside_process(np.asarray(needle.target)[None], view.right[None], needle.side)
        facts: dict[Rule, float | None] = {
            Rule.BONE_MET: along.bone.gap_mm,
            Rule.NERVE_MET: along.nerve.gap_mm,
            Rule.INTERLAMINAR: None if process is None else float(process[0]),
            Rule.ENTRY_FAR: beside,
            Rule.TOLERANCE_FLOOR: measured.tolerance.angle.amount,
            Rule.OBLIQUE_WIDE: oblique,
            Rule.TILT_STEEP: abs(view.elevation),
            Rule.ENTRY_HEIGHT: above,
            Rule.ENTRY_LATERAL: beside,
            Rule.TIP_NERVE: along.nerve_at_tip.gap_mm,
            Rule.OBLIQUE_USUAL: oblique,
            Rule.NEEDLE_LONG: needle.depth_mm,
            Rule.USUAL_VIEW: from_usual(view, needle.side),
        }
        if self.landmarks.roots:
            facts[Rule.ROOT_UNSEEN] = self._to_gaps(needle)
        if searched:
            facts[Rule.SEARCH_EDGE] = float(from_edge(np.array([oblique]), np.array([view.elevation]))[0])
        facts |= self._tip_facts(needle, measured)
        facts |= {} if measured.way is None else organ_facts(measured.way)
        return facts | _room_facts(measured.readouts, self.guidance)

    def _to_gaps(self, needle: Needle) -> float:
        """Mm from a needle's axis to the nearest course on which a root is not labelled; infinite without such gaps."""
        gaps = [gap.points for root in self.landmarks.roots.values() for gap in root.gaps]
        if not gaps:
            return float("inf")
        from_entry = np.concatenate(gaps) - np.asarray(needle.entry)
        depths = np.clip(-from_entry @ needle.towards_entry, 0.0, needle.depth_mm)
        return float(np.linalg.norm(from_entry + depths[:, None] * needle.towards_entry, axis=1).min())

    def _tip_facts(self, needle: Needle, measured: Asked) -> dict[Rule, float | None]:
        tip = measured.tip
        if tip is None:
            tip_rules = (*_TIP_RULES, *(_SAFE_RULES if needle.kind == Kind.SAFE else _KAMBIN_RULES))
            return dict.fromkeys(tip_rules)

        def behind(fact: TipFact) -> float | None:
            return None if fact in tip.missing else tip.behind.get(fact, float("inf"))

        disc, front, sac = (behind(fact) for fact in (TipFact.DISC, TipFact.FRONT, TipFact.SAC))
        pierced = any(each.name == SAC and not each.behind_tip for each in measured.crossed)
        facts: dict[Rule, float | None] = {
            Rule.SAC_MET: 1.0 if pierced else _within(sac),
            Rule.TIP_IN_DISC: _within(disc),
            Rule.TIP_PAST_FRONT: _within(front),
            Rule.TIP_SAC: tip.sac_mm,
            Rule.DISC_BEHIND: disc,
            Rule.DISC_NEAR: tip.disc_mm,
        }
        if needle.kind == Kind.SAFE:
            facts[Rule.TIP_MEDIAL] = None if tip.front is None else tip.front.lateral_mm
            if tip.front is not None:  # that it is not known is said once
                facts[Rule.TIP_LATERAL] = tip.front.lateral_mm
            facts[Rule.TIP_VENTRAL] = None if tip.side is None else tip.side.depth
        else:
            facts[Rule.TIP_HIGH] = None if tip.side is None else tip.side.height
        return facts

    # ---------------------------------------------------------------------------------------------------------- aiming

    def aims(
        self,
        zone: Zone,
        centres: FloatArray,
        radius_mm: FloatArray,
        vectors: FloatArray,
        needle_radius_mm: float,
    ) -> FloatArray:
        """Where needles along views are aimed, LPS mm (n, 3): at the middle of the largest circle of each window.

        In the safe triangle one aims as far lateral as the rule on the pedicle asks, across the view, where the needle
        still lies within that circle: it is free.

        Args:
            zone: that is looked at.
            centres: LPS mm (n, 3), of the circles.
            radius_mm: of them (n,).
            vectors: of the views (n, 3), from the target to the viewer.
            needle_radius_mm: of the needle.
        """
        lateral = self._beside_pedicle(centres, zone) if zone.kind == Kind.SAFE else None
        if lateral is None or not self.rules.bars(Rule.TIP_MEDIAL):
            return centres
        out, limit = self.tips.ground.upper_axes(zone.side)[0], self.rules[Rule.TIP_MEDIAL].value
        across = out - (vectors @ out)[:, None] * vectors
        gain = np.maximum(np.linalg.norm(across, axis=1), LEAST_GAIN)
        shift = (limit + PAST_MIDDLE_MM - lateral) / gain
        moved = (lateral < limit) & (shift <= radius_mm - needle_radius_mm)
        return np.asarray(np.where(moved[:, None], centres + (shift / gain)[:, None] * across, centres))

    # ---------------------------------------------------------------------------------------------------------- views

    def views(self, zone: Zone, chart: AngleMap, tolerance_deg: FloatArray | None = None) -> Refusals:
        """What the rules that bar say of the views of a map.

        Args:
            zone: that is looked at.
            chart: of it.
            tolerance_deg: about what a needle along each view may deviate (n,); None where that was not asked.
        """
        looks = chart.looks
        frames = Frames.of(zone.side, looks.oblique, looks.tilt)
        facts = {
            Rule.BONE_MET: looks.bone_mm - chart.limits.needle_radius_mm,
            Rule.INTERLAMINAR: self._beside_process(looks.target, frames.right, zone.side),
            Rule.TIP_IN_DISC: self._in_disc(looks.target, zone.side),
            Rule.TIP_MEDIAL: self._beside_pedicle(looks.target, zone) if zone.kind == Kind.SAFE else None,
            Rule.TOLERANCE_FLOOR: tolerance_deg,
            Rule.OBLIQUE_WIDE: looks.oblique,
            Rule.TILT_STEEP: np.abs(looks.tilt),
            Rule.SEARCH_EDGE: from_edge(looks.oblique, looks.tilt),
        }
        if self.midline is not None:
            entries = looks.target + looks.depth_mm[:, None] * frames.vector
            across, above = self.midline.places(entries)
            facts |= {Rule.ENTRY_FAR: np.abs(across), Rule.ENTRY_HEIGHT: np.abs(above)}
        organs, names = self._organs_met(chart, frames)
        return Refusals.of(self.rules, facts | organs, looks.allowed, names)

    def _organs_met(
        self, chart: AngleMap, frames: Frames
    ) -> tuple[dict[Rule, FloatArray], dict[Rule, list[str]]]:
        """How near the needles of a map come to organs (n,), as near as the rules ask, and to which (n,)."""
        looks = chart.looks
        asked = {rule: self.rules[rule].value for rule in BARRED if self.rules.bars(rule)}
        open_to = np.flatnonzero(looks.allowed & np.isfinite(looks.depth_mm))
        if self.soft is None or not len(open_to):
            return {}, {}
        targets = looks.target[open_to]
        entries = targets + looks.depth_mm[open_to, None] * frames.vector[open_to]
        facts: dict[Rule, FloatArray] = {}
        names: dict[Rule, list[str]] = {}
        for rule, (gaps, named) in self.soft.met(
            entries, targets, asked, chart.limits.needle_radius_mm
        ).items():
            facts[rule] = np.full(len(looks.allowed), np.inf)
            facts[rule][open_to] = gaps
            names[rule] = [""] * len(looks.allowed)
            for number, name in zip(open_to.tolist(), named, strict=True):
                names[rule][number] = name
        return facts, names

    # ------------------------------------------------------------------------------------------------------ landmarks

    def lateral_mm(self, points: FloatArray) -> FloatArray:
        """How far LPS mm points (n, 3) lie from the midline, to either side; not a number where that is not known."""
        if self.midline is None:
            return np.full(len(points), np.nan)
        return np.abs(self.midline.places(points)[0])

    @cached_property
    def midline(self) -> Midline | None:
        """Of the level, whichever it is."""
        points, names = self.landmarks.points, self.landmarks.names
        body = f"{names.upper} body centre"
        if names.focus not in points or body not in points:
            return None
        return Midline.of(points[names.focus], points[body])

    def _beside_process(self, targets: FloatArray, right: FloatArray, side: Side) -> FloatArray | None:
        """Mm (n,) by which trajectories pass lateral of the articular process in their own view, negative medial.

        Args:
            targets: LPS mm (n, 3).
            right: to the right of their views (n, 3).
            side: of the patient.
        """
        points = self.landmarks.points
        names = self.landmarks.names.articular_process(side)
        process = [points[name] for name in names if name in points]
        if not process:
            return None
        # Seen from behind, outwards is to the left of the picture on the left side.
        outwards = -right if side == Side.LEFT else right
        return np.asarray(np.einsum("ij,ij->i", targets - np.mean(process, axis=0), outwards))

    def _beside_pedicle(self, targets: FloatArray, zone: Zone) -> FloatArray | None:
        """Mm (n,) outwards from the middle of the pedicle."""
        name = f"{self.landmarks.names.upper} pedicle lower margin {zone.side}"
        try:
            out = self.tips.ground.upper_axes(zone.side)[0]
        except KeyError:
            return None
        if name not in self.landmarks.points:
            return None
        return np.asarray((targets - self.landmarks.points[name]) @ out)

    def _in_disc(self, targets: FloatArray, side: Side) -> FloatArray | None:
        """1 where a target lies in the disc, else 0 (n,)."""
        here = np.isfinite(targets).all(axis=1)
        found = np.zeros(len(targets))
        inside = self.tips.in_disc(targets[here], side)
        if inside is None:
            return None
        found[here] = inside
        return found


@dataclass(frozen=True, eq=False)
class Refusals:
    """Which rules bar the views of a map.

    Attributes:
        by_rule: whether each view that is open to a needle passes the limit (n,), by the rules that were asked.
        first: (n,) the place in :data:`VIEW_RULES` of the rule that is named for each view, from 1; 0 where none bars.
        organs: (n,) the organ for which that rule bars it; empty where it is about none.
    """

    by_rule: Mapping[Rule, BoolArray]
    first: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    organs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        rules: Rules,
        facts: Mapping[Rule, FloatArray | None],
        open_to: BoolArray,
        names: Mapping[Rule, Sequence[str]] | None = None,
    ) -> Refusals:
        """What rules say of views.

        Args:
            rules: that hold.
            facts: by rule what it asks for (n,); None or not a number where that is not known.
            open_to: whether a view is open to a needle (n,); the others are refused already.
            names: by rule the organ (n,) that it is about.
        """
        by_rule: dict[Rule, BoolArray] = {}
        first = np.zeros(len(open_to), dtype=np.uint8)
        for place, rule in enumerate(VIEW_RULES, start=1):
            values = facts.get(rule)
            if values is None or not rules.bars(rule):
                continue
            by_rule[rule] = rules[rule].passed(values) & open_to
            first[by_rule[rule] & (first == 0)] = place
        organs = [""] * len(first)
        for rule, named in (names or {}).items():
            for number in np.flatnonzero(first == VIEW_RULES.index(rule) + 1).tolist():
                organs[number] = named[number]
        return cls(by_rule, first, tuple(organs))


_ORGANS_NEAR = {Rule.BOWEL_NEAR: Rule.BOWEL_MET, Rule.KIDNEY_NEAR: Rule.KIDNEY_MET}


def organ_facts(way: Way) -> dict[Rule, float | None]:
    """By rule how near a needle comes to what it is about; infinite where there is nothing of it within 60 mm."""
    gaps: dict[Rule, float | None] = {rule: way.gap_mm(rule) for rule in BARRED}
    gaps |= {rule: gaps[same] for rule, same in _ORGANS_NEAR.items()}
    return gaps | {Rule.ORGANS_UNKNOWN: way.unvouched_mm}


def organ_names(way: Way) -> dict[Rule, str]:
    """By rule the organ that it is about."""
    nearest = {rule: way.nearest(rule) for rule in BARRED}
    names = {rule: found.name for rule, found in nearest.items() if found is not None}
    return names | {rule: names[same] for rule, same in _ORGANS_NEAR.items() if same in names}


def ipsilateral(view: View, side: Side) -> float:
    """The oblique angle of a view towards a side, negative towards the other."""
    return view.azimuth if side == Side.LEFT else -view.azimuth


def from_usual(view: View, side: Side) -> float:
    """Degrees between a view and the nearest that is usual in fluoroscopy."""
    oblique = float(np.clip(ipsilateral(view, side), *USUAL_OBLIQUE))
    return view.angle_to(View.oblique(side, oblique, float(np.clip(view.elevation, *USUAL_TILT))))


def from_edge(oblique: FloatArray, tilt: FloatArray) -> FloatArray:
    """Degrees (n,) of views from the nearest edge of what is searched; straight from behind is one too."""
    turn = np.minimum(oblique - OBLIQUE_DEGREES[0], OBLIQUE_DEGREES[1] - oblique)
    lean = np.minimum(tilt - TILT_DEGREES[0], TILT_DEGREES[1] - tilt)
    return np.asarray(np.minimum(turn, lean))


def _within(mm: float | None) -> float | None:
    """1 where something that lies so far behind the tip holds the tip, 0 where not."""
    return None if mm is None else float(mm <= 0.0)


def _room_facts(readouts: Readouts | None, guidance: Guidance) -> dict[Rule, float | None]:
    if readouts is None:
        return {}
    scanned = readouts.scanned
    facts: dict[Rule, float | None] = {Rule.SUPINE: None if scanned is None else float(scanned not in PRONE)}
    if guidance == Guidance.CT:
        facts[Rule.GANTRY] = abs(readouts.gantry.tilt)
    return facts
