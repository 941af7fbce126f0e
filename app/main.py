"""Starts the window."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_API", "pyside6")  # before anything imports qtpy

from app import gl_probe
from spinect_core.base.blas import multiply_in_one_thread
from spinect_core.base.child import run_if_child
from spinect_core.base.decimal_point import keep_decimal_point
from spinect_core.base.errors import Cancelled
from spinect_core.base.own_folders import keep_to_own_folders
from spinect_core.base.scratch import sweep, sweep_temporary
from spinect_core.base.versions import NOTICE, __version__

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

DESKTOP_ENTRY = "org.spinect.planner"
"""The name of the entry in assets/desktop: a desktop finds the window's icon by it."""
ORGANISATION, NAME = "SPINECT", "SPINECT Planner"
SWITCH_S = 0.0002
"""After this time a working thread lets the window's have the interpreter; 5 ms, as is usual, add up to a stall."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="spinect-planner",
        description="Plan an injection at L5/S1 from a CT: bone and nerve in 3D, the line of sight, the triangles.",
        epilog=NOTICE,
    )
    result.add_argument(
        "ct",
        nargs="?",
        metavar="CT",
        help="DICOM folder, zip, NIfTI, NRRD or MetaImage; or a plan (.spinect, .json); or a link to a study in an "
        "archive (spinect://open?archive=NAME&study=UID)",
    )
    result.add_argument("--demo", action="store_true", help="open the demo case on its finished plan")
    result.add_argument(
        "--plan", action="store_true", help="segment the CT at once and show the finished plan"
    )
    result.add_argument(
        "--fast",
        action="store_true",
        help="with --demo or --plan: the region is read once, about half the time",
    )
    result.add_argument(
        "--teach",
        type=Path,
        metavar="FILE",
        help="practise on a pack of cases, or in the session of a class whose pack lies beside it",
    )
    result.add_argument("--no-3d", action="store_true", help="leave the 3D view out")
    result.add_argument("--version", action="version", version=f"SPINECT Planner {__version__}")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the planner; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if (child := run_if_child(words)) is not None:
        return child
    arguments = parser().parse_args(words)
    keep_to_own_folders()
    multiply_in_one_thread()
    sweep_temporary()
    probe = None if arguments.no_3d else gl_probe.start()

    from PySide6.QtCore import QCoreApplication, QSettings, QStandardPaths, Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from app.model.garbage import Collector
    from app.widgets import icons, messages, theme
    from app.window import start_3d
    from app.window.main_window import MainWindow
    from app.window.stop_signals import StopSignals

    # Qt's few shaders are compiled in a moment; it would keep them in the home.
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DisableShaderDiskCache)
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    keep_decimal_point()  # the application has just taken the user's
    collector = Collector()
    application.setOrganizationName(ORGANISATION)
    application.setApplicationName(NAME)
    if QStandardPaths.locate(
        QStandardPaths.StandardLocation.ApplicationsLocation, f"{DESKTOP_ENTRY}.desktop"
    ):
        application.setDesktopFileName(DESKTOP_ENTRY)  # Qt complains of one that is not there
    application.setWindowIcon(icons.icon("app"))
    settings = QSettings()
    theme.apply(application, theme.chosen(settings))
    application.styleHints().colorSchemeChanged.connect(
        lambda _scheme: theme.apply(application, theme.chosen(settings))
    )
    works = probe is not None and gl_probe.answer(probe)
    fell = start_3d.fell_last_time(settings)
    window = MainWindow(settings, works and not fell)
    starter = start_3d.Starter(window.stage.start, settings, window)
    sys.excepthook = window.boxes.show_unexpected
    sys.setswitchinterval(SWITCH_S)
    window.show()
    if works and not fell:
        QTimer.singleShot(0, starter.start)
    if works and fell:
        window.status.say("3D did not start last time and was left out. It is tried again at the next start.")
    window.state.leftovers.look()
    notice = messages.first_start_box(settings, window)
    if notice is not None:
        window.boxes.show(notice)
    if arguments.fast:
        window.state.options.choose("mode", "fast", keep=False)
    _open_first(window, arguments)

    def stop() -> None:
        # Nobody can be asked: the terminal or the session is going.
        window.jobs.shut_down()
        window.state.autosave.finish(forget=False)
        window.state.leftovers.finish()
        application.exit(Cancelled.exit_code)

    signals = StopSignals(stop)
    folders = {path.parent for path in window.state.recent.paths}
    threading.Thread(target=lambda: [sweep(each) for each in folders], daemon=True).start()
    code = application.exec()
    signals.close()
    starter.finish()
    sys.excepthook = sys.__excepthook__
    window.deleteLater()
    application.processEvents()
    collector.finish()
    return int(code)


def _open_first(window: MainWindow, arguments: argparse.Namespace) -> None:
    """Open what the command line names, once the window is there."""
    from PySide6.QtCore import QTimer

    from spinect_core.io.pacs.link import is_link

    if arguments.teach is not None:
        QTimer.singleShot(0, lambda: window.teach.open_path(arguments.teach))
    if arguments.demo:
        QTimer.singleShot(0, window.controllers.open.open_demo)
    elif arguments.ct is not None and is_link(arguments.ct):
        QTimer.singleShot(0, lambda: window.controllers.archive.follow(arguments.ct))
    elif arguments.ct is not None:
        path = Path(arguments.ct)
        QTimer.singleShot(0, lambda: window.controllers.open.open_path(path, arguments.plan))


if __name__ == "__main__":
    raise SystemExit(main())
