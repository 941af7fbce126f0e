"""Nerve is what hangs together with the sac, over gaps as long as the network loses a root for."""

import numpy as np
import pytest

from spinect_core.image.volume import BONE, NERVE, Geometry, Labels
from spinect_core.segmentation.strays import without_strays


def scene(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0), gap_mm: float = 10.0) -> Labels:
    """A sac of 60 mm, a root of two pieces with a gap each before them, and bone beside; x runs along the root."""
    extent = np.array([110.0, 40.0, 70.0])
    shape = np.rint(extent / spacing).astype(int)[::-1]
    z, y, x = (np.arange(n) * s for n, s in zip(shape, spacing[::-1], strict=True))
    array = np.zeros(tuple(shape), np.uint8)

    def block(label: int, x0: float, x1: float, y0: float, y1: float, z0: float, z1: float) -> None:
        inside = [(v >= low) & (v < high) for v, low, high in ((z, z0, z1), (y, y0, y1), (x, x0, x1))]
        array[np.ix_(*inside)] = label

    block(BONE, 0, 8, 0, 40, 0, 70)
    block(NERVE, 10, 22, 10, 26, 5, 65)
    block(NERVE, 22 + gap_mm, 40 + gap_mm, 14, 18, 30, 34)
    block(NERVE, 40 + 2 * gap_mm, 50 + 2 * gap_mm, 14, 18, 30, 34)
    return Labels(array, Geometry(array.shape, spacing, (3.0, -7.0, 100.0)))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 1.0, 2.0)])
def test_short_gaps_are_bridged_one_after_the_other(spacing: tuple[float, float, float]) -> None:
    """The far piece is 38 mm from the sac, and yet part of it by way of the near one."""
    labels = scene(spacing)
    kept, removed = without_strays(labels)
    assert kept is labels
    assert removed == 0.0


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 1.0, 2.0)])
def test_what_lies_beyond_a_longer_gap_goes_and_nothing_else(spacing: tuple[float, float, float]) -> None:
    labels = scene(spacing, gap_mm=16.0)
    kept, removed = without_strays(labels)
    x = np.arange(labels.array.shape[2]) * spacing[0]
    sac = np.broadcast_to(x < 25, labels.array.shape)
    np.testing.assert_array_equal(kept.array[sac], labels.array[sac])
    assert not (kept.array[~sac] == NERVE).any()
    gone = (labels.array == NERVE) & ~sac
    assert removed == pytest.approx(gone.sum() * np.prod(spacing) / 1000)
    np.testing.assert_array_equal(kept.array == BONE, labels.array == BONE)
    assert kept.geometry == labels.geometry


def test_the_sac_stays_though_strays_are_many_and_lie_at_the_edge() -> None:
    labels = scene(gap_mm=16.0)
    labels.array[::20, 39, 60::6] = NERVE
    kept, _ = without_strays(labels)
    assert (kept.array == NERVE).sum() == 12 * 16 * 60


def test_no_nerve_is_no_fault() -> None:
    labels = scene()
    labels.array[labels.array == NERVE] = 0
    assert without_strays(labels) == (labels, 0.0)
