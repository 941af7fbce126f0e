"""Opening a case: dialogs, drops, recent files, the chooser; and what happens when a file is no CT."""

import re

import pytest
from bad_inputs import BAD_INPUTS
from dicom_maker import make_series, set_uids
from gui_help import drop, small_volume
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QMessageBox

from app.widgets.plain import caption
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import Volume
from spinect_core.io.reading.hounsfield import HounsfieldError
from spinect_core.io.reading.options import ASSUME_HU
from spinect_core.io.writing import write_volume
from spinect_core.segmentation.choice import MODES


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=20000)


def test_before_a_case_the_window_says_what_to_do_and_what_it_is_not(window):
    assert window.middle.currentWidget() is window.welcome
    assert not window.segment_panel.button.isEnabled()
    assert not window.actions_.named["export"].isEnabled()
    assert window.status.notice.text() == NOTICE
    assert window.status.notice.isVisible()


def test_every_way_of_segmenting_can_be_chosen(window):
    box = window.segment_panel.boxes["mode"]
    assert [box.itemData(place) for place in range(box.count())] == list(MODES)
    for name in MODES:
        box.setCurrentIndex(box.findData(name))
        box.activated.emit(box.currentIndex())
        assert window.state.options.now.mode == name
    window.state.options.choose("mode", "fast", keep=False)
    assert box.currentData() == "fast"
    assert window.state.settings.value("segment/mode") == name


def test_dropped_files_open_and_become_recent(window, qtbot, ct_file):
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        drop(window, ct_file)
    assert window.middle.currentWidget() is window.stage.viewport
    assert window.state.recent.paths == [ct_file.resolve()]
    settle(window, qtbot)
    window.actions_.recent_menu.aboutToShow.emit()
    first = window.actions_.recent_menu.actions()[0]
    assert first.text() == caption(str(ct_file.resolve())), "a long path is shortened in the middle"
    # the settings hold paths and nothing else of the case
    window.state.settings.sync()
    window.state.recent.clear()
    assert window.state.recent.paths == []


def test_recent_files_that_are_gone_are_not_offered(window, qtbot, ct_file):
    window.state.recent.add(ct_file)
    ct_file.unlink()
    assert window.state.recent.paths == []


def test_the_dialogs_open_what_was_chosen(window, qtbot, ct_file, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(ct_file), ""))
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        window.actions_.named["open_file"].trigger()
    settle(window, qtbot)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    window.actions_.named["open_folder"].trigger()
    assert not window.jobs.busy


def test_several_series_are_offered_with_what_speaks_against_them(window, qtbot, tmp_path):
    folder = tmp_path / "study"
    for number, name in enumerate(("one", "two", "broken")):
        make_series(
            folder / name,
            small_volume(name),
            lambda dataset, z, uid=f"1.2.3.{number + 1}": set_uids(dataset, uid, z),
            lambda z, whole=name != "broken": whole or not 10 <= z < 15,
        )
    window.controllers.open.open_path(folder)
    qtbot.waitUntil(lambda: window.controllers.open.chooser is not None, timeout=20000)
    chooser = window.controllers.open.chooser
    rows = chooser.rows
    assert rows.rowCount() == 3
    assert not rows.index(2, 0).flags() & Qt.ItemFlag.ItemIsEnabled
    assert "missing" in rows.index(2, 5).data().lower()
    open_button = chooser.buttons.button(QDialogButtonBox.StandardButton.Open)
    chooser.list.setCurrentIndex(chooser.list.model().index(1, 0))
    assert open_button.isEnabled()
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        open_button.click()
    assert window.model.case.volume.geometry.shape == (40, 44, 48)
    settle(window, qtbot)


def test_a_series_that_is_said_to_hold_no_hu_can_be_chosen_and_asks_first(
    window, qtbot, tmp_path, monkeypatch
):
    def edit(dataset, z, number):
        set_uids(dataset, f"1.2.3.{number + 1}", z)
        dataset.RescaleType = "MGML" if number == 2 else "HU"

    for number, name in enumerate(("one", "two", "map")):
        make_series(tmp_path / name, small_volume(name), lambda dataset, z, n=number: edit(dataset, z, n))
    asked = []
    monkeypatch.setattr(
        window.controllers.open._dialogs, "confirm_assumed_hu", lambda fault: asked.append(fault) or True
    )
    window.controllers.open.open_path(tmp_path)
    qtbot.waitUntil(lambda: window.controllers.open.chooser is not None, timeout=20000)
    chooser = window.controllers.open.chooser
    [doubtful] = [row for row in chooser.rows.rows if row.doubtful]
    chooser.select(doubtful.key)
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        chooser.buttons.button(QDialogButtonBox.StandardButton.Open).click()
    [fault] = asked
    assert "MGML" in fault.fault
    assert ASSUME_HU in [warning.code for warning in window.model.case.volume.warnings]
    settle(window, qtbot)


