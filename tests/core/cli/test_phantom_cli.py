"""``spinect phantom``: one case or many on disk, each whole or not there."""

import json
import threading
import time
from pathlib import Path

import pytest

from spinect_core import cli
from spinect_core.base.errors import Cancelled, UsageError
from spinect_core.cli.phantom import seeds_of, spacing_of
from spinect_core.io.reading import read_ct, read_labels
from spinect_core.research.phantom import Order
from spinect_core.research.phantom.batch import write_cases

pytestmark = pytest.mark.heavy

BOX = ["--box", "-32", "32", "-30", "34", "-32", "32"]
NAMES = ["ct.nii.gz", "labels.nii.gz", "structures.nii.gz", "truth.json"]


def test_one_seed_goes_into_the_folder_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "Phäntom 7"
    words = ["phantom", "--seed", "7", "--out", str(out), "--dicom", "--spacing", "4", "4", "5", "-q", *BOX]
    assert cli.main([*words, "--kernel", "bone", "--noise", "25", "--slice-thickness", "2"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [Path(line).name for line in printed] == [*NAMES[:3], "dicom", "truth.json"]
    assert sorted(path.name for path in out.iterdir()) == sorted([*NAMES, "dicom"])
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    assert truth["seed"] == 7
    assert (truth["scan"]["kernel"], truth["scan"]["noise_hu"], truth["scan"]["slice_mm"]) == ("bone", 25, 2)
    case = Order(7, (4, 4, 5), ((-32, 32), (-30, 34), (-32, 32)), kernel="bone", noise_hu=25, slice_mm=2)
    drawn = case.draw()
    for path in (out / "ct.nii.gz", out / "dicom"):
        ct = read_ct(path)
        assert (ct.array == drawn.volume.array).all()
        assert ct.geometry.same_grid(drawn.volume.geometry)
    assert (read_labels(out / "labels.nii.gz").array == drawn.labels.array).all()
    # The next case takes the place of this one, and leaves nothing of it.
    assert cli.main(["phantom", "--seed", "8", "--out", str(out), "--spacing", "6", "-q", *BOX]) == 0
    assert sorted(path.name for path in out.iterdir()) == NAMES
    assert json.loads((out / "truth.json").read_text(encoding="utf-8"))["seed"] == 8


@pytest.mark.slow
def test_several_seeds_go_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["phantom", "--seed", "3-4", "9", "--out", str(tmp_path), "--spacing", "6", "--jobs", "2", *BOX]
    assert cli.main(words) == 0
    captured = capsys.readouterr()
    assert "3 of 3 cases" in captured.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-3", "seed-4", "seed-9"]
    for seed in (3, 4, 9):
        folder = tmp_path / f"seed-{seed}"
        assert sorted(path.name for path in folder.iterdir()) == NAMES
        assert json.loads((folder / "truth.json").read_text(encoding="utf-8"))["seed"] == seed
    assert captured.out.splitlines()[0] == str(tmp_path / "seed-3" / "ct.nii.gz")


def test_a_tilted_case_has_no_upright_ct(tmp_path: Path) -> None:
    words = ["phantom", "--seed", "2", "--out", str(tmp_path), "--dicom", "--tilt", "15", "--spacing", "5"]
    assert cli.main([*words, "-q", *BOX]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["dicom", "labels.nii.gz", "structures.nii.gz", "truth.json"]
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["tilted"]["tilt_deg"] == 15


def test_a_stop_takes_a_second_and_leaves_nothing_behind(tmp_path: Path) -> None:
    cancel = threading.Event()
    out = tmp_path / "cases"
    stopped: list[float] = []

    def stop() -> None:
        stopped.append(time.monotonic())
        cancel.set()

    threading.Timer(2.5, stop).start()
    with pytest.raises(Cancelled):
        write_cases([Order(seed, (0.5, 0.5, 0.5)) for seed in (1, 2)], out, jobs=1, cancel=cancel)
    assert time.monotonic() - stopped[0] < 1.0
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_asked_for_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["phantom", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  procedural" in lines
    from spinect_core.research.phantom.pathology import PATHOLOGIES

    for name, entry in PATHOLOGIES.items():
        assert any(line.split()[0] == name and line.endswith(entry.summary) for line in lines)


def test_seeds_and_spacings_are_understood() -> None:
    assert seeds_of(["7", "1-3", "2"]) == [7, 1, 2, 3]
    assert spacing_of(["0.7"]) == (0.7, 0.7, 0.7)
    assert spacing_of(["0.7", "0.8", "3"]) == (0.7, 0.8, 3.0)
    assert spacing_of(["drawn"]) is None
    for wrong in (["-1"], ["3-1"], ["x"], ["1.5"], ["1-"], ["0-999999999"]):
        with pytest.raises(UsageError):
            seeds_of(wrong)


def test_findings_are_not_drawn_on_bones_from_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["phantom", "--seed", "7", "--out", str(tmp_path / "p"), "-q", "--bones", str(tmp_path)]
    assert cli.main([*words, "--pathology", "disc-bulge"]) == 2
    said = capsys.readouterr().err
    assert "--pathology: Findings are not drawn" in said
    assert "Leave the pathologies out" in said
    assert cli.main(words) == 3
    assert "no surfaces and no label map" in capsys.readouterr().err
