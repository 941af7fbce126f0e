"""The picture in the making, and discs and bones laid over it with their labels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.image.volume import BONE
from spinect_core.research.phantom import soft_tissue
from spinect_core.research.phantom.discs import gas_cleft
from spinect_core.research.phantom.nerves import Course
from spinect_core.research.phantom.parameters import Specimen
from spinect_core.research.phantom.sdf import Coordinates, block_around, capsule, ellipsoid, part_of_grid
from spinect_core.research.phantom.skeleton import Skeleton
from spinect_core.research.phantom.structures import STRUCTURES

GAS_HU = -650.0


@dataclass
class Painting:
    """The picture in the making.

    Attributes:
        tissue: HU [z, y, x].
        labels: 0 background, 1 bone, 2 nerve.
        structures: numbers of :data:`STRUCTURES`.
        courses: the nerves laid so far.
        metal: where metal is; None where there is none.
    """

    tissue: FloatArray
    labels: LabelArray
    structures: LabelArray
    courses: list[Course] = field(default_factory=list)
    metal: npt.NDArray[np.bool_] | None = None


def paint_discs(
    painting: Painting,
    p: Coordinates,
    discs: dict[str, FloatArray],
    specimen: Specimen,
    skeleton: Skeleton,
    edge: float,
) -> None:
    """Discs, denser towards their ring; with gas in them where the specimen has it."""
    for name, distance in discs.items():
        ring = specimen.disc + 14.0 * np.clip(1.0 + distance / 6.0, 0.0, 1.0)
        soft_tissue.cover(painting.tissue, distance, ring, edge)
        painting.structures[distance < 0] = STRUCTURES[name]
    if specimen.has("disc-height-loss") and specimen.findings["disc-height-loss"]["gas"] == "yes":
        gas = np.maximum(gas_cleft(p, skeleton), discs["disc L5/S1"])
        soft_tissue.cover(painting.tissue, gas, GAS_HU, edge)


def ala_depth(p: Coordinates, skeleton: Skeleton) -> FloatArray:
    """How much a voxel belongs to the ala or the lower sacrum: 0 in the body of S1, 1 well outside it."""
    frame = skeleton.frames["sacrum"]
    x, y, z = frame.local(p)
    half = skeleton.sacrum.width / 2
    beside = np.clip((np.abs(x) - half * 0.8) / 8.0, 0.0, 1.0)
    behind = np.clip((y - skeleton.sacrum.back + 3.0) / 6.0, 0.0, 1.0) * np.clip(
        (np.abs(x) - 12.0) / 6.0, 0.0, 1.0
    )
    below = 0.7 * np.clip((-z - skeleton.sacrum.s1_height) / 8.0, 0.0, 1.0)
    return np.asarray(np.maximum(np.maximum(beside, behind), below))


def shell_factor(p: Coordinates, skeleton: Skeleton) -> FloatArray:
    """How thick the cortex is beside its mean: more round pedicles and laminae, less on the ala."""
    factor = np.ones(p[0].shape)
    for name, frame in skeleton.frames.items():
        if name == "sacrum":
            continue
        shape = skeleton.shapes[name]
        x, y, z = frame.local(p)
        behind = np.clip((y - shape.depth / 2 + 3.0) / 4.0, 0.0, 1.0)
        near = np.clip((shape.height / 2 + 9.0 - np.abs(z)) / 4.0, 0.0, 1.0)
        inner = np.clip((36.0 - np.abs(x)) / 6.0, 0.0, 1.0)
        plate = np.clip(1.0 - np.abs(np.abs(z) - shape.height / 2 + 1.0) / 3.0, 0.0, 1.0) * (1.0 - behind)
        factor = np.maximum(factor, 1.0 + 0.45 * behind * near * inner + 0.25 * plate)
    return factor - 0.2 * ala_depth(p, skeleton)


def sclerosis(
    p: Coordinates, specimen: Specimen, skeleton: Skeleton, discs: dict[str, FloatArray]
) -> FloatArray | float:
    """HU added to cancellous bone under a degenerated disc and round arthrotic facets."""
    extra: FloatArray | float = 0.0
    if specimen.has("disc-height-loss"):
        near = np.clip(1.0 - discs["disc L5/S1"] / 8.0, 0.0, 1.0)
        extra = specimen.finding("disc-height-loss", "sclerosis") * near
    if specimen.has("facet-arthrosis"):
        shape = skeleton.shapes["L5"]
        x, y, z = skeleton.frames["L5"].local(p)
        at = shape.inferior_facet
        facet = ellipsoid((np.abs(x), y, z), (at[0] + 4.0, at[1] - 4.0, at[2]), (13.0, 13.0, 15.0))
        extra = extra + specimen.finding("facet-arthrosis", "sclerosis") * np.clip(-facet / 6.0, 0.0, 1.0)
    return extra


def paint_basivertebral_veins(
    painting: Painting, p: Coordinates, skeleton: Skeleton, bone: FloatArray, edge: float
) -> None:
    """The vein that leaves each lumbar body in the middle of its back: a dark wedge in the marrow."""
    for name, shape in skeleton.shapes.items():
        frame, b = skeleton.frames[name], shape.depth / 2
        block = block_around(p, frame.outer((0.0, b - 6.0, 0.0)), (16.0, 16.0, 14.0))
        local = frame.local(part_of_grid(p, block))
        x = np.abs(local[0])
        stem = capsule(local, (0.0, b + 1.0, 0.4), (0.0, b - 8.0, 0.4), (1.9, 1.0), (2.0, 1.0, 1.0))
        branch = capsule((x, local[1], local[2]), (0.0, b - 7.0, 0.4), (5.5, b - 14.0, 0.4), (1.1, 0.6))
        vein = np.maximum(np.minimum(stem, branch), bone[block])
        soft_tissue.cover(painting.tissue[block], vein, 40.0, edge)


def paint_bones(
    painting: Painting,
    solids: dict[str, FloatArray],
    bone: FloatArray,
    ala: FloatArray,
    shell: FloatArray,
    sclerotic: FloatArray | float,
    specimen: Specimen,
    edge: float,
    rng: np.random.Generator,
) -> None:
    """Cortex over cancellous bone with trabecular texture and patches of marrow fat."""
    shape = bone.shape
    cancellous = specimen.cancellous * (1.0 + 0.16 * soft_tissue.texture(shape, 4.0, rng))
    cancellous += 0.28 * specimen.cancellous * soft_tissue.texture(shape, 26.0, rng)
    # The ala and the lower sacrum hold the fattiest marrow; in some it is as dark as the fat round the roots.
    marrow = float(rng.uniform(0.45, 1.0))
    fattiness = float(np.clip(rng.beta(1.3, 1.3) * 1.1, 0.0, 1.0))
    dark = fattiness * ala * np.clip(0.85 + 0.35 * soft_tissue.texture(shape, 12.0, rng), 0.0, 1.0)
    sacral = cancellous * marrow
    sacral += dark * (float(rng.uniform(-70.0, 30.0)) - sacral)
    cancellous = np.where(solids["sacrum"] < 0, sacral, cancellous)
    cancellous = cancellous + sclerotic
    thickness = (
        specimen.cortex_thickness
        * shell
        * (1.0 + 0.2 * np.clip(soft_tissue.texture(shape, 18.0, rng), -2, 2))
    )
    depth = np.clip((-bone - thickness) / 0.9 + 0.5, 0.0, 1.0)
    value = specimen.cortex + depth * (cancellous - specimen.cortex)
    soft_tissue.cover(painting.tissue, bone, value, edge)
    inside = bone < 0
    painting.labels[inside] = BONE
    for name, distance in solids.items():
        painting.structures[inside & (distance <= bone)] = STRUCTURES[name]
