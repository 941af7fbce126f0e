"""Labels of a user: whole numbers, or the named segments of a 3D Slicer segmentation (.seg.nrrd)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from spinect_core.base.errors import ReadingError, UsageError
from spinect_core.base.reasons import reason
from spinect_core.image.volume import BACKGROUND, BONE, NERVE, Geometry, Labels, geometry_from_sitk, to_sitk
from spinect_core.io.reading.images import read_numbers
from spinect_core.io.reading.quiet import quiet_itk

CLASSES = {"background": BACKGROUND, "ignore": BACKGROUND, "bone": BONE, "nerve": NERVE}

_BONE_WORDS = re.compile(r"\b(bones?|vertebra[el]?|sacrum|pelvi[sc]|ili(um|ac)|hips?|spine)\b")
_NERVE_WORDS = re.compile(r"\b(nerves?|roots?|gangli(on|a)|drg|thecal|dural?|cauda)\b")

_SEGMENT = re.compile(r"^Segment(\d+)_(Name|LabelValue|Layer):=(.*)$")
_LOST = 0.05
"""Part of the labelled volume that may fall outside the CT; more means that the two do not belong together."""


@dataclass(frozen=True)
class Segment:
    """A named segment of a Slicer file: where ``layer`` holds ``value``."""

    name: str
    value: int
    layer: int


def read_case_labels(path: Path, grid: Geometry, classes: Mapping[str, str] | None = None) -> Labels:
    """Labels on the grid of their CT.

    In a .seg.nrrd every segment is bone, nerve or ignored by its name, in any letter case, several to a class. Where
    segments overlap, nerve wins over bone. In other files the numbers are 0 background, 1 bone, 2 nerve. Another grid
    (a part of the CT, other axes, other voxels) is brought to that of the CT by the nearest voxel.

    Args:
        path: .seg.nrrd, NRRD, NIfTI or MetaImage.
        grid: of the CT.
        classes: ``bone``, ``nerve`` or ``ignore`` for names of segments, or for numbers, that are not understood
            by themselves or are to be understood otherwise.

    Raises:
        ReadingError: damaged, a segment that is neither, no bone or no nerve, or labels that lie outside the CT.
        UsageError: a class that does not exist.
    """
    rules = {name.strip().lower(): _class(kind) for name, kind in (classes or {}).items()}
    segments = segments_of(path) if path.name.lower().endswith((".nrrd", ".nhdr")) else []
    if segments:
        layers, own = _layers(path)
        array = _from_segments(path, layers, segments, rules)
    else:
        numbers, own = read_numbers(path)
        array = _from_numbers(path, numbers, rules)
    for value, name in ((BONE, "bone"), (NERVE, "nerve")):
        if not (array == value).any():
            what = ", ".join(s.name for s in segments) or ", ".join(map(str, np.unique(array)[:8]))
            raise ReadingError(
                f"No voxel is labelled as {name} (the file holds: {what})",
                f"Label {name} in it, or say which segment or value it is, as in NAME={name}",
                path,
                parameter="segment",
            )
    return _on_grid(path, Labels(array, own), grid)


def class_of(name: str) -> int | None:
    """Bone or nerve by the words in a segment's name; None if it says neither, or both."""
    words = re.sub(r"[^a-z]+", " ", name.lower())
    bone, nerve = bool(_BONE_WORDS.search(words)), bool(_NERVE_WORDS.search(words))
    if bone == nerve:
        return None
    return BONE if bone else NERVE


def segments_of(path: Path) -> list[Segment]:
    """The named segments that a NRRD header lists; none for a plain NRRD.

    Raises:
        ReadingError: the header cannot be read.
    """
    facts: dict[int, dict[str, str]] = {}
    try:
        with path.open("rb") as stream:
            for line in stream:
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if not text:
                    break
                if match := _SEGMENT.match(text):
                    facts.setdefault(int(match.group(1)), {})[match.group(2)] = match.group(3).strip()
        return [
            Segment(
                fact.get("Name", f"segment {number}"),
                int(fact.get("LabelValue", number + 1)),
                int(fact.get("Layer", 0)),
            )
            for number, fact in sorted(facts.items())
        ]
    except (OSError, ValueError) as error:
        raise ReadingError(
            f"The list of segments cannot be read ({reason(error)})",
            "Save the segmentation again from Slicer",
            path,
        ) from error


