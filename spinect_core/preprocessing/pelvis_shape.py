"""How much a part of a CT looks like a lumbosacral spine between its ilia, as one number, whatever its size.

The pattern is the cortex of the atlas's bones about L5/S1, blurred: in thin bone the cortex is all that is bright, and
in dense bone it still is the brightest. It is compared with the CT by the correlation of both where they overlap, so
that a cut field of view neither helps nor harms: first at every place and in several sizes, then from the best places
on with all that differs between patients: place, width, depth and height, pelvic tilt, leaning or turning to a side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import fft, ndimage, optimize
from scipy.spatial.transform import Rotation

from spinect_core.base.assets import asset
from spinect_core.base.decimal_point import keep_decimal_point
from spinect_core.image.volume import BONE, Geometry, geometry_from_sitk

STEP_MM = 6.0
"""Of the grid on which patterns are compared."""

HALF_MM = (78.0, 66.0, 96.0)
"""Half the size (z, y, x) of the pattern; the atlas has nothing beyond."""

SIZES = (0.85, 0.95, 1.05, 1.17)
"""In which the pattern is looked for everywhere; the smallest is that of a child of about ten years."""

PROMISING = 0.36
"""No pelvis was ever seen where the likeness is below this before turns and sizes along each axis are fitted."""

SURELY_PROMISING = 0.45
"""The same where only a pelvis that is hard to overlook matters."""

LEAST_COVER = 0.45
"""Part of the pattern that must lie within the CT."""

# In the atlas: at the disc's height, half-way from its front to the spinous processes.
_MIDDLE_LPS = (-1.0, 12.0, 0.0)
_CORTEX_MM = 2  # of the atlas's bones that counts as cortex
_CANCELLOUS = 0.15  # what the bone within counts in comparison
_BLUR_MM = 3.0
_SOFT_HU, _RISE_HU = 60.0, 150.0  # where bone begins to count, and over how much more it counts in full
_BENDING = 0.005  # taken off for departures from the usual: a pattern can be bent onto much
_APART_MM = 60.0  # two places nearer to each other are one
_STARTS = 3
_HOPELESS = 0.15  # what fits worse by so much to begin with does not fit best in the end
_FLAT = 1e-6
Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Likeness:
    """Where the CT looks most like the pattern.

    Attributes:
        index: (z, y, x) of the pattern's middle on the 3 mm copy, not whole.
        score: correlation there, up to 1.
        sizes: of the case relative to the atlas along (z, y, x).
    """

    index: npt.NDArray[np.float64]
    score: float
    sizes: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class _Pattern:
    """The blurred cortex of the atlas [z, y, x], mm per voxel, and where its middle lies in it."""

    array: Array
    middle: npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def _pattern() -> _Pattern:
    keep_decimal_point()
    image = sitk.ReadImage(str(Path(asset("atlas")) / "labels.nii.gz"))
    grid: Geometry = geometry_from_sitk(image)
    bone = sitk.GetArrayFromImage(image) == BONE
    within = ndimage.binary_erosion(bone, iterations=_CORTEX_MM)
    blurred = ndimage.gaussian_filter((bone & ~within) + np.float32(_CANCELLOUS) * within, _BLUR_MM)
    return _Pattern(np.asarray(blurred, dtype=np.float32), grid.to_index(np.array(_MIDDLE_LPS)))


def _places(size: float) -> npt.NDArray[np.float64]:
    """The places (3, z, y, x), mm from its middle, of a pattern ``size`` times as large, on the grid of comparing."""
    axes = [np.arange(-k, k + 1) * STEP_MM for k in (int(half * size / STEP_MM) for half in HALF_MM)]
    return np.array(np.meshgrid(*axes, indexing="ij"))


@lru_cache(maxsize=len(SIZES))
def _sized(size: float) -> Array:
    pattern = _pattern()
    places = pattern.middle[:, None, None, None] + _places(size) / size
    return np.asarray(ndimage.map_coordinates(pattern.array, places, order=1, mode="nearest"), np.float32)


def bright(hounsfield: Array) -> Array:
    """How much each cell of the 3 mm copy is bone, 0 to 1, slightly blurred."""
    share = np.clip((hounsfield - _SOFT_HU) / _RISE_HU, 0, 1)
    return np.asarray(ndimage.gaussian_filter(share, 0.7), dtype=np.float32)


def likeness(bone: Array, step_mm: float, promising: float = PROMISING) -> Likeness | None:
    """Where and how much the CT looks like the pattern; None where it is too small or has no bone.

    Args:
        bone: of :func:`bright`, [z, y, x], axes to S, P, L.
        step_mm: mm of its cells.
        promising: where no place is as alike as this at first, nothing is fitted.
    """
    factor = round(STEP_MM / step_mm)
    coarse = _means(bone, factor)
    found: list[tuple[float, npt.NDArray[np.float64], float]] = []
    for size in SIZES:
        scores = _scores(coarse, _sized(size))
        place = np.unravel_index(int(np.argmax(scores)), scores.shape)
        for _ in range(_STARTS):
            found.append((float(scores[place]), np.array(place, dtype=np.float64), size))
            reach = round(_APART_MM / STEP_MM)
            scores[tuple(slice(max(p - reach, 0), p + reach + 1) for p in place)] = -1
            place = np.unravel_index(int(np.argmax(scores)), scores.shape)
    found = [each for each in sorted(found, key=lambda each: -each[0]) if each[0] > 0]
    if not found:
        return None
    score, first, size = found[0]
    if score < promising:
        return Likeness(first * factor + (factor - 1) / 2, score, (size, size, size))
    starts = [each for each in _apart(found) if each[0] > found[0][0] - _HOPELESS][:_STARTS]
    refined = [_refined(coarse, place, size) for _, place, size in starts]
    best = max(refined, key=lambda each: each.score)
    return Likeness(best.index * factor + (factor - 1) / 2, best.score, best.sizes)


def _apart(
    found: list[tuple[float, npt.NDArray[np.float64], float]],
) -> list[tuple[float, npt.NDArray[np.float64], float]]:
    """The best of those that lie together."""
    kept: list[tuple[float, npt.NDArray[np.float64], float]] = []
    for each in found:
        if all(np.linalg.norm(each[1] - other[1]) * STEP_MM > _APART_MM / 2 for other in kept):
            kept.append(each)
    return kept


def _means(array: Array, factor: int) -> Array:
    """Means of cubes of ``factor`` cells; what is left at the far ends repeats the last one."""
    wider = np.pad(array, [(0, -count % factor) for count in array.shape], mode="edge")
    z, y, x = (count // factor for count in wider.shape)
    cubes = wider.reshape(z, factor, y, factor, x, factor)
    return np.asarray(cubes.mean(axis=(1, 3, 5)), dtype=np.float32)


def _scores(bone: Array, pattern: Array) -> Array:
    """Correlation of the pattern with the CT under it, its middle at each cell; -1 where too little is covered."""
    shape = [a + b - 1 for a, b in zip(bone.shape, pattern.shape, strict=True)]
    fast = [fft.next_fast_len(count, real=True) for count in shape]
    count = _seen_sums(np.ones_like(pattern), bone.shape)
    crossed = fft.irfftn(fft.rfftn(bone, fast) * fft.rfftn(pattern[::-1, ::-1, ::-1], fast), fast)
    start = [(n - 1) // 2 for n in pattern.shape]
    crossed = crossed[tuple(slice(s, s + n) for s, n in zip(start, bone.shape, strict=True))]
    here, here2 = _box_sums(bone, pattern.shape), _box_sums(bone**2, pattern.shape)
    seen, seen2 = _seen_sums(pattern, bone.shape), _seen_sums(pattern**2, bone.shape)
    spread = np.maximum(here2 - here**2 / count, _FLAT) * np.maximum(seen2 - seen**2 / count, _FLAT)
    scores = (crossed - here * seen / count) / np.sqrt(spread)
    # Where there is hardly any bone, what little there is says nothing.
    enough = (count >= LEAST_COVER * pattern.size) & (here2 - here**2 / count > 1.0)
    return np.asarray(np.where(enough, scores, -1), dtype=np.float32)


def _box_sums(array: Array, box: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Sums of the CT under the pattern's box about each cell, nothing beyond the CT."""
    sums = array.astype(np.float64)
    for axis, size in enumerate(box):
        sums = ndimage.convolve1d(sums, np.ones(size), axis=axis, mode="constant")
    return np.asarray(sums)


