"""A case from start to end through the real window."""

import contextlib
import time
from pathlib import Path

import fake_planning
import numpy as np
import pytest
from gui_help import click, drag, export_view, small_volume
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest

from spinect_core.base.versions import NOTICE
from spinect_core.geometry.view import PRESETS, View
from spinect_core.io.writing import write_volume


def draw(window, kind="kambin", corners=((-40, -30), (35, -20), (-10, 45))):
    """Choose the tool and click three corners about the middle of the picture."""
    window.measurements_panel.tools[kind].click()
    middle = np.array([window.stage.viewport.width() / 2, window.stage.viewport.height() / 2])
    for corner in corners:
        click(window.stage.viewport, middle + corner)
    return window.model.measurements[-1]


def test_load_segment_cancel_segment_orbit_draw_export_load_another(window, qtbot, ct_file, tmp_path):
    model, viewport = window.model, window.stage.viewport
    # load
    with qtbot.waitSignal(model.case_opened, timeout=20000):
        window.controllers.open.open_path(ct_file)
    qtbot.waitUntil(lambda: not window.jobs.busy)
    assert model.case.volume.geometry.shape == (40, 44, 48)
    # segment, cancel within a second
    with qtbot.waitSignal(window.jobs.progressed, timeout=5000):
        window.segment_panel.button.click()
    assert window.segment_panel.button.text() == "Cancel"
    with qtbot.waitSignal(window.jobs.ended, timeout=1000) as ended:
        window.segment_panel.button.click()
    assert ended.args[1] == "cancelled"
    assert model.case.labels is None
    assert "cancelled" in window.status.text.text()
    # segment
    with qtbot.waitSignal(window.model.surfaces_changed, timeout=20000):
        window.segment_panel.button.click()
    assert model.case.surfaces.bone.n_cells > 100
    assert model.case.surfaces.nerve.n_cells > 100
    assert "OpenVINO on CPU" in window.status.device.text()
    picture = viewport.picture()
    assert np.ptp(picture.astype(int), axis=(0, 1)).max() > 100, "the 3D view is empty"
    # orbit: dragging to the right brings the patient's left side into view
    drag(viewport, (300, 300), (400, 300))
    assert model.view.azimuth == pytest.approx(40.0)
    assert model.view.elevation == 0
    assert window.view_panel.oblique.text() == "40.0° left"
    # draw, then drag a corner
    measurement = draw(window)
    assert measurement.drawn.side == "left"
    area = measurement.drawn.area_mm2
    corner = viewport.turntable.to_screen(measurement.drawn.vertices)[0]
    drag(viewport, corner, corner + np.array([-30, 0]))
    assert model.measurements[0].drawn.area_mm2 != pytest.approx(area)
    assert model.view.azimuth == pytest.approx(40.0), "dragging a corner must not turn the patient"
    model.history.undo()
    assert model.measurements[0].drawn.area_mm2 == pytest.approx(area)
    model.history.redo()
    # export
    target = tmp_path / "picture.png"
    export_view(window, qtbot, target)
    with Image.open(target) as image:
        # a small view is enlarged by a whole number, until its writing can be read
        high, wide = viewport.picture().shape[:2]
        times = image.height // high
        assert image.size == (wide * times, high * times)
        assert image.height >= 900 > image.height - high
        assert NOTICE in image.info.values()
    content = target.read_bytes().lower()
    for secret in ("müller", "änne", "王", ct_file.name):
        assert secret.lower().encode() not in content
    # load another: nothing of the first stays
    other = tmp_path / "other.nii.gz"
    write_volume(small_volume("other"), other)
    with qtbot.waitSignal(model.case_opened, timeout=20000):
        window.controllers.open.open_path(other)
    qtbot.waitUntil(lambda: not window.jobs.busy)
    assert model.measurements == ()
    assert model.case.labels is None
    assert not model.history.canUndo()
    assert viewport.renderer.GetActors().GetNumberOfItems() == 0


