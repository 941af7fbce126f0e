"""Bowel in the abdomen: loops with wall, content and gas, and the mesentery with its small vessels."""

from __future__ import annotations

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.canvas import Canvas, Marble
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.sdf import capsule
from spinect_core.research.phantom.trunk_wall import Wall

GAS_HU = -950.0
LOOPS = (34, 52)
"""How many pieces of small bowel are laid."""

Loop = tuple[tuple[float, float, float], tuple[float, float, float], float, str]
"""Both ends of a piece of bowel, its radius in mm and what it holds."""


def draw_loops(rng: np.random.Generator) -> list[Loop]:
    """Ascending and descending colon at the sides, small bowel and sigmoid between them, gas here and there."""
    loops: list[Loop] = []
    gassy = float(rng.uniform(0.05, 0.5))
    right, left = float(rng.uniform(19.0, 30.0)), float(rng.uniform(10.0, 18.0))
    beside = float(rng.uniform(84.0, 100.0))
    for sign, radius in ((-1.0, right), (1.0, left)):
        level = -62.0
        at = [sign * (beside - 14.0), -60.0]
        while level < 130.0:
            after = [sign * (beside + float(rng.uniform(-5.0, 5.0))), -float(rng.uniform(38.0, 62.0))]
            stop = level + float(rng.uniform(20.0, 34.0))
            holds = "stool" if rng.random() < 0.75 else "gas"
            loops.append(
                (
                    (at[0], at[1], level),
                    (after[0], after[1], stop),
                    radius * float(rng.uniform(0.8, 1.1)),
                    holds,
                )
            )
            level, at = stop, after
    for _ in range(int(rng.integers(*LOOPS))):
        start = np.array([rng.uniform(-75.0, 75.0), -rng.uniform(58.0, 125.0), rng.uniform(-95.0, 120.0)])
        way = rng.standard_normal(3) * np.array([30.0, 12.0, 22.0])
        stop_at = start + way
        stop_at[1] = min(stop_at[1], -56.0)
        holds = "gas" if rng.random() < gassy else "fluid" if rng.random() < 0.7 else "stool"
        loops.append(
            (
                (float(start[0]), float(start[1]), float(start[2])),
                (float(stop_at[0]), float(stop_at[1]), float(stop_at[2])),
                float(rng.uniform(9.0, 16.0)),
                holds,
            )
        )
    return loops


def paint_mesentery(canvas: Canvas, wall: Wall, value: float, rng: np.random.Generator) -> None:
    """Small vessels as strands in the fat before the spine: where two smooth random fields are both zero."""
    _x, y, _z = canvas.p
    room = np.maximum(wall.fascia + 20.0, y + 40.0)
    one, two = (Marble.draw((9.0, 9.0, 9.0), rng).at(canvas.p) for _ in range(2))
    found = canvas.around(room, 0.0)
    if found is None:
        return
    rough, fine, part = found
    first, second = part.refine(one[rough]), part.refine(two[rough])
    # Fields of unit SD with 9 mm between samples change by about 1 in 9 mm.
    strand = np.hypot(first, second) * 9.0 - 1.3
    strand = np.maximum(strand, part.refine(room[rough]))
    inside = np.clip(0.5 - strand / canvas.edge, 0.0, 1.0)
    canvas.tissue[fine] += inside * (value - canvas.tissue[fine])


def paint_bowel(
    canvas: Canvas,
    wall: Wall,
    flank: FloatArray,
    bone: FloatArray,
    specimen: Specimen,
    enhanced: bool,
    rng: np.random.Generator,
) -> None:
    """Loops with a wall of 2 to 3 mm, filled with fluid, stool or gas; gas gathers in front, as the patient lies.

    Args:
        canvas: the picture.
        wall: the surfaces of the trunk.
        flank: signed distance of psoas and iliacus on the lattice.
        bone: signed distance of all bones there.
        specimen: the measures.
        enhanced: the patient was given contrast.
        rng: random stream.
    """
    p = canvas.p
    # Before the spine the bowel keeps off the vessels; the colon at the sides reaches back to the flank.
    behind = 34.0 - 0.9 * np.clip(np.abs(p[0]) - 60.0, 0.0, 40.0)
    room = np.maximum(np.maximum(wall.fascia + 17.0, p[1] + behind), 2.5 - np.minimum(flank, bone - 2.0))
    wave = 1.6 * Marble.draw((6.0, 6.0, 6.0), rng).at(p)
    crumbs = Marble.draw((1.8, 1.8, 1.8), rng).at(p)
    thick = float(rng.uniform(1.8, 3.0))
    nearest = np.full(p[0].shape, 40.0)
    gas = np.full(p[0].shape, 40.0)
    content = np.full(p[0].shape, 25.0)
    low = [float(part.min()) for part in p]
    high = [float(part.max()) for part in p]
    for start, stop, radius, holds in draw_loops(rng):
        fill, level = float(rng.uniform(5.0, 40.0)), float(rng.uniform(-0.6, 0.5))
        reach = radius + 8.0
        if any(
            max(a, b) + reach < least or min(a, b) - reach > most
            for a, b, least, most in zip(start, stop, low, high, strict=True)
        ):
            continue
        loop = capsule(p, start, stop, (radius, radius * 0.92)) + wave
        nearer = loop < nearest
        nearest = np.minimum(nearest, loop)
        content = np.where(nearer, fill, content)
        if holds == "stool":
            content = np.where(nearer, fill + 8.0 - 260.0 * np.clip(crumbs - 0.2, 0.0, 1.6), content)
        elif holds == "gas":
            surface = (start[1] + stop[1]) / 2 + level * radius
            gas = np.where(nearer, np.maximum(loop + thick, p[1] - surface), gas)
        gas = np.where(nearer & (holds != "gas"), 40.0, gas)
    tube = np.maximum(nearest, room)
    mucosa = specimen.muscle - 8.0 + (45.0 if enhanced else 0.0)
    canvas.lay(tube, mucosa, "bowel")
    canvas.lay(tube + thick, content, "bowel")
    canvas.lay(np.maximum(gas, tube + thick), GAS_HU, "bowel")
