"""How much of a triangle a line of sight reaches without meeting bone or nerve: rays through the label map."""

from __future__ import annotations

import numpy as np

from spinect_core.planning.view import View
from spinect_core.volume import FloatArray, Labels

REACH_MM = 110.0
SKIN_OF_TRIANGLE_MM = 3.0
"""The triangle's own borders lie on bone and nerve; obstacles are looked for this far in front of it and beyond."""


def sample_triangle(vertices: FloatArray, count: int = 9) -> FloatArray:
    """Points (n, 3) evenly inside a triangle (3, 3), none on its border."""
    a = (np.arange(count) + 0.5) / count
    u, v = (axis.ravel() for axis in np.meshgrid(a, a))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    return np.asarray(
        vertices[0] + u[:, None] * (vertices[1] - vertices[0]) + v[:, None] * (vertices[2] - vertices[0])
    )


def open_part(labels: Labels, vertices: FloatArray, view: View, step_mm: float = 1.0) -> float:
    """Part (0 to 1) of a triangle from which the way to the viewer meets neither bone nor nerve.

    Args:
        labels: 0 background, 1 bone, 2 nerve; what lies outside its grid counts as free.
        vertices: LPS mm (3, 3).
        view: the line of sight.
        step_mm: sampling along the ray.
    """
    start = sample_triangle(vertices)
    along = np.arange(SKIN_OF_TRIANGLE_MM, REACH_MM, step_mm)
    points = start[:, None, :] + along[None, :, None] * view.vector
    index = np.rint(labels.geometry.to_index(points)).astype(int)
    inside = np.all((index >= 0) & (index < np.array(labels.array.shape)), axis=-1)
    index = np.where(inside[..., None], index, 0)
    blocked = (labels.array[index[..., 0], index[..., 1], index[..., 2]] > 0) & inside
    return float(1.0 - blocked.any(axis=1).mean())
