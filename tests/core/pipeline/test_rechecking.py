"""A needle beside a bar of nerve and through a block of bone, of sizes that give its distances."""

import pytest
import pyvista as pv

from spinect_core.base.words import Author
from spinect_core.pipeline.rechecking import REACH_MM, recheck
from spinect_core.plan.records import ClearanceRecord, NeedleRecord, Planning, SafetyRecord
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import clearance
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.surfaces import Surfaces

NEEDLE = Needle(
    "Own needle 1", "kambin", "left", "L5/S1", "", (0.0, 80.0, 0.0), (0.0, 0.0, 0.0), author=Author.USER
)
"""Along the y axis, from 80 mm behind to the origin."""


def tube(x, y, radius):
    """A round bar along the z axis, of triangles as small as those of a surface."""
    bar = pv.Tube(pointa=(x, y, -30.0), pointb=(x, y, 30.0), resolution=60, radius=radius, n_sides=180)
    return bar.triangulate()


def block(*bounds):
    return pv.Box(bounds, level=20).triangulate().clean()


def surfaces(bone, nerve):
    return Surfaces(bone, nerve, bone, nerve)


def planning(nerve_mm=None):
    safety = None
    if nerve_mm is not None:
        safety = SafetyRecord(nerve=ClearanceRecord(gap_mm=nerve_mm, place=(0, 40, 0), depth_mm=40.0))
    return Planning(needles=(NeedleRecord(needle=NEEDLE, safety=safety),))


def test_distances_are_those_of_the_shapes_and_of_the_plan():
    bar, wall = tube(6.0, 40.0, 2.0), block(-9, -5, 20, 60, -30, 30)
    both = pv.merge([bar, tube(60.0, 40.0, 5.0)]).extract_surface(algorithm=None).triangulate()
    (found,) = recheck(planning(3.0), surfaces(wall, both))
    assert found.nerve_mm == pytest.approx(4.0 - NEEDLE.radius_mm, abs=0.02)
    assert found.bone_mm == pytest.approx(5.0 - NEEDLE.radius_mm, abs=0.02)
    assert (found.nerve_before_mm, found.bone_before_mm) == (3.0, None)
    along = clearance(NEEDLE, Obstacles(wall, both))
    assert found.nerve_mm == pytest.approx(min(along.nerve.gap_mm, along.nerve_at_target.gap_mm), abs=1e-4)
    assert found.bone_mm == pytest.approx(along.bone.gap_mm, abs=1e-4)


def test_a_needle_through_what_was_painted_touches_it_and_nothing_far_is_told():
    (through,) = recheck(planning(), surfaces(pv.PolyData(), tube(1.0, 30.0, 3.0)))
    assert through.nerve_mm == pytest.approx(-2.0 - NEEDLE.radius_mm, abs=0.05)
    assert through.bone_mm is None
    away = tube(REACH_MM + 5, 40.0, 2.0)
    (alone,) = recheck(planning(), surfaces(away, away))
    assert alone.nerve_mm is None
    assert alone.bone_mm is None
    assert recheck(Planning(), surfaces(away, away)) == ()
