"""Organs on their grid: what in the body is named beside bone and nerve, where it was looked for, and by whom.

A voxel holds the number of one organ, or 0 for none of them. What is 0 is not known to be harmless: fat, vessels too
small to be named and organs that nobody looked for are 0 as well. So :class:`Organs` says which organs were looked for,
and where; outside of that nothing is known of organs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spinect_core.base.arrays import BoolArray, FloatArray, LabelArray
from spinect_core.base.errors import SpatialError
from spinect_core.base.reasons import times
from spinect_core.image.volume import Geometry
from spinect_core.image.warning import ReadingWarning


class Organ(StrEnum):
    """What is named beside bone and nerve; skin and the fat under it need no mask."""

    BOWEL = "bowel"
    KIDNEY_LEFT = "left kidney"
    KIDNEY_RIGHT = "right kidney"
    URETER = "ureter"
    AORTA = "aorta"
    VENA_CAVA = "vena cava"
    ILIAC_ARTERY_LEFT = "left iliac artery"
    ILIAC_ARTERY_RIGHT = "right iliac artery"
    ILIAC_VEIN_LEFT = "left iliac vein"
    ILIAC_VEIN_RIGHT = "right iliac vein"
    ILIAC_VESSELS = "iliac vessels"
    BLADDER = "bladder"
    UTERUS = "uterus"
    PROSTATE = "prostate"
    OTHER = "other abdominal organ"
    PSOAS_LEFT = "left psoas"
    PSOAS_RIGHT = "right psoas"
    ILIACUS_LEFT = "left iliacus"
    ILIACUS_RIGHT = "right iliacus"
    ILIOPSOAS_LEFT = "left iliopsoas"
    ILIOPSOAS_RIGHT = "right iliopsoas"
    QUADRATUS_LEFT = "left quadratus lumborum"
    QUADRATUS_RIGHT = "right quadratus lumborum"
    BACK_LEFT = "left back muscles"
    BACK_RIGHT = "right back muscles"
    GLUTEAL_LEFT = "left gluteal muscles"
    GLUTEAL_RIGHT = "right gluteal muscles"
    WALL_LEFT = "left muscles of the abdominal wall"
    WALL_RIGHT = "right muscles of the abdominal wall"
    DISC = "disc"
    GREAT_VESSELS = "great vessels"


NUMBERS: Mapping[Organ, int] = {organ: number for number, organ in enumerate(Organ, start=1)}
"""What a voxel of each organ holds. Back muscles are multifidus and erector spinae as one, gluteal muscles all three;
great vessels (aorta, cava and iliac vessels), iliac vessels and iliopsoas stand for what a source does not tell apart,
other abdominal organ for stomach, liver, gallbladder, spleen, pancreas and adrenal glands."""
BY_NUMBER: Mapping[int, Organ] = {number: organ for organ, number in NUMBERS.items()}
KIDNEYS = (Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT)
VESSELS = (
    Organ.AORTA,
    Organ.VENA_CAVA,
    Organ.ILIAC_ARTERY_LEFT,
    Organ.ILIAC_ARTERY_RIGHT,
    Organ.ILIAC_VEIN_LEFT,
    Organ.ILIAC_VEIN_RIGHT,
    Organ.ILIAC_VESSELS,
    Organ.GREAT_VESSELS,
)
OTHERS = (Organ.URETER, Organ.BLADDER, Organ.UTERUS, Organ.PROSTATE, Organ.OTHER)
SPARED = (Organ.BOWEL, *KIDNEYS, *VESSELS, *OTHERS)
"""What a needle must not meet."""
WALL = (Organ.WALL_LEFT, Organ.WALL_RIGHT)
MUSCLES = (
    Organ.PSOAS_LEFT,
    Organ.PSOAS_RIGHT,
    Organ.ILIACUS_LEFT,
    Organ.ILIACUS_RIGHT,
    Organ.ILIOPSOAS_LEFT,
    Organ.ILIOPSOAS_RIGHT,
    Organ.QUADRATUS_LEFT,
    Organ.QUADRATUS_RIGHT,
    Organ.BACK_LEFT,
    Organ.BACK_RIGHT,
    Organ.GLUTEAL_LEFT,
    Organ.GLUTEAL_RIGHT,
    *WALL,
)
"""What a needle goes through."""


class OrganOrigin(StrEnum):
    """Where organs come from."""

    MASKS = "masks"
    NETWORK = "network"
    DRAWN = "drawn"


@dataclass(frozen=True, eq=False)
class Organs:
    """Organs of one CT.

    Attributes:
        array: uint8 [z, y, x], by :data:`NUMBERS`; 0 where none was found.
        geometry: where the voxels are: the CT's own grid, or one that covers the part of it that was looked at.
        looked_for: which organs were looked for, whether found or not; of others nothing is known.
        seen: [z, y, x] where they were looked for; None where that is the whole grid. Outside of it, and of the grid,
            nothing is known.
        origin: who found them.
        source: the same in words that follow "by", such as "masks from organs.nii.gz" or "the organ network".
        checksum: SHA-256 of the files or weights; empty where there are none.
        warnings: what reading or checking them against the CT noticed.
    """

    array: LabelArray
    geometry: Geometry
    looked_for: tuple[Organ, ...]
    seen: BoolArray | None = None
    origin: OrganOrigin = OrganOrigin.MASKS
    source: str = ""
    checksum: str = ""
    warnings: tuple[ReadingWarning, ...] = ()

    def __post_init__(self) -> None:
        arrays = [self.array] if self.seen is None else [self.array, self.seen]
        for array in arrays:
            if tuple(array.shape) != self.geometry.shape:
                raise SpatialError(
                    f"The organs of {times(array.shape)} voxels do not fit their grid of {times(self.geometry.shape)}",
                    "Give the grid that belongs to the organs",
                )
        if self.array.size and int(self.array.max()) > len(NUMBERS):
            raise SpatialError(
                f"There is no organ with the number {int(self.array.max())}",
                f"Use the numbers 1 to {len(NUMBERS)} of the organs",
            )

    def mask(self, organs: Iterable[Organ]) -> BoolArray:
        """Whether voxels [z, y, x] belong to any of some organs."""
        wanted = np.zeros(256, dtype=bool)
        wanted[[NUMBERS[organ] for organ in organs]] = True
        return np.asarray(wanted[self.array])

    @property
    def vouches(self) -> bool:
        """Whether a place where none was found counts as free of those that were looked for.

        What the organ network finds bars needles, but it misses too much to clear their ways.
        """
        return self.origin != OrganOrigin.NETWORK

    @property
    def found(self) -> tuple[Organ, ...]:
        """Those of which there is at least one voxel."""
        held = np.flatnonzero(np.bincount(self.array.ravel(), minlength=len(NUMBERS) + 1)[1:]) + 1
        return tuple(BY_NUMBER[int(number)] for number in held)

    def at(self, points: FloatArray) -> LabelArray:
        """The number of the organ at LPS mm points (n, 3), of the nearest voxel; 0 outside of the grid."""
        return np.where(self.geometry.holds(points), self.array[self._nearest(points)], 0).astype(np.uint8)

    def known(self, points: FloatArray) -> BoolArray:
        """Whether organs were looked for at LPS mm points (n, 3)."""
        within = self.geometry.holds(points)
        return within if self.seen is None else np.asarray(within & self.seen[self._nearest(points)])

    def _nearest(self, points: FloatArray) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], ...]:
        index = np.rint(self.geometry.to_index(points)).astype(np.intp)
        return tuple(np.clip(index, 0, np.array(self.geometry.shape) - 1).T)
