"""Each rule is kept by one value and passed by another, and is asked of what it says it is."""

from __future__ import annotations

from types import SimpleNamespace as Made

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.base.words import Guidance, Kind, Rule, RuleKind, Side, TipFact, Version
from spinect_core.geometry.view import View
from spinect_core.image.position import PatientPosition
from spinect_core.plan.rule_wording import RULES, barring_text, finding_facts, finding_text, limit_text
from spinect_core.planning.judging import Judge, Measured, Refusals, from_edge, from_usual
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.rules import RULE_COLOURS, TABLE, VIEW_RULES, Rules, barring, judge

# the last value that is kept and the first that is not
AT: dict[Rule, tuple[float, float]] = {
    Rule.BONE_MET: (0.0, -0.05),
    Rule.NERVE_MET: (0.0, -0.01),
    Rule.ROOT_UNSEEN: (5.0, 4.9),
    Rule.SAC_MET: (0.0, 1.0),
    Rule.BOWEL_MET: (5.0, 4.9),
    Rule.KIDNEY_MET: (5.0, -1.0),
    Rule.VESSEL_MET: (3.0, 2.9),
    Rule.ORGAN_MET: (5.0, 4.9),
    Rule.INTERLAMINAR: (0.0, -0.1),
    Rule.TIP_IN_DISC: (0.0, 1.0),
    Rule.TIP_PAST_FRONT: (0.0, 1.0),
    Rule.TIP_MEDIAL: (0.0, -0.1),
    Rule.ENTRY_FAR: (180.0, 180.1),
    Rule.TOLERANCE_FLOOR: (0.5, 0.49),
    Rule.OBLIQUE_WIDE: (50.0, 50.5),
    Rule.TILT_STEEP: (30.0, 30.5),
    Rule.SEARCH_EDGE: (2.0, 1.9),
    Rule.ENTRY_HEIGHT: (80.0, 95.0),
    Rule.ENTRY_LATERAL: (115.0, 116.0),
    Rule.TIP_NERVE: (1.0, 0.9),
    Rule.TIP_SAC: (2.0, 1.9),
    Rule.DISC_BEHIND: (5.0, 4.9),
    Rule.DISC_NEAR: (2.0, 1.5),
    Rule.BOWEL_NEAR: (20.0, 19.9),
    Rule.KIDNEY_NEAR: (20.0, 19.9),
    Rule.ORGANS_UNKNOWN: (5.0, 6.0),
    Rule.TIP_VENTRAL: (0.5, 0.49),
    Rule.TIP_LATERAL: (5.0, 5.1),
    Rule.GANTRY: (30.0, 31.0),
    Rule.OBLIQUE_USUAL: (45.0, 46.0),
    Rule.TIP_HIGH: (0.33, 0.4),
    Rule.NEEDLE_LONG: (90.0, 91.0),
    Rule.USUAL_VIEW: (10.0, 9.0),
    Rule.SUPINE: (0.0, 1.0),
}
BARRING = {
    *(rule for rule in Rule if tuple(Rule).index(rule) <= tuple(Rule).index(Rule.TOLERANCE_FLOOR)),
    Rule.OBLIQUE_WIDE,
    Rule.TILT_STEEP,
    Rule.SEARCH_EDGE,
    Rule.ENTRY_HEIGHT,
}


def test_the_table_holds_every_rule_once_with_a_source_and_words() -> None:
    assert [each.rule for each in TABLE] == list(Rule) == list(AT)
    assert set(RULES) == set(Rule)
    assert all(each.source and each.strength for each in TABLE)
    assert len({each.title for each in RULES.values()}) == len(RULES)
    assert {each.rule for each in TABLE if each.bars} == BARRING
    assert all(each.bars for each in TABLE if each.kind == RuleKind.HARD)
    assert not any(each.bars for each in TABLE if each.kind == RuleKind.NOTE)
    assert set(VIEW_RULES) < BARRING
    assert set(RULE_COLOURS) == set(VIEW_RULES)
    assert len(set(RULE_COLOURS.values())) == len(RULE_COLOURS)


