"""The borders of the zones lie on the surfaces they are named after, and follow the landmarks."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, map_coordinates

from spinect_core.anatomy.borders import nearest_place, zones
from spinect_core.anatomy.courses import Course
from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.errors import MeasurementError
from spinect_core.research.phantom.structures import STRUCTURES

pytestmark = pytest.mark.heavy

BONES = {"superior border of S1": "sacrum", "S1 superior articular process": "sacrum"}


@pytest.fixture(scope="module")
def drawn(phantom, found):
    return {
        (side, zone.kind, zone.version): zone
        for side in ("left", "right")
        for zone in zones(found, phantom.labels, side)
    }


def distance_to(phantom, points, *names):
    mask = np.isin(phantom.structures, [STRUCTURES[name] for name in names])
    grid = phantom.labels.geometry
    outside = distance_transform_edt(~mask, sampling=grid.spacing[::-1])
    inside = distance_transform_edt(mask, sampling=grid.spacing[::-1])
    distance = np.where(mask, 1.0 - inside, outside - 1.0)
    return map_coordinates(distance, grid.to_index(points).T, order=1, mode="nearest")


def test_three_zones_a_side_and_each_on_its_own(drawn, found):
    kinds = {("kambin", "bony"), ("kambin", "neural"), ("safe", "")}
    assert set(drawn) == {(side, *kind) for side in ("left", "right") for kind in kinds}
    middle = found.points["S1 upper end plate centre"][0]
    for (side, _kind, _version), zone in drawn.items():
        assert [border.role for border in zone.borders] == ["base", "hypotenuse", "height"] or [
            border.role for border in zone.borders
        ] == ["base", "height", "hypotenuse"]
        outline = np.concatenate([border.points for border in zone.borders])
        assert ((outline[:, 0] > middle) == (side == "left")).mean() > 0.97
        assert np.isfinite(outline).all()
        assert 0.0 < zone.confidence <= 1.0


def test_borders_are_fine_and_run_on_from_one_another(drawn):
    for zone in drawn.values():
        for border in zone.borders:
            steps = np.linalg.norm(np.diff(border.points, axis=0), axis=1)
            assert np.median(steps) < 1.2
        for one, following in zip(zone.borders, (*zone.borders[1:], zone.borders[0]), strict=True):
            assert np.linalg.norm(one.points[-1] - following.points[0]) < 12.0


def test_borders_lie_on_the_bone_or_nerve_they_are_named_after(phantom, drawn):
    owners = {
        "superior border of S1": ("sacrum",),
        "S1 superior articular process": ("sacrum",),
        "lower margin of the L5 pedicle": ("L5",),
        "lateral border of the L5 body": ("L5",),
    }
    for (side, _kind, _version), zone in drawn.items():
        for border in zone.borders:
            names = owners.get(border.name)
            if names is None:
                names = (f"L5 {side}",) if "L5" in border.name else (f"S1 {side}", "thecal sac", f"L5 {side}")
            distance = np.abs(distance_to(phantom, border.points, *names))
            # Voxels of 2 mm: half of one is the best that can be asked for. Bridged gaps are the tail.
            assert np.median(distance) < 1.0, border.name


def test_the_safe_triangle_lies_above_the_kambin_triangle(drawn):
    for side in ("left", "right"):
        height = {
            kind: np.concatenate([border.points for border in drawn[side, *kind].borders])[:, 2].mean()
            for kind in (("safe", ""), ("kambin", "bony"))
        }
        assert height["safe", ""] > height["kambin", "bony"] + 5.0


def test_a_moved_landmark_takes_its_borders_along(phantom, found, drawn):
    name = "S1 superior articular base left"
    moved = found.moved(name, found.points[name] + np.array([3.0, 0.0, -2.0]))
    other = {(zone.kind, zone.version): zone for zone in zones(moved, phantom.labels, "left")}
    before = drawn["left", "kambin", "bony"].borders[-1].points[-1]
    after = other["kambin", "bony"].borders[-1].points[-1]
    assert 1.0 < np.linalg.norm(after - before) < 7.0
    same = other["safe", ""].borders[0].points
    assert np.array_equal(same, drawn["left", "safe", ""].borders[0].points)


def test_without_its_root_there_is_no_zone(phantom, found):
    course = found.courses["L5 left"]
    lost = Course(course.points, course.radii, np.zeros(len(course.points), dtype=bool))
    other = Landmarks(
        found.points, {**found.courses, "L5 left": lost}, 1.0, sac=found.sac, confidences=found.confidences
    )
    with pytest.raises(MeasurementError, match="left L5 root"):
        zones(other, phantom.labels, "left")


def passing(gap):
    """A line of points 0.5 mm apart along an upright process of 20 mm, this far (n,) beside it."""
    height = np.linspace(0.0, 20.0, 41)
    return np.stack([gap(height), np.zeros(41), height], axis=1), np.zeros(3), np.array([0.0, 0.0, 20.0])


def test_the_nearest_place_is_where_a_line_comes_near_a_process():
    assert nearest_place(*passing(lambda height: 4.0 + abs(height - 13.0))) == 26
    assert nearest_place(*passing(lambda height: 4.0 + (height - 6.0) ** 2 / 20.0)) == 12


@pytest.mark.parametrize("nearer", [2.0, 18.0])
def test_the_nearest_place_does_not_leap_where_line_and_process_run_side_by_side(nearer):
    even, base, tip = passing(lambda height: np.full(41, 5.0))
    dented, _base, _tip = passing(lambda height: 5.0 - 0.1 * (height == nearer))
    assert dented[:, 0].argmin() == round(2 * nearer)
    assert abs(nearest_place(dented, base, tip) - nearest_place(even, base, tip)) <= 1
