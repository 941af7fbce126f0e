"""What a planning says, way by way: the rows and the sentences a reader of a plan is shown.

Made from the records alone, so a plan opened from disk reads as one just made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.lengths import in_mm
from spinect_core.geometry.triangle import DEFAULT_LEVEL, KIND_NAMES
from spinect_core.geometry.view import View
from spinect_core.plan.records import (
    AxialRecord,
    LandmarkRecord,
    LevelRecord,
    MarginRecord,
    NeedleRecord,
    Planning,
    RiskRecord,
    SearchRecord,
    WindowRecord,
    ZoneRecord,
    zone_key,
)
from spinect_core.planning.needle.needles import fitting

DOUBTFUL = 0.5
"""Landmarks whose chance to lie within 3 mm of their true place is less than this are marked."""
CLOSERS_NAMED = 3
OWN_NEEDLE = "Own needle"
RISK_LEAVES_OUT = (
    "Needles drawn by chance from the angular errors of a study on a phantom. Not counted: errors of the entry point, "
    "bending, movement and breathing, errors of the segmentation, and that a physician corrects on the way. It "
    "compares plans; it does not say how often a patient is harmed."
)


@dataclass(frozen=True, eq=False)
class Way:
    """A zone with its best needle, or a needle of the user's.

    Attributes:
        key: tells it from the others, and stays the same when the planning is made again.
        kind: "kambin" or "safe".
        side: the patient's "left" or "right".
        version: "bony", "neural" or "".
        zone: the borders; None for a user's needle whose zone was not found.
        window: the free window that was stored.
        search: the best views.
        needle: the way in; None where there is none.
        own: whether the needle is the user's.
    """

    key: str
    kind: str
    side: str
    version: str
    zone: ZoneRecord | None
    window: WindowRecord | None
    search: SearchRecord | None
    needle: NeedleRecord | None
    own: bool = False

    @property
    def title(self) -> str:
        """Such as ``Left Kambin, bony`` or ``Own needle 1``."""
        if self.own and self.needle is not None:
            return self.needle.needle.title
        kind = KIND_NAMES[self.kind].split()[0]
        return f"{self.side.capitalize()} {kind}" + (f", {self.version}" if self.version else "")

    @property
    def zone_key(self) -> str:
        """Of its zone; empty without one."""
        return "" if self.zone is None else self.zone.key

    @property
    def open(self) -> bool:
        """Whether there is a view that is open to a needle, or a needle."""
        return self.own or (self.search is not None and self.search.best is not None)

    @property
    def view(self) -> View | None:
        """The line of sight to show it in: along the needle, else the recommended, else the one nearest to open."""
        if self.needle is not None:
            return self.needle.needle.view
        if self.search is not None and self.search.recommended is not None:
            return self.search.recommended.view
        if self.search is not None and self.search.candidate is not None:
            return self.search.candidate
        return None if self.window is None else self.window.view

    @property
    def target(self) -> tuple[float, float, float] | None:
        """LPS mm: the needle's tip, else the window's middle, else that of the borders."""
        if self.needle is not None:
            return self.needle.needle.target
        if self.window is not None and self.window.centre is not None:
            return self.window.centre
        if self.zone is None:
            return None
        x, y, z = np.concatenate([np.asarray(each.points) for each in self.zone.borders]).mean(axis=0)
        return float(x), float(y), float(z)

    @property
    def area_text(self) -> str:
        """Of the largest free window."""
        if self.own or self.search is None or self.search.best is None:
            return "" if self.own else "closed"
        return f"{self.search.best.area_mm2:.1f} mm²"

    @property
    def circle_text(self) -> str:
        """Diameter of the largest circle in that window."""
        best = None if self.search is None or self.own else self.search.best
        return "" if best is None or best.radius_mm is None else f"{2 * best.radius_mm:.1f} mm"

    @property
    def view_text(self) -> str:
        """Of a closed zone what closes it; of an open one its best view; of a user's needle the view along it."""
        if self.own and self.needle is not None:
            return self.needle.needle.view.words
        if self.search is not None and self.search.best is not None:
            # The row tells the side already, and the head of its column that the first angle is oblique.
            return self.search.best.view.words.removeprefix(f"{self.side} oblique ")
        return self.closed_text

    @property
    def closed_text(self) -> str:
        """What closes the zone and by how much it would have to give; empty where it is open."""
        if self.open or self.window is None:
            return ""
        if self.window.pair:
            both = " and ".join(self.window.pair)
            return f"closed by {both}: both would have to give {in_mm(self.window.pair_required_mm or 0.0)}"
        named = [
            each.name + (f" ({in_mm(each.required_mm)})" if each.required_mm is not None else "")
            for each in self.window.closers[:CLOSERS_NAMED]
        ]
        return f"closed by {', '.join(named)}" if named else "closed: too narrow for a needle"

    @property
    def needle_text(self) -> str:
        """Depth of the target and the needle that fits."""
        if self.needle is None:
            return ""
        needle = self.needle.needle
        fit = fitting(needle.depth_mm, needle.gauge).needle
        return f"{needle.depth_mm:.0f} mm, " + ("none fits" if fit is None else f"{fit.inches:g} in")

    @property
    def tolerance_text(self) -> str:
        """How many degrees the hand may err."""
        safety = None if self.needle is None else self.needle.safety
        margin = None if safety is None or safety.tolerance is None else safety.tolerance.angle
        return "" if margin is None else _amount(margin, "°")

    @property
    def nerve_text(self) -> str:
        """The smallest distance to nerve on the way, before the last 3 mm."""
        safety = None if self.needle is None else self.needle.safety
        return "" if safety is None or safety.nerve is None else f"{safety.nerve.mm:.1f} mm"


