"""Documents in the window: with their CT, without it, with another one; saved again they lose nothing."""

import numpy as np
import pytest
from gui_help import drop, small_region, small_volume
from PIL import Image
from plan_maker import VIEW, full_planning
from PySide6.QtWidgets import QFileDialog

from app.widgets.dialogs import Answer
from spinect_core.base.errors import PlanError
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import PRESETS, View
from spinect_core.image.volume import Labels
from spinect_core.io.reading import read_ct
from spinect_core.io.writing import write_volume
from spinect_core.plan.document import Crop, Document, read_document, write_document
from spinect_core.plan.plan import Case, Plan, PlanView, read_plan, write_plan
from spinect_core.plan.records import LandmarkRecord, Planning

MAP = full_planning().searches[0].map


def settle(window, qtbot):
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=20000)


def truth(volume):
    labels = np.zeros(volume.geometry.shape, np.uint8)
    labels[volume.array > 150] = 2
    labels[volume.array > 500] = 1
    return Labels(labels, volume.geometry)


@pytest.fixture
def document(ct_file) -> Document:
    """What a later program made of the small CT: everything, and something this one does not know."""
    volume = read_ct(ct_file)
    corners = ((-12.0, 4.0, -3.0), (14.5, 9.0, 2.0), (3.0, -7.5, 11.0))
    triangle = Triangle("kambin", "left", corners, VIEW, author="user")
    plan = Plan(
        case=Case.of(volume),
        region=small_region(volume),
        run={"engine": "openvino", "device": "cpu", "patches": 3, "seconds": {"total": 2.0}},
        timings={"reading": 1.0},
        views=(
            PlanView(
                name="Above the root", view=VIEW, picture="views/a.png", centre=(1, 2, 3), mm_per_pixel=0.25
            ),
            PlanView(
                name="from behind",
                view=PRESETS["from behind"],
                picture="views/b.png",
                centre=(1, 2, 3),
                mm_per_pixel=0.25,
            ),
        ),
        triangles=(triangle,),
        planning=full_planning(),
        notes=("A note.",),
        extras={"approval": "Dr. X"},
    )
    labels = truth(volume)
    files = {"views/a.png": b"a", "views/b.png": b"b", MAP: b"map", "later/thing.bin": b"?"}
    return Document(plan, labels, Crop.of(labels), files, {"mood": "blue"})


@pytest.fixture
def saved(document, tmp_path):
    path = tmp_path / "Fälle" / "case.spinect"
    write_document(document, path)
    return path


def open_and_wait(window, qtbot, path):
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        window.controllers.open.open_path(path)
    settle(window, qtbot)


def test_saving_writes_a_document_that_brings_everything_back(segmented, qtbot, tmp_path, monkeypatch):
    model = segmented.model
    triangle = Triangle("safe", "right", ((-12, 4, -3), (14, 9, 2), (3, -7, 11)), View(-20, 5))
    model.add(triangle, "Mine")
    model.set_planning(full_planning(), "plan")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "fall"), ""))
    segmented.actions_.named["save"].trigger()
    settle(segmented, qtbot)
    path = tmp_path / "fall.spinect"
    assert model.history.isClean()
    assert segmented.state.recent.paths[0] == path.resolve()
    labels = model.case.labels.array.copy()
    stored = read_document(path)
    assert stored.plan.run["engine"] == "openvino"
    content = b"".join((stored.plan.case.sha256.encode(), *stored.files.values()))
    assert "Müller".encode() not in path.read_bytes() + content
    model.remove(model.measurements[0].key)
    model.set_planning(Planning())
    open_and_wait(segmented, qtbot, path)
    assert model.case.volume is not None
    assert [each.drawn for each in model.measurements] == [triangle]
    assert model.measurements[0].name == "Mine"
    # the view is that of the first needle, not of the triangle
    assert model.view == first_needle(segmented).view
    assert model.planning.windows == full_planning().windows
    assert model.planning.searches[0].best == full_planning().searches[0].best
    np.testing.assert_array_equal(model.case.labels.array, labels)
    assert model.case.surfaces.bone.n_cells > 0
    assert model.history.isClean()
    assert not segmented.slices["axial"].locate.isVisible()


def first_needle(window):
    return next(each for each in window.state.trajectories.rows if each.needle is not None)


