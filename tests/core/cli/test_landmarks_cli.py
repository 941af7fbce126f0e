"""``spinect landmarks``."""

import json

import numpy as np
import pytest

from spinect_core.base.assets import asset
from spinect_core.cli import main
from spinect_core.image.volume import Geometry, Labels
from spinect_core.io.reading import read_labels
from spinect_core.io.writing import write_labels

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("registered_once")]


@pytest.fixture(scope="module")
def coarse(tmp_path_factory):
    """The demo's labels on every second voxel in the slices."""
    labels = read_labels(asset("demo") / "labels.nii.gz")
    grid = labels.geometry
    array = np.ascontiguousarray(labels.array[:, ::2, ::2])
    spacing = (grid.spacing[0] * 2, grid.spacing[1] * 2, grid.spacing[2])
    path = tmp_path_factory.mktemp("labels") / "labels.nii.gz"
    write_labels(Labels(array, Geometry(array.shape, spacing, grid.origin, grid.direction)), path)
    return path


def test_level_hypotheses_and_landmarks_are_written(coarse, tmp_path, capsys):
    out = tmp_path / "landmarks.json"
    assert main(["landmarks", str(coarse), "--out", str(out), "--quiet"]) == 0
    told = json.loads(out.read_text(encoding="utf-8"))
    assert told["level"] == "L5/S1"
    assert told["certain"]
    assert told["doubts"] == []
    assert told["confirmed_by_user"] is False
    best, *others = told["hypotheses"]
    assert best["level"] == "L5/S1"
    assert all(other["score"] < best["score"] for other in others)
    assert {"L4/5"} <= {other["level"] for other in others}
    points = {one["name"]: one["point_lps_mm"] for one in told["landmarks"]}
    # As the demo's plan has it.
    np.testing.assert_allclose(points["S1 upper end plate centre"], (-4.0, 8.0, -4.0), atol=3.0)
    assert np.linalg.norm(np.subtract(points["S1 upper end plate centre"], best["point_lps_mm"])) < 8.0
    assert all(0.0 <= one["confidence"] <= 1.0 for one in told["landmarks"])
    assert "L5/S1: score" in capsys.readouterr().out


def test_with_a_count_all_is_named_by_it_and_lies_where_it_lay(coarse, tmp_path, capsys):
    plain, six = tmp_path / "plain.json", tmp_path / "six.json"
    assert main(["landmarks", str(coarse), "--out", str(plain), "--quiet"]) == 0
    assert "not confirmed: counted upwards from the sacrum as if there were five" in capsys.readouterr().out
    assert main(["landmarks", str(coarse), "--out", str(six), "--quiet", "--lumbar", "6"]) == 0
    assert "L6/S1, the lumbosacral level; count of lumbar vertebrae: 6" in capsys.readouterr().out
    before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (plain, six))
    assert (before["level"], before["lumbar_vertebrae_by_user"]) == ("L5/S1", None)
    assert (after["level"], after["lumbar_vertebrae_by_user"]) == ("L6/S1", 6)
    assert [one["point_lps_mm"] for one in after["landmarks"]] == [
        one["point_lps_mm"] for one in before["landmarks"]
    ]
    assert {one["name"].split()[0] for one in after["landmarks"]} == {"L6", "S1", "foramen"}
    assert after["hypotheses"][0]["level"] == "L6/S1"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--lumbar", "7"), "invalid choice"),
        (("--lumbar", "6", "--shift", "-1"), "a count of 6"),
        (("--lumbar", "4", "--level", "L4/5"), "L4/S1, L3/4, L2/3"),
        (("--level", "L6/S1"), "L5/S1, L4/5, L3/4"),
    ],
)
def test_a_count_that_is_none_or_is_contradicted_is_a_wrong_argument(coarse, tmp_path, capsys, words, says):
    assert main(["landmarks", str(coarse), "--out", str(tmp_path / "no.json"), *words]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "no.json").exists()


def test_the_name_has_to_be_one_of_a_json_file(coarse, tmp_path, capsys):
    assert main(["landmarks", str(coarse), "--out", str(tmp_path / "landmarks.txt")]) == 2
    assert ".json" in capsys.readouterr().err
