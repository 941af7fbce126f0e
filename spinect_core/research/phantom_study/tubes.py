"""Roots and the thecal sac: centrelines and cross-sections of tubes, from their voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter1d, label
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom_study.solids import Frame, Mask, Solid, oriented, section

ROUND = np.ones((3, 3, 3), dtype=bool)


def centreline(mask: Mask, geometry: Geometry, start: FloatArray) -> FloatArray:
    """Points (n, 3) about 2 mm apart along the middle of a tube, in LPS, from the end near ``start``.

    Voxels are sorted by the length of the shortest path to them inside the tube; every 2 mm of it give one point, the
    mean of their voxels.

    Args:
        mask: the tube [z, y, x].
        geometry: its grid.
        start: (m, 3) LPS points where the tube begins, such as the voxels of the sac.

    Raises:
        MeasurementError: the tube is empty or shorter than 8 mm.
    """
    points = geometry.to_patient(np.argwhere(mask))
    if len(points) < 8:
        raise MeasurementError("A nerve has no voxels", "Look at the labels of the roots")
    reach = 1.8 * max(geometry.spacing)
    tree = cKDTree(points)
    pairs = tree.query_pairs(reach, output_type="ndarray")
    length = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    graph = coo_matrix((length, (pairs[:, 0], pairs[:, 1])), shape=(len(points),) * 2).tocsr()
    gap, _ = cKDTree(start).query(points)
    seeds = np.flatnonzero(gap <= gap.min() + max(geometry.spacing))
    way = dijkstra(graph, directed=False, indices=seeds, min_only=True)
    bins = np.where(np.isfinite(way), way // 2.0, -1).astype(int)
    line = [points[bins == k].mean(axis=0) for k in range(bins.max() + 1) if (bins == k).any()]
    if len(line) < 4:
        raise MeasurementError("A nerve is shorter than 8 mm", "Look at the labels of the roots")
    # The level sets of the path are a little oblique at first; a short mean straightens the line.
    return np.asarray(gaussian_filter1d(np.array(line), 1.0, axis=0, mode="nearest"))


@dataclass(frozen=True, eq=False)
class Tube:
    """A root as a line of cross-sections.

    Attributes:
        points: (n, 3) LPS centreline.
        along: (n,) mm from its first point.
        diameters: (n,) mm of the circle that has the area of the perpendicular cross-section.
    """

    points: FloatArray
    along: FloatArray
    diameters: FloatArray

    def diameter_at(self, mm: float) -> float:
        """Median diameter within 2.5 mm of a place along the tube; nan beyond its ends."""
        near = np.abs(self.along - mm) <= 2.5
        return float(np.median(self.diameters[near])) if near.any() and mm < self.along[-1] else float("nan")

    def at(self, mm: float) -> FloatArray:
        """LPS point at a place along the tube, the ends beyond them."""
        return np.array([np.interp(mm, self.along, self.points[:, axis]) for axis in range(3)])


def measure_tube(mask: Mask, geometry: Geometry, start: FloatArray) -> Tube:
    """Centreline and diameters of a root.

    Diameters are 2 sqrt(area / pi); the area is the integral of the smoothed label over the plane perpendicular to the
    centreline, over the piece that holds the centre.

    Raises:
        MeasurementError: the tube is empty or too short.
    """
    points = centreline(mask, geometry, start)
    solid = Solid.of(mask, geometry)
    step = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(step)])
    tangents = gaussian_filter1d(np.gradient(points, axis=0), 1.0, axis=0, mode="nearest")
    diameters = []
    for point, tangent in zip(points, tangents, strict=True):
        cut = across(point, tangent)
        diameters.append(2.0 * np.sqrt(cut_area(solid, cut, 9.0) / np.pi))
    return Tube(points, along, np.array(diameters))


def across(point: FloatArray, direction: FloatArray) -> Frame:
    """A frame whose left/back plane is perpendicular to a direction."""
    helper = np.array([0.0, 1.0, 0.0])
    if abs(direction[1]) > 0.9 * np.linalg.norm(direction):
        helper = np.array([0.0, 0.0, 1.0])
    return oriented(point, direction, helper)


def cut_area(solid: Solid, cut: Frame, half: float) -> float:
    """Area in mm² of a solid in a cut, of the piece nearest to the cut's origin."""
    s, field = section(solid, cut, half)
    # Beyond a tenth the smoothed label of this piece has ended; another piece keeps its own.
    pieces, count = label(field > 0.1)
    if not count:
        return 0.0
    b, a = np.meshgrid(s, s, indexing="ij")
    distance = np.where(pieces > 0, np.hypot(a, b), np.inf)
    here = pieces.ravel()[int(np.argmin(distance))]
    return float(field[pieces == here].sum() * (s[1] - s[0]) ** 2)


def sac_section(sac: Solid, cut: Frame) -> dict[str, float]:
    """AP diameter, width (mm) and area (mm²) of the sac in a cut.

    Both diameters are lines through the centre of area from surface to surface.
    """
    s, field = section(sac, cut, 16.0)
    total = float(field.sum())
    if total <= 0:
        return {"ap": float("nan"), "width": float("nan"), "area": 0.0}
    b, a = np.meshgrid(s, s, indexing="ij")
    centre = cut.point(float((a * field).sum() / total), float((b * field).sum() / total), 0.0)
    return {
        "ap": sum(sac.chord(centre, cut.back, 20.0)),
        "width": sum(sac.chord(centre, cut.left, 20.0)),
        "area": total * float(s[1] - s[0]) ** 2,
    }


def coronal_angle(direction: FloatArray, axis: FloatArray, left: FloatArray) -> float:
    """Degrees between a direction running down and an axis running up, seen from the front.

    0 is straight down along the axis, 90 is sideways.

    Args:
        direction: LPS vector of the root, away from the sac.
        axis: unit LPS vector to the head.
        left: unit LPS vector to the left, perpendicular to the axis.
    """
    return float(np.degrees(np.arctan2(abs(direction @ left), -(direction @ axis))))


def largest_piece(mask: Mask) -> Mask:
    """The largest 26-connected piece of a mask; the mask itself if it is empty."""
    pieces, count = label(mask, ROUND)
    if count <= 1:
        return mask
    return np.asarray(pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))


def touching(mask: Mask, other: Mask) -> Mask:
    """Voxels of a mask that have a voxel of another among their 26 neighbours."""
    return np.asarray(binary_dilation(other, ROUND) & mask)
