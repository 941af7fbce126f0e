"""Connected pieces: which voxels belong together, numbered as they are met."""

import numpy as np
import pytest
from scipy import ndimage

from spinect_core.base.assets import asset
from spinect_core.image.pieces import connected_pieces, largest_piece
from spinect_core.io.reading import read_labels


def test_faces_join_and_corners_only_where_they_are_asked_to() -> None:
    mask = np.zeros((3, 3, 3), dtype=bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[1, 1, 2] = True
    pieces, sizes = connected_pieces(mask, corners=False)
    assert (pieces[0, 0, 0], pieces[1, 1, 1], pieces[1, 1, 2]) == (1, 2, 2)
    assert sizes.tolist() == [0, 1, 2]
    pieces, sizes = connected_pieces(mask, corners=True)
    assert pieces[mask].tolist() == [1, 1, 1]
    assert sizes.tolist() == [0, 3]
    assert not pieces[~mask].any()


def test_the_largest_piece_and_the_first_of_two_that_are_as_large() -> None:
    mask = np.array([1, 1, 0, 1, 1, 1, 0, 1, 1, 1], dtype=bool)
    assert np.flatnonzero(largest_piece(mask)).tolist() == [3, 4, 5]
    assert np.flatnonzero(largest_piece(mask[::-1])).tolist() == [0, 1, 2]
    assert largest_piece(np.ones((2, 3), dtype=bool)).all()
    assert not largest_piece(np.zeros((2, 3, 4), dtype=bool)).any()


@pytest.mark.parametrize("corners", [False, True])
def test_another_library_numbers_the_same_pieces_alike(corners: bool) -> None:
    rng = np.random.default_rng(2)
    labels = read_labels(asset("demo/labels.nii.gz")).array
    masks = [
        labels == 1,
        labels == 2,
        labels == 0,
        *(rng.random((9, 11, 13)) < part for part in (0.1, 0.3, 0.6)),
    ]
    for mask in masks:
        structure = ndimage.generate_binary_structure(3, 3 if corners else 1)
        truth, count = ndimage.label(mask, structure)
        pieces, sizes = connected_pieces(mask, corners=corners)
        np.testing.assert_array_equal(pieces, truth)
        np.testing.assert_array_equal(sizes[1:], np.bincount(truth.ravel(), minlength=count + 1)[1:])
