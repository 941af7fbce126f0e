"""Labels made elsewhere in the window: segments are asked for and drawn, those of another CT change nothing."""

import numpy as np
import pytest
from gui_help import BONE_HU, small_volume
from label_maker import write_nifti, write_seg_nrrd

from app.widgets.labels_box import LabelsBox
from spinect_core.base.words import Numbering
from spinect_core.image.organs import NUMBERS, Organ
from spinect_core.image.volume import Geometry
from spinect_core.io.reading.label_names import Left
from spinect_core.io.reading.label_sets import read_label_set

NAMES = ("L5 <b>vertebra</b> & more", "nerve", "colon", "Segment_7")


def drawn():
    """1 bone, 2 nerve, as the small CT shows them, 3 and 4 beside."""
    array = small_volume().array
    labels = ((array == BONE_HU) + 2 * (array == 250)).astype(np.uint8)
    labels[2:6, 32:36, 4:12] = 3
    labels[36:38, 32:36, 4:12] = 4
    return labels


def slicer_file(folder, moved=0.0):
    grid = small_volume().geometry
    x, y, z = grid.origin
    there = Geometry(grid.shape, grid.spacing, (x + moved, y, z), grid.direction)
    keys = [{"Name": name, "LabelValue": place, "Layer": 0} for place, name in enumerate(NAMES, start=1)]
    return write_seg_nrrd(folder / "s.seg.nrrd", [drawn()], there, keys)


def choose(box, row, meaning):
    combo = box.choices[row]
    combo.setCurrentIndex(combo.findData(str(meaning)))


@pytest.fixture
def answering(monkeypatch):
    """Answers the table as a user does; None closes it."""

    def install(answer):
        seen = []

        def run(box):
            seen.append(box)
            answer(box)
            return LabelsBox.DialogCode.Accepted if box.load.isEnabled() else LabelsBox.DialogCode.Rejected

        monkeypatch.setattr(LabelsBox, "exec", run)
        return seen

    return install


def test_segments_are_asked_for_taken_and_drawn(opened, qtbot, tmp_path, answering):
    texts = []

    def answer(box):
        texts.extend(box.table.item(row, 1).text() for row in range(4))
        assert box.table.cellWidget(1, 3) is box.choices[3]
        assert not box.load.isEnabled()
        assert "2 of 4 segments are open" in box.state.text()
        assert [each.currentText() for each in box.choices] == ["Choose…", "Nerve", "Bowel", "Choose…"]
        choose(box, 0, "bone")
        assert not box.load.isEnabled()
        box.rest.click()
        assert box.choices[3].currentText() == "Leave out"

    answering(answer)
    model = opened.model
    assert opened.actions_.named["labels"].isEnabled()
    with qtbot.waitSignal(model.surfaces_changed, timeout=60000):
        opened.controllers.labels.load(slicer_file(tmp_path))
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    assert texts == [NAMES[0], NAMES[3], NAMES[1], NAMES[2]]  # what is open comes first
    case = model.case
    low, high = (case.ct_geometry.to_index(each) for each in (case.region.minimum, case.region.maximum))
    taken = case.labels.array
    inside = tuple(slice(int(np.ceil(a)), int(b)) for a, b in zip(low, high, strict=True))
    assert np.array_equal(taken[inside], np.where(drawn() > 2, 0, drawn())[inside])
    assert case.surfaces.bone.n_cells > 0
    assert case.surfaces.nerve.n_cells > 0
    assert case.organs.found == (Organ.BOWEL,)
    assert (case.organs.array == NUMBERS[Organ.BOWEL]).sum() == 4 * 4 * 8
    assert opened.segment_panel.result.text() == "Labels from a segmentation of 3D Slicer"
    assert "density of nerve" in opened.case_panel.warnings.text()  # the rod of the small CT is too dense
    assert case.segmentation.run.record["segments"][0]["name"] == ""
    assert "the segmentation" in model.unsaved


