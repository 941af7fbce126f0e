"""Patches are centred as the recipe says, and a batch depends on its step alone."""

from dataclasses import replace

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.research.training.cases import CaseFiles, save_case
from spinect_core.research.training.recipe import RECIPES, TrainingConfig
from spinect_core.research.training.sampling import BatchStream, Crop

CONFIG = TrainingConfig(patch_shape=(16, 32, 32), seed=3)


def test_patches_are_centred_on_nerve_bone_and_anywhere():
    labels = np.zeros((100, 200, 200), np.uint8)
    labels[50, 100, 60], labels[50, 100, 140] = 2, 1
    crop = Crop(labels.astype(np.float32), labels)
    rng = np.random.default_rng(0)
    centres = [crop.patch(rng, nerve_share=0.5, bone_share=0.18)[1][16, 32, 32] for _ in range(1000)]
    assert np.mean([c == 2 for c in centres]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([c == 1 for c in centres]) == pytest.approx(0.18, abs=0.05)


def test_patches_at_the_edge_are_moved_inside():
    labels = np.zeros((40, 64, 70), np.uint8)
    labels[0, 0, 69] = 2
    crop = Crop(labels.astype(np.float32), labels)
    for seed in range(20):
        image, patch = crop.patch(np.random.default_rng(seed))
        assert image.shape == patch.shape == (32, 64, 64)


def test_without_shares_patches_lie_anywhere():
    labels = np.zeros((100, 200, 200), np.uint8)
    labels[50, 100, 60] = 2
    crop = Crop(labels.astype(np.float32), labels)
    rng = np.random.default_rng(0)
    held = np.mean([(crop.patch(rng)[1] == 2).any() for _ in range(1000)])
    # Of all places a patch can be moved to, about one in thirty holds a given voxel.
    assert held == pytest.approx(32 * 64 * 64 / (100 * 200 * 200), abs=0.03)


@pytest.mark.parametrize("recipe", ["paper", "improved"])
def test_a_batch_depends_on_its_step_alone(small_cases, recipe):
    config = replace(RECIPES[recipe], patch_shape=(16, 32, 32), seed=3)
    with BatchStream(small_cases, range(4), config, workers=2, pool=3) as stream:
        for step in range(4):
            stream.at(step)
        images, labels = stream.at(4)
        later = stream.at(5)[0]
    with BatchStream(small_cases, range(4), config, pool=3) as stream:
        again = stream.at(4)
    np.testing.assert_array_equal(images, again[0])
    np.testing.assert_array_equal(labels, again[1])
    assert images.shape == (4, 16, 32, 32, 1)
    assert images.dtype == np.float32
    assert labels.shape == (4, 16, 32, 32)
    assert not np.array_equal(images, later)
    with BatchStream(small_cases, range(4), replace(config, seed=4), pool=3) as stream:
        assert not np.array_equal(images, stream.at(4)[0])


def test_crops_are_renewed_one_by_one_and_made_ahead(small_cases):
    with BatchStream(small_cases, range(4), CONFIG, pool=3, steps_per_crop=2) as stream:
        stream.at(0)
        first = set(stream._crops)
        assert len(first) == 7
        stream.at(1)
        assert set(stream._crops) == first
        stream.at(2)
        assert len(first & set(stream._crops)) == 6


def test_only_members_are_trained_on(small_cases):
    asked = []

    class Watched(CaseFiles):
        def __init__(self):
            self.names = small_cases.names

        def load(self, number):
            asked.append(number)
            return small_cases.load(number)

    with BatchStream(Watched(), (1, 3), CONFIG) as stream:
        for step in range(20):
            stream.at(step)
    assert set(asked) == {1, 3}
    with pytest.raises(UsageError, match="no training cases"):
        BatchStream(small_cases, (), CONFIG)


def test_a_case_smaller_than_a_patch_is_named(small_cases, tmp_path):
    case = small_cases.load(0)
    save_case(replace(case, hu=case.hu[:20], labels=case.labels[:20]), tmp_path / "flat.npz")
    config = TrainingConfig(patch_shape=(32, 32, 32))
    with (
        BatchStream(CaseFiles([tmp_path / "flat.npz"]), (0,), config) as stream,
        pytest.raises(UsageError, match=r"flat: The region of 20 x 64 x 64 mm"),
    ):
        stream.at(0)
