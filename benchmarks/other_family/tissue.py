"""The picture before the scanner: HU and structure of every voxel, painted one structure over the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from benchmarks.other_family.courses import Root, Sac, sac_distance, settled
from benchmarks.other_family.fields import Array, Box, Grid, Mask, Points, spline, tube, waves
from benchmarks.other_family.skeleton import BONES, DISCS, Skeleton

NUMBERS: dict[str, int] = {
    "L3": 1, "L4": 2, "L5": 3, "sacrum": 4, "hip left": 5, "hip right": 6,
    "disc L3/4": 11, "disc L4/5": 12, "disc L5/S1": 13, "thecal sac": 20,
    "L3 left": 21, "L3 right": 22, "L4 left": 23, "L4 right": 24, "L5 left": 25, "L5 right": 26,
    "S1 left": 27, "S1 right": 28, "S2 left": 29, "S2 right": 30,
    "muscle": 70, "vessels": 71, "bowel": 72, "nodes": 73, "ureters": 74, "sympathetic trunk": 75, "skin": 76,
    "ligament": 77,
}  # fmt: skip
"""Of each structure; bones, discs and nerves as in the phantoms' files."""

OUTSIDE_HU = -1000.0
VESSELS = {
    "artery": (
        (3, -118, 990),
        (7, -112, 962),
        (15, -108, 940),
        (26, -106, 918),
        (35, -100, 898),
        (44, -98, 870),
    ),
    "internal artery": ((28, -105, 915), (33, -92, 900), (36, -80, 884), (34, -64, 864)),
    "vein": (
        (-7, -114, 990),
        (-3, -112, 955),
        (10, -106, 932),
        (24, -99, 913),
        (35, -91, 895),
        (44, -90, 870),
    ),
    "internal vein": ((27, -96, 909), (33, -84, 893), (35, -70, 876), (30, -58, 860)),
    "iliolumbar": ((30, -90, 904), (36, -80, 912), (42, -74, 922), (52, -72, 932)),
    "ascending lumbar": ((31, -82, 905), (33, -78, 925), (31, -80, 945), (29, -84, 968), (28, -86, 995)),
    "segmental L4": ((12, -116, 972), (26, -104, 970), (33, -86, 966), (36, -70, 962)),
    "segmental L5": ((14, -110, 940), (27, -98, 938), (34, -82, 935), (38, -66, 932)),
    "lateral sacral": ((30, -76, 890), (24, -70, 888), (20, -60, 878), (18, -48, 868), (16, -38, 856)),
    "median sacral": ((1, -108, 925), (2, -98, 906), (1, -84, 897), (2, -66, 888), (1, -46, 874)),
    "foraminal": ((24, -80, 950), (22, -72, 937), (27, -74, 930), (33, -82, 924)),
}
"""Left ones in the millimetres of the skeleton, mirrored for the right; each is settled clear of bone."""
CALIBRES = {
    "artery": 5.0, "internal artery": 3.2, "vein": 6.0, "internal vein": 4.0, "iliolumbar": 1.6,
    "ascending lumbar": 1.5, "segmental L4": 1.1, "segmental L5": 1.3, "lateral sacral": 1.4, "median sacral": 1.0,
    "foraminal": 0.9,
}  # fmt: skip


@dataclass(frozen=True)
class Habits:
    """What a case is like, beyond its bones.

    Attributes:
        fat_mm: under the skin of the back.
        streaks: part of the back muscles that is fat.
        contrast_hu: of the blood.
        marrow_hu: of cancellous bone.
        cortex_hu: of compact bone.
        cortex_mm: its thickness.
        nerve_hu: of roots.
        sac_hu: of the sac.
        fat_hu: of fat.
    """

    fat_mm: float
    streaks: float
    contrast_hu: float
    marrow_hu: float
    cortex_hu: float
    cortex_mm: float
    nerve_hu: float
    sac_hu: float
    fat_hu: float


class Canvas:
    """HU and structures of a case; what is painted later lies over what was there."""

    def __init__(self, grid: Grid, fat_hu: float, texture: Array) -> None:
        self.grid = grid
        self.hu: Array = np.asarray(fat_hu + 7.0 * texture, dtype=np.float32)
        self.structures: npt.NDArray[np.uint8] = np.zeros(grid.shape, np.uint8)

    def paint(self, box: Box, distance: Array, hu: Array | float, number: int) -> None:
        """Paint what lies inside a distance, its edge shared with what is behind."""
        part = np.clip(0.5 - distance, 0, 1)
        value = hu if isinstance(hu, float) else hu[box]
        self.hu[box] += (value - self.hu[box]) * part
        self.structures[box][distance < 0] = number


