"""Training of the organ network, on trunks drawn for it alone: ``python -m spinect_core.research.training.organs``.

It is the recipe of :mod:`spinect_core.research.training.loop` cut down to what a small network on two processor cores
needs: weighted cross-entropy and soft Dice, Adam under a cosine, averaged weights, every patch turned, stretched, bent
and shaded anew. Which weights are kept is decided on phantoms that are not trained on.

A run can be interrupted and goes on where it stopped; the cases are drawn once and kept.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import LabelArray
from spinect_core.base.errors import SegmentationError, UsageError
from spinect_core.base.files import whole_file
from spinect_core.research.phantom.organs import draw_trunk
from spinect_core.research.phantom.workers import Workers
from spinect_core.research.training.augmentation import rotation, smooth_field
from spinect_core.research.training.backend import choose_backend
from spinect_core.research.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from spinect_core.research.training.losses import training_loss
from spinect_core.segmentation.organ_network import ORGAN_CLASSES, PATCH_SHAPE, build_organ_network, shown
from spinect_core.segmentation.tiling import tile_starts
from spinect_core.segmentation.weights import ORGAN_ARCHITECTURE, save_weights, tensors_of

if TYPE_CHECKING:
    import keras

FloatArray = npt.NDArray[np.float32]

CLASS_WEIGHTS = (1.0, 2.0, 2.5, 3.0, 1.5, 3.0, 1.0, 1.0, 1.0)
"""In the order of :data:`~spinect_core.segmentation.organ_network.ORGAN_CLASSES`: what a needle must not meet, and what
is small, counts more."""
RARE = (1, 2, 3, 4, 5)
"""Classes on which half of the patches are centred."""
FIRST_OF_VALIDATION = 1000
"""Seeds from here on are never trained on: they choose the weights."""
FIRST_OF_TEST = 2000
"""Seeds from here on are looked at only with the chosen weights."""
AIR_HU = -1000.0


@dataclass(frozen=True)
class OrganRecipe:
    """How the organ network is trained.

    Attributes:
        steps: in all.
        batch: patches of a step.
        rate: Adam's learning rate after the warm-up; falls along a cosine to a hundredth.
        warmup: steps of rising rate.
        dice: weight of the soft Dice loss.
        averaging: part of the averaged weights kept at each step.
        validate_every: steps between validations.
        save_every: steps between checkpoints.
        seed: of weights and patches.
    """

    steps: int = 2000
    batch: int = 2
    rate: float = 1.5e-3
    warmup: int = 40
    dice: float = 0.5
    averaging: float = 0.99
    validate_every: int = 250
    save_every: int = 100
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        part = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))


@dataclass(frozen=True, eq=False)
class Trunk:
    """A trunk to train on: int16 HU and uint8 classes [z, y, x] of 3 mm, and places (n, 3) of what is rare."""

    hu: npt.NDArray[np.int16]
    classes: LabelArray
    rare: tuple[npt.NDArray[np.intp], ...]


def read_trunk(path: Path) -> Trunk:
    """A case of :func:`draw_cases`."""
    with np.load(path, allow_pickle=False) as content:
        hu, classes = content["hu"], content["labels"]
    return Trunk(hu, classes, tuple(np.argwhere(classes == number)[::7] for number in RARE))


def case_path(folder: Path, seed: int) -> Path:
    """Where the case of a seed is kept."""
    return folder / f"organs_{seed}.npz"


def _draw(task: tuple[int, str]) -> None:
    seed, name = task
    path = Path(name)
    drawn = draw_trunk(seed)
    with whole_file(path) as stream:
        np.savez(stream, allow_pickle=False, hu=drawn.volume.array, labels=drawn.classes)


def draw_cases(seeds: Sequence[int], folder: Path, workers: int = 1) -> None:
    """Draw the trunks of the seeds that the folder does not hold yet."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [(seed, str(case_path(folder, seed))) for seed in seeds if not case_path(folder, seed).exists()]
    if missing:
        with Workers(_draw, min(workers, len(missing))) as drawing:
            for count, _ in enumerate(drawing.run(missing, ordered=False), start=1):
                print(f"drawn {count} of {len(missing)} trunks", flush=True)


