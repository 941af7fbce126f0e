"""From the CT's own grid to 1 mm voxels whose axes run as nearly as they can to L, P and S, and back.

The 1 mm grid starts at the outer corner of the CT, taken in canonical axis order, so that a CT stored in any
of the 48 axis orientations gives the same array bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.interpolate import make_interp_spline

from spinect_core.image.volume import Geometry, Labels

IndexArray = npt.NDArray[np.intp]

GRID_MM = 1.0
"""The network's; labels on finer or coarser grids are brought to it, so that every measurement sees the same."""

ROUNDING_MM = 1e-6

COARSE_MM = 1.5
"""Between voxels that are longer than this the CT is interpolated where that is asked for."""

PLACES = 8
"""How many places of a cube an interpolated CT is sampled at, along each axis."""

NOTHING = 1e-6
"""A voxel's share in a cube that is as good as none: a thousandth of a Hounsfield unit."""


@dataclass(frozen=True)
class AxisOrder:
    """How the array axes of a CT are permuted and flipped to run to S, P and L.

    Attributes:
        axes: for each canonical array axis (z, y, x), the array axis of the CT that becomes it.
        flipped: for each canonical array axis, whether it runs against the CT's.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def view(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The array [z, y, x] with canonical axes: a view, so that writing to it writes to ``array``."""
        steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)
        return array.transpose(self.axes)[steps]


def canonical_order(geometry: Geometry) -> tuple[AxisOrder, Geometry]:
    """The order that brings a grid's axes nearest to L, P, S, and the grid seen in that order.

    Between two orders that are equally near (a grid turned by exactly 45 degrees) the direction matrix
    decides, not the order of storage.
    """
    direction = geometry.direction

    def nearness(order: tuple[int, ...]) -> tuple[Any, ...]:
        columns = direction[:, list(order)]
        columns = columns * np.where(np.diag(columns) < 0, -1.0, 1.0)
        return (round(float(np.trace(columns)), 6), *np.round(columns, 6).ravel().tolist())

    best = max(permutations(range(3)), key=nearness)  # best[p]: the CT's column along patient axis p
    columns = direction[:, list(best)]
    negative = np.diag(columns) < 0
    order = AxisOrder(
        axes=(2 - best[2], 2 - best[1], 2 - best[0]),
        flipped=(bool(negative[2]), bool(negative[1]), bool(negative[0])),
    )
    first = np.zeros(3)
    for axis, flip in zip(order.axes, order.flipped, strict=True):
        first[axis] = geometry.shape[axis] - 1 if flip else 0
    return order, Geometry(
        shape=(geometry.shape[order.axes[0]], geometry.shape[order.axes[1]], geometry.shape[order.axes[2]]),
        spacing=(geometry.spacing[best[0]], geometry.spacing[best[1]], geometry.spacing[best[2]]),
        origin=_rounded(geometry.to_patient(first)),
        direction=columns * np.where(negative, -1.0, 1.0) + 0.0,
    )


