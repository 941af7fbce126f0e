"""What the rays of an exposure lose in the CT: line integrals of attenuation, in a tenth of a second on two cores.

The method is Joseph's (IEEE Trans Med Imaging 1982;1:192-6): the CT is cut into the slices that lie most nearly across
the beam, each ray takes one bilinearly interpolated value from each, and the sum is multiplied by the ray's way from
slice to slice. Seen from a point source every slice is a scaled and shifted copy of one plane, so the values of all
rays through a rectangular grid of that plane come from each slice by interpolating rows and then columns (the shear
and warp of Lacroute and Levoy, SIGGRAPH 1994). A cubic spline through the sums then gives the pixels of the detector.

Everything in the CT counts, what would lie behind the detector as well; what lies outside of it counts as air.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.geometry.exposure import Exposure
from spinect_core.image.volume import Geometry, Volume

Picture = npt.NDArray[np.float32]
WATER_PER_MM = 0.02269
"""Linear attenuation of water at 50 keV, about the effective energy of a filtered beam of 80 kV (NIST XCOM: 0.2269 per
cm). Every other voxel is taken to differ from water by as much as on the CT, whose beam is harder: bone stands out a
little less than on a fluoroscope, and the picture shows the CT's own contrast."""
AIR_HU = -1000.0
FINEST_MM = 0.7
"""Voxels are joined, along each of their axes, until the joined ones have about this size across the beam."""
COARSE_MM = 1.2
"""The same along the beam, where the sum is taken anyway."""
MOST_VOXELS = 24_000_000
"""Of a copy; a larger CT is made coarser."""
PIXELS_APART = 2.0
"""The plane's grid is so many pixels of the detector wide, unless voxels are finer."""
MOST_POINTS = 400
"""Of the plane's grid, along an edge."""
LEAST_ACROSS = 0.55
"""Cosine of the largest angle between beam and slice normal; one of the three axes is always below it."""
THREADS = 2
MATTER_HU = -450
"""The patient, and no air or blanket, where the CT ends; as for his skin."""
CUT_APART = 4
SHORT, LONG = 0.8, 80
"""A ray's way through the CT is short below this part of that of this percentile of the rays."""
_ORDERS = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""Which axes of the CT's array are slices, rows and columns."""
_BODY_PART = 0.05
"""Attenuation below this part of water's is air or clothing, for finding what can be cropped."""


@dataclass(frozen=True, eq=False)
class _Stack:
    """The CT as slices along one of its axes.

    Attributes:
        values: attenuation per mm [slice, row, column], with a rim of one voxel of air round every slice.
        grid: of the values, by their own axes: to_index gives (slice, row, column).
        order: which axes of the CT's array slices, rows and columns are.
    """

    values: Picture
    grid: Geometry
    order: tuple[int, int, int]

    @property
    def spacing(self) -> float:
        """Mm from slice to slice."""
        return self.grid.spacing[2 - self.order[0]]

    def to_index(self, points: npt.ArrayLike) -> FloatArray:
        """(slice, row, column) (..., 3) of LPS mm points (..., 3)."""
        return np.asarray(self.grid.to_index(points)[..., list(self.order)])


@dataclass(frozen=True, eq=False)
class _Cut:
    """Where the CT ends within the patient.

    Attributes:
        axis: of the CT's array.
        number: of the outer slice along it.
        matter: [row, column] of that slice, in the order of the other two axes.
        grid: of the CT.
    """

    axis: int
    number: int
    matter: BoolArray
    grid: Geometry

    def crossed(self, source: FloatArray, ends: FloatArray) -> BoolArray:
        """Whether the rays from a source (3,) to ends (..., 3), LPS mm, go through the cut."""
        start, way = self.grid.to_index(source), self.grid.to_index(ends) - self.grid.to_index(source)
        along = np.where(way[..., self.axis] == 0, np.inf, way[..., self.axis])
        place = start + way * ((self.number - start[self.axis]) / along)[..., np.newaxis]
        index = np.rint(np.delete(place, self.axis, axis=-1))
        inside = ((index >= 0) & (index < self.matter.shape)).all(axis=-1)
        row, column = np.moveaxis(np.where(inside[..., np.newaxis], index, 0).astype(np.intp), -1, 0)
        return np.asarray(inside & self.matter[row, column])


