"""The text headers of NRRD and MetaImage: their lines and numbers, read here and bounded, before any native reader.

Native readers pass over what decides here: a missing orientation becomes the identity, a missing spacing 1 mm, a unit
of length is not looked at, and a word they do not know may end the process. So these headers are read in Python, whose
numbers have a point in every country, and every doubt is an error. `nrrd` and `metaimage` know what the fields mean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.image.volume import Geometry
from spinect_core.io.reading.series import Finding
from spinect_core.io.reading.sizes import MILLIMETRES, UNITS, check_sizes

LONGEST_HEADER, LONGEST_OF_SEGMENTS = 1 << 16, 1 << 18
"""Bytes, of a volume and of a segmentation: 3D Slicer takes 600 for each of its segments."""
LONGEST_LINE = 1000
"""Letters. Longer ones end the process in some native readers; comments and other programs' keys may be longer."""
MOST_DATA_FILES = 10_000
MOST_VOXELS_ON_A_SIDE = 1 << 20
BEST_DEFLATE = 1040
"""Times that deflated bytes can grow: one bit for 258 of them, and a little."""

REDO = "Export the CT again from its DICOM series"
COPY = "Copy the file again from its source, or export it again"
FORMATS = "Choose a CT as DICOM, NIfTI, NRRD or MetaImage"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_PATTERN = re.compile(r"[^%\0]*%0?\d?d[^%\0]*")
_OUTSIDE = re.compile(r"^([A-Za-z]:|[\\/])|(^|[\\/])\.\.([\\/]|$)")
"""A name that leads out of its folder, on any system."""
_UNIT_WORDS = {
    "micrometres": r"[uµμ]m|microns?|micrometers?|micrometres?",
    "millimetres": r"mm|millimeters?|millimetres?|\?*",
    "centimetres": r"cm|centimeters?|centimetres?",
    "metres": r"m|meters?|metres?",
}


@dataclass(frozen=True)
class ImageHeader:
    """What the header of a volume in one file says, checked.

    Attributes:
        geometry: the grid in LPS mm.
        factor: mm in the file's unit of length.
        dtype: of the stored values.
        data: the files that hold the voxels; the header's own file if it holds them itself.
        findings: what the user should know.
        modality: as the file names it, empty if it does not.
        layers: numbers that each voxel holds, one unless several were asked for.
        keys: what other programs have added, by name.
    """

    geometry: Geometry
    factor: float
    dtype: np.dtype[Any]
    data: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()
    modality: str = ""
    layers: int = 1
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Of the voxels, unpacked."""
        return math.prod(self.geometry.shape) * self.layers * self.dtype.itemsize


def header_lines(
    path: Path, end: str, source: str | Path, longest: int = LONGEST_HEADER
) -> tuple[list[str], int]:
    """The lines of a header, and the bytes it takes.

    Args:
        path: the file.
        end: regular expression of the line that ends the header (it is returned too); the end of the file does as well.
        source: what to call the file in messages.
        longest: bytes that it may take.

    Raises:
        ReadingError: the file cannot be read, or its header has no end.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(longest)
    except OSError as error:
        raise ReadingError(f"The file cannot be read ({error.strerror or error})", COPY, source) from error
    lines: list[str] = []
    position = 0
    while position < len(head):
        stop = head.find(b"\n", position)
        stop = len(head) if stop < 0 else stop
        lines.append(head[position:stop].decode("utf-8", "replace").rstrip("\r"))
        position = stop + 1
        if re.match(end, lines[-1]):
            return lines, position
    if len(head) == longest:
        raise ReadingError(f"The header does not end within {longest} bytes", COPY, source)
    return lines, len(head)


def check_line(name: str, value: str, source: str | Path) -> None:
    """Refuse a field that is longer than any that this program reads."""
    if len(name) + len(value) > LONGEST_LINE or not (name + value).isprintable():
        raise ReadingError(
            f"The header's field {name[:30]!r} has {len(value)} characters, or some that are no letters",
            COPY,
            source,
        )


def numbers(
    text: str, count: int, name: str, source: str | Path, separator: str | None = None
) -> tuple[float, ...]:
    """Numbers with a decimal point.

    Args:
        text: the numbers.
        count: how many there have to be.
        name: the field they stand in, for messages.
        source: what to call the file in messages.
        separator: between them; white space if it is not given.

    Raises:
        SpatialError: there are more or fewer, or something else.
    """
    words = text.split(separator)
    if len(words) != count or not all(_NUMBER.fullmatch(word.strip()) for word in words):
        why = "; its decimal signs may be commas" if "," in text else ""
        raise SpatialError(f"The header's {name} holds {text[:80]!r}, not {count} numbers{why}", REDO, source)
    values = tuple(float(word) for word in words)
    if not all(math.isfinite(value) and abs(value) < 1e15 for value in values):
        raise SpatialError(f"The header's {name} holds {values}, which is no length", REDO, source)
    return values


def whole_number(word: str, name: str, source: str | Path) -> int:
    """A whole number.

    Raises:
        ReadingError: it is something else.
    """
    if not _WHOLE.fullmatch(word.strip()):
        raise ReadingError(f"The header's {name} is {word[:40]!r}, not a whole number", COPY, source)
    return int(word)


def sizes_of(text: str, dimensions: int, name: str, source: str | Path) -> tuple[int, ...]:
    """Voxels along the axes, fastest first.

    Raises:
        ReadingError: not that many, or none along one of them.
    """
    found = tuple(whole_number(word, name, source) for word in text.split())
    if len(found) != dimensions or min(found) < 1 or max(found) > MOST_VOXELS_ON_A_SIDE:
        raise ReadingError(
            f"The header's {name} is {text[:60]!r}, which are not the sizes of {dimensions} axes",
            COPY,
            source,
        )
    return found


