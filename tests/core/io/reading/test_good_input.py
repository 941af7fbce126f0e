"""Every format, compression and orientation gives the same HU at the same place in the patient."""

from __future__ import annotations

import shutil
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_maker import (
    AXES_48,
    compress_series,
    direction_of,
    example_volume,
    make_enhanced,
    make_series,
    mark_point,
    set_uids,
)
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from scipy.spatial.transform import Rotation

from spinect_core.base.errors import Cancelled, ReadingError
from spinect_core.image.volume import Geometry, Labels, Volume, to_sitk
from spinect_core.io.reading import list_series, read_ct, read_labels, read_series
from spinect_core.io.reading.native_process import Answer, native
from spinect_core.io.writing import write_labels, write_volume

OBLIQUE = Rotation.from_euler("xyz", [12, -7, 33], degrees=True).as_matrix()
ODD_NAMES = ["größe und Ähre", "脊椎 CT", "Ж ñ (1) & co", "sp ace"]


def assert_same_ct(found: Volume, truth: Volume, tolerance_mm: float = 1e-3) -> None:
    """The same HU at the same points, whatever the order of the axes in the array."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in truth.array.shape), indexing="ij"), axis=-1)
    places = found.geometry.to_index(truth.geometry.to_patient(index))
    near = np.rint(places).astype(int)
    assert np.abs((places - near) * np.asarray(found.geometry.spacing)[::-1]).max() < tolerance_mm
    assert found.array.size == truth.array.size
    np.testing.assert_array_equal(found.array[tuple(np.moveaxis(near, -1, 0))], truth.array)


@pytest.mark.parametrize(
    "syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1], ids=lambda u: u.name
)
def test_compressed_series_has_the_same_values(tmp_path: Path, syntax: str) -> None:
    truth = example_volume(shape=(5, 40, 36))
    compress_series(make_series(tmp_path / "ct", truth), syntax)
    assert_same_ct(read_ct(tmp_path / "ct"), truth)


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize(
    "direction", [np.eye(3), OBLIQUE, OBLIQUE @ np.diag([1, 1, -1])], ids=["axial", "oblique", "mirrored"]
)
def test_our_files_read_back_here_and_in_itk(tmp_path: Path, ending: str, direction: np.ndarray) -> None:
    truth = example_volume(direction=direction)
    path = write_volume(truth, tmp_path / f"ct.{ending}")
    found = read_ct(path)
    assert found.geometry.same_grid(truth.geometry)
    np.testing.assert_array_equal(found.array, truth.array)
    image = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), truth.array)
    point = image.TransformIndexToPhysicalPoint((3, 4, 5))
    np.testing.assert_allclose(point, truth.geometry.to_patient((5, 4, 3)), atol=1e-3)


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd"])
@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32])
def test_files_of_itk_are_read(tmp_path: Path, ending: str, kind: type) -> None:
    truth = example_volume(direction=OBLIQUE)
    path = tmp_path / f"ct.{ending}"
    sitk.WriteImage(to_sitk(truth.array.astype(kind), truth.geometry), str(path))
    found = read_ct(path)
    assert found.geometry.same_grid(truth.geometry)
    np.testing.assert_array_equal(found.array, truth.array)
    assert found.array.dtype == np.int16


@pytest.mark.parametrize("ending", ["nii.gz", "nrrd", "mha", "dcm"])
@pytest.mark.parametrize(
    "axes", AXES_48, ids=lambda axes: "".join("LPS"[a] if s > 0 else "RAI"[a] for a, s in axes)
)
def test_the_mark_stays_in_its_place_in_all_48_orientations(
    tmp_path: Path, ending: str, axes: tuple[tuple[int, int], ...]
) -> None:
    truth = example_volume(direction=direction_of(axes))
    path = (
        make_series(tmp_path / "ct", truth)
        if ending == "dcm"
        else write_volume(truth, tmp_path / f"ct.{ending}")
    )
    found = read_ct(path)
    np.testing.assert_allclose(mark_point(found), mark_point(truth), atol=1e-3)
    assert_same_ct(found, truth)


@pytest.mark.parametrize("version", [nib.Nifti1Image, nib.Nifti2Image], ids=["1", "2"])
@pytest.mark.parametrize("codes", [(1, 0), (0, 1), (1, 1), (1, 2)], ids=str)
@pytest.mark.parametrize("order", ["<", ">"])
def test_nifti_of_nibabel_lies_where_nibabel_says(
    tmp_path: Path, version: type, codes: tuple[int, int], order: str
) -> None:
    truth = example_volume(direction=OBLIQUE)
    lps_to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    header = version.header_class(endianness=order)
    image = version(truth.array.T, lps_to_ras @ truth.geometry.index_to_patient, header=header)
    image.set_data_dtype(np.int16)
    image.set_qform(image.affine, code=codes[0])
    image.set_sform(image.affine if codes[1] else None, code=codes[1])
    nib.save(image, tmp_path / "ct.nii.gz")
    found = read_ct(tmp_path / "ct.nii.gz")
    assert found.geometry.same_grid(truth.geometry)
    np.testing.assert_array_equal(found.array, truth.array)
    again = nib.load(tmp_path / "ct.nii.gz")
    np.testing.assert_allclose(lps_to_ras @ again.affine, found.geometry.index_to_patient, atol=1e-4)


def test_nifti_value_scale_is_applied(tmp_path: Path) -> None:
    truth = example_volume()
    image = nib.Nifti1Image((truth.array + 1024).astype(np.uint16).T, np.diag([5, 5, 5, 1]))
    image.header.set_slope_inter(1, -1024)
    nib.save(image, tmp_path / "raw.nii")
    stored = bytearray((tmp_path / "raw.nii").read_bytes())
    stored[352:] = (truth.array.astype(np.int32) + 1024).astype("<u2").tobytes()
    stored[112:120] = np.array([1, -1024], "<f4").tobytes()
    (tmp_path / "ct.nii").write_bytes(stored)
    np.testing.assert_array_equal(read_ct(tmp_path / "ct.nii").array, truth.array)


def test_nifti_with_two_orientations_says_so(tmp_path: Path) -> None:
    image = nib.Nifti1Image(example_volume().array.T, np.diag([-4.5, -4.8, 2.5, 1]))
    image.set_sform(image.affine, code=1)
    moved = image.affine.copy()
    moved[0, 3] += 25
    image.set_qform(moved, code=1)
    nib.save(image, tmp_path / "ct.nii")
    found = read_ct(tmp_path / "ct.nii")
    assert found.geometry.origin == pytest.approx((0, 0, 0))
    assert "differ by up to 25.0 mm" in found.warnings[0].text


def test_enhanced_multiframe_takes_its_places_from_the_frames(tmp_path: Path) -> None:
    truth = example_volume(direction=OBLIQUE)
    path = make_enhanced(tmp_path / "ct.dcm", truth, order=[3, 1, 7, 0, 2, 6, 4, 5])
    (entry,) = list_series(path)
    assert entry.pictures == 8
    assert entry.spacing == pytest.approx((4.5, 4.8, 2.5))
    assert_same_ct(read_ct(path), truth)


def test_enhanced_multiframe_compressed(tmp_path: Path) -> None:
    truth = example_volume()
    path = make_enhanced(tmp_path / "ct.dcm", truth)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    assert_same_ct(read_ct(path), truth)


def test_nested_folder_with_two_series_and_other_files(tmp_path: Path) -> None:
    axial = example_volume(name="Axial 2.5")
    sagittal = example_volume(direction=direction_of(((1, 1), (2, -1), (0, 1))), name="Sagittal")
    make_series(tmp_path / "DICOM" / "ST0" / "SE0", axial)
    make_series(tmp_path / "DICOM" / "ST0" / "SE1" / "deep", sagittal)
    for number, path in enumerate(sorted((tmp_path / "DICOM" / "ST0" / "SE0").iterdir())):
        path.rename(path.with_name(f"IM{9 - number}"))  # no ending, against the order
    (tmp_path / "DICOM" / "readme.txt").write_text("Not a picture.")
    (tmp_path / "viewer.exe").write_bytes(b"MZ" + bytes(500))
    (tmp_path / "empty").write_bytes(b"")
    entries = {e.description: e for e in list_series(tmp_path)}
    assert {n: (e.orientation, e.pictures, e.loadable) for n, e in entries.items()} == {
        "Axial 2.5": ("axial", 8, True),
        "Sagittal": ("sagittal", 8, True),
    }
    assert_same_ct(read_series(entries["Sagittal"]), sagittal)
    assert_same_ct(read_ct(tmp_path), axial)  # the only axial one
    assert_same_ct(read_ct(tmp_path, series=entries["Sagittal"].key), sagittal)


def test_one_file_stands_for_its_series(tmp_path: Path) -> None:
    truth = example_volume()
    make_series(tmp_path / "a", truth)
    make_series(tmp_path / "b", example_volume(name="Other"), edit=lambda d, z: set_uids(d, "1.2.3", z))
    for path in (tmp_path / "b").iterdir():
        shutil.move(path, tmp_path / "a" / f"b_{path.name}")
    found = read_ct(tmp_path / "a" / "slice_0004.dcm")
    assert found.name == "Example"
    assert_same_ct(found, truth)


def test_zip_of_a_folder_lives_as_long_as_its_entries(tmp_path: Path) -> None:
    truth = example_volume()
    folder = make_series(tmp_path / "ct", truth)
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"Ähre/{'x' * 120}/{path.name}")
        archive.writestr("__MACOSX/._slice", b"junk")
        archive.writestr("LIESMICH.TXT", "nothing")
    (entry,) = list_series(tmp_path / "study.zip")
    unpacked = entry.files[0]
    assert unpacked.exists()
    assert_same_ct(read_series(entry), truth)
    del entry
    assert not unpacked.exists()
    assert_same_ct(read_ct(tmp_path / "study.zip"), truth)


def test_two_equal_series_must_be_chosen_from(tmp_path: Path) -> None:
    make_series(tmp_path / "a", example_volume(name="Soft"))
    make_series(tmp_path / "b", example_volume(name="Bone"), edit=lambda d, z: set_uids(d, "1.2.3", z))
    with pytest.raises(ReadingError, match="2 CT series") as caught:
        read_ct(tmp_path)
    keys = [e.key for e in list_series(tmp_path)]
    assert all(key in str(caught.value) for key in keys)
    assert {read_ct(tmp_path, series=key).name for key in keys} == {"Soft", "Bone"}
    with pytest.raises(ReadingError, match="No series has the key 'nonsense'"):
        read_ct(tmp_path, series="nonsense")


def test_the_finer_of_two_series_of_one_patient_is_taken(tmp_path: Path) -> None:
    fine = example_volume(shape=(9, 12, 10), spacing=(4.5, 4.8, 1.25), name="fine")
    coarse = Volume(fine.array[::2], Geometry((5, 12, 10), (4.5, 4.8, 2.5), fine.geometry.origin), "coarse")
    for volume in (fine, coarse):
        make_series(
            tmp_path / volume.name, volume, edit=lambda d, _: setattr(d, "FrameOfReferenceUID", "1.2.9")
        )
    assert read_ct(tmp_path).name == "fine"


def test_two_passes_over_one_place_are_two_entries(tmp_path: Path) -> None:
    truth = example_volume()

    def early(dataset: pydicom.Dataset, z: int) -> None:
        set_uids(dataset, "1.2.3", z)
        dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = "1.2.4", "1.2.5"
        dataset.AcquisitionNumber = 1

    def late(dataset: pydicom.Dataset, z: int) -> None:
        set_uids(dataset, "1.2.3", z + 100)
        dataset.SeriesInstanceUID = "1.2.3"
        dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = "1.2.4", "1.2.5"
        dataset.AcquisitionNumber = 2

    make_series(tmp_path / "a", truth, edit=early)
    make_series(tmp_path / "b", Volume(truth.array[::-1].copy(), truth.geometry, "Example"), edit=late)
    entries = list_series(tmp_path)
    assert [e.loadable for e in entries] == [True, True]
    assert len({e.key for e in entries}) == 2
    assert "distinguished by acquisition" in entries[0].warnings[0]
    first = next(e for e in entries if e.files[0].parent.name == "a")
    assert_same_ct(read_series(first), truth)


def test_slices_along_every_disc_are_entries_of_their_own(tmp_path: Path) -> None:
    """Spine protocols tilt each block to its disc, https://github.com/ClearCanvas/ClearCanvas/issues/281."""
    blocks = {
        f"L{level}": example_volume(
            shape=(5, 12, 14),
            origin=(0, 0, -40.0 * level),
            direction=Rotation.from_euler("x", 8 * level, degrees=True).as_matrix(),
            name="Spine",
        )
        for level in (3, 4, 5)
    }
    for number, (name, volume) in enumerate(blocks.items()):
        make_series(
            tmp_path / name,
            volume,
            edit=lambda d, z, first=100 * number: (
                set_uids(d, f"1.2.3.{first}", z),
                setattr(d, "SeriesInstanceUID", "1.2.3"),
            ),
        )
    entries = list_series(tmp_path)
    assert [(e.pictures, e.loadable) for e in entries] == [(5, True)] * 3
    assert len({e.key for e in entries}) == 3
    assert "3 orientations" in entries[0].warnings[0]
    for entry in entries:
        assert_same_ct(read_series(entry), blocks[entry.files[0].parent.name])


