"""Which disc is the lowest free one, by cues of the column alone."""

from dataclasses import replace

import numpy as np
import pytest

from spinect_core.anatomy.atlas import load_atlas
from spinect_core.anatomy.column import straightened
from spinect_core.anatomy.doubts import LEVEL_CODES, landmark_doubts, level_doubts
from spinect_core.anatomy.hypotheses import Hypothesis, atlas_cues, discs
from spinect_core.anatomy.landmarks import Landmarks, search_level
from spinect_core.anatomy.register import alignments
from spinect_core.base.notes import Note, NoteCode
from spinect_core.image.volume import NERVE, Geometry, Labels
from spinect_core.plan.wording import sentences
from spinect_core.research.study import hard_levels

pytestmark = pytest.mark.heavy

ALL = dict.fromkeys(("wings", "free", "lowest", "roots", "crests", "shape", "sac", "atlas"), 1.0)


@pytest.fixture(scope="module")
def specimen(phantom):
    points = {name: np.array(point) for name, point in phantom.truth["landmarks"].items()}
    return hard_levels.Specimen("specimen", phantom.labels, points)


def from_below(labels, height):
    """The labels above a height, LPS mm."""
    grid = labels.geometry
    first = int(np.ceil(grid.to_index(np.array([grid.origin[0], grid.origin[1], height]))[0]))
    array = np.ascontiguousarray(labels.array[first:])
    return Labels(
        array, Geometry(array.shape, grid.spacing, tuple(grid.to_patient([first, 0, 0])), grid.direction)
    )


def test_every_disc_is_found_where_it_is(specimen):
    column = straightened(specimen.labels)
    found = [column.point(disc.lower, 20.0 * column.scale) for disc in discs(column)]
    for name in ("S1 upper end plate centre", "L5 upper end plate centre"):
        assert min(np.linalg.norm(place - specimen.points[name]) for place in found) < 8.0


def test_the_lowest_free_disc_is_the_likeliest_by_far(specimen):
    hypotheses, doubts = search_level(specimen.labels)
    assert not doubts
    assert (hypotheses[0].level, hypotheses[0].shift) == ("L5/S1", 0)
    assert np.linalg.norm(np.array(hypotheses[0].point) - specimen.points["S1 upper end plate centre"]) < 8.0
    above = next(one for one in hypotheses if one.level == "L4/5")
    # Who takes that one for L5/S1 says that what the program calls L4/5 is L5/S1.
    assert above.shift == -1
    assert hypotheses[0].score - above.score > 0.4
    assert above.cues["wings"] < 0.3 < 0.7 < hypotheses[0].cues["wings"]


@pytest.mark.parametrize("seed", [9300, 9301, 9302])
def test_a_bent_scaled_and_turned_spine_keeps_its_level_or_a_doubt_is_told(specimen, seed):
    verdict = hard_levels.judge("bent", hard_levels.bent(specimen, seed), quick=True)
    assert verdict.right or verdict.doubts


def test_the_level_of_a_bent_scaled_and_turned_spine_is_found(specimen):
    verdict = hard_levels.judge("bent", hard_levels.bent(specimen, 9300), quick=True)
    assert verdict.right
    assert verdict.off_mm < 12.0


def test_without_the_sacrum_no_level_is_known(specimen):
    cut = from_below(specimen.labels, specimen.points["S1 upper end plate centre"][2] + 12.0)
    _hypotheses, doubts = search_level(cut)
    assert NoteCode.LEVEL_UNSEEN in {note.code for note in doubts}
    assert "cannot be known" in " ".join(sentences(doubts))


def test_without_a_sac_no_level_is_known(specimen):
    array = np.where(specimen.labels.array == NERVE, 0, specimen.labels.array)
    hypotheses, doubts = search_level(Labels(array, specimen.labels.geometry))
    assert not hypotheses
    assert {note.code for note in doubts} == {NoteCode.LEVEL_UNSEEN}


def test_an_l5_that_has_grown_to_the_sacrum_is_told_by_its_shape_and_the_sac(specimen):
    """Beside its body is bone as beside S1, and no free disc follows: what is left is that it does not thin."""
    sacralised = hard_levels.counted(specimen, "sacralised")
    hypotheses, doubts = search_level(sacralised.labels)
    assert hypotheses[0].cues["shape"] < 0.5
    assert hypotheses[0].cues["sac"] < 0.5
    assert "the shape of the body below it" in " ".join(sentences(doubts))


def test_the_atlas_comes_to_lie_on_l5_s1_from_the_disc_above_as_well(specimen):
    atlas = load_atlas()
    focus = atlas.landmarks["S1 upper end plate centre"]
    starts = [
        specimen.points[name] - focus for name in ("S1 upper end plate centre", "L5 upper end plate centre")
    ]
    found = alignments(atlas, specimen.labels, starts, focus)
    for one in found:
        assert np.linalg.norm(one.place - specimen.points["S1 upper end plate centre"]) < 8.0
        assert one.agreement > 0.85


def test_the_disc_at_which_no_alignment_ends_is_not_that_of_the_atlas():
    low, high = np.zeros(3), np.array([0.0, 0.0, 35.0])
    here, there = (low + 3.0, 0.9), (high + 3.0, 0.8)
    assert atlas_cues([low, high], [0.7, 0.7], 0.7, [here, here], 1.0) == [1.0, 0.0]
    assert atlas_cues([low, high], [0.7, 0.7], 0.7, [here, there], 1.0) == [1.0, 0.0]
    # As good there as here: the atlas does not tell them apart.
    assert atlas_cues([low, high], [0.7, 0.7], 0.7, [here, (high, 0.89)], 1.0) == [1.0, 1.0]
    # Nothing could be aligned: what it correlates with is left.
    assert atlas_cues([low, high], [0.7, 0.58], 0.7, [(low, float("nan"))], 1.0) == [1.0, pytest.approx(0.0)]


