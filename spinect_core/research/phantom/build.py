"""One specimen, put together and scanned.

The specimen stands in its own frame: origin in the middle of the upper end plate of S1, x to the left, y to
the back, z to the head, as the patient stands. Size, a smooth warp (which makes left and right differ) and
the pose in the scanner map it into patient millimetres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.base.errors import UsageError
from spinect_core.base.reasons import times
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.research.phantom import soft_tissue, truth
from spinect_core.research.phantom.beside_nerves import Surroundings
from spinect_core.research.phantom.courses import Route, root_waypoints, sac_path
from spinect_core.research.phantom.discs import build_discs
from spinect_core.research.phantom.epidural import (
    ligamenta_flava,
    paint_fat_along,
    paint_fat_and_ligaments,
    paint_sacral_fat,
)
from spinect_core.research.phantom.metal import implants, paint_metal
from spinect_core.research.phantom.nerves import Course
from spinect_core.research.phantom.paint import (
    Painting,
    ala_depth,
    paint_basivertebral_veins,
    paint_bones,
    paint_discs,
    sclerosis,
    shell_factor,
)
from spinect_core.research.phantom.parameters import Specimen, draw_specimen, stream
from spinect_core.research.phantom.pose import Pose
from spinect_core.research.phantom.reformats import as_read
from spinect_core.research.phantom.roots import paint_nerves
from spinect_core.research.phantom.scanner import Scan, draw_scan, scan, slices_within, thin_slices
from spinect_core.research.phantom.sdf import Coordinates, Lattice, line_distance
from spinect_core.research.phantom.skeleton import FAR, Skeleton, articulate, build_bones
from spinect_core.research.phantom.strands import StrandLayer
from spinect_core.research.phantom.structures import BESIDE_NERVES, STRUCTURES
from spinect_core.research.phantom.variety import (
    FAMILIES,
    PROCEDURAL,
    VARIED,
    Variety,
    bent,
    draw_variety,
    varied_specimen,
)
from spinect_core.research.phantom.vessels import front_of_spine

LATTICE_MM = 2.0
"""Sampling of large, smooth solids; see :class:`Lattice`."""

Box = tuple[tuple[float, float], ...]

LUMBOSACRAL: Box = ((-100.0, 100.0), (-72.0, 88.0), (-88.0, 82.0))
TRUNK: Box = ((-176.0, 176.0), (-160.0, 118.0), (-88.0, 92.0))


@dataclass(frozen=True, eq=False)
class Phantom:
    """A CT with everything known about it.

    Attributes:
        volume: the CT in HU.
        labels: 0 background, 1 bone, 2 nerve on the grid of the CT.
        structures: uint8 [z, y, x], numbers of :data:`STRUCTURES`.
        truth: centrelines, landmarks and the drawn measures, in LPS mm; what ``truth.json`` holds.
    """

    volume: Volume
    labels: Labels
    structures: LabelArray
    truth: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The bones of a specimen and the courses of its nerves, whoever drew them.

    Attributes:
        family: ``procedural`` or the name of the collection of bones.
        skeleton: frames and measures of the bones.
        solids: gives the signed distance of every bone (``L3``, ``L4``, ``L5``, ``sacrum``, ``hip left``,
            ``hip right``) at coordinates in the specimen; neighbours do not touch.
        routes: waypoints of the roots by level.
        sac: (n, 3) points along the middle of the canal.
        sacral_fat: lines (n, 3) and radii in mm of the fat in the sacral canal and foramina, on the left and
            in the midline; empty for that of the drawn sacrum.
    """

    family: str
    skeleton: Skeleton
    solids: Callable[[Coordinates, Lattice], dict[str, FloatArray]]
    routes: dict[str, Route]
    sac: FloatArray
    sacral_fat: tuple[tuple[FloatArray, float], ...] = ()


def grid_for(spacing: tuple[float, float, float], box: tuple[tuple[float, float], ...]) -> Geometry:
    """LPS grid of a spacing (x, y, z) that holds a box ((x0, x1), (y0, y1), (z0, z1)) in mm."""
    count = [int(np.floor((high - low) / step)) + 1 for (low, high), step in zip(box, spacing, strict=True)]
    return Geometry((count[2], count[1], count[0]), spacing, (box[0][0], box[1][0], box[2][0]))


