"""What surface lies under the mouse: rays in patient millimetres against the meshes, so no pixel ratio can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from vtkmodules.vtkCommonCore import mutable
from vtkmodules.vtkCommonDataModel import vtkStaticCellLocator

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.view import View
from spinect_core.surfaces.mesh_arrays import MeshArrays

if TYPE_CHECKING:
    import pyvista as pv

FAR = 6000.0
PIECE_TRIANGLES = 50_000
"""The work on one piece, its search tree or its part of a picture, takes about 20 ms."""


class SurfacePicker:
    """Finds the first surface along a line of sight.

    Args:
        meshes: name to PolyData in LPS mm. They are cut and the search trees are built here, best away from the
            window's thread.

    Attributes:
        pieces: name to the same triangles in smaller meshes.
    """

    def __init__(self, meshes: Mapping[str, pv.PolyData]) -> None:
        self.pieces = {name: cut(mesh) for name, mesh in meshes.items() if mesh.n_cells}
        self._locators = {name: [_locator(piece) for piece in each] for name, each in self.pieces.items()}

    def pick(self, view: View, point: npt.ArrayLike, parts: set[str]) -> FloatArray | None:
        """The point (3,) of the surfaces ``parts`` first met from ``point`` (3,) along the line of sight."""
        point = np.asarray(point, dtype=np.float64)
        start, stop = point, point - view.vector * FAR
        best: tuple[float, FloatArray] | None = None
        for locator in (each for name in parts for each in self._locators.get(name, ())):
            along, part, cell = mutable(0.0), mutable(0), mutable(0)
            hit, local = [0.0] * 3, [0.0] * 3
            if locator.IntersectWithLine(start, stop, 1e-6, along, hit, local, part, cell):
                distance = float(along)
                if best is None or distance < best[0]:
                    best = (distance, np.array(hit))
        return None if best is None else best[1]


def cut(mesh: pv.PolyData) -> tuple[pv.PolyData, ...]:
    """The triangles of a mesh in pieces of at most 50,000; one that is small enough stays as it is."""
    if mesh.n_cells <= PIECE_TRIANGLES:
        return (mesh,)
    return tuple(piece.mesh() for piece in MeshArrays.of(mesh).pieces(PIECE_TRIANGLES))


def _locator(mesh: pv.PolyData) -> vtkStaticCellLocator:
    locator = vtkStaticCellLocator()
    locator.SetDataSet(mesh)
    locator.BuildLocator()
    return locator
