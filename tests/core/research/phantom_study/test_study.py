from __future__ import annotations

import csv
import threading

import pytest

from spinect_core.base.errors import Cancelled, UsageError
from spinect_core.cli import main
from spinect_core.research.phantom_study.report import rows
from spinect_core.research.phantom_study.run import parse_seeds, study

pytestmark = pytest.mark.heavy


def test_seeds_are_ranges_and_lists() -> None:
    assert parse_seeds("3,7,20-22,7") == [3, 7, 20, 21, 22]
    for wrong in ("", "a", "5-3", "-2"):
        with pytest.raises(UsageError):
            parse_seeds(wrong)


def test_verdicts_compare_with_the_published_mean_and_spread() -> None:
    cases = [
        {"L5 body height anterior": 30.0 + d, "L5 pedicle height left": 12.9, "sac AP": 12.0}
        for d in (-2, 0, 2)
    ]
    table = {row.name: row for row in rows(cases)}
    assert table["L5 body height anterior"].verdict == "within one SD"
    assert table["L5 body height anterior"].off == pytest.approx(-0.3 / 1.9)
    assert table["L5 pedicle height"].verdict == "within one SD, spread too small"
    assert table["sac AP"].verdict == "no source found"


@pytest.mark.slow
def test_the_command_writes_measures_table_and_violations(tmp_path, capsys) -> None:
    assert main(["phantom-study", "--seeds", "3", "--spacing", "3", "--out", str(tmp_path), "-q"]) == 0
    with (tmp_path / "measures.csv").open(encoding="utf-8") as stream:
        [line] = csv.DictReader(stream)
    assert line["seed"] == "3"
    assert 20.0 < float(line["L5 body height anterior"]) < 36.0
    assert (
        (tmp_path / "impossible.csv").read_text(encoding="utf-8").startswith("seed,name,where,size,detail\n")
    )
    for name in ("table.md", "table.html"):
        assert "L5 pedicle width" in (tmp_path / name).read_text(encoding="utf-8")
    assert "seeds with something impossible" in capsys.readouterr().out


def test_a_study_can_be_cancelled() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        study([1, 2], 3.0, cancel=stop)
