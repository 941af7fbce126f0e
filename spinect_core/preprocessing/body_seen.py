"""What a CT shows besides bones, as far as it tells a patient's trunk from something else: tissue, lungs, outline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.image.pieces import largest_piece

BODY_HU, LUNG_HU, BONE_HU = -300.0, -600.0, 200.0
FAT_HU, MUSCLE_HU = (-150.0, -40.0), (0.0, 100.0)
SOFT_HU = (-200.0, 200.0)

_STEP_MM = 3.0
_LEAST_BODY = 0.01  # of the CT
_LEAST_FAT = 0.04  # of the body without its surface; the leanest have more about the spine
_LEAST_MUSCLE = 0.08
_MOST_BONE = 0.35  # of the body; in a small field of view round a dense spine 0.2
_ONE_DENSITY = 0.8  # of the soft tissue within 75 HU: resin or water. Fat and muscle lie 150 HU apart
_DENSITY_STEPS = 3  # of 25 HU
_NARROWEST_MM = 180.0  # a trunk that is seen whole is wider, that of a child of six years too
_ABOUT_MM = 30.0
_CHEST = 0.25  # of the body's slice that is lung; gas in the bowel seldom has so much
_TALL_MM = 40.0
_SKULL = 0.6  # of the head's slice that lies within its bone


@dataclass(frozen=True, eq=False)
class Seen:
    """What is seen on a 3 mm copy.

    Attributes:
        body: [z, y, x], the largest piece of what is no air.
        lungs: air inside the body's slice (z,), in parts of what is not air there.
        enclosed: part of the body's slice (z,) that is bone or lies within a ring of it.
        pieces: of what is no air in each slice (z,), those that are a tenth of it or more.
        fault: why this is no patient's body at all, as a sentence without its full stop; empty if it may be one.
    """

    body: BoolArray
    lungs: FloatArray
    enclosed: FloatArray
    pieces: npt.NDArray[np.intp]
    fault: str

    @classmethod
    def of(cls, hounsfield: npt.NDArray[np.float32]) -> Seen:
        """What is seen in HU [z, y, x] of 3 mm."""
        matter = ndimage.binary_opening(hounsfield > BODY_HU, iterations=2)
        body = largest_piece(matter)
        area = np.maximum(body.sum(axis=(1, 2)), 1)
        inside = np.array([ndimage.binary_fill_holes(each) for each in body])
        air = (hounsfield < LUNG_HU) & inside
        bone = (hounsfield > BONE_HU) & body
        enclosed = np.array([ndimage.binary_fill_holes(each).sum() for each in bone]) / area
        pieces = np.array([_large_pieces(each) for each in matter], dtype=np.intp)
        return cls(body, air.sum(axis=(1, 2)) / area, enclosed, pieces, _not_a_patient(hounsfield, body))

    def lungs_about(self, slice_number: float) -> bool:
        """Whether a chest is cut within 3 cm of a slice."""
        return bool(self.lungs[self._about(slice_number)].max(initial=0) > _CHEST)

    def width_about(self, slice_number: float) -> float:
        """Mm from side to side of the body round a slice; infinite where the CT's borders cut it."""
        columns = np.flatnonzero(self.body[self._about(slice_number)].any(axis=(0, 1)))
        if len(columns) == 0 or columns[0] == 0 or columns[-1] == self.body.shape[2] - 1:
            return float("inf")
        return float((columns[-1] - columns[0] + 1) * _STEP_MM)

    def narrow_about(self, slice_number: float) -> bool:
        """Whether the body there is too narrow for a trunk."""
        return self.width_about(slice_number) < _NARROWEST_MM

    def _about(self, slice_number: float) -> slice:
        low, high = (round(slice_number + sign * _ABOUT_MM / _STEP_MM) for sign in (-1, 1))
        return slice(max(low, 0), max(high + 1, 1))

    @property
    def words(self) -> str:
        """What is seen besides a pelvis, as words that follow "seen:"; empty for nothing in particular."""
        return ", ".join(self._words())

    def _words(self) -> Iterator[str]:
        tall = _TALL_MM / _STEP_MM
        if (self.lungs > _CHEST).sum() >= tall:
            yield "lungs"
        if (self.enclosed > _SKULL).sum() >= tall:
            yield "a skull or another ring of bone close beneath the skin"
        if (self.pieces == 2).sum() >= 2 * tall:
            yield "two legs or arms"
        width = self.width_about(self.body.shape[0] / 2)
        if width < _NARROWEST_MM:
            yield f"a body {width:.0f} mm wide"


def _large_pieces(body: BoolArray) -> int:
    pieces, _ = ndimage.label(body)
    sizes = np.bincount(pieces.ravel())[1:]
    return int((sizes >= 0.1 * sizes.sum()).sum()) if len(sizes) else 0


def _not_a_patient(hounsfield: npt.NDArray[np.float32], body: BoolArray) -> str:
    if body.mean() < _LEAST_BODY:
        return "The CT shows no body, only air or nothing"
    # Without its surface, where air makes fat of anything.
    within = hounsfield[ndimage.binary_erosion(body)]
    if len(within) == 0:
        return "The CT shows no body, only thin layers"
    bone = float((within > BONE_HU).mean())
    if bone > _MOST_BONE:
        return (
            f"{bone:.0%} of what is seen is as dense as bone or metal, so it is no body, or its values are no "
            "Hounsfield units"
        )
    soft = within[(within > SOFT_HU[0]) & (within < SOFT_HU[1])]
    counts, _ = np.histogram(soft, np.arange(SOFT_HU[0], SOFT_HU[1] + 1, 25))
    densest = np.convolve(counts, np.ones(_DENSITY_STEPS)).max()
    if densest > _ONE_DENSITY * max(len(soft), 1):
        return "The soft tissue is all of one density, without fat beside muscle, as in a phantom of resin or water"
    fat, muscle = (float(((within > low) & (within < high)).mean()) for low, high in (FAT_HU, MUSCLE_HU))
    if fat < _LEAST_FAT or muscle < _LEAST_MUSCLE:
        lacking = "fat" if fat < _LEAST_FAT else "muscle"
        return (
            f"Hardly anything has the density of {lacking}, so it is no patient, or its values are no Hounsfield "
            "units"
        )
    return ""
