"""A bent root in fat beside bone, of which the labels know only the beginning; the CT shows the rest."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from spinect_core.anatomy.tracing import traced_line, traced_root
from spinect_core.base.errors import UsageError
from spinect_core.image.editing import correction
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume

CT = Geometry((30, 80, 80), (0.5, 0.5, 2.0), (-20.0, -20.0, -30.0))
MM = Geometry((60, 40, 40), (1.0, 1.0, 1.0), (-19.75, -19.75, -30.5))
FAT, NERVE_HU, BONE_HU = -95, 40, 500
Z = np.arange(-28.0, 27.0, 0.5)
TRUE = np.stack([7 * np.sin(Z / 10), 0 * Z, Z], axis=1)


def drawn(grid, known):
    """HU and labels on a grid; of the root ``known`` mm are labelled."""
    points = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    away, _ = cKDTree(TRUE).query(points.reshape(-1, 3))
    root = (away < 2.5).reshape(grid.shape)
    bone = (np.abs(points[..., 0]) > 14) & ~root
    noise = np.random.default_rng(7).normal(0.0, 15.0, grid.shape)
    hu = np.where(bone, BONE_HU, np.where(root, NERVE_HU, FAT)) + noise
    labels = np.where(bone, BONE, np.where(root & (points[..., 2] < -28 + known), NERVE, 0))
    return hu.astype(np.int16), labels.astype(np.uint8), root


@pytest.mark.parametrize("known", [15.0, 0.0])
def test_the_traced_root_is_the_one_of_the_ct(known):
    hu, array, root = drawn(CT, known)
    volume, labels, labels_1mm = Volume(hu, CT), Labels(array, CT), Labels(drawn(MM, known)[1], MM)
    ends = TRUE[[20, -8]]
    line = traced_line(*ends, labels_1mm, volume)
    away, _ = cKDTree(TRUE).query(line)
    assert away.mean() < 0.8
    assert away.max() < 2.0
    straight = np.linalg.norm(np.cross(TRUE[20:-8] - ends[0], ends[1] - ends[0]), axis=1)
    straight /= np.linalg.norm(ends[1] - ends[0])
    assert straight.max() > 4, "the straight line is another way"

    stroke = traced_root(*ends, 2.5, labels, labels_1mm, volume)
    made = correction(labels, labels_1mm, [stroke])
    after = made.on_ct.done(array)
    between = (CT.to_patient(np.argwhere(root))[:, 2] > ends[0, 2]) & (
        CT.to_patient(np.argwhere(root))[:, 2] < ends[1, 2]
    )
    assert (after[root] == NERVE)[between].mean() > 0.8
    assert (root[after == NERVE]).mean() > 0.85
    np.testing.assert_array_equal(after == BONE, array == BONE)
    assert (made.on_1mm.done(labels_1mm.array) == NERVE).sum() > 500


def test_points_that_no_root_can_join_are_refused():
    hu, _, _ = drawn(CT, 15.0)
    volume, labels_1mm = Volume(hu, CT), Labels(drawn(MM, 15.0)[1], MM)
    with pytest.raises(UsageError, match="near"):
        traced_line(TRUE[0], TRUE[1], labels_1mm, volume)
    with pytest.raises(UsageError, match="outside"):
        traced_line(TRUE[0], TRUE[0] + 90, labels_1mm, volume)
    wall = labels_1mm.array.copy()
    wall[30:33] = BONE
    with pytest.raises(UsageError, match="Bone lies between"):
        traced_line(TRUE[20], TRUE[-8], Labels(wall, MM), volume)
