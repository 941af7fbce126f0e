"""The inference process: its results, its end on request, and every way in which it can die."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from spinect_core.base.errors import Cancelled, SegmentationError
from spinect_core.segmentation import process
from spinect_core.segmentation.engine import EngineOutOfMemory, EngineUnavailable
from spinect_core.segmentation.process import Job, WorkerDied, run_job
from spinect_core.segmentation.tiling import Tiling, likeliest, tile_corners

SMALL = Tiling("small", (8, 16, 16), (6, 12, 12))
ARRAY = np.random.default_rng(0).normal(size=(1, 20, 30, 40)).astype(np.float32)
OCCUPIED = np.ones(ARRAY.shape, bool)
TILES = 3 * 3 * 3


@pytest.fixture(autouse=True)
def _fakes_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def job(engine: str, weights: Path = Path("none"), batch: int = 1) -> Job:
    return Job(f"fake_engines:{engine}", "cpu", weights, SMALL, batch)


def test_labels_timings_and_memory_come_back() -> None:
    seen: list[tuple[float, str]] = []
    outcome = run_job(
        job("Threshold"), ARRAY, OCCUPIED, progress=lambda part, text: seen.append((part, text))
    )
    expected = np.where(ARRAY > 2, 1, np.where(ARRAY > 1, 2, 0))
    assert np.array_equal(likeliest(outcome.probabilities), expected)
    assert outcome.patches == TILES
    assert set(outcome.seconds) == {"start", "load", "predict"}
    assert all(seconds >= 0 for seconds in outcome.seconds.values())
    assert 10 < outcome.peak_memory_mb < 1000
    assert outcome.versions == {"threshold": "1.0"}
    assert f"patch 12 of {TILES}" in [text for _, text in seen]
    assert seen == sorted(seen, key=lambda step: step[0])
    assert seen[-1] == (1.0, f"patch {TILES} of {TILES}")


def test_two_readings_come_back_in_their_order_with_one_count_of_patches() -> None:
    seen: list[tuple[float, str]] = []
    both = np.concatenate([ARRAY, -ARRAY])
    occupied = np.ones(both.shape, bool)
    occupied[1, :8] = False  # nothing of the lowest tiles of the second
    outcome = run_job(
        job("ThreeAtOnce", batch=4), both, occupied, progress=lambda part, text: seen.append((part, text))
    )
    expected = np.where(both > 2, 1, np.where(both > 1, 2, 0))
    expected[1, :6] = 0
    assert np.array_equal(likeliest(outcome.probabilities)[:, :6], expected[:, :6])
    assert np.array_equal(likeliest(outcome.probabilities)[0], expected[0])
    assert (outcome.patches, outcome.patches_skipped) == (2 * TILES - 9, 9)
    # What did not fit in the first reading is not tried again in the second.
    assert (outcome.batch, len(outcome.fallbacks)) == (2, 1)
    assert [part for part, _ in seen] == sorted(part for part, _ in seen)
    assert seen[-1] == (1.0, f"patch {2 * TILES - 9} of {2 * TILES - 9}")


def test_with_a_known_level_the_second_reading_is_of_the_doubtful_tiles_about_it_alone() -> None:
    tiling = Tiling("small", (8, 16, 16), (6, 12, 12), tapered=True)
    array = np.zeros((2, 30, 60, 80), np.float32)  # background, and sure of it
    array[0, 10:16, 20:30, 10:20] = array[1, 10:16, 20:30, 60:70] = (
        1.5  # on the right; the second is the mirror image
    )
    seen: list[tuple[float, str]] = []
    outcome = run_job(
        replace(job("Unsure"), tiling=tiling, focus=(12.0, 25.0, 15.0)),
        array,
        np.ones(array.shape, bool),
        progress=lambda part, text: seen.append((part, text)),
    )
    first, second = outcome.probabilities
    assert first.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    counts = second.sum(axis=-1)
    assert np.all(counts[12:14, 22:28, 62:68] == pytest.approx(1)), "read again"
    assert not counts[:, :, :40].any(), "where nothing is in doubt it is not"
    assert not counts[24:].any()
    whole = len(tile_corners((30, 60, 80), tiling))
    assert whole < outcome.patches < 1.2 * whole
    assert [part for part, _ in seen] == sorted(part for part, _ in seen)
    assert seen[-1] == (1.0, f"patch {outcome.patches} of {outcome.patches}")


def test_where_the_first_reading_has_no_doubt_there_is_no_second() -> None:
    array = np.zeros((2, *ARRAY.shape[1:]), np.float32)
    outcome = run_job(replace(job("Unsure"), focus=(10.0, 15.0, 20.0)), array, np.ones(array.shape, bool))
    assert outcome.patches == TILES
    assert not outcome.probabilities[1].any()


def test_the_process_has_no_window_and_its_printing_does_no_harm() -> None:
    outcome = run_job(job("Chatty"), ARRAY, OCCUPIED)
    assert outcome.patches == TILES


def test_a_smaller_batch_is_tried_and_recorded() -> None:
    outcome = run_job(job("ThreeAtOnce", batch=8), ARRAY, OCCUPIED)
    assert outcome.batch == 2
    assert len(outcome.fallbacks) == 2


@pytest.mark.parametrize(
    ("engine", "error", "text"),
    [
        ("NoMemory", EngineOutOfMemory, "does not suffice"),
        ("Missing", EngineUnavailable, "cannot be loaded"),
        ("Crash", WorkerDied, r"exit code 66\): driver: something burnt"),
        ("Raises", WorkerDied, "ZeroDivisionError: a mistake"),
        ("BadWeights", SegmentationError, "The weights are damaged. Choose others"),
    ],
)
def test_each_end_has_its_error(engine: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        run_job(job(engine), ARRAY, OCCUPIED)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_killed_by_the_system_names_memory_and_a_remedy() -> None:
    with pytest.raises(SegmentationError, match=r"memory ran out. Close other programs"):
        run_job(job("Killed"), ARRAY, OCCUPIED)


def test_cancel_ends_the_process_at_once(tmp_path: Path) -> None:
    cancel, trace, taken = threading.Event(), tmp_path / "pid", []

    def later() -> None:
        while not (trace.exists() and trace.read_text()):
            time.sleep(0.02)
        taken.append(time.monotonic())
        cancel.set()

    watcher = threading.Thread(target=later)
    watcher.start()
    with pytest.raises(Cancelled):
        run_job(job("Slow", trace), ARRAY, OCCUPIED, cancel=cancel)
    watcher.join()
    assert time.monotonic() - taken[0] < 1
    assert not psutil.pid_exists(int(trace.read_text()))


def test_cancelled_before_the_start_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_start", lambda *_: pytest.fail("started"))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        run_job(job("Threshold"), ARRAY, OCCUPIED, cancel=cancel)


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "PATCH_TIMEOUT_S", 0.5)
    with pytest.raises(WorkerDied, match="has not answered"):
        run_job(job("Slow", tmp_path / "pid"), ARRAY, OCCUPIED)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = psutil.Process().children(recursive=True)
    run_job(job("Threshold"), ARRAY, OCCUPIED)
    with pytest.raises(WorkerDied):
        run_job(job("Crash"), ARRAY, OCCUPIED)
    assert list(tmp_path.iterdir()) == []
    assert psutil.Process().children(recursive=True) == before


def test_folders_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "Größe 測定 (1)"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert run_job(job("Threshold", folder / "ä.weights"), ARRAY, OCCUPIED).patches == TILES


PARENT = """
import sys, time
from pathlib import Path
import numpy as np
from spinect_core.segmentation.process import Job, run_job
from spinect_core.segmentation.tiling import Tiling

