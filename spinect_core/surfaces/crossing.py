"""Where a field passes a level."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista as pv
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D


def crossing(field: npt.NDArray[np.floating[Any]], level: float) -> vtkFlyingEdges3D:
    """The filter whose output is the border of a field [z, y, x] at a level, as points in voxels (x, y, z)."""
    image = pv.ImageData(dimensions=field.shape[::-1])
    image.point_data["field"] = field.ravel()
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, level)
    edges.ComputeNormalsOff()
    edges.ComputeScalarsOff()
    return edges
