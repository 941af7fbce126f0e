"""Nerve courses: smooth centrelines from the sac through the foramina, kept clear of bone and disc."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import Geometry

STEP_MM = 0.5


@dataclass(frozen=True, eq=False)
class Course:
    """A nerve as a centreline with a radius.

    Attributes:
        name: level and side, such as ``L5 left``.
        points: (n, 3) LPS mm, about 0.5 mm apart, from the sac outwards.
        radii: (n,) mm.
        ganglion: index of the middle of the dorsal root ganglion, or -1.
    """

    name: str
    points: FloatArray
    radii: FloatArray
    ganglion: int = -1


def lay(
    name: str,
    waypoints: FloatArray,
    radius: float,
    ganglion_radius: float,
    ganglion_at: int,
    shift: float = 0.0,
) -> Course:
    """A smooth course through ``waypoints`` (n, 3) with a ganglion at waypoint ``ganglion_at`` (-1: none).

    The ganglion lies ``shift`` mm farther out than that. The root thickens over its first centimetre, swells to the
    ganglion and leaves it a little thicker than it came.
    """
    chord = along(waypoints)
    count = max(int(chord[-1] / STEP_MM), 8)
    s = np.linspace(0.0, chord[-1], count)
    points = np.stack([PchipInterpolator(chord, waypoints[:, axis])(s) for axis in range(3)], axis=1)
    # Pchip never overshoots but has corners in its curvature; a short moving mean takes them out.
    kernel = np.hanning(15) / np.hanning(15).sum()
    for axis in range(3):
        points[:, axis] = np.convolve(
            np.pad(points[:, axis], 7, mode="reflect", reflect_type="odd"), kernel, "valid"
        )
    radii = radius * (0.72 + 0.28 * np.clip(s / 12.0, 0.0, 1.0))
    index = -1
    if ganglion_at >= 0:
        centre = chord[ganglion_at] + shift
        index = int(np.argmin(np.abs(s - centre)))
        radii = radii + (ganglion_radius - radius) * np.exp(-(((s - centre) / 4.6) ** 2))
        radii = radii + 0.25 * np.clip((s - centre) / 10.0, 0.0, 1.0)
    return Course(name, points, radii, index)


def clear_of(
    course: Course, obstacle: FloatArray, geometry: Geometry, gap_mm: float, held: int = 6
) -> Course:
    """Push a course out of an obstacle until it keeps ``gap_mm`` between its surface and it.

    Args:
        course: the course; its first ``held`` points stay where they are.
        obstacle: signed distance [z, y, x] in mm.
        geometry: the grid of ``obstacle``.
        gap_mm: clearance beyond the course's own radius.
        held: points at the sac that are not moved.
    """
    points = course.points.copy()
    spacing = np.asarray(geometry.spacing)

    def sample(where: FloatArray) -> FloatArray:
        index = geometry.to_index(where).T
        return np.asarray(map_coordinates(obstacle, index, order=1, mode="nearest"), dtype=np.float64)

    beside = float(spacing.min()) * np.eye(3)
    for _ in range(60):
        need = course.radii + gap_mm - sample(points)
        need[:held] = 0.0
        if need.max() <= 0.02:
            break
        ahead, back = sample(
            np.concatenate([points + e for e in beside] + [points - e for e in beside])
        ).reshape(2, 3, -1)
        gradient = (ahead - back).T
        norm = np.linalg.norm(gradient, axis=1, keepdims=True)
        # Across the nerve only: sliding along it would bunch the points.
        tangent = np.gradient(points, axis=0)
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
        push = gradient / np.maximum(norm, 1e-6)
        push -= (push * tangent).sum(axis=1, keepdims=True) * tangent
        points += push * np.clip(need, 0.0, 0.9)[:, None]
        inner = points[1:-1] + 0.35 * (points[:-2] + points[2:] - 2 * points[1:-1])
        points[max(held, 1) : -1] = inner[max(held, 1) - 1 :]
    return Course(course.name, points, course.radii, course.ganglion)


def tube_distance(course: Course, points: FloatArray, reach: float) -> FloatArray:
    """Signed distance (n,) of ``points`` (n, 3) to a course; ``reach`` where it is farther than that."""
    tree = cKDTree(course.points)
    distance, index = tree.query(points, distance_upper_bound=reach + float(course.radii.max()))
    out = np.full(len(points), reach)
    found = np.isfinite(distance)
    out[found] = np.minimum(distance[found] - course.radii[index[found]], reach)
    return out