@dataclass(frozen=True, eq=False)
class Attenuation:
    """A CT made ready for exposures from any side.

    Attributes:
        grid: of the CT, cropped to what attenuates.
        whole: the grid of the CT.
        stacks: the same values, by the array's axis that the slices follow each other on.
        cuts: the CT's outer slices in which there is matter, so that the patient goes on beyond them.
    """

    grid: Geometry
    whole: Geometry
    stacks: tuple[_Stack, _Stack, _Stack]
    cuts: tuple[_Cut, ...]

    @classmethod
    def of(cls, volume: Volume, *, progress: Progress = silent, cancel: Cancel | None = None) -> Attenuation:
        """Convert, crop and arrange a CT; seconds for a large one, once.

        Args:
            volume: HU; values below -1000 count as -1000, so what scanners fill the corners with is air.
            progress: called with the fraction done (0 to 1) and the stage.
            cancel: asked between the steps.

        Raises:
            MeasurementError: the CT holds nothing but air.
            Cancelled: the user stopped it.
        """
        progress(0.0, "converting the CT for fluoroscopy")
        box = _crop(volume)
        check(cancel)
        grid = volume.geometry
        size = tuple(part.stop - part.start for part in box)
        spacing = np.array(grid.spacing[::-1])
        across, along = _factors(size, spacing)
        stacks = []
        for axis in range(3):
            progress((1 + axis) / 4, "arranging the CT for fluoroscopy")
            check(cancel)
            factors = tuple(along[n] if n == axis else across[n] for n in range(3))
            stacks.append(_stack(volume, box, factors, axis))
        cropped = _grid(grid, size, [part.start for part in box], np.ones(3))
        progress(1.0, "ready for fluoroscopy")
        return cls(cropped, grid, (stacks[0], stacks[1], stacks[2]), _cuts(volume))

    @property
    def bytes(self) -> int:
        """Memory that the copies take."""
        return sum(each.values.nbytes for each in self.stacks)


def line_integrals(attenuation: Attenuation, exposure: Exposure, threads: int = THREADS) -> Picture:
    """What each ray loses: the integral of attenuation along it, without a unit.

    Args:
        attenuation: the CT.
        exposure: the rays.
        threads: at work at the same time; the result depends on it by rounding alone.

    Returns:
        float32 [row, column] of the picture; the part exp(-integral) of the beam arrives.

    Raises:
        MeasurementError: the source would lie within the CT or beside it.
    """
    stack = _across(attenuation, exposure.beam)
    rays = _Rays.of(stack, exposure)
    with ThreadPoolExecutor(threads) as pool:
        slices = [range(start, stack.values.shape[0], threads) for start in range(threads)]
        sums = pool.map(lambda numbers: rays.summed(stack.values, numbers), slices)
        total = np.sum(list(sums), axis=0, dtype=np.float32)
        coefficients = ndimage.spline_filter(total, order=3, output=np.float32, mode="nearest")
        rows = np.array_split(np.arange(exposure.fluoroscope.pixels), threads)
        parts = list(pool.map(lambda numbers: rays.on_detector(coefficients, numbers), rows))
    return np.concatenate(parts)


