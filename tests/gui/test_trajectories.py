"""Trajectories through the window: find, choose, turn, measure, adjust, undo, save and open again."""

import threading
import time
from dataclasses import replace

import fake_planning
import numpy as np
import pytest
from gui_help import click, drag, export_view
from PIL import Image
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

import spinect_core.pipeline.replanning
from app.model.rows import KEY_ROLE
from app.model.trajectory_table import AREA, LIGHT, NEEDLE, VIEW
from app.panels import angle_map_panel
from app.panels.case_panel import PLANNED_WITH
from app.views.needle_on_slices import near_plane
from app.widgets import palette
from spinect_core.base.errors import AnatomyError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.progress import check
from spinect_core.base.words import CaseCause, Guidance, Rule
from spinect_core.geometry.view import View
from spinect_core.pictures.needle_plane import needle_plane_picture
from spinect_core.plan.document import read_document, write_document
from spinect_core.plan.records import GapRecord, RootRecord
from spinect_core.planning.plausibility.light import RANGES
from spinect_core.planning.rules import RULE_COLOURS, TABLE, VIEW_RULES
from spinect_core.planning.zones.window import Sight

CORNER = "S1 posterolateral corner left"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Landmarks of the small scene, and a coarse map."""
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)


@pytest.fixture
def planned(segmented, qtbot):
    """The window with the trajectories of the small CT."""
    find(segmented, qtbot)
    return segmented


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=30000)


def find(window, qtbot):
    """Run it; a failure says what it was."""
    asked = len(window.boxes.shown)
    window.actions_.named["trajectories"].trigger()
    settle(window, qtbot)
    assert [box.text() for box in window.boxes.shown[asked:]] == []


def open_trajectory(window):
    return next(each for each in window.state.trajectories.rows if each.needle is not None and not each.own)


def test_trajectories_are_found_and_the_first_is_shown(planned):
    trajectories, model = planned.state.trajectories, planned.model
    assert [each.title for each in trajectories.rows] == ["Left Kambin, bony", "Right safe"]
    opened, closed = trajectories.rows
    assert opened.open
    assert not closed.open
    assert planned.dock.currentWidget() is planned.trajectories_panel
    assert trajectories.current is opened
    np.testing.assert_allclose(model.cursor, opened.needle.needle.target)
    assert model.view.angle_to(opened.needle.needle.view) < 0.01
    assert [each.drawn.side for each in model.measurements] == ["left"]
    rows = planned.trajectories_panel.rows
    # every number of a row is that of the view along its needle
    assert opened.search.recommended.view.angle_to(opened.needle.needle.view) < 0.01
    assert rows.index(0, AREA).data() == f"{opened.search.recommended.area_mm2:.1f}"
    assert rows.index(0, VIEW).data() == opened.search.recommended.view.words.removeprefix("left oblique ")
    assert rows.index(1, LIGHT).data().startswith("no trajectory: blocked by")
    assert "a trajectory through 1 of 2 triangles" in planned.status.text.text()
    assert "mm² open" in planned.frames["3d"].info.text()


def test_the_needle_and_its_cone_are_in_the_picture_and_go_with_the_case(planned, qtbot, ct_file):
    actors = planned.stage.viewport.renderer.GetActors()
    assert actors.GetNumberOfItems() == 5, "bone, nerve, needle, its entry, its cone"
    planned.state.trajectories.choose(planned.state.trajectories.rows[1].key)
    assert len(list(planned.stage.viewport.renderer.GetActors())) == 2, (
        "without a trajectory there is no needle"
    )
    planned.state.trajectories.choose(planned.state.trajectories.rows[0].key)
    with qtbot.waitSignal(planned.model.case_opened, timeout=20000):
        planned.controllers.open.open_path(ct_file)
    assert planned.stage.viewport.renderer.GetActors().GetNumberOfItems() == 0
    assert planned.state.trajectories.rows == ()
    assert not planned.actions_.named["needle"].isEnabled()


def test_arrow_keys_choose_rows(planned):
    table, trajectories = planned.trajectories_panel.table, planned.state.trajectories
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert trajectories.current is trajectories.rows[1]
    assert not planned.trajectories_panel.recommended.isEnabled()
    assert planned.trajectories_panel.others.isEnabled(), "the view nearest to being open"
    QTest.keyClick(table, Qt.Key.Key_Up)
    assert trajectories.current is trajectories.rows[0]


def test_rows_sort_by_their_numbers_and_the_chosen_one_stays_chosen(planned):
    table, trajectories = planned.trajectories_panel.table, planned.state.trajectories
    opened, blocked = trajectories.rows

    def selected():
        return [index.data(KEY_ROLE) for index in table.selectionModel().selectedRows()]

    def spans():
        return [table.columnSpan(row, LIGHT) for row in range(2)]

    whole = table.model().columnCount() - LIGHT
    assert spans() == [1, whole]
    assert selected() == [opened.key]
    table.sortByColumn(AREA, Qt.SortOrder.AscendingOrder)
    assert table.model().index(0, 0).data() == blocked.called
    assert spans() == [whole, 1]
    assert selected() == [opened.key]
    assert trajectories.current is opened
    QTest.mouseClick(
        table.viewport(),
        Qt.MouseButton.LeftButton,
        pos=table.visualRect(table.model().index(0, 0)).center(),
    )
    assert trajectories.current is blocked


def test_the_window_follows_while_one_turns(planned, qtbot):
    present, model = planned.state.present, planned.model
    before = present.window.area_mm2
    model.set_view(model.view.turned(25.0, 10.0))
    qtbot.waitUntil(lambda: present.window.view == model.view, timeout=3000)
    assert present.window.area_mm2 != pytest.approx(before)
    assert f"{present.window.area_mm2:.1f} mm²" in planned.frames["3d"].info.text()
    assert planned.state.trajectories.sight(planned.state.trajectories.current).window(
        model.view
    ).area_mm2 == pytest.approx(present.window.area_mm2)


def test_turning_is_not_held_up_by_the_window(planned, qtbot):
    """However often the view changes, it is measured at most ten times a second."""
    counted = []
    planned.state.present.changed.connect(lambda: counted.append(1))
    began = time.monotonic()
    drag(planned.stage.viewport, (300, 300), (420, 300), steps=60)
    spent = time.monotonic() - began
    assert len(counted) <= spent / 0.1 + 1


def test_a_view_that_a_rule_refuses_has_its_colour_and_the_rule_stands_below_the_map(planned, monkeypatch):
    panel = planned.trajectories_panel.map
    bare = panel.chart
    steep = np.where(bare.looks.allowed & (bare.looks.tilt > 10), VIEW_RULES.index(Rule.TILT_STEEP) + 1, 0)
    chart = replace(bare, refused=steep.astype(np.uint8))
    number = int(np.flatnonzero(steep)[0])
    at = float(bare.looks.oblique[number]), float(bare.looks.tilt[number])
    assert "Not recommended" not in panel.words_at(*at)
    panel.resize(420, 320)
    before = panel.box
    monkeypatch.setattr(type(panel), "chart", property(lambda _: chart))
    assert panel.words_at(*at).endswith("Not recommended: tilt too steep")
    assert panel.legend(chart, panel.fontMetrics())[0][0] == Rule.TILT_STEEP
    assert panel.box.height() < before.height(), "the legend has its own place"
    shown, plain = (angle_map_panel.cells(each, QSize(70, 70)).toImage() for each in (chart, bare))
    # the left side of the patient is on the left, and cranial is above
    x = round(70 * (1 - at[0] / 60)) if at[0] else 69
    y = round(70 * (40 - at[1]) / 80)
    spot = min(max(x, 1), 68), min(max(y, 1), 68)
    colour, was = (each.pixelColor(*spot) for each in (shown, plain))
    wanted = np.array(RULE_COLOURS[Rule.TILT_STEEP])
    away = [np.abs(np.array(each.getRgb()[:3]) - wanted).sum() for each in (colour, was)]
    assert away[0] < away[1]
    panel.grab()  # draws the legend
    panel.resize(200, 140)
    assert panel.legend(chart, panel.fontMetrics()) == [], "a low panel shows the map alone"


def test_the_map_turns_the_view_and_tells_what_is_there(planned):
    chart, model = planned.trajectories_panel.map, planned.model
    place = chart.place(20.0, -10.0)
    click(chart, place)
    assert model.view == View.oblique("left", 20.0, -10.0)
    drag(chart, (place.x(), place.y()), (chart.place(40.0, 0.0).x(), chart.place(40.0, 0.0).y()))
    assert model.view == View.oblique("left", 40.0, 0.0)
    assert chart.place(40.0, 0.0).x() < chart.place(10.0, 0.0).x(), "the patient's left is on the left"
    looks = chart.chart.looks
    index = int(np.flatnonzero(looks.allowed)[0])
    words = chart.words_at(looks.oblique[index], looks.tilt[index])
    assert f"{looks.area_mm2[index]:.1f} mm² open" in words
    planned.state.trajectories.choose(planned.state.trajectories.rows[1].key)
    assert "blocked by bone" in chart.words_at(0.0, 0.0)
    chart.setFocus()
    before = model.view
    QTest.keyClick(chart, Qt.Key.Key_Up)
    assert model.view.elevation == pytest.approx(before.elevation + 1)


def test_the_map_is_drawn_with_its_colours(planned):
    image = planned.trajectories_panel.map.grab().toImage()
    best = planned.state.trajectories.current.search.best.view
    at = planned.trajectories_panel.map.place(best.azimuth, best.elevation)
    ratio = image.devicePixelRatio()
    colours = {
        image.pixelColor(int((at.x() + dx) * ratio), int((at.y() + dy) * ratio)).name()
        for dx in (-4, 0, 4)
        for dy in (-4, 0, 4)
    }
    assert len(colours) > 1, "nothing marks the best view"


def test_a_needle_of_ones_own_is_measured_undone_and_deleted(planned, qtbot):
    trajectories, model = planned.state.trajectories, planned.model
    model.set_view(model.view.turned(2.0, 1.0))
    planned.actions_.named["needle"].trigger()
    settle(planned, qtbot)
    assert [each.title for each in trajectories.rows][-1] == "Own needle 1"
    own = trajectories.current
    assert own.own
    assert own.needle.needle.author == "user"
    assert own.needle.needle.view.angle_to(model.view) < 0.01
    np.testing.assert_allclose(own.needle.needle.target, planned.state.present.window.centre, atol=0.2)
    assert own.needle.safety.tolerance.angle.amount > 0
    assert trajectories.can_adjust, "the map stays at hand"
    assert model.planning.by_hand
    model.set_cursor((9.0, 0.0, 0.5))
    planned.actions_.named["needle_cross"].trigger()
    settle(planned, qtbot)
    np.testing.assert_allclose(trajectories.current.needle.needle.target, (9.0, 0.0, 0.5))
    planned.trajectories_panel.delete.click()
    assert [each.title for each in trajectories.rows if each.own] == ["Own needle 1"]
    model.history.undo()
    assert [each.title for each in trajectories.rows if each.own] == ["Own needle 1", "Own needle 2"]
    model.history.undo()
    model.history.undo()
    assert not [each for each in trajectories.rows if each.own]
    assert trajectories.can_adjust


def test_what_is_not_recommended_says_so_in_its_row_and_its_details(segmented, qtbot, tmp_path, monkeypatch):
    why = Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1")
    monkeypatch.setattr(fake_planning, "WITHHELD", (why,))
    find(segmented, qtbot)
    panel, trajectories = segmented.trajectories_panel, segmented.state.trajectories
    opened = trajectories.rows[0]
    held = "not recommended: another level fits almost as well: check that this is L5/S1"
    assert (opened.needle, opened.withheld_text) == (None, held)
    # its window stands in its columns, the reason in those of light and needle, in amber
    assert panel.rows.index(0, AREA).data() == f"{opened.search.best.area_mm2:.1f}"
    cell = panel.rows.index(0, LIGHT)
    assert cell.data() == held
    assert cell.data(Qt.ItemDataRole.ForegroundRole).name() == palette.DARK.warning
    assert panel.table.columnSpan(0, LIGHT) == AREA - LIGHT
    trajectories.choose(opened.key)
    assert not panel.recommended.isEnabled()
    assert panel.others.isEnabled()
    panel.views_menu.aboutToShow.emit()
    first = panel.views_menu.actions()[0]
    assert (first.text(), first.isEnabled()) == (f"N{held[1:]}", False)
    panel.pages.setCurrentIndex(1)
    assert "Not recommended" in panel.details.text.toPlainText()
    assert "A needle is not recommended" in panel.warning.text()
    assert "1 of 2 triangles are open, but no needle is recommended" in segmented.status.text.text()
    # a needle of one's own may be placed all the same, and keeps the warning
    segmented.actions_.named["needle"].trigger()
    settle(segmented, qtbot)
    own = trajectories.rows[-1]
    assert (own.own, own.withheld_text) == (True, held)
    assert held in segmented.status.text.text()
    row = panel.rows.row_of(own.key)
    assert panel.rows.index(row, 0).data(Qt.ItemDataRole.ForegroundRole).name() == palette.DARK.warning
    assert panel.rows.index(row, NEEDLE).data() == own.needle_text
    # saved and opened again it says the same
    path = tmp_path / "held.spinect"
    segmented.controllers.save.save_plan(path)
    settle(segmented, qtbot)
    assert read_document(path).plan.planning.withheld == segmented.model.planning.withheld != ()
    with qtbot.waitSignal(segmented.model.case_opened, timeout=20000):
        segmented.controllers.open.open_path(path)
    settle(segmented, qtbot)
    assert [each.withheld_text for each in trajectories.rows] == [held, "", held]


def test_the_light_of_the_case_stands_above_its_trajectories(segmented, qtbot, monkeypatch):
    panel = segmented.trajectories_panel
    assert panel.case_light.isHidden()
    limits = RANGES[CaseCause.NOISE]
    monkeypatch.setattr(fake_planning, "MEASURED", {CaseCause.NOISE: limits.most + 1})
    find(segmented, qtbot)
    assert panel.case_light.text().startswith("Case amber: the CT has a noise of")
    assert panel.case_light.property("state") == "amber"
    assert segmented.model.planning.withheld == ()
    monkeypatch.setattr(fake_planning, "MEASURED", {CaseCause.NOISE: limits.most_red + 1})
    find(segmented, qtbot)
    assert panel.case_light.text() == "Case red: see why nothing is recommended"
    assert panel.case_light.property("state") == "red"
    assert "A needle is not recommended: the CT has a noise of" in panel.warning.text()
    assert all(each.needle is None for each in segmented.state.trajectories.rows)


def test_gaps_of_roots_are_listed_and_drawn_on_slices_and_pictures(planned, qtbot, tmp_path):
    bare, marked = tmp_path / "bare.png", tmp_path / "marked.png"
    panel, model = planned.roots_panel, planned.model
    assert not panel.isVisibleTo(planned.side)
    export_view(planned, qtbot, bare)
    line = tuple((10.0, -10.0, 12.0 - k) for k in range(15))
    beside = tuple((x, y + 3.0, z) for x, y, z in line)
    gap = GapRecord(place="disc", start_mm=31.0, length_mm=13.0, points=line, supposed=beside)
    roots = (
        RootRecord(name="L5 left", whole=0.81, recess=1.0, foramen=1.0, beyond=0.5, gaps=(gap,)),
        RootRecord(name="L5 right", whole=1.0, recess=1.0, foramen=1.0, beyond=1.0),
    )
    model.set_planning(model.planning.replaced(roots=roots), "for the test")
    assert panel.isVisibleTo(planned.side)
    assert panel.legend.isVisibleTo(panel)
    texts = [[panel.rows.index(row, column).data() for column in range(3)] for row in range(2)]
    assert texts == [["L5 left", "81%", "13 disc"], ["L5 right", "100%", "none"]]
    told = panel.rows.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert told.startswith(
        "L5 left: 13 mm not labelled beside the disc (a course is supposed there); recess 100%, foramen 100%"
    )
    colours = [panel.rows.index(row, 0).data(Qt.ItemDataRole.ForegroundRole) for row in range(2)]
    assert colours[0].name() == palette.DARK.warning
    assert colours[1] is None
    # a click on the root goes to the middle of its gap, which is drawn there and not elsewhere
    panel.table.clicked.emit(panel.rows.index(0, 0))
    np.testing.assert_allclose(model.cursor, line[7])

    def drawn(image, colour=palette.GAP):
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return int((np.abs(image.astype(int)[..., :3] - (red, green, blue)).sum(axis=2) < 12).sum())

    def slice_of(name):
        picture = planned.slices[name].grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
        rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
        return rows[:, : picture.width() * 4].reshape(picture.height(), picture.width(), 4)

    assert panel.supposed.isVisibleTo(panel)
    assert drawn(slice_of("sagittal")) > 20
    assert drawn(slice_of("sagittal"), palette.SUPPOSED) > 10, "dotted beside it, in another colour"
    model.set_cursor((-14.0, -10.0, 5.0))
    assert drawn(slice_of("sagittal")) == 0
    export_view(planned, qtbot, marked)
    assert drawn(np.asarray(Image.open(marked))) > drawn(np.asarray(Image.open(bare))) + 20


def test_where_nothing_is_open_no_needle_is_placed(planned, qtbot):
    trajectories = planned.state.trajectories
    trajectories.choose(trajectories.rows[1].key)
    planned.model.set_view(View(0))
    planned.actions_.named["needle"].trigger()
    settle(planned, qtbot)
    assert "is open" in planned.boxes.shown[-1].text()
    assert len(trajectories.rows) == 2


def test_a_second_run_keeps_what_the_user_made(planned, qtbot):
    trajectories, model = planned.state.trajectories, planned.model
    planned.actions_.named["needle"].trigger()
    settle(planned, qtbot)
    found = model.measurements[0]
    model.rename(found.key, "Before surgery")
    model.add(
        found.drawn.moved(0, found.drawn.vertices[0] + 1.0).__class__(
            "safe", "right", found.drawn.vertices, View(-20), author="user"
        ),
        "Mine",
    )
    find(planned, qtbot)
    assert sorted(each.name for each in model.measurements) == ["Before surgery", "Mine"]
    assert [each.title for each in trajectories.rows if each.own] == ["Own needle 1"]
    corrected = next(each for each in model.measurements if each.name == "Before surgery")
    moved = corrected.drawn.moved(0, corrected.drawn.vertices[0] + 0.5)
    model.change(corrected.key, moved, "move a corner")
    find(planned, qtbot)
    kept = model.find(corrected.key)
    assert kept is not None, "a triangle that the user corrected is his"
    np.testing.assert_allclose(kept.drawn.vertices, moved.vertices)


def test_segmenting_again_takes_the_trajectories_but_not_the_users_needle(planned, qtbot):
    trajectories = planned.state.trajectories
    planned.actions_.named["needle"].trigger()
    settle(planned, qtbot)
    with qtbot.waitSignal(planned.model.surfaces_changed, timeout=20000):
        planned.controllers.segment.segment()
    settle(planned, qtbot)
    assert [each.title for each in trajectories.rows] == ["Own needle 1"]
    assert trajectories.rows[0].needle.safety is None, "it was measured on other labels"
    assert not trajectories.can_adjust
    find(planned, qtbot)
    assert len(trajectories.rows) == 3
    assert trajectories.rows[-1].needle.safety is not None


def test_a_landmark_is_found_and_moved_and_its_side_follows(planned, qtbot):
    trajectories, model, panel = (
        planned.state.trajectories,
        planned.model,
        planned.trajectories_panel.landmarks,
    )
    texts = [panel.rows.index(row, 0).data() for row in range(panel.rows.rowCount())]
    assert f"40%  {CORNER} (doubtful)" in texts
    panel.choose(CORNER)
    np.testing.assert_allclose(model.cursor, (8.0, 0.0, 0.0))
    before = open_trajectory(planned)
    model.set_cursor((11.0, 1.0, 2.0))
    panel.move_button.click()
    settle(planned, qtbot)
    landmark = next(each for each in model.planning.landmarks if each.name == CORNER)
    assert landmark.moved
    np.testing.assert_allclose(landmark.point, (11.0, 1.0, 2.0))
    after = open_trajectory(planned)
    shift = np.subtract(after.zone.borders[0].points[0], before.zone.borders[0].points[0])
    np.testing.assert_allclose(shift, (3.0, 1.0, 2.0), atol=1e-6)
    assert fake_planning.ASKED[-1] == ("left",), "the other side was not planned again"
    assert [each.title for each in trajectories.rows] == ["Left Kambin, bony", "Right safe"]
    find(planned, qtbot)
    assert next(each for each in model.planning.landmarks if each.name == CORNER).moved
    model.history.undo()
    model.history.undo()
    assert not next(each for each in model.planning.landmarks if each.name == CORNER).moved
    assert trajectories.can_adjust


def test_another_level_and_another_count(planned, qtbot):
    menu, model = planned.actions_.level_menu, planned.model
    assert menu.levels["L5/S1"].isChecked()
    assert menu.counts[0].isChecked()
    assert "fits almost as well" not in planned.trajectories_panel.warning.text()
    with qtbot.waitSignal(planned.controllers.plan.found, timeout=30000):
        menu.counts[1].trigger()
    assert model.planning.level.shift == 1
    assert planned.trajectories_panel.warning.isVisible()
    assert "fits almost as well" in planned.trajectories_panel.warning.text()
    settle(planned, qtbot)
    with qtbot.waitSignal(planned.controllers.plan.found, timeout=30000):
        menu.levels["L4/5"].trigger()
    settle(planned, qtbot)
    assert (model.planning.level.name, model.planning.level.shift) == ("L4/5", 1)
    model.history.undo()
    assert menu.levels["L5/S1"].isChecked()


def test_how_many_lumbar_vertebrae_is_asked_and_the_answer_renames_all_without_a_search(planned, qtbot):
    menu, model, panel = planned.actions_.level_menu, planned.model, planned.trajectories_panel
    before, trajectories = model.planning, planned.state.trajectories
    assert panel.level.isVisible()
    assert panel.level.text().startswith("L5/S1 · lumbar vertebrae?")
    assert "How many lumbar vertebrae" in panel.warning.text()
    assert menu.lumbar[None].isChecked()
    asked, view = len(fake_planning.ASKED), model.view

    menu.lumbar[6].trigger()
    assert len(fake_planning.ASKED) == asked
    assert (model.planning.level.name, model.planning.level.lumbar) == ("L6/S1", 6)
    assert panel.level.text().startswith("L6/S1 · 6 lumbar vertebrae")
    assert "How many" not in panel.warning.text()
    assert menu.lumbar[6].isChecked()
    assert [action.text() for action in menu.levels.values()] == ["L6/S1", "L5/6", "L4/5"]
    names = [panel.rows.columns[0].text(each) for each in panel.rows.rows]
    assert all(name.endswith(", L6/S1") for name in names)
    assert [each.side for each in trajectories.rows] == ["left", "right"]
    assert {each.drawn.level for each in model.measurements} == {"L6/S1"}
    assert trajectories.can_adjust
    assert trajectories.plan.landmarks.lumbar == 6
    assert (trajectories.chosen, model.view) == (trajectories.rows[0].key, view)
    panel.pages.setCurrentIndex(1)
    panel.details.refresh()
    assert "count of lumbar vertebrae: 6, confirmed by hand" in panel.details.text.toPlainText()

    model.history.undo()
    assert model.planning == before
    assert trajectories.plan.landmarks.lumbar is None
    model.history.redo()
    assert trajectories.plan.landmarks.lumbar == 6


def test_undo_brings_back_what_was_found_by_the_rules_of_then(planned, qtbot):
    model, trajectories, options = planned.model, planned.state.trajectories, planned.state.planning
    first = trajectories.plan
    options.choose(Guidance.FLUOROSCOPY, {each.rule: each.value for each in TABLE if each.editable})
    find(planned, qtbot)
    assert (first.guidance, trajectories.plan.guidance) == (Guidance.CT, Guidance.FLUOROSCOPY)
    assert trajectories.can_adjust
    model.history.undo()
    assert trajectories.plan is first
    assert model.planning.guidance == Guidance.CT
    assert not trajectories.can_adjust, "a needle measured by other rules would stand among these"
    model.history.redo()
    assert trajectories.plan.guidance == Guidance.FLUOROSCOPY
    assert trajectories.can_adjust


def test_a_count_that_the_shift_contradicts_is_refused_in_words(planned, qtbot):
    menu, model = planned.actions_.level_menu, planned.model
    with qtbot.waitSignal(planned.controllers.plan.found, timeout=30000):
        menu.counts[1].trigger()
    settle(planned, qtbot)
    before, said = model.planning, []
    planned.controllers.plan.said.connect(said.append)
    menu.lumbar[4].trigger()
    assert model.planning is before
    assert "a count of 4" in said[-1]
    assert menu.lumbar[None].isChecked()


def test_a_needle_of_another_level_is_named_with_its_level(planned, qtbot):
    plan, model = planned.controllers.plan, planned.model
    with qtbot.waitSignal(planned.state.trajectories.changed, timeout=30000):
        plan.place_needle(to_cursor=True)
    settle(planned, qtbot)
    panel = planned.trajectories_panel
    with qtbot.waitSignal(plan.found, timeout=30000):
        planned.actions_.level_menu.levels["L4/5"].trigger()
    settle(planned, qtbot)
    own = planned.state.trajectories.rows[-1]
    assert (own.level, own.elsewhere) == ("L5/S1", True)
    assert panel.rows.columns[0].text(own) == "Own needle 1, L5/S1"
    assert panel.level.text().startswith("L4/5")
    planned.state.trajectories.choose(own.key)
    panel.pages.setCurrentIndex(1)
    panel.details.refresh()
    text = panel.details.text.toPlainText()
    assert "another level than the planned L4/5" in text
    model.history.undo()


def test_finding_is_cancelled_within_a_second(segmented, qtbot, monkeypatch):
    def slow(labels, *, progress, cancel, **_):
        for step in range(500):
            check(cancel)
            progress(step / 500, "comparing with the atlas")
            time.sleep(0.02)

    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", slow)
    fractions = []
    segmented.jobs.progressed.connect(lambda part, _text: fractions.append(part))
    segmented.actions_.named["trajectories"].trigger()
    qtbot.waitUntil(lambda: len(set(fractions)) > 4, timeout=5000)
    with qtbot.waitSignal(segmented.jobs.ended, timeout=1000) as ended:
        segmented.status.cancel.click()
    assert ended.args[1] == "cancelled"
    assert segmented.state.trajectories.rows == ()


def test_no_level_is_an_error_in_words_and_changes_nothing(planned, qtbot, monkeypatch):
    def lost(*_, **__):
        raise AnatomyError("The labels do not reach L3/4", "Choose another level")

    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", lost)
    before = planned.model.planning
    planned.actions_.level_menu.levels["L3/4"].trigger()
    settle(planned, qtbot)
    assert "do not reach" in planned.boxes.shown[-1].text()
    assert planned.model.planning is before
    planned.actions_.level_menu.refresh()
    assert planned.actions_.level_menu.levels["L5/S1"].isChecked()


def test_a_saved_plan_shows_its_trajectories_without_running_again(planned, qtbot, tmp_path):
    path = tmp_path / "trajectories.spinect"
    planned.controllers.save.save_plan(path)
    settle(planned, qtbot)
    texts = [each.area_mm2 for each in planned.state.trajectories.rows]
    with qtbot.waitSignal(planned.model.case_opened, timeout=20000):
        planned.controllers.open.open_plan(path)
    settle(planned, qtbot)
    trajectories, panel = planned.state.trajectories, planned.trajectories_panel
    assert [each.area_mm2 for each in trajectories.rows] == texts
    trajectories.choose(trajectories.rows[0].key)
    assert not trajectories.can_adjust
    assert not panel.place.isEnabled()
    assert "again" in panel.place.toolTip()
    assert not panel.landmarks.move_button.isEnabled()
    assert panel.down.isEnabled()
    assert planned.stage.viewport.renderer.GetActors().GetNumberOfItems() == 5
    panel.pages.setCurrentIndex(1)
    assert "Angular tolerance" in panel.details.text.toPlainText()
    find(planned, qtbot)  # with the organs, which the plan names and does not hold
    assert planned.model.case.organs is not None
    assert trajectories.can_adjust


def test_a_saved_plan_keeps_its_maps(planned, qtbot, tmp_path):
    path, again = tmp_path / "trajectories.spinect", tmp_path / "again.spinect"
    trajectories, chart = planned.state.trajectories, planned.trajectories_panel.map
    computed = [trajectories.chart(trajectory).area_mm2 for trajectory in trajectories.rows]
    words = chart.words_at(20.0, 0.0)
    picture = chart.grab().toImage()
    for each, before in ((path, None), (again, path)):
        if before is not None:
            with qtbot.waitSignal(planned.model.case_opened, timeout=20000):
                planned.controllers.open.open_plan(before)
            settle(planned, qtbot)
        planned.controllers.save.save_plan(each)
        settle(planned, qtbot)
    with qtbot.waitSignal(planned.model.case_opened, timeout=20000):
        planned.controllers.open.open_plan(again)
    settle(planned, qtbot)
    assert trajectories.plan is None, "nothing was computed"
    for trajectory, area in zip(trajectories.rows, computed, strict=True):
        np.testing.assert_allclose(trajectories.chart(trajectory).area_mm2, area, atol=6e-4)
    trajectories.choose(trajectories.rows[0].key)
    assert chart.words_at(20.0, 0.0) == words
    assert chart.grab().toImage() == picture
    click(chart, chart.place(20.0, -10.0))
    assert planned.model.view == View.oblique("left", 20.0, -10.0)


def test_a_broken_map_in_a_plan_is_left_out(planned, qtbot, tmp_path):
    path = tmp_path / "trajectories.spinect"
    planned.controllers.save.save_plan(path)
    settle(planned, qtbot)
    document = read_document(path)
    maps = [name for name in document.files if name.endswith(".csv")]
    assert len(maps) == 2
    write_document(replace(document, files=dict.fromkeys(maps, b"oblique,tilt\n1,2\n")), path)
    with qtbot.waitSignal(planned.model.case_opened, timeout=20000):
        planned.controllers.open.open_plan(path)
    settle(planned, qtbot)
    trajectories, chart = planned.state.trajectories, planned.trajectories_panel.map
    trajectories.choose(trajectories.rows[0].key)
    assert trajectories.chart(trajectories.current) is None
    assert chart.words_at(20.0, 0.0) == ""
    chart.grab()
    find(planned, qtbot)  # with the organs, which the plan names and does not hold
    assert planned.model.case.organs is not None
    assert chart.words_at(20.0, 0.0)


def test_the_details_say_what_the_risk_leaves_out(planned):
    planned.trajectories_panel.pages.setCurrentIndex(1)
    text = planned.trajectories_panel.details.text.toPlainText()
    told = (
        "C-arm",
        "Clearance",
        "Axial plane",
        "Free-hand transforaminal",
        "without correction",
        "the entry's error",
    )
    for part in (*told, "midline"):
        assert part in text
    planned.trajectories_panel.pages.setCurrentIndex(2)
    assert len(planned.trajectories_panel.curve.clearance.depth_mm) > 10


def test_looking_down_the_needle_comes_near(planned):
    viewport, needle = planned.stage.viewport, open_trajectory(planned).needle.needle
    viewport.fit()
    planned.trajectories_panel.down.click()
    entry, target = viewport.turntable.to_screen(np.array([needle.entry, needle.target]))
    np.testing.assert_allclose(entry, target, atol=1e-6)
    np.testing.assert_allclose(target, (viewport.width() / 2, viewport.height() / 2), atol=1.0)
    assert min(viewport.turntable.size) * viewport.turntable.mm_per_pixel == pytest.approx(70.0)


def test_the_picture_on_disk_shows_the_trajectory(planned, qtbot, tmp_path):
    from PIL import Image

    def written(name):
        export_view(planned, qtbot, tmp_path / name)
        with Image.open(tmp_path / name) as image:
            return np.asarray(image.convert("RGB")).astype(int)

    planned.trajectories_panel.down.click()
    with_trajectory = written("trajectory.png")
    view = planned.model.view
    planned.state.trajectories.choose("")
    assert planned.model.view == view
    without = written("plain.png")
    assert (np.abs(with_trajectory - without).sum(axis=-1) > 30).mean() > 0.002


def test_selecting_a_triangle_leaves_the_trajectory(planned):
    planned.model.select(planned.model.measurements[0].key)
    assert planned.state.trajectories.current is None
    assert planned.frames["3d"].info.text() == ""
    assert planned.stage.viewport.renderer.GetActors().GetNumberOfItems() == 2


def test_the_part_of_a_needle_near_a_slice():
    entry, target = np.array([0.0, 0.0, 10.0]), np.array([0.0, 30.0, -10.0])
    first, last = near_plane(entry, target, 2, 0.0, 2.0)
    np.testing.assert_allclose([first[2], last[2]], [2.0, -2.0])
    assert near_plane(entry, target, 2, 20.0, 2.0) is None
    assert near_plane(entry, target, 0, 1.0, 2.0) is not None
    assert near_plane(entry, target, 0, 3.0, 2.0) is None
    first, last = near_plane(entry, target, 2, 0.0, 0.5)
    np.testing.assert_allclose([first[2], last[2]], [0.5, -0.5])


def test_a_slice_shows_the_needle(planned):
    view, needle = planned.slices["axial"], open_trajectory(planned).needle.needle
    with_needle = view.grab().toImage()
    planned.state.trajectories.choose("")
    without = view.grab().toImage()
    middle = np.mean(view.to_screen(np.array([needle.entry, needle.target])), axis=0)
    place = QPointF(*middle).toPoint()
    differs = [
        with_needle.pixelColor(place.x() + dx, place.y() + dy)
        != without.pixelColor(place.x() + dx, place.y() + dy)
        for dx in range(-4, 5)
        for dy in range(-4, 5)
    ]
    assert any(differs)


def test_the_slice_along_the_needle(planned, qtbot, ct_file, tmp_path, monkeypatch):
    """The picture holds the CT in the needle's plane, and is saved as it is shown."""
    trajectories, cut = planned.state.trajectories, planned.controllers.needle_slice
    panel, action = planned.trajectories_panel, planned.actions_.named["slice"]
    trajectories.choose(trajectories.rows[1].key)
    assert not panel.slice.isEnabled(), "without a trajectory there is no needle"
    assert not action.isEnabled()
    trajectories.choose(open_trajectory(planned).key)
    assert action.isEnabled()
    panel.slice.click()
    settle(planned, qtbot)
    window = cut.window
    assert window.isVisible()
    assert open_trajectory(planned).title in window.windowTitle()
    needle = open_trajectory(planned).needle.needle
    case = planned.model.case
    wanted = needle_plane_picture(
        case.volume, case.segmentation.labels_1mm, needle, told="count of lumbar vertebrae not confirmed"
    )
    np.testing.assert_array_equal(window.picture, wanted)
    path = tmp_path / "mine.png"
    asked = []
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *given, **_: (asked.append(given[2]), (str(path), ""))[1]
    )
    with qtbot.waitSignal(planned.controllers.export.said, timeout=20000):
        window.save.click()
    assert asked[0].endswith("slice-left-kambin-bony.png")
    np.testing.assert_array_equal(np.asarray(Image.open(path).convert("RGB")), window.picture)
    action.trigger()
    settle(planned, qtbot)
    assert cut.window is not window, "made anew, in place of the old one"
    cut.window.close()
    assert cut.window is None
    action.trigger()
    settle(planned, qtbot)
    planned.controllers.open.open_path(ct_file)
    settle(planned, qtbot)
    assert cut.window is None, "a picture of another patient must not stay"


