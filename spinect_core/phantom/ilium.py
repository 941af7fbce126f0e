"""The hip bones of the phantom as a signed distance, in the frame of the specimen (mm; x left, y back, z head)."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from spinect_core.phantom.sdf import Coordinates, Lattice
from spinect_core.volume import FloatArray

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
