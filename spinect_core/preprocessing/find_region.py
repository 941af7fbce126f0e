"""Where in a CT the lumbosacral junction lies, from its Hounsfield units alone.

Looked for on a 3 mm copy: going down the spine, the sacral ala and the backs of both ilia close the gap to
the sides within a few millimetres of the L5/S1 disc, so that seen from the front bone fills the middle 12 cm
without a gap. No other level of the trunk does that for several centimetres below a spine that does not.
Where the ala is too faint, the iliac crests, some 33 mm above L5/S1, decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray
from spinect_core.base.errors import SpatialError
from spinect_core.image.pieces import largest_piece
from spinect_core.image.region import Region
from spinect_core.image.volume import Volume
from spinect_core.preprocessing.grid import canonical_order, regular_grid, resample

SIZE_MM = (184.0, 144.0, 152.0)
"""Of the box along x, y, z: lower half of L4 to S2, both sacroiliac joints, from before the bodies to behind
the
spinous processes; a whole number of the paper's tiles in each direction."""

STEP_MM = 3.0
LARGEST_MM = 4000.0
"""No table is so long. The 3 mm copy of what claims to be larger would fill the memory."""
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
_SURE_SPINE_CELLS = 45  # the coccyx and what else lies below a sacrum never have so many
_CREST_CELLS = 4

NOT_FOUND = "No pelvis was recognised in the CT, so the middle of its bone was taken: check the region"

UPSIDE_DOWN = "The CT seems to lie upside down, its head where its feet should be: check how it was exported"


@dataclass(frozen=True)
class _Coarse:
    """The 3 mm copy.

    Attributes:
        bone: [z, y, x], without table, contrast medium outside the body or air.
        offset: mm of each column x from the middle of the spine, positive to the left.
        lung: by slice, whether the chest is cut.
    """

    bone: BoolArray
    offset: npt.NDArray[np.float64]
    lung: BoolArray

    def upside_down(self) -> _Coarse:
        """Head and feet exchanged."""
        return _Coarse(self.bone[::-1], self.offset, self.lung[::-1])

    def cells(self, nearest: float, farthest: float) -> npt.NDArray[np.intp]:
        """Bone cells of each slice whose columns lie from ``nearest`` to ``farthest`` mm of the spine's middle."""
        columns = (self.offset >= nearest) & (self.offset <= farthest)
        return np.asarray(self.bone[:, :, columns].sum(axis=(1, 2)), dtype=np.intp)


def find_lumbosacral_region(volume: Volume) -> Region:
    """The box to segment: the lower half of L4 to S2, with L5/S1 in its middle.

    Args:
        volume: a CT in HU, in any orientation; its axes must not lie far from the patient's.

    Returns:
        A box, which may reach beyond the CT. If no pelvis is recognised: about the middle of the bone, or of
        the CT, with ``found`` False and a ``note`` that says so.

    Raises:
        SpatialError: the CT is larger than any body, and so is its 3 mm copy.
    """
    _check_size(volume)
    order, canonical = canonical_order(volume.geometry)
    grid = regular_grid(canonical, STEP_MM)
    hounsfield = resample(volume.array, order, canonical, STEP_MM, (0, 0, 0), grid.shape)
    coarse = _coarse(np.nan_to_num(hounsfield.astype(np.float32), nan=-1000.0))
    if _top_of_sacrum(coarse, _SURE_SPINE_CELLS) is None:
        turned = _top_of_sacrum(coarse.upside_down(), _SURE_SPINE_CELLS)
        if turned is not None:
            middle = _middle_of_spine(coarse, len(coarse.bone) - 1 - turned)
            return Region.around(grid.to_patient(middle), SIZE_MM, False, UPSIDE_DOWN)
    filled = _top_of_sacrum(coarse)
    crest = _top_of_crests(coarse, filled)
    if filled is not None and crest is not None:
        note = "Found by the sacrum and the iliac crests"
        level = (1 - _CREST_SHARE) * filled + _CREST_SHARE * (crest - _CREST_TO_DISC_MM / STEP_MM)
    elif filled is not None:
        note, level = "Found by the sacrum", filled
    elif crest is not None:
        note, level = "Found by the iliac crests", crest - _CREST_TO_DISC_MM / STEP_MM
    else:
        return Region.around(grid.to_patient(_middle_of_bone(coarse)), SIZE_MM, False, NOT_FOUND)
    return Region.around(grid.to_patient(_middle_of_spine(coarse, level)), SIZE_MM, True, note)


