"""Areas of triangles placed with the mouse, on screens with one and with two device pixels for each logical one."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from gui_help import click, drag
from PySide6.QtCore import QPointF

from spinect_core.geometry.view import View

RATIO = float(os.environ.get("QT_SCALE_FACTOR", "1"))
ROOT = Path(__file__).resolve().parents[2]


def on_screen(viewport, points):
    """Logical pixels of patient points, by VTK's own camera and window size and not by ours."""
    viewport.grabFramebuffer()
    renderer = viewport.renderer
    result = []
    for point in points:
        renderer.SetWorldPoint(*point, 1.0)
        renderer.WorldToDisplay()
        x, y, _ = renderer.GetDisplayPoint()
        result.append((x / RATIO, viewport.height() - y / RATIO))
    return result


def plate(view: View, angle: float, centre) -> tuple[np.ndarray, float]:
    """Corners (3, 3) of a triangle with 8 and 11 mm at a right angle, its plane turned by ``angle`` from the view."""
    turn = np.radians(angle)
    across, up = view.right, view.up * np.cos(turn) + view.vector * np.sin(turn)
    corners = np.array([np.zeros(3), 8 * across, 11 * up]) + centre
    return corners, 8 * 11 / 2


def test_a_known_triangle_measures_a_cos_angle(segmented):
    viewport, model = segmented.stage.viewport, segmented.model
    assert viewport.devicePixelRatioF() == RATIO
    for view, angle in product((View(0), View(32, -14), View(-47, 20)), (0, 25, 60)):
        model.set_view(view)
        viewport.fit()
        corners, area = plate(view, angle, viewport.turntable.focus + np.array([3, -4, 5]))
        segmented.measurements_panel.tools["kambin"].click()
        for position in on_screen(viewport, corners):
            click(viewport, position)
        triangle = model.measurements[-1].drawn
        assert triangle.view == view
        assert triangle.area_mm2 == pytest.approx(area * np.cos(np.radians(angle)), rel=1e-3)
        # the number is the same however the user turns and zooms afterwards
        drag(viewport, (60, 60), (120, 90))
        viewport._move(viewport.turntable.zoom(2.7))
        assert model.measurements[-1].drawn.area_mm2 == triangle.area_mm2
        # seen from elsewhere, the same points follow the cosine
        other = View(view.azimuth + 35, view.elevation)
        seen = triangle.area_in(other)
        assert seen == pytest.approx(triangle.area_mm2 * np.cos(np.radians(view.angle_to(other))), rel=1e-3)


def test_the_surface_under_the_mouse_is_the_one_drawn_there(segmented):
    """The depth comes from the block's back wall, 10.5 mm behind the middle of the CT, wherever the pixel lies."""
    viewport = segmented.stage.viewport
    segmented.model.set_view(View(0))
    back = -33.0 + 1.5 * 29.5
    centre = np.array([-36.0 + 1.5 * 17.5, 0.0, 0.0])
    for offset in ((0, 0, 0), (5, 0, 8), (-6, 0, -9)):
        (position,) = on_screen(viewport, [centre + offset])
        hit = viewport.surface_point(QPointF(*position))
        assert hit is not None
        np.testing.assert_allclose(hit, [*(centre + offset)[:1], back, (centre + offset)[2]], atol=0.4)
    (beside,) = on_screen(viewport, [(-34.0, 0.0, 0.0)])
    assert viewport.surface_point(QPointF(*beside)) is None


def test_a_triangle_lies_at_the_depth_of_the_surface_or_of_the_cross_hair(segmented):
    viewport, model = segmented.stage.viewport, segmented.model
    model.set_view(View(0))
    middle = np.array([-36.0 + 1.5 * 17.5, 0.0, 0.0])
    for choice, depth in (("surface", -33.0 + 1.5 * 29.5), ("cross-hair", -7.0)):
        model.set_cursor((0.0, -7.0, 0.0))
        panel = segmented.measurements_panel
        panel.depth_from.setCurrentIndex(panel.depth_from.findData(choice))
        panel.tools["kambin"].click()
        for position in on_screen(viewport, middle + np.array([(0, 0, 0), (6, 0, 0), (0, 0, 6)])):
            click(viewport, position)
        np.testing.assert_allclose(model.measurements[-1].drawn.vertices[:, 1], depth, atol=0.4)


@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_a_dragged_corner_lands_under_the_mouse_and_stays_in_the_plane(segmented, turn):
    viewport, model = segmented.stage.viewport, segmented.model
    view = View(20, 5)
    model.set_view(view)
    corners, _ = plate(view, 0, viewport.turntable.focus)
    segmented.measurements_panel.tools["safe"].click()
    for position in on_screen(viewport, corners):
        click(viewport, position)
    triangle = model.measurements[-1].drawn
    model.set_view(View(20 + turn, 5))
    start = np.array(on_screen(viewport, triangle.vertices[1:2])[0])
    drag(viewport, start, start + np.array([25.5, -14.0]))
    moved = model.measurements[-1].drawn
    np.testing.assert_allclose(
        on_screen(viewport, moved.vertices[1:2])[0], start + np.array([25.5, -14.0]), atol=0.05
    )
    np.testing.assert_allclose(view.depth(moved.vertices), view.depth(triangle.vertices), atol=1e-6)
    assert model.history.undoText() == "move corner"


@pytest.mark.skipif(RATIO != 1, reason="this is the run at two device pixels")
def test_all_of_this_holds_at_two_device_pixels():
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "-k",
            "not surface_or",
            str(Path(__file__).resolve()),
        ],
        cwd=ROOT,
        env={**os.environ, "QT_SCALE_FACTOR": "2"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