def test_a_window_that_takes_long_is_measured_beside_the_window(planned, qtbot, monkeypatch):
    """While a large zone is looked at, the window answers; then what is open stands in the picture."""
    present, trajectories = planned.state.present, planned.state.trajectories
    trajectories.choose("")
    # The zone counts as quick at first, also on a machine so busy that looking at it took long before.
    monkeypatch.setattr("app.model.present_window.SLOW_SECONDS", 0.15)
    monkeypatch.setattr(trajectories, "seconds", lambda _sight: 0.0)
    trajectories.choose(open_trajectory(planned).key)
    threads, measure = [], Sight.window

    def slowly(sight, view):
        threads.append(threading.current_thread())
        time.sleep(0.2)
        return measure(sight, view)

    monkeypatch.setattr(Sight, "window", slowly)
    planned.model.set_view(planned.model.view.turned(4, 0))
    qtbot.waitUntil(lambda: present.window.view == planned.model.view, timeout=5000)
    planned.model.set_view(planned.model.view.turned(-2, 3))
    qtbot.waitUntil(lambda: present.window.view == planned.model.view, timeout=5000)
    first, *later = threads
    assert first is threading.main_thread(), "how long it takes is not known before"
    assert later
    assert threading.main_thread() not in later


def test_the_views_of_the_trajectories_are_looked_at_before_they_are_shown(planned, monkeypatch):
    trajectories = planned.state.trajectories
    monkeypatch.setattr(Sight, "window", lambda *_: pytest.fail("looked at in the window's thread"))
    for trajectory in trajectories.rows:
        trajectories.choose(trajectory.key)
        if trajectory.view is not None:
            assert planned.state.present.window.view == planned.model.view


def test_no_trajectories_are_found_without_the_organs_that_the_last_ones_were_kept_from(planned, qtbot):
    model, actions = planned.model, planned.actions_.named
    assert model.planning.organs is not None
    masks = model.planning.organs.replaced(origin="masks", source="TotalSegmentator")
    model.set_planning(model.planning.replaced(organs=masks))
    found = model.planning
    model.case.organs = None  # as in a plan that was opened: it names the organs, and does not hold them
    model.organs_changed.emit()
    assert PLANNED_WITH in planned.case_panel._facts.text()
    assert actions["no_organs"].isEnabled()
    asked = len(planned.boxes.shown)
    actions["trajectories"].trigger()
    settle(planned, qtbot)
    (box,) = planned.boxes.shown[asked:]
    assert "kept from organs, named by TotalSegmentator, which are not known now" in box.text()
    assert "File > Remove organs plans without them" in box.text() + box.informativeText()
    assert model.planning is found
    actions["no_organs"].trigger()
    assert PLANNED_WITH not in planned.case_panel._facts.text()
    find(planned, qtbot)
    assert model.planning.organs is None
    assert not actions["no_organs"].isEnabled()
