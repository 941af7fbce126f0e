"""What the network is shown: 1 mm voxels of the region, standardised; and the way back to the CT's own grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.errors import UsageError
from spinect_core.preprocessing.find_region import find_lumbosacral_region
from spinect_core.preprocessing.grid import (
    AxisOrder,
    canonical_order,
    regular_grid,
    resample,
)
from spinect_core.preprocessing.region import Region
from spinect_core.preprocessing.restoring import likeliest_in_voxels
from spinect_core.preprocessing.standardise import LOWEST_HU, standardise
from spinect_core.volume import Geometry, Labels, Volume

STEP_MM = 1.0
EMPTY_HU = LOWEST_HU
"""Up to here there is neither bone nor nerve; the standardisation makes it all one value."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A region of a CT as the network is shown it.

    Attributes:
        array: float32 [z, y, x], 1 mm, standardised.
        occupied: bool [z, y, x], where the CT is above :data:`EMPTY_HU`.
        geometry: of the array; its axes are the CT's, permuted and flipped to be nearest to L, P, S.
        region: the box asked for or found.
        source: the CT's own grid.
    """

    array: npt.NDArray[np.float32]
    occupied: npt.NDArray[np.bool_]
    geometry: Geometry
    region: Region
    source: Geometry
    order: AxisOrder
    start: tuple[int, int, int]

    @property
    def stop(self) -> tuple[int, int, int]:
        """Where the crop ends (z, y, x) in the 1 mm grid of the whole CT."""
        return (
            self.start[0] + self.geometry.shape[0],
            self.start[1] + self.geometry.shape[1],
            self.start[2] + self.geometry.shape[2],
        )

    def sample(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Anything on the CT's own grid (a truth, the HU) [z, y, x], brought to the grid of :attr:`array`."""
        if array.shape != self.source.shape:
            raise UsageError(
                f"The array {array.shape} is not on the CT's grid {self.source.shape}",
                "Use the CT it belongs to",
            )
        _, canonical = canonical_order(self.source)
        return resample(array, self.order, canonical, STEP_MM, self.start, self.stop)

    def restore(self, probabilities: npt.NDArray[np.float32]) -> Labels:
        """The likeliest class in each voxel of the CT.

        On a CT of 1 mm this is the likeliest class of each 1 mm voxel; on others see
        :func:`~spinect_core.preprocessing.restoring.cube_shares`. Voxels with their centre outside the region are
        background.

        Args:
            probabilities: float32 [z, y, x, class] on the grid of :attr:`array`.
        """
        if probabilities.shape[:3] != self.geometry.shape:
            raise UsageError(
                f"The probabilities {probabilities.shape} are not on the prepared grid {self.geometry.shape}",
                "Use those made from this region",
            )
        _, canonical = canonical_order(self.source)
        own, labels = likeliest_in_voxels(probabilities, canonical, STEP_MM, self.start)
        restored = np.zeros(self.source.shape, dtype=np.uint8)
        self.order.view(restored)[own] = labels
        return Labels(restored, self.source)


def prepare(volume: Volume, region: Region | None = None) -> Prepared:
    """Resample to 1 mm by the nearest neighbour, crop, standardise.

    A CT stored in any of the 48 axis orientations gives the same arrays bit for bit.

    Args:
        volume: a CT in HU.
        region: the part to segment; found by :func:`find_lumbosacral_region` if not given.

    Raises:
        UsageError: if the region lies outside the CT.
    """
    if region is None:
        region = find_lumbosacral_region(volume)
    order, canonical = canonical_order(volume.geometry)
    whole = regular_grid(canonical, STEP_MM)
    start, stop = region.cubes(whole)
    hounsfield = resample(volume.array, order, canonical, STEP_MM, start, stop)
    geometry = Geometry(
        shape=(stop[0] - start[0], stop[1] - start[1], stop[2] - start[2]),
        spacing=whole.spacing,
        origin=tuple(whole.to_patient(start)),
        direction=whole.direction,
    )
    return Prepared(
        array=np.asarray(standardise(hounsfield), dtype=np.float32),
        occupied=hounsfield > EMPTY_HU,
        geometry=geometry,
        region=region,
        source=volume.geometry,
        order=order,
        start=start,
    )
