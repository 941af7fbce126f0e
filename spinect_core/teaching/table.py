"""The teacher's table: what a class has done, how it learns, and how well its students agree. Codes stand for names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spinect_core.base.agreement import Icc, icc_2_1
from spinect_core.research.study.paired import Paired, compare_pairs
from spinect_core.teaching.records import AttemptRecord, PartRecord
from spinect_core.teaching.session import ClassRecord, ResultRecord
from spinect_core.teaching.wording import PARTS
from spinect_core.teaching.words import PartName

Step = tuple[str, int]
"""Name of a case and number of a task in it."""


@dataclass(frozen=True)
class Row:
    """One attempt.

    Attributes:
        code: of the student.
        number: of the attempt, from 1, in the order in which the student handed them in.
        case: name of it.
        task: number of the task in the case, from 0.
        points: 0 to 100.
        seconds: it took.
        shots: simulated pictures.
        declined: whether the student said that no needle should be placed.
        parts: 0 to 1 by name.
        measured: the numbers behind them.
    """

    code: str
    number: int
    case: str
    task: int
    points: int
    seconds: float
    shots: int
    declined: bool
    parts: Mapping[PartName, float]
    measured: Mapping[PartName, float]

    @property
    def step(self) -> Step:
        """The task it was an attempt at."""
        return self.case, self.task


@dataclass(frozen=True)
class Refused:
    """A result that does not count.

    Attributes:
        code: that it names.
        reason: why not, as a sentence without its full stop.
    """

    code: str
    reason: str


@dataclass(frozen=True)
class Progress:
    """How far a student has come.

    Attributes:
        code: of the student.
        done: tasks attempted at least once.
        tasks: there are.
        mean: points on average; None without any.
        first: of the first third of the attempts.
        last: of the last third.
        seconds: together.
        shots: together.
    """

    code: str
    done: int
    tasks: int
    mean: float | None
    first: float | None
    last: float | None
    seconds: float
    shots: int


@dataclass(frozen=True)
class Agreement:
    """How a student's points lie beside those of the others on the same tasks (Bland and Altman).

    Attributes:
        code: of the student.
        paired: mean of the others, and the student, task by task.
    """

    code: str
    paired: Paired


def rows_of(made: ClassRecord, results: Iterable[ResultRecord]) -> tuple[list[Row], list[Refused]]:
    """The attempts that count, in the order of the codes, and the results that do not."""
    rows: list[Row] = []
    refused: list[Refused] = []
    seen: set[str] = set()
    for each in results:
        if reason := _refusal(made, each, seen):
            refused.append(Refused(each.code, reason))
            continue
        seen.add(each.code)
        rows += [
            _row(each.code, number, done.attempt, done.score.points, done.score.parts)
            for number, done in enumerate(each.done, 1)
        ]
    order = {code: place for place, code in enumerate(made.codes)}
    return sorted(rows, key=lambda row: (order[row.code], row.number)), refused


def _refusal(made: ClassRecord, result: ResultRecord, seen: set[str]) -> str:
    if result.code not in made.codes:
        return "no student of this class has this code"
    if not result.is_signed(made.key_of(result.code)):
        return "its signature is not right: it was changed, damaged, or made with another session"
    if result.pack != made.pack:
        return "it was made with another pack"
    return "there are two results of this code" if result.code in seen else ""


def _row(code: str, number: int, attempt: AttemptRecord, points: int, parts: Sequence[PartRecord]) -> Row:
    return Row(
        code,
        number,
        attempt.case,
        attempt.task,
        points,
        attempt.seconds,
        attempt.shots,
        attempt.declined,
        {each.name: each.value for each in parts},
        {each.name: each.measured for each in parts if each.measured is not None},
    )


def progress_of(made: ClassRecord, rows: Sequence[Row]) -> list[Progress]:
    """How far each student has come, those who handed in nothing among them."""
    tasks = {(step.case, step.task) for step in made.steps}
    found = []
    for code in made.codes:
        mine = [row for row in rows if row.code == code]
        points = [float(row.points) for row in mine]
        third = max(len(points) // 3, 1)
        found.append(
            Progress(
                code,
                len({row.step for row in mine} & tasks),
                len(tasks),
                _mean(points),
                _mean(points[:third]),
                _mean(points[-third:]),
                sum(row.seconds for row in mine),
                sum(row.shots for row in mine),
            )
        )
    return found


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def learning_curve(rows: Sequence[Row]) -> list[tuple[int, int, float, float, float]]:
    """Number of the attempt, students who made it, and lower quartile, median and upper quartile of their points."""
    curve = []
    for number in sorted({row.number for row in rows}):
        points = [row.points for row in rows if row.number == number]
        low, middle, high = (float(value) for value in np.percentile(points, (25, 50, 75)))
        curve.append((number, len(points), low, middle, high))
    return curve


def first_points(rows: Sequence[Row]) -> dict[str, dict[Step, int]]:
    """Points of each student's first attempt at each task."""
    found: dict[str, dict[Step, int]] = {}
    for row in rows:
        found.setdefault(row.code, {}).setdefault(row.step, row.points)
    return found


