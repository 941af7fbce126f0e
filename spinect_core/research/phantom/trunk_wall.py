"""The outside of the trunk: skin, subcutaneous fat with its septa, fascia and the muscles of the abdominal wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.canvas import Canvas, Marble
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.sdf import Coordinates, ellipsoid, smooth_max, smooth_min

OUTSIDE_HU = -1000.0
SKIN_HU = 25.0
SKIN_MM = 2.0
MUSCLE_BACK = (64.0, 76.0)
"""How far behind the end plate of S1 the muscles of the back reach, mm."""


@dataclass(frozen=True, eq=False)
class Wall:
    """Surfaces of the trunk on the lattice, mm, negative inside.

    Attributes:
        skin: outer surface.
        fascia: surface under the subcutaneous fat; everything muscular lies within it.
        back: y of the fascia in the midline at the end plate of S1.
    """

    skin: FloatArray
    fascia: FloatArray
    back: float


def outline(
    x: FloatArray, y: FloatArray, half_width: FloatArray, back: FloatArray, front: float
) -> FloatArray:
    """Signed distance of a rounded trunk; exact to first order at its surface."""
    power = 2.5
    half = (back - front) / 2
    u, v = np.abs(x) / half_width, np.abs(y - (back + front) / 2) / half
    r = np.maximum((u**power + v**power) ** (1.0 / power), 1e-6)
    slope = np.hypot((u / r) ** (power - 1) / half_width, (v / r) ** (power - 1) / half)
    return np.asarray((r - 1.0) / np.maximum(slope, 1e-6))


def draw_wall(p: Coordinates, bone: FloatArray, specimen: Specimen, rng: np.random.Generator) -> Wall:
    """The surfaces of a specimen, from lean to obese as its skin depth has it.

    Args:
        p: coordinates on the lattice, mm.
        bone: signed distance of all bones there.
        specimen: the measures.
        rng: random stream of the trunk.
    """
    x, y, z = p
    muscle_back = float(rng.uniform(*MUSCLE_BACK))
    skin_back = max(24.0 + specimen.skin_depth, 74.0)
    # However thick the fat, six centimetres of back lie under it; however lean, half a centimetre of fat over it.
    thick = max(skin_back - muscle_back, 5.0, specimen.finding("obesity", "subcutaneous"))
    muscle_back = max(skin_back - thick, MUSCLE_BACK[0] - 10.0)
    skin_back = muscle_back + thick
    beside = float(np.clip(thick * rng.uniform(0.5, 1.1), 4.0, 55.0))
    before = float(np.clip(thick * rng.uniform(0.5, 1.3), 5.0, 60.0))
    inner = np.interp(z, [-90.0, -40.0, 0.0, 30.0, 90.0], [172.0, 165.0, 153.0, 141.0, 134.0])
    inner = inner * float(rng.uniform(0.97, 1.05))
    front = -float(rng.uniform(98.0, 135.0)) - 0.25 * thick
    # The back bulges towards the buttocks.
    bulge = float(rng.uniform(6.0, 22.0)) * np.clip((25.0 - z) / 90.0, 0.0, 1.0)
    skin = outline(x, y, inner + beside, skin_back + bulge, front - before)
    cleft = 5.0 * np.exp(-((x / 10.0) ** 2)) * np.clip(y / 40.0, 0.0, 1.0)
    fascia = outline(x, y, inner, muscle_back + 0.8 * bulge, front) + cleft
    skin = smooth_min(skin, bone - float(rng.uniform(6.0, 12.0)), 8.0)
    skin = smooth_min(skin, fascia - 5.0, 3.0)
    return Wall(skin, fascia, muscle_back)


def paint_fat_and_skin(canvas: Canvas, wall: Wall, specimen: Specimen, rng: np.random.Generator) -> None:
    """Skin, and the fat under it with septa parallel to the skin and vessels across it."""
    grain = Marble.draw((9.0, 9.0, 9.0), rng).at(canvas.p)
    fat = specimen.fat + 5.0 * grain
    canvas.lay(wall.skin, SKIN_HU + 12.0, "skin")
    # Septa are thinner than the lattice: as a dim trace of them in the fat, which is how CT shows them.
    leaf = Marble.draw((26.0, 26.0, 40.0), rng).at(canvas.p) * 4.0 + wall.fascia
    strength = float(rng.uniform(8.0, 38.0))
    septa = np.exp(-(((np.mod(leaf, 13.0) - 6.5) / 1.1) ** 2)) * np.clip(grain + 0.3, 0.0, 1.0)
    canvas.lay(wall.skin + SKIN_MM, fat + strength * septa, "subcutaneous fat")


def paint_abdominal_wall(
    canvas: Canvas,
    wall: Wall,
    specimen: Specimen,
    muscle: FloatArray,
    rng: np.random.Generator,
    *,
    quadratus: bool = True,
) -> None:
    """Inside of the trunk filled with fat, rectus and the flat muscles in two leaves round it, and the quadratus.

    Args:
        canvas: the picture.
        wall: the surfaces.
        specimen: the measures.
        muscle: HU on the lattice.
        rng: random stream.
        quadratus: whether the quadratus lumborum is laid, without a number of its own.
    """
    x, y, z = canvas.p
    ax = np.abs(x)
    grain = Marble.draw((7.0, 7.0, 7.0), rng).at(canvas.p)
    canvas.lay(wall.fascia, specimen.fat + 5.0 * grain)
    canvas.structures[canvas.lattice.refine(wall.fascia) < 0.0] = 0
    thick = float(rng.uniform(9.0, 17.0))
    # Above the crest the flat muscles reach to the back, below it they begin in front of the wing.
    behind = y - np.interp(z, [-60.0, 0.0, 24.0, 45.0], [-52.0, -34.0, 2.0, 34.0])
    taper = np.clip(-behind / 22.0, 0.0, 1.0)
    depth = -wall.fascia
    shell = np.abs(depth - 1.0 - thick * taper / 2) - thick * taper / 2
    rectus_edge = float(rng.uniform(60.0, 74.0))
    lateral = smooth_max(np.maximum(shell, behind), np.where(y < 0, rectus_edge - ax, -20.0), 4.0)
    leaf = np.abs(depth - 1.0 - thick * taper * 0.55)
    canvas.lay(lateral, muscle - 70.0 * np.exp(-((leaf / 0.9) ** 2)))
    straight = np.abs(depth - 1.0 - 0.42 * thick) - 0.42 * thick
    rectus = smooth_max(np.maximum(straight, y), np.maximum(ax - rectus_edge + 1.0, 2.0 - ax), 3.0)
    canvas.lay(rectus, muscle)
    if quadratus:
        square = ellipsoid((ax - 0.12 * (z - 60.0), y, z), (72.0, 22.0, 70.0), (21.0, 8.5, 50.0))
        canvas.lay(square, muscle)
