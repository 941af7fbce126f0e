"""Courses laid on a plane of bone: z = 0 is its surface, below it is bone."""

from __future__ import annotations

import numpy as np
import pytest

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.nerves import Course, tube_distance
from spinect_core.research.phantom.roots import run_beyond
from spinect_core.research.phantom.settle import flattened, settled, spread_gaps
from spinect_core.research.phantom.variety import RootVariety

GRID = Geometry((60, 40, 80), (1.0, 1.0, 1.0), (0.0, 0.0, -20.0))


@pytest.fixture
def plane() -> FloatArray:
    z = np.arange(60) - 20.0
    return np.broadcast_to(z[:, None, None], GRID.shape).copy()


def along_x(height: float, radius: float = 2.0) -> Course:
    x = np.arange(10.0, 70.0, 0.5)
    points = np.stack([x, np.full_like(x, 20.0), np.full_like(x, height)], axis=1)
    return Course("L5 left", points, np.full(len(x), radius))


def test_a_course_comes_to_lie_as_far_from_the_bone_as_asked(plane: FloatArray) -> None:
    course = along_x(9.0)
    laid = settled(course, plane, GRID, np.full(120, 1.0), start=20)
    assert laid.points[60:, 2] == pytest.approx(np.full(60, 3.0), abs=0.3)
    assert np.array_equal(laid.points[:20], course.points[:20])
    assert laid.points[:, 1] == pytest.approx(course.points[:, 1], abs=1e-6)
    assert np.all(np.diff(laid.points[:, 0]) > 0.2)
    # No kink: a root turns by no more than 30 degrees in a millimetre.
    steps = np.diff(laid.points, axis=0)[::2]
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    assert (steps[1:] * steps[:-1]).sum(axis=1).min() > np.cos(np.radians(30.0))


def test_what_is_out_of_reach_stays(plane: FloatArray) -> None:
    course = along_x(30.0)
    laid = settled(course, plane, GRID, np.zeros(120), reach=14.0)
    assert laid.points == pytest.approx(course.points, abs=1e-9)


def test_what_is_nearer_than_asked_is_not_pushed_away(plane: FloatArray) -> None:
    laid = settled(along_x(3.0), plane, GRID, np.full(120, 6.0))
    assert laid.points[:, 2] == pytest.approx(np.full(120, 3.0), abs=0.01)


def test_gaps_go_from_the_first_to_the_last() -> None:
    gaps = spread_gaps((1.0, 5.0), 101, 1)
    assert gaps[0] == 1.0
    assert gaps[51] == pytest.approx(3.0, abs=0.05)
    assert gaps[-1] == 5.0


def test_a_flattened_course_is_a_band_on_the_bone_of_the_same_cross_section(plane: FloatArray) -> None:
    course = along_x(4.0, radius=3.0)
    bands = flattened(course, plane, GRID, 2.0, start=10)
    y, z = np.meshgrid(np.arange(8.0, 32.0, 0.1), np.arange(-4.0, 12.0, 0.1), indexing="ij")

    def cross_section(x: float, tubes: list[Course]) -> tuple[float, float, float]:
        where = np.stack([np.full(y.size, x), y.ravel(), z.ravel()], axis=1)
        inside = np.minimum.reduce([tube_distance(tube, where, 8.0) for tube in tubes]) < 0
        ys, zs = where[inside, 1], where[inside, 2]
        return float(np.ptp(ys)), float(np.ptp(zs)), float(inside.sum()) * 0.01

    breadth, thickness, area = cross_section(55.0, bands)
    assert breadth / thickness == pytest.approx(2.0, rel=0.08)
    assert area == pytest.approx(np.pi * 9.0, rel=0.04)
    round_breadth, round_thickness, _area = cross_section(12.0, bands)
    assert round_breadth == pytest.approx(round_thickness, abs=0.2)


def test_a_round_course_is_left_as_it_is(plane: FloatArray) -> None:
    course = along_x(4.0)
    assert flattened(course, plane, GRID, 1.0, start=10) == [course]


def test_within_the_foramen_a_root_stays_where_it_was_laid(plane: FloatArray) -> None:
    """Even where it lies in bone there: what has to give way is another step's business."""
    x = np.arange(10.0, 70.0, 0.5)
    points = np.stack([x, np.full_like(x, 20.0), np.where(x < 20.0, 1.0, 9.0)], axis=1)
    course = Course("L5 left", points, np.full(len(x), 2.0), ganglion=12)
    own = RootVariety("touching", (0.5,) * 6, 1.5, 0.0, (0.0, 0.0, 0.0))
    laid = run_beyond(course, own, plane, GRID, 0.3)
    assert np.array_equal(laid.points[:19], course.points[:19])
    assert laid.points[70:, 2] == pytest.approx(np.full(50, 2.5), abs=0.3)
