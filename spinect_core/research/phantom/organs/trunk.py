"""A whole trunk at 3 mm, scanned, with the classes of the organ network: fast, and far more varied than life.

Bones, muscles, wall and skin are those of the other phantoms (see :mod:`spinect_core.research.phantom.build`), carried
on above L3; the viscera are of :mod:`spinect_core.research.phantom.organs.viscera`. Nerves are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.base.errors import UsageError
from spinect_core.image.volume import Volume
from spinect_core.research.phantom.bowel import paint_mesentery
from spinect_core.research.phantom.build import Box, grid_for
from spinect_core.research.phantom.canvas import Canvas, Marble
from spinect_core.research.phantom.courses import sac_path
from spinect_core.research.phantom.discs import build_discs
from spinect_core.research.phantom.muscles import draw_flesh, paint_back, paint_flank, paint_gluteal
from spinect_core.research.phantom.organs.column import UpperColumn, raise_column, upper_bones, upper_discs
from spinect_core.research.phantom.organs.numbers import classes_of, direct
from spinect_core.research.phantom.organs.viscera import (
    Kidney,
    bowel_room,
    draw_colon,
    draw_kidneys,
    draw_phase,
    draw_small_bowel,
    lay,
    paint_great_vessels,
    paint_gut,
    paint_kidneys,
    paint_upper_organs,
)
from spinect_core.research.phantom.parameters import Specimen, draw_specimen, stream
from spinect_core.research.phantom.pose import Pose
from spinect_core.research.phantom.sdf import Lattice, line_distance, smooth_max
from spinect_core.research.phantom.skeleton import Skeleton, articulate, build_bones
from spinect_core.research.phantom.trunk_wall import (
    OUTSIDE_HU,
    Wall,
    draw_wall,
    paint_abdominal_wall,
    paint_fat_and_skin,
)
from spinect_core.research.phantom.variety import Flank, bent
from spinect_core.research.phantom.vessels import Knots, front_of_spine, tube

SPACING_MM = 3.0
BOX: Box = ((-213.0, 213.0), (-195.0, 135.0), (-102.0, 153.0))
"""What is drawn, patient mm: from the hip joints to T12, the skin all round."""


@dataclass(frozen=True, eq=False)
class OrganPhantom:
    """A trunk.

    Attributes:
        volume: CT in HU.
        classes: uint8 [z, y, x], numbers of :data:`~spinect_core.segmentation.organ_network.ORGAN_CLASSES`.
        told: what was drawn: prone or not, contrast, kidneys.
    """

    volume: Volume
    classes: LabelArray
    told: dict[str, Any]


def draw_trunk(seed: int, *, spacing: float = SPACING_MM, box: Box = BOX) -> OrganPhantom:
    """The trunk of a seed; the same seed gives the same trunk.

    Args:
        seed: any whole number from 0.
        spacing: mm of the voxels.
        box: what is drawn, ((x0, x1), (y0, y1), (z0, z1)) in patient mm.

    Raises:
        UsageError: the seed is negative.
    """
    if seed < 0:
        raise UsageError(f"The seed {seed} is negative", "Give a whole number from 0", parameter="seed")
    rng = stream(seed, "organ trunk")
    specimen = _specimen(seed, rng)
    pose = Pose.draw(specimen, stream(seed, "pose"))
    pose = bent(pose, float(rng.uniform(2.0, 9.0)), seed)
    geometry = grid_for((spacing,) * 3, box)
    nz, ny, nx = geometry.shape
    axes = [geometry.origin[axis] + np.arange(n) * spacing for axis, n in enumerate((nx, ny, nz))]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    p = pose.to_specimen((x, y, z))
    lattice = Lattice.every(geometry.shape, (1, 1, 1))
    edge = spacing / specimen.size

    skeleton = articulate(specimen)
    solids = build_bones(p, lattice, specimen, skeleton)
    column = raise_column(skeleton, rng)
    bone = np.minimum(np.minimum.reduce(list(solids.values())), upper_bones(p, column, rng))
    hips = np.minimum(solids["hip left"], solids["hip right"])
    canvas = Canvas(
        np.full(geometry.shape, OUTSIDE_HU), np.zeros(geometry.shape, np.uint8), lattice, p, p[0] > 0.0, edge
    )
    wall = _wall(canvas, bone, specimen, rng)
    paint_fat_and_skin(canvas, wall, specimen, rng)
    flesh = draw_flesh(canvas, specimen, rng)
    phase = draw_phase(rng)
    paint_abdominal_wall(canvas, wall, specimen, flesh.plain, rng, quadratus=False)
    _paint_ribs(canvas, wall, specimen, rng)
    beside = Flank(
        aside=float(rng.uniform(-9.0, 5.0)), back=float(rng.uniform(-5.0, 8.0)), stout=float(rng.uniform(0.55, 1.45)),
        behind=float(rng.uniform(-7.0, 2.0)), marbled=float(np.clip(rng.uniform(-0.6, 1.0), 0.0, 1.0)),
    )  # fmt: skip
    square = _quadratus(canvas, wall, flesh.wave, flesh.bulk, rng)
    lay(canvas, square, 0.7 * flesh.plain + 0.3 * flesh.streaky, "quadratus lumborum")
    paint_back(canvas, wall, flesh)
    paint_gluteal(canvas, hips, wall, flesh)
    flank = paint_flank(canvas, hips, wall, flesh, rng, specimen, beside)
    paint_mesentery(
        canvas, wall, float(rng.uniform(10.0, 60.0)) + 0.4 * phase.veins * (rng.random() < 0.6), rng
    )
    muscles = np.minimum(np.minimum(flank, square), bone)
    kidneys = draw_kidneys(rng)
    fat = specimen.fat
    round_kidneys = paint_kidneys(canvas, kidneys, muscles, wall, fat, phase, rng)
    blood = paint_great_vessels(canvas, bone, phase, [k.hilum for k in kidneys], rng)
    solid = np.minimum(np.minimum(muscles, blood - 1.0), _kidneys_alone(kidneys, p))
    prone = bool(rng.random() < 0.3)
    if rng.random() < 0.9:
        paint_upper_organs(canvas, wall, np.minimum(solid, round_kidneys + 6.0), phase, specimen.muscle, rng)
    front_of_bone = front_of_spine(p, bone)
    wall_mm = float(rng.uniform(11.0, 22.0))
    front = float(p[1][wall.fascia < 0.0].min())
    half_width = float(np.abs(p[0][wall.fascia < 0.0]).max())
    room = bowel_room(canvas, wall, front_of_bone, solid, bone, wall_mm, rng)
    _paint_ureters(canvas, phase.urine, rng)
    mucosa = specimen.muscle - 8.0 + phase.mucosa
    small = draw_small_bowel(front_of_bone, front, rng)
    bundle = paint_gut(canvas, small, np.maximum(room, 4.0 - round_kidneys), mucosa, prone, rng)
    # The colon lies outside of the perirenal fat, but may indent it.
    outside = np.maximum(room, float(rng.uniform(-8.0, 2.0)) - round_kidneys)
    paint_gut(
        canvas,
        draw_colon(kidneys, half_width, front, rng),
        np.maximum(outside, 1.0 - bundle),
        mucosa,
        prone,
        rng,
    )
    _paint_spine(canvas, specimen, solids, bone, skeleton, column, rng)
    array = _scanned(canvas.tissue, wall, prone, spacing, rng)
    told = {"seed": seed, "prone": prone, "arteries": phase.arteries, "kidneys": len(kidneys)}
    volume = Volume(
        array, geometry, f"organ phantom seed {seed}", {"phantom": True, "family": "organs", "seed": seed}
    )
    return OrganPhantom(volume, classes_of(canvas.structures), told)


def _specimen(seed: int, rng: np.random.Generator) -> Specimen:
    """A specimen from thin to fat, of any size and density."""
    specimen = draw_specimen(seed)
    values = dict(specimen.values)
    values["size"] = float(rng.uniform(0.86, 1.16))
    values["fat"] = float(rng.uniform(-118.0, -80.0))
    values["muscle"] = float(rng.uniform(38.0, 68.0))
    values["cancellous"] = float(rng.uniform(70.0, 280.0))
    values["skin_depth"] = float(np.clip(rng.normal(62.0, 16.0), 36.0, 110.0))
    return replace(specimen, values=values)


def _wall(canvas: Canvas, bone: FloatArray, specimen: Specimen, rng: np.random.Generator) -> Wall:
    """The trunk's surfaces, the belly from hollow to large."""
    x, y, z = canvas.p
    deep = float(rng.choice([rng.uniform(0.75, 1.0), rng.uniform(1.0, 1.7)]))
    ahead = np.where(y < -20.0, -20.0 + (y + 20.0) * deep, y)
    return draw_wall((x * float(rng.uniform(0.95, 1.15)), ahead, z), bone, specimen, rng)


