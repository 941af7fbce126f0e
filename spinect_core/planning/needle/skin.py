"""The patient's skin, found in the CT: where a needle can go in, and where the CT ends before the patient does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista as pv
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from scipy import ndimage
from vtkmodules.vtkFiltersCore import vtkQuadricClustering

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import MeasurementError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.image.pieces import largest_piece
from spinect_core.image.volume import Geometry, Volume
from spinect_core.surfaces.crossing import crossing

STEP_MM = 2.0
"""Of the copy the skin is looked for in."""
SKIN_HU = -450.0
"""Half way between air (-1000 HU) and the first millimetres under the surface: skin (40 HU) over fat (-100 HU)."""
NO_DATA_HU = -1100.0
"""No tissue and no air is darker; scanners fill what lies outside their circle with less than this, if not with air."""
OPENING = 2
"""Voxels of the copy: sheets up to 8 mm thick (table top, blanket, clothes) come off what they touch."""
LEAST_ML = 100.0
"""A largest piece smaller than this is no trunk."""
CIRCLE_MM = 4.0
"""A surface nearer than this to the border of the scanner's circle is not skin but the cut."""
SHOWN_MM = 5.0
"""Of a cell of the surface that is drawn: a trunk has some twenty thousand triangles."""
_AIR, _FULL = -1000.0, 0.0


@dataclass(frozen=True, eq=False)
class BodyCopy:
    """A copy of a CT of about 2 mm, and the body in it.

    Attributes:
        values: HU [z, y, x], means over blocks of voxels.
        grid: of the copy.
        body: [z, y, x] the trunk without table and clothes, with what it encloses.
    """

    values: npt.NDArray[np.float32]
    grid: Geometry
    body: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, volume: Volume, cancel: Cancel | None = None) -> BodyCopy:
        """Of a CT in HU.

        Raises:
            MeasurementError: the CT shows no body.
            Cancelled: the user stopped it.
        """
        values, grid = _coarse(volume, cancel)
        check(cancel)
        body = _body(values, grid)
        check(cancel)
        return cls(values, grid, body)

    @property
    def not_shown(self) -> npt.NDArray[np.bool_]:
        """[z, y, x] what the scanner has not computed: filled with no number of a tissue, or outside of its circle."""
        return np.asarray((self.values < NO_DATA_HU) | _outside_circle(self.values))


