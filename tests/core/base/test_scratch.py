"""What a killed process leaves unfinished goes at the next start, and nothing else does."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spinect_core.base import scratch
from spinect_core.base.files import write_whole
from spinect_core.base.scratch import ScratchFolder, lives, mark, part_name, scratch_folder, sweep

LEAVES_ALL = """
import os, sys, time
from pathlib import Path
from spinect_core.base.scratch import new_scratch_folder, part_name
(new_scratch_folder() / "array.npy").write_text("voxels")
here = Path(sys.argv[1])
(here / part_name()).mkdir()
(here / part_name()).write_text("half a document")
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr(scratch, "_swept", set())
    return folder


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(
    tmp_path: Path, temporary: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    child = subprocess.Popen(
        [sys.executable, "-c", LEAVES_ALL, str(out)],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)},
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"ready"
        assert sweep(out) == []
        assert sweep(temporary) == []
        assert len(list(out.iterdir())) == 2
        assert len(list(temporary.iterdir())) == 1
    finally:
        child.kill()
        child.communicate()
    (out / "mine.part").write_text("keep")
    (out / ".spinect-notes.part").write_text("keep")
    write_whole(out / "plan.json", b"{}")  # whoever writes next sweeps
    with scratch_folder() as own:
        assert list(temporary.iterdir()) == [own]
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in out.iterdir()) == [".spinect-notes.part", "mine.part", "plan.json"]


def test_a_number_that_another_process_has_now_is_no_sign_of_life(tmp_path: Path) -> None:
    computer, process, began = mark().split("-")
    assert lives(mark()) is True
    assert lives(f"{computer}-{process}-{int(began) + 1000}") is False
    assert lives(f"{computer}-9999999999-{began}") is False
    left = tmp_path / part_name().replace(f"-{began}-", f"-{int(began) + 1000}-")
    left.mkdir()
    own = tmp_path / part_name()
    own.mkdir()
    assert sweep(tmp_path) == [left]
    assert own.is_dir()


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps nothing of a process that has ended")
def test_a_killed_process_that_nobody_asked_for_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    of = scratch.mark_of(child.pid)
    try:
        assert lives(of) is True
        child.kill()
        until = time.monotonic() + 10
        while lives(of) and time.monotonic() < until:
            time.sleep(0.05)
        assert lives(of) is False
    finally:
        child.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process's beginning is fixed when it begins")
def test_a_clock_that_is_set_makes_no_process_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system reckons when it was started from the present time, and processes from that."""
    import psutil

    before, real = mark(), psutil.boot_time()
    for seconds in (-3600.0, 3600.0, 40 * 365 * 86400.0):
        monkeypatch.setattr(psutil._pslinux, "boot_time", lambda seconds=seconds: real + seconds)
        monkeypatch.setattr(psutil._pslinux, "BOOT_TIME", real + seconds, raising=False)
        scratch.mark_of.cache_clear()
        assert psutil.Process().create_time() > 0
        assert lives(before) is True
        assert abs(int(mark().split("-")[2]) - int(before.split("-")[2])) <= 1


def test_computers_of_one_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several may use one folder at a time, and none may take another's process for its own that has died."""

    def mark_on(installation: str) -> str:
        monkeypatch.setattr(scratch, "_installation", lambda: installation)
        scratch._computer.cache_clear()
        scratch.mark_of.cache_clear()
        return mark()

    try:
        monkeypatch.setattr("socket.gethostname", lambda: "localhost")
        others = mark_on("3d1219c7c4c5404aaa1f6d2a48adfda4")
        (tmp_path / f".spinect-{others.replace(f'-{os.getpid()}-', '-9999999999-')}-{'a' * 32}.part").mkdir()
        own = mark_on("88f1a2c7c4c5404aaa1f6d2a48adfda4")
        assert own.split("-")[0] != others.split("-")[0]
        assert sweep(tmp_path) == []
        mark_on("3d1219c7c4c5404aaa1f6d2a48adfda4")
        assert len(sweep(tmp_path)) == 1
    finally:
        monkeypatch.undo()
        scratch._computer.cache_clear()
        scratch.mark_of.cache_clear()


def test_what_another_computer_left_stays_for_a_week(tmp_path: Path) -> None:
    """On a folder that computers share: its processes cannot be looked at from here."""
    computer, process, began = mark().split("-")
    other = "0" * 8 if computer != "0" * 8 else "1" * 8
    left = tmp_path / f".spinect-{other}-{process}-{began}-{'a' * 32}.part"
    left.write_text("x")
    assert lives(f"{other}-{process}-{began}") is None
    assert sweep(tmp_path) == []
    old = time.time() - scratch.OLD_S - 60
    os.utime(left, (old, old))
    assert sweep(tmp_path) == [left]


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_no_link_is_followed_and_none_removed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("x")
    computer, _, began = mark().split("-")
    dead = f".spinect-{computer}-9999999999-{began}-{'b' * 32}.part"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / dead).symlink_to(victim)
    assert sweep(folder) == []
    (folder / dead).unlink()
    (folder / dead).mkdir()
    (folder / dead / "views").symlink_to(victim)
    assert sweep(folder) == [folder / dead]
    assert (victim / "precious").exists()


def test_the_folder_for_temporary_files_is_private_and_goes(temporary: Path) -> None:
    kept = ScratchFolder()
    if os.name == "posix":
        assert kept.path.stat().st_mode & 0o777 == 0o700
    (kept.path / "voxels").write_text("x")
    kept.remove()
    assert list(temporary.iterdir()) == []
    assert sweep(temporary / "is not there") == []
