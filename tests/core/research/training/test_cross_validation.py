"""Every case is tested once, by weights that never saw it; an interrupted cross-validation goes on."""

import csv
import threading
from dataclasses import replace

import pytest

from spinect_core.base.errors import Cancelled
from spinect_core.research.training.cross_validation import cross_validate
from spinect_core.research.training.recipe import RECIPES
from spinect_core.research.training.split import folds

pytestmark = pytest.mark.usefixtures("little_network")

CONFIG = replace(
    RECIPES["paper"], steps=2, batch=2, validate_every=2, validation="patches", patch_shape=(16, 32, 32),
    stride=(16, 32, 32),
)  # fmt: skip


def test_five_folds_interrupted_and_resumed(small_cases, tmp_path):
    splits = folds(small_cases.patients, 5, seed=0)
    stop = threading.Event()

    def stop_in_third(_fraction, message):
        if message.startswith("fold 3 of 5: step 1"):
            stop.set()

    with pytest.raises(Cancelled):
        cross_validate(CONFIG, small_cases, splits, tmp_path, progress=stop_in_third, cancel=stop)
    assert "2 of 5 folds done" in (tmp_path / "folds.md").read_text(encoding="utf-8")
    first = (tmp_path / "fold1" / "checkpoint.npz").stat().st_mtime_ns
    results = cross_validate(CONFIG, small_cases, splits, tmp_path)

    assert (tmp_path / "fold1" / "checkpoint.npz").stat().st_mtime_ns == first
    assert [len(fold) for fold in results] == [2, 1, 1, 1, 1]
    with (tmp_path / "folds.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["case"] for row in rows) == sorted(small_cases.names)
    assert [row["fold"] for row in rows] == ["1", "1", "2", "3", "4", "5"]
    report = (tmp_path / "folds.md").read_text(encoding="utf-8")
    mean = sum(float(row["dice_bone"]) for row in rows) / 6
    assert "5 of 5 folds done, 6 test cases" in report
    line = next(line for line in report.splitlines() if line.startswith("| mean ± SD of the cases"))
    assert float(line.split("|")[3].split("±")[0]) == pytest.approx(mean, abs=6e-4)
