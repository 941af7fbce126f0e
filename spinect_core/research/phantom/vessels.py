"""Great vessels and their branches before the spine, plaques in their walls, ureters and the vessels of the mesentery.

The aorta divides at L4 and the common iliac veins join at L5; in front of the sacroiliac joint the iliac vessels
divide into an internal branch, down to the pelvis, and an external one along the psoas.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.canvas import Canvas, Marble
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.sdf import Coordinates

Knots = list[tuple[float, float, float, float]]
"""Points (x, y, z) of a vessel with its radius there, mm."""

BIFURCATION = (44.0, 62.0)
"""Height over the end plate of S1 at which the aorta divides, mm: before L4 or its lower disc."""


def front_of_spine(p: Coordinates, bone: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Heights and the y of the foremost bone near the midline there, mm; a usual spine where the picture has none."""
    z = np.arange(-90.0, 131.0, 10.0)
    usual = np.interp(
        z, [-90.0, -60.0, -30.0, -8.0, 10.0, 30.0, 60.0, 130.0], [50, 30, 8, -12, -22, -27, -30, -26]
    )
    near = (np.abs(p[0]) < 14.0) & (bone < 0.0)
    heights, depths = p[2][near], p[1][near]
    front = usual.copy()
    for number, height in enumerate(z):
        here = np.abs(heights - height) < 5.0
        if np.count_nonzero(here) > 20:
            front[number] = depths[here].min()
    # A disc stands as far forwards as the bones beside it.
    smooth = np.minimum(front, np.convolve(np.pad(front, 1, mode="edge"), np.ones(3) / 3, mode="valid"))
    return z, smooth


def tube(p: Coordinates, knots: Knots) -> FloatArray:
    """Signed distance of a smooth tube through knots, mm; 20 where it is farther than that."""
    table = np.array(knots)
    t = np.arange(len(table), dtype=np.float64)
    count = int(np.linalg.norm(np.diff(table[:, :3], axis=0), axis=1).sum() / 1.5) + 2
    fine = PchipInterpolator(t, table)(np.linspace(0.0, t[-1], count))
    reach = 8.0 + float(fine[:, 3].max())
    low, high = fine[:, :3].min(axis=0) - reach, fine[:, :3].max(axis=0) + reach
    near = np.ones(p[0].shape, dtype=bool)
    for axis in range(3):
        near &= (p[axis] > low[axis]) & (p[axis] < high[axis])
    out = np.full(p[0].shape, 20.0)
    query = np.stack([p[axis][near] for axis in range(3)], axis=1)
    distance, index = cKDTree(fine[:, :3]).query(query, distance_upper_bound=reach)
    hit = np.isfinite(distance)
    found = np.full(len(query), 20.0)
    found[hit] = distance[hit] - fine[index[hit], 3]
    out[near] = found
    return out


