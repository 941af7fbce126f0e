"""A surface stretched over a closed outline in space, like a soap film over a wire."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import spsolve
from scipy.spatial import Delaunay

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.polygon import nearest_on_ring

MEMBRANE_MM = 1.0
"""Distance of the membrane's points; its rim is as fine as the borders, at least half of this."""
SMALLEST_MM2 = 1e-3
"""An outline that encloses less than this from every side encloses nothing."""
ROUNDS = 12
"""Each halves the rim's edges that the triangles do not follow yet: narrow necks need a few."""


@dataclass(frozen=True, eq=False)
class Membrane:
    """A triangulated surface with one closed rim.

    Attributes:
        points: LPS mm (n, 3), those of the rim first.
        corners: triangles (m, 3), indices of points.
        rim_count: how many points, in order, make the closed rim.
    """

    points: FloatArray
    corners: npt.NDArray[np.int32]
    rim_count: int

    @property
    def rim(self) -> FloatArray:
        """LPS mm (rim_count, 3) in order, not closed."""
        return self.points[: self.rim_count]


def stretch(outline: FloatArray) -> Membrane | None:
    """The membrane over a closed outline.

    It is laid out over the plane that sees the largest area of the outline, and its height over that plane is harmonic:
    flat over a flat outline, without a bulge over a warped one. Where the outline crosses itself there, as borders do
    that overshoot where they meet, the loops that run the other way round are cut off.

    Args:
        outline: LPS mm (n, 3) in order, n at least 3, not closed.

    Returns:
        None where nothing is enclosed.
    """
    ring = _finely(outline, MEMBRANE_MM / 2)
    axes = _axes(ring)
    if axes is None:
        return None
    middle = ring.mean(axis=0)
    flat = (ring - middle) @ axes.T
    shape = _enclosed(flat[:, :2])
    if shape is None:
        return None
    points, corners, rim_count = _triangles(shape)
    heights = _soap_film(points, corners, nearest_on_ring(points[:rim_count], flat)[:, 2])
    return Membrane(np.column_stack([points, heights]) @ axes + middle, corners.astype(np.int32), rim_count)


def _finely(outline: FloatArray, step: float) -> FloatArray:
    """A closed outline with points at most ``step`` mm apart, the given ones among them."""
    ahead = np.roll(outline, -1, axis=0)
    parts = []
    for a, b in zip(outline, ahead, strict=True):
        count = max(int(np.ceil(np.linalg.norm(b - a) / step - 1e-9)), 1)
        parts.append(a + (b - a) * (np.arange(count) / count)[:, None])
    return np.concatenate(parts)


def _axes(ring: FloatArray) -> FloatArray | None:
    """Right-handed unit axes (3, 3), the last one towards the side that sees the ring's largest area.

    They follow from the ring alone: a ring that is moved takes them along.
    """
    points = ring - ring.mean(axis=0)
    normal = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0) / 2
    area = float(np.linalg.norm(normal))
    if area < SMALLEST_MM2:
        return None
    normal /= area
    inside = points - (points @ normal)[:, None] * normal
    lengths = np.linalg.norm(inside, axis=1)
    start = 0 if lengths[0] > 0.1 * lengths.max() else int(lengths.argmax())
    first = inside[start] / lengths[start]
    return np.stack([first, np.cross(normal, first), normal])


def _enclosed(ring: FloatArray) -> shapely.Polygon | None:
    """What a ring (n, 2) that runs anticlockwise encloses, its largest piece, without holes."""
    shape = shapely.Polygon(ring)
    if not shape.is_valid:
        faces = shapely.get_parts(shapely.polygonize([shapely.union_all([shapely.LinearRing(ring)])]))
        if len(faces) == 0:
            return None
        turns = _turns(ring, shapely.get_coordinates(shapely.point_on_surface(faces)))
        parts = shapely.get_parts(shapely.union_all(faces[turns > 0.5]))
        if len(parts) == 0:
            return None
        shape = shapely.Polygon(max(parts, key=lambda part: float(part.area)).exterior)
    return shape if shape.area >= SMALLEST_MM2 else None


