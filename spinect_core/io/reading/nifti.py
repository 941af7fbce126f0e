"""NIfTI-1 and NIfTI-2 in one file (.nii, .nii.gz).

nibabel knows the fields of the header. They decide where left is, so all of them are checked here and every doubt is an
error: files without orientation, with two orientations that contradict each other, sheared or without spacing.
https://nifti.nimh.nih.gov/nifti-1
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check
from spinect_core.base.reasons import reason, times
from spinect_core.image.volume import Geometry
from spinect_core.io.reading.memory import check_memory
from spinect_core.io.reading.series import Finding
from spinect_core.io.reading.sizes import MILLIMETRES, UNITS, check_sizes

DTYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
OTHER_TYPES = {
    1: "bits",
    32: "complex numbers",
    128: "RGB colours",
    1792: "complex numbers",
    2304: "RGBA colours",
}
UNIT_OF = {0: MILLIMETRES, 1: "metres", 2: MILLIMETRES, 3: "micrometres"}
"""By the code in the header; where it is 0, unknown, every program takes millimetres."""
CHUNK = 1 << 22
MOST_EXTENSION = 1 << 24
"""Bytes of what other programs add to a header that are looked at."""
DISAGREEMENT_MM = 1.0
_DAMAGED = "Copy the file again from its source, or export it again"
_REDO = "Export the CT again from its DICOM series"


@dataclass(frozen=True)
class NiftiHeader:
    """The parts of a NIfTI header that matter for a volume.

    Attributes:
        dim: voxels along the file's axes, fastest first.
        dtype: of the stored values, with byte order.
        offset: byte where the values begin.
        slope: and ``intercept`` give the value from the stored one.
        affine: 4x4 from (i, j, k) to RAS mm, by the file's unit of length.
        unit: that unit.
        findings: what the user should know.
    """

    dim: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    affine: FloatArray
    unit: str
    findings: tuple[Finding, ...]

    @property
    def scaled(self) -> bool:
        """Whether stored values and values differ."""
        return (self.slope, self.intercept) != (1.0, 0.0)


def is_nifti_name(name: str) -> bool:
    """Whether a file is called like a NIfTI file."""
    return name.lower().endswith((".nii", ".nii.gz"))


def read_nifti_header(path: Path, source: str | Path, smallest_mm: float) -> tuple[NiftiHeader, Geometry]:
    """Header and grid of a NIfTI file.

    Args:
        path: the file.
        source: what to call it in messages.
        smallest_mm: see `check_sizes`.

    Raises:
        ReadingError: no NIfTI, not one volume of real numbers, damaged.
        SpatialError: its axes do not say where the voxels are, or no body has this size.
    """
    try:
        with _open(path) as stream:
            raw = stream.read(540)
    except (OSError, EOFError, zlib.error) as error:
        raise ReadingError(f"The file cannot be read ({reason(error)})", _DAMAGED, source) from error
    header = _parse(raw, source)
    return header, _geometry(header, source, smallest_mm)


def read_nifti(
    path: Path,
    source: str | Path,
    smallest_mm: float,
    *,
    progress: Progress,
    cancel: Cancel | None,
) -> tuple[npt.NDArray[Any], Geometry, tuple[Finding, ...]]:
    """Values [z, y, x] (as stored, or float32 where the header scales them), grid and findings of a NIfTI file."""
    header, geometry = read_nifti_header(path, source, smallest_mm)
    check_memory(geometry.shape, max(4, header.dtype.itemsize), source)
    wanted = math.prod(geometry.shape) * header.dtype.itemsize
    data = bytearray()
    try:
        with _open(path) as stream:
            stream.read(header.offset)
            while len(data) < wanted:
                check(cancel)
                block = stream.read(min(CHUNK, wanted - len(data)))
                if not block:
                    break
                data += block
                progress(len(data) / wanted, "Reading the volume")
            if path.name.lower().endswith(".gz"):
                stream.read(CHUNK)  # up to the checksum at the end, so that a damaged file is found
    except (OSError, EOFError, zlib.error) as error:
        raise ReadingError(
            f"The file breaks off or is damaged ({reason(error)})", _DAMAGED, source
        ) from error
    if len(data) < wanted:
        raise ReadingError(f"The file ends after {len(data)} of {wanted} bytes of voxels", _DAMAGED, source)
    array: Any = np.frombuffer(data, dtype=header.dtype).reshape(geometry.shape)
    array = array.astype(header.dtype.newbyteorder("="), copy=False)
    if header.scaled:
        # 32 bits hold every 16-bit value exactly; larger ones are scaled in 64
        array = array.astype(np.float32 if header.dtype.itemsize <= 2 else np.float64)
        # What is not finite then is refused by who uses it.
        with np.errstate(over="ignore", invalid="ignore"):
            array = array * array.dtype.type(header.slope) + array.dtype.type(header.intercept)
    return array, geometry, header.findings


def read_extension(path: Path) -> bytes:
    """What stands between the header and the voxels of a NIfTI file: what other programs add; empty without it.

    Raises:
        ReadingError: no NIfTI, or damaged.
        SpatialError: its axes do not say where the voxels are.
    """
    header, _ = read_nifti_header(path, path, 0.0)
    try:
        with _open(path) as stream:
            return stream.read(min(header.offset, MOST_EXTENSION))[348:]
    except (OSError, EOFError, zlib.error) as error:
        raise ReadingError(f"The file cannot be read ({reason(error)})", _DAMAGED, path) from error


def _open(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked if they are packed, whatever the file is called."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else path.open("rb")


def _parse(raw: bytes, source: str | Path) -> NiftiHeader:
    """The header's numbers, each of them checked."""
    header, order = _fields(raw, source)
    sizes = _sizes(header["dim"].tolist(), source)
    datatype = int(header["datatype"])
    if datatype not in DTYPES:
        kind = OTHER_TYPES.get(datatype, f"data of the unknown kind {datatype}")
        raise ReadingError(f"The voxels hold {kind}, not Hounsfield units", "Choose the CT itself", source)
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not math.isfinite(slope):
        slope, intercept = 1.0, 0.0  # the standard: a slope of 0 means "not scaled"
    if not math.isfinite(intercept):
        raise ReadingError(f"The value scale is damaged (intercept {intercept})", _REDO, source)
    offset = header["vox_offset"].item()
    if not (math.isfinite(offset) and 0 <= offset < 2**31):
        raise ReadingError(f"The header says the voxels begin at byte {offset}", _DAMAGED, source)
    code = int(header["xyzt_units"]) & 7
    if code not in UNIT_OF:
        raise SpatialError(f"The header gives lengths in a unit of the unknown code {code}", _REDO, source)
    affine, findings = _affine(header, sizes, UNITS[UNIT_OF[code]], source)
    return NiftiHeader(
        dim=sizes,
        dtype=np.dtype(order + DTYPES[datatype]),
        offset=int(offset) or 352,
        slope=slope,
        intercept=intercept,
        affine=affine,
        unit=UNIT_OF[code],
        findings=findings,
    )