def procedural(specimen: Specimen) -> Anatomy:
    """The anatomy drawn from a specimen's measures alone."""
    skeleton = articulate(specimen)

    def solids(p: Coordinates, lattice: Lattice) -> dict[str, FloatArray]:
        bones = build_bones(p, lattice, specimen, skeleton)
        return kept_free(bones, p, lattice, routes) if specimen.findings else bones

    routes = root_waypoints(skeleton, specimen)
    return Anatomy(PROCEDURAL, skeleton, solids, routes, sac_path(skeleton))


def kept_free(
    bones: dict[str, FloatArray], p: Coordinates, lattice: Lattice, routes: dict[str, Route]
) -> dict[str, FloatArray]:
    """The bones with the courses of the roots kept open: no overgrowth blocks a foramen completely."""
    coarse = lattice.sample(p)
    mirrored = (np.abs(coarse[0]), coarse[1], coarse[2])
    free = np.full(coarse[0].shape, -FAR)
    for level, (waypoints, _ganglion, radius, _thick) in routes.items():
        side = 1.0 if level.endswith("left") else -1.0
        where = mirrored if " " not in level else (side * coarse[0], coarse[1], coarse[2])
        free = np.maximum(free, 0.65 * radius - line_distance(where, waypoints, 7.0))
    fine = lattice.refine(free)
    return {name: np.maximum(solid, fine) if "hip" not in name else solid for name, solid in bones.items()}


def draw_case(
    seed: int,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    box: Box = LUMBOSACRAL,
    setting: Scan | None = None,
    family: str = "procedural",
    pathologies: Sequence[str] | None = None,
) -> Phantom:
    """The phantom of a seed.

    Args:
        seed: any whole number from 0; the same seed gives the same bytes.
        spacing: (x, y, z) mm of the CT.
        box: what the CT shows, ((x0, x1), (y0, y1), (z0, z1)) in patient mm.
        setting: scanner setting; drawn from the seed when absent.
        family: one of :data:`~spinect_core.research.phantom.variety.FAMILIES`.
        pathologies: names of :data:`spinect_core.research.phantom.pathology.PATHOLOGIES`, exactly those; ``()`` or
            ``("normal",)`` for none; drawn by their prevalence when absent.

    Raises:
        UsageError: the seed, the spacing, the box, the family or a pathology makes no sense.
    """
    if seed < 0:
        raise UsageError(f"The seed {seed} is negative", "Give a whole number from 0", parameter="seed")
    if not all(0.2 <= step <= 10.0 for step in spacing):
        raise UsageError(
            f"A spacing of {times(spacing)} mm cannot be drawn", "Give 0.2 to 10 mm", parameter="spacing"
        )
    if not all(high - low >= 4.0 * step for (low, high), step in zip(box, spacing, strict=True)):
        raise UsageError(
            f"The box of {times(high - low for low, high in box)} mm holds too few voxels",
            "Give a larger box or a finer spacing",
        )
    if family not in FAMILIES:
        raise UsageError(
            f"There is no family {family!r}", f"Choose one of {', '.join(FAMILIES)}", parameter="family"
        )
    specimen = draw_specimen(seed, pathologies)
    variety = draw_variety(seed, specimen) if family == VARIED else None
    if variety is not None:
        specimen = varied_specimen(specimen, variety)
    pose = Pose.draw(specimen, stream(seed, "pose"))
    return assemble(specimen, pose, procedural(specimen), spacing, box=box, setting=setting, variety=variety)


