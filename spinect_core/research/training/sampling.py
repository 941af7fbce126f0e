"""Patches to train on, and the stream of batches that depends on nothing but the seed and the step.

Because every crop and every batch draws from a generator made of (seed, its number), a training that is
resumed at step n sees what it would have seen, without a stored generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import UsageError
from spinect_core.image.volume import BONE, NERVE
from spinect_core.research.training.augmentation import FloatArray, training_crop
from spinect_core.research.training.cases import Cases, LabelArray
from spinect_core.research.training.recipe import TrainingConfig
from spinect_core.segmentation.network import PATCH_SHAPE

_AHEAD = 4
"""Crops made before they are needed."""


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
        self,
        rng: np.random.Generator,
        size: tuple[int, int, int] = PATCH_SHAPE,
        *,
        nerve_share: float = 0.0,
        bone_share: float = 0.0,
    ) -> tuple[FloatArray, LabelArray]:
        """A patch of ``size`` voxels, moved inside where its centre lies too near to the edge.

        Args:
            rng: decides where.
            size: voxels (z, y, x).
            nerve_share: chance that it is centred on nerve.
            bone_share: chance that it is centred on bone; otherwise it lies anywhere.
        """
        dice = rng.random()
        shape = self.image.shape
        if dice < nerve_share and len(self._nerve):
            flat = self._nerve[rng.integers(len(self._nerve))]
        elif dice < nerve_share + bone_share and len(self._bone):
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

    Use it as a context: threads make the next crops while the network works on the last batch.

    Args:
        cases: what is trained on.
        members: numbers of the cases to draw from.
        config: the recipe; its seed and the step decide everything.
        workers: threads.
        pool: crops in memory; the patches of a batch come from different ones where possible.
        steps_per_crop: steps after which the oldest crop is replaced.
    """

    def __init__(
        self,
        cases: Cases,
        members: Sequence[int],
        config: TrainingConfig,
        *,
        workers: int = 1,
        pool: int = 8,
        steps_per_crop: int = 2,
    ) -> None:
        if not members:
            raise UsageError("There are no training cases", "Give more cases, or hold fewer back")
        self.cases, self.members, self.config = cases, tuple(members), config
        self.pool, self.steps_per_crop = pool, steps_per_crop
        self._crops: dict[int, Future[Crop]] = {}
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="crops")

    def __enter__(self) -> BatchStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def at(self, step: int) -> tuple[FloatArray, LabelArray]:
        """The batch of a step.

        Returns:
            float32 (batch, z, y, x, 1) and uint8 (batch, z, y, x).

        Raises:
            SpinectError: a case cannot be read, or is smaller than a patch.
        """
        first = step // self.steps_per_crop
        numbers = range(first, first + self.pool)
        self._crops = {
            n: self._crops.get(n) or self._threads.submit(self._crop, n)
            for n in range(first, first + self.pool + _AHEAD)
        }
        crops = [self._crops[n].result() for n in numbers]
        rng = np.random.default_rng([self.config.seed, 1, step])
        chosen = rng.permutation(self.pool)
        shares = {"nerve_share": self.config.nerve_share, "bone_share": self.config.bone_share}
        patches = [
            crops[chosen[i % self.pool]].patch(rng, self.config.patch_shape, **shares)
            for i in range(self.config.batch)
        ]
        images = np.stack([image for image, _ in patches])[..., np.newaxis]
        return images, np.stack([labels for _, labels in patches])

    def _crop(self, number: int) -> Crop:
        rng = np.random.default_rng([self.config.seed, 0, number])
        chosen = self.members[int(rng.integers(len(self.members)))]
        crop = Crop(*training_crop(self.cases.load(chosen), self.config.augmentation, rng))
        size = self.config.patch_shape
        if any(n < patch for n, patch in zip(crop.image.shape, size, strict=True)):
            raise UsageError(
                f"The region of {' x '.join(map(str, crop.image.shape))} mm (z, y, x) is smaller than a patch of "
                f"{' x '.join(map(str, size))}",
                "Leave the case out, or give a CT that shows more",
                self.cases.names[chosen],
            )
        return crop
