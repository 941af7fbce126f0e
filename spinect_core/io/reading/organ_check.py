"""Whether masks are of this CT: where they lie, and whether the CT has there what they say.

Kidney, liver, muscle, vessels and bone each have HU that most of their voxels keep, whatever the contrast. The part of
a mask that does is its fit. Of an automatic segmentation of a trunk at 3 mm the mean fit was 0.93 where it lay right,
0.67 mirrored left for right, 0.69 and 0.77 moved by 10 mm across and along the body, and below 0.5 on the CT of
somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.words import Side
from spinect_core.image.volume import Geometry, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading.organ_names import BONE_RANGE, RANGES, Range, is_bone, organ_of, plain_class

LEAST_FIT, GOOD_FIT = 0.72, 0.82
"""Of the mean over the classes: below the first masks are not taken, below the second they are doubted."""
BETTER_FIT = 0.08
"""A mirror image that fits so much better is the right one."""
LEAST_VOXELS, MOST_VOXELS = 50, 4000
"""Smaller classes are not asked; of larger ones so many voxels, evenly spread."""
LEAST_CLASSES = 3
"""Fewer that can be asked do not tell whose masks they are."""
LEAST_OVERLAP = 0.5
"""Part of the voxels of all classes that lie within the CT, or of the CT's height that the masks' grid covers."""
AXES = ("left for right", "front for back", "head for feet")
_REMEDY = "Choose the masks that were made from this CT"


def checked(
    array: npt.NDArray[Any],
    geometry: Geometry,
    names: Mapping[int, str],
    volume: Volume,
    source: str | Path,
) -> tuple[ReadingWarning, ...]:
    """What is doubtful about masks on a CT.

    Args:
        array: number of the class [z, y, x].
        geometry: of the array.
        names: of the classes, by number.
        volume: the CT.
        source: what messages call the masks.

    Raises:
        SpatialError: they do not lie over the CT, or are mirrored.
        ReadingError: the CT shows something else where they lie.
    """
    places = places_of(array, names)
    if not places:
        return (ReadingWarning("The organ masks are empty: nothing of what they name was found", grave=True),)
    _check_overlap(places, geometry, volume, source)
    check_sides(places, names, geometry, source)
    asked = {number: _range(names[number]) for number in places}
    known = {number: each for number, each in asked.items() if each and len(places[number]) >= LEAST_VOXELS}
    if len(known) < LEAST_CLASSES:
        return (
            ReadingWarning(
                "Too few of the organ masks have a density of their own to tell whether they are of this CT",
                grave=True,
            ),
        )
    fit = _fit({number: places[number] for number in known}, known, geometry, volume)
    flipped = [
        _fit({number: _flip(places[number], geometry, axis) for number in known}, known, geometry, volume)
        for axis in (2, 1, 0)
    ]
    best = int(np.argmax(flipped))
    if flipped[best] > fit + BETTER_FIT and flipped[best] >= LEAST_FIT:
        raise SpatialError(
            f"The organ masks are mirrored, {AXES[best]}: as they are the CT has the density they say in "
            f"{fit:.0%}, mirrored in {flipped[best]:.0%}",
            "Have the masks written again by the program that made them, with the orientation of this CT",
            source,
        )
    if fit < LEAST_FIT:
        raise ReadingError(
            f"The organ masks are not of this CT: it has the density that they say in {fit:.0%} of their voxels, "
            f"masks of the same CT in {LEAST_FIT:.0%} or more",
            _REMEDY,
            source,
        )
    if fit < GOOD_FIT:
        return (
            ReadingWarning(
                f"The organ masks fit the CT poorly: it has the density that they say in {fit:.0%} of their voxels",
                grave=True,
            ),
        )
    return ()


def _range(name: str) -> Range | None:
    """The HU that a class has; None where that says nothing."""
    if is_bone(name):
        return BONE_RANGE
    organ = organ_of(name)
    # What a stomach holds is anything.
    return None if organ is None or plain_class(name) == "stomach" else RANGES.get(organ)


def places_of(array: npt.NDArray[Any], names: Mapping[int, str]) -> dict[int, npt.NDArray[np.intp]]:
    """Some voxels (n, 3) of each class, evenly spread."""
    from scipy import ndimage

    boxes = ndimage.find_objects(array.astype(np.int32), max_label=max(names, default=0))
    found = {}
    for number in names:
        box = boxes[number - 1] if 0 < number <= len(boxes) else None
        if box is None:
            continue
        inside = np.argwhere(array[box] == number)
        step = max(len(inside) // MOST_VOXELS, 1)
        found[number] = inside[::step] + [part.start for part in box]
    return found


def _check_overlap(
    places: Mapping[int, npt.NDArray[np.intp]], geometry: Geometry, volume: Volume, source: str | Path
) -> None:
    points = geometry.to_patient(np.concatenate(list(places.values())))
    inside = float(volume.geometry.holds(points).mean())
    corners, wanted = geometry.corners()[:, 2], volume.geometry.corners()[:, 2]
    shared = min(corners.max(), wanted.max()) - max(corners.min(), wanted.min())
    covered = shared / min(np.ptp(corners), np.ptp(wanted))
    if inside >= LEAST_OVERLAP and covered >= LEAST_OVERLAP:
        return
    raise SpatialError(
        f"The organ masks do not lie over this CT: {inside:.0%} of them lie within it, from head to feet they cover "
        f"z {corners.min():.0f} to {corners.max():.0f} mm and the CT {wanted.min():.0f} to {wanted.max():.0f} mm",
        _REMEDY,
        source,
    )


def check_sides(
    places: Mapping[int, npt.NDArray[np.intp]],
    names: Mapping[int, str],
    geometry: Geometry,
    source: str | Path,
) -> None:
    """Refuse masks in which what is called left does not lie to the left of what is called right.

    Args:
        places: some voxels (n, 3) of each class, by number.
        names: of the classes, by number.
        geometry: of the voxels.
        source: what messages call the masks.

    Raises:
        SpatialError: left and right are swapped.
    """
    across: dict[tuple[str, Side], float] = {}
    for number, voxels in places.items():
        stem, _, side = plain_class(names[number]).rpartition("_")
        if side in tuple(Side):
            across[stem, Side(side)] = float(geometry.to_patient(voxels)[:, 0].mean())
    pairs = [stem for stem, side in across if side == Side.LEFT and (stem, Side.RIGHT) in across]
    wrong = [stem for stem in pairs if across[stem, Side.LEFT] < across[stem, Side.RIGHT]]
    if wrong and 2 * len(wrong) >= len(pairs):
        raise SpatialError(
            "Left and right are swapped: the left "
            f"{wrong[0].replace('_', ' ')} lies to the right of the right one",
            "Have the masks written again by the program that made them, with the orientation of this CT",
            source,
        )


def _flip(voxels: npt.NDArray[np.intp], geometry: Geometry, axis: int) -> npt.NDArray[np.intp]:
    """Voxels (n, 3) of the array with one axis reversed."""
    turned = voxels.copy()
    turned[:, axis] = geometry.shape[axis] - 1 - turned[:, axis]
    return turned


def _fit(
    places: Mapping[int, npt.NDArray[np.intp]],
    ranges: Mapping[int, Range],
    geometry: Geometry,
    volume: Volume,
) -> float:
    """Mean over the classes of the part of their voxels at which the CT has the density they say."""
    parts = []
    for number, voxels in places.items():
        values = values_at(geometry.to_patient(voxels), volume)
        if len(values):
            parts.append(float(((values >= ranges[number].low) & (values <= ranges[number].high)).mean()))
    return float(np.mean(parts)) if parts else 0.0


def values_at(points: FloatArray, volume: Volume) -> npt.NDArray[Any]:
    """HU at those of LPS mm points (n, 3) that a CT holds, of the nearest voxel."""
    inside = points[volume.geometry.holds(points)]
    index = np.rint(volume.geometry.to_index(inside)).astype(np.intp)
    index = index.clip(0, np.array(volume.geometry.shape) - 1)
    return np.asarray(volume.array[tuple(index.T)])