def _seen_sums(pattern: Array, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Sums of the part of the pattern that lies within the CT, its middle at each cell."""
    sums = np.pad(pattern.astype(np.float64), [(1, 0)] * 3).cumsum(0).cumsum(1).cumsum(2)
    ends = []
    for size, count in zip(pattern.shape, shape, strict=True):
        first = np.arange(count) - size // 2
        ends.append((np.maximum(-first, 0), np.minimum(count - first, size)))
    total = np.zeros(shape)
    for corner in np.ndindex(2, 2, 2):
        picked = sums[np.ix_(*(pair[1 - end] for pair, end in zip(ends, corner, strict=True)))]
        total += picked * (-1) ** sum(corner)
    return total


def _refined(bone: Array, place: npt.NDArray[np.float64], size: float) -> Likeness:
    """From one place on, all that differs between patients."""
    pattern = _pattern()
    at = _places(1.0).reshape(3, -1)[:, ::2]  # neighbours are much alike
    wanted = ndimage.map_coordinates(pattern.array, pattern.middle[:, None] + at, order=1, mode="nearest")
    limit = np.array(bone.shape)[:, None] - 0.5

    def where(guess: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        turn = Rotation.from_euler("xyz", guess[6:9] * 10, degrees=True).as_matrix()
        scaled = at * (size * np.exp(guess[3:6] * 0.1))[:, None]
        return np.asarray((place + guess[:3])[:, None] + turn @ scaled / STEP_MM)

    def covered(index: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return np.asarray(((index > -0.5) & (index < limit)).all(axis=0))

    # Fitting must not turn away from what contradicts it.
    least = min(LEAST_COVER, float(covered(where(np.zeros(9))).mean()))

    def miss(guess: npt.NDArray[np.float64]) -> float:
        index = where(guess)
        inside = covered(index)
        if inside.mean() < least:
            return 1.0
        here = ndimage.map_coordinates(bone, index[:, inside], order=1, mode="nearest")
        there = wanted[inside]
        here, there = here - here.mean(), there - there.mean()
        power = float((here**2).sum() * (there**2).sum())
        alike = float((here * there).sum()) / float(np.sqrt(max(power, _FLAT)))
        return _BENDING * float((guess[3:] ** 2).sum()) - alike

    found = optimize.minimize(
        miss,
        np.zeros(9),
        method="Powell",
        bounds=[(-3, 3)] * 3 + [(-1.5, 1.5)] * 3 + [(-2.5, 2.5)] * 3,
        options={"maxfev": 350, "xtol": 0.05, "ftol": 1e-3},
    )
    z, y, x = (float(s) for s in size * np.exp(found.x[3:6] * 0.1))
    return Likeness(place + found.x[:3], -float(found.fun), (z, y, x))
