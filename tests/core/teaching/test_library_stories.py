"""Each case of the library shows what it is there to show, under the program's own planning on its true labels."""

from __future__ import annotations

import pytest

from spinect_core.teaching.drawing import draw
from spinect_core.teaching.ground import Ground, stories_of
from spinect_core.teaching.library import LIBRARY

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", LIBRARY, ids=lambda case: case.name)
def test_the_story_of_a_case_is_true(case):
    ground = Ground(draw(case.record("Case 1")))
    found = stories_of(ground.plan(case.side), case.kind, case.version)
    assert case.story in found, found
