"""The window fits a small screen, however its views are arranged."""

import pytest
from PySide6.QtWidgets import QApplication, QDialog

from app.widgets import theme
from app.widgets.dialogs import Answer
from app.window.main_window import LAYOUTS, MainWindow

SMALL_SCREEN = 1280, 800


@pytest.fixture(params=[True, False], ids=["3d", "no 3d"])
def small(request, qtbot, qapp, settings, ct_file):
    """The window as large as a small screen with a CT open, with a 3D view and without."""
    theme.apply(qapp)
    window = MainWindow(settings, three_d=request.param)
    window.dialogs.ask_unsaved = lambda *_: Answer.DISCARD
    qtbot.addWidget(window)
    window.resize(*SMALL_SCREEN)
    window.show()
    window.actions_.named["fluoroscopy"].trigger()  # there is no case to show
    assert not window.fluoroscopy_frame.isVisible()
    assert window.minimumSizeHint().width() <= SMALL_SCREEN[0]
    with qtbot.waitSignal(window.model.case_opened, timeout=90000):
        window.controllers.open.open_path(ct_file)
    qtbot.waitUntil(lambda: not window.jobs.busy)
    assert (window.stage.viewport is not None) == request.param
    yield window
    window.close()


def test_no_layout_is_wider_than_a_small_screen(small, qtbot):
    fluoroscopy = small.actions_.named["fluoroscopy"]
    for shown in (False, True, False):
        if fluoroscopy.isChecked() != shown:
            fluoroscopy.trigger()
        for name in LAYOUTS:
            small.set_layout(name)
            QApplication.processEvents()
            assert small.fluoroscopy_frame.isVisible() == shown
            least = small.minimumSizeHint()
            assert least.width() <= SMALL_SCREEN[0], name
            assert least.height() <= SMALL_SCREEN[1], name
            assert small.width() == SMALL_SCREEN[0], name
    small.actions_.named["keys"].trigger()
    [sheet] = [each for each in small.findChildren(QDialog) if each.windowTitle() == "Mouse and keys"]
    assert sheet.height() <= SMALL_SCREEN[1]
    assert sheet.width() <= SMALL_SCREEN[0]
    sheet.close()
