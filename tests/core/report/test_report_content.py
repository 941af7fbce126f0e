"""What a report says, and what it does not: the facts of the plan, one needle a page, no needle where none is due."""

import re

import pytest
from plan_maker import KEY, both_sides, full_plan, full_planning, recommended_planning

from spinect_core.base.errors import PlanError, UsageError
from spinect_core.base.versions import NOTICE
from spinect_core.geometry.view import View
from spinect_core.image.patient import Patient
from spinect_core.plan.plan import Plan
from spinect_core.plan.records import CaseLightRecord, LevelRecord, NeedleRecord, Planning
from spinect_core.plan.rule_wording import OTHER_ROUTES
from spinect_core.plan.wording import facts, trajectories
from spinect_core.report.content import CHECKLIST, Stored, Wish, pages, plain_text


def plan(planning: Planning | None = None) -> Plan:
    return full_plan().replaced(planning=recommended_planning() if planning is None else planning)


def text(made: Plan, wish: Wish | None = None) -> str:
    return "\n".join(map(plain_text, pages(made, wish)))


def two_zones() -> Planning:
    """A recommended zone on the left, and one that the rules refuse."""
    both = both_sides(recommended_planning())
    left = both.zones[1].replaced(side="left")
    return both.replaced(
        zones=(both.zones[0], left), searches=(both.searches[0], both.searches[1].replaced(zone=left.key))
    )


def test_every_fact_of_the_needle_stands_on_its_page_as_everywhere_else() -> None:
    told = text(plan())
    (trajectory,) = trajectories(recommended_planning())
    elsewhere = {
        "Largest window",
        "Axial plane",
        "Level",
        "Light",
        "Warning",
    }  # other views, or the page's head
    known = [each for each in facts(trajectory, recommended_planning().landmarks) if each[0] not in elsewhere]
    assert len(known) > 20
    assert [line for head, line in known if f"{head}: {line}" not in told and line not in told] == []


def test_what_the_written_plan_has_to_hold_is_there() -> None:
    counted = recommended_planning().replaced(level=LevelRecord(name="L6/S1", lumbar=6))
    zone = counted.zones[0].replaced(level="L6/S1")
    search = counted.searches[0].replaced(zone=zone.key)
    record = counted.needles[0]
    needle = record.replaced(
        needle=type(record.needle).from_dict({**record.needle.to_dict(), "level": "L6/S1"})
    )
    told = text(plan(counted.replaced(zones=(zone,), windows=(), searches=(search,), needles=(needle,))))
    for part in (
        "LEFT · L6 root · L6/S1",
        "L6/S1, the lumbosacral level; count of lumbar vertebrae: 6, confirmed by hand",
        "transforaminal, through the left Kambin triangle (bony)",
        "prone, feet first for the injection; in the planning CT: supine, head first",
        "44 mm left of the midline",
        "36 mm below the iliac crest line",
        "detector at the hub 152.8° / −10.3°, or opposite −27.2° / 10.3°",
        "IEC 61217",
        "slice 57 (instance number)",
        "Gantry: tilted 11.5°",
        "Behind the tip",
        "Clearance",
        "S1 superior articular process",
    ):
        assert part in told, part
    assert all(f"[ ] {each}" in told for each in CHECKLIST)
    assert told.endswith(NOTICE)


def test_there_is_never_a_dose() -> None:
    told = text(plan()).lower()
    assert not re.search(r"\b\d+(\.\d+)?\s*(mg|ml|µg|mcg|units?)\b", told)
    assert "dose" not in told


def test_warnings_come_before_numbers_the_lights_reasons_first() -> None:
    told = text(plan())
    heads = [
        told.index(each) for each in ("Light: amber: angular tolerance", "WARNINGS", "NEEDLE", "IN THE ROOM")
    ]
    assert heads == sorted(heads)
    assert "This needle: not known: tip near the disc" in told
    assert "(overridden: seen on pictures)" in told
    assert "Count of lumbar vertebrae: not confirmed" in told[heads[1] : heads[2]]
    assert "Another level fits almost as well." in told[heads[1] : heads[2]]
    assert "The organ masks fit the CT poorly" in told[heads[1] : heads[2]]
    assert "The case is amber: the CT has a noise of" in told[heads[1] : heads[2]]


def test_a_case_that_is_withheld_tells_why_and_no_needle() -> None:
    withheld = recommended_planning().replaced(withheld=("The level is not sure.",))
    (page,) = pages(plan(withheld))
    assert page.trajectory is None
    assert page.glance == page.sections == ()
    told = plain_text(page)
    assert "No needle is recommended" in told
    assert "A needle is not recommended: the level is not sure." in told
    assert f"Other routes: {OTHER_ROUTES}." in told
    needle = withheld.needles[0].needle
    assert f"{needle.depth_mm:.0f} mm" not in told
    assert needle.words not in told
    assert "CHECKLIST" not in told


def test_a_zone_that_the_rules_refuse_tells_what_refuses_and_other_routes() -> None:
    made = pages(plan(both_sides(recommended_planning())))
    assert [page.side for page in made] == ["left", "right"]
    left, right = made
    assert left.trajectory is not None
    assert right.trajectory is None
    told = plain_text(right)
    assert "RIGHT · L5 root" in told
    assert "the rules leave none of 210 views" in told
    assert told.count(OTHER_ROUTES) == 1
    assert right.others == ()
    assert "Light of the case: amber" in told
    green = both_sides(recommended_planning()).replaced(light=CaseLightRecord(light="green"))
    assert pages(plan(green))[1].banner == "No needle is recommended"
    (asked,) = pages(plan(two_zones()), Wish(zone="left safe"))
    assert asked.trajectory is None
    assert [each.split(":")[0] for each in asked.others] == ["Left Kambin, bony"]
    # the numbers of one side are not on the page of the other
    assert "44 mm left of the midline" not in told


