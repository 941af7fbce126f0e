"""Each case of the library shows what it is there to show, under the program's own planning on its true labels."""

from __future__ import annotations

import pytest

from spinect_core.geometry.view import View
from spinect_core.planning.search.angle_map import OBLIQUE_DEGREES, TILT_DEGREES
from spinect_core.teaching.drawing import draw
from spinect_core.teaching.ground import Ground, stories_of
from spinect_core.teaching.library import LIBRARY, named

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", LIBRARY, ids=lambda case: case.name)
def test_the_story_of_a_case_is_true(case):
    ground = Ground(draw(case.record("Case 1")))
    found = stories_of(ground.plan(case.side), case.kind, case.version)
    assert case.story in found, found


def test_the_best_of_a_case_is_that_of_every_whole_degree():
    """Against a brute force twice as fine as the map, of every view that the rules leave."""
    case = named("normal")
    ground = Ground(draw(case.record("Case 1")))
    best = ground.best(case.side, case.kind, case.version)
    chart, sight = best.approach.search.map, ground.sight(best.approach.zone)
    largest = 0.0
    for oblique in range(int(OBLIQUE_DEGREES[0]), int(OBLIQUE_DEGREES[1]) + 1):
        for tilt in range(int(TILT_DEGREES[0]), int(TILT_DEGREES[1]) + 1):
            view = View.oblique(case.side, oblique, tilt)
            if chart.rule(chart.nearest(view)) is None:
                window = sight.window(view)
                if window.radius_mm >= chart.limits.needle_radius_mm:
                    largest = max(largest, window.area_mm2)
    assert best.area_mm2 >= 0.97 * largest
    assert best.tolerance_deg >= best.approach.needle.tolerance.angle.amount
