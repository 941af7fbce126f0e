"""The 1 mm grid: independent of the order in which a CT is stored, and exact on the way back."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinect_core.base.errors import UsageError
from spinect_core.image.volume import Geometry, Volume
from spinect_core.preprocessing import Prepared, Region, prepare
from spinect_core.preprocessing.grid import canonical_order, regular_grid
from spinect_core.preprocessing.prepare import prepare_again

ORIENTATIONS = [
    (axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)
]


def stored_as(volume: Volume, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """The same CT in the patient, its array axes permuted and flipped."""
    steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    array = np.ascontiguousarray(volume.array.transpose(axes)[steps])
    first = np.zeros(3)
    for new, (old, flip) in enumerate(zip(axes, flips, strict=True)):
        first[old] = volume.array.shape[old] - 1 if flip else 0
        assert array.shape[new] == volume.array.shape[old]
    old_columns = [2 - axes[2 - column] for column in range(3)]
    signs = np.array([-1.0 if flips[2 - column] else 1.0 for column in range(3)])
    geometry = Geometry(
        shape=array.shape,
        spacing=tuple(np.asarray(volume.geometry.spacing)[old_columns]),
        origin=tuple(volume.geometry.to_patient(first)),
        direction=volume.geometry.direction[:, old_columns] * signs,
    )
    return Volume(array, geometry)


def turned(degrees: float) -> npt.NDArray[np.float64]:
    angle = np.radians(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    about_z = np.array([[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1]])
    return about_z @ about_x


@pytest.fixture
def asymmetric() -> Volume:
    """Noise with a bright block on the patient's left, at the back and near the head; anisotropic, tilted
    voxels."""
    hounsfield = np.random.default_rng(1).integers(-150, 400, (23, 40, 37)).astype(np.int16)
    hounsfield[17:20, 30:35, 27:33] = 1000
    return Volume(hounsfield, Geometry((23, 40, 37), (0.71, 0.83, 2.3), (-13.3, 21.7, 5.1), turned(12)))


def read(volume: Volume, region: Region, how: str) -> Prepared:
    """A region as the three modes read it."""
    if how == "again":
        return prepare_again(volume, prepare(volume, region, "mean"))
    return prepare(volume, region, how)


@pytest.mark.parametrize("how", ["nearest", "mean", "again"])
@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_every_storage_order_gives_the_same_arrays_and_comes_back(
    asymmetric: Volume, axes: tuple[int, ...], flips: tuple[bool, ...], how: str
) -> None:
    region = Region.around(asymmetric.geometry.centre + np.array([1.3, 0.2, 2.6]), (19.7, 21.2, 30.0))
    reference, stored = read(asymmetric, region, how), stored_as(asymmetric, axes, flips)

    prepared = read(stored, region, how)

    assert np.array_equal(prepared.array, reference.array)
    assert np.array_equal(prepared.occupied, reference.occupied)
    assert prepared.geometry.same_grid(reference.geometry, 1e-5)
    shares = np.random.default_rng(3).dirichlet((1, 1, 1), prepared.array.shape).astype(np.float32)
    expected = stored_as(Volume(reference.restore(shares).array, asymmetric.geometry), axes, flips)
    restored = prepared.restore(shares)
    assert restored.geometry is stored.geometry
    assert np.array_equal(restored.array, expected.array)


def test_left_back_and_head_lie_at_the_end_of_the_axes(asymmetric: Volume) -> None:
    whole = Region.around(asymmetric.geometry.centre, (90, 90, 90))
    prepared = prepare(asymmetric, whole)
    bright = np.argwhere(prepared.array == prepared.array.max()).mean(axis=0)
    assert np.all(bright > np.asarray(prepared.array.shape) / 2)
    true = asymmetric.geometry.to_patient((18, 32, 29.5))
    assert np.abs(prepared.geometry.to_patient(bright) - true).max() < 0.8


def test_a_millimetre_voxel_takes_the_nearest_ct_voxel() -> None:
    ramp = np.arange(10, dtype=np.int16)[:, None, None] * np.ones((1, 4, 4), np.int16)
    volume = Volume(ramp, Geometry(ramp.shape, (1.0, 1.0, 2.4)))
    prepared = prepare(volume, Region.around(volume.geometry.centre, (50, 50, 50)))
    assert prepared.array.shape == (24, 4, 4)
    heights = prepared.geometry.to_patient([(k, 0, 0) for k in range(24)])[:, 2]
    assert np.array_equal(prepared.sample(ramp)[:, 0, 0], np.round(heights / 2.4))


@given(
    spacing=st.tuples(*[st.floats(0.3, 3.5)] * 3),
    shape=st.tuples(*[st.integers(4, 12)] * 3),
    seed=st.integers(0, 1000),
)
def test_means_over_the_whole_ct_lose_nothing(
    spacing: tuple[float, float, float], shape: tuple[int, int, int], seed: int
) -> None:
    hounsfield = np.random.default_rng(seed).integers(-1000, 2000, shape).astype(np.int16)
    volume = Volume(hounsfield, Geometry(shape, spacing))
    prepared = prepare(volume, Region.around(volume.geometry.centre, (90, 90, 90)), "mean")
    # The last cubes may reach beyond the CT; they count with what of them lies inside.
    reach = [
        np.clip(n * step - np.arange(cubes), 0, 1)
        for n, step, cubes in zip(shape, spacing[::-1], prepared.array.shape, strict=True)
    ]
    mass = np.einsum("zyx,z,y,x->", prepared.mean(hounsfield), *reach)
    assert mass == pytest.approx(hounsfield.sum(dtype=float) * np.prod(spacing), rel=1e-4, abs=1e-1)


def test_a_mean_is_what_lies_within_the_millimetre() -> None:
    ramp = np.arange(10, dtype=np.int16)[:, None, None] * np.ones((1, 4, 4), np.int16)
    volume = Volume(ramp, Geometry(ramp.shape, (1.0, 1.0, 0.4)))
    prepared = prepare(volume, Region.around(volume.geometry.centre, (50, 50, 50)), "mean")
    # 0 to 1 mm: voxels 0 and 1 whole, half of voxel 2; 1 to 2 mm: the other half, 3 and 4 whole.
    assert np.allclose(prepared.mean(ramp)[:, 0, 0], [0.8, 3.2, 5.8, 8.2])


def test_on_a_ct_of_one_millimetre_means_are_the_voxels_themselves() -> None:
    hounsfield = np.random.default_rng(2).integers(-1000, 2000, (20, 22, 24)).astype(np.int16)
    volume = Volume(hounsfield, Geometry(hounsfield.shape, (1.0, 1.0, 1.0), (0.3, -7.7, 11.1)))
    region = Region.around(volume.geometry.centre, (12, 13, 14))
    nearest, mean = prepare(volume, region), prepare(volume, region, "mean")
    assert np.array_equal(nearest.array, mean.array)


def test_a_ct_of_one_millimetre_is_read_again_where_eight_voxels_meet() -> None:
    hounsfield = np.random.default_rng(2).integers(-1000, 2000, (20, 22, 24)).astype(np.int16)
    volume = Volume(hounsfield, Geometry(hounsfield.shape, (1.0, 1.0, 1.0), (0.3, -7.7, 11.1)))
    first = prepare(volume, Region.around(volume.geometry.centre, (12, 13, 14)), "mean")
    again = prepare_again(volume, first).mean(hounsfield)
    z, y, x = (int(place) for place in first.start)
    assert again[0, 0, 0] == pytest.approx(hounsfield[z - 1 : z + 1, y - 1 : y + 1, x - 1 : x + 1].mean())


def test_what_lies_between_two_voxels_of_one_reading_lies_within_one_of_the_other() -> None:
    geometry = Geometry((40, 44, 48), (0.5, 0.8, 1.0), (-11.0, 5.5, 3.0), turned(12))
    at = geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1).reshape(-1, 3))
    field = (at @ (7.0, -3.0, 4.0)).reshape(geometry.shape).astype(np.float32)
    volume = Volume(field, geometry)
    first = prepare(volume, Region.around(geometry.centre, (16, 20, 22)), "mean")
    second = prepare_again(volume, first)

    assert second.array.shape == first.array.shape
    assert np.allclose(first.geometry.to_index(second.geometry.origin), -0.5, atol=1e-6)
    places = second.geometry.to_patient(np.moveaxis(np.indices(second.array.shape), 0, -1).reshape(-1, 3))
    expected = (places @ (7.0, -3.0, 4.0)).reshape(second.array.shape)
    # A cube of unequal parts of voxels has its mean a little beside its middle.
    assert np.abs(second.mean(field) - expected).max() < 0.2 * np.abs((7.0, -3.0, 4.0)).sum()
    assert abs(float((second.mean(field) - expected).mean())) < 0.05


@pytest.mark.parametrize("thick", [2.0, 3.0])
def test_between_thick_slices_a_smooth_picture_comes_back(thick: float) -> None:
    """A wave of 16 mm along the slices, each slice its mean over its thickness: steps miss it, the spline hardly."""
    count = round(48 / thick)
    faces = 2 * np.pi * np.arange(count + 1) * thick / 16
    wave = 1000 * np.diff(-np.cos(faces)) / (2 * np.pi * thick / 16)
    volume = Volume(np.tile(wave[:, None, None], (1, 6, 6)), Geometry((count, 6, 6), (1.0, 1.0, thick)))
    prepared = prepare(volume, Region.around(volume.geometry.centre, (6, 6, 36)), "mean")
    again = prepare_again(volume, prepared)
    for reading in (prepared, again):
        middles = np.arange(reading.array.shape[0]) + reading.start[0] + 0.5
        true = 1000 * np.sin(2 * np.pi * middles / 16)
        read, steps = (
            each[:, 2, 2] for each in (reading.intensity(volume.array), reading.mean(volume.array))
        )
        # What a slice averages away stays lost: the wave is lower by the mean over its thickness.
        lost = 1000 * (1 - np.sinc(thick / 16))
        assert np.abs(read - true).max() < lost + 20
        assert np.std(read - true) < 0.5 * np.std(steps - true)


def test_the_spline_of_a_part_is_that_of_the_whole_and_fine_axes_keep_their_means() -> None:
    hounsfield = np.random.default_rng(3).integers(-1000, 2000, (40, 30, 30)).astype(np.int16)
    volume = Volume(hounsfield, Geometry(hounsfield.shape, (0.8, 1.4, 3.0)))
    whole = prepare(volume, Region.around(volume.geometry.centre, (400, 400, 400)), "mean")
    part = prepare(volume, Region.around(volume.geometry.centre, (12, 20, 40)), "mean")
    box = tuple(slice(int(at), int(at) + size) for at, size in zip(part.start, part.array.shape, strict=True))
    assert np.allclose(part.intensity(hounsfield), whole.intensity(hounsfield)[box], atol=0.05)
    flat = np.broadcast_to(hounsfield[:1], hounsfield.shape)
    assert np.allclose(whole.intensity(flat), whole.mean(flat), atol=0.05)
    assert not np.allclose(whole.intensity(hounsfield), whole.mean(hounsfield), atol=100)


def test_labels_are_not_interpolated() -> None:
    labels = np.zeros((6, 4, 4), np.uint8)
    labels[2], labels[3] = 2, 1
    volume = Volume(np.zeros(labels.shape, np.int16), Geometry(labels.shape, (1.0, 1.0, 3.0)))
    prepared = prepare(volume, Region.around(volume.geometry.centre, (50, 50, 50)), "mean")
    assert np.array_equal(prepared.sample_labels(labels)[:, 0, 0], np.repeat(labels[:, 0, 0], 3))


def test_a_label_is_the_class_that_fills_most_of_the_millimetre() -> None:
    labels = np.zeros((5, 4, 4), np.uint8)
    labels[:, :, 0], labels[:, :, 1], labels[:, :, 2:] = 1, 1, 2
    volume = Volume(np.zeros(labels.shape, np.int16), Geometry(labels.shape, (0.7, 1.0, 1.0)))
    prepared = prepare(volume, Region.around(volume.geometry.centre, (50, 50, 50)), "mean")
    # 0 to 1.4 mm is bone: all of the first millimetre, 0.4 of the second.
    assert np.array_equal(prepared.sample_labels(labels)[0, 0], [1, 2, 2])
    assert np.array_equal(prepare(volume, prepared.region).sample_labels(labels)[0, 0], [1, 2, 2])
    half = np.zeros((4, 4, 4), np.uint8)
    half[:, :, 1::2] = 2
    fine = prepare(
        Volume(np.zeros(half.shape, np.int16), Geometry(half.shape, (0.5, 1.0, 1.0))),
        Region((-1, -1, -1), (9, 9, 9)),
        "mean",
    )
    assert not fine.sample_labels(half).any(), "of two that fill it alike, the lower"


def test_unknown_voxels_are_refused(asymmetric: Volume) -> None:
    with pytest.raises(UsageError, match="Voxels cannot be 'linear'"):
        prepare(asymmetric, Region.around(asymmetric.geometry.centre, (20, 20, 20)), "linear")


def test_the_region_is_cut_to_the_ct_and_has_the_size_asked_for() -> None:
    geometry = Geometry((50, 60, 70), (1.0, 1.0, 1.0))
    volume = Volume(np.zeros(geometry.shape, np.int16), geometry)
    inside = prepare(volume, Region((9.5, 19.5, 29.5), (39.5, 44.5, 45.5)))
    assert inside.array.shape == (16, 25, 30)
    assert np.allclose(inside.geometry.origin, (10, 20, 30))
    cut = prepare(volume, Region((-100, 19.5, 29.5), (39.5, 44.5, 450)))
    assert cut.array.shape == (20, 25, 40)


def test_a_region_beside_the_ct_is_refused() -> None:
    volume = Volume(np.zeros((5, 5, 5), np.int16), Geometry((5, 5, 5), (1.0, 1.0, 1.0)))
    with pytest.raises(UsageError, match="lies outside the CT"):
        prepare(volume, Region((100, 100, 100), (120, 120, 120)))


@pytest.mark.parametrize("maximum", [(0, 10, 10), (10, 10, float("nan")), (10, 10)])
def test_a_region_must_be_a_box(maximum: tuple[float, ...]) -> None:
    with pytest.raises(UsageError):
        Region((0, 0, 0), maximum)


def test_arrays_on_another_grid_are_refused() -> None:
    volume = Volume(np.zeros((5, 5, 5), np.int16), Geometry((5, 5, 5), (2.0, 2.0, 2.0)))
    prepared = prepare(volume, Region.around((4, 4, 4), (6, 6, 6)))
    with pytest.raises(UsageError, match="not on the grid"):
        prepared.restore(np.zeros((5, 5, 5, 3), np.float32))
    with pytest.raises(UsageError, match="not on the CT's grid"):
        prepared.sample(np.zeros((6, 6, 6), np.uint8))


def test_a_grid_turned_by_45_degrees_is_read_the_same_in_every_order() -> None:
    angle = np.pi / 4
    direction = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    volume = Volume(np.zeros((4, 5, 6), np.int16), Geometry((4, 5, 6), (1.0, 2.0, 3.0), direction=direction))
    grids = [regular_grid(canonical_order(stored_as(volume, *o).geometry)[1], 1.0) for o in ORIENTATIONS]
    assert all(grid.same_grid(grids[0]) for grid in grids)
