"""Volumes in one file: NIfTI, NRRD and MetaImage."""

from __future__ import annotations

import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.scratch import scratch_folder
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.reading.hounsfield import to_hounsfield
from spinect_core.io.reading.memory import check_memory
from spinect_core.io.reading.nifti import is_nifti_name, read_nifti, read_nifti_header
from spinect_core.io.reading.options import ReadOptions
from spinect_core.io.reading.quiet import quiet_itk
from spinect_core.io.reading.series import Finding, Series, orientation_name
from spinect_core.io.reading.text_headers import check_text_header, data_file

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
        geometry, dtype, findings, scaled = _read_header(path, source)
        if dtype.itemsize == 1 and not scaled:
            fault = ReadingError(
                "The voxels are 8-bit numbers: labels or a picture, not Hounsfield units",
                "Choose the CT itself; a label file cannot be opened as a CT",
                source,
            )
    except ReadingError as error:
        fault = error

    def load(options: ReadOptions, progress: Progress, cancel: Cancel | None) -> Volume:
        array, grid, _ = _read_array(path, source, progress, cancel)
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
    array, geometry = read_numbers(path)
    values = np.unique(array)
    if not np.isin(values, (0, 1, 2)).all():
        others = [f"{v:g}" for v in values[~np.isin(values, (0, 1, 2))].astype(np.float64)]
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        raise ReadingError(
            f"The file holds the values {shown}; labels are 0 (background), 1 (bone) and 2 (nerve)",
            "Choose a label file of this program, or renumber its labels",
            path,
        )
    return Labels(array.astype(np.uint8), geometry)


def read_numbers(path: Path) -> tuple[npt.NDArray[Any], Geometry]:
    """Whatever numbers [z, y, x] a NIfTI, NRRD or MetaImage file holds, and their grid.

    Raises:
        ReadingError: not such a file, or damaged.
        SpatialError: its axes do not say where the voxels are.
    """
    array, geometry, _ = _read_array(path, path, silent, None)
    return array, geometry


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


def _read_header(path: Path, source: str | Path) -> tuple[Geometry, np.dtype[Any], tuple[Finding, ...], bool]:
    if is_nifti_name(path.name):
        header, geometry = read_nifti_header(path, source)
        return geometry, header.dtype, header.findings, header.scaled
    check_text_header(path, source)
    with _plain_path(path) as plain, quiet_itk():
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(plain))
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            raise ReadingError(
                f"The header cannot be read ({_itk_reason(error)})", _DAMAGED, source
            ) from error
        size = reader.GetSize()
        if reader.GetNumberOfComponents() != 1:
            raise ReadingError(
                f"Every voxel holds {reader.GetNumberOfComponents()} numbers (a vector or a colour), not one HU",
                "Choose the CT itself",
                source,
            )
        if len(size) != 3 or min(size) < 2:
            raise ReadingError(
                f"The file has the size {size}, it is not one volume",
                "Choose the whole CT as one volume",
                source,
            )
        try:
            geometry = Geometry(
                shape=size[::-1],
                spacing=reader.GetSpacing(),
                origin=reader.GetOrigin(),
                direction=np.asarray(reader.GetDirection()).reshape(3, 3),
            )
        except SpatialError as error:
            raise SpatialError(error.fault, error.remedy, source) from error
        bytes_per_voxel = 1 if reader.GetPixelID() in (sitk.sitkUInt8, sitk.sitkInt8) else 4
    return geometry, np.dtype(f"u{bytes_per_voxel}"), (), False


def _read_array(
    path: Path, source: str | Path, progress: Progress, cancel: Cancel | None
) -> tuple[npt.NDArray[Any], Geometry, tuple[Finding, ...]]:
    if is_nifti_name(path.name):
        return read_nifti(path, source, progress=progress, cancel=cancel)
    geometry, _, findings, _ = _read_header(path, source)
    check_memory(geometry.shape, 4, source)
    progress(0.0, "Reading the volume")
    image = _read_in_background(path, source, cancel)
    check(cancel)
    array = sitk.GetArrayFromImage(image)
    progress(1.0, "Reading the volume")
    return array, geometry, findings


def _read_in_background(path: Path, source: str | Path, cancel: Cancel | None) -> sitk.Image:
    """Read with ITK, which cannot be stopped, so that the caller can be."""
    result: list[sitk.Image] = []
    errors: list[RuntimeError] = []

    def read() -> None:
        try:
            with _plain_path(path) as plain:
                result.append(sitk.ReadImage(str(plain)))
        except RuntimeError as error:
            errors.append(error)

    with quiet_itk():
        thread = threading.Thread(target=read, daemon=True, name="reading")
        thread.start()
        while thread.is_alive():
            check(cancel)
            thread.join(0.05)
    if not result:
        reason = _itk_reason(errors[0]) if errors else "no reason given"
        raise ReadingError(f"The voxels cannot be read ({reason})", _DAMAGED, source) from (
            errors[0] if errors else None
        )
    return result[0]


def _itk_reason(error: RuntimeError) -> str:
    """The last sentence of an ITK message, without its source positions."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = re.sub(r"^.*?(ITK ERROR|ERROR)\s*:?\s*", "", lines[-1]) if lines else "unknown"
    text = re.sub(r"\w+\(0x[0-9a-f]+\)\s*:\s*", "", text)
    return text.rstrip(". ")[:200]


@contextmanager
def _plain_path(path: Path) -> Iterator[Path]:
    """A path that ITK can open: on Windows it fails on some letters and on long paths."""
    if sys.platform != "win32" or (str(path).isascii() and len(str(path)) < 240):
        yield path
        return
    with scratch_folder() as folder:
        plain = folder / f"image{path.suffix.lower()}"
        data = data_file(path)
        if data is None:
            shutil.copyfile(path, plain)
        else:
            plain.write_bytes(DATA_FILE_LINE.sub(rb"\g<1>voxels.raw", path.read_bytes()))
            shutil.copyfile(data, folder / "voxels.raw")
        yield plain
