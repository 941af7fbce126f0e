"""What part of the patient a picture shows, and at what scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.reasons import times
from spinect_core.geometry.view import View


@dataclass(frozen=True, eq=False)
class Frame:
    """A window onto the patient in parallel projection.

    Attributes:
        view: the line of sight.
        centre: LPS mm (3,) of the point in the middle of the picture.
        mm_per_pixel: mm across the line of sight that one pixel covers.
        size: width and height in pixels.
    """

    view: View
    centre: FloatArray
    mm_per_pixel: float
    size: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", np.asarray(self.centre, dtype=np.float64).reshape(3))
        if not np.isfinite(self.mm_per_pixel) or self.mm_per_pixel <= 0:
            raise MeasurementError(
                f"A scale of {self.mm_per_pixel} mm per pixel shows nothing", "Zoom in again"
            )
        if min(self.size) < 1:
            raise MeasurementError(
                f"A picture of {times(self.size)} pixels shows nothing", "Choose a larger size"
            )

    @classmethod
    def around(
        cls,
        view: View,
        points: npt.ArrayLike,
        size: tuple[int, int],
        *,
        margin: float = 0.12,
        least_mm: float = 30.0,
    ) -> Frame:
        """The frame that holds all points.

        Args:
            view: the line of sight.
            points: LPS mm (n, 3); none gives a frame about the origin.
            size: width and height in pixels.
            margin: part of the picture left free at every edge.
            least_mm: the picture shows at least this width and height, however close the points lie.
        """
        array = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        if len(array) == 0:
            array = np.zeros((1, 3))
        flat, depth = view.project(array), view.depth(array)
        low, high = flat.min(axis=0), flat.max(axis=0)
        middle = view.unproject((low + high) / 2, (depth.min() + depth.max()) / 2)
        extent = np.maximum(high - low, least_mm) / (1.0 - 2.0 * margin)
        return cls(view, middle, float((extent / np.asarray(size)).max()), size)

    @property
    def height_mm(self) -> float:
        """Height of the picture in mm of the patient."""
        return self.size[1] * self.mm_per_pixel

    def to_pixels(self, points: npt.ArrayLike) -> FloatArray:
        """Pixels (..., 2), right and down from the top left corner, of LPS points (..., 3)."""
        flat = (self.view.project(points) - self.view.project(self.centre)) / self.mm_per_pixel
        middle = np.asarray(self.size) / 2
        return np.asarray(flat * [1.0, -1.0] + middle, dtype=np.float64)

    def to_picture_mm(self, pixels: npt.ArrayLike) -> FloatArray:
        """Picture coordinates (..., 2) in mm, as :meth:`View.project` gives them, of pixels (..., 2)."""
        offset = np.asarray(pixels, dtype=np.float64) - np.asarray(self.size) / 2
        mm = offset * [1.0, -1.0] * self.mm_per_pixel
        return np.asarray(mm + self.view.project(self.centre), dtype=np.float64)
