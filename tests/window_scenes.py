"""Plates, tubes and zones whose free windows are known from a formula."""

from collections.abc import Sequence

import numpy as np
import pyvista as pv
import shapely

from spinect_core.base.words import ROLES
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Border, Zone
from spinect_core.planning.zones.obstacles import Obstacles

NOTHING = pv.PolyData()


def regular(count: int, radius: float) -> np.ndarray:
    """Corners (count, 2) on a circle."""
    angles = 2 * np.pi * np.arange(count) / count
    return radius * np.column_stack([np.cos(angles), np.sin(angles)])


def placed(
    corners: Sequence[Sequence[float]] | np.ndarray, view: View, at: np.ndarray, depth: float
) -> np.ndarray:
    """LPS points of picture coordinates about a place, ``depth`` mm before it."""
    return np.asarray(at) + view.unproject(corners, depth)


def zone_of(
    corners: Sequence[Sequence[float]] | np.ndarray, view: View, at: np.ndarray, side: str = "left"
) -> Zone:
    """A zone that faces a view: base, height and hypotenuse are the first, the second and all other edges."""
    return zone_through(placed(corners, view, at, 0.0), side)


def zone_through(points: np.ndarray, side: str = "left") -> Zone:
    runs = points[[0, 1]], points[[1, 2]], np.concatenate([points[2:], points[:1]])
    borders = tuple(Border(f"the {role}'s bone", role, run) for role, run in zip(ROLES, runs, strict=True))
    return Zone("kambin", "bony", side, "L5/S1", borders)


def sheet(
    outline: np.ndarray, holes: Sequence[np.ndarray], view: View, at: np.ndarray, depth: float
) -> pv.PolyData:
    """A thin plate with holes, facing a view, ``depth`` mm before a place."""
    parts = shapely.get_parts(shapely.constrained_delaunay_triangles(shapely.Polygon(outline, holes)))
    flat = np.concatenate([np.asarray(part.exterior.coords)[:3] for part in parts])
    return pv.PolyData.from_regular_faces(placed(flat, view, at, depth), np.arange(len(flat)).reshape(-1, 3))


def square(half: float) -> np.ndarray:
    return half * np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])


def tube(middle: np.ndarray, way: np.ndarray, radius: float, length: float = 200.0) -> pv.PolyData:
    made = pv.Cylinder(center=middle, direction=way, radius=radius, height=length, resolution=360)
    return made.triangulate()


def ball(middle: np.ndarray, radius: float) -> pv.PolyData:
    return pv.Sphere(radius=radius, center=middle, theta_resolution=60, phi_resolution=60)


def moved(mesh: pv.PolyData, matrix: np.ndarray, shift: np.ndarray) -> pv.PolyData:
    """A mesh after ``matrix @ point + shift``."""
    result = mesh.copy()
    result.points = np.asarray(mesh.points, dtype=np.float64) @ np.asarray(matrix).T + shift
    return result


def moved_zone(zone: Zone, matrix: np.ndarray, shift: np.ndarray, side: str | None = None) -> Zone:
    borders = tuple(
        Border(border.name, border.role, border.points @ np.asarray(matrix).T + shift)
        for border in zone.borders
    )
    return Zone(zone.kind, zone.version, side or zone.side, zone.level, borders)


def bone(*meshes: pv.PolyData) -> Obstacles:
    return Obstacles(pv.merge(list(meshes)) if len(meshes) > 1 else meshes[0], NOTHING)
