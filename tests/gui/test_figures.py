"""Distances, angles and areas drawn with the mouse in slices and in the 3D view, through the window's own widgets."""

import csv

import numpy as np
import pytest
from gui_help import click, drag, export_view
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from test_measuring import on_screen

from app.model.correcting import Tool
from app.panels.repeats_box import RepeatsBox
from spinect_core.base.versions import NOTICE
from spinect_core.geometry.view import View
from spinect_core.plan.document import read_document
from spinect_core.plan.plan import read_plan


def in_slice(window, plane, points):
    """Click LPS points (n, 3) in a slice."""
    view = window.slices[plane]
    for point in points:
        click(view, QPointF(*view.to_screen(np.asarray(point, float))))
    return window.model.measurements[-1]


def test_more_than_a_plan_can_hold_is_refused_before_it_is_drawn(segmented, monkeypatch):
    monkeypatch.setattr("app.model.measuring.MOST_FIGURES", 1)
    segmented.model.set_cursor((0, 0, 6.2))
    for _ in range(2):
        segmented.measurements_panel.tools["distance"].click()
        in_slice(segmented, "axial", [(-10, -5, 6), (2, 11, 6)])
    assert len(segmented.model.measurements) == 1
    assert "1 distances, angles and areas at most" in segmented.boxes.shown[-1].text()


def test_slices_measure_true_lengths_angles_and_areas(segmented):
    model, panel, axial = segmented.model, segmented.measurements_panel, segmented.slices["axial"]
    model.set_cursor((0, 0, 6.2))
    cut = axial.cut_position
    assert abs(cut - 6.2) <= axial.half_slice_mm
    panel.tools["distance"].click()
    assert panel.tools["distance"].isChecked()
    assert "first end of the distance, here or in a slice" in segmented.status.text.text()
    length = in_slice(segmented, "axial", [(-10, -5, cut), (2, 11, cut)])
    assert length.drawn.value == pytest.approx(20, abs=1e-6)
    assert (length.name, length.drawn.plane, length.drawn.position_mm) == ("Distance", "axial", cut)
    np.testing.assert_allclose(length.drawn.vertices[1], (2, 11, cut), atol=1e-6)
    assert not panel.tools["distance"].isChecked()
    panel.tools["angle"].click()
    angle = in_slice(segmented, "sagittal", [(0, 10, 10), (0, 0, 10), (0, 7, 3)])
    assert angle.drawn.value == pytest.approx(45, abs=1e-6)
    panel.tools["polygon"].click()
    corners = [(-10, 0, -10), (10, 0, -10), (10, 0, 5), (-10, 0, 5)]
    area = in_slice(segmented, "coronal", [*corners, corners[0]])
    assert area.drawn.value == pytest.approx(20 * 15, abs=1e-6)
    assert len(area.drawn.vertices) == 4
    panel.tools["safe"].click()
    triangle = in_slice(segmented, "coronal", corners[:3])
    assert triangle.drawn.area_mm2 == pytest.approx(150, abs=1e-6)
    assert triangle.drawn.side == "left", "the middle of the CT lies at -0.75 mm"
    # a point is dragged in its slice alone, and a step back brings it back
    shown = segmented.slices["axial"]
    start = shown.to_screen(length.drawn.vertices[1])
    drag(shown, start, start + shown.to_screen((9.0, 0, 0)) - shown.to_screen((0.0, 0, 0)))
    moved = model.find(length.key).drawn
    np.testing.assert_allclose(moved.vertices[1], (11, 11, cut), atol=1e-6)
    assert moved.value == pytest.approx(np.hypot(21, 16), abs=1e-6)
    assert model.history.undoText() == "move end"
    model.history.undo()
    assert model.find(length.key).drawn == length.drawn
    # back to it from elsewhere
    model.set_cursor((0, 0, -20))
    view = model.view
    rows = panel.rows
    assert [rows.index(row, 4).data() for row in range(4)] == ["20.0 mm", "45.0°", "300.0 mm²", "150.0 mm²"]
    assert rows.index(0, 3).data() == f"axial slice at {cut:.1f} mm"
    panel.table.clicked.emit(panel.table.model().index(0, 1))
    assert axial.cut_position == cut
    assert model.view == view, "a slice says nothing about the line of sight"
    # Backspace and Esc in a slice
    panel.tools["angle"].click()
    click(axial, (60, 60))
    click(axial, (90, 60))
    QTest.keyClick(axial, Qt.Key.Key_Backspace)
    assert segmented.state.measuring.placed == 1
    QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert not segmented.state.measuring.drawing
    assert len(model.measurements) == 4
    # one tool at a time has the mouse of a slice
    correcting = segmented.state.correcting
    correcting.open(True)
    correcting.choose(Tool.BRUSH)
    panel.tools["angle"].click()
    assert correcting.tool is None
    assert axial.cursor().shape() == Qt.CursorShape.CrossCursor
    correcting.choose(Tool.BRUSH)
    assert not segmented.state.measuring.drawing
    correcting.choose(None)