def cut_off(attenuation: Attenuation, exposure: Exposure) -> BoolArray:
    """Which rays miss much of the patient, because they leave the CT, or enter it, where he goes on.

    They are those through an outer slice with matter in it whose way through the CT is much shorter than that of most
    others. Where all the CT ends within the patient, as at the sides of a small field of view, every ray misses as
    much, and none is told.

    Returns:
        bool [row, column] of the picture, found at every fourth pixel.
    """
    pixels = exposure.fluoroscope.pixels
    line = np.arange(CUT_APART / 2, pixels, CUT_APART)
    ends = exposure.on_detector(np.stack(np.meshgrid(line, line), axis=-1))
    found = np.zeros(ends.shape[:2], dtype=bool)
    for cut in attenuation.cuts:
        found |= cut.crossed(exposure.source, ends)
    way = _way_through(attenuation.whole, exposure.source, ends)
    found &= way < SHORT * np.percentile(way, LONG)
    return np.repeat(np.repeat(found, CUT_APART, axis=0), CUT_APART, axis=1)[:pixels, :pixels]


def _way_through(grid: Geometry, source: FloatArray, ends: FloatArray) -> FloatArray:
    """Mm (...) of the rays from a source (3,) to ends (..., 3) within the outer borders of a grid."""
    start, way = grid.to_index(source), grid.to_index(ends) - grid.to_index(source)
    way = np.where(np.abs(way) < 1e-9, 1e-9, way)
    first = (-0.5 - start) / way
    last = (np.array(grid.shape) - 0.5 - start) / way
    enter, leave = np.minimum(first, last).max(axis=-1), np.maximum(first, last).min(axis=-1)
    return np.asarray(np.maximum(leave - enter, 0) * np.linalg.norm(ends - source, axis=-1))


def _across(attenuation: Attenuation, beam: FloatArray) -> _Stack:
    """The stack of which the beam crosses most slices, among those that it does not meet too obliquely."""
    along = np.abs(attenuation.grid.direction.T @ beam)[::-1]
    crossed = [
        share / each.spacing if share >= LEAST_ACROSS else 0.0
        for share, each in zip(along, attenuation.stacks, strict=True)
    ]
    return attenuation.stacks[int(np.argmax(crossed))]


