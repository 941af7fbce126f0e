"""Landmarks moved to what the bone near them shows, after the atlas has been laid over the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label as components

from spinect_core.anatomy.fields import Field
from spinect_core.anatomy.levels import Level
from spinect_core.anatomy.parts import Parts
from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import Side

SIDES = ("left", "right")
TIP_REACH_MM = 7.0
"""A tip is not moved farther than this: it would land on another bone."""

TOP_MM = 1.6
"""The tip is the middle of what lies within this distance of the highest place of the process."""

BASE_FOLLOWS = 0.4
"""How far the base of a process moves with its tip, as a part of the tip's movement."""

PLATE_FOLLOWS = 0.75
"""Part of its offset from the vertebral body by which the end plate is moved; on phantoms 0.7 to 0.9 was best."""

PLATE_REACH_MM = 8.0
"""The end plate is not moved farther than this: the body would be that of another vertebra."""

UNDER_PLATE_MM, BESIDE_MIDDLE_MM = (4.0, 6.0, 8.0), (-4.0, 0.0, 4.0)
"""Where the body is examined: depths under its end plate that disc and osteophytes do not reach, and distances beside
its middle at which its rear wall borders on the canal."""

BODY_REACH_MM = 30.0

Axes = tuple[FloatArray, FloatArray, FloatArray]
"""Unit vectors out to a side, upwards, and to the back."""


def axes_of(points: Mapping[str, FloatArray], level: Level, side: str) -> Axes:
    """The axes of the lower vertebra, upwards from its end plate."""
    left, right = (points[f"{level.lower} posterolateral corner {name}"] for name in SIDES)
    return _axes(left - right, np.cross(left - right, (left + right) / 2 - points[level.focus]), side)


def upper_axes_of(points: Mapping[str, FloatArray], level: Level, side: str) -> Axes:
    """The axes of the upper vertebra, upwards from the middle of its body to its upper end plate."""
    left, right = (points[f"{level.upper} pedicle lower margin {name}"] for name in SIDES)
    up = points[f"{level.upper} upper end plate centre"] - points[f"{level.upper} body centre"]
    return _axes(left - right, up, side)


def _axes(across: FloatArray, up: FloatArray, side: str) -> Axes:
    across = across / np.linalg.norm(across)
    up = up - (up @ across) * across
    up = up / np.linalg.norm(up)
    up = up if up[2] > 0 else -up
    return (across if side == Side.LEFT else -across), up, np.cross(up, across)


@dataclass(frozen=True, eq=False)
class Pairs:
    """How a landmark lies to another of the same bone, turned and stretched as that bone is in the case.

    Attributes:
        offsets: LPS mm (3,) by the name of a landmark: from its partner to it.
        up: unit vector upwards in the upper vertebra.
        behind: part of the depth of the lower body that lies behind the middle of its end plate.
    """

    offsets: Mapping[str, FloatArray]
    up: FloatArray
    behind: float


def refine(
    points: Mapping[str, FloatArray], level: Level, bone: Field, parts: Parts, pairs: Pairs
) -> tuple[dict[str, FloatArray], dict[str, float]]:
    """The points moved to the shape of the bone.

    - The lower end plate, flat as it is, holds the atlas by its edges alone, and where the upper vertebra has slipped
      or sunk it goes with that. It is slid along itself to where the body under it is.
    - The tip of a superior articular process is the highest place of the piece of bone that holds it; its base follows
      that by a part of its rise over what is usual.
    - The lateral border of the body is looked at where the lower margin of the pedicle stands, and the foramen hangs
      under that margin: neither has a shape of its own in this direction.

    Args:
        points: LPS mm by name, where the atlas puts them.
        level: theirs.
        bone: signed distance of the case's bone.
        parts: the atlas's parts, laid over the case.
        pairs: how the landmarks lie to each other.

    Returns:
        The points, and how far (mm) each was moved.
    """
    out = dict(points)
    slide = slide_of_plate(points, level, bone, pairs.behind)
    for name in (level.focus, *(f"{level.lower} posterolateral corner {side}" for side in SIDES)):
        out[name] = points[name] + slide
    for side in SIDES:
        _out, up, _back = axes_of(points, level, side)
        tip, base = (f"{level.lower} superior articular {end} {side}" for end in ("tip", "base"))
        from_base = points[base] + pairs.offsets[tip]
        found = highest_of_process(points[base], points[tip], up, level, bone, parts)
        if found is not None:
            out[tip] = found
            out[base] = points[base] + BASE_FOLLOWS * float((found - from_base) @ up) * up
        margin = points[f"{level.upper} pedicle lower margin {side}"]
        border, foramen = f"{level.upper} body lateral border {side}", f"foramen {level.name} centre {side}"
        expected = margin + pairs.offsets[border]
        out[border] = points[border] + float((expected - points[border]) @ pairs.up) * pairs.up
        out[foramen] = margin + pairs.offsets[foramen]
    return out, {name: float(np.linalg.norm(out[name] - points[name])) for name in points}


