"""Whether numbers can be Hounsfield units, by where air and the tissues of a body lie among them.

Water is 0 and air is -1000 by definition. Fat lies at -120 to -60 and muscle at 30 to 80 (up to 120 with contrast
medium) on every scanner, so that the tallest peak of any part of a body lies between them, and bone, which reaches from
150 to over 1000, is the lesser part. ``docs/guide/open.md`` has the peaks that were measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import FloatArray
from spinect_core.base.progress import Cancel, check
from spinect_core.image.pieces import largest_piece

AIR = -1024
"""What padding is replaced by: it says nothing about the scale."""
BETWEEN = -500
"""Half of the way from water to air: what lies above is body, couch or padding that was not declared."""
FEWEST = 20_000
"""Voxels from which on peaks can be told from noise. What has fewer cannot hold a lumbosacral junction."""
MOST_ALONG = 96
GAS = -900
FEWEST_COMPARED = 200
LEAST_SHARED, FOLLOWS = 0.5, 0.7
"""Share of the emptier of two slices that both have to show, and the correlation of slices that differ in scale."""
BIN = 10
SMOOTH = 2.0
"""Bins: 20 HU."""

AIR_SURE, AIR_ABLE = (-1075.0, -880.0), (-1150.0, -760.0)
"""Where the peak of air lies: without doubt, and at all. The lung alone, with no air beside it, is at -880 to -780."""
BODY_SURE, BODY_ABLE = (-215.0, 200.0), (-260.0, 320.0)
"""Where the tallest peak of a body lies: fat at 40 keV is the lowest, marrow of a young vertebra alone the highest."""
NO_TISSUE = ((-620.0, -215.0), (800.0, 1500.0))
"""Nothing has a peak here: only partial volumes lie between lung and fat, and bone, seen without air, is spread out."""
FAT = (-150.0, -60.0)
DARKEST_WATER = -20.0
"""From here on upwards a lower peak may be water, beside one of muscle."""
CLOSEST = 100.0
"""HU that peaks of fat and muscle cannot be nearer to each other than."""
DENSE, DENSE_SURE, DENSE_ABLE = 700, 0.2, 0.4
"""Cortical bone and metal, and the share of a body that may be so dense."""
LOWEST_TISSUE = -30
"""There is always something below: fat, gas, or the noise of water."""
BONE = 250
"""One voxel in a thousand is brighter, wherever there is bone."""
NARROWEST = 150
"""HU between the darkest and the brightest part of a body: fat and bone are farther apart."""


@dataclass(frozen=True)
class Doubt:
    """Why numbers may not be Hounsfield units.

    Attributes:
        text: what was measured and what was expected, a sentence without its full stop.
        refuse: whether they cannot be; otherwise they may, but not without a word.
        explained: whether one mistake with all values explains it.
    """

    text: str
    refuse: bool = True
    explained: bool = False


@dataclass(frozen=True)
class Peaks:
    """What the histogram of a CT shows.

    Attributes:
        air: HU of the lowest peak under -500, None where there is no air.
        body: HU of the tallest peak of the largest connected piece above -500.
        all: peaks of all voxels at least a tenth as tall as the tallest, from the lowest.
        dense: share of it above 700 HU.
        bright: HU that one voxel in a thousand lies above.
        low: HU that 2 % of all voxels lie under.
        lowest: HU that one voxel in a thousand lies under.
        spread: HU between the lowest and the highest half per cent.
    """

    air: float | None
    body: float
    all: tuple[float, ...]
    dense: float
    bright: float
    low: float
    lowest: float
    spread: float


def thinned(array: npt.NDArray[Any], most: int = MOST_ALONG) -> npt.NDArray[Any]:
    """Every n-th voxel along each axis, so that at most ``most`` are left along it."""
    steps = tuple(slice(None, None, max(1, -(-n // most))) for n in array.shape)
    return array[steps]


def measure_peaks(values: npt.NDArray[Any]) -> Peaks | None:
    """Measure the peaks of a thinned volume; None if too little of it is picture and not padding.

    Args:
        values: [z, y, x], padding as -1024.
    """
    picture = values != AIR
    if np.count_nonzero(picture) < FEWEST // 4:
        return None
    shown = values[picture].astype(np.float64)
    above = picture & (values > BETWEEN)
    # Without the couch and what lies beside the patient.
    body = values[largest_piece(above)].astype(np.float64)
    below = shown[shown <= BETWEEN]
    lowest, dark, low, bright, brightest = np.percentile(shown, (0.1, 0.5, 2, 99.5, 99.9))
    peaks = _peaks(body, BETWEEN, 4096) if body.size else []
    by_height = sorted(peaks, key=lambda peak: -peak[1])
    air = None
    if below.size >= 0.015 * shown.size:
        under = [peak for peak in _peaks(below, float(below.min()), BETWEEN) if peak[0] < BETWEEN - 2 * BIN]
        air = under[0][0] if under else None
    return Peaks(
        air=air,
        body=by_height[0][0] if by_height else float(np.median(body)) if body.size else float(BETWEEN),
        all=tuple(place for place, _ in _peaks(shown, -1500, 4096)),
        dense=float(np.mean(body > DENSE)) if body.size else 0.0,
        bright=float(brightest),
        low=float(low),
        lowest=float(lowest),
        spread=float(bright - dark),
    )


def _peaks(values: FloatArray, start: float, stop: float) -> list[tuple[float, float]]:
    """Places of the peaks of a smoothed histogram, and how high each is above the deepest valley beside it."""
    stop = max(stop, start + 20 * BIN)
    counts, edges = np.histogram(np.clip(values, start, stop), bins=np.arange(start, stop + BIN, BIN))
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), SMOOTH, mode="constant")
    highest = float(smooth.max())
    found = []
    for i in range(smooth.size):
        left = smooth[i - 1] if i else 0.0
        right = smooth[i + 1] if i + 1 < smooth.size else 0.0
        if smooth[i] > left and smooth[i] >= right and smooth[i] >= 0.1 * highest:
            found.append((float(edges[i] + BIN / 2), float(smooth[i] / highest)))
    return found


def judge(values: npt.NDArray[Any]) -> Doubt | None:
    """What speaks against a thinned volume being in Hounsfield units; None if nothing does.

    Args:
        values: [z, y, x], padding as -1024. Fewer than 20,000 are not judged.
    """
    if values.size < FEWEST:
        return None
    peaks = measure_peaks(values)
    if peaks is None:
        return None
    doubts = [found for test in _TESTS if (found := test(peaks)) is not None]
    worst = next((doubt for doubt in doubts if doubt.refuse), None)
    if worst is None:
        return doubts[0] if doubts else None
    why = _explained(values)
    return replace(worst, text=f"{worst.text}{why}", explained=bool(why))


def _narrow(peaks: Peaks) -> Doubt | None:
    if peaks.spread >= NARROWEST:
        return None
    return Doubt(
        f"99 % of the values lie within {peaks.spread:.4g} of each other; fat, muscle and bone are some 500 HU apart"
    )


def _air(peaks: Peaks) -> Doubt | None:
    if peaks.air is None or AIR_SURE[0] <= peaks.air <= AIR_SURE[1]:
        return None
    sure = not AIR_ABLE[0] <= peaks.air <= AIR_ABLE[1]
    return Doubt(f"the peak of air lies at {peaks.air:.0f} instead of about -1000", refuse=sure)


def _between(peaks: Peaks) -> Doubt | None:
    ranges = NO_TISSUE if peaks.air is None else NO_TISSUE[:1]
    wrong = [place for place in peaks.all if any(low < place < high for low, high in ranges)]
    if not wrong:
        return None
    return Doubt(
        f"there is a peak at {max(wrong):.0f}, and air has its peak at -1000, fat at about -100, muscle at about 50, "
        "bone none"
    )


def _body(peaks: Peaks) -> Doubt | None:
    if BODY_SURE[0] <= peaks.body <= BODY_SURE[1]:
        return None
    sure = not BODY_ABLE[0] <= peaks.body <= BODY_ABLE[1]
    return Doubt(
        f"the tallest peak of the body lies at {peaks.body:.0f}; fat lies at about -100 and muscle at about 50",
        refuse=sure,
    )


def _fat(peaks: Peaks) -> Doubt | None:
    """Where there are two peaks of soft tissue, the lower is fat."""
    soft = [place for place in peaks.all if NO_TISSUE[0][1] <= place <= BODY_ABLE[1]]
    if len(soft) < 2 or soft[0] > DARKEST_WATER or FAT[0] <= soft[0] <= FAT[1]:
        return None
    return Doubt(
        f"the peak of fat lies at {soft[0]:.0f} instead of about -100, the next one at {soft[1]:.0f}",
        refuse=soft[0] > FAT[1] and soft[1] - soft[0] < CLOSEST,
    )


def _dense(peaks: Peaks) -> Doubt | None:
    if peaks.dense <= DENSE_SURE:
        return None
    return Doubt(
        f"{peaks.dense:.0%} of the body lie above {DENSE}, where only cortical bone and metal do",
        refuse=peaks.dense > DENSE_ABLE,
    )


def _lowest(peaks: Peaks) -> Doubt | None:
    """A part of a body without gas and fat still has noise about its water."""
    if peaks.low <= LOWEST_TISSUE:
        return None
    return Doubt(
        f"98 % of the values lie above {peaks.low:.4g}: neither air (-1000) nor fat (about -100) is there",
        refuse=peaks.lowest >= 0,
    )


def _bone(peaks: Peaks) -> Doubt | None:
    if peaks.bright >= BONE:
        return None
    return Doubt(
        f"999 of 1000 voxels lie below {peaks.bright:.0f}: nothing is as bright as bone, which reaches to over 500",
        refuse=False,
    )


_TESTS: tuple[Callable[[Peaks], Doubt | None], ...] = (
    _narrow,
    _air,
    _between,
    _body,
    _fat,
    _dense,
    _lowest,
    _bone,
)


def _explained(values: npt.NDArray[Any]) -> str:
    """What may have happened to the values, where one simple mistake explains all that was measured."""
    low, high = float(values[values != AIR].min()), float(values.max())
    if low >= -1.0001 and high <= 1.0001:
        return f"; the values run from {low:.3g} to {high:.3g}, as they are scaled for a network"
    if low >= 0 and 200 <= high <= 255.5:
        return f"; the values run from {low:.4g} to {high:.4g}, the grey levels of an 8-bit picture"
    numbers = values.astype(np.float64)
    if high > 60_000 and _fits(values, np.where(numbers > 32_767, numbers - 65_536, numbers)):
        return "; negative numbers lost their sign when they were stored"
    lowest = _lowest_peak(numbers)
    for offset in sorted((1024, 1000, -1024, -1000), key=lambda shift: abs(lowest - shift + 1000)):
        if (fat := _fits(values, numbers - offset)) is not None:
            way = "high" if offset > 0 else "low"
            return f"; all values are {abs(offset)} too {way}: the peak at {fat + offset:.0f} is fat or water"
    factor = abs(lowest) / 1000
    if lowest < 0 and not 0.9 < factor < 1.1 and (fat := _fits(values, numbers / factor)) is not None:
        way = f"{factor:.2g} times too large" if factor > 1 else f"{1 / factor:.2g} times too small"
        return f"; all values are about {way}: the peak at {fat * factor:.0f} is fat or water"
    return "; light and dark are exchanged" if _fits(values, -numbers) is not None else ""


def _fits(values: npt.NDArray[Any], tried: FloatArray) -> float | None:
    """The lowest peak of soft tissue if these numbers would do instead of the values; None if they would not."""
    peaks = measure_peaks(np.where(values == AIR, AIR, tried))
    if peaks is None or any(test(peaks) is not None for test in _TESTS):
        return None
    soft = [place for place in (*peaks.all, peaks.body) if BODY_SURE[0] <= place <= BODY_SURE[1]]
    return min(soft)


def _lowest_peak(values: FloatArray) -> float:
    """Where the lowest peak of any size lies, on a scale of the values' own."""
    shown = values[values != AIR]
    start, stop = np.percentile(shown, (0.1, 99.9))
    counts, edges = np.histogram(shown, bins=256, range=(float(start), float(max(stop, start + 1))))
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), 2, mode="constant")
    tall = [
        i
        for i in range(smooth.size)
        if smooth[i] >= 0.1 * smooth.max()
        and smooth[i] >= smooth[max(0, i - 1)]
        and smooth[i] >= smooth[min(smooth.size - 1, i + 1)]
    ]
    return float((edges[tall[0]] + edges[tall[0] + 1]) / 2)


