"""How well each single root was found: the part of it that is labelled, and how far its middle lies off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.base.progress import Cancel, check
from spinect_core.image.volume import NERVE, Geometry

ROOT = re.compile(r"[LS]\d (left|right)")
REPORTED = ("L5 left", "L5 right", "S1 left", "S1 right")
NEAR_MM = 5.0
"""A voxel labelled nerve belongs to the nearest true nerve, if that is not farther than this."""
LEAST_COURSE = 0.25
"""The distance of the middles is given where at least this part of the course holds labelled voxels."""


def root_results(
    prediction: LabelArray,
    structures: npt.NDArray[np.integer[Any]],
    numbers: Mapping[str, int],
    courses: Mapping[str, FloatArray],
    geometry: Geometry,
    cancel: Cancel | None = None,
) -> dict[str, dict[str, Any]]:
    """What became of each root.

    - ``voxels``: of the root in the truth, in the part looked at.
    - ``found``: part of them that are labelled nerve.
    - ``centre_mm``: mean distance of the middle of the labelled root from the middle of the true one, measured across
      the course in slabs of the course's points (about 1 mm each); labelled voxels belong to the nearest true nerve
      within 5 mm. None without a course, or where less than a quarter of it holds labelled voxels.
    - ``course``: part of the slabs with true voxels that hold labelled ones; None without a course.

    Args:
        prediction: labels [z, y, x].
        structures: every structure by number [z, y, x], on the same grid.
        numbers: number of every structure by name, as truth.json has it.
        courses: LPS mm (n, 3) along each root, as truth.json has it; may lack any.
        geometry: the grid of both.
        cancel: looked at between roots.

    Returns:
        By name, for all roots that lie in the grid.
    """
    names = {name: number for name, number in numbers.items() if ROOT.fullmatch(name)}
    nerves = np.isin(structures, [*names.values(), numbers.get("thecal sac", -1)])
    if not nerves.any():
        return {}
    found = prediction == NERVE
    box = _grown(ndimage.find_objects(nerves.astype(np.uint8))[0], geometry)
    owner = _owners(structures[box], nerves[box], found[box], geometry.spacing)
    corner = np.array([part.start for part in box])
    results = {}
    for name, number in names.items():
        check(cancel)
        true = structures[box] == number
        voxels = int(np.count_nonzero(true))
        if not voxels:
            continue
        centre, part = None, None
        if name in courses:
            of_true = geometry.to_patient(np.argwhere(true) + corner)
            of_found = geometry.to_patient(np.argwhere(owner == number) + corner)
            centre, part = centre_distance(courses[name], of_true, of_found)
        share = float(np.count_nonzero(true & found[box])) / voxels
        results[name] = {"voxels": voxels, "found": share, "centre_mm": centre, "course": part}
    return results


def centre_distance(
    course: FloatArray, true: FloatArray, found: FloatArray
) -> tuple[float | None, float | None]:
    """Mean distance in mm of the middles, slab by slab across a course, and the part of the slabs that have one.

    Args:
        course: LPS mm (n, 3) along the root.
        true: LPS mm of the true voxels.
        found: LPS mm of the labelled voxels.
    """
    if len(course) < 2 or not len(true):
        return None, None
    tree = cKDTree(course)
    along = np.gradient(course, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    middle, there = _middles(tree.query(true)[1], true, len(course))
    other, labelled = _middles(tree.query(found)[1], found, len(course)) if len(found) else (middle, ~there)
    both = there & (labelled if len(found) else np.zeros_like(there))
    part = float(np.count_nonzero(both)) / float(np.count_nonzero(there))
    if part < LEAST_COURSE:
        return None, part
    offset = other[both] - middle[both]
    offset -= (offset * along[both]).sum(axis=1, keepdims=True) * along[both]
    return float(np.linalg.norm(offset, axis=1).mean()), part


def _middles(
    slab: npt.NDArray[np.intp], points: FloatArray, count: int
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Mean of the points of each slab (count, 3), and whether there are any."""
    weight = np.bincount(slab, minlength=count).astype(np.float64)
    sums = np.stack([np.bincount(slab, points[:, axis], minlength=count) for axis in range(3)], axis=1)
    return np.asarray(sums / np.maximum(weight, 1.0)[:, None]), weight > 0


def _grown(box: tuple[slice, ...], geometry: Geometry) -> tuple[slice, ...]:
    steps = np.ceil(NEAR_MM / np.asarray(geometry.spacing[::-1])).astype(int)
    return tuple(
        slice(max(part.start - int(step), 0), min(part.stop + int(step), count))
        for part, step, count in zip(box, steps, geometry.shape, strict=True)
    )


def _owners(
    structures: npt.NDArray[np.integer[Any]],
    nerves: npt.NDArray[np.bool_],
    found: npt.NDArray[np.bool_],
    spacing: tuple[float, float, float],
) -> npt.NDArray[np.int64]:
    """Number of the nearest true nerve of every labelled voxel; 0 elsewhere."""
    distance, nearest = ndimage.distance_transform_edt(~nerves, sampling=spacing[::-1], return_indices=True)
    owner = np.where(found & (distance <= NEAR_MM), structures[tuple(nearest)], 0)
    return np.asarray(owner, dtype=np.int64)
