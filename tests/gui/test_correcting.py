"""Labels corrected by hand in the slices, and what becomes of all that depended on them."""

import numpy as np
import pytest
from gui_help import click, drag, settle
from label_maker import write_nifti
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QApplication

from app.model import plan_files
from app.model.correcting import Tool
from app.model.flow import Step
from app.widgets import palette
from spinect_core.base.words import Tissue
from spinect_core.image.volume import BONE, NERVE
from spinect_core.plan.document import read_document

FREE = np.array([18.0, 9.0, 3.0])
"""A place in soft tissue, within the segmented region."""
UP = np.array([0.0, 0.0, 1.0])
ROD = np.array([-36 + 1.5 * 34, -33 + 1.5 * 20.5, 0.0])


def label_at(window, point):
    labels = window.model.case.labels
    return int(labels.array[tuple(np.rint(labels.geometry.to_index(point)).astype(int))])


def count(window, tissue):
    return int((window.model.case.labels.array == tissue).sum())


def key(widget, code, text=""):
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(widget, QKeyEvent(kind, code, Qt.KeyboardModifier.NoModifier, text))


@pytest.fixture
def correcting(segmented):
    """The window with the tools at hand."""
    segmented.state.flow.go(Step.SEGMENT)
    segmented.correct_fold.button.click()
    assert segmented.state.correcting.on
    return segmented


def current(window, qtbot):
    qtbot.waitUntil(lambda: window.model.surfaces_current and not window.jobs.busy, timeout=60000)


def brush_and_eraser_in_three_planes_one_step_of_the_history_each(correcting, qtbot):
    window, model = correcting, correcting.model
    panel, history = window.correct_panel, model.history
    before = model.case.labels.array.copy()
    assert window.state.correcting.tool is None
    click(window.slices["axial"], window.slices["axial"].to_screen(FREE))  # the cross-hair, as ever
    assert history.count() == 0

    panel.tools[Tool.BRUSH].click()
    panel.size_mm.setValue(4.0)
    for number, view in enumerate(window.slices.values(), start=1):
        place = FREE + np.array([0, 3.0, 4.5]) * number
        model.set_cursor(place)
        along = np.eye(3)[view.plane.across] * 6
        cross = model.cursor.copy()
        drag(view, view.to_screen(place), view.to_screen(place + along))
        np.testing.assert_array_equal(model.cursor, cross)
        assert history.count() == number
        assert history.undoText() == "paint nerve"
        for part in (0, 0.5, 1):
            assert label_at(window, place + part * along) == NERVE
        beside = np.eye(3)[view.plane.normal] * 1.6
        assert label_at(window, place + beside) == label_at(window, place - beside) == 0, "one slice alone"
    painted = count(window, NERVE)
    assert painted > (before == NERVE).sum() + 30

    panel.tools[Tool.ERASER].click()
    view = window.slices["axial"]
    first = FREE + np.array([0, 3.0, 4.5])
    model.set_cursor(first)
    drag(view, view.to_screen(first), view.to_screen(first + np.array([6.0, 0, 0])))
    assert label_at(window, first) == 0
    assert history.undoText() == "erase nerve"
    assert "in 4 steps" in panel.told.text()
    assert model.unsaved
    for _ in range(4):
        history.undo()
    np.testing.assert_array_equal(model.case.labels.array, before)
    assert "corrected" not in panel.told.text()
    history.redo()
    assert label_at(window, first) == NERVE
    assert label_at(window, FREE + np.array([0, 6.0, 9.0])) == 0
    current(window, qtbot)


def the_other_label_stays_unless_it_may_be_painted_over_and_esc_gives_up(correcting, _qtbot):
    window, panel, axial = correcting, correcting.correct_panel, correcting.slices["axial"]
    window.model.set_cursor(ROD)
    bone = count(window, BONE)
    panel.tools[Tool.BRUSH].click()
    inside = np.array([-5.0, -3.0, 0.0])
    drag(axial, axial.to_screen(inside), axial.to_screen(inside + np.array([4, 0, 0])))
    assert count(window, BONE) == bone
    panel.spare.click()
    drag(axial, axial.to_screen(inside), axial.to_screen(inside + np.array([4, 0, 0])))
    assert label_at(window, inside) == NERVE
    window.model.history.undo()

    key(axial, Qt.Key.Key_Escape)
    assert window.state.correcting.tool is None
    drag(axial, axial.to_screen(inside), axial.to_screen(inside + np.array([4, 0, 0])))
    assert label_at(window, inside) == BONE
    panel.tissues[BONE].click()
    named = window.actions_.named
    named["brush"].trigger()
    named["wider"].trigger()
    assert panel.size_mm.value() == pytest.approx(4.5)
    named["narrower"].trigger()
    named["other_label"].trigger()
    assert panel.tissues[NERVE].isChecked()
    window.correct_fold.button.click()
    assert window.state.correcting.tool is None
    assert not named["brush"].isEnabled()


