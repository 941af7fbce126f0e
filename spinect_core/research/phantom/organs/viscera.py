"""Kidneys, colon, small bowel, the great vessels above L3 and what else fills the abdomen, in wide variety.

All places are in the frame of the specimen: origin in the middle of the upper end plate of S1, x to the left, y to the
back, z to the head, mm. The numbers are working values: wide enough to hold what lies where in life, without a
published source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.canvas import Canvas, Marble
from spinect_core.research.phantom.organs.numbers import direct
from spinect_core.research.phantom.sdf import Coordinates, capsule, ellipsoid, smooth_max
from spinect_core.research.phantom.trunk_wall import Wall
from spinect_core.research.phantom.vessels import Knots, courses, front_of_spine, tube

Rng = np.random.Generator

GAS, STOOL, FLUID, CONTRAST, EMPTY = "gas", "stool", "fluid", "contrast", "empty"
FAR = 40.0


@dataclass(frozen=True)
class Phase:
    """How far an injected contrast medium has come.

    Attributes:
        arteries: HU.
        veins: HU.
        cortex: HU of the renal cortex.
        medulla: HU of the renal medulla.
        urine: HU in the renal pelvis.
        organ: HU of liver and spleen.
        mucosa: HU added to the wall of the bowel.
    """

    arteries: float
    veins: float
    cortex: float
    medulla: float
    urine: float
    organ: float
    mucosa: float


def draw_phase(rng: Rng) -> Phase:
    """None, arterial, portal venous or late."""
    plain = float(rng.uniform(28.0, 52.0))
    kidney = float(rng.uniform(22.0, 42.0))
    dice = rng.random()
    if dice < 0.5:
        return Phase(
            plain, plain + rng.uniform(-3, 3), kidney, kidney, rng.uniform(0, 15), rng.uniform(30, 65), 0.0
        )
    if dice < 0.62:
        return Phase(
            rng.uniform(180, 380), plain + rng.uniform(0, 60), rng.uniform(120, 210), rng.uniform(50, 110),
            rng.uniform(0, 15), rng.uniform(50, 80), rng.uniform(10, 60),
        )  # fmt: skip
    blood = float(rng.uniform(100.0, 200.0))
    late = dice > 0.85
    return Phase(
        blood, blood * rng.uniform(0.7, 1.05), rng.uniform(140, 220), rng.uniform(130, 220),
        rng.uniform(200, 800) if late else rng.uniform(0, 20), rng.uniform(80, 125), rng.uniform(10, 60),
    )  # fmt: skip


def lay(canvas: Canvas, distance: FloatArray, value: FloatArray | float, name: str) -> None:
    """Lay a solid over the picture, numbered as a class of the organ network."""
    canvas.lay(distance, value)
    found = canvas.around(distance, 0.0)
    if found is not None:
        rough, fine, part = found
        canvas.structures[fine][part.refine(distance[rough]) < 0.0] = direct(name)


# --- vessels ---------------------------------------------------------------------------------------------------------


def paint_great_vessels(
    canvas: Canvas, bone: FloatArray, phase: Phase, kidneys: list[tuple[float, float, float]], rng: Rng
) -> FloatArray:
    """Aorta, cava, iliac and renal vessels; returns their distance.

    Args:
        canvas: the picture.
        bone: signed distance of all bones on the lattice.
        phase: HU of the blood.
        kidneys: hila.
        rng: random stream.
    """
    p = canvas.p
    arteries, veins = courses(front_of_spine(p, bone), rng)
    stout = (float(rng.uniform(0.85, 1.35)), float(rng.uniform(0.6, 1.35)))
    for group, factor in zip((arteries, veins), stout, strict=True):
        for number, knots in enumerate(group):
            group[number] = [(x, y, z, radius * factor) for x, y, z, radius in knots]
        x, y, z, radius = group[0][0]
        # At the diaphragm the aorta has gone behind, the cava before.
        ahead = 4.0 if group is arteries else -18.0
        group[0] = [(x, y + ahead, z + 55.0, radius), *group[0]]
    for x, y, z in kidneys:
        top = arteries[0][1]
        start = (top[0], top[1], z + float(rng.uniform(0.0, 12.0)))
        middle = ((x + start[0]) / 2, y - 4.0, z + 4.0)
        arteries.append([(*start, 3.2), (*middle, 2.8), (x, y, z, 2.4)])
        cava = veins[0][1]
        veins.append(
            [(cava[0], cava[1], z, 5.0), ((x + cava[0]) / 2, y - 12.0, z - 2.0, 4.4), (x, y, z - 3.0, 3.6)]
        )
    free = 1.0 - bone
    flat = float(rng.uniform(0.6, 1.0))
    venous = np.maximum(np.minimum.reduce([tube(p, knots) for knots in veins]), free)
    arterial = np.maximum(np.minimum.reduce([tube(p, knots) for knots in arteries]), free)
    venous = np.maximum(venous, -2.0 * (1.0 - flat) - arterial)
    mixing = Marble.draw((9.0, 9.0, 14.0), rng).at(p) * (0.06 * abs(phase.veins - 40.0))
    lay(canvas, venous, phase.veins + mixing, "great vessels")
    lay(canvas, arterial, phase.arteries, "great vessels")
    if rng.random() < 0.5:
        patches = Marble.draw((4.0, 4.0, 7.0), rng).at(p)
        plaque = np.maximum(np.abs(arterial + 0.8) - 1.2, (float(rng.uniform(0.6, 1.8)) - patches) * 2.0)
        lay(canvas, plaque, float(rng.uniform(300.0, 900.0)), "great vessels")
    return np.minimum(venous, arterial)


# --- kidneys ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kidney:
    """A kidney: middle, half axes (x, y, z), its lean and turn in degrees, and the fat round it in mm."""

    sign: float
    middle: tuple[float, float, float]
    half: tuple[float, float, float]
    lean: float
    turn: float
    fat: float

    @property
    def hilum(self) -> tuple[float, float, float]:
        """Where the vessels go in."""
        x, y, z = self.middle
        return x - self.sign * 0.75 * self.half[0], y - 0.3 * self.half[1], z

    def local(self, p: Coordinates) -> Coordinates:
        """Coordinates along its own axes: to the side, to the back, up."""
        x, y, z = (self.sign * (p[0] - self.middle[0]), p[1] - self.middle[1], p[2] - self.middle[2])
        a, b = np.radians(self.lean), np.radians(self.turn)
        # The upper pole lies nearer the midline and farther back; the hilum looks forwards.
        x, z = np.cos(a) * x + np.sin(a) * z, -np.sin(a) * x + np.cos(a) * z
        y, z = y - 0.25 * z, z
        return np.cos(b) * x + np.sin(b) * y, -np.sin(b) * x + np.cos(b) * y, z


def draw_kidneys(rng: Rng) -> list[Kidney]:
    """Two as a rule; lower poles between L2 and L4, the right one lower."""
    found = []
    fat = float(np.exp(rng.uniform(np.log(3.0), np.log(22.0))))
    for sign in (1.0, -1.0):
        if rng.random() < 0.06:
            continue
        half = (
            float(rng.uniform(24.0, 33.0)), float(rng.uniform(19.0, 28.0)), float(rng.uniform(44.0, 63.0)),
        )  # fmt: skip
        pole = float(rng.uniform(42.0, 122.0)) + (5.0 if sign > 0 else -8.0)
        middle = (sign * float(rng.uniform(57.0, 78.0)), float(rng.uniform(-22.0, 4.0)), pole + half[2])
        found.append(
            Kidney(sign, middle, half, float(rng.uniform(2.0, 22.0)), float(rng.uniform(-10.0, 60.0)), fat)
        )
    return found


def paint_kidneys(
    canvas: Canvas,
    kidneys: list[Kidney],
    keep_off: FloatArray,
    wall: Wall,
    fat: float,
    phase: Phase,
    rng: Rng,
) -> FloatArray:
    """Kidneys in their fat; returns the distance of fat and kidneys, which the bowel keeps off."""
    p = canvas.p
    capsule_of_fat = np.full(p[0].shape, FAR)
    wave = Marble.draw((11.0, 11.0, 11.0), rng).at(p)
    room = np.maximum(1.5 - keep_off, wall.fascia + 9.0)
    for kidney in kidneys:
        q = kidney.local(p)
        body = ellipsoid(q, (0.0, 0.0, 0.0), kidney.half) + float(rng.uniform(0.5, 2.2)) * wave
        body = np.maximum(body, room)
        tail = capsule(
            q, (0.0, 0.0, 0.0), (0.0, 4.0, -kidney.half[2] - float(rng.uniform(5.0, 40.0))), (20.0, 8.0)
        )
        round_it = np.maximum(np.minimum(body - kidney.fat, tail), room)
        grain = Marble.draw((6.0, 6.0, 6.0), rng).at(p)
        strands = np.exp(-((grain / 0.18) ** 2)) * float(rng.uniform(0.0, 45.0))
        lay(canvas, round_it, fat + strands, "other")
        if rng.random() < 0.5:  # Gerota's fascia
            canvas.lay(np.abs(round_it + 0.4) - 0.5, fat + 60.0)
        lay(canvas, body, phase.cortex, "kidney")
        deep = body + float(rng.uniform(6.0, 10.0))
        pyramids = np.maximum(deep, -wave * 3.0)
        lay(canvas, pyramids, phase.medulla, "kidney")
        a, b, c = kidney.half
        sinus = ellipsoid(q, (-0.45 * a, 0.0, 0.0), (0.62 * a, 0.5 * b, 0.55 * c)) + 1.5 * wave
        lay(canvas, np.maximum(sinus, room), fat + 15.0, "other")
        wide = float(rng.choice([3.0, 5.0, 9.0], p=[0.6, 0.3, 0.1]))
        for level in (-0.35, 0.0, 0.35):
            calyx = capsule(q, (-0.5 * a, 0.0, 0.0), (-0.1 * a, 0.0, level * c), (wide, 0.8 * wide))
            lay(canvas, np.maximum(calyx, room), phase.urine, "kidney")
        for _ in range(int(rng.choice([0, 0, 0, 1, 2]))):
            where = (
                float(rng.uniform(-0.3, 0.9)) * a,
                float(rng.uniform(-0.8, 0.8)) * b,
                float(rng.uniform(-0.9, 0.9)) * c,
            )
            cyst = ellipsoid(q, where, (float(rng.uniform(5.0, 20.0)),) * 3)
            lay(canvas, np.maximum(cyst, room), float(rng.uniform(0.0, 20.0)), "kidney")
        capsule_of_fat = np.minimum(capsule_of_fat, round_it)
    return capsule_of_fat


# --- bowel -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Gut:
    """A piece of bowel: points (n, 3) along it, the radius (n,) there, and what each of its points holds."""

    points: FloatArray
    radius: FloatArray
    holds: npt.NDArray[np.object_]
    own: FloatArray
    level: FloatArray


def _gut(knots: Knots, rng: Rng, chances: dict[str, float], piece_mm: float, haustra: float = 0.0) -> Gut:
    table = np.array(knots)
    t = np.arange(len(table), dtype=np.float64)
    length = float(np.linalg.norm(np.diff(table[:, :3], axis=0), axis=1).sum())
    count = int(length / 2.5) + 2
    fine = PchipInterpolator(t, table)(np.linspace(0.0, t[-1], count))
    step = length / (count - 1)
    radius = fine[:, 3].copy()
    if haustra:
        phase = np.cumsum(np.full(count, step)) / float(rng.uniform(22.0, 40.0)) * 2 * np.pi
        radius *= 1.0 + haustra * np.sin(phase)
    holds = np.empty(count, object)
    own, level = np.empty(count), np.empty(count)
    start = 0
    names = list(chances)
    weights = np.array([chances[name] for name in names])
    while start < count:
        stop = min(start + max(int(rng.uniform(0.4, 1.8) * piece_mm / step), 2), count)
        kind = str(rng.choice(names, p=weights / weights.sum()))
        holds[start:stop] = kind
        own[start:stop] = {
            GAS: -950.0, STOOL: rng.uniform(5.0, 75.0), FLUID: rng.uniform(-5.0, 45.0),
            CONTRAST: rng.uniform(120.0, 650.0), EMPTY: rng.uniform(30.0, 55.0),
        }[kind]  # fmt: skip
        level[start:stop] = rng.uniform(-0.7, 0.8)
        if kind == EMPTY:
            radius[start:stop] *= 0.55
        start = stop
    return Gut(fine[:, :3], np.maximum(radius, 4.0), holds, own, level)


def draw_colon(kidneys: list[Kidney], half_width: float, front: float, rng: Rng) -> list[Gut]:
    """Ascending, transverse and descending colon, sigmoid and rectum.

    The colon at the sides lies anywhere between the middle of the abdomen and, behind the kidney or beside the psoas,
    the quadratus: what a needle from behind may meet.
    """
    full = float(rng.uniform(0.3, 1.0))
    chances = {GAS: float(rng.uniform(0.1, 0.9)), STOOL: full, FLUID: 0.12, EMPTY: 0.25,
               CONTRAST: float(rng.random() < 0.2)}  # fmt: skip
    pieces = []
    for sign, narrow, wide in ((-1.0, 17.0, 34.0), (1.0, 9.0, 22.0)):
        radius = float(rng.uniform(narrow, wide))
        aside = float(rng.uniform(72.0, half_width - 26.0))
        # Far back in a third: retrorenal, or beside and behind the psoas.
        back = float(rng.uniform(-20.0, 22.0)) if rng.random() < 0.35 else float(rng.uniform(-62.0, -20.0))
        knots: Knots = []
        start = float(rng.uniform(-45.0, -5.0)) if sign < 0 else -20.0
        for z in np.arange(start, 181.0, 24.0):
            low = np.clip((40.0 - z) / 70.0, 0.0, 1.0)  # in the iliac fossa it has come forwards
            x = aside + float(rng.normal(0.0, 5.0)) - 8.0 * low
            y = back * (1.0 - low) - 58.0 * low + float(rng.normal(0.0, 5.0))
            knots.append((sign * x, y, float(z), radius * float(rng.uniform(0.85, 1.15))))
        pieces.append(_gut(knots, rng, chances, 55.0, 0.13))
        if sign > 0:
            sway = [(sign * float(rng.uniform(60.0, 90.0)), -60.0, -30.0)]
            sway += [
                (
                    float(rng.uniform(-55.0, 60.0)),
                    float(rng.uniform(-70.0, -15.0)),
                    float(rng.uniform(-80.0, 10.0)),
                )
                for _ in range(int(rng.integers(2, 5)))
            ]
            sway += [(0.0, float(rng.uniform(-5.0, 5.0)), -55.0), (0.0, 26.0, -80.0), (0.0, 34.0, -130.0)]
            thick = float(rng.uniform(9.0, 20.0))
            tail: Knots = [(knots[0][0], knots[0][1], knots[0][2], thick)]
            tail += [(x, y, z, thick * float(rng.uniform(0.8, 1.2))) for x, y, z in sway]
            pieces.append(_gut(tail, rng, chances, 55.0, 0.1))
    across = float(rng.uniform(40.0, 150.0))
    ahead = front + float(rng.uniform(28.0, 45.0))
    thick = float(rng.uniform(13.0, 28.0))
    transverse: Knots = [
        (x, ahead + 0.0022 * x**2, across + 0.004 * x**2 + float(rng.normal(0.0, 6.0)), thick)
        for x in np.linspace(-100.0, 100.0, 7)
    ]
    pieces.append(_gut(transverse, rng, chances, 55.0, 0.15))
    return pieces


def draw_small_bowel(front_of_bone: tuple[FloatArray, FloatArray], front: float, rng: Rng) -> list[Gut]:
    """Duodenum, stomach and a bundle of loops, few in much fat or many in little."""
    chances = {GAS: float(rng.uniform(0.0, 0.45)), FLUID: 0.7, EMPTY: float(rng.uniform(0.1, 0.8)), STOOL: 0.08,
               CONTRAST: 0.6 * float(rng.random() < 0.25)}  # fmt: skip
    bore = float(rng.uniform(8.5, 14.0)) * (1.6 if rng.random() < 0.08 else 1.0)
    pieces = []
    for _ in range(int(rng.integers(5, 17))):
        at = np.array([rng.uniform(-85.0, 85.0), rng.uniform(front + 25.0, -40.0), rng.uniform(-85.0, 130.0)])
        way = rng.standard_normal(3)
        knots: Knots = []
        for _step in range(int(rng.integers(7, 15))):
            knots.append((float(at[0]), float(at[1]), float(at[2]), bore * float(rng.uniform(0.8, 1.2))))
            way = 0.45 * way + rng.standard_normal(3) * np.array([1.0, 0.7, 0.8])
            at = at + 26.0 * way / max(float(np.linalg.norm(way)), 1e-6)
            at[0] = np.clip(at[0], -105.0, 105.0)
            at[1] = np.clip(at[1], front + 18.0, -22.0 if at[2] < 0.0 else -38.0)
            at[2] = np.clip(at[2], -100.0, 150.0)
        pieces.append(_gut(knots, rng, chances, 45.0, 0.05))
    level = float(rng.uniform(75.0, 118.0))
    before = float(np.interp(level, *front_of_bone)) - float(rng.uniform(26.0, 38.0))
    duodenum: Knots = [
        (-38.0, before - 5.0, 150.0, 11.0), (-42.0, before + 4.0, level + 18.0, 12.0), (-28.0, before, level, 11.0),
        (0.0, before - 3.0, level + 2.0, 10.0), (26.0, before - 6.0, level + 14.0, 11.0),
        (34.0, before - 18.0, level + 30.0, 12.0),
    ]  # fmt: skip
    pieces.append(_gut(duodenum, rng, chances, 40.0))
    stomach: Knots = [
        (70.0, -40.0, 190.0, 30.0), (62.0, front + 45.0, 160.0, 30.0),
        (20.0, front + 32.0, float(rng.uniform(95.0, 150.0)), 22.0), (-30.0, front + 40.0, 150.0, 15.0),
    ]  # fmt: skip
    pieces.append(_gut(stomach, rng, {GAS: 0.4, FLUID: 0.6, CONTRAST: 0.2}, 80.0))
    return pieces


def paint_gut(
    canvas: Canvas, pieces: list[Gut], room: FloatArray, mucosa: float, prone: bool, rng: Rng
) -> FloatArray:
    """Bowel with its wall and what it holds; gas gathers at the top as the patient lies. Returns its distance."""
    p = canvas.p
    points = np.concatenate([piece.points for piece in pieces])
    radius = np.concatenate([piece.radius for piece in pieces])
    holds = np.concatenate([piece.holds for piece in pieces])
    own = np.concatenate([piece.own for piece in pieces])
    level = np.concatenate([piece.level for piece in pieces])
    distance, nearest = np.full(p[0].shape, FAR), np.zeros(p[0].shape, np.intp)
    inside = room < 2.0
    where = np.stack([axis[inside] for axis in p], axis=1)
    # The two nearest points: of neighbouring loops the one whose wall is nearer counts.
    found, index = cKDTree(points).query(where, k=2, distance_upper_bound=FAR)
    index = np.minimum(index, len(points) - 1)
    signed = np.where(np.isfinite(found), found - radius[index], FAR)
    first = signed.argmin(axis=1)
    rows = np.arange(len(where))
    distance[inside], nearest[inside] = signed[rows, first], index[rows, first]
    wave = Marble.draw((7.0, 7.0, 7.0), rng).at(p)
    tubes = np.maximum(distance + float(rng.uniform(0.5, 2.0)) * wave, room)
    thick = float(rng.uniform(1.5, 3.2))
    kind = holds[nearest]
    content = own[nearest]
    crumbs = Marble.draw((2.6, 2.6, 2.6), rng).at(p)
    airy = float(rng.uniform(60.0, 320.0))
    content = np.where(kind == STOOL, content - airy * np.clip(crumbs - 0.2, 0.0, 1.6), content)
    content = np.where(kind == GAS, float(rng.uniform(0.0, 50.0)), content)
    lay(canvas, tubes, mucosa, "bowel")
    lay(canvas, tubes + thick, content, "bowel")
    up = -1.0 if not prone else 1.0
    surface = up * (p[1] - points[nearest, 1]) + level[nearest] * radius[nearest]
    bubble = np.where(kind == GAS, np.maximum(tubes + thick, -surface), FAR)
    lay(canvas, bubble, -950.0, "bowel")
    return tubes


def bowel_room(
    canvas: Canvas,
    wall: Wall,
    front_of_bone: tuple[FloatArray, FloatArray],
    flank: FloatArray,
    bone: FloatArray,
    wall_mm: float,
    rng: Rng,
) -> FloatArray:
    """Where bowel may lie: within the abdominal wall, before the spine, off muscles, vessels and bones."""
    x, y, z = canvas.p
    before = np.interp(z, *front_of_bone) - float(rng.uniform(4.0, 22.0))
    before = np.where(z < 0.0, np.interp(z, *front_of_bone) - 4.0, before)
    # To the sides the abdomen reaches back beside psoas and kidney, to the quadratus.
    reach = before + (36.0 - before) * np.clip((np.abs(x) - 34.0) / 30.0, 0.0, 1.0)
    return np.maximum(
        np.maximum(wall.fascia + wall_mm, y - reach), float(rng.uniform(0.5, 3.0)) - np.minimum(flank, bone)
    )


def paint_upper_organs(
    canvas: Canvas, wall: Wall, keep_off: FloatArray, phase: Phase, muscle: float, rng: Rng
) -> None:
    """Liver, spleen, pancreas, crura and bladder: none of them has a class."""
    p = canvas.p
    room = np.maximum(wall.fascia + 8.0, 2.0 - keep_off)
    low = float(rng.uniform(60.0, 150.0))
    liver = ellipsoid(p, (-72.0, -52.0, low + 85.0), (82.0, 78.0, 88.0))
    lay(canvas, smooth_max(liver, room, 4.0), phase.organ, "other")
    spleen = ellipsoid(p, (108.0, -2.0, float(rng.uniform(165.0, 200.0))), (30.0, 48.0, 55.0))
    lay(canvas, smooth_max(spleen, room, 4.0), phase.organ + 5.0, "other")
    pancreas = capsule(p, (-30.0, -62.0, 130.0), (45.0, -50.0, 160.0), (13.0, 8.0))
    lay(canvas, np.maximum(pancreas, room), phase.organ - 12.0, "other")
    for sign, length in ((1.0, 100.0), (-1.0, 70.0)):
        crus = capsule(p, (sign * 12.0, -33.0, 185.0), (sign * 9.0, -31.0, length), (6.0, 3.0))
        lay(canvas, np.maximum(crus, room), muscle, "other")
    size = float(rng.uniform(0.5, 1.3))
    bladder = ellipsoid(p, (0.0, -58.0, -108.0), (48.0 * size, 38.0 * size, 38.0 * size))
    lay(canvas, np.maximum(bladder, room), phase.urine if rng.random() < 0.5 else 8.0, "other")
    if rng.random() < 0.5:
        uterus = ellipsoid(p, (float(rng.normal(0, 8)), -22.0, -92.0), (28.0, 24.0, 30.0))
        lay(canvas, np.maximum(uterus, room), phase.organ, "other")
