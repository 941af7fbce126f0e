"""Windows in many views at once against formulas and against the polygon of one view."""

import numpy as np
import pytest
import pyvista as pv
from search_scenes import bone, circle, plate, square_zone, thicket

from spinect_core.geometry.view import View
from spinect_core.planning.search.many_views import Frames, ManyViews
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight

NORMAL = View.oblique("left", 28.0, -11.0)


def test_frames_are_those_of_the_views():
    frames = Frames.of("right", [0.0, 27.0, 60.0], [-40.0, 12.0, 0.0])
    for k, (turn, lean) in enumerate([(0.0, -40.0), (27.0, 12.0), (60.0, 0.0)]):
        view = View.oblique("right", turn, lean)
        assert np.allclose(frames.vector[k], view.vector, atol=1e-15)
        assert np.allclose(frames.right[k], view.right, atol=1e-15)
        assert np.allclose(frames.up[k], view.up, atol=1e-15)


@pytest.mark.parametrize("radius", [0.8, 2.0, 4.0])
def test_a_round_hole_has_its_area_and_its_radius(radius):
    zone = square_zone(6.0, NORMAL)
    many = ManyViews(zone, bone(plate(NORMAL, circle(radius), low=5.0, high=5.01)))
    found = many.openings(Frames.of("left", [28.0, 28.0], [-11.0, 9.0]))
    assert found.area_mm2[0] == pytest.approx(np.pi * radius**2, rel=0.015, abs=0.1)
    assert found.radius_mm[0] == pytest.approx(radius, abs=0.03)
    assert found.area_mm2[1] == pytest.approx(np.pi * radius**2 * np.cos(np.radians(20)), rel=0.02, abs=0.1)
    assert found.radius_mm[1] == pytest.approx(radius * np.cos(np.radians(20)), abs=0.03)


def test_without_obstacles_the_whole_zone_is_open():
    zone = square_zone(5.0, NORMAL)
    found = ManyViews(zone, Obstacles(pv.PolyData(), pv.PolyData())).openings(Frames.of("left", 28.0, -11.0))
    assert found.area_mm2[0] == pytest.approx(100.0, rel=0.005)
    assert found.radius_mm[0] == pytest.approx(5.0, abs=0.03)
    assert np.allclose(found.target[0], [20.0, 15.0, -5.0], atol=0.05)


def test_of_two_holes_the_larger_counts_and_both_add_up():
    zone = square_zone(6.0, NORMAL)
    hole = circle(1.5, (-3.0, 0.0)).union(circle(2.0, (3.0, 1.0)))
    found = ManyViews(zone, bone(plate(NORMAL, hole, low=3.0, high=3.01))).openings(
        Frames.of("left", 28.0, -11.0)
    )
    assert found.area_mm2[0] == pytest.approx(np.pi * 4.0, rel=0.015)
    assert found.total_mm2[0] == pytest.approx(np.pi * 6.25, rel=0.015)
    assert NORMAL.project(found.target[0] - [20.0, 15.0, -5.0]) == pytest.approx([3.0, 1.0], abs=0.05)


def test_a_ring_does_not_count_the_island_in_it():
    zone = square_zone(6.0, NORMAL)
    ring = circle(4.0) - circle(2.0)
    found = ManyViews(zone, bone(plate(NORMAL, ring, low=3.0, high=3.01))).openings(
        Frames.of("left", 28.0, -11.0)
    )
    assert found.area_mm2[0] == pytest.approx(np.pi * 12.0, rel=0.015)
    assert found.radius_mm[0] == pytest.approx(1.0, abs=0.03)


def test_it_agrees_with_the_polygon_of_each_view():
    obstacles, _, _ = thicket()
    zone = square_zone(6.0, View.oblique("left", 35.0, 5.0))
    rng = np.random.default_rng(2)
    turn, lean = rng.uniform(0, 60, 80), rng.uniform(-40, 40, 80)
    found = ManyViews(zone, obstacles).openings(Frames.of("left", turn, lean))
    sight = Sight(zone, obstacles)
    windows = [sight.window(View.oblique("left", *at)) for at in zip(turn, lean, strict=True)]
    area = np.array([one.area_mm2 for one in windows])
    assert (area > 1.0).sum() > 40
    close = np.abs(found.area_mm2 - area) <= np.maximum(0.3, 0.02 * area)
    # Two pieces that hang together by less than a quarter of a millimetre are one or two, as the grid happens to lie.
    assert (~close).sum() <= 3
    total = np.array([one.total_area_mm2 for one in windows])
    assert (np.abs(found.total_mm2 - total) <= np.maximum(0.7, 0.02 * total)).all()
    assert np.abs(found.radius_mm - [one.radius_mm for one in windows])[close].max() < 0.1
    assert np.isfinite(found.target[area > 0.1]).all()


def test_what_closes_a_view_is_told():
    zone = square_zone(4.0, NORMAL)
    wall = plate(NORMAL, circle(0.5, (30.0, 30.0)))
    for obstacles, expected in (
        (Obstacles(wall, pv.PolyData()), [False, True, False]),
        (Obstacles(pv.PolyData(), wall), [False, False, True]),
    ):
        found = ManyViews(zone, obstacles).openings(Frames.of("left", 28.0, -11.0))
        assert ((found.met_first[0] > 0) == expected).all()
        assert found.area_mm2[0] == found.radius_mm[0] == 0.0
        assert np.isnan(found.target[0]).all()


def test_a_zone_seen_edge_on_shows_nothing():
    zone = square_zone(4.0, View.oblique("left", 0.0, 0.0))
    found = ManyViews(zone, Obstacles(pv.PolyData(), pv.PolyData())).openings(
        Frames.of("left", [90.0, 0.0], [0.0, 0.0])
    )
    assert found.area_mm2[0] == pytest.approx(0.0, abs=0.01)
    assert found.area_mm2[1] == pytest.approx(64.0, rel=0.01)


def test_no_hole_that_a_needle_fits_through_is_missed():
    zone = square_zone(8.0, NORMAL)
    rng = np.random.default_rng(3)
    for centre in rng.uniform(-6.0, 6.0, (12, 2)):
        many = ManyViews(zone, bone(plate(NORMAL, circle(0.37, tuple(centre), 64), low=3.0, high=3.01)))
        found = many.openings(Frames.of("left", 28.0, -11.0))
        assert many.grid_mm == 0.5
        assert found.area_mm2[0] > 0.2