def depth_of_body(points: Mapping[str, FloatArray], level: Level, bone: Field) -> tuple[float, float]:
    """How far (mm) the lower body reaches behind the middle of its end plate, and in front of it, just under the plate.

    Both are nan where the body cannot be made out.
    """
    out, up, back = axes_of(points, level, "left")
    middle = points[level.focus]
    inside = np.array(
        [middle - down * up + beside * out for down in UNDER_PLATE_MM for beside in BESIDE_MIDDLE_MM]
    )
    behind, ahead = (bone.crossing(inside, way, BODY_REACH_MM) for way in (back, -back))
    seen = np.isfinite(behind) & np.isfinite(ahead)
    if seen.sum() < len(inside) / 2:
        return np.nan, np.nan
    return float(np.median(behind[seen])), float(np.median(ahead[seen]))


def slide_of_plate(points: Mapping[str, FloatArray], level: Level, bone: Field, usual: float) -> FloatArray:
    """LPS mm (3,): how the lower end plate is to be slid; ``usual`` is the part of the body behind its middle."""
    behind, ahead = depth_of_body(points, level, bone)
    way = behind - usual * (behind + ahead)
    _out, _up, back = axes_of(points, level, "left")
    return PLATE_FOLLOWS * way * back if abs(way) < PLATE_REACH_MM else np.zeros(3)


def highest_of_process(
    base: FloatArray, tip: FloatArray, up: FloatArray, level: Level, bone: Field, parts: Parts
) -> FloatArray | None:
    """LPS mm (3,) of the highest place of the process that rises from ``base``; None where it cannot be determined."""
    grid = bone.geometry
    reach = 12.0 / np.asarray(grid.spacing[::-1])
    centre = grid.to_index(tip)
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach) + 1, grid.shape).astype(int)
    if np.any(high - low < 4):
        return None
    block = bone.distance[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    index = np.moveaxis(np.indices(block.shape), 0, -1) + low
    places = grid.to_patient(index)
    names = np.array([name.startswith((level.lower, "sacr")) for name in parts.names])
    near = (block < -0.2) & (np.linalg.norm(places - tip, axis=-1) < 12.0)
    near &= (places - base) @ up > -3.0
    if not near.any():
        return None
    mine = near.copy()
    mine[near] = names[parts.nearest(places[near])]
    pieces, count = components(mine)
    if count == 0:
        return None
    # The piece that holds the seed, half way up the process.
    gap = np.where(mine, np.linalg.norm(places - (0.6 * base + 0.4 * tip), axis=-1), np.inf)
    piece = pieces == pieces[np.unravel_index(int(np.argmin(gap)), gap.shape)]
    height = (places[piece] - tip) @ up
    top = places[piece][height > height.max() - TOP_MM].mean(axis=0)
    ahead = float(np.nan_to_num(bone.crossing(top[None], up, 4.0)[0], nan=0.0))
    found = np.asarray(top + ahead * up)
    return found if np.linalg.norm(found - tip) < TIP_REACH_MM else None
