"""The camera of the 3D view: a turntable about the patient's long axis, in parallel projection.

The camera is a :class:`View` (so it never rolls, and its two angles always say exactly where it stands), the point it
turns about and the size of a pixel. All screen positions are logical (device independent) pixels from the top left.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.view import View

DEGREES_PER_PIXEL = 0.4
CLOSEST, FARTHEST = 0.01, 4.0
"""mm per logical pixel."""


@dataclass(frozen=True, eq=False)
class Turntable:
    """Where the camera stands.

    Attributes:
        view: the line of sight.
        focus: LPS mm (3,) of the point in the middle of the picture, about which it turns.
        mm_per_pixel: size of a logical pixel.
        size: logical pixels (width, height) of the picture.
    """

    view: View = field(default_factory=lambda: View(0.0))
    focus: FloatArray = field(default_factory=lambda: np.zeros(3))
    mm_per_pixel: float = 0.3
    size: tuple[int, int] = (800, 600)

    def to_screen(self, points: npt.ArrayLike) -> FloatArray:
        """Pixels (..., 2) of LPS mm points (..., 3)."""
        plane = self.view.project(points) - self.view.project(self.focus)
        return np.asarray(np.array(self.size) / 2 + plane * (1, -1) / self.mm_per_pixel, dtype=np.float64)

    def to_plane(self, pixels: npt.ArrayLike) -> FloatArray:
        """Picture coordinates (..., 2) in mm, as :meth:`View.project` gives them, of pixels (..., 2)."""
        offset = (
            (np.asarray(pixels, dtype=np.float64) - np.array(self.size) / 2) * (1, -1) * self.mm_per_pixel
        )
        return np.asarray(self.view.project(self.focus) + offset, dtype=np.float64)

    def at_depth(self, pixel: npt.ArrayLike, depth: float) -> FloatArray:
        """LPS mm (3,) under a pixel at a depth (mm towards the viewer)."""
        return self.view.unproject(self.to_plane(pixel), depth)

    def on_plane(
        self, pixel: npt.ArrayLike, point: npt.ArrayLike, normal: npt.ArrayLike
    ) -> FloatArray | None:
        """LPS mm (3,) where the line of sight under a pixel meets a plane; None if seen (almost) from its edge."""
        normal = np.asarray(normal, dtype=np.float64)
        slope = float(self.view.vector @ normal)
        if abs(slope) < np.cos(np.radians(80)):
            return None
        start = self.at_depth(pixel, 0.0)
        return np.asarray(start + self.view.vector * (((np.asarray(point) - start) @ normal) / slope))

    def orbit(self, dx: float, dy: float) -> Turntable:
        """Turned by a drag of pixels: the patient follows the hand."""
        return replace(self, view=self.view.turned(dx * DEGREES_PER_PIXEL, dy * DEGREES_PER_PIXEL))

    def pan(self, dx: float, dy: float) -> Turntable:
        """Moved across the line of sight by a drag of pixels."""
        shift = (self.view.right * -dx + self.view.up * dy) * self.mm_per_pixel
        return replace(self, focus=self.focus + shift)

    def zoom(self, factor: float, pixel: npt.ArrayLike | None = None) -> Turntable:
        """Enlarged by a factor; what lies under ``pixel`` stays there."""
        nearer = replace(self, mm_per_pixel=float(np.clip(self.mm_per_pixel / factor, CLOSEST, FARTHEST)))
        if pixel is None:
            return nearer
        shift = self.to_plane(pixel) - nearer.to_plane(pixel)
        return replace(nearer, focus=self.focus + shift[0] * self.view.right + shift[1] * self.view.up)

    def fitted(self, points: npt.ArrayLike, margin: float = 1.08) -> Turntable:
        """Turned about the middle of a box so that it fits the picture in this view; ``points`` are its corners."""
        corners = np.asarray(points, dtype=np.float64)
        focus = (corners.min(axis=0) + corners.max(axis=0)) / 2
        extent = np.ptp(self.view.project(corners), axis=0)
        across, back, up = np.ptp(corners, axis=0)
        # leave room to turn: most of the box's diagonal fits from every side
        extent = np.maximum(extent, (0.85 * np.hypot(across, back), up)) * margin
        scale = float(np.max(extent / np.maximum(np.array(self.size), 1)))
        return replace(self, focus=focus, mm_per_pixel=float(np.clip(scale, CLOSEST, FARTHEST)))
