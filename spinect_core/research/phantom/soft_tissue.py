"""Soft tissue around the bones, laid from the skin inwards."""

from __future__ import annotations

import numpy as np

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.research.phantom.bowel import paint_bowel, paint_mesentery
from spinect_core.research.phantom.canvas import Canvas, cover, texture
from spinect_core.research.phantom.muscles import (
    USUAL_FLANK,
    draw_flesh,
    paint_back,
    paint_flank,
    paint_gluteal,
)
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.sdf import Coordinates, Lattice
from spinect_core.research.phantom.trunk_wall import (
    OUTSIDE_HU,
    draw_wall,
    paint_abdominal_wall,
    paint_fat_and_skin,
)
from spinect_core.research.phantom.variety import Variety
from spinect_core.research.phantom.vessels import paint_vessels

__all__ = ["OUTSIDE_HU", "cover", "fill_trunk", "texture"]


def fill_trunk(
    whole: Coordinates,
    lattice: Lattice,
    hip_whole: FloatArray,
    bone_whole: FloatArray,
    specimen: Specimen,
    edge: float,
    rng: np.random.Generator,
    structures: LabelArray,
    variety: Variety | None = None,
) -> FloatArray:
    """Tissue map in HU of the trunk without spine and nerves.

    Args:
        whole: coordinates of the voxels in the frame of the specimen.
        lattice: the coarse sampling on which muscles and vessels are evaluated.
        hip_whole: signed distance of the hip bones.
        bone_whole: signed distance of all bones.
        specimen: the measures.
        edge: mm over which edges are antialiased (about a voxel).
        rng: random stream of the soft tissue.
        structures: uint8 [z, y, x] on the whole grid; muscles, vessels, bowel, fat and skin write their numbers.
        variety: of the varied family, which lays its vessels and ureters beside the nerves later.
    """
    sampled = np.ix_(*lattice.picks)
    hip, bone = hip_whole[sampled], bone_whole[sampled]
    canvas = Canvas(
        np.full(whole[0].shape, OUTSIDE_HU), structures, lattice, lattice.sample(whole), whole[0] > 0.0, edge
    )
    # A stream for each part: a new draw in one leaves the others as they are.
    outside, wall_rng, flesh_rng, flank_rng, blood, gut, mesentery = (
        np.random.Generator(np.random.Philox(key=int(key))) for key in rng.integers(0, 2**62, 7)
    )
    wall = draw_wall(canvas.p, bone, specimen, outside)
    paint_fat_and_skin(canvas, wall, specimen, outside)
    flesh = draw_flesh(canvas, specimen, flesh_rng)
    paint_abdominal_wall(canvas, wall, specimen, flesh.plain, wall_rng)
    paint_back(canvas, wall, flesh)
    paint_gluteal(canvas, hip, wall, flesh)
    beside = USUAL_FLANK if variety is None else variety.flank
    flank = paint_flank(canvas, hip, wall, flesh, flank_rng, specimen, beside)
    paint_mesentery(canvas, wall, 40.0, mesentery)
    if variety is None:
        arterial, _venous = paint_vessels(canvas, bone, specimen, blood)
    else:
        arterial = variety.blood[0]
    paint_bowel(canvas, wall, flank, bone, specimen, arterial > 100.0, gut)
    return canvas.tissue
