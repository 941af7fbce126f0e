"""Validation is the paper's combined algorithm on whole cases, or patches around the nerves."""

import threading

import numpy as np
import pytest

from spinect_core.base.errors import Cancelled
from spinect_core.research.training.recipe import TrainingConfig
from spinect_core.research.training.validation import central_boxes, judge
from spinect_core.segmentation.tiling import tile_starts

FULL = TrainingConfig(patch_shape=(16, 32, 32), stride=(10, 20, 20))
PATCHES = TrainingConfig(patch_shape=(16, 32, 32), validation="patches")


def by_intensity(patches):
    """A network that knows the crude specimen: bone is bright; nerve is not told from soft tissue."""
    bone = (patches[..., 0] > 0.5).astype(np.float32)
    return np.stack([1 - bone, bone, np.zeros_like(bone)], axis=-1)


def test_the_combined_algorithm_runs_over_the_whole_case(small_cases):
    seen = []

    def count(patches):
        seen.append(len(patches))
        return by_intensity(patches)

    scores = judge(count, small_cases.load(0), FULL)
    tiles = len(tile_starts(32, 16, 10)) * len(tile_starts(64, 32, 20)) ** 2
    assert sum(seen) == tiles == 3 * 3 * 3
    assert max(seen) == FULL.batch
    assert scores.case == "case_0"
    assert scores.dice == {"bone": pytest.approx(1.0, abs=1e-3), "nerve": 0.0}
    assert scores.pixel_accuracy["nerve"] == 0.0


def test_dice_iou_and_pixel_accuracy_are_the_papers(small_cases):
    def half(patches):
        bone = by_intensity(patches)[..., 1] * (np.arange(patches.shape[3]) >= 16)
        return np.stack([1 - bone, bone, np.zeros_like(bone)], axis=-1)

    case = small_cases.load(0)
    scores = judge(half, case, PATCHES)
    part = scores.pixel_accuracy["bone"]
    assert 0.3 < part < 0.7
    # Nothing false is found, so both overlaps follow from the part that is.
    assert scores.dice["bone"] == pytest.approx(2 * part / (1 + part))
    assert scores.iou["bone"] == pytest.approx(part)


def test_patches_lie_around_the_nerves(crude_case):
    boxes = central_boxes(crude_case, (3, 2, 2))
    assert len(boxes) == 3  # 100 x 110 x 120 voxels hold 3 x 1 x 1 patches
    assert all((crude_case.labels[box] == 2).any() for box in boxes)


def test_validation_can_be_stopped(small_cases):
    stop = threading.Event()
    stop.set()
    for config in (FULL, PATCHES):
        with pytest.raises(Cancelled):
            judge(by_intensity, small_cases.load(0), config, cancel=stop)
