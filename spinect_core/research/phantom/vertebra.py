"""A lumbar vertebra of the phantom as a signed distance.

Coordinates are in the bone's own frame (mm; x left, y back, z head). The paired parts are written once on ``|x|``; the
smooth warp of the specimen makes left and right differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.growths import Growth, grown
from spinect_core.research.phantom.sdf import (
    REAR_CORNERS,
    Coordinates,
    box,
    capsule,
    ellipsoid,
    plate_outline,
    smooth_max,
    smooth_min,
    superellipse,
)


@dataclass(frozen=True)
class VertebraShape:
    """Measures of a lumbar vertebra in mm; origin of its frame is the middle of the body.

    ``pars_depth`` is how far behind the body the pars stands, in depths of the canal; ``dish`` is the
    hollow of its end plates; ``slip`` how far the body has left its arch behind, and ``defect`` the gap between
    them (0: one bone); ``growths`` is bone beyond the plan.
    """

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
    pars_depth: float = 0.95
    dish: float = 1.6
    slip: float = 0.0
    defect: float = 0.0
    growths: tuple[Growth, ...] = ()

    @property
    def inferior_facet(self) -> tuple[float, float, float]:
        """Centre of the left inferior articular process.

        It lies behind and medial of the superior process below, so that the gap between the two runs at 45 to
        50 degrees to the sagittal plane.
        """
        back = self.depth / 2 + self.canal_depth
        return self.facet_x - 1.6, back + 3.4, -self.height / 2 - 4.0

    @property
    def pars(self) -> tuple[float, float, float]:
        """Middle of the left pars: rear wall of the foramen, so it stands before the lamina."""
        return self.facet_x, self.depth / 2 + self.pars_depth * self.canal_depth, -5.5

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
        return self.height_posterior / 2 - self.pedicle_height / 2 - 1.6


FACET_ANGLE = 47.0
"""Degrees between a facet joint and the sagittal plane, 45 to 50 at L5/S1 (working value)."""
INFERIOR_RADII = (7.6, 4.8, 9.0)
SUPERIOR_RADII = (8.4, 5.0, 9.0)
"""Half-axes of the articular processes along the joint, across it, and upwards, mm."""


def articular(
    p: Coordinates, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> FloatArray:
    """An articular process on both sides: an ellipsoid flattened against its joint."""
    a = np.radians(FACET_ANGLE)
    x, y = np.abs(p[0]) - centre[0], p[1] - centre[1]
    along, across = np.sin(a) * x + np.cos(a) * y, np.cos(a) * x - np.sin(a) * y
    return ellipsoid((along, across, p[2] - centre[2]), (0.0, 0.0, 0.0), radii)


def body(p: Coordinates, shape: VertebraShape) -> FloatArray:
    """Vertebral body with waist, wedge and concave end plates."""
    x, y, z = p
    half = shape.height / 2
    waist = 0.90 + 0.10 * np.clip(np.abs(z) / half, 0.0, 1.0) ** 2
    # The rear wall is hollowed less than the front and the sides.
    hollow = np.where(y > 0.0, 0.5, 0.94)
    a, b = shape.width / 2 * waist, shape.depth / 2 * (1.0 - hollow * (1.0 - waist))
    r, side = plate_outline(x, y, a, b, 2.5)
    limit = half + (shape.height_posterior - shape.height_anterior) / 2 * (y / shape.depth)
    dish = shape.dish * np.clip(1.0 - r**2, 0.0, 1.0)
    return smooth_max(side, np.abs(z) - (limit - dish), 2.0)


def rear_wall(shape: VertebraShape, lateral: float) -> float:
    """How far behind the middle of the body its end plates reach at a distance from the midline, mm."""
    part = min(2.0 * lateral / shape.width, 1.0)
    return float(shape.depth / 2 * (1.0 - part**REAR_CORNERS) ** (1.0 / REAR_CORNERS))


def inferior_articular(p: Coordinates, shape: VertebraShape) -> FloatArray:
    """Both inferior articular processes."""
    q = (np.abs(p[0]), p[1], p[2])
    tip = shape.inferior_facet
    neck = capsule(q, shape.pars, tip, (5.2, 4.8))
    return smooth_min(neck, articular(p, tip, INFERIOR_RADII), 3.0)


def superior_articular(p: Coordinates, centre: tuple[float, float, float]) -> FloatArray:
    """Both superior articular processes round ``centre`` (given for the left side)."""
    return articular(p, centre, SUPERIOR_RADII)


def vertebral_canal(p: Coordinates, shape: VertebraShape, grow: float = 0.0) -> FloatArray:
    """The canal of a vertebra as a column through it, ``grow`` mm wider than drawn."""
    b, depth = shape.depth / 2, shape.canal_depth
    r = superellipse(
        p[0],
        p[1] - (b + depth / 2 - 0.2),
        np.asarray(shape.canal_width / 2 + grow),
        np.asarray(depth / 2 + grow),
        2.2,
    )
    return np.asarray((r - 1.0) * (depth / 2 + grow) * 0.9)


def rear_arch(p: Coordinates, shape: VertebraShape) -> FloatArray:
    """Laminae, inferior articular processes and spinous process: what a defect of the pars cuts off."""
    q = (np.abs(p[0]), p[1], p[2])
    back = shape.depth / 2 + shape.canal_depth
    # A lamina slopes: its upper rim lies nearer the canal than its lower one, as shingles do.
    sloped = (q[0], q[1] + 0.14 * (q[2] + 5.0), q[2])
    lamina = capsule(
        sloped, (shape.facet_x - 1.5, back + 0.4, -3.5), (0.0, back + 2.0, -6.5), 1.0, (3.2, 2.9, 8.6)
    )
    arch = smooth_min(inferior_articular(p, shape), lamina, 3.0)
    length = shape.spinous_length
    # Blade of a hatchet: low at its root, high and thickened at its end.
    drop = 0.24 * (p[1] - back)
    behind = np.clip((p[1] - back - 4.0) / max(length, 1.0), 0.0, 1.0)
    spinous = box(
        (p[0] / (0.85 + 0.45 * behind**2), p[1], (p[2] + drop + 5.0) / (0.82 + 0.26 * behind)),
        (0.0, back + 5.0 + length / 2, 0.0),
        (2.7, length / 2 + 3.0, 8.6),
        2.5,
    )
    arch = smooth_min(arch, spinous, 4.0)
    return np.maximum(arch, -vertebral_canal(p, shape))


def lumbar_vertebra(p: Coordinates, shape: VertebraShape) -> FloatArray:
    """A whole lumbar vertebra."""
    q = (np.abs(p[0]), p[1], p[2])
    b, z0 = shape.depth / 2, shape.pedicle_z
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
    pars = (shape.facet_x + 1.5, *shape.pars[1:])
    upper = (shape.facet_x + shape.facet_spread, b + shape.canal_depth - 5.0, shape.height / 2 + 4.5)
    pillar = capsule(q, (upper[0], upper[1], upper[2] - 4.0), pars, (5.6, 5.0))
    front = smooth_min(pillar, superior_articular(p, upper), 3.0)
    transverse = capsule(
        q,
        (shape.pedicle_x + 3.0, b + 2.0, z0 - 0.5),
        (shape.transverse_half_span, b + 5.5, z0 + 4.0),
        shape.transverse_radii,
        (1.0, 0.8, 1.0),
    )
    front = np.maximum(smooth_min(front, transverse, 5.0), -vertebral_canal(p, shape))
    if shape.slip and shape.defect:
        return parted(smooth_min(solid, front, 3.0), p, shape)
    solid = smooth_min(solid, smooth_min(front, rear_arch(p, shape), 3.0), 3.0)
    solid = grown(solid, p, shape.growths, 2.0)
    return np.maximum(solid, -vertebral_canal(p, shape, -1.0)) if shape.growths else solid


def parted(front: FloatArray, p: Coordinates, shape: VertebraShape) -> FloatArray:
    """A slipped body with its pedicles, and the arch that it has left behind with what has grown on it."""
    left = (p[0], p[1] - shape.slip, p[2])
    behind = (shape.depth + shape.canal_depth) / 2
    of_arch = tuple(growth for growth in shape.growths if growth.start[1] - shape.slip > behind)
    of_body = tuple(growth for growth in shape.growths if growth not in of_arch)
    arch = grown(rear_arch(left, shape), p, of_arch, 2.0)
    if of_arch:
        arch = np.maximum(arch, -vertebral_canal(left, shape, -1.0))
    front = smooth_max(front, shape.defect - arch, 1.0)
    front = grown(front, p, of_body, 2.0)
    return np.minimum(smooth_max(front, shape.defect - arch, 1.0), arch)
