"""Archives in the window: entered and tested, searched, a CT planned with few clicks, its plan sent with one."""

import datetime
from pathlib import Path

import fake_planning
import pydicom
import pytest
from faulty_archive import faulty_archive
from gui_help import small_volume
from orthanc import PASSWORD, USER
from PySide6.QtCore import Qt
from test_report_window import confirm
from test_trajectories import settle

import spinect_core.pipeline.replanning
from app import main
from app.panels.archive_box import PERIODS
from app.panels.settings_box import SettingsBox
from spinect_core.base.errors import ArchiveError
from spinect_core.io.pacs import credentials
from spinect_core.io.pacs.archive import Access, archive_of
from spinect_core.io.pacs.outbox import Delivered, Outbox, Parcel
from spinect_core.io.pacs.settings import load_archives
from spinect_core.io.writing import write_dicom_series

NAME, IDENTITY = "Quastenflosser", "PID4711X"


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path, no_keyring):
    """Landmarks of the small scene, a coarse map, and folders of this test alone."""
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> Path:
    """The small CT as DICOM that names somebody."""
    folder = tmp_path_factory.mktemp("scan")
    for file in write_dicom_series(small_volume(), folder):
        data = pydicom.dcmread(file)
        data.PatientName, data.PatientID, data.StudyDescription = f"{NAME}^Erika", IDENTITY, "Lumbar"
        data.save_as(file)
    return folder


@pytest.fixture
def faulty(scan):
    with faulty_archive(scan) as found:
        yield found


def enter(window, archive):
    window.state.archives.replace([archive])


def click(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def page_of(window):
    window.actions_.named["settings"].trigger()
    [box] = [each for each in window.findChildren(SettingsBox) if each.isVisible()]
    page = box.tabs.widget(1)
    box.tabs.setCurrentWidget(page)
    return box, page


def close(window, qtbot, box):
    box.close()
    qtbot.waitUntil(lambda: not [each for each in window.findChildren(SettingsBox) if each.isVisible()])


def test_an_archive_is_entered_and_tested(window, qtbot, orthanc, tmp_path):
    box, page = page_of(window)
    values = {
        "name": "Clinic",
        "web": f"http://127.0.0.1:{orthanc.web_port}/dicom-web",
        "user": USER,
        "password": PASSWORD,
        "host": "127.0.0.1",
        "port": "no",
        "title": "ORTHANC",
        "own_port": str(orthanc.own_port),
    }
    for key, value in values.items():
        page.fields[key].setText(value)
    click(qtbot, page.save)
    assert "port" in page.result.toPlainText()
    assert window.state.archives.all == ()
    page.fields["port"].setText(str(orthanc.port))
    click(qtbot, page.save)
    assert "DICOMweb is not encrypted" in page.result.toPlainText()
    [kept] = load_archives()
    assert (kept.name, kept.port, kept.user) == ("Clinic", orthanc.port, USER)
    assert page.fields["password"].text() == "", "it is not shown again"
    click(qtbot, page.test)
    settle(window, qtbot)
    said = page.result.toPlainText()
    for way in ("QIDO", "C-ECHO", "C-FIND"):
        assert f"{way}: works" in said
    assert "C-MOVE: offered; delivery not tried" in said
    assert f"Title SPINECT, host 127.0.0.1, port {orthanc.own_port}" in said
    page.fields["title"].setText("WRONG")
    click(qtbot, page.test)
    settle(window, qtbot)
    assert "does not answer to the title WRONG" in page.result.toPlainText()
    assert load_archives() == (kept,), "a test keeps nothing"
    click(qtbot, page.remove)
    assert load_archives() == ()
    assert credentials.password_of(kept) is None
    close(window, qtbot, box)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < 10**6]
    assert not [
        path for path in written if PASSWORD.encode() in path.read_bytes() and "orthanc" not in str(path)
    ]


def test_without_an_archive_the_settings_are_shown(window, qtbot):
    window.actions_.named["from_archive"].trigger()
    [box] = [each for each in window.findChildren(SettingsBox) if each.isVisible()]
    assert box.tabs.currentIndex() == 1
    assert window.controllers.archive.box is None
    close(window, qtbot, box)


def search(window, qtbot, name=NAME):
    window.actions_.named["from_archive"].trigger()
    box = window.controllers.archive.box
    qtbot.keyClicks(box.name, name)
    qtbot.keyClick(box.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not window.jobs.busy and box.search.isEnabled(), timeout=20000)
    return box


