"""The roots and the sac as lines with radii, drawn to the middle of the labelled nerve between the voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt, gaussian_filter1d
from scipy.spatial import cKDTree

from spinect_core.anatomy.fields import Field
from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import NERVE, Labels

SNAP_NERVE_MM = 6.0
USUAL_RADIUS_MM = 2.5
SAC_RADIUS_MM = 3.9
"""Voxels deeper than this lie in the sac: no root is so thick."""

RAYS = 16
RAY_MM = 5.0
RUN = 4
"""How many points in a row make a strand."""


@dataclass(frozen=True, eq=False)
class Course:
    """The centreline of a root, or of the sac, in a case.

    Attributes:
        points: (n, 3) LPS mm from the sac outwards (of the sac: from above downwards), about 1 mm apart.
        radii: (n,) mm, from the labels where the nerve was found, else 2.5.
        found: (n,) whether labelled nerve lies at the point.
    """

    points: FloatArray
    radii: FloatArray
    found: npt.NDArray[np.bool_]

    @property
    def part_found(self) -> float:
        """Part of the course where labelled nerve lies, 0 to 1; 0 of a course without points."""
        return float(self.found.mean()) if len(self.found) else 0.0

    def directions(self) -> FloatArray:
        """Unit vectors (n, 3) along the course."""
        return directions_of(self.points)


def directions_of(points: FloatArray) -> FloatArray:
    """Unit vectors (n, 3) along a line of points (n, 3)."""
    slope = np.gradient(points, axis=0) if len(points) > 1 else np.zeros_like(points)
    return np.asarray(slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9))


def dense(points: FloatArray, step: float) -> FloatArray:
    """Points at most ``step`` mm apart along a line of points (n, 3), its ends among them."""
    chord = along(points)
    even = np.linspace(0.0, chord[-1], max(int(np.ceil(chord[-1] / step)) + 1, 2))
    return np.stack([np.interp(even, chord, points[:, axis]) for axis in range(3)], axis=1)


@dataclass(frozen=True, eq=False)
class NerveCloud:
    """The labelled nerve voxels of a case.

    Attributes:
        points: (m, 3) LPS mm.
        depth: (m,) mm from each to the border of the nerve.
        tree: of the points; None where there are too few to follow.
    """

    points: FloatArray
    depth: FloatArray
    tree: cKDTree | None

    @classmethod
    def of(cls, labels: Labels) -> NerveCloud:
        """The cloud of a label map."""
        mask = labels.array == NERVE
        index = np.argwhere(mask)
        if len(index) < 20:
            return cls(np.zeros((0, 3)), np.zeros(0), None)
        depth = distance_transform_edt(mask, sampling=labels.geometry.spacing[::-1])
        points = labels.geometry.to_patient(index)
        return cls(points, depth[tuple(index.T)], cKDTree(points))


def snap_course(points: FloatArray, cloud: NerveCloud) -> Course:
    """Draw a course to the middle of the labelled nerve near it, to about half a voxel.

    Args:
        points: (n, 3) LPS mm, where the atlas expects it.
        cloud: the labelled nerve.
    """
    radii = np.full(len(points), USUAL_RADIUS_MM)
    found = np.zeros(len(points), dtype=bool)
    if cloud.tree is None or len(points) < 2:
        return Course(points, radii, found)
    current = points.copy()
    for reach in (SNAP_NERVE_MM, 4.5, 3.5):
        direction = directions_of(current)
        target = current.copy()
        for i, within in enumerate(cloud.tree.query_ball_point(current, reach)):
            found[i] = len(within) >= 4
            if not found[i]:
                continue
            near = np.array(within)
            offset = cloud.points[near] - current[i]
            offset -= (offset @ direction[i])[:, None] * direction[i]
            # The sac is thicker than any root: voxels deep inside it must not draw the beginning of a root inwards.
            depth = cloud.depth[near]
            in_sac = depth > SAC_RADIUS_MM
            weight = np.exp(-((offset**2).sum(axis=1)) / (reach**2)) * np.where(in_sac, 0.05, 1.0)
            target[i] = current[i] + (offset * weight[:, None]).sum(axis=0) / weight.sum()
            radii[i] = min(max(float(depth.max()), 1.2), 3.6)
        current = gaussian_filter1d(target, 2.0, axis=0, mode="nearest")
    return Course(current, gaussian_filter1d(radii, 2.0, mode="nearest"), found)


def centred(course: Course, nerve: Field) -> Course:
    """The course drawn to the middle of the nerve's outline across it, with the mean radius of that outline.

    Where a root leaves the sac its outline is open on one side; there it stays as it was.
    """
    if len(course.points) < 5:
        return course
    points, radii = course.points.copy(), course.radii.copy()
    for _ in range(2):
        rays, hit = _outline(points, nerve)
        closed = np.isfinite(hit).all(axis=0) & (nerve.at(points) < 0.0)
        # Opposite rays: half their difference leads to the middle, half their sum is the radius.
        shift = (np.nan_to_num(hit)[:, :, None] * rays).mean(axis=0) * 2.0
        points += np.where(closed, 0.5, 0.0)[:, None] * np.clip(shift, -1.5, 1.5)
        radii = np.where(closed, np.nan_to_num(hit).mean(axis=0), radii)
        points = gaussian_filter1d(points, 1.2, axis=0, mode="nearest")
    return Course(points, gaussian_filter1d(radii, 1.0, mode="nearest"), course.found)


def _outline(points: FloatArray, nerve: Field) -> tuple[FloatArray, FloatArray]:
    """Rays (16, n, 3) across a line of points, and how far (16, n) mm along each the nerve ends; nan beyond 5 mm."""
    way = directions_of(points)
    first = np.cross(way, np.where(np.abs(way[:, [2]]) < 0.9, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]))
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(way, first)
    angle = np.arange(RAYS) * 2 * np.pi / RAYS
    rays = np.cos(angle)[:, None, None] * first + np.sin(angle)[:, None, None] * second
    starts = np.broadcast_to(points, rays.shape)
    hit = nerve.crossing(starts.reshape(-1, 3), rays.reshape(-1, 3), RAY_MM).reshape(RAYS, -1)
    return rays, hit


def root_surface(course: Course, nerve: Field, towards: FloatArray, limit: float = 4.5) -> FloatArray:
    """Points (n, 3) on the surface of a root on the side of ``towards``, one for each point of the course.

    Args:
        course: the root.
        nerve: signed distance of the labelled nerve.
        towards: vectors (n, 3) or (3,); the part of them across the course counts.
        limit: mm; where the nerve is not left within it (at the sac), or was not found, the course's radius stands in.
    """
    way = course.directions()
    aim = np.broadcast_to(towards, way.shape).astype(np.float64)
    aim = aim - (aim * way).sum(axis=1, keepdims=True) * way
    aim /= np.maximum(np.linalg.norm(aim, axis=1, keepdims=True), 1e-9)
    reach = nerve.crossing(course.points, aim, limit)
    reach = np.where(np.isfinite(reach) & (nerve.at(course.points) < 0.0), reach, course.radii)
    return np.asarray(course.points + reach[:, None] * aim)


def leaves_sac(course: Course, nerve: Field) -> int:
    """Index from which on a root is a strand of its own: its outline is closed all round, for some millimetres."""
    if len(course.points) < RUN:
        return 0
    _rays, hit = _outline(course.points, nerve)
    closed = np.isfinite(hit).all(axis=0) & (nerve.at(course.points) < 0.0)
    run = np.convolve(closed.astype(float), np.ones(RUN), "valid") >= RUN
    return int(run.argmax()) if run.any() else 0
