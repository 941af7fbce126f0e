"""The sacrum of the phantom as a signed distance.

Coordinates are in the bone's own frame (mm; x left, y back, z head). The paired parts are written once on ``|x|``; the
smooth warp of the specimen makes left and right differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.sdf import (
    Coordinates,
    capsule,
    ellipsoid,
    plate_outline,
    smooth_max,
    smooth_min,
    superellipse,
)
from spinect_core.research.phantom.vertebra import superior_articular


@dataclass(frozen=True)
class SacrumShape:
    """Measures of the sacrum in mm; origin of its frame is the middle of the upper end plate of S1.

    ``facet_z`` is the height of the middle of its superior articular processes above that plate.
    """

    width: float
    depth: float
    s1_height: float
    canal_width: float
    canal_depth: float
    facet_x: float
    facet_z: float = 2.5

    @property
    def back(self) -> float:
        """Where the posterior wall of S1 lies."""
        return self.depth / 2


ARCH = 0.0026
"""Curvature of the sacrum, 1/mm: how far the lower segments bend forwards, y = -ARCH d²."""

_DEPTHS = np.array([-20.0, 0.0, 30.0, 55.0, 80.0, 110.0])


def straightened(p: Coordinates) -> Coordinates:
    """Coordinates with the sacral arch taken out."""
    depth = np.maximum(-p[2], 0.0)
    return p[0], p[1] + ARCH * depth**2, p[2]


def arched(point: tuple[float, float, float]) -> tuple[float, float, float]:
    """A point of the straightened sacrum, back in its arch."""
    return point[0], point[1] - ARCH * max(-point[2], 0.0) ** 2, point[2]


def sacral_canal(p: Coordinates, shape: SacrumShape, grow: float = 0.0) -> FloatArray:
    """The sacral canal (straightened coordinates), widened by ``grow`` mm."""
    x, y, z = p
    d = -z
    a = np.interp(d, _DEPTHS, np.array([14.5, 14.0, 12.0, 9.0, 6.5, 5.0]) * shape.canal_width / 29.0)
    b = np.interp(d, _DEPTHS, np.array([7.6, 7.4, 6.2, 4.6, 3.5, 2.8]) * shape.canal_depth / 15.0)
    centre = shape.back + 0.6 + b
    r = superellipse(x, y - centre, a + grow, b + grow, 2.0)
    return np.asarray((r - 1.0) * (b + grow) * 0.9)


def sacral_facet(shape: SacrumShape) -> tuple[float, float, float]:
    """Centre of the left superior articular process of S1."""
    return shape.facet_x + 5.0, shape.back + 11.6, shape.facet_z


# Front of the alae in straightened coordinates, mm, by depth below the end plate (rows) and distance from the midline
# (columns): hollow beside the body, prominent towards the joint, as on the Visible Human Male.
_FRONT_AT = np.array([0.0, 22.0, 36.0, 50.0, 64.0])
_FRONT_DEPTHS = np.array([5.0, 18.0, 30.0, 45.0, 60.0, 80.0, 110.0])
_FRONT = np.array(
    [
        [-12.0, -5.0, 5.0, 9.0, 13.0],
        [-11.0, -4.0, 0.5, -1.0, -1.0],
        [-5.0, -1.0, 2.0, -2.0, -7.0],
        [1.0, 4.0, 5.0, 0.0, -6.0],
        [4.0, 7.0, 8.0, 4.0, 0.0],
        [6.0, 8.0, 9.0, 8.0, 8.0],
        [9.0, 10.0, 10.0, 10.0, 10.0],
    ]
)


def ala_front(ax: FloatArray, d: FloatArray) -> FloatArray:
    """Where the front of the lateral mass lies (straightened y in mm) at a distance from the midline and a depth."""
    rows = [np.interp(ax, _FRONT_AT, row) for row in _FRONT]
    front = rows[0]
    for above, below, row in zip(_FRONT_DEPTHS[:-1], _FRONT_DEPTHS[1:], rows[1:], strict=True):
        front = front + np.clip((d - above) / (below - above), 0.0, 1.0) * (row - front)
    return np.asarray(front)


def crests(q: Coordinates, shape: SacrumShape) -> FloatArray:
    """Median, intermediate and lateral crest: rows of tubercles on the back (straightened, ``|x|``)."""
    back, scale = shape.back, shape.s1_height / 30.0
    rows: list[FloatArray] = []
    for d, reach in ((16.0, 26.0), (36.0, 23.0), (56.0, 18.5), (75.0, 14.5)):
        rows.append(ellipsoid(q, (0.0, back + reach - 6.0, -d * scale), (3.0, 8.0, 8.5)))
    for d, x in ((20.0, 15.5), (43.0, 13.0), (64.0, 11.0)):
        rows.append(ellipsoid(q, (x, back + 13.0 - 0.06 * d, -d * scale), (3.2, 4.0, 6.0)))
    for d, x in ((22.0, 33.0), (43.0, 29.0), (63.0, 25.0)):
        rows.append(ellipsoid(q, (x, 26.5, -d * scale), (4.5, 5.0, 7.5)))
    solid = rows[0]
    for row in rows[1:]:
        solid = np.minimum(solid, row)
    return solid


def sacrum(p: Coordinates, shape: SacrumShape) -> FloatArray:
    """Sacrum from S1 down to S4 with alae, canal, foramina, crest and superior articular processes."""
    x, y, z = straightened(p)
    ax, d = np.abs(x), -z
    scale = shape.s1_height / 30.0
    a = np.interp(d, _DEPTHS, np.array([25.0, 25.0, 17.5, 13.0, 10.0, 7.0]) * shape.width / 50.0)
    b = np.interp(d, _DEPTHS, np.array([15.5, 15.5, 9.8, 6.6, 5.0, 4.0]) * shape.depth / 31.0)
    r, side = plate_outline(x, y - (shape.back - b), a, b, 2.4)
    dish = 1.3 * np.clip(1.0 - r**2, 0.0, 1.0)
    column = smooth_max(side, -d + dish, 2.0)

    front = ala_front(ax, d)
    rear = np.interp(ax, [0.0, 20.0, 32.0, 45.0, 70.0], [20.0, 24.0, 26.5, 24.0, 20.0])
    top = 1.0 + np.interp(ax, [0.0, 24.0, 40.0, 60.0], [0.0, 0.6, 5.0, 10.0])
    lateral = np.interp(d, [-20.0, 0.0, 30.0, 55.0, 85.0, 110.0], [66.0, 66.0, 66.0, 54.0, 29.0, 15.0])
    mass = smooth_max(front - y, y - rear, 4.0)
    mass = smooth_max(mass, top - d, 5.0)
    mass = smooth_max(mass, ax - lateral, 4.0)
    mass = smooth_max(mass, d - 105.0, 4.0)
    solid = smooth_min(column, mass, 4.0)

    canal = sacral_canal((x, y, z), shape)
    roof = smooth_max(sacral_canal((x, y, z), shape, 5.2), np.maximum(5.0 - d, d - 95.0), 3.0)
    solid = smooth_min(solid, roof, 4.0)
    solid = smooth_min(solid, crests((ax, y, z), shape), 3.5)
    facet = sacral_facet(shape)
    process = superior_articular((x, y, z), facet)
    neck = capsule((ax, y, z), facet, (facet[0] - 1.0, facet[1] - 1.0, -12.0), (5.6, 7.0))
    solid = smooth_min(solid, smooth_min(process, neck, 3.0), 3.5)

    solid = smooth_max(solid, -canal, 1.5)
    q = (ax, y, z)
    s1, s2 = -32.0 * scale, -55.0 * scale
    holes = capsule(q, (12.0, shape.back + 5.0, s1 + 9.0), (19.5, 3.0, s1), (5.2, 5.8))
    holes = smooth_min(holes, capsule(q, (19.5, 3.0, s1), (27.0, -16.0, s1 - 5.0), (5.8, 7.5)), 2.0)
    holes = smooth_min(holes, capsule(q, (19.0, 12.0, s1), (24.0, 42.0, s1), (4.0, 4.2)), 2.0)
    holes = smooth_min(holes, capsule(q, (9.0, shape.back + 4.0, s2 + 7.0), (16.0, 6.0, s2), (4.2, 4.8)), 2.0)
    holes = smooth_min(holes, capsule(q, (16.0, 6.0, s2), (22.0, -14.0, s2 - 4.0), (4.8, 6.5)), 2.0)
    holes = smooth_min(holes, capsule(q, (15.5, 12.0, s2), (20.0, 42.0, s2), (3.4, 3.6)), 2.0)
    return smooth_max(solid, -holes, 1.5)
