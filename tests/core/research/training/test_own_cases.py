"""A user's CTs and labels: found, understood, brought to one grid, prepared as for planning."""

import numpy as np
import pytest
import SimpleITK as sitk

from spinect_core.base.errors import ReadingError, UsageError
from spinect_core.image.region import Region
from spinect_core.image.volume import Geometry, Labels, Volume, geometry_from_sitk, to_sitk
from spinect_core.io.writing import write_labels, write_volume
from spinect_core.preprocessing.prepare import prepare
from spinect_core.research.training.label_files import class_of, read_case_labels
from spinect_core.research.training.own_cases import find_pairs, own_cases, prepare_case

GRID = Geometry((40, 50, 60), (1.0, 1.0, 2.0), (-30.0, -20.0, 100.0))
Z, Y, X = np.ogrid[:40, :50, :60]
BONE = (abs(Z - 20) < 12) & (abs(Y - 25) < 10) & (abs(X - 30) < 20)
NERVE = (abs(Z - 20) < 8) & (abs(Y - 25) < 3) & (abs(X - 25) < 3)
LABELS = np.where(NERVE, 2, np.where(BONE, 1, 0)).astype(np.uint8)
CT = Volume(np.where(BONE, 400, np.where(Y < 4, -1000, 40)).astype(np.int16) + X.astype(np.int16), GRID)


def slicer(path, layers, segments, geometry=GRID):
    """A segmentation as 3D Slicer writes it: ``layers`` [layer, z, y, x], segments (name, layer, value)."""
    count, z, y, x = layers.shape
    axes = geometry.index_to_patient[:3, :3].T
    vectors = " ".join("(" + ",".join(f"{v:.6f}" for v in axis) + ")" for axis in axes)
    several = count > 1
    lines = [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "type: unsigned char",
        f"dimension: {4 if several else 3}",
        "space: left-posterior-superior",
        f"sizes: {f'{count} ' if several else ''}{x} {y} {z}",
        f"space directions: {'none ' if several else ''}{vectors}",
        f"kinds: {'list ' if several else ''}domain domain domain",
        "encoding: raw",
        "space origin: (" + ",".join(f"{v:.6f}" for v in geometry.origin) + ")",
    ]
    for number, (name, layer, value) in enumerate(segments):
        lines += [f"Segment{number}_ID:=Segment_{number}", f"Segment{number}_LabelValue:={value}"]
        lines += [f"Segment{number}_Layer:={layer}", f"Segment{number}_Name:={name}"]
    stored = np.moveaxis(layers, 0, -1) if several else layers[0]
    path.write_bytes(("\n".join(lines) + "\n\n").encode() + np.ascontiguousarray(stored).tobytes())
    return path


def test_segments_are_understood_by_their_names(tmp_path):
    right, left = NERVE & (X > 24), NERVE & (X <= 24)
    array = np.where(BONE, 3, 0)
    array[right], array[left] = 7, 5
    segments = [("L5 Nerve LEFT", 0, 5), ("Vertebra_L5", 0, 3), ("s1-root right", 0, 7)]
    path = slicer(tmp_path / "a.seg.nrrd", array[np.newaxis].astype(np.uint8), segments)
    np.testing.assert_array_equal(read_case_labels(path, GRID).array, LABELS)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Bone", 1), ("SACRUM", 1), ("left hip", 1), ("Thecal sac", 2), ("dorsal root ganglion", 2),
     ("sacral nerves", 2), ("Segment_1", None), ("bone around nerve", None), ("disc", None)],
)  # fmt: skip
def test_words_in_names(name, value):
    assert class_of(name) == value


def test_overlapping_segments_lie_in_layers_and_nerve_wins(tmp_path):
    layers = np.stack([BONE, NERVE, BONE & (X < 20)]).astype(np.uint8)
    segments = [("nerve", 1, 1), ("bone", 0, 1), ("screw", 2, 1)]
    path = slicer(tmp_path / "a.seg.nrrd", layers, segments)
    with pytest.raises(ReadingError, match=r"names: screw.*as in \"screw=bone\""):
        read_case_labels(path, GRID)
    labels = read_case_labels(path, GRID, {"Screw": "ignore"})
    np.testing.assert_array_equal(labels.array, LABELS)


