"""How likely bone and nerve are in each voxel, in percent: small enough to be kept with the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import LabelArray
from spinect_core.base.errors import SpatialError
from spinect_core.base.reasons import times
from spinect_core.image.volume import BONE, NERVE, Geometry

WHOLE = 100
"""What stands for certainty."""


@dataclass(frozen=True, eq=False)
class Probabilities:
    """What the network says of each voxel of a grid, as it says it: how often that is right is another matter.

    Attributes:
        bone: percent, uint8 [z, y, x].
        nerve: likewise.
        geometry: where the voxels are.
    """

    bone: LabelArray
    nerve: LabelArray
    geometry: Geometry

    def __post_init__(self) -> None:
        for name, array in (("bone", self.bone), ("nerve", self.nerve)):
            if tuple(array.shape) != self.geometry.shape:
                raise SpatialError(
                    f"The probabilities of {name} of {times(array.shape)} voxels do not fit their grid of "
                    f"{times(self.geometry.shape)}",
                    "Give the grid that belongs to them",
                )
            if array.dtype != np.uint8 or array.max(initial=0) > WHOLE:
                raise SpatialError(
                    f"The probabilities of {name} are not whole percent from 0 to 100",
                    "Give them as the network's answer was kept",
                )

    @classmethod
    def of(cls, answers: npt.NDArray[np.float32], geometry: Geometry) -> Probabilities:
        """Of summed answers [z, y, x, class], each class counting as much as its part of the voxel's sum.

        Args:
            answers: not negative; a voxel without any answer is neither bone nor nerve.
            geometry: of them.
        """
        whole = np.maximum(answers.sum(axis=-1), np.float32(1e-6))
        bone, nerve = (
            np.rint(answers[..., tissue] * (np.float32(WHOLE) / whole)).astype(np.uint8)
            for tissue in (BONE, NERVE)
        )
        return cls(bone, nerve, geometry)

    def of_tissue(self, tissue: int) -> LabelArray:
        """Percent of bone (1) or nerve (2), uint8 [z, y, x]."""
        return {BONE: self.bone, NERVE: self.nerve}[tissue]