# --- patches ---------------------------------------------------------------------------------------------------------


def training_patch(
    trunk: Trunk, rng: np.random.Generator, shape: tuple[int, int, int] = PATCH_SHAPE
) -> tuple[FloatArray, LabelArray]:
    """A patch of a trunk, turned by up to 12 degrees, stretched, bent, mirrored, shaded and cut as CTs are.

    Returns:
        float32 intensity as the network is shown it, and uint8 classes, both [z, y, x].
    """
    size = np.array(trunk.hu.shape)
    places = trunk.rare[int(rng.integers(len(trunk.rare)))]
    if rng.random() < 0.5 and len(places):
        middle = places[int(rng.integers(len(places)))] + rng.uniform(-12.0, 12.0, 3)
    else:
        middle = rng.uniform(0.15, 0.85, 3) * size
    matrix: npt.NDArray[np.float64] = rotation(np.radians(rng.normal(0.0, 5.0, 3).clip(-12.0, 12.0)))
    matrix = matrix @ np.diag(1.0 / (rng.uniform(0.85, 1.18) * rng.uniform(0.93, 1.07, 3)))
    if rng.random() < 0.5:
        matrix = matrix @ np.diag([1.0, 1.0, -1.0])
    grid = np.stack(
        np.meshgrid(*[np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in shape], indexing="ij")
    )
    at = np.tensordot(matrix.astype(np.float32), grid, axes=1)
    at += middle.astype(np.float32)[:, None, None, None]
    if rng.random() < 0.6:
        strength = np.float32(rng.uniform(0.3, 1.6))
        for axis in range(3):
            at[axis] += strength * smooth_field(shape, rng, 14)
    hu = np.empty(shape, np.float32)
    ndimage.map_coordinates(trunk.hu.astype(np.float32), at, hu, order=1, mode="constant", cval=AIR_HU)
    classes = np.empty(shape, np.uint8)
    ndimage.map_coordinates(trunk.classes, at, classes, order=0, mode="constant", cval=0)
    hu = _shaded(hu, rng)
    if rng.random() < 0.35:
        _cut_off(hu, classes, rng)
    return shown(hu), classes


