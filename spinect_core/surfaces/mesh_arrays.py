"""A triangle mesh as plain arrays, in which it passes from process to process and is cut into pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista as pv
from vtkmodules.util.numpy_support import numpy_to_vtk

NORMALS = "Normals"


@dataclass(frozen=True, eq=False)
class MeshArrays:
    """A triangle mesh.

    Attributes:
        points: float32 (n, 3), LPS mm.
        corners: int32 (m, 3), which points each triangle has.
        normals: float32 (n, 3), outward unit vectors at the points; (0, 3) where the mesh has none.
    """

    points: npt.NDArray[Any]
    corners: npt.NDArray[Any]
    normals: npt.NDArray[Any]

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """All three, in the order of the fields."""
        return self.points, self.corners, self.normals

    @classmethod
    def of(cls, mesh: pv.PolyData) -> MeshArrays:
        """Of a mesh of triangles alone."""
        corners = mesh.regular_faces if mesh.n_cells else np.zeros((0, 3))
        normals = mesh.GetPointData().GetNormals()
        return cls(
            np.asarray(mesh.points, dtype=np.float32).reshape(-1, 3),
            np.asarray(corners, dtype=np.int32),
            np.zeros((0, 3), np.float32) if normals is None else np.asarray(pv.convert_array(normals)),
        )

    def mesh(self) -> pv.PolyData:
        """The same as PolyData."""
        if not len(self.corners):
            return pv.PolyData()
        mesh: pv.PolyData = pv.PolyData.from_regular_faces(self.points, self.corners)
        if len(self.normals):
            normals = numpy_to_vtk(self.normals)
            normals.SetName(NORMALS)
            mesh.GetPointData().SetNormals(normals)
        return mesh

    def pieces(self, triangles: int) -> list[MeshArrays]:
        """The same triangles in their order, in meshes of at most this many.

        Points on a border are in each mesh that meets there, with the same normal: nothing shows where it was cut.
        """
        found = []
        for first in range(0, len(self.corners), triangles):
            corners = self.corners[first : first + triangles]
            used = np.zeros(len(self.points), dtype=bool)
            used[corners] = True
            number = np.cumsum(used, dtype=np.int32) - 1
            normals = self.normals[used] if len(self.normals) else self.normals
            found.append(MeshArrays(self.points[used], number[corners], normals))
        return found