def test_two_blocks_of_one_series_are_two_entries(tmp_path: Path) -> None:
    truth = example_volume(shape=(12, 12, 10))

    def block(dataset: pydicom.Dataset, z: int) -> None:
        dataset.AcquisitionNumber = 1 if z < 6 else 2

    make_series(tmp_path / "ct", truth, edit=block, keep=lambda z: z not in (6, 7))
    entries = list_series(tmp_path)
    assert [(e.pictures, e.loadable) for e in entries] == [(6, True), (4, True)]
    geometry = Geometry((4, 12, 10), truth.geometry.spacing, tuple(truth.geometry.to_patient((8, 0, 0))))
    assert_same_ct(read_series(entries[1]), Volume(truth.array[8:], geometry))


def test_copies_of_files_are_left_out(tmp_path: Path) -> None:
    truth = example_volume()
    folder = make_series(tmp_path / "ct", truth)
    shutil.copy(folder / "slice_0003.dcm", folder / "slice_0003 copy.dcm")
    (entry,) = list_series(folder)
    assert "copies" in entry.warnings[0]
    assert "slice_0003" in entry.warnings[0]
    found = read_series(entry)
    assert_same_ct(found, truth)
    assert "slice_0003" not in found.warnings[0].text  # names of files may hold names of patients


