"""Outlines of organs on a cut through the CT, and where their names go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.image.organs import BY_NUMBER, SPARED, Organ, Organs
from spinect_core.pictures.palette import ORGANS, Colour

LEAST_PIXELS = 40
"""Smaller pieces of an organ on a cut have no name of their own."""


@dataclass(frozen=True, eq=False)
class Outlines:
    """Organs on a cut.

    Attributes:
        edges: [row, column] number of the organ whose outline runs there, 0 elsewhere.
        names: organs with the pixel (column, row) at which each name is written, within the largest piece; those that a
            needle must not meet first.
    """

    edges: npt.NDArray[np.uint8]
    names: tuple[tuple[Organ, tuple[float, float]], ...]

    def colours(self) -> npt.NDArray[np.uint8]:
        """Uint8 RGBA [row, column], clear where no outline runs."""
        table = np.zeros((256, 4), np.uint8)
        for number, organ in BY_NUMBER.items():
            table[number] = (*ORGANS[organ], 255)
        return table[self.edges]


def outlines_at(organs: Organs, places: FloatArray) -> Outlines:
    """The outlines of organs on a cut.

    Args:
        organs: on any grid.
        places: LPS mm (rows, columns, 3) of the pixels.
    """
    found = organs.at(places.reshape(-1, 3)).reshape(places.shape[:2])
    return outlined(found)


def outlined(found: npt.NDArray[np.uint8]) -> Outlines:
    """The outlines of organs whose numbers stand in a picture [row, column]."""
    edges = np.where(_inner_edge(found), found, 0).astype(np.uint8)
    names = []
    held = np.unique(found[found > 0]).tolist()
    for number in sorted(held, key=lambda each: (BY_NUMBER[each] not in SPARED, each)):
        place = _middle(found == number)
        if place is not None:
            names.append((BY_NUMBER[number], place))
    return Outlines(edges, tuple(names))


def apart(boxes: Sequence[tuple[float, float, float, float]]) -> list[bool]:
    """Which names are written: not those whose box (left, top, right, bottom) lies over one before it."""
    kept: list[tuple[float, float, float, float]] = []
    written = []
    for box in boxes:
        free = all(
            box[0] >= other[2] or box[2] <= other[0] or box[1] >= other[3] or box[3] <= other[1]
            for other in kept
        )
        written.append(free)
        kept += [box] if free else []
    return written


def colour_of(organ: Organ) -> Colour:
    """In which an organ is drawn."""
    return ORGANS[organ]


def _inner_edge(found: npt.NDArray[np.uint8]) -> BoolArray:
    """Pixels of an organ beside one that is none of it."""
    framed = np.pad(found, 1, mode="edge")
    same = np.ones(found.shape, dtype=bool)
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        beside = framed[rows : rows + found.shape[0], columns : columns + found.shape[1]]
        same &= beside == found
    return np.asarray((found > 0) & ~same)


def _middle(mask: BoolArray) -> tuple[float, float] | None:
    """The pixel (column, row) deepest within the largest piece of a mask; None where all are small."""
    pieces, count = ndimage.label(mask)
    if not count:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    if sizes.max() < LEAST_PIXELS:
        return None
    box = ndimage.find_objects(pieces)[int(sizes.argmax()) - 1]
    depth = ndimage.distance_transform_edt(np.pad(pieces[box] == sizes.argmax(), 1))
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(box[1].start + column - 1), float(box[0].start + row - 1)