def whole(grid: Grid) -> Box:
    """The box of all of a grid."""
    z, y, x = grid.shape
    return slice(0, z), slice(0, y), slice(0, x)


def paint_case(
    skeleton: Skeleton,
    walls: Array,
    sac: Sac,
    roots: dict[str, Root],
    habits: Habits,
    rng: np.random.Generator,
) -> tuple[Canvas, dict[str, float]]:
    """Paint a case.

    Args:
        skeleton: the bones, bored; their distances are opened where a root could not be settled clear of them.
        walls: distance to bone and disc.
        sac: the sac.
        roots: by name and side.
        habits: what the case is like.
        rng: numbers from it.

    Returns:
        The picture, and the ml of bone that each root took.
    """
    grid = skeleton.grid
    canvas = Canvas(grid, habits.fat_hu, waves(rng, grid.shape, (6, 6, 6)))
    canal = spline(skeleton.marks["canal"])
    _muscles(canvas, skeleton, walls, canal, habits, rng)
    _ligament(canvas, walls, sac, rng)
    _bowel(canvas, skeleton, rng)
    _strands(canvas, skeleton, walls, habits, rng)
    for name in DISCS:
        if name in skeleton.distances:
            fibres = np.asarray(rng.uniform(70, 95) + 10 * waves(rng, grid.shape, (3, 4, 4)), np.float32)
            canvas.paint(whole(grid), skeleton.distances[name], fibres, NUMBERS[name])
    taken = _nerves(canvas, skeleton, sac, roots, habits, rng)
    _bones(canvas, skeleton, habits, rng)
    _skin(canvas, canal, habits, rng)
    return canvas, taken


def _muscles(
    canvas: Canvas, skeleton: Skeleton, walls: Array, canal: Points, habits: Habits, rng: np.random.Generator
) -> None:
    """Psoas and iliacus of the model; the muscles of the back and buttock where they have room; fat between fibres."""
    grid = canvas.grid
    fibres = np.asarray(rng.uniform(46, 62) + 8 * waves(rng, grid.shape, (7, 2, 2)), np.float32)
    loose = waves(rng, grid.shape, (9, 3, 3))
    limit = np.quantile(loose[::4, ::4, ::4], habits.streaks)
    streaked = np.where(loose < limit, np.float32(habits.fat_hu + 20), fibres).astype(np.float32)
    gap = np.float32(rng.uniform(0.2, 3.0))
    for name in ("psoas left", "psoas right", "iliacus left", "iliacus right"):
        if name in skeleton.distances:
            distance = np.maximum(skeleton.distances[name] + gap * 0.5, 0.4 - walls)
            canvas.paint(whole(grid), distance, fibres, NUMBERS["muscle"])
    places = grid.places(whole(grid)).reshape(*grid.shape, 3)
    x, y = places[..., 0], places[..., 1]
    line = np.interp(grid.low[2] + np.arange(grid.shape[0]), canal[::-1, 2], canal[::-1, 1])[:, None, None]
    back = _back(grid, canal, rng)
    behind = y - line - 11.0 + 0.10 * np.abs(x)
    # The planes between its bellies are seen as fat.
    planes = np.minimum(np.abs(np.abs(x) - 16 - 0.25 * (y - line)), np.abs(np.abs(x) - 40)) - 0.8
    muscle = np.maximum.reduce([-behind, y - back, 0.3 - walls, -planes, np.abs(x) - 92])
    canvas.paint(whole(grid), muscle.astype(np.float32), streaked, NUMBERS["muscle"])
    hips = np.min([skeleton.distances[name] for name in ("hip left", "hip right")], axis=0)
    # The buttock lies behind the ilium: what has hip bone in front of it.
    behind_hip = np.where(np.logical_or.accumulate(hips < 0, axis=1), np.float32(-1), np.float32(1))
    buttock = np.maximum.reduce([behind_hip, hips - rng.uniform(24, 36), y - back, 0.3 - walls])
    canvas.paint(whole(grid), buttock.astype(np.float32), streaked, NUMBERS["muscle"])


def _back(grid: Grid, canal: Points, rng: np.random.Generator) -> Points:
    """Where (y, LPS mm) the muscles of the back end, [z, 1, x]."""
    z = grid.low[2] + np.arange(grid.shape[0])
    x = grid.low[0] + np.arange(grid.shape[2])
    line = np.interp(z, canal[::-1, 2], canal[::-1, 1])
    furrow = 5 * np.exp(-((x / 9.0) ** 2))
    return np.asarray(
        (line + 38)[:, None, None] + (-furrow - 0.0022 * x**2)[None, None, :] + rng.uniform(-3, 5)
    )


