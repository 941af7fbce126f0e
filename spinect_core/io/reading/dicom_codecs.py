"""Compressed pictures of DICOM files, decoded by the GDCM that comes inside SimpleITK, in a process that may die."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
from pydicom import uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame

from spinect_core.base.progress import Cancel
from spinect_core.base.scratch import scratch_folder
from spinect_core.io.reading.native_process import NativeError, native

JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
JPEG = (
    *(uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1),
    *(uid.JPEGLSLossless, uid.JPEGLSNearLossless),
)
DECODED = (*JPEG, *JPEG_2000)
"""Transfer syntaxes decoded here; pydicom itself reads run lengths and all that is not compressed."""

_START_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_CODESTREAM = b"\xff\x4f\xff\x51"
_LONGEST_WRAPPER = 4096
_MOST_BITS = 16


def decoded_frames(
    dataset: Dataset, indices: Sequence[int], source: str | Path, cancel: Cancel | None = None
) -> Iterator[npt.NDArray[Any]]:
    """The stored values of some pictures of a compressed file, before any rescaling.

    Args:
        dataset: of one of the transfer syntaxes ``DECODED``, one sample a pixel.
        indices: which pictures, from 0.
        source: what to call the file in messages.
        cancel: asked often whether to stop.

    Yields:
        A picture [y, x] of the integer type that its header asks for.

    Raises:
        ValueError: the compressed picture is of another size or kind than the header says, or there is none.
        RuntimeError: it is damaged or cut off.
        ReadingError: it ended the process that decodes, or took too long.
        Cancelled: the user stopped it.
    """
    offsets = None
    if "ExtendedOffsetTable" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    with scratch_folder() as folder:
        path = folder / "frame.dcm"
        for index in indices:
            frame = get_frame(
                dataset.PixelData,
                index,
                number_of_frames=int(dataset.get("NumberOfFrames") or 1),
                extended_offsets=offsets,
            )
            _check(frame, dataset)
            _alone(frame, dataset).save_as(path, enforce_file_format=True)
            try:
                answer = native.read(path, "GDCMImageIO", _decoded_bytes(dataset), source, cancel)
            except NativeError as error:  # its text names a place in memory, and no cause
                raise RuntimeError("the compressed picture is damaged or cut off") from error
            yield answer.array.reshape(answer.array.shape[-2:])


def _alone(frame: bytes, dataset: Dataset) -> FileDataset:
    """A file of this one picture, with nothing in it that says how to rescale it or whose it is."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = uid.UID(f"{uid.PYDICOM_ROOT_UID}1")
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    alone = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    alone.SOPClassUID, alone.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation"):
        setattr(alone, keyword, int(dataset[keyword].value))
    alone.HighBit = alone.BitsStored - 1
    alone.SamplesPerPixel, alone.PhotometricInterpretation = 1, "MONOCHROME2"
    alone.PixelData = encapsulate([frame])
    alone["PixelData"].is_undefined_length = True
    return alone


def _decoded_bytes(dataset: Dataset) -> int:
    return int(dataset.Rows) * int(dataset.Columns) * (1 if int(dataset.BitsAllocated) <= 8 else 2)


def _check(frame: bytes, dataset: Dataset) -> None:
    """What the compressed picture says of itself has to fit: a decoder led by a damaged byte may end the process."""
    described = _describe_jpeg_2000 if dataset.file_meta.TransferSyntaxUID in JPEG_2000 else _describe_jpeg
    columns, rows, samples, bits = described(frame)
    if (columns, rows) != (dataset.Columns, dataset.Rows):
        raise ValueError(
            f"the compressed picture has {rows} x {columns} pixels, the header says {dataset.Rows} x {dataset.Columns}"
        )
    if samples != 1:
        raise ValueError(f"the compressed picture has {samples} samples a pixel")
    if not 2 <= bits <= _MOST_BITS:
        raise ValueError(f"the compressed picture has {bits} bits a pixel")


def _describe_jpeg(frame: bytes) -> tuple[int, int, int, int]:
    """Columns, rows, samples a pixel and bits of a JPEG or JPEG-LS picture, from its frame header."""
    place = 2
    while frame[:2] == b"\xff\xd8" and place + 4 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker in _START_OF_FRAME and place + 10 <= len(frame):
            rows, columns = (int.from_bytes(frame[place + at : place + at + 2], "big") for at in (5, 7))
            return columns, rows, frame[place + 9], frame[place + 4]
        if marker == _START_OF_SCAN:
            break
        # Any number of 0xFF may stand before a marker.
        place += 1 if marker == 0xFF else 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    raise ValueError("the compressed picture has no frame header")


def _describe_jpeg_2000(frame: bytes) -> tuple[int, int, int, int]:
    """Columns, rows, samples a pixel and bits of a JPEG 2000 picture, from its size marker."""
    # Some programs put the header of a JP2 file before it.
    start = frame.find(_CODESTREAM, 0, _LONGEST_WRAPPER)
    size = frame[start + 8 : start + 45]
    if start < 0 or len(size) < 37:
        raise ValueError("the compressed picture has no size marker")
    right, lower, left, upper = (int.from_bytes(size[at : at + 4], "big") for at in range(0, 16, 4))
    return right - left, lower - upper, int.from_bytes(size[32:34], "big"), (size[34] & 0x7F) + 1
