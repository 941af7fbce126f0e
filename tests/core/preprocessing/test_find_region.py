"""Finding L5/S1 from the Hounsfield units alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from spinect_core.base.errors import SpatialError
from spinect_core.image.volume import Geometry, Volume, geometry_from_sitk
from spinect_core.preprocessing import Region, find_lumbosacral_region
from spinect_core.preprocessing.sacrum_and_crests import Heights, bones_of

DATA = Path(__file__).parents[4] / "shared" / "data"


def pelvis(disc_mm: float = 150.0, shift_mm: float = 0.0) -> Volume:
    """A trunk of 3 mm voxels, fat round muscle and before a column, from ``disc_mm`` down a sacrum that meets two
    ilia, crests 33 mm above."""
    z, y, x = np.mgrid[0:330:3, 0:240:3, 0:360:3].astype(np.float32)
    before = (y > 105) & (y < 125)
    across = x - 180 - shift_mm
    hounsfield = np.full(z.shape, -1000, np.float32)
    hounsfield[((x - 180) / 170) ** 2 + ((y - 120) / 110) ** 2 < 1] = -100
    hounsfield[((x - 180) / 130) ** 2 + ((y - 130) / 85) ** 2 < 1] = 40
    hounsfield[before & (hounsfield == 40)] = -100
    column = (np.abs(across) < 22) & (np.abs(y - 160) < 35) & (z > disc_mm)
    sacrum = (np.abs(across) < 62) & (np.abs(y - 190) < 25) & (np.abs(z - disc_mm + 35) < 35)
    ilia = (np.abs(np.abs(across) - 95) < 35) & (np.abs(y - 180) < 12) & (z < disc_mm + 33)
    hounsfield[column | sacrum | ilia] = 400
    noise = np.random.default_rng(0).normal(0, 20, z.shape)
    return Volume(
        (hounsfield + noise).astype(np.int16), Geometry(z.shape, (3.0, 3.0, 3.0), (-180.0, -120.0, -500.0))
    )


def load(path: Path) -> Volume:
    if not path.exists():
        pytest.skip(f"{path.parent.name} is not here: ../shared/data is only on the project's own machines")
    image = sitk.ReadImage(path)
    return Volume(sitk.GetArrayFromImage(image), geometry_from_sitk(image))


def part(volume: Volume, z: slice, y: slice, x: slice) -> Volume:
    array = volume.array[z, y, x]
    first = [axis.indices(count)[0] for axis, count in zip((z, y, x), volume.array.shape, strict=True)]
    geometry = volume.geometry
    origin = tuple(geometry.to_patient(first))
    return Volume(array, Geometry(array.shape, geometry.spacing, origin, geometry.direction))


EVERYTHING = slice(None)


@pytest.mark.parametrize("disc_mm", [110.0, 150.0, 200.0])
@pytest.mark.parametrize("shift_mm", [-25.0, 0.0, 25.0])
def test_the_box_is_about_the_level_where_sacrum_and_ilia_begin(disc_mm: float, shift_mm: float) -> None:
    region = find_lumbosacral_region(pelvis(disc_mm, shift_mm))
    assert region.found
    assert abs(region.centre[2] - (disc_mm - 500)) < 8
    assert abs(region.centre[0] - shift_mm) < 5
    assert region.minimum[1] < 125 - 120 < 215 - 120 < region.maximum[1]


@pytest.mark.parametrize(
    ("z", "y", "x"),
    [
        (slice(20, 75), EVERYTHING, EVERYTHING),
        (EVERYTHING, slice(35, None), slice(35, 85)),
        (slice(None, 55), slice(30, None), slice(37, 83)),
    ],
    ids=["short", "narrow", "both, no crests"],
)
def test_a_smaller_field_of_view_gives_the_same_level(z: slice, y: slice, x: slice) -> None:
    region = find_lumbosacral_region(part(pelvis(), z, y, x))
    assert region.found
    assert np.abs(region.centre - find_lumbosacral_region(pelvis()).centre).max() < 9


def test_a_ct_without_a_pelvis_gives_its_middle_and_says_so() -> None:
    region = find_lumbosacral_region(part(pelvis(), slice(70, None), EVERYTHING, EVERYTHING))
    assert not region.found
    assert "looks like a sacrum between its ilia" in region.note
    assert abs(region.centre[0]) < 10


def test_a_ct_upside_down_is_said_to_be() -> None:
    upright = pelvis()
    region = find_lumbosacral_region(Volume(upright.array[::-1], upright.geometry))
    assert not region.found
    assert "upside down" in region.note


@pytest.mark.parametrize("name", ["totalsegmentator_example_ct"])
def test_a_real_ct_upside_down_is_said_to_be(name: str) -> None:
    upright = load(DATA / name / "ct.nii.gz")
    assert "upside down" in find_lumbosacral_region(Volume(upright.array[::-1], upright.geometry)).note


@pytest.mark.parametrize("hounsfield", [-1000, 0, 2000])
def test_a_ct_of_one_value_gives_its_middle(hounsfield: int) -> None:
    volume = Volume(np.full((9, 10, 11), hounsfield, np.int16), Geometry((9, 10, 11), (5.0, 5.0, 5.0)))
    region = find_lumbosacral_region(volume)
    assert not region.found
    assert np.abs(region.centre - volume.geometry.centre).max() < 3


def test_the_region_does_not_depend_on_the_order_of_storage() -> None:
    volume = pelvis()
    mirrored = Volume(
        np.ascontiguousarray(volume.array[:, ::-1, ::-1].transpose(2, 0, 1)),
        Geometry(
            (120, 110, 80),
            (3.0, 3.0, 3.0),
            tuple(volume.geometry.to_patient((0, 79, 119))),
            np.array([[0, 0, -1], [-1, 0, 0], [0, 1, 0]]),
        ),
    )
    assert np.allclose(find_lumbosacral_region(mirrored).minimum, find_lumbosacral_region(volume).minimum)


def test_real_patient() -> None:
    volume = load(DATA / "totalsegmentator_example_ct" / "ct.nii.gz")
    labels = load(DATA / "totalsegmentator_example_ct" / "labels_totalseg_total_fast.nii.gz")
    region = find_lumbosacral_region(volume)
    assert region.found

    def extent(label: int) -> tuple[np.ndarray, np.ndarray]:
        points = labels.geometry.to_patient(np.argwhere(labels.array == label))
        return points.min(axis=0), points.max(axis=0)

    for whole in (26, 27):
        low, high = extent(whole)
        assert np.all(low >= region.minimum)
        assert np.all(high <= region.maximum)
    low, high = extent(28)
    assert region.maximum[2] > (low[2] + high[2]) / 2
    junction = (extent(26)[1][2] + extent(27)[0][2]) / 2
    assert abs(region.centre[2] - junction) < 12


def test_anthropomorphic_phantom() -> None:
    region = find_lumbosacral_region(load(DATA / "alderson_phantom_ct" / "ct.nii.gz"))
    assert not region.found
    assert "phantom of resin" in region.note
    # L5/S1, read off the sagittal slice, lies 80 mm above the first slice.
    assert abs(region.centre[2] - (-584 + 80)) < 10


def test_noise_and_narrow_field_on_a_real_patient() -> None:
    volume = load(DATA / "totalsegmentator_example_ct" / "ct.nii.gz")
    level = find_lumbosacral_region(volume).centre[2]
    noisy = volume.array + np.random.default_rng(0).normal(0, 60, volume.array.shape)
    assert abs(find_lumbosacral_region(Volume(noisy, volume.geometry)).centre[2] - level) < 5
    narrow = find_lumbosacral_region(part(volume, slice(20, 85), slice(None, 60), slice(33, 88)))
    assert narrow.found
    assert abs(narrow.centre[2] - level) < 6


def test_a_box_has_the_size_of_whole_tiles() -> None:
    region = find_lumbosacral_region(pelvis())
    assert isinstance(region, Region)
    x, y, z = region.size
    assert (z - 32) % 20 == 0
    assert (y - 64) % 40 == 0
    assert (x - 64) % 40 == 0


@pytest.mark.parametrize("disc_mm", [120.0, 180.0])
def test_without_a_sacrum_the_crests_lie_33_mm_above_the_level(disc_mm: float) -> None:
    volume = pelvis(disc_mm)
    z, _, x = np.indices(volume.array.shape) * 3.0
    sacrum = (z < disc_mm) & (np.abs(x - 180) < 63)
    column = (np.abs(x - 180) < 22) & (np.indices(volume.array.shape)[1] * 3.0 > 125)
    hounsfield = np.where(sacrum & ~column & (volume.array > 200), np.int16(40), volume.array)
    heights = Heights.of(bones_of(hounsfield.astype(np.float32)))
    assert (heights.sacrum, heights.words) == (None, "the iliac crests")
    assert heights.level is not None
    assert heights.level * 3.0 == pytest.approx(disc_mm, abs=7)


@pytest.mark.parametrize("spacing", [(1000.0, 1000.0, 1000.0), (0.5, 0.5, 1e300), (1e6, 0.5, 0.5)])
def test_a_spacing_that_no_body_has_is_named_before_it_fills_the_memory(
    spacing: tuple[float, float, float],
) -> None:
    volume = Volume(np.zeros((6, 8, 10), np.int16), Geometry((6, 8, 10), spacing), "thorax")
    with pytest.raises(SpatialError, match=r"mm large, by a voxel spacing of .* and no body is") as caught:
        find_lumbosacral_region(volume)
    assert caught.value.source == "thorax"


def test_a_spacing_of_almost_nothing_finds_nothing() -> None:
    assert not find_lumbosacral_region(
        Volume(np.zeros((6, 8, 10), np.int16), Geometry((6, 8, 10), (1e-9,) * 3))
    ).found
