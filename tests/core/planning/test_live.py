"""A needle that is moved has the numbers of the full measurement, by a shorter way."""

from dataclasses import replace

import numpy as np
import pytest
import pyvista as pv
from needle_scenes import NOTHING, block, from_behind, plate_with_hole, scene, tube
from search_scenes import thicket

from spinect_core.planning.needle.clearance import Clearance
from spinect_core.planning.needle.live import Live
from spinect_core.planning.needle.safety import clearance, crossings
from spinect_core.planning.needle.tolerance import LARGEST_DEG, Aim


def nameless(points, _tissue):
    return ["something"] * len(points)


def live_and_full(obstacles, needle):
    live = Live(Clearance(obstacles))
    crossed = crossings(needle, obstacles, nameless)
    return (
        live.distances(needle, crossed),
        live.angles(needle, crossed),
        clearance(needle, obstacles),
        Aim(obstacles).tolerance(needle),
    )


def test_beside_a_bar_distance_place_and_angle_follow_from_its_radius():
    # along x, 5 mm above the needle's axis, 30 mm deep
    obstacles = scene(bone=tube((0, 50, 5.0), (1, 0, 0), 2.0))
    along, tolerance, _, _ = live_and_full(obstacles, from_behind(80.0))
    assert along.bone.distance_mm == pytest.approx(3.0, abs=0.01)
    assert along.bone.depth_mm == pytest.approx(30.0, abs=0.5)
    assert along.nerve.distance_mm == np.inf
    radius = from_behind().radius_mm
    centre, contact = np.arctan2(5.0, 30.0), np.arcsin((2.0 + radius) / np.hypot(30.0, 5.0))
    assert tolerance.angle.amount == pytest.approx(np.degrees(centre - contact), abs=0.05)
    assert tolerance.angle.tissue == "bone"
    assert tolerance.angle.words == "cranial"
    np.testing.assert_allclose(tolerance.angle.towards, (0, 0, 1), atol=0.05)
    assert tolerance.angle_to_nerve.amount == LARGEST_DEG


def test_what_lies_behind_the_tip_is_not_met_by_a_turn():
    """The plate begins at the depth of the tip: only the side of the needle's end comes near it."""
    obstacles = scene(bone=block((-40, -20, -40), (40, -5, 40)))
    along, tolerance, _, full = live_and_full(obstacles, from_behind(80.0))
    assert along.bone.distance_mm == pytest.approx(5.0, abs=1e-6)
    assert tolerance.angle.unlimited
    assert full.angle.unlimited


def test_through_a_hole_the_angle_is_that_to_its_rim():
    obstacles = scene(bone=plate_with_hole(10.0, 5.0, 3.0))
    along, tolerance, _, full = live_and_full(obstacles, from_behind(80.0))
    assert along.bone.distance_mm == pytest.approx(3.0, abs=0.01)
    wanted = np.degrees(np.arctan2(3.0, 70.0) - np.arcsin(from_behind().radius_mm / np.hypot(3.0, 70.0)))
    assert tolerance.angle.amount == pytest.approx(wanted, abs=0.02)
    assert tolerance.angle.amount == pytest.approx(full.angle.amount, abs=0.05)


def test_a_needle_through_bone_has_no_tolerance_and_the_depth_of_the_full_measurement():
    obstacles = scene(bone=block((-10, 20, -4), (10, 40, 3)), nerve=tube((0, 5, 4), (1, 0, 0), 1.0))
    along, tolerance, full, _ = live_and_full(obstacles, from_behind(80.0))
    assert along.bone.gap_mm == pytest.approx(full.bone.gap_mm, abs=0.01)
    assert along.bone.distance_mm == pytest.approx(-3.0, abs=0.02)
    assert 40 <= along.bone.depth_mm <= 60
    assert tolerance.angle_to_bone.amount == 0.0
    assert tolerance.angle_to_nerve.amount > 0.0


def test_without_bone_and_nerve_nothing_is_near():
    obstacles = scene(bone=NOTHING, nerve=NOTHING)
    along, tolerance, _, _ = live_and_full(obstacles, from_behind(80.0))
    assert along.bone.gap_mm == np.inf
    assert tolerance.angle.unlimited


def test_among_many_surfaces_live_numbers_are_the_full_ones():
    obstacles, _, _ = thicket()
    rng = np.random.default_rng(4)
    middle = np.mean([np.mean(mesh.points, axis=0) for mesh in obstacles.meshes.values()], axis=0)
    compared = pierced = 0
    for _ in range(12):
        target = middle + rng.uniform(-8, 8, 3)
        way = rng.normal(size=3) + np.array([0.0, 2.0, 0.0])
        entry = target + 60 * way / np.linalg.norm(way)
        needle = replace(from_behind(), entry=tuple(entry), target=tuple(target))
        along, tolerance, full, known = live_and_full(obstacles, needle)
        for name in ("bone", "nerve", "nerve_at_target", "nerve_at_tip"):
            assert getattr(along, name).gap_mm == pytest.approx(getattr(full, name).gap_mm, abs=0.02), name
        for name in ("angle_to_bone", "angle_to_nerve"):
            ours, theirs = getattr(tolerance, name).amount, getattr(known, name).amount
            assert ours == pytest.approx(theirs, abs=0.1, rel=0.05), name
            compared += 0 < theirs < LARGEST_DEG
            pierced += theirs == 0
    assert compared >= 4
    assert pierced >= 2


def test_one_mesh_may_lie_within_another():
    """Bone round the labels may overlap the labelled bone; the needle lies most deeply in one of both."""
    labelled, beyond = block((-10, 20, -4), (10, 40, 6)), block((-10, 30, -5), (10, 50, 5))
    from spinect_core.planning.zones.obstacles import Obstacles

    obstacles = Obstacles(labelled, pv.PolyData(), None, 0.0, beyond)
    along, _, full, _ = live_and_full(obstacles, from_behind(80.0))
    assert along.bone.gap_mm == pytest.approx(full.bone.gap_mm, abs=0.01)
