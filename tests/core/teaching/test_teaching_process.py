"""The process that draws and scores beside the window, with a case of the library."""

from __future__ import annotations

import pytest

from spinect_core.base.errors import PlanError
from spinect_core.teaching.library import named
from spinect_core.teaching.pack import Pack
from spinect_core.teaching.process import TeachingProcess
from spinect_core.teaching.records import AttemptRecord
from spinect_core.teaching.words import Aids, Task

pytestmark = pytest.mark.slow


def test_a_case_is_drawn_and_its_best_needle_has_full_marks():
    case = named("normal").record("Case 1", ((Task.NEEDLE, Aids.EVERYTHING),))
    process = TeachingProcess()
    try:
        drawn = process.open(Pack("One", (case,)), "normal")
        assert drawn.pictures.volume.name == "Case 1"
        assert drawn.surfaces().bone.n_cells > 10_000
        with pytest.raises(PlanError, match="an entry"):
            process.score(case.tasks[0], AttemptRecord(case="normal"))
        assert process.alive
        tried = AttemptRecord(case="normal", entry=(70.0, 90.0, 45.0), target=(27.0, 5.0, 12.0), seconds=60.0)
        best = process.score(case.tasks[0], tried).best
        again = tried.replaced(entry=best.entry, target=best.target)
        assert process.score(case.tasks[0], again).points == 100
    finally:
        process.close()