def _check_size(volume: Volume) -> None:
    x, y, z = np.multiply(volume.geometry.spacing, volume.geometry.shape[::-1])
    if max(x, y, z) > LARGEST_MM:
        raise SpatialError(
            f"The CT is {x:.4g} x {y:.4g} x {z:.4g} mm large, by a voxel spacing of "
            f"{' x '.join(f'{step:.4g}' for step in volume.geometry.spacing)} mm, and no body is",
            "Export it again from its source with the spacing in mm",
            volume.name or None,
        )


def _coarse(hounsfield: npt.NDArray[np.float32]) -> _Coarse:
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
    return _Coarse(bone, np.asarray((columns - middle) * STEP_MM, dtype=np.float64), chest)


def _top_of_sacrum(coarse: _Coarse, sure_cells: int = 0) -> float | None:
    """Slice where, going down, bone begins to fill the middle.

    Args:
        coarse: the 3 mm copy.
        sure_cells: if given, a spine with this many bone cells in each slice must be seen above for 3 cm.
    """
    columns = np.abs(coarse.offset) <= _MIDDLE_MM
    if columns.sum() * STEP_MM < 0.7 * 2 * _MIDDLE_MM:
        return None
    part = ndimage.median_filter(coarse.bone[:, :, columns].any(axis=1).mean(axis=1), 3)
    spine = coarse.cells(-_SPINE_MM, _SPINE_MM)
    for full in _FULL:
        filled = ndimage.binary_closing(np.pad(part >= full, 4), iterations=2)[4:-4]
        runs, count = ndimage.label(filled)
        for run in range(count, 0, -1):
            bottom, top = np.flatnonzero(runs == run)[[0, -1]]
            above = slice(top + 3, top + 13)
            tall = (top - bottom + 1) * STEP_MM >= _RUN_MM
            sacral = spine[max(bottom, top - 6) : top + 1].mean() >= _SPINE_CELLS
            # A pubis has no spine above it; a CT that ends at L5 shows none above the sacrum either.
            if len(spine[above]) < (10 if sure_cells else 3):
                spinal = not sure_cells
            else:
                enough = max(_SPINE_CELLS, sure_cells)
                spinal = spine[above].mean() >= enough and part[above].mean() < full
            if tall and sacral and spinal and not coarse.lung[bottom : top + 1].any():
                return float(top)
    return None


def _top_of_crests(coarse: _Coarse, filled: float | None) -> float | None:
    """Slice of the iliac crests: the mean of both sides, if both end within the CT and about as high."""
    gap = round(_GAP_MM / STEP_MM)
    tops = []
    for near, far in ((_MIDDLE_MM, _CREST_MM), (-_CREST_MM, -_MIDDLE_MM)):
        present = coarse.cells(near, far) >= _CREST_CELLS
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
    spine = coarse.cells(-_SPINE_MM, _SPINE_MM)[max(top - 3, 0) : top + 4]
    if abs(tops[0] - tops[1]) * STEP_MM > 30 or spine.mean() < _SPINE_CELLS or coarse.lung[top]:
        return None
    return float(np.mean(tops))


def _middle_of_spine(coarse: _Coarse, level: float) -> npt.NDArray[np.float64]:
    """Index (z, y, x) of the box's centre about a disc at slice ``level``."""
    reach = 60 / STEP_MM
    rows = slice(max(round(level - reach), 0), max(round(level + reach), 1))
    slab = coarse.bone[rows] & (np.abs(coarse.offset) <= _SPINE_MM + 6)
    slab = largest_piece(slab)
    z, y, x = np.nonzero(slab)
    if len(z) == 0:
        return np.array([level, (coarse.bone.shape[1] - 1) / 2, float(np.argmin(np.abs(coarse.offset)))])
    front, back = np.percentile(y, (1, 99))
    lumbar = x[z + rows.start >= level] if np.any(z + rows.start >= level) else x
    return np.array([level, (front + back) / 2, np.median(lumbar)])


def _middle_of_bone(coarse: _Coarse) -> npt.NDArray[np.float64]:
    """Index (z, y, x) of the middle of the CT, at the middle of the bone from side to side and front to back."""
    middle = (np.asarray(coarse.bone.shape) - 1) / 2
    if coarse.bone.any():
        _, y, x = np.nonzero(coarse.bone & (np.abs(coarse.offset) <= _SPINE_MM))
        if len(y):
            middle[1:] = np.median(y), np.median(x)
    return np.asarray(middle, dtype=np.float64)