def icc_of(rows: Sequence[Row]) -> Icc:
    """ICC(2,1) of the points: do tasks or students make the difference? Of tasks that every student has attempted."""
    points = first_points(rows)
    shared = _shared(points)
    table = np.array([[float(points[code][step]) for code in points] for step in shared])
    return icc_2_1(table.reshape(len(shared), len(points)))


def _shared(points: Mapping[str, Mapping[Step, int]]) -> list[Step]:
    every = [set(each) for each in points.values()]
    return sorted(set.intersection(*every)) if every else []


def agreement_of(rows: Sequence[Row]) -> list[Agreement]:
    """Each student beside the mean of the others, on the tasks that both have attempted."""
    points = first_points(rows)
    found = []
    for code, mine in points.items():
        others = {
            step: [each[step] for name, each in points.items() if name != code and step in each]
            for step in mine
        }
        steps = [step for step in sorted(mine) if others[step]]
        mean = [float(np.mean(others[step])) for step in steps]
        found.append(Agreement(code, compare_pairs(mean, [float(mine[step]) for step in steps])))
    return found


# ------------------------------------------------------------------------------------------------------------ output


def csv_of(rows: Sequence[Row]) -> str:
    """A line an attempt; numbers with a point, whatever the computer's language."""
    names = [name for name in PartName if any(name in row.parts for row in rows)]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["code", "attempt", "case", "task", "points", "seconds", "shots", "declined"]
        + [f"{name}_{what}" for name in names for what in ("part", "measured")]
    )
    for row in rows:
        parts: list[str] = []
        for name in names:
            parts += [_told(row.parts.get(name)), _told(row.measured.get(name))]
        head = [row.code, row.number, row.case, row.task, row.points, f"{row.seconds:.1f}", row.shots]
        writer.writerow([*head, int(row.declined), *parts])
    return stream.getvalue()


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def text_of(made: ClassRecord, rows: Sequence[Row], refused: Sequence[Refused]) -> str:
    """The table to read, Markdown."""
    lines = [
        f"# {made.title}",
        "",
        "| student | done | points | first third | last third | minutes | pictures |",
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for each in progress_of(made, rows):
        numbers = [_points(value) for value in (each.mean, each.first, each.last)]
        lines.append(
            f"| {each.code} | {each.done} of {each.tasks} | {' | '.join(numbers)} | {each.seconds / 60:.0f} "
            f"| {each.shots} |"
        )
    lines += [
        "",
        "## Learning curve",
        "",
        "| attempt | students | lower quartile | median | upper quartile |",
    ]
    lines.append("|---|---|---|---|---|")
    lines += [
        f"| {number} | {count} | {low:.0f} | {middle:.0f} | {high:.0f} |"
        for number, count, low, middle, high in learning_curve(rows)
    ]
    lines += ["", "## Agreement", "", _icc_line(icc_of(rows)), ""]
    lines += [
        "| student | tasks | mean difference to the others | limits of agreement |",
        "|---|---|---|---|",
    ]
    for one in agreement_of(rows):
        low, high = one.paired.limits or (None, None)
        limits = "" if low is None or high is None else f"{low:+.0f} to {high:+.0f}"
        mean = one.paired.difference.mean
        lines.append(f"| {one.code} | {one.paired.n} | {'' if mean is None else f'{mean:+.0f}'} | {limits} |")
    lines += ["", "## What is lost where", "", "| part | mean |", "|---|---|"]
    for name in PartName:
        values = [row.parts[name] for row in rows if name in row.parts]
        if values:
            lines.append(f"| {PARTS[name]} | {100 * float(np.mean(values)):.0f} % |")
    if refused:
        lines += ["", "## Not counted", ""] + [f"- {each.code}: {each.reason}." for each in refused]
    return "\n".join(lines) + "\n"


def _points(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _icc_line(icc: Icc) -> str:
    if icc.value is None:
        return f"ICC(2,1) of the points: {icc.reason}."
    limits = (
        "" if icc.low is None or icc.high is None else f" (95 % interval {icc.low:.2f} to {icc.high:.2f})"
    )
    return f"ICC(2,1) of the points: {icc.value:.2f}{limits}, {icc.raters} students on {icc.subjects} tasks."
