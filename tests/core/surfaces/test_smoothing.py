"""The median before the surfaces: what 1.5 mm means, and that it keeps what must be kept."""

import numpy as np
import pytest
from scipy import ndimage

from spinect_core.surfaces.smoothing import kernel_parts, smooth_field, without_small_islands


@pytest.mark.parametrize(
    ("spacing", "parts"),
    [(1.0, (2, 3)), (0.5, (1, 3)), (3.0, (6, 3)), (2.0, (4, 3)), (0.3, (1, 5)), (0.742, (1, 3))],
)
def test_a_median_of_one_and_a_half_millimetres(spacing: float, parts: tuple[int, int]) -> None:
    divide, span = kernel_parts(1.5, spacing)
    assert (divide, span) == parts
    assert span % 2 == 1
    assert span * spacing / divide == pytest.approx(1.5, rel=0.5)


def test_no_kernel_changes_nothing() -> None:
    mask = np.random.default_rng(1).random((6, 7, 8)) > 0.5
    np.testing.assert_array_equal(smooth_field(mask, (1, 1, 1), 0), mask)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 0.5, 2.0), (0.4, 1.0, 0.7)])
def test_field_is_the_median_of_the_divided_voxels(spacing: tuple[float, float, float]) -> None:
    """The same as dividing the whole grid, filtering it with SciPy's median, and averaging back."""
    mask = ndimage.gaussian_filter(np.random.default_rng(3).random((9, 10, 11)), 1.0) > 0.5
    axes = [kernel_parts(1.5, step) for step in reversed(spacing)]
    fine = mask
    for axis, (divide, _) in enumerate(axes):
        fine = np.repeat(fine, divide, axis=axis)
    fine = ndimage.median_filter(fine.astype(np.uint8), [span for _, span in axes], mode="constant", cval=0)
    (a, _), (b, _), (c, _) = axes
    expected = fine.reshape(9, a, 10, b, 11, c).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(smooth_field(mask, spacing, 1.5), expected, atol=1e-6)


def test_a_root_two_voxels_thick_survives() -> None:
    mask = np.zeros((20, 8, 8), dtype=bool)
    mask[:, 3:5, 3:5] = True
    field = smooth_field(mask, (1, 1, 1), 1.5)
    assert (field[2:-2, 3:5, 3:5] >= 0.5).all()
    assert field[10, 2, 2] == 0


def test_a_single_voxel_of_noise_on_a_plane_is_smoothed() -> None:
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[:4] = True
    mask[4, 4, 4] = True
    assert smooth_field(mask, (1, 1, 1), 1.5)[4, 4, 4] < 0.6
    assert (smooth_field(mask, (1, 1, 1), 1.5)[1:3, 1:-1, 1:-1] == 1).all()


def test_small_islands_go_and_the_largest_stays() -> None:
    mask = np.zeros((10, 10, 10), dtype=bool)
    mask[1:4, 1:4, 1:4] = True
    mask[7, 7, 7:9] = True
    kept = without_small_islands(mask, 2.0, 10.0)
    assert kept.sum() == 27
    assert without_small_islands(mask, 2.0, 4.0).sum() == 29
    assert without_small_islands(mask, 2.0, 1000.0).sum() == 27
    assert without_small_islands(np.zeros_like(mask), 1.0, 10.0).sum() == 0
