"""Bones, discs, ligaments, fat and nerves laid over the tissue map of the trunk, with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spinect_core.phantom import soft_tissue
from spinect_core.phantom.courses import Route, sac_distance
from spinect_core.phantom.nerves import Course, clear_of, lay, tube_distance
from spinect_core.phantom.parameters import Specimen, stream
from spinect_core.phantom.pose import Pose
from spinect_core.phantom.sdf import (
    Coordinates,
    block_around,
    capsule,
    ellipsoid,
    line_distance,
    part_of_grid,
    superellipse,
)
from spinect_core.phantom.skeleton import Skeleton
from spinect_core.phantom.structures import STRUCTURES
from spinect_core.volume import BONE, NERVE, FloatArray, Geometry, LabelArray


@dataclass
class Painting:
    """The picture in the making: HU, labels, structures [z, y, x], and the nerves laid so far."""

    tissue: FloatArray
    labels: LabelArray
    structures: LabelArray
    courses: list[Course] = field(default_factory=list)


def paint_discs(painting: Painting, discs: dict[str, FloatArray], specimen: Specimen, edge: float) -> None:
    """Discs, denser towards their ring."""
    for name, distance in discs.items():
        ring = specimen.disc + 14.0 * np.clip(1.0 + distance / 6.0, 0.0, 1.0)
        soft_tissue.cover(painting.tissue, distance, ring, edge)
        painting.structures[distance < 0] = STRUCTURES[name]


def paint_fat_and_ligaments(
    painting: Painting,
    p: Coordinates,
    specimen: Specimen,
    skeleton: Skeleton,
    edge: float,
    rng: np.random.Generator,
) -> None:
    """Epidural and foraminal fat, then the ligamenta flava between the laminae."""
    # Veins of the epidural and foraminal plexus show as strands in the fat: none in some, half of it in others.
    few = float(rng.uniform(0.6, 2.6))
    fat = specimen.fat
    for name in ("L3", "L4", "L5"):
        shape, frame = skeleton.shapes[name], skeleton.frames[name]
        b, half = shape.depth / 2, shape.height / 2
        block = block_around(p, frame.outer((0.0, b + 6.0, -6.0)), (52.0, 42.0, 42.0))
        local = frame.local(part_of_grid(p, block))
        q = (np.abs(local[0]), local[1], local[2])
        middle = b + shape.canal_depth / 2 + 0.6
        canal = superellipse(
            local[0],
            local[1] - middle,
            np.asarray(shape.canal_width / 2),
            np.asarray(shape.canal_depth / 2),
            2.2,
        )
        canal_distance = np.maximum((canal - 1.0) * 7.0, np.abs(local[2] + 4.0) - half - 8.0)
        under = shape.pedicle_z - shape.pedicle_height / 2
        foramen = ellipsoid(q, (shape.pedicle_x, b + 3.5, under - 6.5), (15.0, 8.0, 11.0))
        view = painting.tissue[block]
        strands = np.clip(soft_tissue.texture(view.shape, 5.0, rng) - few, 0.0, 1.0) * (38.0 - fat)
        soft_tissue.cover(view, np.minimum(canal_distance, foramen), fat + strands, edge)
        ligament = capsule(
            q,
            (shape.facet_x - 4.5, b + shape.canal_depth - 0.5, -half - 5.0),
            (0.0, b + shape.canal_depth + 3.5, -half - 6.0),
            1.0,
            (2.0, 1.9, 9.0),
        )
        interspinous = capsule(
            local,
            (0.0, b + shape.canal_depth + 9.0, -half - 4.0),
            (0.0, b + shape.canal_depth + 24.0, -half - 6.0),
            1.0,
            (1.8, 2.0, 8.0),
        )
        soft_tissue.cover(view, np.minimum(ligament, interspinous), 62.0, edge)
        capsule_joint = ellipsoid(
            q, (shape.facet_x + 2.5, b + shape.canal_depth + 0.5, -half - 5.0), (8.0, 8.0, 11.0)
        )
        soft_tissue.cover(view, capsule_joint, 58.0, edge)


def paint_sacral_fat(
    painting: Painting, p: Coordinates, specimen: Specimen, skeleton: Skeleton, edge: float
) -> None:
    """Fat in the canal and the foramina of the drawn sacrum."""
    fat = specimen.fat
    base, frame = skeleton.sacrum, skeleton.frames["sacrum"]
    block = block_around(p, frame.outer((0.0, 12.0, -40.0)), (50.0, 70.0, 70.0))
    x, y, z = frame.local(part_of_grid(p, block))
    view = painting.tissue[block]
    depth = np.maximum(-z, 0.0)
    ys = y + 0.0026 * depth**2
    centre = base.back + 7.0
    r = superellipse(x, ys - centre, np.asarray(14.0), np.asarray(8.0), 2.0)
    soft_tissue.cover(view, np.maximum((r - 1.0) * 7.0, z - 6.0), fat, edge)
    q = (np.abs(x), ys, z)
    scale = base.s1_height / 30.0
    for level, radius in ((-32.0 * scale, 7.0), (-55.0 * scale, 6.0)):
        hole = capsule(q, (14.0, base.back - 2.0, level + 6.0), (25.0, -14.0, level - 5.0), radius)
        soft_tissue.cover(view, hole, fat, edge)


def paint_fat_along(
    painting: Painting, p: Coordinates, lines: Sequence[tuple[FloatArray, float]], fat: float, edge: float
) -> None:
    """Fat round lines (n, 3), given for the left side and the midline, with their radii in mm."""
    mirrored = (np.abs(p[0]), p[1], p[2])
    for points, radius in lines:
        distance = line_distance(mirrored, points, radius + 3.0) - radius
        soft_tissue.cover(painting.tissue, distance, fat, edge)


def paint_nerves(
    painting: Painting,
    p: Coordinates,
    specimen: Specimen,
    skeleton: Skeleton,
    pose: Pose,
    geometry: Geometry,
    obstacle: FloatArray,
    routes: dict[str, Route],
    sac: FloatArray,
) -> None:
    """Sac and roots with their sheath of fat; the sac last, so that it wins where roots leave it."""
    edge = float(np.mean(geometry.spacing))
    rng = stream(specimen.seed, "roots")
    obstacle_mm = obstacle * pose.size
    for level, (waypoints, ganglion_at, radius, ganglion_radius) in routes.items():
        for side, sign in (("left", 1.0), ("right", -1.0)):
            places = waypoints * np.array([sign, 1.0, 1.0])
            places[2:] += rng.normal(0.0, 0.7, places[2:].shape)
            thick = float(np.clip(rng.normal(1.0, 0.06), 0.85, 1.15))
            course = lay(
                f"{level} {side}",
                pose.to_patient(places),
                radius * pose.size * thick,
                ganglion_radius * pose.size * thick,
                ganglion_at,
            )
            painting.courses.append(clear_of(course, obstacle_mm, geometry, 0.45))
    # Outside the foramen the fat round a root is thin, in some too thin to see beside muscle.
    sheath = [float(rng.uniform(0.3, 2.0)) for _ in painting.courses]
    sheath_hu = [
        specimen.fat + float(rng.uniform(0.0, 0.75)) * (specimen.muscle - specimen.fat) for _ in sheath
    ]
    distances: list[tuple[Course, tuple[slice, slice, slice], FloatArray]] = []
    for course in painting.courses:
        index = geometry.to_index(course.points)
        margin = 8.0 / np.asarray(geometry.spacing[::-1])
        low = np.maximum(np.floor(index.min(axis=0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(index.max(axis=0) + margin) + 1, geometry.shape).astype(int)
        if np.any(high <= low):
            continue
        block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        grids = np.meshgrid(*[np.arange(s.start, s.stop) for s in block], indexing="ij")
        where = geometry.to_patient(np.stack([g.ravel() for g in grids], axis=1))
        distance = tube_distance(course, where, 8.0).reshape(grids[0].shape)
        distances.append((course, block, distance))
    for (_course, block, distance), fat, value in zip(distances, sheath, sheath_hu, strict=False):
        soft_tissue.cover(painting.tissue[block], distance - fat, value, edge)
    free = obstacle > 0
    for course, block, distance in distances:
        soft_tissue.cover(painting.tissue[block], distance, specimen.root, edge)
        inside = (distance < 0) & free[block]
        painting.labels[block][inside] = NERVE
        painting.structures[block][inside] = STRUCTURES[course.name]
    distance, _line = sac_distance(p, specimen, skeleton, sac)
    distance = np.maximum(distance, -obstacle)
    # Fluid with the roots of the cauda in it, lying at its back as the patient lies.
    content = specimen.sac + 7.0 * soft_tissue.texture(distance.shape, 4.0, rng)
    soft_tissue.cover(painting.tissue, distance * pose.size, content, edge)
    painting.labels[distance < 0] = NERVE
    painting.structures[distance < 0] = STRUCTURES["thecal sac"]


def ala_depth(p: Coordinates, skeleton: Skeleton) -> FloatArray:
    """How much a voxel belongs to the ala or the lower sacrum: 0 in the body of S1, 1 well outside it."""
    frame = skeleton.frames["sacrum"]
    x, y, z = frame.local(p)
    half = skeleton.sacrum.width / 2
    beside = np.clip((np.abs(x) - half * 0.8) / 8.0, 0.0, 1.0)
    behind = np.clip((y - skeleton.sacrum.back + 3.0) / 6.0, 0.0, 1.0) * np.clip(
        (np.abs(x) - 12.0) / 6.0, 0.0, 1.0
    )
    below = 0.7 * np.clip((-z - skeleton.sacrum.s1_height) / 8.0, 0.0, 1.0)
    return np.asarray(np.maximum(np.maximum(beside, behind), below))


def paint_bones(
    painting: Painting,
    solids: dict[str, FloatArray],
    bone: FloatArray,
    ala: FloatArray,
    specimen: Specimen,
    edge: float,
    rng: np.random.Generator,
) -> None:
    """Cortex over cancellous bone with trabecular texture and patches of marrow fat."""
    shape = bone.shape
    cancellous = specimen.cancellous * (1.0 + 0.16 * soft_tissue.texture(shape, 4.0, rng))
    cancellous += 0.28 * specimen.cancellous * soft_tissue.texture(shape, 26.0, rng)
    # The ala and the lower sacrum hold the fattiest marrow; in some it is as dark as the fat round the roots.
    marrow = float(rng.uniform(0.45, 1.0))
    fattiness = float(np.clip(rng.beta(1.3, 1.3) * 1.1, 0.0, 1.0))
    dark = fattiness * ala * np.clip(0.85 + 0.35 * soft_tissue.texture(shape, 12.0, rng), 0.0, 1.0)
    sacral = cancellous * marrow
    sacral += dark * (float(rng.uniform(-70.0, 30.0)) - sacral)
    cancellous = np.where(solids["sacrum"] < 0, sacral, cancellous)
    thickness = specimen.cortex_thickness * (
        1.0 + 0.2 * np.clip(soft_tissue.texture(shape, 18.0, rng), -2, 2)
    )
    depth = np.clip((-bone - thickness) / 0.9 + 0.5, 0.0, 1.0)
    value = specimen.cortex + depth * (cancellous - specimen.cortex)
    soft_tissue.cover(painting.tissue, bone, value, edge)
    inside = bone < 0
    painting.labels[inside] = BONE
    for name, distance in solids.items():
        painting.structures[inside & (distance <= bone)] = STRUCTURES[name]
