import numpy as np
import pytest

from spinect_core.base.errors import SpatialError
from spinect_core.image.organs import BY_NUMBER, MUSCLES, NUMBERS, SPARED, Organ, Organs
from spinect_core.image.volume import Geometry

# Columns run to the patient's right: the first voxel along x lies farthest to the left.
GRID = Geometry((4, 5, 6), (2.0, 3.0, 4.0), (10.0, 0.0, 0.0), np.diag([-1.0, 1.0, 1.0]))


def organs(seen: np.ndarray | None = None) -> Organs:
    array = np.zeros(GRID.shape, dtype=np.uint8)
    array[1, 2, 0] = NUMBERS[Organ.KIDNEY_LEFT]
    array[1, 2, 5] = NUMBERS[Organ.KIDNEY_RIGHT]
    return Organs(array, GRID, (Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT, Organ.BOWEL), seen)


def test_every_organ_has_one_number_and_one_part_to_play() -> None:
    assert {number: organ for organ, number in NUMBERS.items()} == BY_NUMBER
    assert 0 not in BY_NUMBER
    assert sorted([*SPARED, *MUSCLES, Organ.DISC]) == sorted(Organ)


def test_organs_are_asked_at_places_in_the_patient() -> None:
    of = organs()
    points = np.array([[10.4, 6.0, 4.0], [0.0, 6.0, 4.0], [4.0, 6.0, 4.0], [90.0, 6.0, 4.0]])
    assert [BY_NUMBER.get(int(each)) for each in of.at(points)] == [
        Organ.KIDNEY_LEFT,
        Organ.KIDNEY_RIGHT,
        None,
        None,
    ]
    assert of.known(points).tolist() == [True, True, True, False]
    assert of.found == (Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT)  # bowel was looked for and is not there
    assert np.argwhere(of.mask([Organ.KIDNEY_LEFT])).tolist() == [[1, 2, 0]]


def test_what_was_not_looked_at_is_not_known() -> None:
    seen = np.ones(GRID.shape, dtype=bool)
    seen[..., :3] = False
    assert organs(seen).known(np.array([[10.0, 6.0, 4.0], [0.0, 6.0, 4.0]])).tolist() == [False, True]


def test_organs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SpatialError, match="do not fit their grid of"):
        Organs(np.zeros((2, 2, 2), np.uint8), GRID, ())
    with pytest.raises(SpatialError, match="do not fit their grid of"):
        organs(np.ones((2, 2, 2), bool))
    with pytest.raises(SpatialError, match="no organ with the number 200"):
        Organs(np.full(GRID.shape, 200, np.uint8), GRID, ())
