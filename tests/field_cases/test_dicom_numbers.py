"""Numbers of DICOM headers as programs write them: decimal commas, other types, exponents, padding, and nonsense.

What has one meaning is read to the same volume; what has not is refused with element, value and file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_maker import example_volume, make_enhanced, make_series
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.image.volume import Volume
from spinect_core.io.reading import list_series, read_ct
from spinect_core.io.reading.dicom_elements import BadSliceError, Elements

GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
SCALE = ("RescaleSlope", "RescaleIntercept")


def text_of(dataset: Dataset, keyword: str) -> str:
    """The numbers of an element as a decimal string writes them."""
    value = dataset[keyword].value
    return "\\".join(str(v) for v in (value if dataset[keyword].VM > 1 else [value]))


def put_raw(dataset: Dataset, keyword: str, content: bytes, kind: str = "DS") -> None:
    """Bytes into an element, past all checks of the writer."""
    tag = Tag(tag_for_keyword(keyword))
    dataset._dict[tag] = RawDataElement(
        tag, kind, len(content), content + b" " * (len(content) % 2), 0, False, True
    )


def rewritten(
    folder: Path, how: Callable[[str], str], keywords: tuple[str, ...], kind: str = "DS", only: int = -1
) -> Path:
    """A series whose numbers are written otherwise, in all slices or in one."""

    def edit(dataset: Dataset, z: int) -> None:
        if only in (-1, z):
            for keyword in keywords:
                put_raw(dataset, keyword, how(text_of(dataset, keyword)).encode(), kind)

    return make_series(folder, edit=edit)


def assert_read(path: Path) -> Volume:
    """The whole example, in its place and with its values."""
    truth, found = example_volume(), read_ct(path)
    assert found.geometry.same_grid(truth.geometry)
    np.testing.assert_array_equal(found.array, truth.array)
    return found


def with_comma(text: str) -> str:
    """Every number with a decimal comma and at least one decimal."""
    return "\\".join((w if "." in w else f"{w}.0").replace(".", ",") for w in text.split("\\"))


@pytest.mark.parametrize("keywords", [GEOMETRY, SCALE, (*GEOMETRY, *SCALE, "SliceThickness")], ids=str)
@pytest.mark.parametrize("only", [-1, 0, 7])
def test_decimal_commas_are_points(tmp_path: Path, keywords: tuple[str, ...], only: int) -> None:
    assert assert_read(rewritten(tmp_path / "ct", with_comma, keywords, only=only)).warnings == ()


@pytest.mark.parametrize("kind", ["UT", "UN", "LO", "ST", "SH", "IS", "OB", "LT", "UC"])
def test_numbers_written_with_another_type_are_read(tmp_path: Path, kind: str) -> None:
    assert_read(rewritten(tmp_path / "ct", lambda text: text, (*GEOMETRY, *SCALE), kind))


@pytest.mark.parametrize("kind", ["FD", "FL"])
def test_binary_numbers_in_place_of_text_are_read(tmp_path: Path, kind: str) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        for keyword in GEOMETRY:
            numbers = [float(n) for n in dataset[keyword].value]
            put_raw(dataset, keyword, struct.pack(f"<{len(numbers)}{'df'[kind == 'FL']}", *numbers), kind)

    found = read_ct(make_series(tmp_path / "ct", edit=edit))
    np.testing.assert_allclose(found.geometry.spacing, example_volume().geometry.spacing, atol=1e-5)
    np.testing.assert_array_equal(found.array, example_volume().array)


@pytest.mark.parametrize("kind", ["IS", "DS", "UN"])
def test_sizes_and_bits_written_with_another_type_are_read(tmp_path: Path, kind: str) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
            value = int(dataset[keyword].value)
            content = struct.pack("<H", value) if kind == "UN" else str(value).encode()
            put_raw(dataset, keyword, content, kind)

    assert_read(make_series(tmp_path / "ct", edit=edit))


def test_exponents_signs_and_padding_are_read(tmp_path: Path) -> None:
    def exponent(text: str) -> str:
        return "\\".join(f" {float(w):+.9E} " for w in text.split("\\")) + "\0"

    assert_read(rewritten(tmp_path / "ct", exponent, (*GEOMETRY, *SCALE)))


def test_fortran_exponents_and_a_last_backslash_are_read(tmp_path: Path) -> None:
    def fortran(text: str) -> str:
        return "\\".join(f"{float(w):.9E}".replace("E", "D") for w in text.split("\\")) + "\\"

    assert_read(rewritten(tmp_path / "ct", fortran, GEOMETRY))


def test_decimal_commas_in_the_frames_of_a_multiframe_file(tmp_path: Path) -> None:
    path = make_enhanced(tmp_path / "ct.dcm")
    dataset = pydicom.dcmread(path)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        place = frame.PlanePositionSequence[0]
        text = with_comma(text_of(place, "ImagePositionPatient"))
        put_raw(place, "ImagePositionPatient", text.encode())
    dataset.save_as(path)
    assert_read(path)


@pytest.mark.parametrize(
    ("keyword", "value", "says"),
    [
        ("PixelSpacing", "0,9", r"PixelSpacing \(0028,0030\) is '0,9', 2 numbers are needed"),
        ("PixelSpacing", "0.9,0.7", r"is '0\.9,0\.7', 2 numbers"),
        ("PixelSpacing", "1.250,5\\1", r"is '1\.250,5\\\\1', 2 numbers"),
        ("ImagePositionPatient", "0;0;1", r"ImagePositionPatient \(0020,0032\) is '0;0;1', 3 numbers"),
        ("ImagePositionPatient", "nan\\0\\0", r"is 'nan\\\\0\\\\0', 3 numbers"),
        ("ImagePositionPatient", "1e999\\0\\0", r"is '1e999\\\\0\\\\0', 3 numbers"),
        ("ImageOrientationPatient", "1\\0\\0", r"ImageOrientationPatient \(0020,0037\) is .* 6 numbers"),
        ("RescaleIntercept", "minus", r"RescaleIntercept \(0028,1052\) is 'minus', a number is needed"),
        ("RescaleIntercept", "-1,024", r"RescaleIntercept \(0028,1052\) is '-1,024'"),
        ("RescaleSlope", "1e300", r"RescaleSlope is 1e\+300"),
        ("RescaleSlope", "1e5", r"RescaleSlope is 100000"),
        ("RescaleIntercept", "-1e300", r"RescaleIntercept is -1e\+300"),
        ("RescaleIntercept", "9" * 70, r"RescaleIntercept is 1e\+70"),
        ("RescaleIntercept", "1\\2", r"RescaleIntercept .* is '1\\\\2', a number is needed"),
    ],
)
def test_what_has_no_one_meaning_is_refused_by_name(
    tmp_path: Path, keyword: str, value: str, says: str
) -> None:
    folder = rewritten(tmp_path / "ct", lambda _: value, (keyword,))
    with pytest.raises(SpatialError, match=says) as caught:
        read_ct(folder)
    assert "slice_0001.dcm" in str(caught.value)
    assert "ValueError" not in str(caught.value)
    assert len(caught.value.fault) < 450


def test_the_slice_that_is_left_out_at_the_end_is_told_and_marks_the_result(tmp_path: Path) -> None:
    folder = rewritten(tmp_path / "ct", lambda _: "1;2;3", ("ImagePositionPatient",), only=7)
    (entry,) = list_series(folder)
    assert entry.pictures == 7
    assert "ImagePositionPatient (0020,0032) is '1;2;3'" in entry.warnings[0]
    assert "slice_0008.dcm" in entry.warnings[0]
    found = read_ct(folder)
    assert [w.grave for w in found.warnings] == [True]


def test_a_number_of_pictures_that_is_missing_is_called_missing(tmp_path: Path) -> None:
    path = make_enhanced(tmp_path / "ct.dcm")
    dataset = pydicom.dcmread(path)
    del dataset.NumberOfFrames
    dataset.save_as(path)
    with pytest.raises(
        ReadingError, match=r"no number of pictures \(NumberOfFrames\) but 8 positions"
    ) as caught:
        read_ct(path)
    assert "None" not in str(caught.value)


def test_words_of_any_length_stay_short_in_lists(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        for keyword in ("ConvolutionKernel", "SeriesDescription", "PatientPosition"):
            put_raw(dataset, keyword, b"K" * 60_000, "UT")
        put_raw(dataset, "ImageType", b"ORIGINAL\\PRIMARY\\" + b"T" * 60_000, "UT")

    (entry,) = list_series(make_series(tmp_path / "ct", edit=edit))
    assert entry.loadable
    assert len(entry.line()) < 300


@pytest.mark.parametrize("number", ["2.5", "1e16"])
def test_a_count_is_a_whole_number_or_refused(number: str) -> None:
    dataset = Dataset()
    dataset.add_new("SliceThickness", "DS", number)
    with pytest.raises(BadSliceError, match="a whole number is needed"):
        Elements((dataset,), dataset).integer("SliceThickness")
