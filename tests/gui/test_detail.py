"""The picture in full detail comes in pieces, and is the one that a single frame would give."""

import numpy as np
import pytest
import pyvista as pv
from PySide6.QtCore import QPointF

from app.model.picking import SurfacePicker, cut
from app.views.detail import Levels
from spinect_core.geometry.view import View
from spinect_core.surfaces import Surfaces


def ball(centre, radius, steps):
    mesh = pv.Sphere(radius=radius, center=centre, theta_resolution=steps, phi_resolution=steps)
    return mesh.compute_normals(split_vertices=False, consistent_normals=False)


@pytest.fixture
def many(opened, qtbot):
    """The small CT with surfaces of 200,000 triangles, as a real case has them."""
    bone, nerve = ball((-8, 0, 0), 20, 280), ball((12, 12, 5), 9, 160)
    surfaces = Surfaces(bone, nerve, ball((-8, 0, 0), 20, 60), ball((12, 12, 5), 9, 40))
    case = opened.model.case
    case.surfaces, case.picker = surfaces, SurfacePicker({"bone": bone, "nerve": nerve})
    opened.model.surfaces_changed.emit()
    return opened


def wait_for_detail(window, qtbot):
    told = []
    window.stage.viewport.when_detailed(lambda: told.append(1))
    qtbot.waitUntil(lambda: bool(told), timeout=20000)


def in_one_frame(viewport):
    """The same scene as a picture of one frame."""
    parts = viewport._parts
    parts.many = False
    viewport._pictured = None
    picture = viewport.picture()
    parts.many = True
    viewport._pictured = None
    return picture.astype(int)


@pytest.mark.parametrize("opacity", [100, 55])
def test_the_pieces_make_the_same_picture(many, qtbot, opacity):
    many.display_panel.sliders["bone"].setValue(opacity)
    many.model.set_view(View(30.0, 10.0))
    viewport = many.stage.viewport
    assert len(viewport._parts["bone"].near) > 2
    wait_for_detail(many, qtbot)
    pieces = viewport.picture().astype(int)
    whole = in_one_frame(viewport)
    assert np.ptp(whole, axis=(0, 1)).max() > 100, "the 3D view is empty"
    off = np.abs(pieces - whole)
    assert off.max() <= 2
    assert (off > 0).mean() < 1e-3


def test_the_screen_never_shows_half_a_picture(many, qtbot, monkeypatch):
    """Until the last piece the coarse picture stays."""
    viewport, seen = many.stage.viewport, []
    wait_for_detail(many, qtbot)
    draw = viewport._draw_piece

    def looked():
        draw()
        seen.append(viewport.grabFramebuffer())

    monkeypatch.setattr(viewport, "_draw_piece", looked)
    many.model.set_view(View(45.0))
    qtbot.waitUntil(lambda: bool(seen), timeout=5000)
    wait_for_detail(many, qtbot)
    assert len(seen) > 3
    assert all(each == seen[0] for each in seen[:-1])
    assert seen[-1] != seen[0]


def test_the_picture_stays_on_the_screen_while_the_first_pieces_of_a_new_size_are_drawn(
    many, qtbot, monkeypatch
):
    """They leave alone what is on the screen: it would be black until the last one."""
    viewport, seen = many.stage.viewport, []
    wait_for_detail(many, qtbot)
    draw, enlarge = viewport._draw_piece, many.frames["axial"].enlarge

    def looked():
        draw()
        seen.append(viewport.grabFramebuffer())

    monkeypatch.setattr(viewport, "_draw_piece", looked)
    enlarge.click()
    qtbot.wait(100)
    enlarge.click()
    qtbot.waitUntil(lambda: bool(seen), timeout=20000)
    wait_for_detail(many, qtbot)
    assert len(seen) > 3
    assert seen[0].pixelColor(seen[0].rect().center()).lightness() > 60
    assert all(each == seen[0] for each in seen[:-1])


def test_the_3d_view_comes_back_in_its_scale_after_a_slice_alone(many, qtbot):
    viewport, enlarge = many.stage.viewport, many.frames["axial"].enlarge
    viewport.come_near(np.array([3.0, 4.0, 5.0]), 30.0)
    before = viewport.turntable
    enlarge.click()
    qtbot.wait(50)
    enlarge.click()
    qtbot.waitUntil(lambda: viewport.turntable.size == before.size, timeout=20000)
    assert viewport.turntable.mm_per_pixel == before.mm_per_pixel
    assert np.array_equal(viewport.turntable.focus, before.focus)


def test_a_change_between_two_pieces_begins_anew(many, qtbot, monkeypatch):
    viewport = many.stage.viewport
    wait_for_detail(many, qtbot)
    many.model.set_view(View(20.0))
    qtbot.waitUntil(lambda: len(viewport._steps) > 1, timeout=5000)
    many.model.set_view(View(70.0))
    wait_for_detail(many, qtbot)
    assert np.abs(viewport.picture().astype(int) - in_one_frame(viewport)).max() <= 2
    assert viewport.drawn.view == View(70.0)


