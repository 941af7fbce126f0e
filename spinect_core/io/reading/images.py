"""Volumes in one file: NIfTI, NRRD and MetaImage."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.scratch import scratch_folder
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.reading import metaimage, nrrd
from spinect_core.io.reading.hounsfield import to_hounsfield
from spinect_core.io.reading.memory import check_memory
from spinect_core.io.reading.native_process import Answer, NativeError, native
from spinect_core.io.reading.nifti import is_nifti_name, read_nifti, read_nifti_header
from spinect_core.io.reading.options import ReadOptions
from spinect_core.io.reading.series import Finding, Series, orientation_name
from spinect_core.io.reading.sizes import BODY_MM, CROP_MM
from spinect_core.io.reading.text_headers import ImageHeader

DATA_FILE_LINE = re.compile(rb"(?mi)^((?:data ?file|ElementDataFile)\s*[:=]\s*).*$")
IMAGE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_DAMAGED = "Copy the file again from its source, or export it again"


def is_image_name(name: str) -> bool:
    """Whether a file is called like a volume this module reads."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def bare_name(path: Path) -> str:
    """The file's name without its ending."""
    name = path.name
    for suffix in (".gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name


def image_series(path: Path, key: str, source: str | Path, keep: object = None) -> Series:
    """The entry for one file, from its header alone.

    Args:
        path: the file.
        key: its key.
        source: what to call it in messages.
        keep: holds what the file needs to stay.
    """
    fault: ReadingError | None = None
    geometry: Geometry | None = None
    findings: tuple[Finding, ...] = ()
    try:
        header = _read_header(path, source, BODY_MM)
        geometry, findings = header.geometry, header.findings
        if header.text is not None and header.text.modality not in ("", "CT"):
            fault = ReadingError(
                f"The file says that it is of the modality {header.text.modality}, not CT",
                "Choose a CT",
                source,
            )
        elif header.dtype.itemsize == 1 and not header.scaled:
            fault = ReadingError(
                "The voxels are 8-bit numbers: labels or a picture, not Hounsfield units",
                "Choose the CT itself; a label file cannot be opened as a CT",
                source,
            )
    except ReadingError as error:
        fault = error

    def load(options: ReadOptions, progress: Progress, cancel: Cancel | None) -> Volume:
        array, grid, _ = _read_array(path, source, progress, cancel, BODY_MM)
        hounsfield, more = to_hounsfield(array, grid, source, cancel, options)
        details = {
            "modality": "CT",
            "format": path.name[len(bare_name(path)) :],
        }
        return Volume(hounsfield, grid, bare_name(path), details, tuple(f.warning for f in more))

    return Series(
        key=key,
        description=bare_name(path),
        modality="CT",
        pictures=geometry.shape[0] if geometry else 0,
        shape=geometry.shape if geometry else None,
        spacing=geometry.spacing if geometry else None,
        kernel="",
        orientation=orientation_name(geometry.direction[:, 2]) if geometry else "",
        warnings=tuple(str(f) for f in findings) + ((fault.fault,) if fault else ()),
        loadable=fault is None,
        files=(path,),
        fault=fault,
        findings=findings,
        extent=geometry.shape[0] * geometry.spacing[2] if geometry else 0.0,
        load=load,
        keep=keep,
    )


def read_label_file(path: Path) -> Labels:
    """Labels 0, 1, 2 of a NIfTI, NRRD or MetaImage file.

    Raises:
        ReadingError: not such a file, or other values in it.
        SpatialError: its axes do not say where the voxels are.
    """
    array, geometry, findings = _read_array(path, path, silent, None, CROP_MM)
    values = np.unique(array)
    if not np.isin(values, (0, 1, 2)).all():
        others = [f"{v:g}" for v in values[~np.isin(values, (0, 1, 2))].astype(np.float64)]
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        raise ReadingError(
            f"The file holds the values {shown}; labels are 0 (background), 1 (bone) and 2 (nerve)",
            "Choose a label file of this program, or renumber its labels",
            path,
        )
    return Labels(array.astype(np.uint8), geometry, tuple(each.warning for each in findings))


def read_numbers(path: Path) -> tuple[npt.NDArray[Any], Geometry]:
    """Whatever numbers [z, y, x] a NIfTI, NRRD or MetaImage file holds, and their grid.

    Raises:
        ReadingError: not such a file, or damaged.
        SpatialError: its axes do not say where the voxels are.
    """
    array, geometry, _ = _read_array(path, path, silent, None, CROP_MM)
    return array, geometry


def read_layers(path: Path) -> tuple[npt.NDArray[Any], Geometry, Mapping[str, str]]:
    """The numbers [z, y, x, layer] of an NRRD file whose voxels may hold several, their grid, and its keys.

    Raises:
        ReadingError: not such a file, or damaged.
        SpatialError: its axes do not say where the voxels are.
    """
    header = nrrd.read_nrrd_header(path, path, CROP_MM, layered=True)
    array = _native(path, path, header, None)
    return array.reshape(*header.geometry.shape, header.layers), header.geometry, header.keys


def read_map_file(path: Path) -> Labels:
    """Structures by number, 0 to 255, of a NIfTI, NRRD or MetaImage file.

    Raises:
        ReadingError: not such a file, or other values in it.
        SpatialError: its axes do not say where the voxels are.
    """
    array, geometry = read_numbers(path)
    with np.errstate(invalid="ignore"):  # of numbers that fit no byte; they are refused below
        numbered = array.astype(np.uint8)
    if not np.array_equal(numbered, array):
        raise ReadingError(
            "The file holds other values than whole numbers from 0 to 255",
            "Choose a map of structures, such as structures.nii.gz of `spinect phantom`",
            path,
        )
    return Labels(numbered, geometry)


@dataclass(frozen=True)
class _Header:
    """What image files of every format say before their voxels are read."""

    geometry: Geometry
    dtype: np.dtype[Any]
    findings: tuple[Finding, ...]
    scaled: bool = False
    text: ImageHeader | None = None


def _read_header(path: Path, source: str | Path, smallest_mm: float) -> _Header:
    """A file's header; it is read in Python alone, so a folder of many files may hold anything."""
    if is_nifti_name(path.name):
        header, geometry = read_nifti_header(path, source, smallest_mm)
        return _Header(geometry, header.dtype, header.findings, header.scaled)
    try:
        text = _text_format(path).read(path, source, smallest_mm)
    except OSError as error:
        raise ReadingError(
            f"The header cannot be read ({error.strerror or error})", _DAMAGED, source
        ) from error
    return _Header(text.geometry, text.dtype, text.findings, text=text)


def _read_array(
    path: Path,
    source: str | Path,
    progress: Progress,
    cancel: Cancel | None,
    smallest_mm: float,
) -> tuple[npt.NDArray[Any], Geometry, tuple[Finding, ...]]:
    if is_nifti_name(path.name):
        return read_nifti(path, source, smallest_mm, progress=progress, cancel=cancel)
    header = _read_header(path, source, smallest_mm).text
    assert header is not None  # it is no NIfTI
    progress(0.0, "Reading the volume")
    array = _native(path, source, header, cancel).reshape(header.geometry.shape)
    progress(1.0, "Reading the volume")
    return array, header.geometry, header.findings


def _native(path: Path, source: str | Path, header: ImageHeader, cancel: Cancel | None) -> npt.NDArray[Any]:
    """The numbers of a file with a text header, as the native reader has them."""
    check_memory(header.geometry.shape, max(4, header.dtype.itemsize * header.layers), source)
    try:
        with _plain_path(path, header.data) as plain:
            answer = native.read(plain, _text_format(path).reader, header.bytes, source, cancel)
    except NativeError as error:
        raise ReadingError(
            f"The voxels cannot be read ({_itk_reason(str(error))})", _DAMAGED, source
        ) from error
    check(cancel)
    if answer.array.dtype.newbyteorder("=") != header.dtype or not _same_grid(header, answer):
        raise SpatialError(
            "The header is read in two ways that contradict each other, so its numbers are in doubt",
            "Export the CT again from its DICOM series",
            source,
        )
    return answer.array


def _same_grid(header: ImageHeader, answer: Answer) -> bool:
    """Whether the native reader puts the voxels where the header read in Python does."""
    ours = header.geometry
    try:
        theirs = Geometry(
            ours.shape,
            tuple(s * header.factor for s in answer.spacing[:3]),  # type: ignore[arg-type]  # three of them
            tuple(o * header.factor for o in answer.origin[:3]),  # type: ignore[arg-type]
            np.array(answer.direction).reshape(len(answer.spacing), -1)[:3, :3],
        )
    except SpatialError:
        return False
    return ours.same_grid(theirs, 0.01)


def _text_format(path: Path) -> _TextFormat:
    return next(each for each in _TEXT_FORMATS if path.suffix.lower() in each.suffixes)


@dataclass(frozen=True)
class _TextFormat:
    """A format with a text header: what reads its header, and ITK's name of what reads its voxels."""

    suffixes: tuple[str, ...]
    reader: str
    read: Callable[[Path, str | Path, float], ImageHeader]


_TEXT_FORMATS = (
    _TextFormat(nrrd.SUFFIXES, nrrd.READER, nrrd.read_nrrd_header),
    _TextFormat(metaimage.SUFFIXES, metaimage.READER, metaimage.read_metaimage_header),
)


def _itk_reason(text: str) -> str:
    """The last sentence of an ITK message, without its source positions."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    text = re.sub(r"^.*?(ITK ERROR|ERROR)\s*:?\s*", "", lines[-1]) if lines else "unknown"
    text = re.sub(r"\w+\(0x[0-9a-f]+\)\s*:\s*", "", text)
    return text.rstrip(". ")[:200]


@contextmanager
def _plain_path(path: Path, data: tuple[Path, ...]) -> Iterator[Path]:
    """A path that ITK can open: on Windows it fails on some letters and on long paths."""
    if sys.platform != "win32" or (str(path).isascii() and len(str(path)) < 240):
        yield path
        return
    with scratch_folder() as folder:
        plain = folder / f"image{path.suffix.lower()}"
        if data == (path,):
            shutil.copyfile(path, plain)
        elif len(data) == 1:
            plain.write_bytes(DATA_FILE_LINE.sub(rb"\g<1>voxels.raw", path.read_bytes()))
            shutil.copyfile(data[0], folder / "voxels.raw")
        else:
            raise ReadingError(
                "A volume of several files cannot be read from a folder with such a name",
                "Move it to a folder with a short name of plain letters",
                path,
            )
        yield plain