def assemble(
    specimen: Specimen,
    pose: Pose,
    anatomy: Anatomy,
    spacing: tuple[float, float, float],
    *,
    box: Box = LUMBOSACRAL,
    setting: Scan | None = None,
    variety: Variety | None = None,
) -> Phantom:
    """Soft tissue, discs, nerves and bones of an anatomy on a grid, scanned.

    Args:
        specimen: the measures; its seed drives every random stream.
        pose: how it lies in the scanner.
        anatomy: bones and nerves.
        spacing: (x, y, z) mm of the CT.
        box: what the CT shows, in patient mm.
        setting: scanner setting; drawn from the seed when absent.
        variety: what the varied family drew for it.
    """
    seed, skeleton = specimen.seed, anatomy.skeleton
    family, told = anatomy.family, {}
    if variety is not None:
        pose = bent(pose, variety.bend_mm, seed)
        family = VARIED if family == PROCEDURAL else f"{family} {VARIED}"
        told = {"variety": variety.to_dict(), "structures": STRUCTURES | BESIDE_NERVES}
    whole, within = grid_for(spacing, box), slices_within(spacing)
    geometry, middle = thin_slices(whole, within), slice(within // 2, None, within)
    spacing = geometry.spacing
    setting = setting or draw_scan(stream(seed, "scanner"), step_mm=whole.spacing[2])
    nz, ny, nx = geometry.shape
    axes = [geometry.origin[axis] + np.arange(n) * spacing[axis] for axis, n in enumerate((nx, ny, nz))]
    steps = tuple(max(round(LATTICE_MM / step), 1) for step in spacing[::-1])
    lattice = Lattice.every(geometry.shape, (steps[0], steps[1], steps[2]))
    z, y, x = np.meshgrid(*[axes[2 - axis][lattice.picks[axis]] for axis in range(3)], indexing="ij")
    # Between points 2 mm apart the warp is straight to a hundredth of a millimetre.
    p0, p1, p2 = (lattice.refine(component) for component in pose.to_specimen((x, y, z)))
    p = (p0, p1, p2)
    edge = float(np.mean(spacing)) / specimen.size
    rng = stream(seed, "tissue")
    solids = anatomy.solids(p, lattice)
    bone = np.minimum.reduce(list(solids.values()))
    hips = np.minimum(solids["hip left"], solids["hip right"])
    structures: LabelArray = np.zeros(geometry.shape, np.uint8)
    painting = Painting(
        tissue=soft_tissue.fill_trunk(p, lattice, hips, bone, specimen, edge, rng, structures, variety),
        labels=np.zeros(geometry.shape, np.uint8),
        structures=structures,
    )
    discs = build_discs(p, specimen, skeleton, bone)
    flava = ligamenta_flava(p, specimen, skeleton)
    metal = implants(p, specimen, skeleton)
    paint_fat_and_ligaments(painting, p, specimen, skeleton, flava, edge, stream(seed, "veins"))
    if anatomy.sacral_fat:
        paint_fat_along(painting, p, anatomy.sacral_fat, specimen.fat, edge)
    else:
        paint_sacral_fat(painting, p, specimen, skeleton, edge)
    paint_discs(painting, p, discs, specimen, skeleton, edge)
    hard = np.minimum.reduce([bone, *metal.values()])
    obstacle = np.minimum.reduce([hard, flava + 1.6, *discs.values()])

    def lay_beside(roots: list[Course]) -> None:
        assert variety is not None
        layer = StrandLayer(geometry, float(np.mean(spacing)))
        surroundings = Surroundings(
            specimen, variety, skeleton, pose, geometry, obstacle * pose.size, stream(seed, "beside nerves")
        )
        front = front_of_spine(lattice.sample(p), bone[np.ix_(*lattice.picks)])
        told["beside nerves"] = surroundings.lay(layer, front, roots)
        layer.lay(painting.tissue, painting.structures, obstacle * pose.size)

    paint_nerves(
        painting,
        p,
        specimen,
        skeleton,
        pose,
        geometry,
        obstacle,
        hard,
        flava,
        anatomy.routes,
        anatomy.sac,
        variety,
        None if variety is None else lay_beside,
    )
    coarse = lattice.sample(p)
    ala, shell = (lattice.refine(part(coarse, skeleton)) for part in (ala_depth, shell_factor))
    extra = sclerosis(p, specimen, skeleton, discs)
    paint_bones(painting, solids, bone, ala, shell, extra, specimen, edge, rng)
    paint_basivertebral_veins(painting, p, skeleton, bone, edge)
    paint_metal(painting, metal, specimen, edge)

    array = scan(
        painting.tissue,
        whole.spacing,
        setting,
        stream(seed, "noise"),
        metal=painting.metal,
        within=within,
    )
    if variety is not None:
        array = as_read(array, whole.spacing, variety.reading, stream(seed, "reformats"))
    name = f"phantom seed {seed}" if family == PROCEDURAL else f"phantom {family} seed {seed}"
    details = {"phantom": True, "family": family, "seed": seed}
    return Phantom(
        Volume(array, whole, name, details),
        Labels(np.ascontiguousarray(painting.labels[middle]), whole),
        np.ascontiguousarray(painting.structures[middle]),
        truth.describe(
            seed, family, specimen, skeleton, pose, painting.courses, anatomy.solids, whole, setting
        )
        | told,
    )