def test_a_document_opens_without_its_ct_and_takes_it_later(window, qtbot, saved, document, ct_file):
    drop(window, saved)
    qtbot.waitUntil(lambda: window.model.case is not None, timeout=20000)
    settle(window, qtbot)
    model, axial = window.model, window.slices["axial"]
    assert model.case.volume is None
    assert "not open" in window.status.text.text()
    assert window.middle.currentWidget() is window.stage.viewport
    assert set(window.stage.viewport._parts) == {"bone", "nerve"}
    assert [each.name for each in model.measurements] == ["Above the root"]
    assert model.view == first_needle(window).view
    assert model.planning == document.plan.planning
    assert window.state.recent.paths == [saved.resolve()]
    for view in window.slices.values():
        assert view.locate.isVisible()
        assert view._mask_image() is not None
        view.grab()
    assert "HU" not in window.frames["axial"].info.text()
    assert not window.segment_panel.button.isEnabled()
    assert not window.actions_.named["segment"].isEnabled()
    window.controllers.segment.segment()
    assert "not open" in window.boxes.shown[-1].text()
    window.boxes.close_all()
    model.set_cursor((500, 500, 500))
    model.rename(model.measurements[0].key, "Renamed")

    surfaces = model.case.surfaces
    open_and_wait(window, qtbot, ct_file)
    assert model.case.volume is not None
    assert [each.name for each in model.measurements] == ["Renamed"]
    assert model.case.surfaces is surfaces
    np.testing.assert_array_equal(model.case.labels.array, truth(model.case.volume).array)
    assert "HU" in window.frames["axial"].info.text()
    assert not axial.locate.isVisible()
    assert axial._grey_image().width() > 0
    assert window.segment_panel.button.isEnabled()
    assert model.planning == document.plan.planning


def test_the_button_in_the_slices_looks_for_the_ct(window, qtbot, saved, ct_file, monkeypatch):
    open_and_wait(window, qtbot, saved)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(ct_file), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    folder, file = window.slices["sagittal"].locate.menu().actions()
    folder.trigger()
    assert not window.jobs.busy
    with qtbot.waitSignal(window.model.case_opened, timeout=20000):
        file.trigger()
    settle(window, qtbot)
    assert window.model.case.volume is not None
    assert window.model.measurements


def test_a_document_saved_again_without_its_ct_loses_nothing(window, qtbot, saved, document, tmp_path):
    open_and_wait(window, qtbot, saved)
    again = tmp_path / "again.spinect"
    window.controllers.save.save_plan(again)
    settle(window, qtbot)
    assert again.read_bytes() == saved.read_bytes()
    window.controllers.save.save_plan(tmp_path / "plan.json")
    settle(window, qtbot)
    plan = read_plan(tmp_path / "plan.json")
    assert plan.planning.needles == document.plan.planning.needles
    assert plan.extras == {"approval": "Dr. X"}
    assert [view.picture for view in plan.views] == ["", ""]  # they did not come along


def test_the_picture_of_a_changed_triangle_goes(window, qtbot, saved, tmp_path):
    open_and_wait(window, qtbot, saved)
    (measurement,) = window.model.measurements
    window.model.change(measurement.key, measurement.drawn.moved(0, (-14, 4, -3)), "move")
    again = tmp_path / "again.spinect"
    window.controllers.save.save_plan(again)
    settle(window, qtbot)
    stored = read_document(again)
    assert sorted(stored.files) == ["later/thing.bin", MAP, "views/b.png"]
    assert [view.name for view in stored.plan.views] == ["Above the root", "from behind"]


def test_another_ct_does_not_join_a_plan_unasked(window, qtbot, saved, tmp_path):
    other = small_volume("other")
    other.array[20, 20, 20] += 1
    write_volume(other, tmp_path / "other.nii.gz")
    open_and_wait(window, qtbot, saved)
    plan = window.model.case
    asked = []
    window.dialogs.confirm_other_ct = lambda: asked.append(1) or False
    window.controllers.open.open_path(tmp_path / "other.nii.gz")
    settle(window, qtbot)
    assert asked
    assert window.model.case is plan
    window.dialogs.confirm_other_ct = lambda: True
    open_and_wait(window, qtbot, tmp_path / "other.nii.gz")
    assert window.model.case.volume is not None
    assert window.model.measurements == ()
    assert window.model.planning == Planning()


