"""The hip bones of the phantom as a signed distance, in the frame of the specimen (mm; x left, y back, z head).

Each wing is a stack of sections, measured on the pelvis of the Visible Human Male (surfaces of R. Remus, 2021,
github.com/RemusR9/artisynth_lumbosacralSpineModel, BSD 3-Clause) and rounded to half a millimetre.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.sdf import Coordinates, Lattice

# By height in mm: (x, y, half thickness) of the left wing at nine places from the tuberosity behind to the crest
# in front. Tuberosity and joint surface are stout, the fossa is thin, the crest is a thick rim; below -50 the bone
# becomes the roof of the hip joint.
_SECTIONS: dict[float, tuple[tuple[float, float, float], ...]] = {
    30.5: (
        (72, 37.5, 3.5), (77.5, 35, 4.5), (83, 33, 5), (88.5, 31, 5.5), (93.5, 28.5, 5.5),
        (98.5, 25.5, 5), (103.5, 21.5, 4.5), (108.5, 18.5, 4), (113, 15, 3),
    ),
    26.0: (
        (65.5, 42.5, 5.5), (72, 37, 6.5), (80, 33, 7), (87.5, 29, 6.5), (95.5, 25.5, 5.5),
        (103, 20.5, 4.5), (110.5, 16, 4.5), (117.5, 11, 5), (124, 5.5, 4),
    ),
    20.0: (
        (57, 45.5, 8), (65, 38, 8.5), (74, 31.5, 7), (84, 27, 5), (94.5, 22.5, 3.5),
        (104.5, 17.5, 3.5), (114, 11.5, 4.5), (122.5, 5, 6.5), (130, -3.5, 6.5),
    ),
    8.0: (
        (46, 56, 9), (52.5, 43, 10.5), (62, 32, 10), (75.5, 25.5, 5.5), (90.5, 20.5, 3),
        (103.5, 14, 2.5), (115.5, 5.5, 4.5), (125, -5, 8), (133.5, -16.5, 8),
    ),
    -4.5: (
        (41, 60.5, 10), (50, 46.5, 10), (60.5, 34, 8.5), (72, 22.5, 8.5), (88.5, 15, 3.5),
        (104, 6.5, 3), (115.5, -5, 5), (125, -18.5, 7.5), (133.5, -33, 8),
    ),
    -17.0: (
        (37.5, 65, 9.5), (48.5, 51, 11), (59, 36.5, 9.5), (69, 21, 10), (84, 10, 4.5),
        (101, 0, 4), (112, -14, 6), (120.5, -30.5, 6.5), (129.5, -46.5, 7.5),
    ),
    -25.0: (
        (38, 68, 6.5), (49, 53, 9), (59, 37, 10), (67.5, 20, 11.5), (80.5, 6.5, 7.5),
        (98, -3.5, 6.5), (109, -18.5, 7.5), (118, -35, 6.5), (128, -51, 5.5),
    ),
    -35.0: (
        (42, 65.5, 5.5), (50, 50.5, 9), (58.5, 35.5, 10.5), (66.5, 20.5, 13), (76, 7, 11.5),
        (91, -3.5, 10), (102, -16.5, 9.5), (110, -31, 8), (119, -45.5, 5.5),
    ),
    -45.0: (
        (43.5, 64, 4.5), (50, 50.5, 7), (57, 37.5, 8), (66, 25.5, 11), (72.5, 12, 13),
        (82, 0, 14.5), (91.5, -11.5, 13.5), (100.5, -24, 11.5), (107, -37.5, 8.5),
    ),
    -60.0: (
        (71, 21, 9.5), (74.5, 13.5, 13), (77.5, 5.5, 16.5), (80.5, -2.5, 18.5), (84, -10.5, 19.5),
        (88, -18, 18), (91.5, -25.5, 15), (95.5, -33, 11.5), (100.5, -40, 8.5),
    ),
    -75.0: (
        (68, 24, 8), (72.5, 18.5, 13.5), (75, 11.5, 17), (77, 4.5, 19.5), (78, -3, 22.5),
        (79.5, -10.5, 25), (82, -17.5, 25), (84, -24.5, 23), (86, -31.5, 19),
    ),
    -110.0: (
        (68, 24, 8), (72.5, 18.5, 13.5), (75, 11.5, 17), (77, 4.5, 19.5), (78, -3, 22.5),
        (79.5, -10.5, 25), (82, -17.5, 25), (84, -24.5, 23), (86, -31.5, 19),
    ),
}  # fmt: skip
CREST_TOP = 36.0
"""Height in mm of the crest above the upper end plate of S1 in the drawn outline."""
DRAWN_SLOPE = 40.0
"""Sacral slope in degrees of the pelvis that the sections were measured on."""


def wing_sheet(crest_height: float, width: float, tilt: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """The middle of the left wing as points (n, 3) in mm and the half thickness (n,) of the bone there.

    Args:
        crest_height: mm of the crest's summit above the end plate.
        width: scale of the pelvis from side to side.
        tilt: degrees by which the pelvis leans forwards of the drawn one, about the end plate of S1.
    """
    levels = np.array(sorted(_SECTIONS))
    table = np.array([_SECTIONS[z] for z in levels])
    z = np.arange(levels[0], levels[-1] + 0.5, 1.5)
    t = np.linspace(0.0, 1.0, 90)
    grid = np.empty((len(z), len(t), 4))
    for column in range(3):
        along = np.stack([np.interp(t, np.linspace(0.0, 1.0, 9), row) for row in table[:, :, column]])
        grid[..., column] = np.stack([np.interp(z, levels, line) for line in along.T], axis=1)
    grid[..., 3] = z[:, None]
    points = grid[..., [0, 1, 3]].reshape(-1, 3)
    half = grid[..., 2].reshape(-1)
    a = np.radians(tilt)
    y, up = points[:, 1].copy(), points[:, 2].copy()
    points[:, 1] = np.cos(a) * y - np.sin(a) * up
    points[:, 2] = np.sin(a) * y + np.cos(a) * up
    # The crest alone rises and sinks; the joint and what lies below it stay.
    for _ in range(4):
        missing = crest_height - float((points[:, 2] + half).max())
        points[:, 2] += missing * np.clip((points[:, 2] + 30.0) / 64.0, 0.0, 1.0)
    points[:, 0] *= width
    return points, half


def hip_bone(p: Coordinates, crest_height: float, width: float, tilt: float = 0.0) -> FloatArray:
    """Signed distance of both hip bones down to the roof of the hip joint.

    Args:
        p: coordinates in mm.
        crest_height: mm of the crest's summit above the end plate.
        width: scale of the pelvis from side to side.
        tilt: degrees by which the pelvis leans forwards of the drawn one.
    """
    points, half = wing_sheet(crest_height, width, tilt)
    tree = cKDTree(points)
    reach, near = 40.0, 9.0

    def distance_to_sheet(where: Coordinates) -> FloatArray:
        query = np.stack([np.abs(where[0]).ravel(), where[1].ravel(), where[2].ravel()], axis=1)
        found, index = tree.query(query, distance_upper_bound=reach)
        out = np.full(len(query), reach)
        hit = np.isfinite(found)
        out[hit] = found[hit] - half[index[hit]]
        return out.reshape(where[0].shape)

    # First on every second point; then again, on every point, where the bone is near.
    lattice = Lattice.every(p[0].shape, (2, 2, 2))
    result = lattice.refine(distance_to_sheet(lattice.sample(p)))
    close = result < near
    result[close] = distance_to_sheet((p[0][close], p[1][close], p[2][close]))
    return result


def outward(p: Coordinates) -> FloatArray:
    """How far a place lies to the outer side of the wing, mm along x; negative in the fossa."""
    levels = np.array([-45.0, -25.0, 8.0, 26.0])
    lines = [np.array(_SECTIONS[z]) for z in levels]
    ends = [
        np.concatenate([[line[-1, :2] + 3 * (line[-1, :2] - line[-2, :2])], line[::-1, :2],
                        [line[0, :2] + 2 * (line[0, :2] - line[1, :2])]])
        for line in lines
    ]  # fmt: skip
    middles = [np.interp(p[1], end[:, 1], end[:, 0]) for end in ends]
    middle = middles[0]
    for low, high, upper in zip(levels[:-1], levels[1:], middles[1:], strict=True):
        middle = middle + np.clip((p[2] - low) / (high - low), 0.0, 1.0) * (upper - middle)
    return np.asarray(np.abs(p[0]) - middle)
