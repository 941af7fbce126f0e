"""What fills the canal and the foramina besides nerves: fat with veins, ligamenta flava, capsules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom import soft_tissue
from spinect_core.research.phantom.paint import Painting
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.sdf import (
    Coordinates,
    block_around,
    capsule,
    ellipsoid,
    line_distance,
    part_of_grid,
    superellipse,
)
from spinect_core.research.phantom.skeleton import FAR, Skeleton
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.research.phantom.vertebra import vertebral_canal

FAT = STRUCTURES["epidural and foraminal fat"]
LEVELS = ("L3", "L4", "L5")


def ligamenta_flava(p: Coordinates, specimen: Specimen, skeleton: Skeleton) -> FloatArray:
    """Signed distance of the ligamenta flava: from lamina to lamina, out to the facets on both sides."""
    whole = np.full(p[0].shape, FAR)
    for name in LEVELS:
        shape, frame = skeleton.shapes[name], skeleton.frames[name]
        thick = specimen.flavum if name == "L3" else specimen.finding("stenosis", "flavum", specimen.flavum)
        back = shape.depth / 2 + shape.canal_depth
        z = -shape.height / 2 - 5.0
        # It thickens towards the canal; its back lies on the laminae.
        forward = (thick - 3.4) * 0.7
        block = block_around(p, frame.outer((0.0, back, z)), (26.0, 26.0, 26.0))
        local = frame.local(part_of_grid(p, block))
        q = (np.abs(local[0]), local[1] - 0.6 * shape.slip, local[2])
        points = [
            (shape.canal_width / 2 - 0.5, back - 4.5 - 0.5 * forward, z + 1.0),
            (shape.canal_width / 2 - 5.0, back + 0.4 - forward, z),
            (0.0, back + 3.6 - forward, z - 1.0),
        ]
        half = (thick / 2, thick / 2, 9.0)
        parts = [capsule(q, a, b, 1.0, half) for a, b in pairwise(points)]
        whole[block] = np.minimum(whole[block], np.minimum(parts[0], parts[1]))
    return whole


def paint_fat_and_ligaments(
    painting: Painting,
    p: Coordinates,
    specimen: Specimen,
    skeleton: Skeleton,
    flava: FloatArray,
    edge: float,
    rng: np.random.Generator,
) -> None:
    """Epidural and foraminal fat with its veins, joint capsules, then the ligaments between the laminae."""
    # Veins of the epidural and foraminal plexus show as strands in the fat: none in some, half of it in others.
    few = float(rng.uniform(0.6, 2.6))
    fat = specimen.fat
    for name in LEVELS:
        shape, frame = skeleton.shapes[name], skeleton.frames[name]
        b, half = shape.depth / 2, shape.height / 2
        block = block_around(p, frame.outer((0.0, b + 6.0, -6.0)), (52.0, 42.0, 42.0))
        local = frame.local(part_of_grid(p, block))
        q = (np.abs(local[0]), local[1], local[2])
        column = vertebral_canal(local, shape)
        if shape.slip:
            column = np.minimum(column, vertebral_canal((local[0], local[1] - shape.slip, local[2]), shape))
        canal = np.maximum(column, np.abs(local[2] + 4.0) - half - 8.0)
        under = shape.pedicle_z - shape.pedicle_height / 2
        foramen = ellipsoid(q, (shape.pedicle_x, b + 1.5, under - 7.0), (15.0, 9.5, 11.5))
        view = painting.tissue[block]
        strands = np.clip(soft_tissue.texture(view.shape, 5.0, rng) - few, 0.0, 1.0) * (38.0 - fat)
        space = np.minimum(canal, foramen)
        soft_tissue.cover(view, space, fat + strands, edge)
        painting.structures[block][space < 0] = FAT
        # The anterior internal veins run along the backs of the bodies, on both sides of the midline.
        vein = capsule(
            q, (5.0, b + 1.6, half + 4.0), (5.0, b + 1.6, -half - 4.0), (0.9, 0.9), (1.6, 1.0, 1.0)
        )
        soft_tissue.cover(view, vein, 38.0, edge)
        interspinous = capsule(
            local,
            (0.0, b + shape.canal_depth + 9.0 + shape.slip, -half - 4.0),
            (0.0, b + shape.canal_depth + 24.0 + shape.slip, -half - 6.0),
            1.0,
            (1.8, 2.0, 8.0),
        )
        soft_tissue.cover(view, interspinous, 62.0, edge)
        x, y, z = shape.inferior_facet
        joint = ellipsoid(q, (x + 3.5, y - 3.5 + shape.slip, z - 1.0), (9.0, 9.0, 11.0))
        capsule_joint = np.maximum(joint, -column)
        soft_tissue.cover(view, capsule_joint, 58.0, edge)
        painting.structures[block][capsule_joint < 0] = 0
    soft_tissue.cover(painting.tissue, flava, 62.0, edge)
    painting.structures[flava < 0] = STRUCTURES["ligamentum flavum"]


def paint_sacral_fat(
    painting: Painting, p: Coordinates, specimen: Specimen, skeleton: Skeleton, edge: float
) -> None:
    """Fat in the canal and the foramina of the drawn sacrum."""
    base, frame = skeleton.sacrum, skeleton.frames["sacrum"]
    block = block_around(p, frame.outer((0.0, 12.0, -40.0)), (50.0, 70.0, 70.0))
    x, y, z = frame.local(part_of_grid(p, block))
    depth = np.maximum(-z, 0.0)
    ys = y + 0.0026 * depth**2
    centre = base.back + 7.0
    r = superellipse(x, ys - centre, np.asarray(14.0), np.asarray(8.0), 2.0)
    q = (np.abs(x), ys, z)
    scale = base.s1_height / 30.0
    solids = [np.maximum((r - 1.0) * 7.0, z - 6.0)]
    for level, radius in ((-32.0 * scale, 7.0), (-55.0 * scale, 6.0)):
        solids.append(capsule(q, (14.0, base.back - 2.0, level + 6.0), (25.0, -14.0, level - 5.0), radius))
    for solid in solids:
        lay_fat(painting, solid, block, specimen.fat, edge)


def paint_fat_along(
    painting: Painting, p: Coordinates, lines: Sequence[tuple[FloatArray, float]], fat: float, edge: float
) -> None:
    """Fat round lines (n, 3), given for the left side and the midline, with their radii in mm."""
    mirrored = (np.abs(p[0]), p[1], p[2])
    every = (slice(None), slice(None), slice(None))
    for points, radius in lines:
        lay_fat(painting, line_distance(mirrored, points, radius + 3.0) - radius, every, fat, edge)


def lay_fat(
    painting: Painting, solid: FloatArray, block: tuple[slice, slice, slice], fat: float, edge: float
) -> None:
    """Fat in a block of the painting, under its number; ligaments stay what they are."""
    soft_tissue.cover(painting.tissue[block], solid, fat, edge)
    inside = (solid < 0) & (painting.structures[block] != STRUCTURES["ligamentum flavum"])
    painting.structures[block][inside] = FAT
