"""``spinect study`` on the command line: what it prints, its exit codes, one line for an error."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import spinect_core.research.study.cases
import spinect_core.research.study.run
from spinect_core import cli
from spinect_core.base.errors import ReadingError
from spinect_core.base.versions import NOTICE
from spinect_core.cli.study import summary
from spinect_core.image.warning import ReadingWarning, warning_lines
from spinect_core.research.study.cases import StudyCase
from spinect_core.research.study.examine import Examined, Settings
from spinect_core.research.study.run import StudyResult
from spinect_core.research.study.tables import Column, Origin, Table, csv_text

CASE = StudyCase("alpha", Path("ct"), Path("labels"))
EXAMINED = Examined(
    case=CASE,
    volume_sha256="",
    labels=Path("labels"),
    run={},
    region=None,
    overlap={"bone": {"dice": 0.9512}, "nerve": {"dice": None}},
    roots={},
    areas={
        "pairs": [{"kind": "kambin", "side": "left", "true_mm2": 50.0, "predicted_mm2": 47.5}],
        "missing": [],
    },
    nerve_slices=[],
    curves={"noise": {}, "slices": {}},
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the study was asked for; its result has one fault if ``faults`` is set."""
    seen: dict[str, Any] = {"faults": {}}

    def run(cases: Any, out: Path, settings: Settings, **options: Any) -> SimpleNamespace:
        seen.update(cases=cases, out=out, settings=settings, **options)
        return SimpleNamespace(report=out / "study.html", examined=(EXAMINED,), faults=seen["faults"])

    monkeypatch.setattr(spinect_core.research.study.run, "run_study", run)
    monkeypatch.setattr(spinect_core.research.study.cases, "read_cases", lambda path: (CASE,))
    return seen


def test_options_reach_the_study(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "study",
        "cases",
        "--out",
        "o",
        "--mode",
        "fast",
        "--noise",
        "0,15,15",
        "--slices",
        "0.6,3",
        "--seed",
        "4",
    ]
    assert cli.main([*words, "--measurements", "a.csv", "--measurements", "b", "--pictures", "2"]) == 0
    assert asked["settings"] == Settings(mode="fast", noise=(0.0, 15.0), slices=(0.6, 3.0), seed=4)
    assert asked["measurements"] == [Path("a.csv"), Path("b")]
    assert asked["pictures"] == 2
    out = capsys.readouterr().out
    assert "bone 0.951 SD not computable (0.951 to 0.951)" in out
    assert "nerve not computable (n = 0)" in out
    assert "Kambin triangle: mean absolute error 2.5 mm², n = 1, tests not computable: n = 1" in out
    assert "safe triangle: not computable, n = 0" in out
    assert NOTICE in out


def test_a_case_left_out_is_named_and_gives_its_exit_code(
    asked: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    asked["faults"] = {"beta": ReadingError("No CT is in it", "Choose another", "x")}
    assert cli.main(["study", "cases", "--out", "o", "-q"]) == ReadingError.exit_code
    assert "left out  beta: x: No CT is in it. Choose another." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["gone", "--out", "o"], 3, "no such file or folder"),
        (["gone"], 2, "--out"),
        (["gone", "--out", "o", "--noise", "much"], 2, "no list of numbers"),
    ],
)
def test_errors_are_one_line(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["study", *words]) == code
    error = capsys.readouterr().err.strip()
    assert error.startswith("spinect: error: ")
    assert "\n" not in error
    assert message in error


WARNINGS = (
    ReadingWarning("2 files of the folder cannot be used"),
    ReadingWarning("The pictures were compressed with loss", grave=True),
)


def test_what_reading_noticed_about_a_case_is_told_and_stands_under_every_table() -> None:
    warned = replace(EXAMINED, warnings=WARNINGS)
    found = StudyResult(Path("study.html"), (), (EXAMINED, warned), {}, ())
    assert [line for line in summary(found) if line.startswith("warning")] == [
        f"warning   alpha: {line}" for line in warning_lines(WARNINGS)
    ]
    lines = Origin.of([EXAMINED, warned], 5).lines
    assert f"alpha: {' '.join(warning_lines(WARNINGS))}" in lines
    assert lines[-1] == NOTICE
    assert len(Origin.of([EXAMINED], 5).lines) == len(lines) - 1
    table = csv_text(Table("t", "A table", (Column("case"),), (("alpha",),)), Origin.of([warned], 5))
    assert "# alpha: Read with reservations: The pictures were compressed with loss." in table
