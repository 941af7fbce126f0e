"""What is planned in another process is what is planned in this one, and the end of that process is noticed."""

import dataclasses
import gc
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import psutil
import pytest
import shapely
from pydantic import BaseModel

from spinect_core.base.child import child_environment
from spinect_core.base.errors import AnatomyError, Cancelled, UsageError, WorkerError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.progress import silent
from spinect_core.geometry.view import View
from spinect_core.image.volume import Geometry, Labels
from spinect_core.pipeline.moving import Move
from spinect_core.pipeline.planner import FEW_TRIANGLES, PlannerApart, PlannerHere, planner_for
from spinect_core.pipeline.replanning import with_needle
from spinect_core.plan.build import needle_record
from spinect_core.plan.records import Planning
from spinect_core.planning.room import Room
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.surfaces import build_surfaces

pytestmark = pytest.mark.heavy

MADE_READY = 0.05
"""Up to here a planning prepares in this process; then its own process works."""
STEP = 20.0
BACK_TO_THE_SKIN = ((-110.0, 110.0), (-55.0, 140.0), (-60.0, 75.0))
TIP = "S1 superior articular tip left"
QUIET = {"progress": silent, "cancel": None}
TIMES = {"seconds", "created"}
"""What no two runs share."""


def differences(one, other, where="it"):
    """Where two results differ, to the last bit; what a result computes and keeps on the side is left out."""
    if dataclasses.is_dataclass(one) or isinstance(one, BaseModel | tuple | list | dict):
        assert type(one) is type(other), where
        inside = parts_of(one), parts_of(other)
        assert len(inside[0]) == len(inside[1]), where
        for (name, ours), (_, theirs) in zip(*inside, strict=True):
            yield from differences(ours, theirs, f"{where}.{name}")
    elif isinstance(one, np.ndarray):
        if one.dtype != other.dtype or not np.array_equal(one, other, equal_nan=one.dtype.kind == "f"):
            yield where
    elif isinstance(one, shapely.Geometry):
        if shapely.to_wkb(one) != shapely.to_wkb(other):
            yield where
    elif type(one) is not type(other) or (one != other and one == one):
        yield where


def parts_of(whole):
    """Fields, members, or keys with their values, each by a name."""
    if dataclasses.is_dataclass(whole) or isinstance(whole, BaseModel):
        fields = getattr(whole, "__dataclass_fields__", None) or type(whole).model_fields
        return [(name, getattr(whole, name)) for name in fields if name not in TIMES]
    return list(enumerate(whole.items() if isinstance(whole, dict) else whole))


@pytest.fixture(scope="module")
def case(draw_once):
    phantom = draw_once(8, (2.0, 2.0, 2.0), box=BACK_TO_THE_SKIN, setting=IDEAL, pathologies=())
    return phantom.labels, build_surfaces(phantom.labels), phantom.volume


@pytest.fixture(scope="module")
def here(case):
    return PlannerHere(Room(*case), STEP)


@pytest.fixture(scope="module")
def apart(case):
    planner = PlannerApart(*case, STEP)
    yield planner
    planner.close()


@pytest.fixture(scope="module")
def found(here, apart):
    """By this process and by another one."""
    heard = []
    ours = here.plan_again(Planning(), "L5/S1", 0, **QUIET)
    theirs = apart.plan_again(
        Planning(), "L5/S1", 0, progress=lambda part, text: heard.append((part, text)), cancel=None
    )
    return ours, theirs, heard


def alive(planner):
    return planner._child is not None and planner._child.alive


def place(planner, seen):
    """A needle in the best view of the first zone that is open."""
    plan = seen.planned.plan
    approach = next(each for each in plan.approaches if each.search.best is not None)
    sight = Sight(approach.zone, planner.obstacles)
    return planner.own_needle(plan.landmarks, sight, approach.search.best.view, seen.planned.records)


def test_the_same_is_found_to_the_last_bit(found):
    ours, theirs, heard = found
    assert list(differences(ours, theirs)) == []
    assert [each.zone.side for each in theirs.planned.plan.approaches] == ["left"] * 3 + ["right"] * 3
    assert len(theirs.looks) == 6
    assert len(theirs.curves) == len(theirs.planned.records.needles) > 0
    parts = [part for part, _ in heard]
    assert parts == sorted(parts)
    assert any("planned" in text or "trajector" in text for _, text in heard), heard


def test_what_was_seen_is_what_is_seen_here(found, apart):
    _, theirs, _ = found
    for approach, look in zip(theirs.planned.plan.approaches, theirs.looks, strict=True):
        sight = Sight(approach.zone, apart.obstacles)
        assert look.windows
        for window in look.windows:
            assert window.zone is approach.zone
            assert list(differences(sight.window(window.view), window)) == []
    assert theirs.curves
    assert "_distances" not in vars(apart.obstacles), "their fields hold the interpreter for long"