def courses(
    front: tuple[FloatArray, FloatArray], rng: np.random.Generator
) -> tuple[list[Knots], list[Knots]]:
    """Arteries and veins of a specimen."""
    split = float(rng.uniform(*BIFURCATION))
    join = split - float(rng.uniform(16.0, 26.0))
    wide = float(np.clip(rng.normal(1.0, 0.12), 0.8, 1.4))
    winding = float(rng.uniform(0.5, 4.0))

    def before(z: float, gap: float) -> float:
        return float(np.interp(z, *front)) - gap

    def sway() -> float:
        return float(rng.normal(0.0, winding))

    middle = 3.0 + sway()
    aorta = [
        (6.0 + sway() / 2, before(z, 10.5 * wide), z, 8.8 * wide) for z in (135.0, (135.0 + split) / 2)
    ] + [(middle, before(split, 9.0 * wide), split, 8.0 * wide)]
    arteries, veins = [aorta], []
    centre = -8.0 + sway() / 2
    cava = [(-17.0, before(z, 11.0), z, 10.0) for z in (135.0, (135.0 + join) / 2, join + 14.0)]
    veins.append([*cava, (centre - 5.0, before(join, 8.5), join, 8.5)])
    for sign in (1.0, -1.0):
        low = join - 44.0 + sway()
        fork = (sign * (34.0 + sway()), before(low, 0.0) - 24.0, low)
        arteries.append(
            [
                (middle, before(split, 9.0 * wide), split, 6.0 * wide),
                (sign * (15.0 + sway()), before(join, 15.0), join, 5.2 * wide),
                (*fork, 4.8 * wide),
                (sign * (53.0 + sway()), -52.0, min(low - 18.0, -30.0), 4.3 * wide),
                (sign * 64.0, -80.0, -100.0, 4.2 * wide),
            ]
        )
        inward = [
            (*fork, 4.2 * wide),
            (sign * (40.0 + sway()), before(low - 14.0, 0.0) - 24.0, low - 16.0, 3.5),
            (sign * 46.0, -4.0, -62.0, 3.0),
            (sign * 50.0, 14.0, -96.0, 2.5),
        ]
        arteries.append(inward)
        veins.append(
            [
                (centre - 5.0, before(join, 8.5), join, 7.5),
                (sign * 13.0 - 3.0, before(join - 20.0, 8.0), join - 20.0, 7.0),
                (sign * 36.0, before(low, 0.0) - 13.0, low - 4.0, 6.0),
                (sign * 52.0, -40.0, min(low - 24.0, -38.0), 5.4),
                (sign * 58.0, -68.0, -100.0, 5.6),
            ]
        )
        veins.append(
            [
                (sign * 37.0, before(low, 0.0) - 12.0, low - 6.0, 5.0),
                (sign * 46.0, -10.0, min(low - 26.0, -44.0), 4.2),
                (sign * 52.0, 8.0, -98.0, 3.2),
            ]
        )
    return arteries, veins


def paint_vessels(
    canvas: Canvas, bone: FloatArray, specimen: Specimen, rng: np.random.Generator
) -> tuple[float, float]:
    """Vessels with blood or contrast and, in the old, plaques; returns the HU of arteries and of veins.

    Args:
        canvas: the picture.
        bone: signed distance of all bones on the lattice.
        specimen: the measures.
        rng: random stream.
    """
    p = canvas.p
    phase = float(rng.random())
    plain = float(rng.uniform(34.0, 48.0))
    arterial, venous = plain, plain - 1.0
    if phase > 0.65:
        arterial = float(rng.uniform(120.0, 260.0))
        venous = arterial * float(rng.uniform(0.5, 0.9))
    arteries, veins = courses(front_of_spine(p, bone), rng)
    # Bone and muscle give the vessels their room: they lie on it, never in it.
    free = 1.5 - bone
    venous_tubes = np.minimum.reduce([tube(p, knots) for knots in veins])
    canvas.lay(np.maximum(venous_tubes, free), venous, "veins")
    lumen = np.maximum(np.minimum.reduce([tube(p, knots) for knots in arteries]), free)
    burden = float(rng.choice([0.0, 0.0, 0.3, 0.7, 1.1]))
    canvas.lay(lumen, arterial, "arteries")
    patches = Marble.draw((4.0, 4.0, 7.0), rng).at(p)
    if burden > 0.0:
        plaque = np.maximum(np.abs(lumen + 0.6) - 0.9, (2.1 - burden - patches) * 2.0)
        canvas.lay(plaque, float(rng.uniform(450.0, 900.0)), "arteries")
    for sign in (1.0, -1.0):
        ureter: Knots = [
            (sign * 34.0, -34.0, 130.0, 2.0),
            (sign * (38.0 + float(rng.normal(0.0, 3.0))), -42.0, 50.0, 2.2),
            (sign * 38.0, -48.0, 0.0, 2.0),
            (sign * (46.0 + float(rng.normal(0.0, 3.0))), -42.0, -40.0, 2.0),
            (sign * 58.0, -26.0, -100.0, 2.2),
        ]
        canvas.lay(tube(p, ureter), specimen.muscle - 22.0)
    return arterial, venous
