"""Bone and nerve of simple shapes, for which every distance and angle follows from a formula."""

from __future__ import annotations

import numpy as np
import pyvista as pv

from spinect_core.base.arrays import FloatArray
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.surfaces.build import signed_volume

NOTHING = pv.PolyData()
TURNS = 720


def closed(mesh: pv.DataSet) -> pv.PolyData:
    """Triangles with outward faces."""
    surface = mesh.extract_surface(algorithm=None).triangulate().clean()
    if signed_volume(surface) < 0:
        surface.flip_faces(inplace=True)
    return surface


def tube(
    centre: tuple[float, float, float],
    along: tuple[float, float, float],
    radius: float,
    length: float = 120.0,
) -> pv.PolyData:
    """A round bar."""
    return closed(
        pv.Cylinder(
            center=centre, direction=along, radius=radius, height=length, resolution=TURNS, capping=True
        )
    )


def block(low: tuple[float, float, float], high: tuple[float, float, float]) -> pv.PolyData:
    """A box between two corners."""
    return closed(pv.Box((low[0], high[0], low[1], high[1], low[2], high[2])))


def plate_with_hole(y: float, thick: float, hole: float) -> pv.PolyData:
    """A plate across the y axis from ``y`` to ``y + thick`` with a round hole about the axis."""
    disc = pv.Disc(center=(0, y, 0), inner=hole, outer=150.0, normal=(0, 1, 0), c_res=TURNS)
    return closed(disc.extrude((0, thick, 0), capping=True))


def both(*parts: pv.PolyData) -> pv.PolyData:
    """Several meshes as one."""
    return pv.merge(list(parts)).extract_surface(algorithm=None).triangulate()


def turned(mesh: pv.PolyData, rotation: FloatArray, shift: FloatArray) -> pv.PolyData:
    """A mesh after a rigid motion or a mirroring."""
    if mesh.n_cells == 0:
        return mesh
    moved = pv.PolyData.from_regular_faces(np.asarray(mesh.points) @ rotation.T + shift, mesh.regular_faces)
    if np.linalg.det(rotation) < 0:
        moved.flip_faces(inplace=True)
    return moved


def scene(bone: pv.PolyData = NOTHING, nerve: pv.PolyData = NOTHING) -> Obstacles:
    """Bone and nerve."""
    return Obstacles(bone, nerve)


def from_behind(depth: float = 80.0, gauge: int = 22, side: str = "left") -> Needle:
    """A needle along the y axis to the origin."""
    return Needle("", "kambin", side, "L5/S1", "", (0.0, depth, 0.0), (0.0, 0.0, 0.0), gauge=gauge)
