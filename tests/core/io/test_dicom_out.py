"""Segmentations lie on the pictures that they were made of, however these lie in the patient and in their files."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from dicom_maker import example_volume, make_enhanced, make_series
from dicom_tools import faults, validator
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from spinect_core.base.errors import ReadingError
from spinect_core.base.progress import silent
from spinect_core.image.volume import BONE, NERVE, Labels, Volume
from spinect_core.io.dicom_out.segmentation import Origin, segmentation
from spinect_core.io.dicom_out.study import Study
from spinect_core.io.reading import ReadOptions, list_series, read_series
from spinect_core.io.reading.dicom_segments import read_segments

SHAPE = (8, 11, 9)
"""Frames of 99 pixels: packed as bits, none but the first begins at a byte."""
OBLIQUE = Rotation.from_euler("xyz", [12, -7, 33], degrees=True).as_matrix()
SAGITTAL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]) @ np.diag([1.0, 1.0, -1.0])
LOWER, HIGHER = -500, 500
"""HU below which this test calls a voxel nerve, and above which bone."""
KNOWN = Origin(True, "0.1.0", "ab" * 32, "openvino", "thorough")
Make = Callable[[Path], Path]


def turned(direction: np.ndarray, **more: object) -> Make:
    options = {"shape": SHAPE, "direction": direction, **more}
    return lambda folder: make_series(folder, example_volume(**options))  # type: ignore[arg-type]


def sliding(folder: Path) -> Path:
    """A table that creeps by 0.004 mm a slice."""

    def edit(dataset: Dataset, z: int) -> None:
        x, y, height = map(float, dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [f"{x + 0.004 * z:.4f}", y, height]

    return make_series(folder, example_volume(SHAPE), edit)


def rounded(folder: Path) -> Path:
    """Thin slices whose places are written with one decimal."""

    def edit(dataset: Dataset, z: int) -> None:
        dataset.ImagePositionPatient = [f"{float(number):.1f}" for number in dataset.ImagePositionPatient]

    return make_series(folder, example_volume((130, 11, 9), (0.5, 0.5, 0.33)), edit)


def shuffled_frames(folder: Path) -> Path:
    order = [3, 0, 7, 5, 1, 2, 6, 4]
    make_enhanced(folder / "many.dcm", example_volume(SHAPE, direction=OBLIQUE), order)
    return folder


def corrected(folder: Path) -> Path:
    """A CT taken with a tilted gantry and reformatted to slices that form a volume; its header keeps the tilt."""

    def edit(dataset: Dataset, z: int) -> None:
        dataset.GantryDetectorTilt = "15"

    tilted = Rotation.from_euler("x", 15, degrees=True).as_matrix()
    return make_series(folder, example_volume(SHAPE, direction=tilted), edit)


SOURCES: dict[str, Make] = {
    "plain": turned(np.eye(3)),
    "prone": turned(np.diag([-1.0, -1.0, 1.0])),
    "feet-first": turned(np.diag([-1.0, 1.0, -1.0])),
    "from the head down": turned(np.diag([1.0, 1.0, -1.0])),
    "oblique": turned(OBLIQUE),
    "oblique prone": turned(OBLIQUE @ np.diag([-1.0, -1.0, 1.0])),
    "sagittal": turned(SAGITTAL),
    "0.4 mm": turned(OBLIQUE, spacing=(0.4, 0.41, 0.4), shape=(103, 7, 9)),
    "3 mm": turned(np.eye(3), spacing=(0.7, 0.7, 3.0), shape=(15, 11, 9)),
    "tilted and corrected": corrected,
    "sliding": sliding,
    "rounded": rounded,
    "multi-frame": shuffled_frames,
}


def read(folder: Path) -> tuple[Study, Volume]:
    (series,) = list_series(folder)
    volume = read_series(series, options=ReadOptions(assume_hu=True))
    return Study.of(series, volume, "2026-11-30T01:00:00"), volume


def labels_of(volume: Volume) -> Labels:
    array = np.zeros(volume.array.shape, np.uint8)
    array[volume.array > HIGHER] = BONE
    array[volume.array < LOWER] = NERVE
    array[2] = 0  # a picture with nothing on it has a frame as well
    return Labels(array, volume.geometry)


def source_pictures(folder: Path) -> dict[tuple[str, int], tuple[np.ndarray, list[float]]]:
    """HU and position of every picture by identifier and number of the frame, without anything of the program."""
    found = {}
    for file in folder.iterdir():
        data = pydicom.dcmread(file)
        if "NumberOfFrames" in data:
            scale = data.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
            for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence, start=1):
                hu = data.pixel_array[number - 1] * scale.RescaleSlope + scale.RescaleIntercept
                place = frame.PlanePositionSequence[0].ImagePositionPatient
                found[data.SOPInstanceUID, number] = hu, list(map(float, place))
        else:
            hu = data.pixel_array * data.RescaleSlope + data.RescaleIntercept
            found[data.SOPInstanceUID, 0] = hu, list(map(float, data.ImagePositionPatient))
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_every_frame_lies_on_its_picture_and_marks_that_pictures_voxels(tmp_path: Path, name: str) -> None:
    folder = SOURCES[name](tmp_path / "ct")
    study, volume = read(folder)
    labels = labels_of(volume)
    path = tmp_path / "segmentation.dcm"
    path.write_bytes(segmentation(labels, study, KNOWN, made_from="test"))
    made = pydicom.dcmread(path)
    pictures = source_pictures(folder)
    # where the slice with nothing on it lies, by its place alone
    bare = volume.geometry.to_patient((2, 0, 0))
    pixels = made.pixel_array
    seen = []
    for mask, frame in zip(pixels, made.PerFrameFunctionalGroupsSequence, strict=True):
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        key = source.ReferencedSOPInstanceUID, int(source.get("ReferencedFrameNumber", 0))
        hu, position = pictures[key]
        assert source.SpatialLocationsPreserved == "YES"
        place = list(map(float, frame.PlanePositionSequence[0].ImagePositionPatient))
        np.testing.assert_allclose(place, position, atol=1e-6)
        wanted = hu > HIGHER if number == BONE else hu < LOWER
        if np.linalg.norm(np.subtract(position, bare)) < 0.1:
            wanted = np.zeros_like(wanted)
        np.testing.assert_array_equal(mask != 0, wanted)
        seen.append((number, *key))
    assert sorted(seen) == sorted((number, *key) for number in (BONE, NERVE) for key in pictures)
    shared = made.SharedFunctionalGroupsSequence[0]
    axes = volume.geometry.direction[:, :2].T.ravel()
    np.testing.assert_allclose(shared.PlaneOrientationSequence[0].ImageOrientationPatient, axes, atol=1e-6)


@pytest.mark.parametrize("name", SOURCES)
def test_labels_come_back_with_dice_1(tmp_path: Path, name: str) -> None:
    study, volume = read(SOURCES[name](tmp_path / "ct"))
    labels = labels_of(volume)
    path = tmp_path / "segmentation.dcm"
    path.write_bytes(segmentation(labels, study, KNOWN, made_from="test"))
    # by the program's own reader
    if name not in ("sliding", "rounded"):  # it takes frames that lie so unevenly for damage
        array, grid, names = read_segments([path], path, progress=silent, cancel=None)
        assert names == {BONE: "Bone", NERVE: "Nerve"}
        assert grid.same_grid(volume.geometry)
        np.testing.assert_array_equal(array, labels.array)
    # and by highdicom: picture by picture, or in its own idea of the patient's space
    made = hd.seg.segread(path)
    if name == "rounded":
        uids = [str(study.files[each.file].SOPInstanceUID) for each in study.pictures]
        pixels = made.get_pixels_by_source_instance(uids, combine_segments=True)
        np.testing.assert_array_equal(pixels, labels.array)
        return
    again = made.get_volume(combine_segments=True, atol=0.05)
    index = np.argwhere(labels.array)
    there = np.rint(again.map_reference_to_indices(labels.geometry.to_patient(index))).astype(int)
    np.testing.assert_array_equal(again.array[tuple(there.T)], labels.array[tuple(index.T)])
    assert (again.array > 0).sum() == len(index)


@validator
@pytest.mark.parametrize("name", SOURCES)
def test_segmentations_are_valid(tmp_path: Path, name: str) -> None:
    study, volume = read(SOURCES[name](tmp_path / "ct"))
    path = tmp_path / "segmentation.dcm"
    path.write_bytes(segmentation(labels_of(volume), study, KNOWN, made_from="test"))
    assert faults(path) == []


def test_left_stays_left(tmp_path: Path) -> None:
    """A mark in the patient's left half, in a prone patient whose columns run to the right of the patient."""
    study, volume = read(SOURCES["prone"](tmp_path / "ct"))
    at = volume.geometry.to_patient(np.moveaxis(np.indices(SHAPE), 0, -1))
    middle = volume.geometry.centre[0]
    array = np.where(at[..., 0] > middle + 1, BONE, 0).astype(np.uint8)
    made = pydicom.dcmread(
        _written(tmp_path, segmentation(Labels(array, volume.geometry), study, KNOWN, made_from=""))
    )
    orientation = made.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    assert orientation[0] == -1
    (row, column) = np.argwhere(made.pixel_array[0])[0]
    first = made.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient[0]
    spacing = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing[1]
    assert row == 0
    assert first - column * spacing > middle


