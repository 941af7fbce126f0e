"""Zones and obstacles whose windows are known from a formula."""

import numpy as np
import pyvista as pv
import shapely

from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Border, Zone
from spinect_core.planning.zones.obstacles import Obstacles

MIDDLE = np.array([20.0, 15.0, -5.0])


def frame(view: View) -> np.ndarray:
    """Axes as columns: right and up in the picture of a view, and towards the viewer."""
    return np.column_stack([view.right, view.up, view.vector])


def square_zone(half: float, view: View, middle: np.ndarray = MIDDLE, side: str = "left") -> Zone:
    """A flat square across a view."""
    corners = np.array([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], dtype=float)
    a, b, c, d = corners @ frame(view).T + middle
    borders = (
        Border("below", "base", np.array([a, b])),
        Border("right", "height", np.array([b, c])),
        Border("rest", "hypotenuse", np.array([c, d, a])),
    )
    return Zone("kambin", "bony", side, "L5/S1", borders)


def circle(radius: float, centre: tuple[float, float] = (0.0, 0.0), count: int = 256) -> shapely.Polygon:
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return shapely.Polygon(np.column_stack([np.cos(turn), np.sin(turn)]) * radius + centre)


def block(shape: shapely.Polygon, low: float, high: float) -> pv.PolyData:
    """A closed body: a plane shape with holes, from one height to another."""
    flat = shapely.get_parts(shapely.constrained_delaunay_triangles(shape))
    corners = np.stack([shapely.get_coordinates(one)[:3] for one in flat])
    (ux, uy), (vx, vy) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    area = ux * vy - uy * vx
    corners[area < 0] = corners[area < 0][:, ::-1]
    flat3 = [np.pad(corners, ((0, 0), (0, 0), (0, 1)), constant_values=height) for height in (low, high)]
    faces = [flat3[1], flat3[0][:, ::-1]]
    rings = [
        ring
        for part in shapely.get_parts(shape)
        for one in [shapely.geometry.polygon.orient(part)]
        for ring in (one.exterior, *one.interiors)
    ]
    rise = np.array([0, 0, high - low])
    for ring in rings:
        start = np.pad(np.asarray(ring.coords)[:-1], ((0, 0), (0, 1)), constant_values=low)
        stop = np.roll(start, -1, axis=0)
        faces += [
            np.stack([start, stop, stop + rise], axis=1),
            np.stack([start, stop + rise, start + rise], axis=1),
        ]
    points = np.concatenate(faces).reshape(-1, 3)
    return pv.PolyData.from_regular_faces(points, np.arange(len(points)).reshape(-1, 3)).clean()


def posed(mesh: pv.PolyData, view: View, middle: np.ndarray = MIDDLE) -> pv.PolyData:
    """A body given in the frame of a view, put into the patient."""
    moved = mesh.copy()
    moved.points = np.asarray(mesh.points, dtype=float) @ frame(view).T + middle
    return moved


def plate(
    view: View, hole: shapely.Polygon, *, half: float = 60.0, low: float = 5.0, high: float = 5.2
) -> pv.PolyData:
    """A large plate with one hole, across a view."""
    return posed(block(shapely.box(-half, -half, half, half) - hole, low, high), view)


def mirrored(mesh: pv.PolyData) -> pv.PolyData:
    """Left for right."""
    other = mesh.copy()
    other.points = np.asarray(mesh.points, dtype=float) * (-1, 1, 1)
    return other.flip_faces()


def turned_zone(zone: Zone, side: str) -> Zone:
    """A zone mirrored to the other side."""
    return Zone(
        zone.kind, zone.version, side, zone.level,
        tuple(Border(one.name, one.role, one.points * (-1, 1, 1)) for one in zone.borders),
    )  # fmt: skip


def bone(*meshes: pv.PolyData) -> Obstacles:
    return Obstacles(pv.merge(list(meshes)).extract_surface(algorithm=None).triangulate(), pv.PolyData())


def tube(
    radius: float, foot: tuple[float, float], along: np.ndarray, length: float, view: View
) -> pv.PolyData:
    """The wall of a tunnel that stands on a plane across a view and leads along a vector."""
    ring = np.asarray(circle(radius, foot, 128).exterior.coords)[:-1]
    low = np.pad(ring, ((0, 0), (0, 1))) @ frame(view).T + MIDDLE
    high = low + along * length
    after = np.roll(np.arange(len(ring)), -1)
    here = np.arange(len(ring))
    faces = np.concatenate(
        [
            np.stack([here, after, after + len(ring)], axis=1),
            np.stack([here, after + len(ring), here + len(ring)], axis=1),
        ]
    )
    return pv.PolyData.from_regular_faces(np.concatenate([low, high]), faces)


def tunnels(view: View, *ways: tuple[float, tuple[float, float], View]) -> Obstacles:
    """Closed but for tunnels (radius, foot, direction) that start at a plane across a view."""
    sheet = shapely.box(-60, -60, 60, 60)
    for radius, foot, _ in ways:
        sheet = sheet - circle(radius, foot, 128)
    walls = [tube(radius, foot, to.vector, 20.0, view) for radius, foot, to in ways]
    return bone(posed(block(sheet, 0.05, 0.1), view), *walls)


def thicket() -> tuple[Obstacles, pv.PolyData, pv.PolyData]:
    """Rods and balls of bone and a cord of nerve in front of the zone: windows of many shapes."""
    rng = np.random.default_rng(5)
    rods = [
        pv.Cylinder(
            center=MIDDLE + rng.uniform(-9, 9, 3) + (5, 12, 0),
            direction=rng.normal(size=3),
            radius=rng.uniform(1, 2),
            height=25.0,
            resolution=24,
        )
        for _ in range(7)
    ]
    balls = [
        pv.Sphere(radius=rng.uniform(1, 3), center=MIDDLE + rng.uniform(-8, 8, 3) + (6, 18, 0))
        for _ in range(6)
    ]
    solid = (
        pv.merge([one.triangulate() for one in (*rods, *balls)]).extract_surface(algorithm=None).triangulate()
    )
    cord = pv.Cylinder(
        center=MIDDLE + np.array([2, 6, -3]), direction=(0.4, 0.2, -1), radius=2.0, height=40.0, resolution=32
    )
    cord = cord.triangulate().extract_surface(algorithm=None)
    return Obstacles(solid, cord), solid, cord