def test_rescale_of_each_slice_is_its_own(tmp_path: Path) -> None:
    truth = example_volume()

    def rescale(dataset: pydicom.Dataset, z: int) -> None:
        stored = np.frombuffer(dataset.PixelData, "<i2").astype(int)
        dataset.RescaleIntercept = -1024 - 10 * z
        dataset.PixelData = (stored + 1024 + 10 * z).astype("<i2").tobytes()

    assert_same_ct(read_ct(make_series(tmp_path / "ct", truth, edit=rescale)), truth)


def test_fractional_rescale_gives_float(tmp_path: Path) -> None:
    truth = example_volume()
    found = read_ct(make_series(tmp_path / "ct", truth, edit=lambda d, _: setattr(d, "RescaleSlope", "0.5")))
    assert found.array.dtype == np.float32
    np.testing.assert_allclose(np.sort(found.array.ravel()), np.sort(truth.array.ravel() * 0.5))


def test_scanner_padding_becomes_air(tmp_path: Path) -> None:
    volume = example_volume()
    volume.array[:, 0, 0] = -3024
    found = read_ct(make_series(tmp_path / "ct", volume))
    assert found.array.min() >= -1024
    assert "8 voxels under -1500 HU" in found.warnings[0].text


def test_localizer_is_listed_apart_and_not_taken(tmp_path: Path) -> None:
    truth = example_volume()
    make_series(tmp_path / "ct", truth)
    scout = direction_of(((0, 1), (2, -1), (1, 1)))

    def localizer(dataset: pydicom.Dataset, z: int) -> None:
        set_uids(dataset, "1.2.3", z)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    make_series(tmp_path / "scout", example_volume(direction=scout, name="Topo"), edit=localizer)
    entries = list_series(tmp_path)
    assert [(e.description, e.loadable, e.orientation) for e in entries] == [
        ("Example", True, "axial"),
        ("Topo", False, "localizer"),
    ]
    assert_same_ct(read_ct(tmp_path), truth)