def ways(planning: Planning) -> tuple[Way, ...]:
    """Every zone with its needle, then the user's own needles."""
    windows = {each.zone: each for each in reversed(planning.windows) if each.author == "automatic"}
    searches = {each.zone: each for each in planning.searches}
    needles: dict[str, NeedleRecord] = {}
    own: list[NeedleRecord] = []
    for each in planning.needles:
        if each.needle.author == "user":
            own.append(each)
        else:
            needles.setdefault(key_of_needle(each), each)
    rows = [
        Way(
            zone.key,
            zone.kind,
            zone.side,
            zone.version,
            zone,
            windows.get(zone.key),
            searches.get(zone.key),
            needles.get(zone.key),
        )
        for zone in planning.zones
    ]
    for number, record in enumerate(own):
        needle = record.needle
        zone_of = planning.zone(key_of_needle(record))
        key = f"own {number} {needle.name}"
        rows.append(Way(key, needle.kind, needle.side, needle.version, zone_of, None, None, record, own=True))
    return tuple(rows)


def users_part(planning: Planning) -> Planning:
    """What is left of a planning when the labels it was made on are gone: all that the user chose or placed.

    His needles stay where they are, but their safety is not known any more.
    """
    level = planning.level
    kept = level is not None and (level.shift != 0 or level.name != DEFAULT_LEVEL)
    moved = tuple(each for each in planning.landmarks if each.moved)
    return Planning(
        level=LevelRecord(name=level.name, shift=level.shift)
        if level is not None and (kept or moved)
        else None,
        landmarks=moved,
        needles=tuple(
            NeedleRecord(needle=each.needle) for each in planning.needles if each.needle.author == "user"
        ),
    )


def key_of_needle(record: NeedleRecord) -> str:
    """Of the zone a needle goes to."""
    needle = record.needle
    return zone_key(needle.kind, needle.version, needle.side, needle.level)


def free_needle_name(planning: Planning) -> str:
    """The first name ``Own needle N`` that is not taken."""
    taken = {each.needle.name for each in planning.needles}
    return next(name for name in (f"{OWN_NEEDLE} {n}" for n in count(1)) if name not in taken)


def doubts(planning: Planning) -> tuple[str, ...]:
    """What is doubtful about the level, as sentences."""
    return () if planning.level is None else tuple(f"{each.rstrip('.')}." for each in planning.level.warnings)


def landmark_text(landmark: LandmarkRecord) -> str:
    """How sure a landmark is, and its name."""
    if landmark.moved:
        return f"placed  {landmark.name}"
    return f"{landmark.confidence:.0%}  {landmark.name}" + (" (doubtful)" if is_doubtful(landmark) else "")


def is_doubtful(landmark: LandmarkRecord) -> bool:
    """Whether a landmark is worth a look before it is relied on."""
    return not landmark.moved and landmark.confidence < DOUBTFUL


def choices(search: SearchRecord) -> tuple[tuple[str, View], ...]:
    """The views a search offers, with words: recommended, best, alternatives; of a closed zone the nearest to open."""
    found: list[tuple[str, View]] = []
    if search.recommended is not None:
        found.append((f"Recommended: {search.recommended.view.words}", search.recommended.view))
    if search.best is not None:
        found.append((f"Largest window: {search.best.view.words}", search.best.view))
    found += [(f"Alternative: {each.view.words} ({each.words})", each.view) for each in search.alternatives]
    if search.candidate is not None and search.best is None:
        found.append((f"Nearest to open: {search.candidate.words}", search.candidate))
    return tuple(found)


