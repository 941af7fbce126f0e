"""Intervals of areas, circles and clearances, about borders whose uncertainty is known from a formula."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from needle_scenes import from_behind
from window_scenes import zone_of

from spinect_core.geometry.view import View
from spinect_core.image.probabilities import Probabilities
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels
from spinect_core.planning.intervals import LIKELY, Interval, Shell, Uncertainty
from spinect_core.planning.needle.safety import clearance
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import FreeWindow, Sight
from spinect_core.segmentation.calibration import Calibration, Widening
from spinect_core.surfaces.levels import level_surface

BEHIND = View(0)
ZONE = np.array([(-14.0, -11.0), (14.0, -11.0), (0.0, 15.0)])
HOLE_MM, FADES_MM = 5.0, 4.0
"""A hole in a plate of bone; over so many mm its border fades from 0 to 100 %."""
SHELL_MM = (LIKELY - 0.5) * FADES_MM
AS_SAID = tuple(percent / 100 for percent in range(101))
GRID = Geometry((61, 21, 61), (1.0, 1.0, 1.0), (-30.0, 5.0, -30.0))


def calibration(fine: Widening, coarse: Widening | None = None) -> Calibration:
    return Calibration("0" * 64, "thorough", AS_SAID, AS_SAID, fine, coarse or fine)


NOTHING = Widening(0, 0, 0, 1)
NO_MORE = calibration(NOTHING)


def plate() -> tuple[Labels, Probabilities]:
    """A plate of bone 7 to 23 mm behind the zone with a round hole about the y axis."""
    places = GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1).reshape(-1, 3))
    x, y, z = places.T.reshape(3, *GRID.shape)
    radius = np.hypot(x, z)
    slab = np.minimum(y - 7.0, 23.0 - y) / FADES_MM + 0.5
    bone = np.clip(np.minimum((radius - HOLE_MM) / FADES_MM + 0.5, slab), 0, 1)
    percent = np.rint(100 * bone).astype(np.uint8)
    labels = np.where(bone > 0.5, BONE, 0).astype(np.uint8)
    return Labels(labels, GRID), Probabilities(percent, np.zeros_like(percent), GRID)


def looked_at(percent: Probabilities) -> tuple[Obstacles, FreeWindow]:
    """What is free between the borders that the labels draw."""
    bone = level_surface(percent.bone / np.float32(100), GRID, 0.5)
    nerve = level_surface(percent.nerve / np.float32(100), GRID, 0.5)
    obstacles = Obstacles(bone, nerve)
    return obstacles, Sight(zone_of(ZONE, BEHIND, np.zeros(3)), obstacles).window(BEHIND)


def test_a_window_between_uncertain_borders_lies_between_the_least_and_the_most_that_may_be_open() -> None:
    labels, percent = plate()
    _, window = looked_at(percent)
    found = Shell(labels, Uncertainty(percent, NO_MORE, NOTHING)).window(window)
    assert window.radius_mm == pytest.approx(HOLE_MM, abs=0.2)
    assert found.radius_mm.low == pytest.approx(HOLE_MM - SHELL_MM, abs=0.25)
    assert found.radius_mm.high == pytest.approx(HOLE_MM + SHELL_MM, abs=0.25)
    assert found.area_mm2.low == pytest.approx(math.pi * (HOLE_MM - SHELL_MM) ** 2, rel=0.12)
    assert found.area_mm2.high == pytest.approx(math.pi * (HOLE_MM + SHELL_MM) ** 2, rel=0.12)


def test_a_needle_is_nearer_to_the_outer_border_and_farther_from_the_inner_one() -> None:
    labels, percent = plate()
    obstacles, _ = looked_at(percent)
    needle = from_behind()
    gap = clearance(needle, obstacles).bone.gap_mm
    found = Shell(labels, Uncertainty(percent, NO_MORE, NOTHING)).needle(needle, gap, math.inf)
    assert found.nerve_mm is None, "there is none"
    assert found.bone_mm is not None
    assert gap - found.bone_mm.low == pytest.approx(SHELL_MM, abs=0.25)
    assert found.bone_mm.high - gap == pytest.approx(SHELL_MM, abs=0.25)


def test_what_phantoms_needed_is_added_and_more_of_it_on_a_coarse_ct() -> None:
    labels, percent = plate()
    _, window = looked_at(percent)
    needed = calibration(Widening(2.0, 0.3, 0.5, 9), Widening(6.0, 0.9, 1.5, 9))
    thick = Geometry(GRID.shape, (1.0, 1.0, 3.0), GRID.origin)
    found = []
    for made, source in ((NO_MORE, GRID), (needed, GRID), (needed, thick)):
        known = Uncertainty.of(percent, made, source)
        assert known is not None
        found.append(Shell(labels, known).window(window))
    plain, fine, coarse = found
    for more, less, area, radius in ((fine, plain, 2.0, 0.3), (coarse, plain, 6.0, 0.9)):
        assert more.area_mm2.high - less.area_mm2.high == pytest.approx(area)
        assert less.area_mm2.low - more.area_mm2.low == pytest.approx(area)
        assert more.radius_mm.high - less.radius_mm.high == pytest.approx(radius)
    huge = Uncertainty(percent, NO_MORE, Widening(900.0, 900.0, 900.0, 9))
    least = Shell(labels, huge).window(window)
    assert (least.area_mm2.low, least.radius_mm.low) == (0, 0), "no area is less than none"


def test_a_faint_guess_that_touches_no_label_narrows_no_window() -> None:
    labels, percent = plate()
    _, window = looked_at(percent)
    speck = percent.nerve.copy()
    speck[29:32, 9:12, 29:32] = 20  # in the middle of the hole, of a tissue that has no label
    guessed = replace(percent, nerve=speck)
    without, beside = (
        Shell(labels, Uncertainty(each, NO_MORE, NOTHING)).window(window) for each in (percent, guessed)
    )
    assert beside == without
    labelled = labels.array.copy()
    labelled[30, 10, 30] = NERVE
    there = Shell(Labels(labelled, GRID), Uncertainty(guessed, NO_MORE, NOTHING)).window(window)
    assert there.radius_mm.low < without.radius_mm.low


def test_the_value_itself_is_always_within() -> None:
    assert Interval.around(3.0, (4.0, 5.0), 0.5) == Interval(2.5, 5.5)
    assert Interval.around(9.0, (4.0, 5.0), 0.0) == Interval(4.0, 9.0)


def test_without_a_calibration_for_these_weights_nothing_is_claimed() -> None:
    _, percent = plate()
    assert Uncertainty.of(percent, None, GRID) is None
    assert Uncertainty.of(None, NO_MORE, GRID) is None
    thick = Geometry(GRID.shape, (1.0, 1.0, 3.0), GRID.origin)
    fine_alone = replace(NO_MORE, coarse=None)
    assert Uncertainty.of(percent, fine_alone, GRID) is not None
    assert Uncertainty.of(percent, fine_alone, thick) is None, "thick slices were not measured"
