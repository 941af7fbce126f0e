"""The bones of the phantom as signed distances: lumbar vertebrae, sacrum, hip bones.

Every function takes coordinates in the bone's own frame (mm; x left, y back, z head) and returns the signed
distance. The paired parts are written once on ``|x|``; the smooth warp of the specimen makes left and right
differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from spinect_core.phantom.sdf import (
    Coordinates,
    Lattice,
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


@dataclass(frozen=True)
class SacrumShape:
    """Measures of the sacrum in mm; origin of its frame is the middle of the upper end plate of S1."""

    width: float
    depth: float
    s1_height: float
    canal_width: float
    canal_depth: float
    facet_x: float

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
    return shape.facet_x + 5.0, shape.back + 8.5, 2.5


def sacrum(p: Coordinates, shape: SacrumShape) -> FloatArray:
    """Sacrum from S1 down to S4 with alae, canal, foramina, crest and superior articular processes."""
    x, y, z = straightened(p)
    ax, d = np.abs(x), -z
    scale = shape.s1_height / 30.0
    a = np.interp(d, _DEPTHS, np.array([25.0, 25.0, 17.5, 13.0, 10.0, 7.0]) * shape.width / 50.0)
    b = np.interp(d, _DEPTHS, np.array([15.5, 15.5, 11.0, 8.0, 6.0, 4.0]) * shape.depth / 31.0)
    r = superellipse(x, y - (shape.back - b), a, b, 2.4)
    dish = 1.3 * np.clip(1.0 - r**2, 0.0, 1.0)
    column = smooth_max((r - 1.0) * b * 0.9, -d + dish, 2.0)

    front = np.interp(ax, [0.0, 22.0, 36.0, 52.0, 70.0], [-12.0, -8.5, -3.5, 7.0, 18.0])
    front = front + 0.75 * np.interp(d, _DEPTHS, [0.0, 0.0, 8.0, 13.5, 17.5, 21.0])
    rear = np.interp(ax, [0.0, 20.0, 45.0, 70.0], [20.0, 25.0, 27.0, 22.0])
    top = 1.0 + np.interp(ax, [0.0, 24.0, 40.0, 60.0], [0.0, 3.0, 6.0, 9.0])
    lateral = np.interp(d, [-20.0, 0.0, 30.0, 55.0, 85.0, 110.0], [66.0, 66.0, 62.0, 50.0, 29.0, 15.0])
    mass = smooth_max(front - y, y - rear, 5.0)
    mass = smooth_max(mass, top - d, 5.0)
    mass = smooth_max(mass, ax - lateral, 4.0)
    mass = smooth_max(mass, d - 105.0, 4.0)
    solid = smooth_min(column, mass, 5.0)

    canal = sacral_canal((x, y, z), shape)
    roof = smooth_max(sacral_canal((x, y, z), shape, 5.2), np.maximum(5.0 - d, d - 95.0), 3.0)
    solid = smooth_min(solid, roof, 4.0)
    crest = box((x, y, z), (0.0, shape.back + 20.0, -36.0), (2.6, 6.5, 26.0), 2.5)
    solid = smooth_min(solid, crest, 4.0)
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


_CREST = np.array(
    [
        (41.0, 60.0, -44.0),
        (42.0, 68.0, -24.0),
        (49.0, 62.0, 2.0),
        (62.0, 44.0, 24.0),
        (82.0, 16.0, 36.0),
        (104.0, -18.0, 32.0),
        (121.0, -48.0, 12.0),
        (127.0, -70.0, -12.0),
    ]
)
_LOWER = np.array(
    [
        (43.0, 55.0, -52.0),
        (46.0, 46.0, -56.0),
        (51.0, 34.0, -58.0),
        (56.0, 18.0, -60.0),
        (64.0, -2.0, -72.0),
        (78.0, -22.0, -95.0),
        (92.0, -40.0, -100.0),
        (108.0, -62.0, -80.0),
    ]
)
CREST_TOP = 36.0
"""Height in mm of the crest above the upper end plate of S1 in the drawn outline."""


def hip_bone(p: Coordinates, crest_height: float, width: float) -> FloatArray:
    """Both iliac wings in the frame of the specimen.

    A wing is a curved sheet between the crest and the arcuate line, thickened to a bone that is stout at the
    crest and at the sacroiliac joint and thin in the middle of the fossa.

    Args:
        p: coordinates in mm.
        crest_height: mm of the crest's summit above the end plate.
        width: scale of the pelvis from side to side.
    """
    t = np.linspace(0.0, 1.0, 170)
    knots = np.linspace(0.0, 1.0, len(_CREST))
    upper = np.stack([np.interp(t, knots, _CREST[:, axis]) for axis in range(3)], axis=1)
    lower = np.stack([np.interp(t, knots, _LOWER[:, axis]) for axis in range(3)], axis=1)
    kernel = np.hanning(25) / np.hanning(25).sum()
    for line in (upper, lower):
        for axis in range(3):
            line[:, axis] = np.convolve(np.pad(line[:, axis], 12, mode="edge"), kernel, mode="valid")
    lift = (crest_height - CREST_TOP) * np.clip((upper[:, 2] + 50.0) / 86.0, 0.0, 1.0)
    upper[:, 2] += lift
    s = np.linspace(0.0, 1.0, 90)[:, None, None]
    sheet = (1 - s) * upper[None] + s * lower[None]
    # The fossa is hollowed on its inner side: the middle of the wing bows outwards.
    bow = 7.0 * np.sin(np.pi * s[..., 0]) * np.sin(np.pi * t[None, :]) ** 2
    sheet[..., 0] += bow * 0.8
    sheet[..., 1] += bow * 0.5
    at_crest = np.exp(-((s[..., 0] / 0.13) ** 2))
    at_joint = np.exp(-(((t[None, :] - 0.27) / 0.2) ** 2)) * np.clip(s[..., 0] * 2.2, 0.25, 1.0)
    at_roof = np.clip(s[..., 0] - 0.75, 0.0, 1.0) * 10.0
    half_thickness = 3.2 + 3.0 * at_crest + 4.6 * at_joint + at_roof
    points = sheet.reshape(-1, 3) * np.array([width, 1.0, 1.0])
    tree = cKDTree(points)
    thickness = half_thickness.reshape(-1)
    reach, near = 24.0, 9.0

    def distance_to_sheet(where: Coordinates) -> FloatArray:
        query = np.stack([np.abs(where[0]).ravel(), where[1].ravel(), where[2].ravel()], axis=1)
        found, index = tree.query(query, distance_upper_bound=reach)
        out = np.full(len(query), 40.0)
        hit = np.isfinite(found)
        out[hit] = found[hit] - thickness[index[hit]]
        return out.reshape(where[0].shape)

    # First on every second point; then again, on every point, where the bone is near.
    lattice = Lattice.every(p[0].shape, (2, 2, 2))
    result = lattice.refine(distance_to_sheet(lattice.sample(p)))
    close = result < near
    result[close] = distance_to_sheet((p[0][close], p[1][close], p[2][close]))
    return result