def test_a_plan_of_another_ct_says_so_and_asks(opened, qtbot, document, tmp_path):
    path = tmp_path / "other.spinect"
    facts = document.plan.case
    other = Plan(
        case=Case(
            sha256="0" * 64,
            shape=facts.shape,
            spacing=facts.spacing,
            origin=facts.origin,
            direction=facts.direction,
        ),
        triangles=document.plan.triangles,
    )
    write_document(Document(other), path)
    case = opened.model.case
    asked = []
    opened.dialogs.confirm_without_ct = lambda file: asked.append(file) or False
    opened.controllers.open.open_path(path)
    settle(opened, qtbot)
    assert asked == [path]
    assert opened.model.case is case
    opened.dialogs.confirm_without_ct = lambda _: True
    open_and_wait(opened, qtbot, path)
    assert opened.model.case.volume is None
    assert len(opened.model.measurements) == 1
    for view in opened.slices.values():  # neither CT nor labels: nothing to cut
        assert view.placement() is None
        view.grab()
    opened.stage.viewport.grabFramebuffer()


def test_a_plan_json_opens_without_a_ct_too(window, qtbot, document, tmp_path):
    from spinect_core.plan.document import naming_only

    (tmp_path / "views").mkdir()
    Image.new("L", (3, 2), 7).save(tmp_path / "views" / "a.png")
    picture = (tmp_path / "views" / "a.png").read_bytes()
    (tmp_path / "id_rsa").write_bytes(b"secret")
    path = tmp_path / "plan.json"
    plan = naming_only(document.plan, document.files)
    write_plan(plan.replaced(views=(*plan.views, plan.views[0].replaced(picture="id_rsa"))), path)
    open_and_wait(window, qtbot, path)
    assert window.model.case.volume is None
    assert window.model.case.surfaces is None
    assert len(window.model.measurements) == 1
    assert window.model.planning.needles == document.plan.planning.needles
    window.controllers.save.save_plan(tmp_path / "case.spinect")
    settle(window, qtbot)
    assert read_document(tmp_path / "case.spinect").files == {"views/a.png": picture}
    assert any("left out" in note for note in window.model.case.notes)
    window.controllers.save.save_plan(path)
    settle(window, qtbot)
    assert read_plan(path).views[0].picture == "views/a.png"  # it still lies beside the plan


def test_the_window_knows_the_suffix_without_loading_the_core():
    from app.model import plan_files
    from spinect_core.plan.document import SUFFIX

    assert plan_files.DOCUMENT_SUFFIX == SUFFIX


def test_a_damaged_document_is_explained_and_the_open_case_stays(opened, qtbot, saved):
    case = opened.model.case
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 255
    saved.write_bytes(content)
    with qtbot.waitSignal(opened.boxes.failed, timeout=20000) as failed:
        opened.controllers.open.open_path(saved)
    assert isinstance(failed.args[0], PlanError)
    settle(opened, qtbot)
    assert opened.model.case is case
    assert opened.state.recent.paths[0] != saved.resolve()


def test_records_of_the_planning_are_kept_and_steps_of_the_user_can_be_undone(opened, qtbot, tmp_path):
    model = opened.model
    changes = []
    model.planning_changed.connect(lambda: changes.append(model.planning))
    found = Planning(
        landmarks=(LandmarkRecord(name="S1 upper end plate centre", point=(1, 2, 3), confidence=0.9),)
    )
    model.set_planning(found)
    assert changes == [found]
    assert model.history.isClean()
    moved = Planning(
        landmarks=(
            LandmarkRecord(name="S1 upper end plate centre", point=(1, 2, 4), confidence=0.9, moved=True),
        )
    )
    model.set_planning(moved, "move a landmark")
    assert not model.history.isClean()
    asked = []
    opened.dialogs.ask_unsaved = lambda *_: asked.append(1) or Answer.CANCEL
    assert not opened.close()
    assert asked
    opened.dialogs.ask_unsaved = lambda *_: Answer.DISCARD
    model.history.undo()
    assert model.planning == found
    model.history.redo()
    assert model.planning == moved
    opened.controllers.save.save_plan(tmp_path / "a.json")
    settle(opened, qtbot)
    assert read_plan(tmp_path / "a.json").planning == moved


