"""Monte Carlo simulation of needles, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from needle_scenes import NOTHING, block, from_behind, plate_with_hole, scene, tube
from scipy.integrate import quad
from scipy.stats import truncnorm

from spinect_core.base.errors import Cancelled, MeasurementError
from spinect_core.planning.needle.risk import FREE_HAND, LASER, AngularError, Part, risk
from spinect_core.planning.needle.tolerance import Aim


def errors(error: AngularError) -> truncnorm:
    """The distribution of the angle in degrees."""
    return truncnorm(-error.mean_deg / error.sd_deg, np.inf, error.mean_deg, error.sd_deg)


def agrees(part: Part, expected: float) -> bool:
    """Within three standard errors of the expected part."""
    return abs(part.value - expected) <= 3 * np.sqrt(expected * (1 - expected) / 20_000)


@pytest.mark.parametrize("error", [FREE_HAND, LASER])
def test_a_hole_is_a_cone(error: AngularError) -> None:
    planned = from_behind(60.0)
    found = risk(planned, Aim(scene(plate_with_hole(10.0, 2.0, 3.0))), error)
    limit = np.degrees(np.arccos(planned.radius_mm / np.hypot(50.0, 3.0)) - np.arctan2(50.0, 3.0))
    assert agrees(found.bone, errors(error).sf(limit))
    assert found.either == found.bone
    assert found.nerve == Part(0.0, 0.0)


@pytest.mark.parametrize("error", [FREE_HAND, LASER])
def test_a_wall_is_a_half_space(error: AngularError) -> None:
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
    expected = quad(lambda a: distribution.pdf(a) * 160 * np.sin(np.radians(a) / 2), 0, 40)[0]
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
        AngularError("none", 3.0, 0.0)
    with pytest.raises(MeasurementError, match="0 needles"):
        risk(from_behind(), Aim(scene()), needles=0)

    class Stop:
        def is_set(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        risk(from_behind(), Aim(scene()), cancel=Stop())
