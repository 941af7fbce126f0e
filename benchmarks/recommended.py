"""What is recommended on drawn specimens, checked against what was drawn: ``python -m benchmarks.recommended``.

Each seed is drawn from one flank to the other and planned on its true labels, as every phantom is that no network is
to be judged by. Of odd seeds only what lies within 55 mm of the midline is labelled, so that crests and the ends of the
hip bones lie outside; of these the CT alone tells. Bowel and great vessels are given as masks of 3 mm.

Of every recommended needle it is counted, without any of the planner's own measures, whether

- a voxel of true bone or nerve lies on its axis before its last 3 mm,
- a voxel of true bowel or vessel does,
- it lies beyond 50 degrees oblique, 30 degrees tilt, or within 2 degrees of the midline,

and as the planner measured it whether a gap to bone or nerve is negative or a rule that bars is passed. All of these
have to be 0. What it found is kept in the work folder, a line of JSON for each seed, and not planned again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import SpinectError
from spinect_core.base.words import Guidance
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels
from spinect_core.planning.level import plan_level
from spinect_core.planning.results import Approach
from spinect_core.planning.room import Room
from spinect_core.planning.rules import barring
from spinect_core.research.phantom import Phantom, draw_case
from spinect_core.research.phantom.structures import STRUCTURES
from spinect_core.research.phantom.workers import Workers
from spinect_core.research.phantom_study.run import parse_seeds
from spinect_core.surfaces import build_surfaces
from spinect_core.teaching.drawing import MASKS, organs_of

BOX = ((-150.0, 150.0), (-110.0, 118.0), (-80.0, 80.0))
"""Both flanks, the bowel before the spine, and the skin of the back, LPS mm."""
LABELLED_MM = 90.0
CROPPED_MM = 55.0
"""To either side of the midline."""
SPACING_MM = 1.25
LAST_MM = 3.0
STEP_MM = 0.25
FAMILIES = ("procedural", "varied")


def labels_within(phantom: Phantom, half_mm: float) -> Labels:
    """The true labels as far as that from the midline, on a grid that ends there."""
    grid = phantom.labels.geometry
    x = grid.to_patient(np.column_stack([np.zeros((grid.shape[2], 2)), np.arange(grid.shape[2])]))[:, 0]
    keep = np.flatnonzero(np.abs(x) <= half_mm)
    part = slice(int(keep[0]), int(keep[-1]) + 1)
    array = np.ascontiguousarray(phantom.labels.array[:, :, part])
    px, py, pz = (float(v) for v in grid.to_patient([0, 0, part.start]))
    return Labels(
        array, Geometry((array.shape[0], array.shape[1], array.shape[2]), grid.spacing, (px, py, pz))
    )


def at(phantom: Phantom, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """True labels and structures at points LPS mm (n, 3); 0 beside the picture."""
    grid = phantom.labels.geometry
    index = np.rint(grid.to_index(points)).astype(int)
    inside = np.all((index >= 0) & (index < grid.shape), axis=1)
    index = np.where(inside[:, None], index, 0)
    labels, structures = (each[tuple(index.T)] for each in (phantom.labels.array, phantom.structures))
    return np.where(inside, labels, 0), np.where(inside, structures, 0)


def needle_of(phantom: Phantom, approach: Approach) -> dict[str, Any]:
    """A recommended needle with what was drawn on its way."""
    assert approach.needle is not None
    plan, needle = approach.needle, approach.needle.needle
    labels, structures = at(phantom, needle.at(np.arange(0.0, needle.depth_mm - LAST_MM, STEP_MM)))
    spared = [STRUCTURES[name] for name in MASKS]
    view = needle.view
    midline = None if plan.readouts is None else plan.readouts.midline
    return {
        "zone": approach.zone.name,
        "oblique": abs(view.azimuth),
        "tilt": view.elevation,
        "depth": needle.depth_mm,
        "entry": None if midline is None else abs(midline.midline_mm),
        "tolerance": plan.tolerance.angle.amount,
        "bone_gap": plan.clearance.bone.gap_mm,
        "nerve_gap": plan.clearance.nerve.gap_mm,
        "light": "" if plan.light is None else str(plan.light.light),
        "area": None if approach.search.recommended is None else approach.search.recommended.window.area_mm2,
        "largest": approach.window.area_mm2,
        "true_bone": int((labels == BONE).sum()),
        "true_nerve": int((labels == NERVE).sum()),
        "true_organ": int(np.isin(structures, spared).sum()),
        "barred": [str(each.rule) for each in barring(plan.findings)],
        "warned": [str(each.rule) for each in plan.findings if not each.bars],
    }


def study(task: tuple[int, str, str]) -> dict[str, Any]:
    """What is recommended on the specimen of a seed."""
    seed, family, guidance = task
    began = time.perf_counter()
    phantom = draw_case(seed, (SPACING_MM,) * 3, box=BOX, family=family)
    cropped = bool(seed % 2)
    labels = labels_within(phantom, CROPPED_MM if cropped else LABELLED_MM)
    made: dict[str, Any] = {"seed": seed, "family": family, "guidance": guidance, "cropped": cropped}
    try:
        room = Room(
            labels,
            build_surfaces(labels),
            phantom.volume,
            guidance=Guidance(guidance),
            organs=organs_of(phantom),
        )
        plan = plan_level(room)
    except SpinectError as error:
        return made | {"fault": str(error)}
    needles = [needle_of(phantom, each) for each in plan.approaches if each.needle is not None]
    refused = Counter(
        str(rule)
        for each in plan.approaches
        if each.refusal is not None
        for rule in list(each.refusal.counts)[:1]
    )
    return made | {
        "withheld": [str(note.code) for note in plan.withheld],
        "light": str(plan.light.light) if plan.light is not None else "",
        "zones": len(plan.approaches),
        "open": sum(each.search.best is not None for each in plan.approaches),
        "held": sum(bool(each.withheld) for each in plan.approaches),
        "refused": dict(refused),
        "needles": needles,
        "seconds": time.perf_counter() - began,
    }


def report(rows: list[dict[str, Any]]) -> list[str]:
    """The counts that have to be 0, and what is recommended, in lines."""
    needles = [needle for row in rows for needle in row.get("needles", ())]
    cropped = [needle for row in rows if row["cropped"] for needle in row.get("needles", ())]
    counts = {
        "true bone on the axis": sum(each["true_bone"] > 0 for each in needles),
        "of these with crests outside of the labels": sum(each["true_bone"] > 0 for each in cropped),
        "true nerve on the axis": sum(each["true_nerve"] > 0 for each in needles),
        "true bowel or vessel on the axis": sum(each["true_organ"] > 0 for each in needles),
        "beyond 50 oblique, 30 tilt, or at the midline": sum(
            each["oblique"] > 50 or abs(each["tilt"]) > 30 or each["oblique"] < 2 for each in needles
        ),
        "negative gap": sum(min(each["bone_gap"], each["nerve_gap"]) < 0 for each in needles),
        "barred by a rule": sum(bool(each["barred"]) for each in needles),
    }
    lines = [
        f"{len(rows)} specimens, {sum('fault' in row for row in rows)} refused as a whole, "
        f"{sum(bool(row.get('withheld')) for row in rows)} with nothing recommended for the whole case; "
        f"{sum(row.get('open', 0) for row in rows)} open zones, "
        f"{sum(row.get('held', 0) for row in rows)} withheld, "
        f"{sum(sum(row.get('refused', {}).values()) for row in rows)} refused by the rules, "
        f"{len(needles)} needles recommended ({len(cropped)} with crests outside of the labels)"
    ]
    lines += [f"  {name}: {count}" for name, count in counts.items()]
    reasons = Counter(rule for row in rows for rule, n in row.get("refused", {}).items() for _ in range(n))
    lines.append(
        f"  zones refused, by the rule that refuses most views: "
        f"{', '.join(f'{rule} {n}' for rule, n in reasons.most_common())}"
    )
    for kind in ("Kambin triangle (bony)", "Kambin triangle (neural)", "safe triangle"):
        some = [each for each in needles if each["zone"].endswith(kind)]
        if not some:
            continue
        told = []
        for key, digits in (("oblique", 0), ("tilt", 0), ("depth", 0), ("entry", 0), ("tolerance", 1)):
            values = np.array([abs(each[key]) for each in some if each[key] is not None])
            low, middle, high = np.percentile(values, [10, 50, 90])
            told.append(f"{key} {middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})")
        part = np.median([each["area"] / each["largest"] for each in some if each["largest"]])
        told.append(f"window {part:.0%} of the largest")
        lights = Counter(each["light"] for each in some)
        told.append(", ".join(f"{light} {n}" for light, n in lights.most_common()))
        lines.append(f"  {kind}, {len(some)}: {', '.join(told)}")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Run the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="where results are kept")
    parser.add_argument("--seeds", default="7400-7449", help="such as 7400-7449")
    parser.add_argument("--family", choices=FAMILIES, default=FAMILIES[0])
    parser.add_argument("--guidance", choices=[each.value for each in Guidance], default="ct")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / f"{options.family}-{options.guidance}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    known = {row["seed"] for row in rows}
    seeds = parse_seeds(options.seeds)
    tasks = [(seed, options.family, options.guidance) for seed in seeds if seed not in known]
    with Workers(study, options.jobs) as workers, path.open("a") as kept:
        for row in workers.run(tasks):
            rows.append(row)
            kept.write(json.dumps(row) + "\n")
            kept.flush()
            print(f"{row['seed']}: {row.get('fault') or len(row['needles'])}", file=sys.stderr, flush=True)
    print("\n".join(report([row for row in rows if row["seed"] in set(seeds)])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
