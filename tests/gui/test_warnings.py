"""What reading noticed is seen in the window, on its pictures and in what it saves, once and for ever."""

import nibabel as nib
import numpy as np
import pytest
from gui_help import export_view, small_volume
from PIL import Image
from plan_maker import full_planning

from spinect_core.image.warning import ReadingWarning
from spinect_core.io.reading import read_ct
from spinect_core.plan.document import read_document
from spinect_core.plan.plan import Case, Plan, read_plan, write_plan
from spinect_core.plan.wording import facts

STORED = ReadingWarning(
    "The values were taken for Hounsfield units at the user's wish", grave=True, code="test"
)
MILD = ReadingWarning("2 files of the folder cannot be used")


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=20000)


def open_and_wait(window, qtbot, path):
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        window.controllers.open.open_path(path)
    settle(window, qtbot)


@pytest.fixture
def doubtful(ct_file, tmp_path):
    """The small CT with a second orientation in its header, 25 mm from the first."""
    image = nib.load(ct_file)
    moved = image.affine.copy()
    moved[0, 3] += 25
    image.set_sform(image.affine, code=1)
    image.set_qform(moved, code=1)
    path = tmp_path / "doubtful.nii.gz"
    nib.save(image, path)
    return path


def grave_in(warnings):
    return [each for each in warnings if each.grave]


def test_a_ct_read_with_reservations_marks_the_whole_window(window, qtbot, doubtful):
    open_and_wait(window, qtbot, doubtful)
    (warning,) = grave_in(window.model.case.warnings)
    assert "differ by up to 25.0 mm" in warning.text
    assert warning.line in window.case_panel.warnings.text()
    assert window.case_panel.warnings.isVisible()
    assert window.status.reserved.isVisible()
    assert window.status.reserved.text() == "Read with reservations"
    assert warning.line in window.status.reserved.toolTip()
    assert window.windowTitle().startswith("\N{WARNING SIGN} ")
    panel = window.trajectories_panel
    assert not panel.warning.isHidden()
    assert panel.warning.text().startswith("Read with reservations: ")
    assert warning.line in panel.warning.toolTip()


def test_without_anything_to_know_there_is_no_mark(window, qtbot, ct_file, doubtful):
    open_and_wait(window, qtbot, doubtful)
    open_and_wait(window, qtbot, ct_file)
    assert grave_in(window.model.case.warnings) == []
    assert window.status.reserved.isHidden()
    assert "\N{WARNING SIGN}" not in window.windowTitle()
    assert window.trajectories_panel.warning.isHidden() == (not window.model.case.warnings)


def test_what_is_not_grave_is_told_without_a_mark(opened):
    opened.model.add_warnings(Case.of(small_volume()).with_warnings([MILD]))
    assert MILD.line in opened.case_panel.warnings.text()
    assert MILD.line in opened.trajectories_panel.warning.text()
    assert opened.status.reserved.isHidden()


def test_the_level_s_own_warnings_come_after_it(window, qtbot, doubtful):
    open_and_wait(window, qtbot, doubtful)
    window.model.set_planning(full_planning())
    lines = window.trajectories_panel.warning.toolTip().splitlines()
    assert lines[0].startswith("Read with reservations: ")
    assert lines[-2] == "Another level fits almost as well."
    assert lines[-1].startswith("How many lumbar vertebrae are there? L5/S1 is counted")


def test_saved_and_opened_again_nothing_is_lost_or_doubled(window, qtbot, doubtful, tmp_path):
    open_and_wait(window, qtbot, doubtful)
    every = window.model.case.warnings
    for name in ("one.spinect", "two.spinect", "three.json"):
        window.controllers.save.save_plan(tmp_path / name)
        settle(window, qtbot)
        kept = read_document(tmp_path / name).plan if name.endswith("spinect") else read_plan(tmp_path / name)
        assert kept.case.reading_warnings == every
        if name.endswith("spinect"):
            open_and_wait(window, qtbot, tmp_path / name)
            assert window.model.case.volume is not None
            assert window.model.case.warnings == every


def test_a_plan_without_its_ct_shows_those_it_was_saved_with(window, qtbot, doubtful, ct_file, tmp_path):
    volume = read_ct(doubtful)
    path = tmp_path / "plan.json"
    write_plan(Plan(case=Case.of(volume).with_warnings([STORED])), path)
    open_and_wait(window, qtbot, path)
    assert window.model.case.volume is None
    assert "The CT of this plan is not open" in window.case_panel.warnings.text()
    assert STORED.line in window.case_panel.warnings.text()
    assert window.status.reserved.isVisible()
    # its CT, read from a file of which nothing is noticed, takes nothing away
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        window.controllers.open.open_path(ct_file)
    settle(window, qtbot)
    assert window.model.case.volume is not None
    assert STORED in window.model.case.warnings
    window.controllers.save.save_plan(tmp_path / "again.spinect")
    settle(window, qtbot)
    assert STORED in read_document(tmp_path / "again.spinect").plan.case.reading_warnings


def test_a_plan_json_added_to_the_open_ct_brings_its_warnings(opened, qtbot, tmp_path):
    path = tmp_path / "plan.json"
    case = Case.of(opened.model.case.volume).with_warnings([STORED])
    write_plan(Plan(case=case, planning=full_planning()), path)
    with qtbot.waitSignal(opened.model.warnings_changed, timeout=20000):
        opened.controllers.open.open_plan(path)
    settle(opened, qtbot)
    assert opened.status.reserved.isVisible()
    opened.controllers.save.save_plan(tmp_path / "case.spinect")
    settle(opened, qtbot)
    assert STORED in read_document(tmp_path / "case.spinect").plan.case.reading_warnings


def test_the_exported_picture_carries_them_in_amber(segmented, qtbot, tmp_path):
    bare, warned = tmp_path / "bare.png", tmp_path / "warned.png"
    export_view(segmented, qtbot, bare)
    segmented.model.add_warnings(Case.of(segmented.model.case.volume).with_warnings([STORED]))
    export_view(segmented, qtbot, warned)
    before, after = (np.asarray(Image.open(path)).astype(int) for path in (bare, warned))
    rows, _ = np.nonzero(np.abs(before - after).max(axis=2) > 40)
    assert len(rows) > 200
    assert rows.min() > 0.85 * len(before), "it stands below, where no anatomy is"
    assert (np.abs(after - (245, 181, 68)).sum(axis=2) < 60).any()


def test_the_details_of_a_trajectory_begin_with_them(opened):
    opened.model.add_warnings(Case.of(opened.model.case.volume).with_warnings([MILD, STORED]))
    opened.model.set_planning(full_planning())
    panel = opened.trajectories_panel
    opened.dock.setCurrentWidget(panel)
    panel.pages.setCurrentIndex(1)
    first = opened.state.trajectories.rows[0]
    (_, found), *_ = facts(first, opened.model.planning.landmarks)
    opened.state.trajectories.choose(first.key)
    text = panel.details.text.toPlainText()
    assert STORED.text in text
    assert text.index(STORED.text) < text.index(MILD.text) < text.index(found)