def headline(way: Way) -> str:
    """A way with its needle on one line, for the heading of a picture."""
    if way.needle is None:
        return way.title if not way.closed_text else f"{way.title}: {way.closed_text}"
    needle = way.needle.needle
    parts = [f"{way.title}: needle {needle.depth_mm:.0f} mm deep, {needle.gauge} G"]
    if way.tolerance_text:
        parts.append(f"may err by {way.tolerance_text}")
    if way.nerve_text:
        parts.append(f"{way.nerve_text} from nerve on the way")
    return " · ".join(parts)


def facts(way: Way, landmarks: Iterable[LandmarkRecord] = ()) -> tuple[tuple[str, str], ...]:
    """All that is known of a way, as headings and texts in the order of reading.

    Args:
        way: which.
        landmarks: of the planning, for the place of the entry.
    """
    found: list[tuple[str, str]] = []
    if way.closed_text:
        found.append(("Window", f"{way.closed_text[0].upper()}{way.closed_text[1:]}"))
    if way.needle is not None:
        found += _needle_facts(way.needle, tuple(landmarks))
    if way.search is not None:
        if way.search.axial is not None:
            found.append(("Axial plane", _axial(way.search.axial)))
        found += [("Note", f"{note.rstrip('.')}.") for note in way.search.notes]
    return tuple(found)


def _needle_facts(record: NeedleRecord, landmarks: Sequence[LandmarkRecord]) -> list[tuple[str, str]]:
    needle, safety = record.needle, record.safety
    found = [
        ("Line of sight", f"{needle.view.format(1)}; C-arm {needle.c_arm}"),
        ("Needle", f"{needle.depth_mm:.0f} mm deep; {fitting(needle.depth_mm, needle.gauge).words}"),
    ]
    try:
        place = needle.entry_place({each.name: each.point for each in landmarks})
        found.append(("Entry", place.words))
    except MeasurementError:
        pass  # without these landmarks there is no midline to count from
    if safety is None:
        return [*found, ("Safety", "not measured on these labels")]
    if safety.tolerance is not None and safety.tolerance.angle is not None:
        found.append(("May err by", _margin(safety.tolerance.angle, "°")))
    if safety.tolerance is not None and safety.tolerance.shift is not None:
        found.append(("May shift by", _margin(safety.tolerance.shift, " mm")))
    near = [
        f"{each.mm:.1f} mm to {name}"
        for name, each in (
            ("nerve on the way", safety.nerve),
            ("nerve in the last 3 mm", safety.nerve_at_target),
            ("bone", safety.bone),
        )
        if each is not None
    ]
    if near:
        found.append(("Clearance", ", ".join(near)))
    on_the_way = [
        f"{each.name} {'crossed' if each.relation == 'crossed' else f'{each.gap_mm:.1f} mm'} at {each.depth_mm:.0f} mm"
        for each in safety.structures
        if each.relation != "beyond"
    ]
    found.append(("Within 2 mm", "; ".join(on_the_way) or "neither bone nor nerve"))
    beyond = [
        f"{each.name} from {each.depth_mm:.0f} mm" for each in safety.structures if each.relation == "beyond"
    ]
    if beyond:
        found.append(("Behind the tip", "; ".join(beyond)))
    if safety.risks:
        found.append(("Angular error", " ".join(_risk(each) for each in safety.risks)))
        found.append(("", RISK_LEAVES_OUT))
    return found


def _risk(risk: RiskRecord) -> str:
    return (
        f"{risk.method[:1].upper()}{risk.method[1:]} ({risk.mean_deg:g} ± {risk.spread_deg:g}°): "
        f"{risk.either:.0%} meet bone or nerve, {risk.nerve:.0%} nerve; 95 % of tips within {risk.miss_95_mm:.0f} mm."
    )


def _axial(axial: AxialRecord) -> str:
    if not axial.reachable:
        return "no way within an axial slice without gantry tilt"
    where = "" if axial.oblique is None else f" at oblique {axial.oblique:.0f}°"
    return f"possible within an axial slice{where}, {axial.area_mm2:.1f} mm² open"


def _margin(margin: MarginRecord, unit: str) -> str:
    if margin.at_least:
        return _amount(margin, unit)
    return f"{_amount(margin, unit)}, then {margin.tissue}" + (
        f" ({margin.towards})" if margin.towards else ""
    )


def _amount(margin: MarginRecord, unit: str) -> str:
    return f"{margin.amount:.1f}{unit}" + (" or more" if margin.at_least else "")
