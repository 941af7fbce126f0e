"""How often a sound case is withheld because its level is doubted, and whether a wrong level goes by in silence.

``python -m benchmarks.levels --work DIR [--bones PATH ...]`` draws specimens, changes some, finds the level on their
true labels and compares it with what was drawn. The kinds:

- *plain*: without pathology, in a box as large as that which is segmented, up to 8 mm off;
- *diseased*: in such a box, with the pathologies that the seed draws, but for a transitional vertebra;
- *bent*: with those, bent by smooth fields of up to 8 mm, scaled by 0.8 to 1.25 and turned by up to 20 degrees;
- *cut*: with those, cut to fields of view of 120 to 400 mm;
- *counted*: with those, and with four or six lumbar bodies, L5 joined to the sacrum or S1 freed from it;
- *transitional*: with a transverse process of L5 that meets the ala, as the phantoms draw it.

Specimens are procedural and varied ones in turn, and on the bones of each ``--bones`` as well, where no pathology is
drawn. What was drawn and what was found is kept in the work folder, a line of JSON for each case, and not done again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta

from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.errors import SpinectError
from spinect_core.image.volume import Geometry, Labels
from spinect_core.preprocessing.find_region import SIZE_MM
from spinect_core.research.phantom import Phantom, draw_case
from spinect_core.research.phantom.from_bones import draw_on_bones
from spinect_core.research.phantom.order import bones_of
from spinect_core.research.phantom.parameters import draw_specimen
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.research.phantom_study.run import parse_seeds
from spinect_core.research.study.hard_levels import (
    COUNTS,
    LOWER,
    WRONG_MM,
    Specimen,
    bent,
    counted,
    cut,
    judge,
)

SPACING_MM = 1.25
OFF_MM = 8.0
"""Of the middle of the segmented box from that of the phantom, at most."""
KINDS = ("plain", "diseased", "bent", "cut", "counted", "transitional")
FAMILIES = ("procedural", "varied")
TRANSITIONAL = "transitional"


def drawn(seed: int, findings: tuple[str, ...], bones: Path | None) -> Phantom:
    """A phantom; on bones from files it has no findings."""
    spacing = (SPACING_MM,) * 3
    if bones is not None:
        return draw_on_bones(seed, bones_of(bones), spacing, setting=IDEAL, varied=bool(seed // 4 % 2))
    return draw_case(
        seed, spacing, setting=IDEAL, family=FAMILIES[seed % len(FAMILIES)], pathologies=findings
    )


def base(kind: str, seed: int, bones: Path | None, cases: Path) -> Specimen:
    """The specimen of a seed before it is changed; drawn once."""
    if kind == "plain":
        findings: tuple[str, ...] = ()
    else:
        findings = tuple(name for name in draw_specimen(seed).findings if name != TRANSITIONAL)
        if kind == TRANSITIONAL:
            findings = (*(name for name in findings if name != "spondylolisthesis"), TRANSITIONAL)
        if kind in (TRANSITIONAL, "diseased"):
            bones = None
    name = kind if kind in ("plain", TRANSITIONAL) else "diseased"
    kept = cases / f"{name}-{seed}{'' if bones is None else f'-{bones.stem}'}.npz"
    if not kept.exists():
        phantom = drawn(seed, findings, bones)
        kept.parent.mkdir(parents=True, exist_ok=True)
        truth = phantom.truth
        told = {
            "landmarks": {name: list(point) for name, point in truth["landmarks"].items()},
            "pathologies": truth["pathologies"],
            "family": truth["family"],
        }
        grid = phantom.labels.geometry
        part = kept.with_suffix(".part.npz")
        np.savez_compressed(
            part,
            labels=phantom.labels.array,
            spacing=grid.spacing,
            origin=grid.origin,
            truth=np.array(json.dumps(told)),
        )
        part.replace(kept)
    data = np.load(kept)
    told = json.loads(str(data["truth"]))
    array = data["labels"]
    grid = Geometry(array.shape, tuple(data["spacing"].tolist()), tuple(data["origin"].tolist()))
    points = {name: np.array(point) for name, point in told["landmarks"].items()}
    return Specimen(f"{told['family']} {seed}", Labels(array, grid), points, 1.0, tuple(told["pathologies"]))


def boxed(specimen: Specimen, seed: int) -> Specimen:
    """What lies in a box as large as that which is segmented, its middle up to ``OFF_MM`` off in every direction."""
    grid = specimen.labels.geometry
    rng = np.random.default_rng(seed)
    middle = np.array([0.0, 8.0, 0.0]) + rng.uniform(-OFF_MM, OFF_MM, 3)
    half = np.array(SIZE_MM) / 2
    index = np.sort(grid.to_index(np.stack([middle - half, middle + half])), axis=0)
    first = np.clip(np.ceil(index[0]).astype(int), 0, None)
    last = np.minimum(np.floor(index[1]).astype(int) + 1, grid.shape)
    array = np.ascontiguousarray(
        specimen.labels.array[first[0] : last[0], first[1] : last[1], first[2] : last[2]]
    )
    part = Geometry(array.shape, grid.spacing, tuple(grid.to_patient(first)), grid.direction)
    return replace(specimen, labels=Labels(array, part))


def case(kind: str, seed: int, bones: Sequence[Path], cases: Path) -> Specimen:
    """The case of a kind and a seed; what it is drawn on follows from the seed."""
    sources = [None] * len(FAMILIES) + list(bones)
    specimen = base(kind, seed, sources[seed % len(sources)], cases)
    if kind == "bent":
        return bent(specimen, seed)
    if kind == "cut":
        return cut(specimen, seed)
    if kind == "counted":
        return counted(specimen, COUNTS[(seed + seed // len(COUNTS)) % len(COUNTS)])
    return boxed(specimen, seed)


def judged(specimen: Specimen, quick: bool) -> dict[str, Any]:
    """What is found on a specimen, and whether it is right; ``quick`` without fitting the atlas."""
    began = time.process_time()
    made: dict[str, Any] = {"case": specimen.name, "pathologies": list(specimen.pathologies)}
    if quick:
        verdict = judge("", specimen, quick=True)
        return made | {
            "right": verdict.right,
            "off_mm": round(verdict.off_mm, 1),
            "doubts": list(verdict.doubts),
            "scores": verdict.scores,
            "cues": dict(verdict.cues),
        }
    try:
        found = find_landmarks(specimen.labels)
    except SpinectError as error:
        return made | {"right": False, "doubts": ["refused"], "fault": error.fault}
    off = float(np.linalg.norm(found.points[LOWER] - specimen.points[LOWER]))
    return made | {
        "right": off < WRONG_MM * max(specimen.scale, 1.0),
        "off_mm": round(off, 1),
        "scale": round(specimen.scale, 3),
        "doubts": [str(note.code) for note in found.level_doubts],
        "notes": [
            {"code": str(note.code), "side": note.side and str(note.side)} | dict(note.values)
            for note in found.notes
        ],
        "scores": [round(one.score, 3) for one in found.hypotheses[:3]],
        "cues": {name: round(value, 3) for name, value in found.hypotheses[0].cues.items()}
        if found.hypotheses
        else {},
        "overlap": round(found.bone_overlap, 3),
        "confidences": {name: round(value, 2) for name, value in found.confidences.items()},
        "seconds": round(time.process_time() - began, 1),
    }


def interval(count: int, total: int) -> tuple[float, float]:
    """The exact 95 % interval (Clopper and Pearson) of a share."""
    low = beta.ppf(0.025, count, total - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, total - count) if count < total else 1.0
    return float(low), float(high)


def report(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Counts by kind, in Markdown, and what was doubted where the level was right."""
    lines = [
        "| kind | n | right, no doubt | right, doubt told | wrong, doubt told | wrong in silence |",
        "|---|---|---|---|---|---|",
    ]
    for kind in (kind for kind in KINDS if any(row["kind"] == kind for row in rows)):
        mine = [row for row in rows if row["kind"] == kind]
        counts = Counter((row["right"], bool(row["doubts"])) for row in mine)
        cells = [counts[each] for each in ((True, False), (True, True), (False, True), (False, False))]
        low, high = interval(cells[1], len(mine))
        lines.append(
            f"| {kind} | {len(mine)} | {cells[0]} | {cells[1]} ({low:.0%} to {high:.0%}) | {cells[2]} | {cells[3]} |"
        )
    reasons = Counter(
        f"{row['kind']}: {', '.join(sorted(set(row['doubts'])))}"
        for row in rows
        if row["right"] and row["doubts"]
    )
    return lines + [f"- {reason}: {count}" for reason, count in sorted(reasons.items())]


