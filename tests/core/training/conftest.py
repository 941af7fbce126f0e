"""A crude specimen: a bony ring around a nerve in soft tissue, unlike on its two sides."""

import numpy as np
import pytest

from spinect_core.training.cases import Case


@pytest.fixture(scope="session")
def crude_case():
    z, y, x = np.ogrid[:100, :110, :120]
    radius = np.hypot(y - 55, x - 60 + 0 * z)
    labels = np.zeros((100, 110, 120), dtype=np.uint8)
    labels[(radius > 12) & (radius < 25) & (z > 10)] = 1
    labels[np.broadcast_to(radius < 6, labels.shape)] = 2
    labels[40:60, 50:60, 90:110] = 1  # only on one side
    rng = np.random.default_rng(0)
    hu = np.choose(labels, [40, 500, 20]) + rng.normal(0, 5, labels.shape)
    return Case(hu.astype(np.int16), labels, "crude")