def _fields(raw: bytes, source: str | Path) -> tuple[Any, str]:
    """The header by the names of its fields, and its byte order; both versions of the standard."""
    # Not at the top: it takes a while, and only this format needs it.
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    for order in "<>":
        for kind, size in ((Nifti1Header, 348), (Nifti2Header, 540)):
            if len(raw) >= size and struct.unpack_from(f"{order}i", raw)[0] == size:
                # What nibabel would mend or let pass is checked here.
                header = kind(raw[:size], endianness=order, check=False)
                if size == 348 and raw[344:348] not in (b"n+1\0", b"ni1\0"):
                    raise ReadingError(
                        "The file is in the older ANALYZE format, which does not say where left is",
                        _REDO,
                        source,
                    )
                return header, order
    raise ReadingError("This is no NIfTI file", "Choose a CT as DICOM, NIfTI, NRRD or MetaImage", source)


def _sizes(dim: list[int], source: str | Path) -> tuple[int, ...]:
    """Voxels along the three axes of one volume."""
    count = dim[0]
    if not 1 <= count <= 7:
        raise ReadingError(f"The header says the volume has {count} dimensions", _DAMAGED, source)
    sizes = tuple(dim[1 : count + 1])
    if min(sizes) < 1:
        raise ReadingError(f"The header says the volume has {times(sizes)} voxels", _DAMAGED, source)
    if any(n > 1 for n in sizes[3:]):
        raise ReadingError(
            f"The file holds {count} dimensions ({times(sizes)}), a series of volumes or of colours, not one CT",
            "Save one volume of it to a file of its own",
            source,
        )
    if len(sizes) < 3 or sizes[2] == 1:
        raise ReadingError(
            f"The file holds one picture ({times(sizes)}), not a volume",
            "Choose the whole CT, not a single slice",
            source,
        )
    return sizes[:3]


