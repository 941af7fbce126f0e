"""``spinect organs``: organs on the CT's own grid, and what the numbers mean beside them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spinect_core.segmentation.organs
from spinect_core import cli
from spinect_core.cli.organs import names_path
from spinect_core.image.organs import NUMBERS, Organ, OrganOrigin, Organs
from spinect_core.image.region import Region
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.writing import write_volume
from spinect_core.segmentation.organs import LOOKED_FOR, SOURCE

GRID = Geometry((30, 40, 40), (1.5, 1.5, 2.0), (-30.0, -30.0, 0.0))
REGION = ["--region", "-20", "20", "-20", "20", "10", "40"]


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    """A block of muscle in air."""
    array = np.full(GRID.shape, -1000, np.int16)
    array[:, 4:36, 4:36] = 50
    path = tmp_path / "ct.nii.gz"
    write_volume(Volume(array, GRID), path)
    return path


@pytest.fixture
def bowel_on_the_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(volume: Volume, *, region: Region | None, **_: Any) -> Organs:
        assert region is not None
        assert region.size.tolist() == [40, 40, 30]
        grid = Geometry((20, 20, 20), (3.0, 3.0, 3.0), (-28.5, -28.5, 1.5))
        array = np.zeros(grid.shape, np.uint8)
        array[:, :, 10:] = NUMBERS[Organ.BOWEL]
        return Organs(array, grid, LOOKED_FOR, origin=OrganOrigin.NETWORK, source=SOURCE, checksum="0123abcd")

    monkeypatch.setattr(spinect_core.segmentation.organs, "find_organs", find)


@pytest.mark.usefixtures("bowel_on_the_left")
def test_organs_lie_on_the_ct_s_grid_with_their_names_beside(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "organs.nii.gz"
    assert cli.main(["organs", str(ct), "--out", str(out), *REGION]) == 0
    printed = json.loads(capsys.readouterr().out)
    kept = json.loads((tmp_path / "organs.json").read_text(encoding="utf-8"))
    warned = tmp_path / "organs.nii.gz.warnings.json"
    told = printed.pop("warnings")
    assert printed == {
        "organs": str(out),
        "names": str(tmp_path / "organs.json"),
        "warnings_file": str(warned),
        **kept,
    }
    # what reading noticed of a CT that is no body stays beside what was made of it
    assert any("may not be Hounsfield units" in each["text"] for each in told)
    beside = json.loads(warned.read_text(encoding="utf-8"))["warnings"]
    assert [each["text"] for each in beside] == [each["text"] for each in told]
    bowel = next(each for each in kept["looked_for"] if each["name"] == "bowel")
    assert bowel == {"number": NUMBERS[Organ.BOWEL], "name": "bowel", "volume_ml": 108.0}
    assert kept["weights_sha256"] == "0123abcd"
    assert "Not cleared" in kept["notice"]
    import SimpleITK as sitk

    array = sitk.GetArrayFromImage(sitk.ReadImage(str(out)))
    x = GRID.to_patient([(0, 0, k) for k in range(40)])[:, 0]
    assert array.shape == GRID.shape
    off = np.abs(x) > 0.1
    np.testing.assert_array_equal(array[3, 3][off] > 0, x[off] > 0)


def test_a_name_without_a_known_ending_and_the_ct_itself_are_refused(ct: Path, tmp_path: Path) -> None:
    assert cli.main(["organs", str(ct), "--out", str(tmp_path / "organs.txt"), "-q"]) == 2
    before = ct.read_bytes()
    assert cli.main(["organs", str(ct), "--out", str(ct), "-q"]) == 7
    assert ct.read_bytes() == before


@pytest.mark.parametrize(
    ("out", "names"),
    [("a.nii.gz", "a.json"), ("b.c.NII", "b.c.json"), ("ü d.nrrd", "ü d.json"), ("e.mha", "e.json")],
)
def test_the_names_lie_beside_under_the_same_name(out: str, names: str) -> None:
    assert names_path(Path("folder") / out) == Path("folder") / names
