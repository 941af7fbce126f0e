"""The limits of what is planned, as data: one table with a value, a kind and a source for each.

A *hard* rule is never passed by what is proposed. A *warning* is told with the needle, and where it bars as well it is
the default limit of what is recommended. A *note* is printed. Most sources were read as abstracts, so every limit that
is a judgement can be changed or overridden, and both stand in the plan. Words: :mod:`spinect_core.plan.rule_wording`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import BoolArray
from spinect_core.base.errors import UsageError
from spinect_core.base.words import Rule, RuleKind

LONGEST_REASON = 500
"""Letters of the reason for which a rule is overridden."""


class Strength(StrEnum):
    """What a limit rests on."""

    GUIDELINE = "G"
    STUDY = "S"
    TEXT = "T"
    INFERRED = "I"


class Unit(StrEnum):
    """Of a limit."""

    DEGREES = "°"
    MM = "mm"
    PART = "part"
    FACT = ""


@dataclass(frozen=True)
class Limit:
    """One rule.

    Attributes:
        rule: which.
        kind: what follows where it is passed.
        value: the last that is kept.
        unit: of that; a fact is 1 where it is so and 0 where not.
        below: whether values below it pass it; otherwise those above.
        bars: whether what passes it is not recommended.
        strength: of its source.
        source: where it comes from.
        least: the smallest value it may be changed to; None where it is no judgement and may not be changed.
        most: the largest; None with it.
    """

    rule: Rule
    kind: RuleKind
    value: float
    unit: Unit
    below: bool
    bars: bool
    strength: Strength
    source: str
    least: float | None = None
    most: float | None = None

    @property
    def editable(self) -> bool:
        """Whether it may be changed and overridden."""
        return self.least is not None

    def passed(self, values: npt.ArrayLike) -> BoolArray:
        """Whether values lie beyond the limit; never where one is not a number."""
        found = np.asarray(values, dtype=np.float64)
        return np.asarray(found < self.value if self.below else found > self.value)


def _limit(
    rule: Rule,
    kind: RuleKind,
    limit: str,
    strength: Strength,
    source: str,
    *,
    bars: bool = False,
    within: tuple[float, float] | None = None,
) -> Limit:
    """A limit such as ``< 0 mm`` or ``> 50 °``; a hard rule bars anyhow."""
    sign, value, *unit = limit.split()
    least, most = within or (None, None)
    return Limit(
        rule,
        kind,
        float(value),
        Unit("".join(unit)),
        sign == "<",
        bars or kind == RuleKind.HARD,
        strength,
        source,
        least,
        most,
    )


_HARD, _WARN, _NOTE = RuleKind
_S, _T, _I = Strength.STUDY, Strength.TEXT, Strength.INFERRED
_CORRIDOR = (
    "endoscopic corridor of L5/S1 on CT, n = 200 (Sousa): 32.5 ± 3.9° to 48.4 ± 5.1°, skin 8.3 ± 1.5 to 11.4 ± 1.9 cm "
    "from the midline, the largest angle crosses the ilium in 28 %"
)
_MIDLINE = "MR, n = 102 (Rajagopal): 27° enters at 55 to 60 mm, 52° at 85 mm, 68° at 180 mm"
_SEPSIS = "perforation: mortality of sepsis 7.5 to 36 %"
_SHIFTS = (
    "bowel moves 3 to 14 mm between supine and prone, retrorenal colon 1.9 % supine, 10 % prone; sources disagree by "
    "an order of magnitude, so it is measured on this CT"
)
_DISC = "a disc is entered in 2.4 %"
TABLE: tuple[Limit, ...] = (
    _limit(Rule.BONE_MET, _HARD, "< 0 mm", _I, "a needle does not go through bone"),
    _limit(Rule.NERVE_MET, _HARD, "< 0 mm", _I, "a needle does not go through a root before its target"),
    _limit(
        Rule.ROOT_UNSEEN,
        _HARD,
        "< 5 mm",
        _I,
        "a root is 4 to 6 mm thick and lies 1 mm beside its expected course on average; where it is not labelled no "
        "clearance to it is known",
        within=(0.0, 15.0),
    ),
    _limit(Rule.SAC_MET, _HARD, "> 0", _I, "neither the needle's line nor its tip lies in the thecal sac"),
    _limit(
        Rule.BOWEL_MET,
        _HARD,
        "< 5 mm",
        _I,
        f"gas in the body counts as bowel; {_SEPSIS}",
        within=(0.0, 30.0),
    ),
    _limit(Rule.KIDNEY_MET, _HARD, "< 5 mm", _I, "as bowel: a margin for breathing", within=(0.0, 30.0)),
    _limit(
        Rule.VESSEL_MET,
        _HARD,
        "< 3 mm",
        _I,
        "a needle does not go through a great vessel; automatic masks have voxels of 1.5 to 3 mm and end a voxel off",
        within=(0.0, 30.0),
    ),
    _limit(
        Rule.ORGAN_MET,
        _HARD,
        "< 5 mm",
        _I,
        "ureter, bladder, womb, prostate, liver and others: as bowel",
        within=(0.0, 30.0),
    ),
    _limit(
        Rule.INTERLAMINAR,
        _HARD,
        "< 0 mm",
        _I,
        "medial of the articular process a needle passes between the laminae, not through the foramen",
    ),
    _limit(Rule.TIP_IN_DISC, _HARD, "> 0", _S, f"an epidural needle ends outside of the disc; {_DISC}"),
    _limit(
        Rule.TIP_PAST_FRONT,
        _HARD,
        "> 0",
        _S,
        "before S1 the left common iliac vein lies 5.0 ± 3.0 mm, the right 7.0 ± 4.2 mm from the bone",
    ),
    _limit(
        Rule.TIP_MEDIAL,
        _HARD,
        "< 0 mm",
        _T,
        "safe triangle, seen from behind: not medial of the middle of the pedicle; one text allows slightly medial",
        within=(-10.0, 10.0),
    ),
    _limit(Rule.ENTRY_FAR, _HARD, "> 180 mm", _I, _MIDLINE, within=(60.0, 300.0)),
    _limit(
        Rule.TOLERANCE_FLOOR,
        _HARD,
        "< 0.5 °",
        _I,
        "the light's red: 1 mm, a voxel of the labels, over 100 mm is 0.6°",
        within=(0.1, 10.0),
    ),
    _limit(Rule.OBLIQUE_WIDE, _WARN, "> 50 °", _I, _CORRIDOR, bars=True, within=(20.0, 60.0)),
    _limit(
        Rule.TILT_STEEP,
        _WARN,
        "> 30 °",
        _S,
        "the largest tilt found described at L5/S1 is 27°; a gantry turns 20 to 30°",
        bars=True,
        within=(0.0, 40.0),
    ),
    _limit(
        Rule.SEARCH_EDGE,
        _WARN,
        "< 2 °",
        _I,
        "an optimum at an edge is no optimum: a step of the map, within which beyond the edge nothing was looked at",
        bars=True,
        within=(0.0, 20.0),
    ),
    _limit(
        Rule.ENTRY_HEIGHT,
        _WARN,
        "> 80 mm",
        _I,
        "30° of tilt over 100 mm are 50 mm, and a target lies up to 30 mm above the end plate",
        bars=True,
        within=(20.0, 200.0),
    ),
    _limit(Rule.ENTRY_LATERAL, _WARN, "> 115 mm", _I, _MIDLINE, within=(40.0, 300.0)),
    _limit(
        Rule.TIP_NERVE,
        _WARN,
        "< 1 mm",
        _S,
        "nerve pricked in 6 of 26 subpedicular injections and in none of 24 posterolateral ones",
        within=(0.0, 10.0),
    ),
    _limit(Rule.TIP_SAC, _WARN, "< 2 mm", _I, "the spare length of the stop depth", within=(0.0, 20.0)),
    _limit(Rule.DISC_BEHIND, _WARN, "< 5 mm", _S, _DISC, within=(0.0, 20.0)),
    _limit(Rule.DISC_NEAR, _WARN, "< 2 mm", _S, _DISC, within=(0.0, 4.0)),
    _limit(Rule.BOWEL_NEAR, _WARN, "< 20 mm", _S, _SHIFTS, within=(0.0, 60.0)),
    _limit(Rule.KIDNEY_NEAR, _WARN, "< 20 mm", _S, _SHIFTS, within=(0.0, 60.0)),
    _limit(
        Rule.ORGANS_UNKNOWN,
        _WARN,
        "> 5 mm",
        _I,
        "bowel and kidney have the density of muscle: beyond the muscle under the skin and that behind the spine only "
        "masks tell them apart; thinner layers the CT's voxels do not resolve",
        within=(0.0, 180.0),
    ),
    _limit(
        Rule.TIP_VENTRAL,
        _WARN,
        "< 0.5 part",
        _S,
        "safe triangle, from the side: dorsal cranial quadrant; the artery lies in the upper half in 97 %, a low "
        "concern at L5/S1",
        within=(0.0, 1.0),
    ),
    _limit(
        Rule.TIP_LATERAL,
        _WARN,
        "> 5 mm",
        _T,
        "safe triangle, seen from behind: one text (78stepshealth.us) aims slightly medial of the pedicle's middle, as "
        "a more medial tip helps the injection into the epidural space; half of a pedicle is some 9 mm wide",
        within=(0.0, 15.0),
    ),
    _limit(
        Rule.GANTRY,
        _WARN,
        "> 30 °",
        _T,
        "what most scanners tilt; many tilt less or not at all",
        within=(0.0, 45.0),
    ),
    _limit(Rule.OBLIQUE_USUAL, _NOTE, "> 45 °", _S, _CORRIDOR, within=(20.0, 60.0)),
    _limit(
        Rule.TIP_HIGH,
        _NOTE,
        "> 0.33 part",
        _T,
        "Kambin, from the side: the lower third of the foramen",
        within=(0.0, 1.0),
    ),
    _limit(
        Rule.NEEDLE_LONG,
        _NOTE,
        "> 90 mm",
        _S,
        "the usual needle is 10 cm long at most; more than 9 cm are needed in 13.8 %",
        within=(40.0, 170.0),
    ),
    _limit(
        Rule.USUAL_VIEW,
        _NOTE,
        "< 10 °",
        _S,
        "fluoroscopy, n = 80: oblique 25° (men) and 30° (women), cephalad 11.0 and 13.9°",
        within=(0.0, 30.0),
    ),
    _limit(
        Rule.SUPINE,
        _NOTE,
        "> 0",
        _S,
        "bowel moves 3 to 14 mm between supine and prone, and the fat of the back shifts",
    ),
)
"""Every rule, in the order of :class:`spinect_core.base.words.Rule`: what refuses first stands first."""

VIEW_RULES: tuple[Rule, ...] = (
    Rule.BONE_MET,
    Rule.BOWEL_MET,
    Rule.KIDNEY_MET,
    Rule.VESSEL_MET,
    Rule.ORGAN_MET,
    Rule.INTERLAMINAR,
    Rule.TIP_IN_DISC,
    Rule.TIP_MEDIAL,
    Rule.ENTRY_FAR,
    Rule.TOLERANCE_FLOOR,
    Rule.OBLIQUE_WIDE,
    Rule.TILT_STEEP,
    Rule.SEARCH_EDGE,
    Rule.ENTRY_HEIGHT,
)
"""The rules that bar and can be asked of a view of the map, in the order in which one is named for it."""

RULE_COLOURS: Mapping[Rule, tuple[int, int, int]] = {
    Rule.BONE_MET: (122, 86, 51),
    Rule.BOWEL_MET: (12, 92, 62),
    Rule.KIDNEY_MET: (168, 28, 92),
    Rule.VESSEL_MET: (122, 0, 8),
    Rule.ORGAN_MET: (48, 48, 56),
    Rule.INTERLAMINAR: (214, 69, 65),
    Rule.TIP_IN_DISC: (148, 82, 160),
    Rule.TIP_MEDIAL: (219, 112, 172),
    Rule.ENTRY_FAR: (82, 94, 120),
    Rule.TOLERANCE_FLOOR: (235, 140, 60),
    Rule.OBLIQUE_WIDE: (74, 120, 200),
    Rule.TILT_STEEP: (60, 165, 175),
    Rule.SEARCH_EDGE: (150, 158, 168),
    Rule.ENTRY_HEIGHT: (126, 150, 66),
}
"""Of the views on an angle map that a rule refuses, sRGB of 0 to 255: the same in the window and in pictures."""


@dataclass(frozen=True)
class Rules:
    """The limits that hold for a case.

    Attributes:
        limits: one for each rule, in the order of the table.
        overrides: rules that do not bar this case, each with the reason that was given.
    """

    limits: tuple[Limit, ...] = field(default=TABLE)
    overrides: tuple[tuple[Rule, str], ...] = ()

    def __getitem__(self, rule: Rule) -> Limit:
        return self.limits[tuple(Rule).index(rule)]

    def __iter__(self) -> Iterator[Limit]:
        return iter(self.limits)

    @property
    def changed(self) -> tuple[Limit, ...]:
        """Those whose value is not that of the table."""
        return tuple(
            each for each, usual in zip(self.limits, TABLE, strict=True) if each.value != usual.value
        )

    def reason(self, rule: Rule) -> str:
        """Why a rule is overridden; empty where it is not."""
        return dict(self.overrides).get(rule, "")

    def edited(self, values: Mapping[Rule, float]) -> Rules:
        """A copy with other values for some of the limits.

        Raises:
            UsageError: a rule that may not be changed, or a value outside of its range.
        """
        for rule, value in values.items():
            limit = self[rule]
            if limit.least is None or limit.most is None:
                raise UsageError(f"The rule {rule} cannot be changed", "Leave it as it is")
            if not math.isfinite(value) or not limit.least <= value <= limit.most:
                raise UsageError(
                    f"{value:g} is no limit for the rule {rule}",
                    f"Choose {limit.least:g} to {limit.most:g} {limit.unit}".rstrip(),
                )
        return replace(
            self,
            limits=tuple(
                replace(each, value=float(values[each.rule])) if each.rule in values else each
                for each in self.limits
            ),
        )

    def overridden(self, reasons: Mapping[Rule, str]) -> Rules:
        """A copy in which some rules do not bar what passes them; that and the reason stand in the plan.

        Raises:
            UsageError: a rule that may not be overridden or bars nothing, or no reason.
        """
        for rule, reason in reasons.items():
            if not self[rule].editable:
                raise UsageError(f"The rule {rule} cannot be overridden", "Leave it as it is")
            if not self[rule].bars:
                raise UsageError(
                    f"The rule {rule} bars nothing that an override could let through", "Leave it as it is"
                )
            if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
                raise UsageError(
                    f"The rule {rule} cannot be overridden without a reason",
                    f"Give one of 1 to {LONGEST_REASON} letters on one line",
                )
        kept = {rule: reason.strip() for rule, reason in {**dict(self.overrides), **reasons}.items()}
        return replace(self, overrides=tuple((rule, kept[rule]) for rule in Rule if rule in kept))

    def bars(self, rule: Rule) -> bool:
        """Whether what passes a rule is not recommended."""
        return self[rule].bars and not self.reason(rule)


@dataclass(frozen=True)
class Finding:
    """What a rule says of a needle.

    Attributes:
        rule: which.
        kind: of it.
        bars: whether the needle is not recommended for it.
        value: what was measured; None where that is not known.
        limit: that it passed.
        override: the reason for which it does not bar; empty where it does, or never would.
        what: the organ that it is about; empty where it is about none.
    """

    rule: Rule
    kind: RuleKind
    bars: bool
    value: float | None
    limit: float
    override: str = ""
    what: str = ""


def judge(
    rules: Rules, facts: Mapping[Rule, float | None], names: Mapping[Rule, str] | None = None
) -> tuple[Finding, ...]:
    """What the rules say of a needle, the gravest first.

    Args:
        rules: that hold.
        facts: by rule what it asks for, in its unit; None or NaN where that is not known, which is never taken for
            kept. A rule that is missing is not asked.
        names: by rule the organ that it is about.
    """
    names = names or {}
    found = []
    for limit in rules:
        if limit.rule not in facts:
            continue
        value = facts[limit.rule]
        if value is not None and math.isnan(value):
            value = None
        if value is not None and not limit.passed(value):
            continue
        override = rules.reason(limit.rule)
        bars = rules.bars(limit.rule)
        what = names.get(limit.rule, "")
        found.append(Finding(limit.rule, limit.kind, bars, value, limit.value, override, what))
    return tuple(found)


def barring(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those for which a needle is not recommended."""
    return tuple(each for each in findings if each.bars)