def _affine(
    header: Any, sizes: tuple[int, ...], unit_mm: float, source: str | Path
) -> tuple[FloatArray, tuple[Finding, ...]]:
    """The one transformation from (i, j, k) to RAS mm that the file means, and whether there was a doubt."""
    pixdim = np.array(header["pixdim"].tolist())
    spacing = pixdim[1:4]
    if not np.all(np.isfinite(spacing)) or np.min(spacing) <= 0:
        raise SpatialError(
            f"The voxel spacing {' x '.join(f'{s:g}' for s in spacing)} mm is not positive", _REDO, source
        )
    candidates: list[FloatArray] = []
    if header["sform_code"] > 0:
        rows = [header[name].tolist() for name in ("srow_x", "srow_y", "srow_z")]
        candidates.append(np.vstack([*rows, [0.0, 0.0, 0.0, 1.0]]))
    if header["qform_code"] > 0:
        names = ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")
        quaternion = tuple(float(header[name]) for name in names)
        candidates.append(_from_quaternion(quaternion, spacing, -1.0 if pixdim[0] < 0 else 1.0))
    if not candidates:
        raise SpatialError(
            "The file does not say how the patient lies (qform and sform codes are 0), so left and right are unknown",
            _REDO,
            source,
        )
    if not all(np.all(np.isfinite(c)) for c in candidates):
        raise SpatialError("The orientation in the header is not finite numbers", _REDO, source)
    for candidate in candidates:
        candidate[:3] *= unit_mm
    spacing = spacing * unit_mm
    findings = _agreement(candidates[0], candidates[1], sizes, source) if len(candidates) == 2 else ()
    used = np.linalg.norm(candidates[0][:3, :3], axis=0)
    if np.any(np.abs(used - spacing) > 0.01 * spacing):
        text = " and ".join("x".join(f"{s:.3f}" for s in each) for each in (used, spacing))
        findings += (
            Finding(
                f"The header gives two spacings, {text} mm; the first, from the sform, was used", grave=True
            ),
        )
    return candidates[0], findings


def _agreement(
    sform: FloatArray, qform: FloatArray, sizes: tuple[int, ...], source: str | Path
) -> tuple[Finding, ...]:
    """What there is to say of two transformations that are given for one volume."""
    if np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0:
        raise SpatialError(
            "The two orientations in the header (qform and sform) are mirror images of each other, "
            "so left and right are unknown",
            _REDO,
            source,
        )
    corners = np.array([(i, j, k, 1) for i in (0, sizes[0]) for j in (0, sizes[1]) for k in (0, sizes[2])])
    apart = float(np.abs(corners @ (sform - qform).T).max())
    if apart <= DISAGREEMENT_MM:
        return ()
    return (
        Finding(
            f"The two orientations in the header differ by up to {apart:.1f} mm; the sform was used",
            grave=True,
        ),
    )


def _from_quaternion(quaternion: tuple[float, ...], spacing: FloatArray, qfac: float) -> FloatArray:
    """4x4 to RAS from the header's quaternion, as the standard gives it."""
    b, c, d, *offset = quaternion
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing * np.array([1.0, 1.0, qfac])
    affine[:3, 3] = offset
    return affine


def _geometry(header: NiftiHeader, source: str | Path, smallest_mm: float) -> Geometry:
    """The grid in LPS."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ header.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.all(np.isfinite(spacing)) or spacing.min() <= 0:
        raise SpatialError(
            f"The voxel spacing {' x '.join(f'{s:g}' for s in spacing)} mm is not positive", _REDO, source
        )
    x, y, z = header.dim
    try:
        geometry = Geometry(
            shape=(z, y, x),
            spacing=(spacing[0], spacing[1], spacing[2]),
            origin=(affine[0, 3], affine[1, 3], affine[2, 3]),
            direction=affine[:3, :3] / spacing,
        )
    except SpatialError as error:
        raise SpatialError(error.fault, error.remedy, source) from error
    check_sizes(
        header.dim, geometry.spacing, geometry.origin, source, unit=header.unit, smallest_mm=smallest_mm
    )
    return geometry
