"""What is drawn over a picture has the scale of the picture below it, measured in the pixels of the screen."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvista as pv
from gui_help import BONE_HU, click
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QGuiApplication, QImage
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.widgets import palette
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View

pytestmark = pytest.mark.heavy

BODY = (255, 0, 255)
SIDE_MM = 20.0
APART_MM = 14.0
MM_PER_PIXEL = 0.25
PATIENCE_MS = 10_000
WIDEST = 1580
"""Logical pixels of the widest window here."""


def screen_of(window, widget):
    """What the screen shows of a widget, RGB [row, column], and its device pixels per logical one.

    Not `QWidget.grab`, which would draw a new frame and so never show one that nobody had asked for.
    """
    pixmap = window.screen().grabWindow(window.winId())
    image = pixmap.toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    picture = rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(int)
    ratio = image.width() / window.width()
    corner = widget.mapTo(window, QPoint(0, 0))
    left, top = round(corner.x() * ratio), round(corner.y() * ratio)
    return picture[
        top : top + round(widget.height() * ratio), left : left + round(widget.width() * ratio)
    ], ratio


def bounds(picture, colour, tolerance=40, inside=None):
    """First and last column and row (device pixels, the last one exclusive) of a colour."""
    wanted = QColor(colour) if isinstance(colour, str) else QColor(*colour)
    found = np.abs(picture - (wanted.red(), wanted.green(), wanted.blue())).max(axis=2) <= tolerance
    if inside is not None:
        left, top, right, bottom = np.round(inside).astype(int)
        kept = np.zeros_like(found)
        kept[max(top, 0) : bottom, max(left, 0) : right] = True
        found &= kept
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    assert len(rows), f"nothing of {colour} is on the screen"
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)


def put_body_and_triangle(window):
    """A cube without shades above the middle of the picture, and a triangle of the overlay below it."""
    viewport, model = window.stage.viewport, window.model
    middle = np.array(model.cursor)
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(
        pv.Cube(
            center=middle + np.array([0, 0, APART_MM]), x_length=SIDE_MM, y_length=SIDE_MM, z_length=SIDE_MM
        )
    )
    body = vtkActor()
    body.SetMapper(mapper)
    body.GetProperty().SetColor(1, 0, 1)
    body.GetProperty().LightingOff()
    viewport.renderer.AddActor(body)
    model.set_view(View(0.0))
    half = SIDE_MM / 2
    corners = (
        middle - np.array([0, 0, APART_MM]) + np.array([(-half, 0, -half), (half, 0, -half), (half, 0, half)])
    )
    model.add(Triangle("kambin", "left", tuple(map(tuple, corners)), View(0.0)))
    model.select(None)
    viewport.come_near(middle, MM_PER_PIXEL * min(viewport.turntable.size))
    return viewport


def assert_same_scale(window, viewport, what):
    picture, ratio = screen_of(window, viewport)
    body = bounds(picture, BODY)
    per_mm = (body[2:] - body[:2]) / SIDE_MM
    assert per_mm == pytest.approx(ratio / viewport.turntable.mm_per_pixel, rel=0.02), f"body after {what}"
    centre = (body[:2] + body[2:]) / 2 + (0, 2 * APART_MM * per_mm[1])
    expected = np.concatenate([centre - per_mm * SIDE_MM / 2, centre + per_mm * SIDE_MM / 2])
    seen = bounds(picture, palette.KIND_COLOURS["kambin"], inside=expected + np.array([-9, -9, 9, 9]) * ratio)
    np.testing.assert_allclose(seen, expected, atol=2.6 * ratio, err_msg=f"triangle after {what}")
    x, y = viewport.drawn.to_screen(window.model.cursor)
    assert (x, y) == pytest.approx(
        ((body[0] + body[2]) / 2 / ratio, centre[1] / ratio - APART_MM * per_mm[1] / ratio), abs=1.5
    ), what


def wait_for(qtbot, check):
    """Until a check holds: a busy machine draws late, and what nobody has asked for is never drawn."""
    qtbot.waitUntil(lambda: check() or True, timeout=PATIENCE_MS)


def on_a_screen():
    if QGuiApplication.platformName() != "xcb":
        pytest.skip("only an X server shows what is on the screen to everybody")
    if QGuiApplication.primaryScreen().size().width() < WIDEST:
        pytest.skip("the window does not fit on this screen")


def changes(window):
    """Everything that gives the 3D view another size, there and back."""
    centre, views = window.centre, window.centre.parentWidget()
    three_d, axial = window.frames["3d"].enlarge, window.frames["axial"].enlarge
    return (
        ("a higher picture", lambda: centre.setSizes([10_000, 1])),
        ("a lower picture", lambda: centre.setSizes([1, 10_000])),
        ("the usual height", lambda: centre.setSizes([700, 270])),
        ("a narrower picture", lambda: views.setSizes([1, 10_000])),
        ("a wider picture", lambda: views.setSizes([10_000, 1])),
        ("a smaller window", lambda: window.resize(1100, 760)),
        ("a larger window", lambda: window.resize(WIDEST, 940)),
        ("the 3D view alone", three_d.click),
        ("a larger window around it alone", lambda: window.resize(1400, 700)),
        ("all views again", three_d.click),
        ("a slice alone", axial.click),
        ("the 3D view after a slice alone", axial.click),
        ("no table", window.dock.hide),
        ("the table again", window.dock.show),
        ("no side panel", window.side.hide),
        ("the side panel again", window.side.show),
        ("the whole screen", window.showFullScreen),
        ("a window again", window.showNormal),
    )


def test_the_body_and_what_is_drawn_over_it_have_one_scale_after_every_change_of_size(opened, qtbot):
    on_a_screen()
    viewport = put_body_and_triangle(opened)
    wait_for(qtbot, lambda: assert_same_scale(opened, viewport, "opening"))
    heights = set()
    for what, change in changes(opened):
        change()
        qtbot.wait(150)
        if viewport.isVisible():
            heights.add(viewport.height())
            wait_for(qtbot, lambda what=what: assert_same_scale(opened, viewport, what))
    assert len(heights) > 4, "the changes have to change the height"


def test_a_frame_is_drawn_in_the_size_it_has_whoever_asks_for_it(opened, qtbot):
    viewport = put_body_and_triangle(opened)
    qtbot.wait(100)
    viewport.turntable = viewport.turntable.zoom(1.7)  # nobody has asked for a frame so far
    assert viewport.drawn is not viewport.turntable
    picture = viewport.picture()
    assert viewport.drawn is viewport.turntable
    body = bounds(picture.astype(int), BODY)
    ratio = picture.shape[0] / viewport.height()
    assert body[2] - body[0] == pytest.approx(SIDE_MM / viewport.turntable.mm_per_pixel * ratio, abs=2.0)


def test_a_corner_is_placed_in_the_picture_on_the_screen(opened, qtbot):
    viewport = put_body_and_triangle(opened)
    qtbot.wait(100)
    opened.measurements_panel.tools["kambin"].click()
    viewport.turntable = viewport.turntable.zoom(1.7)
    click(viewport, (100, 100))
    assert viewport.drawn is viewport.turntable


@pytest.mark.parametrize("name", ["axial", "sagittal", "coronal"])
def test_a_slice_and_its_lines_have_one_scale(opened, qtbot, name):
    on_a_screen()
    view, model = opened.slices[name], opened.model
    model.set_cursor((-10.0, -3.0, 0.0))
    low, high = (
        np.array([-36 + 1.5 * 9.5, -33 + 1.5 * 11.5, -30 + 1.5 * 7.5]),
        np.array([-36 + 1.5 * 25.5, -33 + 1.5 * 29.5, -30 + 1.5 * 31.5]),
    )  # the borders of the block of bone
    assert opened.model.case.volume.array.max() == BONE_HU
    opened.region_panel._shown.setChecked(False)
    for what, change in (("at first", lambda: None), *changes(opened)):
        change()
        qtbot.wait(80)
        if not view.isVisible() or min(view.width(), view.height()) < 60:
            continue
        picture, ratio = screen_of(opened, view)
        a, b = view.to_screen(np.stack([low, high])) * ratio
        expected = np.concatenate([np.minimum(a, b), np.maximum(a, b)])
        white = bounds(
            picture, (255, 255, 255), tolerance=60, inside=expected + np.array([-9, -9, 9, 9]) * ratio
        )
        np.testing.assert_allclose(white, expected, atol=2.5 * ratio + 1, err_msg=f"{name} {what}")


def test_the_scale_holds_on_a_screen_of_small_pixels(qapp):
    on_a_screen()
    name = "test_the_body_and_what_is_drawn_over_it_have_one_scale_after_every_change_of_size"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-o",
            "xvfb_width=3600",
            "-o",
            "xvfb_height=2200",
            "-p",
            "no:cacheprovider",
            f"{Path(__file__)}::{name}",
        ],
        env={**os.environ, "QT_SCALE_FACTOR": "2"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "1 passed" in done.stdout
