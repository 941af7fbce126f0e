"""The losses are what they are said to be."""

import numpy as np
import pytest

pytest.importorskip("keras")
from spinect_core.research.training.losses import soft_dice, training_loss, weighted_cross_entropy
from spinect_core.research.training.recipe import RECIPES


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (2, 4, 5, 6)).astype(np.uint8)
    logits = rng.normal(size=(*labels.shape, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return labels, probabilities.astype(np.float32)


def test_cross_entropy_is_weighted_by_the_true_class(batch):
    labels, probabilities = batch
    weight = np.array([1.0, 2.0, 6.0])[labels]
    chosen = np.take_along_axis(probabilities, labels[..., None].astype(int), -1)[..., 0]
    expected = -(weight * np.log(chosen)).sum() / weight.sum()
    assert float(weighted_cross_entropy((1, 2, 6))(labels, probabilities)) == pytest.approx(
        expected, rel=1e-5
    )


def test_a_channel_axis_on_the_labels_changes_nothing(batch):
    labels, probabilities = batch
    loss = training_loss(dice=0.5)
    assert float(loss(labels[..., None], probabilities)) == pytest.approx(float(loss(labels, probabilities)))


def test_the_truth_costs_nothing_and_certain_error_stays_finite(batch):
    labels, _ = batch
    truth = np.eye(3, dtype=np.float32)[labels]
    assert float(training_loss(dice=1.0)(labels, truth)) == pytest.approx(0, abs=1e-5)
    wrong = np.eye(3, dtype=np.float32)[(labels + 1) % 3]
    assert np.isfinite(float(training_loss(dice=1.0)(labels, wrong)))


def test_soft_dice_counts_bone_and_nerve_alike_and_not_background():
    labels = np.zeros((1, 2, 2, 2), np.uint8)
    labels[0, 0, 0, 0] = 2
    nothing = np.eye(3, dtype=np.float32)[np.zeros_like(labels)]
    # Bone is nowhere and nowhere found: perfect. Nerve is missed: (0 + 1) / (1 + 0 + 1).
    assert float(soft_dice()(labels, nothing)) == pytest.approx(1 - (1 + 0.5) / 2)


def test_unless_told_otherwise_a_missed_nerve_costs_three_times_a_missed_bone():
    """The weights of background, bone and nerve are 1, 2 and 6, in the loss and in every recipe."""

    def cost(missed, loss):
        labels = np.array([0, 1, 2], np.uint8).reshape(1, 1, 1, 3)
        probabilities = np.eye(3, dtype=np.float32)[labels]
        probabilities[0, 0, 0, missed] = 1 / 3
        return float(loss(labels, probabilities))

    for loss in (weighted_cross_entropy(), training_loss(), *map(training_loss, recipes())):
        background, bone, nerve = (cost(missed, loss) for missed in range(3))
        assert bone == pytest.approx(2 * background, rel=1e-4)
        assert nerve == pytest.approx(6 * background, rel=1e-4)
        assert bone == pytest.approx(np.log(3) * 2 / 9, rel=1e-4)


def recipes():
    return [recipe.class_weights for recipe in RECIPES.values()]