def pieces_holes_smoothing_and_what_lies_between(correcting, qtbot):
    window, model, panel = correcting, correcting.model, correcting.correct_panel
    axial = window.slices["axial"]
    rod, bone = count(window, NERVE), count(window, BONE)
    panel.tools[Tool.BRUSH].click()
    low, high = FREE - UP * 9, FREE + UP * 9
    for place in (low, high):
        model.set_cursor(place)
        assert not panel.between.isEnabled()
        click(axial, axial.to_screen(place))
    panel.between.click()
    assert label_at(window, FREE) == NERVE
    assert model.history.undoText() == "interpolate nerve"
    column = count(window, NERVE) - rod

    model.set_cursor(FREE)
    panel.tools[Tool.KEEP].click()
    click(axial, axial.to_screen(FREE))
    settle(window, qtbot)
    assert count(window, NERVE) == column
    model.history.undo()
    panel.tools[Tool.REMOVE].click()
    click(axial, axial.to_screen(FREE))
    settle(window, qtbot)
    assert count(window, NERVE) == rod

    panel.tissues[BONE].click()
    panel.tools[Tool.ERASER].click()
    hole = np.array([-9.0, -3.0, 0.0])
    model.set_cursor(hole)
    click(axial, axial.to_screen(hole))
    assert count(window, BONE) < bone
    panel.tools[Tool.FILL].click()
    click(axial, axial.to_screen(hole))
    settle(window, qtbot)
    assert count(window, BONE) == bone
    panel.tools[Tool.SMOOTH].click()
    corner = np.array([-21.0, -15.0, 0.0])
    click(axial, axial.to_screen(corner))
    assert abs(count(window, BONE) - bone) <= 1


def a_root_is_traced_between_two_clicks(correcting, qtbot):
    window, model, panel = correcting, correcting.model, correcting.correct_panel
    axial, coronal = window.slices["axial"], window.slices["coronal"]
    panel.size_mm.setValue(8.0)
    model.set_cursor(ROD)
    panel.tools[Tool.REMOVE].click()
    click(axial, axial.to_screen(ROD))
    settle(window, qtbot)
    assert count(window, NERVE) == 0
    panel.tools[Tool.TRACE].click()
    ends = [ROD - UP * 15, ROD + UP * 15]
    model.set_cursor(ends[0])
    click(axial, axial.to_screen(ends[0]))
    assert window.state.correcting.begun is not None
    click(coronal, coronal.to_screen(ends[1]))
    settle(window, qtbot)
    assert model.history.undoText() == "trace a root"
    for part in (0.1, 0.5, 0.9):
        assert label_at(window, ends[0] + part * (ends[1] - ends[0])) == NERVE
    places = model.case.labels.geometry.to_patient(np.argwhere(model.case.labels.array == NERVE))
    assert model.case.volume.array[model.case.labels.array == NERVE].min() > 100, "only what is like nerve"
    assert np.ptp(places[:, 2]) == pytest.approx(30, abs=9)


def labels_as_outlines_show_the_ct_within(segmented, _qtbot):
    axial, model = segmented.slices["axial"], segmented.model
    model.set_cursor((28.0, 25.0, 0.0))
    inside = (-10.0, -3.0, 0.0)

    def colour(point):
        x, y = axial.to_screen(np.array(point))
        image = axial.grab().toImage()
        return QColor(image.pixel(int(x * image.devicePixelRatio()), int(y * image.devicePixelRatio())))

    segmented.display_panel.sliders["labels"].setValue(100)
    assert colour(inside).name() == palette.BONE_LABEL
    segmented.display_panel.outlines.click()
    grey = colour(inside)
    assert grey.red() == grey.green() == grey.blue()
    grid, box = axial.placement()
    edge = axial.to_screen(np.array([-36 + 1.5 * 25.5, -3.0, 0.0]))
    blue = QColor(palette.BONE_LABEL)
    image = axial.grab().toImage()
    near = [QColor(image.pixel(int(edge[0]) + dx, int(edge[1]))) for dx in (-1, 0, 1)]
    assert min(abs(each.hue() - blue.hue()) for each in near) < 12
    assert grid.pixel[0] > 0 < box.width()


