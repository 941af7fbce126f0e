"""Masks of another program on a CT drawn by hand: taken as they are meant, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.image.organs import NUMBERS, Organ
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import read_organs
from spinect_core.io.reading.organ_names import fully_looked_for

GRID = Geometry((50, 60, 80), (3.0, 3.0, 3.0), (-120.0, -90.0, -400.0))
Z, Y, X = np.meshgrid(
    *(GRID.origin[2 - a] + 3.0 * np.arange(n) for a, n in enumerate(GRID.shape)), indexing="ij"
)
HU = {
    "liver": 60,
    "kidney_left": 30,
    "kidney_right": 30,
    "aorta": 45,
    "iliopsoas_left": 55,
    "iliopsoas_right": 55,
}
HU |= {"vertebrae_L5": 300, "colon": -700, "small_bowel": 10, "urinary_bladder": 5}
V2 = {
    "liver": 5,
    "kidney_left": 3,
    "kidney_right": 2,
    "aorta": 52,
    "iliopsoas_left": 88,
    "iliopsoas_right": 89,
}
V2 |= {"vertebrae_L5": 27, "colon": 20, "small_bowel": 18, "urinary_bladder": 21}


def box(x: float, y: float, z: float, half: tuple[float, float, float]) -> np.ndarray:
    return (abs(X - x) < half[0]) & (abs(Y - y) < half[1]) & (abs(Z - z) < half[2])


SHAPES = {
    "liver": box(-70, -20, -290, (30, 30, 30)),
    "kidney_left": box(60, 20, -300, (18, 15, 25)),
    "kidney_right": box(-55, 42, -315, (18, 15, 25)),
    "aorta": box(8, -10, -330, (8, 8, 60)),
    "iliopsoas_left": box(45, 20, -370, (15, 15, 28)),
    "iliopsoas_right": box(-45, 10, -372, (15, 12, 24)),
    "vertebrae_L5": box(0, 25, -340, (18, 25, 30)),
    "colon": box(80, -40, -350, (15, 15, 40)),
    "small_bowel": box(0, -55, -340, (45, 20, 40)),
    "urinary_bladder": box(5, -40, -392, (20, 15, 8)),
}


def ct() -> Volume:
    hu = np.full(GRID.shape, -100, dtype=np.int16)
    for name, mask in SHAPES.items():
        hu[mask] = HU[name]
    hu[np.hypot(X / 118.0, Y / 88.0) > 1] = -1000
    return Volume(hu, GRID)


def numbered(names: dict[str, int] = V2) -> np.ndarray:
    array = np.zeros(GRID.shape, dtype=np.uint8)
    for name, number in names.items():
        array[SHAPES[name]] = number
    return array


def affine(grid: Geometry = GRID) -> np.ndarray:
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.index_to_patient


def write(
    path: Path, array: np.ndarray, named: dict[str, int] | None = None, matrix: np.ndarray | None = None
) -> Path:
    image = nibabel.Nifti1Image(array.T.copy(), affine() if matrix is None else matrix)
    if named:
        labels = "\n".join(
            f'<Label Key="{number}" Red="0.0" Green="1.0" Blue="0.0" Alpha="1"><![CDATA[{name}]]></Label>'
            for name, number in named.items()
        )
        text = f'<?xml version="1.0"?> <CaretExtension><LabelTable>\n{labels}\n</LabelTable></CaretExtension>'
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, text.encode()))
    nibabel.save(image, path)
    return path


def test_a_file_with_names_is_taken_by_them_whatever_its_numbers(tmp_path: Path) -> None:
    other = {name: number for number, name in enumerate(V2, start=40)}
    organs = read_organs(write(tmp_path / "masks.nii.gz", numbered(other), other), ct())
    assert organs.warnings == ()
    for name, organ in (("kidney_left", Organ.KIDNEY_LEFT), ("colon", Organ.BOWEL), ("liver", Organ.OTHER)):
        centre = np.array([[float(axis[SHAPES[name]].mean()) for axis in (X, Y, Z)]])
        assert organs.at(centre)[0] == NUMBERS[organ]
    assert not organs.mask([organ for organ in Organ if organ not in organs.looked_for]).any()
    assert set(organs.looked_for) == {
        Organ.BOWEL,
        Organ.KIDNEY_LEFT,
        Organ.KIDNEY_RIGHT,
        Organ.AORTA,
        Organ.BLADDER,
        Organ.OTHER,
        Organ.ILIOPSOAS_LEFT,
        Organ.ILIOPSOAS_RIGHT,
    }
    assert len(organs.checksum) == 64
    assert "masks.nii" not in organs.source  # names of files may be those of patients


def test_an_axis_that_runs_the_other_way_changes_nothing(tmp_path: Path) -> None:
    whole = affine()
    turned = whole @ np.diag([-1.0, 1.0, 1.0, 1.0])
    turned[:3, 3] = (whole @ [GRID.shape[2] - 1, 0, 0, 1])[:3]
    plain = read_organs(write(tmp_path / "a.nii.gz", numbered(), V2), ct())
    same = read_organs(write(tmp_path / "b.nii.gz", numbered()[..., ::-1], V2, turned), ct())
    points = np.random.default_rng(1).uniform((-110, -80, -395), (110, 80, -255), (500, 3))
    assert np.array_equal(plain.at(points), same.at(points))


def test_numbers_without_names_are_taken_where_they_tell_the_version(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match=r"does not name its classes.*versions 1 and 2"):
        read_organs(write(tmp_path / "plain.nii.gz", numbered()), ct())
    array = numbered()
    array[box(-60, -60, -270, (6, 6, 6))] = 117  # costal cartilages, which version 1 does not have
    organs = read_organs(write(tmp_path / "v2.nii.gz", array), ct())
    assert Organ.BOWEL in organs.looked_for
    assert Organ.PROSTATE in organs.looked_for  # looked for, and not found
    assert organs.found.count(Organ.PROSTATE) == 0


def test_a_number_that_the_names_do_not_hold_is_refused(tmp_path: Path) -> None:
    array = numbered()
    array[0, 0, 0] = 99
    with pytest.raises(ReadingError, match="names do not say what its numbers 99 are"):
        read_organs(write(tmp_path / "m.nii.gz", array, V2), ct())


def test_a_folder_of_masks_is_named_by_its_files(tmp_path: Path) -> None:
    for name, mask in SHAPES.items():
        write(tmp_path / f"{name}.nii.gz", mask.astype(np.uint8))
    write(tmp_path / "ct.nii.gz", ct().array)
    organs = read_organs(tmp_path, ct())
    assert Organ.BOWEL in organs.looked_for
    assert int(organs.mask([Organ.KIDNEY_RIGHT]).sum()) == int(SHAPES["kidney_right"].sum())
    (tmp_path / "small_bowel.nii.gz").unlink()
    assert Organ.BOWEL not in read_organs(tmp_path, ct()).looked_for
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "lung.nii.gz", SHAPES["aorta"].astype(np.uint8))
    with pytest.raises(ReadingError, match="None of the 1 files is called like an organ"):
        read_organs(tmp_path / "other", ct())


def test_masks_that_do_not_lie_on_one_grid_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "colon.nii.gz", SHAPES["colon"].astype(np.uint8))
    moved = affine()
    moved[0, 3] += 3.0
    write(tmp_path / "small_bowel.nii.gz", SHAPES["small_bowel"].astype(np.uint8), None, moved)
    with pytest.raises(SpatialError, match="not lie on one grid"):
        read_organs(tmp_path, ct())


@pytest.mark.parametrize(
    ("axis", "words"), [(2, "left for right"), (1, "front for back"), (0, "head for feet")]
)
def test_mirrored_masks_are_refused_by_name(tmp_path: Path, axis: int, words: str) -> None:
    names = {name: number for name, number in V2.items() if not name.endswith(("left", "right"))}
    with pytest.raises(SpatialError, match=f"mirrored, {words}"):
        read_organs(write(tmp_path / "m.nii.gz", np.flip(numbered(names), axis), names), ct())


def test_swapped_names_of_sides_are_refused(tmp_path: Path) -> None:
    swapped = {
        "kidney_left": V2["kidney_right"],
        "kidney_right": V2["kidney_left"],
        "liver": V2["liver"],
        "aorta": V2["aorta"],
    }
    with pytest.raises(SpatialError, match="left kidney lies to the right"):
        read_organs(
            write(
                tmp_path / "m.nii.gz",
                numbered() * np.isin(numbered(), list(swapped.values())),
                swapped,
            ),
            ct(),
        )


def test_masks_of_another_ct_are_refused(tmp_path: Path) -> None:
    away = affine()
    away[2, 3] += 500.0
    with pytest.raises(SpatialError, match=r"do not lie over this CT: 0% .* the CT -402 to -252 mm"):
        read_organs(write(tmp_path / "away.nii.gz", numbered(), V2, away), ct())
    beside = affine()
    beside[0, 3] += 24.0
    with pytest.raises(ReadingError, match="are not of this CT"):
        read_organs(write(tmp_path / "beside.nii.gz", numbered(), V2, beside), ct())


def test_masks_that_cannot_be_compared_are_taken_with_a_warning(tmp_path: Path) -> None:
    some = {name: V2[name] for name in ("colon", "small_bowel")}
    organs = read_organs(write(tmp_path / "m.nii.gz", numbered(some), some), ct())
    assert organs.looked_for == (Organ.BOWEL,)
    (warning,) = organs.warnings
    assert warning.grave
    assert "Too few of the organ masks" in warning.text


def test_masks_on_another_grid_are_taken_where_they_lie(tmp_path: Path) -> None:
    coarse = affine() @ np.diag([1.0, 1.0, 2.0, 1.0])
    organs = read_organs(write(tmp_path / "m.nii.gz", numbered()[::2], V2, coarse), ct())
    centre = np.array([[float(axis[SHAPES["kidney_left"]].mean()) for axis in (X, Y, Z)]])
    assert organs.at(centre)[0] == NUMBERS[Organ.KIDNEY_LEFT]


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"\x1f\x8b broken"])
def test_what_is_no_mask_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "m.nii.gz"
    file.write_bytes(content)
    with pytest.raises(ReadingError):
        read_organs(file, ct())
    with pytest.raises(ReadingError, match="no such file"):
        read_organs(tmp_path / "none.nii.gz", ct())


def test_bowel_is_looked_for_where_both_of_its_parts_are() -> None:
    assert fully_looked_for(["colon"]) == ()
    assert fully_looked_for(["colon", "Small Bowel"]) == (Organ.BOWEL,)
    assert fully_looked_for(["bowel", "kidney_left"]) == (Organ.BOWEL, Organ.KIDNEY_LEFT)