def test_a_needle_and_a_moved_landmark_are_the_same_too(found, here, apart):
    ours, theirs, _ = found
    needles, moved = [], []
    for planner, seen in ((here, ours), (apart, theirs)):
        plan, before = seen.planned.plan, seen.planned.records
        needle = place(planner, seen)
        assert needle.needle.author == "user"
        needles.append(needle)
        point = plan.landmarks.points[TIP] + np.array([0.0, 0.0, 4.0])
        again = planner.plan_with_landmark(plan, with_needle(before, needle), TIP, point, **QUIET)
        assert needle.needle in again.curves
        assert {each.needle for each in before.needles} <= set(again.curves)
        kept = [each for each in again.planned.plan.approaches if each.zone.side == "right"]
        assert all(any(each is one for one in plan.approaches) for each in kept), "no copies"
        assert again.planned.plan.landmarks.parts is plan.landmarks.parts
        moved.append(again)
    assert list(differences(*needles)) == []
    assert list(differences(*moved)) == []


def test_faults_come_through_and_the_process_goes_on(found, apart):
    _, theirs, _ = found
    plan, records = theirs.planned.plan, theirs.planned.records
    process = apart._child
    with pytest.raises(UsageError, match="no landmark"):
        apart.plan_with_landmark(plan, records, "nose", np.zeros(3), **QUIET)
    sight = Sight(plan.approaches[0].zone, apart.obstacles)
    shut = next(v for v in (View(-90.0), View(-75.0), View(0.0, 80.0)) if not sight.window(v).open)
    with pytest.raises(UsageError, match="nothing of the left Kambin triangle"):
        apart.own_needle(plan.landmarks, sight, shut, records)
    with pytest.raises(AttributeError):  # no fault that was expected: it comes with its kind
        apart.plan_with_landmark(plan, None, TIP, plan.landmarks.points[TIP], **QUIET)
    assert apart._child is process
    assert alive(apart)


def test_a_needle_that_is_moved_has_the_same_numbers_there_and_here_as_measured_in_full(found, here, apart):
    ours, theirs, _ = found
    moved = []
    for planner, seen in ((here, ours), (apart, theirs)):
        plan = seen.planned.plan
        approach = next(each for each in plan.approaches if each.search.best is not None)
        needle = place(planner, seen).needle
        planner.hold(plan.landmarks, approach.zone)
        target = np.asarray(needle.target) + np.array([0.5, 1.0, -0.5])
        live = planner.moved(plan.landmarks, approach.zone, Move(needle, target=target))
        np.testing.assert_allclose(live.needle.target, target)
        assert live.needle.entry == needle.entry
        full = needle_record(planner.measured(plan.landmarks, approach.zone, live.needle))
        assert live.record.safety.live
        assert not full.safety.live
        for name in ("bone", "nerve"):
            gaps = [getattr(each.safety, name).gap_mm for each in (live.record, full)]
            assert gaps[0] == pytest.approx(gaps[1], abs=0.02), name
        angles = [each.safety.tolerance.angle.amount for each in (live.record, full)]
        assert angles[0] == pytest.approx(angles[1], abs=0.1, rel=0.05)
        assert [each.rule for each in live.record.findings] == [each.rule for each in full.findings]
        assert live.record.light.light == full.light.light
        assert live.record.tip == full.tip
        assert live.record.way == full.way
        assert {each.tissue for each in live.touches} <= {"bone", "nerve"}
        moved.append(live)
    assert list(differences(*moved)) == []


def test_a_needle_turned_to_where_the_ct_ends_is_refused(found, here):
    plan, needle = found[0].planned.plan, place(here, found[0]).needle
    with pytest.raises(UsageError, match="does not show the skin"):
        here.moved(plan.landmarks, None, Move(needle, towards=np.array([0.0, -0.1, 1.0])))


