"""What is said of labels that were corrected by hand, and what is not claimed of them any more."""

import pytest

from spinect_core.base.assets import asset
from spinect_core.plan.label_wording import (
    correction_words,
    corrections,
    with_correction_note,
    with_corrections,
)
from spinect_core.segmentation.calibration import CALIBRATION, calibration_for, read_calibration


def test_steps_add_up_and_the_last_one_undone_leaves_nothing():
    run = {"engine": "openvino"}
    once = with_corrections(run, 1, 1200)
    twice = with_corrections(once, 1, 34)
    assert correction_words(once) == "corrected by hand: 1,200 voxels in 1 step"
    assert correction_words(twice) == "corrected by hand: 1,234 voxels in 2 steps"
    assert with_corrections(twice, -1, -34) == once
    assert with_corrections(once, -1, -1200) == run
    assert correction_words(run) == ""


def test_the_note_stands_in_a_plan_once():
    run = with_corrections({}, 2, 50)
    notes = with_correction_note(("No triangle on the left.",), run)
    assert notes == ("No triangle on the left.", "Labels corrected by hand: 50 voxels in 2 steps.")
    assert with_correction_note(notes, run) == notes
    assert with_correction_note(notes, {}) == notes[:1]


@pytest.mark.parametrize(
    "told", [None, 3, [], {"steps": "2"}, {"steps": -1, "voxels": 1}, {"steps": True, "voxels": 5}]
)
def test_what_another_program_wrote_there_says_nothing(told):
    assert corrections({"corrected": told}) == (0, 0)


def test_nothing_was_measured_of_corrected_labels():
    known = read_calibration(asset(CALIBRATION))
    run = {"weights_sha256": known.weights_sha256, "mode": known.mode}
    assert calibration_for(run) == known
    assert calibration_for(with_corrections(run, 1, 1)) is None