def test_one_side_alone_and_one_that_was_not_planned() -> None:
    both = plan(both_sides(recommended_planning()))
    assert [page.side for page in pages(both, Wish(side="right"))] == ["right"]
    with pytest.raises(UsageError, match="no trajectory on the right"):
        pages(plan(), Wish(side="right"))


def test_the_first_recommended_zone_is_told_and_the_others_in_a_line_each() -> None:
    one = recommended_planning()
    second = one.zones[0].replaced(version="neural")
    search = one.searches[0].replaced(zone=second.key)
    first = one.needles[0].needle
    needle = type(first).from_dict({**first.to_dict(), "version": "neural", "author": "automatic"})
    two = one.replaced(
        zones=(one.zones[0], second),
        searches=(*one.searches, search),
        needles=(*one.needles, one.needles[0].replaced(needle=needle)),
    )
    (page,) = pages(plan(two))
    assert page.trajectory is not None
    assert page.trajectory.key == KEY
    assert len(page.others) == 1
    assert page.others[0].startswith("Left Kambin, neural: left oblique")
    (page,) = pages(plan(two), Wish(zone="left kambin neural"))
    assert page.trajectory is not None
    assert page.trajectory.key == second.key
    with pytest.raises(UsageError, match="no such trajectory"):
        pages(plan(two), Wish(zone="right safe"))
    with pytest.raises(UsageError, match="Several"):
        pages(plan(two), Wish(zone="left kambin"))
    with pytest.raises(UsageError, match="is on the left"):
        pages(plan(two), Wish(side="right", zone="left kambin neural"))


def test_a_needle_placed_by_hand_is_told_when_asked_for_and_said_to_be_one() -> None:
    hand = full_planning().needles[0]
    own = recommended_planning().replaced(needles=(*recommended_planning().needles, hand))
    (page,) = pages(plan(own))
    assert page.record is not None
    assert page.record.needle.author == "automatic"
    (page,) = pages(plan(own), Wish(zone="first try"))
    assert page.record is not None
    assert page.record.needle.author == "user"
    assert "placed by hand" in page.approach
    assert "no recommendation of the program" in page.approach
    barred = hand.replaced(
        findings=(full_planning().searches[0].refusal.findings[0],)  # type: ignore[union-attr]
    )
    (page,) = pages(plan(own.replaced(needles=(barred,))), Wish(zone="first try"))
    assert page.record is None
    assert "angular tolerance 0.2°, less than 0.5°" in plain_text(page)


def test_reasons_for_another_view_than_the_needles_are_not_told() -> None:
    made = recommended_planning()
    chosen = made.searches[0].chosen
    assert chosen is not None
    assert "Why this view" in text(plan(made))
    other = made.searches[0].replaced(chosen=chosen.replaced(view=View(50.0, 20.0)))
    assert "Why this view" not in text(plan(made.replaced(searches=(other,))))
    # those of the largest window are another view's as well
    assert "39.0 mm²" not in text(plan(made))
    assert "30.5 mm²" not in text(plan(made))


def test_an_older_plan_says_what_it_does_not_hold() -> None:
    made = recommended_planning()
    bare = made.replaced(
        needles=(NeedleRecord(needle=made.needles[0].needle),), light=None, level=None, organs=None
    )
    (page,) = pages(plan(bare).replaced(run={}, versions={}))
    told = plain_text(page)
    assert page.record is not None
    for part in (
        "settings of the room",
        "distances and tolerance",
        "place of the tip",
        "light of the case",
        "level",
    ):
        assert part in page.missing[0] or any(part in each for each in page.missing), part
    assert "Not in this plan: light, settings of the room" in told
    assert "Weights: not stored in the plan" in told
    assert "version not stored" in told
    assert "mm deep" in told


def test_a_plan_without_trajectories_tells_its_notes_or_is_refused() -> None:
    (page,) = pages(plan(Planning()))
    assert page.title == "No trajectory"
    assert "No safe triangle on the left: the nerve was not found." in plain_text(page)
    with pytest.raises(PlanError, match="measurements alone"):
        pages(plan(Planning()).replaced(notes=()))


def test_checksums_of_plan_ct_and_weights() -> None:
    made = plan().replaced(run={"engine": "openvino", "mode": "fast", "weights_sha256": "ab" * 32})
    told = text(made, Wish(stored=Stored("cd" * 32, "plan.json")))
    assert f"Plan: SHA-256 {'cd' * 32} (plan.json)" in told
    assert f"CT: SHA-256 {made.case.sha256}" in told
    assert f"Weights: SHA-256 {'ab' * 32}" in told
    assert "Plan: in no file yet" in text(made)


def test_whatever_a_plan_holds_becomes_lines() -> None:
    made = recommended_planning()
    nasty = LevelRecord(name="L5/S1", warnings=("a\nb\tc\x00d\u202ee " + "x" * 5000,))
    told = text(plan(made.replaced(level=nasty)).replaced(run={"weights_sha256": 5, "engine": ["?"]}))
    assert "A b c d e xxx" in told
    assert max(map(len, told.splitlines())) < 2100
    assert "Weights: not stored" in told


def test_a_patient_is_named_only_when_given() -> None:
    patient = Patient("Fuchs, Erika", "4711", "1957-01-02", "F", "2026-01-02")
    assert "Fuchs" not in text(plan())
    told = text(plan(), Wish(patient=patient))
    assert "Fuchs, Erika · ID 4711 · born 1957-01-02 · sex F · CT of 2026-01-02" in told
    assert Patient("", "4711").line == "ID 4711"
