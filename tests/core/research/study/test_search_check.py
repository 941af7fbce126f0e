"""The comparison of the search with every single view."""

import csv
import io

import numpy as np
import pytest
import pyvista as pv

from spinect_core.geometry.zone import Border, Zone
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight
from spinect_core.research.study.search_check import (
    Checked,
    check_seed,
    check_zone,
    exhaustive,
    summary,
    table,
)


def sight(*meshes: pv.PolyData) -> Sight:
    corners = [(0.0, 0.0, 0.0), (6.0, 0.0, 0.0), (0.0, 0.0, 5.0)]
    borders = tuple(
        Border(role, role, np.array([corners[k], corners[(k + 1) % 3]]))
        for k, role in enumerate(("base", "height", "hypotenuse"))
    )
    return Sight(Zone("kambin", "bony", "right", "L5/S1", borders), Obstacles(*meshes))


def test_without_obstacles_both_find_the_whole_triangle_from_behind():
    open_sight = sight(pv.PolyData(), pv.PolyData())
    view, area = exhaustive(open_sight, step=20.0)
    assert (view.azimuth, view.elevation) == (0.0, 0.0)
    assert area == pytest.approx(15.0, rel=0.01)
    checked = check_zone("open", open_sight, step=20.0)
    assert checked.passed
    assert checked.part == pytest.approx(1.0, abs=0.01)


def test_where_nothing_opens_both_agree():
    wall = pv.Cube(center=(0, 8, 0), x_length=90, y_length=2, z_length=90).triangulate()
    checked = check_zone("shut", sight(wall, pv.PolyData()), step=20.0)
    assert (checked.area_mm2, checked.exhaustive_mm2, checked.part) == (0.0, 0.0, 1.0)
    assert checked.view == checked.exhaustive_view == ""


def test_a_search_that_finds_too_little_is_told():
    good = Checked(
        "phantom 1", "left safe triangle", "from behind", 9.95, "from behind", 10.0, 0.995, 1.0, 9.0
    )
    bad = Checked("phantom 2", "left safe triangle", "from behind", 9.8, "from behind", 10.0, 0.98, 1.0, 9.0)
    rows = list(csv.DictReader(io.StringIO(table([good, bad]))))
    assert [row["passed"] for row in rows] == ["1", "0"]
    assert summary([good, bad]).startswith("1 of 2 zones passed; the least found was 98.00%")
    assert "phantom 2" in summary([good, bad])


@pytest.mark.slow
def test_the_search_finds_the_best_view_of_a_phantom():
    checked = check_seed(7, 2.0)
    assert len(checked) == 6
    assert all(one.passed for one in checked), summary(checked)
    assert max(one.exhaustive_mm2 for one in checked) > 10.0
