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

if TYPE_CHECKING:
    import pyvista as pv

FAR = 6000.0


class SurfacePicker:
    """Finds the first surface along a line of sight.

    Args:
        meshes: name to PolyData in LPS mm. The search trees are built here, best away from the window's thread.
    """

    def __init__(self, meshes: Mapping[str, pv.PolyData]) -> None:
        self._locators = {}
        for name, mesh in meshes.items():
            if mesh.n_cells:
                locator = vtkStaticCellLocator()
                locator.SetDataSet(mesh)
                locator.BuildLocator()
                self._locators[name] = locator

    def pick(self, view: View, point: npt.ArrayLike, parts: set[str]) -> FloatArray | None:
        """The point (3,) of the surfaces ``parts`` first met from ``point`` (3,) along the line of sight."""
        point = np.asarray(point, dtype=np.float64)
        start, stop = point, point - view.vector * FAR
        best: tuple[float, FloatArray] | None = None
        for name, locator in self._locators.items():
            if name not in parts:
                continue
            along, part, cell = mutable(0.0), mutable(0), mutable(0)
            hit, local = [0.0] * 3, [0.0] * 3
            if locator.IntersectWithLine(start, stop, 1e-6, along, hit, local, part, cell):
                distance = float(along)
                if best is None or distance < best[0]:
                    best = (distance, np.array(hit))
        return None if best is None else best[1]
