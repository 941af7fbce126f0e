"""The text headers of NRRD and MetaImage, looked at before ITK reads them.

ITK passes over what decides here: a missing orientation becomes the identity, a missing spacing 1 mm, and a file that
breaks off is reported on the error stream only.
https://teem.sourceforge.net/nrrd/format.html, https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from spinect_core.base.errors import ReadingError, SpatialError

NRRD_SUFFIXES = (".nrrd", ".nhdr")
NRRD_SPACES = {
    "left-posterior-superior",
    "right-anterior-superior",
    "left-anterior-superior",
    "lps",
    "ras",
    "las",
}
METAIMAGE_BYTES = {
    "CHAR": 1,
    "UCHAR": 1,
    "SHORT": 2,
    "USHORT": 2,
    "INT": 4,
    "UINT": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
}
LONGEST_HEADER = 1 << 16
_REDO = "Export the CT again from its DICOM series"
_COPY = "Copy the file again from its source, or export it again"
_FORMATS = "Choose a CT as DICOM, NIfTI, NRRD or MetaImage"


@dataclass(frozen=True)
class TextHeader:
    """A header's fields, names in lower case, and the bytes it takes."""

    magic: str
    fields: dict[str, str]
    size: int


def read_text_header(path: Path) -> TextHeader:
    """The header of an NRRD or MetaImage file, or of anything else that begins with text."""
    with path.open("rb") as stream:
        head = stream.read(LONGEST_HEADER)
    fields: dict[str, str] = {}
    magic = head[:8].decode("ascii", "replace")
    position = 0
    while position < len(head):
        end = head.find(b"\n", position)
        end = len(head) if end < 0 else end
        line = head[position:end].decode("utf-8", "replace").strip()
        position = end + 1
        if not line:
            break
        parts = re.split(r":=|:|=", line, maxsplit=1)
        if len(parts) == 2 and not line.startswith("#"):
            fields[parts[0].strip().lower()] = parts[1].strip()
        if line.lower().startswith("elementdatafile"):
            break
    return TextHeader(magic, fields, position)


def data_file(path: Path) -> Path | None:
    """The one file that holds the voxels of a detached header; None if there is none or are several."""
    fields = read_text_header(path).fields
    name = fields.get("data file") or fields.get("datafile") or fields.get("elementdatafile") or ""
    if not name or "%" in name or name.upper().split()[0] in ("LOCAL", "LIST"):
        return None
    return path.parent / name


def check_text_header(path: Path, source: str | Path) -> None:
    """Make sure that an NRRD or MetaImage file says where its voxels are, and has them all.

    Args:
        path: the file.
        source: what to call it in messages.

    Raises:
        ReadingError: another format, or the voxels are missing.
        SpatialError: no orientation or no spacing.
    """
    try:
        header = read_text_header(path)
        if path.suffix.lower() in NRRD_SUFFIXES:
            spacings = _nrrd_spacings(header, source)
        else:
            spacings = _metaimage_spacings(header, source)
            _check_metaimage_size(header, path, source)
        if not all(math.isfinite(s) and s > 0 for s in spacings):
            shown = " x ".join(f"{s:g}" for s in spacings)
            raise SpatialError(f"The voxel spacing {shown} mm is not positive", _REDO, source)
        data = data_file(path)
        if data is not None and not data.is_file():
            raise ReadingError(
                f"The file that holds the voxels, {data.name}, is missing", "Put it beside this one", source
            )
    except (OSError, ValueError) as error:
        raise ReadingError(f"The header cannot be read ({error})", _COPY, source) from error


def _nrrd_spacings(header: TextHeader, source: str | Path) -> list[float]:
    if not header.magic.startswith("NRRD000"):
        raise ReadingError("This is no NRRD file", _FORMATS, source)
    fields = header.fields
    if fields.get("space", "").lower() not in NRRD_SPACES or "space directions" not in fields:
        raise SpatialError(
            "The file does not say how the patient lies (no space or no space directions), "
            "so left and right are unknown",
            _REDO,
            source,
        )
    vectors = re.findall(r"\(([^)]*)\)", fields["space directions"])
    return [math.hypot(*(_number(word) for word in vector.split(","))) for vector in vectors]


def _metaimage_spacings(header: TextHeader, source: str | Path) -> list[float]:
    if "ndims" not in header.fields:
        raise ReadingError("This is no MetaImage file", _FORMATS, source)
    words = (header.fields.get("elementspacing") or header.fields.get("elementsize") or "").split()
    if not words:
        raise SpatialError("The file does not say the voxel spacing (no ElementSpacing)", _REDO, source)
    return [_number(word) for word in words]


def _check_metaimage_size(header: TextHeader, path: Path, source: str | Path) -> None:
    """Whether the bytes that the header announces are there."""
    fields = header.fields
    local = fields.get("elementdatafile", "").upper() == "LOCAL"
    data = path if local else data_file(path)
    if data is None or not data.is_file():
        return
    actual = data.stat().st_size - (header.size if local else 0)
    if fields.get("compresseddata", "").lower() == "true":
        expected = int(fields.get("compresseddatasize", 0))
    else:
        kind = fields.get("elementtype", "").upper().removeprefix("MET_")
        voxels = math.prod(int(n) for n in fields.get("dimsize", "0").split())
        expected = voxels * METAIMAGE_BYTES.get(kind, 1)
    if actual < expected:
        raise ReadingError(f"The file ends after {actual} of {expected} bytes of voxels", _COPY, source)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan
