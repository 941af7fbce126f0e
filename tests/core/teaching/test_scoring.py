"""What attempts are worth, on a specimen whose bone and nerve are known."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from spinect_core.base.errors import PlanError
from spinect_core.geometry.view import View
from spinect_core.teaching.chance import random_attempts
from spinect_core.teaching.ground import Ground
from spinect_core.teaching.records import AttemptRecord, EventRecord, LimitsRecord, TaskRecord
from spinect_core.teaching.scoring import corners_of, points_of, score
from spinect_core.teaching.wording import advice_sentences, part_line, task_text, touched_line
from spinect_core.teaching.words import PartName, Task

pytestmark = pytest.mark.heavy

NEEDLE = TaskRecord(task="needle", limits=LimitsRecord(seconds=360, shots=20))
VIEW, CORNERS, LEVEL = (TaskRecord(task=name) for name in ("view", "corners", "level"))


def three(point):
    return tuple(float(value) for value in point)


def attempt(**given):
    return AttemptRecord(case="normal", **given)


def parts(found):
    return {each.name: each for each in found.parts}


@pytest.fixture(scope="module")
def best(ground):
    return ground.best_of(NEEDLE)


@pytest.fixture(scope="module")
def ideal(best):
    needle = best.approach.needle.needle
    return attempt(entry=needle.entry, target=needle.target, seconds=60.0)


def moved(ideal, *, tip=(0, 0, 0), entry=(0, 0, 0)):
    return ideal.replaced(entry=three(np.add(ideal.entry, entry)), target=three(np.add(ideal.target, tip)))


def test_the_best_trajectory_has_full_marks(ground, ideal, best):
    found = score(ground, NEEDLE, ideal)
    assert found.points == 100
    assert not found.advice
    assert found.best.indicated
    assert found.best.tolerance_deg == pytest.approx(best.approach.needle.tolerance.angle.amount, abs=1e-3)
    assert advice_sentences(found, NEEDLE) == [
        "Nothing to add: this is as good as the best that the program found."
    ]


def test_a_needle_counts_from_the_skin_wherever_its_hub_was_said_to_be(ground, ideal):
    way = np.subtract(ideal.entry, ideal.target)
    inside = ideal.replaced(entry=three(np.add(ideal.target, 0.2 * way)))
    assert score(ground, NEEDLE, inside).points == score(ground, NEEDLE, ideal).points


def test_the_other_side_is_worth_nothing_and_is_told(ground, ideal):
    middle = ground.work.judge.midline.origin[0]

    def mirrored(point):
        return (2 * middle - point[0], point[1], point[2])

    wrong = ideal.replaced(entry=mirrored(ideal.entry), target=mirrored(ideal.target))
    found = score(ground, NEEDLE, wrong)
    assert found.points == 0
    assert parts(found)[PartName.SIDE].value == 0
    assert any("You worked on the right side" in line for line in advice_sentences(found, NEEDLE))


def test_another_level_is_worth_nothing(ground, ideal):
    found = score(ground, NEEDLE, moved(ideal, tip=(0, 0, 35), entry=(0, 0, 35)))
    assert found.points == 0
    assert parts(found)[PartName.LEVEL].value == 0
    assert parts(found)[PartName.LEVEL].measured == pytest.approx(35, abs=12)


def test_a_tip_short_of_the_triangle_loses_by_its_distance(ground, ideal):
    way = np.subtract(ideal.entry, ideal.target)
    way /= np.linalg.norm(way)
    short = moved(ideal, tip=6 * way)
    found = score(ground, NEEDLE, short)
    aim = parts(found)[PartName.AIM]
    # The triangle leans in the view, so that it is nearer than along the needle.
    assert 2.0 < aim.measured < 6.0
    assert 0 < aim.value < 1
    assert 0 < found.points < 100
    lines = advice_sentences(found, NEEDLE)
    assert "from the triangle" in lines[0]
    assert "mm to the front" in lines[0]


def test_bone_on_the_way_is_named_with_its_depth(ground, best, ideal):
    plan = best.approach.needle
    body = ground.landmarks.points["L5 body centre"]
    through = ideal.replaced(target=three(body))
    found = score(ground, NEEDLE, through)
    assert found.points == 0
    assert parts(found)[PartName.TOUCHED].value == 0
    bone = [each for each in found.touched if each.tissue == "bone"]
    assert bone
    assert all(0 < each.from_mm < plan.needle.depth_mm + 60 for each in bone)
    assert "touched" in touched_line(bone[0])
    assert "below the skin" in touched_line(bone[0])


def test_an_error_of_the_hand_costs_more_the_larger_it_is(ground, ideal):
    across = np.array([1.0, 0.0, 0.0])
    points = [score(ground, NEEDLE, moved(ideal, entry=mm * across)).points for mm in (0, 4, 25, 60)]
    assert points == sorted(points, reverse=True)
    assert points[-1] < 50


def test_saying_that_nothing_should_be_done_is_wrong_where_something_can(ground):
    for task in (NEEDLE, VIEW):
        found = score(ground, task, attempt(declined=True))
        assert found.points == 0
        assert "whether a needle should be placed" in advice_sentences(found, task)[0]


def test_nothing_to_do_is_right_where_the_rules_leave_nothing(ground, best, monkeypatch):
    from dataclasses import replace

    closed = replace(best, approach=replace(best.approach, needle=None))
    monkeypatch.setattr(Ground, "best", lambda *_args, **_named: closed)
    assert score(ground, NEEDLE, attempt(declined=True)).points == 100
    found = score(ground, NEEDLE, attempt(entry=(60, 100, 10), target=(25, 30, 5)))
    assert found.points == 0
    assert not found.best.indicated
    assert found.best.entry is None


def test_time_and_pictures_count_a_little_and_only_on_what_is_good(ground, ideal):
    shots = tuple(EventRecord(at_s=float(k), kind="shot", view=View(0.0)) for k in range(20))
    slow = score(ground, NEEDLE, ideal.replaced(seconds=400.0, events=shots))
    assert slow.points == 85
    assert parts(slow)[PartName.SHOTS].value == 0
    half = score(ground, NEEDLE, ideal.replaced(seconds=180.0, events=shots[:10]))
    assert half.points == 100
    assert any("Be quicker" in line for line in advice_sentences(slow, NEEDLE))
    nothing = score(ground, NEEDLE, moved(ideal, tip=(0, 0, 35), entry=(0, 0, 35)).replaced(seconds=1.0))
    assert nothing.points == 0


def test_views_are_worth_what_is_open_in_them(ground, best):
    at_best = score(ground, VIEW, attempt(view=best.view))
    assert at_best.points == 100
    straight = score(ground, VIEW, attempt(view=View(0.1, 0.0)))
    assert straight.points < at_best.points
    assert "oblique" in " ".join(advice_sentences(straight, VIEW))
    other = score(ground, VIEW, attempt(view=View(-best.view.azimuth, best.view.elevation)))
    assert other.points == 0
    wide = score(ground, VIEW, attempt(view=View(58.0, 38.0)))
    assert parts(wide)[PartName.RULES].value == 0.25
    assert {str(each.rule) for each in wide.broken} == {"oblique-too-wide", "tilt-too-steep"}


def test_corners_are_worth_what_they_cover(ground, best):
    right = corners_of(best.approach.zone)
    assert right.shape == (3, 3)
    found = score(ground, CORNERS, attempt(corners=tuple(map(three, right))))
    assert found.points == 100
    # Another order of the same corners is the same triangle.
    again = score(ground, CORNERS, attempt(corners=tuple(map(three, right[[2, 0, 1]]))))
    assert again.points == 100
    view = best.view
    shifted = right + 5.0 * view.right
    off = score(ground, CORNERS, attempt(corners=tuple(map(three, shifted)), view=view))
    assert parts(off)[PartName.CORNERS].measured == pytest.approx(5.0, abs=0.5)
    assert 0 < off.points < 70
    double = right.mean(axis=0) + 2.5 * (right - right.mean(axis=0))
    large = score(ground, CORNERS, attempt(corners=tuple(map(three, double)), view=view))
    assert "too large" in " ".join(advice_sentences(large, CORNERS))
    with pytest.raises(PlanError, match="no triangle"):
        score(ground, CORNERS, attempt(corners=tuple(map(three, right[:2]))))


def test_a_level_is_worth_how_near_its_foramen_was_found(ground, best):
    centre = best.approach.zone.centre
    points = [
        score(ground, LEVEL, attempt(point=three(np.add(centre, (0, mm, 0))))).points
        for mm in (0, 4, 8, 12, 16)
    ]
    assert points[:2] == [100, 100]
    assert points == sorted(points, reverse=True)
    assert points[-1] == 0
    other = score(ground, LEVEL, attempt(point=three(np.add(centre, (0, 0, 34)))))
    assert other.points == 0
    assert "another level" in advice_sentences(other, LEVEL)[0]


def test_an_attempt_without_what_the_task_asks_for_is_refused(ground):
    for task, what in ((NEEDLE, "an entry"), (VIEW, "a view"), (LEVEL, "a place")):
        with pytest.raises(PlanError, match=what):
            score(ground, task, attempt())


def test_points_follow_from_the_parts_that_are_shown(ground, ideal):
    found = score(ground, NEEDLE, moved(ideal, tip=(3, 0, 0), entry=(10, 0, 6)))
    gates = np.prod([each.value for each in found.parts if each.role == "gate"])
    quality = [(each.value, each.weight) for each in found.parts if each.role == "quality"]
    thrift = [each.value for each in found.parts if each.role == "economy"]
    mean = sum(value * weight for value, weight in quality) / sum(weight for _, weight in quality)
    assert sum(weight for _, weight in quality) == pytest.approx(1.0)
    assert found.points == round(100 * gates * mean * (0.85 + 0.15 * np.mean(thrift)))
    assert found.points == points_of(found.parts)
    for each in found.parts:
        assert part_line(each)


@pytest.mark.slow
@pytest.mark.parametrize("task", [LEVEL, CORNERS, VIEW, NEEDLE], ids=lambda task: str(task.task))
def test_points_cannot_be_had_by_moving_the_mouse_at_random(ground, task):
    count = 30 if task.task == Task.NEEDLE else 100
    points = [
        score(ground, task, each).points
        for each in random_attempts(ground, task, "normal", 0, seed=5, count=count)
    ]
    assert np.median(points) <= 5
    assert np.percentile(points, 75) <= 15


def test_the_text_of_a_task_names_side_and_triangle_and_gives_no_answer():
    text = task_text(NEEDLE)
    assert "left Kambin triangle" in text
    assert "exiting L5 root" in text
    assert "°" not in text
    assert "3 minutes and 10 pictures" in text
    assert task_text(NEEDLE.replaced(text="Mind the crest.")) == "Mind the crest."


AGAIN = """
import json, pickle, sys
from spinect_core.teaching.ground import Ground
from spinect_core.teaching.records import AttemptRecord, TaskRecord
from spinect_core.teaching.scoring import score
import locale
try:
    locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
except locale.Error:
    pass
pictures, task, attempts, step = pickle.load(open(sys.argv[1], "rb"))
ground = Ground(pictures, step=step)
task = TaskRecord.from_dict(task)
print(json.dumps([score(ground, task, AttemptRecord.from_dict(each)).to_dict() for each in attempts]))
"""


@pytest.mark.slow
def test_the_same_attempt_scores_the_same_in_another_process(ground, pictures, ideal, tmp_path):
    import pickle

    tries = [ideal, moved(ideal, tip=(3, 0, 0)), moved(ideal, entry=(12, 0, 9)), attempt(declined=True)]
    path = tmp_path / "case.pickle"
    path.write_bytes(pickle.dumps((pictures, NEEDLE.to_dict(), [each.to_dict() for each in tries], 6.0)))
    other = subprocess.run(
        [sys.executable, "-c", AGAIN, str(path)],
        capture_output=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert json.loads(other.stdout) == [score(ground, NEEDLE, each).to_dict() for each in tries]
