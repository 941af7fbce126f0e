"""``spinect teach`` as it is used."""

from __future__ import annotations

import json

import pytest

from spinect_core.cli import main
from spinect_core.teaching.library import LIBRARY
from spinect_core.teaching.pack import Pack, read_pack
from spinect_core.teaching.records import AdviceRecord, BestRecord, PartRecord, ScoreRecord
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


def test_attempts_are_scored_in_words_and_as_data(tmp_path, capsys, monkeypatch):
    """Each case is drawn and planned once, and scores come in the order of the attempts."""
    drawn = []

    def ground(pictures, **_named):
        drawn.append(pictures)
        return pictures

    def scored(ground, task, attempt):
        part = PartRecord(name="distance", role="quality", value=0.5, measured=9.5, full=4.0)
        advice = AdviceRecord(part="distance", lost=50.0, values={"mm": 9.5})
        best = BestRecord(indicated=True)
        points = 50 if ground == "normal" else 60
        return ScoreRecord(points=points, parts=(part,), advice=(advice,), best=best)

    monkeypatch.setattr(Pack, "pictures", lambda _pack, name, **_named: name)
    monkeypatch.setattr("spinect_core.teaching.ground.Ground", ground)
    monkeypatch.setattr("spinect_core.teaching.scoring.score", scored)
    pack, attempts, out = (tmp_path / name for name in ("a.spinect-pack", "attempts.json", "scores.json"))
    words = ["--case", "normal", "--seed", "41", "--unchecked", "--task", "level", "--quiet"]
    assert main(["teach", "make", str(pack), *words]) == 0
    tries = [{"case": name, "point": [0, 0, 0], "seconds": 12.0} for name in ("normal", "seed-41", "normal")]
    attempts.write_text(json.dumps(tries))
    capsys.readouterr()
    assert main(["teach", "score", str(pack), str(attempts), "--out", str(out), "--quiet"]) == 0
    told = capsys.readouterr().out
    assert "normal 0 · Find the level: 50 of 100, 0 simulated pictures in 12 seconds" in told
    assert "Distance to the foramen: 50 % (9.5 mm; full marks up to 4.0)" in told
    assert "you were 10 mm away" in told or "you were 9 mm away" in told
    assert drawn == ["normal", "seed-41"]
    assert [each["score"]["points"] for each in json.loads(out.read_text())] == [50, 60, 50]
    attempts.write_text(json.dumps([{"case": "normal", "task": 7}]))
    assert main(["teach", "score", str(pack), str(attempts), "--quiet"]) == 2
    assert "no task 7" in capsys.readouterr().err


def test_a_score_says_whether_the_signature_holds_and_takes_no_result_of_another_pack(tmp_path, capsys):
    pack, folder, kept = tmp_path / "a.spinect-pack", tmp_path / "class", tmp_path / "s01.spinect-result"
    words = ["--case", "normal", "--unchecked", "--quiet"]
    assert main(["teach", "make", str(pack), *words, "--students", "1", "--class-out", str(folder)]) == 0
    teacher = read_class(folder / "teacher.json")
    good = ResultRecord(pack=teacher.pack, code="s01").signed(teacher.key_of("s01"))
    score = ["teach", "score", str(pack), str(kept), "--quiet"]
    with_class = [*score, "--teacher", str(folder / "teacher.json")]

    def told(record, words):
        write_record(record, kept)
        capsys.readouterr()
        assert main(words) == 0
        return capsys.readouterr().out

    assert "signature of s01 holds" in told(good, with_class)
    assert "not checked" in told(good, score)
    assert "does not hold" in told(good.replaced(program="another"), with_class)
    assert "no student s07" in told(good.replaced(code="s07"), with_class)
    write_record(good.replaced(pack="0" * 64).signed(teacher.key_of("s01")), kept)
    assert main(score) != 0
    assert "another pack" in capsys.readouterr().err


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
