"""Signed distances of bones given as surfaces or as voxels.

A surface need not be closed: what is inside is found from its winding number, which a hole disturbs only near
the hole. The winding number of all points of a grid at once is the solution of a Poisson equation whose right
side is the divergence of the surface's normals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista as pv
from scipy.fft import irfftn, next_fast_len, rfftn
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter, label, map_coordinates
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError
from spinect_core.base.reasons import reason
from spinect_core.image.volume import Geometry
from spinect_core.io.reading.quiet import quiet_vtk
from spinect_core.research.phantom.from_bones import BoneField

Mask = npt.NDArray[np.bool_]
Triangles = FloatArray
"""Corners (n, 3, 3) in mm, turning to the left seen from outside."""

DOUBTFUL_PART = 0.12
"""Share of a bone's volume that may be undecided between inside and outside before its surface is refused."""


def triangles_of(path: Path) -> Triangles:
    """The triangles of a surface file, turned the same way, in the units and axes of the file.

    Raises:
        ReadingError: no surface can be read from it.
    """
    try:
        with quiet_vtk():
            read: Any = pv.read(path)
        blocks = [read] if isinstance(read, pv.DataSet) else list(read.recursive_iterator())
        meshes = [block.extract_surface(algorithm=None).triangulate() for block in blocks if block.n_cells]
        corners = [np.asarray(m.points, np.float64)[m.regular_faces] for m in meshes]
        soup = np.concatenate(corners)
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise ReadingError(
            f"No surface of triangles can be read from it ({reason(error)})",
            "Export it again as PLY or STL",
            path,
        ) from error
    if len(soup) < 50 or not np.isfinite(soup).all():
        raise ReadingError(
            f"It holds {len(soup)} usable triangles", "Export the whole bone again as PLY or STL", path
        )
    # Corners that coincide become one, so that neighbouring triangles know of each other.
    size = float(np.ptp(soup.reshape(-1, 3), axis=0).max())
    rounded = np.round(soup.reshape(-1, 3) / (size * 1e-5)).astype(np.int64)
    _unique, first, inverse = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
    faces = inverse.reshape(-1, 3)
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    mesh = pv.PolyData.from_regular_faces(soup.reshape(-1, 3)[first], faces[whole])
    mesh = mesh.compute_normals(
        cell_normals=True,
        point_normals=False,
        consistent_normals=True,
        auto_orient_normals=mesh.n_open_edges == 0,
        non_manifold_traversal=False,
    )
    out = np.asarray(mesh.points, np.float64)[mesh.regular_faces]
    middle = out.reshape(-1, 3).mean(axis=0)
    volume = np.einsum("ij,ij->i", out[:, 0] - middle, np.cross(out[:, 1] - middle, out[:, 2] - middle)).sum()
    return np.asarray(out if volume >= 0 else out[:, ::-1])


def surface_points(triangles: Triangles, step: float) -> tuple[FloatArray, FloatArray]:
    """Points (n, 3) about ``step`` mm apart on the triangles, and the area vector each stands for."""
    edges = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(axis=1)
    area = 0.5 * np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    parts = np.clip(np.ceil(edges / step), 1, 60).astype(int)
    points, areas = [], []
    for n in np.unique(parts):
        some = parts == n
        # The middles of the n² triangles into which a triangle is cut.
        i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
        up = i + j < n
        down = i + j < n - 1
        u = np.concatenate([i[up] + 1 / 3, i[down] + 2 / 3]) / n
        v = np.concatenate([j[up] + 1 / 3, j[down] + 2 / 3]) / n
        corner = triangles[some]
        spread = (
            corner[:, None, 0]
            + u[None, :, None] * (corner[:, None, 1] - corner[:, None, 0])
            + v[None, :, None] * (corner[:, None, 2] - corner[:, None, 0])
        )
        points.append(spread.reshape(-1, 3))
        areas.append(np.repeat(area[some] / n**2, n**2, axis=0))
    return np.concatenate(points), np.concatenate(areas)


def winding_number(points: FloatArray, areas: FloatArray, geometry: Geometry) -> FloatArray:
    """Winding number [z, y, x] of a surface on a grid: 1 inside, 0 outside, blurred over about two voxels."""
    # Room on all sides keeps the copies that a Fourier transform implies away.
    shape = tuple(next_fast_len(int(n * 1.25) + 8, real=True) for n in geometry.shape)
    step = geometry.spacing[0]
    index = geometry.to_index(points)
    low = np.floor(index).astype(int)
    part = index - low
    normals = np.zeros((3, *shape))
    for corner in range(8):
        offset = np.array([(corner >> axis) & 1 for axis in range(3)])
        weight = np.prod(np.where(offset == 1, part, 1 - part), axis=1)
        at = np.ravel_multi_index(tuple((low + offset).T), shape)
        for axis in range(3):
            normals[axis] += np.bincount(at, weight * areas[:, axis], minlength=int(np.prod(shape))).reshape(
                shape
            )
    frequencies = [
        2 * np.pi * (np.fft.rfftfreq(n) if axis == 2 else np.fft.fftfreq(n)) for axis, n in enumerate(shape)
    ]
    k = np.meshgrid(*frequencies, indexing="ij")
    square = k[0] ** 2 + k[1] ** 2 + k[2] ** 2
    square[0, 0, 0] = 1.0
    total = np.zeros(square.shape, np.complex128)
    for axis in range(3):
        total += 1j * k[2 - axis] * rfftn(normals[axis])
    total *= np.exp(-0.5 * 0.5 * square) / square
    total[0, 0, 0] = 0.0
    field = irfftn(total, s=shape) / step**2
    # Far outside the number is 0 by definition; the transform leaves a constant open.
    field -= np.median(np.concatenate([field[-2:].ravel(), field[:, -2:].ravel(), field[:, :, -2:].ravel()]))
    nz, ny, nx = geometry.shape
    return np.asarray(field[:nz, :ny, :nx])


