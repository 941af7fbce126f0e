"""What a plan says, in sentences: of its notes, of each trajectory, of the level and its landmarks.

Everything else of the program gives data; this module alone turns them into words. Trajectories are made from the
records alone, so a plan opened from disk reads as one just made.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spinect_core.anatomy.levels import level_names
from spinect_core.base.errors import MeasurementError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.words import (
    Author,
    Checked,
    Kind,
    Light,
    LightCause,
    Relation,
    RootPlace,
    RuleKind,
    Side,
    Version,
)
from spinect_core.geometry.triangle import DEFAULT_LEVEL, KIND_NAMES
from spinect_core.geometry.view import View
from spinect_core.image.warning import organ_warning_lines
from spinect_core.plan.case_wording import CASE_RED, case_light_text, reason_text
from spinect_core.plan.readout_wording import entry_words, readout_facts
from spinect_core.plan.records import (
    AxialRecord,
    ChoiceRecord,
    GapRecord,
    IntervalRecord,
    LandmarkRecord,
    LevelRecord,
    LightReasonRecord,
    LightRecord,
    MarginRecord,
    NeedleRecord,
    Planning,
    Point,
    RiskRecord,
    RootRecord,
    SearchRecord,
    StructureRecord,
    WindowRecord,
    ZoneRecord,
    zone_key,
)
from spinect_core.plan.rule_wording import (
    barring_text,
    beyond,
    chosen_text,
    finding_facts,
    refusal_text,
)
from spinect_core.plan.tip_wording import tip_facts
from spinect_core.plan.way_wording import way_facts
from spinect_core.planning.needle.needles import fitting
from spinect_core.planning.search.weights import Reason

if TYPE_CHECKING:
    from spinect_core.plan.records import RefusalRecord
    from spinect_core.planning.choosing import Refusal
    from spinect_core.planning.intervals import Interval
    from spinect_core.planning.results import Approach, CasePlan
    from spinect_core.planning.search.axial import InPlaneTrajectory
    from spinect_core.planning.zones.closers import Closing

DOUBTFUL = 0.5
"""Landmarks whose chance to lie within 3 mm of their true place is less than this are marked."""
CLOSERS_NAMED = 3
NOT_RECOMMENDED = "Not recommended"
RISK_LEAVES_OUT = (
    "First passes without correction: a simulation of needles with the errors that were measured on phantoms. A "
    "physician corrects on the way with pictures, so these bands compare plans; they do not say how often a patient is "
    "harmed. Not counted: movement and breathing, errors of the segmentation, whatever is neither bone nor nerve, "
    "bending, and the entry's error where none stands beside the angle."
)
BANDS = (0.05, 0.2, 0.5, 0.8)
"""What is simulated is worth no finer number."""
SHOWN_MM = 0.1
AXIAL_REFUSED = "but the rules refuse every such view"
SAME_DEGREES = 0.5
"""Views nearer to each other than this read the same."""

# ---------------------------------------------------------------------------------------------------- notes and reasons

REASONS: Mapping[Reason, str] = {
    Reason.ALLOWED: "allowed",
    Reason.NOT_SEEN: "the triangle is seen edge-on",
    Reason.BONE: "blocked by bone",
    Reason.NERVE: "blocked by nerve",
    Reason.BONE_AND_NERVE: "blocked by bone and nerve together",
    Reason.NARROW: "narrower than the needle",
    Reason.NO_SKIN: "the CT does not show the skin there",
    Reason.TOO_DEEP: "deeper than the longest needle reaches",
}
"""Why a line of sight is not allowed."""

PLACES: Mapping[RootPlace, str] = {
    RootPlace.RECESS: "in the lateral recess",
    RootPlace.FORAMEN: "in its foramen",
    RootPlace.DISC: "beside the disc",
    RootPlace.BEYOND: "beyond its foramen",
}
"""Where a stretch of a root lies."""

_NOTES: Mapping[NoteCode, str] = {
    NoteCode.BONE_UNUSUAL: "The bone round {level} agrees with the usual anatomy by only {overlap:.2f}: check the "
    "level (transitional vertebra, operated spine, cut field of view)",
    NoteCode.LEVEL_UNSURE: "Another level fits almost as well: check that this is {level}",
    NoteCode.LEVEL_CUT: "Only {percent:.0f} % of the surroundings of {level} lie in the picture: check the level, and "
    "segment a larger region if the CT shows more",
    NoteCode.LEVEL_CUES: "Not everything says that this is {level}; against it: {against}. Count the vertebrae and "
    "check the level",
    NoteCode.LEVEL_UNSEEN: "The picture does not show {what}, so that this is {level} cannot be known: count the "
    "vertebrae on a larger picture",
    NoteCode.LANDMARKS_UNSURE: "The landmarks of {level} are unsure ({median:.0f} % in the middle, {percent:.0f} % "
    "the {name}): check the level and the landmarks",
    NoteCode.TRANSITIONAL: "On {where} the transverse process of {vertebra} reaches the sacrum, as in a transitional "
    "vertebra: count the vertebrae before you rely on the level's name",
    NoteCode.NERVE_VOLUME: "The labelled nerve near {level} has {times:.1f} times the usual volume: check the nerve on "
    "the slices before using a triangle",
    NoteCode.ROOT_SHORT: "The {side} {root} root was found along only {percent:.0f} % of its expected course",
    NoteCode.ROOT_GAP: "{root} {side} is not labelled for {mm:.0f} mm {place}",
    NoteCode.ROOT_CUT: "The labels end before {root} {side} has left its foramen: segment a region that holds it",
    NoteCode.SAC_MISSING: "The thecal sac is not labelled at {level} (a section of {mm2:.0f} mm² in the middle of its "
    "course, {least:.0f} are the least): correct the labels before you use a triangle",
    NoteCode.IMPLAUSIBLE: "{what}",
    NoteCode.NO_TRIANGLE: "No triangle on the {side}: {fault}",
    NoteCode.NO_ZONE: "No {zone}: {fault}",
    NoteCode.NOT_PLANNED: "The {zone} could not be planned: {fault}",
    NoteCode.NO_SKIN: "The CT does not show the skin where the trajectories would pass: depth, entry and length of the "
    "needle are not known",
    NoteCode.SKIN_UNKNOWN: "Without the skin neither depth nor the length of the needle was considered",
    NoteCode.NO_VIEW: "No view is allowed; most often: {why}",
    NoteCode.ENDS_BEFORE_SKIN: "The outer {mm:.0f} mm of the best view's way lie outside of the labels: bone and metal "
    "were looked for there by their density, nerve is not known",
    NoteCode.WAY_UNKNOWN: "Of the {depth:.0f} mm of the best view's way {mm:.0f} mm are not known: neither the labels "
    "nor the CT show what lies there",
    NoteCode.WAY_KNOWN: "What lies on the best view's way is known for the first {mm:.0f} mm from the target only; how "
    "far it is from there to the skin is not known",
    NoteCode.OUTSIDE_OF_BODY: "{ml:.1f} ml of labelled {tissue} lie outside of the body or in its skin: they count as "
    "noise, not as an obstacle",
    NoteCode.AT_THE_EDGE: "The best view lies at the edge of the angles that are searched",
    NoteCode.REGION_SUPPOSED: "The region was assumed, not recognised.",
    NoteCode.NOT_LABELLED: "No {tissue} was found in the region; check it, or choose another region.",
    NoteCode.NOT_SEARCHED: "No trajectory was looked for: {error}",
    NoteCode.ORGANS_NOT_FOUND: "The organ network found no organs, which are therefore not known: {error}",
    NoteCode.NO_PICTURES: "No pictures: this computer does not render ({fault}); `spinect info` says more.",
    NoteCode.LEFT_OUT: "The {what} {name!r} is not in the plan: {fault}.",
}


def in_mm(length: float) -> str:
    """A length to a tenth of a millimetre; what would read as nothing is reported as less than that."""
    return f"{length:.1f} mm" if length >= SHOWN_MM / 2 else f"less than {SHOWN_MM:g} mm"


def sentence(note: Note) -> str:
    """A note as a sentence."""
    values = dict(note.values)
    if "place" in values:
        values["place"] = PLACES[values["place"]]
    if note.code == NoteCode.IMPLAUSIBLE:
        text = reason_text(values["cause"], values["value"], values["limit"])
        values["what"] = text[:1].upper() + text[1:]
    return _NOTES[note.code].format(
        side=note.side,
        where="both sides" if note.side is None else f"the {note.side}",
        why=REASONS[values.get("reason", Reason.ALLOWED)],
        **values,
    )


def sentences(notes: Iterable[Note]) -> tuple[str, ...]:
    """Notes as sentences, each said once."""
    return tuple(dict.fromkeys(map(sentence, notes)))


def not_recommended(reasons: Iterable[str]) -> str:
    """That a needle is not recommended, and why, without a full stop; empty without a reason."""
    every = "; ".join(_within(each.rstrip(".")) for each in dict.fromkeys(reasons))
    return f"not recommended: {every}" if every else ""


def _within(text: str) -> str:
    """A sentence as it stands after a colon."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _sentence_of(text: str) -> tuple[str, ...]:
    return (f"{text[0].upper()}{text[1:]}.",) if text else ()


