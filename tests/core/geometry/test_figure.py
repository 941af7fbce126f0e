"""Distances, angles and areas between points whose geometry is known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinect_core.base.errors import MeasurementError
from spinect_core.base.words import CutPlane
from spinect_core.geometry.figure import NORMALS, PLANE_VIEWS, Figure
from spinect_core.geometry.view import View

VIEW = View(27, -12)
FAR = np.array([-1200.0, 900.0, 400.0])
"""Where no digit may be lost."""


def seen(shape, flat, view=VIEW, depth=0.0, **more):
    return Figure(shape, view.unproject(flat, depth) + FAR, view, **more)


def test_a_distance_is_that_of_the_view_and_besides_that_in_space() -> None:
    level = seen("distance", [(0, 0), (3, 4)])
    assert (level.value, level.text, level.edges_mm) == (pytest.approx(5), "5.0 mm", (pytest.approx(5),))
    assert level.in_space is None
    steep = seen("distance", [(0, 0), (3, 4)], depth=[0, 12], on_surface=True)
    assert steep.value == pytest.approx(5)
    assert steep.in_space == pytest.approx(13)


@given(st.floats(0.01, 179.99), st.floats(-180, 180), st.floats(-80, 80))
def test_an_angle_is_that_between_its_legs_whatever_their_lengths(
    angle: float, turn: float, tilt: float
) -> None:
    leg = 7 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    measured = seen("angle", [(30, 0), (0, 0), leg], View(turn, tilt))
    assert measured.value == pytest.approx(angle, abs=1e-6)
    assert seen("angle", [leg, (0, 0), (30, 0)], View(turn, tilt)).value == pytest.approx(angle, abs=1e-6)


def test_an_angle_on_surfaces_has_another_size_in_space() -> None:
    """A right angle whose legs both lean towards the viewer by 45° looks like one and has 60°."""
    measured = seen("angle", [(5, 0), (0, 0), (0, 5)], depth=[5, 0, 5], on_surface=True)
    assert measured.value == pytest.approx(90)
    assert measured.in_space == pytest.approx(60)
    assert measured.text == "90.0°"


def test_a_polygon_has_the_area_of_its_outline() -> None:
    hollow = [(0, 0), (10, 0), (10, 10), (5, 2), (0, 10)]
    measured = seen("polygon", hollow, depth=33.0)
    assert measured.value == pytest.approx(60)
    assert measured.text == "60.0 mm²"
    assert seen("polygon", hollow[::-1]).value == pytest.approx(60)
    assert sum(measured.edges_mm) == pytest.approx(30 + 2 * np.hypot(5, 8))


@pytest.mark.parametrize("plane", CutPlane)
def test_what_lies_in_a_slice_is_measured_true(plane: CutPlane) -> None:
    points = np.array([(0.0, 0, 0), (6, 0, 0), (6, 8, 0)])
    along = NORMALS[plane]
    placed = np.insert(points[:, :2], along, -12.5, axis=1)
    distance = Figure("distance", placed[[0, 2]], PLANE_VIEWS[plane], plane)
    assert distance.value == pytest.approx(10)
    assert distance.where == f"{plane} slice at −12.5 mm"
    assert Figure("angle", placed, PLANE_VIEWS[plane], plane).value == pytest.approx(90)
    assert Figure("polygon", placed, PLANE_VIEWS[plane], plane).value == pytest.approx(24)
    with pytest.raises(MeasurementError, match=f"one {plane} slice"):
        distance.moved(0, placed[0] + np.eye(3)[along])
    with pytest.raises(MeasurementError, match="plane is not seen"):
        replace(distance, view=VIEW)


def test_slices_are_seen_from_the_feet_the_left_and_the_front() -> None:
    seen_from = {plane: view.vector.round(9).tolist() for plane, view in PLANE_VIEWS.items()}
    assert seen_from == {"axial": [0, 0, -1], "sagittal": [1, 0, 0], "coronal": [0, -1, 0]}
    # as the slices show them: across to the patient's left or back, down to the back or the feet
    across = {plane: view.right.round(9).tolist() for plane, view in PLANE_VIEWS.items()}
    assert across == {"axial": [1, 0, 0], "sagittal": [0, 1, 0], "coronal": [1, 0, 0]}


@pytest.mark.parametrize(
    ("shape", "flat", "fault"),
    [
        ("distance", [(1, 1), (1, 1)], "one place"),
        ("distance", [(1, 1), (2, 1), (3, 3)], "no list of 2 points"),
        ("angle", [(0, 0), (5, 5), (5, 5)], "one place"),
        ("polygon", [(0, 0), (5, 5)], "3 to 100 points"),
        ("polygon", [(0, 0), (5, 5), (9, 9)], "on one line"),
        ("polygon", [(0, 0), (10, 10), (10, 0), (0, 10)], "crosses itself"),
        ("circle", [(0, 0), (5, 5)], "no measurement called"),
        ("distance", [(0, 0), (np.inf, 5)], "not finite"),
    ],
)
def test_points_that_measure_nothing_are_refused(shape: str, flat: object, fault: str) -> None:
    with pytest.raises(MeasurementError, match=fault), np.errstate(invalid="ignore"):
        seen(shape, flat)


def test_points_in_one_place_as_they_are_seen_measure_nothing_in_this_view() -> None:
    with pytest.raises(MeasurementError, match="Seen left oblique 27°, caudal 12° two points"):
        seen("distance", [(0, 0), (0, 0)], depth=[0, 30], on_surface=True)


def test_it_is_stored_to_the_last_digit_and_refused_where_numbers_contradict_its_points() -> None:
    made = seen("distance", [(0, 0), (3, 4)], depth=[0, 12], on_surface=True)
    data = json.loads(json.dumps(made.to_dict()))
    assert Figure.from_dict(data) == made
    for change, fault in (
        ({"value": 6.0}, "not those of the stored points"),
        ({"value": float("nan")}, "not those of the stored points"),
        ({"in_space": 14.0}, "not those of the stored points"),
        ({"in_space": None}, "do not agree"),
        ({"on_surface": False}, "do not agree"),
        ({"unit": "cm"}, "not in mm"),
        ({"plane": "axial"}, "plane is not seen"),
        ({"plane": "oblique"}, "no plane called"),
        ({"vertices_lps_mm": [[0, 0, 0], [1, "x", 0]]}, "not complete"),
    ):
        with pytest.raises(MeasurementError, match=fault):
            Figure.from_dict({**data, **change})
    del data["view"]
    with pytest.raises(MeasurementError, match="not complete"):
        Figure.from_dict(data)
