"""The best-fitting triangle of a free window, its edges named by the anatomical borders they lie along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
import shapely

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import ROLES, Author
from spinect_core.geometry.polygon import signed_area
from spinect_core.geometry.triangle import SMALLEST_SHAPE, Triangle
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.planning.zones.window import FreeWindow, Sight

OUTSIDE = 0.02
"""At most this part of the triangle may lie outside of the window."""
CORNERS = 18
"""How many of the window's sharpest corners, and of places evenly along its outline, are tried as vertices."""
STARTS = 4
BATCH = 256
WORTHWHILE = 2e-4
"""A move that gains less than this part of the window's area waits for a finer step."""
FINEST = 0.002
"""The last step of the search as a part of the window's size (the square root of its area)."""


@dataclass(frozen=True, eq=False)
class FittedTriangle:
    """A triangle in a free window.

    Attributes:
        triangle: vertices on the membrane, in the window's view; its first edge is the base, the second the height,
            the third the hypotenuse.
        edges_mm: length of each edge as seen in the view, by role.
        gaps_mm: mean distance of each edge from the anatomical border of its role as seen in the view.
        right_angle_deg: angle between base and height as seen in the view: 90 in a right triangle.
        filled: part of the window's area that the triangle covers, 0 to 1.
        outside: part of the triangle's area outside of the window, at most 0.02.
    """

    triangle: Triangle
    edges_mm: Mapping[str, float]
    gaps_mm: Mapping[str, float]
    right_angle_deg: float
    filled: float
    outside: float


def fit_triangle(sight: Sight, window: FreeWindow) -> FittedTriangle | None:
    """The triangle that holds most of a window.

    Its vertices lie in the window. Where the window's outline bends inwards an edge may leave it: what the triangle
    covers inside of the window counts for it, what lies outside counts against it, and that may be no more than 2 %.
    Of the six ways to call its edges base, height and hypotenuse, the one is taken in which they lie nearest to the
    borders of these names.

    Args:
        sight: the zone among its obstacles.
        window: its free window in a view.

    Returns:
        None where nothing is open.

    Raises:
        MeasurementError: the zone has no base, height or hypotenuse.
    """
    zone, view, polygon = window.zone, window.view, window.polygon
    missing = [role for role in ROLES if not zone.border(role)]
    if missing:
        raise MeasurementError(
            f"The {zone.name} has no {missing[0]}", "Give it all three borders", zone.level
        )
    if (
        polygon.is_empty
        or polygon.area <= SMALLEST_SHAPE * max(np.ptp(np.reshape(polygon.bounds, (2, 2)), 0)) ** 2
    ):
        return None
    corners, gaps = _named(_largest(polygon), zone, view)
    inside = float(shapely.Polygon(corners).intersection(polygon).area)
    triangle = Triangle(
        zone.kind,
        zone.side,
        sight.lifted(corners, view),
        view,
        level=zone.level,
        definition="; ".join(f"{border.role}: {border.name}" for border in zone.borders),
        author=Author.AUTOMATIC,
    )
    return FittedTriangle(
        triangle,
        dict(zip(ROLES, triangle.edges_mm, strict=True)),
        gaps,
        # Base and height meet in the second vertex.
        triangle.angles_deg[1],
        inside / polygon.area,
        max(1.0 - inside / triangle.area_mm2, 0.0),
    )


_ANGLES = np.radians(np.arange(0, 360, 45))
_MOVES = (np.eye(3)[:, None, :, None] * np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])[:, None]).reshape(
    -1, 3, 2
)
"""One vertex moved in eight directions, (24, 3, 2) of unit length."""


def _largest(polygon: shapely.Polygon) -> FloatArray:
    """Vertices (3, 2) of the triangle that holds most of a polygon."""
    size = float(np.sqrt(polygon.area))
    # To choose where to start, hundreds of vertices a thousandth of the size apart would only cost time.
    best = _starts(polygon.simplify(0.001 * size), _places(polygon, size))
    held = _held(best, polygon)
    step = 0.2 * size
    while step > FINEST * size:
        moved = _into(best[:, None] + step * _MOVES, polygon)
        gained = _held(moved.reshape(-1, 3, 2), polygon).reshape(len(best), -1)
        choice = gained.argmax(axis=1)
        found = gained[np.arange(len(best)), choice]
        better = found > held + WORTHWHILE * polygon.area
        best[better], held[better] = moved[better, choice[better]], found[better]
        if not better.any():
            step /= 2
    return np.asarray(best[held.argmax()])


