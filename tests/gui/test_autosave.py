"""Unsaved work outlives a crash, is deleted in order, and is nobody else's."""

import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from gui_help import small_volume
from plan_maker import full_planning

from app.model import autosave
from app.model.plan_files import make_document
from app.panels.settings_box import GeneralPage
from app.panels.welcome import RecoverCard
from app.widgets.dialogs import Answer
from spinect_core.base import own_folders, scratch
from spinect_core.base.words import Checked
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.io.writing import write_volume
from spinect_core.plan.document import Document, read_document, write_document
from spinect_core.plan.plan import Case, Plan

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).resolve().parents[2]
TRIANGLE = Triangle("safe", "right", ((-12, 4, -3), (14, 9, 2), (3, -7, 11)), View(-20, 5))
SOON_MS = 50


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(autosave, "APART_MS", SOON_MS)


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=20000)


def kept(window, qtbot):
    """The document that is kept of a window, once nothing of it is still to be written."""
    saving = window.state.autosave
    qtbot.waitUntil(
        lambda: saving.path.exists() and not saving._changed and saving._job is None, timeout=20000
    )
    return read_document(saving.path)


def dead_mark():
    """What the name of a process that has ended says."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        mark = scratch.mark_of(child.pid)
        child.communicate(b"\n")
    assert scratch.lives(mark) is False
    return mark


def left_by_the_dead(path):
    """The same file as a dead process would have left it."""
    left = path.with_name(f"{dead_mark()}-{secrets.token_hex(4)}.spinect")
    shutil.copy(path, left)
    return left


def looked(window, qtbot):
    with qtbot.waitSignal(window.state.leftovers.changed, timeout=20000):
        window.state.leftovers.look()
    return window.state.leftovers.found


def worked(window):
    """Labels, a needle of the user's, a tick, a triangle with a name: all that can be lost."""
    model = window.model
    model.set_planning(full_planning().replaced(checked=(Checked.LABELS,)), "find trajectories")
    model.add(TRIANGLE, "Mine")
    model.case.notes = ("A note.",)


def test_work_is_kept_privately_and_comes_back_exactly(segmented, qtbot, own_recovery, ct_file):
    model, state = segmented.model, segmented.state
    worked(segmented)
    before = kept(segmented, qtbot)
    assert before.plan == make_document(model.case, model.measurements, model.planning).plan.replaced(
        created=before.plan.created
    )
    assert before.plan.planning.checked == (Checked.LABELS,)
    if os.name == "posix":
        assert stat.S_IMODE(own_recovery.stat().st_mode) == 0o700
    left = left_by_the_dead(state.autosave.path)
    labels, surfaces = model.case.labels.array.copy(), model.case.surfaces.bone.n_cells
    [found] = looked(segmented, qtbot)
    assert found.path == left
    assert found.told == "CT of 48 × 44 × 40: bone and nerve, 1 triangle, 2 needles"
    segmented.controllers.open.recover(left)
    qtbot.waitUntil(lambda: model.case.document is None and not left.exists(), timeout=20000)
    settle(segmented, qtbot)
    after = make_document(model.case, model.measurements, model.planning)
    assert after.plan == before.plan
    assert dict(after.files) == dict(before.files)
    np.testing.assert_array_equal(after.labels.array, before.labels.array)
    np.testing.assert_array_equal(after.labels_on_ct.array, before.labels_on_ct.array)
    np.testing.assert_array_equal(model.case.labels.array, labels)
    assert model.case.surfaces.bone.n_cells == surfaces
    assert [each.name for each in model.measurements] == ["Mine"]
    assert model.case.volume is not None
    assert model.unsaved == ("the segmentation", "trajectories and measurements")
    assert not state.leftovers.found
    assert left not in state.recent.paths
    assert kept(segmented, qtbot).plan == before.plan, "recovered work is unsaved work of this window"


