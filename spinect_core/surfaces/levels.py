"""Surfaces where a probability passes a level: the borders within which a tissue's true one lies, likely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyvista as pv
from scipy import ndimage

from spinect_core.base.arrays import BoolArray
from spinect_core.image.pieces import connected_pieces
from spinect_core.image.volume import Geometry
from spinect_core.surfaces.build import signed_volume
from spinect_core.surfaces.crossing import crossing


def level_surface(
    field: npt.NDArray[np.float32], geometry: Geometry, level: float, seen: BoolArray | None = None
) -> pv.PolyData:
    """The closed surface where a field passes a level, in LPS mm with outward faces; empty where it never does.

    Args:
        field: [z, y, x].
        geometry: of it.
        level: above which inside is.
        seen: [z, y, x]; pieces of the inside without any of these voxels are left out. All are kept if not given.
    """
    inside = field > level
    if seen is not None:
        pieces, sizes = connected_pieces(inside, corners=True)
        kept = np.zeros(len(sizes), dtype=bool)
        kept[np.unique(pieces[seen & inside])] = True
        kept[0] = False
        inside = kept[pieces]
    box = next(iter(ndimage.find_objects(inside.astype(np.uint8))), None)
    if box is None:
        return pv.PolyData()
    # One voxel more on each side is below the level, or lies beyond the grid and counts as nothing.
    first = [max(part.start - 1, 0) for part in box]
    part = tuple(slice(start, along.stop + 1) for start, along in zip(first, box, strict=True))
    near = ndimage.binary_dilation(inside[part], np.ones((3, 3, 3)))
    values = np.pad(np.where(near, field[part], np.minimum(field[part], 0)), 1)
    edges = crossing(values, level)
    edges.Update()
    mesh: pv.PolyData = pv.wrap(edges.GetOutput())
    if mesh.n_cells == 0:
        return pv.PolyData()
    places = np.asarray(mesh.points, dtype=np.float64)[:, ::-1] - 1 + np.asarray(first)
    mesh.points = geometry.to_patient(places).astype(np.float32)
    if signed_volume(mesh) < 0:
        mesh.flip_faces(inplace=True)
    return mesh