class Beats:
    """Counts what keeps the window from answering, beat by beat, on however busy a machine.

    That is what this process computed meanwhile, in whatever thread; and the time that passed while none of its threads
    stood in the queue for a core, as when the window waits for something. Only Linux tells of that queue.
    """

    def __init__(self):
        self.longest = 0.0
        self._queued = queued()
        self._last = time.process_time(), time.monotonic()

    def beat(self):
        now, waited = (time.process_time(), time.monotonic()), queued()
        computed, passed = (b - a for a, b in zip(self._last, now, strict=True))
        in_queue = sum(waited[each] - self._queued.get(each, 0.0) for each in waited)
        self.longest = max(self.longest, computed, passed - in_queue)
        self._last, self._queued = now, waited


def queued():
    """Seconds that each thread of this process has stood in the queue for a core."""
    seconds = {}
    for each in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread may end meanwhile
            seconds[each.parent.name] = int(each.read_text(encoding="ascii").split()[1]) / 1e9
    return seconds


def test_the_window_stays_awake_while_it_works(opened, qtbot):
    beats = Beats()
    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(beats.beat)
    timer.start()
    with qtbot.waitSignal(opened.model.surfaces_changed, timeout=20000):
        opened.controllers.segment.segment()
    timer.stop()
    beats.beat()
    assert beats.longest < 1.0


def test_every_preset_is_reached_and_said_in_words(segmented):
    for name, button in segmented.view_panel.presets.items():
        button.click()
        assert segmented.model.view == PRESETS[name]
        camera = segmented.stage.viewport.renderer.GetActiveCamera()
        towards = np.array(camera.GetPosition()) - np.array(camera.GetFocalPoint())
        np.testing.assert_allclose(towards / np.linalg.norm(towards), PRESETS[name].vector, atol=1e-9)
        np.testing.assert_allclose(camera.GetViewUp(), PRESETS[name].up, atol=1e-9)
        assert camera.GetParallelProjection()


def test_the_left_column_is_no_wider_than_its_place(segmented):
    column = segmented.side.widget()
    assert column.minimumSizeHint().width() <= segmented.side.viewport().width()
    mode = segmented.segment_panel.boxes["mode"]
    assert mode.mapTo(column, mode.rect().topRight()).x() < segmented.side.viewport().width()


def test_left_is_left_in_the_picture(segmented):
    """From behind, the nerve on the patient's left is drawn on the left, in the nerve's colour."""
    segmented.view_panel.presets["from behind"].click()
    picture = segmented.stage.viewport.picture().astype(int)
    yellow = (picture[..., 0] > 120) & (picture[..., 0] - picture[..., 2] > 80)
    white = (picture.min(axis=-1) > 90) & ~yellow
    assert yellow.sum() > 200
    assert np.argwhere(yellow)[:, 1].mean() < np.argwhere(white)[:, 1].mean() - 20


def test_a_picture_is_drawn_once(segmented, monkeypatch):
    viewport, drawn = segmented.stage.viewport, []
    grab = viewport.grabFramebuffer
    monkeypatch.setattr(viewport, "grabFramebuffer", lambda: drawn.append(1) or grab())
    viewport.picture()
    assert drawn == [1]


def test_typed_angles_turn_the_view(segmented, qtbot):
    box = segmented.view_panel.oblique
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "27 right")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert segmented.model.view.azimuth == pytest.approx(-27)
    box = segmented.view_panel.tilt
    box.selectAll()
    QTest.keyClicks(box, "12 cr")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert segmented.model.view.elevation == pytest.approx(12)


def test_bone_and_nerve_are_switched_and_faded(segmented):
    viewport = segmented.stage.viewport
    [actor] = viewport._parts["bone"].near
    viewport.picture()
    assert actor.GetVisibility()
    segmented.display_panel.checks["bone"].setChecked(False)
    viewport.picture()
    assert not actor.GetVisibility()
    segmented.display_panel.checks["bone"].setChecked(True)
    segmented.display_panel.sliders["bone"].setValue(40)
    assert actor.GetProperty().GetOpacity() == pytest.approx(0.4)