@pytest.mark.parametrize("rule", Rule)
def test_each_rule_is_kept_at_its_limit_and_passed_beyond_it(rule: Rule) -> None:
    kept, passed = AT[rule]
    rules = Rules()
    assert judge(rules, {rule: kept}) == ()
    (found,) = judge(rules, {rule: passed})
    assert (found.rule, found.value, found.limit) == (rule, passed, rules[rule].value)
    assert found.bars == (rule in BARRING)
    assert finding_text(found)
    assert "{" not in finding_text(found)
    (unknown,) = judge(rules, {rule: None})
    assert (unknown.bars, unknown.value) == (rule in BARRING, None)
    assert finding_text(unknown) == f"not known: {RULES[rule].asked or RULES[rule].title}"
    assert judge(rules, {}) == ()


def test_a_needle_that_touches_bone_and_has_no_tolerance_is_not_recommended() -> None:
    found = judge(Rules(), {Rule.BONE_MET: -0.05, Rule.TOLERANCE_FLOOR: 0.0, Rule.NEEDLE_LONG: 105.0})
    assert [each.rule for each in barring(found)] == [Rule.BONE_MET, Rule.TOLERANCE_FLOOR]
    assert barring_text(found) == "-0.1 mm to bone, less than 0 mm; angular tolerance 0.0°, less than 0.5°"
    assert finding_facts(found) == [("Rule note", "105 mm deep, more than 90 mm: bring the 5 in needle")]


def test_a_value_just_beyond_its_limit_does_not_read_like_it() -> None:
    (found,) = judge(Rules(), {Rule.TOLERANCE_FLOOR: 0.499})
    assert finding_text(found) == "angular tolerance 0.4°, less than 0.5°"


def test_medial_is_told_as_medial() -> None:
    (pedicle,) = judge(Rules(), {Rule.TIP_MEDIAL: -1.25})
    assert "1.2 mm medial of the middle of the pedicle" in finding_text(pedicle)
    (laminae,) = judge(Rules(), {Rule.INTERLAMINAR: -3.0})
    assert "3.0 mm medial of the articular process: between the laminae" in finding_text(laminae)


def test_what_is_not_a_number_is_not_known_and_never_kept() -> None:
    (found,) = judge(Rules(), {Rule.BONE_MET: float("nan")})
    assert (found.value, found.bars) == (None, True)


def test_limits_can_be_edited_within_their_range_and_facts_cannot() -> None:
    rules = Rules()
    wider = rules.edited({Rule.OBLIQUE_WIDE: 55.0, Rule.TIP_MEDIAL: -2.0})
    assert judge(rules, {Rule.OBLIQUE_WIDE: 52.0}) != judge(wider, {Rule.OBLIQUE_WIDE: 52.0}) == ()
    assert judge(wider, {Rule.TIP_MEDIAL: -1.5}) == ()
    assert [each.rule for each in wider.changed] == [Rule.TIP_MEDIAL, Rule.OBLIQUE_WIDE]
    assert rules.changed == ()
    assert limit_text(wider[Rule.OBLIQUE_WIDE]) == "more than 55°"
    for rule, value in (
        (Rule.BONE_MET, -1.0),
        (Rule.OBLIQUE_WIDE, 61.0),
        (Rule.TILT_STEEP, float("nan")),
        (Rule.INTERLAMINAR, -5.0),
    ):
        with pytest.raises(UsageError):
            rules.edited({rule: value})


def test_an_override_keeps_its_reason_and_takes_nothing_from_what_is_told() -> None:
    rules = Rules().overridden({Rule.TIP_MEDIAL: " seen on three pictures "})
    (found,) = judge(rules, {Rule.TIP_MEDIAL: -1.0})
    assert (found.bars, found.kind, found.override) == (False, RuleKind.HARD, "seen on three pictures")
    assert "(overridden: seen on three pictures)" in finding_text(found)
    assert "Warning" in dict(finding_facts([found]))
    assert rules.reason(Rule.OBLIQUE_WIDE) == ""
    for rule, reason in (
        (Rule.BONE_MET, "why"),
        (Rule.TIP_MEDIAL, "  "),
        (Rule.TIP_MEDIAL, "x" * 501),
        (Rule.TIP_MEDIAL, "seen\nor not"),
        (Rule.TIP_MEDIAL, "seen\x1b[2J"),
    ):
        with pytest.raises(UsageError):
            Rules().overridden({rule: reason})


# --------------------------------------------------------------------------------------------------- what is asked


