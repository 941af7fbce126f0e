"""Areas that observers measured: from a CSV file, or from plans in folders OBSERVER/SESSION."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError
from spinect_core.base.words import KINDS, SIDES
from spinect_core.plan.plan import read_plan
from spinect_core.research.study.cases import rows_of_csv

COLUMNS = ("case", "side", "kind", "observer", "session", "area")


@dataclass(frozen=True)
class Measurement:
    """One area by one observer in one session.

    Attributes:
        case: name of the case.
        side: the patient's "left" or "right".
        kind: "kambin" or "safe".
        observer: who.
        session: which time.
        area_mm2: projected area in mm².
    """

    case: str
    side: str
    kind: str
    observer: str
    session: str
    area_mm2: float

    @property
    def what(self) -> tuple[str, ...]:
        """Everything but the area."""
        return (self.case, self.side, self.kind, self.observer, self.session)


def read_measurements(path: Path, case_of: Mapping[str, str]) -> list[Measurement]:
    """The measurements of a CSV file (:data:`COLUMNS`) or a folder of plans.

    Args:
        path: a CSV file; or a folder with plans as ``OBSERVER/SESSION/anything.json``.
        case_of: name of each case by the checksum of its CT, which is how a plan knows its case. A plan of another CT
            counts as a case of its own, named by the first digits of the checksum.

    Raises:
        ReadingError: a value is missing or makes no sense, or something is measured twice.
        PlanError: a plan cannot be read.
        UsageError: the heading of the CSV file is not as it must be.
    """
    found = _of_folder(path, case_of) if path.is_dir() else _of_csv(path)
    if not found:
        raise ReadingError("There is no measurement in it", "See docs/study.md for how to name them", path)
    seen: set[tuple[str, ...]] = set()
    for measurement in found:
        if measurement.what in seen:
            raise ReadingError(
                f"{', '.join(measurement.what)} is measured twice", "Keep one, or name another session", path
            )
        seen.add(measurement.what)
    return found


def _of_csv(path: Path) -> list[Measurement]:
    found = []
    for number, row in enumerate(rows_of_csv(path, COLUMNS, COLUMNS), 1):
        side, kind = row["side"].lower(), row["kind"].lower()
        try:
            area = float(row["area"])
        except ValueError:
            area = float("nan")
        if side not in SIDES or kind not in KINDS or not np.isfinite(area) or area < 0:
            raise ReadingError(
                f"Measurement {number} is {side!r}, {kind!r}, {row['area']!r}",
                "Give the side left or right, the kind kambin or safe, the area in mm²",
                path,
            )
        if not all(row[name] for name in ("case", "observer", "session")):
            raise ReadingError(
                f"Measurement {number} lacks case, observer or session", "Fill in every field", path
            )
        found.append(Measurement(row["case"], side, kind, row["observer"], row["session"], area))
    return found


def _of_folder(folder: Path, case_of: Mapping[str, str]) -> list[Measurement]:
    found = []
    for path in sorted(folder.glob("*/*/*.json")):
        plan = read_plan(path)
        case = case_of.get(plan.case.sha256, f"CT {plan.case.sha256[:12]}")
        found += [
            Measurement(case, t.side, t.kind, path.parent.parent.name, path.parent.name, t.area_mm2)
            for t in plan.triangles
        ]
    return found


@dataclass(frozen=True, eq=False)
class Ratings:
    """A table of ratings: what was measured in the rows, by whom or when in the columns.

    Attributes:
        subjects: (case, side) of each row.
        raters: of each column.
        areas: mm² (rows, columns), complete.
        incomplete: (case, side) of what not every rater measured; not in the table.
    """

    subjects: tuple[tuple[str, str], ...]
    raters: tuple[str, ...]
    areas: FloatArray
    incomplete: tuple[tuple[str, str], ...]


def retest(measurements: list[Measurement], kind: str, sides: tuple[str, ...]) -> dict[str, Ratings]:
    """By observer with at least two sessions: the ratings, a column a session."""
    chosen = [m for m in measurements if m.kind == kind and m.side in sides]
    tables = {}
    for observer in sorted({m.observer for m in chosen}):
        own = {(m.case, m.side, m.session): m.area_mm2 for m in chosen if m.observer == observer}
        if len({session for _, _, session in own}) > 1:
            tables[observer] = _ratings(own)
    return tables


def between(measurements: list[Measurement], kind: str, sides: tuple[str, ...]) -> Ratings | None:
    """A column an observer, each with his first session (in the order of their names); None for one observer."""
    chosen = [m for m in measurements if m.kind == kind and m.side in sides]
    first = {
        name: min(m.session for m in chosen if m.observer == name) for name in {m.observer for m in chosen}
    }
    if len(first) < 2:
        return None
    return _ratings(
        {(m.case, m.side, m.observer): m.area_mm2 for m in chosen if m.session == first[m.observer]}
    )


def _ratings(areas: Mapping[tuple[str, str, str], float]) -> Ratings:
    raters = tuple(sorted({rater for _, _, rater in areas}))
    subjects = sorted({(case, side) for case, side, _ in areas})
    complete = [s for s in subjects if all((*s, rater) in areas for rater in raters)]
    table = np.array([[areas[(*s, rater)] for rater in raters] for s in complete], dtype=np.float64)
    return Ratings(
        tuple(complete),
        raters,
        table.reshape(len(complete), len(raters)),
        tuple(s for s in subjects if s not in complete),
    )
