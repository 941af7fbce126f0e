"""The loss functions of the training: the paper's weighted cross-entropy, and a soft Dice loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from spinect_core.segmentation.network import CLASSES

CLASS_WEIGHTS = (1.0, 2.0, 6.0)
"""Weights of background, bone and nerve: nerve is about one voxel in a hundred."""

Loss = Callable[[Any, Any], Any]


def weighted_cross_entropy(class_weights: Sequence[float] = CLASS_WEIGHTS) -> Loss:
    """Cross-entropy of the softmax, every voxel weighted by its true class, over the sum of the weights.

    Returns:
        A function of labels (batch, z, y, x) of any whole type and probabilities (batch, z, y, x, 3).
    """

    def loss(labels: Any, probabilities: Any) -> Any:
        from keras import ops

        truth = ops.one_hot(_whole(labels), len(class_weights), dtype="float32")
        weight = ops.sum(truth * ops.convert_to_tensor(class_weights, dtype="float32"), axis=-1)
        chosen = ops.sum(truth * ops.cast(probabilities, "float32"), axis=-1)
        # Added, not clipped: clipping would hide that the network no longer yields numbers.
        return -ops.sum(weight * ops.log(chosen + 1e-7)) / ops.sum(weight)

    return loss


def soft_dice(classes: int = CLASSES) -> Loss:
    """One minus the mean Dice of all classes but the first, taken with probabilities over the whole batch."""

    def loss(labels: Any, probabilities: Any) -> Any:
        from keras import ops

        truth = ops.one_hot(_whole(labels), classes, dtype="float32")[..., 1:]
        found = ops.cast(probabilities, "float32")[..., 1:]
        voxels = (0, 1, 2, 3)
        shared = ops.sum(truth * found, axis=voxels)
        # One voxel is added above and below: a class that is nowhere and nowhere found counts as perfect.
        dice = (2 * shared + 1) / (ops.sum(truth, axis=voxels) + ops.sum(found, axis=voxels) + 1)
        return 1 - ops.mean(dice)

    return loss


def training_loss(class_weights: Sequence[float] = CLASS_WEIGHTS, dice: float = 0.0) -> Loss:
    """Weighted cross-entropy plus ``dice`` times the soft Dice loss."""
    entropy, overlap = weighted_cross_entropy(class_weights), soft_dice(len(class_weights))

    def loss(labels: Any, probabilities: Any) -> Any:
        value = entropy(labels, probabilities)
        return value + dice * overlap(labels, probabilities) if dice else value

    return loss


def _whole(labels: Any) -> Any:
    """Labels as int32 without a channel axis: Keras adds one to what is thinner than the output."""
    from keras import ops

    labels = ops.cast(labels, "int32")
    return ops.squeeze(labels, axis=-1) if len(labels.shape) == 5 else labels