def main(arguments: list[str] | None = None) -> int:
    """Run the study; 1 where a level was wrong in silence."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="where cases and results are kept")
    parser.add_argument("--seeds", default="9300-9399", help="one case of each kind is made of each")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="by the cues alone, without fitting the atlas: its doubts are left out",
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument(
        "--bones", type=Path, nargs="*", default=[], help="bones from files to draw on as well"
    )
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / "levels.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    rows = [row for row in rows if row["quick"] == options.quick]
    known = {(row["kind"], row["seed"]) for row in rows}
    seeds = parse_seeds(options.seeds)
    with path.open("a") as kept:
        for seed in seeds:
            for kind in options.kinds:
                if (kind, seed) in known:
                    continue
                specimen = case(kind, seed, options.bones, options.work / "cases")
                row = {"kind": kind, "seed": seed, "quick": options.quick} | judged(specimen, options.quick)
                rows.append(row)
                kept.write(json.dumps(row) + "\n")
                kept.flush()
                state = "right" if row["right"] else "wrong"
                told = ", ".join(row["doubts"]) or "no doubt"
                print(f"{kind} {row['case']}: {state}, {told}", file=sys.stderr, flush=True)
    wanted = [row for row in rows if row["seed"] in set(seeds) and row["kind"] in options.kinds]
    print("\n".join(report(wanted)))
    return int(any(not row["right"] and not row["doubts"] for row in wanted))


if __name__ == "__main__":
    sys.exit(main())
