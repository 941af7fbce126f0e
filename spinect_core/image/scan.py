"""The slices of a CT as the scanner counts them: which slice a place lies on, and where a slice lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.image.position import PatientPosition, position_of
from spinect_core.image.volume import Geometry, Volume

HEAD = 2
"""The patient axis (LPS) along which axial slices follow each other."""


THICKEST_MM = 50.0
"""No slice is thicker: a header that says so does not say how thick they are."""


class Numbering(StrEnum):
    """What a slice's number is."""

    INSTANCE = "instance number"
    FRAME = "frame number"
    INDEX = "index in the file"


@dataclass(frozen=True)
class SlicePlace:
    """A place on a slice.

    Attributes:
        number: of the nearest slice.
        numbering: what this number is.
        offset_mm: from that slice's middle, along the stack; at most half a slice's distance within the CT.
        across: columns along the slice from its first voxel, whole or fractional.
        down: rows, the same.
        z_mm: LPS z of the place itself: the table position, positive towards the head.
    """

    number: int
    numbering: Numbering
    offset_mm: float
    across: float
    down: float
    z_mm: float


@dataclass(frozen=True, eq=False)
class Scan:
    """The slices of a CT.

    Attributes:
        geometry: of the CT.
        numbers: of the slices, by index along the first axis of the array; empty where the file has none.
        numbering: what these are.
        position: of the patient in the scanner; None where the file does not say.
        thickness_mm: of the slices, as the file says it; 0 where it does not.
    """

    geometry: Geometry
    numbers: tuple[int, ...] = ()
    numbering: Numbering = Numbering.INDEX
    position: PatientPosition | None = None
    thickness_mm: float = 0.0

    @classmethod
    def of(cls, volume: Volume) -> Scan:
        """The slices of a CT, with the numbers that its files gave."""
        details = volume.details
        numbers = tuple(details.get("slice_numbers", ()))
        if len(numbers) != volume.geometry.shape[0]:
            numbers = ()
        kind = Numbering(details.get("slice_numbering", Numbering.INDEX)) if numbers else Numbering.INDEX
        thick = float(details.get("slice_thickness_mm") or 0.0)
        thick = thick if 0.0 < thick <= THICKEST_MM else 0.0
        return cls(volume.geometry, numbers, kind, position_of(details.get("patient_position")), thick)

    @property
    def axis(self) -> int:
        """The axis of the array [z, y, x] along which slices follow: the first, or the one nearest to the long axis."""
        if self.numbers:
            return 0
        return 2 - int(np.argmax(np.abs(self.geometry.direction[HEAD])))

    @property
    def slice_mm(self) -> float:
        """The larger of the slices' thickness and their distance: what is thinner than this may be missed."""
        return max(self.geometry.spacing[2 - self.axis], self.thickness_mm)

    def place(self, point: npt.ArrayLike) -> SlicePlace:
        """Where an LPS mm point (3,) lies; beyond the ends of the CT the last slice is the nearest."""
        index = self.geometry.to_index(point)
        axis = self.axis
        nearest = int(np.clip(np.rint(index[axis]), 0, self.geometry.shape[axis] - 1))
        down, across = np.delete(index, axis)
        return SlicePlace(
            self.numbers[nearest] if self.numbers else nearest + 1,
            self.numbering,
            float((index[axis] - nearest) * self.geometry.spacing[2 - axis]),
            float(across),
            float(down),
            float(np.asarray(point, dtype=np.float64)[HEAD]),
        )

    def point(self, place: SlicePlace) -> FloatArray:
        """LPS mm (3,) of a place: the inverse of :meth:`place`.

        Raises:
            ValueError: there is no slice of this number.
        """
        axis = self.axis
        nearest = self.numbers.index(place.number) if self.numbers else place.number - 1
        along = nearest + place.offset_mm / self.geometry.spacing[2 - axis]
        return self.geometry.to_patient(np.insert([place.down, place.across], axis, along))


def slice_numbers(instances: Sequence[str], frames: Sequence[int]) -> tuple[tuple[int, ...], Numbering]:
    """How the slices of a series are counted.

    Args:
        instances: the instance number of each slice as its header says it.
        frames: which of its file's pictures it is, from 0; negative for a file of one picture.

    Returns:
        The number of each slice and what that is; no numbers where neither distinguishes all slices.
    """
    for words, kind in (
        (list(instances), Numbering.INSTANCE),
        ([str(n + 1) for n in frames], Numbering.FRAME),
    ):
        try:
            numbers = tuple(int(word) for word in words)
        except ValueError:
            continue
        if len(set(numbers)) == len(numbers) and (kind == Numbering.INSTANCE or min(numbers, default=0) > 0):
            return numbers, kind
    return (), Numbering.INDEX
