"""Two sets of labels of one CT against each other: how well they agree, and where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import UsageError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.image.evaluation import evaluate
from spinect_core.image.volume import BONE, CLASS_NAMES, NERVE, Geometry, Labels
from spinect_core.surfaces import Surfaces


@dataclass(frozen=True)
class TissueCompared:
    """How well two sets of labels agree on bone or nerve. None where it is not defined, as without any of it.

    Attributes:
        dice: see :func:`spinect_core.image.evaluation.evaluate`; as are the next four.
        iou: of the same.
        accuracy: the part of the other set that the first has as well.
        mean_mm: between the surfaces.
        hd95_mm: the same, 95th percentile.
        worst_mm: the greatest of the same distances, of which the 95th percentile is one.
        worst: LPS mm of the voxel that it is from.
    """

    dice: float | None
    iou: float | None
    accuracy: float | None
    mean_mm: float | None
    hd95_mm: float | None
    worst_mm: float | None = None
    worst: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Compared:
    """Two sets of labels against each other.

    Attributes:
        tissues: by bone (1) and nerve (2).
        distances: mm from each point of the first set's level of detail to the other surface, by the same; none where
            one of the two has no surface.
    """

    tissues: Mapping[int, TissueCompared]
    distances: Mapping[int, FloatArray]


def compared(
    labels: Labels,
    surfaces: Surfaces,
    other: Labels,
    other_surfaces: Surfaces,
    *,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Compared:
    """Compare two sets of labels of one CT.

    Args:
        labels: the first set.
        surfaces: of it.
        other: the second, taken for the truth where that makes a difference, on the same grid.
        other_surfaces: of it.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked between the steps.

    Raises:
        UsageError: their grids differ.
        Cancelled: the user stopped it.
    """
    if not labels.geometry.same_grid(other.geometry, 0.01):
        raise UsageError(
            "The two sets of labels lie on different grids", "Compare labels made from the same CT"
        )
    check(cancel)
    progress(0.0, "overlap of the labels")
    measures = evaluate(*_cut_alike(labels, other), worst=True)
    tissues, distances = {}, {}
    for part, (tissue, coarse, others) in enumerate(
        (
            (BONE, surfaces.bone_lod, other_surfaces.bone),
            (NERVE, surfaces.nerve_lod, other_surfaces.nerve),
        )
    ):
        check(cancel)
        progress(0.3 + 0.35 * part, f"distances of the {CLASS_NAMES[tissue]}")
        found = measures[CLASS_NAMES[tissue]]
        tissues[tissue] = TissueCompared(
            found["dice"],
            found["iou"],
            found["pixel_accuracy"],
            found["mean_surface_distance_mm"],
            found["hd95_mm"],
            found["worst_mm"],
            found["worst"],
        )
        if coarse.n_points and others.n_points:
            distances[tissue] = _away(np.asarray(coarse.points), np.asarray(others.points))
    progress(1.0, "compared")
    return Compared(tissues, distances)


def _cut_alike(first: Labels, second: Labels) -> tuple[Labels, Labels]:
    """Both without what is background in either, all round; one voxel of it stays."""
    boxes = ndimage.find_objects(((first.array > 0) | (second.array > 0)).view(np.uint8))
    if not boxes:
        return first, second
    box = tuple(
        slice(max(part.start - 1, 0), min(part.stop + 1, count))
        for part, count in zip(boxes[0], first.array.shape, strict=True)
    )
    grid = first.geometry
    x, y, z = grid.to_patient([part.start for part in box]).tolist()
    small = Geometry(first.array[box].shape, grid.spacing, (x, y, z), grid.direction)
    return Labels(first.array[box], small), Labels(second.array[box], small)


def _away(points: FloatArray, others: FloatArray) -> FloatArray:
    """Mm (n,) from points (n, 3) to the nearest of others (m, 3); those of a surface lie less than a voxel apart."""
    away, _ = cKDTree(others).query(points)
    return np.asarray(away)
