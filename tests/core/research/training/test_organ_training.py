"""Patches of trunks for the organ network: varied, and the classes move with the picture."""

from pathlib import Path

import numpy as np
import pytest

from spinect_core.research.training.organs import (
    RARE,
    OrganRecipe,
    PatchStream,
    Trunk,
    dice_of,
    training_patch,
    whole_probabilities,
)
from spinect_core.segmentation.organ_network import ORGAN_CLASSES, shown

SHAPE = (16, 32, 32)


@pytest.fixture
def trunk() -> Trunk:
    """Soft tissue with a block of bowel full of gas on the patient's left."""
    hu = np.full((40, 60, 60), 50, np.int16)
    classes = np.zeros(hu.shape, np.uint8)
    box = (slice(10, 30), slice(20, 40), slice(35, 50))
    hu[box], classes[box] = -900, 1
    return Trunk(hu, classes, tuple(np.argwhere(classes == number)[::7] for number in RARE))


def test_classes_move_with_the_picture(trunk: Trunk) -> None:
    agreed = []
    for seed in range(6):
        image, classes = training_patch(trunk, np.random.default_rng(seed), SHAPE)
        assert image.shape == classes.shape == SHAPE
        gas = image < shown(np.array(-400.0))
        inside = classes == 1
        if inside.sum() > 200:
            agreed.append(np.count_nonzero(gas & inside) / inside.sum())
    assert len(agreed) > 2
    assert min(agreed) > 0.85


def test_the_patch_of_a_step_is_always_the_same(trunk: Trunk, tmp_path: Path) -> None:
    path = tmp_path / "organs_0.npz"
    large = (96, 96, 96)
    np.savez(path, hu=np.resize(trunk.hu, large), labels=np.resize(trunk.classes, large))
    batches = []
    for _ in range(2):
        stream = PatchStream([path, tmp_path / "not drawn yet.npz"], OrganRecipe(batch=1))
        batches.append(stream.at(7))
        stream.close()
    np.testing.assert_array_equal(batches[0][0], batches[1][0])
    np.testing.assert_array_equal(batches[0][1], batches[1][1])


def test_the_rate_rises_and_then_falls_to_a_hundredth() -> None:
    recipe = OrganRecipe(steps=1000, rate=1e-3, warmup=50)
    rates = [recipe.rate_at(step) for step in (0, 49, 500, 999, 2000)]
    assert rates[0] < rates[2] < rates[1]
    assert rates[1] == pytest.approx(1e-3)
    assert rates[3] == pytest.approx(1e-5, rel=0.01)
    assert rates[4] == pytest.approx(1e-5)


def test_dice_counts_what_is_missed_and_what_is_invented() -> None:
    true, found = np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)
    true[:2], found[1:3] = 1, 1
    found[3] = 2
    assert dice_of(found, true) == {"bowel": 0.5, "kidney": 0.0}


def test_a_whole_trunk_is_read_in_tiles_that_leave_no_seam() -> None:
    hu = np.random.default_rng(0).normal(40, 60, (50, 70, 90))

    def fake(batch):  # says of every voxel what it is shown there
        bright = (batch > 0).astype(np.float32)
        rest = np.zeros((*batch.shape[:4], len(ORGAN_CLASSES) - 2), np.float32)
        return np.concatenate([1 - bright, bright, rest], axis=-1)

    found = whole_probabilities(fake, hu)
    assert found.shape == (*hu.shape, len(ORGAN_CLASSES))
    np.testing.assert_allclose(found[..., 1], hu > 0, atol=1e-5)