def _rounded(point: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """A point without the last bits, which depend on the order of storage."""
    x, y, z = (round(float(value) / ROUNDING_MM) * ROUNDING_MM for value in point)
    return x, y, z


def regular_grid(canonical: Geometry, step: float) -> Geometry:
    """The grid of ``step`` mm cubes that covers a canonical grid, corner on corner."""
    z, y, x = (
        max(1, math.ceil(count * spacing / step - ROUNDING_MM))
        for count, spacing in zip(canonical.shape, canonical.spacing[::-1], strict=True)
    )
    corner = canonical.to_patient((-0.5, -0.5, -0.5))
    return Geometry(
        shape=(z, y, x),
        spacing=(step, step, step),
        origin=_rounded(corner + canonical.direction @ np.full(3, step / 2)),
        direction=canonical.direction,
    )


def nearest_voxels(count: int, spacing: float, step: float, start: int, stop: int) -> IndexArray:
    """Along one axis: the CT voxel nearest to the centre of each cube ``start`` to ``stop`` of the regular grid."""
    centres = (np.arange(start, stop) + 0.5) * step
    return np.asarray(np.minimum(np.floor(centres / spacing + ROUNDING_MM), count - 1), dtype=np.intp)


def containing_cubes(count: int, spacing: float, step: float, start: float = 0.0) -> IndexArray:
    """Along one axis: which cube contains the centre of each CT voxel, the first beginning ``start`` cubes along."""
    centres = (np.arange(count) + 0.5) * spacing
    return np.asarray(np.floor(centres / step - start + ROUNDING_MM), dtype=np.intp)


def resample(
    array: npt.NDArray[Any],
    order: AxisOrder,
    canonical: Geometry,
    step: float,
    start: tuple[int, int, int],
    stop: tuple[int, int, int],
) -> npt.NDArray[Any]:
    """Cubes ``start`` to ``stop`` (z, y, x) of the regular grid, each with the value of the nearest CT voxel."""
    picks = [
        nearest_voxels(canonical.shape[axis], canonical.spacing[2 - axis], step, start[axis], stop[axis])
        for axis in range(3)
    ]
    seen = order.view(array)
    # One axis after the other keeps the working copy small when the CT is much finer than the grid.
    for axis in np.argsort([len(pick) / canonical.shape[axis] for axis, pick in enumerate(picks)]):
        seen = seen.take(picks[axis], axis=axis)
    return np.ascontiguousarray(seen)


def cube_means(
    array: npt.NDArray[Any],
    order: AxisOrder,
    canonical: Geometry,
    step: float,
    start: tuple[float, float, float],
    stop: tuple[float, float, float],
    *,
    interpolated: bool = False,
) -> npt.NDArray[np.float32]:
    """Cubes ``start`` to ``stop`` (z, y, x) of the regular grid, each with the mean of the CT within it.

    Both may lie between whole cubes, a whole number of cubes apart.

    Where the CT's voxels are the cubes, these are the values of :func:`resample`. On a finer CT the noise is less and
    nothing that the CT measured is left out. A cube that reaches beyond the CT takes the mean of its part inside.

    Args:
        array: on the CT's own grid.
        order: of its axes.
        canonical: the CT's grid in that order.
        step: mm, edge of a cube.
        start: first cube (z, y, x).
        stop: after the last one.
        interpolated: along axes whose voxels are longer than :data:`COARSE_MM` take the mean of the cubic spline
            through the voxels' centres, and not of steps. For what is smooth by nature, such as Hounsfield units.
    """
    seen = order.view(array)
    shares = []
    for axis in range(3):
        count, spacing = canonical.shape[axis], canonical.spacing[2 - axis]
        between = _spline_shares if interpolated and spacing > COARSE_MM and count > 1 else _voxel_shares
        taken, share = between(count, spacing, step, start[axis], stop[axis])
        seen = seen[(*[slice(None)] * axis, taken)]
        shares.append(share)
    # In one order of memory, whatever that of the CT: the sums then have the same last bits.
    means = np.ascontiguousarray(seen, dtype=np.float32)
    for axis in np.argsort([len(share) / share.shape[1] for share in shares]):
        means = np.moveaxis(np.tensordot(shares[axis], means, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(means)


def _voxel_shares(
    count: int, spacing: float, step: float, start: float, stop: float
) -> tuple[slice, npt.NDArray[np.float32]]:
    """Along one axis: which CT voxels the cubes ``start`` to ``stop`` overlap, and what each counts in each cube."""
    low = (start + np.arange(round(stop - start)))[:, None] * step
    first = max(int(np.floor(start * step / spacing + ROUNDING_MM)), 0)
    last = min(int(np.ceil(stop * step / spacing - ROUNDING_MM)), count)
    edge = np.arange(first, last) * spacing
    overlap = np.minimum(low + step, edge + spacing) - np.maximum(low, edge)
    # What only touches the cube within rounding must not count, or equal grids would not stay equal.
    overlap = np.where(overlap > ROUNDING_MM, overlap, 0.0)
    return slice(first, last), (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)


def _spline_shares(
    count: int, spacing: float, step: float, start: float, stop: float
) -> tuple[slice, npt.NDArray[np.float32]]:
    """The same for the cubic spline through the voxels' centres, which goes on level beyond the outermost."""
    centres = (np.arange(count) + 0.5) * spacing
    cubes = start + np.arange(round(stop - start))
    places = (cubes[:, None] + (np.arange(PLACES) + 0.5) / PLACES) * step
    spline = make_interp_spline(centres, np.eye(count), k=3 if count > 3 else 1)
    shares = spline(np.clip(places, centres[0], centres[-1])).mean(axis=1)
    used = np.flatnonzero((np.abs(shares) > NOTHING).any(axis=0))
    taken = slice(int(used[0]), int(used[-1]) + 1)
    return taken, shares[:, taken].astype(np.float32)


def on_regular_grid(labels: Labels, step: float, margin_mm: float = 5.0) -> Labels:
    """Labels on cubes of ``step`` mm, cut to what is labelled and a margin; nearest neighbour, as the network's input.

    Args:
        labels: on any grid.
        step: mm.
        margin_mm: of background left round the labelled part.
    """
    order, canonical = canonical_order(labels.geometry)
    grid = regular_grid(canonical, step)
    whole = resample(labels.array, order, canonical, step, (0, 0, 0), grid.shape)
    found = ndimage.find_objects((whole > 0).astype(np.uint8))
    if not found:
        return Labels(whole, grid)
    margin = math.ceil(margin_mm / step)
    box = tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, count))
        for part, count in zip(found[0], whole.shape, strict=True)
    )
    cut = np.ascontiguousarray(whole[box])
    first = grid.to_patient([part.start for part in box])
    z, y, x = cut.shape
    origin = (float(first[0]), float(first[1]), float(first[2]))
    return Labels(cut, Geometry((z, y, x), grid.spacing, origin, grid.direction))
