"""Warnings of reading: joined without loss, and none of them twice."""

from dataclasses import replace

import numpy as np

from spinect_core.image.volume import Geometry, Volume
from spinect_core.image.warning import (
    ReadingWarning,
    any_grave,
    joined,
    organ_warning_lines,
    warning_headline,
    warning_lines,
)

MILD = ReadingWarning("8 voxels were taken as air")
GRAVE = ReadingWarning("The scale is missing", grave=True)
CODED = ReadingWarning("The pictures of 3 files are left out", code="left-out")


def test_warnings_are_kept_in_their_order_and_once():
    assert joined([MILD, GRAVE], [GRAVE, CODED]) == (MILD, GRAVE, CODED)
    assert joined([MILD, MILD]) == (MILD,)
    assert joined((), [MILD]) == (MILD,)


def test_what_is_grave_in_one_reading_is_grave():
    assert joined([replace(GRAVE, grave=False)], [GRAVE]) == (GRAVE,)
    assert joined([GRAVE], [replace(GRAVE, grave=False)]) == (GRAVE,)


def test_a_newer_warning_replaces_the_older_of_its_code_but_not_its_own_neighbours():
    newer = [
        replace(CODED, text="The pictures of 2 files are left out"),
        replace(CODED, text="One was cut off"),
    ]
    assert joined(newer, [CODED, MILD]) == (*newer, MILD)


def test_only_grave_warnings_colour_a_plan():
    assert any_grave([MILD, GRAVE])
    assert not any_grave([MILD, CODED])
    assert not any_grave(())


def test_a_volume_made_of_another_keeps_its_warnings():
    volume = Volume(np.zeros((3, 3, 3), np.int16), Geometry((3, 3, 3), (1, 1, 1)), warnings=(GRAVE,))
    assert replace(volume, array=np.ones((3, 3, 3), np.int16)).warnings == (GRAVE,)


def test_a_warning_is_one_line_that_any_file_can_hold():
    odd = ReadingWarning("  The slice\x00 says \ud800\n\t twice. ")
    assert odd.text == "The slice says twice"
    assert len(ReadingWarning("x" * 5000).text) == 1000
    assert joined([ReadingWarning(" \n"), MILD]) == (MILD,)


def test_too_many_warnings_are_counted_and_the_grave_ones_stay():
    many = [ReadingWarning(f"Thing {number}") for number in range(500)]
    kept = joined([*many, GRAVE])
    assert len(kept) == 100
    assert kept[0] == GRAVE
    assert kept[-1].text == "402 more things were noticed"


def test_a_newer_warning_takes_no_gravity_away():
    old = replace(CODED, grave=True)
    newer = replace(CODED, text="The pictures of 2 files are left out")
    assert joined([newer], [old]) == (newer, old)


def test_in_words_the_grave_ones_come_first():
    assert warning_lines([MILD, GRAVE]) == (
        "Read with reservations: The scale is missing.",
        "Noticed on reading: 8 voxels were taken as air.",
    )
    headline = warning_headline([MILD, GRAVE])
    assert headline == "Read with reservations, 2 warnings: The scale is missing; 8 voxels were taken as air"
    assert warning_headline([MILD]) == "1 warning on reading: 8 voxels were taken as air"
    assert warning_headline([]) == ""


def test_what_a_network_did_with_organs_was_not_noticed_on_reading() -> None:
    assert organ_warning_lines([MILD, GRAVE]) == (GRAVE.line, f"Organs: {MILD.text}.")
    named = replace(MILD, text="Organs were named by a network")
    assert organ_warning_lines([named]) == ("Organs were named by a network.",)
