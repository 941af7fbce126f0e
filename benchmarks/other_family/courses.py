"""The sac and the roots: lines through canal and foramina, settled clear of bone or on it, as the case has it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from benchmarks.other_family.fields import Array, Grid, Points, spline, tube
from benchmarks.other_family.skeleton import BONES, DISCS, Skeleton

RADII = {"L3": 1.9, "L4": 2.2, "L5": 2.5, "S1": 2.6, "S2": 1.8}
LUMBAR = ("L3", "L4", "L5")
WAYS = ("free", "disc", "ala", "flattened")
"""How a root runs beyond its foramen."""


@dataclass(frozen=True, eq=False)
class Root:
    """One root.

    Attributes:
        points: (n, 3) LPS mm from the sac outwards, 0.5 mm apart.
        radii: (n,) mm.
        flat: (n,) breadth by thickness of the section.
        normals: (n, 3) across which it is thin.
        ganglion: number of the point in the middle of its ganglion.
        way: one of :data:`WAYS`.
    """

    points: Points
    radii: Points
    flat: Points
    normals: Points
    ganglion: int
    way: str


@dataclass(frozen=True, eq=False)
class Sac:
    """The thecal sac: an ellipse swept along the canal.

    Attributes:
        points: (n, 3) LPS mm from above downwards.
        across: (n,) half axis to the sides in mm.
        deep: (n,) half axis to front and back.
    """

    points: Points
    across: Points
    deep: Points


def bored(skeleton: Skeleton, rng: np.random.Generator) -> Skeleton:
    """The sacrum opened along its canal and its roots' foramina, which the model does not have (or too narrow)."""
    grid = skeleton.grid
    sacrum = skeleton.distances["sacrum"].copy()
    canal = spline(skeleton.marks["canal"])
    below = np.linspace(0, 1, len(canal))
    lines = [(canal, 8.2 - 3.6 * np.clip((below - 0.55) / 0.45, 0, 1))]
    wide = rng.uniform(0.8, 2.2)
    for name in ("S1", "S2"):
        for side in ("left", "right"):
            way = spline(skeleton.marks[f"route {name} {side}"])
            lines.append((way, np.full(len(way), RADII[name] + 0.5 + wide)))
    for points, radii in lines:
        box, hollow = tube(grid, points, radii)
        sacrum[box] = np.maximum(sacrum[box], -hollow)
    return Skeleton(grid, {**skeleton.distances, "sacrum": sacrum}, skeleton.marks)


def obstacles(skeleton: Skeleton) -> Array:
    """Distance to the nearest bone or disc."""
    found = [array for name, array in skeleton.distances.items() if name in (*BONES, *DISCS)]
    return np.asarray(np.min(found, axis=0), dtype=np.float32)


def lay_sac(skeleton: Skeleton, walls: Array, rng: np.random.Generator, *, full: bool) -> Sac:
    """The sac of a case.

    Args:
        skeleton: the bones, bored.
        walls: distance to bone and disc.
        rng: numbers from it.
        full: whether it fills its canal.
    """
    points = spline(skeleton.marks["canal"])
    down = _arc(points)
    end = rng.uniform(105, 138)
    points, down = points[down <= end], down[down <= end]
    taper = np.clip((end - down) / 38, 0.02, 1) ** 0.6
    across, deep = rng.uniform(7.2, 9.5) * taper, rng.uniform(5.6, 7.2) * taper
    points = settled(skeleton.grid, points, walls, np.full(len(points), 5.5), touching=False, smooth=8)
    room = skeleton.grid.sample(walls, points)
    gap = rng.uniform(0.2, 0.8) if full else rng.uniform(1.0, 2.2)
    # The canal is broader than deep: its middle is farther from its side walls than from body and lamina.
    reach = np.maximum(room - gap, 0.8)
    deep = np.minimum(reach if full else np.minimum(deep, reach), 9.0)
    across = np.minimum(across * (1.25 if full else 1.0), deep * rng.uniform(1.25, 1.5))
    return Sac(points, gaussian_filter1d(across, 6), gaussian_filter1d(deep * np.minimum(taper + 0.1, 1), 6))


