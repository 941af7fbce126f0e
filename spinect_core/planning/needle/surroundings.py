"""What lies round the labels: bone and metal that the CT shows outside of the segmented region, by density.

Bone and nerve are labelled in a box about the level; needles go farther. Bone and metal are dense, so the rest of their
way is looked at by density: what is dense and joined to labelled bone at the border of the box is bone, what is dense
and stands alone is an obstacle all the same, under the name of dense tissue. Nerve shows no density and is not known
there. Labels that lie outside of the body are no bone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyvista as pv
from scipy import ndimage
from scipy.sparse import coo_matrix, csgraph
from scipy.spatial import cKDTree

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.progress import Cancel, check
from spinect_core.base.words import Side, Tissue
from spinect_core.image.pieces import connected_pieces
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels
from spinect_core.planning.needle.needle import Needle
from spinect_core.planning.needle.skin import BodyCopy
from spinect_core.surfaces import Surfaces
from spinect_core.surfaces.build import signed_volume
from spinect_core.surfaces.crossing import crossing
from spinect_core.surfaces.mesh_arrays import MeshArrays

Array = npt.NDArray[np.float32]

REACH_MM = 180.0
"""Bone is looked for this far round the labels: the longest needle measures 178 mm."""
DENSE_HU = 130.0
"""The surface of what is dense. Muscle has 40 to 80 HU. On a drawn specimen of 2 mm, cropped beside the sacroiliac
joints, 2.6 % of the lines that its hip bones close passed through thin cortex over marrow at 160 HU, 0.04 % at 130."""
SURELY_HU = 260.0
"""What is dense holds some of this: seven times the noise above muscle."""
NOISE_HU = 25.0
"""A copy with more noise than this in soft tissue is smoothed."""
SMOOTHER = ((45.0, 0.6), (np.inf, 0.9))
"""Up to which noise in HU, voxels of the copy of the Gaussian it is smoothed with: 0.6 leaves a third, 0.9 a sixth."""
METAL_HU = 2000.0
"""In means over 2 mm no bone is so dense."""
STREAKED_HU = (350.0, 500.0)
"""Near metal these stand for the two limits above: streaks reach 300 HU and more there."""
STREAKS_MM = 50.0
"""In the slices of metal streaks are strong so far round it, and between two pieces of it."""
METAL_VOXELS = 3
"""A slice with at least this many voxels of metal is taken to have streaks, and the next to either side."""
LEAST_ML = 0.1
"""Smaller pieces of what is dense are noise."""
JOINED_ML, ALONE_ML, ALONE_HU = 0.5, 2.0, 165.0
"""Weak bone holds nothing that is surely dense. It is kept where so much of it is joined to labelled bone; and so is
what stands alone where it is so large and on average so dense: no muscle is, and no noise."""
CRUMB_ML = 5.0
"""Labelled pieces smaller than this do not tell how far the labels reach: one far away would hide all between."""
RIM_MM = 3.0
"""Bone that goes on outside of the labels goes on farther than this; up to here it may be the blurred rim of what is
labelled whole."""
HOLE_MM2 = 600.0
"""Holes in a slice up to this size are marrow."""
OVERLAP_MM = 3.0
"""Bone outside of the labels goes on so far within labelled bone, so that no line passes between the two."""
SHELL_MM = 4.0
"""Labelled pieces of which no part lies deeper than this under the skin are the skin itself, or noise in the air."""
TOLD_ML = 0.05
"""Less than this outside of the body is not told."""
NEAR_MM = 6.0
"""A place on the surface outside of the labels lies nearer to one of its corners."""
SPINE_MM = 45.0
"""Half the width of spine and sacrum; what lies farther to the side is hip bone or rib."""
CREST_MM = 75.0
"""No iliac crest rises higher than this above the end plate of S1."""
END_PLATE = "S1 upper end plate centre"
STEP_MM = 1.0


class Kind(StrEnum):
    """What is dense outside of the labels."""

    BONE = "bone"
    DENSE = "dense tissue"
    METAL = "metal"


KINDS = tuple(Kind)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What lies round the labels, as plain arrays that pass from process to process.

    Attributes:
        shown: the grid of the CT, within which bone and metal are known by density; None without a CT.
        region: the box within which something is labelled; None without a CT.
        mesh: closed surface of what is dense outside of the labels, LPS mm, outward faces.
        kinds: uint8 (n,) index into :data:`KINDS` of each of its points.
        hidden: what of the CT's grid it does not show, and what may be bone or a streak of metal, with its own grid;
            None where all is seen.
        stray: of each tissue, which triangles of its labelled surface lie outside of the body; missing where none do.
        notes: what there is to know.
    """

    shown: Geometry | None = None
    region: Geometry | None = None
    mesh: MeshArrays = field(default_factory=lambda: MeshArrays.of(pv.PolyData()))
    kinds: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    hidden: tuple[BoolArray, Geometry] | None = None
    stray: Mapping[int, BoolArray] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(
        cls, copy: BodyCopy, shown: Geometry, labels: Labels, surfaces: Surfaces, cancel: Cancel | None = None
    ) -> Surroundings:
        """What a CT shows round the labels.

        Args:
            copy: of the CT, with the body in it.
            shown: the CT's own grid.
            labels: 0 background, 1 bone, 2 nerve.
            surfaces: of these labels.
            cancel: asked between the steps.

        Raises:
            Cancelled: the user stopped it.
        """
        region = labelled_box(labels)
        mesh, kinds, doubtful = _dense_surface(copy, labels, region, cancel)
        not_shown = copy.not_shown if doubtful is None else copy.not_shown | doubtful
        hidden = (not_shown, copy.grid) if not_shown.any() else None
        check(cancel)
        core = ndimage.binary_erosion(
            copy.body, iterations=max(round(SHELL_MM / max(copy.grid.spacing)), 1), border_value=1
        )
        stray, notes = {}, []
        for tissue, surface in ((BONE, surfaces.bone), (NERVE, surfaces.nerve)):
            check(cancel)
            outside = _stray_triangles(surface, core, copy.grid)
            if outside.any():
                stray[tissue] = outside
            ml = _stray_ml(labels, tissue, core, copy.grid)
            if ml >= TOLD_ML:
                name = Tissue.BONE if tissue == BONE else Tissue.NERVE
                notes.append(Note.of(NoteCode.OUTSIDE_OF_BODY, tissue=name, ml=ml))
        return cls(shown, region, MeshArrays.of(mesh), kinds, hidden, stray, tuple(notes))

    def kept(self, tissue: int, mesh: pv.PolyData) -> pv.PolyData:
        """The labelled surface of a tissue without what lies outside of the body; the same mesh where nothing does."""
        stray = self.stray.get(tissue)
        if stray is None:
            return mesh
        left = mesh.regular_faces[~stray]
        if not len(left):
            return pv.PolyData()
        used, corners = np.unique(left, return_inverse=True)
        return MeshArrays(
            np.asarray(mesh.points)[used], corners.reshape(-1, 3), np.zeros((0, 3), np.float32)
        ).mesh()

    def unknown(self, points: FloatArray, labels: Labels) -> BoolArray:
        """Whether neither labels nor CT show what lies at points LPS mm (n, 3)."""
        beyond = ~(self.region or labels.geometry).holds(points)
        unknown = beyond.copy()
        if self.shown is not None:
            unknown &= ~self.shown.holds(points)
        if self.hidden is not None:
            mask, grid = self.hidden
            index = np.rint(grid.to_index(points)).astype(np.intp)
            index = np.clip(index, 0, np.array(mask.shape) - 1)
            unknown |= mask[tuple(index.T)] & beyond
        return np.asarray(unknown)

    def names(self, points: FloatArray, landmarks: Mapping[str, FloatArray]) -> list[str | None]:
        """Names of places on bone LPS mm (n, 3); None for those on labelled bone.

        Args:
            points: on a surface.
            landmarks: LPS mm (3,) by name, by which parts of the skeleton are told apart.
        """
        names: list[str | None] = [None] * len(points)
        if self.region is None or not len(self.kinds) or not len(points):
            return names
        away, nearest = self._tree.query(points)
        within = self.region.holds(points)
        for number in np.flatnonzero(away <= NEAR_MM):
            kind = KINDS[int(self.kinds[nearest[number]])]
            # Within the labels the parts of labelled bone have better names, but for metal that no label holds.
            if not within[number]:
                names[number] = kind if kind != Kind.BONE else _place(points[number], landmarks)
            elif kind == Kind.METAL and away[number] <= STEP_MM:
                names[number] = kind
        return names

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.mesh.points)


