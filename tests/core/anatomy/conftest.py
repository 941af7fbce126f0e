"""One specimen that the atlas was not made from, with what is found on it."""

from __future__ import annotations

import pytest

from spinect_core.anatomy.landmarks import find_landmarks
from spinect_core.research.phantom.scanner import IDEAL

SEED = 64


@pytest.fixture(scope="session")
def phantom(draw_once):
    return draw_once(SEED, (2.0, 2.0, 2.0), setting=IDEAL, pathologies=())


@pytest.fixture(scope="session")
def found(phantom):
    return find_landmarks(phantom.labels)