@dataclass(frozen=True, eq=False)
class Skin:
    """The outside of the body, as far as the CT shows it.

    Attributes:
        mesh: triangles in LPS mm, outward faces, open where the CT cuts the body off; empty where no skin is shown.
    """

    mesh: pv.PolyData

    @classmethod
    def of(cls, volume: Volume, progress: Progress = silent, cancel: Cancel | None = None) -> Skin:
        """The skin in a CT.

        A copy of about 2 mm is thresholded half way between air and skin, sheets that lie against the body are taken
        off, the largest piece is kept, and what it encloses in any slice (bowel gas) is filled. The surface is
        interpolated between the voxels. Lateral arms that touch the trunk are part of it.

        Args:
            volume: a CT in HU.
            progress: called with the fraction done (0 to 1) and the stage.
            cancel: looked at between the steps.

        Raises:
            MeasurementError: the CT shows no body.
        """
        progress(0.0, "looking for the skin")
        copy = BodyCopy.of(volume, cancel)
        progress(0.7, "looking for the skin")
        found = cls.of_copy(copy, cancel)
        progress(1.0, "skin found")
        return found

    @classmethod
    def of_copy(cls, copy: BodyCopy, cancel: Cancel | None = None) -> Skin:
        """The same from a copy that was made before."""
        body, grid = copy.body, copy.grid
        field = np.clip(copy.values, _AIR, _FULL)
        field[ndimage.binary_erosion(body, border_value=1)] = _FULL
        # One voxel before the skin keeps its number, which says where between two voxels the skin runs; what was taken
        # off the body (a table top) does not.
        field[~body & (~ndimage.binary_dilation(body) | (field > SKIN_HU))] = _AIR
        check(cancel)
        mesh = _surface(field, grid)
        check(cancel)
        return cls(_without_cut(mesh, copy.not_shown, grid))

    def shown(self, cell_mm: float = SHOWN_MM) -> pv.PolyData:
        """The skin with few triangles, to be drawn: LPS mm, off the surface by a fraction of a cell.

        Args:
            cell_mm: all points within a cell of this size become one.
        """
        if not self.mesh.n_cells:
            return pv.PolyData()
        low, high = np.reshape(self.mesh.bounds, (3, 2)).T
        fewer = vtkQuadricClustering()
        fewer.SetInputData(self.mesh)
        fewer.SetNumberOfDivisions(*(max(int(size / cell_mm), 1) for size in high - low))
        fewer.AutoAdjustNumberOfDivisionsOff()
        fewer.CopyCellDataOff()
        fewer.Update()
        mesh: pv.PolyData = pv.wrap(fewer.GetOutput())
        smooth: pv.PolyData = mesh.triangulate().compute_normals(
            cell_normals=False, split_vertices=False, consistent_normals=False
        )
        return smooth

    def depth(self, points: npt.ArrayLike, directions: npt.ArrayLike) -> FloatArray:
        """How far it is from points in the body to where rays leave it through the skin.

        Args:
            points: LPS mm (n, 3) or (3,) for one origin of all rays.
            directions: (n, 3) or (3,) for one direction of all, any length but zero.

        Returns:
            mm (n,); not a number where the ray leaves the CT's field of view inside the body, or where the point does
            not lie in the body.
        """
        start, way = np.broadcast_arrays(
            np.atleast_2d(np.asarray(points, dtype=np.float64)),
            np.atleast_2d(np.asarray(directions, dtype=np.float64)),
        )
        result = np.full(len(start), np.nan)
        if self.mesh.n_cells == 0 or len(start) == 0:
            return result
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        scene, _ = self._rays
        found = scene.run(
            np.ascontiguousarray(start - self._middle, dtype=np.float32),
            np.ascontiguousarray(way, dtype=np.float32),
            output=1,
        )
        face = np.asarray(found["primID"]).astype(np.int64)
        hit = np.asarray(found["geomID"]) >= 0
        # A ray that comes in through the first skin it meets began outside.
        leaving = np.einsum("ij,ij->i", self._normals[face[hit]], way[hit]) > 0
        hit[hit] = leaving
        result[hit] = np.asarray(found["tfar"], dtype=np.float64)[hit]
        return result

    def entry(self, point: npt.ArrayLike, direction: npt.ArrayLike) -> FloatArray | None:
        """LPS mm (3,) where the ray from a point in the body goes through the skin; None where the CT cuts it off."""
        start, way = np.asarray(point, dtype=np.float64), np.asarray(direction, dtype=np.float64)
        depth = float(self.depth(start, way)[0])
        return None if np.isnan(depth) else np.asarray(start + depth * way / np.linalg.norm(way))

    @cached_property
    def _middle(self) -> FloatArray:
        return np.asarray(np.asarray(self.mesh.points, dtype=np.float64).mean(axis=0))

    @cached_property
    def _normals(self) -> FloatArray:
        a, b, c = (
            np.asarray(self.mesh.points, dtype=np.float64)[corner] for corner in self.mesh.regular_faces.T
        )
        return np.asarray(np.cross(b - a, c - a))

    @cached_property
    def _rays(self) -> tuple[EmbreeScene, TriangleMesh]:
        scene = EmbreeScene(robust=True)
        points = (np.asarray(self.mesh.points, dtype=np.float64) - self._middle).astype(np.float32)
        return scene, TriangleMesh(
            scene, points, np.ascontiguousarray(self.mesh.regular_faces, dtype=np.int32)
        )


