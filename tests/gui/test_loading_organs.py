"""Masks of organs in the window: loaded beside the case, drawn on its slices, refused where they are of another CT."""

import numpy as np
import pytest
from gui_help import fake_find_organs, small_volume

import spinect_core.segmentation.organs
from app.panels.case_panel import PLANNED_WITH
from spinect_core.base.errors import SegmentationError
from spinect_core.image.organs import NUMBERS, Organ, OrganOrigin
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.writing import write_volume
from spinect_core.pictures.palette import BOWEL
from spinect_core.plan.records import OrgansRecord


def masks(folder, moved=0.0):
    """Bowel as a ball in the middle of the small CT, in the two files that TotalSegmentator writes."""
    volume = small_volume()
    grid = volume.geometry
    places = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    ball = np.linalg.norm(places - grid.centre, axis=-1) < 14
    x, y, z = grid.origin
    there = Geometry(grid.shape, grid.spacing, (x, y, z + moved), grid.direction)
    folder.mkdir()
    for name, mask in (("colon", ball), ("small_bowel", ball & False)):
        write_volume(Volume(mask.astype(np.int16), there), folder / f"{name}.nii.gz")
    return folder


def pixels(view, colour):
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    shown = rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(int)
    return int((np.abs(shown - colour).max(axis=-1) < 45).sum())


def test_masks_are_loaded_drawn_hidden_and_removed(opened, qtbot, tmp_path):
    model, organs = opened.model, opened.controllers.organs
    view, actions = opened.slices["axial"], opened.actions_.named
    assert actions["organs"].isEnabled()
    assert not actions["no_organs"].isEnabled()
    before = pixels(view, BOWEL)
    with qtbot.waitSignal(model.organs_changed, timeout=60000):
        organs.load(masks(tmp_path / "masks"))
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    assert model.case.organs.found == (Organ.BOWEL,)
    assert actions["no_organs"].isEnabled()
    assert "bowel" in opened.case_panel._facts.text()
    assert "Too few of the organ masks" in opened.case_panel.warnings.text()
    drawn = pixels(view, BOWEL)
    assert drawn > before + 100
    opened.display_panel.checks["organs"].setChecked(False)
    assert pixels(view, BOWEL) < before + 50
    opened.display_panel.checks["organs"].setChecked(True)
    assert pixels(view, BOWEL) == drawn
    # in 3D when asked for
    viewport = opened.stage.viewport
    count = viewport.renderer.GetActors().GetNumberOfItems()
    (mesh,) = model.case.organ_meshes.values()
    assert np.linalg.norm(np.asarray(mesh.points) - small_volume().geometry.centre, axis=1).max() < 17
    opened.display_panel.checks["organs_3d"].setChecked(True)
    assert viewport.renderer.GetActors().GetNumberOfItems() == count + 1
    opened.display_panel.checks["organs_3d"].setChecked(False)
    assert viewport.renderer.GetActors().GetNumberOfItems() == count
    organs.remove()
    assert model.case.organs is None
    assert pixels(view, BOWEL) == before


def test_a_plan_made_with_masks_says_that_they_are_not_loaded(opened):
    model = opened.model
    seen = OrgansRecord(origin="masks", minimum=(0.0, 0.0, 0.0), maximum=(9.0, 9.0, 9.0))
    assert PLANNED_WITH not in opened.case_panel._facts.text()
    model.set_planning(model.planning.replaced(organs=seen))
    assert PLANNED_WITH in opened.case_panel._facts.text()


def test_masks_of_another_ct_leave_the_case_as_it_is(opened, qtbot, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(opened.boxes, "show_error", shown.append)
    with qtbot.waitSignal(opened.jobs.failed, timeout=60000):
        opened.controllers.organs.load(masks(tmp_path / "far", moved=900.0))
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    assert opened.model.case.organs is None


@pytest.fixture
def bowel_found(monkeypatch):
    """The organ network finds bowel in a corner of the CT."""

    def find(volume, **given):
        found = fake_find_organs(volume, **given)
        found.array[:8, :8, :8] = NUMBERS[Organ.BOWEL]
        return found

    monkeypatch.setattr(spinect_core.segmentation.organs, "find_organs", find)


@pytest.mark.usefixtures("bowel_found")
def test_segmenting_names_organs_too(opened, qtbot):
    with qtbot.waitSignal(opened.model.organs_changed, timeout=90000):
        opened.segment_panel.button.click()
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    organs = opened.model.case.organs
    assert (organs.origin, organs.found) == (OrganOrigin.NETWORK, (Organ.BOWEL,))
    assert "Organs by the organ network: bowel" in opened.case_panel._facts.text()


@pytest.mark.usefixtures("bowel_found")
def test_masks_that_were_loaded_stay_when_segmenting_and_go_when_organs_are_found_anew(
    opened, qtbot, tmp_path
):
    organs = opened.controllers.organs
    with qtbot.waitSignal(opened.model.organs_changed, timeout=60000):
        organs.load(masks(tmp_path / "masks"))
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    with qtbot.waitSignal(opened.model.surfaces_changed, timeout=90000):
        opened.segment_panel.button.click()
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    assert opened.model.case.organs.origin == OrganOrigin.MASKS
    said = []
    organs.said.connect(said.append)
    with qtbot.waitSignal(opened.model.organs_changed, timeout=60000):
        opened.actions_.named["find_organs"].trigger()
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    assert opened.model.case.organs.origin == OrganOrigin.NETWORK
    assert said[0].startswith("Organs found by the network: bowel.")


def test_a_network_that_fails_leaves_the_labels_and_says_why(opened, qtbot, monkeypatch):
    def fail(*_, **__):
        raise SegmentationError("No engine could run the network", "Install it again")

    monkeypatch.setattr(spinect_core.segmentation.organs, "find_organs", fail)
    said = []
    opened.controllers.segment.said.connect(said.append)
    with qtbot.waitSignal(opened.model.surfaces_changed, timeout=90000):
        opened.segment_panel.button.click()
    qtbot.waitUntil(lambda: not opened.jobs.busy)
    assert opened.model.case.organs is None
    assert any("No engine could run the network" in each for each in said)