class Tips:
    """A pedicle whose middle lies where the landmark is, and a disc in front of a plane."""

    def __init__(self, disc_y: float = -100.0) -> None:
        self.ground, self.disc_y = self, disc_y

    def upper_axes(self, side: Side) -> tuple[np.ndarray, ...]:
        return np.array([1.0 if side == "left" else -1.0, 0.0, 0.0]), np.eye(3)[2], np.eye(3)[1]

    def in_disc(self, points: np.ndarray, side: Side) -> np.ndarray:
        return points[:, 1] < self.disc_y


def marks() -> Made:
    points = {"S1 upper end plate centre": (0, 0, 0), "L5 body centre": (0, 0, 30)}
    for side, sign in (("left", 1), ("right", -1)):
        points |= {
            f"S1 superior articular tip {side}": (sign * 20, 25, 10),
            f"S1 superior articular base {side}": (sign * 20, 25, 0),
            f"L5 pedicle lower margin {side}": (sign * 22, 5, 20),
        }
    names = Made(
        upper="L5",
        focus="S1 upper end plate centre",
        articular_process=lambda side: (
            f"S1 superior articular tip {side}",
            f"S1 superior articular base {side}",
        ),
    )
    return Made(points={name: np.array(p, float) for name, p in points.items()}, names=names, roots={})


def needle(
    oblique: float, tilt: float, target: tuple[float, float, float], side: str = "left", kind: str = "kambin"
) -> Needle:
    point = np.array(target) * ((1 if side == "left" else -1), 1, 1)
    entry = point + 90.0 * View.oblique(side, oblique, tilt).vector
    return Needle("", kind, side, "L5/S1", "bony" if kind == "kambin" else "", tuple(entry), tuple(point))


def measured(**changed: object) -> Measured:
    gap = Made(gap_mm=3.0)
    tip = Made(
        front=Made(lateral_mm=2.0),
        side=Made(depth=0.7, height=0.2),
        behind={TipFact.DISC: 8.0},
        sac_mm=15.0,
        missing=(TipFact.VESSELS,),
        disc_mm=6.0,
    )
    readouts = Made(scanned=PatientPosition.HEAD_FIRST_PRONE, gantry=Made(tilt=5.0))
    values = {
        "along": Made(bone=gap, nerve=gap, nerve_at_tip=gap),
        "tolerance": Made(angle=Made(amount=2.0)),
        "crossed": (),
        "tip": tip,
        "readouts": readouts,
    }
    return Measured(**values | changed)


