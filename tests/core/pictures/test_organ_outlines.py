"""Organs on cuts: outlines where their borders are, names within them."""

from __future__ import annotations

import numpy as np

from spinect_core.image.organs import NUMBERS, Organ, Organs
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.pictures.needle_plane import HEAD, SIZE, needle_plane_picture
from spinect_core.pictures.organ_outlines import apart, outlined, outlines_at
from spinect_core.pictures.palette import BOWEL, KIDNEY
from spinect_core.planning.needle.needle import Needle


def disc(rows: int, columns: int, centre: tuple[int, int], radius: float) -> np.ndarray:
    y, x = np.indices((rows, columns))
    return np.hypot(y - centre[0], x - centre[1]) <= radius


def test_an_outline_runs_round_and_not_within() -> None:
    found = np.where(disc(80, 100, (40, 30), 20), NUMBERS[Organ.BOWEL], 0).astype(np.uint8)
    outlines = outlined(found)
    inner = disc(80, 100, (40, 30), 17)
    assert not outlines.edges[inner].any()
    assert not outlines.edges[~disc(80, 100, (40, 30), 20)].any()
    ring = np.count_nonzero(outlines.edges)
    assert 2 * np.pi * 20 * 0.8 < ring < 2 * np.pi * 20 * 1.6
    ((organ, (x, y)),) = outlines.names
    assert organ == Organ.BOWEL
    assert np.hypot(x - 30, y - 40) < 3


def test_organs_side_by_side_have_an_outline_each_and_specks_no_name() -> None:
    found = np.zeros((60, 90), np.uint8)
    found[10:50, 10:40] = NUMBERS[Organ.KIDNEY_LEFT]
    found[10:50, 40:70] = NUMBERS[Organ.AORTA]
    found[2:5, 80:84] = NUMBERS[Organ.BLADDER]
    outlines = outlined(found)
    assert set(np.unique(outlines.edges)) == {
        0,
        *(NUMBERS[o] for o in (Organ.KIDNEY_LEFT, Organ.AORTA, Organ.BLADDER)),
    }
    assert [organ for organ, _ in outlines.names] == [Organ.KIDNEY_LEFT, Organ.AORTA]
    assert apart([(0, 0, 10, 5), (9, 4, 20, 9), (10, 0, 20, 5)]) == [True, False, True]
    assert not outlined(np.zeros((5, 5), np.uint8)).names


def body() -> tuple[Volume, Organs]:
    grid = Geometry((40, 60, 60), (2.0, 2.0, 2.0), (-59.0, -59.0, -39.0))
    z, y, x = np.indices(grid.shape) * 2.0 + np.array([-39.0, -59.0, -59.0])[:, None, None, None]
    array = np.zeros(grid.shape, np.uint8)
    array[np.sqrt((x - 30) ** 2 + y**2 + z**2) < 15] = NUMBERS[Organ.KIDNEY_LEFT]
    array[np.sqrt((x + 30) ** 2 + y**2 + z**2) < 15] = NUMBERS[Organ.BOWEL]
    return Volume(np.zeros(grid.shape, np.int16), grid), Organs(array, grid, tuple(Organ))


def test_places_are_asked_on_the_organs_own_grid() -> None:
    _volume, organs = body()
    row, column = np.indices((30, 50), dtype=float)
    places = np.stack([column * 2.4 - 59, row * 2.4 - 36, np.zeros((30, 50))], axis=-1)
    names = dict(outlines_at(organs, places).names)
    assert names[Organ.KIDNEY_LEFT][0] > 30 > 20 > names[Organ.BOWEL][0]


def test_the_slice_along_a_needle_outlines_and_names_them_on_their_side() -> None:
    volume, organs = body()
    labels = Labels(np.zeros(volume.geometry.shape, np.uint8), volume.geometry)
    needle = Needle("", "safe", "left", "L5/S1", "", (5.0, 50.0, 0.0), (0.0, -10.0, 0.0))
    without = needle_plane_picture(volume, labels, needle)
    picture = needle_plane_picture(volume, labels, needle, organs=organs)
    places = {}
    for name, colour in (("kidney", KIDNEY), ("bowel", BOWEL)):
        mine = (picture == colour).all(axis=-1)
        assert not (without == colour).all(axis=-1).any()
        assert mine.sum() > 200
        rows, columns = np.nonzero(mine)
        assert HEAD < rows.mean() < SIZE[1]
        places[name] = columns.mean()
    # the patient's left is on the right of the picture
    assert places["kidney"] > SIZE[0] / 2 > places["bowel"]
