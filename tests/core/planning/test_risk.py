"""Monte Carlo simulation of needles, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from needle_scenes import NOTHING, block, from_behind, plate_with_hole, scene, tube
from scipy.integrate import quad
from scipy.stats import truncnorm

from spinect_core.base.errors import Cancelled, MeasurementError
from spinect_core.planning.needle.risk import (
    CHIBA,
    FREE_HAND,
    FREE_HAND_CT,
    HAND_ERRORS,
    LASER,
    QUINCKE,
    ROBOT,
    WHITACRE,
    Bending,
    HandError,
    Part,
    risk,
)
from spinect_core.planning.needle.tolerance import Aim


def errors(error: HandError) -> truncnorm:
    """The distribution of the angle in degrees."""
    return truncnorm(-error.mean_deg / error.sd_deg, np.inf, error.mean_deg, error.sd_deg)


def agrees(part: Part, expected: float) -> bool:
    """Within three standard errors of the expected part."""
    return abs(part.value - expected) <= 3 * np.sqrt(expected * (1 - expected) / 20_000)


@pytest.mark.parametrize(
    "error", [FREE_HAND_CT.of_angle_alone, LASER.of_angle_alone], ids=["free-hand", "laser"]
)
def test_a_hole_is_a_cone(error: HandError) -> None:
    planned = from_behind(60.0)
    found = risk(planned, Aim(scene(plate_with_hole(10.0, 2.0, 3.0))), error)
    limit = np.degrees(np.arccos(planned.radius_mm / np.hypot(50.0, 3.0)) - np.arctan2(50.0, 3.0))
    assert agrees(found.bone, errors(error).sf(limit))
    assert found.either == found.bone
    assert found.nerve == Part(0.0, 0.0)


@pytest.mark.parametrize(
    "error", [FREE_HAND_CT.of_angle_alone, LASER.of_angle_alone], ids=["free-hand", "laser"]
)
def test_a_wall_is_a_half_space(error: HandError) -> None:
    planned = from_behind(80.0)
    wall = block((2.5, -400, -400), (60, 400, 400))
    found = risk(planned, Aim(scene(NOTHING, wall)), error)
    # A needle along d meets x = w where L dx + r sqrt(1 - dx²) > w.
    r, length, w = planned.radius_mm, planned.depth_mm, 2.5
    least = np.sin(np.arcsin(w / np.hypot(length, r)) - np.arctan(r / length))
    distribution = errors(error)
    first = np.degrees(np.arcsin(least))
    expected = quad(
        lambda a: distribution.pdf(a) * np.arccos(np.clip(least / np.sin(np.radians(a)), -1, 1)) / np.pi,
        first,
        first + 25,
        limit=200,
    )[0]
    assert 0.02 < expected < 0.35
    assert agrees(found.nerve, expected)
    assert found.nerve.standard_error == pytest.approx(
        np.sqrt(found.nerve.value * (1 - found.nerve.value) / 20_000)
    )
    assert found.nerve_on_the_way.value < found.nerve.value


def test_the_miss_at_the_target() -> None:
    planned = from_behind(80.0)
    found = risk(planned, Aim(scene()), FREE_HAND)
    distribution = errors(FREE_HAND)
    assert found.drawn_mean_deg == pytest.approx(
        distribution.mean(), abs=3 * distribution.std() / np.sqrt(20_000)
    )
    assert found.miss_95_mm == pytest.approx(160 * np.sin(np.radians(distribution.ppf(0.95)) / 2), rel=0.02)
    expected = quad(lambda a: distribution.pdf(a) * 160 * np.sin(np.radians(a) / 2), 0, 60)[0]
    assert found.miss_mean_mm == pytest.approx(expected, rel=0.02)
    assert found.either == Part(0.0, 0.0)


def test_a_thicker_needle_meets_more() -> None:
    aim = Aim(scene(tube((4.0, 30, 0), (0, 0, 1), 2.0)))
    assert risk(from_behind(gauge=22), aim).bone.value > risk(from_behind(gauge=25), aim).bone.value > 0


def test_the_same_seed_gives_the_same() -> None:
    aim = Aim(scene(tube((4.0, 30, 0), (0, 0, 1), 2.0), tube((-4.0, 30, 0), (0, 0, 1), 2.0)))
    one, other = risk(from_behind(), aim, needles=3000), risk(from_behind(), aim, needles=3000)
    assert one == other
    assert risk(from_behind(), aim, needles=3000, seed=5) != one
    assert one.either.value == pytest.approx(one.bone.value + one.nerve.value)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(MeasurementError, match="cannot be drawn"):
        HandError("none", 3.0, 0.0)
    with pytest.raises(MeasurementError, match="cannot be drawn"):
        HandError("half", 3.0, 1.0, entry_mean_mm=2.0)
    with pytest.raises(MeasurementError, match="0 needles"):
        risk(from_behind(), Aim(scene()), needles=0)

    class Stop:
        def is_set(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        risk(from_behind(), Aim(scene()), cancel=Stop())


def test_the_techniques_are_those_of_the_sources() -> None:
    told = {
        each.name: (each.mean_deg, each.sd_deg, each.entry_mean_mm, each.entry_sd_mm, each.tip_mm)
        for each in HAND_ERRORS
    }
    assert told == {
        "free-hand transforaminal": (12.0, 4.8, None, None, (20.1, 5.0)),
        "free-hand CT": (3.4, 3.1, 6.1, 4.7, (6.3, 3.6)),
        "laser-guided CT": (1.3, 0.9, 0.8, 0.6, (4.0, 2.7)),
        "robot, transforaminal": (5.6, 3.3, None, None, (11.4, 3.9)),
    }
    assert all(each.source for each in HAND_ERRORS)


def test_the_free_hand_of_this_injection_meets_most() -> None:
    aim = Aim(scene(plate_with_hole(10.0, 2.0, 3.0)))
    found = {
        error.name: risk(from_behind(60.0), aim, error.of_angle_alone).bone.value for error in HAND_ERRORS
    }
    order = [each.name for each in (LASER, FREE_HAND_CT, ROBOT, FREE_HAND)]
    assert sorted(found, key=found.__getitem__) == order


def test_an_error_of_the_entry_moves_the_whole_needle() -> None:
    """A needle without an angular error before a wall beside it: touched by all that move so far towards it."""
    hand = HandError("entry alone", 0.0, 1e-6, entry_mean_mm=6.0, entry_sd_mm=1e-6)
    planned = from_behind(80.0)
    found = risk(planned, Aim(scene(NOTHING, block((3.0, -400, -400), (60, 40, 400)))), hand)
    # Of a circle of 6 mm the part beyond 3 mm less the needle's radius.
    assert agrees(found.nerve, float(np.arccos((3.0 - planned.radius_mm) / 6.0) / np.pi))
    assert found.miss_mean_mm == pytest.approx(6.0, abs=1e-3)
    assert (
        risk(planned, Aim(scene()), FREE_HAND_CT).miss_mean_mm
        > risk(planned, Aim(scene()), FREE_HAND_CT.of_angle_alone).miss_mean_mm
    )


STEADY = HandError("steady", 0.0, 1e-6)


@pytest.mark.parametrize("kind", [QUINCKE, CHIBA, WHITACRE])
def test_a_bent_needle_misses_by_what_was_measured(kind: Bending) -> None:
    found = risk(from_behind(80.0), Aim(scene()), STEADY, bending=kind, needles=200)
    assert found.miss_mean_mm == pytest.approx(kind.mm, abs=1e-3)
    assert risk(
        from_behind(40.0), Aim(scene()), STEADY, bending=kind, needles=200
    ).miss_95_mm == pytest.approx(kind.mm / 4, abs=1e-3)


@pytest.mark.parametrize(("clock", "meets"), [(3.0, 1.0), (9.0, 0.0), (12.0, 0.0), (None, 0.25)])
def test_the_bevel_says_to_where_it_bends(clock: float | None, meets: float) -> None:
    """Seen from the hub of a needle from behind, 3 o'clock is the patient's right: there is a wall 6.3 mm away."""
    planned = from_behind(80.0)
    wall = block((-60, -400, -400), (-8.9 * np.cos(np.pi / 4) - planned.radius_mm, 400, 400))
    found = risk(planned, Aim(scene(wall)), STEADY, bending=QUINCKE, drift_clock=clock, needles=4000)
    assert found.bone.value == pytest.approx(meets, abs=0.03)


def test_a_bent_needle_is_followed_along_its_arc() -> None:
    """A plate half-way is met where the arc is a quarter of the drift aside, not where the chord is half of it."""
    planned = from_behind(80.0)
    aside = block((-20, 39, -400), (-8.9 / 4 - planned.radius_mm - 0.5, 41, 400))
    assert (
        risk(planned, Aim(scene(aside)), STEADY, bending=QUINCKE, drift_clock=3.0, needles=200).bone.value
        == 0.0
    )
    nearer = block((-20, 39, -400), (-8.9 / 4 - planned.radius_mm + 0.5, 41, 400))
    assert (
        risk(planned, Aim(scene(nearer)), STEADY, bending=QUINCKE, drift_clock=3.0, needles=200).bone.value
        == 1.0
    )
