"""Places that a hand finds through the skin: the line between the iliac crests, and spinous processes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.anatomy.landmarks import Landmarks
from spinect_core.base.arrays import FloatArray
from spinect_core.base.words import SIDES
from spinect_core.image.volume import BONE, Geometry
from spinect_core.planning.needle.needle import CREST_LINE

EDGE_MM = 2.5
"""Bone that ends so near to the border of the labels may go on beyond it."""
TIP_MM = 3.0
"""The dorsal end of a spinous process that is felt."""
UNEVEN_MM = 20.0
"""Crests that differ by more in height are no line to feel, or one of them was not found."""


@dataclass(frozen=True)
class Palpable:
    """A height along the patient's long axis that can be felt.

    Attributes:
        name: such as "L5 spinous process".
        z_mm: LPS.
        words: what it was taken from, where that is not the whole of it; else empty.
    """

    name: str
    z_mm: float
    words: str = ""


def palpable_places(bone: FloatArray, grid: Geometry, landmarks: Landmarks) -> tuple[Palpable, ...]:
    """The heights that the labels show, from the head to the feet; one that they cut is left out.

    Args:
        bone: LPS mm (n, 3), the vertices of the bone's surface.
        grid: of the labels.
        landmarks: of the level, whose parts name the places on bone.
    """
    parts = landmarks.parts
    if parts is None or not len(bone):
        return ()
    kinds = parts.nearest(bone, BONE)
    crests = {}
    for side in SIDES:
        mine = parts.piece(f"iliac crest {side}", bone, kinds)
        if len(mine) and _inside(mine[mine[:, 2].argmax()], grid):
            crests[side] = float(mine[:, 2].max())
    found = []
    if crests and max(crests.values()) - min(crests.values()) <= UNEVEN_MM:
        one = "" if len(crests) == 2 else f"of the {next(iter(crests))} crest alone"
        found.append(Palpable(CREST_LINE, float(np.mean(list(crests.values()))), one))
    for name in parts.names:
        if name.endswith("spinous process"):
            mine = parts.piece(name, bone, kinds)
            if len(mine) and _inside(mine[mine[:, 1].argmax()], grid):
                tip = mine[mine[:, 1] > mine[:, 1].max() - TIP_MM]
                found.append(Palpable(name, float(tip[:, 2].mean())))
    return tuple(sorted(found, key=lambda each: -each.z_mm))


def _inside(point: FloatArray, grid: Geometry) -> bool:
    """Whether a point lies so far within the labels that the bone surely ends there."""
    index = grid.to_index(point)
    away = np.minimum(index + 0.5, np.array(grid.shape) - 0.5 - index) * np.array(grid.spacing[::-1])
    return bool(away.min() > EDGE_MM)