def test_a_plan_brings_its_ct_back_from_where_it_was(segmented, qtbot, ct_file, tmp_path):
    window, model, recent = segmented, segmented.model, segmented.state.recent
    path, other = tmp_path / "mine.spinect", tmp_path / "other.nii.gz"
    window.controllers.save.save_plan(path)
    settle(window, qtbot)
    checksum = model.case.facts.sha256
    assert recent.ct_of(checksum) == ct_file.resolve()
    volume = small_volume("other")
    volume.array[20, 20, 20] += 1
    write_volume(volume, other)

    def open_other():
        with qtbot.waitSignal(model.case_opened, timeout=20000):
            window.controllers.open.open_path(other)
        settle(window, qtbot)

    # no question is asked: what the plan was made on is known
    window.dialogs.confirm_without_ct = lambda _: pytest.fail("asked")
    open_other()
    window.controllers.open.open_plan(path)
    qtbot.waitUntil(lambda: model.case is not None and model.case.volume is not None and not window.jobs.busy)
    assert model.case.source == ct_file.resolve()
    np.testing.assert_array_equal(model.case.volume.array, small_volume().array)
    assert model.case.labels.geometry.same_grid(model.case.volume.geometry)
    assert window.status.text.text() == f"{ct_file.name} is the CT of this plan."
    # another CT at its place joins nothing
    open_other()
    ct_file.write_bytes(other.read_bytes())
    with qtbot.waitSignal(model.case_opened, timeout=20000):
        window.controllers.open.open_plan(path)
    settle(window, qtbot)
    assert model.case.volume is None
    assert "is not the CT of this plan any more" in window.status.text.text()
    assert "is not the CT of this plan any more" in window.case_panel.warnings.text()
    # nothing is known of a CT that is gone, or after the list was cleared
    assert recent.ct_of(checksum) is not None
    recent.clear()
    assert recent.ct_of(checksum) is None
    recent.remember_ct(checksum, tmp_path / "gone.nii.gz")
    assert recent.ct_of(checksum) is None


def plan_of(window, qtbot, folder):
    """A document of the open CT in a folder of its own."""
    path = folder / "plans" / "mine.spinect"
    window.controllers.save.save_plan(path)
    settle(window, qtbot)
    return path


def test_the_ct_of_a_plan_is_found_among_others_by_its_content(segmented, qtbot, ct_file, tmp_path):
    """A folder was opened, and holds several CTs of one size: the plan's is known by its voxels."""
    window, model = segmented, segmented.model
    path = plan_of(window, qtbot, tmp_path)
    folder = tmp_path / "several"
    folder.mkdir()
    for number in range(3):
        other = small_volume("other")
        other.array[20, 20, 20] += number + 1
        write_volume(other, folder / f"{number}.nii.gz")
    ct_file.rename(folder / "1a.nii.gz")
    (folder / "broken.nii.gz").write_bytes(b"no picture at all")
    window.state.recent.remember_ct(model.case.facts.sha256, folder)
    with qtbot.waitSignal(model.case_opened, timeout=20000):
        window.controllers.open.open_path(folder / "0.nii.gz")
    settle(window, qtbot)
    window.controllers.open.open_plan(path)
    qtbot.waitUntil(
        lambda: model.case.facts is not None and model.case.volume is not None and not window.jobs.busy,
        timeout=20000,
    )
    np.testing.assert_array_equal(model.case.volume.array, small_volume().array)
    assert model.case.labels.geometry.same_grid(model.case.volume.geometry)
    (folder / "1a.nii.gz").unlink()
    window.controllers.open.open_path(folder / "0.nii.gz")
    qtbot.waitUntil(lambda: model.case.segmentation is None and not window.jobs.busy, timeout=20000)
    window.controllers.open.open_plan(path)
    qtbot.waitUntil(lambda: bool(model.case.missed) and not window.jobs.busy, timeout=20000)
    assert "None of the 4 series there" in window.case_panel.warnings.text()
    assert model.case.volume is None
    assert not window.boxes.shown


def test_a_damaged_ct_of_a_plan_is_a_line_on_the_page_and_no_box(segmented, qtbot, ct_file, tmp_path):
    window, model = segmented, segmented.model
    path = plan_of(window, qtbot, tmp_path)
    other = small_volume("other")
    other.array[20, 20, 20] += 1
    write_volume(other, tmp_path / "other.nii.gz")
    with qtbot.waitSignal(model.case_opened, timeout=20000):
        window.controllers.open.open_path(tmp_path / "other.nii.gz")
    settle(window, qtbot)
    ct_file.write_bytes(ct_file.read_bytes()[:2000])
    window.controllers.open.open_plan(path)
    qtbot.waitUntil(lambda: bool(model.case.missed) and not window.jobs.busy, timeout=20000)
    assert not window.boxes.shown
    said = window.case_panel.warnings.text()
    assert said.startswith("The CT of this plan is not open. Open it")
    assert f"{ct_file.name}: " in said
    assert "Copy the file again" in said
    assert model.case.volume is None
    # the right one, opened by hand, takes its place
    write_volume(small_volume(), tmp_path / "copy.nii.gz")
    window.controllers.open.open_path(tmp_path / "copy.nii.gz")
    settle(window, qtbot)
    assert model.case.volume is not None
    assert not window.case_panel.warnings.isVisible()
