"""How high the sacrum begins and the iliac crests end, by where there is bone on a 3 mm copy of a CT.

Going down the spine, the sacral ala and the backs of both ilia close the gap to the sides within a few millimetres of
the L5/S1 disc, so that seen from the front bone fills the middle 12 cm without a gap. No other level of the trunk does
that for several centimetres below a spine that does not; skulls and shoulders do, and what they are is not asked here.
The iliac crests end some 33 mm above L5/S1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray
from spinect_core.image.pieces import largest_piece

STEP_MM = 3.0
BONE_HU = 160.0
BODY_HU = -300.0
LUNG_HU = -600.0

_MIDDLE_MM = 60.0  # half the width that bone fills at the sacrum
_SPINE_MM = 24.0  # half the width of the spinal column
_CREST_MM = 150.0  # farther from the spine than any iliac crest
_FULL = (0.93, 0.85)  # part of the middle that counts as filled: surely, or where nothing is sure, barely
_RUN_MM = 21.0  # height over which it stays filled; ribs and transverse processes do not
_CREST_TO_DISC_MM = 33.0
_CREST_SHARE = 0.3  # crests are the less exact sign
_GAP_MM = 12.0  # crests end where nothing follows for so long
_SPINE_CELLS = 17  # of 9 mm² in a slice: less is no spine
_CREST_CELLS = 4


@dataclass(frozen=True)
class Bones:
    """The 3 mm copy.

    Attributes:
        bone: [z, y, x], without table, contrast medium outside the body or air.
        offset: mm of each column x from the middle of the spine, positive to the left.
        lung: by slice, whether the chest is cut.
    """

    bone: BoolArray
    offset: npt.NDArray[np.float64]
    lung: BoolArray

    def cells(self, nearest: float, farthest: float) -> npt.NDArray[np.intp]:
        """Bone cells of each slice whose columns lie from ``nearest`` to ``farthest`` mm of the spine's middle."""
        columns = (self.offset >= nearest) & (self.offset <= farthest)
        return np.asarray(self.bone[:, :, columns].sum(axis=(1, 2)), dtype=np.intp)


@dataclass(frozen=True)
class Heights:
    """Slices (not whole) of the 3 mm copy at which the L5/S1 disc lies.

    Attributes:
        sacrum: by where the sacrum begins; None where no sacrum is seen.
        crests: by where the iliac crests end; None where they are not seen.
    """

    sacrum: float | None
    crests: float | None

    @classmethod
    def of(cls, bones: Bones) -> Heights:
        """Both, as far as they are seen."""
        filled = _top_of_sacrum(bones)
        crest = _top_of_crests(bones, filled)
        return cls(filled, None if crest is None else crest - _CREST_TO_DISC_MM / STEP_MM)

    @property
    def level(self) -> float | None:
        """Both together; None where neither is seen."""
        if self.sacrum is None or self.crests is None:
            return self.crests if self.sacrum is None else self.sacrum
        return (1 - _CREST_SHARE) * self.sacrum + _CREST_SHARE * self.crests

    @property
    def words(self) -> str:
        """What was seen."""
        seen = (("the sacrum", self.sacrum), ("the iliac crests", self.crests))
        return " and ".join(name for name, height in seen if height is not None)


def bones_of(hounsfield: npt.NDArray[np.float32]) -> Bones:
    """Bone, and the middle of the spine: the column with most bone about it, near the middle of the body."""
    body = ndimage.binary_opening(hounsfield > BODY_HU, iterations=2)
    body = largest_piece(body)
    air = (hounsfield < LUNG_HU) & ndimage.binary_closing(body, iterations=8)
    bone: BoolArray = (ndimage.gaussian_filter(hounsfield, 0.6) > BONE_HU) & body
    columns = np.arange(hounsfield.shape[2])
    weight = body.sum(axis=(0, 1)).astype(np.float64)
    centre = float((columns * weight).sum() / weight.sum()) if weight.any() else (len(columns) - 1) / 2
    density = ndimage.uniform_filter1d(bone.sum(axis=(0, 1)).astype(np.float64), 15)
    density *= np.exp(-0.5 * ((columns - centre) * STEP_MM / 50) ** 2)
    middle = int(np.argmax(density)) if density.any() else round(centre)
    chest = air.sum(axis=(1, 2)) > 0.15 * np.maximum(body.sum(axis=(1, 2)), 1)
    return Bones(bone, np.asarray((columns - middle) * STEP_MM, dtype=np.float64), chest)


