"""Moves the courses of nerves against bone and disc, and flattens them there."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.nerves import Course

REACH_MM = 14.0
"""Points farther than this from a surface are not moved towards it."""
ROUNDS = 50
BROADEST = 3.0


def sampled(field: FloatArray, points: FloatArray, geometry: Geometry) -> FloatArray:
    """A field [z, y, x] at points (n, 3), trilinear; outside of the grid its value at the edge."""
    index = geometry.to_index(points).T
    return np.asarray(map_coordinates(field, index, order=1, mode="nearest"), dtype=np.float64)


def outward(field: FloatArray, points: FloatArray, geometry: Geometry) -> FloatArray:
    """Unit vectors (n, 3) in the direction in which a distance field grows; zero where it does not change."""
    beside = np.asarray(geometry.spacing) * np.eye(3)
    around = np.concatenate([points + e for e in beside] + [points - e for e in beside])
    ahead, back = sampled(field, around, geometry).reshape(2, 3, -1)
    slope = ((ahead - back) / (2.0 * np.asarray(geometry.spacing)[:, None])).T
    norm = np.linalg.norm(slope, axis=1, keepdims=True)
    return np.where(norm > 0.2, slope / np.maximum(norm, 1e-9), 0.0)


def tangents(points: FloatArray) -> FloatArray:
    """Unit vectors (n, 3) along a line."""
    tangent = np.gradient(points, axis=0)
    return np.asarray(tangent / np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9))


def evenly(points: FloatArray) -> FloatArray:
    """The same number of points (n, 3) on the same line, evenly spaced."""
    chord = along(points)
    at = np.linspace(0.0, chord[-1], len(points))
    return np.stack([np.interp(at, chord, points[:, axis]) for axis in range(3)], axis=1)


def settled(
    course: Course,
    obstacle: FloatArray,
    geometry: Geometry,
    gaps: FloatArray,
    start: int = 0,
    reach: float = REACH_MM,
) -> Course:
    """Move a course towards an obstacle until ``gaps`` mm are left between its surface and it.

    Args:
        course: the course; its points before ``start`` stay where they are.
        obstacle: signed distance [z, y, x] in mm.
        geometry: the grid of ``obstacle``.
        gaps: (n,) mm for each point.
        start: the first point that moves; the movement sets in gradually over the next twelve millimetres.
        reach: in mm; points farther than this from the obstacle are not moved.
    """
    points = course.points.copy()
    onset = np.clip((np.arange(len(points)) - start) / 24.0, 0.0, 1.0)
    onset = onset * onset * (3.0 - 2.0 * onset)
    away = float(sampled(obstacle, points[start : start + 1], geometry)[0] - course.radii[start])
    gaps = gaps + (1.0 - onset) * np.maximum(min(away, reach) - gaps, 0.0)
    for _ in range(ROUNDS):
        over = sampled(obstacle, points, geometry) - course.radii - gaps
        # Points nearly out of reach are moved a little, so that no kink forms next to those that are moved fully.
        step = np.clip(over, 0.0, 0.7) * np.clip((reach - over) / 4.0, 0.0, 1.0)
        step[: start + 1] = 0.0
        if step.max() < 0.05:
            break
        push = outward(obstacle, points, geometry)
        tangent = tangents(points)
        push -= (push * tangent).sum(axis=1, keepdims=True) * tangent
        points -= push * step[:, None]
        smooth = points[1:-1] + 0.35 * (points[:-2] + points[2:] - 2 * points[1:-1])
        points[1:-1] += (smooth - points[1:-1]) * (onset[1:-1] > 0)[:, None]
        points[start:] = evenly(points[start:])
    return Course(course.name, points, course.radii, course.ganglion)


def flattened(
    course: Course, obstacle: FloatArray, geometry: Geometry, broad: float, start: int
) -> list[Course]:
    """A course as strands side by side that together are a band lying flat on an obstacle.

    The cross-section keeps its area. Before ``start`` it stays one round strand.

    Args:
        course: the course.
        obstacle: signed distance [z, y, x] in mm; the band is broad along its surface.
        geometry: the grid of ``obstacle``.
        broad: how many times as broad as thick, 1 to :data:`BROADEST`.
        start: the point beyond which it is flat; the change takes eight millimetres.
    """
    if broad <= 1.05 or start >= len(course.points) - 4:
        return [course]
    ramp = np.clip((np.arange(len(course.points)) - start) / 16.0, 0.0, 1.0)
    ratio = 1.0 + (min(broad, BROADEST) - 1.0) * ramp
    # A band with round edges, of the area of the round root.
    thick = course.radii * np.sqrt(np.pi / (np.pi + 4.0 * (ratio - 1.0)))
    across = np.cross(tangents(course.points), outward(obstacle, course.points, geometry))
    # One side of the band stays the same side all along.
    for number in range(1, len(across)):
        if across[number] @ across[number - 1] < 0:
            across[number] *= -1.0
    across = gaussian_filter1d(across, 6.0, axis=0, mode="nearest")
    norm = np.linalg.norm(across, axis=1, keepdims=True)
    across = np.where(norm > 0.2, across / np.maximum(norm, 1e-9), 0.0)
    beside = ((ratio - 1.0) * thick)[:, None] * across
    return [
        Course(course.name, course.points + part * beside, thick, course.ganglion)
        for part in (0.0, 0.5, -0.5, 1.0, -1.0)
    ]


def spread_gaps(gaps: tuple[float, ...], count: int, start: int) -> FloatArray:
    """Gaps (count,) of the points of a course from those at equal parts of its length beyond point ``start``."""
    at = np.linspace(start, count - 1, len(gaps))
    return np.interp(np.arange(count), at, gaps)
