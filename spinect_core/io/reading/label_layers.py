"""Segments of a file on one grid, in as many layers as they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import BoolArray
from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.words import LabelFormat
from spinect_core.image.volume import Geometry, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading.memory import check_memory
from spinect_core.io.reading.series import short_hash

MOST_SEGMENTS = 1000
"""No body has so many parts with names, and of each one the user may be asked what it is."""
MOST_LAYERS = 64
"""That so many segments lie over each other is a fault of the file."""
LONGEST_NAME = 64


@dataclass(frozen=True)
class Segment:
    """A segment as its file describes it.

    Attributes:
        number: by which its file knows it.
        name: as the file writes it; the number where it gives none.
        coded: the name that its code stands for; empty without a known one.
        fault: why it cannot be used; empty if it can.
    """

    number: int
    name: str
    coded: str = ""
    fault: str = ""


class Layers:
    """Segments that may overlap: arrays [z, y, x] that hold places in a list of segments, from 1 on.

    Args:
        shape: of the grid.
        count: of the segments.
        source: what to call the file in messages.
    """

    def __init__(self, shape: tuple[int, int, int], count: int, source: str | Path) -> None:
        if count > MOST_SEGMENTS:
            raise ReadingError(
                f"It holds {count} segments, more than {MOST_SEGMENTS}",
                "Save those that matter as a file of their own",
                source,
            )
        self.arrays: list[npt.NDArray[Any]] = []
        self._shape, self._source = shape, source
        self._dtype = np.uint8 if count < 256 else np.uint16

    def add(self, place: int, mask: BoolArray, where: tuple[Any, ...] = ()) -> None:
        """Mark a segment.

        Args:
            place: in the list of segments, from 1 on.
            mask: where it is.
            where: which part of the arrays the mask covers; all of them if not given.

        Raises:
            ReadingError: too many segments lie over each other, or the memory does not suffice.
        """
        rest = mask
        for array in self.arrays:
            part = array[where]
            part[rest & (part == 0)] = place
            rest = rest & (part != place)
            if not rest.any():
                return
        if not rest.any():
            return
        if len(self.arrays) == MOST_LAYERS:
            raise ReadingError(
                f"More than {MOST_LAYERS} segments lie over each other",
                "Save those that matter as a file of their own",
                self._source,
            )
        check_memory(self._shape, 2 * np.dtype(self._dtype).itemsize, self._source)
        array = np.zeros(self._shape, self._dtype)
        array[where][rest] = place
        self.arrays.append(array)


@dataclass(frozen=True, eq=False)
class LabelSet:
    """What a file of labels holds, before anybody has said what it means.

    Attributes:
        form: how it came.
        segments: in the order of the file.
        layers: arrays [z, y, x] that hold places in the list of segments, from 1 on, and 0 for none.
        geometry: the grid of the layers.
        files: that were read.
        warnings: what reading noticed.
    """

    form: LabelFormat
    segments: tuple[Segment, ...]
    layers: Sequence[npt.NDArray[Any]]
    geometry: Geometry
    files: tuple[Path, ...]
    warnings: tuple[ReadingWarning, ...] = ()

    def counts(self) -> tuple[int, ...]:
        """Voxels of each segment."""
        whole = np.zeros(len(self.segments) + 1, dtype=np.int64)
        for layer in self.layers:
            whole += np.bincount(layer.ravel(), minlength=len(whole))
        return tuple(whole[1:].tolist())

    def numbered(self, numbers: Sequence[int]) -> npt.NDArray[np.uint8]:
        """One array [z, y, x] with a number for each segment, the highest where several lie over each other.

        Args:
            numbers: 0 to 255, one for each segment.
        """
        table = np.array([0, *numbers], dtype=np.uint8)
        made: npt.NDArray[np.uint8] = np.zeros(self.geometry.shape, np.uint8)
        for layer in self.layers:
            np.maximum(made, table[layer], out=made)
        return made


def shown_name(text: str, number: int) -> str:
    """A name from a file as one short line; its number where nothing is left of it."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * LONGEST_NAME])
    return " ".join(plain.split())[:LONGEST_NAME] or str(number)


def check_origin(
    frame: str, series: Sequence[str], volume: Volume, source: str | Path
) -> tuple[ReadingWarning, ...]:
    """What is doubtful about an object of DICOM that says which CT it was made on.

    Args:
        frame: the FrameOfReferenceUID that it lies in; empty without one.
        series: the SeriesInstanceUIDs that it refers to.
        volume: the CT.
        source: what messages call it.

    Raises:
        SpatialError: it lies in another frame of reference.
        ReadingError: it refers to another series.
    """
    remedy = "Open the CT that they were made on, or have them made on this one"
    ct = volume.dicom
    if ct is None:
        return (
            ReadingWarning(
                "The CT is not DICOM and the labels are: nothing but place and density tells whether they are of it"
            ),
        )
    if frame and ct.frame and short_hash(frame.upper()) != ct.frame:
        raise SpatialError(
            "The labels lie in another frame of reference than this CT, so that their places mean nothing in it",
            remedy,
            source,
        )
    named = [each for each in series if each]
    if named and ct.series and ct.series not in map(short_hash, named):
        raise ReadingError("The labels were made on another series than this CT", remedy, source)
    if not (frame and ct.frame):
        return (
            ReadingWarning(
                "CT or labels name no frame of reference: nothing but place and density tells whether the labels "
                "are of this CT",
                grave=True,
            ),
        )
    return ()
