"""The slice along a needle shows the needle where it lies, and left on the right."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from spinect_core.base.words import Side
from spinect_core.geometry.gap_line import GapLine
from spinect_core.image.volume import BONE, Geometry, Labels, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.pictures.needle_plane import FOOT, HATCH, HEAD, SIZE, needle_plane_picture
from spinect_core.pictures.palette import BACKGROUND_TOP, GAP, TEXT, TRIANGLES, WARNING
from spinect_core.planning.needle.needle import Needle

GRID = Geometry((80, 100, 120), (2.0, 2.0, 2.0), (-119.0, -99.0, -79.0))
NEEDLE = Needle(
    "way", "kambin", "left", "L5/S1", "bony", (60.0, 70.0, 30.0), (20.0, 0.0, -10.0), length_mm=127
)


@pytest.fixture(scope="module")
def picture():
    points = GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1))
    array = np.full(GRID.shape, -150, np.int16)
    left = (points[..., 0] > 70) & (np.abs(points[..., 1] - 20) < 20)
    array[left] = 900
    labels = np.zeros(GRID.shape, np.uint8)
    labels[left] = BONE
    return needle_plane_picture(Volume(array, GRID), Labels(labels, GRID), NEEDLE)


def test_it_is_a_picture_of_the_usual_size(picture):
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    assert picture.dtype == np.uint8


def test_the_needle_runs_from_the_skin_to_the_target(picture):
    mine = np.all(picture == TRIANGLES["kambin"], axis=2)
    rows, columns = np.nonzero(mine)
    # The entry lies farther left of the patient (right in the picture) and farther back (lower) than the target.
    low, high = columns[rows <= rows.min() + 4].mean(), columns[rows >= rows.max() - 4].mean()
    assert high > low + 100
    # 40 mm across and 80.6 mm down in the tilted plane.
    ratio = (rows.max() - rows.min()) / (columns.max() - columns.min())
    assert ratio == pytest.approx(80.6 / 40.0, rel=0.08)


def test_its_scale_bar_is_as_long_as_it_says(picture):
    """The bar is white below the slice's middle; the needle gives the scale: 90 mm from entry to target."""
    rows, columns = np.nonzero(np.all(picture == TRIANGLES["kambin"], axis=2))
    pixels = np.hypot(np.ptp(rows), np.ptp(columns)) - 8
    bar = np.all(picture[SIZE[1] - FOOT - 26, 500:] == TEXT, axis=1).sum()
    length = 90.0 * bar / pixels
    assert length == pytest.approx(min((10, 20, 50), key=lambda mm: abs(mm - length)), rel=0.06)


def test_the_patients_left_is_on_the_right_and_bone_is_bright(picture):
    body = picture[HEAD + 60 : SIZE[1] - FOOT - 60].astype(int).mean(axis=2)
    columns = body.max(axis=0)
    assert columns[-80:].max() > 200
    assert np.median(body[:, :200]) < 40


def test_where_the_ct_ends_it_is_hatched_and_not_black_as_air(picture):
    """To the patient's left the CT ends 60 mm beside the needle's entry; to his right it fills the picture."""
    left, right = (picture[HEAD + 60 : HEAD + 240, columns] for columns in (slice(-60, -30), slice(60, 90)))
    assert {tuple(each) for each in left.reshape(-1, 3).tolist()} == {BACKGROUND_TOP, HATCH}
    assert (right == 0).all(), "what is darker than the window of the CT stays black"


def test_a_ct_that_fills_the_picture_is_not_hatched():
    grid = Geometry((200, 200, 200), (3.0, 3.0, 3.0), (-300.0, -300.0, -300.0))
    array = np.full(grid.shape, -1000, np.int16)
    whole = needle_plane_picture(Volume(array, grid), Labels(np.zeros(grid.shape, np.uint8), grid), NEEDLE)
    assert not (whole[HEAD : SIZE[1] - FOOT] == HATCH).all(axis=2).any()


def test_the_letters_at_its_edges_are_those_of_a_slice_seen_from_below(monkeypatch):
    written = []
    module = sys.modules["spinect_core.pictures.needle_plane"]
    monkeypatch.setattr(module, "write", lambda _, at, text, *args, **more: written.append((*at, text)))
    points = np.zeros(GRID.shape, np.int16)
    needle_plane_picture(Volume(points, GRID), Labels(np.zeros(GRID.shape, np.uint8), GRID), NEEDLE)
    letters = {text[0]: (x, y) for x, y, text in written if set(text) <= set("LRAPSI")}
    assert set(letters) == set("LRAP")
    assert letters["R"][0] < SIZE[0] / 4 < 3 * SIZE[0] / 4 < letters["L"][0]
    assert letters["A"][1] < SIZE[1] / 4 < 3 * SIZE[1] / 4 < letters["P"][1]


def test_what_reading_noticed_stands_above_the_slice_and_hides_nothing_of_it():
    grid = Geometry((60, 80, 80), (4.0, 4.0, 4.0), (-158.0, -158.0, -118.0))
    volume = Volume(np.zeros(grid.shape, np.int16), grid)
    labels = Labels(np.zeros(grid.shape, np.uint8), grid)
    grave = ReadingWarning("The scale to Hounsfield units is missing in some files", grave=True)
    bare = needle_plane_picture(volume, labels, NEEDLE)
    own = needle_plane_picture(replace(volume, warnings=(grave,)), labels, NEEDLE)
    given = needle_plane_picture(volume, labels, NEEDLE, warnings=(grave,))
    np.testing.assert_array_equal(own, given)
    rows, _ = np.nonzero((own != bare).any(axis=2))
    assert rows.min() > 72
    assert rows.max() < HEAD
    assert (np.abs(own[72:HEAD].astype(int) - WARNING).sum(axis=2) < 60).sum() > 100


def test_a_gap_of_a_root_is_drawn_where_it_lies_near_the_plane():
    volume, labels = (
        Volume(np.zeros(GRID.shape, np.int16), GRID),
        Labels(np.zeros(GRID.shape, np.uint8), GRID),
    )
    normal = np.cross([1.0, 0.0, 0.0], np.array(NEEDLE.entry) - np.array(NEEDLE.target))
    normal /= np.linalg.norm(normal)
    target, across = np.array(NEEDLE.target), np.array([1.0, 0.0, 0.0])

    def drawn(away: float) -> int:
        points = target + np.linspace(10.0, 22.0, 13)[:, None] * across + away * normal
        gap = GapLine(points, "L5 left", 12.0, Side.LEFT)
        picture = needle_plane_picture(volume, labels, NEEDLE, gaps=[gap])
        return int((picture == GAP).all(axis=2).sum())

    assert drawn(0.0) > 60
    assert drawn(3.0) > 60
    assert drawn(6.0) == 0
