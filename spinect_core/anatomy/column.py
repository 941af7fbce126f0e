"""The spine straightened along its canal, and what lies beside it: where its discs, wings, crests and roots are.

It needs no atlas and no upright patient: the canal is followed through the labelled nerve, the labels are sampled on
planes across it, and these are turned until left and right are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import SimpleITK as sitk
from numpy.polynomial import polynomial
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.geometry.polyline import along
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, to_sitk

STEP_MM = 2.0
SMOOTH_MM = 0.8
"""Labels are drawn this soft, so that a thin disc between voxels of 2 mm is not lost."""

AHEAD = np.arange(-50.0, 61.0, STEP_MM)
"""Mm before the middle of the canal, of the planes across it."""

BESIDE = np.arange(-110.0, 111.0, STEP_MM)
"""Mm beside it, to the left."""

SAC_LEAST_MM = 2.6
"""What is thinner is a root: half the thickness of the sac is 3 mm in the narrowest, that of a root 2.5 mm."""

ROOT_SHARE = 0.62
"""A root is at most so thick, as a share of the sac."""

LOOK_BACK = 8
ASIDE_MM = 4.5
TURN_SHARE = 0.1
"""A line is known less well the farther it is prolonged; roots leave it by 0.5 of that and more."""

SIDEWAYS, FORWARDS = 0.9, 0.3
"""What a step of the way to the side or forwards costs, against its gain of up to 11: a sac that is as thin as a root
in a narrow canal is not left for a ganglion beside it."""

THICK_SHARE = 0.85
"""What is thicker, as a share of the sac, is the sac, wherever it turns."""

SAC_MOST_MM = 5.0
MARGIN_MM = 3.0
BELOW_MM, ABOVE_MM = 60.0, 20.0
"""How far the canal is followed straight on beyond the ends of the sac."""

SHORTEST_MM = 36.0
"""Of a shorter sac the course of the canal is not known."""

USUAL_HALF_WIDTH_MM = 23.5
"""Half the width of a lumbar body at its waist, in specimens of scale 1."""

LEAST_PLANES = 5
TILTS = np.tan(np.deg2rad(np.arange(-36.0, 37.0, 4.0)))
BODY_AHEAD = (10.0, 28.0)
BODY_BESIDE = 11.0
BEHIND_BODY_MM = 4.0
"""Bone nearer to the middle of the canal is not that of a body, at scale 1."""

BESIDE_MIDDLE_MM = 8.0
"""Half the width of the strip in which the depth of a body is measured, at scale 1."""


@dataclass(frozen=True, eq=False)
class Column:
    """Labels on planes across the canal, from below upwards, ``STEP_MM`` apart.

    Attributes:
        bone: share of bone, 0 to 1, [plane, ahead, beside]; NaN outside the picture.
        nerve: the same of nerve.
        middle: LPS mm (n, 3) of the middle of the canal in each plane.
        up, ahead, left: unit vectors (n, 3) of each plane.
        sac: first and last plane in which the sac was seen.
    """

    bone: FloatArray
    nerve: FloatArray
    middle: FloatArray
    up: FloatArray
    ahead: FloatArray
    left: FloatArray
    sac: tuple[int, int]

    @cached_property
    def scale(self) -> float:
        """Size of its bodies as a multiple of the usual."""
        rows = (AHEAD >= 12.0) & (AHEAD <= 24.0)
        across = _mean(self.bone[:, rows], axis=1)
        middle = len(BESIDE) // 2
        near, wings = np.abs(BESIDE) <= 10.0, (np.abs(BESIDE) >= 30.0) & (np.abs(BESIDE) <= 44.0)
        lumbar = (_mean(across[:, near], axis=1) > 0.9) & (_mean(across[:, wings], axis=1) < 0.3)
        widths = []
        for line in across[lumbar]:
            solid = np.pad(line >= 0.5, 1)
            left, right = solid[middle + 1 :], solid[middle + 1 :: -1]
            widths.append(float(np.argmin(left) + np.argmin(right) - 1) * STEP_MM / 2)
        if len(widths) < LEAST_PLANES:
            return 1.0
        return float(np.clip(np.median(widths) / USUAL_HALF_WIDTH_MM, 0.7, 1.4))

    def part(self, values: FloatArray, ahead: tuple[float, float], beside: tuple[float, float]) -> FloatArray:
        """Mean (n,) of bone or nerve in a window of each plane, mm at scale 1; NaN where less than half is seen."""
        rows = (ahead[0] * self.scale <= AHEAD) & (ahead[1] * self.scale >= AHEAD)
        columns = (beside[0] * self.scale <= BESIDE) & (beside[1] * self.scale >= BESIDE)
        window = values[:, rows][:, :, columns]
        seen = np.isfinite(window).mean(axis=(1, 2)) if window.size else np.zeros(len(values))
        return np.where(seen > 0.5, _mean(window, axis=(1, 2)), np.nan)

    @cached_property
    def body(self) -> FloatArray:
        """Share of bone (n,) where bodies and discs alternate: the least over planes tilted forwards or backwards."""
        rows = np.flatnonzero((BODY_AHEAD[0] * self.scale <= AHEAD) & (BODY_AHEAD[1] * self.scale >= AHEAD))
        columns = np.abs(BESIDE) <= BODY_BESIDE * self.scale
        sheet = _mean(self.bone[:, rows][:, :, columns], axis=2)
        places = np.arange(len(sheet), dtype=np.float64)
        off = (AHEAD[rows] - AHEAD[rows].mean()) / STEP_MM
        tilted = []
        for tilt in TILTS:
            lines = [
                np.interp(places + tilt * shift, places, sheet[:, number], left=np.nan, right=np.nan)
                for number, shift in enumerate(off)
            ]
            tilted.append(np.mean(lines, axis=0))
        least = np.min(np.where(np.isnan(tilted), np.inf, tilted), axis=0)
        return np.where(np.isfinite(least), least, np.nan)

    @cached_property
    def body_depth(self) -> FloatArray:
        """From its rear wall to its front, mm at scale 1 (n,), of what lies before the canal; NaN outside the picture.

        A lumbar body is as deep below as above; the sacrum thins from its end plate downwards.
        """
        sheet = _mean(self.bone[:, :, np.abs(BESIDE) <= BESIDE_MIDDLE_MM * self.scale], axis=2)
        rows = np.flatnonzero(BEHIND_BODY_MM * self.scale <= AHEAD)
        depth = np.full(len(sheet), np.nan)
        for plane, line in enumerate(sheet[:, rows]):
            if not np.isfinite(line).all():
                continue
            solid = line >= 0.5
            first = int(np.argmax(solid))
            ends = np.flatnonzero(~solid[first:])
            length = int(ends[0]) if len(ends) else len(line) - first
            depth[plane] = length * STEP_MM / self.scale
        return depth

    def point(self, plane: float, ahead: float, beside: float = 0.0) -> FloatArray:
        """LPS mm (3,) of a place in a plane (between two, if fractional)."""
        at = np.clip(plane, 0, len(self.middle) - 1)
        rows = np.arange(len(self.middle))
        parts = [
            np.array([np.interp(at, rows, vectors[:, axis]) for axis in range(3)])
            for vectors in (self.middle, self.ahead, self.left)
        ]
        return np.asarray(parts[0] + ahead * parts[1] + beside * parts[2])


def _mean(values: FloatArray, axis: int | tuple[int, ...]) -> FloatArray:
    """Mean over what is not NaN; NaN where nothing is."""
    seen = np.isfinite(values)
    count = seen.sum(axis=axis)
    total = np.where(seen, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def straightened(labels: Labels) -> Column | None:
    """The column of a case; None where no sac is labelled that its canal could be followed by.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
    """
    bone, nerve, low = _upright(shown(labels))
    path, depth = _sac(nerve)
    run = _longest(depth >= max(SAC_LEAST_MM, ROOT_SHARE * float(np.percentile(depth, 80))))
    if run is None:
        return None
    run = _in_the_middle(path * STEP_MM, depth, run)
    if (run[1] - run[0]) * STEP_MM < SHORTEST_MM:
        return None
    middle = _smooth(path[run[0] : run[1] + 1] * STEP_MM + low, depth[run[0] : run[1] + 1])
    sac_mm = float(np.linalg.norm(np.diff(middle, axis=0), axis=1).sum())
    middle = _prolonged(middle)
    up = np.gradient(ndimage.gaussian_filter1d(middle, 4.0, axis=0, mode="nearest"), axis=0)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    forwards = np.array([0.0, -1.0, 0.0])
    ahead = forwards - up * (up @ forwards)[:, None]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    left = np.cross(up, ahead)
    turn = _turn(bone, low, middle, ahead, left)
    ahead, left = (
        np.cos(turn) * ahead + np.sin(turn) * left,
        np.cos(turn) * left - np.sin(turn) * ahead,
    )
    places = (
        middle[:, None, None]
        + ahead[:, None, None] * AHEAD[None, :, None, None]
        + left[:, None, None] * BESIDE[None, None, :, None]
    )
    index = np.moveaxis((places - low) / STEP_MM, -1, 0)[::-1]
    sampled = [
        ndimage.map_coordinates(values, index, order=1, cval=np.nan, output=np.float32)
        for values in (bone, nerve)
    ]
    first = round(BELOW_MM / STEP_MM)
    return Column(
        sampled[0].astype(np.float64),
        sampled[1].astype(np.float64),
        middle,
        up,
        ahead,
        left,
        (first, first + round(sac_mm / STEP_MM)),
    )


def shown(labels: Labels) -> Labels:
    """The part that holds bone and nerve: outside of it nothing was labelled, and nothing may be concluded."""
    slices = ndimage.find_objects(labels.array > 0, max_label=1)
    if not slices or slices[0] is None:
        return labels
    spacing = labels.geometry.spacing[::-1]
    first, last = [], []
    for part, count, step in zip(slices[0], labels.array.shape, spacing, strict=True):
        margin = int(MARGIN_MM / step)
        first.append(max(part.start - margin, 0))
        last.append(min(part.stop + margin, count))
    z, y, x = (slice(a, b) for a, b in zip(first, last, strict=True))
    array = np.ascontiguousarray(labels.array[z, y, x])
    grid = labels.geometry
    return Labels(array, Geometry(array.shape, grid.spacing, tuple(grid.to_patient(first)), grid.direction))


def _upright(labels: Labels) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bone and nerve on an LPS-aligned grid of ``STEP_MM`` and its origin (x, y, z) mm."""
    corners = labels.geometry.corners()
    low, high = corners.min(axis=0) + STEP_MM / 2, corners.max(axis=0) - STEP_MM / 2
    size = [max(int((h - lo) / STEP_MM) + 1, 4) for lo, h in zip(low, high, strict=True)]
    image = to_sitk(labels.array, labels.geometry)
    drawn = []
    for tissue in (BONE, NERVE):
        soft = sitk.SmoothingRecursiveGaussian(sitk.Cast(image == tissue, sitk.sitkFloat32), SMOOTH_MM)
        laid = sitk.Resample(
            soft,
            size,
            sitk.Transform(),
            sitk.sitkLinear,
            low.tolist(),
            [STEP_MM] * 3,
            np.eye(3).ravel().tolist(),
            0.0,
        )
        drawn.append(np.asarray(sitk.GetArrayFromImage(laid)))
    return drawn[0], drawn[1], np.asarray(low)


