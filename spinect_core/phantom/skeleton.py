"""The bones of a specimen stacked into a column, carved apart at their joints, and the discs between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinect_core.phantom.ilium import DRAWN_SLOPE, hip_bone
from spinect_core.phantom.parameters import Specimen
from spinect_core.phantom.sacrum import SacrumShape, sacrum
from spinect_core.phantom.sdf import (
    Coordinates,
    Frame,
    Lattice,
    block_around,
    part_of_grid,
    smooth_max,
    superellipse,
)
from spinect_core.phantom.vertebra import VertebraShape, lumbar_vertebra
from spinect_core.volume import FloatArray

FAR = 40.0
"""mm given as the distance of a solid from voxels outside its box."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Frames and shapes of the bones of a specimen."""

    frames: dict[str, Frame]
    shapes: dict[str, VertebraShape]
    sacrum: SacrumShape
    disc_heights: dict[str, float]


def articulate(specimen: Specimen) -> Skeleton:
    """Stack the vertebrae on the sacrum: end plate, disc, body, end plate."""
    s = specimen
    base = SacrumShape(
        width=s.s1_body_width,
        depth=s.s1_body_depth,
        s1_height=s.s1_body_height,
        canal_width=29.0,
        canal_depth=s.canal_depth,
        facet_x=17.5,
    )
    radii = {"L5": (7.4, 4.6), "L4": (5.0, 3.4), "L3": (4.8, 3.2)}
    shapes = {}
    for number, name in enumerate(("L5", "L4", "L3")):
        shapes[name] = VertebraShape(
            height_anterior=s.l5_height_anterior - 0.6 * number,
            height_posterior=min(s.l5_height_posterior + 1.6 * number, s.l5_height_anterior - 0.6 * number),
            depth=s.l5_body_depth - 0.4 * number,
            width=s.l5_body_width - 1.6 * number,
            pedicle_width=s.l5_pedicle_width if number == 0 else s.l4_pedicle_width - 1.5 * (number - 1),
            pedicle_height=s.l5_pedicle_height if number == 0 else s.l4_pedicle_height + 0.4 * (number - 1),
            canal_width=s.l5_canal_width - 2.0 * number,
            canal_depth=s.canal_depth,
            spinous_length=s.spinous_length_l5 + 6.0 * min(number, 1) + 1.5 * number,
            transverse_half_span=s.transverse_half_span_l5
            - (1.5 if number == 1 else -1.0 if number == 2 else 0.0),
            transverse_radii=radii[name],
            facet_x=17.0 - 1.6 * number,
            facet_spread=5.0 - 0.2 * number,
        )
    frames = {"sacrum": Frame.tilted((0.0, 0.0, 0.0), s.sacral_slope)}
    top = frames["sacrum"].origin
    tilt, depth, roll, turn = s.sacral_slope, base.depth, 0.0, 0.0
    disc_heights = {}
    for number, (name, disc) in enumerate((("L5", "disc L5/S1"), ("L4", "disc L4/5"), ("L3", "disc L3/4"))):
        height = max(s.disc_height + (0.0, 1.6, 1.2)[number], 4.5)
        wedge = s.disc_wedge - (0.0, 2.5, 5.0)[number]
        disc_heights[disc] = height
        roll += s.lateral_lean[number]
        turn += s.turns[number]
        between = Frame.tilted((0, 0, 0), tilt - wedge / 2, roll, turn)
        shape = shapes[name]
        lower_end = top + height * between.axes[2] + (depth - shape.depth) / 2 * between.axes[1]
        lower_tilt = tilt - wedge
        tilt = lower_tilt - shape.wedge / 2
        axes = Frame.tilted((0, 0, 0), tilt, roll, turn).axes
        frames[name] = Frame(lower_end + shape.height / 2 * axes[2], axes)
        top = frames[name].origin + shape.height / 2 * axes[2]
        tilt -= shape.wedge / 2
        depth = shape.depth
    return Skeleton(frames, shapes, base, disc_heights)


def build_bones(
    p: Coordinates, lattice: Lattice, specimen: Specimen, skeleton: Skeleton
) -> dict[str, FloatArray]:
    """Signed distance of every bone on the whole grid; joints are carved so that neighbours never touch."""
    shape = p[0].shape
    tilt = specimen.sacral_slope - DRAWN_SLOPE
    hips = lattice.refine(hip_bone(lattice.sample(p), specimen.crest_height, 1.0, tilt))
    solids: dict[str, FloatArray] = {}
    above: FloatArray | None = None
    for name in ("L3", "L4", "L5", "sacrum"):
        frame = skeleton.frames[name]
        if name == "sacrum":
            block = block_around(p, frame.outer((0.0, 12.0, -45.0)), (66.0, 75.0, 75.0))
        else:
            block = block_around(p, frame.outer((0.0, 18.0, 0.0)), (58.0, 62.0, 50.0))
        local = frame.local(part_of_grid(p, block))
        is_sacrum = name == "sacrum"
        distance = (
            sacrum(local, skeleton.sacrum) if is_sacrum else lumbar_vertebra(local, skeleton.shapes[name])
        )
        if above is not None:
            distance = smooth_max(distance, specimen.facet_gap - above[block], 0.8)
        distance = smooth_max(distance, 2.0 - hips[block], 1.0)
        whole = np.full(shape, FAR)
        whole[block] = distance
        solids[name] = whole
        above = whole
    solids["hip left"] = np.where(p[0] > 0, hips, FAR)
    solids["hip right"] = np.where(p[0] <= 0, hips, FAR)
    return solids


def build_discs(
    p: Coordinates, specimen: Specimen, skeleton: Skeleton, bone: FloatArray
) -> dict[str, FloatArray]:
    """Signed distance of the discs: what lies between two end plates and is not bone."""
    discs = {}
    for name, lower in (("disc L5/S1", "sacrum"), ("disc L4/5", "L5"), ("disc L3/4", "L4")):
        frame = skeleton.frames[lower]
        if lower == "sacrum":
            width, depth, level = skeleton.sacrum.width, skeleton.sacrum.depth, 0.0
        else:
            shape = skeleton.shapes[lower]
            width, depth, level = shape.width, shape.depth, shape.height / 2
        height = skeleton.disc_heights[name]
        centre = frame.outer((0.0, 0.0, level + height / 2))
        block = block_around(p, centre, (45.0, 45.0, 45.0))
        x, y, z = frame.local(part_of_grid(p, block))
        r = superellipse(x, y, np.asarray(width / 2 + 0.5), np.asarray(depth / 2 + 0.7), 2.5)
        side = (r - 1.0) * depth * 0.42
        slab = np.abs(z - level - height / 2) - (height / 2 + 4.5)
        distance = np.maximum(smooth_max(side, slab, 2.0), -bone[block])
        whole = np.full(p[0].shape, FAR)
        whole[block] = distance
        discs[name] = whole
    return discs