def field_from_surface(triangles: Triangles, step: float, margin: float, source: str | Path) -> BoneField:
    """The signed distance of a closed or nearly closed surface.

    Args:
        triangles: corners (n, 3, 3) in mm.
        step: of the samples in mm.
        margin: mm of room round the bone.
        source: what to call the surface in messages.

    Raises:
        ReadingError: the surface is too open to distinguish inside from outside.
    """
    corners = triangles.reshape(-1, 3)
    low = corners.min(axis=0) - margin
    count = np.ceil((corners.max(axis=0) + margin - low) / step).astype(int) + 1
    geometry = Geometry((count[2], count[1], count[0]), (step,) * 3, (low[0], low[1], low[2]))
    points, areas = surface_points(triangles, step * 0.8)
    number = winding_number(points, areas, geometry)
    near = _distance_to_points(points, geometry, 8.0)
    # Cavities with walls of their own, such as marrow, belong to the bone.
    inside = largest_piece(np.asarray(binary_fill_holes(number > 0.5)))
    doubtful = (number > 0.3) & (number < 0.7) & (near > 1.8 * step)
    volume = float(inside.sum()) * step**3
    if volume < 2000.0:
        raise ReadingError(
            "The surface encloses nothing: its holes are too large to repair here",
            "Close it (fill holes) in a mesh editor, or give a label map",
            source,
        )
    if doubtful.sum() > DOUBTFUL_PART * inside.sum():
        part = 100.0 * doubtful.sum() / inside.sum()
        raise ReadingError(
            f"The holes of the surface are too large to repair here: {part:.0f} % of its volume may or may not be bone",
            "Close it (fill holes) in a mesh editor, or give a label map",
            source,
        )
    size = np.minimum(near, np.abs(_signed(inside)) * step)
    return BoneField(np.where(inside, -size, size), geometry)


def field_from_mask(mask: Mask, geometry: Geometry, step: float, margin: float) -> BoneField:
    """The signed distance of a bone given as voxels, on a finer grid along the axes of the patient.

    Args:
        mask: [z, y, x].
        geometry: the grid of ``mask``; may stand oblique.
        step: of the samples in mm.
        margin: mm of room round the bone.
    """
    index = np.argwhere(mask)
    pad = np.ceil(margin / np.asarray(geometry.spacing[::-1])).astype(int) + 1
    first, last = index.min(axis=0), index.max(axis=0)
    inner = tuple(slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
    block = np.pad(mask[inner], [(int(n), int(n)) for n in pad])
    spacing = geometry.spacing[::-1]
    distance = distance_transform_edt(~block, sampling=spacing) - distance_transform_edt(
        block, sampling=spacing
    )
    # A boundary lies between two voxels, half a voxel from the centre of either.
    distance -= np.sign(distance) * 0.5 * float(np.mean(spacing))
    where = geometry.to_patient(np.array([first, last + 0]))
    corners = geometry.to_patient(
        np.array(
            [[(first, last)[(c >> a) & 1][a] for a in range(3)] for c in range(8)],
            dtype=np.float64,
        )
    )
    low = np.minimum(corners.min(axis=0), where.min(axis=0)) - margin
    count = np.ceil((corners.max(axis=0) + margin - low) / step).astype(int) + 1
    fine = Geometry((count[2], count[1], count[0]), (step,) * 3, (low[0], low[1], low[2]))
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in fine.shape], indexing="ij"), axis=-1)
    at = geometry.to_index(fine.to_patient(grid.reshape(-1, 3))) - first + pad
    sampled = map_coordinates(distance, at.T, order=1, mode="nearest").reshape(fine.shape)
    return BoneField(gaussian_filter(sampled, 0.35 * float(np.mean(spacing)) / step), fine)


def largest_piece(mask: Mask, keep: float = 0.02) -> Mask:
    """The largest connected piece and all others that hold at least ``keep`` of its voxels."""
    pieces, count = label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= keep * sizes.max())[pieces] & mask)


def _signed(inside: Mask) -> FloatArray:
    """Signed distance of a mask in voxels."""
    return np.asarray(
        np.where(inside, 0.5 - distance_transform_edt(inside), distance_transform_edt(~inside) - 0.5)
    )


def _distance_to_points(points: FloatArray, geometry: Geometry, reach: float) -> FloatArray:
    """Distance in mm [z, y, x] to the nearest of ``points`` near them; infinite beyond ``reach``."""
    near = np.zeros(geometry.shape, dtype=bool)
    index = np.clip(np.rint(geometry.to_index(points)).astype(int), 0, np.array(geometry.shape) - 1)
    near[tuple(index.T)] = True
    close = distance_transform_edt(~near) <= 2.0
    out = np.full(geometry.shape, np.inf)
    where = geometry.to_patient(np.argwhere(close))
    out[close] = cKDTree(points).query(where, distance_upper_bound=reach)[0]
    return out
