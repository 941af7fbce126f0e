"""What a needle passes: distances and structures in scenes worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from needle_scenes import NOTHING, block, both, from_behind, scene, tube, turned
from scipy.spatial.transform import Rotation

from spinect_core.base.arrays import FloatArray
from spinect_core.plan.build import safety_record
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import clearance, crossings, neighbours

AXIS_X, AXIS_Z = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def by_place(points: FloatArray, tissue: int) -> list[str]:
    """Bone is named by its height, nerves by their side."""
    if tissue == 1:
        return ["far bone" if y < -7.5 else "near bone" for y in points[:, 1]]
    return ["left root" if x > 0 else "right root" for x in points[:, 0]]


def test_a_tube_beside_the_way_and_a_plane_behind_the_tip() -> None:
    # The axis of the tube runs across, 6 mm above the needle at y = 40; the plate begins 5 mm behind the tip.
    obstacles = scene(block((-60, -20, -60), (60, -5, 60)), tube((0, 40, 6.0), AXIS_X, 2.5))
    found = clearance(from_behind(), obstacles)
    assert found.depth_mm[[0, 1, -1]].tolist() == [0.0, 0.5, 80.0]
    assert found.nerve.distance_mm == pytest.approx(3.5, abs=1e-3)
    assert found.nerve.gap_mm == pytest.approx(3.5 - 0.3588, abs=1e-3)
    assert found.nerve.depth_mm == pytest.approx(40.0, abs=0.05)
    assert found.nerve.place == pytest.approx((0.0, 40.0, 0.0), abs=0.05)
    assert found.bone.distance_mm == pytest.approx(5.0, abs=1e-5)
    assert found.bone.depth_mm == pytest.approx(80.0)
    y = 80.0 - found.depth_mm
    np.testing.assert_allclose(found.nerve_mm, np.hypot(y - 40.0, 6.0) - 2.5, atol=1e-3)
    np.testing.assert_allclose(found.bone_mm, y + 5.0, atol=1e-5)


def test_the_nerve_at_the_target_is_told_apart() -> None:
    # A root 2 mm under the tip, and one 4 mm beside the way.
    obstacles = scene(NOTHING, both(tube((0, -4.0, 0), AXIS_X, 2.0), tube((5.5, 30, 0), AXIS_Z, 1.5)))
    found = clearance(from_behind(), obstacles)
    assert found.nerve.distance_mm == pytest.approx(4.0, abs=1e-3)
    assert found.nerve.depth_mm == pytest.approx(50.0, abs=0.05)
    assert found.nerve_at_tip.distance_mm == pytest.approx(2.0, abs=1e-3)
    assert found.nerve_at_target.distance_mm == pytest.approx(2.0, abs=1e-3)
    assert found.nerve_at_target.depth_mm == pytest.approx(80.0)
    assert found.bone.distance_mm == np.inf
    assert safety_record(found).to_dict()["clearance_bone"] is None


def test_the_nearest_place_lies_between_samples() -> None:
    obstacles = scene(NOTHING, tube((1.2, 40.23, 0), AXIS_Z, 1.0))
    found = clearance(from_behind(), obstacles)
    assert found.nerve.depth_mm == pytest.approx(39.77, abs=0.03)
    assert found.nerve.distance_mm == pytest.approx(0.2, abs=1e-3)
    assert found.nerve.gap_mm < 0


def test_what_the_line_goes_through_in_order_and_behind_the_tip() -> None:
    bone = both(block((-9, 50, -9), (9, 53, 9)), block((-60, -20, -60), (60, -8, 60)))
    nerve = both(tube((0.5, 20, 0), AXIS_Z, 2.5), tube((-0.5, -4, 0), AXIS_Z, 1.0))
    found = crossings(from_behind(), scene(bone, nerve), by_place)
    half, behind = np.sqrt(2.5**2 - 0.5**2), np.sqrt(1 - 0.25)
    expected = [
        ("near bone", "bone", 27.0, 30.0, False),
        ("left root", "nerve", 60.0 - half, 60.0 + half, False),
        ("right root", "nerve", 84.0 - behind, 84.0 + behind, True),
        ("far bone", "bone", 88.0, 90.0, True),
    ]
    assert [(c.tissue, c.behind_tip) for c in found] == [(e[1], e[4]) for e in expected]
    np.testing.assert_allclose([(c.from_mm, c.to_mm) for c in found], [e[2:4] for e in expected], atol=2e-3)
    assert [found[0].name, found[3].name] == ["near bone", "far bone"]


def test_a_line_that_ends_inside_and_one_that_meets_nothing() -> None:
    inside = crossings(from_behind(), scene(block((-9, -50, -9), (9, 4, 9))), by_place)
    assert [(c.from_mm, c.to_mm, c.behind_tip) for c in inside] == [
        (pytest.approx(76.0, abs=1e-4), pytest.approx(90.0), False)
    ]
    assert crossings(from_behind(), scene(), by_place) == ()
    begins_inside = crossings(from_behind(), scene(block((-9, 70, -9), (9, 99, 9))), by_place)
    assert [(c.from_mm, c.to_mm) for c in begins_inside] == [(0.0, pytest.approx(10.0, abs=1e-4))]


def test_neighbours_by_name_nearest_first() -> None:
    bone = both(block((1.0, 50, -9), (9, 53, 9)), block((-60, -20, -60), (60, -8, 60)))
    nerve = both(tube((2.9, 20, 0), AXIS_Z, 2.5), tube((-4.0, 30, 0), AXIS_Z, 1.0))
    radius = from_behind().radius_mm
    found = neighbours(from_behind(), scene(bone, nerve), by_place)
    assert [(n.name, n.tissue) for n in found] == [("left root", "nerve"), ("near bone", "bone")]
    assert [n.gap_mm for n in found] == pytest.approx([0.4 - radius, 1.0 - radius], abs=1e-3)
    assert found[0].depth_mm == pytest.approx(60.0)
    assert 27.0 <= found[1].depth_mm <= 30.0
    wider = neighbours(from_behind(), scene(bone, nerve), by_place, within_mm=3.0)
    assert "right root" in [n.name for n in wider]


def test_a_rigid_motion_changes_no_distance() -> None:
    bone, nerve = block((3.0, 20, -8), (9, 40, 9)), tube((0, 50, 5.0), AXIS_X, 2.0, 60.0)
    rotation = Rotation.from_euler("xyz", [20, -35, 70], degrees=True).as_matrix()
    shift = np.array([310.0, -120.0, 55.0])
    planned = from_behind()
    there = replace(
        planned,
        entry=tuple(rotation @ planned.entry + shift),
        target=tuple(rotation @ planned.target + shift),
    )
    assert isinstance(there, Needle)
    one = clearance(planned, scene(bone, nerve))
    other = clearance(there, scene(turned(bone, rotation, shift), turned(nerve, rotation, shift)))
    np.testing.assert_allclose(other.bone_mm, one.bone_mm, atol=1e-3)
    np.testing.assert_allclose(other.nerve_mm, one.nerve_mm, atol=1e-3)
    assert other.nerve.depth_mm == pytest.approx(one.nerve.depth_mm, abs=0.03)


def test_neighbours_are_the_same_by_distances_that_are_known_already() -> None:
    obstacles = scene(block((-60, -20, -60), (60, -1, 60)), both(tube((1.9, 40, 0), AXIS_Z, 1.0), NOTHING))
    needle = from_behind()
    found = neighbours(needle, obstacles, by_place)
    assert {each.name for each in found} == {"left root", "near bone"}
    assert neighbours(needle, obstacles, by_place, along=clearance(needle, obstacles)) == found


def test_how_far_rays_go_is_what_they_meet_first() -> None:
    obstacles = scene(block((-60, -20, -60), (60, -1, 60)), tube((1.9, 40, 0), AXIS_Z, 1.0))
    start = np.stack([np.linspace(-5.0, 90.0, 40), np.full(40, 80.0), np.zeros(40)], axis=1)
    way = np.array([0.0, -1.0, 0.0])
    found = obstacles.distances(start, way)
    assert np.isinf(found).any()
    assert np.isfinite(found).any()
    np.testing.assert_array_equal(found, obstacles.first(start, way)[1])
