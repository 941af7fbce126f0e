"""The open part of a triangle against obstacles whose shadow is known."""

import numpy as np
import pytest

from spinect_core.anatomy.openings import open_part, sample_triangle
from spinect_core.planning.view import View
from spinect_core.volume import BONE, NERVE, Geometry, Labels

# A right triangle in the frontal plane y = 0, seen from behind (+y).
TRIANGLE = np.array([[0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [0.0, 0.0, 20.0]])
GRID = Geometry((60, 80, 60), (1.0, 1.0, 1.0), (-20.0, -20.0, -20.0))


def empty():
    return np.zeros(GRID.shape, np.uint8)


def test_nothing_in_the_way_leaves_all_of_it_open():
    assert open_part(Labels(empty(), GRID), TRIANGLE, View(0)) == 1.0


@pytest.mark.parametrize("label", [BONE, NERVE])
def test_a_wall_closes_it_and_only_from_where_it_stands(label):
    array = empty()
    array[:, 50:53, :] = label  # y = 30 to 32 mm, behind the triangle
    labels = Labels(array, GRID)
    assert open_part(labels, TRIANGLE, View(0)) == 0.0
    assert open_part(labels, TRIANGLE, View(180)) == 1.0


def test_half_a_wall_closes_what_lies_behind_it():
    array = empty()
    array[:, 50:53, 30:] = BONE  # all that lies left of x = 10 mm
    # Of the triangle x + z < 20, the part with x > 10 is a quarter.
    assert open_part(Labels(array, GRID), TRIANGLE, View(0)) == pytest.approx(0.75, abs=0.06)


def test_the_borders_it_lies_on_do_not_close_it():
    array = empty()
    array[:, 20:22, :] = BONE  # y = 0 and 1 mm: the surface the triangle lies on
    assert open_part(Labels(array, GRID), TRIANGLE, View(0)) == 1.0


def test_samples_lie_inside():
    points = sample_triangle(TRIANGLE, 12)
    assert len(points) == 144
    assert (points[:, 0] > 0).all()
    assert (points[:, 2] > 0).all()
    assert (points[:, 0] + points[:, 2] < 20 + 1e-9).all()
    assert points.mean(axis=0) == pytest.approx([20 / 3, 0, 20 / 3], abs=0.4)
