"""Volumes and labels on disk: NIfTI, NRRD, MetaImage and DICOM series.

Everything is written through Python's own files, so that any letter may stand in a path, and to a temporary file first,
so that a half-written file never carries the final name. The same volume gives the same bytes everywhere.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import OutputError
from spinect_core.base.files import whole_file
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import BONE, CLASS_NAMES, NERVE, Geometry, Labels, Volume

INT16 = np.iinfo(np.int16)
VOLUME_COMPRESSION = 1
"""On CT, whose last bits are noise, higher levels cost four times the time and save 1 % of the space."""
LABEL_COMPRESSION = 6
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
SLICER_SUFFIX = ".seg.nrrd"
NAMES: Mapping[int, str] = {BONE: CLASS_NAMES[BONE], NERVE: CLASS_NAMES[NERVE]}
COLOURS: Mapping[int, tuple[int, int, int]] = {BONE: (236, 226, 203), NERVE: (245, 196, 48)}
"""RGB in which a viewer is asked to show labels: those of the program's own pictures."""
_SLICER = {BONE: (COLOURS[BONE], "272673000", "Bone"), NERVE: (COLOURS[NERVE], "91728009", "Nerve")}
"""Colour, and code and meaning in SNOMED CT."""
_TERMINOLOGY = (
    "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical "
    "Structure~SCT^{code}^{meaning}~^^~Anatomic codes - DICOM master list~^^~^^|"
)


def write_volume(volume: Volume, path: str | Path) -> Path:
    """Write HU as int16.

    Args:
        volume: the CT; values are rounded and cut to the range of int16.
        path: ends in .nii, .nii.gz, .nrrd or .mha; folders are made, an existing file is replaced at once.

    Returns:
        The path.

    Raises:
        OutputError: unknown ending, values that are not finite, or the disk refused.
    """
    return _write_array(_to_int16(volume.array, path), volume.geometry, Path(path))


def write_labels(labels: Labels, path: str | Path, names: Mapping[int, str] = NAMES) -> Path:
    """Write labels as uint8.

    Args:
        labels: 0 background, 1 bone, 2 nerve.
        path: as for :func:`write_volume`; under a name that ends in .seg.nrrd, 3D Slicer opens it as a segmentation
            with names and colours.
        names: of the numbers, for such a file; those of bone and nerve if not given.

    Returns:
        The path.

    Raises:
        OutputError: unknown ending, or the disk refused.

    Examples:
        >>> labels = read_labels("assets/demo/labels.nii.gz")
        >>> path = write_labels(labels, "labels.nrrd")
        >>> read_labels(path).geometry.same_grid(labels.geometry)
        True
    """
    path, array = Path(path), np.ascontiguousarray(labels.array, dtype=np.uint8)
    keys = _slicer_keys(array, names) if path.name.lower().endswith(SLICER_SUFFIX) else []
    return _write_array(array, labels.geometry, path, keys)


def write_nrrd(stream: BinaryIO, content: Volume | Labels) -> None:
    """Write a CT as NRRD, or bone and nerve as the segmentation that :func:`write_labels` writes for 3D Slicer.

    Args:
        stream: what the bytes are written to.
        content: HU are rounded and cut to the range of int16.

    Raises:
        OutputError: values that are not finite.
    """
    if isinstance(content, Volume):
        array: npt.NDArray[Any] = _to_int16(content.array, "CT")
        keys, level = [], VOLUME_COMPRESSION
    else:
        array = np.ascontiguousarray(content.array, dtype=np.uint8)
        keys, level = _slicer_keys(array, NAMES), LABEL_COMPRESSION
    _to_nrrd(stream, array.astype(array.dtype.newbyteorder("<"), copy=False), content.geometry, keys, level)


def write_dicom_series(
    volume: Volume, folder: str | Path, *, further: Mapping[str, object] | None = None
) -> list[Path]:
    """Write a CT Image Storage series, one file for each slice of the array's first axis.

    The identifiers follow from the content, the patient's data stay empty or say SPINECT.

    Args:
        volume: the CT; any orientation; values are rounded and cut to the range of int16.
        folder: made if it is not there; files of the same names in it are replaced.
        further: elements that every slice gets as well, by keyword.

    Returns:
        The files in the order of the slices.

    Raises:
        OutputError: values that are not finite, or the disk refused.
    """
    geometry = volume.geometry
    positions = geometry.to_patient([(z, 0, 0) for z in range(geometry.shape[0])])
    thickness = float(volume.details.get("slice_mm", geometry.spacing[2]))
    return write_dicom_slices(
        volume.array,
        positions,
        geometry.direction[:, :2].T,
        geometry.spacing[:2],
        Path(folder),
        name=volume.name,
        kernel=str(volume.details.get("kernel", "")),
        thickness=thickness,
        further=further,
    )


