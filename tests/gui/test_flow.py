"""The way from a CT to a report: steps, what is checked on it, pages, layouts."""

import fake_planning
import pytest
from gui_help import small_volume
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

import spinect_core.pipeline.replanning
from app.model.case import Case
from app.model.flow import Flow, Step, StepState
from app.window.main_window import LAYOUTS
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.words import Checked, Guidance, Rule
from spinect_core.plan.records import LimitRecord, RootRecord


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Landmarks of the small scene, and a coarse map."""
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=60000)


def states(window):
    return {step: window.state.flow.state(step) for step in Step}


def shown(window):
    """The page of the side column."""
    (step,) = [step for step, page in window.pages.items() if page.isVisibleTo(window.side)]
    return step


def tick(window, what):
    box = window.check_panel.ticks[what]
    window.side.ensureWidgetVisible(box)
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().center() / 8 + box.rect().topLeft())


def test_from_a_ct_to_the_report_takes_few_clicks(opened, qtbot):
    window, flow = opened, opened.state.flow
    assert shown(window) == Step.CT
    assert states(window)[Step.SEGMENT] == StepState.NEXT
    assert states(window)[Step.CHECK] == StepState.WAITING
    # 1: everything up to the check
    with qtbot.waitSignal(window.model.planning_changed, timeout=90000):
        window.case_panel.plan.click()
    settle(window, qtbot)
    assert shown(window) == Step.CHECK
    assert [each.what for each in flow.items] == [Checked.LEVEL, Checked.LABELS]  # of nothing is warned here
    assert not any(each.done for each in flow.items)
    assert not window.check_panel.on.isEnabled()
    assert "Not confirmed yet: level and count" in window.report_panel.state.text()
    # 2 and 3: count and labels
    window.check_panel.counts[5].click()
    assert window.model.planning.level.lumbar == 5
    assert not window.check_panel.ticks[Checked.LEVEL].isEnabled()
    assert window.check_panel.ticks[Checked.LEVEL].isChecked()
    tick(window, Checked.LABELS)
    assert window.model.planning.checked == (Checked.LABELS,)
    assert states(window)[Step.CHECK] == StepState.DONE
    assert states(window)[Step.PLAN] == StepState.DONE
    # a plan of other choices says so, until it is found again or they are taken back
    options = window.state.planning
    limits = {each.rule: each.value for each in options.rules if each.editable}
    kept = tuple(LimitRecord.taken_from(each, override="") for each in options.rules)
    made = window.model.planning.replaced(guidance=options.guidance, rules=kept)
    window.model.set_planning(made, "as the planner stores it")
    for guidance, changed in (
        (Guidance.FLUOROSCOPY, limits),
        (Guidance.CT, limits | {Rule.OBLIQUE_WIDE: 40.0}),
    ):
        options.choose(guidance, changed)
        assert states(window)[Step.PLAN] == StepState.ATTENTION
        assert "find the trajectories again" in window.plan_panel.told.text()
        options.choose(Guidance.CT, limits)
        assert states(window)[Step.PLAN] == StepState.DONE
    # 4: the report's page
    window.steps.buttons[Step.REPORT].click()
    assert shown(window) == Step.REPORT
    assert window.report_panel.state.text() == "Level, labels and warnings are confirmed."
    assert window.report_panel.buttons["save"].isEnabled()


def test_what_was_checked_is_undone_kept_with_the_plan_and_asked_anew_on_other_labels(
    opened, qtbot, tmp_path
):
    window, model, flow = opened, opened.model, opened.state.flow
    window.case_panel.plan.click()
    settle(window, qtbot)
    # the names as they are may be relied on without a count
    tick(window, Checked.LEVEL)
    assert model.planning.checked == (Checked.LEVEL,)
    assert model.history.undoText() == "check level and count of the vertebrae"
    model.history.undo()
    assert model.planning.checked == ()
    model.history.redo()
    path = tmp_path / "plan.spinect"
    window.controllers.save.save_plan(path)
    settle(window, qtbot)
    with qtbot.waitSignal(model.case_opened, timeout=20000):
        window.controllers.open.open_plan(path)
    settle(window, qtbot)
    assert model.planning.checked == (Checked.LEVEL,)
    assert shown(window) == Step.CHECK
    assert flow.state(Step.CHECK) == StepState.NEXT
    # what was looked at is gone with the labels
    window.controllers.segment.segment()
    settle(window, qtbot)
    assert model.planning.checked == ()
    assert shown(window) == Step.SEGMENT


def test_a_count_that_is_taken_back_leaves_nothing_confirmed(opened, qtbot):
    window, model = opened, opened.model
    window.case_panel.plan.click()
    settle(window, qtbot)
    tick(window, Checked.LEVEL)
    tick(window, Checked.LABELS)
    window.check_panel.counts[6].click()
    assert model.planning.level.name == "L6/S1"
    window.check_panel.counts[6].click()
    assert model.planning.level.lumbar is None
    assert model.planning.checked == (Checked.LABELS,)
    assert not window.state.flow.checked


def test_no_step_back_brings_the_plan_of_other_labels_back(opened, qtbot):
    window, model = opened, opened.model
    window.case_panel.plan.click()
    settle(window, qtbot)
    window.check_panel.counts[5].click()
    tick(window, Checked.LABELS)
    assert window.actions_.named["report"].isEnabled()
    window.controllers.segment.segment()
    settle(window, qtbot)
    for _ in range(model.history.count()):
        model.history.undo()
        assert model.planning.needles == model.planning.checked == ()
        assert not window.actions_.named["report"].isEnabled()
    for _ in range(model.history.count()):
        model.history.redo()
        assert model.planning.needles == model.planning.checked == ()
    # the count is the user's own, and comes back
    assert model.planning.level.lumbar == 5


def test_the_ct_of_a_plan_leaves_the_user_where_he_is(opened, qtbot, tmp_path, ct_file):
    window, model = opened, opened.model
    window.case_panel.plan.click()
    settle(window, qtbot)
    path = tmp_path / "plan.spinect"
    window.controllers.save.save_plan(path)
    settle(window, qtbot)
    window.state.recent.clear()
    other = small_volume("other")
    other.array[20, 20, 20] += 1
    model.open(Case(other, tmp_path / "other"))
    window.dialogs.confirm_without_ct = lambda _: True
    window.controllers.open.open_plan(path)
    qtbot.waitUntil(lambda: model.case.volume is None and not window.jobs.busy, timeout=20000)
    window.steps.buttons[Step.SEGMENT].click()
    window.controllers.open.open_path(ct_file)
    qtbot.waitUntil(lambda: model.case.volume is not None and not window.jobs.busy, timeout=20000)
    assert shown(window) == Step.SEGMENT


def test_the_same_level_found_again_stays_checked_and_another_is_asked_anew(opened, qtbot):
    window, model = opened, opened.model
    window.case_panel.plan.click()
    settle(window, qtbot)
    both = (Checked.LEVEL, Checked.LABELS)
    for what in both:
        tick(window, what)
    assert model.planning.checked == both
    window.plan_panel.find_button.click()
    settle(window, qtbot)
    assert model.planning.checked == both
    # other roots on the same labels, as after a landmark was moved or another disc was taken, are looked at anew
    roots = (RootRecord(name="L5 left", whole=0.81),)
    model.set_planning(model.planning.replaced(roots=roots))
    window.plan_panel.find_button.click()
    settle(window, qtbot)
    assert model.planning.checked == (Checked.LEVEL,)
    window.controllers.plan.find(level="L4/5")
    settle(window, qtbot)
    assert model.planning.level.name == "L4/5"
    assert Checked.LEVEL not in model.planning.checked


def test_roots_that_are_short_are_named(opened, qtbot):
    window, model = opened, opened.model
    window.case_panel.plan.click()
    settle(window, qtbot)

    def told():
        return next(each.told for each in window.state.flow.items if each.what == Checked.LABELS)

    assert told() == "No root was found."
    roots = (RootRecord(name="L5 left", whole=0.81), RootRecord(name="L5 right", whole=1.0))
    model.set_planning(model.planning.replaced(roots=roots))
    assert told() == "Not labelled along the whole course: L5 left 81%."
    model.set_planning(model.planning.replaced(roots=roots[1:]))
    assert told().startswith("Every root is labelled along its whole course")


def test_layouts_show_their_views_and_are_kept(segmented, window, settings):
    frames, actions = segmented.frames, segmented.actions_.named

    def seen():
        return {name for name, frame in frames.items() if frame.isVisibleTo(segmented)}

    for name, views, table in (
        ("3d", {"3d"}, True),
        ("slices", {"3d", "axial", "sagittal", "coronal"}, False),
        ("needle", {"3d"}, True),
        ("standard", {"3d", "axial", "sagittal", "coronal"}, True),
    ):
        actions[f"layout_{name}"].trigger()
        assert seen() == views
        assert segmented.dock.isVisibleTo(segmented) == table
        assert settings.value("window/layout") == name
    small = frames["axial"].width()
    actions["layout_slices"].trigger()
    segmented.grab()
    assert frames["axial"].width() > 1.5 * small
    # one view alone, and back to the same layout
    frames["sagittal"].enlarge.click()
    assert seen() == {"sagittal"}
    frames["sagittal"].enlarge.click()
    assert seen() == {"3d", "axial", "sagittal", "coronal"}
    assert not segmented.dock.isVisibleTo(segmented)
    assert set(LAYOUTS) == {"standard", "3d", "slices", "needle"}
    actions["side"].trigger()
    assert not segmented.side.isVisibleTo(segmented)
    actions["side"].trigger()
    assert segmented.side.isVisibleTo(segmented)


def test_sections_fold_and_stay_as_they_were_left(segmented, settings):
    fold = segmented.folds["display"]
    assert fold.folded
    assert not segmented.display_panel.isVisibleTo(fold)
    fold.button.click()
    assert segmented.display_panel.isVisibleTo(fold)
    assert settings.value("window/folded/display") == "no"


def test_a_running_job_is_seen_at_its_step(opened, qtbot):
    flow: Flow = opened.state.flow
    seen = []
    flow.changed.connect(lambda: seen.append(flow.state(Step.SEGMENT)))
    opened.controllers.segment.segment()
    settle(opened, qtbot)
    assert StepState.RUNNING in seen
    assert flow.state(Step.SEGMENT) == StepState.DONE
    assert opened.steps.buttons[Step.SEGMENT].accessibleName() == "Segment: done"


def test_warnings_are_read_before_the_report(opened, qtbot, monkeypatch):
    window, model = opened, opened.model
    monkeypatch.setattr(fake_planning, "WITHHELD", (Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1"),))
    window.case_panel.plan.click()
    settle(window, qtbot)
    assert states(window)[Step.CHECK] == StepState.ATTENTION
    (warned,) = [each for each in window.state.flow.items if each.what == Checked.WARNINGS]
    assert "another level fits almost as well" in warned.told
    assert window.check_panel.told[Checked.WARNINGS].property("role") == "notice"
    window.check_panel.counts[5].click()
    tick(window, Checked.LABELS)
    assert not window.check_panel.on.isEnabled()
    tick(window, Checked.WARNINGS)
    assert window.check_panel.on.isEnabled()
    window.check_panel.on.click()
    assert shown(window) == Step.PLAN
    # nothing is recommended, and the step says so
    assert states(window)[Step.PLAN] == StepState.ATTENTION
    assert "not recommended" in window.plan_panel.told.text().lower()
    assert window.plan_panel.on.isEnabled()
    assert model.planning.withheld
