"""Present mode: one view, large type, named views by keys, and everything back afterwards."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from spinect_core.base.words import Kind
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS, View


def test_one_view_is_left_and_keys_step_through_views(segmented, qtbot):
    window, lecture = segmented, segmented.teach.lecture
    view = View(20.0, 10.0)
    window.model.add(Triangle.from_clicks(view, [(0, 0), (9, 0), (0, 9)], 0.0, kind=Kind.SAFE, side="left"))
    parts = (window.menuBar(), window.statusBar(), window.side, window.dock, window.right)
    shown = [each.isVisible() for each in parts]
    window.teach.present_action.trigger()
    assert lecture.on
    qtbot.waitUntil(lambda: window.frames["3d"].isVisible())
    assert not any(each.isVisible() for each in parts)
    assert lecture.caption.font().pixelSize() >= 30 or "30px" in lecture.caption.styleSheet()
    window.activateWindow()
    lecture.step(1)
    first = next(iter(PRESETS.values()))
    assert window.model.view == first
    assert lecture.caption.text().startswith(f"1 / {len(PRESETS) + 1}")
    lecture.step(-1)
    assert window.model.view == view
    assert "safe triangle" in lecture.caption.text().lower()
    lecture.step(1)
    assert window.model.view == first
    QTest.keyClick(window, Qt.Key.Key_Escape)
    if lecture.on:  # without a window manager no window is active
        lecture.leave()
    assert [each.isVisible() for each in parts] == shown
    assert not lecture.caption.isVisible()
    view_before = window.model.view
    lecture.step(1)
    assert window.model.view == view_before


def test_there_is_nothing_to_present_without_a_case(window):
    window.teach.present_action.trigger()
    assert not window.teach.lecture.on
    assert window.menuBar().isVisible()