def unit_of(words: Sequence[str], source: str | Path) -> str:
    """The one unit of length that is meant, of ``UNITS``; millimetres if none is given.

    Raises:
        SpatialError: another one, or several.
    """
    found = {
        next((unit for unit, known in _UNIT_WORDS.items() if re.fullmatch(known, word.strip().lower())), "")
        for word in words
    }
    if not words:
        return MILLIMETRES
    if len(found) != 1 or found == {""}:
        raise SpatialError(f"The header gives lengths in {', '.join(words)[:60]!r}", REDO, source)
    return found.pop()


def placed(
    shape: tuple[int, ...],
    columns: FloatArray,
    origin: Sequence[float],
    unit: str,
    source: str | Path,
    smallest_mm: float,
) -> Geometry:
    """The grid of a header.

    Args:
        shape: voxels along (x, y, z).
        columns: 3x3, each column the LPS step to the next voxel along one axis, in ``unit``.
        origin: LPS of the first voxel, in ``unit``.
        unit: of ``UNITS``.
        source: what to call the file in messages.
        smallest_mm: see `check_sizes`.

    Raises:
        SpatialError: the axes are not at right angles, or no body has this size.
    """
    steps = [math.hypot(*columns[:, axis]) for axis in range(3)]
    if not all(math.isfinite(step) and step > 0 for step in steps):
        shown = " x ".join(f"{step:g}" for step in steps)
        raise SpatialError(f"The voxel spacing {shown} mm is not positive", REDO, source)
    factor = UNITS[unit]
    spacing = [step * factor for step in steps]
    place = [float(n) * factor for n in origin]
    try:
        geometry = Geometry(
            shape=(shape[2], shape[1], shape[0]),
            spacing=(spacing[0], spacing[1], spacing[2]),
            origin=(place[0], place[1], place[2]),
            direction=columns / np.array(steps),
        )
    except SpatialError as error:
        raise SpatialError(error.fault, error.remedy, source) from error
    check_sizes(shape, spacing, place, source, unit=unit, smallest_mm=smallest_mm)
    return geometry


def data_files(path: Path, field: str, listed: Sequence[str], source: str | Path) -> tuple[Path, ...]:
    """The files that a header says hold the voxels.

    Args:
        path: of the header.
        field: what stands in its data file field: a name; a pattern such as ``s%03d.raw 1 24 1``; or LIST, and the
            names follow.
        listed: the lines after that field.
        source: what to call the file in messages.

    Raises:
        ReadingError: one of them is missing, is no plain file, or does not lie beside the header or in a folder there.
    """
    names = _named(field, listed, source)
    files = []
    for name in names:
        place = Path(name)
        outside = (
            place.is_absolute()
            or ".." in place.parts
            or re.match(r"^([A-Za-z]:|[\\/])|.*(^|[\\/])\.\.([\\/]|$)", name)
        )
        if outside or not name.isprintable() or len(name) > 255:
            raise ReadingError(
                f"The header says that the voxels are in {name[:80]!r}, which does not lie beside it",
                "Put the two files into one folder, and write the name alone into the header",
                source,
            )
        file = path.parent / place
        if not file.is_file():
            raise ReadingError(
                f"The file that holds the voxels, {place.name}, is missing or is no file",
                "Put it beside this one",
                source,
            )
        files.append(file)
    return tuple(files)


def _named(field: str, listed: Sequence[str], source: str | Path) -> list[str]:
    words = field.split()
    if words and words[0].upper() == "LIST":
        names = [line.strip() for line in listed if line.strip()]
        if not names or len(names) > MOST_DATA_FILES:
            raise ReadingError(f"The header lists {len(names)} files of voxels", COPY, source)
        return names
    if "%" not in field:
        return [field]
    pattern, *steps = field.rsplit(maxsplit=3)
    if len(steps) != 3 or not _PATTERN.fullmatch(pattern):
        raise ReadingError(
            f"The header names its voxels by {field[:60]!r}, which is no pattern of file names",
            "Save the volume in one file",
            source,
        )
    first, last, step = (whole_number(word, "range of files", source) for word in steps)
    if step < 1 or not 0 <= first <= last or (last - first) // step >= MOST_DATA_FILES:
        raise ReadingError(f"The header names the files {first} to {last} in steps of {step}", COPY, source)
    return [pattern % number for number in range(first, last + 1, step)]


def check_bytes(files: Sequence[Path], skipped: int, least: int, source: str | Path) -> int:
    """Make sure that files can hold the voxels that a header announces.

    Args:
        files: that hold them.
        skipped: bytes before the voxels in each of them.
        least: bytes that the voxels take as they are stored, at least.
        source: what to call the file in messages.

    Returns:
        How many bytes more there are.

    Raises:
        ReadingError: they are too short.
    """
    there = sum(max(file.stat().st_size - skipped, 0) for file in files)
    if there < least:
        raise ReadingError(
            f"The file ends after {there} of {least} bytes of voxels; it broke off, or its header is wrong",
            COPY,
            source,
        )
    return there - least


def surplus_finding(surplus: int) -> tuple[Finding, ...]:
    """What there is to say of bytes that the header does not announce."""
    if surplus == 0:
        return ()
    text = f"The file holds {surplus} bytes more than its header says, so its header may belong to another picture"
    return (Finding(text, grave=True),)
