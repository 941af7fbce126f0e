"""The sac and the roots laid into the picture with their sheaths of fat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import NERVE, Geometry
from spinect_core.research.phantom import soft_tissue
from spinect_core.research.phantom.courses import Route, sac_distance
from spinect_core.research.phantom.nerves import Course, clear_of, lay, tube_distance
from spinect_core.research.phantom.paint import Painting
from spinect_core.research.phantom.parameters import Specimen, stream
from spinect_core.research.phantom.pose import Pose
from spinect_core.research.phantom.sdf import Coordinates, dense
from spinect_core.research.phantom.settle import flattened, settled, spread_gaps
from spinect_core.research.phantom.skeleton import Skeleton
from spinect_core.research.phantom.squeezed import out_of_bone
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.research.phantom.variety import FREE_MM, RootVariety, Variety

LEVELS = ("L3", "L4", "L5", "S1", "S2")
SIDES = {"left": 1.0, "right": -1.0}


BEYOND_GANGLION = 14
"""Points (of half a millimetre) from the middle of a ganglion to where it has become a root again."""


def run_beyond(
    course: Course, own: RootVariety, obstacle: FloatArray, geometry: Geometry, gap: float
) -> Course:
    """A course laid on bone and disc beyond its ganglion, as its variety has it."""
    if min(own.gaps) >= FREE_MM:
        return course
    start = course.ganglion + BEYOND_GANGLION // 2
    gaps = spread_gaps(own.gaps, len(course.points), start)
    course = settled(course, obstacle, geometry, gaps, start)
    # In a narrow foramen a shift of a millimetre leads into bone.
    return clear_of(course, obstacle, geometry, min(gap, 0.1), held=start)


def radius_of(course: Course) -> float:
    """Radius of a course outside its ganglion, mm."""
    return float(np.median(course.radii))


def _laid_root(
    specimen: Specimen,
    pose: Pose,
    geometry: Geometry,
    root: tuple[str, str],
    routes: dict[str, Route],
    axis: FloatArray,
    walls: tuple[FloatArray, FloatArray],
    variety: Variety | None,
) -> tuple[Course, float, float]:
    """One root, clear of the walls, with its sheath.

    Args:
        specimen: the measures.
        pose: how it lies in the scanner.
        geometry: the grid.
        root: level and side.
        routes: waypoints by level, or by level and side.
        axis: (n, 3) points along the sac.
        walls: signed distances in patient mm of all that nerves keep clear of, and of bone and metal alone.
        variety: how the roots of the varied family run.

    Returns:
        Its course, the thickness of its sheath in mm, and the sheath's HU.
    """
    level, side = root
    name = f"{level} {side}"
    sign = SIDES[side]
    obstacle_mm, hard_mm = walls
    own = None if variety is None else variety.roots[name]
    waypoints, ganglion_at, radius, ganglion_radius = routes[name if name in routes else level]
    rng = stream(specimen.seed, f"root {name}")
    # Outside the foramen the fat round a root is thin, in some too thin to see beside muscle.
    sheath = float(rng.uniform(0.3, 2.0))
    part = float(rng.uniform(0.0, 0.75))
    if own is not None:
        # What touches a root is parted from it by no fat.
        sheath *= 0.5 if own.lies == "free" else 0.15
    thick = float(np.clip(rng.normal(1.0, 0.06), 0.85, 1.15))
    places = waypoints * np.array([sign, 1.0, 1.0])
    # However narrow the sac is, the root begins in it.
    within = axis[np.argmin(((axis - places[0]) ** 2).sum(axis=1))]
    places[0] += 0.8 * (within - places[0])
    places[2:] += rng.normal(0.0, 0.7, places[2:].shape)
    shift = 0.0
    if own is not None:
        # In the foramen, which may be narrow, by a quarter of what it is beyond.
        share = np.clip((np.arange(len(places)) - ganglion_at + 0.5) / 2.0, 0.0, 1.0)
        places += share[:, None] * np.array(own.aside) * np.array([sign, 1.0, 1.0])
        shift = own.ganglion_mm * pose.size
    course = lay(
        name,
        pose.to_patient(places),
        radius * pose.size * thick,
        ganglion_radius * pose.size * thick,
        ganglion_at,
        shift,
    )
    gap = 0.45 if variety is None else variety.contact_mm
    course = clear_of(course, obstacle_mm, geometry, gap)
    if own is not None:
        course = run_beyond(course, own, obstacle_mm, geometry, gap)
    if specimen.findings:
        course = out_of_bone(course, hard_mm, obstacle_mm, geometry)
    return course, sheath, specimen.fat + part * (specimen.muscle - specimen.fat)


def paint_nerves(
    painting: Painting,
    p: Coordinates,
    specimen: Specimen,
    skeleton: Skeleton,
    pose: Pose,
    geometry: Geometry,
    obstacle: FloatArray,
    hard: FloatArray,
    flava: FloatArray,
    routes: dict[str, Route],
    sac: FloatArray,
    variety: Variety | None = None,
    lay_beside: Callable[[list[Course]], None] | None = None,
) -> None:
    """Sac and roots with their sheath of fat; the sac last, so that it wins where roots leave it.

    Args:
        painting: the picture.
        p: coordinates of the voxels in the specimen.
        specimen: the measures.
        skeleton: the bones' frames.
        pose: how it lies in the scanner.
        geometry: the grid.
        obstacle: signed distance of all that nerves keep clear of, in the specimen.
        hard: that of bone and metal alone.
        flava: that of the ligamenta flava, which indent the sac; a root is displaced less by them.
        routes: waypoints by level, or by level and side.
        sac: (n, 3) points along the middle of the canal.
        variety: how the roots of the varied family run.
        lay_beside: lays what lies beside the roots, given their courses, over their fat and under themselves.
    """
    edge = float(np.mean(geometry.spacing))
    obstacle_mm = obstacle * pose.size
    axis = dense(sac)
    laid = [
        _laid_root(
            specimen, pose, geometry, (level, side), routes, axis, (obstacle_mm, hard * pose.size), variety
        )
        for level in LEVELS
        for side in SIDES
    ]
    painting.courses += [course for course, _, _ in laid]
    sheath, sheath_hu = [mm for _, mm, _ in laid], [hu for _, _, hu in laid]
    distances: list[tuple[Course, tuple[slice, slice, slice], FloatArray]] = []
    for course in painting.courses:
        bands = [course]
        if variety is not None:
            broad = variety.roots[course.name].broad
            bands = flattened(course, obstacle_mm, geometry, broad, course.ganglion + BEYOND_GANGLION)
        index = geometry.to_index(course.points)
        margin = 8.0 / np.asarray(geometry.spacing[::-1])
        low = np.maximum(np.floor(index.min(axis=0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(index.max(axis=0) + margin) + 1, geometry.shape).astype(int)
        if np.any(high <= low):
            continue
        block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        grids = np.meshgrid(*[np.arange(s.start, s.stop) for s in block], indexing="ij")
        where = geometry.to_patient(np.stack([g.ravel() for g in grids], axis=1))
        distance = np.minimum.reduce([tube_distance(band, where, 8.0) for band in bands])
        distance = distance.reshape(grids[0].shape)
        distances.append((course, block, distance))
    for (_course, block, distance), fat, value in zip(distances, sheath, sheath_hu, strict=False):
        # In the fat of canal and foramen it would be a rind round the root that no label owns.
        tissue = painting.tissue[block]
        soft_tissue.cover(tissue, distance - fat, np.minimum(tissue, value), edge)
    if lay_beside is not None:
        lay_beside(painting.courses)
    # A root pressed between bone and disc is flattened, never severed.
    free = obstacle > 0
    passable = hard > 0
    for course, block, distance in distances:
        soft_tissue.cover(painting.tissue[block], distance, specimen.root, edge)
        inside = ((distance < 0) & free[block]) | ((distance < -0.55 * radius_of(course)) & passable[block])
        painting.labels[block][inside] = NERVE
        painting.structures[block][inside] = STRUCTURES[course.name]
    distance, _line = sac_distance(p, specimen, skeleton, sac)
    distance = np.maximum(distance, -np.minimum(obstacle, flava))
    # Fluid with the roots of the cauda in it, lying at its back as the patient lies.
    content = specimen.sac + 7.0 * soft_tissue.texture(distance.shape, 4.0, stream(specimen.seed, "roots"))
    soft_tissue.cover(painting.tissue, distance * pose.size, content, edge)
    painting.labels[distance < 0] = NERVE
    painting.structures[distance < 0] = STRUCTURES["thecal sac"]
