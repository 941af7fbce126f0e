"""A region read once or twice: what the network is handed, and labels from what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.errors import SpatialError
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.region import Region
from spinect_core.image.volume import NERVE, Labels, Volume
from spinect_core.preprocessing.find_region import find_lumbosacral_region
from spinect_core.preprocessing.prepare import Prepared, prepare, prepare_again
from spinect_core.segmentation.again import Focus, mirrored
from spinect_core.segmentation.choice import Mode
from spinect_core.segmentation.strays import without_strays
from spinect_core.segmentation.tiling import CERTAINLY_BACKGROUND, likeliest

Answers = npt.NDArray[np.float32]


class Read(NamedTuple):
    """What came of reading a region.

    Attributes:
        labels: on the CT's own grid.
        labels_1mm: on the first reading's.
        probabilities: on the first reading's, of all readings together.
        strays_ml: of stray nerve left out of all three.
    """

    labels: Labels
    labels_1mm: Labels
    probabilities: Probabilities
    strays_ml: float


@dataclass(frozen=True, eq=False)
class Readings:
    """A region as the network is shown it.

    The second reading is mirrored: what the network says of a body and of its mirror image differs by chance alone, and
    the mean of both is nearer to the truth than either.

    Attributes:
        first: on this grid labels of 1 mm are given.
        second: see :func:`~spinect_core.preprocessing.prepare.prepare_again`.
        focus: voxel (z, y, x) of the first reading about which the second is made; None if of the whole region.
    """

    first: Prepared
    second: Prepared | None
    focus: Focus | None = None

    @classmethod
    def of(cls, volume: Volume, region: Region | None, mode: Mode) -> Readings:
        """Read a region of a CT, which is found if not given.

        Raises:
            UsageError: if the region lies outside the CT.
        """
        first = prepare(volume, region, mode.voxels)
        if not mode.twice:
            return cls(first, None)
        return cls(first, prepare_again(volume, first), _focus(volume, first))

    def __len__(self) -> int:
        return 1 if self.second is None else 2

    def for_network(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Standardised intensity, and where there is more than air, both [reading, z, y, x]."""
        read = [(self.first.array, self.first.occupied)]
        if self.second is not None:
            read.append((mirrored(self.second.array), mirrored(self.second.occupied)))
        arrays, occupied = zip(*read, strict=True)
        return np.stack(arrays), np.stack(occupied)

    def labels(self, answers: Answers) -> Read:
        """Labels from what the network says of each reading.

        Args:
            answers: float32 [reading, z, y, x, class], each counting as much as its sum in a voxel; they are used up.
        """
        first = answers[0]
        if self.second is None:
            labels, ml, strays = self._of_one_grid(first)
            first[strays] = CERTAINLY_BACKGROUND
            return Read(self.first.restore(first), labels, Probabilities.of(first, labels.geometry), ml)
        second = mirrored(answers[1])
        both = first + _onto_first(second)
        labels, ml, strays = self._of_one_grid(both)
        first[strays] = both[strays] = CERTAINLY_BACKGROUND
        # Half a voxel beside, a stray reaches into the voxels around its own.
        about = ndimage.binary_dilation(strays, np.ones((3, 3, 3)))
        second[about, NERVE] = both[about, NERVE] = 0
        on_ct = self.first.restore(first, [(self.second, second)])
        return Read(on_ct, labels, Probabilities.of(both, labels.geometry), ml)

    def _of_one_grid(self, probabilities: Answers) -> tuple[Labels, float, npt.NDArray[np.bool_]]:
        found = Labels(likeliest(probabilities), self.first.geometry)
        kept, ml = without_strays(found)
        return kept, ml, found.array != kept.array


def _focus(volume: Volume, first: Prepared) -> Focus | None:
    """Where L5/S1 lies in a reading; None where that is not known.

    It is the middle of a region that was found. Of one that was given it is where it would have been found, if that
    lies in it.
    """
    try:
        found = first.region if first.region.note else find_lumbosacral_region(volume)
    except SpatialError:
        return None
    z, y, x = (float(at) for at in first.geometry.to_index(found.centre))
    inside = all(0 <= at < count for at, count in zip((z, y, x), first.geometry.shape, strict=True))
    return (z, y, x) if found.found and inside else None


def _onto_first(second: Answers) -> Answers:
    """What the second reading says of the first one's voxels: the mean of the eight that meet in a voxel's middle."""
    for axis in range(3):
        after = np.minimum(np.arange(second.shape[axis]) + 1, second.shape[axis] - 1)
        second = (second + second.take(after, axis)) / np.float32(2)
    return second
