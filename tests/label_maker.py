"""A small CT with bone, nerve and bowel drawn in it, and files of labels of every kind made from what was drawn."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import ReadOptions, read_ct
from spinect_core.io.writing import write_dicom_series

SHAPE = (16, 48, 52)
SPACING = (1.2, 1.3, 2.0)
ORIGIN = (-30.0, -20.0, -410.0)
BONE_HU, NERVE_HU, BOWEL_HU, FAT_HU = 500, 30, -900, -100


def drawn(direction: np.ndarray | None = None, shape: tuple[int, int, int] = SHAPE) -> Volume:
    """A CT in which bone, nerve and bowel differ by their density, none of them symmetrical."""
    grid = Geometry(shape, SPACING, ORIGIN, np.eye(3) if direction is None else direction)
    hu = np.full(shape, FAT_HU, np.int16)
    for name, mask in masks(shape).items():
        hu[mask] = {"bone": BONE_HU, "nerve": NERVE_HU, "bowel": BOWEL_HU}[name]
    return Volume(hu, grid, "drawn")


def masks(shape: tuple[int, int, int] = SHAPE) -> dict[str, np.ndarray]:
    """What is drawn, by name: bone with a hole, larger at one side; nerve that ends on the way."""
    z, y, x = np.indices(shape)
    ring = (abs(y - 26) < 13) & (abs(x - 22) < 14) & ~((abs(y - 27) < 5) & (abs(x - 20) < 6))
    spur = (abs(y - 20) < 4) & (x >= 36) & (x < 46) & (z > 5)
    return {
        "bone": (ring & (z > 1) & (z < 13)) | (spur & (z < 15)),
        "nerve": (abs(y - 27) < 3) & (abs(x - 20) < 4) & (z > 2) & (z < 11),
        "bowel": (y < 8) & (x > 30) & (x < 44) & (z > 3),
    }


def truth(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """0, 1 bone, 2 nerve."""
    of = masks(shape)
    return (of["bone"] + 2 * of["nerve"]).astype(np.uint8)


def as_dicom(volume: Volume, folder: Path) -> Volume:
    """The same CT, written as a series into a folder and read from it."""
    write_dicom_series(volume, folder)
    return read_ct(folder, options=ReadOptions(assume_hu=True))  # there is too little body to tell


def write_nifti(path: Path, array: np.ndarray, grid: Geometry) -> Path:
    """Numbers as NIfTI."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.index_to_patient
    nibabel.save(nibabel.Nifti1Image(np.asarray(array.T), affine), path)
    return path


def write_seg_nrrd(
    path: Path,
    layers: Sequence[np.ndarray],
    grid: Geometry,
    segments: Sequence[Mapping[str, Any]],
    further: Mapping[str, Any] | None = None,
) -> Path:
    """A .seg.nrrd as 3D Slicer writes it; each segment is its keys without their prefix."""
    z, y, x = grid.shape
    axes = [
        "(" + ",".join(repr(float(n)) for n in column) + ")" for column in grid.index_to_patient[:3, :3].T
    ]
    many = len(layers) > 1
    lines = [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "type: unsigned char",
        f"dimension: {4 if many else 3}",
        "space: left-posterior-superior",
        f"sizes: {f'{len(layers)} ' if many else ''}{x} {y} {z}",
        f"space directions: {'none ' if many else ''}{' '.join(axes)}",
        f"kinds: {'list ' if many else ''}domain domain domain",
        "encoding: gzip",
        "space origin: (" + ",".join(repr(float(n)) for n in grid.origin) + ")",
    ]
    for number, keys in enumerate(segments):
        lines += [f"Segment{number}_{key}:={value}" for key, value in keys.items()]
    lines += [f"{key}:={value}" for key, value in (further or {}).items()]
    array = np.stack(list(layers), axis=-1) if many else layers[0]
    path.write_bytes(
        ("\n".join(lines) + "\n\n").encode() + gzip.compress(array.astype(np.uint8).tobytes(), mtime=0)
    )
    return path


def described(number: int, label: str, code: Code | None = None) -> hd.seg.SegmentDescription:
    """A segment of a DICOM segmentation."""
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=code or Code("85756007", "SCT", "Tissue"),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )


def write_seg(
    path: Path,
    ct: Path,
    pixels: np.ndarray,
    segments: Sequence[hd.seg.SegmentDescription],
    kind: str = "BINARY",
    edit: Callable[[Dataset], None] | None = None,
    **more: Any,
) -> Path:
    """A DICOM segmentation on the slices of a series.

    Args:
        path: of the file.
        ct: folder of the series.
        pixels: as highdicom takes them: [z, y, x] of numbers, or [z, y, x, segment].
        segments: that are described.
        kind: BINARY, FRACTIONAL or LABELMAP.
        edit: changes the dataset before it is written.
        more: passed on to highdicom.
    """
    slices = [pydicom.dcmread(file) for file in sorted(ct.glob("*.dcm"))]
    for each in slices:
        each.PatientName = "Drawn^"  # highdicom asks for a name with two parts
    made = hd.seg.Segmentation(
        source_images=slices,
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues(kind),
        segment_descriptions=list(segments),
        series_instance_uid=hd.UID(),
        series_number=9,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="drawn",
        manufacturer_model_name="drawn",
        software_versions="1",
        device_serial_number="1",
        **more,
    )
    if edit is not None:
        edit(made)
    made.save_as(path)
    return path


def outline_of(mask: np.ndarray, grid: Geometry, z: int) -> list[np.ndarray]:
    """LPS mm outlines of a mask [y, x] in a slice, midway between voxels within and without."""
    from skimage.measure import find_contours

    found = []
    for each in find_contours(np.pad(mask, 1).astype(float), 0.5):
        index = np.column_stack([np.full(len(each) - 1, z), each[:-1] - 1])
        found.append(grid.to_patient(index))
    return found


def write_rtstruct(
    path: Path,
    ct: Path | None,
    rois: Sequence[tuple[str, str, Sequence[np.ndarray]]],
    edit: Callable[[Dataset], None] | None = None,
) -> Path:
    """An RTSTRUCT of structures: name, geometric type, and outlines (n, 3) in LPS mm."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    dataset.Modality, dataset.PatientName, dataset.PatientID = "RTSTRUCT", "Drawn^", "drawn"
    head = None if ct is None else pydicom.dcmread(min(ct.glob("*.dcm")), stop_before_pixels=True)
    frame = "" if head is None else str(head.FrameOfReferenceUID)
    if head is not None:
        series, study, reference = Dataset(), Dataset(), Dataset()
        series.SeriesInstanceUID = head.SeriesInstanceUID
        study.RTReferencedSeriesSequence = [series]
        reference.FrameOfReferenceUID = frame
        reference.RTReferencedStudySequence = [study]
        dataset.ReferencedFrameOfReferenceSequence = [reference]
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, kind, outlines) in enumerate(rois, start=1):
        roi, drawn_roi = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        drawn_roi.ReferencedROINumber, drawn_roi.ContourSequence = number, []
        for points in outlines:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
            contour.ContourData = [f"{value:.4f}" for value in np.ravel(points)]
            drawn_roi.ContourSequence.append(contour)
        dataset.StructureSetROISequence.append(roi)
        dataset.ROIContourSequence.append(drawn_roi)
    if edit is not None:
        edit(dataset)
    dataset.save_as(path, enforce_file_format=True)
    return path


def turned(volume: Volume, axes: Sequence[int], flips: Sequence[bool]) -> Volume:
    """The same CT with its array's axes in another order and sense: every voxel stays where it is in the patient."""
    grid = volume.geometry
    array = volume.array.transpose(axes)
    steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    columns = [2 - axis for axis in axes][::-1]
    corner = np.zeros(3)
    for axis, flip in zip(axes, flips, strict=True):
        corner[axis] = grid.shape[axis] - 1 if flip else 0
    sense = np.array([-1.0 if flip else 1.0 for flip in flips])[::-1]
    shape = tuple(grid.shape[axis] for axis in axes)
    spacing = tuple(grid.spacing[column] for column in columns)
    there = Geometry(
        shape,
        spacing,
        tuple(grid.to_patient(corner)),
        grid.direction[:, columns] * sense,  # type: ignore[arg-type]
    )
    return replace(volume, array=np.ascontiguousarray(array[steps]), geometry=there)