def test_the_tools(correcting, qtbot):
    """One window for all of them: opening it takes longer than what they do."""
    window = correcting
    for part in (
        brush_and_eraser_in_three_planes_one_step_of_the_history_each,
        the_other_label_stays_unless_it_may_be_painted_over_and_esc_gives_up,
        pieces_holes_smoothing_and_what_lies_between,
        a_root_is_traced_between_two_clicks,
        labels_as_outlines_show_the_ct_within,
    ):
        part(window, qtbot)
        while window.model.history.canUndo():
            window.model.history.undo()
        window.state.correcting.paint(NERVE)
        window.state.correcting.set_spare(True)
        if not window.state.correcting.on:
            window.correct_fold.button.click()
        window.state.correcting.choose(None)
    current(window, qtbot)


def test_what_was_found_on_the_labels_before_goes_and_comes_back_with_them(planned, qtbot):
    window, model = planned, planned.model
    window.state.flow.go(Step.CHECK)
    window.correct_fold.button.click()
    rows, planning, moment = window.state.trajectories.rows, model.planning, model.labels_moment
    surface = model.case.surfaces.nerve
    automatic = len(model.measurements)
    assert rows
    axial = window.slices["axial"]
    model.set_cursor(FREE)
    window.correct_panel.tools[Tool.BRUSH].click()
    window.correct_panel.size_mm.setValue(9.0)
    window.correct_panel.ball.click()
    camera = window.stage.viewport.turntable
    click(axial, axial.to_screen(FREE))
    assert not window.state.trajectories.rows
    assert not model.planning.searches
    assert not model.measurements
    assert window.state.flow.step == Step.CHECK
    assert window.correct_panel.find_button.isVisible()

    qtbot.waitUntil(lambda: bool(window.state.correcting.rechecked), timeout=60000)
    now = {each.name: each for each in window.state.correcting.rechecked}
    shown = [[each.text() for each in row] for row in window.correct_panel.needles.rows]
    for row in rows:
        if row.needle is not None:
            assert now[row.title].nerve_before_mm == row.nerve_mm
            assert shown[0][0] == row.title
            assert shown[0][1].endswith(f"({row.nerve_mm:.1f})")
    click(axial, axial.to_screen(FREE + np.array([4.0, 0, 0])))
    assert not window.correct_panel.needles.isVisible()

    window.correct_panel.find_button.click()  # waits for the surfaces
    qtbot.waitUntil(lambda: bool(model.planning.searches), timeout=60000)
    settle(window, qtbot)
    assert model.surfaces_current
    assert model.case.surfaces.nerve is not surface
    assert np.asarray(model.case.surfaces.nerve.points)[:, 1].max() > FREE[1] + 3
    assert window.stage.viewport.turntable.view is not None
    assert camera.size == window.stage.viewport.turntable.size

    while model.labels_moment != moment:
        model.history.undo()
    assert model.planning == planning
    assert [each.needle_text for each in window.state.trajectories.rows] == [
        each.needle_text for each in rows
    ]
    assert len(model.measurements) == automatic
    # what is written before the surfaces are made again makes its own, of the case as it is now
    assert not model.surfaces_current
    asked = window.controllers.report.opened.case
    assert asked.surfaces is None
    assert asked.segmentation is model.case.segmentation
    current(window, qtbot)
    assert window.controllers.report.opened.case.surfaces is model.case.surfaces
    assert asked is not model.case


def test_what_was_found_on_other_labels_does_not_come_back_by_a_plan_or_a_step_of_the_history(
    planned, qtbot, tmp_path
):
    window, model = planned, planned.model
    path = tmp_path / "plan.json"
    assert window.state.trajectories.rows
    assert any(each.automatic for each in model.measurements)
    plan_files.save(model.case, model.measurements, model.planning, path)
    window.state.flow.go(Step.CHECK)
    window.correct_fold.button.click()
    axial = window.slices["axial"]
    model.set_cursor(FREE)
    window.correct_panel.tools[Tool.BRUSH].click()
    click(axial, axial.to_screen(FREE))
    window.controllers.open.open_plan(path)
    settle(window, qtbot)
    assert not window.state.trajectories.rows
    assert not any(each.automatic for each in model.measurements)
    assert "found on other labels" in window.status.text.toolTip() + window.status.text.text()
    while model.history.canUndo() and not window.state.trajectories.rows:
        model.history.undo()
    assert any(each.automatic for each in model.measurements), "they belong to these labels"
    current(window, qtbot)
    window.controllers.open.open_plan(path)
    settle(window, qtbot)
    assert window.state.trajectories.rows
    # labels that are made anew
    case = model.case
    model.set_segmentation(case.segmentation, case.surfaces, case.picker)
    assert not any(each.automatic for each in model.measurements)
    assert case.notes == ()
    for step in (model.history.undo, model.history.redo):
        step()
        assert not any(each.automatic for each in model.measurements)