def result_sentences(plan: CasePlan) -> tuple[str, ...]:
    """What was found for each zone, and what there is to know."""
    return (
        *withheld_sentences(sentences(plan.withheld)),
        *map(approach_sentence, plan.approaches),
        *map(sentence, plan.notes),
    )


def shown_beside(view: View, recommended: View | None) -> str:
    """Whether a triangle's view, that of the largest window, is the one to place a needle along."""
    if recommended is None:
        return "view of the largest window; none is recommended"
    if view.angle_to(recommended) <= SAME_DEGREES:
        return "recommended view"
    return f"view of the largest window; recommended: {recommended.words}"


def withheld_sentences(reasons: Iterable[str]) -> tuple[str, ...]:
    """That nothing of a case is recommended, and why, as at most one sentence."""
    text = not_recommended(reasons)
    return _sentence_of(text and f"a needle is {text}")


def case_light_line(planning: Planning) -> str:
    """The light of the case, where it was looked at: plausibility is a colour and what is told of it."""
    return "" if planning.light is None else case_light_text(planning.light)


def withheld_lines(planning: Planning) -> tuple[str, ...]:
    """What is not recommended and why: one line for the case, and one for each reason with the zones it concerns."""
    of_reason: dict[str, list[str]] = {}
    for each in trajectories(planning):
        if each.search is not None:
            for reason in refused_reasons(each.search):
                of_reason.setdefault(reason, []).append(each.title)
    zones = (f"{', '.join(names)}: {not_recommended([reason])}" for reason, names in of_reason.items())
    return (*withheld_sentences(planning.withheld), *zones)


