"""The angle map as a table and as a picture."""

import csv
import io
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from search_scenes import bone, circle, plate, square_zone, tunnels

from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import Rule
from spinect_core.geometry.view import View
from spinect_core.image.warning import ReadingWarning, warning_lines
from spinect_core.pictures.angle_map import angle_map_picture
from spinect_core.planning.rules import RULE_COLOURS, VIEW_RULES
from spinect_core.planning.search.map_csv import COLUMNS, angle_map_csv, angle_map_of
from spinect_core.planning.search.search import SearchResult, search
from spinect_core.planning.zones.window import Sight

NORMAL = View.oblique("left", 30.0, 0.0)


@pytest.fixture(scope="module")
def found() -> SearchResult:
    ways = (
        (2.5, (3.0, -4.0), View.oblique("left", 18.0, -18.0)),
        (2.0, (-3.0, 4.0), View.oblique("left", 42.0, 18.0)),
    )
    return search(Sight(square_zone(8.0, NORMAL), tunnels(NORMAL, *ways)), None, step=4.0)


def test_the_table_holds_every_view(found):
    rows = list(csv.DictReader(io.StringIO(angle_map_csv(found))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 16 * 21
    assert {(float(row["oblique"]), float(row["tilt"])) for row in rows} == {
        (turn, lean) for turn in np.arange(0, 61, 4.0) for lean in np.arange(-40, 41, 4.0)
    }
    assert sum(int(row["allowed"]) for row in rows) == found.allowed_count > 0
    for row in rows:
        assert (row["reason"] == "allowed") == (row["allowed"] == "1") == (row["score"] != "")
        assert row["depth_mm"] == ""
        assert row["clearance_nerve_mm"] == ""
        assert (row["clearance_bone_mm"] != "") == (row["allowed"] == "1")


def test_the_table_is_read_back_as_the_map_it_was(found):
    again, was = angle_map_of(angle_map_csv(found), "left"), found.map
    assert again.side == "left"
    np.testing.assert_array_equal(again.obliques, was.obliques)
    np.testing.assert_array_equal(again.tilts, was.tilts)
    np.testing.assert_allclose(again.area_mm2, was.area_mm2, atol=6e-4)
    np.testing.assert_array_equal(again.looks.reason, was.looks.reason)
    np.testing.assert_allclose(again.looks.radius_mm, was.looks.radius_mm, atol=6e-4)
    assert np.isnan(again.looks.depth_mm).all()
    assert again.view(40) == was.view(40)


def refused(found: SearchResult) -> SearchResult:
    """The search with two rules that refuse views: the more cranial half, and of the rest what is very oblique."""
    looks = found.map.looks
    first = np.zeros(len(looks.tilt), dtype=np.uint8)
    first[looks.allowed & (looks.oblique > 40)] = VIEW_RULES.index(Rule.OBLIQUE_WIDE) + 1
    first[looks.allowed & (looks.tilt > 16)] = VIEW_RULES.index(Rule.TILT_STEEP) + 1
    return replace(found, map=replace(found.map, refused=first))


def test_each_refused_view_names_its_rule_in_the_table_and_after_reading_it_back(found):
    judged = refused(found)
    rows = list(csv.DictReader(io.StringIO(angle_map_csv(judged))))
    for row in rows:
        told = (
            "tilt-too-steep"
            if float(row["tilt"]) > 16
            else "oblique-too-wide"
            if float(row["oblique"]) > 40
            else ""
        )
        assert row["rule"] == (told if row["allowed"] == "1" else "")
    assert {row["rule"] for row in rows} == {"", "tilt-too-steep", "oblique-too-wide"}
    again = angle_map_of(angle_map_csv(judged), "left")
    np.testing.assert_array_equal(again.refused, judged.map.refused)
    assert [again.rule(k) for k in range(len(rows))] == [judged.map.rule(k) for k in range(len(rows))]
    # a table of a program that had no rules
    old = [line.rsplit(",", 2)[0] for line in angle_map_csv(found).splitlines()]
    assert angle_map_of("\n".join(old), "left").refused is None
    with pytest.raises(MeasurementError, match="angle map"):
        angle_map_of(angle_map_csv(judged).replace("tilt-too-steep", "tilt"), "left")


def test_the_picture_shows_refused_views_in_the_colour_of_their_rule(found):
    titles = {Rule.TILT_STEEP: "tilt too steep"}
    plain, judged = angle_map_picture(found), angle_map_picture(refused(found), titles=titles)
    for rule in (Rule.TILT_STEEP, Rule.OBLIQUE_WIDE):
        # over white, as in the legend, and over the map's own colours
        shown = 0.62 * np.array(RULE_COLOURS[rule]) + 0.38 * 255
        near = [(np.abs(picture.astype(int) - shown).sum(axis=2) < 12).sum() for picture in (plain, judged)]
        assert near[1] > near[0] + 60
    assert judged.shape[1] == plain.shape[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [],
        lambda lines: lines[:1],
        lambda lines: lines[:-1],
        lambda lines: [lines[0], *reversed(lines[1:])],
        lambda lines: [lines[0].replace("reason", "why"), *lines[1:]],
        lambda lines: [*lines[:-1], lines[-1].replace("narrower", "wider").replace("closed", "shut")],
        lambda lines: [*lines[:-1], lines[-1].replace(",", ",x", 1)],
    ],
)
def test_what_is_no_map_is_refused(found, change):
    lines = angle_map_csv(found).splitlines()
    with pytest.raises(MeasurementError, match="angle map"):
        angle_map_of("\n".join(change(lines)), "left")


def test_views_whose_grid_would_fill_the_memory_are_refused(found):
    """Each line has angles of its own, so that a grid of them has a million times as many views."""
    head, first = angle_map_csv(found).splitlines()[:2]
    rest = ",".join(first.split(",")[2:])
    table = "\n".join([head, *(f"{number},{number},{rest}" for number in range(3000))])
    tracemalloc.start()
    try:
        with pytest.raises(MeasurementError, match="no grid of 3000 by 3000"):
            angle_map_of(table, "left")
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()


def test_the_picture_marks_the_best_view_and_the_alternative(found):
    picture = angle_map_picture(found)
    assert picture.dtype == np.uint8
    assert picture.shape[1] == pytest.approx(1118, abs=2)
    star = (np.abs(picture.astype(int) - (216, 27, 96)).sum(axis=2) < 12).sum()
    assert star > 150
    assert len(found.alternatives) == 1


def test_where_nothing_opens_the_picture_says_so():
    sight = Sight(square_zone(4.0, NORMAL), bone(plate(NORMAL, circle(0.5, (50.0, 50.0)))))
    shut = search(sight, None, step=10.0)
    picture = angle_map_picture(shut)
    assert picture.std() > 5
    rows = list(csv.DictReader(io.StringIO(angle_map_csv(shut))))
    assert {row["allowed"] for row in rows} == {"0"}
    assert "closed by bone" in {row["reason"] for row in rows}


WARNINGS = (
    ReadingWarning("The pictures were compressed, with loss\n: fine detail may be gone", grave=True),
    ReadingWarning("8 voxels were taken as air"),
)


def test_what_reading_noticed_stands_above_the_table_and_is_passed_over_on_reading(found):
    table = angle_map_csv(found, WARNINGS)
    lines = table.splitlines()
    assert lines[:2] == [f"# {line}" for line in warning_lines(WARNINGS)]
    assert lines[2:] == angle_map_csv(found).splitlines()
    again, bare = angle_map_of(table, "left"), angle_map_of(angle_map_csv(found), "left")
    np.testing.assert_array_equal(again.area_mm2, bare.area_mm2)
    np.testing.assert_array_equal(again.looks.reason, bare.looks.reason)


def test_what_reading_noticed_stands_below_the_picture(found):
    bare, warned = angle_map_picture(found), angle_map_picture(found, (), WARNINGS)
    added = warned.shape[0] - bare.shape[0]
    assert added >= 2 * 20
    notice, plot = bare[-20:], bare[: bare.shape[0] - 40]
    np.testing.assert_array_equal(warned[-20:], notice)  # the notice stays where it is
    moved = np.abs(warned[: plot.shape[0]].astype(int) - plot).max(axis=2) > 90
    assert moved.mean() < 0.02, "the map itself is not covered"
    band = warned[-60:-20].astype(int)
    amber = np.abs(band - (0x9A, 0x52, 0x00)).sum(axis=2) < 90
    assert amber.sum() > 200


def test_a_long_note_goes_on_on_the_next_line(found):
    bare, told = angle_map_picture(found), angle_map_picture(found, ("why this view " * 20,))
    assert told.shape[0] - bare.shape[0] >= 2 * 20
    assert told[-120:, -6:].min() == 255, "nothing is cut at the border"


def test_with_reservations_the_recommended_view_is_not_marked_as_sure(found):
    apart = replace(found, recommended=found.alternatives[0])
    orange = [
        (np.abs(angle_map_picture(apart, (), warnings).astype(int) - (255, 159, 28)).sum(axis=2) < 20).sum()
        for warnings in ((), WARNINGS[1:], WARNINGS)
    ]
    assert orange[0] > 20, "the map shows a recommended view beside the best"
    assert orange[1] == pytest.approx(orange[0], rel=0.1)
    assert orange[2] < orange[0] / 5


def test_views_refused_for_an_organ_name_it_in_table_legend_and_after_reading_it_back(found):
    looks = found.map.looks
    first = np.zeros(len(looks.tilt), dtype=np.uint8)
    near = np.flatnonzero(looks.allowed & (looks.oblique > 30))
    first[near] = VIEW_RULES.index(Rule.KIDNEY_MET) + 1
    organs = ["" for _ in looks.tilt]
    for number, index in enumerate(near.tolist()):
        organs[index] = "left kidney" if number else "right kidney"
    judged = replace(found, map=replace(found.map, refused=first, organs=tuple(organs)))
    assert judged.map.organs_of(Rule.KIDNEY_MET) == ("left kidney", "right kidney")
    assert judged.map.organs_of(Rule.TILT_STEEP) == ()
    again = angle_map_of(angle_map_csv(judged), "left")
    assert again.organs == judged.map.organs
    assert again.organ(int(near[0])) == "right kidney"
    assert angle_map_of(angle_map_csv(found), "left").organs == ()