def test_measuring_is_stopped_and_the_process_keeps_the_case(found, apart):
    _, theirs, _ = found
    plan, needle, process = theirs.planned.plan, place(apart, theirs).needle, apart._child
    apart.hold(plan.landmarks, None)
    stop = threading.Event()
    threading.Timer(0.01, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        apart.measured(plan.landmarks, None, needle, cancel=stop)
    assert time.monotonic() - began < 5
    assert apart._child is process
    assert alive(apart)
    assert apart.moved(plan.landmarks, None, Move(needle)).needle.entry == needle.entry


def test_no_bone_is_the_same_fault(case):
    labels = Labels(np.zeros_like(case[0].array), case[0].geometry)
    planner = PlannerApart(labels, build_surfaces(labels))
    try:
        with pytest.raises(AnatomyError):
            planner.plan_again(Planning(), "L5/S1", 0, **QUIET)
    finally:
        planner.close()


def test_what_is_withheld_is_withheld_there_as_well(case):
    why = Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1")
    apart = PlannerApart(*case, STEP, (why,))
    try:
        made = apart.plan_again(Planning(), "L5/S1", 0, **QUIET).planned
        assert made.plan.withheld == (why,)
        assert made.records.needles == ()
        assert len(made.records.withheld) == 1
        assert len(made.plan.approaches) == 6
    finally:
        apart.close()


def test_it_is_cancelled_within_a_second_and_plans_again_afterwards(case, here, found):
    planner, stop = PlannerApart(*case, STEP), threading.Event()
    began = []

    def cancel_later(part, _text):
        if not began and part > MADE_READY:
            began.append(time.monotonic())
            stop.set()

    try:
        with pytest.raises(Cancelled):
            planner.plan_again(Planning(), "L5/S1", 0, progress=cancel_later, cancel=stop)
        assert time.monotonic() - began[0] < 1
        assert not alive(planner)
        needle, ours = place(planner, found[0]), place(here, found[0])
        assert list(differences(ours, needle)) == []
    finally:
        planner.close()
    assert not alive(planner)


@pytest.mark.slow
def test_a_process_that_is_killed_is_told_and_another_one_follows(case, found):
    planner = PlannerApart(*case, STEP)
    killed = []

    def kill(part, _text):
        if not killed and part > MADE_READY:
            killed.append(planner._child)
            planner._child._process.kill()

    try:
        with pytest.raises(WorkerError, match="ended before it was done") as caught:
            planner.plan_again(Planning(), "L5/S1", 0, progress=kill, cancel=None)
        assert "memory" in caught.value.remedy
        place(planner, found[0])
        planner._child._process.kill()
        planner._child._process.wait()
        place(planner, found[0])  # one that died meanwhile is only replaced
    finally:
        planner.close()
    with pytest.raises(WorkerError, match="is closed"):
        planner.plan_again(Planning(), "L5/S1", 0, **QUIET)


def test_one_that_nobody_closed_ends_with_its_planner(case):
    planner = PlannerApart(*case, STEP)
    process = planner._child._process
    del planner
    gc.collect()
    assert process.poll() is not None


def test_it_dies_with_its_parent():
    """However that ends: nobody plans for a window that is gone."""
    code = """
        import os, time
        from spinect_core.pipeline.planner import _Child
        child = _Child()
        print(child._process.pid, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        env=child_environment(),
        text=True,
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    child.wait(timeout=60)
    assert not child.is_running()


def test_what_a_library_prints_is_no_answer(case, monkeypatch):
    monkeypatch.setattr(
        "spinect_core.base.child.child_command",
        lambda _name: [
            sys.executable,
            "-c",
            "import spinect_core.pipeline.planning_worker as w; import spinect_core.pipeline.planner as p\n"
            "old = p.RoomParts.room\n"
            "p.RoomParts.room = lambda self: print('hello' * 9999, flush=True) or old(self)\n"
            "w.main([])",
        ],
    )
    planner = PlannerApart(*case, STEP)
    try:
        with pytest.raises(UsageError):
            planner.plan_again(Planning(), "L9/S9", 0, **QUIET)
    finally:
        planner.close()


def test_large_cases_get_a_process_and_search_trees_over_parts_alone(case):
    """A tree over all of bone holds the interpreter for longer than a window may be silent."""
    labels, surfaces, volume = case
    many = dataclasses.replace(surfaces, bone=surfaces.bone.subdivide(1))
    planner = planner_for(labels, many, volume)
    planner.close()
    assert isinstance(planner, PlannerApart)
    assert many.bone.n_cells > FEW_TRIANGLES
    assert len(planner.obstacles._scenes) > 1
    sizes = [sum(len(part) for part in scene.corners) for scene in planner.obstacles._scenes]
    assert max(sizes) <= FEW_TRIANGLES
    assert sum(sizes) == many.bone.n_cells + many.nerve.n_cells


def test_several_search_trees_say_what_one_says(case):
    surfaces = case[1]
    one, several = Obstacles.of(surfaces), Obstacles.of(surfaces, 16_000)
    assert len(several._scenes) > 2
    random = np.random.default_rng(3)
    origins = random.uniform(*np.reshape(surfaces.bone.bounds, (3, 2)).T, (20_000, 3))
    ways = random.normal(size=(20_000, 3))
    blocked = one.blocked(origins, ways)
    assert 0.2 < blocked.mean() < 0.99
    assert np.array_equal(several.blocked(origins, ways), blocked)
    for ours, theirs in zip(one.first(origins, ways), several.first(origins, ways), strict=True):
        assert np.array_equal(ours, theirs)


def test_few_triangles_get_no_process():
    array = np.zeros((20, 20, 20), np.uint8)
    array[5:15, 5:15, 5:15] = 1
    labels = Labels(array, Geometry(array.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)))
    assert isinstance(planner_for(labels, build_surfaces(labels)), PlannerHere)
