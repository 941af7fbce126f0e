"""The best-fitting triangle of a window."""

import numpy as np
import pytest
import shapely
from scipy.spatial.transform import Rotation
from window_scenes import (
    NOTHING,
    bone,
    moved,
    moved_zone,
    regular,
    sheet,
    square,
    tube,
    zone_of,
    zone_through,
)

from spinect_core.base.errors import MeasurementError
from spinect_core.geometry.view import View
from spinect_core.geometry.zone import Border, Zone
from spinect_core.planning.zones.fitted import FittedTriangle, fit_triangle
from spinect_core.planning.zones.obstacles import Obstacles
from spinect_core.planning.zones.window import Sight

BIG = np.array([(-20.0, -11.0), (22.0, -11.0), (-20.0, 25.0)])
"""Base below, hypotenuse from right below to left above, height at the left: the second and the third border."""
VIEW, AT = View(27, -12), np.array([31.7, 180.4, -912.3])


def zone() -> Zone:
    """The right angle between base and height lies left below."""
    corners = AT + VIEW.unproject(BIG, 0.0)
    runs = {"base": corners[[0, 1]], "hypotenuse": corners[[1, 2]], "height": corners[[2, 0]]}
    return Zone(
        "kambin", "bony", "left", "L5/S1", tuple(Border(f"the {r}", r, run) for r, run in runs.items())
    )


def fitted(hole: np.ndarray) -> tuple[FittedTriangle, shapely.Polygon]:
    sight = Sight(zone(), bone(sheet(square(40), [hole], VIEW, AT, 9.0)))
    window = sight.window(VIEW)
    found = fit_triangle(sight, window)
    assert found is not None
    return found, window.polygon


def test_a_triangular_window_is_its_own_triangle() -> None:
    found, _ = fitted(np.array([(-4.0, -5.0), (2.0, -5.0), (-4.0, 3.0)]))
    assert found.triangle.area_mm2 == pytest.approx(24, rel=0.01)
    assert found.edges_mm == pytest.approx({"base": 6.0, "height": 8.0, "hypotenuse": 10.0}, abs=0.05)
    assert found.gaps_mm["base"] == pytest.approx(6, abs=0.05)
    assert found.gaps_mm["height"] == pytest.approx(16, abs=0.05)
    assert found.right_angle_deg == pytest.approx(90, abs=0.5)
    assert found.filled == pytest.approx(1, abs=0.005)
    assert found.outside < 0.005
    assert found.triangle.author == "automatic"
    assert (found.triangle.kind, found.triangle.side, found.triangle.view) == ("kambin", "left", VIEW)
    assert "base: the base" in found.triangle.definition
    # On the flat membrane.
    normal = VIEW.vector
    assert (found.triangle.vertices - AT) @ normal == pytest.approx(np.zeros(3), abs=1e-3)


def test_an_oblique_triangle_tells_how_far_it_is_from_a_right_angle() -> None:
    found, _ = fitted(np.array([(-4.0, -5.0), (4.0, -5.0), (-1.5, 3.0)]))
    assert found.right_angle_deg == pytest.approx(np.degrees(np.arctan2(8, 2.5)), abs=0.5)
    assert found.edges_mm["height"] == pytest.approx((2.5**2 + 64) ** 0.5, abs=0.05)


@pytest.mark.parametrize(
    ("hole", "area"),
    [
        (regular(360, 3.0), 3 * 3**0.5 / 4 * 9),
        (np.array([(-4.0, -2.0), (4.0, -2.0), (4.0, 2.0), (-4.0, 2.0)]), 16.0),
        (regular(6, 4.0), 3 * 3**0.5 / 4 * 16),
    ],
    ids=["circle", "rectangle", "hexagon"],
)
def test_the_largest_triangle_in_convex_windows(hole: np.ndarray, area: float) -> None:
    found, _ = fitted(hole)
    assert found.triangle.area_mm2 == pytest.approx(area, rel=0.01)
    assert found.outside < 0.005


def test_in_a_window_with_a_bay_no_more_than_two_percent_lie_outside() -> None:
    bay = [(-1.0, -5.0), (-0.6, -4.0), (0.0, -3.8), (0.6, -4.0), (1.0, -5.0)]
    found, window = fitted(np.array([(-6.0, -5.0), *bay, (6.0, -5.0), (-6.0, 6.0)]))
    corners = found.triangle.projected
    # The bay is covered as little as may be: an edge goes over its brim.
    outside = shapely.Polygon(corners).difference(window).area / found.triangle.area_mm2
    assert 0.005 < outside <= 0.02
    assert found.outside == pytest.approx(outside, abs=1e-6)
    assert found.triangle.area_mm2 > 0.9 * window.area
    assert shapely.distance(shapely.points(corners), window).max() < 1e-6


