"""Damaged files give a volume in its true place or an error of ours, and nothing else.

Random damage with fixed seeds: bits, elements and whole stretches of small files of every format.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_maker import compress_series, example_volume, make_enhanced, make_series
from pydicom.uid import RLELossless

from spinect_core.base.errors import SpinectError
from spinect_core.image.volume import Volume
from spinect_core.io.reading import list_series, read_ct
from spinect_core.io.reading.quiet import quiet_dicom
from spinect_core.io.writing import write_volume

SHAPE = (8, 6, 5)
JUNK = ["", "abc", "1e999", "nan", "-1", "0", "1\\2", "1\\2\\3\\4\\5\\6\\7", "\0\0", "9" * 70, "ÄÖÜ", "1,5"]


def read(path: Path) -> Volume | None:
    """The volume, None if it was refused in our own words; any other exception fails the test."""
    try:
        return read_ct(path)
    except SpinectError as error:
        refusal = error
    assert refusal.remedy
    assert "\n" not in str(refusal)
    return None


def assert_true_place(found: Volume, truth: Volume, damaged: set[int]) -> None:
    """Every slice found lies where a slice of the truth lies, in the right order, with its values."""
    np.testing.assert_allclose(found.geometry.spacing, truth.geometry.spacing, rtol=0.02)
    np.testing.assert_allclose(found.geometry.direction, truth.geometry.direction, atol=3e-3)
    for z in range(found.array.shape[0]):
        place = truth.geometry.to_index(found.geometry.to_patient((z, 0, 0)))
        of = int(np.rint(place[0]))
        assert np.abs((place - (of, 0, 0)) * np.asarray(truth.geometry.spacing)[::-1]).max() < 0.15
        if of not in damaged:
            np.testing.assert_array_equal(found.array[z], truth.array[of])


def flip(content: bytearray, rng: np.random.Generator, start: int, stop: int, times: int) -> None:
    for _ in range(times):
        content[int(rng.integers(start, stop))] ^= 1 << int(rng.integers(8))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_series(tmp_path_factory.mktemp("pristine") / "ct", example_volume(SHAPE))


@pytest.mark.parametrize("seed", range(50))
def test_flipped_bits_in_one_dicom_header(tmp_path: Path, pristine: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    folder = Path(shutil.copytree(pristine, tmp_path / "ct"))
    z = int(rng.integers(SHAPE[0]))
    path = folder / f"slice_{z + 1:04d}.dcm"
    content = bytearray(path.read_bytes())
    flip(content, rng, 128, len(content) - SHAPE[1] * SHAPE[2] * 2, int(rng.choice([1, 1, 3, 30])))
    path.write_bytes(content)
    found = read(folder)
    if found is not None:
        assert_true_place(found, example_volume(SHAPE), {z})


@pytest.mark.parametrize("seed", range(50))
def test_element_of_one_dicom_file_deleted_or_replaced(tmp_path: Path, pristine: Path, seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    folder = Path(shutil.copytree(pristine, tmp_path / "ct"))
    z = int(rng.integers(SHAPE[0]))
    change_element(folder / f"slice_{z + 1:04d}.dcm", rng)
    found = read(folder)
    if found is not None:
        assert_true_place(found, example_volume(SHAPE), {z})


@pytest.mark.parametrize("seed", range(25))
def test_element_of_all_dicom_files_deleted(tmp_path: Path, pristine: Path, seed: int) -> None:
    folder = Path(shutil.copytree(pristine, tmp_path / "ct"))
    for path in folder.iterdir():
        change_element(path, np.random.default_rng(2000 + seed), delete=True)
    found = read(folder)
    if found is not None:
        assert_true_place(found, example_volume(SHAPE), set())


def change_element(path: Path, rng: np.random.Generator, delete: bool = False) -> None:
    """Delete an element, or give it raw bytes that do not belong there."""
    with quiet_dicom():  # it warns of the junk while it writes it
        _change_element(path, rng, delete)


def _change_element(path: Path, rng: np.random.Generator, delete: bool) -> None:
    dataset = pydicom.dcmread(path)
    tags = [element.tag for element in dataset]
    tag = tags[int(rng.integers(len(tags)))]
    if delete or rng.random() < 0.3:
        del dataset[tag]
    else:
        junk = JUNK[int(rng.integers(len(JUNK)))].encode()
        vr = dataset[tag].VR
        raw = pydicom.dataelem.RawDataElement(tag, vr, len(junk), junk, 0, False, True)
        dataset._dict[tag] = raw
    dataset.save_as(path)


@pytest.mark.parametrize("seed", range(16))
def test_cut_off_dicom_file(tmp_path: Path, pristine: Path, seed: int) -> None:
    rng = np.random.default_rng(3000 + seed)
    folder = Path(shutil.copytree(pristine, tmp_path / "ct"))
    z = int(rng.integers(SHAPE[0]))
    path = folder / f"slice_{z + 1:04d}.dcm"
    content = path.read_bytes()
    path.write_bytes(content[: int(rng.integers(len(content)))])
    found = read(folder)
    if found is not None:
        assert_true_place(found, example_volume(SHAPE), set())
        assert found.array.shape[0] == SHAPE[0] - 1  # only without the damaged slice, at one end
        assert z in (0, SHAPE[0] - 1)


@pytest.mark.parametrize("kind", ["enhanced", "rle", "nii", "nii.gz", "nrrd", "mha", "zip"])
@pytest.mark.parametrize("seed", range(12))
def test_flipped_bits_anywhere(tmp_path: Path, pristine: Path, kind: str, seed: int) -> None:
    rng = np.random.default_rng(4000 + seed)
    truth = example_volume(SHAPE)
    if kind == "enhanced":
        path = make_enhanced(tmp_path / "ct.dcm", truth)
    elif kind == "rle":
        path = (
            compress_series(Path(shutil.copytree(pristine, tmp_path / "ct")), RLELossless) / "slice_0004.dcm"
        )
    elif kind == "zip":
        path = Path(shutil.make_archive(str(tmp_path / "ct"), "zip", pristine))
    else:
        path = write_volume(truth, tmp_path / f"ct.{kind}")
    content = bytearray(path.read_bytes())
    if rng.random() < 0.3:
        content = content[: int(rng.integers(len(content)))]
    if content:
        head = min(len(content), 600) if kind in ("nii", "nrrd", "mha") else len(content)
        flip(content, rng, 0, head, int(rng.choice([1, 3, 30])))
    path.write_bytes(content)
    found = read(path)
    if found is not None:
        assert found.array.shape == found.geometry.shape
        assert np.isfinite(found.array).all()
    with suppress(SpinectError):
        assert list_series(path)
