"""From labels to closed surfaces: islands, median, marching cubes, a light polish, level of detail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import fast_simplification  # type: ignore[import-untyped]
import numpy as np
import pyvista as pv
from scipy import ndimage
from vtkmodules.vtkFiltersCore import (
    vtkPolyDataNormals,
    vtkQuadricDecimation,
    vtkWindowedSincPolyDataFilter,
)

from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.image.volume import BONE, NERVE, Labels
from spinect_core.surfaces.crossing import crossing
from spinect_core.surfaces.smoothing import smooth_field, without_small_islands

SMALLEST_ISLAND_MM3 = {BONE: 200.0, NERVE: 60.0}
"""Connected pieces below these volumes are not drawn (the labels keep them): bone crumbs of 6 mm, nerve crumbs of 4 mm.
A root of 3.5 mm still shows from 6 mm of length on."""
DETAIL_TRIANGLES = 100_000
"""Bone and nerve together, while orbiting."""
NERVE_SHARE = 0.35
"""At most this part of the level of detail goes to the nerve: small, but what the plan is about."""
POLISH_ITERATIONS = 20
POLISH_PASS_BAND = 0.05
"""Takes the last steps of the voxels away: points move by 0.08 mm in the mean and 0.35 mm at most on a 1 mm lumbosacral
spine, volumes by less than 0.1 %. Stronger values look smoother and begin to shrink roots."""


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Closed triangle meshes in LPS mm with outward point normals ("Normals"); empty where the labels have nothing.

    Attributes:
        bone: in full.
        nerve: in full.
        bone_lod: for orbiting.
        nerve_lod: for orbiting; both levels of detail together have at most 100,000 triangles.
    """

    bone: pv.PolyData
    nerve: pv.PolyData
    bone_lod: pv.PolyData
    nerve_lod: pv.PolyData

    def renewed(self, made: Surfaces, tissues: Collection[int]) -> Surfaces:
        """These, with those of some tissues from others.

        Args:
            made: the others.
            tissues: bone (1), nerve (2) or both.
        """
        bone, nerve = (made if tissue in tissues else self for tissue in (BONE, NERVE))
        return Surfaces(bone.bone, nerve.nerve, bone.bone_lod, nerve.nerve_lod)


