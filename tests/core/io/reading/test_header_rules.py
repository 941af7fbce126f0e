"""What headers say of bits and units is obeyed, or refused where it contradicts itself."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_maker import make_series

from spinect_core.base.errors import ReadingError
from spinect_core.image.volume import Geometry, Labels
from spinect_core.io.reading import read_ct, read_labels
from spinect_core.io.writing import write_labels


@pytest.mark.parametrize(("stored", "high"), [(16, 14), (16, 11), (12, 15), (12, 7), (16, 0)])
def test_a_highest_bit_elsewhere_than_under_the_sign_is_refused(
    tmp_path: Path, stored: int, high: int
) -> None:
    """Values whose bits do not begin at the lowest would be read too large or too small by powers of two."""

    def claim(dataset: pydicom.Dataset, _: int) -> None:
        dataset.BitsStored, dataset.HighBit = stored, high

    with pytest.raises(ReadingError, match=f"HighBit.*{high}"):
        read_ct(make_series(tmp_path / "ct", edit=claim))


@pytest.mark.parametrize(
    ("code", "unit_mm"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001)], ids=["unknown", "m", "mm", "µm"]
)
def test_lengths_in_a_nifti_are_in_the_unit_it_names(tmp_path: Path, code: int, unit_mm: float) -> None:
    grid = Geometry((36, 40, 44), (2.0, 1.75, 2.5), (-40.0, 30.0, -300.0))
    array = np.zeros(grid.shape, np.uint8)
    array[4, 7, 9] = 1
    path = write_labels(Labels(array, grid), tmp_path / "labels.nii")
    content = bytearray(path.read_bytes())
    header = np.frombuffer(content, np.uint8)
    order = "<" if int.from_bytes(content[:4], "little") == 348 else ">"

    def scale(first: int, count: int) -> None:
        numbers = header[first : first + 4 * count].view(f"{order}f4")
        numbers[:] = numbers / unit_mm

    header.flags.writeable = True
    scale(80, 3)  # pixdim along x, y, z
    scale(268, 3)  # the quaternion form's offsets
    scale(280, 12)  # the affine form
    header[123] = (int(header[123]) & 0xF8) | code
    path.write_bytes(header.tobytes())

    geometry = read_labels(path).geometry
    assert geometry.spacing == pytest.approx(grid.spacing, rel=1e-5)
    assert geometry.to_patient((4, 7, 9)) == pytest.approx(grid.to_patient((4, 7, 9)), abs=1e-2)
