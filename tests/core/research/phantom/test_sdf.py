from __future__ import annotations

import numpy as np
import pytest

from spinect_core.research.phantom.sdf import block_around


def warped(shape: tuple[int, int, int], step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates of a turned, slightly wavy grid, mm."""
    z, y, x = (step * index for index in np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"))
    wave = 1.5 * np.sin(0.05 * x + 0.03 * y + 0.04 * z)
    return 0.98 * x - 0.2 * y + wave, 0.2 * x + 0.98 * y - wave, z + 0.05 * x + wave


@pytest.mark.parametrize("step", [0.7, 2.0, 6.0])
@pytest.mark.parametrize("shape", [(40, 37, 41), (3, 30, 30), (1, 9, 50)])
def test_a_block_holds_what_is_near_and_no_more(shape, step) -> None:
    p = warped(shape, step)
    rng = np.random.default_rng(3)
    for _ in range(20):
        centre = np.array([rng.uniform(part.min() - 15.0, part.max() + 15.0) for part in p])
        half = tuple(float(value) for value in rng.uniform(0.5, 30.0, 3))
        near = np.logical_and.reduce([np.abs(p[axis] - centre[axis]) < half[axis] for axis in range(3)])
        block = block_around(p, centre, half)
        assert near[block].sum() == near.sum()
        hits = np.argwhere(near)
        wanted = (hits.max(axis=0) + 1 - hits.min(axis=0)).tolist() if len(hits) else [0, 0, 0]
        assert [part.stop - part.start for part in block] == wanted
