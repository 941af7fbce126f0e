"""Names planted in the input are searched for in everything that a run writes, whether it ends well or not."""

import gzip
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from test_job import fake_plan_level, fake_segment

import spinect_core.planning.level
import spinect_core.segmentation
from spinect_core import cli
from spinect_core.base import scratch
from spinect_core.base.opengl import OpenGl
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.writing import write_dicom_series
from spinect_core.pipeline import plan_case as job

pytestmark = pytest.mark.heavy

MARKERS = {
    "folder": "Fuchsberger_1957",
    "file": "Ziegelhuber",
    "name": "Quastenflosser",
    "identity": "PID4711X",
    "series": "Lendenwirbel-Spezial",
    "study": "Studie-Himmelblau",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a temporary folder and caches of this test alone."""
    for name in ("home", "temporary", "cache", "state", "config"):
        (tmp_path / "written" / name).mkdir(parents=True)
    for variable, name in (
        ("HOME", "home"),
        ("TMPDIR", "temporary"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_CONFIG_HOME", "config"),
    ):
        monkeypatch.setenv(variable, str(tmp_path / "written" / name))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "written" / "temporary"))
    monkeypatch.setattr("spinect_core.base.log.log_folder", lambda: tmp_path / "written" / "state")
    monkeypatch.setattr(scratch, "_swept", set())
    return tmp_path / "written"


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    """Two balls as DICOM, in a folder and files that carry names, as do the headers; packed as a zip."""
    grid = Geometry((40, 40, 40), (1, 1, 1), (-19.5, -19.5, -19.5))
    points = grid.to_patient(np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), axis=-1))
    array = np.full((40, 40, 40), -100, dtype=np.int16)
    array[np.linalg.norm(points - [8, 0, 0], axis=-1) < 7] = 900
    array[np.linalg.norm(points - [-9, 2, 3], axis=-1) < 5] = 400
    folder = tmp_path / MARKERS["folder"]
    files = write_dicom_series(Volume(array, grid), folder)
    packed = folder / f"{MARKERS['file']}.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in files:
            data = pydicom.dcmread(file)
            data.PatientName, data.PatientID = f"{MARKERS['name']}^Erika", MARKERS["identity"]
            data.SeriesDescription, data.StudyDescription = MARKERS["series"], MARKERS["study"]
            data.save_as(file)
            archive.write(file, f"{MARKERS['folder']}/{MARKERS['file']}/{file.name}")
            file.unlink()
    return packed


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spinect_core.segmentation, "segment", fake_segment, raising=False)
    monkeypatch.setattr(spinect_core.planning.level, "plan_level", fake_plan_level)
    monkeypatch.setattr(job, "probe_opengl", lambda: OpenGl(True))
    monkeypatch.setattr(job, "STANDARD_VIEWS", ("from behind",))
    monkeypatch.setattr(job, "PICTURE_SIZE", (250, 200))


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what is packed in it."""
    content = path.read_bytes()
    yield content
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name.encode() + archive.read(name)
    elif content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)


def told(folder: Path) -> list[str]:
    """Where a marker stands, in names or in contents."""
    found = []
    for path in folder.rglob("*"):
        texts = [os.fsencode(path.name), *(contents(path) if path.is_file() else ())]
        for what, marker in MARKERS.items():
            for code in ("utf-8", "utf-16-le"):
                if any(marker.encode(code).lower() in text.lower() for text in texts):
                    found.append(f"{path.relative_to(folder)}: {what}")
    return found


def test_the_search_finds_a_marker(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text(MARKERS["name"], encoding="utf-16-le")
    with zipfile.ZipFile(tmp_path / "a" / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("d", MARKERS["series"])
    (tmp_path / "a" / "e.gz").write_bytes(gzip.compress(MARKERS["study"].encode()))
    assert sorted(told(tmp_path)) == ["a/b.txt: name", "a/c.zip: series", "a/e.gz: study"]


def region(*words: str) -> list[str]:
    return [*words, "-q", "--region", "-18", "18", "-18", "18", "-18", "18"]


def test_plans_and_labels_name_nobody(ct: Path, home: Path) -> None:
    assert cli.main(region("plan", str(ct), "--out", str(home / "plan"))) == 0
    assert cli.main(region("segment", str(ct), "--out", str(home / "labels.nrrd"))) == 0
    assert (home / "plan" / "plan.spinect").is_file()
    assert (home / "labels.nrrd").is_file()
    assert told(home) == []
    assert list((home / "temporary").iterdir()) == []


@pytest.mark.parametrize("command", ["plan", "segment"])
def test_a_fault_with_a_name_in_it_is_written_down_without(
    ct: Path, home: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def broken(volume: Volume, **_: Any) -> None:
        raise RuntimeError(f"{ct}: {MARKERS['name']} {MARKERS['series']} {volume.name}")

    monkeypatch.setattr(spinect_core.segmentation, "segment", broken, raising=False)
    assert cli.main(region(command, str(ct), "--out", str(home / "plan.nrrd"))) == cli.UNEXPECTED
    assert "builtins.RuntimeError" in (home / "state" / "spinect.log").read_text(encoding="utf-8")
    assert told(home) == []
    assert list((home / "temporary").iterdir()) == []
    assert not (home / "plan.nrrd").exists()


KILLED = """
import sys, time
import spinect_core.segmentation
def segment(*_, **__):
    print("reading done", flush=True)
    time.sleep(60)
spinect_core.segmentation.segment = segment
from spinect_core import cli
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("there", [True, False])
def test_what_a_killed_run_leaves_is_gone_after_the_next_start(ct: Path, home: Path, there: bool) -> None:
    """The zip is unpacked into the temporary folder, voxels, names and all."""
    out = home / "plan"
    if there:
        out.mkdir()
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, *region("plan", str(ct), "--out", str(out))], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"reading done"
    left = [*home.glob("temporary/spinect-*"), *home.glob(".spinect-*.part"), *out.glob(".spinect-*.part")]
    assert left
    assert cli.main(["plan", str(home / "none"), "--out", str(out), "-q"]) == 3
    assert all(path.exists() for path in left)  # it lives
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=30)
    assert all(path.exists() for path in left)
    scratch._swept.clear()
    assert cli.main(["plan", str(home / "none"), "--out", str(out), "-q"]) == 3
    assert [path for path in left if path.exists()] == []
    assert told(home) == []
    assert out.exists() == there


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_run_that_is_asked_to_stop_leaves_nothing(ct: Path, home: Path, name: str) -> None:
    code = KILLED.replace("time.sleep(60)", "[time.sleep(0.05) for _ in iter(__['cancel'].is_set, True)]")
    child = subprocess.Popen(
        [sys.executable, "-c", code, *region("plan", str(ct), "--out", str(home / "plan"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"reading done"
    began = time.monotonic()
    child.send_signal(getattr(signal, name))
    _, said = child.communicate(timeout=30)
    assert (child.returncode, time.monotonic() - began < 10) == (130, True), said
    assert list((home / "temporary").iterdir()) == []
    assert not [path for path in home.iterdir() if "spinect" in path.name or path.name == "plan"]
    assert told(home) == []
