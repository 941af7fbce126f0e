"""What a reader of a planning is told, from the records alone."""

from dataclasses import replace

import pytest
from plan_maker import KEY, full_planning

from spinect_core.base.errors import PlanError
from spinect_core.base.words import Checked
from spinect_core.geometry.view import View
from spinect_core.plan.own_needles import free_needle_name
from spinect_core.plan.records import FindingRecord, LevelRecord, LightRecord, NeedleRecord, Planning
from spinect_core.plan.wording import (
    NOT_COUNTED,
    band,
    case_warnings,
    choices,
    confirmed_text,
    facts,
    gaps_text,
    headline,
    is_doubtful,
    landmark_text,
    level_caption,
    level_words,
    needle_lines,
    preferred,
    root_text,
    share_text,
    shown_beside,
    trajectories,
    unconfirmed,
    users_part,
    warnings,
    withheld_lines,
)


def automatic(planning: Planning) -> Planning:
    """The same with the program's needle in place of the user's."""
    needles = tuple(
        each.replaced(needle=replace(each.needle, author="automatic")) for each in planning.needles
    )
    return planning.replaced(needles=needles)


def closed(planning: Planning) -> Planning:
    """The same with no open view."""
    search = planning.searches[0].replaced(best=None, recommended=None, ridge=(), alternatives=())
    windows = tuple(each.replaced(author="automatic") for each in planning.windows[1:])
    return planning.replaced(searches=(search,), windows=windows, needles=())


def test_a_zone_with_its_needle() -> None:
    (trajectory,) = [each for each in trajectories(automatic(full_planning())) if not each.own]
    assert (trajectory.key, trajectory.zone_key, trajectory.side, trajectory.open) == (KEY, KEY, "left", True)
    assert trajectory.title == "Left Kambin, bony"
    assert trajectory.area_mm2 == 39.0
    assert trajectory.circle_mm == 4.8
    # all numbers are those of the recommended view, along which the needle lies
    assert trajectory.view.angle_to(trajectory.needle.needle.view) == 0.0
    assert trajectory.view_text == "28°, cranial 4°"
    assert trajectory.target == trajectory.needle.needle.target
    assert trajectory.tolerance_text == "1.2°"
    # of the way and of the tip, whichever is nearer
    assert trajectory.nerve_mm == 1.25
    assert trajectory.needle_text.endswith("5 in needle")
    assert trajectory.needle_text.startswith(f"{trajectory.needle.needle.depth_mm:.0f} mm")


def test_area_circle_and_clearances_say_how_sure_they_are() -> None:
    planning = automatic(full_planning())
    windows = (planning.windows[0].replaced(author="automatic"),)
    (trajectory,) = [each for each in trajectories(planning.replaced(windows=windows)) if not each.own]
    told = dict(facts(trajectory))
    assert told["Largest window"].startswith("30.5 mm² (24.5 to 35.2), circle 3.5 mm (2.5 to 4.0);")
    assert "90 of 100" in told["Largest window"]
    assert told["Clearance"] == (
        "2.2 mm (1.5 to 3.0) to nerve before the last 3 mm, 1.2 mm to nerve in the last 3 mm, "
        "-0.5 mm (-1.2 to 0.2) to bone"
    )


def test_where_nothing_was_calibrated_no_interval_is_said() -> None:
    planning = automatic(full_planning())
    bare = planning.windows[0].replaced(author="automatic", area_90=None, radius_90=None)
    (trajectory,) = [each for each in trajectories(planning.replaced(windows=(bare,))) if not each.own]
    told = dict(facts(trajectory))
    assert "Window" not in told
    assert told["Intervals"].startswith("none")
    assert trajectory.sure_text == ""


