"""Outlines fill the points within them: holes, keyholes, islands in holes, shared edges."""

from __future__ import annotations

import numpy as np

from spinect_core.geometry.filling import filled


def box(low: float, high: float) -> np.ndarray:
    return np.array([(low, low), (low, high), (high, high), (high, low)])


def test_a_square_holds_the_points_within() -> None:
    made = filled([box(1.5, 4.5)], (7, 8))
    wanted = np.zeros((7, 8), bool)
    wanted[2:5, 2:5] = True
    assert np.array_equal(made, wanted)
    assert np.array_equal(filled([box(1.5, 4.5)[::-1]], (7, 8)), wanted)  # whichever way round


def test_a_hole_and_an_island_in_it() -> None:
    made = filled([box(0.5, 9.5), box(2.5, 7.5), box(4.5, 5.5)], (11, 11))
    assert made.sum() == 81 - 25 + 1
    assert made[5, 5]
    assert not made[4, 4]


def test_a_keyhole_leaves_its_hole_open() -> None:
    outer, inner = box(0.5, 9.5), box(3.5, 6.5)
    # along one line inwards, round the hole the other way, and back along the same line
    keyhole = np.concatenate([outer, outer[:1], inner[:1], inner[::-1], outer[:1]])
    assert np.array_equal(filled([keyhole], (11, 11)), filled([outer, inner], (11, 11)))


def test_areas_that_share_an_edge_through_points_neither_overlap_nor_leave_a_gap() -> None:
    left = np.array([(1.0, 1.0), (1.0, 5.0), (8.0, 5.0), (8.0, 1.0)])
    right = np.array([(1.0, 5.0), (1.0, 9.0), (8.0, 9.0), (8.0, 5.0)])
    both = filled([left], (10, 10)).astype(int) + filled([right], (10, 10))
    assert np.array_equal(
        both, filled([np.array([(1.0, 1.0), (1.0, 9.0), (8.0, 9.0), (8.0, 1.0)])], (10, 10))
    )


def test_what_reaches_beyond_the_lattice_is_cut() -> None:
    assert filled([box(-5.0, 30.0)], (4, 5)).all()
    assert not filled([box(10.0, 30.0)], (4, 5)).any()
    assert not filled([np.array([(1.0, 1.0), (1.0, 3.0), (1.0, 2.0)])], (4, 5)).any()  # flat


def test_a_fine_circle_has_its_area() -> None:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = np.column_stack([50 + 40 * np.sin(angle), 50 + 40 * np.cos(angle)])
    assert abs(filled([circle], (101, 101)).sum() / (np.pi * 1600) - 1) < 0.005
