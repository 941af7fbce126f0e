"""Several zones at the same time."""

import threading
import time

import numpy as np
import pytest
from search_scenes import square_zone, thicket

from spinect_core.base.errors import Cancelled
from spinect_core.geometry.view import View
from spinect_core.planning.search.search import search
from spinect_core.planning.search.search_all import search_all
from spinect_core.planning.zones.window import Sight

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def sights() -> list[Sight]:
    obstacles = thicket()[0]
    return [Sight(square_zone(half, View.oblique("left", 35.0, 5.0)), obstacles) for half in (2.0, 3.0, 4.0)]


def test_every_zone_is_found_as_if_it_were_alone(sights):
    told: list[float] = []
    caller = threading.get_ident()

    def progress(part: float, words: str) -> None:
        assert threading.get_ident() == caller
        assert "zones searched" in words
        told.append(part)

    together = search_all(sights, None, step=8.0, progress=progress)
    assert told[-1] == 1.0
    for sight, found in zip(sights, together, strict=True):
        alone = search(sight, None, step=8.0)
        assert found.zone is sight.zone
        assert found.best.view == alone.best.view
        assert found.map.looks.area_mm2.tobytes() == alone.map.looks.area_mm2.tobytes()
        assert np.array_equal(found.score, alone.score, equal_nan=True)


def test_all_of_them_stop(sights):
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        search_all(sights, None, step=0.5, cancel=stop)
    assert time.monotonic() - start < 2.0


def test_no_zones_are_no_results():
    assert search_all([], None) == []
