"""Make the atlas in assets/ again: ``python -m spinect_core.research.atlas.make_atlas FOLDER [JOBS]``.

It draws the atlas's specimen, names the places on its surface, and then finds the landmarks of some other specimens
with it: how far they lie from their true places on the mean is corrected from then on, and what is left is what their
confidence is made from. It takes some minutes.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy.ndimage import binary_erosion, distance_transform_edt

from spinect_core.anatomy.atlas import SAC, SEED, Atlas, from_table, trust_key
from spinect_core.anatomy.confidence import bridge_share
from spinect_core.anatomy.levels import level_of
from spinect_core.anatomy.parts import Parts, write_parts
from spinect_core.anatomy.placing import place
from spinect_core.anatomy.register import register
from spinect_core.base.arrays import FloatArray
from spinect_core.base.files import write_whole
from spinect_core.image.volume import BONE, NERVE, to_sitk
from spinect_core.io.reading.quiet import quiet_itk
from spinect_core.research.atlas.part_names import bone_part, nerve_part
from spinect_core.research.phantom import Phantom, draw_case
from spinect_core.research.phantom.parameters import draw_specimen, stream
from spinect_core.research.phantom.pose import Pose
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.research.phantom.skeleton import articulate
from spinect_core.research.phantom.structures import STRUCTURES

SPACING = (1.0, 1.0, 1.0)
CALIBRATION_SEEDS = tuple(range(145200, 145224))
"""Specimens that no test and no study looks at, with the pathologies that their seeds draw."""

CALIBRATION_SPACING = (1.5, 1.5, 1.5)
PARTS_MM = 2.5
"""Distance of the named places on the surface."""
PARTS_REACH_MM = 110.0
"""Distance of the farthest of them from the upper end plate of L5."""

BRIDGE_FREE_MM = 1.5
"""Distance from the bone of the usual specimen at which only a transitional one has bone."""


def main(folder: Path, jobs: int = 1) -> None:
    """Write ``labels.nii.gz``, ``landmarks.json`` and ``parts.npz``."""
    folder.mkdir(parents=True, exist_ok=True)
    phantom = draw_case(SEED, SPACING, setting=IDEAL, pathologies=())
    parts = named_parts(phantom)
    table = describe(phantom) | {"parts": parts.names}
    atlas = from_table(phantom.labels, table, parts)
    table["trust"], table["bridge_usual"] = calibrate(atlas, jobs)
    with quiet_itk():
        sitk.WriteImage(
            to_sitk(phantom.labels.array, phantom.labels.geometry), str(folder / "labels.nii.gz"), True
        )
    write_parts(parts, folder / "parts.npz")
    write_whole(folder / "landmarks.json", json.dumps(table).encode("utf-8"))


def describe(phantom: Phantom) -> dict[str, Any]:
    """What the atlas's specimen alone determines."""
    courses = {name: nerve["points"] for name, nerve in phantom.truth["nerves"].items()}
    return {
        "frame": "LPS, mm",
        "phantom_seed": SEED,
        "landmarks": phantom.truth["landmarks"],
        "courses": {**courses, SAC: middle_of_sac(phantom).round(2).tolist()},
        "bridge": bridge_places(phantom),
        "trust": {},
        "bridge_usual": 0.2,
    }


def middle_of_sac(phantom: Phantom) -> FloatArray:
    """LPS mm (n, 3) of the middle of the thecal sac in each slice, from above downwards."""
    sac = phantom.structures == STRUCTURES["thecal sac"]
    grid = phantom.labels.geometry
    slices = [z for z in range(len(sac))[::-1] if sac[z].sum() > 12]
    index = [(z, *np.argwhere(sac[z]).mean(axis=0)) for z in slices]
    return grid.to_patient(np.array(index))


def named_parts(phantom: Phantom) -> Parts:
    """Places on the surfaces, about 2.5 mm apart, with the name of their part."""
    specimen = draw_specimen(SEED, ())
    skeleton, pose = articulate(specimen), Pose.draw(specimen, stream(SEED, "pose"))
    middle = np.array(phantom.truth["landmarks"]["L5 upper end plate centre"])
    by_number = {number: name for name, number in STRUCTURES.items()}
    grid = phantom.labels.geometry
    points, kinds, tissue = [], [], []
    names: dict[str, int] = {}
    for label in (BONE, NERVE):
        mask = phantom.labels.array == label
        rim = np.argwhere(mask & ~binary_erosion(mask))
        rim = rim[thinned(rim * np.asarray(grid.spacing[::-1]), PARTS_MM)]
        places = grid.to_patient(rim)
        near = np.linalg.norm(places - middle, axis=1) < PARTS_REACH_MM
        rim, places = rim[near], places[near]
        inner = np.stack(pose.to_specimen((places[:, 0], places[:, 1], places[:, 2])), axis=1)
        for index, point, within in zip(rim, places, inner, strict=True):
            structure = by_number.get(int(phantom.structures[tuple(index)]), "")
            name = nerve_part(structure) if label == NERVE else bone_part(structure, within, skeleton)
            if name:
                points.append(point)
                kinds.append(names.setdefault(name, len(names)))
                tissue.append(int(label))
    return Parts(np.array(points), np.array(kinds), tuple(names), np.array(tissue))


