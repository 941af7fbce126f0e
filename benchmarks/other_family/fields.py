"""Signed distances on a grid of 1 mm: sampling, tubes, solids from surfaces, smooth random fields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter, map_coordinates, zoom
from scipy.spatial import cKDTree

Array = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid of 1 mm along the patient's axes.

    Attributes:
        low: (x, y, z) LPS mm of the first voxel.
        shape: voxels [z, y, x].
    """

    low: tuple[float, float, float]
    shape: tuple[int, int, int]

    def index(self, points: Points) -> Points:
        """Points (n, 3) LPS mm as indices (n, 3) in the order [z, y, x]."""
        return np.asarray((points - np.asarray(self.low))[:, ::-1], dtype=np.float64)

    def sample(self, array: Array, points: Points) -> Points:
        """Values (n,) of an array on this grid at points (n, 3) LPS mm; its border goes on outside."""
        return np.asarray(
            map_coordinates(array, self.index(points).T, order=1, mode="nearest"), dtype=np.float64
        )

    def gradient(self, array: Array, points: Points) -> Points:
        """Unit vectors (n, 3) along which a distance grows fastest at points (n, 3) LPS mm."""
        steps = np.eye(3)
        parts = [self.sample(array, points + step) - self.sample(array, points - step) for step in steps]
        found = np.stack(parts, axis=1)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6))

    def box(self, points: Points, margin: float) -> Box:
        """The part of the grid that holds points (n, 3) LPS mm and a margin in mm; may be empty."""
        index = self.index(points)
        first = np.clip(np.floor(index.min(axis=0) - margin).astype(int), 0, self.shape)
        last = np.clip(np.ceil(index.max(axis=0) + margin).astype(int) + 1, 0, self.shape)
        z, y, x = (slice(int(a), int(max(a, b))) for a, b in zip(first, last, strict=True))
        return z, y, x

    def places(self, box: Box) -> Points:
        """LPS mm (n, 3) of the voxels of a part of the grid, in the order of the array's memory."""
        z, y, x = (np.arange(part.start, part.stop, dtype=np.float64) for part in box)
        zz, yy, xx = np.meshgrid(z + self.low[2], y + self.low[1], x + self.low[0], indexing="ij")
        return np.stack([xx.ravel(), yy.ravel(), zz.ravel()], axis=1)


def spline(waypoints: Points, step: float = 0.5) -> Points:
    """A smooth line through waypoints (n, 3), its points about ``step`` mm apart."""
    chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(waypoints, axis=0), axis=1))])
    along = np.linspace(0.0, chord[-1], max(int(chord[-1] / step) + 1, 2))
    return np.asarray(PchipInterpolator(chord, waypoints, axis=0)(along), dtype=np.float64)


def tube(
    grid: Grid, points: Points, radii: Points, flat: Points | None = None, normals: Points | None = None
) -> tuple[Box, Array]:
    """Distance to the wall of a tube about a line, in the part of the grid that holds it.

    Args:
        grid: where.
        points: (n, 3) LPS mm of its middle.
        radii: (n,) mm.
        flat: (n,) how much broader than thick its section is, area unchanged; round if None.
        normals: (n, 3) across which it is thin.
    """
    box = grid.box(points, float(radii.max()) * 2 + 2)
    places = grid.places(box)
    shape = tuple(part.stop - part.start for part in box)
    if not len(places):
        return box, np.zeros(shape, np.float32)
    distance, near = cKDTree(points).query(places)
    if flat is not None and normals is not None:
        offset = places - points[near]
        across = (offset * normals[near]).sum(axis=1)
        rest = np.maximum(distance**2 - across**2, 0.0)
        distance = np.sqrt(across**2 * flat[near] + rest / flat[near])
    return box, (distance - radii[near]).astype(np.float32).reshape(shape)


def waves(rng: np.random.Generator, shape: tuple[int, int, int], sizes: tuple[float, float, float]) -> Array:
    """A smooth random field of mean 0 and SD 1.

    Args:
        rng: numbers from it.
        shape: voxels [z, y, x].
        sizes: how far its blobs reach along [z, y, x], mm.
    """
    factor = 2 if min(sizes) >= 1.5 else 1
    coarse = tuple(-(-count // factor) for count in shape)
    noise = gaussian_filter(rng.standard_normal(coarse, dtype=np.float32), [size / factor for size in sizes])
    noise = (noise - noise.mean()) / noise.std()
    if factor > 1:
        z, y, x = shape
        noise = zoom(noise, factor, order=1)[:z, :y, :x]
    return np.asarray(noise, dtype=np.float32)


def solid(vertices: Points, faces: npt.NDArray[np.int64], grid: Grid) -> Mask:
    """Which voxels [z, y, x] lie inside a surface, by counting crossings along three axes: open ones need not close.

    A voxel is inside if more than half of six rays (three axes, both ways) say so.

    Args:
        vertices: (n, 3) LPS mm.
        faces: (m, 3) triangles.
        grid: where.
    """
    # A hair beside the grid, so that no ray meets an edge.
    index = grid.index(vertices) + np.array([1.3e-4, 2.7e-4, 3.1e-4])
    votes = np.zeros(grid.shape, np.int8)
    for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        crossings = _crossings(index[:, order][faces], tuple(grid.shape[axis] for axis in order))
        total = np.cumsum(crossings, axis=-1, dtype=np.int16)
        back = np.argsort(order)
        votes += (total[..., :-1] != 0).transpose(back).astype(np.int8)
        votes += (total[..., :-1] != total[..., -1:]).transpose(back).astype(np.int8)
    return np.asarray(votes > 3)


def _crossings(triangles: Points, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """Signed crossings of the rays along the last axis with triangles (m, 3, 3), before each voxel."""
    count = np.zeros((shape[0], shape[1], shape[2] + 1), np.int8)
    for corner, second, third in triangles:
        corners = np.stack([corner, second, third])[:, :2]
        first = np.maximum(np.ceil(corners.min(axis=0)).astype(int), 0)
        last = np.minimum(np.floor(corners.max(axis=0)).astype(int), np.array(shape[:2]) - 1)
        u, v = second - corner, third - corner
        turn = u[0] * v[1] - u[1] * v[0]
        if (last < first).any() or abs(turn) < 1e-12:
            continue
        a, b = np.meshgrid(*(np.arange(i, j + 1) for i, j in zip(first, last, strict=True)), indexing="ij")
        da, db = a - corner[0], b - corner[1]
        s, t = (da * v[1] - db * v[0]) / turn, (db * u[0] - da * u[1]) / turn
        hit = (s >= 0) & (t >= 0) & (s + t <= 1)
        height = np.clip(np.ceil(corner[2] + s * u[2] + t * v[2]), 0, shape[2]).astype(int)
        np.add.at(count, (a[hit], b[hit], height[hit]), 1 if turn > 0 else -1)
    return count