def _top_of_sacrum(bones: Bones) -> float | None:
    """Slice where, going down, bone begins to fill the middle."""
    columns = np.abs(bones.offset) <= _MIDDLE_MM
    if columns.sum() * STEP_MM < 0.7 * 2 * _MIDDLE_MM:
        return None
    part = ndimage.median_filter(bones.bone[:, :, columns].any(axis=1).mean(axis=1), 3)
    spine = bones.cells(-_SPINE_MM, _SPINE_MM)
    for full in _FULL:
        filled = ndimage.binary_closing(np.pad(part >= full, 4), iterations=2)[4:-4]
        runs, count = ndimage.label(filled)
        for run in range(count, 0, -1):
            bottom, top = np.flatnonzero(runs == run)[[0, -1]]
            above = slice(top + 3, top + 13)
            tall = (top - bottom + 1) * STEP_MM >= _RUN_MM
            sacral = spine[max(bottom, top - 6) : top + 1].mean() >= _SPINE_CELLS
            # A pubis has no spine above it; a CT that ends at L5 shows none above the sacrum either.
            spinal = len(spine[above]) < 3 or (
                spine[above].mean() >= _SPINE_CELLS and part[above].mean() < full
            )
            if tall and sacral and spinal and not bones.lung[bottom : top + 1].any():
                return float(top)
    return None


def _top_of_crests(bones: Bones, filled: float | None) -> float | None:
    """Slice of the iliac crests: the mean of both sides, if both end within the CT and about as high."""
    gap = round(_GAP_MM / STEP_MM)
    tops = []
    for near, far in ((_MIDDLE_MM, _CREST_MM), (-_CREST_MM, -_MIDDLE_MM)):
        present = bones.cells(near, far) >= _CREST_CELLS
        if not present.any():
            return None
        # From the sacrum if it is known, else from the feet, up to the first gap.
        start = int(np.argmax(present)) if filled is None else round(filled) - gap
        absent = ndimage.uniform_filter1d((~present).astype(np.float64), gap, origin=-(gap // 2)) > 0.99
        absent[len(absent) - gap + 1 :] = False
        ends = np.flatnonzero(absent[max(start, 0) :])
        if len(ends) == 0 or ends[0] == 0:
            return None
        tops.append(max(start, 0) + int(ends[0]) - 1)
    top = round(float(np.mean(tops)))
    spine = bones.cells(-_SPINE_MM, _SPINE_MM)[max(top - 3, 0) : top + 4]
    if abs(tops[0] - tops[1]) * STEP_MM > 30 or spine.mean() < _SPINE_CELLS or bones.lung[top]:
        return None
    return float(np.mean(tops))


def middle_of_spine(bones: Bones, level: float) -> npt.NDArray[np.float64]:
    """Index (z, y, x) of the box's centre about a disc at slice ``level``."""
    reach = 60 / STEP_MM
    rows = slice(max(round(level - reach), 0), max(round(level + reach), 1))
    slab = bones.bone[rows] & (np.abs(bones.offset) <= _SPINE_MM + 6)
    slab = largest_piece(slab)
    z, y, x = np.nonzero(slab)
    if len(z) == 0:
        return np.array([level, (bones.bone.shape[1] - 1) / 2, float(np.argmin(np.abs(bones.offset)))])
    front, back = np.percentile(y, (1, 99))
    lumbar = x[z + rows.start >= level] if np.any(z + rows.start >= level) else x
    return np.array([level, (front + back) / 2, np.median(lumbar)])


def middle_of_bone(bones: Bones) -> npt.NDArray[np.float64]:
    """Index (z, y, x) of the middle of the CT, at the middle of the bone from side to side and front to back."""
    middle = (np.asarray(bones.bone.shape) - 1) / 2
    if bones.bone.any():
        _, y, x = np.nonzero(bones.bone & (np.abs(bones.offset) <= _SPINE_MM))
        if len(y):
            middle[1:] = np.median(y), np.median(x)
    return np.asarray(middle, dtype=np.float64)
