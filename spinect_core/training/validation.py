"""How good the network is on cases it has not seen: Dice of bone and nerve around the nerves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from spinect_core.preprocessing.standardise import standardise
from spinect_core.progress import Cancel, check
from spinect_core.segmentation.network import CLASSES, PATCH_SHAPE
from spinect_core.training.cases import Case
from spinect_core.volume import BONE, CLASS_NAMES, NERVE

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.uint8]]
"""From patches (n, 32, 64, 64, 1) to labels (n, 32, 64, 64)."""


def validate(
    predict: Predict,
    cases: Iterable[Case],
    *,
    tiles: tuple[int, int, int] = (3, 2, 2),
    patch_shape: tuple[int, int, int] = PATCH_SHAPE,
    cancel: Cancel | None = None,
) -> dict[str, float]:
    """Mean Dice over cases, of adjoining patches around the middle of each case's nerves.

    Args:
        predict: the network with arg max.
        cases: cases that are not trained on; each is standardised whole.
        tiles: patches along (z, y, x); fewer where the case is smaller.
        patch_shape: voxels of a patch.
        cancel: stops between patches.

    Returns:
        Dice by class name without background; of a class that is nowhere, 1.0 if nowhere predicted. NaN
        without cases.
    """
    results: dict[str, list[float]] = {name: [] for name in CLASS_NAMES[1:]}
    for case in cases:
        image = standardise(case.hu)
        counts = np.zeros((CLASSES, CLASSES), dtype=np.int64)
        for box in central_boxes(case, tiles, patch_shape):
            check(cancel)
            found = predict(image[box][np.newaxis, ..., np.newaxis])[0]
            pairs = case.labels[box].astype(np.int64) * CLASSES + found
            counts += np.bincount(pairs.ravel(), minlength=CLASSES**2).reshape(CLASSES, CLASSES)
        for label in (BONE, NERVE):
            both = counts[label].sum() + counts[:, label].sum()
            results[CLASS_NAMES[label]].append(2 * counts[label, label] / both if both else 1.0)
    return {name: float(np.mean(values)) if values else float("nan") for name, values in results.items()}


def central_boxes(
    case: Case, tiles: tuple[int, int, int], patch_shape: tuple[int, int, int] = PATCH_SHAPE
) -> list[tuple[slice, slice, slice]]:
    """Adjoining patches centred on the middle of the nerves (of the case, if it has none)."""
    nerve = np.argwhere(case.labels[::2, ::2, ::2] == NERVE) * 2
    middle = (nerve.min(0) + nerve.max(0)) / 2 if len(nerve) else np.array(case.hu.shape) / 2
    starts = []
    for n, size, count, m in zip(case.hu.shape, patch_shape, tiles, middle, strict=True):
        count = min(count, n // size)
        first = int(np.clip(round(m - count * size / 2), 0, n - count * size))
        starts.append([slice(first + i * size, first + (i + 1) * size) for i in range(count)])
    return [(z, y, x) for z in starts[0] for y in starts[1] for x in starts[2]]