def test_a_recovered_plan_takes_no_other_ct(window, qtbot, own_recovery, ct_file, tmp_path):
    """It is bound to its CT by checksum: another one at the place remembered is not taken."""
    own_recovery.mkdir(parents=True)
    other = small_volume()
    other.array[20, 20, 20] += 1
    left = own_recovery / f"{dead_mark()}-{secrets.token_hex(4)}.spinect"
    write_document(Document(Plan(case=Case.of(other), triangles=(TRIANGLE,))), left)
    window.state.recent.remember_ct(Case.of(other).sha256, ct_file)
    looked(window, qtbot)
    window.controllers.open.recover(left)
    qtbot.waitUntil(lambda: window.model.case is not None, timeout=20000)
    settle(window, qtbot)
    assert window.model.case.volume is None
    assert "is not the CT of this plan" in window.status.text.text()
    write_volume(other, tmp_path / "right.nii.gz")
    window.controllers.open.open_path(tmp_path / "right.nii.gz")
    settle(window, qtbot)
    assert window.model.case.volume is not None
    assert window.model.unsaved == ("measurements",)


def test_what_is_saved_or_given_up_is_not_kept(segmented, qtbot, tmp_path, ct_file):
    path = segmented.state.autosave.path
    kept(segmented, qtbot)
    segmented.controllers.save.save_plan(tmp_path / "case.spinect")
    settle(segmented, qtbot)
    qtbot.waitUntil(lambda: not path.exists(), timeout=20000)
    segmented.model.add(TRIANGLE)
    kept(segmented, qtbot)
    segmented.model.history.undo()
    assert not path.exists()
    segmented.model.add(TRIANGLE)
    kept(segmented, qtbot)
    segmented.controllers.open.open_path(ct_file)  # the fixture answers that the old case may go
    settle(segmented, qtbot)
    qtbot.wait(3 * SOON_MS)
    assert segmented.model.unsaved == ()
    assert not path.exists()


def test_an_orderly_quit_leaves_nothing_and_a_refused_one_everything(segmented, qtbot, own_recovery):
    worked(segmented)
    kept(segmented, qtbot)
    segmented.dialogs.ask_unsaved = lambda *_: Answer.CANCEL
    assert not segmented.close()
    assert list(own_recovery.iterdir()) == [segmented.state.autosave.path]
    segmented.dialogs.ask_unsaved = lambda *_: Answer.DISCARD
    segmented.model.add(TRIANGLE)
    qtbot.waitUntil(lambda: segmented.state.autosave._job is not None, timeout=20000)  # while it writes
    assert segmented.close()
    qtbot.wait(3 * SOON_MS)
    assert list(own_recovery.iterdir()) == []


def test_nothing_is_written_unless_something_changed(segmented, qtbot, monkeypatch):
    kept(segmented, qtbot)
    monkeypatch.setattr(autosave, "keep", lambda *_: pytest.fail("written again"))
    segmented.model.set_view(View(30, 10))
    segmented.model.set_cursor((5, 5, 5))
    qtbot.wait(5 * SOON_MS)
    assert not segmented.state.autosave._failed


def test_what_changes_while_it_is_written_is_written_next(segmented, qtbot):
    saving = segmented.state.autosave
    qtbot.waitUntil(lambda: saving._job is not None, timeout=20000)
    segmented.model.add(TRIANGLE)
    assert kept(segmented, qtbot).plan.triangles == (TRIANGLE,)


def test_a_running_window_keeps_its_own(segmented, qtbot, own_recovery):
    worked(segmented)
    kept(segmented, qtbot)
    segmented.state.leftovers.look()
    qtbot.waitUntil(lambda: segmented.state.leftovers._job is None, timeout=20000)
    assert segmented.state.leftovers.found == ()
    left = left_by_the_dead(segmented.state.autosave.path)
    left.rename(own_recovery / f"00000000-1-1-{secrets.token_hex(4)}.spinect")  # of another computer
    assert autosave.leftovers() == []


def test_damaged_work_says_so_and_can_be_deleted(window, qtbot, own_recovery):
    own_recovery.mkdir(parents=True)
    left = own_recovery / f"{dead_mark()}-{secrets.token_hex(4)}.spinect"
    left.write_bytes(b"PK\x03\x04 half of it")
    [found] = looked(window, qtbot)
    assert "damaged" in found.fault
    [card] = window.welcome.findChildren(RecoverCard)
    qtbot.waitUntil(card.delete.isVisible, timeout=2000)
    assert not card.recover.isVisible()
    card.delete.click()
    assert left.exists(), "one click deletes nothing"
    card.delete.click()
    assert not left.exists()
    qtbot.waitUntil(lambda: not window.welcome.findChildren(RecoverCard), timeout=2000)