def test_the_users_needles_are_trajectories_of_their_own_and_told_apart() -> None:
    planning = full_planning()
    found = trajectories(planning)
    assert [each.own for each in found] == [False, True, True]
    assert found[0].needle is None
    assert len({each.key for each in found}) == 3
    assert all(each.zone_key == KEY and each.title == "first try" for each in found[1:])
    assert found[1].area_mm2 is None
    stray = replace(planning.needles[0].needle, side="right")
    alone = trajectories(planning.replaced(needles=(NeedleRecord(needle=stray),)))[-1]
    assert alone.own
    assert (alone.zone, alone.zone_key) == (None, "")


def test_without_a_trajectory_it_says_what_blocks_it_and_offers_the_nearest_view() -> None:
    planning = closed(full_planning())
    (trajectory,) = trajectories(planning)
    assert not trajectory.open
    assert trajectory.area_mm2 is None
    assert trajectory.needle_text == trajectory.tolerance_text == ""
    assert trajectory.nerve_mm is trajectory.circle_mm is None
    assert trajectory.blocked_text == (
        "no trajectory: blocked by L5 lamina and S1 lamina, required clearance 3.5 mm from both"
    )
    assert trajectory.view == View(10.0, 2.0)
    assert choices(trajectory.search) == ((f"Nearest to open: {View(10.0, 2.0).words}", View(10.0, 2.0)),)
    assert headline(trajectory) == f"{trajectory.title}, L5/S1: {trajectory.blocked_text}"
    assert facts(trajectory)[1] == ("Window", f"N{trajectory.blocked_text[1:]}")
    alone = planning.windows[0].replaced(pair=(), pair_required_mm=None)
    (trajectory,) = trajectories(planning.replaced(windows=(alone,)))
    assert trajectory.blocked_text == "no trajectory: blocked by L5 lamina"
    (trajectory,) = trajectories(
        planning.replaced(windows=(alone.replaced(closers=full_planning().windows[0].closers),))
    )
    assert trajectory.blocked_text == (
        "no trajectory: blocked by S1 superior articular process (required clearance 1.2 mm)"
    )
    hardly = full_planning().windows[0].closers[0].replaced(required_mm=0.02)
    (trajectory,) = trajectories(planning.replaced(windows=(alone.replaced(closers=(hardly,)),)))
    assert trajectory.blocked_text == (
        "no trajectory: blocked by S1 superior articular process (required clearance less than 0.1 mm)"
    )
    first = full_planning().windows[0].closers[0]
    both = (first, first.replaced(name="L5 lamina", required_mm=0.8))
    (trajectory,) = trajectories(planning.replaced(windows=(alone.replaced(closers=both),)))
    assert trajectory.blocked_text.endswith("process (required clearance 1.2 mm), L5 lamina (0.8 mm)")
    (trajectory,) = trajectories(planning.replaced(windows=(alone.replaced(closers=()),)))
    assert trajectory.blocked_text == "no trajectory: too narrow for a needle"


def test_choices_are_recommended_best_and_alternatives_in_this_order() -> None:
    found = choices(full_planning().searches[0])
    # of the trade-offs the one that is recommended is there already
    views = [View(28.0, 4.0), View(31.0, 6.0), View(12.0, -20.0), View(40.0, 8.0)]
    assert [view for _, view in found] == views
    assert [words.split(":")[0] for words, _ in found] == [
        "Recommended",
        "Largest window",
        "Alternative",
        "Trade-off",
    ]
    assert found[-1][0].endswith("(tolerance about 1.6°)")


def test_a_picture_says_whether_its_view_is_the_recommended_one() -> None:
    largest, recommended = View.oblique("left", 50.0, 30.0), View.oblique("left", 30.0, 10.0)
    assert shown_beside(largest, None) == "view of the largest window; none is recommended"
    assert shown_beside(largest, recommended) == (
        "view of the largest window; recommended: left oblique 30°, cranial 10°"
    )
    assert shown_beside(View.oblique("left", 30.2, 10.1), recommended) == "recommended view"


