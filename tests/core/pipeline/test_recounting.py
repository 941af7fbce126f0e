"""Another count of the lumbar vertebrae: all names follow, no place and no number does."""

import re
from dataclasses import replace

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import silent
from spinect_core.pipeline.recounting import recounted_plan, recounted_records, recounted_triangle
from spinect_core.pipeline.replanning import own_needle, plan_again
from spinect_core.plan.build import planning_record
from spinect_core.plan.records import LevelRecord, Planning
from spinect_core.plan.wording import facts, level_words, trajectories
from spinect_core.planning.room import Room
from spinect_core.planning.zones.window import Sight
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.surfaces import build_surfaces

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("registered_once")]

BOX = ((-110.0, 110.0), (-55.0, 140.0), (-60.0, 75.0))
STEP = 20.0


@pytest.fixture(scope="module")
def room(draw_once):
    phantom = draw_once(8, (2.0, 2.0, 2.0), box=BOX, setting=IDEAL, pathologies=())
    return Room(phantom.labels, build_surfaces(phantom.labels), phantom.volume)


@pytest.fixture(scope="module")
def first(room):
    return plan_again(room, Planning(), "L5/S1", None, step=STEP, progress=silent, cancel=None)


def words(thing):
    """All texts in plain data."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield key
            yield from words(value)
    elif isinstance(thing, (list, tuple)):
        for each in thing:
            yield from words(each)


def vertebrae(planning):
    return {name for text in words(planning.to_dict()) for name in re.findall(r"\bL\d\b", text)}


@pytest.mark.parametrize(
    ("lumbar", "level", "roots"), [(6, "L6/S1", {"L5", "L6"}), (4, "L4/S1", {"L3", "L4"})]
)
def test_records_and_plan_are_renamed_alike(first, lumbar, level, roots):
    plan, records = recounted_plan(first.plan, lumbar), recounted_records(first.records, lumbar)
    again, left_out = planning_record(plan)
    assert not left_out
    assert again.to_dict() == records.replaced(searches=again.searches).to_dict() | {
        "searches": again.to_dict()["searches"]
    }
    assert (records.level.name, records.level.lumbar) == (level, lumbar)
    assert {each.level for each in records.zones} == {level}
    assert roots <= vertebrae(records)
    assert not vertebrae(records) & ({"L4", "L5"} - roots - {"L4"} if lumbar == 6 else {"L5"})
    assert plan.landmarks.names.exiting in roots
    assert plan.landmarks.parts.called(f"{plan.landmarks.names.exiting} root left").startswith("exiting")


def test_no_place_and_no_number_changes(first):
    plan = recounted_plan(first.plan, 6)
    for before, after in zip(first.plan.approaches, plan.approaches, strict=True):
        assert after.zone.side == before.zone.side
        assert after.search.map is before.search.map
        assert after.zone is after.search.zone
        assert np.array_equal(after.zone.outline, before.zone.outline)
        assert after.window.area_mm2 == before.window.area_mm2
    for name, point in plan.landmarks.points.items():
        assert point is first.plan.landmarks.points[name.replace("L6", "L5")]


def test_the_way_back_gives_the_same_plan(first):
    six = recounted_records(first.records, 6)
    assert recounted_records(six, None) == first.records
    assert recounted_records(first.records, None) == first.records
    assert recounted_plan(recounted_plan(first.plan, 4), None).landmarks.level == "L5/S1"


def test_five_counted_by_hand_names_as_before_and_says_so(first):
    five = recounted_records(first.records, 5)
    assert five.replaced(level=first.records.level) == first.records
    assert level_words(five.level) == (
        "L5/S1, the lumbosacral level; count of lumbar vertebrae: 5, confirmed by hand"
    )
    assert level_words(first.records.level).endswith(
        "not confirmed: counted upwards from the sacrum as if there were five"
    )
    assert five.by_hand
    assert not first.records.by_hand


def test_before_anything_is_planned_the_answer_is_kept():
    kept = recounted_records(Planning(), 6)
    assert kept.level == LevelRecord(name="L6/S1", lumbar=6)
    assert recounted_records(kept, None).level == LevelRecord(name="L5/S1")


def test_a_count_that_the_shift_contradicts_changes_nothing(first):
    shifted = first.records.replaced(level=first.records.level.replaced(shift=1, confirmed=True))
    with pytest.raises(UsageError, match="a count of 4"):
        recounted_records(shifted, 4)
    with pytest.raises(UsageError, match="a count of 6"):
        recounted_plan(replace(first.plan, landmarks=replace(first.plan.landmarks, shift=-1)), 6)
    with pytest.raises(UsageError, match="7 lumbar"):
        recounted_records(first.records, 7)


def test_a_triangle_that_was_measured_is_renamed_with_its_borders(first):
    triangle = first.plan.triangles[0]
    six = recounted_triangle(triangle, None, 6)
    assert six.level == "L6/S1"
    assert "L5" in triangle.definition
    assert "L6" in six.definition
    assert "L5" not in six.definition
    assert np.array_equal(six.vertices, triangle.vertices)


def test_planning_again_keeps_the_count_and_a_needle_of_another_level_is_named_with_its_own(room, first):
    approach = next(each for each in first.plan.approaches if each.search.best is not None)
    sight, view = Sight(approach.zone, room.obstacles), approach.search.best.view
    _, records = own_needle(room, first.plan.landmarks, sight, view, first.records)
    named = records.needles[-1].needle
    mine = replace(named, name="L5 as I call it")
    records = records.replaced(needles=(*records.needles[:-1], records.needles[-1].replaced(needle=mine)))
    counted = recounted_records(records, 6)
    again = plan_again(room, counted, "L5/6", 0, step=STEP, progress=silent, cancel=None)
    assert again.plan.landmarks.level == again.records.level.name == "L5/6"
    assert again.records.level.lumbar == 6
    *planned, own = trajectories(again.records)
    assert (own.own, own.level, own.title) == (True, "L6/S1", "L5 as I call it")
    assert own.elsewhere
    assert not any(each.elsewhere for each in planned)
    assert "another level than the planned L5/6" in dict(facts(own))["Level"]
    assert {each.level for each in planned} == {"L5/6"}
    assert own.called == "L5 as I call it, L6/S1"

    # The names move one level up for the same place: the needle stays where it is and its level is called anew.
    moved = plan_again(room, counted, "L5/6", 1, step=STEP, progress=silent, cancel=None)
    own = trajectories(moved.records)[-1]
    assert own.needle.needle.target == mine.target
    assert (own.level, own.elsewhere) == ("L5/6", False)
