"""The same specimen built on bones given from outside, such as segmented or modelled ones.

Only the bones come from outside, as signed distances in the frame of a specimen; nerves, discs, fat, muscle,
scanner and variation are those of the procedural family. The joints between the bones are opened, and the
canal and the foramina are kept as wide as the nerves need.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.ndimage import map_coordinates

from spinect_core.base.arrays import FloatArray
from spinect_core.image.volume import Geometry
from spinect_core.research.phantom import soft_tissue
from spinect_core.research.phantom.build import LUMBOSACRAL, Anatomy, Box, Phantom, assemble
from spinect_core.research.phantom.courses import Route
from spinect_core.research.phantom.parameters import draw_specimen, stream
from spinect_core.research.phantom.pose import Pose
from spinect_core.research.phantom.scanner import Scan
from spinect_core.research.phantom.sdf import Block, Coordinates, Lattice, line_distance
from spinect_core.research.phantom.skeleton import FAR, Skeleton
from spinect_core.research.phantom.variety import draw_variety, varied_specimen

COLUMN = ("L3", "L4", "L5", "sacrum")
JOINTS = (("L3", "L4"), ("L4", "L5"), ("L5", "sacrum"), ("sacrum", "hips"), ("L5", "hips"))


@dataclass(frozen=True, eq=False)
class BoneField:
    """A bone as a sampled signed distance.

    Attributes:
        distance: [z, y, x] in mm, negative inside.
        geometry: where the samples lie in the frame of the specimen, mm, axes along x, y and z.
    """

    distance: FloatArray
    geometry: Geometry

    def at(self, p: Coordinates) -> tuple[Block, FloatArray] | None:
        """The block of the grid ``p`` that the samples reach, and the distance there; None if there is none."""
        low = np.asarray(self.geometry.origin)
        step = np.asarray(self.geometry.spacing)
        high = low + step * (np.asarray(self.geometry.shape[::-1]) - 1)
        inside = np.ones(p[0].shape, dtype=bool)
        for axis in range(3):
            inside &= (p[axis] >= low[axis]) & (p[axis] <= high[axis])
        if not inside.any():
            return None
        slices = []
        for axis in range(3):
            hit = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
            slices.append(slice(int(hit[0]), int(hit[-1]) + 1))
        block = (slices[0], slices[1], slices[2])
        index = [(p[axis][block] - low[axis]) / step[axis] for axis in (2, 1, 0)]
        return block, map_coordinates(self.distance, index, order=1, mode="nearest", output=np.float64)


@dataclass(frozen=True, eq=False)
class BoneSet:
    """Bones from outside and what was measured on them.

    Attributes:
        name: of the collection; becomes the family of the phantom.
        fields: ``L3``, ``L4``, ``L5``, ``sacrum`` and ``hips`` (both hip bones).
        skeleton: frames and measures of these bones.
        routes: waypoints of the left roots by level.
        sac: (n, 3) points along the middle of the canal.
        sacral_fat: lines (n, 3) with a radius in mm: the fat in the sacral canal and its foramina, left and
            midline.
        through_bone: mm by level, and for ``sacral canal``, that lead through bone because no free path was found.
    """

    name: str
    fields: dict[str, BoneField]
    skeleton: Skeleton
    routes: dict[str, Route]
    sac: FloatArray
    sacral_fat: list[tuple[FloatArray, float]]
    through_bone: dict[str, float] = field(default_factory=dict)


def open_bones(
    p: Coordinates, lattice: Lattice, bones: BoneSet, rng: np.random.Generator, gap: float
) -> dict[str, FloatArray]:
    """Signed distance of every bone on the grid, joints opened, canal and foramina kept free.

    Args:
        p: coordinates of the voxels in the specimen.
        lattice: the coarse sampling of the grid.
        bones: the bones.
        rng: random stream of the bones' relief.
        gap: mm between neighbouring bones.
    """
    shape = p[0].shape
    grown = float(rng.uniform(-0.45, 0.45))
    relief = 0.3 * soft_tissue.texture(shape, 9.0, rng)
    raw: dict[str, FloatArray] = {}
    for name in (*COLUMN, "hips"):
        whole = np.full(shape, FAR)
        found = bones.fields[name].at(p)
        if found is not None:
            block, distance = found
            whole[block] = distance - grown + relief[block]
        raw[name] = whole
    solids = dict(raw)
    for first, second in JOINTS:
        half = (raw[first] - raw[second]) / 2
        solids[first] = np.maximum(solids[first], half + gap / 2)
        solids[second] = np.maximum(solids[second], gap / 2 - half)
    coarse = lattice.sample(p)
    mirrored = (np.abs(coarse[0]), coarse[1], coarse[2])
    free = 5.5 - line_distance(coarse, bones.sac, 9.0)
    for waypoints, _ganglion, radius, _radius in bones.routes.values():
        free = np.maximum(free, radius + 1.0 - line_distance(mirrored, waypoints, 7.0))
    free = lattice.refine(free)
    out = {name: np.maximum(solids[name], free) for name in COLUMN}
    out["hip left"] = np.where(p[0] > 0, solids["hips"], FAR)
    out["hip right"] = np.where(p[0] <= 0, solids["hips"], FAR)
    return out


def draw_on_bones(
    seed: int,
    bones: BoneSet,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    box: Box = LUMBOSACRAL,
    setting: Scan | None = None,
    varied: bool = False,
) -> Phantom:
    """A phantom on given bones, deformed by the seed.

    Args:
        seed: any whole number from 0.
        bones: the bones.
        spacing: (x, y, z) mm of the CT.
        box: what the CT shows, in patient mm.
        setting: scanner setting; drawn from the seed when absent.
        varied: with what the varied family has.
    """
    rng = stream(seed, "shapes")
    specimen = replace(draw_specimen(seed, ()), asymmetry=float(rng.uniform(1.5, 3.6)))
    variety = draw_variety(seed, specimen) if varied else None
    if variety is not None:
        specimen = varied_specimen(specimen, variety)
    stretch = np.clip(rng.normal(1.0, 0.045, 3), 0.92, 1.08)
    pose = replace(
        Pose.draw(specimen, stream(seed, "pose")),
        stretch=(float(stretch[0]), float(stretch[1]), float(stretch[2])),
        bow=float(rng.uniform(-0.0011, 0.0011)),
    )
    gap = float(rng.uniform(1.5, 2.5))

    def solids(p: Coordinates, lattice: Lattice) -> dict[str, FloatArray]:
        return open_bones(p, lattice, bones, stream(seed, "relief"), gap)

    anatomy = Anatomy(bones.name, bones.skeleton, solids, bones.routes, bones.sac, tuple(bones.sacral_fat))
    return assemble(specimen, pose, anatomy, spacing, box=box, setting=setting, variety=variety)
