"""What the report of a plan says, page by page, before it is laid out.

Every number stands in the plan's records, and :mod:`spinect_core.plan.wording` says and rounds it as everywhere else;
nothing is computed here. A page tells one needle along one line of sight. What a plan does not hold is named as
missing, and a needle that is not recommended is not told.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spinect_core.anatomy.levels import level_of
from spinect_core.base.errors import PlanError, UsageError
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.base.words import SIDES, Light, RuleKind, Side
from spinect_core.geometry.triangle import KIND_NAMES
from spinect_core.image.patient import Patient
from spinect_core.image.warning import warning_lines
from spinect_core.plan.case_wording import case_light_text
from spinect_core.plan.label_wording import correction_words, labels_words
from spinect_core.plan.plan import Plan
from spinect_core.plan.readout_wording import position_words
from spinect_core.plan.records import NeedleRecord, Planning
from spinect_core.plan.rule_wording import OTHER_ROUTES, finding_text
from spinect_core.plan.wording import (
    SAME_DEGREES,
    Trajectory,
    case_warnings,
    confirmed_text,
    count_words,
    facts,
    level_words,
    light_text,
    preferred,
    trajectories,
    withheld_sentences,
)

LONGEST_LINE = 2000
"""Letters of a line; a plan may hold texts that would fill the page."""
LONGEST_TITLE = 100
LONGEST_SUM = 80
"""Letters of a checksum or version, which any program may have written."""
CHECKLIST = (
    "Patient, side, level and root agree with the request",
    "Lumbar vertebrae counted by hand: ____",
    "Bone, nerve and organs on the way checked on the slices",
    "A non-particulate steroid first",
    "Contrast watched live: no vessel, no thecal sac",
    "Tip seen in two views with contrast",
    "Pain before: ____   after: ____",
    "At most two levels in this session",
)
"""What is ticked by hand: https://www.cms.gov/medicare-coverage-database (L39015, L33906); Rathmell and others,
Anesthesiology 2015. No dose: the program knows none."""
ROOM, WAY, TIP, MORE = "In the room", "Clearances and the way", "The tip and behind it", "Why, and notes"
_SECTIONS = {
    "Position": ROOM,
    "Entry": ROOM,
    "Line of sight": ROOM,
    "C-arm": ROOM,
    "IEC 61217": ROOM,
    "Slices": ROOM,
    "Gantry": ROOM,
    "Lasers": ROOM,
    "Clearance": WAY,
    "Within 2 mm": WAY,
    "Angular tolerance": WAY,
    "Shift tolerance": WAY,
    "Organs near": WAY,
    "Organs known": WAY,
    "Layers": WAY,
    "Safety": WAY,
    "Tip from behind": TIP,
    "Tip from the side": TIP,
    "Behind the tip": TIP,
    "Beyond the tip": TIP,
    "Stop depth": TIP,
    "Not known": TIP,
}
_ORDER = (ROOM, WAY, TIP, MORE)
_GLANCE = ("Entry", "Needle", "Line of sight", "Stop depth")
_ELSEWHERE = (
    *("Level", "Light", "Warning"),  # at the head of the page
    *("Largest window", "Window", "Axial plane"),  # of other lines of sight than the needle's
)
_FIRST_TO_GO = (
    "Note",
    "Intervals",
    "Layers",
    "Why this view",
    "Shift tolerance",
    "Lasers",
    "Organs known",
    "Rule note",
)
"""Left out of a page that has no room, in this order; the plain text keeps them."""
NO_NEEDLE = "No needle is recommended"


@dataclass(frozen=True)
class Fact:
    """A line of the report.

    Attributes:
        head: what it is about; empty for a line that goes on from the one before.
        text: what is said.
        rank: 0 for what stays; the higher, the sooner it is left out of a page that has no room.
    """

    head: str
    text: str
    rank: int = 0

    @property
    def line(self) -> str:
        """Both."""
        return f"{self.head}: {self.text}" if self.head else self.text


@dataclass(frozen=True)
class Section:
    """Facts under a heading."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Stored:
    """The file that a plan came from.

    Attributes:
        checksum: SHA-256 (hex).
        what: such as "plan.json"; no name of a file, which may be a patient's.
    """

    checksum: str
    what: str


