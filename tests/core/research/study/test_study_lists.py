"""Lists of cases and measurements: folders, CSV, JSON, and what is wrong with them in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spinect_core.base.errors import ReadingError, SpinectError, UsageError
from spinect_core.geometry.triangle import Triangle
from spinect_core.geometry.view import View
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import read_structures
from spinect_core.io.writing import write_volume
from spinect_core.plan.plan import Case, Plan, write_plan
from spinect_core.research.study.cases import read_cases
from spinect_core.research.study.measurements import Measurement, between, read_measurements, retest


def test_folders_csv_and_json_say_the_same(tmp_path: Path, write_case: Callable[..., Path]) -> None:
    write_case(tmp_path / "cases" / "one", seed=3)
    write_case(tmp_path / "cases" / "two", seed=4, structures=False)
    (tmp_path / "cases" / "other").mkdir()
    found = read_cases(tmp_path / "cases")
    assert [case.name for case in found] == ["one", "two"]
    assert (found[0].family, found[0].seed) == ("blocks", "3")
    assert found[0].structures == tmp_path / "cases" / "one" / "structures.nii.gz"
    assert (found[1].family, found[1].truth, found[1].prediction) == ("", None, None)
    assert [case.name for case in read_cases(tmp_path / "cases" / "two")] == ["two"]

    lines = [
        "case;ct;labels;truth;family",
        "a;cases/one/ct.nii.gz;cases/one/labels.nii.gz;cases/one/truth.json;mine",
    ]
    (tmp_path / "list.csv").write_text("\n".join(["# three cases", *lines]), encoding="utf-8-sig")
    [case] = read_cases(tmp_path / "list.csv")
    assert (case.name, case.family, case.seed) == ("a", "mine", "3")
    assert case.ct == tmp_path / "cases" / "one" / "ct.nii.gz"

    entry = {"ct": "cases/one/ct.nii.gz", "labels": "cases/one/labels.nii.gz", "seed": 9}
    (tmp_path / "list.json").write_text(json.dumps({"cases": [entry]}), encoding="utf-8")
    [case] = read_cases(tmp_path / "list.json")
    assert (case.name, case.seed) == ("case 1", "9")


def test_paths_count_from_the_list_and_the_list_from_where_one_is(
    tmp_path: Path, write_case: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case(tmp_path / "down" / "one")
    (tmp_path / "down" / "l.csv").write_text("ct,labels\none/ct.nii.gz,one/labels.nii.gz", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for path in ("down", "down/one", "down/l.csv"):
        [case] = read_cases(Path(path))
        assert case.ct.samefile(tmp_path / "down" / "one" / "ct.nii.gz")


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("l.csv", "case,labels\na,b", "lacks ct"),
        ("l.csv", "ct,labels,colour\na,b,c", "Unknown column 'colour'"),
        ("l.csv", "ct,labels\na,b,c", "more fields"),
        ("l.csv", "ct,labels\nnone.nii.gz,none.nii.gz", "as its ct, and there is no such file"),
        ("l.csv", "ct,labels", "no case"),
        ("l.csv", "ct,labels\nl.csv,", "no true labels"),
        ("l.csv", "case,ct,labels\nA b,l.csv,l.csv\na-b,l.csv,l.csv", "Two cases"),
        ("l.json", '{"cases": 3}', "no list"),
        ("l.json", "[{]", "no JSON"),
        ("l.json", '[{"ct": "l.json", "labels": "l.json", "weight": 3}]', "unknown key 'weight'"),
        ("l.txt", "", "no list of cases"),
    ],
)
def test_a_wrong_list_is_refused_in_words(tmp_path: Path, file: str, text: str, words: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(SpinectError, match=words):
        read_cases(tmp_path / file)
    with pytest.raises(ReadingError, match="no such file"):
        read_cases(tmp_path / "gone")


CSV = """case,side,kind,observer,session,area
a,left,kambin,anna,1,40
a,left,kambin,anna,2,42
b,left,kambin,anna,1,60
b,left,kambin,anna,2,61
c,left,kambin,anna,1,70
a,left,kambin,bert,1,45
b,left,kambin,bert,1,66
"""


def test_measurements_become_complete_tables(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(CSV, encoding="utf-8")
    found = read_measurements(tmp_path / "m.csv", {})
    tables = retest(found, "kambin", ("left",))
    assert list(tables) == ["anna"]
    assert tables["anna"].areas.tolist() == [[40, 42], [60, 61]]
    assert tables["anna"].incomplete == (("c", "left"),)
    across = between(found, "kambin", ("left", "right"))
    assert across is not None
    assert across.raters == ("anna", "bert")
    assert across.areas.tolist() == [[40, 45], [60, 66]]
    assert between(found, "safe", ("left",)) is None
    assert retest(found, "safe", ("left",)) == {}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,middle,kambin,x,1,3", "'middle'"),
        ("a,left,round,x,1,3", "'round'"),
        ("a,left,safe,x,1,wide", "'wide'"),
        ("a,left,safe,x,1,nan", "'nan'"),
        ("a,left,safe,x,,3", "lacks"),
        ("a,left,kambin,anna,1,41", "measured twice"),
    ],
)
def test_a_wrong_measurement_is_refused(tmp_path: Path, row: str, words: str) -> None:
    (tmp_path / "m.csv").write_text(CSV + row, encoding="utf-8")
    with pytest.raises(ReadingError, match=words):
        read_measurements(tmp_path / "m.csv", {})


def test_plans_of_observers_know_their_case(tmp_path: Path) -> None:
    volume = Volume(np.zeros((3, 4, 5), np.int16), Geometry((3, 4, 5), (1, 1, 1)))
    triangle = Triangle.from_clicks(View(20), [[0, 0], [9, 0], [0, 8]], 0, kind="safe", side="right")
    plan = Plan(case=Case.of(volume), triangles=(triangle,))
    write_plan(plan, tmp_path / "anna" / "1" / "anything.json")
    [known] = read_measurements(tmp_path, {plan.case.sha256: "case five"})
    assert known == Measurement("case five", "right", "safe", "anna", "1", pytest.approx(36.0))
    [unknown] = read_measurements(tmp_path, {})
    assert unknown.case == f"CT {plan.case.sha256[:12]}"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadingError, match="no measurement"):
        read_measurements(tmp_path / "empty", {})


def test_unusual_heading_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("case,side\n", encoding="utf-8")
    with pytest.raises(UsageError, match="lacks kind, observer, session, area"):
        read_measurements(tmp_path / "m.csv", {})


def test_structures_are_bytes_and_nothing_else(tmp_path: Path) -> None:
    grid = Geometry((2, 3, 4), (1, 1, 1))
    numbers = np.arange(24).reshape(grid.shape).astype(np.int16)
    write_volume(Volume(numbers, grid), tmp_path / "map.nii.gz")
    read = read_structures(tmp_path / "map.nii.gz")
    assert read.array.dtype == np.uint8
    assert (read.array == numbers).all()
    write_volume(Volume(numbers - 1, grid), tmp_path / "ct.nii.gz")
    with pytest.raises(ReadingError, match="whole numbers from 0 to 255"):
        read_structures(tmp_path / "ct.nii.gz")
    with pytest.raises(ReadingError, match="no map of structures"):
        read_structures(tmp_path)