def refusal_reasons(refusal: Refusal | RefusalRecord | None) -> tuple[str, ...]:
    """Why the rules leave no view of a zone, as at most one reason."""
    return () if refusal is None else (refusal_text(refusal),)


def refused_reasons(search: SearchRecord) -> tuple[str, ...]:
    """Why nothing of a zone is recommended, the rules among it."""
    return (*search.withheld, *refusal_reasons(search.refusal))


def approach_sentence(approach: Approach) -> str:
    """What was found for one zone."""
    zone, best, closing = approach.zone, approach.search.best, approach.closing
    name = zone.name[0].upper() + zone.name[1:]
    if best is None:
        blocked = "no view is open to a needle" if closing is None else f"it is {closing_words(closing)}"
        return f"{name}: no trajectory; seen {approach.window.view.words} {blocked}."
    known = approach.interval
    area, radius = (None, None) if known is None else (known.area_mm2, known.radius_mm)
    text = (
        f"{name}: {best.window.area_mm2:.1f} mm²{sure_of(area)} open {best.view.words}, a circle of "
        f"{2 * best.window.radius_mm:.1f} mm{sure_of(radius, 2)} fits"
    )
    if approach.needle is not None:
        margin = approach.needle.tolerance.angle
        text += f"; angular tolerance of the needle {approach.needle.needle.words}: {margin.amount:.1f}°"
    if approach.chosen is not None:
        text += f"; recommended: {chosen_text(approach.chosen)}"
    reasons = (*sentences(approach.withheld), *refusal_reasons(approach.refusal))
    withheld = _sentence_of(not_recommended(reasons))
    return " ".join((f"{text}.", *(withheld or (in_plane_sentence(approach.axial),))))


def sure_of(interval: Interval | IntervalRecord | None, times: float = 1.0) -> str:
    """The interval that holds 90 of 100 true values, such as `` (24.0 to 35.0)``; empty where it is not known.

    Args:
        interval: of what is said before.
        times: what is said before, in the interval's unit: 2 for a diameter where the interval is of the radius.
    """
    return "" if interval is None else f" ({times * interval.low:.1f} to {times * interval.high:.1f})"


def closing_words(closing: Closing) -> str:
    """What blocks a zone in a view and the clearance that would have to be gained there."""
    from spinect_core.planning.zones.closers import HARDLY_MM, REACH_MM

    if not closing.closed:
        # The search, on its grid, may find a view a hundredth of a millimetre too narrow that is just wide enough.
        hardly = "" if closing.radius_mm > closing.needle_radius_mm + HARDLY_MM else "hardly "
        return f"{hardly}open: a circle of radius {closing.radius_mm:.2f} mm fits"
    if closing.zone_radius_mm < closing.needle_radius_mm:
        return "the zone itself is too narrow in this view"
    first = closing.closers[0] if closing.closers else None
    if first is not None and first.required_mm is not None:
        return f"blocked by the {first.name}: required clearance {in_mm(first.required_mm)}"
    if closing.pair is not None and closing.pair_required_mm is not None:
        both = f"the {closing.pair[0]} and the {closing.pair[1]} together"
        return f"blocked by {both}: required clearance {in_mm(closing.pair_required_mm)} from both"
    return f"blocked: a clearance of {REACH_MM:.0f} mm from any one or two structures does not open it"


def in_plane_sentence(found: InPlaneTrajectory) -> str:
    """Whether a needle within slices of one gantry tilt reaches a zone."""
    from spinect_core.planning.search.axial import tilted

    turn = round(abs(found.gantry_deg))
    where = f"slices tilted {turn}° {tilted(found.gantry_deg)}" if turn else "an axial slice"
    if not found.possible:
        return f"No needle reaches it within {where}, whatever the obliquity."
    free = f"{found.area_mm2:.1f} mm² are free there"
    held = "" if found.kept else f", {AXIAL_REFUSED}"
    return f"A needle within {where} reaches it at oblique {found.oblique:.0f}°; {free}{held}."


