"""The part of a CT that is segmented: a box in patient millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import UsageError
from spinect_core.base.reasons import listed
from spinect_core.image.volume import Geometry

Millimetres = tuple[float, float, float]


@dataclass(frozen=True)
class Region:
    """A box in the patient.

    On a CT whose axes are tilted against the patient's, the box keeps its centre and size and turns with the
    CT.

    Attributes:
        minimum: LPS mm of the corner on the right, in front and towards the feet.
        maximum: LPS mm of the corner on the left, at the back and towards the head.
        found: False if the region was not recognised in the CT but merely assumed.
        note: how it was found, or why not, for the user.
    """

    minimum: Millimetres
    maximum: Millimetres
    found: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("minimum", "maximum"):
            values = tuple(float(value) for value in getattr(self, name))
            if len(values) != 3 or not np.all(np.isfinite(values)):
                raise UsageError(
                    f"The {name} {listed(values)} of the region is not three finite numbers",
                    "Give x, y and z in mm",
                )
            object.__setattr__(self, name, values)
        if not np.all(self.size > 0):
            raise UsageError(
                f"The region from {listed(self.minimum)} to {listed(self.maximum)} mm is empty",
                "Each value of its maximum must exceed that of its minimum",
            )

    @classmethod
    def around(cls, centre: npt.ArrayLike, size: npt.ArrayLike, found: bool = True, note: str = "") -> Region:
        """The box of ``size`` (x, y, z) mm about ``centre`` LPS mm."""
        middle, half = np.asarray(centre, dtype=np.float64), np.asarray(size, dtype=np.float64) / 2
        return cls(tuple(middle - half), tuple(middle + half), found, note)

    @property
    def size(self) -> FloatArray:
        """Mm along x, y, z (3,)."""
        return np.asarray(np.subtract(self.maximum, self.minimum), dtype=np.float64)

    @property
    def centre(self) -> FloatArray:
        """LPS mm (3,)."""
        return np.asarray(np.add(self.maximum, self.minimum) / 2, dtype=np.float64)

    def cubes(self, grid: Geometry) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """First and last-but-one indices (z, y, x) of the voxels of ``grid`` in the box.

        Args:
            grid: a grid whose axes run as nearly as they can to L, P, S.

        Raises:
            UsageError: if the box lies outside the grid.
        """
        half = (self.size / np.asarray(grid.spacing))[::-1] / 2
        middle = grid.to_index(self.centre) + 0.5  # counted from the grid's outer corner
        # A box edge is meant to fall between two voxels; the digits taken off would otherwise decide which.
        start = np.maximum(np.round(np.round(middle - half, 4)), 0).astype(int)
        stop = np.minimum(np.round(np.round(middle + half, 4)), grid.shape).astype(int)
        if np.any(stop <= start):
            raise UsageError(
                f"The region from {listed(self.minimum)} to {listed(self.maximum)} mm lies outside the CT",
                "Move it onto the CT, or leave it out to have it found",
            )
        z, y, x = (int(value) for value in start)
        last_z, last_y, last_x = (int(value) for value in stop)
        return (z, y, x), (last_z, last_y, last_x)
