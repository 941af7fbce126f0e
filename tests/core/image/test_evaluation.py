"""Overlap and distances on shapes whose answers are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.image.evaluation import evaluate, surface_distances
from spinect_core.image.volume import Geometry, Labels

SHAPE = (30, 40, 50)
SPACING = (0.5, 1.0, 2.0)


def block(z: tuple[int, int], y: tuple[int, int], x: tuple[int, int], value: int = 1) -> Labels:
    array = np.zeros(SHAPE, np.uint8)
    array[slice(*z), slice(*y), slice(*x)] = value
    return Labels(array, Geometry(SHAPE, SPACING))


def test_the_same_labels_agree_wholly() -> None:
    labels = block((5, 20), (5, 20), (5, 20))
    labels.array[22:25, 8:12, 30:40] = 2
    measured = evaluate(labels, labels)
    for name in ("bone", "nerve"):
        assert measured[name]["dice"] == measured[name]["iou"] == measured[name]["pixel_accuracy"] == 1
        assert measured[name]["hd95_mm"] == measured[name]["mean_surface_distance_mm"] == 0


def test_overlap_as_the_paper_defines_it() -> None:
    truth, prediction = block((0, 10), (0, 10), (0, 10)), block((0, 10), (0, 10), (4, 24))
    bone = evaluate(prediction, truth)["bone"]
    assert bone["true_voxels"] == 1000
    assert bone["voxels"] == 2000
    assert bone["dice"] == pytest.approx(2 * 600 / 3000)
    assert bone["iou"] == pytest.approx(600 / 2400)
    assert bone["pixel_accuracy"] == pytest.approx(600 / 1000)
    swapped = evaluate(truth, prediction)["bone"]
    assert swapped["dice"] == bone["dice"]
    assert swapped["pixel_accuracy"] == pytest.approx(600 / 2000)


def test_iou_follows_from_dice() -> None:
    rng = np.random.default_rng(0)
    first, second = (
        Labels(rng.integers(0, 3, SHAPE).astype(np.uint8), Geometry(SHAPE, SPACING)) for _ in range(2)
    )
    for measures in evaluate(first, second).values():
        assert measures["iou"] == pytest.approx(measures["dice"] / (2 - measures["dice"]))


@pytest.mark.parametrize("first", [0, 10], ids=["at the edge of the grid", "within"])
@pytest.mark.parametrize(
    ("axis", "voxels", "millimetres"), [(0, 2, 4.0), (1, 3, 3.0), (2, 4, 2.0)], ids=["z", "y", "x"]
)
def test_plates_apart_measure_their_distance_in_mm(
    axis: int, voxels: int, millimetres: float, first: int
) -> None:
    plates = []
    for position in (first, first + voxels):
        array = np.zeros(SHAPE, np.uint8)
        np.moveaxis(array, axis, 0)[position] = 2
        plates.append(Labels(array, Geometry(SHAPE, SPACING)))
    nerve = evaluate(*plates)["nerve"]
    assert nerve["hd95_mm"] == pytest.approx(millimetres)
    assert nerve["mean_surface_distance_mm"] == pytest.approx(millimetres)
    assert nerve["dice"] == 0


def test_distances_count_both_directions() -> None:
    small, large = (np.zeros((40, 40, 40), bool) for _ in range(2))
    small[10:12, 10:12, 10:12] = large[10:12, 10:12, 10:12] = True
    large[10:12, 10:12, 30] = True  # far from the small one, but the small one is near to it
    distances = surface_distances(small, large, (1.0, 1.0, 1.0))
    assert len(distances) == 8 + 12
    assert distances.max() == 19
    assert distances.sum() == 4 * 19


def test_an_absent_class_has_no_made_up_number() -> None:
    bone_only, empty = block((5, 9), (5, 9), (5, 9)), block((0, 0), (0, 0), (0, 0))
    measured = evaluate(empty, bone_only)
    assert measured["bone"]["dice"] == measured["bone"]["iou"] == measured["bone"]["pixel_accuracy"] == 0
    assert measured["bone"]["hd95_mm"] is None
    assert measured["nerve"]["dice"] is None
    assert evaluate(bone_only, empty)["bone"]["pixel_accuracy"] is None
    json.dumps(measured, allow_nan=False)


def test_labels_that_fill_the_grid_have_a_surface() -> None:
    everything = Labels(np.ones(SHAPE, np.uint8), Geometry(SHAPE, SPACING))
    assert evaluate(everything, everything)["bone"]["hd95_mm"] == 0


def test_other_grids_are_refused() -> None:
    labels = block((0, 4), (0, 4), (0, 4))
    shifted = Labels(labels.array, Geometry(SHAPE, SPACING, (0.0, 0.5, 0.0)))
    with pytest.raises(UsageError, match="same CT"):
        evaluate(labels, shifted)
    smaller = Labels(np.zeros((5, 6, 7), np.uint8), Geometry((5, 6, 7), SPACING))
    with pytest.raises(UsageError, match="7 x 6 x 5"):
        evaluate(smaller, labels)