def test_an_axial_way_that_the_rules_refuse_is_not_called_possible() -> None:
    trajectory = trajectories(full_planning())[0]
    axial = trajectory.search.axial.replaced(refused=True)
    told = dict(facts(replace(trajectory, search=trajectory.search.replaced(axial=axial), withheld=())))
    assert told["Axial plane"] == (
        "open within an axial slice at oblique 33°, 12.5 mm², but the rules refuse every such view"
    )


def test_facts_name_every_measure_with_its_unit() -> None:
    planning = automatic(full_planning())
    trajectory = trajectories(planning)[0]
    told = dict(facts(trajectory, planning.landmarks))
    assert told["Angular tolerance"] == "1.2°, then bone (cranial)"
    assert told["Shift tolerance"] == "1.8 mm, then nerve (caudal and medial)"
    assert (
        told["Clearance"]
        == "2.2 mm (1.5 to 3.0) to nerve before the last 3 mm, 1.2 mm to nerve in the last 3 mm, "
        "-0.5 mm (-1.2 to 0.2) to bone"
    )
    assert "S1 superior articular process" in told["Within 2 mm"]
    assert told["Beyond the tip"] == "exiting L5 root from 88 mm"
    assert told["First pass"].startswith(
        "Free hand (3.4 ± 3.1°): 20 to 50% touch bone or nerve, 5 to 20% nerve"
    )
    assert "First passes without correction" in told[""]
    assert told["Axial plane"] == (
        "possible within an axial slice at oblique 33°, 12.5 mm² open; not recommended, see above"
    )
    assert told["Entry"] == (
        "44 mm left of the midline, 9 mm below the S1 end plate; 36 mm below the iliac crest line (of the left crest "
        "alone)"
    )
    assert told["C-arm"].startswith("detector at the hub 152.8° / −10.3°")
    assert "entry on slice 57 (instance number), 0.2 mm from its middle, z −12.0 mm" in told["Slices"]
    assert told["Light"] == "red: angular tolerance 0.2°, less than 0.5°; thickness of the slices not known"
    lines = needle_lines(planning)
    assert f"  Light: {told['Light']}" in lines
    assert lines[0] == headline(trajectory)
    assert f"  Gantry: {told['Gantry']}" in lines
    bare = replace(trajectory, needle=NeedleRecord(needle=trajectory.needle.needle))
    assert dict(facts(bare))["Safety"] == "not measured on these labels"


def test_what_the_user_made_outlives_the_labels_and_its_safety_does_not() -> None:
    planning = full_planning()
    left = users_part(planning)
    assert left.level == LevelRecord(name="L5/S1", shift=-1)
    assert [each.name for each in left.landmarks] == ["L5 pedicle lower margin left"]
    assert [each.needle for each in left.needles] == [each.needle for each in planning.needles]
    assert all(each.safety is None for each in left.needles)
    assert users_part(automatic(planning)).needles == ()
    plain = planning.replaced(
        level=LevelRecord(name="L5/S1", shift=0, confidence=0.9), landmarks=planning.landmarks[:1]
    )
    assert users_part(plain).level is None


def test_names_landmarks_and_warnings_in_words() -> None:
    planning = full_planning()
    assert free_needle_name(planning) == "Own needle 1"
    taken = replace(planning.needles[0].needle, name="Own needle 1")
    assert free_needle_name(planning.replaced(needles=(NeedleRecord(needle=taken),))) == "Own needle 2"
    assert warnings(planning) == ("Another level fits almost as well.",)
    assert warnings(Planning()) == ()
    sure, placed = planning.landmarks
    assert landmark_text(sure) == "95%  S1 upper end plate centre"
    assert landmark_text(placed) == "placed  L5 pedicle lower margin left"
    unsure = sure.replaced(confidence=0.4)
    assert [is_doubtful(each) for each in (unsure, sure, unsure.replaced(moved=True))] == [True, False, False]
    assert landmark_text(unsure).endswith("(doubtful)")