@dataclass(frozen=True, eq=False)
class Page:
    """One page of a report.

    Attributes:
        side: of the patient; None where a plan holds no trajectory.
        title: side, root and level.
        approach: through which triangle; empty without a needle.
        count: how the lumbar vertebrae were counted.
        trajectory: whose needle is told; None where none is recommended.
        light: of the needle or, without one, of the case; None where that is not known.
        banner: the light and its reasons, or that nothing is recommended.
        reasons: why nothing is recommended.
        warnings: the graver ones first.
        glance: what is set and measured first.
        sections: all else.
        others: the other trajectories of the side.
        missing: what the plan does not hold.
        identity: software, weights and checksums.
        patient: whose CT it is; None unless asked for.
    """

    side: Side | None
    title: str
    approach: str
    count: str
    trajectory: Trajectory | None
    light: Light | None
    banner: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    glance: tuple[Fact, ...]
    sections: tuple[Section, ...]
    others: tuple[str, ...]
    missing: tuple[str, ...]
    identity: tuple[Fact, ...]
    patient: Patient | None = None

    @property
    def record(self) -> NeedleRecord | None:
        """Of the needle that is told."""
        return None if self.trajectory is None else self.trajectory.needle


@dataclass(frozen=True)
class Wish:
    """What is to be reported.

    Attributes:
        side: None for every side of the plan.
        zone: key or title of the trajectory to tell, such as "left safe"; empty for the preferred one.
        patient: whose CT it is; None to name nobody.
        stored: the file of the plan; None for a plan that is in no file.
    """

    side: Side | None = None
    zone: str = ""
    patient: Patient | None = None
    stored: Stored | None = field(default=None)


def pages(plan: Plan, wish: Wish | None = None) -> tuple[Page, ...]:
    """The pages of a report, the left side first.

    Args:
        plan: what is reported.
        wish: what of it; all sides and nobody's name without.

    Raises:
        UsageError: there is no such trajectory, or nothing was planned on that side.
        PlanError: nothing was planned at all.
    """
    wish = wish or Wish()
    every = trajectories(plan.planning)
    chosen = _asked(every, wish.zone) if wish.zone else None
    if chosen is not None:
        if wish.side not in (None, chosen.side):
            raise UsageError(
                f"The trajectory {wish.zone!r:.60} is on the {chosen.side}",
                "Ask for its side, or for none",
                parameter="zone",
            )
        return (_page(plan, wish, chosen.side, every, chosen),)
    sides = [side for side in SIDES if any(each.side == side for each in every)]
    if wish.side is not None and wish.side not in sides:
        raise UsageError(
            f"The plan holds no trajectory on the {wish.side}",
            "Ask for the other side, or plan this one",
            parameter="side",
        )
    if not sides:
        if not (plan.planning.withheld or plan.planning.light or plan.notes):
            raise PlanError("The plan holds measurements alone", "Find trajectories first, and save the plan")
        return (_page(plan, wish, None, (), None),)
    wanted = sides if wish.side is None else [wish.side]
    return tuple(_page(plan, wish, side, every, _first(every, side)) for side in wanted)


