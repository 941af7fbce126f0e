"""DICOM through the window: asked for, written into a new folder beside the window's thread, named or nameless."""

import json
import zipfile

import fake_planning
import pydicom
import pytest
from gui_help import small_volume
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFileDialog
from test_report_window import confirm
from test_trajectories import find, settle

import spinect_core.pipeline.replanning
from app.widgets.dicom_box import DicomBox
from spinect_core.io.writing import write_dicom_series

NAME = "Quastenflosser"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Landmarks of the small scene, and a coarse map."""
    monkeypatch.setattr(spinect_core.pipeline.replanning, "find_landmarks", fake_planning.fake_landmarks)
    monkeypatch.setattr(spinect_core.pipeline.replanning, "plan_level", fake_planning.fake_plan)


@pytest.fixture
def ct_file(tmp_path):
    """The small CT as DICOM that names somebody."""
    folder = tmp_path / "ct"
    for file in write_dicom_series(small_volume(), folder):
        data = pydicom.dcmread(file)
        data.PatientName, data.PatientID = f"{NAME}^Erika", "PID4711X"
        data.save_as(file)
    return folder


@pytest.fixture
def planned(segmented, qtbot):
    find(segmented, qtbot)
    confirm(segmented)
    return segmented


def export(window, qtbot, monkeypatch, folder, fill=lambda _: True):
    """Fill the box in when it comes, and choose the folder."""

    def answer():
        box = QApplication.activeModalWidget()
        if not isinstance(box, DicomBox):
            QTimer.singleShot(20, answer)
            return
        if fill(box):
            box.save.click()
        else:
            box.reject()

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    QTimer.singleShot(0, answer)
    window.actions_.named["dicom"].trigger()
    settle(window, qtbot)


def test_nothing_is_exported_before_all_is_found_and_checked_and_then_for_other_programs_too(
    segmented, qtbot, tmp_path, monkeypatch
):
    named = segmented.actions_.named
    actions = [named[name] for name in ("dicom", "exchange_scene", "exchange_markups", "exchange_model")]
    assert not [each for each in actions if each.isEnabled()]
    find(segmented, qtbot)
    assert not [each for each in actions if each.isEnabled()]
    confirm(segmented)
    assert all(each.isEnabled() for each in actions)
    before = len(segmented.boxes.shown)
    for action, name in zip(actions[1:], ("a.mrb", "b.mrk.json", "c.glb"), strict=True):
        chosen = tmp_path / name.partition(".")[0]
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, chosen=chosen: (str(chosen), ""))
        action.trigger()
        settle(segmented, qtbot)
        assert segmented.status.text.text().startswith(f"Saved: {name} with ")
        content = (tmp_path / name).read_bytes()
        assert NAME.encode() not in content
    assert len(segmented.boxes.shown) == before
    with zipfile.ZipFile(tmp_path / "a.mrb") as archive:
        assert {"scene/Data/ct.nrrd", "scene/Data/bone.ply"} <= set(archive.namelist())
    kinds = [each["type"] for each in json.loads((tmp_path / "b.mrk.json").read_bytes())["markups"]]
    assert "Line" in kinds


def test_the_header_is_searched_and_saved_without_the_patient_until_asked_for(
    opened, qtbot, tmp_path, monkeypatch
):
    opened.actions_.named["header"].trigger()
    settle(opened, qtbot)
    box = opened.controllers.header.box
    assert "40 files" in box.state.text()

    def cells():
        model = box.table.model()
        return [
            [str(model.index(row, column).data()) for column in range(4)] for row in range(model.rowCount())
        ]

    def saved(name):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / name), ""))
        box.save.click()
        settle(opened, qtbot)
        return (tmp_path / f"{name}.csv").read_text(encoding="utf-8")

    assert ["(0008,0060)", "CS", "Modality", "CT"] in cells()
    box.search.setText("patient's name")
    assert cells() == [["(0010,0010)", "PN", "Patient's Name", "hidden"]]
    assert box.state.text().startswith("1 of ")
    box.search.setText(NAME)
    assert cells() == []
    assert NAME not in saved("hidden")
    box.show_personal.setChecked(True)
    assert cells() == [["(0010,0010)", "PN", "Patient's Name", f"{NAME}^Erika"]]
    assert "nothing hidden" in box.state.text()
    assert NAME in saved("shown")
    box.close()
    assert opened.controllers.header.box is None


def test_objects_go_into_a_new_folder_and_name_the_patient(planned, qtbot, tmp_path, monkeypatch):
    (tmp_path / "there" / "spinect-dicom").mkdir(parents=True)

    def fill(box):
        assert box.named.isChecked()
        assert not box.copy.isEnabled()
        for each in box.kinds.values():
            each.setChecked(True)
        return True

    before = len(planned.boxes.shown)
    export(planned, qtbot, monkeypatch, tmp_path / "there", fill)
    assert [each.text() for each in planned.boxes.shown[before:]] == []
    out = tmp_path / "there" / "spinect-dicom-2"
    names = {file.name for file in out.iterdir()}
    assert {
        "capture-001.dcm",
        "report.dcm",
        "segmentation.dcm",
        "measurements.dcm",
        "surface-bone.dcm",
    } <= names
    assert {str(pydicom.dcmread(file).PatientName) for file in out.iterdir()} == {f"{NAME}^Erika"}
    comments = [pydicom.dcmread(file).ImageComments for file in out.glob("capture-*.dcm")]
    assert any("View from the hub" in each for each in comments), "missing pictures are drawn"
    assert f"DICOM saved: {len(names)} objects in spinect-dicom-2" in planned.status.text.text()


def test_a_de_identified_export_names_nobody(planned, qtbot, tmp_path, monkeypatch):
    def fill(box):
        box.nameless.setChecked(True)
        assert box.copy.isEnabled()
        box.copy.setChecked(True)
        return True

    (tmp_path / "there").mkdir()
    export(planned, qtbot, monkeypatch, tmp_path / "there", fill)
    files = [file for file in (tmp_path / "there").rglob("*") if file.is_file()]
    assert len(files) > 40
    assert not [file for file in files if NAME.encode() in file.read_bytes()]
    assert {pydicom.dcmread(file).PatientIdentityRemoved for file in files} == {"YES"}


def test_changing_ones_mind_or_asking_for_nothing_writes_nothing(planned, qtbot, tmp_path, monkeypatch):
    def fill(box):
        for each in box.kinds.values():
            each.setChecked(False)
        assert not box.save.isEnabled()
        return False

    (tmp_path / "there").mkdir()
    export(planned, qtbot, monkeypatch, tmp_path / "there", fill)
    assert list((tmp_path / "there").iterdir()) == []


def test_a_ct_that_is_gone_is_said_to_be(planned, qtbot, ct_file, tmp_path, monkeypatch):
    for file in ct_file.iterdir():
        file.unlink()
    (tmp_path / "there").mkdir()
    before = len(planned.boxes.shown)
    export(planned, qtbot, monkeypatch, tmp_path / "there")
    assert planned.boxes.shown[before].text()
    assert list((tmp_path / "there").iterdir()) == []
