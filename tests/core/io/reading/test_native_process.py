"""The process that reads image files by native code: it may die, hang and be stopped, and the program goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from dicom_maker import example_volume
from field_cases.image_maker import VOXELS, nrrd

from spinect_core.base.errors import Cancelled, ReadingError
from spinect_core.io.reading import list_series, native_process, read_ct
from spinect_core.io.reading.native_process import NativeError, NativeProcess
from spinect_core.io.reading.options import ReadOptions
from spinect_core.io.writing import write_volume

READER = "NrrdImageIO"


@pytest.fixture
def native():
    """A process of this test's own."""
    process = NativeProcess()
    yield process
    process.close()


def deadly(folder: Path) -> Path:
    """A file that no checked header has, and that ends ITK's reader."""
    return nrrd(folder / "deadly.nrrd", "a" * 1000 + "\n")


def test_a_file_that_ends_the_reader_is_an_error_and_the_next_one_is_read(
    tmp_path: Path, native: NativeProcess
) -> None:
    good = nrrd(tmp_path / "good.nrrd")
    for _ in range(2):
        with pytest.raises(ReadingError, match=r"deadly\.nrrd: Reading it ended the process"):
            native.read(deadly(tmp_path), READER, len(VOXELS), tmp_path / "deadly.nrrd")
        answer = native.read(good, READER, len(VOXELS), good)
        np.testing.assert_array_equal(answer.array, example_volume().array)


def test_one_process_serves_many_files(tmp_path: Path, native: NativeProcess) -> None:
    good = nrrd(tmp_path / "good.nrrd")
    native.read(good, READER, len(VOXELS), good)
    first = native.pid
    for _ in range(5):
        native.read(good, READER, len(VOXELS), good)
    assert native.pid == first


def test_listing_a_folder_of_headers_starts_no_process(
    tmp_path: Path, native: NativeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spinect_core.io.reading.images.native", native)
    for number in range(200):
        nrrd(tmp_path / f"{number:03d}.nrrd")
    began = time.perf_counter()
    assert all(entry.loadable for entry in list_series(tmp_path))
    assert time.perf_counter() - began < 10
    assert native.pid is None


def test_a_refusal_is_the_readers_own_and_costs_no_process(tmp_path: Path, native: NativeProcess) -> None:
    path = nrrd(tmp_path / "ct.nrrd", "foo: bar\n")
    with pytest.raises(NativeError, match="foo"):
        native.read(path, READER, len(VOXELS), path)
    with pytest.raises(NativeError, match="holds 1920 bytes of numbers, not 4"):
        native.read(nrrd(path), READER, 4, path)
    with pytest.raises(NativeError, match="no reader"):
        native.read(path, "PNGImageIO", 4, path)
    assert native.pid is not None


def asleep(native: NativeProcess, tmp_path: Path) -> Path:
    """A good file, and a process that will not answer."""
    path = nrrd(tmp_path / "ct.nrrd")
    native.read(path, READER, len(VOXELS), path)
    assert native.pid is not None
    psutil.Process(native.pid).suspend()
    return path


def test_cancel_ends_a_reader_that_hangs_within_a_second(tmp_path: Path, native: NativeProcess) -> None:
    path = asleep(native, tmp_path)
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    began = time.perf_counter()
    with pytest.raises(Cancelled):
        native.read(path, READER, len(VOXELS), path, cancel)
    assert time.perf_counter() - began < 1.3
    assert native.pid is None
    native.read(path, READER, len(VOXELS), path)


def test_a_reader_that_hangs_is_given_up(
    tmp_path: Path, native: NativeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = asleep(native, tmp_path)
    monkeypatch.setattr(native_process, "ANSWER_S", 0.3)
    with pytest.raises(ReadingError, match="more than 0 s and was given up"):
        native.read(path, READER, len(VOXELS), path)
    assert native.pid is None


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals on this system")
def test_a_reader_that_the_system_ends_is_told_as_such(tmp_path: Path, native: NativeProcess) -> None:
    path = asleep(native, tmp_path)
    pid = native.pid
    assert pid is not None
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(ReadingError, match="The system ended the process"):
        native.read(path, READER, len(VOXELS), path)


def test_two_threads_wait_for_each_other(tmp_path: Path, native: NativeProcess) -> None:
    path = nrrd(tmp_path / "ct.nrrd")
    found: list[int] = []

    def read() -> None:
        for _ in range(10):
            found.append(native.read(path, READER, len(VOXELS), path).array.shape[0])

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [8] * 30


def test_the_reader_ends_with_the_program_however_it_ends(tmp_path: Path) -> None:
    path = nrrd(tmp_path / "ct.nrrd")
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from spinect_core.io.reading.native_process import native\n"
        f"native.read(Path(sys.argv[1]), {READER!r}, {len(VOXELS)}, 'ct')\n"
        "print(native.pid, flush=True)\n"
        "os.abort()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_volume_too_large_for_a_pipes_buffer_comes_whole(tmp_path: Path) -> None:
    volume = example_volume(shape=(40, 120, 100), spacing=(1, 1, 2))
    back = read_ct(write_volume(volume, tmp_path / "ct.mha"), options=ReadOptions(assume_hu=True))
    np.testing.assert_array_equal(back.array, volume.array)


def test_a_path_is_that_of_the_program_not_of_the_reader(
    tmp_path: Path, native: NativeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process keeps the folder it was started in, the program may change its own."""
    path = nrrd(tmp_path / "ct.nrrd")
    native.read(path, READER, len(VOXELS), path)
    monkeypatch.chdir(tmp_path)
    assert native.read(Path("ct.nrrd"), READER, len(VOXELS), "ct").array.size == len(VOXELS) // 2
