"""Bone and nerve as what a needle must not touch: surfaces that rays are cast at and distances are measured to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyvista as pv
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.words import Tissue
from spinect_core.image.volume import BONE, NERVE
from spinect_core.surfaces.build import Surfaces
from spinect_core.surfaces.mesh_arrays import MeshArrays

TISSUES = {BONE: Tissue.BONE, NERVE: Tissue.NERVE}
BEYOND_MM = 1e-3
"""A ray goes on this far behind a surface it has met."""

NOWHERE = 1e30
"""Embree tells of a ray that meets nothing that it goes so far at least."""
PIECE_TRIANGLES = 16_000
"""At most these are handed to Embree at once, in about 10 ms."""


@dataclass(frozen=True, eq=False)
class Crossings:
    """Where rays meet surfaces, ray by ray and along each from its origin.

    Attributes:
        ray: index (m,) of the ray.
        tissue: (m,) 1 bone, 2 nerve.
        distance: mm (m,) from the ray's origin.
        points: LPS mm (m, 3).
        face: (m,) triangle of the tissue's mesh.
    """

    ray: npt.NDArray[np.int64]
    tissue: npt.NDArray[np.uint8]
    distance: FloatArray
    points: FloatArray
    face: npt.NDArray[np.int64]


class Obstacles:
    """Closed surfaces of bone and nerve.

    Rays are cast by Embree in single precision about the middle of the surfaces: places are right to about 1e-5 mm.

    Args:
        bone: triangle mesh in LPS mm, outward faces; may be empty.
        nerve: the same.
        at_once: of so many triangles a search tree is made at once, with the interpreter held; None for one tree of
            all, which is quickest to ask.
        pause_s: seconds before each such step, in which a window gets the interpreter as often as an answer needs it.
        beyond: bone outside of what was labelled, a closed mesh of its own that may overlap ``bone``; its triangles
            follow those of ``bone`` in the mesh of that tissue.
    """

    def __init__(
        self,
        bone: pv.PolyData,
        nerve: pv.PolyData,
        at_once: int | None = None,
        pause_s: float = 0.0,
        beyond: pv.PolyData | None = None,
    ) -> None:
        self._pause_s = pause_s
        solids = {BONE: [bone, pv.PolyData() if beyond is None else beyond], NERVE: [nerve]}
        # Each closed: of two that overlap, the one that holds a point most deeply says how deep it lies.
        self._solids = {
            tissue: [mesh for mesh in meshes if mesh.n_cells > 0] for tissue, meshes in solids.items()
        }
        self.meshes = {tissue: _together(meshes) for tissue, meshes in self._solids.items() if meshes}
        corners = [np.asarray(mesh.points, dtype=np.float64) for mesh in self.meshes.values()]
        self._middle = np.concatenate(corners).mean(axis=0) if corners else np.zeros(3)
        # Embree takes meshes over with the interpreter held: a window beside stays awake if they are small.
        pieces: list[tuple[int, int, MeshArrays]] = []
        for points, (tissue, mesh) in zip(corners, self.meshes.items(), strict=True):
            about = (points - self._middle).astype(np.float32)
            whole = MeshArrays(about, np.asarray(mesh.regular_faces, dtype=np.int32), about[:0])
            for number, piece in enumerate(whole.pieces(PIECE_TRIANGLES)):
                pieces.append((tissue, number * PIECE_TRIANGLES, piece))
        together = len(pieces) if at_once is None else max(at_once // PIECE_TRIANGLES, 1)
        self._scenes = []
        for first in range(0, len(pieces), max(together, 1)):
            time.sleep(pause_s)
            self._scenes.append(_Scene(pieces[first : first + together]))

    @classmethod
    def of(cls, surfaces: Surfaces, at_once: int | None = None, pause_s: float = 0.0) -> Obstacles:
        """The full surfaces of a case."""
        return cls(surfaces.bone, surfaces.nerve, at_once, pause_s)

    def make_ready(self) -> None:
        """Make the search trees for rays now, one after the other, and not when the first ray is cast."""
        for scene in self._scenes:
            time.sleep(self._pause_s)
            scene.blocked(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32))

    def blocked(self, origins: FloatArray, directions: FloatArray) -> BoolArray:
        """Whether rays meet bone or nerve.

        Args:
            origins: LPS mm (n, 3). A ray from inside a tissue meets that tissue's surface.
            directions: (3,) or (n, 3), any length but zero.

        Returns:
            bool (n,).
        """
        blocked = np.zeros(len(origins), dtype=bool)
        start, way = self._rays(origins, directions)
        if len(self._scenes) == 1 and len(start):
            return self._scenes[0].blocked(start, way)
        for scene in self._scenes:
            left = np.flatnonzero(~blocked)
            if len(left) == 0:
                break
            blocked[left] = scene.blocked(start[left], way[left])
        return blocked

    def first(
        self, origins: FloatArray, directions: FloatArray
    ) -> tuple[npt.NDArray[np.uint8], FloatArray, npt.NDArray[np.int64]]:
        """What each ray meets first.

        Args:
            origins: LPS mm (n, 3).
            directions: (3,) or (n, 3); distances are counted in their lengths.

        Returns:
            Tissue (n,) 0 for nothing, 1 bone, 2 nerve; distance (n,), infinite for nothing; triangle of the
            tissue's mesh (n,), -1 for nothing.
        """
        count = len(origins)
        tissue = np.zeros(count, dtype=np.uint8)
        distance = np.full(count, np.inf)
        face = np.full(count, -1, dtype=np.int64)
        start, way = self._rays(origins, directions)
        for scene in self._scenes if count else ():
            of_scene, how_far, triangle = scene.first(start, way)
            nearer = how_far < distance
            tissue[nearer], distance[nearer] = of_scene[nearer], how_far[nearer]
            face[nearer] = triangle[nearer]
        return tissue, distance, face

    def distances(self, origins: FloatArray, directions: FloatArray) -> FloatArray:
        """How far (n,) each ray goes before it meets something, as :meth:`first` says it, in less time."""
        nearest = np.full(len(origins), np.inf)
        start, way = self._rays(origins, directions)
        for scene in self._scenes if len(start) else ():
            nearest = np.minimum(nearest, scene.distances(start, way))
        return nearest

    def through(self, origins: FloatArray, directions: FloatArray) -> Crossings:
        """Every surface that rays meet, cast on from hit to hit until nothing is left on the ray.

        Args:
            origins: LPS mm (n, 3). A ray from inside a tissue meets that tissue's surface from within.
            directions: (3,) or (n, 3), any length but zero.
        """
        count = len(origins)
        ways = np.broadcast_to(np.asarray(directions, dtype=np.float64), (count, 3))
        ways = ways / np.linalg.norm(ways, axis=1)[:, None] if count else ways
        ray, travelled = np.arange(count), np.zeros(count)
        rays, tissues = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint8)]
        distances, faces = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
        while len(ray):
            tissue, distance, face = self.first(origins[ray] + travelled[:, None] * ways[ray], ways[ray])
            hit = tissue > 0
            ray, travelled = ray[hit], travelled[hit] + distance[hit]
            rays.append(ray)
            tissues.append(tissue[hit])
            distances.append(travelled)
            faces.append(face[hit])
            travelled = travelled + BEYOND_MM
        which, along = np.concatenate(rays), np.concatenate(distances)
        order = np.argsort(which, kind="stable")
        which, along = which[order], along[order]
        return Crossings(
            which,
            np.concatenate(tissues)[order],
            along,
            np.asarray(origins)[which] + along[:, None] * ways[which],
            np.concatenate(faces)[order],
        )

    def distance(self, points: FloatArray, tissue: int) -> FloatArray:
        """Distances (n,) in mm from points to the surface of a tissue, negative inside; infinite without it.

        Args:
            points: LPS mm (n, 3).
            tissue: 1 bone, 2 nerve.
        """
        if tissue not in self.meshes or len(points) == 0:
            return np.full(len(points), np.inf)
        given = numpy_to_vtk(np.ascontiguousarray(points, dtype=np.float64), deep=True)
        least = np.full(len(points), np.inf)
        for field in self._distances[tissue]:
            result = numpy_to_vtk(np.zeros(len(points)), deep=True)
            field.FunctionValue(given, result)
            least = np.minimum(least, vtk_to_numpy(result))
        return least

    @cached_property
    def _distances(self) -> dict[int, list[vtkImplicitPolyDataDistance]]:
        made: dict[int, list[vtkImplicitPolyDataDistance]] = {}
        for tissue, meshes in self._solids.items():
            for mesh in meshes:
                field = vtkImplicitPolyDataDistance()
                field.SetInput(mesh)
                made.setdefault(tissue, []).append(field)
        return made

    def _rays(
        self, origins: FloatArray, directions: FloatArray
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        start = np.ascontiguousarray(np.asarray(origins) - self._middle, dtype=np.float32)
        way = np.ascontiguousarray(np.broadcast_to(directions, start.shape), dtype=np.float32)
        return start, way


def _together(meshes: Sequence[pv.PolyData]) -> pv.PolyData:
    """One mesh with the triangles of several, in their order."""
    if len(meshes) == 1:
        return meshes[0]
    first = np.cumsum([0, *(mesh.n_points for mesh in meshes)])
    points = np.concatenate([np.asarray(mesh.points) for mesh in meshes])
    faces = np.concatenate([mesh.regular_faces + start for mesh, start in zip(meshes, first, strict=False)])
    joined: pv.PolyData = pv.PolyData.from_regular_faces(points, faces)
    return joined


class _Scene:
    """Some of the triangles, with one search tree.

    Args:
        pieces: the tissue of each mesh, the number of its first triangle in the tissue's mesh, and the mesh itself
            about the middle of the surfaces.

    Attributes:
        corners: int32 (m, 3) of each mesh, which points each triangle has.
    """

    def __init__(self, pieces: Sequence[tuple[int, int, MeshArrays]]) -> None:
        self._scene = EmbreeScene(robust=True)
        self.corners = [np.ascontiguousarray(piece.corners) for _, _, piece in pieces]
        self._parts = [
            TriangleMesh(self._scene, piece.points, corners)
            for (_, _, piece), corners in zip(pieces, self.corners, strict=True)
        ]
        self._tissue = np.array([tissue for tissue, _, _ in pieces], dtype=np.uint8)
        self._first_face = np.array([first for _, first, _ in pieces], dtype=np.int64)

    def blocked(self, start: npt.NDArray[np.float32], way: npt.NDArray[np.float32]) -> BoolArray:
        """Whether rays (n, 3) meet a triangle."""
        return np.asarray(self._scene.run(start, way, query="OCCLUDED") >= 0)

    def distances(self, start: npt.NDArray[np.float32], way: npt.NDArray[np.float32]) -> FloatArray:
        """How far (n,) rays (n, 3) go before they meet a triangle; infinite where they meet none."""
        found = np.asarray(self._scene.run(start, way, query="DISTANCE"), dtype=np.float64)
        return np.where(found < NOWHERE, found, np.inf)

    def first(
        self, start: npt.NDArray[np.float32], way: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.uint8], FloatArray, npt.NDArray[np.int64]]:
        """Tissue, distance and triangle that rays (n, 3) meet first, as :meth:`Obstacles.first` gives them."""
        count = len(start)
        tissue = np.zeros(count, dtype=np.uint8)
        distance = np.full(count, np.inf)
        face = np.full(count, -1, dtype=np.int64)
        found = self._scene.run(start, way, output=1)
        hit = np.asarray(found["geomID"]) >= 0
        piece = np.asarray(found["geomID"])[hit]
        tissue[hit] = self._tissue[piece]
        distance[hit] = np.asarray(found["tfar"], dtype=np.float64)[hit]
        face[hit] = np.asarray(found["primID"])[hit] + self._first_face[piece]
        return tissue, distance, face