@pytest.mark.parametrize("part", [0, 1])
def test_a_needle_in_one_line(part: int) -> None:
    planning = automatic(full_planning())
    trajectory = replace(trajectories(planning)[0], needle=planning.needles[part])
    line = headline(trajectory)
    assert line.startswith(
        f"Left Kambin, bony, L5/S1: needle {trajectory.needle.needle.depth_mm:.0f} mm deep, 25 G"
    )
    assert ("angular tolerance 1.2°" in line and "1.2 mm from nerve" in line) == (part == 0)
    assert "window 39.0 mm²" in line
    lit = trajectory.light
    assert (" · traffic light " in line) == (lit is not None)
    assert lit is None or f" · traffic light {lit.light}" in line


def test_no_plan_shows_a_light_better_than_its_reasons() -> None:
    lit = full_planning().needles[0].light.to_dict()
    assert LightRecord.from_dict(lit).light == "red"
    for better in ("amber", "green"):
        with pytest.raises(PlanError, match="light"):
            LightRecord.from_dict(lit | {"light": better})
    assert LightRecord.from_dict({"light": "green", "reasons": []}).light == "green"


@pytest.mark.parametrize(
    ("name", "lumbar", "words"),
    [
        ("L5/S1", None, f"L5/S1, the lumbosacral level; count of lumbar vertebrae: {NOT_COUNTED}"),
        ("L6/S1", 6, "L6/S1, the lumbosacral level; count of lumbar vertebrae: 6, confirmed by hand"),
        (
            "L3/4",
            4,
            "L3/4, 1 level above the lumbosacral one (L4/S1); count of lumbar vertebrae: 4, confirmed by hand",
        ),
        (
            "L4/5",
            6,
            "L4/5, 2 levels above the lumbosacral one (L6/S1); count of lumbar vertebrae: 6, confirmed by hand",
        ),
    ],
)
def test_a_level_is_named_with_its_place_and_its_count(name: str, lumbar: int | None, words: str) -> None:
    assert level_words(LevelRecord(name=name, lumbar=lumbar)) == words
    assert level_caption(name, lumbar).startswith(f"{name} · ")


HELD = "not recommended: the level is not sure; the L5 root is not labelled beside the disc"
REFUSED = (
    "the rules leave none of 210 views that are open to a needle (120 are tilted too much, 90 have too small an "
    "angular tolerance); nearest of 3 measured, left oblique 26°, cranial 2°: angular tolerance 0.2°, less than 0.5°; "
    "other routes: the left safe triangle (recommended), the level above; the S1 foramen, which is not planned here"
)


def test_what_is_withheld_says_so_wherever_the_zone_or_a_needle_to_it_is_named() -> None:
    planning = full_planning()
    zone, needle, _ = trajectories(planning)
    # the rules refuse the views of the map, of which an own needle is none
    assert (zone.withheld_text, needle.withheld_text) == (f"{HELD}; {REFUSED}", HELD)
    # the window itself is shown as it is
    assert (zone.needle, zone.area_mm2, zone.circle_mm) == (None, 39.0, 4.8)
    assert headline(zone) == f"{zone.title}, L5/S1: {HELD}; {REFUSED}"
    assert headline(needle).endswith(f" · {HELD}")
    for each in (zone, needle):
        told = [text for head, text in facts(each) if head == "Not recommended"]
        assert told[:2] == ["The level is not sure.", "The L5 root is not labelled beside the disc."]
        assert told[2:] == ([f"{REFUSED}."] if each is zone else [])
    assert withheld_lines(planning) == (
        "A needle is not recommended: the level is not sure.",
        "Left Kambin, bony: not recommended: the L5 root is not labelled beside the disc",
        f"Left Kambin, bony: not recommended: {REFUSED}",
    )