def write_dicom_slices(
    values: npt.NDArray[Any],
    positions: FloatArray,
    axes: FloatArray,
    pixel_mm: tuple[float, ...],
    folder: Path,
    *,
    name: str,
    kernel: str,
    thickness: float,
    tilt: float | None = None,
    further: Mapping[str, object] | None = None,
) -> list[Path]:
    """Write slices that need not form a volume, such as those of a leaning gantry, as a CT Image Storage series.

    Args:
        values: HU [n, row, column]; rounded and cut to the range of int16.
        positions: (n, 3) LPS mm of the centre of each slice's first pixel.
        axes: (2, 3) unit LPS vectors along the columns' and the rows' index.
        pixel_mm: (x, y).
        folder: made if it is not there; files of the same names in it are replaced.
        name: of the series.
        kernel: of the reconstruction; may be empty.
        thickness: mm of a slice.
        tilt: degrees that the gantry leans; the patient then lies on the back, head first. None: not stated.
        further: elements that every slice gets as well, by keyword.

    Returns:
        The files in the order of the slices.

    Raises:
        OutputError: values that are not finite, or the disk refused.
    """
    array = _to_int16(values, folder)
    place = [*pixel_mm, *positions[:2].ravel().tolist(), *axes.ravel().tolist()]
    content = hashlib.sha256(array.tobytes() + repr(place).encode()).hexdigest()
    study, series, frame = (
        generate_uid(entropy_srcs=[content, part]) for part in ("study", "series", "frame")
    )
    paths: list[Path] = []
    for number, (picture, position) in enumerate(zip(array, positions, strict=True), 1):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[content, str(number - 1)])
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        _describe(dataset, name, kernel)
        if tilt is not None:
            dataset.PatientPosition, dataset.GantryDetectorTilt = "HFS", _decimal(tilt)
        for keyword, value in (further or {}).items():
            setattr(dataset, keyword, value)
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = (
            study,
            series,
            frame,
        )
        dataset.InstanceNumber = number
        dataset.ImageOrientationPatient = [_decimal(n) for n in axes.ravel()]
        dataset.ImagePositionPatient = [_decimal(n) for n in position]
        dataset.PixelSpacing = [_decimal(pixel_mm[1]), _decimal(pixel_mm[0])]
        dataset.SliceThickness = _decimal(thickness)
        dataset.Rows, dataset.Columns = picture.shape
        dataset.PixelData = picture.astype("<i2").tobytes()
        paths.append(folder / f"slice_{number:04d}.dcm")
        with whole_file(paths[-1]) as stream:
            dataset.save_as(stream, enforce_file_format=True)
    return paths


def _describe(dataset: FileDataset, name: str, kernel: str) -> None:
    """The elements that are the same in every slice; those that the standard wants but that are unknown stay empty."""
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = CTImageStorage
    dataset.Modality = "CT"
    dataset.PatientName = dataset.PatientID = "SPINECT"
    dataset.Manufacturer = "SPINECT Planner"
    dataset.SeriesDescription = "".join(c for c in name if c.isprintable() and c != "\\")[:64] or "CT"
    dataset.ConvolutionKernel = kernel[:16]
    dataset.ImageComments = NOTICE
    for keyword in (
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "AccessionNumber",
        "ReferringPhysicianName",
        "AcquisitionNumber",
        "KVP",
        "PatientPosition",
        "Laterality",
        "PositionReferenceIndicator",
    ):
        setattr(dataset, keyword, None)
    dataset.SeriesNumber = 1
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "HU"


def _decimal(value: float) -> str:
    """A DICOM decimal string: at most 16 characters."""
    for digits in range(14, 0, -1):
        text = f"{float(value) + 0.0:.{digits}g}"
        if len(text) <= 16:
            return text
    return "0"


def _to_int16(array: npt.NDArray[Any], path: str | Path) -> npt.NDArray[np.int16]:
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise OutputError("The volume holds values that are not finite", "Nothing was written", path)
        array = np.rint(array)
    return np.asarray(np.clip(array, INT16.min, INT16.max), dtype=np.int16)


def _slicer_keys(array: npt.NDArray[np.uint8], names: Mapping[int, str]) -> list[str]:
    """What a .seg.nrrd says of its segments.

    https://slicer.readthedocs.io/en/latest/developer_guide/modules/segmentations.html
    """
    held = {int(number) for number in np.unique(array) if number} | set(names)
    boxes = ndimage.find_objects(array, max_label=max(held, default=0))
    lines = [
        "Segmentation_MasterRepresentation:=Binary labelmap",
        "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
        "Segmentation_ReferenceImageExtentOffset:=0 0 0",
    ]
    for place, number in enumerate(sorted(held)):
        name = names.get(number, f"label {number}")
        box = boxes[number - 1]
        extent = (
            [0, -1] * 3 if box is None else [n for part in box[::-1] for n in (part.start, part.stop - 1)]
        )
        facts = {
            "ID": f"label_{number}",
            "Name": name,
            "NameAutoGenerated": 0,
            "LabelValue": number,
            "Layer": 0,
            "Extent": " ".join(map(str, extent)),
        }
        if names is NAMES and number in _SLICER:
            colour, code, meaning = _SLICER[number]
            facts |= {
                "Color": " ".join(f"{part / 255:.6f}" for part in colour),
                "ColorAutoGenerated": 0,
                "Tags": _TERMINOLOGY.format(code=code, meaning=meaning),
            }
        lines += [f"Segment{place}_{key}:={value}" for key, value in facts.items()]
    return lines


