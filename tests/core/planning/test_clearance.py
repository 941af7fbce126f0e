"""Distances of ways to meshes."""

import numpy as np
import pytest
import pyvista as pv
from search_scenes import thicket

from spinect_core.planning.needle.clearance import Clearance
from spinect_core.planning.zones.obstacles import Obstacles


def ball(radius: float, middle: tuple[float, float, float]) -> pv.PolyData:
    return pv.Icosphere(radius=radius, center=middle, nsub=5)


def test_a_way_past_a_ball_keeps_its_distance():
    clearance = Clearance(Obstacles(ball(3.0, (0, 0, 50)), ball(1.0, (0, 9, 20))))
    found = clearance.along(np.array([[5.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 1.0]]))
    assert found[1][0] == pytest.approx(2.0, abs=0.01)
    assert found[2][0] == pytest.approx(np.hypot(5, 9) - 1.0, abs=0.01)


def test_what_lies_behind_the_target_counts_from_the_target():
    clearance = Clearance(Obstacles(ball(3.0, (0, 0, -10)), pv.PolyData()))
    found = clearance.along(np.array([[5.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 1.0]]))
    assert found[1][0] == pytest.approx(np.hypot(5, 10) - 3.0, abs=0.01)
    assert found[2][0] == np.inf


def test_a_target_over_the_middle_of_a_face_is_not_far_from_it():
    sheet = pv.PolyData.from_regular_faces(
        np.array([(-50.0, -50, 0), (50, -50, 0), (0, 80, 0)]), np.array([(0, 1, 2)])
    )
    found = Clearance(Obstacles(sheet, pv.PolyData())).along(np.array([[0.0, 0, 2]]), np.array([[0.0, 0, 1]]))
    assert found[1][0] == pytest.approx(2.0, abs=1e-6)


def test_it_is_the_smallest_exact_distance_along_the_way():
    obstacles, _, _ = thicket()
    rng = np.random.default_rng(1)
    ways = rng.normal(size=(200, 3))
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    targets = np.array([20.0, 15.0, -5.0]) + rng.uniform(-3, 3, (200, 3))
    outside = (obstacles.distance(targets, 1) > 0) & (obstacles.distance(targets, 2) > 0)
    free = outside & ~obstacles.blocked(targets, ways)
    free[np.flatnonzero(free)[20:]] = False
    assert free.sum() == 20
    found = Clearance(obstacles).along(targets[free], ways[free])
    along = np.arange(0, 40, 0.1)
    for k, (target, way) in enumerate(zip(targets[free], ways[free], strict=True)):
        for tissue in (1, 2):
            exact = obstacles.distance(target + along[:, None] * way, tissue).min()
            assert exact - 0.02 < found[tissue][k] <= exact + 1e-5


def test_no_bunch_that_holds_the_nearest_edge_is_left_out_far_from_the_origin():
    # Many small balls far from the origin of the patient: single precision chooses the bunches.
    rng = np.random.default_rng(3)
    away = np.array([400.0, -900.0, 1500.0])
    balls = pv.merge(
        [pv.Icosphere(radius=1.0, center=away + place, nsub=1) for place in rng.uniform(-40, 40, (20, 3))]
    )
    ways = rng.normal(size=(20, 3))
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    targets = away + rng.uniform(-40, 40, (20, 3))
    edges = balls.extract_all_edges()
    ends = np.asarray(edges.points, np.float64)[edges.lines.reshape(-1, 3)[:, 1:]]
    parts = np.linspace(0.0, 1.0, 21)
    places = (ends[:, :1] + parts[None, :, None] * (ends[:, 1:] - ends[:, :1])).reshape(-1, 3)
    obstacles = Obstacles(balls, pv.PolyData())
    found = Clearance(obstacles).along(targets, ways)[1]
    for target, way, mm in zip(targets, ways, found, strict=True):
        ahead = np.maximum((places - target) @ way, 0.0)
        exact = np.linalg.norm(places - target - ahead[:, None] * way, axis=1).min()
        at_target = abs(obstacles.distance(target[None], 1)[0])
        assert mm == pytest.approx(min(exact, at_target), abs=0.01)