def test_damaged_file_beside_a_whole_series_is_named(tmp_path: Path) -> None:
    truth = example_volume()
    folder = make_series(tmp_path / "ct", truth)
    (folder / "broken.dcm").write_bytes((folder / "slice_0001.dcm").read_bytes()[:150])
    (entry,) = list_series(folder)
    assert entry.loadable
    assert any("broken.dcm" in warning for warning in entry.warnings)


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
    ids=lambda u: u.name,
)
def test_uncompressed_pixels_in_any_encoding(tmp_path: Path, syntax: pydicom.uid.UID) -> None:
    truth = example_volume()
    folder = make_series(tmp_path / "ct", truth)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = syntax
        if not syntax.is_little_endian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
            dataset["PixelData"].VR = "OW"
            bare = pydicom.Dataset({e.tag: e for e in dataset})  # pydicom refuses to convert what it has read
            bare.file_meta = dataset.file_meta
            dataset = bare
        dataset.save_as(
            path,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
            enforce_file_format=True,
        )
    assert pydicom.dcmread(folder / "slice_0001.dcm").file_meta.TransferSyntaxUID == syntax
    assert_same_ct(read_ct(folder), truth)


def test_files_without_preamble_are_read(tmp_path: Path) -> None:
    truth = example_volume()
    folder = make_series(tmp_path / "ct", truth)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        bare = pydicom.Dataset({e.tag: e for e in dataset})
        bare.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert_same_ct(read_ct(folder), truth)