def _coarse(volume: Volume, cancel: Cancel | None) -> tuple[npt.NDArray[np.float32], Geometry]:
    """Means over blocks of about 2 mm, and their grid; what is left over at the end of an axis is not looked at."""
    geometry = volume.geometry
    factor = [
        int(np.clip(round(STEP_MM / geometry.spacing[2 - axis]), 1, geometry.shape[axis]))
        for axis in range(3)
    ]
    values = np.asarray(volume.array)
    for axis in range(3):
        check(cancel)
        count = values.shape[axis] // factor[axis]
        parts = []
        for offset in range(factor[axis]):
            index = [slice(None)] * 3
            index[axis] = slice(offset, count * factor[axis], factor[axis])
            parts.append(values[tuple(index)])
        total = parts[0].astype(np.float32)
        for part in parts[1:]:
            total += part
        values = total / factor[axis]
    first = geometry.to_patient([(f - 1) / 2 for f in factor])
    grid = Geometry(
        shape=(values.shape[0], values.shape[1], values.shape[2]),
        spacing=tuple(s * f for s, f in zip(geometry.spacing, factor[::-1], strict=True)),  # type: ignore[arg-type]
        origin=(float(first[0]), float(first[1]), float(first[2])),
        direction=geometry.direction,
    )
    return np.asarray(values, dtype=np.float32), grid


def _body(values: npt.NDArray[np.float32], grid: Geometry) -> npt.NDArray[np.bool_]:
    """The trunk without table, clothes and holes."""
    solid = values > SKIN_HU
    core = largest_piece(ndimage.binary_erosion(solid, iterations=OPENING, border_value=1))
    # Growing back within what is solid, by one voxel more than was taken: the steps of a slanting surface come back, of
    # a sheet that touches the skin no more than that voxel.
    body = ndimage.binary_dilation(core, iterations=OPENING + 1, mask=solid)
    axis = 2 - int(np.abs(grid.direction[2]).argmax())
    for number in range(body.shape[axis]):
        index: list[Any] = [slice(None)] * 3
        index[axis] = number
        body[tuple(index)] = ndimage.binary_fill_holes(body[tuple(index)])
    if body.sum() * grid.voxel_volume < LEAST_ML * 1000:
        raise MeasurementError(
            "The CT shows no body with skin", "Check that its numbers are Hounsfield units"
        )
    return np.asarray(body)


def _surface(field: npt.NDArray[np.float32], grid: Geometry) -> pv.PolyData:
    """Where the field crosses the skin's number, in LPS mm, faces outwards."""
    edges = crossing(field, SKIN_HU)
    edges.Update()
    mesh: pv.PolyData = pv.wrap(edges.GetOutput())
    mesh.points = grid.to_patient(np.asarray(mesh.points, dtype=np.float64)[:, ::-1]).astype(np.float32)
    if np.linalg.det(grid.direction) < 0:
        mesh.flip_faces(inplace=True)
    return mesh


def _outside_circle(values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Outside the circle in each slice that a scanner computes, where the corners hold nothing but its filling."""
    rows, columns = np.indices(values.shape[1:], dtype=np.float64)
    radii = [(n - 1) / 2 for n in values.shape[1:]]
    beyond = np.hypot((rows - radii[0]) / (radii[0] + 0.5), (columns - radii[1]) / (radii[1] + 0.5)) > 1.02
    corners = values[:, beyond]
    filled = corners.size > 0 and np.ptp(corners) == 0 and float(corners.flat[0]) == float(values.min())
    return np.broadcast_to(beyond & filled, values.shape)


def _without_cut(mesh: pv.PolyData, outside: npt.NDArray[np.bool_], grid: Geometry) -> pv.PolyData:
    """The surface without what lies at the border of the scanner's circle, where the picture ends and not the body."""
    if mesh.n_cells == 0 or not outside.any():
        return mesh
    away = ndimage.distance_transform_edt(~outside, sampling=grid.spacing[::-1])
    faces = mesh.regular_faces
    middles = np.asarray(mesh.points, dtype=np.float64)[faces].mean(axis=1)
    index = np.moveaxis(grid.to_index(middles), -1, 0)
    near = ndimage.map_coordinates(away, index, order=1, mode="nearest") < CIRCLE_MM
    kept: pv.PolyData = pv.PolyData.from_regular_faces(np.asarray(mesh.points), faces[~near])
    return kept
