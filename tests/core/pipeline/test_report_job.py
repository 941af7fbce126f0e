"""``spinect report``: from a plan on disk to a page, with and without its CT, and nobody's name unless asked for."""

import hashlib
import io
import os
import shutil
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdf
import pytest
from marked_ct import drawn, labels_of, marked_series, told
from plan_maker import KEY, both_sides, full_plan, recommended_planning

from spinect_core import cli
from spinect_core.io.reading import read_ct
from spinect_core.io.writing import write_dicom_series
from spinect_core.pipeline.report import read_source, write_report_pictures
from spinect_core.plan.document import Document, write_document
from spinect_core.plan.plan import Case, Plan, write_plan
from spinect_core.report.pictures import Shown, file_key, file_name, stored_pictures
from spinect_core.surfaces import build_surfaces

ASKED_FOR = ("Quastenflosser", "PID4711X", "1957-03-17")


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked_series(tmp_path_factory.mktemp("scans"))


@pytest.fixture(scope="module")
def plan(ct: Path) -> Plan:
    planning = both_sides(recommended_planning())
    searches = tuple(each.replaced(map="") for each in planning.searches)
    views = tuple(each.replaced(picture="", mm_per_pixel=0.0) for each in full_plan().views)
    return full_plan().replaced(
        case=Case.of(read_ct(ct)), planning=planning.replaced(searches=searches, organs=None), views=views
    )


