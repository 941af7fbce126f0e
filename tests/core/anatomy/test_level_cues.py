"""What the cues of a level see, on spines of a few boxes: what speaks against it, and what only looks as if it did."""

import numpy as np
import pytest

from spinect_core.anatomy.column import AHEAD, BESIDE, STEP_MM, Column, straightened
from spinect_core.anatomy.doubts import AGAINST, lies_elsewhere
from spinect_core.anatomy.hypotheses import Hypothesis, discs, judged
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels

PLANES = 100
HEIGHT = (np.arange(PLANES) - 40) * STEP_MM
"""Mm above the end plate of S1, of every plane."""


def spine(half_width=23.0, process_mm=20.0, thinning=0.011):
    """A column with a disc from 0 to 8 mm above S1, and another 36 mm higher.

    Args:
        half_width: of its bodies, mm.
        process_mm: from the end plate of S1 up to the lower margin of L5's left transverse process, 19 mm thick.
        thinning: of what lies below the end plate, part of its depth a mm.
    """
    height, ahead, beside = HEIGHT[:, None, None], AHEAD[None, :, None], BESIDE[None, None, :]
    depth = np.where(height < 0.0, 32.0 * np.clip(1.0 + thinning * height, 0.2, 1.0), 32.0)
    body = (ahead > 6.0) & (ahead < 6.0 + depth) & (np.abs(beside) < half_width)
    disc = ((height > 0.0) & (height < 8.0)) | ((height > 36.0) & (height < 44.0))
    wings = (height < 0.0) & (np.abs(beside) < 55.0) & (ahead > -4.0) & (ahead < 28.0)
    process = (height > process_mm) & (height < process_mm + 19.0) & (beside > 20.0) & (beside < 46.0)
    bone = (body & ~disc) | wings | (process & (ahead > -2.0) & (ahead < 24.0))
    middle = np.stack([np.zeros(PLANES), np.zeros(PLANES), HEIGHT], axis=1)
    up, front, left = (np.tile(axis, (PLANES, 1)) for axis in ([0.0, 0, 1], [0.0, -1, 0], [1.0, 0, 0]))
    return Column(bone.astype(float), np.zeros(bone.shape), middle, up, front, left, (28, 90))


def cues(column):
    places = discs(column)
    assert len(places) == 2
    found = judged(column, places, [1.0, 1.0])
    assert found[0].point[2] == pytest.approx(0.0, abs=2 * STEP_MM)
    return found[0].cues


@pytest.mark.parametrize("process_mm", [3.0, 6.0, 12.0])
def test_a_low_transverse_process_leaves_the_disc_free(process_mm):
    assert cues(spine(process_mm=process_mm))["free"] > AGAINST


@pytest.mark.parametrize("process_mm", [-4.0, 0.0, 1.0])
def test_a_transverse_process_that_meets_the_wing_speaks_against_the_level(process_mm):
    assert cues(spine(process_mm=process_mm))["free"] < AGAINST


@pytest.mark.parametrize("half_width", [18.0, 20.0, 23.0, 27.0])
def test_s1_thins_downwards_however_narrow_its_body_is(half_width):
    column = spine(half_width=half_width)
    assert column.scale == pytest.approx(half_width / 23.5, abs=0.06)
    assert cues(column)["shape"] > AGAINST


@pytest.mark.parametrize("half_width", [18.0, 23.0, 27.0])
def test_a_body_as_deep_below_as_above_is_not_s1(half_width):
    assert cues(spine(half_width=half_width, thinning=0.0))["shape"] < AGAINST


def tube(aside, radius):
    """Nerve along the z-axis, as far aside and as thick as given for each mm, between walls of bone."""
    grid = Geometry((len(aside), 40, 110), (1.0, 1.0, 1.0), (-55.0, -20.0, 0.0))
    x, y = np.arange(110) - 55.0, np.arange(40)[:, None] - 20.0
    array = np.zeros(grid.shape, np.uint8)
    array[:, :, np.abs(np.abs(x) - 50.0) < 3.0] = BONE
    for row, (middle, reach) in enumerate(zip(aside, radius, strict=True)):
        array[row][np.hypot(x - middle, y) < reach] = NERVE
    return Labels(array, grid)


Z = np.arange(150.0)


@pytest.mark.parametrize("slope", [0.5, 0.7, 1.0])
def test_the_canal_is_not_followed_into_a_root_beyond_which_lies_a_ganglion(slope):
    # The sac ends at 80 mm; a root leaves it to the side and swells on its way.
    aside = np.where(Z < 80.0, -slope * (80.0 - Z), 0.0)
    radius = np.select([Z > 80.0, Z > 75.0, Z > 50.0], [5.0, 2.2, 4.5], 2.2)
    column = straightened(tube(aside, radius))
    assert column is not None
    assert np.abs(column.middle[:, 0]).max() < 6.0
    assert np.abs(column.up[:, 0]).max() < 0.15


def test_a_sac_that_turns_aside_and_stays_thick_is_followed_to_its_end():
    column = straightened(tube(np.where(Z < 80.0, -0.35 * (80.0 - Z), 0.0), np.full(len(Z), 6.0)))
    assert column is not None
    lowest = column.middle[column.sac[0]]
    assert lowest[2] < 24.0
    assert lowest[0] == pytest.approx(-0.35 * (80.0 - lowest[2]), abs=5.0)


def test_a_sac_that_is_narrow_for_a_while_is_followed_beyond():
    radius = np.where((Z > 60.0) & (Z < 72.0), 2.2, 6.0)
    column = straightened(tube(np.where(Z < 80.0, -0.1 * (80.0 - Z), 0.0), radius))
    assert column is not None
    assert column.middle[column.sac[0]][2] < 24.0


LEVELS_SEEN = [Hypothesis("L5/S1", 0, (0.0, 0.0, 0.0), 1.0), Hypothesis("L4/5", -1, (0.0, -18.0, 31.0), 0.3)]
ALONG = np.array([0.0, -18.0, 31.0]) / np.hypot(18.0, 31.0)
FORWARDS = np.array([0.0, -31.0, -18.0]) / np.hypot(18.0, 31.0)


@pytest.mark.parametrize(
    ("away", "elsewhere"),
    [
        (18.0 * FORWARDS, False),
        (-20.0 * FORWARDS + 8.0 * ALONG, False),
        (18.0 * ALONG, True),
        (-18.0 * ALONG, True),
        (28.0 * FORWARDS, True),
        (np.array([28.0, 0.0, 0.0]), True),
    ],
)
def test_the_atlas_lies_on_another_vertebra_by_its_place_along_the_spine(away, elsewhere):
    assert lies_elsewhere(LEVELS_SEEN, {0: away}, 1.0) is elsewhere
    assert lies_elsewhere(LEVELS_SEEN, {1: np.array(LEVELS_SEEN[1].point) + away}, 1.0) is elsewhere


def test_of_a_single_disc_the_way_along_the_spine_is_not_known():
    assert lies_elsewhere(LEVELS_SEEN[:1], {0: 18.0 * FORWARDS}, 1.0)
    assert not lies_elsewhere(LEVELS_SEEN[:1], {0: 12.0 * FORWARDS}, 1.0)
