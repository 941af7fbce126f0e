"""Organs from masks that another program made: a file of numbers with names, a folder of masks, or DICOM segmentations.

Nothing is guessed. A number means what the file's own names say; without names it means something only where the
numbers themselves tell which version of TotalSegmentator wrote them. Masks are taken where they lie in the patient, on
whatever grid, and are compared with the CT: those of another patient, or mirrored ones, are refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import LabelArray
from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check, part_of, silent
from spinect_core.base.reasons import reason
from spinect_core.image.organs import NUMBERS, Organ, OrganOrigin, Organs
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading.dicom_headers import looks_like_dicom
from spinect_core.io.reading.dicom_segments import read_segments
from spinect_core.io.reading.images import bare_name, is_image_name, read_numbers
from spinect_core.io.reading.nifti import is_nifti_name, read_extension
from spinect_core.io.reading.organ_check import checked
from spinect_core.io.reading.organ_names import LAST_V1, LAST_V2, V2, fully_looked_for, is_bone, organ_of
from spinect_core.io.reading.series import name_some

HIGHEST = 65535
_LABEL = re.compile(
    rb"<Label\b[^>]*\bKey=\"(\d{1,5})\"[^>]*>\s*(?:<!\[CDATA\[(.{1,200}?)\]\]>|([^<]{1,200}))\s*</Label>",
    re.DOTALL,
)
_CHOOSE = "Choose a multi-label NIfTI of TotalSegmentator, a folder of its masks, or a DICOM segmentation"
_NAMES = (
    "Have TotalSegmentator write the masks again with their names (multi-label output), or one file for each organ, "
    "and choose their folder"
)


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes as a file holds them.

    Attributes:
        array: number of the class [z, y, x], 0 for none.
        geometry: where the voxels are.
        names: of the classes, by number.
        source: in words without the name of a file.
        files: that were read.
    """

    array: npt.NDArray[Any]
    geometry: Geometry
    names: Mapping[int, str]
    source: str
    files: Sequence[Path]


def read_organs(
    path: str | Path, volume: Volume, *, progress: Progress = silent, cancel: Cancel | None = None
) -> Organs:
    """The organs of a CT, from masks that were made elsewhere.

    Args:
        path: a NIfTI, NRRD or MetaImage file of several classes; a folder of masks of one organ each, called by
            TotalSegmentator's names (``colon.nii.gz``); a DICOM segmentation, or a folder with one.
        volume: the CT that they belong to.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: asked between the steps.

    Raises:
        ReadingError: no such masks, damaged, without a meaning, or of another CT.
        SpatialError: they do not lie over the CT, or not on one grid.
        Cancelled: the user stopped it.

    Examples:
        >>> ct = read_ct("case/ct.nii.gz")
        >>> organs = read_organs("case/segmentations", ct)  # doctest: +SKIP
        >>> organs.found  # doctest: +SKIP
    """
    path = Path(path)
    check(cancel)
    files = _files(path)
    classes = _classes(path, files, part_of(progress, 0.0, 0.6), cancel)
    check(cancel)
    progress(0.7, "Comparing the masks with the CT")
    named = {number: organ_of(name) for number, name in classes.names.items()}
    if not any(named.values()):
        raise ReadingError(
            f"None of its classes is an organ that is known here ({name_some(sorted(classes.names.values()))})",
            _CHOOSE,
            path,
        )
    warnings = checked(classes.array, classes.geometry, classes.names, volume, path)
    check(cancel)
    organs = Organs(
        _numbered(classes.array, named),
        classes.geometry,
        fully_looked_for(classes.names.values()),
        origin=OrganOrigin.MASKS,
        source=classes.source,
        checksum=checksum_of(classes.files, cancel),
        warnings=warnings,
    )
    progress(1.0, "Masks read")
    return organs


def _files(path: Path) -> list[Path]:
    """The files that are read."""
    try:
        if path.is_dir():
            every = sorted(each for each in path.iterdir() if each.is_file())
        elif path.is_file():
            every = [path]
        else:
            raise ReadingError("There is no such file or folder", "Check the path", path)
        images = [each for each in every if is_image_name(each.name)]
        if images:
            return images
        found = [each for each in every if each.stat().st_size > 0 and looks_like_dicom(each)]
    except (OSError, ValueError) as error:
        raise ReadingError(
            f"The path cannot be opened ({reason(error)})", "Check the path and that you may read it", path
        ) from error
    if not found:
        raise ReadingError("There are no organ masks", _CHOOSE, path)
    return found