@pytest.fixture(scope="module")
def folder(plan: Plan, ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the main job leaves: plan.json with its pictures, and the same in one file."""
    folder = tmp_path_factory.mktemp("plan")
    volume = read_ct(ct)
    labels = labels_of(volume)
    names = write_report_pictures(plan.planning, volume, labels, build_surfaces(labels), folder)
    with_pictures = plan.replaced(files=names)
    write_plan(with_pictures, folder / "plan.json")
    files = {name: (folder / name).read_bytes() for name in names.values()}
    write_document(Document(with_pictures, labels, files=files), folder / "plan.spinect")
    return folder


def texts(path: Path) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(path).pages]


def everything(path: Path) -> bytes:
    """All bytes of a PDF, its streams and pictures unpacked, its metadata, and its name."""
    reader = pypdf.PdfReader(io.BytesIO(path.read_bytes()))
    found = [path.read_bytes(), os.fsencode(path.name), str(reader.metadata).encode()]
    for number in range(1, len(reader.xref[0]) + 1):
        each = reader.get_object(number)
        found.append(repr(each).encode())
        if hasattr(each, "get_data"):
            found.append(each.get_data())
    found += [page.extract_text().encode() for page in reader.pages]
    return b"\n".join(found)


def test_pictures_of_recommended_needles_are_kept_with_the_plan(folder: Path, plan: Plan) -> None:
    needle = plan.planning.needles[0].needle
    source = read_source(folder / "plan.json")
    found = stored_pictures(source.plan, source.files, KEY, needle)
    assert set(found) == set(Shown)
    assert all(np.asarray(picture).std() > 5 for picture in found.values())
    # of the side where none is recommended there is none
    assert len(list(folder.glob("*.png"))) == len(Shown)


@pytest.mark.parametrize("what", ["", "plan.json", "plan.spinect"])
@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_a_plan_becomes_a_page_for_each_side(
    folder: Path, tmp_path: Path, what: str, paper: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.pdf"
    assert cli.main(["report", str(folder / what), "--out", str(out), "--paper", paper]) == 0
    assert "2 pages" in capsys.readouterr().out
    left, right = texts(out)
    assert "no picture of this needle" not in left
    assert len(pypdf.PdfReader(out).pages[0].images) == 4
    assert "transforaminal" in left
    assert "NO NEEDLE IS RECOMMENDED" in right
    file = folder / (what or "plan.json")
    assert hashlib.sha256(file.read_bytes()).hexdigest() in left


def test_a_report_takes_at_most_two_seconds(folder: Path, tmp_path: Path) -> None:
    cli.main(["report", str(folder), "--out", str(tmp_path / "first.pdf")])  # libraries are loaded now
    began = time.process_time()
    assert cli.main(["report", str(folder / "plan.spinect"), "--out", str(tmp_path / "second.pdf")]) == 0
    assert time.process_time() - began < 2.0


def test_one_side_and_one_zone(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "r.pdf"
    assert cli.main(["report", str(folder), "--out", str(out), "--side", "left"]) == 0
    assert len(texts(out)) == 1
    assert cli.main(["report", str(folder), "--out", str(out), "--zone", "right safe"]) == 0
    assert "RIGHT" in texts(out)[0]
    assert "NO NEEDLE IS RECOMMENDED" in texts(out)[0]
    capsys.readouterr()
    assert cli.main(["report", str(folder), "--out", str(out), "--zone", "left safe"]) == 2
    assert "Left Kambin, bony" in capsys.readouterr().err


def test_text_goes_to_standard_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(folder), "--text"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("LEFT · L5 root · L5/S1\n")
    assert "RIGHT · L5 root · L5/S1\n" in printed
    assert "[ ] A non-particulate steroid first" in printed


def test_what_cannot_be_done_is_refused_before_anything_is_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", str(folder)]) == 2
    assert "--text" in capsys.readouterr().err
    assert cli.main(["report", str(folder), "--out", str(tmp_path / "plan.json")]) == 2
    assert "Use .pdf" in capsys.readouterr().err
    assert cli.main(["report", str(tmp_path), "--out", str(tmp_path / "r.pdf")]) == 6
    assert "no plan in this folder" in capsys.readouterr().err
    (tmp_path / "plan.json").write_text("{}", encoding="utf-8")
    assert cli.main(["report", str(tmp_path), "--out", str(tmp_path / "r.pdf")]) == 6
    assert not (tmp_path / "r.pdf").exists()


def test_nobody_is_named_unless_asked_for(
    folder: Path, ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.pdf"
    for more in ([], ["--ct", str(ct), "-q"]):
        assert cli.main(["report", str(folder), "--out", str(out), "--text", *more]) == 0
        assert told(everything(out)) == []
        assert told(capsys.readouterr().out.encode()) == []
    assert told(b"".join(file.read_bytes() for file in folder.iterdir())) == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_patient_is_named_as_the_ct_of_the_plan_does(
    folder: Path, ct: Path, tmp_path: Path, packed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ct
    if packed:
        source = tmp_path / "ct.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in ct.iterdir():
                archive.write(file, file.name)
    out = tmp_path / "named.pdf"
    command = ["report", str(folder), "--out", str(out), "--text", "-q", "--with-patient", str(source)]
    assert cli.main(command) == 0
    assert all(all(part in page for part in ASKED_FOR) for page in texts(out))
    # what was asked for, and nothing else of the header: neither institution nor descriptions nor numbers of the study
    asked = {"Quastenflosser", "Erika", "PID4711X", "1957-03-17"}
    assert set(told(everything(out))) == asked
    assert set(told(capsys.readouterr().out.encode())) == asked
    assert told(str(pypdf.PdfReader(out).metadata).encode()) == []


def test_another_ct_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    volume = drawn()
    write_dicom_series(
        replace(volume, array=np.where(volume.array == 40, 41, volume.array)), tmp_path / "other"
    )
    out = tmp_path / "r.pdf"
    command = ["report", str(folder), "--out", str(out), "-q", "--with-patient", str(tmp_path / "other")]
    assert cli.main(command) == 6
    assert "not the CT that the plan was made on" in capsys.readouterr().err
    assert not out.exists()


def test_pictures_that_a_plan_lacks_are_drawn_from_its_ct(plan: Plan, ct: Path, tmp_path: Path) -> None:
    volume = read_ct(ct)
    bare = tmp_path / "bare.spinect"
    write_document(Document(plan, labels_of(volume)), bare)
    out = tmp_path / "r.pdf"
    assert cli.main(["report", str(bare), "--out", str(out), "--side", "left"]) == 0
    assert texts(out)[0].count("no picture of this needle is in the plan") == 3
    write_dicom_series(replace(drawn(), array=drawn().array + 1), tmp_path / "both" / "other")
    shutil.copytree(ct, tmp_path / "both" / "own")  # which of them is the plan's is known by its voxels
    command = ["report", str(bare), "--out", str(out), "--side", "left", "--ct", str(tmp_path / "both"), "-q"]
    assert cli.main(command) == 0
    assert "no picture" not in texts(out)[0]
    assert len(pypdf.PdfReader(out).pages[0].images) == 4


def test_pictures_of_a_needle_that_was_placed_again_are_not_shown(
    folder: Path, plan: Plan, tmp_path: Path
) -> None:
    record = plan.planning.needles[0]
    moved = replace(record.needle, entry=(44.0, 95.0, -12.0))
    planning = plan.planning.replaced(needles=(record.replaced(needle=moved, readouts=None),))
    names = {file_key(shown, KEY): file_name(shown, KEY) for shown in Shown}
    for name in names.values():
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    write_plan(plan.replaced(planning=planning, files=names), tmp_path / "plan.json")
    assert cli.main(["report", str(tmp_path), "--out", str(tmp_path / "r.pdf")]) == 0
    assert texts(tmp_path / "r.pdf")[0].count("no picture of this needle is in the plan") == 3


def test_files_beside_a_plan_that_are_no_pictures_are_left_alone(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    names = {file_key(shown, KEY): "secret.txt" for shown in Shown}
    write_plan(plan.replaced(files=names), tmp_path / "plan.json")
    assert read_source(tmp_path / "plan.json").files == {}
    assert cli.main(["report", str(tmp_path), "--out", str(tmp_path / "r.pdf")]) == 0


def test_the_old_report_stays_where_a_new_one_cannot_be_made(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.pdf"
    out.write_bytes(b"old")
    assert cli.main(["report", str(folder), "--out", str(out), "--zone", "nonsense"]) == 2
    assert out.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["r.pdf"]
