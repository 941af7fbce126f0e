"""Cases by number: drawn, checked, written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy.ndimage import label

from benchmarks.other_family.courses import LUMBAR, RADII, WAYS, Root, bored, lay_root, lay_sac, obstacles
from benchmarks.other_family.fields import Grid
from benchmarks.other_family.scanner import Scan, scanned
from benchmarks.other_family.skeleton import Skeleton, bent, draw_bend
from benchmarks.other_family.tissue import NUMBERS, Habits, bone_mask, nerve_mask, paint_case
from spinect_core.base.arrays import LabelArray
from spinect_core.image.volume import Geometry, Labels, Volume, to_sitk

SIDES = ("left", "right")
SLICES = ((1, False), (1, False), (3, False), (1, True))
"""Thickness and fusing, by number of the case."""
FAT_MM = ((4, 9), (12, 22), (24, 38))
"""Range under the skin of the back, by number of the case."""


@dataclass(frozen=True, eq=False)
class Case:
    """A case of the family.

    Attributes:
        volume: the CT.
        labels: 0 background, 1 bone, 2 nerve.
        structures: by :data:`~benchmarks.other_family.tissue.NUMBERS`, [z, y, x].
        truth: what ``truth.json`` holds.
    """

    volume: Volume
    labels: Labels
    structures: LabelArray
    truth: dict[str, Any]


def draw(skeleton: Skeleton, number: int) -> Case:
    """The case of a number, the same each time.

    Args:
        skeleton: as read.
        number: from 1.
    """
    rng = np.random.default_rng([20, number])
    bend_mm = float(rng.uniform(2, 8))
    middle = skeleton.marks["canal"][len(skeleton.marks["canal"]) // 2]
    bones = bent(
        skeleton, draw_bend(rng, bend_mm, middle), float(rng.uniform(-0.3, 0.3)), float(rng.uniform(1.2, 2.2))
    )
    bones = bored(bones, rng)
    walls = obstacles(bones)
    full = bool(rng.random() < 0.4)
    sac = lay_sac(bones, walls, rng, full=full)
    roots: dict[str, Root] = {}
    for name in RADII:
        for side in SIDES:
            way = WAYS[(number + rng.integers(4)) % 4] if name in LUMBAR else "free"
            if f"route {name} {side}" in bones.marks:
                roots[f"{name} {side}"] = lay_root(bones, walls, sac, name, side, way, rng)
    habits = draw_habits(number, rng)
    canvas, taken = paint_case(bones, walls, sac, roots, habits, rng)
    thick, fused = SLICES[number % len(SLICES)]
    scan = Scan(
        float(rng.uniform(0.8, 1.7)), float(rng.uniform(8, 45)), thick, fused, float(rng.normal(0, 4))
    )
    bone = bone_mask(canvas.structures).astype(np.float32)
    hu = scanned(canvas.hu, bone, scan, rng)
    structures = canvas.structures[1::3] if thick == 3 else canvas.structures
    structures = np.ascontiguousarray(structures[: hu.shape[0]])
    geometry = _geometry(skeleton.grid, hu.shape, thick)
    labels = np.zeros(structures.shape, np.uint8)
    labels[bone_mask(structures)] = 1
    labels[nerve_mask(structures)] = 2
    truth = {
        "family": "other",
        "seed": number,
        "frame": "LPS, mm",
        "scan": asdict(scan),
        "habits": asdict(habits),
        "bend_mm": bend_mm,
        "full sac": full,
        "bone taken by nerves ml": taken,
        "structures": NUMBERS,
        "nerves": {
            name: {
                "points": root.points[::2].round(3).tolist(),
                "radii": root.radii[::2].round(3).tolist(),
                "ganglion": root.points[root.ganglion].round(3).tolist(),
                "way": root.way,
            }
            for name, root in roots.items()
        },
    }
    return Case(Volume(hu, geometry), Labels(labels, geometry), structures, truth)


def draw_habits(number: int, rng: np.random.Generator) -> Habits:
    """What the case of a number is like."""
    low, high = FAT_MM[number % len(FAT_MM)]
    enhanced = rng.random() < 0.35
    return Habits(
        fat_mm=float(rng.uniform(low, high)),
        streaks=float(rng.uniform(0.03, 0.35)),
        contrast_hu=float(rng.uniform(120, 230) if enhanced else rng.uniform(38, 55)),
        marrow_hu=float(rng.uniform(90, 260)),
        cortex_hu=float(rng.uniform(550, 1150)),
        cortex_mm=float(rng.uniform(0.8, 2.0)),
        nerve_hu=float(rng.uniform(24, 44)),
        sac_hu=float(rng.uniform(10, 28)),
        fat_hu=float(rng.uniform(-115, -80)),
    )


def _geometry(grid: Grid, shape: tuple[int, ...], thick: int) -> Geometry:
    x, y, z = grid.low
    first = z + (1.0 if thick == 3 else 0.0)
    return Geometry((shape[0], shape[1], shape[2]), (1.0, 1.0, float(thick)), (x, y, first), np.eye(3))


def faults(case: Case) -> list[str]:
    """What is impossible in a specimen; sentences, none if all is well."""
    found = []
    pieces, _count = label(case.labels.array == 2, np.ones((3, 3, 3), dtype=bool))
    sac = np.bincount(pieces[case.structures == NUMBERS["thecal sac"]]).argmax()
    for name in case.truth["nerves"]:
        if name.startswith("L3"):
            continue  # it may leave the sac above the picture
        root = case.structures == NUMBERS[name]
        whole = float((pieces[root] == sac).mean()) if root.any() else 0.0
        if whole < 0.95:
            found.append(f"{name} is broken: {whole:.2f} of it hangs on the sac")
        taken = case.truth["bone taken by nerves ml"][name]
        if taken > 0.05 + 0.03 * root.sum() * np.prod(case.volume.geometry.spacing) / 1000:
            found.append(f"{name} took {taken:.2f} ml of bone")
    return found


def write(case: Case, folder: Path) -> None:
    """Write ``ct.nii.gz``, ``labels.nii.gz``, ``structures.nii.gz`` and, last, ``truth.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    geometry = case.volume.geometry
    arrays: dict[str, npt.NDArray[Any]] = {
        "ct": case.volume.array.astype(np.int16),
        "labels": case.labels.array,
        "structures": case.structures,
    }
    for name, array in arrays.items():
        sitk.WriteImage(to_sitk(array, geometry), str(folder / f"{name}.nii.gz"), True)
    (folder / "truth.json").write_text(json.dumps(case.truth), encoding="utf-8")