# No guard on purpose: a start method that imports the main module again would start processes without end.
print("main module", flush=True)
job = Job("fake_engines:Slow", "cpu", Path(sys.argv[1]), Tiling("small", (8, 16, 16), (6, 12, 12)), 1)
run_job(job, np.zeros((1, 8, 16, 16), np.float32), np.ones((1, 8, 16, 16), bool))
"""


def test_the_process_ends_when_its_parent_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[3]
    monkeypatch.syspath_prepend(str(root))
    script, trace, temporary = tmp_path / "parent.py", tmp_path / "pid", tmp_path / "temporary"
    temporary.mkdir()
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(trace)],
        env={
            "PYTHONPATH": f"{root}{':' if sys.platform != 'win32' else ';'}{Path(__file__).parent}",
            "PATH": "",
            "TMPDIR": str(temporary),
        },
        stdout=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while not (trace.exists() and trace.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        worker = psutil.Process(int(trace.read_text()))
    finally:
        parent.kill()
        output, _ = parent.communicate()
    worker.wait(timeout=10)
    assert list(temporary.iterdir()) == []  # the region's voxels go with it
    assert output.split() == [b"main", b"module"]


def test_an_answer_of_no_numbers_is_no_background(tmp_path: Path) -> None:
    with pytest.raises(SegmentationError, match="holds what is no number") as caught:
        run_job(job("NoNumbers", weights=tmp_path / "mine"), ARRAY, OCCUPIED)
    assert caught.value.source == str(tmp_path / "mine")


@pytest.mark.skipif(sys.platform == "win32", reason="there a killed process ends with 1, as any other")
def test_no_remedy_sends_to_where_the_work_was_already() -> None:
    for device, elsewhere in (("cpu", False), ("gpu", True)):
        there = Job("fake_engines:Threshold", device, Path("none"), SMALL, 1)
        killed = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        killed.kill()
        with tempfile.TemporaryFile() as errors:
            error = process._death(killed, errors, there)  # type: ignore[arg-type]
        assert ("CPU engine" in error.remedy) == elsewhere
        assert "Close other programs" in error.remedy
