"""Labels that were made elsewhere: which segments a file holds, in whatever format, and what they are called.

What they mean is decided by :mod:`spinect_core.pipeline.loaded_labels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.reasons import reason
from spinect_core.base.words import LabelFormat, Numbering
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading.dicom_headers import looks_like_dicom
from spinect_core.io.reading.dicom_segments import read_dicom_segments
from spinect_core.io.reading.images import bare_name, is_image_name, read_numbers
from spinect_core.io.reading.label_layers import MOST_SEGMENTS, LabelSet, Layers, Segment, shown_name
from spinect_core.io.reading.label_names import NUMBERED
from spinect_core.io.reading.nrrd import SUFFIXES as NRRD_SUFFIXES
from spinect_core.io.reading.organ_masks import own_names, whole_numbers
from spinect_core.io.reading.rt_structures import is_structure_set, read_structure_set
from spinect_core.io.reading.slicer import is_slicer, slicer_segments

FRACTION = 0.5
"""Of a fractional segmentation: what is at least so likely, or so full, belongs to its segment."""
_CHOOSE = "Choose labels as NIfTI, NRRD, MetaImage, .seg.nrrd, a folder of masks, a DICOM segmentation or an RTSTRUCT"


@dataclass(frozen=True)
class LabelOptions:
    """What the user says about a file of labels.

    Attributes:
        numbering: whose numbers a file without names has; None to take them as names.
        fraction: of a fractional DICOM segmentation, what belongs to a segment, above 0 and up to 1.
    """

    numbering: Numbering | None = None
    fraction: float = FRACTION


def read_label_set(
    path: str | Path,
    volume: Volume,
    options: LabelOptions | None = None,
    *,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> LabelSet:
    """The segments of a file of labels.

    Args:
        path: a NIfTI, NRRD (.seg.nrrd of 3D Slicer too) or MetaImage file, a folder of masks, a DICOM segmentation, an
            RTSTRUCT, or a folder with one of these two.
        volume: the CT that they belong to.
        options: what the user says about the file.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked between the steps.

    Raises:
        ReadingError: no labels, damaged, or made for another CT.
        SpatialError: they do not lie on one grid, or not on this CT.
        Cancelled: the user stopped it.
    """
    path, options = Path(path), options or LabelOptions()
    check(cancel)
    progress(0.0, "Reading the labels")
    files = _files(path, cancel)
    if not is_image_name(files[0].name):
        found = _dicom(files, path, volume, options, progress, cancel)
    elif path.is_dir():
        found = _folder(path, files, progress, cancel)
    elif is_slicer(path):
        found = slicer_segments(path, cancel)
    else:
        found = _numbers(path, options)
    check(cancel)
    if not found.segments:
        raise ReadingError("The file holds no labels at all", _CHOOSE, path)
    progress(1.0, "Labels read")
    return found


def _files(path: Path, cancel: Cancel | None) -> tuple[Path, ...]:
    """The files that are read: volumes, or else DICOM."""
    try:
        if not path.is_dir() and not path.is_file():
            raise ReadingError("There is no such file or folder", "Check the path", path)
        every = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
        images = tuple(each for each in every if is_image_name(each.name))
        if images:
            return images
        found = []
        for each in every:
            check(cancel)
            if each.stat().st_size > 0 and looks_like_dicom(each):
                found.append(each)
    except (OSError, ValueError) as error:
        raise ReadingError(
            f"The path cannot be opened ({reason(error)})", "Check the path and that you may read it", path
        ) from error
    if not found:
        raise ReadingError("There are no labels", _CHOOSE, path)
    return tuple(found)


def _dicom(
    files: Sequence[Path],
    path: Path,
    volume: Volume,
    options: LabelOptions,
    progress: Progress,
    cancel: Cancel | None,
) -> LabelSet:
    structures = []
    for number, each in enumerate(files):
        check(cancel)
        progress(0.3 * number / len(files), "Reading the labels")
        if is_structure_set(each):
            structures.append(each)
    if len(structures) > 1:
        raise ReadingError(f"There are {len(structures)} RTSTRUCT files", "Choose one of the files", path)
    rest = part_of(progress, 0.3, 1.0)
    if structures:
        return read_structure_set(structures[0], volume, progress=rest, cancel=cancel)
    return read_dicom_segments(
        files, path, volume=volume, fraction=options.fraction, progress=rest, cancel=cancel
    )


def _folder(folder: Path, files: Sequence[Path], progress: Progress, cancel: Cancel | None) -> LabelSet:
    """One mask in each file, called by its name."""
    layers: Layers | None = None
    grid: Geometry | None = None
    segments = []
    for number, file in enumerate(files, start=1):
        check(cancel)
        progress((number - 1) / len(files), f"Reading mask {number} of {len(files)}")
        array, geometry = read_numbers(file)
        if layers is None or grid is None:
            layers, grid = Layers(geometry.shape, len(files), folder), geometry
        if not geometry.same_grid(grid, 0.01):
            raise SpatialError(
                "The masks of the folder do not lie on one grid",
                "Choose a folder that holds nothing but masks that were made together",
                file,
            )
        values = whole_numbers(array, file)
        if len(np.unique(values)) > 2:
            raise ReadingError(
                "The file holds more than one mask", "Choose it alone, or a folder of single masks", file
            )
        layers.add(number, values != 0)
        segments.append(Segment(number, shown_name(bare_name(file), number)))
    assert layers is not None  # there is at least one
    assert grid is not None
    return LabelSet(LabelFormat.FOLDER, tuple(segments), layers.arrays, grid, tuple(files))


def _numbers(path: Path, options: LabelOptions) -> LabelSet:
    """Classes by their numbers, in one file."""
    array, geometry = read_numbers(path)
    values = whole_numbers(array, path)
    held = [int(each) for each in np.unique(values) if each]
    if len(held) > MOST_SEGMENTS:
        # A picture, not labels.
        raise ReadingError(f"The file holds {len(held)} different numbers: no labels", _CHOOSE, path)
    names = own_names(path)
    table = np.zeros(max(held, default=0) + 1, np.uint16)
    table[held] = np.arange(1, len(held) + 1)
    segments = tuple(Segment(number, shown_name(names.get(number, ""), number)) for number in held)
    found = LabelSet(_form(path), segments, [table[values]], geometry, (path,))
    if options.numbering is None:
        return found
    if names:
        raise ReadingError(
            "The file names its numbers itself", "Load it without saying whose numbers they are", path
        )
    return numbered_by(found, options.numbering, path)


def is_nameless(found: LabelSet) -> bool:
    """Whether a file gives numbers alone, so that somebody has to say whose they are."""
    return all(each.name == str(each.number) and not each.coded for each in found.segments)


def numbered_by(found: LabelSet, numbering: Numbering, source: str | Path) -> LabelSet:
    """Segments of a file of numbers under the names that a program has for them.

    Raises:
        ReadingError: the program does not have all of the numbers.
    """
    table = NUMBERED[numbering]
    strange = [each.number for each in found.segments if each.number not in table]
    if strange:
        raise ReadingError(
            f"The file holds numbers that {numbering} does not have: {', '.join(map(str, strange[:5]))}",
            "Say which program numbered them, or say of each number what it is",
            source,
        )
    return replace(found, segments=tuple(replace(each, name=table[each.number]) for each in found.segments))


def _form(path: Path) -> LabelFormat:
    if path.suffix.lower() in NRRD_SUFFIXES:
        return LabelFormat.NRRD
    return LabelFormat.METAIMAGE if path.suffix.lower() in (".mha", ".mhd") else LabelFormat.NIFTI
