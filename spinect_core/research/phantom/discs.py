"""The intervertebral discs of a specimen: between two end plates, bulging or herniated if it is so."""

from __future__ import annotations

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.pathology import sides_of
from spinect_core.research.phantom.sdf import (
    Coordinates,
    block_around,
    ellipsoid,
    part_of_grid,
    plate_outline,
    smooth_max,
    smooth_min,
)
from spinect_core.research.phantom.skeleton import FAR, Skeleton

LEVELS = (("disc L5/S1", "sacrum"), ("disc L4/5", "L5"), ("disc L3/4", "L4"))


def build_discs(
    p: Coordinates, specimen: Specimen, skeleton: Skeleton, bone: FloatArray
) -> dict[str, FloatArray]:
    """Signed distance of the discs: what lies between two end plates and is not bone."""
    discs = {}
    for name, lower in LEVELS:
        frame = skeleton.frames[lower]
        if lower == "sacrum":
            width, depth, level = skeleton.sacrum.width, skeleton.sacrum.depth, 0.0
        else:
            shape = skeleton.shapes[lower]
            width, depth, level = shape.width, shape.depth, shape.height / 2
        height = skeleton.disc_heights[name]
        centre = frame.outer((0.0, 0.0, level + height / 2))
        block = block_around(p, centre, (45.0, 45.0, 45.0))
        x, y, z = frame.local(part_of_grid(p, block))
        slip = skeleton.slip if lower == "sacrum" else 0.0
        # Under a vertebra that has slipped the disc is sheared with it.
        y0 = y + slip * np.clip((z - level) / height, 0.0, 1.0)
        bulge = specimen.finding("disc-bulge", "bulge") if lower == "sacrum" else 0.0
        a, b = np.asarray(width / 2 + 0.5 + bulge), np.asarray(depth / 2 + 0.7 + bulge)
        _radial, side = plate_outline(x, y0, a, b, 2.5)
        # Into the hollows of the end plates it reaches far, beyond their rims hardly at all.
        rim, _distance = plate_outline(x, y0, np.asarray(width / 2), np.asarray(depth / 2), 2.5)
        reach = np.interp(rim, [0.8, 1.0], [4.5, 1.2])
        slab = np.abs(z - level - height / 2) - (height / 2 + reach)
        distance = smooth_max(side, slab, 2.0)
        if lower == "sacrum":
            distance = herniated(distance, (x, y, z), specimen, skeleton, height)
        whole = np.full(p[0].shape, FAR)
        whole[block] = np.maximum(distance, -bone[block])
        discs[name] = whole
    return discs


def herniated(
    disc: FloatArray, local: Coordinates, specimen: Specimen, skeleton: Skeleton, height: float
) -> FloatArray:
    """The L5/S1 disc (frame of the sacrum) with the herniations of the specimen."""
    back = skeleton.sacrum.back
    for name, x0, y0, z0 in (
        ("herniation-s1", 8.0, back, height / 2 - specimen.finding("herniation-s1", "drop")),
        ("herniation-l5", 21.0, back - 2.4, height / 2 + specimen.finding("herniation-l5", "rise")),
    ):
        if not specimen.has(name):
            continue
        depth, width = specimen.finding(name, "depth"), specimen.finding(name, "width")
        for _side, sign in sides_of(specimen.findings[name]):
            lump = ellipsoid(local, (sign * x0, y0, z0), (width / 2, depth, height / 2 + 3.0))
            disc = smooth_min(disc, lump, 3.0)
    return disc


def gas_cleft(p: Coordinates, skeleton: Skeleton) -> FloatArray:
    """Signed distance of the gas in a degenerated L5/S1 disc: a flat lens in its middle."""
    frame, height = skeleton.frames["sacrum"], skeleton.disc_heights["disc L5/S1"]
    x, y, z = frame.local(p)
    radii = (skeleton.sacrum.width * 0.26, skeleton.sacrum.depth * 0.27, max(0.26 * height, 1.0))
    return ellipsoid((x, y, z + 0.04 * y), (1.5, 1.0, height / 2), radii)
