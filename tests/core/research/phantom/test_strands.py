"""Strands along x through fat, on a grid of 1 mm."""

from __future__ import annotations

import numpy as np
import pytest

from spinect_core.image.volume import Geometry
from spinect_core.research.phantom.nerves import Course
from spinect_core.research.phantom.strands import Strand, StrandLayer

GRID = Geometry((30, 30, 80), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
FREE = np.full(GRID.shape, 9.0)


def along_x(radius: float, y: float = 15.0) -> Course:
    x = np.arange(5.0, 75.0, 0.5)
    points = np.stack([x, np.full_like(x, y), np.full_like(x, 15.0)], axis=1)
    return Course("vessel", points, np.full(len(x), radius))


def laid(*strands: Strand, tissue: float = -100.0, over: np.ndarray = FREE) -> tuple[np.ndarray, np.ndarray]:
    layer = StrandLayer(GRID, 1.0)
    for strand in strands:
        layer.add(strand)
    hu, structures = np.full(GRID.shape, tissue), np.zeros(GRID.shape, np.uint8)
    layer.lay(hu, structures, over)
    return hu, structures


def test_a_vessel_is_round_and_even_along_its_way() -> None:
    hu, structures = laid(Strand(along_x(3.3), 40.0, 52))
    middle = structures[:, :, 8:72] == 52
    assert middle.sum(axis=(0, 1)) == pytest.approx(np.full(64, np.pi * 3.3**2), rel=0.1)
    assert hu[15, 15, 8:72] == pytest.approx(np.full(64, 40.0))
    assert hu[15, 25, 40] == -100.0
    # Its edge is antialiased: what it adds to the fat is its cross-section.
    assert (hu[:, :, 40] + 100.0).sum() / 140.0 == pytest.approx(np.pi * 3.3**2, rel=0.05)


def test_bowel_has_a_wall_round_it_and_none_across_it() -> None:
    hu, _structures = laid(Strand(along_x(8.0), 40.0, 53, wall=2.0, content=-900.0))
    assert hu[15, 15, 10:70] == pytest.approx(np.full(60, -900.0))
    assert hu[15, 15 + 7, 10:70] == pytest.approx(np.full(60, 40.0), abs=1.0)


def test_a_vessel_in_muscle_does_not_lighten_it() -> None:
    hu, structures = laid(Strand(along_x(3.0), 40.0, 52), tissue=60.0)
    assert np.all(hu == 60.0)
    assert (structures == 52).any()


def test_of_two_strands_each_keeps_its_density() -> None:
    hu, structures = laid(Strand(along_x(3.0, 12.0), 40.0, 52), Strand(along_x(3.0, 19.0), 180.0, 51))
    assert hu[15, 12, 40] == pytest.approx(40.0)
    assert hu[15, 19, 40] == pytest.approx(180.0)
    assert (structures[15, 12, 40], structures[15, 19, 40]) == (52, 51)


def test_strands_keep_out_of_what_is_solid() -> None:
    over = FREE.copy()
    over[:, :, 40:] = -5.0
    hu, structures = laid(Strand(along_x(3.0), 40.0, 52), over=over)
    assert np.all(hu[:, :, 40:] == -100.0)
    assert not structures[:, :, 40:].any()
    assert hu[15, 15, 30] == pytest.approx(40.0)