def test_where_nothing_is_withheld_nothing_is_said_of_it() -> None:
    search = full_planning().searches[0].replaced(withheld=(), refusal=None)
    planning = full_planning().replaced(withheld=(), searches=(search,))
    assert [each.withheld_text for each in trajectories(planning)] == ["", "", ""]
    assert withheld_lines(planning) == ()
    assert "recommended" not in "".join(map(headline, trajectories(planning)))


def test_an_own_needle_that_passes_a_rule_which_bars_is_not_recommended_and_says_which() -> None:
    search = full_planning().searches[0].replaced(withheld=(), refusal=None)
    planning = full_planning().replaced(withheld=(), searches=(search,))
    first, second = planning.needles
    found = FindingRecord(rule="bone-met", kind="hard", bars=True, value=-0.5, limit=0.0)
    barred = planning.replaced(needles=(first.replaced(findings=(found, *first.findings)), second))
    zone, own, other = trajectories(barred)
    assert own.withheld_text == "not recommended: -0.5 mm to bone, less than 0 mm"
    assert (zone.withheld_text, other.withheld_text) == ("", "")
    told = dict(facts(own))
    assert told["Not recommended"] == "-0.5 mm to bone, less than 0 mm."
    assert told["Warning"] == (
        "its tip lies 0.5 mm medial of the middle of the pedicle (6 o'clock) (overridden: seen on pictures); not "
        "known: tip near the disc"
    )
    assert dict(facts(zone))["Why this view"].startswith(
        "as near to the usual C-arm views as the tolerance allows, left oblique 28°, cranial 4°: keeps"
    )
    assert any(line.startswith("  Warning: its tip lies") for line in needle_lines(barred))


def test_no_file_makes_a_needle_recommended_that_a_rule_bars() -> None:
    search = full_planning().searches[0].replaced(withheld=(), refusal=None)
    planning = automatic(full_planning().replaced(withheld=(), searches=(search,)))
    found = FindingRecord(rule="between-laminae", kind="hard", bars=True, value=-3.0, limit=0.0)
    needles = tuple(each.replaced(findings=(found,)) for each in planning.needles)
    told = trajectories(planning.replaced(needles=needles))[0].withheld_text
    assert told.startswith(
        "not recommended: it passes 3.0 mm medial of the articular process: between the laminae"
    )
    assert trajectories(planning)[0].withheld_text == ""


def test_a_zone_that_is_blocked_says_only_what_blocks_it() -> None:
    (trajectory,) = trajectories(closed(full_planning()))
    assert trajectory.withheld_text == ""
    assert headline(trajectory) == f"{trajectory.title}, L5/S1: {trajectory.blocked_text}"


def test_a_root_says_how_much_of_each_part_is_labelled_and_where_it_is_not() -> None:
    (root,) = full_planning().roots
    assert root_text(root) == (
        "L5 left: 9 mm not labelled beside the disc (a course is supposed there); recess 100%, foramen 75%, "
        "beyond 50%; the labels end before 25 mm beyond the foramen"
    )
    whole = root.replaced(recess=None, foramen=1.0, beyond=1.0, cut=False, gaps=())
    assert root_text(whole) == "L5 left: foramen 100%, beyond 100%"
    assert (share_text(root), gaps_text(root)) == ("70%", "9 disc")
    assert (share_text(whole.replaced(whole=1.0)), gaps_text(whole)) == ("100%", "none")
    # an older plan says nothing of the whole, and labels that end early are not whole though they have no gap
    assert share_text(whole.replaced(whole=None)) == ""
    assert gaps_text(whole.replaced(cut=True)) == "labels end"


@pytest.mark.parametrize(
    ("part", "error", "words"),
    [
        (0.0, 0.0, "under 5%"),
        (0.03, 0.002, "under 5%"),
        (0.048, 0.003, "under 20%"),
        (0.1, 0.004, "5 to 20%"),
        (0.497, 0.007, "20 to 80%"),
        (0.7, 0.006, "50 to 80%"),
        (0.795, 0.006, "over 50%"),
        (1.0, 0.0, "over 80%"),
    ],
)
def test_what_is_simulated_is_told_in_bands(part: float, error: float, words: str) -> None:
    assert band(part, error) == words


