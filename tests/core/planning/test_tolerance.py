"""The tolerance of a needle, against formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from needle_scenes import NOTHING, block, both, from_behind, plate_with_hole, scene, tube, turned
from scipy.spatial.transform import Rotation

from spinect_core.base.errors import Cancelled
from spinect_core.plan.records import ToleranceRecord
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.tolerance import (
    HALVINGS,
    LARGEST_DEG,
    LARGEST_MM,
    STEP_DEG,
    Aim,
    _free,
    direction_words,
)

AXIS_Z = (0.0, 0.0, 1.0)


def angle_to_cylinder(aside: float, depth: float, radius: float, needle: Needle) -> float:
    """Degrees to a cylinder across the plane of the turn, its axis ``aside`` mm beside the needle at ``depth``."""
    reach = np.hypot(aside, depth)
    return float(np.degrees(np.arccos((radius + needle.radius_mm) / reach) - np.arctan2(depth, aside)))


@pytest.mark.parametrize("gauge", [22, 25])
def test_a_corridor_between_two_cylinders(gauge: int) -> None:
    planned = from_behind(gauge=gauge)
    # Bone 5 mm to the left (lateral of a left needle), nerve 3 mm to the right, both free of the axis.
    obstacles = scene(tube((9.0, 20, 0), AXIS_Z, 4.0), tube((-5.0, 30, 0), AXIS_Z, 2.0))
    found = Aim(obstacles).tolerance(planned)
    to_bone, to_nerve = (
        angle_to_cylinder(9.0, 60.0, 4.0, planned),
        angle_to_cylinder(5.0, 50.0, 2.0, planned),
    )
    assert found.angle_to_bone.amount == pytest.approx(to_bone, abs=0.05)
    assert found.angle_to_nerve.amount == pytest.approx(to_nerve, abs=0.05)
    assert found.shift_to_bone.amount == pytest.approx(5.0 - planned.radius_mm, abs=0.05)
    assert found.shift_to_nerve.amount == pytest.approx(3.0 - planned.radius_mm, abs=0.05)
    assert (found.angle_to_bone.words, found.angle_to_nerve.words) == ("lateral", "medial")
    np.testing.assert_allclose(found.angle_to_bone.towards, [1, 0, 0], atol=0.1)
    assert found.angle.tissue == "nerve"
    assert found.angle.amount == found.angle_to_nerve.amount
    assert found.shift.amount == found.shift_to_nerve.amount
    # Straight up, along the cylinders, nothing is in the way.
    up = len(found.angle.by_azimuth) // 4
    assert found.angle.by_azimuth[up] == LARGEST_DEG
    assert found.shift.by_azimuth[up] == LARGEST_MM


def test_a_round_hole_lets_the_same_angle_through_on_all_sides() -> None:
    planned = from_behind(60.0)
    found = Aim(scene(plate_with_hole(10.0, 2.0, 4.0))).tolerance(planned)
    # The edge of the hole on the far face, 50 mm deep: 50 tan a + r / cos a = 4.
    reach = np.hypot(50.0, 4.0)
    expected = np.degrees(np.arccos(planned.radius_mm / reach) - np.arctan2(50.0, 4.0))
    np.testing.assert_allclose(found.angle_to_bone.by_azimuth, expected, atol=0.05)
    assert found.angle_to_bone.amount == pytest.approx(expected, abs=0.05)
    np.testing.assert_allclose(found.shift_to_bone.by_azimuth, 4.0 - planned.radius_mm, atol=0.03)
    assert found.angle_to_nerve.unlimited
    assert found.angle_to_nerve.words == ""


def test_the_first_contact_counts_though_the_way_opens_again_behind_it() -> None:
    thin = tube((2.0, 20, 0), AXIS_Z, 0.3)
    found = Aim(scene(NOTHING, thin)).tolerance(from_behind())
    assert found.angle.amount == pytest.approx(angle_to_cylinder(2.0, 60.0, 0.3, from_behind()), abs=0.05)
    assert found.shift.amount == pytest.approx(1.7 - from_behind().radius_mm, abs=0.03)


def test_what_lies_deeper_than_the_target_limits_nothing() -> None:
    planned = from_behind()
    wall = block((-90, -30, -90), (90, -1.0, 90))
    found = Aim(scene(wall)).tolerance(planned)
    assert found.angle.unlimited
    assert found.shift.unlimited
    # The target on the surface itself is no contact either.
    resting = Aim(scene(block((-90, -30, -90), (90, 0.0, 90)))).tolerance(planned)
    assert resting.shift.unlimited


def test_a_needle_that_already_touches_has_no_tolerance() -> None:
    beside = from_behind()
    assert Aim(scene(tube((4.3, 40, 0), AXIS_Z, 4.0))).tolerance(beside).angle.amount == 0.0
    thinner = Aim(scene(tube((4.3, 40, 0), AXIS_Z, 4.0))).tolerance(replace(beside, gauge=25))
    assert thinner.shift.amount == pytest.approx(0.3 - 0.2572, abs=0.01)


def test_the_worst_direction_between_two_of_the_72() -> None:
    # A wall whose normal lies half way between two azimuths.
    turn = np.radians(2.5)
    rotation = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    wall = turned(block((-30.0, -90, -90), (-6.0, 70, 90)), rotation, np.zeros(3))
    planned = from_behind()
    found = Aim(scene(wall)).tolerance(planned)
    assert found.shift.amount == pytest.approx(6.0 - planned.radius_mm, abs=0.01)
    # r cos a + 80 sin a = 6
    expected = np.degrees(
        np.arcsin(6.0 / np.hypot(80.0, planned.radius_mm)) - np.arctan(planned.radius_mm / 80)
    )
    assert found.angle.amount == pytest.approx(expected, abs=0.03)


def test_mirroring_swaps_the_sides_and_keeps_the_numbers() -> None:
    bone, nerve = (
        both(tube((9.0, 20, 0), (0.3, 0, 1.0), 4.0), block((-3, 30, -40), (3, 36, -6))),
        tube((-5.0, 30, 0), AXIS_Z, 2.0),
    )
    mirror = np.diag([-1.0, 1.0, 1.0])
    one = Aim(scene(bone, nerve)).tolerance(from_behind())
    other = Aim(scene(turned(bone, mirror, np.zeros(3)), turned(nerve, mirror, np.zeros(3)))).tolerance(
        from_behind(side="right")
    )
    for name in ("angle_to_bone", "angle_to_nerve", "shift_to_bone", "shift_to_nerve", "angle", "shift"):
        here, there = getattr(one, name), getattr(other, name)
        assert there.amount == pytest.approx(here.amount, abs=0.02)
        assert there.words == here.words
        assert there.tissue == here.tissue


def test_a_rigid_motion_changes_no_tolerance() -> None:
    bone, nerve = tube((9.0, 20, 0), AXIS_Z, 4.0, 60.0), tube((-5.0, 30, 0), AXIS_Z, 2.0, 60.0)
    rotation = Rotation.from_euler("xyz", [20, -35, 70], degrees=True).as_matrix()
    shift = np.array([310.0, -120.0, 55.0])
    planned = from_behind()
    there = replace(
        planned,
        entry=tuple(rotation @ planned.entry + shift),
        target=tuple(rotation @ planned.target + shift),
    )
    one = Aim(scene(bone, nerve)).tolerance(planned)
    other = Aim(scene(turned(bone, rotation, shift), turned(nerve, rotation, shift))).tolerance(there)
    for name in ("angle_to_bone", "angle_to_nerve", "shift_to_bone", "shift_to_nerve"):
        assert getattr(other, name).amount == pytest.approx(getattr(one, name).amount, abs=0.02)
    # The worst direction turns with the scene; near its minimum the tolerance hardly changes with it.
    np.testing.assert_allclose(other.angle_to_bone.towards, rotation @ one.angle_to_bone.towards, atol=0.15)


def test_another_obstacle_never_widens_the_tolerance() -> None:
    planned = from_behind()
    few = Aim(scene(tube((9.0, 20, 0), AXIS_Z, 4.0))).tolerance(planned)
    more = Aim(scene(both(tube((9.0, 20, 0), AXIS_Z, 4.0), tube((1.0, 40, 5.5), (1, 0, 0), 3.0)))).tolerance(
        planned
    )
    assert np.all(more.angle.by_azimuth <= few.angle.by_azimuth)
    assert np.all(more.shift.by_azimuth <= few.shift.by_azimuth)
    assert more.angle.amount < few.angle.amount


@pytest.mark.parametrize(
    ("direction", "side", "words"),
    [
        ((1, 0, 0), "left", "lateral"),
        ((1, 0, 0), "right", "medial"),
        ((-2, 0, -1.5), "left", "medial and caudal"),
        ((0, 0.1, 3), "left", "cranial"),
        ((0, -3, 2), "right", "anterior and cranial"),
    ],
)
def test_directions_in_words(direction: tuple[float, float, float], side: str, words: str) -> None:
    assert direction_words(direction, side) == words


def test_the_user_can_stop_it() -> None:
    class Stop:
        def is_set(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        Aim(scene(tube((9.0, 20, 0), AXIS_Z, 4.0))).tolerance(from_behind(), cancel=Stop())


def test_what_is_stored_says_when_nothing_was_met() -> None:
    found = Aim(scene(tube((9.0, 20, 0), AXIS_Z, 4.0))).tolerance(from_behind())
    stored = ToleranceRecord.taken_from(found).to_dict()
    assert stored["angle_to_nerve_deg"]["at_least"] is True
    assert stored["angle_to_nerve_deg"]["amount"] == LARGEST_DEG
    assert stored["angle_deg"]["at_least"] is False
    assert stored["angle_deg"]["tissue"] == "bone"


def test_what_is_free_is_the_first_contact_however_many_steps_are_asked_at_once() -> None:
    ends = np.array([0.1, 2.9, 3.0, 3.1, 7.4, 29.9, 40.0, -1.0])

    def meets(azimuths: np.ndarray, amounts: np.ndarray) -> np.ndarray:
        # Something thin is met at its place alone, and free again behind it.
        place = ends[azimuths.astype(int)]
        return np.asarray((amounts >= place) & (amounts < place + 0.6))

    free = _free(meets, np.arange(8.0), LARGEST_DEG, STEP_DEG)
    np.testing.assert_allclose(free[:5], ends[:5], atol=STEP_DEG / 2**HALVINGS)
    assert free[5] == pytest.approx(29.9, abs=0.01)
    assert free[6] == LARGEST_DEG  # beyond what is searched
    assert free[7] == LARGEST_DEG  # behind the needle: never met


def test_contacts_beyond_the_worst_so_far_are_not_looked_for() -> None:
    asked: list[float] = []

    def meets(azimuths: np.ndarray, amounts: np.ndarray) -> np.ndarray:
        asked.append(float(amounts.max()))
        return np.asarray(amounts >= np.where(azimuths > 0, 1.3, 9.0))

    free = _free(meets, np.array([0.0, 1.0]), LARGEST_DEG, STEP_DEG, 2.0)
    assert free[1] == pytest.approx(1.3, abs=STEP_DEG / 2**HALVINGS)
    assert free[0] == LARGEST_DEG
    assert max(asked) <= 2.0 + STEP_DEG
