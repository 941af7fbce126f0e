"""A case is not lost unasked: what was computed or drawn is saved, given up on purpose, or stays open."""

from dataclasses import replace

import pytest
from gui_help import drop, small_region
from plan_maker import full_planning
from PySide6.QtWidgets import QMessageBox

from app.widgets import messages
from app.widgets.dialogs import Answer
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.plan.document import read_document

pytestmark = pytest.mark.heavy

TRIANGLE = Triangle("safe", "right", ((-12, 4, -3), (14, 9, 2), (3, -7, 11)), View(-20, 5))


class Asked:
    """Answers the question, and keeps what was asked."""

    def __init__(self, window, answer):
        self.times, self.answer = [], answer
        window.dialogs.ask_unsaved = self

    def __call__(self, unsaved, running):
        self.times.append((tuple(unsaved), running))
        return self.answer


@pytest.fixture(autouse=True)
def closes_in_the_end(window):
    """What a test does not want to lose is given up after it."""
    yield
    window.dialogs.ask_unsaved = lambda *_: Answer.DISCARD


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=90000)


def test_a_ct_that_was_only_looked_at_is_closed_without_a_question(opened):
    asked = Asked(opened, Answer.CANCEL)
    opened.model.set_view(View(30, 10))
    opened.model.set_cursor((5, 5, 5))
    assert opened.model.unsaved == ()
    assert opened.close()
    assert not asked.times


def test_a_segmentation_is_not_lost_by_closing(segmented):
    asked = Asked(segmented, Answer.CANCEL)
    assert not segmented.close()
    assert segmented.isVisible()
    assert asked.times == [(("the segmentation",), "")]
    assert "•" in segmented.windowTitle()
    asked.answer = Answer.DISCARD
    assert segmented.close()


@pytest.mark.parametrize("way", ["open_path", "open_demo", "drop", "recent"])
def test_a_segmentation_is_not_lost_by_opening_something_else(segmented, ct_file, way):
    asked = Asked(segmented, Answer.CANCEL)
    case, opening = segmented.model.case, segmented.controllers.open
    if way == "recent":
        segmented.actions_._fill_recent()
        segmented.actions_.recent_menu.actions()[0].trigger()
    elif way == "drop":
        drop(segmented, ct_file)
    elif way == "open_demo":
        opening.open_demo()
    else:
        opening.open_path(ct_file)
    assert len(asked.times) == 1
    assert not segmented.jobs.busy
    assert segmented.model.case is case


def test_trajectories_and_triangles_are_not_lost_either(segmented):
    model = segmented.model
    model.mark_saved()
    assert model.unsaved == ()
    found = full_planning()
    model.replace_found((replace(TRIANGLE, author="automatic"),), found, "find trajectories")
    assert model.unsaved == ("trajectories and measurements",)
    model.history.undo()
    assert model.unsaved == ()
    model.add(TRIANGLE)
    assert model.unsaved == ("measurements",)


def test_save_writes_the_document_and_then_closes(segmented, qtbot, tmp_path):
    asked = Asked(segmented, Answer.SAVE)
    path = tmp_path / "case.spinect"
    segmented.dialogs.file_to_save = lambda *_: path
    assert not segmented.close()
    qtbot.waitUntil(lambda: not segmented.isVisible(), timeout=90000)
    assert read_document(path).labels is not None
    assert len(asked.times) == 1


def test_a_file_is_not_chosen_twice(segmented, qtbot, tmp_path):
    path = tmp_path / "case.spinect"
    segmented.controllers.save.save_plan(path)
    settle(segmented, qtbot)
    assert segmented.model.unsaved == ()
    assert "•" not in segmented.windowTitle()
    segmented.model.add(TRIANGLE)
    Asked(segmented, Answer.SAVE)
    segmented.dialogs.file_to_save = lambda *_: pytest.fail("the document is known")
    assert not segmented.close()
    qtbot.waitUntil(lambda: not segmented.isVisible(), timeout=90000)
    assert read_document(path).plan.triangles == (TRIANGLE,)


def test_whoever_does_not_name_a_file_stays(segmented, qtbot):
    Asked(segmented, Answer.SAVE)
    segmented.dialogs.file_to_save = lambda *_: None
    assert not segmented.close()
    qtbot.wait(50)
    assert segmented.isVisible()
    assert segmented.model.unsaved


