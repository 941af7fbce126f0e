"""What a CT says of the labels that are said to be its own, before a level is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage
from scipy.signal import fftconvolve

from spinect_core.base.arrays import BoolArray, FloatArray, LabelArray
from spinect_core.base.progress import Cancel, check
from spinect_core.base.words import CaseCause
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume, to_sitk

HALF_MM = (70.0, 65.0, 65.0)
"""Half the size (x, y, z) of the box about the middle of the nerve that is looked at."""

STEP_MM = 1.0
COARSE_MM = 2.0
"""Voxels of the box are joined to blocks of about this size where shapes are compared."""

UNSEEN_HU = -1500.0
AIR_HU, BODY_HU = -500.0, -300.0
METAL_HU = 2500.0
DENSE_HU, DENSEST_HU = 250.0, 2000.0
NERVE_ABLE_HU = (-40.0, 150.0)
"""Nerve, sac and ganglia lie between fat and bone."""

FAT_HU, MUSCLE_HU = (-350.0, -30.0), (-10.0, 250.0)
"""What may be fat and muscle, if numbers are no HU."""

SOFT_HU = (-160.0, 160.0)
BESIDE = 6
"""Voxels of the coarse box: unlabelled bone so near to labelled bone was missed."""

SHIFTS = 8
"""Steps of the coarse box by which the labels are tried elsewhere, to either side."""

NEIGHBOURS = 6
"""A step between two slices is compared with so many before and behind it."""

PLANE_MM = 4.0
NOISE_MM = 1.5
FEWEST = 200
"""Voxels, below which nothing is concluded."""

METAL_PLACES = 2000
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PictureSeen:
    """What was measured on the CT.

    Attributes:
        values: by what they speak for or against; missing where there is too little to measure.
        metal: LPS mm (n, 3), places of metal, each standing for ``metal_ml``.
        metal_ml: of each.
    """

    values: Mapping[CaseCause, float]
    metal: FloatArray
    metal_ml: float


def look_at(volume: Volume, labels: Labels, cancel: Cancel | None = None) -> PictureSeen | None:
    """What a CT says of labels; None where nothing is labelled.

    Args:
        volume: HU.
        labels: 0 background, 1 bone, 2 nerve, on any grid.
        cancel: asked between the steps.
    """
    box = _Box.of(volume, labels)
    if box is None:
        return None
    values: dict[CaseCause, float] = {}
    for measure in (_densities, _tissues, _edges, _fit):
        check(cancel)
        values |= measure(box)
    check(cancel)
    values |= _slices(volume, box.grid)
    places = np.argwhere(box.hounsfield > METAL_HU)
    every = max(-(-len(places) // METAL_PLACES), 1)
    return PictureSeen(
        values, box.grid.to_patient(places[::every]).reshape(-1, 3), every * box.grid.voxel_volume / 1000
    )


@dataclass(frozen=True, eq=False)
class _Box:
    """CT and labels about the nerve on one grid of 1 mm.

    Attributes:
        hounsfield: [z, y, x].
        labels: the same.
        grid: of both.
    """

    hounsfield: Array
    labels: LabelArray
    grid: Geometry

    @classmethod
    def of(cls, volume: Volume, labels: Labels) -> _Box | None:
        middle = _middle(labels)
        if middle is None:
            return None
        own = labels.geometry
        half = np.array(HALF_MM)
        corners = own.to_index(middle) - np.array([half, -half])[:, ::-1] / np.array(own.spacing[::-1])
        low = np.maximum(np.rint(corners.min(axis=0)), 0).astype(int)
        high = np.minimum(np.rint(corners.max(axis=0)) + 1, own.shape).astype(int)
        steps = [max(int(STEP_MM / step + 0.01), 1) for step in own.spacing[::-1]]
        array = labels.array[tuple(slice(a, b, n) for a, b, n in zip(low, high, steps, strict=True))]
        spacing = tuple(n * step for n, step in zip(steps[::-1], own.spacing, strict=True))
        grid = Geometry(array.shape, spacing, tuple(own.to_patient(low)), own.direction)  # type: ignore[arg-type]
        return cls(_resampled(volume, grid), np.ascontiguousarray(array), grid)

    @property
    def coarse(self) -> tuple[Array, Array]:
        """Mean HU, and share of bone, in blocks of voxels; what is not seen counts as air."""
        seen = np.maximum(self.hounsfield, -1000.0)
        bone = (self.labels == BONE).astype(np.float32)
        return _blocks(seen, self.joined), _blocks(bone, self.joined)

    @property
    def joined(self) -> tuple[int, ...]:
        """How many voxels along each axis are joined to a block."""
        return tuple(max(round(COARSE_MM / step), 1) for step in self.grid.spacing[::-1])


def _middle(labels: Labels) -> FloatArray | None:
    """LPS mm (3,) of the middle of the nerve, or of the bone where there is none."""
    for tissue in (NERVE, BONE):
        places = np.argwhere(labels.array[::2, ::2, ::2] == tissue)
        if len(places):
            return labels.geometry.to_patient(2 * np.median(places, axis=0))
    return None


def _cut(volume: Volume, grid: Geometry, margin: int = 2) -> tuple[npt.NDArray[np.generic], Geometry] | None:
    """The part of a CT that holds a grid, as it is stored; None where they do not meet."""
    index = volume.geometry.to_index(grid.corners())
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - margin, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + margin + 1, volume.array.shape)
    if np.any(high - low < 1):
        return None
    array = volume.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    own = volume.geometry
    return array, Geometry(array.shape, own.spacing, tuple(own.to_patient(low)), own.direction)


def _resampled(volume: Volume, grid: Geometry) -> Array:
    """HU on another grid; far below air outside of the CT."""
    part = _cut(volume, grid)
    if part is None:
        return np.full(grid.shape, 2 * UNSEEN_HU, np.float32)
    image = to_sitk(np.ascontiguousarray(part[0], dtype=np.float32), part[1])
    reference = to_sitk(np.zeros(grid.shape, np.uint8), grid)
    laid = sitk.Resample(image, reference, sitk.Transform(), sitk.sitkLinear, 2 * UNSEEN_HU)
    return np.asarray(sitk.GetArrayFromImage(laid))


def _blocks(array: Array, joined: tuple[int, ...]) -> Array:
    """Means over blocks of so many voxels along each axis; what is left over at the ends is lost."""
    a, b, c = joined
    z, y, x = (n // count for n, count in zip(array.shape, joined, strict=True))
    whole = array[: z * a, : y * b, : x * c].reshape(z, a, y, b, x, c)
    return np.asarray(whole.mean(axis=(1, 3, 5)), dtype=np.float32)


def _densities(box: _Box) -> dict[CaseCause, float]:
    """How dense what is labelled is."""
    seen = box.hounsfield > UNSEEN_HU
    bone, nerve = (box.hounsfield[(box.labels == tissue) & seen] for tissue in (BONE, NERVE))
    found: dict[CaseCause, float] = {}
    if len(bone) >= FEWEST:
        found[CaseCause.BONE_HU] = float(np.median(bone))
    if len(nerve) >= FEWEST:
        found[CaseCause.NERVE_HU] = float(np.median(nerve))
        # A ramp, and no step: the mean of many noisy voxels is not moved by their noise.
        low, high = NERVE_ABLE_HU
        found[CaseCause.NERVE_OFF] = float(((nerve < low) | (nerve > high)).mean())
    if len(bone) + len(nerve) >= FEWEST:
        found[CaseCause.IN_AIR] = float((np.concatenate([bone, nerve]) < AIR_HU).mean())
    return found


def _tissues(box: _Box) -> dict[CaseCause, float]:
    """By how much muscle is denser than fat."""
    hounsfield, share = box.coarse
    free = ~ndimage.binary_dilation(share > 0.0, iterations=2)
    fat, muscle = (
        hounsfield[free & (hounsfield > low) & (hounsfield < high)] for low, high in (FAT_HU, MUSCLE_HU)
    )
    if min(len(fat), len(muscle)) < FEWEST:
        return {}
    return {CaseCause.CONTRAST: float(np.median(muscle) - np.median(fat))}


def _edges(box: _Box) -> dict[CaseCause, float]:
    """How much brighter labelled bone is than what lies outside of it, and how steeply it begins."""
    rises, ratios = [], []
    for axis in range(3):
        hounsfield, labels = (np.moveaxis(each, axis, 0) for each in (box.hounsfield, box.labels))
        for way in (slice(None), slice(None, None, -1)):
            hu, one = hounsfield[way], labels[way]
            border = (one[1:-3] == BONE) & (one[2:-2] == BONE) & (one[3:-1] == 0) & (one[4:] == 0)
            border &= (hu[:-4] > UNSEEN_HU) & (hu[4:] > UNSEEN_HU)
            rises.append((hu[2:-2] - hu[4:])[border])
            ratios.append(((hu[2:-2] - hu[3:-1])[border], (hu[1:-3] - hu[4:])[border]))
    rise = np.concatenate(rises)
    if len(rise) < FEWEST:
        return {}
    near, far = (np.concatenate([each[k] for each in ratios]) for k in (0, 1))
    return {
        CaseCause.BONE_EDGE: float(np.median(rise)),
        CaseCause.BLUR: float(near.mean() / max(float(far.mean()), 1.0)),
    }


def _fit(box: _Box) -> dict[CaseCause, float]:
    """Where the labelled bone would lie best on the CT, and how much dense bone beside it is not labelled."""
    hounsfield, share = box.coarse
    bone: BoolArray = share >= 0.5
    if not bone.any() or min(bone.shape) < 3 * SHIFTS:
        return {}
    solid = ndimage.gaussian_filter(np.clip(hounsfield, -100.0, 500.0), 0.5)
    ring = ndimage.binary_dilation(bone, iterations=3) & ~ndimage.binary_dilation(bone)
    inner = tuple(slice(SHIFTS, n - SHIFTS) for n in bone.shape)
    kept = np.zeros_like(solid)
    kept[inner] = bone[inner] / max(bone[inner].sum(), 1) - ring[inner] / max(ring[inner].sum(), 1)
    scores = fftconvolve(solid, kept[inner][::-1, ::-1, ::-1], mode="valid")
    best = np.unravel_index(int(scores.argmax()), scores.shape)
    away = (np.array(best) - SHIFTS) * np.array(box.joined) * np.array(box.grid.spacing[::-1])
    dense = (hounsfield > DENSE_HU) & (hounsfield < DENSEST_HU)
    near = ndimage.binary_dilation(bone, iterations=BESIDE)
    missed = dense & near & ~ndimage.binary_dilation(share > 0.0)
    return {
        CaseCause.SHIFT: float(np.linalg.norm(away)),
        CaseCause.BONE_MISSED: float(missed.sum() / max(int((dense & near).sum()), 1)),
    }


def _slices(volume: Volume, grid: Geometry) -> dict[CaseCause, float]:
    """How noisy the CT is, and whether its slices follow each other."""
    part = _cut(volume, grid, 0)
    if part is None:
        return {}
    array, own = part
    spacing = own.spacing[::-1]
    through = int(np.argmax(np.abs(own.direction[2])))
    found = _noise(array, spacing, 2 - through)
    steps = [_steps(np.moveaxis(array, axis, 0), np.delete(spacing, axis)) for axis in range(3)]
    jumps = [float(each.jump) for each in steps if each is not None]
    if jumps:
        found[CaseCause.JUMP] = max(jumps)
    along = steps[2 - through]
    if along is not None:
        found[CaseCause.SLICE_ORDER] = along.disorder
        found[CaseCause.SLICE_TWICE] = along.twice
    return found


def _noise(
    array: npt.NDArray[np.generic], spacing: tuple[float, ...], through: int
) -> dict[CaseCause, float]:
    """SD of the HU of soft tissue between places 1.5 mm apart within slices."""
    found = []
    for axis in range(3):
        if axis == through:
            continue
        reach = max(round(NOISE_MM / spacing[axis]), 1)
        line = np.moveaxis(array, axis, 0)[:, ::2, ::2].astype(np.float32)
        if len(line) <= 2 * reach:
            continue
        before, here, after = line[: -2 * reach], line[reach:-reach], line[2 * reach :]
        mean = (before + here + after) / 3
        soft = (mean > SOFT_HU[0]) & (mean < SOFT_HU[1])
        bend = ((before - 2 * here + after) / np.sqrt(6.0))[soft]
        if len(bend) >= FEWEST:
            found.append(1.4826 * float(np.median(np.abs(bend))))
    return {CaseCause.NOISE: float(np.mean(found))} if found else {}


@dataclass(frozen=True)
class _Steps:
    """How neighbouring slices differ.

    Attributes:
        jump: the largest difference as a multiple of those about it.
        disorder: part of the slices that are less like their neighbour than like the one behind it.
        twice: part of the slices that are the same as their neighbour.
    """

    jump: float
    disorder: float
    twice: float


def _steps(array: npt.NDArray[np.generic], spacing: FloatArray) -> _Steps | None:
    """How slices [n, a, b] of pixels of ``spacing`` (a, b) follow each other; None for too few."""
    a, b = (max(round(PLANE_MM / float(step)), 1) for step in spacing)
    rows, columns = array.shape[1] // a, array.shape[2] // b
    if len(array) < 2 * NEIGHBOURS or rows < 4 or columns < 4:
        return None
    blocks = array[:, : rows * a, : columns * b].reshape(len(array), rows, a, columns, b)
    small = np.clip(blocks.mean(axis=(2, 4), dtype=np.float32), -200.0, 400.0)
    one = np.array([float(np.abs(x - y).mean()) for x, y in pairwise(small)])
    two = np.array([float(np.abs(x - y).mean()) for x, y in zip(small[:-2], small[2:], strict=True)])
    usual = np.array([float(np.median(each)) for each in _about(one)])
    jump = float((one / np.maximum(usual, 1.0)).max())
    disorder = float((np.maximum(one[:-1], one[1:]) > 1.05 * two).mean())
    return _Steps(jump, disorder, float((one < 0.05 * np.maximum(usual, 1.0)).mean()))


def _about(values: FloatArray) -> Iterator[FloatArray]:
    """Each value's neighbours."""
    for place in range(len(values)):
        yield values[max(place - NEIGHBOURS, 0) : place + NEIGHBOURS + 1]
