"""Odd words on the command line end with one line and never with a fault of the program."""

import os
from pathlib import Path

import pytest

from spinect_core import cli

PATHS = {
    "empty": "",
    "spaces": "  ",
    "null": "a\0b",
    "long": "x" * 300,
    "deep": "/" + "y/" * 2100,
    "below a file": f"{__file__}/x",
    "loop": "loop",
    "device": "/dev/null",
    "no letters": "\udcff\udcfe",
    "markup": "[bold]/[/]",
}
COMMANDS = {
    "plan": ["plan", "{}", "--out", "out"],
    "plan into": ["plan", "list.csv", "--out", "{}"],
    "plan with": ["plan", "list.csv", "--out", "out", "--weights", "{}"],
    "series": ["series", "{}"],
    "segment into": ["segment", "list.csv", "--out", "{}"],
    "measure": [
        "measure",
        "--labels",
        "{}",
        "--oblique",
        "1",
        "--tilt",
        "2",
        "--side",
        "left",
        "--triangle",
        "safe",
    ],
    "fluoroscopy into": ["fluoroscopy", "list.csv", "--out", "{}"],
    "fluoroscopy with": ["fluoroscopy", "list.csv", "--out", "drr.png", "--plan", "{}"],
    "evaluate": ["evaluate", "--prediction", "{}", "--truth", "{}"],
    "study": ["study", "{}", "--out", "out"],
    "study into": ["study", "list.csv", "--out", "{}"],
    "phantom on": ["phantom", "--seed", "1", "--out", "out", "--jobs", "1", "--bones", "{}"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "list.csv").write_text("name,ct,labels\n", encoding="utf-8")
    if hasattr(os, "symlink"):
        Path("loop").symlink_to("loop")
    return tmp_path


# What the parser refuses is the same for every command; what a command has to meet itself is tried with each.
PARSED = ("empty", "spaces", "null")
CASES = [
    pytest.param(words, path, id=f"{command}-{kind}")
    for number, (command, words) in enumerate(COMMANDS.items())
    for kind, path in PATHS.items()
    if kind not in PARSED or PARSED.index(kind) == number % len(PARSED)
]


@pytest.mark.parametrize(("words", "path"), CASES)
def test_a_path_that_is_none_is_explained(
    words: list[str], path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = cli.main([word.replace("{}", path) for word in words])
    said = capfd.readouterr().err.strip().splitlines()
    assert 0 < code < 10, said
    assert said[-1].startswith("spinect: error: ")
    assert "unexpected" not in said[-1]
    assert "None" not in said[-1]


@pytest.mark.parametrize("number", ["", "nan", "inf", "-inf", "1e400", "½", "²", "1,5", "0x10"])
@pytest.mark.parametrize(
    "words",
    [
        ["segment", "list.csv", "--out", "o.nii", "--region", "{}", "20", "-20", "20", "-20", "20"],
        [
            "measure",
            "--labels",
            "list.csv",
            "--oblique",
            "{}",
            "--tilt",
            "2",
            "--side",
            "left",
            "--triangle",
            "safe",
        ],
        ["phantom", "--seed", "{}", "--out", "out"],
        ["phantom", "--seed", "1", "--out", "out", "--spacing", "{}"],
        ["study", "list.csv", "--out", "out", "--noise", "{}"],
        ["train", "--cases", "list.csv", "--out", "out", "--steps", "{}"],
    ],
    ids=lambda words: " ".join(words[:1]) + words[words.index("{}") - 1],
)
def test_a_number_that_is_none_is_explained(
    words: list[str], number: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = cli.main([word.replace("{}", number) for word in words])
    said = capfd.readouterr().err.strip().splitlines()
    assert 0 < code < 10, said
    assert said[-1].startswith("spinect: error: ")
    assert "unexpected" not in said[-1]
