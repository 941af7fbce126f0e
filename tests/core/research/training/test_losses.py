"""The losses are what they are said to be."""

import numpy as np
import pytest

pytest.importorskip("keras")
from spinect_core.research.training.losses import soft_dice, training_loss, weighted_cross_entropy


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
