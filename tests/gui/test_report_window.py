"""The report through the window: asked for, written beside the window's thread, copied, and nobody's name on it."""

import hashlib

import fake_planning
import pydicom
import pypdf
import pytest
from gui_help import small_volume
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog
from test_trajectories import find, open_trajectory, settle

import spinect_core.pipeline.replanning
from app.widgets.report_box import ReportBox, usual_paper
from spinect_core.base.errors import OutputError
from spinect_core.base.notes import Note, NoteCode
from spinect_core.base.versions import NOTICE
from spinect_core.io.writing import write_dicom_series
from spinect_core.plan.document import read_document
from spinect_core.report import page as report_page
from spinect_core.report.paper import Paper

NAME = "Quastenflosser"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Landmarks of the small scene, and a coarse map."""
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)


@pytest.fixture
def planned(segmented, qtbot):
    """The window with the trajectories of the small CT: one open on the left, one blocked on the right."""
    find(segmented, qtbot)
    confirm(segmented)
    return segmented


def confirm(window):
    """Tick all that is to be checked before a report is made."""
    for each in window.state.flow.items:
        window.state.flow.tick(each.what, True)


def answered(monkeypatch, path, fill):
    """Fill the box in when it comes, take its button, and name the file."""
    seen = []

    def answer():
        box = QApplication.activeModalWidget()
        if not isinstance(box, ReportBox):
            QTimer.singleShot(20, answer)
            return
        seen.append([box.what.itemText(number) for number in range(box.what.count())])
        seen.append(box.named.isEnabled())
        if fill(box):
            box.save.click()
        else:
            box.reject()

    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *given: (seen.append(given[2]), (str(path), ""))[1]
    )
    QTimer.singleShot(0, answer)
    return seen


def report(window, qtbot, monkeypatch, path, fill=lambda _: True):
    seen = answered(monkeypatch, path, fill)
    window.actions_.named["report"].trigger()
    settle(window, qtbot)
    return seen


def texts(path):
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(path).pages]


def test_there_is_nothing_to_report_before_trajectories_are_found_and_checked(segmented, qtbot):
    assert not segmented.actions_.named["report"].isEnabled()
    assert not segmented.actions_.named["copy_report"].isEnabled()
    find(segmented, qtbot)
    assert not segmented.actions_.named["report"].isEnabled()
    assert not segmented.actions_.named["copy_report"].isEnabled()
    confirm(segmented)
    assert segmented.actions_.named["report"].isEnabled()
    assert segmented.actions_.named["copy_report"].isEnabled()


def test_a_report_of_both_sides_is_written_as_pdf(planned, qtbot, tmp_path, monkeypatch):
    seen = report(planned, qtbot, monkeypatch, tmp_path / "bericht")
    title = open_trajectory(planned).called
    assert seen[0] == [
        "The recommended needle of each side",
        "The recommended needle of the left",
        "The recommended needle of the right",
        f"The selected trajectory: {title}",
    ]
    assert seen[2].endswith("report.pdf")  # a name that tells nothing
    left, right = texts(tmp_path / "bericht.pdf")
    needle = open_trajectory(planned).needle.needle
    assert f"{needle.depth_mm:.0f} mm deep" in left
    assert needle.view.format(1) in left
    assert "no picture of this needle" not in left
    assert NOTICE in left
    assert "NO NEEDLE IS RECOMMENDED" in right
    assert "Report saved: bericht.pdf, 2 pages" in planned.status.text.text()
    assert "Müller" not in left + right


def test_the_selected_trajectory_on_the_other_paper(planned, qtbot, tmp_path, monkeypatch):
    paper = Paper.A4 if usual_paper() == Paper.LETTER else Paper.LETTER

    def fill(box):
        box.what.setCurrentIndex(box.what.count() - 1)
        box.paper.setCurrentIndex(box.paper.findData(paper.value))
        return True

    report(planned, qtbot, monkeypatch, tmp_path / "one.pdf", fill)
    (only,) = pypdf.PdfReader(tmp_path / "one.pdf").pages
    assert float(only.mediabox.width) == pytest.approx(report_page.SIZES[paper][0], abs=0.1)


def test_changing_ones_mind_writes_nothing(planned, qtbot, tmp_path, monkeypatch):
    report(planned, qtbot, monkeypatch, tmp_path / "no.pdf", lambda _: False)
    assert list(tmp_path.glob("*.pdf")) == []


def test_pictures_that_were_drawn_are_saved_with_the_plan_and_used_again(
    planned, qtbot, tmp_path, monkeypatch
):
    report(planned, qtbot, monkeypatch, tmp_path / "first.pdf")
    planned.controllers.save.save_plan(tmp_path / "case.spinect")
    settle(planned, qtbot)
    document = read_document(tmp_path / "case.spinect")
    names = [name for key, name in document.plan.files.items() if key.startswith("report, ")]
    assert len(names) == 4
    assert set(names) <= set(document.files)
    monkeypatch.setattr("spinect_core.pipeline.report.draw_pictures", lambda *_, **__: {})
    report(planned, qtbot, monkeypatch, tmp_path / "second.pdf")
    assert "no picture of this needle" not in texts(tmp_path / "second.pdf")[0]
    # the file as it is on the disk is the one whose checksum stands on the page
    assert (
        hashlib.sha256((tmp_path / "case.spinect").read_bytes()).hexdigest()
        in texts(tmp_path / "second.pdf")[0]
    )


@pytest.mark.parametrize("again", [False, True])
def test_a_file_that_was_replaced_or_removed_meanwhile_is_not_the_one_told(
    planned, qtbot, tmp_path, monkeypatch, again
):
    path, out = tmp_path / "case.spinect", tmp_path / "r.pdf"
    planned.controllers.save.save_plan(path)
    settle(planned, qtbot)
    if again:
        with qtbot.waitSignal(planned.model.case_opened, timeout=20000):
            planned.controllers.open.open_path(path)
        settle(planned, qtbot)
    held = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(b"another plan")
    report(planned, qtbot, monkeypatch, out)
    assert f"SHA-256 {held} (the .spinect file)" in texts(out)[0]
    out.unlink()
    path.unlink()
    report(planned, qtbot, monkeypatch, out)
    assert f"SHA-256 {held} (the .spinect file)" in texts(out)[0]


def test_a_plan_with_changes_since_it_was_saved_is_in_no_file(planned, qtbot, tmp_path, monkeypatch):
    planned.controllers.save.save_plan(tmp_path / "case.spinect")
    settle(planned, qtbot)
    planned.model.set_planning(planned.model.planning.replaced(guidance="ct"), "change guidance")
    report(planned, qtbot, monkeypatch, tmp_path / "r.pdf")
    assert "(the open plan, in no file)" in texts(tmp_path / "r.pdf")[0]


def test_the_text_of_the_selected_trajectory_goes_to_the_clipboard(planned, qtbot):
    planned.actions_.named["copy_report"].trigger()
    settle(planned, qtbot)
    text = QGuiApplication.clipboard().text()
    assert text.startswith("LEFT · L5 root · L5/S1")
    assert "RIGHT" not in text.splitlines()[0]
    assert "[ ] A non-particulate steroid first" in text
    assert "Report copied as text" in planned.status.text.text()
    blocked = next(each for each in planned.state.trajectories.rows if each.side == "right")
    planned.state.trajectories.choose(blocked.key)
    planned.actions_.named["copy_report"].trigger()
    settle(planned, qtbot)
    text = QGuiApplication.clipboard().text()
    assert text.startswith("RIGHT")
    assert "No needle is recommended" in text


def test_a_case_that_is_withheld_has_a_report_without_a_needle(segmented, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(fake_planning, "WITHHELD", (Note.of(NoteCode.LEVEL_UNSURE, level="L5/S1"),))
    find(segmented, qtbot)
    confirm(segmented)
    report(segmented, qtbot, monkeypatch, tmp_path / "no.pdf")
    for text in texts(tmp_path / "no.pdf"):
        assert "NO NEEDLE IS RECOMMENDED" in text
        assert "Another level fits almost as well" in text or "another level fits almost as well" in text
        assert "mm deep" not in text


def test_a_file_that_cannot_be_written_says_so_and_the_case_goes_on(planned, qtbot, tmp_path, monkeypatch):
    def refuse(path, _content):
        raise OutputError("The file cannot be written (no space)", "Choose another folder", path)

    monkeypatch.setattr("spinect_core.pipeline.report.write_whole", refuse)
    before = len(planned.boxes.shown)
    report(planned, qtbot, monkeypatch, tmp_path / "no.pdf")
    assert "cannot be written" in planned.boxes.shown[before].text()
    assert list(tmp_path.glob("*.pdf")) == []
    assert planned.actions_.named["report"].isEnabled()


def test_a_ct_that_names_nobody_is_said_to(planned, qtbot, tmp_path, monkeypatch):
    def fill(box):
        box.named.setChecked(True)
        return True

    before = len(planned.boxes.shown)
    report(planned, qtbot, monkeypatch, tmp_path / "no.pdf", fill)
    assert "names no patient" in planned.boxes.shown[before].text()
    assert list(tmp_path.glob("*.pdf")) == []


@pytest.fixture
def ct_file(tmp_path):
    """The small CT as DICOM, or as NIfTI for all tests but that of the name."""
    folder = tmp_path / "Müller Änne 王"
    for file in write_dicom_series(small_volume(), folder):
        data = pydicom.dcmread(file)
        data.PatientName, data.PatientID = "", ""
        data.save_as(file)
    return folder


def test_the_patient_is_named_where_asked_for_and_nowhere_else(
    planned, qtbot, ct_file, tmp_path, monkeypatch
):
    for file in ct_file.iterdir():
        data = pydicom.dcmread(file)
        data.PatientName, data.PatientID = f"{NAME}^Erika", "PID4711X"
        data.save_as(file)

    def fill(box):
        assert not box.named.isChecked()
        box.named.setChecked(True)
        return True

    report(planned, qtbot, monkeypatch, tmp_path / "named.pdf", fill)
    assert all(f"{NAME}, Erika · ID PID4711X" in text for text in texts(tmp_path / "named.pdf"))
    report(planned, qtbot, monkeypatch, tmp_path / "nobody.pdf")
    assert all(NAME not in text for text in texts(tmp_path / "nobody.pdf"))
    planned.actions_.named["copy_report"].trigger()
    settle(planned, qtbot)
    assert NAME not in QGuiApplication.clipboard().text()
    planned.controllers.save.save_plan(tmp_path / "case.spinect")
    settle(planned, qtbot)
    document = read_document(tmp_path / "case.spinect")
    assert NAME.encode() not in b"".join(document.files.values()) + repr(document.plan.to_dict()).encode()


def test_without_its_ct_a_plan_is_reported_and_the_patient_cannot_be_named(
    planned, qtbot, tmp_path, monkeypatch
):
    path = tmp_path / "case.spinect"
    planned.controllers.save.save_plan(path)
    settle(planned, qtbot)
    planned.model.case.document = None
    with qtbot.waitSignal(planned.model.case_opened, timeout=20000):
        planned.controllers.open.open_path(path)
    settle(planned, qtbot)
    planned.model.case.volume = None
    seen = report(planned, qtbot, monkeypatch, tmp_path / "r.pdf")
    assert seen[1] is False
    left = texts(tmp_path / "r.pdf")[0]
    assert (
        left.count("no picture of this needle is in the plan") == 2
    )  # the planes; the hub is seen without a CT