def _shaded(hu: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The patch as another scanner would show it."""
    soft = np.asarray(np.clip((hu + 160) / 60, 0, 1) * np.clip((250 - hu) / 80, 0, 1), dtype=np.float32)
    uneven = smooth_field(hu.shape, rng, 12) * np.float32(rng.uniform(0.0, 12.0))
    hu = np.asarray(hu + soft * uneven, dtype=np.float32)
    # Fat, muscle and what lies between, of other densities.
    other = np.float32(rng.normal(0.0, 6.0))
    hu = np.asarray(hu + soft * other + np.float32(rng.normal(0.0, 3.0)), dtype=np.float32)
    if rng.random() < 0.3:
        hu = np.asarray(ndimage.gaussian_filter(hu, rng.uniform(0.2, 0.7), truncate=3))
    elif rng.random() < 0.25:
        hu = hu + np.float32(rng.uniform(0.2, 0.8)) * (hu - ndimage.gaussian_filter(hu, 0.8, truncate=3))
    if rng.random() < 0.15:  # slices of 5 to 9 mm
        hu = ndimage.uniform_filter1d(hu, int(rng.integers(2, 4)), axis=0)
    if rng.random() < 0.6:
        hu = hu + rng.standard_normal(hu.shape, dtype=np.float32) * np.float32(20.0 * rng.random() ** 2)
    return np.asarray(hu, dtype=np.float32)


def _cut_off(hu: FloatArray, classes: LabelArray, rng: np.random.Generator) -> None:
    """Make the field of view end within the patch, in place: at a circle or a plane."""
    _nz, ny, nx = hu.shape
    y, x = np.mgrid[:ny, :nx]
    if rng.random() < 0.6:
        radius = float(rng.uniform(22.0, 50.0))
        outside = np.hypot(y - ny / 2 - rng.uniform(-20, 20), x - nx / 2 - rng.uniform(-20, 20)) > radius
        where: Any = (slice(None), outside)
    else:
        axis, share = int(rng.integers(0, 3)), float(rng.uniform(0.05, 0.35))
        count = max(int(share * hu.shape[axis]), 1)
        index: list[slice] = [slice(None)] * 3
        index[axis] = slice(0, count) if rng.random() < 0.5 else slice(hu.shape[axis] - count, None)
        where = tuple(index)
    hu[where] = float(rng.choice([-1024.0, -1000.0, -2000.0]))
    classes[where] = 0


class PatchStream:
    """Batches by step number from the cases that a folder holds by then; threads make them in advance."""

    def __init__(self, paths: Sequence[Path], recipe: OrganRecipe, workers: int = 1) -> None:
        self._paths, self._recipe = list(paths), recipe
        self._kept: dict[Path, Trunk] = {}
        self._threads = ThreadPoolExecutor(workers)
        self._made: dict[int, Future[tuple[FloatArray, LabelArray]]] = {}

    def at(self, step: int) -> tuple[FloatArray, LabelArray]:
        """float32 (batch, z, y, x, 1) and uint8 (batch, z, y, x)."""
        for number in range(step, step + 4):
            if number not in self._made:
                self._made[number] = self._threads.submit(self._batch, number)
        return self._made.pop(step).result()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _batch(self, step: int) -> tuple[FloatArray, LabelArray]:
        rng = np.random.default_rng([self._recipe.seed, 1, step])
        ready = [path for path in self._paths if path in self._kept or path.exists()]
        pairs = []
        for _ in range(self._recipe.batch):
            path = ready[int(rng.integers(len(ready)))]
            if path not in self._kept:
                self._kept[path] = read_trunk(path)
            pairs.append(training_patch(self._kept[path], rng))
        return np.stack([image for image, _ in pairs])[..., None], np.stack([labels for _, labels in pairs])


# --- judging ---------------------------------------------------------------------------------------------------------


def whole_probabilities(predict: Any, hu: npt.NDArray[Any]) -> FloatArray:
    """Probabilities [z, y, x, class] of a whole trunk from overlapping tiles."""
    image = shown(hu)
    missing = [(0, max(patch - n, 0)) for n, patch in zip(image.shape, PATCH_SHAPE, strict=True)]
    padded = np.pad(image, missing, mode="edge")
    summed = np.zeros((*padded.shape, len(ORGAN_CLASSES)), np.float32)
    tents = [1 - np.abs(np.arange(n) - (n - 1) / 2) / ((n + 1) / 2) for n in PATCH_SHAPE]
    tent = (tents[0][:, None, None] * tents[1][None, :, None] * tents[2]).astype(np.float32)[..., None]
    starts = [
        tile_starts(n, patch, patch * 3 // 4, even=True)
        for n, patch in zip(padded.shape, PATCH_SHAPE, strict=True)
    ]
    for a in starts[0]:
        for b in starts[1]:
            for c in starts[2]:
                box = tuple(slice(s, s + n) for s, n in zip((a, b, c), PATCH_SHAPE, strict=True))
                summed[box] += tent * np.asarray(predict(padded[box][None, ..., None]))[0]
    summed = summed[tuple(slice(n) for n in image.shape)]
    return np.asarray(summed / np.maximum(summed.sum(axis=-1, keepdims=True), 1e-6))


def dice_of(found: LabelArray, true: LabelArray) -> dict[str, float]:
    """Dice of every class that a trunk or the network has, by name."""
    result = {}
    for number, name in enumerate(ORGAN_CLASSES):
        a, b = found == number, true == number
        total = int(a.sum()) + int(b.sum())
        if number and total:
            result[name] = 2 * int((a & b).sum()) / total
    return result


def mean_dice(network: keras.Model, paths: Sequence[Path]) -> dict[str, float]:
    """Mean Dice of every class over trunks."""
    sums: dict[str, list[float]] = {}
    for path in paths:
        trunk = read_trunk(path)
        found = whole_probabilities(network.predict_on_batch, trunk.hu).argmax(axis=-1).astype(np.uint8)
        for name, value in dice_of(found, trunk.classes).items():
            sums.setdefault(name, []).append(value)
    return {name: float(np.mean(values)) for name, values in sums.items()}


# --- the loop --------------------------------------------------------------------------------------------------------


class OrganTrainer:
    """The network, its optimiser and its averaged twin, at some step of a run."""

    def __init__(self, recipe: OrganRecipe, folder: Path) -> None:
        import keras

        keras.utils.set_random_seed(recipe.seed)
        self.recipe, self.folder = recipe, folder
        self.model = build_organ_network()
        self.average = build_organ_network()
        self.optimizer: Any = keras.optimizers.Adam(recipe.rate, clipnorm=5.0)
        self.model.compile(
            optimizer=self.optimizer, loss=training_loss(CLASS_WEIGHTS, recipe.dice), jit_compile=False
        )
        self.average.compile(jit_compile=False)
        self.optimizer.build(self.model.trainable_variables)
        self.step, self.best, self.judged = 0, -1.0, -1
        self._follow(0.0)
        if (folder / "checkpoint.npz").exists():
            self._resume(load_checkpoint(folder / "checkpoint.npz"))

    def advance(self, images: FloatArray, classes: LabelArray) -> float:
        """One step; the loss before it."""
        self.optimizer.learning_rate = self.recipe.rate_at(self.step)
        answer: Any = self.model.train_on_batch(images, classes[..., None])
        loss = float(np.asarray(answer).ravel()[0])
        if not math.isfinite(loss):
            raise SegmentationError(
                f"The loss is no longer a number at step {self.step + 1}",
                "Start again with a smaller learning rate",
                self.folder,
            )
        self.step += 1
        self._follow(min(self.recipe.averaging, (1 + self.step) / (10 + self.step)))
        return loss

    def judge(self, paths: Sequence[Path]) -> dict[str, float]:
        """Dice of the averaged weights on phantoms kept aside; the weights are stored if they are the best."""
        dice = mean_dice(self.average, paths)
        mean = float(np.mean(list(dice.values())))
        facts = {"step": str(self.step), "cases": str(len(paths)), "dice": f"{mean:.4f}"}
        for name, best in (("last", True), ("best", mean > self.best)):
            if best:
                path = self.folder / f"{name}.organs.safetensors"
                save_weights(self.average, path, facts=facts, architecture=ORGAN_ARCHITECTURE)
        self.best, self.judged = max(self.best, mean), self.step
        return dice

    def save(self) -> None:
        """Write everything needed to go on from this step."""
        from keras import ops

        moments = [np.asarray(ops.convert_to_numpy(ops.copy(v))) for v in self.optimizer.variables]
        state = Checkpoint(
            self.step, self.best, self.judged, tensors_of(self.model), tensors_of(self.average), moments
        )
        save_checkpoint(state, self.folder / "checkpoint.npz")

    def _follow(self, kept: float) -> None:
        from keras import ops

        for mean, value in zip(self.average.weights, self.model.weights, strict=True):
            mean.assign(ops.copy(value) if kept == 0 else kept * mean + (1 - kept) * value)

    def _resume(self, checkpoint: Checkpoint) -> None:
        for model, tensors in ((self.model, checkpoint.weights), (self.average, checkpoint.average)):
            for layer in model.layers:
                for variable in layer.weights:
                    variable.assign(tensors[f"{layer.name}/{variable.name}"])
        for variable, value in zip(self.optimizer.variables, checkpoint.moments, strict=True):
            variable.assign(value)
        self.step, self.best, self.judged = checkpoint.step, checkpoint.best, checkpoint.judged


def train_organs(
    recipe: OrganRecipe,
    training: Sequence[Path],
    validation: Sequence[Path],
    folder: Path,
    until: float = math.inf,
) -> None:
    """Train to the last step, or go on where the run in the folder stopped.

    Args:
        recipe: how.
        training: cases; those not drawn yet are left out until they are.
        validation: cases that choose the weights.
        folder: of the run.
        until: seconds since the epoch after which the run stops, whatever the step.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trainer = OrganTrainer(recipe, folder)
    stream = PatchStream(training, recipe)
    begun, first, losses = time.monotonic(), trainer.step, []
    try:
        while trainer.step < recipe.steps and time.time() < until:
            losses.append(trainer.advance(*stream.at(trainer.step)))
            if trainer.step % 25 == 0:
                each = (time.monotonic() - begun) / (trainer.step - first)
                print(
                    f"step {trainer.step}, loss {np.mean(losses[-25:]):.4f}, {each:.2f} s a step", flush=True
                )
            if trainer.step % recipe.save_every == 0:
                trainer.save()
            if trainer.step % recipe.validate_every == 0:
                _report(folder, trainer.step, trainer.judge(validation))
    finally:
        stream.close()
        trainer.save()
    if trainer.judged != trainer.step:
        _report(folder, trainer.step, trainer.judge(validation))


def _report(folder: Path, step: int, dice: dict[str, float]) -> None:
    path = folder / "validation.csv"
    lines = (
        path.read_text(encoding="utf-8") if path.exists() else ",".join(("step", *ORGAN_CLASSES[1:])) + "\n"
    )
    lines += ",".join([str(step), *(f"{dice.get(name, math.nan):.4f}" for name in ORGAN_CLASSES[1:])]) + "\n"
    with whole_file(path) as stream:
        stream.write(lines.encode())
    print(
        f"after step {step}: " + ", ".join(f"{name} {value:.3f}" for name, value in dice.items()), flush=True
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the cases and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("--cases", type=Path, help="folder of the drawn trunks (default: RUN/cases)")
    parser.add_argument("--training", type=int, default=100, help="trunks to train on")
    parser.add_argument("--validation", type=int, default=8, help="trunks that choose the weights")
    parser.add_argument("--steps", type=int, default=OrganRecipe.steps)
    parser.add_argument("--batch", type=int, default=OrganRecipe.batch)
    parser.add_argument("--rate", type=float, default=OrganRecipe.rate)
    parser.add_argument(
        "--every", type=int, default=OrganRecipe.validate_every, help="steps between validations"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that draw")
    parser.add_argument(
        "--do-not-draw", action="store_true", help="take the cases as they come from elsewhere"
    )
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    given = parser.parse_args(arguments)
    if given.training < 1 or given.validation < 1:
        raise UsageError("There must be trunks to train on and to choose by", "Give at least 1 of each")
    # Off by default on some processors, where it makes a step three times as fast.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    choose_backend("tensorflow", "auto")
    cases = given.cases or given.run / "cases"
    seeds = list(range(given.training))
    aside = list(range(FIRST_OF_VALIDATION, FIRST_OF_VALIDATION + given.validation))
    until = time.time() + 60.0 * given.minutes
    if not given.do_not_draw:
        draw_cases([*aside, *seeds], cases, given.workers)
    recipe = OrganRecipe(steps=given.steps, batch=given.batch, rate=given.rate, validate_every=given.every)
    train_organs(
        recipe, [case_path(cases, s) for s in seeds], [case_path(cases, s) for s in aside], given.run, until
    )


if __name__ == "__main__":
    main()
