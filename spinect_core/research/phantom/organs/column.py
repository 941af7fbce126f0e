"""The spine above L3, simply: further vertebrae of the same plan, their discs and the lowest ribs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.sdf import (
    Coordinates,
    Frame,
    block_around,
    capsule,
    ellipsoid,
    part_of_grid,
)
from spinect_core.research.phantom.skeleton import FAR, Skeleton
from spinect_core.research.phantom.vertebra import VertebraShape, lumbar_vertebra

LEVELS = ("L2", "L1", "T12", "T11")
DISC_MM = 8.0


@dataclass(frozen=True, eq=False)
class UpperColumn:
    """What stands on L3.

    Attributes:
        frames: of the vertebrae, by level.
        shapes: likewise.
        discs: the frame in the middle of the disc under each of them.
    """

    frames: dict[str, Frame]
    shapes: dict[str, VertebraShape]
    discs: dict[str, Frame]


def raise_column(skeleton: Skeleton, rng: np.random.Generator) -> UpperColumn:
    """Vertebrae stacked on L3, a little smaller one by one, the lordosis turning into the kyphosis."""
    below = skeleton.shapes["L3"]
    axes = skeleton.frames["L3"].axes
    tilt = float(np.degrees(np.arctan2(-axes[2, 1], axes[2, 2])))
    roll = float(np.degrees(np.arcsin(np.clip(axes[2, 0], -1.0, 1.0))))
    top = skeleton.frames["L3"].origin + below.height / 2 * axes[2]
    bend = float(rng.uniform(2.0, 5.0))
    frames, shapes, discs = {}, {}, {}
    for number, name in enumerate(LEVELS):
        shape = replace(
            below,
            height_anterior=below.height_anterior - 0.8 * (number + 1),
            height_posterior=below.height_posterior - 0.3 * (number + 1),
            width=below.width - 1.5 * (number + 1),
            depth=below.depth - 0.6 * (number + 1),
            transverse_half_span=max(below.transverse_half_span - (2.0, 6.0, 18.0, 18.0)[number], 22.0),
            spinous_length=below.spinous_length - 1.5 * number,
            growths=(),
        )
        tilt -= bend * (1.0 - 0.3 * number)
        up = Frame.tilted((0.0, 0.0, 0.0), tilt, roll).axes
        discs[name] = Frame(top + DISC_MM / 2 * up[2], up)
        origin = top + (DISC_MM + shape.height / 2) * up[2]
        frames[name], shapes[name] = Frame(origin, up), shape
        top = origin + shape.height / 2 * up[2]
    return UpperColumn(frames, shapes, discs)


def upper_bones(p: Coordinates, column: UpperColumn, rng: np.random.Generator) -> FloatArray:
    """Signed distance of the vertebrae above L3 and the eleventh and twelfth ribs."""
    bone = np.full(p[0].shape, FAR)
    for name, frame in column.frames.items():
        block = block_around(p, frame.outer((0.0, 18.0, 0.0)), (58.0, 62.0, 50.0))
        if not part_of_grid(p, block)[0].size:
            continue
        found = lumbar_vertebra(frame.local(part_of_grid(p, block)), column.shapes[name])
        bone[block] = np.minimum(bone[block], found)
    mirrored = (np.abs(p[0]), p[1], p[2])
    for name, reach, drop in (
        ("T12", rng.uniform(55.0, 115.0), 45.0),
        ("T11", rng.uniform(120.0, 150.0), 62.0),
    ):
        _x0, y0, z0 = column.frames[name].outer((0.0, 16.0, 4.0))
        for low, high in ((0.0, 0.35), (0.35, 0.7), (0.7, 1.0)):
            ends = []
            for part in (low, high):
                out = 24.0 + part * (float(reach) - 24.0)
                behind = y0 + 24.0 * np.sin(np.pi * min(out / 150.0, 1.0)) - 0.002 * out**2 * part
                ends.append((out, float(behind), float(z0) - part * drop))
            bone = np.minimum(bone, capsule(mirrored, ends[0], ends[1], (4.6, 4.0)))
    return bone


def upper_discs(p: Coordinates, column: UpperColumn, bone: FloatArray) -> FloatArray:
    """Signed distance of the discs above L3."""
    out = np.full(p[0].shape, FAR)
    for name, frame in column.discs.items():
        shape = column.shapes[name]
        block = block_around(p, frame.outer((0.0, 0.0, 0.0)), (40.0, 40.0, 30.0))
        if not part_of_grid(p, block)[0].size:
            continue
        half = (shape.width / 2 + 1.0, shape.depth / 2 + 1.0, DISC_MM)
        disc = ellipsoid(frame.local(part_of_grid(p, block)), (0.0, 0.0, 0.0), half)
        out[block] = np.minimum(out[block], np.maximum(disc, -bone[block]))
    return out
