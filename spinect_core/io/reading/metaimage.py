"""The header of MetaImage files (.mha, and .mhd with the voxels in other files).

https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.reasons import times
from spinect_core.io.reading.series import Finding
from spinect_core.io.reading.sizes import UNITS
from spinect_core.io.reading.text_headers import (
    BEST_DEFLATE,
    COPY,
    FORMATS,
    LONGEST_HEADER,
    REDO,
    ImageHeader,
    check_bytes,
    check_line,
    data_files,
    header_lines,
    numbers,
    placed,
    sizes_of,
    surplus_finding,
    unit_of,
    whole_number,
)

SUFFIXES = (".mha", ".mhd")
READER = "MetaImageIO"
_DTYPES = {
    "CHAR": "i1",
    "UCHAR": "u1",
    "SHORT": "i2",
    "USHORT": "u2",
    "INT": "i4",
    "UINT": "u4",
    "LONG_LONG": "i8",
    "ULONG_LONG": "u8",
    "FLOAT": "f4",
    "DOUBLE": "f8",
}
_MATRIX = ("transformmatrix", "rotation", "orientation")
_OFFSET = ("offset", "position", "origin")
_LETTERS = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "I": (2, 1), "S": (2, -1)}
"""Where an axis begins, as LPS axis and the sign along it: R is the patient's right, and the axis grows to the left."""
_SAME = 0.5
"""Least cosine between an axis and the one that a letter names."""
_ONCE = {
    *(
        "ndims",
        "dimsize",
        "elementspacing",
        "elementsize",
        "elementtype",
        "anatomicalorientation",
        "distanceunits",
    ),
    *("headersize", "compresseddata", "compresseddatasize", "binarydata", "elementnumberofchannels"),
    *("binarydatabyteordermsb", "elementbyteordermsb", *_MATRIX, *_OFFSET),
}


def read_metaimage_header(path: Path, source: str | Path, smallest_mm: float) -> ImageHeader:
    """The header of a MetaImage file.

    Args:
        path: the file.
        source: what to call it in messages.
        smallest_mm: see `spinect_core.io.reading.sizes.check_sizes`.

    Raises:
        ReadingError: no such file, not one volume of real numbers, or its voxels are missing.
        SpatialError: its axes do not say where the voxels are, or contradict each other, or no body has this size.
    """
    fields, listed, size = _fields(path, source)
    shape = _shape(fields, source)
    text = fields.get("elementspacing") or fields.get("elementsize") or ""
    if not text:
        raise SpatialError("The file does not say the voxel spacing (no ElementSpacing)", REDO, source)
    spacing = numbers(text, 3, "ElementSpacing", source)
    matrix = _matrix(fields, source)
    _check_letters(fields.get("anatomicalorientation", ""), matrix, source)
    findings: tuple[Finding, ...] = ()
    origin = _one_of(fields, _OFFSET, 3, source)
    if origin is None:
        findings = (Finding("The file does not say where in the scanner the volume lies"),)
    unit = unit_of(fields["distanceunits"].split() if "distanceunits" in fields else [], source)
    steps = matrix * np.array(spacing)
    if min(spacing) <= 0:
        shown = " x ".join(f"{s:g}" for s in spacing)
        raise SpatialError(f"The voxel spacing {shown} mm is not positive", REDO, source)
    # Not of unit length: steps of another length than the spacing says.
    if not np.allclose(np.linalg.norm(matrix, axis=0), 1, atol=1e-3):
        raise SpatialError("The axes in the header's TransformMatrix have not the length 1", REDO, source)
    geometry = placed(shape, steps, origin or (0.0, 0.0, 0.0), unit, source, smallest_mm)
    data = _data(path, fields, listed, source)
    header = ImageHeader(
        geometry, UNITS[unit], _dtype(fields, source), data, findings, _modality(fields.get("modality", ""))
    )
    surplus = _check_voxels(header, path, fields, size, source)
    return replace(header, findings=(*findings, *surplus))


def _fields(path: Path, source: str | Path) -> tuple[dict[str, str], list[str], int]:
    """Values by the names of their fields in small letters, the lines after them, and the bytes of the header."""
    lines, size = header_lines(path, r"(?i)ElementDataFile\s*[:=]", source)
    fields: dict[str, str] = {}
    for line in lines:
        name, separator, value = (part.strip() for part in re.split(r"([:=]|$)", line, maxsplit=1))
        if not line.strip():
            continue
        if not separator and not fields:
            break
        check_line(name, value, source)
        if not separator:
            raise ReadingError(f"The header holds {line[:40]!r}, which is no field", COPY, source)
        name = name.lower()
        if name in fields and name in _ONCE and fields[name] != value:
            raise ReadingError(f"The header has the field {name!r} twice", COPY, source)
        fields[name] = value
    if (
        "ndims" not in fields
        or "elementdatafile" not in fields
        or fields.get("objecttype", "Image") != "Image"
    ):
        raise ReadingError("This is no MetaImage file", FORMATS, source)
    with path.open("rb") as stream:
        stream.seek(size)
        listed = stream.read(LONGEST_HEADER) if fields["elementdatafile"].upper().startswith("LIST") else b""
    return fields, listed.decode("utf-8", "replace").splitlines(), size