# --------------------------------------------------------------------------------------------------------- trajectories


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A zone with its best needle, or a needle of the user's.

    Attributes:
        key: distinguishes it from the others, and stays the same when the planning is made again.
        kind: of the triangle.
        side: of the patient.
        version: of the triangle.
        zone: the borders; None for a user's needle whose zone was not found.
        window: the free window that was stored.
        search: the best views.
        needle: None where no view is open to one.
        own: whether the needle is the user's.
        withheld: why no needle of its zone is recommended.
        planned: the level that is planned now; a user's needle may be one of another. Empty where that is not known.
        lumbar: how many lumbar vertebrae the user has counted; None where nobody has.
    """

    key: str
    kind: Kind
    side: Side
    version: Version
    zone: ZoneRecord | None
    window: WindowRecord | None
    search: SearchRecord | None
    needle: NeedleRecord | None
    own: bool = False
    withheld: tuple[str, ...] = ()
    planned: str = ""
    lumbar: int | None = None

    @property
    def level(self) -> str:
        """Such as ``L5/S1``; empty where it is not known."""
        if self.own and self.needle is not None:
            return self.needle.needle.level
        return "" if self.zone is None else self.zone.level

    @property
    def elsewhere(self) -> bool:
        """Whether it is a trajectory of another level than the one that is planned."""
        return bool(self.planned) and self.level != self.planned

    @property
    def level_text(self) -> str:
        """Its level, by which count that has its name, and whether another one is planned."""
        other = (
            f"; another level than the planned {self.planned}, measured when its own was planned"
            if self.elsewhere
            else ""
        )
        return f"{place_words(self.level, self.lumbar)}{other}; {count_words(self.lumbar)}"

    @property
    def title(self) -> str:
        """Such as ``Left Kambin, bony`` or ``Own needle 1``."""
        if self.own and self.needle is not None:
            return self.needle.needle.title
        kind = KIND_NAMES[self.kind].split()[0]
        return f"{self.side.capitalize()} {kind}" + (f", {self.version}" if self.version else "")

    @property
    def called(self) -> str:
        """Its title with its level, such as ``Left Kambin, bony, L5/S1``."""
        return ", ".join(each for each in (self.title, self.level) if each)

    @property
    def recommended(self) -> bool:
        """Whether its needle is one that the program recommends, and nothing stands against it."""
        told = self.search is not None and self.search.recommended is not None
        return told and not self.own and not self.withheld and self.needle is not None

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
    def target(self) -> Point | None:
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
    def shown(self) -> ChoiceRecord | None:
        """The recommended view, along which the needle lies, else the one of the largest window.

        None for a user's needle, and where no view is open.
        """
        if self.search is None or self.search.best is None or self.own:
            return None
        return self.search.recommended or self.search.best

    @property
    def area_mm2(self) -> float | None:
        """Of the free window in the view that is shown."""
        return None if self.shown is None else self.shown.area_mm2

    @property
    def circle_mm(self) -> float | None:
        """Diameter of the largest circle in that window."""
        shown = self.shown
        return None if shown is None or shown.radius_mm is None else 2 * shown.radius_mm

    @property
    def sure_text(self) -> str:
        """Of the largest window, area and circle with the intervals that hold 90 of 100 true ones.

        Empty where these are not known.
        """
        if self.window is None or self.window.area_90 is None or not self.open or self.own:
            return ""
        window = self.window
        return (
            f"{window.area_mm2:.1f} mm²{sure_of(window.area_90)}, circle {2 * window.radius_mm:.1f} mm"
            f"{sure_of(window.radius_90, 2)}; in brackets what holds 90 of 100 true values"
        )

    @property
    def nerve_mm(self) -> float | None:
        """The smallest distance to nerve along the whole needle, its tip included."""
        safety = None if self.needle is None else self.needle.safety
        near = () if safety is None else (safety.nerve, safety.nerve_at_target)
        return min((each.gap_mm for each in near if each is not None), default=None)

    @property
    def tolerance(self) -> MarginRecord | None:
        """By how many degrees the needle may deviate before it touches bone or nerve."""
        safety = None if self.needle is None else self.needle.safety
        return None if safety is None or safety.tolerance is None else safety.tolerance.angle

    @property
    def view_text(self) -> str:
        """The view that is shown; of a user's needle the one along it; without a trajectory, what blocks the zone."""
        if self.own and self.needle is not None:
            return self.needle.needle.view.words
        if self.shown is not None:
            # The row names the side already, and the head of its column says that the first angle is oblique.
            return self.shown.view.words.removeprefix(f"{self.side} oblique ")
        return self.blocked_text

    @property
    def blocked_text(self) -> str:
        """What blocks the zone, with the clearance that would have to be gained there; empty where it is open."""
        if self.open or self.window is None:
            return ""
        if self.window.pair:
            both = " and ".join(self.window.pair)
            required = in_mm(self.window.pair_required_mm or 0.0)
            return f"no trajectory: blocked by {both}, required clearance {required} from both"
        named, what = [], "required clearance "  # said with the first number, meant with all
        for each in self.window.closers[:CLOSERS_NAMED]:
            required = "" if each.required_mm is None else f" ({what}{in_mm(each.required_mm)})"
            what = "" if required else what
            named.append(f"{each.name}{required}")
        return "no trajectory: " + (f"blocked by {', '.join(named)}" if named else "too narrow for a needle")

    @property
    def withheld_text(self) -> str:
        """That a needle is not recommended, and why; empty where it may be, and where the zone is blocked anyhow."""
        return not_recommended(self.withheld) if self.open else ""

    @property
    def needle_text(self) -> str:
        """Depth of the target and the needle that fits."""
        if self.needle is None:
            return ""
        needle = self.needle.needle
        fit = fitting(needle.depth_mm, needle.gauge).needle
        return f"{needle.depth_mm:.0f} mm, " + ("none fits" if fit is None else f"{fit.inches:g} in needle")

    @property
    def light(self) -> LightRecord | None:
        """How much care its needle needs; None without a needle, and in plans of programs that did not store it."""
        return None if self.needle is None else self.needle.light

    @property
    def tolerance_text(self) -> str:
        """The angular tolerance in degrees."""
        return "" if self.tolerance is None else _amount(self.tolerance, "°")


def trajectories(planning: Planning) -> tuple[Trajectory, ...]:
    """Every zone with its needle, then the user's own needles."""
    planned, lumbar = ("", None) if planning.level is None else (planning.level.name, planning.level.lumbar)
    windows = {each.zone: each for each in reversed(planning.windows) if each.author == Author.AUTOMATIC}
    searches = {each.zone: each for each in planning.searches}
    needles: dict[str, NeedleRecord] = {}
    own: list[NeedleRecord] = []
    for each in planning.needles:
        if each.needle.author == Author.USER:
            own.append(each)
        else:
            needles.setdefault(key_of_needle(each), each)
    rows = [
        Trajectory(
            zone.key,
            zone.kind,
            zone.side,
            zone.version,
            zone,
            windows.get(zone.key),
            searches.get(zone.key),
            needles.get(zone.key),
            withheld=(
                *_withheld(planning, searches.get(zone.key), rules=True),
                *_barred(needles.get(zone.key)),
            ),
            planned=planned,
            lumbar=lumbar,
        )
        for zone in planning.zones
    ]
    # Those of other levels are shown apart, after all of the level that is planned.
    for number, record in sorted(enumerate(own), key=lambda each: each[1].needle.level != planned):
        rows.append(own_trajectory(planning, number, record))
    return tuple(rows)


