"""Measures how often the network's probabilities are right, and what intervals of areas and clearances need.

``python -m benchmarks.calibrate --fit CASES... --check CASES... --work FOLDER --out assets/calibration.json``

Each case is a folder as ``spinect phantom`` writes it, never trained on. Both parts are measured; the calibration is
made from the first alone, and what the second says of it is printed and written into the file for readers. What was
measured of a case is kept in the work folder and used again for the same weights.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.errors import SpinectError
from spinect_core.base.words import ModeName, Side
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Zone
from spinect_core.image.probabilities import WHOLE, Probabilities
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels
from spinect_core.io.reading import read_ct, read_labels
from spinect_core.plan.build import key_of
from spinect_core.planning.intervals import Shell, Uncertainty, is_coarse
from spinect_core.planning.level import Approaches
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.safety import clearance
from spinect_core.planning.room import Room
from spinect_core.planning.zones.window import Sight
from spinect_core.preprocessing.prepare import MEAN, prepare
from spinect_core.research.study.degrade import thicken
from spinect_core.segmentation import segment
from spinect_core.segmentation.calibration import Calibration, Widening, write_calibration
from spinect_core.segmentation.weights import weights_hash, weights_path
from spinect_core.surfaces import build_surfaces

Table = npt.NDArray[np.float64]
STEP_DEGREES = 6.0
NEEDLE_MM = 100.0
HOLDS = 0.9
NONE = Widening(0.0, 0.0, 0.0, 0)
PER_ZONE = ("area_mm2", "radius_mm", "bone_mm", "nerve_mm")
SHELL_PERCENT = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Read:
    """A case as the network sees it, and its truth on the same grid."""

    name: str
    labels: Labels
    truth: Labels
    probabilities: Probabilities
    coarse: bool
    seconds: float

    @classmethod
    def of(cls, folder: Path, work: Path, slices_mm: float | None = None) -> Read:
        """Segment a case, unless that was done before.

        Args:
            folder: of the case.
            work: where what was done is kept.
            slices_mm: its slices are made so thick first; as they are if not given.
        """
        name = f"{folder.parent.name}-{folder.name}" + (f"-{slices_mm:g}-mm" if slices_mm else "")
        kept = work / f"{name}-{weights_hash(weights_path())[:8]}.npz"
        if not kept.exists():
            sharp = read_ct(folder / "ct.nii.gz")
            volume = thicken(sharp, slices_mm) if slices_mm else sharp
            found = segment(volume, mode=ModeName.THOROUGH)
            # Thick slices begin where the others do, so the truth is read on the same voxels from the others.
            fine = prepare(sharp, found.region, MEAN)
            truth = fine.sample_labels(read_labels(folder / "labels.nii.gz").array)
            grid, likely = found.labels_1mm.geometry, found.probabilities
            truth = truth[tuple(slice(count) for count in grid.shape)]
            assert fine.geometry.origin == grid.origin
            assert likely is not None  # segmenting keeps them
            work.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(
                kept,
                labels=found.labels_1mm.array,
                truth=truth,
                bone=likely.bone,
                nerve=likely.nerve,
                origin=grid.origin,
                direction=grid.direction,
                coarse=is_coarse(volume.geometry),
                seconds=found.run.seconds["total"],
            )
        data = np.load(kept)
        grid = Geometry(data["labels"].shape, (1.0, 1.0, 1.0), tuple(data["origin"]), data["direction"])
        return cls(
            name,
            Labels(data["labels"], grid),
            Labels(data["truth"], grid),
            Probabilities(data["bone"], data["nerve"], grid),
            bool(data["coarse"]),
            float(data["seconds"]),
        )

    def counts(self, tissue: int) -> Table:
        """Voxels, and those of them that are the tissue, (2, 101) by the percent said."""
        said = self.probabilities.of_tissue(tissue).ravel()
        right = said[(self.truth.array == tissue).ravel()]
        return np.stack([np.bincount(each, minlength=WHOLE + 1) for each in (said, right)]).astype(np.float64)


def frequencies(counts: Table) -> tuple[float, ...]:
    """How often voxels are a tissue by what is said of them: never falling where more is said."""
    voxels, right = counts
    rate = np.divide(right, voxels, out=np.linspace(0, 1, WHOLE + 1), where=voxels > 0)
    fitted = isotonic_regression(rate, weights=np.maximum(voxels, 1e-3)).x
    return tuple(round(float(each), 6) for each in np.clip(fitted, 0, 1))


def reliability(counts: Table, table: Sequence[float]) -> dict[str, Any]:
    """How far what is said lies from what is true, before the calibration and after it.

    Voxels that are as good as certain (within 5 % of none or all, after the calibration) would hide all others; the
    expected error is given of the others, too.
    """
    voxels, right = counts
    said, after = np.arange(WHOLE + 1) / WHOLE, np.asarray(table)
    shell = (after > SHELL_PERCENT[0]) & (after < SHELL_PERCENT[1])
    rows = []
    for low in range(0, 10):
        inside = (after * 10 >= low) & ((after * 10 < low + 1) | (low == 9))
        if voxels[inside].sum() > 0:
            weight = voxels[inside] / voxels[inside].sum()
            rows.append(
                {
                    "from": low / 10,
                    "said": round(float(said[inside] @ weight), 4),
                    "calibrated": round(float(after[inside] @ weight), 4),
                    "true": round(float(right[inside].sum() / voxels[inside].sum()), 4),
                    "voxels": int(voxels[inside].sum()),
                }
            )

    def error(claimed: Table, of: npt.NDArray[np.bool_]) -> float:
        total = max(voxels[of].sum(), 1)
        return round(float(np.abs(claimed[of] * voxels[of] - right[of]).sum() / total), 5)

    everywhere = np.ones_like(shell)
    return {
        "ece_said": error(said, everywhere),
        "ece_calibrated": error(after, everywhere),
        "ece_said_in_shell": error(said, shell),
        "ece_calibrated_in_shell": error(after, shell),
        "shell_calibrated_mean": round(float((after * voxels)[shell].sum() / max(voxels[shell].sum(), 1)), 4),
        "shell_true_mean": round(float(right[shell].sum() / max(voxels[shell].sum(), 1)), 4),
        "bins": rows,
    }


def zone_rows(case: Read, calibration: Calibration) -> list[dict[str, Any]]:
    """Each zone of a case: what is measured on the labels, between the outer and inner borders, and on the truth."""
    room = Room(case.labels, build_surfaces(case.labels))
    true_room = Room(case.truth, build_surfaces(case.truth))
    work = Approaches(room, find_landmarks(case.labels))
    true_work = Approaches(true_room, find_landmarks(case.truth))
    true_zones = {key_of(zone): zone for zone in true_work.zones()[0]}
    shell = Shell(case.labels, Uncertainty(case.probabilities, calibration, NONE))
    rows = []
    for searched in work.search(work.zones()[0], step=STEP_DEGREES):
        zone, best = searched.sight.zone, searched.result.best
        if best is None or key_of(zone) not in true_zones:
            continue
        view = best.view
        rooms = (room.obstacles, shell.outer, shell.inner)
        windows = [Sight(zone, each).window(view) for each in rooms]
        windows.append(Sight(true_zones[key_of(zone)], true_room.obstacles).window(view))
        needle = needle_through(zone, view, windows[0].centre)
        along = [clearance(needle, each) for each in (*rooms, true_room.obstacles)]
        rows.append(
            {
                "case": case.name,
                "zone": key_of(zone),
                "coarse": case.coarse,
                "area_mm2": [each.area_mm2 for each in windows],
                "radius_mm": [each.radius_mm for each in windows],
                "bone_mm": [each.bone.gap_mm for each in along],
                "nerve_mm": [each.nerve.gap_mm for each in along],
            }
        )
    return rows


def needle_through(zone: Zone, view: View, centre: Any) -> Needle:
    """A needle along a view to the middle of a window, as long as those of most patients."""
    target = np.asarray(centre, dtype=np.float64)
    entry = target + NEEDLE_MM * view.vector
    return Needle(
        name="trial",
        kind=zone.kind,
        side=Side(zone.side),
        level=zone.level,
        version=zone.version,
        entry=tuple(entry.tolist()),
        target=tuple(target.tolist()),
        gauge=22,
        length_mm=178.0,
    )


def excess(row: dict[str, Any], name: str) -> float:
    """How far the truth lies outside of what labels and borders say; negative inside."""
    *measured, true = row[name]
    finite = [each for each in measured if math.isfinite(each)]
    if not finite or not math.isfinite(true):
        return float("nan")
    return float(max(min(finite) - true, true - max(finite)))


def widened(rows: Iterable[dict[str, Any]], names: Sequence[str]) -> float:
    """What has to be added on both sides for 90 % of the truth, with the allowance that so few cases ask for."""
    found = np.array([excess(row, name) for row in rows for name in names])
    found = np.sort(found[np.isfinite(found)])
    if not len(found):
        return 0.0
    place = min(math.ceil(HOLDS * (len(found) + 1)), len(found)) - 1
    return round(max(float(found[place]), 0.0), 3)


def widening(rows: list[dict[str, Any]]) -> Widening | None:
    """Of each quantity; None without any case."""
    if not rows:
        return None
    return Widening(
        widened(rows, ("area_mm2",)),
        widened(rows, ("radius_mm",)),
        widened(rows, ("bone_mm", "nerve_mm")),
        len({row["case"] for row in rows}),
    )


def held(rows: list[dict[str, Any]], calibration: Calibration) -> dict[str, Any]:
    """How much of the truth the intervals hold, and how wide they are."""
    result: dict[str, Any] = {"cases": len({row["case"] for row in rows}), "zones": len(rows)}
    for name in PER_ZONE:
        inside, widths, narrow = [], [], []
        for row in rows:
            known = (calibration.coarse if row["coarse"] else calibration.fine) or NONE
            more = {"area_mm2": known.area_mm2, "radius_mm": known.radius_mm}.get(name, known.clearance_mm)
            outside = excess(row, name)
            if math.isfinite(outside):
                inside.append(outside <= more + 1e-9)
                narrow.append(outside <= 1e-9)
                finite = [each for each in row[name][:3] if math.isfinite(each)]
                widths.append(max(finite) - min(finite) + 2 * more)
        if inside:
            result[name] = {
                "measured": len(inside),
                "held": round(float(np.mean(inside)), 3),
                "held_by_borders_alone": round(float(np.mean(narrow)), 3),
                "median_width": round(float(np.median(widths)), 2),
            }
    return result


def said(text: str) -> None:
    """Progress, at once."""
    print(text, file=sys.stderr, flush=True)


def rows_of(cases: Sequence[Read], calibration: Calibration, work: Path) -> list[dict[str, Any]]:
    """The zones of all cases; of one that cannot be planned none."""
    rows = []
    for case in cases:
        began = time.perf_counter()
        try:
            found = zone_rows(case, calibration)
        except SpinectError as error:
            said(f"{case.name}: {error}")
            continue
        rows += found
        said(f"{case.name}: {len(found)} zones in {time.perf_counter() - began:.0f} s")
        (work / f"{case.name}-zones.json").write_text(json.dumps(found))
    return rows


def measure(
    fit: Sequence[Path], check: Sequence[Path], work: Path, out: Path, slices_mm: float | None = None
) -> None:
    """Make a calibration from some cases and try it on others, each also with thick slices if their width is given."""
    widths = (None,) if slices_mm is None else (None, slices_mm)
    sets: dict[str, list[Read]] = {}
    for name, folders in (("fit", fit), ("check", check)):
        sets[name] = []
        for folder, width in itertools.product(folders, widths):
            case = Read.of(folder, work, width)
            said(f"{case.name}: read in {case.seconds:.0f} s")
            sets[name].append(case)
    total = {
        (name, tissue): np.sum([case.counts(tissue) for case in cases], axis=0)
        for name, cases in sets.items()
        for tissue in (BONE, NERVE)
    }
    tables = {tissue: frequencies(total["fit", tissue]) for tissue in (BONE, NERVE)}
    first = Calibration(
        weights_hash(weights_path()), ModeName.THOROUGH.value, tables[BONE], tables[NERVE], NONE, NONE
    )
    rows = {name: rows_of(cases, first, work) for name, cases in sets.items()}
    parts = {
        grade: widening([row for row in rows["fit"] if row["coarse"] == (grade == "coarse")])
        for grade in ("fine", "coarse")
    }
    made = Calibration(first.weights_sha256, first.mode, first.bone, first.nerve, **parts)
    measured: dict[str, Any] = {
        "cases": {name: [case.name for case in cases] for name, cases in sets.items()},
        "reliability": {
            tissue_name: reliability(total["check", tissue], tables[tissue])
            for tissue_name, tissue in (("bone", BONE), ("nerve", NERVE))
        },
        "intervals": {
            grade: held([row for row in rows["check"] if row["coarse"] == (grade == "coarse")], made)
            for grade in ("fine", "coarse")
        },
    }
    write_calibration(made, measured, out)
    print(json.dumps({**made.to_dict(), **measured}, indent=1))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--fit", type=Path, nargs="+", required=True, help="cases to calibrate on")
    parser.add_argument("--check", type=Path, nargs="+", required=True, help="other cases to try it on")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is measured of each case")
    parser.add_argument("--out", type=Path, required=True, help="calibration file")
    parser.add_argument("--slices", type=float, metavar="MM", help="each case once more with slices so thick")
    asked = parser.parse_args(argv)
    measure(asked.fit, asked.check, asked.work, asked.out, asked.slices)


if __name__ == "__main__":
    main()