def build_surfaces(
    labels: Labels,
    *,
    smoothing_mm: float = 1.5,
    tissues: Collection[int] = (BONE, NERVE),
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Surfaces:
    """Surfaces of bone and nerve in the patient.

    Args:
        labels: 0 background, 1 bone, 2 nerve, on any grid (left-handed ones too).
        smoothing_mm: width of the median over the labels in mm; 0 for none.
        tissues: of which; the surfaces of the other one are empty, and its level of detail is taken to be as large as
            it can be.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: looked at throughout.

    Raises:
        Cancelled: the user stopped it.
        UsageError: ``smoothing_mm`` is not a width a median can have.
    """
    if not 0 <= smoothing_mm <= 10:
        raise UsageError(f"A median of {smoothing_mm} mm is not possible", "Choose 0 to 10 mm")
    bone = nerve = pv.PolyData()
    if BONE in tissues:
        bone = _surface(labels, BONE, smoothing_mm, part_of(progress, 0.0, 0.6), cancel)
    if NERVE in tissues:
        nerve = _surface(labels, NERVE, smoothing_mm, part_of(progress, 0.6, 0.75), cancel)
    most = int(DETAIL_TRIANGLES * NERVE_SHARE)
    nerve_lod = _reduced(nerve, min(nerve.n_cells, most), part_of(progress, 0.75, 0.8), cancel)
    rest = DETAIL_TRIANGLES - (nerve_lod.n_cells if NERVE in tissues else most)
    bone_lod = _reduced(bone, rest, part_of(progress, 0.8, 1.0), cancel)
    progress(1.0, "surfaces ready")
    return Surfaces(bone, nerve, bone_lod, nerve_lod)


def signed_volume(mesh: pv.PolyData) -> float:
    """mm³ enclosed by a closed triangle mesh; negative when its faces look inwards."""
    if mesh.n_cells == 0:
        return 0.0
    points = np.asarray(mesh.points, dtype=np.float64) - np.asarray(mesh.center)
    a, b, c = (points[corner] for corner in mesh.regular_faces.T)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def _surface(
    labels: Labels, label: int, smoothing_mm: float, progress: Progress, cancel: Cancel | None
) -> pv.PolyData:
    name = "bone" if label == BONE else "nerve"
    check(cancel)
    progress(0.0, f"surface of the {name}")
    mask = labels.array == label
    boxes = ndimage.find_objects(mask.astype(np.uint8))
    if not boxes:
        return pv.PolyData()
    box = boxes[0]
    # Two voxels of room: the median may close gaps at the border, and the surface has to close beyond it.
    room = 2
    mask = without_small_islands(mask[box], labels.geometry.voxel_volume, SMALLEST_ISLAND_MM3[label])
    check(cancel)
    progress(0.15, f"smoothing the {name}")
    field = smooth_field(np.pad(mask, room), labels.geometry.spacing, smoothing_mm)
    check(cancel)
    progress(0.3, f"surface of the {name}")
    first = np.array([part.start for part in box], dtype=np.float64) - room
    # Just below 1/2: voxels that are half full would put corners of triangles on top of each other.
    mesh = _run(crossing(field, 0.4999), silent, "", cancel)
    if mesh.n_cells == 0:
        return pv.PolyData()
    # VTK counts x, y, z; the grid counts z, y, x.
    points = labels.geometry.to_patient(np.asarray(mesh.points, dtype=np.float64)[:, ::-1] + first)
    mesh.points = points.astype(np.float32)
    mesh = _polished(mesh, part_of(progress, 0.4, 0.9), cancel)
    if signed_volume(mesh) < 0:
        mesh.flip_faces(inplace=True)
    return _with_normals(mesh, cancel)


def _polished(mesh: pv.PolyData, progress: Progress, cancel: Cancel | None) -> pv.PolyData:
    """Without the last steps of the voxels; a windowed sinc neither shrinks nor shifts (Taubin 1996)."""
    filter_ = vtkWindowedSincPolyDataFilter()
    filter_.SetInputData(mesh)
    filter_.SetNumberOfIterations(POLISH_ITERATIONS)
    filter_.SetPassBand(POLISH_PASS_BAND)
    filter_.NormalizeCoordinatesOn()
    filter_.FeatureEdgeSmoothingOff()
    filter_.BoundarySmoothingOff()
    filter_.NonManifoldSmoothingOn()
    return _run(filter_, progress, "polishing", cancel)


def _reduced(mesh: pv.PolyData, triangles: int, progress: Progress, cancel: Cancel | None) -> pv.PolyData:
    """The mesh with at most this many triangles."""
    check(cancel)
    if mesh.n_cells <= triangles:
        return mesh
    progress(0.0, "level of detail")
    # Five times faster than vtkQuadricDecimation on the same mesh, as closed and as close to it (0.7 mm at most).
    points, corners = fast_simplification.simplify(
        np.asarray(mesh.points), mesh.regular_faces, 1.0 - triangles / mesh.n_cells, agg=5
    )
    check(cancel)
    reduced = pv.PolyData.from_regular_faces(points, corners)
    if reduced.n_cells > triangles:
        # It may give up early; this one does not.
        filter_ = vtkQuadricDecimation()
        filter_.SetInputData(reduced)
        filter_.SetTargetReduction(1.0 - 0.995 * triangles / reduced.n_cells)
        reduced = _run(filter_, progress, "level of detail", cancel)
    return _with_normals(reduced, cancel)


def _with_normals(mesh: pv.PolyData, cancel: Cancel | None) -> pv.PolyData:
    filter_ = vtkPolyDataNormals()
    filter_.SetInputData(mesh)
    filter_.SplittingOff()
    filter_.ConsistencyOff()
    filter_.AutoOrientNormalsOff()
    return _run(filter_, silent, "", cancel)


def _run(filter_: Any, progress: Progress, message: str, cancel: Cancel | None) -> pv.PolyData:
    """Run a VTK filter that reports and can be stopped while it works."""

    def report(caller: Any, _event: str) -> None:
        if message:
            progress(caller.GetProgress(), message)
        if cancel is not None and cancel.is_set():
            caller.SetAbortExecute(1)

    filter_.AddObserver("ProgressEvent", report)
    filter_.Update()
    check(cancel)
    output = pv.PolyData()
    output.ShallowCopy(filter_.GetOutput())
    return output
