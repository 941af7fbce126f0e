"""Labels that were made elsewhere in place of the network's: what their segments are, and where they lie on the CT.

Nothing is guessed. A segment is what the user says; else what its name or code means to the letter in the vocabularies
of :mod:`~spinect_core.io.reading.label_names`; of any other the user is asked. Labels of another CT are refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import ReadingError, UsageError
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.words import LabelFormat, Tissue
from spinect_core.image.nearest import on_grid
from spinect_core.image.organs import NUMBERS, SPARED, Organ, OrganOrigin, Organs
from spinect_core.image.region import Region
from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading.label_check import check_labels, check_whole
from spinect_core.io.reading.label_layers import LabelSet, Segment
from spinect_core.io.reading.label_names import KNOWN, Left, Meaning, known_meaning
from spinect_core.io.reading.label_sets import LabelOptions, read_label_set
from spinect_core.io.reading.organ_check import check_sides, places_of
from spinect_core.io.reading.organ_masks import checksum_of
from spinect_core.io.reading.organ_names import ORGANS, fully_looked_for, plain_class
from spinect_core.plan.label_wording import FORM_WORDS
from spinect_core.preprocessing.find_region import find_lumbosacral_region
from spinect_core.preprocessing.grid import GRID_MM, on_regular_grid

FINER = 0.8
"""Labels whose voxels are so much smaller than the CT's lose what is thinner than these."""
NAMES_TOLD = 40
_TISSUES: Mapping[Meaning, int] = {Tissue.BONE: BONE, Tissue.NERVE: NERVE}


@dataclass(frozen=True)
class Elsewhere:
    """Labels that were made elsewhere, and what the user says about them.

    Attributes:
        path: of their file or folder.
        meanings: what segments are, by their name or by ``#`` and their number.
        options: about the file.
    """

    path: Path
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    options: LabelOptions | None = None


@dataclass(frozen=True)
class Taken:
    """What became of a segment.

    Attributes:
        number: by which its file knows it.
        name: that every file of its program uses; empty where the file calls it otherwise, for that may be anything.
        meaning: what it was taken for.
    """

    number: int
    name: str
    meaning: str


@dataclass(frozen=True)
class LoadedRun:
    """What a plan keeps of labels that were loaded, in place of a run of the network.

    Attributes:
        labels_from: the format that they came in.
        labels_sha256: of the bytes of all files in their order.
        segments: that were taken.
        left_out: how many were not.
        notes: what became of them, as sentences.
    """

    labels_from: LabelFormat
    labels_sha256: str
    segments: tuple[Taken, ...]
    left_out: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LoadedLabels:
    """Labels of another program on a CT.

    Attributes:
        labels: bone and nerve on the CT's grid, with what there is to know of them.
        labels_1mm: the same on the grid that is planned on.
        organs: None where no segment is one.
        run: what a plan keeps of it.
    """

    labels: Labels
    labels_1mm: Labels
    organs: Organs | None
    run: LoadedRun


