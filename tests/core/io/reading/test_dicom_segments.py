"""DICOM segmentations, written by highdicom, on a CT of the same frame of reference."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spinect_core.base.errors import ReadingError, SpatialError
from spinect_core.image.organs import NUMBERS, Organ
from spinect_core.image.volume import Geometry, Volume
from spinect_core.io.reading import read_organs
from spinect_core.io.writing import write_dicom_series

GRID = Geometry((12, 40, 50), (3.0, 3.0, 3.0), (-74.0, -59.0, -300.0))
LEFT, RIGHT = Code("7771000", "SCT", "Left"), Code("24028007", "SCT", "Right")


def drawn() -> tuple[Volume, dict[str, np.ndarray]]:
    z, _y, x = np.indices(GRID.shape)
    masks = {
        "kidney_left": (x > 34) & (x < 44) & (z > 2) & (z < 8),
        "kidney_right": (x > 6) & (x < 16) & (z > 4),
        "aorta": (x > 20) & (x < 25),
        "colon": (x > 26) & (x < 32) & (z < 6),
    }
    hu = np.full(GRID.shape, -100, dtype=np.int16)
    for name, mask in masks.items():
        hu[mask] = 30 if name != "colon" else -800
    return Volume(hu, GRID), masks


def description(number: int, name: str, code: Code, side: Code | None = None) -> hd.seg.SegmentDescription:
    made = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=codes.SCT.Organ,
        segmented_property_type=code,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="drawn", version="1", family=codes.DCM.ArtificialIntelligence
        ),
    )
    if side is not None:
        kind = made.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [hd.sr.CodedConcept(*side)]
    return made


def write(folder: Path, kind: str = "BINARY") -> tuple[Path, Volume, dict[str, np.ndarray]]:
    volume, masks = drawn()
    slices = [pydicom.dcmread(file) for file in write_dicom_series(volume, folder / "ct")]
    for each in slices:
        each.PatientName = "Drawn^"  # highdicom asks for a name with two parts
    named = [
        description(1, "a", Code("64033007", "SCT", "Kidney"), LEFT),
        description(2, "b", Code("64033007", "SCT", "Kidney"), RIGHT),
        description(3, "c", Code("15825003", "SCT", "Aorta")),
        description(4, "Colon", Code("999999", "99OWN", "of no standard")),
    ]
    pixels = np.stack(list(masks.values()), axis=-1)
    made = hd.seg.Segmentation(
        source_images=slices,
        pixel_array=pixels.astype(np.uint8 if kind == "BINARY" else np.float32),
        segmentation_type=hd.seg.SegmentationTypeValues(kind),
        segment_descriptions=named,
        series_instance_uid=hd.UID(),
        series_number=9,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="drawn",
        manufacturer_model_name="drawn",
        software_versions="1",
        device_serial_number="1",
    )
    path = folder / "seg.dcm"
    made.save_as(path)
    return path, volume, masks


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_segments_are_taken_by_their_codes_with_their_sides_where_they_lie(tmp_path: Path, kind: str) -> None:
    path, volume, masks = write(tmp_path, kind)
    organs = read_organs(path, volume)
    points = GRID.to_patient(np.argwhere(np.ones(GRID.shape)))
    for name, organ in (
        ("kidney_left", Organ.KIDNEY_LEFT),
        ("kidney_right", Organ.KIDNEY_RIGHT),
        ("aorta", Organ.AORTA),
        ("colon", Organ.BOWEL),  # by its label: the code means nothing
    ):
        assert np.array_equal(organs.at(points) == NUMBERS[organ], masks[name].ravel()), name
    assert organs.looked_for == (Organ.KIDNEY_LEFT, Organ.KIDNEY_RIGHT, Organ.AORTA)
    assert organs.warnings == ()


def test_a_folder_with_ct_and_segmentation_holds_one_segmentation(tmp_path: Path) -> None:
    path, volume, _masks = write(tmp_path)
    path.rename(tmp_path / "ct" / "seg.dcm")
    assert read_organs(tmp_path / "ct", volume).found
    (tmp_path / "ct" / "seg.dcm").unlink()
    with pytest.raises(ReadingError, match="No DICOM file is a segmentation"):
        read_organs(tmp_path / "ct", volume)


def test_a_damaged_segmentation_is_refused(tmp_path: Path) -> None:
    path, volume, _masks = write(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(ReadingError):
        read_organs(path, volume)
    path.write_bytes(whole[:400])
    with pytest.raises(ReadingError):
        read_organs(path, volume)


def test_a_segmentation_of_another_place_is_refused(tmp_path: Path) -> None:
    path, volume, _masks = write(tmp_path)
    away = Geometry(GRID.shape, GRID.spacing, (-74.0, -59.0, 100.0))
    with pytest.raises(SpatialError, match="do not lie over this CT"):
        read_organs(path, Volume(volume.array, away))
