"""The program as it is started: it opens, works and ends without a word on the error channel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gui_help import small_volume

from spinect_core.io.writing import write_volume

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
application = QApplication(sys.argv[:1])
opened = []
def look():
    from app.window.main_window import MainWindow
    window = next((w for w in application.topLevelWidgets() if isinstance(w, MainWindow)), None)
    if window is not None and window.model.case is not None and not window.jobs.busy:
        timer.stop()  # closing takes longer than a tick
        print("opened", window.model.case.volume.geometry.shape, "3D" if window.stage.viewport is not None else "no 3D")
        application.closeAllWindows()
    elif window is not None:
        errors = [box for box in window.boxes.shown if box.icon() == QMessageBox.Icon.Warning]
        if errors:
            timer.stop()
            print("error", errors[0].text(), errors[0].informativeText())
            application.closeAllWindows()
timer = QTimer()
timer.timeout.connect(look)
timer.start(100)
from app.main import main
raise SystemExit(main(sys.argv[1:]))
"""


def run(arguments, tmp_path, **environment):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def path(tmp_path):
    return write_volume(small_volume(), tmp_path / "ct.nii.gz")


def test_open_and_close_leaves_no_trace(path, tmp_path):
    done = run([path], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "opened (40, 44, 48) 3D"
    assert done.stderr == ""


def test_without_opengl_the_slices_open(path, tmp_path):
    done = run([path, "--no-3d"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "opened (40, 44, 48) no 3D"


def test_a_driver_that_took_the_program_down_is_left_alone_once(path, tmp_path):
    config = tmp_path / "config" / "SPINECT" / "SPINECT Planner.conf"
    config.parent.mkdir(parents=True)
    config.write_text("[3d]\nstarting=yes\n")
    assert "no 3D" in run([path], tmp_path).stdout
    assert run([path], tmp_path).stdout.strip().endswith(" 3D")


def test_a_path_that_is_no_ct_is_explained_in_the_window(tmp_path):
    done = run([tmp_path / "missing.nii"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "missing.nii" in done.stdout
    assert done.stderr == ""


def test_help_teaches_without_a_screen(tmp_path):
    done = subprocess.run(
        [sys.executable, "main.py", "--help"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "DISPLAY"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "DICOM folder" in done.stdout
