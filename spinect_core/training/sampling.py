"""Patches to train on, and the stream of batches that depends on nothing but the seed and the step.

Because every crop and every batch draws from a generator made of (seed, its number), a training that is
resumed at step n sees what it would have seen, without a stored generator.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spinect_core.segmentation.network import PATCH_SHAPE
from spinect_core.training.augmentation import Augmentation, FloatArray, training_crop
from spinect_core.training.cases import CaseFolders, LabelArray
from spinect_core.volume import BONE, NERVE

NERVE_SHARE, BONE_SHARE = 0.50, 0.18
"""Parts of the patches that are centred on nerve and on bone; the rest lie anywhere in the crop."""


@dataclass
class Crop:
    """A standardised crop and where its classes are.

    Attributes:
        image: float32 [z, y, x].
        labels: uint8 [z, y, x].
    """

    image: FloatArray
    labels: LabelArray
    _nerve: npt.NDArray[np.intp] = field(init=False, repr=False)
    _bone: npt.NDArray[np.intp] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._nerve = np.flatnonzero(self.labels == NERVE)
        self._bone = np.flatnonzero(self.labels == BONE)

    def patch(
        self, rng: np.random.Generator, size: tuple[int, int, int] = PATCH_SHAPE
    ) -> tuple[FloatArray, LabelArray]:
        """A patch of ``size`` voxels, moved inside where its centre lies too near to the edge."""
        dice = rng.random()
        shape = self.image.shape
        if dice < NERVE_SHARE and len(self._nerve):
            flat = self._nerve[rng.integers(len(self._nerve))]
        elif dice < NERVE_SHARE + BONE_SHARE and len(self._bone):
            flat = self._bone[rng.integers(len(self._bone))]
        else:
            flat = rng.integers(self.image.size)
        centre = np.unravel_index(flat, shape)
        box = tuple(
            slice(start, start + extent)
            for c, n, extent in zip(centre, shape, size, strict=True)
            for start in [min(max(int(c) - extent // 2, 0), n - extent)]
        )
        return self.image[box], self.labels[box]


class BatchStream:
    """Batches by step number, from a few crops in memory that are renewed one after the other.

    Args:
        cases: where crops come from.
        seed: with the step it decides everything, as long as the same case files are there.
        batch: patches of one step.
        augmentation: how crops are varied.
        patch_shape: voxels of a patch.
        pool: crops in memory; the patches of a batch come from different ones where possible.
        steps_per_crop: steps after which the oldest crop is replaced.
    """

    def __init__(
        self,
        cases: CaseFolders,
        *,
        seed: int = 0,
        batch: int = 4,
        augmentation: Augmentation | None = None,
        patch_shape: tuple[int, int, int] = PATCH_SHAPE,
        pool: int = 8,
        steps_per_crop: int = 2,
    ) -> None:
        self.cases = cases
        self.seed, self.batch, self.pool, self.steps_per_crop = seed, batch, pool, steps_per_crop
        self.patch_shape = patch_shape
        self.augmentation = augmentation or Augmentation()
        self._crops: OrderedDict[int, Crop] = OrderedDict()

    def at(self, step: int) -> tuple[FloatArray, LabelArray]:
        """The batch of a step.

        Returns:
            float32 (batch, 32, 64, 64, 1) and uint8 (batch, 32, 64, 64).
        """
        newest = self.pool - 1 + step // self.steps_per_crop
        numbers = range(newest - self.pool + 1, newest + 1)
        self._crops = OrderedDict((n, self._crops[n]) for n in numbers if n in self._crops)
        for n in numbers:
            if n not in self._crops:
                self._crops[n] = self._crop(n)
        rng = np.random.default_rng([self.seed, 1, step])
        chosen = rng.permutation(self.pool)
        patches = [
            self._crops[numbers[chosen[i % self.pool]]].patch(rng, self.patch_shape)
            for i in range(self.batch)
        ]
        images = np.stack([image for image, _ in patches])[..., np.newaxis]
        return images, np.stack([labels for _, labels in patches])

    def _crop(self, number: int) -> Crop:
        rng = np.random.default_rng([self.seed, 0, number])
        return Crop(*training_crop(self.cases.draw(rng), self.augmentation, rng))