def test_missing_bits_stored_is_bits_allocated(tmp_path: Path) -> None:
    def drop(dataset: pydicom.Dataset, _: int) -> None:
        del dataset.BitsStored, dataset.HighBit

    truth = example_volume()
    assert_same_ct(read_ct(make_series(tmp_path / "ct", truth, edit=drop)), truth)


def test_slice_thickness_is_never_the_spacing(tmp_path: Path) -> None:
    def lie(dataset: pydicom.Dataset, _: int) -> None:
        dataset.SliceThickness = "5"
        dataset.SpacingBetweenSlices = "7"

    found = read_ct(make_series(tmp_path / "ct", edit=lie))
    assert found.geometry.spacing[2] == pytest.approx(2.5)
    assert found.details["slice_thickness_mm"] == 5


def test_positions_rounded_to_a_tenth_are_regular(tmp_path: Path) -> None:
    def rounded(dataset: pydicom.Dataset, _: int) -> None:
        dataset.ImagePositionPatient = [f"{float(n):.1f}" for n in dataset.ImagePositionPatient]

    volume = example_volume(shape=(40, 12, 12), spacing=(4.5, 4.8, 0.625))
    assert read_ct(make_series(tmp_path / "ct", volume, edit=rounded)).geometry.spacing[2] == pytest.approx(
        0.625, abs=0.003
    )


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("ending", ["nii.gz", "nrrd", "nhdr", "mha", "mhd", "dcm", "zip"])
def test_any_letter_in_a_path(tmp_path: Path, name: str, ending: str) -> None:
    truth = example_volume()
    folder = tmp_path / name
    folder.mkdir()
    if ending in ("dcm", "zip"):
        path = make_series(folder / f"{name} CT", truth)
        if ending == "zip":
            path = Path(shutil.make_archive(str(folder / name), "zip", path))
    elif ending in ("nhdr", "mhd"):
        path = folder / f"{name}.{ending}"
        sitk.WriteImage(to_sitk(truth.array, truth.geometry), str(path))
    else:
        path = write_volume(truth, folder / f"{name}.{ending}")
    assert_same_ct(read_ct(path), truth)