def _paint_ribs(canvas: Canvas, wall: Wall, specimen: Specimen, rng: np.random.Generator) -> None:
    """The lower ribs in the wall at the sides, as slanting bars."""
    x, y, z = canvas.p
    margin = float(rng.uniform(70.0, 120.0))
    slant = z + 0.35 * (y + 30.0)
    bar = np.abs(np.mod(slant, 26.0) - 13.0) - 5.0
    rib = np.maximum(np.maximum(np.abs(-wall.fascia - 7.0) - 4.0, bar), margin - z - 0.2 * y)
    rib = np.maximum(rib, 55.0 - np.abs(x))
    canvas.lay(rib, 0.6 * specimen.cancellous + 160.0)
    inside = rib < 0.0
    canvas.structures[inside] = direct("bone")


def _quadratus(
    canvas: Canvas, wall: Wall, wave: FloatArray, bulk: float, rng: np.random.Generator
) -> FloatArray:
    """Signed distance of the quadratus lumborum: a sheet from the crest to the twelfth rib, beside the processes."""
    x, y, z = canvas.p
    ax = np.abs(x)
    up = (z - 25.0) / 100.0
    middle = float(rng.uniform(66.0, 80.0)) - float(rng.uniform(14.0, 26.0)) * up
    behind = float(rng.uniform(17.0, 27.0)) - float(rng.uniform(2.0, 10.0)) * up
    wide = float(rng.uniform(17.0, 26.0)) * (1.0 - 0.25 * up) * bulk
    thick = float(rng.uniform(4.5, 10.0)) * (1.0 - 0.2 * up) * bulk
    turn = np.radians(float(rng.uniform(-5.0, 25.0)))
    u = np.cos(turn) * (ax - middle) - np.sin(turn) * (y - behind)
    v = np.sin(turn) * (ax - middle) + np.cos(turn) * (y - behind)
    r = np.maximum((np.abs(u / wide) ** 2.4 + np.abs(v / thick) ** 2.4) ** (1 / 2.4), 1e-6)
    sheet = (r - 1.0) * np.minimum(thick, 9.0) + 0.8 * wave
    sheet = smooth_max(sheet, wall.fascia + 8.0, 3.0)
    return smooth_max(np.maximum(sheet, 12.0 - z), z - float(rng.uniform(135.0, 160.0)), 6.0)


