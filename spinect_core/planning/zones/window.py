"""The free window of a zone in a view: what bone and nerve in front of it leave open, as a polygon in millimetres.

The zone's membrane is looked at along the line of sight. A place of the picture is free where the line from the
membrane to the viewer touches neither bone nor nerve. Where the membrane is folded in the view, the sheet next to the
viewer counts: a line that is blocked for that one is blocked for those behind it.

Places are asked on a grid over the zone, then again on a finer one over the largest open piece alone, so that small
windows are measured as well as large ones (:mod:`spinect_core.geometry.contours`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.geometry.contours import Question, grid, pieces, sharpened
from spinect_core.geometry.polygon import nearest_on_ring
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.planning.zones.obstacles import Obstacles

GRID_MM = 0.25
"""An opening narrower than this may be missed; every circle of a 22 G needle's width holds a place of the grid."""
PLACES = 4000
"""Approximate number of places of each grid: one over the box of the zone, one over that of its largest open piece."""
FINEST_MM = 0.02
LIFT_MM = 0.02
"""Rays start this far before the membrane: its borders lie on bone and nerve."""
CIRCLE_TOLERANCE_MM = 0.001
OUTLINE_TOLERANCE_MM = 0.01
SNAP_MM = 1e-5
"""Corners are rounded to this before triangles are joined: GEOS finds no union of slivers seen from their edge."""
STRAIGHT_PART = 0.0004
"""Corners that stand out by less than this part of the window's size only repeat the grid along straight borders."""


@dataclass(frozen=True, eq=False)
class FreeWindow:
    """What is open of a zone in a view.

    Attributes:
        zone: the triangle's borders in space.
        view: the line of sight.
        polygon: the open piece of the largest area in picture coordinates of the view (mm); empty where nothing is
            open.
        total_area_mm2: of all open pieces together.
        zone_area_mm2: of the zone's whole outline in this view.
        centre: LPS mm (3,) on the membrane, the middle of the largest circle inside the polygon; None if it is empty.
        radius_mm: of that circle, 0 if nothing is open.
        outline_lps: LPS mm (n, 3) on the membrane, the outline of the polygon without its islands, right to 0.01 mm in
            the view, not closed; (0, 3) if nothing is open.
    """

    zone: Zone
    view: View
    polygon: shapely.Polygon
    total_area_mm2: float
    zone_area_mm2: float
    centre: FloatArray | None
    radius_mm: float
    outline_lps: FloatArray

    @property
    def area_mm2(self) -> float:
        """Of the largest open piece: what one needle along the view has to go through."""
        return float(self.polygon.area)

    @property
    def open(self) -> bool:
        """Whether any trajectory passes."""
        return not self.polygon.is_empty

    def needle_area_mm2(self, radius_mm: float) -> float:
        """Area in mm² where the middle line of a needle of this radius may pass without touching the outline."""
        return float(shapely.buffer(self.polygon, -radius_mm, quad_segs=32).area)


