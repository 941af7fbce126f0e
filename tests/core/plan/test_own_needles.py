"""The user's needles in the records of a planning."""

import pytest
from plan_maker import full_planning

from spinect_core.base.errors import UsageError
from spinect_core.base.words import Author, NeedleColour
from spinect_core.plan.own_needles import (
    free_colour,
    kept,
    named,
    own_needles,
    with_copy,
    with_other,
    without_needle,
)
from spinect_core.plan.records import NeedleRecord, Planning


@pytest.fixture
def planning():
    return full_planning()


def test_a_copy_is_the_users_with_the_same_numbers_and_a_colour_of_its_own(planning):
    first = planning.needles[0]
    for count in range(1, len(NeedleColour)):
        planning = with_copy(planning, first)
        made = planning.needles[-1]
        assert (made.needle.name, made.needle.author) == (f"Own needle {count}", Author.USER)
        assert (made.needle.entry, made.needle.target) == (first.needle.entry, first.needle.target)
        assert (made.safety, made.light, made.findings) == (first.safety, first.light, first.findings)
    colours = [each.colour for each in own_needles(planning)[-len(NeedleColour) + 1 :]]
    assert len(set(colours)) == len(colours) == len(NeedleColour) - 1
    assert NeedleColour.WHITE not in colours
    assert free_colour(planning) == colours[0], "all are taken once: the first again"


def test_a_copy_of_a_locked_needle_is_not_locked(planning):
    locked = planning.needles[0].replaced(locked=True)
    planning = with_other(planning, planning.needles[0], locked)
    assert not with_copy(planning, locked).needles[-1].locked


def test_a_locked_needle_is_not_deleted(planning):
    record = planning.needles[0]
    locked = record.replaced(locked=True)
    held = with_other(planning, record, locked)
    with pytest.raises(UsageError, match="locked"):
        without_needle(held, locked)
    assert record not in without_needle(planning, record).needles


def test_no_two_needles_have_one_name(planning):
    planning = with_copy(planning, planning.needles[0])
    made = planning.needles[-1]
    assert named(planning, made, "  to the left root ").needle.name == "to the left root"
    with pytest.raises(UsageError, match="first try"):
        named(planning, made, "first try")
    with pytest.raises(UsageError, match="needs a name"):
        named(planning, made, "   ")
    assert named(planning, made, made.needle.name) == made


def test_colour_and_lock_are_kept_in_files_and_with_new_numbers(planning):
    record = planning.needles[0].replaced(colour=NeedleColour.LIME, locked=True)
    stored = Planning.from_dict(with_other(planning, planning.needles[0], record).to_dict()).needles[0]
    assert (stored.colour, stored.locked) == (NeedleColour.LIME, True)
    anew = kept(NeedleRecord(needle=record.needle), record)
    assert (anew.colour, anew.locked) == (NeedleColour.LIME, True)
    old = record.to_dict()
    del old["colour"], old["locked"]
    assert (NeedleRecord.from_dict(old).colour, NeedleRecord.from_dict(old).locked) == (
        NeedleColour.WHITE,
        False,
    )
