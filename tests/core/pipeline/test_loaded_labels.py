"""Labels from elsewhere become bone, nerve and organs of a CT; what they mean is never guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from label_maker import (
    BONE_HU,
    SPACING,
    as_dicom,
    described,
    drawn,
    masks,
    outline_of,
    truth,
    write_nifti,
    write_rtstruct,
    write_seg,
    write_seg_nrrd,
)
from pydicom.sr.codedict import codes
from scipy.spatial.transform import Rotation

from spinect_core import cli
from spinect_core.base.errors import ReadingError, SpatialError, UsageError
from spinect_core.base.words import LabelFormat, Numbering, Tissue
from spinect_core.image.organs import NUMBERS, Organ
from spinect_core.image.region import Region
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.dicom_out.segmentation import Origin, segmentation
from spinect_core.io.dicom_out.study import Study
from spinect_core.io.reading import ReadOptions, list_series, read_labels
from spinect_core.io.reading.label_check import check_whole
from spinect_core.io.reading.label_names import KNOWN, NUMBERED, Left, known_meaning, meaning_of
from spinect_core.io.reading.label_sets import LabelOptions, read_label_set
from spinect_core.io.reading.organ_names import V2, plain_class
from spinect_core.io.writing import write_labels, write_volume
from spinect_core.pipeline import plan_case as job
from spinect_core.pipeline.loaded_labels import load_labels
from spinect_core.plan.label_wording import labels_words

BOTH = {"#1": Tissue.BONE, "#2": Tissue.NERVE}
SIDED = [
    {"Name": "hip_left", "LabelValue": 1, "Layer": 0},
    {"Name": "hip_right", "LabelValue": 2, "Layer": 0},
    {"Name": "vertebrae_L5", "LabelValue": 3, "Layer": 0},
]


def named(path: Path, array: np.ndarray, grid: Geometry, names: list[str]) -> Path:
    keys = [{"Name": name, "LabelValue": place, "Layer": 0} for place, name in enumerate(names, start=1)]
    return write_seg_nrrd(path, [array], grid, keys)


def test_known_names_need_no_word_of_the_user(tmp_path: Path) -> None:
    volume, of = drawn(), masks()
    path = named(
        tmp_path / "s.seg.nrrd",
        truth() + 3 * of["bowel"],
        volume.geometry,
        ["Vertebrae L5", "nerve", "colon"],
    )
    loaded = load_labels(path, volume)
    assert np.array_equal(loaded.labels.array, truth())
    assert loaded.labels.geometry.same_grid(volume.geometry)
    assert loaded.organs is not None
    assert np.array_equal(loaded.organs.array == NUMBERS[Organ.BOWEL], of["bowel"])
    assert loaded.organs.looked_for == ()  # the colon alone is not all bowel
    assert [(each.name, each.meaning) for each in loaded.run.segments] == [
        ("vertebrae_l5", "bone"),
        ("nerve", "nerve"),
        ("colon", "bowel"),
    ]
    assert loaded.run.labels_from == LabelFormat.SLICER
    assert labels_words({"labels_from": "seg.nrrd"}) == "labels from a segmentation of 3D Slicer"
    points = loaded.labels_1mm.geometry.to_patient(np.argwhere(loaded.labels_1mm.array == 2))
    index = np.floor(volume.geometry.to_index(points) + 0.5).astype(int)
    assert of["nerve"][tuple(index.T)].all()
    assert loaded.labels_1mm.geometry.spacing == (1.0, 1.0, 1.0)


def test_discs_alone_do_not_stand_in_place_of_the_organs_to_spare(tmp_path: Path) -> None:
    volume, of = drawn(), masks()
    array = truth() + 3 * of["bowel"]
    path = named(tmp_path / "s.seg.nrrd", array, volume.geometry, ["bone", "nerve", "vertebra_disc"])
    loaded = load_labels(path, volume)
    assert loaded.organs is None
    assert loaded.run.notes == (
        "Of organs the labels hold disc alone, nothing that a needle has to spare: they were not used.",
    )


def test_unknown_names_are_asked_for_and_not_guessed(tmp_path: Path) -> None:
    volume = drawn()
    path = named(tmp_path / "s.seg.nrrd", truth(), volume.geometry, ["L5 vertebra", "spinal_canal"])
    with pytest.raises(UsageError, match=r"not known: #0 'L5 vertebra', #1 'spinal_canal'") as caught:
        load_labels(path, volume)
    assert caught.value.parameter == "map"
    with pytest.raises(UsageError, match="not known: #1 'spinal_canal'"):
        load_labels(path, volume, {"L5 vertebra": Tissue.BONE})
    loaded = load_labels(path, volume, {"L5 vertebra": Tissue.BONE, "#1": Tissue.NERVE})
    assert np.array_equal(loaded.labels.array, truth())
    assert [each.name for each in loaded.run.segments] == ["", ""]  # free text is nobody's business
    with pytest.raises(UsageError, match="There is no segment 'L4'"):
        load_labels(path, volume, {"L4": Tissue.BONE})
    with pytest.raises(ReadingError, match="No segment is bone"):
        load_labels(path, volume, {"#0": Left.OUT, "#1": Tissue.NERVE})


def test_numbers_alone_mean_nothing_until_somebody_says_whose_they_are(tmp_path: Path) -> None:
    volume = drawn()
    path = write_nifti(tmp_path / "l.nii.gz", truth(), volume.geometry)
    with pytest.raises(UsageError, match="not known: #1, #2"):
        load_labels(path, volume)
    loaded = load_labels(path, volume, options=LabelOptions(Numbering.OWN))
    assert np.array_equal(loaded.labels.array, truth())
    assert np.array_equal(load_labels(path, volume, BOTH).labels.array, truth())


def test_a_code_that_contradicts_the_name_is_asked_for() -> None:
    assert known_meaning("anything", "bone") == Tissue.BONE
    assert known_meaning("Nerve", "nerve") == Tissue.NERVE
    assert known_meaning("nerve", "bone") is None
    assert known_meaning("spinal_cord") is None


def test_vocabularies_agree_with_what_organs_are_read_by() -> None:
    total = NUMBERED[Numbering.TOTALSEGMENTATOR_2]
    assert len(total) == 117
    assert all(total[number] == name for number, name in V2.items())
    assert len(NUMBERED[Numbering.TOTALSEGMENTATOR_1]) == 104
    assert NUMBERED[Numbering.TOTALSEGMENTATOR_1][92] == "sacrum"
    assert NUMBERED[Numbering.TOTALSPINESEG][95] == "disc_L4_L5"
    assert NUMBERED[Numbering.SPINEPS_VERTEBRAE][24] == "vertebrae_L5"
    for table in NUMBERED.values():
        unknown = {name for name in table.values() if plain_class(name) not in KNOWN}
        assert unknown <= {"spinal_cord", "spinal_canal", "Spinal_Cord", "Spinal_Canal", "Endplate"}
    assert meaning_of("left kidney") == meaning_of("kidney_left") == Organ.KIDNEY_LEFT
    assert meaning_of(" Out ") == Left.OUT
    with pytest.raises(UsageError, match="nothing called 'spine'"):
        meaning_of("spine")


def test_bone_and_nerve_in_one_place_are_nerve_and_told(tmp_path: Path) -> None:
    volume, of = drawn(), masks()
    wide = of["nerve"] | (np.roll(of["nerve"], 5, axis=2) & of["bone"])
    keys = [{"Name": name, "LabelValue": 1, "Layer": layer} for layer, name in enumerate(("bone", "nerve"))]
    path = write_seg_nrrd(tmp_path / "s.seg.nrrd", [of["bone"], wide], volume.geometry, keys)
    loaded = load_labels(path, volume)
    assert np.array_equal(loaded.labels.array == 2, wide)
    both = np.count_nonzero(wide & of["bone"]) * np.prod(SPACING) / 1000
    assert any(
        f"{both:.2f} ml are labelled bone and nerve at once" in each.text for each in loaded.labels.warnings
    )


# ------------------------------------------------------------------------------------------- labels that are of another


def moved(by: tuple[float, float, float]) -> Geometry:
    grid = drawn().geometry
    return replace(grid, origin=tuple(np.add(grid.origin, by)))


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ((10.0, 0.0, 0.0), "moved by 10 mm to the right"),
        ((0.0, -10.0, 0.0), "moved by 10 mm to the back"),
        ((900.0, 0.0, 0.0), "do not lie over this CT"),
    ],
)
def test_labels_that_lie_elsewhere_are_refused(
    tmp_path: Path, by: tuple[float, float, float], why: str
) -> None:
    path = write_nifti(tmp_path / "l.nii.gz", truth(), moved(by))
    with pytest.raises(SpatialError, match=why):
        load_labels(path, drawn(), BOTH)


@pytest.mark.parametrize(("axis", "word"), [(2, "left for right"), (1, "front for back")])
def test_mirrored_labels_are_refused(tmp_path: Path, axis: int, word: str) -> None:
    path = write_nifti(tmp_path / "l.nii.gz", np.flip(truth(), axis), drawn().geometry)
    with pytest.raises(SpatialError, match=f"mirrored, {word}"):
        load_labels(path, drawn(), BOTH)


def test_labels_of_a_ct_without_that_bone_are_refused(tmp_path: Path) -> None:
    volume = drawn()
    noise = np.random.default_rng(1).normal(0, 100, volume.array.shape).astype(np.int16)
    path = write_nifti(tmp_path / "l.nii.gz", truth(), volume.geometry)
    with pytest.raises(ReadingError, match="not of this CT"):
        load_labels(path, replace(volume, array=noise), BOTH)


def test_bone_that_the_labels_lack_is_no_gap_to_plan_through() -> None:
    """What is dense among the labels and not labelled would be no obstacle."""
    grid = Geometry((60, 60, 60), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    labels = np.zeros(grid.shape, np.uint8)
    labels[5:55, 5:12, 5:55] = labels[5:55, 48:55, 5:55] = 1
    hu = np.where(labels == 1, 500, 40).astype(np.int16)
    assert check_whole(labels, Volume(hu, grid, ""), "x") == ()
    assert check_whole(np.zeros_like(labels), Volume(hu, grid, ""), "x") == ()
    hu[20:40, 20:32, 20:40] = 400  # 4.8 ml
    (warning,) = check_whole(labels, Volume(hu, grid, ""), "x")
    assert warning.grave
    assert "as dense as bone and not labelled" in warning.text
    hu[20:40, 20:42, 20:40] = 400  # 8.8 ml
    with pytest.raises(ReadingError, match="Bone is missing from the labels: 9 ml"):
        check_whole(labels, Volume(hu, grid, ""), "x")
    labels[20:40, 20:42, 20:40] = 1
    assert check_whole(labels, Volume(hu, grid, ""), "x") == ()
    hu[20:40, 20:42, 20:40] = 3000  # metal is known by its density
    labels[20:40, 20:42, 20:40] = 0
    assert check_whole(labels, Volume(hu, grid, ""), "x") == ()


def test_left_is_not_taken_for_right(tmp_path: Path) -> None:
    volume = drawn()
    x = np.indices(volume.array.shape)[2]
    left = np.where(x > 28, 1, np.where(x < 16, 2, 3)) * masks()["bone"]
    right_way = write_seg_nrrd(tmp_path / "a.seg.nrrd", [left], volume.geometry, SIDED)
    assert np.array_equal(load_labels(right_way, volume).labels.array, masks()["bone"])
    swapped = np.where(left == 1, 2, np.where(left == 2, 1, left))
    wrong_way = write_seg_nrrd(tmp_path / "b.seg.nrrd", [swapped], volume.geometry, SIDED)
    with pytest.raises(SpatialError, match="the left hip lies to the right of the right one"):
        load_labels(wrong_way, volume)


def test_what_lies_beyond_ct_and_region_is_cut_and_told(tmp_path: Path) -> None:
    whole = drawn()
    grid = whole.geometry
    part = Volume(
        np.ascontiguousarray(whole.array[4:]),
        Geometry((12, *grid.shape[1:]), SPACING, tuple(grid.to_patient((4, 0, 0)))),
    )
    path = write_nifti(tmp_path / "l.nii.gz", truth(), grid)
    loaded = load_labels(path, part, BOTH)
    assert np.array_equal(loaded.labels.array, truth()[4:])
    assert any("lie beyond the CT and were cut" in each.text for each in loaded.labels.warnings)
    low, high = grid.to_patient((6.6, -1, -1)), grid.to_patient((10.4, 99, 99))
    loaded = load_labels(path, whole, BOTH, region=Region(tuple(low), tuple(high)))
    wanted = truth()
    wanted[:6] = wanted[12:] = 0
    assert np.array_equal(loaded.labels.array[7:11], wanted[7:11])
    assert not loaded.labels.array[:6].any()
    assert not loaded.labels.array[12:].any()
    assert "beyond the region" in loaded.run.notes[0]
    assert not loaded.labels.warnings


def test_other_voxel_sizes_are_told(tmp_path: Path) -> None:
    volume = drawn()
    grid = volume.geometry
    fine = truth().repeat(2, 0).repeat(2, 1).repeat(2, 2)
    there = Geometry(fine.shape, tuple(s / 2 for s in SPACING), tuple(grid.to_patient(np.full(3, -0.25))))
    path = write_nifti(tmp_path / "l.nii.gz", fine, there)
    loaded = load_labels(path, volume, BOTH)
    assert np.array_equal(loaded.labels.array, truth())
    assert any("finer than the CT" in each.text for each in loaded.labels.warnings)
    thick = Volume(
        volume.array.repeat(2, 0),
        Geometry((32, *grid.shape[1:]), (1.2, 1.3, 1.0), tuple(grid.to_patient((-0.25, 0, 0)))),
    )
    path = write_nifti(tmp_path / "l.nii.gz", truth(), grid)
    loaded = load_labels(path, thick, BOTH)
    assert np.array_equal(loaded.labels.array, truth().repeat(2, 0))
    assert any("coarser than the CT" in each.text for each in loaded.labels.warnings)
    assert not any("finer" in each.text for each in loaded.labels.warnings)


def test_finer_within_slices_and_coarser_across_them_are_both_told(tmp_path: Path) -> None:
    volume = drawn()
    grid = volume.geometry
    array = truth()[::2].repeat(2, 1).repeat(2, 2)
    z, y, x = (spacing * times for spacing, times in zip(SPACING[::-1], (2, 0.5, 0.5), strict=True))
    there = Geometry(array.shape, (x, y, z), tuple(grid.to_patient((0.0, -0.25, -0.25))))
    loaded = load_labels(write_nifti(tmp_path / "l.nii.gz", array, there), volume, BOTH)
    assert [each.text.split(" than ")[0] for each in loaded.labels.warnings] == [
        "The labels are finer",
        "The labels are coarser",
    ]


def test_contrast_medium_in_what_is_called_nerve_is_doubted(tmp_path: Path) -> None:
    volume = drawn()
    bright = volume.array.copy()
    bright[masks()["nerve"]] = BONE_HU - 100
    path = write_nifti(tmp_path / "l.nii.gz", truth(), volume.geometry)
    loaded = load_labels(path, replace(volume, array=bright), BOTH)
    assert [each.grave for each in loaded.labels.warnings] == [True]
    assert "density of nerve" in loaded.labels.warnings[0].text


def test_a_structure_that_cannot_be_used_stops_only_who_takes_it(tmp_path: Path) -> None:
    volume = as_dicom(drawn(), tmp_path / "ct")
    grid = volume.geometry
    every = {
        name: [each for z in range(16) for each in outline_of(masks()[name][z], grid, z)]
        for name in ("bone", "nerve")
    }
    rois = [
        ("bone", "CLOSED_PLANAR", every["bone"]),
        ("nerve", "CLOSED_PLANAR", every["nerve"]),
        ("isocentre", "POINT", [grid.to_patient([(3, 4, 5)])]),
    ]
    path = write_rtstruct(tmp_path / "r.dcm", tmp_path / "ct", rois)
    loaded = load_labels(path, volume, {"isocentre": Left.OUT})
    assert np.array_equal(loaded.labels.array, truth())
    with pytest.raises(ReadingError, match="'isocentre' cannot be used: it holds points alone"):
        load_labels(path, volume, {"isocentre": Tissue.BONE})


# ----------------------------------------------------------------------------------------------------------- round trip


def test_our_own_segmentation_comes_back_with_dice_1(tmp_path: Path) -> None:
    volume = as_dicom(drawn(), tmp_path / "ct")
    options = ReadOptions(assume_hu=True)
    study = Study.of(list_series(tmp_path / "ct", options=options)[0], volume, "2026-01-01T00:00:00")
    path = tmp_path / "segmentation.dcm"
    path.write_bytes(
        segmentation(Labels(truth(), volume.geometry), study, Origin(known=False), made_from="test")
    )
    loaded = load_labels(path, volume)
    assert np.array_equal(loaded.labels.array, truth())
    assert not loaded.labels.warnings
    assert [each.meaning for each in loaded.run.segments] == ["bone", "nerve"]


@pytest.mark.parametrize("turn", [0.0, 20.0])
def test_our_own_file_for_slicer_comes_back_with_its_names(tmp_path: Path, turn: float) -> None:
    volume = drawn(Rotation.from_euler("z", turn, degrees=True).as_matrix())
    path = write_labels(Labels(truth(), volume.geometry), tmp_path / "labels.seg.nrrd")
    loaded = load_labels(path, volume)
    assert np.array_equal(loaded.labels.array, truth())
    assert loaded.labels.geometry.same_grid(volume.geometry)
    assert [(each.name, each.meaning) for each in loaded.run.segments] == [
        ("bone", "bone"),
        ("nerve", "nerve"),
    ]
    head = path.read_bytes()[:3000].decode("utf-8", "replace")
    z, y, x = np.nonzero(masks()["bone"])
    assert f"Segment0_Extent:={x.min()} {x.max()} {y.min()} {y.max()} {z.min()} {z.max()}\n" in head
    assert "Segment0_Color:=0.925490 0.886275 0.796078\n" in head
    assert np.array_equal(read_labels(path).array, truth())  # and it is labels to every other reader too


def test_organs_for_slicer_have_their_own_names(tmp_path: Path) -> None:
    volume = drawn()
    path = write_labels(Labels(truth(), volume.geometry), tmp_path / "o.seg.nrrd", {1: "bowel", 5: "aorta"})
    found = read_label_set(path, volume)
    assert [each.name for each in found.segments] == ["bowel", "label 2", "aorta"]


def test_codes_of_dicom_tell_what_free_labels_do_not(tmp_path: Path) -> None:
    volume = as_dicom(drawn(), tmp_path / "ct")
    pixels = np.stack([masks()["bone"], masks()["nerve"]], axis=-1).astype(np.uint8)
    parts = [described(1, "Segment A", codes.SCT.Bone), described(2, "Segment B", codes.SCT.Nerve)]
    path = write_seg(tmp_path / "s.dcm", tmp_path / "ct", pixels, parts)
    assert np.array_equal(load_labels(path, volume).labels.array, truth())


# --------------------------------------------------------------------------------------------------------- command line


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    volume = drawn()
    write_volume(volume, tmp_path / "ct.nii.gz")
    write_nifti(tmp_path / "labels.nii.gz", truth(), volume.geometry)
    return str(tmp_path / "ct.nii.gz"), str(tmp_path / "labels.nii.gz")


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ([], 2, "What these segments are is not known: #1, #2"),
        (["--map", "#1=bone"], 2, "not known: #2"),
        (["--map", "1=bones"], 2, "There is nothing called 'bones'"),
        (["--map", "1"], 2, "--map: '1' names no segment"),
        (["--map", "1=bone", "--map", "1=nerve"], 2, "given twice"),
        (["--fraction", "1.5"], 2, "--fraction: 1.5 is no part"),
        (["--numbers", "totalsegmentator-2"], 3, "No segment is bone"),
        (["--numbers", "nobody"], 2, "invalid choice"),
    ],
)
def test_the_command_line_says_what_is_missing(
    files: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    code: int,
    said: str,
) -> None:
    ct, labels = files
    words = ["plan", ct, "--assume-hu", "--labels", labels, "--out", str(tmp_path / "o"), "-q", *more]
    assert cli.main(words) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "o" / "plan.json").exists()


def test_words_about_labels_need_labels(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", files[0], "--out", "o", "--map", "1=bone"]) == 2
    assert "--map: There are no labels" in capsys.readouterr().err


def test_a_plan_on_labels_says_where_they_came_from(
    files: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job, "draw_pictures", lambda *_, **__: ((), ()))
    monkeypatch.setattr(job, "plan_approaches", lambda *_, **__: (None, ("no level",)))
    ct, labels = files
    out = tmp_path / "o"
    words = ["plan", ct, "--assume-hu", "--labels", labels, "--numbers", "spinect", "--no-organ-network"]
    assert cli.main([*words, "--out", str(out), "-q"]) == 0
    assert "ran       labels from a NIfTI file" in capsys.readouterr().out
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert plan["run"]["labels_from"] == "nifti"
    assert len(plan["run"]["labels_sha256"]) == 64
    assert plan["run"]["segments"][0] == {"number": 1, "name": "bone", "meaning": "bone"}
    assert labels not in json.dumps(plan)
    assert "labels.nii.gz" in plan["files"].values()
