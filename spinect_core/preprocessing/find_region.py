"""Where in a CT the lumbosacral junction lies, and whether there is one, from its Hounsfield units alone.

Several cues are looked for on a 3 mm copy, and the region counts as found only where they agree:

- Shape: how much the bones look like a sacrum between its ilia below L4 and L5, as one number with an absolute floor
  (:mod:`~spinect_core.preprocessing.pelvis_shape`). It says whether, and about where.
- Sacrum and crests: how high the one begins and the others end
  (:mod:`~spinect_core.preprocessing.sacrum_and_crests`). Where they agree with the shape they say where more exactly.
- Tissue and outline: a patient has fat beside muscle and less bone than both, no lungs at the height of the pelvis, and
  is wider than a head or a limb (:mod:`~spinect_core.preprocessing.body_seen`).
- Field of view: the disc lies within the CT and not at its border, where half a pelvis could be anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import AnatomyError, SpatialError
from spinect_core.image.region import Region
from spinect_core.image.volume import Geometry, Volume
from spinect_core.preprocessing.body_seen import Seen
from spinect_core.preprocessing.grid import canonical_order, regular_grid, resample
from spinect_core.preprocessing.pelvis_shape import SURELY_PROMISING, Likeness, bright, likeness
from spinect_core.preprocessing.sacrum_and_crests import (
    STEP_MM,
    Bones,
    Heights,
    bones_of,
    middle_of_bone,
    middle_of_spine,
)

SIZE_MM = (184.0, 144.0, 152.0)
"""Of the box along x, y, z: lower half of L4 to S2, both sacroiliac joints, from before the bodies to behind
the
spinous processes; a whole number of the paper's tiles in each direction."""

DISC_TO_MIDDLE_MM = 15.0
"""From the disc's middle back to that of the box, which reaches behind the spinous processes."""

LARGEST_MM = 4000.0
"""No table is so long. The 3 mm copy of what claims to be larger would fill the memory."""

ALIKE = 0.55
"""The least likeness to a pelvis that is believed where the sacrum or the crests are seen at the same height."""

ALIKE_ALONE = 0.6
"""The least that is believed where they are not."""

AGREEING_MM = 25.0
"""Cues that lie no farther apart than this mean the same disc."""

STRETCHED = 1.2
"""Height to width and depth of a pelvis, relative to the usual; slices of a wrong distance make more of it."""

SAME_MM = 16.0
"""Where all cues lie within this of each other, sacrum and crests give the place, else the shape, the surer cue."""

WITHIN_MM = 15.0
"""Nearer to a border of the CT than this the level of the disc cannot be judged, and half a pelvis is none."""

REMEDY = "Choose a CT that shows L5 and the sacrum, or name the region to segment yourself"

UPSIDE_DOWN = "The CT seems to lie upside down, its head where its feet should be: check how it was exported"
BACK_TO_FRONT = (
    "The CT seems to lie back to front, its spine where the belly should be: check how it was exported"
)
ON_ITS_SIDE = "The CT seems to lie on its side, its spine to the right or left: check how it was exported"


@dataclass(frozen=True, eq=False)
class _Copy:
    """A CT in cells of 3 mm, axes to S, P, L.

    Attributes:
        grid: its cells.
        nearest: HU of the voxel nearest to each cell's middle [z, y, x].
        mean: HU of the mean of eight places within each cell, less noisy.
    """

    grid: Geometry
    nearest: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]

    @classmethod
    def of(cls, volume: Volume) -> _Copy:
        order, canonical = canonical_order(volume.geometry)
        grid, halves = regular_grid(canonical, STEP_MM), regular_grid(canonical, STEP_MM / 2)

        def read(step: float, shape: tuple[int, int, int]) -> npt.NDArray[np.float32]:
            values = resample(volume.array, order, canonical, step, (0, 0, 0), shape).astype(np.float32)
            return np.nan_to_num(values, nan=-1000.0)

        fine = read(STEP_MM / 2, halves.shape)
        wide = [(0, 2 * count - have) for count, have in zip(grid.shape, fine.shape, strict=True)]
        z, y, x = grid.shape
        eight = np.pad(fine, wide, mode="edge").reshape(z, 2, y, 2, x, 2)
        return cls(grid, read(STEP_MM, grid.shape), eight.mean(axis=(1, 3, 5), dtype=np.float32))


def find_lumbosacral_region(volume: Volume) -> Region:
    """The box to segment: the lower half of L4 to S2, with L5/S1 in its middle.

    Args:
        volume: a CT in HU, in any orientation; its axes must not lie far from the patient's.

    Returns:
        A box, which may reach beyond the CT; ``note`` says by what it was found. Where the cues do not agree upon a
        lumbosacral spine ``found`` is False, ``note`` says why and what was seen instead, and the box is a mere
        suggestion: where the pelvis may be, or else about the middle of the bone.

    Raises:
        SpatialError: the CT is larger than any body, and so is its 3 mm copy.
    """
    _check_size(volume)
    copy = _Copy.of(volume)
    bones, seen = bones_of(copy.nearest), Seen.of(copy.mean)
    likely = likeness(bright(copy.mean), STEP_MM)
    if likely is None or likely.score < ALIKE:
        fault = ("" if seen.fault else _turned(copy.mean)) or _unlike(likely, seen)
        return Region.around(copy.grid.to_patient(middle_of_bone(bones)), SIZE_MM, False, fault)
    place, cues = _place(bones, likely)
    fault = seen.fault or _misplaced(likely, seen)
    if fault and fault != seen.fault:
        fault = _turned(copy.mean) or fault
    elif not fault and not cues and likely.score < ALIKE_ALONE:
        fault = _unlike(likely, seen)
    note = fault or f"Found by the shape of the pelvis ({likely.score:.0%} alike){cues}"
    return Region.around(copy.grid.to_patient(place), SIZE_MM, not fault, note)


