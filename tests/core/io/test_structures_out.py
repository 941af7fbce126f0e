"""Structure sets lie on the pictures that they were made of, and come back as the same labels and needles."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_maker import example_volume, make_series
from dicom_tools import faults, validator
from pydicom.dataset import Dataset
from scipy import ndimage
from test_dicom_out import KNOWN, OBLIQUE, SOURCES, Make, labels_of, read, turned

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import silent
from spinect_core.base.versions import NOTICE
from spinect_core.image.volume import BONE, NERVE, Labels, Volume
from spinect_core.io.dicom_out.segmentation import Origin
from spinect_core.io.dicom_out.structures import Line, structures
from spinect_core.io.dicom_out.study import Study
from spinect_core.io.reading.rt_structures import read_structure_set

Case = tuple[Path, Study, Volume, Labels]
NAMES = ("plain", "oblique prone", "sagittal", "tilted and corrected", "sliding", "multi-frame")


def rounded(folder: Path) -> Path:
    """Thin slices whose places are written with one decimal."""

    def edit(dataset: Dataset, z: int) -> None:
        dataset.ImagePositionPatient = [f"{float(number):.1f}" for number in dataset.ImagePositionPatient]

    return make_series(folder, example_volume((16, 90, 12), (0.5, 0.5, 0.33)), edit)


CASES = {
    **{name: SOURCES[name] for name in NAMES},
    "rounded": rounded,
    "fine and oblique": turned(OBLIQUE, spacing=(0.4, 0.4, 0.4), shape=(8, 105, 40)),
}


def anatomy(volume: Volume) -> Labels:
    """Rings with holes and islands in them, touching each other, on most slices."""
    rng = np.random.default_rng(5)
    depth = ndimage.gaussian_filter(
        rng.normal(size=volume.array.shape), volume.array.shape[1] / 15, mode="nearest"
    )
    array = np.zeros(volume.array.shape, np.uint8)
    array[depth > 0] = BONE
    array[depth < np.quantile(depth, 0.3)] = NERVE
    array[2] = 0
    return Labels(array, volume.geometry)


def needle(volume: Volume) -> Line:
    grid = volume.geometry
    ends = grid.to_patient([(0.3, 1.2, 2.4), np.array(grid.shape) - 1.6])
    return Line("Left safe (\N{GREEK SMALL LETTER ALPHA})", ends, own=True)


def written(folder: Path, make: Make) -> Case:
    study, volume = read(make(folder / "ct"))
    labels = anatomy(volume)
    path = folder / "structures.dcm"
    path.write_bytes(structures(labels, [needle(volume)], study, KNOWN, made_from="test"))
    return path, study, volume, labels


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return written(tmp_path_factory.mktemp("case"), CASES[request.param])


def test_labels_come_back_with_dice_1(case: Case) -> None:
    path, _, volume, labels = case
    found = read_structure_set(path, volume, progress=silent, cancel=None)
    assert [each.name for each in found.segments] == ["Bone", "Nerve", "Needle: Left safe (?)"]
    assert [each.fault for each in found.segments] == ["", "", "it has no closed outline"]
    for place, tissue in enumerate((BONE, NERVE), start=1):
        there = np.zeros(labels.array.shape, bool)
        for layer in found.layers:
            there |= np.asarray(layer) == place
        assert np.array_equal(there, labels.array == tissue)


def test_every_outline_lies_in_the_picture_that_it_names(case: Case) -> None:
    path, study, volume, _ = case
    made = pydicom.dcmread(path)
    places = {(str(study.files[each.file].SOPInstanceUID), each.frame): each.place for each in study.pictures}
    off = []
    for roi in made.ROIContourSequence[:2]:
        for contour in roi.ContourSequence:
            (image,) = contour.ContourImageSequence
            place = places[image.ReferencedSOPInstanceUID, int(image.get("ReferencedFrameNumber", 0))]
            normal = np.cross(place.across, place.down)
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            assert len(points) == contour.NumberOfContourPoints >= 3
            off.append(np.abs((points - place.position) @ normal).max())
    assert max(off) < 0.001, "mm"
    (line,) = made.ROIContourSequence[2].ContourSequence
    assert (line.ContourGeometricType, "ContourImageSequence" in line) == ("OPEN_NONPLANAR", False)
    ends = np.array(line.ContourData, float).reshape(-1, 3)
    np.testing.assert_allclose(ends, needle(volume).points, atol=0.0006)


@validator
def test_structure_sets_are_valid(case: Case) -> None:
    assert faults(case[0]) == []


def test_structures_say_what_they_are_and_to_what_they_belong(tmp_path: Path) -> None:
    path, study, _, _ = written(tmp_path, SOURCES["oblique"])
    made = pydicom.dcmread(path)
    frame = study.files[0].FrameOfReferenceUID
    (referenced,) = made.ReferencedFrameOfReferenceSequence
    (series,) = referenced.RTReferencedStudySequence[0].RTReferencedSeriesSequence
    assert referenced.FrameOfReferenceUID == frame
    assert referenced.RTReferencedStudySequence[0].ReferencedSOPInstanceUID == study.uid
    assert series.SeriesInstanceUID == study.files[0].SeriesInstanceUID
    named = {each.ReferencedSOPInstanceUID for each in series.ContourImageSequence}
    assert named == {each.SOPInstanceUID for each in study.files}
    assert {each.ReferencedFrameOfReferenceUID for each in made.StructureSetROISequence} == {frame}
    assert {each.ROIDescription for each in made.StructureSetROISequence} == {NOTICE}
    assert NOTICE.rstrip(".") in made.StructureSetDescription
    assert made.ApprovalStatus == "UNAPPROVED"
    ways = [each.ROIGenerationAlgorithm for each in made.StructureSetROISequence]
    assert ways == ["AUTOMATIC", "AUTOMATIC", "MANUAL"]
    codes = [each.RTROIIdentificationCodeSequence[0].CodeValue for each in made.RTROIObservationsSequence[:2]]
    assert codes == ["272673000", "91728009"]


def test_a_tissue_that_is_nowhere_is_no_structure_and_its_frame_of_reference_is_needed(
    tmp_path: Path,
) -> None:
    study, volume = read(SOURCES["plain"](tmp_path / "ct"))
    labels = labels_of(volume)
    labels.array[labels.array == NERVE] = 0
    path = tmp_path / "structures.dcm"
    path.write_bytes(structures(labels, [], study, Origin(False), made_from=""))
    (roi,) = pydicom.dcmread(path).StructureSetROISequence
    assert (roi.ROIName, roi.ROIGenerationAlgorithm) == ("Bone", "SEMIAUTOMATIC")
    first = copy.deepcopy(study.files[0])
    first.FrameOfReferenceUID = ""
    bare = replace(study, files=(first, *study.files[1:]))
    with pytest.raises(ReadingError, match="no frame of reference"):
        structures(labels, [], bare, KNOWN, made_from="")