def test_the_table_renames_jumps_and_deletes(segmented, qtbot):
    first = draw(segmented)
    segmented.view_panel.presets["left lateral"].click()
    second = draw(segmented, "safe")
    table = segmented.measurements_panel.table
    rows = segmented.measurements_panel.rows
    assert rows.rowCount() == 2
    assert rows.index(1, 4).data() == f"{second.drawn.area_mm2:.1f} mm²"
    point = table.visualRect(table.model().index(0, 1)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert segmented.model.selected == first.key
    assert segmented.model.view == first.drawn.view
    segmented.model.rename(first.key, "Before decompression")
    assert rows.index(0, 0).data() == "Before decompression"
    panel = segmented.measurements_panel
    panel.side.setCurrentIndex(panel.side.findData("right"))
    panel.side.activated.emit(panel.side.currentIndex())
    assert segmented.model.find(first.key).drawn.side == "right"
    assert segmented.model.find(first.key).name == "Before decompression"
    panel.delete_button.click()
    assert [each.key for each in segmented.model.measurements] == [second.key]
    segmented.model.history.undo()
    assert len(segmented.model.measurements) == 2


def test_escape_and_backspace_while_drawing(segmented):
    segmented.measurements_panel.tools["safe"].click()
    viewport, tool = segmented.stage.viewport, segmented.state.measuring
    for position in ((200, 200), (300, 210)):
        click(viewport, position)
    assert tool.placed == 2
    QTest.keyClick(viewport, Qt.Key.Key_Backspace)
    assert tool.placed == 1
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert not tool.drawing
    assert not segmented.measurements_panel.tools["safe"].isChecked()
    assert segmented.model.measurements == ()


def test_three_clicks_on_a_line_are_refused_in_words(segmented):
    with_line = ((-40, 0), (0, 0), (40, 0))
    segmented.measurements_panel.tools["kambin"].click()
    middle = np.array([segmented.stage.viewport.width() / 2, segmented.stage.viewport.height() / 2])
    for corner in with_line:
        click(segmented.stage.viewport, middle + corner)
    assert segmented.model.measurements == ()
    assert "line" in segmented.boxes.shown[-1].text()
    assert segmented.state.measuring.drawing, "the tool stays in hand"


def test_a_long_message_does_not_widen_the_window(opened, qtbot):
    width = opened.width()
    opened.controllers.plan.said.emit("A very long sentence about a triangle. " * 30)
    qtbot.wait(50)
    assert opened.width() == width
    assert opened.minimumSizeHint().width() <= width


def test_the_demo_goes_on_to_the_finished_plan(window, qtbot, ct_file, monkeypatch):
    """What `main.py --demo` does: read, segment, surfaces, trajectories as one step of the history."""
    import spinect_core.pipeline.replanning
    from app.controllers import open as opening

    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)
    monkeypatch.setattr(opening, "asset", lambda name: ct_file)
    with qtbot.waitSignal(window.controllers.plan.found, timeout=60000):
        window.controllers.open.open_demo()
    model = window.model
    assert [each.name for each in model.measurements] == ["Left Kambin triangle"]
    assert len(window.state.trajectories.rows) == 2
    assert "a trajectory through 1 of 2 triangles" in window.status.text.text()
    assert "no trajectory" in window.status.text.toolTip()
    model.history.undo()
    assert model.measurements == ()
    assert window.state.trajectories.rows == ()
    qtbot.waitUntil(lambda: not window.jobs.busy)


def test_a_demo_that_did_not_come_along_is_an_error_in_words(window, monkeypatch):
    from app.controllers import open as opening

    monkeypatch.setattr(opening, "DEMO", "demo/not there.nii.gz")
    window.controllers.open.open_demo()
    assert "did not come with the program" in window.boxes.shown[-1].text()


def test_cutting_away_uncovers_what_lies_behind(segmented):
    """The ray then meets the block's front wall, and no longer its back wall."""
    from PySide6.QtCore import QPointF

    viewport = segmented.stage.viewport
    segmented.model.set_view(View(0))
    segmented.model.set_cursor((-9.75, -4.0, 0.0))
    x, y = viewport.turntable.to_screen(segmented.model.cursor)
    assert viewport.surface_point(QPointF(x, y))[1] == pytest.approx(-33 + 1.5 * 29.5, abs=0.4)
    segmented.display_panel.cut.setChecked(True)
    segmented.display_panel.cut_mm.setValue(2)
    assert viewport.surface_point(QPointF(x, y))[1] == pytest.approx(-33 + 1.5 * 11.5, abs=0.4)
