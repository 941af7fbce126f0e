"""Labels of every format lie where they were drawn, under their names; what is not sure is refused with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from label_maker import (
    as_dicom,
    described,
    drawn,
    masks,
    outline_of,
    truth,
    turned,
    write_nifti,
    write_rtstruct,
    write_seg,
    write_seg_nrrd,
)
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.base.words import LabelFormat, Numbering
from spinect_core.image.nearest import on_grid
from spinect_core.image.volume import Geometry, Labels, Volume
from spinect_core.io.reading.label_layers import LabelSet
from spinect_core.io.reading.label_sets import LabelOptions, read_label_set
from spinect_core.io.writing import write_labels, write_volume

OBLIQUE = Rotation.from_euler("xyz", [9, -6, 20], degrees=True).as_matrix()
NAMES = ("bone", "nerve", "bowel")


def mask_of(found: LabelSet, name: str, grid: Geometry) -> np.ndarray:
    """Where a segment lies on a CT."""
    places = [int(each.name == name) for each in found.segments]
    assert sum(places) == 1
    return on_grid(found.numbered(places), found.geometry, grid) > 0


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True)])
def test_numbers_on_turned_axes_lie_where_they_were(
    tmp_path: Path, suffix: str, flips: tuple[bool, ...]
) -> None:
    volume = drawn(OBLIQUE)
    stored = turned(Volume(truth(), volume.geometry), (2, 0, 1), flips)
    path = tmp_path / f"labels{suffix}"
    write_labels(Labels(stored.array, stored.geometry), path)
    found = read_label_set(path, volume)
    assert [(each.number, each.name) for each in found.segments] == [(1, "1"), (2, "2")]
    assert np.array_equal(mask_of(found, "1", volume.geometry), masks()["bone"])
    assert np.array_equal(mask_of(found, "2", volume.geometry), masks()["nerve"])


def test_numbers_have_the_names_of_the_program_that_the_user_names(tmp_path: Path) -> None:
    volume = drawn()
    path = write_nifti(
        tmp_path / "l.nii.gz", np.where(truth() == 1, 45, truth()).astype(np.uint8), volume.geometry
    )
    found = read_label_set(path, volume, LabelOptions(Numbering.TOTALSPINESEG))
    assert [each.name for each in found.segments] == ["spinal_canal", "vertebrae_L5"]
    found = read_label_set(path, volume, LabelOptions(Numbering.SPINEPS_SPINE.TOTALSEGMENTATOR_1))
    assert [each.name for each in found.segments] == ["kidney_right", "heart_atrium_left"]
    with pytest.raises(ReadingError, match="numbers that spineps-spine does not have: 2"):
        read_label_set(path, volume, LabelOptions(Numbering.SPINEPS_SPINE))


def test_a_folder_of_masks_has_the_names_of_its_files(tmp_path: Path) -> None:
    volume = drawn()
    for name, mask in masks().items():
        write_volume(Volume(mask.astype(np.int16), volume.geometry), tmp_path / "m" / f"{name}.nii.gz")
    found = read_label_set(tmp_path / "m", volume)
    assert found.form == LabelFormat.FOLDER
    for name in NAMES:
        assert np.array_equal(mask_of(found, name, volume.geometry), masks()[name])


# ------------------------------------------------------------------------------------------------------------ .seg.nrrd


def test_slicers_overlapping_segments_are_told_apart_by_layer_and_number(tmp_path: Path) -> None:
    volume, of = drawn(OBLIQUE), masks()
    wide = np.roll(of["nerve"], 5, axis=2) | of["nerve"]  # lies over bone
    layers = [of["bone"] * 7 + of["bowel"] * 3, wide * 7]
    segments = [
        {"ID": "a", "Name": "bone", "LabelValue": 7, "Layer": 0, "Extent": "0 9 0 9 0 9"},
        {"ID": "b", "Name": "Wurzeln \u00e4 = 5", "LabelValue": 7, "Layer": 1},
        {"ID": "c", "Name": "bowel", "LabelValue": 3, "Layer": 0},
    ]
    path = write_seg_nrrd(tmp_path / "s.seg.nrrd", layers, volume.geometry, segments)
    found = read_label_set(path, volume)
    assert found.form == LabelFormat.SLICER
    assert [each.name for each in found.segments] == ["bone", "Wurzeln \u00e4 = 5", "bowel"]
    assert (wide & of["bone"]).any()
    for name, mask in (("bone", of["bone"]), ("Wurzeln \u00e4 = 5", wide), ("bowel", of["bowel"])):
        assert np.array_equal(mask_of(found, name, volume.geometry), mask)


def test_a_cropped_segmentation_lies_where_its_origin_says_whatever_its_extent(tmp_path: Path) -> None:
    volume, of = drawn(OBLIQUE), masks()
    box = (slice(1, 15), slice(10, 42), slice(6, 48))
    part = Geometry(
        (14, 32, 42),
        volume.geometry.spacing,
        tuple(volume.geometry.to_patient((1, 10, 6))),
        volume.geometry.direction,
    )
    for offset in ("6 10 1", "-3 0 7"):
        path = write_seg_nrrd(
            tmp_path / "s.seg.nrrd",
            [of["bone"][box]],
            part,
            [{"Name": "L5", "LabelValue": 1, "Layer": 0, "Extent": "0 3 0 3 0 3"}],
            {"Segmentation_ReferenceImageExtentOffset": offset},
        )
        found = read_label_set(path, volume)
        assert np.array_equal(mask_of(found, "L5", volume.geometry), of["bone"])


def test_codes_name_a_segment_of_slicer(tmp_path: Path) -> None:
    volume = drawn()
    tag = (
        "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical "
        "Structure~SCT^64033007^Kidney~SCT^7771000^Left~Anatomic codes - DICOM master list~^^~^^|"
    )
    segments = [
        {"Name": "Segment_1", "LabelValue": 1, "Layer": 0, "Tags": f"Segmentation.Status:inprogress|{tag}"}
    ]
    path = write_seg_nrrd(tmp_path / "s.seg.nrrd", [masks()["bowel"]], volume.geometry, segments)
    assert read_label_set(path, volume).segments[0].coded == "kidney_left"


@pytest.mark.parametrize(
    ("segments", "why"),
    [
        ([{"Name": "a", "LabelValue": 1, "Layer": 0}], "numbers that no segment describes: 2"),
        ([{"Name": "a", "LabelValue": 1, "Layer": 4}], "number 1 of layer 4"),
        ([{"Name": "a", "LabelValue": "x", "Layer": 0}], "the number 'x'"),
        ([{"Name": n, "LabelValue": 1, "Layer": 0} for n in "ab"], "Two segments have the number 1"),
    ],
)
def test_a_segmentation_whose_keys_do_not_fit_its_numbers_is_refused(
    tmp_path: Path, segments: list[dict[str, object]], why: str
) -> None:
    volume = drawn()
    path = write_seg_nrrd(tmp_path / "s.seg.nrrd", [truth()], volume.geometry, segments)
    with pytest.raises(ReadingError, match=why):
        read_label_set(path, volume)


# ------------------------------------------------------------------------------------------------------------ DICOM SEG


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Volume]:
    folder = tmp_path_factory.mktemp("ct")
    return folder, as_dicom(drawn(OBLIQUE), folder)


def pixels() -> np.ndarray:
    return np.stack([masks()[name] for name in NAMES], axis=-1)


def segments() -> list[hd.seg.SegmentDescription]:
    return [described(number, name) for number, name in enumerate(NAMES, start=1)]


def check_seg(found: LabelSet, volume: Volume) -> None:
    assert found.form == LabelFormat.DICOM_SEG
    for name in NAMES:
        assert np.array_equal(mask_of(found, name, volume.geometry), masks()[name]), name


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segments_of_dicom_lie_on_their_ct(tmp_path: Path, ct: tuple[Path, Volume], kind: str) -> None:
    folder, volume = ct
    path = write_seg(tmp_path / "s.dcm", folder, pixels().astype(np.uint8), segments(), kind)
    check_seg(read_label_set(path, volume), volume)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_frames_come_in_any_order_and_those_of_empty_slices_may_be_missing(
    tmp_path: Path, ct: tuple[Path, Volume], kind: str
) -> None:
    folder, volume = ct
    kept = [2, 5, 8, 11]  # every third slice alone: the distance of frames is not that of slices
    some = np.zeros_like(pixels())
    some[kept] = pixels()[kept]

    def shuffled(dataset: Dataset) -> None:
        frames = list(dataset.PerFrameFunctionalGroupsSequence)
        shape = (len(frames), dataset.Rows, dataset.Columns)
        if dataset.BitsAllocated == 1:
            bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
            pictures = bits[: np.prod(shape)].reshape(shape)
        else:
            pictures = np.frombuffer(dataset.PixelData, np.uint8)[: np.prod(shape)].reshape(shape)
        order = np.random.default_rng(3).permutation(len(frames))
        dataset.PerFrameFunctionalGroupsSequence = [frames[each] for each in order]
        data = pictures[order]
        raw = np.packbits(data, axis=None, bitorder="little") if dataset.BitsAllocated == 1 else data
        dataset.PixelData = raw.tobytes() + b"\0" * (raw.size % 2)
        for measures in dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence:
            if "SpacingBetweenSlices" in measures:
                del measures.SpacingBetweenSlices

    path = write_seg(
        tmp_path / "s.dcm", folder, some.astype(np.uint8), segments(), kind, shuffled, omit_empty_frames=True
    )
    found = read_label_set(path, volume)
    for number, name in enumerate(NAMES):
        assert np.array_equal(mask_of(found, name, volume.geometry), some[..., number]), name


def test_a_label_map_takes_its_padding_for_background(tmp_path: Path, ct: tuple[Path, Volume]) -> None:
    folder, volume = ct

    def padded(dataset: Dataset) -> None:
        values = np.frombuffer(dataset.PixelData, np.uint8).copy()
        values[values == 0] = 9
        dataset.PixelData, dataset.PixelPaddingValue = values.tobytes(), 9

    path = write_seg(tmp_path / "s.dcm", folder, pixels().astype(np.uint8), segments(), "LABELMAP", padded)
    check_seg(read_label_set(path, volume), volume)

    def strange(dataset: Dataset) -> None:
        padded(dataset)
        dataset.PixelPaddingValue = 0

    write_seg(path, folder, pixels().astype(np.uint8), segments(), "LABELMAP", strange)
    with pytest.raises(ReadingError, match="voxels of the segment 9, which is not described"):
        read_label_set(path, volume)


def test_segments_of_dicom_may_overlap(tmp_path: Path, ct: tuple[Path, Volume]) -> None:
    folder, volume = ct
    over = pixels()
    over[..., 1] |= np.roll(over[..., 1], 5, axis=2)
    path = write_seg(tmp_path / "s.dcm", folder, over.astype(np.uint8), segments())
    found = read_label_set(path, volume)
    assert (over[..., 0] & over[..., 1]).any()
    for number, name in enumerate(NAMES):
        assert np.array_equal(mask_of(found, name, volume.geometry), over[..., number])


@pytest.mark.parametrize(("most", "fraction", "least"), [(255, 0.5, 0.5), (100, 0.5, 0.5), (200, 0.25, 0.25)])
def test_a_fractional_segmentation_is_cut_at_the_stated_part_of_its_greatest_value(
    tmp_path: Path, ct: tuple[Path, Volume], most: int, fraction: float, least: float
) -> None:
    folder, volume = ct
    rng = np.random.default_rng(5)
    steps = rng.integers(0, 21, masks()["bone"].shape) / 20  # 0, 0.05 ... 1: multiples of all greatest values
    part = np.where(masks()["bone"], steps, 0.0)
    path = write_seg(
        tmp_path / "s.dcm",
        folder,
        part.astype(np.float32)[..., None],
        segments()[:1],
        "FRACTIONAL",
        max_fractional_value=most,
    )
    found = read_label_set(path, volume, LabelOptions(fraction=fraction))
    stored = np.around(part.astype(np.float32) * most)
    assert np.array_equal(mask_of(found, "bone", volume.geometry), stored >= least * most)
    told = [each.text for each in found.warnings]
    assert any(f"{fraction:.0%} or more were taken" in text for text in told)


@pytest.mark.parametrize(
    ("edit", "error", "why"),
    [
        (lambda d: setattr(d, "FrameOfReferenceUID", "2.25.7"), SpatialError, "another frame of reference"),
        (
            lambda d: setattr(d.ReferencedSeriesSequence[0], "SeriesInstanceUID", "2.25.8"),
            ReadingError,
            "on another series",
        ),
        (
            lambda d: setattr(d.SegmentSequence[1], "SegmentNumber", 1),
            ReadingError,
            "a segment with the number 1",
        ),
        (lambda d: setattr(d, "Rows", 4000), ReadingError, "damaged|break"),
        (lambda d: setattr(d, "PixelData", d.PixelData[:50]), ReadingError, "damaged|break"),
    ],
)
def test_segmentations_of_another_ct_or_damaged_ones_are_refused(
    tmp_path: Path,
    ct: tuple[Path, Volume],
    edit: Callable[[Dataset], None],
    error: type[ReadingError],
    why: str,
) -> None:
    folder, volume = ct
    path = write_seg(tmp_path / "s.dcm", folder, pixels().astype(np.uint8), segments(), edit=edit)
    with pytest.raises(error, match=why):
        read_label_set(path, volume)


def test_of_a_ct_that_is_no_dicom_it_is_said_that_nothing_names_it(
    tmp_path: Path, ct: tuple[Path, Volume]
) -> None:
    folder, volume = ct
    path = write_seg(tmp_path / "s.dcm", folder, pixels().astype(np.uint8), segments())
    found = read_label_set(path, replace(volume, dicom=None))
    assert "nothing but place and density" in found.warnings[0].text
    assert not read_label_set(path, volume).warnings


# ------------------------------------------------------------------------------------------------------------- RTSTRUCT


def outlines(mask: np.ndarray, grid: Geometry, slices: range | list[int] | None = None) -> list[np.ndarray]:
    chosen = range(len(mask)) if slices is None else slices
    return [each for z in chosen for each in outline_of(mask[z], grid, z)]


def test_structures_fill_their_slices_with_their_holes(tmp_path: Path, ct: tuple[Path, Volume]) -> None:
    folder, volume = ct
    rois = [(name, "CLOSED_PLANAR", outlines(masks()[name], volume.geometry)) for name in NAMES]
    found = read_label_set(write_rtstruct(tmp_path / "r.dcm", folder, rois), volume)
    assert found.form == LabelFormat.RTSTRUCT
    assert not found.warnings
    for name in NAMES:
        assert np.array_equal(mask_of(found, name, volume.geometry), masks()[name]), name


def test_a_keyhole_is_a_hole(tmp_path: Path, ct: tuple[Path, Volume]) -> None:
    folder, volume = ct
    grid = volume.geometry

    def square(low: float, high: float, z: int) -> np.ndarray:
        return np.array([(z, low, low), (z, low, high), (z, high, high), (z, high, low)])

    keyholes = []
    for z in range(3, 9):
        outer, inner = square(10.5, 30.5, z), square(15.5, 22.5, z)
        keyholes.append(
            grid.to_patient(np.concatenate([outer, outer[:1], inner[:1], inner[::-1], outer[:1]]))
        )
    path = write_rtstruct(tmp_path / "r.dcm", folder, [("ring", "CLOSED_PLANAR", keyholes)])
    wanted = np.zeros(grid.shape, bool)
    wanted[3:9, 11:31, 11:31] = True
    wanted[3:9, 16:23, 16:23] = False
    assert np.array_equal(mask_of(read_label_set(path, volume), "ring", grid), wanted)


def test_outlines_drawn_twice_count_once_and_those_that_cross_are_refused(
    tmp_path: Path, ct: tuple[Path, Volume]
) -> None:
    folder, volume = ct
    grid = volume.geometry

    def square(z: int, low: float, high: float, right: float = 0.0) -> np.ndarray:
        corners = [(z, low, low), (z, low, high), (z, high, high), (z, high, low)]
        return grid.to_patient(np.add(corners, (0, 0, right)))

    levels = range(3, 9)
    once = [square(z, 10.5, 20.5) for z in levels]
    turned = [np.roll(each[::-1], 1, axis=0) for each in once]  # the same corners from another one, backwards
    within = [square(z, 12.5, 15.5) for z in levels]
    across = [square(z, 10.5, 20.5, right=5.0) for z in levels]
    beside = [square(z, 10.5, 20.5, right=10.0) for z in levels]
    path = write_rtstruct(
        tmp_path / "r.dcm",
        folder,
        [
            ("once", "CLOSED_PLANAR", once),
            ("twice", "CLOSED_PLANAR", once + turned),
            ("hole", "CLOSED_PLANAR", once + within),
            ("across", "CLOSED_PLANAR", once + across),
            ("beside", "CLOSED_PLANAR", once + beside),
        ],
    )
    found = read_label_set(path, volume)
    mask = {name: mask_of(found, name, grid) for name in ("once", "twice", "hole", "across", "beside")}
    assert np.count_nonzero(mask["once"]) == 6 * 100
    assert np.array_equal(mask["twice"], mask["once"])
    assert np.count_nonzero(mask["hole"]) == 6 * (100 - 9)
    assert np.count_nonzero(mask["beside"]) == 6 * 200  # a common edge is no crossing
    faults = {each.name: each.fault for each in found.segments}
    assert "outlines of it cross" in faults["across"]
    assert not mask["across"].any()
    assert not any(faults[name] for name in mask if name != "across")


def test_structures_that_are_no_outlines_of_every_slice_say_so(
    tmp_path: Path, ct: tuple[Path, Volume]
) -> None:
    folder, volume = ct
    grid, bone = volume.geometry, masks()["bone"]
    between = [each + grid.direction[:, 2] * grid.spacing[2] / 2 for each in outlines(bone, grid)]
    sideways = [grid.to_patient([(3, 5, 5), (9, 5, 5), (9, 20, 5), (3, 20, 9)])]
    path = write_rtstruct(
        tmp_path / "r.dcm",
        folder,
        [
            ("point", "POINT", [grid.to_patient([(3, 4, 5)])]),
            ("open", "OPEN_PLANAR", outlines(bone, grid)),
            ("second", "CLOSED_PLANAR", outlines(bone, grid, [2, 4, 6, 8])),
            ("between", "CLOSED_PLANAR", between),
            ("sideways", "CLOSED_PLANAR", sideways),
            ("gap", "CLOSED_PLANAR", outlines(bone, grid, [2, 3, 4, 6, 7])),
            ("empty", "CLOSED_PLANAR", []),
        ],
    )
    found = read_label_set(path, volume)
    faults = {each.name: each.fault for each in found.segments}
    assert "points alone" in faults["point"]
    assert "no closed outline" in faults["open"]
    assert "every second slice" in faults["second"]
    assert "between the slices" in faults["between"]
    assert "not lie in the planes" in faults["sideways"]
    assert "no closed outline" in faults["empty"]
    assert faults["gap"] == ""
    assert "Structure 6 has no outline on 1 slices between others" in found.warnings[0].text
    mask = mask_of(found, "gap", grid)
    assert mask[4].any()
    assert not mask[5].any()


@pytest.mark.parametrize(
    ("edit", "error", "why"),
    [
        (
            lambda d: [
                setattr(each, "ReferencedFrameOfReferenceUID", "2.25.7") for each in d.StructureSetROISequence
            ],
            SpatialError,
            "another frame of reference",
        ),
        (
            lambda d: setattr(
                d.ReferencedFrameOfReferenceSequence[0]
                .RTReferencedStudySequence[0]
                .RTReferencedSeriesSequence[0],
                "SeriesInstanceUID",
                "2.25.8",
            ),
            ReadingError,
            "on another series",
        ),
        (
            lambda d: setattr(d.ROIContourSequence[0].ContourSequence[0], "NumberOfContourPoints", 99),
            ReadingError,
            "an outline of 99 corners",
        ),
        (lambda d: delattr(d, "StructureSetROISequence"), ReadingError, "no numbers of their own"),
        (
            lambda d: setattr(
                d.ROIContourSequence[0].ContourSequence[0], "ContourData", ["1e9", "0", "0"] * 9
            ),
            ReadingError,
            "an outline",
        ),
    ],
)
def test_structure_sets_of_another_ct_or_damaged_ones_are_refused(
    tmp_path: Path,
    ct: tuple[Path, Volume],
    edit: Callable[[Dataset], None],
    error: type[ReadingError],
    why: str,
) -> None:
    folder, volume = ct
    rois = [("bone", "CLOSED_PLANAR", outlines(masks()["bone"], volume.geometry))]
    path = write_rtstruct(tmp_path / "r.dcm", folder, rois, edit)
    with pytest.raises(error, match=why):
        read_label_set(path, volume)


def test_files_that_break_off_anywhere_are_refused(tmp_path: Path, ct: tuple[Path, Volume]) -> None:
    folder, volume = ct
    seg = write_seg(tmp_path / "s.dcm", folder, pixels().astype(np.uint8), segments())
    rois = [("bone", "CLOSED_PLANAR", outlines(masks()["bone"], volume.geometry))]
    structures = write_rtstruct(tmp_path / "r.dcm", folder, rois)
    slicer = write_seg_nrrd(
        tmp_path / "s.seg.nrrd", [truth()], volume.geometry, [{"Name": "a", "LabelValue": 1, "Layer": 0}]
    )
    for path in (seg, structures, slicer):
        whole = path.read_bytes()
        broken = tmp_path / f"broken-{path.name}"
        for part in (0.02, 0.2, 0.5, 0.8, 0.97):
            broken.write_bytes(whole[: int(len(whole) * part)])
            with pytest.raises(ReadingError):
                read_label_set(broken, volume)


@pytest.mark.parametrize("made", ["seg", "rtstruct"])
def test_an_element_of_a_type_that_does_not_exist_is_damage(
    tmp_path: Path, ct: tuple[Path, Volume], made: str
) -> None:
    folder, volume = ct
    if made == "seg":
        path = write_seg(tmp_path / "s.dcm", folder, pixels().astype(np.uint8), segments())
        tag = b"\x08\x00\x15\x11SQ"
    else:
        rois = [("bone", "CLOSED_PLANAR", outlines(masks()["bone"], volume.geometry))]
        path = write_rtstruct(tmp_path / "r.dcm", folder, rois)
        tag = b"\x06\x30\x10\x00SQ"
    whole = path.read_bytes()
    assert tag in whole
    path.write_bytes(whole.replace(tag, tag[:4] + b"S\x07"))
    with pytest.raises(ReadingError, match=r"damaged|no numbers|cannot be used"):
        read_label_set(path, volume)


def test_two_structure_sets_in_a_folder_are_one_too_many(tmp_path: Path, ct: tuple[Path, Volume]) -> None:
    folder, volume = ct
    both = tmp_path / "both"
    shutil.copytree(folder, both)
    rois = [("bone", "CLOSED_PLANAR", outlines(masks()["bone"], volume.geometry))]
    write_rtstruct(both / "z1.dcm", folder, rois)
    assert read_label_set(both, volume).form == LabelFormat.RTSTRUCT  # among the slices of its CT
    write_rtstruct(both / "z2.dcm", folder, rois)
    with pytest.raises(ReadingError, match="2 RTSTRUCT"):
        read_label_set(both, volume)
