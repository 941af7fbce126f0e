"""Recent plans have a picture, without words and under a name that tells nothing; it goes with its entry."""

import os
import stat

import numpy as np
import pytest
from gui_help import drop
from PIL import Image
from PySide6.QtCore import QSize

from app.model.recent import MOST, PICTURE, RecentFiles
from app.panels.recent_card import PICTURE as SHOWN
from app.panels.recent_card import RecentCard
from spinect_core.base import own_folders

pytestmark = pytest.mark.heavy


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=20000)


def cards(window):
    return {
        card.path.name: card for card in window.welcome.findChildren(RecentCard) if card.parent() is not None
    }


def test_a_saved_plan_shows_its_3d_view_and_nothing_else(segmented, qtbot, tmp_path, ct_file):
    path = tmp_path / "Müller.spinect"
    recent = segmented.state.recent
    segmented.controllers.save.save_plan(path)
    qtbot.waitUntil(lambda: recent.picture(path) is not None, timeout=20000)
    settle(segmented, qtbot)
    [kept] = own_folders.recent_folder().iterdir()
    assert kept == recent.picture(path)
    assert "ller" not in kept.name
    if os.name == "posix":
        assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    image = np.asarray(Image.open(kept).convert("RGB")).astype(int)
    assert image.shape == (PICTURE[1], PICTURE[0], 3)
    shown = segmented.stage.viewport.picture()
    assert image.max() > 120, "the bone is bright"
    assert image[:4].max() < 80, "nothing is written at the top, where the view's words are"
    assert abs(image.mean() - shown[:, shown.shape[1] // 5 : -shown.shape[1] // 5].mean()) < 60
    assert recent.picture(ct_file) is None, "a CT alone has no 3D view"
    size = QSize(*SHOWN)
    qtbot.waitUntil(
        lambda: cards(segmented)[path.name].picture.pixmap().deviceIndependentSize().toSize() == size,
        timeout=5000,
    )
    card = cards(segmented)[path.name]
    card.remove.click()
    assert recent.paths == [ct_file.resolve()]
    assert path.exists()
    assert not kept.exists()


def test_a_plan_that_is_opened_gets_a_picture_too_and_clearing_removes_all(segmented, qtbot, tmp_path):
    path, recent = tmp_path / "case.spinect", segmented.state.recent
    segmented.controllers.save.save_plan(path)
    qtbot.waitUntil(lambda: recent.picture(path) is not None, timeout=20000)
    settle(segmented, qtbot)
    recent.clear()
    assert list(own_folders.recent_folder().iterdir()) == []
    drop(segmented, path)
    qtbot.waitUntil(lambda: recent.picture(path) is not None, timeout=20000)
    settle(segmented, qtbot)


def test_pictures_of_entries_that_fall_off_the_list_go(settings, tmp_path, qapp):
    recent = RecentFiles(settings)
    paths = [tmp_path / f"{number}.spinect" for number in range(MOST + 1)]
    image = np.full((30, 60, 3), 200, np.uint8)
    for path in paths:
        path.write_text("x")
        recent.add(path)
        recent.keep_picture(path, image)
    assert recent.picture(paths[0]) is None
    assert all(recent.picture(path) is not None for path in paths[1:])
    paths[3].unlink()
    recent.add(paths[5])
    assert len(list(own_folders.recent_folder().iterdir())) == MOST - 1


def test_a_card_opens_what_it_shows(window, qtbot, ct_file):
    window.state.recent.add(ct_file)
    qtbot.waitUntil(lambda: ct_file.name in cards(window), timeout=5000)
    card = cards(window)[ct_file.name]
    assert card.accessibleName() == f"Open {ct_file.name}"
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        card.click()
    settle(window, qtbot)
    assert window.model.case.source == ct_file.resolve()
