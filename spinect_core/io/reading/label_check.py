"""Whether labels of bone are of this CT: where they lie, and whether the CT is denser within them than beside them.

Just within the surface of bone the CT is nearly everywhere denser than 5 mm away from it, whatever the bone's density:
the part of such pairs of places is the contrast of the labels. It was 0.92 on a drawn CT with its true labels, 0.87 on
a patient's CT of 1 mm with labels of the network, and 0.95 on another's of 3 mm with labels of TotalSegmentator. Moved
by 5 mm along any axis it was 0.64 at most, by 10 mm 0.57, mirrored 0.58.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spinect_core.base.arrays import FloatArray, LabelArray
from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.image.volume import BONE, NERVE, Geometry, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading.organ_check import AXES, values_at

LEAST, GOOD = 0.70, 0.80
"""Contrasts: below the first labels are not taken, below the second they are doubted."""
BETTER = 0.06
"""A place beside, or a mirror image, whose contrast is so much greater is where they belong."""
AWAY_MM = 5.0
MOVED_MM = (5.0, 10.0, 20.0)
"""How far along each axis a better place is looked for."""
MOST_PLACES, FEWEST_PAIRS = 6000, 200
LEAST_ML = 1.0
"""Of bone within the CT; with less nothing can be planned."""
SOFT = (-80.0, 150.0)
"""HU that most of a nerve has without contrast medium in the sac."""
LEAST_SOFT = 0.75
DENSE_HU, METAL_HU = 250.0, 2500.0
"""Between these lies bone with its cortex; marrow is less dense, and metal is known by its density."""
BESIDE_MM, COARSE_MM, LEAST_PIECE_ML = 3.0, 1.5, 0.5
"""Dense places so far from all labels count, on a grid about so coarse, in pieces of that size."""
DOUBTED_ML, MISSING_ML = 3.0, 8.0
"""Of dense, unlabelled places in the box of the labels: 1.3 ml with the true labels of a drawn CT, 0.6 ml with all
bones of TotalSegmentator on a patient's; 14 ml where that lacks the hip bones, 28 ml without the sacrum, 150 ml where
all that lies more than 28 mm beside the midline of the drawn one was left out."""
TOLD = 0.001
"""Part of the labels beyond the CT from which on it is told."""
_REMEDY = "Choose the labels that were made from this CT, or have them made again"


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Places of bone (n, 3) and beside it (n, 3), as indices of the labels' grid."""

    within: FloatArray
    beside: FloatArray


def check_labels(
    array: LabelArray, geometry: Geometry, volume: Volume, source: str | Path
) -> tuple[ReadingWarning, ...]:
    """What is doubtful about labels on a CT.

    Args:
        array: 0 background, 1 bone, 2 nerve [z, y, x].
        geometry: of the array.
        volume: the CT.
        source: what messages call the labels.

    Raises:
        SpatialError: they do not lie over the CT, or lie moved or mirrored.
        ReadingError: the CT shows no bone where they say so.
    """
    warnings = _beyond(array, geometry, volume, source)
    pairs = _pairs(array, geometry)
    fit = _contrast(pairs, geometry, volume, lambda points: points)
    if fit is None:
        return (
            *warnings,
            ReadingWarning(
                "Too little bone is labelled to tell whether the labels are of this CT", grave=True
            ),
        )
    _refuse_elsewhere(pairs, fit, geometry, volume, source)
    if fit < LEAST:
        raise ReadingError(
            f"The labels are not of this CT: at the border of their bone it is denser within than beside in {fit:.0%} "
            f"of the places, with labels of the same CT in {LEAST:.0%} or more",
            _REMEDY,
            source,
        )
    if fit < GOOD:
        warnings += (
            ReadingWarning(
                f"The labels fit the CT poorly: at the border of their bone it is denser within in {fit:.0%} of places",
                grave=True,
            ),
        )
    return (*warnings, *_nerve(array, geometry, volume))


def check_whole(array: LabelArray, volume: Volume, source: str | Path) -> tuple[ReadingWarning, ...]:
    """Whether bone that the CT shows among the labels is labelled: what is not would be no obstacle to a needle.

    Args:
        array: 0 background, 1 bone, 2 nerve [z, y, x] on the CT's grid.
        volume: the CT.
        source: what messages call the labels.

    Raises:
        ReadingError: too much of it is not.
    """
    places = np.nonzero(array)
    if not len(places[0]):
        return ()
    spacing = np.array(volume.geometry.spacing[::-1])
    steps = np.maximum(np.rint(COARSE_MM / spacing), 1).astype(int)
    box = tuple(
        slice(int(place.min()), int(place.max()) + 1, int(step))
        for place, step in zip(places, steps, strict=True)
    )
    away = ndimage.distance_transform_edt(array[box] == 0, sampling=spacing * steps)
    values = volume.array[box]
    dense = (values > DENSE_HU) & (values < METAL_HU) & (away > BESIDE_MM)
    pieces, _count = ndimage.label(dense, np.ones((3, 3, 3)))
    sizes = np.bincount(pieces.ravel())[1:] * float(np.prod(spacing * steps)) / 1000
    missing = float(sizes[sizes >= LEAST_PIECE_ML].sum())
    if missing > MISSING_ML:
        raise ReadingError(
            f"Bone is missing from the labels: {missing:.0f} ml of the CT among them are as dense as bone, lie more "
            f"than {BESIDE_MM:g} mm beside any label, and would be no obstacle to a needle",
            "Take labels of all bone there (vertebrae, sacrum, hip bones, ribs), or have this program segment the CT",
            source,
        )
    if missing > DOUBTED_ML:
        return (
            ReadingWarning(
                f"{missing:.0f} ml of the CT among the labels are as dense as bone and not labelled: a needle would "
                "not be kept from them; look at the slices",
                grave=True,
            ),
        )
    return ()


