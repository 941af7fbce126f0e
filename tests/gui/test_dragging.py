"""Needles of one's own are dragged in slices, in the 3D view and on the map, with their numbers."""

import numpy as np
import pytest
from gui_help import drag, send, settle
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from app.model.dragging import End
from app.model.trajectory_table import NEEDLE, VIEW
from app.widgets import palette
from spinect_core.geometry.view import View
from spinect_core.planning.needle.safety import clearance

NONE = Qt.MouseButton.NoButton


def needle_of(window):
    return window.state.trajectories.current.needle.needle


def catch(view, place):
    """Press on a place and leave the button down."""
    send(view, QEvent.Type.MouseMove, place, NONE, NONE)
    send(view, QEvent.Type.MouseButtonPress, place)


def follow(view, place):
    send(view, QEvent.Type.MouseMove, place, NONE, Qt.MouseButton.LeftButton)


def let_go(view, place):
    send(view, QEvent.Type.MouseButtonRelease, place, Qt.MouseButton.LeftButton, NONE)


def on_screen(view, point):
    x, y = view.to_screen(np.asarray(point))
    return QPointF(float(x), float(y))


def test_the_target_is_dragged_in_a_slice_with_its_numbers_and_as_one_step(own, qtbot):
    view, trajectories, model = own.slices["axial"], own.state.trajectories, own.model
    before, steps = needle_of(own), model.history.count()
    start = on_screen(view, before.target)
    there = on_screen(view, np.add(before.target, (1.0, 3.0, 0.0)))
    catch(view, start)
    follow(view, there)
    qtbot.waitUntil(lambda: trajectories.live is not None, timeout=90000)
    live = trajectories.live.needle
    np.testing.assert_allclose(live.target, np.add(before.target, (1.0, 3.0, 0.0)), atol=0.05)
    assert live.entry == before.entry, "the entry stays"
    # every number that is shown belongs to this place
    along = clearance(live, trajectories.planner.obstacles)
    shown = trajectories.current.needle
    assert shown.safety.live
    assert shown.safety.bone.gap_mm == pytest.approx(along.bone.gap_mm, abs=0.02)
    assert shown.safety.nerve.gap_mm == pytest.approx(along.nerve.gap_mm, abs=0.02)
    assert shown.safety.risks == ()
    rows = own.trajectories_panel.rows
    row = rows.row_of(trajectories.chosen)
    assert rows.index(row, NEEDLE).data().startswith(f"{live.depth_mm:.0f} mm")
    assert rows.index(row, VIEW).data() == live.view.words
    assert f"{along.bone.gap_mm:.1f} mm to" in own.frames["3d"].info.text()
    assert model.history.count() == steps, "not yet a step"
    let_go(view, there)
    settle(own, qtbot)
    qtbot.waitUntil(lambda: bool(trajectories.current.needle.safety.risks), timeout=90000)
    record = trajectories.current.needle
    assert not record.safety.live, "the rest was measured"
    assert record.needle.target == live.target
    assert record.safety.bone.gap_mm == pytest.approx(shown.safety.bone.gap_mm, abs=0.02)
    assert record.safety.tolerance.angle.amount == pytest.approx(
        shown.safety.tolerance.angle.amount, abs=0.1, rel=0.05
    )
    assert model.history.count() == steps + 1
    assert model.history.undoText() == "drag the target of Own needle 1"
    model.history.undo()
    assert needle_of(own) == before
    model.history.redo()
    assert trajectories.rows[-1].needle is record, "with all that was measured"


def test_the_entry_is_dragged_along_the_skin(own, qtbot):
    view, trajectories = own.slices["axial"], own.state.trajectories
    before = needle_of(own)
    start = on_screen(view, before.entry)
    catch(view, start)
    follow(view, start + QPointF(-25, 0))
    qtbot.waitUntil(lambda: trajectories.live is not None, timeout=90000)
    let_go(view, start + QPointF(-25, 0))
    settle(own, qtbot)
    after = needle_of(own)
    assert after.target == before.target
    assert after.entry[0] < before.entry[0] - 2
    # the skin of the small CT is the plane between body and air behind it
    assert after.entry[1] == pytest.approx(before.entry[1], abs=0.7)
    assert after.view.azimuth < before.view.azimuth


