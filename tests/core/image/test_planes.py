"""Cuts show the patient the right way round for every order and sense of the array's axes."""

from itertools import permutations, product

import numpy as np
import pytest

from spinect_core.image.planes import AXIAL, CORONAL, PLANES, SAGITTAL, Plane, PlaneGrid, Reformatter
from spinect_core.image.volume import Geometry

ORIENTATIONS = [
    np.eye(3)[:, list(order)] * np.array(signs)
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]


def marked(direction: np.ndarray) -> tuple[np.ndarray, Geometry, np.ndarray]:
    """A volume with one bright voxel and that voxel's place in the patient."""
    geometry = Geometry((7, 9, 11), (1.0, 2.0, 3.0), (5.0, -6.0, 7.0), direction)
    array = np.zeros(geometry.shape, np.int16)
    array[2, 3, 8] = 1000
    return array, geometry, geometry.to_patient((2, 3, 8))


@pytest.mark.parametrize("direction", ORIENTATIONS)
@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES)
def test_a_mark_is_where_its_millimetres_say_in_all_48_orientations(direction, plane):
    array, geometry, point = marked(direction)
    reformatter = Reformatter(geometry)
    assert reformatter.aligned
    picture = reformatter.cut(array, plane, point[plane.normal])
    grid = reformatter.grid(plane)
    assert picture.shape == grid.shape
    row, column = np.argwhere(picture == 1000)[0]
    np.testing.assert_allclose(grid.to_picture(point), [column, row], atol=1e-9)
    np.testing.assert_allclose(grid.to_patient(column, row, point[plane.normal]), point)


def test_the_pictures_follow_the_radiological_convention():
    geometry = Geometry((5, 5, 5), (1.0, 1.0, 1.0))
    reformatter = Reformatter(geometry)
    centre = geometry.centre

    def shift(plane, axis):
        grid = reformatter.grid(plane)
        return (grid.to_picture(centre + np.eye(3)[axis]) - grid.to_picture(centre)).tolist()

    left, back, head = 0, 1, 2
    assert shift(AXIAL, left) == [1, 0]  # the patient's left is on the right of the picture
    assert shift(AXIAL, back) == [0, 1]  # the back is down
    assert shift(CORONAL, left) == [1, 0]
    assert shift(CORONAL, head) == [0, -1]  # the head is up
    assert shift(SAGITTAL, back) == [1, 0]  # the front is on the left
    assert shift(SAGITTAL, head) == [0, -1]


def test_a_turned_patient_is_sampled_at_the_right_place():
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    geometry = Geometry((20, 60, 60), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), turn)
    array = np.full(geometry.shape, -1000, np.int16)
    array[9:12, 39:42, 19:22] = 1000
    point = geometry.to_patient((10, 40, 20))
    reformatter = Reformatter(geometry)
    assert not reformatter.aligned
    for plane in PLANES.values():
        picture = reformatter.cut(array, plane, point[plane.normal])
        column, row = np.round(reformatter.grid(plane).to_picture(point)).astype(int)
        assert picture[row, column] > 800
        labels = reformatter.cut(
            (array > 0).astype(np.uint8), plane, point[plane.normal], smooth=False, outside=0
        )
        assert labels[row, column] == 1
        assert set(np.unique(labels)) <= {0, 1}


LETTERS = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}


@pytest.mark.parametrize("plane", PLANES.values(), ids=lambda plane: plane.name)
def test_the_letters_of_a_plane_are_where_its_pixels_lead(plane: Plane) -> None:
    grid = PlaneGrid(plane, (0.0, 0.0), (1.0, 1.0), (10, 10))
    middle = grid.to_patient(5, 5, 0.0)
    ends = [grid.to_patient(*pixel, 0.0) for pixel in ((0, 5), (9, 5), (5, 0), (5, 9))]
    for letter, end in zip(plane.letters, ends, strict=True):
        assert (end - middle) @ np.array(LETTERS[letter]) > 0
