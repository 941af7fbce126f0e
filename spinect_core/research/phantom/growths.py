"""Bone beyond the plan: osteophytes, arthrotic facets, transitional processes, as rods set on a bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.sdf import Coordinates, block_around, capsule, part_of_grid, smooth_min

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Growth:
    """A rounded rod of bone in the frame of the bone it sits on, mm; unlike the bone itself never mirrored."""

    start: Point
    stop: Point
    radius: tuple[float, float]
    stretch: Point = (1.0, 1.0, 1.0)


def grown(solid: FloatArray, local: Coordinates, growths: tuple[Growth, ...], fillet: float) -> FloatArray:
    """The signed distance of a bone with its growths."""
    out = solid.copy() if growths else solid
    for growth in growths:
        ends = np.array([growth.start, growth.stop])
        half = np.ptp(ends, axis=0) / 2 + max(growth.radius) * np.asarray(growth.stretch) + fillet + 4.0
        block = block_around(local, ends.mean(axis=0), (float(half[0]), float(half[1]), float(half[2])))
        if out[block].size:
            rod = capsule(
                part_of_grid(local, block), growth.start, growth.stop, growth.radius, growth.stretch
            )
            out[block] = smooth_min(out[block], rod, fillet)
    return out


def rim(
    width: float,
    depth: float,
    level: float,
    tilt: float,
    towards: float,
    length: float,
    angle: float,
    rng: np.random.Generator,
) -> tuple[Growth, ...]:
    """An osteophytic lip round an end plate, with notches as nature leaves them.

    Args:
        width: of the end plate, mm.
        depth: of the end plate, mm.
        level: its height in the frame of the bone.
        tilt: rise of the end plate a millimetre backwards.
        towards: 1 if the disc lies above, -1 if below.
        length: of the longest lip, mm.
        angle: where it is, degrees from the front, positive to the left.
        rng: random stream of the notches.
    """
    out = []
    knots = np.arange(-135.0, 136.0, 30.0)
    ragged = rng.uniform(0.45, 1.0, len(knots))
    for turn in np.arange(-130.0, 131.0, 6.5):
        away = (turn - angle + 180.0) % 360.0 - 180.0
        size = length * float(np.exp(-((away / 62.0) ** 2)) * np.interp(turn, knots, ragged))
        # Backwards, towards the canal, lips stay small.
        size = min(size, 0.4 * length) if abs(turn) > 95.0 else size
        if size < 1.2:
            continue
        u, v = np.sin(np.radians(turn)), -np.cos(np.radians(turn))
        reach = (np.abs(u / (width / 2)) ** 2.5 + np.abs(v / (depth / 2)) ** 2.5) ** (-1 / 2.5)
        x, y = reach * u, reach * v
        z = level + tilt * y
        start = (float(x * 0.88), float(y * 0.88), float(z - towards * 2.6))
        stop = (float(x + size * u), float(y + size * v), float(z + towards * min(0.12 * size, 0.6)))
        out.append(Growth(start, stop, (2.6, 1.2)))
    return tuple(out)


def knobs(centre: Point, radii: Point, growth: float, rng: np.random.Generator) -> tuple[Growth, ...]:
    """Irregular bone round an arthrotic facet; ``centre`` already lies on its own side."""
    sign = np.sign(centre[0])
    out = []
    for _ in range(7):
        way = rng.standard_normal(3)
        # Bone is added behind, to the side and at the tips; in front of the facet the root passes.
        way[0] = abs(way[0]) * sign
        way[1] = abs(way[1])
        way /= np.linalg.norm(way)
        place = np.asarray(centre) + 0.8 * way * np.asarray(radii)
        size = growth * float(rng.uniform(0.75, 1.25))
        end = place + way * 0.35 * growth
        out.append(
            Growth(
                (float(place[0]), float(place[1]), float(place[2])),
                (float(end[0]), float(end[1]), float(end[2])),
                (size, 0.7 * size),
            )
        )
    return tuple(out)