def test_an_end_is_dragged_in_the_3d_view(own, qtbot):
    viewport, trajectories = own.stage.viewport, own.state.trajectories
    own.model.set_view(View(90.0))
    viewport.grabFramebuffer()
    before = needle_of(own)
    start = on_screen(viewport.turntable, before.target)
    there = start + QPointF(0, -20)
    drag(viewport, (start.x(), start.y()), (there.x(), there.y()))
    qtbot.waitUntil(lambda: needle_of(own).target != before.target, timeout=90000)
    settle(own, qtbot)
    after = needle_of(own)
    moved = np.subtract(after.target, before.target)
    # seen from the left, up in the picture is towards the head, and nothing moves across the line of sight
    assert moved[2] == pytest.approx(20 * viewport.turntable.mm_per_pixel, rel=0.1)
    assert abs(moved[0]) < 1e-6
    assert own.model.view == View(90.0), "the camera stays"
    assert trajectories.current.own


def test_the_needle_is_turned_on_the_map(own, qtbot):
    chart, trajectories = own.trajectories_panel.map, own.state.trajectories
    view, before = own.model.view, needle_of(own)
    place = chart.needle_place
    wanted = chart.place(20.0, 10.0)
    drag(chart, (place.x(), place.y()), (wanted.x(), wanted.y()))
    settle(own, qtbot)
    after = needle_of(own)
    assert after.target == before.target
    assert after.view.angle_to(View.oblique("left", 20.0, 10.0)) < 0.01
    assert own.model.view == view, "the camera stays"
    assert own.model.history.undoText() == "turn Own needle 1"
    ctrl = Qt.KeyboardModifier.ControlModifier
    elsewhere = chart.place(30.0, 0.0)
    send(chart, QEvent.Type.MouseButtonPress, elsewhere, modifiers=ctrl)
    send(chart, QEvent.Type.MouseButtonRelease, elsewhere, Qt.MouseButton.LeftButton, NONE)
    settle(own, qtbot)
    assert needle_of(own).view.angle_to(View.oblique("left", 30.0, 0.0)) < 0.01
    assert trajectories.current.title == "Own needle 1"


def test_a_recommended_needle_stays_and_a_copy_of_it_is_dragged(planned, qtbot):
    trajectories, model = planned.state.trajectories, planned.model
    recommended = trajectories.current
    assert recommended.recommended
    view = planned.slices["axial"]
    start = on_screen(view, recommended.needle.needle.target)
    catch(view, start)
    let_go(view, start)
    assert not any(each.own for each in trajectories.rows), "a click makes no copy"
    catch(view, start)
    follow(view, start + QPointF(6, 6))
    let_go(view, start + QPointF(6, 6))
    assert "Own needle 1 is a copy of" in planned.status.text.text()
    settle(planned, qtbot)
    assert trajectories.rows[0].needle is recommended.needle
    own = trajectories.current
    assert (own.title, own.own, own.recommended) == ("Own needle 1", True, False)
    assert own.needle.needle.author == "user"
    assert own.needle.needle.target != recommended.needle.needle.target
    assert model.history.undoText() == "drag the target of Own needle 1"
    model.history.undo()
    assert model.history.undoText() == f"duplicate {recommended.called}"
    model.history.undo()
    assert not any(each.own for each in trajectories.rows)


def test_esc_puts_it_back(own, qtbot):
    view, trajectories = own.slices["axial"], own.state.trajectories
    before, steps = needle_of(own), own.model.history.count()
    start = on_screen(view, before.target)
    catch(view, start)
    follow(view, start + QPointF(9, 0))
    qtbot.waitUntil(lambda: trajectories.live is not None, timeout=90000)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert needle_of(own) == before
    let_go(view, start + QPointF(9, 0))
    settle(own, qtbot)
    assert needle_of(own) == before
    assert own.model.history.count() == steps


def test_where_the_ct_shows_no_skin_it_stays_and_says_why(own, qtbot):
    dragging, said = own.state.dragging, []
    dragging.said.connect(said.append)
    before = needle_of(own)
    assert dragging.begin(End.ENTRY)
    dragging.turn(np.array([0.0, 0.0, 1.0]))  # towards the head the small CT ends within the body
    qtbot.waitUntil(lambda: bool(said), timeout=90000)
    assert "does not show the skin" in said[0]
    dragging.end_drag()
    settle(own, qtbot)
    assert needle_of(own) == before


# ------------------------------------------------------------------------------------------------------ several needles


def own_rows(window):
    return [each for each in window.state.trajectories.rows if each.own]


