"""What blocks a window: the parts of bone and nerve that cover it, and the clearance required of each.

In a view every part that a line of sight meets between the membrane and the viewer counts, not only the first. Each
part's silhouette is found as a polygon, also a margin beyond the zone, so that a part that reaches over the zone's
border shrinks from its own edge and not from that border. A clearance is required of a part when its whole
silhouette has to shrink by that many millimetres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import shapely

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.progress import Cancel, check
from spinect_core.geometry.contours import grid, pieces, sharpened
from spinect_core.geometry.view import View
from spinect_core.planning.zones.window import LIFT_MM, Sight

NEEDLE_RADIUS_MM = 0.36
"""Of a 22 G needle."""
HARDLY_MM = 0.02
"""A window that is wider than the needle by no more than this is hardly open."""
REACH_MM = 8.0
"""Silhouettes are known this far beyond the zone; no clearance larger than this is looked for."""
STEP_MM = 0.3
REQUIRED_WITHIN_MM = 0.01
PartsOf = Callable[[FloatArray, npt.NDArray[np.uint8]], Sequence[str]]
"""Names of the parts that points LPS mm (n, 3) on the surfaces of tissues (n,) belong to, n of them."""


@dataclass(frozen=True)
class Closer:
    """One part that blocks the trajectory.

    Attributes:
        name: of the part, such as "left facet joint L5/S1".
        covered: part of the zone's area in the view that it covers, 0 to 1.
        alone: part of the zone's area that it alone covers.
        required_mm: the required clearance: how far its silhouette would have to shrink until the needle passes, with
            the other parts unchanged; None where shrinking it by 8 mm opens no trajectory.
    """

    name: str
    covered: float
    alone: float
    required_mm: float | None


@dataclass(frozen=True)
class Closing:
    """What blocks a zone in a view.

    Attributes:
        view: the line of sight.
        needle_radius_mm: of the needle that should pass.
        radius_mm: of the largest circle in what is open.
        zone_radius_mm: of the largest circle in the zone's outline: smaller than the needle's where the zone itself is
            seen too much from its edge.
        closers: the parts that block the zone, those of the smallest required clearance first.
        pair: the two parts of the smallest required clearance together, where no part alone opens a trajectory; None if
            no pair is needed or none opens one.
        pair_required_mm: the clearance required of both.
    """

    view: View
    needle_radius_mm: float
    radius_mm: float
    zone_radius_mm: float
    closers: tuple[Closer, ...]
    pair: tuple[str, str] | None = None
    pair_required_mm: float | None = None

    @property
    def closed(self) -> bool:
        """Whether the needle does not pass."""
        return self.radius_mm < self.needle_radius_mm


def what_closes(
    sight: Sight,
    view: View,
    parts_of: PartsOf,
    *,
    needle_radius_mm: float = NEEDLE_RADIUS_MM,
    cancel: Cancel | None = None,
) -> Closing:
    """Name what blocks a zone in a view, and the clearance required of each part.

    Args:
        sight: the zone among its obstacles.
        view: the line of sight.
        parts_of: names the part each point of a surface belongs to.
        needle_radius_mm: of the needle that should pass.
        cancel: asked often.

    Raises:
        MeasurementError: the zone is seen exactly from its edge.
    """
    zone = sight.zone_shape(view)
    if zone.area <= 0:
        raise MeasurementError(
            f"Seen {view.words} the {sight.zone.name} has no area", "Choose a view that faces it"
        )
    shapes = _silhouettes(sight, view, zone, parts_of, cancel)
    field = _Field(zone, shapes, needle_radius_mm, cancel)
    closers = [
        Closer(
            name,
            float(shape.intersection(zone).area / zone.area),
            float(field.without({name}).intersection(shape).area / zone.area),
            field.required({name}),
        )
        for name, shape in shapes.items()
    ]
    closers.sort(
        key=lambda one: (
            np.inf if one.required_mm is None else one.required_mm,
            -one.alone,
            -one.covered,
            one.name,
        )
    )
    pair, both = None, None
    if closers and closers[0].required_mm is None:
        pair, both = field.best_pair()
    return Closing(
        view,
        needle_radius_mm,
        _circle(field.without(set())),
        _circle(zone),
        tuple(closers),
        pair,
        both,
    )


class _Field:
    """The zone and the silhouettes in a view, and what opens as some of them shrink."""

    def __init__(
        self,
        zone: shapely.Geometry,
        shapes: dict[str, shapely.Geometry],
        needle: float,
        cancel: Cancel | None,
    ) -> None:
        self.zone, self.shapes, self.needle, self.cancel = zone, shapes, needle, cancel
        around = zone.buffer(REACH_MM)
        self.beside = {name: around.difference(shape) for name, shape in shapes.items()}

    def without(self, names: set[str]) -> shapely.Geometry:
        """What is open of the zone with some parts away."""
        others = [shape for name, shape in self.shapes.items() if name not in names]
        return self.zone.difference(shapely.union_all(others)) if others else self.zone

    def required(self, names: set[str], most: float = REACH_MM) -> float | None:
        """The clearance required of all these parts until the needle passes; None if it is more than ``most``."""
        base = self.without(names)
        if not self._passes(base) or not self._passes(self._opened(base, names, most)):
            return None
        low, high = 0.0, most
        if self._passes(self._opened(base, names, 0.0)):
            return 0.0
        while high - low > REQUIRED_WITHIN_MM:
            check(self.cancel)
            middle = (low + high) / 2
            if self._passes(self._opened(base, names, middle)):
                high = middle
            else:
                low = middle
        return (low + high) / 2

    def best_pair(self) -> tuple[tuple[str, str] | None, float | None]:
        """The two parts of the smallest required clearance together."""
        pair, least = None, REACH_MM
        for one, other in combinations(self.shapes, 2):
            found = self.required({one, other}, least)
            if found is not None and (pair is None or found < least):
                pair, least = (one, other), found
        return pair, least if pair is not None else None

    def _opened(self, base: shapely.Geometry, names: set[str], by: float) -> shapely.Geometry:
        for name in sorted(names):
            base = base.intersection(shapely.buffer(self.beside[name], by, quad_segs=32))
        return base

    def _passes(self, shape: shapely.Geometry) -> bool:
        return not shapely.buffer(shape, -self.needle, quad_segs=32).is_empty


def _silhouettes(
    sight: Sight, view: View, zone: shapely.Geometry, parts_of: PartsOf, cancel: Cancel | None
) -> dict[str, shapely.Geometry]:
    """The parts that cover some of the zone, by name, and their shapes in the picture up to :data:`REACH_MM` beside."""
    around = zone.buffer(REACH_MM)
    shapely.prepare(around)
    low_x, low_y, high_x, high_y = around.bounds
    nodes = grid(np.array([low_x, low_y]), np.array([high_x, high_y]), STEP_MM)

    def met(places: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_]]:
        """Places and names, one of each for every surface before a place."""
        inside = np.flatnonzero(shapely.contains_xy(around, places))
        check(cancel)
        starts = sight.lifted(places[inside], view) + LIFT_MM * view.vector
        found = sight.obstacles.through(starts, view.vector)
        names = list(parts_of(found.points, found.tissue)) if len(found.ray) else []
        return inside[found.ray], np.array(names, dtype=np.str_)

    flat = nodes.reshape(-1, 2)
    place, name = met(flat)
    over_zone = shapely.contains_xy(zone, flat)
    shapes = {}
    for part in sorted(set(name[over_zone[place]].tolist())):

        def covers(places: FloatArray, part: str = part) -> BoolArray:
            where, what = met(places)
            answer = np.zeros(len(places), dtype=bool)
            answer[where[what == part]] = True
            return answer

        known = np.zeros(len(flat), dtype=bool)
        known[place[name == part]] = True
        found = pieces(covers, nodes, known.reshape(nodes.shape[:2]))
        shapes[part] = shapely.union_all([sharpened(covers, piece, STEP_MM) for piece in found])
    return shapes


def _circle(shape: shapely.Geometry) -> float:
    """Radius of the largest circle in a shape."""
    if shape.area <= 0:
        return 0.0
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    return max(float(shapely.maximum_inscribed_circle(part, tolerance=0.001).length) for part in parts)
