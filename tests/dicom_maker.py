"""Small CTs with known content, and DICOM files of every kind made from them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import JPEGLosslessSV1

from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.writing import write_dicom_series

AXES_48 = [
    tuple((axis, sign) for axis, sign in zip(order, signs, strict=True))
    for order in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    for signs in [(a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)]
]
"""For the array axes x, y, z the patient axis (0 L, 1 P, 2 S) and the sign."""
MARK_HU = 1500


def direction_of(axes: tuple[tuple[int, int], ...]) -> np.ndarray:
    """3x3 direction of one of AXES_48."""
    direction = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(axes):
        direction[axis, column] = sign
    return direction


def example_volume(
    shape: tuple[int, int, int] = (8, 12, 10),
    spacing: tuple[float, float, float] = (4.5, 4.8, 2.5),
    origin: tuple[float, float, float] = (-31.5, 12.25, -400.125),
    direction: np.ndarray | None = None,
    name: str = "Example",
) -> Volume:
    """A CT of random HU with one bright voxel off every centre."""
    rng = np.random.default_rng(7)
    array = rng.integers(-1000, 1000, shape, dtype=np.int16)
    array[mark_index(shape)] = MARK_HU
    return Volume(
        array, Geometry(shape, spacing, origin, np.eye(3) if direction is None else direction), name
    )


def mark_index(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Where example_volume is brightest, [z, y, x]."""
    return (1, shape[1] - 3, 2)


def mark_point(volume: Volume) -> np.ndarray:
    """LPS mm of the brightest voxel."""
    return volume.geometry.to_patient(np.unravel_index(int(np.argmax(volume.array)), volume.array.shape))


def make_series(
    folder: Path,
    volume: Volume | None = None,
    edit: Callable[[Dataset, int], None] | None = None,
    keep: Callable[[int], bool] = lambda _: True,
) -> Path:
    """A DICOM series in a folder; ``edit`` may change the dataset of slice z, ``keep`` says which slices stay."""
    paths = write_dicom_series(example_volume() if volume is None else volume, folder)
    for z, path in enumerate(paths):
        if not keep(z):
            path.unlink()
        elif edit is not None:
            dataset = pydicom.dcmread(path)
            edit(dataset, z)
            dataset.save_as(path)
    return folder


def set_uids(dataset: Dataset, series: str, z: int) -> None:
    """Make a slice part of another series."""
    dataset.SeriesInstanceUID = series
    dataset.SOPInstanceUID = f"{series}.{z + 1}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def compress_series(folder: Path, syntax: str) -> Path:
    """Compress the files of a folder with one of the lossless transfer syntaxes."""
    for path in sorted(folder.glob("*.dcm")):
        dataset = pydicom.dcmread(path)
        if syntax == JPEGLosslessSV1:
            _jpeg_lossless(dataset)
        else:
            dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path)
    return folder


def _jpeg_lossless(dataset: Dataset) -> None:
    """GDCM encodes the pixels, as pydicom has no encoder for it."""
    image = sitk.GetImageFromArray(dataset.pixel_array[None])
    with tempfile.TemporaryDirectory() as temporary:
        path = str(Path(temporary) / "slice.dcm")
        writer = sitk.ImageFileWriter()
        writer.SetFileName(path)
        writer.SetUseCompression(True)
        writer.SetCompressor("JPEG")
        writer.Execute(image)
        packed = pydicom.dcmread(path)
        assert packed.file_meta.TransferSyntaxUID in ("1.2.840.10008.1.2.4.57", JPEGLosslessSV1)
        frame = next(generate_frames(packed.PixelData, number_of_frames=1))
        dataset.PixelData = encapsulate([frame])
        dataset["PixelData"].is_undefined_length = True
        dataset.PixelRepresentation = packed.PixelRepresentation
        dataset.file_meta.TransferSyntaxUID = packed.file_meta.TransferSyntaxUID


def make_enhanced(path: Path, volume: Volume | None = None, order: list[int] | None = None) -> Path:
    """One enhanced multi-frame CT file; ``order`` is the order of the slices in it."""
    volume = example_volume() if volume is None else volume
    geometry = volume.geometry
    order = list(range(geometry.shape[0])) if order is None else order
    with tempfile.TemporaryDirectory() as temporary:
        dataset = pydicom.dcmread(write_dicom_series(volume, temporary)[0])
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceThickness",
        "RescaleSlope",
        "RescaleIntercept",
        "RescaleType",
        "ConvolutionKernel",
    ):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    dataset.NumberOfFrames = len(order)

    measures, orientation, scale = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [geometry.spacing[1], geometry.spacing[0]]
    measures.SliceThickness = 1.0  # never to be taken for the spacing
    orientation.ImageOrientationPatient = [round(float(n), 12) for n in geometry.direction[:, :2].T.ravel()]
    scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = 1, -1024, "HU"
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([scale])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for z in order:
        place = Dataset()
        place.ImagePositionPatient = [round(float(n), 9) for n in geometry.to_patient((z, 0, 0))]
        frame = Dataset()
        frame.PlanePositionSequence = Sequence([place])
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.PixelData = (volume.array[order].astype(np.int32) + 1024).astype("<i2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)
    return path
