"""Courses and surfaces on tubes whose middle and radius are known, and distances on a ball."""

import numpy as np
import pytest

from spinect_core.anatomy.courses import NerveCloud, centred, dense, root_surface, snap_course
from spinect_core.anatomy.fields import signed_field
from spinect_core.anatomy.landmarks import _sac
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels

GRID = Geometry((40, 40, 60), (1.0, 1.0, 1.0), (-10.0, 5.0, 3.0))
RADIUS = 2.6


@pytest.fixture(scope="module")
def tube():
    z, y, _x = np.indices(GRID.shape)
    inside = (y - 20.3) ** 2 + (z - 19.8) ** 2 < RADIUS**2
    return Labels(np.where(inside, NERVE, 0).astype(np.uint8), GRID)


@pytest.fixture(scope="module")
def course(tube):
    guess = np.stack([np.full(51, 18.0), np.full(51, 22.5), np.linspace(5, 55, 51)], axis=1)
    rough = snap_course(GRID.to_patient(guess), NerveCloud.of(tube))
    return centred(rough, signed_field(tube, NERVE))


def test_a_course_is_drawn_to_the_middle_of_the_nerve(course):
    assert course.found.all()
    index = GRID.to_index(course.points)[3:-3]
    assert np.abs(index[:, 1] - 20.3).max() < 0.25
    assert np.abs(index[:, 0] - 19.8).max() < 0.25
    assert course.radii[3:-3] == pytest.approx(RADIUS, abs=0.25)


def test_the_surface_of_a_root_lies_where_the_tube_ends(tube, course):
    surface = root_surface(course, signed_field(tube, NERVE), np.array([0.0, 0.0, 1.0]))
    index = GRID.to_index(surface)[3:-3]
    assert index[:, 0] == pytest.approx(19.8 + RADIUS, abs=0.3)
    assert index[:, 1] == pytest.approx(20.3, abs=0.25)


def test_without_nerve_a_course_stays_and_says_so():
    empty = Labels(np.zeros(GRID.shape, np.uint8), GRID)
    line = np.stack([np.linspace(0, 30, 31), np.full(31, 20.0), np.full(31, 20.0)], axis=1)
    course = snap_course(line, NerveCloud.of(empty))
    assert np.array_equal(course.points, line)
    assert course.part_found == 0.0


def test_the_field_of_a_ball_is_its_distance():
    z, y, x = np.indices(GRID.shape)
    ball = (x - 30) ** 2 + (y - 20) ** 2 + (z - 20) ** 2 < 9.0**2
    field = signed_field(Labels(np.where(ball, BONE, 0).astype(np.uint8), GRID), BONE)
    centre = GRID.to_patient([20.0, 20.0, 30.0])
    rng = np.random.default_rng(1)
    way = rng.normal(size=(200, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    # Between the voxels next to the surface it is exact to half of one at worst, and to a fifth on the mean.
    for distance, within in ((6.0, 0.55), (9.0, 0.5), (13.0, 0.55)):
        assert field.at(centre + distance * way) == pytest.approx(distance - 9.0, abs=within)
    assert np.abs(field.at(centre + 9.0 * way)).mean() < 0.2
    surface, moved = field.to_surface(centre + 10.5 * way, 3.0)
    assert np.linalg.norm(surface - centre, axis=1) == pytest.approx(9.0, abs=0.5)
    assert moved == pytest.approx(1.5, abs=0.5)
    out = field.crossing(np.tile(centre, (200, 1)), way, 15.0)
    assert out == pytest.approx(9.0, abs=0.5)
    assert np.isnan(field.crossing(np.tile(centre, (200, 1)), way, 5.0)).all()
    back = field.crossing(centre + 14.0 * way, -way, 15.0, leaving=False)
    assert back == pytest.approx(5.0, abs=0.5)


def test_dense_keeps_ends_and_length():
    line = dense(np.array([[0.0, 0, 0], [3.0, 0, 0], [3.0, 4.0, 0]]), 0.5)
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() <= 0.5 + 1e-9
    assert line[0].tolist() == [0, 0, 0]
    assert line[-1].tolist() == [3, 4, 0]


@pytest.mark.parametrize("aside", [-3.0, 2.5])
def test_the_sac_is_drawn_to_the_middle_between_its_sides(aside):
    _z, y, x = np.indices(GRID.shape)
    sac = Labels(np.where((x - 30.0) ** 2 + (y - 20.0) ** 2 < 6.5**2, NERVE, 0).astype(np.uint8), GRID)
    guess = np.stack([np.linspace(33, 6, 28), np.full(28, 20.0), np.full(28, 30.0 + aside)], axis=1)
    found = _sac(GRID.to_patient(guess), signed_field(sac, NERVE), np.array([1.0, 0.0, 0.0]))
    assert found.found.all()
    assert GRID.to_index(found.points)[:, 2] == pytest.approx(30.0, abs=0.3)
    assert found.radii == pytest.approx(6.5, abs=0.3)
