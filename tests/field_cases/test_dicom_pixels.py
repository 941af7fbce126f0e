"""Pixel data that are longer or shorter than the header says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dicom_maker import example_volume, make_enhanced, make_series
from pydicom import dcmread
from pydicom.dataset import Dataset

from spinect_core.base.errors import ReadingError
from spinect_core.io.reading import read_ct

FILLINGS: dict[str, Callable[[bytes], bytes]] = {
    "blocks of 512": lambda data: data + bytes(-len(data) % 512),
    "blocks of 2048": lambda data: data + bytes(-len(data) % 2048),
    "300 zeros": lambda data: data + bytes(300),
    "a block of 64 KiB": lambda data: data + bytes(-len(data) % 65536),
    "ones": lambda data: data + b"\xff" * 300,
    "two odd bytes": lambda data: data + b"ab",
}


def with_pixels(change: Callable[[bytes], bytes]) -> Callable[[Dataset, int], None]:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.PixelData = change(dataset.PixelData)

    return edit


@pytest.mark.parametrize("filling", FILLINGS)
def test_what_fills_the_pixel_data_is_dropped_and_told(tmp_path: Path, filling: str) -> None:
    found = read_ct(make_series(tmp_path / "ct", edit=with_pixels(FILLINGS[filling])))
    np.testing.assert_array_equal(found.array, example_volume().array)
    (warning,) = found.warnings
    assert "8 file(s) hold more pixel data than their headers say" in warning.text
    assert not warning.grave


def test_filling_behind_the_frames_of_a_multiframe_file(tmp_path: Path) -> None:
    path = make_enhanced(tmp_path / "ct.dcm")
    dataset = dcmread(path)
    dataset.PixelData += bytes(1000)
    dataset.save_as(path)
    np.testing.assert_array_equal(read_ct(path).array, example_volume().array)


@pytest.mark.parametrize(
    "change",
    [lambda data: data + data, lambda data: data + b"ab" * 50, lambda data: data[:-20]],
    ids=["twice", "more", "fewer"],
)
def test_pixels_of_another_number_are_refused_with_both_numbers(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(
        ReadingError, match=r"slice_0001\.dcm has \d+ bytes of pixels, the header says 240 \(Rows"
    ) as caught:
        read_ct(make_series(tmp_path / "ct", edit=with_pixels(change)))
    assert "compression" not in str(caught.value)
