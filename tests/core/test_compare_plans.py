"""The script that compares two results of `spinect plan`: it sees the last digit, and no change of wording."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "compare_plans.py"
PLAN = {
    "created": "2026-01-01",
    "timings_s": {"total": 1.5},
    "triangles": [{"kind": "kambin", "side": "left", "area_mm2": 34.63757796013098, "moved": False}],
    "notes": ["The way in is open"],
}


@pytest.fixture
def results(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("old", "new"):
        folder = tmp_path / name
        folder.mkdir()
        labels = np.zeros((4, 5, 6), dtype=np.uint8)
        labels[1, 2, 3] = 1
        nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), folder / "labels.nii.gz")
        for mesh in ("bone.ply", "nerve.ply"):
            (folder / mesh).write_bytes(b"ply\ncomment " + name.encode() + b"\nelement vertex 1\n\x00\x01")
        (folder / "angle-map.csv").write_text("oblique,area_mm2,reason\n0,1.5,closed\n", encoding="utf-8")
        write(folder, PLAN)
    return tmp_path / "old", tmp_path / "new"


def write(folder: Path, plan: dict[str, object]) -> None:
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")


def compare(old: Path, new: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(old), str(new)], capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.returncode, done.stdout


def test_time_and_wording_are_no_difference(results: tuple[Path, Path]) -> None:
    old, new = results
    write(new, PLAN | {"created": "2027-02-02", "timings_s": {}, "notes": ["A trajectory is open"]})
    (new / "angle-map.csv").write_text("oblique,area_mm2,reason\n0,1.5,no trajectory\n", encoding="utf-8")
    code, told = compare(old, new)
    assert code == 0
    assert "0 differ; 1 sentences read otherwise" in told


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"area_mm2": 34.63757796013099}, "triangles[0].area_mm2"),
        ({"side": "right"}, "triangles[0].side"),
        ({"moved": 0}, "triangles[0].moved"),
        ({"added": None}, "triangles[0].added"),
    ],
)
def test_the_last_digit_the_side_and_the_kind_of_value_are(
    results: tuple[Path, Path], change: dict[str, object], seen: str
) -> None:
    old, new = results
    write(new, PLAN | {"triangles": [PLAN["triangles"][0] | change]})
    code, told = compare(old, new)
    assert code == 1
    assert seen in told


def test_one_voxel_one_corner_one_view_and_one_file_are(results: tuple[Path, Path]) -> None:
    old, new = results
    labels = np.zeros((4, 5, 6), dtype=np.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), new / "labels.nii.gz")
    (new / "bone.ply").write_bytes(b"ply\nelement vertex 1\n\x00\x02")
    (new / "angle-map.csv").write_text("oblique,area_mm2,reason\n0,1.6,closed\n", encoding="utf-8")
    (new / "extra.png").write_bytes(b"")
    code, told = compare(old, new)
    assert code == 1
    for seen in ("labels.nii.gz: 1 voxels", "bone.ply", "angle-map.csv: 1 of 1", "extra.png: only in"):
        assert seen in told
