"""Measuring: the area is that of the projected points, whatever moves with them."""

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.polygon import crosses_itself, interior_angles
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View

views = st.builds(View, st.floats(-180, 180), st.floats(-80, 80))
coordinates = st.floats(-40, 40)
corners = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=3)
shifts = st.tuples(*[st.floats(-500, 500)] * 3)


def triangle(points: object, view: View | None = None) -> Triangle:
    return Triangle("safe", "left", points, view or View(0))


def known(area_view: View = View(0)) -> Triangle:  # noqa: B008 - a frozen value
    """A 12 by 5 mm right triangle, 30 mm², facing the view."""
    return Triangle.from_clicks(area_view, [[0, 0], [12, 0], [0, 5]], 20, kind="kambin", side="right")


def test_known_triangle() -> None:
    measured = known(View(27, -12))
    assert measured.area_mm2 == pytest.approx(30)
    assert measured.edges_mm == pytest.approx((12, 13, 5))
    assert measured.edges_in_space_mm == pytest.approx((12, 13, 5))
    assert measured.angles_deg == pytest.approx(
        (90, np.degrees(np.arctan2(5, 12)), np.degrees(np.arctan2(12, 5)))
    )
    assert measured.facing_area_mm2 == pytest.approx(30)
    assert "superior border of S1" in measured.definition


@given(views, st.floats(-89.5, 89.5), st.floats(0, 360))
def test_area_falls_with_the_cosine_of_the_obliquity(view: View, angle: float, about: float) -> None:
    """A cos(angle) to 0.1 % in every direction of turning."""
    axis = np.cos(np.radians(about)) * view.right + np.sin(np.radians(about)) * view.up
    turned = View.from_vector(Rotation.from_rotvec(np.radians(angle) * axis).apply(view.vector))
    assert known(view).area_in(turned) == pytest.approx(30 * np.cos(np.radians(angle)), rel=1e-3, abs=1e-6)


@given(corners, views, st.floats(-100, 100), shifts)
def test_area_follows_from_the_points_alone(
    points: list[tuple[float, float]], view: View, depth: float, shift: tuple[float, float, float]
) -> None:
    """Shoelace in the picture = half the cross product of the 3D points along the sight, wherever the patient lies."""
    (x0, y0), (x1, y1), (x2, y2) = points
    shoelace = abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2
    assume(shoelace > 0.01)
    placed = Triangle.from_clicks(view, points, depth, kind="safe", side="left")
    assert placed.area_mm2 == pytest.approx(shoelace, rel=1e-9)
    moved = triangle(placed.vertices + np.asarray(shift), view)
    a, b, c = moved.vertices
    assert abs(np.cross(b - a, c - a) @ view.vector) / 2 == pytest.approx(shoelace, rel=1e-7)
    assert moved.area_mm2 == pytest.approx(shoelace, rel=1e-7)


@given(corners, st.tuples(*[st.floats(-40, 40)] * 3), views, st.floats(-180, 180), shifts)
def test_rigid_motion_changes_nothing(
    points: list[tuple[float, float]],
    depths: tuple[float, float, float],
    view: View,
    angle: float,
    shift: tuple[float, float, float],
) -> None:
    vertices = view.unproject(points, depths)
    try:
        before = triangle(vertices, view)
    except MeasurementError:
        assume(False)
    assume(before.area_mm2 > 0.01)
    turn = Rotation.from_rotvec(np.radians(angle) * np.array([0, 0, 1]))
    after_view = View.from_vector(turn.apply(view.vector))
    after = triangle(turn.apply(vertices) + np.asarray(shift), after_view)
    assert after.area_mm2 == pytest.approx(before.area_mm2, rel=1e-6)
    assert after.edges_in_space_mm == pytest.approx(before.edges_in_space_mm, rel=1e-6, abs=1e-6)


@given(corners, views)
def test_mirror_swaps_sides_and_keeps_the_area(points: list[tuple[float, float]], view: View) -> None:
    vertices = view.unproject(points, 10)
    try:
        before = triangle(vertices, view)
    except MeasurementError:
        assume(False)
    mirrored = Triangle("safe", "right", vertices * [-1, 1, 1], View(-view.azimuth, view.elevation))
    assert mirrored.area_mm2 == pytest.approx(before.area_mm2, rel=1e-6)
    assert sorted(mirrored.angles_deg) == pytest.approx(sorted(before.angles_deg), abs=1e-4)