def _shape(fields: dict[str, str], source: str | Path) -> tuple[int, ...]:
    """Voxels along (x, y, z)."""
    dimensions = whole_number(fields["ndims"], "NDims", source)
    if dimensions != 3:
        raise ReadingError(
            f"The file has {dimensions} dimensions ({fields.get('dimsize', '')[:40]}), it is not one volume",
            "Choose the whole CT as one volume",
            source,
        )
    channels = whole_number(fields.get("elementnumberofchannels", "1"), "ElementNumberOfChannels", source)
    if channels != 1:
        raise ReadingError(
            f"Every voxel holds {channels} numbers (a vector or a colour), not one HU",
            "Choose the CT itself",
            source,
        )
    shape = sizes_of(fields.get("dimsize", ""), 3, "DimSize", source)
    if min(shape) < 2:
        raise ReadingError(
            f"The file has the size {times(shape)}, it is not one volume",
            "Choose the whole CT as one volume",
            source,
        )
    return shape


def _one_of(
    fields: dict[str, str], names: tuple[str, ...], count: int, source: str | Path
) -> tuple[float, ...] | None:
    """The numbers of a field that has several names; None if it is there under none of them."""
    found = {name: numbers(fields[name], count, name, source) for name in names if name in fields}
    if len(set(found.values())) > 1:
        raise SpatialError(f"The header's fields {' and '.join(found)} contradict each other", REDO, source)
    return next(iter(found.values()), None)


def _matrix(fields: dict[str, str], source: str | Path) -> FloatArray:
    """3x3, each column the unit LPS vector along one axis."""
    found = _one_of(fields, _MATRIX, 9, source)
    if found is None:
        raise SpatialError(
            "The file does not say how the patient lies (no TransformMatrix), so left and right are unknown",
            REDO,
            source,
        )
    return np.array(found).reshape(3, 3).T


def _check_letters(letters: str, matrix: FloatArray, source: str | Path) -> None:
    """Whether AnatomicalOrientation, which names where each axis begins, says the same as the matrix."""
    letters = letters.strip().upper()
    if not letters.strip("?"):
        return
    if len(letters) != 3 or any(letter not in _LETTERS for letter in letters):
        raise SpatialError(f"The header's AnatomicalOrientation is {letters[:20]!r}", REDO, source)
    for column, letter in enumerate(letters):
        axis, sign = _LETTERS[letter]
        if matrix[axis, column] * sign < _SAME:
            raise SpatialError(
                f"The header contradicts itself: by AnatomicalOrientation {letters} the axis {'xyz'[column]} begins at "
                f"the patient's {_begin(letter)}, by TransformMatrix it does not; so left and right are unknown",
                REDO,
                source,
            )


def _begin(letter: str) -> str:
    return {"R": "right", "L": "left", "A": "front", "P": "back", "I": "feet", "S": "head"}[letter]


def _dtype(fields: dict[str, str], source: str | Path) -> np.dtype[Any]:
    word = fields.get("elementtype", "").upper().removeprefix("MET_")
    if word not in _DTYPES:
        raise ReadingError(f"The voxels are of the type {word[:40]!r}", "Choose the CT itself", source)
    for name in ("elementtointensityfunctionslope", "elementtointensityfunctionoffset"):
        neutral = 1.0 if name.endswith("slope") else 0.0
        if name in fields and numbers(fields[name], 1, name, source) != (neutral,):
            raise ReadingError(
                f"The header's {name} is {fields[name][:20]}: the voxels are not the values themselves",
                REDO,
                source,
            )
    return np.dtype(_DTYPES[word])


def _modality(word: str) -> str:
    """The modality, or nothing where the file does not know."""
    name = word.upper().removeprefix("MET_MOD_")
    return "" if name in ("UNKNOWN", "OTHER") else name[:20]


def _data(path: Path, fields: dict[str, str], listed: list[str], source: str | Path) -> tuple[Path, ...]:
    field = fields["elementdatafile"]
    return (path,) if field.upper() == "LOCAL" else data_files(path, field, listed, source)


def _flag(fields: dict[str, str], name: str, default: bool, source: str | Path) -> bool:
    word = fields.get(name, str(default)).lower()
    if word not in ("true", "false", "1", "0"):
        raise ReadingError(f"The header's {name} is {word[:20]!r}, neither true nor false", COPY, source)
    return word in ("true", "1")


def _check_voxels(
    header: ImageHeader, path: Path, fields: dict[str, str], size: int, source: str | Path
) -> tuple[Finding, ...]:
    """Whether the bytes that the header announces can be there."""
    within = size if header.data == (path,) else 0
    skipped = whole_number(fields.get("headersize", "0"), "HeaderSize", source)
    if skipped < -1:
        raise ReadingError(f"The header's HeaderSize is {skipped}", COPY, source)
    for name in ("binarydatabyteordermsb", "elementbyteordermsb"):
        _flag(fields, name, False, source)
    if not _flag(fields, "binarydata", True, source):
        check_bytes(header.data, within, 2 * math.prod(header.geometry.shape) - 1, source)
        return ()
    if _flag(fields, "compresseddata", False, source):
        packed = whole_number(fields.get("compresseddatasize", "0"), "CompressedDataSize", source)
        check_bytes(header.data, within, max(packed, math.ceil(header.bytes / BEST_DEFLATE)), source)
        return ()
    surplus = check_bytes(header.data, within + max(skipped, 0), header.bytes, source)
    return surplus_finding(surplus) if skipped == 0 else ()