def own_trajectory(planning: Planning, number: int, record: NeedleRecord) -> Trajectory:
    """The trajectory of a user's needle.

    Args:
        planning: all records.
        number: of the needle among the user's.
        record: of it; another one than the planning has while it is moved.
    """
    planned, lumbar = ("", None) if planning.level is None else (planning.level.name, planning.level.lumbar)
    needle, zone = record.needle, key_of_needle(record)
    searches = {each.zone: each for each in planning.searches}
    # The rules refuse the views of the map; of a needle they say what they say of it alone.
    # What stands against the level that is planned says nothing of a needle of another.
    here = () if needle.level != planned else _withheld(planning, searches.get(zone))
    return Trajectory(
        f"own {number} {needle.name}",
        needle.kind,
        needle.side,
        needle.version,
        planning.zone(zone),
        None,
        None,
        record,
        True,
        (*here, *_barred(record)),
        planned,
        lumbar,
    )


def preferred(rows: Iterable[Trajectory]) -> Trajectory | None:
    """Of several trajectories the recommended one to look at first; None where none is recommended.

    That with the better light; then one that a gantry reaches; then the one with fewer warnings; then the one with the
    larger tolerance.
    """

    def rank(row: Trajectory) -> tuple[int, bool, int, float]:
        record = row.needle
        assert record is not None  # only those with a needle are compared
        light = len(Light) if record.light is None else list(Light).index(record.light.light)
        tilted = record.readouts is not None and not record.readouts.gantry.reaches
        warned = sum(each.kind == RuleKind.WARN for each in record.findings)
        return light, tilted, warned, 0.0 if row.tolerance is None else -row.tolerance.amount

    return min((each for each in rows if each.recommended), key=rank, default=None)


def _withheld(planning: Planning, search: SearchRecord | None, *, rules: bool = False) -> tuple[str, ...]:
    of_zone = () if search is None else (refused_reasons(search) if rules else search.withheld)
    red = planning.light is not None and planning.light.light == Light.RED
    # A plan of another program may have a red light and not say why nothing is recommended.
    of_case = planning.withheld or ((CASE_RED,) if red else ())
    return tuple(dict.fromkeys((*of_case, *of_zone)))


def _barred(record: NeedleRecord | None) -> tuple[str, ...]:
    text = "" if record is None else barring_text(record.findings)
    return (text,) if text else ()


def users_part(planning: Planning) -> Planning:
    """What is left of a planning when the labels it was made on are gone: all that the user chose or placed.

    His needles stay where they are, but their safety is not known any more.
    """
    level = planning.level
    kept = level is not None and (
        level.said is not None or level.lumbar is not None or level.name != DEFAULT_LEVEL
    )
    moved = tuple(each for each in planning.landmarks if each.moved)
    return Planning(
        level=LevelRecord(name=level.name, shift=level.shift, confirmed=level.confirmed, lumbar=level.lumbar)
        if level is not None and (kept or moved)
        else None,
        landmarks=moved,
        needles=tuple(
            NeedleRecord(needle=each.needle) for each in planning.needles if each.needle.author == Author.USER
        ),
    )


def key_of_needle(record: NeedleRecord) -> str:
    """Of the zone a needle goes to."""
    needle = record.needle
    return zone_key(needle.kind, needle.version, needle.side, needle.level)


COUNT = "count of lumbar vertebrae"
NOT_KNOWN = "Lumbar vertebrae: not known"
HOW_MANY = (
    "How many lumbar vertebrae are there? {name} is counted upwards from the sacrum as if there were five, until you "
    "say it"
)
"""Asked of the user where nobody has counted."""
NOT_COUNTED = "not confirmed: counted upwards from the sacrum as if there were five"


def count_words(lumbar: int | None) -> str:
    """How many lumbar vertebrae the user has counted, or that the names rest on a supposition."""
    return f"{COUNT}: {NOT_COUNTED if lumbar is None else f'{lumbar}, confirmed by hand'}"


def count_caption(lumbar: int | None) -> str:
    """How many lumbar vertebrae the user has counted, shortly, for the heading of a picture."""
    return f"{COUNT} not confirmed" if lumbar is None else f"{lumbar} lumbar vertebrae, confirmed by hand"


def level_caption(name: str, lumbar: int | None) -> str:
    """A level and its count, shortly."""
    return f"{name} · {count_caption(lumbar)}"


def place_words(name: str, lumbar: int | None) -> str:
    """Which level a name means, such as ``L6/S1, the lumbosacral level``."""
    names = level_names(lumbar)
    if name not in names:
        return name
    above = names.index(name)
    if not above:
        return f"{name}, the lumbosacral level"
    return f"{name}, {above} level{'s' if above > 1 else ''} above the lumbosacral one ({names[0]})"


def level_words(level: LevelRecord) -> str:
    """Which level is planned, and by which count it has its name."""
    return f"{place_words(level.name, level.lumbar)}; {count_words(level.lumbar)}"


