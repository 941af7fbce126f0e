"""Pictures that carry one SeriesInstanceUID and do not belong together, and those that do although they differ.

Evenly spaced is not enough: two passes shifted by half a slice are as evenly spaced as one. Each case says whether the
right answer is one volume, several entries, or a refusal, and that is what is asserted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_maker import compress_series, example_volume, make_enhanced, make_series, mark_point, set_uids
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEGLosslessSV1, RLELossless

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.image.scan import Scan
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import ReadOptions, Series, list_series, read_ct, read_series
from spinect_core.io.reading.dicom_elements import Elements
from spinect_core.io.reading.dicom_traits import traits_of

Edit = Callable[[Dataset, int], None]
STUDY, SERIES, FRAME = (
    "1.2.826.0.1.3680043.8.498.2",
    "1.2.826.0.1.3680043.8.498.3",
    "1.2.826.0.1.3680043.8.498.4",
)
OTHER = "1.2.826.0.1.3680043.8.498.99"
SLICES, STEP = 8, 2.5


def nothing(dataset: Dataset, z: int) -> None:
    """No change."""


def setting(**values: object) -> Edit:
    """An edit that sets elements."""

    def edit(dataset: Dataset, _: int) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return edit


def shown(number: int) -> Volume:
    """What one pass shows: the example, with HU of its own."""
    volume = example_volume((SLICES, 12, 10), spacing=(4.5, 4.8, STEP))
    return Volume((volume.array + np.int16(7 * number)).astype(np.int16), volume.geometry, "Example")


def make_pass(
    folder: Path,
    number: int,
    edit: Edit = nothing,
    shift: float = 0.0,
    keep: Callable[[int], bool] = lambda _: True,
) -> Path:
    """One pass over the patient; all passes have one study, series and frame of reference."""

    def change(dataset: Dataset, z: int) -> None:
        set_uids(dataset, SERIES, 1000 * number + z)
        dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = STUDY, FRAME
        dataset.PatientID = dataset.PatientName = "NOBODY"
        dataset.AcquisitionNumber, dataset.InstanceNumber = 1, z + 1
        dataset.KVP, dataset.ConvolutionKernel = 120, "STD"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        x, y, along = (float(n) for n in dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [f"{n:.8g}" for n in (x, y, along + shift)]
        edit(dataset, z)

    return make_series(folder / f"pass{number}", shown(number), edit=change, keep=keep)


def make_two(folder: Path, second: Edit, first: Edit = nothing, shift: float = STEP / 2) -> Path:
    """Two passes, the second shifted by half a slice: together evenly spaced."""
    make_pass(folder, 0, first)
    make_pass(folder, 1, second, shift)
    return folder


def assert_two_volumes(folder: Path, says: str = "") -> list[Series]:
    """Two entries, each of them one pass in its place with its own values, and neither chosen in silence."""
    entries = list_series(folder)
    assert [(e.pictures, e.loadable) for e in entries] == [(SLICES, True)] * 2
    assert len({e.key for e in entries}) == 2
    assert len({e.part for e in entries}) == 2
    for entry in entries:
        assert len({file.parent for file in entry.files}) == 1
        number = int(entry.files[0].parent.name[-1])
        np.testing.assert_array_equal(read_series(entry).array, shown(number).array)
        assert read_series(entry).geometry.spacing[2] == pytest.approx(STEP)
        assert says in entry.warnings[0]
        assert read_ct(folder, series=entry.key).name == f"Example, {entry.part}"
    return entries


def assert_one_volume(folder: Path, truth: Volume | None = None) -> Volume:
    """One entry with all slices, and nothing to say of it."""
    (entry,) = list_series(folder)
    assert entry.loadable
    assert entry.part == ""
    truth = shown(0) if truth is None else truth
    found = read_ct(folder)
    np.testing.assert_array_equal(found.array, truth.array)
    assert found.geometry.same_grid(truth.geometry)
    assert found.warnings == ()
    return found


# ------------------------------------------------------------------------------------- several volumes in one series

DIFFERENCES: dict[str, tuple[str, object]] = {
    "acquisition": ("AcquisitionNumber", 2),
    "kernel": ("ConvolutionKernel", "BONE"),
    "kind of picture": ("ImageType", ["DERIVED", "SECONDARY", "AXIAL", "MPR"]),
    "frame of reference": ("FrameOfReferenceUID", OTHER),
    "study": ("StudyInstanceUID", OTHER),
    "tube voltage": ("KVP", 80),
    "field of reconstruction": ("ReconstructionDiameter", 180),
    "time": ("TemporalPositionIdentifier", 2),
    "series number": ("SeriesNumber", 7),
    "description": ("SeriesDescription", "Late"),
}
BEFORE: dict[str, object] = {
    "ReconstructionDiameter": 360,
    "TemporalPositionIdentifier": 1,
    "SeriesNumber": 2,
}


@pytest.mark.parametrize("called", DIFFERENCES)
@pytest.mark.parametrize("shift", [STEP / 2, 0.0, 1.0], ids=["even", "same places", "uneven"])
def test_two_sets_in_one_series_are_two_entries(tmp_path: Path, called: str, shift: float) -> None:
    keyword, value = DIFFERENCES[called]
    first = setting(**{keyword: BEFORE[keyword]}) if keyword in BEFORE else nothing
    make_two(tmp_path, setting(**{keyword: value}), first, shift)
    if keyword == "SeriesDescription":
        entries = list_series(tmp_path)
        assert {(e.description, e.pictures, e.loadable) for e in entries} == {
            ("Example", SLICES, True),
            ("Late", SLICES, True),
        }
    else:
        entries = assert_two_volumes(tmp_path, f"distinguished by {called} ({keyword})")
    if keyword == "ImageType":
        assert read_ct(tmp_path).name.endswith("ORIGINAL/PRIMARY/AXIAL")
    else:
        with pytest.raises(ReadingError, match="2 CT series that could be meant") as caught:
            read_ct(tmp_path)
        assert all(e.key in str(caught.value) for e in entries)


@pytest.mark.parametrize("keyword", ["PatientID", "PatientName", "PatientBirthDate"])
@pytest.mark.parametrize("finer", [False, True])
def test_two_patients_are_never_one_volume_nor_chosen_between(
    tmp_path: Path, keyword: str, finer: bool
) -> None:
    make_pass(tmp_path, 0, setting(PatientBirthDate="19510203"))
    make_pass(
        tmp_path,
        1,
        setting(**{"PatientBirthDate": "19510203", keyword: "19620304"}),
        0.4 if finer else STEP / 2,
        keep=(lambda z: z % 2 == 0) if finer else (lambda _: True),
    )
    entries = list_series(tmp_path)
    assert [e.loadable for e in entries] == [True, True]
    assert f"distinguished by patient ({keyword})" in entries[0].warnings[0]
    assert not [w for e in entries for w in (*e.warnings, e.line(), e.part) if "1962" in w or "NOBODY" in w]
    assert any(w.grave for w in read_series(entries[0]).warnings)
    with pytest.raises(ReadingError, match="2 CT series"):
        read_ct(tmp_path)


def test_a_name_that_is_only_written_otherwise_is_the_same_patient(tmp_path: Path) -> None:
    def edit(dataset: Dataset, z: int) -> None:
        dataset.PatientName = ["DOE^JANE", "Doe^Jane^^", "DOE JANE"][z % 3]

    make_pass(tmp_path, 0, edit)
    assert_one_volume(tmp_path)


@pytest.mark.parametrize(
    "blocks", ["FrameOfReferenceUID", "StudyInstanceUID", "ConvolutionKernel", "ImageType"]
)
def test_blocks_that_go_on_evenly_with_another_patient_position_or_kind_are_two(
    tmp_path: Path, blocks: str
) -> None:
    value = {"ConvolutionKernel": "BONE", "ImageType": ["DERIVED", "SECONDARY"]}.get(blocks, OTHER)
    make_pass(tmp_path, 0, lambda d, z: setattr(d, blocks, value) if z >= 4 else None)
    entries = list_series(tmp_path)
    assert [(e.pictures, e.loadable) for e in entries] == [(4, True)] * 2
    assert f"({blocks})" in entries[0].warnings[0]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "InstanceNumber", "AcquisitionTime", "ContentTime"])
def test_control_blocks_that_follow_each_other_are_one_volume(
    tmp_path: Path, size: int, keyword: str
) -> None:
    def edit(dataset: Dataset, z: int) -> None:
        block = z // size + 1
        setattr(dataset, keyword, f"1200{block:02d}" if "Time" in keyword else block)

    make_pass(tmp_path, 0, edit)
    assert_one_volume(tmp_path)


def test_control_the_block_below_scanned_after_the_block_above(tmp_path: Path) -> None:
    def edit(dataset: Dataset, z: int) -> None:
        dataset.AcquisitionNumber = 1 if z >= 4 else 2
        dataset.AcquisitionTime = f"12000{(z + 4) % 8}"
        dataset.InstanceNumber = (z + 4) % 8 + 1

    make_pass(tmp_path, 0, edit)
    assert_one_volume(tmp_path)


@pytest.mark.parametrize("keyword", ["ContentTime", "AcquisitionTime", "TriggerTime", "InstanceNumber"])
def test_control_times_and_numbers_in_disorder_are_one_volume(tmp_path: Path, keyword: str) -> None:
    """As slices that several processors reconstruct side by side, or that an archive numbers anew."""

    def edit(dataset: Dataset, z: int) -> None:
        number = [3, 1, 2, 5, 1, 6, 2, 4][z]
        setattr(
            dataset, keyword, f"12000{number}" if keyword.endswith("tTime") or "on" in keyword else number
        )

    make_pass(tmp_path, 0, edit)
    assert_one_volume(tmp_path)


def test_control_values_that_change_along_the_body_are_one_volume(tmp_path: Path) -> None:
    def edit(dataset: Dataset, z: int) -> None:
        dataset.XRayTubeCurrent, dataset.ExposureTime = 100 + 7 * (z % 3), 500
        dataset.SliceThickness = ["2.5", "2.500001"][z % 2]
        dataset.WindowCenter, dataset.TableHeight = 40 + z % 2, "150.2"
        dataset.IrradiationEventUID = f"{OTHER}.{z}"

    make_pass(tmp_path, 0, edit)
    assert_one_volume(tmp_path)


@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "ConvolutionKernel", "FrameOfReferenceUID", "KVP"])
def test_control_an_element_missing_in_some_slices_is_unknown_not_different(
    tmp_path: Path, keyword: str
) -> None:
    make_pass(tmp_path, 0, lambda d, z: delattr(d, keyword) if z in (2, 3) else None)
    assert_one_volume(tmp_path)


def test_a_slice_of_another_acquisition_leaves_a_gap_that_is_explained(tmp_path: Path) -> None:
    make_pass(tmp_path, 0, lambda d, z: setattr(d, "AcquisitionNumber", 9 if z == 4 else 1))
    with pytest.raises(SpatialError, match=r"1 slice\(s\) are missing.*acquisition \(AcquisitionNumber\)"):
        read_ct(tmp_path)


# ----------------------------------------------------------------------------------------------------- several times

TIMES: dict[str, Callable[[int, int], dict[str, object]]] = {
    "one time a pass": lambda p, _: {"AcquisitionTime": f"1200{20 * p:02d}.000000"},
    "a time for every slice": lambda p, z: {"AcquisitionTime": f"12{10 + p:02d}{z:02d}.5"},
    "date and time": lambda p, z: {"AcquisitionDateTime": f"2026010{1 + p}12{10 + z:02d}00.0"},
    "content time": lambda p, _: {"ContentTime": f"12000{p}"},
    "trigger": lambda p, _: {"TriggerTime": f"{500 * p}"},
    "phase of the heart": lambda p, _: {"NominalPercentageOfCardiacPhase": 40.0 + 35 * p},
    "acquisition for every slice": lambda p, z: {"AcquisitionNumber": 1 + SLICES * p + z},
    "blocks of two": lambda p, z: {"AcquisitionNumber": 1 + 4 * p + z // 2},
    "irradiation": lambda p, _: {"IrradiationEventUID": f"{OTHER}.{p}"},
    "slice thickness": lambda p, _: {"SliceThickness": 1.25 + p},
    "contrast medium": lambda p, _: {"ContrastBolusAgent": "yes"} if p else {},
    "filter": lambda p, _: {"FilterType": "AB"[p]},
}


@pytest.mark.parametrize("shift", [STEP / 2, 0.0], ids=["even", "same places"])
@pytest.mark.parametrize("times", TIMES)
def test_passes_at_several_times_are_entries_of_their_own(tmp_path: Path, times: str, shift: float) -> None:
    for number in (0, 1):
        make_pass(
            tmp_path,
            number,
            lambda d, z, p=number: [setattr(d, k, v) for k, v in TIMES[times](p, z).items()],
            number * shift,
        )
    assert_two_volumes(tmp_path, "The series holds 2 sets of pictures, distinguished by ")


def test_five_times_in_an_order_place_by_place_are_five_entries(tmp_path: Path) -> None:
    count = itertools.count(1)
    for number in range(5):
        make_pass(
            tmp_path,
            number,
            lambda d, z, p=number: (
                setattr(d, "AcquisitionTime", f"12{z:02d}{10 * p:02d}.25"),
                setattr(d, "InstanceNumber", next(count)),
            ),
        )
    entries = list_series(tmp_path)
    assert [(e.pictures, e.loadable) for e in entries] == [(SLICES, True)] * 5
    for entry in entries:
        assert len({file.parent for file in entry.files}) == 1
    assert sorted(e.part for e in entries) == [f"time {n} of 5" for n in range(1, 6)]


def test_slabs_that_overlap_are_two_entries(tmp_path: Path) -> None:
    make_pass(tmp_path, 0)
    make_pass(tmp_path, 1, setting(AcquisitionNumber=2), shift=STEP * 6)
    assert_two_volumes(tmp_path, "acquisition (AcquisitionNumber)")


def test_slabs_that_share_one_plane_are_two_entries(tmp_path: Path) -> None:
    make_pass(tmp_path, 0)
    make_pass(tmp_path, 1, setting(AcquisitionNumber=2), shift=STEP * 7)
    assert_two_volumes(tmp_path, "acquisition (AcquisitionNumber)")


@pytest.mark.parametrize("typed", [True, False], ids=["ImageType", "AcquisitionNumber alone"])
@pytest.mark.parametrize("at", [4 * STEP, 4.5 * STEP, 20 * STEP], ids=["on a slice", "between", "above"])
def test_monitoring_pictures_stand_apart_from_the_volume(tmp_path: Path, typed: bool, at: float) -> None:
    make_pass(tmp_path, 0)
    first = float(shown(0).geometry.origin[2])
    for n in range(5):

        def monitor(dataset: Dataset, _: int, n: int = n) -> None:
            dataset.AcquisitionNumber, dataset.AcquisitionTime = 50 + n, f"1159{10 + n}"
            dataset.ImagePositionPatient = [*dataset.ImagePositionPatient[:2], f"{first + at:.8g}"]
            if typed:
                dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", "MONITORING"]

        make_pass(tmp_path, 10 + n, monitor, keep=lambda z: z == 0)
    entries = list_series(tmp_path)
    assert [(e.pictures, e.loadable) for e in entries] == [(SLICES, True), (5, False)]
    assert "no volume" in entries[1].warnings[0]
    np.testing.assert_array_equal(read_ct(tmp_path).array, shown(0).array)


@pytest.mark.parametrize("keyword", ["PixelSpacing", "Rows"])
def test_reconstructions_of_two_sizes_are_two_entries(tmp_path: Path, keyword: str) -> None:
    def other(dataset: Dataset, _: int) -> None:
        if keyword == "Rows":
            dataset.Rows, dataset.PixelData = 11, dataset.PixelData[:-20]
        else:
            dataset.PixelSpacing = [3.9, 4.1]

    make_two(tmp_path, other)
    entries = list_series(tmp_path)
    assert [(e.pictures, e.loadable) for e in entries] == [(SLICES, True)] * 2
    assert keyword in entries[0].warnings[0]


def test_two_fields_of_view_beside_each_other_are_two_entries(tmp_path: Path) -> None:
    def beside(dataset: Dataset, _: int) -> None:
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [float(x) + 40, y, z]

    make_two(tmp_path, beside)
    assert_two_volumes(tmp_path, "place of the field of view")


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.2.2"])
def test_two_sop_classes_are_two_entries(tmp_path: Path, sop_class: str) -> None:
    make_two(tmp_path, setting(SOPClassUID=sop_class))
    entries = list_series(tmp_path)
    assert [e.pictures for e in entries] == [SLICES] * 2
    assert "SOP class (SOPClassUID)" in entries[0].warnings[0]


# ----------------------------------------------------------------------------------------------- multi-frame files


def two_in_one_file(path: Path, content: Callable[[int], dict[str, object]]) -> Path:
    """An enhanced CT of two passes, interleaved by half a slice."""
    truth = example_volume((2 * SLICES, 12, 10), spacing=(4.5, 4.8, STEP / 2))
    make_enhanced(path, truth)
    dataset = pydicom.dcmread(path)
    for z, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        item = Dataset()
        for keyword, value in content(z % 2).items():
            setattr(item, keyword, value)
        frame.FrameContentSequence = Sequence([item])
    dataset.save_as(path)
    return path


@pytest.mark.parametrize(
    "content",
    [
        lambda p: {"StackID": str(p + 1)},
        lambda p: {"TemporalPositionIndex": p + 1},
        lambda p: {"FrameAcquisitionNumber": p + 1},
        lambda p: {"FrameAcquisitionDateTime": f"202601011200{p:02d}"},
        lambda p: {"NominalPercentageOfCardiacPhase": 40.0 + p},
        lambda p: {"ConvolutionKernel": "AB"[p]},
    ],
    ids=["stack", "time", "acquisition", "date and time", "phase", "kernel"],
)
def test_two_passes_in_one_multiframe_file_are_two_entries(
    tmp_path: Path, content: Callable[[int], dict[str, object]]
) -> None:
    path = two_in_one_file(tmp_path / "ct.dcm", content)
    entries = list_series(path)
    assert [(e.pictures, e.loadable) for e in entries] == [(SLICES, True)] * 2
    truth = example_volume((2 * SLICES, 12, 10), spacing=(4.5, 4.8, STEP / 2)).array
    values = [read_series(e).array for e in entries]
    assert sorted(v.tolist() for v in values) == sorted([truth[::2].tolist(), truth[1::2].tolist()])
    with pytest.raises(ReadingError, match="2 CT series"):
        read_ct(path)


def test_control_stacks_that_follow_each_other_are_one_volume(tmp_path: Path) -> None:
    path = make_enhanced(tmp_path / "ct.dcm", shown(0))
    dataset = pydicom.dcmread(path)
    for z, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        frame.FrameContentSequence = Sequence([Dataset()])
        frame.FrameContentSequence[0].StackID = str(1 + z // 4)
    dataset.save_as(path)
    assert_one_volume(path)


def test_control_the_parts_of_a_concatenation_are_one_volume(tmp_path: Path) -> None:
    for part, order in enumerate(([0, 1, 2, 3], [4, 5, 6, 7])):
        path = make_enhanced(tmp_path / f"{part}.dcm", shown(0), order)
        dataset = pydicom.dcmread(path)
        dataset.ConcatenationUID, dataset.InConcatenationNumber = OTHER, part + 1
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{OTHER}.{part}"
        dataset.save_as(path)
    assert_one_volume(tmp_path)


def test_two_multiframe_files_among_each_other_are_two_entries(tmp_path: Path) -> None:
    for part, order in enumerate(([0, 2, 4, 6], [1, 3, 5, 7])):
        make_enhanced(tmp_path / f"{part}.dcm", shown(0), order)
    entries = list_series(tmp_path)
    assert [(e.pictures, e.loadable) for e in entries] == [(4, True)] * 2
    assert "distinguished by file" in entries[0].warnings[0]


# --------------------------------------------------------------------------------------------------- copies of slices


def assert_copies_left_out(folder: Path) -> None:
    (entry,) = list_series(folder)
    assert (entry.pictures, entry.loadable) == (SLICES, True)
    assert f"{SLICES} file(s) are copies of others" in entry.warnings[0]
    np.testing.assert_array_equal(read_ct(folder).array, shown(0).array)


def twin_of(folder: Path, edit: Edit = nothing, name: str = "pass0") -> Path:
    """The same pictures again, in files of their own."""
    twin = make_pass(folder / "twin", 0, edit)
    for path in twin.iterdir():
        path.rename(folder / name / f"twin_{path.name}")
    return folder


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLosslessSV1])
def test_compressed_twins_are_copies(tmp_path: Path, syntax: str) -> None:
    compress_series(make_pass(tmp_path / "twin", 0), syntax)
    make_pass(tmp_path, 0)
    assert_copies_left_out(tmp_path)


def test_twins_with_another_name_are_copies(tmp_path: Path) -> None:
    make_pass(tmp_path, 0)
    assert_copies_left_out(twin_of(tmp_path, lambda d, z: setattr(d, "SOPInstanceUID", f"{OTHER}.{z}")))


@pytest.mark.parametrize("lost", [False, True], ids=["kept", "lost sign"])
def test_twins_with_another_scale_are_copies(tmp_path: Path, lost: bool) -> None:
    def unsigned(dataset: Dataset, _: int) -> None:
        hounsfield = np.frombuffer(dataset.PixelData, "<i2").astype(int) + int(dataset.RescaleIntercept)
        intercept = -900 if lost else -1024
        dataset.PixelData = (hounsfield - intercept).astype("<u2").tobytes()
        dataset.RescaleIntercept, dataset.PixelRepresentation = intercept, 0

    make_pass(tmp_path, 0)
    assert_copies_left_out(twin_of(tmp_path, unsigned))


def test_twins_whose_places_are_rounded_are_copies(tmp_path: Path) -> None:
    def rounded(dataset: Dataset, _: int) -> None:
        dataset.ImagePositionPatient = [f"{float(n):.1f}" for n in dataset.ImagePositionPatient]

    make_pass(tmp_path, 0)
    assert_copies_left_out(twin_of(tmp_path, rounded))


def test_frames_that_are_twice_in_a_file_are_copies(tmp_path: Path) -> None:
    make_enhanced(tmp_path / "ct.dcm", shown(0), [*range(SLICES), *range(SLICES)])
    assert_copies_left_out(tmp_path)


def test_pictures_of_one_place_with_other_hu_are_no_copies(tmp_path: Path) -> None:
    make_pass(tmp_path, 0)
    twin_of(tmp_path, lambda d, _: setattr(d, "RescaleIntercept", -1034))
    with pytest.raises(SpatialError, match=r"8 pair\(s\) of different slices lie in the same place"):
        read_ct(tmp_path)


# ------------------------------------------------------------------------------------------ identifiers of anonymisers


def uid_per_slice(*keywords: str) -> Edit:
    def edit(dataset: Dataset, z: int) -> None:
        for keyword in keywords:
            setattr(dataset, keyword, f"{OTHER}.{len(keyword)}.{z + 1}")

    return edit


@pytest.mark.parametrize(
    "keywords",
    [
        ("SeriesInstanceUID",),
        ("SeriesInstanceUID", "StudyInstanceUID"),
        ("SeriesInstanceUID", "FrameOfReferenceUID"),
        ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"),
        ("FrameOfReferenceUID",),
        ("StudyInstanceUID",),
    ],
    ids=str,
)
@pytest.mark.parametrize("file", [False, True], ids=["folder", "file"])
def test_an_identifier_drawn_for_every_slice_is_told_and_joined_when_asked_for(
    tmp_path: Path, keywords: tuple[str, ...], file: bool
) -> None:
    folder = make_pass(tmp_path, 0, uid_per_slice(*keywords))
    path = folder / "slice_0003.dcm" if file else folder
    (entry,) = list_series(path)
    assert (entry.pictures, entry.loadable) == (SLICES, False)
    with pytest.raises(
        SpatialError, match=f"{SLICES} pictures .* make one regular volume, but say"
    ) as caught:
        read_ct(path)
    assert caught.value.parameter == "join_series"
    found = read_ct(path, options=ReadOptions(join_series=True))
    np.testing.assert_array_equal(found.array, shown(0).array)
    assert [w.grave for w in found.warnings] == [True]
    assert "joined as asked for" in found.warnings[0].text
    assert read_series(entry, options=ReadOptions(join_series=True)).warnings == found.warnings


@pytest.mark.parametrize("last", [4, 7])
def test_a_scan_that_goes_on_in_another_series_is_never_loaded_in_part(tmp_path: Path, last: int) -> None:
    make_pass(tmp_path, 0, lambda d, z: setattr(d, "SeriesInstanceUID", OTHER if z >= last else SERIES))
    with pytest.raises(SpatialError, match=f"{last} from slice_0001.dcm and {SLICES - last} from ") as caught:
        read_ct(tmp_path)
    assert caught.value.parameter == "join_series"
    np.testing.assert_array_equal(
        read_ct(tmp_path, options=ReadOptions(join_series=True)).array, shown(0).array
    )
    halves = [e for e in list_series(tmp_path) if e.loadable]
    assert [e.pictures for e in halves] == ([4, 4] if last == 4 else [7])
    assert read_ct(tmp_path, series=halves[0].key).array.shape[0] == last  # whoever names a part gets it


@pytest.mark.parametrize(
    "second",
    [
        {"PatientID": "SOMEBODY"},
        {"FrameOfReferenceUID": OTHER},
        {"ConvolutionKernel": "BONE"},
        {"SeriesDescription": "Other"},
    ],
    ids=lambda d: next(iter(d)),
)
def test_series_that_differ_in_more_are_not_offered_to_be_joined(
    tmp_path: Path, second: dict[str, object]
) -> None:
    make_pass(tmp_path, 0, lambda d, z: setting(SeriesInstanceUID=OTHER, **second)(d, z) if z >= 4 else None)
    entries = list_series(tmp_path, options=ReadOptions(join_series=True))
    assert [(e.pictures, e.loadable) for e in entries] == [(4, True)] * 2


def test_two_scans_of_one_place_are_not_offered_to_be_joined(tmp_path: Path) -> None:
    make_two(tmp_path, setting(SeriesInstanceUID=OTHER))
    entries = list_series(tmp_path, options=ReadOptions(join_series=True))
    assert [(e.pictures, e.loadable) for e in entries] == [(SLICES, True)] * 2


def test_patients_drawn_for_every_slice_are_named_and_not_joined(tmp_path: Path) -> None:
    make_pass(tmp_path, 0, lambda d, z: setattr(d, "PatientID", f"P{z}"))
    for options in (ReadOptions(), ReadOptions(join_series=True)):
        with pytest.raises(SpatialError, match=r"no volume: .*patient \(PatientID\)"):
            read_ct(tmp_path, options=options)


def test_one_name_for_all_slices_is_told_and_read_by_position(tmp_path: Path) -> None:
    make_pass(tmp_path, 0, setting(SOPInstanceUID=OTHER))
    found = read_ct(tmp_path)
    np.testing.assert_array_equal(found.array, shown(0).array)
    assert "8 different pictures share a SOPInstanceUID" in found.warnings[0].text


# --------------------------------------------------------------------------------------- what is no CT, and neighbours


@pytest.mark.parametrize(
    ("sop_class", "kind"),
    [
        ("1.2.840.10008.5.1.4.1.1.7", ["DERIVED", "SECONDARY"]),
        ("1.2.840.10008.5.1.4.1.1.7.3", ["DERIVED", "SECONDARY"]),
        ("1.2.840.10008.5.1.4.1.1.2", ["DERIVED", "SECONDARY", "SCREEN SAVE"]),
        ("1.2.840.10008.5.1.4.1.1.4", ["ORIGINAL", "PRIMARY"]),
        ("1.2.840.10008.5.1.4.1.1.1.1", ["ORIGINAL", "PRIMARY"]),
    ],
)
def test_screen_saves_and_pictures_of_other_devices_are_refused_by_name(
    tmp_path: Path, sop_class: str, kind: list[str]
) -> None:
    make_pass(tmp_path, 0, setting(SOPClassUID=sop_class, ImageType=kind))
    with pytest.raises(ReadingError, match=r"SOPClassUID .* ImageType .* not Hounsfield units") as caught:
        read_ct(tmp_path)
    assert "\\".join(kind) in str(caught.value)
    assert caught.value.parameter == "assume_hu"
    found = read_ct(tmp_path, options=ReadOptions(assume_hu=True))
    np.testing.assert_array_equal(found.array, shown(0).array)
    assert found.warnings[0].grave


def test_screen_saves_in_a_series_each_are_not_joined_and_taken_for_hu_by_one_answer(tmp_path: Path) -> None:
    edit = uid_per_slice("SeriesInstanceUID")
    make_pass(tmp_path, 0, lambda d, z: (edit(d, z), setattr(d, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.7")))
    for options in (ReadOptions(), ReadOptions(join_series=True), ReadOptions(assume_hu=True)):
        with pytest.raises(ReadingError):
            read_ct(tmp_path, options=options)
    both = ReadOptions(join_series=True, assume_hu=True)
    np.testing.assert_array_equal(read_ct(tmp_path, options=both).array, shown(0).array)


def test_other_objects_in_the_folder_of_the_series_are_no_part_of_it(tmp_path: Path) -> None:
    folder = make_pass(tmp_path, 0)
    source = pydicom.dcmread(folder / "slice_0001.dcm")
    for number, (modality, sop_class) in enumerate(
        [("RTSTRUCT", "481.3"), ("PR", "11.1"), ("SR", "88.67"), ("SEG", "66.4"), ("OT", "7")]
    ):
        other = pydicom.dcmread(folder / "slice_0001.dcm")
        for keyword in ("PixelData", "ImagePositionPatient", "ImageOrientationPatient", "Rows", "Columns"):
            delattr(other, keyword)
        other.Modality, other.SOPClassUID = modality, f"1.2.840.10008.5.1.4.1.1.{sop_class}"
        other.save_as(folder / f"IM{number}")
    report = source
    report.SOPClassUID, report.SamplesPerPixel = "1.2.840.10008.5.1.4.1.1.7", 3
    report.PhotometricInterpretation, report.PlanarConfiguration = "RGB", 0
    report.save_as(folder / "report")
    entries = list_series(tmp_path)
    assert [(e.modality, e.loadable) for e in entries if e.loadable] == [("CT", True)]
    found = read_ct(tmp_path)
    np.testing.assert_array_equal(found.array, shown(0).array)
    assert [w.grave for w in found.warnings] == [False]


def test_a_description_in_letters_that_its_character_set_does_not_say(tmp_path: Path) -> None:
    folder = make_pass(tmp_path, 0, setting(SpecificCharacterSet="ISO_IR 100", SeriesDescription="XXXXXXXX"))
    for path in folder.iterdir():
        content = path.read_bytes().replace(b"XXXXXXXX", "腰椎平扫".encode("gbk"))
        path.write_bytes(content.replace(b"CS\x0a\x00ISO_IR 100", b"CS\x0c\x00Not Supplied"))
    np.testing.assert_array_equal(read_ct(folder).array, shown(0).array)


# ------------------------------------------------------------------------------------------------------------- poses


@pytest.mark.parametrize(
    ("code", "across", "down"),
    [
        ("HFS", (1, 0, 0), (0, 1, 0)),
        ("HFP", (-1, 0, 0), (0, -1, 0)),
        ("FFS", (1, 0, 0), (0, 1, 0)),
        ("FFDL", (0, -1, 0), (-1, 0, 0)),
        ("HFDR", (0, 1, 0), (1, 0, 0)),
    ],
)
def test_every_pose_keeps_the_mark_in_its_place(
    tmp_path: Path, code: str, across: tuple[int, ...], down: tuple[int, ...]
) -> None:
    volume = example_volume()
    direction = np.column_stack([across, down, np.cross(across, down)])
    turned = Volume(
        volume.array, Geometry(volume.array.shape, (4.5, 4.8, STEP), (5.0, -6.0, 7.0), direction), "Turned"
    )
    found = read_ct(make_series(tmp_path / "ct", turned, edit=setting(PatientPosition=code)))
    np.testing.assert_allclose(mark_point(found), mark_point(turned), atol=1e-3)
    np.testing.assert_allclose(found.geometry.direction, direction)


def test_a_place_is_found_on_the_slice_that_the_scanner_calls_so(tmp_path: Path) -> None:
    """Numbers that fall towards the head, and not from 1: those of the files, not those of the array."""
    volume = example_volume()

    def renumbered(dataset: Dataset, z: int) -> None:
        dataset.InstanceNumber, dataset.PatientPosition = 240 - z, "FFP"

    scan = Scan.of(read_ct(make_series(tmp_path / "ct", volume, edit=renumbered)))
    place = scan.place(volume.geometry.to_patient((5.0, 3.0, 2.0)))
    assert (place.number, place.numbering, scan.position) == (235, "instance number", "FFP")
    assert place.offset_mm == pytest.approx(0.0, abs=1e-3)


def test_what_tells_pictures_apart_holds_nothing_of_the_patient() -> None:
    """Traits stand in messages and in the details of a volume: of whom and when, they keep a hash."""
    dataset = Dataset()
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = "marker-1", "marker^2", "19561231"
    dataset.StudyDate, dataset.DeviceSerialNumber = "20190401", "marker-3"
    for number, keyword in enumerate(
        ("StudyInstanceUID", "FrameOfReferenceUID", "IrradiationEventUID", "AcquisitionUID")
    ):
        setattr(dataset, keyword, f"1.2.3.777.{number}")
    traits = traits_of(Elements((dataset,), dataset))
    assert sum(map(bool, traits)) >= 9
    for value in traits:
        for private in ("marker", "19561231", "20190401", "1.2.3.777"):
            assert private not in value.lower()
    # And a hash still tells them apart.
    for keyword, other in (("PatientID", "marker-4"), ("StudyInstanceUID", "1.2.3.777.9")):
        changed = Dataset()
        changed.update(dataset)
        setattr(changed, keyword, other)
        assert traits_of(Elements((changed,), changed)) != traits