def region_about(disc: FloatArray, note: str) -> Region:
    """The box to segment where the L5/S1 disc is known.

    Args:
        disc: LPS mm (3,) of its middle.
        note: who says so.
    """
    return Region.around(np.add(disc, (0.0, DISC_TO_MIDDLE_MM, 0.0)), SIZE_MM, True, note)


def recognised_region(volume: Volume) -> Region:
    """The region, where it is found.

    Args:
        volume: a CT in HU.

    Raises:
        AnatomyError: no lumbosacral spine was recognised; says why and what to do.
        SpatialError: the CT is larger than any body.
    """
    region = find_lumbosacral_region(volume)
    if not region.found:
        raise AnatomyError(
            f"No lumbosacral spine was recognised. {region.note}", REMEDY, volume.name or None, "region"
        )
    return region


def _check_size(volume: Volume) -> None:
    x, y, z = np.multiply(volume.geometry.spacing, volume.geometry.shape[::-1])
    if max(x, y, z) > LARGEST_MM:
        raise SpatialError(
            f"The CT is {x:.4g} x {y:.4g} x {z:.4g} mm large, by a voxel spacing of "
            f"{' x '.join(f'{step:.4g}' for step in volume.geometry.spacing)} mm, and no body is",
            "Export it again from its source with the spacing in mm",
            volume.name or None,
        )


def _place(bones: Bones, likely: Likeness) -> tuple[FloatArray, str]:
    """Index (z, y, x) of the box's middle, and what else than the shape lies there, as words that go on from it."""
    heights = Heights.of(bones)
    if heights.level is not None:
        exact = middle_of_spine(bones, heights.level)
        if np.linalg.norm(exact - likely.index) * STEP_MM <= SAME_MM:
            return exact, f", {heights.words}"
    one = Heights(heights.sacrum, None), Heights(None, heights.crests)
    agreeing = [each for each in one if each.level is not None and _near(each.level, likely)]
    return likely.index, "".join(f", {each.words}" for each in agreeing)


def _near(level: float, likely: Likeness) -> bool:
    return abs(level - float(likely.index[0])) * STEP_MM <= AGREEING_MM


def _misplaced(likely: Likeness, seen: Seen) -> str:
    """Why there can be no pelvis where there seems to be one; empty if there can."""
    height = float(likely.index[0])
    if seen.lungs_about(height):
        return "What looks like a pelvis lies at the height of the lungs"
    if seen.narrow_about(height):
        return f"What looks like a pelvis lies in a body that is only {seen.width_about(height):.0f} mm wide"
    stretched = likely.sizes[0] / (0.5 * (likely.sizes[1] + likely.sizes[2]))
    if not 1 / STRETCHED < stretched < STRETCHED:
        return f"What looks like a pelvis is {stretched:.2f} times as tall as it should be: check the slices' distance"
    below = likely.index * STEP_MM
    above = (np.array(seen.body.shape) - 1 - likely.index) * STEP_MM
    names = (
        ("towards the feet", "towards the head"),
        ("in front", "behind"),
        ("on the right", "on the left"),
    )
    for axis, pair in enumerate(names):
        for name, distance in zip(pair, (below[axis], above[axis]), strict=True):
            if distance < WITHIN_MM:
                return (
                    f"The CT ends {name} where the L5/S1 disc would be, so too little of the pelvis is seen"
                )
    return ""


def _unlike(likely: Likeness | None, seen: Seen) -> str:
    likeness_words = "" if likely is None else f" ({max(likely.score, 0):.0%} alike, {ALIKE:.0%} are needed)"
    also = f"; seen: {seen.words}" if seen.words else ""
    strange = f". {seen.fault}" if seen.fault else ""
    return f"Nothing looks like a sacrum between its ilia{likeness_words}{also}{strange}"


def _turned(hounsfield: npt.NDArray[np.float32]) -> str:
    """Whether there is a pelvis if the CT is taken to lie otherwise than it says, as a sentence; else empty."""
    bone = bright(hounsfield)
    others = (
        (UPSIDE_DOWN, bone[::-1]),
        (BACK_TO_FRONT, bone[:, ::-1]),
        (ON_ITS_SIDE, bone.transpose(0, 2, 1)),
        (ON_ITS_SIDE, bone[:, ::-1, ::-1].transpose(0, 2, 1)),
    )
    for words, turned in others:
        likely = likeness(np.ascontiguousarray(turned), STEP_MM, SURELY_PROMISING)
        if likely is None or likely.score < ALIKE:
            continue
        if np.minimum(likely.index, np.array(turned.shape) - 1 - likely.index).min() * STEP_MM >= WITHIN_MM:
            return words
    return ""