def _ligament(canvas: Canvas, walls: Array, sac: Sac, rng: np.random.Generator) -> None:
    """Ligamenta flava: behind and beside the sac, on the lamina."""
    grid = canvas.grid
    line = sac.points[sac.points[:, 2] > sac.points[:, 2].min() + 25]
    box = grid.box(line, 16)
    places = grid.places(box)
    apart, near = cKDTree(line).query(places)
    offset = places - line[near]
    shape = tuple(part.stop - part.start for part in box)
    behind = (np.abs(offset[:, 0]) * 0.6 - offset[:, 1]).reshape(shape)
    shell = np.maximum(10.2 - apart, apart - rng.uniform(12.5, 13.8)).reshape(shape)
    distance = np.maximum.reduce([behind, shell, -walls[box] - 0.5])
    canvas.paint(box, distance.astype(np.float32), float(rng.uniform(50, 75)), NUMBERS["ligament"])


def _bowel(canvas: Canvas, skeleton: Skeleton, rng: np.random.Generator) -> None:
    """Loops with a wall and fluid, stool or gas, in front of the spine."""
    grid = canvas.grid
    canal = skeleton.marks["canal"]
    content = waves(rng, grid.shape, (3, 3, 3))
    for _ in range(int(rng.integers(3, 8))):
        middle = canal[rng.integers(2, len(canal) - 2)] + np.array(
            [rng.uniform(-55, 55), rng.uniform(-92, -62), rng.uniform(-8, 8)]
        )
        steps = np.cumsum(rng.normal(0, 9, (5, 3)), axis=0)
        line = spline(middle + steps * np.array([1, 0.4, 1]))
        radius = rng.uniform(7, 14)
        box, distance = tube(grid, line, np.full(len(line), radius))
        canvas.paint(box, distance, float(rng.uniform(30, 55)), NUMBERS["bowel"])
        kind = rng.integers(3)
        inner = (np.float32(15), np.float32(40), np.float32(-850))[kind] + np.float32(
            (6, 60, 20)[kind]
        ) * content
        canvas.paint(
            box, distance + np.float32(rng.uniform(1.5, 3)), inner.astype(np.float32), NUMBERS["bowel"]
        )


def _strands(
    canvas: Canvas, skeleton: Skeleton, walls: Array, habits: Habits, rng: np.random.Generator
) -> None:
    """Vessels, ureters, trunk and nodes: round and long things of a root's calibre that are none."""
    grid = canvas.grid
    shift = skeleton.marks["canal"][5] - np.array([0.0, -64.0, 943.0])
    for name, way in VESSELS.items():
        for side in ("left", "right"):
            if CALIBRES[name] < 2 and rng.random() < 0.15:
                continue
            sign = 1.0 if side == "left" else -1.0
            jitter = np.array([sign, 1.0, 1.0])
            middle = np.array(way, dtype=np.float64) * jitter + shift + rng.normal(0, 2.0, 3)
            radii = CALIBRES[name] * rng.uniform(0.75, 1.25)
            line = spline(middle)
            clear = np.full(len(line), radii + rng.uniform(-0.2, 3.0))
            line = settled(grid, line, walls, clear, touching=False, smooth=4)
            flat = np.full(len(line), rng.uniform(1.0, 1.7) if "vein" in name else 1.0)
            box, distance = tube(grid, line, np.full(len(line), radii), flat, grid.gradient(walls, line))
            blood = habits.contrast_hu * (1.0 if "artery" in name else rng.uniform(0.7, 1.0))
            canvas.paint(box, distance, float(max(blood, 38.0)), NUMBERS["vessels"])
    _trunks(canvas, walls, shift, rng)
    _nodes(canvas, walls, shift, rng)


def _trunks(canvas: Canvas, walls: Array, shift: Points, rng: np.random.Generator) -> None:
    """Ureters before psoas and vessels, the sympathetic trunk beside the bodies."""
    grid = canvas.grid
    ways = {
        "ureters": (
            ((34, -118, 995), (36, -116, 950), (34, -112, 915), (42, -100, 880), (45, -90, 852)),
            1.8,
        ),
        "sympathetic trunk": (
            ((25, -104, 995), (24, -102, 955), (24, -94, 918), (16, -74, 890), (12, -50, 868)),
            1.3,
        ),
    }
    for name, (way, radius) in ways.items():
        for sign in (1.0, -1.0):
            line = spline(np.array(way) * np.array([sign, 1.0, 1.0]) + shift + rng.normal(0, 2.0, 3))
            line = settled(grid, line, walls, np.full(len(line), radius + 1.0), touching=False, smooth=4)
            box, distance = tube(grid, line, np.full(len(line), radius * rng.uniform(0.8, 1.2)))
            canvas.paint(box, distance, float(rng.uniform(25, 45)), NUMBERS[name])


