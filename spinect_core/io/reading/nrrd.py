"""The header of NRRD files (.nrrd, and .nhdr with the voxels in other files).

https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
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
    LONGEST_OF_SEGMENTS,
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

SUFFIXES = (".nrrd", ".nhdr")
READER = "NrrdImageIO"
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "lps": (1, 1, 1),
    "ras": (-1, -1, 1),
    "las": (1, -1, 1),
}
_TYPES = {
    "i1": "signed char|int8|int8_t",
    "u1": "uchar|unsigned char|uint8|uint8_t",
    "i2": "short|short int|signed short|signed short int|int16|int16_t",
    "u2": "ushort|unsigned short|unsigned short int|uint16|uint16_t",
    "i4": "int|signed int|int32|int32_t",
    "u4": "uint|unsigned int|uint32|uint32_t",
    "i8": "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t",
    "u8": "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t",
    "f4": "float",
    "f8": "double",
}
_DTYPES = {word: dtype for dtype, words in _TYPES.items() for word in words.split("|")}
_ENCODINGS = {"raw", "gz", "gzip", "txt", "text", "ascii", "hex"}
_TEXT = {"txt", "text", "ascii"}
_KNOWN = {
    *(
        "type",
        "dimension",
        "space",
        "sizes",
        "spacedirections",
        "spaceorigin",
        "spaceunits",
        "measurementframe",
    ),
    *(
        "endian",
        "encoding",
        "datafile",
        "lineskip",
        "byteskip",
        "number",
        "content",
        "sampleunits",
        "min",
        "max",
    ),
    *("kinds", "centers", "centerings", "labels", "thicknesses"),
}
_REFUSED = {
    "oldmin": "the values were rescaled",
    "oldmax": "the values were rescaled",
    "blocksize": "every voxel is a block of bytes",
    "spacedimension": "its space has no name, so left and right are unknown",
    **dict.fromkeys(("spacings", "axismins", "axismaxs", "units"), "its axes are described twice"),
}
_VECTOR = re.compile(r"\(([^()]*)\)|none", re.IGNORECASE)


@dataclass(frozen=True)
class _Lines:
    """Fields by names in small letters without spaces, keys, the lines after ``data file: LIST``, and the bytes."""

    fields: dict[str, str]
    keys: dict[str, str]
    listed: list[str]
    size: int


def read_nrrd_header(
    path: Path, source: str | Path, smallest_mm: float, *, layered: bool = False
) -> ImageHeader:
    """The header of an NRRD file.

    Args:
        path: the file.
        source: what to call it in messages.
        smallest_mm: see `spinect_core.io.reading.sizes.check_sizes`.
        layered: take a file whose voxels hold several numbers, as segments of 3D Slicer that overlap.

    Raises:
        ReadingError: no such file, not one volume of real numbers, or its voxels are missing.
        SpatialError: its axes do not say where the voxels are, or no body has this size.
    """
    lines = _lines(path, source, LONGEST_OF_SEGMENTS if layered else LONGEST_HEADER)
    fields = lines.fields
    if fields.get("space", "").lower() not in _TO_LPS or "spacedirections" not in fields:
        raise SpatialError(
            "The file does not say how the patient lies (no space or no space directions), "
            "so left and right are unknown",
            REDO,
            source,
        )
    for name, why in _REFUSED.items():
        if name in fields:
            raise ReadingError(f"The header has the field {name!r}: {why}", REDO, source)
    dtype = _dtype(fields, source)
    shape, columns, layers = _axes(fields, source, layered)
    flip = np.array(_TO_LPS[fields["space"].lower()], dtype=np.float64)
    origin, findings = _origin(fields, source)
    units = re.findall(r'"([^"]*)"', fields.get("spaceunits", "")) or fields.get("spaceunits", "").split()
    unit = unit_of(units, source)
    geometry = placed(shape, columns * flip[:, None], (flip * origin).tolist(), unit, source, smallest_mm)
    data = data_files(path, fields["datafile"], lines.listed, source) if "datafile" in fields else (path,)
    header = ImageHeader(geometry, UNITS[unit], dtype, data, layers=layers, keys=lines.keys)
    surplus = _check_voxels(header, path, lines, source)
    return replace(header, findings=(*findings, *surplus))


def _lines(path: Path, source: str | Path, longest: int) -> _Lines:
    found, size = header_lines(path, r"$|data ?file\s*:\s*LIST\b", source, longest)
    if not found or not re.fullmatch(r"NRRD000[1-5]\s*", found[0]):
        raise ReadingError("This is no NRRD file", FORMATS, source)
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    for line in found[1:]:
        name, field, value = line.partition(": ")
        key, of_another, held = line.partition(":=")
        if not line.strip() or line.startswith("#"):
            continue
        # A key of another program, which may hold anything.
        if of_another and (not field or len(key) < len(name)):
            keys.setdefault(key, held)
            continue
        check_line(name, value, source)
        name = name.lower().replace(" ", "") if name == name.strip() else name
        if name not in _KNOWN and name not in _REFUSED:
            raise ReadingError(
                f"The header holds {line[:40]!r}, which is no field of an NRRD file", COPY, source
            )
        if name in fields:
            raise ReadingError(f"The header has the field {name!r} twice", COPY, source)
        fields[name] = value.strip()
    listed: list[str] = []
    if fields.get("datafile", "").upper().startswith("LIST"):
        with path.open("rb") as stream:
            stream.seek(size)
            listed = stream.read(LONGEST_HEADER).decode("utf-8", "replace").splitlines()
    return _Lines(fields, keys, listed, size)


def _needed(fields: dict[str, str], name: str, source: str | Path) -> str:
    if name not in fields:
        raise ReadingError(f"The header has no field {name!r}", COPY, source)
    return fields[name]


def _dtype(fields: dict[str, str], source: str | Path) -> np.dtype[Any]:
    """Of the stored values."""
    word = _needed(fields, "type", source).lower()
    if word not in _DTYPES:
        raise ReadingError(f"The voxels are of the type {word[:40]!r}", "Choose the CT itself", source)
    dtype = np.dtype(_DTYPES[word])
    encoding = _needed(fields, "encoding", source).lower()
    if encoding not in _ENCODINGS:
        raise ReadingError(
            f"The voxels are encoded as {encoding[:40]!r}; raw, gzip, text and hex are read",
            "Save the volume again with gzip",
            source,
        )
    endian = fields.get("endian", "little").lower()
    if endian not in ("little", "big") or (
        "endian" not in fields and dtype.itemsize > 1 and encoding not in _TEXT
    ):
        raise ReadingError(
            f"The header gives the byte order {fields.get('endian', 'nowhere')[:40]!r}", COPY, source
        )
    return dtype


def _axes(
    fields: dict[str, str], source: str | Path, layered: bool
) -> tuple[tuple[int, ...], FloatArray, int]:
    """Voxels along (x, y, z), the 3x3 steps to the next in the file's space and unit of length, and the layers."""
    dimensions = whole_number(_needed(fields, "dimension", source), "dimension", source)
    if not 1 <= dimensions <= 16:
        raise ReadingError(f"The header says the volume has {dimensions} dimensions", COPY, source)
    sizes = sizes_of(_needed(fields, "sizes", source), dimensions, "sizes", source)
    text = fields["spacedirections"]
    found = [match.group(1) for match in _VECTOR.finditer(text)]
    if len(found) != dimensions or _VECTOR.sub("", text).strip():
        raise SpatialError(
            f"The header's space directions {text[:60]!r} are not those of {dimensions} axes", REDO, source
        )
    in_space = [axis for axis, vector in enumerate(found) if vector is not None]
    others = [sizes[axis] for axis in range(dimensions) if axis not in in_space]
    layers = sizes[0] if layered and in_space == [1, 2, 3] else 1
    if len(in_space) == 3 and any(n > 1 for n in others) and math.prod(others) != layers:
        raise ReadingError(
            f"Every voxel holds {math.prod(others)} numbers (a vector, a colour or a series), not one HU",
            "Choose the CT itself",
            source,
        )
    shape = tuple(sizes[axis] for axis in in_space)
    if len(shape) != 3 or min(shape) < 2:
        raise ReadingError(
            f"The file has the size {times(sizes)}, it is not one volume",
            "Choose the whole CT as one volume",
            source,
        )
    vectors = [numbers(found[axis] or "", 3, "space directions", source, ",") for axis in in_space]
    return shape, np.array(vectors).T, layers


