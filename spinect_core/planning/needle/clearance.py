"""How far straight trajectories keep from bone and from nerve, for many at once.

A trajectory is a half-line from its target towards the viewer. It is nearest to a mesh either at an edge of the mesh,
which is found here exactly, or at the target, where
:meth:`spinect_core.planning.zones.obstacles.Obstacles.distance` is asked. Trajectories that pierce the mesh are not
covered.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import pyvista as pv
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import BONE, NERVE
from spinect_core.planning.zones.obstacles import Obstacles

BUNCH = 64
"""Edges that lie together and are left out together."""
SLACK_MM = 0.1
"""More than single precision loses of a distance within a body: by so much more a bunch is taken to be near."""
WAYS_AT_ONCE = 64


class Clearance:
    """Bone and nerve, ready to measure their distances to trajectories.

    Attributes:
        obstacles: as given.
        edges: of the mesh of each tissue that there is.
    """

    def __init__(self, obstacles: Obstacles) -> None:
        self.obstacles = obstacles
        self._lock = threading.Lock()
        self.edges = {tissue: Edges(mesh) for tissue, mesh in obstacles.meshes.items()}

    def along(self, targets: FloatArray, directions: FloatArray) -> dict[int, FloatArray]:
        """Smallest distance in mm (n,) of each trajectory to bone (1) and to nerve (2); infinite if there is none.

        Threads may call it at the same time.

        Args:
            targets: LPS mm (n, 3), outside both tissues.
            directions: unit vectors (n, 3) towards the viewer.
        """
        found = {tissue: np.full(len(targets), np.inf) for tissue in (BONE, NERVE)}
        for tissue, edges in self.edges.items():
            with self._lock:
                at_target = np.abs(self.obstacles.distance(targets, tissue))
            for first in range(0, len(targets), WAYS_AT_ONCE):
                part = slice(first, first + WAYS_AT_ONCE)
                found[tissue][part] = edges.distance(targets[part], directions[part], at_target[part])
        return found


class Edges:
    """The edges of one mesh in bunches with balls round them.

    Attributes:
        start: LPS mm (m, 64, 3), one end of the edges of each bunch.
        along: mm (m, 64, 3) from there to the other end.
        middle: LPS mm (m, 3) of the balls.
        radius: mm (m,) of the balls.
    """

    def __init__(self, mesh: pv.PolyData) -> None:
        points = np.asarray(mesh.points, dtype=np.float64)
        faces = np.asarray(mesh.regular_faces, dtype=np.int64)
        ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        keys = np.sort(ends.min(axis=1) * len(points) + ends.max(axis=1))
        keys = keys[np.append(True, keys[1:] != keys[:-1])]
        start, stop = points[keys // len(points)], points[keys % len(points)]
        order = cKDTree((start + stop) / 2, leafsize=BUNCH, balanced_tree=False).indices
        # The last bunch is filled up with the last edge.
        order = np.append(order, np.full(-len(order) % BUNCH, order[-1]))
        self.start = start[order].reshape(-1, BUNCH, 3)
        far = stop[order].reshape(-1, BUNCH, 3)
        self.along = far - self.start
        low, high = np.minimum(self.start, far).min(axis=1), np.maximum(self.start, far).max(axis=1)
        self.middle = (low + high) / 2
        squared = np.zeros(len(low))
        for end in (self.start, far):
            offset = end - self.middle[:, None]
            squared = np.maximum(squared, np.einsum("ijk,ijk->ij", offset, offset).max(axis=1))
        self.radius = np.sqrt(squared)
        self._about = self.middle.mean(axis=0)
        self._middle = (self.middle - self._about).astype(np.float32)
        self._radius = self.radius.astype(np.float32)

    def distance(self, targets: FloatArray, directions: FloatArray, known: FloatArray) -> FloatArray:
        """Smallest distance (n,) of half-lines to the edges, or ``known`` (n,) where that is smaller."""
        least = self._at_least(targets, directions)
        # What the bunch that may come nearest holds leaves few others.
        every, likely = np.arange(len(targets)), least.argmin(axis=1)
        smallest = np.minimum(known**2, self._squared(targets, directions, every, likely))
        least[every, likely] = np.inf
        way, bunch = np.nonzero(least < np.sqrt(np.maximum(smallest, 0.0))[:, None])
        np.minimum.at(smallest, way, self._squared(targets, directions, way, bunch))
        return np.asarray(np.sqrt(np.maximum(smallest, 0.0)))

    def _at_least(self, targets: FloatArray, directions: FloatArray) -> npt.NDArray[np.float32]:
        """Mm (n, bunches) that half-lines keep from the bunches at least."""
        start, way = (targets - self._about).astype(np.float32), directions.astype(np.float32)
        ahead = way @ self._middle.T
        ahead -= np.einsum("ij,ij->i", start, way)[:, None]
        np.maximum(ahead, np.float32(0), out=ahead)
        squared = start @ self._middle.T
        squared *= np.float32(-2)
        squared += (self._middle**2).sum(axis=1)
        squared += (start**2).sum(axis=1)[:, None]
        ahead *= ahead
        squared -= ahead
        np.maximum(squared, np.float32(0), out=squared)
        np.sqrt(squared, out=squared)
        squared -= self._radius + np.float32(SLACK_MM)
        return np.asarray(squared)

    def _squared(
        self,
        targets: FloatArray,
        directions: FloatArray,
        way: npt.NDArray[np.intp],
        bunch: npt.NDArray[np.intp],
    ) -> FloatArray:
        """The least squared distance in mm² (k,) of half-lines ``way`` (k,) to the edges of bunches (k,)."""
        direction = directions[way][:, :, None]
        offset = self.start[bunch] - targets[way][:, None]
        along = self.along[bunch]
        oo = np.einsum("ijk,ijk->ij", offset, offset)
        oa = np.einsum("ijk,ijk->ij", offset, along)
        aa = np.einsum("ijk,ijk->ij", along, along)
        od = np.matmul(offset, direction)[:, :, 0]
        ad = np.matmul(along, direction)[:, :, 0]
        across = aa - ad * ad
        part = np.clip((ad * od - oa) / np.where(across > 1e-12, across, 1.0), 0.0, 1.0)
        reach = od + part * ad
        behind = reach < 0
        part[behind] = np.clip(-oa[behind] / np.where(aa[behind] > 0, aa[behind], 1.0), 0.0, 1.0)
        reach[behind] = 0.0
        found = oo + 2 * part * oa + part * part * aa - 2 * reach * (od + part * ad) + reach * reach
        return np.asarray(found.min(axis=1))
