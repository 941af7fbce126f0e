"""NRRD and MetaImage files with any header, around the voxels of the example CT."""

from __future__ import annotations

import gzip
from pathlib import Path

from dicom_maker import example_volume

VOLUME = example_volume()
Z, Y, X = VOLUME.geometry.shape
VOXELS = VOLUME.array.astype("<i2").tobytes()


def numbers(values: object) -> str:
    """Numbers as a header writes them."""
    return " ".join(f"{float(v):.10g}" for v in values)  # type: ignore[attr-defined]  # any sequence of numbers


def vector(values: object) -> str:
    """A vector as an NRRD header writes it."""
    return "(" + numbers(values).replace(" ", ",") + ")"


def nrrd_header(scale: float = 1.0, **changes: str | None) -> str:
    """The header of the example; changed fields have underscores for spaces, None leaves one out.

    Args:
        scale: of all lengths.
        changes: of the fields.
    """
    steps = VOLUME.geometry.index_to_patient[:3, :3].T * scale
    fields: dict[str, str | None] = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": f"{X} {Y} {Z}",
        "space directions": " ".join(vector(step) for step in steps),
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "raw",
        "space origin": vector([n * scale for n in VOLUME.geometry.origin]),
    }
    fields.update({name.replace("_", " "): value for name, value in changes.items()})
    return "NRRD0004\n" + "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)


def nrrd(
    path: Path, extra: str = "", *, scale: float = 1.0, voxels: bytes = VOXELS, **changes: str | None
) -> Path:
    """An .nrrd of the example, with other lines or fields in its header."""
    packed = gzip.compress(voxels) if changes.get("encoding") == "gzip" else voxels
    path.write_bytes((nrrd_header(scale, **changes) + extra + "\n").encode() + packed)
    return path


def metaimage_header(scale: float = 1.0, **changes: str | None) -> str:
    """The header of the example, but for the name of its voxels; None leaves a field out."""
    fields: dict[str, str | None] = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": numbers(n * scale for n in VOLUME.geometry.origin),
        "ElementSpacing": numbers(n * scale for n in VOLUME.geometry.spacing),
        "DimSize": f"{X} {Y} {Z}",
        "ElementType": "MET_SHORT",
        **changes,
    }
    return "".join(f"{name} = {value}\n" for name, value in fields.items() if value is not None)


def metaimage(
    path: Path, extra: str = "", *, scale: float = 1.0, voxels: bytes = VOXELS, **changes: str | None
) -> Path:
    """An .mha of the example, with other lines or fields in its header."""
    header = metaimage_header(scale, **changes) + extra + "ElementDataFile = LOCAL\n"
    path.write_bytes(header.encode() + voxels)
    return path