def test_segments_say_what_they_are_and_who_drew_them(tmp_path: Path) -> None:
    study, volume = read(SOURCES["plain"](tmp_path / "ct"))
    made = pydicom.dcmread(_written(tmp_path, segmentation(labels_of(volume), study, KNOWN, made_from="")))
    bone, nerve = made.SegmentSequence
    assert (bone.SegmentLabel, nerve.SegmentLabel) == ("Bone", "Nerve")
    for segment, code in ((bone, "272673000"), (nerve, "91728009")):
        (kind,), (category,) = (
            segment.SegmentedPropertyTypeCodeSequence,
            segment.SegmentedPropertyCategoryCodeSequence,
        )
        assert (kind.CodeValue, kind.CodingSchemeDesignator) == (code, "SCT")
        assert (category.CodeValue, category.CodingSchemeDesignator) == ("91723000", "SCT")
        algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
        assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("SPINECT", "0.1.0")
        assert "ab" * 32 in algorithm.AlgorithmParameters
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
    unknown = segmentation(labels_of(volume), study, Origin(False), made_from="")
    made = pydicom.dcmread(_written(tmp_path, unknown))
    assert {each.SegmentAlgorithmType for each in made.SegmentSequence} == {"SEMIAUTOMATIC"}
    assert "SPINECT" not in {each.SegmentAlgorithmName for each in made.SegmentSequence}


