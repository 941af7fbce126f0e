"""Outlines of marked points: filled again they mark the same points, whatever reads them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from scipy import ndimage
from skimage.draw import polygon2mask

from spinect_core.geometry.filling import filled
from spinect_core.geometry.outlines import outlines


def drawn(rows: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in rows.split()])


RING = drawn(".......  .#####.  .#...#.  .#.#.#.  .#...#.  .#####.  .......")
CORNERS = drawn("#..#  .##.  .##.  #..#")
HOLES = drawn("#########  #.#.#.#.#  #########  #..#...##  #########  #.#######  #########")
BLOBS = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(90, 110)), 2) > 0.03
NOISE = np.random.default_rng(4).random((60, 50)) > 0.45


@pytest.mark.parametrize("mask", [RING, CORNERS, HOLES, BLOBS, NOISE, ~NOISE, np.ones((3, 4), bool)])
def test_filled_again_they_mark_the_same_points(mask: np.ndarray) -> None:
    found = outlines(mask)
    assert np.array_equal(filled(found, mask.shape), mask)
    # and by another program, which fills each outline by itself
    union = np.zeros(mask.shape, bool)
    for each in found:
        union |= polygon2mask(mask.shape, each)
    assert np.array_equal(union, mask)


@pytest.mark.parametrize("mask", [RING, HOLES, BLOBS[:40, :40], NOISE[:25, :25]])
def test_every_part_is_one_outline_that_keeps_off_the_points(mask: np.ndarray) -> None:
    found = outlines(mask)
    assert len(found) == ndimage.label(mask)[1]
    points = shapely.points(np.argwhere(np.ones(mask.shape, bool)))
    for each in found:
        line = shapely.LinearRing(each)
        assert shapely.distance(line, points).min() >= 0.25 - 1e-9


def test_a_straight_border_has_no_corners_within_and_nothing_has_no_outline() -> None:
    (square,) = outlines(np.ones((30, 40), bool))
    assert len(square) == 8
    assert (square.min(axis=0) == -0.5).all()
    assert (square.max(axis=0) == (29.5, 39.5)).all()
    assert outlines(np.zeros((5, 5), bool)) == []