@dataclass(frozen=True)
class Step:
    """How two neighbouring slices differ.

    Attributes:
        place: index z of the first of them.
        other: index z of the second, the next that is not empty.
        shift: median difference, second less first, of what both show.
        related: correlation of their values, from -1 to 1.
        ratio: how much more the values of the second are spread than those of the first, or the other way round; at
            least 1.
        shown: how many voxels of the slice that shows more are not air, of a thinned slice.
    """

    place: int
    other: int
    shift: float
    related: float
    ratio: float
    shown: int


def steps(array: npt.NDArray[Any], cancel: Cancel | None = None) -> tuple[list[Step], list[int]]:
    """Compare each slice with the next one.

    Args:
        array: [z, y, x], padding as -1024.
        cancel: asked for every slice.

    Returns:
        The differences, without those of slices that show too little; and the slices whose voxels all have one value.
    """
    found: list[Step] = []
    empty: list[int] = []
    before: _Thin | None = None
    for z in range(array.shape[0]):
        check(cancel)
        values = thinned(array[z]).astype(np.float64)
        if values.min() == values.max():
            empty.append(z)
            continue
        here = _Thin(z, ndimage.uniform_filter(values, 3), values != AIR)
        if before is not None and (step := _step(before, here)) is not None:
            found.append(step)
        before = here
    enough = 0.25 * float(np.median([step.shown for step in found])) if found else 0.0
    return [step for step in found if step.shown >= enough], empty


