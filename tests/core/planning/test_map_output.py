"""The angle map as a table and as a picture."""

import csv
import io

import numpy as np
import pytest
from search_scenes import bone, circle, plate, square_zone, tunnels

from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.view import View
from spinect_core.pictures.angle_map import angle_map_picture
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
