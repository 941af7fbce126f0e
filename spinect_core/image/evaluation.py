"""How well labels agree with a truth: the paper's overlap measures, and distances between surfaces in mm."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import BoolArray, FloatArray
from spinect_core.base.errors import UsageError
from spinect_core.image.region import Region
from spinect_core.image.volume import CLASS_NAMES, Geometry, Labels


def evaluate(prediction: Labels, truth: Labels, *, worst: bool = False) -> dict[str, dict[str, Any]]:
    """Compare labels with the truth, class by class.

    With P the voxels of the prediction and T those of the truth:

    - ``dice``: 2 |P and T| / (|P| + |T|).
    - ``iou``: |P and T| / |P or T|.
    - ``pixel_accuracy``: |P and T| / |T|, the paper's pixel accuracy of a class: its correctly labelled voxels among
      all its true voxels.
    - ``hd95_mm``: 95th percentile of the distances from the surface voxels of each to the nearest surface voxel of the
      other, both directions taken together.
    - ``mean_surface_distance_mm``: the mean of the same distances.
    - ``voxels``, ``true_voxels``: |P|, |T|.
    - ``worst_mm``, ``worst``: the greatest of the same distances, and LPS mm of the surface voxel that it is from.

    Surface voxels are those of the class with a face neighbour outside it; the border of the grid is no surface.
    Distances are not given for background. What is not defined is None: everything that divides by zero, and distances
    from or to a class that is absent; a class absent from both counts as Dice and IoU None, not 1.

    Args:
        prediction: labels.
        truth: labels on the same grid.
        worst: whether the last two are told.

    Returns:
        By class name: the measures above.

    Raises:
        UsageError: if the grids differ.
    """
    if not prediction.geometry.same_grid(truth.geometry, 0.01):
        raise UsageError(
            f"The prediction's grid {_words(prediction)} is not the truth's {_words(truth)}",
            "Compare labels made from the same CT",
        )
    return {
        name: _compare(prediction, prediction.array == value, truth.array == value, value > 0, worst)
        for value, name in enumerate(CLASS_NAMES)
    }


def cropped(labels: Labels, region: Region) -> Labels:
    """The part of labels whose voxel centres lie in a region.

    Raises:
        UsageError: no voxel does.
    """
    grid = labels.geometry
    # On a tilted grid the box keeps its centre and size and turns with the grid, as it did when it was segmented.
    nearest = np.abs(grid.direction).argmax(axis=0)
    half = (region.size[nearest] / 2 / np.asarray(grid.spacing))[::-1]
    middle = grid.to_index(region.centre)
    first = np.maximum(np.ceil(middle - half - 1e-6), 0).astype(int)
    last = np.minimum(np.floor(middle + half + 1e-6), np.asarray(grid.shape) - 1).astype(int)
    if (last < first).any():
        raise UsageError(
            "The region of the plan lies outside the labels",
            "Use the plan and the labels of one CT",
            parameter="region_of",
        )
    array = labels.array[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
    x, y, z = (float(value) for value in grid.to_patient(first))
    shape = (int(array.shape[0]), int(array.shape[1]), int(array.shape[2]))
    return Labels(array, Geometry(shape, grid.spacing, (x, y, z), grid.direction))


def _words(labels: Labels) -> str:
    geometry = labels.geometry
    return (
        f"of {' x '.join(str(count) for count in geometry.shape[::-1])} voxels, "
        f"{' x '.join(f'{spacing:.3g}' for spacing in geometry.spacing)} mm at "
        f"({', '.join(f'{value:.1f}' for value in geometry.origin)})"
    )


def _compare(
    labels: Labels, found: BoolArray, true: BoolArray, surfaces: bool, worst: bool
) -> dict[str, Any]:
    common = int(np.count_nonzero(found & true))
    voxels, true_voxels = int(np.count_nonzero(found)), int(np.count_nonzero(true))
    measures: dict[str, Any] = {
        "dice": _ratio(2 * common, voxels + true_voxels),
        "iou": _ratio(common, voxels + true_voxels - common),
        "pixel_accuracy": _ratio(common, true_voxels),
        "hd95_mm": None,
        "mean_surface_distance_mm": None,
        "voxels": voxels,
        "true_voxels": true_voxels,
    }
    if worst:
        measures |= {"worst_mm": None, "worst": None}
    if surfaces and voxels and true_voxels:
        distances, places = _distances(found, true, labels.geometry.spacing)
        measures["hd95_mm"] = float(np.percentile(distances, 95))
        measures["mean_surface_distance_mm"] = float(distances.mean())
        if worst:
            farthest = int(distances.argmax())
            measures["worst_mm"] = float(distances[farthest])
            measures["worst"] = tuple(labels.geometry.to_patient(places[farthest]).tolist())
    return measures


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def surface_distances(first: BoolArray, second: BoolArray, spacing: tuple[float, float, float]) -> FloatArray:
    """Distances in mm from each surface voxel of one mask [z, y, x] to the other's surface, both ways, in one array.

    Args:
        first: a mask that is not empty.
        second: another.
        spacing: mm along (x, y, z).
    """
    return _distances(first, second, spacing)[0]


def _distances(
    first: BoolArray, second: BoolArray, spacing: tuple[float, float, float]
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """The distances (n,) of :func:`surface_distances`, and the index (n, 3) of the voxel that each is from."""
    # Only the box that holds both masks matters, and the transform of the whole CT would be slow.
    box = ndimage.find_objects((first | second).astype(np.uint8))[0]
    grown = tuple(
        slice(max(part.start - 1, 0), min(part.stop + 1, count))
        for part, count in zip(box, first.shape, strict=True)
    )
    surfaces = [_surface(mask[grown]) for mask in (first, second)]
    to_surface = [ndimage.distance_transform_edt(~surface, sampling=spacing[::-1]) for surface in surfaces]
    both = np.concatenate([to_surface[1][surfaces[0]], to_surface[0][surfaces[1]]])
    places = np.concatenate([np.argwhere(surface) for surface in surfaces]) + [part.start for part in grown]
    return np.asarray(both, dtype=np.float64), places


def _surface(mask: BoolArray) -> BoolArray:
    """Voxels of the mask with a face neighbour outside it; a mask that fills the array has its outermost voxels."""
    inner = ndimage.binary_erosion(mask, border_value=1)
    surface: BoolArray = mask & ~inner
    if not surface.any():
        surface = mask & ~ndimage.binary_erosion(mask, border_value=0)
    return surface
