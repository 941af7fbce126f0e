"""Nothing that others see or that is kept says whose CT is open."""

import logging
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from app.model.jobs import Job
from spinect_core.base.scratch import sweep

ROOT = Path(__file__).resolve().parents[2]


def test_the_title_names_neither_the_file_nor_the_series(opened, ct_file):
    title = opened.windowTitle()
    assert title.startswith("CT of ")
    for word in (ct_file.stem, ct_file.name, ct_file.parent.name, opened.model.case.name):
        assert word not in title.removeprefix("CT of")


@pytest.mark.parametrize("place", ["job", "window"])
def test_an_unexpected_fault_is_noted_without_what_it_says(window, qtbot, caplog, place):
    name = "^".join(["Mustermann", "Erika"])  # in one piece it would stand in the code, which is no secret

    def fail(*_):
        raise RuntimeError(f"cannot read {name}/0001.dcm")

    with caplog.at_level(logging.DEBUG):
        if place == "job":
            job = Job(fail)
            with qtbot.waitSignal(job.failed):
                job.start()
            job.wait()
        else:
            try:
                fail()
            except RuntimeError as error:
                window.boxes.show_unexpected(type(error), error, error.__traceback__)
    assert "builtins.RuntimeError" in caplog.text
    assert "test_window_privacy.py" in caplog.text
    assert name not in caplog.text


def test_what_the_window_writes_names_nobody_but_the_list_of_recent_files(
    segmented, qtbot, tmp_path, ct_file
):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("case.spinect", "plan.json"):
        segmented.controllers.save.save_plan(out / name)
        qtbot.waitUntil(lambda: not segmented.jobs.busy, timeout=20000)
    assert segmented.controllers.export.write_view(out / "view.png")
    qtbot.waitUntil(lambda: (out / "view.png").exists() and not segmented.jobs.busy, timeout=20000)
    segmented.state.settings.sync()
    words = [ct_file.parent.name, *ct_file.parent.name.split()]
    assert sorted(path.name for path in out.iterdir()) == ["case.spinect", "plan.json", "view.png"]
    for path in out.iterdir():
        texts = [path.read_bytes()]
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                texts += [archive.read(name) for name in archive.namelist()]
        assert not [word for word in words for text in texts if word.encode() in text]
    settings = QSettings(segmented.state.settings.fileName(), QSettings.Format.IniFormat)
    holds = {key for key in settings.allKeys() if any(word in str(settings.value(key)) for word in words)}
    assert holds == {"recent", "folder", "cts"}
    segmented.state.recent.clear()
    assert not [
        key for key in settings.allKeys() if any(word in str(settings.value(key)) for word in words)
    ], "clearing the list forgets the folder and the CTs of plans too"


STARTED = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
application = QApplication(sys.argv[:1])
def look():
    from app.window.main_window import MainWindow
    window = next((w for w in application.topLevelWidgets() if isinstance(w, MainWindow)), None)
    if window is not None and window.model.case is not None and not window.jobs.busy:
        timer.stop()
        def work(progress, cancel):
            from spinect_core.base.scratch import scratch_folder
            with scratch_folder() as folder:
                (folder / "voxels").write_text("x")
                print("working", flush=True)
                cancel.wait(60)
        window.jobs.start("Working", work, lambda _: None)
timer = QTimer()
timer.timeout.connect(look)
timer.start(100)
from app.main import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT", "SIGKILL"])
def test_a_window_that_is_asked_to_end_does_and_leaves_nothing(tmp_path, ct_file, name):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "TMPDIR": str(temporary),
    }
    with subprocess.Popen(
        [sys.executable, "-c", STARTED, "--no-3d", str(ct_file)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout.readline().strip() == b"working"
        assert len(list(temporary.glob("spinect-*/voxels"))) == 1
        child.send_signal(getattr(signal, name))
        _, said = child.communicate(timeout=60)
    if name != "SIGKILL":
        assert child.returncode == 130, said
        assert b"Traceback" not in said
    else:
        assert len(list(temporary.glob("spinect-*/voxels"))) == 1
        assert sweep(temporary)  # what the next start does
    assert not list(temporary.glob("spinect-*"))