@dataclass(frozen=True, eq=False)
class _Rays:
    """The rays of an exposure, in the indices of a stack.

    Attributes:
        source: (slice, row, column).
        corner: of the ray through the picture's top left corner: (slice, row, column) from source to detector.
        right: what a pixel to the right adds to it.
        down: what a pixel downwards adds to it.
        plane: number of the slice, whole or not, that holds the grid.
        rows: of the grid's points in that plane.
        columns: of the grid's points in that plane.
        exposure: as given.
    """

    source: FloatArray
    corner: FloatArray
    right: FloatArray
    down: FloatArray
    plane: float
    rows: FloatArray
    columns: FloatArray
    exposure: Exposure

    @classmethod
    def of(cls, stack: _Stack, exposure: Exposure) -> _Rays:
        count, pixels = stack.values.shape[0], exposure.fluoroscope.pixels
        source = stack.to_index(exposure.source)
        if -1.0 <= source[0] <= count:
            raise MeasurementError(
                "The X-ray source would lie within the CT or beside it",
                "Choose a greater distance between source and target, or another view",
            )
        corner, right, down = (
            stack.to_index(exposure.on_detector(pixel)) - source for pixel in ((0, 0), (1, 0), (0, 1))
        )
        right, down = right - corner, down - corner
        plane = float(np.clip(stack.to_index(exposure.target)[0], 0, count - 1))
        edges = np.array([corner + right * x + down * y for x in (0, pixels) for y in (0, pixels)])
        if float((edges[:, 0] * (plane - source[0])).min()) <= 0:
            raise MeasurementError(
                "Part of the picture would not see the patient", "Choose a smaller field of the detector"
            )
        at = source[1:] + edges[:, 1:] * ((plane - source[0]) / edges[:, :1])
        low, high = at.min(axis=0), at.max(axis=0)
        # A pixel's steps on the plane, in voxels of rows and of columns.
        middle = corner + (right + down) * (pixels / 2)
        part = (plane - source[0]) / middle[0]
        step = [max(float(np.hypot(right[n], down[n])) * part, 0.25) * PIXELS_APART for n in (1, 2)]
        rows, columns = (
            np.linspace(low[n], high[n], int(np.clip((high[n] - low[n]) / abs(step[n]) + 2, 8, MOST_POINTS)))
            for n in (0, 1)
        )
        return cls(source, corner, right, down, plane, rows, columns, exposure)

    def summed(self, values: Picture, numbers: range) -> Picture:
        """Sums over slices of these numbers at the points of the grid [row, column]."""
        total = np.zeros((len(self.rows), len(self.columns)), np.float32)
        for number in numbers:
            part = (number - self.source[0]) / (self.plane - self.source[0])
            rows = _Lines.of(self.source[1] + part * (self.rows - self.source[1]), values.shape[1])
            columns = _Lines.of(self.source[2] + part * (self.columns - self.source[2]), values.shape[2])
            if rows is None or columns is None:
                continue
            first = columns.index[0]
            seen = values[number, :, first : columns.index[-1] + 2]
            mixed = _between(seen[rows.index], seen[rows.index + 1], rows.part[:, np.newaxis])
            index = columns.index - first
            before, after = np.take(mixed, index, axis=1), np.take(mixed, index + 1, axis=1)
            total[rows.where, columns.where] += _between(before, after, columns.part)
        return total

    def on_detector(self, coefficients: Picture, rows: npt.NDArray[np.int64]) -> Picture:
        """The integrals [row, column] of these rows of the picture."""
        y = (rows + 0.5)[:, np.newaxis]
        x = (np.arange(self.exposure.fluoroscope.pixels) + 0.5)[np.newaxis]
        slices, down, across = (self.corner[n] + self.right[n] * x + self.down[n] * y for n in range(3))
        scale = (self.plane - self.source[0]) / slices
        places = np.stack(
            [
                _numbers(self.source[1] + down * scale, self.rows),
                _numbers(self.source[2] + across * scale, self.columns),
            ]
        )
        sums = ndimage.map_coordinates(
            coefficients, places, output=np.float32, order=3, prefilter=False, mode="nearest"
        )
        half = self.exposure.fluoroscope.pixels / 2
        away = ((x - half) ** 2 + (y - half) ** 2) * self.exposure.pixel_mm**2
        length = np.sqrt(away + self.exposure.fluoroscope.source_to_detector_mm**2)
        # The spline swings a little beyond the steps at the edge of a body, below nothing too.
        return np.asarray(np.maximum(sums, 0) * (length / np.abs(slices)), dtype=np.float32)


def _between(before: Picture, after: Picture, part: Picture) -> Picture:
    """So far from the one to the other; in the memory of the other."""
    after -= before
    after *= part
    after += before
    return after


def _numbers(places: FloatArray, line: FloatArray) -> FloatArray:
    """Where places lie in an evenly spaced line of numbers, as indices into it."""
    return np.asarray((places - line[0]) * ((len(line) - 1) / (line[-1] - line[0])))


@dataclass(frozen=True, eq=False)
class _Lines:
    """Those of a row of places that lie between two voxels.

    Attributes:
        where: which places.
        index: (n,) the voxel before each.
        part: (n,) of the way to the next voxel.
    """

    where: slice
    index: npt.NDArray[np.intp]
    part: npt.NDArray[np.float32]

    @classmethod
    def of(cls, places: FloatArray, count: int) -> _Lines | None:
        before = np.floor(places)
        inside = np.flatnonzero((before >= 0) & (before < count - 1))
        if len(inside) == 0:
            return None
        where = slice(int(inside[0]), int(inside[-1]) + 1)
        index = before[where].astype(np.intp)
        return cls(where, index, (places[where] - index).astype(np.float32))


