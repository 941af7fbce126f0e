"""From stored numbers to Hounsfield units, and whether they can be Hounsfield units at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, check
from spinect_core.base.reasons import times
from spinect_core.image.volume import Geometry
from spinect_core.io.reading.options import ASSUME_HU, NO_OPTIONS, ReadOptions
from spinect_core.io.reading.series import SMALLEST_SIDE, Finding, name_some
from spinect_core.io.reading.tissue import AIR, FEWEST, GAS, Step, judge, steps, thinned

PADDING_BELOW = -1500
"""No tissue and no noise lies here: scanners store the outside of their field of view as -2000 or -3024."""
SOFT_TISSUE_FROM = -200
STRAY = 0.05
"""Share of a slice that may lie there and be no padding: streaks beside metal, and the edge of resampled padding."""
INT16 = np.iinfo(np.int16)

FARTHEST_SHIFT = 450
"""HU between neighbouring slices; 263 were measured between slabs of a phantom, 97 at the end of a joined series."""
LEAST_RELATED = -0.2
CUT_LOW_SHARE, CUT_HIGH_SHARE = 0.02, 0.001
"""Shares of voxels at the very lowest and highest value that noise does not explain."""
BESIDE, HEAPED = 50, 5.0
"""So many HU beside the end, and so many times more at it than at one of them."""
TISSUE_CUT, BONE_CUT, CORTEX_CUT = -250, 600, 1500
"""Values cut off above the first, or below the second, leave no fat or no bone; below the third some cortex is lost."""
TOPS: Mapping[float, int] = {2047.0: 12, 3071.0: 12, 3095.0: 12}
"""HU at the top of 12 bits, with and without a sign, and the bits."""
FEWEST_AT_TOP = 10

_REMEDY = (
    "Export the CT again from the scanner or the archive as Hounsfield units, or take the numbers as they are"
)


class HounsfieldError(ReadingError):
    """Numbers that are not Hounsfield units, or do not look like them; the user may take them for such all the same.

    Args:
        text: what is wrong, as a sentence without its full stop and without file names.
        remedy: what to do about it.
        source: the file or folder.
        parameter: always that of ``ReadOptions.assume_hu``.
        files: names of the files it was found in.
    """

    def __init__(
        self,
        text: str,
        remedy: str = _REMEDY,
        source: str | Path | None = None,
        parameter: str | None = ASSUME_HU,
        files: Sequence[str] = (),
    ) -> None:
        self.text, self.files = text, tuple(files)
        super().__init__(f"{text} ({name_some(self.files)})" if files else text, remedy, source, parameter)

    def __reduce__(self) -> Any:
        """Errors cross the boundary of processes."""
        return type(self), (self.text, self.remedy, self.source, self.parameter, self.files)


def assumed(fault: ReadingError) -> Finding:
    """What to say of numbers that the user had taken for Hounsfield units in spite of a fault."""
    files = fault.files if isinstance(fault, HounsfieldError) else ()
    text = fault.text if isinstance(fault, HounsfieldError) else fault.fault
    return Finding(
        f"The numbers were taken for Hounsfield units as asked for, although: {text}",
        files,
        grave=True,
        code=ASSUME_HU,
    )


def refused_or_assumed(faults: Iterable[HounsfieldError], options: ReadOptions) -> list[Finding]:
    """The faults as findings, where the user decided to pass over them.

    Raises:
        HounsfieldError: the first of them, where not.
    """
    faults = list(faults)
    if faults and not options.assume_hu:
        raise faults[0]
    return [assumed(fault) for fault in faults]


def to_hounsfield(
    array: npt.NDArray[Any],
    geometry: Geometry,
    source: str | Path,
    cancel: Cancel | None = None,
    options: ReadOptions = NO_OPTIONS,
    names: Sequence[str] = (),
    tops: Mapping[float, int] = TOPS,
) -> tuple[npt.NDArray[Any], list[Finding]]:
    """Check HU [z, y, x] and store them compactly.

    Args:
        array: HU [z, y, x], any real type; padding that the file declares as -1024. It is not changed.
        geometry: its grid.
        source: the file or folder, for messages.
        cancel: asked for every slice whether to stop.
        options: what the user decided where reading would rather refuse.
        names: what to call each slice in messages; without them they are counted from the first.
        tops: HU that the stored bits end at, and how many bits they are.

    Returns:
        HU as int16 where they are whole numbers, else float32, padding raised to -1024; and what the user should know.

    Raises:
        HounsfieldError: these are not Hounsfield units.
        ReadingError: too thin, not finite, constant, or labels rather than HU.
    """
    findings: list[Finding] = []
    whole = _check_numbers(array, geometry, source, cancel)
    array, found = _with_sign(array)
    findings += found
    array, found = _without_padding(array, cancel)
    findings += found
    findings += refused_or_assumed(_faults(array, findings, source, cancel, names), options)
    findings += _at_top(array, tops)
    below = array < PADDING_BELOW
    if count := int(np.count_nonzero(below)):
        findings.append(Finding(f"{count} voxels under {PADDING_BELOW} HU were taken as air ({AIR} HU)"))
        array = np.where(below, np.asarray(AIR, dtype=array.dtype), array)
    if whole:
        if (high := float(array.max())) > INT16.max:
            count = int(np.count_nonzero(array > INT16.max))
            findings.append(
                Finding(f"{count} voxels above {INT16.max} HU (up to {high:g}) were cut off, as metal may be")
            )
            array = np.minimum(array, INT16.max)
        return np.ascontiguousarray(array, dtype=np.int16), findings
    return np.ascontiguousarray(array, dtype=np.float32), findings


def _with_sign(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], list[Finding]]:
    """Single voxels of air below what unsigned numbers can hold come out 65536 too high; they are air."""
    if float(array.max()) <= INT16.max:
        return array, []
    lost = (array >= 65_536 + PADDING_BELOW) & (array <= 65_536 - 1000)
    count = int(np.count_nonzero(lost))
    if not count or count > np.count_nonzero((array > AIR - 100) & (array < GAS)):
        return array, []  # none, or as many as if all that is below 0 had lost its sign
    high = float(array[lost].max())
    text = f"{count} voxels of air had lost their sign (values up to {high:g}) and were made air ({AIR} HU)"
    return np.where(lost, np.asarray(AIR, dtype=np.int64), array), [Finding(text)]


def _check_numbers(
    array: npt.NDArray[Any], geometry: Geometry, source: str | Path, cancel: Cancel | None
) -> bool:
    """Refuse what is no volume of pictures; whether all numbers are whole."""
    if min(geometry.shape) < SMALLEST_SIDE:
        raise ReadingError(
            f"The volume has only {min(geometry.shape)} voxel(s) along one axis ({times(geometry.shape)}, z, y, x)",
            "Choose the whole CT, not a single slice",
            source,
        )
    bad, whole = _survey(array, cancel)
    if bad:
        raise ReadingError(
            f"{bad} of {array.size} voxels are not finite numbers (NaN or infinity)",
            "Export the CT again, with -1024 outside of the field of view",
            source,
        )
    low, high = float(array.min()), float(array.max())
    if low == high:
        raise ReadingError(
            f"All voxels have the same value ({low:g}): there is no picture in it",
            "Choose another file",
            source,
        )
    if whole and low >= 0 and high <= 255:
        raise ReadingError(
            f"The values {low:g} to {high:g} are labels or an 8-bit picture, not Hounsfield units",
            "Choose the CT itself; a label file cannot be opened as a CT",
            source,
        )
    return whole


def _survey(array: npt.NDArray[Any], cancel: Cancel | None) -> tuple[int, bool]:
    """How many values are not finite, and whether all others are whole numbers; slice by slice, to be stopped."""
    if array.dtype.kind != "f":
        return 0, True
    bad, whole = 0, True
    for piece in array:
        check(cancel)
        finite = np.isfinite(piece)
        bad += int(piece.size - np.count_nonzero(finite))
        whole = whole and bool(np.all(np.rint(piece[finite]) == piece[finite]))
    return bad, whole


# ------------------------------------------------------------------------------------------------------------ padding


def _without_padding(
    array: npt.NDArray[Any], cancel: Cancel | None
) -> tuple[npt.NDArray[Any], list[Finding]]:
    """The volume with -1024 where it holds no picture, though nothing declares it."""
    findings: list[Finding] = []
    sample = thinned(array)
    low = sample[sample < PADDING_BELOW]
    often = [value for value, _ in Counter(low.ravel().tolist()).most_common(3)]
    corner = _corner_value(array)
    if corner is None and not low.size and float(array.min()) >= PADDING_BELOW:
        return array, findings
    array = array.copy()
    constant = round_field = 0
    at_corners = Joined(corners_only=True)
    for piece in array:
        check(cancel)
        constant += _fill_below(piece, often)
        if corner is not None:
            outside = at_corners(piece == corner)
            round_field += int(np.count_nonzero(outside))
            np.copyto(piece, AIR, where=outside)
    if constant:
        findings.append(Finding(f"{constant} voxels under {PADDING_BELOW} HU were taken as air ({AIR} HU)"))
    if round_field:
        findings.append(
            Finding(
                f"{round_field} voxels of the value {corner:g} around the field of view were taken as padding "
                f"and made air ({AIR} HU)"
            )
        )
    return array, findings


def _fill_below(piece: npt.NDArray[Any], often: Sequence[float]) -> int:
    """Make air of what is no tissue and no noise in a slice [y, x]; how many pixels were."""
    below = piece < PADDING_BELOW
    if not below.any():
        return 0
    padding = np.zeros_like(below)
    for value in often:
        padding |= piece == value
    count = int(np.count_nonzero(padding))
    if np.count_nonzero(below) - count <= max(STRAY * piece.size, count / 4):
        padding = below
    np.copyto(piece, AIR, where=padding)
    return int(np.count_nonzero(padding))


def _corner_value(array: npt.NDArray[Any]) -> float | None:
    """The value of padding around a round field of view, where it reads as tissue; None if there is none.

    The lowest value of a volume is no padding but air, in whatever numbers it may be.
    """
    corners = array[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    value, count = Counter(corners.ravel().tolist()).most_common(1)[0]
    if count < 0.75 * corners.size or value <= GAS:
        return None
    return float(value) if np.mean(thinned(array) < value) > 0.005 else None


class Joined:
    """Finds those pieces of masks [y, x] that hold a corner of the picture, or touch an edge of it.

    Slices that follow each other mostly have the same ones. They are then only compared with those of the slice before,
    which takes a tenth of the time.
    """

    def __init__(self, *, corners_only: bool) -> None:
        self._corners_only = corners_only
        self._ends = self._found = self._around = np.zeros((0, 0), dtype=np.bool_)

    def __call__(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """The pieces, which are not to be changed."""
        if self._ends.shape != mask.shape:
            self._ends = np.zeros(mask.shape, dtype=np.bool_)
            if self._corners_only:
                self._ends[np.ix_((0, -1), (0, -1))] = True
            else:
                self._ends[[0, -1]] = self._ends[:, [0, -1]] = True
        elif self._same(mask):
            return self._found
        pieces, _ = ndimage.label(mask)
        touching = np.zeros(int(pieces.max()) + 1, dtype=np.bool_)
        touching[pieces[self._ends]] = True
        touching[0] = False
        self._found = touching[pieces]
        self._around = ndimage.binary_dilation(self._found) & ~self._found
        return self._found

    def _same(self, mask: npt.NDArray[np.bool_]) -> bool:
        """Whether the pieces are those that were found last: nothing is missing, and nothing joins them."""
        if (self._found > mask).any() or (self._around & mask).any():
            return False
        return bool((mask[self._ends] == self._found[self._ends]).all())


# ------------------------------------------------------------------------------------------------------------- doubts


def _faults(
    array: npt.NDArray[Any],
    findings: list[Finding],
    source: str | Path,
    cancel: Cancel | None,
    names: Sequence[str],
) -> list[HounsfieldError]:
    """What speaks against Hounsfield units; lesser doubts are added to the findings."""
    faults: list[HounsfieldError] = []
    if array.size < FEWEST:
        if (low := float(array.min())) > SOFT_TISSUE_FROM:
            findings.append(
                Finding(
                    f"No value lies under {SOFT_TISSUE_FROM} (lowest {low:g}): these may not be Hounsfield units",
                    grave=True,
                )
            )
        return faults
    sample = thinned(array)
    differences, empty = steps(array, cancel)
    wrong = [step for step in differences if abs(step.shift) > FARTHEST_SHIFT or step.related < LEAST_RELATED]
    if wrong:
        faults.append(_mismatch(wrong, len(array), source, names))
    doubt = judge(sample)
    if doubt is not None and doubt.refuse:
        fault = HounsfieldError(f"The values are not Hounsfield units: {doubt.text}", source=source)
        # What is wrong with all values explains more than how the slices differ because of it.
        faults.insert(0 if doubt.explained else len(faults), fault)
    elif doubt is not None:
        findings.append(Finding(f"The values may not be Hounsfield units: {doubt.text}", grave=True))
    cut = _cut(array, sample, findings)
    if cut:
        faults.append(HounsfieldError(cut, source=source))
    inside = [z for z in empty if 0 < z < len(array) - 1 and not set(range(z)) <= set(empty)]
    inside = [z for z in inside if not set(range(z, len(array))) <= set(empty)]
    if inside:
        shown = tuple(names[z] for z in inside) if names else ()
        findings.append(Finding(f"{len(inside)} slices within the CT hold no picture", shown, grave=True))
    return faults


def _mismatch(wrong: list[Step], count: int, source: str | Path, names: Sequence[str]) -> HounsfieldError:
    worst = max(wrong, key=lambda step: abs(step.shift))
    more = f", and so at {len(wrong) - 1} more places" if len(wrong) > 1 else ""
    turned = " and light and dark are exchanged" if worst.related < LEAST_RELATED else ""
    text = (
        f"Neighbouring slices do not fit each other: from slice {worst.place + 1} to slice {worst.other + 1} "
        f"of {count} the values change by {worst.shift:+.0f} HU{turned}{more}"
    )
    return HounsfieldError(
        text, source=source, files=(names[worst.place], names[worst.other]) if names else ()
    )


def _cut(array: npt.NDArray[Any], sample: npt.NDArray[Any], findings: list[Finding]) -> str:
    """Why the values cannot be used because they were cut off; lesser cuts are added to the findings."""
    shown = sample[sample != AIR]
    if not shown.size:
        return ""
    low, high = float(shown.min()), float(array.max())
    middle = shown[(shown > low) & (shown < high)]
    if not middle.size or _without_noise(middle):
        return ""
    at_low, at_high = _heaped(shown, low, 1), _heaped(shown, high, -1)
    words = []
    lowest = low > GAS and at_low >= CUT_LOW_SHARE
    highest = high < CORTEX_CUT and at_high >= CUT_HIGH_SHARE
    if lowest:
        words.append(f"{at_low:.0%} of the voxels have the lowest value, {low:g}, although air lies at -1000")
    if highest:
        words.append(f"{at_high:.1%} have the highest, {high:g}, although bone reaches to over 1000")
    if words:
        text = f"Values were cut off, as a display window does: {' and '.join(words)}"
        if (lowest and low > TISSUE_CUT) or (highest and high < BONE_CUT):
            return text
        findings.append(Finding(text, grave=True))
    return ""


def _at_top(array: npt.NDArray[Any], tops: Mapping[float, int]) -> list[Finding]:
    """A word on voxels that the stored bits may have cut off; those above 16 bits are cut off here, and told there."""
    high = float(array.max())
    if high > INT16.max or high not in tops:
        return []
    count = int(np.count_nonzero(array == high))
    if count < FEWEST_AT_TOP:
        return []
    text = f"{count} voxels have the highest value that {tops[high]} bits hold ({high:g} HU): metal may be denser"
    return [Finding(text)]


def _heaped(values: npt.NDArray[Any], end: float, inwards: int) -> float:
    """Share of values at one end, if far more lie there than beside it; 0 if not."""
    beside = inwards * (values - end)
    share = float(np.mean(beside == 0))
    density = float(np.mean((beside > 0) & (beside <= BESIDE))) / BESIDE
    return share if share > HEAPED * density else 0.0


def _without_noise(values: npt.NDArray[Any]) -> bool:
    """Whether a volume was drawn and not measured, so that every tissue has one value."""
    _, counts = np.unique(values, return_counts=True)
    return bool(np.sort(counts)[-5:].sum() > 0.6 * values.size)