def test_the_3d_view_measures_what_is_seen_and_what_lies_between_points_on_surfaces(
    segmented, qtbot, tmp_path
):
    """The block's back wall is a plane 10.5 mm behind the middle of the CT."""
    model, panel, viewport = segmented.model, segmented.measurements_panel, segmented.stage.viewport
    view = View(40)
    model.set_view(view)
    viewport.fit()
    wall = np.array([(-16.0, 11.25, -12.0), (-4.0, 11.25, 4.0), (-16.0, 11.25, 4.0)])
    panel.tools["distance"].click()
    for place in on_screen(viewport, wall[:2]):
        click(viewport, place)
    length = model.measurements[-1].drawn
    assert length.on_surface
    assert length.in_space == pytest.approx(20, abs=0.4)
    assert length.value == pytest.approx(np.hypot(12 * np.cos(np.radians(40)), 16), rel=1e-3)
    assert (length.view, length.plane) == (view, None)
    panel.depth_from.setCurrentIndex(panel.depth_from.findData("cross-hair"))
    panel.tools["polygon"].click()
    places = on_screen(viewport, wall)
    for place in places:
        click(viewport, place)
    click(viewport, places[2])  # a second click on the last corner closes as well
    area = model.measurements[-1].drawn
    assert area.value == pytest.approx(12 * 16 / 2 * np.cos(np.radians(40)), rel=1e-3)
    assert area.in_space is None
    # an end that is dragged on a surface stays on it; in the air it keeps its plane and is in space no more
    key = model.measurements[0].key
    model.select(key)  # corners of the area lie in the same places of the picture
    [start, stop] = on_screen(viewport, [wall[0], (-12.0, 11.25, -12.0)])
    drag(viewport, start, stop)
    moved = model.find(key).drawn
    assert moved.on_surface
    assert moved.in_space == pytest.approx(np.hypot(8, 16), abs=0.5)
    drag(viewport, stop, np.array([30.0, 30.0]))
    assert model.find(key).drawn.in_space is None
    model.history.undo()
    # on the picture, with its number
    export_view(segmented, qtbot, tmp_path / "view.png")
    with Image.open(tmp_path / "view.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert (np.abs(pixels - (198, 243, 106)).max(axis=2) < 12).sum() > 400


def test_a_name_stands_for_one_measurement_and_all_are_saved_and_told(opened, qtbot, tmp_path):
    model, panel = opened.model, opened.measurements_panel
    for _ in range(2):
        panel.tools["distance"].click()
        in_slice(opened, "axial", [(-10, -5, 0), (2, 11, 0)])
    first, second = model.measurements
    assert (first.name, second.name) == ("Distance", "Distance 2")
    cell = panel.table.model().index(1, 0)
    panel.table.model().setData(cell, " distance ")
    qtbot.waitUntil(lambda: "Another measurement is called 'distance'" in opened.status.text.text())
    panel.table.model().setData(cell, "Pedicle, left")
    qtbot.waitUntil(lambda: model.measurements[1].name == "Pedicle, left")
    assert model.history.undoText() == "rename Distance 2"
    with qtbot.waitSignal(opened.controllers.export.said) as said:
        opened.dialogs.file_to_save = lambda *_: tmp_path / "table"
        panel.csv_button.click()
    assert said.args == ["Table saved: table.csv"]
    text = (tmp_path / "table.csv").read_text(encoding="utf-8")
    assert NOTICE in text
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    assert [(each["name"], each["value"], each["unit"]) for each in rows] == [
        ("Distance", "20.000", "mm"),
        ("Pedicle, left", "20.000", "mm"),
    ]
    path = tmp_path / "case.spinect"
    with qtbot.waitSignal(opened.controllers.save.saved, timeout=20000):
        opened.controllers.save.save_plan(path)
    assert [each.name for each in read_document(path).plan.figures] == ["Distance", "Pedicle, left"]
    with qtbot.waitSignal(model.case_opened, timeout=20000):
        opened.controllers.open.open_path(path)
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    assert [(each.name, each.drawn) for each in model.measurements] == [
        ("Distance", first.drawn),
        ("Pedicle, left", second.drawn),
    ]
    assert not model.unsaved


def lime(view) -> int:
    """Pixels of a view in the colour of what was measured."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(int)
    return int((np.abs(pixels - (198, 243, 106)).max(axis=2) < 12).sum())


def test_what_is_measured_again_is_blind_and_gives_mean_sd_and_agreement(opened, qtbot, tmp_path):
    model, panel, axial = opened.model, opened.measurements_panel, opened.slices["axial"]
    opened.dock.setCurrentWidget(panel)
    for stop in ((2.0, 11.0, 0.0), (2.0, -5.0, 0.0)):
        panel.tools["distance"].click()
        in_slice(opened, "axial", [(-10, -5, 0), stop])
    first, second = model.measurements
    assert lime(axial) > 50

    def repeat(key, lengths, plane="axial"):
        model.select(key)
        panel.again_menu.aboutToShow.emit()
        panel.again_menu.actions()[len(lengths) - 2].trigger()
        for number, mm in enumerate(lengths, start=1):
            assert panel.blind_text.text() == f"Blind: {model.find(key).name}, {number} of {len(lengths)}"
            panel.blind_draw.click()
            in_slice(opened, plane, [(-10, -5, 0), (-10 + mm, -5, 0)])

    model.set_view(View(40))
    model.select(first.key)
    panel.again_menu.aboutToShow.emit()
    panel.again_menu.actions()[1].trigger()  # three times
    assert panel.blind_bar.isVisible()
    assert not panel.bar.isVisible()
    assert model.view == View(0)
    model.set_cursor((0, 0, 0))
    assert lime(axial) == 0
    shown = [[panel.rows.index(row, place).data() for place in (3, 4, 6)] for row in (0, 1)]
    assert shown == [["hidden"] * 3] * 2
    start = axial.to_screen(first.drawn.vertices[0])
    drag(axial, start, start + 30)
    assert model.find(first.key) is first, "what is not seen cannot be dragged"
    panel.blind_draw.click()
    in_slice(opened, "coronal", [(-10, 0, 0), (5, 0, 0)])
    assert "in the axial slice" in opened.status.text.text()
    assert panel.blind_text.text().endswith("1 of 3")
    panel.blind_draw.click()
    model.set_cursor((0, 0, 0))
    click(axial, QPointF(*axial.to_screen(np.array([-10.0, -5, 0]))))
    axial_now = axial.to_screen(np.array([9.0, -5, 0]))
    click(axial, QPointF(*axial_now))
    assert opened.state.repeating.done[0].value == pytest.approx(19, abs=1e-6)
    panel.blind_stop.click()
    assert "fewer than two" in opened.status.text.text()
    assert model.find(first.key) is first
    assert lime(axial) > 50
    repeat(first.key, (18, 20, 22))
    repeat(second.key, (12, 11))
    assert model.history.undoText() == "measure Distance 2 again, 2 times"
    assert panel.rows.index(0, 5).data() == "20.0 ± 2.0 mm (n = 3)"
    assert panel.rows.index(0, 4).data() == "20.0 mm"
    [box] = [each for each in opened.findChildren(RepeatsBox) if each.isVisible()]
    cells = [[box.rows.index(row, place).data() for place in range(box.rows.columnCount())] for row in (0, 1)]
    assert cells[0] == ["Distance", "20.0 mm", "18.0 mm", "20.0 mm", "22.0 mm", "20.0 mm", "2.00 mm"]
    assert cells[1] == ["Distance 2", "12.0 mm", "12.0 mm", "11.0 mm", "", "11.5 mm", "0.71 mm"]
    assert "2 measured 2 times each" in box.agreement.text()
    path = tmp_path / "plan.json"
    with qtbot.waitSignal(opened.controllers.save.saved, timeout=20000):
        opened.controllers.save.save_plan(path)
    [stored, other] = read_plan(path).figures
    assert [each.value for each in stored.repeats] == pytest.approx([18, 20, 22], abs=1e-6)
    assert len(other.repeats) == 2
    model.history.undo()
    assert not model.find(second.key).repeats
