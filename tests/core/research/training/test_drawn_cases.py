"""Phantoms are drawn once, by seed, in processes that stop when told."""

import threading
import time

import numpy as np
import pytest

from spinect_core.base.errors import Cancelled
from spinect_core.research.phantom import draw_case
from spinect_core.research.training import drawn_cases as module
from spinect_core.research.training.cases import load_case
from spinect_core.research.training.drawn_cases import drawn_cases, phantom_case

MM = 4.0


def test_a_phantom_becomes_a_case_of_one_millimetre():
    case = phantom_case(5, spacing=MM)
    phantom = draw_case(5, (MM, MM, MM))
    assert case.hu.shape == tuple(int(n * MM) for n in phantom.volume.array.shape)
    assert set(np.unique(case.labels)) == {0, 1, 2}
    np.testing.assert_array_equal(case.hu[2::4, 2::4, 2::4], phantom.volume.array)
    np.testing.assert_array_equal(case.labels[2::4, 2::4, 2::4], phantom.labels.array)


def test_cases_are_drawn_by_processes_and_kept(tmp_path, monkeypatch):
    told = []
    cases = drawn_cases(
        [5, 6], tmp_path, spacing=MM, workers=2, progress=lambda part, words: told.append((part, words))
    )
    assert cases.names == ("phantom_procedural_4mm_5", "phantom_procedural_4mm_6")
    assert told[-1] == (1.0, "drawn 2 of 2 phantoms")
    np.testing.assert_array_equal(cases.load(0).hu, phantom_case(5, spacing=MM).hu)
    assert not np.array_equal(cases.load(0).hu, cases.load(1).hu)
    monkeypatch.setattr(module, "Workers", None)  # nothing is left to draw
    again = drawn_cases([5, 6], tmp_path, spacing=MM)
    np.testing.assert_array_equal(again.load(1).hu, cases.load(1).hu)


def test_drawing_stops_at_once(tmp_path):
    stop = threading.Event()
    stop.set()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        drawn_cases(range(20), tmp_path, workers=1, cancel=stop)
    assert time.monotonic() - begun < 15
    for path in tmp_path.glob("*.npz"):
        load_case(path)