def test_a_document_keeps_what_was_corrected_and_it_is_compared(correcting, qtbot, tmp_path):
    window, model = correcting, correcting.model
    axial = window.slices["axial"]
    before = model.case.labels.array
    window.correct_panel.tools[Tool.BRUSH].click()
    model.set_cursor(FREE)
    click(axial, axial.to_screen(FREE))
    corrected = model.case.labels.array.copy()
    current(window, qtbot)
    asked = []
    window.dialogs.confirm_losing_corrections = asked.append
    window.segment_panel.button.click()
    assert asked == [model.corrected]
    assert not window.jobs.busy
    path = tmp_path / "case.spinect"
    with qtbot.waitSignal(window.controllers.save.saved, timeout=20000):
        window.controllers.save.save_plan(path)
    settle(window, qtbot)
    assert model.history.canUndo(), "saving keeps the history"

    document = read_document(path)
    assert document.plan.run["corrected"] == {"steps": 1, "voxels": int((corrected != before).sum())}
    assert any(note.startswith("Labels corrected by hand: ") for note in document.plan.notes)
    np.testing.assert_array_equal(document.labels_for(model.case.labels.geometry).array, corrected)
    np.testing.assert_array_equal(document.labels.array, corrected)
    assert "corrected by hand" in window.segment_panel.result.text().lower()

    with qtbot.waitSignal(window.controllers.open.plan_opened, timeout=60000):
        window.controllers.open.open_path(path)
    settle(window, qtbot)
    assert model.case.volume is not None
    assert not model.unsaved
    assert model.history.undoText() == "paint nerve"
    np.testing.assert_array_equal(model.case.labels.array, corrected)
    model.history.undo()
    np.testing.assert_array_equal(model.case.labels.array, before)
    assert "corrected by hand" not in window.segment_panel.result.text().lower()
    model.history.redo()
    np.testing.assert_array_equal(model.case.labels.array, corrected)
    current(window, qtbot)
    compared_with_another_set(window, qtbot, tmp_path)


def compared_with_another_set(window, qtbot, folder):
    """The labels before, without their upper half of nerve."""
    model, panel = window.model, window.compare_panel
    window.compare_fold.button.click()
    other = np.where(model.case.volume.array > 500, BONE, 0).astype(np.uint8)
    other[(model.case.volume.array > 150) & (other == 0)] = NERVE
    other[22:] = np.where(other[22:] == NERVE, 0, other[22:])
    path = write_nifti(folder / "other.nii.gz", other, model.case.volume.geometry)
    window.dialogs.ask_labels = lambda found, _path: (found, (Tissue.BONE, Tissue.NERVE))
    model.case.region = None  # the other set is taken as it is
    window.controllers.compare.load(path)
    settle(window, qtbot)
    comparison = window.state.comparing.comparison
    bone, nerve = comparison.found.tissues[BONE], comparison.found.tissues[NERVE]
    ours = model.case.labels.array == NERVE
    theirs = other == NERVE
    assert bone.dice == 1.0
    assert nerve.dice == pytest.approx(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()))
    assert panel.numbers[NERVE, "dice"].text() == f"{nerve.dice:.3f}"
    assert nerve.accuracy == 1.0
    panel.worst[NERVE].click()
    assert nerve.worst_mm == pytest.approx(18.0, abs=3.0)
    np.testing.assert_allclose(model.cursor, nerve.worst)
    assert model.cursor[2] > 15
    assert window.stage.viewport._covered == {"bone", "nerve"}
    panel.colours.click()
    assert not window.stage.viewport._covered
    panel.colours.click()

    model.history.undo()
    assert panel.told.text().startswith("These numbers are of the labels before")
    assert not window.stage.viewport._covered
    current(window, qtbot)
    panel.again.click()
    model.history.redo()  # while the labels as they were are compared
    settle(window, qtbot)
    assert not window.state.comparing.current
    model.history.undo()
    current(window, qtbot)
    assert window.state.comparing.current
    found = window.state.comparing.comparison.found.tissues[NERVE]
    ours = model.case.labels.array == NERVE
    assert found.dice == pytest.approx(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()))
    assert window.stage.viewport._covered == {"bone", "nerve"}
    panel.remove.click()
    assert window.state.slices.others is None
