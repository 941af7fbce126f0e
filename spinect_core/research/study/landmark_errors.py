"""How far the landmarks, roots and borders that are found lie from the true ones of phantoms.

``python -m spinect_core.research.study.landmark_errors --out DIR --normal 9001-9012 --drawn 9101-9112 --spacing 1.25``
writes ``landmark-errors.csv`` (a row for each landmark of each case), ``cases.csv`` and ``landmark-errors.md``. With
``--predicted FOLDER`` it reads ``seed-N/labels.nii.gz`` from there in place of the true labels.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from spinect_core.anatomy.atlas import sideless
from spinect_core.anatomy.borders import zones
from spinect_core.anatomy.landmarks import Landmarks, find_landmarks
from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpinectError, UsageError
from spinect_core.base.files import write_whole
from spinect_core.base.words import Side
from spinect_core.image.volume import Labels
from spinect_core.io.reading import read_labels
from spinect_core.plan.wording import sentences
from spinect_core.research.phantom import draw_case
from spinect_core.research.phantom.build import LUMBOSACRAL
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.research.phantom_study.run import parse_seeds

AIM_MM = 3.0
WRONG_LEVEL_MM = 15.0
"""With an error larger than this, the body found is not the body meant: a level is about 35 mm high."""


@dataclass(frozen=True)
class CaseErrors:
    """What was found in one case.

    Attributes:
        seed: of the phantom.
        pathologies: it has.
        errors: mm by landmark.
        confidences: 0 to 1 by landmark.
        roots: by root, mean distance in mm of the found part of its course from the true centreline.
        level_right: whether the level and both sides are the true ones.
        zones: how many of the six zones were drawn.
        notes: what was reported as doubtful.
        seconds: it took.
        fault: why there is nothing, "" if there is.
    """

    seed: int
    pathologies: tuple[str, ...]
    errors: dict[str, float] = field(default_factory=dict)
    confidences: dict[str, float] = field(default_factory=dict)
    roots: dict[str, float] = field(default_factory=dict)
    level_right: bool = False
    zones: int = 0
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    fault: str = ""


def examine_labels(seed: int, labels: Labels, truth: dict[str, Any], level: str = "L5/S1") -> CaseErrors:
    """Find the landmarks of a case and compare them with the true ones.

    Args:
        seed: for the record.
        labels: true or predicted.
        truth: what truth.json holds.
        level: that is looked for.
    """
    pathologies = tuple(truth["pathologies"])
    started = time.perf_counter()
    try:
        found = find_landmarks(labels, level=level)
    except SpinectError as error:
        return CaseErrors(seed, pathologies, fault=error.fault)
    seconds = time.perf_counter() - started
    true = {name: np.array(point) for name, point in truth["landmarks"].items()}
    # Of L3 the truth lacks the upper end plate: the picture ends below it.
    errors = {
        name: float(np.linalg.norm(point - true[name]))
        for name, point in found.points.items()
        if name in true
    }
    drawn = 0
    for side in Side:
        try:
            drawn += len(zones(found, labels, side))
        except SpinectError:
            continue
    roots = {
        name: root_error(course.points[course.found], np.array(truth["nerves"][name]["points"]))
        for name, course in found.courses.items()
        if course.found.any()
    }
    return CaseErrors(
        seed,
        pathologies,
        errors,
        dict(found.confidences),
        roots,
        level_and_sides(found, true),
        drawn,
        sentences(found.notes),
        seconds,
    )


def root_error(points: FloatArray, true: FloatArray) -> float:
    """Mean distance in mm of points (n, 3) from a true centreline (m, 3)."""
    return float(cKDTree(true).query(points)[0].mean())


def level_and_sides(found: Landmarks, true: dict[str, FloatArray]) -> bool:
    """Whether every landmark is nearest to the true place of its own level and side."""
    body = f"{found.names.upper} body centre"
    if np.linalg.norm(found.points[body] - true[body]) > WRONG_LEVEL_MM:
        return False
    for name, point in found.points.items():
        other = name.replace(" left", "#").replace(" right", " left").replace("#", " right")
        if (
            other != name
            and name in true
            and np.linalg.norm(point - true[other]) < np.linalg.norm(point - true[name])
        ):
            return False
    return True


def examine(
    order: tuple[int, tuple[str, ...] | None], spacing: float, level: str, predicted: Path | None
) -> CaseErrors:
    """Draw a phantom and examine it.

    Args:
        order: its seed, and its pathologies (None: as drawn from the seed).
        spacing: mm.
        level: that is looked for.
        predicted: folder with ``seed-N/labels.nii.gz``, for labels that are not the true ones.
    """
    seed, pathologies = order
    phantom = draw_case(seed, (spacing,) * 3, box=LUMBOSACRAL, setting=IDEAL, pathologies=pathologies)
    labels = phantom.labels
    if predicted is not None:
        path = predicted / f"seed-{seed}" / "labels.nii.gz"
        if not path.is_file():
            raise ReadingError(
                "There are no predicted labels", "Give the folder that holds seed-N folders", path
            )
        labels = read_labels(path)
    return examine_labels(seed, labels, phantom.truth, level)


def examine_many(
    orders: Sequence[tuple[int, tuple[str, ...] | None]],
    spacing: float,
    jobs: int,
    level: str = "L5/S1",
    predicted: Path | None = None,
) -> list[CaseErrors]:
    """Examine many phantoms in several processes; the order of the results is that of the orders."""
    work = partial(examine, spacing=spacing, level=level, predicted=predicted)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        results = []
        for case in pool.map(work, orders):
            print(summary(case), flush=True)
            results.append(case)
    return results


def summary(case: CaseErrors) -> str:
    """One line on a case."""
    if case.fault:
        return f"seed {case.seed}: {case.fault}"
    worst = max(case.errors, key=lambda name: case.errors[name])
    return (
        f"seed {case.seed} [{', '.join(case.pathologies)}]: level and sides "
        f"{'right' if case.level_right else 'WRONG'}, median {np.median(list(case.errors.values())):.2f} mm, "
        f"worst {case.errors[worst]:.2f} mm ({worst}), zones {case.zones} of 6, {case.seconds:.1f} s"
        + "".join(f"; {note}" for note in case.notes)
    )


def table(cases: Iterable[CaseErrors]) -> str:
    """Errors by landmark as a markdown table."""
    errors: dict[str, list[float]] = {}
    roots: dict[str, list[float]] = {}
    for case in cases:
        for name, value in case.errors.items():
            errors.setdefault(sideless(name), []).append(value)
        for name, value in case.roots.items():
            roots.setdefault(f"{sideless(name)} root, mean of its course", []).append(value)
    lines = [
        "| landmark | n | median mm | 90th percentile | largest | within 3 mm |",
        "|---|---|---|---|---|---|",
    ]
    every = {"all landmarks": [value for values in errors.values() for value in values]}
    for name, values in {**errors, **every, **roots}.items():
        if values:
            inside = 100 * float(np.mean(np.array(values) <= AIM_MM))
            lines.append(
                f"| {name} | {len(values)} | {np.median(values):.2f} | {np.percentile(values, 90):.2f} "
                f"| {max(values):.2f} | {inside:.0f} % |"
            )
    return "\n".join(lines)


def calibration(cases: Iterable[CaseErrors]) -> str:
    """How confidence goes with error, as a markdown table."""
    pairs = np.array([(case.confidences[name], case.errors[name]) for case in cases for name in case.errors])
    lines = ["| confidence | n | within 3 mm | median error mm |", "|---|---|---|---|"]
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        part = pairs[(pairs[:, 0] >= low) & (pairs[:, 0] < high)] if len(pairs) else pairs
        if len(part):
            inside = 100 * float((part[:, 1] <= AIM_MM).mean())
            lines.append(
                f"| {low:.2f} to {min(high, 1.0):.2f} | {len(part)} | {inside:.0f} % | {np.median(part[:, 1]):.2f} |"
            )
    return "\n".join(lines)


def write(cases: Sequence[CaseErrors], out: Path, title: str) -> None:
    """Write the two CSV files and the markdown report into a folder."""
    stream = io.StringIO()
    rows = csv.writer(stream)
    rows.writerow(["seed", "landmark", "error_mm", "confidence"])
    for case in cases:
        for name, value in case.errors.items():
            rows.writerow([case.seed, name, f"{value:.3f}", f"{case.confidences[name]:.3f}"])
    write_whole(out / "landmark-errors.csv", stream.getvalue().encode("utf-8"))
    stream = io.StringIO()
    rows = csv.writer(stream)
    rows.writerow(["seed", "pathologies", "level_and_sides_right", "zones", "seconds", "notes", "fault"])
    for case in cases:
        notes = "; ".join(case.notes)
        rows.writerow(
            [
                case.seed,
                " ".join(case.pathologies),
                case.level_right,
                case.zones,
                f"{case.seconds:.1f}",
                notes,
                case.fault,
            ]
        )
    write_whole(out / "cases.csv", stream.getvalue().encode("utf-8"))
    right, noted = sum(case.level_right for case in cases), sum(bool(case.notes) for case in cases)
    text = [
        f"# {title}",
        f"Level and sides right in {right} of {len(cases)} cases; something reported as doubtful in {noted}.",
        table(cases),
        calibration(cases),
        "\n".join(f"- {summary(case)}" for case in cases),
    ]
    write_whole(out / "landmark-errors.md", ("\n\n".join(text) + "\n").encode("utf-8"))


def main(words: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--normal", default="", help="seeds drawn without pathologies")
    parser.add_argument("--drawn", default="", help="seeds drawn with the pathologies of their population")
    parser.add_argument("--with", dest="named", default="", help="with --drawn: these pathologies, by comma")
    parser.add_argument("--spacing", type=float, default=1.25, help="mm")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--level", default="L5/S1")
    parser.add_argument("--predicted", type=Path, help="folder with seed-N/labels.nii.gz")
    chosen = parser.parse_args(words)
    named = tuple(filter(None, chosen.named.split(","))) or None
    orders: list[tuple[int, tuple[str, ...] | None]] = (
        [(seed, ()) for seed in parse_seeds(chosen.normal)] if chosen.normal else []
    )
    orders += [(seed, named) for seed in parse_seeds(chosen.drawn)] if chosen.drawn else []
    if not orders:
        raise UsageError("No seeds are given", "Name some with --normal or --drawn")
    cases = examine_many(orders, chosen.spacing, max(chosen.jobs, 1), chosen.level, chosen.predicted)
    write(cases, chosen.out, f"Landmarks of {chosen.level} on {len(cases)} phantoms of {chosen.spacing:g} mm")


if __name__ == "__main__":
    main()