def test_from_a_study_to_its_finished_plan_and_back(window, qtbot, faulty, scan):
    enter(window, faulty.archive(patience_s=20))
    clicks = 0
    window.welcome.archive_wanted.emit()
    clicks += 1
    box = window.controllers.archive.box
    qtbot.keyClicks(box.name, NAME)
    qtbot.keyClick(box.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: box.plan_button.isEnabled(), timeout=20000)
    [study] = box.study_rows.rows
    assert (study.name, study.patient_id, study.description) == (f"{NAME}, Erika", IDENTITY, "Lumbar")
    assert box.chosen_series.is_ct
    assert "C-FIND" in box.state.text()
    click(qtbot, box.plan_button)
    clicks += 1
    qtbot.waitUntil(lambda: bool(window.state.trajectories.rows), timeout=60000)
    settle(window, qtbot)
    assert clicks <= 4
    assert window.controllers.archive.box is None
    source = window.model.case.source
    assert source.is_dir()
    assert NAME not in str(source)
    assert window.state.recent.paths == []
    assert not window.actions_.named["send"].isEnabled()
    confirm(window)
    before = len(window.boxes.shown)
    assert window.report_panel.buttons["send"].text() == "Send to Faulty"
    click(qtbot, window.report_panel.buttons["send"])
    settle(window, qtbot)
    assert [each.text() for each in window.boxes.shown[before:]] == []
    sent = [each for each in faulty.objects if str(each.SOPInstanceUID) in faulty.stored]
    assert {str(each.PatientName) for each in sent} == {f"{NAME}^Erika"}
    assert {each.Modality for each in sent} >= {"OT", "DOC", "SEG"}
    assert len({str(each.StudyInstanceUID) for each in faulty.objects}) == 1
    assert f"Sent: Faulty has all {len(sent)} objects, by C-STORE" in window.status.text.text()
    count = len(sent)
    click(qtbot, window.report_panel.buttons["send"])
    settle(window, qtbot)
    assert len(faulty.stored) == count, "twice is once"
    assert Outbox().keys == ()
    window.controllers.open.open_path(scan)
    qtbot.waitUntil(lambda: window.model.case.source != source, timeout=60000)
    settle(window, qtbot)
    assert not source.exists(), "what was fetched goes with its case"


def test_what_is_not_taken_waits_and_is_sent_later(window, qtbot, faulty):
    enter(window, faulty.archive(patience_s=20))
    box = search(window, qtbot)
    qtbot.waitUntil(lambda: box.plan_button.isEnabled(), timeout=20000)
    click(qtbot, box.plan_button)
    qtbot.waitUntil(lambda: bool(window.state.trajectories.rows), timeout=60000)
    settle(window, qtbot)
    confirm(window)
    faulty.store_status = 0xA700
    assert not window.actions_.named["send_waiting"].isVisible()
    click(qtbot, window.report_panel.buttons["send"])
    settle(window, qtbot)
    shown = window.boxes.shown[-1]
    assert "full or out of resources" in shown.text() + shown.informativeText()
    assert "Nothing is lost" in shown.text() + shown.informativeText()
    assert NAME not in shown.text() + shown.informativeText()
    shown.close()
    action = window.actions_.named["send_waiting"]
    assert action.isVisible()
    assert action.text() == "Send what waits (1)"
    faulty.store_status = 0
    action.trigger()
    settle(window, qtbot)
    assert not action.isVisible()
    assert len(faulty.stored) > 3


def test_a_link_opens_the_search_and_asks_nothing_of_the_archive_by_itself(window, qtbot, faulty, scan):
    uid = str(pydicom.dcmread(next(scan.iterdir())).StudyInstanceUID)
    window.state.archives.replace([archive_of(name="Other", web="http://127.0.0.1:9/a"), faulty.archive()])
    main._open_first(window, main.parser().parse_args([f"spinect://open?archive=Faulty&study={uid}"]))
    qtbot.waitUntil(lambda: window.controllers.archive.box is not None)
    box = window.controllers.archive.box
    assert box.isVisible()
    assert box.chosen_archive.name == "Faulty"
    assert uid in box.state.text().replace("\u200b", "")
    assert box.study_rows.rows == ()
    qtbot.wait(100)
    assert faulty.calls == [], "nothing before the user asks"
    click(qtbot, box.search)
    qtbot.waitUntil(lambda: box.plan_button.isEnabled(), timeout=20000)
    assert [each.uid for each in box.study_rows.rows] == [uid]
    assert window.model.case is None, "nothing is fetched before a series is chosen"
    qtbot.keyClicks(box.name, "A")
    assert box.study_rows.rows == ()
    assert box.query().filters().keys() == {"PatientName", "ModalitiesInStudy"}, "something else is asked for"
    for bad, says in (
        (f"spinect://open?archive=Elsewhere&study={uid}", "has not been entered"),
        ("spinect://open?archive=Faulty&study=*", "cannot be followed"),
    ):
        window.controllers.archive.follow(bad)
        shown = window.boxes.shown[-1]
        assert says in shown.text()
        assert "Elsewhere" not in shown.text() + shown.informativeText()
        shown.close()
    assert window.controllers.archive.box is box
    box.close()