def test_each_technique_is_told_with_its_errors() -> None:
    planning = automatic(full_planning())
    safety = planning.needles[0].safety
    hand = safety.risks[0].replaced(
        method="free-hand CT", entry_mean_mm=6.1, entry_sd_mm=4.7, source="a study", bending="Quincke"
    )
    needle = planning.needles[0].replaced(safety=safety.replaced(risks=(hand,)))
    trajectory = trajectories(planning.replaced(needles=(needle,)))[0]
    told = dict(facts(trajectory))["First pass"]
    assert told.startswith(
        "Free-hand CT (3.4 ± 3.1°, entry 6.1 ± 4.7 mm, Quincke needle that bends): 20 to 50%"
    )


def test_what_was_confirmed_and_what_not_is_told() -> None:
    planning = full_planning()
    level = planning.level.replaced(lumbar=None)
    nothing = planning.replaced(checked=(), level=level)
    assert unconfirmed(nothing, warned=True) == tuple(Checked)
    assert unconfirmed(nothing, warned=False) == (Checked.LEVEL, Checked.LABELS)
    # a count is an answer by itself
    assert unconfirmed(nothing.replaced(level=level.replaced(lumbar=5)), warned=False) == (Checked.LABELS,)
    assert confirmed_text(nothing, warned=False) == (
        "not confirmed by the user: level and count of the vertebrae, labels and roots on the slices"
    )
    some = nothing.replaced(checked=(Checked.WARNINGS, Checked.LEVEL))
    assert confirmed_text(some, warned=True) == (
        "confirmed by the user: level and count of the vertebrae, warnings; "
        "not confirmed by the user: labels and roots on the slices"
    )
    every = confirmed_text(nothing.replaced(checked=tuple(Checked)), warned=True)
    assert "not confirmed" not in every


def test_of_several_recommended_needles_the_one_to_look_at_first() -> None:
    planning = automatic(full_planning())
    (first, *_) = trajectories(planning)
    light = LightRecord(light="amber")
    record = first.needle.replaced(light=light, findings=())
    amber = replace(first, key="amber", needle=record, withheld=())
    green = replace(amber, key="green", needle=record.replaced(light=LightRecord(light="green")))
    margin = record.safety.tolerance.angle.replaced(amount=9.0)
    safety = record.safety.replaced(tolerance=record.safety.tolerance.replaced(angle=margin))
    wide = replace(amber, key="wide", needle=record.replaced(safety=safety))
    warned = FindingRecord(rule="tip-near-disc", kind="warn", bars=False, value=1.0, limit=2.0)
    doubted = replace(wide, key="warned", needle=wide.needle.replaced(findings=(warned,)))
    assert preferred([amber, doubted, wide, green]).key == "green"
    assert preferred([amber, doubted, wide]).key == "wide"
    assert preferred([doubted, amber]).key == "amber"
    # what is not recommended, and the user's own, are not preferred to anything
    held = replace(green, key="held", withheld=("the level is not sure",))
    own = replace(green, key="own", own=True)
    assert preferred([held, own, amber]).key == "amber"
    assert preferred([held, own]) is None


def test_what_warns_of_a_case_is_told_once() -> None:
    planning = full_planning().replaced(
        withheld=("another level fits", "on both sides it reaches the sacrum")
    )
    level = planning.level.replaced(warnings=("Another level fits.", "on both sides it reaches the sacrum."))
    planning = planning.replaced(level=level, light=None, organs=None)
    assert case_warnings(planning, ["Read with reservations: slices are missing."]) == (
        "A needle is not recommended: another level fits; on both sides it reaches the sacrum.",
        "Read with reservations: slices are missing.",
        "Another level fits.",
    )
