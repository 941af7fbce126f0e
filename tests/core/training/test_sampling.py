"""Patches are centred as the recipe says, and a batch depends on its step alone."""

import numpy as np
import pytest

from spinect_core.training.augmentation import PLAIN
from spinect_core.training.cases import CaseFolders, save_case
from spinect_core.training.sampling import BONE_SHARE, NERVE_SHARE, BatchStream, Crop
from spinect_core.training.validation import central_boxes, validate


@pytest.fixture
def folders(crude_case, tmp_path):
    for number in (1001, 1002, 500):
        save_case(crude_case, tmp_path / f"case_{number}.npz")
    return CaseFolders({tmp_path: 1.0})


def test_patches_are_centred_on_nerve_bone_and_anywhere():
    labels = np.zeros((100, 200, 200), np.uint8)
    labels[50, 100, 60], labels[50, 100, 140] = 2, 1
    crop = Crop(labels.astype(np.float32), labels)
    rng = np.random.default_rng(0)
    centres = [crop.patch(rng)[1][16, 32, 32] for _ in range(1000)]
    assert np.mean([c == 2 for c in centres]) == pytest.approx(NERVE_SHARE, abs=0.05)
    assert np.mean([c == 1 for c in centres]) == pytest.approx(BONE_SHARE, abs=0.05)


def test_patches_at_the_edge_are_moved_inside():
    labels = np.zeros((40, 64, 70), np.uint8)
    labels[0, 0, 69] = 2
    crop = Crop(labels.astype(np.float32), labels)
    for seed in range(20):
        image, patch = crop.patch(np.random.default_rng(seed))
        assert image.shape == patch.shape == (32, 64, 64)


def test_a_batch_depends_on_its_step_alone(folders):
    stream = BatchStream(folders, seed=3, pool=3)
    for step in range(4):
        stream.at(step)
    images, labels = stream.at(4)
    again = BatchStream(folders, seed=3, pool=3).at(4)
    np.testing.assert_array_equal(images, again[0])
    np.testing.assert_array_equal(labels, again[1])
    assert images.shape == (4, 32, 64, 64, 1)
    assert images.dtype == np.float32
    assert labels.shape == (4, 32, 64, 64)
    assert not np.array_equal(images, stream.at(5)[0])
    assert not np.array_equal(images, BatchStream(folders, seed=4, pool=3).at(4)[0])


def test_crops_are_renewed_one_by_one(folders):
    stream = BatchStream(folders, pool=3, steps_per_crop=2, augmentation=PLAIN)
    stream.at(0)
    first = set(stream._crops)
    stream.at(1)
    assert set(stream._crops) == first
    stream.at(2)
    assert len(first & set(stream._crops)) == 2


def test_validation_of_the_truth_is_perfect_and_of_nothing_is_zero(crude_case):
    boxes = central_boxes(crude_case, (3, 2, 2))
    assert len(boxes) == 3  # 100 x 110 x 120 voxels hold 3 x 1 x 1 patches
    truth = iter([crude_case.labels[box] for box in boxes])
    assert validate(lambda _: next(truth)[np.newaxis], [crude_case]) == {"bone": 1.0, "nerve": 1.0}
    nothing = validate(lambda patch: np.zeros(patch.shape[:-1], np.uint8), [crude_case])
    assert nothing == {"bone": 0.0, "nerve": 0.0}
