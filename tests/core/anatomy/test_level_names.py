"""What levels, vertebrae and roots are called by the count of lumbar vertebrae."""

import pytest

from spinect_core.anatomy.levels import (
    LUMBAR_COUNTS,
    Level,
    check_count,
    level_name,
    level_names,
    level_of,
    recounted,
    vertebra_name,
)
from spinect_core.base.errors import UsageError


@pytest.mark.parametrize(
    ("lumbar", "names"),
    [
        (None, ("L5/S1", "L4/5", "L3/4")),
        (5, ("L5/S1", "L4/5", "L3/4")),
        (6, ("L6/S1", "L5/6", "L4/5")),
        (4, ("L4/S1", "L3/4", "L2/3")),
    ],
)
def test_levels_are_named_upwards_from_the_sacrum(lumbar, names):
    assert level_names(lumbar) == names
    for above, name in enumerate(names):
        level = level_of(name, lumbar)
        assert level.above_the_sacrum == above
        assert (level.exiting, level.traversing) == (level.upper, level.lower)
        assert level.passing == vertebra_name(above + 1, lumbar)


@pytest.mark.parametrize(
    ("lumbar", "exiting", "passing", "thoracic"), [(4, "L4", "L3", 4), (5, "L5", "L4", 5), (6, "L6", "L5", 6)]
)
def test_the_lowest_root_is_that_of_the_lowest_lumbar_vertebra(lumbar, exiting, passing, thoracic):
    lowest = level_of("L5/S1", lumbar)
    assert (lowest.exiting, lowest.traversing, lowest.passing) == (exiting, "S1", passing)
    assert lowest.focus == "S1 upper end plate centre"
    assert f"foramen {exiting}/S1 centre left" in lowest.landmark_names()
    assert vertebra_name(thoracic - 1, lumbar) == "L1"
    assert vertebra_name(thoracic, lumbar) == "T12"
    assert level_name(thoracic, lumbar) == "T12/L1"


def test_levels_beyond_those_that_are_planned_have_names_too():
    assert [level_name(above) for above in (-2, -1, 5, 6)] == ["S2/3", "S1/2", "T12/L1", "T11/12"]
    assert level_name(6, 6) == "T12/L1"
    assert level_name(-7) == "7 levels below L5/S1"


def test_the_lumbosacral_level_can_be_asked_for_by_any_count():
    assert [level_of("L5/S1", count).name for count in LUMBAR_COUNTS] == ["L4/S1", "L5/S1", "L6/S1"]


@pytest.mark.parametrize(
    ("name", "lumbar", "words"),
    [
        ("L6/S1", None, "L5/S1, L4/5, L3/4"),
        ("L6/S1", 5, "with 5 lumbar vertebrae"),
        ("L4/5", 4, "L4/S1, L3/4, L2/3"),
        ("L3/4", 6, "L6/S1, L5/6, L4/5"),
        ("L5/S1", 7, "7 lumbar vertebrae"),
        ("L5/S1", 0, "0 lumbar vertebrae"),
    ],
)
def test_a_level_that_the_count_does_not_have_is_refused(name, lumbar, words):
    with pytest.raises(UsageError, match=words):
        level_of(name, lumbar)


@pytest.mark.parametrize(
    ("text", "six", "four"),
    [
        ("foramen L5/S1 centre left", "foramen L6/S1 centre left", "foramen L4/S1 centre left"),
        ("exiting L5 root right", "exiting L6 root right", "exiting L4 root right"),
        ("L4/5", "L5/6", "L3/4"),
        (
            "S1 superior articular tip left",
            "S1 superior articular tip left",
            "S1 superior articular tip left",
        ),
        ("T12/L1", "L1/2", "T11/12"),
        ("thecal sac", "thecal sac", "thecal sac"),
        (
            "Check that this is L5/S1: L5 root, 8 mm.",
            "Check that this is L6/S1: L6 root, 8 mm.",
            "Check that this is L4/S1: L4 root, 8 mm.",
        ),
    ],
)
def test_names_and_texts_follow_the_count_and_come_back(text, six, four):
    assert recounted(text, None, 6) == recounted(text, 5, 6) == six
    assert recounted(text, None, 4) == four
    assert recounted(six, 6, 5) == recounted(four, 4, None) == text
    assert recounted(six, 6, 4) == four
    assert recounted(text, None, 5) is text


@pytest.mark.parametrize(("lumbar", "shift"), [(6, -1), (4, 1)])
def test_a_count_that_the_shift_contradicts_is_refused_with_the_reason(lumbar, shift):
    with pytest.raises(UsageError, match=f"a count of {lumbar}") as refused:
        check_count(lumbar, shift)
    assert "one of the two" in str(refused.value)


@pytest.mark.parametrize(
    ("lumbar", "shift"), [(6, 0), (6, 1), (6, None), (4, 0), (4, -1), (5, -1), (5, 1), (None, 1), (None, -1)]
)
def test_other_counts_go_with_a_shift(lumbar, shift):
    check_count(lumbar, shift)


def test_a_level_knows_its_names_by_its_count():
    assert Level(1, 6).name == "L5/6"
    assert Level(1, 6).articular_process("left")[0] == "L6 superior articular tip left"
