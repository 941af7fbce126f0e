"""The tables of agreement: cases, classes (the paper's Tables 2 and 3), roots, and the CT made worse."""

from __future__ import annotations

from collections.abc import Sequence

from spinect_core.research.study.examine import Examined
from spinect_core.research.study.paired import Summary
from spinect_core.research.study.roots import REPORTED
from spinect_core.research.study.tables import Cell, Column, Table

MEASURES = ("pixel_accuracy", "iou", "dice", "hd95_mm", "mean_surface_distance_mm")
MEASURE_COLUMNS = (
    Column("Pixel accuracy"),
    Column("IoU"),
    Column("Dice"),
    Column("HD95, mm", 2),
    Column("Mean surface distance, mm", 2),
)
PAPER_DICE = {"bone": 0.945, "nerve": 0.905}
"""Fan and others, AJNR 2019;40:1074, ten patients."""


def tables_of_agreement(examined: Sequence[Examined]) -> list[Table]:
    """All of them; roots and curves only where there are some."""
    tables = [
        _cases(examined),
        _class_table(examined, "bone", "table2-bone", "Table 2. Agreement of bone with the truth"),
        _class_table(examined, "nerve", "table3-nerve", "Table 3. Agreement of nerve with the truth"),
    ]
    if any(one.roots for one in examined):
        tables.append(_roots(examined))
    if any(levels for one in examined for levels in one.curves.values()):
        tables.append(_curves(examined))
    return tables


def _cases(examined: Sequence[Examined]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in examined:
        run = one.run
        made = f"{run.get('mode')} mode, {run.get('engine')}" if run else "given as a file"
        seconds = run.get("seconds", {}).get("total") if run else None
        if one.region is None:
            where = "whole CT"
        else:
            where = "region found" if one.region["found"] else "region assumed, not recognised"
        rows.append(
            (
                one.case.name,
                one.case.group,
                one.case.seed or "-",
                made,
                "-" if seconds is None else float(seconds),
                where,
                int(one.overlap["bone"]["true_voxels"]),
                int(one.overlap["nerve"]["true_voxels"]),
            )
        )
    columns = (
        *(Column("Case"), Column("Family"), Column("Seed"), Column("Labels"), Column("Seconds", 0)),
        *(Column("Compared in"), Column("True bone voxels"), Column("True nerve voxels")),
    )
    return Table("cases", "The cases", columns, tuple(rows))


def _class_table(examined: Sequence[Examined], name: str, file: str, title: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (one.case.name, one.case.group, *(one.overlap[name][measure] for measure in MEASURES))
        for one in examined
    ]
    single = len(rows)
    groups = list(dict.fromkeys(one.case.group for one in examined))
    for group in [*(groups if len(groups) > 1 else []), "all cases"]:
        chosen = [one for one in examined if group in (one.case.group, "all cases")]
        rows += _summary_rows(group, [[one.overlap[name][m] for one in chosen] for m in MEASURES])
    notes = (
        "Pixel accuracy: correctly labelled voxels among the true voxels of the class. IoU: common "
        "voxels among those "
        "of either. Dice: twice the common voxels among the sum of both. HD95 and mean surface distance: 95th "
        "percentile and mean of the distances between the surfaces, both directions together. Compared "
        "voxel by voxel on the CT's "
        "own grid, inside the segmented region where there is one. SD with n - 1.",
        f"The publication's Dice on ten patients, with its own weights: {PAPER_DICE[name]}.",
    )
    return Table(
        file,
        title,
        (Column("Case"), Column("Family"), *MEASURE_COLUMNS),
        tuple(rows),
        notes,
        frozenset(range(single, len(rows))),
    )


def _summary_rows(group: str, values: Sequence[Sequence[float | None]]) -> list[tuple[Cell, ...]]:
    sums = [Summary.of(list(column)) for column in values]
    n = max((one.n for one in sums), default=0)
    return [
        (f"mean, n = {n}", group, *(one.mean for one in sums)),
        ("SD", group, *(one.sd for one in sums)),
        ("lowest", group, *(one.low for one in sums)),
        ("highest", group, *(one.high for one in sums)),
    ]


def _roots(examined: Sequence[Examined]) -> Table:
    keys = ("found", "centre_mm", "course")
    rows: list[tuple[Cell, ...]] = []
    with_map = [one for one in examined if one.roots]
    for one in with_map:
        for root in REPORTED:
            if root in one.roots:
                result = one.roots[root]
                rows.append((one.case.name, root, int(result["voxels"]), *(result[key] for key in keys)))
    single = len(rows)
    for root in REPORTED:
        of_root = [one.roots[root] for one in with_map if root in one.roots]
        if of_root:
            sums = [Summary.of([result[key] for result in of_root]) for key in keys]
            rows.append((f"mean, n = {len(of_root)}", root, "-", *(one.mean for one in sums)))
            rows.append(("SD", root, "-", *(one.sd for one in sums)))
            rows.append(("lowest", root, "-", *(one.low for one in sums)))
    notes = [
        "Part found: voxels of the root in the truth that are labelled nerve. Middle off by: mean "
        "distance of the "
        "middle of what is labelled from the middle of the true root, across its course; labelled "
        "voxels count to the "
        "nearest true nerve within 5 mm. Course: part of the root's length with anything labelled; "
        "below 0.25 no distance is "
        "given.",
    ]
    without = [one.case.name for one in examined if not one.roots]
    if without:
        notes.append(f"Without a map of structures: {', '.join(without)}.")
    columns = (
        *(Column("Case"), Column("Root"), Column("True voxels")),
        *(Column("Part found"), Column("Middle off by, mm", 2), Column("Course")),
    )
    return Table(
        "roots",
        "The roots of L5 and S1, left and right",
        columns,
        tuple(rows),
        tuple(notes),
        frozenset(range(single, len(rows))),
    )


UNITS = {"noise": "HU", "slices": "mm"}


def _curves(examined: Sequence[Examined]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    summary: set[int] = set()
    notes = [
        "Noise: normal noise of this SD, independent from voxel to voxel, on top of the CT's own. "
        "Slices: the CT's "
        "slices averaged to this thickness and distance. Segmented anew in the same region; the labels "
        "are brought "
        "back to the CT's own grid by the nearest neighbour and compared there.",
    ]
    for kind, unit in UNITS.items():
        levels = list(dict.fromkeys(level for one in examined for level in one.curves[kind]))
        for level in levels:
            points = [(one, one.curves[kind][level]) for one in examined if level in one.curves[kind]]
            done = [(one, point) for one, point in points if "reason" not in point]
            for one, point in done:
                rows.append((kind, f"{level} {unit}", one.case.name, point["bone"], point["nerve"]))
            for one, point in points:
                if "reason" in point:
                    notes.append(f"{one.case.name}, {kind} {level} {unit}: {point['reason']}.")
            sums = [Summary.of([point[name] for _, point in done]) for name in ("bone", "nerve")]
            for words, values in (
                (f"mean, n = {len(done)}", [one.mean for one in sums]),
                ("SD", [one.sd for one in sums]),
            ):
                summary.add(len(rows))
                rows.append((kind, f"{level} {unit}", words, *values))
    columns = (Column("What"), Column("Level"), Column("Case"), Column("Bone Dice"), Column("Nerve Dice"))
    title = "Dice against noise and slice thickness"
    return Table("curves", title, columns, tuple(rows), tuple(notes), frozenset(summary))
