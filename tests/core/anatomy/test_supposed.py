"""A root of known course, straight in the labels and bent in their gap, in fat; the CT alone shows the bend."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from spinect_core.anatomy.completeness import Gap, RootFound
from spinect_core.anatomy.supposed import LONGEST_MM, supposed_course, with_suppositions
from spinect_core.base.errors import Cancelled
from spinect_core.base.words import RootPart, RootPlace
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume

GRID = Geometry((70, 40, 40), (1.0, 1.0, 1.0), (-20.0, -20.0, -35.0))
FAT, NERVE_HU, BONE_HU = -95, 40, 600
HALF_MM, BEND_MM = 7.0, 3.5
Z = np.arange(-28.0, 29.0)


def bend(z):
    """How far to the left the root runs at a height: straight but within the gap."""
    return BEND_MM * np.cos(np.clip(z / HALF_MM, -1.0, 1.0) * np.pi / 2) ** 2


def case(half=HALF_MM):
    """Labels with a gap from -half to half, their CT, and the root as it was found, with the gap."""
    points = GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1))
    true = np.stack([bend(Z), 0 * Z, Z], axis=1)
    inside = np.hypot(points[..., 0] - bend(points[..., 2]), points[..., 1]) < 2.6
    noise = np.random.default_rng(4).normal(0.0, 12.0, GRID.shape)
    volume = Volume(np.round(np.where(inside, NERVE_HU, FAT) + noise).astype(np.int16), GRID)
    array = np.where(inside & (np.abs(points[..., 2]) > half), NERVE, 0).astype(np.uint8)
    line = np.stack([0 * Z, 0 * Z, Z], axis=1)
    labelled = np.abs(Z) > half
    gap = Gap(line[np.abs(Z) <= half + 1], 28.0 - half, 2 * half, RootPlace.DISC)
    parts = (RootPart.BEYOND,) * len(Z)
    return Labels(array, GRID), volume, RootFound("L5 left", line, labelled, parts, False, (gap,)), true


def test_the_way_follows_the_bend_that_only_the_ct_shows():
    labels, volume, root, true = case()
    (gap,) = root.gaps
    found = supposed_course(root, gap, labels, volume)
    assert found is not None
    away, _ = cKDTree(true).query(found)
    expected, _ = cKDTree(true).query(gap.points)
    assert away.mean() < 0.8
    assert away.max() < 1.6
    assert expected.max() > 3.0, "the expected course cuts the bend off"
    # from the last labelled point on one side to the first on the other
    assert found[0] == pytest.approx(root.points[root.labelled & (Z < 0)][-1])
    assert found[-1] == pytest.approx(root.points[root.labelled & (Z > 0)][0])


def test_no_label_changes_and_whole_roots_stay_as_they_are():
    labels, volume, root, _true = case()
    before = labels.array.copy()
    whole = replace(root, name="L5 right", gaps=())
    found = with_suppositions({"L5 left": root, "L5 right": whole}, labels, volume)
    np.testing.assert_array_equal(labels.array, before)
    assert found["L5 right"] is whole
    (gap,) = found["L5 left"].gaps
    assert gap.supposed is not None
    assert (gap.length_mm, gap.start_mm, gap.place) == (14.0, 21.0, RootPlace.DISC)
    np.testing.assert_array_equal(found["L5 left"].labelled, root.labelled)


def test_nothing_is_supposed_where_the_ct_shows_nothing_like_a_root():
    labels, volume, root, _true = case()
    heights = GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1))[..., 2]
    bare = np.where(np.abs(heights) < HALF_MM - 1, FAT, volume.array).astype(np.int16)
    assert supposed_course(root, root.gaps[0], labels, Volume(bare, GRID)) is None


def test_no_way_leads_through_bone_or_far_around_it():
    labels, volume, root, _true = case()
    walled, slab = labels.array.copy(), (slice(34, 37),)
    walled[slab] = BONE
    assert supposed_course(root, root.gaps[0], Labels(walled, GRID), volume) is None
    # open at one side alone, 13 mm away: a way, but none that a root would take
    walled[34:37, :, 33:36] = 0
    around = volume.array.copy()
    around[28:43, 18:23, 20:36] = NERVE_HU
    assert supposed_course(root, root.gaps[0], Labels(walled, GRID), Volume(around, GRID)) is None


def test_a_gap_that_is_long_or_open_at_an_end_stays_one():
    half = LONGEST_MM / 2 + 1
    labels, volume, root, _true = case(half)
    assert supposed_course(root, root.gaps[0], labels, volume) is None
    labels, volume, root, _true = case()
    kept = Z < HALF_MM + 2
    cut = RootFound(
        root.name, root.points[kept], root.labelled[kept], root.parts[: kept.sum()], True, root.gaps
    )
    assert supposed_course(cut, root.gaps[0], labels, volume) is None


def test_where_the_ct_does_not_reach_nothing_is_supposed():
    labels, volume, root, _true = case()
    part = Geometry((30, 40, 40), (1.0, 1.0, 1.0), GRID.origin)
    assert supposed_course(root, root.gaps[0], labels, Volume(volume.array[:30], part)) is None


def test_it_can_be_stopped():
    labels, volume, root, _true = case()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        with_suppositions({"L5 left": root}, labels, volume, stop)