def test_a_sac_that_the_picture_cuts_says_nothing(specimen):
    points = specimen.points
    height = (points["S1 upper end plate centre"] - [0.0, 0.0, 12.0])[2]
    hypotheses, _doubts = search_level(from_below(specimen.labels, height))
    assert "sac" not in hypotheses[0].cues


@pytest.mark.parametrize("how", hard_levels.COUNTS)
def test_another_count_of_vertebrae_is_right_or_a_doubt(specimen, how):
    verdict = hard_levels.judge("counted", hard_levels.counted(specimen, how), quick=True)
    assert not verdict.silent


def doubts_of(*found, fitted=((0.0, 0.0, 0.0),)):
    return {note.code for note in level_doubts(found, [np.array(place) for place in fitted], "L5/S1")}


def test_what_raises_a_doubt():
    sure = Hypothesis("L5/S1", 0, (0.0, 0.0, 0.0), 1.0, ALL)
    other = Hypothesis("L4/5", -1, (0.0, 0.0, 36.0), 0.3, {})
    assert not doubts_of(sure, other)
    assert doubts_of() == {NoteCode.LEVEL_UNSEEN}
    # The atlas came to lie on another vertebra.
    assert doubts_of(sure, fitted=((0.0, 0.0, 34.0),)) == {NoteCode.LEVEL_CUES}
    # Or its upper vertebra alone did.
    assert doubts_of(sure, other, fitted=((0.0, 0.0, 0.0), (0.0, 0.0, 14.0))) == {NoteCode.LEVEL_CUES}
    assert not doubts_of(sure, other, fitted=((0.0, 0.0, 2.0), (0.0, 0.0, 33.0)))
    near = Hypothesis("L4/5", -1, (0.0, 0.0, 36.0), 0.8, ALL)
    assert doubts_of(sure, near) == {NoteCode.LEVEL_UNSURE}
    for name in ALL:
        one_against = Hypothesis("L5/S1", 0, (0.0, 0.0, 0.0), 0.9, {**ALL, name: 0.2})
        assert NoteCode.LEVEL_CUES in doubts_of(one_against)
    for name in ("wings", "lowest"):
        unseen = Hypothesis("L5/S1", 0, (0.0, 0.0, 0.0), 0.9, {key: 1.0 for key in ALL if key != name})
        assert NoteCode.LEVEL_UNSEEN in doubts_of(unseen)


def test_crests_may_be_missing_only_where_all_else_is_sure():
    rest = {key: 1.0 for key in ALL if key != "crests"}
    assert not doubts_of(Hypothesis("L5/S1", 0, (0.0, 0.0, 0.0), 0.9, rest))
    weak = Hypothesis("L5/S1", 0, (0.0, 0.0, 0.0), 0.9, {**rest, "roots": 0.6})
    assert doubts_of(weak) == {NoteCode.LEVEL_UNSEEN}


def test_a_landmark_that_was_unsure_and_is_placed_raises_no_doubt_any_more():
    sure = {"a left": 0.9, "b left": 0.9, "c left": 0.08}
    other = Note.of(NoteCode.NERVE_VOLUME, level="L5/S1", times=3.0)
    notes = (*landmark_doubts(sure, "L5/S1"), other)
    found = Landmarks({name: np.zeros(3) for name in sure}, {}, 0.9, notes, confidences=sure)
    assert {note.code for note in found.level_doubts} == {NoteCode.LANDMARKS_UNSURE}
    assert {note.code for note in found.moved("a left", np.ones(3)).level_doubts} == {
        NoteCode.LANDMARKS_UNSURE
    }
    assert found.moved("c left", np.ones(3)).notes == (other,)
    # Who says how the vertebrae are counted has placed no landmark.
    counted = replace(
        found, notes=(*notes, Note.of(NoteCode.LEVEL_CUES, level="L5/S1", against="x")), shift=0
    )
    assert {note.code for note in counted.level_doubts} == {NoteCode.LANDMARKS_UNSURE}
    assert not counted.moved("c left", np.ones(3)).level_doubts


def test_a_vertebra_that_the_atlas_does_not_hold_is_a_doubt():
    """No border runs through its middle; but the axes that the others are moved along are those of the vertebra."""
    for name in ("L5 upper end plate centre", "L5 body centre", "S1 upper end plate centre"):
        assert landmark_doubts({"a left": 0.9, name: 0.58}, "L5/S1")
        assert not landmark_doubts({"a left": 0.9, "b left": 0.58, name: 0.9}, "L5/S1")


def test_unsure_landmarks_are_a_doubt():
    assert not landmark_doubts({"a left": 0.9, "b left": 0.6}, "L5/S1")
    for values in (
        {"a left": 0.9, "b left": 0.9, "c left": 0.08},
        {"a left": 0.9, "b left": 0.9, "c left": 0.2},
        {"a left": 0.4, "b left": 0.45, "c left": 0.9},
    ):
        (note,) = landmark_doubts(values, "L5/S1")
        assert note.code in LEVEL_CODES
        assert "%" in sentences((note,))[0]
