"""Simulated fluoroscopy beside the 3D view: when it is computed, what it shows, and what is drawn on it."""

from dataclasses import replace

import fake_planning
import numpy as np
from PIL import Image
from plan_maker import full_tip
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

import spinect_core.pipeline.replanning
from app.model.case import Case
from app.model.fluoroscopy import Stand
from app.widgets import palette
from spinect_core.base.words import DetectorSide
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.pictures.fluoroscopy.picture import ABREAST, ALONE, FOOT, GAP, HEAD
from spinect_core.plan.plan import Case as Facts

BONE_LPS = np.array([-36 + 1.5 * 18, -33 + 1.5 * 21, 0.0])
"""The middle of the small CT's block of bone."""


def wait_for_picture(window, qtbot):
    """Until the picture is that of the present view, C-arm and target."""
    state = window.state.fluoroscopy

    def is_there():
        taken, wanted = state.picture, state.exposure
        assert taken is not None
        assert (taken.exposure.view, taken.exposure.fluoroscope) == (wanted.view, wanted.fluoroscope)
        np.testing.assert_allclose(taken.exposure.target, wanted.target)
        assert state._job is None

    qtbot.waitUntil(is_there, timeout=30000)
    return state.picture


def shown(window, qtbot):
    window.actions_.named["fluoroscopy"].trigger()
    wait_for_picture(window, qtbot)
    return window


def colour_at(window, point):
    """Of the widget where a patient point lies."""
    picture = window.fluoroscopy.picture
    x, y = picture.to_screen(point)
    image = picture.grab().toImage()
    ratio = image.devicePixelRatio()
    return QColor(image.pixel(int(x * ratio), int(y * ratio)))


def test_nothing_is_computed_until_it_is_switched_on(opened, qtbot):
    state = opened.state.fluoroscopy
    assert not opened.fluoroscopy_frame.isVisible()
    opened.model.set_view(View(20))
    QTest.qWait(100)
    assert state.picture is None
    assert state._job is None
    assert not opened.actions_.named["export_fluoroscopy"].isEnabled()
    action = opened.actions_.named["fluoroscopy"]
    assert action.shortcut().toString() == "F"
    action.trigger()
    assert opened.fluoroscopy_frame.isVisible()
    assert action.isChecked()
    taken = wait_for_picture(opened, qtbot)
    assert taken.grey.shape == (512, 512)
    assert opened.fluoroscopy_frame.info.text() == "left oblique 20°"
    action.trigger()
    assert not opened.fluoroscopy_frame.isVisible()


def test_bone_is_dark_where_it_lies_and_bright_as_on_a_film(opened, qtbot):
    opened.model.set_cursor((0, 0, 0))
    opened.model.set_view(View(0))
    shown(opened, qtbot)
    # The block of bone is at the patient's right, which is on the right seen from behind.
    bone, beside = BONE_LPS, BONE_LPS * (-1, 1, 1)
    picture = opened.fluoroscopy.picture
    assert picture.to_screen(bone)[0] > picture.to_screen(beside)[0]
    assert colour_at(opened, bone).lightness() < colour_at(opened, beside).lightness() - 40
    opened.fluoroscopy.bright.setChecked(True)
    qtbot.waitUntil(
        lambda: colour_at(opened, bone).lightness() > colour_at(opened, beside).lightness() + 40,
        timeout=20000,
    )


def test_it_follows_the_view_and_the_last_one_wins(opened, qtbot):
    shown(opened, qtbot)
    taken = []
    opened.state.fluoroscopy.taken.connect(lambda: taken.append(opened.state.fluoroscopy.picture))
    for angle in range(60):
        opened.model.set_view(View(angle, 5))
        QTest.qWait(2)
    last = wait_for_picture(opened, qtbot)
    assert last.exposure.view == View(59, 5)
    assert 1 <= len(taken) < 60  # those that nobody would see are not computed
    taken.clear()
    opened.model.set_view(View(59, 5))
    QTest.qWait(200)
    assert taken == []


