"""Corrections by hand, in millimetres on grids whose voxels are no cubes."""

import itertools
import math

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.image.editing import (
    Cut,
    Edit,
    Stroke,
    along_line,
    brushed,
    correction,
    cut_at,
    edit_of,
    filled_hole,
    interpolated,
    kept_piece,
    over_labels,
    removed_piece,
    smoothed,
)
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels

THICK = Geometry((20, 60, 80), (0.5, 0.8, 3.0), (-10.0, 5.0, 40.0))
"""Slices of 3 mm with pixels of 0.5 x 0.8 mm."""


def turned(degrees):
    """A grid turned about the patient's long axis."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Geometry((40, 40, 40), (1.0, 1.0, 1.0), (0, 0, 0), np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]))


def empty(grid):
    return Labels(np.zeros(grid.shape, np.uint8), grid)


def whole(grid, drawn):
    """A box and its mask in the whole grid."""
    mask = np.zeros(grid.shape, bool)
    mask[drawn[0]] = drawn[1]
    return mask


def with_(labels, strokes):
    """The labels after strokes."""
    edit = edit_of(labels.array, strokes)
    return labels.array if edit is None else edit.done(labels.array)


def test_disc_is_round_in_mm_and_one_slice_thick():
    point = THICK.to_patient((10, 30, 40))
    mask = whole(THICK, brushed(THICK, point, point, 6.0, Cut(2, float(point[2]), 1.5)))
    assert set(np.argwhere(mask)[:, 0]) == {10}
    spread = np.ptp(np.argwhere(mask), axis=0)
    assert spread[2] * 0.5 == pytest.approx(12.0)
    assert spread[1] * 0.8 == pytest.approx(11.2)  # 14 voxels; a 15th would lie outside
    assert mask.sum() * 0.4 == pytest.approx(math.pi * 36, rel=0.03)


def test_a_disc_in_a_sagittal_slice_crosses_the_thick_slices():
    point = THICK.to_patient((10, 30, 40))
    mask = whole(THICK, brushed(THICK, point, point, 6.0, cut_at(THICK, 0, float(point[0]), 0.5, False)))
    z, y, x = np.argwhere(mask).T
    assert set(x) == {40}
    assert (z.min(), z.max()) == (8, 12)  # 6 mm up and down
    assert (y.min(), y.max()) == (23, 37)


def test_ball_has_its_volume_and_a_stroke_that_of_a_capsule():
    grid = Geometry((60, 60, 60), (0.5, 0.5, 0.5))
    start, stop = np.array([10.0, 15, 15]), np.array([20.0, 15, 15])
    ball = brushed(grid, start, start, 4.0)[1].sum() * 0.125
    assert ball == pytest.approx(4 / 3 * math.pi * 64, rel=0.03)
    capsule = brushed(grid, start, stop, 4.0)[1].sum() * 0.125
    assert capsule == pytest.approx(4 / 3 * math.pi * 64 + math.pi * 16 * 10, rel=0.03)


def test_the_smallest_brush_still_hits_the_voxel_under_it_and_none_outside():
    point = THICK.to_patient((3.3, 20.4, 20.4))
    assert np.argwhere(whole(THICK, brushed(THICK, point, point, 0.1))).tolist() == [[3, 20, 20]]
    assert brushed(THICK, point + 500, point + 500, 3.0) is None


def test_on_a_turned_grid_a_cut_has_no_holes():
    grid = turned(30)
    middle = grid.centre
    cut = cut_at(grid, 0, float(middle[0]), 1.0, True)
    box, mask = brushed(grid, middle, middle, 8.0, cut)
    points = np.stack(np.meshgrid(np.arange(-6, 7), np.arange(-6, 7)), -1).reshape(-1, 2)
    points = points[np.linalg.norm(points, axis=1) <= 6]
    seen = middle + np.column_stack([np.zeros(len(points)), points])
    index = np.rint(grid.to_index(seen)).astype(int)
    assert whole(grid, (box, mask))[tuple(index.T)].all()


def test_painting_spares_a_label_and_erasing_takes_only_the_one():
    labels = empty(THICK)
    labels.array[:, :, :40], labels.array[:, :, 40:50] = BONE, NERVE
    box, mask = (slice(0, 20), slice(0, 60), slice(30, 60)), np.ones((20, 60, 30), bool)
    painted = with_(labels, [Stroke(box, mask, NERVE, over_labels(NERVE, {BONE}))])
    assert (painted[:, :, :40] == BONE).all()
    assert (painted[:, :, 40:60] == NERVE).all()
    erased = with_(labels, [Stroke(box, mask, 0, frozenset({NERVE}))])
    assert (erased[:, :, :40] == BONE).all()
    assert not erased[:, :, 40:].any()


def test_steps_are_small_and_go_both_ways_only_on_their_labels():
    rng = np.random.default_rng(4)
    labels = Labels(rng.integers(0, 3, THICK.shape).astype(np.uint8), THICK)
    point = THICK.to_patient((10, 30, 40))
    edit = edit_of(labels.array, [Stroke(*brushed(THICK, point, point, 5.0), NERVE, over_labels(NERVE))])
    after = edit.done(labels.array)
    assert edit.voxels == (after != labels.array).sum() > 100
    assert edit.tissues == {BONE, NERVE}
    assert len(edit.before) + len(edit.after) < 2 * math.prod(edit.shape)
    assert edit.follows(after)
    assert not edit.follows(labels.array)
    np.testing.assert_array_equal(edit.undone(after), labels.array)
    for array in (after, after[:5]):
        with pytest.raises(UsageError, match="not those"):
            edit.done(array)
    damaged = Edit(edit.first, edit.shape, edit.before, edit.before, edit.voxels)
    assert damaged.follows(labels.array)
    assert Edit.between(after, after, (0, 0, 0)) is None


def test_both_grids_change_alike_and_nothing_outside_of_what_is_planned_on():
    fine = Geometry((30, 30, 30), (1.0, 1.0, 1.0), (0.0, 15.0, 50.0))
    labels, labels_1mm = empty(THICK), empty(fine)
    inside, outside = (15.0, 30.0, 64.0), (-5.0, 30.0, 64.0)
    strokes = [Stroke(*brushed(THICK, p, p, 4.0), NERVE, over_labels(NERVE)) for p in (inside, outside)]
    made = correction(labels, labels_1mm, strokes)
    on_ct, on_1mm = made.on_ct.done(labels.array), made.on_1mm.done(labels_1mm.array)
    assert made.voxels == np.count_nonzero(on_ct)
    assert on_ct.sum() * THICK.voxel_volume == pytest.approx(on_1mm.sum(), rel=0.1)
    assert fine.holds(THICK.to_patient(np.argwhere(on_ct))).all()
    middle = fine.to_patient(np.argwhere(on_1mm)).mean(axis=0)
    np.testing.assert_allclose(middle, inside, atol=0.8)
    assert correction(labels, labels_1mm, strokes[1:]) is None


def test_no_slice_of_a_fine_ct_is_lost_on_what_is_planned_on_and_all_goes_back():
    ct = Geometry((24, 40, 40), (0.4, 0.4, 0.5), (-8.0, -8.0, -6.0))
    fine = Geometry((10, 12, 12), (1.0, 1.0, 1.0), (-6.0, -6.0, -5.0))
    labels, labels_1mm = empty(ct), empty(fine)
    for number in range(3, 20):
        point = ct.to_patient((number, 20, 20))
        cut = cut_at(ct, 2, float(point[2]), 0.5, False)
        drawn = brushed(ct, point, point, 2.0, cut)
        made = correction(labels, labels_1mm, [Stroke(*drawn, NERVE, over_labels(NERVE))])
        on_1mm = made.on_1mm.done(labels_1mm.array)
        assert len(set(np.argwhere(on_1mm)[:, 0])) == 1
        assert np.count_nonzero(on_1mm) == pytest.approx(math.pi * 4, abs=3)
        assert not made.on_1mm.undone(on_1mm).any()
        painted = Labels(made.on_ct.done(labels.array), ct), Labels(on_1mm, fine)
        erased = correction(*painted, [Stroke(*drawn, 0, frozenset({NERVE}))])
        assert not erased.on_1mm.done(on_1mm).any()
    middle = ct.to_patient((12, 20, 20))
    ball = correction(labels, labels_1mm, [Stroke(*brushed(ct, middle, middle, 4.0), NERVE, frozenset({0}))])
    assert ball.on_1mm.voxels == pytest.approx(4 / 3 * math.pi * 64, rel=0.06), "a ball does not grow by it"


def test_a_hole_is_filled_in_its_slice_alone_and_an_open_one_is_refused():
    labels = empty(THICK)
    labels.array[5:8, 20:40, 20:40] = BONE
    labels.array[5:8, 25:35, 25:35] = 0
    labels.array[5:8, 28, 28] = NERVE
    point = THICK.to_patient((6, 30, 30))
    filled = with_(labels, [filled_hole(labels, point, 2, BONE)])
    assert (filled[6, 20:40, 20:40] == np.where(labels.array[6, 20:40, 20:40] == NERVE, NERVE, BONE)).all()
    np.testing.assert_array_equal(filled[[5, 7]], labels.array[[5, 7]])
    with pytest.raises(UsageError, match="not enclose"):
        filled_hole(labels, point, 0, BONE)  # seen from the side it is a tunnel
    with pytest.raises(UsageError, match="already"):
        filled_hole(labels, THICK.to_patient((6, 21, 21)), 2, BONE)
    with pytest.raises(UsageError, match="outside"):
        filled_hole(labels, point + 900, 2, BONE)


def test_a_piece_goes_or_stays_alone():
    labels = empty(THICK)
    labels.array[2:5, 10:15, 10:15] = NERVE
    labels.array[5, 15, 15] = NERVE  # touches at a corner
    labels.array[10:12, 40:45, 40:45] = NERVE
    labels.array[10:12, 45:50, 40:45] = BONE
    point = THICK.to_patient((3, 12, 12))
    without = with_(labels, [removed_piece(labels, point, NERVE)])
    assert (without[2:6, 10:16, 10:16] == 0).all()
    assert (without[10:12] == labels.array[10:12]).all()
    alone = with_(labels, [kept_piece(labels, point, NERVE)])
    assert (alone == NERVE).sum() == 3 * 25 + 1
    assert (alone == BONE).sum() == 50
    with pytest.raises(UsageError, match="no nerve"):
        removed_piece(labels, THICK.to_patient((11, 47, 42)), NERVE)


def test_smoothing_rounds_a_border_and_keeps_its_volume_and_the_other_label():
    grid = Geometry((40, 40, 40), (0.8, 0.8, 0.8))
    labels = empty(grid)
    labels.array[:, :20] = NERVE
    labels.array[:, 20:24:2, ::2] = NERVE  # a comb
    labels.array[:, 30:] = BONE
    before = labels.array.copy()
    box, mask = brushed(grid, grid.centre, grid.centre, 12.0)
    after = with_(labels, smoothed(labels, box, mask, NERVE))
    assert (after == NERVE).sum() == (before == NERVE).sum()
    np.testing.assert_array_equal(after == BONE, before == BONE)

    def border(array):
        middle = (array == NERVE)[16:24, :30, 16:24]
        return sum(int((np.diff(middle.astype(int), axis=axis) != 0).sum()) for axis in range(3))

    assert border(after) < 0.5 * border(before)
    np.testing.assert_array_equal(after[~whole(grid, (box, mask))], before[~whole(grid, (box, mask))])


@pytest.mark.parametrize("axis", [0, 2])
def test_between_two_discs_an_oblique_root_keeps_its_width(axis):
    grid = Geometry((41, 41, 41), (1.0, 1.0, 1.0)) if axis == 0 else Geometry((11, 80, 80), (0.5, 0.5, 2.0))
    ends = np.tile(grid.centre, (2, 1))
    ends[0, axis] -= 8
    ends[1, axis] += 8
    ends[0, 1] -= 6
    ends[1, 1] += 6
    drawn = [
        brushed(grid, end, end, 3.0, Cut(axis, float(end[axis]), grid.spacing[axis] / 2)) for end in ends
    ]
    box, mask = interpolated(grid, axis, *drawn)
    array_axis = 2 - axis
    sheets = np.moveaxis(mask, array_axis, 0)
    area = np.prod(np.delete(grid.spacing[::-1], array_axis))
    assert len(sheets) * grid.spacing[axis] == pytest.approx(16 - grid.spacing[axis])
    for number, sheet in enumerate(sheets):
        assert sheet.sum() * area == pytest.approx(math.pi * 9, rel=0.2)
        place = np.argwhere(
            np.moveaxis(whole(grid, (box, mask)), array_axis, 0)[box[array_axis].start + number]
        )
        full = np.insert(place.mean(axis=0), array_axis, box[array_axis].start + number)
        at = grid.to_patient(full)
        expected = ends[0] + (ends[1] - ends[0]) * (at[axis] - ends[0, axis]) / 16
        np.testing.assert_allclose(at, expected, atol=0.6)
    with pytest.raises(UsageError, match="No slice"):
        interpolated(grid, axis, drawn[0], drawn[0])


def test_between_a_wide_and_a_narrow_disc_the_width_changes_evenly():
    grid = Geometry((21, 60, 60), (1.0, 1.0, 1.0))
    wide, narrow = (
        brushed(grid, (30, 30, z), (30, 30, z), radius, Cut(2, z, 0.5))
        for z, radius in ((0.0, 12), (20.0, 4))
    )
    _, mask = interpolated(grid, 2, narrow, wide)
    radii = np.sqrt(mask.sum(axis=(1, 2)) / math.pi)
    np.testing.assert_allclose(radii, 12 - 8 * np.arange(1, 20) / 20, atol=0.5)


def test_a_line_gets_its_width_on_any_grid():
    line = np.array([(0, 20, 50), (10, 20, 60), (10, 30, 70)], float)
    for grid in (THICK, Geometry((100, 60, 60), (0.6, 0.6, 0.6), (-10, 5, 30))):
        box, mask = along_line(grid, line, 3.0)
        length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        expected = math.pi * 9 * length + 4 / 3 * math.pi * 27
        assert mask.sum() * grid.voxel_volume == pytest.approx(expected, rel=0.1)
        assert all(part.start >= 0 for part in box)


def test_every_orientation_of_the_array_paints_the_same_place():
    point, found = np.array([3.0, 12.0, 9.0]), []
    for order in itertools.permutations(range(3)):
        direction = np.eye(3)[:, order] * [1, -1, 1]
        spacing = np.array([0.7, 1.1, 2.3])[list(order)]
        grid = Geometry((40, 40, 40), tuple(spacing))
        origin = point - direction @ (spacing * 20)
        grid = Geometry((40, 40, 40), tuple(spacing), tuple(origin), direction)
        mask = whole(grid, brushed(grid, point, point, 5.0, Cut(2, 9.0, 1.15)))
        places = grid.to_patient(np.argwhere(mask)).round(6)
        found.append(sorted(map(tuple, places.tolist())))
    assert len(found[0]) > 50
    assert all(each == found[0] for each in found)