def test_a_scan_in_several_series_is_offered_as_one_and_joined_when_chosen(window, qtbot, tmp_path):
    def halves(dataset, z):
        dataset.SeriesInstanceUID = f"1.2.3.{1 + (z >= 30)}"

    make_series(tmp_path / "ct", small_volume("one"), halves)
    window.controllers.open.open_path(tmp_path / "ct")
    qtbot.waitUntil(lambda: window.controllers.open.chooser is not None, timeout=20000)
    chooser = window.controllers.open.chooser
    assert chooser.chosen is None, "no half of a scan is taken for the whole"
    whole = next(row for row in range(3) if chooser.rows.rows[row].pictures == 40)
    assert "30 from" in chooser.rows.index(whole, 5).data()
    chooser.select(chooser.rows.rows[whole].key)
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        chooser.buttons.button(QDialogButtonBox.StandardButton.Open).click()
    assert window.model.case.volume.geometry.shape[0] == 40
    assert "joined as asked for" in window.model.case.volume.warnings[0].text
    settle(window, qtbot)


def test_every_bad_input_is_explained_and_the_open_case_stays(opened, qtbot, tmp_path):
    """One window for the whole catalogue: the case must survive them all."""
    case = opened.model.case
    made = {}
    for name, bad in BAD_INPUTS.items():
        folder = tmp_path / name
        folder.mkdir()
        try:
            made[name] = bad, bad.make(folder)
        except pytest.skip.Exception:
            continue
    assert len(made) >= 25
    errors = []
    opened.boxes.failed.connect(errors.append)
    for name, (bad, path) in made.items():
        with qtbot.waitSignal(opened.jobs.ended, timeout=30000) as ended:
            opened.controllers.open.open_path(path)
        if ended.args[1] == "done":
            chooser = opened.controllers.open.chooser
            assert chooser is not None, f"{name} was opened"
            chooser.reject()
        else:
            assert opened.boxes.shown, name
            shown = opened.boxes.shown[-1]
            error = errors[-1]
            assert type(error) is bad.error, f"{name}: {error!r}"
            assert re.search(bad.says, str(error)), name
            assert error.fault in shown.text()
            assert error.remedy in shown.informativeText()
            assert opened.status.text.text() == " ".join(str(error).split())
        opened.boxes.close_all()
        assert opened.model.case is case, name
        assert opened.middle.currentWidget() is opened.stage.viewport


def test_values_that_are_no_hounsfield_units_are_opened_only_if_the_user_says_so(window, qtbot, tmp_path):
    path = tmp_path / "ct.nii.gz"
    volume = small_volume()
    write_volume(Volume(volume.array + 1024, volume.geometry), path)
    asked = []
    window.dialogs.confirm_assumed_hu = lambda fault: asked.append(fault) or False
    with qtbot.waitSignal(window.jobs.ended, timeout=20000):
        window.controllers.open.open_path(path)
    qtbot.waitUntil(lambda: len(asked) == 1)
    assert "1024 too high" in asked[0].fault
    assert window.model.case is None
    window.dialogs.confirm_assumed_hu = lambda fault: True
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        window.controllers.open.open_path(path)
    (warning,) = [w for w in window.model.case.volume.warnings if w.code == ASSUME_HU]
    assert warning.grave
    assert "1024 too high" in warning.text
    settle(window, qtbot)


def test_the_question_about_hounsfield_units_is_answered_with_no_by_default(window, monkeypatch):
    boxes = []

    def answer(box):
        boxes.append((box.text(), box.informativeText(), box.standardButton(box.defaultButton())))
        return boxes[-1][-1]

    monkeypatch.setattr(QMessageBox, "exec", answer)
    assert not window.dialogs.confirm_assumed_hu(HounsfieldError("The values are 1024 too high"))
    [(text, more, default)] = boxes
    assert text.endswith("?")
    assert more.startswith("The values are 1024 too high.")
    assert default == QMessageBox.StandardButton.Cancel


def test_loading_while_segmenting_cancels_and_loads(opened, qtbot, tmp_path):
    other = tmp_path / "other.nii.gz"
    write_volume(small_volume("other"), other)
    first = opened.model.case
    opened.controllers.segment.segment()
    with qtbot.waitSignal(opened.model.case_opened, timeout=20000):
        opened.controllers.open.open_path(other)
    settle(opened, qtbot)
    assert opened.model.case is not first
    assert opened.model.case.labels is None


def test_without_3d_the_slices_still_work(qtbot, qapp, settings, ct_file):
    from app.widgets.dialogs import Answer
    from app.window.main_window import MainWindow

    window = MainWindow(settings, three_d=False)
    window.dialogs.ask_unsaved = lambda *_: Answer.DISCARD
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        window.controllers.open.open_path(ct_file)
    settle(window, qtbot)
    with qtbot.waitSignal(window.model.labels_changed, timeout=20000):
        window.controllers.segment.segment()
    assert window.stage.viewport is None
    assert window.slices["axial"]._mask_image() is not None
    assert not window.actions_.named["export"].isEnabled()
    settle(window, qtbot)
    window.close()