def _kidneys_alone(kidneys: list[Kidney], p: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
    """A rough distance of the kidneys without their fat."""
    out = np.full(p[0].shape, 40.0)
    for kidney in kidneys:
        q = kidney.local(p)
        r = np.sqrt(sum((component / half) ** 2 for component, half in zip(q, kidney.half, strict=True)))
        out = np.minimum(out, (r - 1.0) * min(kidney.half))
    return out


def _paint_ureters(canvas: Canvas, urine: float, rng: np.random.Generator) -> None:
    """Both ureters; at 3 mm they are too thin to have a class."""
    for sign in (1.0, -1.0):
        filled = urine if rng.random() < 0.6 else 25.0
        knots: Knots = [
            (sign * 40.0, -32.0, 150.0, 2.2),
            (sign * (38.0 + float(rng.normal(0.0, 4.0))), -42.0, 50.0, 2.2),
            (sign * (36.0 + float(rng.normal(0.0, 3.0))), -48.0, 0.0, 2.0),
            (sign * (48.0 + float(rng.normal(0.0, 3.0))), -38.0, -40.0, 2.0),
            (sign * 58.0, -26.0, -120.0, 2.2),
        ]
        canvas.lay(tube(canvas.p, knots), filled)


def _paint_spine(
    canvas: Canvas,
    specimen: Specimen,
    solids: dict[str, FloatArray],
    bone: FloatArray,
    skeleton: Skeleton,
    column: UpperColumn,
    rng: np.random.Generator,
) -> None:
    """Discs, the sac in its canal, and the bones over them."""
    p = canvas.p
    discs = np.minimum.reduce(
        [*build_discs(p, specimen, skeleton, bone).values(), upper_discs(p, column, bone)]
    )
    lay(canvas, discs, specimen.disc, "other")
    path = sac_path(skeleton)
    top = path[0]
    path = np.vstack([[top + np.array([0.0, -0.1 * h, h]) for h in (120.0, 80.0, 40.0)], path])
    canal = line_distance(p, path, 12.0)
    lay(canvas, np.maximum(canal - 10.0, 0.3 - bone), specimen.fat + 20.0, "other")
    lay(canvas, np.maximum(canal - 0.5 * specimen.sac_width, 0.3 - bone), specimen.sac, "other")
    grain = Marble.draw((9.0, 9.0, 9.0), rng).at(p)
    cancellous = specimen.cancellous * (1.0 + 0.25 * grain)
    cancellous = np.where(solids["sacrum"] < 0.0, cancellous * float(rng.uniform(0.3, 1.0)), cancellous)
    shell = np.clip(1.0 - (-bone - specimen.cortex_thickness) / 2.5, 0.0, 1.0)
    shell = shell * min(specimen.cortex_thickness / 2.2, 1.0)
    lay(canvas, bone, cancellous + shell * (specimen.cortex - cancellous), "bone")


def _scanned(
    tissue: FloatArray,
    wall: Wall,
    prone: bool,
    spacing: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    """Table, arms, blur, noise and shading."""
    _nz, ny, nx = tissue.shape
    out = tissue.copy()
    air = wall.skin > 0.5
    if rng.random() < 0.8:  # mattress and table
        rows = np.flatnonzero((~air).any(axis=(0, 2)))
        start = int(rows[0]) if prone else int(rows[-1])
        step = -1 if prone else 1
        row = start - step * int(rng.integers(0, 5))
        for thick, value in ((int(rng.integers(1, 6)), rng.uniform(-250, 40)), (int(rng.integers(1, 9)), -930.0),
                             (1, rng.uniform(-200, 200))):  # fmt: skip
            for _ in range(thick):
                if 0 <= row < ny:
                    line = out[:, row]
                    line[air[:, row]] = value
                row += step
    if rng.random() < 0.25:  # arms beside the trunk
        for sign in (1, -1):
            cx, cy = nx / 2 + sign * float(rng.uniform(58.0, 68.0)), ny / 2 + float(rng.uniform(-12.0, 15.0))
            yy, xx = np.mgrid[:ny, :nx]
            r = np.hypot((xx - cx) / 12.0, (yy - cy) / 14.0)
            for level, value in ((1.0, -95.0), (0.75, 55.0), (0.28, 500.0)):
                layer = (r < level)[None] & air
                out[layer] = value
    blur = rng.uniform(0.15, 0.75, 3) * SPACING_MM / spacing
    out = gaussian_filter(out, (blur[0], blur[1], blur[1]))
    noise = rng.standard_normal(out.shape)
    if rng.random() < 0.6:
        noise = gaussian_filter(noise, (0.0, 0.6, 0.6))
        noise /= noise.std()
    strength = 22.0 * float(rng.random()) ** 1.7 + 2.0
    yy, xx = np.mgrid[:ny, :nx]
    middle = np.exp(-(((xx - nx / 2) / (0.3 * nx)) ** 2 + ((yy - ny / 2) / (0.3 * ny)) ** 2))
    out += strength * (0.6 + 0.7 * middle) * noise - float(rng.normal(0.0, 4.0)) * middle
    return np.asarray(np.clip(np.rint(out), -1024, 3071).astype(np.int16))