def test_needles_are_duplicated_named_coloured_locked_and_deleted_step_by_step(own, qtbot):
    panel, model, trajectories = own.needles_panel, own.model, own.state.trajectories
    first = trajectories.current.needle
    panel.duplicate.click()
    made = trajectories.current.needle
    assert made.needle.name == "Own needle 2"
    assert made.safety == first.safety, "the same place has the same numbers"
    assert made.colour != first.colour
    assert trajectories.curve_known(made.needle) is not None, (
        "nothing is measured again in the window's thread"
    )
    index = panel.rows.index(panel.rows.row_of(trajectories.chosen), 0)
    panel.rows.setData(index, "steeper")
    qtbot.waitUntil(lambda: trajectories.current.title == "steeper")
    assert model.history.undoText() == "rename Own needle 2"
    colours = {action.text(): action for action in panel.colour.menu().actions()}
    colours["Rose"].trigger()
    assert trajectories.current.needle.colour == "rose"
    panel.lock.click()
    assert trajectories.current.needle.locked
    assert panel.rows.data(panel.rows.index(panel.rows.row_of(trajectories.chosen), 0)).endswith("(locked)")
    assert not panel.delete.isEnabled()
    assert not own.state.dragging.begin(End.TARGET)
    assert "steeper is locked" in own.status.text.text()
    view = own.slices["axial"]
    start = on_screen(view, needle_of(own).target)
    before = needle_of(own)
    drag(view, (start.x(), start.y()), (start.x() + 12, start.y()))
    settle(own, qtbot)
    assert needle_of(own) == before
    panel.lock.click()
    assert panel.delete.isEnabled()
    panel.delete.click()
    assert [each.title for each in own_rows(own)] == ["Own needle 1"]
    done = []
    while model.history.canUndo() and len(done) < 6:
        done.append(model.history.undoText())
        model.history.undo()
    assert done == [
        "delete steeper",
        "unlock steeper",
        "lock steeper",
        "colour steeper rose",
        "rename Own needle 2",
        "duplicate Own needle 1",
    ]
    assert [each.needle for each in own_rows(own)] == [first]


def test_a_name_that_another_needle_has_is_refused(own):
    panel, trajectories = own.needles_panel, own.state.trajectories
    panel.duplicate.click()
    own.controllers.needles.rename(trajectories.chosen, "Own needle 1")
    assert "Another needle is called 'Own needle 1'" in own.status.text.text()
    assert trajectories.current.title == "Own needle 2"


def test_every_number_of_a_row_is_that_of_its_needle(own, qtbot):
    panel, trajectories = own.needles_panel, own.state.trajectories
    panel.duplicate.click()
    own.state.dragging.begin(End.TARGET)
    own.state.dragging.bring(np.add(needle_of(own).target, (0.0, 3.0, 0.0)))
    own.state.dragging.end_drag()
    settle(own, qtbot)
    rows = panel.rows
    assert rows.rowCount() == 3, (
        "the recommended one and two of one's own; the blocked triangle has no needle"
    )
    for number, row in enumerate(rows.rows):
        record = row.needle
        shown = [rows.index(number, column).data() for column in range(rows.columnCount())]
        assert shown[0].startswith(row.called)
        assert record.needle.view.words in shown
        assert f"{record.safety.bone.gap_mm:.1f}" in shown
        nerve = min(record.safety.nerve.gap_mm, record.safety.nerve_at_target.gap_mm)
        assert f"{nerve:.1f}" in shown
        assert any(each.startswith(f"{record.needle.depth_mm:.0f} mm") for each in shown)
        assert str(record.light.light) in shown
    depths = {row.needle.needle.depth_mm for row in rows.rows}
    assert len(depths) == 3 - 1 or len(depths) == 3
    assert trajectories.rows[0].needle.needle.author == "automatic"


def test_all_own_needles_are_drawn_in_their_colours(own):
    def drawn():
        return list(own.stage.viewport.renderer.GetActors())

    count = len(drawn())
    own.needles_panel.duplicate.click()
    assert len(drawn()) == count + 1
    colours = {tuple(round(part * 255) for part in actor.GetProperty().GetColor()) for actor in drawn()}
    for each in own_rows(own):
        shade = QColor(palette.NEEDLE_COLOURS[each.needle.colour])
        assert (shade.red(), shade.green(), shade.blue()) in colours
    own.state.trajectories.choose(own.state.trajectories.rows[1].key)
    assert len(drawn()) == 2 + 2, "both stay while another row is looked at"


def test_names_colours_and_locks_are_in_the_plan(own, qtbot, tmp_path):
    own.needles_panel.duplicate.click()
    own.needles_panel.lock.click()
    wanted = [(each.title, each.needle.colour, each.needle.locked) for each in own_rows(own)]
    path = tmp_path / "plan.spinect"
    own.controllers.save.save_plan(path)
    qtbot.waitUntil(lambda: path.is_file() and not own.jobs.busy, timeout=90000)
    own.controllers.open.open_plan(path)
    qtbot.waitUntil(lambda: not own.jobs.busy and bool(own.state.trajectories.rows), timeout=90000)
    assert [(each.title, each.needle.colour, each.needle.locked) for each in own_rows(own)] == wanted