def judged(guidance: Guidance = Guidance.CT, tips: Tips | None = None) -> Judge:
    return Judge(Rules(), guidance, marks(), tips or Tips())


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_ordinary_needle_keeps_every_rule_on_either_side(side: str) -> None:
    good = needle(33.0, 2.0, (24.0, 15.0, 8.0), side)
    found = judged().needle(good, measured(), searched=True)
    assert barring(found) == ()
    assert {each.rule for each in found} <= {Rule.USUAL_VIEW}
    facts = judged().facts(good, measured(), searched=True)
    assert facts[Rule.OBLIQUE_WIDE] == pytest.approx(33.0)
    assert facts[Rule.ENTRY_FAR] == pytest.approx(
        24.0 + 90.0 * np.sin(np.radians(33)) * np.cos(np.radians(2))
    )
    assert facts[Rule.ENTRY_HEIGHT] == pytest.approx(8.0 + 90.0 * np.sin(np.radians(2)))
    # lateral of the process in its own view, and as much medial of it where it lies as far on the other side
    out = np.array([4.0, -10.0]) @ (np.cos(np.radians(33)), -np.sin(np.radians(33)))
    assert facts[Rule.INTERLAMINAR] == pytest.approx(out)
    assert out > 0


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"oblique": 55.0}, Rule.OBLIQUE_WIDE),
        ({"tilt": 35.0}, Rule.TILT_STEEP),
        ({"tilt": -35.0}, Rule.TILT_STEEP),
        ({"oblique": 0.5}, Rule.SEARCH_EDGE),
        ({"oblique": 60.0}, Rule.SEARCH_EDGE),
        ({"tilt": 39.0}, Rule.SEARCH_EDGE),
        ({"target": (12.0, 15.0, 8.0)}, Rule.INTERLAMINAR),
        ({"target": (24.0, 15.0, 78.0)}, Rule.ENTRY_HEIGHT),
        ({"target": (24.0, 15.0, -90.0)}, Rule.ENTRY_HEIGHT),
        ({"target": (140.0, 15.0, 8.0)}, Rule.ENTRY_FAR),
    ],
)
def test_a_needle_passes_the_rule_of_its_own_geometry(side: str, change: dict, rule: Rule) -> None:
    where = {"oblique": 30.0, "tilt": 2.0, "target": (24.0, 15.0, 8.0)} | change
    found = barring(judged().needle(needle(**where, side=side), measured(), searched=True))
    assert rule in {each.rule for each in found}
    # an own needle was not searched for: where the search ends says nothing of it
    own = judged().needle(needle(**where, side=side), measured())
    assert Rule.SEARCH_EDGE not in {each.rule for each in own}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"along": Made(bone=Made(gap_mm=-0.05), nerve=Made(gap_mm=1), nerve_at_tip=Made(gap_mm=2))}, Rule.BONE_MET),
        ({"along": Made(bone=Made(gap_mm=1), nerve=Made(gap_mm=-0.1), nerve_at_tip=Made(gap_mm=2))}, Rule.NERVE_MET),
        ({"along": Made(bone=Made(gap_mm=1), nerve=Made(gap_mm=1), nerve_at_tip=Made(gap_mm=0.5))}, Rule.TIP_NERVE),
        ({"tolerance": Made(angle=Made(amount=0.4))}, Rule.TOLERANCE_FLOOR),
        ({"crossed": (Made(name="thecal sac", behind_tip=False),)}, Rule.SAC_MET),
        ({"readouts": Made(scanned=PatientPosition.HEAD_FIRST_SUPINE, gantry=Made(tilt=5.0))}, Rule.SUPINE),
        ({"readouts": Made(scanned=None, gantry=Made(tilt=5.0))}, Rule.SUPINE),
        ({"readouts": Made(scanned=PatientPosition.FEET_FIRST_PRONE, gantry=Made(tilt=-33.0))}, Rule.GANTRY),
    ],
)  # fmt: skip
def test_what_was_measured_passes_its_rule(change: dict, rule: Rule) -> None:
    good = needle(30.0, 2.0, (24.0, 15.0, 8.0))
    assert rule not in {each.rule for each in judged().needle(good, measured())}
    assert rule in {each.rule for each in judged().needle(good, measured(**change))}
    fluoroscopy = {each.rule for each in judged(Guidance.FLUOROSCOPY).needle(good, measured(**change))}
    assert (rule in fluoroscopy) == (rule != Rule.GANTRY), "no gantry stands in the way of a C-arm"


@pytest.mark.parametrize("side", ["left", "right"])
def test_no_needle_passes_near_a_root_that_is_not_labelled(side: str) -> None:
    good = needle(30.0, 2.0, (24.0, 15.0, 8.0), side)
    across = np.cross(good.towards_entry, (0.0, 0.0, 1.0))
    across /= np.linalg.norm(across)

    def found(depth: float, beside: float) -> tuple[float | None, bool]:
        middle = good.at(depth) + beside * across
        along = middle + np.linspace(0.0, 6.0, 7)[:, None] * across * np.sign(beside)
        lost = Made(gaps=(Made(points=along),))
        judge_ = judged()
        judge_.landmarks.roots = {"L4 left": Made(gaps=()), f"L5 {side}": lost}
        told = barring(judge_.needle(good, measured()))
        fact = judge_.facts(good, measured(), searched=False)[Rule.ROOT_UNSEEN]
        return fact, Rule.ROOT_UNSEEN in {each.rule for each in told}

    end = good.depth_mm
    for beside in (4.0, -4.0):
        assert found(end - 20.0, beside) == (pytest.approx(4.0), True)
    assert found(end - 20.0, 6.0) == (pytest.approx(6.0), False)
    # beyond the tip the way there counts too: it is not the line that has to keep away, but the needle
    assert found(end + 3.0, 0.001) == (pytest.approx(3.0, abs=0.01), True)
    assert found(end + 8.0, 0.001) == (pytest.approx(8.0, abs=0.01), False)
    assert Rule.ROOT_UNSEEN not in judged().facts(good, measured(), searched=False)


