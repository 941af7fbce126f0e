"""The window of a computer whose decimal sign is a comma reads the same numbers as any other."""

import subprocess
import sys
from pathlib import Path

from comma_locale import comma_environment
from field_cases.image_maker import nrrd

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import locale, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
application = QApplication(sys.argv[:1])
print("after Qt", locale.localeconv()["decimal_point"])
def look():
    from app.window.main_window import MainWindow
    window = next((w for w in application.topLevelWidgets() if isinstance(w, MainWindow)), None)
    if window is None or window.model.case is None or window.jobs.busy:
        return
    timer.stop()
    geometry = window.model.case.volume.geometry
    print("in the window", locale.localeconv()["decimal_point"])
    print("read", *[f"{n:.6g}" for n in (*geometry.spacing, *geometry.origin)])
    application.closeAllWindows()
timer = QTimer()
timer.timeout.connect(look)
timer.start(100)
from app.main import main
raise SystemExit(main(sys.argv[1:]))
"""


def test_an_nrrd_is_read_in_a_window_that_began_with_a_comma(tmp_path: Path) -> None:
    environment = comma_environment(tmp_path)
    path = nrrd(tmp_path / "ct.nrrd")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), "--no-3d"],
        cwd=ROOT,
        env={**environment, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "after Qt ,",
        "in the window .",
        "read 4.5 4.8 2.5 -31.5 12.25 -400.125",
    ]