@given(corners, views, st.floats(0.05, 20))
def test_area_grows_with_the_square_of_the_scale(
    points: list[tuple[float, float]], view: View, scale: float
) -> None:
    vertices = view.unproject(points, 10)
    try:
        before = triangle(vertices, view)
    except MeasurementError:
        assume(False)
    assert triangle(vertices * scale, view).area_mm2 == pytest.approx(before.area_mm2 * scale**2, rel=1e-6)


def test_polygons_of_more_points() -> None:
    outline = [[0, 0], [10, 0], [10, 10], [5, 4], [0, 10]]
    placed = Triangle.from_clicks(View(10), outline, 0, kind="safe", side="left")
    assert placed.area_mm2 == pytest.approx(70)
    assert sum(placed.angles_deg) == pytest.approx(540)
    assert max(placed.angles_deg) > 180
    assert sum(interior_angles(outline[::-1])) == pytest.approx(540)


@pytest.mark.parametrize(
    "outline",
    [
        [[0, 0], [10, 10], [10, 0], [0, 10]],
        [[0, 0], [10, 0], [0, 5], [8, 9], [2, -5]],
    ],
)
def test_an_outline_that_crosses_itself_is_refused(outline: list[list[float]]) -> None:
    assert crosses_itself(outline)
    with pytest.raises(MeasurementError, match="crosses itself"):
        Triangle.from_clicks(View(0), outline, 0, kind="safe", side="left")


@pytest.mark.parametrize(
    "points",
    [
        [[0, 0, 0], [1, 0, 1], [2, 0, 2]],
        [[0, 0, 0], [0, 0, 0], [5, 0, 5]],
        [[4, 4, 4]] * 3,
        [[0, 0, 0], [0, 9, 0], [0, 0, 9]],
        [[0, 0, 0], [1, 1, 1]],
        [[0, 0], [1, 1], [0, 1]],
        [[0, 0, np.nan], [1, 0, 1], [2, 0, 0]],
        np.zeros((0, 3)),
    ],
)
def test_points_that_bound_no_area_are_refused(points: object) -> None:
    with pytest.raises(MeasurementError):
        triangle(points)


@pytest.mark.parametrize(("kind", "side"), [("bermuda", "left"), ("safe", "middle")])
def test_unknown_kind_and_side_are_refused(kind: str, side: str) -> None:
    with pytest.raises(MeasurementError):
        Triangle(kind, side, np.eye(3), View(20, 20))


def test_seen_from_the_edge_the_area_is_zero() -> None:
    assert known(View(0)).area_in(View(90)) == pytest.approx(0, abs=1e-9)


@given(corners, views)
def test_stored_triangle_is_the_triangle(points: list[tuple[float, float]], view: View) -> None:
    try:
        before = Triangle.from_clicks(view, points, 12.5, kind="kambin", side="left", author="automatic")
    except MeasurementError:
        assume(False)
    after = Triangle.from_dict(json.loads(json.dumps(before.to_dict())))
    assert after == before
    assert after.area_mm2 == before.area_mm2
    np.testing.assert_array_equal(after.vertices, before.vertices)


def test_a_stored_area_that_does_not_fit_its_points_is_refused() -> None:
    data = known().to_dict()
    with pytest.raises(MeasurementError, match="edited"):
        Triangle.from_dict({**data, "area_mm2": 31.0})
    with pytest.raises(MeasurementError, match="not complete"):
        Triangle.from_dict({**data, "vertices_lps_mm": "three"})
    del data["view"]
    with pytest.raises(MeasurementError, match="not complete"):
        Triangle.from_dict(data)


def test_dragging_a_vertex_gives_a_new_triangle() -> None:
    before = known()
    after = before.moved(1, before.vertices[1] + 12 * View(0).right)
    assert before.area_mm2 == pytest.approx(30)
    assert after.area_mm2 == pytest.approx(60)
    assert after.created == before.created
    with pytest.raises(ValueError, match="read-only"):
        after.vertices[0] = 0
