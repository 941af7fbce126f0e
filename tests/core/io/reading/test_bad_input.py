"""Whatever is opened by mistake gives the right error: what it is, what is wrong, what to do."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pydicom
import pytest
from bad_inputs import BAD_INPUTS
from dicom_maker import example_volume, make_series

from spinect_core.base.errors import ReadingError, SpinectError
from spinect_core.io.reading import list_series, read_ct, read_labels, read_series
from spinect_core.io.writing import write_volume


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_gives_its_error(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    bad = BAD_INPUTS[name]
    path = bad.make(tmp_path)
    capfd.readouterr()
    with pytest.raises(ReadingError) as caught:
        read_ct(path)
    assert tuple(capfd.readouterr()) == ("", ""), "the libraries beneath must not speak for themselves"
    error, message = caught.value, str(caught.value)
    assert type(error) is bad.error, message
    assert re.search(bad.says, message), message
    assert error.source is not None, message
    assert str(error.source)[:100] == str(path)[:100], message
    assert len(error.remedy) > 10
    assert "\n" not in message
    assert len(error.fault) < 450, message
    assert str(Path(sys.prefix)) not in message
    assert "spinect-" not in message, "the folder an archive was unpacked to is nobody's business"


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_listing_bad_input_is_honest(tmp_path: Path, name: str) -> None:
    path = BAD_INPUTS[name].make(tmp_path)
    try:
        entries = list_series(path)
    except ReadingError:
        return
    assert entries
    for entry in entries:
        if entry.loadable:
            continue
        assert entry.fault is not None
        assert entry.warnings
        with pytest.raises(type(entry.fault)):
            read_series(entry)


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_no_labels_either(tmp_path: Path, name: str) -> None:
    if name in ("labels_instead_of_ct", "constant_volume"):
        pytest.skip("these are labels, or could be")
    path = BAD_INPUTS[name].make(tmp_path)
    with pytest.raises(SpinectError):
        read_labels(path)


def test_bad_input_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    for name in (
        "truncated_zip",
        "zip_bomb",
        "zip_with_traversal",
        "zip_of_text",
        "zip_with_a_flipped_bit",
        "encrypted_zip",
    ):
        (tmp_path / name).mkdir()
        path = BAD_INPUTS[name].make(tmp_path / name)
        with pytest.raises(ReadingError):
            read_ct(path)
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "evil.dcm").exists()


def test_odd_files_of_pydicom_are_read_or_refused(tmp_path: Path) -> None:
    files = [p for p in (Path(pydicom.__file__).parent / "data" / "test_files").iterdir() if p.is_file()]
    assert len(files) > 50
    for number, file in enumerate(sorted(files)):
        alone = tmp_path / str(number)
        alone.mkdir()
        shutil.copy(file, alone)
        with pytest.raises(ReadingError) as caught:  # none of them alone is a CT volume
            read_ct(alone / file.name)
        assert file.name in str(caught.value)


def test_locked_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_series(tmp_path / "open")
    make_series(tmp_path / "locked")
    scandir = os.scandir

    def refusing(path: str | Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(ReadingError, match=r"locked: The folder cannot be read \(Permission denied\)"):
        list_series(tmp_path / "locked")
    (entry,) = list_series(tmp_path)
    assert entry.loadable
    assert "1 folder(s) may not be read (locked)" in entry.warnings


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_pipe_is_neither_opened_nor_waited_for(tmp_path: Path) -> None:
    folder = make_series(tmp_path / "ct")
    os.mkfifo(folder / "pipe")
    assert list_series(folder)[0].pictures == 8
    with pytest.raises(ReadingError, match="neither a file nor a folder"):
        list_series(folder / "pipe")


def test_too_little_memory_is_said_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_series(tmp_path / "ct")
    paths = [
        folder,
        *(write_volume(example_volume(), tmp_path / f"ct.{e}") for e in ("nii.gz", "nrrd", "mha")),
    ]
    monkeypatch.setattr("spinect_core.io.reading.memory.available_bytes", lambda: 5000)
    for path in paths:
        with pytest.raises(ReadingError, match=r"8 x 12 x 10 voxels needs about .* GB of memory"):
            read_ct(path)


def test_reading_warns_nobody_on_the_error_stream(tmp_path: Path) -> None:
    for path in make_series(tmp_path / "ct").iterdir():
        path.write_bytes(path.read_bytes().replace(b"2.25.", b"a.25."))  # pydicom warns of such identifiers
    script = "import sys; from spinect_core.io.reading import read_ct; read_ct(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-W", "always", "-c", script, str(tmp_path / "ct")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[4],
    )
    assert run.stdout + run.stderr == ""


@pytest.mark.parametrize("others", [{}, {"notes.txt": b"x"}])
def test_a_zip_with_a_nameless_file_is_refused_in_words(tmp_path: Path, others: dict[str, bytes]) -> None:
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {"": b"DICM", **others}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    with pytest.raises(ReadingError) as caught:
        read_ct(path)
    assert caught.value.remedy
