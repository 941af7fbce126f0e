"""A phantom under inspection, and what is found on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import BONE, NERVE
from spinect_core.research.phantom import Phantom
from spinect_core.research.phantom_study.solids import Mask

BONES = ("L3", "L4", "L5", "sacrum", "hip left", "hip right")


@dataclass(frozen=True)
class Violation:
    """One thing that cannot be.

    Attributes:
        name: kind, such as ``nerve broken``.
        where: structure or side.
        size: how much of it, in the unit the detail names.
        detail: what was found, in words.
    """

    name: str
    where: str
    size: float
    detail: str


class Case:
    """A phantom with the masks that the checks share."""

    def __init__(self, phantom: Phantom) -> None:
        self.structures = phantom.structures
        self.labels = phantom.labels.array
        self.hu = phantom.volume.array
        self.geometry = phantom.labels.geometry
        self.truth: dict[str, Any] = phantom.truth
        self.names: dict[str, int] = phantom.truth["structures"]
        self.step = max(self.geometry.spacing)
        self.bone: Mask = self.labels == BONE
        self.nerve: Mask = self.labels == NERVE

    def mask(self, name: str) -> Mask:
        """Voxels of a structure."""
        return np.asarray(self.structures == self.names.get(name, 255))

    @property
    def roots(self) -> list[str]:
        """Names of the roots that have a number."""
        return [name for name in self.names if name[:2] in ("L3", "L4", "L5", "S1", "S2") and " " in name]

    def course(self, name: str) -> FloatArray:
        """Fractional indices (n, 3) of the centreline of a nerve, as far as the picture shows it."""
        points = np.array(self.truth["nerves"][name]["points"], dtype=np.float64)
        index = self.geometry.to_index(points)
        shown = ((index >= 0) & (index <= np.array(self.geometry.shape) - 1)).all(axis=1)
        return np.asarray(index[shown])


def touches_edge(mask: Mask) -> bool:
    """Whether a mask [z, y, x] reaches a face of the picture."""
    return any(
        bool(np.take(mask, side, axis=axis).any()) for axis in range(3) for side in (0, mask.shape[axis] - 1)
    )
