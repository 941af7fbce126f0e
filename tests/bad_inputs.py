"""Everything that may be handed over instead of a CT, with the error it must give.

The core, the command line and the window are all tested against this one catalogue.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_maker import compress_series, direction_of, example_volume, make_enhanced, make_series
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.image.volume import Labels, Volume, to_sitk
from spinect_core.io.writing import write_labels, write_volume


@dataclass(frozen=True)
class BadInput:
    """One bad input.

    Attributes:
        make: makes it in an empty folder and returns the path to open; may skip where it cannot be made.
        error: exactly the class that must be raised.
        says: regular expression that the message must match.
    """

    make: Callable[[Path], Path]
    error: type[ReadingError]
    says: str


BAD_INPUTS: dict[str, BadInput] = {}


def bad(error: type[ReadingError], says: str) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    """Enter a maker into the catalogue under its own name."""

    def enter(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
        BAD_INPUTS[make.__name__] = BadInput(make, error, says)
        return make

    return enter


def _setting(**values: object) -> Callable[[Dataset, int], None]:
    """An edit that sets elements, or deletes those that are None."""

    def edit(dataset: Dataset, _: int) -> None:
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)

    return edit


def _shift(by: Callable[[int], tuple[float, float, float]]) -> Callable[[Dataset, int], None]:
    """An edit that moves slice z by some mm."""

    def edit(dataset: Dataset, z: int) -> None:
        moved = np.add([float(n) for n in dataset.ImagePositionPatient], by(z))
        dataset.ImagePositionPatient = [f"{n:.6g}" for n in moved]

    return edit


# ------------------------------------------------------------------------------------------------------ paths, folders


@bad(ReadingError, "no such file or folder")
def missing_path(folder: Path) -> Path:
    return folder / "not there"


@bad(ReadingError, r"(?i)cannot be opened|no such file")
def path_too_long(folder: Path) -> Path:
    return folder / ("x" * 5000)


@bad(ReadingError, r"(?i)cannot be opened|no such file")
def path_through_a_file(folder: Path) -> Path:
    (folder / "note.txt").write_text("text")
    return folder / "note.txt" / "ct"


@bad(ReadingError, r"cannot be (read|opened) \(")
def unreadable_folder(folder: Path) -> Path:
    locked = make_series(folder / "locked")
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        locked.chmod(0o700)
        pytest.skip("nothing is locked for this user")
    return locked


@bad(ReadingError, "folder is empty")
def empty_folder(folder: Path) -> Path:
    (folder / "empty" / "deep").mkdir(parents=True)
    return folder / "empty"


@bad(ReadingError, r"None of the 2 file\(s\) is a DICOM file")
def folder_of_text(folder: Path) -> Path:
    (folder / "a.txt").write_text("text " * 100)
    (folder / "b.dcm").write_text("text " * 100)
    return folder


@bad(ReadingError, "file is empty")
def empty_file(folder: Path) -> Path:
    (folder / "ct.dcm").write_bytes(b"")
    return folder / "ct.dcm"


@bad(ReadingError, "neither a DICOM file nor another CT format")
def text_called_dcm(folder: Path) -> Path:
    (folder / "ct.dcm").write_text("This is a letter. " * 50)
    return folder / "ct.dcm"


@bad(ReadingError, "neither a DICOM file nor another CT format")
def photograph(folder: Path) -> Path:
    (folder / "ct.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300))
    return folder / "ct.png"


# -------------------------------------------------------------------------------------------------------------- DICOM


@bad(ReadingError, r"slice_0004\.dcm has \d+ bytes of pixels, the header says \d+ \(Rows 12, Columns 10")
def dicom_cut_off_in_the_pixels(folder: Path) -> Path:
    path = make_series(folder / "ct") / "slice_0004.dcm"
    path.write_bytes(path.read_bytes()[:-100])
    return path.parent


@bad(ReadingError, r"No file can be used|can be used")
def dicom_cut_off_in_the_header(folder: Path) -> Path:
    for path in make_series(folder / "ct").iterdir():
        path.write_bytes(path.read_bytes()[:300])
    return folder / "ct"


@bad(ReadingError, r"can be used|neither|cannot be used")
def noise_after_the_dicom_mark(folder: Path) -> Path:
    noise = np.random.default_rng(1).integers(0, 256, 4000, dtype=np.uint8).tobytes()
    (folder / "ct.dcm").write_bytes(bytes(128) + b"DICM" + noise)
    return folder / "ct.dcm"


@bad(ReadingError, "modality MR, not CT")
def magnetic_resonance(folder: Path) -> Path:
    return make_series(folder / "mr", edit=_setting(Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4"))


@bad(ReadingError, "modality SEG, not CT")
def segmentation_object(folder: Path) -> Path:
    edit = _setting(Modality="SEG", SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4")
    return make_series(folder / "seg", edit=edit) / "slice_0001.dcm"


@bad(SpatialError, r"only one slice \(slice_0003\.dcm\)")
def one_slice(folder: Path) -> Path:
    return make_series(folder / "ct", keep=lambda z: z == 2) / "slice_0003.dcm"


@bad(SpatialError, "only 2 slices")
def two_slices(folder: Path) -> Path:
    return make_series(folder / "ct", keep=lambda z: z < 2)


@bad(
    SpatialError,
    r"2 slice\(s\) are missing: between slice_0003\.dcm and slice_0006\.dcm lie 7\.50 mm, elsewhere 2\.50 mm",
)
def missing_middle_slices(folder: Path) -> Path:
    return make_series(folder / "ct", keep=lambda z: z not in (3, 4))


@bad(
    SpatialError,
    r"unevenly spaced: 2\.50 mm .*slice_0005\.dcm and slice_0006\.dcm|unevenly spaced: 2\.50 mm.* 3\.50 mm between",
)
def uneven_spacing(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_shift(lambda z: (0, 0, 1.0 if z >= 5 else 0)))


@bad(SpatialError, "unevenly spaced")
def spacing_that_grows(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_shift(lambda z: (0, 0, 0.1 * z * z)))


@bad(SpatialError, r"gantry was tilted: .*slice_0001\.dcm to slice_0008\.dcm .* 15\.0 degrees")
def gantry_tilt(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_shift(lambda z: (0, 2.5 * z * np.tan(np.radians(15)), 0)))


@bad(SpatialError, r"slice_0004\.dcm lies 5\.0 mm beside")
def one_slice_beside_the_others(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_shift(lambda z: (5.0 if z == 3 else 0, 0, 0)))


@bad(SpatialError, r"1 pair\(s\) of different slices lie in the same place \(.*slice_0004")
def duplicates_with_different_pixels(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_shift(lambda z: (0, 0, 2.5 if z == 3 else 0)))


@bad(SpatialError, r"different sizes: 10 x 12 pixels in 7 files.*slice_0005\.dcm")
def mixed_sizes(folder: Path) -> Path:
    def edit(dataset: Dataset, z: int) -> None:
        if z == 4:
            dataset.Rows, dataset.Columns = 10, 12

    return make_series(folder / "ct", edit=edit)


@bad(SpatialError, r"different pixel spacings: 4\.5 x 4\.8 mm.*slice_0005\.dcm")
def mixed_pixel_spacings(folder: Path) -> Path:
    def edit(dataset: Dataset, z: int) -> None:
        if z == 4:
            dataset.PixelSpacing = [1, 1]

    return make_series(folder / "ct", edit=edit)


@bad(SpatialError, r"only one slice .*its pictures are of 8 orientations")
def every_slice_turned_differently(folder: Path) -> Path:
    def edit(dataset: Dataset, z: int) -> None:
        a = np.radians(10 * z)
        dataset.ImageOrientationPatient = [1, 0, 0, 0, f"{np.cos(a):.8f}", f"{np.sin(a):.8f}"]

    return make_series(folder / "ct", edit=edit)


@bad(SpatialError, r"left out: no position \(ImagePositionPatient\) \(slice_0001\.dcm")
def no_positions(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(ImagePositionPatient=None))


@bad(SpatialError, r"missing: between slice_0004\.dcm and slice_0006\.dcm.*unusable: slice_0005\.dcm")
def one_slice_without_a_position(folder: Path) -> Path:
    def edit(dataset: Dataset, z: int) -> None:
        if z == 4:
            del dataset.ImagePositionPatient

    return make_series(folder / "ct", edit=edit)


@bad(SpatialError, r"no orientation \(ImageOrientationPatient\)")
def no_orientations(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(ImageOrientationPatient=None))


@bad(SpatialError, "unit vectors")
def orientation_that_is_none(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(ImageOrientationPatient=[0, 0, 0, 0, 0, 0]))


@bad(SpatialError, "right angles")
def rows_and_columns_askew(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(ImageOrientationPatient=[1, 0, 0, "0.6", "0.8", 0]))


@bad(SpatialError, r"\(PixelSpacing\) 0 x 0 mm is not positive")
def zero_pixel_spacing(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(PixelSpacing=[0, 0]))


@bad(SpatialError, r"\(PixelSpacing\) -4.8 x -4.5 mm is not positive")
def negative_pixel_spacing(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(PixelSpacing=["-4.8", "-4.5"]))


@bad(SpatialError, r"no pixel spacing \(PixelSpacing\)")
def no_pixel_spacing(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(PixelSpacing=None))


@bad(ReadingError, r"bytes of pixels, the header says")
def bits_that_do_not_fit_the_pixels(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(BitsAllocated=8, BitsStored=8, HighBit=7))


@bad(SpatialError, "BitsStored 32 does not fit into BitsAllocated 16")
def more_bits_stored_than_allocated(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(BitsStored=32, HighBit=31))


@bad(SpatialError, "RescaleSlope is 0")
def zero_rescale_slope(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(RescaleSlope=0))


@bad(SpatialError, "a colour picture")
def colour_dicom(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(SamplesPerPixel=3, PhotometricInterpretation="RGB"))


@bad(ReadingError, r"cannot be decoded \(1\.2\.3\.4\.5")
def unknown_transfer_syntax(folder: Path) -> Path:
    for path in make_series(folder / "ct").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = "1.2.3.4.5"
        dataset.save_as(path, implicit_vr=False, little_endian=True)
    return folder / "ct"


@bad(ReadingError, r"cannot be decoded \(RLE Lossless\)")
def broken_compression(folder: Path) -> Path:
    path = compress_series(make_series(folder / "ct"), RLELossless) / "slice_0002.dcm"
    dataset = pydicom.dcmread(path)
    dataset.PixelData = dataset.PixelData[:24] + b"\xff" * (len(dataset.PixelData) - 24)
    dataset.save_as(path)
    return folder / "ct"


@bad(ReadingError, "no pixel data")
def no_pixel_data(folder: Path) -> Path:
    return make_series(folder / "ct", edit=_setting(PixelData=None))


@bad(SpatialError, "localizer")
def localizer_only(folder: Path) -> Path:
    volume = example_volume(direction=direction_of(((0, 1), (2, -1), (1, 1))))
    return make_series(folder / "ct", volume, edit=_setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))


@bad(SpatialError, "several pictures in one file without a position")
def multiframe_without_positions(folder: Path) -> Path:
    path = make_enhanced(folder / "ct.dcm")
    dataset = pydicom.dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence
    dataset.save_as(path)
    return path


@bad(SpatialError, r"1 slice\(s\) are missing: between ct\.dcm frame 3 and ct\.dcm frame 4")
def multiframe_with_a_missing_frame(folder: Path) -> Path:
    return make_enhanced(folder / "ct.dcm", order=[0, 1, 2, 4, 5, 6, 7])


@bad(ReadingError, "All voxels have the same value")
def constant_dicom(folder: Path) -> Path:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.PixelData = bytes(len(dataset.PixelData))

    return make_series(folder / "ct", edit=edit)


@bad(ReadingError, "2 CT series that could be meant.*Choose one of")
def two_equal_series(folder: Path) -> Path:
    make_series(folder / "ct" / "a")
    edit = _setting(SeriesInstanceUID="1.2.3")
    make_series(folder / "ct" / "b", example_volume(name="Other"), edit=edit)
    return folder / "ct"


# ---------------------------------------------------------------------------------------------------------------- zip


def _zip_of_series(folder: Path) -> Path:
    series = make_series(folder / "ct")
    with zipfile.ZipFile(folder / "ct.zip", "w") as archive:
        for path in sorted(series.iterdir()):
            archive.write(path, f"ct/{path.name}")
    return folder / "ct.zip"


@bad(ReadingError, "archive is damaged or only partly copied")
def truncated_zip(folder: Path) -> Path:
    path = _zip_of_series(folder)
    path.write_bytes(path.read_bytes()[:-700])
    return path


@bad(ReadingError, "archive is damaged .*CRC")
def zip_with_a_flipped_bit(folder: Path) -> Path:
    path = _zip_of_series(folder)
    content = bytearray(path.read_bytes())
    content[600] ^= 1
    path.write_bytes(content)
    return path


@bad(ReadingError, "claims to hold .* more than any CT does")
def zip_bomb(folder: Path) -> Path:
    path = folder / "ct.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ct.dcm", bytes(1 << 20))
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rindex(b"PK\x01\x02") + 24, 0xF0000000)
    path.write_bytes(content)
    return path


@bad(ReadingError, r"write outside of its folder \(\.\./\.\./evil\.dcm\)")
def zip_with_traversal(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "ct.zip", "w") as archive:
        archive.writestr("../../evil.dcm", b"x")
    return folder / "ct.zip"


@bad(ReadingError, "protected by a password")
def encrypted_zip(folder: Path) -> Path:
    path = _zip_of_series(folder)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    return path


@bad(ReadingError, "archive holds no file")
def empty_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "ct.zip", "w"):
        pass
    return folder / "ct.zip"


@bad(ReadingError, "None of the 1 file")
def zip_of_text(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "ct.zip", "w") as archive:
        archive.writestr("letter.txt", "text " * 100)
    return folder / "ct.zip"


# -------------------------------------------------------------------------------------------- NIfTI, NRRD, MetaImage


def _nifti(
    folder: Path, array: np.ndarray, affine: np.ndarray | None = None, name: str = "ct.nii.gz"
) -> Path:
    nib.save(
        nib.Nifti1Image(array, np.diag([5.0, 5.0, 5.0, 1.0]) if affine is None else affine), folder / name
    )
    return folder / name


def _patched_nifti(folder: Path, offset: int, kind: str, *values: float) -> Path:
    path = write_volume(example_volume(), folder / "ct.nii")
    content = bytearray(path.read_bytes())
    struct.pack_into(kind, content, offset, *values)
    path.write_bytes(content)
    return path


@bad(ReadingError, r"breaks off or is damaged|ends after")
def truncated_nifti_gz(folder: Path) -> Path:
    path = write_volume(example_volume(), folder / "ct.nii.gz")
    path.write_bytes(path.read_bytes()[:-500])
    return path


@bad(ReadingError, r"ends after \d+ of 1920 bytes")
def truncated_nifti(folder: Path) -> Path:
    path = write_volume(example_volume(), folder / "ct.nii")
    path.write_bytes(path.read_bytes()[:-500])
    return path


@bad(ReadingError, r"breaks off or is damaged \(CRC")
def nifti_gz_with_a_wrong_checksum(folder: Path) -> Path:
    path = write_volume(example_volume(), folder / "ct.nii.gz")
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    return path


@bad(ReadingError, "3 of 960 voxels are not finite")
def nan_in_nifti(folder: Path) -> Path:
    array = example_volume().array.T.astype(np.float32)
    array[0, 0, :2] = np.nan
    array[1, 1, 1] = np.inf
    return _nifti(folder, array)


@bad(ReadingError, r"holds 4 dimensions \(10 x 12 x 8 x 2\)")
def four_dimensional_nifti(folder: Path) -> Path:
    array = example_volume().array.T
    return _nifti(folder, np.stack([array, array], axis=-1))


@bad(ReadingError, "one picture")
def two_dimensional_nifti(folder: Path) -> Path:
    return _nifti(folder, example_volume().array[0])


@bad(ReadingError, r"only 2 voxel\(s\) along one axis")
def nifti_of_two_slices(folder: Path) -> Path:
    return _nifti(folder, example_volume().array[:2].T)


@bad(SpatialError, "spacing .* is not positive")
def zero_spacing_in_nifti(folder: Path) -> Path:
    return _patched_nifti(folder, 88, "<f", 0.0)


@bad(SpatialError, "does not say how the patient lies")
def nifti_without_orientation(folder: Path) -> Path:
    return _patched_nifti(folder, 252, "<2h", 0, 0)


@bad(SpatialError, "mirror images of each other")
def nifti_with_contradicting_sides(folder: Path) -> Path:
    return _patched_nifti(folder, 76, "<f", -1.0)


@bad(SpatialError, "right angles")
def sheared_nifti(folder: Path) -> Path:
    affine = np.eye(4)
    affine[0, 2] = 0.3
    image = nib.Nifti1Image(example_volume().array.T, None)
    image.set_sform(affine, code=1)
    image.header.set_qform(None, code=0)
    nib.save(image, folder / "ct.nii.gz")
    return folder / "ct.nii.gz"


@bad(SpatialError, "not finite|not positive")
def orientation_of_nans_in_nifti(folder: Path) -> Path:
    return _patched_nifti(folder, 280, "<f", np.nan)


@bad(ReadingError, "RGB colours")
def colours_in_nifti(folder: Path) -> Path:
    return _patched_nifti(folder, 70, "<2h", 128, 24)


@bad(ReadingError, "of volumes or of colours")
def colour_channels_in_nifti(folder: Path) -> Path:
    image = sitk.Compose([sitk.Cast(sitk.GetImageFromArray(example_volume().array), sitk.sitkUInt8)] * 3)
    sitk.WriteImage(image, str(folder / "ct.nii.gz"))
    return folder / "ct.nii.gz"


@bad(ReadingError, "complex numbers")
def complex_nifti(folder: Path) -> Path:
    return _nifti(folder, example_volume().array.T.astype(np.complex64))


@bad(ReadingError, "older ANALYZE format")
def analyze_called_nifti(folder: Path) -> Path:
    return _patched_nifti(folder, 344, "<4s", b"\0\0\0\0")


@bad(SpatialError, "the longest side is 40 to 3000 mm")
def nifti_of_impossible_size(folder: Path) -> Path:
    return _patched_nifti(folder, 42, "<3h", 32767, 32767, 32767)


@bad(ReadingError, "All voxels have the same value")
def constant_volume(folder: Path) -> Path:
    volume = example_volume()
    return write_volume(Volume(np.full_like(volume.array, -1024), volume.geometry), folder / "ct.nii.gz")


@bad(ReadingError, "labels or a picture, not Hounsfield units")
def labels_instead_of_ct(folder: Path) -> Path:
    volume = example_volume()
    return write_labels(
        Labels((volume.array % 3).astype(np.uint8), volume.geometry), folder / "labels.nii.gz"
    )


@bad(ReadingError, "labels or an 8-bit picture")
def wide_labels_instead_of_ct(folder: Path) -> Path:
    volume = example_volume()
    return write_volume(Volume(volume.array % np.int16(118), volume.geometry), folder / "labels.nrrd")


@bad(ReadingError, "no NIfTI file")
def text_called_nifti(folder: Path) -> Path:
    (folder / "ct.nii").write_text("This is a letter. " * 50)
    return folder / "ct.nii"


@bad(ReadingError, "no NIfTI file|cannot be read")
def dicom_called_nifti(folder: Path) -> Path:
    path = make_series(folder / "ct") / "slice_0001.dcm"
    return path.rename(folder / "ct.nii.gz")


@bad(ReadingError, "no NRRD file")
def text_called_nrrd(folder: Path) -> Path:
    (folder / "ct.nrrd").write_text("This is a letter. " * 50)
    return folder / "ct.nrrd"


@bad(ReadingError, "no MetaImage file")
def text_called_mha(folder: Path) -> Path:
    (folder / "ct.mha").write_text("This is a letter. " * 50)
    return folder / "ct.mha"


@bad(ReadingError, "holds 3 numbers")
def vectors_in_nrrd(folder: Path) -> Path:
    volume = example_volume()
    image = sitk.Compose([to_sitk(volume.array, volume.geometry)] * 3)
    sitk.WriteImage(image, str(folder / "field.nrrd"))
    return folder / "field.nrrd"


@bad(SpatialError, "does not say how the patient lies")
def nrrd_without_space(folder: Path) -> Path:
    path = write_volume(example_volume(), folder / "ct.nrrd")
    path.write_bytes(path.read_bytes().replace(b"space: left-posterior-superior\n", b"space dimension: 3\n"))
    return path


@bad(ReadingError, "voxels cannot be read")
def truncated_nrrd(folder: Path) -> Path:
    path = write_volume(example_volume(), folder / "ct.nrrd")
    path.write_bytes(path.read_bytes()[:-500])
    return path


@bad(ReadingError, r"file that holds the voxels, ct\.raw, is missing")
def header_without_its_data_file(folder: Path) -> Path:
    volume = example_volume()
    sitk.WriteImage(to_sitk(volume.array, volume.geometry), str(folder / "ct.mhd"))
    (folder / "ct.raw").unlink()
    return folder / "ct.mhd"


@bad(SpatialError, "spacing .* is not positive")
def zero_spacing_in_metaimage(folder: Path) -> Path:
    path = write_volume(example_volume(), folder / "ct.mha")
    path.write_bytes(
        path.read_bytes().replace(b"ElementSpacing = 4.5 4.8 2.5", b"ElementSpacing = 4.5 4.8 0.0")
    )
    return path


@bad(SpatialError, "does not say the voxel spacing")
def metaimage_without_spacing(folder: Path) -> Path:
    path = write_volume(example_volume(), folder / "ct.mha")
    path.write_bytes(path.read_bytes().replace(b"ElementSpacing = 4.5 4.8 2.5\n", b""))
    return path


@bad(ReadingError, r"ends after \d+ of \d+ bytes")
def truncated_metaimage(folder: Path) -> Path:
    path = write_volume(example_volume(), folder / "ct.mha")
    path.write_bytes(path.read_bytes()[:-500])
    return path
