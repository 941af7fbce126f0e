"""Whose CT it is, from its headers: as written, the same in all files, and never guessed."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from spinect_core.base.errors import ReadingError
from spinect_core.image.patient import Patient
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import list_series
from spinect_core.io.reading.patient import LONGEST, read_patient
from spinect_core.io.reading.series import Series
from spinect_core.io.writing import write_dicom_series, write_volume


def small() -> Volume:
    grid = Geometry((6, 16, 16), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    return Volume(np.random.default_rng(3).integers(-1000, 1000, grid.shape).astype(np.int16), grid)


def series(folder: Path, **fields: str) -> Series:
    for file in write_dicom_series(small(), folder):
        data = pydicom.dcmread(file)
        data.SpecificCharacterSet = "ISO_IR 192"
        data.PatientName, data.PatientID = "", ""
        for name, value in fields.items():
            setattr(data, name, value)
        data.save_as(file)
    (found,) = list_series(folder)
    return found


def test_a_patient_as_the_header_says(tmp_path: Path) -> None:
    found = read_patient(
        series(
            tmp_path,
            PatientName="Fuchs^Erika^Maria^Dr",
            PatientID=" 4711-x ",
            PatientBirthDate="19570102",
            PatientSex="F",
            StudyDate="20260304",
        )
    )
    assert found == Patient("Fuchs, Erika Maria", "4711-x", "1957-01-02", "F", "2026-03-04")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Müller^Jörg", "Müller, Jörg"),
        ("Anna", "Anna"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou"),
        ("=山田^太郎", "山田, 太郎"),
        ("x" * 30 + "^" + "y" * 30, "x" * 30 + ", " + "y" * 30),
    ],
)
def test_names_of_all_kinds(tmp_path: Path, written: str, told: str) -> None:
    assert read_patient(series(tmp_path, PatientName=written)).name == told


def test_fields_are_one_line_and_of_bounded_length(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="exceeds|Invalid value"):
        found = read_patient(series(tmp_path, PatientID="a" * 5000, PatientBirthDate="someday"))
    assert found.identifier == "a" * LONGEST
    assert found.birth == "someday"


def test_files_that_do_not_agree_are_refused(tmp_path: Path) -> None:
    whole = series(tmp_path, PatientName="Fuchs^Erika")
    data = pydicom.dcmread(whole.files[3])
    data.PatientName = "Somebody^Else"
    data.save_as(whole.files[3])
    with pytest.raises(ReadingError, match="do not agree") as caught:
        read_patient(whole)
    assert "Fuchs" not in str(caught.value)
    assert "Somebody" not in str(caught.value)


def test_a_ct_that_names_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="names no patient"):
        read_patient(series(tmp_path / "dicom", PatientBirthDate="19570102"))
    write_volume(small(), tmp_path / "ct.nii.gz")
    (nifti,) = list_series(tmp_path / "ct.nii.gz")
    with pytest.raises(ReadingError):
        read_patient(nifti)


def test_a_file_that_has_gone_says_so(tmp_path: Path) -> None:
    whole = series(tmp_path, PatientName="Fuchs^Erika")
    whole.files[0].unlink()
    with pytest.raises(ReadingError, match="cannot be read"):
        read_patient(whole)
