"""A lumbar vertebra of the phantom as a signed distance.

Coordinates are in the bone's own frame (mm; x left, y back, z head). The paired parts are written once on ``|x|``; the
smooth warp of the specimen makes left and right differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.phantom.sdf import (
    Coordinates,
    box,
    capsule,
    ellipsoid,
    smooth_max,
    smooth_min,
    superellipse,
)
from spinect_core.volume import FloatArray


@dataclass(frozen=True)
class VertebraShape:
    """Measures of a lumbar vertebra in mm; origin of its frame is the middle of the body."""

    height_anterior: float
    height_posterior: float
    depth: float
    width: float
    pedicle_width: float
    pedicle_height: float
    canal_width: float
    canal_depth: float
    spinous_length: float
    transverse_half_span: float
    transverse_radii: tuple[float, float]
    facet_x: float
    facet_spread: float

    @property
    def height(self) -> float:
        """Mean height of the body."""
        return (self.height_anterior + self.height_posterior) / 2

    @property
    def wedge(self) -> float:
        """Degrees between the two end plates, open to the front."""
        return float(np.degrees(np.arctan2(self.height_anterior - self.height_posterior, self.depth)))

    @property
    def pedicle_x(self) -> float:
        """Distance of the pedicle's axis from the midline."""
        return self.canal_width / 2 + self.pedicle_width / 2

    @property
    def pedicle_z(self) -> float:
        """Height of the pedicle's axis: its upper margin lies just under the upper end plate."""
        return self.height_posterior / 2 - self.pedicle_height / 2 - 1.0


def body(p: Coordinates, shape: VertebraShape) -> FloatArray:
    """Vertebral body with waist, wedge and concave end plates."""
    x, y, z = p
    half = shape.height / 2
    waist = 0.90 + 0.10 * np.clip(np.abs(z) / half, 0.0, 1.0) ** 2
    r = superellipse(x, y, shape.width / 2 * waist, shape.depth / 2 * (0.06 + 0.94 * waist), 2.5)
    side = (r - 1.0) * (0.42 * shape.depth)
    limit = half + (shape.height_posterior - shape.height_anterior) / 2 * (y / shape.depth)
    dish = 1.6 * np.clip(1.0 - r**2, 0.0, 1.0)
    return smooth_max(side, np.abs(z) - (limit - dish), 2.0)


def inferior_articular(p: Coordinates, shape: VertebraShape) -> FloatArray:
    """Both inferior articular processes."""
    q = (np.abs(p[0]), p[1], p[2])
    b = shape.depth / 2
    pars = (shape.facet_x, b + shape.canal_depth + 1.0, -1.0)
    tip = (shape.facet_x - 0.5, b + shape.canal_depth + 4.0, -shape.height / 2 - 4.0)
    neck = capsule(q, pars, tip, (4.6, 5.0))
    return smooth_min(neck, ellipsoid(q, tip, (5.0, 5.2, 8.5)), 3.0)


def superior_articular(p: Coordinates, centre: tuple[float, float, float]) -> FloatArray:
    """Both superior articular processes round ``centre`` (given for the left side)."""
    return ellipsoid((np.abs(p[0]), p[1], p[2]), centre, (6.4, 6.2, 9.5))


def lumbar_vertebra(p: Coordinates, shape: VertebraShape) -> FloatArray:
    """A whole lumbar vertebra."""
    q = (np.abs(p[0]), p[1], p[2])
    b, z0 = shape.depth / 2, shape.pedicle_z
    back = b + shape.canal_depth
    solid = body(p, shape)
    half_height = shape.pedicle_height / 2
    pedicle = capsule(
        q,
        (shape.pedicle_x - 1.0, b - 7.0, z0),
        (shape.pedicle_x - 0.5, b + 9.0, z0 - 0.5),
        1.0,
        (shape.pedicle_width / 2, 6.0, half_height),
    )
    solid = smooth_min(solid, pedicle, 4.0)
    pars = (shape.facet_x + 1.5, back + 0.5, -1.0)
    upper = (shape.facet_x + shape.facet_spread, b + shape.canal_depth - 5.0, shape.height / 2 + 4.5)
    pillar = capsule(q, (upper[0], upper[1], upper[2] - 4.0), pars, (5.6, 4.8))
    posterior = smooth_min(pillar, superior_articular(p, upper), 3.0)
    posterior = smooth_min(posterior, inferior_articular(p, shape), 3.0)
    lamina = capsule(
        q, (shape.facet_x - 1.0, back + 2.0, -2.0), (0.0, back + 6.5, -6.0), 1.0, (3.4, 3.2, 9.0)
    )
    posterior = smooth_min(posterior, lamina, 3.0)
    drop = 0.22 * (p[1] - back)
    spinous = box(
        (p[0], p[1], p[2] + drop),
        (0.0, back + 5.0 + shape.spinous_length / 2, -5.0),
        (2.9, shape.spinous_length / 2 + 3.0, 8.5),
        2.6,
    )
    posterior = smooth_min(posterior, spinous, 4.0)
    transverse = capsule(
        q,
        (shape.pedicle_x + 3.0, b + 2.0, z0 - 0.5),
        (shape.transverse_half_span, b + 5.5, z0 + 4.0),
        shape.transverse_radii,
        (1.0, 0.8, 1.0),
    )
    posterior = smooth_min(posterior, transverse, 5.0)
    canal = superellipse(
        p[0],
        p[1] - (b + shape.canal_depth / 2 + 0.6),
        np.asarray(shape.canal_width / 2),
        np.asarray(shape.canal_depth / 2),
        2.2,
    )
    posterior = np.maximum(posterior, (1.0 - canal) * shape.canal_depth * 0.45)
    return smooth_min(solid, posterior, 3.0)