def test_a_sac_behind_the_tip_is_not_met() -> None:
    behind = measured(
        crossed=(Made(name="thecal sac", behind_tip=True), Made(name="lamina", behind_tip=False))
    )
    found = judged().needle(needle(30.0, 2.0, (24.0, 15.0, 8.0)), behind)
    assert Rule.SAC_MET not in {each.rule for each in found}


NEAR_DISC = {Rule.DISC_BEHIND, Rule.DISC_NEAR}


def tip(**changed: object) -> Made:
    values = {
        "front": Made(lateral_mm=2.0),
        "side": Made(depth=0.7, height=0.2),
        "behind": {},
        "sac_mm": 15.0,
        "missing": (),
        "disc_mm": float("inf"),
    }
    return Made(**values | changed)


@pytest.mark.parametrize(
    ("kind", "change", "rules"),
    [
        ("kambin", {"behind": {TipFact.DISC: 0.0}, "disc_mm": 0.0}, {Rule.TIP_IN_DISC, *NEAR_DISC}),
        ("kambin", {"behind": {TipFact.DISC: 4.0}}, {Rule.DISC_BEHIND}),
        ("safe", {"disc_mm": 1.5}, {Rule.DISC_NEAR}),
        ("safe", {"behind": {TipFact.FRONT: 0.0}}, {Rule.TIP_PAST_FRONT}),
        ("safe", {"behind": {TipFact.SAC: 0.0}, "sac_mm": 0.0}, {Rule.SAC_MET, Rule.TIP_SAC}),
        ("kambin", {"behind": {TipFact.SAC: 2.0}, "sac_mm": 1.0}, {Rule.TIP_SAC}),
        ("safe", {"front": Made(lateral_mm=-0.5)}, {Rule.TIP_MEDIAL}),
        ("kambin", {"front": Made(lateral_mm=-0.5)}, set()),
        ("safe", {"side": Made(depth=0.3, height=0.8)}, {Rule.TIP_VENTRAL}),
        ("kambin", {"side": Made(depth=0.3, height=0.8)}, {Rule.TIP_HIGH}),
        ("safe", {"front": Made(lateral_mm=7.0)}, {Rule.TIP_LATERAL}),
        ("kambin", {"front": Made(lateral_mm=7.0)}, set()),
        ("safe", {"front": None}, {Rule.TIP_MEDIAL}),
        ("kambin", {"missing": (TipFact.DISC,), "disc_mm": None}, {Rule.TIP_IN_DISC, *NEAR_DISC}),
    ],
)  # fmt: skip
def test_where_the_tip_lies_passes_its_rules(kind: str, change: dict, rules: set[Rule]) -> None:
    asked = set(Rule) - {Rule.USUAL_VIEW}
    good = needle(30.0, 2.0, (24.0, 15.0, 8.0), kind=kind)
    assert {each.rule for each in judged().needle(good, measured(tip=tip()))} & asked == set()
    assert {each.rule for each in judged().needle(good, measured(tip=tip(**change)))} & asked == rules


def test_without_landmarks_and_labels_nothing_is_taken_for_kept() -> None:
    blind = Judge(Rules(), Guidance.CT, Made(points={}, names=marks().names, roots={}), Tips())
    unknown = {
        each.rule for each in blind.needle(needle(30, 2, (24, 15, 8)), measured(tip=None)) if each.bars
    }
    assert unknown == {
        Rule.SAC_MET,
        Rule.INTERLAMINAR,
        Rule.TIP_IN_DISC,
        Rule.TIP_PAST_FRONT,
        Rule.ENTRY_FAR,
        Rule.ENTRY_HEIGHT,
    }


