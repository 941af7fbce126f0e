"""What is written is complete, valid, says nothing of a patient, and lies in the same place."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_maker import example_volume
from highdicom.spatial import get_series_volume_positions
from scipy.spatial.transform import Rotation

from spinect_core.base.errors import OutputError
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.reading import read_ct
from spinect_core.io.writing import write_dicom_series, write_labels, write_volume

OBLIQUE = Rotation.from_euler("xyz", [12, -7, 33], degrees=True).as_matrix()
ENDINGS = ["nii", "nii.gz", "nrrd", "mha"]


def test_float_hu_are_rounded_and_cut_to_int16(tmp_path: Path) -> None:
    volume = example_volume()
    array = volume.array.astype(np.float32) + 0.4
    array[0, 0, 0], array[0, 0, 1] = 1e6, -1e6
    path = write_volume(Volume(array, volume.geometry), tmp_path / "ct.nii.gz")
    written = np.asarray(nib.load(path).dataobj).T
    assert written.dtype == np.int16
    assert written[0, 0, 0] == 32767
    assert written[0, 0, 1] == -32768
    np.testing.assert_array_equal(written[1:], volume.array[1:])


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    volume = example_volume()
    array = volume.array.astype(np.float32)
    array[0, 0, 0] = np.nan
    for write, name in ((write_volume, "ct.nii.gz"), (write_dicom_series, "ct")):
        with pytest.raises(OutputError, match="not finite"):
            write(Volume(array, volume.geometry), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_labels_are_bytes_on_the_same_grid(tmp_path: Path, ending: str) -> None:
    volume = example_volume(direction=OBLIQUE)
    labels = Labels((volume.array % 3).astype(np.uint8), volume.geometry)
    image = sitk.ReadImage(str(write_labels(labels, tmp_path / f"labels.{ending}")))
    assert image.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), labels.array)
    np.testing.assert_allclose(
        image.TransformIndexToPhysicalPoint((9, 0, 7)), labels.geometry.to_patient((7, 0, 9)), atol=1e-3
    )


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)], ids=str)
def test_both_nifti_orientations_say_the_same(tmp_path: Path, flips: tuple[int, int, int]) -> None:
    path = write_volume(example_volume(direction=OBLIQUE @ np.diag(flips)), tmp_path / "ct.nii")
    image = nib.load(path)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-4)
    assert image.header["qform_code"] == image.header["sform_code"] == 1
    assert image.header.get_xyzt_units()[0] == "mm"


@pytest.mark.parametrize("ending", ENDINGS)
def test_same_volume_gives_same_bytes(tmp_path: Path, ending: str) -> None:
    first = write_volume(example_volume(), tmp_path / f"a.{ending}")
    second = write_volume(example_volume(), tmp_path / f"b.{ending}")
    assert first.read_bytes() == second.read_bytes()
    assert NOTICE.encode()[:40] in first.read_bytes() or ending == "nii.gz"


def test_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.nii, \.nii\.gz, \.nrrd, \.mha"):
        write_volume(example_volume(), tmp_path / "ct.tif")


def test_failed_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ct.nii.gz"
    write_volume(example_volume(), path)
    before = path.read_bytes()

    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(
        OutputError, match=r"ct\.nii\.gz: The file cannot be written \(No space left on device\)"
    ):
        write_volume(example_volume(shape=(4, 5, 6)), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["ct.nii.gz"]


def test_folders_are_made_and_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    assert write_volume(example_volume(), tmp_path / "neu" / "größe 脊椎" / "ct.nii.gz").is_file()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        write_volume(example_volume(), tmp_path / "file" / "ct.nii.gz")


@pytest.mark.parametrize(
    "direction",
    [np.eye(3), OBLIQUE, np.array([[0, 0, 1.0], [1, 0, 0], [0, -1, 0]]), np.diag([1.0, 1, -1])],
    ids=["axial", "oblique", "sagittal", "mirrored"],
)
def test_dicom_series_is_regular_for_others_too(tmp_path: Path, direction: np.ndarray) -> None:
    volume = example_volume(direction=direction)
    paths = write_dicom_series(volume, tmp_path / "Größe 脊椎")
    datasets = [pydicom.dcmread(p) for p in paths]
    spacing, order = get_series_volume_positions(datasets)
    assert spacing == pytest.approx(2.5)
    assert sorted(order) == list(range(8))
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path / "Größe 脊椎"))
    image = sitk.ReadImage(names)
    found = np.unravel_index(int(np.argmax(sitk.GetArrayFromImage(image))), image.GetSize()[::-1])
    marked = np.unravel_index(int(np.argmax(volume.array)), volume.array.shape)
    np.testing.assert_allclose(
        image.TransformIndexToPhysicalPoint([int(n) for n in found[::-1]]),
        volume.geometry.to_patient(marked),
        atol=1e-4,
    )


def test_dicom_series_has_what_the_standard_asks_for(tmp_path: Path) -> None:
    paths = write_dicom_series(example_volume(), tmp_path)
    assert [p.name for p in paths] == [f"slice_{n:04d}.dcm" for n in range(1, 9)]
    datasets = [pydicom.dcmread(p) for p in paths]
    first = datasets[0]
    # PS3.3 A.3.3: type 1 has a value, type 2 is present
    for keyword in [
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Modality",
        "FrameOfReferenceUID",
        "ImageType",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelSpacing",
        "ImageOrientationPatient",
        "ImagePositionPatient",
        "RescaleIntercept",
        "RescaleSlope",
        "PixelData",
    ]:
        assert first[keyword].value not in (None, ""), keyword
    for keyword in [
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyTime",
        "ReferringPhysicianName",
        "StudyID",
        "AccessionNumber",
        "SeriesNumber",
        "Manufacturer",
        "PositionReferenceIndicator",
        "InstanceNumber",
        "SliceThickness",
        "KVP",
        "AcquisitionNumber",
        "PatientPosition",
    ]:
        assert keyword in first, keyword
    assert len({d.SOPInstanceUID for d in datasets}) == 8
    assert len({d.SeriesInstanceUID for d in datasets}) == 1
    assert all(d.SOPInstanceUID == d.file_meta.MediaStorageSOPInstanceUID for d in datasets)
    assert first.ImageComments == NOTICE
    assert all(len(str(n)) <= 16 for n in [*first.ImagePositionPatient, *first.ImageOrientationPatient])


def test_dicom_series_is_the_same_every_time(tmp_path: Path) -> None:
    first = write_dicom_series(example_volume(), tmp_path / "a")
    second = write_dicom_series(example_volume(), tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_names_that_dicom_cannot_hold_are_shortened(tmp_path: Path) -> None:
    volume = example_volume()
    odd = Volume(volume.array, volume.geometry, "a\\b\n" + "ü" * 100)
    write_dicom_series(odd, tmp_path)
    assert read_ct(tmp_path).name == ("ab" + "ü" * 62)


def test_tiny_and_huge_numbers_fit_into_dicom(tmp_path: Path) -> None:
    geometry = Geometry((3, 80, 5), (1 / 3, 2 / 3, 1.25), (-1234.56789012345, 1e-9, -0.1 / 3), OBLIQUE)
    array = example_volume(shape=(3, 80, 5)).array
    write_dicom_series(Volume(array, geometry), tmp_path)
    assert read_ct(tmp_path).geometry.same_grid(geometry, 1e-6)