def _nodes(canvas: Canvas, walls: Array, shift: Points, rng: np.random.Generator) -> None:
    """Lymph nodes along the iliac vessels, in front of the sacrum and beside the aorta."""
    grid = canvas.grid
    for _ in range(int(rng.integers(4, 16))):
        way = VESSELS[("artery", "vein", "internal vein", "lateral sacral")[rng.integers(4)]]
        middle = np.array(way[rng.integers(len(way))], dtype=np.float64) + rng.normal(0, 6, 3)
        middle = middle * np.array([rng.choice([-1.0, 1.0]), 1, 1]) + shift
        half = rng.uniform(1.2, 3.5)
        ends = middle + np.outer([-1.0, 0.0, 1.0], rng.normal(0, 1, 3) * half)
        box, distance = tube(grid, spline(ends), np.full(len(spline(ends)), half))
        distance = np.maximum(distance, 0.3 - walls[box])
        canvas.paint(box, distance.astype(np.float32), float(rng.uniform(25, 50)), NUMBERS["nodes"])


def _nerves(
    canvas: Canvas,
    skeleton: Skeleton,
    sac: Sac,
    roots: dict[str, Root],
    habits: Habits,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Roots, then the sac over their beginnings; bone gives way to them, and what it gave is told in ml."""
    grid = canvas.grid
    taken = {}
    for name, root in roots.items():
        box, distance = tube(grid, root.points, root.radii, root.flat, root.normals)
        taken[name] = _opened(skeleton, box, distance)
        canvas.paint(box, distance, float(habits.nerve_hu + rng.normal(0, 2)), NUMBERS[name])
    box, distance = sac_distance(grid, sac)
    taken["thecal sac"] = _opened(skeleton, box, distance)
    rootlets = np.asarray(habits.sac_hu + 6 * waves(rng, grid.shape, (9, 1.2, 1.2)), np.float32)
    canvas.paint(box, distance, rootlets, NUMBERS["thecal sac"])
    return taken


def _opened(skeleton: Skeleton, box: Box, nerve: Array) -> float:
    """Open the bones where a nerve is; ml that were bone."""
    lost = 0
    for name in BONES:
        if name in skeleton.distances:
            bone = skeleton.distances[name][box]
            lost += int(np.count_nonzero((bone < 0) & (nerve < 0)))
            skeleton.distances[name][box] = np.maximum(bone, np.float32(0.25) - nerve)
    return lost / 1000


def _bones(canvas: Canvas, skeleton: Skeleton, habits: Habits, rng: np.random.Generator) -> None:
    """Compact bone round cancellous bone with trabeculae and patches of fatty marrow; thinner on the ala."""
    grid = canvas.grid
    rough = waves(rng, grid.shape, (1.2, 1.2, 1.2))
    patches = waves(rng, grid.shape, (8, 8, 8))
    thickness = habits.cortex_mm * (1 + 0.3 * waves(rng, grid.shape, (5, 5, 5)))
    marrow = habits.marrow_hu * (1 + 0.25 * patches) + 0.25 * habits.marrow_hu * rough
    for name in BONES:
        if name not in skeleton.distances:
            continue
        distance = skeleton.distances[name]
        shell = np.clip(0.5 + (distance + np.maximum(thickness, 0.5)), 0, 1)
        hu = marrow + (habits.cortex_hu - marrow) * shell
        canvas.paint(whole(grid), distance, hu.astype(np.float32), NUMBERS[name])


def _skin(canvas: Canvas, canal: Points, habits: Habits, rng: np.random.Generator) -> None:
    """The skin of the back and the air behind it."""
    grid = canvas.grid
    back = _back(grid, canal, rng) + habits.fat_mm
    y = (grid.low[1] + np.arange(grid.shape[1]))[None, :, None]
    outside = (back - y).astype(np.float32)
    canvas.paint(whole(grid), outside, 45.0, NUMBERS["skin"])
    canvas.paint(whole(grid), outside + np.float32(2.0), OUTSIDE_HU, 0)


def bone_mask(structures: npt.NDArray[np.uint8]) -> Mask:
    """The voxels of bones."""
    return np.asarray((structures > 0) & (structures <= NUMBERS["hip right"]))


def nerve_mask(structures: npt.NDArray[np.uint8]) -> Mask:
    """The voxels of sac and roots."""
    return np.asarray((structures >= NUMBERS["thecal sac"]) & (structures <= NUMBERS["S2 right"]))
