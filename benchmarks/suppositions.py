"""How near a supposed course lies to the true one: ``python -m benchmarks.suppositions FOLDER...``.

Each folder holds a case of ``spinect phantom``: ``ct.nii.gz``, ``labels.nii.gz`` and ``truth.json``. Out of the true
labels of each of its roots, stretches of 8, 12 and 16 mm are taken at five places, one at a time. Printed are, for
each, the mean and largest distance of the supposed course from the drawn centreline, and the mean one of the expected
course alone; for all together, how many were supposed and how many lie within 2 mm.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from spinect_core.anatomy.atlas import load_atlas
from spinect_core.anatomy.completeness import RootFound, roots_found, ways_of
from spinect_core.anatomy.courses import dense
from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
from spinect_core.anatomy.levels import level_of
from spinect_core.anatomy.register import register
from spinect_core.anatomy.supposed import supposed_course
from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import NERVE, Labels, Volume
from spinect_core.io.reading import read_ct, read_labels
from spinect_core.preprocessing.grid import on_regular_grid

CUTS = ((0.25, 8.0), (0.45, 8.0), (0.65, 8.0), (0.35, 12.0), (0.55, 16.0))
"""Where on its way, as a part of it, a stretch begins, and how many mm it is long."""
TAKEN_MM = 5.5
WITHIN_MM = 2.0
MARGIN_MM = 4.0


class Row(NamedTuple):
    """One stretch: distances from the true centreline in mm; None where nothing was supposed."""

    root: str
    length_mm: float
    place: str
    mean: float | None
    largest: float | None
    expected: float


def courses(labels: Labels, landmarks: Landmarks) -> dict[str, FloatArray]:
    """The courses of the atlas laid over a case, LPS mm, by root."""
    atlas, level = load_atlas(), level_of("L5/S1")
    start = landmarks.points["S1 upper end plate centre"] - atlas.landmarks["S1 upper end plate centre"]
    laid = register(atlas, labels, focus=atlas.landmarks[level.focus], steps_up=0, start=start)
    return {name: laid.points(atlas.courses[name]) for name in ways_of(atlas, level)}


def without(labels: Labels, root: RootFound, start: float, length: float) -> Labels:
    """The labels less a stretch of a root."""
    index = np.argwhere(labels.array == NERVE)
    away, nearest = cKDTree(root.points).query(labels.geometry.to_patient(index))
    at = along(root.points)[nearest]
    gone = index[(away < TAKEN_MM) & (at >= start) & (at <= start + length)]
    array = labels.array.copy()
    array[tuple(gone.T)] = 0
    return Labels(array, labels.geometry)


def measured(folder: Path) -> list[Row]:
    """All stretches of a case that were whole, and whose removal made one gap."""
    volume = read_ct(folder / "ct.nii.gz")
    labels = on_regular_grid(read_labels(folder / "labels.nii.gz"), 1.0)
    nerves = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["nerves"]
    landmarks = find_landmarks(labels)
    lines, ways = courses(labels, landmarks), ways_of(load_atlas(), level_of("L5/S1"))
    rows = []
    for name, root in landmarks.roots.items():
        true = cKDTree(dense(np.array(nerves[name]["points"]), 0.2))
        arc = along(root.points)
        for part, length in CUTS:
            start = arc[-1] * part
            near = (arc > start - MARGIN_MM) & (arc < start + length + MARGIN_MM)
            if start + length > arc[-1] - MARGIN_MM or not root.labelled[near].all():
                continue
            cut = without(labels, root, start, length)
            found = roots_found({name: lines[name]}, {name: ways[name]}, cut, landmarks.sac)[name]
            if len(found.gaps) == 1:
                rows.append(_row(found, cut, volume, true))
    return rows


def _row(root: RootFound, labels: Labels, volume: Volume, true: cKDTree) -> Row:
    (gap,) = root.gaps
    expected = float(true.query(dense(gap.points, 0.5))[0].mean())
    supposed = supposed_course(root, gap, labels, volume)
    if supposed is None:
        return Row(root.name, gap.length_mm, gap.place, None, None, expected)
    away = true.query(dense(supposed, 0.5))[0]
    return Row(root.name, gap.length_mm, gap.place, float(away.mean()), float(away.max()), expected)


def summary(rows: list[Row], root: str) -> str:
    """What all stretches of a root come to."""
    mine = [row for row in rows if row.root.startswith(root)]
    known = [row for row in mine if row.mean is not None]
    means = np.array([row.mean for row in known])
    if not known:
        return f"{root or 'all'}: {len(mine)} gaps, none supposed"
    expected = np.mean([row.expected for row in known])
    return (
        f"{root or 'all'}: {len(mine)} gaps, {len(known)} supposed, mean {means.mean():.2f} mm (expected course "
        f"{expected:.2f}), worst mean {means.max():.2f}, within {WITHIN_MM:g} mm {int((means <= WITHIN_MM).sum())}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    rows: list[Row] = []
    for folder in parser.parse_args().folders:
        for row in measured(folder):
            print(
                folder.name, *(f"{each:.2f}" if isinstance(each, float) else each for each in row), flush=True
            )
            rows.append(row)
    for root in ("L4", "L5", "S1", ""):
        print(summary(rows, root))


if __name__ == "__main__":
    main()
