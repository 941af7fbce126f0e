"""Planning again: what the user made stays, what depends on it follows."""

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import silent
from spinect_core.geometry.view import View
from spinect_core.pipeline.replanning import own_needle, plan_again, plan_with_landmark
from spinect_core.plan.own_needles import without_needle
from spinect_core.plan.records import Planning
from spinect_core.planning.room import Room
from spinect_core.planning.zones.window import Sight
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.surfaces import build_surfaces

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("registered_once")]

BACK_TO_THE_SKIN = ((-110.0, 110.0), (-55.0, 140.0), (-60.0, 75.0))
STEP = 20.0
TIP = "S1 superior articular tip left"


@pytest.fixture(scope="module")
def room(draw_once):
    phantom = draw_once(8, (2.0, 2.0, 2.0), box=BACK_TO_THE_SKIN, setting=IDEAL, pathologies=())
    return Room(phantom.labels, build_surfaces(phantom.labels), phantom.volume)


@pytest.fixture(scope="module")
def first(room):
    return plan_again(room, Planning(), "L5/S1", 0, step=STEP, progress=silent, cancel=None)


def landmark(planning, name):
    return next(each for each in planning.landmarks if each.name == name)


def own(planning):
    return [each for each in planning.needles if each.needle.author == "user"]


def test_needle_and_landmark_of_the_user_survive(room, first):
    open_ones = [each for each in first.plan.approaches if each.search.best is not None]
    approach = next(each for each in open_ones if each.zone.side == "left")
    sight = Sight(approach.zone, room.obstacles)
    view = approach.search.best.view
    needle, with_needle = own_needle(room, first.plan.landmarks, sight, view, first.records)
    assert needle.needle.name == "Own needle 1"
    assert needle.needle.author == "user"
    assert needle.needle.view.angle_to(view) < 0.01
    np.testing.assert_allclose(needle.needle.target, sight.window(view).centre, atol=1e-6)
    assert len(own(with_needle)) == 1
    assert without_needle(with_needle, own(with_needle)[0]).needles == first.records.needles

    before = np.array(landmark(with_needle, TIP).point)
    lifted = before + np.array([0.0, 0.0, 4.0])
    moved = plan_with_landmark(
        room, first.plan, with_needle, TIP, lifted, step=STEP, progress=silent, cancel=None
    )
    mark = landmark(moved.records, TIP)
    assert mark.moved
    np.testing.assert_allclose(mark.point, lifted)
    assert own(moved.records)[0].needle == needle.needle
    assert own(moved.records)[0].safety is not None
    # the other side was not planned again, this one was
    kept = {id(each) for each in first.plan.approaches if each.zone.side == "right"}
    assert {id(each) for each in moved.plan.approaches if each.zone.side == "right"} == kept
    assert not kept & {id(each) for each in moved.plan.approaches if each.zone.side == "left"}
    assert [each.zone.side for each in moved.plan.approaches] == ["left"] * 3 + ["right"] * 3
    bony = [
        next(
            each.zone
            for each in made.plan.approaches
            if (each.zone.side, each.zone.version) == ("left", "bony")
        )
        for made in (first, moved)
    ]
    # a longer process comes nearest to the root no farther down its course, and its edge follows
    roots, edges = (
        [next(each.points for each in zone.borders if each.role == role) for zone in bony]
        for role in ("hypotenuse", "height")
    )
    lengths = [np.linalg.norm(np.diff(points, axis=0), axis=1).sum() for points in roots]
    assert lengths[1] >= lengths[0]
    assert 0.1 < np.linalg.norm(edges[1][0] - edges[0][0]) < 4.0
    np.testing.assert_allclose(edges[1][-1], edges[0][-1])

    again = plan_again(room, moved.records, "L5/S1", 0, step=STEP, progress=silent, cancel=None)
    np.testing.assert_allclose(landmark(again.records, TIP).point, lifted)
    assert own(again.records)[0].needle == needle.needle

    # at another level the landmark is another bone's: the place is not carried over, the needle stays
    above = plan_again(room, moved.records, "L4/5", 0, step=STEP, progress=silent, cancel=None)
    assert above.records.level.name == "L4/5"
    assert not any(each.moved for each in above.records.landmarks)
    # what L4/5 says of places and doubts concerns no needle of L5/S1: that keeps what L5/S1 said of it
    assert own(above.records)[0] == own(moved.records)[0]


def test_a_needle_of_the_users_needs_an_open_view_or_a_target(room, first):
    approach = first.plan.approaches[0]
    sight = Sight(approach.zone, room.obstacles)
    closed = next(view for view in (View(-90.0), View(-75.0), View(0.0, 80.0)) if not sight.window(view).open)
    with pytest.raises(UsageError, match="nothing of the left Kambin triangle"):
        own_needle(room, first.plan.landmarks, sight, closed, first.records)


def test_what_stands_against_the_whole_case_concerns_the_other_side_as_well(room, first):
    """With a corner moved aside by 120 mm the level is of no human shape: nothing is recommended until it is back."""
    name = "S1 posterolateral corner left"
    here = np.array(landmark(first.records, name).point)
    far = plan_with_landmark(
        room,
        first.plan,
        first.records,
        name,
        here + np.array([120.0, 0.0, 0.0]),
        step=STEP,
        progress=silent,
        cancel=None,
    )
    assert far.plan.withheld
    assert [each.zone.side for each in far.plan.approaches] == ["left"] * 3 + ["right"] * 3
    assert all(each.needle is None for each in far.plan.approaches)
    back = plan_with_landmark(
        room, far.plan, far.records, name, here, step=STEP, progress=silent, cancel=None
    )
    assert not back.plan.withheld
    found = {each.zone.side for each in back.plan.approaches if each.needle is not None}
    assert found == {each.zone.side for each in first.plan.approaches if each.needle is not None} != set()


def test_a_landmark_is_not_moved_onto_another(room, first):
    other = np.array(landmark(first.records, "S1 superior articular base left").point)
    with pytest.raises(UsageError, match=TIP):
        plan_with_landmark(
            room, first.plan, first.records, TIP, other, step=STEP, progress=silent, cancel=None
        )