def _beyond(
    array: LabelArray, geometry: Geometry, volume: Volume, source: str | Path
) -> tuple[ReadingWarning, ...]:
    """Whether the labels lie within the CT."""
    places = np.argwhere(array > 0)
    step = max(len(places) // 100_000, 1)
    points = geometry.to_patient(places[::step])
    inside = volume.geometry.holds(points)
    bone = array[tuple(places[::step].T)] == BONE
    millilitre = geometry.voxel_volume * step / 1000
    held = np.count_nonzero(inside & bone) * millilitre
    if held < LEAST_ML:
        ours, theirs = volume.geometry.corners(), geometry.corners()
        raise SpatialError(
            "The labels do not lie over this CT: "
            f"{held:.1f} ml of their bone lie within it; they cover "
            f"z {theirs[:, 2].min():.0f} to {theirs[:, 2].max():.0f} mm and the CT "
            f"{ours[:, 2].min():.0f} to {ours[:, 2].max():.0f} mm",
            _REMEDY,
            source,
        )
    part, lost = 1 - float(inside.mean()), np.count_nonzero(~inside) * millilitre
    if part < TOLD:
        return ()
    return (ReadingWarning(f"{part:.1%} of the labels, {lost:.0f} ml, lie beyond the CT and were cut"),)


def _pairs(array: LabelArray, geometry: Geometry) -> _Pairs:
    bone = np.argwhere(array == BONE)
    # Few of all voxels lie near the surface: more are asked than are taken.
    bone = bone[:: max(len(bone) // (4 * MOST_PLACES), 1)].astype(np.float64)
    within, beside = [], []
    for axis in range(3):
        for sense in (-1.0, 1.0):
            away = bone + sense * AWAY_MM / geometry.spacing[2 - axis] * np.eye(3)[axis]
            index = np.rint(away).astype(np.intp)
            held = ((index >= 0) & (index < np.array(array.shape))).all(axis=1)
            free = held & (array[tuple(np.clip(index, 0, np.array(array.shape) - 1).T)] == 0)
            within.append(bone[free])
            beside.append(away[free])
    every = np.concatenate(within), np.concatenate(beside)
    step = max(len(every[0]) // MOST_PLACES, 1)
    return _Pairs(every[0][::step], every[1][::step])


def _contrast(
    pairs: _Pairs, geometry: Geometry, volume: Volume, moved: Callable[[FloatArray], FloatArray]
) -> float | None:
    """In which part of the pairs the CT is denser within; None with too few of them in the CT."""
    within, beside = (moved(geometry.to_patient(each)) for each in (pairs.within, pairs.beside))
    held = volume.geometry.holds(within) & volume.geometry.holds(beside)
    if np.count_nonzero(held) < FEWEST_PAIRS:
        return None
    return float((values_at(within[held], volume) > values_at(beside[held], volume)).mean())


def _refuse_elsewhere(
    pairs: _Pairs, fit: float, geometry: Geometry, volume: Volume, source: str | Path
) -> None:
    """Labels that would fit better elsewhere."""
    for number, axis in enumerate((2, 1, 0)):
        flipped = _Pairs(*(_flip(each, geometry, axis) for each in (pairs.within, pairs.beside)))
        there = _contrast(flipped, geometry, volume, lambda points: points)
        if there is not None and there > fit + BETTER and there >= GOOD:
            raise SpatialError(
                f"The labels are mirrored, {AXES[number]}: as they are the CT is denser within their bone at {fit:.0%} "
                f"of its border, mirrored at {there:.0%}",
                "Have the labels written again by the program that made them, with the orientation of this CT",
                source,
            )
    best, move = fit, np.zeros(3)
    for axis in range(3):
        for size in (each * sense for each in MOVED_MM for sense in (-1.0, 1.0)):
            step = size * np.eye(3)[axis]
            there = _contrast(pairs, geometry, volume, lambda points, step=step: points + step)  # type: ignore[misc]
            if there is not None and there > best:
                best, move = there, step
    if best > fit + BETTER and best >= LEAST:
        words = ("to the left", "to the right"), ("to the back", "to the front"), ("upwards", "downwards")
        axis = int(np.abs(move).argmax())
        raise SpatialError(
            "The labels do not lie where the bone of this CT is: they would fit better moved by "
            f"{abs(move[axis]):.0f} mm {words[axis][0 if move[axis] > 0 else 1]} ({best:.0%} against {fit:.0%} of the "
            "border of bone)",
            _REMEDY,
            source,
        )


def _flip(index: FloatArray, geometry: Geometry, axis: int) -> FloatArray:
    turned = index.copy()
    turned[:, axis] = geometry.shape[axis] - 1 - turned[:, axis]
    return turned


def _nerve(array: LabelArray, geometry: Geometry, volume: Volume) -> tuple[ReadingWarning, ...]:
    """Whether the CT is as dense as nerve where the labels say so."""
    places: npt.NDArray[np.intp] = np.argwhere(array == NERVE)
    points = geometry.to_patient(places[:: max(len(places) // MOST_PLACES, 1)])
    values = values_at(points[volume.geometry.holds(points)], volume)
    if not len(values):
        return ()
    soft = float(((values >= SOFT[0]) & (values <= SOFT[1])).mean())
    if soft >= LEAST_SOFT:
        return ()
    return (
        ReadingWarning(
            f"The CT has the density of nerve, {SOFT[0]:.0f} to {SOFT[1]:.0f} HU, in {soft:.0%} of what is labelled "
            "nerve; with contrast medium in the sac that may be right",
            grave=True,
        ),
    )
