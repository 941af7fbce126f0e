"""A CT made worse on purpose: more noise, thicker slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import UsageError
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.preprocessing.grid import canonical_order

LOWEST_HU, HIGHEST_HU = -1024, 3071


def add_noise(volume: Volume, hu: float, seed: int) -> Volume:
    """The CT with normal noise of SD ``hu``, independent from voxel to voxel, on top of its own.

    Args:
        volume: HU.
        hu: standard deviation; 0 changes nothing.
        seed: the same seed gives the same noise, and noise of another SD its multiple.
    """
    noise = np.random.default_rng(seed).standard_normal(volume.array.shape, dtype=np.float32)
    worse = np.clip(np.rint(volume.array + np.float32(hu) * noise), LOWEST_HU, HIGHEST_HU)
    return replace(volume, array=worse.astype(np.int16))


def slice_distance(geometry: Geometry) -> float:
    """Mm between slices: along the array axis that runs nearest to the patient's long axis."""
    return float(canonical_order(geometry)[1].spacing[2])


def thicken(volume: Volume, mm: float) -> Volume:
    """The CT with slices ``mm`` apart, each the mean of what it covers of the slices it is made of.

    The new slices begin where the old ones do; what is left at the head and fills no whole slice is lost.

    Args:
        volume: HU.
        mm: distance and thickness of the new slices, at least the distance of the old ones.

    Raises:
        UsageError: the old slices lie farther apart, or the CT is lower than one new slice.
    """
    order, canonical = canonical_order(volume.geometry)
    old = canonical.spacing[2]
    if mm < old - 1e-6:
        raise UsageError(
            f"Slices {old:g} mm apart cannot become slices of {mm:g} mm", "Choose a larger value"
        )
    count = int(canonical.shape[0] * old / mm + 1e-6)
    if count < 1:
        raise UsageError(f"The CT is lower than one slice of {mm:g} mm", "Choose a smaller value")
    weights = _shares(canonical.shape[0], old, count, mm)
    seen = order.view(volume.array).astype(np.float32)
    mean = np.tensordot(weights.astype(np.float32), seen, axes=(1, 0))
    # The middle of the first new slice, counted from the outer face of the first old one.
    first = canonical.to_patient(((mm / 2) / old - 0.5, 0.0, 0.0))
    geometry = Geometry(
        shape=(count, canonical.shape[1], canonical.shape[2]),
        spacing=(canonical.spacing[0], canonical.spacing[1], mm),
        origin=(float(first[0]), float(first[1]), float(first[2])),
        direction=canonical.direction,
    )
    return replace(volume, array=np.rint(mean).astype(np.int16), geometry=geometry)


def _shares(old_count: int, old: float, count: int, mm: float) -> npt.NDArray[np.float64]:
    """Part of each new slice (rows) that each old slice (columns) fills; rows sum to 1."""
    old_edges = np.arange(old_count + 1) * old
    new_edges = np.arange(count + 1) * mm
    upper = np.minimum(new_edges[1:, None], old_edges[None, 1:])
    lower = np.maximum(new_edges[:-1, None], old_edges[None, :-1])
    overlap = np.clip(upper - lower, 0.0, None)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True), dtype=np.float64)


def onto(labels: Labels, grid: Geometry) -> Labels:
    """Labels on another grid: each voxel takes the label of the nearest voxel; outside the old grid it is background.

    The axes of both grids must be parallel, in any order and sense.

    Raises:
        UsageError: the grids are turned against each other.
    """
    if labels.geometry.same_grid(grid):
        return labels
    order, canonical = canonical_order(labels.geometry)
    new_order, new = canonical_order(grid)
    if np.abs(new.direction - canonical.direction).max() > 1e-4:
        raise UsageError("The labels' grid is turned against the CT's", "Use labels made from this CT")
    seen = order.view(labels.array)
    start = canonical.to_index(new.origin)
    picks, inside = [], []
    for axis in range(3):
        step = new.spacing[2 - axis] / canonical.spacing[2 - axis]
        index = np.floor(start[axis] + step * np.arange(new.shape[axis]) + 0.5 - 1e-6).astype(int)
        inside.append((index >= 0) & (index < canonical.shape[axis]))
        picks.append(np.clip(index, 0, canonical.shape[axis] - 1))
    within = inside[0][:, None, None] & inside[1][None, :, None] & inside[2]
    taken = seen[np.ix_(*picks)] * within
    array = np.zeros(grid.shape, dtype=np.uint8)
    new_order.view(array)[...] = taken
    return Labels(array, grid)