def _class(kind: str) -> int:
    if kind not in CLASSES:
        raise UsageError(f"There is no class {kind!r}", f"Use {', '.join(CLASSES)}", parameter="segment")
    return CLASSES[kind]


def _layers(path: Path) -> tuple[npt.NDArray[Any], Geometry]:
    """The numbers of a Slicer file as [layer, z, y, x]; overlapping segments lie in several layers."""
    with quiet_itk():
        try:
            image = sitk.ReadImage(str(path))
        except RuntimeError as error:
            raise ReadingError(
                "The segmentation cannot be read", "Save it again from Slicer as .seg.nrrd", path
            ) from error
    if image.GetDimension() != 3:
        raise ReadingError(
            f"The segmentation has {image.GetDimension()} dimensions, not x, y and z",
            "Save it from Slicer as one segmentation, not as a sequence",
            path,
        )
    array = sitk.GetArrayFromImage(image)
    layers = array[np.newaxis] if array.ndim == 3 else np.moveaxis(array, -1, 0)
    return layers, geometry_from_sitk(image)


def _from_segments(
    path: Path, layers: npt.NDArray[Any], segments: list[Segment], rules: Mapping[str, int]
) -> npt.NDArray[np.uint8]:
    chosen = [(s, rules.get(s.name.lower(), class_of(s.name))) for s in segments]
    if unknown := [s.name for s, kind in chosen if kind is None]:
        raise ReadingError(
            f"Whether these segments are bone or nerve does not follow from their names: {', '.join(unknown)}",
            f'Rename them in Slicer, or say of each what it is, as in "{unknown[0]}=bone" (or nerve, or ignore)',
            path,
            parameter="segment",
        )
    labels = np.zeros(layers.shape[1:], dtype=np.uint8)
    for wanted in (BONE, NERVE):
        for segment, kind in chosen:
            if kind == wanted and segment.layer < len(layers):
                labels[layers[segment.layer] == segment.value] = wanted
    return labels


def _from_numbers(path: Path, numbers: npt.NDArray[Any], rules: Mapping[str, int]) -> npt.NDArray[np.uint8]:
    labels = np.zeros(numbers.shape, dtype=np.uint8)
    known = {0.0: BACKGROUND, 1.0: BONE, 2.0: NERVE}
    known |= {float(name): kind for name, kind in rules.items() if name.isdigit()}
    present = np.unique(numbers).astype(np.float64)
    if strange := [f"{value:g}" for value in present if value not in known]:
        raise ReadingError(
            f"The file holds the values {', '.join(strange[:6])}; known are 0 background, 1 bone, 2 nerve",
            f"Renumber them, or say of each what it is, as in {strange[0]}=bone (or nerve, or ignore)",
            path,
            parameter="segment",
        )
    for value in present:
        labels[numbers == value] = known[float(value)]
    return labels


def _on_grid(path: Path, labels: Labels, grid: Geometry) -> Labels:
    """The labels at the voxel centres of a grid."""
    if labels.geometry.same_grid(grid):
        return labels
    whole = to_sitk(labels.array, labels.geometry)
    z, y, x = grid.shape
    image = sitk.Resample(
        whole,
        [x, y, z],
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
        grid.origin,
        grid.spacing,
        grid.direction.ravel().tolist(),
        0,
        sitk.sitkUInt8,
    )
    moved = Labels(sitk.GetArrayFromImage(image), grid)
    before = np.count_nonzero(labels.array) * labels.geometry.voxel_volume
    after = np.count_nonzero(moved.array) * grid.voxel_volume
    if after < (1 - _LOST) * before:
        raise ReadingError(
            f"Of {before / 1000:.1f} ml labelled only {after / 1000:.1f} ml lie within the CT",
            "Pair the labels with the CT they were drawn on",
            path,
        )
    return moved