def thinned(places: FloatArray, step: float) -> npt.NDArray[np.intp]:
    """Index of one place in each cube of ``step`` mm."""
    cubes = np.floor(places / step).astype(np.int64)
    return np.sort(np.unique(cubes, axis=0, return_index=True)[1])


def bridge_places(phantom: Phantom) -> dict[str, Any]:
    """Places by side where the same specimen has bone if its L5 is transitional, and else is free of bone."""
    other = draw_case(SEED, SPACING, setting=IDEAL, pathologies=("transitional",))
    grid, middle = phantom.labels.geometry, np.array(phantom.truth["landmarks"]["S1 upper end plate centre"])
    side_drawn = other.truth["pathologies"]["transitional"]["side"]
    bone = phantom.labels.array == BONE
    far = distance_transform_edt(~bone, sampling=grid.spacing[::-1]) > BRIDGE_FREE_MM
    places = grid.to_patient(np.argwhere((other.labels.array == BONE) & far))
    places = places[np.linalg.norm(places - middle, axis=1) < 75.0]
    places = places[thinned(places, PARTS_MM)]
    out = places[:, 0] - middle[0]
    if side_drawn == "both":
        return {"left": places[out > 0].round(1).tolist(), "right": places[out < 0].round(1).tolist()}
    # The drawn side, and its mirror image.
    mine = places[(out > 0) == (side_drawn == "left")]
    mirrored = mine * [-1.0, 1.0, 1.0] + [2 * middle[0], 0.0, 0.0]
    left, right = (mine, mirrored) if side_drawn == "left" else (mirrored, mine)
    return {"left": left.round(1).tolist(), "right": right.round(1).tolist()}


def calibrate(atlas: Atlas, jobs: int) -> tuple[dict[str, Any], float]:
    """What is corrected of every landmark and how far it can be relied on, and the usual bone of the bridge."""
    off: dict[str, list[FloatArray]] = {}
    fits: dict[str, list[float]] = {}
    bridges: list[float] = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for number, (away, fit, bridge) in enumerate(pool.map(partial(compared, atlas), CALIBRATION_SEEDS)):
            for key, distance in away.items():
                off.setdefault(key, []).append(distance)
                fits.setdefault(key, []).append(fit[key])
            bridges += bridge
            print(f"{number + 1} of {len(CALIBRATION_SEEDS)} specimens", flush=True)
    table = {}
    for name, distances in off.items():
        away_all = np.array(distances)
        left = away_all - away_all.mean(axis=0)
        table[name] = {
            "correction": away_all.mean(axis=0).round(3).tolist(),
            "spread": round(float(np.sqrt((left**2).sum(axis=1).mean())), 3),
            "misfit": round(float(np.mean(fits[name])), 3),
        }
    return table, round(max(bridges), 3)


def compared(atlas: Atlas, seed: int) -> tuple[dict[str, FloatArray], dict[str, float], list[float]]:
    """Of a specimen: how far each landmark is off, the misfit round it, and the bone of both bridges."""
    phantom = draw_case(seed, CALIBRATION_SPACING, setting=IDEAL)
    away: dict[str, FloatArray] = {}
    fits: dict[str, float] = {}
    bridges: list[float] = []
    for level in (level_of("L5/S1"), level_of("L4/5")):
        registration = register(atlas, phantom.labels, focus=atlas.landmarks[level.focus])
        placed = place(atlas, registration, phantom.labels, level)
        for name, point in placed.points.items():
            key = trust_key(level.name, name)
            away[key] = np.array(phantom.truth["landmarks"][name]) - point
            fits[key] = placed.misfits[name]
        if level.name == "L5/S1" and "transitional" not in phantom.truth["pathologies"]:
            bridges = [
                bridge_share(placed.bone, registration.points(places)) for places in atlas.bridge.values()
            ]
    return away, fits, bridges


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