def warnings(planning: Planning) -> tuple[str, ...]:
    """Why the level may be another, or its anatomy unusual."""
    return () if planning.level is None else tuple(f"{each.rstrip('.')}." for each in planning.level.warnings)


CHECKS: Mapping[Checked, str] = {
    Checked.LEVEL: "level and count of the vertebrae",
    Checked.LABELS: "labels and roots on the slices",
    Checked.WARNINGS: "warnings",
}
"""What somebody has to look at and confirm before a plan is relied on."""


def case_warnings(planning: Planning, reading: Iterable[str] = ()) -> tuple[str, ...]:
    """What warns of a whole case, each once: to be read before a report is made, and told on it.

    Args:
        planning: of it.
        reading: what reading the CT noticed, as lines.
    """
    light = planning.light
    case = [] if light is None or light.light == Light.GREEN else [f"The case is {case_light_text(light)}."]
    held = {each.rstrip(".") for each in planning.withheld}
    # a doubt for which nothing is recommended has been told with that
    doubts = [each for each in warnings(planning) if each.rstrip(".") not in held]
    organs = (
        ()
        if planning.organs is None
        else organ_warning_lines(each.warning for each in planning.organs.warnings)
    )
    return tuple(dict.fromkeys((*case, *withheld_sentences(planning.withheld), *reading, *doubts, *organs)))


def unconfirmed(planning: Planning, warned: bool) -> tuple[Checked, ...]:
    """What nobody has confirmed of a plan.

    Args:
        planning: of it.
        warned: whether there are warnings to read.
    """
    counted = planning.level is not None and planning.level.lumbar is not None
    done = {*planning.checked, *([Checked.LEVEL] if counted else [])}
    return tuple(each for each in Checked if each not in done and (warned or each != Checked.WARNINGS))


def confirmed_text(planning: Planning, warned: bool) -> str:
    """What the user has confirmed of a plan, and what not.

    Args:
        planning: of it.
        warned: whether there are warnings to read.
    """
    left = unconfirmed(planning, warned)
    done = [each for each in Checked if each not in left and (warned or each != Checked.WARNINGS)]
    told = (
        ("confirmed by the user", done),
        ("not confirmed by the user", left),
    )
    return "; ".join(f"{words}: {', '.join(CHECKS[each] for each in some)}" for words, some in told if some)


def root_text(root: RootRecord) -> str:
    """How much of a root is labelled, part by part, and its gaps."""
    parts = [
        f"{name} {part:.0%}"
        for name, part in (("recess", root.recess), ("foramen", root.foramen), ("beyond", root.beyond))
        if part is not None
    ]
    ends = ["the labels end before 25 mm beyond the foramen"] if root.cut else []
    return f"{root.name}: " + "; ".join([*map(gap_text, root.gaps), ", ".join(parts), *ends])


def share_text(root: RootRecord) -> str:
    """How much of a root is labelled."""
    return "" if root.whole is None else f"{root.whole:.0%}"


def gaps_text(root: RootRecord) -> str:
    """The gaps of a root in mm and where, shortly, or how it is without."""
    if root.gaps:
        return ", ".join(f"{gap.length_mm:.0f} {gap.place}" for gap in root.gaps)
    return "labels end" if root.cut else "none"


def gap_text(gap: GapRecord) -> str:
    """A gap in a root's labels."""
    supposed = "" if gap.supposed is None else " (a course is supposed there)"
    return f"{gap.length_mm:.0f} mm not labelled {PLACES[gap.place]}{supposed}"


def landmark_text(landmark: LandmarkRecord) -> str:
    """How sure a landmark is, and its name."""
    if landmark.moved:
        return f"placed  {landmark.name}"
    return f"{landmark.confidence:.0%}  {landmark.name}" + (" (doubtful)" if is_doubtful(landmark) else "")


def is_doubtful(landmark: LandmarkRecord) -> bool:
    """Whether a landmark is worth a look before it is relied on."""
    return not landmark.moved and landmark.confidence < DOUBTFUL


def choices(search: SearchRecord) -> tuple[tuple[str, View], ...]:
    """The views a search offers, with words: recommended, best, alternatives; or the one nearest to open."""
    found: list[tuple[str, View]] = []
    if search.recommended is not None:
        found.append((f"Recommended: {search.recommended.view.words}", search.recommended.view))
    if search.best is not None:
        found.append((f"Largest window: {search.best.view.words}", search.best.view))
    found += [(f"Alternative: {each.view.words} ({each.words})", each.view) for each in search.alternatives]
    if search.recommended is not None and search.chosen is not None:
        found += [
            (f"Trade-off: {each.view.words} (tolerance about {each.tolerance_deg:.1f}°)", each.view)
            for each in search.chosen.trades
            if each.view.angle_to(search.recommended.view) > SAME_DEGREES
        ]
    if search.candidate is not None and search.best is None:
        found.append((f"Nearest to open: {search.candidate.words}", search.candidate))
    return tuple(found)


def headline(trajectory: Trajectory) -> str:
    """A trajectory with its needle on one line, for the heading of a picture."""
    if trajectory.needle is None:
        told = trajectory.blocked_text or trajectory.withheld_text
        return f"{trajectory.called}: {told}" if told else trajectory.called
    needle = trajectory.needle.needle
    parts = [f"{trajectory.called}: needle {needle.depth_mm:.0f} mm deep, {needle.gauge} G"]
    if trajectory.area_mm2 is not None:
        parts.append(f"window {trajectory.area_mm2:.1f} mm²")
    if trajectory.tolerance is not None:
        parts.append(f"angular tolerance {trajectory.tolerance_text}")
    if trajectory.nerve_mm is not None:
        parts.append(f"{trajectory.nerve_mm:.1f} mm from nerve")
    if trajectory.light is not None:
        parts.append(f"traffic light {trajectory.light.light}")
    if trajectory.withheld_text:
        parts.append(trajectory.withheld_text)
    return " · ".join(parts)