def _sac(nerve: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The thickest way from the lowest slice to the highest: index (n, 3) as x, y, z, and mm to its surface."""
    depth = ndimage.distance_transform_edt(nerve > 0.5) * STEP_MM
    gain = np.clip(depth - 2.0, 0.0, SAC_MOST_MM) ** 1.5
    moves = [(dy, dx) for dy in (-2, -1, 0, 1, 2) for dx in (-1, 0, 1)]
    size = gain.shape[1:]
    best, taken = gain[-1], []
    for z in range(len(gain) - 2, -1, -1):
        padded = np.pad(best, ((2, 2), (1, 1)), constant_values=-np.inf)
        reach = np.stack(
            [
                padded[2 + dy : 2 + dy + size[0], 1 + dx : 1 + dx + size[1]]
                - (FORWARDS * abs(dy) + SIDEWAYS * abs(dx))
                for dy, dx in moves
            ]
        )
        which = reach.argmax(axis=0)
        taken.append(which)
        best = np.take_along_axis(reach, which[None], axis=0)[0] + gain[z]
    y, x = np.unravel_index(int(best.argmax()), size)
    path = np.zeros((len(gain), 3))
    for z in range(len(gain)):
        path[z] = x, y, z
        if z < len(gain) - 1:
            dy, dx = moves[int(taken[-1 - z][y, x])]
            y, x = y + dy, x + dx
    at = path.astype(int)
    return path, np.asarray(depth[at[:, 2], at[:, 1], at[:, 0]])


def _longest(true: BoolArray, gap: int = 10) -> tuple[int, int] | None:
    """First and last of the longest run, bridging gaps of up to ``gap`` slices; None if there is none."""
    closed = ndimage.binary_closing(np.pad(true, gap), iterations=gap // 2)[gap:-gap] | true
    runs, count = ndimage.label(closed)
    if not count:
        return None
    sizes = ndimage.sum_labels(closed, runs, np.arange(1, count + 1))
    inside = np.flatnonzero(runs == 1 + int(np.argmax(sizes)))
    return int(inside[0]), int(inside[-1])


def _in_the_middle(path: FloatArray, depth: FloatArray, run: tuple[int, int]) -> tuple[int, int]:
    """The run, ended where, going down, the way (n, 3) mm leaves the line it came by: there it follows a root.

    A sac turns aside as well, but stays thick. After a stretch as thin as a root, in a narrow canal or where the sac
    ends, it is held to the line it had above, until it has followed it for a while: a root's ganglion is thick too.
    """
    first, last = run
    usual = float(np.percentile(depth[first : last + 1], 80))
    aside, on_line, thick = 0, 0, THICK_SHARE * usual
    thin: int | None = None
    for row in range(last - 2 * LOOK_BACK, first - 1, -1):
        lowest = row + LOOK_BACK // 2 if thin is None else max(row + LOOK_BACK // 2, thin + 1)
        above = np.arange(lowest, min(lowest + 5 * LOOK_BACK // 2, last + 1))
        if len(above) < LOOK_BACK:
            continue
        slope, start = np.polyfit(path[above, 2], path[above, 0], 1)
        # A curved spine comes to lie between its line, prolonged, and straight below, or near there.
        at, begin = path[row, 2], path[lowest - LOOK_BACK // 2, 2]
        ends, far = sorted((start + slope * at, start + slope * begin)), ASIDE_MM + TURN_SHARE * (begin - at)
        away = not ends[0] - far <= path[row, 0] <= ends[1] + far
        if depth[row] < ROOT_SHARE * usual and last - row > 2 * LOOK_BACK:
            thin, on_line = row if thin is None else thin, 0
        elif thin is not None:
            on_line = on_line + 1 if not away and depth[row] >= thick else 0
            thin = thin if on_line < LOOK_BACK else None
        aside = aside + 1 if away and (thin is not None or depth[row] < thick) else 0
        if aside == 3:
            return lowest, last
    return run


def _smooth(path: FloatArray, depth: FloatArray) -> FloatArray:
    """A smooth curve (n, 3) through the middle of the sac, at its heights."""
    z = path[:, 2]
    at = (z - z.mean()) / 50.0
    weight = np.clip(depth, 0.5, SAC_MOST_MM)
    x, y = (
        polynomial.polyval(at, polynomial.polyfit(at, path[:, axis], degree, w=weight))
        for axis, degree in ((0, 3), (1, 4))
    )
    return np.stack([x, y, z], axis=1)


def _prolonged(middle: FloatArray) -> FloatArray:
    """The curve, straight on at both ends, in even steps of ``STEP_MM``."""
    lower, upper = middle[0] - middle[min(8, len(middle) - 1)], middle[-1] - middle[max(-9, -len(middle))]
    ends = [
        start + direction / np.linalg.norm(direction) * length
        for start, direction, length in ((middle[0], lower, BELOW_MM), (middle[-1], upper, ABOVE_MM))
    ]
    line = np.concatenate([ends[0][None], middle, ends[1][None]])
    arc = along(line)
    even = np.arange(0.0, arc[-1], STEP_MM)
    return np.stack([np.interp(even, arc, line[:, axis]) for axis in range(3)], axis=1)


def _turn(
    bone: FloatArray, low: FloatArray, middle: FloatArray, ahead: FloatArray, left: FloatArray
) -> float:
    """By how much (radians) the planes have to be turned so that bone is alike on both sides."""
    round_mm = np.arange(8.0, 50.0, 3.0)
    angles = np.deg2rad(np.arange(0.0, 360.0, 5.0))
    outwards = np.cos(angles)[None, :, None] * ahead[:, None] + np.sin(angles)[None, :, None] * left[:, None]
    places = middle[:, None, None] + round_mm[None, None, :, None] * outwards[:, :, None]
    index = np.moveaxis((places - low) / STEP_MM, -1, 0)[::-1]
    ring = ndimage.map_coordinates(bone, index, order=1, cval=0.0, output=np.float32)
    steps = np.arange(len(angles))
    # The mirror of angle k about half of m steps is m - k.
    turns = range(-14, 15)
    alike = [float((ring * ring[:, (m - steps) % len(angles)]).sum()) for m in turns]
    return float(np.deg2rad(2.5) * turns[int(np.argmax(alike))])