def labelled_box(labels: Labels) -> Geometry:
    """The part of the grid within which more than crumbs are labelled; all of it where nothing is.

    Labels may come in a larger grid than the region that was segmented: what lies outside of the box was not looked at,
    or nothing was found there; which of the two cannot be known.
    """
    box = next(iter(ndimage.find_objects((labels.array > 0).view(np.uint8))), None)
    grid = labels.geometry
    if box is None:
        return grid
    pieces, sizes = connected_pieces(labels.array[box] > 0, corners=True)
    large = sizes * grid.voxel_volume >= min(CRUMB_ML * 1000, float(sizes.max()) * grid.voxel_volume)
    within = ndimage.find_objects(large[pieces].view(np.uint8))[0]
    box = tuple(
        slice(whole.start + part.start, whole.start + part.stop)
        for whole, part in zip(box, within, strict=True)
    )
    x, y, z = (float(value) for value in grid.to_patient([part.start for part in box]))
    shape = tuple(part.stop - part.start for part in box)
    return Geometry((shape[0], shape[1], shape[2]), grid.spacing, (x, y, z), grid.direction)


def unknown_mm(needle: Needle, labels: Labels, around: Surroundings) -> float:
    """Mm of a needle's way from skin to target that neither the labels nor the CT show."""
    return float(np.count_nonzero(around.unknown(_way(needle), labels))) * STEP_MM


