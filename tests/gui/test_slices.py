"""The slices: where things are, what is up, and what the mouse does."""

from dataclasses import replace

import numpy as np
import pytest
from gui_help import click, drag
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.model.case import Case
from app.widgets import palette
from spinect_core.image.volume import Geometry, Volume

NERVE_LPS = np.array([-36 + 1.5 * 34, -33 + 1.5 * 20.5, 0.0])


def grey_at(view, point):
    """Brightness of the widget where a patient point lies."""
    x, y = view.to_screen(point)
    image = view.grab().toImage()
    ratio = image.devicePixelRatio()
    return QColor(image.pixel(int(x * ratio), int(y * ratio)))


def wheel(widget, steps, modifiers=Qt.KeyboardModifier.NoModifier):
    centre = QPointF(widget.rect().center())
    event = QWheelEvent(
        centre,
        QPointF(widget.mapToGlobal(centre)),
        QPoint(0, 0),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_the_cross_hair_is_one_for_all(opened):
    model, axial = opened.model, opened.slices["axial"]
    target = axial.to_screen(NERVE_LPS)
    click(axial, target)
    np.testing.assert_allclose(model.cursor[:2], NERVE_LPS[:2], atol=0.5)
    for name in ("sagittal", "coronal"):
        view = opened.slices[name]
        assert view.rect().contains(QPoint(*view.to_screen(model.cursor).astype(int)))
    assert "250 HU" in opened.frames["coronal"].info.text()


def test_a_place_just_below_zero_is_zero(opened):
    opened.model.set_cursor((-0.03, 0.02, -0.04))
    for name in ("axial", "sagittal", "coronal"):
        assert opened.frames[name].info.text().startswith("0.0 mm")


def test_the_patients_left_is_on_the_right_and_the_front_is_up(opened):
    axial = opened.slices["axial"]
    centre = opened.model.cursor
    left, front = (
        axial.to_screen(centre + np.array([10, 0, 0])),
        axial.to_screen(centre + np.array([0, -10, 0])),
    )
    middle = axial.to_screen(centre)
    assert left[0] > middle[0] + 5
    assert front[1] < middle[1] - 5
    # air is dark, bone is bright, where they lie in the patient
    opened.model.set_cursor((20.0, 25.0, 0.0))
    assert grey_at(axial, (-25.0, -31.0, 0.0)).lightness() < 20
    assert grey_at(axial, (-10.0, -3.0, 0.0)).lightness() > 200


def test_the_wheel_scrolls_by_whole_slices_towards_the_head(opened):
    view = opened.slices["axial"]
    opened.model.set_cursor((0, 0, 0))
    wheel(view, 2)
    first = opened.model.cursor[2]
    wheel(view, 1)
    assert opened.model.cursor[2] == pytest.approx(first + 1.5)
    for _ in range(60):
        wheel(view, -1)
    assert opened.model.cursor[2] == pytest.approx(-30.0)


def test_zoom_keeps_the_point_under_the_mouse(opened):
    view = opened.slices["coronal"]
    centre = QPointF(view.rect().center())
    before = view.to_patient(centre)
    wheel(view, 3, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_allclose(view.to_patient(centre), before, atol=1e-6)


def test_grey_values_by_preset_and_by_hand(opened):
    panel, state = opened.display_panel, opened.state.slices
    panel.grey_values.setCurrentIndex(panel.grey_values.findData("Bone"))
    panel.grey_values.activated.emit(panel.grey_values.currentIndex())
    assert (state.window.width, state.window.level) == (1800, 400)
    drag(opened.slices["axial"], (60, 60), (80, 50), Qt.MouseButton.RightButton)
    assert state.window.width > 1800
    assert state.window.level < 400
    assert panel.grey_values.currentText() == "By hand"


def test_labels_lie_on_what_they_label(segmented):
    axial = segmented.slices["axial"]
    segmented.model.set_cursor((28.0, 25.0, 0.0))
    segmented.display_panel.sliders["labels"].setValue(100)
    assert grey_at(axial, NERVE_LPS).name() == QColor(segmented.state.appearance.part("nerve").colour).name()
    assert grey_at(axial, (-10.0, -3.0, 0.0)).name() == palette.BONE_LABEL
    segmented.display_panel.checks["labels"].setChecked(False)
    assert grey_at(axial, (-10.0, -3.0, 0.0)).name() != palette.BONE_LABEL


@pytest.mark.parametrize("flip", [np.diag([-1.0, -1.0, 1.0]), np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])])
def test_the_order_and_sense_of_the_cts_axes_do_not_show(window, flip):
    """The same bright spot, stored along other axes, is seen in the same place of the picture."""
    places = []
    for direction in (np.eye(3), flip):
        geometry = Geometry((21, 21, 21), (2.0, 2.0, 2.0), tuple(direction @ np.full(3, -20.0)), direction)
        array = np.full(geometry.shape, -1000, np.int16)
        k, j, i = np.round(geometry.to_index((8.0, -6.0, 4.0))).astype(int)
        array[k, j, i] = 2000
        from pathlib import Path

        window.model.open(Case(Volume(array, geometry), Path("ct")))
        window.model.set_cursor((8.0, -6.0, 4.0))
        spots = {}
        for name, view in window.slices.items():
            image = view._grey_image()
            bright = [
                (x, y)
                for x in range(image.width())
                for y in range(image.height())
                if QColor(image.pixel(x, y)).lightness() > 128
            ]
            assert len(bright) == 1
            spots[name] = bright[0]
        places.append(spots)
    assert places[0] == places[1]


def test_a_view_fills_the_window_and_goes_back(opened):
    frames = opened.frames
    frames["sagittal"].enlarge.click()
    assert frames["sagittal"].isVisible()
    assert not frames["axial"].isVisible()
    assert not frames["3d"].isVisible()
    frames["sagittal"].enlarge.click()
    assert all(frame.isVisible() for frame in frames.values())


def test_where_no_region_was_recognised_the_window_asks_for_it(opened):
    model, shown = opened.model, []
    opened.controllers.segment._boxes.show_error = shown.append
    found = model.case.region
    model.set_region(
        replace(found, found=False, note="Nothing looks like a sacrum between its ilia; seen: lungs")
    )
    assert opened.stage.overlay.hint[0] == "No lumbosacral spine was recognised in this CT"
    opened.controllers.segment.segment()
    assert not opened.jobs.busy
    assert "seen: lungs" in str(shown[0])
    assert "Region about the cross-hair" in str(shown[0])
    model.set_cursor(found.centre)
    opened.region_panel.here.click()
    region = model.case.region
    assert (region.found, region.note) == (True, "set by hand")
    assert np.all(np.array(region.minimum) < found.centre)
    assert np.all(found.centre < np.array(region.maximum))
    assert opened.stage.overlay.hint[0] == "Not segmented yet"


def test_the_region_is_typed_and_shown(opened):
    box = opened.region_panel.boxes[2, 1]
    box.setValue(20)
    assert opened.model.case.region.maximum[2] == 20
    opened.region_panel.boxes[2, 0].setValue(500)
    region = opened.model.case.region
    assert region.maximum[2] > region.minimum[2], "a region is never empty"