def test_a_segmentation_of_a_part_with_other_axes_is_brought_to_the_ct_exactly(tmp_path):
    # Slicer stores only the part that holds segments; here with two axes swapped and one turned round as well.
    image = to_sitk(LABELS, GRID)
    part = sitk.Flip(sitk.PermuteAxes(image[5:55, 10:42, 6:35], [2, 0, 1]), [True, False, False])
    part_grid = geometry_from_sitk(part)
    array = sitk.GetArrayFromImage(part)
    segments = [("bone", 0, 1), ("nerve", 0, 2)]
    path = slicer(tmp_path / "a.seg.nrrd", array[np.newaxis], segments, part_grid)
    assert not part_grid.same_grid(GRID)
    np.testing.assert_array_equal(read_case_labels(path, GRID).array, LABELS)


def test_finer_labels_take_the_nearest_voxel(tmp_path):
    fine = Geometry((80, 50, 60), (1.0, 1.0, 1.0), (-30.0, -20.0, 99.5))
    write_labels(Labels(LABELS.repeat(2, axis=0), fine), tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(read_case_labels(tmp_path / "labels.nii.gz", GRID).array, LABELS)


def test_faults_are_named(tmp_path):
    elsewhere = Geometry(GRID.shape, GRID.spacing, (200.0, 0.0, 100.0))
    path = write_labels(Labels(LABELS, elsewhere), tmp_path / "labels.nrrd")
    with pytest.raises(ReadingError, match=r"labels\.nrrd: .* only 0\.0 ml lie within the CT"):
        read_case_labels(path, GRID)
    path = write_labels(Labels(np.where(LABELS == 2, 0, LABELS).astype(np.uint8), GRID), tmp_path / "b.nii")
    with pytest.raises(ReadingError, match="No voxel is labelled as nerve"):
        read_case_labels(path, GRID)
    path = write_labels(Labels((LABELS * 3).astype(np.uint8), GRID), tmp_path / "c.nii")
    with pytest.raises(ReadingError, match=r"values 3, 6; .*as in 3=bone"):
        read_case_labels(path, GRID)
    found = read_case_labels(path, GRID, {"3": "bone", "6": "nerve"})
    np.testing.assert_array_equal(found.array, LABELS)
    with pytest.raises(UsageError, match="no class 'tendon'"):
        read_case_labels(path, GRID, {"3": "tendon"})
    damaged = tmp_path / "d.seg.nrrd"
    damaged.write_bytes(b"NRRD0004\nSegment0_Name:=bone\n\n")
    with pytest.raises(ReadingError, match=r"d\.seg\.nrrd"):
        read_case_labels(damaged, GRID)


def test_preparation_is_that_of_planning():
    case = prepare_case(CT, Labels(LABELS, GRID), "x", region="labels")
    # The labels reach from voxel (11, 16, 9) to (49, 34, 31) along x, y, z.
    low, high = GRID.to_patient((9, 16, 11)) - 10, GRID.to_patient((31, 34, 49)) + 10
    region = Region(tuple(low), tuple(high))
    prepared = prepare(CT, region)
    np.testing.assert_array_equal(case.hu, prepared.sample(CT.array))
    np.testing.assert_array_equal(case.labels, prepared.sample(LABELS))
    assert (case.labels == 1).sum() == 2 * (LABELS == 1).sum()  # slices of 2 mm become two of 1 mm


def test_means_and_what_fills_most_of_a_millimetre_where_asked_for(tmp_path):
    rng = np.random.default_rng(6)
    fine = Geometry((80, 100, 120), (0.5, 0.5, 0.5))
    hounsfield = rng.normal(40, 30, fine.shape).astype(np.int16)
    labels = np.zeros(fine.shape, np.uint8)
    labels[20:60, 30:70, 30:90], labels[30:50, 41:50, 41:80] = 1, 2
    volume = Volume(hounsfield, fine)
    nearest, mean = (
        prepare_case(volume, Labels(labels, fine), region="labels", voxels=voxels)
        for voxels in ("nearest", "mean")
    )
    assert mean.hu.shape == nearest.hu.shape
    # Eight voxels in each: noise falls to a good third. HU are kept as whole numbers.
    assert mean.hu.std() == pytest.approx(nearest.hu.std() / np.sqrt(8), rel=0.06)
    # 41 to 50 voxels of 0.5 mm: half of the first millimetre and four more.
    assert (mean.labels == 2).any(axis=(0, 2)).sum() == 4
    assert (mean.labels == 2).any(axis=(1, 2)).sum() == 10


def test_cases_prepared_in_the_one_way_are_not_taken_for_the_other(tmp_path):
    write_volume(CT, tmp_path / "cases" / "p" / "ct.nii.gz")
    write_labels(Labels(LABELS, GRID), tmp_path / "cases" / "p" / "labels.nii.gz")
    for voxels in ("nearest", "mean", "nearest"):
        own_cases([tmp_path / "cases"], tmp_path / "cache", voxels=voxels)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_the_region_found_is_enlarged_to_hold_every_nerve():
    case = prepare_case(CT, Labels(LABELS, GRID))
    assert (case.labels == 2).sum() == 2 * (LABELS == 2).sum()


def test_pairs_are_found_by_name(tmp_path):
    for name in ("p1/ct.nii.gz", "p1/labels.nii.gz", "p1/structures.nii.gz", "p2/a/scan.nrrd", "p2/a/scan.seg.nrrd",
                 "p2/b/scan_ct.mha", "p2/b/scan_segmentation.mha", "p2/b/other.mha", "p3/dicom/1.dcm",
                 "p3/seg.nii", "q_ct.nii", "q_labels.nii"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    pairs = {pair.name: pair for pair in find_pairs(tmp_path)}
    assert {name: pair.patient for name, pair in pairs.items()} == {
        "p1": "p1", "p2_a_scan": "p2", "p2_b_scan": "p2", "p3": "p3", "q": "q"
    }  # fmt: skip
    cts = {name: pair.ct.relative_to(tmp_path).as_posix() for name, pair in pairs.items()}
    assert cts == {
        "p1": "p1/ct.nii.gz", "p2_a_scan": "p2/a/scan.nrrd", "p2_b_scan": "p2/b/scan_ct.mha", "p3": "p3/dicom",
        "q": "q_ct.nii",
    }  # fmt: skip
    (tmp_path / "q_ct.nii").unlink()
    with pytest.raises(ReadingError, match=r"q_labels\.nii: .* not clear .*cases\.csv"):
        find_pairs(tmp_path)


def test_a_table_says_which_belong_together(tmp_path):
    (tmp_path / "one.nii").write_bytes(b"x")
    (tmp_path / "two.nii").write_bytes(b"x")
    (tmp_path / "cases.csv").write_text("ct,labels,patient\none.nii,two.nii,anna\n", encoding="utf-8")
    (pair,) = find_pairs(tmp_path)
    assert (pair.patient, pair.ct.name, pair.labels.name) == ("anna", "one.nii", "two.nii")
    (tmp_path / "cases.csv").write_text("ct,labels\none.nii,three.nii\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cases\.csv: Line 2 names three\.nii"):
        find_pairs(tmp_path)
    with pytest.raises(ReadingError, match="no such folder"):
        find_pairs(tmp_path / "nowhere")


def test_all_bad_cases_are_named_and_good_ones_prepared_once(tmp_path):
    for name in ("a", "b", "c"):
        write_volume(CT, tmp_path / "in" / name / "ct.nii.gz")
        write_labels(Labels(LABELS, GRID), tmp_path / "in" / name / "labels.nrrd")
    (tmp_path / "in" / "b" / "labels.nrrd").write_bytes(b"NRRD0004\nnothing\n\n")
    (tmp_path / "in" / "c" / "ct.nii.gz").write_bytes(b"nothing")
    with pytest.raises(ReadingError, match=r"b.labels\.nrrd: .*1 more: .*c.ct\.nii\.gz"):
        own_cases([tmp_path / "in"], tmp_path / "cache", region="labels")
    write_labels(Labels(LABELS, GRID), tmp_path / "in" / "b" / "labels.nrrd")
    write_volume(CT, tmp_path / "in" / "c" / "ct.nii.gz")
    cases = own_cases([tmp_path / "in"], tmp_path / "cache", region="labels")
    assert cases.patients == ("a", "b", "c")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    assert len(before) == 3
    again = own_cases([tmp_path / "in"], tmp_path / "cache", region="labels")
    assert again.names == cases.names
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()} == before
    assert (cases.load(0).labels == 2).any()