def load_labels(
    path: str | Path,
    volume: Volume,
    wishes: Mapping[str, Meaning] | None = None,
    options: LabelOptions | None = None,
    *,
    region: Region | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> LoadedLabels:
    """Labels from a file, on a CT.

    Args:
        path: see :func:`~spinect_core.io.reading.label_sets.read_label_set`.
        volume: the CT that they belong to.
        wishes: what segments are, by their name or by ``#`` and their number.
        options: what the user says about the file.
        region: the part of the CT that is planned in; None for all of it.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked between the steps.

    Raises:
        ReadingError: no labels, damaged, or of another CT.
        SpatialError: they do not lie on one grid, or not where the CT's bone is.
        UsageError: what a segment is, is neither known nor said.
        Cancelled: the user stopped it.
    """
    found = read_label_set(path, volume, options, progress=part_of(progress, 0.0, 0.5), cancel=cancel)
    meanings = decided(found, wishes or {}, path)
    return put_on(
        found, meanings, volume, path, region=region, progress=part_of(progress, 0.5, 1.0), cancel=cancel
    )


def part_to_plan_in(volume: Volume) -> Region:
    """The lumbosacral region of a CT, or all of it where none is recognised: the labels say where the bones are."""
    region = find_lumbosacral_region(volume)
    if region.found:
        return region
    corners = volume.geometry.corners()
    low, high = (tuple(each.tolist()) for each in (corners.min(axis=0), corners.max(axis=0)))
    note = f"No lumbosacral region was recognised, and the labels of the whole CT were taken. {region.note}"
    return Region(low, high, False, note.strip())


def proposed(found: LabelSet) -> tuple[Meaning | None, ...]:
    """What each segment is by its name or code; None where the user has to say."""
    return tuple(known_meaning(each.name, each.coded) for each in found.segments)


def decided(found: LabelSet, wishes: Mapping[str, Meaning], source: str | Path) -> tuple[Meaning, ...]:
    """What each segment is: as the user says, or as its name or code means.

    Raises:
        UsageError: of some it is neither known nor said, or the user names one that is not there.
    """
    keys = {key for each in found.segments for key in (each.name, f"#{each.number}")}
    strange = [key for key in wishes if key not in keys]
    if strange:
        raise UsageError(
            f"There is no segment {strange[0]!r:.70}, only {listed(found.segments)}",
            "Write the name as the file has it, or # and its number",
            source,
            parameter="map",
        )
    meanings: list[Meaning] = []
    open_ones: list[Segment] = []
    for each, known in zip(found.segments, proposed(found), strict=True):
        meaning = wishes.get(f"#{each.number}", wishes.get(each.name, known))
        if meaning is None:
            open_ones.append(each)
        else:
            meanings.append(meaning)
    if open_ones:
        raise UsageError(
            f"What these segments are is not known: {listed(open_ones)}",
            "Say of each whether it is bone, nerve, an organ, or to be left out, such as "
            f"{open_ones[0].name[:30]}=bone; of a file of numbers say whose they are",
            source,
            parameter="map",
        )
    return tuple(meanings)


def listed(segments: Sequence[Segment]) -> str:
    """Segments by number and name, the first of many."""
    told = ", ".join(
        f"#{each.number}" if each.name == str(each.number) else f"#{each.number} {each.name!r}"
        for each in segments[:NAMES_TOLD]
    )
    return told + (f" and {len(segments) - NAMES_TOLD} more" if len(segments) > NAMES_TOLD else "")


def put_on(
    found: LabelSet,
    meanings: Sequence[Meaning],
    volume: Volume,
    source: str | Path,
    *,
    region: Region | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> LoadedLabels:
    """Segments as labels of a CT, once it is said what they are.

    Args:
        found: what the file holds.
        meanings: one for each segment.
        volume: the CT.
        source: what messages call the file.
        region: the part of the CT that is planned in; None for all of it.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked between the steps.

    Raises:
        ReadingError: none of them is bone, one cannot be used, or they are of another CT.
        SpatialError: they do not lie where the CT's bone is.
        Cancelled: the user stopped it.
    """
    _refuse_unusable(found, meanings, source)
    check(cancel)
    progress(0.1, "Comparing the labels with the CT")
    tissue = found.numbered([_TISSUES.get(each, 0) for each in meanings])
    warnings = [*found.warnings, *_overlap(found, meanings), *_finer(found.geometry, volume.geometry)]
    warnings += check_labels(tissue, found.geometry, volume, source)
    _check_sides(found, meanings, source)
    check(cancel)
    progress(0.4, "Putting the labels on the CT")
    on_ct = on_grid(tissue, found.geometry, volume.geometry, cancel)
    notes = _cut(on_ct, volume.geometry, region)
    check(cancel)
    warnings += check_whole(on_ct, volume, source)
    labels = Labels(on_ct, volume.geometry, tuple(warnings))
    check(cancel)
    progress(0.7, "Putting the labels on 1 mm")
    on_1mm = on_regular_grid(labels, GRID_MM)
    check(cancel)
    checksum = checksum_of(found.files, cancel)
    organs = _organs(found, meanings, checksum)
    progress(1.0, "Labels taken")
    taken = tuple(
        Taken(each.number, _public(each), str(meaning))
        for each, meaning in zip(found.segments, meanings, strict=True)
        if meaning != Left.OUT
    )
    if organs is None and (named := [each for each in Organ if each in meanings]):
        notes += (
            f"Of organs the labels hold {', '.join(named)} alone, nothing that a needle has to spare: they were not "
            "used.",
        )
    run = LoadedRun(found.form, checksum, taken, len(meanings) - len(taken), notes)
    return LoadedLabels(labels, on_1mm, organs, run)


def _public(segment: Segment) -> str:
    """The name of a segment if every file of its program uses it."""
    for name in (segment.name, segment.coded):
        if plain_class(name) in KNOWN:
            return plain_class(name)
    return ""


def _refuse_unusable(found: LabelSet, meanings: Sequence[Meaning], source: str | Path) -> None:
    for each, meaning in zip(found.segments, meanings, strict=True):
        if each.fault and meaning != Left.OUT:
            raise ReadingError(
                f"The structure {each.name!r} cannot be used: {each.fault}",
                "Leave it out, or have it exported with a closed outline on every slice of this CT, or as a DICOM "
                "segmentation",
                source,
            )
    counts = found.counts()
    bone = sum(count for count, each in zip(counts, meanings, strict=True) if each == Tissue.BONE)
    if not bone:
        what = "No segment that is bone holds a voxel" if Tissue.BONE in meanings else "No segment is bone"
        raise ReadingError(
            f"{what}, and without bone nothing can be planned",
            "Say which segments are bone, or choose labels that hold bone",
            source,
        )


def _overlap(found: LabelSet, meanings: Sequence[Meaning]) -> list[ReadingWarning]:
    """What is both bone and nerve; the higher number, nerve, stays."""
    nerve = found.numbered([int(each == Tissue.NERVE) for each in meanings])
    bone = found.numbered([int(each == Tissue.BONE) for each in meanings])
    both = int(np.count_nonzero(nerve & bone)) * found.geometry.voxel_volume / 1000
    if not both:
        return []
    return [ReadingWarning(f"{both:.2f} ml are labelled bone and nerve at once and were taken for nerve")]


def _finer(ours: Geometry, ct: Geometry) -> list[ReadingWarning]:
    """What is lost or made up on the CT's grid."""
    if ours.same_grid(ct, 0.01):
        return []
    # Along each axis of the CT: a stack of thick slices may be finer than it within each of them.
    axes = np.abs(np.asarray(ct.direction).T @ np.asarray(ours.direction)).argmax(axis=1)
    pairs = [(ours.spacing[axis], voxel) for axis, voxel in zip(axes, ct.spacing, strict=True)]
    told: list[ReadingWarning] = []
    if any(label < FINER * voxel for label, voxel in pairs):
        told.append(
            ReadingWarning(
                f"The labels are finer than the CT ({_size(ours)} against {_size(ct)} mm): what is thinner than a "
                "voxel of the CT may be lost"
            )
        )
    coarse = max((label for label, voxel in pairs if label * FINER > voxel), default=0.0)
    if coarse:
        told.append(
            ReadingWarning(
                f"The labels are coarser than the CT ({_size(ours)} against {_size(ct)} mm): their borders are steps "
                f"of {coarse:.1f} mm",
                grave=coarse > 2.0,
            )
        )
    return told


def _size(grid: Geometry) -> str:
    return " x ".join(f"{each:.2g}" for each in grid.spacing)


def _cut(array: npt.NDArray[np.uint8], grid: Geometry, region: Region | None) -> tuple[str, ...]:
    """Take what lies beyond the region out of labels, as the network labels nothing there."""
    if region is None:
        return ()
    corners = grid.to_index(list(product(*zip(region.minimum, region.maximum, strict=True))))
    box = tuple(
        slice(max(math.floor(first), 0), max(math.ceil(last) + 1, 0))
        for first, last in zip(corners.min(axis=0), corners.max(axis=0), strict=True)
    )
    before = np.bincount(array.ravel(), minlength=3)
    kept = array[box].copy()
    array[:] = 0
    array[box] = kept
    lost = (before - np.bincount(array.ravel(), minlength=3))[1:] * grid.voxel_volume / 1000
    if not lost.any():
        return ()
    return (
        f"{lost[0]:.0f} ml of bone and {lost[1]:.1f} ml of nerve lie beyond the region of the lumbosacral spine and "
        "were left out.",
    )


def _check_sides(found: LabelSet, meanings: Sequence[Meaning], source: str | Path) -> None:
    """Segments that name a side lie on it."""
    used = [place for place, each in enumerate(meanings, start=1) if each != Left.OUT]
    named = {place: found.segments[place - 1].coded or found.segments[place - 1].name for place in used}
    sided = {place: name for place, name in named.items() if plain_class(name).endswith(("_left", "_right"))}
    if len(sided) < 2:
        return
    places: dict[int, npt.NDArray[np.intp]] = {}
    for layer in found.layers:
        places |= places_of(layer, sided)
    check_sides(places, sided, found.geometry, source)


def _organs(found: LabelSet, meanings: Sequence[Meaning], checksum: str) -> Organs | None:
    """The organs among the segments; the bone beside them tells whether they are of this CT.

    None where nothing of them is to be spared by a needle: discs or muscles alone do not stand in place of what the
    organ network finds.
    """
    if not any(each in meanings for each in SPARED):
        return None
    classes = []
    for each, meaning in zip(found.segments, meanings, strict=True):
        if isinstance(meaning, Organ):
            names = (plain_class(each.coded), plain_class(each.name))
            own = next((name for name in names if ORGANS.get(name) == meaning), "")
            # What the user calls bowel is all of it; what a program calls colon is not.
            classes.append(own or next((name for name, organ in ORGANS.items() if organ == meaning), ""))
    return Organs(
        found.numbered([NUMBERS[each] if isinstance(each, Organ) else 0 for each in meanings]),
        found.geometry,
        fully_looked_for(classes),
        origin=OrganOrigin.MASKS,
        source=f"masks of {FORM_WORDS[found.form]}",
        checksum=checksum,
    )
