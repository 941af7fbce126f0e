"""The pixels of DICOM slices as Hounsfield units."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.utils import iter_pixels, pixel_array

from spinect_core.base.errors import ReadingError, SpinectError
from spinect_core.base.progress import Cancel, Progress, check
from spinect_core.base.reasons import times
from spinect_core.io.reading.dicom_codecs import DECODED, decoded_frames
from spinect_core.io.reading.dicom_elements import Elements, level_of
from spinect_core.io.reading.dicom_headers import Slice
from spinect_core.io.reading.dicom_values import padded
from spinect_core.io.reading.hounsfield import INT16, Joined
from spinect_core.io.reading.quiet import quiet_dicom
from spinect_core.io.reading.series import Finding
from spinect_core.io.reading.tissue import AIR

_SIZES = (
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
)
_COPY = "Copy the series again from its source, or have it exported again"
_REMEDY = "Copy the series again from its source, or have it exported without compression"


def read_pixels(
    slices: Sequence[Slice],
    source: str | Path,
    *,
    progress: Progress,
    cancel: Cancel | None,
    findings: list[Finding] | None = None,
) -> npt.NDArray[Any]:
    """HU [z, y, x] of slices of one size, in their order.

    Args:
        slices: the slices.
        source: what the user chose, for messages.
        progress: called with the part done.
        cancel: asked for every slice whether to stop.
        findings: what was noticed is added to it.

    Returns:
        Integers if all scales are whole numbers, else float32, with -1024 where a file says that there is no
        picture.

    Raises:
        ReadingError: a file's pixels are missing, cut off or cannot be decoded; it names the file and the compression.
    """
    whole = all(float(s.slope).is_integer() and float(s.intercept).is_integer() for s in slices)
    shape = (len(slices), slices[0].rows, slices[0].columns)
    array: npt.NDArray[Any] = np.empty(shape, dtype=np.int16 if whole else np.float32)
    files: dict[Path, list[int]] = {}
    for z, piece in enumerate(slices):
        files.setdefault(piece.file, []).append(z)
    longer: list[str] = []
    done = padding = 0
    at_edges = Joined(corners_only=False)
    for file, places in files.items():
        places.sort(key=lambda z: slices[z].frame)
        for z, stored in zip(
            places, _stored(file, [slices[z] for z in places], source, cancel, longer), strict=True
        ):
            check(cancel)
            piece = slices[z]
            if stored.shape != shape[1:]:
                raise ReadingError(
                    f"The picture in {piece.name} has {times(stored.shape)} pixels, its header says {times(shape[1:])}",
                    _REMEDY,
                    source,
                )
            values = _scaled(stored, piece, whole)
            outside = padded(values, stored, piece, at_edges)
            if outside is not None:
                values[outside] = AIR
                padding += int(np.count_nonzero(outside))
            if array.dtype == np.int16 and not INT16.min <= values.min() <= values.max() <= INT16.max:
                array = array.astype(np.int64)  # nothing in a body is so far off: what it is is judged later
            array[z] = values
            done += 1
            progress(done / len(slices), f"Reading slice {done} of {len(slices)}")
    if findings is not None:
        findings += _noticed(longer, padding)
    return array


def _noticed(longer: list[str], padding: int) -> list[Finding]:
    """What there is to say of pixels that were read."""
    findings = []
    if longer:
        text = (
            f"{len(longer)} file(s) hold more pixel data than their headers say; what is beyond was dropped"
        )
        findings.append(Finding(text, tuple(longer)))
    if padding:
        findings.append(Finding(f"{padding} voxels of padding (PixelPaddingValue) were made air ({AIR} HU)"))
    return findings


def _scaled(stored: npt.NDArray[Any], piece: Slice, whole: bool) -> npt.NDArray[Any]:
    """HU of a picture [y, x], before padding is looked for."""
    if whole:
        return stored.astype(np.int64) * int(piece.slope) + int(piece.intercept)
    return stored.astype(np.float64) * piece.slope + piece.intercept


@dataclass(frozen=True)
class Digest:
    """What a picture shows, in short.

    Attributes:
        content: a text that is the same for the same HU, however they are packed and scaled. Empty if the picture
            cannot be read: a damaged file is no copy, and reading it later says what is wrong.
        highest: its highest HU. Where a program lost the sign of some values, 65536 is added to them; such a picture
            shows the same as one that kept it, and the other is the better one.
    """

    content: str = ""
    highest: float = 0.0


def picture_digests(slices: Sequence[Slice], cancel: Cancel | None = None) -> list[Digest]:
    """What each slice shows."""
    digests = [Digest()] * len(slices)
    files: dict[Path, list[int]] = {}
    for number, piece in enumerate(slices):
        files.setdefault(piece.file, []).append(number)
    for file, numbers in files.items():
        check(cancel)
        numbers.sort(key=lambda n: slices[n].frame)
        try:
            pictures = _stored(file, [slices[n] for n in numbers], file, cancel)
            for n, stored in zip(numbers, pictures, strict=True):
                digests[n] = _digest(stored, slices[n])
        except ReadingError:
            continue
    return digests


def _digest(stored: npt.NDArray[Any], piece: Slice) -> Digest:
    hounsfield = stored * piece.slope + piece.intercept
    content = np.rint((hounsfield % 65536) * 1000).astype("<i8").tobytes()
    return Digest(f"{stored.shape} {hashlib.sha256(content).hexdigest()}", float(hounsfield.max()))


def _stored(
    file: Path,
    wanted: list[Slice],
    source: str | Path,
    cancel: Cancel | None,
    longer: list[str] | None = None,
) -> Iterator[npt.NDArray[Any]]:
    """The stored values of the wanted frames of one file; its name goes to ``longer`` if something lies behind them."""
    syntax, compressed = "unknown compression", True
    try:
        with quiet_dicom():
            dataset = pydicom.dcmread(file, force=True)
            syntax = _prepare(dataset)
            compressed = bool(dataset.file_meta.TransferSyntaxUID.is_compressed)
            if _cut_to_length(dataset, file, source) and longer is not None:
                longer.append(file.name)
            if dataset.file_meta.TransferSyntaxUID in DECODED:
                pixels = decoded_frames(dataset, [max(s.frame, 0) for s in wanted], file, cancel)
            elif wanted[0].frame < 0:
                pixels = iter([pixel_array(dataset)])
            else:
                pixels = iter_pixels(dataset, indices=[s.frame for s in wanted])
        for _ in wanted:
            with quiet_dicom():
                frame = next(pixels)
            yield frame
    except SpinectError:
        raise
    except Exception as error:  # every decoder has its own exceptions
        lines = str(error).strip().splitlines() or ["no reason was given"]
        reason = next((line for line in lines if not line.endswith(":")), lines[0]).strip(". ")[:160]
        raise ReadingError(
            f"The picture in {file.name} cannot be decoded ({syntax}): {reason}",
            _REMEDY if compressed else _COPY,
            source,
        ) from error


def _prepare(dataset: FileDataset) -> str:
    """Fill in what old files leave out, and name the compression."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        implicit, little = dataset.original_encoding
        syntax = pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
        if not little:
            syntax = pydicom.uid.ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    elements = Elements((level_of(dataset),), dataset)
    sizes = {keyword: elements.integer(keyword) for keyword in _SIZES}
    sizes["BitsStored"] = sizes["BitsStored"] or sizes["BitsAllocated"]
    sizes["SamplesPerPixel"] = sizes["SamplesPerPixel"] or 1
    for keyword, value in sizes.items():
        if value is not None:
            dataset.pop(keyword, None)  # it may have the wrong type, which it would keep
            setattr(dataset, keyword, value)
    if "PhotometricInterpretation" not in dataset:
        dataset.PhotometricInterpretation = "MONOCHROME2"
    return str(syntax.name)


def _cut_to_length(dataset: Dataset, file: Path, source: str | Path) -> bool:
    """Drop what lies behind the last pixel, as archives fill blocks of bytes; whether there was something worth a word.

    Raises:
        ReadingError: there are too few pixels; or too many, and not filling, for then the header belongs to another
            picture.
    """
    if "PixelData" not in dataset:
        raise ValueError("there is no pixel data in the file")
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        return False
    expected = int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8
    expected *= int(dataset.get("NumberOfFrames") or 1)
    content = bytes(dataset.PixelData)
    behind = content[expected:]
    filled = not behind.strip(b"\0") or not behind.strip(b"\xff")
    if len(content) < expected or (not filled and len(behind) > max(2, int(dataset.Columns))):
        raise ReadingError(
            f"The picture in {file.name} has {len(content)} bytes of pixels, the header says {expected} (Rows "
            f"{dataset.Rows}, Columns {dataset.Columns}, BitsAllocated {dataset.BitsAllocated})",
            "Copy the file again from its source: it was cut off, or its header belongs to another picture",
            source,
        )
    if behind:
        dataset.PixelData = content[:expected]
    return len(behind) > 1
