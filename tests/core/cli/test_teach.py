"""``spinect teach`` as it is used."""

from __future__ import annotations

import json

import pytest

from spinect_core.cli import main
from spinect_core.teaching.drawing import Pictures
from spinect_core.teaching.library import LIBRARY
from spinect_core.teaching.pack import Pack, read_pack
from spinect_core.teaching.session import ResultRecord, read_class, read_session, write_record


def test_the_list_names_every_case_and_task(capsys):
    assert main(["teach", "list"]) == 0
    out = capsys.readouterr().out
    for each in LIBRARY:
        assert each.name in out
    assert "needle:fluoroscopy" in out
    assert main(["teach", "list", "--json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == [each.name for each in LIBRARY]


def test_a_pack_and_its_class_are_made_and_their_results_tabled(tmp_path, capsys):
    pack, folder = tmp_path / "a.spinect-pack", tmp_path / "class"
    words = ["--seed", "41-42", "--pathology", "stenosis", "--task", "view", "--task", "needle:slices"]
    words += ["--unchecked", "--students", "3", "--class-out", str(folder), "--minutes", "30", "--quiet"]
    assert main(["teach", "make", str(pack), "--case", "normal", *words]) == 0
    made = read_pack(pack)
    assert [each.name for each in made.cases] == ["normal", "seed-41-stenosis", "seed-42-stenosis"]
    assert [(str(task.task), str(task.aids)) for task in made.cases[0].tasks] == [
        ("view", "everything"),
        ("needle", "slices"),
    ]
    assert sorted(path.name for path in folder.iterdir()) == [
        "s01.spinect-session",
        "s02.spinect-session",
        "s03.spinect-session",
        "teacher.json",
    ]
    session = read_session(folder / "s02.spinect-session")
    assert (session.code, session.seconds, len(session.steps)) == ("s02", 1800.0, 6)
    teacher = read_class(folder / "teacher.json")
    assert session.key == teacher.key_of("s02")
    write_record(
        ResultRecord(pack=session.pack, code="s02").signed(session.key), tmp_path / "s02.spinect-result"
    )
    capsys.readouterr()
    files = [str(folder / "teacher.json"), str(tmp_path / "s02.spinect-result")]
    assert main(["teach", "table", *files, "--out", str(tmp_path / "table")]) == 0
    assert "s02 | 0 of 6" in capsys.readouterr().out
    assert (tmp_path / "table" / "table.csv").read_text().startswith("code,attempt,case")


@pytest.mark.heavy
def test_attempts_are_scored_in_words_and_as_data(tmp_path, capsys, monkeypatch, pictures_of_teaching):
    monkeypatch.setattr(Pack, "pictures", lambda *_args, **_named: pictures_of_teaching)
    monkeypatch.setattr("spinect_core.teaching.ground.STEP_DEGREES", 10.0)
    pack, attempts, out = (tmp_path / name for name in ("a.spinect-pack", "attempts.json", "scores.json"))
    assert (
        main(["teach", "make", str(pack), "--case", "normal", "--unchecked", "--task", "level", "--quiet"])
        == 0
    )
    attempts.write_text(
        json.dumps([{"case": "normal", "point": [0, 0, 0], "seconds": 12}]).replace("12", "12.0")
    )
    capsys.readouterr()
    assert main(["teach", "score", str(pack), str(attempts), "--out", str(out), "--quiet"]) == 0
    told = capsys.readouterr().out
    assert "Find the level:" in told
    assert "0 simulated pictures in 12 seconds" in told
    assert json.loads(out.read_text())[0]["score"]["points"] <= 100


@pytest.fixture
def pictures_of_teaching(draw_once):
    from spinect_core.preprocessing.grid import on_regular_grid
    from spinect_core.research.phantom.scanner import IDEAL

    box = ((-110.0, 110.0), (-55.0, 140.0), (-60.0, 75.0))
    phantom = draw_once(8, (2.0, 2.0, 2.0), box=box, setting=IDEAL, pathologies=())
    return Pictures(phantom.volume, on_regular_grid(phantom.labels, 1.0))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["make"], "One file"),
        (["make", "a", "b"], "One file"),
        (["make", "a"], "Nothing is to go"),
        (["make", "a", "--case", "gout"], "no case 'gout'"),
        (["make", "a", "--all", "--task", "dance"], "no task 'dance'"),
        (["make", "a", "--all", "--students", "3"], "number of students and a folder"),
        (["make", "a", "--all", "--students", "0", "--class-out", "b"], "A class of 0"),
        (["make", "a", "--pathology", "stenosis"], "--seed"),
        (["make", "a", "--own", "b.spinect"], "--own and --ct"),
        (["score", "a"], "Give both"),
        (["table", "a"], "teacher.json"),
        (["list", "a"], "takes no file"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    assert main(["teach", *words, "--quiet"]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
