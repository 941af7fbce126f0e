"""Percent of bone and nerve: what is kept of the network's answer."""

from __future__ import annotations

import numpy as np
import pytest

from spinect_core.base.errors import SpatialError
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import Geometry

GEOMETRY = Geometry((1, 1, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def test_the_sum_of_readings_counts_as_one_answer() -> None:
    """Two answers, one, a part of one, none."""
    answers = np.array([[[[0.2, 1.0, 0.8], [0.1, 0.0, 0.9], [0.2, 0.05, 0.25], [0, 0, 0]]]], np.float32)
    found = Probabilities.of(answers, GEOMETRY)
    assert found.bone.ravel().tolist() == [50, 0, 10, 0]
    assert found.nerve.ravel().tolist() == [40, 90, 50, 0]
    assert found.of_tissue(1) is found.bone
    assert found.of_tissue(2) is found.nerve


@pytest.mark.parametrize(
    ("bone", "words"),
    [
        (np.zeros((1, 1, 3), np.uint8), "do not fit"),
        (np.full((1, 1, 4), 101, np.uint8), "percent"),
        (np.zeros((1, 1, 4), np.float32), "percent"),
    ],
)
def test_what_is_no_percentage_of_these_voxels_is_refused(bone: np.ndarray, words: str) -> None:
    with pytest.raises(SpatialError, match=words):
        Probabilities(bone, np.zeros((1, 1, 4), np.uint8), GEOMETRY)
