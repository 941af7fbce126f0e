"""A case whose truth is known, ready for scoring."""

from __future__ import annotations

import pytest

from spinect_core.image.volume import Labels
from spinect_core.preprocessing.grid import on_regular_grid
from spinect_core.research.phantom.scanner import IDEAL
from spinect_core.teaching.drawing import Pictures, organs_of
from spinect_core.teaching.ground import Ground
from spinect_core.teaching.records import TaskRecord

BACK_TO_THE_SKIN = ((-110.0, 110.0), (-55.0, 140.0), (-60.0, 75.0))
STEP = 6.0


@pytest.fixture(scope="session")
def pictures(draw_once) -> Pictures:
    phantom = draw_once(8, (2.0, 2.0, 2.0), box=BACK_TO_THE_SKIN, setting=IDEAL, pathologies=())
    labels: Labels = on_regular_grid(phantom.labels, 1.0)
    return Pictures(phantom.volume, labels, organs_of(phantom))


@pytest.fixture(scope="session")
def ground(pictures) -> Ground:
    made = Ground(pictures, step=STEP)
    made.best_of(TaskRecord(task="needle"))
    return made
