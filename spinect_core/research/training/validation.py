"""How good the network is on cases it has not learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.progress import Cancel, check
from spinect_core.image.volume import CLASS_NAMES, NERVE
from spinect_core.preprocessing.prepare import EMPTY_HU
from spinect_core.preprocessing.standardise import standardise
from spinect_core.research.training.cases import Case
from spinect_core.research.training.recipe import TrainingConfig
from spinect_core.segmentation.network import CLASSES, PATCH_SHAPE
from spinect_core.segmentation.tiling import Tiling, combine

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]
"""From patches (n, z, y, x, 1) to probabilities (n, z, y, x, 3)."""

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Scores:
    """How well one case was segmented; by class name, without background.

    Attributes:
        case: its name.
        dice: 2 |P and T| / (|P| + |T|); 1 for a class that is nowhere and nowhere found.
        iou: |P and T| / |P or T|; likewise.
        pixel_accuracy: |P and T| / |T|, as the paper defines it; NaN for a class that is nowhere.
    """

    case: str
    dice: dict[str, float]
    iou: dict[str, float]
    pixel_accuracy: dict[str, float]


def judge(
    predict: Predict, case: Case, config: TrainingConfig, name: str = "", cancel: Cancel | None = None
) -> Scores:
    """Segment a case and compare it with its labels.

    Args:
        predict: the network.
        case: not trained on; standardised whole.
        config: ``validation`` says how: ``full`` is the paper's combined algorithm over the whole case, as when a CT
            is planned; ``patches`` takes twelve adjoining patches around the nerves and costs a tenth.
        name: of the case, if it has none itself.
        cancel: stops between patches.
    """
    image = standardise(case.hu)
    if config.validation == "full":
        tiling = Tiling("paper", config.patch_shape, config.stride)
        engine = _Network(predict, cancel)
        found = combine(engine, image, case.hu > EMPTY_HU, tiling, batch=config.batch).labels
        counts = _counts(case.labels, found)
    else:
        counts = np.zeros((CLASSES, CLASSES), dtype=np.int64)
        boxes = central_boxes(case, (3, 2, 2), config.patch_shape)
        for first in range(0, len(boxes), config.batch):
            check(cancel)
            some = boxes[first : first + config.batch]
            probabilities = predict(np.stack([image[box] for box in some])[..., np.newaxis])
            for box, found in zip(some, probabilities.argmax(-1), strict=True):
                counts += _counts(case.labels[box], found)
    return _scores(case.name or name, counts)


class _Network:
    """The network in training as the combined algorithm wants it."""

    name, device = "keras", "training"

    def __init__(self, predict: Predict, cancel: Cancel | None) -> None:
        self.versions: dict[str, str] = {}
        self._predict, self._cancel = predict, cancel

    def predict(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        check(self._cancel)
        return self._predict(batch)


def _counts(truth: npt.NDArray[np.uint8], found: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """How many voxels of each true class (rows) were given each class (columns)."""
    pairs = truth.astype(np.int64) * CLASSES + found
    return np.bincount(pairs.ravel(), minlength=CLASSES**2).reshape(CLASSES, CLASSES).astype(np.int64)


def _scores(name: str, counts: npt.NDArray[np.int64]) -> Scores:
    dice, iou, accuracy = {}, {}, {}
    for label in range(1, CLASSES):
        common, true, found = (
            int(counts[label, label]),
            int(counts[label].sum()),
            int(counts[:, label].sum()),
        )
        key = CLASS_NAMES[label]
        dice[key] = 2 * common / (true + found) if true + found else 1.0
        iou[key] = common / (true + found - common) if true + found else 1.0
        accuracy[key] = common / true if true else float("nan")
    return Scores(name, dice, iou, accuracy)


def central_boxes(
    case: Case, tiles: tuple[int, int, int], patch_shape: tuple[int, int, int] = PATCH_SHAPE
) -> list[Box]:
    """Adjoining patches centred on the middle of the nerves (of the case, if it has none)."""
    nerve = np.argwhere(case.labels[::2, ::2, ::2] == NERVE) * 2
    middle = (nerve.min(0) + nerve.max(0)) / 2 if len(nerve) else np.array(case.hu.shape) / 2
    starts = []
    for n, size, count, m in zip(case.hu.shape, patch_shape, tiles, middle, strict=True):
        count = min(count, n // size)
        first = int(np.clip(round(m - count * size / 2), 0, n - count * size))
        starts.append([slice(first + i * size, first + (i + 1) * size) for i in range(count)])
    return [(z, y, x) for z in starts[0] for y in starts[1] for x in starts[2]]
