"""Attempts made by moving the mouse at random: what scores are worth less than."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import SIDES
from spinect_core.geometry.view import View
from spinect_core.planning.search.angle_map import OBLIQUE_DEGREES, TILT_DEGREES
from spinect_core.teaching.ground import Ground
from spinect_core.teaching.records import AttemptRecord, TaskRecord
from spinect_core.teaching.words import Task

NEAR_MM = 15.0
"""About the middle of the zone: where somebody clicks who knows where it is and no more."""
DECLINED = 0.1
"""How often it is said that no needle should be placed."""
FAR_MM = 150.0


def random_attempts(
    ground: Ground, task: TaskRecord, case: str, number: int, *, seed: int, near: bool = False, count: int
) -> Iterator[AttemptRecord]:
    """Attempts at random, the same for the same seed.

    Args:
        ground: of the case.
        task: of it.
        case: its name.
        number: of the task in the case.
        seed: of the attempts.
        near: points lie within 15 mm of the middle of the right zone instead of anywhere in the labels.
        count: how many.
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _attempt(ground, task, rng, near).replaced(case=case, task=number)


def _attempt(ground: Ground, task: TaskRecord, rng: np.random.Generator, near: bool) -> AttemptRecord:
    seconds = float(rng.uniform(5.0, 60.0))
    made = AttemptRecord(case="any", seconds=seconds)
    if task.task in (Task.VIEW, Task.NEEDLE) and rng.random() < DECLINED:
        return made.replaced(declined=True)
    if task.task == Task.LEVEL:
        return made.replaced(point=_three(_point(ground, task, rng, near)))
    if task.task == Task.CORNERS:
        return made.replaced(corners=tuple(_three(_point(ground, task, rng, near)) for _ in range(3)))
    side = task.side if near else SIDES[int(rng.integers(2))]
    view = View.oblique(side, rng.uniform(*OBLIQUE_DEGREES), rng.uniform(*TILT_DEGREES))
    if task.task == Task.VIEW:
        return made.replaced(view=view)
    target = _point(ground, task, rng, near)
    return made.replaced(entry=_three(target + FAR_MM * view.vector), target=_three(target))


def _point(ground: Ground, task: TaskRecord, rng: np.random.Generator, near: bool) -> FloatArray:
    """LPS mm (3,)."""
    if near:
        way = rng.standard_normal(3)
        reach = NEAR_MM * float(rng.random()) ** (1 / 3)
        centre = ground.best_of(task).approach.zone.centre
        return np.asarray(centre + reach * way / np.linalg.norm(way))
    corners = ground.pictures.labels.geometry.corners()
    return np.asarray(rng.uniform(corners.min(axis=0), corners.max(axis=0)))


def _three(point: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z
