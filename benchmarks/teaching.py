"""A class of simulated students, and attempts at random: ``python -m benchmarks.teaching --work DIR``.

Twenty students of three skills work through cases of the library. Each makes attempts of the same records as a person
at the window and sees what a person sees there, with errors that shrink with practice; none is told the answer.

- *random* clicks anywhere and turns anywhere.
- *systematic* knows the anatomy: he places points some millimetres off, compares a dozen usual views by how open they
  look to him, and puts the needle into the middle of what he takes for the triangle.
- *near-optimal* does the same with a steadier hand and a finer grid of views within the rules.

It is counted how many points each skill has, by quartiles, which must not overlap, and how the median grows with
practice. Beside that, 1,000 attempts at random at each task of one case: median, 95th percentile and best. What was
scored is kept in the work folder, a line of JSON for each attempt, and not scored again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.geometry.view import View
from spinect_core.planning.zones.window import Sight
from spinect_core.teaching.chance import random_attempts
from spinect_core.teaching.drawing import draw
from spinect_core.teaching.ground import Ground
from spinect_core.teaching.library import MODES, named
from spinect_core.teaching.records import AttemptRecord, CaseRecord, EventRecord, TaskRecord
from spinect_core.teaching.scoring import corners_of, score
from spinect_core.teaching.words import Aids, EventKind, Task

CASES = ("normal", "slipped-l5", "large-process", "compressed-sac")
RANDOM_COUNT = 1000
ZONE_GRID_MM = 0.5
SHAFT_MM = 120.0


@dataclass(frozen=True)
class Skill:
    """What a simulated student is able to do.

    Attributes:
        name: of it.
        students: how many.
        hand_mm: error of a point at the first attempt, one standard deviation along each axis.
        eye: error of an area that is looked at, as a part of it.
        turns: ipsilateral oblique angles that are compared.
        leans: cranial tilts that are compared.
        practice: attempts after which an error has fallen to 1/e of what it can lose.
        left: part of an error that no practice takes away.
        seconds: of an attempt, on average.
        shots: simulated pictures, on average.
    """

    name: str
    students: int
    hand_mm: float
    eye: float
    turns: tuple[float, ...]
    leans: tuple[float, ...]
    practice: float
    left: float
    seconds: float
    shots: float


SKILLS = (
    Skill("random", 7, 0.0, 0.0, (), (), 1.0, 1.0, 30.0, 4.0),
    Skill("systematic", 7, 3.0, 0.35, (20.0, 30.0, 40.0), (0.0, 10.0, 20.0, 30.0), 8.0, 0.4, 150.0, 9.0),
    Skill(
        "near-optimal",
        6,
        1.0,
        0.1,
        tuple(np.arange(10.0, 50.0, 4.0).tolist()),
        tuple(np.arange(-4.0, 30.0, 4.0).tolist()),
        8.0,
        0.5,
        110.0,
        5.0,
    ),
)


class Student:
    """One of them.

    Args:
        skill: of the student.
        number: among all.
    """

    def __init__(self, skill: Skill, number: int) -> None:
        self.skill, self.code = skill, f"s{number:02d}"
        self._rng = np.random.default_rng([17, number])
        self._tried = 0

    def attempt(self, ground: Ground, case: CaseRecord, number: int) -> AttemptRecord:
        """What the student hands in for a task."""
        task = case.tasks[number]
        skill, rng = self.skill, self._rng
        self._tried += 1
        if skill.name == "random":
            seed = int(rng.integers(2**31))
            return next(random_attempts(ground, task, case.name, number, seed=seed, count=1))
        error = skill.left + (1 - skill.left) * np.exp(-(self._tried - 1) / skill.practice)
        seconds = float(skill.seconds * error * rng.uniform(0.7, 1.3))
        made = AttemptRecord(case=case.name, task=number, seconds=round(seconds, 1), events=self._shots(task))
        sight = ground.sight(ground.best_of(task).approach.zone)
        return self._answered(made, task, sight, error)

    def _shots(self, task: TaskRecord) -> tuple[EventRecord, ...]:
        if task.aids != Aids.FLUOROSCOPY:
            return ()
        count = int(self._rng.poisson(self.skill.shots))
        return tuple(EventRecord(at_s=float(k), kind=EventKind.SHOT, view=View(0.0)) for k in range(count))

    def _answered(self, made: AttemptRecord, task: TaskRecord, sight: Sight, error: float) -> AttemptRecord:
        corners = corners_of(sight.zone) + self._hand(3, error)
        if task.task == Task.LEVEL:
            return made.replaced(point=_three(sight.zone.centre + self._hand(1, error)[0]))
        if task.task == Task.CORNERS:
            return made.replaced(corners=tuple(_three(each) for each in corners))
        view, open_part = self._found(task, sight, error)
        if task.task == Task.VIEW:
            return made.replaced(view=view)
        middle = sight.zone.centre if open_part is None else open_part
        target = middle + 0.5 * self._hand(1, error)[0]
        return made.replaced(entry=_three(target + SHAFT_MM * view.vector), target=_three(target))

    def _hand(self, count: int, error: float) -> FloatArray:
        return np.asarray(self.skill.hand_mm * error * self._rng.standard_normal((count, 3)))

    def _found(self, task: TaskRecord, sight: Sight, error: float) -> tuple[View, FloatArray | None]:
        """The view that looks most open of those that are compared, and the middle of what is open there."""
        views = [
            View.oblique(task.side, turn, lean) for turn in self.skill.turns for lean in self.skill.leans
        ]
        areas = np.array([sight.open_area(view, ZONE_GRID_MM) for view in views])
        seen = areas * (1 + self.skill.eye * error * self._rng.standard_normal(len(areas)))
        view = views[int(seen.argmax())]
        return view, sight.window(view).centre


def _three(point: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z


def class_rows(names: Sequence[str], known: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """The attempts of the class with their points, case by case."""
    students: list[Student] = []
    for skill in SKILLS:
        students += [Student(skill, len(students) + k) for k in range(skill.students)]
    for name in names:
        case = named(name).record(name, MODES)
        wanted = {(each.code, name, number) for each in students for number in range(len(case.tasks))}
        ground = None if wanted <= known else Ground(draw(case))
        for student in students:
            for number, task in enumerate(case.tasks):
                if ground is None:
                    continue
                began = time.perf_counter()
                attempt = student.attempt(ground, case, number)
                found = score(ground, task, attempt)
                yield {
                    "kind": "class",
                    "key": [student.code, name, number],
                    "skill": student.skill.name,
                    "task": f"{task.task}:{task.aids}",
                    "points": found.points,
                    "seconds": time.perf_counter() - began,
                }


def random_rows(name: str, count: int) -> Iterator[dict[str, Any]]:
    """Points of attempts at random at each task of a case."""
    case = named(name).record(name, MODES)
    ground = Ground(draw(case))
    tasks = {task.task: (number, task) for number, task in enumerate(case.tasks)}
    for number, task in tasks.values():
        for near in (False, True):
            tries = random_attempts(ground, task, name, number, seed=3, near=near, count=count)
            for k, attempt in enumerate(tries):
                points = score(ground, task, attempt).points
                yield {"kind": "random", "task": str(task.task), "near": near, "key": [k], "points": points}


def report(rows: list[dict[str, Any]]) -> list[str]:
    """Points by skill, and of attempts at random."""
    lines = ["| skill | of | lower quartile | median | upper quartile |", "|---|---|---|---|---|"]
    for skill in SKILLS:
        mine = [row for row in rows if row["kind"] == "class" and row["skill"] == skill.name]
        points = [row["points"] for row in mine]
        codes = sorted({row["key"][0] for row in mine})
        means = [np.mean([row["points"] for row in mine if row["key"][0] == code]) for code in codes]
        for values, what in ((means, "students, mean of each"), (points, "single attempts")):
            if len(values):
                low, middle, high = np.percentile(values, (25, 50, 75))
                told = f"{len(values)} {what}"
                lines.append(f"| {skill.name} | {told} | {low:.0f} | {middle:.0f} | {high:.0f} |")
    lines += ["", "| at random | attempts | median | 95th percentile | best |", "|---|---|---|---|---|"]
    for near in (False, True):
        for task in Task:
            points = [
                row["points"]
                for row in rows
                if row["kind"] == "random" and row["task"] == task and row["near"] == near
            ]
            if points:
                where = "within 15 mm of the place" if near else "anywhere"
                middle, high = np.percentile(points, (50, 95))
                lines.append(
                    f"| {task}, {where} | {len(points)} | {middle:.0f} | {high:.0f} | {max(points)} |"
                )
    return lines


def curves(rows: list[dict[str, Any]], path: Path) -> None:
    """Median and quartiles of the points by number of the attempt, for each skill."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 3.6), dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shown = 1
    colours = {"random": "#c0392b", "systematic": "#2c7fb8", "near-optimal": "#238b45"}
    for skill in SKILLS:
        mine: dict[str, list[int]] = {}
        for row in rows:
            if row["kind"] == "class" and row["skill"] == skill.name:
                mine.setdefault(row["key"][0], []).append(row["points"])
        table = np.array([each for each in mine.values() if len(each) == max(map(len, mine.values()))])
        if not len(table):
            continue
        # Tasks differ in difficulty, so six attempts, one of each task, are taken together.
        size = len(MODES)
        shown = max(shown, table.shape[1] // size)
        blocks = table[:, : table.shape[1] // size * size].reshape(len(table), -1, size).mean(axis=2)
        low, middle, high = np.percentile(blocks, (25, 50, 75), axis=0)
        number = np.arange(1, blocks.shape[1] + 1)
        axes.fill_between(number, low, high, color=colours[skill.name], alpha=0.2, linewidth=0)
        axes.plot(number, middle, "o-", color=colours[skill.name], label=skill.name)
    axes.set_ylim(0, 100)
    axes.set_xticks(range(1, shown + 1))
    axes.set_xlabel("case (mean of its six tasks)")
    axes.set_ylabel("points")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(0.0, 0.35))
    figure.tight_layout()
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> int:
    """Run the class and the attempts at random."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="where results are kept")
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--random", type=int, default=RANDOM_COUNT, help="attempts at random at each task")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / "teaching.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    known = {tuple(row["key"]) for row in rows if row["kind"] == "class"}
    with path.open("a") as kept:
        for row in class_rows(options.cases, known):
            if tuple(row["key"]) not in known:
                rows.append(row)
                kept.write(json.dumps(row) + "\n")
                kept.flush()
        if options.random and not any(row["kind"] == "random" for row in rows):
            for row in random_rows(options.cases[0], options.random):
                rows.append(row)
                kept.write(json.dumps(row) + "\n")
                kept.flush()
    curves(rows, options.work / "curves.png")
    print("\n".join(report(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