NO_INTERVALS = "none: how sure area, circle and clearance are was not measured for these labels"


def facts(trajectory: Trajectory, landmarks: Iterable[LandmarkRecord] = ()) -> tuple[tuple[str, str], ...]:
    """All that is known of a trajectory, as headings and texts in the order of reading.

    Args:
        trajectory: which.
        landmarks: of the planning, for the place of the entry.
    """
    found: list[tuple[str, str]] = [("Level", trajectory.level_text)] if trajectory.level else []
    if trajectory.blocked_text:
        found.append(("Window", f"{trajectory.blocked_text[0].upper()}{trajectory.blocked_text[1:]}"))
    elif trajectory.sure_text:
        found.append(("Largest window", trajectory.sure_text))
    found += [(NOT_RECOMMENDED, f"{each.rstrip('.')}.") for each in trajectory.withheld]
    if trajectory.needle is not None:
        found += _needle_facts(trajectory.needle, tuple(landmarks))
    if trajectory.search is not None:
        if trajectory.search.chosen is not None:
            found.append(("Why this view", chosen_text(trajectory.search.chosen)))
        if trajectory.search.axial is not None:
            held = f"; {NOT_RECOMMENDED.lower()}, see above" if trajectory.withheld else ""
            found.append(("Axial plane", f"{_axial(trajectory.search.axial)}{held}"))
        found += [("Note", f"{note.rstrip('.')}.") for note in trajectory.search.notes]
    if trajectory.open and not trajectory.own and not trajectory.sure_text:
        found.append(("Intervals", NO_INTERVALS))
    return tuple(found)


FOLLOWS = "shift tolerance, first pass, intervals and what lies within 2 mm, once the needle is let go"
"""What is not measured while a needle is moved."""


def _needle_facts(record: NeedleRecord, landmarks: Sequence[LandmarkRecord]) -> list[tuple[str, str]]:
    needle, safety = record.needle, record.safety
    found = [
        ("Line of sight", f"{needle.view.format(1)}; C-arm {needle.c_arm}"),
        ("Needle", f"{needle.depth_mm:.0f} mm deep; {fitting(needle.depth_mm, needle.gauge).words}"),
    ]
    if record.light is not None:
        found.insert(0, ("Light", light_text(record.light)))
    found += finding_facts(record.findings)
    entry = _entry(record, landmarks)
    found += [("Entry", entry)] if entry else []
    found += [*way_facts(record), *readout_facts(record), *tip_facts(record)]
    if safety is None:
        return [*found, ("Safety", "not measured on these labels")]
    if safety.tolerance is not None and safety.tolerance.angle is not None:
        found.append(("Angular tolerance", _margin(safety.tolerance.angle, "°")))
    if safety.tolerance is not None and safety.tolerance.shift is not None:
        found.append(("Shift tolerance", _margin(safety.tolerance.shift, " mm")))
    near = [
        f"{each.gap_mm:.1f} mm{sure_of(interval)} to {name}"
        for name, each, interval in (
            ("nerve before the last 3 mm", safety.nerve, safety.nerve_90),
            ("nerve in the last 3 mm", safety.nerve_at_target, None),
            ("bone", safety.bone, safety.bone_90),
        )
        if each is not None
    ]
    if near:
        found.append(("Clearance", ", ".join(near)))
    passed = [
        f"{each.name} {_met(each)} at {each.depth_mm:.0f} mm"
        for each in safety.structures
        if each.relation != Relation.BEYOND
    ]
    if safety.live:
        found += [("Goes through", "; ".join(passed))] if passed else []
        found.append(("Follows", FOLLOWS))
    else:
        found.append(("Within 2 mm", "; ".join(passed) or "neither bone nor nerve"))
    beyond = [
        f"{each.name} from {each.depth_mm:.0f} mm"
        for each in safety.structures
        if each.relation == Relation.BEYOND
    ]
    if beyond:
        found.append(("Beyond the tip", "; ".join(beyond)))
    if safety.risks:
        found.append(("First pass", " ".join(_risk(each) for each in safety.risks)))
        found.append(("", RISK_LEAVES_OUT))
    return found