class Sight:
    """A zone among obstacles, ready to be looked at along any line of sight.

    Its methods may be called from several threads at once; rays are cast without the interpreter's lock.
    """

    def __init__(self, zone: Zone, obstacles: Obstacles) -> None:
        self.zone = zone
        self.obstacles = obstacles
        self._points, self._corners = zone.membrane
        self._middle = self._points.mean(axis=0)
        self._reach = float(np.linalg.norm(self._points - self._middle, axis=1).max()) + 1.0
        self._film = EmbreeScene(robust=True)
        self._mesh = TriangleMesh(
            self._film, (self._points - self._middle).astype(np.float32), np.ascontiguousarray(self._corners)
        )

    def meet(self, points: FloatArray, towards: FloatArray) -> tuple[BoolArray, FloatArray]:
        """Where lines first meet the membrane, coming from the viewer.

        Args:
            points: LPS mm (n, 3), anywhere on the lines.
            towards: unit vectors (3,) or (n, 3) from the target to the viewer, so many views can be asked at once.

        Returns:
            Whether they do (n,), and LPS mm (n, 3), not a number where they do not.
        """
        if len(points) == 0:
            return np.zeros(0, dtype=bool), np.zeros((0, 3))
        offset = np.asarray(points) - self._middle
        # From just outside of the membrane, however far away the points are: single precision is enough then.
        start = offset + (self._reach - (offset * towards).sum(axis=1))[:, None] * towards
        distance = np.asarray(
            self._film.run(
                np.ascontiguousarray(start, dtype=np.float32),
                np.ascontiguousarray(np.broadcast_to(-np.asarray(towards), start.shape), dtype=np.float32),
                query="DISTANCE",
            ),
            dtype=np.float64,
        )
        met = distance < 1e30
        return met, self._middle + start - np.where(met, distance, np.nan)[:, None] * towards

    def free_lines(self, points: FloatArray, towards: FloatArray) -> BoolArray:
        """Whether lines are free from the membrane to the viewer; False where they miss the membrane.

        Args:
            points: LPS mm (n, 3), anywhere on the lines.
            towards: unit vectors (3,) or (n, 3) from the target to the viewer, so many views can be asked at once.
        """
        met, places = self.meet(points, towards)
        ways = np.broadcast_to(towards, places.shape)[met]
        met[met] = ~self.obstacles.blocked(places[met] + LIFT_MM * ways, ways)
        return met

    def on_membrane(self, places: FloatArray, view: View) -> tuple[BoolArray, FloatArray]:
        """Where lines of sight first meet the membrane, coming from the viewer.

        Args:
            places: picture coordinates (n, 2) in mm.
            view: the line of sight.

        Returns:
            Whether they do (n,), and LPS mm (n, 3), not a number where they do not.
        """
        return self.meet(view.unproject(places, 0.0), view.vector)

    def lifted(self, places: FloatArray, view: View) -> FloatArray:
        """LPS mm (n, 3) of picture coordinates (n, 2): on the membrane, and beside it as deep as the nearest rim."""
        met, points = self.on_membrane(places, view)
        if not met.all():
            rim = self.zone.surface.rim
            ring = np.column_stack([view.project(rim), view.depth(rim)])
            beside = np.asarray(places)[~met]
            points[~met] = view.unproject(beside, nearest_on_ring(beside, ring)[:, 2])
        return points

    def free(self, places: FloatArray, view: View) -> BoolArray:
        """Whether the line from the zone to the viewer is free at picture coordinates (n, 2); False beside the zone."""
        return self.question(view)(places)

    def question(self, view: View) -> Question:
        """:meth:`free` for one view, which is quicker where it is asked again and again."""
        towards = view.vector
        axes = np.stack([view.right, view.up])
        return lambda places: self.free_lines(places @ axes, towards)

    def zone_area(self, view: View) -> float:
        """Area in mm² of the zone's whole outline in a view."""
        return float(self.zone_shape(view).area)

    def zone_shape(self, view: View) -> shapely.Geometry:
        """The zone's whole outline in picture coordinates of a view, as a polygon or several."""
        triangles = shapely.polygons(view.project(self._points)[self._corners])
        return shapely.union_all(triangles, grid_size=SNAP_MM)

    def window(self, view: View, grid_mm: float = GRID_MM) -> FreeWindow:
        """The free window along a line of sight.

        Args:
            view: the line of sight.
            grid_mm: distance of the places that are asked first, less over small zones; openings narrower than this
                may be missed.
        """
        flat = view.project(self._points)
        zone_area = self._area(flat, view)
        open_pieces = self._open(flat, view, grid_mm)
        if open_pieces is None:
            return FreeWindow(self.zone, view, shapely.Polygon(), 0.0, zone_area, None, 0.0, np.zeros((0, 3)))
        found, coarse, largest = open_pieces
        line = shapely.maximum_inscribed_circle(largest, tolerance=CIRCLE_TOLERANCE_MM)
        outline = np.asarray(largest.exterior.simplify(OUTLINE_TOLERANCE_MM).coords)[:-1]
        return FreeWindow(
            self.zone,
            view,
            largest,
            float(sum(piece.area for piece in found) - coarse.area + largest.area),
            zone_area,
            self.lifted(np.asarray(line.coords[:1]), view)[0],
            float(line.length),
            self.lifted(outline, view),
        )

    def open_area(self, view: View, grid_mm: float = GRID_MM) -> float:
        """The area in mm² of :meth:`window` alone, which is quicker."""
        open_pieces = self._open(view.project(self._points), view, grid_mm)
        return 0.0 if open_pieces is None else float(open_pieces[2].area)

    def _open(
        self, flat: FloatArray, view: View, grid_mm: float
    ) -> tuple[list[shapely.Polygon], shapely.Polygon, shapely.Polygon] | None:
        """All that is open, the largest piece of it as it was found, and the same more finely; None without any."""
        low, high = flat.min(axis=0), flat.max(axis=0)
        step = min(_step(low, high), grid_mm)
        free = self.question(view)
        found = pieces(free, grid(low, high, step))
        if not found:
            return None
        coarse = max(found, key=lambda piece: float(piece.area))
        return found, coarse, _finer(coarse, free, step)

    def _area(self, flat: FloatArray, view: View) -> float:
        a, b, c = (flat[self._corners[:, i]] for i in range(3))
        (ux, uy), (vx, vy) = (b - a).T, (c - a).T
        signed = (ux * vy - uy * vx) / 2
        # Without a fold every triangle is seen from the same face and none covers another.
        unfolded = signed.min() >= 0 or signed.max() <= 0
        return float(np.abs(signed.sum())) if unfolded else self.zone_area(view)


def _step(low: FloatArray, high: FloatArray) -> float:
    """Distance of :data:`PLACES` on a grid over a box."""
    return max(float(np.sqrt((high - low).prod() / PLACES)), FINEST_MM)


def _finer(coarse: shapely.Polygon, free: Question, coarse_step: float) -> shapely.Polygon:
    """The same piece from a finer grid over its box."""
    low_x, low_y, high_x, high_y = coarse.bounds
    low, high = np.array([low_x, low_y]) - coarse_step, np.array([high_x, high_y]) + coarse_step
    step = _step(low, high)
    if step >= coarse_step:
        return sharpened(free, coarse, coarse_step)

    def free_in_box(places: FloatArray) -> BoolArray:
        within = np.asarray(((places > low) & (places < high)).all(axis=1))
        within[within] = free(places[within])
        return within

    found = [piece for piece in pieces(free_in_box, grid(low, high, step)) if piece.intersects(coarse)]
    finer = sharpened(free_in_box, max(found, key=lambda piece: float(piece.area), default=coarse), step)
    plain = finer.simplify(STRAIGHT_PART * float(np.sqrt(finer.area)))
    return plain if plain.is_valid else finer
