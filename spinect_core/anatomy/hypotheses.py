"""Which disc is the lowest free one: every disc that is seen, judged by cues that know nothing of each other.

A cue is a number from 0 (it speaks against) to 1 (it speaks for the disc), and absent where the picture does not show
what it needs. What they look at:

- *wings*: beside the body below is the bone of the sacral wings, without a gap;
- *free*: beside the disc itself is none, and none beside the lower part of the vertebra above;
- *lowest*: no other disc follows below;
- *roots*: below, roots run within walls of bone; no open foramen follows;
- *crests*: the iliac crests end where they usually do, at L4 to L4/5;
- *shape*: the body below is as deep as a body at its end plate and thins downwards, as S1 does; a lumbar body that has
  grown to the sacrum does not thin, and what follows below a freed S1 is thin from the beginning;
- *sac*: the dural sac ends where it usually does, beside S1 or S2;
- *atlas*: the atlas laid there agrees as well as anywhere along the spine, and aligned from any disc it comes there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from scipy import ndimage

from spinect_core.anatomy.column import AHEAD, BESIDE, STEP_MM, Column
from spinect_core.anatomy.levels import level_name
from spinect_core.base.arrays import BoolArray, FloatArray

DISC_DEPTH = 0.35
"""By how much less bone there is in a disc than in the bodies above and below it, at least."""

DISC_AHEAD_MM = 20.0
"""The middle of an end plate lies so far before the middle of the canal, at scale 1."""

BODY_MM = 28.0
NEAREST_DISCS_MM = 14.0
WINGS = (0.2, 0.5)
"""Share of bone beside the body below that counts as none and as wings: 0.5 to 1.0 below L5/S1 (0.38 on 2 mm),
and below L4/5 at most 0.1, or 0.5 beside a transitional vertebra."""

FREE = (0.28, 0.14)
"""Share of bone beside the disc where there is least: 0.22 to 0.43 where a transverse process of L5 meets the ala, and
otherwise at most 0.12, or 0.2 on bent bones; a low process leaves a gap."""

GAP_MM = (0.0, 13.0)
GAP_PLANES = 2
"""The gap lies so far above the end plate, at scale 1, and is so many planes high."""

LOWEST = (0.8, 0.4)
WITHIN_WALLS = (0.55, 0.9)
WALLS_MM = (-36.0, -8.0)
"""Where the roots are looked at, above the end plate: below, those of S1 leave the sacrum through its foramina."""

CREST_MM = (2.0, 10.0, 64.0, 76.0)
"""Heights of the crests above the upper end plate of S1 at scale 1: never, usual from, usual to, never."""

PLATE_DEEP_MM = (17.0, 24.0)
"""Depth of the body just under its end plate, at scale 1: never, usual from. S1 has 23 mm and more, S2 at most 21."""

THINNED = (0.9, 0.78)
"""Depth of the body one vertebra lower as a share of that: never from, usual to. S1 has 0.25 to 0.81, a lumbar body
that has grown to the sacrum 0.88 to 1.2."""

SAC_MM = (-8.0, 2.0, 30.0, 44.0)
"""How far below the end plate the sac is still thicker than a root, at scale 1: never, usual from, usual to, never. It
was 2 to 34 mm on specimens that are not bent, and 28 to 60 mm below L4/5 above an L5 that has grown to the sacrum."""

ATLAS = (0.12, 0.04)
"""By how much worse the atlas correlates than at its best."""

ALIGNED = (0.06, 0.02)
"""The same of the atlas that is aligned."""

AT_DISC_MM = 15.0
"""An aligned atlas lies on a disc whose end plate is nearer to its own than this, at scale 1: half a vertebra."""

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "wings": 2.0,
        "free": 1.0,
        "lowest": 1.5,
        "roots": 1.5,
        "crests": 1.0,
        "shape": 1.0,
        "sac": 1.0,
        "atlas": 1.0,
    }
)


SAC_BELOW_MM = 10.0
"""So much has to be seen below its end for the sac to be known to end there."""


@dataclass(frozen=True)
class Hypothesis:
    """A disc that may be the lowest free one.

    Attributes:
        level: its name by the count that the program took, such as "L4/5".
        shift: of the numbering, by which the user says that it is L5/S1 (see ``find_landmarks``).
        point: LPS mm of the middle of the end plate below it.
        score: 0 to 1, of all cues together.
        cues: 0 to 1 by cue; those that the picture does not show are missing.
    """

    level: str
    shift: int
    point: tuple[float, float, float]
    score: float
    cues: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Disc:
    """A gap between two bodies.

    Attributes:
        plane: of the column, its middle.
        lower: plane of the end plate below.
        depth: how much less bone it holds than the bodies, 0 to 1.
    """

    plane: float
    lower: float
    depth: float


def discs(column: Column) -> list[Disc]:
    """All discs of a column, from below upwards."""
    body = column.body
    seen = np.isfinite(body)
    value = np.where(seen, body, 1.0)
    reach = max(round(BODY_MM * column.scale / STEP_MM), 2)
    found: list[Disc] = []
    for plane in np.flatnonzero(seen)[1:-1].tolist():
        if value[plane] > value[max(plane - 2, 0) : plane + 3].min():
            continue
        below, above = value[max(plane - reach, 0) : plane].max(), value[plane + 1 : plane + 1 + reach].max()
        depth = float(min(below, above) - value[plane])
        if depth < DISC_DEPTH:
            continue
        lower = plane
        while lower > 0 and value[lower] < (value[plane] + below) / 2:
            lower -= 1
        one = Disc(plane, lower, depth)
        if found and (plane - found[-1].plane) * STEP_MM < NEAREST_DISCS_MM * column.scale:
            found[-1] = max(found[-1], one, key=lambda disc: disc.depth)
        else:
            found.append(one)
    return found


def judged(column: Column, places: Sequence[Disc], atlas: Sequence[float]) -> list[Hypothesis]:
    """The discs with their scores, from the best to the worst; names are counted from the best.

    Args:
        column: of the case.
        places: the discs, from below upwards.
        atlas: of each, 0 to 1, how well the atlas agrees there; see ``atlas_cues``.
    """
    walls = within_walls(column)
    found = []
    for number, (disc, fit) in enumerate(zip(places, atlas, strict=True)):
        below, beside = _wings(column, disc)
        cues = {
            "wings": _ramp(below, *WINGS),
            "free": _ramp(beside, *FREE),
            "lowest": _lowest(column, places[:number], disc),
            "roots": _ramp(_low(walls, disc, *WALLS_MM, min(column.scale, 1.0)), *WITHIN_WALLS),
            "crests": _crests(column, disc),
            "shape": _shape(column, disc),
            "sac": _sac(column, disc),
            "atlas": fit,
        }
        seen = {name: value for name, value in cues.items() if np.isfinite(value)}
        # What is not seen speaks neither for nor against.
        score = sum(WEIGHTS[name] * seen.get(name, 0.5) for name in WEIGHTS) / sum(WEIGHTS.values())
        x, y, z = end_plate(column, disc).tolist()
        found.append(Hypothesis("", number, (x, y, z), score, seen))
    found.sort(key=lambda one: -one.score)
    first = found[0].shift if found else 0
    return list(named_by([replace(one, shift=first - one.shift) for one in found], None))


def named_by(found: Sequence[Hypothesis], lumbar: int | None) -> tuple[Hypothesis, ...]:
    """The hypotheses with the names of a count of lumbar vertebrae; None where nobody has counted them."""
    return tuple(replace(one, level=level_name(-one.shift, lumbar)) for one in found)


def end_plate(column: Column, disc: Disc) -> FloatArray:
    """LPS mm (3,) of the middle of the end plate below a disc."""
    return column.point(disc.lower, DISC_AHEAD_MM * column.scale)


def atlas_cues(
    points: Sequence[FloatArray],
    correlations: Sequence[float],
    best: float,
    aligned: Sequence[tuple[FloatArray, float]],
    scale: float,
) -> list[float]:
    """How well the atlas agrees at each disc, 0 to 1.

    Args:
        points: LPS mm (3,) of the end plates below the discs.
        correlations: of the atlas, laid there.
        best: the highest correlation anywhere, which may be where no disc was found.
        aligned: for each start from which the atlas was aligned, LPS mm (3,) of its end plate then, and its agreement.
        scale: size of the bodies as a multiple of the usual.
    """
    known = [(place, agreement) for place, agreement in aligned if np.isfinite(agreement)]
    highest = max((agreement for _place, agreement in known), default=0.0)
    reach = AT_DISC_MM * max(scale, 1.0)
    found = []
    for point, correlation in zip(points, correlations, strict=True):
        cue = _ramp(best - correlation, *ATLAS)
        if known:
            here = [value for place, value in known if float(np.linalg.norm(place - point)) < reach]
            cue = min(cue, _ramp(highest - max(here, default=-1.0), *ALIGNED))
        found.append(cue)
    return found


def _ramp(value: float, none: float, full: float) -> float:
    """0 at ``none``, 1 at ``full``, straight between and level beyond; NaN of NaN."""
    return float(np.clip((value - none) / (full - none), 0.0, 1.0))


def _low(
    values: FloatArray, disc: Disc, first_mm: float, last_mm: float, scale: float, part: float = 0.0
) -> float:
    """The lower quartile of values (n,) from so many mm above (negative: below) an end plate to so many.

    NaN where too little of it is seen, or the picture ends before.
    """
    first, last = (round(disc.lower + mm * scale / STEP_MM) for mm in (first_mm, last_mm))
    if part and (first < 0 or last >= len(values)):
        return float("nan")
    window = values[max(first, 0) : max(last + 1, 0)]
    seen = np.isfinite(window)
    if seen.sum() < 4 or seen.mean() < part:
        return float("nan")
    return float(np.percentile(window[seen], 25 if part else 15))


def _wings(column: Column, disc: Disc) -> tuple[float, float]:
    """Share of bone beside the body below, mean of the sides, and beside the disc, of the side that has more."""
    below, beside = [], []
    for at in ((26.0, 42.0), (-42.0, -26.0)):
        share = column.part(column.bone, (0.0, 26.0), at)
        below.append(_low(share, disc, -26.0, -6.0, column.scale, 0.7))
        beside.append(_gap(share, disc, column.scale))
    return float(np.mean(below)), float(np.max(beside))


def _gap(share: FloatArray, disc: Disc, scale: float) -> float:
    """Share of bone beside a disc where there is least of ``share`` (n,); NaN where too little of it is seen."""
    first, last = (round(disc.lower + mm * scale / STEP_MM) for mm in GAP_MM)
    if first < 0 or last >= len(share) or np.isfinite(share[first : last + 1]).mean() < 0.7:
        return float("nan")
    means = np.convolve(share[first : last + 1], np.ones(GAP_PLANES) / GAP_PLANES, mode="valid")
    return float(np.nanmin(means)) if np.isfinite(means).any() else float("nan")


def _lowest(column: Column, lower: Sequence[Disc], disc: Disc) -> float:
    """Whether there is no disc below, of as much column as the next one would need."""
    reach = disc.lower - 45.0 * column.scale / STEP_MM
    first = round(disc.lower - 36.0 * column.scale / STEP_MM)
    if first < 0 or not np.isfinite(column.body[first]):
        return float("nan")
    return _ramp(max((one.depth for one in lower if one.plane >= reach), default=0.0), *LOWEST)


def within_walls(column: Column) -> FloatArray:
    """Share (n,) of the nerve beside the canal that has bone farther out; NaN where there is too little nerve.

    Lumbar roots leave through open foramina; sacral ones stay within the bone.
    """
    scale = column.scale
    rows = (-8.0 * scale < AHEAD) & (14.0 * scale > AHEAD)
    columns = (9.0 * scale < BESIDE) & (22.0 * scale > BESIDE)
    reach = max(round(16.0 * scale / STEP_MM), 2)
    inside, whole = np.zeros(len(column.bone)), np.zeros(len(column.bone))
    for step in (1, -1):
        bone, nerve = (np.nan_to_num(values[:, rows, ::step]) for values in (column.bone, column.nerve))
        farther = ndimage.maximum_filter1d(bone, reach, axis=2, origin=-(reach // 2))
        nerve = nerve[:, :, columns]
        inside += (nerve * (farther[:, :, columns] > 0.5)).sum(axis=(1, 2))
        whole += nerve.sum(axis=(1, 2))
    return np.where(whole * STEP_MM**2 > 8.0, inside / np.maximum(whole, 1e-6), np.nan)


def _crests(column: Column, disc: Disc) -> float:
    """Whether the higher crest ends as high as it should; NaN where it is not seen to that height."""
    heights = [_crest(column, disc, side) for side in (1, -1)]
    height, sure = max(heights, key=lambda one: -1e9 if np.isnan(one[0]) else one[0])
    height /= column.scale
    return _usual(height, CREST_MM) if height >= CREST_MM[1] or sure else float("nan")


def _usual(value: float, limits: tuple[float, float, float, float]) -> float:
    """1 in the usual range, 0 where nothing is any more: never, usual from, usual to, never."""
    never, least, most, above = limits
    return min(_ramp(value, never, least), _ramp(value, above, most))


def _shape(column: Column, disc: Disc) -> float:
    """Whether the body below has the shape of S1; NaN where it is not seen."""
    # The scale is that of the width. A narrow body is not a low one: looked for higher, S1 has not thinned yet.
    size = max(column.scale, 1.0)
    top = _median(column.body_depth, disc, -14.0, -3.0, size)
    low = _median(column.body_depth, disc, -40.0, -28.0, size)
    if not np.isfinite(top):
        return float("nan")
    # Nor is a wide body a deep one.
    deep = _ramp(top * size, *PLATE_DEEP_MM)
    return min(deep, _ramp(low / top, *THINNED)) if np.isfinite(low) and top > 0.0 else deep


def _median(values: FloatArray, disc: Disc, first_mm: float, last_mm: float, scale: float) -> float:
    """The median of values (n,) in a stretch, mm above (negative: below) an end plate; NaN if too little is seen."""
    first, last = (round(disc.lower + mm * scale / STEP_MM) for mm in (first_mm, last_mm))
    window = values[max(first, 0) : max(last + 1, 0)]
    seen = window[np.isfinite(window)]
    return float(np.median(seen)) if len(seen) >= 3 else float("nan")


def _sac(column: Column, disc: Disc) -> float:
    """Whether the sac ends where it should; NaN where the picture ends before it and it may still."""
    end = column.sac[0]
    length = (disc.lower - end) * STEP_MM / max(column.scale, 1.0)
    score = _usual(length, SAC_MM)
    below = end - round(SAC_BELOW_MM / STEP_MM)
    cut = below < 0 or not np.isfinite(column.body[below])
    return float("nan") if cut and length < SAC_MM[2] else score


def _crest(column: Column, disc: Disc, side: int) -> tuple[float, bool]:
    """Top of the iliac crest in mm above the end plate, and whether the picture surely shows it; NaN without any."""
    columns = BESIDE * side >= 52.0 * column.scale
    seen: BoolArray = np.asarray(np.isfinite(column.bone).any(axis=1), dtype=np.bool_)
    flat = np.nan_to_num(column.bone).max(axis=1)[:, columns]
    bone: BoolArray = np.greater(flat, 0.5)
    pieces, _count = ndimage.label(bone)
    row = round(disc.lower)
    beside = pieces[max(row - round(30.0 * column.scale / STEP_MM), 0) : row + 1]
    sizes = np.bincount(pieces.ravel(), minlength=1)
    names = [name for name in np.unique(beside).tolist() if name]
    if not names:
        return float("nan"), False
    wing: BoolArray = np.equal(pieces, max(names, key=lambda name: int(sizes[name])))
    top = int(np.flatnonzero(wing.any(axis=1))[-1])
    at, shown = np.flatnonzero(wing[top]), seen[:, columns]
    above = shown[top + 1 : top + 4, at]
    edge = np.flatnonzero(shown[top])
    gap = edge[-1] - at[-1] if side > 0 else at[0] - edge[0]
    return (top - disc.lower) * STEP_MM, bool(above.size >= 3 * len(at) and above.all() and gap > 3)