def test_a_ct_that_cannot_be_referred_to_is_refused_with_the_reason(tmp_path: Path) -> None:
    study, volume = read(SOURCES["plain"](tmp_path / "ct"))
    labels = labels_of(volume)

    def refused(files: tuple[Dataset, ...], says: str) -> None:
        with pytest.raises(ReadingError, match=says):
            segmentation(labels, replace(study, files=files), KNOWN, made_from="")

    def with_other(keyword: str, value: str) -> tuple[Dataset, ...]:
        first = copy.deepcopy(study.files[0])
        setattr(first, keyword, value)
        return (first, *study.files[1:])

    refused(with_other("FrameOfReferenceUID", ""), "no frame of reference")
    refused(with_other("SeriesInstanceUID", "1.2.3"), "several series")
    refused(with_other("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"), "not of the kind CT Image Storage")


def test_a_tilted_gantry_is_refused_with_the_reason(tmp_path: Path) -> None:
    def edit(dataset: Dataset, z: int) -> None:
        x, y, height = map(float, dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [x, y + 0.8 * z, height]

    (series,) = list_series(make_series(tmp_path / "ct", example_volume(SHAPE), edit))
    assert not series.loadable
    assert "gantry was tilted" in str(series.fault)


def test_a_volume_that_lies_otherwise_than_its_pictures_is_refused(tmp_path: Path) -> None:
    (series,) = list_series(SOURCES["plain"](tmp_path / "ct"))
    volume = read_series(series, options=ReadOptions(assume_hu=True))
    for grid in (
        replace(volume.geometry, origin=tuple(np.add(volume.geometry.origin, (0, 0, 1.0)))),
        replace(volume.geometry, direction=np.diag([-1.0, -1.0, 1.0])),
        replace(volume.geometry, spacing=(4.5, 4.8, 2.6)),
    ):
        with pytest.raises(ReadingError, match="no picture of their own"):
            Study.of(series, replace(volume, geometry=grid), "")


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "segmentation.dcm"
    path.write_bytes(content)
    return path
