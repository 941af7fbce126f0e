"""The table of errors: what it says of a found case, of a wrong one, and of none."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.image.volume import Geometry, Labels
from spinect_core.research.study.landmark_errors import (
    calibration,
    examine_labels,
    level_and_sides,
    main,
    table,
    write,
)

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def case(phantom):
    return examine_labels(64, phantom.labels, phantom.truth)


def test_a_case_is_compared_with_its_truth(case, found):
    assert case.level_right
    assert case.zones == 6
    assert set(case.errors) == set(found.points) == set(case.confidences)
    assert set(case.roots) == {"L5 left", "L5 right", "S1 left", "S1 right"}
    assert max(case.roots.values()) < 1.2


def test_another_level_or_side_is_told_from_the_right_one(phantom, found):
    true = {name: np.array(point) for name, point in phantom.truth["landmarks"].items()}
    assert level_and_sides(found, true)
    higher = replace(
        found, points={name: point + np.array([0, 0, 35.0]) for name, point in found.points.items()}
    )
    assert not level_and_sides(higher, true)
    name = "S1 posterolateral corner left"
    swapped = found.moved(name, found.points[name.replace("left", "right")] + np.array([0.6, 0, 0]))
    assert not level_and_sides(swapped, true)


def test_the_tables_hold_every_landmark(case, tmp_path):
    text = table([case])
    assert "| L5 pedicle lower margin | 2 |" in text
    assert "| S1 upper end plate centre | 1 |" in text
    assert f"| all landmarks | {len(case.errors)} |" in text
    counts = [int(line.split("|")[2]) for line in calibration([case]).splitlines()[2:]]
    assert sum(counts) == len(case.errors)
    write([case], tmp_path, "One case")
    with (tmp_path / "landmark-errors.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(case.errors)
    assert {float(row["error_mm"]) for row in rows} == {round(value, 3) for value in case.errors.values()}
    assert "right in 1 of 1" in (tmp_path / "landmark-errors.md").read_text(encoding="utf-8")


def test_labels_without_bone_are_a_fault_of_the_case_and_not_of_the_table(phantom, tmp_path):
    grid = Geometry((20, 20, 20), (2.0, 2.0, 2.0))
    empty = examine_labels(1, Labels(np.zeros(grid.shape, np.uint8), grid), phantom.truth)
    assert "bone" in empty.fault
    write([empty], tmp_path, "None")
    assert "right in 0 of 1" in (tmp_path / "landmark-errors.md").read_text(encoding="utf-8")


def test_seeds_have_to_be_given():
    with pytest.raises(UsageError, match="seeds"):
        main(["--out", "nowhere", "--normal", "seven"])
    with pytest.raises(UsageError, match="No seeds"):
        main(["--out", "nowhere"])