def _origin(fields: dict[str, str], source: str | Path) -> tuple[FloatArray, tuple[Finding, ...]]:
    """The first voxel, in the file's space and unit of length."""
    text = fields.get("spaceorigin")
    if text is None:
        return np.zeros(3), (Finding("The file does not say where in the scanner the volume lies"),)
    vector = _VECTOR.fullmatch(text)
    if vector is None or vector.group(1) is None:
        raise SpatialError(f"The header's space origin is {text[:60]!r}", REDO, source)
    return np.array(numbers(vector.group(1), 3, "space origin", source, ",")), ()


def _check_voxels(header: ImageHeader, path: Path, lines: _Lines, source: str | Path) -> tuple[Finding, ...]:
    """Whether the bytes that the header announces can be there."""
    fields = lines.fields
    encoding = fields["encoding"].lower()
    line_skip = whole_number(fields.get("lineskip", "0"), "line skip", source)
    byte_skip = whole_number(fields.get("byteskip", "0"), "byte skip", source)
    if line_skip < 0 or byte_skip < -1 or (byte_skip == -1 and encoding != "raw"):
        raise ReadingError(f"The header skips {line_skip} lines and {byte_skip} bytes", COPY, source)
    within = lines.size if header.data == (path,) else 0
    voxels = math.prod(header.geometry.shape) * header.layers
    least = {
        "raw": header.bytes,
        "hex": 2 * header.bytes,
        **dict.fromkeys(("txt", "text", "ascii"), 2 * voxels - 1),
    }.get(encoding, math.ceil(header.bytes / BEST_DEFLATE))
    before = within + (max(byte_skip, 0) if encoding == "raw" else 0)
    surplus = check_bytes(header.data, before, least, source)
    return surplus_finding(surplus) if encoding == "raw" and byte_skip >= 0 and line_skip == 0 else ()