def test_the_c_arm_is_set_above_the_picture(opened, qtbot):
    shown(opened, qtbot)
    view, state = opened.fluoroscopy, opened.state.fluoroscopy
    view.detector.setCurrentIndex(1)
    view.detector.activated.emit(1)
    view.source.setValue(700)
    view.field.setCurrentIndex(2)
    view.field.activated.emit(2)
    taken = wait_for_picture(opened, qtbot)
    device = taken.exposure.fluoroscope
    assert (device.detector, device.source_to_target_mm) == (DetectorSide.OPPOSITE, 700)
    assert device.detector_mm == 150
    assert f"{1020 / 700:.2f} times" in view.source.toolTip()
    # Left stays left: the letters follow the view, not the detector.
    opened.model.set_view(View(0))
    assert wait_for_picture(opened, qtbot).exposure.letters[:2] == ("L", "R")
    assert state.fault == ""


def test_what_no_c_arm_can_take_is_said_in_the_picture(opened, qtbot):
    shown(opened, qtbot)
    state = opened.state.fluoroscopy
    state.set_source(20)
    qtbot.waitUntil(lambda: "source would lie within the CT" in opened.fluoroscopy.picture.message)
    state.set_source(650)
    qtbot.waitUntil(lambda: opened.fluoroscopy.picture.message == "", timeout=20000)


def test_a_triangle_is_in_the_middle_and_drawn(segmented, qtbot):
    shown(segmented, qtbot)
    corners = BONE_LPS + np.array([[-8.0, 0, 8], [8, 0, 8], [0, 0, -10]])
    segmented.model.add(Triangle("safe", "right", corners, View(0)))
    segmented.model.set_view(View(0))
    taken = wait_for_picture(segmented, qtbot)
    np.testing.assert_allclose(taken.exposure.target, corners.mean(axis=0))
    line = QColor(palette.KIND_COLOURS["safe"])
    found = colour_at(segmented, (corners[0] + corners[1]) / 2)
    assert abs(found.hue() - line.hue()) < 12
    assert found.saturation() > 100


def test_the_needle_is_followed_down_and_exported_with_its_tip_views(segmented, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)
    segmented.actions_.named["trajectories"].trigger()
    qtbot.waitUntil(lambda: not segmented.jobs.busy, timeout=30000)
    rows = segmented.state.trajectories.rows
    chosen = next(each for each in rows if each.needle is not None)
    segmented.state.trajectories.choose(chosen.key)
    shown(segmented, qtbot)
    picture, needle = segmented.fluoroscopy.picture, chosen.needle.needle
    middle = (picture.box().center().x(), picture.box().center().y())
    np.testing.assert_allclose(picture.to_screen(needle.target), middle, atol=0.5)
    np.testing.assert_allclose(picture.to_screen(needle.entry), middle, atol=0.5)  # a point, down the needle
    colour = QColor(palette.KIND_COLOURS[needle.kind])
    assert abs(colour_at(segmented, needle.target).hue() - colour.hue()) < 12
    out = tmp_path / "drr.png"
    with qtbot.waitSignal(segmented.controllers.export.said, timeout=30000):
        assert segmented.controllers.export.write_fluoroscopy(out)
    with Image.open(out) as image:
        assert image.size == (3 * ABREAST + 2 * GAP, HEAD + ABREAST + FOOT)