def test_what_is_drawn_over_the_picture_does_not_draw_it_again(many, qtbot, monkeypatch):
    viewport, drawn = many.stage.viewport, []
    wait_for_detail(many, qtbot)
    before = viewport.picture()
    draw = Levels.draw
    monkeypatch.setattr(Levels, "draw", lambda self, *rest: (drawn.append(1), draw(self, *rest)))
    many.model.set_cursor((3.0, 4.0, 5.0))
    many.stage.overlay.repaint()
    viewport.repaint()
    qtbot.wait(300)
    assert not drawn
    assert np.array_equal(viewport.picture(), before)


def test_a_picture_taken_before_the_detail_has_it(many):
    viewport = many.stage.viewport
    many.model.set_view(View(60.0))
    taken = viewport.picture().astype(int)
    assert np.abs(taken - in_one_frame(viewport)).max() <= 2


def test_hiding_a_part_hides_all_its_pieces(many, qtbot):
    viewport = many.stage.viewport
    many.display_panel.checks["bone"].setChecked(False)
    wait_for_detail(many, qtbot)
    picture = viewport.picture().astype(int)
    yellow = (picture[..., 0] > 120) & (picture[..., 0] - picture[..., 2] > 80)
    white = (picture.min(axis=-1) > 110) & ~yellow
    assert yellow.sum() > 200
    assert not white.any()


def test_a_ray_meets_a_surface_in_pieces_where_it_meets_the_whole(many):
    mesh = many.model.case.surfaces.bone
    assert len(cut(mesh)) > 2
    picker = SurfacePicker({"bone": mesh})
    hit = picker.pick(View(0.0), (-8.0 + 5, 500.0, 3.0), {"bone"})
    assert hit == pytest.approx((-3.0, np.sqrt(400 - 25 - 9), 3.0), abs=0.02)
    assert picker.pick(View(0.0), (-8.0 + 25, 500.0, 3.0), {"bone"}) is None
    x, y = many.stage.viewport.turntable.to_screen(np.array([-8.0, 0, 0]))
    assert many.stage.viewport.surface_point(QPointF(x, y)) is not None


def test_back_faces_are_drawn_once_something_is_cut_away(many, qtbot):
    """Then one looks into the ball, whose far wall is its back; without the cut its front hides it."""
    viewport = many.stage.viewport
    prop = viewport._parts["bone"].prop
    many.model.set_view(View(0.0))
    many.model.set_cursor((-8.0, 0.0, 0.0))
    assert prop.GetBackfaceCulling()
    middle = np.array(viewport.turntable.to_screen(np.array([-8.0, 0.0, 8.0])))

    def shown():
        picture = viewport.picture()
        x, y = np.round(middle * picture.shape[1] / viewport.width()).astype(int)
        return picture[y, x].astype(int)

    whole = shown()
    many.display_panel.cut.setChecked(True)
    many.display_panel.cut_mm.setValue(2)
    inside = shown()
    assert not prop.GetBackfaceCulling()
    assert inside.min() > 40, "the inside of the far wall, not the background"
    assert np.abs(inside - whole).max() > 3
    many.display_panel.cut.setChecked(False)
    assert np.array_equal(shown(), whole)


def test_a_picture_is_drawn_apart_from_what_other_widgets_paint(many, qtbot, monkeypatch):
    """A paint event leaves the old picture; the new one, and what is drawn over it in its scale, come next."""
    viewport = many.stage.viewport
    wait_for_detail(many, qtbot)
    before, drawn = viewport.drawn, []
    draw = Levels.draw
    monkeypatch.setattr(
        Levels, "draw", lambda self, *rest: (drawn.append(viewport._in_event), draw(self, *rest))
    )
    many.model.set_view(View(15.0))
    viewport.repaint()
    assert viewport.drawn is before
    qtbot.waitUntil(lambda: viewport.drawn is viewport.turntable, timeout=5000)
    wait_for_detail(many, qtbot)
    assert drawn
    assert not any(drawn)


def test_what_was_still_to_be_drawn_is_not_drawn_once_the_window_has_closed(many, qtbot):
    viewport = many.stage.viewport
    wait_for_detail(many, qtbot)
    many.model.set_view(View(20.0, -5.0))
    for timer in (viewport._detail, viewport._next, viewport._frame):
        timer.start(0)
    with qtbot.captureExceptions() as faults:
        many.close()
        viewport.update()
        viewport.paintGL()
        viewport.warm_up()
        qtbot.wait(50)
    assert faults == []
    many.boxes.show_unexpected(ValueError, ValueError("late"), None)
    assert many.boxes.shown == [], "a box without its window would keep the program running"