def _turns(ring: FloatArray, places: FloatArray) -> FloatArray:
    """How many times the ring (n, 2) runs anticlockwise round each place (m, 2)."""
    towards = ring[None] - places[:, None]
    ahead = np.roll(towards, -1, axis=1)
    cross = towards[..., 0] * ahead[..., 1] - towards[..., 1] * ahead[..., 0]
    return np.asarray(np.arctan2(cross, (towards * ahead).sum(axis=-1)).sum(axis=1) / (2 * np.pi))


def _triangles(shape: shapely.Polygon) -> tuple[FloatArray, npt.NDArray[np.int64], int]:
    """Points (n, 2) of a polygon, rim first, triangles (m, 3) that fill it, and the number of points of its rim."""
    rim = np.asarray(shape.exterior.coords)[:-1]
    inner = _grid_inside(shape, MEMBRANE_MM)
    for _ in range(ROUNDS):
        points = np.concatenate([rim, inner])
        corners = Delaunay(points).simplices
        split = _not_followed(corners, len(rim), len(points))
        if not split.any():
            break
        # Where a notch is narrower than the rim's points are apart, triangles would reach across it.
        halves = (rim + np.roll(rim, -1, axis=0))[split] / 2
        rim = np.insert(rim, np.flatnonzero(split) + 1, halves, axis=0)
    # Along a straight rim rounding makes triangles of no area outside of it.
    (ux, uy), (vx, vy) = (points[corners[:, i]].T - points[corners[:, 0]].T for i in (1, 2))
    inside = shapely.contains_xy(shape, points[corners].mean(axis=1)) & (np.abs(ux * vy - uy * vx) > 1e-9)
    return points, corners[inside], len(points) - len(inner)


def _not_followed(corners: npt.NDArray[np.int64], rim: int, count: int) -> npt.NDArray[np.bool_]:
    """Which edges of the rim, from each point to the next (rim,), are no edge of any triangle."""
    pairs = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    edges = np.sort(np.column_stack([np.arange(rim), np.roll(np.arange(rim), -1)]), axis=1)
    return ~np.isin(edges[:, 0] * count + edges[:, 1], pairs[:, 0] * count + pairs[:, 1])


def _grid_inside(shape: shapely.Polygon, step: float) -> FloatArray:
    """Places (n, 2) on a grid about the middle of the polygon, well inside of it."""
    low_x, low_y, high_x, high_y = shape.bounds
    axes = []
    for low, high in ((low_x, high_x), (low_y, high_y)):
        count = int((high - low) / 2 / step)
        axes.append((low + high) / 2 + step * np.arange(-count, count + 1))
    x, y = np.meshgrid(*axes)
    points = np.column_stack([x.ravel(), y.ravel()])
    return np.asarray(points[shapely.contains_xy(shape.buffer(-0.4 * step), points)])


def _soap_film(points: FloatArray, corners: npt.NDArray[np.int64], heights: FloatArray) -> FloatArray:
    """Heights (n,) over the plane: given on the first points, harmonic elsewhere (linear finite elements)."""
    rim, count = len(heights), len(points)
    full = np.concatenate([heights, np.zeros(count - rim)])
    if count == rim:
        return full
    links = coo_matrix((count, count))
    for apex, a, b in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        u, v = (
            points[corners[:, a]] - points[corners[:, apex]],
            points[corners[:, b]] - points[corners[:, apex]],
        )
        cotangent = (u * v).sum(axis=1) / np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
        links = links + coo_matrix((cotangent, (corners[:, a], corners[:, b])), shape=(count, count))
    links = (links + links.T).tocsr()
    stiffness = (diags(np.asarray(links.sum(axis=1)).ravel()) - links).tocsr()
    full[rim:] = spsolve(stiffness[rim:, rim:].tocsc(), -stiffness[rim:, :rim] @ heights)
    return full
