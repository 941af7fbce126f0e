"""Single roots: what part of each was found, and how far off its middle is."""

import numpy as np
import pytest

from spinect_core.image.volume import Geometry
from spinect_core.research.study.roots import root_results

NUMBERS = {"L5": 3, "thecal sac": 20, "L5 left": 25, "L5 right": 26, "S1 left": 27}
GRID = Geometry((50, 40, 60), (1, 1, 1), (-30, -20, -10))


def tubes() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Two upright roots 24 mm apart, each 5 mm thick, and a vertebra that is no root."""
    structures = np.zeros(GRID.shape, np.uint8)
    y, x = np.ogrid[:40, :60]
    structures[:, np.hypot(y - 20, x - 42) <= 2.5] = 25
    structures[:, np.hypot(y - 20, x - 18) <= 2.5] = 26
    structures[10:20, 2:8, 25:35] = 3
    heights = np.arange(50)
    courses = {
        name: GRID.to_patient(np.stack([heights, np.full(50, 20), np.full(50, x)], axis=1))
        for name, x in (("L5 left", 42), ("L5 right", 18))
    }
    return structures, courses


def test_a_root_found_whole_and_one_shifted() -> None:
    structures, courses = tubes()
    prediction = np.where(structures == 25, 2, 0).astype(np.uint8)
    prediction[:, 2:] |= np.where(structures == 26, 2, 0).astype(np.uint8)[:, :-2]  # 2 mm to the back
    results = root_results(prediction, structures, NUMBERS, courses, GRID)
    assert set(results) == {"L5 left", "L5 right"}
    assert results["L5 left"]["found"] == 1.0
    assert results["L5 left"]["centre_mm"] == pytest.approx(0.0)
    assert results["L5 left"]["course"] == 1.0
    assert results["L5 right"]["centre_mm"] == pytest.approx(2.0, abs=0.05)
    assert 0.3 < results["L5 right"]["found"] < 0.7


def test_half_a_root_and_a_missing_one() -> None:
    structures, courses = tubes()
    prediction = np.where(structures == 25, 2, 0).astype(np.uint8)
    prediction[25:] = 0
    results = root_results(prediction, structures, NUMBERS, courses, GRID)
    assert results["L5 left"]["found"] == pytest.approx(0.5)
    assert results["L5 left"]["course"] == pytest.approx(0.5)
    assert results["L5 left"]["centre_mm"] == pytest.approx(0.0)
    assert results["L5 right"]["found"] == 0.0
    assert results["L5 right"]["centre_mm"] is None
    assert results["L5 right"]["course"] == 0.0


def test_far_voxels_and_bone_count_to_no_root() -> None:
    structures, courses = tubes()
    prediction = np.where(structures == 25, 2, 0).astype(np.uint8)
    prediction[:, 20, 50:58] = 2  # beyond 5 mm from the root
    prediction[structures == 26] = 1
    results = root_results(prediction, structures, NUMBERS, courses, GRID)
    assert results["L5 left"]["centre_mm"] < 0.1
    assert results["L5 right"]["found"] == 0.0


def test_without_courses_only_the_part_found_is_given() -> None:
    structures, _ = tubes()
    results = root_results(np.where(structures > 20, 2, 0).astype(np.uint8), structures, NUMBERS, {}, GRID)
    assert results["L5 left"] == {"voxels": 21 * 50, "found": 1.0, "centre_mm": None, "course": None}
    assert (
        root_results(np.zeros(GRID.shape, np.uint8), np.zeros(GRID.shape, np.uint8), NUMBERS, {}, GRID) == {}
    )