def test_it_can_be_turned_off(segmented, qtbot):
    path = segmented.state.autosave.path
    kept(segmented, qtbot)
    page = GeneralPage(segmented.state.autosave, segmented.state.settings)
    qtbot.addWidget(page)
    assert page.keep.isChecked()
    page.keep.click()
    assert not path.exists()
    segmented.model.add(TRIANGLE)
    qtbot.wait(4 * SOON_MS)
    assert not path.exists()
    page.keep.click()
    kept(segmented, qtbot)


def test_a_folder_that_cannot_be_made_is_told_once(segmented, qtbot, monkeypatch):
    kept(segmented, qtbot)
    said = []
    segmented.state.autosave.said.connect(said.append)

    def refuse(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(own_folders, "make_private", refuse)
    for _ in range(2):
        segmented.model.add(TRIANGLE)
        qtbot.waitUntil(lambda: not segmented.state.autosave._changed, timeout=20000)
        qtbot.waitUntil(lambda: segmented.state.autosave._job is None, timeout=20000)
    assert len(said) == 1
    assert "Permission denied" in said[0]


@pytest.mark.skipif(os.name != "posix", reason="links and permissions of POSIX")
def test_the_private_folder_is_no_link_and_is_closed_to_others(tmp_path):
    folder = tmp_path / "state" / "recovery"
    folder.mkdir(parents=True, mode=0o755)
    own_folders.make_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(NotADirectoryError):
        own_folders.make_private(link)


WORKS = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
sys.path.insert(0, "tests/gui"), sys.path.insert(0, "tests")
import spinect_core.preprocessing, spinect_core.segmentation, spinect_core.segmentation.organs
from gui_help import fake_find_organs, fake_segment, small_region
from app.model import autosave
autosave.APART_MS = 50
spinect_core.segmentation.segment = fake_segment
spinect_core.segmentation.organs.find_organs = fake_find_organs
spinect_core.preprocessing.find_lumbosacral_region = small_region
application = QApplication(sys.argv[:1])
went = []
def look():
    from app.window.main_window import MainWindow
    window = next((w for w in application.topLevelWidgets() if isinstance(w, MainWindow)), None)
    if window is None or window.model.case is None or window.jobs.busy:
        return
    model, saving = window.model, window.state.autosave
    if model.case.segmentation is None:
        window.controllers.segment.segment()
    elif not went:
        from test_autosave import worked
        worked(window)
        went.append(1)
    elif saving.path.exists() and not saving._changed and saving._job is None and len(went) == 1:
        went.append(2)
        print("kept", saving.path, flush=True)
timer = QTimer()
timer.timeout.connect(look)
timer.start(50)
from app.main import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_after_a_kill_the_next_start_offers_what_was_there(
    window, qtbot, tmp_path, ct_file, own_recovery, name
):
    """A window that was killed, or closed with the session, comes back from its file with its CT."""
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "xdg"),
        "PYTHONPATH": str(ROOT),
    }
    with subprocess.Popen(
        [sys.executable, "-c", WORKS, "--no-3d", str(ct_file)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        said = child.stdout.readline().split()
        assert said[:1] == [b"kept"], child.stderr.read()
        left = Path(os.fsdecode(said[1]))
        assert left.parent == tmp_path / "xdg" / "spinect-planner" / "recovery"
        child.send_signal(getattr(signal, name))
        child.communicate(timeout=60)
    words = [ct_file.parent.name, *ct_file.parent.name.split(), ct_file.name]
    with zipfile.ZipFile(left) as archive:
        texts = [left.name.encode(), *(archive.read(each) for each in archive.namelist())]
    assert not [word for word in words for text in texts if word.encode() in text]
    before = read_document(left)
    own_recovery.mkdir(parents=True)
    left = left.rename(own_recovery / left.name)
    window.state.recent.remember_ct(before.plan.case.sha256, ct_file)
    looked(window, qtbot)
    [card] = window.welcome.findChildren(RecoverCard)
    qtbot.waitUntil(card.recover.isVisible, timeout=2000)
    card.recover.click()
    qtbot.waitUntil(
        lambda: window.model.case is not None and window.model.case.volume is not None, timeout=20000
    )
    settle(window, qtbot)
    after = make_document(window.model.case, window.model.measurements, window.model.planning)
    assert after.plan == before.plan
    np.testing.assert_array_equal(after.labels.array, before.labels.array)
    assert window.model.unsaved
    assert window.model.case.surfaces.bone.n_cells