def test_an_archive_that_is_gone_is_said_to_be_in_the_box(window, qtbot, faulty):
    enter(window, faulty.archive(port=faulty.own_port))
    before = len(window.boxes.shown)
    box = search(window, qtbot)
    assert "Nothing listens at" in box.state.text()
    assert len(window.boxes.shown) == before
    box.close()


def test_a_search_is_stopped_within_a_second(window, qtbot, faulty):
    faulty.delay_s = 20.0
    enter(window, faulty.archive(patience_s=60))
    window.actions_.named["from_archive"].trigger()
    box = window.controllers.archive.box
    qtbot.keyClicks(box.name, NAME)
    click(qtbot, box.search)
    assert box.close_button.text() == "Cancel"
    qtbot.wait(300)
    click(qtbot, box.close_button)
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=1000)
    assert box.state.text() == "Stopped."
    click(qtbot, box.close_button)
    assert window.controllers.archive.box is None


def test_a_password_is_asked_for_once_and_again_where_it_was_refused(window, qtbot, orthanc, monkeypatch):
    enter(window, orthanc.by_web())
    answers = [("wrong", False), (PASSWORD, False)]
    monkeypatch.setattr(type(window.dialogs), "ask_password", lambda *_: answers.pop(0))
    box = search(window, qtbot)
    assert "lets nobody in" in box.state.text()
    click(qtbot, box.search)
    qtbot.waitUntil(lambda: not window.jobs.busy and box.search.isEnabled(), timeout=20000)
    assert box.state.text().startswith("0 studies")
    click(qtbot, box.search)
    qtbot.waitUntil(lambda: not window.jobs.busy and box.search.isEnabled(), timeout=20000)
    assert answers == []
    box.close()


def test_a_day_is_asked_for_by_its_period(window, qtbot, faulty):
    enter(window, faulty.archive())
    window.actions_.named["from_archive"].trigger()
    box = window.controllers.archive.box
    today = datetime.date(2026, 3, 10)
    box.period.setCurrentIndex([days for _, days in PERIODS].index(7))
    assert box.query(today).filters()["StudyDate"] == "20260303-20260310"
    box.period.setCurrentIndex(0)
    click(qtbot, box.search)
    assert "whose study" in box.state.text()
    assert faulty.calls == [], "nobody asks for all of an archive"
    box.close()


def test_one_archive_without_its_password_keeps_nothing_from_the_others(
    window, qtbot, faulty, scan, monkeypatch
):
    good = faulty.archive()
    secret = archive_of(name="Secret", web="http://127.0.0.1:9/a", user=USER)
    idle = archive_of(name="Idle", web="http://127.0.0.1:9/b", user=USER)
    moved = archive_of(name="Moved", host="127.0.0.1", port=9, title="PACS")
    objects = sorted(scan.iterdir())[:2]
    for archive in (secret, moved, good):
        Outbox().put(objects, archive)
    damaged = Outbox().put(objects[:1], good)
    damaged.files[0].write_bytes(b"damaged")
    elsewhere = moved.model_copy(update={"port": good.port})
    window.state.archives.replace([idle, secret, elsewhere, good])
    assert window.actions_.named["send"].text() == "Send to an archive…"
    asked = []
    monkeypatch.setattr(type(window.dialogs), "ask_password", lambda _, name, *__: asked.append(name))
    monkeypatch.setattr(type(window.dialogs), "confirm_moved", lambda _, name, *__: asked.append(name))
    window.controllers.archive.send_waiting()
    settle(window, qtbot)
    assert sorted(asked) == ["Moved", "Secret"]
    assert "Sent: Faulty has all 2 objects" in window.status.text.text()
    shown = window.boxes.shown[-1]
    assert "damaged" in shown.text() + shown.informativeText()
    shown.close()
    assert len(Outbox().keys) == 3


def test_a_refused_password_is_forgotten_for_the_archive_that_refused_it(window, monkeypatch):
    archives = [archive_of(name=name, web=f"http://127.0.0.1:9/{name}", user=USER) for name in "AB"]
    for archive in archives:
        credentials.remember_password(archive, PASSWORD, keep=False)
    refused = ArchiveError("The archive lets nobody in", "Enter user and password", "A", "user")
    accesses = {archive.name: Access(archive, PASSWORD) for archive in archives}
    window.controllers.archive._on_fault(Access(archives[0], "only typed"), refused)
    assert credentials.password_of(archives[0]) == PASSWORD
    parcel = Parcel(Path("x"), "A", archives[0].address, ())
    window.controllers.archive._on_delivered(accesses, [Delivered(parcel, None, refused)])
    window.boxes.shown[-1].close()
    assert credentials.password_of(archives[0]) is None
    assert credentials.password_of(archives[1]) == PASSWORD
