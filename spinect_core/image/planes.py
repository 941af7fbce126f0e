"""Cuts through a volume along the patient's axes, whatever the axes of its array are.

Pictures follow the radiological convention: the patient's right is on the left of axial and coronal pictures, the front
is up in axial and left in sagittal pictures, the head is up in coronal and sagittal pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import Geometry

AIR = -1024.0


@dataclass(frozen=True)
class Plane:
    """One of the three cutting planes.

    Attributes:
        name: axial, coronal or sagittal.
        normal: the patient axis (0 left, 1 back, 2 head) along which the plane is scrolled.
        across: the patient axis that runs across the picture, always from its low to its high end.
        down: the patient axis that runs down the picture.
        down_sign: +1 if down the picture is up the axis, else -1.
        letters: what the left, right, top and bottom edge show.
    """

    name: str
    normal: int
    across: int
    down: int
    down_sign: int
    letters: tuple[str, str, str, str]


AXIAL = Plane("axial", 2, 0, 1, 1, ("R", "L", "A", "P"))
CORONAL = Plane("coronal", 1, 0, 2, -1, ("R", "L", "S", "I"))
SAGITTAL = Plane("sagittal", 0, 1, 2, -1, ("A", "P", "S", "I"))
PLANES = {plane.name: plane for plane in (AXIAL, SAGITTAL, CORONAL)}


@dataclass(frozen=True)
class PlaneGrid:
    """Where the pixels of a cut lie.

    Attributes:
        plane: the plane.
        first: LPS mm along (across, down) of the centre of pixel [0, 0].
        pixel: mm between pixel centres along (across, down), both positive.
        shape: pixels (rows, columns).
    """

    plane: Plane
    first: tuple[float, float]
    pixel: tuple[float, float]
    shape: tuple[int, int]

    def to_picture(self, points: npt.ArrayLike) -> FloatArray:
        """Columns and rows (..., 2) of LPS mm points (..., 3); whole numbers are pixel centres."""
        points = np.asarray(points, dtype=np.float64)
        column = (points[..., self.plane.across] - self.first[0]) / self.pixel[0]
        row = (points[..., self.plane.down] - self.first[1]) / self.pixel[1] * self.plane.down_sign
        return np.stack([column, row], axis=-1)

    def pixels(self, position: float) -> FloatArray:
        """LPS mm (rows, columns, 3) of all pixels of the cut at ``position`` mm along the plane's normal."""
        rows, columns = np.indices(self.shape, dtype=np.float64)
        points = np.empty((*self.shape, 3))
        points[..., self.plane.normal] = position
        points[..., self.plane.across] = self.first[0] + columns * self.pixel[0]
        points[..., self.plane.down] = self.first[1] + self.plane.down_sign * rows * self.pixel[1]
        return points

    def to_patient(self, column: float, row: float, position: float) -> FloatArray:
        """LPS mm (3,) of a column and row of the cut at ``position`` mm along the plane's normal."""
        point = np.empty(3)
        point[self.plane.normal] = position
        point[self.plane.across] = self.first[0] + column * self.pixel[0]
        point[self.plane.down] = self.first[1] + self.plane.down_sign * row * self.pixel[1]
        return point


class Reformatter:
    """Cuts arrays that share one grid.

    Grids whose axes are the patient's, in any order and sense, are cut without interpolation; others (a tilted or
    turned patient) are sampled.

    Args:
        geometry: the grid.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        magnitude = np.abs(geometry.direction)
        self._array_axis = [int(np.argmax(magnitude[axis])) for axis in range(3)]
        extent = np.asarray(geometry.spacing) * np.asarray(geometry.shape[::-1])
        nearest = np.zeros((3, 3))
        for axis, column in enumerate(self._array_axis):
            nearest[axis, column] = np.sign(geometry.direction[axis, column])
        drift = np.abs(geometry.direction - nearest) * extent
        self.aligned = sorted(self._array_axis) == [0, 1, 2] and bool(
            drift.max() < 0.5 * min(geometry.spacing)
        )
        corners = geometry.corners()
        self._low, self._high = corners.min(axis=0), corners.max(axis=0)
        if self.aligned:
            self._step = np.array([geometry.spacing[column] for column in self._array_axis])
            self._count = np.array([geometry.shape[2 - column] for column in self._array_axis])
        else:
            self._step = np.full(3, min(geometry.spacing))
            self._count = np.maximum(np.round((self._high - self._low) / self._step).astype(int), 1)
        self._first = self._low + self._step / 2

    def positions(self, plane: Plane) -> tuple[float, float, int]:
        """The first position (LPS mm along the normal), the step in mm and the number of cuts."""
        axis = plane.normal
        return float(self._first[axis]), float(self._step[axis]), int(self._count[axis])

    def grid(self, plane: Plane) -> PlaneGrid:
        """Where the pixels of every cut along a plane lie."""
        across, down = plane.across, plane.down
        start = self._first[down]
        if plane.down_sign < 0:
            start += self._step[down] * (self._count[down] - 1)
        return PlaneGrid(
            plane,
            (float(self._first[across]), float(start)),
            (float(self._step[across]), float(self._step[down])),
            (int(self._count[down]), int(self._count[across])),
        )

    def nearest(self, plane: Plane, position: float) -> int:
        """The number of the cut nearest to ``position`` mm, within the volume."""
        first, step, count = self.positions(plane)
        return int(np.clip(round((position - first) / step), 0, count - 1))

    def cut(
        self,
        array: npt.NDArray[Any],
        plane: Plane,
        position: float,
        *,
        smooth: bool = True,
        outside: float = AIR,
    ) -> npt.NDArray[Any]:
        """The picture [row, column] of ``array`` [z, y, x] nearest to ``position`` mm along the plane's normal.

        Args:
            array: values on this grid.
            plane: which plane.
            position: LPS mm along its normal.
            smooth: linear sampling of turned grids, else nearest (labels).
            outside: the value beyond the grid.
        """
        if self.aligned:
            return self._cut_aligned(array, plane, self.nearest(plane, position))
        return self._cut_turned(array, plane, position, smooth, outside)

    def _cut_aligned(self, array: npt.NDArray[Any], plane: Plane, number: int) -> npt.NDArray[Any]:
        # numpy axis of patient axis a is 2 minus its column; after the transpose the picture is [down, across]
        columns = self._array_axis
        index: list[slice | int] = [slice(None)] * 3
        column = columns[plane.normal]
        rising = self.geometry.direction[plane.normal, column] > 0
        index[2 - column] = number if rising else self.geometry.shape[2 - column] - 1 - number
        picture = array[tuple(index)]
        if columns[plane.down] < columns[plane.across]:
            picture = picture.T
        if (self.geometry.direction[plane.down, columns[plane.down]] > 0) != (plane.down_sign > 0):
            picture = picture[::-1]
        if self.geometry.direction[plane.across, columns[plane.across]] < 0:
            picture = picture[:, ::-1]
        return picture

    def _cut_turned(
        self, array: npt.NDArray[Any], plane: Plane, position: float, smooth: bool, outside: float
    ) -> npt.NDArray[Any]:
        from scipy.ndimage import map_coordinates

        index = np.moveaxis(self.geometry.to_index(self.grid(plane).pixels(position)), -1, 0)
        return np.asarray(
            map_coordinates(
                array, index, order=1 if smooth else 0, mode="constant", cval=outside, prefilter=False
            )
        )
