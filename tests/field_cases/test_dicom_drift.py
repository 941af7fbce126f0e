"""Slices that do not lie exactly above each other: rounded orientations and creeping tables are read, tilts are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_maker import example_volume, make_series
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from spinect_core.base.errors import SpatialError
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import read_ct

LONG = 60
"""Slices of 5 mm: as long as a scan of the whole trunk, and quick to write."""


def long_volume(direction: NDArray[np.float64] | None = None, pixel: float = 0.8) -> Volume:
    array = example_volume((LONG, 6, 5)).array
    axes = np.eye(3) if direction is None else direction
    return Volume(array, Geometry(array.shape, (pixel, pixel, 5.0), (-40.0, -60.0, 100.0), axes), "Long")


def places_off(found: Volume, truth: Volume) -> float:
    """Mm by which the worst corner of the volume lies beside where its slice says."""
    shape = truth.geometry.shape
    corners = np.array(
        [(z, y, x) for z in (0, shape[0] - 1) for y in (0, shape[1] - 1) for x in (0, shape[2] - 1)]
    )
    there = np.asarray(found.geometry.to_patient(corners)) - np.asarray(truth.geometry.to_patient(corners))
    return float(np.linalg.norm(there, axis=1).max())


def turned(degrees: float) -> NDArray[np.float64]:
    """Axes of slices turned about the line from right to left."""
    a = np.radians(degrees)
    return np.array([[1.0, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])


def worst_angle(decimals: int) -> float:
    """Degrees whose cosines suffer most from rounding."""
    angles = np.radians(np.arange(20, 40, 0.001))
    error = np.abs(np.arctan2(np.sin(angles).round(decimals), np.cos(angles).round(decimals)) - angles)
    return float(np.degrees(angles[int(error.argmax())]))


@pytest.mark.parametrize("decimals", [3, 4, 5])
def test_an_oblique_reformat_with_rounded_cosines_is_read(tmp_path: Path, decimals: int) -> None:
    truth = long_volume(turned(worst_angle(decimals)))

    def rounded(dataset: Dataset, _: int) -> None:
        dataset.ImageOrientationPatient = [round(float(n), decimals) for n in dataset.ImageOrientationPatient]

    found = read_ct(make_series(tmp_path / "ct", truth, edit=rounded))
    np.testing.assert_array_equal(found.array, truth.array)
    assert places_off(found, truth) < 0.15
    assert not any(w.grave for w in found.warnings)


@pytest.mark.parametrize("creep", [0.05, 0.3, 0.5])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_table_that_creeps_by_less_than_a_pixel_is_read_and_told(
    tmp_path: Path, creep: float, axis: int
) -> None:
    truth = long_volume()

    def creeping(dataset: Dataset, z: int) -> None:
        place = [float(n) for n in dataset.ImagePositionPatient]
        place[axis] += creep * z / (LONG - 1)
        dataset.ImagePositionPatient = [f"{n:.6f}" for n in place]

    found = read_ct(make_series(tmp_path / "ct", truth, edit=creeping))
    np.testing.assert_array_equal(found.array, truth.array)
    assert places_off(found, truth) <= creep / 2 + 0.1
    told = [w.text for w in found.warnings if "slide sideways" in w.text]
    assert told == (
        []
        if creep <= 0.1
        else [f"The slices slide sideways by {creep:.2f} mm over 295 mm; they were taken as straight"]
    )


@pytest.mark.parametrize(
    ("degrees", "pixel", "says"),
    [
        (0.15, 0.8, r"do not lie straight above each other: .*\(0\.15 degrees\)"),
        (
            0.08,
            0.3,
            r"do not lie straight above each other: .*0\.41 mm \(0\.08 degrees\), more than the 0\.3 mm",
        ),
        (0.4, 0.8, r"gantry was tilted: .* 0\.4 degrees"),
        (2.0, 0.8, r"gantry was tilted: .* 2\.0 degrees"),
    ],
)
def test_a_tilt_is_still_seen_and_never_of_no_degrees(
    tmp_path: Path, degrees: float, pixel: float, says: str
) -> None:
    def tilted(dataset: Dataset, z: int) -> None:
        place = [float(n) for n in dataset.ImagePositionPatient]
        place[1] += 5.0 * z * np.tan(np.radians(degrees))
        dataset.ImagePositionPatient = [f"{n:.6f}" for n in place]

    with pytest.raises(SpatialError, match=says):
        read_ct(make_series(tmp_path / "ct", long_volume(pixel=pixel), edit=tilted))


def test_one_slice_beside_a_long_stack_is_still_seen(tmp_path: Path) -> None:
    def aside(dataset: Dataset, z: int) -> None:
        if z == 30:
            x, y, s = (float(n) for n in dataset.ImagePositionPatient)
            dataset.ImagePositionPatient = [x + 2.0, y, s]

    with pytest.raises(SpatialError, match=r"slice_0031\.dcm lies 2\.0 mm beside"):
        read_ct(make_series(tmp_path / "ct", long_volume(), edit=aside))
