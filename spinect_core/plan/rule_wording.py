"""What the rules say, in words: what each is called, what is told of a needle that passes it, and the table itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spinect_core.base.words import Guidance, Rule, RuleKind
from spinect_core.planning.rules import TABLE, Limit, Unit

if TYPE_CHECKING:
    from spinect_core.plan.records import ChosenRecord, FindingRecord, RefusalRecord
    from spinect_core.planning.choosing import Chosen, Refusal
    from spinect_core.planning.rules import Finding


@dataclass(frozen=True)
class Words:
    """How one talks of a rule.

    Attributes:
        title: what it is called, in lists and legends.
        told: of what passes it, with its value and the limit; the value also as ``mm``, medial or lateral as ``where``.
        short: of views of a map that pass it, after a number of views.
        asked: what is not known where it cannot be asked; empty for the title.
        met: what is told instead of a needle that goes through what the rule is about; empty for the same.
        thing: what the rule is about, where it has no name of its own.
    """

    title: str
    told: str
    short: str
    asked: str = ""
    met: str = ""
    thing: str = ""


_CLOSE, _MET = "{value:.1f} mm to the {what}, less than {limit:g} mm", "it goes through the {what}"
RULES: Mapping[Rule, Words] = {
    Rule.BONE_MET: Words("needle in bone", "{value:.1f} mm to bone, less than {limit:g} mm", "touch bone"),
    Rule.NERVE_MET: Words(
        "needle in nerve",
        "{value:.1f} mm to nerve before the last 3 mm, less than {limit:g} mm",
        "touch nerve",
    ),
    Rule.ROOT_UNSEEN: Words(
        "near an unlabelled root",
        "{value:.1f} mm to where a root is expected and not labelled, less than {limit:g} mm",
        "pass near an unlabelled root",
    ),
    Rule.SAC_MET: Words(
        "thecal sac met", "the needle's line or its tip lies in the thecal sac", "meet the thecal sac"
    ),
    Rule.BOWEL_MET: Words(
        "bowel met",
        _CLOSE,
        "meet bowel or pass nearer than its margin",
        met=_MET,
        thing="bowel",
    ),
    Rule.KIDNEY_MET: Words(
        "kidney met",
        _CLOSE,
        "meet a kidney or pass nearer than its margin",
        met=_MET,
        thing="kidney",
    ),
    Rule.VESSEL_MET: Words(
        "great vessel met",
        _CLOSE,
        "meet a great vessel or pass nearer than its margin",
        met=_MET,
        thing="great vessel",
    ),
    Rule.ORGAN_MET: Words(
        "another organ met",
        _CLOSE,
        "meet another organ or pass nearer than its margin",
        met=_MET,
        thing="organ",
    ),
    Rule.INTERLAMINAR: Words(
        "between the laminae",
        "it passes {mm:.1f} mm {where} of the articular process: between the laminae, not through the foramen",
        "pass between the laminae",
    ),
    Rule.TIP_IN_DISC: Words("tip in the disc", "its tip lies in the disc", "end in the disc"),
    Rule.TIP_PAST_FRONT: Words(
        "tip past the front of the body",
        "its tip lies past the front of the vertebral body",
        "end past the front of the body",
    ),
    Rule.TIP_MEDIAL: Words(
        "tip medial of the pedicle's middle",
        "its tip lies {mm:.1f} mm {where} of the middle of the pedicle (6 o'clock)",
        "end medial of the pedicle's middle",
    ),
    Rule.ENTRY_FAR: Words(
        "entry too far from the midline",
        "it enters {value:.0f} mm from the midline, more than {limit:g} mm",
        "enter too far from the midline",
    ),
    Rule.TOLERANCE_FLOOR: Words(
        "angular tolerance too small",
        "angular tolerance {value:.1f}°, less than {limit:g}°",
        "have too small an angular tolerance",
    ),
    Rule.OBLIQUE_WIDE: Words(
        "oblique angle too wide", "oblique {value:.0f}°, more than {limit:g}°", "are too oblique"
    ),
    Rule.TILT_STEEP: Words(
        "tilt too steep", "tilted by {value:.0f}°, more than {limit:g}°", "are tilted too much"
    ),
    Rule.SEARCH_EDGE: Words(
        "edge of the search",
        "{value:.1f}° from the edge of what was searched, less than {limit:g}°",
        "lie at the edge of the search",
    ),
    Rule.ENTRY_HEIGHT: Words(
        "entry too far above or below",
        "it enters {value:.0f} mm above or below the end plate, more than {limit:g} mm",
        "enter too far above or below",
    ),
    Rule.ENTRY_LATERAL: Words(
        "entry far from the midline",
        "it enters {value:.0f} mm from the midline, more than {limit:g} mm",
        "enter far from the midline",
    ),
    Rule.TIP_NERVE: Words(
        "tip near a nerve",
        "{value:.1f} mm from its tip to nerve, less than {limit:g} mm",
        "end near a nerve",
    ),
    Rule.TIP_SAC: Words(
        "tip near the thecal sac",
        "{value:.1f} mm from its tip to the thecal sac, less than {limit:g} mm",
        "end near the thecal sac",
    ),
    Rule.DISC_BEHIND: Words(
        "disc behind the tip",
        "its line enters the disc {value:.1f} mm behind the tip, less than {limit:g} mm",
        "would enter the disc",
    ),
    Rule.DISC_NEAR: Words(
        "tip near the disc",
        "{value:.1f} mm from its tip to the disc, less than {limit:g} mm",
        "end near the disc",
    ),
    Rule.BOWEL_NEAR: Words("bowel near", _CLOSE, "pass near bowel", met=_MET, thing="bowel"),
    Rule.KIDNEY_NEAR: Words("kidney near", _CLOSE, "pass near a kidney", met=_MET, thing="kidney"),
    Rule.ORGANS_UNKNOWN: Words(
        "organs not known",
        "organs are not known on {value:.0f} mm of its way beyond skin and muscle, more than {limit:g} mm",
        "lead where organs are not known",
    ),
    Rule.TIP_VENTRAL: Words(
        "tip in the front of the foramen",
        "its tip lies at {value:.0%} of the foramen's depth from the front, less than {limit:.0%}",
        "end in the front of the foramen",
    ),
    Rule.TIP_LATERAL: Words(
        "tip far lateral of the pedicle's middle",
        "its tip lies {value:.1f} mm lateral of the middle of the pedicle, more than {limit:g} mm: the injection may "
        "not reach the epidural space",
        "end far lateral of the pedicle's middle",
    ),
    Rule.GANTRY: Words(
        "plane beyond the gantry",
        "no gantry reaches its plane: {value:.0f}°, more than {limit:g}°",
        "lie in a plane that no gantry reaches",
    ),
    Rule.OBLIQUE_USUAL: Words(
        "oblique angle beyond the usual",
        "oblique {value:.0f}°, more than the usual {limit:g}°",
        "are more oblique than usual",
    ),
    Rule.TIP_HIGH: Words(
        "tip above the lower third of the foramen",
        "its tip lies at {value:.0%} of the foramen's height, more than {limit:.0%}",
        "end above the lower third of the foramen",
    ),
    Rule.NEEDLE_LONG: Words(
        "longer needle",
        "{value:.0f} mm deep, more than {limit:g} mm: bring the 5 in needle",
        "need a longer needle",
    ),
    Rule.USUAL_VIEW: Words(
        "usual view", "{value:.0f}° from the view that is usual in fluoroscopy", "are usual views"
    ),
    Rule.SUPINE: Words(
        "planned otherwise than done",
        "planned on a CT that is not prone, the procedure is prone: bowel and the fat of the back shift",
        "are planned otherwise than done",
        "how the patient lay in the CT",
    ),
}
"""Of each rule."""

TITLES: Mapping[Rule, str] = {rule: words.title for rule, words in RULES.items()}
"""What each is called."""

_SHOWN: Mapping[Unit, float] = {Unit.DEGREES: 1.0, Unit.MM: 0.1, Unit.PART: 0.01, Unit.FACT: 1.0}
_FINE, _COARSE = (
    (Rule.TOLERANCE_FLOOR, Rule.SEARCH_EDGE),
    (
        Rule.ENTRY_FAR,
        Rule.ENTRY_HEIGHT,
        Rule.ENTRY_LATERAL,
        Rule.NEEDLE_LONG,
        Rule.ORGANS_UNKNOWN,
    ),
)
KINDS: Mapping[RuleKind, str] = {
    RuleKind.HARD: "hard",
    RuleKind.WARN: "warning",
    RuleKind.NOTE: "note",
}


def beyond(value: float, limit: float, digit: float) -> float:
    """A value as it is told to a digit: one just beyond its limit must not read like the limit itself."""
    if value != limit and abs(value - limit) < digit / 2:
        return float(limit + np.copysign(digit, value - limit))
    return value


def finding_text(found: Finding | FindingRecord) -> str:
    """What a rule says of a needle, as part of a sentence."""
    words = RULES[found.rule]
    if found.value is None:
        text = f"not known: {words.asked or words.title}"
    else:
        value = beyond(found.value, found.limit, _digit(found.rule))
        where = "medial" if value < 0 else "lateral"
        told = words.met if words.met and value <= 0 else words.told
        what = found.what or words.thing
        text = told.format(value=value, limit=found.limit, mm=abs(value), where=where, what=what)
    return f"{text} (overridden: {found.override})" if found.override else text


def barring_text(findings: Iterable[Finding | FindingRecord]) -> str:
    """Why a needle is not recommended; empty where nothing bars it."""
    return "; ".join(finding_text(each) for each in findings if each.bars)


def finding_facts(findings: Iterable[Finding | FindingRecord]) -> list[tuple[str, str]]:
    """What the rules say of a needle beside what bars it, as headings and texts: what warns, what is noted."""
    told = [each for each in findings if not each.bars]
    groups = (
        ("Warning", [each for each in told if each.kind != RuleKind.NOTE]),
        ("Rule note", [each for each in told if each.kind == RuleKind.NOTE]),
    )
    return [(head, "; ".join(map(finding_text, some))) for head, some in groups if some]


IN_PLANE_DEGREES = 0.5
"""A needle tilted by less lies in an axial slice: 100 mm of it stay within 1 mm."""
OTHER_ROUTES = "the level above; the S1 foramen, which is not planned here"
MOST_COUNTS = 4


def chosen_text(chosen: Chosen | ChosenRecord) -> str:
    """Why a view is recommended, and what the largest window would have gained."""
    view, largest = chosen.view, chosen.largest_view
    oblique = f"{abs(view.azimuth):.0f}° oblique"
    if chosen.guidance == Guidance.FLUOROSCOPY:
        told = f"as near to the usual C-arm views as the tolerance allows, {view.words}"
    elif abs(view.elevation) < IN_PLANE_DEGREES:
        told = f"axial in-plane, {oblique}"
    else:
        told = f"as near to the axial plane as the tolerance allows, {view.words}"
    told += f": keeps {chosen.tolerance_deg:.1f} of {chosen.best_deg:.1f}° of angular tolerance"
    gain = chosen.largest_mm2 - chosen.area_mm2
    if gain < 0.5:
        return f"{told}; it is the largest window as well"
    at = f"{chosen.largest_mm2:.0f} mm² at {largest.words}"
    return f"{told}; the largest window, {at}, would gain {gain:.0f} mm²"


def refusal_text(refusal: Refusal | RefusalRecord) -> str:
    """Why the rules leave no view of a zone, what comes nearest, and the other routes."""
    counts = list(refusal.counts.items())[:MOST_COUNTS]
    named = ", ".join(f"{count} {RULES[rule].short}" for rule, count in counts)
    told = f"the rules leave none of {refusal.open_views} views that are open to a needle"
    told += f" ({named})" if named else ""
    if refusal.nearest is None:
        told += "; no needle can be measured there"
    else:
        told += f"; nearest of {max(refusal.tried, 1)} measured, {refusal.nearest.words}: "
        told += barring_text(refusal.findings)
    others = f"the {' and the '.join(refusal.others)} (recommended), " if refusal.others else ""
    return f"{told}; other routes: {others}{OTHER_ROUTES}"


def limit_text(limit: Limit) -> str:
    """A limit, such as ``more than 50 °``; empty of a fact."""
    if limit.unit == Unit.FACT:
        return ""
    value = f"{limit.value:.0%}" if limit.unit == Unit.PART else f"{limit.value:g} {limit.unit}"
    return f"{'less' if limit.below else 'more'} than {value.replace(' °', '°')}"


def table_rows(limits: Iterable[Limit]) -> tuple[tuple[str, ...], ...]:
    """Each rule as a line of a table: code, name, limit, kind, whether it bars, whether it may be changed, source."""
    return tuple(
        (
            str(each.rule),
            RULES[each.rule].title,
            limit_text(each),
            KINDS[each.kind],
            "yes" if each.bars else "no",
            f"{each.least:g} to {each.most:g}" if each.editable else "no",
            f"{each.source} ({each.strength})",
        )
        for each in limits
    )


def _digit(rule: Rule) -> float:
    if rule in _FINE:
        return 0.1
    if rule in _COARSE:
        return 1.0
    return _SHOWN[next(each.unit for each in TABLE if each.rule == rule)]