def test_the_c_arm_stays_where_the_tip_is_judged(segmented, qtbot, monkeypatch):
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)
    segmented.actions_.named["trajectories"].trigger()
    qtbot.waitUntil(lambda: not segmented.jobs.busy, timeout=30000)
    state, view = segmented.state.fluoroscopy, segmented.fluoroscopy
    row = next(each for each in segmented.state.trajectories.rows if each.needle is not None)
    segmented.state.trajectories.choose(row.key)
    shown(segmented, qtbot)
    assert view.stands[Stand.VIEW].isChecked()
    assert state.tip_words == ""
    turned = segmented.model.view
    record = row.needle.replaced(tip=full_tip())
    monkeypatch.setattr(type(segmented.state.trajectories), "current", replace(row, needle=record))
    for stand, wanted in ((Stand.BEHIND, View(0)), (Stand.SIDE, View.oblique(row.side, 90))):
        view.stands[stand].click()
        taken = wait_for_picture(segmented, qtbot)
        assert taken.exposure.view == wanted
        assert segmented.model.view == turned  # the 3D view stays where it was
        assert segmented.fluoroscopy_frame.info.text() == wanted.words
        told = {Stand.BEHIND: "o'clock of the pedicle, 2.2 mm lateral", Stand.SIDE: "dorsal cranial quadrant"}
        assert told[stand] in state.tip_words
    # From the right the picture's left is the front of the patient; from the left its right.
    assert taken.exposure.letters[:2] == (("A", "P") if row.side == "left" else ("P", "A"))
    done = state._done
    segmented.model.set_view(View(33.0, 4.0))
    QTest.qWait(150)
    assert state._done == done  # turning takes no other picture
    view.stands[Stand.VIEW].click()
    assert wait_for_picture(segmented, qtbot).exposure.view == View(33.0, 4.0)


def test_without_a_needle_the_present_view_is_exported(opened, qtbot, tmp_path):
    assert not opened.controllers.export.write_fluoroscopy(tmp_path / "none.png")
    shown(opened, qtbot)
    with qtbot.waitSignal(opened.controllers.export.said, timeout=30000):
        assert opened.controllers.export.write_fluoroscopy(tmp_path / "drr.png")
    with Image.open(tmp_path / "drr.png") as image:
        assert image.size == (ALONE, HEAD + ALONE + FOOT)
    assert not (tmp_path / "none.png").exists()


def test_a_plan_without_its_ct_says_so(opened, qtbot):
    shown(opened, qtbot)
    volume = opened.model.case.volume
    opened.model.open(Case(None, opened.model.case.source, facts=Facts.of(volume)))
    assert opened.fluoroscopy.picture.message == "The CT of this plan is not open"
    assert opened.state.fluoroscopy.picture is None
    assert opened.state.fluoroscopy.attenuation() is None
    assert not opened.actions_.named["export_fluoroscopy"].isEnabled()
    opened.model.add_ct(volume, opened.model.case.source, None)
    assert wait_for_picture(opened, qtbot) is not None


def test_it_fits_a_small_screen_beside_a_usable_3d_view(opened, qtbot):
    opened.resize(1280, 800)
    QTest.qWait(50)
    slices = opened.right.width()
    shown(opened, qtbot)
    assert opened.width() <= 1280
    assert opened.frames["3d"].width() >= 330
    assert opened.fluoroscopy.picture.box().width() >= 250
    frame = opened.fluoroscopy_frame
    frame.enlarge.click()
    assert frame.isVisible()
    assert not opened.frames["3d"].isVisible()
    assert not opened.right.isVisible()
    frame.enlarge.click()
    assert opened.frames["3d"].isVisible()
    opened.frames["axial"].enlarge.click()
    opened.fluoroscopy.bright.setChecked(True)
    opened.model.add(Triangle("safe", "right", np.diag([9.0, 8.0, 7.0]), View(0)))
    wait_for_picture(opened, qtbot)
    assert not frame.isVisible()  # another view is looked at alone, and stays so
    opened.frames["axial"].enlarge.click()
    assert frame.isVisible()
    frame.enlarge.click()
    opened.actions_.named["fluoroscopy"].trigger()
    assert not frame.isVisible()
    assert opened.frames["3d"].isVisible()
    assert opened.right.isVisible()
    assert abs(opened.right.width() - slices) < 160