def _crop(volume: Volume) -> tuple[slice, slice, slice]:
    """The smallest box of the array that holds all that attenuates."""
    threshold = AIR_HU * (1 - _BODY_PART)
    array = volume.array
    # Slice by slice: the comparison of a whole CT would take as much memory again.
    flat = np.zeros(array.shape[1:], dtype=bool)
    used = np.zeros(array.shape[0], dtype=bool)
    for number, each in enumerate(array):
        matter = each > threshold
        used[number] = matter.any()
        flat |= matter
    found = [np.flatnonzero(line) for line in (used, flat.any(axis=1), flat.any(axis=0))]
    if not len(found[0]):
        raise MeasurementError("The CT shows nothing but air", "Choose another CT")
    z, y, x = (slice(int(line[0]), int(line[-1]) + 1) for line in found)
    return z, y, x


def _cuts(volume: Volume) -> tuple[_Cut, ...]:
    cuts = []
    for axis in range(3):
        for number in (0, volume.array.shape[axis] - 1):
            matter = np.take(volume.array, number, axis=axis) > MATTER_HU
            if matter.any():
                cuts.append(_Cut(axis, number, matter, volume.geometry))
    return tuple(cuts)


def _factors(size: tuple[int, ...], spacing: FloatArray) -> tuple[list[int], list[int]]:
    """How many voxels are joined along each axis of the array, across the beam and along it."""
    finest = FINEST_MM
    while True:
        across = [max(1, round(finest / mm)) for mm in spacing]
        if np.prod([np.ceil(n / by) for n, by in zip(size, across, strict=True)]) <= MOST_VOXELS:
            break
        finest *= 1.2
    return across, [max(by, round(COARSE_MM / mm)) for by, mm in zip(across, spacing, strict=True)]


def _stack(volume: Volume, box: tuple[slice, slice, slice], factors: tuple[int, ...], axis: int) -> _Stack:
    joined = _joined(volume.array[box], factors)
    order = _ORDERS[axis]
    rim = np.array([0 if n == axis else 1 for n in range(3)])
    size = np.array(joined.shape) + 2 * rim
    values = np.zeros(size[list(order)], np.float32)
    values[:, 1:-1, 1:-1] = joined.transpose(order)
    # The middle of the first joined voxel, then one joined voxel back on the axes with a rim.
    first = np.array([part.start for part in box]) + (np.array(factors) - 1) / 2 - rim * factors
    return _Stack(values, _grid(volume.geometry, size, first, np.array(factors)), order)


def _grid(grid: Geometry, size: npt.ArrayLike, first: npt.ArrayLike, factors: npt.ArrayLike) -> Geometry:
    """A grid of voxels that join some of another, from the place of the first one on; all as [z, y, x]."""
    z, y, x = (int(n) for n in np.asarray(size))
    dx, dy, dz = (float(mm) for mm in np.array(grid.spacing) * np.asarray(factors)[::-1])
    left, back, up = (float(mm) for mm in grid.to_patient(first))
    return Geometry((z, y, x), (dx, dy, dz), (left, back, up), grid.direction)


def _joined(hounsfield: npt.NDArray[np.int16], factors: tuple[int, ...]) -> Picture:
    """Attenuation per mm, means over blocks of voxels; what lacks to the last block is air."""
    by = factors
    slices = []
    for start in range(0, hounsfield.shape[0], by[0]):
        block = hounsfield[start : start + by[0]].astype(np.float32)
        np.clip(block, AIR_HU, None, out=block)
        block = (block + np.float32(1000.0)) * np.float32(WATER_PER_MM / 1000.0)
        short = [(0, -length % each) for length, each in zip(block.shape, by, strict=True)]
        short[0] = (0, by[0] - block.shape[0])
        if any(after for _, after in short):
            block = np.pad(block, short)
        if max(by) > 1:
            _z, y, x = block.shape
            block = block.reshape(by[0], y // by[1], by[1], x // by[2], by[2]).mean(axis=(0, 2, 4))[
                np.newaxis
            ]
        slices.append(block)
    return np.concatenate(slices)
