"""The window, from its start over an opened CT to its end, connects to nothing and leaves nothing of others."""

import sys
from pathlib import Path

import pytest
from watched import watch

START = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import app.main

run = QApplication.exec

def run_until_open(*_):
    def look():
        [window] = [each for each in QApplication.topLevelWidgets() if hasattr(each, "stage")]
        if window.model.case is not None and not window.jobs.busy:
            print("opened", window.stage.viewport is not None, flush=True)
            timer.stop()
            QTimer.singleShot(1500, QApplication.quit)

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(200)
    return run()

QApplication.exec = run_until_open
sys.exit(app.main.main(sys.argv[1:]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="homes are laid out as on Linux")
def test_the_window_is_alone(tmp_path: Path, ct_file: Path) -> None:
    seen = watch(["-c", START, str(ct_file)], tmp_path / "watched", timeout_s=180)
    assert seen.code == 0, seen.said
    assert "opened True" in seen.said
    assert seen.connections == []
    assert seen.foreign == []
    assert seen.left == []
    assert any(name.startswith(".config/SPINECT/") for name in seen.home)  # it does keep its own settings
