"""Two sets of labels whose difference is known."""

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels
from spinect_core.pipeline.comparing import compared
from spinect_core.surfaces import build_surfaces

GRID = Geometry((60, 50, 50), (1.0, 1.0, 1.0), (-25.0, -25.0, -30.0))


def case(bone_radius, rod_to):
    """A ball of bone about (-8, 0, 0), and a rod of nerve at x = 14 from z = -25 up."""
    x, y, z = np.moveaxis(GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
    array = np.zeros(GRID.shape, np.uint8)
    array[(x + 8) ** 2 + y**2 + z**2 <= bone_radius**2] = BONE
    array[((x - 14) ** 2 + y**2 <= 9) & (z >= -25) & (z <= rod_to)] = NERVE
    labels = Labels(array, GRID)
    return labels, build_surfaces(labels)


def test_measures_distances_and_the_worst_place_are_those_of_the_shapes():
    found = compared(*case(12.0, 20.0), *case(10.0, 5.0))
    bone, nerve = found.tissues[BONE], found.tissues[NERVE]
    assert bone.iou == pytest.approx((10 / 12) ** 3, abs=0.03)
    assert bone.dice == pytest.approx(2 * 10**3 / (10**3 + 12**3), abs=0.03)
    assert bone.accuracy == 1.0
    assert bone.worst_mm == pytest.approx(2.0, abs=0.6)
    assert np.median(found.distances[BONE]) == pytest.approx(2.0, abs=0.4)
    assert nerve.worst_mm == pytest.approx(15.0, abs=1.0)
    np.testing.assert_allclose(nerve.worst, (14, 0, 20.5), atol=3.5)
    assert nerve.worst[2] == pytest.approx(20.5, abs=1.0)
    assert nerve.iou == pytest.approx(31 / 46, abs=0.02)
    assert np.median(found.distances[NERVE]) < 0.5
    assert nerve.accuracy == 1.0


def test_the_other_way_round_the_accuracy_falls_and_the_worst_place_stays():
    found = compared(*case(10.0, 5.0), *case(10.0, 20.0))
    assert found.tissues[NERVE].accuracy == pytest.approx(31 / 46, abs=0.02)
    assert found.tissues[NERVE].worst_mm == pytest.approx(15.0, abs=1.0)
    assert found.tissues[BONE].dice == 1.0
    assert found.tissues[BONE].worst_mm == 0.0
    assert not found.distances[BONE].any()


def test_the_worst_place_is_no_nearer_than_what_95_of_100_distances_are_below():
    """A root so thin that it has no drawn surface counts all the same."""
    first = case(10.0, 5.0)[0]
    array = first.array.copy()
    array[30:56, 25, 39:41] = NERVE
    array[50:56, 10:12, 10:40] = NERVE
    surfaces = build_surfaces(first)
    nerve = compared(first, surfaces, Labels(array, GRID), surfaces).tissues[NERVE]
    assert nerve.worst_mm >= nerve.hd95_mm > 10
    assert array[tuple(np.rint(GRID.to_index(nerve.worst)).astype(int))] == NERVE
    assert nerve.worst[0] == -15, "the end of the bar that is farthest from the rod"


def test_without_nerve_nothing_is_made_up_and_other_grids_are_refused():
    labels, surfaces = case(10.0, -40.0)
    found = compared(labels, surfaces, *case(10.0, 5.0))
    assert found.tissues[NERVE].worst is None
    assert found.tissues[NERVE].dice == 0.0
    assert NERVE not in found.distances
    moved = Labels(labels.array, Geometry(GRID.shape, GRID.spacing, (0.0, 0.0, 0.0)))
    with pytest.raises(UsageError, match="grids"):
        compared(labels, surfaces, moved, surfaces)
