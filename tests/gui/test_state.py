"""What the window knows, without the window: choices, recent files, and what a plan says of its run."""

import pytest
from PySide6.QtCore import QSettings

from app.model.case import Run
from app.model.recent import RecentFiles
from app.model.segment_options import CHOICES, SegmentOptions
from app.model.work import Options
from spinect_core.segmentation.run import RunInfo


@pytest.fixture
def settings(tmp_path):
    """Settings of this test alone."""
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


def test_choices_are_kept_for_the_next_start_if_they_are_meant_to_be(settings):
    options = SegmentOptions(settings)
    assert options.now == Options()
    changes = []
    options.changed.connect(lambda: changes.append(options.now.mode))
    options.choose("engine", "openvino")
    options.choose("mode", "fast", keep=False)
    assert options.now == Options("openvino", "auto", "fast")
    assert changes == ["thorough", "fast"]
    assert SegmentOptions(settings).now == Options("openvino", "auto", "thorough")


def test_choices_that_do_not_exist_are_not_taken(settings):
    settings.setValue("segment/device", "abacus")
    options = SegmentOptions(settings)
    assert options.now.device == CHOICES["device"][0]
    with pytest.raises(ValueError, match="abacus"):
        options.choose("device", "abacus")


def test_the_next_search_begins_where_the_last_file_was(settings, tmp_path):
    recent = RecentFiles(settings)
    here, there = tmp_path / "here" / "ct.nii", tmp_path / "there" / "plan.spinect"
    for path in (here, there):
        path.parent.mkdir()
        path.touch()
    recent.opened(here)
    recent.add(there)
    assert recent.folder == here.parent, "saving a plan elsewhere does not move it"
    assert recent.paths == [there, here]


def test_a_run_is_shown_as_it_ended():
    info = RunInfo(
        engine="openvino",
        device="cpu",
        mode="fast",
        patch=(32, 64, 64),
        stride=(20, 40, 40),
        batch=1,
        patches=90,
        patches_skipped=3,
        seconds={"load": 2.0, "predict": 20.0, "total": 29.5},
        fallbacks=("TensorFlow did not start",),
    )
    run = Run.of(info)
    assert (run.engine, run.device, run.patches, run.seconds) == ("openvino", "cpu", 90, 29.5)
    assert run.fallbacks == info.fallbacks
    assert run.record["patch"] == (32, 64, 64)


@pytest.mark.parametrize(
    ("record", "seconds", "patches"),
    [
        ({"engine": "openvino", "seconds": {"load": 2, "predict": 3.5}}, 5.5, 0),
        ({"engine": "openvino", "seconds": {"total": "long", "load": 1e12}, "patches": "many"}, 0.0, 0),
        ({"engine": "openvino", "seconds": 12, "fallbacks": "none", "patches": 4}, 0.0, 4),
    ],
)
def test_what_any_program_wrote_of_a_run_is_shown_as_far_as_it_makes_sense(record, seconds, patches):
    run = Run.stored(record)
    assert (run.seconds, run.patches, run.fallbacks) == (seconds, patches, ())
    assert run.record is record


@pytest.mark.parametrize("record", [{}, {"engine": 7}, {"device": "cpu"}])
def test_without_an_engine_there_was_no_run(record):
    assert Run.stored(record) is None
