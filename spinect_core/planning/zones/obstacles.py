"""Bone and nerve as what a needle must not touch: surfaces that rays are cast at and distances are measured to."""

from __future__ import annotations

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
    """

    def __init__(self, bone: pv.PolyData, nerve: pv.PolyData) -> None:
        self.meshes = {tissue: mesh for tissue, mesh in ((BONE, bone), (NERVE, nerve)) if mesh.n_cells > 0}
        corners = [np.asarray(mesh.points, dtype=np.float64) for mesh in self.meshes.values()]
        self._middle = np.concatenate(corners).mean(axis=0) if corners else np.zeros(3)
        self._scene = EmbreeScene(robust=True)
        self._parts: list[TriangleMesh] = []
        order: list[tuple[int, int]] = []
        for points, (tissue, mesh) in zip(corners, self.meshes.items(), strict=True):
            about = (points - self._middle).astype(np.float32)
            whole = MeshArrays(about, np.asarray(mesh.regular_faces, dtype=np.int32), about[:0])
            # Embree takes meshes over with the interpreter held: a window beside stays awake if they are small.
            for number, piece in enumerate(whole.pieces(PIECE_TRIANGLES)):
                self._parts.append(
                    TriangleMesh(self._scene, piece.points, np.ascontiguousarray(piece.corners))
                )
                order.append((tissue, number * PIECE_TRIANGLES))
        self._tissue_of, self._first_face = np.array(order, dtype=np.int64).reshape(-1, 2).T

    @classmethod
    def of(cls, surfaces: Surfaces) -> Obstacles:
        """The full surfaces of a case."""
        return cls(surfaces.bone, surfaces.nerve)

    def blocked(self, origins: FloatArray, directions: FloatArray) -> BoolArray:
        """Whether rays meet bone or nerve.

        Args:
            origins: LPS mm (n, 3). A ray from inside a tissue meets that tissue's surface.
            directions: (3,) or (n, 3), any length but zero.

        Returns:
            bool (n,).
        """
        if not self._parts or len(origins) == 0:
            return np.zeros(len(origins), dtype=bool)
        return np.asarray(self._scene.run(*self._rays(origins, directions), query="OCCLUDED") >= 0)

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
        if not self._parts or count == 0:
            return tissue, distance, face
        found = self._scene.run(*self._rays(origins, directions), output=1)
        hit = np.asarray(found["geomID"]) >= 0
        piece = np.asarray(found["geomID"])[hit]
        tissue[hit] = self._tissue_of[piece]
        distance[hit] = np.asarray(found["tfar"], dtype=np.float64)[hit]
        face[hit] = np.asarray(found["primID"])[hit] + self._first_face[piece]
        return tissue, distance, face

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
        result = numpy_to_vtk(np.zeros(len(points)), deep=True)
        self._distances[tissue].FunctionValue(given, result)
        return np.asarray(vtk_to_numpy(result), dtype=np.float64).copy()

    @cached_property
    def _distances(self) -> dict[int, vtkImplicitPolyDataDistance]:
        made = {}
        for tissue, mesh in self.meshes.items():
            field = vtkImplicitPolyDataDistance()
            field.SetInput(mesh)
            made[tissue] = field
        return made

    def _rays(
        self, origins: FloatArray, directions: FloatArray
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        start = np.ascontiguousarray(np.asarray(origins) - self._middle, dtype=np.float32)
        way = np.ascontiguousarray(np.broadcast_to(directions, start.shape), dtype=np.float32)
        return start, way
