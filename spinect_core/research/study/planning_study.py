"""The planning over many phantoms: level, landmarks, and how large the triangles' free windows are.

``python -m spinect_core.research.study.planning_study CASES --out DIR``
takes folders with ``labels.nii.gz`` and ``truth.json``
as ``spinect phantom`` writes them; with ``--predicted DIR`` the labels of the folders of the same names there.
It writes ``zones.csv`` (a row for each zone of each case), ``planning.md``, and the tables of
:mod:`spinect_core.research.study.landmark_errors`. Finished cases are kept in ``DIR/cases`` and not computed again.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.base.errors import SpinectError, UsageError
from spinect_core.base.files import write_whole
from spinect_core.image.volume import Labels
from spinect_core.io.reading import read_labels
from spinect_core.plan.wording import closing_words
from spinect_core.planning.level import Approaches
from spinect_core.planning.room import Room
from spinect_core.planning.search.search import SearchResult, search
from spinect_core.planning.zones.closers import what_closes
from spinect_core.planning.zones.fitted import fit_triangle
from spinect_core.planning.zones.window import Sight
from spinect_core.preprocessing.grid import on_regular_grid
from spinect_core.research.study.landmark_errors import CaseErrors, examine_labels, write
from spinect_core.surfaces import build_surfaces

STEP_DEGREES = 4.0
USUAL_OBLIQUE = (20.0, 40.0)
"""Degrees of the views in use for L5 (25 to 30° in PubMed 24690186; 30 to 45° in handbooks)."""
PUBLISHED = {"kambin": "37.8 ± 20.9 (10 to 84)", "safe": "8.7 ± 2.2 (4 to 18)"}
"""Projected areas in mm² in a chosen view, Fan and others, AJNR 2019;40:1074."""


@dataclass(frozen=True)
class ZoneRow:
    """One zone of one case.

    Attributes:
        case: its name.
        kind: "kambin" or "safe".
        version: "bony", "neural" or "".
        side: "left" or "right".
        confidence: of the zone.
        view: the best, in words; that nearest to being open where none is.
        area_mm2: of the free window there.
        diameter_mm: of the largest circle in it.
        fitted_mm2: of the triangle fitted into it.
        zone_mm2: of the whole zone there.
        usual_mm2: largest free window among views of 20 to 40° oblique that a needle fits through; 0 for none.
        allowed: part of the views that a needle fits through.
        closed_by: what blocks it, where no view is open.
    """

    case: str
    kind: str
    version: str
    side: str
    confidence: float
    view: str
    area_mm2: float
    diameter_mm: float
    fitted_mm2: float
    zone_mm2: float
    usual_mm2: float
    allowed: float
    closed_by: str


def plan_labels(case: str, labels: Labels) -> list[ZoneRow]:
    """All zones of both sides, searched without regard to the skin.

    Args:
        case: a name for the rows.
        labels: 0 background, 1 bone, 2 nerve, on 1 mm voxels.

    Raises:
        SpinectError: no level was found.
    """
    work = Approaches(Room(labels, build_surfaces(labels)), find_landmarks(labels))
    rows = []
    for zone in work.zones()[0]:
        sight = Sight(zone, work.room.obstacles)
        found = search(sight, None, step=STEP_DEGREES, clearance=work.room.field)
        window = sight.window(found.candidate) if found.best is None else found.best.window
        fitted = fit_triangle(sight, window) if window.open else None
        closing = what_closes(sight, found.candidate, work.parts_of) if found.best is None else None
        rows.append(
            ZoneRow(
                case,
                zone.kind,
                zone.version,
                zone.side,
                zone.confidence,
                window.view.words,
                window.area_mm2,
                2 * window.radius_mm,
                0.0 if fitted is None else fitted.triangle.area_mm2,
                window.zone_area_mm2,
                usual_area(found),
                found.allowed_count / len(found.score),
                "" if closing is None else closing_words(closing),
            )
        )
    return rows


def usual_area(found: SearchResult) -> float:
    """Largest allowed window in mm² among views of a usual obliquity, 0 for none."""
    looks = found.map.looks
    usual = looks.allowed & (looks.oblique >= USUAL_OBLIQUE[0]) & (looks.oblique <= USUAL_OBLIQUE[1])
    return float(looks.area_mm2[usual].max(initial=0.0))


def spread(values: Sequence[float]) -> str:
    """Mean ± SD (range) of areas."""
    if not values:
        return "none"
    sd = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{sd} ({min(values):.1f} to {max(values):.1f})"


def summary(rows: Sequence[ZoneRow]) -> str:
    """Distributions of the areas beside the published ones, as a markdown table."""
    lines = [
        "| zone | n | open in some view | best view, mm² | fitted triangle there, mm² | circle, mm | "
        "open at 20 to 40° | best of these, mm² | published, mm² |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, version in (("kambin", "bony"), ("kambin", "neural"), ("safe", "")):
        mine = [row for row in rows if (row.kind, row.version) == (kind, version)]
        opened = [row for row in mine if not row.closed_by]
        usual = [row.usual_mm2 for row in mine if row.usual_mm2 > 0]
        lines.append(
            f"| {kind} {version} | {len(mine)} | {len(opened)} | {spread([row.area_mm2 for row in opened])} "
            f"| {spread([row.fitted_mm2 for row in opened])} | {spread([row.diameter_mm for row in opened])} "
            f"| {len(usual)} | {spread(usual)} | {PUBLISHED[kind]} |"
        )
    closed = [
        f"- {row.case}, {row.side} {row.kind} {row.version}: {row.closed_by}" for row in rows if row.closed_by
    ]
    return "\n".join([*lines, "", *closed])


def examine_case(folder: Path, predicted: Path | None, store: Path) -> tuple[CaseErrors, list[ZoneRow]]:
    """One case, or what was stored of it."""
    kept = store / f"{folder.name}.json"
    if kept.is_file():
        data = json.loads(kept.read_text(encoding="utf-8"))
        stored = data["errors"] | {name: tuple(data["errors"][name]) for name in ("pathologies", "notes")}
        return CaseErrors(**stored), [ZoneRow(**row) for row in data["zones"]]
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    source = folder if predicted is None else predicted / folder.name
    labels = on_regular_grid(read_labels(source / "labels.nii.gz"), 1.0)
    errors = examine_labels(int(truth["seed"]), labels, truth)
    try:
        rows = plan_labels(folder.name, labels)
    except SpinectError as error:
        print(f"{folder.name}: {error.fault}", flush=True)
        rows = []
    store.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"errors": asdict(errors), "zones": [asdict(row) for row in rows]})
    write_whole(kept, text.encode("utf-8"))
    return errors, rows


def main(words: Iterable[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path, help="folder of case folders")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--predicted", type=Path)
    chosen = parser.parse_args(None if words is None else list(words))
    folders = sorted(path.parent for path in chosen.cases.glob("*/truth.json"))
    if chosen.predicted is not None:
        folders = [path for path in folders if (chosen.predicted / path.name / "labels.nii.gz").is_file()]
    if not folders:
        raise UsageError("There is no case", "Draw some with `spinect phantom`", chosen.cases)
    errors: list[CaseErrors] = []
    rows: list[ZoneRow] = []
    for folder in folders:
        one, zones = examine_case(folder, chosen.predicted, chosen.out / "cases")
        errors.append(one)
        rows += zones
        print(
            f"{folder.name}: {len(zones)} zones, {sum(not row.closed_by for row in zones)} open", flush=True
        )
    labels = "true labels" if chosen.predicted is None else "predicted labels"
    write(errors, chosen.out, f"Landmarks of L5/S1 on {len(errors)} phantoms, {labels}")
    stream = io.StringIO()
    table = csv.DictWriter(stream, [field.name for field in fields(ZoneRow)])
    table.writeheader()
    table.writerows(asdict(row) for row in rows)
    write_whole(chosen.out / "zones.csv", stream.getvalue().encode("utf-8"))
    text = f"# Free windows on {len(folders)} phantoms, {labels}\n\n{summary(rows)}\n"
    write_whole(chosen.out / "planning.md", text.encode("utf-8"))


if __name__ == "__main__":
    main()