def test_numbers_are_named_by_whom_the_user_says(opened, qtbot, tmp_path, answering):
    def answer(box):
        assert not box.numbering.isHidden()
        assert [each.currentText() for each in box.choices] == ["Choose…"] * 4
        box.numbering.setCurrentIndex(list(Numbering).index(Numbering.OWN) + 1)
        assert "numbers that spinect does not have: 3, 4" in box.state.text()
        box.numbering.setCurrentIndex(list(Numbering).index(Numbering.TOTALSEGMENTATOR_2) + 1)
        assert box.table.item(box.rows[0], 1).text() == "spleen"
        assert not box.load.isEnabled()  # no bone among them
        assert "No segment is bone" in box.state.text()

    seen = answering(answer)
    before = opened.model.case.segmentation
    path = write_nifti(tmp_path / "l.nii.gz", drawn(), small_volume().geometry)
    opened.controllers.labels.load(path)
    qtbot.waitUntil(lambda: len(seen) == 1 and not opened.jobs.busy, timeout=60000)
    assert opened.model.case.segmentation is before


def test_labels_of_another_place_leave_the_case_as_it_is(segmented, qtbot, tmp_path, answering, monkeypatch):
    shown = []
    monkeypatch.setattr(segmented.boxes, "show_error", shown.append)

    def answer(box):
        choose(box, 0, "bone")
        choose(box, 3, Left.OUT)

    answering(answer)
    case = segmented.model.case
    before = case.segmentation, case.surfaces, case.organs
    with qtbot.waitSignal(segmented.jobs.failed, timeout=60000) as failed:
        segmented.controllers.labels.load(slicer_file(tmp_path, moved=10.0))
    qtbot.waitUntil(lambda: not segmented.jobs.busy)
    assert "moved by 10 mm to the right" in str(failed.args[0])
    assert (case.segmentation, case.surfaces, case.organs) == before
    broken = tmp_path / "b.seg.nrrd"
    broken.write_bytes(slicer_file(tmp_path).read_bytes()[:600])
    with qtbot.waitSignal(segmented.jobs.failed, timeout=60000):
        segmented.controllers.labels.load(broken)
    qtbot.waitUntil(lambda: not segmented.jobs.busy)
    assert (case.segmentation, case.surfaces, case.organs) == before


def test_a_plan_on_labels_is_saved_and_opened_with_where_they_came_from(opened, qtbot, tmp_path, answering):
    def answer(box):
        choose(box, 0, "bone")
        choose(box, 3, Left.OUT)

    answering(answer)
    with qtbot.waitSignal(opened.model.surfaces_changed, timeout=60000):
        opened.controllers.labels.load(slicer_file(tmp_path))
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    path = tmp_path / "p.spinect"
    with qtbot.waitSignal(opened.controllers.save.said, timeout=60000):
        opened.controllers.save.save_plan(path)
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    with qtbot.waitSignal(opened.model.case_opened, timeout=60000):
        opened.controllers.open.open_path(path)
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    assert opened.segment_panel.result.text() == "Labels from a segmentation of 3D Slicer"
    assert "density of nerve" in opened.case_panel.warnings.text()


def test_the_table_shows_what_cannot_be_used(qtbot, tmp_path):
    volume = small_volume()
    keys = [{"Name": f"s{place}", "LabelValue": place, "Layer": 0} for place in (1, 2, 3, 4)]
    found = read_label_set(write_seg_nrrd(tmp_path / "s.seg.nrrd", [drawn()], volume.geometry, keys), volume)
    faulty = (*found.segments[:3], type(found.segments[3])(4, "points", fault="it holds points alone"))
    box = LabelsBox(type(found)(found.form, faulty, found.layers, found.geometry, found.files), tmp_path)
    qtbot.addWidget(box)
    assert box.numbering.parentWidget().isHidden()
    assert box.table.item(box.rows[3], 2).text() == "it holds points alone"
    assert not box.choices[3].isEnabled()
    assert box.choices[3].currentData() == "leave out"
