"""Implants: pedicle screws with their rods, and an artificial hip."""

from __future__ import annotations

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import BONE
from spinect_core.research.phantom import soft_tissue
from spinect_core.research.phantom.growths import Growth, grown
from spinect_core.research.phantom.paint import Painting
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.pathology import sides_of
from spinect_core.research.phantom.sdf import Coordinates, Frame, block_around, capsule, part_of_grid
from spinect_core.research.phantom.skeleton import FAR, Skeleton
from spinect_core.research.phantom.structures import STRUCTURES

HIP_CENTRE = (90.0, -28.0, -104.0)
"""Centre of the left hip joint in the specimen, mm."""


def rod(
    frame: Frame, start: tuple[float, float, float], stop: tuple[float, float, float], r: float
) -> Growth:
    """A rod given in the frame of a bone, in that of the specimen."""
    a, b = frame.outer(start), frame.outer(stop)
    return Growth((float(a[0]), float(a[1]), float(a[2])), (float(b[0]), float(b[1]), float(b[2])), (r, r))


def pedicle_screws(p: Coordinates, specimen: Specimen, skeleton: Skeleton) -> FloatArray:
    """Signed distance of four screws through the pedicles of L5 and S1, their heads and two rods."""
    radius = specimen.finding("pedicle-screws", "diameter") / 2
    length = specimen.finding("pedicle-screws", "length")
    shape, base = skeleton.shapes["L5"], skeleton.sacrum
    entries = {
        "L5": ((shape.pedicle_x + 3.5, shape.depth / 2 + 17.0, shape.pedicle_z), (-0.26, -1.0, -0.02)),
        "sacrum": ((base.facet_x + 6.5, base.back + 15.0, -9.0), (-0.32, -1.0, 0.02)),
    }
    rods: list[Growth] = []
    for sign in (1.0, -1.0):
        heads = []
        for name, (entry, way) in entries.items():
            frame = skeleton.frames[name]
            to = np.asarray(way) / np.linalg.norm(way) * length
            start = (sign * entry[0], entry[1], entry[2])
            stop = (sign * (entry[0] + to[0]), entry[1] + to[1], entry[2] + to[2])
            rods.append(rod(frame, start, stop, radius))
            head = (start[0] + sign * 1.5, start[1] + 6.0, start[2])
            rods.append(rod(frame, start, head, radius + 2.6))
            heads.append(frame.outer((head[0], head[1] + 2.0, head[2])))
        ends = [(float(h[0]), float(h[1]), float(h[2])) for h in heads]
        rods.append(Growth(ends[0], ends[1], (2.75, 2.75)))
    return grown(np.full(p[0].shape, FAR), p, tuple(rods), 0.4)


def hip_prosthesis(p: Coordinates, specimen: Specimen) -> FloatArray:
    """Signed distance of cup, head, neck and stem; between cup and head lies a liner that is not metal."""
    outer = specimen.finding("hip-prosthesis", "cup") / 2
    whole = np.full(p[0].shape, FAR)
    for _side, sign in sides_of(specimen.findings["hip-prosthesis"]):
        centre = np.array([sign * HIP_CENTRE[0], HIP_CENTRE[1], HIP_CENTRE[2]])
        block = block_around(p, centre, (70.0, 45.0, 45.0))
        if not whole[block].size:
            continue
        x, y, z = (component - c for component, c in zip(part_of_grid(p, block), centre, strict=True))
        r = np.sqrt(x**2 + y**2 + z**2)
        # The cup opens downwards and outwards.
        opening = (0.64 * sign * x - 0.77 * z) - 2.0
        cup = np.maximum(np.abs(r - outer + 2.2) - 2.2, opening)
        neck = capsule((sign * x, y, z), (8.0, 0.0, -8.0), (42.0, 2.0, -34.0), (7.0, 8.0))
        stem = capsule((sign * x, y, z), (42.0, 2.0, -34.0), (46.0, 4.0, -140.0), (9.0, 7.0))
        parts = np.minimum(np.minimum(cup, r - 16.0), np.minimum(neck, stem))
        whole[block] = np.minimum(whole[block], parts)
    return whole


def implants(p: Coordinates, specimen: Specimen, skeleton: Skeleton) -> dict[str, FloatArray]:
    """Signed distance of the metal of each pathology that has some."""
    solids: dict[str, FloatArray] = {}
    if specimen.has("pedicle-screws"):
        solids["pedicle-screws"] = pedicle_screws(p, specimen, skeleton)
    if specimen.has("hip-prosthesis"):
        solids["hip-prosthesis"] = hip_prosthesis(p, specimen)
    return solids


def paint_metal(painting: Painting, solids: dict[str, FloatArray], specimen: Specimen, edge: float) -> None:
    """Metal over all else. It is labelled bone: a needle passes neither."""
    for name, distance in solids.items():
        soft_tissue.cover(painting.tissue, distance, specimen.finding(name, "metal"), edge)
        inside = distance < 0
        painting.labels[inside] = BONE
        painting.structures[inside] = STRUCTURES["metal"]
        painting.metal = inside if painting.metal is None else painting.metal | inside
