"""``python -m benchmarks.other_family.measure CASE ... --weights FILE ... --out TABLE.csv``: what the network finds.

A case is a folder with ``ct.nii.gz``, ``labels.nii.gz``, ``structures.nii.gz`` and ``truth.json``, of this family or of
``spinect phantom``. The program's own segmentation reads it; a line of the table is one case with one weights file.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from spinect_core.geometry.polyline import along
from spinect_core.image.evaluation import cropped
from spinect_core.image.region import Region
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels
from spinect_core.io.reading import read_ct, read_labels, read_structures
from spinect_core.segmentation import segment

ROOTS = ("L4", "L5", "S1")
PARTS = {"recess": (-1e9, -6.0), "foramen": (-6.0, 6.0), "beyond": (6.0, 31.0)}
"""From and to, in mm along the root from the middle of its ganglion."""
FALSE_MM = 5.0
"""Nerve farther than this from any true nerve is false."""
OWN = "own"
"""In place of a weights file: the program's own weights."""


def part_shares(
    found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_], course: dict[str, Any], geometry: Geometry
) -> dict[str, float | None]:
    """Labelled share of each part of a root; None where the picture holds no part of it.

    Args:
        found: voxels labelled nerve, [z, y, x].
        true: voxels of the root.
        course: ``points`` and ``ganglion`` in LPS mm, as ``truth.json`` has them.
        geometry: the grid of both.
    """
    points = np.array(course["points"])
    arc = along(points)
    middle = np.linalg.norm(points - np.array(course["ganglion"]), axis=1).argmin()
    index = np.argwhere(true)
    if not len(index):
        return dict.fromkeys(PARTS)
    place = (arc - arc[middle])[cKDTree(points).query(geometry.to_patient(index))[1]]
    hit = found[tuple(index.T)]
    shares: dict[str, float | None] = {}
    for name, (low, high) in PARTS.items():
        inside = (place >= low) & (place < high)
        shares[name] = float(hit[inside].mean()) if inside.any() else None
    return shares


def about_l5(truth: dict[str, Any]) -> Region:
    """The part from the ganglia of L4 to below those of S1, 124 x 90 x 92 mm: a fourth of the tiles of the whole."""
    middle = np.mean([truth["nerves"][f"L5 {side}"]["ganglion"] for side in ("left", "right")], axis=0)
    return Region.around(middle + np.array([0, -5, -4]), (124, 90, 92), note="about L5")


def dice(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    """Twice what is common, by the sum."""
    both = int(np.count_nonzero(found)) + int(np.count_nonzero(true))
    return 2 * int(np.count_nonzero(found & true)) / max(both, 1)


def measures(
    prediction: Labels, labels: Labels, structures: npt.NDArray[np.integer[Any]], truth: dict[str, Any]
) -> dict[str, float | None]:
    """Dice, shares of roots and their parts, and false nerve in ml, of one case.

    Args:
        prediction: what the network found, on the grid of the part looked at.
        labels: the truth, on the same grid.
        structures: every structure by number, likewise.
        truth: what ``truth.json`` holds.
    """
    found, true = prediction.array == NERVE, labels.array == NERVE
    geometry = labels.geometry
    far = distance_transform_edt(~true, sampling=geometry.spacing[::-1]) > FALSE_MM
    row: dict[str, float | None] = {
        "bone": dice(prediction.array == BONE, labels.array == BONE),
        "nerve": dice(found, true),
        "false ml": float(np.count_nonzero(found & far)) * math.prod(geometry.spacing) / 1000,
    }
    for root in ROOTS:
        for side in ("left", "right"):
            name = f"{root} {side}"
            mask = structures == truth["structures"][name]
            row[name] = float(found[mask].mean()) if mask.any() else None
            shares = part_shares(found, mask, truth["nerves"][name], geometry)
            row.update({f"{name} {part}": share for part, share in shares.items()})
    return row


def measure(folder: Path, weights: Path | None, mode: str, *, near: bool) -> dict[str, Any]:
    """Segment a case, or only the part about L5 of it, and compare."""
    volume = read_ct(folder / "ct.nii.gz")
    labels = read_labels(folder / "labels.nii.gz")
    structures = read_structures(folder / "structures.nii.gz")
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    region = about_l5(truth) if near else None
    result = segment(volume, region=region, mode=mode, engine="openvino", weights=weights)
    part = [cropped(each, result.region) for each in (result.labels, labels, structures)]
    row = measures(part[0], part[1], part[2].array, truth)
    return {**row, "found": result.region.found, "seconds": result.run.seconds["total"]}


def main() -> int:
    """Measure what the command line names; what the table has already is not measured again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path, nargs="+")
    parser.add_argument("--weights", nargs="+", default=[OWN], help=f"files, or {OWN} (default)")
    parser.add_argument("--mode", default="fast")
    parser.add_argument("--near", action="store_true", help="only 124 x 90 x 92 mm about the ganglia of L5")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    done: list[dict[str, Any]] = []
    if options.out.exists():
        with options.out.open(newline="", encoding="utf-8") as stream:
            done = list(csv.DictReader(stream))
    known = {(row["case"], row["weights"], row["mode"]) for row in done}
    for folder in options.cases:
        for weights in options.weights:
            key = {"case": f"{folder.parent.name}/{folder.name}", "weights": weights, "mode": options.mode}
            if tuple(key.values()) in known:
                continue
            row = {
                **key,
                **measure(folder, None if weights == OWN else Path(weights), options.mode, near=options.near),
            }
            done.append(row)
            with options.out.open("w", newline="", encoding="utf-8") as stream:
                table = csv.DictWriter(stream, list(row))
                table.writeheader()
                table.writerows(done)
            sys.stdout.write(f"{key['case']} {weights}: bone {row['bone']:.4f} nerve {row['nerve']:.4f} "
                             f"false {row['false ml']:.2f} ml, {row['seconds']:.0f} s\n")  # fmt: skip
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
