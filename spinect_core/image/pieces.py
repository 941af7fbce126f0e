"""The connected pieces of a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import BoolArray


def connected_pieces(
    mask: BoolArray, *, corners: bool
) -> tuple[npt.NDArray[np.signedinteger[Any]], npt.NDArray[np.int64]]:
    """Number the pieces of a mask.

    Args:
        mask: bool, of any number of axes.
        corners: whether voxels that touch at an edge or a corner alone belong together; else faces count.

    Returns:
        The mask's shape with 0 outside and 1, 2, ... in the pieces, in the order in which the array meets them; and the
        number of voxels of each piece by that number, 0 for the outside.
    """
    # Not at the top: it takes a while, and whoever only opens a plan needs none of it.
    from skimage.measure import label

    pieces = label(mask, connectivity=mask.ndim if corners else 1)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return pieces, sizes


def largest_piece(mask: BoolArray, *, corners: bool = False) -> BoolArray:
    """The piece of a mask with most voxels, the first of several; nothing of an empty mask.

    Args:
        mask: bool, of any number of axes.
        corners: whether voxels that touch at an edge or a corner alone belong together; else faces count.
    """
    pieces, sizes = connected_pieces(mask, corners=corners)
    return np.asarray(mask & (pieces == sizes.argmax()), dtype=np.bool_)
