"""The training loop, in Keras 3 alone: any backend, resumable to the step, the best weights always on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import OutputError, SegmentationError, UsageError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.research.training.cases import Cases
from spinect_core.research.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from spinect_core.research.training.curve import draw_curve
from spinect_core.research.training.losses import training_loss
from spinect_core.research.training.recipe import TrainingConfig
from spinect_core.research.training.run_folder import (
    BEST,
    CHECKPOINT,
    LAST,
    LOSSES,
    VALIDATION,
    append,
    keep_config,
    rewind,
    rows_of,
)
from spinect_core.research.training.sampling import BatchStream
from spinect_core.research.training.split import Split
from spinect_core.research.training.validation import Scores, judge
from spinect_core.segmentation.network import build_network
from spinect_core.segmentation.weights import Tensors, load_weights, save_weights, tensors_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Best:
    """The validation whose weights were kept.

    Attributes:
        step: after which step.
        dice: mean Dice of the validation cases by class name; NaN if nothing was validated.
    """

    step: int
    dice: dict[str, float]


def train(
    config: TrainingConfig,
    cases: Cases,
    split: Split,
    run_folder: Path,
    *,
    init: Path | None = None,
    workers: int = 1,
    facts: dict[str, Any] | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Best:
    """Train until the last step, or go on where an interrupted run in the same folder stopped.

    Cancelling saves first, so nothing is lost.

    Args:
        config: the recipe.
        cases: labelled cases.
        split: which of them are trained on, and which choose the best weights.
        run_folder: created if need be.
        init: weights to start from instead of random ones.
        workers: threads that make crops.
        facts: more to keep in the run's configuration, such as versions.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: looked at before every step and between the patches of a validation (seconds on a CPU).

    Returns:
        The best validation.

    Raises:
        SegmentationError: the loss is no longer a number, or the checkpoint or the weights do not fit.
        UsageError: the folder holds another run, or a case is too small.
        OutputError: the disk is full or refuses.
        Cancelled: the user stopped the run.
    """
    if not split.validation:
        progress(0.0, "no validation cases: the last weights will be kept as the best")
    keep_config(
        run_folder,
        {
            "recipe": config.to_dict(),
            "cases": {
                "training": [cases.names[i] for i in split.training],
                "validation": [cases.names[i] for i in split.validation],
                "test": [cases.names[i] for i in split.test],
                "init": None if init is None else str(init),
            },
            **(facts or {}),
        },
    )
    trainer = _Trainer(config, run_folder, init)
    report = _Report(config, trainer, progress)
    try:
        with BatchStream(cases, split.training, config, workers=workers) as stream:
            while True:
                check(cancel)
                done = trainer.step >= config.steps
                if trainer.step and (done or trainer.step % config.validate_every == 0):
                    report.validating()
                    trainer.judge_once(cases, split.validation, cancel)
                if done:
                    break
                report.step(trainer.advance(*stream.at(trainer.step)))
                if trainer.step % config.save_every == 0:
                    trainer.save()
        trainer.save()
    except OutputError:
        raise  # The disk has just refused; trying again would hide its reason.
    except BaseException:
        # A checkpoint of weights that are no longer numbers would make the fault permanent.
        if trainer.sound:
            trainer.save()
        raise
    return best_of(run_folder)


def best_of(run_folder: Path) -> Best:
    """The best validation of a run, from its log.

    Raises:
        UsageError: nothing was validated yet.
    """
    rows = [row for row in rows_of(run_folder, VALIDATION) if row["best"] == "1"]
    if not rows:
        raise UsageError("The run has not validated anything yet", "Let it go on", run_folder)
    row = rows[-1]
    return Best(int(row["step"]), {name: float(row[f"dice_{name}"]) for name in ("bone", "nerve")})


def judge_weights(
    config: TrainingConfig,
    weights: Path,
    cases: Cases,
    members: Sequence[int],
    *,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> list[Scores]:
    """What weights on disk make of cases.

    Raises:
        SegmentationError: the weights do not fit.
        Cancelled: the user stopped it.
    """
    network = _Network(config)
    load_weights(network.model, weights)
    scores = []
    for place, number in enumerate(members):
        progress(place / len(members), f"judging {cases.names[number]}")
        scores.append(judge(network.predict, cases.load(number), config, cases.names[number], cancel))
    return scores


class _Network:
    """A network that predicts, compiled as suits the backend."""

    def __init__(self, config: TrainingConfig) -> None:
        self.model: keras.Model = build_network(config.patch_shape)
        self.model.compile(jit_compile=_jit())
        self._batch = config.batch

    def predict(self, patches: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        # Always as many patches as in training: several devices share them, and JAX compiles for each count.
        missing = max(0, self._batch - len(patches))
        filled = np.pad(patches, [(0, missing), *[(0, 0)] * 4])
        return np.asarray(self.model.predict_on_batch(filled))[: len(patches)]


def _check_shares(batch: int) -> None:
    """Refuse a batch that the devices cannot share evenly."""
    import keras

    distribution = keras.distribution.distribution()
    devices = 1 if distribution is None else int(distribution.num_model_replicas)
    if batch % devices:
        raise UsageError(
            f"{batch} patches cannot be shared evenly among {devices} devices",
            f"Give a multiple of {devices}, such as {devices * math.ceil(batch / devices)}",
            parameter="batch",
        )


def _jit() -> bool:
    """Whether to compile with XLA: JAX crawls without, TensorFlow on a CPU crawls with it."""
    import keras

    return bool(keras.backend.backend() == "jax")


class _Report:
    """How far the run is, and how long the rest will take."""

    def __init__(self, config: TrainingConfig, trainer: _Trainer, progress: Progress) -> None:
        self._config, self._trainer, self._progress = config, trainer, progress
        self._begun, self._first = time.monotonic(), trainer.step

    def step(self, loss: float) -> None:
        step, steps = self._trainer.step, self._config.steps
        each = (time.monotonic() - self._begun) / max(1, step - self._first)
        best = f", best Dice {self._trainer.best:.3f}" if self._trainer.best >= 0 else ""
        left = each * (steps - step) / 60
        words = f"step {step} of {steps}, loss {loss:.4f}{best}, {each:.2f} s a step, {left:.0f} min left"
        self._progress(step / steps, words)

    def validating(self) -> None:
        step, steps = self._trainer.step, self._config.steps
        self._progress(step / steps, f"validating after step {step}")


class _Trainer:
    """The network, its optimiser and its averaged twin, at some step."""

    def __init__(self, config: TrainingConfig, folder: Path, init: Path | None) -> None:
        import keras

        _check_shares(config.batch)
        keras.utils.set_random_seed(config.seed)
        self.config, self.folder = config, folder
        self.model: keras.Model = build_network(config.patch_shape, half=config.precision == "half")
        self.optimizer: Any = keras.optimizers.Adam(config.rate, clipnorm=config.clip or None)
        self.model.compile(
            optimizer=self.optimizer,
            loss=training_loss(config.class_weights, config.dice),
            jit_compile=_jit(),
        )
        self.optimizer.build(self.model.trainable_variables)
        self.judged_network = _Network(config)
        self.step, self.best, self.judged, self.sound = 0, -1.0, -1, True
        if init is not None:
            load_weights(self.model, init)
        self._average(0.0)
        if (folder / CHECKPOINT).exists():
            self._resume(load_checkpoint(folder / CHECKPOINT))
        rewind(folder, self.step, self.judged)

    def advance(self, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
        """One step of Adam; the loss before it."""
        begun = time.monotonic()
        rate = self.config.rate_at(self.step)
        self.optimizer.learning_rate = rate
        answer: Any = self.model.train_on_batch(images, labels[..., np.newaxis])
        loss = float(np.asarray(answer).ravel()[0])
        if not math.isfinite(loss):
            self.sound = False
            raise SegmentationError(
                f"The loss is no longer a number at step {self.step + 1}",
                "Start the same command again to go on from the last checkpoint; if it happens again, start "
                "another run with a smaller learning rate",
                self.folder,
                parameter="rate",
            )
        self.step += 1
        if self.config.averaging:
            # Early on the average follows quickly, or it would remember the random start for long.
            self._average(min(self.config.averaging, (1 + self.step) / (10 + self.step)))
        seconds = time.monotonic() - begun
        row = {"step": self.step, "loss": f"{loss:.5f}", "rate": f"{rate:.3e}", "seconds": f"{seconds:.3f}"}
        append(self.folder, LOSSES, row)
        return loss

    def judge_once(self, cases: Cases, members: Sequence[int], cancel: Cancel | None) -> None:
        """Dice on validation cases; the weights are stored, and stored as best if they are."""
        if self.judged == self.step:
            return
        if not self.config.averaging:
            self._average(0.0)
        chosen = self._chosen(members)
        network = self.judged_network
        scores = [judge(network.predict, cases.load(i), self.config, cases.names[i], cancel) for i in chosen]
        dice = {
            name: float(np.mean([score.dice[name] for score in scores])) if scores else math.nan
            for name in ("bone", "nerve")
        }
        mean = sum(dice.values()) / len(dice)
        # Without validation cases the mean is not a number, and the last weights are the best known.
        best = math.isnan(mean) or mean > self.best
        facts = {"step": str(self.step), **{f"dice_{name}": f"{value:.4f}" for name, value in dice.items()}}
        save_weights(network.model, self.folder / LAST, facts=facts)
        if best:
            self.best = self.best if math.isnan(mean) else mean
            save_weights(network.model, self.folder / BEST, facts=facts)
        self.judged = self.step
        row = {"step": self.step, "mean": f"{mean:.4f}", "best": int(best), "cases": len(chosen)}
        append(
            self.folder, VALIDATION, row | {f"dice_{name}": f"{value:.4f}" for name, value in dice.items()}
        )
        draw_curve(self.folder)

    def save(self) -> None:
        """Write everything needed to go on from this step."""
        from keras import ops

        moments = [np.asarray(ops.convert_to_numpy(ops.copy(v))) for v in self.optimizer.variables]
        weights = tensors_of(self.model)
        average: Tensors = tensors_of(self.judged_network.model) if self.config.averaging else {}
        state = Checkpoint(self.step, self.best, self.judged, weights, average, moments)
        save_checkpoint(state, self.folder / CHECKPOINT)

    def _chosen(self, members: Sequence[int]) -> list[int]:
        """Cases of this step's validation."""
        count = self.config.validation_cases or len(members)
        if count >= len(members):
            return list(members)
        rng = np.random.default_rng([self.config.seed, 2, self.step])
        return [members[i] for i in sorted(rng.permutation(len(members))[:count])]

    def _average(self, kept: float) -> None:
        """Move the judged network towards the trained one, on the device; all the way with 0."""
        from keras import ops

        for mean, value in zip(self.judged_network.model.weights, self.model.weights, strict=True):
            # A copy: JAX gives the memory of the trained weights away at the next step.
            mean.assign(ops.copy(value) if kept == 0 else kept * mean + (1 - kept) * value)

    def _resume(self, checkpoint: Checkpoint) -> None:
        try:
            _assign(self.model, checkpoint.weights)
            for variable, value in zip(self.optimizer.variables, checkpoint.moments, strict=True):
                variable.assign(value)
            _assign(self.judged_network.model, checkpoint.average or checkpoint.weights)
        except (KeyError, ValueError) as error:
            raise SegmentationError(
                "The checkpoint belongs to another network", "Choose another run folder", self.folder
            ) from error
        self.step, self.best, self.judged = checkpoint.step, checkpoint.best, checkpoint.judged


def _assign(model: keras.Model, tensors: Tensors) -> None:
    for layer in model.layers:
        for variable in layer.weights:
            variable.assign(tensors[f"{layer.name}/{variable.name}"])