def _classes(path: Path, files: Sequence[Path], progress: Progress, cancel: Cancel | None) -> Classes:
    if not is_image_name(files[0].name):
        array, geometry, names = read_segments(files, path, progress=progress, cancel=cancel)
        return Classes(array, geometry, names, "masks of a DICOM segmentation", files)
    if path.is_dir():
        return _folder(path, files, progress, cancel)
    array, geometry = read_numbers(path)
    array = whole_numbers(array, path)
    return Classes(array, geometry, *_names(array, path), files)


def _folder(folder: Path, files: Sequence[Path], progress: Progress, cancel: Cancel | None) -> Classes:
    """One mask for each class, called by the name of its file."""
    named = [each for each in files if organ_of(bare_name(each)) or is_bone(bare_name(each))]
    if not named:
        raise ReadingError(
            f"None of the {len(files)} files is called like an organ ({name_some([each.name for each in files])})",
            _CHOOSE,
            folder,
        )
    whole: LabelArray | None = None
    grid: Geometry | None = None
    names = {}
    # What is named first is kept where masks overlap: organs are read before bone.
    for number, file in enumerate(sorted(named, key=lambda each: is_bone(bare_name(each))), start=1):
        check(cancel)
        progress((number - 1) / len(named), f"Reading mask {number} of {len(named)}")
        array, geometry = read_numbers(file)
        if whole is None or grid is None:
            whole, grid = np.zeros(geometry.shape, np.uint8), geometry
        if not geometry.same_grid(grid, 0.01):
            raise SpatialError(
                "The masks of the folder do not lie on one grid",
                "Choose a folder whose masks were made together",
                file,
            )
        mask = whole_numbers(array, file) != 0
        whole[mask & (whole == 0)] = number
        names[number] = bare_name(file)
    assert whole is not None  # there is at least one
    assert grid is not None
    return Classes(whole, grid, names, f"masks in {len(names)} files", named)


def whole_numbers(array: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    """Numbers that classes may have, uint16 [z, y, x].

    Raises:
        ReadingError: there are others.
    """
    if array.size and (not np.isfinite(array).all() or array.min() < 0 or array.max() > HIGHEST):
        raise ReadingError("The file holds numbers that no class has", _CHOOSE, path)
    numbers = array.astype(np.uint16)
    if not np.array_equal(numbers, array):
        raise ReadingError("The file holds other values than whole numbers", _CHOOSE, path)
    return numbers


def _names(array: npt.NDArray[Any], path: Path) -> tuple[dict[int, str], str]:
    """What the numbers of a file mean, and its source in words."""
    held = [int(each) for each in np.unique(array) if each]
    names = own_names(path)
    if names:
        unnamed = [number for number in held if number not in names]
        if unnamed:
            raise ReadingError(
                f"The file's own names do not say what its numbers {', '.join(map(str, unnamed[:5]))} are",
                _NAMES,
                path,
            )
        return names, "masks of one file with names"
    if not held:
        raise ReadingError("The file holds no class at all", _CHOOSE, path)
    if held[-1] > LAST_V2 or held[-1] <= LAST_V1:
        raise ReadingError(
            f"The file does not name its classes, and its numbers, up to {held[-1]}, do not tell which they are: "
            "versions 1 and 2 of TotalSegmentator number organs differently",
            _NAMES,
            path,
        )
    known = {number: V2.get(number, f"class {number}") for number in range(1, LAST_V2 + 1)}
    return known, "masks of TotalSegmentator, version 2 by their numbers"


def own_names(path: Path) -> dict[int, str]:
    """The names that a NIfTI file gives its numbers in an extension of its header; none without one."""
    if not is_nifti_name(path.name):
        return {}
    found = _LABEL.findall(read_extension(path))
    return {
        int(key): unescape((inner or plain).decode("utf-8", "replace").strip()) for key, inner, plain in found
    }


def _numbered(array: npt.NDArray[Any], named: Mapping[int, Organ | None]) -> LabelArray:
    """The numbers of organs for those of a file."""
    table = np.zeros(HIGHEST + 1, dtype=np.uint8)
    for number, organ in named.items():
        if organ is not None:
            table[number] = NUMBERS[organ]
    return np.asarray(table[array])


def checksum_of(files: Sequence[Path], cancel: Cancel | None = None) -> str:
    """SHA-256 over the bytes of all files in their order."""
    whole = hashlib.sha256()
    for file in files:
        check(cancel)
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                whole.update(block)
    return whole.hexdigest()