def test_a_case_that_cannot_be_saved_stays(segmented, qtbot, tmp_path):
    Asked(segmented, Answer.SAVE)
    blocked = tmp_path / "a file"
    blocked.write_text("where a folder should be")
    segmented.dialogs.file_to_save = lambda *_: blocked / "case.spinect"
    with qtbot.waitSignal(segmented.boxes.failed, timeout=90000):
        assert not segmented.close()
    settle(segmented, qtbot)
    qtbot.wait(50)
    assert segmented.isVisible()
    assert segmented.model.unsaved
    segmented.boxes.close_all()


def test_save_and_then_open_another(segmented, qtbot, tmp_path, ct_file):
    asked = Asked(segmented, Answer.SAVE)
    case, path = segmented.model.case, tmp_path / "case.spinect"
    segmented.dialogs.file_to_save = lambda *_: path
    segmented.controllers.open.open_path(ct_file)
    qtbot.waitUntil(lambda: segmented.model.case is not case, timeout=90000)
    settle(segmented, qtbot)
    assert path.exists()
    assert len(asked.times) == 1
    assert segmented.model.unsaved == ()


def test_a_plan_without_labels_does_not_save_the_segmentation(segmented, qtbot, tmp_path):
    segmented.model.add(TRIANGLE)
    segmented.controllers.save.save_plan(tmp_path / "plan.json")
    settle(segmented, qtbot)
    assert segmented.model.history.isClean()
    assert segmented.model.unsaved == ("the segmentation",)


def test_what_came_while_it_was_written_is_still_unsaved(segmented):
    moment = segmented.model.moment
    segmented.model.add(TRIANGLE)
    segmented.model.mark_saved(moment)
    assert segmented.model.unsaved == ("measurements",)
    moment = segmented.model.moment
    segmented.model.set_segmentation(segmented.model.case.segmentation, segmented.model.case.surfaces)
    segmented.model.mark_saved(moment)
    assert segmented.model.unsaved == ("the segmentation",)


def test_a_region_set_by_hand_is_worth_a_question_and_the_one_that_was_found_is_not(opened):
    assert opened.model.unsaved == ()
    opened.model.set_region(small_region(opened.model.case.volume))
    assert opened.model.unsaved == ("the region set by hand",)


def test_work_that_is_going_on_is_not_stopped_unasked(opened, qtbot):
    asked = Asked(opened, Answer.CANCEL)
    opened.segment_panel.button.click()
    assert opened.jobs.works_on_case
    assert not opened.close()
    assert asked.times == [((), "Segmenting")]
    qtbot.waitUntil(lambda: opened.model.case.labels is not None, timeout=90000)


def test_a_plan_that_is_being_written_is_waited_for(segmented, qtbot, tmp_path):
    asked = Asked(segmented, Answer.CANCEL)
    path = tmp_path / "case.spinect"
    segmented.controllers.save.save_plan(path)
    assert not segmented.close()
    qtbot.waitUntil(lambda: not segmented.isVisible(), timeout=90000)
    assert read_document(path).labels is not None
    assert not asked.times


def test_measurements_opened_from_a_plan_are_in_that_file(opened, qtbot, tmp_path):
    from app.model.plan_files import make_plan
    from spinect_core.plan.plan import write_plan

    model = opened.model
    model.add(TRIANGLE)
    path = tmp_path / "plan.json"
    write_plan(make_plan(model.case, model.measurements, model.planning), path)
    model.history.undo()
    assert model.unsaved == ()
    opened.controllers.open.open_plan(path)
    settle(opened, qtbot)
    assert len(model.measurements) == 1
    assert model.unsaved == ()


def test_the_question_names_what_would_be_lost(opened):
    button = QMessageBox.StandardButton
    box = messages.unsaved_box(("the segmentation", "triangles"), "Finding trajectories", opened)
    assert "the segmentation, triangles" in box.informativeText()
    assert "Finding trajectories is still going on" in box.informativeText()
    assert box.defaultButton() is box.button(button.Save)
    assert box.escapeButton() is box.button(button.Cancel)
    box.deleteLater()
    box = messages.unsaved_box((), "Segmenting", opened)
    assert box.button(button.Save) is None
    assert box.button(button.Discard).text() == "Stop it"
    assert box.button(button.Cancel).text() == "Let it go on"
    box.deleteLater()