def test_a_winding_window_holds_a_triangle_too() -> None:
    ring = (
        shapely.Point(0, 0)
        .buffer(6.0, quad_segs=32)
        .difference(shapely.Point(0, 0).buffer(5.2, quad_segs=32))
    )
    crescent = ring.difference(shapely.box(-7, -7, 7, 1))
    found, window = fitted(np.asarray(crescent.exterior.coords)[:-1])
    assert (
        shapely.Polygon(found.triangle.projected).difference(window).area <= 0.0201 * found.triangle.area_mm2
    )
    assert found.triangle.area_mm2 > 0.8


def test_nothing_open_holds_no_triangle() -> None:
    sight = Sight(zone(), bone(tube(AT + 60 * VIEW.vector, VIEW.right, 40.0)))
    assert fit_triangle(sight, sight.window(VIEW)) is None


def test_a_zone_without_a_height_is_refused() -> None:
    corners = AT + VIEW.unproject(BIG, 0.0)
    two = (Border("a", "base", corners[:2]), Border("b", "hypotenuse", corners[1:]))
    sight = Sight(Zone("safe", "", "left", "L5/S1", two), Obstacles(NOTHING, NOTHING))
    with pytest.raises(MeasurementError, match="no height"):
        fit_triangle(sight, sight.window(VIEW))


def test_moving_and_mirroring_the_scene_moves_and_mirrors_the_triangle() -> None:
    corners = np.array([(-9.0, 0.0, -7.0), (9.0, 2.0, -7.0), (-7.0, -1.0, 9.0)])
    over = tube(np.array([4.0, 12.0, 4.0]), np.array([1.0, 0.0, -1.0]), 2.0)
    here = Sight(zone_through(corners), bone(over))
    first = fit_triangle(here, here.window(View(10, 5)))
    matrix = Rotation.from_euler("zyx", (50, 20, -30), degrees=True).as_matrix()
    shift = np.array([100.0, -20.0, 300.0])
    there = Sight(moved_zone(here.zone, matrix, shift), bone(moved(over, matrix, shift)))
    second = fit_triangle(there, there.window(View.from_vector(matrix @ View(10, 5).vector)))
    mirror = np.diag([-1.0, 1.0, 1.0])
    swapped = Sight(
        moved_zone(here.zone, mirror, np.zeros(3), "right"), bone(moved(over, mirror, np.zeros(3)))
    )
    third = fit_triangle(swapped, swapped.window(View(-10, 5)))
    assert first is not None
    assert second is not None
    assert third is not None
    assert second.triangle.vertices == pytest.approx(first.triangle.vertices @ matrix.T + shift, abs=0.1)
    assert third.triangle.vertices == pytest.approx(first.triangle.vertices @ mirror, abs=0.1)
    assert third.triangle.side == "right"
    assert second.edges_mm == pytest.approx(first.edges_mm, abs=0.1)


def test_the_same_window_gives_the_same_triangle() -> None:
    hole = regular(7, 3.0) * (1.4, 0.8)
    assert np.array_equal(fitted(hole)[0].triangle.vertices, fitted(hole)[0].triangle.vertices)


def test_a_triangle_seen_from_afar_side_lies_on_a_tilted_membrane() -> None:
    tilted = AT + VIEW.unproject(BIG, [0.0, 6.0, -4.0])
    sight = Sight(zone_through(tilted), bone(sheet(square(40), [regular(3, 4.0)], VIEW, AT, 12.0)))
    found = fit_triangle(sight, sight.window(VIEW))
    assert found is not None
    normal = np.cross(tilted[1] - tilted[0], tilted[2] - tilted[0])
    assert (found.triangle.vertices - tilted[0]) @ (normal / np.linalg.norm(normal)) == pytest.approx(
        np.zeros(3), abs=0.01
    )


def test_zone_of_is_used_with_its_own_roles() -> None:
    sight = Sight(zone_of(BIG, VIEW, AT), Obstacles(NOTHING, NOTHING))
    found = fit_triangle(sight, sight.window(VIEW))
    assert found is not None
    assert found.edges_mm == pytest.approx({"base": 42.0, "height": 55.32, "hypotenuse": 36.0}, abs=0.1)
    assert max(found.gaps_mm.values()) < 0.02
