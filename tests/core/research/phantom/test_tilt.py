"""A leaning gantry: every pixel of its slices lies where its DICOM header says."""

from pathlib import Path

import numpy as np
import pytest

from spinect_core.base.errors import SpatialError, UsageError
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import read_ct
from spinect_core.research.phantom.order import Order
from spinect_core.research.phantom.scanner import Scan
from spinect_core.research.phantom.tilt import TiltedScan, box_for_tilt, tilted_scan, write_tilted_series

BOX = ((-30.0, 30.0), (-40.0, 40.0), (-20.0, 20.0))
BALLS = np.array([[8.0, -22.0, 4.0], [-10.0, 25.0, -3.0]])


def tilted(angle: float, within: int = 1) -> TiltedScan:
    """Two balls in water, scanned with a leaning gantry."""
    box = box_for_tilt(BOX, angle)
    step = 2.0 / within
    count = [int(np.floor((high - low) / s)) + 1 for (low, high), s in zip(box, (1, 1, step), strict=True)]
    geometry = Geometry((count[2], count[1], count[0]), (1.0, 1.0, step), (box[0][0], box[1][0], box[2][0]))
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    points = geometry.to_patient(index)
    near = np.min([np.linalg.norm(points - ball, axis=-1) for ball in BALLS], axis=0)
    tissue = 1000.0 * np.clip(5.5 - near, 0.0, 1.0)
    volume = Volume(tissue.astype(np.int16), geometry)
    return tilted_scan(volume, BOX, angle, Scan(1.0, 1.0, 0.0), np.random.default_rng(0), within=within)


@pytest.mark.parametrize(("angle", "within"), [(20.0, 1), (-12.0, 3)])
def test_balls_lie_where_position_and_orientation_say(angle: float, within: int) -> None:
    slices = tilted(angle, within)
    k, j, i = np.nonzero(slices.array)
    weight = slices.array[k, j, i].astype(float)
    points = (
        slices.positions[k]
        + np.outer(i * slices.pixel_mm[0], slices.across)
        + np.outer(j * slices.pixel_mm[1], slices.down)
    )
    for ball in BALLS:
        mine = np.linalg.norm(points - ball, axis=1) < 11.0
        assert np.average(points[mine], axis=0, weights=weight[mine]) == pytest.approx(ball, abs=0.1)


def test_the_series_is_valid_and_the_reader_names_its_tilt(tmp_path: Path) -> None:
    import pydicom

    files = write_tilted_series(tilted(15.0), tmp_path)
    header = pydicom.dcmread(files[3])
    down = np.array(header.ImageOrientationPatient[3:], float)
    step = np.subtract(header.ImagePositionPatient, pydicom.dcmread(files[2]).ImagePositionPatient)
    assert step == pytest.approx([0.0, 0.0, 2.0])
    assert np.degrees(np.arctan2(down[2], down[1])) == pytest.approx(15.0)
    assert float(header.GantryDetectorTilt) == 15.0
    assert header.PatientPosition == "HFS"
    with pytest.raises(SpatialError, match=r"gantry was tilted.*15\.0 degrees"):
        read_ct(tmp_path)


def test_the_truth_of_a_tilted_case_tells_of_the_tilt() -> None:
    order = Order(5, (4.0, 4.0, 4.0), box=((-40.0, 40.0), (-30.0, 40.0), (-30.0, 30.0)))
    phantom, slices = order.draw_tilted(10.0)
    assert phantom.truth["tilted"]["tilt_deg"] == 10.0
    assert phantom.truth["tilted"]["shape_zyx"] == list(slices.array.shape)
    assert phantom.truth["scan"]["noise_hu"] == order.setting().noise_hu
    low, high = slices.positions[0][2], slices.positions[-1][2]
    corners = phantom.labels.geometry.corners()
    assert corners[:, 2].min() <= low <= high <= corners[:, 2].max()
    with pytest.raises(UsageError):
        order.draw_tilted(45.0)
