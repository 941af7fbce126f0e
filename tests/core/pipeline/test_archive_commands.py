"""The commands that speak to an archive: from a study to its plan, and back."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest
from faulty_archive import faulty_archive
from marked_ct import MARKERS, UIDS, marked_series, told
from marked_plan import marked_plan
from orthanc import PASSWORD, USER, Orthanc, free_port
from test_job import fake_plan_level, fake_segment

import spinect_core.planning.level
import spinect_core.segmentation
from spinect_core import cli
from spinect_core.base.opengl import OpenGl
from spinect_core.cli.archive_options import VARIABLE
from spinect_core.io.pacs import credentials
from spinect_core.io.pacs import outbox as outbox_module
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.level import Way
from spinect_core.io.pacs.outbox import Outbox
from spinect_core.io.pacs.send import Sent
from spinect_core.io.pacs.settings import load_archives
from spinect_core.io.pacs.ways import Done
from spinect_core.pipeline import plan_case as job

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked_series(tmp_path_factory.mktemp("scans"))


@pytest.fixture(scope="module")
def plan(ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked_plan(ct, tmp_path_factory.mktemp("plan"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_keyring: None) -> Path:
    """Settings, outbox and temporary files of this test alone."""
    for variable, name in (
        ("HOME", "home"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_CACHE_HOME", "cache"),
    ):
        (tmp_path / "home" / name).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(variable, str(tmp_path / "home" / name))
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path / "home"


def enter(orthanc: Orthanc, *words: str) -> None:
    both = ["--host", "127.0.0.1", "--port", str(orthanc.port), "--title", "ORTHANC"]
    web = ["--web", f"http://127.0.0.1:{orthanc.web_port}/dicom-web", "--user", USER]
    own = ["--own-port", str(orthanc.own_port)]
    assert cli.main(["archive", "add", "Orthanc", *(both if "dimse" in words else [*web, *both]), *own]) == 0


def test_an_archive_is_entered_tested_and_removed(
    orthanc: Orthanc, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(orthanc)
    assert "DICOMweb is not encrypted" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert cli.main(["archive", "test", "Orthanc", "--password-stdin", "-q"]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.endswith(": works")] == [
        f"{way}: works" for way in ("QIDO", "C-ECHO", "C-FIND")
    ]
    assert "C-MOVE: offered; delivery not tried\n" in said
    assert "C-STORE: offered; sending not tried\n" in said
    assert f"Title SPINECT, host 127.0.0.1, port {orthanc.own_port}" in said
    assert cli.main(["archive", "add", "Orthanc", "--web", "", "--title", "WRONG"]) == 0
    assert cli.main(["archive", "test", "Orthanc", "-q"]) == 10
    assert "does not answer to the title WRONG" in capsys.readouterr().out
    assert cli.main(["archive", "remove", "Orthanc"]) == 0
    assert cli.main(["archive", "list"]) == 0
    assert capsys.readouterr().out == ""
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in written


def test_without_a_keyring_a_password_is_said_to_be_kept_nowhere(
    orthanc: Orthanc, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(orthanc)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert cli.main(["archive", "password", "Orthanc", "--password-stdin"]) == 2
    assert "no keyring" in capsys.readouterr().err
    monkeypatch.setattr(credentials, "_remembered", {})
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert cli.main(["find", "--id", "1", "-q"]) == 2
    assert "No password is known" in capsys.readouterr().err


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spinect_core.segmentation, "segment", fake_segment, raising=False)
    monkeypatch.setattr(spinect_core.planning.level, "plan_level", fake_plan_level)
    monkeypatch.setattr(job, "probe_opengl", lambda: OpenGl(True))
    monkeypatch.setattr(job, "STANDARD_VIEWS", ("from behind",))
    monkeypatch.setattr(job, "PICTURE_SIZE", (250, 200))


def test_a_study_is_found_fetched_and_planned_and_its_plan_names_nobody(
    orthanc: Orthanc,
    ct: Path,
    home: Path,
    tmp_path: Path,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    orthanc.fill(ct)
    enter(orthanc)
    capsys.readouterr()
    monkeypatch.setenv(VARIABLE, PASSWORD)
    assert cli.main(["find", "--name", "Quasten", "-q", "--json"]) == 0
    [study] = json.loads(capsys.readouterr().out)
    assert (study["uid"], study["patient_id"]) == (UIDS[0], MARKERS["PatientID"])
    assert cli.main(["find", "--study", study["uid"], "-q"]) == 0
    listed = capsys.readouterr().out
    assert f"{UIDS[0]}/{UIDS[1]}" in listed
    assert listed.endswith("found     1 by QIDO\n")
    assert cli.main(["fetch", f"{UIDS[0]}/{UIDS[1]}", "--out", str(tmp_path / "ct"), "-q"]) == 0
    assert "50 pictures by WADO" in capsys.readouterr().out
    assert len(list((tmp_path / "ct").iterdir())) == 50
    assert cli.main(["fetch", UIDS[0], "--out", str(tmp_path / "ct"), "-q"]) == 7
    out = home / "plan"
    region = ["--region", "-40", "40", "-10", "80", "-40", "40", "--no-organ-network"]
    assert cli.main(["plan", "--from-pacs", UIDS[0], "--out", str(out), "-q", *region]) == 0
    assert (out / "plan.spinect").is_file()
    found = [path for path in home.rglob("*") if told(path.name.encode())]
    found += [path for path in home.rglob("*") if path.is_file() and told(path.read_bytes())]
    assert found == []
    assert not any(PASSWORD.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.mark.parametrize("protocol", ["web", "dimse"])
def test_a_plan_is_sent_and_can_be_read_back(
    orthanc: Orthanc,
    ct: Path,
    plan: Path,
    home: Path,
    protocol: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    enter(orthanc, protocol)
    words = ["send", str(plan), "--ct", str(ct), "--what", "sc,pdf,seg,rtstruct,sr,stl", "-q"]
    assert cli.main(words) == 0
    way = "STOW" if protocol == "web" else "C-STORE"
    assert f"by {way}" in capsys.readouterr().out
    assert Outbox().keys == ()
    assert (
        cli.main(["dicom", str(plan), "--ct", str(ct), "--out", str(tmp_path / "same"), "-q", *words[4:6]])
        == 0
    )
    made = {
        str(data.SOPInstanceUID): data
        for data in map(pydicom.dcmread, sorted((tmp_path / "same").glob("*.dcm")))
    }
    there = {uid: pydicom.dcmread(io.BytesIO(content)) for uid, content in orthanc.objects().items()}
    assert there == made
    capsys.readouterr()
    assert cli.main(words) == 0
    assert f"{len(made)} of {len(made)} objects, {len(made)} of them before" in capsys.readouterr().out
    assert len(orthanc.objects()) == len(made)


def test_what_an_archive_does_not_take_waits_and_goes_later(
    ct: Path, plan: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with faulty_archive(store_status=0xA700) as faulty:
        at = ["--host", "127.0.0.1", "--port", str(faulty.port), "--title", "FAULTY"]
        assert cli.main(["archive", "add", "Faulty", *at, "--patience-s", "2"]) == 0
        assert cli.main(["send", str(plan), "--ct", str(ct), "--what", "rtstruct", "-q"]) == 10
        said = capsys.readouterr().err
        assert "full or out of resources" in said
        assert "1 in the outbox, for spinect send --waiting" in said
        assert told(said.encode()) == []
        faulty.store_status = 0
        assert cli.main(["send", "--waiting", "-q"]) == 0
        assert "1 of 1 that waited" in capsys.readouterr().out
        assert len(faulty.stored) == 1
        assert cli.main(["send", "--waiting", "-q"]) == 0
        assert len(faulty.stored) == 1


def test_a_password_goes_to_the_archive_that_it_is_given_for(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, str]] = []

    def sent(access: Access, files: Sequence[Path], **_: object) -> Done[Sent]:
        asked.append((access.archive.name, access.password))
        return Done(Sent(()), Way.STOW, ())

    monkeypatch.setattr(outbox_module, "send_objects", sent)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setenv(VARIABLE, PASSWORD)
    content = tmp_path / "object"
    content.write_bytes(b"object")

    def wait() -> None:
        for archive in load_archives():
            Outbox().put([content], archive)

    for name in ("A", "B"):
        address = f"http://127.0.0.1/{name}"
        assert cli.main(["archive", "add", name, "--web", address, "--user", USER]) == 0
    wait()
    capsys.readouterr()
    assert cli.main(["send", "--waiting", "-q"]) == 2
    said = capsys.readouterr()
    assert "0 of 2" in said.out
    assert "that of A" in said.err
    assert "that of B" in said.err
    assert asked == []
    assert cli.main(["send", "--waiting", "--archive", "B", "-q"]) == 0
    assert asked == [("B", PASSWORD)]
    assert len(Outbox().keys) == 1
    assert cli.main(["send", "--waiting", "--archive", "C", "-q"]) == 2
    assert cli.main(["archive", "remove", "B"]) == 0
    assert cli.main(["archive", "add", "A", "--web", "http://127.0.0.1/other"]) == 0
    assert cli.main(["send", "--waiting", "-q"]) == 10
    assert "was meant for http://127.0.0.1/A" in capsys.readouterr().err
    assert asked == [("B", PASSWORD)]
    assert cli.main(["send", "--waiting", "--new-address", "-q"]) == 2
    assert cli.main(["send", "--waiting", "--archive", "A", "--new-address", "-q"]) == 0
    assert asked == [("B", PASSWORD), ("A", PASSWORD)]


def test_odd_words_are_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["plan", "--out", "x"],
        ["plan", "ct", "--from-pacs", "1.2", "--out", "x"],
        ["plan", "--from-pacs", "../x", "--out", "x"],
        ["send"],
        ["send", "x"],
        ["archive", "add"],
        ["archive", "add", "A"],
        ["archive", "test", "A"],
        ["find", "--since", "yesterday"],
        ["find", "--id", "1"],
        ["archive", "add", "A", "--web", f"http://me:{PASSWORD}@x"],
    ):
        assert cli.main([*words, "-q"]) == 2, words
    assert PASSWORD not in capsys.readouterr().err
    port = free_port()
    assert cli.main(["archive", "add", "A", "--host", "127.0.0.1", "--port", str(port), "--title", "A"]) == 0
    assert cli.main(["find", "--id", "1", "-q"]) == 10
    assert f"Nothing listens at 127.0.0.1:{port}" in capsys.readouterr().err