def beside_roots_mm(
    needle: Needle, region: Geometry, roots: Mapping[str, FloatArray], near_mm: float, reach_mm: float
) -> float | None:
    """Mm of a needle's way outside of the labels that lie near to where a root may run.

    Args:
        needle: the needle.
        region: that is labelled; outside of it nerve is not known.
        roots: LPS mm (n, 3) along each, from the sac outwards; each is thought to go on as it ends.
        near_mm: to their courses.
        reach_mm: how far they are thought to go on.

    Returns:
        0 where the whole way lies within the labels; None where no root is known beside one that does not.
    """
    way = _way(needle)
    way = way[~region.holds(way)]
    if not len(way):
        return 0.0
    courses = [_longer(line, reach_mm) for line in roots.values() if len(line) > 1]
    if not courses:
        return None
    away = cKDTree(np.concatenate(courses)).query(way)[0]
    return float(np.count_nonzero(away < near_mm)) * STEP_MM


def _way(needle: Needle) -> FloatArray:
    """Places (n, 3) along a needle, each in the middle of a millimetre."""
    return needle.at(np.arange(STEP_MM / 2, needle.depth_mm, STEP_MM))


def _longer(line: FloatArray, reach_mm: float) -> FloatArray:
    """A course (n, 3) that goes on in its last direction."""
    away = np.linalg.norm(line - line[-1], axis=1)
    before = line[int(np.flatnonzero(away >= min(10.0, away.max()))[-1])]
    direction = (line[-1] - before) / max(float(np.linalg.norm(line[-1] - before)), 1e-9)
    on = np.arange(STEP_MM, reach_mm, STEP_MM)[:, None]
    return np.concatenate([line, line[-1] + on * direction])


def _place(point: FloatArray, landmarks: Mapping[str, FloatArray]) -> str:
    """The name of a place on bone outside of the labels."""
    plate = landmarks.get(END_PLATE)
    if plate is None:
        return "bone outside of the labels"
    aside, up = float(point[0] - plate[0]), float(point[2] - plate[2])
    side = Side.LEFT if aside > 0 else Side.RIGHT
    if abs(aside) < SPINE_MM:
        return f"{'spine' if up > 0 else 'sacrum'} outside of the labels"
    if up > CREST_MM:
        return f"rib {side}, outside of the labels"
    return f"{'iliac crest' if up > -CREST_MM / 2 else 'hip bone'} {side}, outside of the labels"


# ------------------------------------------------------------------------------------------------- what is dense


