"""What the planning of a case holds: an approach to each zone, with its needle and what that passes."""

from __future__ import annotations

from dataclasses import dataclass, field

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.notes import Note
from spinect_core.base.words import Guidance, LightCause
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.zone import Zone
from spinect_core.image.organs import Organ, OrganOrigin, Organs
from spinect_core.image.warning import ReadingWarning
from spinect_core.planning.choosing import Chosen, Refusal
from spinect_core.planning.intervals import NeedleInterval, WindowInterval
from spinect_core.planning.needle.live import Angles, Distances, Touch
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.readouts import Readouts
from spinect_core.planning.needle.risk import Risk
from spinect_core.planning.needle.safety import Clearance, Crossing, Neighbour
from spinect_core.planning.needle.soft_tissue import Way
from spinect_core.planning.needle.tip import Tip
from spinect_core.planning.needle.tolerance import Tolerance
from spinect_core.planning.plausibility.light import CaseLight
from spinect_core.planning.rules import Finding, Rules
from spinect_core.planning.search.axial import InPlaneTrajectory
from spinect_core.planning.search.search import SearchResult
from spinect_core.planning.traffic_light import LightFound
from spinect_core.planning.zones.closers import Closing
from spinect_core.planning.zones.fitted import FittedTriangle
from spinect_core.planning.zones.window import FreeWindow


@dataclass(frozen=True, eq=False)
class OrgansSeen:
    """Which organs a planning knew, and where.

    Attributes:
        origin: who found them.
        source: the same in words.
        checksum: SHA-256 of the files or weights; empty where there are none.
        looked_for: which were looked for.
        found: which of them there are within reach of a needle.
        minimum: LPS mm of the corner on the right, in front and towards the feet of where they were looked for.
        maximum: of the corner on the left, at the back and towards the head.
        warnings: what reading or checking them noticed.
    """

    origin: OrganOrigin
    source: str
    checksum: str
    looked_for: tuple[Organ, ...]
    found: tuple[Organ, ...]
    minimum: tuple[float, float, float]
    maximum: tuple[float, float, float]
    warnings: tuple[ReadingWarning, ...] = ()

    @classmethod
    def of(cls, organs: Organs) -> OrgansSeen:
        """What a planning kept of organs."""
        corners = organs.geometry.corners()
        low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return cls(
            organs.origin,
            organs.source,
            organs.checksum,
            organs.looked_for,
            organs.found,
            (low[0], low[1], low[2]),
            (high[0], high[1], high[2]),
            organs.warnings,
        )


@dataclass(frozen=True, eq=False)
class NeedlePlan:
    """A needle and what was measured along it.

    Attributes:
        needle: entry, target, type.
        fits: whether a standard needle is long enough, in words.
        clearance: to bone and nerve along the trajectory.
        tolerance: for errors of the hand and for breathing.
        risks: of a first pass by each technique.
        crossings: structures on its line, in order.
        neighbours: structures within 2 mm.
        readouts: what is set in the room.
        tip: where it lies and what is behind it.
        light: how much care it needs.
        interval: that holds 90 of 100 true clearances; None where that was not measured for such labels.
        findings: what the rules say of it, the gravest first.
        way: its soft tissue from the skin to the target, and organs near it; None without a CT.
    """

    needle: Needle
    fits: str
    clearance: Clearance
    tolerance: Tolerance
    risks: tuple[Risk, ...]
    crossings: tuple[Crossing, ...]
    neighbours: tuple[Neighbour, ...]
    readouts: Readouts | None = None
    tip: Tip | None = None
    light: LightFound[LightCause] | None = None
    interval: NeedleInterval | None = None
    findings: tuple[Finding, ...] = ()
    way: Way | None = None


@dataclass(frozen=True, eq=False)
class LiveNeedle:
    """A needle and what is measured along it while it is moved.

    Attributes:
        needle: entry, target, type.
        along: the nearest places of bone and nerve.
        tolerance: for errors of the hand.
        crossings: structures on its line, in order.
        touches: what it comes nearest to, one of bone and one of nerve.
        readouts: what is set in the room.
        tip: where it lies and what is behind it.
        light: how much care it needs.
        findings: what the rules say of it, the gravest first.
        way: its soft tissue from the skin to the target, and organs near it; None without a CT.
    """

    needle: Needle
    along: Distances
    tolerance: Angles
    crossings: tuple[Crossing, ...]
    touches: tuple[Touch, ...]
    readouts: Readouts
    tip: Tip
    light: LightFound[LightCause]
    findings: tuple[Finding, ...]
    way: Way | None = None


@dataclass(frozen=True, eq=False)
class Approach:
    """What was found for one zone.

    Attributes:
        zone: the triangle's borders.
        search: over all lines of sight.
        window: in the view of the largest window; in the view nearest to being open where none opens.
        triangle: the largest that fits that window; None where nothing is open.
        closing: what blocks the zone, where no view is open to a needle; else None.
        needle: along the recommended view; None without an open view or without skin, and where it is withheld.
        axial: whether a trajectory lies in an axial slice.
        seconds: the search took, its share where several zones were searched together.
        notes: what there is to know.
        withheld: why no view and no needle of this zone is recommended, beside what holds for the whole case.
        interval: that holds 90 of 100 true values of the window; None where that was not measured for such labels.
        chosen: why the recommended view is that; None without one.
        refusal: why the rules leave none, where a view is open to a needle and nothing else withholds it.
    """

    zone: Zone
    search: SearchResult
    window: FreeWindow
    triangle: FittedTriangle | None
    closing: Closing | None
    needle: NeedlePlan | None
    axial: InPlaneTrajectory
    seconds: float
    notes: tuple[Note, ...] = ()
    withheld: tuple[Note, ...] = ()
    interval: WindowInterval | None = None
    chosen: Chosen | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, eq=False)
class CasePlan:
    """The planning of a level.

    Attributes:
        landmarks: of the level.
        approaches: one for each zone that was found.
        notes: what is doubtful or missing.
        warnings: what reading noticed about the CT it was planned on.
        withheld: why nothing of this case is recommended.
        rules: that were kept.
        guidance: what needles are placed under.
        light: whether the case can be right; None where that was not looked at.
        organs: which were known, and where; None where nobody looked for any.
    """

    landmarks: Landmarks
    approaches: tuple[Approach, ...]
    notes: tuple[Note, ...]
    warnings: tuple[ReadingWarning, ...] = ()
    withheld: tuple[Note, ...] = ()
    rules: Rules = field(default_factory=Rules)
    guidance: Guidance = Guidance.CT
    light: CaseLight | None = None
    organs: OrgansSeen | None = None

    @property
    def triangles(self) -> tuple[Triangle, ...]:
        """The fitted triangle of each open window: one Kambin (the bony one, else the neural) and one safe a side."""
        kept: dict[tuple[str, str], Triangle] = {}
        for each in self.approaches:
            if each.triangle is not None:
                kept.setdefault((each.zone.side, each.zone.kind), each.triangle.triangle)
        return tuple(kept.values())
