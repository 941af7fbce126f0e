"""Surfaces of organs, to be seen in 3D; nothing is measured on them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyvista as pv
from scipy import ndimage

from spinect_core.base.progress import Cancel, check
from spinect_core.image.organs import NUMBERS, SPARED, Organ, Organs
from spinect_core.surfaces.crossing import crossing

COARSE_MM = 3.0
"""Voxels of the field whose border is drawn: a whole abdomen has some 100,000 triangles then."""
SMOOTH_VOXELS = 0.8


def organ_meshes(organs: Organs, cancel: Cancel | None = None) -> Mapping[Organ, pv.PolyData]:
    """The surface of each organ that a needle must not meet, LPS mm, faces outwards; muscles would hide them all.

    Args:
        organs: on any grid.
        cancel: asked between the organs.

    Raises:
        Cancelled: the user stopped it.
    """
    steps = [max(round(COARSE_MM / mm), 1) for mm in organs.geometry.spacing[::-1]]
    found = organs.array[tuple(slice(None, None, step) for step in steps)]
    boxes = ndimage.find_objects(found, max_label=max(NUMBERS.values()))
    meshes = {}
    for organ in SPARED:
        check(cancel)
        box = boxes[NUMBERS[organ] - 1]
        if box is None:
            continue
        first = np.array([part.start for part in box]) - 2
        field = np.pad((found[box] == NUMBERS[organ]).astype(np.float32), 2)
        edges = crossing(ndimage.gaussian_filter(field, SMOOTH_VOXELS), 0.5)
        edges.Update()
        mesh: pv.PolyData = pv.wrap(edges.GetOutput())
        if mesh.n_cells:
            index = np.asarray(mesh.points, dtype=np.float64)[:, ::-1] + first
            mesh.points = organs.geometry.to_patient(index * steps).astype(np.float32)
            if np.linalg.det(organs.geometry.direction) < 0:
                mesh.flip_faces(inplace=True)
            meshes[organ] = mesh
    return meshes