def _dense_surface(
    copy: BodyCopy, labels: Labels, region: Geometry, cancel: Cancel | None
) -> tuple[pv.PolyData, npt.NDArray[np.uint8], BoolArray | None]:
    """The surface of what is dense outside of the region, the kind of each of its points, and what may be dense.

    The last is a mask on the grid of the copy: near metal, a number between the limits may be bone or a streak. None
    without metal.
    """
    doubtful: BoolArray | None = None
    nothing = pv.PolyData(), np.zeros(0, dtype=np.uint8)
    box = _box_round(copy.grid, region)
    depth = _depth_in(copy.grid, region, box)
    if not (depth < -RIM_MM).any():
        return *nothing, None
    check(cancel)
    values, body = copy.values[box], copy.body[box]
    values = _quiet(values, body)
    check(cancel)
    metal = (values > METAL_HU) & body
    outside = depth < 0
    low, high = _limits(metal, copy.grid)
    bright = (values > low) & body
    dense = bright & outside
    # Metal that is not labelled stands in the way wherever it is.
    seam = (depth >= 0) & (depth <= OVERLAP_MM + max(copy.grid.spacing))
    labelled = _labelled(labels, seam | (metal & (depth >= 0)), copy.grid, box)
    dense |= metal & ~labelled
    joint = labelled & seam
    check(cancel)
    beyond = depth < -RIM_MM
    surely = bright & (values > high) & beyond
    kept, kinds = _pieces(dense, joint, surely, metal & ~labelled, np.where(beyond, values, 0), copy.grid)
    if low.size > 1:
        doubtful = np.zeros(copy.values.shape, dtype=bool)
        doubtful[box] = (values > DENSE_HU) & (low > DENSE_HU) & body & outside & ~kept
    if not kept.any():
        return *nothing, doubtful
    check(cancel)
    solid = _filled(kept, outside, copy.grid)
    field = np.clip(values, None, 2 * DENSE_HU) - np.maximum(low - DENSE_HU, 0)
    mesh = _closed_surface(solid, kept, field, copy.grid, box)
    points = np.rint(copy.grid.to_index(np.asarray(mesh.points, dtype=np.float64))).astype(np.intp)
    index = tuple((points - [part.start for part in box]).clip(0, np.array(kinds.shape) - 1).T)
    spread = ndimage.maximum_filter(kinds, size=3)
    return mesh, np.asarray(np.maximum(spread[index], 1) - 1, dtype=np.uint8), doubtful


def _box_round(grid: Geometry, region: Geometry) -> tuple[slice, ...]:
    """The part of a grid that lies within reach of a region."""
    index = grid.to_index(region.corners())
    reach = REACH_MM / np.array(grid.spacing[::-1])
    low = np.clip(np.floor(index.min(axis=0) - reach), 0, np.array(grid.shape) - 1).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + reach) + 1, low + 1, np.array(grid.shape)).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _depth_in(grid: Geometry, region: Geometry, box: tuple[slice, ...]) -> Array:
    """Mm [z, y, x] from the voxels of a part of a grid to the nearest side of a region; negative outside of it."""
    origin = region.to_index(grid.to_patient(np.array([part.start for part in box], dtype=np.float64)))
    steps = region.to_index(grid.to_patient(np.eye(3))) - region.to_index(grid.to_patient(np.zeros(3)))
    shape = tuple(part.stop - part.start for part in box)
    axes = [np.arange(count, dtype=np.float32) for count in shape]
    depth = np.full(shape, np.inf, dtype=np.float32)
    for axis, (count, spacing) in enumerate(zip(region.shape, region.spacing[::-1], strict=True)):
        index = np.full((1, 1, 1), origin[axis], dtype=np.float32)
        for number, along in enumerate(axes):
            step = np.float32(steps[number, axis])
            index = index + (step * along).reshape([-1 if k == number else 1 for k in range(3)])
        np.minimum(depth, np.minimum(index + 0.5, count - 0.5 - index) * spacing, out=depth)
    return depth


