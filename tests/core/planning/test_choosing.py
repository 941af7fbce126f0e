"""What is recommended: an ordinary view that keeps most of the tolerance, or none with what refuses."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace as Made

import numpy as np
import pytest
import pyvista as pv
from search_scenes import bone, circle, plate, square_zone

from spinect_core.base.words import Guidance, Rule, RuleKind
from spinect_core.geometry.view import View
from spinect_core.plan.build import search_record
from spinect_core.plan.records import ChosenRecord, RefusalRecord
from spinect_core.plan.rule_wording import chosen_text, refusal_text
from spinect_core.planning.choosing import (
    KEPT_PART,
    Chosen,
    Refusal,
    counts_of,
    entries_of,
    fewest,
    front_of,
    order_of,
    unusual,
)
from spinect_core.planning.judging import Refusals
from spinect_core.planning.level import Approaches, Tried, _as_measured
from spinect_core.planning.needle.about_entry import AboutEntry
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.tolerance import Aim
from spinect_core.planning.rules import Finding, Rules
from spinect_core.planning.search.angle_map import Survey, angle_map
from spinect_core.planning.search.search import search
from spinect_core.planning.search.weights import Reason
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight

NORMAL = View.oblique("left", 30.0, 0.0)


def away(
    guidance: Guidance, oblique: float, tilt: float, lateral: float = 70.0, depth: float = 75.0
) -> float:
    one = [np.array([value]) for value in (oblique, tilt, lateral, depth)]
    return float(unusual(guidance, oblique=one[0], tilt=one[1], lateral_mm=one[2], depth_mm=one[3])[0])


def test_for_ct_the_axial_plane_comes_first_then_a_usual_oblique_angle() -> None:
    assert away(Guidance.CT, 33.0, 0.0) == away(Guidance.CT, 25.0, 0.0) == 0.0
    assert away(Guidance.CT, 48.0, 0.0) == 8.0
    assert away(Guidance.CT, 33.0, 6.0) == away(Guidance.CT, 33.0, -6.0) == 12.0
    assert away(Guidance.CT, 20.0, 0.0) < away(Guidance.CT, 33.0, 6.0)


def test_for_fluoroscopy_the_usual_views_of_a_c_arm_come_first() -> None:
    assert away(Guidance.FLUOROSCOPY, 27.0, 12.0) == 0.0
    assert away(Guidance.FLUOROSCOPY, 27.0, 0.0) == 11.0
    assert away(Guidance.FLUOROSCOPY, 27.0, -12.0) == 23.0, "caudal is not cephalad"
    assert away(Guidance.FLUOROSCOPY, 40.0, 12.0) == 10.0


@pytest.mark.parametrize("guidance", Guidance)
def test_the_short_way_is_the_ordinary_one(guidance: Guidance) -> None:
    near, far, deep = (
        away(guidance, 28.0, 11.5, lateral, depth) for lateral, depth in ((80, 79), (105, 79), (80, 80))
    )
    assert (far - near, deep - near) == (10.0, 5.0)
    assert away(guidance, 28.0, 11.5, np.nan) == near, (
        "what is not known counts as usual: the rules refuse it"
    )


def test_the_widest_is_given_up_for_an_ordinary_view_that_keeps_two_thirds_of_it() -> None:
    tolerance = np.array([3.0, 2.1, 1.9, 2.2, 0.6])
    degrees = np.array([70.0, 10.0, 0.0, 10.2, 0.0])
    every = range(5)
    # 1.9 and 0.6 keep less than two thirds; of two that are as ordinary the more tolerant one comes first
    assert order_of(tolerance, degrees, list(every)) == [3, 1, 0, 2, 4]
    assert order_of(tolerance, degrees, [2, 4]) == [2, 4], "with the widest refused the rest is measured anew"
    assert order_of(np.full(5, np.nan), degrees, list(every)) == []
    assert pytest.approx(2 / 3) == KEPT_PART


def test_the_rough_tolerance_is_nearly_the_exact_one() -> None:
    """A hole in a plate half-way between skin and target, and a needle that goes through it off its middle."""
    obstacles = bone(plate(NORMAL, circle(3.0), low=30.0, high=31.0))
    tips = np.array([20.0, 15.0, -5.0]) + np.array([[0.0, 0, 0], [1.0, 0, 0], [0.0, 0, 1.5]])
    entries = tips + 80.0 * NORMAL.vector
    rough = AboutEntry(obstacles).degrees(entries, tips, 0.36)
    for entry, tip, about in zip(entries, tips, rough, strict=True):
        needle = Needle("", "kambin", "left", "L5/S1", "bony", tuple(entry), tuple(tip))
        assert about == pytest.approx(Aim(obstacles).tolerance(needle).angle.amount, abs=0.15)
    assert np.isnan(AboutEntry(obstacles).degrees(np.full((1, 3), np.nan), tips[:1], 0.36)).all()
    free = AboutEntry(Obstacles(pv.PolyData(), pv.PolyData())).degrees(entries, tips, 0.36)
    assert free == pytest.approx([10.0] * 3)


def test_what_lies_behind_the_tip_or_the_entry_is_not_met() -> None:
    tips = np.array([[20.0, 15.0, -5.0]])
    entries = tips + 80.0 * NORMAL.vector
    for low in (-12.0, 90.0):
        assert (
            AboutEntry(bone(plate(NORMAL, circle(0.5), low=low, high=low + 1))).degrees(entries, tips, 0.36)
            > 9.0
        )


def test_entries_lie_where_the_skin_is_along_each_view() -> None:
    class Flat:
        def depth(self, points, directions):
            return (90.0 - points[:, 1]) / directions[:, 1]

    nothing = Obstacles(pv.PolyData(), pv.PolyData())
    chart = angle_map(Survey(Sight(square_zone(5.0, NORMAL), nothing), Flat()), step=20.0)
    entries = entries_of(chart)
    assert entries[:, 1] == pytest.approx(90.0)
    oblique = chart.looks.oblique > 0
    assert (entries[oblique, 0] > chart.looks.target[oblique, 0]).all(), (
        "left oblique enters farther to the left"
    )


BARS = Finding(Rule.TOLERANCE_FLOOR, RuleKind.HARD, True, 0.1, 0.5)


def refused() -> Refusals:
    tilt, oblique = np.array([10.0, 35.0, 35.0, 10.0]), np.array([55.0, 55.0, 30.0, 30.0])
    facts = {
        Rule.OBLIQUE_WIDE: oblique,
        Rule.TILT_STEEP: tilt,
        Rule.TOLERANCE_FLOOR: np.array([2.0, 2, 2, 0.1]),
    }
    return Refusals.of(Rules(), facts, np.ones(4, bool))


def test_where_nothing_is_left_what_refuses_most_is_told_first() -> None:
    counts = counts_of(refused(), [(BARS,)])
    assert counts == {Rule.TOLERANCE_FLOOR: 2, Rule.OBLIQUE_WIDE: 2, Rule.TILT_STEEP: 2}
    assert next(iter(counts)) == Rule.TOLERANCE_FLOOR
    # of the views that pass one limit each, the most tolerant one is nearest
    assert fewest(refused(), np.array([1.0, 9.0, 3.0, 0.1]), range(4)) == 2
    assert fewest(refused(), np.full(4, np.nan), range(4)) is None
    bony = {Rule.BONE_MET: np.array([-1.0, 1.0]), Rule.OBLIQUE_WIDE: np.array([30.0, 55.0])}
    bony[Rule.TILT_STEEP] = np.array([0.0, 35.0])
    assert fewest(Refusals.of(Rules(), bony, np.ones(2, bool)), np.ones(2), range(2)) == 1, (
        "bone is no judgement"
    )


def test_a_refusal_names_the_rules_the_nearest_view_and_the_other_routes() -> None:
    counts = {Rule.TIP_MEDIAL: 44, Rule.TILT_STEEP: 9}
    made = Refusal(
        45, counts, 1, View.oblique("right", 30.0, 2.0), (BARS,), ("right Kambin triangle (bony)",)
    )
    text = refusal_text(made)
    assert text == (
        "the rules leave none of 45 views that are open to a needle (44 end medial of the pedicle's middle, 9 are "
        "tilted too much); nearest of 1 measured, right oblique 30°, cranial 2°: angular tolerance 0.1°, less than "
        "0.5°; other routes: the right Kambin triangle (bony) (recommended), the level above; the S1 foramen, which is "
        "not planned here"
    )
    blind = Refusal(45, {}, 0, None, ())
    assert "no needle can be measured there" in refusal_text(blind)


def test_the_reason_tells_what_is_kept_and_what_the_largest_window_would_gain() -> None:
    made = Chosen(
        Guidance.CT, View.oblique("left", 33.0, 0.0), 2.3, 2.6, View.oblique("left", 46.0, 8.0), 31.0,
        View.oblique("left", 40.0, 36.0), 43.0,
    )  # fmt: skip
    assert chosen_text(made) == (
        "axial in-plane, 33° oblique: keeps 2.3 of 2.6° of angular tolerance; the largest window, 43 mm² at left "
        "oblique 40°, cranial 36°, would gain 12 mm²"
    )
    record = ChosenRecord.taken_from(made)
    assert ChosenRecord.from_dict(record.to_dict()) == record
    assert chosen_text(record) == chosen_text(made)
    c_arm = ChosenRecord.taken_from(made, guidance="fluoroscopy", largest_mm2=31.0)
    assert chosen_text(c_arm).startswith(
        "as near to the usual C-arm views as the tolerance allows, left oblique 33°"
    )
    assert chosen_text(c_arm).endswith("it is the largest window as well")


def test_both_are_stored_with_the_search() -> None:
    found = search(Sight(square_zone(5.0, NORMAL), Obstacles(pv.PolyData(), pv.PolyData())), None, step=20.0)
    made = Refusal(5, {Rule.TIP_MEDIAL: 5}, 1, NORMAL, (BARS,), ("left safe triangle",))
    record = search_record(found, seconds=0.1, refusal=made)
    assert record.refusal is not None
    assert refusal_text(record.refusal) == refusal_text(made)
    again = RefusalRecord.from_dict(record.refusal.to_dict())
    assert (again, list(again.counts)) == (record.refusal, [Rule.TIP_MEDIAL])


def first_kept(tolerances: dict[int, float], order: list[int], barred: set[int] = frozenset()) -> tuple:
    """What is taken of views 10° apart whose needles have these tolerances when they are measured."""
    work = object.__new__(Approaches)

    def tried(_survey, _result, number, _cancel):
        findings = (BARS,) if number in barred else ()
        measured = Made(tolerance=Made(angle=Made(amount=tolerances[number])))
        return Tried(number, Made(view=View(10.0 * number)), Made(), measured, findings)

    work._tried = tried
    result = Made(map=Made(view=lambda number: View(10.0 * number)))
    rough = np.array([2.0, 3.0, 2.5, 2.2])
    one, widest, held = work._first_kept(None, result, order, rough, None)
    at = [None if each is None else round(each.choice.view.azimuth / 10) for each in (one, widest)]
    return (*at, [round(each.choice.view.azimuth / 10) for each in held])


def test_the_first_that_keeps_two_thirds_as_measured_is_taken() -> None:
    # number 1 is the widest by the estimate and is measured first
    assert first_kept({0: 2.1, 1: 3.0, 2: 2.4, 3: 2.2}, [0, 2, 3, 1]) == (0, 1, [])
    assert first_kept({0: 1.5, 1: 3.0, 2: 2.4, 3: 2.2}, [0, 2, 3, 1]) == (2, 1, []), (
        "estimated well, measured short"
    )
    assert first_kept({0: 1.5, 1: 3.0, 2: 1.9, 3: 1.0}, [0, 2, 3, 1]) == (1, 1, []), (
        "nothing else keeps so much"
    )
    assert first_kept({0: 2.9, 1: 3.0, 2: 2.4, 3: 2.2}, [1, 0, 2, 3]) == (1, 1, []), (
        "the widest is the most ordinary"
    )
    assert first_kept({0: 2.1, 1: 3.0, 2: 2.4, 3: 2.2}, [0, 2, 3, 1], {0, 1}) == (2, 2, [1, 0])
    assert first_kept({0: 2.1, 1: 3.0, 2: 2.4, 3: 2.2}, [0, 2, 3, 1], {0, 1, 2, 3}) == (
        None,
        None,
        [1, 0, 2, 3],
    )
    assert first_kept({}, []) == (None, None, [])


def test_a_view_whose_needle_was_measured_and_barred_has_the_rule_on_the_map() -> None:
    def measured(number: int, *rules: Rule, what: str = "") -> Tried:
        findings = tuple(Finding(rule, RuleKind.HARD, True, 0.0, 1.0, what=what) for rule in rules)
        return Tried(number, Made(), Made(), Made(), findings)

    nothing = Obstacles(pv.PolyData(), pv.PolyData())
    chart = angle_map(Survey(Sight(square_zone(5.0, NORMAL), nothing)), step=20.0)
    before = replace(chart, refused=np.zeros(len(chart.looks.oblique), np.uint8))
    before.refused[3] = 3
    tried = [
        measured(1, Rule.TOLERANCE_FLOOR),
        measured(2, Rule.NERVE_MET),
        measured(3, Rule.TILT_STEEP, Rule.BONE_MET),
        measured(4, Rule.ORGAN_MET, what="left kidney"),
    ]
    found = _as_measured(before, tried)
    # what cannot be asked of a view of the map leaves it as it was; of several the first of the table is told
    assert [found.rule(k) for k in range(5)] == [
        None,
        Rule.TOLERANCE_FLOOR,
        None,
        Rule.BONE_MET,
        Rule.ORGAN_MET,
    ]
    assert [found.organ(k) for k in range(5)] == ["", "", "", "", "left kidney"]
    assert before.refused[1] == 0
    assert found.nearest(View.oblique("left", found.looks.oblique[7] + 3.0, found.looks.tilt[7] - 3.0)) == 7


def test_a_view_between_those_of_the_map_is_asked_of_an_open_one() -> None:
    nothing = Obstacles(pv.PolyData(), pv.PolyData())
    chart = angle_map(Survey(Sight(square_zone(5.0, NORMAL), nothing)), step=20.0)
    asked = View.oblique("left", float(chart.looks.oblique[7]), float(chart.looks.tilt[7]))
    reason = np.where(np.arange(len(chart.looks.oblique)) == 7, Reason.BONE, Reason.ALLOWED)
    blocked = replace(chart, looks=replace(chart.looks, reason=reason))
    near = blocked.nearest(asked)
    assert near != 7
    assert blocked.looks.allowed[near]
    every = replace(chart, looks=replace(chart.looks, reason=np.full_like(reason, Reason.BONE)))
    assert every.nearest(asked) == 7


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    #                    0    1    2    3    4    5
    tolerance = np.array([1.0, 1.5, 0.9, 2.0, 2.0, 9.0])
    away_deg = np.array([3.0, 5.0, 4.0, 20.0, 9.0, 1.0])
    left = [0, 1, 2, 3, 4]  # the rules refuse the last
    assert front_of(tolerance, away_deg, left) == [0, 1, 4], (
        "2 is worse than 0 in both, 3 as wide as 4 and stranger"
    )
    assert front_of(tolerance, away_deg, []) == []
    assert front_of(np.full(6, np.nan), away_deg, left) == []
    many = np.arange(100.0)
    kept = front_of(many, many, range(100))
    assert (len(kept), kept[0], kept[-1]) == (8, 0, 99)
