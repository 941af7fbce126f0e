"""Where points fall on a simulated exposure."""

from __future__ import annotations

import numpy as np
import pytest

from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import DetectorSide
from spinect_core.geometry.exposure import Exposure, Fluoroscope
from spinect_core.geometry.view import View

TARGET = np.array([12.0, 140.0, -30.0])
SIDES = tuple(DetectorSide)
VIEWS = (View(0), View(90), View(-90), View(27, -12), View(-41, 18), View(180), View(0, -90))


@pytest.mark.parametrize("detector", SIDES)
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.words)
def test_points_fall_where_similar_triangles_put_them(view: View, detector: DetectorSide) -> None:
    device = Fluoroscope(600, 1000, 250, 500, detector)
    exposure = Exposure(view, TARGET, device)
    across, up, near = 20.0, -15.0, 40.0
    point = TARGET + across * view.right + up * view.up + near * view.vector
    # The viewer is at the detector, or at the source: 40 mm towards him is farther from the source, or nearer to it.
    away = 600 + near if detector == DetectorSide.AT_VIEWER else 600 - near
    expected = 250 + np.array([across, -up]) * (1000 / away) / (250 / 500)
    assert exposure.to_pixels(point) == pytest.approx(expected, abs=1e-6)
    assert exposure.magnification_at(point) == pytest.approx(1000 / away)
    assert exposure.to_pixels(TARGET) == pytest.approx([250, 250], abs=1e-9)
    assert exposure.at_depth_of(exposure.to_pixels(point), point) == pytest.approx(point, abs=1e-6)
    on_detector = exposure.on_detector(exposure.to_pixels(point))
    ray, way = on_detector - exposure.source, point - exposure.source
    assert np.linalg.norm(np.cross(ray, way)) / np.linalg.norm(ray) / np.linalg.norm(way) < 1e-9


@pytest.mark.parametrize("detector", SIDES)
def test_the_patients_left_is_never_swapped_with_the_right(detector: DetectorSide) -> None:
    exposure = Exposure(View(0), TARGET, Fluoroscope(detector=detector))
    left, right = exposure.to_pixels(TARGET + np.array([[30.0, 0, 0], [-30.0, 0, 0]]))
    assert left[0] < 256 < right[0]  # from behind, the patient's left is on the left
    assert exposure.letters[:2] == ("L", "R")
    assert exposure.letters[2:] == ("S", "I")


def test_the_detectors_side_turns_the_c_arm_and_the_beam() -> None:
    view = View.oblique("left", 27, -12)
    here = Exposure(view, TARGET, Fluoroscope())
    there = Exposure(view, TARGET, Fluoroscope(detector=DetectorSide.OPPOSITE))
    assert here.beam == pytest.approx(-there.beam)
    assert here.c_arm == view.c_arm
    assert there.c_arm == view.c_arm_pair(detector_at_viewer=False)
    hub = TARGET + 100 * view.vector + np.array([0, 0, 5.0])
    # Next to the detector the hub is less magnified than next to the source.
    assert here.magnification_at(hub) < here.fluoroscope.magnification < there.magnification_at(hub)


def test_a_line_of_sight_is_a_point_in_the_middle() -> None:
    view = View.oblique("right", 33, 8)
    needle = TARGET + np.linspace(-40, 120, 9)[:, None] * view.vector
    for detector in SIDES:
        pixels = Exposure(view, TARGET, Fluoroscope(detector=detector)).to_pixels(needle)
        assert np.abs(pixels - 256).max() < 1e-6


def test_magnification_moves_the_patient_between_source_and_detector() -> None:
    device = Fluoroscope().with_magnification(1.5)
    assert device.magnification == pytest.approx(1.5)
    assert device.source_to_detector_mm == Fluoroscope().source_to_detector_mm
    assert device.field_mm == pytest.approx(device.detector_mm / 1.5)
    with pytest.raises(MeasurementError, match="not possible"):
        Fluoroscope().with_magnification(1.0)


def test_what_no_c_arm_has_is_refused() -> None:
    with pytest.raises(MeasurementError, match="no C-arm"):
        Fluoroscope(1020, 650)
    with pytest.raises(MeasurementError, match="field is nan mm"):
        Fluoroscope(detector_mm=float("nan"))
    with pytest.raises(MeasurementError, match="shows nothing"):
        Fluoroscope(detector_mm=0)
    with pytest.raises(MeasurementError, match="place of a detector"):
        Fluoroscope(detector="beside")  # type: ignore[arg-type]
    with pytest.raises(MeasurementError, match="no point"):
        Exposure(View(0), np.array([0, np.nan, 0]))
    exposure = Exposure(View(0), TARGET)
    with pytest.raises(MeasurementError, match="behind the X-ray source"):
        exposure.to_pixels(exposure.source - 10 * exposure.beam)