@pytest.mark.parametrize("ending", ["nrrd", "nhdr", "mha", "mhd"])
@pytest.mark.parametrize("compressed", [False, True])
def test_any_letter_where_itk_knows_only_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, compressed: bool
) -> None:
    truth = example_volume()
    path = tmp_path / f"größe.{ending}"
    sitk.WriteImage(to_sitk(truth.array, truth.geometry), str(path), useCompression=compressed)
    opened: list[str] = []
    read = native.read

    def read_ascii_only(name: Path, *rest: Any) -> Answer:
        opened.append(str(name))
        return read(name, *rest)

    monkeypatch.setattr(native, "read", read_ascii_only)
    monkeypatch.setattr("sys.platform", "win32")
    found = read_ct(path)
    monkeypatch.undo()
    assert_same_ct(found, truth)
    assert opened
    assert all(name.isascii() for name in opened)
    assert not any(Path(name).exists() for name in opened)


def test_long_path(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(6):
        folder = folder / ("d" * 100)
    truth = example_volume()
    assert_same_ct(read_ct(make_series(folder / "ct", truth)), truth)
    assert_same_ct(read_ct(write_volume(truth, folder / "ct.nii.gz")), truth)


def test_link_to_its_own_folder_is_no_trap(tmp_path: Path) -> None:
    truth = example_volume()
    folder = make_series(tmp_path / "ct", truth)
    try:
        (folder / "again").symlink_to(folder, target_is_directory=True)
        (folder / "itself").symlink_to(folder / "itself")
    except OSError:
        pytest.skip("links may not be made here")
    assert_same_ct(read_ct(tmp_path), truth)


def test_phantom_folder_offers_the_ct_and_not_the_labels(tmp_path: Path) -> None:
    truth = example_volume()
    write_volume(truth, tmp_path / "ct.nii.gz")
    write_labels(Labels(np.ones(truth.array.shape, np.uint8), truth.geometry), tmp_path / "labels.nii.gz")
    assert [(e.key, e.loadable) for e in list_series(tmp_path)] == [
        ("ct.nii.gz", True),
        ("labels.nii.gz", False),
    ]
    assert_same_ct(read_ct(tmp_path), truth)


def test_labels_read_back(tmp_path: Path) -> None:
    truth = example_volume(direction=OBLIQUE)
    labels = Labels((truth.array % 3).astype(np.uint8), truth.geometry)
    for ending in ("nii.gz", "nrrd", "mha"):
        found = read_labels(write_labels(labels, tmp_path / f"labels.{ending}"))
        assert found.array.dtype == np.uint8
        assert found.geometry.same_grid(truth.geometry)
        np.testing.assert_array_equal(found.array, labels.array)


def test_other_labels_are_refused_with_their_values(tmp_path: Path) -> None:
    truth = example_volume()
    image = to_sitk((truth.array > 0).astype(np.uint8) * 27, truth.geometry)
    sitk.WriteImage(image, str(tmp_path / "other.nii.gz"))
    with pytest.raises(ReadingError, match="the values 27"):
        read_labels(tmp_path / "other.nii.gz")


def test_no_name_or_number_of_the_patient_gets_through(tmp_path: Path) -> None:
    def person(dataset: pydicom.Dataset, _: int) -> None:
        dataset.PatientName = "Secret^Person"
        dataset.PatientID = "4711-4711"
        dataset.PatientBirthDate = dataset.StudyDate = dataset.SeriesDate = "19501231"
        dataset.AccessionNumber = "ACC99"
        dataset.InstitutionName = "Secret Clinic"

    folder = make_series(tmp_path / "Secret", edit=person)
    (entry,) = list_series(folder)
    volume = read_series(entry)
    uid = pydicom.dcmread(folder / "slice_0001.dcm").SeriesInstanceUID
    shown = f"{volume.name} {volume.details} {entry.key} {entry.description} {entry.warnings} {entry.line()}"
    assert not [word for word in ("Secret", "4711", "1950", "ACC99", uid) if word in shown]


def test_suspicious_values_are_warned_of(tmp_path: Path) -> None:
    volume = example_volume()
    shifted = Volume((volume.array.astype(np.int32) + 1024).astype(np.int16), volume.geometry, "shifted")
    found = read_ct(write_volume(shifted, tmp_path / "ct.nii.gz"))
    assert "may not be Hounsfield units" in found.warnings[0].text


class CountedCancel:
    """Says stop after it was asked a number of times."""

    def __init__(self, after: int) -> None:
        self.left = after

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("ending", ["dcm", "zip", "nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("after", [0, 2])
def test_reading_can_be_cancelled(tmp_path: Path, ending: str, after: int) -> None:
    if ending in ("dcm", "zip"):
        path = make_series(tmp_path / "ct")
        if ending == "zip":
            path = Path(shutil.make_archive(str(tmp_path / "ct"), "zip", path))
    else:
        path = write_volume(example_volume(shape=(30, 40, 50)), tmp_path / f"ct.{ending}")
    with pytest.raises(Cancelled):
        read_ct(path, cancel=CountedCancel(after))


def test_progress_grows_to_the_end(tmp_path: Path) -> None:
    told: list[float] = []
    read_ct(make_series(tmp_path / "ct"), progress=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert told[0] < 0.1
    assert told[-1] == 1.0


def test_two_threads_read_at_once(tmp_path: Path) -> None:
    folder = make_series(tmp_path / "ct")
    found: list[Volume] = []
    threads = [threading.Thread(target=lambda: found.append(read_ct(folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4


def test_listing_200_files_is_quick(tmp_path: Path) -> None:
    folder = make_series(tmp_path / "ct", example_volume(shape=(200, 64, 64)))
    start = time.perf_counter()
    (entry,) = list_series(folder)
    assert entry.pictures == 200
    assert time.perf_counter() - start < 5  # 0.7 s measured on two idle cores


PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def test_real_scanner_series_among_seventy_others() -> None:
    """77654033 in pydicom's test files: a cardiac CT, an axial head CT with gaps, two scouts and plain films."""
    entries = {e.description: e for e in list_series(PYDICOM_FILES / "dicomdirtests")}
    # Its pictures were cut to 16 x 16 pixels for the test files, and no body is as small as that.
    assert "0.4883 x 0.4883 x 2.5 mm" in entries["SmartScore - Gated 0.5 sec"].warnings[0]
    assert "missing" in entries["Routine Brain"].warnings[0]
    assert entries["Scout"].orientation == "localizer"
    assert not any(e.loadable for e in entries.values())


REAL = sorted((Path(__file__).parents[5] / "shared" / "data").glob("*/ct.nii.gz"))


@pytest.mark.skipif(not REAL, reason="no real CTs in ../shared/data beside the project")
@pytest.mark.parametrize("path", REAL, ids=lambda p: p.parent.name)
def test_real_ct_equals_itk(path: Path) -> None:
    found = read_ct(path)
    image = sitk.ReadImage(str(path))
    values = sitk.GetArrayFromImage(image)
    np.testing.assert_array_equal(found.array, np.where(values < -1500, -1024, values))
    for index in [(0, 0, 0), (5, 20, 30), tuple(n - 1 for n in image.GetSize())]:
        np.testing.assert_allclose(
            found.geometry.to_patient(index[::-1]), image.TransformIndexToPhysicalPoint(index), atol=1e-3
        )
    assert found.warnings == ()