def lay_root(
    skeleton: Skeleton, walls: Array, sac: Sac, name: str, side: str, way: str, rng: np.random.Generator
) -> Root:
    """One root of a case.

    Args:
        skeleton: the bones, bored.
        walls: distance to bone and disc.
        sac: from which it comes.
        name: ``L3`` to ``S2``.
        side: ``left`` or ``right``.
        way: one of :data:`WAYS`.
        rng: numbers from it.
    """
    waypoints, at = _waypoints(skeleton, sac, name, side, rng)
    points = spline(waypoints)
    arc = _arc(points)
    middle = int(np.argmin(np.linalg.norm(points - waypoints[at], axis=1)))
    out = np.clip((arc - arc[middle] - 7) / 8, 0, 1)
    size = RADII[name] * rng.uniform(0.85, 1.15)
    swelling = rng.uniform(0.3, 0.9) * np.exp(-(((arc - arc[middle]) / rng.uniform(3.5, 5.5)) ** 2))
    thinner = 1 - 0.25 * np.clip((arc[middle] - arc) / 15, 0, 1)
    radii = size * thinner + swelling
    touching = way != "free" and name in LUMBAR
    flat = 1 + out * (rng.uniform(0.9, 1.8) if way == "flattened" else rng.uniform(0, 0.35))
    clear = radii / np.sqrt(flat) + 0.3 + (out * rng.uniform(1.5, 4) if way == "free" else 0)
    points = settled(skeleton.grid, points, walls, clear, touching=touching, smooth=5, hold=12)
    return Root(points, radii, flat, skeleton.grid.gradient(walls, points), middle, way)


def _waypoints(
    skeleton: Skeleton, sac: Sac, name: str, side: str, rng: np.random.Generator
) -> tuple[Points, int]:
    """Places (n, 3) LPS mm that a root passes, and the number of its ganglion among them."""
    route = skeleton.marks[f"route {name} {side}"].copy()
    if name not in LUMBAR:
        start = sac.points[np.argmin(np.abs(sac.points[:, 2] - route[0, 2] - 7))]
        return np.concatenate([[start], route + rng.normal(0, 0.4, 3)]), 3 if name == "S1" else 2
    under = skeleton.marks[f"pedicle {name} {side}"][0]
    sign = 1.0 if side == "left" else -1.0
    canal = sac.points
    high = canal[np.argmin(np.abs(canal[:, 2] - under[2] - rng.uniform(14, 22)))]
    level = canal[np.argmin(np.abs(canal[:, 2] - under[2] - 4))]
    recess = np.array([under[0] - sign * rng.uniform(8.5, 10.5), level[1] - rng.uniform(0, 3), under[2] + 5])
    low = rng.uniform(4.0, 6.0)
    ganglion = under + np.array([sign * rng.uniform(-2, 3.5), rng.uniform(0.0, 2.5), -low])
    leave = under + np.array([sign * 8.0, -4.0, -low - rng.uniform(5, 8)])
    route[:, 0] += sign * rng.normal(0, 2.0)
    route[:, 1] += rng.normal(0, 2.5)
    return np.concatenate([[high, recess, ganglion, leave], route]), 2


def settled(
    grid: Grid, points: Points, walls: Array, clear: Points, *, touching: bool, smooth: float, hold: int = 0
) -> Points:
    """A line pushed out of what is nearer than it should be, and drawn onto it where it is to touch.

    Args:
        grid: of the walls.
        points: (n, 3) LPS mm.
        walls: distance to what it may not enter.
        clear: (n,) mm that its middle keeps from them.
        touching: whether it lies on them beyond its first half where they are within 6 mm of it.
        smooth: points over which it is smoothed.
        hold: so many first points stay.
    """
    line = points.copy()
    beyond = np.arange(len(points)) > len(points) * 0.4
    for turn in range(70):
        distance = grid.sample(walls, line)
        short = clear - distance
        push = np.clip(short, 0, 1.2)
        if touching:
            push = np.where(beyond & (short < 0) & (short > -6), np.clip(short, -0.6, 0), push)
        move = push[:, None] * grid.gradient(walls, line)
        move[:hold] = 0
        line = line + move
        if turn < 62:
            keep = gaussian_filter1d(line, smooth, axis=0, mode="nearest")
            keep[: max(hold, 1)] = line[: max(hold, 1)]
            line = keep if turn % 2 == 0 else line
    return np.asarray(gaussian_filter1d(line, 1.5, axis=0, mode="nearest"))


def _arc(points: Points) -> Points:
    """How far (n,) mm each point of a line lies along it."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def sac_distance(grid: Grid, sac: Sac) -> tuple[tuple[slice, slice, slice], Array]:
    """Distance (about, mm) to the wall of the sac in the part of the grid that holds it."""
    box = grid.box(sac.points, float(sac.across.max()) + 4)
    places = grid.places(box)
    _apart, near = cKDTree(sac.points).query(places)
    way = np.gradient(sac.points, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    side = np.cross(way, np.array([0.0, 1.0, 0.0]))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    offset = places - sac.points[near]
    across = (offset * side[near]).sum(axis=1)
    along = (offset * way[near]).sum(axis=1)
    deep = (offset * np.cross(side, way)[near]).sum(axis=1)
    a, b = sac.across[near], sac.deep[near]
    ratio = np.sqrt((across / a) ** 2 + (deep / b) ** 2)
    distance = np.maximum((ratio - 1) * np.minimum(a, b), np.abs(along) - 1.0)
    shape = tuple(part.stop - part.start for part in box)
    return box, distance.astype(np.float32).reshape(shape)