def _quiet(values: Array, body: BoolArray) -> Array:
    """The numbers, smoothed where they are noisy."""
    soft = body & (values > -20) & (values < 140)
    if not soft.any():
        return values
    # From voxel to the next but one, so that what a kernel has smoothed is counted too.
    steps = values[:, :, 2:] - values[:, :, :-2]
    both = soft[:, :, 2:] & soft[:, :, :-2]
    if not both.any():
        return values
    noise = 1.4826 * float(np.median(np.abs(steps[both]))) / np.sqrt(2)
    if noise <= NOISE_HU:
        return values
    width = next(width for most, width in SMOOTHER if noise <= most)
    return np.asarray(ndimage.gaussian_filter(values, width, mode="nearest", truncate=3.0), dtype=np.float32)


def _limits(metal: BoolArray, grid: Geometry) -> tuple[Array, Array]:
    """From where on tissue is dense, and surely so; to be broadcast over the copy."""
    low, high = (np.full([1, 1, 1], usual, dtype=np.float32) for usual in (DENSE_HU, SURELY_HU))
    axis = 2 - int(np.abs(grid.direction[2]).argmax())
    others = [each for each in range(3) if each != axis]
    streaked = np.flatnonzero(metal.sum(axis=tuple(others)) >= METAL_VOXELS)
    if not len(streaked):
        return low, high
    low, high = (np.full(list(metal.shape), usual, dtype=np.float32) for usual in (DENSE_HU, SURELY_HU))
    for number in streaked:
        part: list[slice] = [slice(max(int(number) - 1, 0), int(number) + 2)] * 3
        plane = np.take(metal, number, axis=axis)
        for side, along in enumerate(others):
            where = np.flatnonzero(plane.any(axis=1 - side))
            reach = int(STREAKS_MM / grid.spacing[2 - along])
            part[along] = slice(max(int(where[0]) - reach, 0), int(where[-1]) + reach + 1)
        low[tuple(part)], high[tuple(part)] = STREAKED_HU
    return low, high


def _labelled(labels: Labels, asked: BoolArray, grid: Geometry, box: tuple[slice, ...]) -> BoolArray:
    """Which of the voxels that are asked for, of a part of a grid, lie on labelled bone or beside it."""
    found = np.zeros(asked.shape, dtype=bool)
    where = np.argwhere(asked)
    if not len(where):
        return found
    bone = ndimage.maximum_filter((labels.array == BONE).view(np.uint8), size=3)
    points = grid.to_patient(where + [part.start for part in box])
    index = np.rint(labels.geometry.to_index(points)).astype(np.intp)
    index = index.clip(0, np.array(labels.array.shape) - 1)
    found[tuple(where.T)] = bone[tuple(index.T)] > 0
    return found


def _pieces(
    dense: BoolArray, joint: BoolArray, surely: BoolArray, metal: BoolArray, beyond: Array, grid: Geometry
) -> tuple[BoolArray, npt.NDArray[np.uint8]]:
    """What of that is kept, labelled bone that it is joined to among it, and its kinds (1, 2, ...; 0 elsewhere).

    Args:
        dense: outside of the labels.
        joint: labelled bone at their border.
        surely: what is dense without doubt.
        metal: that is not labelled.
        beyond: HU farther outside than the rim of labelled bone, 0 elsewhere.
        grid: of these.
    """
    every, sizes = connected_pieces(dense | joint, corners=True)
    count = len(sizes)
    outside = np.bincount(every[dense], minlength=count) * grid.voxel_volume / 1000
    bright = np.bincount(every[surely], minlength=count)
    joined = np.bincount(every[joint], minlength=count) > 0
    far = dense & (beyond > 0)
    number = np.bincount(every[far], minlength=count)
    mean = np.bincount(every[far], beyond[far], count) / np.maximum(number, 1)
    ml = number * grid.voxel_volume / 1000
    weak = (joined & (ml >= JOINED_ML)) | ((ml >= ALONE_ML) & (mean >= ALONE_HU))
    good = ((outside >= LEAST_ML) & ((bright > 0) | weak)) | (np.bincount(every[metal], minlength=count) > 0)
    good[0] = False
    kept = good[every]
    # Labelled bone far from anything dense outside is no part of a seam.
    near = ndimage.binary_dilation(dense & kept, np.ones((3, 3, 3)), iterations=2)
    kept &= dense | near
    kind = np.where(joined, 1 + KINDS.index(Kind.BONE), 1 + KINDS.index(Kind.DENSE)).astype(np.uint8)
    kind[0] = 0
    kinds = np.where(kept, kind[every], 0).astype(np.uint8)
    kinds[kept & metal] = 1 + KINDS.index(Kind.METAL)
    return kept, kinds


