"""Plans written by the window come back as they were."""

import json

import numpy as np
from gui_help import click, small_volume

from app.widgets.dialogs import Answer
from spinect_core.base.versions import NOTICE
from spinect_core.io.writing import write_volume


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=20000)


def draw_two(window):
    middle = np.array([window.stage.viewport.width() / 2, window.stage.viewport.height() / 2])
    for kind, shift in (("kambin", -30), ("safe", 60)):
        window.measurements_panel.tools[kind].click()
        for corner in ((-40, -30), (35, -20), (-10, 45)):
            click(window.stage.viewport, middle + np.array(corner) + np.array([shift, 0]))


def test_a_plan_comes_back_with_names_and_points(segmented, qtbot, tmp_path):
    model = segmented.model
    draw_two(segmented)
    model.rename(model.measurements[1].key, "Above the root")
    before = model.measurements
    path = tmp_path / "plän.json"
    assert "•" in segmented.windowTitle()
    segmented.controllers.save.save_plan(path)
    settle(segmented, qtbot)
    assert model.history.isClean()
    text = path.read_text(encoding="utf-8")
    stored = json.loads(text)
    assert stored["notice"] == NOTICE
    assert stored["run"]["engine"] == "openvino"
    assert "Müller" not in text
    assert "ct.nii.gz" not in text
    for each in before:
        model.remove(each.key)
    segmented.controllers.open.open_plan(path)
    settle(segmented, qtbot)
    assert [each.drawn for each in model.measurements] == [each.drawn for each in before]
    assert [each.name for each in model.measurements] == [each.name for each in before]
    model.history.undo()
    assert model.measurements == ()


def test_a_plan_of_another_ct_is_refused(segmented, qtbot, tmp_path):
    draw_two(segmented)
    path = tmp_path / "plan.json"
    segmented.controllers.save.save_plan(path)
    settle(segmented, qtbot)
    other = small_volume("other")
    other.array[20, 20, 20] += 1
    write_volume(other, tmp_path / "other.nii.gz")
    with qtbot.waitSignal(segmented.model.case_opened, timeout=20000):
        segmented.controllers.open.open_path(tmp_path / "other.nii.gz")
    settle(segmented, qtbot)
    with qtbot.waitSignal(segmented.boxes.failed, timeout=20000) as failed:
        segmented.controllers.open.open_plan(path)
    assert "another CT" in failed.args[0].fault
    assert segmented.model.measurements == ()


def test_where_nothing_can_be_written_the_window_says_so(segmented, qtbot, tmp_path):
    draw_two(segmented)
    blocked = tmp_path / "a file"
    blocked.write_text("where a folder should be")
    with qtbot.waitSignal(segmented.boxes.failed, timeout=20000):
        segmented.controllers.save.save_plan(blocked / "plan.json")
    settle(segmented, qtbot)
    assert not segmented.model.history.isClean()
    with qtbot.waitSignal(segmented.boxes.failed, timeout=20000) as failed:
        segmented.controllers.export.write_view(blocked / "a.png")
    assert "a.png" in str(failed.args[0].source)


def test_unsaved_measurements_are_not_lost_without_asking(segmented, qtbot, ct_file):
    draw_two(segmented)
    asked = []
    segmented.dialogs.ask_unsaved = lambda *_: asked.append(1) or Answer.CANCEL
    segmented.controllers.open.open_path(ct_file)
    assert asked
    assert not segmented.jobs.busy
    assert not segmented.close()
    assert segmented.isVisible()
    segmented.dialogs.ask_unsaved = lambda *_: Answer.DISCARD
