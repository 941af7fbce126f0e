"""The real window on a small synthetic CT, with a segmentation that takes a second instead of a minute."""

import os
from pathlib import Path

os.environ.setdefault("QT_API", "pyside6")

import fake_planning
import gui_help
import pytest
import shiboken6
from gui_help import fake_find_organs, fake_segment, settle, small_region, small_volume
from PySide6.QtCore import QEvent, QSettings

import spinect_core.pipeline.replanning
import spinect_core.preprocessing
import spinect_core.segmentation
import spinect_core.segmentation.organs
from spinect_core.io.writing import write_volume


@pytest.fixture
def ct_file(tmp_path) -> Path:
    """A CT whose name and folder hold spaces, umlauts and a patient's name."""
    folder = tmp_path / "Müller Änne 王"
    folder.mkdir()
    path = folder / "ct.nii.gz"
    write_volume(small_volume(), path)
    return path


@pytest.fixture
def settings(tmp_path) -> QSettings:
    """Settings of this test alone, with the notice acknowledged."""
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture(autouse=True)
def fast_core(monkeypatch, request):
    """The network and the search for L5/S1 have their own tests; the slow test of the window uses the real ones."""
    if request.node.get_closest_marker("slow") is not None:
        return
    monkeypatch.setattr(spinect_core.segmentation, "segment", fake_segment, raising=False)
    monkeypatch.setattr(spinect_core.segmentation.organs, "find_organs", fake_find_organs)
    monkeypatch.setattr(spinect_core.preprocessing, "find_lumbosacral_region", small_region)


@pytest.fixture(scope="session", autouse=True)
def collector(qapp):
    """Nothing of a window is freed by a thread of its jobs, as in the program."""
    from app.model.garbage import Collector

    made = Collector()
    yield
    made.finish()


@pytest.fixture(autouse=True)
def own_recovery(monkeypatch, tmp_path) -> Path:
    """The private folder of this test alone."""
    folder = tmp_path / "state"
    monkeypatch.setattr("spinect_core.base.own_folders.state_folder", lambda: folder)
    return folder / "recovery"


@pytest.fixture(autouse=True)
def no_question_unanswered(monkeypatch):
    """A question that no test answers would wait for ever."""
    from app.widgets.dialogs import Dialogs

    monkeypatch.setattr(Dialogs, "ask_unsaved", lambda *_: pytest.fail("asked whether to save the case"))


def addresses(widgets):
    """Where the widgets themselves lie: Python's objects for them come and go."""
    return {shiboken6.getCppPointer(widget)[0] for widget in widgets}


@pytest.fixture
def window(qtbot, qapp, settings):
    """The window, shown; afterwards nothing of it may be left."""
    from app.model.jobs import Job
    from app.widgets import theme
    from app.widgets.dialogs import Answer
    from app.window.main_window import MainWindow

    theme.apply(qapp)
    before = addresses(qapp.topLevelWidgets())
    shown = MainWindow(settings, three_d=True)
    shown.dialogs.ask_unsaved = lambda *_: Answer.DISCARD
    shown.resize(1500, 900)
    shown.show()
    shown.stage.start()
    qtbot.waitExposed(shown)
    jobs = shown.jobs
    yield shown
    shown.close()
    assert not [job for job in jobs.findChildren(Job) if job.isRunning()]
    shown.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
    left = [widget for widget in qapp.topLevelWidgets() if not addresses([widget]) <= before]
    assert not left, f"left behind: {left}"


@pytest.fixture
def opened(window, qtbot, ct_file):
    """The window with the small CT open."""
    with qtbot.waitSignal(window.model.case_opened, timeout=90000):
        window.controllers.open.open_path(ct_file)
    qtbot.waitUntil(lambda: not window.jobs.busy)
    return window


@pytest.fixture
def segmented(opened, qtbot):
    """The window with the small CT segmented and drawn."""
    with (
        pytest.MonkeyPatch.context() as patch,
        qtbot.waitSignal(opened.model.surfaces_changed, timeout=90000),
    ):
        patch.setattr(gui_help, "STEP_SECONDS", 0.0)
        opened.segment_panel.button.click()
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    opened.stage.viewport.grabFramebuffer()
    return opened


@pytest.fixture
def planned(segmented, qtbot, monkeypatch):
    """The window with the trajectories of the small CT, on a coarse map."""
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)
    segmented.actions_.named["trajectories"].trigger()
    settle(segmented, qtbot)
    return segmented


@pytest.fixture
def own(planned, qtbot):
    """The same with a needle of one's own, which is looked at."""
    planned.actions_.named["needle"].trigger()
    settle(planned, qtbot)
    assert planned.state.trajectories.current.own
    return planned
