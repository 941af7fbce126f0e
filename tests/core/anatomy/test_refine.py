"""The lower end plate slid along itself, on a block of known depth, and in a specimen whose L5 has slipped."""

import numpy as np
import pytest

from spinect_core.anatomy.fields import signed_field
from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.anatomy.levels import level_of
from spinect_core.anatomy.refine import PLATE_FOLLOWS, depth_of_body, slide_of_plate
from spinect_core.image.volume import BONE, Geometry, Labels
from spinect_core.research.phantom import draw_case
from spinect_core.research.phantom.scanner import IDEAL

pytestmark = pytest.mark.heavy

LEVEL = level_of("L5/S1")
GRID = Geometry((70, 80, 80), (1.0, 1.0, 1.0), (-40.0, -40.0, -45.0))
LEAN = np.radians(30.0)
BACK, UP = np.array([0.0, np.cos(LEAN), -np.sin(LEAN)]), np.array([0.0, np.sin(LEAN), np.cos(LEAN)])
BEHIND, AHEAD = 16.0, 14.0


def landmarks_of(slid_mm):
    """The middle of a leaning end plate and its two corners, slid to the back by so much."""
    middle = slid_mm * BACK
    corners = {
        f"S1 posterolateral corner {side}": middle + sign * np.array([20.0, 0.0, 0.0]) + 9.0 * BACK
        for side, sign in (("left", 1.0), ("right", -1.0))
    }
    return {LEVEL.focus: middle, **corners}


@pytest.fixture(scope="module")
def block():
    """A leaning block under the plane through the origin, 16 mm deep behind it and 14 mm in front."""
    places = GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1))
    deep, high = places @ BACK, places @ UP
    inside = (deep < BEHIND) & (deep > -AHEAD) & (high < 0) & (high > -25) & (np.abs(places[..., 0]) < 25)
    return signed_field(Labels(np.where(inside, BONE, 0).astype(np.uint8), GRID), BONE)


def test_the_depth_of_a_body_is_that_of_the_block(block):
    assert depth_of_body(landmarks_of(0.0), LEVEL, block) == pytest.approx((BEHIND, AHEAD), abs=0.4)
    assert depth_of_body(landmarks_of(3.0), LEVEL, block) == pytest.approx((BEHIND - 3, AHEAD + 3), abs=0.4)


@pytest.mark.parametrize("slid", [-6.0, 0.0, 4.0])
def test_a_plate_laid_too_far_is_slid_back_along_itself(block, slid):
    way = slide_of_plate(landmarks_of(slid), LEVEL, block, BEHIND / (BEHIND + AHEAD))
    assert way == pytest.approx(-PLATE_FOLLOWS * slid * BACK, abs=0.4)


def test_without_a_body_under_it_a_plate_stays(block):
    away = {name: point + np.array([0.0, 0.0, 30.0]) for name, point in landmarks_of(0.0).items()}
    assert np.isnan(depth_of_body(away, LEVEL, block)).all()
    assert not slide_of_plate(away, LEVEL, block, 0.5).any()


def test_the_end_plate_of_s1_stays_behind_where_l5_has_slipped():
    phantom = draw_case(146007, (2.0, 2.0, 2.0), setting=IDEAL)
    assert phantom.truth["pathologies"]["spondylolisthesis"]["slip"] > 0.2
    points, true = find_landmarks(phantom.labels).points, phantom.truth["landmarks"]
    for name in (LEVEL.focus, *(f"S1 posterolateral corner {side}" for side in ("left", "right"))):
        assert np.linalg.norm(points[name] - np.array(true[name])) < 4.0, name