def _filled(kept: BoolArray, outside: BoolArray, grid: Geometry) -> BoolArray:
    """With the marrow within and the gaps of a voxel in thin bone, outside of the labels."""
    frame = np.pad(kept, 1)
    solid = ndimage.binary_closing(frame)[1:-1, 1:-1, 1:-1] & (outside | kept) | kept
    axis = 2 - int(np.abs(grid.direction[2]).argmax())
    area = float(np.prod([grid.spacing[2 - each] for each in range(3) if each != axis]))
    planes = np.moveaxis(solid, axis, 0)
    free = np.moveaxis(outside, axis, 0)
    for plane, there in zip(planes, free, strict=True):
        if plane.any():
            holes, count = ndimage.label(~plane)
            if count > 1:
                small = np.bincount(holes.ravel()) * area <= HOLE_MM2
                small[0] = False
                plane |= small[holes] & there
    return np.asarray(np.moveaxis(planes, 0, axis))


def _closed_surface(
    solid: BoolArray, kept: BoolArray, values: Array, grid: Geometry, box: tuple[slice, ...]
) -> pv.PolyData:
    """Where the numbers pass the limit round what is solid, in LPS mm, faces outwards."""
    full, empty = np.float32(2 * DENSE_HU), np.float32(0)
    # One voxel round it keeps its number, if that is below the limit: it says where between two the surface runs.
    field = np.where(ndimage.binary_dilation(solid), np.clip(values, empty, DENSE_HU - 1), empty)
    field = np.where(solid, np.where(kept, np.clip(values, DENSE_HU + 1, full), full), field)
    edges = crossing(np.pad(field.astype(np.float32), 1), DENSE_HU)
    edges.Update()
    mesh: pv.PolyData = pv.wrap(edges.GetOutput())
    if mesh.n_cells == 0:
        return pv.PolyData()
    first = np.array([part.start for part in box]) - 1
    mesh.points = grid.to_patient(np.asarray(mesh.points, dtype=np.float64)[:, ::-1] + first).astype(
        np.float32
    )
    if signed_volume(mesh) < 0:
        mesh.flip_faces(inplace=True)
    return mesh


# ------------------------------------------------------------------------------------------ labels outside of the body


def _stray_triangles(mesh: pv.PolyData, core: BoolArray, grid: Geometry) -> BoolArray:
    """Triangles (m,) of those pieces of a mesh no point of which lies in the core of the body."""
    if mesh.n_cells == 0:
        return np.zeros(0, dtype=bool)
    faces = np.asarray(mesh.regular_faces)
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    links = coo_matrix((np.ones(len(ends), dtype=bool), ends.T), shape=(mesh.n_points, mesh.n_points))
    count, piece = csgraph.connected_components(links, directed=False)
    deep = np.bincount(piece, _at(core, grid, np.asarray(mesh.points, dtype=np.float64)), count) > 0
    return np.asarray(~deep[piece[faces[:, 0]]])


def _stray_ml(labels: Labels, tissue: int, core: BoolArray, grid: Geometry) -> float:
    """Ml of the labelled pieces of a tissue no voxel of which lies in the core of the body."""
    pieces, sizes = connected_pieces(labels.array == tissue, corners=True)
    index = np.argwhere(pieces)
    if not len(index):
        return 0.0
    deep = np.bincount(pieces[tuple(index.T)], _at(core, grid, labels.geometry.to_patient(index)), len(sizes))
    return float(sizes[deep == 0].sum()) * labels.geometry.voxel_volume / 1000


def _at(mask: BoolArray, grid: Geometry, points: FloatArray) -> FloatArray:
    """1 where a mask holds points LPS mm (n, 3), 0 where not; beyond its grid as at its border."""
    index = np.rint(grid.to_index(points)).astype(np.intp).clip(0, np.array(mask.shape) - 1)
    return np.asarray(mask[tuple(index.T)], dtype=np.float64)