# --------------------------------------------------------------------------------------------------- views of a map


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_views_of_a_map_are_judged_as_needles_along_them_are(side: Side) -> None:
    oblique = np.array([30.0, 55.0, 30.0, 30.0, 0.0, 30.0, 30.0, 30.0])
    tilt = np.array([0.0, 0.0, 35.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    x = np.array([24.0, 24.0, 24.0, 12.0, 24.0, 140.0, 24.0, 21.0])
    target = np.column_stack([x if side == "left" else -x, np.full(8, 15.0), np.full(8, 8.0)])
    bone = np.array([3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.3, 3.0])
    looks = Made(
        oblique=oblique,
        tilt=tilt,
        target=target,
        depth_mm=np.full(8, 90.0),
        bone_mm=bone,
        allowed=np.ones(8, bool),
    )
    chart = Made(looks=looks, limits=Made(needle_radius_mm=0.36))
    zone = Made(side=side, kind=Kind.SAFE, version=Version.NONE)
    found = judged().views(zone, chart, tolerance_deg=np.array([2.0, 2, 2, 2, 2, 2, 2, 0.2]))
    named = [VIEW_RULES[number - 1] if number else None for number in found.first]
    assert named == [
        None,
        Rule.OBLIQUE_WIDE,
        Rule.TILT_STEEP,
        Rule.INTERLAMINAR,
        Rule.SEARCH_EDGE,
        Rule.ENTRY_FAR,
        Rule.BONE_MET,
        Rule.TIP_MEDIAL,
    ]
    # 21 mm is medial of the pedicle's middle, at 22 mm, and the tolerance is too small as well
    assert found.by_rule[Rule.TOLERANCE_FLOOR].tolist() == [False] * 7 + [True]
    kambin = judged(tips=Tips(disc_y=16.0)).views(Made(side=side, kind=Kind.KAMBIN), chart)
    assert Rule.TIP_MEDIAL not in kambin.by_rule
    assert kambin.by_rule[Rule.TIP_IN_DISC].all()
    assert VIEW_RULES[kambin.first[0] - 1] == Rule.TIP_IN_DISC


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_in_the_safe_triangle_one_aims_lateral_of_the_pedicles_middle_where_the_circle_reaches_it(
    side: Side,
) -> None:
    sign = 1 if side == "left" else -1
    view = View.oblique(side, 30.0, 5.0)
    x = np.array([21.0, 21.0, 24.0])
    centres = np.column_stack([sign * x, np.full(3, 15.0), np.full(3, 8.0)])
    vectors = np.tile(view.vector, (3, 1))
    safe = Made(side=side, kind=Kind.SAFE)
    aims = judged().aims(safe, centres, np.array([2.0, 1.0, 2.0]), vectors, 0.36)
    # the middle of the pedicle is at 22: the first is moved past it, for the second the circle is too small
    assert sign * aims[0, 0] == pytest.approx(22.25)
    moved = aims[0] - centres[0]
    assert moved @ view.vector == pytest.approx(0.0, abs=1e-9), "across the view"
    assert np.linalg.norm(moved) <= 2.0 - 0.36
    np.testing.assert_array_equal(aims[1:], centres[1:])
    kambin = judged().aims(Made(side=side, kind=Kind.KAMBIN), centres, np.full(3, 2.0), vectors, 0.36)
    np.testing.assert_array_equal(kambin, centres)
    lifted = Judge(Rules().overridden({Rule.TIP_MEDIAL: "why"}), Guidance.CT, marks(), Tips())
    np.testing.assert_array_equal(lifted.aims(safe, centres, np.full(3, 2.0), vectors, 0.36), centres)


def test_a_view_that_is_not_open_is_not_refused_once_more_and_an_overridden_rule_refuses_none() -> None:
    values = {Rule.OBLIQUE_WIDE: np.array([55.0, 55.0, 40.0, np.nan])}
    found = Refusals.of(Rules(), values, np.array([True, False, True, True]))
    assert found.by_rule[Rule.OBLIQUE_WIDE].tolist() == [True, False, False, False]
    free = Refusals.of(Rules().overridden({Rule.OBLIQUE_WIDE: "slim"}), values, np.ones(4, bool))
    assert not free.first.any()


def test_every_side_of_the_search_is_an_edge_straight_from_behind_too() -> None:
    away = from_edge(np.array([30.0, 0.0, 59.0, 30.0, 30.0]), np.array([0.0, 0.0, 0.0, 39.0, -38.5]))
    assert away == pytest.approx([30.0, 0.0, 1.0, 1.0, 1.5])


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_usual_views_are_those_of_fluoroscopy(side: Side) -> None:
    assert from_usual(View.oblique(side, 27.0, 12.0), side) == pytest.approx(0.0, abs=1e-6)
    assert from_usual(View.oblique(side, 27.0, -9.0), side) == pytest.approx(20.0)
    assert from_usual(View.oblique(side.other, 27.0, 12.0), side) > 45.0