@dataclass(frozen=True)
class _Thin:
    """A slice to compare: its index z, its thinned values [y, x] without most of their noise, and what is picture."""

    place: int
    values: FloatArray
    picture: npt.NDArray[np.bool_]


def _step(one: _Thin, two: _Thin) -> Step | None:
    """The difference of two thinned slices; None where there is too little to compare.

    A field of view that ends, or a body that moves on, is a change of what is shown and none of the scale: slices are
    compared where both show something. Where a wrong scale leaves next to nothing of one of them, all that either
    shows is compared, and counts if the one still follows the other.
    """
    first, second = one.values, two.values
    picture = one.picture & two.picture
    solid = [picture & (each > GAS) for each in (first, second)]
    sizes = [int(np.count_nonzero(each)) for each in solid]
    either, both = solid[0] | solid[1], solid[0] & solid[1]
    whole = _compared(first[either], second[either])
    shared = _compared(first[both], second[both])
    if shared is not None and np.count_nonzero(both) >= LEAST_SHARED * min(sizes):
        shift, related, ratio = shared
        if whole is not None:
            related = max(related, whole[1])
    elif whole is not None and abs(whole[1]) >= FOLLOWS:
        shift, related, ratio = whole
    else:
        return None
    return Step(one.place, two.place, shift, related, ratio, max(sizes))


def _compared(a: FloatArray, b: FloatArray) -> tuple[float, float, float] | None:
    """Shift, correlation and ratio of the spreads of two lists of values; None if there is too little in them."""
    if a.size < FEWEST_COMPARED:
        return None
    spreads = float(a.std()), float(b.std())
    if min(spreads) == 0:
        return None
    related = float(((a - a.mean()) * (b - b.mean())).mean() / (spreads[0] * spreads[1]))
    return float(np.median(b - a)), related, max(spreads) / min(spreads)
