"""The bones of a specimen stacked into a column, carved apart at their joints, and the discs between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.research.phantom.growths import Growth, grown, knobs, rim
from spinect_core.research.phantom.ilium import DRAWN_SLOPE, hip_bone
from spinect_core.research.phantom.parameters import Specimen, stream
from spinect_core.research.phantom.pathology import sides_of
from spinect_core.research.phantom.sacrum import SacrumShape, sacral_facet, sacrum
from spinect_core.research.phantom.sdf import (
    Coordinates,
    Frame,
    Lattice,
    block_around,
    part_of_grid,
    smooth_max,
)
from spinect_core.research.phantom.vertebra import (
    INFERIOR_RADII,
    SUPERIOR_RADII,
    VertebraShape,
    lumbar_vertebra,
)

FAR = 40.0
"""mm given as the distance of a solid from voxels outside its box."""


ABOVE_L5 = 2.8
"""mm by which the S1 superior articular process is drawn higher than the lower end plate of L5."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Frames and shapes of the bones of a specimen.

    ``sacral_growths`` is bone on the sacrum beyond the plan; ``fused`` holds the sides (1 left, -1 right) on
    which L5 and the ala are one bone; ``slip`` is how far L5 stands in front of its place, mm.
    """

    frames: dict[str, Frame]
    shapes: dict[str, VertebraShape]
    sacrum: SacrumShape
    disc_heights: dict[str, float]
    sacral_growths: tuple[Growth, ...] = ()
    fused: tuple[float, ...] = ()
    slip: float = 0.0


def slip_of(specimen: Specimen, depth: float) -> float:
    """How far L5 stands in front of its place, mm, on an S1 of a depth."""
    if not specimen.has("spondylolisthesis"):
        return 0.0
    isthmic = specimen.findings["spondylolisthesis"]["kind"] == "isthmic"
    return depth * specimen.finding("spondylolisthesis", "slip" if isthmic else "small_slip")


def facet_height(specimen: Specimen) -> float:
    """Height of the S1 superior articular process, mm over the end plate: its tip passes that of L5.

    It grew with the disc that was drawn; one that has lost height lets L5 down on it.
    """
    s = specimen
    behind = s.s1_body_depth / 2 + 9.0
    level = s.disc_height + 0.6 - np.tan(np.radians(s.disc_wedge / 2)) * behind
    return float(np.clip(level + ABOVE_L5 - SUPERIOR_RADII[2], -1.0, 5.0))


def articulate(specimen: Specimen) -> Skeleton:
    """Stack the vertebrae on the sacrum: end plate, disc, body, end plate."""
    s = specimen
    # The joints stand as far apart as the pedicles that carry them.
    wider = 0.4 * (s.l5_canal_width - 27.5)
    base = SacrumShape(
        width=s.s1_body_width,
        depth=s.s1_body_depth,
        s1_height=s.s1_body_height,
        canal_width=29.0,
        canal_depth=s.canal_depth,
        facet_x=18.6 + wider,
        facet_z=facet_height(s),
    )
    radii = {"L5": (8.0, 5.2), "L4": (4.4, 2.7), "L3": (4.4, 2.8)}
    slip = slip_of(s, base.depth)
    isthmic = slip > 0 and s.findings["spondylolisthesis"]["kind"] == "isthmic"
    # A body is as broad as its pedicles stand apart.
    broader = 1.7 * (s.l5_canal_width / 2 + s.l5_pedicle_width / 2 - 21.8)
    shapes = {}
    for number, name in enumerate(("L5", "L4", "L3")):
        shapes[name] = VertebraShape(
            height_anterior=s.l5_height_anterior - 0.6 * number,
            height_posterior=min(s.l5_height_posterior + 1.6 * number, s.l5_height_anterior - 0.6 * number),
            depth=s.l5_body_depth - 0.4 * number,
            width=s.l5_body_width + broader - 1.6 * number,
            pedicle_width=s.l5_pedicle_width if number == 0 else s.l4_pedicle_width - 1.5 * (number - 1),
            pedicle_height=s.l5_pedicle_height if number == 0 else s.l4_pedicle_height + 0.4 * (number - 1),
            canal_width=s.l5_canal_width - 2.0 * number,
            canal_depth=s.canal_depth,
            spinous_length=s.spinous_length_l5 + 6.0 * min(number, 1) + 1.5 * number,
            transverse_half_span=s.transverse_half_span_l5
            - (3.0 if number == 0 else 0.5 if number == 1 else -1.0),
            transverse_radii=radii[name],
            facet_x=17.0 - 1.6 * number + wider,
            facet_spread=6.5 - 0.2 * number,
            pars_depth=0.63 if number == 0 else 0.95,
            dish=s.finding("osteoporosis", "dish", 1.6),
            slip=slip if number == 0 and isthmic else 0.0,
            defect=s.finding("spondylolisthesis", "defect") if number == 0 and isthmic else 0.0,
        )
    frames = {"sacrum": Frame.tilted((0.0, 0.0, 0.0), s.sacral_slope)}
    top = frames["sacrum"].origin
    tilt, depth, roll, turn = s.sacral_slope, base.depth, 0.0, 0.0
    disc_heights = {}
    for number, (name, disc) in enumerate((("L5", "disc L5/S1"), ("L4", "disc L4/5"), ("L3", "disc L3/4"))):
        height = max(s.disc_height + (0.0, 1.6, 1.2)[number], 4.5)
        wedge = s.disc_wedge - (0.0, 0.5, 2.5)[number]
        if number == 0 and s.has("disc-height-loss"):
            height = max(height * s.finding("disc-height-loss", "height_left"), 3.0)
        disc_heights[disc] = height
        roll += s.lateral_lean[number]
        turn += s.turns[number]
        between = Frame.tilted((0, 0, 0), tilt - wedge / 2, roll, turn)
        shape = shapes[name]
        lower_end = top + height * between.axes[2] + (depth - shape.depth) / 2 * between.axes[1]
        if number == 0:
            lower_end = lower_end - slip * between.axes[1]
        lower_tilt = tilt - wedge
        tilt = lower_tilt - shape.wedge / 2
        axes = Frame.tilted((0, 0, 0), tilt, roll, turn).axes
        frames[name] = Frame(lower_end + shape.height / 2 * axes[2], axes)
        top = frames[name].origin + shape.height / 2 * axes[2]
        tilt -= shape.wedge / 2
        depth = shape.depth
    return overgrown(specimen, Skeleton(frames, shapes, base, disc_heights, slip=slip))


def overgrown(specimen: Specimen, skeleton: Skeleton) -> Skeleton:
    """The skeleton with the bone that its pathologies add."""
    shapes = dict(skeleton.shapes)
    more: dict[str, tuple[Growth, ...]] = {"L4": (), "L5": (), "sacrum": ()}
    base, l5 = skeleton.sacrum, shapes["L5"]
    fused: tuple[float, ...] = ()
    if specimen.has("osteophytes"):
        rng = stream(specimen.seed, "osteophyte lips")
        length, angle = specimen.finding("osteophytes", "length"), specimen.finding("osteophytes", "angle")
        for name, towards, share in (("L4", -1.0, 0.7), ("L5", 1.0, 0.7), ("L5", -1.0, 1.0)):
            shape = shapes[name]
            slope = -towards * (shape.height_anterior - shape.height_posterior) / 2 / shape.depth
            level = towards * shape.height / 2
            more[name] += rim(shape.width, shape.depth, level, slope, towards, share * length, angle, rng)
        more["sacrum"] += rim(base.width, base.depth, -0.5, 0.0, 1.0, 0.8 * length, angle, rng)
    if specimen.has("facet-arthrosis"):
        rng = stream(specimen.seed, "arthrotic facets")
        for name, sign in (("left", 1.0), ("right", -1.0)):
            growth = specimen.finding("facet-arthrosis", f"growth_{name}")
            fx, fy, fz = l5.inferior_facet
            more["L5"] += knobs((sign * fx, fy + l5.slip, fz), INFERIOR_RADII, growth, rng)
            fx, fy, fz = sacral_facet(base)
            more["sacrum"] += knobs((sign * fx, fy, fz), SUPERIOR_RADII, growth, rng)
    if specimen.has("transitional"):
        found = specimen.findings["transitional"]
        thick = float(found["thickness"]) / 2
        for _name, side in sides_of(found):
            for out, x_ala in ((8.5, 39.0), (15.0, 48.0)):
                ala = skeleton.frames["sacrum"].outer((side * x_ala, 13.0, -3.0))
                x, y, z = skeleton.frames["L5"].local((ala[0], ala[1], ala[2]))
                root = (side * (l5.pedicle_x + out), l5.depth / 2 + 5.5, l5.pedicle_z - 1.0)
                stop = (float(x), float(y), float(z))
                more["L5"] += (Growth(root, stop, (1.0, 1.0), (6.5, 6.0, thick)),)
            if found["joint"] == "fused":
                fused += (side,)
    for name in ("L4", "L5"):
        shapes[name] = replace(shapes[name], growths=more[name])
    return replace(skeleton, shapes=shapes, sacral_growths=more["sacrum"], fused=fused)


def joint_gap(local: Coordinates, specimen: Specimen, fused: tuple[float, ...]) -> FloatArray:
    """Millimetres kept between a bone and the one above it; negative where the two are fused."""
    gap: FloatArray = np.asarray(specimen.facet_gap)
    for sign in fused:
        bridge = np.clip((sign * local[0] - 29.0) / 4.0, 0.0, 1.0)
        gap = gap - bridge * (specimen.facet_gap + 6.0)
    return np.asarray(gap)


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
        if is_sacrum:
            distance = grown(sacrum(local, skeleton.sacrum), local, skeleton.sacral_growths, 2.0)
        else:
            distance = lumbar_vertebra(local, skeleton.shapes[name])
        if above is not None:
            gap = joint_gap(local, specimen, skeleton.fused if is_sacrum else ())
            distance = smooth_max(distance, gap - above[block], 0.8)
        distance = smooth_max(distance, 2.0 - hips[block], 1.0)
        whole = np.full(shape, FAR)
        whole[block] = distance
        solids[name] = whole
        above = whole
    solids["hip left"] = np.where(p[0] > 0, hips, FAR)
    solids["hip right"] = np.where(p[0] <= 0, hips, FAR)
    return solids
