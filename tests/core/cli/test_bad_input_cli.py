"""Bad input on the command line: the reader's exit code, one line that says what and why, no results."""

import re
from pathlib import Path

import pytest
from bad_inputs import BAD_INPUTS

from spinect_core import cli


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_plan_ends_with_one_line(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    bad = BAD_INPUTS[name]
    path = bad.make(tmp_path)
    out = tmp_path / "plan of bad input"
    capfd.readouterr()
    assert cli.main(["plan", str(path), "--out", str(out), "--quiet"]) == bad.error.exit_code == 3
    printed = capfd.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("spinect: error: ")
    assert re.search(bad.says, line), line
    assert not out.exists()