def _write_array(array: npt.NDArray[Any], geometry: Geometry, path: Path, keys: Sequence[str] = ()) -> Path:
    name = path.name.lower()
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    level = LABEL_COMPRESSION if array.dtype == np.uint8 else VOLUME_COMPRESSION
    if name.endswith((".nii", ".nii.gz")):
        header = _nifti_header(array.dtype, geometry)

        def fill(stream: BinaryIO) -> None:
            if name.endswith(".gz"):
                _pack(stream, [header, *_pieces(array)], level)
            else:
                stream.writelines([header, *_pieces(array)])

    elif name.endswith(".nrrd"):

        def fill(stream: BinaryIO) -> None:
            _to_nrrd(stream, array, geometry, keys, level)

    elif name.endswith(".mha"):

        def fill(stream: BinaryIO) -> None:
            packer = zlib.compressobj(level)
            packed = [*(packer.compress(piece) for piece in _pieces(array)), packer.flush()]
            stream.write(_metaimage_header(array.dtype, geometry, sum(map(len, packed))))
            stream.writelines(packed)

    else:
        raise OutputError(
            f"Volumes are not written as {path.suffix or 'a file without ending'}",
            f"Choose a name that ends in {', '.join(VOLUME_SUFFIXES)}",
            path,
        )
    with whole_file(path) as stream:
        fill(stream)
    return path


def _to_nrrd(
    stream: BinaryIO, array: npt.NDArray[Any], geometry: Geometry, keys: Sequence[str], level: int
) -> None:
    stream.write(_nrrd_header(array.dtype, geometry, keys))
    _pack(stream, _pieces(array), level)


def _pieces(array: npt.NDArray[Any]) -> Iterator[bytes]:
    """The array slice by slice, so that no second copy of it is needed."""
    return (piece.tobytes() for piece in array)


def _pack(stream: BinaryIO, pieces: Iterable[bytes], level: int) -> None:
    """As gzip, without the time and the name that would make each file different."""
    with gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=stream, mtime=0) as packed:
        for piece in pieces:
            packed.write(piece)


def _nifti_header(dtype: np.dtype[Any], geometry: Geometry) -> bytes:
    """NIfTI-1 in one file: qform and sform say the same, in RAS."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ geometry.index_to_patient
    rotation = affine[:3, :3] / np.asarray(geometry.spacing)
    qfac = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation = rotation * [1.0, 1.0, qfac]
    quaternion = Rotation.from_matrix(rotation).as_quat(canonical=True)[:3]
    z, y, x = geometry.shape
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, x, y, z, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, {"int16": 4, "uint8": 2}[dtype.name], dtype.itemsize * 8)
    struct.pack_into("<8f", header, 76, qfac, *geometry.spacing, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, 1, 0)
    header[123] = 2  # millimetres
    struct.pack_into("<80s", header, 148, NOTICE.encode()[:79])
    struct.pack_into("<2h6f", header, 252, 1, 1, *quaternion, *affine[:3, 3])
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)


def _nrrd_header(dtype: np.dtype[Any], geometry: Geometry, keys: Sequence[str]) -> bytes:
    def vector(values: npt.ArrayLike) -> str:
        return "(" + ",".join(repr(float(v)) for v in np.asarray(values)) + ")"

    axes = geometry.index_to_patient[:3, :3].T
    z, y, x = geometry.shape
    lines = [
        "NRRD0005",
        f"# {NOTICE}",
        f"type: {dtype.name}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {x} {y} {z}",
        f"space directions: {' '.join(vector(axis) for axis in axes)}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {vector(geometry.origin)}",
        *keys,
    ]
    return ("\n".join(lines) + "\n\n").encode()


def _metaimage_header(dtype: np.dtype[Any], geometry: Geometry, packed: int) -> bytes:
    def numbers(values: npt.ArrayLike) -> str:
        return " ".join(repr(float(v)) for v in np.asarray(values).ravel())

    z, y, x = geometry.shape
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        f"Comment = {NOTICE}",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {packed}",
        f"TransformMatrix = {numbers(geometry.direction.T)}",
        f"Offset = {numbers(geometry.origin)}",
        "CenterOfRotation = 0 0 0",
        f"ElementSpacing = {numbers(geometry.spacing)}",
        f"DimSize = {x} {y} {z}",
        f"ElementType = {({'int16': 'MET_SHORT', 'uint8': 'MET_UCHAR'})[dtype.name]}",
        "ElementDataFile = LOCAL",
    ]
    return ("\n".join(lines) + "\n").encode()