def _places(polygon: shapely.Polygon, size: float) -> FloatArray:
    """Places (n, 2) on the outline where a vertex may lie: its corners, and others evenly between them."""
    ring = polygon.exterior
    tolerance = 0.002 * size
    while len((corners := ring.simplify(tolerance)).coords) > CORNERS + 1:
        tolerance *= 1.3
    even = shapely.line_interpolate_point(ring, np.arange(CORNERS) / CORNERS, normalized=True)
    return np.concatenate([np.asarray(corners.coords)[:-1], shapely.get_coordinates(even)])


def _starts(polygon: shapely.Polygon, places: FloatArray) -> FloatArray:
    """The triangles (n, 3, 2) between places that hold most of the polygon, and a small one inside of it."""
    all_corners = places[np.array(list(combinations(range(len(places)), 3)))]
    areas = _area(all_corners)
    order = np.argsort(-areas, kind="stable")
    best, held = np.zeros((0, 3, 2)), np.zeros(0)
    for first in range(0, len(order), BATCH):
        batch = order[first : first + BATCH]
        # A triangle holds no more than its area, and the areas only get smaller from here.
        if areas[batch[0]] <= held.max(initial=-np.inf):
            break
        best = np.concatenate([best, all_corners[batch]])
        held = np.concatenate([held, _held(all_corners[batch], polygon)])
        keep = np.argsort(-held, kind="stable")[:STARTS]
        best, held = best[keep], held[keep]
    # One inside of the widest place, for outlines so winding that no triangle between places of theirs lies inside.
    circle = shapely.maximum_inscribed_circle(polygon)
    angles = np.radians([90.0, 210.0, 330.0])
    around = float(circle.length) * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.concatenate([best, [circle.coords[0] + around]])


def _into(corners: FloatArray, polygon: shapely.Polygon) -> FloatArray:
    """Places (..., 2), those outside of a polygon at its nearest point."""
    lines = shapely.shortest_line(polygon, shapely.points(corners.reshape(-1, 2)))
    return np.asarray(shapely.get_coordinates(lines)[::2].reshape(corners.shape))


def _held(corners: FloatArray, polygon: shapely.Polygon) -> FloatArray:
    """What triangles (n, 3, 2) hold of a polygon less what sticks out (n,); minus infinity if too much sticks out."""
    area = _area(corners)
    inside = shapely.area(shapely.intersection(shapely.polygons(corners), polygon))
    outside = area - inside
    return np.where(outside <= OUTSIDE * area, inside - outside, -np.inf)


def _area(corners: FloatArray) -> FloatArray:
    (ux, uy), (vx, vy) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    return np.asarray(np.abs(ux * vy - uy * vx) / 2)


def _named(corners: FloatArray, zone: Zone, view: View) -> tuple[FloatArray, dict[str, float]]:
    """The corners (3, 2) in the order base, height, hypotenuse, and how far each edge lies from its border."""
    lines = [
        shapely.MultiLineString([view.project(points) for points in zone.border(role)]) for role in ROLES
    ]
    if signed_area(corners) < 0:
        corners = corners[::-1]
    found = []
    for order in permutations(range(3)):
        turned = corners[list(order)]
        edges = np.roll(turned, -1, axis=0) - turned
        along = (np.arange(10) + 0.5) / 10
        gaps = [
            float(shapely.distance(shapely.points(start + along[:, None] * edge), line).mean())
            for start, edge, line in zip(turned, edges, lines, strict=True)
        ]
        found.append((sum(gaps), turned, {str(role): gap for role, gap in zip(ROLES, gaps, strict=True)}))
    _gap, turned, named = min(found, key=lambda entry: entry[0])
    return turned, named