def may_be_told(trajectory: Trajectory) -> bool:
    """Whether there is a needle that nothing stands against: the program's recommended one, or the user's own."""
    own = trajectory.own and trajectory.needle is not None and not trajectory.withheld
    return own or trajectory.recommended


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """A text on one line that any page can hold, whatever characters a plan has; shortened where it is endless.

    Args:
        text: of a plan.
        longest: letters.
    """
    kept = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in text)
    line = " ".join(kept.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _first(every: Sequence[Trajectory], side: Side) -> Trajectory | None:
    """The recommended one of a side that is to be looked at first."""
    return preferred(each for each in every if each.side == side)


def _asked(every: Sequence[Trajectory], name: str) -> Trajectory:
    wanted = _plain(name)
    found = [each for each in every if each.key == name] or [
        each for each in every if wanted in map(_plain, (each.key, each.title, each.called, each.zone_key))
    ]
    found = found or [each for each in every if _plain(each.title).startswith(wanted)]
    if len(found) != 1:
        names = ", ".join(each.title for each in every) or "none"
        fault = "There is no such trajectory" if not found else "Several trajectories are called so"
        raise UsageError(f"{fault}: {name[:60]!r}", f"Choose one of: {names[:500]}", parameter="zone")
    return found[0]


def _plain(name: str) -> str:
    return " ".join(name.lower().replace(",", " ").split())


def _page(
    plan: Plan, wish: Wish, side: Side | None, every: Sequence[Trajectory], chosen: Trajectory | None
) -> Page:
    planning = plan.planning
    told = chosen if chosen is not None and may_be_told(chosen) else None
    record = None if told is None else told.needle
    known = () if told is None else _of_its_view(told, facts(told, planning.landmarks))
    here = [each for each in every if each.side == side]
    light = (None if planning.light is None else planning.light.light) if record is None else _light(record)
    return Page(
        side=side,
        title=one_line(_title(planning, side, told or chosen), LONGEST_TITLE),
        approach="" if told is None else one_line(_approach(told), 2 * LONGEST_TITLE),
        count=one_line(_count(planning, told), 3 * LONGEST_TITLE),
        trajectory=told,
        light=light,
        banner=one_line(_banner(planning, record)),
        reasons=() if told is not None else _reasons(plan, here if chosen is None else [chosen]),
        warnings=_warnings(plan, told),
        glance=_glance(known),
        sections=_sections(record, known),
        # Where no needle is told, those that are not recommended have their reasons above.
        others=tuple(
            one_line(_row(each))
            for each in here
            if each is not (told or chosen) and (told is not None or may_be_told(each))
        ),
        missing=_missing(plan, record),
        identity=_identity(plan, wish.stored),
        patient=wish.patient,
    )


def _of_its_view(told: Trajectory, known: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The facts without the reasons for a view that is not the needle's."""
    chosen = None if told.search is None else told.search.chosen
    if chosen is None or told.needle is None or chosen.view.angle_to(told.needle.needle.view) <= SAME_DEGREES:
        return tuple(known)
    return tuple(each for each in known if each[0] != "Why this view")


def _light(record: NeedleRecord) -> Light | None:
    return None if record.light is None else record.light.light


def _title(planning: Planning, side: Side | None, chosen: Trajectory | None) -> str:
    if side is None:
        return "No trajectory"
    level, lumbar = ("", None) if planning.level is None else (planning.level.name, planning.level.lumbar)
    level = level if chosen is None else chosen.level
    parts = [side.upper()]
    try:
        parts.append(f"{level_of(level, lumbar).exiting} root")
    except UsageError:  # of a level that is none of those with roots of their own
        parts.append("root not known")
    parts.append(level or "level not known")
    return " · ".join(parts)


def _approach(told: Trajectory) -> str:
    version = f" ({told.version})" if told.version else ""
    through = f"transforaminal, through the {told.side} {KIND_NAMES[told.kind]}{version}"
    if not told.own:
        return through
    assert told.needle is not None  # a needle of the user's is one
    return f"{through}; placed by hand as {told.needle.needle.title!r}, no recommendation of the program"


def _count(planning: Planning, told: Trajectory | None) -> str:
    """The level in words, and by which count it has its name."""
    if told is not None and told.elsewhere:
        words = told.level_text
    else:
        words = count_words(None) if planning.level is None else level_words(planning.level)
    return f"{words[:1].upper()}{words[1:]}"


def _banner(planning: Planning, record: NeedleRecord | None) -> str:
    if record is not None:
        return "" if record.light is None else light_text(record.light)
    if planning.light is None or planning.light.light == Light.GREEN:
        return NO_NEEDLE
    return f"{NO_NEEDLE}. Light of the case: {case_light_text(planning.light)}"


def _reasons(plan: Plan, here: Sequence[Trajectory]) -> tuple[str, ...]:
    """Why nothing is recommended, zone by zone, and what else there is."""
    lines = [*withheld_sentences(plan.planning.withheld)]
    common = set(plan.planning.withheld)
    for each in here:
        of_zone = [reason for reason in each.withheld if reason not in common]
        told = [*([each.blocked_text] if each.blocked_text else []), *of_zone]
        if told:
            lines.append(f"{each.title}: {'; '.join(text.rstrip('.') for text in told)}.")
    if not here:
        lines += plan.notes
    if not any(OTHER_ROUTES in line for line in lines):
        lines.append(f"Other routes: {OTHER_ROUTES}.")
    return tuple(map(one_line, dict.fromkeys(lines)))


def _warnings(plan: Plan, told: Trajectory | None) -> tuple[str, ...]:
    planning = plan.planning
    of_case = case_warnings(planning, warning_lines(plan.case.reading_warnings))
    count = [] if _counted(planning) else [f"{count_words(None)}."]
    passed = () if told is None or told.needle is None else told.needle.findings
    rules = [
        f"This needle: {finding_text(each)}."
        for each in passed
        if not each.bars and each.kind != RuleKind.NOTE
    ]
    reasons = withheld_sentences(planning.withheld) if told is None else ()
    known = [each for each in of_case if each not in reasons]  # those stand above, as the reasons
    every = (*rules, *known, *count, f"{confirmed_text(planning, bool(of_case))}.")
    return tuple(dict.fromkeys(f"{text[:1].upper()}{text[1:]}" for text in map(one_line, every)))


def _counted(planning: Planning) -> bool:
    return planning.level is not None and planning.level.lumbar is not None


def _glance(known: Sequence[tuple[str, str]]) -> tuple[Fact, ...]:
    found = dict(known)
    return tuple(Fact(head, one_line(found[head])) for head in _GLANCE if head in found)


def _sections(record: NeedleRecord | None, known: Sequence[tuple[str, str]]) -> tuple[Section, ...]:
    if record is None:
        return ()
    lines = list(known)
    if record.readouts is not None:
        lines.insert(0, ("Position", position_words(record.readouts)))
    parts: dict[str, list[Fact]] = {title: [] for title in _ORDER}
    last = ""
    for head, text in lines:
        last = head or last
        if last in (*_ELSEWHERE, *_GLANCE):
            continue
        rank = len(_FIRST_TO_GO) - _FIRST_TO_GO.index(last) if last in _FIRST_TO_GO else 0
        parts[_SECTIONS.get(last, MORE)].append(Fact(head, one_line(text), rank))
    order = {head: number for number, head in enumerate(_SECTIONS)}
    for title, some in parts.items():
        if title != MORE:  # there a line without a head goes on from the one before
            some.sort(key=lambda fact: order[fact.head])
    return tuple(Section(title, tuple(some)) for title, some in parts.items() if some)


def _row(each: Trajectory) -> str:
    """Another trajectory of the side on one short line; of one that is not recommended no needle."""
    if each.blocked_text:
        return f"{each.title}: {each.blocked_text}"
    if not may_be_told(each):
        return f"{each.title}: not recommended"
    assert each.needle is not None  # what may be told has one
    parts = [each.needle.needle.words, f"depth {each.needle_text}"]
    if each.tolerance is not None:
        parts.append(f"tolerance {each.tolerance_text}")
    if each.nerve_mm is not None:
        parts.append(f"{each.nerve_mm:.1f} mm from nerve")
    if each.light is not None:
        parts.append(str(each.light.light))
    return f"{each.title}: {' · '.join(part for part in parts if part)}"


def _missing(plan: Plan, record: NeedleRecord | None) -> tuple[str, ...]:
    found = []
    if record is not None:
        found += [
            name
            for name, part in (
                ("light", record.light),
                ("settings of the room", record.readouts),
                ("distances and tolerance", record.safety),
                ("place of the tip and what lies behind it", record.tip),
                ("soft tissue and organs on the way", record.way),
            )
            if part is None
        ]
    if plan.planning.light is None:
        found.append("light of the case")
    if plan.planning.level is None:
        found.append("level")
    return tuple(found)


def _identity(plan: Plan, stored: Stored | None) -> tuple[Fact, ...]:
    run = plan.run
    made = one_line(plan.versions.get("spinect-planner", "version not stored"), LONGEST_SUM)
    engine = _word(run, "engine")
    how = f"; segmented with {engine}, {_word(run, 'mode') or 'mode not stored'}" if engine else ""
    elsewhere = labels_words(run)
    how = f"; {elsewhere}, made elsewhere" if elsewhere else how
    by_hand = correction_words(run)
    how += f"; labels {by_hand}" if by_hand else ""
    lines = [Fact("Software", f"SPINECT Planner {__version__}; planned {plan.created[:19]} with {made}{how}")]
    if stored is None:
        lines.append(Fact("Plan", "in no file yet"))
    else:
        lines.append(Fact("Plan", f"SHA-256 {stored.checksum} ({stored.what})"))
    lines.append(Fact("CT", f"SHA-256 {one_line(plan.case.sha256, LONGEST_SUM)}"))
    weights, loaded = _word(run, "weights_sha256"), _word(run, "labels_sha256") if elsewhere else ""
    if loaded:
        lines.append(Fact("Labels", f"SHA-256 {loaded}"))
    else:
        lines.append(Fact("Weights", f"SHA-256 {weights}" if weights else "not stored in the plan"))
    organs = plan.planning.organs
    if organs is not None and organs.checksum:
        lines.append(Fact("Organs", f"SHA-256 {one_line(organs.checksum, LONGEST_SUM)} ({organs.origin})"))
    return tuple(Fact(each.head, one_line(each.text)) for each in lines)


def _word(run: dict[str, Any], key: str) -> str:
    """A word that a run stored, which any program may have written."""
    value = run.get(key)
    return one_line(value, LONGEST_SUM) if isinstance(value, str) else ""


def plain_text(page: Page) -> str:
    """A page as plain text, for pasting into a dictation; every line that the PDF has room for, and the others."""
    lines = [page.title]
    lines += [page.patient.line] if page.patient is not None else []
    lines += [f"Approach: {page.approach}"] if page.approach else []
    lines += [page.count]
    lines += [f"{'Light: ' if page.record is not None else ''}{page.banner}."] if page.banner else []
    for title, some in (("WARNINGS", page.warnings), ("WHY", page.reasons)):
        lines += ["", title, *(f"- {each}" for each in some)] if some else []
    if page.glance:
        lines += ["", "NEEDLE", *(each.line for each in page.glance)]
    for section in page.sections:
        lines += ["", section.title.upper(), *(each.line for each in section.facts)]
    if page.others:
        lines += ["", "OTHER TRAJECTORIES OF THIS SIDE", *page.others]
    if page.record is not None:
        lines += ["", "CHECKLIST", *(f"[ ] {each}" for each in CHECKLIST)]
    lines += ["", *([f"Not in this plan: {', '.join(page.missing)}."] if page.missing else [])]
    lines += [each.line for each in page.identity]
    return "\n".join([*lines, NOTICE])