_CAUSES: Mapping[LightCause, tuple[str, str]] = {
    LightCause.TOLERANCE: ("angular tolerance {value:.1f}°, less than {limit:g}°", "angular tolerance"),
    LightCause.BONE_GAP: ("{value:.1f} mm to bone, less than {limit:g} mm", "clearance to bone"),
    LightCause.NERVE_GAP: ("{value:.1f} mm to nerve, less than {limit:g} mm", "clearance to nerve"),
    LightCause.BORDER: (
        "a border of the triangle is sure to {value:.0%} only, less than {limit:.0%}",
        "borders of its triangle",
    ),
    LightCause.GAP: ("{value:.0f} mm of a root beside the triangle are not labelled", "gaps in the roots"),
    LightCause.SLICES: ("slices of {value:.1f} mm, more than {limit:g} mm", "thickness of the slices"),
    LightCause.WAY: (
        "{value:.0f} mm of its way are shown neither by the labels nor by the CT",
        "what lies on its way",
    ),
    LightCause.NERVE_WAY: (
        "{value:.0f} mm of its way lie near the course of a root where nerve is not labelled",
        "nerve outside of the labels",
    ),
    LightCause.ORGAN_GAP: ("{value:.0f} mm to bowel or kidney, less than {limit:g} mm", "distance to organs"),
    LightCause.ORGANS_WAY: (
        "organs are not known on {value:.0f} mm of its way, more than {limit:g} mm",
        "organs on its way",
    ),
    LightCause.WARNED: ("rules warn of it, see the warnings", "what the rules say of it"),
    LightCause.CASE: ("the case is amber, see its reasons", "whether the case is plausible"),
    LightCause.WITHHELD: (
        "nothing is recommended here, see the reasons",
        "whether anything is recommended here",
    ),
}
"""What is said of what stands against a trajectory, and what it is called where it is not known."""


_SHOWN: Mapping[LightCause, float] = {
    **dict.fromkeys(LightCause, 0.1),
    LightCause.BORDER: 0.01,
    LightCause.GAP: 1.0,
    LightCause.WAY: 1.0,
    LightCause.NERVE_WAY: 1.0,
    LightCause.ORGAN_GAP: 1.0,
    LightCause.ORGANS_WAY: 1.0,
    LightCause.WARNED: 1.0,
    LightCause.CASE: 1.0,
    LightCause.WITHHELD: 1.0,
}
"""The last digit that is told of each."""


def light_text(light: LightRecord) -> str:
    """A trajectory's light with its reasons."""
    if not light.reasons:
        return f"{light.light}: nothing that is looked at stands against it"
    return f"{light.light}: {'; '.join(map(_reason_text, light.reasons))}"


def _reason_text(reason: LightReasonRecord) -> str:
    told, called = _CAUSES[reason.cause]
    if reason.value is None:
        return f"{called} not known"
    limit = 0.0 if reason.limit is None else reason.limit
    value = beyond(reason.value, limit, _SHOWN[reason.cause])
    return told.format(value=value, limit=limit)


def _entry(record: NeedleRecord, landmarks: Sequence[LandmarkRecord]) -> str:
    if record.readouts is not None:
        return entry_words(record.readouts)
    try:
        return record.needle.entry_place({each.name: each.point for each in landmarks}).words
    except MeasurementError:
        return ""  # without these landmarks there is no midline to count from


def needle_lines(planning: Planning) -> tuple[str, ...]:
    """Each needle on a line, followed by what is set in the room for it."""
    lines: list[str] = []
    for each in trajectories(planning):
        if each.needle is not None:
            lines.append(headline(each))
            light = each.needle.light
            chosen = None if each.search is None else each.search.chosen
            told = [
                ("Why this view", "" if chosen is None else chosen_text(chosen)),
                ("Light", "" if light is None else light_text(light)),
                *finding_facts(each.needle.findings),
                ("Entry", _entry(each.needle, planning.landmarks)),
                *way_facts(each.needle),
                *readout_facts(each.needle),
                *tip_facts(each.needle),
            ]
            lines += [f"  {head}: {text}" for head, text in told if text]
    return tuple(lines)


def _met(structure: StructureRecord) -> str:
    return "crossed" if structure.relation == Relation.CROSSED else f"{structure.gap_mm:.1f} mm"


def _risk(risk: RiskRecord) -> str:
    entry = (
        "" if risk.entry_mean_mm is None else f", entry {risk.entry_mean_mm:g} ± {risk.entry_sd_mm or 0:g} mm"
    )
    bent = f", {risk.bending} needle that bends" if risk.bending else ""
    error = risk.standard_error
    return (
        f"{risk.method[:1].upper()}{risk.method[1:]} ({risk.mean_deg:g} ± {risk.spread_deg:g}°{entry}{bent}): "
        f"{band(risk.either, error)} touch bone or nerve, {band(risk.nerve, error)} nerve; 95 % of tips within "
        f"{risk.miss_95_mm:.0f} mm."
    )


def band(part: float, standard_error: float = 0.0) -> str:
    """The band that a part of all needles lies in; two of them where the simulation does not tell them apart."""
    low, high = (bisect(BANDS, part + sign * 2 * standard_error) for sign in (-1, 1))
    edges = (0.0, *BANDS, 1.0)
    first, last = edges[low], edges[high + 1]
    if first == 0.0 or last == 1.0:
        return f"under {last:.0%}" if last < 1.0 else (f"over {first:.0%}" if first > 0.0 else "0% to 100%")
    return f"{100 * first:.0f} to {last:.0%}"


def _axial(axial: AxialRecord) -> str:
    if not axial.reachable:
        return "no trajectory within an axial slice without gantry tilt"
    where = "" if axial.oblique is None else f" at oblique {axial.oblique:.0f}°"
    if axial.refused:
        return f"open within an axial slice{where}, {axial.area_mm2:.1f} mm², {AXIAL_REFUSED}"
    return f"possible within an axial slice{where}, {axial.area_mm2:.1f} mm² open"


def _margin(margin: MarginRecord, unit: str) -> str:
    if margin.unlimited:
        return _amount(margin, unit)
    return f"{_amount(margin, unit)}, then {margin.tissue}" + (f" ({margin.words})" if margin.words else "")


def _amount(margin: MarginRecord, unit: str) -> str:
    return f"{margin.amount:.1f}{unit}" + (" or more" if margin.unlimited else "")
