"""What is printed reaches any console: no letter that it lacks ends a command."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from plan_maker import full_plan, small_ct

from spinect_core import cli
from spinect_core.cli.evaluate import DESCRIPTION
from spinect_core.cli.plan import summary
from spinect_core.cli.speaking import SPELLED, print_json, say_warnings, speak_anywhere
from spinect_core.geometry.triangle import KIND_NAMES
from spinect_core.image.volume import Labels
from spinect_core.image.warning import ReadingWarning
from spinect_core.io.writing import write_labels

ENCODINGS = ("ascii", "cp437", "cp850", "cp1252", "latin-1", "koi8-r", "gbk", "utf-8")
ODD = "Ä 脊椎 \ud83d \udce9 ² ° ⌀ ± – −"
"""With what a file system may hand out: half characters for bytes that are no text."""


class Console:
    """A console that has the letters of one encoding only; set up in the test, for pytest puts its own in between."""

    def __init__(self, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.encoding, self._arrived, self._monkeypatch = encoding, io.BytesIO(), monkeypatch

    def start(self) -> None:
        for name in ("stdout", "stderr"):
            stream = io.TextIOWrapper(
                self._arrived, encoding=self.encoding, errors="strict", write_through=True
            )
            self._monkeypatch.setattr(sys, name, stream)
        speak_anywhere()

    @property
    def text(self) -> str:
        return self._arrived.getvalue().decode(self.encoding)


@pytest.fixture(params=ENCODINGS)
def console(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Console:
    return Console(request.param, monkeypatch)


def test_every_letter_is_spelled_where_it_is_missing(console: Console) -> None:
    console.start()
    print("".join(SPELLED), ODD)
    said = console.text
    assert "\n" in said
    if console.encoding == "ascii":
        assert said.startswith("23 degx+/-diameteruu---...-><-<=>=-*' ")
        assert "30 deg" not in said
    print("31.5 mm², left oblique 27°")
    last = console.text.splitlines()[-1]
    assert last in (
        "31.5 mm², left oblique 27°",
        "31.5 mm2, left oblique 27 deg",
        "31.5 mm2, left oblique 27°",
    )


def test_json_is_the_same_data_everywhere(console: Console) -> None:
    console.start()
    data = {"words": ODD, "note": "31.5 mm², 27°"}
    print_json(data)
    assert json.loads(console.text) == data


def test_errors_and_warnings_reach_it_too(console: Console, tmp_path: Path) -> None:
    console.start()
    assert cli.main(["series", str(tmp_path / "Ä 脊椎 ²")]) == 3
    assert "spinect: error: " in console.text
    assert cli.main(["series", f"{tmp_path}/\udce9"]) == 3
    say_warnings([ReadingWarning("Slices of 2.5° and 3 mm²", grave=True)])
    assert "spinect: warning: Read with reservations: Slices of 2.5" in console.text


def test_a_plan_and_a_measurement_are_told_on_it(console: Console, tmp_path: Path) -> None:
    console.start()
    print("\n".join(summary(full_plan(), tmp_path / "Ä 脊椎")))
    assert "left Kambin triangle" in console.text
    assert cli.main(["plan", "--help"]) == 0
    for command in cli.COMMANDS:
        print(command.DESCRIPTION, command.EXAMPLES)
    print(DESCRIPTION, *KIND_NAMES.values())


def test_labels_are_compared_on_it(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "labels.nii.gz"
    grid = small_ct().geometry
    write_labels(Labels(np.ones(grid.shape, np.uint8), grid), path)
    console.start()
    assert cli.main(["evaluate", "--prediction", str(path), "--truth", str(path)]) == 0
    assert '"dice"' in console.text


@pytest.mark.heavy
@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252"])
@pytest.mark.parametrize("words", [["--help"], ["info"], ["measure", "--help"], ["phantom", "--list"]])
def test_a_whole_process_on_such_a_console(encoding: str, words: list[str]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    ended = subprocess.run(
        [sys.executable, "-m", "spinect_core", *words], env=environment, capture_output=True, timeout=120
    )
    assert ended.returncode in (0, 2), ended.stderr.decode(encoding)
    assert b"unexpected" not in ended.stderr
    assert ended.stdout.decode(encoding) or ended.returncode == 2


def test_without_a_console_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    speak_anywhere()
