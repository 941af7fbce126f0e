"""Segmentations of 3D Slicer (.seg.nrrd): NRRD files with keys that say what the numbers of each layer are.

https://slicer.readthedocs.io/en/latest/developer_guide/modules/segmentations.html. Segments that overlap lie in several
layers; numbers are any, and the same number may be another segment in another layer. The voxels lie where the NRRD
header says: the extent and offset among the keys say what they had been cut from, and are not needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import Cancel, check
from spinect_core.base.words import LabelFormat
from spinect_core.io.reading.images import read_layers
from spinect_core.io.reading.label_layers import MOST_LAYERS, MOST_SEGMENTS, LabelSet, Segment, shown_name
from spinect_core.io.reading.label_names import SNOMED
from spinect_core.io.reading.nrrd import SUFFIXES, read_nrrd_header
from spinect_core.io.reading.organ_masks import HIGHEST, whole_numbers
from spinect_core.io.reading.organ_names import LATERALITY, SCT
from spinect_core.io.reading.sizes import CROP_MM

_KEY = re.compile(r"Segment(\d{1,5})_(\w{1,40})")
_COPY = "Save the segmentation again from 3D Slicer"


def is_slicer(path: Path) -> bool:
    """Whether a file is an NRRD with segments of 3D Slicer.

    Raises:
        ReadingError: it is called like an NRRD and is none.
        SpatialError: its axes do not say where the voxels are.
    """
    if path.suffix.lower() not in SUFFIXES:
        return False
    keys = read_nrrd_header(path, path, CROP_MM, layered=True).keys
    return any(_KEY.fullmatch(key) for key in keys)


def slicer_segments(path: Path, cancel: Cancel | None = None) -> LabelSet:
    """The segments of a .seg.nrrd.

    Raises:
        ReadingError: damaged, or its keys do not say what its numbers are.
        SpatialError: its axes do not say where the voxels are.
    """
    array, geometry, keys = read_layers(path)
    layers = array.shape[-1]
    if layers > MOST_LAYERS:
        raise ReadingError(
            f"It holds {layers} layers", "Save the segments that matter as a file of their own", path
        )
    described = _described(keys)
    if not 1 <= len(described) <= MOST_SEGMENTS:
        raise ReadingError(f"It describes {len(described)} segments", _COPY, path)
    segments = []
    tables = np.zeros((layers, HIGHEST + 1), np.uint16)
    for place, (number, facts) in enumerate(described.items(), start=1):
        layer, value = _where(place, facts, layers, len(described), path)
        if tables[layer, value]:
            raise ReadingError(f"Two segments have the number {value} of layer {layer}", _COPY, path)
        tables[layer, value] = place
        segments.append(
            Segment(number, shown_name(facts.get("Name", ""), number), _coded(facts.get("Tags", "")))
        )
    made = []
    for layer in range(layers):
        check(cancel)
        values = whole_numbers(array[..., layer], path)
        strange = [int(each) for each in np.unique(values) if each and not tables[layer, each]]
        if strange:
            raise ReadingError(
                f"It holds numbers that no segment describes: {', '.join(map(str, strange[:5]))}", _COPY, path
            )
        made.append(tables[layer][values])
    return LabelSet(LabelFormat.SLICER, tuple(segments), made, geometry, (path,))


def _described(keys: Mapping[str, str]) -> dict[int, dict[str, str]]:
    """What is said of each segment, in their order."""
    found: dict[int, dict[str, str]] = {}
    for key, value in keys.items():
        match = _KEY.fullmatch(key)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = value.strip()
    return dict(sorted(found.items()))


def _where(place: int, facts: Mapping[str, str], layers: int, count: int, path: Path) -> tuple[int, int]:
    """Layer and number of a segment. Files of old versions give neither: each segment has a layer of its own there."""
    alone = layers == count
    told = facts.get("Layer", str(place - 1) if alone else ""), facts.get("LabelValue", "1" if alone else "")
    if not all(re.fullmatch(r"\d{1,5}", each) for each in told):
        raise ReadingError(
            f"Its segment {place} has the layer {told[0]!r:.20} and the number {told[1]!r:.20}", _COPY, path
        )
    layer, value = map(int, told)
    if layer >= layers or not 1 <= value <= HIGHEST:
        raise ReadingError(f"Its segment {place} has the number {value} of layer {layer}", _COPY, path)
    return layer, value


def _coded(tags: str) -> str:
    """The name that the code of a segment's type stands for, with its side; empty where it means nothing here."""
    entry = next((each for each in tags.split("|") if each.startswith("TerminologyEntry:")), "")
    fields = [each.split("^") for each in entry.split("~")]
    if len(fields) < 4 or fields[2][0] != "SCT" or len(fields[2]) < 2:
        return ""
    name = SCT.get(fields[2][1]) or SNOMED.get(fields[2][1], "")
    side = LATERALITY.get(fields[3][1]) if len(fields[3]) > 1 else None
    return f"{name}_{side}" if name and side else name
