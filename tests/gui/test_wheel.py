"""The wheel over the panels scrolls them and changes nothing in them."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollBar,
    QTabBar,
    QWidget,
)

from app.model.flow import Step


def turn(widget, steps=-2):
    """Turn the wheel over the middle of a widget, as the system would report it."""
    window = widget.window()
    place = QPointF(widget.mapTo(window, widget.rect().center()))
    QTest.wheelEvent(window.windowHandle(), place, QPoint(0, 120 * steps))
    QApplication.processEvents()


def value_of(widget):
    if isinstance(widget, QComboBox | QTabBar):
        return widget.currentIndex()
    return widget.value()


def holding_values(window):
    """All widgets of a window that a turn of the wheel could change, found without the help of the program."""
    kinds = (QAbstractSpinBox, QComboBox, QAbstractSlider, QTabBar)
    return [
        each
        for each in window.findChildren(QWidget)
        if isinstance(each, kinds) and not isinstance(each, QScrollBar) and each.isVisible()
    ]


@pytest.fixture
def with_everything(segmented):
    """The window, low enough for its side panel to scroll, with everything enabled."""
    segmented.resize(1300, 620)
    segmented.display_panel.cut.setChecked(True)
    segmented.state.flow.go(Step.CT)
    for fold in segmented.folds.values():
        fold.button.setChecked(True)
    QApplication.processEvents()
    return segmented


def test_the_wheel_changes_nothing_that_was_not_chosen(with_everything):
    window = with_everything
    window.stage.viewport.setFocus()
    found = holding_values(window)
    kinds = {type(each).__name__ for each in found}
    assert {"QComboBox", "QSlider", "QDoubleSpinBox", "SidedSpinBox", "QTabBar"} <= kinds
    for widget in found:
        if window.side.isAncestorOf(widget):
            window.side.ensureWidgetVisible(widget)
        before = value_of(widget)
        for steps in (-2, 3):
            turn(widget, steps)
        assert value_of(widget) == before, f"{type(widget).__name__} {widget.toolTip()}"
        assert not widget.hasFocus()
        assert widget.focusPolicy() != Qt.FocusPolicy.WheelFocus
        for inner in widget.findChildren(QWidget):
            if inner.isVisible():
                turn(inner, -2)
        assert value_of(widget) == before, f"the inside of {type(widget).__name__}"


def test_the_wheel_over_a_slider_scrolls_its_panel(with_everything):
    window = with_everything
    bar = window.side.verticalScrollBar()
    assert bar.maximum() > 0
    for widget in holding_values(window):
        if window.side.isAncestorOf(widget):
            window.side.ensureWidgetVisible(widget)
            before = bar.value()
            turn(widget, 2 if before else -2)
            assert bar.value() != before, f"{type(widget).__name__} {widget.toolTip()}"


def test_what_has_the_focus_takes_the_wheel(with_everything, qtbot):
    window = with_everything
    box = window.view_panel.tilt
    window.side.ensureWidgetVisible(box)
    window.activateWindow()
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    turn(box, 3)
    assert window.model.view.elevation == pytest.approx(3.0)
