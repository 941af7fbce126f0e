"""The free window of a zone in a view: what bone and nerve in front of it leave open, as a polygon in millimetres.

The zone's membrane is looked at along the line of sight. A place of the picture is free where the way from the
membrane to the viewer meets neither bone nor nerve. Places are asked on a grid; wherever two neighbours differ, the
border between them is found by halving the gap, so that the polygon's corners lie on the true border to a hundredth of
a millimetre and the area does not come in steps of the grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from spinect_core.planning.obstacles import BoolArray, Obstacles
from spinect_core.planning.view import View
from spinect_core.planning.zone import Zone
from spinect_core.volume import FloatArray

GRID_MM = 0.25
HALVINGS = 5
LIFT_MM = 0.02
"""Rays start this far before the membrane: its borders lie on bone and nerve."""
CIRCLE_TOLERANCE_MM = 0.01
Free = Callable[[FloatArray], BoolArray]
"""Whether picture coordinates (n, 2) are free: (n,)."""
_CASES = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 0), (1, 2)), 6: ((0, 2),), 7: ((3, 2),),
    8: ((2, 3),), 9: ((2, 0),), 10: ((0, 1), (2, 3)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip
"""Which edges of a cell (0 below, 1 right, 2 above, 3 left) the border joins, by its open corners."""


@dataclass(frozen=True, eq=False)
class FreeWindow:
    """What is open of a zone in a view.

    Attributes:
        zone: the triangle's borders in space.
        view: the line of sight.
        polygon: the largest open piece in picture coordinates of the view (mm); empty where nothing is open.
        total_area_mm2: of all open pieces together.
        zone_area_mm2: of the zone's whole outline in this view.
        centre: LPS mm (3,) on the membrane, the middle of the largest circle inside the polygon; None if it is empty.
        radius_mm: of that circle, 0 if nothing is open.
    """

    zone: Zone
    view: View
    polygon: shapely.Polygon
    total_area_mm2: float
    zone_area_mm2: float
    centre: FloatArray | None
    radius_mm: float

    @property
    def area_mm2(self) -> float:
        """Of the largest open piece: what one needle along the view has to go through."""
        return float(self.polygon.area)

    @property
    def open(self) -> bool:
        """Whether any way leads in."""
        return not self.polygon.is_empty


class Sight:
    """A zone among obstacles, ready to be looked at along any line of sight."""

    def __init__(self, zone: Zone, obstacles: Obstacles) -> None:
        self.zone = zone
        self.obstacles = obstacles
        self._points, self._corners = zone.membrane

    @cached_property
    def _film(self) -> EmbreeScene:
        scene = EmbreeScene(robust=True)
        self._middle = self._points.mean(axis=0)
        self._mesh = TriangleMesh(
            scene, (self._points - self._middle).astype(np.float32), np.ascontiguousarray(self._corners)
        )
        return scene

    def on_membrane(self, places: FloatArray, view: View) -> tuple[BoolArray, FloatArray]:
        """Where lines of sight first meet the membrane, coming from the viewer.

        Args:
            places: picture coordinates (n, 2) in mm.
            view: the line of sight.

        Returns:
            Whether they do (n,), and LPS mm (n, 3), not a number where they do not.
        """
        film = self._film
        start = float(view.depth(self._points).max()) + 1.0
        origins = view.unproject(places, start)
        distance = np.asarray(
            film.run(
                np.ascontiguousarray(origins - self._middle, dtype=np.float32),
                np.ascontiguousarray(np.broadcast_to(-view.vector, origins.shape), dtype=np.float32),
                query="DISTANCE",
            ),
            dtype=np.float64,
        )
        met = distance < 1e30
        points = origins - np.where(met, distance, np.nan)[:, None] * view.vector
        return met, points

    def free(self, places: FloatArray, view: View) -> BoolArray:
        """Whether the way from the zone to the viewer is free at picture coordinates (n, 2); False beside the zone."""
        met, points = self.on_membrane(places, view)
        met[met] = ~self.obstacles.blocked(points[met] + LIFT_MM * view.vector, view.vector)
        return met

    def window(self, view: View, grid_mm: float = GRID_MM) -> FreeWindow:
        """The free window along a line of sight."""
        flat = view.project(self._points)
        zone_area = _outline_area(flat, self._corners)
        pieces = _pieces(lambda places: self.free(places, view), flat.min(axis=0), flat.max(axis=0), grid_mm)
        if not pieces:
            return FreeWindow(self.zone, view, shapely.Polygon(), 0.0, zone_area, None, 0.0)
        largest = max(pieces, key=lambda piece: float(piece.area))
        line = shapely.maximum_inscribed_circle(largest, tolerance=CIRCLE_TOLERANCE_MM)
        middle = np.asarray(line.coords[0])
        met, points = self.on_membrane(middle[None], view)
        centre = points[0] if met[0] else view.unproject(middle, float(view.depth(self.zone.centre)))
        total = float(sum(piece.area for piece in pieces))
        return FreeWindow(self.zone, view, largest, total, zone_area, centre, float(line.length))


def _outline_area(flat: FloatArray, corners: npt.NDArray[np.int32]) -> float:
    triangles = shapely.polygons(flat[corners])
    return float(shapely.union_all(triangles).area)


def _pieces(free: Free, low: FloatArray, high: FloatArray, step: float) -> list[shapely.Polygon]:
    """Polygons of where ``free`` holds between two corners, by marching squares with borders found by halving."""
    count = np.maximum(np.ceil((high - low) / step).astype(int) + 3, 2)
    first = (low + high) / 2 - (count - 1) * step / 2
    axes = [first[i] + step * np.arange(count[i]) for i in range(2)]
    x, y = np.meshgrid(axes[0], axes[1], indexing="ij")
    inside = free(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    if not inside.any():
        return []
    nodes = np.stack([x, y], axis=-1)
    across = _crossings(free, inside, nodes, 0)
    up = _crossings(free, inside, nodes, 1)
    lines = _segments(free, inside, nodes, across, up)
    faces = shapely.get_parts(shapely.polygonize(lines))
    if len(faces) == 0:
        return []
    middles = shapely.get_coordinates(shapely.point_on_surface(faces))
    return [face for face, is_free in zip(faces, free(middles), strict=True) if is_free]


def _crossings(free: Free, inside: BoolArray, nodes: FloatArray, axis: int) -> FloatArray:
    """Where the border crosses the grid's edges along ``axis``: (nx, ny, 2), not a number where it does not."""
    a = inside[:-1] if axis == 0 else inside[:, :-1]
    b = inside[1:] if axis == 0 else inside[:, 1:]
    where = a != b
    start = (nodes[:-1] if axis == 0 else nodes[:, :-1])[where]
    stop = (nodes[1:] if axis == 0 else nodes[:, 1:])[where]
    first = a[where]
    low, high = np.zeros(len(start)), np.ones(len(start))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        same = free(start + middle[:, None] * (stop - start)) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    found = np.full((*inside.shape, 2), np.nan)
    found[: a.shape[0], : a.shape[1]][where] = start + ((low + high) / 2)[:, None] * (stop - start)
    return found


def _segments(
    free: Free, inside: BoolArray, nodes: FloatArray, across: FloatArray, up: FloatArray
) -> npt.NDArray[np.object_]:
    """The pieces of border inside each cell of the grid."""
    corner = inside.astype(int)
    code = corner[:-1, :-1] + 2 * corner[1:, :-1] + 4 * corner[1:, 1:] + 8 * corner[:-1, 1:]
    edges = np.stack([across[:-1, :-1], up[1:, :-1], across[:-1, 1:], up[:-1, :-1]], axis=2)
    saddle = np.argwhere((code == 5) | (code == 10))
    if len(saddle):
        open_middle = free(
            (nodes[saddle[:, 0], saddle[:, 1]] + nodes[saddle[:, 0] + 1, saddle[:, 1] + 1]) / 2
        )
        # With the middle open, the two open corners hang together: the border cuts off the other two.
        swap = saddle[open_middle]
        code[swap[:, 0], swap[:, 1]] = 15 - code[swap[:, 0], swap[:, 1]]
    lines = []
    for value, pairs in _CASES.items():
        cells = edges[code == value]
        lines += [np.stack([cells[:, i], cells[:, j]], axis=1) for i, j in pairs]
    return np.asarray(shapely.linestrings(np.concatenate(lines)))
