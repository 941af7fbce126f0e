"""The training loop, in Keras 3 alone: any backend, resumable to the step, the best weights always on disk.

A run folder holds ``checkpoint.npz`` (everything needed to go on), ``best.weights.safetensors`` and
``last.weights.safetensors`` (for :mod:`spinect_core.segmentation.weights`) and ``log.csv``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinect_core.errors import SegmentationError
from spinect_core.progress import Cancel, Progress, check, silent
from spinect_core.segmentation.network import PATCH_SHAPE, build_network
from spinect_core.segmentation.weights import Tensors, save_weights, tensors_of
from spinect_core.training.augmentation import Augmentation
from spinect_core.training.cases import Case, CaseFolders
from spinect_core.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from spinect_core.training.losses import CLASS_WEIGHTS, training_loss
from spinect_core.training.sampling import BatchStream
from spinect_core.training.validation import validate

if TYPE_CHECKING:
    import keras

BEST, LAST, CHECKPOINT, LOG = (
    "best.weights.safetensors",
    "last.weights.safetensors",
    "checkpoint.npz",
    "log.csv",
)


@dataclass(frozen=True)
class TrainingConfig:
    """The recipe; the defaults are the paper's where it tells them.

    Attributes:
        steps: iterations in all.
        rate: Adam's learning rate after the warm-up.
        last_rate: rate at the last step.
        warmup: steps of rising rate.
        decay_from: step from which the rate falls along a cosine; never, if at or beyond ``steps``.
        class_weights: of background, bone and nerve in the cross-entropy.
        dice: weight of the soft Dice loss; 0 is the paper's.
        batch: patches of an iteration.
        averaging: part of the old average kept at each step by the averaged weights that are validated and
            stored.
        validate_every: steps between validations.
        save_every: steps between checkpoints.
        validation_cases: cases of a validation.
        seed: of the first weights, the crops and the patches.
        augmentation: how crops are varied.
        patch_shape: voxels the network reads at once; anything but the default is for tests.
    """

    steps: int = 2000
    rate: float = 5e-4
    last_rate: float = 3e-5
    warmup: int = 40
    decay_from: int = 1000
    class_weights: Sequence[float] = CLASS_WEIGHTS
    dice: float = 0.5
    batch: int = 4
    averaging: float = 0.99
    validate_every: int = 100
    save_every: int = 50
    validation_cases: int = 3
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    patch_shape: tuple[int, int, int] = PATCH_SHAPE

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        if step < self.decay_from:
            return self.rate
        part = min(1.0, (step - self.decay_from) / max(1, self.steps - self.decay_from))
        return self.last_rate + (self.rate - self.last_rate) * 0.5 * (1 + math.cos(math.pi * part))


def train(
    config: TrainingConfig,
    cases: CaseFolders,
    run_folder: Path,
    *,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> dict[str, float]:
    """Train until the last step, or go on where an interrupted run in the same folder stopped.

    Cancelling saves first, so nothing is lost.

    Args:
        config: the recipe.
        cases: labelled cases; files that appear later are taken up at the next validation.
        run_folder: created if need be.
        progress: told of every step.
        cancel: looked at before every step (seconds on a CPU).

    Returns:
        The last validation's Dice by class name.

    Raises:
        SegmentationError: the loss is no longer a number, or the folder's checkpoint does not fit.
        Cancelled: the user stopped the run.
    """
    run_folder.mkdir(parents=True, exist_ok=True)
    trainer = _Trainer(config, run_folder)
    stream = BatchStream(
        cases,
        seed=config.seed,
        batch=config.batch,
        augmentation=config.augmentation,
        patch_shape=config.patch_shape,
    )
    scores: dict[str, float] = {}
    try:
        while trainer.step < config.steps:
            check(cancel)
            if trainer.step % config.validate_every == 0:
                cases.refresh()
            loss = trainer.advance(*stream.at(trainer.step))
            progress(trainer.step / config.steps, f"step {trainer.step} of {config.steps}, loss {loss:.4f}")
            done = trainer.step == config.steps
            if done or trainer.step % config.validate_every == 0:
                files = cases.validation_files()[: config.validation_cases]
                scores = trainer.judge([cases.load(path) for path in files], cancel)
            if done or trainer.step % config.save_every == 0:
                trainer.save()
    except BaseException:
        # A checkpoint of weights that are no longer numbers would make the fault permanent.
        if trainer.sound:
            trainer.save()
        raise
    return scores


class _Trainer:
    """The network, its optimiser and its averaged twin, at some step."""

    def __init__(self, config: TrainingConfig, folder: Path) -> None:
        import keras

        keras.utils.set_random_seed(config.seed)
        self.config, self.folder = config, folder
        self.model: keras.Model = build_network(config.patch_shape)
        self.twin: keras.Model = build_network(config.patch_shape)
        self.optimizer: Any = keras.optimizers.Adam(config.rate, clipnorm=5.0)
        self.model.compile(
            optimizer=self.optimizer, loss=training_loss(config.class_weights, config.dice), jit_compile=False
        )
        self.optimizer.build(self.model.trainable_variables)
        self.step, self.best, self.sound = 0, -1.0, True
        self.average: Tensors = tensors_of(self.model)
        if (folder / CHECKPOINT).exists():
            self._resume(load_checkpoint(folder / CHECKPOINT))

    def advance(self, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
        """One step of Adam; the loss before it."""
        self.optimizer.learning_rate = self.config.rate_at(self.step)
        answer: Any = self.model.train_on_batch(images, labels[..., np.newaxis])
        loss = float(np.asarray(answer).ravel()[0])
        if not math.isfinite(loss):
            self.sound = False
            raise SegmentationError(
                f"The loss is no longer a number at step {self.step + 1}",
                "Start again from the checkpoint with a smaller learning rate",
                self.folder,
            )
        self.step += 1
        # Early on the average follows quickly, or it would remember the random start for long.
        kept = np.float32(min(self.config.averaging, (1 + self.step) / (10 + self.step)))
        for name, value in tensors_of(self.model).items():
            self.average[name] = kept * self.average[name] + (1 - kept) * value
        self._log(step=self.step, loss=f"{loss:.5f}", rate=f"{self.config.rate_at(self.step - 1):.3e}")
        return loss

    def judge(self, cases: Sequence[Case], cancel: Cancel | None) -> dict[str, float]:
        """Dice of the averaged weights on unseen cases; they are stored, and stored as best if they are."""
        for layer in self.twin.layers:
            for variable in layer.weights:
                variable.assign(self.average[f"{layer.name}/{variable.name}"])
        scores = validate(self._labels, cases, patch_shape=self.config.patch_shape, cancel=cancel)
        facts = {"step": str(self.step), **{f"dice_{name}": f"{value:.4f}" for name, value in scores.items()}}
        save_weights(self.twin, self.folder / LAST, facts=facts)
        mean = float(np.mean(list(scores.values())))
        # Without validation cases the mean is not a number, and the last weights are the best known.
        if math.isnan(mean) or mean > self.best:
            self.best = self.best if math.isnan(mean) else mean
            save_weights(self.twin, self.folder / BEST, facts=facts)
        self._log(step=self.step, **{f"dice_{name}": f"{value:.4f}" for name, value in scores.items()})
        return scores

    def save(self) -> None:
        """Write everything needed to go on from this step."""
        from keras import ops

        moments = [np.asarray(ops.convert_to_numpy(ops.copy(v))) for v in self.optimizer.variables]
        save_checkpoint(
            Checkpoint(self.step, self.best, tensors_of(self.model), self.average, moments),
            self.folder / CHECKPOINT,
        )

    def _labels(self, patches: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        from keras import ops

        probabilities: npt.NDArray[Any] = ops.convert_to_numpy(self.twin(patches, training=False))
        return np.asarray(probabilities.argmax(-1), dtype=np.uint8)

    def _resume(self, checkpoint: Checkpoint) -> None:
        variables = {f"{layer.name}/{v.name}": v for layer in self.model.layers for v in layer.weights}
        try:
            for name, variable in variables.items():
                variable.assign(checkpoint.weights[name])
            for variable, value in zip(self.optimizer.variables, checkpoint.moments, strict=True):
                variable.assign(value)
            self.average = {name: checkpoint.average[name] for name in variables}
        except (KeyError, ValueError) as error:
            raise SegmentationError(
                "The checkpoint belongs to another network", "Choose another run folder", self.folder
            ) from error
        self.step, self.best = checkpoint.step, checkpoint.best

    def _log(self, **row: object) -> None:
        """Append a row; columns that a row does not have stay empty."""
        columns = ["step", "loss", "rate", "dice_bone", "dice_nerve"]
        path = self.folder / LOG
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
