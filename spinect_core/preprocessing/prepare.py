"""What the network is shown: 1 mm voxels of the region, standardised; and the way back to the CT's own grid.

A voxel of 1 mm takes the value of the nearest voxel of the CT, as in the paper, or the mean of the CT within it.
Between the voxels of a coarse CT the mean is that of a cubic spline: in steps of 3 mm the thin roots are lumps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import LabelArray
from spinect_core.base.errors import UsageError
from spinect_core.base.reasons import times
from spinect_core.image.region import Region
from spinect_core.image.volume import BACKGROUND, BONE, NERVE, Geometry, Labels, Volume
from spinect_core.preprocessing.find_region import find_lumbosacral_region
from spinect_core.preprocessing.grid import (
    AxisOrder,
    canonical_order,
    cube_means,
    regular_grid,
    resample,
)
from spinect_core.preprocessing.restoring import Cubes, likeliest_in_voxels
from spinect_core.preprocessing.standardise import LOWEST_HU, standardise

NEAREST, MEAN = "nearest", "mean"
VOXELS = (NEAREST, MEAN)
"""What a voxel of 1 mm may take: the value of the CT's nearest voxel (Fan and others), or the CT's mean within it."""

Probabilities = npt.NDArray[np.float32]

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
        voxels: one of :data:`VOXELS`.
        start: where the crop begins (z, y, x), in voxels of 1 mm from the outer corner of the CT.
    """

    array: npt.NDArray[np.float32]
    occupied: npt.NDArray[np.bool_]
    geometry: Geometry
    region: Region
    source: Geometry
    order: AxisOrder
    voxels: str
    start: tuple[float, float, float]

    @property
    def stop(self) -> tuple[float, float, float]:
        """Where the crop ends (z, y, x), likewise."""
        return (
            self.start[0] + self.geometry.shape[0],
            self.start[1] + self.geometry.shape[1],
            self.start[2] + self.geometry.shape[2],
        )

    def sample(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Anything on the CT's own grid (a truth, the HU) [z, y, x], its nearest voxels on the grid of :attr:`array`.

        Not for a reading of :func:`prepare_again`: half-way between voxels there is no nearest one.
        """
        _, canonical = canonical_order(self.source)
        start, stop = ((int(place[0]), int(place[1]), int(place[2])) for place in (self.start, self.stop))
        return resample(self._own(array), self.order, canonical, STEP_MM, start, stop)

    def intensity(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """HU on the CT's own grid [z, y, x], read as :attr:`array` was, before it was standardised."""
        _, canonical = canonical_order(self.source)
        return _read(self._own(array), self.order, canonical, self.voxels, self.start, self.stop)

    def mean(self, array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The mean within each voxel of :attr:`array` of anything on the CT's own grid [z, y, x]."""
        _, canonical = canonical_order(self.source)
        return cube_means(self._own(array), self.order, canonical, STEP_MM, self.start, self.stop)

    def sample_labels(self, labels: LabelArray) -> LabelArray:
        """Labels [z, y, x] of the CT's own grid, 0 background, 1 bone, 2 nerve, on the grid of :attr:`array`.

        Where the voxels take the value of the nearest, so do the labels; where they take the mean, the class that fills
        most of each voxel, the lower one of two that fill it alike.
        """
        if self.voxels == NEAREST:
            return np.asarray(self.sample(labels), dtype=np.uint8)
        shares = [self.mean(labels == value) for value in (BACKGROUND, BONE, NERVE)]
        # Rounded, because the last bits of two halves are chance.
        return np.asarray(np.argmax(np.round(shares, 5), axis=0), dtype=np.uint8)

    def _own(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if array.shape != self.source.shape:
            raise UsageError(
                f"The array of {times(array.shape)} voxels is not on the CT's grid of {times(self.source.shape)}",
                "Use the CT it belongs to",
            )
        return array

    def restore(
        self, probabilities: Probabilities, again: Sequence[tuple[Prepared, Probabilities]] = ()
    ) -> Labels:
        """The likeliest class in each voxel of the CT.

        On a CT of 1 mm this is the likeliest class of each 1 mm voxel; on others see
        :func:`~spinect_core.preprocessing.restoring.cube_shares`. Voxels with their centre outside the region are
        background.

        Args:
            probabilities: float32 [z, y, x, class] on the grid of :attr:`array`.
            again: other readings of the region, see :func:`prepare_again`, and theirs; all are summed.
        """
        readings = []
        for prepared, found in ((self, probabilities), *again):
            if found.shape[:3] != prepared.geometry.shape:
                raise UsageError(
                    f"Probabilities ({times(found.shape)}) are not on the grid ({times(prepared.geometry.shape)})",
                    "Use those made from this region",
                )
            readings.append(Cubes(found, prepared.start))
        _, canonical = canonical_order(self.source)
        own, labels = likeliest_in_voxels(readings, canonical, STEP_MM)
        restored = np.zeros(self.source.shape, dtype=np.uint8)
        self.order.view(restored)[own] = labels
        return Labels(restored, self.source)


def prepare(volume: Volume, region: Region | None = None, voxels: str = NEAREST) -> Prepared:
    """Resample to 1 mm, crop, standardise.

    A CT stored in any of the 48 axis orientations gives the same arrays bit for bit.

    Args:
        volume: a CT in HU.
        region: the part to segment; found by :func:`find_lumbosacral_region` if not given.
        voxels: one of :data:`VOXELS`.

    Raises:
        UsageError: if the region lies outside the CT, or for another word for the voxels.
    """
    if voxels not in VOXELS:
        raise UsageError(f"Voxels cannot be {voxels!r}", f"Use {' or '.join(VOXELS)}", parameter="voxels")
    if region is None:
        region = find_lumbosacral_region(volume)
    _, canonical = canonical_order(volume.geometry)
    start, stop = region.cubes(regular_grid(canonical, STEP_MM))
    return _prepared(volume, region, voxels, start, stop)


def prepare_again(volume: Volume, prepared: Prepared) -> Prepared:
    """The region read once more, as many voxels half a millimetre to the right, front and feet, each with its mean.

    What falls on the border of two voxels in one reading lies in the middle of a voxel in the other. On a CT of 1 mm
    each is the mean of eight voxels: more blurred and less noisy.

    Args:
        volume: the CT.
        prepared: what :func:`prepare` made of it.
    """
    start, stop = (
        (place[0] - 0.5, place[1] - 0.5, place[2] - 0.5) for place in (prepared.start, prepared.stop)
    )
    return _prepared(volume, prepared.region, MEAN, start, stop)


def _prepared(
    volume: Volume,
    region: Region,
    voxels: str,
    start: tuple[Any, Any, Any],
    stop: tuple[Any, Any, Any],
) -> Prepared:
    """The voxels of 1 mm from ``start`` to ``stop`` (z, y, x), as :attr:`Prepared.start` counts them."""
    order, canonical = canonical_order(volume.geometry)
    hounsfield = _read(volume.array, order, canonical, voxels, start, stop)
    whole = regular_grid(canonical, STEP_MM)
    geometry = Geometry(
        shape=(hounsfield.shape[0], hounsfield.shape[1], hounsfield.shape[2]),
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
        voxels=voxels,
        start=start,
    )


def _read(
    array: npt.NDArray[Any],
    order: AxisOrder,
    canonical: Geometry,
    voxels: str,
    start: tuple[Any, Any, Any],
    stop: tuple[Any, Any, Any],
) -> npt.NDArray[Any]:
    """The HU of the voxels of 1 mm from ``start`` to ``stop`` (z, y, x)."""
    if voxels == MEAN:
        return cube_means(array, order, canonical, STEP_MM, start, stop, interpolated=True)
    return resample(array, order, canonical, STEP_MM, start, stop)
